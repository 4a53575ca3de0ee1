"""The database: what we know of every post folder, and what we did for it. One file, on a local disk, ours alone.

Every change goes through `change`: read the record, apply a function to it, write what differs, in one transaction that
is on the disk (WAL, synchronous FULL) before it returns. Threads share one connection behind one lock.

What is not sound is not used: a database that is written to is checked in full when it is opened, since a damaged index
would hide what was done already, and it would be done again.
"""

from __future__ import annotations

import contextlib
import errno
import math
import os
import sqlite3
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import fields, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

from sqlite_utils import Database

from postpost_sync.columns import decode, encode, hints
from postpost_sync.errors import Finding, ProgramError
from postpost_sync.migrations import migrations
from postpost_sync.models import Group, Listener, Neighbour, Record, RootStatus, Trouble, Upload
from postpost_sync.states import State, check_move

_T = TypeVar("_T", Record, Group, Upload, RootStatus, Listener)
_BUSY_TIMEOUT_MS = 10_000  # for who writes while another process does
_TRY_MS = 20  # of that one try, for which the other threads wait too
_PAUSE = 0.02  # seconds between two tries
# as the index groups_by_text has it: few texts are as long and begin the same. The + keeps SQLite to that index
_SAME_TEXT = "length(content) = length(:text) AND substr(content, 1, 32) = substr(:text, 1, 32) AND +content = :text"
_MOVE_AWAY = (
    "stop the daemon and move it away, with its -wal and -shm; what stands at PostPost is found again through the "
    "post.status.yaml files"
)


