"""watchdog, as one root is watched by it. It takes long to import, and whoever watches nothing does without."""

from __future__ import annotations

import contextlib
import ctypes
import logging
import os
import threading
from collections.abc import Callable, Mapping
from typing import Any

from watchdog import events
from watchdog.observers.api import BaseObserver
from watchdog.observers.inotify import InotifyEmitter
from watchdog.observers.inotify_c import (
    CallbackId,
    InotifyEvent,
    InotifyFD,
    Mask,
    WatchCallback,
    WatchDescriptor,
    inotify_add_watch,
)
from watchdog.utils import BaseThread

_watchdog = logging.getLogger("watchdog")  # its own lines are not for people
_watchdog.addHandler(logging.NullHandler())
_watchdog.propagate = False

_WANTED: list[type[events.FileSystemEvent]] = [
    events.FileClosedEvent,
    events.FileCreatedEvent,
    events.FileMovedEvent,
    events.FileDeletedEvent,
    events.DirCreatedEvent,
    events.DirMovedEvent,
    events.DirDeletedEvent,
]


class Observer(BaseObserver):
    """watchdog's own for Linux, but for its reader: all below one root, from `start` on."""

    def __init__(
        self, root: str, tell: Callable[[events.FileSystemEvent], None], overflowed: Callable[[], None]
    ) -> None:
        """OSError where the kernel does not let it. `overflowed` is called where it could not keep all notifications."""

        class Handler(events.FileSystemEventHandler):
            def on_any_event(_, event: events.FileSystemEvent) -> None:
                tell(event)

        _keep_quiet()
        self.reader = Reader(overflowed)
        super().__init__(InotifyEmitter, inotify_fd=self.reader)
        self.schedule(Handler(), root, recursive=True, event_filter=_WANTED)
        self.reader.start()

    def is_whole(self) -> bool:
        """Whether all threads run; each may die while the others live on."""
        return bool(self.emitters) and all(one.is_alive() for one in (self, self.reader, *self.emitters))

    def watched(self) -> Mapping[bytes, int]:
        """By their paths, the folders that are watched; nothing public says which they are."""
        books: list[Any] = [getattr(one, "_inotify", None) for one in self.emitters]
        return next((book._active_callbacks_by_path for book in books if book is not None), {})

    def end(self) -> None:
        """End its threads, whatever it says to that: its books are wrong at times, once folders have changed their names."""
        emitters: list[Any] = [*self.emitters]
        waited_for = [getattr(one._inotify, "_move_event_grouper", None) for one in emitters]
        closes = [one.close for one in waited_for if one is not None]
        # the first stop may break off at one emitter; the second comes to the others
        for end in (self.stop, *closes, self.stop, self.reader.stop):
            with contextlib.suppress(Exception):
                end()
        for thread in (self, *emitters, self.reader):
            if thread.is_alive():
                thread.join(5)


class Reader(InotifyFD):
    """Hands on what the kernel tells to the one who asked for it, which is the same for all folders of a root.

    watchdog's own keeps who asked for each folder, in 400 bytes a folder.
    """

    def __init__(self, overflowed: Callable[[], None]) -> None:
        super().__init__()
        self._overflowed = overflowed

    def add_callback(self, path: bytes, mask: Mask, callback: WatchCallback, id_: CallbackId) -> WatchDescriptor:
        self._told = callback
        watch = inotify_add_watch(self._inotify_fd, path, mask)
        if watch == -1:
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
        return watch

    def remove_callbacks(self, callbacks: list[tuple[WatchDescriptor, CallbackId]]) -> None:
        """They end with the reader, which is closed at once."""

    def handle_event(self, event: InotifyEvent) -> None:
        if event.is_queue_overflow:
            self._overflowed()
        elif event.is_ignored:
            self._told.on_watch_deleted(event.wd)
        else:
            self._told.on_event(event)


def _keep_quiet() -> None:
    """A thread of watchdog that dies says so to whoever looks after it, not in a traceback on the screen."""
    global _others_hook
    if threading.excepthook is not _hook:
        _others_hook, threading.excepthook = threading.excepthook, _hook


def _hook(args: threading.ExceptHookArgs) -> None:
    if not isinstance(args.thread, BaseThread):
        _others_hook(args)


_others_hook: Callable[[threading.ExceptHookArgs], Any] = threading.__excepthook__
