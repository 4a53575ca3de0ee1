"""What is asked of the database: the right records, and by an index."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from functools import partial

from postpost_sync import ledger
from postpost_sync.model.errors import Finding
from postpost_sync.model.record import Effect, GroupStage, Trouble, TroubleKind, gone_for_good
from postpost_sync.model.states import State
from postpost_sync.store import Store
from postpost_sync.store.status import outlines, shown
from tests.support.stored import NOW, add, group


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
        lambda: store.asking(second.key, "mark"),
        lambda: store.held_for("507f1f77bcf86cd799439011"),
        lambda: store.record(first.key),
        lambda: store.record_of(first.folder_id),
        lambda: store.gone_from("/posts", "a"),
        lambda: store.gone_as(7, 1, "as it was"),
        lambda: store.due(NOW, NOW),
        store.next_due,
        store.at_postpost,
        lambda: store.furthest("digest"),
        lambda: store.held_or_cancelled(NOW),
        lambda: store.records(State.HELD, State.CANCELLED),
        lambda: outlines(store, [first.key]),
        lambda: shown(store, [first.key]),
    ]
    for ask in questions:
        found = plans(store, ask)
        assert found
        assert not [line for line in found if line.startswith("SCAN") and "json_each" not in line], found
    assert [record.key for record in store.alike(second.key, "Hello")] == [first.key]


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


def test_what_is_gone_for_good_is_so_for_the_database_and_for_a_record(store: Store) -> None:
    ways = {f"{state} {missed}": (state, missed) for state in State for missed in (None, NOW)}
    records = {}
    for path, (state, missed) in ways.items():
        key = add(store, path).key
        store._db.conn.execute("UPDATE folders SET state = ? WHERE key = ?", (str(state), key))
        store._db.forget_recent()
        records[path] = store.change(key, ledger.missed, missed)
    gone = {path for path, record in records.items() if gone_for_good(record)}
    over = (State.PUBLISHED, State.PARTIALLY_PUBLISHED, State.CANCELLED)
    assert gone == {path for path, (state, missed) in ways.items() if missed and state in over}
    assert {row[2] for row in store.index() if row[7]} == gone
    assert {path for path in ways if store.gone_from("/posts", path) is not None} == gone
    pending, unfinished = store.pending(NOW), [record.key for record in store.unfinished()]
    assert {path for path, record in records.items() if record.key not in pending} == gone
    assert {path for path, record in records.items() if record.key not in unfinished} == gone
