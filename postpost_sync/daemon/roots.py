"""The watch roots: each with a scanner of its own, looked after together, and shown in the database.

Notifications only make a folder be looked at sooner: where they fail, the root is `degraded`, polled, and watched again
after a while. A root that is away, or does not answer, is shown so, and nothing is concluded from it.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Sequence

from postpost_sync.config.load import Root
from postpost_sync.daemon.scanner import CHECK, Scanner, Task, Told
from postpost_sync.disk import mounts
from postpost_sync.disk.mounts import Place
from postpost_sync.log import Log
from postpost_sync.model.errors import ProgramError
from postpost_sync.model.program import RootStatus
from postpost_sync.store import Store
from postpost_sync.sync.watched import Watched


class Roots:
    """`scan` asks for a comparison; `look_after` is to be called every second or so. No call here waits for a watched disk."""

    def __init__(
        self,
        roots: Sequence[Root],
        watched: Watched,
        store: Store,
        *,
        ready: Callable[[int], None],
        silent: Callable[[frozenset[str]], None],
        fatal: Callable[[ProgramError], None],
        log: Log,
    ) -> None:
        """`ready`: the key of a folder to look at. `silent`: all roots whose file system does not answer, when they change."""
        self._store, self._log, self._tell_silent = store, log, silent
        self._silent: frozenset[str] = frozenset()
        self._publishing = threading.Lock()
        self._noting = threading.Lock()
        self._places: dict[str, tuple[str, Place]] = {}  # path -> what it leads to, of those that are served or were
        told = Told(ready, self._publish, fatal, self._served)
        self._scanners = {str(root.path): Scanner(root, watched, store, told, log) for root in roots}

    def start(self) -> None:
        self.scan_all()
        for scanner in self._scanners.values():
            scanner.start()

    def stop(self, within: float) -> None:
        for scanner in self._scanners.values():
            scanner.end()
        ends = time.monotonic() + within
        for scanner in self._scanners.values():
            scanner.join(max(0.0, ends - time.monotonic()))

    def scan_all(self) -> None:
        """Compare each root in full soon."""
        for scanner in self._scanners.values():
            scanner.ask(Task("scan"))

    def look_after(self) -> None:
        """Poll what is to be polled, and notice watchers that died, and roots that were replaced or do not answer."""
        for scanner in self._scanners.values():
            scanner.ask(CHECK)
        silent = frozenset(path for path, scanner in self._scanners.items() if scanner.silent())
        if silent != (before := self._silent):
            self._silent = silent
            self._tell_silent(silent)
            self._publish()
            for path in silent - before:
                self._log.warning("root does not answer", root=path)
            for path in before - silent:
                self._log.info("root answers again", root=path)

    def idle(self) -> bool:
        return all(scanner.idle() for scanner in self._scanners.values())

    def alive(self) -> bool:
        return all(scanner.alive() for scanner in self._scanners.values())

    def scanned(self) -> bool:
        """Whether each root has been compared once, or found to be away."""
        return all(scanner.scanned() for scanner in self._scanners.values())

    def statuses(self) -> list[RootStatus]:
        return [scanner.status() for scanner in self._scanners.values()]

    def place(self, path: str) -> Place | None:
        """Where the root with that path is, while it is there and was compared."""
        return self._scanners[path].place()

    def _served(self, path: str, place: Place) -> str | None:
        """The root that was there before this one and holds some of the same folders. Else this one is served."""
        real = os.path.realpath(path)
        with self._noting:  # of two that come at once, the later one sees the other
            self._places.pop(path, None)
            before = dict(self._places)
            self._places[path] = real, place
        for other, (there, its) in before.items():
            if any(mounts.is_one(*both) for both in mounts.in_common(real, place.mounts, there, its.mounts)):
                with self._noting:
                    del self._places[path]
                return other
        return None

    def _publish(self) -> None:
        with self._publishing:
            self._store.set_roots(self.statuses())
