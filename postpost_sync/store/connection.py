"""One database file, opened: what it must be, its transactions, its rows as our values.

What is not sound is not used: a database is checked in full before anything is written to it, since a damaged index
would hide what was done already, and it would be done again.
"""

from __future__ import annotations

import contextlib
import math
import os
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Self

from postpost_sync.model.errors import ProgramError, path_name
from postpost_sync.model.record import Group, Record, Upload
from postpost_sync.store import versions
from postpost_sync.store.failures import MOVE_AWAY, translated
from postpost_sync.store.group_commit import GroupCommit
from postpost_sync.store.rows import from_row

_BUSY_TIMEOUT_MS = 10_000  # for who writes while another process does
_TRY_MS = 20  # of that one try, for which the other threads wait too
RECENT = 150  # records that are kept at hand, some 4 KiB each
_CACHE = 1024  # KiB of the file that SQLite keeps at hand; with twice as many nothing is faster
_PAUSE = 0.02  # seconds between two tries


class Connection:
    """Threads share it behind one lock. Errors of SQLite come out as ProgramError: which file, and what to do."""

    def __init__(
        self,
        path: Path,
        conn: sqlite3.Connection,
        verdict: Callable[[], None] | None = None,
        at_rest: tuple[int, ...] | None = None,
    ) -> None:
        self.path = path
        self.conn = conn
        self._verdict = verdict
        self._at_rest = at_rest  # the file as it was, where it was opened as one that nobody writes to
        self.lock = threading.RLock()
        self._inode = inode(path)
        self._gives_up_at = math.inf  # monotonic
        self._disk = GroupCommit(_log(path))
        self.only_for_show = 0  # rows changed by the progress of uploads
        self._recent: dict[int, Record] = {}  # key -> record as it is in the file, those that were last asked for
        self._recent_at = -1  # the data_version of that

    @classmethod
    def open(cls, path: Path, *, read_only: bool = False, check_beside: bool = False, untouched: bool = False) -> Self:
        """Open (and, unless `read_only`, create or bring up to date) the database at `path`.

        `check_beside`: it may be read while it is checked; the first that is written waits for the verdict, as `checked`
        does. A check takes 0.3 s for 100,000 posts, as long as it takes to read what is known of them.
        `untouched`: reading leaves nothing beside it either, which SQLite does where nobody else has it open. It is read
        so, too, by who may not write there: SQLite would want to make its -shm. See `overtaken`.
        """
        ends = time.monotonic() + _BUSY_TIMEOUT_MS / 1000
        with translated(path):
            while True:
                try:
                    return cls._opened(path, read_only=read_only, check_beside=check_beside, untouched=untouched)
                except sqlite3.OperationalError as error:
                    # SQLite does not wait where a transaction that has read comes to write, as those of migrations do
                    if not _is_busy(error) or time.monotonic() >= ends:
                        raise
                time.sleep(_PAUSE)

    @classmethod
    def _opened(cls, path: Path, *, read_only: bool, check_beside: bool, untouched: bool) -> Self:
        verdict, at_rest = None, None
        with contextlib.ExitStack() as undo:
            _check_kind(path)
            if not read_only:
                _make(path)
            if read_only and (untouched or not os.access(path.parent, os.W_OK)) and not _log(path).exists():
                at_rest = _state(path)
            conn = _connect(path, read_only=read_only, still=at_rest is not None)
            undo.callback(conn.close)
            pending = _check_ours(path, conn)
            if not read_only:
                conn.execute("BEGIN IMMEDIATE")
                conn.execute("PRAGMA user_version = 0")  # what may only be read says so now, and not at BEGIN
                conn.execute("ROLLBACK")
                as_it_is = not pending and conn.execute("PRAGMA journal_mode").fetchone()[0] == "wal"
                if check_beside and as_it_is:  # else something is written at once
                    verdict = _begin_check(path)
                else:
                    check_sound(path, conn)
                conn.execute("PRAGMA journal_mode = WAL")
                conn.execute("PRAGMA synchronous = NORMAL")  # see `group_commit`
                conn.execute("PRAGMA foreign_keys = ON")
                conn.execute(f"PRAGMA cache_size = -{_CACHE}")
                if pending:
                    _bring_up_to_date(conn)
                conn.execute(f"PRAGMA busy_timeout = {min(_TRY_MS, _BUSY_TIMEOUT_MS)}")
            elif pending:
                raise ProgramError(f"{path_name(path)} is empty or of an older version", "start the daemon once")
            undo.pop_all()
        return cls(path, conn, verdict, at_rest)

    def overtaken(self) -> bool:
        """Whether it was read as one that nobody writes to, and somebody does or did meanwhile: open it again, and ask again.

        SQLite looks neither at locks nor at the log of such a file, so that what it reads may be neither old nor new. Who
        writes makes the log first, and leaves the file changed.
        """
        return self._at_rest is not None and (_log(self.path).exists() or _state(self.path) != self._at_rest)

    def hurry(self, within: float) -> None:
        """In `within` seconds nobody waits any longer for another process: the program is to end."""
        self._gives_up_at = time.monotonic() + within

    def checked(self) -> None:
        """Wait for the end of a check that goes on beside. ProgramError where the database is damaged."""
        if self._verdict is not None:
            self._verdict()

    def check_sound(self) -> None:
        """ProgramError where it is damaged, also where that would only show later."""
        with self.lock, translated(self.path):
            check_sound(self.path, self.conn)

    def rows(self, question: str, values: Sequence[object] | Mapping[str, object] = ()) -> list[sqlite3.Row]:
        """What a question of ours is answered with."""
        with self.lock, translated(self.path):
            return self.conn.execute(question, values).fetchall()

    def copy_into(self, conn: sqlite3.Connection) -> None:
        """All of it, as it stands at one moment: what others write meanwhile is not in it. Errors come as SQLite's."""
        with self.lock:
            self.conn.backup(conn)

    def close(self) -> None:
        with self.lock, contextlib.suppress(sqlite3.Error):
            self.conn.close()
        self._disk.close()

    def data_version(self) -> int:
        """A number that changes when another process has written. ProgramError where the file was taken from its place."""
        with self.lock, translated(self.path):
            if inode(self.path) != self._inode:
                message = f"the database {path_name(self.path)} was moved, deleted or replaced while it was in use"
                raise ProgramError(message, "stop the daemon before you touch it; put it back if you still have it")
            return int(self.conn.execute("PRAGMA data_version").fetchone()[0])

    def changes(self) -> int:
        """A number that grows when this process writes; the progress of uploads aside."""
        with self.lock, translated(self.path):
            return self.conn.total_changes - self.only_for_show

    def load(self, where: str, values: tuple[object, ...]) -> dict[int, Record]:
        """key -> record, of the folders that the `WHERE …` of ours chooses. To be used with the lock."""
        chosen = f"SELECT key FROM folders {where}"  # noqa: S608 - `where` is one of ours
        uploads: dict[int, list[Upload]] = {}
        for row in self.conn.execute(
            f"SELECT u.* FROM uploads u JOIN groups g ON u.group_key = g.key WHERE g.folder IN ({chosen}) "  # noqa: S608
            "ORDER BY u.group_key, u.position",
            values,
        ):
            uploads.setdefault(row["group_key"], []).append(from_row(Upload, row))
        groups: dict[int, list[Group]] = {}
        for row in self.conn.execute(f"SELECT * FROM groups WHERE folder IN ({chosen}) ORDER BY key", values):  # noqa: S608
            group = from_row(Group, row, uploads=tuple(uploads.get(row["key"], ())))
            groups.setdefault(row["folder"], []).append(group)
        return {
            row["key"]: from_row(Record, row, groups=tuple(groups.get(row["key"], ())))
            for row in self.conn.execute(f"SELECT * FROM folders {where} ORDER BY key", values)  # noqa: S608
        }

    def one(self, key: int) -> Record | None:
        """The record of one folder. To be used with the lock.

        A post is asked for some thirty times on its way, and its rows are decoded once: what was last read or written
        here is as it lies in the file, unless another process has written since, which SQLite tells.
        """
        if not self.conn.in_transaction:  # in ours nobody else writes
            self._check_recent()
        record = self._recent.get(key) or self.load("WHERE key = ?", (key,)).get(key)
        if record is not None:
            self.keep(record)
        return record

    def _check_recent(self) -> None:
        """Nothing is kept at hand that another process may have changed."""
        version = self.conn.execute("PRAGMA data_version").fetchone()[0]
        if version != self._recent_at:
            self._recent.clear()
            self._recent_at = version

    def keep(self, record: Record) -> None:
        """It is so in the file, or will be at the end of this transaction. To be used with the lock."""
        self._recent.pop(record.key, None)
        self._recent[record.key] = record
        if len(self._recent) > RECENT:
            del self._recent[next(iter(self._recent))]

    def forget_recent(self) -> None:
        """Rows of folders are changed by other ways than `keep`. To be used with the lock."""
        self._recent.clear()

    @contextlib.contextmanager
    def transaction(self, *, waiting: bool = True) -> Iterator[None]:
        """All or nothing, and on the disk at its end; not `waiting` for that, at the end of the next one that waits.

        Others read and commit while this one waits, unless it was begun with the lock.
        """
        with translated(self.path):
            with self._begun():
                before = self.conn.total_changes
                try:
                    yield
                    self.conn.execute("COMMIT")
                    number = self._disk.committed(anything=self.conn.total_changes != before)
                except BaseException:
                    self.forget_recent()
                    if self.conn.in_transaction:
                        self.conn.execute("ROLLBACK")
                    raise
            if waiting:
                self._disk.wait(number)

    @contextlib.contextmanager
    def _begun(self) -> Iterator[None]:
        """The write lock, taken first: a deferred one fails when it is taken late. Between two tries others may read."""
        self.checked()
        ends = time.monotonic() + _BUSY_TIMEOUT_MS / 1000
        while True:
            with self.lock:
                if self._begin(min(ends, self._gives_up_at)):
                    self._check_recent()
                    yield
                    return
            time.sleep(_PAUSE)

    def _begin(self, ends: float) -> bool:
        """False where another process is writing and there is time for another try."""
        try:
            self.conn.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError as error:
            if not _is_busy(error) or time.monotonic() >= ends:
                raise
            return False
        return True


