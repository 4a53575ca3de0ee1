"""Idempotency keys: what was answered to which key, for 24 hours."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from .wire import Refused, Response

LIFETIME = timedelta(hours=24)


@dataclass
class _Entry:
    fingerprint: str
    response: Response
    time: datetime
    busy_until: datetime | None = None


class IdempotencyKeys:
    """The answers kept. Only successes are: after a refusal the same key may be tried again."""

    def __init__(self) -> None:
        self._entries: dict[tuple[str, str, str], _Entry] = {}

    def run(self, place: tuple[str, str, str], body: bytes, now: datetime, handler: Callable[[], Response]) -> Response:
        """Answer as before, refuse, or run the handler. `place` is owner, call and key."""
        fingerprint = hashlib.sha256(body).hexdigest()
        entry = self._entries.get(place)
        if entry is not None and now - entry.time < LIFETIME:
            if entry.fingerprint != fingerprint:
                raise Refused(
                    422,
                    "Idempotency-Key was already used with a different request",
                    code="IDEMPOTENCY_KEY_CONFLICT",
                )
            if entry.busy_until is not None and now < entry.busy_until:
                raise Refused(409, "A request with this Idempotency-Key is in progress", code="IDEMPOTENCY_IN_FLIGHT")
            return entry.response
        response = handler()
        self._entries[place] = _Entry(fingerprint, response, now)
        return response

    def hold(self, place: tuple[str, str, str], until: datetime) -> None:
        """The answer to this key is still on its way until then."""
        if place in self._entries:
            self._entries[place].busy_until = until
