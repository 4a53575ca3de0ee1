"""`web`: the calendar, live, on a port. A process of its own, which holds no key and changes nothing."""

from __future__ import annotations

import importlib.util
import os
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from postpost_sync import log
from postpost_sync.calendar.seen import WatchRoot
from postpost_sync.commands.common import leave, load_config, stopped_by_signals
from postpost_sync.config import credentials
from postpost_sync.model.errors import ProgramError
from postpost_sync.packages import to_install

if TYPE_CHECKING:
    from postpost_sync.web.source import Source

_LEAST_TOKEN = 16  # characters
READS_WITHIN = 3.0  # seconds for what is read at the end


def web(option: str | None, listen: str, token_file: Path | None) -> int:
    """Serve until SIGTERM or Ctrl-C."""
    need_extra()
    from postpost_sync.web.server import Address, server

    log.set_up(os.environ, level=log.Level.WARNING)
    os.environ.pop("POSTPOST_API_KEY", None)  # it is not for this process
    address = Address(listen)
    token = _token(token_file) if token_file is not None else None
    if token is None and not address.loopback:
        raise ProgramError(
            f"{address.shown} can be reached from elsewhere, and everybody there could read the calendar",
            "name a file with a secret of 16 characters or more: --token-file FILE; or listen on 127.0.0.1",
        )
    source = _source(option)
    with address.listening() as listening:
        made = server(source, address, token)
        ending = f"http://{address.shown}/" + ("?token=…, with what stands in the file" if token else "")
        click.echo(f"serving the calendar on {ending}")

        def stop() -> None:
            source.ending.set()
            made.should_exit = True

        with stopped_by_signals(stop):
            made.run([listening])
    if not _ended(READS_WITHIN):
        leave(0)
    source.close()
    return 0


def _ended(within: float) -> bool:
    """Whether nothing is read any more; who reads from a share that does not answer cannot be ended."""
    ends = time.monotonic() + within
    threads = [one for one in threading.enumerate() if one is not threading.current_thread() and not one.daemon]
    for one in threads:
        one.join(max(0.0, ends - time.monotonic()))
    return not any(one.is_alive() for one in threads)


def need_extra() -> None:
    """ProgramError where what serves pages is not installed."""
    if any(importlib.util.find_spec(name) is None for name in ("starlette", "uvicorn", "prometheus_client")):
        hint = to_install("prometheus-client", "starlette", "uvicorn")
        raise ProgramError("serving pages needs packages that are not installed", hint)


def _source(option: str | None) -> Source:
    """What is read; the config, which may hold a key, is not kept."""
    from postpost_sync.web.source import Source

    config = load_config(option)
    roots = [WatchRoot(str(root.path), root.policy.timezone, root.policy.slots) for root in config.roots]
    return Source(config.state_db, roots, config.rescan, config.ignore)


def _token(file: Path) -> str:
    text = credentials.read(file, "token", "check --token-file", private=True).strip()
    if len(text) < _LEAST_TOKEN or not text.isascii() or not text.isprintable() or " " in text:
        why = f"the token in {file} is not one word of {_LEAST_TOKEN} plain characters or more"
        raise ProgramError(why, f"head -c 24 /dev/urandom | base64 | tr '+/' '-_' > {file}; chmod 600 {file}")
    return text
