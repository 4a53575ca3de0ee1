"""The watch roots: each compared in full again and again, watched or polled in between, and known to be away where it is.

One thread does all the walking. What it finds new or changed is made ready for the workers; it decides nothing.
"""

from __future__ import annotations

import os
import queue
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from postpost_sync import scan, watch
from postpost_sync.config import Root
from postpost_sync.errors import Finding, ProgramError
from postpost_sync.log import Log
from postpost_sync.models import Folder, Oddity, RootState, RootStatus
from postpost_sync.names import Names
from postpost_sync.store import Store
from postpost_sync.sync import Sync

NO_SIDECAR_AFTER = 600.0  # seconds media may lie in a folder without a sidecar before that is shown
AWAY_POLL = 5.0  # seconds between two looks at a root that is away, at the most


@dataclass
class _Watched:
    """What is in mind about one root."""

    root: Root
    status: RootStatus
    watcher: watch.NativeWatcher | None = None
    identity: tuple[int, int] | None = None  # device and inode of the root while it was last there
    scanned: bool = False
    walk_took: float = 0.0
    next_poll: float = 0.0  # monotonic
    odd_since: dict[str, float] = field(default_factory=dict)

    @property
    def path(self) -> str:
        return str(self.root.path)


class Roots:
    """`scan` asks for a comparison; `look_after` is to be called every second or so."""

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
        self._sync, self._store, self._names, self._log = sync, store, names, log
        self._ready, self._fatal = ready, fatal
        self._watched = {
            str(root.path): _Watched(root, RootStatus(str(root.path), _observer(root), RootState.OK)) for root in roots
        }
        self._lock = threading.Lock()
        self._queue: queue.Queue[tuple[str, str, bool] | None] = queue.Queue()
        self._waiting: set[tuple[str, str, bool]] = set()
        self._under_way = 0
        self._thread = threading.Thread(target=self._work, name="scanner", daemon=True)

    def start(self) -> None:
        self._thread.start()
        self.scan_all()

    def stop(self, within: float) -> None:
        for watched in self._watched.values():
            self._unwatch(watched)
        self._queue.put(None)
        if self._thread.is_alive():
            self._thread.join(within)

    def scan(self, root: str, path: str = "", below: bool = True) -> None:
        """Compare a folder below a root soon, and what is below it where `below`; no path: the whole root."""
        wanted = (root, path, below)
        with self._lock:
            if wanted in self._waiting:
                return
            self._waiting.add(wanted)
            self._under_way += 1
        self._queue.put(wanted)

    def scan_all(self) -> None:
        for root in self._watched:
            self.scan(root)

    def idle(self) -> bool:
        with self._lock:
            return self._under_way == 0

    def alive(self) -> bool:
        return self._thread.is_alive()

    def scanned(self) -> bool:
        """Whether each root has been compared once, or found to be away."""
        return all(watched.scanned for watched in self._watched.values())

    def statuses(self) -> list[RootStatus]:
        return [watched.status for watched in self._watched.values()]

    def look_after(self) -> None:
        """Poll what is to be polled, and notice watchers that died and roots that were replaced."""
        now = time.monotonic()
        for watched in self._watched.values():
            lost = watched.watcher is not None and not watched.watcher.alive()
            if lost:
                self._log.warning("watching stopped by itself; it is started again", root=watched.path)
                watched.identity = None
            replaced = watched.identity is not None and _identity(watched.path) != watched.identity
            if lost or replaced or (watched.watcher is None and now >= watched.next_poll):
                away = watched.status.state is RootState.AWAY
                pause = min(watched.root.poll_interval, AWAY_POLL) if away else watched.root.poll_interval
                watched.next_poll = now + max(pause, 10 * watched.walk_took)
                self.scan(watched.path)

    # --- the scanner's thread ---

    def _work(self) -> None:
        while (wanted := self._queue.get()) is not None:
            with self._lock:
                self._waiting.discard(wanted)
            root, path, below = wanted
            try:
                if path:
                    self._scan_part(root, path, below)
                else:
                    self._scan_root(self._watched[root])
            except ProgramError as error:
                self._fatal(error)
            except Exception as error:  # a defect of ours, or a folder that vanished in a way not foreseen
                self._log.defect(error, root=root)
            with self._lock:
                self._under_way -= 1

    def _scan_part(self, root: str, path: str, below: bool) -> None:
        if below:
            for found in scan.walk(root, self._names, path):
                if not isinstance(found, Oddity):
                    self._notice(found)
        elif (folder := self._look(root, path)) is not None:
            self._notice(folder)
            return
        for key in self._sync.looks.below(root, path).values():  # what is no longer there is noticed by looking
            self._ready(key)

    def _look(self, root: str, path: str) -> Folder | None:
        try:
            return scan.look(root, path, self._names)
        except OSError:
            return None  # the folder's own turn shows what that means

    def _notice(self, folder: Folder) -> None:
        key, news = self._sync.notice(folder)
        if news:
            self._ready(key)

    def _scan_root(self, watched: _Watched) -> None:
        """The full comparison: everything there is against everything that is known."""
        began, root = time.monotonic(), watched.path
        missing = self._sync.looks.below(root)
        odd: list[Oddity] = []
        here = None
        try:
            here = _identity(root)
            for found in scan.walk(root, self._names):
                if isinstance(found, Oddity):
                    odd.append(found)
                    continue
                missing.pop(found.path, None)
                if not self._sync.looks.unchanged(found):
                    self._notice(found)
        except OSError as error:
            self._away(watched, f"it cannot be read: {error.strerror}")
            return
        watched.walk_took = time.monotonic() - began
        if missing and not scan.present(root):
            self._away(watched, "it is empty, although posts were in it")
            return
        for key in missing.values():
            self._ready(key)
        if watched.status.state is RootState.AWAY:
            self._log.info("root is back", root=root)
            watched.status = replace(watched.status, state=RootState.OK, error=None)
        if watched.identity != here:
            watched.identity = here
            self._watch(watched)
        watched.status = replace(watched.status, last_scan=datetime.now(UTC), oddities=_lasting(watched, odd))
        watched.scanned = True
        self._publish()

    def _away(self, watched: _Watched, why: str) -> None:
        if watched.status.state is not RootState.AWAY:
            self._log.warning("root is away", root=watched.path, why=why)
        finding = Finding(
            "ROOT_AWAY", f"{watched.path} is away: {why}", "mount or create it; its posts stand as they are"
        )
        watched.status = replace(watched.status, state=RootState.AWAY, error=finding)
        watched.identity, watched.scanned = None, True
        self._unwatch(watched)
        self._publish()

    def _publish(self) -> None:
        self._store.set_roots(self.statuses())

    # --- watching ---

    def _watch(self, watched: _Watched) -> None:
        """Begin to watch a root that (re)appeared. What keeps that from working is bridged by polling, and said."""
        self._unwatch(watched)
        watched.status = replace(watched.status, observer=_observer(watched.root), state=RootState.OK, error=None)
        if watched.status.observer != "native":
            return
        root = watched.path
        watcher = watch.NativeWatcher(
            root, self._names, lambda path, below: self.scan(root, path, below), lambda: self.scan(root)
        )
        trouble = watcher.start()
        if trouble is None:
            watched.watcher = watcher
            self.scan(root)  # what came between the walk and the watch
        else:
            self._log.warning("degraded", root=root, why=trouble.message, hint=trouble.hint)
            watched.status = replace(watched.status, observer="polling", state=RootState.DEGRADED, error=trouble)

    def _unwatch(self, watched: _Watched) -> None:
        if watched.watcher is not None:
            watched.watcher.stop()
            watched.watcher = None


def _observer(root: Root) -> str:
    if root.observer == "auto":
        return "polling" if watch.wants_polling(str(root.path)) else "native"
    return root.observer


def _identity(path: str) -> tuple[int, int] | None:
    """Device and inode of what is there now."""
    try:
        here = os.stat(path)
    except OSError:
        return None
    return here.st_dev, here.st_ino


def _lasting(watched: _Watched, odd: Sequence[Oddity]) -> tuple[Oddity, ...]:
    """The oddities to show: media without a sidecar only once that has been so for a while."""
    now = time.monotonic()
    watched.odd_since = {one.path: watched.odd_since.get(one.path, now) for one in odd}
    return tuple(
        one for one in odd if one.finding.code != "NO_SIDECAR" or now - watched.odd_since[one.path] >= NO_SIDECAR_AFTER
    )
