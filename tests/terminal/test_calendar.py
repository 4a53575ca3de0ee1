"""The calendar in a terminal, at 80 columns and wider, and narrower: nothing runs over, nothing is lost."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from io import StringIO

import pytest
from rich.cells import cell_len
from rich.console import Console

from postpost_sync.calendar import weeks
from postpost_sync.calendar.entries import entry
from postpost_sync.calendar.weeks import Calendar, Slot
from postpost_sync.model.errors import Finding
from postpost_sync.terminal.calendar import calendar_text
from tests.support import calendar_posts as posts

NOW = datetime(2026, 12, 1, 9, 0, tzinfo=UTC)
BERLIN = "Europe/Berlin"


def calendar(number: int = 60, **more: object) -> Calendar:
    every = [entry(one) for one in posts.records(NOW, number)]
    return weeks.calendar("posts", every, NOW, BERLIN, **more)  # type: ignore[arg-type]


def drawn(of: Calendar, width: int = 80, *, week: bool = False) -> list[str]:
    out = StringIO()
    calendar_text(of, Console(file=out, width=width, highlight=False), week=week)
    return out.getvalue().splitlines()


@pytest.mark.parametrize("width", [40, 78, 80, 120, 200])
@pytest.mark.parametrize("week", [False, True], ids=["month", "week"])
def test_no_line_is_wider_than_the_screen(width: int, week: bool) -> None:
    assert [line for line in drawn(calendar(), width, week=week) if cell_len(line) > width] == []


def test_the_month_is_a_grid_of_five_weeks_with_marks_and_times() -> None:
    lines = drawn(calendar())
    grid = lines[next(at for at, line in enumerate(lines) if line.strip().startswith("Mon ")) :]
    assert grid[0].split() == "Mon Tue Wed Thu Fri Sat Sun".split()
    assert sum(line.startswith("├") for line in grid) == 5
    assert any("1 Dec*" in line for line in grid)
    assert any("● 10:00" in line for line in grid)
    assert any("more" in line for line in grid)


def test_on_a_narrow_screen_the_days_stand_below_each_other() -> None:
    lines = drawn(calendar(), 60)
    assert not any(line.startswith("├") for line in lines)
    assert "  Thu 3 December" in lines


def test_what_is_stuck_is_said_first_with_why_and_the_way_out() -> None:
    text = " ".join(" ".join(drawn(calendar())).split())
    assert text.index("what is stuck, and why") < text.index("Mon Tue")
    assert "the plan has no room for another post this month (100 of 100) [POST_LIMIT_REACHED]" in text
    assert "hint: wait until 1 January, or upgrade the plan at PostPost" in text


def test_the_week_names_what_goes_out_on_thursday() -> None:
    lines = drawn(calendar(), week=True)
    thursday = lines.index("  Thu 3 December")
    friday = lines.index("  Fri 4 December")
    said = " ".join(" ".join(lines[thursday:friday]).split())
    assert "● scheduled 13:30 The view from table four tonight." in said
    assert "twitter-123 · post-01" in said


def test_a_time_by_another_clock_is_told_from_the_others() -> None:
    one = replace(entry(posts.record(0, NOW)), zone="America/New_York")
    slot = Slot(NOW + timedelta(days=3), "Asia/Tokyo")
    shown = weeks.calendar("posts", [one, entry(posts.record(5, NOW))], NOW, BERLIN, slots=[slot])
    lines = drawn(shown, 120)
    assert any("● 04:00°" in line for line in lines)
    assert any("○ 18:00°" in line for line in lines)
    assert "° America/New_York, Asia/Tokyo" in " ".join(lines)
    assert any("● scheduled  04:00 America/New_York  New winter hours" in line for line in drawn(shown, week=True))
    assert any("○ 18:00 Asia/Tokyo free" in line for line in drawn(shown, week=True))
    assert "°" not in "".join(drawn(weeks.calendar("posts", [entry(posts.record(0, NOW))], NOW, BERLIN)))


def test_emoji_of_several_characters_are_shown_and_do_not_move_the_grid() -> None:
    one = replace(entry(posts.record(0, NOW)), text="👩\u200d🍳❤\ufe0f👍\U0001f3fd at work")
    lines = drawn(weeks.calendar("posts", [one], NOW, BERLIN))
    assert any("│👩🍳❤👍 … │" in line for line in lines)


def test_what_is_coming_is_not_dim() -> None:
    out = StringIO()
    calendar_text(calendar(), Console(file=out, width=80, force_terminal=True, color_system="standard"), week=False)
    line = next(one for one in out.getvalue().splitlines() if "New wint" in one)
    assert "\x1b[2m│\x1b[0m" in line
    assert "New wint… \x1b[2m│" in line


def test_free_slots_and_what_is_odd_about_the_program_are_said() -> None:
    shown = calendar(
        0, slots=[Slot(NOW + timedelta(days=2), BERLIN)], notices=[Finding("DAEMON_DOWN", "not running", "start it")]
    )
    lines = drawn(shown)
    assert "not running [DAEMON_DOWN]" in lines
    assert any("○ 10:00" in line for line in lines)
    assert any("○ 10:00 free" in line for line in drawn(shown, week=True))


def test_what_the_marks_of_the_grid_mean_stands_below_it_for_those_that_are_in_it() -> None:
    lines = drawn(calendar(1, slots=[Slot(NOW + timedelta(days=2), BERLIN)]))
    assert lines[lines.index(next(line for line in lines if line.startswith("└"))) + 1] == " ● scheduled   ○ free"
    lines = drawn(calendar())
    text = " ".join(" ".join(lines[lines.index(next(line for line in lines if line.startswith("└"))) :]).split())
    assert text.startswith("└")
    assert all(words in text for words in ("‖ on hold", "↑ uploading", "● scheduled"))
    assert " free" not in "".join(drawn(calendar(0)))
