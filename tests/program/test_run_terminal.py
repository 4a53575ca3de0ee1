"""`run` in a terminal: the bars beneath the log, and a clean terminal at the end; elsewhere plain lines alone."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import signal
import struct
import subprocess
import sys
import termios
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from postpost_sync.sandbox import Behaviour
from tests.support.drops import picture, sidecar
from tests.support.rig import HANG, REPOSITORY, Rig, rig

WIDTH = 80
SHOW_CURSOR, HIDE_CURSOR = "\x1b[?25h", "\x1b[?25l"
ESCAPE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


@pytest.fixture
def pp(tmp_path: Path) -> Iterator[Rig]:
    with rig(tmp_path, behaviour=Behaviour(store_rate=100e3)) as one:
        yield one


class Terminal:
    """A terminal of 80 columns that remembers what was written to it."""

    def __init__(self) -> None:
        self.ours, self.theirs = pty.openpty()
        fcntl.ioctl(self.theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, WIDTH, 0, 0))
        self.text = ""
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        while True:
            try:
                got = os.read(self.ours, 65536)
            except OSError:  # nobody writes to it any longer
                return
            self.text += got.decode("utf-8", "replace")

    def wait_for(self, pattern: str, within: float = 20.0) -> None:
        ends = time.monotonic() + within
        while time.monotonic() < ends:
            if re.search(pattern, self.text):
                return
            time.sleep(0.05)
        raise AssertionError(f"{pattern} was not shown, only {self.text!r}")

    def close(self) -> None:
        os.close(self.theirs)
        self._reader.join(10)
        os.close(self.ours)


@contextmanager
def in_terminal(
    pp: Rig, *arguments: str, out: bool = True, term: str = "xterm-256color"
) -> Iterator[tuple[Terminal, subprocess.Popen[bytes]]]:
    terminal = Terminal()
    environ = {**os.environ, "TERM": term, "PYTHONWARNINGS": "error"}
    environ.pop("NO_COLOR", None)
    # tests that a shell runs in the background ignore SIGINT, and what they start would inherit that
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    process = subprocess.Popen(
        [sys.executable, "-m", "postpost_sync", "-c", str(pp.config), *arguments],
        stdin=terminal.theirs,
        stdout=terminal.theirs if out else subprocess.DEVNULL,
        stderr=terminal.theirs,
        cwd=REPOSITORY,
        env=environ,
    )
    signal.signal(signal.SIGINT, before)
    try:
        yield terminal, process
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
        terminal.close()


def test_the_bars_stand_beneath_the_log_and_leave_a_clean_terminal(pp: Rig) -> None:
    pp.drop("launch", sidecar(), {"slide.jpg": picture(size=(1600, 1600))})
    with in_terminal(pp, "run") as (terminal, process):
        terminal.wait_for(r"slide\.jpg .*━.* \d+%  \d+/\d+ kB")
        terminal.wait_for(r"1 post: 1 uploading")
        assert HIDE_CURSOR in terminal.text
        pp.drop("oops", "content: x\nplatfroms: []\n")
        terminal.wait_for(r"error   invalid folder=\S+")
        terminal.wait_for(r"2 posts: 1 invalid, 1 uploading")
        process.send_signal(signal.SIGINT)
        assert process.wait(HANG) == 0
        time.sleep(0.2)
        shown = terminal.text
    assert shown.rindex(SHOW_CURSOR) > shown.rindex(HIDE_CURSOR)
    after = shown[shown.rindex(SHOW_CURSOR) :]
    assert [line.split(" ", 2)[2].strip() for line in ESCAPE.sub("", after).splitlines() if line.strip()] == [
        "info    stopping",
        "info    stopped",
    ]
    assert "\x1b[?1049" not in shown  # what was there before is still to be read
    assert "Traceback" not in shown


def test_status_that_watches_says_that_the_daemon_is_down_and_ends_cleanly(pp: Rig) -> None:
    pp.sandbox.behaviour = Behaviour()
    pp.drop("launch")
    assert pp.run_once() == 0
    with in_terminal(pp, "status", "--watch") as (terminal, process):
        terminal.wait_for("1 post: 1 scheduled")
        terminal.wait_for("the daemon is not running")
        process.send_signal(signal.SIGINT)
        assert process.wait(HANG) == 0
        time.sleep(0.2)
        assert terminal.text.rindex(SHOW_CURSOR) > terminal.text.rindex(HIDE_CURSOR)


@pytest.mark.parametrize(
    ("arguments", "out", "term"),
    [
        pytest.param((), False, "xterm-256color", id="where stdout goes elsewhere"),
        pytest.param((), True, "dumb", id="where the terminal can do nothing"),
        pytest.param(("--log-format", "json"), True, "xterm-256color", id="where the log is for a program"),
        pytest.param(("--once",), True, "xterm-256color", id="in one pass"),
    ],
)
def test_there_are_lines_alone(pp: Rig, arguments: tuple[str, ...], out: bool, term: str) -> None:
    pp.sandbox.behaviour = Behaviour()
    pp.drop("launch", sidecar(), {"slide.jpg": picture()})
    with in_terminal(pp, "run", *arguments, out=out, term=term) as (terminal, process):
        terminal.wait_for(r"scheduled")
        if "--once" not in arguments:  # which ends by itself
            process.send_signal(signal.SIGTERM)
        assert process.wait(HANG) == 0
        assert "\x1b" not in terminal.text
