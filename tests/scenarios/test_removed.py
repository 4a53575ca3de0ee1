"""Removed folders: what is concluded of it and when, and that they hold up nobody."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from postpost_sync.model.post import Policy
from postpost_sync.model.states import State
from postpost_sync.model.times import to_service
from postpost_sync.sandbox import STARTER, Behaviour
from postpost_sync.sync.transfers import DRAFTS_AHEAD
from tests.support.world import NewWorld, World, picture

HOUR = timedelta(hours=1)
MEDIA = {"a.jpg": picture(1)}


def test_a_removed_folder_that_is_first_in_line_holds_up_nobody(new_world: NewWorld) -> None:
    world = new_world(behaviour=Behaviour(plan=replace(STARTER, pending=1, horizon_days=None, posts_per_month=None)))
    world.drop("stands", "stands", time=world.now + 2 * HOUR)
    world.run_until_rest(60)
    world.drop("first", "first", time=world.now + 4 * HOUR)
    world.drop("second", "second", time=world.now + 5 * HOUR)
    world.run_until_rest(60)
    assert {world.state("first"), world.state("second")} == {State.HELD}
    world.remove("first")
    world.look_around()
    world.run()
    world.sandbox.behaviour = Behaviour()  # the plan was changed
    world.advance_time(3700)
    assert world.state("second") is State.SCHEDULED


def test_a_removal_is_concluded_although_the_program_ends_in_between(tmp_path: Path) -> None:
    """As from cron: each pass is shorter than the time a folder must be gone."""
    with World(tmp_path, policy=Policy(settle=2.0, cancel_removed=True)) as world:
        world.drop("launch", time=world.now + 24 * HOUR)
        world.drop("other", "another", time=world.now + 25 * HOUR)
        world.run_until_rest(60)
        world.remove("launch")
        for _ in range(3):
            world.look_around()
            world.run_until_rest(30)
            assert len(world.groups("scheduled")) == 2
            world.pass_time(280)
            world.restart()
        world.look_around()
        world.run_until_rest(30)
        assert [group.content for group in world.groups("scheduled")] == ["another"]


@pytest.mark.parametrize(("cancels", "left"), [(True, 0), (False, 1)])
def test_a_removal_is_concluded_by_single_passes_alone(new_world: NewWorld, cancels: bool, left: int) -> None:
    """From cron: each process sees that it is gone for the first time, and only the database knows since when."""
    world = new_world(policy=Policy(settle=2.0, cancel_removed=cancels))
    (world.root / "readme.txt").touch()  # a root that is suddenly empty says nothing about its folders
    world.drop("launch", "hello", MEDIA, world.now + 20 * HOUR)
    world.run_until_rest(30)
    world.remove("launch")
    for minutes in (0, 4, 8):
        world.restart()
        world.run_until_rest(20)
        assert len(world.groups("scheduled")) == 1, f"{minutes} minutes say nothing"
        world.pass_time(240)
    world.restart()
    world.run_until_rest(20)
    assert len(world.groups("scheduled")) == left
    assert world.state("launch") is (State.CANCELLED if cancels else State.SCHEDULED)
    assert [one.code for one in world.record("launch").warnings] == ([] if cancels else ["FOLDER_REMOVED"])


@pytest.mark.parametrize("mistake", ["a file that is not there", "an unknown account", "not one word"])
def test_a_folder_that_is_removed_with_its_mistake_leaves_its_post_and_what_became_of_that(
    world: World, mistake: str
) -> None:
    """What was wrong with an edit is of no use once its folder is gone: the post that stood goes out."""
    world.drop("launch", "hello", MEDIA, world.now + HOUR)
    (world.root / "readme.txt").touch()
    world.run_until_rest(30)
    wrong: dict[str, dict[str, Any]] = {
        "a file that is not there": {"content": "new", "media": MEDIA | {"b.jpg": picture(2)}},
        "an unknown account": {"content": "new", "platforms": ("twitter-999",)},
        "not one word": {"content": ""},
    }
    folder = world.drop("launch", **{"media": MEDIA, "time": world.now + HOUR, **wrong[mistake]})
    (folder / "b.jpg").unlink(missing_ok=True)
    world.run_until_rest(30)
    assert world.code("launch") is not None
    world.remove("launch")
    world.advance_time(700)
    record = world.record("launch")
    assert (record.state, record.error) == (State.SCHEDULED, None)
    assert [one.code for one in record.warnings] == ["FOLDER_REMOVED"]
    world.advance_time(7200)
    record = world.record("launch")
    assert (record.state, record.error, [group.status for group in world.groups()]) == (
        "published",
        None,
        ["published"],
    )


def test_what_became_of_a_post_is_shown_where_its_folder_was_removed_after_an_edit_that_came_too_late(
    world: World,
) -> None:
    (world.root / "readme.txt").touch()
    world.drop("launch", "hello", MEDIA, world.now + timedelta(seconds=90))
    world.run_until_rest(10)
    world.drop("launch", "too late", MEDIA, world.now + timedelta(seconds=80))
    world.run_until_rest(10)
    assert world.code("launch") == "EDIT_TOO_LATE"
    world.remove("launch")
    world.advance_time(600)
    record = world.record("launch")
    assert (record.state, record.error, record.warnings) == (State.PUBLISHED, None, ())


@pytest.mark.parametrize("cancels", [False, True])
@pytest.mark.parametrize("restarted", [False, True])
def test_what_was_to_replace_a_post_that_went_out_meanwhile_goes_with_its_folder(
    new_world: NewWorld, cancels: bool, restarted: bool
) -> None:
    """The folder is gone, and its post out: the draft of its latest edit does not stay behind at PostPost."""
    world = new_world(policy=Policy(settle=2.0, cancel_removed=cancels), behaviour=Behaviour(listing_lag=60))
    (world.root / "readme.txt").touch()
    time = world.now + timedelta(seconds=300)
    world.drop("launch", "hello", MEDIA, time)
    world.run_until_rest(120)
    world.drop("launch", "edited", MEDIA, time)
    world.run_until_rest(10)
    assert [group.status for group in world.groups()] == ["scheduled", "draft"]
    world.remove("launch")
    world.advance_time(240)
    assert (world.state("launch"), len(world.groups("draft"))) == (State.PUBLISHED, 1)
    if restarted:
        world.restart()
    world.advance_time(600)
    assert [group.status for group in world.groups()] == ["published"]
    assert world.state("launch") is State.PUBLISHED
    assert not world.watched.folders.below(str(world.root))


def test_a_folder_that_comes_back_between_single_passes_was_not_removed(new_world: NewWorld) -> None:
    world = new_world(policy=Policy(settle=2.0, cancel_removed=True))
    (world.root / "readme.txt").touch()
    folder = world.drop("launch", "hello", MEDIA, world.now + 20 * HOUR)
    aside = world.root.parent / "aside"
    world.run_until_rest(30)
    for _ in range(4):
        folder.rename(aside)
        world.restart()
        world.run_until_rest(20)
        aside.rename(folder)
        world.pass_time(240)
        world.restart()
        world.run_until_rest(20)
        world.pass_time(240)
    assert (world.state("launch"), len(world.groups("scheduled"))) == (State.SCHEDULED, 1)


def test_folders_that_are_removed_while_they_wait_in_line_hold_up_nobody(new_world: NewWorld) -> None:
    """They are forgotten after a while: their places in the line are nobody's any more."""
    world = new_world(concurrency=1)
    (world.root / "readme.txt").touch()
    at = world.now + 90 * HOUR

    def while_one_file_takes(seconds: float) -> None:
        for _ in range(2):
            world.pass_time(seconds / 2)
            world.look_around()
            for key in [key for key, due in world.due.items() if due <= world.monotonic]:
                world.wake(key, 0.0)
            while world.ready:
                world.step()

    names = [f"post{number}" for number in range(3 * DRAFTS_AHEAD)]
    for number, name in enumerate(names):
        world.drop(name, name, {"a.jpg": picture(number)}, at)
    while_one_file_takes(6)
    removed = [name for name in names if not world.record(name).groups]
    assert len(removed) >= DRAFTS_AHEAD, "many wait for their drafts"
    for name in removed:
        world.remove(name)
    while_one_file_takes(1500)
    world.advance_time(600)
    left = [name for name in names if name not in removed]
    assert {world.state(name) for name in left} == {State.SCHEDULED}
    world.drop(left[0], "edited", {"a.jpg": picture(0)}, at)
    world.advance_time(600)
    assert "edited" in [group.content for group in world.groups("scheduled")]


