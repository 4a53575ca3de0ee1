"""`run` and `run --once`. In a terminal, `run` shows the bars of `status --watch` beneath its log."""

from __future__ import annotations

import gc
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from postpost_sync import __version__, log
from postpost_sync.commands.common import is_folder, leave, load_config, stopped_by_signals
from postpost_sync.commands.status import posts
from postpost_sync.config.load import Config
from postpost_sync.daemon import heap
from postpost_sync.daemon.daemon import Daemon
from postpost_sync.daemon.systemd import ServiceManager
from postpost_sync.model import view
from postpost_sync.model.errors import Finding, ProgramError, path_name, printable
from postpost_sync.model.program import RootState
from postpost_sync.model.times import zone
from postpost_sync.store import Store

REDRAW_SHARE = 0.1  # of the time may go into drawing, since the work waits while the database is read for it
_UNENDED = ProgramError("a transfer did not come to its end", "the next run goes on from there")
TELL_WITHIN = 15.0  # seconds for notifying people at the end of one pass


def run(option: str | None, form: log.Format, level: log.Level) -> int:
    """Serve the folders until a signal comes; SIGHUP reads the config again."""
    heap.share()
    log.set_up(os.environ, form, level)
    config, service, said = load_config(option, _warn), ServiceManager(os.environ), log.Log()
    live = form is log.Format.TEXT and _in_terminal()
    said.info("starting", version=__version__, roots=len(config.roots), state_db=config.state_db)
    with _noticed_hangups() as hangup:
        daemon, ending = _built(config, service, said), threading.Event()

        def stop() -> None:
            ending.set()
            daemon.request_stop()

        with stopped_by_signals(stop):
            while (newer := _serve(daemon, option, service, said, hangup, live=live)) is not None:
                try:
                    daemon, config = _built(newer, service, said), newer
                except ProgramError as error:
                    _refused(error, service, said)
                    daemon = _built(config, service, said)
                gc.collect()  # the one before: what is there at the start of the next stays for good
                if ending.is_set():  # it came between the two
                    daemon.request_stop()
    said.info("stopped")
    return 0


def _built(config: Config, service: ServiceManager, said: log.Log) -> Daemon:
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


def _warn(finding: Finding) -> None:
    log.Log().warning("config", code=finding.code, why=finding.message, hint=finding.hint or None)


def _in_terminal() -> bool:
    return all(os.isatty(fd) for fd in (1, 2)) and os.environ.get("TERM", "dumb") != "dumb"


@contextmanager
def _noticed_hangups() -> Iterator[threading.Event]:
    """Set by SIGHUP; also between two daemons, where it would end the process else."""
    hangup = threading.Event()
    before = signal.signal(signal.SIGHUP, lambda *_: hangup.set())
    try:
        yield hangup
    finally:
        signal.signal(signal.SIGHUP, before)


def _serve(
    daemon: Daemon, option: str | None, service: ServiceManager, said: log.Log, hangup: threading.Event, *, live: bool
) -> Config | None:
    """Until the end (None), or until a config comes that is to be served instead."""
    status = 1  # unless it is asked to end: a service manager starts it again
    try:
        with _picture(daemon.config, shown=live) as draw:
            daemon.start()
            for _ in daemon.heartbeats():
                draw(daemon.store)
                if not hangup.is_set():
                    continue
                hangup.clear()
                service.reloading()
                try:
                    newer = load_config(option, _warn)
                except ProgramError as error:
                    _refused(error, service, said)
                    service.ready()
                    continue
                said.info("the config was read again")
                return newer
        service.stopping()
        said.info("stopping")
        status = 0
        return None
    finally:
        if not daemon.stop():
            leave(status, sys.exception() or (_UNENDED if status else None))


@contextmanager
def _picture(config: Config, *, shown: bool) -> Iterator[Callable[[Store], None]]:
    """What draws how things stand, beneath the log. It is wiped at the end."""
    if not shown:
        yield lambda _: None
        return
    from rich.console import Console
    from rich.text import Text

    from postpost_sync.terminal.live import LiveView

    roots, again_at = [str(root.path) for root in config.roots], 0.0
    console = Console(stderr=True, highlight=False)
    drawn = LiveView(console, zone(config.roots[0].policy.timezone), roots, transient=True)
    with drawn as live, log.written_by(lambda line: console.print(Text(line), soft_wrap=True)):

        def draw(store: Store) -> None:
            nonlocal again_at
            if (began := time.monotonic()) >= again_at:
                live.update(posts(store.records()))
                ended = time.monotonic()
                again_at = ended + (ended - began) / REDRAW_SHARE

        yield draw


def _refused(error: ProgramError, service: ServiceManager, said: log.Log) -> None:
    said.error("the new config is refused; the old one stays", why=error.message, hint=error.hint or None)
    service.status(f"the new config is refused: {error.message.splitlines()[0]}")


def run_once(option: str | None, wait: float, form: log.Format, level: log.Level) -> int:
    """One pass over everything; 1 where a post is invalid, failed or unfinished afterwards."""
    log.set_up(os.environ, form, level)
    config = load_config(option, _warn)
    for root in config.roots:
        if not is_folder(root.path):
            raise ProgramError(
                f"the watch root {path_name(root.path)} is not there",
                "mount or create it, or correct watch: in the config",
            )
    daemon = Daemon(config, os.environ, log.Log())
    with stopped_by_signals(daemon.request_stop):
        try:
            daemon.start()
            daemon.settle_all(wait)
            open_ones, roots = daemon.open_posts(), daemon.roots.statuses()
            daemon.tell(TELL_WITHIN)
        finally:
            if not daemon.stop():
                leave(1, sys.exception() or _UNENDED)
    for status in roots:
        if status.error is not None and (status.state is RootState.AWAY or status.error.code == "DEFECT"):
            raise ProgramError(status.error.message, status.error.hint)
    oddities = [(os.path.join(root.path, odd.path).rstrip("/"), odd.finding) for root in roots for odd in root.oddities]
    if not open_ones and not oddities:
        return 0

    for record in open_ones:
        place, why = path_name(os.path.join(record.root, record.path)), record.error or view.sentence(record)
        place += f" ({printable(record.part)})" if record.part else ""
        click.echo(f"{place}: {record.state.value}: {printable(str(why))}", err=True)
    for path, finding in oddities:
        click.echo(f"{path_name(path)}: {printable(str(finding))}", err=True)
    return 1
