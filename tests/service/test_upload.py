"""One file on its way to a presigned URL: every byte, once, confirmed; and every way it can end otherwise."""

from __future__ import annotations

import contextlib
import gc
import hashlib
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from postpost_sync.model.errors import Altered, FileChanged, NotReached, Refused, Unclear, UploadRefused
from postpost_sync.sandbox import Fault, FaultKind, Sandbox, Server, serve
from postpost_sync.service.api import PostPost
from postpost_sync.service.connections import new_client
from postpost_sync.service.digests import BLOCK
from postpost_sync.service.upload import Aborted, Sender, Sent, Stop, expiry
from tests.support.answers import Answers
from tests.support.noise import noise

MIB = 1024 * 1024
NOW = datetime(2026, 12, 1, 8, 0, tzinfo=UTC)
URL = "https://store.test/a.jpg?X-Amz-Signature=secret"


@pytest.fixture(scope="module")
def client() -> Iterator[httpx.Client]:
    with new_client() as one:
        yield one


@dataclass
class World:
    """A real server, a draft at it and a file to send."""

    server: Server
    sandbox: Sandbox
    client: httpx.Client
    folder: Path
    group: str = ""

    def url(self, content_type: str = "image/jpeg") -> str:
        api = PostPost(self.client, self.server.api_url, "sk_fake")
        self.group = self.group or api.create_post("Hello", ["twitter-123"], {}).post_group_id
        return api.get_upload_url(self.group, "a.jpg", content_type).url

    def send(self, url: str, data: bytes = b"bytes", size: int | None = None, **more: Any) -> Sent:
        return send(self.client, self.folder, url, data, size, **more)


def send(
    client: httpx.Client,
    folder: Path,
    url: str,
    data: bytes = b"bytes",
    size: int | None = None,
    content_type: str = "image/jpeg",
    progress: Callable[[int], None] = lambda _: None,
    stop: Stop | None = None,
) -> Sent:
    file = folder / "file"
    file.write_bytes(data)
    with file.open("rb") as opened:
        return Sender(client).put(
            url,
            opened.fileno(),
            len(data) if size is None else size,
            content_type,
            progress,
            stop or Stop(),
        )


@pytest.fixture
def world(tmp_path: Path, client: httpx.Client) -> Iterator[World]:
    with Sandbox() as sandbox, serve(sandbox) as server:
        yield World(server, sandbox, client, tmp_path)


def answering(handler: Callable[[httpx.Request], httpx.Response]) -> httpx.Client:
    return new_client(Answers(handler))


# --- what works -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [1, BLOCK - 1, BLOCK, BLOCK + 1, 5 * BLOCK + 7])
def test_every_byte_arrives_and_is_hashed_on_the_way(world: World, size: int) -> None:
    data = noise(size)
    seen: list[int] = []
    sent = world.send(world.url(), data, progress=seen.append)
    assert sent == Sent(hashlib.sha256(data).hexdigest(), size)
    (media,) = world.sandbox.group(world.group).media
    assert (media.stored, media.size, media.sha256) == (True, size, sent.sha256)
    assert world.sandbox.read_object(media.id) == data
    assert seen == [*range(BLOCK, size, BLOCK), size]


def test_nothing_is_left_of_a_call_once_it_was_answered(world: World) -> None:
    """Not even for the collector."""
    url = world.url()
    for _ in range(2):  # what is made once is made by then
        world.send(url)
    gc.collect()
    gc.disable()
    try:
        for _ in range(20):
            world.send(url)
            world.url()
        left = gc.collect()
        assert left < 20, f"{left} objects of 40 calls"
    finally:
        gc.enable()


