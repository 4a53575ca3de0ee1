"""The daemon: builds everything from a config, owns the threads and the timers, and runs until it is told to stop.

Threads: a scanner (walks what rescans and hints name), workers (each takes one folder as far as it goes), transfers (send
bytes), APScheduler's (timers, which only wake), and the caller's, which watches over the others.
"""

from __future__ import annotations

import itertools
import os
import queue
import random
import threading
import time
import uuid
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
from apscheduler.schedulers.background import BackgroundScheduler

from postpost_sync import scan, upload, watch
from postpost_sync.account import Account
from postpost_sync.api import PostPost
from postpost_sync.config import Config, Root, api_key
from postpost_sync.errors import Finding, ProgramError
from postpost_sync.lock import Lock
from postpost_sync.log import Log
from postpost_sync.models import Folder, Oddity, Record, RootState, RootStatus
from postpost_sync.names import Names
from postpost_sync.states import State
from postpost_sync.store import Store
from postpost_sync.sync import DEFECT_PAUSE, Site, Sync

WORKERS = 16  # folders worked on at once; they mostly wait for the network
FAR = 60.0  # seconds ahead for which timers are kept; what is due later is asked of the database then
HEARTBEAT = 1.0  # seconds
CLOCK_JUMP = 5.0  # seconds by which wall and monotonic time may drift apart between two heartbeats
NO_SIDECAR_AFTER = 600.0  # seconds media may lie in a folder without a sidecar before that is shown
STOP_WITHIN = 8.0  # seconds the threads have to end
_AT_REST = frozenset({State.INVALID, State.FAILED, State.HELD, State.CANCELLED})


@dataclass
class _Watched:
    """What the daemon keeps in mind about one root."""

    root: Root
    status: RootStatus
    watcher: watch.NativeWatcher | None = None
    identity: tuple[int, int] | None = None  # device and inode of the root while it was last there
    walk_took: float = 0.0
    next_poll: float = 0.0  # monotonic
    odd_since: dict[str, float] = field(default_factory=dict)

    @property
    def path(self) -> str:
        return str(self.root.path)


