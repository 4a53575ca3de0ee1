"""The real program in a process of its own, forked from one that has loaded its modules.

Most tests of a daemon are about what it does, not about how Python starts, and that costs more than all that it does there.
The process that is forked from imports the program, has one thread, and is told by `Program`:

    what comes in   a line of JSON, {"arguments": […], "environ": {…}}, and two descriptors: where its stderr goes, and a pipe
    what goes out   into that pipe: the process's id, and once it has ended its exit status as Popen has it; a line each
"""

from __future__ import annotations

import atexit
import contextlib
import functools
import gc
import importlib
import json
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path

MOST = 1 << 20  # bytes of a request
# what the program loads when it first needs it
LATER = (
    "encodings.idna",
    "postpost_sync.disk.notifications",
    "postpost_sync.store.migrations",
    "secrets",
    "sqlite_utils",
)


class Program:
    """What tests need of a `subprocess.Popen`. Its stderr goes to a file: nobody has to read it for the process to go on."""

    def __init__(self, *arguments: str) -> None:
        self._said = tempfile.TemporaryFile("a+", errors="replace")  # noqa: SIM115 - as long as this
        told, telling = os.pipe()
        self._told = open(told)  # noqa: SIM115 - likewise
        request = json.dumps({"arguments": arguments, "environ": dict(os.environ)}).encode()
        socket.send_fds(_parent(), [request], [self._said.fileno(), telling])
        os.close(telling)
        self.pid = int(self._told.readline())
        self.returncode: int | None = None

    def poll(self) -> int | None:
        if self.returncode is None and select.select([self._told], [], [], 0)[0]:
            self.returncode = int(self._told.readline())
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        if self.returncode is None and not select.select([self._told], [], [], timeout)[0]:
            raise subprocess.TimeoutExpired("postpost-sync", timeout or 0.0)
        ended = self.poll()
        assert ended is not None
        return ended

    def communicate(self, timeout: float | None = None) -> tuple[None, str]:
        """None, since nothing is kept of what it prints, and its stderr."""
        self.wait(timeout)
        self._said.seek(0)
        return None, self._said.read()

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def close(self) -> None:
        self._told.close()
        self._said.close()


@functools.cache
def _parent() -> socket.socket:
    """The process that is forked from, begun with the first who needs it; it ends with us."""
    ours, its = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with its:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.support.warm", str(its.fileno())],
            cwd=Path(__file__).parents[2],
            env={**os.environ, "PYTHONWARNINGS": "error"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            pass_fds=[its.fileno()],
        )
    atexit.register(process.wait)
    atexit.register(ours.close)  # before that
    return ours


def _serve(asking: socket.socket) -> int:
    """Until nobody can ask any more; the children come back from here with what they are to run."""
    from postpost_sync import cli  # noqa: F401
    from postpost_sync.commands import run  # noqa: F401
    from postpost_sync.notify import delivery

    for name in LATER:
        importlib.import_module(name)
    delivery.targets([("here", "json://127.0.0.1")])  # with the first one Apprise loads all the services that it knows
    gc.collect()
    gc.freeze()  # so that no child touches, and so copies, all of it
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for those who wait
    while True:
        request, descriptors, _, _ = socket.recv_fds(asking, MOST, 2)
        if not request:
            return 0
        stderr, telling = descriptors
        if os.fork() == 0:
            asking.close()
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            return _forked(json.loads(request), stderr, telling)
        os.close(stderr)
        os.close(telling)


def _forked(request: dict[str, object], stderr: int, telling: int) -> int:
    """Run the program in a child, and tell how it ends."""
    child = os.fork()
    if child == 0:
        os.close(telling)
        return _run(request, stderr)
    with open(telling, "w", buffering=1) as out, contextlib.suppress(BrokenPipeError):
        out.write(f"{child}\n")
        out.write(f"{os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])}\n")
    os._exit(0)


def _run(request: dict[str, object], stderr: int) -> int:
    from postpost_sync.__main__ import main

    os.dup2(stderr, 2)
    os.close(stderr)
    environ, arguments = request["environ"], request["arguments"]
    assert isinstance(environ, dict)
    assert isinstance(arguments, list)
    os.environ.clear()
    os.environ.update(environ)
    time.tzset()
    warnings.simplefilter("error")
    return main(arguments)


if __name__ == "__main__":
    with socket.socket(fileno=int(sys.argv[1])) as asking:
        sys.exit(_serve(asking))
