"""Where each folder is: at its place, away, or the one that was elsewhere before: renamed, swapped, moved to another disk."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from postpost_sync.disk import scan
from postpost_sync.disk.mounts import is_in
from postpost_sync.log import Log
from postpost_sync.model.folder import Folder, MediaFile, Reading
from postpost_sync.model.record import Record, made_with
from postpost_sync.post.names import Names, spelt_alike
from postpost_sync.store import Store
from postpost_sync.sync.folder_index import Places
from postpost_sync.sync.identity import Identity, identify, may_be_at_its_place


@dataclass
class Look:
    """One folder. Changed under its `Looks`' lock alone, but for what its transfers and the makers of its copies change:
    `in_flight`, and `fitting` and `copies`."""

    key: int
    root: str
    path: str
    fingerprint: str = ""
    since: float = 0.0  # monotonic: when it was last seen to change, or to be gone
    there: bool = True
    arriving: float | None = None  # the newest transfer temporary's time, when it was last seen
    reading: Reading | None = None
    hashes: dict[str, MediaFile] = field(default_factory=dict)  # files hashed, by name, with the stat they had
    in_flight: dict[int, threading.Event] = field(default_factory=dict)  # position -> what ends the transfer
    fitting: set[str] = field(default_factory=set)  # names of the files of which a copy is being made
    copies: dict[str, MediaFile] = field(
        default_factory=dict
    )  # files with their copies, by name, with the stat they had
    receipt: Mapping[str, Any] | None = None  # what the status file says
    receipt_failed: bool = False

    @property
    def name(self) -> str:
        return f"{self.root}/{self.path}"

    @property
    def as_read(self) -> Reading | None:
        """What was read in it, with the copies that were made of its files since."""
        reading, copies = self.reading, self.copies
        if reading is None or not copies:
            return reading
        made = (copies.get(file.name, file) for file in reading.media)
        media = (
            replace(file, sha256=one.sha256, copy=one.copy) if one.stat == file.stat and one is not file else file
            for file, one in zip(reading.media, made, strict=True)
        )
        return replace(reading, media=tuple(media))


class Whereabouts:
    """Safe to use from several threads. What a folder looks like is no concern of it; `looks` adds that."""

    def __init__(
        self,
        store: Store,
        roots: Mapping[str, str],
        names: Names,
        monotonic: Callable[[], float],
        log: Log,
        *,
        instance: str,
        now: float,
    ) -> None:
        """`roots`: each with the digest of who it posts as. `now`: seconds since 1970, the age of a database that is new."""
        self._store, self._names, self._monotonic, self._log = store, names, monotonic, log
        self._instance = instance
        # folders that are older may have their posts already
        self._made_at = float(store.fact("made_at", lambda: repr(now)))
        self._roots = roots
        self._lock = threading.Lock()
        self._looks: dict[int, Look] = {}
        self._places = Places(store.index(), roots)
        self.silent: frozenset[str] = frozenset()  # the roots whose file system does not answer
        self.unmounted: dict[str, frozenset[str]] = {}  # root -> where below it a file system was, and is not now
        self.seen_again: dict[str, frozenset[str]] = {}  # root -> where below it folders are that are served elsewhere

    def is_away(self, root: str, path: str, device: int) -> bool:
        """Whether a folder that is not at its place is on a file system that is not there for now: it was not removed, nor moved.

        The number of its device does not show that where it was bound there from elsewhere on the same disk.
        """
        if root in self.silent or is_in(path, self.unmounted.get(root, ())) or self.is_seen_again(root, path):
            return True
        return not scan.present(root, path, device)

    def is_seen_again(self, root: str, path: str) -> bool:
        """Whether what is seen there is served at another place, so that nothing of it is this folder's."""
        return is_in(path, self.seen_again.get(root, ()))

    def place_is_away(self, root: str, path: str) -> bool:
        """The same of the place of a folder that the database knows."""
        with self._lock:
            known = self._places.get(self._places.key_at((root, path)))
        return known is not None and self.is_away(root, path, known.device)

    def _record_is_away(self, record: Record) -> bool:
        return self.is_away(record.root, record.path, record.device)

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
            copy_of=copy_of,
            unproven=known.claim is not None or (older and copy_of is None),
        )
        with self._lock:
            self._places.put(record.key, (folder.root, folder.path))
        self._log.info("found", folder=f"{folder.root}/{folder.path}")
        return record.key

    def _moved(self, folder: Folder) -> int | None:
        """The key of the folder that this one was before it was renamed."""
        record = self._same_files(folder)
        if record is not None and record.root != folder.root:
            record = None
        if record is None and (key := self._places.unwatched(folder)) is not None:
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
            key = self._places.with_inode(folder)
            known = self._places.get(key)
            if key is None or known is None or known.root in self.silent:
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
            key = self._places.key_at((folder.root, folder.path))
            if key is None or not self._places.is_other(folder):
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
            if self._places.key_at(mine) != key or self._places.key_at(theirs) != other.key:
                return self._places.key_at(mine)  # somebody else saw it at the same time
            self._store.swap_places(key, other.key)
            for one, place in ((other.key, mine), (key, theirs)):
                self._places.put(one, place)
                look = self._looks.setdefault(one, Look(one, *place, since=self._monotonic()))
                look.root, look.path = place
            self._log.info("moved", folder="/".join(mine), was="/".join(theirs))
        return other.key

    def identify_again(self, look: Look, folder: Folder, record: Record) -> int | None:
        """A folder of which nothing was made yet has settled: its status file may have come after its sidecar.

        The key of the folder that was moved here, which takes this one's place; None where it is no other one.
        """
        known = self._identify(folder)
        if known.moved is not None:
            return self._take_over(look, folder, known.moved) if known.moved.key != look.key else None
        if known.copy_of is not None and record.copy_of is None:
            self._store.change(look.key, lambda r: replace(r, copy_of=known.copy_of, unproven=False))
        elif known.claim is not None and record.claim is None:
            own = record.folder_id if known.folder_id is None else known.folder_id
            self._store.change(look.key, lambda r: replace(r, folder_id=own, claim=known.claim, unproven=True))
        return None

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
            if self._places.key_at(place) is not None or not self._is_recorded_at(was, record.key):
                return False
            self._store.change(
                record.key,
                lambda r: replace(r, root=folder.root, path=folder.path, inode=folder.inode, device=folder.device),
            )
            self._put(record.key, was, place)
        self._log.info("moved", folder="/".join(place), was="/".join(was))
        return True

    def _take_over(self, look: Look, folder: Folder, moved: Record) -> int | None:
        """The folder is the moved one; the record that it had here meanwhile, of which nothing was made, is no more."""
        place, was = (folder.root, folder.path), (moved.root, moved.path)
        with self._lock:
            if self._places.key_at(place) != look.key or not self._is_recorded_at(was, moved.key):
                return None  # somebody else saw it elsewhere at the same time
            self._store.swap_places(look.key, moved.key)  # at once, so that no crash leaves a post without its folder
            self._store.forget(look.key)
            self._looks.pop(look.key, None)
            self._places.forget(look.key)
            self._put(moved.key, was, place)
        self._log.info("moved", folder="/".join(place), was="/".join(was))
        return moved.key

    def _is_recorded_at(self, place: tuple[str, str], key: int) -> bool:
        record = self._store.record(key)
        return record is not None and (record.root, record.path) == place and self._places.key_at(place) in (None, key)

    def _put(self, key: int, was: tuple[str, str], place: tuple[str, str]) -> None:
        self._places.put(key, place, was)
        if (look := self._looks.get(key)) is not None:
            look.root, look.path = place
