"""Carries out the steps that `plan` asks for, one at a time, and writes down what came of each.

What a step means for other folders (the lines, the turns, the removals) is seen to by `engine`.
"""

from __future__ import annotations

from datetime import datetime

from postpost_sync import ledger
from postpost_sync.model.errors import FileChanged, KeyRefused, NotFound, OtherKey, PostError
from postpost_sync.model.record import Effect, Group, Record, other_key
from postpost_sync.model.slots import moments
from postpost_sync.plan.codes import OTHER_KEY
from postpost_sync.plan.snapshot import Snapshot
from postpost_sync.plan.steps import (
    Abandon,
    Abort,
    Decision,
    Doom,
    Finish,
    Fit,
    Follow,
    Forget,
    Hash,
    HoldCopy,
    HoldFor,
    LeaveSlot,
    Read,
    Rest,
    TakeSlot,
    Transfer,
    Tried,
)
from postpost_sync.service.account import Account
from postpost_sync.store import Store
from postpost_sync.sync.calls import Calls
from postpost_sync.sync.fittings import Fittings
from postpost_sync.sync.folders import Folders
from postpost_sync.sync.look import Look
from postpost_sync.sync.readings import Readings
from postpost_sync.sync.runtime import Runtime
from postpost_sync.sync.transfers import Transfers


class Performer:
    """Keeps nothing in memory. Used by several threads at once, for different folders."""

    def __init__(
        self,
        store: Store,
        folders: Folders,
        readings: Readings,
        fittings: Fittings,
        transfers: Transfers,
        calls: Calls,
        runtime: Runtime,
    ) -> None:
        self._store, self._folders = store, folders
        self._readings, self._fittings, self._transfers, self._calls = readings, fittings, transfers, calls
        self._jitter, self._log = runtime.jitter, runtime.log

    def perform(
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
                    policy, taken = snapshot.policy, self._times_of_others(account, snapshot, record)
                    free = (at for at in moments(policy.slots, policy.timezone, since) if at not in taken)
                    self._store.take_slot(look.key, free)
                case LeaveSlot():
                    change(look.key, ledger.slot_left)
                case Abort():
                    self._transfers.abort(look)
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
                error = OtherKey(OTHER_KEY, error.status)
            change(look.key, ledger.failed, step, error, account.now(), self._jitter())
        return True

    def _times_of_others(self, account: Account, snapshot: Snapshot, record: Record) -> frozenset[datetime]:
        """When posts go to one of its accounts of which nothing is known here: queued ones whose records are lost, perhaps."""
        post = snapshot.desired.post if snapshot.desired is not None else None
        platforms = {*(record.platforms if post is None else post.platforms)}
        times = {
            one.post_group_id: one.time
            for one in account.holdings.all()
            if one.status == "scheduled" and one.time and not platforms.isdisjoint(one.platforms)
        }
        return frozenset(times[one] for one in self._store.unknown_group_ids(times))

    def _call(self, look: Look, account: Account, record: Record, step: Tried) -> bool:
        if isinstance(step, Transfer):
            try:
                self._transfers.start(look, account, step.group, step.upload)
            except BaseException:
                self._transfers.slots.release(look.key)
                raise
        elif not self._calls.carry_out(look, account, step):
            return False
        before = record.trouble_with(step.effect)
        if before is not None and not isinstance(step, Transfer):  # a transfer has only begun
            self._store.change(look.key, ledger.worked, step, before)
        return True