def test_the_length_is_announced_and_no_header_of_the_api_goes_to_the_store() -> None:
    seen: list[httpx.Request] = []

    def handler(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        request.read()
        return httpx.Response(200)

    with answering(handler) as client:
        send(client, Path(os.environ["HOME"]), URL, b"12345")
    (request,) = seen
    assert (request.method, request.headers["Content-Length"], request.headers["Content-Type"]) == (
        "PUT",
        "5",
        "image/jpeg",
    )
    assert "Transfer-Encoding" not in request.headers
    assert not [name for name in request.headers if name.startswith("x-")]
    assert request.content == b"12345"


@pytest.mark.parametrize("etag", ["", '"not-an-md5"', '"0123456789abcdef0123456789abcdef-2"'])
def test_an_etag_that_is_no_md5_says_nothing(world: World, etag: str) -> None:
    with answering(
        lambda r: httpx.Response(200, headers={"ETag": etag} if etag else {}, content=r.read()[:0])
    ) as client:
        assert send(client, world.folder, URL).size == 5


def test_an_etag_of_an_encrypting_bucket_says_nothing(world: World) -> None:
    headers = {"ETag": f'"{"0" * 32}"', "x-amz-server-side-encryption": "aws:kms"}
    with answering(lambda r: httpx.Response(200, headers=headers, content=r.read()[:0])) as client:
        assert send(client, world.folder, URL).size == 5


# --- what does not ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [FaultKind.EXPIRE_URL, FaultKind.EARLY_403])
@pytest.mark.parametrize("size", [10, 30 * 1024 * 1024])
def test_a_refused_url_is_told_from_a_broken_connection_even_while_bytes_are_sent(
    world: World, kind: FaultKind, size: int
) -> None:
    url = world.url()
    world.sandbox.faults.add(Fault("put-object", kind))
    with pytest.raises(UploadRefused, match="403 AccessDenied") as caught:
        world.send(url, bytes(size))
    assert caught.value.finding.code == "UPLOAD_URL_EXPIRED"
    assert "Signature" not in str(caught.value)
    assert world.send(url, b"again").size == 5  # the connection is fit for use


def test_another_content_type_than_the_signed_one_is_refused(world: World) -> None:
    with pytest.raises(UploadRefused, match="SignatureDoesNotMatch"):
        world.send(world.url(), content_type="image/png")


@pytest.mark.parametrize("kind", [FaultKind.RESET_BEFORE, FaultKind.RESET_DURING, FaultKind.LOST_REPLY])
@pytest.mark.parametrize("size", [10, 8 * 1024 * 1024])
def test_a_reset_leaves_it_open(world: World, kind: FaultKind, size: int) -> None:
    url = world.url()
    world.sandbox.faults.add(Fault("put-object", kind))
    with pytest.raises(Unclear, match="the connection broke") as caught:
        world.send(url, bytes(size))
    assert not isinstance(caught.value, NotReached)
    world.send(url, b"again")


@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        (500, "", Unclear),
        (503, "<Error><Code>SlowDown</Code></Error>", Unclear),
        (429, "", Unclear),
        (408, "", Unclear),
        (302, "", Unclear),
        (400, "<Error><Code>RequestTimeout</Code></Error>", Unclear),
        (403, "", UploadRefused),
        (400, "<Error><Code>EntityTooLarge</Code></Error>", Refused),
        (404, "<Error><Code>NoSuchBucket</Code></Error>", Refused),
        (411, "<Error><Code>MissingContentLength</Code></Error>", Refused),
        (413, "<html>", Refused),
        (405, "<html>", Unclear),
        (404, '{"error": "Not found"}', Unclear),
        (451, "", Unclear),
    ],
)
def test_the_stores_answers(world: World, status: int, body: str, error: type[Exception]) -> None:
    url = world.url()
    world.sandbox.faults.add(Fault("put-object", FaultKind.STATUS, status=status, body=body))
    with pytest.raises(error) as caught:
        world.send(url)
    assert type(caught.value) is error
    assert str(status) in str(caught.value)


def test_bytes_that_were_stored_otherwise_than_sent_do_not_count(world: World) -> None:
    world.sandbox.behaviour = replace(world.sandbox.behaviour, etag_md5=False)  # and without the mark of KMS
    with pytest.raises(Altered, match="not what was sent"):
        world.send(world.url())


