"""Which folder stands at a place: the one that is known there, one that was moved or swapped there, a copy, or a new one.

It may be renamed, exchanged with another, on another disk, or under another spelling. `identity` says what its status file
tells of that; here it is weighed against what is known, and `folders` and the database are told.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import datetime

from postpost_sync import ledger
from postpost_sync.disk import scan
from postpost_sync.model.folder import Folder
from postpost_sync.model.record import Record, made_with
from postpost_sync.post.names import Names, spelt_alike
from postpost_sync.store import Store
from postpost_sync.sync.absence import Absence
from postpost_sync.sync.folders import Folders
from postpost_sync.sync.identity import Identity, identify, may_be_at_its_place
from postpost_sync.sync.look import Look
from postpost_sync.sync.runtime import Runtime


class Places:
    """Keeps nothing in memory. Safe to use from several threads: where two see the same, `folders` lets one of them through."""

    def __init__(
        self,
        store: Store,
        folders: Folders,
        roots: Mapping[str, str],
        names: Names,
        absence: Absence,
        runtime: Runtime,
    ) -> None:
        """`roots`: each with the digest of who it posts as."""
        self._store, self._folders, self._roots, self._names = store, folders, roots, names
        self._absence, self._log, self._instance = absence, runtime.log, runtime.instance

    def notice(self, folder: Folder, now: datetime) -> tuple[int, bool]:
        """A post folder was seen, for the first time or again: its key, and whether anything about it is new."""
        key = self.key_at(folder)
        if key is None:
            key = self._moved(folder) or self._new(folder, now)
        return key, self._folders.noticed(key, folder)

    def key_at(self, folder: Folder) -> int | None:
        """The key of the folder that stands at its place; None where none is known there.

        Where another one that is known was moved onto the place, as when two swap their names, the two change places.
        """
        key, may_be_other = self._folders.at_place_of(folder)
        if key is None or not may_be_other:
            return key
        other = self._same_files(folder)
        if other is None:
            other = self._identify(folder).moved
        if other is None or other.key == key or other.root not in self._roots:
            return key
        if self._record_is_away(other):
            return key  # which says nothing about where it is
        if not self._folders.swap(key, folder, other):
            return self._folders.at_place_of(folder)[0]
        return self._was_moved(other, folder)

    def identify_again(self, look: Look, folder: Folder, record: Record) -> int | None:
        """A folder of which nothing was made yet has settled: its status file may have come after its sidecar.

        The key of the one that it is, where that is known: its own, or that of one that was moved here and takes its place.
        """
        known = self._identify(folder)
        if known.moved is not None:
            return look.key if known.moved.key == look.key else self._take_over(look, folder, known.moved)
        if known.copy_of is not None and record.copy_of is None:
            for part in (record, *self._folders.other_parts(look.key)):
                if not part.groups:
                    self._store.change(part.key, ledger.copied, known.copy_of)
        elif known.claim is not None and record.claim is None:
            self._store.change(look.key, ledger.claimed, known.claim, known.folder_id)
        return None

    def original_gone(self, look: Look, folder: Folder, original: Record) -> int | None:
        """The key of the folder whose copy this one seemed to be, where that was moved here: copied, then removed there.

        All of it, that is: a sidecar alone may be gone for the moment in which it is written anew. It is moved whole, whichever
        part of it seemed to be the copy.
        """
        main, whole = self._folders.get(self._folders.main_of(look.key)), self._whole(original)
        watched = original.root in self._roots  # else nothing that lies there counts
        if main is None or (watched and os.path.lexists(f"{original.root}/{original.path}")):
            return None
        if not all(self._may_be(folder, one) for one in (whole, original)):
            return None
        if may_be_at_its_place(whole, self._names, self._roots, self._record_is_away):
            return None
        return self._take_over(main, folder, whole)

    def is_away(self, root: str, path: str) -> bool:
        """Whether what is at the place of a known folder cannot be told for now."""
        known = self._folders.known_at((root, path))
        return known is not None and self._absence.is_away(root, path, known.device)

    def _record_is_away(self, record: Record) -> bool:
        return self._absence.is_away(record.root, record.path, record.device)

    # --- at a place where none was known ---

    def _new(self, folder: Folder, now: datetime) -> int:
        """The key of a folder that stands at a place where none was known: it may have been elsewhere before."""
        known = self._identify(folder)
        copy_of = known.copy_of
        if known.moved is not None:
            if self._folders.move(known.moved, folder):
                return self._was_moved(known.moved, folder)
            copy_of = known.moved.folder_id
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
            copied=known.copied,
            unproven=known.claim is not None or (self._folders.is_older(folder) and copy_of is None),
        )
        self._folders.added(record.key, folder)
        self._log.info("found", folder=f"{folder.root}/{folder.path}")
        return record.key

    def _moved(self, folder: Folder) -> int | None:
        """The key of the folder that this one was before it was renamed."""
        record = self._same_files(folder)
        if record is not None and record.root != folder.root:
            record = None
        if record is None and (key := self._folders.unwatched(folder)) is not None:
            record = self._store.record(key)
        if record is None or not self._folders.move(record, folder):
            return None
        return self._was_moved(record, folder)

    # --- which one it is ---

    def _same_files(self, folder: Folder) -> Record | None:
        """The record of this very folder, where its place has another one by now, or none, or this one under another name.

        The inode alone would not do: file systems give that of a removed folder to the next one. So its files must be
        the same, too, or its name but for case and accents, as where a share takes two spellings for one.
        """
        if (found := self._folders.with_inode_of(folder)) is None:
            return None
        key, known = found
        if known.root in self._absence.silent:
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

    def _identify(self, folder: Folder) -> Identity:
        known = identify(folder, self._store, self._names, self._instance, self._roots, self._record_is_away)
        if known.moved is not None and not self._may_be(folder, known.moved):
            return Identity(copy_of=known.moved.folder_id)
        return known

    def _may_be(self, folder: Folder, record: Record) -> bool:
        """Whether a status file is believed: not where, by its word alone, something else would be posted as somebody else."""
        others = {digest for digest in self._roots.values() if digest != self._roots[folder.root]}
        return made_with(record) not in others or folder.fingerprint == record.fingerprint

    def _whole(self, part: Record) -> Record:
        """The main part of its folder: by that the folder is known."""
        return self._store.record(self._folders.main_of(part.key)) or part

    def _take_over(self, look: Look, folder: Folder, moved: Record) -> int | None:
        """The folder is the moved one; the record that it had here meanwhile, of which nothing was made, is no more."""
        main = self._store.record(look.key)
        if main is None or any(part.groups for part in (main, *self._folders.other_parts(look.key))):
            return None  # it has posts of its own
        return self._was_moved(moved, folder) if self._folders.take_over(look, folder, moved) else None

    def _was_moved(self, record: Record, folder: Folder) -> int:
        self._log.info("moved", folder=f"{folder.root}/{folder.path}", was=f"{record.root}/{record.path}")
        return record.key
