"""How the daemon is: what it counts, written down for those who only look, and told to a monitor that notices its death."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime

from postpost_sync.daemon import beside
from postpost_sync.log import Log
from postpost_sync.model.errors import Finding, ProgramError, printable
from postpost_sync.model.program import RootStatus
from postpost_sync.model.times import to_service
from postpost_sync.model.vitals import OVERDUE, Vitals, ailments
from postpost_sync.notify.monitor import Monitor, Ping
from postpost_sync.post import targets
from postpost_sync.service.account import Account
from postpost_sync.service.tally import Tally
from postpost_sync.store import Store

WRITE_EVERY = 10.0  # seconds, where something changed
AGAIN_AFTER = 20.0  # seconds, at the most, until a ping that did not get through is tried again
FAILED_TIMES = 3  # pings in a row that did not get through, after which it is said


class Pulse(beside.Beside):
    """`write` what is counted now and then; `start`, perhaps `finish`, then `stop` the pings where there is a monitor."""

    def __init__(
        self,
        store: Store,
        tally: Tally,
        accounts: Mapping[str, Account],
        *,
        statuses: Callable[[], list[RootStatus]],
        troubles: Callable[[], list[Finding]],
        rescan: float,
        monitor: Monitor | None,
        every: float,
        log: Log,
    ) -> None:
        """`accounts`: root -> the account that it posts as. `troubles`: what else is to be told and is no post's."""
        super().__init__("monitor")
        self._store, self._tally, self._accounts, self._statuses = store.overview, tally, accounts, statuses
        self._rescan, self._log, self._monitor, self._every = rescan, log, monitor, every
        self._troubles, self._started, self._began = troubles, datetime.now(UTC), time.monotonic()
        self._written, self._write_at = "", 0.0
        self._failures = 0

    def write(self, *, now: bool = False) -> None:
        """ProgramError where the database cannot be used."""
        if time.monotonic() < self._write_at and not now:
            return
        self._write_at = time.monotonic() + WRITE_EVERY
        text = self.vitals().text()
        if text != self._written:
            self._store.set_vitals(text)
            self._written = text

    def vitals(self) -> Vitals:
        calls, sent = self._tally.counts()
        keys = {printable(root): _taken(account) for root, account in self._accounts.items()}
        refused = {root: account.refused for root, account in self._accounts.items()}
        why = {printable(root): found.message for root, found in refused.items() if found is not None}
        return Vitals(to_service(self._started), sent, calls, keys, why, (*self._troubles(), *self._tokens()))

    def _tokens(self) -> Iterator[Finding]:
        """The accounts whose token expires soon, each once."""
        known = {account.digest: account.api.last_connections or () for account in self._accounts.values()}
        accounts = {one.platform_id: one for found in known.values() for one in found}
        return targets.tokens(accounts[name] for name in sorted(accounts))

    def ailments(self, now: datetime) -> tuple[Finding, ...]:
        overdue = [printable(f"{root}/{path}") for root, path in self._store.overdue(now - OVERDUE)]
        return ailments(
            running=True,
            roots=list(self._accounts),
            statuses=self._statuses(),
            rescan=self._rescan,
            vitals=self.vitals(),
            overdue=overdue,
            now=now,
        )

    # --- the monitor ---

    def start(self) -> None:
        if self._monitor is not None:
            super().start()

    def finish(self, within: float, stopping: threading.Event) -> None:
        """Say how it is before the program ends."""
        beside.finish([self], within, stopping)

    def stop(self, within: float) -> None:
        beside.stop([self], within)

    def _work(self) -> None:
        try:
            self._ping_on()
        except Exception as error:  # a defect of ours; what it says may hold the URL, which is a secret
            self._log.error("defect", what=type(error).__name__, where="monitor")

    def _ping_on(self) -> None:
        if self._monitor is None:
            return
        self._said(self._monitor.send(Ping.START))
        while not self._ended.is_set():
            self._rest(self._pause())
            if self._ended.is_set():
                return
            hurried = self._hurried.is_set()
            if self._compared() or hurried:
                self._ping(self._monitor)
            if hurried:
                self._finished.set()

    def _pause(self) -> float:
        """Seconds until the next ping."""
        if not self._compared():
            return min(self._every, 1.0)
        return min(self._every, AGAIN_AFTER) if self._failures else self._every

    def _compared(self) -> bool:
        """Whether the first comparison is over, or has taken so long that something is wrong."""
        waited = time.monotonic() - self._began  # a clock may be set right after the start, by years
        return waited > 2 * self._rescan or all(status.last_scan is not None for status in self._statuses())

    def _ping(self, monitor: Monitor) -> None:
        try:
            found = self.ailments(datetime.now(UTC))
        except ProgramError as error:  # the database: the daemon meets the same, and says so
            found = (Finding("DATABASE", error.message, error.hint),)
        reason = "\n".join(str(one) for one in found)
        self._said(monitor.send(Ping.FAIL if found else Ping.WELL, reason))

    def _said(self, why: str | None) -> None:
        self._failures = self._failures + 1 if why is not None else 0
        if self._failures == FAILED_TIMES:
            self._log.warning("the monitor cannot be pinged", why=why, hint="check monitor.ping_url and the network")


def _taken(account: Account) -> bool | None:
    return False if account.refused is not None else True if account.accepted else None
