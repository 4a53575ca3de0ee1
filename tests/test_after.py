"""After scheduling: what became of a post, the plan's limits, changes in the dashboard, cancelling. Histories in virtual time."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from postpost_sync import ledger, view
from postpost_sync.models import Policy
from postpost_sync.sandbox import STARTER, Behaviour, Fault, Plan
from postpost_sync.states import State
from postpost_sync.times import to_service
from tests.harness import START, Killed, World, picture
from tests.support import FAR, Rig

MEDIA = {"cup.jpg": picture(1)}
TWO = ("twitter-123", "linkedin-ABC")
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
BROKEN = {"twitter-123": {"code": "RATE_LIMITED", "message": "slow down", "retryable": True}}
NewWorld = Callable[..., World]


@pytest.fixture
def new_world(tmp_path: Path) -> Iterator[NewWorld]:
    """Makes worlds, and closes them in the end."""
    made: list[World] = []

    def make(**more: Any) -> World:
        place = tmp_path / str(len(made))
        place.mkdir()
        made.append(World(place, **more))
        return made[-1]

    yield make
    for world in made:
        world.close()


def until(world: World, moment: datetime) -> None:
    """Let everything happen until then."""
    world.advance_time((moment - world.now).total_seconds())


def change(world: World, name: str, function: Any) -> None:
    """A person's word, as a command writes it down."""
    key = world.record(name).key
    world.store.change(key, function)
    world.wake(key, 0.0)


def retry(world: World, name: str) -> None:
    change(world, name, ledger.retried)
    world.run_until_rest(600)


def shown(world: World, name: str) -> dict[str, Any]:
    return view.facts(world.record(name))


def results(world: World, name: str) -> dict[str, str]:
    return {result["platform_id"]: result["status"] for result in shown(world, name)["results"]}


def warnings(world: World, name: str) -> list[str]:
    return [warning.code for warning in world.record(name).warnings]


def publish(world: World, errors: dict[str, dict[str, object]], platforms: tuple[str, ...] = TWO) -> None:
    """A post goes out in an hour, and these platforms fail."""
    world.sandbox.behaviour = replace(world.sandbox.behaviour, publish_errors=errors)
    world.drop("launch", "Fresh roast", MEDIA, world.now + HOUR, platforms)
    until(world, world.now + 2 * HOUR)


def posted(world: World) -> list[str]:
    """Each platform post that went out, sorted: the same one twice would be a second post on one account."""
    return sorted(
        f"{post.platform_id} {group.content}"
        for group in world.groups()
        for post in group.posts
        if post.status == "published"
    )


# --- outcomes ---------------------------------------------------------------------------------------------------------


def test_retry_of_a_partly_published_post_goes_to_the_platforms_that_failed_alone(new_world: NewWorld) -> None:
    world = new_world()
    publish(world, BROKEN)
    (first,) = world.groups()
    assert (world.state("launch"), world.code("launch")) == (State.PARTIALLY_PUBLISHED, "RATE_LIMITED")
    world.sandbox.behaviour = Behaviour()
    retry(world, "launch")
    _, second = world.groups()
    assert (second.status, second.content, [p.platform_id for p in second.posts]) == (
        "published",
        "Fresh roast",
        ["twitter-123"],
    )
    assert [m.sha256 for m in second.media] == [m.sha256 for m in first.media]
    said = shown(world, "launch")
    assert (said["state"], said["error"], said["previous_post_group_ids"]) == ("published", None, [first.id])
    assert (said["post_group_id"], said["platforms"]) == (second.id, list(TWO))
    assert results(world, "launch") == {"linkedin-ABC": "published", "twitter-123": "published"}


def test_retry_of_a_failed_post_makes_it_anew_everywhere(new_world: NewWorld) -> None:
    world = new_world()
    publish(world, dict.fromkeys(TWO, BROKEN["twitter-123"]))
    assert world.state("launch") is State.FAILED
    world.sandbox.behaviour = Behaviour()
    retry(world, "launch")
    assert (world.state("launch"), len(world.groups())) == (State.PUBLISHED, 2)
    assert posted(world) == ["linkedin-ABC Fresh roast", "twitter-123 Fresh roast"]


