"""Wherever the process is killed: one post, with its own media, at its own time, and nothing besides.

The real daemon against a real HTTP server, ended by SIGKILL at the n-th moment between two effects for n = 1, 2, 3 …
(in the quick suite 1, 8, 15 …) until a run is not killed any more; then it is started again and left alone. The moments
are found by `crash_driver`, not listed here, so that a new effect cannot be forgotten. Then every pair of kills of a
carousel, in one process: see `world`. SIGKILL says nothing about a power cut: what was written and not yet forced to the
disk is still there.
"""

from __future__ import annotations

import copy
import hashlib
import io
import itertools
import json
import os
import socket
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import pytest
import yaml
from PIL import Image

from postpost_sync.commands.demo import samples
from postpost_sync.model.slots import moments
from postpost_sync.model.times import to_service
from postpost_sync.plan.slots import AHEAD
from postpost_sync.sandbox import Fault, Request, Response, Sandbox, serve
from postpost_sync.sandbox.api import Api
from postpost_sync.sandbox.state import State
from tests.support.crash_driver import SLOTS
from tests.support.matrices import Matrix, Survived
from tests.support.media_files import photo
from tests.support.world import World, picture, quick_searches

REPOSITORY = Path(__file__).parents[2]
WORKERS = 4  # runs at the same time: most of each is waiting
MOST = 1000  # moments; more is a run without an end

TIME = (datetime.now(UTC) + timedelta(days=3)).replace(second=0, microsecond=0)
CAROUSEL = {f"slide{number}.jpg": picture(number) for number in (1, 2, 3)}
PHOTO = {"IMG_0412.HEIC": photo("HEIF"), "slide1.jpg": picture(1)}
PAIR = {"slide1.jpg": picture(1), "slide2.jpg": picture(2)}
THREE = ("facebook-1001", "mastodon-109348", "telegram-1001555")
BOTH = THREE[:2]
VIDEO = {"harbour.mp4": Path(samples.__file__).with_name("harbour.mp4").read_bytes()}


@dataclass(frozen=True)
class Version:
    """A folder as a person leaves it."""

    content: str
    media: Mapping[str, bytes] = field(default_factory=dict)
    time: datetime | None = TIME  # None: the next free slot
    platforms: tuple[str, ...] = ("facebook-1001",)
    others: Mapping[str, str] = field(default_factory=dict)  # account -> its own words

    @property
    def posts(self) -> dict[str, tuple[str, ...]]:
        """The text of each of its parts, and where it goes."""
        main = tuple(one for one in self.platforms if one not in self.others)
        return {self.content: main, **{text: (account,) for account, text in self.others.items()}}

    @property
    def when(self) -> str:
        return to_service(self.time) if self.time is not None else "next"

    def write(self, folder: Path) -> None:
        folder.mkdir(exist_ok=True)
        for name in set(os.listdir(folder)) - {*self.media, "post.yaml", "post.status.yaml"}:
            (folder / name).unlink()
        for name, data in self.media.items():
            if not (folder / name).exists():
                (folder / name).write_bytes(data)
        sidecar: dict[str, Any] = {
            "content": self.content,
            "platforms": list(self.platforms),
            "scheduled_time": self.when,
        }
        if self.others:
            sidecar["per_platform"] = {account: {"content": text} for account, text in self.others.items()}
        (folder / "post.yaml").write_text(
            yaml.safe_dump({**sidecar, "media": list(self.media)} if self.media else sidecar)
        )


@dataclass(frozen=True)
class Scenario:
    final: Version
    before: Version | None = None  # what was scheduled by a run that was left alone
    faults: tuple[Fault, ...] = ()


SCENARIOS = {
    "a text post": Scenario(Version("Fresh roast")),
    "a carousel": Scenario(Version("Swipe to see all", CAROUSEL)),
    "a video whose URL expires": Scenario(Version("The harbour", VIDEO), faults=(Fault("put-object", "expire_url"),)),
    "a photo that is sent as a copy": Scenario(Version("Look", PHOTO)),
    "an edited post": Scenario(
        Version("Now with another picture", {"slide1.jpg": CAROUSEL["slide1.jpg"], "slide9.jpg": picture(9)}),
        before=Version(
            "With two pictures", {"slide1.jpg": CAROUSEL["slide1.jpg"], "slide2.jpg": CAROUSEL["slide2.jpg"]}
        ),
    ),
    "a queued post": Scenario(Version("The next one", CAROUSEL, None)),
    "a queued post that is edited": Scenario(
        Version("The next one, edited", CAROUSEL, None), before=Version("The next one", CAROUSEL, None)
    ),
    "a post of two parts": Scenario(Version("For one", CAROUSEL, platforms=BOTH, others={BOTH[1]: "For the other"})),
    "an account that moves to a part of its own": Scenario(
        Version("For one", PAIR, platforms=BOTH, others={BOTH[1]: "For the other"}),
        before=Version("For both", PAIR, platforms=BOTH),
    ),
    "accounts that change places": Scenario(
        Version("For one", platforms=THREE, others={THREE[0]: "For the other"}),
        before=Version("For one", platforms=THREE, others={THREE[1]: "For the other"}),
    ),
    "a post with another time": Scenario(
        Version("Swipe", CAROUSEL, TIME + timedelta(hours=5)), before=Version("Swipe", CAROUSEL)
    ),
}


