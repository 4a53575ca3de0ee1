"""Runs the real daemon in processes of its own, and kills each at the n-th moment between two effects.

A helper of test_crash: `python -m tests.support.crash_driver FD…` is the parent of one driver for each of these sockets. One
post goes all its way before the first fork, so that what a process loads and works out once (modules, patterns, time zones,
certificates) is there in each child. A driver reads one job a line (JSON), forks a child for it, and answers with one line.
The product knows nothing of this: every effect is met where it leaves Python, at SQLite's connection, at httpx's transport,
and at the calls that change a file. A moment is counted before and after each: the kill may come in between, and between two
of them the process may have done other things in other threads.

    in   {"state_db": …, "root": …, "url": …, "kill_at": n or null}
    out  {"killed": true} or {"killed": false, "moments": […], "states": {folder: state}, "errors": […]}
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import signal
import socket
import sqlite3
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx

from postpost_sync import ledger, log
from postpost_sync.config import load
from postpost_sync.daemon import daemon
from postpost_sync.disk import media, probe
from postpost_sync.model import post, slots
from postpost_sync.sandbox import Sandbox, serve
from tests.support.world import picture

SETTLE = 0.05  # seconds
SLOTS = (slots.parse("daily 09:00"), slots.parse("daily 17:30"))
WAIT = 40.0  # seconds a run may take
NEVER = 10**9


class Moments:
    """Counts the moments, and ends the process at the one that was asked for."""

    def __init__(self, kill_at: int | None) -> None:
        self._kill_at = kill_at or NEVER
        self._lock = threading.Lock()
        self.names: list[str] = []

    def __call__(self, name: str) -> None:
        with self._lock:  # held while the process ends, so that no other thread makes another effect meanwhile
            self.names.append(name)
            if len(self.names) >= self._kill_at:
                os.kill(os.getpid(), signal.SIGKILL)
                threading.Event().wait()


def watch(moment: Moments) -> None:
    """Put the counting around everything that has an effect."""
    _watch_database(moment)
    _watch_network(moment)
    _watch_files(moment)


def _watch_database(moment: Moments) -> None:
    class Connection(sqlite3.Connection):
        def execute(self, sql: str, *parameters: Any) -> sqlite3.Cursor:
            word = sql.split(maxsplit=1)[0].upper()
            by_itself = word in ("INSERT", "UPDATE", "DELETE", "CREATE") and not self.in_transaction
            if word != "COMMIT" and not by_itself:
                return super().execute(sql, *parameters)
            moment(f"before {word}")
            cursor = super().execute(sql, *parameters)
            moment(f"after {word}")
            return cursor

        def commit(self) -> None:
            moment("before COMMIT")
            super().commit()
            moment("after COMMIT")

    connect = sqlite3.connect

    def connected(*arguments: Any, **more: Any) -> sqlite3.Connection:
        return connect(*arguments, factory=Connection, **more)

    sqlite3.connect = connected  # type: ignore[assignment]  # the same but for its class


def _watch_network(moment: Moments) -> None:
    send = httpx.HTTPTransport.handle_request

    class Body(httpx.SyncByteStream):
        def __init__(self, inner: httpx.SyncByteStream, name: str) -> None:
            self._inner, self._name = inner, name

        def __iter__(self) -> Iterator[bytes]:
            for block in self._inner:
                moment(f"before a block of {self._name}")
                yield block

    def handle_request(self: httpx.HTTPTransport, request: httpx.Request) -> httpx.Response:
        name = f"{request.method} {request.url.path.rpartition('/')[0]}"
        moment(f"before {name}")
        assert isinstance(request.stream, httpx.SyncByteStream)
        request.stream = Body(request.stream, name)
        response = send(self, request)
        moment(f"after {name}")
        return response

    httpx.HTTPTransport.handle_request = handle_request  # type: ignore[method-assign]  # that is the point


def _watch_files(moment: Moments) -> None:
    for name in ("replace", "link", "rename", "unlink", "remove", "mkdir", "ftruncate", "pwrite"):
        _wrap(moment, name)
    opened = os.open

    def open_(path: Any, flags: int, *arguments: Any, **more: Any) -> int:
        if not flags & os.O_CREAT:
            return opened(path, flags, *arguments, **more)
        moment("before os.open")
        fd = opened(path, flags, *arguments, **more)
        moment("after os.open")
        return fd

    os.open = open_


def _wrap(moment: Moments, name: str) -> None:
    inner = getattr(os, name)

    def wrapped(*arguments: Any, **more: Any) -> Any:
        moment(f"before os.{name}")
        result = inner(*arguments, **more)
        moment(f"after os.{name}")
        return result

    setattr(os, name, wrapped)


class _Errors(logging.Handler):
    """Keeps what is logged as an error: a defect that was survived is one all the same."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record.getMessage())


