"""The line of posts that wait for room in the plan of their account: which stand in it, and in which place. Pure."""

from __future__ import annotations

from postpost_sync.model.record import Effect, Record, TroubleKind, retried
from postpost_sync.model.states import State
from postpost_sync.plan.codes import HELD_LONG, IN_LINE
from postpost_sync.plan.snapshot import Waiting

_IN_WORDS = IN_LINE | {HELD_LONG}  # as people are told of it


def in_line(record: Record) -> bool:
    """Whether the post waits for room in the plan."""
    trouble = record.trouble_with(Effect.UPDATE)
    if trouble is not None and trouble.kind is TroubleKind.HELD:
        return trouble.finding.code in IN_LINE
    return record.state is State.HELD and record.error is not None and record.error.code in _IN_WORDS


def place_in_line(record: Record) -> Waiting | None:
    """Its place among the posts that wait for room in the plan of their account; None where it does not wait there."""
    error, trouble = record.error, record.trouble_with(Effect.UPDATE)
    if record.state is not State.HELD or error is None or error.code not in _IN_WORDS or not record.time:
        return None
    if trouble is None or trouble.kind is not TroubleKind.HELD:
        return Waiting(record.key, record.time, error)
    return Waiting(record.key, record.time, trouble.finding, trouble.until)


def meets_a_fault(record: Record) -> bool:
    """Whether what holds it is a fault that passes: that costs it no place."""
    return record.state is State.HELD and retried(record.error, record.troubles)
