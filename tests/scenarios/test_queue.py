"""The queue: each post a slot of its own, taken once, kept, given back, and never missed."""

from __future__ import annotations

import os
import shutil
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import islice

import pytest

from postpost_sync import ledger
from postpost_sync.disk import scan
from postpost_sync.model.post import Policy
from postpost_sync.model.slots import moments, parse
from postpost_sync.model.states import State
from postpost_sync.plan.slots import closing
from postpost_sync.sandbox import Behaviour, Fault, Plan
from tests.support.afterwards import change
from tests.support.lost import lose_status_files, lose_the_database
from tests.support.rig import Rig
from tests.support.world import NewWorld, World, picture

SLOTS = tuple(map(parse, ("mon-fri 09:00", "mon,wed 17:30", "sat 11:00")))
QUEUE = Policy(settle=2.0, timezone="Europe/Berlin", slots=SLOTS)
MEDIA = {"cup.jpg": picture(1)}


def expected(world: World, count: int, since: datetime | None = None) -> list[datetime]:
    """The first slots that are at least 15 minutes ahead."""
    return list(islice(moments(SLOTS, "Europe/Berlin", since or world.now + timedelta(minutes=15)), count))


def slots(world: World, *names: str) -> list[datetime | None]:
    return [world.record(name).slot for name in names]


def standing(world: World) -> dict[str, datetime | None]:
    """What stands scheduled at PostPost: text -> time."""
    return {group.content: group.scheduled_time for group in world.groups("scheduled")}


@pytest.fixture
def world(new_world: NewWorld) -> World:
    return new_world(policy=QUEUE)


def test_folders_that_wait_together_take_the_slots_in_the_natural_order_of_their_paths(world: World) -> None:
    names = ["p1", "p2", "p10", "q/1", "q/9", "q/10"]
    for name in reversed(names):
        world.drop(name, name, time="next")
    due = expected(world, len(names))
    world.run_until_rest()
    assert slots(world, *names) == due
    assert standing(world) == dict(zip(names, due, strict=True))


def test_many_folders_at_once_get_a_slot_each_in_order(world: World) -> None:
    names = [f"p{number}" for number in range(100)]
    for name in sorted(names):
        world.drop(name, name, time="next")
    due = expected(world, len(names))
    world.run_until_rest()
    assert [standing(world)[name] for name in names] == due


def test_a_slot_is_at_least_15_minutes_ahead_of_the_services_time(new_world: NewWorld) -> None:
    world = new_world(policy=QUEUE, local_offset=-7200.0)
    world.now = datetime(2025, 6, 2, 15, 16, tzinfo=UTC)  # 14 minutes before a slot
    world.drop("a", "a", time="next")
    world.run_until_rest()
    assert standing(world) == {"a": datetime(2025, 6, 3, 7, 0, tzinfo=UTC)}


def test_a_slot_is_kept_over_edits_touches_renames_moves_and_restarts(world: World) -> None:
    world.drop("a", "a", MEDIA, time="next")
    world.drop("b", "b", time="next")
    world.run_until_rest()
    first, second = slots(world, "a", "b")
    for edit in ("text", "media", "touch", "rename", "move", "restart"):
        match edit:
            case "text":
                world.drop("a", "another text", MEDIA, time="next")
            case "media":
                world.drop("a", "another text", {"cup.jpg": picture(2)}, time="next")
            case "touch":
                os.utime(world.root / "a" / "cup.jpg")
            case "rename":
                os.rename(world.root / "a", world.root / "c")
            case "move":
                (world.root / "below").mkdir()
                os.rename(world.root / "c", world.root / "below" / "c")
            case "restart":
                world.restart()
        world.run_until_rest()
        assert standing(world) == {"b": second, "another text": first}, edit
    assert slots(world, "below/c", "b") == [first, second]


def test_slots_are_kept_over_a_lost_database(world: World) -> None:
    for name in ("a", "b", "c"):
        world.drop(name, name, time="next")
    world.run_until_rest()
    before = standing(world)
    world.store.close()
    world.state_db.unlink()
    world.start()
    shutil.copytree(world.root / "a", world.root / "0", ignore=shutil.ignore_patterns("post.status.yaml"))
    (world.root / "0" / "post.yaml").write_text("content: new\nplatforms: twitter-123\nscheduled_time: next\n")
    world.run_until_rest()
    assert standing(world) == before | {"new": expected(world, 4)[3]}
    assert slots(world, "a", "b", "c") == list(before.values())
    assert len(world.groups()) == 4


