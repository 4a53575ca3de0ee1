"""Taking a post back: by hand, or by removing its folder."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest

from postpost_sync import ledger
from postpost_sync.disk import scan
from postpost_sync.model.post import Policy
from postpost_sync.model.states import State
from postpost_sync.sandbox import Behaviour
from tests.support.afterwards import (
    BROKEN,
    HOUR,
    MEDIA,
    change,
    drop_many,
    limited,
    publish,
    retry,
    scheduled,
    shown,
    stand,
    until,
    warnings,
)
from tests.support.rig import FAR, Rig
from tests.support.world import Killed, NewWorld, World, picture


def seen(world: World, name: str) -> str | None:
    folder = scan.look(str(world.root), name, world.names)
    return folder.fingerprint if folder is not None else None


def cancel(world: World, name: str) -> None:
    change(world, name, ledger.cancelled, seen(world, name))
    world.run_until_rest(600)


def test_a_post_that_is_cancelled_by_hand_stays_cancelled_until_its_folder_is_edited(new_world: NewWorld) -> None:
    world = new_world()
    time = stand(world, "launch", "other")
    group = next(g for g in world.groups() if g.content == "launch")
    cancel(world, "launch")
    assert (world.state("launch"), scheduled(world)) == (State.CANCELLED, ["other"])
    (world.root / "launch" / "cup.jpg").touch()
    world.restart()
    until(world, world.now + HOUR)
    assert (world.state("launch"), scheduled(world), shown(world, "launch")["post_group_id"]) == (
        State.CANCELLED,
        ["other"],
        group.id,
    )
    world.drop("launch", "launch, edited", MEDIA, time)
    world.run_until_rest(600)
    assert (world.state("launch"), scheduled(world)) == (State.SCHEDULED, ["launch, edited", "other"])
    assert shown(world, "launch")["previous_post_group_ids"] == [group.id]


def test_retry_takes_a_cancel_back(new_world: NewWorld) -> None:
    world = new_world()
    stand(world, "launch")
    cancel(world, "launch")
    retry(world, "launch")
    assert (world.state("launch"), scheduled(world)) == (State.SCHEDULED, ["launch"])


def test_a_held_post_can_be_cancelled_and_the_next_one_moves_up(new_world: NewWorld) -> None:
    world = limited(new_world, pending=1)
    drop_many(world, 3, world.now + 30 * HOUR, HOUR)
    world.run_until_rest(600)
    cancel(world, "p001")
    (world.root / "p001" / "post.yaml").touch()
    cancel(world, "p000")
    assert [world.state(f"p{n:03}") for n in range(3)] == [State.CANCELLED, State.CANCELLED, State.SCHEDULED]
    assert [g.content for g in world.groups()] == ["post p002"]


def test_what_is_out_cannot_be_cancelled(new_world: NewWorld) -> None:
    world = new_world()
    publish(world, {})
    cancel(world, "launch")
    assert (world.state("launch"), [g.status for g in world.groups()]) == (State.PUBLISHED, ["published"])


def test_a_cancel_in_the_middle_of_an_edit_leaves_nothing(new_world: NewWorld) -> None:
    for steps in range(0, 30, 3):
        world = new_world()
        time = stand(world, "launch")
        before = world.record("launch").fingerprint
        world.drop("launch", "another text", {"other.jpg": picture(2)}, time)
        world.look_around()
        world.pass_time(10)
        world.wake(world.record("launch").key, 0.0)
        world.kill_at(steps + 1)
        with contextlib.suppress(Killed):
            world.run()
        world.restart()
        read = world.record("launch").fingerprint != before  # else the edit comes after the person's word
        world.store.change(world.record("launch").key, ledger.cancelled, None)
        world.run_until_rest(600)
        assert [g.status for g in world.groups()] == ([] if read else ["scheduled"]), steps


@pytest.mark.parametrize("edit", [{"content": "another text"}, {"time": None}, {"content": ""}], ids=str)
@pytest.mark.parametrize("settled_at", ["once", "after a restart"])
def test_a_cancel_right_after_an_edit_is_for_the_edited_post(
    new_world: NewWorld, edit: dict[str, Any], settled_at: str
) -> None:
    world = new_world()
    time = stand(world, "launch")
    world.drop("launch", **{"content": "launch", "media": MEDIA, "time": time, **edit})
    world.look_around()
    change(world, "launch", ledger.cancelled, seen(world, "launch"))
    if settled_at != "once":
        world.restart()
    world.run_until_rest(600)
    record = world.record("launch")
    assert (world.state("launch"), record.done, world.groups()) == (State.CANCELLED, True, [])
    world.drop("launch", "once more", MEDIA, time)
    world.run_until_rest(600)
    assert (world.state("launch"), scheduled(world)) == (State.SCHEDULED, ["once more"])


@pytest.mark.parametrize("restart", [False, True])
def test_of_more_than_ten_folders_removed_at_once_none_is_cancelled_without_a_person(
    new_world: NewWorld, restart: bool
) -> None:
    world = new_world(policy=Policy(settle=2.0, cancel_removed=True))
    names = [f"p{n:03}" for n in range(11)]
    stand(world, *names, "stays")
    for name in names:
        world.remove(name)
    world.advance_time(300)
    if restart:
        world.restart()
    world.advance_time(30 * 3600)
    assert {world.state(name) for name in names} == {State.SCHEDULED}
    assert len(world.groups("scheduled")) == 12
    assert all("CANCEL_MANY" in warnings(world, name) for name in names)
    cancel(world, names[0])
    assert (world.state(names[0]), len(world.groups("scheduled"))) == (State.CANCELLED, 11)


def test_ten_removed_folders_are_cancelled_and_an_eleventh_soon_after_is_not(new_world: NewWorld) -> None:
    world = new_world(policy=Policy(settle=2.0, cancel_removed=True))
    names = [f"p{n:03}" for n in range(11)]
    stand(world, *names, "stays")
    for name in names[:10]:
        world.remove(name)
    world.advance_time(1200)
    assert {world.state(name) for name in names[:10]} == {State.CANCELLED}
    world.restart()
    world.remove(names[10])
    world.advance_time(1200)
    assert world.state(names[10]) is State.SCHEDULED
    assert "CANCEL_MANY" in warnings(world, names[10])


def test_cancel_as_a_command(pp: Rig) -> None:
    for n in range(12):
        pp.drop(f"p{n}", f"content: post {n}\nplatforms: twitter-123\nscheduled_time: {FAR}\n")
    assert pp.run_once() == 0
    assert pp.command("cancel", str(pp.root)) == 2
    assert pp.command("cancel", str(pp.root / "p3")) == 0
    pp.run_once()
    assert pp.post("p3")["state"] == "cancelled"
    assert len(pp.groups()) == 11
    assert pp.command("cancel", "--yes", str(pp.root)) == 0
    pp.run_once()
    assert {post["state"] for post in pp.status()["posts"]} == {"cancelled"}
    assert pp.groups() == []


def test_cancel_as_a_command_says_what_is_out_already(pp: Rig) -> None:
    pp.drop("post", "content: hello\nplatforms: twitter-123\nscheduled_time: now\n")
    pp.sandbox.behaviour = Behaviour(tick_seconds=0, publish_errors=BROKEN)
    assert pp.run_once() == 1
    assert pp.post("post")["state"] == "failed"
    assert pp.command("cancel", str(pp.root)) == 0
    assert pp.output()[0] == "post is out already\nnothing is to be done\n"


def test_retry_as_a_command_leaves_alone_what_is_out(pp: Rig) -> None:
    pp.drop("out", "content: hello\nplatforms: twitter-123\nscheduled_time: now\n")
    pp.drop("wrong", "content: hello\n")
    pp.sandbox.behaviour = Behaviour(tick_seconds=0)
    assert pp.run_once() == 1
    assert (pp.post("out")["state"], pp.post("wrong")["state"]) == ("published", "invalid")
    assert pp.command("retry", str(pp.root / "out"), str(pp.root / "wrong")) == 0
    said = pp.output()[0].splitlines()
    assert said[0] == "out is out already"
    assert said[1].startswith("wrong is tried again: ")
    assert said[2:] == ["1 post will be tried again when the daemon runs again: postpost-sync run"]


def test_what_a_person_took_back_does_not_count_as_removed_after_a_restart(new_world: NewWorld) -> None:
    world = new_world(policy=Policy(settle=2.0, cancel_removed=True))
    names = [f"p{n:03}" for n in range(12)]
    stand(world, *names, "stays")
    for name in names[:11]:
        cancel(world, name)
    world.restart()
    world.remove(names[11])
    world.advance_time(1200)
    assert world.state(names[11]) is State.CANCELLED
