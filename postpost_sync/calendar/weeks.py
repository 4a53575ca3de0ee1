"""The posts by day and week, as people plan: the last weeks, the coming ones, and what stands on no day. Pure.

A post stands on the day on which it goes out by its own zone, wherever the one who looks is. Weeks begin on Monday.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from postpost_sync.calendar.entries import Entry, in_zone
from postpost_sync.model.errors import Finding
from postpost_sync.model.states import State

WEEKS_BEFORE, WEEKS_AFTER = 2, 8
MOST_A_DAY = 30  # posts; further ones are counted
MOST_LISTED = 200  # of what stands on no day of these weeks
DAYS = "Mon Tue Wed Thu Fri Sat Sun".split()
MONTHS = "January February March April May June July August September October November December".split()


@dataclass(frozen=True, slots=True)
class Slot:
    """A slot of a root's queue that no post has taken. `at` is UTC."""

    at: datetime
    zone: str

    @property
    def local(self) -> datetime:
        return in_zone(self.at, self.zone)


@dataclass(frozen=True, slots=True)
class Unread:
    """How many posts there are beyond those that were read: on days that are full, stuck ones among them, and later ones."""

    days: Mapping[date, int] = field(default_factory=dict)
    stuck: int = 0
    later: int = 0


@dataclass(frozen=True, slots=True)
class Day:
    date: date
    entries: tuple[Entry, ...] = ()
    more: int = 0  # posts beyond those
    free: tuple[Slot, ...] = ()

    @property
    def name(self) -> str:
        """`Thu 3 December`: never the locale's words."""
        return f"{DAYS[self.date.weekday()]} {self.date.day} {MONTHS[self.date.month - 1]}"

    @property
    def number(self) -> int:
        """How many posts."""
        return len(self.entries) + self.more

    @property
    def month(self) -> str:
        return MONTHS[self.date.month - 1]

    @property
    def weekday(self) -> str:
        return DAYS[self.date.weekday()]


@dataclass(frozen=True, slots=True)
class Week:
    days: tuple[Day, ...]  # seven, from Monday on
    title: str  # This week, Next week, or its days
    month: str = ""  # that begins in it, and with which the list begins

    @property
    def monday(self) -> date:
        return self.days[0].date

    @property
    def number(self) -> int:
        """How many posts."""
        return sum(day.number for day in self.days)


@dataclass(frozen=True, slots=True)
class Calendar:
    """All that is to be seen. `stuck` posts stand on their days, too."""

    title: str
    zone: str
    now: datetime
    today: date
    past: tuple[Week, ...]
    weeks: tuple[Week, ...]  # the present one first
    stuck: tuple[Entry, ...] = ()
    undated: tuple[Entry, ...] = ()  # on their way or drafted, without a time
    later: tuple[Entry, ...] = ()
    more: tuple[int, int, int] = (0, 0, 0)  # of the three before, how many are not listed
    notices: tuple[Finding, ...] = ()  # about the program: a root that is away, a daemon that is not running

    @property
    def every(self) -> Iterable[Week]:
        return (*self.past, *self.weeks)

    def other_zone(self, zone_name: str) -> str:
        """The zone, where a time by its clock is not to be read by the calendar's."""
        return "" if zone_name == self.zone else zone_name

    @property
    def number(self) -> Counter[State]:
        """How many of the listed posts are in each state."""
        dated = (entry for week in self.every for day in week.days for entry in day.entries)
        once = {entry.id: entry.state for entry in (*dated, *self.stuck, *self.undated, *self.later)}
        return Counter(once.values())


def monday(day: date) -> date:
    return day - timedelta(days=day.weekday())


def span(now: datetime, zone_name: str, first: date | None = None) -> tuple[date, date]:
    """The first day that is shown, and the day after the last: around now, or from the week of `first` on."""
    start = monday(first or in_zone(now, zone_name).date())
    before = WEEKS_BEFORE if first is None else 0
    return start - timedelta(weeks=before), start + timedelta(weeks=WEEKS_AFTER + 1)


