"""What paths lead to, without waiting for a share that is dead: asked of its files, it never answers."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path

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
        following = [threading.Thread(target=follow, args=(path,), daemon=True) for path in paths]
        for thread in following:
            thread.start()
        ends = time.monotonic() + ANSWER_WITHIN
        for thread in following:
            thread.join(max(0.0, ends - time.monotonic()))
    return {path: Path(os.path.normpath(real)) for path, real in found.items()}
