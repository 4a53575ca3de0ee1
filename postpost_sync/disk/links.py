"""What paths lead to, without waiting for a share that is dead: asked of its files, it never answers."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path

from postpost_sync.disk import mounts

ANSWER_WITHIN = 2.0  # seconds all file systems have together


def followed(paths: list[Path]) -> dict[Path, Path]:
    """What each path leads to: a link to a watch root is the same folders again.

    Of a share that is dead only what is known without it: a link that lies on it, or behind it, is not followed.
    """
    found = {path: path for path in paths}

    def follow(path: Path) -> None:
        """As os.path.realpath does, but each step is noted before the file system is asked."""
        done, rest, links = Path("/"), list(reversed(path.parts[1:])), 0
        while rest:
            part = rest.pop()
            if part == "..":
                done = done.parent
                continue
            here = done / part
            found[path] = Path(here, *reversed(rest))
            try:
                target = Path(os.readlink(here)) if links < 40 else None
            except OSError:  # no link, or not there
                target = None
            if target is None:
                done = here
                continue
            links += 1
            done = Path("/") if target.is_absolute() else done
            rest += reversed(target.parts[target.is_absolute() :])
        found[path] = done

    if len(paths) > 1:
        _together([partial(follow, path) for path in paths])
    return {path: Path(os.path.normpath(real)) for path, real in found.items()}


def overlapping(paths: list[Path]) -> list[tuple[int, int]]:
    """Which two of them lead to the same folders, or one to folders within the other, by links or bind mounts, too.

    By their numbers, the greater one first. Of a share that is dead for all that is known without it.
    """
    real = followed(paths)
    on = {path: mounts.mounts_of(str(real[path])) for path in paths} if len(paths) > 1 else {}
    found: set[tuple[int, int]] = set()
    asking: list[Callable[[], None]] = []

    def compare(pair: tuple[int, int], places: Iterable[tuple[str, str]]) -> None:
        if any(mounts.is_one(*both) for both in places):
            found.add(pair)

    for at, path in enumerate(paths):
        for before, other in enumerate(paths[:at]):
            here, there = real[path], real[other]
            if here == there or here in there.parents or there in here.parents:
                found.add((at, before))
            elif places := mounts.in_common(str(here), on[path], str(there), on[other]):
                asking.append(partial(compare, (at, before), places))
    _together(asking)
    return sorted(found)


def _together(calls: list[Callable[[], None]]) -> None:
    """Make all calls at once; those that a dead share does not answer in time go on behind our back."""
    asking = [threading.Thread(target=call, daemon=True) for call in calls]
    for thread in asking:
        thread.start()
    ends = time.monotonic() + ANSWER_WITHIN
    for thread in asking:
        thread.join(max(0.0, ends - time.monotonic()))
