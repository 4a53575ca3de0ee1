"""Matrices, too large to be run each time: which of their cases the quick suite runs, and how many a run went through.

A matrix is marked `whole`. Where each case is a test of its own, some are left out here, and pytest says how many. Where one
test goes through many of them, it asks the fixture `matrix` for those it is to go through; it may be one of several such tests,
and then it is a case as well. What was gone through is counted with the fixture `survived`, in whichever process, and stands at
the end of the run.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol, TypeVar

import pytest

EVERY = 7  # in the quick suite one case of so many
FIXTURE, PROPERTY = "matrix", "survived"
Case = TypeVar("Case")


@dataclass(frozen=True)
class Matrix:
    """How much of a matrix this run goes through. `every`: one case of so many; 1 is all of them."""

    every: int

    def of(self, cases: Iterable[Case]) -> Iterator[Case]:
        """All of them, or the first and every seventh from there; there may be no end to them."""
        return itertools.islice(cases, None, None, self.every)

    def numbers(self) -> Iterator[int]:
        return self.of(itertools.count(1))

    def share(self, of: int) -> int:
        """How many of so many cases."""
        return -(-of // self.every)


class Survived(Protocol):
    """Counts what was gone through without a broken promise."""

    def __call__(self, what: str, number: int = 1) -> None: ...


def sampled(items: Iterable[pytest.Item]) -> tuple[list[pytest.Item], list[pytest.Item]]:
    """Which tests the quick suite runs and which it does not, each in their order."""
    every = list(items)
    cases: dict[str, list[pytest.Function]] = {}
    for item in every:
        if isinstance(item, pytest.Function) and item.get_closest_marker("whole"):
            cases.setdefault(item.nodeid.partition("[")[0], []).append(item)
    left = {item for matrix in cases.values() for item in _left(matrix)}
    return [item for item in every if item not in left], [item for item in every if item in left]


def _left(matrix: list[pytest.Function]) -> Iterator[pytest.Function]:
    """All but every seventh case, and but the first with a value of a parameter that none of those has."""
    seen = {value for case in matrix[::EVERY] for value in _values(case)}
    for case in (case for number, case in enumerate(matrix) if number % EVERY):
        values = _values(case)
        if values <= seen:
            yield case
        seen |= values


def _values(case: pytest.Function) -> set[tuple[str, str]]:
    return {(name, repr(value)) for name, value in case.callspec.params.items()} if hasattr(case, "callspec") else set()


def takes_long(item: pytest.Item) -> int:
    """Whether it goes through all cases of a matrix by itself; the more where it is one that needs a time limit of its own."""
    if not isinstance(item, pytest.Function) or FIXTURE not in item.fixturenames:
        return 0
    return 2 if item.get_closest_marker("timeout") is not None else 1


def counted(reports: Iterable[pytest.TestReport]) -> dict[str, int]:
    """What was counted in a run, in the order of its names."""
    counts = Counter[str]()
    for report in reports:
        for name, value in report.user_properties:
            if name == PROPERTY and isinstance(value, tuple | list):
                counts[str(value[0])] += int(value[1])
    return dict(sorted(counts.items()))
