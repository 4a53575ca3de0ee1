"""What those ask who only look: the posts of some weeks, how many are overdue, what is due next. Never all of the database."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Sequence
from datetime import datetime
from typing import NamedTuple

from postpost_sync.model.record import Record
from postpost_sync.store.columns import encode
from postpost_sync.store.connection import Connection
from postpost_sync.store.failures import as_written, translated

MOST_OPEN = 1000  # posts that need a person, have no time, or stand still: those that changed last
_AT_ONCE = 100  # records read while others wait
_VITALS = "vitals"

# The time that people are told, of the same group as view.shown_group: what stands, else the draft, else what was withdrawn
# for one; the newest of them.
SHOWN_TIME = """coalesce((
    SELECT answered_time FROM groups WHERE folder = folders.key AND stage IN
        ('scheduled', 'going_out', 'ended', 'creating', 'draft', 'withdrawn')
    ORDER BY CASE stage WHEN 'withdrawn' THEN 2 WHEN 'creating' THEN 1 WHEN 'draft' THEN 1 ELSE 0 END, key DESC LIMIT 1
    ), time)"""
_PLACED = f"SELECT key, root, path, timezone, error IS NOT NULL, {SHOWN_TIME} FROM folders"  # noqa: S608 - ours
_OF_ROOTS = "root IN (SELECT value FROM json_each(:roots))"
# each of the parts goes by an index: of the states, of the times that folders ask for, of those that PostPost answered
_OPEN = f"""{_PLACED} WHERE {_OF_ROOTS} AND (
    state IN ('invalid', 'held', 'failed', 'partially_published')
    OR (state IN ('settling', 'drafting', 'uploading', 'drafted') AND (time IS NULL OR error IS NOT NULL)))
    ORDER BY updated_at DESC LIMIT :most"""
_DATED = f"""{_PLACED} WHERE {_OF_ROOTS} AND key IN (
    SELECT key FROM folders WHERE time >= :first AND time < :until UNION
    SELECT folder FROM groups WHERE stage IN ('scheduled', 'going_out', 'ended', 'withdrawn')
    AND answered_time >= :first AND answered_time < :until)"""  # noqa: S608 - ours
_AFTER = f"""FROM groups JOIN folders f ON f.key = folder
    WHERE stage = 'scheduled' AND answered_time >= :until AND f.{_OF_ROOTS}"""
_LATER = f"{_PLACED} WHERE key IN (SELECT folder {_AFTER} ORDER BY answered_time LIMIT :most)"
_HOW_MANY_LATER = f"SELECT count(*) {_AFTER}"


class Placed(NamedTuple):
    """As much of a post as it takes to choose those that are shown. `at`: UTC, as people are told it."""

    key: int
    root: str
    path: str
    zone: str
    error: bool
    at: datetime | None


class Overview:
    """Of a database that others write."""

    def __init__(self, db: Connection) -> None:
        self._db = db

    def open(self, roots: Collection[str]) -> list[Placed]:
        """The posts of these roots that stand still, or have no time; MOST_OPEN of them."""
        return self._placed(_OPEN, roots, most=MOST_OPEN)

    def dated(self, roots: Collection[str], first: datetime, until: datetime) -> list[Placed]:
        """The posts of these roots between the two moments."""
        return self._placed(_DATED, roots, first=encode(first), until=encode(until))

    def later(self, roots: Collection[str], until: datetime, most: int) -> tuple[list[Placed], int]:
        """The soonest of what is scheduled for then or later, and how many there are in all."""
        found = self._placed(_LATER, roots, until=encode(until), most=most)
        if len(found) < most:
            return found, len(found)
        rows = self._db.rows(_HOW_MANY_LATER, {"roots": encode(tuple(roots)), "until": encode(until)})
        return found, int(rows[0][0])

    def _placed(self, question: str, roots: Collection[str], **values: object) -> list[Placed]:
        rows = self._db.rows(question, {"roots": encode(tuple(roots)), **values})
        with translated(self._db.path), as_written():
            return [
                Placed(key, _text(root), _text(path), zone, bool(error), datetime.fromisoformat(at) if at else None)
                for key, root, path, zone, error, at in rows
            ]

    def records(self, keys: Sequence[int]) -> Iterator[Record]:
        """In that order, and read a few at a time, so that nobody waits for long and they are never all in memory."""
        for begin in range(0, len(keys), _AT_ONCE):
            chosen = keys[begin : begin + _AT_ONCE]
            with self._db.lock, translated(self._db.path):
                found = self._db.load("WHERE key IN (SELECT value FROM json_each(?))", (json.dumps(chosen),))
            yield from (found[key] for key in chosen if key in found)

    def overdue(self, since: datetime) -> list[tuple[str, str]]:
        """(root, path) of posts that were to be out by then, as far as is known are not, and wait for no person; a few."""
        with self._db.lock, translated(self._db.path):
            rows = self._db.conn.execute(
                "SELECT root, path FROM folders WHERE key IN (SELECT folder FROM groups WHERE stage IN "
                "('scheduled', 'going_out') AND answered_time <= :since) OR "
                "(state IN ('drafting', 'uploading') AND time <= :since) ORDER BY key LIMIT 100",
                {"since": encode(since)},
            ).fetchall()
        return [(_text(row[0]), _text(row[1])) for row in rows]

    def next_due(self, now: datetime) -> datetime | None:
        """When the next post goes out."""
        with self._db.lock, translated(self._db.path):
            row = self._db.conn.execute(
                "SELECT min(answered_time) FROM groups WHERE stage = 'scheduled' AND answered_time > ?", (encode(now),)
            ).fetchone()
        return datetime.fromisoformat(row[0]) if row and row[0] else None

    def vitals(self) -> str | None:
        """What the daemon last wrote down about itself; see `model.vitals`."""
        with self._db.lock, translated(self._db.path):
            row = self._db.conn.execute("SELECT value FROM facts WHERE name = ?", (_VITALS,)).fetchone()
        return str(row[0]) if row is not None else None

    def set_vitals(self, text: str) -> None:
        """Only for show: nobody waits for the disk, and it is no change of a post."""
        with self._db.transaction(waiting=False):
            cursor = self._db.conn.execute(
                "INSERT INTO facts VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
                (_VITALS, text),
            )
            self._db.only_for_show += cursor.rowcount


def _text(column: str | bytes) -> str:
    return column if isinstance(column, str) else column.decode("utf-8", "surrogateescape")
