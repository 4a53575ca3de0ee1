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

from postpost_sync import ledger
from postpost_sync.disk.copies import Copies
from postpost_sync.model.errors import FileChanged, Finding, KeyRefused, NotFound, OtherKey, PostError
from postpost_sync.model.record import Effect, Group, GroupStage, Record, is_out, live_group, other_key
from postpost_sync.model.slots import moments
from postpost_sync.model.states import WRONG, State
from postpost_sync.plan.rules import plan
from postpost_sync.plan.snapshot import Snapshot
from postpost_sync.plan.steps import (
    Abandon,
    Abort,
    Ask,
    Create,
    Decision,
    Delete,
    Doom,
    Finish,
    Fit,
    Follow,
    Forget,
    Hash,
    HoldCopy,
    HoldFor,
    LearnTime,
    LeaveSlot,
    Read,
    Rest,
    TakeSlot,
    Transfer,
    Tried,
    Update,
    Withdraw,
)
from postpost_sync.service.account import Account
from postpost_sync.store import Store
from postpost_sync.sync.calls import Calls
from postpost_sync.sync.claims import Claims
from postpost_sync.sync.fittings import Fittings
from postpost_sync.sync.list_queue import ListQueue
from postpost_sync.sync.look import Look
from postpost_sync.sync.readings import Readings
from postpost_sync.sync.receipts import Receipts
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
_OTHER_KEY = Finding(
    "OTHER_KEY",
    "PostPost does not know the post by this API key; it was made with another one, and may stand all the same",
    "use that key again; or if the post is gone: postpost-sync retry FOLDER makes a new one",
)
WRITE_AGAIN = 300.0  # seconds after which a status file that could not be written is tried again
MAX_STEPS = 2000  # of one folder in one go: an end to any loop that a defect could make


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
        self._wake, self._jitter, self._log = runtime.wake, runtime.jitter, runtime.log
        self._slots = Slots(uplink.at_once, runtime.wake, self._hangs)
        self.copies = Copies(store.path.with_name(f"{store.path.name}.copies"))
        self._fittings = Fittings(store, self._folders, self.copies, fitters or uplink.threads, runtime)
        self.transfers = Transfers(store, self._folders, self.copies, uplink, self._slots, runtime)
        self.times: dict[int, float] = {}  # key -> the time its post asks for, seconds since 1970, once that is known
        self._removals = Removals(runtime.monotonic)
        self._turns = Turns(runtime.wake, runtime.monotonic)
        accounts = dict.fromkeys(site.account for site in self._sites.values())
        lately = max((site.policy.catch_up for site in self._sites.values()), default=0.0)
        queues = {one: ListQueue(one, lambda: self._slots.busy() or others_come(), lately, runtime) for one in accounts}
        self._compared: set[Account] = set()  # whose posts were compared with the folders at rest
        self._calls = Calls(store, queues, runtime.log)
        self._places, self._claims = watched.places, Claims(store, watched.folders, runtime)
        self._readings, self._receipts = Readings(store, watched, runtime), Receipts(store, watched, runtime)
        self._waiting_lists = {
            one: WaitingList(store, one.digest, one.now, runtime.wake, self._is_away) for one in accounts
        }
        self._snapshots = Snapshots(store, watched, self._waiting_lists, self._removals, runtime)

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
            if not look.part and look.there:  # it may not have been ours to serve when another part looked
                came.update(self._folders.not_seen(key))
            for one in sorted(came):
                self._wake(one, 0.0)

    def _advance(self, look: Look) -> None:
        key = look.key
        waits_for_slot = False  # or for its draft to be made
        waits_for_turn = False
        try:
            for _ in range(MAX_STEPS):
                seen = self._snapshots.observe(look)
                if seen is None:
                    self._leave_lists(key)
                    return
                snapshot, record, account = self._snapshots.snapshot(look, seen), seen.record, seen.account
                waiting_list = self._waiting_lists[account]
                self._leave_lists(key, but=account)
                now = account.now()
                if self._has_new_parts(look, snapshot, record, now):
                    continue
                decision = plan(snapshot, record, now)
                if (moved := self._moved_here(look, snapshot, record, decision)) is not None:
                    self._leave_lists(key)
                    self.times.pop(key, None)
                    self._wake(moved, 0.0)
                    return
                unknown = key not in self.times
                if self._claimed(look, snapshot, record, decision):
                    continue
                record = self._show(look, account, record, decision, now)
                if snapshot.folder is None:  # it cannot be tried: it leaves the line, until it is back
                    waiting_list.remove(key)
                else:
                    waiting_list.update(record)
                if unknown and key in self.times and not isinstance(decision.step, Rest | Forget | LearnTime):
                    self._wake(key, 0.0)  # now that its time is known, it takes its place in the order of the times
                    return
                match decision.step:
                    case Rest(after):
                        if snapshot.folder is None and self._until_its_time(record, after, now):
                            after = None
                        finished = self._folders.rested(look, record, after)
                        if record.done and any(one.sent_as for group in record.groups for one in group.uploads):
                            self.copies.forget(key)
                        if look.receipt_failed and look.there:
                            after = min(after or WRITE_AGAIN, WRITE_AGAIN)
                        if after is not None and not (finished and after > self._far):
                            self._wake(key, after)
                        return
                    case Forget():
                        self._store.forget(key)
                        self.copies.forget(key)
                        self._leave_lists(key)
                        self.times.pop(key, None)
                        self._folders.remove(look, record)
                        self._log.info("forgotten", folder=look.name)
                        return
                    case Transfer() if not self._slots.claim(key):
                        waits_for_slot = True
                        return
                    case TakeSlot() if not self._turns.claim(record.root, record.path, key):
                        waits_for_turn = True
                        return
                    case Create(post) if post.media and not self._slots.may_begin(key, self.times.get(key, 0.0)):
                        waits_for_slot = True
                        return
                if _makes_a_post(record, decision) and self._claimed(look, snapshot, record, decision):
                    continue  # another installation wrote it in the same moment
                if not self._perform(look, account, snapshot, record, decision, now):
                    return  # it is waked when it can go on
                if isinstance(decision.step, Withdraw | Ask | Delete):
                    waiting_list.after(key, decision.step)
                if isinstance(decision.step, TakeSlot):
                    self._turns.leave(key)
                    self.times.pop(key, None)  # it takes its place in the order of the times anew
            self._log.error("too many steps", folder=look.name)
            self._store.change(key, ledger.defect, now)
            self._wake(key, ledger.DEFECT_PAUSE)
        finally:
            if not waits_for_slot:
                self._slots.stop_waiting(key)
            if not waits_for_turn:
                self._turns.leave(key)

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

    def reconcile(self) -> None:
        """Notice what people changed at PostPost: one listing of the scheduled posts for each account."""
        records = [record for record in self._store.at_postpost() if record.root in self._sites]
        for account in self._waiting_lists:
            if account.refused is not None:
                account.holdings.forget()
                continue
            mine = [record for record in records if self._snapshots.account_of(record) is account]
            try:
                self._compare_at_rest(account)
                account.holdings.forget()
                changed = self._calls.reconcile(account, mine)
            except KeyRefused as error:
                account.refuse(error.finding)
            except PostError as error:
                self._log.warning("the scheduled posts could not be compared", why=error.finding.message)
            else:
                for record in mine:
                    if record.key in changed:
                        self._log.info("changed at PostPost", folder=f"{record.root}/{record.path}")
                        self._wake(record.key, 0.0)

    def _has_new_parts(self, look: Look, snapshot: Snapshot, record: Record, now: datetime) -> bool:
        """Whether the folder names parts that have no records yet: each gets one, and is looked at."""
        wanted, folder = snapshot.desired, snapshot.folder
        if look.part or folder is None or wanted is None or wanted.parts is None or not record.fingerprint:
            return False
        names = [name for name, accounts in wanted.parts.items() if name and accounts]
        if self._folders.parts_named(look.key).keys() >= {*names}:
            return False
        return self._claims.add_parts(look, folder, record, names, now)

    def compare_anew(self) -> None:
        """The machine slept, or was put back to what it was: our records may be older than what we did."""
        self._compared.clear()

    def _compare_at_rest(self, account: Account) -> None:
        """Once: folders at rest whose text stands in a post that is not known here may have had it made since.

        Their status files say so, and are looked at.
        """
        if account in self._compared:
            return
        catch_up = max(site.policy.catch_up for site in self._sites.values())
        for key in self._store.at_rest_with(self._calls.unknown_texts(account, catch_up)):
            self._wake(key, 0.0)
        self._compared.add(account)

    def _leave_lists(self, key: int, but: Account | None = None) -> None:
        """It waits at no account, or at none but this one: whose it was before, it is no longer."""
        for account, waiting_list in self._waiting_lists.items():
            if account is not but:
                waiting_list.remove(key)

    def _moved_here(self, look: Look, snapshot: Snapshot, record: Record, decision: Decision) -> int | None:
        """The key of another folder, where this is that one: moved from one disk to another it is two for a while."""
        folder, original = snapshot.folder, snapshot.twin
        if folder is None or record.part:  # it is where the main part is
            return None
        if isinstance(decision.step, Read):
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

    def _claimed(self, look: Look, snapshot: Snapshot, record: Record, decision: Decision) -> bool:
        """Whether the status file says what our records do not know. Asked before it is written anew, and before a post is made.

        Then it stays as it is until that is resolved.
        """
        folder = snapshot.folder
        if folder is None or not record.fingerprint:
            return False
        asked = look.receipt is None or isinstance(decision.step, Read) or _makes_a_post(record, decision)
        if not asked or (record.claim is not None and not self._folders.siblings(look.key)):
            return False
        if look.part:
            main = self._folders.get(self._folders.main_of(look.key))
            of_main = self._store.record(main.key) if main is not None else None
            if main is None or of_main is None or not _makes_a_post(record, decision):
                return False
            look, record = main, of_main
        return self._claims.notice(look, folder, record)

    def _show(self, look: Look, account: Account, record: Record, decision: Decision, now: datetime) -> Record:
        """Write down, log and put into the status file what a person should see."""
        if look.receipt_failed and _NO_STATUS_FILE not in decision.warnings:
            decision = replace(decision, warnings=(*decision.warnings, _NO_STATUS_FILE))
        if ledger.shown(record, decision, now) is record:
            new = record
        else:
            new = self._store.note(record.key, ledger.shown, decision, now)
        if new is not record or new.time is not None:  # a new folder's is unknown until it has been read
            self.times[new.key] = new.time.timestamp() if new.time else 0.0
        if new.state != record.state or new.error != record.error:
            said = {"code": new.error.code, "why": new.error.message} if new.error else {}
            tell = self._log.error if new.state in WRONG else self._log.warning if new.error else self._log.info
            tell(new.state.value, folder=look.name, **said)
        self._receipts.write(look, account, new)
        return new

    # --- the steps ---

    def _perform(
        self, look: Look, account: Account, snapshot: Snapshot, record: Record, decision: Decision, now: datetime
    ) -> bool:
        """Carry out one step, and write down what came of it; False where it waits, and the folder is waked."""
        step, change = decision.step, self._store.change
        self._log.debug("step", folder=look.name, step=type(step).__name__)
        try:
            match step:
                case Read() if snapshot.folder is not None:
                    self._readings.read(look, snapshot, snapshot.folder, record, now)
                case Hash(names) if snapshot.folder is not None:
                    self._readings.hash(look, snapshot.folder, names)
                    if (before := record.trouble_with(Effect.HASH)) is not None:
                        change(look.key, ledger.worked, step, before)
                case Fit(file):
                    self._fittings.start(look, file, account.now)
                case Doom(group, rebuild, gave_up):
                    change(look.key, ledger.doomed, group.key, rebuild=rebuild, gave_up=gave_up)
                    if snapshot.folder is None and group == live_group(record) and record.cancel is None:
                        self._removals.cancelled(look.key, self._folders.main_of(look.key))
                case Follow(group, again):
                    change(look.key, ledger.followed, group.key, again=again)
                case HoldFor(post_group_ids):
                    change(look.key, ledger.held_for, post_group_ids)
                case HoldCopy(mark, copy_of):
                    change(look.key, ledger.held_as_copy, mark, copy_of)
                case Abandon(group):
                    change(look.key, ledger.abandoned, group, now, self._jitter())
                case Finish():
                    self._store.note(look.key, ledger.finished, decision.post, record.consents, snapshot.config)
                case TakeSlot(since):
                    policy = snapshot.policy
                    self._store.take_slot(look.key, moments(policy.slots, policy.timezone, since))
                case LeaveSlot():
                    change(look.key, ledger.slot_left)
                case Abort():
                    self.transfers.abort(look)
                    return False
                case Rest() | Forget() | Read() | Hash():
                    pass  # the folder is no longer there; or it is done where it was asked for
                case called if account.admit():  # else the key was refused meanwhile, and plan says what that means
                    return self._call(look, account, record, called)
        except FileChanged as error:
            self._log.info("changed", folder=look.name, why=error.finding.message)
            self._folders.stirred(look)
        except KeyRefused as error:
            account.refuse(error.finding)
        except PostError as error:
            if not isinstance(step, Tried):
                raise
            about: Group | None = getattr(step, "group", None)
            if isinstance(error, NotFound) and about is not None and other_key(about, account.digest):
                error = OtherKey(_OTHER_KEY, error.status)
            change(look.key, ledger.failed, step, error, account.now(), self._jitter())
        return True

    def _call(self, look: Look, account: Account, record: Record, step: Tried) -> bool:
        if isinstance(step, Transfer):
            try:
                self.transfers.start(look, account, step.group, step.upload)
            except BaseException:
                self._slots.release(look.key)
                raise
        elif not self._calls.carry_out(look, account, step):
            return False
        before = record.trouble_with(step.effect)
        if before is not None and not isinstance(step, Transfer):  # a transfer has only begun
            self._store.change(look.key, ledger.worked, step, before)
        return True


def _makes_a_post(record: Record, decision: Decision) -> bool:
    """Whether the step makes a draft, or schedules one where nothing stands."""
    step = decision.step
    return isinstance(step, Create) or (type(step) is Update and step.time is not None and live_group(record) is None)
