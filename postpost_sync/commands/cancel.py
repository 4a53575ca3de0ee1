"""`cancel`: a person's word that scheduled posts are to be deleted. The daemon takes it from the database."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from postpost_sync import ledger
from postpost_sync.commands.common import at_or_below, load_config, nothing_at, opened_store, say_marked
from postpost_sync.disk import scan
from postpost_sync.model.errors import ProgramError
from postpost_sync.model.program import RootState
from postpost_sync.model.record import Record, draft_group, is_out, live_group
from postpost_sync.model.states import State
from postpost_sync.post.names import Names

MANY = 10  # posts that are cancelled without asking


def cancel(option: str | None, paths: Sequence[Path], *, yes: bool) -> int:
    config = load_config(option)
    with opened_store(config.state_db, read_only=False) as store:
        records = at_or_below(store.records(), paths)
        if not records:
            raise nothing_at(paths)
        chosen = [record for record in records if _can_be_cancelled(record)]
        if len(chosen) > MANY and not yes:
            raise ProgramError(f"these are {len(chosen)} posts; nothing was cancelled", "if all are meant, add --yes")
        away, names = {root.path for root in store.roots() if root.state is RootState.AWAY}, Names(config.ignore)
        for record in chosen:
            seen = None if record.root in away else _fingerprint(record, names)
            store.change(record.key, ledger.cancelled, seen)
    say_marked(config, len(chosen), "deleted from PostPost", len(records) - len(chosen), "out or cancelled already")
    return 0


def _can_be_cancelled(record: Record) -> bool:
    """As `plan` has it: a draft, or a post that did not go out yet; or nothing so far, which stays so."""
    return record.state is not State.CANCELLED and (draft_group(record) is not None or not is_out(live_group(record)))


def _fingerprint(record: Record, names: Names) -> str | None:
    """The folder as the person sees it, which may have been edited a moment ago."""
    try:
        folder = scan.look(record.root, record.path, names)
    except OSError:
        return None
    return folder.fingerprint if folder is not None else None
