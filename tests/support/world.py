"""A whole world in one process, with a clock that is turned by hand: service, store, database, folders and the sync loop.

    world = World(tmp_path)
    world.drop("launch", media={"cup.jpg": picture(1)}, time=world.now + timedelta(days=1))
    world.run_until_rest()
    world.once("launch")

Nothing runs by itself. `run_until_rest` looks at the tree, takes every folder as far as it goes, and turns the clock to
the next wake for as long as one is due; no real time passes and no thread is started, so that a history always runs the
same way. Transfers wait in a queue of their own (`transfers`) until every folder that is ready has been taken.

`world.now` is the service's time. The machine's own clock stands `world.local_offset` beside it, the monotonic one is
`world.monotonic`. Times lie in the past of the real clock, so that a file's ctime, which nobody can set, is never earlier
than the moment at which the folder is read: a folder counts as complete when it is first read.

A process that ends at once is simulated with `kill_at`: Killed is raised before the n-th effect (a commit, a request, a
file put in its place) that the process makes from then on. Nothing changes between two effects, so "before the next" is
also "after the last". Afterwards `restart()` abandons every object and opens the database anew.
"""

from __future__ import annotations

import hashlib
import io
import math
import os
import shutil
import sqlite3
import tempfile
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Executor, Future
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any, Self
from unittest import mock

import httpx
import yaml
from PIL import Image

from postpost_sync import ledger
from postpost_sync.disk import probe, scan
from postpost_sync.log import Log
from postpost_sync.model.post import Policy
from postpost_sync.model.program import Oddity
from postpost_sync.model.record import Record
from postpost_sync.model.states import State
from postpost_sync.model.times import to_service
from postpost_sync.post.names import names
from postpost_sync.sandbox import Behaviour, Group, Sandbox, SandboxTransport
from postpost_sync.service import upload
from postpost_sync.service.account import Account
from postpost_sync.service.api import PostPost
from postpost_sync.service.connections import new_client
from postpost_sync.store import Store
from postpost_sync.store.group_commit import GroupCommit
from postpost_sync.sync.engine import Sync
from postpost_sync.sync.runtime import Runtime
from postpost_sync.sync.transfers import Uplink
from postpost_sync.sync.watched import Site, Watched

START = datetime(2025, 6, 2, 8, 0, tzinfo=UTC)
KEY = "sk_test"
STEPS = 5000  # folders and transfers taken in one run; more is a loop without an end


class Killed(BaseException):
    """The process ended here. No handler of the product may catch it."""


