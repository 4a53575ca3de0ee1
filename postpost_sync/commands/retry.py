"""`retry`: a person's word that a post should be tried again now. The daemon takes it from the database."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from postpost_sync import ledger
from postpost_sync.commands.common import at_or_below, load_config, nothing_at, opened_store, say_marked
from postpost_sync.model.states import State


def retry(option: str | None, paths: Sequence[Path]) -> int:
    config = load_config(option)
    with opened_store(config.state_db, read_only=False) as store:
        records = at_or_below(store.records(), paths)
        if not records:
            raise nothing_at(paths)
        chosen = [record for record in records if record.state is not State.PUBLISHED or record.error is not None]
        for record in chosen:
            store.change(record.key, ledger.retried)
    say_marked(config, len(chosen), "tried again", len(records) - len(chosen), "out already")
    return 0
