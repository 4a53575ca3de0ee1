"""The sandbox on the wire: streaming, early answers, and every fault once over a real connection."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import h11
import httpx
import pytest

from postpost_sync.sandbox import Behaviour, Fault, FaultKind, Sandbox, SandboxTransport, Server, serve
from postpost_sync.service.connections import new_client, new_transport

JPEG = {"Content-Type": "image/jpeg"}
BODY = {"content": "Fresh roast", "platforms": ["twitter-123"]}
LARGE = 16 * 1024 * 1024
"""More than the socket buffers hold, so that an early answer finds the client still sending."""


@dataclass
class Net:
    """A sandbox behind its server, and a client."""

    sandbox: Sandbox
    server: Server
    http: httpx.Client

    def create(self) -> httpx.Response:
        return self.http.post("/api/v1/create-post", json=BODY)

    def presign(self) -> str:
        body = {"fileName": "a.jpg", "contentType": "image/jpeg", "type": "image"}
        group = self.create().json()["postGroupId"]
        return str(self.http.post("/api/v1/get-upload-url", json={**body, "postGroupId": group}).json()["uploadUrl"])

    def created(self) -> int:
        return len(self.sandbox.groups())


@pytest.fixture
def net() -> Iterator[Net]:
    with (
        Sandbox() as sandbox,
        serve(sandbox) as server,
        httpx.Client(
            transport=new_transport(), base_url=server.url, headers={"x-api-key": "sk_test"}, timeout=5
        ) as http,
    ):
        yield Net(sandbox, server, http)


class Counted:
    """A body that counts what is taken of it."""

    def __init__(self, size: int) -> None:
        self.size, self.taken = size, 0

    def __iter__(self) -> Iterator[bytes]:
        while self.taken < self.size:
            self.taken += 65536
            yield bytes(65536)


def put(url: str, body: Any, length: int | None = None) -> httpx.Response:
    announced = {} if length is None else {"Content-Length": str(length)}
    with new_client() as client:
        return client.put(url, content=body, headers={**JPEG, **announced}, timeout=5)


# -- bodies


def test_a_large_body_is_streamed_while_other_calls_go_on(net: Net) -> None:
    url = net.presign()
    seen: list[int] = []

    def body() -> Iterator[bytes]:
        yield bytes(LARGE // 2)
        seen.append(net.http.get("/api/v1/list-posts").status_code)
        yield bytes(LARGE // 2)

    assert put(url, body(), LARGE).status_code == 200
    assert seen == [200]
    assert net.sandbox.groups()[0].media[0].size == LARGE


def test_an_expired_url_is_answered_before_the_body_is_read(net: Net) -> None:
    net.sandbox.behaviour = Behaviour(url_lifetime=0)
    body = Counted(LARGE)
    answer = put(net.presign(), body, LARGE)
    assert (answer.status_code, "Request has expired" in answer.text) == (403, True)
    assert body.taken < LARGE


def test_a_chunked_body_is_refused_unless_switched_on(net: Net) -> None:
    url = net.presign()
    refused = put(url, iter([b"cof", b"fee"]))
    assert (refused.status_code, "<Code>MissingContentLength</Code>" in refused.text) == (411, True)
    net.sandbox.behaviour = Behaviour(chunked_refused=False)
    assert put(url, iter([b"cof", b"fee"])).status_code == 200
    assert net.sandbox.read_object(url) == b"coffee"
    assert net.http.post("/api/v1/create-post", content=iter([b"{", b"}"])).json() == {"error": "Content is required"}


def test_a_body_shorter_than_announced_stores_nothing(net: Net, capfd: pytest.CaptureFixture[str]) -> None:
    url = net.presign()
    with pytest.raises(h11.LocalProtocolError):
        put(url, iter([b"coffee"]), 100)
    path = url.removeprefix(net.server.url)
    with socket.create_connection(("127.0.0.1", urlsplit(url).port)) as broken:
        broken.sendall(f"PUT {path} HTTP/1.1\r\nContent-Type: image/jpeg\r\nContent-Length: 9\r\n\r\ncof".encode())
        broken.shutdown(socket.SHUT_WR)
        assert broken.recv(100) == b""
    assert net.sandbox.groups()[0].media[0].stored is False
    assert capfd.readouterr() == ("", "")


def test_100_continue_comes_only_where_the_body_is_wanted(net: Net) -> None:
    url = net.presign()

    def first_line(path: str) -> bytes:
        with socket.create_connection(("127.0.0.1", urlsplit(url).port)) as connection:
            head = "Content-Type: image/jpeg\r\nContent-Length: 3\r\nExpect: 100-continue"
            connection.sendall(f"PUT {path} HTTP/1.1\r\n{head}\r\n\r\n".encode())
            return connection.recv(1000).partition(b"\r\n")[0]

    path = url.removeprefix(net.server.url)
    assert first_line(path) == b"HTTP/1.1 100 Continue"
    assert first_line(path + "0") == b"HTTP/1.1 403 Forbidden"


def test_a_connection_is_kept_after_a_refusal(net: Net) -> None:
    url = net.presign()
    ports = set()
    for headers in ({"Content-Type": "image/png"}, JPEG):
        with net.http.stream("PUT", url, content=b"coffee", headers=headers) as answer:
            ports.add(answer.extensions["network_stream"].get_extra_info("client_addr")[1])
            answer.read()
    assert len(ports) == 1


# -- faults


def test_resets_before_and_during_have_no_effect(net: Net) -> None:
    net.sandbox.faults.add(Fault("create-post", "reset_before"), Fault("create-post", "reset_during"))
    for _ in range(2):
        with pytest.raises(httpx.TransportError):
            net.create()
    assert (net.created(), net.sandbox.faults.pending()) == (0, ())
    url = net.presign()
    net.sandbox.faults.add(Fault("put-object", FaultKind.RESET_DURING))
    with pytest.raises(httpx.TransportError):
        put(url, Counted(LARGE), LARGE)
    assert net.sandbox.groups()[0].media[0].stored is False
    [call] = [call for call in net.sandbox.calls if call.name == "put-object"]
    assert (call.status, call.fault, call.group_id) == (0, "reset_during", net.sandbox.groups()[0].id)


def test_a_lost_reply_leaves_its_effect(net: Net) -> None:
    net.sandbox.faults.add(Fault("create-post", "lost_reply"))
    with pytest.raises(httpx.TransportError):
        net.create()
    assert net.created() == 1


@pytest.mark.parametrize(
    ("fault", "status", "text", "created"),
    [
        (Fault("*", "status", status=502, body="<h1>Bad gateway</h1>"), 502, "<h1>Bad gateway</h1>", 0),
        (Fault("*", "status", status=429, headers={"Retry-After": "7"}), 429, "", 0),
        (Fault("*", "status", status=400, body={"error": "No"}), 400, '{"error": "No"}', 0),
        (Fault("*", "status_after", status=500), 500, "", 1),
        (Fault("*", "garbage"), 200, "<html><body>It works!</body></html>", 1),
        (Fault("*", "empty"), 200, "", 1),
        (Fault("*", "unsuccessful"), 200, '{"success":false}', 0),
        (Fault("*", "redirect"), 302, "", 0),
        (Fault("*", "late", seconds=0.02), 200, None, 1),
    ],
)
def test_odd_answers(net: Net, fault: Fault, status: int, text: str | None, created: int) -> None:
    net.sandbox.faults.add(fault)
    answer = net.create()
    assert (answer.status_code, net.created()) == (status, created)
    assert text is None or answer.text == text
    assert all(answer.headers[name] == value for name, value in fault.headers.items())
    assert "Date" in answer.headers
    assert net.create().status_code == 200


def test_hanging_and_answering_late_run_into_the_clients_time_out(net: Net) -> None:
    net.sandbox.faults.add(Fault("create-post", "hang", seconds=60), Fault("create-post", "late", seconds=60))
    for effects in (0, 1):
        with pytest.raises(httpx.ReadTimeout):
            net.http.post("/api/v1/create-post", json=BODY, timeout=0.2)
        assert net.created() == effects
    net.sandbox.faults.add(Fault("create-post", "hang", seconds=0.01))
    with pytest.raises(httpx.TransportError):
        net.create()


def test_a_url_may_be_refused_as_expired_on_order(net: Net) -> None:
    url = net.presign()
    net.sandbox.faults.add(Fault("put-object", "expire_url"), Fault("put-object", "early_403"))
    for body in (Counted(65536), Counted(LARGE)):
        answer = put(url, body, body.size)
        assert (answer.status_code, "<Code>AccessDenied</Code>" in answer.text) == (403, True)
    assert answer.headers["Connection"] == "close"
    assert body.taken < LARGE
    assert put(url, b"coffee").status_code == 200


def test_faults_wait_for_their_call_and_their_turn(net: Net) -> None:
    net.sandbox.faults.add(Fault("create-post", "status", after=1, times=2), Fault("get-post", "empty", times=None))
    assert [net.create().status_code for _ in range(4)] == [200, 503, 503, 200]
    assert [fault.call for fault in net.sandbox.faults.pending()] == ["get-post"]
    net.sandbox.faults.clear()
    assert net.http.get("/api/v1/get-post/x").status_code == 500


def test_closing_the_server_ends_what_hangs(net: Net) -> None:
    net.sandbox.faults.add(Fault("create-post", "hang", seconds=60))
    raised: list[Exception] = []

    def create() -> None:
        try:
            net.create()
        except httpx.TransportError as error:
            raised.append(error)

    thread = threading.Thread(target=create)
    thread.start()
    while not net.sandbox.count("create-post"):
        thread.join(0.01)
    net.server.close()
    thread.join(2)
    assert len(raised) == 1


# -- without sockets


@pytest.mark.parametrize(
    ("fault", "error", "created"),
    [
        (Fault("*", "reset_before"), httpx.ReadError, 0),
        (Fault("*", "reset_during"), httpx.WriteError, 0),
        (Fault("*", "lost_reply"), httpx.ReadError, 1),
        (Fault("*", "hang", seconds=3600), httpx.ReadTimeout, 0),
        (Fault("*", "late", seconds=3600), httpx.ReadTimeout, 1),
    ],
)
def test_in_process_faults_are_the_exceptions_of_httpx(fault: Fault, error: type[Exception], created: int) -> None:
    with Sandbox() as sandbox, httpx.Client(transport=SandboxTransport(sandbox), base_url=sandbox.base_url) as http:
        sandbox.faults.add(fault)
        with pytest.raises(error):
            http.post("/api/v1/create-post", json=BODY, headers={"x-api-key": "sk_test"})
        assert len(sandbox.groups()) == created


@pytest.mark.parametrize("announced", ["3", "30"])
def test_in_process_a_body_keeps_to_its_length(announced: str) -> None:
    with Sandbox() as sandbox, httpx.Client(transport=SandboxTransport(sandbox)) as http:
        url = presigned(sandbox, http)
        with pytest.raises(h11.LocalProtocolError):
            http.put(url, content=iter([b"coffee"]), headers={**JPEG, "Content-Length": announced})
        assert sandbox.groups()[0].media[0].stored is False


def test_an_answer_on_its_way_holds_its_idempotency_key() -> None:
    now = datetime(2026, 12, 1, tzinfo=UTC)
    with (
        Sandbox(clock=lambda: now, behaviour=Behaviour(idempotency=True)) as sandbox,
        httpx.Client(transport=SandboxTransport(sandbox), base_url=sandbox.base_url) as http,
    ):
        sandbox.faults.add(Fault("create-post", "late", seconds=30))
        send: Callable[[], httpx.Response] = lambda: http.post(  # noqa: E731 - three equal calls in a row
            "/api/v1/create-post", json=BODY, headers={"x-api-key": "sk_test", "Idempotency-Key": "one"}
        )
        with pytest.raises(httpx.ReadTimeout):
            send()
        busy = send()
        assert (busy.status_code, busy.json()["code"]) == (409, "IDEMPOTENCY_IN_FLIGHT")
        now += timedelta(seconds=30)
        assert send().json()["postGroupId"] == sandbox.groups()[0].id
        assert len(sandbox.groups()) == 1


def test_the_uploaded_bytes_go_when_the_sandbox_is_closed(tmp_path: Path) -> None:
    sandbox = Sandbox(directory=tmp_path)
    with httpx.Client(transport=SandboxTransport(sandbox)) as http:
        http.put(presigned(sandbox, http), content=b"coffee", headers=JPEG)
    assert [file.read_bytes() for file in tmp_path.rglob("*") if file.is_file()] == [b"coffee"]
    sandbox.close()
    assert list(tmp_path.iterdir()) == []


def presigned(sandbox: Sandbox, http: httpx.Client) -> str:
    headers = {"x-api-key": "sk_test"}
    group = http.post(f"{sandbox.base_url}/api/v1/create-post", json=BODY, headers=headers).json()["postGroupId"]
    body = {"fileName": "a.jpg", "contentType": "image/jpeg", "type": "image", "postGroupId": group}
    signed = http.post(f"{sandbox.base_url}/api/v1/get-upload-url", json=body, headers=headers)
    return str(signed.json()["uploadUrl"])
