"""A database lost, with the status files or without: what may be out is held, and nothing goes out twice."""

from __future__ import annotations

import shutil
from datetime import datetime, timedelta
from pathlib import Path

import pytest
import yaml

from postpost_sync import ledger
from postpost_sync.model import slots
from postpost_sync.model.post import Policy
from postpost_sync.model.times import to_service
from postpost_sync.sandbox import Behaviour, Fault, Group
from tests.support.lost import ONE, TWO, lose_status_files, lose_the_database, out_or_standing, say, tomorrow
from tests.support.world import NewWorld, World, picture

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


# --- only the database is lost ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("change", ["replaced", "swapped", "a setting"])
def test_what_was_changed_while_the_database_was_lost_is_an_edit(world: World, change: str) -> None:
    time, to = tomorrow(world), ("threads-789",)
    world.drop("post", "text", TWO, time, to)
    world.run_until_rest()
    lose_the_database(world)
    media: dict[str, bytes] = TWO
    settings: dict[str, dict[str, dict[str, str]]] = {}
    if change == "replaced":
        media = {"a.jpg": picture(1), "b.jpg": picture(3)}
    elif change == "swapped":
        media = {"a.jpg": picture(2), "b.jpg": picture(1)}
    else:
        settings = {"platform_settings": {"threads": {"replyControl": "everyone"}}}
    world.drop("post", "text", media, time, to, **settings)
    world.run_until_rest()
    group = world.once("post", "text", media, time)
    assert bool(group.platform_settings) is (change == "a setting")


def test_media_that_no_status_file_vouches_for_are_held(world: World) -> None:
    """As one that an earlier version wrote."""
    folder = world.drop("post", "text", TWO, tomorrow(world))
    world.run_until_rest()
    before = world.groups()
    status = folder / "post.status.yaml"
    kept = [line for line in status.read_text().splitlines() if not line.startswith(("digest", "proof"))]
    status.write_text("\n".join(kept))
    lose_the_database(world)
    world.run_until_rest()
    assert (world.code("post"), world.groups()) == ("MAYBE_POSTED", before)
    assert status.read_text() == "\n".join(kept)  # it is a claim, until somebody says what it is worth


def test_a_draft_that_was_not_complete_is_made_anew_and_the_old_one_deleted(world: World) -> None:
    time = tomorrow(world)
    world.drop("post", "text", TWO, time)
    world.look_around()
    world.pass_time(2.5)
    world.wake(1, 0.0)
    world.step()
    world.step()
    assert [group.status for group in world.groups()] == ["draft"]
    lose_the_database(world)
    world.run_until_rest()
    world.once("post", "text", TWO, time)


def test_a_database_that_is_lost_before_the_post_is_listed_posts_nothing_a_second_time(world: World) -> None:
    """Its status file names the post, and PostPost knows it by its id: the list lags."""
    world.sandbox.behaviour = Behaviour(listing_lag=60)
    time = tomorrow(world)
    world.drop("post", "text", time=time)
    while not world.groups("scheduled"):
        world.run_until_rest(3)
    (made,) = world.groups()
    world.store.close()
    shutil.rmtree(world.state_db.parent)
    world.start()
    world.run_until_rest(600)
    assert [(group.id, group.status) for group in world.groups()] == [(made.id, "scheduled")]
    assert (world.state("post"), world.code("post")) == ("scheduled", None)


# --- parts that only the status file knows ----------------------------------------------------------------------------

X, LINKEDIN = "twitter-123", "linkedin-ABC"
FOR_LINKEDIN = {LINKEDIN: {"content": "long"}}


def standing(world: World) -> dict[str, tuple[str, ...]]:
    return {group.content: group.platforms for group in world.groups()}


def errors(world: World) -> dict[str, str]:
    return {one.part: one.error.code for one in world.store.records() if one.error is not None}


@pytest.mark.parametrize("left", ["the account, too", "the entry alone", "all entries"])
def test_a_part_that_was_taken_out_while_the_database_was_lost_is_taken_back(world: World, left: str) -> None:
    time = tomorrow(world)
    entries = {**FOR_LINKEDIN, X: {"content": "shorter"}} if left == "all entries" else FOR_LINKEDIN
    folder = world.drop("post", "short", ONE, time, (X, LINKEDIN), per_platform=entries)
    world.run_until_rest()
    assert standing(world)["long"] == (LINKEDIN,)
    lose_the_database(world)
    to = (X,) if left == "the account, too" else (X, LINKEDIN)
    world.drop("post", "short", ONE, time, to)
    world.run_until_rest()
    assert world.once("post", "short", ONE, time).platforms == to
    assert [one.part for one in world.store.records()] == [""]
    assert "parts:" not in (folder / "post.status.yaml").read_text()


