"""What an account holds, as list-posts shows it: what stands scheduled or as a draft, and what went out lately.

It is read whole once, and from then on newest first, only as far back as the reading before or as it is asked for: what is
older in the account costs nothing. Nor is anything kept of what our own records tell more of: most of what there is.
"""

from __future__ import annotations

import math
import sys
import threading
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from postpost_sync.service.api import A_PAGE, PostPost
from postpost_sync.service.responses import Listed, unclear
from postpost_sync.service.texts import beginning, same_text, whole_text

SLACK = timedelta(minutes=2)  # how far the listing's times may be from ours, and how far it may lag behind
EVER = datetime.min.replace(tzinfo=UTC) + 2 * SLACK
MAX_PAGES = 100
LATELY = timedelta(minutes=30)  # for which a whole reading serves, so that one follows each hour
_FRESH = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Held:
    """One group as a reading showed it that began `at` (the service's time)."""

    group: Listed
    at: datetime


@dataclass(frozen=True, slots=True)
class Reading:
    """One reading, which began `at` (the service's time). `groups`: by id, all that were created since it was asked for."""

    at: datetime
    groups: Mapping[str, Listed]
    pages: int
    to_the_end: bool  # nothing is older in the account

    def get(self, post_group_id: str) -> Listed | None:
        return self.groups.get(post_group_id)

    def pages_again(self) -> int:
        """How many pages the next one takes at least, since it goes back to a little before this one."""
        new = sum(one.created_at is not None and one.created_at >= self.at - SLACK for one in self.groups.values())
        return 1 + new // A_PAGE

    def with_text(self, content: str) -> tuple[Listed, ...]:
        """Those with this text, and no more of it."""
        return tuple(one for one in self.groups.values() if whole_text(one.content, content))


