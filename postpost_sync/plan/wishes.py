"""What a person's `retry` and `cancel` come to for a post: whether they do anything, and what. Pure.

Below a parent folder a `retry` touches only what a fault stopped. A hold is a question to a person, and a cancel was a
person's answer: who means to go on in spite of either names that folder itself.
"""

from __future__ import annotations

from dataclasses import dataclass

from postpost_sync.model.record import (
    Record,
    TroubleKind,
    draft_group,
    failed_platforms,
    is_out,
    live_group,
    partly_out,
    retried,
)
from postpost_sync.model.states import State

_OF_A_HOLD = frozenset({"HELD_PAST_TIME"})  # errors of a post that failed because it was held


@dataclass(frozen=True, slots=True)
class Verdict:
    """`does`: whether anything is to be done. `words` follow the folder's name."""

    does: bool
    words: str


def retry(record: Record, *, itself: bool, again: bool) -> Verdict:
    """`itself`: its own folder was named, not one above it. `again`: also what may be out in part."""
    state, why = record.state, f": {record.error.message}" if record.error else ""
    if state is State.PUBLISHED and record.error is None:
        return Verdict(False, "is out already")
    if (accounts := maybe_out(record)) and not again and not _failed_for_certain(record):
        where = ", ".join(accounts)
        return Verdict(
            False, f"may be out on {where} in part; look there, and if it is to be sent once more: retry --again"
        )
    if itself:
        match state:
            case State.HELD:
                return Verdict(True, f"goes on in spite of what holds it{why}")
            case State.CANCELLED:
                return Verdict(True, "was cancelled; it is posted again")
            case _:
                return Verdict(True, f"is tried again{why}")
    if _stopped_by_a_fault(record):
        return Verdict(True, f"is tried again{why}")
    match state:
        case State.HELD:
            return Verdict(False, f"is held{why}; to go on all the same, name this folder itself")
        case State.CANCELLED:
            return Verdict(False, "was cancelled; to bring it back, name this folder itself")
        case State.INVALID | State.FAILED:
            return Verdict(False, f"is {state.value}, and no fault stops it{why}")
        case _:
            return Verdict(False, f"is {state.value}; nothing stops it")


def cancel(record: Record) -> Verdict:
    """A draft, or a post that did not go out yet, is deleted; where nothing was made so far, nothing will be."""
    live, draft = live_group(record), draft_group(record)
    if record.state is State.CANCELLED:
        return Verdict(False, "is cancelled already")
    if draft is not None and (live is None or is_out(live)):
        return Verdict(True, "loses its draft at PostPost")
    if is_out(live):
        return Verdict(False, "is out already")
    if live is not None:
        return Verdict(True, f"is deleted from PostPost, where it is scheduled on {', '.join(live.platforms)}")
    return Verdict(True, "is not at PostPost yet, and will not be")


def maybe_out(record: Record) -> tuple[str, ...]:
    """The accounts where it failed, and where some of it may be out all the same."""
    live = live_group(record)
    return tuple(sorted(partly_out(live))) if live is not None and live.outcome is not None else ()


def _failed_for_certain(record: Record) -> bool:
    live = live_group(record)
    return live is not None and bool(failed_platforms(live))


def _stopped_by_a_fault(record: Record) -> bool:
    match record.state:
        case State.PARTIALLY_PUBLISHED:
            return True
        case State.FAILED:
            return record.error is None or record.error.code not in _OF_A_HOLD
        case State.HELD:
            return retried(record.error, record.troubles)
        case State.CANCELLED:
            return False
        case _:
            faults = (TroubleKind.RETRY, TroubleKind.REFUSED)
            return record.gave_up is not None or any(trouble.kind in faults for trouble in record.troubles)