class Daemon:
    """One run. `start`, then `run` or `settle_all`, then `stop`."""

    def __init__(
        self,
        config: Config,
        environ: Mapping[str, str],
        log: Log,
        *,
        transport: httpx.BaseTransport | None = None,
        on_heartbeat: Callable[[], None] | None = None,
        instance: str | None = None,
    ) -> None:
        self.config, self.log = config, log
        self._on_heartbeat = on_heartbeat
        keys = {root.path: api_key(root, environ) for root in config.roots}
        self.lock = Lock(config.state_db)
        self.lock.take()
        self.store = Store.open(config.state_db)
        self._client = upload.new_client(transport)
        self._transfers = ThreadPoolExecutor(config.concurrency, "transfer")
        self._scheduler = BackgroundScheduler(
            timezone=UTC, job_defaults={"misfire_grace_time": None, "coalesce": True, "max_instances": 1}
        )
        self._names = Names(config.ignore)
        accounts: dict[tuple[str, str, str | None], Account] = {}
        sites: dict[str, Site] = {}
        for root in config.roots:
            who = (root.api.base_url, keys[root.path], root.api.user_id)
            if who not in accounts:
                accounts[who] = Account(PostPost(self._client, *who), who[1], who[2])
            sites[str(root.path)] = Site(str(root.path), root.policy, accounts[who])
        self.sync = Sync(
            self.store,
            sites,
            self._names,
            self._client,
            self._transfers,
            instance=instance or instance_id(config.state_db),
            concurrency=config.concurrency,
            wake=self.wake,
            monotonic=time.monotonic,
            jitter=random.random,
            log=log,
            far=FAR,
        )
        self._watched = {
            str(root.path): _Watched(root, RootStatus(str(root.path), self._observer_of(root), RootState.OK))
            for root in config.roots
        }
        self.stopping = threading.Event()
        self._condition = threading.Condition()
        self._ready: queue.PriorityQueue[tuple[float, int, int]] = queue.PriorityQueue()
        self._order = itertools.count()
        self._queued: set[int] = set()
        self._busy: set[int] = set()
        self._again: set[int] = set()
        self._due: dict[int, float] = {}  # key -> monotonic time of its next wake
        self._scans: queue.Queue[tuple[str, str, bool] | None] = queue.Queue()
        self._scans_waiting: set[tuple[str, str, bool]] = set()
        self._scanning = 0
        self._threads: list[threading.Thread] = []
        self._sites = sites
        self._due_until = datetime.now(UTC)

    def _observer_of(self, root: Root) -> str:
        if root.observer == "auto":
            return "polling" if watch.wants_polling(str(root.path)) else "native"
        return root.observer

    # --- waking folders ---

    def wake(self, key: int, after: float) -> None:
        """Look at a folder, now or in `after` seconds. A later call replaces the time of an earlier one."""
        if after > 0:
            with self._condition:
                self._due[key] = time.monotonic() + after
            if not self.stopping.is_set():
                at = datetime.now(UTC) + timedelta(seconds=after)
                self._scheduler.add_job(
                    self.wake, "date", run_date=at, args=(key, 0.0), id=str(key), replace_existing=True
                )
            return
        with self._condition:
            self._due.pop(key, None)
            if key in self._busy:
                self._again.add(key)
            elif key not in self._queued:
                self._queued.add(key)
                self._ready.put((self._urgency(key), next(self._order), key))

    def _urgency(self, key: int) -> float:
        """Posts are taken in the order of their times; a folder that was not read yet comes first, to learn its time."""
        return self.sync.times.get(key, 0.0)

    def _work(self) -> None:
        while True:
            _, _, key = self._ready.get()
            if key < 0:
                return
            with self._condition:
                self._queued.discard(key)
                self._busy.add(key)
            try:
                self.sync.advance(key)
            except ProgramError as error:  # the database: nothing may be done that cannot be written down
                self.log.error("cannot go on", why=error.message, hint=error.hint)
                self._fatal = error
                self.stopping.set()
            except Exception as error:  # a defect of ours must not stop the other posts
                self.log.defect(error, key=key)
                self.wake(key, DEFECT_PAUSE)
            finally:
                with self._condition:
                    self._busy.discard(key)
                    again = key in self._again
                    self._again.discard(key)
                    self._condition.notify_all()
                if again:
                    self.wake(key, 0.0)

    _fatal: ProgramError | None = None

    # --- scanning ---

    def request_scan(self, root: str, path: str = "", below: bool = True) -> None:
        """Look at a folder below a root soon, and below it where `below`."""
        wanted = (root, path, below)
        with self._condition:
            if wanted in self._scans_waiting:
                return
            self._scans_waiting.add(wanted)
            self._scanning += 1
        self._scans.put(wanted)

    def _scan_loop(self) -> None:
        while (wanted := self._scans.get()) is not None:
            with self._condition:
                self._scans_waiting.discard(wanted)
            root, path, below = wanted
            try:
                if not path:
                    self._scan_root(self._watched[root])
                else:
                    self._scan_part(root, path, below)
            except ProgramError as error:
                self._fatal = error
                self.stopping.set()
            except Exception as error:
                self.log.defect(error, root=root)
            finally:
                with self._condition:
                    self._scanning -= 1
                    self._condition.notify_all()

    def _scan_part(self, root: str, path: str, below: bool) -> None:
        if below:
            for found in scan.walk(root, self._names, path):
                if not isinstance(found, Oddity):
                    self._noticed(self.sync.notice(found))
            for key in self.sync.looks.below(root, path).values():
                self.wake(key, 0.0)
        elif (folder := self._look(root, path)) is not None:
            self._noticed(self.sync.notice(folder))
        else:
            for key in self.sync.looks.below(root, path).values():
                self.wake(key, 0.0)

    def _look(self, root: str, path: str) -> Folder | None:
        try:
            return scan.look(root, path, self._names)
        except OSError:
            return None  # the folder's own turn shows what that means

    def _noticed(self, noticed: tuple[int, bool]) -> None:
        key, news = noticed
        if news:
            self.wake(key, 0.0)

    def _scan_root(self, watched: _Watched) -> None:
        """The full comparison: everything there is against everything that is known."""
        began, root = time.monotonic(), watched.path
        missing = self.sync.looks.below(root)
        odd: list[Oddity] = []
        try:
            here = os.stat(root)
            for found in scan.walk(root, self._names):
                if isinstance(found, Oddity):
                    odd.append(found)
                    continue
                missing.pop(found.path, None)
                if not self.sync.looks.unchanged(found):
                    self._noticed(self.sync.notice(found))
        except OSError as error:
            self._away(watched, f"it cannot be read: {error.strerror}")
            return
        watched.walk_took = time.monotonic() - began
        if missing and not scan.present(root):
            self._away(watched, "it is empty, although posts were in it")
            return
        for key in missing.values():
            self.wake(key, 0.0)
        if watched.identity != (here.st_dev, here.st_ino):
            watched.identity = (here.st_dev, here.st_ino)
            self._watch(watched)
        state = (
            RootState.DEGRADED if watched.status.error and watched.status.state is not RootState.AWAY else RootState.OK
        )
        trouble = watched.status.error if state is RootState.DEGRADED else None
        if watched.status.state is RootState.AWAY:
            self.log.info("root is back", root=root)
        watched.status = replace(
            watched.status,
            state=state,
            error=trouble,
            last_scan=datetime.now(UTC),
            oddities=self._lasting(watched, odd),
        )
        self._publish_roots()

    def _lasting(self, watched: _Watched, odd: list[Oddity]) -> tuple[Oddity, ...]:
        """The oddities to show: media without a sidecar only once that has been so for a while."""
        now = time.monotonic()
        watched.odd_since = {one.path: watched.odd_since.get(one.path, now) for one in odd}
        return tuple(
            one
            for one in odd
            if one.finding.code != "NO_SIDECAR" or now - watched.odd_since[one.path] >= NO_SIDECAR_AFTER
        )

    def _away(self, watched: _Watched, why: str) -> None:
        if watched.status.state is not RootState.AWAY:
            self.log.warning("root is away", root=watched.path, why=why)
        finding = Finding(
            "ROOT_AWAY", f"{watched.path} is away: {why}", "mount or create it; its posts stand as they are"
        )
        watched.status = replace(watched.status, state=RootState.AWAY, error=finding)
        watched.identity = None
        if watched.watcher is not None:
            watched.watcher.stop()
            watched.watcher = None
        self._publish_roots()

    def _watch(self, watched: _Watched) -> None:
        """Begin to watch a root that (re)appeared."""
        if watched.watcher is not None:
            watched.watcher.stop()
            watched.watcher = None
        watched.status = replace(watched.status, observer=self._observer_of(watched.root), error=None)
        if watched.status.observer != "native":
            return
        root = watched.path
        watcher = watch.NativeWatcher(
            root,
            self._names,
            lambda path, below: self.request_scan(root, path, below),
            lambda: self.request_scan(root),
        )
        trouble = watcher.start()
        if trouble is None:
            watched.watcher = watcher
            self.request_scan(root)  # what came between the walk and the watch
        else:
            self.log.warning("degraded", root=root, why=trouble.message, hint=trouble.hint)
            watched.status = replace(watched.status, observer="polling", state=RootState.DEGRADED, error=trouble)

    def _publish_roots(self) -> None:
        self.store.set_roots([watched.status for watched in self._watched.values()])

    # --- running ---

    def start(self) -> None:
        """Start every thread; the first scan of each root is under way when this returns."""
        self._scheduler.start()
        self._wake_pending()
        for root in self._watched:
            self.request_scan(root)
        targets = [self._scan_loop, *[self._work] * WORKERS]
        self._threads = [threading.Thread(target=target, daemon=True) for target in targets]
        for thread in self._threads:
            thread.start()
        self._scheduler.add_job(
            self._rescan, "interval", seconds=max(self.config.rescan, 1.0), jitter=self.config.rescan * 0.1, id="rescan"
        )

    def _rescan(self) -> None:
        for root in self._watched:
            self.request_scan(root)

    def run(self) -> None:
        """Until `request_stop`; ProgramError where the program cannot go on."""
        offset, version = time.time() - time.monotonic(), self.store.data_version()
        while not self.stopping.wait(HEARTBEAT):
            version = self._heartbeat(version)
            now_offset = time.time() - time.monotonic()
            if abs(now_offset - offset) > CLOCK_JUMP:
                self.log.info("the clock moved, or the machine slept", seconds=round(now_offset - offset))
                self._rescan()
                self._wake_pending()
                self._scheduler.reschedule_job("rescan", trigger="interval", seconds=max(self.config.rescan, 1.0))
            offset = now_offset
        if self._fatal is not None:
            raise self._fatal

    def _heartbeat(self, version: int) -> int:
        now = time.monotonic()
        for watched in self._watched.values():
            away = watched.status.state is RootState.AWAY
            lost = watched.watcher is not None and not watched.watcher.alive()
            if lost:
                self.log.warning("watching stopped by itself; starting it again", root=watched.path)
                watched.identity = None
            if watched.identity is not None and self._identity(watched) != watched.identity:
                lost = True
            polled = watched.watcher is None
            if lost or (polled and now >= watched.next_poll):
                pause = max(
                    min(watched.root.poll_interval, 5.0) if away else watched.root.poll_interval, 10 * watched.walk_took
                )
                watched.next_poll = now + pause
                self.request_scan(watched.path)
        self._wake_due()
        newest = self.store.data_version()
        if newest != version:
            self._wake_pending()
        if self._on_heartbeat is not None:
            self._on_heartbeat()
        return newest

    def _identity(self, watched: _Watched) -> tuple[int, int] | None:
        try:
            here = os.stat(watched.path)
        except OSError:
            return None
        return here.st_dev, here.st_ino

    def _wake_pending(self) -> None:
        self._due_until = self._now()
        for key in self.store.pending(self._due_until):
            self.wake(key, 0.0)

    def _wake_due(self) -> None:
        since, self._due_until = self._due_until, self._now()
        for key in self.store.due(since, self._due_until):
            self.wake(key, 0.0)

    def _now(self) -> datetime:
        """The latest of the services' times."""
        return max((site.account.now() for site in self._sites.values()), default=datetime.now(UTC))

    def settle_all(self, wait: float) -> list[Record]:
        """Take every post as far as it goes within `wait` seconds; the records of all folders then."""
        deadline = time.monotonic() + wait
        with self._condition:
            while not self.stopping.is_set() and time.monotonic() < deadline:
                if not self._scanning and not self._queued and not self._busy and self._all_at_rest(deadline):
                    break
                self._condition.wait(0.2)
                if self._on_heartbeat is not None:
                    self._on_heartbeat()
        if self._fatal is not None:
            raise self._fatal
        return [record for record in self.store.records() if record.root in self._watched]

    def _all_at_rest(self, deadline: float) -> bool:
        if self.sync.looks.sending():
            return False
        for record in self.store.records():
            if record.root not in self._watched:
                continue
            ended = record.done or record.state in _AT_REST
            if ended and self.sync.looks.as_recorded(record):
                continue  # its next wake, if any, is about what becomes of it
            if self._due.get(record.key, deadline) < deadline:
                return False
        return True

    def request_stop(self) -> None:
        """End soon. Safe in a signal handler."""
        self.stopping.set()

    def stop(self) -> None:
        """End every thread; what is under way is broken off and taken up at the next start."""
        self.stopping.set()
        ends = time.monotonic() + STOP_WITHIN
        for watched in self._watched.values():
            if watched.watcher is not None:
                watched.watcher.stop()
        if self._scheduler.running:
            self._scheduler.shutdown(wait=False)
        self.sync.transfers.stop()
        self._scans.put(None)
        for _ in range(WORKERS):
            self._ready.put((-1.0, -1, -1))
        for thread in self._threads:
            thread.join(max(0.0, ends - time.monotonic()))
        self._transfers.shutdown(wait=False, cancel_futures=True)
        self._client.close()
        self.store.close()
        self.lock.release()


def instance_id(state_db: Path) -> str:
    """Stable for one machine and one database path, even where the file is lost."""
    machine = ""
    for source in ("/etc/machine-id", "/var/lib/dbus/machine-id"):
        try:
            machine = Path(source).read_text(encoding="ascii").strip()
        except (OSError, UnicodeDecodeError):
            continue
        if machine:
            break
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"postpost-sync:{machine or os.uname().nodename}:{state_db}"))
