"""`adopt`: a person's word that folders are this installation's from now on, with what PostPost holds of them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from postpost_sync import ledger
from postpost_sync.commands.common import load_config, opened_store
from postpost_sync.commands.folders import look_up, unknown
from postpost_sync.model.record import Record
from postpost_sync.store.lock import Lock


def is_anothers(record: Record) -> bool:
    """Whether it waits because another installation, or somebody, may have posted it already."""
    maybe = record.error is not None and record.error.code == "MAYBE_POSTED"
    return maybe or (record.claim is not None and record.claim.foreign)


def adopt(option: str | None, paths: Sequence[Path]) -> int:
    config = load_config(option)
    with opened_store(config.state_db, read_only=False) as store:
        found = look_up(store, config, paths)
        for why in unknown(found):
            click.echo(f"warning: {why}", err=True)
        keys = dict.fromkeys(key for one in found for key in one.keys)
        records = [record for key in keys if (record := store.record(key)) is not None]
        others = [record for record in records if is_anothers(record)]
        for record in others:
            store.change(record.key, ledger.adopted)
    when = "now" if Lock(config.state_db).held() else "when the daemon runs again"
    folders = len({(one.root, one.path) for one in others})
    count = f"{folders} folder{'s' if folders != 1 else ''}"
    click.echo(
        f"{count} taken over; their posts are looked for at PostPost {when}"
        if others
        else "nothing is to be done: this installation serves them already"
    )
    return 0
