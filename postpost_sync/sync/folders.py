"""What is in memory about each folder: what was last seen of it, and since when it has been quiet."""

from __future__ import annotations

from datetime import datetime

from postpost_sync.model.folder import Folder
from postpost_sync.model.record import Record
from postpost_sync.sync.folder_index import Known
from postpost_sync.sync.whereabouts import Look, Whereabouts

__all__ = ["Look", "Looks"]


class Looks(Whereabouts):
    """All folders, by key and by place. Safe to use from several threads."""

    def below(self, root: str) -> dict[str, int]:
        """path -> key of the folders known below a root."""
        with self._lock:
            return self._places.below(root)

    def sending(self) -> list[Look]:
        """The folders with transfers under way, or copies."""
        with self._lock:
            return [look for look in self._looks.values() if look.in_flight or look.fitting]

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

    def root_of(self, key: int) -> str:
        """The root that a folder lies below; "" where that is none of ours (any more)."""
        with self._lock:
            if (found := self._looks.get(key) or self._places.get(key)) is not None:
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
            key = self._places.key_at((folder.root, folder.path))
            return key not in self._looks and self._places.is_finished(folder)

    def renumber(self, root: str) -> None:
        """Learn the numbers that the root's file systems have by now: each mount of a network share gives it another one.

        Else a folder that is removed later would be taken for one whose file system is away. Call it after a rescan.
        """
        with self._lock:
            if numbers := self._places.renumber(root):
                self._store.renumber(root, numbers)

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
            self._places.remember(
                look.key, Known(record.root, record.fingerprint, record.done, record.inode, record.device)
            )
            finished = record.done and look.there and look.fingerprint == record.fingerprint
            finished = finished and not look.in_flight and not look.fitting
            if finished and self._looks.get(look.key) is look:
                del self._looks[look.key]
            return finished

    def forget(self, look: Look) -> None:
        with self._lock:
            self._looks.pop(look.key, None)
            self._places.forget(look.key, (look.root, look.path))

    def _saw(self, look: Look, folder: Folder | None) -> bool:
        there = folder is not None
        fingerprint = folder.fingerprint if folder is not None else look.fingerprint
        arriving = folder.arriving if folder is not None else None
        if (there, fingerprint, arriving) == (look.there, look.fingerprint, look.arriving):
            return False
        news = (there, fingerprint) != (look.there, look.fingerprint) or arriving is not None
        look.there, look.fingerprint, look.arriving, look.since = there, fingerprint, arriving, self._monotonic()
        return news
