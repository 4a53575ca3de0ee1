"""Who waits for what PostPost lists, and when that is read: one reading for all who came before it began.

A reading costs calls, so a few more are waited for as long as others are on their way. The first for whom that has lasted
long enough reads for all of them, in its own thread.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime

from postpost_sync.model.errors import PostError
from postpost_sync.model.record import Group
from postpost_sync.service.account import Account
from postpost_sync.service.holdings import Reading
from postpost_sync.sync.runtime import Runtime

WORTH_A_PAGE = 40  # as many have to wait for each page that is read, unless it has lasted long enough
PATIENCE = 2.0  # seconds
PATIENCE_A_PAGE = 1.0  # seconds; where a reading takes many pages, so many posts are made that they can wait for more
GOOD_FOR = 30.0  # seconds for which a reading is kept for a folder that does not come for it


@dataclass(frozen=True, slots=True)
class Question:
    """What a folder wants to know. The reading must have begun after `since` (the service's time)."""

    about: tuple[str, int]  # what it is wanted for, and the key of the group; 0: of none
    since: datetime
    back_to: datetime | None = None  # and show all that was created since then; None: since the reading before


@dataclass(frozen=True, slots=True)
class _Asked:
    question: Question
    at: float  # monotonic


@dataclass(frozen=True, slots=True)
class _Answer:
    about: tuple[str, int]
    said: Reading | PostError
    at: float  # monotonic


class ListQueue:
    """Of one account. Safe to use from several threads, for different folders."""

    def __init__(
        self,
        account: Account,
        others_come: Callable[[], bool],
        lately: float,
        past_drafts: Callable[[Collection[str]], Collection[str]],
        runtime: Runtime,
    ) -> None:
        """`others_come`: whether other posts are on their way here. `lately`: seconds for which what went out counts.

        `past_drafts`: those of the ids that our records know as posts of ours, and as more than drafts.
        """
        self._account, self._others_come, self._lately, self._past_drafts = account, others_come, lately, past_drafts
        self._wake, self._monotonic = runtime.wake, runtime.monotonic
        self._lock = threading.Lock()
        self._asked: dict[int, _Asked] = {}  # by the folder's key, in the order in which they came
        self._answers: dict[int, _Answer] = {}
        self._reading = False
        self._read_at: float | None = None  # monotonic
        self._pages = 1  # that the next reading takes

    def check(self, key: int, purpose: str, group: Group) -> Reading | None:
        """As `take`: a reading that shows the group, if there is one."""
        return self.take(key, Question((purpose, group.key), self._account.now(), group.intent_at))

    def take(self, key: int, question: Question) -> Reading | None:
        """A reading that answers the question, or the error that it met.

        None: not yet. The folder is waked when there is one, or when it may read itself.
        """
        now = self._monotonic()
        with self._lock:
            answer = self._answers.pop(key, None)
            if answer is not None and answer.about == question.about and now - answer.at < GOOD_FOR:
                return _given(answer.said)
            asked = self._asked.get(key)
            if asked is None or asked.question.about != question.about:
                self._asked[key] = _Asked(question, now)
            patience = max(PATIENCE, PATIENCE_A_PAGE * self._pages)
            first, since = next((one, asked.at) for one, asked in self._asked.items())
            left = since + patience - now
            enough = len(self._asked) >= WORTH_A_PAGE * self._pages
            # a key that is refused is tried now, or not for a while
            alone = not self._others_come() or self._account.refused is not None
            lately = self._read_at is not None and now - self._read_at < patience
            if self._reading or not (enough or left <= 0 or alone or not lately):
                reads = key == first and not self._reading  # the others are waked once that is done, and see to it
                self._wake(key, max(left, 0.0) + (0.0 if reads else PATIENCE))
                return None
            self._reading, self._read_at, batch = True, now, self._asked
            self._asked = {}
        said: Reading | PostError | None = None
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

    def _read(self, batch: dict[int, _Asked]) -> Reading:
        since = [one.question.back_to for one in batch.values() if one.question.back_to is not None]
        return self.read(min(since, default=None))

    def read(self, back_to: datetime | None = None) -> Reading:
        """Read now, for nobody in particular. What is ours and no draft any more is not kept: it is most of what there is."""
        return self._account.holdings.read(self._lately, back_to, self._past_drafts)

    def _done(self, reader: int, batch: dict[int, _Asked], said: Reading | PostError | None) -> None:
        """`said`: None where a defect was met; then each of the others asks again."""
        now = self._monotonic()
        with self._lock:
            self._reading = False
            self._answers = {key: one for key, one in self._answers.items() if now - one.at < GOOD_FOR}
            if isinstance(said, Reading):
                self._pages = said.pages_again()
                # who came while it was read, and asks for no more than it shows
                for key, one in list(self._asked.items()):
                    if one.question.since < said.at and one.question.back_to is None:
                        batch[key] = self._asked.pop(key)
            if said is not None:
                told = {key: one.question for key, one in batch.items() if key != reader}
                self._answers |= {
                    key: _Answer(question.about, said, now)
                    for key, question in told.items()
                    # what it shows to all is kept with the holdings
                    if question.back_to is not None or isinstance(said, PostError)
                }
            next_one = next(iter(self._asked), None)
        for key in (*batch, *([next_one] if next_one is not None else [])):
            if key != reader:
                self._wake(key, 0.0)


def _given(said: Reading | PostError) -> Reading:
    if isinstance(said, PostError):
        raise said
    return said
