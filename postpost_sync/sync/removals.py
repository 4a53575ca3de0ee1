"""How many folders were removed at once, whose posts would be cancelled: a slip must not take back a whole calendar."""

from __future__ import annotations

import threading
from collections.abc import Callable

AT_ONCE = 3600.0  # seconds within which folders were removed at once


class Removals:
    """Safe to use from several threads. A part of a folder is known by its key, the folder by that of its main part."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._gone: dict[int, tuple[int, float]] = {}  # part whose post still stands -> its folder, gone since then
        self._cancelled: list[tuple[int, float]] = []  # folder, and when a post of it was cancelled

    def count(self, part: int, folder: int, *, gone: bool) -> int:
        """Whether the folder is gone while that post of it stands; how many were removed at once, with this one."""
        with self._lock:
            now = self._monotonic()
            if gone:
                self._gone.setdefault(part, (folder, now))
            else:
                self._gone.pop(part, None)
            self._cancelled = [(one, at) for one, at in self._cancelled if at > now - AT_ONCE]
            return len({one for one, at in (*self._gone.values(), *self._cancelled) if at > now - AT_ONCE})

    def cancelled(self, part: int, folder: int, ago: float = 0.0) -> None:
        """That post of a removed folder was cancelled, so many seconds ago."""
        with self._lock:
            self._gone.pop(part, None)
            self._cancelled.append((folder, self._monotonic() - ago))
