"""Threads beside the work that look again and again: hurried before the end, and waited for no longer than is said."""

from __future__ import annotations

import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Sequence


class Beside(ABC):
    """One of them. `start`, perhaps `hurry` until it is `finished`, then `end` and `join`; all else is its own thread's."""

    def __init__(self, name: str) -> None:
        self._ended, self._hurried, self._finished, self._wake = (threading.Event() for _ in range(4))
        self._thread = threading.Thread(target=self._work, name=name, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def hurry(self) -> None:
        self._hurried.set()
        self._wake.set()

    def finished(self) -> bool:
        """Whether what it was hurried for is done."""
        return self._finished.is_set() or not self._thread.is_alive()

    def end(self) -> None:
        self._ended.set()
        self._wake.set()

    def join(self, within: float) -> None:
        if self._thread.is_alive():
            self._thread.join(within)

    def _rest(self, seconds: float) -> None:
        """Until then, or until it is hurried or ended."""
        self._wake.wait(seconds)
        self._wake.clear()

    @abstractmethod
    def _work(self) -> None:
        """Look again and again, until `_ended` is set."""


def finish(every: Sequence[Beside], within: float, stopping: threading.Event) -> None:
    """Hurry them; returns when all are finished, after `within` seconds, or when it is to stop at once."""
    for one in every:
        one.hurry()
    ends = time.monotonic() + within
    while not all(one.finished() for one in every) and time.monotonic() < ends:
        if stopping.wait(0.05):
            return


def stop(every: Sequence[Beside], within: float) -> None:
    """End them, and wait no longer than that."""
    for one in every:
        one.end()
    ends = time.monotonic() + within
    for one in every:
        one.join(max(0.0, ends - time.monotonic()))
