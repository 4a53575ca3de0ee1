"""How often `post.status.yaml` is written: a sync client carries it each time."""

from __future__ import annotations

from datetime import timedelta

import pytest

from postpost_sync.disk import status_file
from tests.support.world import World, picture


def test_progress_does_not_rewrite_the_status_file(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[str] = []
    write = status_file.write

    def noted(folder: int, content: str, *, first: bool = False) -> None:
        written.append(content.splitlines()[0])
        write(folder, content, first=first)

    monkeypatch.setattr(status_file, "write", noted)
    world.drop("one", "one", {"1.jpg": picture(1)}, time=world.now + timedelta(days=1))
    world.run_until_rest()
    of_one = len(written)
    world.drop("four", "four", {f"{n}.jpg": picture(n) for n in range(4)}, time=world.now + timedelta(days=2))
    world.run_until_rest()
    assert written[-1].startswith("# Scheduled for ")
    assert len(written) == 2 * of_one, written
