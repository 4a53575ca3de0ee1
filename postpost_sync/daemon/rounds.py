"""What is done now and then, whatever the folders do: what is due is waked, and the service is asked how things are there."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from postpost_sync.daemon.limits import PlatformLimits
from postpost_sync.daemon.timers import Timers
from postpost_sync.log import Log
from postpost_sync.model.errors import KeyRefused, PostError
from postpost_sync.service.account import Account
from postpost_sync.store import Store


class Rounds:
    """Each of these may be made at any time. They only wake: what there is to do stands in the database."""

    def __init__(
        self, accounts: Sequence[Account], store: Store, timers: Timers, in_memory: Callable[[], list[int]], log: Log
    ) -> None:
        """`in_memory`: the keys of the folders for which something is done, or was just now."""
        self._accounts, self._store, self._timers, self._in_memory, self._log = accounts, store, timers, in_memory, log
        self._limits = PlatformLimits(accounts, store, log)
        self._asked_until = datetime.now(UTC)  # up to when the database was asked what is due

    def now(self) -> datetime:
        """The latest of the services' times."""
        return max(account.now() for account in self._accounts)

    def wake_pending(self) -> None:
        """Everything that is to be done or found out by now, from the database alone.

        And the post that is due next, since looking at it learns the service's time, by which the others are due.
        """
        self._asked_until = self.now()
        for key in (*self._store.pending(self._asked_until), *self._store.next_due()):
            self._timers.wake(key, 0.0)

    def wake_due(self) -> None:
        """What was to go out since this was last asked."""
        now = self.now()
        since, self._asked_until = min(self._asked_until, now), now
        for key in self._store.due(since, self._asked_until):
            self._timers.wake(key, 0.0)

    def ask_accounts(self) -> None:
        """How their tokens are: a token may run out while there is nothing to send."""
        for account in self._accounts:
            if account.refused is not None:
                continue
            try:
                account.api.connections()
            except KeyRefused as error:
                account.refuse(error.finding)
            except PostError as error:
                self._log.warning("the accounts could not be looked at", why=error.finding.message)

    def limits_are_old(self) -> bool:
        """Whether it was not asked within a day how much each platform takes."""
        return bool(self._limits.due(datetime.now(UTC)))

    def ask_limits(self) -> None:
        """How much each platform takes, by the service's own word."""
        if self._limits.ask(datetime.now(UTC)):  # what was refused may be taken now
            for key in self._in_memory():
                self._timers.wake(key, 0.0)

    def take_clocks_anew(self) -> None:
        """What is known of the services' times, and of what they hold, may be wrong by now."""
        for account in self._accounts:
            account.api.clock.known = False
            account.holdings.forget()
