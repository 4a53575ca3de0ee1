"""Nothing goes out twice: what somebody else made, copies, what is partly out, lost creates and other installations."""

from __future__ import annotations

import shutil
from datetime import timedelta
from pathlib import Path

import pytest

from postpost_sync import ledger
from postpost_sync.sandbox import Behaviour, Fault
from tests.support.lost import BOTH, ONE, TWO, out_or_standing, say, tomorrow
from tests.support.world import World

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


@pytest.mark.parametrize("call", ["create-post", "update-post"])
@pytest.mark.parametrize("edited", [False, True])
def test_a_copy_of_a_folder_whose_post_is_on_its_way_is_held(world: World, call: str, edited: bool) -> None:
    """What stands of the original, if anything, is its earlier version; and its next one waits for the service."""
    time = tomorrow(world)
    if edited:
        world.drop("post", "text", ONE, time)
        world.run_until_rest()
    world.unreachable = {call: 99}
    original = world.drop("post", "text", TWO, time)
    world.run_until_rest(30)
    shutil.copytree(original, world.root / "copy")
    world.run_until_rest(30)
    world.unreachable = {}
    world.run_until_rest()
    assert [len(group.media) for group in world.groups("scheduled")] == [2]
    assert (world.state("copy"), world.code("copy")) == ("held", "COPY_OF")


@pytest.mark.parametrize("name", ["post (Ann's conflicted copy 2026-11-24)", "all (Case Conflict)/post"])
@pytest.mark.parametrize("text", ["text", "text, edited on the other machine"])
def test_a_whole_folder_that_a_sync_program_set_aside_is_held(world: World, name: str, text: str) -> None:
    time = tomorrow(world)
    world.drop("post", "text", ONE, time)
    world.drop(name, text, ONE, time)
    world.run_until_rest()
    assert [group.content for group in world.groups("scheduled")] == ["text"]
    assert (world.state(name), world.code(name)) == ("held", "COPY_OF")
    say(world, name)
    world.run_until_rest()
    assert (world.state(name), len(world.groups("scheduled"))) == ("scheduled", 2)


def test_a_post_that_stands_is_left_alone_where_its_folder_gets_the_name_of_a_conflict_copy(world: World) -> None:
    world.drop("post", "text", ONE, tomorrow(world))
    world.run_until_rest()
    before = world.groups()
    (world.root / "post").rename(world.root / "post (Case Conflict)")
    world.run_until_rest()
    assert (world.state("post (Case Conflict)"), world.groups()) == ("scheduled", before)


# --- what is partly out -----------------------------------------------------------------------------------------------

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
