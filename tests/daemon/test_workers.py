"""Folders are taken in the order of their times, one thread at a time each, and no lane holds up another."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from postpost_sync.daemon.workers import Pool, Workers
from postpost_sync.model.errors import NoThreads, ProgramError
from tests.support.rig import HANG, until


@contextmanager
def workers(
    advance: Callable[[int], None], lane: Callable[[int], str] = lambda key: "", threads: int = 1
) -> Iterator[Workers]:
    def fatal(error: ProgramError) -> None:
        raise error

    one = Workers(advance, float, lane, threads=threads, defect=lambda key, error: None, fatal=fatal)
    try:
        yield one
    finally:
        one.stop(5)


def until_idle(one: Workers, but: tuple[str, ...] = ()) -> None:
    until(lambda: one.idle(but))


def test_the_most_urgent_is_taken_first() -> None:
    taken: list[int] = []
    began, first = threading.Event(), threading.Event()

    def advance(key: int) -> None:
        began.set()
        first.wait(60)
        taken.append(key)

    with workers(advance) as one:
        one.ready(50)
        assert began.wait(HANG)
        for key in (30, 10, 20, 10):
            one.ready(key)
        first.set()
        until_idle(one)
    assert taken == [50, 10, 20, 30]


def test_what_lies_below_no_root_has_one_thread() -> None:
    """A folder that was forgotten is waked all the same: others wait for what it waited for."""
    taken: list[int] = []
    with workers(taken.append, lambda key: "root" if key else "", threads=4) as one:
        one.ready(1)
        one.ready(0)
        until_idle(one)
        assert sorted(taken) == [0, 1]
        names = [thread.name for thread in threading.enumerate() if thread.name.startswith("worker-")]
        assert (sum(name.endswith(" ") for name in names), len(names)) == (1, 5)


def test_a_folder_is_never_with_two_threads_and_is_taken_again_where_it_was_made_ready_meanwhile() -> None:
    """Also where it moved to another lane meanwhile."""
    at_once, most, times, lanes = 0, 0, 0, iter(["a", "b", "a", "b", "a", "b"])
    lock, began, go_on = threading.Lock(), threading.Event(), threading.Event()

    def advance(key: int) -> None:
        nonlocal at_once, most, times
        with lock:
            at_once, times = at_once + 1, times + 1
            most = max(most, at_once)
        began.set()
        go_on.wait(60)
        with lock:
            at_once -= 1

    with workers(advance, lambda key: next(lanes), threads=4) as one:
        one.ready(1)
        assert began.wait(HANG)
        for _ in range(4):
            one.ready(1)
        go_on.set()
        until_idle(one)
    assert (most, times) == (1, 2)


def test_a_folder_that_is_taken_again_is_at_no_moment_taken_for_at_rest() -> None:
    """Whoever asks while it is put back into a lane sees that there is something to do."""
    idle: list[bool] = []
    began, go_on = threading.Event(), threading.Event()

    def advance(key: int) -> None:
        began.set()
        go_on.wait(60)

    def lane(key: int) -> str:
        idle.append(one.idle())
        return ""

    with workers(advance, lane) as one:
        one.ready(1)
        assert began.wait(HANG)
        one.ready(1)
        go_on.set()
        until_idle(one)
    assert idle == [True, False, False]


def test_a_lane_that_hangs_holds_up_no_other_and_can_be_left_aside() -> None:
    go_on, taken = threading.Event(), list[int]()

    def advance(key: int) -> None:
        if key % 2:
            go_on.wait(60)
        taken.append(key)

    with workers(advance, lambda key: "odd" if key % 2 else "even", threads=2) as one:
        for key in range(1, 21):
            one.ready(key)
        until_idle(one, ("odd",))
        assert sorted(taken) == list(range(2, 21, 2))
        assert not one.idle()
        go_on.set()
        until_idle(one)
    assert sorted(taken) == list(range(1, 21))


def test_a_database_that_cannot_tell_the_lane_of_a_folder_any_more_ends_the_program() -> None:
    ended: list[ProgramError] = []
    failing = threading.Event()

    def lane(key: int) -> str:
        if failing.is_set():
            raise ProgramError("the database cannot be used")
        return ""

    def advance(key: int) -> None:
        one.ready(key)
        failing.set()

    one = Workers(advance, float, lane, threads=1, defect=lambda key, error: None, fatal=ended.append)
    one.ready(1)
    assert failing.wait(HANG)
    one.stop(5)
    assert [error.message for error in ended] == ["the database cannot be used"]


# --- a machine that gives no further thread ---------------------------------------------------------------------------


def refused(thread: threading.Thread) -> None:
    raise RuntimeError("can't start new thread")


def test_a_lane_that_gets_no_thread_ends_the_program_and_not_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    ended: list[ProgramError] = []
    one = Workers(lambda key: None, float, lambda key: "root", threads=4, defect=lambda *_: None, fatal=ended.append)
    monkeypatch.setattr(threading.Thread, "start", refused)
    one.ready(1)
    assert [type(error) for error in ended] == [NoThreads]
    one.stop(5)  # nor are threads waited for that never began


def test_what_nobody_takes_is_not_under_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threading.Thread, "start", refused)
    with Pool(1) as pool, pytest.raises(NoThreads):
        pool.submit(print)
