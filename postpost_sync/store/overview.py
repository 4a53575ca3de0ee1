"""What those ask who only look: the posts of some weeks, how many are overdue, what is due next. Never all of the database."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from datetime import datetime

from postpost_sync.model.record import Record
from postpost_sync.store.columns import encode
from postpost_sync.store.connection import Connection, translated

MOST_OPEN = 1000  # posts that need a person, have no time, or stand still: those that changed last
MOST_LATER = 1000  # posts after the last day: the soonest
_AT_ONCE = 100  # records read while others wait
_VITALS = "vitals"

# each of the parts goes by an index: of the states, of the times that folders ask for, of those that PostPost answered
_OPEN = """SELECT key FROM folders WHERE root IN (SELECT value FROM json_each(:roots)) AND (
    state IN ('invalid', 'held', 'failed', 'partially_published')
    OR (state IN ('settling', 'drafting', 'uploading', 'drafted') AND (time IS NULL OR error IS NOT NULL)))
    ORDER BY updated_at DESC LIMIT :most"""
_DATED = """SELECT f.key FROM folders f WHERE f.root IN (SELECT value FROM json_each(:roots)) AND f.key IN (
    SELECT key FROM folders WHERE time >= :first AND time < :until UNION
    SELECT folder FROM groups WHERE stage IN ('scheduled', 'going_out', 'ended', 'withdrawn')
    AND answered_time >= :first AND answered_time < :until)"""
_LATER = """FROM folders f JOIN groups g ON g.folder = f.key
    WHERE g.stage = 'scheduled' AND g.answered_time >= :until AND f.root IN (SELECT value FROM json_each(:roots))"""


class Overview:
    """Of a database that others write."""

    def __init__(self, db: Connection) -> None:
        self._db = db

    def posts(
        self, roots: Collection[str], first: datetime, until: datetime, *, later: bool = True
    ) -> tuple[Iterator[Record], int]:
        """Of these roots the posts between the two moments, those that stand still, and (`later`) those after the span.

        And how many of those after it are not among them. They are read a few at a time, so that nobody waits for long.
        """
        at = {"roots": encode(tuple(roots)), "first": encode(first), "until": encode(until), "most": MOST_OPEN}
        with self._db.lock, translated(self._db.path):
            conn = self._db.conn
            keys = {row[0] for query in (_OPEN, _DATED) for row in conn.execute(query, at)}
            after = (
                []
                if not later
                else conn.execute(f"SELECT f.key {_LATER} ORDER BY g.answered_time LIMIT {MOST_LATER}", at).fetchall()
            )
            beyond = 0
            if len(after) == MOST_LATER:
                beyond = int(conn.execute(f"SELECT count(*) {_LATER}", at).fetchone()[0]) - MOST_LATER
        return self._records(sorted(keys | {row[0] for row in after})), beyond

    def _records(self, keys: list[int]) -> Iterator[Record]:
        for begin in range(0, len(keys), _AT_ONCE):
            chosen = json.dumps(keys[begin : begin + _AT_ONCE])
            with self._db.lock, translated(self._db.path):
                found = self._db.load("WHERE key IN (SELECT value FROM json_each(?))", (chosen,))
            yield from found.values()

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
