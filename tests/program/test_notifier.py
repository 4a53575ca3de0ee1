"""Who is notified of what, and when, by the real program; also where it does not get through."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from postpost_sync.sandbox.behaviour import Behaviour
from tests.support.rig import HANG, Rig, rig
from tests.support.web_hook import FINE, WRONG, Hook, broken, fails, taken, told, trickles


@pytest.fixture
def pp(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Iterator[Rig]:
    with rig(tmp_path, capsys, behaviour=FINE) as one:
        yield one


# --- what is told, by the real program --------------------------------------------------------------------------------


def test_a_post_that_needs_a_person_is_told_of_once_whatever_is_started_how_often(pp: Rig, hook: Hook) -> None:
    told(pp, hook.url)
    pp.drop("launch", WRONG)
    pp.drop("fine")
    assert [pp.run_once() for _ in range(3)] == [1, 1, 1]
    (message,) = hook.messages
    assert message["title"] == "postpost-sync: 1 post needs a change"
    assert message["type"] == "failure"
    assert message["message"].splitlines() == [
        str(pp.root / "launch"),
        'Needs a change: post.yaml, line 2: "platfroms" is not a key.',
        'hint: did you mean "platforms"?',
    ]
    pp.drop("launch")
    assert pp.run_once() == 0
    pp.drop("launch", WRONG)
    assert pp.run_once() == 1
    assert hook.titles == ["1 post needs a change"] * 2


def test_many_at_once_are_one_message(pp: Rig, hook: Hook) -> None:
    told(pp, hook.url, digest="2s")
    for number in range(40):
        pp.drop(f"bad{number}", WRONG)
    with pp.daemon():
        hook.wait_for(1)
        time.sleep(3)
    assert hook.titles == ["40 posts need a change"]
    assert "… and 35 more" in hook.messages[0]["message"]


def test_what_is_over_within_the_digest_is_not_told(pp: Rig, hook: Hook) -> None:
    told(pp, hook.url, digest="3s")
    pp.drop("launch", WRONG)
    with pp.daemon():
        pp.wait_for("launch", "invalid")
        pp.drop("launch")
        pp.wait_for("launch", "scheduled")
        time.sleep(4)
    assert hook.messages == []


def test_a_root_that_goes_away_and_comes_back(pp: Rig, hook: Hook) -> None:
    told(pp, hook.url)
    pp.drop("launch")
    with pp.daemon():
        pp.wait_for("launch", "scheduled")
        pp.root.rename(pp.place / "elsewhere")
        hook.wait_for(1)
        (pp.place / "elsewhere").rename(pp.root)
        hook.wait_for(2)
    assert hook.titles == ["1 watch folder is away", "1 watch folder is back"]
    assert hook.messages[1]["message"] == f"{pp.root}\nis back"
    assert [message["type"] for message in hook.messages] == ["failure", "success"]


def test_a_root_that_is_still_away_after_a_restart_is_not_told_of_again(pp: Rig, hook: Hook) -> None:
    told(pp, hook.url)
    pp.drop("launch")
    assert pp.run_once() == 0
    pp.root.rename(pp.place / "elsewhere")
    for _ in range(2):
        with pp.daemon():
            hook.wait_for(1)
            time.sleep(2)
    assert hook.titles == ["1 watch folder is away"]


def test_a_key_that_is_refused_and_taken_again(tmp_path: Path, hook: Hook, capsys: pytest.CaptureFixture[str]) -> None:
    with rig(tmp_path, capsys, behaviour=Behaviour(keys={}, connections=FINE.connections)) as pp:
        told(pp, hook.url)
        pp.drop("launch")
        assert [pp.run_once("3s") for _ in range(2)] == [1, 1]
        assert hook.titles == ["1 API key is refused"]
        assert hook.messages[0]["message"].startswith(f"the API key of {pp.root}\nPostPost does not accept")
        pp.sandbox.behaviour = FINE
        assert pp.run_once() == 0
        assert hook.titles[1:] == ["1 API key is accepted again"]


def test_tokens_that_run_out_are_told_of_even_where_nothing_is_to_be_posted(
    tmp_path: Path, hook: Hook, capsys: pytest.CaptureFixture[str]
) -> None:
    with rig(tmp_path, capsys) as pp:
        told(pp, hook.url)
        for _ in range(2):
            with pp.daemon():
                hook.wait_for(1)
                time.sleep(1)
    assert hook.titles == ["2 accounts need to be reconnected"]
    assert "linkedin-OLD42\nits token has expired" in hook.messages[0]["message"]


def test_what_went_out_is_told_only_where_it_is_asked_for_and_only_from_then_on(pp: Rig, hook: Hook) -> None:
    now = "content: {0}\nplatforms: [facebook-1001]\nscheduled_time: now\n"
    told(pp, hook.url)
    pp.drop("first", now.format("first"))
    with pp.daemon():
        pp.wait_for("first", "published")
    told(pp, hook.url, more="  on: [published, invalid]\n")
    pp.drop("second", now.format("second"))
    with pp.daemon():
        pp.wait_for("second", "published")
        hook.wait_for(1)
    assert pp.run_once() == 0
    assert hook.titles == ["1 post is published"]
    assert hook.messages[0]["type"] == "success"
    assert hook.messages[0]["message"].startswith(f"{pp.root / 'second'}\nPublished ")


def test_switched_on_late_it_tells_what_needs_a_person_now_in_one_message(pp: Rig, hook: Hook) -> None:
    pp.drop("out", "content: x\nplatforms: [facebook-1001]\nscheduled_time: now\n")
    for number in range(20):
        pp.drop(f"bad{number}", WRONG)
    with pp.daemon():
        pp.wait_for("out", "published")
        pp.wait_for("bad19", "invalid")
    told(pp, hook.url, more="  on: [published, invalid]\n")
    assert [pp.run_once() for _ in range(2)] == [1, 1]
    assert hook.titles == ["20 posts need a change"]


# --- when it does not get through -------------------------------------------------------------------------------------


def hangs(hook: Hook) -> None:
    def answer(_: BaseHTTPRequestHandler) -> None:
        hook.ended.wait(60)

    hook.answer = answer


@pytest.mark.parametrize("trouble", [hangs, trickles, fails, Hook.refuse])
def test_a_target_that_fails_holds_up_neither_the_posts_nor_the_end(
    pp: Rig, hook: Hook, trouble: Callable[[Hook], None]
) -> None:
    told(pp, hook.url, digest="0")
    trouble(hook)
    pp.drop("bad", WRONG)
    with pp.daemon() as process:
        pp.wait_for("bad", "invalid")
        time.sleep(1)
        pp.drop("fine")
        pp.wait_for("fine", "scheduled")
        process.send_signal(signal.SIGTERM)
        assert process.wait(HANG) == 0


@pytest.mark.parametrize("trouble", [hangs, trickles, fails, Hook.refuse])
def test_one_pass_ends_all_the_same_and_it_is_said(
    pp: Rig, hook: Hook, trouble: Callable[[Hook], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("postpost_sync.commands.run.TELL_WITHIN", 3.0)
    told(pp, hook.url)
    trouble(hook)
    pp.drop("fine")
    pp.drop("bad", WRONG)
    assert pp.run_once() == 1
    assert not hook.ended.is_set()
    assert pp.post("fine")["state"] == "scheduled"


def undelivered(pp: Rig) -> list[dict[str, str]]:
    return [found for found in pp.status()["warnings"] if found["code"] == "NOTIFY_FAILED"]


def test_nothing_is_lost_and_status_says_that_it_does_not_get_through(pp: Rig, hook: Hook) -> None:
    told(pp, hook.url)
    hook.answer = broken
    pp.drop("bad", WRONG)
    assert pp.run_once() == 1
    assert "notifications do not get through" in pp.output()[1]
    assert len(hook.messages) == 3
    (warning,) = undelivered(pp)
    assert "JSON (number 1 of notify.urls)" in warning["message"]
    assert pp.command("status") == 0
    assert "warning: notifications do not get through" in pp.output()[0]
    pp.command("doctor", "--json")
    levels = [f["level"] for f in json.loads(pp.output()[0])["findings"] if f["what"] == "notify"]
    assert levels == ["ok", "warning"]
    hook.answer = taken
    assert pp.run_once() == 1
    assert hook.titles == ["1 post needs a change"] * 4
    assert undelivered(pp) == []


def test_one_target_that_fails_takes_nothing_from_another(pp: Rig, hook: Hook) -> None:
    other = Hook()
    told(pp, hook.url, other.url)
    hook.answer = broken
    pp.drop("bad", WRONG)
    assert [pp.run_once() for _ in range(2)] == [1, 1]
    assert other.titles == ["1 post needs a change"]
    hook.answer, hook.messages = taken, []
    assert pp.run_once() == 1
    assert (len(hook.messages), len(other.messages)) == (1, 1)
    other.close()


def test_a_crash_after_sending_tells_it_once_more_rather_than_not_at_all(pp: Rig, hook: Hook) -> None:
    told(pp, hook.url, digest="0")
    pp.drop("bad", WRONG)
    with pp.daemon() as process:
        hook.answer = lambda _: os.kill(process.pid, signal.SIGKILL)
        hook.wait_for(1)
        assert process.wait(HANG) == -signal.SIGKILL
    hook.answer = taken
    assert [pp.run_once() for _ in range(2)] == [1, 1]
    assert len(hook.messages) == 2


def test_a_target_that_is_no_longer_told_is_forgotten(pp: Rig, hook: Hook) -> None:
    told(pp, hook.url)
    hook.answer = broken
    pp.drop("bad", WRONG)
    assert pp.run_once() == 1
    pp.configure()
    assert pp.run_once() == 1
    assert undelivered(pp) == []
