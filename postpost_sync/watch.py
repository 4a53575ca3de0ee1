"""Hints about where something changed, from the kernel where it can tell. Nothing here is the truth: rescans are.

A hint is a folder relative to its root, and whether to look below it too. The observer's thread only passes hints on.
"""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Callable, Iterator
from typing import Any

from postpost_sync.errors import Finding
from postpost_sync.names import Names

Hint = Callable[[str, bool], None]

_OCTAL = re.compile(r"\\([0-7]{3})")  # how the mount table writes spaces and backslashes

_watchdog = logging.getLogger("watchdog")  # its own lines are not for people
_watchdog.addHandler(logging.NullHandler())
_watchdog.propagate = False

_NETWORK = frozenset(
    [
        "nfs",
        "nfs4",
        "cifs",
        "smb",
        "smb3",
        "smbfs",
        "afs",
        "ceph",
        "9p",
        "virtiofs",
        "vboxsf",
        "vmhgfs",
        "prl_fs",
        "davfs",
        "glusterfs",
        "lustre",
        "gpfs",
        "ocfs2",
        "fuseblk",
        "coda",
        "ncpfs",
        "beegfs",
    ]
)


def wants_polling(path: str, mounts: str = "/proc/self/mounts") -> bool:
    """Whether the file system under `path` can change without the kernel hearing of it: network and FUSE mounts."""
    kind = filesystem(path, mounts)
    return not kind or kind in _NETWORK or kind == "fuse" or kind.startswith("fuse.")


def filesystem(path: str, mounts: str = "/proc/self/mounts") -> str:
    """The kind of file system under `path`, such as ext4 or nfs4; "" where the mount table cannot be read."""
    try:
        with open(mounts, encoding="utf-8", errors="surrogateescape") as table:
            points = [line.split(" ")[1:3] for line in table]
    except OSError:
        return ""
    real, best, found = os.path.realpath(path), "", ""
    for point, kind in points:
        place = _OCTAL.sub(lambda escape: chr(int(escape[1], 8)), point)
        if (real == place or real.startswith(place.rstrip("/") + "/")) and len(place) >= len(best):
            best, found = place, kind
    return found


class NativeWatcher:
    """The kernel's notifications for one root, as hints."""

    def __init__(self, root: str, names: Names, hint: Hint, doubt: Callable[[], None]) -> None:
        self._root, self._names, self._hint, self._doubt = root, names, hint, doubt
        self._observer: Any = None
        self._overflow: logging.Handler | None = None

    def start(self) -> Finding | None:
        """Begin; what keeps it from working, if anything."""
        from watchdog import events
        from watchdog.observers import Observer

        class Handler(events.FileSystemEventHandler):
            def on_any_event(_, event: events.FileSystemEvent) -> None:
                self._pass_on(event)

        wanted = [
            events.FileClosedEvent,
            events.FileCreatedEvent,
            events.FileMovedEvent,
            events.FileDeletedEvent,
            events.DirCreatedEvent,
            events.DirMovedEvent,
            events.DirDeletedEvent,
        ]
        observer = Observer()
        try:
            observer.schedule(Handler(), self._root, recursive=True, event_filter=wanted)
            observer.start()
        except OSError as error:
            return Finding(
                "WATCH_FAILED",
                f"changes cannot be watched ({error.strerror}); the folder is polled instead",
                "raise the limits: sysctl fs.inotify.max_user_watches=1048576 fs.inotify.max_user_instances=1024",
            )
        self._observer = observer
        self._overflow = _Overflow(self._doubt)
        logging.getLogger("watchdog.observers.inotify_c").addHandler(self._overflow)
        return None

    def alive(self) -> bool:
        """Whether the threads that pass on notifications still run."""
        if self._observer is None or not self._observer.is_alive():
            return False
        return all(emitter.is_alive() for emitter in self._observer.emitters)

    def stop(self) -> None:
        if self._overflow is not None:
            logging.getLogger("watchdog.observers.inotify_c").removeHandler(self._overflow)
        if self._observer is not None:
            self._observer.stop()
            self._observer.join(5)
            self._observer = None

    def _pass_on(self, event: Any) -> None:
        try:
            for path in self._places(event):
                self._hint(path, bool(event.is_directory))
        except Exception:  # an exception here would end the observer's thread
            self._doubt()

    def _places(self, event: Any) -> Iterator[str]:
        for raw in (event.src_path, event.dest_path):
            if not raw:
                continue
            relative = os.path.relpath(os.fsdecode(raw), self._root)
            parts = relative.split("/")
            if relative == "." or relative.startswith("../") or any(self._names.ignored(part) for part in parts):
                continue
            yield relative if event.is_directory else os.path.dirname(relative)


class _Overflow(logging.Handler):
    """watchdog says that the kernel's queue overflowed in its log alone."""

    def __init__(self, doubt: Callable[[], None]) -> None:
        super().__init__(logging.WARNING)
        self._doubt = doubt

    def emit(self, record: logging.LogRecord) -> None:
        self._doubt()
