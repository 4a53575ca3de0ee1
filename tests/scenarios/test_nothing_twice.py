"""Nothing goes out twice: databases put back or lost, what nobody here knows at PostPost, and other installations."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from postpost_sync import ledger
from postpost_sync.model.record import Record
from postpost_sync.sandbox import Behaviour, Fault
from tests.support.matrices import Matrix, Survived
from tests.support.world import Killed, NewWorld, World, picture

ONE, TWO = {"a.jpg": picture(1)}, {"a.jpg": picture(1), "b.jpg": picture(2)}


def tomorrow(world: World) -> datetime:
    return (world.now + timedelta(days=1)).replace(microsecond=0)


def keep(world: World, place: Path) -> None:
    """A copy of the database, as a nightly backup makes it."""
    world.store.close()
    shutil.rmtree(place, ignore_errors=True)
    shutil.copytree(world.state_db.parent, place)
    world.start()


def put_back(world: World, place: Path) -> None:
    world.store.close()
    shutil.rmtree(world.state_db.parent)
    shutil.copytree(place, world.state_db.parent)
    world.start()


def lose_the_database(world: World) -> None:
    world.store.close()
    shutil.rmtree(world.state_db.parent)
    world.start()


def lose_status_files(world: World) -> None:
    for file in world.root.rglob("post.status.yaml"):
        file.unlink()


def say(world: World, name: str, word: Callable[..., Record] = ledger.retried) -> None:
    key = world.record(name).key
    world.store.change(key, word)
    world.wake(key, 0.0)


def out_or_standing(world: World) -> list[tuple[str, str]]:
    """(text, status) of all that stands scheduled or went out."""
    return [(group.content, group.status) for group in world.groups() if group.status != "draft"]


# --- an older database put back ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("media", [{}, TWO], ids=["text", "pictures"])
def test_a_post_that_was_edited_since_the_backup_stands_once(
    world: World, tmp_path: Path, media: dict[str, bytes]
) -> None:
    time = tomorrow(world)
    world.drop("post", "old", media, time)
    world.run_until_rest()
    keep(world, tmp_path / "backup")
    world.drop("post", "new", media, time)
    world.run_until_rest()
    (group,) = world.groups()
    put_back(world, tmp_path / "backup")
    world.run_until_rest()
    assert world.once("post", "new", media, time).id == group.id


def test_a_put_back_post_goes_on_being_the_folders(world: World, tmp_path: Path) -> None:
    time = tomorrow(world)
    world.drop("post", "old", ONE, time)
    world.run_until_rest()
    keep(world, tmp_path / "backup")
    world.drop("post", "new", ONE, time)
    world.run_until_rest()
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
    world.sync.reconcile()
    world.run_until_rest()
    say(world, "post")
    world.run_until_rest()
    (second,) = world.groups()
    if when == "once it is due":
        world.pass_time(86400 + 600)
    put_back(world, tmp_path / "backup")
    world.pass_time(300)
    world.sync.reconcile()
    for key in world.store.due(first.created_at - timedelta(days=9), world.now):
        world.wake(key, 0.0)
    world.run_until_rest()
    record = world.record("post")
    assert [group.post_group_id for group in record.groups][-1] == second.id
    assert record.state == ("scheduled" if when == "at the start" else "published")
    assert [group.id for group in world.groups()] == [second.id]


@pytest.mark.parametrize("by", ["command", "dashboard"])
@pytest.mark.parametrize("then", ["it stands", "it went out", "it is claimed by nobody"])
def test_a_post_that_was_cancelled_at_the_backup_and_brought_back_since_is_known_again(
    world: World, tmp_path: Path, by: str, then: str
) -> None:
    world.drop("post", "text", ONE, tomorrow(world))
    world.drop("other", "another text", {}, tomorrow(world))
    world.run_until_rest()
    first = next(group for group in world.groups() if group.content == "text")
    if by == "command":
        say(world, "post", lambda record: ledger.cancelled(record, None))
    else:
        world.sandbox.dashboard_delete(first.id)
        world.pass_time(300)
        world.sync.reconcile()
    world.run_until_rest()
    assert world.state("post") == "cancelled"
    keep(world, tmp_path / "backup")
    say(world, "post")
    world.run_until_rest()
    if then == "it went out":
        world.advance_time(86400 + 3600)
    second = next(group for group in world.groups() if group.content == "text")
    if then == "it is claimed by nobody":
        lose_status_files(world)
    put_back(world, tmp_path / "backup")
    world.sync.reconcile()
    world.run_until_rest()
    known = world.record("post").groups[-1].post_group_id == second.id
    assert (known, world.state("post")) == {
        "it stands": (True, "scheduled"),
        "it went out": (True, "published"),
        "it is claimed by nobody": (False, "cancelled"),
    }[then]
    say(world, "post")
    world.run_until_rest()
    assert [group.id for group in world.groups() if group.content == "text"] == [second.id]


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


# --- database and status files lost -----------------------------------------------------------------------------------


def test_a_time_that_the_service_had_moved_is_held_and_not_posted_again(world: World) -> None:
    world.sandbox.behaviour = Behaviour(move_time=90)
    world.drop("post", "text", ONE, tomorrow(world))
    world.run_until_rest()
    before = world.groups()
    lose_the_database(world)
    lose_status_files(world)
    world.run_until_rest()
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
    world.sandbox.behaviour = Behaviour(move_time=90)
    world.drop("post", "text", ONE, tomorrow(world))
    world.run_until_rest()
    before = world.groups()
    lose_the_database(world)
    lose_status_files(world)
    world.run_until_rest()
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


# --- what somebody else made ------------------------------------------------------------------------------------------


def test_a_post_made_by_hand_is_taken_over_by_its_looks_and_never_deleted_by_an_edit(world: World) -> None:
    time = tomorrow(world)
    made = world.account.api.create_post("text", ("twitter-123",), {}).post_group_id
    world.account.api.schedule(made, time)
    world.drop("post", "text", time=time)
    world.run_until_rest()
    assert (world.state("post"), [group.id for group in world.groups()]) == ("scheduled", [made])
    world.drop("post", "edited", time=time)
    world.run_until_rest()
    assert (world.state("post"), world.code("post")) == ("held", "ADOPTED_POST")
    assert [(group.id, group.status) for group in world.groups()] == [(made, "draft")]
    world.drop("post", "text", time=time)  # undone
    world.run_until_rest()
    assert [(group.id, group.status) for group in world.groups()] == [(made, "scheduled")]
    world.drop("post", "edited", time=time)
    world.run_until_rest()
    say(world, "post")
    world.run_until_rest()
    world.once("post", "edited", {}, time)


def test_a_folder_that_is_removed_takes_back_no_post_that_it_did_not_make(world: World) -> None:
    world.policy = type(world.policy)(settle=2.0, cancel_removed=True)
    world.restart()
    time = tomorrow(world)
    made = world.account.api.create_post("text", ("twitter-123",), {}).post_group_id
    world.account.api.schedule(made, time)
    world.drop("post", "text", time=time)
    world.run_until_rest()
    world.remove("post")
    world.run_until_rest()
    world.advance_time(3600)
    assert [group.id for group in world.groups("scheduled")] == [made]


def test_a_status_file_that_anybody_wrote_deletes_nothing(world: World) -> None:
    """It names a post of somebody else, whose text is known, and was written without the key."""
    time = tomorrow(world)
    made = world.account.api.create_post("text", ("twitter-123",), {}).post_group_id
    world.account.api.schedule(made, time)
    folder = world.drop("post", "text", time=time)
    facts = {
        "folder_id": "00000000-0000-4000-8000-000000000000",
        "instance": "harness",
        "post_group_id": made,
        "state": "scheduled",
        "proof": "0" * 64,
    }
    (folder / "post.status.yaml").write_text("".join(f"{name}: {value}\n" for name, value in facts.items()))
    world.run_until_rest()
    world.drop("post", "edited", time=time)
    world.run_until_rest()
    assert made in [group.id for group in world.groups()]
    assert world.sandbox.deleted() == ()


def test_another_installation_that_was_quicker_holds_the_post(world: World) -> None:
    """On a machine that synced the folder: it has made its draft, and its status file is still on its way."""
    world.account.api.create_post("text", ("twitter-123",), {})
    before = world.groups()
    world.drop("post", "text", time=tomorrow(world))
    world.run_until_rest()
    assert (world.code("post"), world.groups()) == ("MAYBE_POSTED", before)


def test_another_installation_that_makes_the_same_at_the_same_moment_holds_the_post(world: World) -> None:
    world.drop("post", "text", ONE, tomorrow(world))
    world.look_around()
    world.pass_time(2.5)
    world.wake(1, 0.0)
    while not world.groups():
        world.step()
    world.pass_time(0.1)
    other = world.account.api.create_post("text", ("twitter-123",), {}).post_group_id
    world.account.api.schedule(other, tomorrow(world))
    world.run_until_rest()
    assert [group.id for group in world.groups("scheduled")] == [other]
    assert world.code("post") == "MAYBE_POSTED"


def test_a_hundred_posts_that_are_dropped_at_once_share_a_few_listings(world: World) -> None:
    for n in range(100):
        world.drop(f"post{n}", f"text {n}", time=tomorrow(world))
    world.run_until_rest()
    assert len(world.groups("scheduled")) == 100
    assert world.sandbox.count("list-posts") <= 10


# --- copies -----------------------------------------------------------------------------------------------------------


def test_a_copy_of_a_folder_that_went_out_now_does_not_go_out(world: World) -> None:
    original = world.drop("post", "text", ONE, "now")
    world.run_until_rest()
    world.advance_time(600)
    shutil.copytree(original, world.root / "copy")
    world.run_until_rest()
    world.advance_time(600)
    assert out_or_standing(world) == [("text", "published")]
    assert (world.state("copy"), world.code("copy")) == ("held", "COPY_OF")


def test_a_copy_is_held_until_it_changes_itself_or_a_person_says_so(world: World) -> None:
    time = tomorrow(world)
    original = world.drop("post", "text", ONE, time)
    world.run_until_rest()
    for name in ("copy", "meant"):
        shutil.copytree(original, world.root / name)
    world.run_until_rest()
    world.drop("post", "text", ONE, time + timedelta(hours=5))  # the original asks for another time now
    world.run_until_rest()
    world.restart()
    for file in (world.root / "copy").iterdir():
        file.touch()
    world.run_until_rest()
    assert (world.code("copy"), world.code("meant")) == ("COPY_OF", "COPY_OF")
    assert len(world.groups("scheduled")) == 1
    say(world, "meant")
    world.run_until_rest()
    assert (world.state("meant"), world.code("copy")) == ("scheduled", "COPY_OF")
    world.drop("copy", "another text", ONE, time)
    world.run_until_rest()
    assert [group.content for group in world.groups("scheduled")] == ["text", "text", "another text"]


# --- what is partly out -----------------------------------------------------------------------------------------------

BOTH = ("twitter-123", "linkedin-ABC")
PARTLY = {
    "a thread that broke off": Behaviour(publish_errors={"twitter-123": {"code": "THREAD_PARTIALLY_PUBLISHED"}}),
    "an id all the same": Behaviour(publish_errors={"twitter-123": {"code": "TIMEOUT_ERROR", "postedId": "17"}}),
    "an outcome unknown": Behaviour(publish_errors={"twitter-123": {"code": "PUBLISH_OUTCOME_UNKNOWN"}}),
    "several entries": Behaviour(publish_entries={"twitter-123": ("published", "failed")}),
}


@pytest.mark.parametrize("platforms", [BOTH[:1], BOTH], ids=["alone", "beside another"])
@pytest.mark.parametrize("how", PARTLY)
def test_what_is_partly_out_is_sent_again_only_where_a_person_says_again(
    world: World, how: str, platforms: tuple[str, ...]
) -> None:
    world.sandbox.behaviour = PARTLY[how]
    world.drop("post", "text", ONE, world.now + timedelta(minutes=10), platforms)
    world.run_until_rest()
    world.advance_time(1200)
    assert world.state("post") == "partially_published"
    world.sandbox.behaviour = Behaviour()
    world.drop("post", "edited", ONE, tomorrow(world), platforms)
    world.run_until_rest()
    say(world, "post")
    world.run_until_rest()
    assert len(world.groups()) == 1
    world.drop("post", "text", ONE, world.record("post").groups[0].asked_time, platforms)
    world.run_until_rest()
    say(world, "post")
    world.run_until_rest()
    assert len(world.groups()) == 1
    say(world, "post", lambda record: ledger.retried(record, again=True))
    world.run_until_rest()
    world.advance_time(600)
    _, again = world.groups()
    assert (again.platforms, again.status, world.state("post")) == (("twitter-123",), "published", "published")


def test_beside_what_is_partly_out_a_retry_posts_what_failed_for_certain(world: World) -> None:
    errors = {
        "twitter-123": {"code": "PUBLISH_OUTCOME_UNKNOWN"},
        "linkedin-ABC": {"code": "RATE_LIMITED"},
    }
    world.sandbox.behaviour = Behaviour(publish_errors=errors)
    world.drop("post", "text", ONE, world.now + timedelta(minutes=10), BOTH)
    world.run_until_rest()
    world.advance_time(1200)
    world.sandbox.behaviour = Behaviour()
    say(world, "post")
    world.run_until_rest()
    world.advance_time(600)
    assert [group.platforms for group in world.groups()] == [BOTH, ("linkedin-ABC",)]


# --- a create that was not answered -----------------------------------------------------------------------------------


def test_a_create_that_is_tried_again_has_the_key_of_the_one_that_was_lost(world: World) -> None:
    """The list does not show for an hour what it made; the service knows by the key that it is made already."""
    world.sandbox.behaviour = Behaviour(idempotency=True, listing_lag=3600)
    world.sandbox.faults.add(Fault("create-post", "lost_reply"))
    time = tomorrow(world)
    world.drop("post", "text", time=time)
    world.run_until_rest()
    world.once("post", "text", {}, time)
    assert world.sandbox.count("create-post") == 2
    assert len({group.intent for group in world.record("post").groups}) == 1


def test_no_key_is_ever_used_for_another_create(world: World) -> None:
    time = tomorrow(world)
    for text in ("one", "two"):
        world.drop("post", text, time=time)
        world.run_until_rest()
    world.drop("beside", "one", time=time)
    world.run_until_rest()
    keys = [group.intent for record in world.store.records() for group in record.groups]
    assert len(set(keys)) == len(keys) == 3
    assert all(len(key) == 36 for key in keys)


# --- two installations on one tree ------------------------------------------------------------------------------------


class Other(World):
    """Another installation, with a database of its own, on the same folders and the same account."""

    def __init__(self, first: World, place: Path) -> None:
        place.mkdir()
        super().__init__(place)
        self.store.close()
        self.sandbox.close()
        self.root, self.sandbox, self.instance = first.root, first.sandbox, "another"
        self.start()


def both(first: World, other: Other, seconds: float) -> None:
    """They work side by side, folder by folder and transfer by transfer."""
    first.look_around()
    other.look_around()
    ends = first.monotonic + seconds
    while first.monotonic < ends:
        busy = True
        while busy:
            other.now = first.now
            busy = first.step() | other.step()
        for world in (first, other):
            world.pass_time(0.25)
            for key in [key for key, at in world.due.items() if at <= world.monotonic]:
                world.wake(key, 0.0)


def test_of_two_installations_on_one_tree_one_makes_each_post(world: World, tmp_path: Path) -> None:
    other = Other(world, tmp_path / "other")
    for n in range(6):
        world.drop(f"post{n}", f"text {n}", TWO if n % 2 else {}, tomorrow(world))
    both(world, other, 60)
    assert sorted(group.content for group in world.groups()) == [f"text {n}" for n in range(6)]
    assert {group.status for group in world.groups()} == {"scheduled"}
    held = [record for one in (world, other) for record in one.store.records() if record.state == "held"]
    assert {record.error.code for record in held if record.error} == {"OTHER_DAEMON"}
    assert len(held) == 6
    other.store.close()


# --- killed at any effect of it ---------------------------------------------------------------------------------------


def an_older_database(world: World) -> None:
    world.drop("post", "old", ONE, tomorrow(world))
    world.run_until_rest()
    keep(world, world.root.parent / "backup")
    world.drop("post", "text", TWO, tomorrow(world))
    world.run_until_rest()
    put_back(world, world.root.parent / "backup")


def a_lost_database(world: World) -> None:
    world.drop("post", "text", ONE, tomorrow(world))
    world.run_until_rest()
    lose_the_database(world)
    world.drop("post", "text", TWO, tomorrow(world))


def a_copy(world: World) -> None:
    original = world.drop("post", "text", TWO, tomorrow(world))
    world.run_until_rest()
    shutil.copytree(original, world.root / "copy")


def an_adopt(world: World) -> None:
    """Another installation served the folder, is gone, and a person says so."""
    world.drop("post", "text", TWO, tomorrow(world))
    world.run_until_rest()
    world.instance = "another"
    lose_the_database(world)
    world.run_until_rest()
    assert world.code("post") == "OTHER_DAEMON"
    world.store.change(world.record("post").key, ledger.adopted)
    world.restart()


def an_adopt_of_what_may_be_its_own(world: World) -> None:
    world.drop("post", "text", TWO, tomorrow(world))
    world.run_until_rest()
    lose_the_database(world)
    lose_status_files(world)
    world.run_until_rest()
    assert world.code("post") == "MAYBE_POSTED"
    world.store.change(world.record("post").key, ledger.adopted)
    world.restart()


def another_config(world: World) -> None:
    world.drop("post", "text", TWO, f"{tomorrow(world):%Y-%m-%d %H:%M}", ("brand",))
    world.policy = replace(world.policy, accounts={"brand": ("twitter-123",)})
    world.restart()
    world.run_until_rest()
    world.policy = replace(world.policy, accounts={"brand": ("linkedin-ABC",)}, timezone="Asia/Tokyo")
    world.restart()


def a_retry_of_what_failed_in_part(world: World) -> None:
    errors = {"twitter-123": {"code": "PUBLISH_OUTCOME_UNKNOWN"}, "linkedin-ABC": {"code": "RATE_LIMITED"}}
    world.sandbox.behaviour = Behaviour(publish_errors=errors)
    world.drop("post", "text", TWO, world.now + timedelta(minutes=10), BOTH)
    world.run_until_rest()
    world.advance_time(1200)
    world.sandbox.behaviour = Behaviour()
    world.store.change(world.record("post").key, ledger.retried)
    world.restart()


INTERRUPTED = (
    an_older_database,
    a_lost_database,
    a_copy,
    an_adopt,
    an_adopt_of_what_may_be_its_own,
    another_config,
    a_retry_of_what_failed_in_part,
)


@pytest.mark.whole
@pytest.mark.parametrize("what", INTERRUPTED)
def test_whatever_is_killed_on_the_way_nothing_is_posted_twice(
    new_world: NewWorld, what: Callable[[World], None], matrix: Matrix, survived: Survived
) -> None:
    for killed, effect in enumerate(matrix.numbers()):
        world = new_world()
        what(world)
        already = {group.id for group in world.groups() if group.status != "draft"}
        world.kill_at(effect)
        try:
            world.run_until_rest(600)
        except Killed:
            world.restart()
            world.run_until_rest(600)
        else:
            survived(f"kills in {what.__name__.replace('_', ' ')}", killed)
            return
        new = [g for g in world.groups() if g.status != "draft" and g.id not in already]
        standing = [g for g in world.groups() if g.status == "scheduled"]
        if what is a_retry_of_what_failed_in_part:
            assert [g.platforms for g in new] == [("linkedin-ABC",)], effect
        else:
            assert len(standing) == 1, effect
            assert (standing[0].content, len(standing[0].media)) == ("text", 2), effect
    raise AssertionError
