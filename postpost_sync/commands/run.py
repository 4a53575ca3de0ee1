"""`run` and `run --once`."""

from __future__ import annotations

import os
import signal
import sys
import threading
from pathlib import Path

import click

from postpost_sync import log, view
from postpost_sync.commands.common import load_config, stopped_by_signals
from postpost_sync.config import Config
from postpost_sync.daemon import Daemon
from postpost_sync.errors import ProgramError, printable
from postpost_sync.models import Record, RootState
from postpost_sync.service import Service
from postpost_sync.states import State

_NEEDS_PERSON = frozenset({State.INVALID, State.FAILED, State.PARTIALLY_PUBLISHED})
_UNFINISHED = frozenset({State.SETTLING, State.DRAFTING, State.UPLOADING})


def run(option: str | None) -> int:
    """Serve the folders until a signal comes; SIGHUP reads the config again."""
    config, service, said = load_config(option), Service(os.environ), log.Log()
    log.set_up(os.environ)
    daemon = _built(config, service, said)
    while True:
        newer = _serve(daemon, option, service, said)
        if newer is None:
            return 0
        try:
            daemon, config = _built(newer, service, said), newer
        except ProgramError as error:
            _refused(error, service, said)
            daemon = _built(config, service, said)


def _built(config: Config, service: Service, said: log.Log) -> Daemon:
    """Exit status 1 where a database that was served before cannot be used for now, so that a service manager tries again.

    Else a full disk, which ends the daemon with 1, would keep it from ever coming back.
    """
    served = _has_content(config.state_db)
    try:
        return Daemon(config, os.environ, said, service=service)
    except ProgramError as error:
        if error.passing and served:
            error.status = 1
        raise


def _has_content(file: Path) -> bool:
    try:
        return file.stat().st_size > 0
    except OSError:
        return False


def _serve(daemon: Daemon, option: str | None, service: Service, said: log.Log) -> Config | None:
    """Until the end (None), or until a config comes that is to be served instead."""
    hangup = threading.Event()
    before = signal.signal(signal.SIGHUP, lambda *_: hangup.set())
    status = 1  # unless it is asked to end: a service manager starts it again
    try:
        with stopped_by_signals(daemon.request_stop):
            daemon.start()
            for _ in daemon.heartbeats():
                if not hangup.is_set():
                    continue
                hangup.clear()
                service.reloading()
                try:
                    newer = load_config(option)
                except ProgramError as error:
                    _refused(error, service, said)
                    service.ready()
                    continue
                said.info("the config was read again")
                return newer
        service.stopping()
        status = 0
        return None
    finally:
        signal.signal(signal.SIGHUP, before)
        if not daemon.stop():
            _leave(status, sys.exception())


def _refused(error: ProgramError, service: Service, said: log.Log) -> None:
    said.error("the new config is refused; the old one stays", why=error.message)
    service.status(f"the new config is refused: {error.message.splitlines()[0]}")


def _leave(status: int, error: BaseException | None) -> None:
    """End although a transfer hangs in the kernel: a disk or a store that is dead must not hold up the machine's shutdown.

    Its URL is in the database, and the next start goes on from there.
    """
    if error is not None:
        click.echo(f"postpost-sync: {printable(str(error))}", err=True)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


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
            records, roots = daemon.settle_all(wait), daemon.roots.statuses()
        finally:
            if not daemon.stop():
                unended = ProgramError("a transfer did not come to its end", "the next run goes on from there")
                _leave(1, sys.exception() or unended)
    for status in roots:
        if status.state is RootState.AWAY and status.error is not None:
            raise ProgramError(status.error.message, status.error.hint)
    open_ones = [record for record in records if record.state in _NEEDS_PERSON or _unfinished(record)]
    for record in open_ones:
        place = printable(os.path.join(record.root, record.path))
        click.echo(f"{place}: {record.state.value}: {view.sentence(record)}", err=True)
    oddities = [(os.path.join(root.path, odd.path).rstrip("/"), odd.finding) for root in roots for odd in root.oddities]
    for path, finding in oddities:
        click.echo(f"{printable(path)}: {finding}", err=True)
    return 1 if open_ones or oddities else 0


def _unfinished(record: Record) -> bool:
    return record.state in _UNFINISHED or (record.state is State.SCHEDULED and not record.done)
