"""What happened to the folder as a whole, and what a person said about it."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from postpost_sync.ledger.parts import with_group, without_trouble
from postpost_sync.model.post import Post
from postpost_sync.model.record import (
    Claim,
    Consent,
    Effect,
    Group,
    GroupStage,
    MediaName,
    Record,
    TroubleKind,
    draft_group,
    live_group,
)
from postpost_sync.model.states import State
from postpost_sync.plan.consent import consents
from postpost_sync.plan.steps import Decision, Rest


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
    new: dict[str, Any] = {"state": decision.state, "error": decision.error, "warnings": decision.warnings}
    if record.retry_at is None or retry_at is None or abs((retry_at - record.retry_at).total_seconds()) > 1:
        new["retry_at"] = retry_at
    if decision.time is not None or decision.post is not None:
        new["time"] = decision.time
    # nothing of it is at PostPost, nor on its way
    if decision.state is State.CANCELLED and isinstance(decision.step, Rest):
        new["slot"] = None
    if (post := decision.post) is not None:
        files = tuple(MediaName(file.name, file.stat.size) for file in post.media)
        new |= {"platforms": post.platforms, "timezone": post.timezone, "media": files}
    if decision.nothing:
        new |= {"platforms": (), "media": (), "time": None}
    over = [one for one in record.troubles if one.step is Effect.ADVANCE and one.until is not None and one.until <= now]
    if over:
        new["troubles"] = tuple(one for one in record.troubles if one not in over)
    news = {name for name, value in new.items() if getattr(record, name) != value}
    if not news:
        return record
    # that it waits again says nothing new of the post: who looks each few seconds has not changed it lately
    return replace(record, **new, updated_at=record.updated_at if news == {"retry_at"} else now)


def settled(
    record: Record,
    fingerprint: str,
    complete_at: datetime | None,
    now_time: datetime | None,
    mark: str = "",
    config: str = "",
    *,
    untouched: bool = False,
) -> Record:
    """The folder has been read as it is: troubles with what it was before are over. No times: none was known yet.

    `untouched`: nobody edited it, whatever is seen of it by now; a post that was taken back stays so.
    """
    same = (record.fingerprint,) if untouched else ()
    if untouched and mark != record.asked:  # the config has more of its files seen, or fewer
        record = replace(record, groups=tuple(_as_seen(group, record.asked, mark) for group in record.groups))
    record = replace(record, asked=mark, config=config, restless_at=None)
    if record.fingerprint == fingerprint:
        record = replace(record, complete_at=record.complete_at or complete_at, now_time=now_time, done=False)
        return without_trouble(record, Effect.READ)
    # an unknown create stays unknown, and its searches keep their pauses, for listings lag
    searching = record.trouble_with(Effect.SEARCH)
    return replace(
        record,
        fingerprint=fingerprint,
        complete_at=complete_at,
        now_time=now_time,
        consents=(),
        cancel=fingerprint if record.cancel in (fingerprint, *same) else None,
        rebuilds=0,
        gave_up=None,
        done=False,
        troubles=(searching,) if searching is not None else (),
        warnings=(),
    )


def _as_seen(group: Group, before: str, mark: str) -> Group:
    return replace(group, mark=mark) if before and group.mark == before else group


def judged_anew(record: Record) -> Record:
    """The config says something else of its root by now: whether that changes its post is to be decided."""
    return replace(record, done=False)


def finished(record: Record, post: Post | None, said: tuple[Consent, ...], config: str = "") -> Record:
    """What stands at PostPost is the post; so its selectors stand for what that goes to from now on.

    `said`: what of a person's words went into that; what was said since is still to be decided about. `config`: the digest
    of the one by which that is so.
    """
    if set(record.consents) - set(said):
        return record
    if post is not None and (group := live_group(record) or draft_group(record)) is not None:
        as_it_is = {} if group.stage in _LEFT_US else {"mark": record.asked}  # what is out was made of an earlier one
        record = with_group(record, group.key, resolved=post.resolved, **as_it_is)
    if post is None:  # what a status file said of a part of which nothing is asked
        record = replace(record, claim=None, unproven=False)
    return replace(record, done=True, troubles=(), consents=(), config=config)


_LEFT_US = (GroupStage.GOING_OUT, GroupStage.ENDED)


def retried(record: Record, again: bool = False) -> Record:
    """A person said: try again now, and go on with what was held for a person. `again`: also where some of it may be out."""
    groups = tuple(replace(group, read_back=None) for group in record.groups)
    uploads_again = tuple(replace(g, uploads=tuple(replace(u, refused=0) for u in g.uploads)) for g in groups)
    return replace(
        record,
        consents=consents(record, again=again),
        cancel=None,
        maybe=() if record.error is not None and record.error.code == "MAYBE_POSTED" else record.maybe,
        rebuilds=0,
        gave_up=None,
        troubles=(),
        retry_at=None,
        done=False,
        groups=uploads_again,
    )


def cancelled(record: Record, seen: str | None) -> Record:
    """A person said: take it back. `seen`: the folder's fingerprint then; None: that of when it was read last."""
    return replace(record, cancel=record.fingerprint if seen is None else seen, done=False, retry_at=None)


def missed(record: Record, at: datetime | None) -> Record:
    """The folder was seen to be gone, for the first time since it was there; None: it is there again."""
    return replace(record, missed_at=at)


