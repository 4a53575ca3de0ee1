"""An older database put back: what went on since then is known again, and nothing goes out twice."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Literal

import pytest

from postpost_sync import ledger
from postpost_sync.sandbox import Behaviour
from tests.support.lost import ONE, TWO, keep, lose_status_files, out_or_standing, put_back, say, tomorrow
from tests.support.world import World


def edited_since_the_backup(world: World, place: Path, media: dict[str, bytes]) -> datetime:
    """A post that stands as it was edited, and a copy of the database in which it stands as it was before; its time."""
    time = tomorrow(world)
    world.drop("post", "old", media, time)
    world.run_until_rest()
    keep(world, place / "backup")
    world.drop("post", "new", media, time)
    world.run_until_rest()
    return time


@pytest.mark.parametrize("media", [{}, TWO], ids=["text", "pictures"])
def test_a_post_that_was_edited_since_the_backup_stands_once(
    world: World, tmp_path: Path, media: dict[str, bytes]
) -> None:
    time = edited_since_the_backup(world, tmp_path, media)
    (group,) = world.groups()
    put_back(world, tmp_path / "backup")
    world.run_until_rest()
    assert world.once("post", "new", media, time).id == group.id


def test_a_put_back_post_goes_on_being_the_folders(world: World, tmp_path: Path) -> None:
    time = edited_since_the_backup(world, tmp_path, ONE)
    put_back(world, tmp_path / "backup")
    world.run_until_rest()
    world.drop("post", "newer", TWO, time)
    world.run_until_rest()
    world.once("post", "newer", TWO, time)


@pytest.mark.parametrize("stop", ["settling", "invalid", "drafted", "uploading"])
@pytest.mark.parametrize("status_files", [True, False], ids=["status files", "no status files"])
@pytest.mark.parametrize("media", [{}, ONE], ids=["text", "a picture"])
def test_a_post_that_went_on_since_the_backup_is_not_made_again(
    world: World, tmp_path: Path, stop: str, status_files: bool, media: dict[str, bytes]
) -> None:
    time = tomorrow(world)
    if stop == "settling":
        world.drop("post", "text", media, time)
        world.look_around()
    elif stop == "invalid":
        world.drop("post", "text", media, time, platforms=("nowhere",))
        world.run_until_rest()
    elif stop == "drafted":
        world.drop("post", "text", media)
        world.run_until_rest()
    else:
        world.drop("post", "text", media, time)
        world.look_around()
        world.pass_time(2.5)
        world.wake(1, 0.0)
        for _ in range(3):
            world.step()
    keep(world, tmp_path / "backup")
    world.drop("post", "text", media, time)
    world.run_until_rest()
    before = world.groups()
    assert [group.status for group in before] == ["scheduled"]
    if not status_files:
        lose_status_files(world)
    put_back(world, tmp_path / "backup")
    world.run_until_rest()
    assert [(group.id, group.status) for group in world.groups()] == [(before[0].id, "scheduled")]
    if status_files:
        world.once("post", "text", media, time)


@pytest.mark.parametrize("status_files", [True, False], ids=["status files", "no status files"])
def test_a_post_that_went_out_since_the_backup_does_not_go_out_again(
    world: World, tmp_path: Path, status_files: bool
) -> None:
    world.drop("other", "another text", time=tomorrow(world))
    world.run_until_rest()
    keep(world, tmp_path / "backup")
    world.drop("post", "text", ONE, "now")
    world.run_until_rest()
    world.advance_time(120)
    assert ("text", "published") in out_or_standing(world)
    if not status_files:
        lose_status_files(world)
    put_back(world, tmp_path / "backup")
    world.run_until_rest()
    world.advance_time(600)
    assert out_or_standing(world).count(("text", "published")) == 1


@pytest.mark.parametrize("reissue", [True, False])
def test_nothing_is_attached_to_a_post_that_stands_scheduled_since_the_backup(
    world: World, tmp_path: Path, reissue: bool
) -> None:
    """The draft that the older database is still filling was finished since; its upload URLs are dead by now."""
    world.sandbox.behaviour = Behaviour(reissue_media=reissue, attach_to_scheduled_unschedules=True)
    time = tomorrow(world)
    world.drop("post", "text", TWO, time)
    world.look_around()
    world.pass_time(2.5)
    world.wake(1, 0.0)
    while not any(upload.url for record in world.store.records() for g in record.groups for upload in g.uploads):
        world.step()
    keep(world, tmp_path / "backup")
    world.run_until_rest()
    assert [group.status for group in world.groups()] == ["scheduled"]
    world.pass_time(7200)
    put_back(world, tmp_path / "backup")
    world.run_until_rest()
    world.once("post", "text", TWO, time)


def test_that_the_post_of_an_older_database_is_gone_is_noticed_while_its_folder_is_held_for_the_newer_one(
    world: World, tmp_path: Path
) -> None:
    """It is looked at again each few seconds, for its status file may say more at any time."""
    edited_since_the_backup(world, tmp_path, ONE)
    (group,) = world.groups()
    lose_status_files(world)
    put_back(world, tmp_path / "backup")
    world.advance_time(600)
    assert world.code("post") == "MAYBE_POSTED"
    world.sync.reconciliation.run()
    world.advance_time(600)
    error = world.record("post").error
    assert error is not None
    assert (error.code, "the earlier post stands" in error.message) == ("MAYBE_POSTED", False)
    world.advance_time(2 * 86400)
    assert [(one.id, one.status) for one in world.groups()] == [(group.id, "published")]


@pytest.mark.parametrize("when", ["at the start", "once it is due"])
def test_a_folder_at_rest_whose_post_was_made_anew_since_the_backup_is_that_ones(
    world: World, tmp_path: Path, when: str
) -> None:
    """Nothing in it has changed since, so that nobody would look at it."""
    world.drop("post", "text", ONE, tomorrow(world))
    world.run_until_rest()
    (first,) = world.groups()
    keep(world, tmp_path / "backup")
    world.sandbox.dashboard_delete(first.id)
    world.pass_time(300)
    world.sync.reconciliation.run()
    world.run_until_rest()
    say(world, "post")
    world.run_until_rest()
    (second,) = world.groups()
    if when == "once it is due":
        world.pass_time(86400 + 600)
    put_back(world, tmp_path / "backup")
    world.pass_time(300)
    world.sync.reconciliation.run()
    for key in world.store.due(first.created_at - timedelta(days=9), world.now):
        world.wake(key, 0.0)
    world.run_until_rest()
    record = world.record("post")
    assert [group.post_group_id for group in record.groups][-1] == second.id
    assert record.state == ("scheduled" if when == "at the start" else "published")
    assert [group.id for group in world.groups()] == [second.id]


@pytest.mark.parametrize("by", ["command", "dashboard"])
@pytest.mark.parametrize("then", ["it stands", "it went out", "it is claimed by nobody"])
@pytest.mark.parametrize("listed", ["plain", "escaped", "shortened"])
def test_a_post_that_was_cancelled_at_the_backup_and_brought_back_since_is_known_again(
    world: World, tmp_path: Path, by: str, then: str, listed: Literal["plain", "escaped", "shortened"]
) -> None:
    """Nothing in its folder has changed since, so that nobody would look at it."""
    world.sandbox.behaviour = Behaviour(list_texts=listed)
    text = " Fish & chips in été, it's fresh: from the harbour"
    world.drop("post", text, ONE, tomorrow(world))
    world.drop("other", "another text", {}, tomorrow(world))
    world.run_until_rest()
    first = next(group for group in world.groups() if group.content == text)
    if by == "command":
        say(world, "post", lambda record: ledger.cancelled(record, None))
    else:
        world.sandbox.dashboard_delete(first.id)
        world.pass_time(300)
        world.sync.reconciliation.run()
    world.run_until_rest()
    assert world.state("post") == "cancelled"
    keep(world, tmp_path / "backup")
    say(world, "post")
    world.run_until_rest()
    if then == "it went out":
        world.advance_time(86400 + 3600)
    second = next(group for group in world.groups() if group.content == text)
    if then == "it is claimed by nobody":
        lose_status_files(world)
    put_back(world, tmp_path / "backup")
    world.sync.reconciliation.run()
    world.run_until_rest()
    known = world.record("post").groups[-1].post_group_id == second.id
    assert (known, world.state("post")) == {
        "it stands": (True, "scheduled"),
        "it went out": (True, "published"),
        "it is claimed by nobody": (False, "cancelled"),
    }[then]
    say(world, "post")
    world.run_until_rest()
    assert [group.id for group in world.groups() if group.content == text] == [second.id]


def test_a_cancelled_post_is_not_brought_back_by_a_status_file_that_names_nothing(world: World) -> None:
    folder = world.drop("post", "text", ONE, tomorrow(world))
    world.run_until_rest()
    (group,) = world.groups()
    say(world, "post", lambda record: ledger.cancelled(record, None))
    world.run_until_rest()
    status = folder / "post.status.yaml"
    status.write_text(status.read_text().replace(group.id, "f" * 24) + f"post_group_id: {'f' * 24}\n")
    world.wake(world.record("post").key, 0.0)
    world.restart()
    world.wake(world.record("post").key, 0.0)
    world.run_until_rest()
    assert (world.state("post"), world.groups()) == ("cancelled", [])
