"""A folder that is carried to another name, as a sync client does it, and whose status file is not: its post stays one."""

from __future__ import annotations

import os
import shutil
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from postpost_sync import ledger
from postpost_sync.model.post import Policy
from postpost_sync.model.slots import parse
from postpost_sync.model.states import State
from postpost_sync.model.times import to_service
from tests.support.afterwards import BROKEN, MEDIA, change, retry, until
from tests.support.world import Killed, NewWorld, World, picture

NO_STATUS_FILES = shutil.ignore_patterns("post.status.yaml")
QUEUE = Policy(settle=2.0, slots=(parse("daily 09:30"),))


@pytest.mark.parametrize("duplicates", ["warn", "allow"])
@pytest.mark.parametrize("first", ["post.yaml", "cup.jpg"])
def test_a_folder_that_is_carried_to_another_name_without_its_status_file_is_one_post(
    new_world: NewWorld, first: str, duplicates: str
) -> None:
    """Another machine gave it the name: the files come one by one, and go at the old place."""
    world = new_world(policy=Policy(settle=2.0, duplicates=duplicates))
    time = world.now + timedelta(days=1)
    world.drop("launch", "Fresh roast", MEDIA, time)
    world.run_until_rest()
    (world.root / "new name").mkdir()
    for name in ("post.yaml", "cup.jpg"):
        shutil.copy2(world.root / "launch" / name, world.root / "new name")
    (world.root / "launch" / first).unlink()
    world.look_around()
    world.run_until_rest(5)
    assert [world.code(record.path) for record in world.store.records() if record.path != "launch"] == ["COPY_OF"]
    shutil.rmtree(world.root / "launch")
    world.run_until_rest(5)
    (record,) = world.store.records()
    assert (record.path, record.state, record.error) == ("new name", State.SCHEDULED, None)
    world.once("new name", "Fresh roast", MEDIA, time)


def test_what_was_removed_and_is_dropped_again_by_another_name_has_its_post_already(world: World) -> None:
    time = world.now + timedelta(days=1)
    world.drop("launch", "Fresh roast", MEDIA, time)
    world.run_until_rest()
    world.remove("launch")
    world.advance_time(1000)
    world.drop("new name", "Fresh roast", MEDIA, time)
    world.run_until_rest()
    world.once("new name", "Fresh roast", MEDIA, time)


def test_a_person_may_want_the_post_of_a_folder_that_is_no_longer_whole_a_second_time(world: World) -> None:
    time = world.now + timedelta(days=1)
    world.drop("launch", "Fresh roast", MEDIA, time)
    world.run_until_rest()
    (world.root / "launch/cup.jpg").unlink()
    world.run_until_rest(5)
    world.drop("new name", "Fresh roast", MEDIA, time)
    world.run_until_rest(5)
    assert (world.state("new name"), world.code("new name")) == (State.HELD, "COPY_OF")
    retry(world, "new name")
    assert (world.state("new name"), len(world.groups("scheduled"))) == (State.SCHEDULED, 2)


@pytest.mark.parametrize("duplicates", ["warn", "allow"])
def test_a_folder_that_went_out_and_is_renamed_edited_and_bereft_of_its_status_file_does_not_go_out_again(
    new_world: NewWorld, duplicates: str
) -> None:
    world = new_world(policy=Policy(settle=2.0, duplicates=duplicates))
    world.drop("launch", "Fresh roast", time="now")
    world.run_until_rest()
    world.advance_time(3600)
    assert world.state("launch") is State.PUBLISHED
    folder = (world.root / "launch").rename(world.root / "new name")
    (folder / "post.status.yaml").unlink()
    world.drop("new name", "Fresh roast", MEDIA, "now")
    world.run_until_rest()
    assert (world.state("new name"), world.code("new name")) == (State.HELD, "COPY_OF")
    assert len(world.groups()) == 1
    retry(world, "new name")
    assert len(world.groups()) == 2


