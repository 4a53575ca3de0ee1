"""A sound database, and what may happen to its bytes."""

from __future__ import annotations

import tempfile
from contextlib import closing
from dataclasses import replace
from functools import cache
from pathlib import Path

from postpost_sync.store import Store
from tests.support.stored import add, group

PAGE = 4096


@cache
def sound_database() -> bytes:
    """One of 150 folders, each with a post of two pictures."""
    with tempfile.TemporaryDirectory() as place:
        with closing(Store.open(Path(place) / "state.db")) as store:
            store._db.conn.execute("PRAGMA synchronous = OFF")
            for number in range(150):
                post = group(content=f"post {number}", uploads=2)
                store.change(add(store, f"folder {number}").key, replace, groups=(post,))
        return store.path.read_bytes()


def overwritten(data: bytes, start: int, what: bytes) -> bytes:
    return data[:start] + what + data[start + len(what) :]
