"""The timers. They only wake: what there is to do lies in the database, and is found there anyway.

What is done every so often is a job of APScheduler's, which goes by the wall clock. The wakes of folders, some for each
post, go by a clock that nobody sets, and wait in a heap: a job for each would cost more than most of what it wakes for.
"""

from __future__ import annotations

import heapq
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.interval import IntervalTrigger

from postpost_sync.log import Log

HOURLY = 3600.0  # seconds between two calls of the service that ask how things are there
OVERDUE = 60.0  # seconds by which a wake may be late before something is thought to be wrong
REPLACED = 1000  # times that lie in the heap beside those that count, at the most: they are swept out together
SOON = 10.0  # seconds until those are made first, or after a sleep: what is in the folders comes before them


class Timers:
    """Safe to use from several threads."""

    def __init__(self, stopping: threading.Event, log: Log) -> None:
        """Once it is `stopping`, nothing is waked any more."""
        self._stopping, self._log = stopping, log
        self._ready: Callable[[int], None] | None = None
        self._due: dict[int, float] = {}  # key -> monotonic time of its next wake
        self._heap: list[tuple[float, int]] = []  # the same, the next one first; what `_due` has no longer was replaced
        self._ended = False
        self._sooner = threading.Condition()  # told where the next wake is another one
        self._scheduler = BackgroundScheduler(
            timezone=UTC, job_defaults={"misfire_grace_time": None, "coalesce": True, "max_instances": 1}
        )

    def start(self, ready: Callable[[int], None]) -> None:
        """`ready` takes the key of a folder that is waked."""
        self._ready = ready
        threading.Thread(target=self._wake_due, args=(ready,), name="timers", daemon=True).start()
        self._scheduler.start()

    def stop(self) -> None:
        with self._sooner:
            self._ended = True
            self._sooner.notify()
        if self._scheduler.running:
            self._scheduler.shutdown(wait=False)

    def wake(self, key: int, after: float) -> None:
        """Look at a folder, now or in `after` seconds. A later call replaces the time of an earlier one.

        Nothing can be waked before `start`: there is nobody yet who would look.
        """
        if self._ready is None:
            raise RuntimeError("a folder was waked before the timers were started")
        with self._sooner:
            if after > 0:
                at = self._due[key] = time.monotonic() + after
                heapq.heappush(self._heap, (at, key))
                if len(self._heap) > 2 * len(self._due) + REPLACED:
                    self._heap = sorted((due, one) for one, due in self._due.items())
                if self._heap[0] == (at, key):
                    self._sooner.notify()
            else:
                self._due.pop(key, None)
                self._look(key, self._ready)

    def _look(self, key: int, ready: Callable[[int], None]) -> None:
        """At once, under the lock: whoever looks between the two takes it for at rest."""
        if not self._stopping.is_set():  # then a transfer that was broken off must not begin anew
            ready(key)

    def _wake_due(self, ready: Callable[[int], None]) -> None:
        """The thread that wakes folders when their time has come. Should it hang, `on_time` says so."""
        with self._sooner:
            while not self._ended:
                left = self._heap[0][0] - time.monotonic() if self._heap else None
                if left is None or left > 0:
                    self._sooner.wait(left)
                    continue
                at, key = heapq.heappop(self._heap)
                if self._due.get(key) != at:
                    continue
                del self._due[key]
                try:
                    self._look(key, ready)
                except Exception as error:  # the database: the workers meet the same, and end the program
                    self._log.defect(error)

    def regularly(self, call: Callable[[], None], every: float) -> None:
        """Every so many seconds, give or take a tenth."""
        self._scheduler.add_job(call, "interval", seconds=every, jitter=every * 0.1, id=call.__name__)

    def hourly(self, call: Callable[[], None]) -> None:
        """Soon, and every hour or so, apart from everything else."""
        name, soon = call.__name__.lstrip("_"), datetime.now(UTC) + timedelta(seconds=SOON)
        self._scheduler.add_job(
            self.apart, "interval", args=(call,), seconds=HOURLY, jitter=60, next_run_time=soon, id=name
        )

    def soon(self) -> None:
        """What is done now and then is done soon: a machine may sleep more often than that."""
        soon = datetime.now(UTC) + timedelta(seconds=SOON)
        for job in self._scheduler.get_jobs():
            if isinstance(job.trigger, IntervalTrigger):
                job.modify(next_run_time=soon)

    def apart(self, call: Callable[[], None]) -> threading.Thread:
        """In a thread that nothing has to wait for: the end of the program would wait for the scheduler's threads."""

        def run() -> None:
            try:
                call()
            except Exception as error:
                if not self._stopping.is_set():  # else the connections were closed meanwhile
                    self._log.defect(error)

        thread = threading.Thread(target=run, name=call.__name__, daemon=True)
        thread.start()
        return thread

    def due(self) -> dict[int, float]:
        """Key -> monotonic time of the next wake."""
        with self._sooner:
            return dict(self._due)

    def on_time(self) -> bool:
        """Whether no wake has been left lying."""
        return min(self.due().values(), default=float("inf")) > time.monotonic() - OVERDUE
