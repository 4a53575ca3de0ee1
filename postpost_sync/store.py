"""The database: what we know of every post folder, and what we did for it. One file, on a local disk, ours alone.

Every change goes through `change`: read the record, apply a function to it, write what differs, in one transaction that
is on the disk (WAL, synchronous FULL) before it returns. Threads share one connection behind one lock.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import threading
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import fields, replace
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

from sqlite_utils import Database

from postpost_sync.columns import decode, encode, hints
from postpost_sync.errors import ProgramError
from postpost_sync.migrations import migrations
from postpost_sync.models import Group, Record, RootStatus, Upload
from postpost_sync.states import State, check_move

_T = TypeVar("_T", Record, Group, Upload, RootStatus)
_BUSY_TIMEOUT_MS = 10_000


class Store:
    """One open database. Errors of SQLite come out as ProgramError, which says which file and what to do."""

    def __init__(self, path: Path, conn: sqlite3.Connection) -> None:
        self.path = path
        self._conn = conn
        self._lock = threading.RLock()

    @classmethod
    def open(cls, path: Path, *, read_only: bool = False) -> Store:
        """Open (and, unless `read_only`, create or bring up to date) the database at `path`."""
        with _translated(path):
            if read_only:
                conn = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, check_same_thread=False)
            else:
                path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
                conn = sqlite3.connect(path, check_same_thread=False)
            conn.row_factory = sqlite3.Row
            conn.isolation_level = None  # transactions are ours
            conn.execute(f"PRAGMA busy_timeout = {_BUSY_TIMEOUT_MS}")
            db = Database(conn)
            newer = [
                m.name for m in migrations.applied(db) if m.name not in {known.name for known in migrations._migrations}
            ]
            if newer:
                raise ProgramError(f"{path} was written by a newer version ({newer[-1]})", "install that version again")
            if read_only:
                if migrations.pending(db):
                    raise ProgramError(f"{path} is of an older version or not one of ours", "start the daemon once")
                return cls(path, conn)
            conn.execute("PRAGMA journal_mode = WAL")
            conn.execute("PRAGMA synchronous = FULL")
            conn.execute("PRAGMA foreign_keys = ON")
            migrations.apply(db)
        return cls(path, conn)

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

    def records(self) -> list[Record]:
        """All folders, in the order in which they were first seen."""
        with self._lock, _translated(self.path):
            return list(self._load("", ()).values())

    def index(self) -> list[tuple[int, str, str, str, bool, int, int]]:
        """(key, root, path, fingerprint, done, inode, device) of every folder: one query, however many there are."""
        with self._lock, _translated(self.path):
            rows = self._conn.execute(
                "SELECT key, root, path, fingerprint, done, inode, device FROM folders"
            ).fetchall()
        return [(r[0], decode(str, r[1]), decode(str, r[2]), r[3], bool(r[4]), r[5], r[6]) for r in rows]

    def states(self) -> Counter[State]:
        """How many folders are in each state."""
        with self._lock, _translated(self.path):
            rows = self._conn.execute("SELECT state, count(*) FROM folders GROUP BY state").fetchall()
        return Counter({State(row[0]): row[1] for row in rows})

    def pending(self, now: datetime) -> list[int]:
        """The keys of the folders for which something is to be done or found out by now, the soonest first."""
        with self._lock, _translated(self.path):
            rows = self._conn.execute(
                "SELECT key FROM folders WHERE NOT done OR key IN (SELECT folder FROM groups WHERE stage IN "
                "('creating', 'withdrawn', 'going_out', 'doomed') OR (stage = 'scheduled' AND answered_time <= ?)) "
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
        """A number that changes when another process has written."""
        with self._lock, _translated(self.path):
            return int(self._conn.execute("PRAGMA data_version").fetchone()[0])

    def known_group_ids(self) -> frozenset[str]:
        """The ids of all post groups that any record names."""
        with self._lock, _translated(self.path):
            rows = self._conn.execute("SELECT post_group_id FROM groups WHERE post_group_id IS NOT NULL").fetchall()
        return frozenset(row[0] for row in rows)

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

    def forget(self, key: int) -> None:
        """Remove a folder of which nothing stands at PostPost."""
        with self._transaction():
            self._conn.execute("DELETE FROM folders WHERE key = ?", (key,))

    def set_roots(self, roots: list[RootStatus]) -> None:
        """How the watch roots are doing; roots that are no longer watched are dropped."""
        with self._transaction():
            self._conn.execute("DELETE FROM roots")
            for root in roots:
                self._insert("roots", _columns(root))

    def progress(self, group_key: int, position: int, sent: int) -> None:
        """How many bytes of a file are out. Only for show: it may be lost, so it does not wait for the disk."""
        with self._lock, contextlib.suppress(sqlite3.Error):
            self._conn.execute("PRAGMA synchronous = NORMAL")
            self._conn.execute(
                "UPDATE uploads SET sent = ? WHERE group_key = ? AND position = ?", (sent, group_key, position)
            )
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
        with self._lock, _translated(self.path):
            self._conn.execute(
                "BEGIN IMMEDIATE"
            )  # take the write lock first: a deferred one fails when it is taken late
            try:
                yield
                self._conn.execute("COMMIT")
            except BaseException:
                if self._conn.in_transaction:
                    self._conn.execute("ROLLBACK")
                raise


_KEPT_APART = frozenset({"groups", "uploads"})  # they have tables of their own


def _columns(value: Record | Group | Upload | RootStatus) -> dict[str, Any]:
    return {f.name: encode(getattr(value, f.name)) for f in fields(value) if f.name not in _KEPT_APART}


def _from_row(cls: type[_T], row: sqlite3.Row, **apart: Any) -> _T:
    known = hints(cls)
    values = {f.name: decode(known[f.name], row[f.name]) for f in fields(cls) if f.name not in _KEPT_APART}
    return cls(**values, **apart)


@contextlib.contextmanager
def _translated(path: Path) -> Iterator[None]:
    """SQLite's and the file system's errors as ours, with the way out."""
    try:
        yield
    except sqlite3.DatabaseError as error:
        text = str(error)
        if "locked" in text or "busy" in text:
            hint = "another process holds it; end that one"
        elif "disk is full" in text or "full" in text:
            hint = "free some disk space"
        elif "readonly" in text or "unable to open" in text:
            hint = "check that the user that runs this may write the file and its folder"
        else:
            hint = "move it away; what stands at PostPost is found again through the post.status.yaml files"
        raise ProgramError(f"the database {path} cannot be used: {text}", hint) from error
    except OSError as error:
        raise ProgramError(
            f"the database {path} cannot be used: {error.strerror}", "check the path state_db and its rights"
        ) from error
