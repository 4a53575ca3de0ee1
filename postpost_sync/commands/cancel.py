"""`cancel`: a person's word that scheduled posts are to be deleted. The daemon takes it from the database."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from postpost_sync import ledger
from postpost_sync.commands.asking import carry_out, wishes
from postpost_sync.commands.common import load_config, opened_store
from postpost_sync.commands.folders import look_up, unknown
from postpost_sync.disk import scan
from postpost_sync.model.program import RootState
from postpost_sync.model.record import Record
from postpost_sync.plan import wishes as rules
from postpost_sync.post.names import Names


def cancel(option: str | None, paths: Sequence[Path], *, yes: bool, dry_run: bool) -> int:
    config = load_config(option)
    with opened_store(config.state_db, read_only=dry_run) as store:
        found = look_up(store, config, paths)
        for why in unknown(found):
            click.echo(f"warning: {why}", err=True)
        away, names = {root.path for root in store.roots() if root.state is RootState.AWAY}, Names(config.ignore)

        def mark(record: Record) -> Record:
            seen = None if record.root in away else _fingerprint(record, names)
            return store.change(record.key, ledger.cancelled, seen)

        asked = wishes(store, found, lambda record, _: rules.cancel(record))
        return carry_out(config, store, asked, mark, what="deleted from PostPost", yes=yes, dry_run=dry_run)


def _fingerprint(record: Record, names: Names) -> str | None:
    """The folder as the person sees it, which may have been edited a moment ago."""
    try:
        folder = scan.look(record.root, record.path, names)
    except OSError:
        return None
    return folder.fingerprint if folder is not None else None
