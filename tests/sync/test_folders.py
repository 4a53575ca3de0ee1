"""What is kept in memory of folders, and for how long."""

from __future__ import annotations

import gc
import threading
from collections import Counter
from datetime import timedelta
from pathlib import Path

import pytest

from postpost_sync.model.folder import Folder
from postpost_sync.model.record import Record
from postpost_sync.model.states import State
from postpost_sync.store import connection
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


def test_of_a_post_that_is_out_no_more_is_kept_than_where_its_folder_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So that years of posts are no more memory than the index of those that are there, and a few records at hand."""
    monkeypatch.setattr(connection, "RECENT", 3)
    with World(tmp_path) as world:
        (world.root / "readme.txt").touch()
        _post_and_tidy(world, range(5))
        before = _kept()
        _post_and_tidy(world, range(5, 25))
        assert _kept() - before == {"Known": 10}  # those that are there
        assert {world.sync.order.time(record.key) for record in world.store.records()} == {0.0}


def _post_and_tidy(world: World, numbers: range) -> None:
    """Posts that go out, one after the other; of every second one the folder is removed then."""
    for n in numbers:
        world.drop(f"post {n}", f"words {n}", {f"{n}.jpg": picture(n)}, world.now + timedelta(minutes=10))
        world.run_until_rest(60)
    world.run_until_rest(3600)
    for n in numbers[::2]:
        world.remove(f"post {n}")
    world.run_until_rest(3600)
    world.pass_time(ECHO + 1)
    world.watched.folders.renumber(str(world.root))  # as after each rescan


def _kept() -> Counter[str]:
    """Objects of ours, by kind; those of the simulated service are not."""
    gc.collect()
    kinds = [type(one) for one in gc.get_objects()]
    return Counter(
        one.__qualname__
        for one in kinds
        if str(one.__module__).startswith("postpost_sync.") and "sandbox" not in one.__module__
    )


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


def test_a_removed_folder_is_not_looked_for_again_and_seen_once_it_is_back(world: World) -> None:
    """Who tidies away what is out has more folders that are gone than there are: each rescan would look for all of them."""
    (world.root / "readme.txt").touch()
    for name in NAMES:
        world.drop(name, f"words of {name}", time=world.now + timedelta(minutes=10))
    world.run_until_rest()
    (world.root / "a").rename(world.root.parent / "a")
    world.look_around()
    assert world.ready, "what it means that it is gone is found out"
    world.run_until_rest()
    world.look_around()
    assert not world.ready
    (world.root.parent / "a").rename(world.root / "a")
    world.look_around()
    assert list(world.ready) == [world.record("a").key]
    world.run_until_rest()
    assert (world.record("a").missed_at, len(world.sandbox.groups())) == (None, len(NAMES))
