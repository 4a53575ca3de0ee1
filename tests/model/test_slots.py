"""Slots of a queue: how people write them, and when they come, also where the clocks change."""

from __future__ import annotations

from datetime import UTC, datetime, time
from itertools import islice

import pytest

from postpost_sync.model.slots import Slot, free, moments, parse


@pytest.mark.parametrize(
    ("text", "days", "at"),
    [
        ("mon-fri 09:00", {0, 1, 2, 3, 4}, time(9)),
        ("mon,wed 17:30", {0, 2}, time(17, 30)),
        ("sat 11:00", {5}, time(11)),
        ("daily 9:05", set(range(7)), time(9, 5)),
        ("Every day 00:00", set(range(7)), time(0)),
        ("Monday - Wednesday, SUN  23:59", {0, 1, 2, 6}, time(23, 59)),
        ("fri-mon 08:00", {4, 5, 6, 0}, time(8)),
    ],
)
def test_a_slot_is_taken_as_people_write_it(text: str, days: set[int], at: time) -> None:
    assert parse(text) == Slot(frozenset(days), at)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "not days and a time"),
        ("09:00", "not days and a time"),
        ("mon 9", "not days and a time"),
        ("mon 24:00", "no time of a day"),
        ("mon 09:60", "no time of a day"),
        ("tomorrow 09:00", '"tomorrow" is not a day'),
        ("mon-wed-fri 09:00", "nor one to another"),
        ("mon,,tue 09:00", '"" is not a day'),
    ],
)
def test_what_is_no_slot_is_refused_with_the_reason(text: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        parse(text)


def first(text: str, zone: str, since: datetime, count: int = 1) -> list[str]:
    return [f"{moment:%m-%d %H:%M}" for moment in islice(moments([parse(text)], zone, since), count)]


def test_slots_come_in_order_each_once_from_that_moment_on() -> None:
    slots = [parse("mon-fri 09:00"), parse("mon 09:00"), parse("mon 08:00")]
    found = list(islice(moments(slots, "UTC", datetime(2026, 11, 30, 8, 0, tzinfo=UTC)), 3))
    assert [f"{moment:%a %H:%M}" for moment in found] == ["Mon 08:00", "Mon 09:00", "Tue 09:00"]
    assert list(moments([], "UTC", found[0])) == []


def test_a_slot_in_a_gap_of_the_clock_does_not_exist_that_day() -> None:
    eve = datetime(2026, 3, 28, 0, 0, tzinfo=UTC)
    assert first("daily 02:30", "Europe/Berlin", eve, 3) == ["03-28 01:30", "03-30 00:30", "03-31 00:30"]


def test_a_slot_that_exists_twice_is_the_first_and_comes_once() -> None:
    eve = datetime(2026, 10, 24, 12, 0, tzinfo=UTC)
    assert first("daily 02:30", "Europe/Berlin", eve, 2) == ["10-25 00:30", "10-26 01:30"]


@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "Pacific/Pago_Pago", "Asia/Kathmandu"])
def test_a_slot_is_local_to_its_zone_wherever_that_is(zone: str) -> None:
    since = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)
    found = list(islice(moments([parse("daily 00:10"), parse("daily 23:50")], zone, since), 6))
    assert found == sorted(set(found))
    assert (found[0] - since).total_seconds() < 86400


def test_the_free_ones_are_those_that_nobody_has_until_then() -> None:
    since, until = datetime(2026, 6, 1, tzinfo=UTC), datetime(2026, 6, 4, tzinfo=UTC)
    taken = {datetime(2026, 6, 2, 9, 0, tzinfo=UTC)}
    found = free([parse("daily 09:00")], "UTC", taken, since, until)
    assert [f"{moment:%d %H:%M}" for moment in found] == ["01 09:00", "03 09:00"]
