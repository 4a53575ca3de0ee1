"""The feed, read by the library that wrote it, by another one, and line by line: what phones and web calendars rely on."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import icalendar
import vobject

from postpost_sync.calendar.entries import entry
from postpost_sync.calendar.feed import feed
from postpost_sync.model.states import State
from tests.support import calendar_posts as posts

NOW = datetime(2026, 12, 1, 9, 0, tzinfo=UTC)
EVERY = [entry(one) for one in posts.records(NOW)]


def events(*those: object) -> list[Any]:
    return list(icalendar.Calendar.from_ical(feed("Posts", those or EVERY)).walk("VEVENT"))  # type: ignore[arg-type]


def test_each_post_with_a_time_is_an_event_and_what_is_cancelled_is_none() -> None:
    expected = {f"{one.id}@postpost-sync" for one in EVERY if one.at is not None and one.state is not State.CANCELLED}
    assert {str(one["uid"]) for one in events()} == expected
    assert any(one.state is State.CANCELLED for one in EVERY)


def test_an_event_stands_at_the_moment_at_which_the_post_goes_out() -> None:
    (event,) = events(EVERY[0])
    assert event["dtstart"].dt == EVERY[0].at
    assert event["dtstart"].dt.utcoffset() == timedelta(0)
    assert str(event["transp"]) == "TRANSPARENT"


def test_it_keeps_its_uid_and_its_sequence_grows_when_the_post_changes_or_moves() -> None:
    (before,) = events(EVERY[0])
    assert EVERY[0].at is not None
    moved = replace(
        EVERY[0],
        folder="elsewhere",
        at=EVERY[0].at + timedelta(days=1),
        updated_at=EVERY[0].updated_at + timedelta(minutes=1),
    )
    (after,) = events(moved)
    assert after["uid"] == before["uid"]
    assert after["sequence"] > before["sequence"]
    assert after["last-modified"].dt > before["last-modified"].dt


def test_its_sequence_does_not_go_back_where_the_database_was_lost_and_fits_where_it_is_read() -> None:
    anew = replace(EVERY[0], first_seen=EVERY[0].updated_at)
    (before,), (after,) = events(EVERY[0]), events(anew)
    assert after["sequence"] == before["sequence"]
    for year in (1970, 2026, 2100, 8999):
        (event,) = events(replace(EVERY[0], updated_at=datetime(year, 1, 1, tzinfo=UTC)))
        assert 0 <= event["sequence"] < 2**31


def test_another_library_reads_the_same() -> None:
    raw = feed('Posts, "and" more; all', EVERY).decode()
    read = vobject.readOne(raw)
    read.validate(raiseException=True)
    assert read.x_wr_calname.value == 'Posts, "and" more; all'
    assert (read.method.value, read.version.value, read.calscale.value) == ("PUBLISH", "2.0", "GREGORIAN")
    told = {one.uid.value: one for one in read.vevent_list}
    dated = [one for one in EVERY if one.at is not None and one.state is not State.CANCELLED]
    assert len(told) == len(read.vevent_list) == len(dated)
    for one in dated:
        event = told[f"{one.id}@postpost-sync"]
        assert event.dtstart.value == one.at
        assert event.dtend.value > event.dtstart.value
        assert one.caption in event.summary.value
        assert one.text in event.description.value
        assert all(found.message in event.description.value for found in one.reasons)


def test_it_is_as_calendars_want_it() -> None:
    """RFC 5545 has them required or at most once; Outlook wants METHOD, DTSTAMP and SEQUENCE, and no ORGANIZER."""
    read: Any = icalendar.Calendar.from_ical(feed("Posts", EVERY))
    assert read.errors == []
    lines = feed("Posts", EVERY).decode().replace("\r\n ", "").split("\r\n")
    for name in ("VERSION", "PRODID", "METHOD", "CALSCALE", "X-WR-CALNAME", "X-PUBLISHED-TTL"):
        assert sum(line.startswith(f"{name}:") for line in lines) == 1, name
    assert lines[0] == "BEGIN:VCALENDAR"
    assert "REFRESH-INTERVAL;VALUE=DURATION:PT15M" in lines
    for event in read.walk("VEVENT"):
        assert event.errors == []
        once = ("uid", "dtstamp", "dtstart", "dtend", "sequence", "summary", "description", "status", "last-modified")
        assert all(name in event and not isinstance(event[name], list) for name in once)
        assert "organizer" not in event
        assert "attendee" not in event
        assert event["status"] in ("CONFIRMED", "TENTATIVE")
        assert event["dtstamp"].dt.tzinfo is not None
    assert not list(read.walk("VTIMEZONE"))
    assert not any("TZID" in line for line in lines)


def test_what_is_out_leads_to_where_it_can_be_seen() -> None:
    out = next(one for one in EVERY if any(result.link for result in one.results))
    (event,) = events(out)
    assert str(event["url"]) == next(result.link for result in out.results if result.link)
    assert f"linkedin-ABC: {event['url']}" in str(event["description"])
    assert "url" not in events(EVERY[0])[0]


def test_the_same_posts_make_the_same_bytes() -> None:
    assert feed("Posts", EVERY) == feed("Posts", reversed(EVERY))


def test_text_that_looks_like_a_property_is_text() -> None:
    nasty = replace(EVERY[0], text="one\nEND:VEVENT\nATTACH:file:///etc/passwd\r\nfoo; bar, \\n baz")
    raw = feed("Posts\nX-EVIL:1", [nasty]).decode()
    lines = raw.replace("\r\n ", "").split("\r\n")
    assert [line for line in lines if line.startswith(("ATTACH", "X-EVIL"))] == []
    assert lines.count("END:VEVENT") == 1


def test_lines_end_and_are_folded_as_the_standard_has_it() -> None:
    raw = feed("Posts", EVERY)
    assert raw.endswith(b"\r\n")
    assert all(len(line) <= 75 for line in raw.split(b"\r\n"))
    letters = [len(line.decode()) for line in raw.split(b"\r\n")]  # none is parted by a fold
    assert sum(letters) < len(raw)
    assert b"\n" not in raw.replace(b"\r\n", b"")


def test_what_is_stuck_says_why_and_the_way_out() -> None:
    held = next(one for one in EVERY if one.state is State.HELD)
    (event,) = events(held)
    assert str(event["summary"]).endswith("(on hold)")
    assert held.reasons[0].message in str(event["description"])
    assert f"What to do: {held.reasons[0].hint}" in str(event["description"])
    assert str(event["status"]) == "TENTATIVE"
