"""What did not work, why, and when it is due again."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from postpost_sync.ledger.parts import with_group, with_trouble, without_trouble
from postpost_sync.model.errors import (
    Finding,
    KeyRefused,
    NoRoom,
    NotEditable,
    NotFound,
    NotReached,
    OtherKey,
    PlanLimit,
    PostError,
    Refused,
    Unclear,
    Unfit,
    UploadRefused,
)
from postpost_sync.model.record import Consent, Effect, Group, GroupStage, Record, Trouble, TroubleKind
from postpost_sync.model.states import State
from postpost_sync.model.times import parse_service_time
from postpost_sync.plan.codes import DRAFT_GONE
from postpost_sync.plan.steps import Ask, Delete, Step, Tried, Update

ROOM_AGAIN = 60.0  # seconds after which it is looked whether there is room for a fitted copy
LONGEST_PAUSE = 900.0  # seconds between two tries of the same step
PROBE_LIMIT = 3600.0  # seconds between two probes of a plan's limit
PROBE_PERSON = 86400.0  # seconds, where only a person can change it
COUNTED = frozenset({"SCHEDULED_POST_LIMIT_REACHED", "POST_LIMIT_REACHED"})  # a post to three platforms counts three
DEFECT_PAUSE = 300.0  # seconds after which a folder that met a defect of ours is tried again
PATIENT_SIGNS = 2  # URLs asked for without a pause in between


def failed(record: Record, step: Tried, error: PostError, now: datetime, jitter: float) -> Record:
    """Why the step did not work, and when it is due again. `jitter` is a random number from 0 to 1."""
    group: Group | None = getattr(step, "group", None)
    before = record.trouble_with(step.effect, error.file if isinstance(error, Unfit) else None)
    attempts = before.attempts + 1 if before else 1
    since = before.since if before else now
    pause = min(LONGEST_PAUSE, 2.0 ** min(attempts, 12)) * jitter  # full jitter: many clients spread out

    def trouble(kind: TroubleKind, finding: Finding, seconds: float | None) -> Record:
        if step.effect is Effect.LEARN_TIME:  # a longer pause is taken for one that was set by another clock
            seconds = min(seconds or LONGEST_PAUSE, LONGEST_PAUSE)
        until = now + timedelta(seconds=seconds) if seconds is not None else None
        return with_trouble(record, Trouble(step.effect, kind, finding, since, until, attempts))

    if isinstance(step, Update) and isinstance(error, NotReached | Refused):  # known not to have happened
        record = with_group(record, step.group.key, updating=step.group.updating)
    match error:
        case KeyRefused():
            return record  # a matter of the account, not of this post
        case PlanLimit():
            return trouble(*_limited(step, error, now))
        case UploadRefused():
            return trouble(TroubleKind.RETRY, error.finding, 0.0 if attempts <= PATIENT_SIGNS else pause)
        # a person said: go on without it
        case OtherKey() if isinstance(step, Delete) and Consent.NEW_DRAFT in record.consents:
            return with_group(record, step.group.key, stage=GroupStage.GONE)
        case OtherKey() if isinstance(step, Ask | Delete):
            return trouble(TroubleKind.RETRY, error.finding, max(0.5, pause))
        case NotFound() if isinstance(step, Ask):
            return _deleted_elsewhere(step.group, trouble(TroubleKind.RETRY, error.finding, 60.0), now)
        case NotFound() if group is not None:
            record = with_group(record, group.key, lost=True)
            return trouble(TroubleKind.HELD, error.finding if isinstance(error, OtherKey) else DRAFT_GONE, None)
        case NotEditable() if isinstance(step, Delete):  # it was scheduled after all, and is going out
            answered = step.group.answered_time or now
            return with_group(record, step.group.key, stage=GroupStage.GOING_OUT, answered_time=answered)
        case NotEditable() if isinstance(step, Update):
            asked = step.asked or step.group.asked_time
            answered = step.group.answered_time or step.time or now
            out = {"stage": GroupStage.GOING_OUT, "asked_time": asked, "answered_time": answered}
            return replace(with_group(record, step.group.key, **out), consents=())
        case Unfit():
            kind, seconds = (
                (TroubleKind.RETRY, ROOM_AGAIN) if isinstance(error, NoRoom) else (TroubleKind.REFUSED, None)
            )
            until = now + timedelta(seconds=seconds) if seconds is not None else None
            return with_trouble(record, Trouble(step.effect, kind, error.finding, since, until, attempts, error.file))
        case Refused():
            return trouble(TroubleKind.REFUSED, error.finding, None)
        case Unclear():
            return trouble(TroubleKind.RETRY, error.finding, max(0.5, pause, error.retry_after or 0.0))
    return trouble(TroubleKind.RETRY, error.finding, max(0.5, pause))


def defect(record: Record, now: datetime) -> Record:
    """A defect of ours came between. It is shown, and the post is left alone for a while: nothing loops."""
    why = "postpost-sync met a defect of its own at this post; its log says more"
    said = Finding("DEFECT", why, "it is tried again by itself; please report what the log says")
    before = record.trouble_with(Effect.ADVANCE)
    attempts = before.attempts + 1 if before else 1
    until = now + timedelta(seconds=DEFECT_PAUSE)
    return with_trouble(record, Trouble(Effect.ADVANCE, TroubleKind.RETRY, said, now, until, attempts))


def _limited(step: Step, error: PlanLimit, now: datetime) -> tuple[TroubleKind, Finding, float | None]:
    """What a limit of the plan means for a post, and after how many seconds it is tried again."""
    code, opens = error.finding.code, parse_service_time(error.waits_until)
    if code == "PLATFORM_NOT_AVAILABLE":
        return TroubleKind.HELD, error.finding, PROBE_PERSON
    if isinstance(step, Update):
        asks, latest = len(step.group.platforms), parse_service_time(error.latest)
        if code in COUNTED and error.limit is not None and asks > error.limit:
            why = f"it goes to {asks} platforms, and the plan allows {error.limit:g} at all: {error.finding.message}"
            hint = "spread it over several folders with fewer platforms each, or change the plan"
            return TroubleKind.REFUSED, Finding("PLAN_TOO_SMALL", why, hint), PROBE_PERSON
        if code == "SCHEDULE_HORIZON_REACHED" and latest is not None and step.time is not None:
            opens = now + (step.time - latest) + timedelta(seconds=1)
    # a plan can be changed at any time: it is asked at least once an hour, by the first in line alone
    seconds = min(max((opens - now).total_seconds(), 60.0), PROBE_LIMIT) if opens else PROBE_LIMIT
    return TroubleKind.HELD, error.finding, seconds


def probed_now(record: Record, now: datetime, *, room: bool) -> Record:
    """It is the turn of this post to be tried, if it waits for room in the plan. `room`: one that was pending is gone."""
    trouble = record.trouble_with(Effect.UPDATE)
    if trouble is None or trouble.kind is not TroubleKind.HELD or trouble.until is None or trouble.until <= now:
        return record
    if room and trouble.finding.code != "SCHEDULED_POST_LIMIT_REACHED":
        return record
    return with_trouble(record, replace(trouble, until=now))


def _deleted_elsewhere(group: Group, record: Record, now: datetime) -> Record:
    """get-post does not know a post that stood scheduled: somebody deleted it, once a second look says so too."""
    if not group.lost:
        return with_group(record, group.key, lost=True, checked_at=now)
    gone = with_group(record, group.key, checked_at=now, stage=GroupStage.ENDED, outcome=State.CANCELLED)
    return without_trouble(gone, Effect.ASK)


def worked(record: Record, step: Tried, before: Trouble) -> Record:
    """The step's own trouble is over, unless the step left another one behind."""
    over = before.step == step.effect and before in record.troubles
    return replace(record, troubles=tuple(one for one in record.troubles if one != before)) if over else record


def abandoned(record: Record, group: Group, now: datetime, jitter: float) -> Record:
    """It never came to be. Where that is so because no answer ever came, the next create waits, longer each time."""
    record = with_group(record, group.key, stage=GroupStage.GONE)
    if group.stage is not GroupStage.CREATING:
        return replace(record, consents=())  # a person's word for this one, not for the next
    unanswered = 0
    for one in reversed(record.groups):
        if one.post_group_id is not None:
            break
        unanswered += one.searches > 0
    before = record.trouble_with(Effect.CREATE)
    before = before if before is not None and before.finding.code != "CREATE_UNANSWERED" else None
    said, hint = (f": {before.finding.message}", before.finding.hint) if before is not None else ("", "")
    why = f"PostPost gave no answer to create-post ({unanswered} tries), and no draft came of it{said}"
    finding = Finding("CREATE_UNANSWERED", why, hint or "it is tried again by itself")
    pause = min(LONGEST_PAUSE, 2.0 ** min(unanswered, 12)) * jitter
    until = now + timedelta(seconds=max(0.5, pause))
    return with_trouble(record, Trouble(Effect.CREATE, TroubleKind.RETRY, finding, now, until, unanswered))
