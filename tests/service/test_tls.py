"""The same calls and uploads as over http, over TLS: as all real users have them, to a certificate made for the test."""

from __future__ import annotations

import contextlib
import hashlib
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
import trustme

from postpost_sync.model.errors import NotReached, Refused, Unclear, UploadRefused
from postpost_sync.sandbox import Fault, FaultKind, Sandbox, Server, serve
from postpost_sync.service import api as api_module
from postpost_sync.service import connections, upload
from postpost_sync.service.api import PostPost
from postpost_sync.service.connections import new_client
from postpost_sync.service.digests import BLOCK
from postpost_sync.service.upload import Aborted, Sender, Sent, Stop
from tests.support.drops import picture, sidecar
from tests.support.noise import noise
from tests.support.rig import Rig

HERE = "127.0.0.1"
MIB = 1024 * 1024
DAY = timedelta(days=1)
SECRET = "X-Amz-Signature=5ec2e7"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
Behave = Callable[[socket.socket], None]


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="module")
def good(authority: trustme.CA) -> ssl.SSLContext:
    return serving(authority.issue_cert(HERE))


def serving(certificate: trustme.LeafCert) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(context)
    return context


@pytest.fixture(autouse=True)
def trusted(authority: trustme.CA, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The program trusts whom the machine trusts; here that is the test's own authority."""
    authority.cert_pem.write_to_path(tmp_path / "authority.pem")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "authority.pem"))
    connections._context.cache_clear()
    yield
    connections._context.cache_clear()


@pytest.fixture
def client(trusted: None) -> Iterator[httpx.Client]:
    with new_client() as one:
        yield one


@dataclass
class World:
    """A simulated PostPost and its store over TLS, and who asks them."""

    sandbox: Sandbox
    server: Server
    client: httpx.Client
    place: Path
    group: str = ""

    def url(self) -> str:
        api = PostPost(self.client, self.server.api_url, "sk_fake")
        self.group = self.group or api.create_post("Hello", ["twitter-123"], {}).post_group_id
        return api.get_upload_url(self.group, "a.jpg", "image/jpeg").url

    def put(self, url: str, data: bytes = b"bytes") -> Sent:
        return put(self.client, self.place, url, data)


@pytest.fixture
def world(good: ssl.SSLContext, client: httpx.Client, tmp_path: Path) -> Iterator[World]:
    with Sandbox() as sandbox, serve(sandbox, tls=good) as server:
        yield World(sandbox, server, client, tmp_path)


@contextlib.contextmanager
def speaking(behave: Behave, context: ssl.SSLContext | None = None) -> Iterator[str]:
    """The https address of a server that does so with each connection, over TLS where there is a context."""
    threads: list[threading.Thread] = []

    def one(raw: socket.socket) -> None:
        raw.settimeout(30)
        with contextlib.suppress(OSError), context.wrap_socket(raw, server_side=True) if context else raw as connection:
            behave(connection)

    def accept() -> None:
        with contextlib.suppress(OSError):
            while True:
                threads.append(threading.Thread(target=one, args=(listening.accept()[0],), daemon=True))
                threads[-1].start()

    with socket.create_server((HERE, 0)) as listening:
        accepting = threading.Thread(target=accept, daemon=True)
        accepting.start()
        yield f"https://{HERE}:{listening.getsockname()[1]}"
        listening.shutdown(socket.SHUT_RDWR)
        for thread in (accepting, *threads):
            thread.join(30)
            assert not thread.is_alive()


def asked(client: httpx.Client, url: str) -> object:
    return PostPost(client, url, "sk_fake").connections()


def put(client: httpx.Client | Sender, place: Path, url: str, data: bytes = b"bytes", stop: Stop | None = None) -> Sent:
    sender = client if isinstance(client, Sender) else Sender(client)
    (place / "file").write_bytes(data)
    with (place / "file").open("rb") as opened:
        return sender.put(url, opened.fileno(), len(data), "image/jpeg", lambda _: None, stop or Stop())


def read(connection: socket.socket, size: int) -> None:
    """At least so many bytes."""
    while size > 0:
        if not (got := connection.recv(65536)):
            raise ConnectionError("the client ended the connection")
        size -= len(got)


def take_one(connection: socket.socket) -> None:
    """An upload of what `put` sends by itself, answered."""
    while not (got := connection.recv(65536)).endswith(b"bytes"):
        if not got:
            raise ConnectionError("the client ended the connection")
    connection.sendall(OK)


# --- what works -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [1, BLOCK, 5 * MIB + 7])
def test_every_byte_arrives_and_is_hashed_on_the_way(world: World, size: int) -> None:
    data, url = noise(size), world.url()
    assert url.startswith("https://")
    assert world.put(url, data) == Sent(hashlib.sha256(data).hexdigest(), size)
    (media,) = world.sandbox.group(world.group).media
    assert world.sandbox.read_object(media.id) == data


