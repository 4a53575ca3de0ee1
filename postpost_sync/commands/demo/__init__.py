"""`demo`: sample posts, the real daemon, a simulated PostPost; no account, no config, no network."""

from __future__ import annotations

import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import click
from rich.console import Console

from postpost_sync import log
from postpost_sync.calendar.seen import WatchRoot
from postpost_sync.commands.common import stopped_by_signals
from postpost_sync.commands.demo import samples
from postpost_sync.commands.sandbox import held_posts
from postpost_sync.commands.status import posts
from postpost_sync.commands.web import need_extra
from postpost_sync.config.load import Api, Config, Root
from postpost_sync.daemon.daemon import Daemon
from postpost_sync.model.errors import ProgramError
from postpost_sync.model.folder import CALENDAR_PAGE
from postpost_sync.model.post import Policy
from postpost_sync.model.states import State
from postpost_sync.model.times import zone
from postpost_sync.sandbox import Behaviour, Fault, Sandbox, serve
from postpost_sync.terminal.live import LiveView
from postpost_sync.terminal.tables import held_table

ENDS_WITHIN = 25.0  # seconds; without DIR
TELL_WITHIN = 5.0  # seconds for the calendar to be written at the end
REDRAW = 0.1  # seconds
_SETTLE = 1.0
_EXPIRED = "one upload URL expired on purpose: the file was sent again, to a new one"
_MOVING = frozenset({State.SETTLING, State.DRAFTING, State.UPLOADING})


def demo(directory: Path | None, *, web: bool = False) -> int:
    """`web`: serve the calendar meanwhile. With that or a directory it goes on until Ctrl-C."""
    if web:
        need_extra()
    console = Console(highlight=False)
    log.silence()  # the picture says it all
    ending = threading.Event()
    with (
        stopped_by_signals(ending.set, hangup=True),  # from here on there is something to clear up
        tempfile.TemporaryDirectory(prefix="postpost-sync-demo-") as scratch,
    ):
        folder = (directory or Path(scratch, "posts")).absolute()
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ProgramError(f"{folder} cannot be used: {error.strerror}", "name a folder of yours") from None
        with Sandbox(behaviour=Behaviour(tick_seconds=1)) as simulated, serve(simulated) as server:
            # one upload URL is refused as if it had expired while its bytes were on their way
            simulated.faults.add(Fault("put-object", "expire_url", after=1))
            click.echo(f'watching "{folder}", posting to a simulated PostPost at {server.api_url}')
            config = Config(
                file=None,
                roots=(
                    Root(
                        folder,
                        api := Api(server.api_url, key="demo"),
                        Policy(timezone=samples.ZONE, settle=_SETTLE),
                        calendar=True,
                    ),
                ),
                api=api,
                state_db=Path(scratch, "state.db"),
                rescan=10.0,
            )
            with (
                _running(config) as daemon,
                LiveView(console, zone(samples.ZONE), [str(folder)]) as live,
                _served(config, shown=web),
            ):
                _drop_samples(folder)
                _show(daemon, simulated, live, None if directory or web else ENDS_WITHIN, ending)
                if ending.is_set():
                    daemon.request_stop()
                daemon.tell(TELL_WITHIN)
            _tell(simulated, console)
        _name_calendar(folder, kept=directory is not None)
    return 0


@contextmanager
def _served(config: Config, *, shown: bool) -> Iterator[None]:
    """The calendar, on a port of this machine."""
    if not shown:
        yield
        return
    from postpost_sync.web.server import Address, served
    from postpost_sync.web.source import Source

    roots = [WatchRoot(str(root.path), root.policy.timezone, root.policy.slots) for root in config.roots]
    address = Address("127.0.0.1:0")
    with served(Source(config.state_db, roots, config.rescan), address):
        click.echo(f"the calendar, live: http://{address.shown}/")
        yield


def _name_calendar(folder: Path, *, kept: bool) -> None:
    """Say where the calendar is; one in a folder that goes with the demo is put where it stays."""
    page = folder / CALENDAR_PAGE
    if not page.exists():
        return
    if not kept:
        number, name = tempfile.mkstemp(prefix="postpost-sync-demo-", suffix=".html")
        with open(number, "wb") as file:
            file.write(page.read_bytes())
        page = Path(name)
    click.echo(f'the calendar, to open in a browser: "{page}"')


@contextmanager
def _running(config: Config) -> Iterator[Daemon]:
    daemon = Daemon(config, {}, log.Log(), instance="demo")  # the next demo in the same folder is no other installation
    try:
        daemon.start()
        yield daemon
    finally:
        daemon.stop()


def _drop_samples(folder: Path) -> None:
    now = datetime.now(UTC)
    for sample in samples.posts():
        try:
            samples.write_sample(sample, folder, now)
        except FileExistsError:
            continue  # from an earlier demo in the same folder


def _show(
    daemon: Daemon, simulated: Sandbox, live: LiveView, ends_within: float | None, ending: threading.Event
) -> None:
    """Redraw until everything is at rest (or, without an end, until a signal comes)."""
    began, expected = time.monotonic(), len(samples.posts())
    while not (ending.wait(REDRAW) or daemon.stopping.is_set()):
        records = daemon.store.records()
        notes = [_EXPIRED] if any(call.fault for call in simulated.calls) else []
        if ends_within is None:
            notes.append("drop folders of your own; Ctrl-C ends it")
        live.update(posts(records), "; ".join(notes))
        if ends_within is None:
            continue
        moving = any(r.state in _MOVING or (r.state is State.SCHEDULED and r.now_time is not None) for r in records)
        if (len(records) >= expected and not moving) or time.monotonic() - began > ends_within:
            return


def _tell(simulated: Sandbox, console: Console) -> None:
    held_table(held_posts(simulated.groups()), console, zone(samples.ZONE))
