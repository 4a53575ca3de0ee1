"""The file of the database, opened: what it must be, what is wrong with it is said, and which records are at hand."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import threading
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from postpost_sync.model.errors import Finding, ProgramError
from postpost_sync.model.folder import FirstComment
from postpost_sync.model.record import Record
from postpost_sync.store import Store, connection
from tests.support.noise import noise
from tests.support.stored import NOW, add, group, reopened

# --- the file ---------------------------------------------------------------------------------------------------------


def test_the_file_is_its_owners_alone_and_written_through(store: Store) -> None:
    add(store)
    assert {file.name: file.stat().st_mode & 0o777 for file in store.path.parent.iterdir()} == {
        "state.db": 0o600,
        "state.db-wal": 0o600,
        "state.db-shm": 0o600,
    }
    assert store.path.parent.stat().st_mode & 0o777 == 0o700


def test_what_was_written_is_there_when_it_is_opened_again(store: Store) -> None:
    record = add(store)
    again = reopened(store)
    assert again.records() == [record]
    again.close()


def test_a_name_that_is_not_utf_8_is_kept(store: Store) -> None:
    path = os.fsdecode(b"caf\xe9/\xff")
    record = add(store, path)
    assert store.record(record.key) == record
    assert list(store.index()) == [(record.key, "/posts", path, "", False, 7, 1, False)]


def test_a_file_that_is_no_database_is_said_with_the_way_out(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    path.write_bytes(b"this is no database, " * 100)
    for read_only in (False, True):
        with pytest.raises(ProgramError, match="file is not a database") as caught:
            Store.open(path, read_only=read_only)
        assert str(path) in caught.value.message
        assert "post.status.yaml" in caught.value.hint


def test_a_damaged_database_is_said_when_it_is_read(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    store = Store.open(path)
    for number in range(200):
        add(store, f"folder {number}")
    store.close()
    data = bytearray(path.read_bytes())
    data[4096:] = noise(len(data) - 4096)
    path.write_bytes(data)
    with pytest.raises(ProgramError, match=f"the database {path} cannot be used"):
        Store.open(path).records()


def test_a_database_of_a_newer_version_is_refused(store: Store) -> None:
    store.close()
    conn = sqlite3.connect(store.path)
    (columns,) = conn.execute("SELECT count(*) FROM pragma_table_info('_sqlite_migrations')").fetchone()
    assert columns
    conn.execute(
        "UPDATE _sqlite_migrations SET name = '9999_future' WHERE name = (SELECT max(name) FROM _sqlite_migrations)"
    )
    conn.commit()
    conn.close()
    for read_only in (False, True):
        with pytest.raises(ProgramError, match=r"newer version \(9999_future\)"):
            Store.open(store.path, read_only=read_only)


@pytest.mark.parametrize("there", ["nothing", "empty", "another program's"])
def test_a_database_that_is_not_ours_is_not_read_nor_made(tmp_path: Path, there: str) -> None:
    path = tmp_path / "state.db"
    if there == "empty":
        path.touch()
    elif there != "nothing":
        conn = sqlite3.connect(path)
        conn.execute("CREATE TABLE t (x)")
        conn.close()
    before = path.read_bytes() if path.exists() else None
    with pytest.raises(ProgramError) as caught:
        Store.open(path, read_only=True)
    assert caught.value.hint
    assert (path.read_bytes() if path.exists() else None) == before


def test_what_was_read_as_at_rest_is_asked_again_once_somebody_has_written(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    Store.open(path).close()
    for written in (False, True):
        reader = Store.open(path, read_only=True, untouched=True)
        assert (reader.overtaken(), list(tmp_path.glob("*-wal"))) == (False, [])
        writer = Store.open(path)
        assert reader.overtaken()
        if written:
            writer.add("/srv/posts", "post", 1, 1, NOW)
        writer.close()
        assert reader.overtaken() == written
        reader.close()
    with closing(Store.open(path, read_only=True)) as follower:
        assert not follower.overtaken()  # SQLite itself looks after it


def test_read_only_sees_what_a_daemon_writes_and_changes_nothing(store: Store) -> None:
    reader = Store.open(store.path, read_only=True)
    record = add(store)
    assert reader.records() == [record]
    with pytest.raises(ProgramError, match="readonly"):
        add(reader, "other")
    reader.close()


@pytest.mark.parametrize("read_only", [True, False], ids=["read", "written"])
def test_a_folder_or_a_pipe_as_database_is_said(tmp_path: Path, read_only: bool) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(ProgramError, match="it is a folder") as raised:
        Store.open(tmp_path, read_only=read_only)
    assert raised.value.hint == f"name a file in it as state_db: {tmp_path / 'state.db'}"
    with pytest.raises(ProgramError, match="it is a device, pipe or socket"):
        Store.open(tmp_path / "pipe", read_only=read_only)


def test_a_database_of_the_version_before_is_brought_up_to_date_with_its_posts(store: Store) -> None:
    record = add(store)
    known = store.change(record.key, lambda old: replace(old, groups=(group(uploads=1),)))
    store.close()
    with contextlib.closing(sqlite3.connect(store.path)) as conn, conn:
        conn.execute("DELETE FROM _sqlite_migrations WHERE name = '0003_first_comment'")
        conn.execute("ALTER TABLE groups DROP COLUMN first_comment")
        conn.execute("ALTER TABLE groups DROP COLUMN said")
    again = Store.open(store.path)
    assert again.record(record.key) == known
    comment = FirstComment("More", ("linkedin",))
    said = replace(known.groups[0], first_comment=comment, said=(Finding("SERVICE_WARNING", "so it is"),))
    new = again.change(record.key, lambda old: replace(old, groups=(said,)))
    again = reopened(again)
    assert again.record(record.key) == new
    again.close()


def test_a_database_that_another_process_holds_is_said(store: Store, tmp_path: Path) -> None:
    store._db.conn.execute("PRAGMA busy_timeout = 10")
    other = sqlite3.connect(store.path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(ProgramError, match="locked") as caught:
        add(store)
    assert "another process" in caught.value.hint
    other.execute("ROLLBACK")
    other.close()
    add(store)


def test_a_new_database_that_another_process_holds_for_a_moment_is_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SQLite does not wait where a transaction that has read comes to write: a `status` ended the first start."""
    bring_up_to_date = connection._bring_up_to_date
    holds: list[sqlite3.Connection] = []

    def while_held(conn: sqlite3.Connection) -> None:
        if not holds:
            holds.append(other := sqlite3.connect(tmp_path / "state.db", isolation_level=None, check_same_thread=False))
            other.execute("BEGIN IMMEDIATE")
            threading.Timer(0.2, other.close).start()
        bring_up_to_date(conn)

    monkeypatch.setattr(connection, "_bring_up_to_date", while_held)
    with closing(Store.open(tmp_path / "state.db")) as store:
        assert store.records() == []
    assert holds


