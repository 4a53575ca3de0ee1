"""One post as it is shown to somebody who looks: what, when, where to, how it stands, what is wrong and the way out. Pure.

It says what `status --json` says, from the same functions. Text from outside comes out in one piece that cannot break
what it is put into: without control characters, and without those that turn the direction of what follows.
"""

from __future__ import annotations

import hashlib
import os
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime

from postpost_sync.model.errors import Finding, printable
from postpost_sync.model.folder import Stat
from postpost_sync.model.links import link
from postpost_sync.model.program import RootStatus
from postpost_sync.model.record import Group, PlatformResult, Record, draft_group, kept_results, live_group
from postpost_sync.model.states import NEEDS_PERSON, State
from postpost_sync.model.times import YEARS, TimeProblem, zone
from postpost_sync.model.view import shown_group

FIRST_WORDS = 140  # characters of a caption that are shown
MOST_TEXT = 2000  # characters of a post's text that are shown at all

WORDS: Mapping[State, str] = {
    State.SETTLING: "waiting for its files",
    State.INVALID: "needs a change",
    State.DRAFTING: "being prepared",
    State.UPLOADING: "uploading",
    State.DRAFTED: "draft without a time",
    State.HELD: "on hold",
    State.SCHEDULED: "scheduled",
    State.PUBLISHED: "published",
    State.PARTIALLY_PUBLISHED: "partly published",
    State.FAILED: "failed",
    State.CANCELLED: "cancelled",
}
MARKS: Mapping[State, str] = {  # what tells the states apart without colour
    State.SETTLING: "…",
    State.INVALID: "!",
    State.DRAFTING: "↑",
    State.UPLOADING: "↑",
    State.DRAFTED: "○",
    State.HELD: "‖",
    State.SCHEDULED: "●",
    State.PUBLISHED: "✓",
    State.PARTIALLY_PUBLISHED: "◐",
    State.FAILED: "✕",
    State.CANCELLED: "⊘",
}


@dataclass(frozen=True, slots=True)
class Medium:
    """A file of a post. `sha256` and the others are None where it was not sent yet: nothing but its name is known."""

    name: str  # as it lies there, not made printable
    size: int
    stat: Stat | None = None
    content_type: str | None = None
    sha256: str | None = None

    @property
    def shown(self) -> str:
        return printable(self.name)

    @property
    def is_video(self) -> bool:
        return (self.content_type or "").startswith("video/")


@dataclass(frozen=True, slots=True)
class Result:
    """What became of it on one network."""

    platform: str
    status: str
    posted_id: str | None
    link: str | None
    error: Finding | None


@dataclass(frozen=True, slots=True)
class Entry:
    """One post. `at` is UTC, None where it has no time; `zone` is the zone its owner thinks in."""

    id: str  # stays the same, also where the folder is moved
    key: int
    root: str  # as it lies there
    path: str  # below the root, as it lies there
    folder: str
    state: State
    at: datetime | None
    zone: str
    text: str
    platforms: tuple[str, ...]
    media: tuple[Medium, ...]
    reasons: tuple[Finding, ...]  # what is wrong, each with the way out
    warnings: tuple[Finding, ...]
    results: tuple[Result, ...]
    retry_at: datetime | None
    first_seen: datetime
    updated_at: datetime

    @property
    def local(self) -> datetime | None:
        return in_zone(self.at, self.zone) if self.at is not None else None

    @property
    def day(self) -> date | None:
        """The day on which it goes out where its owner is."""
        local = self.local
        return local.date() if local is not None else None

    @property
    def caption(self) -> str:
        """The first words of its text; its folder where it has none that is known."""
        words = " ".join(self.text.split())
        if not words:
            return self.folder
        return words if len(words) <= FIRST_WORDS else words[: FIRST_WORDS - 1].rstrip() + "…"

    @property
    def words(self) -> str:
        """Its state, for people."""
        return WORDS[self.state]

    def words_at(self, now: datetime) -> str:
        """The same to somebody who looks now, who cannot take it as scheduled when it was to be out."""
        overdue = self.state is State.SCHEDULED and self.at is not None and self.at <= now
        return "due, outcome not known yet" if overdue else self.words

    @property
    def mark(self) -> str:
        return MARKS[self.state]

    @property
    def needs_person(self) -> bool:
        return self.state in NEEDS_PERSON

    @property
    def stuck(self) -> bool:
        """Whether it stands still: it waits for a person, or something is wrong that is tried again by itself."""
        return self.needs_person or (bool(self.reasons) and self.state is not State.CANCELLED)

    @property
    def networks(self) -> tuple[str, ...]:
        """The networks it goes to, each once, without the accounts."""
        return tuple(dict.fromkeys(one.partition("-")[0] for one in self.platforms))


