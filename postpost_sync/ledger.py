"""What each thing that happened changes in a record. Pure functions from a record to a record; `store.change` applies them.

They write down facts. Whether these mean that a post waits, fails or goes on is `plan`'s to decide when it is asked again.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from postpost_sync.deciding import draft_group, live_group
from postpost_sync.errors import (
    Finding,
    KeyRefused,
    NotEditable,
    NotFound,
    NotReached,
    PlanLimit,
    PostError,
    Refused,
    Unclear,
    UploadRefused,
)
from postpost_sync.models import (
    Group,
    GroupStage,
    Issued,
    MediaName,
    PlatformResult,
    Post,
    ReadBack,
    Record,
    Trouble,
    TroubleKind,
    Upload,
    UploadStage,
)
from postpost_sync.names import upload_names
from postpost_sync.states import State
from postpost_sync.steps import Ask, Decision, Delete, PutBack, Read, Rest, Step, Transfer, Update, Withdraw
from postpost_sync.times import parse_service_time, to_service

Change = Callable[[Record], Record]

DRAFT_GONE = Finding(
    "DRAFT_GONE",
    "the draft is no longer at PostPost; perhaps it was deleted in the dashboard",
    "postpost-sync retry FOLDER makes a new one",
)
LONGEST_PAUSE = 900.0  # seconds between two tries of the same step
PROBE_LIMIT = 3600.0  # seconds between two probes of a plan's limit
PROBE_PERSON = 86400.0  # seconds, where only a person can change it
COUNTED = frozenset({"SCHEDULED_POST_LIMIT_REACHED", "POST_LIMIT_REACHED"})  # a post to three platforms counts three
SEARCH_PAUSES = (2.0, 6.0, 12.0)  # seconds: an unknown create is looked for at 0, 2, 8 and 20 s
RESETS = 2  # broken connections in a row after which an upload URL is thought to be dead
PATIENT_SIGNS = 2  # URLs asked for without a pause in between


def shown(record: Record, decision: Decision, now: datetime) -> Record:
    """What a person sees of the decision."""
    retry_at = decision.retry_at
    if (
        retry_at is None
        and isinstance(decision.step, Rest)
        and decision.step.after is not None
        and decision.error is not None
    ):
        retry_at = now + timedelta(seconds=decision.step.after)
        if (met := next((t for t in record.troubles if t.finding == decision.error), None)) is not None:
            retry_at = met.until
    new = replace(record, state=decision.state, error=decision.error, warnings=decision.warnings)
    if record.retry_at is None or retry_at is None or abs((retry_at - record.retry_at).total_seconds()) > 1:
        new = replace(new, retry_at=retry_at)
    if decision.time is not None or decision.post is not None:
        new = replace(new, time=decision.time)
    if (post := decision.post) is not None:
        names = tuple(MediaName(file.name, file.stat.size) for file in post.media)
        new = replace(new, platforms=post.platforms, timezone=post.timezone, media=names)
    return new if new == record else replace(new, updated_at=now)


def settled(fingerprint: str, complete_at: datetime | None, now_time: datetime | None) -> Change:
    """The folder has been read as it is: troubles with what it was before are over. No times: none was known yet."""

    def change(record: Record) -> Record:
        if record.fingerprint == fingerprint:
            record = replace(record, complete_at=record.complete_at or complete_at, now_time=now_time, done=False)
            return without_trouble(record, Read.__name__)
        # an unknown create stays unknown, and its searches keep their pauses, for listings lag
        searching = record.trouble_with("Search")
        return replace(
            record,
            fingerprint=fingerprint,
            complete_at=complete_at,
            now_time=now_time,
            confirmed=False,
            cancel=False,
            rebuilds=0,
            gave_up=None,
            done=False,
            troubles=(searching,) if searching is not None else (),
            warnings=(),
        )

    return change


def finished(post: Post | None) -> Change:
    """What stands at PostPost is the post; so its selectors stand for what that goes to from now on."""

    def change(record: Record) -> Record:
        if post is not None and (group := live_group(record) or draft_group(record)) is not None:
            record = with_group(group.key, resolved=post.resolved)(record)
        return replace(record, done=True, troubles=(), confirmed=False)

    return change


def retried(record: Record) -> Record:
    """A person said: try again now, and go on with what was held for a person."""
    groups = tuple(replace(group, read_back=None) for group in record.groups)
    uploads_again = tuple(replace(g, uploads=tuple(replace(u, refused=0) for u in g.uploads)) for g in groups)
    return replace(
        record,
        confirmed=True,
        cancel=False,
        rebuilds=0,
        gave_up=None,
        troubles=(),
        retry_at=None,
        done=False,
        groups=uploads_again,
    )


# --- post groups ------------------------------------------------------------------------------------------------------


def with_group(key: int, **changes: Any) -> Change:
    """The record with one of its groups changed."""

    def change(record: Record) -> Record:
        return replace(record, groups=tuple(replace(g, **changes) if g.key == key else g for g in record.groups))

    return change


def creating(record: Record, post: Post, now: datetime) -> Record:
    """The intent: from here on the create may have been sent."""
    names = upload_names([(file.name, file.content_type or "") for file in post.media])
    uploads = tuple(
        Upload(position, file.name, name, file.content_type or "", file.stat)
        for position, (file, name) in enumerate(zip(post.media, names, strict=True))
    )
    about = post.content, post.platforms, post.platform_settings
    group = Group(0, GroupStage.CREATING, None, now, *about, uploads, post.resolved)
    return replace(record, groups=(*record.groups, group))


def created(key: int, post_group_id: str) -> Change:
    return with_group(key, stage=GroupStage.DRAFT, post_group_id=post_group_id)


def recognised(group: Group) -> Change:
    """PostPost holds the folder's post already, and it is exactly what the folder asks for."""
    return lambda record: replace(record, groups=(*record.groups, group), unproven=False, claim=None)