def _is_busy(error: sqlite3.OperationalError) -> bool:
    """Whether another process has it just now."""
    return error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY


def _log(path: Path) -> Path:
    """Where SQLite writes what is not in the file itself yet."""
    return path.with_name(path.name + "-wal")


def _state(path: Path) -> tuple[int, ...] | None:
    """What changes with a file."""
    try:
        there = path.stat()
    except FileNotFoundError:
        return None
    return there.st_dev, there.st_ino, there.st_size, there.st_mtime_ns, there.st_ctime_ns


def _connect(path: Path, *, read_only: bool, still: bool = False) -> sqlite3.Connection:
    """`still`: nobody writes to it."""
    mode = ("ro" if read_only else "rw") + ("&immutable=1" if still else "")
    conn = sqlite3.connect(f"{path.absolute().as_uri()}?mode={mode}", uri=True, check_same_thread=False)
    conn.row_factory = sqlite3.Row
    conn.isolation_level = None  # transactions are ours
    conn.execute(f"PRAGMA busy_timeout = {_BUSY_TIMEOUT_MS}")
    return conn


def _check_kind(path: Path) -> None:
    """SQLite would take a folder for a disk that fails, and wait for ever for somebody to write into a pipe."""
    if os.path.isdir(path):  # which raises nothing where we may not look
        hint = f"name a file in it as state_db: {path_name(path / 'state.db')}"
        raise ProgramError(f"the database {path_name(path)} cannot be used: it is a folder", hint)
    if os.path.exists(path) and not os.path.isfile(path):  # likewise
        why = f"the database {path_name(path)} cannot be used: it is a device, pipe or socket"
        raise ProgramError(why, "name a file as state_db")


