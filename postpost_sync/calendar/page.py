"""The calendar as one HTML page: a file that needs nothing but itself, or what `web` serves.

Of the file no request leaves: its Content-Security-Policy allows its own style, by its hash, and pictures that stand in
it. There is no script. Everything from outside goes through jinja2's autoescape.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any, NamedTuple

from postpost_sync.calendar.entries import MARKS, WORDS, Entry, when
from postpost_sync.calendar.history import Event
from postpost_sync.calendar.weeks import WEEKS_AFTER, Calendar
from postpost_sync.model.states import State

if TYPE_CHECKING:
    from jinja2 import Environment

_SHOWS, _ASOF = "\0shows\0", "\0asof\0"  # put in at last: no text from outside has a NUL, see entries.readable
MOST_PAGE = 5_000_000  # bytes of a file
UNFOLDED = 6  # of what is stuck, and of a day: the calendar is not to stand far below, nor the next week
_A_POST = 2000  # bytes that a post takes without its picture, at the most for nearly all

_OF_MANY = {
    State.SETTLING: "waiting for their files",
    State.INVALID: "need a change",
    State.DRAFTED: "drafts without a time",
}


class _Count(NamedTuple):
    """How many posts are in a state, with its mark, which it explains, and its words for so many."""

    state: State
    number: int
    mark: str
    words: str


Pictures = Callable[[Entry], bytes | None]  # a JPEG thumbnail of its first file


def style() -> str:
    """The style sheet."""
    return files(__package__).joinpath("page.css").read_text(encoding="utf-8")


@dataclass(frozen=True, slots=True)
class FilePage:
    data: bytes
    shows: str  # equal for pages that show the same, whenever they were made; it stands in the page, see `shown_by`


def file_page(calendar: Calendar, pictures: Pictures) -> FilePage:
    """The page as a file, with as many pictures as fit into it: of what is stuck, then by time."""
    text = style()
    digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
    policy = f"default-src 'none'; img-src data:; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    inlined = _inlined(calendar, pictures)
    for found in (inlined, {}):  # texts that are longer than was thought: then without pictures
        made = _render(
            calendar,
            lambda one, found=found: found.get(one.id),  # type: ignore[misc]
            live=False,
            style=text,
            policy=policy,
            shows=_SHOWS,
            asof=_ASOF,
        )
        if len(made) <= MOST_PAGE:
            break
    shows = hashlib.sha256(made).hexdigest()
    made = made.replace(_SHOWS.encode(), shows.encode()).replace(_ASOF.encode(), _asof(calendar).encode())
    return FilePage(made, shows)


def shown_by(head: bytes) -> str | None:
    """What a page shows, as `FilePage.shows` has it; `head` are its first bytes. None where it is no page of ours."""
    found = re.search(rb'<meta name="shows" content="([0-9a-f]{64})">', head)
    return found[1].decode() if found else None


def _asof(calendar: Calendar) -> str:
    """When it was made: no text from outside, and nothing to escape."""
    words = when(calendar.now, calendar.zone, calendar.now)
    return f'<time datetime="{calendar.now.isoformat()}">{words}</time>'


def live_page(calendar: Calendar, address: Callable[[Entry], str | None], version: str) -> bytes:
    """The page as it is served; `address` of the thumbnail of a post's first file. `version`: of what it shows."""
    return _render(calendar, address, live=True, asof=_asof(calendar), version=version)


def post_page(one: Entry, events: Sequence[Event], uploads: Sequence[str], now: datetime, version: str) -> bytes:
    """All about one post, as it is served. `uploads`: how far each of its media is, in words."""
    return (
        _environment()
        .get_template("post.html.j2")
        .render(
            one=one,
            events=events,
            uploads=uploads,
            now=now,
            version=version,
            local=lambda moment, zone: when(moment, zone, now),
            size=lambda number: f"{number / 1e6:,.1f} MB" if number >= 1e6 else f"{number / 1e3:,.0f} kB",
        )
        .encode()
    )


def _inlined(calendar: Calendar, pictures: Pictures) -> dict[str, str]:
    """Post -> its picture, as it stands in the page."""
    shown = [one for week in (*calendar.weeks, *calendar.past) for day in week.days for one in day.entries]
    every = [*calendar.stuck, *shown, *calendar.undated]
    twice = {one.id for one in calendar.stuck} & {one.id for one in shown}
    room = MOST_PAGE - 40_000 - _A_POST * (len(every) + len(calendar.later))
    found: dict[str, str] = {}
    for one in every:
        if room <= 0:
            break
        if one.id in found or not one.media or (data := pictures(one)) is None:
            continue
        text = "data:image/jpeg;base64," + base64.b64encode(data).decode()
        room -= len(text) * (1 + (one.id in twice))
        if room > 0:
            found[one.id] = text
    return found


def _render(calendar: Calendar, thumb: Callable[[Entry], str | None], *, live: bool, **more: Any) -> bytes:
    first = calendar.weeks[0].monday if calendar.weeks else calendar.today
    coming = sorted(_coming(calendar), key=lambda one: one.at or calendar.now)
    # piece by piece: as one text, and then as bytes, a large page would take its size four times
    return b"".join(
        piece.encode()
        for piece in _environment()
        .get_template("page.html.j2")
        .generate(
            calendar=calendar,
            thumb=thumb,
            live=live,
            unfolded=UNFOLDED,
            placed={one.id for week in calendar.every for day in week.days for one in day.entries},
            local=lambda moment, zone: when(moment, zone, calendar.now),
            summary=list(_summary(calendar)),
            next=coming[0] if coming else None,
            past=sum(week.number for week in calendar.past),
            earlier=(first - timedelta(weeks=WEEKS_AFTER + 1)).isoformat(),
            after=(first + timedelta(weeks=WEEKS_AFTER + 1)).isoformat(),
            **more,
        )
    )


def _coming(calendar: Calendar) -> Iterator[Entry]:
    days = (day for week in calendar.every for day in week.days)
    every = (*(one for day in days for one in day.entries), *calendar.later)
    return (one for one in every if one.state is State.SCHEDULED and one.at is not None and one.at > calendar.now)


def _summary(calendar: Calendar) -> Iterator[_Count]:
    """Of each state that there is."""
    for state, number in sorted(calendar.number.items(), key=lambda one: list(State).index(one[0])):
        words = WORDS[state] if number == 1 else _OF_MANY.get(state, WORDS[state])
        yield _Count(state, number, MARKS[state], words)


@cache
def _environment() -> Environment:
    from jinja2 import Environment, FunctionLoader, StrictUndefined

    def load(name: str) -> str:
        return files(__package__).joinpath(name).read_text(encoding="utf-8")

    return Environment(
        loader=FunctionLoader(load), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
