"""Where a measurement lies: one folder for all that it and its processes make, which is gone at its end, however that comes."""

from __future__ import annotations

import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def scratch(name: str, at: Path | None = None) -> Iterator[Path]:
    """The folder, inside `at` where given. What its processes leave in the folder for temporary files lies in it, too.

    They are mostly killed, as a measured daemon or a simulated PostPost is, and cannot clear up behind them.
    """
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda number, _: sys.exit(128 + number))  # so that it comes to its end
    made = Path(tempfile.mkdtemp(prefix=f"bench-{name}-", dir=at))
    temporary = made / "tmp"
    temporary.mkdir()
    before, os.environ["TMPDIR"] = os.environ.get("TMPDIR"), str(temporary)
    tempfile.tempdir = str(temporary)
    try:
        yield made
    finally:
        tempfile.tempdir = None
        del os.environ["TMPDIR"]
        if before is not None:
            os.environ["TMPDIR"] = before
        shutil.rmtree(made, ignore_errors=True)
