"""What those ask who only look: the right posts, by indexes, and never all of the database."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from postpost_sync.calendar.entries import entry
from postpost_sync.model.states import State
from postpost_sync.store import Store, overview
from tests.support import calendar_posts as posts

NOW = datetime(2026, 12, 1, 9, 0, tzinfo=UTC)
ROOT = "/srv/posts"
FIRST, UNTIL = NOW - timedelta(days=14), NOW + timedelta(days=56)


def read(store: Store, *roots: str) -> set[str]:
    among, overview = roots or (ROOT,), store.overview
    found = {*overview.open(among), *overview.dated(among, FIRST, UNTIL), *overview.later(among, UNTIL, 100)[0]}
    return {one.folder_id for one in overview.records([one.key for one in found])}


def test_the_posts_of_the_span_are_read_and_those_that_stand_still(store: Store) -> None:
    every = posts.records(NOW)
    posts.stored(store, every)
    stands = {State.INVALID, State.HELD, State.FAILED, State.PARTIALLY_PUBLISHED, State.DRAFTED}
    expected = {one.folder_id for one in every if one.state in stands or (one.time and FIRST <= one.time < UNTIL)}
    assert read(store) == expected


def test_what_is_long_over_is_not_read_and_what_lies_far_ahead_is(store: Store) -> None:
    over = posts.record(3, NOW, time=NOW - timedelta(days=400))
    over = replace(over, groups=tuple(replace(one, answered_time=over.time) for one in over.groups))
    ahead = posts.record(1, NOW, time=NOW + timedelta(days=400))
    ahead = replace(ahead, groups=tuple(replace(one, answered_time=ahead.time) for one in ahead.groups))
    posts.stored(store, [over, ahead])
    assert (over.state, ahead.state) == (State.PUBLISHED, State.SCHEDULED)
    assert read(store) == {ahead.folder_id}


def test_the_posts_of_other_roots_are_not(store: Store) -> None:
    posts.stored(store, [posts.record(0, NOW), posts.record(1, NOW, "/elsewhere"), posts.record(9, NOW, "/elsewhere")])
    assert read(store) == {posts.record(0, NOW).folder_id}
    assert len(read(store, ROOT, "/elsewhere")) == 3


def test_a_time_that_postpost_has_moved_counts_as_it_answered(store: Store) -> None:
    one = posts.record(1, NOW, time=NOW + timedelta(days=200))
    one = replace(one, groups=tuple(replace(group, answered_time=NOW + timedelta(days=2)) for group in one.groups))
    posts.stored(store, [one])
    assert read(store) == {one.folder_id}


def test_of_later_posts_the_soonest_are_told_and_how_many_there_are(store: Store) -> None:
    every = []
    for number in range(5):
        time = NOW + timedelta(days=100 + number)
        one = posts.record(15 * number, NOW, time=time)
        every.append(replace(one, groups=tuple(replace(group, answered_time=time) for group in one.groups)))
    posts.stored(store, every)
    found, number = store.overview.later([ROOT], UNTIL, 3)
    assert ({one.path for one in found}, number) == ({one.path for one in every[:3]}, 5)


def test_it_tells_of_a_post_what_is_told_of_its_record(store: Store) -> None:
    every = posts.records(NOW)
    posts.stored(store, every)
    entries = {one.key: entry(one) for one in store.records()}
    for one in (*store.overview.open([ROOT]), *store.overview.dated([ROOT], FIRST, UNTIL)):
        shown = entries[one.key]
        assert (one.root, one.path, one.zone, one.at) == (shown.root, shown.path, shown.zone, shown.at)


def test_records_come_in_the_order_in_which_they_are_asked_for(store: Store) -> None:
    posts.stored(store, posts.records(NOW, 5))
    assert [one.key for one in store.overview.records([4, 1, 99, 3])] == [4, 1, 3]


@pytest.mark.parametrize("query", [overview._OPEN, overview._DATED, overview._LATER, overview._HOW_MANY_LATER])
def test_no_question_walks_through_all_posts(query: str, store: Store) -> None:
    at = {"roots": "[]", "first": "", "until": "", "most": 1}
    rows = store.rows(f"EXPLAIN QUERY PLAN {query}", at)
    plan = [row["detail"] for row in rows]
    assert [
        line for line in plan if line.startswith("SCAN") and "json_each" not in line and "CONSTANT" not in line
    ] == []


def test_what_is_overdue_is_what_was_to_be_out_and_waits_for_nobody(store: Store) -> None:
    due = NOW - timedelta(minutes=20)
    late = posts.record(0, NOW, time=due)
    late = replace(late, groups=tuple(replace(one, answered_time=due) for one in late.groups))
    uploading = posts.record(6, NOW, time=due)
    held, drafted, out = posts.record(8, NOW, time=due), posts.record(5, NOW), posts.record(3, NOW, time=due)
    posts.stored(store, [late, uploading, held, drafted, out, posts.record(1, NOW)])
    assert store.overview.overdue(NOW - timedelta(minutes=10)) == [(ROOT, late.path), (ROOT, uploading.path)]
    assert store.overview.overdue(due - timedelta(minutes=1)) == []


def test_the_next_due_is_the_soonest_that_is_not_over(store: Store) -> None:
    assert store.overview.next_due(NOW) is None
    every = posts.records(NOW)
    posts.stored(store, every)
    times = [one.time for one in every if one.state is State.SCHEDULED and one.time is not None and one.time > NOW]
    assert store.overview.next_due(NOW) == min(times)


def test_what_the_daemon_counts_is_no_change_of_a_post(store: Store) -> None:
    before = store.changes()
    store.overview.set_vitals("one")
    store.overview.set_vitals("two")
    assert (store.overview.vitals(), store.changes()) == ("two", before)