def test_what_fails_again_stays_partly_published_and_can_be_tried_again(new_world: NewWorld) -> None:
    world = new_world()
    publish(world, BROKEN)
    for _ in range(2):
        retry(world, "launch")
        assert world.state("launch") is State.PARTIALLY_PUBLISHED
        assert results(world, "launch") == {"linkedin-ABC": "published", "twitter-123": "failed"}
    world.sandbox.behaviour = Behaviour()
    retry(world, "launch")
    assert world.state("launch") is State.PUBLISHED
    assert posted(world) == ["linkedin-ABC Fresh roast", "twitter-123 Fresh roast"]
    assert len(world.record("launch").previous) == 3


def test_nothing_is_tried_again_without_a_persons_word(new_world: NewWorld) -> None:
    world = new_world()
    publish(world, BROKEN)
    (world.root / "launch" / "cup.jpg").touch()
    world.restart()
    until(world, world.now + 3 * DAY)
    assert (world.state("launch"), len(world.groups())) == (State.PARTIALLY_PUBLISHED, 1)


def test_retry_of_a_published_post_changes_nothing(new_world: NewWorld) -> None:
    world = new_world()
    publish(world, {})
    retry(world, "launch")
    assert (world.state("launch"), len(world.groups())) == (State.PUBLISHED, 1)


def test_an_edit_that_was_tried_again_goes_to_the_platforms_that_failed_alone(new_world: NewWorld) -> None:
    world = new_world()
    publish(world, BROKEN)
    time = world.record("launch").time
    world.sandbox.behaviour = Behaviour()
    world.drop("launch", "A shorter text", MEDIA, time, TWO)
    world.run_until_rest()
    assert (world.state("launch"), world.code("launch")) == (State.INVALID, "EDIT_TOO_LATE")
    retry(world, "launch")
    assert world.state("launch") is State.PUBLISHED
    assert posted(world) == ["linkedin-ABC Fresh roast", "twitter-123 A shorter text"]


def test_an_edit_of_a_post_that_failed_everywhere_is_a_new_post(new_world: NewWorld) -> None:
    world = new_world()
    publish(world, dict.fromkeys(TWO, BROKEN["twitter-123"]))
    world.sandbox.behaviour = Behaviour()
    time = world.now + DAY
    world.drop("launch", "Another text", MEDIA, time, TWO)
    world.run_until_rest()
    _, group = world.groups()
    assert (world.state("launch"), group.content, group.scheduled_time) == (State.SCHEDULED, "Another text", time)


def test_a_part_that_waits_for_its_new_time_can_be_edited(new_world: NewWorld) -> None:
    world = new_world()
    publish(world, BROKEN)
    world.sandbox.behaviour = Behaviour()
    time = world.now + DAY
    world.drop("launch", "Fresh roast", MEDIA, time, TWO)
    world.run_until_rest()
    retry(world, "launch")
    assert world.state("launch") is State.SCHEDULED
    world.drop("launch", "A better text", MEDIA, time, TWO)
    world.run_until_rest()
    assert [(g.status, g.content, len(g.posts)) for g in world.groups()] == [
        ("partially_published", "Fresh roast", 2),
        ("scheduled", "A better text", 1),
    ]
    until(world, time + HOUR)
    assert posted(world) == ["linkedin-ABC Fresh roast", "twitter-123 A better text"]


def test_retry_with_the_failed_platform_taken_out_is_published(new_world: NewWorld) -> None:
    world = new_world()
    publish(world, BROKEN)
    world.drop("launch", "Fresh roast", MEDIA, world.record("launch").time, ("linkedin-ABC",))
    world.run_until_rest()
    retry(world, "launch")
    assert (world.state("launch"), len(world.groups())) == (State.PUBLISHED, 1)


def test_a_retry_that_is_killed_at_any_point_posts_nothing_twice(new_world: NewWorld) -> None:
    for effect in range(1, 60):
        world = new_world()
        publish(world, BROKEN)
        world.sandbox.behaviour = Behaviour()
        world.store.change(world.record("launch").key, ledger.retried)
        world.restart()
        world.kill_at(effect)
        try:
            world.run_until_rest(600)
        except Killed:
            world.restart()
            world.run_until_rest(600)
        else:
            assert effect > 10
            return
        assert world.state("launch") is State.PUBLISHED, effect
        assert posted(world) == ["linkedin-ABC Fresh roast", "twitter-123 Fresh roast"], effect
    raise AssertionError("it was killed every time")


