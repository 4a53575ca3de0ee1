"""Database and status files lost: what may be out is held until a person has said whose it is, and nothing goes out twice."""

from __future__ import annotations

import shutil
from datetime import timedelta
from pathlib import Path

import pytest

from postpost_sync import ledger
from postpost_sync.model import slots
from postpost_sync.model.post import Policy
from postpost_sync.sandbox import Behaviour, Fault, Group
from tests.support.lost import ONE, TWO, lose_status_files, lose_the_database, out_or_standing, say, tomorrow
from tests.support.world import NewWorld, World

# --- database and status files lost -----------------------------------------------------------------------------------


def moved_and_lost(world: World) -> list[Group]:
    """A post that stands at another time than its folder says, and nothing is left that knows it; what PostPost holds."""
    world.sandbox.behaviour = Behaviour(move_time=90)
    world.drop("post", "text", ONE, tomorrow(world))
    world.run_until_rest()
    before = world.groups()
    lose_the_database(world)
    lose_status_files(world)
    world.run_until_rest()
    return before


def test_a_time_that_the_service_had_moved_is_held_and_not_posted_again(world: World) -> None:
    before = moved_and_lost(world)
    assert (world.state("post"), world.code("post"), world.groups()) == ("held", "MAYBE_POSTED", before)
    say(world, "post")
    world.run_until_rest()
    assert len(world.groups("scheduled")) == 2  # a person said so


@pytest.mark.parametrize("when", ["now", "soon"])
def test_what_went_out_lately_is_held_and_not_posted_again(world: World, when: str) -> None:
    time = "now" if when == "now" else world.now + timedelta(minutes=10)
    world.drop("post", "text", ONE, time)
    world.run_until_rest()
    world.advance_time(1800)
    assert out_or_standing(world) == [("text", "published")]
    lose_the_database(world)
    lose_status_files(world)
    world.run_until_rest()
    assert out_or_standing(world) == [("text", "published")]
    assert world.code("post") in ("MAYBE_POSTED", "TIME_PAST")


@pytest.mark.parametrize(("when", "hours"), [("now", 20), ("next", 20), ("next", 29 * 24)])
def test_a_folder_without_a_time_of_its_own_is_held_for_what_went_out_longer_ago(
    new_world: NewWorld, when: str, hours: int
) -> None:
    """As long as it would go out by itself, which one with a time does no longer."""
    world = new_world(policy=Policy(settle=2.0, slots=(slots.parse("daily 09:30"),)))
    world.drop("post", "text", ONE, when)
    world.run_until_rest(7200)
    assert out_or_standing(world) == [("text", "published")]
    world.advance_time(hours * 3600)
    lose_the_database(world)
    lose_status_files(world)
    world.run_until_rest(7200)
    assert (out_or_standing(world), world.code("post")) == ([("text", "published")], "MAYBE_POSTED")


def test_what_is_held_for_a_post_that_went_out_is_not_posted_once_that_is_long_ago(world: World) -> None:
    world.drop("post", "text", {}, "now")
    world.run_until_rest()
    world.advance_time(700)
    lose_the_database(world)
    lose_status_files(world)
    world.run_until_rest(60)
    assert world.code("post") == "MAYBE_POSTED"
    world.advance_time(7 * 3600)
    assert (out_or_standing(world), world.code("post")) == ([("text", "published")], "MISSED")


def held_for_an_older_post(world: World) -> Group:
    """A folder `new` waits, since its text went out hours ago; more posts than a page of the list holds came behind that."""
    world.drop("post", "text", {}, "now")
    world.run_until_rest()
    world.advance_time(300)
    for number in range(100):
        made = world.account.api.create_post(f"other {number}", ("twitter-123",), {}, f"intent {number}", None)
        world.account.api.schedule(made.post_group_id, world.now)
    world.advance_time(5 * 3600)
    world.remove("post")
    lose_the_database(world)
    world.drop("new", "text", {}, "now")
    world.run_until_rest(60)
    assert (world.state("new"), world.code("new")) == ("held", "MAYBE_POSTED")
    return next(group for group in world.groups() if group.content == "text")


