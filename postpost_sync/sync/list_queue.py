"""Who waits for what PostPost lists, and when that is read: one reading for all who came before it began.

A reading costs calls, so a few more are waited for as long as others are on their way. The first for whom that has lasted
long enough reads for all of them, in its own thread.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from postpost_sync.model.errors import PostError
from postpost_sync.model.record import Group
from postpost_sync.service.account import Account
from postpost_sync.service.listing import Listing
from postpost_sync.sync.runtime import Runtime

A_PAGE = 100  # groups on a page of the list
WORTH_A_PAGE = 20  # as many have to wait for each page that is read, unless it has lasted long enough
PATIENCE = 2.0  # seconds
GOOD_FOR = 30.0  # seconds for which a reading is kept for a folder that does not come for it


@dataclass(frozen=True, slots=True)
class _Asked:
    about: tuple[str, int]  # what it is wanted for, and the key of the group
    post_group_id: str | None
    created_since: datetime
    since: float  # monotonic, of the runtime's clock, which a test turns
    at: float  # monotonic


@dataclass(frozen=True, slots=True)
class _Answer:
    about: tuple[str, int]
    said: Listing | PostError
    at: float  # as `since`


class ListQueue:
    """Of one account. Safe to use from several threads, for different folders."""

    def __init__(self, account: Account, others_come: Callable[[], bool], runtime: Runtime) -> None:
        """`others_come`: whether other posts are on their way here."""
        self._account, self._others_come = account, others_come
        self._wake, self._monotonic = runtime.wake, runtime.monotonic
        self._lock = threading.Lock()
        self._asked: dict[int, _Asked] = {}  # by the folder's key, in the order in which they came
        self._answers: dict[int, _Answer] = {}
        self._reading = False
        self._pages = 1  # of the last reading

    def take(self, key: int, purpose: str, group: Group) -> Listing | None:
        """A reading that began after this was first asked, and covers the group; or the error that it met.

        None: not yet. The folder is waked when there is one, or when it may read itself.
        """
        about, now = (purpose, group.key), self._monotonic()
        with self._lock:
            answer = self._answers.pop(key, None)
            if answer is not None and answer.about == about and now - answer.at < GOOD_FOR:
                return _given(answer.said)
            asked = self._asked.get(key)
            if asked is None or asked.about != about:
                asked = _Asked(about, group.post_group_id, group.intent_at, now, time.monotonic())
                self._asked[key] = asked
            oldest = next(iter(self._asked.values()))
            left = PATIENCE - (now - oldest.since)
            enough = len(self._asked) >= WORTH_A_PAGE * self._pages
            # a key that is refused is tried now, or not for a while
            alone = not self._others_come() or self._account.refused is not None
            if self._reading or not (enough or left <= 0 or alone):
                self._wake(key, left if left > 0 else PATIENCE)
                return None
            self._reading, batch = True, self._asked
            self._asked = {}
        said: Listing | PostError | None = None
        try:
            said = self._read(batch)
        except PostError as error:
            said = error
        finally:
            self._done(key, batch, said)
        return _given(said)

    def others_wait(self, key: int) -> bool:
        """Whether a reading would serve others besides that folder."""
        with self._lock:
            return any(one != key for one in self._asked)

    def _read(self, batch: dict[int, _Asked]) -> Listing:
        """As far back as the oldest of them was created, or less where all of them are found earlier."""
        ids = [one.post_group_id for one in batch.values() if one.post_group_id is not None]
        wanted = ids if len(ids) == len(batch) else []  # what is searched for has no id
        oldest = min(one.created_since for one in batch.values())
        return self._account.listings.since(max(one.at for one in batch.values()), oldest, wanted)

    def _done(self, reader: int, batch: dict[int, _Asked], said: Listing | PostError | None) -> None:
        """`said`: None where a defect was met; then each of the others asks again."""
        now = self._monotonic()
        with self._lock:
            self._reading = False
            for key in [key for key, answer in self._answers.items() if now - answer.at >= GOOD_FOR]:
                del self._answers[key]  # its folder is gone, or wants something else
            if isinstance(said, Listing):
                self._pages = 1 + len(said.groups) // A_PAGE
            if said is not None:
                self._answers |= {key: _Answer(one.about, said, now) for key, one in batch.items() if key != reader}
            next_one = next(iter(self._asked), None)
        for key in (*batch, *([next_one] if next_one is not None else [])):
            if key != reader:
                self._wake(key, 0.0)


def _given(said: Listing | PostError) -> Listing:
    if isinstance(said, PostError):
        raise said
    return said
