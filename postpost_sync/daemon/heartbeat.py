"""What is noticed and said at each heartbeat: how far the clocks went apart, and how things stand, for the service manager."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Sequence

from postpost_sync.daemon.systemd import ServiceManager
from postpost_sync.model.program import RootState, RootStatus
from postpost_sync.model.states import NEEDS_PERSON, State

STATUS_EVERY = 5.0  # seconds between two words to the service manager


class Progress:
    """What the service manager is told: that the start is over, that work goes on, how things stand."""

    def __init__(self, manager: ServiceManager) -> None:
        self._manager = manager
        self.ready = False
        self._said, self._say_at = "", 0.0
        self._finished = -1

    def started(self) -> None:
        """Each root has been compared once, or found to be away."""
        if not self.ready:
            self.ready = True
            self._manager.ready()

    def at_work(self, finished: int, busy: bool, *, sound: bool) -> None:
        """`finished` grows as folders are taken forward. Where it stands still although there is work, nothing is said."""
        if sound and (finished != self._finished or not busy):
            self._manager.watchdog()
        self._finished = finished

    def say(self, summary: Callable[[], str]) -> None:
        """Now and then, and where it is another text than before."""
        if self._manager.listens and time.monotonic() >= self._say_at:
            self._say_at = time.monotonic() + STATUS_EVERY
            text = summary() if self.ready else "looking through the watch folders"
            if text != self._said:
                self._said = text
                self._manager.status(text)


def sentence(states: Counter[State], roots: Sequence[RootStatus], troubles: Sequence[str]) -> str:
    """How things stand, in one line. `troubles`: of those who tell people."""
    parts = [f"{states[state]} {state.value}" for state in State if states[state] and state not in NEEDS_PERSON]
    if person := sum(states[state] for state in NEEDS_PERSON):
        parts.append(f"{person} need a person" if person > 1 else "1 needs a person")
    away = [f"{root.path} is away" for root in roots if root.state is RootState.AWAY]
    total = states.total()
    posts = f"{total} post{'s' * (total != 1)}" + (f": {', '.join(parts)}" if parts else "")
    return "; ".join([posts, *away, *troubles])


def clocks_ahead() -> tuple[float, float]:
    """How far the wall clock, and the one that counts the time asleep, are ahead of the one that stands still then."""
    now = time.monotonic()
    return time.time() - now, time.clock_gettime(time.CLOCK_BOOTTIME) - now
