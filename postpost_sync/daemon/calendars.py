"""The calendar files in the watch roots that ask for them: written when something that they show has changed.

A thread for each such root, so that a share that does not answer holds up nothing else. A file is written into a root that
is there and was compared, and into no other: else it would lie below the mount point of a share that is away.
"""

from __future__ import annotations

import os
import stat
import threading
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from postpost_sync.calendar import feed, page
from postpost_sync.calendar.entries import Entry, in_zone
from postpost_sync.calendar.seen import WatchRoot, dated, seen
from postpost_sync.config.load import Root
from postpost_sync.daemon import beside
from postpost_sync.disk import whole_file
from postpost_sync.disk.mounts import Place
from postpost_sync.disk.thumbnails import Thumbnails
from postpost_sync.log import Log
from postpost_sync.model.errors import Finding, ProgramError, printable
from postpost_sync.model.folder import CALENDAR_FEED, CALENDAR_PAGE
from postpost_sync.store import Store

AT_MOST_EVERY = 60.0  # seconds between two writes of a root's files
LOOK_EVERY = 2.0  # seconds
MADE_EVERY = 10.0  # seconds, where nothing that they show had changed
SHARE = 0.05  # of the time may go into making them: with ten thousand posts in view that takes seconds
_HEAD = 2048  # bytes of a page in which it says what it shows


class Calendars:
    """`start`, perhaps `finish`, then `stop`."""

    def __init__(
        self,
        roots: Sequence[Root],
        store: Store,
        thumbnails: Thumbnails,
        *,
        place: Callable[[str], Place | None],
        log: Log,
    ) -> None:
        """`place`: where a root is, while it is there and was compared."""
        self._writers = [
            _Writer(WatchRoot(str(root.path), root.policy.timezone, root.policy.slots), store, thumbnails, place, log)
            for root in roots
            if root.calendar
        ]

    def start(self) -> None:
        for writer in self._writers:
            writer.start()

    def troubles(self) -> list[Finding]:
        """The calendars that could not be written when that was last tried, and why."""
        return [writer.trouble for writer in self._writers if writer.trouble is not None]

    def finish(self, within: float, stopping: threading.Event) -> None:
        """Write now what is to be written."""
        beside.finish(self._writers, within, stopping)

    def stop(self, within: float) -> None:
        beside.stop(self._writers, within)


class _Writer(beside.Beside):
    """Of one root. `trouble` may be read by others."""

    def __init__(
        self,
        root: WatchRoot,
        store: Store,
        thumbnails: Thumbnails,
        place: Callable[[str], Place | None],
        log: Log,
    ) -> None:
        super().__init__(f"calendar {root.path}")
        self._root, self._store, self._thumbnails = root, store, thumbnails
        self._place, self._log = place, log
        self._not_before = 0.0  # monotonic
        self._seen: object = None  # what there was when it was last looked at
        self.trouble: Finding | None = None

    def _work(self) -> None:
        while not self._ended.is_set():
            hurried = self._hurried.is_set()
            try:
                self._look(datetime.now(UTC), hurried=hurried)
            except ProgramError:  # the database: the daemon meets the same, and says so
                pass
            except OSError as error:
                self._say_failed(error.strerror or type(error).__name__)
            except Exception as error:  # a defect of ours
                self._log.defect(error, root=self._root.path)
                self._say_failed("a defect of postpost-sync", "please report what its log says")
            if hurried:
                self._finished.set()
                self._hurried.clear()
            self._rest(LOOK_EVERY)

    def _look(self, now: datetime, *, hurried: bool) -> None:
        if time.monotonic() < self._not_before and not hurried:
            return
        place = self._place(self._root.path)
        if place is None:
            return
        there = (
            self._store.changes(),
            self._store.data_version(),
            in_zone(now, self._root.zone).date(),
            now.hour,
            place,
        )
        if there == self._seen:
            return
        self._write(now, place)
        self._seen = there

    def _write(self, now: datetime, place: Place) -> None:
        began = time.monotonic()
        found = seen(self._store, [self._root], now)
        made = page.file_page(found, self._picture)
        stream = feed.feed(found.title, dated(self._store, [self._root], now))
        rest = (time.monotonic() - began) / SHARE
        self._later(max(MADE_EVERY, rest))
        folder = os.open(self._root.path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            here = os.fstat(folder)
            if self._ended.is_set() or not place.is_at(self._root.path) or (here.st_dev, here.st_ino) != place[:2]:
                return
            mode = stat.S_IMODE(here.st_mode) & 0o666  # who may read the folder may read what is in it
            if page.shown_by(whole_file.read_head(folder, CALENDAR_PAGE, _HEAD)) != made.shows:
                whole_file.replace(folder, CALENDAR_PAGE, made.data, mode)
                self._later(max(AT_MOST_EVERY, rest))
            if whole_file.read_head(folder, CALENDAR_FEED, len(stream) + 1) != stream:
                whole_file.replace(folder, CALENDAR_FEED, stream, mode)
                self._later(max(AT_MOST_EVERY, rest))
        finally:
            os.close(folder)
        self.trouble = None

    def _later(self, after: float) -> None:
        self._not_before = time.monotonic() + after

    def _picture(self, one: Entry) -> bytes | None:
        if self._ended.is_set():
            return None
        first = one.media[0]
        return self._thumbnails.of(one.root, one.path, first.name, first.stat, first.sha256)

    def _say_failed(self, why: str, hint: str = "let the daemon write into the root, or set calendar: false") -> None:
        self._later(AT_MOST_EVERY)
        said = self.trouble
        message = f"the calendar of {printable(self._root.path)} cannot be written: {why}"
        self.trouble = Finding("CALENDAR_NOT_WRITTEN", message, hint)
        if self.trouble != said:
            self._log.warning("the calendar cannot be written", root=self._root.path, why=why, hint=self.trouble.hint)