def look_anew(world: World, how: str) -> None:
    """What PostPost holds is read whole again, when the older post went out longer ago than `catch_up`."""
    world.advance_time(2 * 3600)
    if how == "a restart":
        world.restart()
    else:
        world.sync.reconciliation.run()
    world.advance_time(3700)


@pytest.mark.parametrize("how", ["a restart", "an hour"])
def test_what_is_held_for_a_post_is_held_although_no_reading_shows_that_any_more(world: World, how: str) -> None:
    held_for_an_older_post(world)
    look_anew(world, how)
    assert (world.state("new"), world.code("new")) == ("held", "MAYBE_POSTED")
    assert [group.status for group in world.groups() if group.content == "text"] == ["published"]


@pytest.mark.parametrize("how", ["a restart", "an hour"])
def test_what_is_held_for_a_post_goes_out_once_a_person_has_deleted_that(world: World, how: str) -> None:
    older = held_for_an_older_post(world)
    world.sandbox.dashboard_delete(older.id)
    look_anew(world, how)
    world.advance_time(3700)
    assert world.state("new") == "published"
    assert [group.status for group in world.groups() if group.content == "text"] == ["published"]


def test_a_post_that_no_reading_shows_any_more_is_the_folders_where_a_person_says_so(world: World) -> None:
    older = held_for_an_older_post(world)
    world.advance_time(2 * 3600)
    world.restart()
    say(world, "new", ledger.adopted)
    world.run_until_rest(600)
    assert (world.state("new"), world.record("new").groups[-1].post_group_id) == ("published", older.id)
    assert [group.status for group in world.groups() if group.content == "text"] == ["published"]


def test_a_folder_that_comes_back_after_its_database_was_made_is_not_posted_again(world: World, tmp_path: Path) -> None:
    folder = world.drop("post", "text", ONE, tomorrow(world))
    world.run_until_rest()
    before = world.groups()
    folder.rename(tmp_path / "away")
    lose_the_database(world)
    world.run_until_rest()
    shutil.copytree(tmp_path / "away", folder)  # restored from a backup: younger than the database
    (folder / "post.status.yaml").unlink()
    world.run_until_rest()
    assert (world.code("post"), world.groups()) == ("MAYBE_POSTED", before)


@pytest.mark.parametrize("by", ["command", "command, before it was made", "dashboard"])
@pytest.mark.parametrize("edited", [False, True])
def test_what_was_taken_back_does_not_come_back_by_itself(world: World, by: str, edited: bool) -> None:
    world.drop("post", "text", ONE, tomorrow(world))
    if by == "command, before it was made":
        world.unreachable = {"create-post": 9}
        world.run_until_rest(5)
    else:
        world.run_until_rest()
    if by == "dashboard":
        world.sandbox.dashboard_delete(world.groups()[0].id)
    else:
        say(world, "post", lambda record: ledger.cancelled(record, None))
        world.run_until_rest()
    world.unreachable = {}
    lose_the_database(world)
    if edited:
        world.drop("post", "another text", ONE, tomorrow(world))
    world.run_until_rest()
    assert (world.state("post"), world.code("post"), world.groups()) == ("held", "POST_GONE", [])
    say(world, "post")
    world.run_until_rest()
    assert [group.content for group in world.groups("scheduled")] == ["another text" if edited else "text"]


def test_what_went_out_and_was_cleared_away_at_postpost_does_not_go_out_again(world: World) -> None:
    world.drop("post", "text", ONE, "now")
    world.run_until_rest()
    world.advance_time(600)
    (group,) = world.groups()
    assert (group.status, world.state("post")) == ("published", "published")
    world.sandbox.dashboard_delete(group.id)
    lose_the_database(world)
    world.run_until_rest()
    assert (world.state("post"), world.code("post"), world.groups()) == ("held", "POST_GONE", [])


