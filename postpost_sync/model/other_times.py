"""Times and zones in the forms that people, spreadsheets and phones write: read only so that the right line can be shown.

Nothing is accepted here. `05/06/2026` is two days, `GMT+5` is no place and `tomorrow` moves: the person says what is
meant, and what is offered is every line that it can be. What is relative counts from the moment it was written.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo, available_timezones

from postpost_sync.model.time_words import (
    ABBREVIATIONS,
    AT_ONCE,
    DAYS_AHEAD,
    EVENING,
    FILLERS,
    FREE_SLOT,
    MIDNIGHT,
    MONTHS,
    MORNING,
    NO_TIME,
    NOON,
    SHORT_DAYS,
    SPOKEN,
    UNIT_OF,
    WEEKDAYS,
    plain,
)


@dataclass(frozen=True, slots=True)
class Reading:
    """One thing that a text can mean: a day, its time of day where one is given, and the zone that is named beside it."""

    day: date
    clock: time | None
    offset: str = ""  # "+05:00" or "Z", as it stands behind a time
    zone: str = ""  # an IANA name
    relative: bool = False  # to the day on which it was written
    taken_for: str = ""  # what an abbreviation is taken for, where it can be several

    @property
    def value(self) -> str:
        """What to write for it; with an example of a time where it has none."""
        clock = self.clock or time(14, 30)
        seconds = ":%S" if clock.second else ""
        behind = f" {self.offset}".replace(" Z", "Z") if self.offset else ""
        return f"{datetime.combine(self.day, clock):%Y-%m-%d %H:%M{seconds}}{behind}"


_OFFSET = re.compile(r"(?:(?:utc|gmt)\s*)?([+-])\s*(\d{1,2})(?::?(\d{2}))?")
_PLACE = re.compile(r"\(?\b([a-z]+(?:/[a-z_+-]+)+)\b\)?")
_QUOTES = " \"'`\u201c\u201d\u201e\u2018\u2019\u201a\u00ab\u00bb\u2039\u203a"

_AROUND = _QUOTES + "<>{}()[]"

# --- a time of day ----------------------------------------------------------------------------------------------------

_HALF = r"(?P<half>a|p)\.?\s?m\b\.?"
_CLOCKS = tuple(
    re.compile(form)
    for form in (
        rf"(?<![\d:.])(?P<h>\d{{1,2}})\s?:\s?(?P<m>\d{{2}})(?::(?P<s>\d{{2}})(?:[.,]\d+)?)?(?!\d)(?:\s*{_HALF})?",
        rf"(?<![\d.:])(?P<h>\d{{1,2}})(?:[.](?P<m>\d{{2}}))?\s*{_HALF}",
        rf"\b{_HALF}\s*(?P<h>\d{{1,2}})(?:[.](?P<m>\d{{2}}))?(?!\d)",
        r"(?<![\d.:])(?P<h>\d{1,2})(?:\.(?P<m>\d{2}))\s*(?:uhr|h)\b",
        rf"(?<![\d.:])(?P<h>\d{{1,2}})\s?(?:uhr|heures?|hrs|h|u)\s?(?P<m>\d{{2}})?(?!\w)(?:\s*{_HALF})?",
        r"(?<![\d.:])(?P<h>\d{2})(?P<m>\d{2})\s*(?:uhr|hours|hrs|h)\b",
        r"(?<=\d)t(?P<h>\d{2})(?P<m>\d{2})(?P<s>\d{2})?(?!\d)",
        r"(?<![\d.:])(?P<h>\d{1,2})\.(?P<m>\d{2})(?![\d.])",
    )
)
_BEHIND = re.compile(r"\s*(z\b|(?:utc|gmt)?\s*[+-]\s*\d{1,2}(?::?\d{2})?(?![\d:]))")
_HALVES = re.compile(rf"(?:\b(?:uhr|h|heures?)\s+)?(?:({MORNING})|({EVENING}))")
_KANJI_CLOCK = re.compile(r"(\d{1,2})\s*[時时点시]\s*(?:(\d{1,2})\s*[分분]?)?")


@dataclass(frozen=True, slots=True)
class _Clock:
    time: time
    days: int = 0  # 24:00 is the next day's 00:00


def _clocks(text: str) -> tuple[list[_Clock], str, str]:
    """The times of day that are meant, an offset that stands behind, and the text without them."""
    text = _HALVES.sub(lambda found: " am " if found[1] else " pm ", text)
    text = _KANJI_CLOCK.sub(lambda found: f" {found[1]}:{int(found[2] or 0):02d} ", text)
    text = re.sub(r"\b([ap]m)\s+(\d{1,2}:\d{2})", r"\2 \1", text)
    for form in _CLOCKS:
        if match := form.search(text):
            parts = match.groupdict()
            hour, minute, second = (int(parts.get(part) or 0) for part in "hms")
            if half := parts.get("half"):
                hour = hour % 12 + (12 if half == "p" else 0) if hour <= 12 else hour
            days, hour = (1, 0) if hour == 24 and not minute and not second else (0, hour)
            if hour > 23 or minute > 59 or second > 59:
                continue
            behind = _BEHIND.match(text, match.end())
            offset = _offset(behind[1]) if behind else ""
            rest = text[: match.start()] + " " + text[(behind if behind and offset else match).end() :]
            twelve = re.sub(r"\b(?:noon|midnight)\b", " ", rest) if hour % 12 == 0 else rest  # `12:00 noon`
            return [_Clock(time(hour, minute, second), days)], offset, twelve
    for word in re.findall(r"[^\s,]+", text):
        if word in NOON:
            return [_Clock(time(12))], "", re.sub(rf"(?:\b12\s+)?{re.escape(word)}", " ", text, count=1)
        if word in MIDNIGHT:
            both = [_Clock(time(0)), _Clock(time(0), 1)]
            return both, "", re.sub(rf"(?:\b12\s+)?{re.escape(word)}", " ", text, count=1)
    return [], "", text


def _offset(text: str) -> str:
    if text.strip() in ("z", "utc", "gmt"):
        return "Z"
    match = _OFFSET.fullmatch(text.strip())
    if match is None or int(match[2]) > 14 or int(match[3] or 0) > 59:
        return ""
    return f"{match[1]}{int(match[2]):02d}:{match[3] or '00'}"


# --- a day ------------------------------------------------------------------------------------------------------------

_YEAR_FIRST = re.compile(r"(?<!\d)(\d{4})\s?[-/.年년]\s?(\d{1,2})\s?[-/.月월]\s?(\d{1,2})(?!\d)\s?[.日일]?")
_COMPACT = re.compile(r"(?<!\d)(\d{4})(\d{2})(\d{2})(?!\d)")
_YEAR_LAST = re.compile(r"(?<!\d)(\d{1,2})\s?([-/.])\s?(\d{1,2})\s?[-/.]\s?'?(\d{4}|\d{2})(?![\d:])\.?")
_NO_YEAR = re.compile(r"(?<![\d:])(\d{1,2})([/.])\s?(\d{1,2})(?![\d:])\.?")
_NUMBER = re.compile(r"(?<!\d)'?(\d{4}|\d{1,2})(?:st|nd|rd|th|er|[ºª°.])?(?!\d)")
_AHEAD = re.compile(r"(?:\b(?:in|en|dans|om|tra|za)\s+|\+\s*)(\d{1,4})\s*([^\W\d]+)")
_DAY_AFTER = re.compile(r"\b(?:the )?day after tomorrow\b|\bpasado manana\b|\bdepois de amanha\b|\bapres-demain\b")


def _days(text: str, written: datetime | None) -> tuple[list[date], str, bool]:
    """The days that are meant, the text without them, and whether they depend on when it was written."""
    if match := _YEAR_FIRST.search(text) or _COMPACT.search(text):
        year, month, day = map(int, match.groups())
        return _found(_real([(year, month, day)]) or _real([(year, day, month)]), text, match)
    if match := _YEAR_LAST.search(text):
        first, second, year = int(match[1]), int(match[3]), _full_year(match[4])
        dates = _either_way(first, second, match[2], year)
        if written is not None and match[2] != "." and len(match[4]) == 2:  # `26-12-15`
            dates = _to_come([*dates, *_real([(_full_year(match[1]), second, int(match[4]))])], written)
        return _found(dates, text, match)
    words = [(found[0], found.span()) for found in re.finditer(r"[^\W\d]+(?:'[^\W\d]+)?", text)]
    named = [(word, span) for word, span in words if word in MONTHS]
    if len(named) > 1:  # `mar` is a day, too
        named = [(word, span) for word, span in named if word not in WEEKDAYS and word not in SHORT_DAYS]
    if len(named) == 1:
        word, (start, end) = named[0]
        without = text[:start] + " ; " + text[end:]
        numbers = _NUMBER.findall(without)
        years = [n for n in numbers if len(n) == 4]
        days = [n for n in numbers if len(n) < 4]
        if not years and len(days) == 2:
            years, days = days[1:], days[:1]
        if len(days) == 1 and len(years) <= 1:
            rest = _NUMBER.sub(" ", without)
            if years:
                return _real([(_full_year(years[0]), MONTHS[word], int(days[0]))]), rest, False
            return _coming([(MONTHS[word], int(days[0]))], written), rest, True
        return [], text, False
    if match := _NO_YEAR.search(text):
        first, second = int(match[1]), int(match[3])
        pairs = [(second, first)] if match[2] == "." else [(first, second), (second, first)]
        return _found(_coming(pairs, written), text, match, relative=True)
    if written is None:
        return [], text, False
    if match := _DAY_AFTER.search(text):
        return [written.date() + timedelta(days=2)], _without(text, match), True
    for word, (start, end) in words:
        rest = text[:start] + " " + text[end:]
        if word in DAYS_AHEAD:
            return [written.date() + timedelta(days=DAYS_AHEAD[word])], rest, True
        if word in WEEKDAYS:
            ahead = (WEEKDAYS[word] - written.weekday() - 1) % 7 + 1
            return [written.date() + timedelta(days=ahead)], rest, True
    return [], text, False


def _found(
    days: list[date], text: str, match: re.Match[str], *, relative: bool = False
) -> tuple[list[date], str, bool]:
    """A date that does not exist stays in the text, which then means nothing."""
    return days, _without(text, match) if days else text, relative


def _without(text: str, match: re.Match[str]) -> str:
    return text[: match.start()] + " " + text[match.end() :]


def _full_year(text: str) -> int:
    return int(text) + (2000 if len(text) == 2 else 0)


def _either_way(first: int, second: int, mark: str, year: int) -> list[date]:
    """Dots are day first; strokes and hyphens are month first in some countries and day first in others."""
    day_first, month_first = (year, second, first), (year, first, second)
    if mark == ".":
        return _real([day_first]) or _real([month_first])
    return _real([month_first, day_first])


def _to_come(days: list[date], written: datetime) -> list[date]:
    """Those whose year is not over, where there are any: nothing is written down for a year that was."""
    return [day for day in days if day.year >= written.year] or days


def _real(found: Iterable[tuple[int, int, int]]) -> list[date]:
    days = []
    for year, month, day in found:
        try:
            days.append(date(year, month, day))
        except ValueError:
            continue
    return list(dict.fromkeys(days))


def _coming(pairs: Iterable[tuple[int, int]], written: datetime | None) -> list[date]:
    """A month and a day without a year: the next one from when it was written."""
    if written is None:
        return []
    found = []
    for month, day in pairs:
        years = _real((year, month, day) for year in range(written.year, written.year + 9))  # a 29 February may be far
        found += [one for one in years if one >= written.date()][:1]
    return list(dict.fromkeys(found))


# --- neither ----------------------------------------------------------------------------------------------------------


def word(text: str) -> str | None:
    """`now` or `next` for another word for it, `""` for one that says there is no time yet; None where it is none of these."""
    said = plain(text[:80]).strip(_AROUND + "!?.,~-").replace(" ", "_")
    if not said:
        return ""
    for words, meant in ((AT_ONCE, "now"), (FREE_SLOT, "next"), (NO_TIME, "")):
        if said in words:
            return meant
    return None


# --- both -------------------------------------------------------------------------------------------------------------


def readings(text: str, zone_name: str, written: datetime | None) -> tuple[Reading, ...]:
    """Everything that `text` can mean, none where that is not clear. `written`: when, in local time; None: not known."""
    said = plain(text[:200]).strip(_AROUND)
    if number := _as_number(said, zone_name):
        return (number,)
    if written is not None and (match := _AHEAD.fullmatch(said)) and match[2] in UNIT_OF:
        moment = _after(written, UNIT_OF[match[2]], int(match[1]), zone_name)
        return (Reading(moment.date(), moment.time().replace(second=0, microsecond=0), relative=True),)
    place = zones = ""
    if (match := _PLACE.search(said)) and (place := _zone_names().get(match[1], "")):
        said = _without(said, match)
    said = re.sub(r"[;@_|\[\]]", " ", said)
    clocks, offset, rest = _clocks(said)
    for word in re.findall(r"[a-z]+", rest):
        if word in ABBREVIATIONS or word in ("utc", "gmt"):
            zones, rest = word, re.sub(rf"\(?\b{word}\b\)?", " ", rest, count=1)
            break
    days, rest, relative = _days(rest, written)
    if days and not clocks:
        clocks, rest = _hour_alone(rest)
    if not _only_fillers(rest, bool(days)):
        return ()
    if not days and clocks and written is not None:  # a time of day alone: the next one
        later = clocks[0].time > written.time()
        days, relative = [written.date() + timedelta(days=0 if later else 1)], True
    found = []
    for day in days:
        if not 1970 <= day.year < 9000:
            continue
        at_times: list[_Clock | None] = [*clocks] or [None]
        for clock in at_times:
            on = day + timedelta(days=clock.days) if clock else day
            at = clock.time if clock else None
            found += [Reading(on, at, o, z, relative, by) for o, z, by in _in_zones(zones, offset, place, on, at)]
    return tuple(dict.fromkeys(found))


def _after(written: datetime, unit: str, number: int, zone_name: str) -> datetime:
    """Hours and minutes pass as they pass; in some days the clock shows the same time again, or would."""
    span = timedelta(**{unit: number})
    if unit in ("days", "weeks"):
        return written + span
    tz = ZoneInfo(zone_name)
    return (written.replace(tzinfo=tz).astimezone(UTC) + span).astimezone(tz).replace(tzinfo=None)


def _hour_alone(rest: str) -> tuple[list[_Clock], str]:
    """`2026-12-15 14`, `… 1430`, `… 14-30`: behind a full date."""
    match = re.fullmatch(r"[\s,t-]*(\d{1,2})(?:\s?-?(\d{2}))?(?:-?(\d{2}))?[\s,z]*", rest)
    if match is None or int(match[1]) > 23 or int(match[2] or 0) > 59 or int(match[3] or 0) > 59:
        return [], rest
    return [_Clock(time(int(match[1]), int(match[2] or 0), int(match[3] or 0)))], ""


def _only_fillers(rest: str, dated: bool) -> bool:
    words = re.findall(r"[^\s,.;()/-]+", rest)
    return all(w in FILLERS or w in WEEKDAYS or (dated and w in SHORT_DAYS) for w in words)


def _in_zones(word: str, offset: str, place: str, day: date, clock: time | None) -> Iterator[tuple[str, str, str]]:
    """(offset, zone, what it is taken for) for each thing that a zone beside a time can mean; blank where none is named."""
    if offset or place:
        yield offset, "" if offset else place, ""
    elif word in ("utc", "gmt"):
        yield "Z", "", ""
    elif word:
        local = datetime.combine(day, clock or time(12))
        meant = []
        for minutes, name in ABBREVIATIONS[word]:
            there = local.replace(tzinfo=ZoneInfo(name)).utcoffset() or timedelta()
            now = int(there.total_seconds()) // 60
            if now == minutes or len(ABBREVIATIONS[word]) > 1:
                meant.append((minutes, f"as in {name}"))
            else:  # EST in summer: what it says, or what the clocks show
                meant += [(minutes, word.upper()), (now, f"as in {name} then")]
        for minutes, taken_for in meant:
            yield _written_offset(minutes), "", taken_for if len(meant) > 1 else ""
    else:
        yield "", "", ""


def _written_offset(minutes: int) -> str:
    sign, minutes = "-" if minutes < 0 else "+", abs(minutes)
    return f"{sign}{minutes // 60:02d}:{minutes % 60:02d}"


def _as_number(said: str, zone_name: str) -> Reading | None:
    """Seconds or milliseconds since 1970, or a spreadsheet's days since 1900 (with a part of a day)."""
    if re.fullmatch(r"\d{10}|\d{13}", said):
        seconds = int(said) / (1000 if len(said) == 13 else 1)
        local = datetime.fromtimestamp(seconds, ZoneInfo(zone_name))
        return Reading(local.date(), local.time().replace(microsecond=0))
    if match := re.fullmatch(r"([4-7]\d{4})[.,](\d{1,12})", said):
        local = datetime(1899, 12, 30) + timedelta(days=float(f"{match[1]}.{match[2]}"))  # noqa: DTZ001 - it has no zone
        local = (local + timedelta(seconds=30)).replace(second=0, microsecond=0)
        return Reading(local.date(), local.time())
    return None