def test_a_slot_whose_post_is_known_by_nobody_any_more_is_not_taken_by_another(world: World) -> None:
    world.drop("a", "a", {"a.jpg": picture(1)}, time="next")
    world.run_until_rest(60)
    before = standing(world)
    lose_the_database(world)
    lose_status_files(world)
    world.drop("b", "b", time="next")
    world.run_until_rest(60)
    assert (world.code("a"), standing(world)) == ("MAYBE_POSTED", before | {"b": expected(world, 2)[1]})


def test_a_slot_is_free_at_whose_time_somebody_elses_post_goes_to_other_accounts(world: World) -> None:
    world.drop("theirs", "theirs", time="next", platforms=("linkedin-ABC",))
    world.run_until_rest(60)
    lose_the_database(world)
    shutil.rmtree(world.root / "theirs")
    world.drop("ours", time="next")
    world.run_until_rest(60)
    assert world.record("ours").time == expected(world, 1)[0]


def test_what_went_out_before_the_database_was_lost_and_is_no_longer_listed_waits_for_a_word(world: World) -> None:
    world.drop("a", "a", time="next")
    world.run_until_rest()
    world.store.close()
    world.state_db.unlink()
    (group,) = world.groups()
    world.sandbox.dashboard_delete(group.id)
    world.pass_time(86400)
    world.start()
    world.run_until_rest()
    assert (world.state("a"), world.code("a"), world.groups("scheduled")) == (State.HELD, "MAYBE_PUBLISHED", [])
    world.store.change(world.record("a").key, ledger.retried)
    world.wake(world.record("a").key, 0.0)
    world.run_until_rest()
    assert standing(world) == {"a": world.record("a").slot}
    assert "state: scheduled" in (world.root / "a" / "post.status.yaml").read_text()


@pytest.mark.parametrize("what", ["removed", "cancelled", "a draft", "a time of its own"])
def test_a_slot_is_free_again_when_its_post_no_longer_wants_it(new_world: NewWorld, what: str) -> None:
    world = new_world(policy=replace(QUEUE, cancel_removed=True))
    for name in ("a", "b"):
        world.drop(name, name, MEDIA, time="next")
    world.run_until_rest()
    first, second, third = expected(world, 3)
    match what:
        case "removed":
            world.remove("a")
        case "cancelled":
            seen = scan.look(str(world.root), "a", world.names)
            assert seen is not None
            world.store.change(world.record("a").key, ledger.cancelled, seen.fingerprint)
            world.wake(world.record("a").key, 0.0)
        case "a draft":
            world.drop("a", "a", MEDIA)
        case "a time of its own":
            world.drop("a", "a", MEDIA, time=third + timedelta(hours=1))
    world.run_until_rest()
    assert "b" in standing(world)
    assert standing(world)["b"] == second, "nobody moves up by itself"
    world.drop("new", "new", time="next")
    world.run_until_rest()
    assert standing(world)["new"] == first
    records = [record for record in world.store.records() if record.path == "a"]
    assert [record.slot for record in records] == [None]


def test_what_was_cancelled_takes_a_new_slot_when_a_person_wants_it_back(world: World) -> None:
    world.drop("a", "a", time="next")
    world.run_until_rest()
    (first, second), key = expected(world, 2), world.record("a").key
    seen = scan.look(str(world.root), "a", world.names)
    assert seen is not None
    world.store.change(key, ledger.cancelled, seen.fingerprint)
    world.wake(key, 0.0)
    world.run_until_rest()
    world.drop("b", "b", time="next")
    world.run_until_rest()
    world.store.change(key, ledger.retried)
    world.wake(key, 0.0)
    world.run_until_rest()
    assert standing(world) == {"b": first, "a": second}


def test_an_edit_of_what_was_cancelled_queues_it_again(world: World) -> None:
    world.drop("a", "a", time="next")
    world.run_until_rest()
    seen = scan.look(str(world.root), "a", world.names)
    assert seen is not None
    world.store.change(world.record("a").key, ledger.cancelled, seen.fingerprint)
    world.wake(world.record("a").key, 0.0)
    world.run_until_rest()
    world.drop("a", "a better text", time="next")
    world.run_until_rest()
    assert standing(world) == {"a better text": expected(world, 1)[0]}


@pytest.mark.parametrize("call", ["create-post", "put-object", "update-post", "*"])
def test_an_outage_over_its_slot_leads_to_the_next_one(world: World, call: str) -> None:
    world.sandbox.faults.add(Fault(call, "status", times=None))
    world.drop("a", "a", MEDIA, time="next")
    world.drop("b", "b", MEDIA, time="next")
    world.run_until_rest(60)
    world.advance_time(30_000)
    assert {world.code("a"), world.code("b")} & {"MISSED", "TIME_PAST", "HELD_PAST_TIME"} == set()
    world.sandbox.faults.clear()
    now = world.now
    world.advance_time(3600)
    assert set(standing(world)) == {"a", "b"}
    assert len(set(standing(world).values())) == 2
    assert all(time is not None and time > now for time in standing(world).values())
    assert slots(world, "a", "b") == [standing(world)["a"], standing(world)["b"]]


