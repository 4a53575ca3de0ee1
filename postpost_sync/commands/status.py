"""`status`: where every post stands, read from the database alone."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from postpost_sync.commands.common import at_or_below, load_config, nothing_at, opened_store
from postpost_sync.config.load import Config
from postpost_sync.model import view
from postpost_sync.model.errors import printable
from postpost_sync.model.program import RootStatus
from postpost_sync.model.record import Record
from postpost_sync.model.times import to_service, zone
from postpost_sync.store import Store
from postpost_sync.store.lock import Lock

REDRAW = 0.5  # seconds


def status(option: str | None, paths: Sequence[Path], *, as_json: bool, watch: bool) -> int:
    config = load_config(option)
    with opened_store(config.state_db, read_only=True) as store:
        if watch:
            return _watch(config, store, paths)
        shown = report(store, paths)
        if as_json:
            click.echo(json.dumps(shown, ensure_ascii=False, indent=1))
            return 0
        from rich.console import Console

        from postpost_sync.terminal.status import status_text

        status_text(shown, Console(highlight=False), datetime.now(UTC), zone(config.roots[0].policy.timezone))
    return 0


def report(store: Store, paths: Sequence[Path] = ()) -> dict[str, Any]:
    """The whole of `status --json`."""
    records, roots = store.records(), store.roots()
    if paths:
        chosen = at_or_below(records, paths)
        if not chosen:
            raise nothing_at(paths)
        records = chosen
    return {
        "version": 1,
        "state_db": str(store.path),
        "daemon": {"running": Lock(store.path).held()},
        "roots": [_root(root) for root in roots],
        "warnings": [view.finding(one.error) for one in store.listeners() if one.error is not None],
        "posts": posts(records)
        + ([] if paths else [_oddity(root, at) for root in roots for at in range(len(root.oddities))]),
    }


def posts(records: Sequence[Record]) -> list[dict[str, Any]]:
    return [view.facts(record) for record in records]


def _root(root: RootStatus) -> dict[str, Any]:
    return {
        "path": printable(root.path),
        "observer": root.observer,
        "state": root.state.value,
        "last_scan": to_service(root.last_scan) if root.last_scan else None,
        "error": view.finding(root.error),
    }


def _oddity(root: RootStatus, at: int) -> dict[str, Any]:
    """A folder that is no post folder, in the shape of one, so that nothing that was dropped goes unseen."""
    odd = root.oddities[at]
    return {
        "folder": printable(os.path.join(root.path, odd.path) if odd.path else root.path),
        "state": "invalid",
        "post_group_id": None,
        "previous_post_group_ids": [],
        "scheduled_time": None,
        "platforms": [],
        "media": [],
        "results": [],
        "error": view.finding(odd.finding),
        "warnings": [],
        "retry_at": None,
        "updated_at": to_service(root.last_scan or datetime.now(UTC)),
    }


def _note(shown: Mapping[str, Any]) -> str:
    """Why what is shown may not be how things stand."""
    notes = [f"{root['path']} is {root['state']}" for root in shown["roots"] if root["state"] != "ok"]
    return "; ".join(notes if shown["daemon"]["running"] else ["the daemon is not running", *notes])


def _watch(config: Config, store: Store, paths: Sequence[Path]) -> int:
    from rich.console import Console

    from postpost_sync.terminal.live import LiveView

    roots = [str(root.path) for root in config.roots]
    try:
        with LiveView(Console(highlight=False), zone(config.roots[0].policy.timezone), roots) as live:
            while True:
                shown = report(store, paths)
                live.update(shown["posts"], _note(shown))
                time.sleep(REDRAW)
    except KeyboardInterrupt:
        return 0
