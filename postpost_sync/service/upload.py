"""Sends one file to its presigned URL: streamed from a descriptor, hashed on the way, confirmed by the store's answer.

Another thread can end it at any moment, also where it waits for a store that is slow or dead: by shutting its socket.
"""

from __future__ import annotations

import contextlib
import os
import re
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx

from postpost_sync.model.errors import Altered, FileChanged, Finding, NotReached, Refused, Unclear, UploadRefused
from postpost_sync.model.urls import is_secure
from postpost_sync.service.connections import answer_to, in_words, prolong, way_out, within
from postpost_sync.service.digests import BLOCK, Digests

# a store needs its time to finish a large object; what is not connected yet cannot be ended from outside
TIMEOUT = httpx.Timeout(connect=5.0, write=60.0, read=120.0, pool=60.0)
SLOWEST = 4096  # bytes per second; a store that takes less holds up the others
ANSWER_WITHIN = 180.0  # seconds after the last byte
DEFAULT_LIFE = 3600.0  # seconds a URL lives where it does not say so itself
_MD5 = re.compile(r'"?([0-9a-f]{32})"?')
# what no store says to a PUT that it took
_NO_STORE = re.compile(rb'\s*(<!doctype|<html|\{\s*"(success"\s*:\s*false|errors?"\s*:\s*["\[{]))', re.IGNORECASE)
_AMZ_ERROR = re.compile(rb"<Code>([A-Za-z]{1,64})</Code>")


@dataclass(frozen=True, slots=True)
class Sent:
    sha256: str
    size: int


class Aborted(Exception):
    """The transfer was ended from our side: its bytes are no longer wanted, or the program stops."""


class Stop:
    """Ends one transfer from another thread. Between two blocks, or at once where it waits at its socket."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._set = False
        self._socket: socket.socket | None = None

    def is_set(self) -> bool:
        return self._set

    def set(self) -> None:
        with self._lock:
            self._set = True
            self._shut()

    def at(self, place: socket.socket | None) -> None:
        """The transfer uses that socket from now on; None: none."""
        with self._lock:
            self._socket = place
            if self._set:
                self._shut()

    def _shut(self) -> None:
        if self._socket is not None:
            with contextlib.suppress(OSError):  # it is closed already
                # TCP's own end, not TLS's: that would wait for the other side, and for the thread that reads
                socket.socket.shutdown(self._socket, socket.SHUT_RDWR)


def expiry(url: str, signed_at: datetime) -> datetime:
    """When a presigned URL dies: by its own X-Amz-Date and X-Amz-Expires, else an hour after it was signed."""
    query = parse_qs(urlsplit(url).query)
    try:
        start = datetime.strptime(query["X-Amz-Date"][0], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
        return start + timedelta(seconds=min(float(query["X-Amz-Expires"][0]), 7 * 86400.0))
    except (KeyError, ValueError, OverflowError):
        return signed_at + timedelta(seconds=DEFAULT_LIFE)


class _Body:
    """The file's bytes from its descriptor, in blocks; can be read again from the start."""

    def __init__(self, fd: int, size: int, progress: Callable[[int], None], stop: Stop) -> None:
        self._fd, self._size, self._progress, self._stop = fd, size, progress, stop
        self.digests = Digests(0)

    def __iter__(self) -> Iterator[bytes]:
        self.close()
        self.digests, offset = Digests(self._size), 0
        while offset < self._size:
            if self._stop.is_set():
                raise Aborted
            block = os.pread(self._fd, min(BLOCK, self._size - offset), offset)
            if not block:
                raise FileChanged(
                    Finding(
                        "MEDIA_CHANGED", "the file became shorter while it was sent", "leave it as it is until it is up"
                    )
                )
            self.digests.add(block)
            offset += len(block)
            self._progress(offset)
            yield block
        prolong(ANSWER_WITHIN)

    def close(self) -> None:
        """Nothing more is read; the digests of what was are complete."""
        self.digests.close()


