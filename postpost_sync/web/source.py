"""What `web` reads: one database, opened for reading and again where it was replaced, and the thumbnails.

It may run where it may write nowhere, and the daemon may not. Then the database is read as one that nobody writes to, and
asked again where somebody did meanwhile: see `store.Connection.overtaken`.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TypeVar

from postpost_sync.calendar import feed, page
from postpost_sync.calendar.entries import Entry, entry
from postpost_sync.calendar.history import history
from postpost_sync.calendar.seen import WatchRoot, below_roots, dated, seen, title
from postpost_sync.calendar.weeks import Calendar
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
_OPENINGS = 3  # of the database for one question: more than once only where the daemon starts or ends meanwhile
_T = TypeVar("_T")


class Source:
    """Safe to use from several threads. ProgramError from each of its calls where the database cannot be read."""

    def __init__(self, state_db: Path, roots: Sequence[WatchRoot], rescan: float, ignore: Sequence[str] = ()) -> None:
        self._state_db, self._roots, self._rescan = state_db, tuple(roots), rescan
        self._thumbnails = Thumbnails(state_db, Names(ignore), keep=False)
        self.ending = threading.Event()  # set where nothing more is to be followed
        self._lock = threading.Lock()
        self._store: Store | None = None
        self._opened_at = 0  # nanoseconds
        self._version, self._version_at = "", 0.0
        self._made: dict[str, tuple[str, bytes]] = {}  # page and feed, with the version that they show

    def close(self) -> None:
        if self._store is not None:
            self._forget(self._store)

    def version(self) -> str:
        """Another one where what there is to see may be another, or a minute has passed."""
        if time.monotonic() - self._version_at > LOOK_EVERY:
            running = Lock(self._state_db).held()
            written = self._asked(lambda store: f"{self._opened_at:x}-{store.data_version()}")
            self._version = f"{written}-{int(time.time() // 60)}-{running:d}"
            self._version_at = time.monotonic()
        return self._version

    def page(self, first: date | None = None) -> bytes:
        """The calendar, around now or from the week of `first` on."""
        if first is not None:
            return page.live_page(self._seen(first), _thumbnail, self.version())
        return self._kept("page", lambda version: page.live_page(self._seen(), _thumbnail, version))

    def feed(self) -> bytes:
        name = title(self._roots)
        return self._kept(
            "feed",
            lambda _: self._asked(lambda store: feed.feed(name, dated(store, self._roots, datetime.now(UTC)))),
        )

    def _kept(self, what: str, make: Callable[[str], bytes]) -> bytes:
        """As it was made last, while nothing has changed since."""
        version = self.version()
        if self._made.get(what, ("",))[0] != version:
            self._made[what] = version, make(version)
        return self._made[what][1]

    def post(self, folder_id: str) -> bytes | None:
        """All about one post; None where none has that id."""
        version, record = self.version(), self._record(folder_id)
        if record is None:
            return None
        now = datetime.now(UTC)
        states = [medium["state"] for medium in facts(record)["media"]]
        return page.post_page(below_roots(entry(record), self._roots), history(record, now), states, now, version)

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
        roots = [root.path for root in self._roots]
        try:
            return self._asked(lambda store: ailing(store, roots, self._rescan, datetime.now(UTC)))
        except ProgramError as error:
            return (Finding("DATABASE", error.message, error.hint),)

    def metrics(self) -> bytes:
        roots = [root.path for root in self._roots]
        return self._asked(lambda store: metrics.text(store, roots, datetime.now(UTC)))

    def _seen(self, first: date | None = None) -> Calendar:
        running = Lock(self._state_db).held()
        return self._asked(lambda store: seen(store, self._roots, datetime.now(UTC), running=running, first=first))

    def _record(self, folder_id: str) -> Record | None:
        record = self._asked(lambda store: store.record_of(folder_id))
        return record if record is not None and any(record.root == root.path for root in self._roots) else None

    def _asked(self, question: Callable[[Store], _T]) -> _T:
        """The answer of the database as it is now."""
        for opening in range(_OPENINGS):
            store = self._opened()
            try:
                store.data_version()  # it was not moved or replaced
                answer = question(store)
            except ProgramError:
                again = store.overtaken() or opening == 0  # it may have been put in another's place since it was opened
                self._forget(store)
                if not again:
                    raise
            else:
                if not store.overtaken():
                    return answer
                self._forget(store)
        raise ProgramError("the daemon begins and ends again and again", "see why: journalctl -u postpost-sync")

    def _opened(self) -> Store:
        with self._lock:
            if self._store is None:
                if not _there(self._state_db):
                    raise ProgramError("there is no database yet", "start the daemon once: postpost-sync run")
                self._store, self._opened_at = Store.open(self._state_db, read_only=True), time.time_ns()
            return self._store

    def _forget(self, store: Store) -> None:
        """It is not used any more, but by who asks it just now."""
        with self._lock:
            if self._store is store:
                self._store = None
                store.close()


def _there(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:
        return True  # who opens it says why that cannot be


def _thumbnail(one: Entry) -> str | None:
    if not one.media or not one.key:
        return None
    return f"thumb/{one.id}/0?v={(one.media[0].sha256 or '')[:12]}"
