"""The daemon: builds everything from a config, and runs until it is told to stop.

Threads: a scanner and workers for each root (`roots`, `workers`), transfers (send bytes), tellers (`notifier`), the timers'
(`timers`, which only wake, or start a thread of their own), and the caller's, which watches over the others.
"""

from __future__ import annotations

import contextlib
import gc
import random
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import httpx

from postpost_sync import ledger
from postpost_sync.config.load import Config, api_key, notify_urls
from postpost_sync.daemon import heap
from postpost_sync.daemon.calendars import Calendars
from postpost_sync.daemon.heartbeat import Progress, clocks_ahead, sentence
from postpost_sync.daemon.instance import instance_id
from postpost_sync.daemon.notifier import Notifier
from postpost_sync.daemon.roots import Roots
from postpost_sync.daemon.rounds import Rounds
from postpost_sync.daemon.settling import Settling
from postpost_sync.daemon.systemd import ServiceManager
from postpost_sync.daemon.timers import Timers
from postpost_sync.daemon.vitals import Pulse
from postpost_sync.daemon.workers import Pool, Workers
from postpost_sync.disk import mounts, probe
from postpost_sync.disk.thumbnails import Thumbnails
from postpost_sync.log import Log
from postpost_sync.model.errors import ProgramError, printable
from postpost_sync.model.record import Record
from postpost_sync.model.states import UNFINISHED, WRONG, State
from postpost_sync.notify import delivery
from postpost_sync.notify.monitor import Monitor
from postpost_sync.post.names import names
from postpost_sync.service.account import Account
from postpost_sync.service.api import PostPost
from postpost_sync.service.connections import new_client, new_transport
from postpost_sync.service.tally import Tally
from postpost_sync.service.upload import Senders
from postpost_sync.store import Store
from postpost_sync.store.lock import Lock
from postpost_sync.sync.engine import Sync
from postpost_sync.sync.runtime import Runtime
from postpost_sync.sync.transfers import Uplink
from postpost_sync.sync.watched import Site, Watched

WORKERS = 16  # folders of a root worked on at once; they mostly wait for the network
FAR = 60.0  # seconds ahead for which timers are kept; what is due later is asked of the database then
HEARTBEAT = 1.0  # seconds
CLOCK_JUMP = 5.0  # seconds by which wall and monotonic time may drift apart between two heartbeats
STOP_WITHIN = 8.0  # seconds the threads have to end
LAST_WORDS = 2.0  # of these seconds, for a message that is under way


