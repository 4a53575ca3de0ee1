"""One daemon a watch root on this machine: a lock on the folder itself, which leaves no trace in it.

Those above it are locked, too, for sharing, so that a root within another one's is noticed from either side. The kernel
drops the locks when their holder ends. Where the file system has no such locks nobody is kept off.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import stat
from collections.abc import Iterator
from pathlib import Path


class RootLock:
    """Used by one thread. Held from `take` on until `release`, or until the process ends."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._fds: list[int] = []  # the root's own is the first

    def take(self) -> bool:
        """Whether no other process has it; OSError where the folder cannot be opened. What is there now is what is locked."""
        with contextlib.ExitStack() as undo:
            fds = [_opened(self._path, undo)]
            if self._fds and os.path.samestat(os.fstat(fds[0]), os.fstat(self._fds[0])):
                return True
            if not _locked(fds[0], fcntl.LOCK_EX):
                return False
            for above in _above(self._path):
                with contextlib.suppress(OSError):  # what may not be read is no root of anybody's either
                    fds.append(_opened(above, undo))
                    if not _locked(fds[-1], fcntl.LOCK_SH):
                        return False
            undo.pop_all()
        self.release()
        self._fds = fds
        return True

    def release(self) -> None:
        for fd in self._fds:
            os.close(fd)
        self._fds = []


def _opened(path: str, undo: contextlib.ExitStack) -> int:
    fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    undo.callback(os.close, fd)
    return fd


def _locked(fd: int, how: int) -> bool:
    """False where another process keeps it. A network share may lock files alone: then nobody does."""
    try:
        fcntl.flock(fd, how | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        pass
    return True


def _above(path: str) -> Iterator[str]:
    """The folders above. Not those that are everybody's, such as /tmp: what tidies them leaves alone what is locked."""
    for above in Path(os.path.realpath(path)).parents:
        with contextlib.suppress(OSError):
            if not above.stat().st_mode & stat.S_ISVTX:
                yield str(above)
