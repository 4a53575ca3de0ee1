"""Rules 5 and 6 as a truth table: a verified draft is scheduled, replaced, moved, or waits for room."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from postpost_sync.model.errors import Finding
from postpost_sync.model.record import Effect, GroupStage, Trouble, TroubleKind, UploadStage
from postpost_sync.model.states import State
from postpost_sync.plan.line import meets_a_fault, place_in_line
from postpost_sync.plan.room import AFTER_THE_FIRST, HELD_WARN
from postpost_sync.plan.rules import plan
from postpost_sync.plan.schedule import FRESH
from postpost_sync.plan.snapshot import Snapshot, Waiting
from postpost_sync.plan.steps import (
    CheckDraft,
    Create,
    Delete,
    Doom,
    Finish,
    Hash,
    LearnTime,
    Rest,
    Step,
    Transfer,
    Update,
    Withdraw,
)
from tests.support.situations import (
    EDITED,
    JPEG,
    NOW,
    PICTURE,
    TEXT,
    TIME,
    WHY,
    back,
    code,
    codes,
    entry,
    group,
    record,
    rest,
    seconds,
    snapshot,
    trouble,
)

# --- scheduling ---


def test_a_verified_draft_is_scheduled_for_its_time() -> None:
    known = record(PICTURE, group(PICTURE, proved=True))
    decision = plan(PICTURE, known, NOW)
    assert (decision.step, decision.state) == (Update(known.groups[0], TIME, TIME), State.UPLOADING)


def test_a_draft_of_text_alone_needs_no_verifying() -> None:
    known = record(TEXT, group(TEXT))
    decision = plan(TEXT, known, NOW)
    assert (decision.step, decision.state) == (Update(known.groups[0], TIME, TIME), State.DRAFTING)


def test_a_time_that_has_passed_meanwhile_is_sent_as_the_current_time() -> None:
    known = record(TEXT, group(TEXT, intent_at=TIME))
    assert plan(TEXT, known, TIME + seconds(60)).step == Update(known.groups[0], TIME + seconds(60), TIME)


def test_media_that_the_service_does_not_list_are_a_warning() -> None:
    known = record(PICTURE, group(PICTURE, read_back=back(media=None)))
    decision = plan(PICTURE, known, NOW)
    assert (type(decision.step), codes(decision)) == (Update, ["MEDIA_NOT_LISTED"])


def test_without_a_time_the_draft_is_the_end() -> None:
    shot = snapshot(JPEG, time=None)
    known = record(shot, group(shot, proved=True))
    decision = plan(shot, known, NOW)
    assert (decision.step, decision.state) == (Finish(), State.DRAFTED)
    after = plan(shot, replace(known, done=True, state=State.DRAFTED), NOW)
    assert (rest(after), after.state) == (None, State.DRAFTED)


def test_a_scheduled_post_is_finished_and_rests_until_its_time() -> None:
    known = record(PICTURE, group(PICTURE, GroupStage.SCHEDULED), state=State.SCHEDULED)
    decision = plan(PICTURE, known, NOW)
    assert (decision.step, decision.state) == (Finish(), State.SCHEDULED)
    after = plan(PICTURE, replace(known, done=True), NOW)
    assert (rest(after), after.state) == ((TIME - NOW).total_seconds(), State.SCHEDULED)


def test_a_time_that_the_service_moved_is_not_corrected_for_ever() -> None:
    moved = group(PICTURE, GroupStage.SCHEDULED, answered_time=TIME + seconds(300))
    assert plan(PICTURE, record(PICTURE, moved, state=State.SCHEDULED), NOW).step == Finish()


# --- edits ---


def test_a_new_time_alone_is_one_update() -> None:
    shot = snapshot(JPEG, time="2026-12-20T10:00Z")
    known = record(shot, group(PICTURE, GroupStage.SCHEDULED), state=State.SCHEDULED)
    later = datetime(2026, 12, 20, 10, tzinfo=UTC)
    decision = plan(shot, known, NOW)
    assert (decision.step, decision.state) == (Update(known.groups[0], later, later), State.SCHEDULED)


def test_a_time_taken_away_makes_it_a_draft_again_and_one_given_schedules_it() -> None:
    shot = snapshot(JPEG, time=None)
    known = record(shot, group(PICTURE, GroupStage.SCHEDULED), state=State.SCHEDULED)
    assert plan(shot, known, NOW).step == Update(known.groups[0], None, None)
    withdrawn = replace(known.groups[0], stage=GroupStage.WITHDRAWN, asked_time=None, answered_time=None)
    decision = plan(shot, record(shot, withdrawn, state=State.SCHEDULED), NOW)
    assert (decision.step, decision.state) == (Finish(), State.DRAFTED)
    known = record(PICTURE, withdrawn, state=State.DRAFTED)
    assert plan(PICTURE, known, NOW).step == Update(known.groups[0], TIME, TIME)


def test_a_post_that_was_put_back_to_draft_stays_drafted() -> None:
    shot = snapshot(JPEG, time=None)
    withdrawn = group(PICTURE, GroupStage.WITHDRAWN)
    decision = plan(shot, record(shot, withdrawn, state=State.DRAFTED, done=True), NOW)
    assert (rest(decision), decision.state, codes(decision)) == (None, State.DRAFTED, [])


def test_a_touch_is_told_from_a_change_by_the_hash() -> None:
    touched = JPEG._replace(stat=JPEG.stat._replace(mtime_ns=1, ctime_ns=2))
    live = group(PICTURE, GroupStage.SCHEDULED)
    for hashes, step in (({}, Hash(("1.jpg",))), ({"1.jpg": "hash"}, Finish()), ({"1.jpg": "other"}, None)):
        shot = snapshot(touched, hashes=hashes)
        decision = plan(shot, record(shot, live, state=State.SCHEDULED), NOW)
        assert decision.step == step or (step is None and isinstance(decision.step, Create))


REPLACEMENT = [
    # (the groups, oldest first; the step and the group it is for)
    ("nothing built", [(GroupStage.SCHEDULED, PICTURE, {})], Create, None),
    (
        "created",
        [(GroupStage.SCHEDULED, PICTURE, {}), (GroupStage.DRAFT, EDITED, {"uploads": UploadStage.WAITING})],
        Transfer,
        1,
    ),
    ("sent", [(GroupStage.SCHEDULED, PICTURE, {}), (GroupStage.DRAFT, EDITED, {})], CheckDraft, 1),
    ("verified", [(GroupStage.SCHEDULED, PICTURE, {}), (GroupStage.DRAFT, EDITED, {"proved": True})], Update, 0),
    (
        "withdrawn",
        [(GroupStage.WITHDRAWN, PICTURE, {"placed_at": NOW}), (GroupStage.DRAFT, EDITED, {"proved": True})],
        Update,
        1,
    ),
    (
        "withdrawn a while ago",
        [
            (GroupStage.WITHDRAWN, PICTURE, {"placed_at": NOW - seconds(FRESH + 1)}),
            (GroupStage.DRAFT, EDITED, {"proved": True}),
        ],
        Update,
        0,
    ),
    (
        "made a draft by somebody",
        [(GroupStage.WITHDRAWN, PICTURE, {}), (GroupStage.DRAFT, EDITED, {"proved": True})],
        Update,
        0,
    ),
    ("scheduled", [(GroupStage.WITHDRAWN, PICTURE, {}), (GroupStage.SCHEDULED, EDITED, {})], Doom, 0),
    ("doomed", [(GroupStage.DOOMED, PICTURE, {}), (GroupStage.SCHEDULED, EDITED, {})], Delete, 0),
    ("gone", [(GroupStage.GONE, PICTURE, {}), (GroupStage.SCHEDULED, EDITED, {})], Finish, None),
]


@pytest.mark.parametrize(
    ("stages", "step", "target"), [row[1:] for row in REPLACEMENT], ids=[row[0] for row in REPLACEMENT]
)
def test_an_edited_post_is_replaced_by_a_verified_one_in_one_burst(
    stages: list[tuple[GroupStage, Snapshot, dict[str, Any]]], step: type, target: int | None
) -> None:
    known = record(EDITED, *(group(of, stage, **more) for stage, of, more in stages), state=State.SCHEDULED)
    decision = plan(EDITED, known, NOW)
    assert isinstance(decision.step, step)
    assert decision.state is State.SCHEDULED
    if target is not None:
        assert getattr(decision.step, "group", None) == known.groups[target]
    if isinstance(decision.step, Update):
        assert decision.step.time == (None if target == 0 else TIME)
    assert codes(decision) == (["REPLACING"] if step in (Create, Transfer, CheckDraft, Update) else [])


def test_an_edit_that_is_taken_back_drops_the_new_draft() -> None:
    known = record(PICTURE, group(PICTURE, GroupStage.SCHEDULED), group(EDITED), state=State.SCHEDULED)
    assert plan(PICTURE, known, NOW).step == Doom(known.groups[1])


@pytest.mark.parametrize(
    "edit",
    [
        {"settings": {"twitter": {"x": True}}},
        {"platforms": ("twitter-1", "facebook-1")},
        {"named": ("2.jpg", "1.jpg")},
        {"named": ("1.jpg",)},
    ],
)
def test_settings_platforms_and_the_order_of_media_are_edits_too(edit: dict[str, Any]) -> None:
    files = entry("1.jpg", size=1), entry("2.jpg", size=2)
    live, shot = group(snapshot(*files), GroupStage.SCHEDULED), snapshot(*files, **edit)
    assert isinstance(plan(shot, record(shot, live, state=State.SCHEDULED), NOW).step, Create)


@pytest.mark.parametrize("edited", [EDITED, snapshot(JPEG, time="2026-12-20T10:00Z")], ids=["content", "time"])
@pytest.mark.parametrize(("left", "late"), [(120, False), (119, True), (1, True)])
def test_within_two_minutes_of_its_time_an_edit_is_refused(edited: Snapshot, left: float, late: bool) -> None:
    known = record(edited, group(PICTURE, GroupStage.SCHEDULED), state=State.SCHEDULED)
    decision = plan(edited, known, TIME - seconds(left))
    assert (code(decision) == "EDIT_TOO_LATE") is late
    if late:
        assert (decision.state, rest(decision)) == (State.INVALID, left)


@pytest.mark.parametrize("stage", [GroupStage.ENDED, GroupStage.GOING_OUT])
def test_an_edit_of_what_is_out_is_refused_and_its_draft_dropped(stage: GroupStage) -> None:
    live = group(PICTURE, stage, outcome=State.PUBLISHED, checked_at=TIME + seconds(60))
    later = TIME + seconds(61)
    known = record(EDITED, live, group(EDITED), state=State.SCHEDULED)
    assert plan(EDITED, known, later).step == Doom(known.groups[1])
    decision = plan(EDITED, record(EDITED, live, state=State.SCHEDULED), later)
    if stage is GroupStage.ENDED:
        assert (decision.state, codes(decision)) == (State.PUBLISHED, ["CHANGED_SINCE"])
    else:
        assert (decision.state, code(decision)) == (State.INVALID, "EDIT_TOO_LATE")


def test_a_new_time_for_what_is_out_changes_nothing() -> None:
    shot = snapshot(JPEG, time="2026-12-20T10:00Z")
    known = record(shot, group(PICTURE, GroupStage.ENDED, outcome=State.PUBLISHED), state=State.PUBLISHED)
    decision = plan(shot, known, TIME + seconds(3600))
    assert (decision.state, codes(decision)) == (State.PUBLISHED, ["CHANGED_SINCE"])


def test_an_edit_of_what_is_out_that_is_taken_back_is_fine_again() -> None:
    known = record(PICTURE, group(PICTURE, GroupStage.ENDED, outcome=State.PUBLISHED), state=State.INVALID)
    decision = plan(PICTURE, known, TIME + seconds(30000))
    assert (decision.step, decision.state) == (Finish(), State.PUBLISHED)


@pytest.mark.parametrize("kind", [TroubleKind.REFUSED, TroubleKind.HELD])
def test_where_the_new_post_is_refused_the_old_one_is_put_back_at_once(kind: TroubleKind) -> None:
    old = group(PICTURE, GroupStage.WITHDRAWN, answered_time=TIME)
    known = record(
        EDITED, old, group(EDITED, proved=True), state=State.SCHEDULED, troubles=(trouble(Update, kind, None),)
    )
    decision = plan(EDITED, known, NOW)
    assert isinstance(decision.step, Update)
    assert (decision.step.group, decision.step.time) == (known.groups[0], TIME)


def test_a_replacement_that_is_given_up_is_invalid_while_the_earlier_post_stands() -> None:
    shot = snapshot(JPEG, content="Hello again", time="2026-12-02T08:00Z")
    known = record(shot, group(PICTURE, GroupStage.SCHEDULED), state=State.SCHEDULED)
    decision = plan(shot, known, datetime(2026, 12, 3, 8, tzinfo=UTC))
    assert (decision.state, code(decision)) == (State.INVALID, "MISSED")


# --- an update-post that was not answered ---


def test_a_draft_that_may_be_scheduled_is_made_one_again_before_it_counts_as_drafted() -> None:
    shot = snapshot(JPEG, time=None)
    for stage in (GroupStage.DRAFT, GroupStage.WITHDRAWN):
        known = record(shot, group(shot, stage, updating=True, read_back=back()))
        assert plan(shot, known, NOW).step == Update(known.groups[0], None, None)


def test_a_refused_version_that_may_be_scheduled_all_the_same_is_made_a_draft_before_the_old_one_is_put_back() -> None:
    old, new = group(PICTURE, GroupStage.WITHDRAWN, answered_time=TIME), group(EDITED, proved=True, updating=True)
    refused = trouble(Update, TroubleKind.REFUSED, None)
    known = record(EDITED, old, new, state=State.SCHEDULED, troubles=(refused,))
    assert plan(EDITED, known, NOW).step == Withdraw(known.groups[1], None, None)


def test_an_old_version_that_may_be_put_back_is_made_a_draft_before_the_new_one_is_scheduled() -> None:
    old = group(PICTURE, GroupStage.WITHDRAWN, answered_time=TIME, placed_at=NOW, updating=True)
    known = record(EDITED, old, group(EDITED, proved=True), state=State.SCHEDULED)
    assert plan(EDITED, known, NOW).step == Update(known.groups[0], None, None)


def test_nothing_is_scheduled_while_another_version_is_still_to_be_deleted() -> None:
    undeleted = trouble(Delete)
    earlier = group(PICTURE, GroupStage.WITHDRAWN, answered_time=TIME)
    known = record(PICTURE, earlier, group(EDITED, GroupStage.DOOMED), state=State.SCHEDULED, troubles=(undeleted,))
    for shot in (PICTURE, replace(PICTURE, folder=None, reading=None, quiet=1e6)):
        decision = plan(shot, known, NOW)
        assert (rest(decision), decision.error) == (30.0, WHY)


def test_a_post_that_may_be_scheduled_already_does_not_wait_in_line() -> None:
    for stage in (GroupStage.DRAFT, GroupStage.WITHDRAWN):
        ahead = Waiting(7, TIME - seconds(60), FULL, NOW + seconds(600))
        known = record(TEXT, group(TEXT, stage, updating=True), state=State.SCHEDULED)
        assert plan(replace(TEXT, waiting=ahead), known, NOW).step == Update(known.groups[0], TIME, TIME)


# --- the line -------------------------------------------------------------------------------------------------

FULL = Finding("SCHEDULED_POST_LIMIT_REACHED", "3 posts are pending, and the plan allows 3", "wait, or change the plan")
MONTH = Finding("POST_LIMIT_REACHED", "the month's posts are used up", "wait, or change the plan")
READY = group(TEXT, intent_at=NOW)
LATER = NOW + seconds(3600)


def refused(finding: Finding = FULL, until: datetime | None = LATER) -> Trouble:
    return Trouble(Effect.UPDATE, TroubleKind.HELD, finding, NOW, until)


@pytest.mark.parametrize(
    ("ahead", "waits"),
    [
        (Waiting(2, TIME - seconds(1), FULL, LATER), True),
        (Waiting(0, TIME, FULL, LATER), True),  # the same time: the folder that was seen first
        (Waiting(1, TIME, FULL, LATER), False),  # itself
        (Waiting(2, TIME, FULL, LATER), False),
        (Waiting(2, TIME + seconds(1), FULL, LATER), False),
        (None, False),
    ],
)
def test_an_earlier_post_that_waits_for_room_goes_first(ahead: Waiting | None, waits: bool) -> None:
    decision = plan(replace(TEXT, waiting=ahead), record(TEXT, READY), NOW)
    assert isinstance(decision.step, Rest if waits else Update)
    assert decision.state is (State.HELD if waits else State.DRAFTING)
    assert code(decision) == (FULL.code if waits else None)


def test_those_behind_look_again_a_little_after_the_first_ones_try() -> None:
    ahead = Waiting(2, TIME - seconds(1), FULL, LATER)
    decision = plan(replace(TEXT, waiting=ahead), record(TEXT, READY), NOW)
    assert rest(decision) == 3600 + AFTER_THE_FIRST
    assert decision.retry_at == LATER


@pytest.mark.parametrize("finding", [FULL, MONTH])
def test_the_first_waits_for_its_own_next_try(finding: Finding) -> None:
    known = record(TEXT, READY, state=State.HELD, error=finding, time=TIME, troubles=(refused(finding),))
    decision = plan(TEXT, known, NOW)
    assert (rest(decision), decision.state, decision.error) == (3600, State.HELD, finding)
    update = plan(TEXT, known, LATER).step
    assert update == CheckDraft(known.groups[0])  # it has lain for a while: read back, then scheduled


@pytest.mark.parametrize(("left", "says"), [(HELD_WARN + 1, FULL.code), (HELD_WARN, "HELD_TOO_LONG")])
def test_a_day_before_its_time_a_held_post_says_so(left: float, says: str) -> None:
    now = TIME - seconds(left)
    trouble = refused(until=now + seconds(600))
    known = record(TEXT, READY, state=State.HELD, error=FULL, time=TIME, troubles=(trouble,))
    assert code(plan(TEXT, known, now)) == says


@pytest.mark.parametrize(("late", "step"), [(899, CheckDraft), (900, Doom)])
def test_after_its_time_a_held_post_is_given_up(late: float, step: type[Step]) -> None:
    now = TIME + seconds(late)
    known = record(TEXT, READY, state=State.HELD, error=FULL, time=TIME, troubles=(refused(until=now),))
    decision = plan(TEXT, known, now)
    assert isinstance(decision.step, step)
    if isinstance(decision.step, Doom):
        assert decision.step.gave_up is not None
        assert decision.step.gave_up.code == "HELD_PAST_TIME"


@pytest.mark.parametrize(
    ("known", "place"),
    [
        ({"state": State.HELD, "error": FULL, "troubles": (refused(),)}, Waiting(1, TIME, FULL, LATER)),
        ({"state": State.HELD, "error": FULL}, Waiting(1, TIME, FULL)),
        (
            {"state": State.HELD, "error": replace(FULL, code="HELD_TOO_LONG")},
            Waiting(1, TIME, replace(FULL, code="HELD_TOO_LONG")),
        ),
        ({"state": State.HELD, "error": replace(FULL, code="COPY_OF")}, None),
        ({"state": State.SCHEDULED, "error": FULL}, None),
        ({"state": State.HELD, "error": FULL, "time": None}, None),
        ({"state": State.HELD, "error": WHY, "troubles": (trouble(Update),)}, None),
    ],
)
def test_who_stands_in_line(known: dict[str, Any], place: Waiting | None) -> None:
    assert place_in_line(record(TEXT, READY, **{"time": TIME, **known})) == place
    assert meets_a_fault(record(TEXT, READY, **{"time": TIME, **known})) is ("troubles" in known and place is None)


def test_a_withdrawal_that_was_not_answered_is_made_again_before_anything_else() -> None:
    doubtful = group(TEXT, GroupStage.SCHEDULED, updating=True)
    for done in (True, False):
        known = record(TEXT, doubtful, state=State.SCHEDULED, done=done)
        for shot in (TEXT, EDITED):
            assert plan(shot, known, NOW).step == Update(known.groups[0], None, None)
        for there in (True, False):  # nobody can say what the folder asks for: it is to stand as it stood
            gone = replace(TEXT, folder=None, reading=None, root_present=there)
            assert plan(gone, known, NOW).step == Update(known.groups[0], TIME, TIME)


def test_a_removed_folders_post_is_not_given_up_by_a_clock_that_may_be_wrong() -> None:
    known = record(TEXT, group(TEXT, GroupStage.WITHDRAWN, answered_time=TIME), state=State.SCHEDULED)
    gone = replace(TEXT, folder=None, reading=None, quiet=1e6)
    years = NOW.replace(year=NOW.year + 5)
    assert plan(replace(gone, clock_known=False), known, years).step == LearnTime()
    assert plan(gone, known, years).step == Doom(known.groups[0])