class Watched(Sandbox):
    """Notes where more than one post stood scheduled or went out on one account at the same time; can be taken back."""

    worst = 0

    def handle(self, request: Request) -> Response:
        response = super().handle(request)
        self.worst = max(self.worst, most_on_an_account(self))
        return response

    def known(self) -> dict[str, Any]:
        """A copy of all that it knows, but for the bytes of its media."""
        return copy.deepcopy({**vars(self._state), "objects": self._store._objects}, {id(self._store): self._store})

    def take_back(self, known: dict[str, Any]) -> None:
        """Know that again, and nothing of what came since."""
        self._state = State(self._store)
        vars(self._state).update(copy.deepcopy(known, {id(self._store): self._store}))
        self._store._objects = vars(self._state).pop("objects")
        self._api, self.worst = Api(self._state), 0
        self.faults.clear()


def most_on_an_account(sandbox: Sandbox) -> int:
    on = Counter(account for group in sandbox.groups() if group.status != "draft" for account in group.platforms)
    return max(on.values(), default=0)


class Driver:
    """A `crash_driver` that waits for jobs."""

    def __init__(self, asking: socket.socket) -> None:
        self._asking = asking.makefile("rw")

    def run(self, place: Path, url: str, kill_at: int | None) -> dict[str, Any]:
        job = {
            "state_db": str(place / "state" / "state.db"),
            "root": str(place / "posts"),
            "url": url,
            "kill_at": kill_at,
        }
        print(json.dumps(job), file=self._asking, flush=True)
        answer: dict[str, Any] = json.loads(self._asking.readline())
        return answer

    def close(self) -> None:
        self._asking.close()


@pytest.fixture(scope="module")
def drivers() -> Iterator[SimpleQueue[Driver]]:
    queue: SimpleQueue[Driver] = SimpleQueue()
    pairs = [socket.socketpair() for _ in range(WORKERS)]
    its = [theirs.fileno() for _, theirs in pairs]
    command = [sys.executable, "-m", "tests.support.crash_driver", *map(str, its)]
    with ExitStack() as ends:
        ends.enter_context(subprocess.Popen(command, cwd=REPOSITORY, pass_fds=its))  # it ends when nobody asks any more
        for ours, theirs in pairs:
            theirs.close()
            with ours:
                queue.put(ends.enter_context(closing(Driver(ours))))
        yield queue


@contextmanager
def borrowed(drivers: SimpleQueue[Driver]) -> Iterator[Driver]:
    driver = drivers.get()
    try:
        yield driver
    finally:
        drivers.put(driver)


class Stage:
    """A root, a database and a PostPost. What a scenario begins with is made once, and put back for each of its moments."""

    def __init__(self, scenario: Scenario, place: Path, driver: Driver) -> None:
        self.scenario, self._driver, self._place = scenario, driver, place / "own"
        self.folder = self._place / "posts" / "launch"
        self.folder.parent.mkdir(parents=True)
        self.sandbox = Watched(directory=place)
        self._server = serve(self.sandbox)
        if scenario.before is not None:
            scenario.before.write(self.folder)
            ran = self.run(None)
            assert (ran["states"], ran["errors"]) == ({"launch": "scheduled"}, []), ran
        self._files = {path: path.read_bytes() for path in self._all_files()}
        self._known = self.sandbox.known()

    def run(self, kill_at: int | None) -> dict[str, Any]:
        return self._driver.run(self._place, self._server.api_url, kill_at)

    def begin(self) -> None:
        """As it was, and now the folder is left as it is to be posted."""
        self.sandbox.take_back(self._known)
        for path in self._all_files() - self._files.keys():
            path.unlink()
        for path, data in self._files.items():
            if not path.exists() or path.read_bytes() != data:
                path.write_bytes(data)
        self.scenario.final.write(self.folder)
        self.sandbox.faults.add(*self.scenario.faults)

    def _all_files(self) -> set[Path]:
        return {path for path in self._place.rglob("*") if path.is_file()}

    def close(self) -> None:
        self._server.close()
        self.sandbox.close()