# --- a person says whose it is -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("stands", ["scheduled", "moved", "published", "draft"])
def test_a_post_that_may_be_the_folders_is_its_own_where_a_person_says_so(world: World, stands: str) -> None:
    world.sandbox.behaviour = Behaviour(move_time=90 if stands == "moved" else 0)
    world.drop("post", "text", TWO, None if stands == "draft" else world.now + timedelta(hours=5))
    world.run_until_rest()
    if stands == "published":
        world.advance_time(5 * 3600 + 600)
    (before,) = world.groups()
    lose_the_database(world)
    lose_status_files(world)
    if stands == "draft":
        world.drop("post", "text", TWO, world.now + timedelta(hours=5))
    world.run_until_rest(600)
    assert (world.state("post"), world.code("post")) == ("held", "MAYBE_POSTED")
    say(world, "post", ledger.adopted)
    world.run_until_rest(600)
    (now,) = world.groups()
    assert (now.id, now.status) == (before.id, "published" if stands == "published" else "scheduled")
    assert world.state("post") == now.status
    assert world.record("post").error is None
    assert world.record("post").groups[-1].adopted


@pytest.mark.parametrize("other", ["two of them", "other accounts", "other media"])
def test_what_cannot_be_the_folders_is_not_taken_over_though_a_person_says_so(world: World, other: str) -> None:
    time = tomorrow(world)
    world.sandbox.behaviour = Behaviour(move_time=90)
    for n in range(2 if other == "two of them" else 1):
        world.drop(f"made {n}", "text", TWO if other == "other media" else ONE, time, ("twitter-123", "linkedin-ABC"))
        world.run_until_rest()
    lose_the_database(world)
    for n in range(2):
        shutil.rmtree(world.root / f"made {n}", ignore_errors=True)
    accounts = ("twitter-123",) if other == "other accounts" else ("twitter-123", "linkedin-ABC")
    world.drop("post", "text", ONE, time, accounts)
    world.run_until_rest()
    before = world.groups()
    say(world, "post", ledger.adopted)
    world.run_until_rest()
    error = world.record("post").error
    assert error is not None
    assert (error.code, "cannot be taken over" in error.message, world.groups()) == ("MAYBE_POSTED", True, before)


def test_the_lost_create_of_a_twin_holds_nobody(world: World) -> None:
    """Its draft comes to light after both have given up looking for it."""
    world.sandbox.behaviour = Behaviour(listing_lag=600)
    world.sandbox.faults.add(Fault("create-post", "lost_reply"))
    world.drop("one", "text", {}, tomorrow(world))
    world.run_until_rest(120)
    world.sandbox.behaviour = Behaviour()
    world.drop("two", "text", {}, tomorrow(world) + timedelta(hours=1))
    world.run_until_rest()
    world.advance_time(3600)
    assert [world.state(name) for name in ("one", "two")] == ["scheduled", "scheduled"]


def test_an_edit_of_a_folder_that_is_held_is_no_way_round_what_holds_it(world: World) -> None:
    """Also where the database is lost beside it: what is held for is in its status file."""
    before = moved_and_lost(world)
    for text in ("edited", "edited again"):
        world.drop("post", text, ONE, tomorrow(world))
        world.run_until_rest()
        assert (world.state("post"), world.code("post"), world.groups()) == ("held", "MAYBE_POSTED", before)
        lose_the_database(world)
        world.run_until_rest()
        assert (world.state("post"), world.code("post"), world.groups()) == ("held", "MAYBE_POSTED", before)
    say(world, "post")
    world.run_until_rest()
    assert sorted(group.content for group in world.groups("scheduled")) == ["edited again", "text"]
    world.drop("post", "and edited once more", ONE, tomorrow(world))
    world.run_until_rest()
    assert sorted(group.content for group in world.groups("scheduled")) == ["and edited once more", "text"]


# --- and edited meanwhile ---------------------------------------------------------------------------------------------


def lose_all(world: World) -> None:
    """What lies in the tree then is older than the new database, which is made by the clock of this world."""
    lose_the_database(world)
    lose_status_files(world)
    world.store.set_fact("made_at", "4e9")
    world.restart()


