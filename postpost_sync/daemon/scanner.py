"""One watch root: compared in full again and again, and known to be away where it is. It decides nothing.

One thread does all that touches the root's file system, so that one that hangs holds up no other. What it finds new or
changed is made ready for the workers.
"""

from __future__ import annotations

import queue
import threading
import time
from bisect import bisect_left
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import NamedTuple

from postpost_sync.config.load import Root
from postpost_sync.daemon import presence
from postpost_sync.daemon.observer import Observer
from postpost_sync.daemon.oddities import Oddities
from postpost_sync.daemon.presence import Presence
from postpost_sync.disk import scan
from postpost_sync.disk.mounts import Place, place_of
from postpost_sync.disk.root_lock import RootLock
from postpost_sync.log import Log
from postpost_sync.model.errors import Finding, ProgramError
from postpost_sync.model.folder import Folder
from postpost_sync.model.program import Oddity, RootState, RootStatus
from postpost_sync.store import Store
from postpost_sync.sync.watched import Watched

AWAY_POLL = 5.0  # seconds between two looks at a root that is away, at the most
DEFECT_PAUSE = 60.0  # seconds for which a root is left alone that met a defect of ours
SILENT_AFTER = 30.0  # seconds without an answer about a single folder before a file system counts as away


class Task(NamedTuple):
    what: str  # scan, watch or check
    path: str = ""
    below: bool = True


CHECK = Task("check")
_WATCH = Task("watch")
_DEFECT = Finding(
    "DEFECT",
    "postpost-sync met a defect of its own at this watch root; its log says more",
    "it is compared again by itself; please report what the log says",
)


@dataclass(frozen=True)
class Told:
    """Who is told what by a scanner, in its own thread."""

    ready: Callable[[int], None]
    """The folder with that key is to be looked at."""
    publish: Callable[[], None]
    """The root's status is another one."""
    fatal: Callable[[ProgramError], None]
    """The program cannot go on."""
    served: Callable[[str, Place], str | None]
    """The root is at that place. What is answered is the root that is served already and holds some of the same folders."""


