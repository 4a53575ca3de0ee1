"""All folders that are known: what is in memory about each, and at which place it is.

Which of them a folder is that was found somewhere is not decided here (`places`), nor what its status file means (`claims`).
"""

from __future__ import annotations

import threading
from collections.abc import Collection

from postpost_sync.model.folder import Folder
from postpost_sync.model.record import Record, gone_for_good
from postpost_sync.store import Store
from postpost_sync.sync.folder_index import FolderIndex, Known, RootAndPath
from postpost_sync.sync.look import Look
from postpost_sync.sync.part_index import PartIndex
from postpost_sync.sync.runtime import Runtime

ECHO = 2.0  # seconds within which the kernel tells of a file that we wrote


class Folders:
    """All folders, by key and by place. Safe to use from several threads."""

    def __init__(self, store: Store, roots: Collection[str], runtime: Runtime) -> None:
        self._store, self._roots, self._monotonic = store, roots, runtime.monotonic
        self._made_at = 0.0  # seconds since 1970, of the database
        self._lock = threading.Lock()
        self._looks: dict[int, Look] = {}
        self._finished: dict[int, float] = {}  # key -> since when nothing is to be done for it, of those in `_looks`
        self._index = FolderIndex(store.index(), roots)
        self._parts = PartIndex(store.parts(), store.open_keys)

    def start(self, now: float) -> None:
        """`now`: seconds since 1970: when the database was made, where it does not say so yet."""
        self._made_at = float(self._store.fact("made_at", lambda: repr(now)))

    def is_older(self, folder: Folder) -> bool:
        """Whether it was there before the database, so that it may have its post already."""
        return folder.changed_at < self._made_at

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
            self._finished.pop(key, None)  # it is taken forward again
            if (known := self._looks.get(key)) is not None:
                return known
            record = self._store.record(key)  # with the lock: else it may be moved before it is in mind, and stay there
            if record is None or record.root not in self._roots:
                return None
            look = Look(key, record.root, record.path, record.part, since=self._monotonic())
            if (main := self._looks.get(self._parts.main_of(key))) is not None:  # it is seen as the folder is
                look.fingerprint, look.since, look.there = main.fingerprint, main.since, main.there
                look.arriving, look.hashes = main.arriving, main.hashes
            self._looks[key] = look
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

    def other_parts(self, key: int) -> list[Record]:
        """The records of the other parts of its folder."""
        return [record for one in self.siblings(key) if (record := self._store.record(one)) is not None]

    def parts_named(self, key: int) -> dict[str, int]:
        """name -> key of the other parts of the folder with that main part."""
        with self._lock:
            return dict(self._parts.named(key))

    def added_part(self, main: int, name: str, key: int) -> None:
        """Another part of the folder has a record by now."""
        with self._lock:
            self._parts.add(main, name, key)

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
            key = self._index.finished_at(root, path, mark)
            return key is not None and self._is_out_of_mind(key) and not self._parts.open_of(key)

    def renumber(self, root: str) -> None:
        """Learn the numbers that the root's file systems have by now: each mount of a network share gives it another one.

        Else a folder that is removed later would be taken for one whose file system is away. Call it after a rescan.
        """
        with self._lock:
            self._let_go()
            if numbers := self._index.renumber(root):
                self._store.renumber(root, numbers)

    def noticed(self, key: int, folder: Folder) -> bool:
        """A known folder was seen from afar, for the first time or again; whether anything about it is new."""
        with self._lock:
            self._let_go()
            look = self._looks.get(key)
            news = look is None
            if look is None:
                look = self._looks[key] = Look(key, folder.root, folder.path, since=self._monotonic())
            return self._saw(look, folder) or news

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
        others = self.other_parts(look.key)
        gone = all(gone_for_good(one) for one in (record, *others))
        with self._lock:
            self._let_go()
            if look.part:
                self._parts.rested(look.key, done=record.done)
            elif not gone:
                self._index.remember(look.key, _known(record))
            finished = record.done and look.there and look.fingerprint == record.fingerprint and not look.in_flight
            finished = finished and not look.fitting and not look.receipt_failed
            # what was read and hashed for one part serves the others
            if finished and all(one.done and one.fingerprint == record.fingerprint for one in others):
                for key in self._parts.all_of(look.key):
                    if (one := self._looks.get(key)) is not None and not one.in_flight:
                        self._finished.pop(key, None)
                        self._finished[key] = self._monotonic()
            elif not (finished or look.there or after is not None or look.in_flight or look.fitting):  # gone for good
                self._out_of_mind(look.key)
            if gone:
                self._index.remove(self._parts.main_of(look.key), (look.root, look.path))
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

    def remove(self, look: Look, record: Record) -> None:
        """It is known no longer. What a status file still says of a part that is no more does not bring it back."""
        with self._lock:
            if (main := self._looks.get(self._parts.main_of(look.key))) is not None:
                named = {one.post_group_id for one in (record.claim, *record.groups) if one is not None}
                main.not_there |= look.not_there | {one for one in named if one is not None}
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

    # --- where they are ---

    def known_at(self, place: RootAndPath) -> Known | None:
        """What is known of the folder there."""
        with self._lock:
            return self._index.get(self._index.key_at(place))

    def at_place_of(self, folder: Folder) -> tuple[int | None, bool]:
        """The key of the one that is known at its place; and whether this may be another one, moved there."""
        place = folder.root, folder.path
        with self._lock:
            key = self._index.key_at(place)
            if key is None and (record := self._store.gone_from(*place)) is not None:
                key = record.key
                self._index.recall(key, place, _known(record)._replace(done=False))  # that it is back is to be seen
            return key, key is not None and self._index.is_other(folder)

    def with_inode_of(self, folder: Folder) -> tuple[int, Known] | None:
        """The one that had this folder's number when it was last seen at rest, and what is known of it."""
        with self._lock:
            key = self._index.with_inode(folder)
            known = self._index.get(key)
            if key is not None and known is not None:
                return key, known
            record = self._store.gone_as(folder.inode, folder.device, folder.fingerprint)
            return (record.key, _known(record)) if record is not None else None

    def unwatched(self, folder: Folder) -> int | None:
        """The key of this very folder, where it lay below a root that is no longer watched, as when that was renamed."""
        with self._lock:
            return self._index.unwatched(folder)

    def added(self, key: int, folder: Folder) -> None:
        """It has a record by now."""
        with self._lock:
            self._index.put(key, (folder.root, folder.path))
            self._index.remember(key, Known(folder.root, "", False, folder.inode, folder.device))

    # --- from one place to another; False where somebody else saw it elsewhere at the same time ---

    def move(self, record: Record, folder: Folder) -> bool:
        """The folder of the record is at a new place now."""
        place, was = (folder.root, folder.path), (record.root, record.path)
        with self._lock:
            if self._index.key_at(place) is not None or not self._is_recorded_at(was, record.key):
                return False
            within = folder.root == record.root or record.root not in self._roots  # else it was renamed itself
            self._store.move_parts(was, place, folder.inode, folder.device, keeps_slot=within)
            self._put(record.key, was, place)
            return True

    def swap(self, key: int, folder: Folder, other: Record) -> bool:
        """The folder of the other record is at the place of the one with that key now, and this one where that was."""
        mine, theirs = (folder.root, folder.path), (other.root, other.path)
        with self._lock:
            if self._index.key_at(mine) != key or self._index.key_at(theirs) != other.key:
                return False
            self._store.swap_places(key, other.key)
            for one, place in ((other.key, mine), (key, theirs)):
                self._index.put(one, place)
                for part in self._parts.all_of(one):
                    if part in self._finished:
                        self._out_of_mind(part)  # it is looked at anew
                self._looks.setdefault(one, Look(one, *place, since=self._monotonic()))
                self._place_looks(one, place)
            return True

    def take_over(self, look: Look, folder: Folder, moved: Record) -> bool:
        """The folder is that of the other record; the one that it had here, of which nothing was made, is no more."""
        place, was = (folder.root, folder.path), (moved.root, moved.path)
        with self._lock:
            if self._index.key_at(place) != look.key or not self._is_recorded_at(was, moved.key):
                return False
            self._store.swap_places(look.key, moved.key)  # at once, so that no crash leaves a post without its folder
            self._store.forget(look.key)
            for one in self._parts.all_of(look.key):
                self._out_of_mind(one)
            self._parts.disband(look.key)
            self._index.remove(look.key)
            self._put(moved.key, was, place)
            return True

    def _is_recorded_at(self, place: RootAndPath, key: int) -> bool:
        record = self._store.record(key)
        return record is not None and (record.root, record.path) == place and self._index.key_at(place) in (None, key)

    def _put(self, key: int, was: RootAndPath, place: RootAndPath) -> None:
        self._index.put(key, place, was)
        self._place_looks(key, place)

    def _place_looks(self, key: int, place: RootAndPath) -> None:
        for one in self._parts.all_of(key):
            if one in self._finished:
                self._out_of_mind(one)  # it is looked at anew
            if (look := self._looks.get(one)) is not None:
                look.root, look.path = place


def _known(record: Record) -> Known:
    return Known(record.root, record.fingerprint, record.done, record.inode, record.device)
