"""All folders that are known: what is in memory about each, and where it is by now: renamed, swapped, moved to another disk."""

from __future__ import annotations

import os
import threading
from collections.abc import Collection, Mapping
from datetime import datetime

from postpost_sync import ledger
from postpost_sync.disk import scan
from postpost_sync.model.folder import Folder
from postpost_sync.model.record import Claim, Record, is_out, live_group, made_with
from postpost_sync.model.states import State
from postpost_sync.post.names import Names, spelt_alike
from postpost_sync.store import Store
from postpost_sync.sync.absence import Absence
from postpost_sync.sync.folder_index import FolderIndex, Known
from postpost_sync.sync.identity import (
    Identity,
    claims_of_parts,
    content,
    identify,
    may_be_at_its_place,
    unknown_claim,
)
from postpost_sync.sync.look import Look
from postpost_sync.sync.part_index import PartIndex
from postpost_sync.sync.runtime import Runtime

ECHO = 2.0  # seconds within which the kernel tells of a file that we wrote


class Folders:
    """All folders, by key and by place. Safe to use from several threads."""

    def __init__(
        self,
        store: Store,
        roots: Mapping[str, str],
        names: Names,
        absence: Absence,
        runtime: Runtime,
    ) -> None:
        """`roots`: each with the digest of who it posts as."""
        self._store, self._roots, self._names, self._absence = store, roots, names, absence
        self._monotonic, self._log, self._instance = runtime.monotonic, runtime.log, runtime.instance
        self._made_at = 0.0  # seconds since 1970, of the database
        self._lock = threading.Lock()
        self._looks: dict[int, Look] = {}
        self._finished: dict[int, float] = {}  # key -> since when nothing is to be done for it, of those in `_looks`
        self._index = FolderIndex(store.index(), roots)
        self._parts = PartIndex(store.parts(), store.open_keys)

    def start(self, now: float) -> None:
        """`now`: seconds since 1970. Folders that are older than the database may have their posts already."""
        self._made_at = float(self._store.fact("made_at", lambda: repr(now)))

    def below(self, root: str) -> dict[str, int]:
        """path -> key of the folders known below a root."""
        with self._lock:
            return self._index.below(root)

    def sending(self) -> list[Look]:
        """The folders with transfers under way, or copies, or with such as ended just now."""
        with self._lock:
            return [look for look in self._looks.values() if look.at_work]

    def in_memory(self) -> list[int]:
        with self._lock:
            return list(self._looks)

    def get(self, key: int) -> Look | None:
        """The look of a folder that the database knows and that lies below one of our roots."""
        with self._lock:
            look = self._looks.get(key)
            self._finished.pop(key, None)  # it is taken forward again
        if look is None:
            record = self._store.record(key)
            if record is None or record.root not in self._roots:
                return None
            with self._lock:
                new = Look(key, record.root, record.path, record.part, since=self._monotonic())
                if (main := self._looks.get(self._parts.main_of(key))) is not None:  # it is seen as the folder is
                    new.fingerprint, new.since, new.there = main.fingerprint, main.since, main.there
                    new.arriving, new.hashes = main.arriving, main.hashes
                look = self._looks.setdefault(key, new)
        return look

    # --- the parts of a folder ---

    def main_of(self, key: int) -> int:
        """The key of the main part of the folder: by that the folder is known."""
        with self._lock:
            return self._parts.main_of(key)

    def siblings(self, key: int) -> tuple[int, ...]:
        """The keys of the other parts of its folder."""
        with self._lock:
            return tuple(one for one in self._parts.all_of(key) if one != key)

    def _parts_of(self, key: int) -> list[Record]:
        """The records of the other parts of its folder."""
        return [record for one in self.siblings(key) if (record := self._store.record(one)) is not None]

    def has_parts(self, key: int, names: Collection[str]) -> bool:
        """Whether each of these parts of its folder has a record."""
        with self._lock:
            return self._parts.named(key).keys() >= {*names}

    def not_seen(self, key: int) -> list[int]:
        """The other parts of a folder that is there which did not see it when they looked last."""
        with self._lock:
            still_open = self._parts.open_of(key)
            looks = ((one, self._looks.get(one)) for one in self._parts.named(key).values())
            return [one for one, look in looks if (one in still_open if look is None else not look.there)]

    def enter(self, key: int) -> bool:
        """Whether it may be taken forward now: one part of a folder at a time. Else it is among those that `leave` names."""
        with self._lock:
            return self._parts.enter(key)

    def leave(self, main: int) -> set[int]:
        """A part of the folder whose main part that is was taken as far as it goes; the parts that came meanwhile."""
        with self._lock:
            return self._parts.leave(main)

    def add_parts(self, look: Look, folder: Folder, record: Record, names: Collection[str], now: datetime) -> bool:
        """Records for those parts of a folder that have none: what the sidecar `names`, and what the status file does.

        `look` and `record` are the main part's. Whether anything was written down.
        """
        written = content(folder.root, folder.path) if record.copy_of is None else None  # else it is the original's
        claims = claims_of_parts(written, self._instance)
        unknown = self._store.unknown_group_ids([one.post_group_id for one in claims.values() if one.post_group_id])
        claims = {name: one for name, one in claims.items() if one.post_group_id in unknown}
        with self._lock:
            known = dict(self._parts.named(look.key))
        news = False
        for name in dict.fromkeys((*names, *claims)):
            if name in known:
                news |= self._part_claimed(known[name], claims.get(name))
            else:
                self._add_part(look, folder, record, name, claims.get(name), now)
                news = True
        return news

    def _add_part(
        self, look: Look, folder: Folder, record: Record, name: str, claim: Claim | None, now: datetime
    ) -> None:
        older = folder.changed_at < self._made_at and record.copy_of is None
        part = self._store.add(
            *(folder.root, folder.path, folder.inode, folder.device, now),
            part=name,
            claim=claim,
            slot=claim.slot if claim is not None else None,
            copy_of=record.copy_of,
            cancel=record.cancel,
            unproven=claim is not None or older,
        )
        with self._lock:
            self._parts.add(look.key, name, part.key)

    def _part_claimed(self, key: int, claim: Claim | None) -> bool:
        """Whether what a status file says of a part is news; then that is written down."""
        record, look = self._store.record(key), self.in_mind(key)
        if claim is None or record is None or record.claim is not None or is_out(live_group(record)):
            return False
        if look is not None and claim.post_group_id in look.not_there:
            return False
        self._store.change(key, ledger.claimed, claim, None)
        return True

    def in_mind(self, key: int) -> Look | None:
        """The look of a folder where something of it is in memory."""
        with self._lock:
            return self._looks.get(key)

    def root_of(self, key: int) -> str:
        """The root that a folder lies below; "" where that is none of ours (any more)."""
        with self._lock:
            if (found := self._looks.get(key) or self._index.get(key)) is not None:
                return found.root
        return look.root if (look := self.get(key)) is not None else ""

    def as_recorded(self, record: Record) -> bool:
        """Whether the folder is as it was when the record was written, as far as we have seen."""
        with self._lock:
            look = self._looks.get(record.key)
        return look is None or look.fingerprint in ("", record.fingerprint)

    def unchanged(self, folder: Folder, mark: int = 0) -> bool:
        """Whether a rescan need not look closer: known, finished, and as it was. `mark`: what its walk told of it."""
        with self._lock:
            key = self._index.key_at((folder.root, folder.path))
            return self._is_out_of_mind(key) and not self._parts.open_of(key) and self._index.is_finished(folder, mark)

    def as_before(self, root: str, path: str, mark: int) -> bool:
        """Whether a walk told the same mark of that folder when it was found to be unchanged, and it is so still."""
        with self._lock:
            key = self._index.finished_at((root, path), mark)
            return key is not None and self._is_out_of_mind(key) and not self._parts.open_of(key)

    def renumber(self, root: str) -> None:
        """Learn the numbers that the root's file systems have by now: each mount of a network share gives it another one.

        Else a folder that is removed later would be taken for one whose file system is away. Call it after a rescan.
        """
        with self._lock:
            self._let_go()
            if numbers := self._index.renumber(root):
                self._store.renumber(root, numbers)

    def notice(self, folder: Folder, now: datetime) -> tuple[int, bool]:
        """A post folder was seen, for the first time or again: its key, and whether anything about it is new."""
        key = self.key_at(folder)
        if key is None:
            key = self._moved(folder) or self._new(folder, now)
        with self._lock:
            self._let_go()
            look = self._looks.get(key)
            news = look is None
            if look is None:
                look = self._looks[key] = Look(key, folder.root, folder.path, since=self._monotonic())
            return key, self._saw(look, folder) or news

    def saw(self, look: Look, folder: Folder | None) -> float:
        """The folder was looked at; the seconds for which it has been as it is."""
        with self._lock:
            self._saw(look, folder)
            return self._monotonic() - look.since

    def stirred(self, look: Look) -> None:
        """The folder changed while it was being used: what was read of it does not count."""
        with self._lock:
            for key in self._parts.all_of(look.key):
                if (one := self._looks.get(key, look if key == look.key else None)) is not None:
                    one.reading, one.fingerprint, one.since = None, "?", self._monotonic()

    def restless(self, look: Look) -> float:
        """Seconds for which it has been changing again and again, and could not be read; 0 where it settled since."""
        with self._lock:
            return self._monotonic() - look.restless_since if look.restless_since is not None else 0.0

    def settled(self, look: Look) -> None:
        """It was read as it is."""
        with self._lock:
            look.restless_since = None

    def rested(self, look: Look, record: Record, after: float | None) -> bool:
        """Nothing is to be done for so many seconds; None: until something changes.

        True where the folder is finished as it is. Then nothing of it is kept in mind, nor of one that is gone for good.
        """
        others = self._parts_of(look.key)
        with self._lock:
            self._let_go()
            if look.part:
                self._parts.rested(look.key, done=record.done)
            else:
                about = record.root, record.fingerprint, record.done, record.inode, record.device
                self._index.remember(look.key, Known(*about))
            finished = record.done and look.there and look.fingerprint == record.fingerprint and not look.in_flight
            finished = finished and not look.fitting and not look.receipt_failed
            # what was read and hashed for one part serves the others
            if finished and all(one.done and one.fingerprint == record.fingerprint for one in others):
                for key in self._parts.all_of(look.key):
                    if (one := self._looks.get(key)) is not None and not one.in_flight:
                        self._finished.pop(key, None)
                        self._finished[key] = self._monotonic()
            elif (
                not finished and not look.there and after is None and not look.in_flight and not look.fitting
            ):  # gone for good
                self._out_of_mind(look.key)
            return finished

    def _let_go(self) -> None:
        """Nothing is kept in mind of what is finished, once the notifications of its own status file have come."""
        ends = self._monotonic() - ECHO
        while self._finished:
            key, since = next(iter(self._finished.items()))
            if since > ends:
                break
            self._out_of_mind(key)

    def _out_of_mind(self, key: int) -> None:
        self._looks.pop(key, None)
        self._finished.pop(key, None)

    def _is_out_of_mind(self, key: int | None) -> bool:
        return key not in self._looks or key in self._finished

    def remove(self, look: Look) -> None:
        """It is known no longer."""
        with self._lock:
            self._out_of_mind(look.key)
            if not self._parts.remove(look.key):
                self._index.remove(look.key, (look.root, look.path))

    def _saw(self, look: Look, folder: Folder | None) -> bool:
        there = folder is not None
        fingerprint = folder.fingerprint if folder is not None else look.fingerprint
        arriving = folder.arriving if folder is not None else None
        if (there, fingerprint, arriving) == (look.there, look.fingerprint, look.arriving):
            return False
        news = (there, fingerprint) != (look.there, look.fingerprint) or arriving is not None
        if look.fingerprint and there and look.restless_since is None:
            look.restless_since = self._monotonic()
        look.there, look.fingerprint, look.arriving, look.since = there, fingerprint, arriving, self._monotonic()
        main = self._looks.get(self._parts.main_of(look.key))
        if main is not None and main is not look and (main.there, main.fingerprint) == (there, fingerprint):
            look.since = main.since  # it has been as it is since then
        return news

    def place_is_away(self, root: str, path: str) -> bool:
        """Whether what is at the place of a known folder cannot be told for now."""
        with self._lock:
            known = self._index.get(self._index.key_at((root, path)))
        return known is not None and self._absence.is_away(root, path, known.device)

    def _record_is_away(self, record: Record) -> bool:
        return self._absence.is_away(record.root, record.path, record.device)

    # --- found at a place ---

    def _new(self, folder: Folder, now: datetime) -> int:
        """The key of a folder that stands at a place where none was known: it may have been elsewhere before."""
        known = self._identify(folder)
        copy_of = known.copy_of
        if known.moved is not None:
            if self._move(known.moved, folder):
                return known.moved.key
            copy_of = known.moved.folder_id
        older = folder.changed_at < self._made_at
        record = self._store.add(
            folder.root,
            folder.path,
            folder.inode,
            folder.device,
            now,
            folder_id=known.folder_id,
            claim=known.claim,
            slot=known.claim.slot if known.claim is not None else None,
            maybe=known.claim.maybe if known.claim is not None else (),
            copy_of=copy_of,
            unproven=known.claim is not None or (older and copy_of is None),
        )
        with self._lock:
            self._index.put(record.key, (folder.root, folder.path))
            self._index.remember(record.key, Known(folder.root, "", False, folder.inode, folder.device))
        self._log.info("found", folder=f"{folder.root}/{folder.path}")
        return record.key

    def _moved(self, folder: Folder) -> int | None:
        """The key of the folder that this one was before it was renamed."""
        record = self._same_files(folder)
        if record is not None and record.root != folder.root:
            record = None
        if record is None and (key := self._index.unwatched(folder)) is not None:
            record = self._store.record(key)
        if record is None or not self._move(record, folder):
            return None
        return record.key

    def _same_files(self, folder: Folder) -> Record | None:
        """The record of this very folder, where its place has another one by now, or none, or this one under another name.

        The inode alone would not do: file systems give that of a removed folder to the next one. So its files must be
        the same, too, or its name but for case and accents, as where a share takes two spellings for one.
        """
        with self._lock:
            key = self._index.with_inode(folder)
            known = self._index.get(key)
            if key is None or known is None or known.root in self._absence.silent:
                return None
        record, same_files = self._store.record(key), known.fingerprint == folder.fingerprint
        if record is None or (record.root, record.path) == (folder.root, folder.path):
            return record if same_files else None
        respelt = record.root == folder.root and spelt_alike(record.path, folder.path)
        if not same_files and not respelt:
            return None
        try:
            there = scan.look(record.root, record.path, self._names)
        except OSError:
            return None  # that cannot be told
        still_there = there is not None and (there.inode, there.device) == (folder.inode, folder.device)
        return record if (respelt if still_there else same_files) else None

    def key_at(self, folder: Folder) -> int | None:
        """The key of the folder that stands at its place; None where none is known there.

        Where another one that is known was moved onto the place, as when two swap their names, the two change places.
        """
        with self._lock:
            key = self._index.key_at((folder.root, folder.path))
            if key is None or not self._index.is_other(folder):
                return key
        other = self._same_files(folder)
        if other is None:
            other = self._identify(folder).moved
        if other is None or other.key == key or other.root not in self._roots:
            return key
        if self._record_is_away(other):
            return key  # which says nothing about where it is
        with self._lock:
            mine, theirs = (folder.root, folder.path), (other.root, other.path)
            if self._index.key_at(mine) != key or self._index.key_at(theirs) != other.key:
                return self._index.key_at(mine)  # somebody else saw it at the same time
            self._store.swap_places(key, other.key)
            for one, place in ((other.key, mine), (key, theirs)):
                self._index.put(one, place)
                for part in self._parts.all_of(one):
                    if part in self._finished:
                        self._out_of_mind(part)  # it is looked at anew
                self._looks.setdefault(one, Look(one, *place, since=self._monotonic()))
                self._place_looks(one, place)
            self._log.info("moved", folder="/".join(mine), was="/".join(theirs))
        return other.key

    def identify_again(self, look: Look, folder: Folder, record: Record) -> int | None:
        """A folder of which nothing was made yet has settled: its status file may have come after its sidecar.

        The key of the folder that was moved here, which takes this one's place; None where it is no other one.
        """
        known = self._identify(folder)
        if known.moved is not None:
            if known.moved.key != look.key:
                return self._take_over(look, folder, known.moved)
            self.claimed(look, folder, record)
            return None
        if known.copy_of is not None and record.copy_of is None:
            for part in (record, *self._parts_of(look.key)):
                if not part.groups:
                    self._store.change(part.key, ledger.copied, known.copy_of)
        elif known.claim is not None and record.claim is None:
            self._store.change(look.key, ledger.claimed, known.claim, known.folder_id)
        return None

    def claimed(self, look: Look, folder: Folder, record: Record) -> bool:
        """Whether its status file says something that our records do not know; then that is written down."""
        written = content(folder.root, folder.path)
        if written is None or hash(written) == look.receipt_text:
            return False
        parts = claims_of_parts(written, self._instance) if record.copy_of is None else {}
        unknown = self._store.unknown_group_ids([one.post_group_id for one in parts.values() if one.post_group_id])
        news = bool(unknown) and self.add_parts(look, folder, record, (), record.updated_at)
        if news:
            self._log.warning("its status file names posts of parts that are not known here", folder=look.name)
            return True
        live = live_group(record)
        may_have_followed = live is not None and live.outcome in (State.FAILED, State.CANCELLED)
        if record.claim is not None or (is_out(live) and not may_have_followed):
            return False
        claim = unknown_claim(written, record, self._store, self._instance)
        if claim is None or claim.post_group_id in look.not_there:
            return False
        self._store.change(look.key, ledger.claimed, claim, None)
        self._log.warning("its status file names a post that is not known here", folder=look.name)
        return True

    def original_gone(self, look: Look, folder: Folder, original: Record) -> int | None:
        """The key of the folder whose copy this one seemed to be, where that was moved here: copied, then removed there.

        All of it, that is: a sidecar alone may be gone for the moment in which it is written anew.
        """
        if not self._may_be(folder, original) or os.path.lexists(f"{original.root}/{original.path}"):
            return None
        if may_be_at_its_place(original, self._names, self._roots, self._record_is_away):
            return None
        return self._take_over(look, folder, original)

    # --- which one it is ---

    def _identify(self, folder: Folder) -> Identity:
        known = identify(folder, self._store, self._names, self._instance, self._roots, self._record_is_away)
        if known.moved is not None and not self._may_be(folder, known.moved):
            return Identity(copy_of=known.moved.folder_id)
        return known

    def _may_be(self, folder: Folder, record: Record) -> bool:
        """Whether a status file is believed: not where, by its word alone, something else would be posted as somebody else."""
        others = {digest for digest in self._roots.values() if digest != self._roots[folder.root]}
        return made_with(record) not in others or folder.fingerprint == record.fingerprint

    # --- from one place to another ---

    def _move(self, record: Record, folder: Folder) -> bool:
        """The folder of the record is at a new place now; False where somebody else saw it elsewhere at the same time."""
        place, was = (folder.root, folder.path), (record.root, record.path)
        with self._lock:
            if self._index.key_at(place) is not None or not self._is_recorded_at(was, record.key):
                return False
            within = folder.root == record.root or record.root not in self._roots  # else it was renamed itself
            self._store.move_parts(was, place, folder.inode, folder.device, keeps_slot=within)
            self._put(record.key, was, place)
        self._log.info("moved", folder="/".join(place), was="/".join(was))
        return True

    def _take_over(self, look: Look, folder: Folder, moved: Record) -> int | None:
        """The folder is the moved one; the record that it had here meanwhile, of which nothing was made, is no more."""
        place, was = (folder.root, folder.path), (moved.root, moved.path)
        if any(part.groups for part in self._parts_of(look.key)):
            return None  # it has posts of its own
        with self._lock:
            if self._index.key_at(place) != look.key or not self._is_recorded_at(was, moved.key):
                return None  # somebody else saw it elsewhere at the same time
            self._store.swap_places(look.key, moved.key)  # at once, so that no crash leaves a post without its folder
            self._store.forget(look.key)
            for one in self._parts.all_of(look.key):
                self._out_of_mind(one)
            self._parts.disband(look.key)
            self._index.remove(look.key)
            self._put(moved.key, was, place)
        self._log.info("moved", folder="/".join(place), was="/".join(was))
        return moved.key

    def _is_recorded_at(self, place: tuple[str, str], key: int) -> bool:
        record = self._store.record(key)
        return record is not None and (record.root, record.path) == place and self._index.key_at(place) in (None, key)

    def _put(self, key: int, was: tuple[str, str], place: tuple[str, str]) -> None:
        self._index.put(key, place, was)
        self._place_looks(key, place)

    def _place_looks(self, key: int, place: tuple[str, str]) -> None:
        for one in self._parts.all_of(key):
            if one in self._finished:
                self._out_of_mind(one)  # it is looked at anew
            if (look := self._looks.get(one)) is not None:
                look.root, look.path = place
