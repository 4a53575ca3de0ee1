"""What goes over the wire: a request, a response, and the service's form of a time. No state and no sockets."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from email.utils import format_datetime
from urllib.parse import parse_qsl

_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,6})?)?(Z|[+-]\d\d:\d\d)")
_DAY = re.compile(r"\d{4}-\d\d-\d\d")


class Reset(Exception):
    """The connection ends without an answer; `sending` says that the body was still on its way."""

    def __init__(self, *, sending: bool) -> None:
        super().__init__("connection reset")
        self.sending = sending


class Hang(Exception):
    """Nothing is answered for `seconds`, then the connection ends."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"no answer for {seconds} s")
        self.seconds = seconds


@dataclass(frozen=True)
class Request:
    """One request. `path` and `query` are as they came (percent-encoded); the body can be iterated once."""

    method: str
    path: str
    query: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Iterable[bytes] = ()

    def header(self, name: str) -> str | None:
        """The header's value whatever the case of its name, stripped; None where it is absent."""
        wanted = name.lower()
        return next((value.strip() for key, value in self.headers.items() if key.lower() == wanted), None)

    def parameters(self) -> dict[str, str]:
        """The query's parameters, decoded."""
        return dict(parse_qsl(self.query, keep_blank_values=True))


@dataclass(frozen=True)
class Response:
    """One answer. `delay` (s) is waited before it is sent; `close` ends the connection after it, body read or not."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    delay: float = 0.0
    close: bool = False

    def with_headers(self, **headers: str) -> Response:
        """A copy with further headers; `_` in a name stands for `-`. What is there already stays."""
        added = {name.replace("_", "-"): value for name, value in headers.items()}
        return replace(self, headers={**added, **self.headers})


class Refused(Exception):
    """An answer other than success; it ends the handler before it has changed anything."""

    def __init__(self, status: int, error: str, **fields: object) -> None:
        super().__init__(error)
        self.response = json_response(status, {"error": error, **fields})


def json_response(status: int, value: object) -> Response:
    """A JSON answer."""
    body = json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode(errors="replace")
    return Response(status, {"Content-Type": "application/json; charset=utf-8"}, body)


def format_time(moment: datetime) -> str:
    """The service's form: `2026-03-15T10:00:00.000Z`."""
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"


def parse_time(text: object) -> datetime | None:
    """A time with its zone, to the millisecond; None where it is not one."""
    if not isinstance(text, str) or not _TIME.fullmatch(text):
        return None
    try:
        moment = datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


def parse_day_or_time(text: str) -> datetime | None:
    """As parse_time, with a bare day standing for its first moment in UTC."""
    return parse_time(f"{text}T00:00:00Z" if _DAY.fullmatch(text) else text)


def http_date(moment: datetime) -> str:
    """The form of the `Date` header."""
    return format_datetime(moment.astimezone(UTC), usegmt=True)


def read_all(body: Iterable[bytes], limit: int = 10 * 1024 * 1024) -> bytes:
    """A whole API body; those are small, so more than `limit` bytes is 413."""
    parts = bytearray()
    for block in body:
        parts += block
        if len(parts) > limit:
            raise Refused(413, "request entity too large")
    return bytes(parts)


def first_block(body: Iterable[bytes]) -> Iterator[bytes]:
    """At most one block of the body, the rest left where it is."""
    for block in body:
        yield block
        return


def slowed(body: Iterable[bytes], rate: float) -> Iterator[bytes]:
    """The body at `rate` bytes per second."""
    for block in body:
        time.sleep(len(block) / rate)
        yield block
