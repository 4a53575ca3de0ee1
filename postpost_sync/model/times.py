"""Times and durations as people write them, and as the service wants them. No clock is read here.

All times between layers are aware `datetime`s in UTC; durations are seconds.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo, available_timezones

from postpost_sync.model.errors import Finding, nearest

if TYPE_CHECKING:  # and below where a time or a zone is not as it is to be written: every start would wait for it
    from postpost_sync.model.other_times import Reading

_TIME = re.compile(
    r"""(?P<date>\d{4}-\d{2}-\d{2})
        (?:[Tt\x20]\x20*(?P<clock>\d{1,2}:\d{2}(?::\d{2}(?:\.\d{1,6})?)?)
        \x20*(?P<offset>[Zz]|[+-]\d{2}(?::?\d{2})?)?)?""",
    re.VERBOSE | re.ASCII,
)
_DURATION = re.compile(r"(?P<number>\d+(?:\.\d+)?)\s*(?P<unit>ms|s|m|h|d)?", re.ASCII)
THOUSANDS = re.compile(r"[1-9]\d{0,2}\.\d{3}", re.ASCII)  # or a fraction: in half the world a point parts thousands
_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, None: 1.0}

YEARS = range(1970, 9000)  # zones and tolerances are reckoned around a time, and a datetime ends at 9999

EXAMPLE = 'write it like "2026-12-15 14:30" or "2026-12-15T13:30:00Z"'


class TimeProblem(ValueError):
    """A time or zone that cannot be meant; carries the finding."""

    def __init__(self, code: str, message: str, hint: str) -> None:
        super().__init__(message)
        self.finding = Finding(code, message, hint)


@lru_cache(maxsize=1)
def _zone_names() -> frozenset[str]:
    return frozenset(available_timezones()) - {"Factory", "localtime", "posixrules"}  # no places, but files beside them


@lru_cache(maxsize=64)
def zone(name: str) -> ZoneInfo:
    """The IANA time zone of that name; TimeProblem BAD_TIMEZONE otherwise."""
    if name == "UTC" or name in _zone_names():  # the names are read from hundreds of files, and UTC is always one
        return ZoneInfo(name)
    from postpost_sync.model import other_times

    if offset := other_times.as_offset(name):  # its nearest name, Etc/GMT+5, is ten hours from what is meant
        hint = (
            f'write the offset behind the time, as in "2026-12-15 14:30 {offset}", or a place, such as "Europe/Berlin"'
        )
        raise TimeProblem("BAD_TIMEZONE", f'"{name}" is an offset, not a time zone', hint)
    if found := other_times.places(name):
        names = " or ".join(f'"{place}"' for place in found)
        raise TimeProblem("BAD_TIMEZONE", f'"{name}" is not a time zone', f"did you mean {names}?")
    guess = nearest(name, () if name.isupper() and len(name) <= 4 else _zone_names())  # XYZ is no typing error
    hint = guess or 'use an IANA name such as "Europe/Berlin" or "UTC"'
    raise TimeProblem("BAD_TIMEZONE", f'"{name}" is not a time zone', hint)


def parse_time(
    text: str, zone_name: str, written: datetime | None = None, key: str = ""
) -> tuple[datetime, Finding | None]:
    """The moment `text` means (UTC), local to `zone_name` unless it carries an offset.

    A local time that exists twice means the first of the two, with a warning; one that does not exist is a TimeProblem,
    as is anything that is not a date and a time. The hint is the line to write instead, which starts with `key`; what
    says "tomorrow" counts from when it was `written`.
    """
    match = _TIME.fullmatch(text.strip())
    if match is None or match["clock"] is None:
        raise _not_a_time(text, zone_name, written, key)
    day, clock, offset = match.group("date", "clock", "offset")
    if int(day[:4]) not in YEARS:
        raise TimeProblem("BAD_TIME", f'"{text}" is not in the years {YEARS[0]} to {YEARS[-1]}', EXAMPLE)
    if clock.index(":") == 1:
        clock = "0" + clock
    try:
        if offset:
            return datetime.fromisoformat(f"{day}T{clock}{offset.upper()}").astimezone(UTC), None
        return _from_local(datetime.fromisoformat(f"{day}T{clock}"), zone_name, key)
    except (ValueError, OverflowError) as error:
        if isinstance(error, TimeProblem):
            raise
        why = "no offset goes beyond a day" if "timedelta" in str(error) else str(error)
        raise _not_a_time(text, zone_name, written, key, f": {why}") from None


def _not_a_time(text: str, zone_name: str, written: datetime | None, key: str, why: str = "") -> TimeProblem:
    """What is wrong with it, and every line that it can mean."""
    found = _read(text, zone_name, written)
    code, what = "BAD_TIME", "not a date and a time"
    if found and found[0].clock is None and found[0].value.startswith(text.strip()):
        code, what = "TIME_DATE_ONLY", "a date without a time"
    return TimeProblem(code, f'"{text}" is {what}{why}', _instead(text, key, found, written, zone_name))


def in_one(day: str, clock: str, zone_name: str, written: datetime | None, key: str) -> str:
    """What to write for a day and a time of day that stand apart."""
    text = f"{day} {clock}"
    found = _read(text, zone_name, written)
    lines = f'such as "{key}2026-12-15 14:30"'
    if found and found[0].clock is not None:
        lines = _instead(text, key, found, written, zone_name).replace("write ", "", 1)
    return f"write one line instead of the two: {lines}"


def _read(text: str, zone_name: str, written: datetime | None) -> list[Reading]:
    from postpost_sync.model import other_times

    then = written.astimezone(zone(zone_name)).replace(tzinfo=None) if written else None
    return [_there(one, zone_name) for one in other_times.readings(text, zone_name, then)]


def _instead(text: str, key: str, found: Sequence[Reading], written: datetime | None, zone_name: str) -> str:
    """The lines to write for what a text can mean."""
    if not found:
        from postpost_sync.model import other_times

        word = other_times.word(text)
        if word == "" and key:
            name = key.partition(":")[0]
            return (
                f"take {name} out: without it a post stays a draft, where default_time in the config says nothing else"
            )
        return f'write "{key}{word}"' if word else EXAMPLE
    lines = [f'"{key}{one.value}"{_zone_line(one.zone)} ({_told(one, found)})' for one in found]
    saved = ""
    if written and found[0].relative:
        then = written.astimezone(zone(zone_name))
        saved = f"from {_weekday(then)} {_day(then)} {then.year}, when it was written: "
    add = "add the time: such as " if found[0].clock is None else "write "
    which = ", whichever is meant" if len(found) > 1 else ""
    return f"{saved}{add}{' or '.join(lines)}{which}"


def _there(one: Reading, zone_name: str) -> Reading:
    """What is offered exists: where the clocks go forward over it, the time that they then show."""
    if one.offset or one.clock is None:
        return one
    tz = zone(one.zone or zone_name)
    local = datetime.combine(one.day, one.clock)
    shown = local.replace(tzinfo=tz).astimezone(UTC).astimezone(tz).replace(tzinfo=None)
    if shown == local:
        return one
    why = f"{local:%H:%M} does not exist on that day"
    return replace(
        one, day=shown.date(), clock=shown.time(), taken_for=f"{one.taken_for}, {why}" if one.taken_for else why
    )


def _zone_line(name: str) -> str:
    return f' and "timezone: {name}"' if name else ""


def _told(one: Reading, found: Sequence[Reading]) -> str:
    """Which day of the week that is; and what else tells it from the others."""
    day = f"{_weekday(one.day)} {_day(one.day)}" if any(other.day != one.day for other in found) else _weekday(one.day)
    return f"{day}, {one.taken_for}" if one.taken_for else day


def _weekday(day: date) -> str:
    return ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")[day.weekday()]  # never the locale's


def _day(day: date) -> str:
    return f"{day.day} {'Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec'.split()[day.month - 1]}"


def _from_local(naive: datetime, zone_name: str, key: str) -> tuple[datetime, Finding | None]:
    tz = zone(zone_name)
    first = naive.replace(tzinfo=tz, fold=0)
    second = naive.replace(tzinfo=tz, fold=1)
    moment = first.astimezone(UTC)
    if moment.astimezone(tz).replace(tzinfo=None) != naive:
        after = moment.astimezone(tz).strftime("%Y-%m-%d %H:%M")
        raise TimeProblem(
            "TIME_DOES_NOT_EXIST",
            f"{naive:%Y-%m-%d %H:%M} does not exist in {zone_name}: the clocks go forward over it",
            f'write "{key}{after}", or give the time with an offset',
        )
    if first.utcoffset() != second.utcoffset():
        return moment, Finding(
            "TIME_AMBIGUOUS",
            f"{naive:%Y-%m-%d %H:%M} exists twice in {zone_name}; the first of the two is taken ({to_service(moment)})",
            "give the time with an offset to say which one is meant",
        )
    return moment, None


def parse_service_time(text: object) -> datetime | None:
    """A time as the service writes it, in UTC; None where it is not one (its answers are not trusted).

    Nor where it is so far off that a zone or a pause leads out of what a datetime can hold.
    """
    if not isinstance(text, str):
        return None
    try:
        moment = datetime.fromisoformat(text)
        moment = moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
        return moment if moment.year in YEARS else None
    except (ValueError, OverflowError):
        return None


def to_service(moment: datetime) -> str:
    """`2026-03-15T10:00:00.000Z`: the one form sent to the service, kept in the database and shown in JSON."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"


def for_people(moment: datetime, zone_name: str) -> str:
    """`Tue 15 Dec 2026 14:30 (Europe/Berlin)`."""
    try:
        tz = zone(zone_name)
    except TimeProblem:
        zone_name, tz = "UTC", zone("UTC")
    local = moment.astimezone(tz)
    return f"{_weekday(local)} {_day(local)} {local.year} {local:%H:%M} ({zone_name})"


def parse_duration(text: str) -> float:
    """Seconds from `500ms`, `10s`, `5m`, `2h`, `1d` or a bare number; ValueError with the allowed forms."""
    match = _DURATION.fullmatch(text.strip())
    if match is None:
        raise ValueError(f'"{text}" is not a duration; write 500ms, 10s, 5m, 2h, 1d or a number of seconds')
    if THOUSANDS.fullmatch(number := match["number"]):
        meant = f"{number.replace('.', '')} or {float(number):g}"
        raise ValueError(f'"{text}" is not a duration that can be read in one way; write {meant}, whichever is meant')
    seconds = float(number) * _UNITS[match["unit"]]
    if seconds > timedelta(days=3660).total_seconds():
        raise ValueError(f'"{text}" is longer than ten years')
    return seconds
