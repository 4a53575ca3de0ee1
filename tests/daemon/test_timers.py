"""A folder is waked once, at the time that was named last; and what was named before takes no room for long."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Iterator

import pytest

from postpost_sync.daemon.timers import REPLACED, Timers
from postpost_sync.log import Log

LATER = 3600.0


class Waked:
    """Timers, and whom they wake."""

    def __init__(self) -> None:
        self.stopping = threading.Event()
        self.timers = Timers(self.stopping, Log())
        self._keys = queue.SimpleQueue[int]()
        self.timers.start(self._keys.put)

    def next(self) -> int:
        return self._keys.get(timeout=30)

    def nobody(self) -> bool:
        """Whether nobody is waked at once. Who is waked then, in a moment, is the one that was asked for."""
        self.timers.wake(-1, 0.01)
        return self.next() == -1


@pytest.fixture
def waked() -> Iterator[Waked]:
    one = Waked()
    yield one
    one.timers.stop()


def test_the_earlier_is_waked_first(waked: Waked) -> None:
    with waked.timers._sooner:  # both are named before either's time comes
        waked.timers.wake(1, 0.04)
        waked.timers.wake(2, 0.01)
    assert (waked.next(), waked.next()) == (2, 1)


def test_a_time_that_is_named_later_counts(waked: Waked) -> None:
    with waked.timers._sooner:
        waked.timers.wake(1, 0.01)
        waked.timers.wake(1, LATER)
    assert waked.nobody()
    waked.timers.wake(1, 0.01)
    assert waked.next() == 1
    assert waked.timers.due() == {}


def test_who_is_waked_now_is_not_waked_again(waked: Waked) -> None:
    with waked.timers._sooner:
        waked.timers.wake(1, 0.01)
        waked.timers.wake(1, 0)
    assert waked.next() == 1
    assert waked.nobody()


def test_nobody_is_waked_once_it_stops(waked: Waked) -> None:
    with waked.timers._sooner:
        waked.timers.wake(1, 0.01)
        waked.stopping.set()
        waked.timers.wake(2, 0)
    while waked.timers.due():  # until the first one's time has come
        time.sleep(0.01)
    waked.stopping.clear()
    assert waked.nobody()


def test_who_is_put_off_again_and_again_takes_no_more_room(waked: Waked) -> None:
    for number in range(5 * REPLACED):
        waked.timers.wake(number % 3, LATER + number)
    assert set(waked.timers.due()) == {0, 1, 2}
    assert len(waked.timers._heap) <= 2 * 3 + REPLACED
    waked.timers.wake(2, 0.01)
    assert waked.next() == 2


def test_before_the_start_there_is_nobody_to_look() -> None:
    timers = Timers(threading.Event(), Log())
    with pytest.raises(RuntimeError):
        timers.wake(1, 0)