# --- zones ------------------------------------------------------------------------------------------------------------


@lru_cache(maxsize=1)
def _zone_names() -> dict[str, str]:
    return {name.casefold(): name for name in sorted(available_timezones(), reverse=True)}


def as_offset(name: str) -> str:
    """`+05:00` for `GMT+5`, `UTC+05:00`, `+5`; "" where it is none of these."""
    return _offset(said) if (said := plain(name[:40])) not in ("z", "utc", "gmt") else ""


def places(name: str) -> tuple[str, ...]:
    """The IANA names that a zone's abbreviation, its name in words, or a city's name can stand for."""
    said = plain(name[:80]).strip(_QUOTES)
    if exact := _zone_names().get(said.replace(" ", "_")):
        return (exact,)
    if said in ("z", "zulu"):
        return ("UTC",)
    if said in ABBREVIATIONS:
        return tuple(place for _, place in ABBREVIATIONS[said])
    bare = re.sub(r"\s*(?:standard |daylight |summer )?time$", "", said)
    if bare in SPOKEN:
        return (SPOKEN[bare],)
    city = re.split("[,/(]", said)[-1 if "/" in said else 0].strip().replace(" ", "_")
    found = [zone for low, zone in _zone_names().items() if low.rpartition("/")[2] == city and "/" in low]
    return (min(found, key=len),) if city and found else ()