class Scanner:
    """All but `ask` and the questions is done by its own thread, which owns everything else here."""

    def __init__(self, root: Root, watched: Watched, store: Store, told: Told, log: Log) -> None:
        self.root, self.path = root, str(root.path)
        self._watched, self._folders, self._names = watched, watched.folders, watched.names
        self._told, self._log = told, log
        self._observer = Observer(root, self._names, lambda path, below: self.ask(Task("scan", path, below)), log)
        self._queue: queue.SimpleQueue[Task] = queue.SimpleQueue()
        self._waiting: set[Task] = set()
        self._busy = False
        self._lock = threading.Lock()  # of the two above
        self._asked_disk_at: float | None = None  # monotonic; None while no answer of the file system is waited for
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._work, name=f"scanner {self.path}", daemon=True)
        self._status = RootStatus(self.path, "polling", RootState.OK)  # as long as nothing is known about it
        self._presence = Presence(self.path, watched, store)
        self._root_lock = RootLock(self.path)
        watched.absence.found_served(self.path, served=False)
        self._away_because: Finding | None = None
        self._defect: Finding | None = None  # that one of ours came between, until it was compared since
        self._not_before = 0.0  # monotonic: it is left alone until then
        self._last_scan: datetime | None = None
        self._walk_took = 0.0
        self._oddities = Oddities()
        self._known: dict[str, int] | None = None  # path -> key, as long as a burst of tasks lasts
        self._paths: list[str] = []  # the same, sorted

    # --- from any thread ---

    def start(self) -> None:
        self._thread.start()

    def ask(self, task: Task) -> None:
        with self._lock:
            if task in self._waiting:
                return
            self._waiting.add(task)
        self._queue.put(task)

    def idle(self) -> bool:
        with self._lock:
            return not self._busy and not self._waiting - {CHECK}

    def alive(self) -> bool:
        return self._thread.is_alive()

    def silent(self) -> bool:
        """Whether its file system has been leaving a question unanswered: a dead network share, most likely."""
        since = self._asked_disk_at
        return since is not None and time.monotonic() - since > SILENT_AFTER

    def scanned(self) -> bool:
        """Whether it has been compared once, or found to be away, or it is said why it cannot be compared."""
        now = self.status()
        return now.last_scan is not None or now.state is RootState.AWAY or now.error is _DEFECT

    def status(self) -> RootStatus:
        known = self._status
        if not self.silent():
            return known
        why = presence.silent(self.path, SILENT_AFTER)
        return replace(known, state=RootState.AWAY, error=why)

    def place(self) -> Place | None:
        """Where it is, while it is there and was compared."""
        return self._presence.place if self._last_scan is not None and not self.silent() else None

    def end(self) -> None:
        self._ended.set()
        self.ask(CHECK)

    def join(self, within: float) -> None:
        if self._thread.is_alive():
            self._thread.join(within)

    # --- its own thread ---

    def _work(self) -> None:
        while not self._ended.is_set():
            task = self._queue.get()
            with self._lock:
                self._waiting.discard(task)
                self._busy = task is not CHECK
            try:
                self._do(task)
            except ProgramError as error:
                self._told.fatal(error)
            except Exception as error:  # a defect of ours, or a folder that vanished in a way not foreseen
                self._met_defect(error)
            self._asked_disk_at = None
            if self._queue.empty():
                self._known = None
            with self._lock:
                self._busy = False
        self._root_lock.release()  # first of all: who comes after this one needs it, whatever is wrong with what observes
        self._observer.lost()

    def _met_defect(self, error: Exception) -> None:
        """It is shown, and the root left alone for a while: it would be met again each second."""
        self._log.defect(error, root=self.path)
        self._defect, self._not_before = _DEFECT, time.monotonic() + DEFECT_PAUSE
        try:
            self._show()
        except ProgramError as fault:
            self._told.fatal(fault)

    def _do(self, task: Task) -> None:
        if self._ended.is_set():
            return
        if self._not_before:
            if time.monotonic() < self._not_before:
                return
            self._not_before = 0.0
            self.ask(Task("scan"))  # what was asked for meanwhile is in it
        if task is _WATCH:
            self._asked_disk_at = time.monotonic() + 10 * self._walk_took  # it goes over all folders without a word
            self._observer.begin()
            self._show()
            return
        self._answered()
        if task is CHECK:
            self._check()
        elif not (path := self._presence.served_at(task.path)):
            self._scan_root()
        elif task.below:
            self._scan_below(path)
        else:
            self._scan_one(path)

    def _scan_one(self, path: str) -> None:
        try:
            folder = scan.look(self.path, path, self._names)
        except OSError:
            folder = None  # the folder's own turn shows what that means
        if folder is not None:
            self._notice(folder)
        else:
            self._ready_above(path)

    def _ready_above(self, path: str) -> None:
        """The post folder at that path, or the nearest one above: what lies in its folders may matter to it."""
        known = self._all_known()
        while path and path not in known:
            path = path.rpartition("/")[0]
        if path:
            self._told.ready(known[path])

    def _scan_below(self, path: str) -> None:
        found = set()
        for seen in scan.walk(
            self.path, self._names, path, visit=lambda _: self._answered(), skip=self._presence.again
        ):
            if isinstance(seen, Folder):
                found.add(seen.path)
                self._compare(seen)
        if not found:
            self._ready_above(path)
        elif path not in self._observer.remote():  # what is new: nothing can be missing below it
            return
        known = self._all_known()
        first, end = bisect_left(self._paths, f"{path}/"), bisect_left(self._paths, f"{path}0")  # "0" follows "/"
        missing = [known[one] for one in (path, *self._paths[first:end]) if one in known and one not in found]
        for key in missing:
            self._told.ready(key)

    def _scan_root(self) -> None:
        """The full comparison: everything there is against everything that is known."""
        began = time.monotonic()
        missing = self._folders.below(self.path)
        any_known = bool(missing)
        anything, odd, visited = False, list[Oddity](), list[str]()
        new: list[Folder] = []
        last_mark = 0

        def visit(path: str) -> None:
            visited.append(path)
            self._asked_disk_at = time.monotonic()

        def as_before(path: str, mark: int) -> bool:
            nonlocal last_mark, anything
            last_mark = mark
            if path not in missing or self._ended.is_set() or not self._folders.as_before(self.path, path, mark):
                return False
            del missing[path]
            anything = True
            return True

        try:
            place = place_of(self.path)
            another = place != self._presence.place
            if another and (other := self._told.served(self.path, place)) is not None:
                self._not_served(presence.overlaps(self.path, other))
                return
            if another and not self._root_lock.take():
                self._not_served(presence.served_by_another(self.path))
                return
            self._watched.absence.found_served(self.path, served=True)
            missing = self._presence.found(place, missing)
            walk = scan.walk(self.path, self._names, visit=visit, skip=self._presence.again, as_before=as_before)
            for found in walk:
                if self._ended.is_set():
                    return
                if isinstance(found, Oddity):
                    odd.append(found)
                    continue
                anything = True
                if missing.pop(found.path, None) is None and any_known and another:
                    new.append(found)  # whether it was moved there shows once the numbers of its file systems are known
                else:
                    self._compare(found, last_mark)
        except OSError as error:
            self._not_served(presence.away(self.path, f"it cannot be read: {error.strerror}"))
            return
        self._walk_took = time.monotonic() - began
        if missing and not anything and (why := self._presence.vanished(missing)):
            self._not_served(presence.away(self.path, why))
            return
        self._folders.renumber(self.path)
        for folder in new:
            self._notice(folder)
        for key in missing.values():
            self._told.ready(key)
        self._take_in(place, visited)
        self._oddities.keep([*odd, *self._presence.odd(missing)])
        self._last_scan, self._defect = datetime.now(UTC), None
        self._show()

    def _answered(self) -> None:
        self._asked_disk_at = time.monotonic()

    def _compare(self, folder: Folder, mark: int = 0) -> None:
        if not self._folders.unchanged(folder, mark):
            self._notice(folder)

    def _notice(self, folder: Folder) -> None:
        if self._presence.changed():  # it may be seen through a mount that came meanwhile, and be served elsewhere
            self.ask(Task("scan"))
            return
        key, news = self._watched.notice(folder)
        if news:
            self._told.ready(key)

    def _all_known(self) -> dict[str, int]:
        if self._known is None:
            self._known = self._folders.below(self.path)
            self._paths = sorted(self._known)
        return self._known

    # --- there, away, replaced ---

    def _take_in(self, place: Place, visited: list[str]) -> None:
        """The root is there."""
        if self._away_because is not None:
            self._log.info("root is back", root=self.path)
            self._away_because = None
        if self._presence.taken_in():
            self._observer.found(place.mounts)
            self._observer.poll_later(self._pause())
            self.ask(_WATCH)
        else:
            self._observer.walked(visited)

    def _not_served(self, why: Finding) -> None:
        if self._away_because is None or self._away_because.code != why.code:
            self._log.warning("root is away", root=self.path, why=why.message, hint=why.hint)
        self._away_because = why
        self._watched.absence.found_served(self.path, served=False)
        self._presence.away()
        self._observer.lost()
        self._show()

    def _check(self) -> None:
        """What is to be done when nothing is heard: the root's own state, how it is observed, and what lasts."""
        if self._presence.place is not None and self._presence.changed():
            self._log.info("root was replaced or mounted anew", root=self.path)
            self._presence.lost()
            self._observer.lost()
            self.ask(Task("scan"))
            return
        if self._observer.check(self._pause()):
            self.ask(_WATCH)
        self._show()

    def _pause(self) -> float:
        """Seconds between two polls."""
        pause = self.root.poll_interval
        if self._away_because is not None:
            pause = min(pause, AWAY_POLL)
        return max(pause, 10 * self._walk_took)

    # --- what there is to see ---

    def _show(self) -> None:
        trouble = self._away_because or self._defect or self._observer.trouble
        state = RootState.OK if trouble is None else RootState.DEGRADED
        if self._away_because is not None:
            state = RootState.AWAY
        status = RootStatus(
            self.path, self._observer.observer, state, trouble, self._last_scan, self._oddities.lasting()
        )
        if status != self._status:
            self._status = status
            self._told.publish()