# --- the plan's limits ------------------------------------------------------------------------------------------------


def limited(new_world: NewWorld, **plan: Any) -> World:
    return new_world(behaviour=Behaviour(plan=Plan("Tiny", **plan)))


def drop_many(world: World, count: int, first: datetime, apart: timedelta) -> dict[str, datetime]:
    times = {f"p{n:03}": first + n * apart for n in range(count)}
    for name, time in times.items():
        world.drop(name, f"post {name}", time=time)
    return times


def scheduled(world: World) -> list[str]:
    return sorted(group.content for group in world.groups("scheduled"))


def probes(world: World) -> int:
    return world.sandbox.count("update-post")


def test_a_post_over_the_limit_is_held_with_its_media_up_and_the_reason(new_world: NewWorld) -> None:
    world = limited(new_world, pending=1)
    world.drop("first", "first", time=world.now + 40 * HOUR)
    world.run_until_rest(600)
    world.drop("second", "second", MEDIA, world.now + 50 * HOUR)
    world.run_until_rest(600)
    said = shown(world, "second")
    assert (said["state"], said["error"]["code"]) == ("held", "SCHEDULED_POST_LIMIT_REACHED")
    assert said["media"][0]["state"] == "uploaded"
    assert said["retry_at"] is not None
    assert [g.status for g in world.groups()] == ["scheduled", "draft"]
    until(world, time_of(world, "first") + timedelta(minutes=2))
    assert scheduled(world) == ["second"]
    assert world.state("second") is State.SCHEDULED


def time_of(world: World, name: str) -> datetime:
    time = world.record(name).time
    assert time is not None
    return time


