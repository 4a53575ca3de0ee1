"""What is asked of the database. One question, one query or a few, however many folders there are."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Callable, Collection, Iterator
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from postpost_sync.model.errors import Finding
from postpost_sync.model.program import Listener, RootStatus
from postpost_sync.model.record import SPENT, Record, Trouble
from postpost_sync.model.states import OVER, State
from postpost_sync.model.view import NEED
from postpost_sync.plan.codes import WAITS_FOR_PERSON
from postpost_sync.post.platforms import VIDEO_SUFFIXES
from postpost_sync.store.columns import encode, hints
from postpost_sync.store.connection import Connection
from postpost_sync.store.failures import as_written, translated
from postpost_sync.store.rows import decoded, from_row

if TYPE_CHECKING:
    from postpost_sync.plan.snapshot import Neighbour, Scheduled

# as the index groups_by_text has it: few texts are as long and begin the same. The + keeps SQLite to that index
_SAME_TEXT = "length(content) = length(:text) AND substr(content, 1, 32) = substr(:text, 1, 32) AND +content = :text"

# not so a main part of which nothing is asked, since all accounts of its folder have entries of their own
_HAS_A_POST = "NOT (part = '' AND state = 'cancelled' AND platforms = '[]' AND done)"
# how much a state needs a person: 0 the most
_NEED = "CASE state " + " ".join(f"WHEN '{one}' THEN {place}" for place, one in enumerate(NEED)) + " END"
# the keys of a folder's parts, its own among them
_ITS_PARTS = (
    "SELECT p.key FROM folders one JOIN folders p ON p.root = one.root AND p.path = one.path WHERE one.key = :key"
)


def _is_gone(table: str) -> str:
    """As `gone_for_good` has it: should such a folder come back there is something to do, and not before."""
    over, spent = (", ".join(repr(str(one)) for one in sorted(some)) for some in (OVER, SPENT))
    left = f"SELECT 1 FROM groups WHERE folder = {table}.key AND stage NOT IN ({spent})"  # noqa: S608 - constants
    return f"{table}.missed_at IS NOT NULL AND {table}.state IN ({over}) AND NOT EXISTS ({left})"


_OPEN = f"NOT done AND NOT ({_is_gone('folders')})"
_NOT_GONE = f"SELECT 1 FROM folders p WHERE p.root = one.root AND p.path = one.path AND NOT ({_is_gone('p')})"  # noqa: S608 - constants
_ALL_GONE = f"{_is_gone('one')} AND NOT EXISTS ({_NOT_GONE})"
_HAS_VIDEO = " OR ".join(f"media LIKE '%{suffix}\",%'" for suffix in VIDEO_SUFFIXES)  # LIKE takes no case for another


class Queries:
    """Reads alone."""

    def __init__(self, db: Connection) -> None:
        self._db = db

    def record(self, key: int) -> Record | None:
        """All about one folder; None where it was forgotten."""
        with self._db.lock, translated(self._db.path):
            return self._db.one(key)

    def record_of(self, folder_id: str) -> Record | None:
        """The record with that folder_id."""
        with self._db.lock, translated(self._db.path):
            return next(iter(self._db.load("WHERE folder_id = ?", (folder_id,)).values()), None)

    def identity(self, record: Record) -> str:
        """Which part of which folder it is, in the words of its status file: the same after the database was lost."""
        if not record.part:
            return record.folder_id
        with self._db.lock, translated(self._db.path):
            at = encode(record.root), encode(record.path)
            row = self._db.conn.execute("SELECT folder_id FROM folders WHERE root = ? AND path = ? AND part = ''", at)
            main = row.fetchone()
        return f"{main[0] if main else record.folder_id}/{record.part}"

    def records(self, *states: State) -> list[Record]:
        """All folders, or those in these states, in the order in which they were first seen."""
        where = f"WHERE state IN ({', '.join('?' * len(states))})" if states else ""
        with self._db.lock, translated(self._db.path):
            return list(self._db.load(where, states).values())

    def index(self) -> Iterator[tuple[int, str, str, str, bool, int, int, bool]]:
        """(key, root, path, fingerprint, done, inode, device) of every folder, as its main part has it; and whether all of
        its parts are gone for good.

        The lock is held until all were taken: a hundred thousand at once would be what takes the most memory of a start.
        """
        with self._db.lock, translated(self._db.path), as_written():
            for r in self._db.conn.execute(
                f"SELECT key, root, path, fingerprint, done, inode, device, {_ALL_GONE} FROM folders one WHERE part = ''"  # noqa: S608 - constants
            ):
                yield r[0], _path(r[1]), _path(r[2]), r[3], bool(r[4]), r[5], r[6], bool(r[7])

    def gone_from(self, root: str, path: str) -> Record | None:
        """The folder that was there, where it is gone for good."""
        return self._gone("root = ? AND path = ?", (encode(root), encode(path)))

    def gone_as(self, inode: int, device: int, fingerprint: str) -> Record | None:
        """The latest of those gone for good that was that directory, and as it is."""
        return self._gone("inode = ? AND device = ? AND fingerprint = ?", (inode, device, fingerprint))

    def _gone(self, which: str, values: tuple[object, ...]) -> Record | None:
        with self._db.lock, translated(self._db.path):
            asked = f"SELECT max(key) FROM folders WHERE {which} AND part = '' AND {_is_gone('folders')}"  # noqa: S608 - constants
            (key,) = self._db.conn.execute(asked, values).fetchone()
            return self._db.one(key) if key is not None else None

    def parts(self) -> list[tuple[int, int, str]]:
        """(key, key of the main part of its folder, name) of the parts besides the main ones."""
        with self._db.lock, translated(self._db.path):
            rows = self._db.conn.execute(
                "SELECT p.key, m.key, p.part FROM folders p JOIN folders m ON m.root = p.root AND m.path = p.path "
                "AND m.part = '' WHERE p.part != '' ORDER BY p.key"
            ).fetchall()
        return [(row[0], row[1], _path(row[2])) for row in rows]

    def open_keys(self) -> set[int]:
        """The keys of those for which something is to be done still."""
        with self._db.lock, translated(self._db.path):
            return {row[0] for row in self._db.conn.execute("SELECT key FROM folders WHERE NOT done")}

    def states(self) -> Counter[State]:
        """How many posts are in each state; one of several parts is in that of the part that most needs a person."""
        with self._db.lock, translated(self._db.path):
            # the state in a row of an aggregate is that of the smallest
            folders = f"SELECT state, min({_NEED}) FROM folders WHERE {_HAS_A_POST} GROUP BY root, path"  # noqa: S608 - constants
            asked = f"SELECT state, count(*) FROM ({folders}) GROUP BY state"  # noqa: S608 - constants
            rows = self._db.conn.execute(asked).fetchall()
            return Counter({decoded(State, row[0]): row[1] for row in rows})

    def pending(self, now: datetime) -> list[int]:
        """The keys of the folders for which something is to be done, found out or shown by now, the soonest first."""
        with self._db.lock, translated(self._db.path):
            rows = self._db.conn.execute(
                f"SELECT key FROM folders WHERE ({_OPEN}) OR key IN (SELECT folder FROM groups WHERE stage IN "  # noqa: S608 - a constant
                "('creating', 'withdrawn', 'going_out', 'doomed') OR "
                "(stage = 'scheduled' AND (answered_time <= ? OR updating OR unseen OR lost OR elsewhere IS NOT NULL))) "
                "OR (state IN ('scheduled', 'drafted') "
                "AND EXISTS (SELECT 1 FROM groups WHERE folder = folders.key AND stage = 'ended')) "
                "ORDER BY time IS NULL, time, key",
                (encode(now),),
            ).fetchall()
        return [row[0] for row in rows]

    def next_due(self) -> list[int]:
        """The key of the folder whose scheduled post goes out next; empty where none is scheduled."""
        with self._db.lock, translated(self._db.path):
            rows = self._db.conn.execute(
                "SELECT folder FROM groups WHERE stage = 'scheduled' ORDER BY answered_time LIMIT 1"
            ).fetchall()
        return [row[0] for row in rows]

    def furthest(self, account: str) -> tuple[Scheduled, ...]:
        """The posts that the account has scheduled the furthest ahead: three of them, the furthest first."""
        from postpost_sync.plan.snapshot import Scheduled  # here, as below: `status` would wait for what nobody asks it

        with self._db.lock, translated(self._db.path):
            rows = self._db.conn.execute(
                "SELECT f.root, f.path, g.answered_time FROM groups g JOIN folders f ON f.key = g.folder "
                "WHERE g.stage = 'scheduled' AND g.account = ? ORDER BY g.answered_time DESC LIMIT 3",
                (account,),
            ).fetchall()
        return tuple(Scheduled(f"{_path(root)}/{_path(path)}", decoded(datetime, at)) for root, path, at in rows if at)

    def unfinished(self, keys: Collection[int] = ()) -> list[Record]:
        """The folders for which something is to be done still, and those with these keys."""
        with self._db.lock, translated(self._db.path):
            where = f"WHERE ({_OPEN}) OR key IN (SELECT value FROM json_each(?))"  # noqa: S608 - a constant
            return list(self._db.load(where, (json.dumps(list(keys)),)).values())

    def at_postpost(self) -> list[Record]:
        """The folders with a post at PostPost of which nobody knows that it went out: few of many."""
        with self._db.lock, translated(self._db.path):
            where = "WHERE key IN (SELECT folder FROM groups WHERE stage IN ('draft', 'scheduled', 'withdrawn', 'going_out'))"
            return list(self._db.load(where, ()).values())

    def read_by_another_config(self, root: str, config: str) -> list[Record]:
        """Those of a root that are at rest, and were read when the config said something else."""
        where = (
            "WHERE root = ? AND config != ? AND done = 1 "
            "AND key IN (SELECT folder FROM groups WHERE stage IN ('draft', 'scheduled', 'withdrawn'))"
        )
        with self._db.lock, translated(self._db.path):
            return list(self._db.load(where, (encode(root), encode(config))).values())

    def held_or_cancelled(self, since: datetime) -> list[Record]:
        """The folders whose post is held, and those whose post was cancelled since then."""
        where = "WHERE state = 'held' OR (state = 'cancelled' AND updated_at > ?)"
        with self._db.lock, translated(self._db.path):
            return list(self._db.load(where, (encode(since),)).values())

    def taken_slots(self, root: str) -> frozenset[datetime]:
        """The slots of a root's queue that are a post's, past ones too."""
        with self._db.lock, translated(self._db.path):
            asked = "SELECT slot FROM folders WHERE root = ? AND slot IS NOT NULL"
            rows = self._db.conn.execute(asked, (encode(root),)).fetchall()
        return frozenset(decoded(datetime, row[0]) for row in rows)

    def queued(self, root: str) -> list[Record]:
        """The folders of a root that have a slot of its queue, past ones too."""
        with self._db.lock, translated(self._db.path):
            return list(self._db.load("WHERE root = ? AND slot IS NOT NULL", (encode(root),)).values())

    def due(self, since: datetime, now: datetime) -> list[int]:
        """The keys of the folders whose scheduled post was to go out in that span."""
        with self._db.lock, translated(self._db.path):
            rows = self._db.conn.execute(
                "SELECT folder FROM groups WHERE stage = 'scheduled' AND answered_time > ? AND answered_time <= ?",
                (encode(since), encode(now)),
            ).fetchall()
        return [row[0] for row in rows]

    def roots(self) -> list[RootStatus]:
        with self._db.lock, translated(self._db.path):
            return [from_row(RootStatus, row) for row in self._db.conn.execute("SELECT * FROM roots ORDER BY path")]

    def listeners(self) -> list[Listener]:
        with self._db.lock, translated(self._db.path):
            return [from_row(Listener, row) for row in self._db.conn.execute("SELECT * FROM listeners ORDER BY target")]

    def told(self, target: str) -> dict[str, str]:
        """What a listener was told last: subject -> what."""
        with self._db.lock, translated(self._db.path):
            rows = self._db.conn.execute("SELECT subject, what FROM told WHERE target = ?", (target,)).fetchall()
        return {_path(row[0]): row[1] for row in rows}

    def notable(
        self, states: Collection[State], folder_ids: Collection[str]
    ) -> list[tuple[str, str, State, Finding | None, tuple[Trouble, ...], tuple[Finding, ...]]]:
        """(folder_id, root, state, error, troubles, warnings) of the folders that are in one of the states, or named.

        And of those that are settling, and wait for a person.
        """
        with self._db.lock, translated(self._db.path):
            rows = self._db.conn.execute(
                "SELECT folder_id, root, state, error, troubles, warnings FROM folders "
                "WHERE state IN (SELECT value FROM json_each(?)) OR (state = 'settling' AND instr(warnings, ?)) "
                "OR folder_id IN (SELECT value FROM json_each(?))",
                (encode(tuple(states)), WAITS_FOR_PERSON, encode(tuple(folder_ids))),
            ).fetchall()
        known = hints(Record)
        with translated(self._db.path):  # and not the lock: in a very full database this takes a while
            return [
                (
                    r[0],
                    _path(r[1]),
                    *(decoded(known[name], r[name]) for name in ("state", "error", "troubles", "warnings")),
                )
                for r in rows
            ]

    def known_group_ids(self) -> frozenset[str]:
        """The ids of all post groups that any record names."""
        with self._db.lock, translated(self._db.path):
            rows = self._db.conn.execute("SELECT post_group_id FROM groups WHERE post_group_id IS NOT NULL").fetchall()
        return frozenset(row[0] for row in rows)

    def past_drafts(self, ids: Collection[str]) -> list[str]:
        """Those of the ids that a record names as a post of ours that is, or was, more than a draft."""
        with self._db.lock, translated(self._db.path):
            rows = self._db.conn.execute(
                "SELECT post_group_id FROM groups WHERE post_group_id IN (SELECT value FROM json_each(?)) "
                "AND stage NOT IN ('creating', 'draft')",
                (json.dumps(list(ids)),),
            ).fetchall()
        return [row[0] for row in rows]

    def unknown_group_ids(self, ids: Collection[str]) -> frozenset[str]:
        """Those of the ids that no record names."""
        with self._db.lock, translated(self._db.path):
            rows = self._db.conn.execute(
                "SELECT post_group_id FROM groups WHERE post_group_id IN (SELECT value FROM json_each(?))",
                (json.dumps(list(ids)),),
            ).fetchall()
        return frozenset(ids) - {row[0] for row in rows}

    def alike(self, key: int, content: str) -> tuple[Record, ...]:
        """The other folders that have, or had, a post with that text; the other parts of the same one are none."""
        with self._db.lock, translated(self._db.path):
            rows = self._db.conn.execute(
                f"SELECT DISTINCT folder FROM groups WHERE {_SAME_TEXT} AND folder NOT IN ({_ITS_PARTS}) "  # noqa: S608 - constants
                "AND stage NOT IN ('gone', 'doomed') ORDER BY +folder DESC LIMIT 20",
                {"text": encode(content), "key": key},
            ).fetchall()
            found = [self._db.one(row[0]) for row in rows]
        return tuple(record for record in found if record is not None)

    def asking(self, key: int, mark: str) -> tuple[Record, ...]:
        """The other folders on their way that ask for the very same, and of which nothing was made yet; the first 20."""
        with self._db.lock, translated(self._db.path):
            rows = self._db.conn.execute(
                "SELECT key FROM folders INDEXED BY folders_by_mark "
                "WHERE asked = ? AND key != ? AND state IN ('settling', 'drafting', 'uploading') "
                "AND NOT EXISTS (SELECT 1 FROM groups WHERE folder = folders.key) ORDER BY key LIMIT 20",
                (mark, key),
            ).fetchall()
            found = [self._db.one(row[0]) for row in rows]
        return tuple(record for record in found if record is not None)

    def held_for(self, post_group_id: str) -> list[int]:
        """The keys of the folders that are held since that post may be their own."""
        with self._db.lock, translated(self._db.path):
            asked = "SELECT key FROM folders WHERE state = 'held' AND instr(maybe, ?)"
            return [row[0] for row in self._db.conn.execute(asked, (json.dumps(post_group_id),))]

    def at_rest_with(self, may_be: Callable[[str], bool]) -> list[int]:
        """The keys of the folders for which nothing is to be done, and that have, or had, a post with a text that may be it.

        Whether two texts are the same SQLite cannot tell: PostPost may show one escaped, or composed anew.
        """
        with self._db.lock, translated(self._db.path):
            rows = self._db.conn.execute(
                "SELECT DISTINCT folder, content FROM groups JOIN folders ON folders.key = folder WHERE done"
            )
            return sorted({row[0] for row in rows if may_be(_path(row[1]))})

    def beside(self, key: int, time: datetime) -> tuple[Neighbour, ...]:
        """The other folders that ask for the same minute and are on their way or stand scheduled; the first 20 of them."""
        from postpost_sync.plan.snapshot import Neighbour

        minute = time.replace(second=0, microsecond=0)
        with self._db.lock, translated(self._db.path):
            rows = self._db.conn.execute(
                "SELECT path, platforms FROM folders INDEXED BY folders_by_asked_time "  # noqa: S608 - a constant
                f"WHERE time >= :from AND time < :until AND key NOT IN ({_ITS_PARTS}) AND state IN "
                "('drafting', 'uploading', 'held', 'scheduled') ORDER BY key LIMIT 20",
                {"from": encode(minute), "until": encode(minute + timedelta(minutes=1)), "key": key},
            ).fetchall()
        return tuple(Neighbour(_path(row[0]), decoded(tuple[str, ...], row[1])) for row in rows)

    def in_a_day(self, key: int, platform_id: str, time: datetime, *, videos: bool) -> int:
        """How many posts of other folders the account gets in the 24 hours up to then, or of `videos`; 1,000 at most.

        On their way, scheduled or out. A video is told by its name: what it is was measured, and is not kept here.
        """
        with self._db.lock, translated(self._db.path):
            (count,) = self._db.conn.execute(
                "SELECT count(*) FROM (SELECT 1 FROM folders INDEXED BY folders_by_asked_time "  # noqa: S608 - a constant
                "WHERE time > ? AND time <= ? AND key != ? AND instr(platforms, ?) AND state IN "
                "('drafting', 'uploading', 'held', 'scheduled', 'published', 'partially_published') "
                f"{f'AND ({_HAS_VIDEO}) ' if videos else ''}LIMIT 1000)",
                (encode(time - timedelta(days=1)), encode(time), key, json.dumps(platform_id)),
            ).fetchone()
        return int(count)

    def open_creates(self, content: str, platforms: tuple[str, ...]) -> list[int]:
        """The keys of the groups with this text and these platforms whose create is not answered, oldest first."""
        with self._db.lock, translated(self._db.path):
            rows = self._db.conn.execute(
                "SELECT key FROM groups WHERE stage = 'creating' AND content = ? AND platforms = ? ORDER BY key",
                (encode(content), encode(platforms)),
            ).fetchall()
        return [row[0] for row in rows]

    def lost_create_with(self, content: str) -> datetime | None:
        """When the first create of a group with this text was tried that was not answered, and not found; None where none was."""
        with self._db.lock, translated(self._db.path):
            rows = self._db.conn.execute(
                f"SELECT min(intent_at) FROM groups WHERE {_SAME_TEXT} AND stage = 'gone' AND post_group_id IS NULL",  # noqa: S608 - a constant
                {"text": encode(content)},
            ).fetchall()
        return decoded(datetime, rows[0][0]) if rows[0][0] is not None else None

    def creating_with(self, content: str) -> bool:
        """Whether the create of a group with this text is not answered."""
        with self._db.lock, translated(self._db.path):
            rows = self._db.conn.execute(
                f"SELECT 1 FROM groups WHERE {_SAME_TEXT} AND stage = 'creating' LIMIT 1",  # noqa: S608 - a constant
                {"text": encode(content)},
            ).fetchall()
        return bool(rows)


def _path(column: str | bytes) -> str:
    """As `decode` has it, for a hundred thousand at once."""
    return column if isinstance(column, str) else os.fsdecode(column)
