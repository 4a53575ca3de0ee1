"""Hints about where something changed, from the kernel where it can tell. Nothing here is the truth: rescans are.

A hint is a folder relative to its root, and whether to look below it too. The observer's thread only passes hints on.
"""

from __future__ import annotations

import ctypes
import errno
import os
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any

from postpost_sync.model.errors import Finding
from postpost_sync.post.names import Names

if TYPE_CHECKING:
    from postpost_sync.disk.notifications import Observer

Hint = Callable[[str, bool], None]


class NativeWatcher:
    """The kernel's notifications for one root, as hints. `doubt` is called where some may have been missed."""

    def __init__(self, root: str, names: Names, hint: Hint, doubt: Callable[[], None]) -> None:
        self._root = os.path.realpath(root)  # watchdog would watch a link itself
        self._names, self._hint, self._doubt = names, hint, doubt
        self._observer: Observer | None = None
        self._trouble: Finding | None = None

    def start(self) -> Finding | None:
        """Begin; what keeps it from working, if anything. Takes as long as a walk of the root."""
        observer = None
        try:
            from postpost_sync.disk.notifications import Observer  # of another watchdog it may not be to be had

            observer = Observer(self._root, self._pass_on, self._overflowed)  # already asks the kernel
            observer.start()
        except Exception as error:  # also what its walk makes of a tree that is too deep or changes meanwhile
            if observer is not None:
                observer.end()
            return _not_watched(error)
        self._observer = observer
        return None

    def trouble(self) -> Finding | None:
        """Why it cannot be relied on (any more), if so."""
        if self._trouble is None and not self._alive():
            self._trouble = Finding(
                "WATCH_DIED",
                "the kernel's notifications ended by themselves; the folder is polled meanwhile",
                "they are started again by themselves",
            )
        return self._trouble

    def unwatched(self, paths: Iterable[str]) -> list[str]:
        """Which of these folders below the root are not watched: below the root itself, watchdog says nothing of it."""
        watched = self._observer.watched() if self._observer is not None else {}
        root = os.fsencode(self._root)
        places = ((path, root + b"/" + os.fsencode(path) if path else root) for path in paths)
        return [path for path, place in places if place not in watched]

    def stop(self) -> None:
        if self._observer is not None:
            self._observer.end()
            self._observer = None

    def _alive(self) -> bool:
        """All threads run, and the root's own watch is there: the kernel takes it away with the file system."""
        return self._observer is not None and self._observer.is_whole() and not self.unwatched([""])

    def _overflowed(self) -> None:
        self._trouble = Finding(
            "WATCH_OVERFLOW",
            "more changed at once than the kernel keeps notifications of; the folder is polled meanwhile",
            f"sudo sysctl fs.inotify.max_queued_events={4 * max(_limit('max_queued_events'), 16384)}",
        )
        self._doubt()

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
            if relative == "." or relative.startswith("../") or self._names.unseen(relative):
                continue
            yield relative if event.is_directory else os.path.dirname(relative)


def one_more_watch(path: str) -> bool:
    """Whether the kernel would watch one more folder, for all that can be told; the limit is one for all of a user's."""
    from watchdog.observers.inotify_c import InotifyConstants, inotify_add_watch, inotify_init

    fd = inotify_init()
    if fd < 0:
        return True
    try:
        watched = inotify_add_watch(fd, os.fsencode(path), InotifyConstants.IN_DELETE_SELF)
        return watched >= 0 or ctypes.get_errno() != errno.ENOSPC
    finally:
        os.close(fd)


def too_few_watches(folders: int) -> Finding:
    """What to say where the kernel refuses to watch all of a root's folders."""
    limit = 1 << max(folders + _limit("max_user_watches"), 262144).bit_length()
    return Finding(
        "WATCH_LIMIT",
        "the limit of inotify watches is reached; the folder is polled instead",
        f"sudo sysctl fs.inotify.max_user_watches={limit}",
    )


def _not_watched(error: Exception) -> Finding:
    why, hint = type(error).__name__, "set observer: polling if that is to stay so"
    if isinstance(error, OSError):
        if error.errno == errno.ENOSPC:
            return too_few_watches(0)
        why = error.strerror or why
        if error.errno == errno.EMFILE:
            hint = f"sudo sysctl fs.inotify.max_user_instances={4 * max(_limit('max_user_instances'), 128)}"
    elif isinstance(error, ImportError):
        why, hint = "this watchdog is not one that it knows", "install postpost-sync anew, or set observer: polling"
    elif isinstance(error, RecursionError):
        why = "folders in it lie hundreds deep"
        hint = "move such folders out of it, or set observer: polling"
    return Finding("WATCH_FAILED", f"changes cannot be watched ({why}); the folder is polled instead", hint)


def _limit(name: str) -> int:
    try:
        with open(f"/proc/sys/fs/inotify/{name}", encoding="ascii") as file:
            return int(file.read())
    except (OSError, ValueError):
        return 0
