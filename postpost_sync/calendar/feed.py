"""The calendar as iCalendar (RFC 5545), for phones and for Google, Apple and Outlook to subscribe to.

An event keeps its UID for as long as the folder is known, also where it is moved or renamed. Its SEQUENCE grows with each
change of the post, also over a lost database, and fits into 32 bits, or some importers refuse it. What is cancelled is left
out, and disappears from the calendars with their next look. Times are UTC: each calendar shows them by its owner's clock,
and no VTIMEZONE is needed, which each of them reads in its own way. METHOD, DTSTAMP and SEQUENCE are there for Outlook, and
an ORGANIZER is not, for with one it takes posts for invitations.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from postpost_sync import __version__
from postpost_sync.calendar.entries import Entry
from postpost_sync.model.states import State

if TYPE_CHECKING:
    import icalendar

LASTS = timedelta(minutes=15)  # a post takes no time, but calendars hardly show what takes none
REFRESH = timedelta(minutes=15)  # how often those who subscribe may look again
_SINCE = datetime(2020, 1, 1, tzinfo=UTC)
_SETTLED = frozenset({State.SCHEDULED, State.PUBLISHED, State.PARTIALLY_PUBLISHED})


def feed(title: str, entries: Iterable[Entry]) -> bytes:
    """The feed of the posts that have a time."""
    import icalendar

    made = icalendar.Calendar()
    made.add("prodid", f"-//postpost-sync//{__version__}//EN")
    made.add("version", "2.0")
    made.add("calscale", "GREGORIAN")
    made.add("method", "PUBLISH")
    made.add("name", icalendar.vText(title))  # RFC 7986; the next one is what Apple and Google read
    made.add("x-wr-calname", icalendar.vText(title))
    made.add("refresh-interval", REFRESH, {"VALUE": "DURATION"})
    made.add("x-published-ttl", icalendar.vDuration(REFRESH))
    # each as bytes at once: as icalendar's own a thousand events take 20 MB
    events = sorted(
        (one.at, one.id, bytes(_event(one, one.at).to_ical()))
        for one in entries
        if one.at is not None and one.state is not State.CANCELLED
    )
    head, end, _ = bytes(made.to_ical()).rpartition(b"END:VCALENDAR")
    return b"".join([head, *(event for _, _, event in events), end, b"\r\n"])


def _event(one: Entry, at: datetime) -> icalendar.Event:
    import icalendar

    event = icalendar.Event()
    event.add("uid", f"{one.id}@postpost-sync")
    event.add("dtstamp", one.updated_at)
    event.add("last-modified", one.updated_at)
    event.add("sequence", sequence(one))
    event.add("dtstart", at)
    event.add("dtend", at + LASTS)
    event.add("summary", f"{one.mark} {one.caption}" + ("" if one.state in _SETTLED else f" ({one.words})"))
    event.add("description", _description(one))
    if url := next((result.link for result in one.results if result.link), None):
        event.add("url", url)
    event.add("status", "CONFIRMED" if one.state in _SETTLED else "TENTATIVE")
    event.add("transp", "TRANSPARENT")  # nobody is busy meanwhile
    event.add("x-microsoft-cdo-busystatus", icalendar.vText("FREE"))  # the same for Outlook
    event.add("categories", [one.words])
    return event


def sequence(one: Entry) -> int:
    """When it changed last, in seconds since 2020: it never goes back, and is the same for the same post."""
    return min(max(0, int((one.updated_at - _SINCE).total_seconds())), 2**31 - 1)


def _description(one: Entry) -> str:
    parts = [f"{one.words} · {', '.join(one.platforms) or 'no accounts named'}"]
    parts += [f"{found.message}" + (f"\nWhat to do: {found.hint}" if found.hint else "") for found in one.reasons]
    parts += [one.text] if one.text else []
    parts += ["\n".join(f"{result.platform}: {result.link}" for result in one.results if result.link)]
    return "\n\n".join(filter(None, [*parts, f"Folder: {one.folder}"]))