def unrecognised(record: Record) -> Record:
    """PostPost holds nothing that is this folder's: it is a new post."""
    return replace(record, unproven=False, claim=None)


def contradicted(record: Record) -> Record:
    """PostPost shows something else under the id that the status file names."""
    claim = replace(record.claim, differs=True) if record.claim is not None else None
    return replace(record, claim=claim)


def adopted(record: Record) -> Record:
    """A person said that this installation serves the folder from now on."""
    claim = replace(record.claim, foreign=False) if record.claim is not None else None
    return replace(record, claim=claim, troubles=(), retry_at=None)


def standing(
    post: Post, stage: GroupStage, post_group_id: str, now: datetime, asked: datetime | None, answered: datetime | None
) -> Group:
    """A group that PostPost holds, with the folder's files as its media: all of them are there."""
    files = upload_names([(file.name, file.content_type or "") for file in post.media])
    uploads = tuple(
        Upload(
            at,
            file.name,
            name,
            file.content_type or "",
            file.stat,
            UploadStage.STORED,
            file.sha256,
            sent=file.stat.size,
        )
        for at, (file, name) in enumerate(zip(post.media, files, strict=True))
    )
    return Group(
        0,
        stage,
        post_group_id,
        now,
        post.content,
        post.platforms,
        post.platform_settings,
        uploads,
        post.resolved,
        verified=True,
        asked_time=asked,
        answered_time=answered,
    )


def searched(key: int, now: datetime) -> Change:
    """An unknown create was looked for and not found; the listing may lag, so again a little later."""

    def change(record: Record) -> Record:
        done = next(g.searches for g in record.groups if g.key == key)
        why = Finding(
            "CREATE_UNKNOWN", "PostPost's answer to create-post was lost; its list of drafts is searched for it"
        )
        pause = SEARCH_PAUSES[min(done, len(SEARCH_PAUSES) - 1)]
        trouble = Trouble("Search", TroubleKind.RETRY, why, now, now + timedelta(seconds=pause))
        return with_trouble(with_group(key, searches=done + 1)(record), trouble)

    return change


def doubted(key: int, ids: str) -> Change:
    """There are more drafts that an unknown create may have made than creates: none is touched, and a person is told."""
    why = f"PostPost's answer to create-post was lost, and several drafts could be its work: {ids}"
    warning = Finding("DRAFTS_DOUBTFUL", why, "delete at PostPost those that are not needed")

    def change(record: Record) -> Record:
        record = replace(record, warnings=(*record.warnings, warning))
        return with_group(key, stage=GroupStage.GONE)(record)

    return change


def doomed(key: int, *, rebuild: bool, gave_up: Finding | None = None) -> Change:
    def change(record: Record) -> Record:
        group = next(g for g in record.groups if g.key == key)
        stood = group.stage in (GroupStage.SCHEDULED, GroupStage.WITHDRAWN)
        previous = (*record.previous, group.post_group_id) if stood and group.post_group_id else record.previous
        stage = GroupStage.DOOMED if group.post_group_id else GroupStage.GONE
        record = replace(
            record,
            previous=previous,
            rebuilds=record.rebuilds + rebuild,
            gave_up=gave_up or record.gave_up,
            done=False,  # should its folder come back, there is something to do again
        )
        return with_group(key, stage=stage)(record)

    return change


