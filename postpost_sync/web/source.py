"""What `web` reads: one database, opened for reading and again where it was replaced, and the thumbnails."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime
from pathlib import Path

from postpost_sync.calendar import feed, page
from postpost_sync.calendar.entries import Entry, entry
from postpost_sync.calendar.history import history
from postpost_sync.calendar.seen import Seen, WatchRoot, seen
from postpost_sync.disk.thumbnails import Thumbnails
from postpost_sync.model.errors import Finding, ProgramError
from postpost_sync.model.record import Record
from postpost_sync.model.view import facts
from postpost_sync.post.names import Names
from postpost_sync.store import Store
from postpost_sync.store.health import ailing
from postpost_sync.store.lock import Lock
from postpost_sync.web import metrics

LOOK_EVERY = 0.5  # seconds: how old an answer to `version` may be


class Source:
    """Safe to use from several threads. ProgramError from each of its calls where the database cannot be read."""

    def __init__(self, state_db: Path, roots: Sequence[WatchRoot], rescan: float, ignore: Sequence[str] = ()) -> None:
        self._state_db, self._roots, self._rescan = state_db, tuple(roots), rescan
        self._thumbnails = Thumbnails(state_db, Names(ignore), keep=False)
        self.ending = threading.Event()  # set where nothing more is to be followed
        self._lock = threading.Lock()
        self._store: Store | None = None
        self._version, self._version_at = "", 0.0
        self._page: tuple[str, bytes] = ("", b"")

    def close(self) -> None:
        with self._lock:
            self._forget()

    def version(self) -> str:
        """Another one where what there is to see may be another, or a minute has passed."""
        if time.monotonic() - self._version_at > LOOK_EVERY:
            with self._opened() as store:
                running = Lock(store.path).held()
                self._version = f"{id(store):x}-{store.data_version()}-{int(time.time() // 60)}-{running:d}"
            self._version_at = time.monotonic()
        return self._version

    def page(self, first: date | None = None) -> bytes:
        """The calendar, around now or from the week of `first` on."""
        version = self.version()
        if first is None and self._page[0] == version:
            return self._page[1]
        made = page.live_page(self._seen(first).calendar, _thumbnail, version)
        if first is None:
            self._page = version, made
        return made

    def feed(self) -> bytes:
        found = self._seen()
        return feed.feed(found.calendar.title, found.entries, found.calendar.now)

    def post(self, folder_id: str) -> bytes | None:
        """All about one post; None where none has that id."""
        version, record = self.version(), self._record(folder_id)
        if record is None:
            return None
        now = datetime.now(UTC)
        states = [medium["state"] for medium in facts(record)["media"]]
        return page.post_page(entry(record), history(record, now), states, now, version)

    def thumbnail(self, folder_id: str, number: int) -> bytes | None:
        """The thumbnail of a post's file with that number; None where there is none."""
        record = self._record(folder_id)
        media = entry(record).media if record is not None else ()
        if record is None or number >= len(media):
            return None
        one = media[number]
        return self._thumbnails.of(record.root, record.path, one.name, one.stat, one.sha256)

    def ailments(self) -> tuple[Finding, ...]:
        """Why the daemon does not do what it is there for."""
        try:
            with self._opened() as store:
                return ailing(store, [root.path for root in self._roots], self._rescan, datetime.now(UTC))
        except ProgramError as error:
            return (Finding("DATABASE", error.message, error.hint),)

    def metrics(self) -> bytes:
        with self._opened() as store:
            return metrics.text(store, [root.path for root in self._roots], datetime.now(UTC))

    def _seen(self, first: date | None = None) -> Seen:
        with self._opened() as store:
            running = Lock(store.path).held()
            return seen(store, self._roots, datetime.now(UTC), running=running, first=first)

    def _record(self, folder_id: str) -> Record | None:
        with self._opened() as store:
            record = store.record_of(folder_id)
        return record if record is not None and any(record.root == root.path for root in self._roots) else None

    @contextlib.contextmanager
    def _opened(self) -> Iterator[Store]:
        with self._lock:
            if self._store is None:
                if not self._state_db.exists():
                    raise ProgramError("there is no database yet", "start the daemon once: postpost-sync run")
                self._store = Store.open(self._state_db, read_only=True)
            store = self._store
        try:
            store.data_version()  # it was not moved or replaced
            yield store
        except ProgramError:
            with self._lock:
                if self._store is store:
                    self._forget()
            raise

    def _forget(self) -> None:
        if self._store is not None:
            self._store.close()
            self._store = None


def _thumbnail(one: Entry) -> str | None:
    if not one.media or not one.key:
        return None
    return f"/thumb/{one.id}/0?v={(one.media[0].sha256 or '')[:12]}"