class Daemon:
    """One run. `start`, then `run` or `settle_all`, then `stop`."""

    def __init__(
        self,
        config: Config,
        environ: Mapping[str, str],
        log: Log,
        *,
        service: ServiceManager | None = None,
        transport: httpx.BaseTransport | None = None,
        instance: str | None = None,
    ) -> None:
        """ProgramError where a key is missing, nobody can be notified, the database cannot be used, or another has it."""
        self.config, self._log, self._service = config, log, service or ServiceManager({})
        keys = {root.path: api_key(root, environ) for root in config.roots}
        targets = delivery.targets(notify_urls(config, environ))
        with contextlib.ExitStack() as undo:
            self._lock = Lock(config.state_db)
            self._lock.acquire()
            undo.callback(self._lock.release)
            self.store = Store.open(config.state_db, check_beside=True)
            undo.callback(self.store.close)
            self._tally = Tally()
            self._client = self._new_client(transport)
            undo.callback(self._client.close)
            self._senders = Senders(lambda: self._new_client(transport))
            undo.callback(self._senders.close)
            gc.disable()  # of the hundred thousand folders that are taken to mind now, none is garbage
            undo.callback(gc.enable)
            self._wire(keys, targets, instance)
            self.store.checked()
            undo.pop_all()
        gc.enable()
        self._warn_of_network()

    def _wire(self, keys: Mapping[Path, str], targets: list[delivery.Target], instance: str | None) -> None:
        """Everything that works on the database, put together."""
        config, log = self.config, self._log
        # those of a root that does not answer give up their place in the line, but not their thread
        self._transfers = Pool(config.concurrency * len(config.roots), "transfer")
        self._fitters = Pool(len(config.roots), "fit")
        accounts: dict[tuple[str, str, str | None], Account] = {}
        sites: dict[str, Site] = {}
        for root in config.roots:
            who = (root.api.base_url, keys[root.path], root.api.user_id)
            if who not in accounts:
                accounts[who] = Account(PostPost(self._client, *who), who[1], who[2])
            sites[str(root.path)] = Site(str(root.path), root.policy, accounts[who])
        self.stopping = threading.Event()
        self.timers = Timers(self.stopping, log)
        instance = instance or instance_id(config.state_db)
        runtime = Runtime(self.timers.wake, time.monotonic, random.random, log, instance)
        watched = Watched.of(self.store, sites, names(config.ignore), runtime)
        self._folders, self._absence = watched.folders, watched.absence
        self._rounds = Rounds([*accounts.values()], self.store, self.timers, self._folders.in_memory, log)
        uplink = Uplink(self._transfers, self._senders, config.concurrency)
        self.sync = Sync(
            self.store,
            watched,
            uplink,
            runtime,
            far=FAR,
            fitters=self._fitters,
            others_come=lambda: self._workers.others_wait(),
        )
        self._workers = Workers(
            self.sync.advance,
            self.sync.order.urgency,
            self._folders.root_of,
            threads=WORKERS,
            defect=self._met_defect,
            fatal=self._give_up,
        )
        self.roots = Roots(
            config.roots,
            watched,
            self.store,
            ready=self._workers.ready,
            silent=self.sync.go_on_without,
            fatal=self._give_up,
            log=log,
        )
        self._settling = Settling(self.store, self._folders, self.roots, self._workers, self.timers)
        shown = {
            account: f"the API key of {', '.join(printable(p) for p, site in sites.items() if site.account is account)}"
            for account in accounts.values()
        }
        on, digest = config.notify.on, config.notify.digest
        self._notifier = Notifier(
            targets, self.store, on=on, digest=digest, roots=self.roots.statuses, accounts=shown, log=log
        )
        self._calendars = Calendars(
            config.roots,
            self.store,
            Thumbnails(config.state_db, names(config.ignore)),
            place=self.roots.place,
            log=log,
        )
        self._pulse = Pulse(
            self.store,
            self._tally,
            {path: site.account for path, site in sites.items()},
            statuses=self.roots.statuses,
            troubles=self._calendars.troubles,
            rescan=config.rescan,
            monitor=Monitor(config.monitor.ping_url, new_transport()) if config.monitor.ping_url else None,
            every=config.monitor.every,
            log=log,
        )
        self._fatal: ProgramError | None = None

    def _warn_of_network(self) -> None:
        place = str(self.config.state_db.parent)
        if (kind := mounts.filesystem(place)) and mounts.wants_polling(place):
            hint = "SQLite's locks are not safe there: name a place on a local disk as state_db"
            self._log.warning("the database is not on a local disk", path=self.config.state_db, kind=kind, hint=hint)

    def _met_defect(self, key: int, error: Exception) -> None:
        record = None
        with contextlib.suppress(ProgramError, KeyError):  # then the defect is said without its folder
            record = self.store.change(key, ledger.defect, self._rounds.now())
        self._log.defect(error, folder=f"{record.root}/{record.path}" if record else None)
        self.timers.wake(key, ledger.DEFECT_PAUSE)

    def _new_client(self, transport: httpx.BaseTransport | None) -> httpx.Client:
        client = new_client(self._tally.over(transport))
        client.event_hooks = {"response": [self._answered]}
        return client

    def _answered(self, response: httpx.Response) -> None:
        request = response.request
        self._log.debug("answer", method=request.method, url=request.url, status=response.status_code)

    # --- running ---

    def start(self) -> None:
        """Start every thread; the first scan of each root is under way when this returns."""
        probe.start()
        gc.freeze()  # nor later: else the first scan is held up by a second of looking for it
        self.timers.start(self._workers.ready)
        self.sync.start()
        self._rounds.wake_pending()
        self.roots.start()
        self._notifier.start()
        self._calendars.start()
        self._pulse.start()
        if self._notifier:
            self.timers.hourly(self._rounds.ask_accounts)
        self.timers.hourly(self._rounds.ask_limits)
        self.timers.hourly(self._reconcile)
        self.timers.regularly(self.roots.scan_all, self.config.rescan)
        self.timers.regularly(heap.give_back, heap.GIVE_BACK_EVERY)

    def run(self) -> None:
        """Until `request_stop`; ProgramError where the program cannot go on."""
        for _ in self.heartbeats():
            pass

    def heartbeats(self) -> Iterator[None]:
        """Watch over everything until `request_stop`, pausing here once a second."""
        clocks, version = clocks_ahead(), self.store.data_version()
        progress = Progress(self._service)
        while not self.stopping.wait(HEARTBEAT if progress.ready else HEARTBEAT / 20):
            try:
                self.roots.look_after()
                self._lock.check()
                self._rounds.wake_due()
                self._pulse.write()
                newest = self.store.data_version()
                if newest != version:  # a person's `retry`, from another process
                    self._rounds.wake_pending()
            except ProgramError as error:
                self._give_up(error)
                break
            before, clocks = clocks, clocks_ahead()
            moved = max((now - then for now, then in zip(clocks, before, strict=True)), key=abs)
            if abs(moved) > CLOCK_JUMP:
                self._take_clock_anew(moved)
            version = newest
            self._say(progress)
            yield
        if self._fatal is not None:
            raise self._fatal

    def _say(self, progress: Progress) -> None:
        if self.roots.scanned():
            progress.started()
        progress.at_work(*self.progress(), sound=self.working())
        progress.say(self._summary)

    def _summary(self) -> str:
        return sentence(self.store.states(), self.roots.statuses(), self._notifier.troubles())

    def _take_clock_anew(self, moved: float) -> None:
        """The clock was set, or the machine slept: timers may be off, and anything may have happened meanwhile."""
        self._log.info("the clock moved, or the machine slept", seconds=round(moved))
        self._rounds.take_clocks_anew()
        self.sync.reconciliation.begin_anew()
        self.roots.scan_all()
        self._rounds.wake_pending()
        self.timers.soon()

    def _reconcile(self) -> None:
        """Notice what people changed at PostPost."""
        try:
            self.sync.reconciliation.run()
        except ProgramError as error:
            if not self.stopping.is_set():  # else the database was closed meanwhile
                self._give_up(error)

    def settle_all(self, wait: float) -> None:
        """Take every post as far as it goes within `wait` seconds.

        What is done hourly or daily is done meanwhile, where that time has passed: they are compared with PostPost's, and
        the platforms' limits asked for.
        """
        deadline = time.monotonic() + wait
        rounds = [self._reconcile] if self.sync.reconciliation.is_due() else []
        rounds += [self._rounds.ask_limits] if self._rounds.limits_are_old() else []
        beside = [self.timers.apart(one) for one in rounds]
        while time.monotonic() < deadline and not self.stopping.wait(0.1):
            if not any(one.is_alive() for one in beside) and self._settling.is_over(deadline):
                break
        if self._fatal is not None:
            raise self._fatal

    def tell(self, within: float) -> None:
        """Say now what there is to say: to people, in the calendars, to the monitor."""
        ends = time.monotonic() + within
        self._notifier.finish(within, self.stopping)
        self._calendars.finish(max(1.0, ends - time.monotonic()), self.stopping)
        self._pulse.write(now=True)
        self._pulse.finish(max(1.0, ends - time.monotonic()), self.stopping)

    def open_posts(self) -> list[Record]:
        """Those that are not where their folders want them, whether they are on their way or need a person."""
        served = {str(root.path) for root in self.config.roots}
        found = self.store.records(*WRONG, *UNFINISHED, State.SCHEDULED)
        return [one for one in found if one.root in served and not (one.state is State.SCHEDULED and one.done)]

    def working(self) -> bool:
        """Whether all threads live, and nothing that was due has been left lying."""
        return self._workers.alive() and self.roots.alive() and self.timers.on_time()

    def progress(self) -> tuple[int, bool]:
        """A number that grows as folders are taken forward, and whether there is anything to do at all."""
        return self._workers.finished, not self._workers.idle(self._absence.silent)

    # --- the end ---

    def _give_up(self, error: ProgramError) -> None:
        error.status = 1  # not a start-up error: a service manager should try again
        if self._fatal is None:  # the others meet the same
            self._fatal = error
            self._log.error("cannot go on", why=error.message, hint=error.hint)
        self.stopping.set()

    def request_stop(self) -> None:
        """End soon. Safe in a signal handler."""
        self.stopping.set()

    def stop(self) -> bool:
        """End every thread; what is under way is broken off and taken up at the next start. False: some did not end."""
        self.stopping.set()
        ends = time.monotonic() + STOP_WITHIN
        self.store.hurry(STOP_WITHIN / 2)
        self.timers.stop()
        self.sync.transfers.stop()
        self.sync.copies.stop()
        self.roots.stop(STOP_WITHIN / 2)
        self._workers.stop(max(0.0, ends - LAST_WORDS - time.monotonic()))
        self._calendars.stop(0.0 if time.monotonic() > ends - LAST_WORDS else 1.0)
        self._pulse.stop(0.0)
        self._notifier.stop(min(LAST_WORDS, max(0.0, ends - time.monotonic())))
        while self._folders.sending() and time.monotonic() < ends:
            self.sync.transfers.stop()  # also what a worker began meanwhile
            time.sleep(0.05)
        self._transfers.shutdown(wait=False, cancel_futures=True)
        self._fitters.shutdown(wait=False, cancel_futures=True)
        ended = not self._folders.sending()
        if ended:
            self._client.close()
            self._senders.close()
        self.store.close()
        self._lock.release()
        gc.unfreeze()
        return ended
