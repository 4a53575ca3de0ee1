"""Whether everything has been taken as far as it goes, so that nothing more comes of waiting: what `run --once` asks."""

from __future__ import annotations

from postpost_sync.daemon.roots import Roots
from postpost_sync.daemon.timers import Timers
from postpost_sync.daemon.workers import Workers
from postpost_sync.model.record import Effect, Record, TroubleKind
from postpost_sync.model.states import State
from postpost_sync.store import Store
from postpost_sync.sync.folders import Folders

_AT_REST = frozenset({State.INVALID, State.FAILED, State.HELD, State.CANCELLED})


class Settling:
    """Asks all of those that may have something to do still; changes nothing."""

    def __init__(self, store: Store, folders: Folders, roots: Roots, workers: Workers, timers: Timers) -> None:
        self._store, self._folders = store, folders
        self._roots, self._workers, self._timers = roots, workers, timers

    def is_over(self, deadline: float) -> bool:
        """Whether nothing more comes of waiting until then. `deadline`: of the monotonic clock."""
        if not self._idle() or self._folders.sending():
            return False
        # a folder that is waked and taken forward between this look at the timers and the end would be missed
        taken, due = self._workers.finished, self._timers.due()
        for record in self._store.unfinished(self._folders.in_memory()):
            ended = record.done or (record.state in _AT_REST and not _waits_for_room(record))
            if ended and self._folders.as_recorded(record):
                continue  # its next wake, if any, is about what becomes of it
            if due.get(record.key, deadline) < deadline:
                return False
        return self._idle() and self._workers.finished == taken

    def _idle(self) -> bool:
        return self._roots.idle() and self._workers.idle()


def _waits_for_room(record: Record) -> bool:
    """Whether what is wrong with it may be over soon: there was no room for a fitted copy."""
    return any(one.step is Effect.FIT and one.kind is TroubleKind.RETRY for one in record.troubles)
