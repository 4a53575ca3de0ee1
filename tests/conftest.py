"""No test touches the real home, the real keys or the network."""

from __future__ import annotations

import contextlib
import gc
import importlib
import ipaddress
import os
import shutil
import socket
import sys
import tempfile
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from hypothesis.internal.conjecture import providers

from tests.support import matrices
from tests.support.browser import Browser, browser
from tests.support.matrices import Matrix, Survived
from tests.support.rig import Manager, Rig, rig
from tests.support.web_hook import Hook
from tests.support.world import NewWorld, World

settings.register_profile("repeatable", derandomize=True, deadline=None, database=None)
settings.load_profile("repeatable")
# Nor does what is drawn depend on which of our modules a process has loaded; and it need not parse them all for that.
providers._get_local_constants = lambda: providers._local_constants

# Where a machine is set to keep no compiled modules, each of the many processes would compile program and tests anew.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

MEMORY = Path("/dev/shm")  # noqa: S108 - a folder of its own is made in it

_PLACES = ("XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME", "XDG_DATA_HOME", "XDG_RUNTIME_DIR")
_KEYS = (
    "POSTPOST_API_KEY",
    "POSTPOST_SYNC_CONFIG",
    "CREDENTIALS_DIRECTORY",
    "STATE_DIRECTORY",
    "NOTIFY_SOCKET",
    "WATCHDOG_PID",
    "WATCHDOG_USEC",
    "MAGIC",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "ALL_PROXY",
)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--whole", action="store_true", help="every case of each matrix, not a sample of them")


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """`-n auto`: some more than there are processors, since many tests wait for a daemon, a clock or a browser."""
    return len(os.sched_getaffinity(0)) + 4


def pytest_make_parametrize_id(val: object) -> str | None:
    """What is long is known by its beginning: else a test of a megabyte has a name of a megabyte, in every process.

    Of a file that are the bytes that say what it is: what comes behind them may be made anew by each process.
    """
    return (
        ascii(val[: 4 if isinstance(val, bytes) else 40]) if isinstance(val, bytes | str) and len(val) > 200 else None
    )


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Iterator[None]:
    """Of what is loaded for thousands of tests none is garbage, now or later."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


def pytest_collectstart(collector: pytest.Collector) -> None:
    """Each process begins with modules of its own: else in a fresh checkout each would compile all of them."""
    config, here = collector.config, Path(__file__).parent
    if collector.path != here or config.args_source is not pytest.Config.ArgsSource.TESTPATHS:
        return
    if worker := getattr(config, "workerinput", None):
        for file in sorted(here.rglob("test_*.py"))[int(worker["workerid"][2:]) :: worker["workercount"]]:
            with contextlib.suppress(Exception):  # whoever collects it says so
                importlib.import_module(".".join(file.relative_to(here.parent).with_suffix("").parts))


@pytest.hookimpl(trylast=True)  # of what -k and -m have chosen
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if not config.getoption("--whole"):
        items[:], left = matrices.sampled(items)
        config.hook.pytest_deselected(items=left)
    if hasattr(config, "workerinput"):  # else one process is left alone with minutes of work at the end
        items.sort(key=matrices.takes_long, reverse=True)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    counts = matrices.counted(terminalreporter.getreports("passed"))
    if counts:
        terminalreporter.section("survived")
        for what, number in counts.items():
            terminalreporter.line(f"{number:7,} {what}")


@pytest.fixture
def matrix(request: pytest.FixtureRequest) -> Matrix:
    return Matrix(1 if request.config.getoption("--whole") else matrices.EVERY)


@pytest.fixture
def survived(record_property: Callable[[str, object], None]) -> Survived:
    def count(what: str, number: int = 1) -> None:
        record_property(matrices.PROPERTY, (what, number))

    return count


@pytest.fixture
def pp(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Iterator[Rig]:
    """The real program on a folder of its own, and the service it talks to."""
    with rig(tmp_path, capsys) as one:
        yield one


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """The browser, once for all; skipped with the reason where there is none."""
    with browser() as one:
        yield one


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """All of it in one process, with a clock that is turned by hand."""
    with World(tmp_path) as one:
        yield one


@pytest.fixture
def in_memory(tmp_path: Path) -> Iterator[Path]:
    """A place for what is written thousands of times; in memory where there is one: no kill asks what a disk would keep."""
    if not os.access(MEMORY, os.W_OK) or shutil.disk_usage(MEMORY).free < 2**30:
        yield tmp_path
        return
    with tempfile.TemporaryDirectory(prefix="postpost-sync-test-", dir=MEMORY) as place:
        yield Path(place)


@pytest.fixture
def new_world(in_memory: Path) -> Iterator[NewWorld]:
    """Makes worlds, and closes them in the end."""
    made: list[World] = []

    def make(**more: Any) -> World:
        made.append(World(in_memory / str(len(made)), **more))
        return made[-1]

    yield make
    for world in made:
        world.close()


@pytest.fixture
def hook() -> Iterator[Hook]:
    one = Hook()
    yield one
    one.close()


@pytest.fixture(scope="session")
def homes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Places for homes: a folder a test, and cheaper than one of pytest's own, which counts all there are each time."""
    base = tmp_path_factory.mktemp("homes")
    return (base / str(number) for number in count())


@pytest.fixture(autouse=True)
def own_home(homes: Iterator[Path], monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home of the test's own, and none of the keys and places that the one who runs it may have set.

    Nor is the config that the machine itself may have asked for.
    """
    home = next(homes)
    home.mkdir()
    monkeypatch.setattr("postpost_sync.config.load.SYSTEM_CONFIG", home / "etc/postpost-sync/config.yaml")
    monkeypatch.setenv("HOME", str(home))
    for name in _PLACES:
        monkeypatch.setenv(name, str(home / name.lower()))
    for name in _KEYS:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    return home


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only this machine can be reached."""
    connect, connect_ex = socket.socket.connect, socket.socket.connect_ex

    def checked(self: socket.socket, address: Any) -> None:
        _refuse(self, address)
        connect(self, address)

    def checked_ex(self: socket.socket, address: Any) -> int:
        _refuse(self, address)
        return connect_ex(self, address)

    monkeypatch.setattr(socket.socket, "connect", checked)
    monkeypatch.setattr(socket.socket, "connect_ex", checked_ex)


def _refuse(connection: socket.socket, address: Any) -> None:
    if connection.family not in (socket.AF_INET, socket.AF_INET6):
        return
    host = str(address[0])
    try:
        near = host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        near = False
    if not near:
        raise AssertionError(f"a test wanted to connect to {address!r}")


@pytest.fixture
def manager(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Manager]:
    one = Manager(tmp_path)
    monkeypatch.setenv("NOTIFY_SOCKET", one.address)
    monkeypatch.setenv("WATCHDOG_USEC", "5000000")
    yield one
    one.close()
