"""The watch roots: each compared in full again and again, watched or polled in between, and known to be away where it is.

One thread for each root does all that touches its file system, so that one that hangs holds up no other. What it finds
new or changed is made ready for the workers; it decides nothing. Notifications only make a folder be looked at sooner:
where they fail, the root is `degraded`, polled, and watched again after a while.
"""

from __future__ import annotations

import os
import queue
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import NamedTuple

from postpost_sync import scan, watch
from postpost_sync.config import Root
from postpost_sync.errors import Finding, ProgramError, printable
from postpost_sync.log import Log
from postpost_sync.models import Folder, Oddity, RootState, RootStatus
from postpost_sync.names import Names
from postpost_sync.store import Store
from postpost_sync.sync import Sync

NO_SIDECAR_AFTER = 600.0  # seconds media may lie in a folder without a sidecar before that is shown
AWAY_POLL = 5.0  # seconds between two looks at a root that is away, at the most
LAGGING_FOR = 60.0  # seconds for which the reader of notifications may be behind with new folders
WATCH_AGAIN = (5.0, 600.0)  # seconds until watching is tried again after it failed: at first, and at the most


class Roots:
    """`scan` asks for a comparison; `look_after` is to be called every second or so. No call here waits for a disk."""

    def __init__(
        self,
        roots: Sequence[Root],
        sync: Sync,
        store: Store,
        names: Names,
        *,
        ready: Callable[[int], None],
        fatal: Callable[[ProgramError], None],
        log: Log,
    ) -> None:
        self._store, self._publishing = store, threading.Lock()
        self._scanners = {
            str(root.path): _Scanner(root, sync, store, names, ready=ready, publish=self._publish, fatal=fatal, log=log)
            for root in roots
        }

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

    def scan(self, root: str, path: str = "", below: bool = True) -> None:
        """Compare a folder below a root soon, and what is below it where `below`; no path: the whole root."""
        self._scanners[root].ask(_Task("scan", path, below))

    def scan_all(self) -> None:
        for root in self._scanners:
            self.scan(root)

    def look_after(self) -> None:
        """Poll what is to be polled, and notice watchers that died and roots that were replaced."""
        for scanner in self._scanners.values():
            scanner.ask(_CHECK)

    def idle(self) -> bool:
        return all(scanner.idle() for scanner in self._scanners.values())

    def alive(self) -> bool:
        return all(scanner.alive() for scanner in self._scanners.values())

    def scanned(self) -> bool:
        """Whether each root has been compared once, or found to be away."""
        return all(scanner.scanned for scanner in self._scanners.values())

    def statuses(self) -> list[RootStatus]:
        return [scanner.status for scanner in self._scanners.values()]

    def _publish(self) -> None:
        with self._publishing:
            self._store.set_roots(self.statuses())


class _Task(NamedTuple):
    what: str  # scan, watch or check
    path: str = ""
    below: bool = True


_CHECK = _Task("check")
_WATCH = _Task("watch")


class _Place(NamedTuple):
    """What a root's path leads to. Another one than before: it was replaced, or a file system was mounted or taken away."""

    device: int
    inode: int
    mounts: tuple[watch.Mount, ...]