@pytest.mark.parametrize(
    ("body", "etag"),
    [
        (b"<!DOCTYPE html><p>Please sign in", None),
        (b" <html>", None),
        (b"<html>", '"5f1a-612"'),
        (b'{"success": false}', None),
        (b'{"error": "try again later"}', None),
        (b'{"errors": ["try again later"]}', 'W/"1c-0p"'),
    ],
)
def test_a_success_of_something_else_than_the_store_does_not_count(
    tmp_path: Path, body: bytes, etag: str | None
) -> None:
    headers = {"ETag": etag} if etag else {}
    with (
        answering(lambda r: httpx.Response(200, headers=headers, content=r.read()[:0] + body)) as client,
        pytest.raises(Unclear, match="not the object store"),
    ):
        send(client, tmp_path, URL)


@pytest.mark.parametrize("body", [b"", b"OK", b'{"error": null, "key": "a.jpg"}'])
def test_a_store_may_say_more_of_its_success(tmp_path: Path, body: bytes) -> None:
    with answering(lambda r: httpx.Response(200, content=r.read()[:0] + body)) as client:
        assert send(client, tmp_path, URL).size > 0


@pytest.mark.parametrize("cut", [0, 100, BLOCK, BLOCK + 1])
def test_a_file_that_becomes_shorter_meanwhile_is_not_stored(world: World, cut: int) -> None:
    url = world.url()

    def shrink(sent: int) -> None:
        os.truncate(world.folder / "file", cut)

    with pytest.raises(FileChanged, match="shorter"):
        world.send(url, bytes(20 * BLOCK), progress=shrink)
    assert not world.sandbox.group(world.group).media[0].stored


def test_a_file_that_becomes_longer_is_sent_as_it_was_seen(world: World) -> None:
    sent = world.send(world.url(), b"0123456789", size=4)
    assert sent == Sent(hashlib.sha256(b"0123").hexdigest(), 4)


def test_a_transfer_can_be_ended_from_our_side(world: World) -> None:
    stop, url = Stop(), world.url()
    with pytest.raises(Aborted):
        world.send(url, bytes(20 * BLOCK), progress=lambda sent: stop.set() if sent > 2 * BLOCK else None, stop=stop)
    assert not world.sandbox.group(world.group).media[0].stored
    assert world.send(url, b"again").size == 5


@pytest.mark.parametrize("read", ["nothing", "everything"])
@pytest.mark.parametrize("uploads_before", [0, 2])
def test_a_transfer_ends_at_once_though_its_store_says_nothing(tmp_path: Path, read: str, uploads_before: int) -> None:
    """Also on a connection that was used before. Both would wait for longer than this test: 60 s and 120 s."""
    with silent_store(reads=read == "everything", answers=uploads_before) as (url, asked), new_client() as client:
        sender, stop, came = Sender(client), Stop(), list[BaseException | None]()
        file = tmp_path / "file"
        file.write_bytes(bytes(40 * MIB))

        def put(size: int) -> None:
            with file.open("rb") as opened:
                sender.put(url, opened.fileno(), size, "image/jpeg", lambda _: None, stop)

        def last() -> None:
            try:
                put(40 * MIB)
            except Aborted as error:
                came.append(error)

        for _ in range(uploads_before):
            put(5)
        thread = threading.Thread(target=last, daemon=True)
        thread.start()
        assert asked.wait(30)
        time.sleep(0.5)  # until its buffers are full
        stop.set()
        thread.join(30)
        assert len(came) == 1
        assert not thread.is_alive()


@contextlib.contextmanager
def silent_store(*, reads: bool, answers: int) -> Iterator[tuple[str, threading.Event]]:
    """A store that answers so many small PUTs on one connection, and then nothing more. Set: the one that waits has begun."""
    ended, begun = threading.Event(), threading.Event()

    def serve_one(listener: socket.socket) -> None:
        connection, _ = listener.accept()
        with connection:
            for _ in range(answers):
                said = b""
                while not said.endswith(b"\0" * 5):
                    said += connection.recv(65536)
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
            connection.recv(1)
            left = 40 * MIB
            while reads and left > 0 and (block := connection.recv(65536)):
                left -= len(block)
            begun.set()
            ended.wait(60)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve_one, args=(listener,), daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}/file", begun
        finally:
            ended.set()
            thread.join(30)


