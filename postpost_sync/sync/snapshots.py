"""What `plan` is told: how the folder looks, how its account is, and how the account's other posts stand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from postpost_sync import ledger
from postpost_sync.disk import reader, scan
from postpost_sync.model.errors import Finding
from postpost_sync.model.folder import Folder, Sidecar
from postpost_sync.model.post import Policy
from postpost_sync.model.record import Effect, GroupStage, Record, live_group, made_with
from postpost_sync.plan.asked import patience
from postpost_sync.plan.codes import TOO_MANY_PENDING
from postpost_sync.plan.situation import kept_by_all, unfit
from postpost_sync.plan.snapshot import Day, Shown, Snapshot, Stranger
from postpost_sync.post import live_limits
from postpost_sync.post.desired import Wanted, resolve
from postpost_sync.post.platforms import DAILY, DAILY_VIDEOS, VIDEO_SUFFIXES, limit
from postpost_sync.service.account import Account
from postpost_sync.service.clock import SKEW
from postpost_sync.service.holdings import SLACK
from postpost_sync.service.responses import Listed
from postpost_sync.service.texts import same_text
from postpost_sync.store import Store
from postpost_sync.sync.look import Grounds, Look
from postpost_sync.sync.removals import Removals
from postpost_sync.sync.runtime import Runtime
from postpost_sync.sync.waiting_list import WaitingList
from postpost_sync.sync.watched import Watched

CLOCK_SET = 5.0  # seconds by which wall and monotonic time may drift apart between two looks


@dataclass(frozen=True)
class Observed:
    """One look at a folder, and what followed from it."""

    folder: Folder | None
    unreadable: Finding | None  # why it cannot be looked into, where its root is there
    present: bool  # whether its root is there, and where it was, so that a folder that is not there was removed
    quiet: float  # seconds for which it has been as it is
    in_flight: frozenset[int]  # positions of the files on their way
    fitting: frozenset[str]  # names of the files of which a copy is being made
    removed: int  # how many folders were removed at once, with this one
    record: Record  # read after all of the above: a transfer writes there before it is no longer in flight
    siblings: tuple[Record, ...]  # the other parts of the folder
    account: Account  # that posts for it
    restless: float  # seconds for which it has been changing again and again
    glimpse: Sidecar | None  # of one that has been so for long, or cannot be read as a whole


class Snapshots:
    """`observe` looks at a folder, with all that follows from it; `snapshot` only reads.

    Used by several threads at once, for different folders.
    """

    def __init__(
        self,
        store: Store,
        watched: Watched,
        waiting_lists: Mapping[Account, WaitingList],
        removals: Removals,
        runtime: Runtime,
    ) -> None:
        self._store, self._folders, self._absence = store, watched.folders, watched.absence
        self._names, self._sites, self._places = watched.names, watched.sites, watched.places
        self._waiting_lists, self._removals = waiting_lists, removals
        self._wake, self._monotonic, self._log = runtime.wake, runtime.monotonic, runtime.log
        self._drifts: dict[Account, float] = {}
        self._refused: set[Account] = set()  # whose key is not taken
        self._clock_off: dict[Account, bool] = {}  # whether that was said
        self._policies: dict[tuple[str, Account], tuple[tuple[object, ...], Policy]] = {}  # and what it was made of
        self._copies: dict[int, int] = {}  # key -> that of a folder which waits for a word, since it is the same

    def account_of(self, record: Record) -> Account:
        """Its root's. What another of ours made stays that one's, as after a move to a root that posts as someone else."""
        own, digest = self._sites[record.root].account, made_with(record)
        if digest in ("", own.digest):
            return own
        return next((account for account in self._waiting_lists if account.digest == digest), own)

    def waits_for(self, original: int, copy: int) -> None:
        """The copy waits for a person's word; or for its original to be gone, since then it is that one."""
        self._copies[original] = copy

    # --- with effects ---

    def observe(self, look: Look) -> Observed | None:
        """Look at the folder, and write down where it is by now; None where its record is no more.

        Wakes those for which something follows: a folder that took its place, a copy of it, those that waited for the key.
        """
        folder, present, unreadable = self._look(look)
        quiet, in_flight, fitting = self._folders.saw(look, folder), frozenset(look.in_flight), frozenset(look.fitting)
        record = self._store.record(look.key)
        if record is None:
            return None
        broken = record.trouble_with(Effect.READ) is not None
        unread = folder is not None and folder.fingerprint != record.fingerprint
        account = self.account_of(record)
        if folder is not None:
            record = self._notice_restlessness(look, record, unread=unread, now=account.now())
        restless = self._folders.restless(look)
        if restless > 0 and record.restless_at is not None:  # an earlier run may have seen it change already
            restless = max(restless, (account.now() - record.restless_at).total_seconds())
        long = unread and max(restless, quiet) > patience(self._sites[look.root].policy)
        glimpse = reader.glimpse(folder) if folder is not None and (long or broken) else None
        if folder is None:
            away = self._absence.is_away(record.root, record.path, record.device)
            if not away and (copy := self._copies.pop(record.key, None)) is not None:
                self._wake(copy, 0.0)  # it may be this one, moved there
            present = present and not away
        elif _is_in_another_directory(folder, record):
            record = self._store.note(record.key, ledger.in_directory, folder.inode, folder.device)
        if (gone := folder is None and present) is not (record.missed_at is not None):
            record = self._store.change(record.key, ledger.missed, account.now() if gone else None)
        self._notice_clock(account)
        self._notice_key(account)
        live, cancels = live_group(record), self._sites[look.root].policy.cancel_removed
        stands = live is not None and live.stage in (GroupStage.SCHEDULED, GroupStage.WITHDRAWN)
        removed = self._removals.count(record.key, self._folders.main_of(record.key), gone=gone and cancels and stands)
        siblings = tuple(self._folders.other_parts(look.key))
        return Observed(
            folder=folder,
            unreadable=unreadable,
            present=present,
            quiet=quiet,
            in_flight=in_flight,
            fitting=fitting,
            removed=removed,
            record=record,
            siblings=siblings,
            account=account,
            restless=restless,
            glimpse=glimpse,
        )

    def _look(self, look: Look) -> tuple[Folder | None, bool, Finding | None]:
        """The folder as it is; None where it is not there, or not ours to serve. Whether its root is; and why nobody can tell."""
        if not self._absence.is_served(look.root):
            return None, False, None
        try:
            seen_again = self._absence.is_seen_again(look.root, look.path)
            folder = None if seen_again else scan.look(look.root, look.path, self._names)
            # another one took its place
            if folder is not None and (there := self._places.key_at(folder)) != self._folders.main_of(look.key):
                folder = scan.look(look.root, look.path, self._names)
                if there is not None:
                    self._wake(there, 0.0)
            return folder, folder is not None or scan.present(look.root), None
        except OSError as error:  # it cannot be read now, which says nothing about whether it was removed
            return None, False, scan.unreadable(error) if scan.present(look.root) else None

    def _notice_restlessness(self, look: Look, record: Record, *, unread: bool, now: datetime) -> Record:
        """Since when it has been changing again and again is kept, so that single passes add up to what one process sees."""
        restless = self._folders.restless(look)
        if unread and restless > 0 and record.restless_at is None:
            return self._store.note(record.key, ledger.restless, now - timedelta(seconds=restless))
        if not unread and record.restless_at is not None:  # it is as it was read: what was changed was changed back
            return self._store.note(record.key, ledger.restless, None)
        return record

    def _notice_key(self, account: Account) -> None:
        """Where a refused key is taken again, all that waited for it may go on."""
        if account.refused is not None:
            self._refused.add(account)
        elif account in self._refused:
            self._refused.discard(account)
            for key in self._folders.in_memory():
                self._wake(key, 0.0)

    def _notice_clock(self, account: Account) -> None:
        """Where the local clock was set, or the machine slept, the service's time has to be learnt again."""
        clock = account.api.clock
        drift = clock.local().timestamp() - self._monotonic()
        if abs(drift - self._drifts.setdefault(account, drift)) > CLOCK_SET:
            clock.known, self._drifts[account] = False, drift
            account.holdings.forget()
        off = abs(clock.offset) > SKEW
        if clock.known and off is not self._clock_off.get(account, False):
            self._clock_off[account] = off
            tell = self._log.warning if off else self._log.info
            tell("this machine's clock against PostPost's", ahead=f"{-clock.offset.total_seconds():.0f}s")

    # --- reading alone ---

    def snapshot(self, look: Look, seen: Observed) -> Snapshot:
        """What was seen, with what else the decision depends on: the account, and its other posts."""
        record, account, reading = seen.record, seen.account, look.reading
        policy, waiting = self._policy(look.root, account), self._waiting_lists[account]
        met = (*(one.finding for one in record.troubles), record.error)  # by itself, or by one that waits before it
        over = any(one is not None and one.code == TOO_MANY_PENDING for one in met)
        pending = not record.done
        desired = _desired(look, seen, policy, account.now())
        text = reading.content if pending and reading is not None else None
        text = desired.text if pending and desired is not None and desired.text is not None else text
        alike = self._store.alike(record.key, text) if text else ()
        if desired is not None and desired.now and record.asked and not record.groups:  # else it was asked before
            alike = (*alike, *self._store.asking(record.key, record.asked))
        return Snapshot(
            seen.folder,
            policy,
            seen.quiet,
            restless=seen.restless,
            glimpse=seen.glimpse,
            root_present=seen.present,
            unreadable=seen.unreadable,
            reading=reading,
            read_age=self._monotonic() - look.read_at,
            in_flight=seen.in_flight,
            fitting=seen.fitting,
            key_refused=account.refused,
            key_probe_at=account.probe_at,
            accounts_age=account.accounts_age(),
            list_age=account.holdings.age(),
            strangers=self._strangers(record, account, text, desired.time if pending and desired is not None else None),
            unlisted=self._unlisted(record, account) if pending else (),
            shown=_shown(record, account) if pending else {},
            clock_known=account.api.clock.known,
            waiting=waiting.first(),
            removed=seen.removed,
            furthest=self._store.furthest(account.digest) if over else (),
            alike=alike,
            left=frozenset(one.key for one in alike if one.root not in self._sites),
            beside=self._store.beside(record.key, record.time) if pending and record.time is not None else (),
            days=self._days(record, policy) if pending else (),
            twin=self._twin(record),
            siblings=seen.siblings,
            desired=desired,
            config=self._sites[look.root].config,
        )

    def _strangers(
        self, record: Record, account: Account, text: str | None, time: datetime | None
    ) -> tuple[Stranger, ...]:
        """What the account holds with this text, or for this time, that no record of ours knows."""
        own = {group.post_group_id for group in record.groups}
        found = account.holdings.with_text(text) if text else ()
        at_its_time = account.holdings.standing_at(time) if time is not None else ()
        before = (account.holdings.get(one) for one in record.maybe)  # it was held for them, and edited since
        found = (*found, *at_its_time, *(held.group for held in before if held is not None))
        others = {one.post_group_id: one for one in found if one.post_group_id not in own}
        if not others:
            return ()
        # before the others: an answer that comes meanwhile is known then
        creating = self._store.creating_with(text or "")
        lost_at = self._store.lost_create_with(text or "")
        unknown = self._store.unknown_group_ids(others)
        return tuple(
            Stranger(
                one.post_group_id,
                one.status,
                one.time,
                one.created_at,
                one.platforms,
                len(one.media) if one.media is not None else None,
                same_text(one.content, text or ""),
            )
            for one in (others[key] for key in sorted(unknown))
            if not (one.status == "draft" and not one.media and (creating or _may_be_of_a_lost_create(one, lost_at)))
        )

    def _unlisted(self, record: Record, account: Account) -> tuple[str, ...]:
        """Of the posts that may be the folder's, those of which neither a reading tells anything, nor a record of ours."""
        untold = tuple(one for one in _wanted(record) if not account.holdings.knows(one))
        unknown = self._store.unknown_group_ids(untold) if untold else ()
        return tuple(one for one in untold if one in unknown)

    def _twin(self, record: Record) -> Record | None:
        """Of the folder whose copy this one seems to be, the same part."""
        if record.copy_of is None or record.groups:
            return None
        original = self._store.record_of(record.copy_of)
        if original is None or original.part == record.part:  # which was carried here, and is named itself
            return original
        return next((one for one in self._folders.other_parts(original.key) if one.part == record.part), None)

    def _days(self, record: Record, policy: Policy) -> tuple[Day, ...]:
        """Of a post's accounts those whose platform says how many it takes a day."""
        if record.time is None:
            return ()
        days = []
        has_video = any(file.name.lower().endswith(VIDEO_SUFFIXES) for file in record.media)
        for one in record.platforms:
            of_all, of_videos = (limit(one.partition("-")[0], key, policy.limits) for key in (DAILY, DAILY_VIDEOS))
            about = record.key, one, record.time
            posts = self._store.in_a_day(*about, videos=False) if of_all is not None else 0
            videos = self._store.in_a_day(*about, videos=True) if of_videos is not None and has_video else 0
            if posts or videos:
                days.append(Day(one, posts, videos))
        return tuple(days)

    def _policy(self, root: str, account: Account) -> Policy:
        """What the config says, with what its account last said besides: one and the same for as long as it says no more."""
        told = account.api.last_connections, account.limits, account.first_comments
        known = self._policies.get((root, account))
        if known is None or any(now is not then for now, then in zip(told, known[0], strict=True)):
            known = self._policies[root, account] = told, live_limits.merged(self._sites[root].policy, *told)
        return known[1]


