"""Writes a whole file of ours into somebody's folder: there is the old one or the new one, and never half of one."""

from __future__ import annotations

import contextlib
import os


def replace(folder: int, name: str, data: bytes, mode: int, *, first: bool = False) -> None:
    """Put the file in its place in the folder of that descriptor; OSError where it cannot be written.

    `first`: FileExistsError where there is one of that name by now: of several who write it at once, one succeeds.
    The temporary has a dot in front, so that nothing reacts to it. One that a crash has left is taken away first.
    """
    temporary_name = f".{name}.tmp"
    with contextlib.suppress(FileNotFoundError):
        os.unlink(temporary_name, dir_fd=folder)
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    temporary = os.open(temporary_name, flags, 0o600, dir_fd=folder)
    try:
        with open(temporary, "wb") as file:
            file.write(data)
            file.flush()
            with contextlib.suppress(OSError):  # not every network file system has modes
                os.fchmod(file.fileno(), mode)
        if not (first and _linked(folder, temporary_name, name)):
            os.replace(temporary_name, name, src_dir_fd=folder, dst_dir_fd=folder)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temporary_name, dir_fd=folder)
        raise


def _linked(folder: int, temporary_name: str, name: str) -> bool:
    """Whether it is there now, where it was not before; False where the file system has no links."""
    try:
        os.link(temporary_name, name, src_dir_fd=folder, dst_dir_fd=folder)
    except FileExistsError:
        raise
    except OSError:
        return False
    os.unlink(temporary_name, dir_fd=folder)
    return True


def read_head(folder: int, name: str, most: int) -> bytes:
    """The first bytes of such a file, or all of it; empty where there is none that could be ours."""
    try:
        fd = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=folder)
    except OSError:
        return b""
    try:
        data = b""
        while len(data) < most and (block := os.pread(fd, most - len(data), len(data))):
            data += block
        return data
    except OSError:
        return b""
    finally:
        os.close(fd)