def run(job: dict[str, Any]) -> dict[str, Any]:
    """One run of the daemon to its end, in this process."""
    defects = _Errors()
    logging.getLogger("postpost_sync").handlers[:] = [defects]
    root, api = Path(job["root"]), load.Api(job["url"], key="sk_crash")
    settings = load.Config(
        file=None,
        roots=(load.Root(root, api, post.Policy(settle=SETTLE, slots=SLOTS)),),
        api=api,
        state_db=Path(job["state_db"]),
    )
    one = daemon.Daemon(settings, {}, log.Log())
    try:
        one.start()
        one.settle_all(WAIT)
        records = one.store.records()
    finally:
        one.stop()
    return {
        "killed": False,
        "states": {record.path: record.state.value for record in records},
        "errors": [*defects.lines, *(f"{r.path}: {r.error}" for r in records if r.error is not None)],
    }


def forked(job: dict[str, Any]) -> dict[str, Any]:
    """The same in a child; what came of it."""
    out, into = os.pipe()
    child = os.fork()
    if child == 0:
        status = 1
        try:
            os.close(out)
            watch(moment := Moments(job["kill_at"]))
            answer = json.dumps({**run(job), "moments": moment.names}).encode()
            with os.fdopen(into, "wb") as pipe:
                pipe.write(answer)
            status = 0
        finally:
            os._exit(status)
    os.close(into)
    with os.fdopen(out, "rb") as pipe:
        answer = pipe.read()
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL:
        return {"killed": True}
    if status != 0:
        return {"killed": False, "moments": [], "states": {}, "errors": [f"the process ended with {status}"]}
    result: dict[str, Any] = json.loads(answer)
    return result


_measured: dict[str, Any] = {}
_measure = probe.measure


def _hash(fd: int) -> str:
    return hashlib.sha256(os.pread(fd, os.fstat(fd).st_size, 0)).hexdigest()


def _measure_once(root: Path) -> None:
    """Measuring starts a server of its own and has no effect: it is done before the fork, once for each file."""
    for path in root.glob("*/*"):
        fd = os.open(path, os.O_RDONLY)
        kind = media.kind(os.pread(fd, media.HEAD, 0))
        if _hash(fd) not in _measured:
            _measured[_hash(fd)] = _measure(fd, kind)
        os.close(fd)


def _known(fd: int, content_type: str) -> Any:
    known = _measured.get(_hash(fd))
    return _measure(fd, content_type) if known is None else known  # a fitted copy comes to be meanwhile


def _warm_up() -> None:
    """One post, from its folder to the service."""
    with tempfile.TemporaryDirectory() as place, Sandbox() as service, serve(service) as server:
        root = Path(place, "posts")
        (root / "post").mkdir(parents=True)
        (root / "post" / "post.yaml").write_text(
            "content: x\nplatforms: [facebook-1001]\nscheduled_time: 2031-03-04 10:00\nmedia: [a.jpg]\n"
        )
        (root / "post" / "a.jpg").write_bytes(picture(1))
        ran = run({"state_db": f"{place}/state.db", "root": str(root), "url": server.api_url})
        assert ran["states"] == {"post": "scheduled"}, ran


def main() -> None:
    log.silence()
    probe.start()  # for all runs: a copy is made in a process of its own, too
    probe.measure = _known
    probe.start = lambda: None
    # an unknown create is looked for, only sooner: this listing does not lag
    ledger.groups.SEARCH_PAUSES = (0.1, 0.1, 0.1)
    _warm_up()
    sockets = [socket.socket(fileno=int(number)) for number in sys.argv[1:]]
    for one in sockets:
        if os.fork() == 0:
            for other in set(sockets) - {one}:
                other.close()
            drive(one)
            os._exit(0)
    for one in sockets:
        one.close()
    for _ in sockets:
        os.wait()


def drive(asking: socket.socket) -> None:
    """One job after the other, until nobody asks any more."""
    with asking, asking.makefile("rw") as jobs:
        for line in jobs:
            job = json.loads(line)
            _measure_once(Path(job["root"]))
            print(json.dumps(forked(job)), file=jobs, flush=True)


if __name__ == "__main__":
    main()
