"""A service that answers just so, over a connection: the bytes of an answer are read by whoever asked, none before."""

from __future__ import annotations

from collections.abc import Iterator

import httpx


class Bytes(httpx.SyncByteStream):
    def __init__(self, data: bytes) -> None:
        self._data = data

    def __iter__(self) -> Iterator[bytes]:
        yield self._data


class Answers(httpx.MockTransport):
    """As httpx's own, which reads an answer that is given whole at once, and unpacks it."""

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        made = super().handle_request(request)
        if not made.is_stream_consumed:
            return made
        return httpx.Response(made.status_code, headers=made.headers, stream=Bytes(made.content))
