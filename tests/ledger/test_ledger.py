"""What each thing that happens changes in a record: read top to bottom, each test is a short history."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from postpost_sync import ledger
from postpost_sync.model.errors import (
    FileChanged,
    Finding,
    KeyRefused,
    NotEditable,
    NotFound,
    NotReached,
    PlanLimit,
    PostError,
    Refused,
    Unclear,
    Unreadable,
    UploadRefused,
)
from postpost_sync.model.folder import MediaFile, Stat
from postpost_sync.model.post import Post
from postpost_sync.model.record import (
    Consent,
    Effect,
    Group,
    GroupStage,
    MediaName,
    PlatformResult,
    Record,
    Trouble,
    TroubleKind,
    UploadStage,
)
from postpost_sync.model.states import State
from postpost_sync.plan.steps import Ask, CheckDraft, Create, Decision, Delete, Read, Rest, Transfer, Tried, Update

NOW = datetime(2026, 12, 1, 8, 0, tzinfo=UTC)
TIME = datetime(2026, 12, 15, 13, 30, tzinfo=UTC)
LATER = NOW + timedelta(seconds=90)
ID = "507f1f77bcf86cd799439011"
WHY = Finding("X", "why", "hint")
START = Record(1, "f", "/posts", "launch", 7, 1, State.SETTLING, NOW, NOW)


def media(name: str, mime: str = "image/jpeg") -> MediaFile:
    return MediaFile(name, Stat(5, 1, 1, 1, 1), mime)


POST = Post(
    "Hello", ("twitter-1",), {"x": {"y": True}}, (media("a b.jpg"), media("ä.png", "image/png")), TIME, "Europe/Berlin"
)


def drafted() -> Record:
    """A draft with two media, key 1 as the database gave it."""
    record = ledger.creating(START, POST, NOW, "key")
    record = replace(record, groups=(replace(record.groups[0], key=1),))
    return ledger.created(record, 1, ID)


def only(record: Record) -> Group:
    (group,) = record.groups
    return group


def after(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


# --- a draft and its media --------------------------------------------------------------------------------------------


def test_the_intent_to_create_holds_all_that_will_be_sent() -> None:
    group = only(ledger.creating(START, POST, NOW, "key"))
    assert (group.stage, group.post_group_id, group.intent_at) == (GroupStage.CREATING, None, NOW)
    assert (group.content, group.platforms, group.platform_settings) == ("Hello", ("twitter-1",), {"x": {"y": True}})
    assert [(u.position, u.name, u.content_type, u.stage) for u in group.uploads] == [
        (0, "a b.jpg", "image/jpeg", UploadStage.WAITING),
        (1, "ä.png", "image/png", UploadStage.WAITING),
    ]
    assert len({u.upload_name for u in group.uploads}) == 2


def test_an_upload_from_the_first_url_to_the_last_byte() -> None:
    record = ledger.signing(drafted(), 1, 0)
    assert only(record).uploads[0].stage is UploadStage.SIGNING
    assert only(record).records_possible == 1
    record = ledger.signed(record, 1, 0, "https://store/u?sig", "https://store/u", "m1", LATER)
    signed = only(record).uploads[0]
    assert (signed.stage, signed.url, signed.media_id, signed.expires_at) == (
        UploadStage.SIGNED,
        "https://store/u?sig",
        "m1",
        LATER,
    )
    assert only(record).records_possible == 1
    record = ledger.stored(record, 1, 0, "abc", 5)
    stored = only(record).uploads[0]
    assert (stored.stage, stored.sha256, stored.sent, stored.url) == (UploadStage.STORED, "abc", 5, None)
    assert only(record).uploads[1] == only(drafted()).uploads[1]


def test_a_url_whose_answer_was_lost_may_have_left_a_record() -> None:
    record = ledger.signing(ledger.signing(drafted(), 1, 0), 1, 0)
    record = ledger.signed(record, 1, 0, "u", "f", "m1", LATER)
    assert only(record).records_possible == 2


@pytest.mark.parametrize(("second", "possible"), [("m1", 1), ("m2", 2), (None, 2)])
def test_a_record_that_is_issued_again_counts_once(second: str | None, possible: int) -> None:
    record = drafted()
    for media_id in ("m1", second):
        record = ledger.signed(ledger.signing(record, 1, 0), 1, 0, "u", "f", media_id, LATER)
    assert only(record).records_possible == possible


@pytest.mark.parametrize(
    ("errors", "stage"),
    [
        ([UploadRefused(WHY)], UploadStage.WAITING),
        ([Unclear(WHY)], UploadStage.SIGNED),
        ([Unclear(WHY), Unclear(WHY)], UploadStage.WAITING),
        ([NotReached(WHY)] * 5, UploadStage.SIGNED),
        ([FileChanged(WHY)], UploadStage.SIGNED),
    ],
)
def test_a_url_is_kept_as_long_as_it_may_be_good(errors: list[PostError], stage: UploadStage) -> None:
    record = ledger.signed(ledger.signing(drafted(), 1, 0), 1, 0, "u", "f", "m", LATER)
    for error in errors:
        record = ledger.not_sent(record, 1, 0, error)
    upload = only(record).uploads[0]
    assert (upload.stage, upload.url) == (stage, "u" if stage is UploadStage.SIGNED else None)


def test_news_of_a_group_that_is_not_known_changes_nothing() -> None:
    assert ledger.not_sent(drafted(), 9, 0, UploadRefused(WHY)) == drafted()
    assert ledger.stored(drafted(), 9, 0, "abc", 5) == drafted()
    assert ledger.with_upload(drafted(), 9, 0, sent=1) == drafted()


def test_a_draft_is_read_back_for_as_long_as_it_was_first_asked() -> None:
    record = ledger.read_back(drafted(), 1, False, None, 0, None, NOW)
    record = ledger.read_back(record, 1, True, 2, 0, 2, LATER)
    seen = only(record).read_back
    assert seen is not None
    assert (seen.found, seen.media, seen.first_at, seen.at) == (True, 2, NOW, LATER)


# --- scheduling and what becomes of it --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "time", "stage", "answered"),
    [
        ("scheduled", TIME + timedelta(minutes=5), GroupStage.SCHEDULED, TIME + timedelta(minutes=5)),
        ("scheduled", None, GroupStage.SCHEDULED, TIME),
        ("processing", None, GroupStage.GOING_OUT, TIME),
        ("published", TIME, GroupStage.GOING_OUT, TIME),
    ],
)
def test_the_asked_and_the_answered_time_are_kept_apart(
    status: str, time: datetime | None, stage: GroupStage, answered: datetime
) -> None:
    group = only(drafted())
    group = only(ledger.updated(drafted(), 1, Update(group, TIME, TIME), status, time, NOW))
    assert (group.stage, group.asked_time, group.answered_time, group.checked_at) == (stage, TIME, answered, None)


def test_a_post_that_is_put_back_to_draft_is_withdrawn() -> None:
    scheduled = ledger.updated(drafted(), 1, Update(only(drafted()), TIME, TIME), "scheduled", TIME, NOW)
    group = only(ledger.updated(scheduled, 1, Update(only(scheduled), None, None), "draft", TIME, NOW))
    assert (group.stage, group.asked_time) == (GroupStage.WITHDRAWN, None)


@pytest.mark.parametrize(
    ("statuses", "outcome"),
    [
        (["published"], State.PUBLISHED),
        (["published", "published"], State.PUBLISHED),
        (["failed", "failed"], State.FAILED),
        (["failed", "published"], State.PARTIALLY_PUBLISHED),
        (["published", "processing"], None),
        (["published", "pending"], None),
        (["scheduled"], None),
        (["published", "something new"], None),
        ([""], None),
        ([], None),
    ],
)
def test_the_outcome_is_rolled_up_over_the_platforms(statuses: list[str], outcome: State | None) -> None:
    results = tuple(PlatformResult(f"x-{at}", status) for at, status in enumerate(statuses))
    group = only(ledger.outcome(drafted(), 1, results, LATER))
    assert (group.outcome, group.results, group.checked_at) == (outcome, results, LATER)
    assert (group.stage is GroupStage.ENDED) is (outcome is not None)


@pytest.mark.parametrize(
    ("stage", "previous", "becomes"),
    [
        (GroupStage.SCHEDULED, (ID,), GroupStage.DOOMED),
        (GroupStage.WITHDRAWN, (ID,), GroupStage.DOOMED),
        (GroupStage.DRAFT, (), GroupStage.DOOMED),
    ],
)
def test_what_stood_scheduled_is_remembered_when_it_is_doomed(
    stage: GroupStage, previous: tuple[str, ...], becomes: GroupStage
) -> None:
    record = ledger.doomed(ledger.with_group(drafted(), 1, stage=stage), 1, rebuild=False)
    assert (record.previous, only(record).stage, record.rebuilds) == (previous, becomes, 0)


def test_a_rebuild_counts_and_what_never_had_an_id_is_gone() -> None:
    record = ledger.doomed(ledger.with_group(drafted(), 1, post_group_id=None), 1, rebuild=True)
    assert (only(record).stage, record.rebuilds) == (GroupStage.GONE, 1)


# --- the folder -------------------------------------------------------------------------------------------------------


def test_a_folder_that_settles_anew_leaves_its_troubles_behind() -> None:
    trouble = Trouble(Effect.CREATE, TroubleKind.REFUSED, WHY, NOW)
    record = replace(
        START, fingerprint="old", consents=(Consent.LATE,), rebuilds=3, done=True, troubles=(trouble,), warnings=(WHY,)
    )
    new = ledger.settled(record, "new", LATER, None)
    assert (new.fingerprint, new.complete_at, new.trouble, new.consents, new.rebuilds, new.done, new.warnings) == (
        "new",
        LATER,
        None,
        (),
        0,
        False,
        (),
    )


def test_a_folder_that_is_read_again_as_it_was_keeps_when_it_was_complete() -> None:
    trouble = Trouble(Effect.CREATE, TroubleKind.REFUSED, WHY, NOW)
    record = replace(START, fingerprint="same", complete_at=NOW, troubles=(trouble,))
    again = ledger.settled(record, "same", LATER, None)
    assert (again.complete_at, again.trouble) == (NOW, trouble)


def test_a_persons_word_ends_all_waiting() -> None:
    record = ledger.read_back(ledger.with_upload(drafted(), 1, 0, refused=7), 1, False, None, 0, None, NOW)
    record = replace(
        record, rebuilds=3, done=True, troubles=(Trouble(Effect.CREATE, TroubleKind.HELD, WHY, NOW),), retry_at=LATER
    )
    again = ledger.retried(record)
    assert (again.consents, again.rebuilds, again.trouble, again.retry_at, again.done) == ((), 0, None, None, False)
    assert only(again).read_back is None
    assert [u.refused for u in only(again).uploads] == [0, 0]
    assert only(again).records_possible == only(record).records_possible


# --- what is shown ----------------------------------------------------------------------------------------------------


def test_what_is_shown_follows_the_decision() -> None:
    record = ledger.shown(START, Decision(Create(POST), State.DRAFTING, None, (WHY,), POST, TIME), LATER)
    assert (record.state, record.warnings, record.platforms, record.timezone) == (
        State.DRAFTING,
        (WHY,),
        ("twitter-1",),
        "Europe/Berlin",
    )
    assert record.media == (MediaName("a b.jpg", 5), MediaName("ä.png", 5))
    assert (record.time, record.updated_at, record.retry_at) == (TIME, LATER, None)


def test_showing_the_same_again_changes_nothing() -> None:
    decision = Decision(Rest(30.0), State.SETTLING, WHY)
    once = ledger.shown(START, decision, NOW)
    assert once.retry_at == after(30)
    assert ledger.shown(once, replace(decision, step=Rest(29.5)), after(0.6)) == once
    assert ledger.shown(once, Decision(Rest(None), State.SETTLING), LATER).retry_at is None


def test_a_step_without_news_keeps_what_was_known_of_the_post() -> None:
    known = ledger.shown(START, Decision(Create(POST), State.DRAFTING, None, (), POST, TIME), NOW)
    assert ledger.shown(known, Decision(Read(), State.DRAFTING), LATER).time == TIME


# --- what did not work ------------------------------------------------------------------------------------------------

TRANSFER = Transfer(only(drafted()), only(drafted()).uploads[0])
UPDATE = Update(only(drafted()), TIME, TIME)


def failed(step: Tried, error: PostError, record: Record | None = None, jitter: float = 1.0) -> Trouble | None:
    return ledger.failed(record or drafted(), step, error, NOW, jitter).trouble


@pytest.mark.parametrize(
    ("step", "error", "kind", "seconds"),
    [
        (Create(POST), Unclear(WHY), TroubleKind.RETRY, 2.0),
        (Create(POST), NotReached(WHY), TroubleKind.RETRY, 2.0),
        (Create(POST), Unclear(WHY, 120.0), TroubleKind.RETRY, 120.0),
        (Create(POST), Refused(WHY, 400), TroubleKind.REFUSED, None),
        (Create(POST), PlanLimit(WHY, 403, None), TroubleKind.HELD, 3600.0),
        (UPDATE, PlanLimit(WHY, 403, "2026-12-01T08:30:00.000Z"), TroubleKind.HELD, 1800.0),
        (UPDATE, PlanLimit(WHY, 403, "2020-01-01T00:00:00.000Z"), TroubleKind.HELD, 60.0),
        (UPDATE, PlanLimit(WHY, 403, "2099-01-01T00:00:00.000Z"), TroubleKind.HELD, 3600.0),  # a plan can be changed
        (UPDATE, PlanLimit(WHY, 403, "soon"), TroubleKind.HELD, 3600.0),
        (TRANSFER, UploadRefused(WHY), TroubleKind.RETRY, 0.0),
        (TRANSFER, Refused(WHY, 400), TroubleKind.REFUSED, None),
        (TRANSFER, Unreadable(WHY), TroubleKind.RETRY, 2.0),
        (Ask(only(drafted())), NotFound(WHY, 404), TroubleKind.RETRY, 60.0),
    ],
)
def test_when_the_next_try_is_due(step: Tried, error: PostError, kind: TroubleKind, seconds: float | None) -> None:
    until = None if seconds is None else after(seconds)
    assert failed(step, error) == Trouble(step.effect, kind, WHY, NOW, until, 1)


def test_pauses_grow_to_a_quarter_of_an_hour_and_begin_anew_for_another_step() -> None:
    record, pauses = drafted(), []
    for _ in range(12):
        record = ledger.failed(record, Create(POST), Unclear(WHY), NOW, 1.0)
        assert record.trouble is not None
        assert record.trouble.until is not None
        pauses.append((record.trouble.until - NOW).total_seconds())
    assert pauses == [2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900, 900]
    assert record.trouble is not None
    assert record.trouble.attempts == 12
    other = failed(Delete(only(drafted())), Unclear(WHY), record)
    assert other is not None
    assert other.attempts == 1


def test_no_pause_is_so_short_that_it_is_a_loop() -> None:
    assert failed(Create(POST), Unclear(WHY), jitter=0.0) == Trouble(
        Effect.CREATE, TroubleKind.RETRY, WHY, NOW, after(0.5), 1
    )


def test_a_refused_key_is_no_trouble_of_the_post() -> None:
    assert ledger.failed(drafted(), Create(POST), KeyRefused(WHY, 401), NOW, 1.0) == drafted()


@pytest.mark.parametrize("step", [TRANSFER, UPDATE, CheckDraft(only(drafted()))])
def test_a_draft_that_is_not_there_any_more_waits_for_a_person(step: Tried) -> None:
    record = ledger.failed(drafted(), step, NotFound(WHY, 404), NOW, 1.0)
    assert only(record).lost
    assert record.trouble is not None
    assert (record.trouble.kind, record.trouble.until, record.trouble.finding.code) == (
        TroubleKind.HELD,
        None,
        "DRAFT_GONE",
    )


def test_a_scheduled_post_is_cancelled_only_when_it_is_missing_twice() -> None:
    record = ledger.with_group(drafted(), 1, stage=GroupStage.SCHEDULED, answered_time=TIME)
    once = ledger.failed(record, Ask(only(record)), NotFound(WHY, 404), NOW, 1.0)
    assert (only(once).stage, only(once).lost) == (GroupStage.SCHEDULED, True)
    twice = ledger.failed(once, Ask(only(once)), NotFound(WHY, 404), LATER, 1.0)
    assert (only(twice).stage, only(twice).outcome, twice.trouble) == (GroupStage.ENDED, State.CANCELLED, None)


def test_a_post_that_was_seen_again_has_to_be_missing_twice_again() -> None:
    record = ledger.with_group(drafted(), 1, stage=GroupStage.SCHEDULED, answered_time=TIME)
    record = ledger.failed(record, Ask(only(record)), NotFound(WHY, 404), NOW, 1.0)
    record = ledger.outcome(record, 1, (PlatformResult("x-1", "processing"),), LATER)
    record = ledger.failed(record, Ask(only(record)), NotFound(WHY, 404), LATER, 1.0)
    assert only(record).outcome is None


def test_a_post_that_is_no_longer_editable_is_going_out() -> None:
    record = ledger.failed(drafted(), UPDATE, NotEditable(WHY, 400), NOW, 1.0)
    assert (only(record).stage, only(record).asked_time, only(record).answered_time) == (
        GroupStage.GOING_OUT,
        TIME,
        TIME,
    )
    assert record.trouble is None
    scheduled = ledger.with_group(drafted(), 1, stage=GroupStage.SCHEDULED, asked_time=TIME, answered_time=LATER)
    record = ledger.failed(scheduled, Update(only(scheduled), None, None), NotEditable(WHY, 400), NOW, 1.0)
    assert (only(record).stage, only(record).asked_time, only(record).answered_time) == (
        GroupStage.GOING_OUT,
        TIME,
        LATER,
    )


def test_an_unknown_create_is_searched_for_at_growing_intervals() -> None:
    record, pauses = ledger.with_group(drafted(), 1, stage=GroupStage.CREATING), []
    for _ in range(4):
        record = ledger.searched(record, 1, NOW)
        assert record.trouble is not None
        assert record.trouble.until is not None
        pauses.append((record.trouble.until - NOW).total_seconds())
    assert (pauses, only(record).searches) == ([2, 6, 12, 12], 4)


def test_creates_that_are_never_answered_become_rarer() -> None:
    record, pauses = START, []
    for number in range(1, 12):
        record = ledger.creating(record, POST, NOW, "key")
        record = replace(record, groups=(*record.groups[:-1], replace(record.groups[-1], key=number)))
        record = ledger.failed(record, Create(POST), Unclear(WHY), NOW, 1.0)
        for _ in range(4):
            record = ledger.searched(record, number, NOW)
        record = ledger.abandoned(record, record.groups[-1], NOW, 1.0)
        assert record.groups[-1].stage is GroupStage.GONE
        assert record.trouble is not None
        assert record.trouble.step == Effect.CREATE
        assert record.trouble.until is not None
        pauses.append((record.trouble.until - NOW).total_seconds())
    assert pauses == [2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900]


def test_success_ends_the_steps_own_trouble_alone() -> None:
    before, other = (
        Trouble(Effect.CREATE, TroubleKind.RETRY, WHY, NOW),
        Trouble(Effect.SEARCH, TroubleKind.RETRY, WHY, NOW),
    )
    record = replace(drafted(), troubles=(before,))
    assert ledger.worked(record, Create(POST), before).trouble is None
    assert ledger.worked(record, UPDATE, before).trouble == before
    assert ledger.worked(replace(record, troubles=(other,)), Create(POST), before).trouble == other


def test_progress_counts_for_one_upload_and_no_other() -> None:
    record = ledger.with_upload(drafted(), 1, 1, sent=3)
    assert [u.sent for u in only(record).uploads] == [0, 3]


@pytest.mark.parametrize(
    ("error", "unknown"),
    [
        (Unclear(WHY), True),
        (NotReached(WHY), False),
        (Refused(WHY, 400), False),
        (PlanLimit(WHY, 403, None), False),
    ],
)
def test_an_update_without_an_answer_stays_in_doubt_until_there_is_one(error: PostError, unknown: bool) -> None:
    draft = drafted()
    tried = ledger.updating(draft, 1)
    assert only(ledger.failed(tried, Update(only(draft), TIME, TIME), error, NOW, 1.0)).updating is unknown
    # a later no says nothing about the try before
    assert only(ledger.failed(tried, Update(only(tried), TIME, TIME), error, NOW, 1.0)).updating
    for status in ("scheduled", "draft", "published"):
        assert not only(ledger.updated(tried, 1, Update(only(tried), TIME, TIME), status, TIME, NOW)).updating


def test_a_word_that_was_said_while_a_post_was_found_to_be_as_asked_is_not_lost() -> None:
    said = ledger.retried(replace(drafted(), error=Finding("COPY_OF", "it is a copy", "")))
    assert said.consents == (Consent.COPY,)
    assert ledger.finished(said, POST, ()) == said
    known = ledger.finished(said, POST, said.consents)
    assert (known.done, known.consents) == (True, ())
