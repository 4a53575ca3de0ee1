"""The process's one HTTP client: no redirects, proxies or cookies, connections reused, and a last moment for each answer.

httpx knows a time-out for each single read alone: an answer whose headers come a byte at a time never ends. So every read
and write of a connection also asks how much is left of what its caller has set `within`.
"""

from __future__ import annotations

import contextlib
import ssl
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Any

import httpcore
import httpx

from postpost_sync import __version__
from postpost_sync.model import urls

_NAME = f"postpost-sync/{__version__}"
_LIMITS = httpx.Limits(max_connections=64, max_keepalive_connections=32)
_moment = threading.local()  # httpx's client works in the thread that calls it


def new_client(transport: httpx.BaseTransport | None = None) -> httpx.Client:
    """`transport`: another one than the network's."""
    none = CookieJar(DefaultCookiePolicy(allowed_domains=[]))  # an answer may set what a server then refuses
    return httpx.Client(transport=transport or new_transport(), trust_env=False, cookies=none)


def new_transport() -> httpx.BaseTransport:
    """The network."""
    return _Network()


@contextlib.contextmanager
def answer_to(
    client: httpx.Client, method: str, url: str, headers: Mapping[str, str], timeout: httpx.Timeout, **more: Any
) -> Iterator[httpx.Response]:
    """The answer to one request, of which the body is still to be read. `more`: as `httpx.Request` takes it.

    The request is made here, and not by the client: all that it holds stands in the call, so nothing is to be merged.
    Nothing is left of it: an answer of httpx's holds its stream, and that the answer, so that all that a call is made of
    would wait for the collector, which comes once there are thousands, and leaves the heap in pieces.
    """
    extensions = {"timeout": timeout.as_dict(), **more.pop("extensions", {})}
    try:
        request = httpx.Request(method, url, headers={"User-Agent": _NAME, **headers}, extensions=extensions, **more)
        response = client.send(request, stream=True, follow_redirects=False)
    except (UnicodeError, httpx.InvalidURL):  # of `a..b`, `xn--`, a label of 64 characters: nobody can be asked for it
        raise httpx.ConnectError("its address holds a name that no machine can have") from None
    try:
        yield response
    finally:
        response.close()
        response.stream = httpx.ByteStream(b"")


def in_words(error: httpx.HTTPError) -> str:
    """What came in the way of an answer, for people."""
    if isinstance(error, httpx.TimeoutException):
        return "it took too long"
    if isinstance(error, httpx.ReadError) and not str(error):
        return "it ended too early"
    return urls.in_words(error)


def way_out(error: httpx.HTTPError) -> str:
    """What people can do where no connection came about."""
    if "CERTIFICATE_VERIFY_FAILED" in str(error):
        return (
            "check this machine's clock, its CA certificates (the package ca-certificates; SSL_CERT_FILE names others)"
            " and whether a proxy or a sign-in page answers there; it is tried again by itself"
        )
    return "check the network; it is tried again by itself"


@contextlib.contextmanager
def within(seconds: float) -> Iterator[None]:
    """What this thread sends and receives meanwhile has to be through by then, or it is a time-out."""
    before, _moment.last = getattr(_moment, "last", None), time.monotonic() + seconds
    try:
        yield
    finally:
        _moment.last = before


def prolong(seconds: float) -> None:
    """The last moment is so far off from now on: a body that is on its way has taken the time that it needed."""
    if getattr(_moment, "last", None) is not None:
        _moment.last = time.monotonic() + seconds


def _left(timeout: float | None) -> float | None:
    """The shorter of a time-out and what is left; 0 or less: it is over."""
    last = getattr(_moment, "last", None)
    if last is None:
        return timeout
    left: float = last - time.monotonic()
    return left if timeout is None else min(timeout, left)


@cache
def _context() -> ssl.SSLContext:
    """Not ssl.create_default_context(), which writes every key where SSLKEYLOGFILE says, or fails there."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_default_certs()
    return context


class _Network(httpx.HTTPTransport):
    def __init__(self) -> None:
        context = _context()
        super().__init__(verify=context, limits=_LIMITS, trust_env=False)
        self._pool = httpcore.ConnectionPool(  # httpx has no other way to name a backend
            ssl_context=context,
            max_connections=_LIMITS.max_connections,
            max_keepalive_connections=_LIMITS.max_keepalive_connections,
            keepalive_expiry=_LIMITS.keepalive_expiry,
            network_backend=_Backend(),
        )


class _Backend(httpcore.NetworkBackend):
    def __init__(self) -> None:
        self._real = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        if (left := _left(timeout)) is not None and left <= 0:
            raise httpcore.ConnectTimeout("no time is left")
        return _Stream(self._real.connect_tcp(host, port, left, local_address, socket_options))


class _Stream(httpcore.NetworkStream):
    def __init__(self, real: httpcore.NetworkStream) -> None:
        self._real = real

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        if (left := _left(timeout)) is not None and left <= 0:
            raise httpcore.ReadTimeout("no time is left")
        return self._real.read(max_bytes, left)

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        if (left := _left(timeout)) is not None and left <= 0:
            raise httpcore.WriteTimeout("no time is left")
        self._real.write(buffer, left)

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        if (left := _left(timeout)) is not None and left <= 0:
            raise httpcore.ConnectTimeout("no time is left")
        return _Stream(self._real.start_tls(ssl_context, server_hostname, left))

    def close(self) -> None:
        self._real.close()

    def get_extra_info(self, info: str) -> Any:
        return self._real.get_extra_info(info)
