"""The words in which news is told: one message for all that is to be said at once. Pure."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from postpost_sync.model import view
from postpost_sync.model.errors import printable
from postpost_sync.model.record import Record
from postpost_sync.notify.events import Changes, Event, Kind, Standing

NAMED = 5  # subjects of one event that are named; the others are counted
LONGEST = 3000  # characters of a body, headings aside: Telegram and ntfy take about 4,000
_LINE = 400  # characters of a line


class Tone(StrEnum):
    """How it is marked, where that is possible."""

    FAILURE = "failure"
    WARNING = "warning"
    SUCCESS = "success"


@dataclass(frozen=True, slots=True)
class Message:
    title: str
    body: str
    tone: Tone


_NOUNS: Mapping[Event, tuple[str, str]] = {
    Event.KEY_REFUSED: ("API key is refused", "API keys are refused"),
    Event.ROOT_AWAY: ("watch folder is away", "watch folders are away"),
    Event.TOKEN_EXPIRING: ("account needs to be reconnected", "accounts need to be reconnected"),
    Event.FAILED: ("post failed", "posts failed"),
    Event.PARTIALLY_PUBLISHED: ("post is out on some platforms only", "posts are out on some platforms only"),
    Event.INVALID: ("post needs a change", "posts need a change"),
    Event.HELD_TOO_LONG: ("post is held too long", "posts are held too long"),
    Event.HELD: ("post waits for your word", "posts wait for your word"),
    Event.PUBLISHED: ("post is published", "posts are published"),
}
_AGAIN: Mapping[Kind, tuple[str, str]] = {
    Kind.KEY: ("API key is accepted again", "API keys are accepted again"),
    Kind.ROOT: ("watch folder is back", "watch folders are back"),
    Kind.ACCOUNT: ("account is connected again", "accounts are connected again"),
}
_MILD = frozenset({Event.TOKEN_EXPIRING, Event.HELD_TOO_LONG, Event.HELD})


def message(changes: Changes, record_of: Callable[[str], Record | None]) -> Message:
    """One message for all of it. `record_of` a folder_id is asked only for the posts that are named."""
    all_groups = [(nouns, [one for one in changes.news if one.now is event]) for event, nouns in _NOUNS.items()]
    all_groups += [(nouns, [one for one in changes.well if one.kind is kind]) for kind, nouns in _AGAIN.items()]
    groups = [(nouns, found) for nouns, found in all_groups if found]
    heads = [f"{len(found):,} {nouns[len(found) > 1]}" for nouns, found in groups]
    room = LONGEST // max(1, len(groups))
    sections = [
        _section(head if len(groups) > 1 else "", found, record_of, room)
        for head, (_, found) in zip(heads, groups, strict=True)
    ]
    events = {one.now for one in changes.news}
    bad = events - {Event.PUBLISHED}
    tone = Tone.SUCCESS if not bad else Tone.WARNING if bad <= _MILD else Tone.FAILURE
    return Message(f"postpost-sync: {', '.join(heads)}", "\n\n".join(sections), tone)


def _section(head: str, found: Sequence[Standing], record_of: Callable[[str], Record | None], room: int) -> str:
    parts = [f"{head}:"] if head else []
    named = 0
    for one in found[:NAMED]:
        text = _words(one, record_of, min(_LINE, room // 3))
        if named and sum(map(len, parts)) + len(text) > room:
            break
        parts.append(text)
        named += 1
    if len(found) > named:
        parts.append(f"… and {len(found) - named:,} more; postpost-sync status shows them")
    return "\n\n".join(parts)


def _words(one: Standing, record_of: Callable[[str], Record | None], width: int) -> str:
    shown, finding = one.shown, one.finding
    sentence = finding.message if finding is not None else ""
    if one.kind is Kind.POST:
        record = record_of(one.name)
        if record is None:
            return "a folder that is gone meanwhile"
        shown, finding = printable(os.path.join(record.root, record.path)), record.error
        shown += f" ({printable(record.part)})" if record.part else ""
        sentence = view.sentence(record)
    lines = [shown, printable(sentence)]
    if finding is not None and finding.hint:
        lines.append(f"hint: {printable(finding.hint)}")
    return "\n".join(line if len(line) <= width else f"{line[: width - 1]}…" for line in lines)