class Store:
    """One open database. Errors of SQLite come out as ProgramError, which says which file and what to do."""

    def __init__(self, path: Path, conn: sqlite3.Connection) -> None:
        self.path = path
        self._conn = conn
        self._lock = threading.RLock()
        self._inode = _inode(path)
        self._gives_up_at = math.inf  # monotonic

    @classmethod
    def open(cls, path: Path, *, read_only: bool = False) -> Store:
        """Open (and, unless `read_only`, create or bring up to date) the database at `path`."""
        with _translated(path), contextlib.ExitStack() as undo:
            if read_only:
                conn = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, check_same_thread=False)
            else:
                _make(path)
                conn = sqlite3.connect(path, check_same_thread=False)
            undo.callback(conn.close)
            conn.row_factory = sqlite3.Row
            conn.isolation_level = None  # transactions are ours
            conn.execute(f"PRAGMA busy_timeout = {_BUSY_TIMEOUT_MS}")
            db = Database(conn)
            _check_ours(path, db)
            if not read_only:
                conn.execute("BEGIN IMMEDIATE")
                conn.execute("PRAGMA user_version = 0")  # what may only be read says so now, and not at BEGIN
                conn.execute("ROLLBACK")
                _check_sound(path, conn)
                conn.execute("PRAGMA journal_mode = WAL")
                conn.execute("PRAGMA synchronous = FULL")
                conn.execute("PRAGMA foreign_keys = ON")
                migrations.apply(db)
                conn.execute(f"PRAGMA busy_timeout = {min(_TRY_MS, _BUSY_TIMEOUT_MS)}")
            elif migrations.pending(db):
                raise ProgramError(f"{path} is empty or of an older version", "start the daemon once")
            undo.pop_all()
        return cls(path, conn)

    def hurry(self, within: float) -> None:
        """In `within` seconds nobody waits any longer for another process: the program is to end."""
        self._gives_up_at = time.monotonic() + within

    def close(self) -> None:
        with self._lock, contextlib.suppress(sqlite3.Error):
            self._conn.close()

    # --- reading ---

    def record(self, key: int) -> Record | None:
        """All about one folder; None where it was forgotten."""
        with self._lock, _translated(self.path):
            return self._load("WHERE key = ?", (key,)).get(key)

    def record_of(self, folder_id: str) -> Record | None:
        """The record with that folder_id."""
        with self._lock, _translated(self.path):
            return next(iter(self._load("WHERE folder_id = ?", (folder_id,)).values()), None)

    def records(self, *states: State) -> list[Record]:
        """All folders, or those in these states, in the order in which they were first seen."""
        where = f"WHERE state IN ({', '.join('?' * len(states))})" if states else ""
        with self._lock, _translated(self.path):
            return list(self._load(where, states).values())

    def at_postpost(self) -> list[Record]:
        """The folders with a post at PostPost that did not go out yet: few of many."""
        with self._lock, _translated(self.path):
            where = "WHERE key IN (SELECT folder FROM groups WHERE stage IN ('draft', 'scheduled', 'withdrawn'))"
            return list(self._load(where, ()).values())

    def index(self) -> list[tuple[int, str, str, str, bool, int, int]]:
        """(key, root, path, fingerprint, done, inode, device) of every folder: one query, however many there are."""
        with self._lock, _translated(self.path):
            rows = self._conn.execute(
                "SELECT key, root, path, fingerprint, done, inode, device FROM folders"
            ).fetchall()
        return [(r[0], _path(r[1]), _path(r[2]), r[3], bool(r[4]), r[5], r[6]) for r in rows]

    def states(self) -> Counter[State]:
        """How many folders are in each state."""
        with self._lock, _translated(self.path):
            rows = self._conn.execute("SELECT state, count(*) FROM folders GROUP BY state").fetchall()
            return Counter({_decoded(State, row[0]): row[1] for row in rows})

    def pending(self, now: datetime) -> list[int]:
        """The keys of the folders for which something is to be done, found out or shown by now, the soonest first."""
        with self._lock, _translated(self.path):
            rows = self._conn.execute(
                "SELECT key FROM folders WHERE NOT done OR key IN (SELECT folder FROM groups WHERE stage IN "
                "('creating', 'withdrawn', 'going_out', 'doomed') OR "
                "(stage = 'scheduled' AND (answered_time <= ? OR updating OR unseen OR lost OR elsewhere IS NOT NULL))) "
                "OR (state = 'scheduled' AND EXISTS (SELECT 1 FROM groups WHERE folder = folders.key AND stage = 'ended')) "
                "ORDER BY time IS NULL, time, key",
                (encode(now),),
            ).fetchall()
        return [row[0] for row in rows]

    def next_due(self) -> list[int]:
        """The key of the folder whose scheduled post goes out next; empty where none is scheduled."""
        with self._lock, _translated(self.path):
            rows = self._conn.execute(
                "SELECT folder FROM groups WHERE stage = 'scheduled' ORDER BY answered_time LIMIT 1"
            ).fetchall()
        return [row[0] for row in rows]

    def last_scheduled(self, roots: frozenset[str]) -> int | None:
        """Of the finished folders below these roots, the key of the one whose post is scheduled the furthest ahead."""
        marks = ", ".join("?" * len(roots))
        with self._lock, _translated(self.path):
            row = self._conn.execute(
                "SELECT g.folder FROM groups g JOIN folders f ON f.key = g.folder "  # noqa: S608 - marks alone
                "WHERE g.stage = 'scheduled' AND f.done "
                f"AND f.root IN ({marks}) ORDER BY g.answered_time DESC, g.folder DESC LIMIT 1",
                [encode(root) for root in roots],
            ).fetchone()
        return row[0] if row is not None else None

    def held_or_cancelled(self, since: datetime) -> list[Record]:
        """The folders whose post is held, and those whose post was cancelled since then."""
        where = "WHERE state = 'held' OR (state = 'cancelled' AND updated_at > ?)"
        with self._lock, _translated(self.path):
            return list(self._load(where, (encode(since),)).values())

    def due(self, since: datetime, now: datetime) -> list[int]:
        """The keys of the folders whose scheduled post was to go out in that span."""
        with self._lock, _translated(self.path):
            rows = self._conn.execute(
                "SELECT folder FROM groups WHERE stage = 'scheduled' AND answered_time > ? AND answered_time <= ?",
                (encode(since), encode(now)),
            ).fetchall()
        return [row[0] for row in rows]

    def roots(self) -> list[RootStatus]:
        with self._lock, _translated(self.path):
            return [_from_row(RootStatus, row) for row in self._conn.execute("SELECT * FROM roots ORDER BY path")]

    def data_version(self) -> int:
        """A number that changes when another process has written. ProgramError where the file was taken from its place."""
        with self._lock, _translated(self.path):
            if _inode(self.path) != self._inode:
                message = f"the database {self.path} was moved, deleted or replaced while it was in use"
                raise ProgramError(message, "stop the daemon before you touch it; put it back if you still have it")
            return int(self._conn.execute("PRAGMA data_version").fetchone()[0])

    def changes(self) -> int:
        """A number that grows when this process writes."""
        with self._lock, _translated(self.path):
            return self._conn.total_changes

    def listeners(self) -> list[Listener]:
        with self._lock, _translated(self.path):
            return [_from_row(Listener, row) for row in self._conn.execute("SELECT * FROM listeners ORDER BY target")]

    def told(self, target: str) -> dict[str, str]:
        """What a listener was told last: subject -> what."""
        with self._lock, _translated(self.path):
            rows = self._conn.execute("SELECT subject, what FROM told WHERE target = ?", (target,)).fetchall()
        return {_path(row[0]): row[1] for row in rows}

    def standing(
        self, states: Collection[State], folder_ids: Collection[str]
    ) -> list[tuple[str, str, State, Finding | None, tuple[Trouble, ...]]]:
        """(folder_id, root, state, error, troubles) of the folders that are in one of the states, or named."""
        with self._lock, _translated(self.path):
            rows = self._conn.execute(
                "SELECT folder_id, root, state, error, troubles FROM folders "
                "WHERE state IN (SELECT value FROM json_each(?)) OR folder_id IN (SELECT value FROM json_each(?))",
                (encode(tuple(states)), encode(tuple(folder_ids))),
            ).fetchall()
        known = hints(Record)
        with _translated(self.path):  # and not the lock: in a very full database this takes a while
            return [
                (r[0], _path(r[1]), *(_decoded(known[name], r[name]) for name in ("state", "error", "troubles")))
                for r in rows
            ]

    def known_group_ids(self) -> frozenset[str]:
        """The ids of all post groups that any record names."""
        with self._lock, _translated(self.path):
            rows = self._conn.execute("SELECT post_group_id FROM groups WHERE post_group_id IS NOT NULL").fetchall()
        return frozenset(row[0] for row in rows)

    def alike(self, key: int, content: str) -> tuple[Record, ...]:
        """The other folders that have, or had, a post with that text."""
        with self._lock, _translated(self.path):
            rows = self._conn.execute(
                f"SELECT DISTINCT folder FROM groups WHERE {_SAME_TEXT} AND folder != :key "  # noqa: S608 - a constant
                "AND stage NOT IN ('gone', 'doomed') ORDER BY +folder DESC LIMIT 20",
                {"text": encode(content), "key": key},
            ).fetchall()
            found = [self._load("WHERE key = ?", (row[0],)).get(row[0]) for row in rows]
        return tuple(record for record in found if record is not None)

    def beside(self, key: int, time: datetime) -> tuple[Neighbour, ...]:
        """The other folders that ask for the same minute and are on their way or stand scheduled; the first 20 of them."""
        minute = time.replace(second=0, microsecond=0)
        with self._lock, _translated(self.path):
            rows = self._conn.execute(
                "SELECT path, platforms FROM folders INDEXED BY folders_by_asked_time "
                "WHERE time >= ? AND time < ? AND key != ? AND state IN "
                "('drafting', 'uploading', 'held', 'scheduled') ORDER BY key LIMIT 20",
                (encode(minute), encode(minute + timedelta(minutes=1)), key),
            ).fetchall()
        return tuple(Neighbour(_path(row[0]), _decoded(tuple[str, ...], row[1])) for row in rows)

    def open_creates(self, content: str, platforms: tuple[str, ...]) -> list[int]:
        """The keys of the groups with this text and these platforms whose create is not answered, oldest first."""
        with self._lock, _translated(self.path):
            rows = self._conn.execute(
                "SELECT key FROM groups WHERE stage = 'creating' AND content = ? AND platforms = ? ORDER BY key",
                (encode(content), encode(platforms)),
            ).fetchall()
        return [row[0] for row in rows]

    def _load(self, where: str, values: tuple[object, ...]) -> dict[int, Record]:
        chosen = f"SELECT key FROM folders {where}"  # noqa: S608 - `where` is one of ours
        uploads: dict[int, list[Upload]] = {}
        for row in self._conn.execute(
            f"SELECT u.* FROM uploads u JOIN groups g ON u.group_key = g.key WHERE g.folder IN ({chosen}) "  # noqa: S608
            "ORDER BY u.group_key, u.position",
            values,
        ):
            uploads.setdefault(row["group_key"], []).append(_from_row(Upload, row))
        groups: dict[int, list[Group]] = {}
        for row in self._conn.execute(f"SELECT * FROM groups WHERE folder IN ({chosen}) ORDER BY key", values):  # noqa: S608
            group = _from_row(Group, row, uploads=tuple(uploads.get(row["key"], ())))
            groups.setdefault(row["folder"], []).append(group)
        return {
            row["key"]: _from_row(Record, row, groups=tuple(groups.get(row["key"], ())))
            for row in self._conn.execute(f"SELECT * FROM folders {where} ORDER BY key", values)  # noqa: S608
        }

    # --- writing ---

    def add(self, root: str, path: str, inode: int, device: int, now: datetime, **more: Any) -> Record:
        """A record for a folder seen for the first time; `more` are further fields of it."""
        folder_id = more.pop("folder_id", None) or str(uuid.uuid4())
        record = Record(0, folder_id, root, path, inode, device, State.SETTLING, now, now, **more)
        with self._transaction():
            columns = _columns(record)
            del columns["key"]
            key = self._insert("folders", columns)
        return replace(record, key=key)

    def change(self, key: int, function: Callable[[Record], Record]) -> Record:
        """Write down what `function` makes of the record. An illegal change of state raises and changes nothing."""
        with self._transaction():
            old = self._load("WHERE key = ?", (key,)).get(key)
            if old is None:
                raise KeyError(key)
            new = function(old)
            if new == old:
                return old
            check_move(old.state, new.state)
            self._write("folders", "key = :key", {"key": key}, _columns(old), _columns(new))
            before = {group.key: group for group in old.groups}
            groups = tuple(self._write_group(key, before.get(group.key), group) for group in new.groups)
            return replace(new, groups=groups)

    def swap_places(self, one: int, other: int) -> None:
        """Each of the two folders stands at the other's place now."""
        with self._transaction():
            rows = self._conn.execute("SELECT key, root, path FROM folders WHERE key IN (?, ?)", (one, other))
            places = {row[0]: (row[1], row[2]) for row in rows}
            # no two may stand at one place even for a moment
            for key, place in ((one, ("", str(one))), (other, places[one]), (one, places[other])):
                self._conn.execute("UPDATE folders SET root = ?, path = ? WHERE key = ?", (*place, key))

    def forget(self, key: int) -> None:
        """Remove a folder of which nothing stands at PostPost."""
        with self._transaction():
            self._conn.execute("DELETE FROM folders WHERE key = ?", (key,))

    def renumber(self, root: str, devices: Mapping[int, int]) -> None:
        """The file systems of a root have other numbers than before: number before -> number now.

        A number that is now another's belongs to none of those that had it.
        """
        numbers = dict.fromkeys(devices.values(), -1) | dict(devices)
        cases = "".join(f" WHEN {int(before)} THEN {int(now)}" for before, now in numbers.items())
        with self._transaction():
            self._conn.execute(
                f"UPDATE folders SET device = CASE device{cases} ELSE device END WHERE root = ?",  # noqa: S608 - numbers
                (encode(root),),
            )

    def set_roots(self, roots: list[RootStatus]) -> None:
        """How the watch roots are doing; roots that are no longer watched are dropped."""
        with self._transaction():
            self._conn.execute("DELETE FROM roots")
            for root in roots:
                self._insert("roots", _columns(root))

    def keep_listeners(self, targets: Collection[str]) -> None:
        """Who is notified: of others it is forgotten what they were told."""
        with self._transaction():
            kept = encode(tuple(targets))
            self._conn.execute("DELETE FROM listeners WHERE target NOT IN (SELECT value FROM json_each(?))", (kept,))

    def set_listener(self, listener: Listener) -> None:
        with self._transaction():
            self._conn.execute(
                "INSERT INTO listeners VALUES (:target, :events, :error) "
                "ON CONFLICT (target) DO UPDATE SET events = :events, error = :error",
                _columns(listener),
            )

    def tell(self, target: str, told: Mapping[str, str | None]) -> None:
        """A listener was told this: subject -> what; None: what it was told before is over."""
        with self._transaction():
            for subject, what in told.items():
                at = (target, encode(subject))
                self._conn.execute("DELETE FROM told WHERE (target, subject) = (?, ?)", at)
                if what is not None:
                    self._conn.execute("INSERT INTO told VALUES (?, ?, ?)", (*at, what))

    def progress(self, group_key: int, position: int, sent: int) -> None:
        """How many bytes of a file are out. Only for show: it may be lost, so it does not wait for the disk."""
        with self._lock, contextlib.suppress(sqlite3.Error):
            self._conn.execute("PRAGMA synchronous = NORMAL")
            try:
                self._conn.execute(
                    "UPDATE uploads SET sent = ? WHERE group_key = ? AND position = ?", (sent, group_key, position)
                )
            finally:  # whatever became of it: the next commit must wait again
                self._conn.execute("PRAGMA synchronous = FULL")

    def fact(self, name: str, default: Callable[[], str]) -> str:
        """A fact about the database as a whole; made by `default` the first time."""
        with self._transaction():
            row = self._conn.execute("SELECT value FROM facts WHERE name = ?", (name,)).fetchone()
            if row is not None:
                return str(row[0])
            value = default()
            self._conn.execute("INSERT INTO facts VALUES (?, ?)", (name, value))
            return value

    def _write_group(self, folder: int, old: Group | None, new: Group) -> Group:
        if old is None:
            columns = _columns(new)
            del columns["key"]
            new = replace(new, key=self._insert("groups", {"folder": folder, **columns}))
            for upload in new.uploads:
                self._insert("uploads", {"group_key": new.key, **_columns(upload)})
            return new
        if new != old:
            self._write("groups", "key = :key", {"key": new.key}, _columns(old), _columns(new))
            for before, after in zip(old.uploads, new.uploads, strict=True):
                at = {"group_key": new.key, "position": after.position}
                self._write(
                    "uploads", "group_key = :group_key AND position = :position", at, _columns(before), _columns(after)
                )
        return new

    def _insert(self, table: str, columns: dict[str, Any]) -> int:
        names, marks = ", ".join(columns), ", ".join(f":{name}" for name in columns)
        return self._conn.execute(f"INSERT INTO {table} ({names}) VALUES ({marks})", columns).lastrowid or 0  # noqa: S608

    def _write(self, table: str, where: str, at: dict[str, int], old: dict[str, Any], new: dict[str, Any]) -> None:
        changed = {name: value for name, value in new.items() if value != old[name]}
        if changed:
            sets = ", ".join(f"{name} = :{name}" for name in changed)
            self._conn.execute(f"UPDATE {table} SET {sets} WHERE {where}", {**changed, **at})  # noqa: S608

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[None]:
        with _translated(self.path), self._begun():
            try:
                yield
                self._conn.execute("COMMIT")
            except BaseException:
                if self._conn.in_transaction:
                    self._conn.execute("ROLLBACK")
                raise

    @contextlib.contextmanager
    def _begun(self) -> Iterator[None]:
        """The write lock, taken first: a deferred one fails when it is taken late. Between two tries others may read."""
        ends = time.monotonic() + _BUSY_TIMEOUT_MS / 1000
        while True:
            with self._lock:
                if self._begin(min(ends, self._gives_up_at)):
                    yield
                    return
            time.sleep(_PAUSE)

    def _begin(self, ends: float) -> bool:
        """False where another process is writing and there is time for another try."""
        try:
            self._conn.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() >= ends:
                raise
            return False
        return True