def _make(path: Path) -> None:
    """An empty file of our own where there is none, and its owner's alone where there is one: it holds upload URLs.

    One that is there is not opened: closing it would drop the locks that SQLite holds on it in this process.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with contextlib.suppress(FileExistsError):
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
    for file in (path, path.with_name(path.name + "-wal"), path.with_name(path.name + "-shm")):
        with contextlib.suppress(OSError):  # it is not there, or not ours to change
            if file.stat().st_mode & 0o077:
                file.chmod(0o600)


def _check_ours(path: Path, conn: sqlite3.Connection) -> bool:
    """Whether it is to be brought up to date. ProgramError where it is another program's or of a newer version."""
    applied = versions.applied(conn)
    if not applied and versions.others(conn):
        raise ProgramError(
            f"{path_name(path)} is the database of another program", "name a file of its own as state_db in the config"
        )
    if newer := [name for name in applied if name not in versions.KNOWN]:
        raise ProgramError(
            f"{path_name(path)} was written by a newer version ({newer[-1]})", "install that version again"
        )
    return len(applied) < len(versions.KNOWN)


def _bring_up_to_date(conn: sqlite3.Connection) -> None:
    from sqlite_utils import Database  # half of what `status` would wait for

    from postpost_sync.store.migrations import migrations

    migrations.apply(Database(conn))


def _begin_check(path: Path) -> Callable[[], None]:
    """Check it on a connection and in a thread of their own; what is returned waits for the end, and raises as it did."""

    def check() -> None:
        with translated(path), contextlib.closing(_connect(path, read_only=True)) as conn:
            check_sound(path, conn)

    from concurrent.futures import ThreadPoolExecutor  # here: who only reads, as `status`, checks nothing

    thread = ThreadPoolExecutor(1, "check")
    verdict = thread.submit(check)
    thread.shutdown(wait=False)
    return verdict.result


def check_sound(path: Path, conn: sqlite3.Connection) -> None:
    """ProgramError where it is damaged, also where that would only show later. 35 ms for 10,000 posts, measured."""
    verdict = str(conn.execute("PRAGMA integrity_check(1)").fetchone()[0])
    if verdict != "ok":
        raise ProgramError(f"the database {path_name(path)} is damaged: {' '.join(verdict.split())}", MOVE_AWAY)


def inode(path: Path) -> tuple[int, int] | None:
    try:
        there = path.stat()
    except FileNotFoundError:
        return None
    return there.st_dev, there.st_ino
