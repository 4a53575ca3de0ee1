"""What an account holds, as list-posts shows it: read once for all who may share one reading.

Who asks says since when a reading may have begun, and which groups it must cover: those with certain ids, or all that
were created since a moment. A reading that began later and covers them is given to everybody; else one is made, newest
first, and only as far back as it was asked for. What is older in the account costs nothing.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property

from postpost_sync.service.api import PostPost
from postpost_sync.service.responses import Listed

LIST_SLACK = timedelta(minutes=2)  # how far the listing's times may be from ours
MAX_PAGES = 100
EVER = datetime.min.replace(tzinfo=UTC) + 2 * LIST_SLACK
_NEVER = datetime.max.replace(tzinfo=UTC) - 2 * LIST_SLACK  # a reading back to then tells of nothing but what is in it
HELD_FRESH = timedelta(minutes=1)


@dataclass(frozen=True)
class Listing:
    """One reading. `groups` has every group that was created since `back_to`, the newest first, and perhaps others."""

    began_at: float  # monotonic
    read_at: datetime  # the same moment, in the service's time
    back_to: datetime
    groups: Mapping[str, Listed]  # by id

    def get(self, post_group_id: str) -> Listed | None:
        return self.groups.get(post_group_id)

    def with_text(self, content: str) -> tuple[Listed, ...]:
        """Those with this text, space around it aside."""
        return self._by_text.get(content.strip(), ())

    def covers(self, wanted: Collection[str], created_since: datetime) -> bool:
        """Whether it tells of each of these groups, or of all created since then, what it is, or that there is none."""
        return self.back_to <= created_since or (bool(wanted) and all(one in self.groups for one in wanted))

    @cached_property
    def _by_text(self) -> Mapping[str, tuple[Listed, ...]]:
        found: dict[str, list[Listed]] = {}
        for one in self.groups.values():
            found.setdefault(one.content.strip(), []).append(one)
        return {text: tuple(several) for text, several in found.items()}


class Listings:
    """Of one account. Safe to use from several threads: who asks while a reading is made waits, and may share the next."""

    def __init__(
        self, api: PostPost, read: Callable[[Iterable[Listed], datetime, datetime], None] = lambda *_: None
    ) -> None:
        """`read` is told of each reading whatever its groups are: they, when it began, and since when it has all."""
        self._api, self._read_one = api, read
        self._lock = threading.RLock()
        self._latest: dict[str | None, Listing] = {}  # by the status that was asked for

    def since(
        self, asked_at: float, created_since: datetime, wanted: Collection[str] = (), status: str | None = None
    ) -> Listing:
        """A reading that began at `asked_at` (monotonic) or later. It ends early once it has all the `wanted` ids.

        `status`: of the groups in that one alone.
        """
        with self._lock:
            latest = self._latest.get(status)
            if latest is None or latest.began_at < asked_at or not latest.covers(wanted, created_since):
                latest = self._latest[status] = self._read(created_since, frozenset(wanted), status)
                if status is None:
                    self._read_one(latest.groups.values(), latest.read_at, latest.back_to)
            return latest

    def forget(self) -> None:
        """The latest readings serve nobody any more: all their texts would be kept until there is another."""
        with self._lock:
            self._latest.clear()

    def held(self, post_group_id: str) -> Listed | None:
        """The group as it was a minute ago at the most, whatever its status and age; None where the service holds none.

        Of many that are asked for one after the other the first is read up to, and the second brings all there are.
        """
        with self._lock:
            latest, now = self._latest.get(None), self._api.clock.now()
            fresh = latest is not None and timedelta() <= now - latest.read_at < HELD_FRESH
            if latest is not None and fresh and latest.covers([post_group_id], EVER):
                return latest.get(post_group_id)
            return self.since(time.monotonic(), EVER, () if fresh else (post_group_id,)).get(post_group_id)

    def _read(self, created_since: datetime, wanted: frozenset[str], status: str | None) -> Listing:
        began, groups, oldest = (time.monotonic(), self._api.clock.now()), dict[str, Listed](), _NEVER
        for page in range(1, MAX_PAGES + 1):
            listed, more = self._api.list_posts(page, status=status)
            for one in listed:
                groups[one.post_group_id] = one  # one that is seen twice was pushed to a later page meanwhile
                oldest = min(oldest, one.created_at or oldest)
            if not more or not listed:
                return Listing(*began, EVER, groups)
            if oldest < created_since - LIST_SLACK:
                return Listing(*began, created_since, groups)
            if wanted and wanted <= groups.keys():
                break
        return Listing(*began, min(_NEVER, oldest + LIST_SLACK), groups)
