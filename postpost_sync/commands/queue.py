"""`queue`: the slots of each root in the next 14 days, free or whose; and posts moved up into those that are free."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import click

from postpost_sync.commands.common import load_config, opened_store
from postpost_sync.config.load import Config, Root
from postpost_sync.model import slots
from postpost_sync.model.errors import ProgramError, path_name, printable
from postpost_sync.model.record import Record
from postpost_sync.model.times import for_people, to_service
from postpost_sync.plan.slots import AHEAD, NO_SLOTS, closing
from postpost_sync.store import Store
from postpost_sync.store.lock import Lock
from postpost_sync.terminal.words import count

DAYS = 14


@dataclass(frozen=True, slots=True)
class Place:
    """One slot: free, or a post's."""

    at: datetime
    post: Record | None


def queue(option: str | None, root: Path | None, *, as_json: bool, close_gaps: bool, yes: bool) -> int:
    config = load_config(option)
    chosen = _chosen(config, root, none=as_json)
    now = datetime.now(UTC)
    if not config.state_db.exists():  # nothing was taken yet
        _show([(one, places((), one, now), []) for one in chosen], as_json=as_json)
        return 0
    with opened_store(config.state_db, read_only=not (close_gaps and yes)) as store:
        if close_gaps and yes:
            return _close(config, store, chosen, now)
        shown = []
        for one in chosen:
            queued = store.queued(str(one.path))
            moves = _moves(queued, one, now) if close_gaps else []
            shown.append((one, places(queued, one, now), moves))
        _show(shown, as_json=as_json, close_gaps=close_gaps)
    return 0


def places(queued: Sequence[Record], root: Root, now: datetime) -> list[Place]:
    """The slots of the next 14 days, and every one beyond that is a post's, in their order."""
    taken = {record.slot: record for record in queued if record.slot is not None and record.slot > now}
    policy = root.policy
    free = slots.free(policy.slots, policy.timezone, taken.keys(), now + AHEAD, now + timedelta(days=DAYS))
    return sorted(
        [*(Place(at, None) for at in free), *(Place(at, record) for at, record in taken.items())],
        key=lambda place: place.at,
    )


def _chosen(config: Config, path: Path | None, *, none: bool) -> list[Root]:
    """The root that is named, or those that have a queue. `none`: also where that are none."""
    if path is None:
        found = [root for root in config.roots if root.policy.slots]
        if not found and not none:
            raise ProgramError("no root has slots", NO_SLOTS.hint)
        return found
    folder = Path(os.path.abspath(path))
    one = next((root for root in config.roots if folder == root.path or root.path in folder.parents), None)
    if one is None:
        roots = ", ".join(path_name(str(root.path)) for root in config.roots)
        raise ProgramError(f"{path_name(str(path))} is no watch root", f"the roots are {roots}")
    return [one]


def _moves(queued: Sequence[Record], root: Root, now: datetime) -> list[tuple[Record, datetime]]:
    return closing(queued, root.policy.slots, root.policy.timezone, now)


def _close(config: Config, store: Store, roots: Sequence[Root], now: datetime) -> int:
    moved: list[tuple[Record, datetime]] = []
    for root in roots:
        here = store.move_slots(str(root.path), partial(_moves, root=root, now=now))
        for record, at in here:
            click.echo(_move_words(record, at, root.policy.timezone))
        moved += here
    if not moved:
        click.echo("no slot before a post is free: nothing to move")
    else:
        when = "now" if Lock(config.state_db).held() else "when the daemon runs again: postpost-sync run"
        click.echo(f"{count(len(moved), 'post')} will be moved {when}")
    return 0


# --- what is printed --------------------------------------------------------------------------------------------------


def _show(
    shown: Sequence[tuple[Root, Sequence[Place], Sequence[tuple[Record, datetime]]]],
    *,
    as_json: bool,
    close_gaps: bool = False,
) -> None:
    if as_json:
        roots = [_as_json(*one) for one in shown]
        click.echo(json.dumps({"version": 1, "roots": roots}, ensure_ascii=False, indent=1))
        return
    for number, (root, found, moves) in enumerate(shown):
        zone = root.policy.timezone
        free = sum(place.post is None for place in found)
        if number:
            click.echo()
        click.echo(
            f"{path_name(str(root.path))}: {count(len(found) - free, 'post')} in the queue, {free:,} free in {DAYS} days"
        )
        if not root.policy.slots:
            click.echo(f"  hint: {NO_SLOTS.hint}")
        if close_gaps:
            for record, at in moves:
                click.echo(f"  {_move_words(record, at, zone)}")
            what = (
                f"to move {'it' if len(moves) == 1 else 'them'}, add --yes"
                if moves
                else "no slot before a post is free"
            )
            click.echo(f"  {'hint: ' if moves else ''}{what}")
            continue
        for place in found:
            whose = f"{place.post.state.value:9}  {path_name(place.post.path)}" if place.post is not None else "free"
            click.echo(f"  {for_people(place.at, zone).rpartition(' (')[0]}  {whose}")
    if shown and not close_gaps:
        click.echo(f"times in {', '.join(dict.fromkeys(root.policy.timezone for root, _, _ in shown))}")


def _move_words(record: Record, at: datetime, zone: str) -> str:
    was = for_people(record.slot, zone).rpartition(" (")[0] if record.slot is not None else ""
    return f"{path_name(record.path)}: from {was} to {for_people(at, zone)}"


def _as_json(root: Root, found: Sequence[Place], moves: Sequence[tuple[Record, datetime]]) -> dict[str, Any]:
    to = {record.key: at for record, at in moves}
    return {
        "path": printable(str(root.path)),
        "timezone": root.policy.timezone,
        "slots": [
            {
                "time": to_service(place.at),
                "folder": printable(os.path.join(place.post.root, place.post.path)) if place.post else None,
                "state": place.post.state.value if place.post else None,
                "moves_to": to_service(to[place.post.key]) if place.post and place.post.key in to else None,
            }
            for place in found
        ],
    }
