"""`health`: whether the daemon does what it is there for, for whoever asks again and again: Docker, cron, a monitor."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import click

from postpost_sync.commands.common import load_config, opened_store
from postpost_sync.config.load import Config
from postpost_sync.model.errors import Finding, ProgramError, printable, with_hint
from postpost_sync.model.view import finding
from postpost_sync.store.health import ailing


def health(option: str | None, *, as_json: bool) -> int:
    """0 where all is well; else 1, and why in a line."""
    config = load_config(option)
    found = _found(config)
    if as_json:
        shown = {"version": 1, "healthy": not found, "problems": [finding(one) for one in found]}
        click.echo(json.dumps(shown, ensure_ascii=False, indent=1))
    else:
        said = (printable(with_hint(one.message, one.hint)) for one in found)
        click.echo("; ".join(said) or "all is well")
    return 1 if found else 0


def _found(config: Config) -> tuple[Finding, ...]:
    try:
        with opened_store(config.state_db, read_only=True) as store:
            return ailing(store, [str(root.path) for root in config.roots], config.rescan, datetime.now(UTC))
    except ProgramError as error:
        return (Finding("DATABASE", error.message, error.hint),)
