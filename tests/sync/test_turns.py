"""Whose turn it is to take a slot: those that wait together go in the natural order of their paths."""

from __future__ import annotations

import pytest

from postpost_sync.sync.turns import GATHER, GATHER_AT_MOST, Turns


class Clock:
    def __init__(self) -> None:
        self.now = 100.0
        self.waked: list[tuple[int, float]] = []
        self.turns = Turns(lambda key, after: self.waked.append((key, after)), lambda: self.now)

    def claim(self, path: str, key: int) -> bool:
        return self.turns.claim("/posts", path, key)


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_the_first_in_order_goes_first_whoever_came_first(clock: Clock) -> None:
    assert not clock.claim("p10", 10)
    assert not clock.claim("p9", 9)
    assert clock.waked[-1] == (9, GATHER)
    clock.now += GATHER
    assert not clock.claim("p10", 10)
    assert clock.waked[-1] == (9, 0.0)
    assert clock.claim("p9", 9)
    clock.turns.leave(9)
    assert clock.waked[-1] == (10, 0.0)
    assert clock.claim("p10", 10)


def test_one_that_leaves_without_a_slot_holds_up_nobody(clock: Clock) -> None:
    clock.claim("a", 1)
    clock.claim("b", 2)
    clock.now += GATHER
    clock.turns.leave(1)
    assert clock.waked[-1] == (2, 0.0)
    assert clock.claim("b", 2)
    clock.turns.leave(2)
    clock.turns.leave(2)
    assert len(clock.waked) == 3


def test_others_are_waited_for_but_not_for_ever(clock: Clock) -> None:
    ends = clock.now + GATHER_AT_MOST
    key = 0
    while clock.now < ends:
        assert not clock.claim(f"p{key}", key)
        clock.now += GATHER / 2
        key += 1
    assert clock.claim("p0", 0)


def test_the_roots_do_not_wait_for_each_other(clock: Clock) -> None:
    clock.turns.claim("/posts", "a", 1)
    clock.now += GATHER
    assert not clock.turns.claim("/others", "b", 2)
    assert clock.claim("a", 1)
