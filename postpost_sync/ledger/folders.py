"""What happened to the folder as a whole, and what a person said about it."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from postpost_sync.ledger.parts import Change, with_group, without_trouble
from postpost_sync.model.post import Post
from postpost_sync.model.record import Group, MediaName, Record, draft_group, live_group
from postpost_sync.plan.steps import Decision, Read, Rest, Search


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
    if (post := decision.post) is not None:
        files = tuple(MediaName(file.name, file.stat.size) for file in post.media)
        new |= {"platforms": post.platforms, "timezone": post.timezone, "media": files}
    if all(getattr(record, name) == value for name, value in new.items()):
        return record
    return replace(record, **new, updated_at=now)


def settled(fingerprint: str, complete_at: datetime | None, now_time: datetime | None) -> Change:
    """The folder has been read as it is: troubles with what it was before are over. No times: none was known yet."""

    def change(record: Record) -> Record:
        if record.fingerprint == fingerprint:
            record = replace(record, complete_at=record.complete_at or complete_at, now_time=now_time, done=False)
            return without_trouble(record, Read.__name__)
        # an unknown create stays unknown, and its searches keep their pauses, for listings lag
        searching = record.trouble_with(Search.__name__)
        return replace(
            record,
            fingerprint=fingerprint,
            complete_at=complete_at,
            now_time=now_time,
            confirmed=False,
            cancel=fingerprint if record.cancel == fingerprint else None,
            rebuilds=0,
            gave_up=None,
            done=False,
            troubles=(searching,) if searching is not None else (),
            warnings=(),
        )

    return change


def finished(post: Post | None, *, confirmed: bool) -> Change:
    """What stands at PostPost is the post; so its selectors stand for what that goes to from now on.

    `confirmed`: whether a person's word went into that; one that was said since is still to be decided about.
    """

    def change(record: Record) -> Record:
        if record.confirmed and not confirmed:
            return record
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
        cancel=None,
        rebuilds=0,
        gave_up=None,
        troubles=(),
        retry_at=None,
        done=False,
        groups=uploads_again,
    )


def cancelled(seen: str | None) -> Change:
    """A person said: take it back. `seen`: the folder's fingerprint then; None: that of when it was read last."""
    return lambda record: replace(
        record, cancel=record.fingerprint if seen is None else seen, done=False, retry_at=None
    )


def adopted(record: Record) -> Record:
    """A person said that this installation serves the folder from now on."""
    claim = replace(record.claim, foreign=False) if record.claim is not None else None
    return replace(record, claim=claim, troubles=(), retry_at=None)


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
