"""The threads that take folders forward: queues in the order of the posts' times, each folder with one thread at a time.

Each lane (each watch root) has threads of its own, so that one whose disk does not answer holds up no other.
"""

from __future__ import annotations

import itertools
import queue
import threading
import time
from collections.abc import Callable, Collection
from concurrent.futures import Future, ThreadPoolExecutor
from typing import ParamSpec, TypeVar

from postpost_sync.model.errors import NoThreads, ProgramError

_P = ParamSpec("_P")
_T = TypeVar("_T")
_Queue = queue.PriorityQueue[tuple[float, int, int | None]]


class Pool(ThreadPoolExecutor):
    """For what is handed over. NoThreads where nobody takes it: it would count as under way for ever."""

    def submit(self, call: Callable[_P, _T], /, *args: _P.args, **more: _P.kwargs) -> Future[_T]:
        try:
            return super().submit(call, *args, **more)
        except RuntimeError as error:
            if NoThreads.is_meant_by(error):
                raise NoThreads from None
            raise


class Workers:
    """`ready(key)` queues a folder; a folder that is queued or made ready again while it is worked on is taken once more."""

    def __init__(
        self,
        advance: Callable[[int], None],
        urgency: Callable[[int], float],
        lane: Callable[[int], str],
        *,
        threads: int,
        defect: Callable[[int, Exception], None],
        fatal: Callable[[ProgramError], None],
    ) -> None:
        """`threads`: in each lane, started when the first folder comes there."""
        self._advance, self._urgency, self._defect, self._fatal = advance, urgency, defect, fatal
        self._lane, self._number = lane, threads
        self._lock = threading.Lock()
        self._lanes: dict[str, _Queue] = {}
        self._order = itertools.count()
        self._queued: dict[int, str] = {}  # key -> lane
        self._busy: dict[int, str] = {}
        self._again: set[int] = set()
        self._threads: list[threading.Thread] = []
        self._failed = False  # then nothing more is taken on
        self.finished = 0  # folders taken as far as they went: grows while there is progress

    def ready(self, key: int) -> None:
        name = self._lane(key)
        with self._lock:
            if key in self._busy:
                self._again.add(key)
            elif key not in self._queued:
                self._put(key, name)

    def _put(self, key: int, name: str) -> None:
        self._queued[key] = name
        if name not in self._lanes:
            self._lanes[name] = queue.PriorityQueue()
            self._staff(name)
        self._lanes[name].put((self._urgency(key), next(self._order), key))

    def others_wait(self) -> bool:
        """Whether folders are queued."""
        return bool(self._queued)

    def idle(self, but: Collection[str] = ()) -> bool:
        """Whether there is nothing to do, leaving these lanes aside."""
        with self._lock:
            return all(name in but for names in (self._queued, self._busy) for name in names.values())

    def _staff(self, name: str) -> None:
        for n in range(self._number if name else 1):  # what lies below no root is soon done with
            args = (name, self._lanes[name])
            thread = threading.Thread(target=self._work, name=f"worker-{n} {name}", args=args, daemon=True)
            try:
                thread.start()
            except RuntimeError:  # what is queued here would lie for ever
                self._failed = True
                self._fatal(NoThreads())
                return
            self._threads.append(thread)

    def alive(self) -> bool:
        return all(thread.is_alive() for thread in self._threads)

    def stop(self, within: float) -> None:
        """End the threads; what they are at is finished first, if that takes no longer than `within` seconds."""
        ends = time.monotonic() + within
        with self._lock:
            number, self._number = self._number, 0
            for lane in self._lanes.values():
                for _ in range(number):
                    lane.put((float("-inf"), next(self._order), None))
        for thread in self._threads:
            thread.join(max(0.0, ends - time.monotonic()))

    def _work(self, name: str, lane: _Queue) -> None:
        while True:
            key = lane.get()[2]
            if key is None or self._failed:
                return
            with self._lock:
                self._queued.pop(key, None)
                self._busy[key] = name
            lane_after = name
            try:
                self._advance(key)
                if key in self._again:
                    lane_after = self._lane(key)
            except ProgramError as error:  # the database: nothing may be done that cannot be written down
                self._failed = True
                self._fatal(error)
            except Exception as error:  # a defect of ours must not stop the other posts
                self._defect(key, error)
            with self._lock:  # at once: whoever looks between the two takes it for at rest
                self.finished += 1
                self._busy.pop(key, None)
                if key in self._again:
                    self._again.discard(key)
                    self._put(key, lane_after)
