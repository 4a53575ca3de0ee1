"""Names that are swapped with a folder that was dropped a moment ago: each post goes where its folder went, and stays one."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from tests.support.matrices import Matrix, Survived
from tests.support.world import NewWorld, World, picture

OLD, NEW = {"old.jpg": picture(1)}, {"new.jpg": picture(2)}
PLACES = {"side by side": ("a", "b"), "across parents": ("x/a", "y/b"), "one within": ("a", "a b/c/b")}


def swap(root: Path, one: str, other: str) -> None:
    aside = root / ".aside"
    os.rename(root / one, aside)
    os.rename(root / other, root / one)
    os.rename(aside, root / other)


def over(root: Path, one: str, other: str) -> None:
    """The old folder moves out of the way, and the new one takes its name."""
    os.rename(root / one, root / "moved away")
    os.rename(root / other, root / one)


def edit(root: Path, name: str) -> None:
    sidecar = root / name / "post.yaml"
    sidecar.write_text(sidecar.read_text().replace("text", "text, edited"))


def begin(world: World, place: str, old: str, media: bool) -> tuple[str, str]:
    """`a` stands scheduled, or went on to another state; `b` was dropped just now."""
    a, b = PLACES[place]
    time = (world.now + timedelta(days=1)).replace(microsecond=0)
    world.drop(a, "old text", OLD if media else {}, None if old == "drafted" else time)
    if old == "uploading":
        world.look_around()
        world.pass_time(2.5)
        for key in list(world.due):
            world.wake(key, 0.0)
        for _ in range(3):
            world.step()
    else:
        world.run_until_rest()
    world.drop(b, "new text", NEW if media else {}, time)
    return a, b


def finish(world: World) -> list[tuple[str, str]]:
    world.run_until_rest(600)
    for _ in range(3):
        world.advance_time(600)
    return sorted((group.content, group.status) for group in world.groups())


def being_made(world: World) -> None:
    world.look_around()
    world.run()
    world.pass_time(2.5)
    for key in list(world.due):
        world.wake(key, 0.0)
    for _ in range(3):
        world.step()


def seen_and_taken(world: World) -> None:
    world.look_around()
    world.run()


SEEN: dict[str, Callable[[World], object]] = {
    "not seen": lambda world: None,
    "seen": World.look_around,
    "seen and taken": seen_and_taken,
    "being made": being_made,
}


@pytest.mark.whole
@pytest.mark.parametrize("seen", SEEN)
@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("moves", [swap, over])
@pytest.mark.parametrize("edited", ["", "the old one", "the new one"])
@pytest.mark.parametrize("status_files", [True, False], ids=["status files", "no status files"])
@pytest.mark.parametrize("restart", [True, False], ids=["restarted", "running"])
def test_each_post_goes_where_its_folder_went(
    world: World,
    seen: str,
    place: str,
    moves: Callable[[Path, str, str], None],
    edited: str,
    status_files: bool,
    restart: bool,
) -> None:
    a, b = begin(world, place, "scheduled", True)
    SEEN[seen](world)
    if not status_files:
        for file in world.root.rglob("post.status.yaml"):
            file.unlink()
    moves(world.root, a, b)
    now_old = b if moves is swap else "moved away"
    if edited:
        edit(world.root, now_old if edited == "the old one" else a)
    if restart:
        world.restart()
    found = finish(world)
    old = "old text, edited" if edited == "the old one" else "old text"
    new = "new text, edited" if edited == "the new one" else "new text"
    expected = [(old, "scheduled"), (new, "scheduled")]
    if not status_files and edited == "the old one" and moves is over and seen == "being made":
        # moved, edited, and without its word: one was removed, another dropped
        expected.append(("old text", "scheduled"))
        assert [one.path for one in world.store.records() if one.missed_at is not None] == [b]
        assert any(one.code == "FOLDER_REMOVED" for one in world.record(b).warnings)
        now_old = b
    assert found == sorted(expected)
    # without its status file, and edited, a folder is another one: then the one that it was is gone
    said = {record.path: record.state for record in world.store.records() if record.state != "cancelled"}
    assert {a: "scheduled", now_old: "scheduled"}.items() <= said.items()
    assert set(said.values()) == {"scheduled"}


@pytest.mark.whole
@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("moves", [swap, over])
@pytest.mark.parametrize("old", ["scheduled", "uploading", "drafted"])
def test_whatever_is_killed_meanwhile_each_post_stands_once(
    new_world: NewWorld,
    place: str,
    moves: Callable[[Path, str, str], None],
    old: str,
    matrix: Matrix,
    survived: Survived,
) -> None:
    """Killed at an effect after the new folder was dropped, swapped then, and killed once more at each effect from there."""
    count = 0
    for first in itertools.count(1, 4 if matrix.every == 1 else 12):
        for second in matrix.numbers():
            world = new_world()
            a, b = begin(world, place, old, True)
            ended = not world.run_killed(first, 600)
            moves(world.root, a, b)
            world.restart()
            last = not world.run_killed(second, 600)
            if not last:
                world.restart()
            count += 1
            expected = sorted([("old text", "draft" if old == "drafted" else "scheduled"), ("new text", "scheduled")])
            assert finish(world) == expected, (first, second, world.effects[-1:])
            if last:
                break
        if ended or first > 40:
            break
    survived("pairs of kills beside names that were swapped", count)


@pytest.mark.parametrize("seen", SEEN)
@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("moves", [swap, over])
@pytest.mark.parametrize("restart", [True, False], ids=["restarted", "running"])
def test_what_is_out_and_was_edited_is_not_posted_again_under_the_other_name(
    world: World, seen: str, place: str, moves: Callable[[Path, str, str], None], restart: bool
) -> None:
    a, b = PLACES[place]
    world.drop(a, "old text", OLD, world.now + timedelta(minutes=5))
    world.run_until_rest(600)
    assert world.record(a).state == "published"
    world.drop(b, "new text", NEW, (world.now + timedelta(days=1)).replace(microsecond=0))
    SEEN[seen](world)
    edit(world.root, a)
    moves(world.root, a, b)
    if restart:
        world.restart()
    assert finish(world) == [("new text", "scheduled"), ("old text", "published")]
    now_old = b if moves is swap else "moved away"
    assert {one.path: one.state for one in world.store.records()} == {a: "scheduled", now_old: "published"}
