"""Rules for the queue: when a slot is taken, kept, given back; and which posts move up."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from postpost_sync.model.errors import Finding
from postpost_sync.model.post import Policy
from postpost_sync.model.record import Consent, GroupStage, Record
from postpost_sync.model.slots import parse
from postpost_sync.model.states import State
from postpost_sync.plan.rules import plan
from postpost_sync.plan.slots import AHEAD, closing
from postpost_sync.plan.steps import Create, LeaveSlot, Rest, TakeSlot, Update
from tests.support.situations import JPEG, NOW, TIME, code, group, record, seconds, snapshot

QUEUE = Policy(slots=(parse("daily 09:00"),))
QUEUED = snapshot(JPEG, time="next", policy=QUEUE)
AFTER = TIME + seconds(1)
STANDS = replace(group(QUEUED, GroupStage.SCHEDULED), asked_time=TIME, answered_time=TIME)


def test_a_slot_is_taken_before_anything_is_made() -> None:
    assert plan(QUEUED, record(QUEUED), NOW).step == TakeSlot(NOW + AHEAD)
    assert isinstance(plan(QUEUED, record(QUEUED, slot=TIME), NOW).step, Create)


def test_without_slots_a_person_must_change_the_config() -> None:
    decision = plan(replace(QUEUED, policy=Policy()), record(QUEUED), NOW)
    assert (decision.state, code(decision)) == (State.INVALID, "NO_SLOTS")


def test_a_post_that_stands_in_its_slot_needs_no_slots_in_the_config_any_more() -> None:
    decision = plan(replace(QUEUED, policy=Policy()), record(QUEUED, STANDS, slot=TIME), NOW)
    assert decision.state is State.SCHEDULED


@pytest.mark.parametrize("late", [1, 86400, 864000])
def test_a_slot_that_is_past_is_followed_by_the_next_one_however_late(late: float) -> None:
    now = TIME + seconds(late)
    draft = group(QUEUED, proved=True)
    assert plan(QUEUED, record(QUEUED, draft, slot=TIME), now).step == TakeSlot(now + AHEAD)


def test_whether_it_went_out_is_found_out_first() -> None:
    draft = group(QUEUED, proved=True, updating=True)
    step = plan(QUEUED, record(QUEUED, draft, slot=TIME), AFTER).step
    assert isinstance(step, Update)
    assert (step.time, step.asked) == (None, TIME)


@pytest.mark.parametrize("stage", [GroupStage.GOING_OUT, GroupStage.ENDED])
def test_what_is_out_takes_no_slot(stage: GroupStage) -> None:
    out = replace(STANDS, stage=stage, checked_at=AFTER, outcome=State.PUBLISHED)
    for slot in (TIME, None):
        assert not isinstance(plan(QUEUED, record(QUEUED, out, slot=slot), AFTER).step, TakeSlot)


def test_a_post_that_somebody_made_a_draft_at_postpost_takes_no_other_slot_until_a_person_says_so() -> None:
    there = Finding("CHANGED_AT_POSTPOST", "somebody changed it", "")
    left = replace(STANDS, stage=GroupStage.WITHDRAWN, elsewhere=there)
    assert not isinstance(plan(QUEUED, record(QUEUED, left, slot=TIME), AFTER).step, TakeSlot)
    said = record(QUEUED, left, slot=TIME, consents=(Consent.ELSEWHERE,))
    assert isinstance(plan(QUEUED, said, AFTER).step, TakeSlot)


def test_a_slot_is_given_back_only_when_no_post_stands_in_it() -> None:
    own = snapshot(JPEG, policy=QUEUE, time="2026-12-20T10:00Z")
    assert isinstance(plan(own, record(own, group(own), slot=TIME), NOW).step, LeaveSlot)
    assert isinstance(plan(own, record(own, STANDS, slot=TIME), NOW).step, Update)
    unanswered = group(own, proved=True, updating=True)
    assert not isinstance(plan(own, record(own, unanswered, slot=TIME), NOW).step, LeaveSlot)


def test_a_folder_that_is_gone_in_the_midst_of_an_edit_gets_its_post_back_into_the_next_slot() -> None:
    gone = replace(QUEUED, folder=None, reading=None, quiet=9999.0)
    withdrawn = replace(STANDS, stage=GroupStage.WITHDRAWN, placed_at=TIME)
    assert isinstance(plan(gone, record(QUEUED, withdrawn, slot=TIME), AFTER).step, TakeSlot)
    step = plan(gone, record(QUEUED, withdrawn, slot=AFTER + AHEAD), AFTER).step
    assert isinstance(step, Update)
    assert step.time == AFTER + AHEAD


def test_a_post_that_waits_for_room_looks_again_when_its_slot_is_past() -> None:
    from postpost_sync.plan.snapshot import Waiting

    full = Finding("SCHEDULED_POST_LIMIT_REACHED", "3 posts are pending", "")
    shot = replace(QUEUED, waiting=Waiting(9, NOW, full, TIME + timedelta(days=1)))
    decision = plan(shot, record(QUEUED, group(QUEUED, proved=True), slot=TIME), TIME - seconds(60))
    assert decision.step == Rest(60.0)


def waiting(key: int, day: int, **more: object) -> Record:
    at = datetime.fromisoformat(f"2026-12-{day:02}T09:00Z")
    known = record(QUEUED, STANDS, state=State.SCHEDULED, done=True)
    return replace(known, key=key, slot=at, **more)  # type: ignore[arg-type]  # fields of a record


def test_closing_gaps_moves_each_into_the_first_free_slot_in_their_order() -> None:
    moved = closing([waiting(3, 9), waiting(1, 3), waiting(2, 7)], QUEUE.slots, "UTC", NOW)
    assert [(one.key, at.day, at.hour) for one, at in moved] == [(1, 1, 9), (2, 2, 9), (3, 3, 9)]


def test_closing_gaps_leaves_what_is_unanswered_or_in_another_hand_where_it_is() -> None:
    there = Finding("CHANGED_AT_POSTPOST", "somebody changed it", "")
    unanswered = waiting(1, 5, groups=(replace(STANDS, updating=True),))
    moved_there = waiting(2, 6, groups=(replace(STANDS, elsewhere=there),))
    gone, edited = waiting(3, 7, missed_at=NOW), waiting(4, 8, done=False)
    invalid = waiting(5, 9, state=State.INVALID)
    assert closing([unanswered, moved_there, gone, edited, invalid], QUEUE.slots, "UTC", NOW) == []
    nothing_yet = waiting(6, 10, groups=(), state=State.INVALID)
    assert [(one.key, at.day) for one, at in closing([nothing_yet], QUEUE.slots, "UTC", NOW)] == [(6, 1)]


def test_closing_gaps_of_a_queue_without_gaps_moves_nothing() -> None:
    assert closing([waiting(1, 1), waiting(2, 2)], QUEUE.slots, "UTC", NOW) == []
    assert closing([waiting(1, 1)], (), "UTC", NOW) == []
