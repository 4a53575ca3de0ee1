"""What `plan` is told: how the folder looks, how its account is, and how the account's other posts stand."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from postpost_sync.disk import scan
from postpost_sync.log import Log
from postpost_sync.model.post import Policy
from postpost_sync.model.record import GroupStage, Record, live_group, made_with
from postpost_sync.plan.snapshot import Snapshot
from postpost_sync.post.names import Names
from postpost_sync.service.account import Account
from postpost_sync.service.clock import SKEW
from postpost_sync.store import Store
from postpost_sync.sync.folders import Look, Looks
from postpost_sync.sync.removals import Removals
from postpost_sync.sync.waiting_list import Line

CLOCK_SET = 5.0  # seconds by which wall and monotonic time may drift apart between two looks


@dataclass(frozen=True)
class Site:
    """One watch root as the workers see it."""

    path: str
    policy: Policy
    account: Account


class Snapshots:
    """Taken by several threads at once, for different folders."""

    def __init__(
        self,
        store: Store,
        sites: Mapping[str, Site],
        looks: Looks,
        names: Names,
        lines: Mapping[Account, Line],
        removals: Removals,
        *,
        wake: Callable[[int, float], None],
        monotonic: Callable[[], float],
        log: Log,
    ) -> None:
        self._store, self._sites, self._looks, self._names = store, sites, looks, names
        self._lines, self._removals, self._wake, self._monotonic, self._log = lines, removals, wake, monotonic, log
        self._drifts: dict[Account, float] = {}
        self._refused: set[Account] = set()  # whose key is not taken
        self._clock_off: dict[Account, bool] = {}  # whether that was said
        self.copies: dict[int, int] = {}  # key -> that of a folder which waits for a word, since it is the same

    def take(self, look: Look) -> tuple[Snapshot, Record, Account] | None:
        """With the record, and the account that posts for it; None where the record is no more."""
        # the snapshot before the record: a transfer writes there before it is no longer in flight
        snapshot, record = self._folder(look), self._store.record(look.key)
        if record is None:
            return None
        snapshot, record = self._placed(snapshot, record)
        account = self.account_of(record)
        return self._beside(self._at(account, snapshot), record, self._lines[account]), record, account

    def account_of(self, record: Record) -> Account:
        """Its root's. What another of ours made stays that one's, as after a move to a root that posts as someone else."""
        own, digest = self._sites[record.root].account, made_with(record)
        if digest in ("", own.digest):
            return own
        return next((account for account in self._lines if account.digest == digest), own)

    def _placed(self, snapshot: Snapshot, record: Record) -> tuple[Snapshot, Record]:
        """A folder that is gone from another file system than the one it was on was not removed: its mount is away."""
        folder = snapshot.folder
        if folder is None:
            away = self._looks.is_away(record.root, record.path, record.device)
            if not away and (copy := self.copies.get(record.key)) is not None:
                self._wake(copy, 0.0)  # it may be this one, moved there
            return (replace(snapshot, root_present=False) if away else snapshot), record
        if (folder.inode, folder.device) != (record.inode, record.device):
            inode, device = folder.inode, folder.device
            record = self._store.change(record.key, lambda r: replace(r, inode=inode, device=device))
        return snapshot, record

    def _folder(self, look: Look) -> Snapshot:
        """What there is to see of the folder itself."""
        try:
            seen_again = self._looks.is_seen_again(look.root, look.path)
            folder = None if seen_again else scan.look(look.root, look.path, self._names)
            if folder is not None and (there := self._looks.key_at(folder)) != look.key:  # another one took its place
                folder = scan.look(look.root, look.path, self._names)
                if there is not None:
                    self._wake(there, 0.0)
            present = folder is not None or scan.present(look.root)
        except OSError:  # it cannot be read now, which says nothing about whether it was removed
            folder, present = None, False
        return Snapshot(
            folder,
            self._sites[look.root].policy,
            self._looks.saw(look, folder),
            present,
            look.as_read,
            frozenset(look.in_flight),
            frozenset(look.fitting),
        )

    def _at(self, account: Account, snapshot: Snapshot) -> Snapshot:
        """The snapshot with what is known about the account."""
        self._notice_clock(account)
        refused = account.refused
        if refused is not None:
            self._refused.add(account)
        elif account in self._refused:  # no longer: all that waited for it may go on
            self._refused.discard(account)
            for key in self._looks.in_memory():
                self._wake(key, 0.0)
        return replace(
            snapshot,
            policy=replace(snapshot.policy, connections=account.api.last_connections),
            key_refused=refused,
            key_probe_at=account.probe_at,
            accounts_age=account.accounts_age(),
            clock_known=account.api.clock.known,
        )

    def _notice_clock(self, account: Account) -> None:
        """Where the local clock was set, or the machine slept, the service's time has to be learnt again."""
        clock = account.api.clock
        drift = clock.local().timestamp() - self._monotonic()
        if abs(drift - self._drifts.setdefault(account, drift)) > CLOCK_SET:
            clock.known, self._drifts[account] = False, drift
        off = abs(clock.offset) > SKEW
        if clock.known and off is not self._clock_off.get(account, False):
            self._clock_off[account] = off
            tell = self._log.warning if off else self._log.info
            tell("this machine's clock against PostPost's", ahead=f"{-clock.offset.total_seconds():.0f}s")

    def _beside(self, snapshot: Snapshot, record: Record, line: Line) -> Snapshot:
        """The snapshot with what the decision depends on besides the folder: the account's other posts."""
        waiting, reading = line.first(), snapshot.reading
        last = line.last_scheduled() if waiting is not None and record.done else None
        live, policy = live_group(record), snapshot.policy
        gone = snapshot.folder is None and snapshot.root_present and policy.cancel_removed
        stands = live is not None and live.stage in (GroupStage.SCHEDULED, GroupStage.WITHDRAWN)
        removed = self._removals.see(record.key, gone=gone and stands)
        snapshot = replace(snapshot, waiting=waiting, last_scheduled=last, removed=removed)
        if not record.done and reading is not None and reading.content and snapshot.policy.duplicates != "allow":
            snapshot = replace(snapshot, alike=self._store.alike(record.key, reading.content))
        if not record.done and record.time is not None:
            snapshot = replace(snapshot, beside=self._store.beside(record.key, record.time))
        if record.copy_of is not None and not record.groups:
            snapshot = replace(snapshot, twin=self._store.record_of(record.copy_of))
        return snapshot
