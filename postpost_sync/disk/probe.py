"""Asks what a media file measures, from an open descriptor: in a process of its own, whose end is an answer, too.

Files come from people who are not wholly trusted, and the libraries that read them (Pillow, FFmpeg through PyAV) are
large. So every file is read in a process of its own, with little memory and little time, forked from a server that has
the libraries loaded and never looks at a file itself (`measuring`). A crash, a hang or a bomb in there is an answer like
any other. Nothing is judged here; `preflight` does.

The facts, each absent where it is not known:

- both: `width`, `height` (pixels, as stored), `aspect` (width over height, as shown), `rotation` (degrees clockwise a
  viewer has to turn it: 0, 90, 180, 270), `truncated`, `undecodable`, `unmeasured` (the reason, in words)
- images: `animated`, `cmyk`, `mirrored`
- videos: `duration` (seconds), `fps`, `bitrate` (bits per second), `video_codec`, `audio_codec` (FFmpeg's names; "" is
  no sound)

`structure` adds what the sizes written in the file say about its end.
"""

from __future__ import annotations

import atexit
import base64
import contextlib
import errno
import importlib.util
import json
import os
import select
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from postpost_sync.disk.measuring import REQUEST, TASKS
from postpost_sync.disk.opening import DEMUXERS, FOREIGN, PLUGINS, Broken, Facts
from postpost_sync.model.errors import printable

_LOOK_UP = 0.5  # seconds after which who waits for an answer asks whether it is still wanted


def available() -> bool:
    """Whether the libraries that measure are installed. Where they are not, `measure` knows nothing of any file."""
    return all(importlib.util.find_spec(name) is not None for name in ("av", "PIL"))


def missing() -> str:
    """What the pictures of phones need and cannot be imported here, in words; "" where all is there."""
    try:
        import pillow_heif  # noqa: F401  # it is found by trying: its library may lack another one
    except (ImportError, OSError) as error:
        return f"pillow-heif, which reads HEIC, cannot be imported ({error})"
    from PIL import features

    return "" if features.check("avif") else "Pillow has no AVIF here"


def start() -> None:
    """Start the process that measurements are forked from, while no file of a share is open: one that hangs would hold up
    the start of any process, and with it all of this one."""
    if available():
        with contextlib.suppress(OSError):  # it is tried again when a file is to be measured
            _server.start()


def load() -> None:
    """Let that process load its libraries, which takes it a third of a second, before a file is to be measured."""
    _server.load()


def measure(fd: int, content_type: str) -> Mapping[str, str | int | float | bool]:
    """The facts of the file behind a descriptor, whose position stays as it is. Any thread; raises for nothing that is in it.

    Broken where it cannot be read.
    """
    if content_type not in PLUGINS | DEMUXERS | FOREIGN or not available():
        return {}
    return ask("measure", {"content_type": content_type}, fd) or {
        "unmeasured": "reading it took too long or crashed the reader"
    }


def ask(
    task: str, wanted: Mapping[str, object], fd: int, *out: int, stop: Callable[[], bool] = lambda: False
) -> Mapping[str, str | int | float | bool]:
    """What a process of its own finds out about the file behind a descriptor; nothing where it was ended, or crashed.

    Broken where it cannot be read. `out`: a file that it may write. `stop`: whether nobody wants to know any more.
    """
    facts: Facts = {}
    for line in _server.ask(task, json.dumps(wanted), fd, *out, stop=stop).splitlines():
        with contextlib.suppress(ValueError, RecursionError):  # it ended in the middle of a line, or was taken over
            piece = dict(json.loads(line).items() if line.startswith(b"{") else ())
            facts.update({key: value for key, value in piece.items() if isinstance(value, str | int | float)})
    if "broken" in facts:
        raise Broken(errno.EIO, printable(str(facts["broken"])))
    return facts


def thumbnail(fd: int, content_type: str) -> bytes | None:
    """A small JPEG of the file behind a descriptor; empty where none can be made, None where that was not found out.

    Any thread; raises for nothing that is in it. Broken where it cannot be read.
    """
    if content_type not in PLUGINS | DEMUXERS | FOREIGN or not available():
        return b""
    try:
        made = base64.b64decode(str(ask("thumbnail", {"content_type": content_type}, fd)["jpeg"]), validate=True)
    except (ValueError, LookupError):  # it crashed, took too long, or was taken over
        return None
    return made if made.startswith(b"\xff\xd8\xff") and made.endswith(b"\xff\xd9") else b""


class _Server:
    """The process that measurements are forked from: started on first use at the latest, and again where it has died."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._running: tuple[subprocess.Popen[bytes], socket.socket] | None = None
        self._told_to_load = False

    def start(self) -> None:
        with self._lock:
            self._running = self._running or _start()

    def load(self) -> None:
        with self._lock:
            if self._running is not None and not self._told_to_load:
                self._told_to_load = True
                with contextlib.suppress(OSError):  # it has died: another one is started for the next file
                    self._running[1].sendall(b"".ljust(REQUEST))

    def ask(self, task: str, wanted: str, fd: int, *out: int, stop: Callable[[], bool]) -> bytes:
        """What the process for this file wrote before it ended or its time was over. Several may run at once."""
        try:
            readable, writable = os.pipe()
        except OSError:
            return b""
        with open(readable, "rb", buffering=0) as answer, contextlib.suppress(OSError):
            try:
                self._send(f"{task} {wanted}".encode().ljust(REQUEST), [fd, writable, *out])
            finally:
                os.close(writable)
            return _read_all(answer.fileno(), time.monotonic() + TASKS[task].wall + 1, stop)
        return b""

    def _send(self, request: bytes, descriptors: list[int]) -> None:
        with self._lock:
            if self._running is not None:
                with contextlib.suppress(OSError):
                    socket.send_fds(self._running[1], [request], descriptors)
                    return
            self.stop()
            self._running = _start()
            socket.send_fds(self._running[1], [request], descriptors)

    def stop(self) -> None:
        if self._running is not None:
            process, control = self._running
            self._running, self._told_to_load = None, False
            control.close()  # it ends when nobody can ask any more
            try:
                process.wait(1)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _start() -> tuple[subprocess.Popen[bytes], socket.socket]:
    # Our own environment stays here: it may hold the API key.
    environment = {key: os.environ[key] for key in ("PATH", "LD_LIBRARY_PATH", "LANG") if key in os.environ}
    environment["PYTHONPATH"] = os.pathsep.join(filter(None, (str(Path(__file__).parents[1]), *sys.path)))
    command = [sys.executable, "-P", "-m", "postpost_sync.disk.measuring"]
    nothing = subprocess.DEVNULL
    ours, theirs = socket.socketpair()
    ours.settimeout(TASKS["measure"].wall)
    with theirs:
        process = subprocess.Popen(  # noqa: S603  # our own module, nothing from outside
            command, stdin=theirs.fileno(), stdout=nothing, stderr=nothing, env=environment
        )
    return process, ours


_server = _Server()
atexit.register(_server.stop)


def _read_all(fd: int, deadline: float, stop: Callable[[], bool]) -> bytes:
    poll, received = select.poll(), b""
    poll.register(fd, select.POLLIN | select.POLLHUP)
    while len(received) < 65536 and (left := deadline - time.monotonic()) > 0 and not stop():
        if poll.poll(min(left, _LOOK_UP) * 1000):
            block = os.read(fd, 8192)
            if not block:
                break
            received += block
    return received
