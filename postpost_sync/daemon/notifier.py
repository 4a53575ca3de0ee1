"""Who is notified, and when: a thread for each target, which compares how things stand with what it was told.

There is no queue: what is still to be told is the difference between the two, so that nothing is lost where a message does
not get through, and nothing told that is over by then. The first change opens a span of `digest` seconds; what differs at
its end comes as one message. It is written down as told after it was sent: a crash in between tells it once more.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace

from postpost_sync.daemon import beside
from postpost_sync.log import Log
from postpost_sync.model.errors import Finding, ProgramError
from postpost_sync.model.program import Listener, RootStatus
from postpost_sync.model.states import State
from postpost_sync.notify import events, messages
from postpost_sync.notify.delivery import Target
from postpost_sync.notify.events import Event, Kind, Standing
from postpost_sync.service.account import Account
from postpost_sync.store import Store

LOOK_EVERY = 5.0  # seconds, at the most
PAUSES = (10.0, 900.0)  # seconds until a message that did not get through is tried again: at first, and at the most
FAILED_TIMES = 3  # failures in a row after which it is said that nothing gets through
HURRIED_PAUSE = 1.0  # seconds between two tries when the program is about to end


class Notifier:
    """`start`, perhaps `finish`, then `stop`. Never holds up anything else."""

    def __init__(
        self,
        targets: Sequence[Target],
        store: Store,
        *,
        on: frozenset[Event],
        digest: float,
        roots: Callable[[], list[RootStatus]],
        accounts: Mapping[Account, str],
        log: Log,
    ) -> None:
        """`accounts`: each with what people call its key."""
        self._store, self._on, self._roots, self._accounts = store, on, roots, accounts
        self._tellers = [_Teller(target, store, self._standings, on=on, digest=digest, log=log) for target in targets]

    def __bool__(self) -> bool:
        return bool(self._tellers)

    def start(self) -> None:
        known = {one.target: one for one in self._store.listeners()}
        if known or self._tellers:
            self._store.keep_listeners([teller.target.digest for teller in self._tellers])
        for teller in self._tellers:
            teller.begin(known.get(teller.target.digest))

    def finish(self, within: float, stopping: threading.Event) -> None:
        """Tell now what is to be told; what does not get through is tried a few times."""
        beside.finish(self._tellers, within, stopping)

    def stop(self, within: float) -> None:
        """End the threads. A message that is under way for longer than that is told again at the next start."""
        beside.stop(self._tellers, within)

    def troubles(self) -> list[str]:
        """Why nothing gets through, where that is so."""
        return [teller.listener.error.message for teller in self._tellers if teller.listener.error is not None]

    def _standings(self) -> list[Standing]:
        """How everything but the posts stands."""
        found = [standing for status in self._roots() for standing in events.of_root(status)]
        for account, shown in self._accounts.items():
            found += events.of_key(
                account.digest, shown, account.refused, account.accepted, account.api.last_connections
            )
        return found


class _Teller(beside.Beside):
    """One target. `begin` it."""

    def __init__(
        self,
        target: Target,
        store: Store,
        standings: Callable[[], list[Standing]],
        *,
        on: frozenset[Event],
        digest: float,
        log: Log,
    ) -> None:
        super().__init__(f"teller {target.digest}")
        self.target, self.listener = target, Listener(target.digest)
        self._store, self._others, self._on, self._digest, self._log = store, standings, on, digest, log
        self._told: dict[str, str] = {}
        self._unkept: dict[str, str | None] = {}  # told, and not written down yet
        self._fading: Mapping[str, float] = {}
        self._opened: float | None = None  # monotonic, as the others: when the first of what is to be told was seen
        self._again_at, self._failures = 0.0, 0
        self._seen: object = None  # what there was when nothing was to be told

    def begin(self, known: Listener | None) -> None:
        """`known`: the target as it was when it was last told something; None: it is new."""
        before = known or Listener(self.target.digest)
        self._told = self._store.told(self.target.digest)
        self.listener = replace(before, events=tuple(sorted(self._on)))
        if self.listener != known:
            self._show(self.listener)
        self._keep(events.known_before(self._posts(self._others()), self._on, frozenset(before.events)))
        self.start()

    # --- its own thread ---

    def _work(self) -> None:
        pause = min(LOOK_EVERY, max(0.1, self._digest / 4))
        while not self._ended.is_set():
            try:
                self._look(time.monotonic())
            except ProgramError as error:
                if self._ended.is_set():
                    return  # the database was closed meanwhile
                self._log.error("what is to be told cannot be found out or kept", why=error.message, hint=error.hint)
                self._again_at = time.monotonic() + PAUSES[0]
            except Exception as error:  # a defect of ours
                self._log.defect(error, target=self.target.name)
                self._again_at = time.monotonic() + PAUSES[1]
            self._rest(HURRIED_PAUSE if self._hurried.is_set() else pause)

    def _look(self, now: float) -> None:
        hurried = self._hurried.is_set()
        if now < self._again_at and not hurried:
            return
        others = self._others()
        there = (self._store.changes(), others)
        if there == self._seen and not self._fading and not self._unkept:
            self._nothing(hurried)
            return
        changes = events.compare(
            self._told, [*self._posts(others), *others], self._on, fading=self._fading, now=now, debounce=self._digest
        )
        self._fading = changes.fading
        self._keep(dict.fromkeys(changes.over))
        if not changes.to_tell:
            self._seen = there
            self._nothing(hurried)
            return
        self._opened = now if self._opened is None else self._opened
        if now - self._opened < self._digest and not hurried:
            return
        why = self.target.send(messages.message(changes, self._store.record_of))
        if why is None:
            self._keep(changes.kept)
            self._got_through(hurried)
        else:
            self._failed(why, hurried)

    def _nothing(self, hurried: bool) -> None:
        self._opened = None
        if hurried:
            self._finished.set()

    def _posts(self, others: list[Standing]) -> Iterator[Standing]:
        """How the posts stand of which there may be something to tell, below the roots that there are."""
        roots = {one.name for one in others if one.kind is Kind.ROOT}
        states = events.NOTABLE - (set() if Event.PUBLISHED in self._on else {State.PUBLISHED})
        known = [subject.split()[1] for subject in self._told if subject.startswith(f"{Kind.POST} ")]
        for folder_id, root, state, error, troubles, warnings in self._store.notable(states, known):
            if root in roots:
                yield events.of_post(folder_id, state, error, troubles, warnings)

    def _keep(self, told: Mapping[str, str | None]) -> None:
        """In mind at once, so that a disk that is full does not make it be told again and again."""
        for subject, what in told.items():
            if what is None:
                self._told.pop(subject, None)
            else:
                self._told[subject] = what
        self._unkept |= told
        if self._unkept:
            self._store.tell(self.target.digest, self._unkept)
            self._unkept = {}

    def _got_through(self, hurried: bool) -> None:
        self._opened, self._failures = None, 0
        if hurried:
            self._finished.set()
        self._log.info("told", target=self.target.name)
        if self.listener.error is not None:
            self._show(replace(self.listener, error=None))

    def _failed(self, why: str, hurried: bool) -> None:
        self._failures += 1
        pause = min(PAUSES[0] * 2.0 ** (self._failures - 1), PAUSES[1])
        self._again_at = time.monotonic() + pause
        if self._failures == FAILED_TIMES:
            message = f"notifications do not get through to {self.target.name}: {why}"
            self._log.warning("notifications do not get through", target=self.target.name, why=why)
            finding = Finding("NOTIFY_FAILED", message, "postpost-sync notify sends a test message")
            self._show(replace(self.listener, error=finding))
        if hurried and self._failures >= FAILED_TIMES:
            self._finished.set()

    def _show(self, listener: Listener) -> None:
        self.listener = listener
        self._store.set_listener(listener)
