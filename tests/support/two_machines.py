"""Two machines with an installation each, and the sync client of a person between their trees.

It carries files over one by one, in any order, some seconds late. The newest wins; a file that was deleted on one side is
deleted on the other, unless it was changed there meanwhile.
"""

from __future__ import annotations

import contextlib
import os
import random
import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from postpost_sync.model.states import State
from tests.support.world import Killed, World, picture

TICK = 0.5  # seconds
STANDING = frozenset({"scheduled", "processing", "published"})

_Seen = tuple[int, bytes]  # when a file was written, and what is in it


class Second(World):
    """Another machine: a tree and a database of its own, the same account."""

    def __init__(self, first: World, place: Path) -> None:
        place.mkdir()
        super().__init__(place, policy=first.policy)
        self.store.close()
        self.sandbox.close()
        self.sandbox, self.instance, self.now = first.sandbox, "the second one", first.now
        self.start()


@dataclass(frozen=True)
class _Copy:
    """On its way to the other machine."""

    due: float  # monotonic
    to: World
    path: str
    carried: _Seen | None  # None: it was deleted


class Pair:
    """Both, and the sync client between them."""

    def __init__(self, first: World, place: Path, chance: random.Random, delay: float) -> None:
        self.machines = first, Second(first, place)
        self.chance, self.delay = chance, delay
        self.ended: set[World] = set()  # whose daemon runs no more; its tree is synced all the same
        self.excused: set[str] = set()  # the folders of which README promises less, as long as things are under way
        self._known: dict[str, _Seen] = {}  # as both had it last
        self._copies: list[_Copy] = []
        self._calls = 0  # of PostPost, when that was last checked

    def close(self) -> None:
        self.machines[1].store.close()

    def other(self, world: World) -> World:
        first, second = self.machines
        return second if world is first else first

    def run(self, seconds: float) -> None:
        ends = self.machines[0].monotonic + seconds
        while self.machines[0].monotonic < ends:
            self._sync()
            for world in self.machines:
                self._let_work(world)
            if len(self.machines[0].sandbox.calls) != self._calls:  # nothing else can make a post stand
                self.check()
            self._pass_time()

    def settle(self) -> None:
        """The sync client is through, and both come to rest."""
        for _ in range(8):
            self.run(30)
            self.delay = 0.0
        if not self.ended:  # what one that runs no more has made, only a person takes back
            self.excused = {folder for folder in self.excused if self._asks(folder)}
        self.check()

    def _asks(self, folder: str) -> bool:
        """Whether a person is asked about it, since both machines have a post of it."""
        records = (record for world in self.machines for record in world.store.records() if record.state is State.HELD)
        return any(folder_of(group.content) == folder for record in records for group in record.groups)

    def _let_work(self, world: World) -> None:
        if world in self.ended:
            return
        try:
            if self.chance.random() < 0.3:
                world.look_around()
            for _ in range(self.chance.randrange(8)):
                world.step()
        except Killed:
            world.restart()

    def _pass_time(self) -> None:
        first, second = self.machines
        first.pass_time(TICK)
        second.pass_time(TICK)
        second.now = first.now
        for world in self.machines:
            for key in [key for key, at in world.due.items() if at <= world.monotonic]:
                world.wake(key, 0.0)

    # --- the sync client ---

    def _sync(self) -> None:
        now = self.machines[0].monotonic
        for one in [one for one in self._copies if one.due <= now]:
            self._copies.remove(one)
            if one.carried is None:
                self._delete(one.to.root, one.path)
            else:
                self._put(one.to.root, one.path, one.carried)
        on_their_way = {(one.to, one.path, one.carried and one.carried[0]) for one in self._copies}
        trees = {world: _files(world.root) for world in self.machines}
        for here, there in (self.machines, self.machines[::-1]):
            for path, seen in trees[here].items():
                if self._known.get(path) == seen or (there, path, seen[0]) in on_their_way:
                    continue
                if path in trees[there] and trees[there][path][1] == seen[1]:
                    continue
                self._send(there, path, seen)
            for path in sorted(trees[there].keys() - trees[here].keys()):
                if self._known.get(path) == trees[there][path] and (there, path, None) not in on_their_way:
                    self._send(there, path, None)

    def _send(self, to: World, path: str, seen: _Seen | None) -> None:
        self._copies.append(_Copy(self.machines[0].monotonic + self.chance.uniform(0.0, self.delay), to, path, seen))

    def _put(self, root: Path, path: str, seen: _Seen) -> None:
        place, (at, data) = root / path, seen
        if place.exists() and (place.stat().st_mtime_ns >= at or place.read_bytes() == data):
            return  # the newest wins
        place.parent.mkdir(parents=True, exist_ok=True)
        temporary = place.with_name(f".syncthing.{place.name}.tmp")
        temporary.write_bytes(data)
        os.utime(temporary, ns=(at, at))
        os.replace(temporary, place)
        self._known[path] = seen

    def _delete(self, root: Path, path: str) -> None:
        place = root / path
        if place.exists() and self._known.get(path) == (place.stat().st_mtime_ns, place.read_bytes()):
            place.unlink()
            with contextlib.suppress(OSError):  # something else is in it
                place.parent.rmdir()
            self._known.pop(path)

    # --- the promise ---

    def check(self) -> None:
        """No two posts of one folder stand."""
        self._calls = len(self.machines[0].sandbox.calls)
        groups = [group for group in self.machines[0].groups() if group.status in STANDING]
        on = Counter((folder_of(group.content), account) for group in groups for account in group.platforms)
        twice = {folder for (folder, _), count in on.items() if count > 1}
        assert twice <= self.excused, [group for group in groups if folder_of(group.content) in twice - self.excused]


def _files(root: Path) -> dict[str, _Seen]:
    """What a tree holds, by the path in it and in one order whatever the disk's is."""
    return dict(sorted(_found(str(root), "")))


def _found(root: str, below: str) -> Iterator[tuple[str, _Seen]]:
    with os.scandir(root) as entries:
        for entry in entries:
            path = below + entry.name
            if entry.is_dir():
                yield from _found(entry.path, f"{path}/")
            elif not entry.name.startswith("."):
                with open(entry.path, "rb", buffering=0) as file:
                    yield path, (entry.stat().st_mtime_ns, file.readall())


def folder_of(content: str) -> str:
    """What its people would call one folder, whatever it was edited to."""
    found = re.match(r"\[\d+\]", content)
    assert found is not None
    return found[0]


def drop(world: World, number: int, version: int, media: int, hours: float, name: str = "") -> None:
    """Somebody writes that folder on that machine, or edits it there."""
    pictures = {f"{n}.jpg": picture(n) for n in range(media)}
    time = world.now.replace(microsecond=0) + timedelta(hours=hours)
    world.drop(name or f"post{number}", f"[{number}] version {version}", pictures, time)


def say(world: World, name: str, word: Callable[..., object], *told: object) -> None:
    """A person's word about a folder on that machine, as the commands write it down: a process of their own does."""
    kill_at, world._kill_at = world._kill_at, None
    for record in world.store.records():
        if record.path == name:
            world.store.change(record.key, word, *told)  # type: ignore[arg-type]  # each word has its own arguments
            world.wake(record.key, 0.0)
    world._kill_at = kill_at
