"""Real file systems for tests: mounts, overlays, and FUSE ones that can be made to hang. Skipped where that is not allowed.

Write into the folder behind a FUSE file system, not through it, while it hangs. And start no process while a file on one
that hangs is open here: the child closes it, which hangs, too.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest


@contextmanager
def mounted(place: Path, *what: str) -> Iterator[Callable[[], bool]]:
    """A file system at `place`; call it to take it away. Nothing of it stays behind."""
    if os.geteuid() != 0:
        pytest.skip("mounting needs root")
    place.mkdir(exist_ok=True)
    if not mount(place, *what):
        pytest.skip("mounting is not allowed here")
    try:
        yield lambda: unmount(place)
    finally:
        while unmount(place):  # os.path.ismount knows nothing of bind mounts
            pass


def mount(place: Path, *what: str) -> bool:
    command = ["mount", *(what or ("-t", "tmpfs", "none")), str(place)]
    return subprocess.run(command, capture_output=True).returncode == 0


def unmount(place: Path) -> bool:
    return subprocess.run(["umount", "-l", str(place)], capture_output=True).returncode == 0  # noqa: S607


def in_the_kernel(pid: int) -> bool:
    """Whether all that is left of a process is in calls that nothing ends but their answer."""
    states = set()
    for task in Path(f"/proc/{pid}/task").iterdir():
        with suppress(FileNotFoundError, ProcessLookupError):  # that thread ended just now
            states.add(task.joinpath("stat").read_text().rpartition(")")[2].split()[0])
    return states <= {"D", "Z"}


@contextmanager
def overlaid(place: Path, beside: Path, options: str) -> Iterator[Path]:
    """An overlay at `place` whose layers lie on two file systems; yields the lower one, to be filled before it is read."""
    lower, upper = beside / "lower", beside / "upper"
    with mounted(lower), mounted(upper):
        for name in ("files", "work"):
            (upper / name).mkdir()
        layers = f"{options},lowerdir={lower},upperdir={upper}/files,workdir={upper}/work"
        with mounted(place, "-t", "overlay", "-o", layers, "overlay"):
            yield lower


class Fuse:
    """A FUSE file system at `place` that shows what is in `source`."""

    def __init__(self, place: Path, source: Path, process: subprocess.Popen[bytes]) -> None:
        self.place, self.source, self._process = place, source, process

    def hang(self) -> None:
        """Answer nothing, like a network share whose server is gone."""
        self._process.send_signal(signal.SIGSTOP)

    def answer(self) -> None:
        self._process.send_signal(signal.SIGCONT)

    def kill(self) -> None:
        """Leave a mount behind that nobody serves."""
        self._process.kill()
        self._process.wait(10)

    def unmount(self) -> bool:
        return unmount(self.place)


@contextmanager
def fused(place: Path, source: Path) -> Iterator[Fuse]:
    if shutil.which("bindfs") is None:
        pytest.skip("bindfs is not installed")
    if os.geteuid() != 0 or not os.access("/dev/fuse", os.R_OK | os.W_OK):
        pytest.skip("FUSE needs root and /dev/fuse")
    for folder in (place, source):
        folder.mkdir(exist_ok=True)
    outside = place.stat().st_dev
    uncached = "attr_timeout=0,entry_timeout=0,negative_timeout=0"
    process = subprocess.Popen(
        ["bindfs", "-f", "-o", uncached, str(source), str(place)],  # noqa: S607
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    one = Fuse(place, source, process)
    try:
        ends = time.monotonic() + 10
        while place.stat().st_dev == outside:
            if process.poll() is not None or time.monotonic() > ends:
                pytest.skip("a FUSE file system cannot be mounted here")
            time.sleep(0.01)
        yield one
    finally:
        if process.poll() is None:
            one.answer()
        while one.unmount():
            pass
        process.terminate()
        process.wait(10)
