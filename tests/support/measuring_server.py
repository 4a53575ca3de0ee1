"""The real process that reads media, with something in it replaced, and with a patience that never ends."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest

from postpost_sync.disk import probe
from postpost_sync.disk.measuring import TASKS

PATIENCE = 10_000.0  # seconds: no test lasts so long


# a script: of every file the beginning can be read, and behind it the share no longer answers
BREAKS_OFF = """
read = os.preadv
def breaks_off(fd, buffers, at):
    if at < 4000:
        return read(fd, [memoryview(buffers[0])[:4000]], at)
    raise OSError(5, os.strerror(5))
os.preadv = breaks_off
"""


@contextmanager
def server_with(monkeypatch: pytest.MonkeyPatch, script: str) -> Iterator[None]:
    program = [
        "import os, socket",
        "from dataclasses import replace",
        "from postpost_sync.disk import measuring",
        f"measuring.TASKS['measure'] = replace(measuring.TASKS['measure'], wall={PATIENCE})",
        script,
        "measuring.serve(socket.socket(fileno=os.dup(0)))",
    ]

    def start() -> tuple[subprocess.Popen[bytes], socket.socket]:
        ours, theirs = socket.socketpair()
        command = [sys.executable, "-c", "\n".join(program)]
        environment = {"PYTHONPATH": os.pathsep.join(sys.path)}
        with theirs:
            return subprocess.Popen(command, stdin=theirs.fileno(), env=environment, stderr=subprocess.DEVNULL), ours

    server = probe._Server()
    monkeypatch.setattr(probe, "_start", start)
    monkeypatch.setitem(TASKS, "measure", replace(TASKS["measure"], wall=PATIENCE))
    monkeypatch.setattr(probe, "_server", server)
    try:
        yield
    finally:
        server.stop()
