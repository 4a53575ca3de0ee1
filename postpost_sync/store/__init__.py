"""The database: what we know of every post folder, and what we did for it. One file, on a local disk, ours alone.

Why it is as it is:

- Every change goes through `Store.change`: read the record, apply a function of `ledger` to it, write what differs. It is one
  transaction, and it is on the disk before it returns. An effect at PostPost is made only after its intent has been
  written so; else a lost power supply would let it be made twice.
- WAL, so that `status` reads while the daemon writes. Who has to know that his commit is on the disk waits for that with
  all others who do, and holds up nobody who reads or commits meanwhile (`group_commit`). What is found again by itself (a
  new folder, what is shown of a post, the progress of an upload) does not wait.
- The write lock is taken first (`BEGIN IMMEDIATE`). A lock that is taken late fails at once where another process writes.
- The records that were last used are kept at hand: a post is asked for thirty times on its way. SQLite tells where another
  process has written since.
- Threads share one connection behind one lock. SQLite writes one at a time anyway.
- `lock` keeps a second daemon away: both would make each post. SQLite's own locks last for one transaction only.
- A damaged database is refused before anything is written into it. A damaged index hides what was done already.

`connection` is the file, opened; `group_commit` waits for the disk; `queries` what is read, `overview` what is read for
those who only look, `health` what that says of the daemon; `rows` how our values lie in the tables, `columns` how one lies in
a column; `failures` its errors as ours; `migrations` the tables; `status` what the command of that name reads, `backup`
copies the file.
"""

from __future__ import annotations

import contextlib
import sqlite3
import uuid
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any, Concatenate, ParamSpec

from postpost_sync.model.program import Listener, RootStatus
from postpost_sync.model.record import Group, Record, check_stage
from postpost_sync.model.states import State, check_move
from postpost_sync.store.columns import encode
from postpost_sync.store.connection import Connection
from postpost_sync.store.failures import translated
from postpost_sync.store.overview import Overview
from postpost_sync.store.queries import Queries
from postpost_sync.store.rows import as_columns

_Told = ParamSpec("_Told")
# also where a post of a queue stands scheduled still, which is to be moved to its slot
_OTHERS_SLOTS = (
    "SELECT slot FROM folders WHERE root = :root AND slot IS NOT NULL AND key != :key UNION SELECT asked_time FROM groups "
    "JOIN folders ON folders.key = folder WHERE root = :root AND slot IS NOT NULL AND folder != :key AND stage = 'scheduled'"
)

_AT_PLACE = "SELECT key FROM folders WHERE root = ? AND path = ? ORDER BY key"
_TO_PLACE = "UPDATE folders SET root = ?, path = ? WHERE root = ? AND path = ?"


def _at(place: tuple[str, str], inode: int, device: int) -> dict[str, Any]:
    return {"root": place[0], "path": place[1], "inode": inode, "device": device}


