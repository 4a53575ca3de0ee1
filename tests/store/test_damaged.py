"""A damaged database is found to be one, wherever the damage lies, before anything is written to it."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from postpost_sync.model.errors import ProgramError
from postpost_sync.store import Store
from tests.support.damage import PAGE, overwritten, sound_database
from tests.support.noise import noise
from tests.support.stored import NOW


def test_no_page_whatever_happens_to_it_ends_in_anything_but_a_word(tmp_path: Path) -> None:
    sound = sound_database()
    path, refusals = tmp_path / "state.db", 0
    with closing(sqlite3.connect(":memory:")) as memory:
        memory.execute("CREATE TABLE empty (x)")  # its page is a sound one without any rows
        empty = memory.serialize()[PAGE : 2 * PAGE]
    kinds = (noise(PAGE), bytes(PAGE), empty, empty.replace(b"\x0d", b"\x0a", 1), b"\x00\xff" * (PAGE // 2))
    for start in range(0, len(sound), PAGE):
        for what in (*kinds, bytes(byte ^ 0x55 for byte in sound[start + 3000 : start + PAGE])):
            at = start if len(what) == PAGE else start + 3000  # the last: what stands in the rows
            path.write_bytes(overwritten(sound, at, what))
            for file in (path.with_name("state.db-wal"), path.with_name("state.db-shm")):
                file.unlink(missing_ok=True)
            for read_only in (True, False):
                try:
                    with closing(Store.open(path, read_only=read_only)) as store:
                        store.records(), list(store.index()), store.states(), store.roots(), store.pending(NOW)
                except ProgramError as error:
                    refusals += not read_only
                    assert error.hint  # noqa: PT017 - there are too many for a test each
    assert refusals > len(sound) // PAGE * 4


@pytest.mark.parametrize("copied", ["as a file", "by SQLite, which leaves the log aside"])
def test_an_index_that_lost_a_row_would_hide_what_was_made_and_is_found(tmp_path: Path, copied: str) -> None:
    path, sound = tmp_path / "state.db", sound_database()
    path.write_bytes(sound)
    if copied != "as a file":
        with closing(sqlite3.connect(path)) as conn:
            conn.execute("PRAGMA journal_mode = DELETE")
        sound = path.read_bytes()
    with closing(sqlite3.connect(path)) as conn:
        (page,) = conn.execute("SELECT rootpage FROM sqlite_master WHERE name = 'groups_by_folder'").fetchone()
    path.write_bytes(overwritten(sound, (page - 1) * PAGE, b"\x0a" + bytes(4) + b"\x10" + bytes(PAGE - 6)))
    with pytest.raises(ProgramError, match="is damaged") as caught:
        Store.open(path)
    assert "move it away" in caught.value.hint
    before = path.read_bytes()
    if copied != "as a file":
        with pytest.raises(ProgramError, match="is damaged"):
            Store.open(path, check_beside=True)
        assert path.read_bytes() == before
        return
    with closing(Store.open(path, check_beside=True)) as store:
        assert len(list(store.index())) == 150
        for use in (store.checked, lambda: store.add("/posts", "new", 7, 1, NOW), store.checked):
            with pytest.raises(ProgramError, match="is damaged"):
                use()
    assert path.read_bytes() == before


def test_a_row_that_we_cannot_have_written_is_said(tmp_path: Path) -> None:
    with closing(Store.open(tmp_path / "state.db")) as store:
        store.add("/posts", "launch", 7, 1, NOW)
        for column, value in (
            ("state", "'lost'"),
            ("first_seen", "'yesterday'"),
            ("warnings", "'{'"),
            ("root", "x'ff'"),
        ):
            store._db.conn.execute("SAVEPOINT s")
            store._db.conn.execute(f"UPDATE folders SET {column} = {value}")  # noqa: S608 - ours
            if column != "root":
                with pytest.raises(ProgramError, match="a row cannot be read"):
                    store.records()
            store._db.conn.execute("ROLLBACK TO s")
            store._db.conn.execute("RELEASE s")
        assert len(store.records()) == 1