def lost_and_edited(world: World) -> Group:
    """The post of a folder that says something else by now, and nothing is left that knows it."""
    time = tomorrow(world)
    world.drop("post", "text", ONE, time)
    world.run_until_rest()
    (group,) = world.groups()
    lose_all(world)
    world.drop("post", "edited", ONE, time)
    world.drop("beside", "another text", {}, time, platforms=("linkedin-ABC",))
    world.drop("later", "another text", {}, time + timedelta(hours=1))
    world.run_until_rest()
    assert (world.state("post"), world.code("post")) == ("held", "MAYBE_POSTED")
    assert (world.state("beside"), world.state("later")) == ("scheduled", "scheduled")
    return group


@pytest.mark.parametrize("word", ["retry", "adopt", "deleted there", "edited back"])
def test_a_folder_that_was_edited_when_all_was_lost_is_held_for_what_stands_at_its_time(
    world: World, word: str
) -> None:
    old = lost_and_edited(world)
    if word == "retry":
        say(world, "post")
    elif word == "adopt":
        say(world, "post", ledger.adopted)
        world.run_until_rest()
        assert world.code("post") == "ADOPTED_POST"
        say(world, "post")
    elif word == "deleted there":
        world.sandbox.dashboard_delete(old.id)
        world.restart()
        world.advance_time(3700)
    else:
        world.drop("post", "text", ONE, tomorrow(world))
        world.run_until_rest()
        assert world.code("post") == "MAYBE_POSTED"
        say(world, "post", ledger.adopted)
    world.run_until_rest()
    ours = sorted(group.content for group in world.groups("scheduled") if "another" not in group.content)
    assert ours == {"retry": ["edited", "text"], "edited back": ["text"]}.get(word, ["edited"])
    assert world.state("post") == "scheduled"


def test_of_two_folders_for_the_same_time_each_is_known_by_its_own_text_when_all_was_lost(world: World) -> None:
    time = tomorrow(world)
    for name in ("one", "two"):
        world.drop(name, name, {}, time)
    world.run_until_rest()
    before = world.groups()
    lose_all(world)
    world.run_until_rest()
    assert (world.state("one"), world.state("two"), world.groups()) == ("scheduled", "scheduled", before)


@pytest.mark.parametrize("status_files", [True, False], ids=["status files", "no status files"])
def test_a_new_folder_waits_no_longer_for_a_post_at_its_time_once_that_is_known_to_be_anothers(
    world: World, status_files: bool
) -> None:
    """Which of the two is looked at first is chance."""
    time = tomorrow(world)
    world.drop("post", "text", {}, time)
    world.run_until_rest()
    lose_the_database(world)
    if not status_files:
        lose_status_files(world)
    world.store.set_fact("made_at", "4e9")
    world.restart()
    (world.root / "post").rename(world.root.with_name("aside"))
    world.drop("new", "another text", {}, time)
    world.run_until_rest(60)
    assert world.code("new") == "MAYBE_POSTED"
    (world.root.with_name("aside")).rename(world.root / "post")
    world.run_until_rest(60)
    assert (world.state("post"), world.state("new")) == ("scheduled", "scheduled")


def test_a_folder_that_is_dropped_later_is_held_for_no_other_text_at_its_time(world: World) -> None:
    time = tomorrow(world)
    made = world.account.api.create_post("text", ("twitter-123",), {}).post_group_id
    world.account.api.schedule(made, time)
    world.drop("post", "another text", {}, time)
    world.run_until_rest()
    assert world.state("post") == "scheduled"


def test_what_is_held_for_a_post_is_so_whatever_text_and_time_the_folder_is_edited_to(world: World) -> None:
    time = tomorrow(world)
    made = world.account.api.create_post("text", ("twitter-123",), {}).post_group_id
    world.account.api.schedule(made, time)
    world.drop("post", "text", {}, time + timedelta(hours=2))
    world.run_until_rest()
    world.drop("post", "edited", {}, time)
    world.run_until_rest()
    assert (world.state("post"), world.code("post")) == ("held", "MAYBE_POSTED")
    say(world, "post", ledger.adopted)
    world.run_until_rest()
    assert world.code("post") == "ADOPTED_POST"
    say(world, "post")
    world.run_until_rest()
    world.once("post", "edited", {}, time)
