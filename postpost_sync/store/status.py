"""What `status` asks: where every post stands, in one cheap question; and of those that it shows, what it shows of them.

A record in full is ten thousand times more than a line of `status` has room for, and takes as long to read.
"""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Collection, Iterable
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from postpost_sync.model.folder import Stat
from postpost_sync.model.record import Group, GroupStage, Record, Sent, Upload, UploadStage
from postpost_sync.model.states import State
from postpost_sync.model.view import NEED
from postpost_sync.store import Store
from postpost_sync.store.columns import decoder, encode, hints
from postpost_sync.store.failures import as_written, translated
from postpost_sync.store.overview import SHOWN_TIME

_CAPTION = 400  # characters of a text; its first words are among them
_OVER = GroupStage.FOLLOWED, GroupStage.DOOMED, GroupStage.GONE  # of any other the uploads say what the media are
_NOT_YET = datetime.min.replace(tzinfo=UTC)
_DECODERS = {name: decoder(hint) for cls in (Group, Record) for name, hint in hints(cls).items()}


class Outline(NamedTuple):
    """Where a post stands, and no more. Times are as the columns have them, UTC and ISO 8601; `time`: as people are told it."""

    key: int
    root: str
    path: str
    state: State
    time: str | None
    error: bool
    warned: bool
    waits: bool  # for a person, although it is settling
    updated_at: str
    part: str = ""
    empty: bool = False  # nothing is asked of it


_OUTLINE = f"""SELECT key, root, path, state, error IS NOT NULL, warnings != '[]', instr(warnings, 'WAITS_LONG'), updated_at,
    part, platforms = '[]', {SHOWN_TIME} FROM folders"""  # noqa: S608 - ours
_OF_KEYS = " WHERE {} IN (SELECT value FROM json_each(?))"


def outlines(store: Store, keys: Collection[int] | None = None) -> list[Outline]:
    """Of every folder, or of those with these keys, in the order in which they were first seen.

    One of several parts stands as the part that most needs a person, at the time of its main part.
    """
    rows = _asked(store, _OUTLINE, "key", keys, "key")
    parted: dict[tuple[str, str], list[Outline]] = {}
    with translated(store.path), as_written():
        states = {state.value: state for state in State}
        found, several = list[Outline](), False
        for key, root, path, state, error, warned, waits, updated, part, nowhere, time in rows:
            about = key, _text(root), _text(path), states[state], time, bool(error), bool(warned), bool(waits), updated
            several = several or bool(part)
            if not (nowhere and states[state] is State.CANCELLED and not part and time is None):
                found.append(Outline(*about, part))
            else:
                found.append(Outline(*about, part, empty=True))
    if not several:
        return found
    for one in found:
        parted.setdefault((one.root, one.path), []).append(one)
    return [_as_one(parts) for parts in parted.values()]


def _as_one(parts: list[Outline]) -> Outline:
    """A folder's parts as the folder."""
    main, shown = parts[0], [one for one in parts if not one.empty] or parts[:1]
    first = min(shown, key=lambda one: NEED.index(one.state))
    return main._replace(
        state=first.state,
        time=shown[0].time,
        error=first.error,
        warned=any(one.warned for one in shown),
        waits=any(one.waits for one in shown),
        updated_at=max(one.updated_at for one in shown),
    )


def at_or_below(store: Store, folder: Path) -> list[int]:
    """The keys of the post folders at that path, or below it."""
    found: list[int] = []
    for row in store.rows("SELECT DISTINCT root FROM folders"):
        root = Path(_text(row[0]))
        if folder == root or folder in root.parents:
            rows = store.rows("SELECT key FROM folders WHERE root = ?", (row[0],))
        elif root in folder.parents:
            below = str(folder.relative_to(root))
            # a name below that is no UTF-8 is a BLOB, and so is what is compared with it
            rows = store.rows(
                "SELECT key FROM folders WHERE root = :root AND (path = :at OR (path > :from AND path < :to) "
                "OR (path > CAST(:from AS BLOB) AND path < CAST(:to AS BLOB)))",
                {"root": row[0], "at": encode(below), "from": encode(f"{below}/"), "to": encode(f"{below}0")},
            )
        else:
            continue
        found += [row[0] for row in rows]
    return sorted(set(found))