def _path(column: str | bytes) -> str:
    """As `decode` has it, for a hundred thousand at once."""
    return column if isinstance(column, str) else os.fsdecode(column)


_KEPT_APART = frozenset({"groups", "uploads"})  # they have tables of their own


def _columns(value: Record | Group | Upload | RootStatus | Listener) -> dict[str, Any]:
    return {f.name: encode(getattr(value, f.name)) for f in fields(value) if f.name not in _KEPT_APART}


def _from_row(cls: type[_T], row: sqlite3.Row, **apart: Any) -> _T:
    known = hints(cls)
    values = {f.name: _decoded(known[f.name], row[f.name]) for f in fields(cls) if f.name not in _KEPT_APART}
    return cls(**values, **apart)


def _decoded(hint: Any, column: Any) -> Any:
    try:
        return decode(hint, column)
    except (ValueError, TypeError, LookupError, AttributeError) as error:  # no value that we ever wrote
        raise sqlite3.DatabaseError(f"a row cannot be read ({type(error).__name__})") from error


def _make(path: Path) -> None:
    """An empty file of our own where there is none, and its owner's alone where there is one: it holds upload URLs.

    One that is there is not opened: closing it would drop the locks that SQLite holds on it in this process.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if path.is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
    with contextlib.suppress(FileExistsError):
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
    for file in (path, path.with_name(path.name + "-wal"), path.with_name(path.name + "-shm")):
        with contextlib.suppress(OSError):  # it is not there, or not ours to change
            if file.stat().st_mode & 0o077:
                file.chmod(0o600)


def _check_ours(path: Path, db: Database) -> None:
    """ProgramError where it is another program's or of a newer version: nothing is written into it."""
    applied = [migration.name for migration in migrations.applied(db)]
    if not applied and any(name != migrations.migrations_table for name in (*db.table_names(), *db.view_names())):
        raise ProgramError(
            f"{path} is the database of another program", "name a file of its own as state_db in the config"
        )
    known = {migration.name for migration in migrations._migrations}
    if newer := [name for name in applied if name not in known]:
        raise ProgramError(f"{path} was written by a newer version ({newer[-1]})", "install that version again")


