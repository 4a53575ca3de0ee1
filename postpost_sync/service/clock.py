"""The service's time, as well as its answers tell it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from threading import Lock
from typing import Protocol


class Clock(Protocol):
    """The local time, and how far the service's is from it."""

    def now(self) -> datetime: ...


class SystemClock:
    def now(self) -> datetime:
        return datetime.now(UTC)


SKEW = timedelta(seconds=30)  # by which this machine's clock may be off without harm


class ServerClock:
    """The service's time as well as we know it: ours, corrected by the `Date` headers seen.

    Each of them says within which span the difference lies: it has whole seconds, and its answer took time. What all of
    them allow is what counts, so that a slow answer takes nothing back; one that contradicts them counts alone. Where it
    does so by more than an hour, the next one must say the same: something on the way may have answered, and what follows
    from a wrong time cannot be taken back.
    """

    TRUSTED = timedelta(seconds=2)  # less is no difference
    DOUBTED = timedelta(hours=1)
    YEARS = range(2020, 2200)  # what a service that is asked now can say

    def __init__(self, local: Clock) -> None:
        self._local = local
        self._lock = Lock()
        self._offset = timedelta()
        self._span = timedelta.min, timedelta.max  # within which the offset lies
        self._doubtful: timedelta | None = None  # the offset that the last answer alone has shown
        self.known = False  # whether the service was asked since the local clock last began or was set

    @property
    def offset(self) -> timedelta:
        """How far the service is ahead of this machine."""
        return self._offset

    def now(self) -> datetime:
        return self._local.now() + self._offset

    def local(self) -> datetime:
        return self._local.now()

    def learn(self, date: str | None, asked_at: datetime) -> None:
        """Take note of a `Date` header that answered a request sent at `asked_at` (local)."""
        if not date:
            return
        try:
            theirs = parsedate_to_datetime(date)
            theirs = theirs.astimezone(UTC) if theirs.tzinfo is not None else theirs.replace(tzinfo=UTC)
        except (ValueError, TypeError, OverflowError, IndexError):
            return
        if theirs.year not in self.YEARS:
            return
        least, most = theirs - self._local.now(), theirs + timedelta(seconds=1) - asked_at
        with self._lock:
            if self.known and self._is_doubtful((least + most) / 2):
                return
            before = self._span if self.known else (least, most)
            both = max(least, before[0]), min(most, before[1])
            self._span = both if both[0] <= both[1] else (least, most)
            same = self._span[0] - self.TRUSTED <= timedelta() <= self._span[1] + self.TRUSTED
            self._offset = timedelta() if same else self._span[0] + (self._span[1] - self._span[0]) / 2
            self.known = True

    def _is_doubtful(self, offset: timedelta) -> bool:
        """Whether it is far from all that was shown before, and shown for the first time."""
        before, self._doubtful = self._doubtful, None
        if abs(offset - self._offset) <= self.DOUBTED:
            return False
        if before is not None and abs(offset - before) <= self.DOUBTED:
            return False
        self._doubtful = offset
        return True