def test_a_year_of_posts_goes_out_in_order_and_on_time_on_the_smallest_plan(new_world: NewWorld) -> None:
    world = new_world(behaviour=Behaviour(plan=replace(STARTER, posts_per_month=None)))
    times = drop_many(world, 14, world.now + 2 * DAY, DAY / 2)
    for _ in range(10 * 24 // 6):
        world.advance_time(6 * 3600)
        held = [name for name, time in times.items() if world.state(name) is State.HELD]
        placed = [name for name, time in times.items() if world.state(name) is not State.HELD]
        assert not held or not placed or max(placed) < min(held)
    assert {world.state(name) for name in times} == {State.PUBLISHED}
    assert [g.scheduled_time for g in sorted(world.groups(), key=lambda g: g.content)] == list(times.values())


def test_many_held_posts_probe_as_one(new_world: NewWorld) -> None:
    world = limited(new_world, pending=1)
    drop_many(world, 30, world.now + 40 * HOUR, HOUR)
    world.run_until_rest(600)
    before, calls = probes(world), len(world.sandbox.calls)
    world.advance_time(10 * 3600)
    assert probes(world) - before <= 11
    assert len(world.sandbox.calls) - calls <= 40
    assert scheduled(world) == ["post p000"]


def test_a_later_post_does_not_take_the_place_of_an_earlier_one(new_world: NewWorld) -> None:
    world = limited(new_world, pending=1)
    now = world.now
    world.drop("a", "a", time=now + 30 * HOUR)
    world.run_until_rest(600)
    world.drop("c", "c", time=now + 60 * HOUR)
    world.run_until_rest(600)
    world.drop("b", "b", time=now + 50 * HOUR)
    world.run_until_rest(600)
    assert [world.state(name) for name in "abc"] == [State.SCHEDULED, State.HELD, State.HELD]
    world.restart()
    for record in world.store.records():
        world.wake(record.key, 0.0)
    until(world, now + 31 * HOUR)
    assert [world.state(name) for name in "abc"] == [State.PUBLISHED, State.SCHEDULED, State.HELD]
    until(world, now + 61 * HOUR)
    assert [world.state(name) for name in "abc"] == [State.PUBLISHED] * 3


def test_a_post_beyond_the_horizon_is_scheduled_the_moment_it_may_be(new_world: NewWorld) -> None:
    world = limited(new_world, horizon_days=7)
    time = world.now + 10 * DAY
    world.drop("far", "far", time=time)
    world.drop("farther", "farther", time=time + HOUR)
    world.run_until_rest(600)
    assert world.code("far") == "SCHEDULE_HORIZON_REACHED"
    before = probes(world)
    until(world, time - 7 * DAY + timedelta(minutes=1))
    assert scheduled(world) == ["far"]
    assert probes(world) - before <= 3
    until(world, time + 2 * HOUR)
    assert {world.state("far"), world.state("farther")} == {State.PUBLISHED}


def test_the_month_over_is_when_the_next_one_goes(new_world: NewWorld) -> None:
    world = limited(new_world, posts_per_month=1)
    drop_many(world, 3, world.now + 35 * DAY, HOUR)
    world.run_until_rest(600)
    before = probes(world)
    assert shown(world, "p001")["retry_at"] == "2025-07-01T00:00:00.000Z"
    world.advance_time(20 * 86400)
    assert probes(world) == before
    until(world, datetime(2025, 7, 1, 0, 5, tzinfo=world.now.tzinfo))
    assert scheduled(world) == ["post p000", "post p001"]


def test_a_post_to_more_platforms_than_the_plan_ever_takes_is_invalid(new_world: NewWorld) -> None:
    world = limited(new_world, pending=1)
    world.drop("big", "big", time=world.now + DAY, platforms=TWO)
    world.run_until_rest(600)
    assert (world.state("big"), world.code("big")) == (State.INVALID, "PLAN_TOO_SMALL")
    world.drop("big", "big", time=world.now + DAY)
    world.run_until_rest(600)
    assert (world.state("big"), len(world.groups())) == (State.SCHEDULED, 1)


def test_a_day_before_its_time_it_says_so_and_after_it_the_post_fails(new_world: NewWorld) -> None:
    world = limited(new_world, posts_per_month=1)
    now = world.now
    world.drop("first", "first", time=now + 90 * HOUR)
    world.run_until_rest(600)
    world.drop("second", "second", MEDIA, now + 80 * HOUR)
    world.run_until_rest(600)
    assert world.code("second") == "POST_LIMIT_REACHED"
    until(world, now + 57 * HOUR)
    assert (world.state("second"), world.code("second")) == (State.HELD, "HELD_TOO_LONG")
    until(world, now + 80 * HOUR + timedelta(minutes=14))
    assert world.state("second") is State.HELD
    until(world, now + 80 * HOUR + timedelta(minutes=16))
    assert (world.state("second"), world.code("second")) == (State.FAILED, "HELD_PAST_TIME")
    assert [g.content for g in world.groups()] == ["first"]
    until(world, now + 100 * HOUR)
    assert (world.state("second"), world.code("second")) == (State.FAILED, "HELD_PAST_TIME")


def test_a_post_whose_time_went_by_while_the_program_was_off_is_not_published_late(new_world: NewWorld) -> None:
    world = limited(new_world, posts_per_month=1)
    now = world.now
    world.drop("first", "first", time=now + 90 * HOUR)
    world.run_until_rest(600)
    world.drop("second", "second", time=now + 30 * HOUR)
    world.run_until_rest(600)
    world.sandbox.behaviour = Behaviour()
    for later in (31, 60):
        world.pass_time((now + later * HOUR - world.now).total_seconds())
        world.restart()
        world.run_until_rest(600)
        assert (world.state("second"), world.code("second")) == (State.FAILED, "HELD_PAST_TIME")


@pytest.mark.parametrize(
    "plan", [{"platforms_disallowed": ("twitter",)}, {"connections": 1}], ids=["platform", "accounts"]
)
def test_what_only_a_person_can_change_says_so_and_goes_on_at_retry(new_world: NewWorld, plan: dict[str, Any]) -> None:
    world = limited(new_world, **plan)
    world.drop("launch", "launch", time=world.now + 40 * HOUR)
    world.run_until_rest(600)
    code = "PLATFORM_NOT_AVAILABLE" if "platforms_disallowed" in plan else "CONNECTIONS_OVER_LIMIT"
    error = world.record("launch").error
    assert error is not None
    assert (world.state("launch"), error.code, "change the plan" in error.hint) == (State.HELD, code, True)
    world.sandbox.behaviour = Behaviour()
    retry(world, "launch")
    assert world.state("launch") is State.SCHEDULED


def test_a_post_that_is_moved_beyond_the_horizon_does_not_go_out_at_its_old_time(new_world: NewWorld) -> None:
    world = limited(new_world, horizon_days=7)
    early, late = world.now + 2 * DAY, world.now + 20 * DAY
    for name in ("moved", "rewritten"):
        world.drop(name, name, MEDIA, early)
    world.run_until_rest(600)
    assert scheduled(world) == ["moved", "rewritten"]
    world.drop("moved", "moved", MEDIA, late)
    world.drop("rewritten", "another text", MEDIA, late)
    world.run_until_rest(600)
    assert (world.state("moved"), world.state("rewritten"), scheduled(world)) == (State.HELD, State.HELD, [])
    until(world, late + HOUR)
    assert posted(world) == ["twitter-123 another text", "twitter-123 moved"]
    assert {g.scheduled_time for g in world.groups()} == {late}


def test_a_held_post_can_be_edited(new_world: NewWorld) -> None:
    world = limited(new_world, pending=1)
    now = world.now
    world.drop("first", "first", time=now + 30 * HOUR)
    world.run_until_rest(600)
    world.drop("second", "second", MEDIA, now + 60 * HOUR)
    world.run_until_rest(600)
    world.drop("second", "second, edited", MEDIA, now + 50 * HOUR)
    world.run_until_rest(600)
    assert world.state("second") is State.HELD
    until(world, now + 31 * HOUR)
    assert scheduled(world) == ["second, edited"]
    assert len(world.groups()) == 2


def test_an_edit_on_a_full_plan_keeps_its_place(new_world: NewWorld) -> None:
    world = limited(new_world, pending=1)
    now = world.now
    world.drop("first", "first", time=now + 30 * HOUR)
    world.run_until_rest(600)
    world.drop("second", "second", time=now + 60 * HOUR)
    world.run_until_rest(600)
    world.drop("first", "first, edited", MEDIA, now + 30 * HOUR)
    world.run_until_rest(600)
    assert scheduled(world) == ["first, edited"]
    assert [world.state(name) for name in ("first", "second")] == [State.SCHEDULED, State.HELD]


def test_an_outage_at_a_probe_costs_nobody_the_place(new_world: NewWorld) -> None:
    world = limited(new_world, pending=1)
    now = world.now
    drop_many(world, 4, now + 30 * HOUR, 10 * HOUR)
    world.run_until_rest(600)
    world.sandbox.faults.add(Fault("update-post", "status", status=503, times=6))
    until(world, now + 31 * HOUR)
    assert scheduled(world) == ["post p001"]
    until(world, now + 70 * HOUR)
    assert posted(world) == [f"twitter-123 post p{n:03}" for n in range(4)]


# --- changes in the dashboard -----------------------------------------------------------------------------------------


def stand(world: World, *names: str) -> datetime:
    """Posts that stand scheduled in two days; some time passes."""
    time = world.now + 2 * DAY
    for name in names:
        world.drop(name, name, MEDIA, time)
    world.run_until_rest(600)
    world.advance_time(600)
    return time


def notice(world: World) -> None:
    """What the daemon does every hour."""
    world.sync.reconcile()
    world.run_until_rest(600)
    world.advance_time(600)


def test_a_post_that_was_moved_in_the_dashboard_stays_where_it_is(new_world: NewWorld) -> None:
    world = new_world()
    stand(world, "launch")
    (group,) = world.groups()
    moved = world.now + 3 * DAY
    world.sandbox.dashboard_reschedule(group.id, moved)
    notice(world)
    assert (world.state("launch"), warnings(world, "launch")) == (State.SCHEDULED, ["CHANGED_AT_POSTPOST"])
    assert shown(world, "launch")["scheduled_time"] == to_service(moved)
    (world.root / "launch" / "cup.jpg").touch()
    notice(world)
    assert world.sandbox.group(group.id).scheduled_time == moved
    assert warnings(world, "launch") == ["CHANGED_AT_POSTPOST"]
    until(world, moved + HOUR)
    assert world.state("launch") is State.PUBLISHED


def test_a_new_time_in_the_folder_counts_again(new_world: NewWorld) -> None:
    world = new_world()
    stand(world, "launch")
    (group,) = world.groups()
    world.sandbox.dashboard_reschedule(group.id, world.now + 3 * DAY)
    notice(world)
    time = world.now + 4 * DAY
    world.drop("launch", "launch", MEDIA, time)
    world.run_until_rest(600)
    assert world.sandbox.group(group.id).scheduled_time == time
    assert warnings(world, "launch") == []


def test_a_post_that_was_unscheduled_in_the_dashboard_stays_a_draft_until_a_person_says_so(new_world: NewWorld) -> None:
    world = new_world()
    time = stand(world, "launch")
    (group,) = world.groups()
    world.sandbox.dashboard_unschedule(group.id)
    notice(world)
    (world.root / "launch" / "cup.jpg").touch()
    notice(world)
    world.restart()
    world.run_until_rest(600)
    assert (world.state("launch"), warnings(world, "launch")) == (State.DRAFTED, ["CHANGED_AT_POSTPOST"])
    assert world.sandbox.group(group.id).status == "draft"
    retry(world, "launch")
    assert (world.state("launch"), warnings(world, "launch")) == (State.SCHEDULED, [])
    assert world.sandbox.group(group.id).scheduled_time == time


def test_a_draft_that_is_scheduled_in_the_dashboard_is_followed(new_world: NewWorld) -> None:
    world = new_world()
    world.drop("launch", "launch", MEDIA)
    world.run_until_rest(600)
    world.advance_time(600)
    (group,) = world.groups()
    time = world.now + DAY
    world.sandbox.dashboard_reschedule(group.id, time)
    notice(world)
    assert (world.state("launch"), warnings(world, "launch")) == (State.SCHEDULED, ["CHANGED_AT_POSTPOST"])
    until(world, time + HOUR)
    assert (world.state("launch"), len(world.groups())) == (State.PUBLISHED, 1)


def test_a_post_that_was_deleted_in_the_dashboard_is_cancelled_after_two_looks(new_world: NewWorld) -> None:
    world = new_world()
    time = stand(world, "launch", "other")
    group = next(g for g in world.groups() if g.content == "launch")
    world.sandbox.dashboard_delete(group.id)
    before = world.sandbox.count("get-post")
    notice(world)
    assert world.state("launch") is State.CANCELLED
    assert world.sandbox.count("get-post") - before == 2
    (world.root / "launch" / "cup.jpg").touch()
    notice(world)
    assert [g.content for g in world.groups()] == ["other"]
    world.drop("launch", "launch again", MEDIA, time)
    world.run_until_rest(600)
    assert scheduled(world) == ["launch again", "other"]


def test_a_post_that_a_listing_lacks_and_get_post_knows_stands(new_world: NewWorld) -> None:
    world = new_world()
    stand(world, "launch")
    world.sandbox.behaviour = Behaviour(listing_lag=3600)
    notice(world)
    assert world.sandbox.count("get-post") == 1
    assert (world.state("launch"), warnings(world, "launch")) == (State.SCHEDULED, [])


def test_one_listing_serves_all_posts_and_nothing_else_is_asked(new_world: NewWorld) -> None:
    world = new_world()
    stand(world, *(f"p{n}" for n in range(8)))
    before = len(world.sandbox.calls)
    world.sync.reconcile()
    assert [call.name for call in world.sandbox.calls[before:]] == ["list-posts"]
    assert {world.state(f"p{n}") for n in range(8)} == {State.SCHEDULED}
    assert not world.ready


def test_another_keys_listing_proves_nothing(new_world: NewWorld) -> None:
    world = new_world()
    stand(world, "launch")
    world.key = "sk_other"
    world.restart()
    notice(world)
    assert world.state("launch") is State.SCHEDULED


def test_media_that_were_added_in_the_dashboard_are_said(new_world: NewWorld) -> None:
    world = new_world()
    stand(world, "launch")
    (group,) = world.groups()
    world.sandbox.dashboard_add_media(group.id)
    notice(world)
    assert (world.state("launch"), warnings(world, "launch")) == (State.SCHEDULED, ["CHANGED_AT_POSTPOST"])
    (warning,) = world.record("launch").warnings
    assert "its media" in warning.message


# --- cancelling -------------------------------------------------------------------------------------------------------


def cancel(world: World, name: str) -> None:
    change(world, name, ledger.cancelled)
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
        world.drop("launch", "another text", {"other.jpg": picture(2)}, time)
        world.look_around()
        world.pass_time(10)
        world.wake(world.record("launch").key, 0.0)
        world.kill_at(steps + 1)
        with contextlib.suppress(Killed):
            world.run()
        world.restart()
        if world.record("launch").fingerprint:
            world.store.change(world.record("launch").key, ledger.cancelled)
        world.run_until_rest(600)
        left = [g.status for g in world.groups()]
        assert left == [] or world.state("launch") is State.SCHEDULED, (steps, left)


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


# --- duplicates -------------------------------------------------------------------------------------------------------


def two_alike(world: World, apart: timedelta = DAY, **second: Any) -> None:
    time = world.now + 2 * DAY
    world.drop("a", "Fresh roast", MEDIA, time)
    world.run_until_rest(600)
    more = {"content": "Fresh roast", "media": MEDIA, "time": time + apart, **second}
    world.drop("b", **more)
    world.run_until_rest(600)


def test_the_same_post_from_another_folder_is_warned_about(new_world: NewWorld) -> None:
    world = new_world()
    two_alike(world)
    assert [world.state(name) for name in "ab"] == [State.SCHEDULED] * 2
    assert [warnings(world, name) for name in "ab"] == [[], ["DUPLICATE_POST"]]
    world.advance_time(600)
    assert warnings(world, "b") == ["DUPLICATE_POST"]


def test_the_same_post_from_another_folder_is_held_where_the_config_says_so(new_world: NewWorld) -> None:
    world = new_world(policy=Policy(settle=2.0, duplicates="hold"))
    two_alike(world)
    assert (world.state("a"), world.state("b"), world.code("b")) == (State.SCHEDULED, State.HELD, "DUPLICATE_POST")
    assert len(world.groups()) == 1
    retry(world, "b")
    assert (world.state("b"), len(world.groups("scheduled"))) == (State.SCHEDULED, 2)


@pytest.mark.parametrize(
    ("apart", "second"),
    [
        (4 * DAY, {}),
        (DAY, {"platforms": ("linkedin-ABC",)}),
        (DAY, {"content": "Another text"}),
        (DAY, {"media": {"cup.jpg": picture(2)}}),
        (DAY, {"media": {}}),
    ],
    ids=["later", "elsewhere", "another text", "another picture", "no picture"],
)
def test_what_is_not_the_same_post_is_no_duplicate(
    new_world: NewWorld, apart: timedelta, second: dict[str, Any]
) -> None:
    world = new_world(policy=Policy(settle=2.0, duplicates="hold"))
    two_alike(world, apart, **second)
    assert (world.state("b"), warnings(world, "b")) == (State.SCHEDULED, [])


def test_two_alike_that_arrive_together_are_one_and_its_duplicate(new_world: NewWorld) -> None:
    world = new_world(policy=Policy(settle=2.0, duplicates="hold"))
    for name in "ab":
        world.drop(name, "Fresh roast", MEDIA, world.now + 2 * DAY)
    world.run_until_rest(600)
    assert sorted(world.state(name) for name in "ab") == [State.HELD, State.SCHEDULED]
    assert len(world.groups("scheduled")) == 1


def test_duplicates_are_nothing_to_say_where_they_are_allowed(new_world: NewWorld) -> None:
    world = new_world(policy=Policy(settle=2.0, duplicates="allow"))
    two_alike(world)
    assert [warnings(world, name) for name in "ab"] == [[], []]


# --- the same minute --------------------------------------------------------------------------------------------------


def test_two_posts_for_one_account_in_the_same_minute_are_a_warning_that_names_both(new_world: NewWorld) -> None:
    world, time = new_world(), START + 2 * DAY
    for name, moment, platforms in (
        ("a", time, TWO),
        ("b", time + timedelta(seconds=59), ("linkedin-ABC",)),
        ("c", time + timedelta(seconds=60), TWO),
        ("d", time, ("facebook-1001",)),
    ):
        world.drop(name, f"post {name}", time=moment, platforms=platforms)
        world.run_until_rest(600)
    assert [warnings(world, name) for name in "abcd"] == [[], ["SAME_MINUTE"], [], ["TOKEN_EXPIRING"]]
    (warning,) = world.record("b").warnings
    assert '"b" and "a" both go to linkedin-ABC' in warning.message
    world.advance_time(600)
    assert warnings(world, "b") == ["SAME_MINUTE"]


def test_a_post_that_is_moved_into_or_out_of_an_others_minute(new_world: NewWorld) -> None:
    world, time = new_world(), START + 2 * DAY
    for name, moment in (("a", time), ("b", time + HOUR)):
        world.drop(name, f"post {name}", time=moment)
        world.run_until_rest(600)
    for moment, expected in ((time, ["SAME_MINUTE"]), (time + HOUR, [])):
        world.drop("b", "post b", time=moment)
        world.run_until_rest(600)
        assert (world.state("b"), warnings(world, "b")) == (State.SCHEDULED, expected)


# --- limits, edits and crashes ----------------------------------------------------------------------------------------


def test_posts_that_arrive_in_any_order_are_scheduled_in_the_order_of_their_times(new_world: NewWorld) -> None:
    world = limited(new_world, pending=3)
    for n in reversed(range(8)):
        pictures = {f"{m}.jpg": picture(m) for m in range(1 + (n * 3) % 4)}
        world.drop(f"q{9 - n}", f"post {n}", pictures, world.now + 30 * HOUR + n * HOUR)
    world.run_until_rest(600)
    assert scheduled(world) == ["post 0", "post 1", "post 2"]
    until(world, world.now + 40 * HOUR)
    assert posted(world) == [f"twitter-123 post {n}" for n in range(8)]


@pytest.mark.parametrize("edit", [False, True], ids=["untouched", "edited"])
def test_a_crash_around_a_limit_loses_nothing_and_doubles_nothing(new_world: NewWorld, edit: bool) -> None:
    for effect in range(1, 60, 3):
        world = limited(new_world, pending=1)
        now = world.now
        drop_many(world, 2, now + 30 * HOUR, 10 * HOUR)
        world.run_until_rest(600)
        world.kill_at(len(world.effects) + effect)
        texts = {"post p000", "post p001"}
        try:
            if edit:
                world.drop("p001", "edited", MEDIA, now + 35 * HOUR)
                texts = {"post p000", "edited"}
                world.run_until_rest(600)
            until(world, now + 31 * HOUR)
        except Killed:
            world.restart()
        for record in world.store.records():
            world.wake(record.key, 0.0)
        until(world, now + 50 * HOUR)
        assert posted(world) == sorted(f"twitter-123 {text}" for text in texts), effect
        assert len(world.groups()) == 2, effect


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


@pytest.mark.parametrize(("offset", "said"), [(0, 0), (20, 0), (-400, 1), (400, 1)])
def test_a_clock_that_is_off_is_warned_about_once(
    new_world: NewWorld, caplog: pytest.LogCaptureFixture, offset: float, said: int
) -> None:
    world = new_world(local_offset=offset)
    for name in ("one", "two"):
        world.drop(name, name, time=world.now + HOUR)
        world.run_until_rest(60)
    assert sum("this machine's clock" in record.message for record in caplog.records) == said
    assert (f"ahead={offset}s" in caplog.text) is bool(said)


def test_a_store_that_goes_on_saying_that_it_holds_other_bytes_has_an_end(new_world: NewWorld) -> None:
    world = new_world(behaviour=Behaviour(etag_md5=False))
    world.drop("launch", "Fresh roast", MEDIA, world.now + 40 * DAY)
    world.run_until_rest(600)
    assert world.code("launch") == "UPLOAD_ALTERED"
    world.advance_time(12 * 3600)
    assert (world.state("launch"), world.code("launch")) == (State.FAILED, "UPLOAD_REFUSED")
    assert world.groups() == []
    assert world.sandbox.count("put-object") <= 30
