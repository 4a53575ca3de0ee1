"""`retry`: a person's word that a post should be tried again now. The daemon takes it from the database."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from postpost_sync import ledger
from postpost_sync.commands.common import at_or_below, load_config, nothing_at, opened_store
from postpost_sync.lock import Lock
from postpost_sync.states import State
from postpost_sync.terminal.words import count


def retry(option: str | None, paths: Sequence[Path]) -> int:
    config = load_config(option)
    with opened_store(config.state_db, read_only=False) as store:
        records = at_or_below(store.records(), paths)
        if not records:
            raise nothing_at(paths)
        chosen = [record for record in records if record.state is not State.PUBLISHED or record.error is not None]
        for record in chosen:
            store.change(record.key, ledger.retried)
    out = len(records) - len(chosen)
    if chosen:
        when = "now" if Lock(config.state_db).held() else "when the daemon runs again: postpost-sync run"
        click.echo(f"{count(len(chosen), 'post')} will be tried again {when}")
    if out:
        click.echo(f"{out} {'are' if out != 1 else 'is'} out already")
    return 0
