"""`sandbox`: the simulated PostPost on a loopback port, until Ctrl-C: a line a call, or a view of what it holds."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from postpost_sync.commands.common import stopped_by_signals
from postpost_sync.model.errors import ProgramError, printable
from postpost_sync.sandbox import Call, Group, Sandbox, serve

if TYPE_CHECKING:
    from rich.console import RenderableType

    from postpost_sync.terminal.tables import HeldPost

_LOOK = 0.2  # seconds between two looks at what was called
_SHOWN = 5  # calls beneath the view


def sandbox(port: int, *, view: bool) -> int:
    stop = threading.Event()
    with stopped_by_signals(stop.set, hangup=True), Sandbox() as simulated:
        try:
            server = serve(simulated, port)
        except OSError as error:
            raise ProgramError(f"port {port} cannot be used: {error.strerror}", "choose another --port") from None
        with server:
            click.echo(f"a simulated PostPost is at {server.api_url} (any key; end it with Ctrl-C)")
            click.echo(f"config:  api: {{base_url: {server.api_url}, key: try}}")
            if view:
                _view(simulated, stop)
            else:
                _log(simulated, stop)
    return 0


def _log(simulated: Sandbox, stop: threading.Event) -> None:
    """Each call once, as it was answered."""
    told = 0
    while True:
        ended = stop.wait(_LOOK)
        calls = simulated.calls[told:]
        told += len(calls)
        for call in calls:
            click.echo(line(call))
        if ended:
            return


def _view(simulated: Sandbox, stop: threading.Event) -> None:
    """What it holds, redrawn in a terminal; else printed when it changes."""
    from rich.console import Console
    from rich.live import Live

    console = Console(highlight=False)
    seen: object = None
    with Live(console=console, auto_refresh=False) as live:
        ended = False
        while not ended:
            ended = stop.wait(_LOOK)  # and what was done last is shown too
            groups, calls = simulated.groups(), len(simulated.calls)
            state = [(g.id, g.status, g.scheduled_time, len(g.media), sum(m.stored for m in g.media)) for g in groups]
            shown = (state, calls if console.is_terminal else None)
            if shown == seen:
                continue
            seen = shown
            picture = _picture(groups, simulated.calls[-_SHOWN:] if console.is_terminal else ())
            if console.is_terminal:
                live.update(picture, refresh=True)
            else:
                console.print(picture)


def _picture(groups: Sequence[Group], calls: Sequence[Call]) -> RenderableType:
    from rich.console import Group as Together
    from rich.text import Text

    from postpost_sync.terminal.tables import held

    return Together(held(held_posts(groups)), *(Text(line(call), "dim") for call in calls))


def held_posts(groups: Sequence[Group]) -> list[HeldPost]:
    """The post groups of a sandbox, as the table shows them."""
    from postpost_sync.terminal.tables import HeldPost

    return [
        HeldPost(
            group.content,
            group.platforms,
            group.status,
            group.scheduled_time,
            tuple((media.file_name, media.size, media.stored) for media in group.media),
        )
        for group in groups
    ]


def line(call: Call) -> str:
    """`12:00:01 create-post 200 507f1f77bcf86cd799439011`; what was never answered is said."""
    status = str(call.status) if call.status else "no answer"
    fault = f" ({call.fault})" if call.fault else ""
    return printable(" ".join(filter(None, (f"{call.time:%H:%M:%S}", call.name, status, call.group_id or "")))) + fault