def test_a_post_that_may_have_gone_out_in_its_slot_keeps_it_until_that_is_known(world: World) -> None:
    world.drop("a", "a", time="next")
    world.sandbox.faults.add(Fault("update-post", "lost_reply", times=1))
    for call in ("update-post", "get-post"):
        world.sandbox.faults.add(Fault(call, "reset_before", times=None))
    world.look_around()
    world.advance_time(30_000)
    slot = world.record("a").slot
    assert slot is not None
    assert slot < world.now
    world.sandbox.faults.clear()
    world.advance_time(3600)
    (group,) = world.groups()
    assert (group.status, group.scheduled_time) == ("published", slot)
    assert world.state("a") is State.PUBLISHED
    assert world.record("a").slot == slot


def test_what_is_out_is_never_queued_again_whatever_is_edited(world: World) -> None:
    world.drop("a", "a", time="next")
    world.run_until_rest()
    world.advance_time(2 * 86400)
    assert world.state("a") is State.PUBLISHED
    for text in ("a", "another"):
        world.drop("a", text, time="next")
        world.advance_time(3600)
    assert [group.content for group in world.groups()] == ["a"]
    assert world.state("a") is State.PUBLISHED
    assert [warning.code for warning in world.record("a").warnings] == ["CHANGED_SINCE"]


def test_what_went_out_nowhere_is_queued_again_by_an_edit(world: World) -> None:
    world.sandbox.behaviour = replace(
        world.sandbox.behaviour, publish_errors={"twitter-123": {"code": "RATE_LIMITED", "message": "slow down"}}
    )
    world.drop("a", "a", time="next")
    world.run_until_rest()
    world.advance_time(2 * 86400)
    assert world.state("a") is State.FAILED
    world.sandbox.behaviour = replace(world.sandbox.behaviour, publish_errors={})
    world.drop("a", "another", time="next")
    world.run_until_rest()
    assert standing(world) == {"another": expected(world, 1)[0]}


def test_posts_for_which_the_plan_has_no_room_wait_in_the_order_of_their_slots_and_miss_none(
    new_world: NewWorld,
) -> None:
    world = new_world(policy=QUEUE, behaviour=Behaviour(plan=Plan("Small", pending=2)))
    names = [f"p{number}" for number in range(6)]
    for name in names:
        world.drop(name, name, time="next")
    world.run_until_rest(600)
    assert sorted(standing(world)) == names[:2]
    assert slots(world, *names) == expected(world, 6)
    world.advance_time(14 * 86400)
    assert {world.state(name) for name in names} == {State.PUBLISHED}
    times = [group.scheduled_time for group in sorted(world.groups(), key=lambda group: group.content)]
    assert times == sorted(times, key=lambda time: time or world.now)


def test_a_post_that_is_held_over_its_slot_takes_the_next_one(new_world: NewWorld) -> None:
    world = new_world(policy=QUEUE, behaviour=Behaviour(plan=Plan("None", pending=1)))
    far = world.now + timedelta(days=9)
    world.drop("far", "far", time=far)
    world.run_until_rest()
    world.drop("a", "a", time="next")
    world.run_until_rest(600)
    assert world.state("a") is State.HELD
    world.advance_time(3 * 86400)
    slot = world.record("a").slot
    assert world.state("a") is State.HELD
    assert slot is not None
    assert slot > world.now
    world.advance_time(14 * 86400)
    assert world.state("a") is State.PUBLISHED


def test_slots_that_were_taken_stand_where_the_config_has_others(world: World) -> None:
    world.drop("a", "a", time="next")
    world.run_until_rest()
    before = standing(world)
    world.policy = replace(QUEUE, timezone="America/New_York", slots=(parse("daily 12:00"),))
    world.restart()
    world.drop("a", "a", MEDIA, time="next")
    world.drop("b", "b", time="next")
    world.run_until_rest()
    assert standing(world) == before | {"b": datetime(2025, 6, 2, 16, 0, tzinfo=UTC)}


def test_without_slots_it_is_said_which_line_to_add(new_world: NewWorld) -> None:
    world = new_world(policy=Policy(settle=2.0))
    world.drop("a", "a", time="next")
    world.run_until_rest()
    error = world.record("a").error
    assert (world.state("a"), world.code("a")) == (State.INVALID, "NO_SLOTS")
    assert error is not None
    assert 'slots: ["mon-fri 09:00"]' in error.hint
    world.policy = QUEUE
    world.restart()
    world.run_until_rest()
    assert standing(world) == {"a": expected(world, 1)[0]}