class _Scanner:
    """One root. All but `ask` and the questions is done by its own thread, which owns everything else here."""

    def __init__(
        self,
        root: Root,
        sync: Sync,
        store: Store,
        names: Names,
        *,
        ready: Callable[[int], None],
        publish: Callable[[], None],
        fatal: Callable[[ProgramError], None],
        log: Log,
    ) -> None:
        self.root, self.path = root, str(root.path)
        self._sync, self._store, self._names, self._log = sync, store, names, log
        self._ready, self._publish, self._fatal = ready, publish, fatal
        self.status = RootStatus(self.path, "polling", RootState.OK)  # as long as nothing is known about it
        self.scanned = False
        self._queue: queue.SimpleQueue[_Task] = queue.SimpleQueue()
        self._waiting: set[_Task] = set()
        self._busy = False
        self._lock = threading.Lock()  # of the two above
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._work, name=f"scanner {self.path}", daemon=True)
        self._place: _Place | None = None  # while it is there
        self._watcher: watch.NativeWatcher | None = None
        self._failures = 0  # of watching, in a row
        self._watching_since = 0.0  # monotonic, as the others
        self._watch_again = 0.0
        self._next_poll = 0.0
        self._walk_took = 0.0
        self._unwatched: list[str] = []  # folders that were not watched when they were last seen
        self._unwatched_since = 0.0
        self._odd: dict[str, tuple[Oddity, float]] = {}  # path -> and since when
        self._known: dict[str, int] | None = None  # path -> key, as long as a burst of tasks lasts

    # --- from any thread ---

    def start(self) -> None:
        self._thread.start()

    def ask(self, task: _Task) -> None:
        with self._lock:
            if task in self._waiting:
                return
            self._waiting.add(task)
        self._queue.put(task)

    def idle(self) -> bool:
        with self._lock:
            return not self._busy and not self._waiting - {_CHECK}

    def alive(self) -> bool:
        return self._thread.is_alive()

    def end(self) -> None:
        self._ended.set()
        self.ask(_CHECK)

    def join(self, within: float) -> None:
        if self._thread.is_alive():
            self._thread.join(within)

    # --- its own thread ---

    def _work(self) -> None:
        while not self._ended.is_set():
            task = self._queue.get()
            with self._lock:
                self._waiting.discard(task)
                self._busy = task is not _CHECK
            try:
                self._do(task)
            except ProgramError as error:
                self._fatal(error)
            except Exception as error:  # a defect of ours, or a folder that vanished in a way not foreseen
                self._log.defect(error, root=self.path)
            if self._queue.empty():
                self._known = None
            with self._lock:
                self._busy = False
        self._unwatch()

    def _do(self, task: _Task) -> None:
        if self._ended.is_set():
            return
        if task is _CHECK:
            self._check()
        elif task is _WATCH:
            self._watch()
        elif not task.path:
            self._scan_root()
        elif task.below:
            self._scan_below(task.path)
        else:
            self._scan_one(task.path)

    def _scan_one(self, path: str) -> None:
        try:
            folder = scan.look(self.path, path, self._names)
        except OSError:
            folder = None  # the folder's own turn shows what that means
        if folder is not None:
            self._notice(folder)
        elif (key := self._all_known().get(path)) is not None:
            self._ready(key)

    def _scan_below(self, path: str) -> None:
        found = set()
        for one in scan.walk(self.path, self._names, path):
            if isinstance(one, Folder):
                found.add(one.path)
                self._compare(one)
        if found and path not in self._remote():  # what is new: nothing can be missing below it
            return
        for known, key in self._all_known().items():
            if (known == path or known.startswith(path + "/")) and known not in found:
                self._ready(key)

    def _scan_root(self) -> None:
        """The full comparison: everything there is against everything that is known."""
        began = time.monotonic()
        missing = self._sync.looks.below(self.path)
        anything, odd, visited = False, list[Oddity](), list[str]()
        try:
            place = _place(self.path)
            for found in scan.walk(self.path, self._names, visited=visited):
                if self._ended.is_set():
                    return
                if isinstance(found, Oddity):
                    odd.append(found)
                    continue
                anything = True
                missing.pop(found.path, None)
                self._compare(found)
        except OSError as error:
            self._away(f"it cannot be read: {error.strerror}")
            return
        self._walk_took = time.monotonic() - began
        if missing and not anything and (why := self._vanished(missing, place)):
            self._away(why)
            return
        for key in missing.values():
            self._ready(key)
        self._take_in(place, visited)
        self._keep_odd(odd)
        self.status = replace(self.status, last_scan=datetime.now(UTC), oddities=self._lasting())
        self._publish()
        self.scanned = True

    def _compare(self, folder: Folder) -> None:
        if not self._sync.looks.unchanged(folder):
            self._notice(folder)

    def _notice(self, folder: Folder) -> None:
        key, news = self._sync.notice(folder)
        if news:
            self._ready(key)

    def _all_known(self) -> dict[str, int]:
        if self._known is None:
            self._known = self._sync.looks.below(self.path)
        return self._known

    # --- there, away, replaced ---

    def _vanished(self, missing: dict[str, int], place: _Place) -> str:
        """Why all of its posts are missing, where that is not because they were removed."""
        if not scan.present(self.path):
            return "it is empty, although posts were in it"
        record = self._store.record(next(iter(missing.values())))
        if record is not None and record.device != place.device:
            return "another file system is there, without any of its posts"
        return ""

    def _take_in(self, place: _Place, visited: list[str]) -> None:
        """The root is there."""
        if self.status.state is RootState.AWAY:
            self._log.info("root is back", root=self.path)
            self.status = replace(self.status, state=RootState.OK, error=None)
        if self._place != place:
            self._place, self._failures = place, 0
            self._unwatch()
            self.ask(_WATCH)
            self._poll_later()
        elif self._watcher is not None:
            self._unwatched = self._watcher.unwatched(visited)

    def _away(self, why: str) -> None:
        if self.status.state is not RootState.AWAY:
            self._log.warning("root is away", root=self.path, why=why)
        message = f"{printable(self.path)} is away: {why}"
        finding = Finding("ROOT_AWAY", message, "mount or create it; its posts stand as they are")
        self.status = replace(self.status, state=RootState.AWAY, error=finding)
        self._place = None
        self._unwatch()
        self._publish()
        self.scanned = True

    def _check(self) -> None:
        """What is to be done when nothing is heard: the root's own state, its watcher's, polling, and what lasts."""
        if self._place is not None and self._place != _place_or_none(self.path):
            self._log.info("root was replaced or mounted anew", root=self.path)
            self._place = None
            self._unwatch()
            self.ask(_Task("scan"))
            return
        now = time.monotonic()
        if self._watcher is not None and (trouble := self._watcher.trouble() or self._watches_missing()) is not None:
            self._degrade(trouble)
        elif self.status.state is RootState.DEGRADED and self._place is not None and now >= self._watch_again:
            self.ask(_WATCH)
        if now >= self._next_poll:
            self._poll()
        if (lasting := self._lasting()) != self.status.oddities:
            self.status = replace(self.status, oddities=lasting)
            self._publish()

    def _poll(self) -> None:
        self._poll_later()
        if self._watcher is None:
            self.ask(_Task("scan"))
        for path in self._remote() if self._watcher is not None else ():
            self.ask(_Task("scan", path))

    def _poll_later(self) -> None:
        pause = self.root.poll_interval
        if self.status.state is RootState.AWAY:
            pause = min(pause, AWAY_POLL)
        self._next_poll = time.monotonic() + max(pause, 10 * self._walk_took)

    # --- watching ---

    def _watch(self) -> None:
        """Begin to watch a root that (re)appeared, or failed to be watched. It is compared again afterwards."""
        self._unwatch()
        place = self._place
        if place is None:
            return  # away meanwhile
        remote = place.mounts[0].is_remote if place.mounts else True
        if self.root.observer == "polling" or (self.root.observer == "auto" and remote):
            self.status = replace(self.status, observer="polling")
            self._publish()
            return
        watcher = watch.NativeWatcher(
            self.path,
            self._names,
            lambda path, below: self.ask(_Task("scan", path, below)),
            lambda: self.ask(_Task("scan")),
        )
        if (trouble := watcher.start()) is not None:
            self._degrade(trouble)
            return
        self._watcher, self._watching_since = watcher, time.monotonic()
        if self.status.state is RootState.DEGRADED:
            self._log.info("watching again", root=self.path)
        self.status = replace(self.status, observer="native", state=RootState.OK, error=None)
        self.ask(_Task("scan"))  # what came between the walk and the watch

    def _watches_missing(self) -> Finding | None:
        """What to say where folders are still not watched some time after they were seen."""
        assert self._watcher is not None  # noqa: S101 - asked only while there is one
        still = [path for path in self._watcher.unwatched(self._unwatched) if os.path.isdir(f"{self.path}/{path}")]
        self._unwatched = still
        if not still:
            self._unwatched_since = 0.0
            return None
        if not watch.one_more_watch(self.path):
            return watch.too_few_watches(len(still))
        now = time.monotonic()
        self._unwatched_since = self._unwatched_since or now
        if now - self._unwatched_since < LAGGING_FOR:
            return None
        return Finding(
            "WATCH_INCOMPLETE",
            "not all of its folders are watched; the folder is polled meanwhile",
            "watching is started again by itself",
        )

    def _degrade(self, trouble: Finding) -> None:
        self._unwatch()
        if trouble != self.status.error:
            self._log.warning("degraded", root=self.path, why=trouble.message, hint=trouble.hint)
        self.status = replace(self.status, observer="polling", state=RootState.DEGRADED, error=trouble)
        now = time.monotonic()
        if self._watching_since and now - self._watching_since > WATCH_AGAIN[1]:
            self._failures = 0  # it had worked for long enough
        pause = min(WATCH_AGAIN[0] * 2.0**self._failures, WATCH_AGAIN[1])
        self._failures, self._watching_since = min(self._failures + 1, 16), 0.0
        self._watch_again, self._next_poll = now + pause, 0.0
        self._publish()

    def _unwatch(self) -> None:
        self._unwatched, self._unwatched_since = [], 0.0
        if self._watcher is not None:
            self._watcher.stop()
            self._watcher = None

    def _remote(self) -> list[str]:
        """The network mounts below it, where notifications do not tell everything; none where all of it is polled."""
        if self._place is None or self.root.observer != "auto":
            return []
        below = (mount for mount in self._place.mounts[1:] if mount.is_remote)
        return [m.path for m in below if not any(self._names.ignored(part) for part in m.path.split("/"))]

    # --- what is odd ---

    def _keep_odd(self, odd: Iterable[Oddity]) -> None:
        now, before = time.monotonic(), self._odd
        self._odd = {one.path: (one, before[one.path][1] if one.path in before else now) for one in odd}

    def _lasting(self) -> tuple[Oddity, ...]:
        """The oddities to show: media without a sidecar only once that has been so for a while."""
        now = time.monotonic()
        return tuple(
            one
            for one, since in self._odd.values()
            if one.finding.code != "NO_SIDECAR" or now - since >= NO_SIDECAR_AFTER
        )


def _place(path: str) -> _Place:
    here = os.stat(path)
    return _Place(here.st_dev, here.st_ino, watch.mounts_at(path))


def _place_or_none(path: str) -> _Place | None:
    try:
        return _place(path)
    except OSError:
        return None
