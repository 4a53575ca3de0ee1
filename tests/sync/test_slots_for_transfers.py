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
