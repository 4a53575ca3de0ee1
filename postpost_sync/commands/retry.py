"""`retry`: a person's word that a post should be tried again now. The daemon takes it from the database."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from postpost_sync import ledger
from postpost_sync.commands.common import at_or_below, load_config, nothing_at, opened_store
from postpost_sync.lock import Lock


def retry(option: str | None, paths: Sequence[Path]) -> int:
    config = load_config(option)
    with opened_store(config.state_db, read_only=False) as store:
        records = at_or_below(store.records(), paths)
        if not records:
            raise nothing_at(paths)
        for record in records:
            store.change(record.key, ledger.retried)
    when = "now" if Lock(config.state_db).held() else "when the daemon runs again"
    click.echo(f"{len(records)} post{'s' if len(records) != 1 else ''} will be tried again {when}")
    return 0
