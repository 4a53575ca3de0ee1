"""One daemon a database: a lock that the kernel drops when its holder ends, however that happens."""

from __future__ import annotations

import contextlib
import fcntl
import os
import time
from pathlib import Path

from postpost_sync.model.errors import ProgramError, path_name, printable

PATIENCE = 0.5  # seconds: who asks whether it is held has it for a moment


class Lock:
    """Held from `acquire` on until `release`, or until the process ends."""

    def __init__(self, state_db: Path) -> None:
        self.path = state_db.with_name(state_db.name + ".lock")
        self._fd: int | None = None

    def acquire(self) -> None:
        """ProgramError, naming the holder, where another process has it."""
        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            fd = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise ProgramError(
                f"{path_name(self.path)} cannot be written: {error.strerror}", "check state_db and its rights"
            ) from None
        try:
            self._wait_for(fd)
        except BaseException:
            os.close(fd)
            raise
        with contextlib.suppress(OSError):  # a full disk: then it is held without saying by whom
            os.ftruncate(fd, 0)
            os.pwrite(fd, f"{os.getpid()}\n".encode(), 0)
        self._fd = fd

    def check(self) -> None:
        """ProgramError where the file was taken away: another process could then take a lock of its own."""
        if self._fd is None:
            return
        try:
            there = os.stat(self.path)
        except FileNotFoundError:
            there = None
        except OSError:  # it cannot be told now
            return
        if there is None or not os.path.samestat(os.fstat(self._fd), there):
            raise ProgramError(
                f"{path_name(self.path)} was deleted while it was in use: nothing keeps a second daemon off",
                "leave it where it is; it holds up nobody once the daemon has ended",
            )

    def release(self) -> None:
        if self._fd is not None:
            with contextlib.suppress(OSError):
                os.ftruncate(self._fd, 0)
            os.close(self._fd)
            self._fd = None

    def _wait_for(self, fd: int) -> None:
        until = time.monotonic() + PATIENCE
        try:
            while not _locked(fd, fcntl.LOCK_EX):
                if time.monotonic() >= until:
                    holder = printable(os.pread(fd, 64, 0).decode("ascii", "replace").strip())
                    served = path_name(self.path.with_suffix(""))
                    raise ProgramError(
                        f"another postpost-sync (process {holder or 'unknown'}) is serving {served}",
                        "stop that one first; two must not share one state_db",
                    )
                time.sleep(PATIENCE / 20)
        except OSError as error:
            hint = "name a place on a local disk as state_db: this file system has no locks"
            raise ProgramError(f"{path_name(self.path)} cannot be locked: {error.strerror}", hint) from None

    def left_behind(self) -> bool:
        """Whether its last holder ended without letting go of it: killed, or by a power failure. For when nobody holds it."""
        try:
            return self.path.stat().st_size > 0
        except OSError:
            return False

    def held(self) -> bool:
        """Whether some process holds it now."""
        try:
            fd = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            return False
        try:
            return not _locked(fd, fcntl.LOCK_SH)
        except OSError:  # no locks here: then nobody can hold one
            return False
        finally:
            os.close(fd)


def _locked(fd: int, kind: int) -> bool:
    """Whether this descriptor has the lock now; OSError where the file system has no locks."""
    try:
        fcntl.flock(fd, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
