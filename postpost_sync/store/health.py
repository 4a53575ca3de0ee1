"""Whether the daemon that writes a database does its work, and what it warns of, found out from the database alone."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from postpost_sync.model.errors import Finding, printable
from postpost_sync.model.vitals import OVERDUE, Vitals, ailments
from postpost_sync.store import Store
from postpost_sync.store.lock import Lock


def warnings(store: Store) -> list[Finding]:
    """What the daemon has to say that belongs to no post, as it last wrote it down."""
    return [*undelivered(store), *Vitals.read(store.overview.vitals()).warnings]


def undelivered(store: Store) -> list[Finding]:
    """Why nothing gets through to those who are notified."""
    return [one.error for one in store.listeners() if one.error is not None]


def ailing(store: Store, roots: Sequence[str], rescan: float, now: datetime) -> tuple[Finding, ...]:
    """Why the daemon that writes this database does not do what it is there for; nothing where all is well."""
    return ailments(
        running=Lock(store.path).held(),
        roots=roots,
        statuses=store.roots(),
        rescan=rescan,
        vitals=Vitals.read(store.overview.vitals()),
        overdue=[printable(f"{root}/{path}") for root, path in store.overview.overdue(now - OVERDUE)],
        now=now,
    )
