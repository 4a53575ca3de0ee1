"""In which order folders are taken forward: by the times of their posts; and nobody waits for these while nothing is sent."""

from __future__ import annotations

from postpost_sync.model.record import Record
from postpost_sync.model.states import UNFINISHED
from postpost_sync.sync.transfers import Slots

_FIRST, _UNREAD = -1.0, 0.0


class Order:
    """Used by several threads at once, for different folders."""

    def __init__(self, slots: Slots) -> None:
        self._slots = slots
        self._times: dict[int, float] = {}  # key -> the time its post asks for, seconds since 1970, once that is known
        self._to_send: set[int] = set()  # keys of the posts whose media are still to be sent

    def place(self, record: Record) -> bool:
        """It takes its place by what is known of it now; whether it had none."""
        key, unknown = record.key, record.key not in self._times
        self._times[key] = record.time.timestamp() if record.time is not None else _UNREAD
        if record.media and record.state in UNFINISHED:
            self._to_send.add(key)
        else:
            self._to_send.discard(key)
        return unknown

    def leave(self, key: int) -> None:
        """It is no more, or its time is to be learnt anew."""
        self._times.pop(key, None)
        self._to_send.discard(key)

    def time(self, key: int) -> float:
        return self._times.get(key, _UNREAD)

    def feeds_uplink(self, key: int) -> bool:
        """Whether it has something to send, and less is there than could be sent."""
        return key in self._to_send and self._slots.idle()

    def urgency(self, key: int) -> float:
        """The smaller, the sooner. One that was not read yet comes before the others, to learn its time."""
        return _FIRST if self._slots.has_called(key) or self.feeds_uplink(key) else self.time(key)