def test_the_whole_program_carries_a_post_and_tells_its_monitor(
    good: ssl.SSLContext, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSLKEYLOGFILE", "/proc/no/such/place")  # no key of a connection is written, so it is no trouble
    pings: list[bytes] = []

    def pinged(connection: socket.socket) -> None:
        pings.append(connection.recv(65536))
        connection.sendall(OK)

    with Sandbox() as sandbox, serve(sandbox, tls=good) as server, speaking(pinged, good) as monitor:
        pp = Rig(tmp_path, sandbox, server.api_url, capsys)
        pp.configure(top=f"monitor: {{ping_url: '{monitor}/check'}}\n")
        pp.drop("one", sidecar(), {"1.jpg": picture()})
        assert pp.run_once() == 0
        (group,) = pp.groups(status="scheduled")
    assert [media.sha256 for media in group.media] == [hashlib.sha256(picture()).hexdigest()]
    first, *others = (ping.split()[1] for ping in pings)
    assert (first, {*others}) == (b"/check/start", {b"/check"})  # a slow machine's answer is not waited for: once more


def test_one_connection_serves_several_calls_and_a_new_one_follows_when_it_was_closed(
    good: ssl.SSLContext, client: httpx.Client, tmp_path: Path
) -> None:
    connections, closed = list[int](), threading.Event()

    def twice(connection: socket.socket) -> None:
        connections.append(0)
        for _ in range(2):
            take_one(connection)
            connections[-1] += 1
        connection.close()
        closed.set()

    with speaking(twice, good) as url:
        sender = Sender(client)
        for number in range(4):
            assert put(sender, tmp_path, url).size == 5
            if number % 2:
                assert closed.wait(30)
                closed.clear()
    assert connections == [2, 2]


# --- what the store says, and what becomes of a connection ------------------------------------------------------------


@pytest.mark.parametrize("kind", [FaultKind.EXPIRE_URL, FaultKind.EARLY_403])
@pytest.mark.parametrize("size", [10, 30 * MIB])
def test_a_refused_url_is_told_from_a_broken_connection_even_while_bytes_are_sent(
    world: World, kind: FaultKind, size: int
) -> None:
    url = world.url()
    world.sandbox.faults.add(Fault("put-object", kind))
    with pytest.raises(UploadRefused, match="403 AccessDenied") as caught:
        world.put(url, bytes(size))
    assert "Signature" not in str(caught.value)
    assert world.put(url, b"again").size == 5


@pytest.mark.parametrize(
    ("answer", "error"),
    [("403 Forbidden", UploadRefused), ("400 Bad Request", Refused), ("503 Slow Down", Unclear)],
)
def test_an_answer_in_the_middle_of_a_body_is_heard(
    good: ssl.SSLContext, client: httpx.Client, tmp_path: Path, answer: str, error: type[Exception]
) -> None:
    said = b"<Error><Code>Said</Code></Error>"

    def refuse(connection: socket.socket) -> None:
        read(connection, 3 * MIB)
        head = f"HTTP/1.1 {answer}\r\nContent-Length: {len(said)}\r\nConnection: close\r\n\r\n"
        connection.sendall(head.encode() + said)

    with speaking(refuse, good) as url, pytest.raises(error, match=rf"{answer[:3]} Said") as caught:
        put(client, tmp_path, f"{url}/a?{SECRET}", bytes(30 * MIB))
    assert type(caught.value) is error


@pytest.mark.parametrize("kind", [FaultKind.RESET_BEFORE, FaultKind.RESET_DURING, FaultKind.LOST_REPLY])
@pytest.mark.parametrize("size", [10, 8 * MIB])
def test_a_reset_leaves_it_open(world: World, kind: FaultKind, size: int) -> None:
    url = world.url()
    world.sandbox.faults.add(Fault("put-object", kind))
    with pytest.raises(Unclear, match="the connection broke") as caught:
        world.put(url, bytes(size))
    assert not isinstance(caught.value, NotReached)
    world.put(url, b"again")


@pytest.mark.parametrize(
    "said",
    [b"", b"HTTP/1.1 200", b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{", b"HTTP/1.1 200 OK\r\n\r\n{"],
    ids=["nothing", "half a line", "less than was announced", "without a length"],
)
@pytest.mark.parametrize("told", [True, False], ids=["with close_notify", "without"])
def test_an_answer_that_is_cut_off_is_none(good: ssl.SSLContext, client: httpx.Client, said: bytes, told: bool) -> None:
    def cut(connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(said)
        if told:
            assert isinstance(connection, ssl.SSLSocket)
            connection.settimeout(0)  # the other side's is not waited for
            connection.unwrap()

    with speaking(cut, good) as url, pytest.raises(Unclear) as caught:
        asked(client, url)
    assert not isinstance(caught.value, NotReached)
    assert "ssl" not in str(caught.value)


@pytest.mark.parametrize("reads", [0, 40 * MIB], ids=["nothing is read", "everything is read"])
@pytest.mark.parametrize("uploads_before", [0, 2])
def test_a_transfer_ends_at_once_though_its_store_says_nothing(
    good: ssl.SSLContext, client: httpx.Client, tmp_path: Path, reads: int, uploads_before: int
) -> None:
    """It would wait for longer than this test: 60 s while it sends, 120 s for the answer."""
    stands, over = threading.Event(), threading.Event()

    def silent(connection: socket.socket) -> None:
        for _ in range(uploads_before):
            take_one(connection)
        read(connection, reads)
        stands.set()
        over.wait(60)

    came = list[BaseException]()

    def last() -> None:
        try:
            put(sender, tmp_path, url, bytes(40 * MIB), stop)
        except Aborted as error:
            came.append(error)

    with speaking(silent, good) as url:
        sender, stop = Sender(client), Stop()
        for _ in range(uploads_before):
            put(sender, tmp_path, url)
        thread = threading.Thread(target=last, daemon=True)
        thread.start()
        assert stands.wait(30)
        time.sleep(0.5)  # until its buffers are full
        stop.set()
        thread.join(30)
        over.set()
        assert not thread.is_alive()
    assert len(came) == 1


# --- where no connection comes about ----------------------------------------------------------------------------------


def not_reached(client: httpx.Client, place: Path, url: str) -> Iterator[NotReached]:
    """What a call and an upload say to that."""
    uses: list[Callable[[], object]] = [
        lambda: asked(client, url),
        lambda: put(client, place, f"{url}/a.jpg?{SECRET}"),
    ]
    for use in uses:
        with pytest.raises(NotReached) as caught:
            use()
        assert caught.value.__cause__ is None
        assert SECRET not in str(caught.value)
        assert "sk_fake" not in str(caught.value)
        yield caught.value


@pytest.mark.parametrize(
    ("flaw", "why"),
    [
        ("expired", "certificate has expired"),
        ("of tomorrow", "certificate is not yet valid"),
        ("of nobody we know", "unable to get local issuer certificate"),
        ("of another name", "certificate is not valid for '127.0.0.1'"),
    ],
)
def test_a_certificate_that_is_not_good_is_not_trusted_and_the_hint_is_about_certificates(
    authority: trustme.CA, client: httpx.Client, tmp_path: Path, flaw: str, why: str
) -> None:
    now = datetime.now(UTC)
    certificate = {
        "expired": lambda: authority.issue_cert(HERE, not_after=now - DAY),
        "of tomorrow": lambda: authority.issue_cert(HERE, not_before=now + DAY),
        "of nobody we know": lambda: trustme.CA().issue_cert(HERE),
        "of another name": lambda: authority.issue_cert("store.example"),
    }[flaw]()
    heard: list[bytes] = []
    with speaking(lambda connection: heard.append(connection.recv(65536)), serving(certificate)) as url:
        for error in not_reached(client, tmp_path, url):
            assert why in error.finding.message
            assert "certificates" in error.finding.hint
            assert "clock" in error.finding.hint
    assert heard == []  # neither the key nor a byte


@pytest.mark.parametrize(
    ("says", "why"),
    [
        (b"HTTP/1.1 400 Bad Request\r\n\r\nsk_fake", "what answers there does not speak TLS"),
        (b"SSH-2.0-OpenSSH_9.2\r\n", "what answers there does not speak TLS"),
        (b"", "it ended too early"),
        (b"\x16\x03\x03\x00\x7a\x02", "it ended too early"),
        (b"\x15\x03\x03\x00\x02\x02\x28", "handshake failure"),
    ],
    ids=["HTTP", "SSH", "nothing", "half a handshake", "an alert"],
)
def test_what_speaks_no_tls_is_told_in_words(client: httpx.Client, tmp_path: Path, says: bytes, why: str) -> None:
    def answer(connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(says)

    with speaking(answer) as url:
        for error in not_reached(client, tmp_path, url):
            assert why in error.finding.message
            assert "_ssl" not in str(error)


@pytest.mark.parametrize("drips", [True, False], ids=["drips", "is silent"])
def test_a_handshake_that_does_not_end_is_given_up_in_time(
    monkeypatch: pytest.MonkeyPatch, client: httpx.Client, tmp_path: Path, drips: bool
) -> None:
    """Of a call by the time that it has as a whole, of an upload by the time that a connection may take."""
    monkeypatch.setattr(api_module, "WHOLE_CALL", 0.5)
    monkeypatch.setattr(upload, "TIMEOUT", httpx.Timeout(60.0, connect=0.5))
    over = threading.Event()

    def never(connection: socket.socket) -> None:
        for byte in b"\x16\x03\x03\x40\x00" + bytes(16384):  # of a record that is announced
            if drips:
                connection.sendall(bytes([byte]))
            if over.wait(0.02):
                break

    with speaking(never) as url:
        for error in not_reached(client, tmp_path, url):
            assert "it took too long" in error.finding.message
        over.set()


def test_who_stops_in_a_handshake_is_not_told_of_a_broken_store(
    monkeypatch: pytest.MonkeyPatch, client: httpx.Client, tmp_path: Path
) -> None:
    monkeypatch.setattr(upload, "TIMEOUT", httpx.Timeout(60.0, connect=0.5))
    stop, over = Stop(), threading.Event()

    def never(connection: socket.socket) -> None:
        stop.set()
        over.wait(30)

    with speaking(never) as url:
        with pytest.raises(Aborted):
            put(client, tmp_path, url, stop=stop)
        over.set()
