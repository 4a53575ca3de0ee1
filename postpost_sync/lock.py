"""One daemon a database: a lock that the kernel drops when its holder ends, however that happens."""

from __future__ import annotations

import contextlib
import fcntl
import os
from pathlib import Path

from postpost_sync.errors import ProgramError, printable


class Lock:
    """Held from `take` on until `release`, or until the process ends."""

    def __init__(self, state_db: Path) -> None:
        self.path = state_db.with_name(state_db.name + ".lock")
        self._fd: int | None = None

    def take(self) -> None:
        """ProgramError, naming the holder, where another process has it."""
        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            fd = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise ProgramError(
                f"{self.path} cannot be written: {error.strerror}", "check state_db and its rights"
            ) from None
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            holder = printable(os.pread(fd, 64, 0).decode("ascii", "replace").strip())
            os.close(fd)
            raise ProgramError(
                f"another postpost-sync (process {holder or 'unknown'}) is serving {self.path.with_suffix('')}",
                "stop that one first; two must not share one state_db",
            ) from None
        os.ftruncate(fd, 0)
        os.pwrite(fd, f"{os.getpid()}\n".encode(), 0)
        self._fd = fd

    def release(self) -> None:
        if self._fd is not None:
            with contextlib.suppress(OSError):
                os.ftruncate(self._fd, 0)
            os.close(self._fd)
            self._fd = None

    def held(self) -> bool:
        """Whether some process holds it now."""
        try:
            fd = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            return False
        try:
            fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except OSError:
            return True
        finally:
            os.close(fd)
        return False
