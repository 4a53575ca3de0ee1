"""`run` and `run --once`."""

from __future__ import annotations

import os

import click

from postpost_sync import log, view
from postpost_sync.commands.common import load_config, stopped_by_signals
from postpost_sync.daemon import Daemon
from postpost_sync.errors import ProgramError, printable
from postpost_sync.models import Record, RootState
from postpost_sync.states import State

_NEEDS_PERSON = frozenset({State.INVALID, State.FAILED, State.PARTIALLY_PUBLISHED})
_UNFINISHED = frozenset({State.SETTLING, State.DRAFTING, State.UPLOADING})


def run(option: str | None) -> int:
    """Serve the folders until a signal comes."""
    config = load_config(option)
    log.set_up(os.environ)
    daemon = Daemon(config, os.environ, log.Log())
    with stopped_by_signals(daemon.request_stop):
        try:
            daemon.start()
            daemon.run()
        finally:
            daemon.stop()
    return 0


def run_once(option: str | None, wait: float) -> int:
    """One pass over everything; 1 where a post is invalid, failed or unfinished afterwards."""
    config = load_config(option)
    for root in config.roots:
        if not root.path.is_dir():
            raise ProgramError(
                f"the watch root {root.path} is not there", "mount or create it, or correct watch: in the config"
            )
    log.set_up(os.environ)
    daemon = Daemon(config, os.environ, log.Log())
    with stopped_by_signals(daemon.request_stop):
        try:
            daemon.start()
            records = daemon.settle_all(wait)
            oddities = [
                (f"{status.path}/{odd.path}".rstrip("/"), odd.finding)
                for status in daemon.store.roots()
                for odd in status.oddities
            ]
            away = [status for status in daemon.store.roots() if status.state is RootState.AWAY]
        finally:
            daemon.stop()
    if away and away[0].error is not None:
        raise ProgramError(away[0].error.message, away[0].error.hint)
    open_ones = [record for record in records if record.state in _NEEDS_PERSON or _unfinished(record)]
    for record in open_ones:
        click.echo(
            f"{printable(os.path.join(record.root, record.path))}: {record.state.value}: {view.sentence(record)}",
            err=True,
        )
    for path, finding in oddities:
        click.echo(f"{printable(path)}: {finding}", err=True)
    return 1 if open_ones or oddities else 0


def _unfinished(record: Record) -> bool:
    return record.state in _UNFINISHED or (record.state is State.SCHEDULED and not record.done)
