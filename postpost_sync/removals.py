"""How many posts of removed folders may be cancelled without a person: a slip must not take back a whole calendar."""

from __future__ import annotations

import threading
from collections.abc import Callable

AT_ONCE = 10  # posts of removed folders that are cancelled without a person …
WITHIN = 3600.0  # … in so many seconds


class Removals:
    """Safe to use from several threads."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._cancelled: list[float] = []  # when, monotonic

    def left(self) -> int:
        """How many more there may be now."""
        with self._lock:
            return self._left()

    def count(self, ago: float = 0.0) -> None:
        """One was cancelled so many seconds ago, by an earlier run of this program."""
        with self._lock:
            self._cancelled.append(self._monotonic() - ago)

    def take(self) -> bool:
        """Whether one more may be cancelled, which then counts."""
        with self._lock:
            if self._left() <= 0:
                return False
            self._cancelled.append(self._monotonic())
            return True

    def _left(self) -> int:
        self._cancelled = [at for at in self._cancelled if at > self._monotonic() - WITHIN]
        return AT_ONCE - len(self._cancelled)
