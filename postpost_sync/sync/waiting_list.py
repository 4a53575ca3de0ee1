"""The posts of one account that wait for room in its plan: who they are, and whose turn it is to be tried."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime

from postpost_sync import ledger
from postpost_sync.model.record import GroupStage, Record
from postpost_sync.plan.codes import HELD_LONG
from postpost_sync.plan.line import meets_a_fault, place_in_line
from postpost_sync.plan.snapshot import Waiting
from postpost_sync.plan.steps import Ask, Delete, Withdraw
from postpost_sync.store import Store

TAKES_ROOM = (GroupStage.SCHEDULED, GroupStage.GOING_OUT)  # a post in one of these stages takes up room in the plan


class WaitingList:
    """In the order of their times. Safe to use from several threads."""

    def __init__(
        self,
        store: Store,
        account: str,
        now: Callable[[], datetime],
        wake: Callable[[int, float], None],
        is_away: Callable[[int], bool] = lambda key: False,
    ) -> None:
        """`account`: its digest. `now`: the service's time. `is_away`: whether a folder cannot be looked at for now."""
        self.account, self._store, self._now, self._wake, self._is_away = account, store, now, wake, is_away
        self._lock = threading.Lock()
        self._waiting: dict[int, Waiting] = {}
        self._first: int | None = None  # whose turn it was when that was last looked at

    def first(self) -> Waiting | None:
        """The one whose turn it is. Who cannot be looked at has none: it would hold up the others without end."""
        with self._lock:
            waiting = sorted(self._waiting.values(), key=lambda post: (post.time, post.key))
        return next((post for post in waiting if not self._is_away(post.key)), None)

    def look_again(self) -> None:
        """A root may have gone away, or come back: then it is another one's turn."""
        first = self.first()
        key = first.key if first is not None else None
        if key != self._first:
            self._first = key
            self._turn(room=False)

    def update(self, record: Record) -> None:
        """A record as it was just decided about: it joins, stays, or leaves, and then the next one's turn has come."""
        place = place_in_line(record)
        if place is None:
            if not meets_a_fault(record):
                self.remove(record.key)
            return
        with self._lock:
            known = self._waiting.get(record.key)
            if place.finding.code == HELD_LONG and known is not None:
                place = Waiting(place.key, place.time, known.finding, place.until)
            self._waiting[record.key] = place
        if known is not None and place.time > known.time and self._was_first(known):
            self._turn(room=False)

    def _was_first(self, moved: Waiting) -> bool:
        """Whether it was this one's turn, and is another's by now: a queued post that missed its slot waits for a later one."""
        first = self.first()
        return first is not None and first.key != moved.key and (moved.time, moved.key) < (first.time, first.key)

    def remove(self, key: int) -> None:
        """It no longer waits."""
        with self._lock:
            waited = self._waiting.pop(key, None) is not None
        if waited:
            self._turn(room=False)

    def after(self, key: int, step: Withdraw | Ask | Delete) -> None:
        """A step that may have made room was taken."""
        if self.first() is None:
            return
        record = self._store.record(key)
        now = next((group.stage for group in record.groups if group.key == step.group.key), None) if record else None
        if now not in TAKES_ROOM:
            self._turn(room=True)

    def _turn(self, *, room: bool) -> None:
        """The first one is tried now. `room`: because a post that was pending is gone."""
        while (first := self.first()) is not None:
            now = self._now()
            try:
                self._store.change(first.key, ledger.probed_now, now, room=room)
            except KeyError:  # forgotten meanwhile
                with self._lock:
                    self._waiting.pop(first.key, None)
                continue
            self._wake(first.key, 0.0)
            return