class Holdings:
    """Of one account. Safe to use from several threads: one reading at a time."""

    def __init__(self, api: PostPost) -> None:
        self._api = api
        self._reading, self._lock = threading.Lock(), threading.Lock()
        self._held: dict[str, Held] = {}
        # how a text begins, or when one stands scheduled -> ids
        self._found_by: dict[str | datetime, tuple[str, ...]] = {}
        self._gone: set[str] = set()  # not held any more, since the latest whole reading
        self._began: datetime | None = None  # the latest reading, in the service's time
        self._whole_began: datetime | None = None  # the latest whole one
        self._older: Reading | None = None  # the latest one that went back as far as it took to find a certain group

    def age(self) -> float:
        """Seconds since the latest reading began; infinite where it is to be read whole."""
        began, now = self._began, self._api.clock.now()
        return (now - began).total_seconds() if began is not None and began <= now else math.inf

    def forget(self) -> None:
        """The clock was set, or the machine slept: the next reading is a whole one."""
        self._began = self._older = None

    def grow_old(self) -> None:
        """The same, unless a whole reading was made lately: what people delete at PostPost is held for an hour or so."""
        now = self._api.clock.now()
        if self._whole_began is None or not timedelta() <= now - self._whole_began < LATELY:
            self.forget()

    def read(
        self,
        lately: float,
        back_to: datetime | None = None,
        known_better: Callable[[Collection[str]], Collection[str]] = lambda _: (),
    ) -> Reading:
        """What was created since the reading before, and since `back_to`. `lately`: seconds for which what went out counts.

        `known_better`: those of the ids of which our own records tell more; nothing is kept of them.
        """
        with self._reading:
            before, now = (self._began if self.age() < math.inf else None), self._api.clock.now()
            if before is None:
                reading, self._whole_began = self._whole(now, now - timedelta(seconds=lately)), now
            else:
                reading = self._newest(now, min(before, back_to or before) - SLACK)
            ours = set(known_better(reading.groups))
            with self._lock:
                if before is None:
                    self._held, self._found_by, self._gone = {}, {}, set()
                for one in reading.groups.values():
                    if one.post_group_id in ours:
                        self._drop(one.post_group_id)
                    else:
                        self._keep(one, now)
            self._began = now
            return reading

    def deleted(self, post_group_id: str) -> None:
        """It was asked for in vain."""
        with self._lock:
            self._gone.add(post_group_id)
            self._drop(post_group_id)

    def let_go(self, post_group_id: str) -> None:
        """Nothing is kept of it, as if no reading had shown it: our own records tell more."""
        with self._lock:
            self._drop(post_group_id)

    def get(self, post_group_id: str) -> Held | None:
        with self._lock:
            return self._held.get(post_group_id)

    def keep(self, one: Listed) -> None:
        """It is held, although no reading has shown it."""
        with self._lock:
            self._keep(one, self._api.clock.now())

    def knows(self, post_group_id: str) -> bool:
        """Whether it is told of the group that it is held, or that it is not: what went out long ago, no reading shows."""
        with self._lock:
            return post_group_id in self._held or post_group_id in self._gone

    def all(self) -> tuple[Listed, ...]:
        """Everything that the readings showed, but what was let go."""
        with self._lock:
            return tuple(held.group for held in self._held.values())

    def with_text(self, content: str) -> tuple[Listed, ...]:
        """Those with this text, as `same_text` has it."""
        with self._lock:
            found = [self._held[one].group for one in self._found_by.get(beginning(content), ())]
        return tuple(one for one in found if same_text(one.content, content))

    def standing_at(self, time: datetime) -> tuple[Listed, ...]:
        """Those that stand scheduled for that time."""
        with self._lock:
            return tuple(self._held[one].group for one in self._found_by.get(time, ()))

    def find(self, post_group_id: str) -> Listed | None:
        """The group, whatever its status and however old; None where the service does not hold it.

        Of many old ones that are asked for one after the other, the first is read up to, and the second brings all there are.
        """
        if (known := self.get(post_group_id)) is not None:
            return known.group
        with self._reading:
            older, now = self._older, self._api.clock.now()
            if older is not None and timedelta() <= now - older.at < _FRESH:
                if post_group_id in older.groups or older.to_the_end:
                    return older.get(post_group_id)
                self._older = self._newest(now, EVER)
            else:
                self._older = self._pages(now, lambda _, groups: post_group_id in groups)
            return self._older.get(post_group_id)

    def in_status(self, status: str, oldest: datetime, wanted: Collection[str]) -> Mapping[str, Listed]:
        """Those that have that status now, others among them: all created since `oldest`, or fewer once `wanted` are there."""

        def enough(page: Iterable[Listed], groups: Mapping[str, Listed]) -> bool:
            return groups.keys() >= set(wanted) or _oldest(page) < oldest - SLACK

        return self._pages(self._api.clock.now(), enough, status=status).groups

    def _keep(self, one: Listed, at: datetime) -> None:
        self._drop(one.post_group_id)  # its text may be another one by now
        self._held[one.post_group_id] = Held(_in_short(one), at)
        for sign in _signs(one):
            self._found_by[sign] = (*self._found_by.get(sign, ()), one.post_group_id)

    def _drop(self, post_group_id: str) -> None:
        if (one := self._held.pop(post_group_id, None)) is None:
            return
        for sign in _signs(one.group):
            left = tuple(other for other in self._found_by.pop(sign) if other != post_group_id)
            if left:
                self._found_by[sign] = left

    def _whole(self, now: datetime, back_to: datetime) -> Reading:
        """All drafts, and what stands scheduled or was due since then."""

        def enough(page: Iterable[Listed], _: Mapping[str, Listed]) -> bool:
            times = [one.time for one in page if one.time is not None]
            return bool(times) and max(times) < back_to - SLACK

        timed = self._pages(now, enough, sort_by="scheduledTime")
        if timed.to_the_end:
            return timed
        drafts = self._pages(now, lambda *_: False, status="draft")
        return Reading(now, {**timed.groups, **drafts.groups}, timed.pages + drafts.pages, to_the_end=False)

    def _newest(self, now: datetime, back_to: datetime) -> Reading:
        """All that was created since then, whatever became of it."""
        return self._pages(now, lambda page, _: _oldest(page) < back_to)

    def _pages(
        self,
        now: datetime,
        enough: Callable[[Iterable[Listed], Mapping[str, Listed]], bool],
        *,
        status: str | None = None,
        sort_by: str = "createdAt",
    ) -> Reading:
        """Page by page until `enough` says so of the last page and of all groups so far."""
        groups: dict[str, Listed] = {}
        for number in range(1, MAX_PAGES + 1):
            page, more = self._api.list_posts(number, status=status, sort_by=sort_by)
            before = len(groups)
            # one that is seen twice was pushed to a later page meanwhile
            groups |= {one.post_group_id: one for one in page}
            if page and more and len(groups) == before:  # what is further back would be taken for deleted
                raise unclear("list-posts", f"page {number} repeats those before it, and there is to be another")
            if not more or not page:
                return Reading(now, groups, number, to_the_end=True)
            if enough(page, groups):
                break
        return Reading(now, groups, number, to_the_end=False)


def _signs(one: Listed) -> Iterator[str | datetime]:
    """By what it is found. A year of drafts has no time, and is not kept in one heap for that."""
    yield beginning(one.content)
    if one.status == "scheduled" and one.time is not None:
        yield one.time


def _in_short(one: Listed) -> Listed:
    """What is kept of a group: thousands of addresses would be megabytes, and of its media their number tells."""
    platforms = tuple(map(sys.intern, one.platforms))
    return replace(one, platforms=platforms, media=("",) * len(one.media) if one.media is not None else None)


def _oldest(page: Iterable[Listed]) -> datetime:
    """When the oldest was created, of those of which that is shown; never where it is of none."""
    return min((one.created_at for one in page if one.created_at is not None), default=datetime.max.replace(tzinfo=UTC))