def test_what_is_gone_for_good_is_looked_at_no_more_and_takes_no_memory(new_world: NewWorld) -> None:
    """Years of removed folders cost nothing: not a rescan, nor a start."""
    world = new_world(policy=Policy(settle=2.0, cancel_removed=True))
    names: dict[str, datetime | str | None] = {
        "out": "now",
        "cancelled": world.now + 20 * HOUR,
        "draft": None,
    }
    for name, time in names.items():
        world.drop(name, name, MEDIA, time)
    world.drop("stays", "stays", MEDIA, world.now + 21 * HOUR)
    world.advance_time(300)
    for name in names:
        world.remove(name)
    world.advance_time(1200)
    for _ in range(2):
        assert [*world.watched.folders.below(str(world.root))] == ["stays"]
        assert world.watched.folders.in_memory() == []
        assert {world.record(one).key for one in names}.isdisjoint(world.store.pending(world.now))
        world.look_around()
        assert not world.ready
        world.restart()
        world.run()
    assert [world.state(name) for name in names] == [State.PUBLISHED, State.CANCELLED, State.CANCELLED]


@pytest.mark.parametrize("restarted", [False, True])
@pytest.mark.parametrize("name", ["back", "elsewhere"])
@pytest.mark.parametrize(("time", "states"), [("now", ["published"]), (20 * HOUR, ["scheduled"]), (None, ["draft"])])
def test_what_was_gone_for_good_and_comes_back_is_that_folder(
    new_world: NewWorld, time: timedelta | str | None, states: list[str], name: str, restarted: bool
) -> None:
    """As it was, at its place or another, and also where its status file was left out: by its directory and its files."""
    world = new_world(policy=Policy(settle=2.0, cancel_removed=True))
    folder = world.drop("back", "hello", MEDIA, world.now + time if isinstance(time, timedelta) else time)
    world.drop("stays", "stays", MEDIA, world.now + 21 * HOUR)
    world.advance_time(300)
    key, aside = world.record("back").key, world.root.parent / "aside"
    folder.rename(aside)
    world.advance_time(1200)
    assert world.watched.folders.below(str(world.root)).keys() == {"stays"}
    (aside / "post.status.yaml").unlink()
    if restarted:
        world.restart()
    aside.rename(world.root / name)
    world.advance_time(300)
    assert (world.record(name).key, world.record(name).missed_at) == (key, None)
    assert [group.status for group in world.groups() if group.content == "hello"] == states


def test_a_folder_is_not_gone_for_good_while_a_part_of_it_stands(new_world: NewWorld) -> None:
    """Of its main part nothing is asked; the others are to be taken back, also where the process ended in between."""
    world = new_world(policy=Policy(settle=2.0, cancel_removed=True))
    times = {"twitter-123": world.now + 20 * HOUR, "mastodon-109348": world.now + 22 * HOUR}
    parts = {account: {"scheduled_time": to_service(time)} for account, time in times.items()}
    world.drop("launch", "hello", MEDIA, platforms=(*times,), per_platform=parts)
    world.drop("stays", "stays", MEDIA, world.now + 21 * HOUR)
    world.run_until_rest(60)
    assert len(world.groups("scheduled")) == 3
    world.remove("launch")
    world.look_around()
    world.step()
    world.restart()
    world.advance_time(1200)
    assert [group.content for group in world.groups("scheduled")] == ["stays"]
    assert world.watched.folders.below(str(world.root)).keys() == {"stays"}