def test_it_and_its_companions_are_its_owners_alone_whatever_they_were(tmp_path: Path) -> None:
    path, before = tmp_path / "state.db", os.umask(0)
    files = [path, path.with_name("state.db-wal"), path.with_name("state.db-shm")]
    try:
        path.touch(0o644)
        first = Store.open(path)
        add(first)
        assert [oct(file.stat().st_mode & 0o777) for file in files] == ["0o600"] * 3
        for file in files:
            file.chmod(0o644)
        second = Store.open(path)
        assert [oct(file.stat().st_mode & 0o777) for file in files] == ["0o600"] * 3
        second.close()
        first.close()
    finally:
        os.umask(before)


# --- records at hand --------------------------------------------------------------------------------------------------


def test_a_record_is_decoded_once_however_often_it_is_asked_for(store: Store) -> None:
    key = add(store).key
    assert store.record(key) is store.record(key)
    written = store.change(key, lambda r: replace(r, groups=(group(uploads=2),)))
    assert store.record(key) is written
    assert store.records() == [written]  # as it is in the file


def test_what_another_process_wrote_is_seen(store: Store) -> None:
    key = add(store).key
    assert store.record(key) is not None
    other = Store.open(store.path)
    other.change(key, lambda r: replace(r, cancel="by hand"))
    known = store.record(key)
    assert known is not None
    assert known.cancel == "by hand"
    other.change(key, lambda r: replace(r, cancel=None, rebuilds=1))
    other.close()
    assert store.change(key, lambda r: replace(r, rebuilds=r.rebuilds + 1)).rebuilds == 2


def test_what_was_not_written_is_not_at_hand(store: Store) -> None:
    key = add(store).key
    before = store.record(key)

    def begin(record: Record) -> Record:
        store._changed(key, lambda r: replace(r, rebuilds=7))
        raise sqlite3.IntegrityError

    with pytest.raises(ProgramError):
        store.change(key, begin)
    assert store.record(key) == before


@pytest.mark.parametrize("how", ["places", "device", "gone", "progress"])
def test_what_is_changed_by_another_way_is_read_anew(store: Store, how: str) -> None:
    one, two = add(store, "one"), add(store, "two")
    (made,) = store.change(one.key, lambda r: replace(r, groups=(group(uploads=1),))).groups
    known = store.record(one.key)
    match how:
        case "places":
            store.swap_places(one.key, two.key)
        case "device":
            store.renumber(one.root, {one.device: one.device + 1})
        case "gone":
            store.forget(one.key)
        case "progress":
            store.progress(made.key, 0, 500)
    assert store.record(one.key) != known


def test_no_more_records_are_at_hand_than_a_few(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "RECENT", 3)
    keys = [add(store, f"{n}").key for n in range(5)]
    for key in keys:
        store.record(key)
    assert list(store._db._recent) == keys[2:]
