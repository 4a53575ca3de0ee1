"""The line of posts that wait for room in their account's plan: who is first, and who is woken when somebody leaves."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from postpost_sync.model.errors import Finding
from postpost_sync.model.record import Effect, Group, GroupStage, Record, Trouble, TroubleKind
from postpost_sync.model.states import State
from postpost_sync.plan.steps import Ask
from postpost_sync.store import Store
from postpost_sync.sync.waiting_list import WaitingList

NOW = datetime(2026, 12, 1, 8, 0, tzinfo=UTC)
FULL = Finding("SCHEDULED_POST_LIMIT_REACHED", "the plan is full", "")
LONG = Finding("HELD_TOO_LONG", "its time is near, and it is still held: the plan is full", "")


class Waiting:
    """A line on a database, and whom it woke."""

    def __init__(self, store: Store) -> None:
        self.store, self.woken = store, list[int]()
        self.line = WaitingList(store, "hers", lambda: NOW, lambda key, _: self.woken.append(key))

    def add(
        self,
        days: int,
        *,
        tried: bool = False,
        error: Finding | None = FULL,
        stage: GroupStage | None = None,
        account: str = "hers",
    ) -> int:
        """The key of a post for a time so many days ahead: held for `error`, or in `stage` at PostPost."""
        record = self.store.add("/posts", f"p{len(self.store.records())}", 1, 1, NOW)
        trouble = Trouble(Effect.UPDATE, TroubleKind.HELD, FULL, NOW, NOW + timedelta(hours=1))
        time = NOW + timedelta(days=days)
        group = Group(0, stage or GroupStage.DRAFT, "id", NOW, "Hello", ("twitter-1",), {}, (), answered_time=time)
        group = replace(group, account=account)
        held = replace(
            record,
            state=State.HELD if error else State.SCHEDULED,
            error=error,
            time=time,
            troubles=(trouble,) if tried else (),
            groups=(group,),
            done=error is None,
        )
        with self.store._db.transaction():  # the moves between are other tests' matter
            self.store._db.conn.execute("UPDATE folders SET state = ? WHERE key = ?", (held.state.value, record.key))
        return self.store.change(record.key, lambda _: held).key

    def see(self, key: int) -> None:
        self.line.update(self.record(key))

    def record(self, key: int) -> Record:
        record = self.store.record(key)
        assert record is not None
        return record


@pytest.fixture
def waiting(tmp_path: Path) -> Iterator[Waiting]:
    store = Store.open(tmp_path / "state.db")
    yield Waiting(store)
    store.close()


def test_the_soonest_is_first_whoever_came_first(waiting: Waiting) -> None:
    for days in (3, 1, 2):
        waiting.see(waiting.add(days))
    first = waiting.line.first()
    assert first is not None
    assert first.time == NOW + timedelta(days=1)


def test_when_the_first_leaves_the_next_is_tried_at_once(waiting: Waiting) -> None:
    first, second = waiting.add(1, tried=True), waiting.add(2, tried=True)
    waiting.see(first)
    waiting.see(second)
    waiting.store.change(first, lambda r: replace(r, state=State.SCHEDULED, error=None))
    waiting.see(first)
    assert waiting.woken == [second]
    assert [trouble.until for trouble in waiting.record(second).troubles] == [NOW]


@pytest.mark.parametrize(("moved", "tried"), [(0, [1]), (1, []), (2, [])], ids=["the first", "the second", "the last"])
def test_when_the_first_waits_for_a_later_time_the_next_is_tried_at_once(
    waiting: Waiting, moved: int, tried: list[int]
) -> None:
    """As a queued post that missed its slot."""
    keys = [waiting.add(days, tried=True) for days in (1, 2, 4)]
    for key in keys:
        waiting.see(key)
    waiting.store.change(keys[moved], lambda r: replace(r, time=NOW + timedelta(days=5)))
    waiting.see(keys[moved])
    assert waiting.woken == [keys[one] for one in tried]


def test_a_fault_on_the_way_costs_the_first_no_place(waiting: Waiting) -> None:
    key = waiting.add(1, tried=True)
    waiting.see(key)
    fault = Finding("SERVICE_UNREACHABLE", "no answer", "")
    trouble = Trouble(Effect.UPDATE, TroubleKind.RETRY, fault, NOW, NOW)
    waiting.store.change(key, lambda r: replace(r, error=fault, troubles=(trouble,)))
    waiting.see(key)
    first = waiting.line.first()
    assert first is not None
    assert (first.key, first.finding) == (key, FULL)


def test_one_that_is_held_for_long_goes_on_naming_the_plans_own_reason(waiting: Waiting) -> None:
    key = waiting.add(1)
    waiting.see(key)
    waiting.store.change(key, lambda r: replace(r, error=LONG))
    waiting.see(key)
    first = waiting.line.first()
    assert first is not None
    assert first.finding == FULL


@pytest.mark.parametrize(("stage", "turn"), [(GroupStage.SCHEDULED, False), (GroupStage.ENDED, True), (None, True)])
def test_a_post_that_is_out_or_gone_makes_room(waiting: Waiting, stage: GroupStage | None, turn: bool) -> None:
    other = waiting.add(1, error=None, stage=GroupStage.SCHEDULED)
    first = waiting.add(2, tried=True)
    waiting.see(first)
    waiting.woken.clear()
    group = waiting.record(other).groups[0]
    if stage is None:
        waiting.store.forget(other)
    else:
        waiting.store.change(other, lambda r: replace(r, groups=(replace(group, stage=stage),)))
    waiting.line.after(other, Ask(group))
    assert waiting.woken == ([first] if turn else [])


def test_one_that_was_forgotten_is_passed_over(waiting: Waiting) -> None:
    keys = [waiting.add(days, tried=True) for days in (1, 2, 3)]
    for key in keys:
        waiting.see(key)
    waiting.store.forget(keys[1])
    waiting.line.remove(keys[0])
    assert waiting.woken == [keys[2]]
