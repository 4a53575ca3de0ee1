"""Thumbnails of media: made in the process that measures them, kept beside the database by content hash, bounded.

What is kept is ours alone and may be deleted at any time: it is made again. A file of which none can be made is kept as
an empty one, so that it is not tried again and again; one whose reader crashed is not tried again by this process.
"""

from __future__ import annotations

import contextlib
import os
import re
import threading
from collections import OrderedDict
from pathlib import Path

from postpost_sync.disk import media, probe, reader, scan
from postpost_sync.model.errors import PostError
from postpost_sync.model.folder import EntryKind, MediaFile, Stat
from postpost_sync.post.names import Names

MOST_KEPT = 200_000_000  # bytes
MOST_IN_MEMORY = 8_000_000  # bytes
HASHED_AT_MOST = 32_000_000  # bytes: of a larger file that was not sent yet there is no thumbnail
AT_ONCE = 2  # files that are read at the same time
_LOOK_AFTER = 64  # new ones, until it is seen whether there is room
_HASH = re.compile(r"[0-9a-f]{64}")


class Thumbnails:
    """Safe to use from several threads. Where the folder cannot be written, they are made for this process alone."""

    def __init__(self, state_db: Path, names: Names, *, keep: bool = True, most: int = MOST_KEPT) -> None:
        """`keep`: write them beside the database. What others have kept there is read in any case."""
        self.folder, self._names, self._keep, self._most = state_db.with_name("thumbnails"), names, keep, most
        self._lock, self._reading = threading.Lock(), threading.BoundedSemaphore(AT_ONCE)
        self._memory: OrderedDict[str, bytes] = OrderedDict()
        self._hashes: OrderedDict[Stat, str] = OrderedDict()
        self._made = _LOOK_AFTER  # it is looked at first

    def of(self, root: str, path: str, name: str, stat: Stat | None, sha256: str | None) -> bytes | None:
        """The thumbnail, a JPEG, of a file in the folder `path` below `root`; None where there is none.

        `stat` and the others as far as they are known. The file is opened only as what it was seen as, below its root.
        """
        if "/" in name or name in ("", ".", "..") or ".." in path.split("/"):
            return None  # no walk ever found such a name
        if sha256 is not None and (kept := self._kept(sha256)) is not None:
            return kept or None
        try:
            if stat is None and (stat := self._stat(root, path, name)) is None:
                return None
            sha256 = sha256 or self._hash(root, path, name, stat)
            if sha256 is None or not _HASH.fullmatch(sha256):
                return None
            if (kept := self._kept(sha256)) is not None:
                return kept or None
            with self._reading, scan.opened(root, path, name, stat) as fd:
                # a copy of it may be sent as another
                made = probe.thumbnail(fd, media.kind(os.pread(fd, media.HEAD, 0)))
        except (PostError, OSError):
            return None  # it is not there now, or not as it was
        self._remember(sha256, made or b"", keep=made is not None)
        return made or None

    def _stat(self, root: str, path: str, name: str) -> Stat | None:
        folder = scan.look(root, path, self._names)
        files = (one for one in folder.entries if one.kind is EntryKind.FILE) if folder is not None else ()
        return next((one.stat for one in files if one.name == name), None)

    def _hash(self, root: str, path: str, name: str, stat: Stat) -> str | None:
        with self._lock:
            if (known := self._hashes.get(stat)) is not None:
                return known
        if not 0 < stat.size <= HASHED_AT_MOST:
            return None
        with self._reading:
            found = reader.sha256(root, path, MediaFile(name, stat, None))
        with self._lock:
            self._hashes[stat] = found
            while len(self._hashes) > 4096:
                self._hashes.popitem(last=False)
        return found

    # --- what is kept ---

    def _place(self, sha256: str) -> Path:
        return self.folder / sha256[:2] / f"{sha256}.jpg"

    def _kept(self, sha256: str) -> bytes | None:
        with self._lock:
            if (known := self._memory.get(sha256)) is not None:
                self._memory.move_to_end(sha256)
                return known
        if not _HASH.fullmatch(sha256):
            return None
        with contextlib.suppress(OSError):
            return self._place(sha256).read_bytes()
        return None

    def _remember(self, sha256: str, made: bytes, *, keep: bool) -> None:
        if not (keep and self._keep and self._written(sha256, made)):
            with self._lock:
                self._memory[sha256] = made
                while sum(map(len, self._memory.values())) > MOST_IN_MEMORY:
                    self._memory.popitem(last=False)
            return
        with self._lock:
            self._made += 1
            if self._made < _LOOK_AFTER:
                return
            self._made = 0
        with contextlib.suppress(OSError):
            self._make_room()

    def _written(self, sha256: str, made: bytes) -> bool:
        place = self._place(sha256)
        temporary = place.with_name(f".{threading.get_ident()}-{place.name}.tmp")
        try:
            place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            fd = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
            with open(fd, "wb") as file:
                file.write(made)
            os.replace(temporary, place)
        except OSError:  # a full disk, or one that may only be read: it is made again when it is wanted again
            with contextlib.suppress(OSError):
                os.unlink(temporary)
            return False
        return True

    def _make_room(self) -> None:
        """The oldest go, until a tenth of the room is free."""
        found = []
        for folder in self.folder.iterdir():
            with contextlib.suppress(OSError), os.scandir(folder) as entries:
                for entry in entries:
                    s = entry.stat(follow_symlinks=False)
                    found.append((s.st_mtime_ns, max(s.st_size, 1), entry.path))
        total = sum(size for _, size, _ in found)
        if total <= self._most:
            return
        for _, size, path in sorted(found):
            if total <= self._most * 0.9:
                break
            with contextlib.suppress(OSError):
                os.unlink(path)
                total -= size