class Store:
    """See the package. What is only read is `queries`'s, what goes for the file as a whole `connection`'s."""

    def __init__(self, db: Connection) -> None:
        self.path, self._db, read = db.path, db, Queries(db)
        self.close, self.hurry, self.checked, self.check_sound = db.close, db.hurry, db.checked, db.check_sound
        self.data_version, self.changes, self.overtaken = db.data_version, db.changes, db.overtaken
        self.rows, self.copy_into = db.rows, db.copy_into  # for `status` and `backup`
        # of folders
        self.record, self.record_of, self.records, self.identity = (
            read.record,
            read.record_of,
            read.records,
            read.identity,
        )
        self.index, self.states, self.parts, self.open_keys = read.index, read.states, read.parts, read.open_keys
        self.gone_from, self.gone_as = read.gone_from, read.gone_as
        self.pending, self.unfinished, self.due, self.next_due = read.pending, read.unfinished, read.due, read.next_due
        self.at_postpost, self.held_or_cancelled = read.at_postpost, read.held_or_cancelled
        self.read_by_another_config = read.read_by_another_config
        self.queued, self.taken_slots = read.queued, read.taken_slots
        # of a folder's neighbours
        self.alike, self.beside, self.in_a_day, self.furthest = read.alike, read.beside, read.in_a_day, read.furthest
        self.asking, self.held_for, self.at_rest_with = read.asking, read.held_for, read.at_rest_with
        self.lost_create_with = read.lost_create_with
        self.known_group_ids, self.unknown_group_ids = read.known_group_ids, read.unknown_group_ids
        self.past_drafts = read.past_drafts
        self.open_creates, self.creating_with = read.open_creates, read.creating_with
        # of roots, and of who is notified
        self.roots, self.listeners, self.told, self.notable = read.roots, read.listeners, read.told, read.notable
        self.overview = Overview(db)  # for calendars, monitors and metrics

    @classmethod
    def open(cls, path: Path, *, read_only: bool = False, check_beside: bool = False, untouched: bool = False) -> Store:
        """See `Connection.open`."""
        return cls(Connection.open(path, read_only=read_only, check_beside=check_beside, untouched=untouched))

    def add(self, root: str, path: str, inode: int, device: int, now: datetime, **more: Any) -> Record:
        """A record for a folder seen for the first time; `more` are further fields of it.

        It may be lost with the power, until anything is done for the folder: then it is found again.
        """
        folder_id = more.pop("folder_id", None) or str(uuid.uuid4())
        record = Record(0, folder_id, root, path, inode, device, State.SETTLING, now, now, **more)
        with self._db.transaction(waiting=False):
            record = self._with_free_slot(record)
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
        with self._db.transaction():
            return self._changed(key, lambda old: function(old, *args, **kwargs))

    def take_slot(self, key: int, moments: Iterable[datetime]) -> Record:
        """The folder has the first of these moments that is no other folder's of its root, for itself alone."""
        from postpost_sync import ledger  # here, as below: who only reads, as `status`, would wait for what it needs

        def taken(record: Record) -> Record:
            at = {"root": encode(record.root), "key": key}
            gone = {row[0] for row in self._db.conn.execute(_OTHERS_SLOTS, at)}
            return ledger.slot_taken(record, next(moment for moment in moments if encode(moment) not in gone))

        with self._db.transaction():
            return self._reopened(self._changed(key, taken))

    def _reopened(self, record: Record) -> Record:
        """The record; the other parts of its folder are to be looked at: its slot may be theirs, too."""
        reopened = self._db.conn.execute(
            "UPDATE folders SET done = 0 WHERE root = ? AND path = ? AND key != ? AND done",
            (encode(record.root), encode(record.path), record.key),
        )
        if reopened.rowcount:
            self._db.forget_recent()
        return record

    def move_slots(
        self, root: str, choose: Callable[[Sequence[Record]], Sequence[tuple[Record, datetime]]]
    ) -> Sequence[tuple[Record, datetime]]:
        """Move the posts of a root's queue to the slots that `choose` names, in its order: all at once, or none."""
        from postpost_sync import ledger

        with self._db.transaction():
            queued = list(self._db.load("WHERE root = ? AND slot IS NOT NULL", (encode(root),)).values())
            moved = choose(queued)
            for record, at in moved:
                self._reopened(self._changed(record.key, partial(ledger.slot_taken, at=at)))
            return moved

    def note(
        self,
        key: int,
        function: Callable[Concatenate[Record, _Told], Record],
        /,
        *args: _Told.args,
        **kwargs: _Told.kwargs,
    ) -> Record:
        """As `change`, and it does not wait for the disk: for what is found out again by itself, should it be lost.

        It is on the disk at the end of the next change. So it is never lost where anything at PostPost came after it.
        """
        with self._db.transaction(waiting=False):
            return self._changed(key, lambda old: function(old, *args, **kwargs))

    def _changed(self, key: int, function: Callable[[Record], Record]) -> Record:
        old = self._db.one(key)
        if old is None:
            raise KeyError(key)
        new = function(old)
        if (new.root, new.slot) != (old.root, old.slot):
            new = self._with_free_slot(new)
        if new == old:
            return old
        check_move(old.state, new.state)
        self._write("folders", "key = :key", {"key": key}, as_columns(new, old))
        before = {group.key: group for group in old.groups}
        for group in new.groups:
            if group.key in before:
                check_stage(before[group.key].stage, group.stage)
        groups = tuple(self._write_group(key, before.get(one.key), one) for one in new.groups)
        if groups != new.groups:  # a new one has its key now
            new = replace(new, groups=groups)
        self._db.keep(new)
        return new

    def swap_places(self, one: int, other: int) -> None:
        """Each of the two folders stands at the other's place now, with all of its parts."""
        with self._db.transaction():
            rows = self._db.conn.execute("SELECT key, root, path FROM folders WHERE key IN (?, ?)", (one, other))
            places = {row[0]: (row[1], row[2]) for row in rows}
            self._db.forget_recent()
            mine, theirs = places[one], places[other]
            if mine[0] != theirs[0]:  # a slot is one of its root's, and may be another's there
                for place in (mine, theirs):
                    self._db.conn.execute(
                        "UPDATE folders SET slot = NULL, done = 0 WHERE slot IS NOT NULL AND root = ? AND path = ?",
                        place,
                    )
            # no two may stand at one place even for a moment
            for was, place in ((mine, ("", str(one))), (theirs, mine), (("", str(one)), theirs)):
                self._db.conn.execute(_TO_PLACE, (*place, *was))

    def move_parts(
        self, was: tuple[str, str], place: tuple[str, str], inode: int, device: int, *, keeps_slot: bool = True
    ) -> None:
        """The folder that was there is at that place now, with all of its parts."""
        from postpost_sync import ledger

        with self._db.transaction():
            keys = [row[0] for row in self._db.conn.execute(_AT_PLACE, tuple(map(encode, was)))]
            for key in keys:
                self._changed(key, partial(ledger.at_place, **_at(place, inode, device), keeps_slot=keeps_slot))

    def forget(self, key: int) -> None:
        """Remove a part of a folder of which nothing stands at PostPost; with its main part goes the folder as a whole."""
        with self._db.transaction():
            self._db.forget_recent()
            self._db.conn.execute(
                "DELETE FROM folders WHERE key = :key OR key IN (SELECT p.key FROM folders one JOIN folders p "
                "ON p.root = one.root AND p.path = one.path WHERE one.key = :key AND one.part = '')",
                {"key": key},
            )

    def renumber(self, root: str, devices: Mapping[int, int]) -> None:
        """The file systems of a root have other numbers than before: number before -> number now.

        A number that is now another's belongs to none of those that had it.
        """
        numbers = dict.fromkeys(devices.values(), -1) | dict(devices)
        cases = "".join(f" WHEN {int(before)} THEN {int(now)}" for before, now in numbers.items())
        with self._db.transaction():
            self._db.forget_recent()
            self._db.conn.execute(
                f"UPDATE folders SET device = CASE device{cases} ELSE device END WHERE root = ?",  # noqa: S608 - numbers
                (encode(root),),
            )

    def set_roots(self, roots: list[RootStatus]) -> None:
        """How the watch roots are doing; roots that are no longer watched are dropped."""
        with self._db.transaction():
            self._db.conn.execute("DELETE FROM roots")
            for root in roots:
                self._insert("roots", as_columns(root))

    def keep_listeners(self, targets: Collection[str]) -> None:
        """Who is notified: of others it is forgotten what they were told."""
        with self._db.transaction():
            kept = encode(tuple(targets))
            self._db.conn.execute("DELETE FROM listeners WHERE target NOT IN (SELECT value FROM json_each(?))", (kept,))

    def set_listener(self, listener: Listener) -> None:
        with self._db.transaction():
            self._db.conn.execute(
                "INSERT INTO listeners VALUES (:target, :events, :error) "
                "ON CONFLICT (target) DO UPDATE SET events = :events, error = :error",
                as_columns(listener),
            )

    def tell(self, target: str, told: Mapping[str, str | None]) -> None:
        """A listener was told this: subject -> what; None: what it was told before is over."""
        with self._db.transaction():
            for subject, what in told.items():
                at = (target, encode(subject))
                self._db.conn.execute("DELETE FROM told WHERE (target, subject) = (?, ?)", at)
                if what is not None:
                    self._db.conn.execute("INSERT INTO told VALUES (?, ?, ?)", (*at, what))

    def progress(self, group_key: int, position: int, sent: int) -> None:
        """How many bytes of a file are out. Only for show: it may be lost, so it does not wait for the disk."""
        with self._db.lock, contextlib.suppress(sqlite3.Error):
            cursor = self._db.conn.execute(
                "UPDATE uploads SET sent = ? WHERE group_key = ? AND position = ?", (sent, group_key, position)
            )
            self._db.only_for_show += cursor.rowcount
            self._db.forget_recent()

    def fact(self, name: str, default: Callable[[], str]) -> str:
        """A fact about the database as a whole; made by `default` the first time."""
        with self._db.lock, translated(self.path):
            row = self._db.conn.execute("SELECT value FROM facts WHERE name = ?", (name,)).fetchone()
            if row is not None:
                return str(row[0])
            value = default()
            with self._db.transaction():
                self._db.conn.execute("INSERT INTO facts VALUES (?, ?)", (name, value))
            return value

    def fact_of(self, name: str) -> str | None:
        """A fact about the database as a whole; None where it is not known."""
        with self._db.lock, translated(self.path):
            row = self._db.conn.execute("SELECT value FROM facts WHERE name = ?", (name,)).fetchone()
        return str(row[0]) if row is not None else None

    def _with_free_slot(self, record: Record) -> Record:
        """The record; without the slot that another folder of its root has by now."""
        taken = record.slot is not None and self._taken(record, record.slot)
        return replace(record, slot=None, done=False) if taken else record

    def _taken(self, record: Record, at: datetime) -> bool:
        return bool(
            self._db.conn.execute(
                "SELECT 1 FROM folders WHERE root = ? AND slot = ? AND key != ?",
                (encode(record.root), encode(at), record.key),
            ).fetchone()
        )

    def set_fact(self, name: str, value: str) -> None:
        """Change a fact about the database as a whole."""
        with self._db.lock, translated(self.path), self._db.transaction():
            self._db.conn.execute("INSERT OR REPLACE INTO facts VALUES (?, ?)", (name, value))

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
        return self._db.conn.execute(f"INSERT INTO {table} ({names}) VALUES ({marks})", columns).lastrowid or 0  # noqa: S608

    def _write(self, table: str, where: str, at: dict[str, int], changed: dict[str, Any]) -> None:
        if changed:
            sets = ", ".join(f"{name} = :{name}" for name in changed)
            self._db.conn.execute(f"UPDATE {table} SET {sets} WHERE {where}", {**changed, **at})  # noqa: S608
