"""What the service manager is told, over a socket as systemd's; and that nothing is ever in the way where there is none."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from postpost_sync.daemon.systemd import ServiceManager


@pytest.fixture(params=["a path", "an abstract name"])
def manager(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[socket.socket, str]]:
    """A service manager's socket, and NOTIFY_SOCKET for it."""
    address = str(tmp_path / "notify") if request.param == "a path" else f"@postpost-sync-test-{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind("\0" + address[1:] if address.startswith("@") else address)
        listener.settimeout(5)
        yield listener, address


def test_each_word_arrives_as_one_message(manager: tuple[socket.socket, str]) -> None:
    listener, address = manager
    service = ServiceManager({"NOTIFY_SOCKET": address, "WATCHDOG_USEC": "30000000", "WATCHDOG_PID": str(os.getpid())})
    service.ready()
    service.status("3 posts, 1 uploading")
    service.watchdog()
    service.stopping()
    assert [listener.recv(4096) for _ in range(4)] == [
        b"READY=1",
        b"STATUS=3 posts, 1 uploading",
        b"WATCHDOG=1",
        b"STOPPING=1",
    ]
    assert service.watchdog_within == 30


def test_a_reload_is_announced_with_the_time_it_began(manager: tuple[socket.socket, str]) -> None:
    listener, address = manager
    before = time.monotonic_ns() // 1000
    ServiceManager({"NOTIFY_SOCKET": address}).reloading()
    word, _, began = listener.recv(4096).decode().partition("\nMONOTONIC_USEC=")
    assert word == "RELOADING=1"
    assert before <= int(began) <= time.monotonic_ns() // 1000


def test_a_status_cannot_carry_a_second_message(manager: tuple[socket.socket, str]) -> None:
    listener, address = manager
    ServiceManager({"NOTIFY_SOCKET": address}).status("watching /srv/a\nMAINPID=1 \udcff")
    assert listener.recv(4096) == rb"STATUS=watching /srv/a\nMAINPID=1 \udcff"


@pytest.mark.parametrize(
    "environ",
    [
        {},
        {"WATCHDOG_USEC": ""},
        {"WATCHDOG_USEC": "0"},
        {"WATCHDOG_USEC": "-5"},
        {"WATCHDOG_USEC": "soon"},
        {"WATCHDOG_USEC": "9" * 5000},
        {"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "1"},  # meant for the process that started us
    ],
)
def test_no_watchdog_is_fed_where_none_watches_us(environ: dict[str, str], manager: tuple[socket.socket, str]) -> None:
    listener, address = manager
    service = ServiceManager({"NOTIFY_SOCKET": address, **environ})
    service.watchdog()
    service.ready()
    assert listener.recv(4096) == b"READY=1"
    assert service.watchdog_within is None


@pytest.mark.parametrize("address", ["", "/no/such/socket", "@no-such-socket", "vsock:2:9999", "x" * 500, "/nul\0byte"])
def test_nothing_happens_and_nothing_raises_where_nobody_listens(address: str) -> None:
    service = ServiceManager({"NOTIFY_SOCKET": address, "WATCHDOG_USEC": "1000"})
    for say in (service.ready, service.watchdog, service.reloading, service.stopping):
        say()
    service.status("still here")


def fill(filler: socket.socket) -> None:
    while True:
        filler.send(b"x")


def test_a_manager_that_does_not_read_holds_nothing_up(manager: tuple[socket.socket, str]) -> None:
    _, address = manager
    service = ServiceManager({"NOTIFY_SOCKET": address})
    for _ in range(3):
        service.status("x" * 100_000)  # more than its queue takes
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as filler:
        filler.setblocking(False)
        filler.connect("\0" + address[1:] if address.startswith("@") else address)
        with pytest.raises(BlockingIOError):
            fill(filler)
    service.ready()  # or it would wait here for ever