def test_another_folder_in_the_directory_of_one_that_went_out_is_another_post(world: World) -> None:
    """File systems give the number of a removed directory to the next one."""
    world.drop("launch", "Fresh roast", time="now")
    world.run_until_rest()
    world.advance_time(3600)
    folder = (world.root / "launch").rename(world.root / "new name")
    (folder / "post.status.yaml").unlink()
    world.drop("new name", "Another roast", MEDIA, "now")
    world.run_until_rest()
    world.advance_time(3600)
    assert world.state("new name") is State.PUBLISHED


def carry(world: World, to: str) -> None:
    """As a sync client that leaves out status files: gone here, and there anew with the same bytes."""
    shutil.copytree(world.root / "launch", world.root / to, ignore=NO_STATUS_FILES)
    shutil.rmtree(world.root / "launch")


def carry_all(world: World) -> Path:
    """To another disk. The root has another path in the config from then on: nobody looks whether the old one is there."""
    there, old = world.root.with_name("another disk"), world.root
    shutil.copytree(old, there, ignore=NO_STATUS_FILES)
    world.root = there
    world.restart()
    return old


@pytest.mark.parametrize("time", ["a time", "next"])
@pytest.mark.parametrize("old", ["gone", "left behind"])
def test_a_tree_that_is_carried_to_another_disk_without_its_status_files_keeps_its_posts(
    new_world: NewWorld, time: str, old: str
) -> None:
    world = new_world(policy=QUEUE)
    world.drop("launch", "Fresh roast", MEDIA, world.now + timedelta(days=1) if time == "a time" else time)
    world.run_until_rest(600)
    (group,) = world.groups("scheduled")
    earlier = carry_all(world)
    if old == "gone":
        shutil.rmtree(earlier)
    world.run_until_rest(600)
    assert [(one.id, one.scheduled_time) for one in world.groups()] == [(group.id, group.scheduled_time)]
    (record,) = world.store.records()
    assert (record.root, record.state, record.error) == (str(world.root), State.SCHEDULED, None)


@pytest.mark.parametrize("time", ["now", "next"])
@pytest.mark.parametrize("to", ["another name", "another disk"])
def test_what_went_out_does_not_go_out_again_where_it_is_carried_without_its_status_file(
    new_world: NewWorld, time: str, to: str
) -> None:
    """It has no time of its own that would tell that it is over."""
    world = new_world(policy=QUEUE)
    world.drop("launch", "Fresh roast", MEDIA, time)
    world.drop("other", "Another text", {}, world.now + timedelta(days=9))
    world.run_until_rest(600)
    until(world, world.now + timedelta(hours=20))
    assert world.state("launch") is State.PUBLISHED
    if to == "another disk":
        carry_all(world)
    else:
        carry(world, to)
    until(world, world.now + timedelta(days=2))
    assert sorted((one.content, one.status) for one in world.groups()) == [
        ("Another text", "scheduled"),
        ("Fresh roast", "published"),
    ]
    assert [one.error.code for one in world.store.records() if one.error is not None] == ["COPY_OF"]


def test_a_queued_folder_that_is_carried_to_another_name_keeps_its_slot(new_world: NewWorld) -> None:
    world = new_world(policy=QUEUE)
    world.drop("launch", "Fresh roast", MEDIA, "next")
    world.run_until_rest(600)
    (group,) = world.groups("scheduled")
    carry(world, "another name")
    world.run_until_rest(600)
    assert [(one.id, one.scheduled_time) for one in world.groups()] == [(group.id, group.scheduled_time)]


def test_the_same_words_once_more_are_another_post_where_the_folder_was_removed_long_before(world: World) -> None:
    world.drop("launch", "Fresh roast", MEDIA, "now")
    world.drop("other", "Another text", {})  # a root that is suddenly empty says nothing
    until(world, world.now + timedelta(hours=1))
    number = os.open(world.root / "launch", os.O_RDONLY)  # which no other directory gets as long as it is open
    world.remove("launch")
    until(world, world.now + timedelta(hours=3))
    world.drop("again", "Fresh roast", MEDIA, "now")
    until(world, world.now + timedelta(hours=1))
    os.close(number)
    assert len(world.groups("published")) == 2


