"""`plan` as a truth table: the folder as it is and what was done so far on one side, the next step and the state on the other."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postpost_sync.model.errors import Finding
from postpost_sync.model.folder import Folder, Reading
from postpost_sync.model.post import Connection, Policy
from postpost_sync.model.record import (
    Consent,
    Group,
    GroupStage,
    PlatformResult,
    ReadBack,
    Record,
    Trouble,
    TroubleKind,
    UploadStage,
)
from postpost_sync.model.states import OUTCOMES, State, check_move
from postpost_sync.plan.build import REFUSALS
from postpost_sync.plan.draft import proved
from postpost_sync.plan.gone import ABSENCE_GRACE
from postpost_sync.plan.rules import plan
from postpost_sync.plan.situation import FOLLOW_FOR
from postpost_sync.plan.snapshot import Snapshot
from postpost_sync.plan.steps import (
    Abandon,
    Abort,
    Ask,
    Create,
    Delete,
    Doom,
    Finish,
    Forget,
    LearnAccounts,
    Read,
    Recognise,
    Rest,
    Search,
    Transfer,
    Update,
)
from tests.support.situations import (
    EDITED,
    JPEG,
    NOW,
    PICTURE,
    TEXT,
    THREE,
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

# --- rule 2: settling and reading ---


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


# --- rule 3: what is wrong and what is awaited ---


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


# --- which accounts ---------------------------------------------------------------------------------------------------

ALL = ("all",)
TWO_ACCOUNTS = Policy(
    connections=tuple(Connection(one, one, "valid", None, None) for one in ("twitter-1", "linkedin-A"))
)
LEARN = LearnAccounts(NOW)


@pytest.mark.parametrize("age", [0.0, 59.0, math.inf])
@pytest.mark.parametrize("platforms", [("all",), ("twitter",), ("twitter-1", "linkedin:*")])
def test_nothing_is_made_for_accounts_that_are_not_known(platforms: tuple[str, ...], age: float) -> None:
    selected = snapshot(platforms=platforms, accounts_age=age)
    decision = plan(selected, record(selected), NOW)
    assert (decision.step, decision.state) == (LEARN, State.DRAFTING)


@pytest.mark.parametrize(
    ("quiet", "age", "fresh"), [(60.0, 59.0, True), (20.0, 21.0, False), (900.0, 61.0, False), (900.0, 60.0, True)]
)
def test_a_selector_stands_for_what_a_list_says_that_is_younger_than_the_folder_and_than_a_minute(
    quiet: float, age: float, fresh: bool
) -> None:
    selected = snapshot(platforms=ALL, policy=TWO_ACCOUNTS, accounts_age=age, quiet=quiet)
    step = plan(selected, record(selected), NOW).step
    assert isinstance(step, Create) if fresh else step == LEARN
    if isinstance(step, Create):
        assert step.post.platforms == ("linkedin-A", "twitter-1")


def test_what_a_draft_was_made_with_needs_no_list() -> None:
    selected = snapshot(JPEG, platforms=ALL, policy=replace(TWO_ACCOUNTS, connections=None), accounts_age=math.inf)
    made = replace(group(PICTURE, uploads=UploadStage.WAITING), resolved={"all": ("twitter-1",)})
    assert isinstance(plan(selected, record(selected, made), NOW).step, Transfer)
    gone = replace(made, stage=GroupStage.GONE)
    step = plan(selected, record(selected, gone), NOW).step
    assert isinstance(step, Create)
    assert step.post.platforms == ("twitter-1",), "a draft that is built anew"
    cancelled = replace(made, stage=GroupStage.ENDED, outcome=State.CANCELLED, asked_time=TIME)
    edited = snapshot(JPEG, content="edited", platforms=ALL, policy=TWO_ACCOUNTS)
    follow = plan(edited, record(edited, replace(cancelled, stage=GroupStage.FOLLOWED)), NOW).step
    assert isinstance(follow, Create)
    assert follow.post.platforms == ("linkedin-A", "twitter-1"), "a post that was cancelled has no draft any more"


def test_where_no_list_can_be_had_a_folder_is_taken_at_its_word_and_where_its_post_may_stand_it_is_looked_for() -> None:
    stranger = snapshot(platforms=("twitter-2", "linkedin-A"), policy=TWO_ACCOUNTS)
    broken = record(stranger, troubles=(trouble(LearnAccounts),))
    decision = plan(replace(stranger, accounts_age=61.0), broken, NOW)
    assert isinstance(decision.step, Create), "where there is no list, the folder is taken at its word"
    assert codes(decision) == ["UNKNOWN_CONNECTION"]
    assert isinstance(plan(stranger, record(stranger, unproven=True), NOW).step, Recognise), "it may stand already"


def test_an_account_that_was_posted_to_is_taken_to_be_there() -> None:
    lost = snapshot(JPEG, platforms=("twitter-1",), policy=Policy(connections=TWO_ACCOUNTS.connections[1:]))  # type: ignore[index]  # it has some
    decision = plan(lost, record(lost, group(PICTURE, uploads=UploadStage.WAITING)), NOW)
    assert isinstance(decision.step, Transfer)
    assert codes(decision) == ["UNKNOWN_CONNECTION"]


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


# --- the folder is gone ---


GONE = replace(TEXT, folder=None, reading=None)
CANCEL = replace(GONE, policy=Policy(cancel_removed=True))


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


# --- rule 1: what becomes of it ---


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


def test_what_is_going_out_is_asked_for_at_once() -> None:
    known = record(TEXT, group(TEXT, GroupStage.GOING_OUT), state=State.SCHEDULED)
    assert plan(TEXT, known, NOW).step == Ask(known.groups[0])


@pytest.mark.parametrize("outcome", [State.PUBLISHED, State.PARTIALLY_PUBLISHED, State.FAILED])
def test_the_outcome_is_shown_with_the_first_platforms_error(outcome: State) -> None:
    error = Finding("INVALID_CONTENT", "twitter: no", "see the platform")
    results = (PlatformResult("facebook-1", "published"), PlatformResult("twitter-1", "failed", error=error))
    live = group(TEXT, GroupStage.ENDED, outcome=outcome, results=results[: 1 if outcome is State.PUBLISHED else 2])
    decision = plan(TEXT, record(TEXT, live, state=State.SCHEDULED, done=True), TIME + seconds(120))
    assert (rest(decision), decision.state) == (None, outcome)
    assert decision.error == (None if outcome is State.PUBLISHED else error)


# --- whatever the record ---


SNAPSHOTS = [
    TEXT,
    PICTURE,
    EDITED,
    THREE,
    GONE,
    CANCEL,
    snapshot(JPEG, time=None),
    snapshot(time="now"),
    snapshot(content=" "),
    snapshot(named=("9.jpg",)),
    snapshot(entry("1.jpg", size=0)),
    replace(PICTURE, reading=None),
    replace(PICTURE, quiet=0.0),
    replace(GONE, root_present=False),
    snapshot(time="8999-12-31T23:59Z"),
    snapshot(folder=look(JPEG, arriving=NOW.timestamp())),
]
MADE_OF = [TEXT, PICTURE, EDITED, THREE, snapshot(JPEG, time=None)]
MOMENTS = st.sampled_from([None, NOW, TIME, TIME + seconds(60), TIME + seconds(FOLLOW_FOR * 2)])


@st.composite
def groups(draw: st.DrawFn) -> Group:
    stage = draw(st.sampled_from(GroupStage))
    made = group(draw(st.sampled_from(MADE_OF)), stage)
    uploads = tuple(
        replace(u, stage=draw(st.sampled_from(UploadStage)), refused=draw(st.sampled_from([0, 1, REFUSALS + 1])))
        for u in made.uploads
    )
    seen = draw(
        st.none()
        | st.builds(
            ReadBack, st.booleans(), st.none() | st.integers(0, 4), st.integers(0, 2), st.just(NOW), st.just(NOW)
        )
    )
    return replace(
        made,
        uploads=uploads,
        read_back=seen,
        asked_time=draw(MOMENTS),
        answered_time=draw(MOMENTS),
        checked_at=draw(MOMENTS),
        searches=draw(st.integers(0, 5)),
        lost=draw(st.booleans()),
        outcome=State.PUBLISHED if stage is GroupStage.ENDED else None,
    )


@st.composite
def situations(draw: st.DrawFn) -> tuple[Snapshot, Record, datetime]:
    shot = replace(
        draw(st.sampled_from(SNAPSHOTS)),
        in_flight=draw(st.frozensets(st.integers(0, 2))),
        key_refused=draw(st.sampled_from([None, None, WHY])),
        key_probe_at=draw(MOMENTS),
    )
    broken = draw(
        st.none()
        | st.builds(
            Trouble,
            st.sampled_from(["Create", "Search", "Transfer", "CheckDraft", "Update", "Delete", "Ask"]),
            st.sampled_from(TroubleKind),
            st.just(WHY),
            st.just(NOW),
            MOMENTS,
        )
    )
    known = record(
        draw(st.sampled_from([shot, shot, shot, None, PICTURE])),
        *draw(st.lists(groups(), max_size=4)),
        state=draw(st.sampled_from(State)),
        consents=tuple(draw(st.sets(st.sampled_from(Consent)))),
        done=draw(st.sampled_from([False, False, True])),
        rebuilds=draw(st.integers(0, 4)),
        now_time=draw(MOMENTS),
        complete_at=draw(MOMENTS),
        troubles=(broken,) if broken is not None else (),
    )
    now = draw(st.sampled_from([NOW, TIME - seconds(60), TIME, TIME + seconds(1000), TIME + seconds(30000)]))
    return shot, known, now


@given(situations())
def test_whatever_is_known_no_promise_is_broken(situation: tuple[Snapshot, Record, datetime]) -> None:
    shot, known, now = situation
    decision = plan(shot, known, now)
    match decision.step:
        case Update(target, time, _) if time is not None:
            others = [g for g in known.groups if g is not target]
            assert time >= now
            if target.stage is GroupStage.DRAFT:
                assert not any(g.stage in (GroupStage.SCHEDULED, GroupStage.GOING_OUT) for g in others)
                assert proved(target)
                assert all(u.stage is UploadStage.STORED for u in target.uploads)
            else:
                assert target.stage in (GroupStage.SCHEDULED, GroupStage.WITHDRAWN)
        case Update(target, None, _):
            assert target.stage is GroupStage.SCHEDULED
        case Transfer(target, one):
            assert target.stage is GroupStage.DRAFT
            assert one.stage is not UploadStage.STORED
            assert one.position not in shot.in_flight
        case Create():
            assert not any(g.stage in (GroupStage.CREATING, GroupStage.DRAFT) for g in known.groups)
        case Delete(target):
            assert target.stage is GroupStage.DOOMED
        case Doom(target, _):
            assert target.stage in (GroupStage.DRAFT, GroupStage.SCHEDULED, GroupStage.WITHDRAWN)
        case Abandon(target) | Search(target):
            assert target.stage in (GroupStage.CREATING, GroupStage.DRAFT)
        case Forget():
            assert not any(g.stage not in (GroupStage.GONE,) for g in known.groups)
        case Rest(after):
            assert after is None or after > 0
    if decision.error is not None:
        assert decision.error.code
        assert decision.error.message


def test_a_folder_that_is_gone_is_not_forgotten_while_a_draft_is_still_to_be_deleted() -> None:
    doomed = record(TEXT, group(TEXT, GroupStage.DOOMED), troubles=(trouble(Delete),))
    assert rest(plan(replace(GONE, quiet=9999.0), doomed, NOW)) == 30


@pytest.mark.parametrize("missing", ["twitter-777", "twitter-12"])
def test_an_id_that_a_fresh_list_lacks_is_held_until_the_list_has_it_or_a_person_says_so(missing: str) -> None:
    other = snapshot(platforms=(missing, "linkedin-A"), policy=TWO_ACCOUNTS)
    decision = plan(other, record(other), NOW)
    assert (rest(decision), decision.state, code(decision)) == (900.0, State.HELD, "UNKNOWN_CONNECTION")
    assert plan(replace(other, accounts_age=61.0), record(other), NOW).step == LEARN
    assert isinstance(plan(other, record(other, consents=(Consent.ACCOUNT,)), NOW).step, Create)
