"""The days and weeks: where each post stands, what is stuck, what has no day."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from postpost_sync.calendar import entries, weeks
from postpost_sync.calendar.entries import Entry, entry
from postpost_sync.calendar.weeks import Calendar, Day, Slot
from postpost_sync.model.errors import Finding
from postpost_sync.model.states import NEEDS_PERSON, State
from postpost_sync.model.view import facts
from tests.support import calendar_posts as posts

NOW = datetime(2026, 12, 1, 9, 0, tzinfo=UTC)  # a Tuesday
BERLIN = "Europe/Berlin"
EVERY = [entry(one) for one in posts.records(NOW)]


def made(*those: Entry, now: datetime = NOW, zone: str = BERLIN, **more: object) -> Calendar:
    return weeks.calendar("Posts", those, now, zone, **more)  # type: ignore[arg-type]


def day(of: Calendar, on: date) -> Day:
    return next(day for week in of.every for day in week.days if day.date == on)


def at(moment: datetime, zone: str = BERLIN, **more: object) -> Entry:
    return replace(EVERY[0], at=moment, zone=zone, **more)  # type: ignore[arg-type]


# --- which weeks ------------------------------------------------------------------------------------------------------


def test_it_shows_the_last_two_weeks_this_one_and_the_next_eight_each_from_monday() -> None:
    shown = made()
    assert [week.monday.isoformat() for week in shown.past] == ["2026-11-16", "2026-11-23"]
    assert [week.monday.isoformat() for week in shown.weeks][::8] == ["2026-11-30", "2027-01-25"]
    assert len(shown.weeks) == 9
    assert all(len(week.days) == 7 for week in shown.every)


def test_weeks_are_called_what_people_call_them() -> None:
    shown = made()
    assert [week.title for week in (*shown.past[-1:], *shown.weeks[:3])] == [
        "Last week, 23 to 29 November",
        "This week, 30 November to 6 December",
        "Next week, 7 to 13 December",
        "14 to 20 December",
    ]
    assert [week.month for week in shown.weeks if week.month] == ["November 2026 / December 2026", "January 2027"]


def test_today_is_that_of_the_roots_zone() -> None:
    late = datetime(2026, 12, 6, 23, 30, tzinfo=UTC)  # Monday morning in Berlin
    assert made(now=late).today == date(2026, 12, 7)
    assert made(now=late, zone="America/New_York").today == date(2026, 12, 6)


# --- where a post stands ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("moment", "zone", "on"),
    [
        (datetime(2026, 12, 3, 23, 30, tzinfo=UTC), BERLIN, date(2026, 12, 4)),
        (datetime(2026, 12, 3, 23, 30, tzinfo=UTC), "America/New_York", date(2026, 12, 3)),
        (datetime(2026, 12, 3, 23, 30, tzinfo=UTC), "No/Such_Zone", date(2026, 12, 3)),
    ],
)
def test_a_post_stands_on_the_day_on_which_it_goes_out_by_its_own_zone(moment: datetime, zone: str, on: date) -> None:
    assert [one.at for one in day(made(at(moment, zone)), on).entries] == [moment]


def test_the_posts_of_a_day_stand_by_time_and_many_are_counted() -> None:
    those = [at(NOW + timedelta(minutes=n), id=str(n)) for n in reversed(range(weeks.MOST_A_DAY + 5))]
    found = day(made(*those), date(2026, 12, 1))
    assert [one.id for one in found.entries] == [str(n) for n in range(weeks.MOST_A_DAY)]
    assert (found.more, found.number) == (5, weeks.MOST_A_DAY + 5)


def test_what_lies_further_ahead_is_listed_and_what_lies_further_back_is_not() -> None:
    later, long_ago = at(NOW + timedelta(days=80), id="later"), at(NOW - timedelta(days=40), id="ago")
    shown = made(later, long_ago)
    assert [one.id for one in shown.later] == ["later"]
    assert not [one for week in shown.every for found in week.days for one in found.entries]


def test_what_has_no_time_is_listed_unless_it_is_cancelled() -> None:
    drafted, gone = replace(EVERY[5], at=None), replace(EVERY[12], at=None)
    assert (drafted.state, gone.state) == (State.DRAFTED, State.CANCELLED)
    assert made(drafted, gone).undated == (drafted,)


def test_free_slots_stand_on_their_days_and_none_on_a_day_that_is_over() -> None:
    shown = made(slots=[Slot(NOW + timedelta(days=n), BERLIN) for n in (-1, 2)])
    assert [f"{one.local:%H:%M}" for one in day(shown, date(2026, 12, 3)).free] == ["10:00"]
    assert day(shown, date(2026, 11, 30)).free == ()


# --- what is stuck ----------------------------------------------------------------------------------------------------


def test_stuck_is_what_needs_a_person_then_what_is_tried_again_the_nearest_first() -> None:
    retried = replace(EVERY[0], id="retried", reasons=(Finding("SERVICE_TROUBLE", "no answer"),))
    near, far = (replace(EVERY[9], id=str(n), at=NOW + timedelta(hours=n)) for n in (1, 9))
    before = replace(EVERY[10], id="before", at=NOW - timedelta(hours=4))
    assert [one.id for one in made(retried, far, before, near).stuck] == ["1", "before", "9", "retried"]


def test_every_state_that_needs_a_person_is_stuck_and_none_that_is_well() -> None:
    for one in EVERY:
        assert one.stuck == (one.state in NEEDS_PERSON), one.state


# --- what is said of a post -------------------------------------------------------------------------------------------


def test_an_entry_says_what_status_says() -> None:
    for record, one in zip(posts.records(NOW), EVERY, strict=True):
        said = facts(record)
        assert one.state.value == said["state"]
        assert (one.at.strftime("%Y-%m-%dT%H:%M:%S.000Z") if one.at else None) == said["scheduled_time"]
        assert list(one.platforms) == said["platforms"]
        assert [medium.shown for medium in one.media] == [medium["file"] for medium in said["media"]]
        assert [result.status for result in one.results] == [result["status"] for result in said["results"]]
        if said["error"]:
            assert said["error"]["message"] in [found.message for found in one.reasons]
        assert said["folder"].endswith(one.folder)


def test_every_state_has_words_and_a_mark() -> None:
    assert set(entries.WORDS) == set(entries.MARKS) == set(State)


def test_the_caption_is_the_first_words_or_the_folder() -> None:
    assert replace(EVERY[0], text="one\n\n  two").caption == "one two"
    assert replace(EVERY[0], text="word " * 100).caption == ("word " * 28)[:139].rstrip() + "…"
    assert replace(EVERY[0], text=" \n").caption == EVERY[0].folder


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("caf\u00e9 👩‍🍳\nnext line\ttab", "caf\u00e9 👩‍🍳\nnext line\ttab"),
        ("turned \u202egnp.exe", "turned gnp.exe"),
        ("bell\x07 null\x00 \udcff half", "bell null  half"),
        ("para\u2029graph", "para\ngraph"),
    ],
)
def test_text_is_shown_without_what_would_break_or_turn_it(text: str, shown: str) -> None:
    assert entries.readable(text) == shown


def test_what_is_no_post_folder_is_shown_as_status_shows_it() -> None:
    (odd,) = entries.oddities(posts.root_status("/srv/posts", NOW), BERLIN, NOW)
    assert (odd.state, odd.folder, odd.reasons[0].code) == (State.INVALID, "no sidecar here", "NO_SIDECAR")
