"""What is kept in memory of folders, and for how long."""

from __future__ import annotations

import threading
from datetime import timedelta
from pathlib import Path

import pytest

from postpost_sync.model.folder import Folder
from postpost_sync.model.record import Record
from postpost_sync.model.states import State
from postpost_sync.sync.folders import ECHO
from tests.support.rig import HANG
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


def test_a_folder_that_is_moved_just_when_it_is_taken_to_mind_is_looked_at_where_it_is(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.drop("a", "words", time=world.now + timedelta(days=1))
    world.run_until_rest()
    key = world.record("a").key
    folders, read = world.watched.folders, world.store.record
    folders._out_of_mind(key)
    (world.root / "a").rename(world.root / "b")
    moved, taken_to_mind, noticed = threading.Event(), threading.Event(), folders.noticed

    def noticed_later(key: int, folder: Folder) -> bool:
        moved.set()
        taken_to_mind.wait(HANG)
        return noticed(key, folder)

    def moved_meanwhile(key: int) -> Record | None:
        found = read(key)
        monkeypatch.setattr(world.store, "record", read)
        noticing.start()
        moved.wait(0.5)  # it should have to wait
        return found

    noticing = threading.Thread(target=world.look_around)
    monkeypatch.setattr(folders, "noticed", noticed_later)
    monkeypatch.setattr(world.store, "record", moved_meanwhile)
    folders.get(key)
    taken_to_mind.set()
    noticing.join(HANG)
    look = folders.get(key)
    assert look is not None
    assert (look.path, world.record("b").key) == ("b", key)
