"""The newer service, which PostPost may become any day: what it takes, refuses and says."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from postpost_sync.model.states import State
from postpost_sync.sandbox import TWIN, Fault
from tests.support.drops import picture, sidecar
from tests.support.rig import HANG, Rig, rig
from tests.support.world import NewWorld


@pytest.fixture
def pp(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Iterator[Rig]:
    with rig(tmp_path, capsys, behaviour=TWIN) as one:
        yield one


def test_settings_go_out_as_they_were_written(pp: Rig) -> None:
    settings = {"linkedin": {"repostEnabled": True, "repostVisibility": "PUBLIC"}}
    more = "platform_settings: {linkedin: {repostEnabled: true, repostVisibility: PUBLIC}}\n"
    pp.drop("post", sidecar(platforms="[linkedin-ABC]", more=more))
    assert pp.run_once() == 0
    (group,) = pp.groups()
    assert group.platform_settings == settings
    assert pp.run_once() == 0
    assert list(pp.groups()) == [group]


def test_a_setting_that_it_does_not_know_is_named(pp: Rig) -> None:
    pp.drop("post", sidecar(platforms="[linkedin-ABC]", more="platform_settings: {linkedin: {colour: red}}\n"))
    assert pp.run_once() == 1
    error = pp.post("post")["error"]
    assert (error["code"], "platformSettings.linkedin.colour" in error["message"]) == ("PLATFORM_SETTING_UNKNOWN", True)


FIRST = "first_comment: {text: More in the shop, platforms: [LinkedIn]}\n"


def test_a_first_comment_goes_out_with_its_post_and_an_edit_of_it_is_an_edit(pp: Rig) -> None:
    pp.drop("post", sidecar(platforms="[linkedin-ABC, facebook-1001]", more=FIRST))
    assert pp.run_once() == 0
    (group,) = pp.groups()
    assert group.first_comment == {"text": "More in the shop", "platforms": ["linkedin"]}
    assert pp.run_once() == 0
    assert list(pp.groups()) == [group]
    pp.drop("post", sidecar(platforms="[linkedin-ABC, facebook-1001]", more=FIRST.replace("shop", "harbour")))
    assert pp.run_once() == 0
    (other,) = pp.groups()
    assert other.id != group.id
    assert other.first_comment == {"text": "More in the harbour", "platforms": ["linkedin"]}


def test_a_first_comment_is_known_again_where_the_database_is_lost(pp: Rig) -> None:
    pp.drop("post", sidecar(platforms="[linkedin-ABC]", more=FIRST))
    assert pp.run_once() == 0
    (group,) = pp.groups()
    shutil.rmtree(pp.state_db.parent)
    assert pp.run_once() == 0
    assert list(pp.groups()) == [group]


def test_what_check_says_of_a_first_comment_is_what_the_daemon_was_told(pp: Rig) -> None:
    pp.drop("post", sidecar(platforms="[linkedin-ABC]", more=FIRST))
    report = _checked(pp)
    assert report["limits"] == {"asked_at": None, "source": "built in"}
    assert [one["code"] for one in report["posts"][0]["warnings"]] == ["FIRST_COMMENT_NOT_ASKED"]
    with pp.daemon():
        pp.wait_for("post", "scheduled")
        _until(lambda: _checked(pp)["limits"]["asked_at"] is not None)
    report = _checked(pp)
    assert report["limits"]["source"] == "PostPost"
    assert report["posts"][0]["warnings"] == []
    assert report["posts"][0]["preview"]["first_comment"] == {"text": "More in the shop", "platforms": ["linkedin"]}


def test_an_older_service_takes_none_and_that_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with rig(tmp_path, capsys) as pp:
        pp.drop("post", sidecar(platforms="[linkedin-ABC]", more=FIRST))
        assert pp.run_once() == 1
        assert pp.post("post")["error"]["code"] == "FIRST_COMMENT_NOT_TAKEN"
        assert pp.groups() == []


def test_what_it_says_besides_is_shown_until_the_post_is_out(pp: Rig) -> None:
    pp.sandbox.behaviour = replace(pp.sandbox.behaviour, move_time=30)
    pp.drop("post", sidecar(platforms="[linkedin-ABC]"), {"a.jpg": picture()})
    for _ in range(2):
        assert pp.run_once() == 0
        (warning,) = pp.post("post")["warnings"]
        assert (warning["code"], "SCHEDULED_TIME_COERCED" in warning["message"]) == ("SERVICE_WARNING", True)


def test_the_accounts_of_a_paid_plan_of_x_take_long_texts(pp: Rig) -> None:
    long = f'"{"a " * 1000}"'
    pp.drop("paid", sidecar(content=long, platforms="[twitter-123]"))
    assert [one["code"] for one in _checked(pp)["posts"][0]["warnings"]] == ["CONTENT_TOO_LONG"]
    links = [replace(one, subscription="Premium") for one in pp.sandbox.behaviour.connections]
    pp.sandbox.behaviour = replace(pp.sandbox.behaviour, connections=tuple(links))
    report = _checked(pp)["posts"][0]
    assert (report["warnings"], report["preview"]["accounts"][0]["parts"]) == ([], 1)


def _checked(pp: Rig) -> dict[str, Any]:
    pp.output()
    pp.command("check", "--json")
    report: dict[str, Any] = json.loads(pp.output()[0])
    return report


def _until(true: Callable[[], bool]) -> None:
    ends = time.monotonic() + HANG
    while not true():
        assert time.monotonic() < ends
        time.sleep(0.2)


def test_a_first_comment_that_was_not_posted_is_said_once_the_post_is_out(new_world: NewWorld) -> None:
    error = {"code": "FIRST_COMMENT_PERMISSION_REQUIRED", "message": "reconnect it"}
    world = new_world(behaviour=replace(TWIN, first_comment_errors={"linkedin-ABC": error}))
    at = world.now + timedelta(hours=1)
    world.drop("post", "hello", time=at, platforms=("linkedin-ABC", "mastodon-109348"), first_comment="More")
    world.advance_time(2 * 3600)
    record = world.record("post")
    assert record.state is State.PUBLISHED
    assert [(one.code, one.message) for one in record.warnings] == [
        ("FIRST_COMMENT_FAILED", "linkedin-ABC: the first comment was not posted: reconnect it")
    ]
    world.restart()
    world.advance_time(3600)
    assert world.record("post").warnings == record.warnings


def test_a_first_comment_is_sent_once_whatever_is_lost(new_world: NewWorld) -> None:
    for kind in ("lost_reply", "reset_before", "reset_during"):
        world = new_world(behaviour=TWIN)
        world.sandbox.faults.add(Fault("create-post", kind, times=2))
        world.sandbox.faults.add(Fault("platform-limits", "status", times=2, status=503))
        world.drop(
            "post", "hello", time=world.now + timedelta(hours=5), platforms=("linkedin-ABC",), first_comment="More"
        )
        world.advance_time(1800)
        (group,) = world.groups()
        assert (group.status, group.first_comment) == ("scheduled", {"text": "More", "platforms": ["linkedin"]})


def test_media_that_it_has_yet_to_hear_of_are_waited_for(new_world: NewWorld) -> None:
    """The object store tells it of each file a moment later. Nothing in the folder is wrong, and nothing is sent again."""
    world, media = new_world(behaviour=TWIN), {"a.jpg": picture()}
    time = world.now + timedelta(hours=6)
    not_yet = {"error": "Media is not ready: upload the files first", "code": "MEDIA_NOT_READY"}
    world.sandbox.faults.add(Fault("update-post", "status", times=3, status=400, body=not_yet))
    world.drop("launch", "hello", media, time)
    world.run_until_rest(3)
    assert (world.state("launch"), world.code("launch")) == (State.UPLOADING, "MEDIA_NOT_READY")
    world.advance_time(600)
    world.once("launch", "hello", media, time)
    assert [call.name for call in world.sandbox.calls].count("put-object") == 1
