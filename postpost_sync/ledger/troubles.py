"""What did not work, why, and when it is due again."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from postpost_sync.ledger.parts import Change, with_group, with_trouble, without_trouble
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
from postpost_sync.model.record import Group, GroupStage, Record, Trouble, TroubleKind
from postpost_sync.model.states import State
from postpost_sync.model.times import parse_service_time
from postpost_sync.plan.situation import DRAFT_GONE
from postpost_sync.plan.steps import Ask, Create, Delete, Step, Update

ROOM_AGAIN = 60.0  # seconds after which it is looked whether there is room for a fitted copy
LONGEST_PAUSE = 900.0  # seconds between two tries of the same step
PROBE_LIMIT = 3600.0  # seconds between two probes of a plan's limit
PROBE_PERSON = 86400.0  # seconds, where only a person can change it
COUNTED = frozenset({"SCHEDULED_POST_LIMIT_REACHED", "POST_LIMIT_REACHED"})  # a post to three platforms counts three
PATIENT_SIGNS = 2  # URLs asked for without a pause in between


def failed(step: Step, error: PostError, now: datetime, jitter: float) -> Change:
    """Why the step did not work, and when it is due again. `jitter` is a random number from 0 to 1."""
    name = type(step).__name__
    group: Group | None = getattr(step, "group", None)

    def change(record: Record) -> Record:
        before = record.trouble_with(name)
        attempts = before.attempts + 1 if before else 1
        since = before.since if before else now
        pause = min(LONGEST_PAUSE, 2.0 ** min(attempts, 12)) * jitter  # full jitter: many clients spread out

        def trouble(kind: TroubleKind, finding: Finding, seconds: float | None) -> Record:
            until = now + timedelta(seconds=seconds) if seconds is not None else None
            return with_trouble(record, Trouble(name, kind, finding, since, until, attempts))

        if isinstance(step, Update) and isinstance(error, NotReached | Refused):  # known not to have happened
            record = with_group(step.group.key, updating=step.group.updating)(record)
        match error:
            case KeyRefused():
                return record  # a matter of the account, not of this post
            case PlanLimit():
                return trouble(*_limited(step, error, now))
            case UploadRefused():
                return trouble(TroubleKind.RETRY, error.finding, 0.0 if attempts <= PATIENT_SIGNS else pause)
            case OtherKey() if isinstance(step, Delete) and record.confirmed:  # a person said: go on without it
                return with_group(step.group.key, stage=GroupStage.GONE)(record)
            case OtherKey() if isinstance(step, Ask | Delete):
                return trouble(TroubleKind.RETRY, error.finding, max(0.5, pause))
            case NotFound() if isinstance(step, Ask):
                return _deleted_elsewhere(step.group, trouble(TroubleKind.RETRY, error.finding, 60.0), now)
            case NotFound() if group is not None:
                record = with_group(group.key, lost=True)(record)
                return trouble(TroubleKind.HELD, error.finding if isinstance(error, OtherKey) else DRAFT_GONE, None)
            case NotEditable() if isinstance(step, Delete):  # it was scheduled after all, and is going out
                return with_group(
                    step.group.key, stage=GroupStage.GOING_OUT, answered_time=step.group.answered_time or now
                )(record)
            case NotEditable() if isinstance(step, Update):
                asked = step.asked or step.group.asked_time
                answered = step.group.answered_time or step.time or now
                out = with_group(step.group.key, stage=GroupStage.GOING_OUT, asked_time=asked, answered_time=answered)
                return replace(out(record), confirmed=False)
            case Unfit():
                kind, until = TroubleKind.REFUSED, None
                if isinstance(error, NoRoom):
                    kind, until = TroubleKind.RETRY, now + timedelta(seconds=ROOM_AGAIN)
                return with_trouble(record, Trouble(name, kind, error.finding, since, until, attempts, error.file))
            case Refused():
                return trouble(TroubleKind.REFUSED, error.finding, None)
            case Unclear():
                return trouble(TroubleKind.RETRY, error.finding, max(0.5, pause, error.retry_after or 0.0))
        return trouble(TroubleKind.RETRY, error.finding, max(0.5, pause))

    return change


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
            return TroubleKind.REFUSED, Finding("PLAN_TOO_SMALL", why, hint), None
        if code == "SCHEDULE_HORIZON_REACHED" and latest is not None and step.time is not None:
            opens = now + (step.time - latest) + timedelta(seconds=1)
    seconds = min(max((opens - now).total_seconds(), 60.0), 31 * 86400.0) if opens else PROBE_LIMIT
    return TroubleKind.HELD, error.finding, seconds


def probed_now(now: datetime, *, room: bool) -> Change:
    """It is the turn of this post to be tried, if it waits for room in the plan. `room`: one that was pending is gone."""

    def change(record: Record) -> Record:
        trouble = record.trouble_with(Update.__name__)
        if trouble is None or trouble.kind is not TroubleKind.HELD or trouble.until is None or trouble.until <= now:
            return record
        if room and trouble.finding.code != "SCHEDULED_POST_LIMIT_REACHED":
            return record
        return with_trouble(record, replace(trouble, until=now))

    return change


def _deleted_elsewhere(group: Group, record: Record, now: datetime) -> Record:
    """get-post does not know a post that stood scheduled: somebody deleted it, once a second look says so too."""
    if not group.lost:
        return with_group(group.key, lost=True, checked_at=now)(record)
    gone = with_group(group.key, checked_at=now, stage=GroupStage.ENDED, outcome=State.CANCELLED)(record)
    return without_trouble(gone, Ask.__name__)


def worked(step: Step, before: Trouble) -> Change:
    """The step's own trouble is over, unless the step left another one behind."""
    name = type(step).__name__
    return lambda record: without_trouble(record, name) if record.trouble_with(name) == before else record


def abandoned(group: Group, now: datetime, jitter: float) -> Change:
    """It never came to be. Where that is so because no answer ever came, the next create waits, longer each time."""

    def change(record: Record) -> Record:
        record = with_group(group.key, stage=GroupStage.GONE)(record)
        if group.stage is not GroupStage.CREATING:
            return replace(record, confirmed=False)  # a person's word for this one, not for the next
        unanswered = 0
        for one in reversed(record.groups):
            if one.post_group_id is not None:
                break
            unanswered += one.searches > 0
        why = Finding(
            "CREATE_UNANSWERED",
            f"PostPost gave no answer to create-post ({unanswered} tries), and no draft came of it",
            "it is tried again by itself",
        )
        pause = min(LONGEST_PAUSE, 2.0 ** min(unanswered, 12)) * jitter
        until = now + timedelta(seconds=max(0.5, pause))
        return with_trouble(record, Trouble(Create.__name__, TroubleKind.RETRY, why, now, until, unanswered))

    return change
