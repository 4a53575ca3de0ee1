"""Answers that are meant to do harm, or come from something that is broken: each is an error like any other, and in time."""

from __future__ import annotations

import gzip
import os
import socket
import threading
import tracemalloc
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from email.utils import format_datetime
from pathlib import Path
from threading import Event

import httpx
import pytest

from postpost_sync.model.errors import NotEditable, NotReached, PlanLimit, PostError, Refused, Unclear
from postpost_sync.model.times import for_people, parse_service_time
from postpost_sync.service import api as api_module
from postpost_sync.service import upload
from postpost_sync.service.api import MAX_ANSWER, PostPost
from postpost_sync.service.clock import ServerClock
from postpost_sync.service.connections import new_client
from tests.support.answers import Answers
from tests.support.api import ID, NOW, Clock, answering


def saying(status: int, body: bytes | str, **headers: str) -> PostPost:
    """The API behind a service that says this, byte for byte."""
    content = body.encode() if isinstance(body, str) else body
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return answering(lambda _: httpx.Response(status, content=iter([content]), headers=named))


def error_of(api: PostPost) -> PostError:
    with pytest.raises(PostError) as raised:
        api.schedule(ID, NOW)
    return raised.value


# --- packed -----------------------------------------------------------------------------------------------------------

GOOD = b'{"success": true, "posts": []}'
BOMB = gzip.compress(bytes(64 << 20), 1)


def test_no_packing_is_asked_for() -> None:
    asked: list[str] = []

    def handler(request: httpx.Request) -> httpx.Response:
        asked.append(request.headers["Accept-Encoding"])
        return httpx.Response(200, content=GOOD)

    PostPost(httpx.Client(transport=Answers(handler)), "https://postpost.test", "sk_fake").get_post(ID)
    assert asked == ["identity"]


@pytest.mark.parametrize(
    ("body", "packing"),
    [
        (GOOD, "identity"),
        (gzip.compress(GOOD), "gzip"),
        (gzip.compress(GOOD), "X-GZIP"),
        (zlib.compress(GOOD), "deflate"),
    ],
    ids=["not at all", "gzip", "gzip, said loudly", "deflate"],
)
def test_what_is_packed_all_the_same_is_read(body: bytes, packing: str) -> None:
    assert saying(200, body, Content_Encoding=packing).get_post(ID) == ()


@pytest.mark.parametrize(
    ("body", "packing"),
    [
        (BOMB, "gzip"),
        (gzip.compress(BOMB), "gzip, gzip"),
        (gzip.compress(GOOD)[:-9], "gzip"),
        (b"no gzip", "gzip"),
        (GOOD, "br"),
        (GOOD, "zstd"),
        (GOOD, "x" * 5000),
    ],
    ids=["a bomb", "a bomb in a bomb", "cut off", "no gzip", "br", "zstd", "nonsense"],
)
def test_a_bomb_is_not_unpacked_and_other_packings_are_refused(body: bytes, packing: str) -> None:
    api = saying(200, body, Content_Encoding=packing)
    tracemalloc.start()
    try:
        assert isinstance(error_of(api), Unclear)
        assert tracemalloc.get_traced_memory()[1] < 3 * MAX_ANSWER
    finally:
        tracemalloc.stop()


# --- that never ends --------------------------------------------------------------------------------------------------