def _may_be_of_a_lost_create(one: Listed, lost_at: datetime | None) -> bool:
    """Whether a draft may be what a create of ours made, of whichever folder, that was not answered and not found."""
    return lost_at is not None and one.created_at is not None and one.created_at >= lost_at - SLACK


def _is_in_another_directory(folder: Folder, record: Record) -> bool:
    """Where its files differ, too, it may be another folder that has its name for a moment, as when two are swapped."""
    same_files = record.fingerprint in ("", folder.fingerprint)
    return same_files and (folder.inode, folder.device) != (record.inode, record.device)


def _wanted(record: Record) -> tuple[str, ...]:
    """The posts that may be the folder's, and none of ours: it is held for them, or another installation made them."""
    named = record.claim.post_group_id if record.claim is not None and record.claim.foreign else None
    return record.maybe if named is None else (*record.maybe, named)


def _desired(look: Look, seen: Observed, policy: Policy, now: datetime) -> Wanted | None:
    """What the folder asks for, judged once as long as nothing changes that it depends on. None where it was not read."""
    folder, reading = seen.folder, look.reading
    if folder is None or reading is None or folder.fingerprint != reading.fingerprint:
        return None
    kept = kept_by_all(seen.record, seen.siblings)
    grounds = Grounds(reading, policy, kept, tuple(unfit(seen.record, now)), look.copies, look.part)
    if look.judged is None or not look.judged[0].same(grounds):
        wanted = resolve(folder, grounds.with_copies, policy, grounds.kept, grounds.unfit, grounds.part)
        look.judged = grounds, wanted
    return look.judged[1]


def _shown(record: Record, account: Account) -> dict[str, Shown]:
    ids = [group.post_group_id for group in record.groups if group.stage is GroupStage.DRAFT and group.post_group_id]
    held = {one: account.holdings.get(one) for one in ids}
    return {key: Shown(one.group.status, one.at) for key, one in held.items() if one is not None}
