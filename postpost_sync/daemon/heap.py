"""The heap of a process that runs for months: one for all its threads."""

from __future__ import annotations

import contextlib
import ctypes

_M_ARENA_MAX = -8  # of <malloc.h>


def share() -> None:
    """Let all threads use one heap; to be called before there are any. Nothing happens where the C library is not glibc.

    That gives each thread one of its own, up to eight a core, each of which keeps the most that it ever needed. There are
    dozens of threads here, and they wait for the network: one heap is a third smaller, and is as large as it gets sooner.
    """
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).mallopt(_M_ARENA_MAX, 1)