def cancelled(record: Record) -> Record:
    """A person said: take it back."""
    return replace(record, cancel=True, done=False, retry_at=None)


def deleted(key: int) -> Change:
    """It is no longer at PostPost. Where a person wanted that, the folder as it is leads to no other."""

    def change(record: Record) -> Record:
        group = next(g for g in record.groups if g.key == key)
        if not record.cancel:
            return with_group(key, stage=GroupStage.GONE)(record)
        previous = tuple(one for one in record.previous if one != group.post_group_id)
        record = replace(record, previous=previous)
        return with_group(key, stage=GroupStage.ENDED, outcome=State.CANCELLED, asked_time=record.time)(record)

    return change


def followed(key: int) -> Change:
    """Another group is to serve what this one did not."""

    def change(record: Record) -> Record:
        group = next(g for g in record.groups if g.key == key)
        previous = (*record.previous, group.post_group_id) if group.post_group_id else record.previous
        record = replace(record, previous=previous, done=False, troubles=())
        return with_group(key, stage=GroupStage.FOLLOWED)(record)

    return change


def updated(key: int, step: Update, status: str, time: datetime | None) -> Change:
    """What update-post answered is what counts: it may move the time."""
    if status == "draft":
        withdrawn = _withdrawn(key)
        if isinstance(step, Withdraw):  # it is to be scheduled again
            return lambda record: replace(withdrawn(record), done=False)
        return withdrawn
    stage = GroupStage.SCHEDULED if status == "scheduled" else GroupStage.GOING_OUT
    fresh = with_group(
        key,
        stage=stage,
        asked_time=step.asked,
        answered_time=time or step.time,
        checked_at=None,
        elsewhere=None,
        unseen=False,
    )
    if isinstance(step, PutBack):
        return lambda record: replace(fresh(record), gave_up=step.gave_up)
    return lambda record: replace(fresh(record), confirmed=False)  # a person's word for this one, not for the next


def _withdrawn(key: int) -> Change:
    """No longer scheduled. Where another is to take its place, its time is kept: it may have to be put back."""

    def change(record: Record) -> Record:
        has_successor = any(group.stage is GroupStage.DRAFT for group in record.groups)
        times = {"asked_time": None} if has_successor else {"asked_time": None, "answered_time": None}
        return with_group(key, stage=GroupStage.WITHDRAWN, elsewhere=None, **times)(record)

    return change


def seen_scheduled(group: Group, time: datetime | None, differs: str) -> Change:
    """The list of posts shows it scheduled. `differs`: what besides its time is not as we made it."""
    moved = time is not None and time != group.answered_time
    was_draft = group.stage is not GroupStage.SCHEDULED
    if not moved and not was_draft and not differs:
        gone = None if group.elsewhere is not None and _TEXT_CHANGED in group.elsewhere.message else group.elsewhere
        return with_group(group.key, unseen=False, elsewhere=gone)
    what = [
        *(["it was scheduled"] if was_draft else []),
        *([f"its time was changed to {to_service(time)}"] if moved and time is not None else []),
        *([f"{_TEXT_CHANGED} {differs}"] if differs else []),
    ]
    return with_group(
        group.key,
        stage=GroupStage.SCHEDULED,
        answered_time=time or group.answered_time,
        elsewhere=_elsewhere("; ".join(what)),
        unseen=False,
        lost=False,
        checked_at=None,
    )


def seen_draft(group: Group) -> Change:
    """The list of posts shows it as a draft again, which was not our doing."""
    made = _elsewhere("it was made a draft again, and does not go out")
    return with_group(group.key, stage=GroupStage.WITHDRAWN, elsewhere=made, unseen=False, lost=False)


def _elsewhere(what: str) -> Finding:
    return Finding(
        "CHANGED_AT_POSTPOST",
        f"somebody changed the post at PostPost: {what}",
        "it stays as it is there; an edit of the folder makes it the folder's again",
    )


_TEXT_CHANGED = "not as the folder has it:"


def outcome(key: int, results: tuple[PlatformResult, ...], now: datetime) -> Change:
    """What get-post said, rolled up over the platforms."""
    statuses = {result.status for result in results}
    ends = {"published", "failed"}
    if not statuses or not statuses <= ends:
        return with_group(key, results=results, checked_at=now, lost=False, unseen=False)
    state = (
        State.PUBLISHED
        if statuses == {"published"}
        else State.FAILED
        if statuses == {"failed"}
        else State.PARTIALLY_PUBLISHED
    )
    return with_group(
        key, results=results, checked_at=now, outcome=state, stage=GroupStage.ENDED, lost=False, unseen=False
    )


