"""What the folder asks: when it is read, what is wrong with it or awaited, its time, and that what is out stays so."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from postpost_sync.model.folder import Folder, Reading
from postpost_sync.model.post import Policy
from postpost_sync.model.record import Consent, GroupStage, UploadStage
from postpost_sync.model.states import OUTCOMES, State, check_move
from postpost_sync.plan.rules import plan
from postpost_sync.plan.snapshot import Snapshot
from postpost_sync.plan.steps import Abort, Create, Doom, Finish, Read, Rest, Update
from tests.support.situations import (
    EDITED,
    JPEG,
    NOW,
    PICTURE,
    TEXT,
    TIME,
    WHY,
    code,
    codes,
    entry,
    group,
    look,
    record,
    rest,
    seconds,
    snapshot,
    trouble,
)

# --- settling and reading ---


def test_a_new_folder_settles_until_it_has_been_quiet() -> None:
    decision = plan(replace(TEXT, quiet=4.0), record(None), NOW)
    assert (rest(decision), decision.state, decision.error) == (6.0, State.SETTLING, None)


def test_a_roots_own_quiet_time_counts() -> None:
    assert rest(plan(replace(TEXT, quiet=4.0, policy=Policy(settle=60)), record(None), NOW)) == 56.0


@pytest.mark.parametrize("reading", [None, TEXT.reading])
def test_a_folder_that_was_quiet_is_read(reading: Reading | None) -> None:
    assert plan(replace(TEXT, quiet=10.0, reading=reading), record(None), NOW).step == Read()


def test_a_folder_that_settled_before_is_read_without_waiting() -> None:
    assert plan(replace(TEXT, quiet=0.0, reading=None), record(TEXT), NOW).step == Read()


def test_a_reading_of_what_it_was_before_does_not_count() -> None:
    assert plan(replace(PICTURE, reading=TEXT.reading), record(PICTURE), NOW).step == Read()


@pytest.mark.parametrize(("age", "waits"), [(0, 60.0), (3590, 10.0), (3600, None), (9999, None), (-60, 60.0)])
def test_a_transfers_temporary_keeps_it_settling_for_an_hour(age: float, waits: float | None) -> None:
    shot = snapshot(folder=look(JPEG, arriving=NOW.timestamp() - age))
    decision = plan(shot, record(None), NOW)
    assert decision.step == (Read() if waits is None else Rest(waits))


def test_a_scheduled_post_stays_so_while_its_folder_changes() -> None:
    known = record(TEXT, group(TEXT, GroupStage.SCHEDULED), state=State.SCHEDULED, done=True)
    decision = plan(replace(PICTURE, quiet=1.0), known, NOW)
    assert (rest(decision), decision.state) == (9.0, State.SCHEDULED)


# --- what is wrong and what is awaited ---


def test_what_is_wrong_is_said_first_error_first() -> None:
    shot = snapshot(content=" ", time="soon", platforms=("nobody",))
    decision = plan(shot, record(shot), NOW)
    assert (rest(decision), decision.state, code(decision)) == (None, State.INVALID, "UNKNOWN_ACCOUNT")
    assert codes(decision) == ["BAD_TIME", "CONTENT_BLANK"]


def test_an_edit_that_does_not_pass_leaves_the_earlier_post_and_says_so() -> None:
    live = group(TEXT, GroupStage.SCHEDULED)
    shot = snapshot(content=" ")
    decision = plan(shot, record(shot, live, state=State.SCHEDULED), NOW)
    assert (decision.state, code(decision)) == (State.INVALID, "CONTENT_BLANK")
    assert decision.error is not None
    assert "the earlier post stands" in decision.error.message
    assert rest(decision) == (TIME - NOW).total_seconds()


@pytest.mark.parametrize(
    ("now", "state", "waits"),
    [
        (NOW, State.SETTLING, 3600.0),  # then it is a person's matter
        (NOW + seconds(3600), State.SETTLING, (TIME - NOW).total_seconds() - 3600),
        (TIME, State.INVALID, None),
        (TIME + seconds(9), State.INVALID, None),
    ],
)
def test_missing_media_are_awaited_until_the_time_has_passed(now: datetime, state: State, waits: float | None) -> None:
    shot = snapshot(named=("1.jpg",))
    decision = plan(shot, record(shot), now)
    assert (rest(decision), decision.state, code(decision)) == (waits, state, "MEDIA_MISSING")
    long = state is State.SETTLING and now > NOW
    assert ("WAITS_LONG" in codes(decision)) is long


@pytest.mark.parametrize("time", [None, "now"])
def test_missing_media_without_a_time_are_awaited_for_ever(time: str | None) -> None:
    shot = snapshot(named=("1.jpg",), time=time)
    decision = plan(shot, record(shot, now_time=NOW), NOW + timedelta(days=400))
    assert (rest(decision), decision.state) == (None, State.SETTLING)


@pytest.mark.parametrize(
    ("settle", "quiet", "state", "waits"),
    [
        (10.0, 60.0, State.SETTLING, 40.0),
        (10.0, 100.0, State.INVALID, None),
        (0.5, 9.0, State.SETTLING, 1.0),
        (0.5, 10.0, State.INVALID, None),
    ],
)
def test_empty_media_are_awaited_ten_times_the_quiet_time(
    settle: float, quiet: float, state: State, waits: float | None
) -> None:
    shot = snapshot(entry("1.jpg", size=0), quiet=quiet, policy=Policy(settle=settle))
    decision = plan(shot, record(shot), NOW)
    assert (rest(decision), decision.state, code(decision)) == (waits, state, "MEDIA_EMPTY")


def test_media_that_were_empty_too_long_before_a_restart_are_not_awaited_again() -> None:
    shot = snapshot(entry("1.jpg", size=0), quiet=1e6)
    known = plan(shot, record(shot), NOW)
    again = plan(replace(shot, quiet=0.0), record(shot, state=known.state, error=known.error), NOW)
    assert (rest(again), again.state, again.error) == (None, State.INVALID, known.error)
    assert plan(replace(shot, quiet=0.0), record(shot, error=known.error), NOW).state is State.SETTLING


# --- times ---


@pytest.mark.parametrize(
    ("complete", "now", "step", "error"),
    [
        (0, 0, Create, None),  # complete at its time
        (-3600, 60, Create, None),  # in time, carried out a little late
        (900, 900, Create, None),  # within late_tolerance
        (901, 901, Rest, "TIME_PAST"),
        (-3600, 21600, Create, None),  # within catch_up: it was complete in time
        (-3600, 21601, Rest, "MISSED"),
        (900, 21601, Rest, "MISSED"),
        (30000, 30000, Rest, "TIME_PAST"),
    ],
)
def test_late_folders_and_late_posts(complete: float, now: float, step: type, error: str | None) -> None:
    decision = plan(TEXT, record(TEXT, complete_at=TIME + seconds(complete)), TIME + seconds(now))
    assert (type(decision.step), code(decision)) == (step, error)
    if error is not None:
        assert decision.state is (State.INVALID if error == "TIME_PAST" else State.FAILED)
        assert decision.error is not None
        assert decision.error.hint
        assert "Tue 15 Dec 2026 13:30 (UTC)" in decision.error.message


def test_the_configs_own_tolerances_count() -> None:
    strict = replace(TEXT, policy=Policy(late_tolerance=0, catch_up=60))
    assert code(plan(strict, record(strict, complete_at=TIME + seconds(1)), TIME + seconds(1))) == "TIME_PAST"
    assert code(plan(strict, record(strict), TIME + seconds(61))) == "MISSED"


def test_what_delayed_a_missed_post_is_named_and_its_draft_does_not_stay_behind() -> None:
    late, known = TIME + seconds(30000), record(TEXT, group(TEXT), troubles=(trouble(Update),))
    step = plan(TEXT, known, late).step
    assert (isinstance(step, Doom), step.gave_up.code if isinstance(step, Doom) and step.gave_up else "") == (
        True,
        "MISSED",
    )
    decision = plan(TEXT, record(TEXT, troubles=(trouble(Update),)), late)
    assert (decision.state, code(decision)) == (State.FAILED, "MISSED")
    assert decision.error is not None
    assert WHY.message in decision.error.message


def test_transfers_of_a_missed_post_are_ended_first() -> None:
    known = record(PICTURE, group(PICTURE, uploads=UploadStage.SIGNED))
    assert plan(replace(PICTURE, in_flight=frozenset({0})), known, TIME + seconds(30000)).step == Abort()


def test_a_person_can_have_a_missed_post_sent_all_the_same() -> None:
    late = TIME + seconds(30000)
    assert isinstance(plan(TEXT, record(TEXT, consents=(Consent.LATE,)), late).step, Create)
    known = record(TEXT, group(TEXT, intent_at=late), consents=(Consent.LATE,))
    assert plan(TEXT, known, late).step == Update(known.groups[0], late, TIME)


@pytest.mark.parametrize(
    ("ahead", "warned"), [(119, ["TIME_SOON"]), (0, ["TIME_SOON"]), (-60, ["TIME_SOON"]), (120, []), (9999, [])]
)
def test_a_time_less_than_two_minutes_ahead_is_a_warning_and_sent_as_asked(ahead: float, warned: list[str]) -> None:
    now = TIME - seconds(ahead)
    known = record(TEXT, group(TEXT, intent_at=now), complete_at=NOW)
    decision = plan(TEXT, known, now)
    assert decision.step == Update(known.groups[0], max(TIME, now), TIME)
    assert codes(decision) == warned


def test_now_is_kept_as_it_was_resolved() -> None:
    shot = snapshot(time="now")
    later = NOW + seconds(300)
    known = record(shot, group(shot, intent_at=later), now_time=NOW)
    decision = plan(shot, known, later)
    assert (decision.step, codes(decision)) == (Update(known.groups[0], later, NOW), [])


@pytest.mark.parametrize(("age", "held"), [(86400 - 1, False), (86400 + 1, True), (86400 * 900, True)])
def test_an_old_folder_that_asks_for_now_waits_for_a_person(age: float, held: bool) -> None:
    shot = snapshot(
        time="now", folder=Folder("/posts", "launch", 7, 1, (entry("post.yaml", changed=NOW - seconds(age)),))
    )
    known = record(shot, now_time=NOW)
    decision = plan(shot, known, NOW)
    if held:
        assert (rest(decision), decision.state, code(decision)) == (None, State.HELD, "CONFIRM_NOW")
        assert isinstance(
            plan(shot, replace(known, consents=(Consent.OLD, Consent.LATE)), NOW + timedelta(days=9)).step, Create
        )
    else:
        assert isinstance(decision.step, Create)


# --- what is out and changes afterwards ---


AFTERWARDS = [  # what happened, the folder then, and how long after its time; a file that goes changes no other's ctime
    ("a named picture goes", snapshot(named=("1.jpg",), time="now"), 60, NOW),
    ("a picture is emptied", snapshot(entry("1.jpg", size=0)), 60, TIME + seconds(60)),
    ("a picture goes the next day", TEXT, 86400, NOW),
    ("the text is edited at once", EDITED, 60, TIME + seconds(60)),
    ("the text is edited the next day", EDITED, 86400, TIME + seconds(86400)),
    ("the text becomes blank", snapshot(JPEG, content=" "), 60, TIME + seconds(60)),
]


@pytest.mark.parametrize("outcome", [State.PUBLISHED, State.PARTIALLY_PUBLISHED, State.FAILED, State.CANCELLED])
@pytest.mark.parametrize(
    ("shot", "after", "complete"),
    [
        pytest.param(
            *row[1:],
            id=row[0],
        )
        for row in AFTERWARDS
    ],
)
def test_whatever_happens_to_the_folder_afterwards_is_a_legal_move_and_never_a_new_post(
    shot: Snapshot, after: float, complete: datetime, outcome: State
) -> None:
    live = group(PICTURE, GroupStage.ENDED, outcome=outcome)
    known = record(shot, live, state=outcome, now_time=TIME, complete_at=complete)
    decision = plan(shot, known, TIME + seconds(after))
    check_move(outcome, decision.state)
    if outcome in OUTCOMES:  # it stays what it became, and the folder is at rest with a word
        assert (decision.step, decision.state, codes(decision)) == (Finish(), outcome, ["CHANGED_SINCE"])
    else:
        assert isinstance(decision.step, Rest)
        assert decision.state is State.INVALID