class World:
    """See the module. Close it, or use it as a context manager."""

    def __init__(
        self,
        place: Path,
        *,
        behaviour: Behaviour = Behaviour(),  # noqa: B008 - frozen, so one default is safely shared
        policy: Policy = Policy(settle=2.0),  # noqa: B008 - likewise
        local_offset: float = 0.0,
        concurrency: int = 4,
        jitter: Callable[[], float] = lambda: 1.0,
        far: float = math.inf,
    ) -> None:
        self.now = START
        self.monotonic = 1000.0
        self.local_offset = timedelta(seconds=local_offset)
        self.key, self.instance = KEY, "harness"
        self.policy, self.concurrency, self.jitter, self.far = policy, concurrency, jitter, far
        self.root, self.state_db = place / "posts", place / "state" / "state.db"
        self.root.mkdir(parents=True)
        self.sandbox = Sandbox(clock=lambda: self.now, behaviour=behaviour, directory=place)
        self.unreachable: dict[str, int] = {}  # call -> how many more times its connection is refused
        self.effects: list[str] = []  # of the present process, in order
        self._kill_at: int | None = None
        self.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self.store.close()
        self.sandbox.close()

    # --- the process ---

    def start(self) -> None:
        """A new process on the database as it lies there."""
        self.ready: deque[int] = deque()
        self.due: dict[int, float] = {}  # key -> monotonic
        self.transfers: deque[Callable[[], None]] = deque()
        self.effects, self._kill_at = [], None
        if not self.state_db.exists():
            self.state_db.parent.mkdir(parents=True, exist_ok=True)
            self.state_db.write_bytes(_new_database())
        with mock.patch.object(sqlite3, "connect", self._connect):
            self.store = Store.open(self.state_db)
        client = new_client(_Transport(self))
        self.account = self.account_of(self.key, client)
        self.names = names(self.policy.ignore)
        runtime = Runtime(self.wake, lambda: self.monotonic, self.jitter, Log(), self.instance)
        self.watched = Watched.of(self.store, self.sites(client), self.names, runtime)
        self.sync = Sync(
            self.store,
            self.watched,
            Uplink(_Queue(self.transfers), upload.Senders(lambda: client), self.concurrency),
            runtime,
            far=self.far,
        )
        self.sync.start()
        for key in self.store.pending(self.sandbox.now()):
            self.wake(key, 0.0)

    def account_of(self, key: str, client: httpx.Client) -> Account:
        api = PostPost(client, f"{self.sandbox.base_url}/api/v1", key, None, _LocalClock(self))
        return Account(api, key, None)

    def sites(self, client: httpx.Client) -> dict[str, Site]:
        """The watch roots of a new process."""
        return {str(self.root): Site(str(self.root), self.policy, self.account)}

    def restart(self) -> None:
        """The process ends as if it were killed, and a new one begins: with another `policy` or `key`, where these were set."""
        self.store.close()
        self.start()

    def kill_at(self, effect: int) -> None:
        """Raise Killed before the present process's effect with that number, counted from now (1 is the next)."""
        self._kill_at = len(self.effects) + effect

    def effect(self, name: str) -> None:
        """An effect is about to be made."""
        self.effects.append(name)
        if self._kill_at is not None and len(self.effects) >= self._kill_at:
            raise Killed(name)

    def wake(self, key: int, after: float) -> None:
        if after > 0:
            self.due[key] = self.monotonic + after
            return
        self.due.pop(key, None)
        if key not in self.ready:
            self.ready.append(key)

    def pass_time(self, seconds: float) -> None:
        """The clock goes on, and nothing runs."""
        self.now += timedelta(seconds=seconds)
        self.monotonic += seconds

    def look_around(self) -> None:
        """What a rescan does."""
        self.look_below(self.root)

    def look_below(self, root: Path) -> None:
        missing = self.watched.folders.below(str(root))
        for found in scan.walk(str(root), self.names):
            if isinstance(found, Oddity):
                continue
            missing.pop(found.path, None)
            if not self.watched.folders.unchanged(found):
                key, news = self.watched.notice(found)
                if news:
                    self.wake(key, 0.0)
        for key in missing.values():
            self.wake(key, 0.0)

    def step(self) -> bool:
        """Take one folder, or one transfer where no folder is ready; False where there is neither."""
        if not self.ready and not self.transfers:
            return False
        with self._files_watched(), mock.patch.object(probe, "measure", _measured):
            if self.ready:
                self.sync.advance(self.ready.popleft())
            else:
                self.transfers.popleft()()
        return True

    def run(self) -> None:
        """Everything that can be done without time passing."""
        for _ in range(STEPS):
            if not self.step():
                return
        raise AssertionError(f"no end after {STEPS} steps")

    def run_until_rest(self, within: float = 3600.0) -> float:
        """Go on until nothing is due within that many seconds; the seconds that passed until the last thing was done."""
        began = self.monotonic
        self.look_around()
        for _ in range(STEPS):
            self.run()
            soonest = min(self.due.values(), default=None)
            if soonest is None or soonest > began + within:
                return self.monotonic - began
            if soonest > self.monotonic:
                self.pass_time(soonest - self.monotonic)
            for key in [key for key, at in self.due.items() if at <= self.monotonic]:
                self.wake(key, 0.0)
        raise AssertionError(f"no rest after {STEPS} wakes")

    def run_killed(self, effect: int, within: float = 3600.0) -> bool:
        """Run until rest, but let the present process end before that effect; whether it came so far."""
        self.kill_at(effect)
        try:
            self.run_until_rest(within)
        except Killed:
            return True
        self._kill_at = None
        return False

    def advance_time(self, seconds: float) -> None:
        """That much time passes, with everything done at its moment."""
        ends = self.monotonic + seconds
        self.run_until_rest(seconds)
        if self.monotonic < ends:
            self.pass_time(ends - self.monotonic)

    # --- folders ---

    def drop(
        self,
        name: str,
        content: str = "Fresh roast from the harbour",
        media: Mapping[str, bytes] | None = None,
        time: datetime | str | None = None,
        platforms: tuple[str, ...] = ("twitter-123",),
        **more: object,
    ) -> Path:
        """Write a post folder, or write it anew; media that are there already with the same bytes are left alone."""
        folder = self.root / name
        folder.mkdir(parents=True, exist_ok=True)
        media = media or {}
        for path in folder.iterdir():
            if path.name not in media and not path.name.startswith((".", "post.")):
                path.unlink()
        for file, data in media.items():
            path = folder / file
            if not path.exists() or path.read_bytes() != data:
                path.write_bytes(data)
                self._date(path)
        sidecar: dict[str, object] = {"content": content, "platforms": list(platforms), **more}
        if time is not None:
            sidecar["scheduled_time"] = to_service(time) if isinstance(time, datetime) else time
        if media:
            sidecar.setdefault("media", list(media))
        path = folder / "post.yaml"
        path.write_text(yaml.safe_dump(sidecar, allow_unicode=True, sort_keys=False), encoding="utf-8")
        self._date(path)
        return folder

    def remove(self, name: str) -> None:
        shutil.rmtree(self.root / name)

    def _date(self, path: Path) -> None:
        stamp = (self.now + self.local_offset).timestamp()
        os.utime(path, (stamp, stamp))

    # --- what came of it ---

    def record(self, name: str) -> Record:
        """Of its main part. The others are not read: a year of them may lie there."""
        record = self.store.record(min(key for key, _, path, *_ in self.store.index() if path == name))
        assert record is not None
        return record

    def state(self, name: str) -> State:
        return self.record(name).state

    def code(self, name: str) -> str | None:
        error = self.record(name).error
        return None if error is None else error.code

    def groups(self, status: str | None = None) -> list[Group]:
        """What PostPost holds."""
        return [group for group in self.sandbox.groups() if status is None or group.status == status]

    def once(
        self, name: str, content: str, media: Mapping[str, bytes], time: datetime, others: frozenset[str] = frozenset()
    ) -> Group:
        """Check that PostPost holds exactly this post, scheduled, and besides it nothing but the `others`; the group."""
        held = [group for group in self.groups() if group.id not in others]
        assert [group.status for group in held] == ["scheduled"], (held, self.record(name))
        (group,) = held
        assert (group.content, group.scheduled_time) == (content, time)
        assert [m.sha256 for m in group.media] == [hashlib.sha256(data).hexdigest() for data in media.values()]
        record = self.record(name)
        assert (record.state, record.error, record.done) == (State.SCHEDULED, None, True), record
        return group

    # --- behind it ---

    def _connect(self, *args: Any, **more: Any) -> sqlite3.Connection:
        connection = _CONNECT(*args, factory=_Connection, **more)
        connection.world = self
        return connection

    @contextmanager
    def _files_watched(self) -> Iterator[None]:
        def replaced(source: Any, target: Any, **more: Any) -> None:
            self.effect(f"replace {target}")
            _REPLACE(source, target, **more)

        def linked(source: Any, target: Any, **more: Any) -> None:
            self.effect(f"replace {target}")
            _LINK(source, target, **more)

        with (
            mock.patch.object(os, "replace", replaced),
            mock.patch.object(os, "link", linked),
            # power cuts are not simulated; a mock, made anew for each step, would cost a fifth of all these tests
            mock.patch.object(GroupCommit, "wait", _not_awaited),
        ):
            yield


