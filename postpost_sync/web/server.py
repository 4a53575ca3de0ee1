"""A socket, and uvicorn on it."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import re
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from postpost_sync.model.errors import ProgramError, printable
from postpost_sync.web.app import app
from postpost_sync.web.source import Source

PATIENCE = 10.0  # seconds in which a request has to have come as a whole
_LISTEN = re.compile(r"(?P<host>\[[0-9a-fA-F:.%a-z]+\]|[^:\[\]/@\s]+):(?P<port>[0-9]{1,5})", re.ASCII)


class Address:
    """Where to listen. `listening` has the port, also where any free one was asked for."""

    def __init__(self, written: str) -> None:
        """ProgramError where it is no address."""
        match = _LISTEN.fullmatch(written)
        if match is None or int(match["port"]) > 65535:
            why = f'"{printable(written)}" is not an address to listen on'
            raise ProgramError(why, "write it like 127.0.0.1:8484 or [::1]:8484")
        self.host, self.port = match["host"].strip("[]"), int(match["port"])
        try:
            found = socket.getaddrinfo(self.host, self.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        except OSError as error:
            raise ProgramError(
                f'"{printable(self.host)}" is not known: {error.strerror}', "name an IP address"
            ) from None
        self.loopback = all(ipaddress.ip_address(str(one[4][0]).partition("%")[0]).is_loopback for one in found)
        self._family: int = found[0][0]
        self._at: tuple[Any, ...] = found[0][4]

    def listening(self) -> socket.socket:
        """ProgramError where somebody else listens there, or it is not this machine's."""
        try:
            made = socket.create_server(self._at, family=self._family, backlog=64)
        except OSError as error:
            why = f"cannot listen on {printable(self.host)}:{self.port}: {error.strerror}"
            raise ProgramError(why, "name another port with --listen") from None
        self.port = made.getsockname()[1]
        return made

    @property
    def shown(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def names(self) -> frozenset[str]:
        """Under which it may be asked for, where it is loopback."""
        hosts = ("127.0.0.1", "localhost", "[::1]", self.shown.rpartition(":")[0].lower())
        return frozenset(f"{host}:{self.port}" for host in hosts) | (
            frozenset(hosts) if self.port == 80 else frozenset()
        )


class _Impatient(H11Protocol):
    """Ends connections that bring no whole request in time: else who opens 200 of them keeps everybody out."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as its own has it
        super().connection_made(transport)
        self.loop.call_later(PATIENCE, self._look, None)

    def _look(self, before: object) -> None:
        """`before`: the request that it had at the last look."""
        if self.cycle is before and (before is None or self.cycle.response_complete):
            self.transport.close()
        elif not self.transport.is_closing():
            self.loop.call_later(PATIENCE, self._look, self.cycle)


def server(source: Source, address: Address, token: str | None) -> uvicorn.Server:
    """What serves it; `run` with a listening socket, `should_exit` ends it."""
    config = uvicorn.Config(
        app(source, address.names if token is None else None, token),
        http=_Impatient,
        ws="none",
        loop="asyncio",
        lifespan="off",
        log_config=None,
        log_level="error",  # what strangers send is nothing that anybody here could mend
        access_log=False,  # an address may hold the token
        server_header=False,
        proxy_headers=False,
        limit_concurrency=200,
        timeout_keep_alive=5,
        timeout_graceful_shutdown=3,
    )
    made = uvicorn.Server(config)
    made.capture_signals = contextlib.nullcontext  # type: ignore[method-assign, assignment]  # they are the command's
    return made


@contextmanager
def served(source: Source, address: Address, token: str | None = None) -> Iterator[None]:
    """Served in a thread beside."""
    with address.listening() as listening:
        made = server(source, address, token)
        thread = threading.Thread(target=made.run, args=([listening],), name="web", daemon=True)
        thread.start()
        try:
            yield
        finally:
            source.ending.set()
            made.should_exit = True
            thread.join(5)
            source.close()
