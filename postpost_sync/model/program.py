"""How the program itself is doing: its watch roots, what is odd below them, and whom it notifies.

All are frozen. Times are aware UTC datetimes.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from postpost_sync.model.errors import Finding


@dataclass(frozen=True, slots=True)
class Oddity:
    """A folder that is no post folder, although somebody may think that it is one."""

    path: str
    finding: Finding
    changed_at: float | None = field(default=None, compare=False)  # when it last got or lost a file, by the wall clock


class RootState(StrEnum):
    OK = "ok"
    AWAY = "away"
    DEGRADED = "degraded"


@dataclass(frozen=True, slots=True)
class RootStatus:
    """How a watch root is doing, as `status` shows it."""

    path: str
    observer: str
    state: RootState
    error: Finding | None = None
    last_scan: datetime | None = None
    oddities: tuple[Oddity, ...] = ()


@dataclass(frozen=True, slots=True)
class Listener:
    """Somebody who is notified. What was told to it is kept apart."""

    target: str  # digest of the URL, which is a secret
    events: tuple[str, ...] = ()  # what it asked to be told of
    error: Finding | None = None  # why nothing gets through to it
