"""The database: what is changed is changed whole and is there afterwards; what is wrong with it is said."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from threading import Thread

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from postpost_sync.model.errors import Finding, ProgramError
from postpost_sync.model.folder import FirstComment, Stat
from postpost_sync.model.program import Listener
from postpost_sync.model.record import (
    Consent,
    Effect,
    Group,
    GroupStage,
    Issued,
    MediaName,
    PlatformResult,
    ReadBack,
    Record,
    Trouble,
    TroubleKind,
    Upload,
    UploadStage,
)
from postpost_sync.model.states import IllegalMove, State
from postpost_sync.store import Store, connection

NOW = datetime(2026, 12, 1, 8, 0, tzinfo=UTC)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store.open(tmp_path / "state" / "state.db")
    yield opened
    opened.close()


def reopened(store: Store) -> Store:
    store.close()
    return Store.open(store.path)


def add(store: Store, path: str = "launch") -> Record:
    return store.add("/posts", path, 7, 1, NOW)


def group(stage: GroupStage = GroupStage.CREATING, content: str = "Hello", uploads: int = 0) -> Group:
    rows = tuple(Upload(at, f"{at}.jpg", f"{at}.jpg", "image/jpeg", Stat(1, 2, 3, 4, 5)) for at in range(uploads))
    return Group(0, stage, None, NOW, content, ("twitter-1",), {}, rows)


# --- many folders -----------------------------------------------------------------------------------------------------


def plans(store: Store, ask: Callable[[], object]) -> list[str]:
    """How SQLite would carry out the statements that `ask` makes."""
    statements: list[str] = []
    store._db.forget_recent()
    store._db.conn.set_trace_callback(statements.append)
    ask()
    store._db.conn.set_trace_callback(None)
    return [row["detail"] for one in statements for row in store._db.conn.execute(f"EXPLAIN QUERY PLAN {one}")]


def test_no_question_about_one_post_walks_through_all_of_them(store: Store) -> None:
    first = add(store)
    store.change(first.key, lambda r: replace(r, groups=(group(GroupStage.SCHEDULED),)))
    second = add(store, "second")
    questions: list[Callable[[], object]] = [
        lambda: store.alike(second.key, "Hello"),
        lambda: store.open_creates("Hello", ("twitter-1",)),
        lambda: store.record(first.key),
        lambda: store.record_of(first.folder_id),
        lambda: store.due(NOW, NOW),
        store.next_due,
        store.at_postpost,
        lambda: store.furthest("digest"),
        lambda: store.held_or_cancelled(NOW),
        lambda: store.records(State.HELD, State.CANCELLED),
    ]
    for ask in questions:
        found = plans(store, ask)
        assert found
        assert not [line for line in found if line.startswith("SCAN")], found
    assert [record.key for record in store.alike(second.key, "Hello")] == [first.key]


def test_two_folders_change_places(store: Store) -> None:
    one, other = add(store, "a"), add(store, os.fsdecode(b"caf\xe9"))
    store.swap_places(one.key, other.key)
    assert [record.path for record in store.records()] == [other.path, "a"]
    assert store.record(one.key) == replace(one, path=other.path)


def test_file_systems_that_were_numbered_anew_are_never_taken_for_one_another(store: Store) -> None:
    for path, device in {"a": 41, "b": 42, "c": 43, "d": 44}.items():
        store.add("/posts", path, 7, device, NOW)
    store.add("/other", "a", 7, 41, NOW)
    store.renumber("/posts", {41: 42, 42: 41, 43: 44})
    devices = {f"{record.root}/{record.path}": record.device for record in store.records()}
    assert devices == {"/posts/a": 42, "/posts/b": 41, "/posts/c": 44, "/posts/d": -1, "/other/a": 41}


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
    assert list(store.index()) == [(record.key, "/posts", path, "", False, 7, 1)]


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
    data[4096:] = os.urandom(len(data) - 4096)
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


def test_a_folder_as_database_is_said(tmp_path: Path) -> None:
    with pytest.raises(ProgramError, match="Is a directory"):
        Store.open(tmp_path)


# --- changes ----------------------------------------------------------------------------------------------------------


def test_a_change_is_written_with_its_groups_and_uploads(store: Store) -> None:
    record = add(store)
    new = store.change(record.key, lambda r: replace(r, state=State.DRAFTING, groups=(group(uploads=2),)))
    assert new.groups[0].key > 0
    assert store.record(record.key) == new
    uploads = (replace(new.groups[0].uploads[0], stage=UploadStage.STORED, sent=9), new.groups[0].uploads[1])
    newer = store.change(
        record.key,
        lambda r: replace(r, groups=(replace(r.groups[0], stage=GroupStage.DRAFT, uploads=uploads), group())),
    )
    again = reopened(store)
    assert again.record(record.key) == newer
    assert [g.key for g in newer.groups] == sorted({g.key for g in newer.groups})
    again.close()


def test_an_illegal_move_changes_nothing(store: Store) -> None:
    record = add(store)
    published = store.change(record.key, lambda r: replace(r, state=State.SCHEDULED))
    published = store.change(record.key, lambda r: replace(r, state=State.PUBLISHED))
    with pytest.raises(IllegalMove):
        store.change(record.key, lambda r: replace(r, state=State.DRAFTING, timezone="Asia/Tokyo", groups=(group(),)))
    assert store.record(record.key) == published
    add(store, "other")  # the transaction is over


def test_a_change_that_breaks_off_in_the_middle_changes_nothing(store: Store) -> None:
    record = add(store)
    twice = replace(group(uploads=2), uploads=(group(uploads=1).uploads[0],) * 2)  # two rows for one position
    with pytest.raises(ProgramError, match="UNIQUE"):
        store.change(record.key, lambda r: replace(r, timezone="Asia/Tokyo", groups=(group(), twice)))
    assert store.record(record.key) == record

    def fails(_: Record) -> Record:
        raise ValueError("a defect")

    with pytest.raises(ValueError, match="a defect"):
        store.change(record.key, fails)
    assert store.record(record.key) == record


def test_a_folder_that_is_not_known_is_a_key_error(store: Store) -> None:
    with pytest.raises(KeyError):
        store.change(99, lambda r: r)
    assert store.record(99) is None


def test_one_folder_has_one_record(store: Store) -> None:
    add(store)
    with pytest.raises(ProgramError, match="UNIQUE"):
        add(store)


def test_what_is_forgotten_is_gone_with_its_groups(store: Store) -> None:
    record, other = add(store), add(store, "other")
    store.change(record.key, lambda r: replace(r, groups=(replace(group(uploads=1), post_group_id="a" * 24),)))
    store.forget(record.key)
    assert store.records() == [other]
    assert store.known_group_ids() == frozenset()
    assert store.open_creates("Hello", ("twitter-1",)) == []


def test_open_creates_are_those_of_the_same_text_and_platforms_oldest_first(store: Store) -> None:
    first, second = add(store), add(store, "second")
    made = [
        store.change(key, lambda r, g=one: replace(r, groups=(*r.groups, g))).groups[-1].key  # type: ignore[misc]  # mypy sees no type of a lambda's default
        for key, one in (
            (second.key, group()),
            (first.key, group()),
            (first.key, group(GroupStage.DRAFT)),
            (first.key, group(content="Other")),
        )
    ]
    assert store.open_creates("Hello", ("twitter-1",)) == made[:2]
    assert store.open_creates("Hello", ("twitter-2",)) == []


def test_those_beside_a_post_are_found_by_an_index(store: Store) -> None:
    time = NOW + timedelta(days=1, seconds=30)
    for path, second, state in (
        ("a", 0, State.SCHEDULED),
        ("b", 29, State.HELD),
        ("c", -31, State.HELD),
        ("d", 0, State.INVALID),
    ):
        key, asked_time = add(store, path).key, time + timedelta(seconds=second)
        store.change(key, partial(replace, time=asked_time, state=state))
    asked: list[str] = []
    store._db.conn.set_trace_callback(asked.append)
    assert [other.path for other in store.beside(1, time)] == ["b"]
    store._db.conn.set_trace_callback(None)
    (sql,) = asked
    steps = [row["detail"] for row in store._db.conn.execute(f"EXPLAIN QUERY PLAN {sql}")]
    assert "folders_by_asked_time" in steps[0], steps


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


def test_a_note_is_lost_with_the_power_at_most_and_a_change_is_not(store: Store) -> None:
    key, said = add(store).key, list[str]()
    store._db.conn.set_trace_callback(lambda sql: said.append(sql) if "synchronous" in sql or sql == "COMMIT" else None)

    def rebuilt(record: Record, times: int) -> Record:
        return replace(record, rebuilds=times)

    normal, full = "PRAGMA synchronous = NORMAL", "PRAGMA synchronous = FULL"
    for number, (write, expected) in enumerate(
        (
            (store.change, [full, "COMMIT"]),  # to add it was a note
            (store.change, ["COMMIT"]),
            (store.note, [normal, "COMMIT"]),
            (store.note, ["COMMIT"]),
            (store.change, [full, "COMMIT"]),
        )
    ):
        said.clear()
        write(key, rebuilt, number + 1)
        assert said == expected
    store._db.conn.set_trace_callback(None)


def test_progress_is_shown(store: Store) -> None:
    record = add(store)
    made = store.change(record.key, lambda r: replace(r, groups=(group(uploads=2),))).groups[0]
    store.progress(made.key, 1, 77)
    shown = store.record(record.key)
    assert shown is not None
    assert [u.sent for u in shown.groups[0].uploads] == [0, 77]


def test_a_fact_is_made_once(store: Store) -> None:
    assert store.fact("instance", lambda: "a") == "a"
    again = reopened(store)
    assert again.fact("instance", lambda: "b") == "a"
    again.close()


def test_what_listeners_were_told_is_kept_apart_and_goes_with_them(store: Store) -> None:
    hostile = "root /srv/\udcff"  # a name that is not UTF-8
    for target in ("a", "b"):
        store.set_listener(Listener(target, ("failed",)))
        store.tell(target, {"post 1": "invalid A", hostile: "root_away", "post 2": "failed"})
    store.tell("a", {"post 1": "invalid B", "post 2": None, "post 3": None})
    store.set_listener(Listener("a", ("invalid",), Finding("NOTIFY_FAILED", "why", "hint")))
    again = reopened(store)
    assert again.told("a") == {"post 1": "invalid B", hostile: "root_away"}
    assert len(again.told("b")) == 3
    assert again.listeners()[0] == Listener("a", ("invalid",), Finding("NOTIFY_FAILED", "why", "hint"))
    again.keep_listeners(["b"])
    assert [listener.target for listener in again.listeners()] == ["b"]
    assert again.told("a") == {}
    again.close()


def test_how_folders_stand_is_asked_by_state_and_by_name(store: Store) -> None:
    error, trouble = Finding("X", "why"), Trouble(Effect.ASK, TroubleKind.RETRY, Finding("Y", "why"), NOW)
    bad = store.change(
        add(store, "bad").key, lambda r: replace(r, state=State.INVALID, error=error, troubles=(trouble,))
    )
    fine, other = add(store, "fine"), add(store, "other")
    before = store.changes()
    assert store.notable([State.INVALID], []) == [(bad.folder_id, bad.root, State.INVALID, error, (trouble,), ())]
    named = {row[0] for row in store.notable([State.INVALID], [fine.folder_id])}
    assert named == {bad.folder_id, fine.folder_id}
    assert store.changes() == before
    store.change(other.key, lambda r: replace(r, done=True))
    assert store.changes() > before


def test_threads_change_one_folder_one_after_the_other(store: Store) -> None:
    record = add(store)

    def count() -> None:
        for _ in range(20):
            store.change(record.key, lambda r: replace(r, rebuilds=r.rebuilds + 1))

    threads = [Thread(target=count) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    counted = store.record(record.key)
    assert counted is not None
    assert counted.rebuilds == 80


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


# --- any record -------------------------------------------------------------------------------------------------------

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
NAME = st.binary(min_size=1, max_size=8).map(os.fsdecode)
MOMENT = st.integers(0, 2**53).map(
    lambda microseconds: datetime(1980, 1, 1, tzinfo=UTC) + timedelta(microseconds=microseconds)
)
FINDING = st.builds(Finding, TEXT, TEXT, TEXT)
COUNT = st.integers(0, 2**62)
STAT = st.builds(Stat, COUNT, COUNT, COUNT, COUNT, COUNT)
PLATFORMS = st.lists(TEXT, max_size=3).map(tuple)
FLAGS = st.dictionaries(TEXT, st.dictionaries(TEXT, TEXT | st.booleans(), max_size=2), max_size=2)


@st.composite
def any_group(draw: st.DrawFn) -> Group:
    uploads = tuple(
        draw(
            st.builds(
                Upload,
                st.just(at),
                NAME,
                TEXT,
                TEXT,
                STAT,
                st.sampled_from(UploadStage),
                st.none() | TEXT,
                st.none() | TEXT,
                st.none() | TEXT,
                st.none() | TEXT,
                st.none() | MOMENT,
                COUNT,
                COUNT,
                COUNT,
            )
        )
        for at in range(draw(st.integers(0, 2)))
    )
    return draw(
        st.builds(
            Group,
            key=st.just(0),
            stage=st.sampled_from(GroupStage),
            account=TEXT,
            post_group_id=st.none() | TEXT,
            intent_at=MOMENT,
            content=TEXT,
            platforms=PLATFORMS,
            platform_settings=FLAGS,
            uploads=st.just(uploads),
            issued=st.lists(st.builds(Issued, COUNT, st.none() | TEXT, st.none() | TEXT), max_size=2).map(tuple),
            read_back=st.none() | st.builds(ReadBack, st.booleans(), st.none() | COUNT, COUNT, MOMENT, MOMENT),
            asked_time=st.none() | MOMENT,
            answered_time=st.none() | MOMENT,
            searches=COUNT,
            results=st.lists(
                st.builds(PlatformResult, TEXT, TEXT, st.none() | TEXT, st.none() | FINDING, st.none() | st.booleans()),
                max_size=2,
            ).map(tuple),
            outcome=st.none() | st.sampled_from(State),
            checked_at=st.none() | MOMENT,
            lost=st.booleans(),
        )
    )


ANY_RECORD = st.builds(
    Record,
    key=st.just(0),
    folder_id=TEXT,
    root=NAME,
    path=NAME,
    inode=COUNT,
    device=COUNT,
    state=st.just(State.SETTLING),
    first_seen=MOMENT,
    updated_at=MOMENT,
    fingerprint=TEXT,
    complete_at=st.none() | MOMENT,
    now_time=st.none() | MOMENT,
    consents=st.sampled_from(Consent).map(lambda one: (one,)),
    rebuilds=COUNT,
    done=st.booleans(),
    timezone=TEXT,
    platforms=PLATFORMS,
    media=st.lists(st.builds(MediaName, NAME, COUNT), max_size=2).map(tuple),
    time=st.none() | MOMENT,
    error=st.none() | FINDING,
    warnings=st.lists(FINDING, max_size=2).map(tuple),
    retry_at=st.none() | MOMENT,
    troubles=st.lists(
        st.builds(
            Trouble, st.sampled_from(Effect), st.sampled_from(TroubleKind), FINDING, MOMENT, st.none() | MOMENT, COUNT
        ),
        max_size=2,
    ).map(tuple),
    groups=st.lists(any_group(), max_size=2).map(tuple),
    previous=PLATFORMS,
)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(ANY_RECORD)
def test_any_record_comes_back_as_it_was(store: Store, wanted: Record) -> None:
    start = store.add("/posts", "x", 7, 1, NOW - timedelta(days=1))
    written = store.change(start.key, lambda r: replace(wanted, key=r.key))
    read = store.record(start.key)
    store.forget(start.key)
    assert read == written
    assert replace(written, key=0, groups=tuple(replace(g, key=0) for g in written.groups)) == wanted


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
