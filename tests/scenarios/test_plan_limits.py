"""Posts for which the plan has no room: held, in line, in the order of their times, whatever comes between."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from postpost_sync import ledger
from postpost_sync.model.states import State
from postpost_sync.sandbox import STARTER, Behaviour, Fault
from tests.support.afterwards import (
    DAY,
    HOUR,
    MEDIA,
    TWO,
    drop_many,
    limited,
    posted,
    retry,
    scheduled,
    shown,
    time_of,
    until,
)
from tests.support.matrices import Matrix
from tests.support.world import Killed, NewWorld, World


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
    assert probes(world) - before <= 3 * 24 + 3, "one an hour, since the plan may have been changed"
    until(world, time + 2 * HOUR)
    assert {world.state("far"), world.state("farther")} == {State.PUBLISHED}


def test_the_month_over_is_when_the_next_one_goes(new_world: NewWorld) -> None:
    world = limited(new_world, posts_per_month=1)
    drop_many(world, 3, world.now + 35 * DAY, HOUR)
    world.run_until_rest(600)
    before = probes(world)
    world.advance_time(20 * 86400)
    assert probes(world) - before <= 20 * 24 + 1, "one an hour for the account, by the first in line alone"
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


def test_a_plan_that_was_too_small_for_a_post_may_grow(new_world: NewWorld) -> None:
    world = limited(new_world, pending=1)
    world.drop("big", "big", time=world.now + 3 * DAY, platforms=TWO)
    world.run_until_rest(600)
    before = probes(world)
    world.advance_time(86400 - 700)
    assert (world.code("big"), probes(world)) == ("PLAN_TOO_SMALL", before)
    world.sandbox.behaviour = Behaviour()
    world.advance_time(800)
    assert (world.state("big"), world.code("big"), len(world.groups())) == (State.SCHEDULED, None, 1)


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


def test_a_post_that_stands_is_not_touched_for_an_earlier_one_which_names_it_and_goes_when_it_is_taken_back(
    new_world: NewWorld,
) -> None:
    world = limited(new_world, pending=1)
    world.drop("later", "later", time=world.now + 60 * HOUR)
    world.run_until_rest(600)
    world.drop("earlier", "earlier", MEDIA, world.now + 30 * HOUR)
    world.run_until_rest(600)
    assert scheduled(world) == ["later"]
    error = world.record("earlier").error
    assert error is not None
    assert (world.state("earlier"), error.code) == (State.HELD, "SCHEDULED_POST_LIMIT_REACHED")
    assert 'later posts hold the room: "' in error.hint
    assert '/later"' in error.hint
    world.store.change(world.record("later").key, ledger.cancelled, None)
    world.wake(world.record("later").key, 0.0)
    world.run_until_rest(600)
    assert scheduled(world) == ["earlier"]


@pytest.mark.whole
@pytest.mark.parametrize("edit", [False, True], ids=["untouched", "edited"])
def test_a_crash_around_a_limit_loses_nothing_and_doubles_nothing(
    new_world: NewWorld, matrix: Matrix, edit: bool
) -> None:
    for effect in matrix.of(range(1, 60, 3)):
        world = limited(new_world, pending=1)
        now = world.now
        drop_many(world, 2, now + 30 * HOUR, 10 * HOUR)
        world.run_until_rest(600)
        world.kill_at(effect)
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
