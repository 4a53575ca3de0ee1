"""The places for transfers: who waits is waked, and who is gone holds up nobody."""

from __future__ import annotations

import pytest

from postpost_sync.sync.transfers import DRAFTS_AHEAD, Slots


class Met:
    def __init__(self, places: int = 1) -> None:
        self.waked: list[int] = []
        self.slots = Slots(places, lambda key, after: self.waked.append(key))
        self.ahead = DRAFTS_AHEAD * places

    def begin(self, *keys: int) -> list[bool]:
        return [self.slots.may_begin(key, float(key)) for key in keys]


def test_no_more_drafts_are_begun_than_keep_the_places_full() -> None:
    met = Met()
    assert met.begin(*range(met.ahead + 3)) == [True] * met.ahead + [False] * 3
    met.slots.stop_waiting(0)
    assert met.waked == [met.ahead]


def test_who_asks_again_and_again_while_it_waits_stands_in_the_line_once() -> None:
    met = Met()
    met.begin(*range(met.ahead))
    for _ in range(1000):
        assert met.begin(99) == [False]
    assert len(met.slots._to_begin) == 1


@pytest.mark.parametrize("gone", range(3))
def test_who_is_gone_while_it_waits_holds_up_nobody(gone: int) -> None:
    met = Met()
    met.begin(*range(met.ahead))
    waiting = [101, 102, 103]
    met.begin(*waiting)
    met.slots.stop_waiting(waiting.pop(gone))
    for key in range(met.ahead):
        met.slots.stop_waiting(key)
    assert met.waked == waiting
    for key in waiting:
        assert met.begin(key) == [True]
        met.slots.stop_waiting(key)
    assert met.begin(*range(200, 200 + met.ahead)) == [True] * met.ahead


def test_whose_turn_it_is_is_waked_once_until_it_comes() -> None:
    met = Met()
    assert [met.slots.claim(key) for key in (1, 2, 3)] == [True, False, False]
    met.slots.release(1)
    for key in (101, 102, 103):
        met.slots.stop_waiting(key)
    assert met.waked == [2]
    assert met.slots.claim(2)
    met.slots.release(2)
    assert met.waked == [2, 3]


def test_who_comes_too_late_for_its_place_is_waked_for_the_next() -> None:
    met = Met()
    assert [met.slots.claim(key) for key in (1, 2)] == [True, False]
    met.slots.release(1)
    met.slots._taken[9] += 1  # somebody was faster
    assert not met.slots.claim(2)
    met.slots.release(9)
    assert met.waked == [2, 2]
    assert met.slots.claim(2)


def test_whose_draft_is_no_more_leaves_the_line_in_which_it_waited_with_it() -> None:
    """Edited while it waited to be sent: it lines up for another draft, and the others are sent meanwhile."""
    met = Met()
    assert [met.slots.claim(key) for key in (1, 2, 3)] == [True, False, False]
    met.begin(*range(100, 100 + met.ahead))
    assert not met.slots.may_begin(2, 999.0)
    met.slots.release(1)
    assert met.waked == [102, 3]
    assert met.slots.claim(3)


def test_as_many_are_waked_as_places_are_free() -> None:
    met = Met(2)
    assert [met.slots.claim(key) for key in (1, 1, 2, 3, 4)] == [True, True, False, False, False]
    met.slots.release(1)
    met.slots.release(1)
    assert met.waked == [2, 3]
    assert [met.slots.claim(key) for key in (4, 3, 2)] == [False, True, True], "not who was not called"


def test_who_keeps_the_places_full_comes_first() -> None:
    met = Met()
    assert met.slots.idle()
    met.begin(*range(met.ahead + 1))
    assert not met.slots.idle()
    assert [met.slots.has_called(key) for key in (0, met.ahead)] == [True, False], "its draft is being made; or in line"
    assert [met.slots.claim(key) for key in (0, 1)] == [True, False]
    assert [met.slots.has_called(key) for key in (0, 1)] == [False, False], "it is at it; or waits"
    met.slots.release(0)
    assert met.slots.has_called(1)