def entry(record: Record) -> Entry:
    """One post of the database."""
    group = shown_group(record)
    time = (group.answered_time if group else None) or record.time
    if time is not None and time.year not in YEARS:
        time = None  # no day that a calendar could show: the service may answer what it likes
    results = (*kept_results(record), *(group.results if group else ()))
    failed = tuple(one.error for one in results if one.error is not None)
    own = (record.error,) if record.error is not None and record.error not in failed else ()
    written = group or next((one for one in reversed(record.groups) if one.content), None)
    return Entry(
        id=record.folder_id,
        key=record.key,
        root=record.root,
        path=record.path,
        folder=printable(record.path) + (f" ({printable(record.part)})" if record.part else ""),
        state=record.state,
        at=time,
        zone=record.timezone,
        text=readable(written.content[:MOST_TEXT]) if written else "",
        platforms=tuple(printable(one) for one in record.platforms),
        media=_media(record),
        reasons=tuple(_clean(one) for one in (*own, *failed)),
        warnings=tuple(_clean(one) for one in record.warnings),
        results=tuple(_result(one) for one in results),
        retry_at=record.retry_at,
        first_seen=record.first_seen,
        updated_at=record.updated_at,
    )


def oddities(root: RootStatus, zone_name: str, now: datetime) -> list[Entry]:
    """The folders of a root that are no post folders, although somebody may think that they are."""
    found = []
    for odd in root.oddities:
        digest = hashlib.blake2b(os.fsencode(f"{root.path}/{odd.path}"), digest_size=8).hexdigest()
        path = printable(odd.path) or os.path.basename(printable(root.path))
        seen = root.last_scan or now
        found.append(
            Entry(
                id=f"odd-{digest}", key=0, root=root.path, path=odd.path, folder=path, state=State.INVALID, at=None,
                zone=zone_name, text="", platforms=(), media=(), reasons=(_clean(odd.finding),), warnings=(), results=(),
                retry_at=None, first_seen=seen, updated_at=seen,
            )
        )  # fmt: skip
    return found


def in_zone(moment: datetime, zone_name: str) -> datetime:
    """The moment by the clock of a zone; by UTC's where there is no such zone."""
    try:
        return moment.astimezone(zone(zone_name))
    except TimeProblem:
        return moment.astimezone(zone("UTC"))


_DAYS = "Mon Tue Wed Thu Fri Sat Sun".split()
_MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()


def when(moment: datetime, zone_name: str, now: datetime) -> str:
    """`Thu 3 Dec 14:30` by the clock of that zone, with the year where it is not the present one; never the locale's words."""
    local = in_zone(moment, zone_name)
    year = "" if local.year == in_zone(now, zone_name).year else f" {local.year}"
    return f"{_DAYS[local.weekday()]} {local.day} {_MONTHS[local.month - 1]}{year} {local:%H:%M}"


def readable(text: str) -> str:
    """Text for people to read. Emoji stay whole, so `printable` is not for it."""
    if text.isprintable():
        return text
    return "".join(_harmless(text))


_TURNING = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def _harmless(text: str) -> Iterable[str]:
    for one in text:
        if one in "\n\t":
            yield one
        elif one not in _TURNING and unicodedata.category(one) not in ("Cc", "Cs"):
            yield one if one not in "\u2028\u2029" else "\n"


def _clean(found: Finding) -> Finding:
    return Finding(printable(found.code), readable(found.message), readable(found.hint))


def _result(result: PlatformResult) -> Result:
    posted = printable(result.posted_id) if result.posted_id else None
    error = _clean(result.error) if result.error is not None else None
    url = result.url or link(result.platform_id, posted)
    return Result(printable(result.platform_id), printable(result.status), posted, url, error)


def _media(record: Record) -> tuple[Medium, ...]:
    """As `status` shows them: of the draft that is being built, else of the post that stands."""
    building: Group | None = draft_group(record) or live_group(record)
    if building is None:
        return tuple(Medium(one.name, one.size) for one in record.media)
    return tuple(Medium(one.name, one.stat.size, one.stat, one.content_type, one.sha256) for one in building.uploads)
