"""The states of a post as people see them, and which may follow which: one table, nothing else.

A state says where the post stands, not what is being tried: a retry leaves it as it is. `check_move` refuses what the
table does not have, so that a wrong decision cannot be written down.
"""

from __future__ import annotations

from enum import StrEnum


class State(StrEnum):
    SETTLING = "settling"  # files still arriving
    INVALID = "invalid"  # a person must change something in the folder
    DRAFTING = "drafting"  # the draft is being created
    UPLOADING = "uploading"  # media are on their way
    DRAFTED = "drafted"  # complete, no time given
    HELD = "held"  # ready, but something outside the folder must happen first
    SCHEDULED = "scheduled"
    PUBLISHED = "published"
    PARTIALLY_PUBLISHED = "partially_published"
    FAILED = "failed"
    CANCELLED = "cancelled"


OUTCOMES = frozenset({State.PUBLISHED, State.PARTIALLY_PUBLISHED})
WRONG = frozenset({State.INVALID, State.FAILED, State.PARTIALLY_PUBLISHED})
OVER = OUTCOMES | {State.CANCELLED}
NEEDS_PERSON = WRONG | {State.HELD}
UNFINISHED = frozenset({State.SETTLING, State.DRAFTING, State.UPLOADING})

_WORK = {State.SETTLING, State.INVALID, State.DRAFTING, State.UPLOADING, State.DRAFTED, State.HELD, State.FAILED}
_ENDS = {State.SCHEDULED, State.PUBLISHED, State.PARTIALLY_PUBLISHED, State.FAILED, State.CANCELLED}

MOVES: dict[State, frozenset[State]] = {
    # before it is scheduled a post can be edited, held, refused or given up at any point
    State.SETTLING: frozenset(_WORK | {State.SCHEDULED, State.CANCELLED}),
    State.INVALID: frozenset(_WORK | _ENDS),  # an edit that does not pass leaves the earlier post, which goes out
    State.DRAFTING: frozenset(_WORK | {State.SCHEDULED, State.CANCELLED}),
    State.UPLOADING: frozenset(_WORK | {State.SCHEDULED, State.CANCELLED}),
    State.DRAFTED: frozenset(_WORK | _ENDS),  # somebody may schedule a draft in the dashboard
    State.HELD: frozenset(_WORK | _ENDS),
    # once scheduled it goes out, unless its time or its folder is taken away
    # (then, or where somebody deletes it at PostPost, the folder's new version is a post on its way like any other)
    State.SCHEDULED: frozenset(_ENDS | _WORK),
    State.FAILED: frozenset(_WORK | _ENDS),  # retry, or an edit
    State.PUBLISHED: frozenset({State.INVALID}),  # an edit that comes too late
    State.PARTIALLY_PUBLISHED: frozenset(_WORK | _ENDS),  # retry of the platforms that failed
    State.CANCELLED: frozenset(_WORK | {State.SCHEDULED}),  # the folder came back
}


class IllegalMove(Exception):
    """A state was to follow one that it may not follow: a defect in `plan`, never a person's doing."""


def check_move(old: State, new: State) -> None:
    """Raise IllegalMove unless `new` is `old` or may follow it."""
    if new != old and new not in MOVES[old]:
        raise IllegalMove(f"{old} -> {new}")
