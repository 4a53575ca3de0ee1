"""Folders that were removed at once are counted, for as long as they are gone or their posts were cancelled within the hour."""

from __future__ import annotations

import pytest

from postpost_sync.sync.removals import AT_ONCE, Removals


@pytest.fixture
def clock() -> list[float]:
    return [1000.0]


@pytest.fixture
def removals(clock: list[float]) -> Removals:
    return Removals(lambda: clock[0])


def test_those_that_are_gone_count_once_each_until_they_are_back(removals: Removals) -> None:
    assert [removals.count(key, key, gone=True) for key in (1, 2, 2, 3)] == [1, 2, 2, 3]
    assert removals.count(2, 2, gone=False) == 2


def test_a_cancelled_one_counts_for_an_hour(removals: Removals, clock: list[float]) -> None:
    removals.count(1, 1, gone=True)
    removals.cancelled(1, 1)
    clock[0] += AT_ONCE - 1
    assert removals.count(2, 2, gone=True) == 2
    clock[0] += 1
    assert removals.count(2, 2, gone=True) == 1


def test_one_that_an_earlier_run_cancelled_counts_for_the_rest_of_its_hour(
    removals: Removals, clock: list[float]
) -> None:
    removals.cancelled(1, 1, ago=AT_ONCE - 10)
    assert removals.count(2, 2, gone=True) == 2
    clock[0] += 10
    assert removals.count(2, 2, gone=True) == 1


def test_folders_that_are_gone_for_long_were_not_removed_with_one_that_goes_now(
    removals: Removals, clock: list[float]
) -> None:
    for key in range(11):
        removals.count(key, key, gone=True)
    clock[0] += AT_ONCE
    assert removals.count(99, 99, gone=True) == 1


def test_a_folder_of_several_parts_counts_once(removals: Removals) -> None:
    assert [removals.count(part, 1, gone=True) for part in (1, 2, 3)] == [1, 1, 1]
    removals.cancelled(2, 1)
    assert removals.count(4, 4, gone=True) == 2
