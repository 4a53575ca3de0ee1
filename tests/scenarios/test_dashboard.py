"""What people change at PostPost: noticed, shown, and never fought over."""

from __future__ import annotations

import pytest

from postpost_sync.model.states import State
from postpost_sync.model.times import to_service
from postpost_sync.sandbox import Behaviour
from tests.support.afterwards import DAY, HOUR, MEDIA, retry, scheduled, shown, stand, until, warnings
from tests.support.world import NewWorld, World


def notice(world: World) -> None:
    """What the daemon does every hour."""
    world.sync.reconciliation.run()
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


@pytest.mark.parametrize("what", ["unscheduled", "moved"])
def test_a_post_that_was_changed_just_before_its_time_is_noticed_after_it(new_world: NewWorld, what: str) -> None:
    """No comparison came between, and get-post says neither why it did not go out nor when it does."""
    world = new_world()
    time = stand(world, "launch")
    (group,) = world.groups()
    until(world, time - HOUR / 2)
    if what == "moved":
        world.sandbox.dashboard_reschedule(group.id, time + DAY)
    else:
        world.sandbox.dashboard_unschedule(group.id)
    until(world, time + HOUR / 2)
    notice(world)
    assert warnings(world, "launch") == ["CHANGED_AT_POSTPOST"]
    assert world.state("launch") is (State.SCHEDULED if what == "moved" else State.DRAFTED)
    until(world, time + DAY + HOUR)
    assert world.state("launch") is (State.PUBLISHED if what == "moved" else State.DRAFTED)


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
    world.sync.reconciliation.run()
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
