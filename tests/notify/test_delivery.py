"""What is sent, through which URLs, and that no part of them is shown anywhere."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import apprise
import pytest

from postpost_sync.config import credentials
from postpost_sync.model.errors import ProgramError
from postpost_sync.notify import delivery
from postpost_sync.packages import to_install
from tests.support.rig import HANG, Rig, rig
from tests.support.web_hook import (
    FINE,
    MESSAGE,
    PASSWORD,
    QUERY,
    SECRETS,
    TOKEN,
    USER,
    WRONG,
    Hook,
    broken,
    fails,
    told,
    trickles,
)


@pytest.fixture
def pp(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Iterator[Rig]:
    with rig(tmp_path, capsys, behaviour=FINE) as one:
        yield one


# --- secrets ----------------------------------------------------------------------------------------------------------


def leaks(*texts: str | bytes) -> list[str]:
    whole = b"".join(text.encode() if isinstance(text, str) else text for text in texts)
    return [secret for secret in SECRETS if secret.lower().encode() in whole.lower()]


@pytest.mark.parametrize("trouble", [None, fails, Hook.refuse])
def test_no_part_of_a_url_shows_anywhere(pp: Rig, hook: Hook, trouble: Callable[[Hook], None] | None) -> None:
    told(pp, hook.url)
    pp.config.chmod(0o644)  # a warning names the config
    if trouble is not None:
        trouble(hook)
    pp.drop("bad", WRONG)
    pp.run_once()
    with pp.daemon() as process:
        pp.wait_for("bad", "invalid")
        time.sleep(1)
        process.terminate()
        log = process.communicate(timeout=HANG)[1]
    for command in (["status"], ["status", "--json"], ["doctor"], ["doctor", "--json"], ["notify"]):
        pp.command(*command)
    said = pp.output()
    files = [file.read_bytes() for file in pp.place.rglob("*") if file.is_file() and file != pp.config]
    assert len(files) >= 3
    assert leaks(log, *said, *files) == []
    assert "JSON (number 1 of notify.urls)" in said[0] + said[1]
    if trouble is None:
        assert leaks(json.dumps(hook.messages)) == []


@pytest.mark.parametrize(
    "top",
    [
        f"notify:\n  urls: [nonsense-{TOKEN}]\n",
        f"notify:\n  urls: [{{json://{TOKEN}: x}}]\n",
        f"notify:\n  urls: ['nosuchservice://{USER}:{PASSWORD}@x/{TOKEN}']\n",
        f"notify:\n  urls: ['tgram://{TOKEN}']\n",
        f"notify:\n  json://{TOKEN}: x\n",
        f"notify: 'json://{TOKEN}'\n",
    ],
)
def test_a_url_that_is_wrong_is_not_shown_and_ends_the_start(pp: Rig, top: str) -> None:
    pp.configure(top=top)
    assert pp.run_once() == 2
    assert pp.command("notify") == 2
    pp.command("doctor")
    out, err = pp.output()
    assert leaks(out, err) == []
    assert err.splitlines()[-1].startswith("postpost-sync: ")


def test_which_url_is_wrong_is_said(pp: Rig, hook: Hook) -> None:
    told(pp, hook.url, "nosuchservice://x", "ntfy")
    assert pp.run_once() == 2
    assert "notify.urls: number 3 is not an Apprise URL" in pp.output()[1]
    told(pp, hook.url, "nosuchservice://x")
    assert pp.run_once() == 2
    assert "number 2 of notify.urls: Apprise does not understand this URL" in pp.output()[1]


# --- where the URLs come from -----------------------------------------------------------------------------------------


def test_the_urls_come_from_a_file_of_ones_own(pp: Rig, hook: Hook) -> None:
    file = pp.place / "urls"
    file.write_text(f"# the team's hook\n\n  {hook.url}  \n{hook.url}\n")
    file.chmod(0o644)
    pp.configure(top=f"notify: {{urls_file: {file}, digest: 1s}}\n")
    pp.drop("bad", WRONG)
    assert pp.run_once() == 2
    assert f"chmod 600 {file}" in pp.output()[1]
    file.chmod(0o600)
    assert pp.run_once() == 1
    assert len(hook.messages) == 1
    assert pp.command("notify") == 0
    assert f"JSON (line 3 of {file}): sent" in pp.output()[0]


def test_the_service_manager_can_hand_them_over(pp: Rig, hook: Hook, monkeypatch: pytest.MonkeyPatch) -> None:
    (pp.place / credentials.NOTIFY_URLS).write_text(hook.url)
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(pp.place))
    pp.drop("bad", WRONG)
    assert pp.run_once() == 1
    assert hook.titles == ["1 post needs a change"]


def test_the_test_message(pp: Rig, hook: Hook) -> None:
    assert pp.command("notify") == 2
    assert "nobody is notified" in pp.output()[1]
    told(pp, hook.url)
    assert pp.command("notify") == 0
    assert hook.titles == ["a test message"]
    hook.answer = broken
    assert pp.command("notify") == 1
    (line,) = pp.output()[1].splitlines()
    assert line.startswith("JSON (number 1 of notify.urls): not sent: ")
    assert "500" in line


def test_doctor_says_who_is_told_of_what(pp: Rig, hook: Hook) -> None:
    told(pp, hook.url)
    pp.command("doctor", "--json")
    (found,) = [f for f in json.loads(pp.output()[0])["findings"] if f["what"] == "notify"]
    assert found["level"] == "ok"
    assert "JSON (number 1 of notify.urls)" in found["message"]
    assert "partially_published" in found["message"]
    assert hook.messages == [], "doctor sends nothing"


# --- Apprise ----------------------------------------------------------------------------------------------------------


def test_without_apprise_the_start_ends_with_the_way_to_install_it(
    pp: Rig, hook: Hook, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "apprise", None)
    assert pp.run_once() == 0, "where nobody is to be told it is not needed"
    told(pp, hook.url)
    assert pp.run_once() == 2
    assert to_install("apprise") in pp.output()[1].splitlines()[-1]
    assert pp.command("doctor", "--json") == 1
    (found,) = [f for f in json.loads(pp.output()[0])["findings"] if f["what"] == "notify"]
    assert (found["level"], found["hint"]) == ("error", to_install("apprise"))


def test_apprise_is_not_loaded_where_nobody_is_told() -> None:
    loaded = "import sys, postpost_sync.daemon.daemon, postpost_sync.notify.delivery as n"
    code = f"{loaded}; n.targets([]); assert 'apprise' not in sys.modules"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_target_that_gives_no_answer_is_left_after_a_while_and_not_asked_twice(hook: Hook) -> None:
    trickles(hook)
    (target,) = delivery.targets([("here", hook.url)])
    assert target.send(MESSAGE, within=0.5) == "no answer within 0 s"
    assert target.send(MESSAGE, within=0.5) == "there is no answer to the message before"
    assert not hook.ended.is_set(), "it would have trickled on"
    assert len(hook.messages) == 1


@pytest.mark.parametrize("raises", [False, True])
def test_whatever_apprise_says_of_a_failure_no_part_of_the_url_is_passed_on(raises: bool) -> None:
    url = f"json://{USER}:{PASSWORD}@host/{TOKEN}%2Fx?key={QUERY}"

    class Leaky(apprise.Apprise):
        def notify(self, *_: object, **__: object) -> Any:
            words = f"could not reach {url}, with {TOKEN} as token: error 42\x1b[2J"
            logging.getLogger("apprise").warning(words)
            if raises:
                raise RuntimeError(words)
            return False

    why = delivery.Target("here", url, "JSON", Leaky()).send(MESSAGE)
    assert why is not None
    assert leaks(why) == []
    assert ("RuntimeError" if raises else "error 42") in why
    assert "\x1b" not in why


def test_several_urls_that_are_not_understood_are_said_at_once() -> None:
    with pytest.raises(ProgramError, match="first, third: Apprise does not understand"):
        delivery.targets([("first", "nosuch://x"), ("second", "json://127.0.0.1"), ("third", "discord://x")])


def test_what_only_the_service_is_given_is_seen_by_whoever_may_read_it(
    pp: Rig, hook: Hook, monkeypatch: pytest.MonkeyPatch
) -> None:
    (pp.place / credentials.NOTIFY_URLS).write_text(hook.url)
    monkeypatch.setattr(credentials, "CREDSTORE", pp.place)
    given = credentials.as_the_service(credentials.NOTIFY_URLS, {})
    assert given == {"CREDENTIALS_DIRECTORY": str(pp.place)}
    assert credentials.as_the_service(credentials.API_KEY, {}) == {}
    own = {"CREDENTIALS_DIRECTORY": "/run/credentials/x"}
    assert credentials.as_the_service(credentials.NOTIFY_URLS, own) == own
    pp.command("doctor", "--json")
    (found,) = [f for f in json.loads(pp.output()[0])["findings"] if f["what"] == "notify"]
    assert f"line 1 of {pp.place}" in found["message"]
