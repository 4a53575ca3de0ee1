"""`retry`: a person's word that a post should be tried again now. The daemon takes it from the database."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from postpost_sync import ledger
from postpost_sync.commands.asking import carry_out, wishes
from postpost_sync.commands.common import load_config, opened_store
from postpost_sync.commands.folders import look_up, unknown
from postpost_sync.plan import wishes as rules


def retry(option: str | None, paths: Sequence[Path], *, again: bool, yes: bool, dry_run: bool) -> int:
    config = load_config(option)
    with opened_store(config.state_db, read_only=dry_run) as store:
        found = look_up(store, config, paths)
        for why in unknown(found):
            click.echo(f"warning: {why}", err=True)
        asked = wishes(store, found, lambda record, itself: rules.retry(record, itself=itself, again=again))
        return carry_out(
            *(config, store, asked, lambda record: store.change(record.key, ledger.retried, again)),
            what="tried again",
            yes=yes,
            dry_run=dry_run,
        )