def shown(store: Store, keys: Collection[int] | None = None) -> list[Record]:
    """As much of the records as `view.folder_facts` looks at; the rest of them is made up. Of each folder all parts."""
    if keys is not None:
        keys = with_parts(store, keys)
    with translated(store.path), as_written():
        uploads: dict[int, list[Upload]] = {}
        for group, *columns in _asked(store, _UPLOADS, "folder", keys, "group_key, position"):
            uploads.setdefault(group, []).append(_upload(*columns))
        groups: dict[int, list[Group]] = {}
        for folder, key, *columns in _asked(store, _GROUPS, "folder", keys, "key"):
            groups.setdefault(folder, []).append(_group(tuple(uploads.get(key, ())), key, *columns))
        return [_record(*row, tuple(groups.get(row[0], ()))) for row in _asked(store, _RECORDS, "key", keys, "key")]


def with_parts(store: Store, keys: Collection[int]) -> set[int]:
    """These, and the other parts of their folders."""
    return {row[0] for row in store.rows(_WITH_PARTS, (json.dumps(list(keys)),))}


_WITH_PARTS = """SELECT p.key FROM folders one JOIN folders p ON p.root = one.root AND p.path = one.path
    WHERE one.key IN (SELECT value FROM json_each(?))"""
_RECORDS = """SELECT key, root, path, state, updated_at, time, slot, part, retry_at, platforms, media, previous, error,
    warnings FROM folders"""
_GROUPS = f"""SELECT folder, key, stage, post_group_id, substr(content, 1, {_CAPTION}), answered_time, results, outcome
    FROM groups"""  # noqa: S608 - a number of ours
_UPLOADS = """SELECT group_key, position, name, upload_name, content_type, uploads.stage, json_extract(stat, '$[0]'), sent,
    media_id, sent_as
    FROM uploads JOIN groups ON groups.key = group_key"""


def _asked(store: Store, question: str, key: str, keys: Collection[int] | None, order: str) -> Iterable[sqlite3.Row]:
    where = _OF_KEYS.format(key) if keys is not None else ""
    return store.rows(f"{question}{where} ORDER BY {order}", (json.dumps(list(keys)),) if keys is not None else ())


def _upload(
    position: int,
    name: Any,
    upload_name: str,
    content_type: str,
    stage: str,
    size: int,
    sent: int,
    media_id: str | None,
    copy: str | None,
) -> Upload:
    stat, sent_as = Stat(size, 0, 0, 0, 0), Sent(**json.loads(copy)) if copy is not None else None
    about = position, _text(name), upload_name, content_type, stat, UploadStage(stage)
    return Upload(*about, media_id=media_id, sent=sent, sent_as=sent_as)


def _group(
    files: tuple[Upload, ...],
    key: int,
    stage: str,
    post: str | None,
    text: Any,
    at: str | None,
    results: str,
    outcome: str | None,
) -> Group:
    return Group(
        *(key, GroupStage(stage), post, _NOT_YET, _text(text), (), {}, files),
        answered_time=_moment(at),
        results=_plural("results", results),
        outcome=State(outcome) if outcome else None,
    )


def _record(
    key: int, root: Any, path: Any, state: str, updated: str, time: str | None, slot: str | None, part: Any, *more: Any
) -> Record:
    retry, to, media, previous, error, warnings, groups = more
    changed = datetime.fromisoformat(updated)
    return Record(
        *(key, "", _text(root), _text(path), 0, 0, State(state), changed, changed),
        platforms=_plural("platforms", to),
        media=() if any(one.stage not in _OVER for one in groups) else _plural("media", media),
        time=_moment(time),
        slot=_moment(slot),
        error=_DECODERS["error"](error),
        warnings=_plural("warnings", warnings),
        retry_at=_moment(retry),
        groups=groups,
        previous=_plural("previous", previous),
        part=_text(part),
    )


def _moment(column: str | None) -> datetime | None:
    return datetime.fromisoformat(column) if column else None


@lru_cache(maxsize=1000)
def _plural(name: str, column: str) -> Any:
    """Most posts go to the same accounts."""
    return () if column == "[]" else _DECODERS[name](column)


def _text(column: str | bytes) -> str:
    return column if isinstance(column, str) else os.fsdecode(column)
