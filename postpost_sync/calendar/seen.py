"""What is in view: reads the posts of the weeks that are shown from the database, and says what is odd about the program."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta

from postpost_sync.calendar.entries import Entry, entry, oddities
from postpost_sync.calendar.weeks import Calendar, Slot, calendar, span
from postpost_sync.model.errors import Finding, printable
from postpost_sync.model.program import RootState, RootStatus
from postpost_sync.store import Store

_A_DAY = timedelta(days=1)  # zones differ by no more


@dataclass(frozen=True, slots=True)
class WatchRoot:
    """A watch root, as far as it is looked at."""

    path: str
    zone: str


@dataclass(frozen=True, slots=True)
class Seen:
    calendar: Calendar
    entries: tuple[Entry, ...]  # all that were read: the feed has those, too, that stand on no day that is shown


def seen(
    store: Store,
    roots: Sequence[WatchRoot],
    now: datetime,
    *,
    running: bool | None = None,
    first: date | None = None,
    below: Callable[[Entry], bool] = lambda _: True,
    slots: Sequence[Slot] = (),
) -> Seen:
    """The calendar of these roots. `running`: whether the daemon is, where that is to be said. `first`: as `calendar` has it.

    `below`: which of the posts are meant. `slots`: those of the queues that are free.
    """
    zone = roots[0].zone if roots else "UTC"
    begin, end = (datetime.combine(day, time(), UTC) for day in span(now, zone, first))
    paths = {root.path: root for root in roots}
    records, beyond = store.overview.posts(paths.keys(), begin - _A_DAY, end + _A_DAY, later=first is None)
    statuses = [status for status in store.roots() if status.path in paths]
    found = [entry(record) for record in records]
    found += [odd for status in statuses for odd in oddities(status, paths[status.path].zone, now)]
    found = [one for one in found if below(one)]
    if len(roots) > 1:
        found = [replace(one, folder=f"{printable(os.path.basename(one.root))}/{one.folder}") for one in found]
    notices = [*_of_program(statuses, running), *(one.error for one in store.listeners() if one.error is not None)]
    title = printable(os.path.basename(roots[0].path) or roots[0].path) if len(roots) == 1 else "Posts"
    made = calendar(title, found, now, zone, slots=slots, notices=notices, first=first, beyond=beyond)
    return Seen(made, tuple(found))


def _of_program(statuses: Sequence[RootStatus], running: bool | None) -> list[Finding]:
    found = []
    if running is False:
        why = "The daemon is not running: this is how things stood when it last did"
        found.append(Finding("DAEMON_DOWN", why, "start it: postpost-sync run"))
    for status in statuses:
        if status.state is not RootState.OK:
            where = printable(status.path)
            said = status.error or Finding("ROOT_AWAY", "it is not there")
            found.append(Finding(said.code, f"{where} is {status.state}: {said.message}", said.hint))
    return found
