"""Faults on order: which call goes wrong, how, and how many times. Matching only; the service carries them out."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from .wire import Response


class FaultKind(StrEnum):
    """What goes wrong. "Effect" is whether the service has done what it was asked."""

    RESET_BEFORE = "reset_before"  # the connection is reset before the body is read; no effect
    RESET_DURING = "reset_during"  # the connection is reset while the body arrives; no effect
    LOST_REPLY = "lost_reply"  # effect, then the connection is reset
    STATUS = "status"  # the given status, headers and body; no effect
    STATUS_AFTER = "status_after"  # effect, then the given status
    GARBAGE = "garbage"  # effect, then 200 with something that is not JSON; a refusal is answered as it is
    EMPTY = "empty"  # effect, then 200 without a body; likewise
    UNSUCCESSFUL = "unsuccessful"  # 200 {"success": false}; no effect
    REDIRECT = "redirect"  # 302 to `location`; no effect
    HANG = "hang"  # nothing for `seconds`, then a reset; no effect
    LATE = "late"  # effect at once, the answer after `seconds`
    EXPIRE_URL = "expire_url"  # the store's answer to an expired URL, before the body is read
    EARLY_403 = "early_403"  # the same, and the connection is closed on the unread body


@dataclass(frozen=True)
class Fault:
    """One scripted fault for the calls named `call` ("*" is any; the names are those of `Sandbox.calls`)."""

    call: str
    kind: FaultKind | str
    times: int | None = 1
    """How many calls it befalls; None is every one from then on."""
    after: int = 0
    """How many matching calls it lets pass first; calls that another fault befell count."""
    status: int = 503
    body: object = None
    """For `status` and `status_after`: None is no body, str is HTML, bytes go as they are, the rest as JSON."""
    headers: Mapping[str, str] = field(default_factory=dict)
    seconds: float = 1.0
    location: str = "http://127.0.0.1:1/elsewhere"

    def __post_init__(self) -> None:
        object.__setattr__(self, "kind", FaultKind(self.kind))

    def answer(self) -> Response:
        """The answer of `status` and `status_after`."""
        if self.body is None:
            return Response(self.status, dict(self.headers))
        if isinstance(self.body, bytes):
            kind, body = "application/octet-stream", self.body
        elif isinstance(self.body, str):
            kind, body = "text/html; charset=utf-8", self.body.encode()
        else:
            kind, body = "application/json; charset=utf-8", json.dumps(self.body).encode()
        return Response(self.status, {"Content-Type": kind, **self.headers}, body)


@dataclass
class _Entry:
    fault: Fault
    seen: int = 0
    used: int = 0

    @property
    def spent(self) -> bool:
        return self.fault.times is not None and self.used >= self.fault.times


class Faults:
    """The faults on order. The first one that fits befalls a call; the others wait for the next. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._entries: list[_Entry] = []

    def add(self, *faults: Fault) -> None:
        """Order faults, behind those that wait already."""
        with self._lock:
            self._entries += [_Entry(fault) for fault in faults]

    def clear(self) -> None:
        """Forget every fault."""
        with self._lock:
            self._entries.clear()

    def pending(self) -> tuple[Fault, ...]:
        """The faults that can still strike: a test may check that none is left."""
        with self._lock:
            return tuple(entry.fault for entry in self._entries if not entry.spent)

    def take(self, call: str) -> Fault | None:
        """The fault that befalls this call, if any."""
        with self._lock:
            struck: Fault | None = None
            for entry in self._entries:
                if entry.fault.call not in ("*", call):
                    continue
                ready = entry.seen >= entry.fault.after
                entry.seen += 1
                if struck is None and ready and not entry.spent:
                    entry.used += 1
                    struck = entry.fault
            return struck