@pytest.mark.parametrize("media", [{}, MEDIA], ids=["text", "a picture"])
@pytest.mark.parametrize("seen", ["settling", "on its way", "due", "published"])
@pytest.mark.parametrize("duplicates", ["warn", "hold"])
def test_a_folder_that_says_now_and_is_made_anew_before_the_old_one_is_removed_goes_out_once(
    new_world: NewWorld, media: dict[str, bytes], seen: str, duplicates: str
) -> None:
    """As a sync client renames it, which leaves status files out. It is that folder where nothing of that one is out yet."""
    world = new_world(policy=Policy(settle=2.0, duplicates=duplicates))
    world.drop("other", "Another text", {}, world.now + timedelta(days=9))
    world.drop("launch", "Fresh roast", media, "now")
    if seen == "settling":
        world.look_around()
    elif seen == "on its way":
        world.unreachable = {"update-post": 9}
        world.run_until_rest(4)
    elif seen == "due":
        world.run_until_rest(4)
        assert world.state("launch") is State.SCHEDULED
    else:
        until(world, world.now + timedelta(minutes=40))
    shutil.copytree(world.root / "launch", world.root / "new name", ignore=NO_STATUS_FILES)
    world.run_until_rest(3)
    until(world, world.now + timedelta(seconds=3))
    shutil.rmtree(world.root / "launch")
    until(world, world.now + timedelta(hours=3))
    assert sorted((one.content, one.status) for one in world.groups()) == [
        ("Another text", "scheduled"),
        ("Fresh roast", "published"),
    ]
    (record,) = (one for one in world.store.records() if one.path == "new name")
    code = record.error.code if record.error is not None else ""
    assert (record.state, code) in ((State.PUBLISHED, ""), (State.HELD, "COPY_OF"))


@pytest.mark.parametrize("word", ["retry", "allow", "edit"])
def test_the_same_words_twice_now_are_two_posts_where_that_is_meant(new_world: NewWorld, word: str) -> None:
    world = new_world(policy=Policy(settle=2.0, duplicates="allow" if word == "allow" else "warn"))
    for name in ("one", "two"):
        world.drop(name, "Fresh roast", MEDIA, "now")
    until(world, world.now + timedelta(minutes=10))
    assert len(world.groups("published")) == (2 if word == "allow" else 1)
    if word == "retry":
        retry(world, "two")
    elif word == "edit":
        world.drop("two", "Fresh roast, again", MEDIA, "now")
    until(world, world.now + timedelta(minutes=10))
    assert len(world.groups("published")) == 2


@pytest.mark.parametrize("end", ["failed", "cancelled"])
def test_the_words_of_a_post_that_went_out_nowhere_are_no_copy(world: World, end: str) -> None:
    if end == "failed":
        world.sandbox.behaviour = replace(world.sandbox.behaviour, publish_errors=BROKEN)
    world.drop("one", "Fresh roast", MEDIA, "now")
    if end == "failed":
        until(world, world.now + timedelta(minutes=10))
    else:
        world.run_until_rest(4)
        change(world, "one", ledger.cancelled, None)
        world.run_until_rest(1)
    assert world.state("one") == end
    world.sandbox.behaviour = replace(world.sandbox.behaviour, publish_errors={})
    world.drop("two", "Fresh roast", MEDIA, "now")
    until(world, world.now + timedelta(minutes=10))
    assert world.state("two") is State.PUBLISHED


def test_a_folder_of_which_each_account_has_an_entry_of_its_own_is_carried_whole(new_world: NewWorld) -> None:
    """Of its main part nothing is asked, so that none but the others can be seen to be the same."""
    world = new_world(policy=Policy(settle=2.0, cancel_removed=True))
    (world.root / "readme.txt").touch()
    times = {"twitter-123": timedelta(days=1), "mastodon-109348": timedelta(days=2)}
    entries = {account: {"scheduled_time": to_service(world.now + after)} for account, after in times.items()}
    world.drop("launch", "Fresh roast", MEDIA, platforms=(*times,), per_platform=entries)
    world.run_until_rest(60)
    made = {group.id for group in world.groups("scheduled")}
    shutil.copytree(world.root / "launch", world.root / "new name", ignore=NO_STATUS_FILES)
    (world.root / "launch/cup.jpg").unlink()
    world.run_until_rest(60)
    shutil.rmtree(world.root / "launch")
    world.advance_time(1200)
    assert {record.path for record in world.store.records()} == {"new name"}
    assert {group.id for group in world.groups("scheduled")} == made
    assert len(made) == len(world.groups()) == len(times)


