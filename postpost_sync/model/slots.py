"""The slots of a queue: the times of a week at which a root's posts go out, as people write them, and when they come.

`mon-fri 09:00`, `mon,wed 17:30`, `sat 11:00`, `daily 09:00`; local to a time zone. No clock is read here.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache

from postpost_sync.model.times import YEARS, zone

EXAMPLE = 'write them like ["mon-fri 09:00", "sat 11:00", "daily 18:30"]'
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_NAMES = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_EVERY_DAY = ("daily", "every day")
_SLOT = re.compile(r"(?P<days>[a-z][a-z ,-]*?)\s+(?P<hour>\d{1,2}):(?P<minute>\d{2})", re.ASCII)


@dataclass(frozen=True, slots=True)
class Slot:
    """A time of the day on some days of the week: 0 is Monday."""

    days: frozenset[int]
    at: time


def parse(text: str) -> Slot:
    """The slot that is written there; ValueError says what is wrong with it."""
    match = _SLOT.fullmatch(" ".join(text.lower().split()))
    if match is None:
        raise ValueError(f'"{text}" is not days and a time')
    hour, minute = int(match["hour"]), int(match["minute"])
    if hour > 23 or minute > 59:
        raise ValueError(f'"{text}": {match["hour"]}:{match["minute"]} is no time of a day')
    days: set[int] = set()
    for part in [*range(7)] if match["days"] in _EVERY_DAY else match["days"].split(","):
        days |= {part} if isinstance(part, int) else _days(part.strip(), text)
    return Slot(frozenset(days), time(hour, minute))


def _days(part: str, text: str) -> set[int]:
    """`mon`, or `mon-fri`; one that ends before it begins goes on into the next week."""
    ends = [_day(name.strip(), text) for name in part.split("-")]
    if len(ends) > 2:
        raise ValueError(f'"{text}": "{part}" is not a day, nor one to another')
    first, last = ends[0], ends[-1]
    return {(first + more) % 7 for more in range((last - first) % 7 + 1)}


def _day(name: str, text: str) -> int:
    for number, full in enumerate(_NAMES):
        if name in (DAYS[number], full):
            return number
    raise ValueError(f'"{text}": "{name}" is not a day of the week; they are {", ".join(DAYS)}')


def moments(slots: Sequence[Slot], zone_name: str, since: datetime) -> Iterator[datetime]:
    """When the slots come from `since` on, in their order, each once; UTC. For as long as there are years."""
    if not slots:
        return
    day = max(since.astimezone(zone(zone_name)).date(), date(YEARS[0], 1, 1)) - timedelta(days=1)
    while day.year in YEARS:
        yield from (moment for moment in _on(tuple(slots), zone_name, day) if moment >= since)
        day += timedelta(days=1)


@lru_cache(maxsize=8192)
def _on(slots: tuple[Slot, ...], zone_name: str, day: date) -> tuple[datetime, ...]:
    """One that lies in a gap of the clock does not exist that day; one that exists twice is the first."""
    tz, found = zone(zone_name), set()
    for slot in slots:
        if day.weekday() in slot.days:
            local = datetime.combine(day, slot.at)
            moment = local.replace(tzinfo=tz, fold=0).astimezone(UTC)
            if moment.astimezone(tz).replace(tzinfo=None) == local:
                found.add(moment)
    return tuple(sorted(found))


def free(
    slots: Sequence[Slot], zone_name: str, taken: Collection[datetime], since: datetime, until: datetime
) -> Iterator[datetime]:
    """The slots from `since` to `until` (exclusive) that nobody has."""
    for moment in moments(slots, zone_name, since):
        if moment >= until:
            return
        if moment not in taken:
            yield moment
