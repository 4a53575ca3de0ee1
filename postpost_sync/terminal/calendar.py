"""The calendar in a terminal: what is stuck first, then the month as a grid, or the week day by day."""

from __future__ import annotations

from collections.abc import Iterator

from rich.cells import cell_len, set_cell_size
from rich.console import Console
from rich.text import Text

from postpost_sync.calendar.entries import MARKS, WORDS, Entry, when
from postpost_sync.calendar.weeks import DAYS, Calendar, Day, Week
from postpost_sync.terminal.words import STYLES, count, finding, say

LEAST_GRID = 78  # cells; on a narrower screen the days stand below each other
WEEKS = 5  # of the grid: from the present one on
_LINES = 6  # of a cell: three posts
# of emoji: how wide they come out each terminal says anew
_JOINING = dict.fromkeys((0x200D, 0xFE0F, *range(0x1F3FB, 0x1F400)))
_OTHER_ZONE = "°"  # at a time that is not by the calendar's clock
STUCK = 10  # posts that are told of in full


def calendar_text(calendar: Calendar, console: Console, *, week: bool) -> None:
    """Print it. `week`: the present week, with all that is known of each post."""
    say(
        console,
        Text(f"{calendar.title}, {when(calendar.now, calendar.zone, calendar.now)}, times in {calendar.zone}", "dim"),
    )
    for notice in calendar.notices:
        for line in finding({"code": notice.code, "message": notice.message, "hint": notice.hint}):
            say(console, line, hang=2)
    _say_stuck(calendar, console)
    if week:
        _say_days(calendar.weeks[:1], calendar, console)
    elif console.width < LEAST_GRID:
        _say_days(calendar.weeks[:WEEKS], calendar, console)
    else:
        _say_grid(calendar.weeks[:WEEKS], calendar, console)
        _say_marks(calendar, console)
    later = [day for one in calendar.weeks[1 if week else WEEKS :] for day in one.days]
    rest = [
        len(calendar.later) + calendar.more[2] + sum(day.number for day in later),
        len(calendar.undated) + calendar.more[1],
    ]
    words = [f"{count(rest[0], 'post')} later"] if rest[0] else []
    words += [f"{rest[1]} without a time"] if rest[1] else []
    if words:
        console.print()
        say(console, Text(", ".join(words), "dim"))


def _say_stuck(calendar: Calendar, console: Console) -> None:
    if not calendar.stuck:
        return
    number = len(calendar.stuck) + calendar.more[0]
    console.print()
    say(console, Text(f"what is stuck, and why ({number})", "bold"))
    for one in calendar.stuck[:STUCK]:
        _say_post(one, calendar, console, "" if one.at is None else when(one.at, one.zone, calendar.now))
    if number > STUCK:
        say(console, Text(f"… and {number - STUCK} more: postpost-sync status"), 2, 2)


def _say_post(one: Entry, calendar: Calendar, console: Console, time: str) -> None:
    at = " ".join(filter(None, (time, calendar.other_zone(one.zone)))) if time else ""
    head = Text.assemble(
        (f"{one.mark} {one.words_at(calendar.now)}", STYLES.get(one.state, "")),
        f"  {at}  " if at else "  ",
        (one.caption, "bold"),
    )
    say(console, head, 2, 2)
    where = " · ".join(filter(None, (", ".join(one.platforms), one.folder if one.text.strip() else "")))
    if where:
        say(console, Text(where, "dim"), 6, 2)
    for found in one.reasons:
        for line in finding({"code": found.code, "message": found.message, "hint": found.hint}):
            say(console, line, 6, 2)


def _say_days(weeks: tuple[Week, ...], calendar: Calendar, console: Console) -> None:
    for week in weeks:
        console.print()
        say(console, Text(week.title, "bold"))
        for day in week.days:
            if not day.number and not day.free and day.date != calendar.today:
                continue
            say(console, Text(day.name + (" (today)" if day.date == calendar.today else ""), "underline"), 2, 2)
            for one in day.entries:
                _say_post(one, calendar, console, f"{one.local:%H:%M}")
            if day.more:
                say(console, Text(f"… and {day.more} more"), 4, 2)
            for slot in day.free:
                zone = calendar.other_zone(slot.zone)
                say(console, Text(f"○ {slot.local:%H:%M}{zone and ' '}{zone} free", "dim"), 4, 2)
        if not week.number:
            say(console, Text("nothing", "dim"), 2, 2)


# --- the grid ---------------------------------------------------------------------------------------------------------


def _say_grid(weeks: tuple[Week, ...], calendar: Calendar, console: Console) -> None:
    width = (console.width - 8) // 7
    console.print()
    _line(console, [Text(name.center(width), "bold") for name in DAYS], " ")
    for week in weeks:
        console.print(Text("├" + "┼".join(["─" * width] * 7) + "┤", "dim"), soft_wrap=True)
        cells = [list(_cell(day, calendar, width)) for day in week.days]
        for at in range(max(map(len, cells))):
            _line(console, [cell[at] if at < len(cell) else Text(" " * width) for cell in cells], "│")
    console.print(Text("└" + "┴".join(["─" * width] * 7) + "┘", "dim"), soft_wrap=True)


def _say_marks(calendar: Calendar, console: Console) -> None:
    """What the marks of the grid mean, those that are in it."""
    days = [day for week in calendar.weeks[:WEEKS] for day in week.days]
    states = {one.state for day in days for one in day.entries}
    words = [f"{mark} {WORDS[state]}" for state, mark in MARKS.items() if state in states]
    words += ["○ free"] if any(day.free for day in days) else []
    named = {one.zone for day in days for one in day.entries} | {one.zone for day in days for one in day.free}
    zones = set(map(calendar.other_zone, named)) - {""}
    words += [f"{_OTHER_ZONE} {', '.join(sorted(zones))}"] if zones else []
    if words:
        say(console, Text("   ".join(words), "dim"), 1)


def _line(console: Console, cells: list[Text], between: str) -> None:
    edge = (between, "dim")
    line = Text.assemble(edge, *(part for cell in cells for part in (cell, edge)))
    line.rstrip()
    console.print(line, soft_wrap=True)


def _cell(day: Day, calendar: Calendar, width: int) -> Iterator[Text]:
    first = day.date.day == 1 or day.date == calendar.weeks[0].monday
    head = f"{day.date.day} {day.month[:3]}" if first else str(day.date.day)
    today = day.date == calendar.today
    head_width = cell_len(head)
    padded = head + ("*" if today else "") + " " * (width - head_width - today)
    yield Text(padded, "bold reverse" if today else "dim" if day.date < calendar.today else "bold")
    shown = day.entries if day.number <= _LINES // 2 else day.entries[: _LINES // 2 - 1]
    for one in shown:
        style = STYLES.get(one.state, "")
        other = _OTHER_ZONE if calendar.other_zone(one.zone) else ""
        yield Text(_fitted(f"{one.mark} {one.local:%H:%M}{other}", width), style)
        yield Text(_fitted(one.caption, width))
    if day.number > len(shown):
        yield Text(_fitted(f"+{day.number - len(shown)} more", width), "dim")
    for slot in day.free[:1]:
        other = _OTHER_ZONE if calendar.other_zone(slot.zone) else ""
        yield Text(_fitted(f"○ {slot.local:%H:%M}{other}", width), "dim")


def _fitted(text: str, width: int) -> str:
    """In so many cells, cut with … where it is longer; a space stays free on its right."""
    text = text.translate(_JOINING)
    return set_cell_size(text if cell_len(text) < width else set_cell_size(text, width - 2) + "…", width)
