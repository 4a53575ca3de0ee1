"""The threads that take folders forward: a queue in the order of the posts' times, each folder with one thread at a time."""

from __future__ import annotations

import itertools
import queue
import threading
import time
from collections.abc import Callable

from postpost_sync.errors import ProgramError

DEFECT_PAUSE = 300.0  # seconds after which a folder that met a defect of ours is tried again


class Workers:
    """`ready(key)` queues a folder; a folder that is queued or made ready again while it is worked on is taken once more."""

    def __init__(
        self,
        advance: Callable[[int], None],
        urgency: Callable[[int], float],
        *,
        defect: Callable[[int, Exception], None],
        fatal: Callable[[ProgramError], None],
    ) -> None:
        self._advance, self._urgency, self._defect, self._fatal = advance, urgency, defect, fatal
        self._lock = threading.Lock()
        self._queue: queue.PriorityQueue[tuple[float, int, int | None]] = queue.PriorityQueue()
        self._order = itertools.count()
        self._queued: set[int] = set()
        self._busy: set[int] = set()
        self._again: set[int] = set()
        self._threads: list[threading.Thread] = []
        self._failed = False  # then nothing more is taken on
        self.finished = 0  # folders taken as far as they went: grows while there is progress

    def start(self, number: int) -> None:
        self._threads = [threading.Thread(target=self._work, name=f"worker-{n}", daemon=True) for n in range(number)]
        for thread in self._threads:
            thread.start()

    def ready(self, key: int) -> None:
        with self._lock:
            if key in self._busy:
                self._again.add(key)
            elif key not in self._queued:
                self._queued.add(key)
                self._queue.put((self._urgency(key), next(self._order), key))

    def idle(self) -> bool:
        with self._lock:
            return not self._queued and not self._busy

    def alive(self) -> bool:
        return all(thread.is_alive() for thread in self._threads)

    def stop(self, within: float) -> None:
        """End the threads; what they are at is finished first, if that takes no longer than `within` seconds."""
        ends = time.monotonic() + within
        for _ in self._threads:
            self._queue.put((float("-inf"), next(self._order), None))
        for thread in self._threads:
            thread.join(max(0.0, ends - time.monotonic()))

    def _work(self) -> None:
        while True:
            key = self._queue.get()[2]
            if key is None or self._failed:
                return
            with self._lock:
                self._queued.discard(key)
                self._busy.add(key)
            try:
                self._advance(key)
            except ProgramError as error:  # the database: nothing may be done that cannot be written down
                self._failed = True
                self._fatal(error)
            except Exception as error:  # a defect of ours must not stop the other posts
                self._defect(key, error)
            with self._lock:
                self.finished += 1
                self._busy.discard(key)
                again = key in self._again
                self._again.discard(key)
            if again:
                self.ready(key)