def _check_sound(path: Path, conn: sqlite3.Connection) -> None:
    """ProgramError where it is damaged, also where that would only show later. 35 ms for 10,000 posts, measured."""
    verdict = str(conn.execute("PRAGMA integrity_check(1)").fetchone()[0])
    if verdict != "ok":
        raise ProgramError(f"the database {path} is damaged: {' '.join(verdict.split())}", _MOVE_AWAY)


def _inode(path: Path) -> tuple[int, int] | None:
    try:
        there = path.stat()
    except FileNotFoundError:
        return None
    return there.st_dev, there.st_ino


@contextlib.contextmanager
def _translated(path: Path) -> Iterator[None]:
    """SQLite's and the file system's errors as ours, with the way out."""
    try:
        yield
    except sqlite3.DatabaseError as error:
        hint, passing = _way_out(path, error)
        ours = ProgramError(f"the database {path} cannot be used: {error}", hint)
        ours.passing = passing
        raise ours from error
    except OSError as error:
        ours = ProgramError(
            f"the database {path} cannot be used: {error.strerror}", "check the path state_db and its rights"
        )
        ours.passing = error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EIO)
        raise ours from error


def _way_out(path: Path, error: sqlite3.DatabaseError) -> tuple[str, bool]:
    """The hint, and whether it may be over a little later."""
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_CORRUPT)  # none where a text is no text
    match code & 0xFF:  # what is above that says more, but not to people
        case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_LOCKED:
            return f'another process holds it; see which, and end that one: fuser -v "{path}"', True
        case sqlite3.SQLITE_FULL:
            return f'free some disk space: df -h "{path.parent}"', True
        case sqlite3.SQLITE_IOERR:
            return f'see whether the disk is full, read-only or failing: df -h "{path.parent}"; dmesg', True
        case sqlite3.SQLITE_READONLY | sqlite3.SQLITE_CANTOPEN | sqlite3.SQLITE_PERM:
            why = "check that the user that runs this may write the file and its folder, and that its disk is not read-only"
            return f'{why}: ls -la "{path.parent}"', False
        case _:
            return _MOVE_AWAY, False
