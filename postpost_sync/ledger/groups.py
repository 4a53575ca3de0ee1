"""What happened to a post group: created, scheduled, changed by somebody, deleted, gone out."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from postpost_sync.ledger.parts import with_group, with_trouble
from postpost_sync.model.errors import Finding
from postpost_sync.model.folder import MediaFile
from postpost_sync.model.post import Post
from postpost_sync.model.record import (
    Effect,
    Group,
    GroupStage,
    PlatformResult,
    ReadBack,
    Record,
    Trouble,
    TroubleKind,
    Upload,
    UploadStage,
    failed_platforms,
)
from postpost_sync.model.states import State
from postpost_sync.model.times import to_service
from postpost_sync.plan.steps import PutBack, Update
from postpost_sync.post.fitting import sent_as
from postpost_sync.post.names import upload_names

SEARCH_PAUSES = (2.0, 6.0, 12.0)  # seconds: an unknown create is looked for at 0, 2, 8 and 20 s

KEY_LIVES = timedelta(hours=23)  # a service that knows the Idempotency-Key keeps it for a day

MOST_SAID = 10  # warnings of the service that are kept of one post

_TEXT_CHANGED = "not as the folder has it:"


def creating(record: Record, post: Post, now: datetime, account: str, intent: str = "", mark: str = "") -> Record:
    """The intent: from here on the create may have been sent. `intent`: a new Idempotency-Key. `mark`: the folder's.

    One that was sent already for the same, and of which nothing is known, is used once more while the service keeps it.
    """
    names = upload_names([(file.name, file.sent_type) for file in post.media])
    uploads = tuple(
        Upload(position, file.name, name, file.sent_type, file.stat, **_fitted(file))
        for position, (file, name) in enumerate(zip(post.media, names, strict=True))
    )
    intent = _key_of_lost_create(record, post, now) or intent
    group = Group(
        0,
        GroupStage.CREATING,
        None,
        now,
        post.content,
        post.platforms,
        post.platform_settings,
        uploads,
        post.resolved,
        account=account,
        intent=intent,
        first_comment=post.first_comment,
        mark=mark,
    )
    return replace(record, groups=(*record.groups, group), claim=None, unproven=False)


def _key_of_lost_create(record: Record, post: Post, now: datetime) -> str:
    about = post.content, post.platforms, post.platform_settings, post.first_comment
    for lost in reversed(record.groups):
        sent = lost.content, lost.platforms, lost.platform_settings, lost.first_comment
        if lost.post_group_id is not None or sent != about:
            continue
        first = min(one.intent_at for one in record.groups if one.intent == lost.intent)
        return lost.intent if timedelta() <= now - first < KEY_LIVES else ""
    return ""


def _fitted(file: MediaFile) -> dict[str, Any]:
    """Of a file that is sent as a copy the bytes are known already: they tell a touch from an edit."""
    return {"sha256": file.sha256, "sent_as": sent_as(file)} if file.recipe is not None else {}


def created(record: Record, key: int, post_group_id: str, said: tuple[Finding, ...] = ()) -> Record:
    """The answer to the intent: there is a draft, without media as yet. `said`: the warnings in it."""
    return with_group(record, key, stage=GroupStage.DRAFT, post_group_id=post_group_id, said=said)


def warned(record: Record, key: int, said: tuple[Finding, ...]) -> Record:
    """What PostPost said besides, in an answer about the group."""
    before = next(group.said for group in record.groups if group.key == key)
    return with_group(record, key, said=tuple(dict.fromkeys((*before, *said)))[:MOST_SAID])


def standing(
    post: Post,
    stage: GroupStage,
    post_group_id: str,
    now: datetime,
    account: str,
    *,
    asked: datetime | None,
    answered: datetime | None,
) -> Group:
    """A group that PostPost holds, with the folder's files as its media: all of them are there."""
    files = upload_names([(file.name, file.sent_type) for file in post.media])
    uploads = tuple(
        Upload(
            at,
            file.name,
            name,
            file.sent_type,
            file.stat,
            UploadStage.STORED,
            file.sha256,
            sent=file.stat.size,
            sent_as=sent_as(file),
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
        asked_time=asked,
        answered_time=answered,
        account=account,
        first_comment=post.first_comment,
    )


def searched(record: Record, key: int, now: datetime) -> Record:
    """An unknown create was looked for and not found; the listing may lag, so again a little later."""
    done = next(g.searches for g in record.groups if g.key == key)
    lost = "PostPost's answer to create-post was lost; its list of drafts is searched for it"
    why = Finding("CREATE_UNKNOWN", lost, "nothing is to be done: it goes on by itself, and makes the post once")
    pause = SEARCH_PAUSES[min(done, len(SEARCH_PAUSES) - 1)]
    trouble = Trouble(Effect.SEARCH, TroubleKind.RETRY, why, now, now + timedelta(seconds=pause))
    return with_trouble(with_group(record, key, searches=done + 1), trouble)


def doubted(record: Record, key: int, ids: str) -> Record:
    """There are more drafts that an unknown create may have made than creates: none is touched, and a person is told."""
    why = f"PostPost's answer to create-post was lost, and several drafts could be its work: {ids}"
    warning = Finding("DRAFTS_DOUBTFUL", why, "delete at PostPost those that are not needed")
    record = replace(record, warnings=(*record.warnings, warning))
    return with_group(record, key, stage=GroupStage.GONE)


def doomed(record: Record, key: int, *, rebuild: bool, gave_up: Finding | None = None) -> Record:
    """It is no longer wanted and is to be deleted. `rebuild`: another is made at once, which counts.

    `gave_up`: why no other is made for the folder as it is.
    """
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
    return with_group(record, key, stage=stage)


def deleted(record: Record, key: int) -> Record:
    """It is no longer at PostPost. Where a person wanted that, the folder as it is leads to no other."""
    group = next(g for g in record.groups if g.key == key)
    if record.cancel is None:
        return with_group(record, key, stage=GroupStage.GONE)
    previous = tuple(one for one in record.previous if one != group.post_group_id)
    record = replace(record, previous=previous)
    return with_group(record, key, stage=GroupStage.ENDED, outcome=State.CANCELLED, asked_time=record.time)


def followed(record: Record, key: int, *, again: bool = False) -> Record:
    """Another group is to serve what this one did not; `again`: also where some of it is out."""
    group = next(g for g in record.groups if g.key == key)
    previous = (*record.previous, group.post_group_id) if group.post_group_id else record.previous
    record = replace(record, previous=previous, done=False, troubles=())
    return with_group(record, key, stage=GroupStage.FOLLOWED, again=again)


def updating(record: Record, key: int) -> Record:
    """The intent: from here on a draft may be scheduled, and a scheduled post a draft, or moved, until an answer says so."""
    return with_group(record, key, updating=True)


def updated(record: Record, key: int, step: Update, status: str, time: datetime | None, now: datetime) -> Record:
    """What update-post answered is what counts: it may move the time."""
    if status == "draft":
        return replace(_withdrawn(record, key, now), done=False)  # unless no time is asked for, it is scheduled again
    stage = GroupStage.SCHEDULED if status == "scheduled" else GroupStage.GOING_OUT
    record = with_group(
        record,
        key,
        stage=stage,
        asked_time=step.asked,
        answered_time=time or step.time,
        checked_at=None,
        elsewhere=None,
        unseen=False,
        placed_at=now,
        updating=False,
    )
    if isinstance(step, PutBack):
        return replace(record, gave_up=step.gave_up)
    return replace(record, consents=())  # a person's word for this one, not for the next


def _withdrawn(record: Record, key: int, now: datetime) -> Record:
    """No longer scheduled. Where another is to take its place, its time is kept: it may have to be put back."""
    if any(group.key == key and group.stage is GroupStage.DRAFT for group in record.groups):
        return with_group(record, key, updating=False, placed_at=now)  # it never stood, as far as we were told
    has_successor = any(group.stage is GroupStage.DRAFT for group in record.groups)
    times = {"asked_time": None} if has_successor else {"asked_time": None, "answered_time": None}
    stage = GroupStage.WITHDRAWN
    return with_group(record, key, stage=stage, elsewhere=None, placed_at=now, updating=False, **times)


def read_back(
    record: Record, key: int, found: bool, media: int | None, strangers: int, ours: int | None, now: datetime
) -> Record:
    """What the list of posts says about a draft; see `ReadBack`."""
    before = next(g.read_back for g in record.groups if g.key == key)
    first_at = before.first_at if before is not None else now
    seen = ReadBack(found, media, strangers, first_at, now, ours)
    return with_group(record, key, read_back=seen)


def outcome(
    record: Record, key: int, results: tuple[PlatformResult, ...], now: datetime, *, silence_counts: bool = False
) -> Record:
    """What get-post said, rolled up over the platforms. `silence_counts`: see `plan.steps.Ask`."""
    ends, group = {"published", "failed"}, next(g for g in record.groups if g.key == key)
    untold = _untold(group, results)
    if silence_counts:
        results, untold = (*results, *map(_silence, untold)), frozenset()
    statuses = {result.status for result in results}
    nowhere = failed_platforms(replace(group, results=results))
    if untold or not statuses or not statuses <= ends:
        return with_group(record, key, results=results, checked_at=now, lost=False, unseen=False)
    state = (
        State.PUBLISHED
        if statuses == {"published"}
        else State.FAILED
        if nowhere == {result.platform_id for result in results}
        else State.PARTIALLY_PUBLISHED
    )
    return with_group(
        record, key, results=results, checked_at=now, outcome=state, stage=GroupStage.ENDED, lost=False, unseen=False
    )


def _untold(group: Group, results: tuple[PlatformResult, ...]) -> frozenset[str]:
    """The accounts of which nothing is said, while others are spoken of: one was disconnected meanwhile, perhaps."""
    told = {result.platform_id for result in results}
    return frozenset(group.platforms) - told if 0 < len(told) < len(group.platforms) else frozenset()


def _silence(account: str) -> PlatformResult:
    why = f"{account}: PostPost says nothing of it, while it speaks of the other accounts"
    hint = "look whether it is out there; to send it once more: postpost-sync retry FOLDER --again"
    return PlatformResult(account, "failed", error=Finding("PUBLISH_OUTCOME_UNKNOWN", why, hint))


def seen_scheduled(record: Record, group: Group, time: datetime | None, differs: str) -> Record:
    """The list of posts shows it scheduled. `differs`: what besides its time is not as we made it."""
    moved = time is not None and time != group.answered_time
    was_draft = group.stage is not GroupStage.SCHEDULED
    if not moved and not was_draft and not differs:
        gone = None if group.elsewhere is not None and _TEXT_CHANGED in group.elsewhere.message else group.elsewhere
        return with_group(record, group.key, unseen=False, elsewhere=gone)
    what = [
        *(["it was scheduled"] if was_draft else []),
        *([f"its time was changed to {to_service(time)}"] if moved and time is not None else []),
        *([f"{_TEXT_CHANGED} {differs}"] if differs else []),
    ]
    return with_group(
        record,
        group.key,
        stage=GroupStage.SCHEDULED,
        answered_time=time or group.answered_time,
        elsewhere=_elsewhere("; ".join(what)),
        unseen=False,
        lost=False,
        checked_at=None,
    )


def seen_draft(record: Record, group: Group) -> Record:
    """The list of posts shows it as a draft again, which was not our doing."""
    made = _elsewhere("it was made a draft again, and does not go out")
    return with_group(
        record, group.key, stage=GroupStage.WITHDRAWN, elsewhere=made, unseen=False, lost=False, placed_at=None
    )


def _elsewhere(what: str) -> Finding:
    return Finding(
        "CHANGED_AT_POSTPOST",
        f"somebody changed the post at PostPost: {what}",
        "it stays as it is there; an edit of the folder makes it the folder's again",
    )
