"""Waiting for the disk, once for all who committed before it began, while others read and commit on.

SQLite's own way (`synchronous = FULL`) waits within each commit, and whoever shares the connection waits, too: with sixteen
threads most of their time. So SQLite is told NORMAL, which keeps a database whole, and may lose the last commits with the
power; its log is written to the disk from here.
"""

from __future__ import annotations

import os
import threading
from pathlib import Path


class GroupCommit:
    """Of one log. Safe to use from several threads."""

    def __init__(self, log: Path) -> None:
        self._log = log
        self._changed = threading.Condition()
        self._fd: int | None = None
        self._committed = self._on_disk = 0  # commits, counted
        self._writing = False
        self._failed: OSError | None = None

    def committed(self, *, anything: bool) -> int:
        """Something was committed, or nothing had to be: the number to wait for. To be called before anybody else can commit."""
        with self._changed:
            self._committed += anything
            return self._committed

    def wait(self, number: int) -> None:
        """Until that is on the disk, with all that was committed before. OSError where that cannot be had, from then on.

        What the kernel could not write once it may give up, and say of it later that all is well.
        """
        with self._changed:
            while self._on_disk < number:
                if self._failed is not None:
                    raise self._failed
                if self._writing:
                    self._changed.wait()
                else:
                    self._write()

    def _write(self) -> None:
        """Everything that was committed by now, with the lock let go meanwhile."""
        self._writing, reached = True, self._committed
        self._changed.release()
        try:
            os.fdatasync(self._opened())
        except OSError as error:
            self._failed = error
        else:
            self._on_disk = reached
        finally:
            self._changed.acquire()
            self._writing = False
            self._changed.notify_all()

    def _opened(self) -> int:
        """The log, which SQLite keeps for as long as it is in use. SQLite's locks are on other files: none is dropped with it."""
        if self._fd is None:
            self._fd = os.open(self._log, os.O_RDWR | os.O_CLOEXEC)
            folder = os.open(self._log.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            try:
                os.fsync(folder)  # it may be a new one
            finally:
                os.close(folder)
        return self._fd

    def close(self) -> None:
        """When nobody commits any more."""
        with self._changed:
            if self._fd is not None and not self._writing:
                os.close(self._fd)
                self._fd = None
