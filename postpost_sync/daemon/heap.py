"""The heap of a process that runs for months: one for all its threads."""

from __future__ import annotations

import contextlib
import ctypes

GIVE_BACK_EVERY = 20.0  # seconds; meanwhile it grows by one or two MB where posts come all the time
_M_ARENA_MAX = -8  # of <malloc.h>


def share() -> None:
    """Let all threads use one heap; to be called before there are any. Nothing happens where the C library is not glibc.

    That gives each thread one of its own, up to eight a core, each of which keeps the most that it ever needed. There are
    dozens of threads here, and they wait for the network: one heap is a third smaller, and is as large as it gets sooner.
    """
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).mallopt(_M_ARENA_MAX, 1)


def give_back() -> None:
    """Give the system back what lies free between what is in use, which the C library does at the end of the heap alone.

    A start leaves 10 MB of that, in small pieces: what is larger makes the heap grow all the same. It takes 0.2 ms.
    """
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)
