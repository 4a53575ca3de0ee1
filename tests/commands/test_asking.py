"""`retry` and `cancel` as typed: said before, done for as many as was meant, and told what came of it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from postpost_sync.commands import asking
from postpost_sync.model.errors import Finding
from postpost_sync.model.record import GroupStage
from postpost_sync.model.states import State
from postpost_sync.plan.steps import Delete
from postpost_sync.sandbox import Fault
from tests.support.rig import Rig
from tests.support.situations import TEXT, group, record, trouble


def held(pp: Rig, name: str) -> Path:
    return pp.drop(name, f"content: {name}\nplatforms: [twitter-9999]\nscheduled_time: 2031-03-04 10:00\n")


def test_a_dry_run_says_what_it_would_do_and_does_nothing(pp: Rig) -> None:
    pp.drop("post")
    pp.run_once()
    before = pp.post("post")
    pp.output()
    assert pp.command("cancel", "--dry-run", str(pp.root)) == 0
    assert pp.output()[0].splitlines() == [
        "post is deleted from PostPost, where it is scheduled on facebook-1001",
        "nothing was done (--dry-run)",
    ]
    assert pp.command("retry", "--dry-run", str(pp.root / "post")) == 0
    assert pp.output()[0].splitlines() == ["post is tried again", "nothing was done (--dry-run)"]
    pp.run_once()
    assert (pp.post("post"), len(pp.groups())) == (before, 1)


def test_a_cancel_waits_for_the_daemon_and_says_what_came_of_it(pp: Rig) -> None:
    with pp.daemon():
        folder = pp.drop("post")
        pp.wait_for("post", "scheduled")
        pp.output()
        assert pp.command("cancel", str(folder / "post.yaml")) == 0
        assert pp.output()[0].splitlines() == [
            "post is deleted from PostPost, where it is scheduled on facebook-1001",
            "1 post will be deleted from PostPost now",
            "post: cancelled",
        ]
        assert pp.groups() == []
        assert pp.command("retry", str(pp.root)) == 0
        assert pp.output()[0].splitlines() == [
            "post was cancelled; to bring it back, name this folder itself",
            "nothing is to be done",
        ]
        assert pp.command("retry", str(folder)) == 0
        last = pp.output()[0].splitlines()[-1]
        assert last.startswith("post: scheduled for Tue 4 Mar 2031 10:00 on facebook-1001")
    assert len(pp.groups()) == 1


def test_a_retry_that_does_not_help_says_why_and_is_status_1(pp: Rig) -> None:
    pp.sandbox.faults.add(Fault("create-post", "status", times=None, status=400, body={"error": "no"}))
    with pp.daemon():
        folder = pp.drop("post")
        pp.wait_for("post", "invalid", "CREATE_REFUSED")
        pp.output()
        assert pp.command("retry", str(folder)) == 1
        last = pp.output()[0].splitlines()[-1]
        assert last.startswith("post: invalid; PostPost refused create-post")


def test_below_a_parent_holds_are_left_and_each_folder_is_named(pp: Rig) -> None:
    held(pp, "held")
    pp.drop("fine")
    pp.run_once()
    assert pp.post("held")["state"] == "held"
    pp.output()
    assert pp.command("retry", str(pp.root)) == 0
    said = pp.output()[0].splitlines()
    assert sorted(line.split()[0] for line in said) == ["fine", "held", "nothing"]
    pp.run_once()
    assert pp.post("held")["state"] == "held"
    assert pp.command("retry", str(pp.root / "held")) == 0
    assert "goes on in spite of what holds it" in pp.output()[0]
    pp.run_once()
    assert pp.post("held")["state"] != "held"


def test_more_than_ten_ask_for_a_word_of_their_own(pp: Rig) -> None:
    folders = [pp.drop(f"p{number}") for number in range(11)]
    pp.run_once()
    pp.output()
    for command in ("cancel", "retry"):
        assert pp.command(command, *map(str, folders)) == 2
        out, err = pp.output()
        assert len(out.splitlines()) == 11, "each is named"
        assert (
            err.splitlines()[-1]
            == "postpost-sync: these are 11 posts; nothing was done (hint: if all are meant, add --yes)"
        )
    assert len(pp.groups(status="scheduled")) == 11
    assert pp.command("cancel", "--yes", *map(str, folders)) == 0
    pp.run_once()
    assert pp.groups() == []


def test_a_name_that_is_no_post_is_said_and_the_others_are_done(pp: Rig) -> None:
    folder = pp.drop("post")
    pp.run_once()
    pp.output()
    assert pp.command("cancel", str(folder), str(pp.root / "nowhere")) == 0
    assert "nowhere is not there" in pp.output()[1]
    assert pp.command("cancel", str(pp.root / "nowhere")) == 2


def test_a_word_about_a_folder_is_for_all_its_parts(pp: Rig) -> None:
    text = "content: One\nplatforms: [facebook-1001, twitter-123]\nscheduled_time: 2031-03-04 10:00\n"
    with pp.daemon():
        folder = pp.drop("post", f"{text}per_platform: {{twitter: {{content: Two}}}}\n")
        pp.wait_for("post", "scheduled")
        assert {part["state"] for part in pp.post("post")["parts"]} == {"scheduled"}
        pp.output()
        assert pp.command("cancel", str(folder)) == 0
        assert pp.output()[0].splitlines() == [
            "post is deleted from PostPost, where it is scheduled on facebook-1001",
            "post (twitter) is deleted from PostPost, where it is scheduled on twitter-123",
            "2 posts will be deleted from PostPost now",
            "post: cancelled",
        ]
        assert pp.groups() == []
        assert pp.command("retry", str(folder)) == 0
        pp.wait_for("post", "scheduled")
    assert sorted(group.content for group in pp.groups()) == ["One", "Two"]


@pytest.mark.parametrize("state", [State.SCHEDULED, State.HELD])
def test_a_post_that_is_being_deleted_is_waited_for(state: State) -> None:
    stood = record(TEXT, group(TEXT, GroupStage.SCHEDULED), state=state, done=True, error=Finding("A", "b", "c"))
    doomed = replace(stood, groups=(replace(stood.groups[0], stage=GroupStage.DOOMED),))
    assert not asking._settled(doomed, stood)
    assert asking._settled(replace(doomed, troubles=(trouble(Delete),)), stood)
    gone = (replace(stood.groups[0], stage=GroupStage.GONE),)
    assert asking._settled(replace(stood, groups=gone, state=State.CANCELLED), stood)
