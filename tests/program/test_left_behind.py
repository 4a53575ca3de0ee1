"""What the demo, the sandbox and the measurements leave in the folder for temporary files: nothing, however they end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.rig import HANG, REPOSITORY

PROGRAM = [sys.executable, "-m", "postpost_sync"]
SIGNALS = [signal.SIGTERM, signal.SIGINT, signal.SIGHUP]


@pytest.fixture(autouse=True)
def none_is_ignored() -> Iterator[None]:
    """As tests that run in the background ignore Ctrl-C: what they start would ignore it, too."""
    ignored = [number for number in SIGNALS if signal.getsignal(number) is signal.SIG_IGN]
    for number in ignored:
        signal.signal(number, signal.SIG_DFL)
    yield
    for number in ignored:
        signal.signal(number, signal.SIG_IGN)


def ended_by(number: signal.Signals, command: list[str], temporary: Path, since_it_is_there: float) -> list[str]:
    """The names left in the folder, once the command was ended so long after it first made something there."""
    with subprocess.Popen(
        command,
        cwd=REPOSITORY,
        env={**os.environ, "TMPDIR": str(temporary)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as process:
        ends = time.monotonic() + HANG
        while not any(temporary.iterdir()) and time.monotonic() < ends:
            time.sleep(0.01)
        time.sleep(since_it_is_there)
        process.send_signal(number)
        process.wait(HANG)
    return [one.name for one in temporary.iterdir()]


@pytest.mark.parametrize("number", SIGNALS)
@pytest.mark.parametrize("after", [0.0, 1.0], ids=["at its start", "at work"])
@pytest.mark.parametrize("command", ["demo", "sandbox"])
def test_a_simulation_that_is_ended_leaves_nothing(
    tmp_path: Path, command: str, number: signal.Signals, after: float
) -> None:
    left = ended_by(number, [*PROGRAM, command], tmp_path, after)
    assert [name for name in left if not name.endswith(".html")] == [], "but for the page that it names"


@pytest.mark.parametrize("number", SIGNALS)
def test_a_measurement_that_is_ended_leaves_nothing(tmp_path: Path, number: signal.Signals) -> None:
    """Nor does the simulated PostPost that it ran."""
    assert ended_by(number, [sys.executable, "-m", "tests.bench.soak", "--folders", "3"], tmp_path, 4.0) == []