class Sender:
    """One HTTP client for one transfer at a time: its connection is that transfer's alone, so that it can be cut."""

    def __init__(self, client: httpx.Client) -> None:
        self._client = client
        self._socket: socket.socket | None = None  # of the connection, which is used again while it is kept alive

    def close(self) -> None:
        self._client.close()

    def put(self, url: str, fd: int, size: int, content_type: str, progress: Callable[[int], None], stop: Stop) -> Sent:
        """PUT the `size` bytes of `fd`. UploadRefused: presign again. Unclear: the same URL may be tried again.

        Aborted where it was stopped. OSError where the file cannot be read.
        """
        if not is_secure(url):
            why = "PostPost gave an upload URL that is not https; nothing is sent there"
            hint = "check api.base_url, and any proxy on the way to it; it is tried again by itself"
            raise NotReached(Finding("UPLOAD_URL_NOT_SECURE", why, hint))  # no post is wrong for that
        body = _Body(fd, size, progress, stop)
        headers = {"Content-Type": content_type, "Content-Length": str(size), "Accept-Encoding": "identity"}
        noted = {"trace": lambda event, info: self._note(event, info, stop)}
        stop.at(self._socket)
        try:
            with (
                within(600 + size / SLOWEST),
                answer_to(self._client, "PUT", url, headers, TIMEOUT, content=body, extensions=noted) as response,
            ):
                said = _beginning(response)
        except httpx.HTTPError as error:
            if stop.is_set():
                raise Aborted from None
            raise _broken(error) from None
        finally:
            stop.at(None)
            body.close()
        return _judged(response, said, body, size)

    def _note(self, event: str, info: Mapping[str, Any], stop: Stop) -> None:
        """Called by httpcore at each thing that it does. A new connection's socket is noted; TLS puts another in its place."""
        if event in ("connection.connect_tcp.complete", "connection.start_tls.complete"):
            self._socket = info["return_value"].get_extra_info("socket")
            stop.at(self._socket)


class Senders:
    """As many as there are transfers at once; their connections are used again. Safe to use from several threads."""

    def __init__(self, client: Callable[[], httpx.Client]) -> None:
        """`client` makes a new one."""
        self._client = client
        self._lock = threading.Lock()
        self._idle: list[Sender] = []

    @contextlib.contextmanager
    def one(self) -> Iterator[Sender]:
        """One that nobody else uses."""
        with self._lock:
            sender = self._idle.pop() if self._idle else Sender(self._client())
        try:
            yield sender
        finally:
            with self._lock:
                self._idle.append(sender)

    def close(self) -> None:
        """When no transfer is under way any more."""
        with self._lock:
            for sender in self._idle:
                sender.close()
            self._idle.clear()


def _beginning(response: httpx.Response) -> bytes:
    """As much of the answer as its error code can stand in; a store that talks on is not listened to."""
    said = b""
    for chunk in response.iter_raw():
        said += chunk
        if len(said) >= 8192:
            break
    return said[:8192]


def _judged(response: httpx.Response, said: bytes, body: _Body, size: int) -> Sent:
    status, found = response.status_code, _AMZ_ERROR.search(said)
    answer = f"{status} {found[1].decode('ascii')}" if found else str(status)
    if status == 403:
        refused = f"the object store refused the upload URL ({answer})"
        hint = "a fresh upload URL is requested by itself, and the Content-Type header matches it exactly"
        raise UploadRefused(Finding("UPLOAD_URL_EXPIRED", refused, hint))
    if (
        status >= 500
        or status < 200
        or 300 <= status < 400
        or status in (408, 425, 429)
        or answer.endswith("RequestTimeout")
    ):
        raise _trouble(answer)
    if not response.is_success and found is None and status != 413:  # a gateway's no is not about the file
        raise _trouble(f"{answer}, which are not an object store's words")
    if not response.is_success:
        refused = f"the object store refused the file ({answer})"
        raise Refused(Finding("UPLOAD_REFUSED", refused, "postpost-sync retry FOLDER tries again"), status)
    if _NO_STORE.match(said):  # whatever its ETag: web servers have theirs
        raise _trouble("something that is not the object store answered")
    etag = _MD5.fullmatch(response.headers.get("ETag", ""))
    kms = response.headers.get("x-amz-server-side-encryption", "").startswith("aws:kms")  # then it is no MD5
    if etag is not None and not kms and etag[1] != body.digests.md5:
        why = "the object store says that what it holds is not what was sent"
        raise Altered(
            Finding("UPLOAD_ALTERED", why, "it is sent again by itself; if that lasts, ask PostPost's support")
        )
    return Sent(body.digests.sha256, size)


def _broken(error: httpx.HTTPError) -> Unclear:
    """What it means that httpx met that error."""
    words = in_words(error)
    if isinstance(error, httpx.ConnectError | httpx.ConnectTimeout | httpx.PoolTimeout):
        return NotReached(Finding("STORE_UNREACHABLE", f"the object store cannot be reached: {words}", way_out(error)))
    return _trouble(f"the connection broke: {words}")


def _trouble(why: str) -> Unclear:
    return Unclear(Finding("STORE_TROUBLE", f"the upload did not work: {why}", "it is tried again by itself"))
