"""Whatever the folder looks like: it is gone, or its post is followed to what becomes of it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from postpost_sync.model.errors import Finding
from postpost_sync.model.record import GroupStage, PlatformResult, UploadStage
from postpost_sync.model.states import State
from postpost_sync.plan.gone import ABSENCE_GRACE
from postpost_sync.plan.rules import plan
from postpost_sync.plan.situation import FOLLOW_FOR
from postpost_sync.plan.snapshot import Snapshot
from postpost_sync.plan.steps import Abort, Ask, Delete, Doom, Forget, Rest, Search
from tests.support.situations import (
    CANCEL,
    EDITED,
    GONE,
    NOW,
    PICTURE,
    TEXT,
    TIME,
    codes,
    group,
    record,
    rest,
    seconds,
    snapshot,
    trouble,
)

# --- the folder is gone ---


@pytest.mark.parametrize("shot", [GONE, CANCEL])
def test_a_root_that_is_away_says_nothing_about_its_folders(shot: Snapshot) -> None:
    away = replace(shot, root_present=False, quiet=1e6)
    for known in (
        record(TEXT, group(TEXT)),
        record(TEXT),
        record(TEXT, group(TEXT, GroupStage.SCHEDULED), state=State.SCHEDULED),
    ):
        decision = plan(away, known, NOW)
        assert isinstance(decision.step, Rest)
        assert decision.state is known.state


def test_a_folder_that_is_gone_is_given_time_to_come_back() -> None:
    assert rest(plan(replace(GONE, quiet=100), record(TEXT), NOW)) == ABSENCE_GRACE - 100
    assert rest(plan(replace(GONE, quiet=100), record(TEXT, group(TEXT)), NOW)) == ABSENCE_GRACE - 100


def test_a_folder_that_is_gone_and_left_nothing_is_forgotten() -> None:
    assert plan(replace(GONE, quiet=ABSENCE_GRACE), record(TEXT), NOW).step == Forget()
    assert (
        plan(
            replace(GONE, quiet=ABSENCE_GRACE), record(TEXT, group(TEXT, GroupStage.GONE, post_group_id=None)), NOW
        ).step
        == Forget()
    )


def test_a_draft_of_a_folder_that_is_gone_is_deleted() -> None:
    gone = replace(GONE, quiet=ABSENCE_GRACE)
    known = record(PICTURE, group(PICTURE, uploads=UploadStage.SIGNED))
    assert plan(replace(gone, in_flight=frozenset({0})), known, NOW).step == Abort()
    assert plan(gone, known, NOW).step == Doom(known.groups[0])
    unknown = record(PICTURE, group(PICTURE, GroupStage.CREATING))
    assert plan(gone, unknown, NOW).step == Search(unknown.groups[0])


def test_a_scheduled_post_is_kept_or_cancelled_as_the_config_says() -> None:
    known = record(TEXT, group(TEXT, GroupStage.SCHEDULED), state=State.SCHEDULED, done=True)
    kept = plan(replace(GONE, quiet=1e6), known, NOW)
    assert (rest(kept), kept.state) == ((TIME - NOW).total_seconds(), State.SCHEDULED)
    assert [warning.code for warning in kept.warnings] == ["FOLDER_REMOVED"]
    soon = plan(replace(GONE, quiet=100), known, NOW)
    assert (rest(soon), soon.warnings) == (ABSENCE_GRACE - 100, ())
    assert plan(replace(GONE, quiet=1e6), replace(known, warnings=kept.warnings), NOW).warnings == kept.warnings
    assert rest(plan(replace(CANCEL, quiet=100), known, NOW)) == ABSENCE_GRACE - 100
    assert plan(replace(CANCEL, quiet=ABSENCE_GRACE), known, NOW).step == Doom(known.groups[0])
    deleted = record(TEXT, group(TEXT, GroupStage.GONE), state=State.SCHEDULED, done=True)
    decision = plan(replace(CANCEL, quiet=ABSENCE_GRACE), deleted, NOW)
    assert (rest(decision), decision.state) == (None, State.CANCELLED)


@pytest.mark.parametrize("stage", [GroupStage.ENDED, GroupStage.GOING_OUT])
def test_what_is_out_is_not_cancelled(stage: GroupStage) -> None:
    live = group(TEXT, stage, outcome=State.PUBLISHED, checked_at=TIME + seconds(60))
    decision = plan(replace(CANCEL, quiet=1e6), record(TEXT, live, state=State.SCHEDULED), TIME + seconds(61))
    assert isinstance(decision.step, Rest)


def test_a_removed_folder_keeps_the_post_that_was_being_replaced() -> None:
    known = record(EDITED, group(PICTURE, GroupStage.WITHDRAWN, answered_time=TIME), state=State.SCHEDULED)
    assert not isinstance(plan(replace(GONE, quiet=ABSENCE_GRACE), known, NOW).step, Doom)


def test_a_folder_that_is_gone_is_not_forgotten_while_a_draft_is_still_to_be_deleted() -> None:
    doomed = record(TEXT, group(TEXT, GroupStage.DOOMED), troubles=(trouble(Delete),))
    assert rest(plan(replace(GONE, quiet=9999.0), doomed, NOW)) == 30


# --- what becomes of it ---


@pytest.mark.parametrize(
    ("checked", "now", "asks", "waits"),
    [
        (None, -10, False, 10),
        (None, 0, True, None),
        (-60, 0, True, None),  # asked before its time: says nothing
        (1, 2, False, 4),
        (1, 6, True, None),
        (600, 700, False, 500),
        (600, 1200, True, None),
        (80000, 80001, False, 3599),  # at least once an hour
        (80000, 83600, True, None),
        (FOLLOW_FOR + 1, FOLLOW_FOR + 99999, False, None),
    ],
)
def test_the_outcome_is_asked_for_at_its_time_and_then_ever_more_rarely(
    checked: float | None, now: float, asks: bool, waits: float | None
) -> None:
    at = None if checked is None else TIME + seconds(checked)
    known = record(TEXT, group(TEXT, GroupStage.SCHEDULED, checked_at=at), state=State.SCHEDULED, done=True)
    decision = plan(TEXT, known, TIME + seconds(now))
    assert isinstance(decision.step, Ask) is asks
    if not asks:
        assert rest(decision) == waits
        assert decision.state is State.SCHEDULED
    assert codes(decision) == (["OUTCOME_UNKNOWN"] if not asks and waits is None else [])


def test_the_outcome_is_followed_whatever_the_folder_looks_like() -> None:
    live = group(PICTURE, GroupStage.SCHEDULED)
    for shot in (replace(EDITED, quiet=0), GONE, CANCEL, replace(GONE, root_present=False), snapshot(content=" ")):
        known = record(PICTURE, live, state=State.SCHEDULED)
        assert plan(shot, known, TIME).step == Ask(known.groups[0])


@pytest.mark.parametrize(
    "shot",
    [
        GONE,
        CANCEL,
        replace(GONE, root_present=False),
        replace(GONE, unreadable=Finding("FOLDER_UNREADABLE", "no", "see")),
        replace(EDITED, quiet=0),
    ],
    ids=["gone", "gone for good", "root away", "not to be looked into", "being edited"],
)
def test_what_became_of_it_is_shown_whatever_the_folder_looks_like(shot: Snapshot) -> None:
    live = group(TEXT, GroupStage.ENDED, outcome=State.PUBLISHED, checked_at=TIME + seconds(60))
    assert plan(shot, record(TEXT, live, state=State.SCHEDULED), TIME + seconds(61)).state is State.PUBLISHED


def test_what_is_going_out_is_asked_for_at_once() -> None:
    known = record(TEXT, group(TEXT, GroupStage.GOING_OUT), state=State.SCHEDULED)
    assert plan(TEXT, known, NOW).step == Ask(known.groups[0])


@pytest.mark.parametrize(("now", "counts"), [(0, False), (3599, False), (3600, True)])
def test_that_nothing_is_said_of_an_account_counts_an_hour_after_its_time(now: float, counts: bool) -> None:
    step = plan(TEXT, record(TEXT, group(TEXT, GroupStage.SCHEDULED), state=State.SCHEDULED), TIME + seconds(now)).step
    assert isinstance(step, Ask)
    assert step.silence_counts is counts


@pytest.mark.parametrize("outcome", [State.PUBLISHED, State.PARTIALLY_PUBLISHED, State.FAILED])
def test_the_outcome_is_shown_with_the_first_platforms_error(outcome: State) -> None:
    error = Finding("INVALID_CONTENT", "twitter: no", "see the platform")
    results = (PlatformResult("facebook-1", "published"), PlatformResult("twitter-1", "failed", error=error))
    live = group(TEXT, GroupStage.ENDED, outcome=outcome, results=results[: 1 if outcome is State.PUBLISHED else 2])
    decision = plan(TEXT, record(TEXT, live, state=State.SCHEDULED, done=True), TIME + seconds(120))
    assert (rest(decision), decision.state) == (None, outcome)
    assert decision.error == (None if outcome is State.PUBLISHED else error)