@pytest.mark.parametrize("asks", ["a time", "a time by its part", "the next slot"])
@pytest.mark.parametrize("cancels", [False, True])
def test_a_folder_that_stands_and_is_renamed_edited_and_bereft_of_its_status_file_is_edited(
    new_world: NewWorld, cancels: bool, asks: str
) -> None:
    """By its directory: the earlier post must not go out beside the new one, whatever is done where folders are removed."""
    world = new_world(policy=replace(QUEUE, cancel_removed=cancels))
    about = _asking(world, asks)
    world.drop("launch", "Fresh roast", MEDIA, **about)
    world.run_until_rest(60)
    _rename_and_edit(world, about)
    world.start()
    world.advance_time(1200)
    _check_one_stands(world)
    assert {record.path for record in world.store.records()} == {"new name"}


@pytest.mark.parametrize("asks", ["a time", "the next slot"])
def test_so_is_one_of_which_the_program_was_ended_at_any_moment(new_world: NewWorld, asks: str) -> None:
    """Also where an update-post was sent, and its answer is unknown: the draft may stand by then."""
    for effect in range(1, 100):
        world = new_world(policy=QUEUE)
        about = _asking(world, asks)
        world.drop("launch", "Fresh roast", MEDIA, **about)
        world.kill_at(effect)
        try:
            world.run_until_rest(60)
            break
        except Killed:
            pass
        _rename_and_edit(world, about)
        world.start()
        world.advance_time(2400)
        _check_one_stands(world)
    assert effect > 20


def _asking(world: World, asks: str) -> dict[str, Any]:
    (world.root / "readme.txt").touch()
    time = world.now + timedelta(days=1)
    if asks == "a time by its part":
        return {"per_platform": {"twitter-123": {"scheduled_time": to_service(time)}}}
    return {"time": time if asks == "a time" else "next"}


def _rename_and_edit(world: World, about: dict[str, Any]) -> None:
    """While nobody looks, and its status file goes."""
    world.store.close()
    (world.root / "launch").rename(world.root / "new name")
    (world.root / "new name/post.status.yaml").unlink(missing_ok=True)
    world.drop("new name", "Fresh roast", MEDIA | {"d.jpg": picture(9)}, **about)


def _check_one_stands(world: World) -> None:
    (group,) = world.groups("scheduled")
    assert [media.file_name for media in group.media] == ["cup.jpg", "d.jpg"]
    assert world.groups("draft") == []


def test_a_carried_folder_that_has_a_post_of_its_own_by_now_is_not_taken_over(new_world: NewWorld) -> None:
    """Its main part was edited on the way, so that another post was made of it; the other part waits for a person."""
    world = new_world()
    (world.root / "readme.txt").touch()
    entry = {"mastodon-109348": {"content": "Short", "scheduled_time": to_service(world.now + timedelta(days=2))}}
    about: dict[str, Any] = {"platforms": ("twitter-123", "mastodon-109348"), "per_platform": entry}
    time = world.now + timedelta(days=1)
    world.drop("launch", "Fresh roast", MEDIA, time, **about)
    world.run_until_rest(60)
    world.drop("new name", "Dark roast", MEDIA, time, **about)
    (world.root / "launch/cup.jpg").unlink()
    world.run_until_rest(60)
    shutil.rmtree(world.root / "launch")
    world.advance_time(1200)
    known = {group.post_group_id for record in world.store.records() for group in record.groups}
    assert {group.id for group in world.groups()} <= known
    waits = {record.part: record.error.code for record in world.store.records() if record.error is not None}
    assert waits == {"mastodon-109348": "COPY_OF"}
