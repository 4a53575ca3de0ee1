"""One PostPost account as the workers share it: its API, whether its key is taken, and its list of posts, read once for many."""

from __future__ import annotations

import hashlib
import hmac
import math
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from weakref import WeakValueDictionary

from postpost_sync.model.errors import Finding, Unclear
from postpost_sync.post.platforms import Overrides
from postpost_sync.service.api import PostPost
from postpost_sync.service.holdings import Holdings
from postpost_sync.service.responses import Listed

PROBE_EVERY = timedelta(minutes=15)
LIST_SLACK = timedelta(minutes=2)  # how far the listing's times may be from ours
MAX_PAGES = 100
EVER = datetime.min.replace(tzinfo=UTC) + 2 * LIST_SLACK


class Account:
    """Safe to use from several threads."""

    def __init__(self, api: PostPost, key: str, user_id: str | None) -> None:
        self.api = api
        self.digest = hashlib.sha256(f"{key}\0{user_id or ''}".encode()).hexdigest()[:16]
        # what a status file says is proved by it. Slow, so that nobody guesses a key by it
        self._secret = hashlib.scrypt(f"{key}\0{user_id or ''}".encode(), salt=b"post.status.yaml", n=2**12, r=8, p=1)
        self.holdings = Holdings(api)
        self._refusal: tuple[Finding, int] | None = None  # and how often the service had taken the key before
        self.probe_at: datetime | None = None
        self.limits: Overrides = {}  # as the service last told them
        self._lock = threading.Lock()
        self._learning = threading.Lock()
        self._unanswered: tuple[datetime, Finding] | None = None  # when the list of accounts was last asked for in vain
        self._creating: WeakValueDictionary[str, threading.Lock] = (
            WeakValueDictionary()
        )  # while somebody holds or awaits it
        self._listing_lock = threading.Lock()
        self._listed: dict[str, Listed] = {}
        self._listed_at = 0.0

    def now(self) -> datetime:
        """The service's time as well as we know it."""
        return self.api.clock.now()

    def proof(self, *facts: str) -> str:
        """What shows that we wrote these facts into a status file: nobody without the key can make it."""
        return hmac.new(self._secret, "\0".join(facts).encode("utf-8", "replace"), "sha256").hexdigest()

    # --- the key ---

    @property
    def refused(self) -> Finding | None:
        """Why the service does not take the key; None once it has taken it again."""
        refusal = self._refusal
        return refusal[0] if refusal is not None and refusal[1] == self.api.taken else None

    @property
    def accepted(self) -> bool:
        """Whether the service took the key when it was last used."""
        return self.api.taken > 0 and self.refused is None

    def refuse(self, finding: Finding) -> None:
        with self._lock:
            self._refusal, self.probe_at = (finding, self.api.taken), self.now() + PROBE_EVERY

    def admit(self) -> bool:
        """Whether a call may be made now. While the key is refused one caller at a time may try it."""
        with self._lock:
            if self.refused is None:
                return True
            if self.probe_at is not None and self.probe_at > self.now():
                return False
            self.probe_at = self.now() + PROBE_EVERY
            return True

    # --- what one asks for all ---

    def learn_time(self) -> None:
        """Ask for anything, where the service's time is not known: each answer says it."""
        with self._learning:
            if not self.api.clock.known or self.refused is not None:
                self.api.connections()
                self.api.clock.known = True  # also where the answer had no Date: then there is nothing to learn

    def learn_accounts(self, since: datetime) -> None:
        """Ask which accounts are connected, unless that was asked later than `since`: one answer, or none, serves all."""
        with self._learning:
            if self._unanswered is not None and self._unanswered[0] > since:
                raise Unclear(self._unanswered[1])
            if self.api.connections_at is not None and self.api.connections_at > since:
                return
            try:
                self.api.connections()
            except Unclear as error:
                self._unanswered = self.now(), error.finding
                raise

    def accounts_age(self) -> float:
        """Seconds since the list of connected accounts was asked for; infinite where it never was."""
        asked_at = self.api.connections_at
        return (self.now() - asked_at).total_seconds() if asked_at is not None else math.inf

    # --- creating ---

    @contextmanager
    def creating(self, content: str) -> Iterator[None]:
        """One create or search at a time for the same text: a twin must not adopt a draft whose id is not committed yet."""
        with self._lock:
            lock = self._creating.setdefault(content.strip(), threading.Lock())
        with lock:
            yield

    # --- the list of posts ---

    def find(self, post_group_id: str, created_after: datetime) -> Listed | None:
        """The group as list-posts shows it now, without its text. One reading serves all who asked before it began."""
        asked_at = time.monotonic()
        with self._listing_lock:
            if self._listed_at < asked_at or post_group_id not in self._listed:
                began, at = time.monotonic(), self.now()
                pages = tuple(self.pages(created_after, until=post_group_id))
                # without their texts: this stays in memory until the list is read again
                self._listed = {one.post_group_id: replace(one, content="") for one in pages}
                self._listed_at = began
                self.holdings.note(pages, at)
            return self._listed.get(post_group_id)

    def held(self, post_group_id: str) -> Listed | None:
        """The group, whatever its status and however old; None where the service does not hold it."""
        if (known := self.holdings.get(post_group_id)) is not None:
            return known.group
        return next((one for one in self.pages(EVER, until=post_group_id) if one.post_group_id == post_group_id), None)

    def pages(self, created_after: datetime, status: str | None = None, until: str | None = None) -> Iterator[Listed]:
        """All groups created since then, newest first; ends early after the page that holds `until`."""
        for page in range(1, MAX_PAGES + 1):
            listed, more = self.api.list_posts(page, status=status)
            yield from listed
            oldest = min((one.created_at for one in listed if one.created_at is not None), default=None)
            if not more or not listed or (oldest is not None and oldest < created_after - LIST_SLACK):
                return
            if until is not None and any(one.post_group_id == until for one in listed):
                return
