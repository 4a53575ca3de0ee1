"""Whose turn it is to take a slot of a root's queue: those that wait together take them in the natural order of their paths.

Folders that were dropped at once are read by many threads, in no order. So a slot is taken only when no other folder of
the root has come to ask for one for a moment, and then by the first in order, one after another.
"""

from __future__ import annotations

import heapq
import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from postpost_sync.post.names import natural_order

GATHER = 1.0  # seconds after the last one that came to ask
GATHER_AT_MOST = 300.0  # seconds after the first one: then the others take theirs as they come


@dataclass
class _Line:
    """Those of one root that wait."""

    opened: float
    joined: float
    order: list[tuple[tuple[object, ...], int]] = field(default_factory=list)  # a heap; some of them have left

    def pause(self, now: float) -> float:
        """Seconds for which others are still waited for."""
        return min(self.joined + GATHER, self.opened + GATHER_AT_MOST) - now


class Turns:
    """Safe to use from several threads."""

    def __init__(self, wake: Callable[[int, float], None], monotonic: Callable[[], float]) -> None:
        self._wake, self._monotonic = wake, monotonic
        self._lock = threading.Lock()
        self._lines: dict[str, _Line] = {}
        self._waiting: dict[int, str] = {}  # key -> its root

    def claim(self, root: str, path: str, key: int) -> bool:
        """Whether it is this folder's turn; False where it has to wait: it is waked when it is."""
        with self._lock:
            now = self._monotonic()
            line = self._lines.setdefault(root, _Line(now, now))
            if self._waiting.get(key) != root:
                self._waiting[key], line.joined = root, now
                heapq.heappush(line.order, (natural_order(path), key))
            first, pause = self._first(root), line.pause(now)
            if first == key and pause <= 0:
                return True
        if first is not None:
            self._wake(first, max(0.0, pause))
        return False

    def leave(self, key: int) -> None:
        """It has its slot, or wants none any more: the next one's turn has come."""
        with self._lock:
            root = self._waiting.pop(key, None)
            if root is None:
                return
            first = self._first(root)
            if first is None:
                del self._lines[root]
                return
            pause = self._lines[root].pause(self._monotonic())
        self._wake(first, max(0.0, pause))

    def _first(self, root: str) -> int | None:
        order = self._lines[root].order
        while order and self._waiting.get(order[0][1]) != root:
            heapq.heappop(order)
        return order[0][1] if order else None
