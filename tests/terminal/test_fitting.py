"""A screen that is too small is shared out so that something of everything is seen."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from postpost_sync.terminal.fitting import shares


def test_everybody_gets_what_is_needed_where_there_is_room() -> None:
    assert shares([3, 0, 5], [1, 1, 1], 20) == [3, 0, 5]


def test_what_one_does_not_need_goes_to_the_others() -> None:
    assert shares([1, 100], [3, 1], 10) == [1, 9]


@given(st.lists(st.tuples(st.integers(0, 100), st.integers(1, 5)), max_size=6), st.integers(0, 60))
def test_nobody_gets_more_than_there_is_and_everybody_something(groups: list[tuple[int, int]], room: int) -> None:
    needs, weights = [need for need, _ in groups], [weight for _, weight in groups]
    got = shares(needs, weights, room)
    least = sum(map(bool, needs))
    assert sum(got) == min(sum(needs), max(room, least))
    assert all((need > 0) <= share <= need for share, need in zip(got, needs, strict=True))
