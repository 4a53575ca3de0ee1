"""A copy of the database as it stands at one moment, also while the daemon writes: whole and checked, or not there at all."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import tempfile
from collections.abc import Iterator
from pathlib import Path

from postpost_sync.model.errors import ProgramError, path_name
from postpost_sync.store import Store
from postpost_sync.store.connection import check_sound
from postpost_sync.store.failures import translated

_DAMAGED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)  # what is copied, and not where to


def backup(source: Store, file: Path) -> None:
    """Write it to `file`, its owner's alone (it holds upload URLs); ProgramError where something is there already.

    One file, without a log beside it. It gets its name when it is complete, checked and on the disk.
    """
    if os.path.lexists(file):
        raise _taken(file)
    with _beside(file) as unfinished:
        with translated(file), contextlib.closing(sqlite3.connect(unfinished, isolation_level=None)) as conn:
            try:
                source.copy_into(conn)
            except sqlite3.DatabaseError as error:
                with translated(source.path if error.sqlite_errorcode & 0xFF in _DAMAGED else file):
                    raise
            conn.execute("PRAGMA journal_mode = DELETE")
            check_sound(source.path, conn)
        _sync(unfinished)
        try:
            os.link(unfinished, file)  # unlike a rename it replaces nothing that came to be meanwhile
        except FileExistsError:
            raise _taken(file) from None
        except OSError:  # no hard links there
            _take_name(unfinished, file)
        _sync(file.parent)


@contextlib.contextmanager
def _beside(file: Path) -> Iterator[Path]:
    """An empty file of ours in the same folder, gone at the end, with what SQLite left beside it."""
    try:
        fd, name = tempfile.mkstemp(prefix=f".{file.name}.", dir=file.parent)  # 0600
    except OSError as error:
        raise _cannot(file, error) from None
    os.close(fd)
    try:
        yield Path(name)
    finally:
        for left in (name, f"{name}-journal", f"{name}-wal", f"{name}-shm"):
            with contextlib.suppress(OSError):
                os.unlink(left)


def _take_name(unfinished: Path, file: Path) -> None:
    """As a hard link does it, on a file system that has none: an empty file holds the name, and is replaced."""
    try:
        os.close(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
        os.replace(unfinished, file)
    except FileExistsError:
        raise _taken(file) from None
    except OSError as error:
        raise _cannot(file, error) from None


def _sync(path: Path) -> None:
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def _cannot(file: Path, error: OSError) -> ProgramError:
    return ProgramError(
        f"{path_name(file)} cannot be written: {error.strerror}",
        f"check the folder and its rights: ls -ld {path_name(file.parent)}",
    )


def _taken(file: Path) -> ProgramError:
    return ProgramError(f"{path_name(file)} is there already: nothing was written", "name a file that is not there yet")