def test_a_file_that_cannot_be_read_is_no_matter_of_the_store(world: World) -> None:
    fd = os.open(world.folder, os.O_RDONLY)  # a folder: every read of it fails
    try:
        with pytest.raises(IsADirectoryError):
            Sender(world.client).put(world.url(), fd, 5, "image/jpeg", lambda _: None, Stop())
    finally:
        os.close(fd)


@pytest.mark.parametrize("host", ["store..test", "xn--", "xn--a-.test", f"{'a' * 64}.test", "\u2603.test"])
def test_an_address_that_no_machine_can_have_is_a_store_that_cannot_be_reached(world: World, host: str) -> None:
    with pytest.raises(NotReached, match="a name that no machine can have") as caught:
        world.send(f"https://{host}/x?X-Amz-Signature=secret")
    assert caught.value.finding.code == "STORE_UNREACHABLE"
    assert "secret" not in str(caught.value)


def test_a_store_that_cannot_be_reached_is_known_not_to_have_got_it(world: World) -> None:
    world.server.close()
    with pytest.raises(NotReached) as caught:
        world.send(f"{world.server.url}/store/x?X-Amz-Signature=secret")
    assert "secret" not in str(caught.value)
    assert caught.value.__cause__ is None


@pytest.mark.parametrize(
    "url",
    [
        *("http://store.example/x", "http://169.254.169.254/x", "http://localhost.evil.com/x", "ftp://127.0.0.1/x"),
        *("file:///etc/passwd", "https://", "", "https://me@store.example/x", "//store.example/x", "http://[::1", "x"),
    ],
)
def test_bytes_never_go_to_an_insecure_place(world: World, url: str) -> None:
    with pytest.raises(NotReached) as caught:  # and no post is given up for it
        world.send(url)
    assert caught.value.finding.code == "UPLOAD_URL_NOT_SECURE"
    assert caught.value.finding.message


def test_a_redirect_is_not_followed(world: World) -> None:
    url = world.url()
    with Sandbox() as other, serve(other) as elsewhere:
        away = f"{elsewhere.api_url}/platform-connections"
        world.sandbox.faults.add(Fault("put-object", FaultKind.REDIRECT, location=away))
        with pytest.raises(Unclear, match="302"):
            world.send(url)
        assert other.calls == []


def test_a_store_that_talks_on_is_not_listened_to(tmp_path: Path) -> None:
    def endless() -> Iterator[bytes]:
        while True:
            yield b"x" * 4096

    with answering(lambda _: httpx.Response(500, content=endless())) as client, pytest.raises(Unclear):
        send(client, tmp_path, URL)


def test_proxies_of_the_environment_are_not_used(monkeypatch: pytest.MonkeyPatch, world: World) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")
    with new_client() as client:
        assert send(client, world.folder, world.url()).size == 5


# --- how long a URL lives ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("query", "lives"),
    [
        ("X-Amz-Date=20261201T075900Z&X-Amz-Expires=3600", timedelta(minutes=59)),
        ("X-Amz-Expires=60&X-Amz-Date=20261201T080000Z", timedelta(seconds=60)),
        ("X-Amz-Date=20261201T080000Z&X-Amz-Expires=99999999", timedelta(days=7)),
        ("", timedelta(hours=1)),
        ("X-Amz-Date=20261201T080000Z", timedelta(hours=1)),
        ("X-Amz-Expires=60", timedelta(hours=1)),
        ("X-Amz-Date=yesterday&X-Amz-Expires=60", timedelta(hours=1)),
        ("X-Amz-Date=20261201T080000Z&X-Amz-Expires=soon", timedelta(hours=1)),
        ("X-Amz-Date=20261201T080000Z&X-Amz-Expires=nan", None),
        ("Expires=1780000000&Signature=x", timedelta(hours=1)),
    ],
)
def test_a_url_says_itself_when_it_dies_else_after_an_hour(query: str, lives: timedelta | None) -> None:
    died = expiry(f"https://store.test/a?{query}", NOW)
    assert lives is None or died == NOW + lives
    assert died <= NOW + timedelta(days=7)