@pytest.mark.parametrize(("default", "state"), [("draft", "drafted"), ("next", "scheduled"), ("now", "scheduled")])
def test_the_root_says_what_no_time_means(new_world: NewWorld, default: str, state: str) -> None:
    world = new_world(policy=replace(QUEUE, default_time=default))
    world.drop("a", "a")
    world.run_until_rest(10)
    assert world.state("a") == state
    assert (world.record("a").slot is not None) is (default == "next")


def test_a_copy_of_a_queued_folder_waits_for_a_word(world: World) -> None:
    world.drop("a", "a", time="next")
    world.run_until_rest()
    shutil.copytree(world.root / "a", world.root / "b")
    world.run_until_rest()
    assert (world.state("b"), world.code("b")) == (State.HELD, "COPY_OF")
    assert len(world.groups()) == 1


def test_a_post_that_is_to_be_queued_after_all_moves_to_its_slot(world: World) -> None:
    world.drop("a", "a", MEDIA, time=world.now + timedelta(days=20))
    world.run_until_rest()
    world.drop("a", "a", MEDIA, time="next")
    world.run_until_rest()
    assert standing(world) == {"a": expected(world, 1)[0]}
    assert len(world.groups()) == 1


def test_closing_gaps_moves_the_later_posts_up_one_update_each(world: World) -> None:
    names = ["a", "b", "c", "d"]
    for name in names:
        world.drop(name, name, time="next")
    world.run_until_rest()
    due = expected(world, 4)
    world.remove("a")
    world.drop("b", "b", time=due[3] + timedelta(days=30))
    world.policy = replace(QUEUE, cancel_removed=True)
    world.restart()
    world.run_until_rest()
    before = world.sandbox.count("update-post")
    moved = world.store.move_slots(str(world.root), lambda records: closing(records, SLOTS, "Europe/Berlin", world.now))
    assert [(record.path, at) for record, at in moved] == list(zip(["c", "d"], due, strict=False))
    for record, _ in moved:
        world.wake(record.key, 0.0)
    world.run_until_rest()
    assert {name: standing(world)[name] for name in ("c", "d")} == dict(zip(["c", "d"], due, strict=False))
    assert world.sandbox.count("update-post") - before == 2


def test_two_workers_never_take_the_same_slot(world: World) -> None:
    for name in ("a", "b"):
        world.drop(name, name, time="next")
    world.look_around()
    one, other = world.record("a"), world.record("b")
    due = expected(world, 2)
    assert [world.store.take_slot(key, iter(due)).slot for key in (one.key, other.key)] == due
    taken = world.store.change(other.key, ledger.slot_taken, due[0])
    assert taken.slot is None, "it is another's"


def test_queued_posts_are_found_again_without_database_and_status_files(pp: Rig) -> None:
    pp.configure(root='    slots: ["daily 09:00", "daily 17:30"]\n')
    for name in ("a", "b"):
        pp.drop(name, f"content: {name}\nplatforms: [facebook-1001]\nscheduled_time: next\n")
    assert pp.run_once() == 0
    before = {group.id: group.scheduled_time for group in pp.groups()}
    pp.state_db.unlink()
    for name in ("a", "b"):
        (pp.root / name / "post.status.yaml").unlink()
    assert pp.run_once() == 0
    assert {group.id: group.scheduled_time for group in pp.groups()} == before
    slots = {datetime.fromisoformat(str(pp.post(name)["slot"])) for name in ("a", "b")}
    assert slots == set(before.values())


def test_a_cancelled_post_that_is_queued_anew_keeps_its_slot_while_it_is_told_from_another_by_its_bytes(
    new_world: NewWorld,
) -> None:
    """As long as it is on its way it is shown as it was: cancelled. That once gave its slot back, again and again."""
    world = new_world(policy=replace(QUEUE, duplicates="hold"))
    for name in "ab":
        world.drop(name, "the same", MEDIA, time="next")
    world.run_until_rest(600)
    change(world, "b", ledger.retried)
    world.run_until_rest(600)
    seen = scan.look(str(world.root), "b", world.names)
    change(world, "b", ledger.cancelled, seen.fingerprint if seen is not None else None)
    world.run_until_rest(600)
    assert (world.state("a"), world.state("b")) == (State.SCHEDULED, State.CANCELLED)
    world.restart()  # the bytes have to be read anew
    world.drop("b", "the same", MEDIA, time="next", platforms=("twitter-123", "linkedin-ABC"))
    world.run_until_rest(600)
    assert (world.state("b"), world.code("b")) == (State.HELD, "DUPLICATE_POST")
    assert world.record("b").slot is not None