def read_back(key: int, found: bool, media: int | None, strangers: int, ours: int | None, now: datetime) -> Change:
    def change(record: Record) -> Record:
        before = next(g.read_back for g in record.groups if g.key == key)
        first_at = before.first_at if before is not None else now
        seen = ReadBack(found, media, strangers, first_at, now, ours)
        return with_group(key, read_back=seen, verified=False)(record)

    return change


# --- uploads ----------------------------------------------------------------------------------------------------------


def with_upload(key: int, position: int, **changes: Any) -> Change:
    def change(record: Record) -> Record:
        group = next((g for g in record.groups if g.key == key), None)
        if group is None:
            return record
        uploads = tuple(replace(u, **changes) if u.position == position else u for u in group.uploads)
        return with_group(key, uploads=uploads)(record)

    return change


def signing(key: int, position: int) -> Change:
    """The intent: a media record may come into being."""

    def change(record: Record) -> Record:
        group = next(g for g in record.groups if g.key == key)
        record = with_upload(key, position, stage=UploadStage.SIGNING, url=None)(record)
        return with_group(key, issued=(*group.issued, Issued(position, None, None)))(record)

    return change


def signed(
    key: int, position: int, url: str, file_url: str | None, media_id: str | None, expires_at: datetime
) -> Change:
    def change(record: Record) -> Record:
        group = next(g for g in record.groups if g.key == key)
        issued = list(group.issued)
        at = max(i for i, one in enumerate(issued) if one.position == position)
        issued[at] = Issued(position, media_id or file_url, file_url)
        record = with_group(key, issued=tuple(issued))(record)
        return with_upload(
            key,
            position,
            stage=UploadStage.SIGNED,
            url=url,
            file_url=file_url,
            media_id=media_id,
            expires_at=expires_at,
            resets=0,
            sent=0,
        )(record)

    return change


def not_sent(key: int, position: int, error: PostError) -> Change:
    """The transfer did not work. A URL that was refused is dead, and so is one whose connection broke twice in a row."""

    def change(record: Record) -> Record:
        group = next((g for g in record.groups if g.key == key), None)
        if group is None:
            return record
        broke = isinstance(error, Unclear) and not isinstance(error, NotReached)
        resets = group.uploads[position].resets + broke
        if isinstance(error, UploadRefused) or resets >= RESETS:
            refused = group.uploads[position].refused + isinstance(error, UploadRefused)
            dead = with_upload(key, position, stage=UploadStage.WAITING, url=None, resets=0, sent=0, refused=refused)
            return dead(record)
        return with_upload(key, position, resets=resets, sent=0)(record)

    return change


def stored(key: int, position: int, sha256: str, size: int) -> Change:
    """The store confirmed every byte; the URL has done its work."""
    confirmed = with_upload(
        key, position, stage=UploadStage.STORED, sha256=sha256, url=None, expires_at=None, sent=size, resets=0
    )

    def change(record: Record) -> Record:
        return confirmed(without_trouble(record, Transfer.__name__))

    return change


# --- what did not work ------------------------------------------------------------------------------------------------


def with_trouble(record: Record, trouble: Trouble) -> Record:
    """The trouble takes the place of an earlier one with the same kind of step."""
    return replace(record, troubles=(*(t for t in record.troubles if t.step != trouble.step), trouble))


def without_trouble(record: Record, step: str) -> Record:
    return replace(record, troubles=tuple(t for t in record.troubles if t.step != step))


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

        match error:
            case KeyRefused():
                return record  # a matter of the account, not of this post
            case PlanLimit():
                return trouble(*_limited(step, error, now))
            case UploadRefused():
                return trouble(TroubleKind.RETRY, error.finding, 0.0 if attempts <= PATIENT_SIGNS else pause)
            case NotFound() if isinstance(step, Ask):
                return _deleted_elsewhere(step.group, trouble(TroubleKind.RETRY, error.finding, 60.0), now)
            case NotFound() if group is not None:
                record = with_group(group.key, lost=True)(record)
                return trouble(TroubleKind.HELD, DRAFT_GONE, None)
            case NotEditable() if isinstance(step, Delete):  # it was scheduled after all, and is going out
                return with_group(
                    step.group.key, stage=GroupStage.GOING_OUT, answered_time=step.group.answered_time or now
                )(record)
            case NotEditable() if isinstance(step, Update):
                asked = step.asked or step.group.asked_time
                answered = step.group.answered_time or step.time or now
                out = with_group(step.group.key, stage=GroupStage.GOING_OUT, asked_time=asked, answered_time=answered)
                return replace(out(record), confirmed=False)
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
        return with_trouble(record, Trouble("Create", TroubleKind.RETRY, why, now, until, unanswered))

    return change
