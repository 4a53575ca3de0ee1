"""`backup`: a checked copy of the database, also while the daemon runs."""

from __future__ import annotations

from pathlib import Path

import click

from postpost_sync.commands.common import expanded, load_config, opened_store
from postpost_sync.model.errors import path_name
from postpost_sync.store import backup as copies
from postpost_sync.terminal.words import byte_size, count


def backup(option: str | None, file: Path) -> int:
    config = load_config(option)
    file = expanded(file)
    with opened_store(config.state_db, read_only=True) as store:
        copies.backup(store, file)
    with opened_store(file, read_only=True) as copy:
        known = len(list(copy.index()))
    click.echo(f"wrote {path_name(file)}: {count(known, 'folder')}, {byte_size(file.stat().st_size)}, checked")
    return 0
