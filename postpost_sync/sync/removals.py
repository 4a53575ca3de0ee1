"""How many folders were removed at once, whose posts would be cancelled: a slip must not take back a whole calendar."""

from __future__ import annotations

import threading
from collections.abc import Callable

AT_ONCE = 3600.0  # seconds within which folders were removed at once


class Removals:
    """Safe to use from several threads."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._gone: dict[int, float] = {}  # key of a folder whose post still stands -> since when, monotonic
        self._cancelled: list[float] = []  # when one was cancelled, monotonic

    def count(self, key: int, *, gone: bool) -> int:
        """Whether the folder is gone while its post stands; the number of those removed at once, with this one."""
        with self._lock:
            now = self._monotonic()
            if gone:
                self._gone.setdefault(key, now)
            else:
                self._gone.pop(key, None)
            self._cancelled = [at for at in self._cancelled if at > now - AT_ONCE]
            return sum(since > now - AT_ONCE for since in self._gone.values()) + len(self._cancelled)

    def cancelled(self, key: int, ago: float = 0.0) -> None:
        """The post of a removed folder was cancelled, so many seconds ago."""
        with self._lock:
            self._gone.pop(key, None)
            self._cancelled.append(self._monotonic() - ago)
