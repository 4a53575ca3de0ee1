"""Counts what goes over the network: calls by what came of them, and the bytes of media that the object store took."""

from __future__ import annotations

import threading
from collections import Counter

import httpx

from postpost_sync.service.connections import new_transport

CALLS = frozenset(
    """create-post get-upload-url update-post get-post list-posts delete-post platform-connections test-connection post-logs
    platform-limits""".split()
)


class Tally:
    """Since it was made. Safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._calls: Counter[str] = Counter()
        self._sent = 0

    def over(self, transport: httpx.BaseTransport | None) -> httpx.BaseTransport:
        """The transport, its calls counted; None: the network."""
        return _Counted(transport or new_transport(), self)

    def counts(self) -> tuple[dict[str, int], int]:
        """`create-post ok` -> how many; and the bytes of media."""
        with self._lock:
            return dict(self._calls), self._sent

    def add(self, call: str, outcome: str, sent: int = 0) -> None:
        with self._lock:
            self._calls[f"{call} {outcome}"] += 1
            self._sent += sent


class _Counted(httpx.BaseTransport):
    def __init__(self, inner: httpx.BaseTransport, tally: Tally) -> None:
        self._inner, self._tally = inner, tally

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        call = _call(request)
        try:
            response = self._inner.handle_request(request)
        except Exception:
            self._tally.add(call, "no_answer")
            raise
        stored = call == "put-object" and response.is_success
        size = request.headers.get("Content-Length", "")
        self._tally.add(call, _outcome(response.status_code), int(size) if stored and size.isdecimal() else 0)
        return response

    def close(self) -> None:
        self._inner.close()


def _call(request: httpx.Request) -> str:
    """Its name; nothing else of an address comes out, which may be signed."""
    named = next((part for part in reversed(request.url.path.split("/")) if part in CALLS), None)
    return named or ("put-object" if request.method == "PUT" else "other")


def _outcome(status: int) -> str:
    return "ok" if status < 300 else "failed" if status >= 500 else "refused"
