"""What is in view: reads the posts of the weeks that are shown from the database, and says what is odd about the program."""

from __future__ import annotations

import os
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from heapq import nsmallest
from itertools import chain

from postpost_sync.calendar.entries import Entry, entry, in_zone, oddities
from postpost_sync.calendar.weeks import MOST_A_DAY, MOST_LISTED, Calendar, Slot, Unread, calendar, span
from postpost_sync.model import slots
from postpost_sync.model.errors import Finding, printable
from postpost_sync.model.program import RootState, RootStatus
from postpost_sync.plan.slots import AHEAD
from postpost_sync.store import Store
from postpost_sync.store.health import undelivered, warnings
from postpost_sync.store.overview import Placed

MOST_IN_FEED = 2000  # posts; some 2 s of work
_A_DAY = timedelta(days=1)  # zones differ by no more


@dataclass(frozen=True, slots=True)
class WatchRoot:
    """A watch root, as far as it is looked at."""

    path: str
    zone: str
    slots: tuple[slots.Slot, ...] = ()  # of its queue


def title(roots: Sequence[WatchRoot]) -> str:
    """What a calendar of these roots is called."""
    return printable(os.path.basename(roots[0].path) or roots[0].path) if len(roots) == 1 else "Posts"


def seen(
    store: Store,
    roots: Sequence[WatchRoot],
    now: datetime,
    *,
    running: bool | None = None,
    first: date | None = None,
    below: Callable[[str, str], bool] = lambda _root, _path: True,
) -> Calendar:
    """The calendar of these roots. `first`: as `calendar` has it.

    `running`: whether the daemon is, for who looks now. None: it is written by the daemon itself and looked at later, and
    says nothing of how that is.

    `below`: which of the posts are meant, by root and path. Where thousands are in view, only those are read that have a
    place in it.
    """
    zone = roots[0].zone if roots else "UTC"
    begin, end = (datetime.combine(day, time(), UTC) for day in span(now, zone, first))
    paths = {root.path: root for root in roots}
    keys, unread = _chosen(store, paths, begin - _A_DAY, end + _A_DAY, below, later=first is None)
    statuses = [status for status in store.roots() if status.path in paths]
    odd = [one for status in statuses for one in oddities(status, paths[status.path].zone, now)]
    found = chain(map(entry, store.overview.records(keys)), (one for one in odd if below(one.root, one.path)))
    notices = [*_of_program(statuses, running), *(undelivered(store) if running is None else warnings(store))]
    free = [slot for root in roots for slot in _free(store, root, now, end + _A_DAY)]
    shown = (below_roots(one, roots) for one in found)
    return calendar(title(roots), shown, now, zone, slots=free, notices=notices, first=first, unread=unread)


def dated(
    store: Store,
    roots: Sequence[WatchRoot],
    now: datetime,
    below: Callable[[str, str], bool] = lambda _root, _path: True,
) -> Iterator[Entry]:
    """The posts that have a time, of the weeks that are shown, of later ones, and of those that stand still: for a feed.

    Of more than MOST_IN_FEED those that are nearest to now.
    """
    begin, end = (datetime.combine(day, time(), UTC) for day in span(now, roots[0].zone if roots else "UTC"))
    paths, overview = [root.path for root in roots], store.overview
    later, _ = overview.later(paths, end + _A_DAY, MOST_IN_FEED)
    found = {*overview.open(paths), *overview.dated(paths, begin - _A_DAY, end + _A_DAY), *later}
    with_time = ((one.at, one.key) for one in found if one.at is not None and below(one.root, one.path))
    nearest = nsmallest(MOST_IN_FEED, with_time, key=lambda both: abs(both[0] - now))
    return (below_roots(entry(one), roots) for one in overview.records([key for _, key in sorted(nearest)]))


def below_roots(one: Entry, roots: Sequence[WatchRoot]) -> Entry:
    """Of several roots each folder says in which one it lies. What was not read yet is in its root's zone."""
    if not one.platforms:
        one = replace(one, zone=next((root.zone for root in roots if root.path == one.root), one.zone))
    return one if len(roots) < 2 else replace(one, folder=f"{printable(os.path.basename(one.root))}/{one.folder}")


def _chosen(
    store: Store,
    roots: Collection[str],
    begin: datetime,
    end: datetime,
    below: Callable[[str, str], bool],
    *,
    later: bool,
) -> tuple[list[int], Unread]:
    """The keys of the posts that are shown, and how many there are beyond."""
    chosen = {one.key for one in store.overview.open(roots) if below(one.root, one.path)}
    days: dict[date, list[Placed]] = defaultdict(list)
    for one in sorted(store.overview.dated(roots, begin, end), key=lambda one: (one.at or begin, one.path)):
        if below(one.root, one.path):
            days[in_zone(one.at or begin, one.zone).date()].append(one)
    chosen |= {one.key for those in days.values() for one in those[:MOST_A_DAY]}
    beyond = [one for those in days.values() for one in those[MOST_A_DAY:] if one.key not in chosen]
    stuck = [one for one in beyond if one.error]
    chosen |= {one.key for one in stuck[:MOST_LISTED]}
    crowd = Counter(in_zone(one.at or begin, one.zone).date() for one in beyond if one.key not in chosen)
    read, every = store.overview.later(roots, end, MOST_IN_FEED) if later else ([], 0)
    after = sorted((one for one in read if below(one.root, one.path)), key=lambda one: (one.at or end, one.path))
    chosen |= {one.key for one in after[:MOST_LISTED]}
    beyond_last = max(0, len(after) - MOST_LISTED) + every - len(read)
    return sorted(chosen), Unread(crowd, max(0, len(stuck) - MOST_LISTED), beyond_last)


def _free(store: Store, root: WatchRoot, now: datetime, until: datetime) -> Iterator[Slot]:
    """The slots of its queue that a post could still take."""
    taken = store.taken_slots(root.path) if root.slots else ()
    for at in slots.free(root.slots, root.zone, taken, now + AHEAD, until):
        yield Slot(at, root.zone)


def _of_program(statuses: Sequence[RootStatus], running: bool | None) -> list[Finding]:
    found = []
    if running is False:
        why = "the daemon is not running: this is how things stood when it last did"
        found.append(Finding("DAEMON_DOWN", why, "start it: postpost-sync run"))
    for status in statuses:
        where = printable(status.path)
        if status.state is RootState.AWAY:  # its error names the root
            found.append(status.error or Finding("ROOT_AWAY", f"{where} is away", "mount it"))
        elif (said := status.error) is not None:
            found.append(replace(said, message=f"{where}: {said.message}"))
    return found
