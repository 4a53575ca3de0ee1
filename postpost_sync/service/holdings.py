"""What an account holds that could be a post of ours: what stands scheduled or as a draft, and what went out lately.

It is read whole once, and from then on only as far back as the reading before: who is new in it is what counts. Each
reading serves all whose question is older than it.
"""

from __future__ import annotations

import hashlib
import math
import threading
import time
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from postpost_sync.model.errors import Finding, Unclear
from postpost_sync.service.api import PostPost
from postpost_sync.service.responses import Listed

SLACK = timedelta(minutes=2)  # how far the listing's times may be from ours, and how far it may lag behind
MAX_PAGES = 100
AT_ONCE, WITHIN = 5, 5.0  # so many readings may begin within so many seconds; then one has to wait for others to join
_LONG = 200  # characters: of a text that is longer its beginning and its hash are kept
_CUT = "\0"  # between the two; no text holds it
_INDEXED = 24  # characters of a text by which it is looked up


@dataclass(frozen=True, slots=True)
class Held:
    """One group as a reading showed it that began `at` (the service's time)."""

    group: Listed
    at: datetime


class Holdings:
    """Of one account. Safe to use from several threads."""

    def __init__(self, api: PostPost) -> None:
        self._api = api
        self._reading, self._lock = threading.Lock(), threading.Lock()
        self._held: dict[str, Held] = {}
        self._by_text: dict[str, tuple[str, ...]] = {}  # how a text begins -> ids
        self._began: datetime | None = None  # the latest reading, in the service's time
        self._unanswered: tuple[float, Finding] | None = None  # when it was last read in vain, monotonic
        self._begun: deque[datetime] = deque(maxlen=AT_ONCE)

    def age(self) -> float:
        """Seconds since the latest reading began; infinite where it is to be read whole."""
        began, now = self._began, self._api.clock.now()
        return (now - began).total_seconds() if began is not None and began <= now else math.inf

    def wait(self) -> float:
        """Seconds for which the next reading should wait, so that many share it."""
        begun = list(self._begun)
        if len(begun) < AT_ONCE or self._began is None:
            return 0.0
        since = (self._api.clock.now() - begun[0]).total_seconds()
        last = (self._api.clock.now() - begun[-1]).total_seconds()
        return max(0.0, WITHIN / AT_ONCE - last) if 0 <= since < WITHIN else 0.0

    def forget(self) -> None:
        """The clock was set, the machine slept, or an hour went by: the next reading is a whole one."""
        self._began = None

    def look(self, since: datetime, lately: float) -> None:
        """Read, unless a reading began after `since`. `lately`: seconds for which what went out counts still."""
        asked_at = time.monotonic()
        with self._reading:
            began = self._began
            if began is not None and since < began <= self._api.clock.now():
                return
            if self._unanswered is not None and self._unanswered[0] > asked_at:  # while this waited
                raise Unclear(self._unanswered[1])
            now = self._api.clock.now()
            try:
                found = self._whole(now - timedelta(seconds=lately)) if began is None else self._newer(began - SLACK)
            except Unclear as error:
                self._unanswered = time.monotonic(), error.finding
                raise
            with self._lock:
                if began is None:
                    self._held, self._by_text = {}, {}
                for one in found.values():
                    self._keep(one, now)
            self._begun.append(now)
            self._began = now

    def note(self, groups: Iterable[Listed], began: datetime, back_to: datetime) -> None:
        """The list was read for another reason: that counts where it goes back to the reading before, as it mostly does."""
        with self._reading:
            before = self._began
            if before is None or not before <= began or back_to > before - SLACK:
                return
            with self._lock:
                for one in groups:
                    self._keep(one, began)
            self._began = began

    def deleted(self, post_group_id: str) -> None:
        """It is held no longer, since we deleted it."""
        with self._lock:
            one = self._held.pop(post_group_id, None)
            begins = _indexed(one.group.content.strip()) if one is not None else ""
            left = tuple(other for other in self._by_text.pop(begins, ()) if other != post_group_id)
            if left:
                self._by_text[begins] = left

    def get(self, post_group_id: str) -> Held | None:
        with self._lock:
            return self._held.get(post_group_id)

    def with_text(self, content: str) -> tuple[Listed, ...]:
        """Those with this text, space around it aside; where the list shows texts shortened, with what is shown of it."""
        text = content.strip()
        with self._lock:
            found = [self._held[one].group for one in self._by_text.get(_indexed(text), ())]
        return tuple(one for one in found if same_text(one.content, text))

    def _keep(self, one: Listed, at: datetime) -> None:
        before = self._held.get(one.post_group_id)
        self._held[one.post_group_id] = Held(replace(one, content=_in_short(one.content)), at)
        if before is None:
            begins = _indexed(one.content.strip())
            self._by_text[begins] = (*self._by_text.get(begins, ()), one.post_group_id)

    def _whole(self, back_to: datetime) -> Mapping[str, Listed]:
        """All drafts, and what stands scheduled or was due since then."""
        found: dict[str, Listed] = {}
        for page in range(1, MAX_PAGES + 1):
            listed, more = self._api.list_posts(page, sort_by="scheduledTime")
            found |= {one.post_group_id: one for one in listed}
            if not more or not listed:
                return found
            times = [one.time for one in listed if one.time is not None]
            if times and max(times) < back_to - SLACK:
                break
        for page in range(1, MAX_PAGES + 1):
            listed, more = self._api.list_posts(page, status="draft")
            found |= {one.post_group_id: one for one in listed}
            if not more or not listed:
                break
        return found

    def _newer(self, back_to: datetime) -> Mapping[str, Listed]:
        """All that was created since then, whatever became of it."""
        found: dict[str, Listed] = {}
        for page in range(1, MAX_PAGES + 1):
            listed, more = self._api.list_posts(page)
            found |= {one.post_group_id: one for one in listed}
            created = [one.created_at for one in listed if one.created_at is not None]
            if not more or not listed or (created and min(created) < back_to):
                break
        return found


def same_text(shown: str, text: str) -> bool:
    """Whether what a list shows is that text, space around them aside. Some lists shorten what is long, as is done here."""
    shown, text = shown.strip(), text.strip()
    if shown == text:
        return True
    if _CUT in shown:
        return shown == _in_short(text)
    kept = shown.removesuffix("…").removesuffix("...")
    return kept != shown and len(kept) >= _INDEXED and text.startswith(kept)


def _in_short(content: str) -> str:
    """What is kept of a text, to tell it from any other: thousands of long ones would be megabytes."""
    text = content.strip()
    if len(text) <= _LONG or text.endswith(("…", "...")):
        return content
    return f"{text[:_INDEXED]}{_CUT}{hashlib.sha256(text.encode('utf-8', 'replace')).hexdigest()}"


def _indexed(text: str) -> str:
    return text[:_INDEXED]
