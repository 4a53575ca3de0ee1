"""One daemon a watch root on this machine: a lock on the folder itself, which leaves no trace in it.

The kernel drops it when its holder ends. Where the file system has no such locks nobody is kept off.
"""

from __future__ import annotations

import fcntl
import os


class RootLock:
    """Used by one thread. Held from `take` on until `release`, or until the process ends."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._fd: int | None = None

    def take(self) -> bool:
        """Whether no other process has it; OSError where the folder cannot be opened. What is there now is what is locked."""
        fd = os.open(self._path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            if self._fd is not None and os.path.samestat(os.fstat(fd), os.fstat(self._fd)):
                os.close(fd)
                return True
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(fd)
            return False
        except OSError:
            pass  # as on a network share that locks files alone
        self.release()
        self._fd = fd
        return True

    def release(self) -> None:
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None
