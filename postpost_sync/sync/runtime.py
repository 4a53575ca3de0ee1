"""What the parts of a run share: its clock, its chance, its log, and how a folder is waked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from postpost_sync.log import Log


@dataclass(frozen=True, slots=True)
class Runtime:
    """Given from outside, so that tests can turn the clock."""

    wake: Callable[[int, float], None]
    """Look at the folder with that key, in so many seconds; 0: now. A later call replaces the time of an earlier one."""
    monotonic: Callable[[], float]
    """Seconds."""
    jitter: Callable[[], float]
    """A random number from 0 to 1."""
    log: Log
    instance: str
    """This installation's name in status files: stable for one machine and one database path."""
