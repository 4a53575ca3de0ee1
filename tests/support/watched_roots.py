"""The roots of a world, looked after as the daemon does: what the tests of roots share."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from postpost_sync.config.load import Api, Root
from postpost_sync.daemon.roots import Roots
from postpost_sync.log import Log
from postpost_sync.model.post import Policy
from postpost_sync.model.program import RootStatus
from tests.support.rig import until
from tests.support.world import World


class Looked:
    """The roots of a world, looked after as the daemon does; what was made ready for the workers."""

    def __init__(self, world: World, roots: Roots) -> None:
        self.world, self.roots = world, roots

    @property
    def status(self) -> RootStatus:
        return self.roots.statuses()[0]

    def code(self) -> str | None:
        return self.status.error.code if self.status.error else None

    def odd(self) -> list[tuple[str, str]]:
        """The code and the hint of each oddity that is shown."""
        return [(one.finding.code, one.finding.hint) for one in self.status.oddities]

    def watching(self) -> bool:
        return self.status.observer == "native" and self.roots.idle()

    def scanner(self) -> Any:
        return next(iter(self.roots._scanners.values()))

    def folders(self) -> list[str]:
        return [record.path for record in self.world.store.records()]


@contextmanager
def looked_after(
    world: World,
    observer: str = "auto",
    poll: float = 3600.0,
    more: tuple[Path, ...] = (),
    ready: Callable[[int], None] = lambda _: None,
) -> Iterator[Looked]:
    """`poll`: an hour where notifications alone are to be heard of."""
    found = [Root(path, Api(), Policy(), observer, poll) for path in (world.root, *more)]
    errors: list[Exception] = []
    roots = Roots(
        found, world.watched, world.store, ready=ready, silent=world.sync.go_on_without, fatal=errors.append, log=Log()
    )
    ended = threading.Event()

    def look_after() -> None:
        while not ended.wait(0.05):
            roots.look_after()

    thread = threading.Thread(target=look_after)
    roots.start()
    thread.start()
    try:
        until(roots.scanned)
        yield Looked(world, roots)
    finally:
        ended.set()
        thread.join()
        roots.stop(5)
        assert not roots.alive()
        assert errors == []