def _not_awaited(commits: GroupCommit, number: int) -> None:
    """In place of the wait until that is on the disk."""


@cache
def _new_database() -> bytes:
    """What is made where there is none, made once: no world ends in the midst of that. The real process does, in `test_crash`."""
    with tempfile.TemporaryDirectory() as place:
        path = Path(place, "state.db")
        Store.open(path).close()
        return path.read_bytes()


_CONNECT = sqlite3.connect
_REPLACE, _LINK = os.replace, os.link


def _measured(fd: int, content_type: str) -> Any:
    """Each picture is measured once, in whatever world it lies: it takes another process, and says the same again."""
    data = os.pread(fd, os.fstat(fd).st_size, 0)
    if data not in _FACTS:
        _FACTS[data] = _MEASURE(fd, content_type)
    return _FACTS[data]


_MEASURE = probe.measure
_FACTS: dict[bytes, Any] = {}


class _Connection(sqlite3.Connection):
    """Tells of each commit, and waits for the disk at none: power cuts are not simulated."""

    world: World

    def execute(self, sql: str, *parameters: Any) -> sqlite3.Cursor:
        if sql == "COMMIT":
            self.world.effect("commit")
        elif sql.startswith("PRAGMA synchronous ="):
            sql = "PRAGMA synchronous = OFF"
        return super().execute(sql, *parameters)


class _LocalClock:
    def __init__(self, world: World) -> None:
        self._world = world

    def now(self) -> datetime:
        return self._world.now + self._world.local_offset


class _Queue(Executor):
    """Keeps what is submitted until the world takes it."""

    def __init__(self, queue: deque[Callable[[], None]]) -> None:
        self._queue = queue

    def submit(self, function: Any, /, *args: Any, **more: Any) -> Future[Any]:
        self._queue.append(lambda: function(*args, **more))
        return Future()


class _Transport(httpx.BaseTransport):
    """The way to the sandbox. A time-out takes the time that the client was ready to wait."""

    def __init__(self, world: World) -> None:
        self._world, self._inner = world, SandboxTransport(world.sandbox)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        name, world = call_name(request), self._world
        world.effect(name)
        if world.unreachable.get(name):
            world.unreachable[name] -= 1
            raise httpx.ConnectError("[Errno 111] Connection refused", request=request)
        try:
            return self._inner.handle_request(request)
        except httpx.ReadTimeout:
            world.pass_time(request.extensions["timeout"]["read"])
            raise


def call_name(request: httpx.Request) -> str:
    """The call as the sandbox names it."""
    path = request.url.path
    return "put-object" if path.startswith("/store/") else path.removeprefix("/api/v1/").partition("/")[0]


@cache
def picture(number: int) -> bytes:
    """A small JPEG, another one for each number."""
    image = Image.new("RGB", (320, 320), (number * 37 % 256, number * 91 % 256, number * 53 % 256))
    out = io.BytesIO()
    image.save(out, "JPEG")
    return out.getvalue()


def quick_searches() -> Any:
    """A patch for tests that need no listing lag: an unknown create is looked for without pauses."""
    return mock.patch.object(ledger.groups, "SEARCH_PAUSES", (0.01, 0.01, 0.01))


NewWorld = Callable[..., World]
