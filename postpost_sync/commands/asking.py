"""A person's word about posts: what it comes to is said folder by folder, written down, waited for, and told."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import click

from postpost_sync.commands.folders import Named
from postpost_sync.config.load import Config
from postpost_sync.model import view
from postpost_sync.model.errors import ProgramError, printable
from postpost_sync.model.record import Effect, GroupStage, Record
from postpost_sync.model.states import NEEDS_PERSON, UNFINISHED, State
from postpost_sync.model.times import zone
from postpost_sync.plan.wishes import Verdict
from postpost_sync.store import Store
from postpost_sync.store.lock import Lock
from postpost_sync.terminal.words import Frame, count, moved

MANY = 10  # posts that are changed without asking
WITHIN = 15.0  # seconds the daemon has to bring it about while a person waits
_LOOK = 0.2  # seconds between two looks at what came of it
_QUIET = 3.0  # seconds without a change after which what needs a person is told as it stands


@dataclass(frozen=True, slots=True)
class Wish:
    """What is to be done about a post, and how it is written down."""

    record: Record
    verdict: Verdict


def wishes(store: Store, found: Sequence[Named], judge: Callable[[Record, bool], Verdict]) -> list[Wish]:
    """One for each part of each folder at or below the names; `judge` is told whether the folder's own name was typed."""
    itself = {str(one.folder) for one in found}
    keys = dict.fromkeys(key for one in found for key in one.keys)
    records = [record for key in keys if (record := store.record(key)) is not None]
    shown = {one.key for parts in view.by_folder(records) for one in view.shown_parts(parts)}
    chosen = [record for record in records if record.key in shown]
    return [Wish(one, judge(one, os.path.join(one.root, one.path) in itself)) for one in chosen]


def carry_out(
    config: Config,
    store: Store,
    asked: Sequence[Wish],
    mark: Callable[[Record], Record],
    *,
    what: str,
    yes: bool,
    dry_run: bool,
) -> int:
    """1 where what came of it needs a person. `what` completes "12 posts will be …"."""
    frame = Frame(zone(config.roots[0].policy.timezone), datetime.now(UTC), tuple(str(r.path) for r in config.roots))
    chosen = [wish.record for wish in asked if wish.verdict.does]
    for wish in asked:
        folder = frame.folder(view.facts(wish.record)["folder"])
        part = f" ({printable(wish.record.part)})" if wish.record.part else ""
        click.echo(f"{folder}{part} {printable(wish.verdict.words)}")
    if dry_run:
        click.echo("nothing was done (--dry-run)")
        return 0
    if len(chosen) > MANY and not yes:
        raise ProgramError(f"these are {count(len(chosen), 'post')}; nothing was done", "if all are meant, add --yes")
    if not chosen:
        click.echo("nothing is to be done")
        return 0
    before = {record.key: mark(record) for record in chosen}
    running = Lock(config.state_db).held()
    when = "now" if running else "when the daemon runs again: postpost-sync run"
    click.echo(f"{count(len(chosen), 'post')} will be {what} {when}")
    return _tell(store, before, frame) if running else 0


def _tell(store: Store, before: Mapping[int, Record], frame: Frame) -> int:
    """Wait until the daemon has brought it about, or for as long as a person waits, and say how each stands then."""
    ends, changed = time.monotonic() + WITHIN, time.monotonic()
    version, now = store.data_version(), dict(before)
    while time.monotonic() < ends and not all(_settled(now.get(key), old) for key, old in before.items()):
        time.sleep(_LOOK)
        if (newest := store.data_version()) != version:
            version, changed = newest, time.monotonic()
            now = {key: record for key in before if (record := store.record(key)) is not None}
        if time.monotonic() - changed > _QUIET and all(_waits(record) for record in now.values()):
            break
    posts: list[dict[str, Any]] = [view.folder_facts(parts) for parts in view.by_folder(now.values())]
    for post in posts:
        late = " (still under way)" if post["state"] in UNFINISHED else ""
        click.echo(moved(post, frame) + late)
    return 1 if any(post["state"] in NEEDS_PERSON for post in posts) else 0


def _settled(record: Record | None, before: Record) -> bool:
    """Whether the daemon has taken it up and come to an end with it, for now."""
    if record is None:
        return True
    if record == before or record.state in UNFINISHED - {State.SETTLING} or _is_deleting(record):
        return False
    return record.done or record.error is not None or record.retry_at is not None


def _is_deleting(record: Record) -> bool:
    """Whether a post of it is being taken back; what did not work so far is told as it stands."""
    doomed = any(group.stage is GroupStage.DOOMED for group in record.groups)
    return doomed and record.trouble_with(Effect.DELETE) is None


def _waits(record: Record) -> bool:
    """Whether nothing moves it but a person, or time."""
    return record.state in NEEDS_PERSON or record.retry_at is not None or record.done
