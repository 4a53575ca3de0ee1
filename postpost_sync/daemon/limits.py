"""The service's own figures for each platform: asked for once a day where it tells them, and kept in the database."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime, timedelta

from postpost_sync.log import Log
from postpost_sync.model.errors import KeyRefused, PostError
from postpost_sync.model.times import parse_service_time, to_service
from postpost_sync.post.platforms import Overrides
from postpost_sync.service.account import Account
from postpost_sync.store import Store

EVERY = timedelta(days=1)
_LONGEST = 1 << 20  # characters of what is kept


class PlatformLimits:
    """Of all accounts. What was told last counts until something else is, also after a restart."""

    def __init__(self, accounts: Sequence[Account], store: Store, log: Log) -> None:
        self._accounts, self._store, self._log = accounts, store, log
        self._asked: dict[Account, datetime] = {}
        for account in accounts:
            self._take(account, store.fact(_name(account), lambda: "{}"))

    def due(self, now: datetime) -> list[Account]:
        """Those that were not asked within a day, and may be."""
        due = (one for one in self._accounts if one not in self._asked or abs(now - self._asked[one]) >= EVERY)
        return [one for one in due if one.refused is None]

    def ask(self, now: datetime) -> bool:
        """Ask for those that are older than a day; whether any are others than before.

        A fault is no more than that: the table is what counts without them.
        """
        before = self._told()
        for account in self.due(now):
            try:
                told = account.api.platform_limits()
            except KeyRefused as error:
                account.refuse(error.finding)
                continue
            except PostError as error:
                self._log.debug("the limits of the platforms could not be asked for", why=error.finding.message)
                continue
            kept = json.dumps({"asked_at": to_service(now), "platforms": told})
            if len(kept) <= _LONGEST:
                self._store.set_fact(_name(account), kept)
                self._take(account, kept)
        return before != self._told()

    def _told(self) -> list[tuple[Overrides, bool]]:
        """What counts by now; that no first comment is taken is what goes without a word, too."""
        return [(account.limits, bool(account.first_comments)) for account in self._accounts]

    def _take(self, account: Account, kept: str) -> None:
        asked, platforms = kept_limits(kept)
        if asked is not None:
            self._asked[account] = asked
            account.told(platforms)


def kept_limits(kept: str) -> tuple[datetime | None, object]:
    """When the service was asked last, by what is kept of that, and what it told; None: never, and nothing."""
    try:
        facts = json.loads(kept)
    except ValueError:
        return None, None
    if not isinstance(facts, dict):
        return None, None
    return parse_service_time(facts.get("asked_at")), facts.get("platforms")


def _name(account: Account) -> str:
    return fact_name(account.digest)


def fact_name(digest: str) -> str:
    """Under which it is kept in the database what the service told that account."""
    return f"platform_limits {digest}"
