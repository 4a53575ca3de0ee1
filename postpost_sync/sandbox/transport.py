"""An httpx transport that hands each request to a sandbox in the same process: no sockets, no waiting."""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

import h11  # comes with httpx, and what it raises reaches the caller unchanged
import httpx

from .service import Sandbox
from .wire import Hang, Request, Reset

_BLOCK = 256 * 1024


class SandboxTransport(httpx.BaseTransport):
    """What httpx would meet on the network. A hang is a time-out at once; so is a late answer, where it comes later
    than the client would wait, and otherwise it comes at once."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Answer one request of the client."""
        path, _, query = request.url.raw_path.decode("ascii").partition("?")
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in request.headers.raw}
        body = _body(request)
        try:
            response = self._sandbox.handle(Request(request.method, path, query, headers, body))
        except Reset as reset:
            if reset.sending:
                raise httpx.WriteError("[Errno 104] Connection reset by peer", request=request) from None
            raise httpx.ReadError("[Errno 104] Connection reset by peer", request=request) from None
        except Hang:
            raise httpx.ReadTimeout("timed out", request=request) from None
        if response.delay > _patience(request):
            raise httpx.ReadTimeout("timed out", request=request)
        content = b"" if request.method == "HEAD" else response.body
        headers = {**response.headers, "Content-Length": str(len(content))}
        return httpx.Response(response.status, headers=headers, stream=_Answer(content), request=request)


class _Answer(httpx.SyncByteStream):
    """The answer's bytes, which wait to be read as those on a connection do."""

    def __init__(self, content: bytes) -> None:
        self._content = content

    def __iter__(self) -> Iterator[bytes]:
        yield self._content


def _body(request: httpx.Request) -> Iterator[bytes]:
    """The body in blocks, held to its announced length as the real connection holds it."""
    announced = request.headers.get("Content-Length")
    left = int(announced) if announced is not None else None
    for whole in cast(httpx.SyncByteStream, request.stream):
        for start in range(0, len(whole), _BLOCK):
            block = whole[start : start + _BLOCK]
            if left is not None:
                left -= len(block)
                if left < 0:
                    raise h11.LocalProtocolError("Too much data for declared Content-Length")
            yield block
    if left:
        raise h11.LocalProtocolError("Too little data for declared Content-Length")


def _patience(request: httpx.Request) -> float:
    """The client's read time-out in seconds; infinite where it has none."""
    timeout = request.extensions.get("timeout", {}).get("read")
    return float("inf") if timeout is None else float(timeout)
