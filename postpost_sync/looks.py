"""What is in memory about each folder: where it is, what was last seen there, and since when it has been quiet."""

from __future__ import annotations

import os
import threading
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, NamedTuple

from postpost_sync import scan
from postpost_sync.identity import Identity, identify, may_be_at_its_place
from postpost_sync.log import Log
from postpost_sync.models import Folder, MediaFile, Reading, Record
from postpost_sync.mounts import is_in
from postpost_sync.names import Names, spelt_alike
from postpost_sync.store import Store


@dataclass
class Look:
    """One folder. Changed under its `Looks`' lock alone, but for `in_flight`, which its transfers change."""

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
    receipt: Mapping[str, Any] | None = None  # what the status file says
    receipt_failed: bool = False

    @property
    def name(self) -> str:
        return f"{self.root}/{self.path}"


class _Known(NamedTuple):
    """One folder as the database has it."""

    root: str
    fingerprint: str
    done: bool
    inode: int
    device: int


class Looks:
    """All folders, by key and by place. Safe to use from several threads."""

    def __init__(
        self,
        store: Store,
        roots: frozenset[str],
        names: Names,
        monotonic: Callable[[], float],
        log: Log,
        *,
        instance: str,
        now: float,
    ) -> None:
        """`now`: seconds since 1970, the age of a database that is new."""
        self._store, self._names, self._monotonic, self._log = store, names, monotonic, log
        self._instance = instance
        # folders that are older may have their posts already
        self._made_at = float(store.fact("made_at", lambda: repr(now)))
        self._roots = roots
        self._lock = threading.Lock()
        self._looks: dict[int, Look] = {}
        self._keys: dict[tuple[str, str], int] = {}
        self._inodes: dict[tuple[int, int], int] = {}
        self._known: dict[int, _Known] = {}
        self._unwatched: dict[tuple[int, int], tuple[int, str]] = {}  # inode, device -> key, fingerprint: below no root
        for key, root, path, fingerprint, done, inode, device in store.index():
            if root in roots:
                self._keys[root, path] = key
                self._remember(key, _Known(root, fingerprint, done, inode, device))
            elif fingerprint:
                self._unwatched[inode, device] = key, fingerprint
        self._renumbered: dict[str, set[tuple[int, int]]] = {}  # root -> numbers of file systems, before and now
        self.silent: frozenset[str] = frozenset()  # the roots whose file system does not answer
        self.unmounted: dict[str, frozenset[str]] = {}  # root -> where below it a file system was, and is not now
        self.seen_again: dict[str, frozenset[str]] = {}  # root -> where below it folders are that are served elsewhere

    def below(self, root: str) -> dict[str, int]:
        """path -> key of the folders known below a root."""
        with self._lock:
            return {path: key for (at, path), key in self._keys.items() if at == root}

    def sending(self) -> list[Look]:
        """The folders with transfers under way."""
        with self._lock:
            return [look for look in self._looks.values() if look.in_flight]

    def in_memory(self) -> list[int]:
        with self._lock:
            return list(self._looks)

    def get(self, key: int) -> Look | None:
        """The look of a folder that the database knows and that lies below one of our roots."""
        with self._lock:
            look = self._looks.get(key)
        if look is None:
            record = self._store.record(key)
            if record is None or record.root not in self._roots:
                return None
            with self._lock:
                look = self._looks.setdefault(key, Look(key, record.root, record.path, since=self._monotonic()))
        return look

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
            known = self._known.get(self._keys.get((root, path), 0))
        return known is not None and self.is_away(root, path, known.device)

    def _record_is_away(self, record: Record) -> bool:
        return self.is_away(record.root, record.path, record.device)

    def _identify(self, folder: Folder) -> Identity:
        return identify(folder, self._store, self._names, self._instance, self._roots, self._record_is_away)

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
        if os.path.lexists(f"{original.root}/{original.path}") or may_be_at_its_place(
            original, self._names, self._roots, self._record_is_away
        ):
            return None
        return self._take_over(look, folder, original)

    def _take_over(self, look: Look, folder: Folder, moved: Record) -> int | None:
        """The folder is the moved one; the record that it had here meanwhile, of which nothing was made, is no more."""
        place, was = (folder.root, folder.path), (moved.root, moved.path)
        with self._lock:
            if self._keys.get(place) != look.key or not self._is_recorded_at(was, moved.key):
                return None  # somebody else saw it elsewhere at the same time
            self._store.swap_places(look.key, moved.key)  # at once, so that no crash leaves a post without its folder
            self._store.forget(look.key)
            self._forget(look.key)
            self._put(moved.key, was, place)
        self._log.info("moved", folder="/".join(place), was="/".join(was))
        return moved.key

    def _is_recorded_at(self, place: tuple[str, str], key: int) -> bool:
        record = self._store.record(key)
        return record is not None and (record.root, record.path) == place and self._keys.get(place, key) == key

    def _put(self, key: int, was: tuple[str, str], place: tuple[str, str]) -> None:
        self._keys.pop(was, None)  # it is not there where its root is no longer watched
        self._keys[place] = key
        if (look := self._looks.get(key)) is not None:
            look.root, look.path = place

    def root_of(self, key: int) -> str:
        """The root that a folder lies below; "" where that is none of ours (any more)."""
        with self._lock:
            if (found := self._looks.get(key) or self._known.get(key)) is not None:
                return found.root
        return look.root if (look := self.get(key)) is not None else ""

    def as_recorded(self, record: Record) -> bool:
        """Whether the folder is as it was when the record was written, as far as we have seen."""
        with self._lock:
            look = self._looks.get(record.key)
        return look is None or look.fingerprint in ("", record.fingerprint)

    def unchanged(self, folder: Folder) -> bool:
        """Whether a rescan need not look closer: known, finished, and as it was."""
        with self._lock:
            key = self._keys.get((folder.root, folder.path))
            if key is None or key in self._looks:
                return False
            known = self._known.get(key)
            if known is None or not known.done or known.fingerprint != folder.fingerprint:
                return False
            if known.device != folder.device:
                self._renumbered.setdefault(folder.root, set()).add((known.device, folder.device))
            return True

    def renumber(self, root: str) -> None:
        """Learn the numbers that the root's file systems have by now: each mount of a network share gives it another one.

        Else a folder that is removed later would be taken for one whose file system is away. Call it after a rescan.
        """
        with self._lock:
            pairs = self._renumbered.pop(root, set())
            before = Counter(old for old, _ in pairs)
            numbers = {old: new for old, new in pairs if before[old] == 1}
            if not numbers:
                return
            self._store.renumber(root, numbers)
            for key, known in list(self._known.items()):
                if known.root == root and known.device in numbers:
                    self._inodes.pop((known.inode, known.device), None)
                    self._remember(key, known._replace(device=numbers[known.device]))

    def notice(self, folder: Folder, now: datetime) -> tuple[int, bool]:
        """A post folder was seen, for the first time or again: its key, and whether anything about it is new."""
        key = self.key_at(folder)
        if key is None:
            key = self._moved(folder) or self._new(folder, now)
        with self._lock:
            look = self._looks.get(key)
            news = look is None
            if look is None:
                look = self._looks[key] = Look(key, folder.root, folder.path, since=self._monotonic())
            return key, self._saw(look, folder) or news

    def key_at(self, folder: Folder) -> int | None:
        """The key of the folder that stands at its place; None where none is known there.

        Where another one that is known was moved onto the place, as when two swap their names, the two change places.
        """
        with self._lock:
            key = self._keys.get((folder.root, folder.path))
            if key is None or not self._is_other(key, folder):
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
            if self._keys.get(mine) != key or self._keys.get(theirs) != other.key:
                return self._keys.get(mine)  # somebody else saw it at the same time
            self._store.swap_places(key, other.key)
            for one, place in ((other.key, mine), (key, theirs)):
                self._keys[place] = one
                look = self._looks.setdefault(one, Look(one, *place, since=self._monotonic()))
                look.root, look.path = place
            self._log.info("moved", folder="/".join(mine), was="/".join(theirs))
        return other.key

    def _is_other(self, key: int, folder: Folder) -> bool:
        """Whether the folder at a known place is not as it had settled there, so that it may be another one."""
        known = self._known.get(key)
        return known is not None and known.fingerprint not in ("", folder.fingerprint)

    def saw(self, look: Look, folder: Folder | None) -> float:
        """The folder was looked at; the seconds for which it has been as it is."""
        with self._lock:
            self._saw(look, folder)
            return self._monotonic() - look.since

    def stirred(self, look: Look) -> None:
        """The folder changed while it was being used: what was read of it does not count."""
        with self._lock:
            look.reading, look.fingerprint, look.since = None, "?", self._monotonic()

    def rested(self, look: Look, record: Record) -> bool:
        """Nothing is to be done for now. True where the folder is finished as it is: then nothing of it is kept in mind."""
        with self._lock:
            self._remember(look.key, _Known(record.root, record.fingerprint, record.done, record.inode, record.device))
            finished = record.done and look.there and look.fingerprint == record.fingerprint and not look.in_flight
            if finished and self._looks.get(look.key) is look:
                del self._looks[look.key]
            return finished

    def forget(self, look: Look) -> None:
        with self._lock:
            self._keys.pop((look.root, look.path), None)
            self._forget(look.key)

    def _forget(self, key: int) -> None:
        self._looks.pop(key, None)
        known = self._known.pop(key, None)
        if known is not None and self._inodes.get((known.inode, known.device)) == key:
            del self._inodes[known.inode, known.device]

    def _saw(self, look: Look, folder: Folder | None) -> bool:
        there = folder is not None
        fingerprint = folder.fingerprint if folder is not None else look.fingerprint
        arriving = folder.arriving if folder is not None else None
        if (there, fingerprint, arriving) == (look.there, look.fingerprint, look.arriving):
            return False
        news = (there, fingerprint) != (look.there, look.fingerprint) or arriving is not None
        look.there, look.fingerprint, look.arriving, look.since = there, fingerprint, arriving, self._monotonic()
        return news

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
            self._keys[folder.root, folder.path] = record.key
        self._log.info("found", folder=f"{folder.root}/{folder.path}")
        return record.key

    def _moved(self, folder: Folder) -> int | None:
        """The key of the folder that this one was before it was renamed."""
        record = self._same_files(folder)
        if record is not None and record.root != folder.root:
            record = None
        key, fingerprint = self._unwatched.get((folder.inode, folder.device), (0, ""))
        if record is None and fingerprint == folder.fingerprint:
            record = self._store.record(key)  # its root was renamed
        if record is None or not self._move(record, folder):
            return None
        return record.key

    def _same_files(self, folder: Folder) -> Record | None:
        """The record of this very folder, where its place has another one by now, or none, or this one under another name.

        The inode alone would not do: file systems give that of a removed folder to the next one. So its files must be
        the same, too, or its name but for case and accents, as where a share takes two spellings for one.
        """
        with self._lock:
            key = self._inodes.get((folder.inode, folder.device))
            known = self._known.get(key) if key is not None else None
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

    def _move(self, record: Record, folder: Folder) -> bool:
        """The folder of the record is at a new place now; False where somebody else saw it elsewhere at the same time."""
        place, was = (folder.root, folder.path), (record.root, record.path)
        with self._lock:
            if place in self._keys or not self._is_recorded_at(was, record.key):
                return False
            self._store.change(
                record.key,
                lambda r: replace(r, root=folder.root, path=folder.path, inode=folder.inode, device=folder.device),
            )
            self._put(record.key, was, place)
        self._log.info("moved", folder="/".join(place), was="/".join(was))
        return True

    def _remember(self, key: int, known: _Known) -> None:
        """What the database has. Of two folders that had the same inode, one after the other, the later one counts."""
        self._known[key] = known
        self._inodes[known.inode, known.device] = key
