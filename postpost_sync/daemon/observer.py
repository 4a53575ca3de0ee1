"""How one watch root is observed: watched where the kernel tells of every change, polled elsewhere and where watching fails.

Either way what comes of it is the same: a wish to have a folder looked at. Used by the root's own thread alone.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence

from postpost_sync.config.load import Root
from postpost_sync.disk import watcher
from postpost_sync.disk.mounts import Mount
from postpost_sync.log import Log
from postpost_sync.model.errors import Finding
from postpost_sync.post.names import Names

LAGGING_FOR = 60.0  # seconds for which the reader of notifications may be behind with new folders
WATCH_AGAIN = (5.0, 600.0)  # seconds until watching is tried again after it failed: at first, and at the most


class Observer:
    """`found` and `lost` as the root comes and goes, `begin` when there is time for it, `check` every second or so."""

    def __init__(self, root: Root, names: Names, look: Callable[[str, bool], None], log: Log) -> None:
        """`look` asks for a look at a folder, and below it where that is True; "" is the root."""
        self._root, self._path, self._names, self._look, self._log = root, str(root.path), names, look, log
        self.observer = "polling"
        self.trouble: Finding | None = None  # why it is polled although it should be watched
        self._mounts: Sequence[Mount] | None = None  # None: the root is not there
        self._watcher: watcher.NativeWatcher | None = None
        self._failures = 0  # of watching, in a row
        self._watching_since = 0.0  # monotonic, as the others
        self._watch_again = 0.0
        self._next_poll = 0.0
        self._unwatched: list[str] = []  # folders that were not watched when they were last seen
        self._unwatched_since = 0.0

    def found(self, mounts: Sequence[Mount]) -> None:
        """The root is there, or another one is: on these mounts, as `mounts_at` has them."""
        self._unwatch()
        self._mounts, self._failures, self.trouble = mounts, 0, None

    def lost(self) -> None:
        """The root is not there."""
        self._unwatch()
        self._mounts, self.trouble = None, None

    def begin(self) -> None:
        """Watch it, if it can be, and ask for a look at what came meanwhile. Takes as long as a walk of the root."""
        self._unwatch()
        if self._mounts is None:
            return  # away meanwhile
        remote = self._mounts[0].is_remote if self._mounts else True
        if self._root.polled(remote=remote):
            return
        native = watcher.NativeWatcher(self._path, self._names, self._look, lambda: self._look("", True))
        if (trouble := native.start()) is not None:
            self._degrade(trouble)
            return
        self._watcher, self._watching_since = native, time.monotonic()
        if self.trouble is not None:
            self._log.info("watching again", root=self._path)
        self.observer, self.trouble = "native", None
        self._look("", True)

    def walked(self, visited: Sequence[str]) -> None:
        """All of the root was walked; the folders that were seen."""
        if self._watcher is not None:
            self._unwatched = self._watcher.unwatched(visited)

    def check(self, pause: float) -> bool:
        """Notice that watching ended or is not complete, and poll every `pause` seconds. True: it is time to begin anew."""
        again = False
        if self._watcher is None:
            again = self.trouble is not None and time.monotonic() >= self._watch_again
        elif (trouble := self._watcher.trouble() or self._watches_missing(self._watcher)) is not None:
            self._degrade(trouble)
        if time.monotonic() >= self._next_poll:
            self.poll_later(pause)
            for path in [""] if self._watcher is None else self.remote():
                self._look(path, True)
        return again

    def poll_later(self, pause: float) -> None:
        """What is polled was looked at just now."""
        self._next_poll = time.monotonic() + pause

    def remote(self) -> list[str]:
        """The network mounts below it, where notifications do not tell everything; none where all of it is polled."""
        if not self._mounts or self._root.observer != "auto":
            return []
        below = (mount for mount in self._mounts[1:] if mount.is_remote)
        return [m.path for m in below if not self._names.ignored_on(m.path)]

    def _watches_missing(self, native: watcher.NativeWatcher) -> Finding | None:
        """What to say where folders are still not watched some time after they were seen."""
        still = [path for path in native.unwatched(self._unwatched) if os.path.isdir(f"{self._path}/{path}")]
        self._unwatched = still
        if not still:
            self._unwatched_since = 0.0
            return None
        if not watcher.one_more_watch(self._path):
            return watcher.too_few_watches(len(still))
        now = time.monotonic()
        self._unwatched_since = self._unwatched_since or now
        if now - self._unwatched_since < LAGGING_FOR:
            return None
        return Finding(
            "WATCH_INCOMPLETE",
            "not all of its folders are watched; the folder is polled meanwhile",
            "watching is started again by itself",
        )

    def _degrade(self, trouble: Finding) -> None:
        self._unwatch()
        if trouble != self.trouble:
            self._log.warning("degraded", root=self._path, why=trouble.message, hint=trouble.hint)
        self.trouble = trouble
        now = time.monotonic()
        if self._watching_since and now - self._watching_since > WATCH_AGAIN[1]:
            self._failures = 0  # it had worked for long enough
        pause = min(WATCH_AGAIN[0] * 2.0**self._failures, WATCH_AGAIN[1])
        self._failures, self._watching_since = min(self._failures + 1, 16), 0.0
        self._watch_again, self._next_poll = now + pause, 0.0

    def _unwatch(self) -> None:
        self.observer, self._unwatched, self._unwatched_since = "polling", [], 0.0
        if self._watcher is not None:
            self._watcher.stop()
            self._watcher = None
