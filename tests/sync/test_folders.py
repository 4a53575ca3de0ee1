"""What is kept in memory of folders, and for how long."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from postpost_sync.model.states import State
from postpost_sync.sync.folders import ECHO
from tests.support.world import World, picture

NAMES = ("a", "b", "c")


@pytest.mark.parametrize("there", [True, False], ids=["there", "removed"])
def test_nothing_is_kept_in_mind_of_a_post_that_goes_out_much_later(tmp_path: Path, *, there: bool) -> None:
    """A year of posts, tidied away once they stood scheduled, would be a year of timers."""
    with World(tmp_path, far=60.0) as world:
        (world.root / "readme.txt").touch()
        for n, name in enumerate(NAMES):
            world.drop(name, f"words of {name}", {f"{name}.jpg": picture(n)}, world.now + timedelta(days=n + 1))
        world.run_until_rest()
        if not there:
            for name in NAMES:
                world.remove(name)
        world.advance_time(700)
        world.look_around()
        world.run()
        world.pass_time(ECHO + 1)
        world.watched.folders.renumber(str(world.root))  # as after each rescan
        assert (world.watched.folders.in_memory(), world.due) == ([], {})
        assert [record.state for record in world.store.records()] == [State.SCHEDULED] * 3
        before = world.now
        world.pass_time(86400)
        for key in world.store.due(before, world.now):
            world.wake(key, 0.0)
        world.run_until_rest(600)
        assert world.state("a") is State.PUBLISHED
