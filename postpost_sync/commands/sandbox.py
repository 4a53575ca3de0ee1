"""`sandbox`: the simulated PostPost on a loopback port, until Ctrl-C."""

from __future__ import annotations

import threading

import click

from postpost_sync.commands.common import stopped_by_signals
from postpost_sync.model.errors import ProgramError
from postpost_sync.sandbox import Sandbox, serve


def sandbox(port: int) -> int:
    stop = threading.Event()
    with Sandbox() as simulated:
        try:
            server = serve(simulated, port)
        except OSError as error:
            raise ProgramError(f"port {port} cannot be used: {error.strerror}", "choose another --port") from None
        with server, stopped_by_signals(stop.set):
            click.echo(f"a simulated PostPost is at {server.api_url} (any key; end it with Ctrl-C)")
            click.echo(f"config:  api: {{base_url: {server.api_url}, key: try}}")
            stop.wait()
    return 0