def calendar(
    title: str,
    entries: Iterable[Entry],
    now: datetime,
    zone_name: str,
    *,
    slots: Sequence[Slot] = (),
    notices: Sequence[Finding] = (),
    first: date | None = None,
    unread: Unread = Unread(),
) -> Calendar:
    """The calendar of these posts. `first`: begin with the week of that day instead of the present one."""
    begin, end = span(now, zone_name, first)
    today = in_zone(now, zone_name).date()
    by_day: dict[date, list[Entry]] = defaultdict(list)
    stuck, undated, later = list[Entry](), list[Entry](), list[Entry]()
    for one in entries:
        day = one.day
        if one.stuck:
            stuck.append(one)
        if day is None:
            if not one.stuck and one.state is not State.CANCELLED:
                undated.append(one)
        elif day >= end:
            later.append(one)
        elif day >= begin:
            by_day[day].append(one)
    free: dict[date, list[Slot]] = defaultdict(list)
    for slot in sorted(slots, key=lambda one: one.at):
        free[slot.local.date()].append(slot)
    weeks = [_week(start, by_day, free, today, unread) for start in _mondays(begin, end)]
    now_at = (
        next((n for n, week in enumerate(weeks) if week.monday >= monday(today)), len(weeks)) if first is None else 0
    )
    stuck.sort(key=lambda one: _urgent(one, now))
    undated.sort(key=_soonest)
    later.sort(key=_soonest)
    return Calendar(
        title,
        zone_name,
        now,
        today,
        tuple(_titled(weeks[:now_at], today)),
        tuple(_titled(weeks[now_at:], today)),
        stuck=tuple(stuck[:MOST_LISTED]),
        undated=tuple(undated[:MOST_LISTED]),
        later=tuple(later[:MOST_LISTED]),
        more=(_beyond(stuck) + unread.stuck, _beyond(undated), _beyond(later) + unread.later),
        notices=tuple(notices),
    )


def _beyond(found: list[Entry]) -> int:
    return max(0, len(found) - MOST_LISTED)


def _mondays(begin: date, end: date) -> Iterable[date]:
    while begin < end:
        yield begin
        begin += timedelta(weeks=1)


def _week(
    start: date, by_day: dict[date, list[Entry]], free: dict[date, list[Slot]], today: date, unread: Unread
) -> Week:
    days = []
    for number in range(7):
        day = start + timedelta(days=number)
        found = sorted(by_day.get(day, ()), key=_soonest)
        open_slots = tuple(free.get(day, ())) if day >= today else ()
        more = max(0, len(found) - MOST_A_DAY) + unread.days.get(day, 0)
        days.append(Day(day, tuple(found[:MOST_A_DAY]), more, open_slots))
    return Week(tuple(days), "")


def _titled(weeks: Sequence[Week], today: date) -> Iterable[Week]:
    for at, week in enumerate(weeks):
        away = (week.monday - monday(today)).days // 7
        first, last = week.days[0], week.days[-1]
        begins = next((day for day in week.days if day.date.day == 1), None)
        same = first.date.month == last.date.month
        dates = f"{first.date.day}{'' if same else f' {first.month}'} to {last.date.day} {last.month}"
        name = {-1: "Last week", 0: "This week", 1: "Next week"}.get(away)
        title = f"{name}, {dates}" if name else dates
        months = [first, begins] if at == 0 and begins is not first else [begins]
        yield Week(week.days, title, " / ".join(f"{day.month} {day.date.year}" for day in months if day))


def _soonest(one: Entry) -> tuple[bool, float, str]:
    return one.at is None, one.at.timestamp() if one.at else 0.0, one.folder


def _urgent(one: Entry, now: datetime) -> tuple[bool, bool, float, str]:
    """Who needs a person first; of these the one that is nearest to now, before or after."""
    away = abs((one.at - now).total_seconds()) if one.at is not None else 0.0
    return not one.needs_person, one.at is None, away, one.folder