def restless(record: Record, since: datetime | None) -> Record:
    """The folder has not been quiet since then for long enough to be read; None: it is as it was read."""
    return replace(record, restless_at=since)


def adopted(record: Record) -> Record:
    """A person said that this installation serves the folder from now on, and what PostPost holds with its text is its own."""
    claim = replace(record.claim, foreign=False) if record.claim is not None else None
    ours = (Consent.OURS,) if record.error is not None and record.error.code == "MAYBE_POSTED" else ()
    consents = tuple(sorted({*record.consents, *ours}))
    return replace(record, claim=claim, troubles=(), retry_at=None, consents=consents)


def slot_taken(record: Record, at: datetime) -> Record:
    """That slot of its root's queue is the folder's. What was refused for the one before may not be for this one."""
    kept = tuple(t for t in record.troubles if t.step is not Effect.UPDATE or t.kind is not TroubleKind.REFUSED)
    return replace(record, slot=at, troubles=kept, done=False)


def slot_left(record: Record) -> Record:
    """Its slot is free for others."""
    return replace(record, slot=None)


def recognised(record: Record, group: Group, slot: datetime | None = None) -> Record:
    """PostPost holds the folder's post already. What our records knew before is older, and was to be replaced by it.

    `slot`: the one in which it was found, where it is queued.
    """
    older = tuple(replace(one, stage=_SUPERSEDED.get(one.stage, one.stage)) for one in record.groups)
    stood = [
        one.post_group_id
        for one, now in zip(record.groups, older, strict=True)
        if one.stage != now.stage and one.stage in _STOOD and one.post_group_id
    ]
    previous = (*record.previous, *stood)
    groups = (*older, group)
    left = tuple(one for one in record.consents if one is not Consent.OURS)
    record = replace(record, slot=slot or record.slot, consents=left)
    return replace(
        record, groups=groups, previous=previous, unproven=False, claim=None, troubles=(), cancel=None, maybe=()
    )


_SUPERSEDED = {
    GroupStage.CREATING: GroupStage.GONE,
    GroupStage.DRAFT: GroupStage.DOOMED,
    GroupStage.SCHEDULED: GroupStage.DOOMED,
    GroupStage.WITHDRAWN: GroupStage.DOOMED,
}
_STOOD = (GroupStage.SCHEDULED, GroupStage.WITHDRAWN)


def unrecognised(record: Record, *, gone: bool = True) -> Record:
    """PostPost holds nothing that is this folder's: it is a new post, unless its status file says that it had one.

    Not `gone`: what that names is another folder's.
    """
    claim = record.claim
    lost = replace(claim, lost=True) if claim is not None and gone and _had_a_post(claim) else None
    return replace(record, unproven=False, claim=lost)


def _had_a_post(claim: Claim) -> bool:
    """Whether it may be out, or was taken back."""
    stood = claim.state in (State.SCHEDULED, State.PUBLISHED, State.PARTIALLY_PUBLISHED)
    return claim.state == State.CANCELLED or (stood and claim.post_group_id is not None)


def at_place(record: Record, root: str, path: str, inode: int, device: int, *, keeps_slot: bool = True) -> Record:
    """The folder was moved, and is there now. A slot is one of its root's."""
    record = replace(record, root=root, path=path, inode=inode, device=device)
    return record if keeps_slot or record.slot is None else replace(record, slot=None, done=False)


def in_directory(record: Record, inode: int, device: int) -> Record:
    """Another directory than before is at the folder's place, and is the folder."""
    return replace(record, inode=inode, device=device)


def held_as_copy(record: Record, mark: str, copy_of: str | None) -> Record:
    """It is held, since another folder had a post of all that it asks for. `copy_of`: that one, where it was not known yet."""
    return replace(record, copied=mark, copy_of=copy_of or record.copy_of)


def held_for(record: Record, post_group_ids: tuple[str, ...]) -> Record:
    """It is held, since PostPost shows these, and one of them may be its own."""
    return replace(record, maybe=post_group_ids)


def copied(record: Record, original: str | None) -> Record:
    """It is a copy of the folder with that `folder_id`, so nothing that stands at PostPost is its own."""
    return replace(record, copy_of=original, unproven=False)


def claimed(record: Record, claim: Claim, folder_id: str | None) -> Record:
    """Its status file, which came after its sidecar, says that it has a post. `folder_id`: None where that names none."""
    own = record.folder_id if folder_id is None else folder_id
    maybe = tuple(sorted({*record.maybe, *claim.maybe}))
    slot = claim.slot or record.slot
    return replace(record, folder_id=own, claim=claim, unproven=True, done=False, slot=slot, maybe=maybe)


def contradicted(record: Record) -> Record:
    """PostPost shows something else under the id that the status file names, or that a person said is the folder's."""
    claim = replace(record.claim, differs=True) if record.claim is not None else None
    consents = tuple(one for one in record.consents if one is not Consent.OURS)
    return replace(record, claim=claim, consents=consents)


def doubtful(record: Record) -> Record:
    """PostPost shows the same text under the id that the status file names, and perhaps other media."""
    claim = replace(record.claim, doubtful=True) if record.claim is not None else None
    return replace(record, claim=claim)
