"""One PostPost account as the workers share it: its API, whether its key is taken, and what is asked once for all."""

from __future__ import annotations

import hashlib
import hmac
import math
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import cache
from weakref import WeakValueDictionary

from postpost_sync.model.errors import Finding, Unclear
from postpost_sync.post import live_limits
from postpost_sync.post.platforms import Overrides
from postpost_sync.service.api import PostPost
from postpost_sync.service.holdings import Holdings

PROBE_EVERY = timedelta(minutes=15)


def digest(key: str, user_id: str | None) -> str:
    """Tells one account from another in the database, where no key may stand."""
    return hashlib.sha256(f"{key}\0{user_id or ''}".encode()).hexdigest()[:16]


@cache
def _secret(key: str, user_id: str | None) -> bytes:
    """What a status file says is proved by it. Slow, so that nobody guesses a key by it: once for each key is enough."""
    return hashlib.scrypt(f"{key}\0{user_id or ''}".encode(), salt=b"post.status.yaml", n=2**12, r=8, p=1)


class Account:
    """Safe to use from several threads."""

    def __init__(self, api: PostPost, key: str, user_id: str | None) -> None:
        self.api, self.holdings = api, Holdings(api)
        self.digest = digest(key, user_id)
        self._secret = _secret(key, user_id)
        self._refusal: tuple[Finding, int] | None = None  # and how often the service had taken the key before
        self.probe_at: datetime | None = None
        self.limits: Overrides = {}  # as the service last told them
        self.first_comments: bool | None = None  # whether the service takes any; None: not known yet
        self._lock = threading.Lock()
        self._learning = threading.Lock()
        self._unanswered: tuple[datetime, Finding] | None = None  # when the list of accounts was last asked for in vain
        # as long as somebody holds or awaits one
        self._creating: WeakValueDictionary[str, threading.Lock] = WeakValueDictionary()

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

    def learn_limits(self) -> None:
        """Ask what each platform takes, unless somebody has: one answer serves all."""
        with self._learning:
            if self.first_comments is None:
                self.told(self.api.platform_limits())

    def told(self, platforms: object) -> None:
        """What the service answered to that; None: it has no such call, and so it is the one that takes no first comment."""
        self.limits, self.first_comments = live_limits.overrides(platforms), platforms is not None

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
