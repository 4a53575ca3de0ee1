"""Carries post folders forward: snapshot, plan, perform, record, and again. Decides nothing itself.

`advance(key)` takes one folder as far as it goes now. It is called by one thread at a time for a folder, by several for
different ones. What it needs of the outside comes in through the constructor, so that tests can turn the clock.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import replace
from datetime import datetime, timedelta
from enum import Enum, auto

from postpost_sync import ledger
from postpost_sync.disk import reader
from postpost_sync.disk.copies import Copies
from postpost_sync.model.errors import Finding
from postpost_sync.model.record import GroupStage, Record, is_out, live_group
from postpost_sync.model.states import WRONG, State
from postpost_sync.plan.rules import plan
from postpost_sync.plan.snapshot import Snapshot
from postpost_sync.plan.steps import (
    Ask,
    Create,
    Decision,
    Delete,
    Doom,
    Forget,
    LearnTime,
    Read,
    Recognise,
    Rest,
    Step,
    TakeSlot,
    Transfer,
    Withdraw,
)
from postpost_sync.service.account import Account
from postpost_sync.store import Store
from postpost_sync.sync.calls import Calls
from postpost_sync.sync.claims import Claims, makes_a_post
from postpost_sync.sync.fittings import Fittings
from postpost_sync.sync.list_queue import ListQueue
from postpost_sync.sync.look import Look
from postpost_sync.sync.order import Order
from postpost_sync.sync.performer import Performer
from postpost_sync.sync.readings import Readings
from postpost_sync.sync.receipts import Receipts
from postpost_sync.sync.reconciliation import Reconciliation
from postpost_sync.sync.removals import AT_ONCE, Removals
from postpost_sync.sync.runtime import Runtime
from postpost_sync.sync.snapshots import Snapshots
from postpost_sync.sync.transfers import Slots, Transfers, Uplink
from postpost_sync.sync.turns import Turns
from postpost_sync.sync.waiting_list import WaitingList
from postpost_sync.sync.watched import Watched

_NO_STATUS_FILE = Finding(
    "STATUS_FILE_UNWRITABLE",
    "post.status.yaml cannot be written into the folder",
    "let the user that runs this write there; without it a lost database is harder to make good",
)
WRITE_AGAIN = 300.0  # seconds after which a status file that could not be written is tried again
MAX_STEPS = 2000  # of one folder in one go: an end to any loop that a defect could make


class _Then(Enum):
    """What comes after a step of a folder."""

    GO_ON = auto()
    STOP = auto()
    WAIT_FOR_SLOT = auto()  # a free place for its transfer, or to make its draft for
    WAIT_FOR_TURN = auto()  # to take the next time of its queue


class Sync:
    """See the module."""

    def __init__(
        self,
        store: Store,
        watched: Watched,
        uplink: Uplink,
        runtime: Runtime,
        *,
        far: float = math.inf,
        fitters: Executor | None = None,
        others_come: Callable[[], bool] = lambda: False,
    ) -> None:
        """`fitters`: the threads in which fitted copies are made; None: those that send media.

        `others_come`: whether folders wait to be taken forward.
        `far`: a post that is due later than so many seconds is not waked where its folder is finished, or gone; the caller
        asks the store for it.
        """
        self._store, self._far = store, far
        self._sites, self._absence, self._folders = watched.sites, watched.absence, watched.folders
        self._wake, self._log = runtime.wake, runtime.log
        self._slots = Slots(uplink.at_once, runtime.wake, self._hangs)
        self.copies = Copies(store.path.with_name(f"{store.path.name}.copies"))
        fittings = Fittings(store, self._folders, self.copies, fitters or uplink.threads, runtime)
        self.transfers = Transfers(store, self._folders, self.copies, uplink, self._slots, runtime)
        self.order = Order(self._slots)
        self._removals = Removals(runtime.monotonic)
        self._turns = Turns(runtime.wake, runtime.monotonic)
        accounts = dict.fromkeys(site.account for site in self._sites.values())
        lately = max((site.policy.lately for site in self._sites.values()), default=0.0)
        queues = {
            one: ListQueue(one, lambda: self._slots.busy() or others_come(), lately, store.past_drafts, runtime)
            for one in accounts
        }
        calls = Calls(store, queues, runtime.log)
        self._places, self._claims = watched.places, Claims(store, watched.folders, runtime)
        self._readings, self._receipts = Readings(store, watched, runtime), Receipts(store, watched, runtime)
        self._performer = Performer(store, self._folders, self._readings, fittings, self.transfers, calls, runtime)
        self._waiting_lists = {
            one: WaitingList(store, one.digest, one.now, runtime.wake, self._is_away) for one in accounts
        }
        self._snapshots = Snapshots(store, watched, self._waiting_lists, self._removals, runtime)
        self.reconciliation = Reconciliation(store, self._sites, calls, self._snapshots.account_of, runtime)

    def start(self) -> None:
        """Who was waiting when the program ended is waiting still; what was cancelled just before counts still.

        Folders are waked from here on, so what takes them forward must be there.
        """
        now = {root: site.account.now() for root, site in self._sites.items()}
        if not now:
            return
        self._folders.start(min(now.values()).timestamp())
        self._readings.notice_config()
        self.copies.keep(self._store.open_keys)
        for record in self._store.held_or_cancelled(min(now.values()) - timedelta(seconds=AT_ONCE)):
            if record.root not in now:
                continue
            if record.state is State.CANCELLED and record.cancel is None:  # else a person said so
                ago = max(0.0, (now[record.root] - record.updated_at).total_seconds())
                self._removals.cancelled(record.key, self._folders.main_of(record.key), ago)
            elif record.state is State.HELD:
                self._waiting_lists[self._snapshots.account_of(record)].update(record)

    def advance(self, key: int) -> None:
        """Take one part of a folder as far as it goes now; the others wait until it is through, and hear of what changed."""
        look = self._folders.get(key)
        if look is None:  # forgotten, or taken for another meanwhile: whatever it waited for, others are next
            self._leave_lists(key)
            self._turns.leave(key)
            self._slots.stop_waiting(key)
            return
        if not self._folders.enter(key):
            return
        others, main = self._folders.siblings(key), self._folders.main_of(key)
        before = self._store.record(key) if others else None
        try:
            self._advance(look)
        finally:
            came = self._folders.leave(main)
            now = self._folders.siblings(key)
            if now != others or (others and self._store.record(key) != before):
                came.update(others, now)
            if not look.part:  # it may not have been ours to serve when another part looked
                came.update(self._folders.not_seen(key) if look.there else self._not_missed(key))
            for one in sorted(came):
                self._wake(one, 0.0)

    def _advance(self, look: Look) -> None:
        """One step after the other, each from a new look at everything. What it no longer waits for, others get."""
        then = _Then.GO_ON
        try:
            for _ in range(MAX_STEPS):
                then = self._step(look)
                if then is not _Then.GO_ON:
                    return
            self._log.error("too many steps", folder=look.name)
            self._store.change(look.key, ledger.defect, self._sites[look.root].account.now())
            self._wake(look.key, ledger.DEFECT_PAUSE)
        finally:
            if then is not _Then.WAIT_FOR_SLOT:
                self._slots.stop_waiting(look.key)
            if then is not _Then.WAIT_FOR_TURN:
                self._turns.leave(look.key)

    def _step(self, look: Look) -> _Then:
        """Look, decide, show what was decided, and do it."""
        key = look.key
        seen = self._snapshots.observe(look)
        if seen is None:
            self._leave_lists(key)
            return _Then.STOP
        snapshot, record, account = self._snapshots.snapshot(look, seen), seen.record, seen.account
        waiting_list, now = self._waiting_lists[account], account.now()
        self._leave_lists(key, but=account)
        if self._claims.has_new_parts(look, snapshot, record, now):
            return _Then.GO_ON
        decision = plan(snapshot, record, now)
        if (moved := self._moved_here(look, snapshot, record, decision)) is not None:
            self._leave_lists(key)
            self.order.leave(key)
            self._wake(moved, 0.0)
            return _Then.STOP
        if self._claims.say_more(look, snapshot, record, decision):
            return _Then.GO_ON
        record = self._show(look, account, record, decision, now)
        # a new folder's time is unknown until it has been read
        placed = (record is not seen.record or record.time is not None) and self.order.place(record)
        if snapshot.folder is None:  # it cannot be tried: it leaves the line, until it is back
            waiting_list.remove(key)
        else:
            waiting_list.update(record)
        goes_on = not isinstance(decision.step, Rest | Forget | LearnTime)
        if placed and goes_on and not self.order.feeds_uplink(key):
            self._wake(key, 0.0)  # now that its time is known, it takes its place in the order of the times
            return _Then.STOP
        match decision.step:
            case Rest(after):
                self._rest(look, snapshot, record, after, now)
                return _Then.STOP
            case Forget():
                self._forget(look, record)
                return _Then.STOP
            case Transfer() if not self._slots.claim(key):
                return _Then.WAIT_FOR_SLOT
            case TakeSlot() if not self._turns.claim(record.root, record.path, key):
                return _Then.WAIT_FOR_TURN
            case Create(post) if post.media and not self._slots.may_begin(key, self.order.time(key)):
                return _Then.WAIT_FOR_SLOT
        if makes_a_post(record, decision) and self._claims.say_more(look, snapshot, record, decision):
            return _Then.GO_ON  # another installation wrote it in the same moment
        if not self._performer.perform(look, account, snapshot, record, decision, now):
            return _Then.STOP  # it is waked when it can go on
        self._tell_others(snapshot, record, waiting_list, decision.step)
        return _Then.GO_ON

    def _rest(self, look: Look, snapshot: Snapshot, record: Record, after: float | None, now: datetime) -> None:
        if snapshot.folder is None and self._until_its_time(record, after, now):
            after = None
        if snapshot.folder is not None and record.state is State.SETTLING:
            reader.prepare(snapshot.folder)
        finished = self._folders.rested(look, record, after)
        if record.done and any(one.sent_as for group in record.groups for one in group.uploads):
            self.copies.forget(look.key)
        if record.done and after is None:
            self.order.leave(look.key)
        if look.receipt_failed and look.there:
            after = min(after or WRITE_AGAIN, WRITE_AGAIN)
        if after is not None and not (finished and after > self._far):
            self._wake(look.key, after)

    def _forget(self, look: Look, record: Record) -> None:
        self._store.forget(look.key)
        self.copies.forget(look.key)
        self._leave_lists(look.key)
        self.order.leave(look.key)
        self._folders.remove(look, record)
        self._log.info("forgotten", folder=look.name)

    def _tell_others(self, snapshot: Snapshot, record: Record, waiting_list: WaitingList, step: Step) -> None:
        """What a step that was carried out means for other folders."""
        match step:
            case Withdraw() | Ask() | Delete():
                waiting_list.after(record.key, step)
            case TakeSlot():
                self._turns.leave(record.key)
                self.order.leave(record.key)  # it takes its place in the order of the times anew
            case Recognise():  # it is no longer anybody else's
                record = self._store.record(record.key) or record
                for group in record.groups[-1:]:
                    for key in self._store.held_for(group.post_group_id or ""):
                        self._wake(key, 0.0)
            case Doom(group) if snapshot.folder is None and group == live_group(record):
                if record.cancel is None:  # else a person said so
                    self._removals.cancelled(record.key, self._folders.main_of(record.key))

    def _not_missed(self, key: int) -> list[int]:
        """The other parts of a folder that is gone for which that is not written down: the program ended in between."""
        record = self._store.record(key)
        if record is None or record.missed_at is None:
            return []
        return [one.key for one in self._folders.other_parts(key) if one.missed_at is None]

    def _until_its_time(self, record: Record, after: float | None, now: datetime) -> bool:
        """Whether a post that stands is left alone until it goes out, and that is so far off that the caller asks for it."""
        live = live_group(record)
        if live is None or live.stage is not GroupStage.SCHEDULED or live.answered_time is None or after is None:
            return False
        return self._far < (live.answered_time - now).total_seconds() <= after + 1

    def go_on_without(self, silent: frozenset[str]) -> None:
        """The roots whose file system does not answer, all of them: what hangs there gives up its place in the line."""
        self._absence.found_silent(silent)
        self._slots.next()
        for waiting_list in self._waiting_lists.values():
            waiting_list.look_again()

    def _hangs(self, key: int) -> bool:
        silent = self._absence.silent
        return bool(silent) and self._folders.root_of(key) in silent

    def _is_away(self, key: int) -> bool:
        return self._absence.is_root_away(self._folders.root_of(key))

    def _leave_lists(self, key: int, but: Account | None = None) -> None:
        """It waits at no account, or at none but this one: whose it was before, it is no longer."""
        for account, waiting_list in self._waiting_lists.items():
            if account is not but:
                waiting_list.remove(key)

    def _moved_here(self, look: Look, snapshot: Snapshot, record: Record, decision: Decision) -> int | None:
        """The key of another folder, where this is that one: moved from one disk to another it is two for a while."""
        folder, original = snapshot.folder, snapshot.twin
        if folder is None:
            return None
        if isinstance(decision.step, Read):
            if record.part:  # it is where the main part is
                return None
            found = look.key if record.groups else self._places.identify_again(look, folder, record)
            if found == look.key:
                self._claims.notice(look, folder, record)
                return None
            return found
        if record.groups:
            return None
        if original is not None and decision.error is not None and decision.error.code == "COPY_OF":
            self._snapshots.waits_for(original.key, look.key)
            return None if is_out(live_group(original)) else self._places.original_gone(look, folder, original)
        return None

    def _show(self, look: Look, account: Account, record: Record, decision: Decision, now: datetime) -> Record:
        """Write down, log and put into the status file what a person should see."""
        if look.receipt_failed and _NO_STATUS_FILE not in decision.warnings:
            decision = replace(decision, warnings=(*decision.warnings, _NO_STATUS_FILE))
        if ledger.shown(record, decision, now) is record:
            new = record
        else:
            new = self._store.note(record.key, ledger.shown, decision, now)
        if new.state != record.state or new.error != record.error:
            said = {"code": new.error.code, "why": new.error.message} if new.error else {}
            tell = self._log.error if new.state in WRONG else self._log.warning if new.error else self._log.info
            tell(new.state.value, folder=look.name, **said)
        self._receipts.write(look, account, new)
        return new