@contextmanager
def dripping(sends: Callable[[socket.socket], None]) -> Iterator[str]:
    """The address of a server that reads a request and then answers as `sends` does."""
    over = Event()

    def serve(connection: socket.socket) -> None:
        with connection:
            connection.settimeout(5)
            try:
                connection.recv(65536)
                while not over.is_set():
                    sends(connection)
                    over.wait(0.02)
            except OSError:
                return

    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(5)

        def accept() -> None:
            try:
                while not over.is_set():
                    threading.Thread(target=serve, args=(listening.accept()[0],), daemon=True).start()
            except OSError:
                return

        threading.Thread(target=accept, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            over.set()


@pytest.mark.parametrize("what", ["headers", "the first line", "the body", "1xx answers"])
def test_an_answer_that_drips_is_given_up_in_time(monkeypatch: pytest.MonkeyPatch, what: str) -> None:
    monkeypatch.setattr(api_module, "WHOLE_CALL", 0.5)
    head, drip = {
        "headers": (b"HTTP/1.1 200 OK\r\n", b"a: b\r\n"),
        "the first line": (b"", b"H"),
        "the body": (b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n", b" "),
        "1xx answers": (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    }[what]
    begun: set[int] = set()

    def sends(connection: socket.socket) -> None:
        if id(connection) not in begun:
            begun.add(id(connection))
            connection.sendall(head)
        connection.sendall(drip)

    with dripping(sends) as url, new_client() as client:
        assert isinstance(error_of(PostPost(client, url, "sk_fake")), Unclear)  # else it drips for ever


def test_a_store_whose_answer_drips_is_given_up_in_time(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(upload, "ANSWER_WITHIN", 0.5)
    (tmp_path / "a.jpg").write_bytes(b"bytes")
    fd = os.open(tmp_path / "a.jpg", os.O_RDONLY)
    try:
        with (
            dripping(lambda connection: connection.sendall(b"H")) as url,
            new_client() as client,
            pytest.raises(Unclear),
        ):
            upload.Sender(client).put(f"{url}/key", fd, 5, "image/jpeg", lambda _: None, upload.Stop())
    finally:
        os.close(fd)


def test_a_connection_goes_on_being_used_after_a_call_that_was_in_time() -> None:
    taken: list[int] = []

    def sends(connection: socket.socket) -> None:
        taken.append(connection.getpeername()[1])
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(GOOD), GOOD))
        connection.recv(65536)

    with dripping(sends) as url, new_client() as client:
        api = PostPost(client, url, "sk_fake")
        for _ in range(3):
            api.get_post(ID)
    assert len(set(taken[:3])) == 1


# --- cookies ----------------------------------------------------------------------------------------------------------


def test_no_cookie_is_kept() -> None:
    sent: list[str | None] = []

    def handler(request: httpx.Request) -> httpx.Response:
        sent.append(request.headers.get("Cookie"))
        return httpx.Response(200, content=GOOD, headers={"Set-Cookie": f"a{len(sent)}=b; Path=/; Max-Age=99999"})

    with new_client(Answers(handler)) as client:
        api = PostPost(client, "https://postpost.test", "sk_fake")
        for _ in range(3):
            api.get_post(ID)
        assert not client.cookies
    assert sent == [None] * 3


def test_no_key_of_a_connection_is_written_anywhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for place in (tmp_path / "keys", Path("/proc/no/such/place")):
        monkeypatch.setenv("SSLKEYLOGFILE", str(place))
        with new_client() as client, pytest.raises(NotReached):
            PostPost(client, "https://127.0.0.1:1", "sk_fake").get_post(ID)
    assert not (tmp_path / "keys").exists()


# --- times and numbers that cannot be reckoned with -------------------------------------------------------------------


@pytest.mark.parametrize(
    "date",
    [
        "Fri, 31 Dec 9999 23:59:59 GMT",
        "Mon, 01 Jan 0001 00:00:00 GMT",
        "Mon, 01 Jan 0001 00:00:00 +1400",
        "Fri, 31 Dec 9999 23:59:59 -1200",
        "Thu, 01 Jan 1970 00:00:00 GMT",
        "Tue, 01 Dec 2026 08:00:00 +99999999999",
        "1e400",
        ",",
        "\x00",
        "9" * 5000,
    ],
)
def test_a_date_that_cannot_be_meant_says_nothing_about_the_time(date: str) -> None:
    clock = ServerClock(Clock())
    clock.learn(date, NOW)
    assert (clock.now(), clock.known) == (NOW, False)
    clock.learn(format_datetime(NOW + timedelta(hours=2), usegmt=True), NOW)
    assert clock.known


@pytest.mark.parametrize(
    "written",
    [
        "0001-01-01T00:00:00Z",
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59.999Z",
        "9999-12-31T23:59:59-12:00",
        "1969-12-31T23:59:59Z",
    ],
)
def test_a_time_at_the_end_of_time_is_none(written: str) -> None:
    assert parse_service_time(written) is None
    earliest = parse_service_time("1970-01-01T00:00:00Z")
    assert earliest is not None
    assert for_people(earliest, "America/New_York").startswith("Wed 31 Dec 1969")


@pytest.mark.parametrize("limit", ["1" + "0" * 400, "1e400", "NaN", "-Infinity", '"many"', "true", "null", "[1]"])
def test_a_limit_that_is_no_number_is_none(limit: str) -> None:
    body = f'{{"error": "no", "code": "POST_LIMIT_REACHED", "limit": {limit}, "periodEnd": "9999-12-31T23:59:59Z"}}'
    error = error_of(saying(403, body))
    assert isinstance(error, PlanLimit)
    assert (error.limit, error.finding.code) == (None, "POST_LIMIT_REACHED")


@pytest.mark.parametrize(
    "after", ["9" * 500, "nan", "-1", "Fri, 31 Dec 9999 23:59:59 GMT", "Mon, 01 Jan 0001 00:00:00 +1400"]
)
def test_a_pause_is_never_longer_than_an_hour(after: str) -> None:
    error = error_of(saying(429, "{}", Retry_After=after, Date="Fri, 31 Dec 9999 23:59:59 -1200"))
    assert isinstance(error, Unclear)
    assert 1.0 <= (error.retry_after or 0) <= 3600.0


@pytest.mark.parametrize("body", ['{"a":' * 100_000, "[" * 100_000, "1" * 5000, '"\\ud800"', "\ufeff{}", ""])
@pytest.mark.parametrize("status", [200, 400, 404, 500])
def test_whatever_is_said_is_an_error_of_ours(status: int, body: str) -> None:
    error_of(saying(status, body))


# --- secrets in words -------------------------------------------------------------------------------------------------

SIGNATURE = "0123456789abcdef" * 4
URL = f"https://store.test/k/a.jpg?X-Amz-Credential=AKIDEXAMPLE%2F20261201&X-Amz-Signature={SIGNATURE}"


@pytest.mark.parametrize("status", [200, 400, 401, 403, 404, 429, 500])
def test_what_the_service_quotes_of_an_upload_url_is_shown_without_its_signature(status: int) -> None:
    quoted = URL.replace("%", "%25").replace("?", "%3F").replace("&", "%26").replace("=", "%3D").replace(":", "%3A")
    error = error_of(saying(status, f'{{"success": false, "error": "cannot fetch {quoted} now", "code": "{quoted}"}}'))
    assert SIGNATURE not in str(error)
    assert "AKIDEXAMPLE" not in str(error)
    assert "store.test" in str(error)


def test_a_platforms_error_is_shown_without_its_signature() -> None:
    body = f'{{"posts": [{{"platform": "x", "platformId": "1", "error": {{"code": "{URL}", "message": "{URL}"}}}}]}}'
    (post,) = saying(200, body).get_post(ID)
    assert post.error is not None
    assert SIGNATURE not in str(post.error)
    assert post.error["code"] == "UNKNOWN_ERROR"


def test_half_a_character_can_be_kept_like_any_other_text() -> None:
    """JSON carries lone surrogates; a database and a log do not."""
    api = saying(200, r'{"uploadUrl": "https://store.test/\ud800", "fileUrl": "\ud800", "mediaId": "\ud800"}')
    signed = api.get_upload_url(ID, "a.jpg", "image/jpeg")
    odd = r'"content": "\ud800", "status": "\ud800", "platforms": [{"platformId": "\ud800"}]'
    listed = f'{{"postGroupId": "{ID}", {odd}}}'
    ((group,), _) = saying(200, f'{{"posts": [{listed}]}}').list_posts(1)
    for text in (signed.url, signed.file_url, signed.media_id, group.post_group_id, group.content, *group.platforms):
        assert text is not None
        assert text.encode()


def test_a_refusal_stays_a_refusal() -> None:
    assert isinstance(error_of(saying(400, '{"error": "Content is required"}')), Refused)


# --- the service's own words ------------------------------------------------------------------------------------------


def test_what_a_post_was_refused_for_is_said_one_by_one() -> None:
    errors = """[{"code": "CONTENT_TOO_LONG", "message": "Too long", "platform": "twitter", "suggestions": ["Shorten it"]},
        {"code": "MEDIA_REQUIRED", "message": "Add media", "platform": "instagram"}, 7, {"platform": "x"}]"""
    error = error_of(saying(400, f'{{"error": "Validation failed", "validation": {{"errors": {errors}}}}}'))
    assert isinstance(error, Refused)
    assert error.finding.code == "CONTENT_TOO_LONG"
    assert "twitter: Too long (Shorten it); instagram: Add media; x: no reason given" in error.finding.message


def test_the_field_of_a_setting_that_is_not_known_is_named() -> None:
    error = error_of(saying(400, '{"error": "Unknown", "code": "PLATFORM_SETTING_UNKNOWN", "field": "twitter.colour"}'))
    assert (error.finding.code, "twitter.colour" in error.finding.message) == ("PLATFORM_SETTING_UNKNOWN", True)


@pytest.mark.parametrize(("status", "code"), [(409, "POST_PUBLISH_IN_PROGRESS"), (400, "POST_NOT_EDITABLE")])
def test_a_post_that_is_on_its_way_out_is_no_fault(status: int, code: str) -> None:
    assert isinstance(error_of(saying(status, f'{{"error": "no", "code": "{code}"}}')), NotEditable)


@pytest.mark.parametrize("validation", ["null", "[]", "7", '{"errors": {}}', '{"errors": [1, "x", null]}'])
def test_a_validation_of_another_shape_is_no_trouble(validation: str) -> None:
    error = error_of(saying(400, f'{{"error": "Validation failed", "validation": {validation}}}'))
    assert "Validation failed" in error.finding.message