def killed_at(moment: int, stage: Stage) -> dict[str, Any]:
    """One run killed there and then one left alone; the answer of the first. Checks what PostPost holds."""
    soonest = datetime.now(UTC) + AHEAD  # the first, or it passes meanwhile
    slots = [*itertools.islice(moments(SLOTS, "UTC", soonest), 2)]
    final = stage.scenario.final
    stage.begin()
    first = stage.run(moment)
    again = first if not first["killed"] else stage.run(None)
    assert (again["states"], again["errors"]) == ({"launch": "scheduled"}, []), again
    check(stage.sandbox, final, slots)
    left = set(os.listdir(stage.folder)) - {*final.media, "post.yaml", "post.status.yaml"}
    assert not left, f"left in the folder: {left}"
    return first


def check(sandbox: Watched, final: Version, slots: Sequence[datetime]) -> None:
    held = sandbox.groups()
    assert all(group.status == "scheduled" for group in held), held
    assert sorted((group.content, group.platforms) for group in held) == sorted(final.posts.items()), held
    for group in held:
        assert group.scheduled_time in (slots if final.time is None else [final.time])
        for media, (name, data) in zip(group.media, final.media.items(), strict=True):
            if name.endswith(".HEIC"):
                assert Image.open(io.BytesIO(sandbox.read_object(media.id))).size == (400, 300)
            else:
                assert media.sha256 == hashlib.sha256(data).hexdigest()
    assert sandbox.worst <= 1, "two posts stood scheduled at the same time"


@pytest.mark.whole
@pytest.mark.xdist_group("kills")  # the drivers are started once
@pytest.mark.parametrize("name", SCENARIOS)
def test_a_kill_at_any_moment_leaves_exactly_one_post(
    name: str, matrix: Matrix, survived: Survived, drivers: SimpleQueue[Driver], in_memory: Path
) -> None:
    stages: dict[Driver, Stage] = {}

    def one(moment: int) -> dict[str, Any]:
        with borrowed(drivers) as driver:
            if driver not in stages:
                place = Path(tempfile.mkdtemp(dir=in_memory))
                stages[driver] = ends.enter_context(closing(Stage(SCENARIOS[name], place, driver)))
            try:
                return killed_at(moment, stages[driver])
            except AssertionError as error:
                error.add_note(f"killed at moment {moment}")
                raise

    with ExitStack() as ends, ThreadPoolExecutor(WORKERS) as threads:
        moments, running, killed, last = matrix.numbers(), set[Future[dict[str, Any]]](), 0, None
        while last is None or running:
            while last is None and len(running) < WORKERS:
                running.add(threads.submit(one, next(moments)))
            done, running = wait(running, return_when=FIRST_COMPLETED)
            for answer in (future.result() for future in done):
                killed += answer["killed"]
                last = last or (None if answer["killed"] else answer)
            assert killed < MOST
    survived(f"kills of the process: {name}", killed)
    assert killed * matrix.every > 20, "the moments were not found"


# --- two kills ---------------------------------------------------------------------------------------------------------


class Counted(World):
    """Checks at each effect that at most one post stands scheduled."""

    def effect(self, name: str) -> None:
        assert len(self.groups("scheduled")) <= 1
        super().effect(name)


def pairs_beginning_with(first: int, every: int, place: Path) -> int | None:
    """Kill at that effect, and after the restart at each in turn; how many were killed twice. None: no kill came at all.

    `every` takes one second effect of so many, each first effect another one of them to begin with.
    """
    content, time, pairs = "Swipe to see all", datetime(2025, 6, 4, 12, 0, tzinfo=UTC), 0
    with quick_searches():
        for second in itertools.count(1 + first % every, every):
            with Counted(place / f"{first}-{second}") as world:
                world.drop("launch", content, CAROUSEL, time)
                if not world.run_killed(first):
                    return None
                world.restart()
                twice = world.run_killed(second)
                if twice:
                    world.restart()
                    world.run_until_rest()
                try:
                    world.once("launch", content, CAROUSEL, time)
                except AssertionError as error:
                    error.add_note(f"killed at effect {first} and then at effect {second}")
                    raise
                if not twice:
                    return pairs
            pairs += 1
    raise AssertionError


@pytest.mark.whole
def test_every_pair_of_kills_of_a_carousel_leaves_exactly_one_post(
    matrix: Matrix, survived: Survived, in_memory: Path
) -> None:
    pairs, effects = 0, 0
    for first in itertools.count(1, 1 if matrix.every == 1 else 3):
        found = pairs_beginning_with(first, matrix.every, in_memory)
        if found is None:
            break
        pairs, effects = pairs + found, first
    survived(f"pairs of kills of a carousel (up to effect {effects})", pairs)
    assert effects > 20, "the effects were not found"
