"""What SQLite and the file system say went wrong, in our words: which file, and the way out."""

from __future__ import annotations

import contextlib
import errno
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from postpost_sync.model.errors import ProgramError, path_name

MOVE_AWAY = (
    "stop the daemon and move it away, with its -wal and -shm; what stands at PostPost is found again through the "
    "post.status.yaml files"
)


@contextlib.contextmanager
def translated(path: Path) -> Iterator[None]:
    """SQLite's and the file system's errors as ours, with the way out."""
    try:
        yield
    except sqlite3.DatabaseError as error:
        hint, passing = _way_out(path, error)
        ours = ProgramError(f"the database {path_name(path)} cannot be used: {error}", hint)
        ours.passing = passing
        raise ours from error
    except OSError as error:
        ours = ProgramError(
            f"the database {path_name(path)} cannot be used: {error.strerror}", "check the path state_db and its rights"
        )
        ours.passing = error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EIO)
        raise ours from error


def _way_out(path: Path, error: sqlite3.DatabaseError) -> tuple[str, bool]:
    """The hint, and whether it may be over a little later."""
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_CORRUPT)  # none where a text is no text
    match code & 0xFF:  # what is above that says more, but not to people
        case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_LOCKED:
            return f"another process holds it; see which, and end that one: fuser -v {path_name(path)}", True
        case sqlite3.SQLITE_FULL:
            return f"free some disk space: df -h {path_name(path.parent)}", True
        case sqlite3.SQLITE_IOERR:
            return f"see whether the disk is full, read-only or failing: df -h {path_name(path.parent)}; dmesg", True
        case sqlite3.SQLITE_READONLY | sqlite3.SQLITE_CANTOPEN | sqlite3.SQLITE_PERM:
            why = "check that the user that runs this may write the file and its folder, and that its disk is not read-only"
            return f"{why}: ls -la {path_name(path.parent)}", False
        case _:
            return MOVE_AWAY, False


@contextlib.contextmanager
def as_written() -> Iterator[None]:
    """What is no value that we ever wrote comes out as an error of SQLite's."""
    try:
        yield
    except (ValueError, TypeError, LookupError, AttributeError) as error:
        raise sqlite3.DatabaseError(f"a row cannot be read ({type(error).__name__})") from error