@pytest.mark.parametrize("meanwhile", ["deleted", "not proved", "killed"])
def test_parts_that_are_no_more_do_not_bring_one_another_back(world: World, meanwhile: str) -> None:
    """Each is through while the other one's claim keeps the status file as it is."""
    time = tomorrow(world)
    entries = {**FOR_LINKEDIN, X: {"content": "shorter"}}
    folder = world.drop("post", "short", ONE, time, (X, LINKEDIN), per_platform=entries)
    world.run_until_rest()
    if meanwhile == "not proved":
        status = folder / "post.status.yaml"
        status.write_text(status.read_text().replace("proof: ", "proof: 0"))
    lose_the_database(world)
    others = world.groups() if meanwhile == "not proved" else []
    if meanwhile == "deleted":
        for group in world.groups():
            world.sandbox.dashboard_delete(group.id)
    world.drop("post", "short", ONE, time, (X, LINKEDIN))
    if meanwhile == "killed":
        assert world.run_killed(7)
        world.restart()
    world.run_until_rest()
    for part in (one for one in world.store.records() if one.error is not None):
        world.store.change(part.key, ledger.retried)
        world.wake(part.key, 0.0)
    world.run_until_rest()
    assert world.once("post", "short", ONE, time, frozenset(one.id for one in others)).platforms == (X, LINKEDIN)
    assert [one.part for one in world.store.records()] == [""]


def test_a_part_that_is_out_is_not_posted_by_another_though_the_database_was_lost(world: World) -> None:
    world.drop("post", "short", {}, tomorrow(world), (X, LINKEDIN), per_platform=_at(world.now + timedelta(hours=1)))
    world.run_until_rest()
    world.advance_time(7200)
    lose_the_database(world)
    world.drop("post", "short", {}, tomorrow(world), (X, LINKEDIN))
    world.run_until_rest()
    assert sorted(out_or_standing(world)) == [("long", "published"), ("short", "scheduled")]
    assert standing(world)["short"] == (X,)


def _at(time: datetime) -> dict[str, dict[str, str]]:
    return {LINKEDIN: {"content": "long", "scheduled_time": to_service(time)}}


@pytest.mark.parametrize("deleted", [True, False], ids=["deleted", "left"])
@pytest.mark.parametrize("doubt", ["no proof", "its text", "its settings", "its accounts"])
def test_a_part_whose_post_is_not_proved_waits_for_a_word_and_that_is_the_end_of_it(
    world: World, doubt: str, deleted: bool
) -> None:
    time = tomorrow(world)
    settings = {"platform_settings": {"linkedin": {"visibility": "CONNECTIONS"}}} if doubt == "its settings" else {}
    entry = {LINKEDIN: {"content": "long", **settings}}
    folder = world.drop("post", "short", ONE, time, (X, LINKEDIN), per_platform=entry)
    world.run_until_rest()
    before = world.groups()
    status = folder / "post.status.yaml"
    said = yaml.safe_load(status.read_text())
    in_doubt = {"no proof": {"proof": "0"}, "its text": {"digest": "0"}, "its accounts": {"platforms": [X]}}
    said["parts"][1] |= in_doubt.get(doubt, {})
    status.write_text(f"# It says what it says.\n{yaml.safe_dump(said, sort_keys=False)}")
    lose_the_database(world)
    world.drop("post", "short", ONE, time, (X,))
    world.run_until_rest()
    assert (errors(world), world.groups()) == ({LINKEDIN: "EARLIER_POST_DIFFERS"}, before)
    (part,) = (one for one in world.store.records() if one.part)
    assert part.error is not None
    assert "no longer asks for" in part.error.message
    if deleted:
        (long,) = (group.id for group in before if group.content == "long")
        world.account.api.delete_post(long)
    world.store.change(part.key, ledger.retried)
    world.wake(part.key, 0.0)
    for _ in range(2):
        world.run_until_rest()
        assert errors(world) == {}
        assert standing(world) == {"short": (X,)} | ({} if deleted else {"long": (LINKEDIN,)})
        assert "parts:" not in status.read_text()
        world.restart()


def test_accounts_that_were_changed_while_the_database_was_lost_are_an_edit(world: World) -> None:
    time = tomorrow(world)
    world.drop("post", "text", TWO, time, (X, LINKEDIN))
    world.run_until_rest()
    lose_the_database(world)
    world.drop("post", "text", TWO, time, (X, "threads-789"))
    world.run_until_rest()
    assert world.once("post", "text", TWO, time).platforms == (X, "threads-789")


@pytest.mark.parametrize("name", ["a copy", "the copy"], ids=["before it", "after it"])
def test_a_copy_that_was_held_is_held_when_the_database_is_lost(world: World, name: str) -> None:
    world.drop("post", "text", ONE, tomorrow(world))
    world.run_until_rest()
    shutil.copytree(world.root / "post", world.root / name)
    world.look_around()
    world.run_until_rest()
    assert (world.state(name), world.code(name)) == ("held", "COPY_OF")
    before = world.groups()
    lose_the_database(world)
    world.run_until_rest()
    assert (world.state(name), world.groups()) == ("held", before)
    assert world.code(name) in ("COPY_OF", "MAYBE_POSTED")
    for _ in range(2):  # that it is none of those that stand, and meant although it is a copy
        say(world, name)
        world.run_until_rest()
    assert len(world.groups("scheduled")) == 2
