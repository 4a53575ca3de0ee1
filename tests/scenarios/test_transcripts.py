"""What random histories have found, as transcripts: each a few steps that once broke a promise."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from postpost_sync.model.states import State
from postpost_sync.sandbox import Behaviour, Fault
from tests.support.histories import THREE, Histories
from tests.support.lineages import PLATFORMS, Other


@pytest.fixture
def world(tmp_path: Path) -> Iterator[Histories]:
    made = Histories(tmp_path)
    yield made
    made.run_out()
    made.close()


def at(world: Histories, seconds: float) -> datetime:
    return world.now + timedelta(seconds=seconds)


@pytest.mark.parametrize("offset", [-90_000, -400, 400, 90_000])
def test_a_machine_whose_clock_is_wrong_asks_for_the_time_before_it_judges(world: Histories, offset: float) -> None:
    world.local_offset = timedelta(seconds=offset)
    world.restart()
    world.fresh(0, PLATFORMS[0], time := at(world, 900))
    world.fresh(0, PLATFORMS[0], "now")
    world.advance_time(5)
    first, second = world.ours("scheduled")
    assert first.scheduled_time == time
    assert second.scheduled_time is not None
    assert second.scheduled_time <= world.now


@pytest.mark.parametrize("seconds", [-100_000, 100_000])
def test_a_clock_that_is_set_makes_no_post_late_and_none_forgotten(world: Histories, seconds: float) -> None:
    world.fresh(0, PLATFORMS[0], at(world, 900))
    world.advance_time(5)
    world.turn_local_clock(seconds)
    world.fresh(0, PLATFORMS[0], at(world, 900))
    world.advance_time(1200)
    assert [record.state for record in world.store.records()] == ["published", "published"]


def test_a_record_without_bytes_is_never_scheduled_though_the_service_lists_no_media(world: Histories) -> None:
    world.sandbox.behaviour = replace(world.sandbox.behaviour, list_media_urls="absent")
    world.sandbox.faults.add(Fault("put-object", "early_403"))
    world.fresh(1, PLATFORMS[0], at(world, 900))
    world.advance_time(5)
    (group,) = world.ours()
    assert (group.status, [media.stored for media in group.media]) == ("scheduled", [True])


@pytest.mark.parametrize("count", [0, 1])
def test_media_that_a_person_added_to_a_draft_that_lay_for_a_while_hold_it(world: Histories, count: int) -> None:
    folder = world.fresh(count, PLATFORMS[0], None)
    world.advance_time(120)
    (draft,) = world.ours("draft")
    world.person(draft, lambda: world.sandbox.dashboard_add_media(draft.id))
    folder.time = at(world, 900)
    world.write(folder)
    world.advance_time(60)
    assert [group.status for group in world.ours()] == ["draft"]
    assert world.code(folder.name) == "MEDIA_ADDED_ELSEWHERE"


def test_a_post_whose_scheduling_was_not_answered_goes_out_once_whatever_is_edited_then(world: Histories) -> None:
    folder = world.fresh(0, PLATFORMS[0], at(world, 60))
    world.sandbox.faults.add(Fault("update-post", "lost_reply"))
    world.look_around()
    world.pass_time(2.5)
    world.wake(1, 0.0)
    world.run()  # it stands scheduled, and we do not know
    folder.text += 1
    world.write(folder)
    world.pass_time(200)  # it goes out
    world.advance_time(60)
    assert [group.status for group in world.ours()] == ["published"]
    assert world.state(folder.name) is State.PUBLISHED
    assert [warning.code for warning in world.record(folder.name).warnings] == ["CHANGED_SINCE"]


def test_a_draft_that_a_person_published_is_not_replaced(world: Histories) -> None:
    folder = world.fresh(1, PLATFORMS[0], None)
    world.advance_time(5)
    (draft,) = world.ours("draft")
    world.person(draft, lambda: world.sandbox.dashboard_reschedule(draft.id, world.now))
    world.advance_time(120)
    folder.text, folder.time = 1, "now"
    world.write(folder)
    world.advance_time(60)
    assert [group.status for group in world.ours()] == ["published"]


def test_a_draft_whose_folder_went_and_came_back_is_made_again(world: Histories) -> None:
    folder = world.fresh(1, PLATFORMS[0], None)
    world.advance_time(5)
    world.take_away(folder)
    world.advance_time(700)
    assert world.ours() == []
    world.restart()
    world.bring_back(folder)
    world.advance_time(60)
    assert [group.status for group in world.ours()] == ["draft"]
    assert world.state(folder.name) == "drafted"


def test_a_post_whose_time_was_taken_away_stays_shown_as_a_draft(world: Histories) -> None:
    folder = world.fresh(0, PLATFORMS[0], at(world, 900))
    world.advance_time(5)
    folder.time = None
    world.write(folder)
    world.advance_time(60)
    assert (world.state(folder.name), [group.status for group in world.ours()]) == ("drafted", ["draft"])


def test_an_edit_does_not_hurry_the_search_for_a_lost_create(world: Histories) -> None:
    world.sandbox.behaviour = replace(world.sandbox.behaviour, listing_lag=15)
    world.sandbox.faults.add(Fault("create-post", "lost_reply"))
    folder = world.fresh(0, PLATFORMS[0], None)
    world.advance_time(9)  # three of the four searches
    folder.text = 1
    world.write(folder)
    world.advance_time(300)
    assert [group.content for group in world.ours()] == [folder.content]


def test_a_pause_that_another_clock_has_set_is_not_waited_for(world: Histories) -> None:
    folder = world.fresh(1, PLATFORMS[0], None)
    world.advance_time(5)
    folder.text = 1
    world.write(folder)
    world.unreachable["update-post"] = 3
    world.advance_time(3)  # the old draft cannot be deleted yet
    world.local_offset = timedelta(days=-2)
    world.restart()
    world.advance_time(600)
    assert [group.content for group in world.ours()] == [folder.content]


def test_a_draft_that_a_person_scheduled_and_that_cannot_be_deleted_yet_is_not_doubled(world: Histories) -> None:
    world.unreachable["update-post"] = 6
    folder = world.fresh(0, PLATFORMS[0], at(world, 7200))
    world.advance_time(3)  # the draft is there, and cannot be scheduled
    (draft,) = world.ours()
    world.person(draft, lambda: world.sandbox.dashboard_reschedule(draft.id, world.now + timedelta(hours=5)))
    folder.text = 1
    world.write(folder)
    world.advance_time(3600)  # at no instant two stand: the world looks after every call
    assert [(group.content, group.status) for group in world.ours()] == [(folder.content, "scheduled")]


def test_an_outcome_that_was_not_shown_yet_is_shown_by_the_next_process(world: Histories) -> None:
    world.fresh(0, PLATFORMS[0], "now")
    world.advance_time(5)
    world.pass_time(90)
    world.kill_at(3)  # the service said that it is out, and that was written down
    assert not world.alive(lambda: world.run_until_rest(120))
    world.advance_time(120)
    assert [record.state for record in world.store.records()] == ["published"]


def test_a_draft_of_a_lost_create_is_found_though_the_folder_is_too_late_by_then(world: Histories) -> None:
    folder = world.fresh(0, PLATFORMS[0], at(world, 900))
    world.sandbox.faults.add(Fault("create-post", "lost_reply"))
    world.sandbox.faults.add(Fault("list-posts", "reset_before", after=1))  # what it holds is asked first
    world.look_around()
    world.pass_time(2.5)
    world.wake(1, 0.0)
    world.run()
    assert len(world.ours("draft")) == 1
    world.pass_time(3700)
    world.touch(folder)  # complete as it is now, which is after its time
    world.advance_time(60)
    (record,) = world.store.records()
    assert world.code(folder.name) == "TIME_PAST"
    assert [group.post_group_id for group in record.groups] == [group.id for group in world.ours("draft")]


@pytest.mark.parametrize("offset", [0, 400])
def test_a_comparison_right_after_a_crash_takes_nothing_for_somebodys_change(tmp_path: Path, offset: float) -> None:
    for effect in range(1, 20):
        place = tmp_path / str(effect)
        place.mkdir()
        with Histories(place, behaviour=Behaviour(listing_lag=15)) as world:
            world.local_offset = timedelta(seconds=offset)
            folder = world.fresh(0, PLATFORMS[0], at(world, 72_000))
            world.kill_at(effect)
            world.alive(lambda world=world: world.run_until_rest(60))  # type: ignore[misc]  # mypy cannot infer it
            world._kill_at = None
            world.reconcile()
            folder.text = 1
            world.write(folder)
            world.run_out()
            assert [(group.content, group.status) for group in world.ours()] == [(folder.content, "scheduled")]


def test_a_post_that_somebody_unscheduled_and_scheduled_again_unseen_is_not_doubled_by_an_edit(
    world: Histories,
) -> None:
    folder = world.fresh(0, PLATFORMS[0], at(world, 36_000))
    world.advance_time(600)
    (group,) = world.ours()
    world.person(group, lambda: world.sandbox.dashboard_unschedule(group.id))
    world.reconcile()
    world.advance_time(5)
    world.person(group, lambda: world.sandbox.dashboard_reschedule(group.id, at(world, 30_000)))
    folder.text = 1
    world.write(folder)
    world.advance_time(60)
    assert [(group.content, group.status) for group in world.ours()] == [(folder.content, "scheduled")]


def test_what_is_out_through_one_part_is_known_though_the_folder_was_edited_and_the_database_lost(
    world: Histories,
) -> None:
    folder = world.fresh(1, THREE, at(world, 600))
    world.advance_time(30_000)
    folder.others = {"mastodon": Other(text=1, time=at(world, 90_000))}
    world.write(folder)
    world.advance_time(60)
    world.lose_database()
    world.advance_time(60)
    assert world.ours("scheduled") == []
    part = next(record for record in world.store.records() if record.part == "mastodon")
    assert part.error is not None
    assert (part.state, part.error.code) == (State.HELD, "WAITS_FOR_PART")


def test_a_part_that_the_status_file_alone_knows_of_is_looked_at_where_the_sidecar_is_wrong(world: Histories) -> None:
    folder = world.fresh(0, THREE[:2], at(world, 200_000))
    folder.others = {"twitter-123": Other(text=1)}
    world.write(folder)
    world.advance_time(60)
    folder.others = {**folder.others, "linkedin-ABC": Other(text=2)}  # the post does not go there
    world.write(folder)
    world.lose_database()
    world.advance_time(60)
    assert [(one.part, one.state) for one in world.store.records()] == [
        ("", State.INVALID),
        ("twitter-123", State.INVALID),
    ]
    folder.others.pop("linkedin-ABC")
    world.write(folder)
    world.advance_time(60)
    assert [record.state for record in world.store.records()] == [State.SCHEDULED, State.SCHEDULED]


def test_a_post_that_is_no_more_at_postpost_is_asked_for_once_where_the_database_was_lost(world: Histories) -> None:
    world.fresh(0, PLATFORMS[0], at(world, 200_000))
    world.advance_time(60)
    (group,) = world.ours("scheduled")
    world.person(group, lambda: world.sandbox.dashboard_delete(group.id))
    world.lose_database()
    world.advance_time(60)
    (record,) = world.store.records()
    assert (record.state, record.error and record.error.code, record.troubles) == (State.HELD, "POST_GONE", ())
