"""The database: what we know of every post folder, and what we did for it. One file, on a local disk, ours alone.

Every change goes through `change`: read the record, apply a function to it, write what differs, in one transaction that
is on the disk (WAL, synchronous FULL) before it returns.
"""

from __future__ import annotations

import contextlib
import sqlite3
import uuid
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any, Concatenate, ParamSpec

from postpost_sync.model.program import Listener, RootStatus
from postpost_sync.model.record import Group, Record
from postpost_sync.model.states import State, check_move
from postpost_sync.store.columns import encode
from postpost_sync.store.connection import as_columns, translated
from postpost_sync.store.queries import Questions

_Told = ParamSpec("_Told")


class Store(Questions):
    """See the module; `opened` has what goes for all of it, `questions` what is read."""

    def add(self, root: str, path: str, inode: int, device: int, now: datetime, **more: Any) -> Record:
        """A record for a folder seen for the first time; `more` are further fields of it.

        It may be lost with the power, until anything is done for the folder: then it is found again.
        """
        folder_id = more.pop("folder_id", None) or str(uuid.uuid4())
        record = Record(0, folder_id, root, path, inode, device, State.SETTLING, now, now, **more)
        with self._transaction(waiting=False):
            columns = as_columns(record)
            del columns["key"]
            key = self._insert("folders", columns)
        return replace(record, key=key)

    def change(
        self,
        key: int,
        function: Callable[Concatenate[Record, _Told], Record],
        /,
        *args: _Told.args,
        **kwargs: _Told.kwargs,
    ) -> Record:
        """Write down what `function` makes of the record and of what it is told besides.

        KeyError where there is none by that key. An illegal change of state raises and changes nothing.
        """
        with self._transaction():
            old = self._load("WHERE key = ?", (key,)).get(key)
            if old is None:
                raise KeyError(key)
            new = function(old, *args, **kwargs)
            if new == old:
                return old
            check_move(old.state, new.state)
            self._write("folders", "key = :key", {"key": key}, as_columns(new, old))
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
                self._insert("roots", as_columns(root))

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
                as_columns(listener),
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
        with self._lock, contextlib.suppress(sqlite3.Error), self._not_waiting():
            cursor = self._conn.execute(
                "UPDATE uploads SET sent = ? WHERE group_key = ? AND position = ?", (sent, group_key, position)
            )
            self._only_for_show += cursor.rowcount

    def fact(self, name: str, default: Callable[[], str]) -> str:
        """A fact about the database as a whole; made by `default` the first time."""
        with self._lock, translated(self.path):
            row = self._conn.execute("SELECT value FROM facts WHERE name = ?", (name,)).fetchone()
            if row is not None:
                return str(row[0])
            value = default()
            with self._transaction():
                self._conn.execute("INSERT INTO facts VALUES (?, ?)", (name, value))
            return value

    def _write_group(self, folder: int, old: Group | None, new: Group) -> Group:
        if old is None:
            columns = as_columns(new)
            del columns["key"]
            new = replace(new, key=self._insert("groups", {"folder": folder, **columns}))
            for upload in new.uploads:
                self._insert("uploads", {"group_key": new.key, **as_columns(upload)})
            return new
        if new != old:
            self._write("groups", "key = :key", {"key": new.key}, as_columns(new, old))
            for before, after in zip(old.uploads, new.uploads, strict=True):
                at, changed = {"group_key": new.key, "position": after.position}, as_columns(after, before)
                self._write("uploads", "group_key = :group_key AND position = :position", at, changed)
        return new

    def _insert(self, table: str, columns: dict[str, Any]) -> int:
        names, marks = ", ".join(columns), ", ".join(f":{name}" for name in columns)
        return self._conn.execute(f"INSERT INTO {table} ({names}) VALUES ({marks})", columns).lastrowid or 0  # noqa: S608

    def _write(self, table: str, where: str, at: dict[str, int], changed: dict[str, Any]) -> None:
        if changed:
            sets = ", ".join(f"{name} = :{name}" for name in changed)
            self._conn.execute(f"UPDATE {table} SET {sets} WHERE {where}", {**changed, **at})  # noqa: S608
