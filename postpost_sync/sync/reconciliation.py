"""Notices what people changed at PostPost: all that stands there is compared with one listing of each account's posts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

from postpost_sync.model.errors import KeyRefused, PostError
from postpost_sync.model.record import Record
from postpost_sync.model.times import parse_service_time, to_service
from postpost_sync.service.account import Account
from postpost_sync.store import Store
from postpost_sync.sync.calls import Calls
from postpost_sync.sync.runtime import Runtime
from postpost_sync.sync.watched import Site

EVERY = timedelta(hours=1)
_COMPARED_AT = "compared_at"


class Reconciliation:
    """By one thread at a time. Wakes the folders for which something follows."""

    def __init__(
        self,
        store: Store,
        sites: Mapping[str, Site],
        calls: Calls,
        account_of: Callable[[Record], Account],
        runtime: Runtime,
    ) -> None:
        """`account_of`: whose a record's post is."""
        self._store, self._sites, self._calls, self._account_of = store, sites, calls, account_of
        self._wake, self._log = runtime.wake, runtime.log
        self._accounts = [*dict.fromkeys(site.account for site in sites.values())]
        self._compared: set[Account] = set()  # whose posts were compared with the folders at rest

    def is_due(self) -> bool:
        """Whether the latest was an hour ago, also by an earlier run of the program. A new database has nothing to compare."""
        now = self._now()
        latest = parse_service_time(self._store.fact(_COMPARED_AT, lambda: to_service(now)))
        return latest is None or abs(now - latest) >= EVERY

    def run(self) -> None:
        """Notice what people changed at PostPost: one listing of the scheduled posts for each account."""
        records = [record for record in self._store.at_postpost() if record.root in self._sites]
        all_compared = True
        for account in self._accounts:
            if account.refused is not None:
                account.holdings.forget()
                continue
            mine = [record for record in records if self._account_of(record) is account]
            try:
                self._compare_at_rest(account)
                account.holdings.grow_old()
                changed = self._calls.reconcile(account, mine)
            except KeyRefused as error:
                account.refuse(error.finding)
            except PostError as error:
                self._log.warning("the scheduled posts could not be compared", why=error.finding.message)
                all_compared = False
            else:
                for record in mine:
                    if record.key in changed:
                        self._log.info("changed at PostPost", folder=f"{record.root}/{record.path}")
                        self._wake(record.key, 0.0)
        if all_compared:
            self._store.set_fact(_COMPARED_AT, to_service(self._now()))

    def _now(self) -> datetime:
        return max(account.now() for account in self._accounts)

    def begin_anew(self) -> None:
        """The machine slept, or was put back to what it was: our records may be older than what we did."""
        self._compared.clear()

    def _compare_at_rest(self, account: Account) -> None:
        """Once: folders at rest whose text stands in a post that is not known here may have had it made since.

        Their status files say so, and are looked at.
        """
        if account in self._compared:
            return
        if unknown := self._calls.not_known(account):
            with_text = account.holdings.with_text
            for key in self._store.at_rest_with(
                lambda text: any(one.post_group_id in unknown for one in with_text(text))
            ):
                self._wake(key, 0.0)
        self._compared.add(account)
