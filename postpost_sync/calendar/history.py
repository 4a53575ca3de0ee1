"""What was tried for a post, and when, as far as its record tells: the newest last. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from postpost_sync.calendar.entries import readable, when
from postpost_sync.model.record import Group, GroupStage, Record, Trouble, TroubleKind


@dataclass(frozen=True, slots=True)
class Event:
    at: datetime  # UTC
    what: str


def history(record: Record, now: datetime) -> tuple[Event, ...]:
    """Everything that its record says with a time."""
    found = [Event(record.first_seen, "the folder was seen for the first time")]
    if record.complete_at is not None:
        found.append(Event(record.complete_at, "the folder was complete, as it is now"))
    for group in record.groups:
        found += _of_group(group, record.timezone, now)
    found += [_of_trouble(trouble, record.timezone, now) for trouble in record.troubles]
    return tuple(sorted(found, key=lambda event: event.at))


def _of_group(group: Group, zone: str, now: datetime) -> list[Event]:
    called = f"the draft {group.post_group_id}" if group.post_group_id else "a draft whose answer is not known"
    found = [Event(group.intent_at, f"{called} was asked for at PostPost")]
    if group.placed_at is not None and group.answered_time is not None:
        time = when(group.answered_time, zone, now)
        found.append(Event(group.placed_at, f"PostPost took it for {time}"))
    if group.checked_at is not None:
        became = f"it is {group.outcome.value.replace('_', ' ')}" if group.outcome else "it was not out yet"
        if group.stage is GroupStage.GONE:
            became = "it is gone"
        found.append(Event(group.checked_at, f"PostPost was asked what became of it: {became}"))
    return found


def _of_trouble(trouble: Trouble, zone: str, now: datetime) -> Event:
    times = f", tried {trouble.attempts} times" if trouble.attempts > 1 else ""
    again = ""
    if trouble.until is not None:
        word = "tried again at" if trouble.kind is TroubleKind.RETRY else "until"
        again = f"; {word} {when(trouble.until, zone, now)}"
    return Event(trouble.since, f"{readable(trouble.finding.message)}{times}{again}")
