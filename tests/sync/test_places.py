"""Folders that change places keep their posts; what is asked of the places of others never holds up the rest."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from postpost_sync.disk import scan
from postpost_sync.model.folder import Folder
from postpost_sync.post.names import spelt_alike
from tests.support.mounting import mounted
from tests.support.rig import HANG
from tests.support.world import World, picture

NAMES = ("a", "b", "c")


def drop_all(world: World) -> None:
    for n, name in enumerate(NAMES):
        world.drop(name, f"words of {name}", {f"{name}.jpg": picture(n)}, world.now + timedelta(days=n + 1))
    world.run_until_rest()


def standing(world: World) -> dict[str, tuple[str | None, str]]:
    """path -> the id and the text of its folder's post."""
    return {
        record.path: (group.post_group_id, group.content)
        for record in world.store.records()
        for group in record.groups
        if group.stage == "scheduled"
    }


def rename(root: Path, *names: tuple[str, str]) -> None:
    """One after the other, from which to which."""
    for old, new in names:
        (root / old).rename(root / new)


def swap(root: Path) -> dict[str, str]:
    rename(root, ("a", ".x"), ("b", "a"), (".x", "b"))
    return {"a": "b", "b": "a", "c": "c"}


def rotate(root: Path) -> dict[str, str]:
    rename(root, ("a", ".x"), ("c", "a"), ("b", "c"), (".x", "b"))
    return {"a": "c", "b": "a", "c": "b"}


def shift(root: Path) -> dict[str, str]:
    rename(root, ("c", "0"), ("b", "c"), ("a", "b"))
    return {"0": "c", "b": "a", "c": "b"}


def swap_files(root: Path) -> dict[str, str]:
    """As sync programs do it, which know files alone."""
    for source, target in (("a", ".x"), ("b", "a"), (".x", "b")):
        (root / target).mkdir(exist_ok=True)
        for file in (root / source).iterdir():
            file.rename(root / target / file.name)
    return {"a": "b", "b": "a", "c": "c"}


def swap_copies(root: Path) -> dict[str, str]:
    """As onto another disk and back: every inode is new."""
    for name in ("a", "b"):
        shutil.copytree(root / name, root / f".{name}")
        shutil.rmtree(root / name)
    rename(root, (".a", "b"), (".b", "a"))
    return {"a": "b", "b": "a", "c": "c"}


def swap_files_slowly(root: Path) -> dict[str, str]:
    """The same, and the status files last of all: until then each sidecar alone looks like an edit."""
    files = {name: {file.name: file.read_bytes() for file in (root / name).iterdir()} for name in ("a", "b")}
    for name, other in (("a", "b"), ("b", "a")):
        (root / name / f"{name}.jpg").unlink()
        for file, data in files[other].items():
            if file != "post.status.yaml":
                (root / name / file).write_bytes(data)
    return {"a": "b", "b": "a", "c": "c"}


Moves = Callable[[Path], dict[str, str]]
BY_FILES_ALONE: tuple[Moves, ...] = (swap, rotate, shift)
BY_STATUS_FILE: tuple[Moves, ...] = (*BY_FILES_ALONE, swap_files, swap_copies)


def writes(world: World) -> list[str]:
    reading = {"list-posts", "get-post", "platform-connections"}
    return [call.name for call in world.sandbox.calls if call.name not in reading]


@pytest.mark.parametrize("first", ["a scan", "a worker", "a worker, the last one first"])
@pytest.mark.parametrize(
    ("moves", "status_files"),
    [(one, True) for one in BY_STATUS_FILE] + [(one, False) for one in BY_FILES_ALONE],
    ids=lambda value: value.__name__ if callable(value) else "with status files" if value else "without",
)
def test_folders_that_change_places_take_their_posts_along(
    world: World, moves: Moves, status_files: bool, first: str
) -> None:
    drop_all(world)
    before, done = standing(world), len(writes(world))
    if not status_files:
        for name in NAMES:
            (world.root / name / "post.status.yaml").unlink()
    came_from = moves(world.root)
    if first != "a scan":
        keys = [record.key for record in world.store.records()]
        for key in reversed(keys) if "last" in first else keys:
            world.wake(key, 0.0)
        world.run()
    world.run_until_rest()
    world.advance_time(3600)
    assert standing(world) == {now: before[was] for now, was in came_from.items()}
    assert writes(world)[done:] == []
    said = {
        path: (world.root / path / "post.status.yaml").read_text() for path, was in came_from.items() if path != was
    }
    assert all(f"path: '{path}'" in text or f"path: {path}\n" in text for path, text in said.items())
    assert all(str(before[came_from[path]][0]) in text for path, text in said.items())


def test_files_that_change_places_are_followed_when_the_status_files_arrive_last(world: World) -> None:
    drop_all(world)
    before, done = standing(world), len(writes(world))
    said = {name: (world.root / name / "post.status.yaml").read_bytes() for name in NAMES}
    came_from = swap_files_slowly(world.root)
    world.look_around()
    world.advance_time(1.0)  # of the 2 s in which it settles
    for now, was in came_from.items():
        (world.root / now / "post.status.yaml").write_bytes(said[was])
    world.run_until_rest()
    assert standing(world) == {now: before[was] for now, was in came_from.items()}
    assert writes(world)[done:] == []


def test_a_copy_over_another_folder_takes_nothing_from_one_that_is_away(world: World) -> None:
    """Its place is empty because its disk is not mounted, and not because it was moved."""
    place = world.root / "disk"
    with mounted(place) as unmount:
        world.drop("disk/a", "words of a", time=world.now + timedelta(days=1))
        world.drop("b", "words of b", time=world.now + timedelta(days=2))
        world.run_until_rest()
        before = standing(world)
        for file in (world.root / "disk/a").iterdir():
            shutil.copy(file, world.root / "b" / file.name)
        unmount()
        world.run_until_rest()
        assert standing(world)["disk/a"] == before["disk/a"]
        assert standing(world).keys() == {"disk/a", "b"}


def test_a_folder_that_changed_places_and_was_edited_is_edited_at_its_new_place(world: World) -> None:
    drop_all(world)
    before = standing(world)
    swap(world.root)
    sidecar = world.root / "a/post.yaml"
    sidecar.write_text(sidecar.read_text().replace("words of b", "better words of b"))
    world.run_until_rest()
    now = standing(world)
    assert (now["b"], now["c"]) == (before["a"], before["c"])
    assert now["a"][1] == "better words of b"
    assert sorted(group.content for group in world.groups("scheduled")) == [
        "better words of b",
        "words of a",
        "words of c",
    ]


def test_a_post_that_is_out_is_not_posted_again_by_a_swap(world: World) -> None:
    drop_all(world)
    world.advance_time(86400 + 3600)
    assert world.state("a") == "published"
    done = len(writes(world))
    swap(world.root)
    world.run_until_rest()
    assert (world.state("b"), world.state("a")) == ("published", "scheduled")
    assert writes(world)[done:] == []


def test_a_folder_that_says_it_is_another_that_is_still_there_is_edited_where_it_is(world: World) -> None:
    drop_all(world)
    before = standing(world)
    shutil.copy(world.root / "a/post.status.yaml", world.root / "b/post.status.yaml")
    sidecar = world.root / "b/post.yaml"
    sidecar.write_text(sidecar.read_text().replace("words of b", "the attacker's"))
    world.run_until_rest()
    now = standing(world)
    assert (now["a"], now["c"]) == (before["a"], before["c"])
    assert now["b"][1] == "the attacker's"


@pytest.mark.parametrize("edited", [False, True], ids=["as it was", "and edited"])
@pytest.mark.parametrize(("was", "becomes"), [("Café", "café"), ("Café", "Cafe\u0301"), ("x/Post", "X/post")])
def test_a_folder_under_another_spelling_is_the_same_where_a_share_sees_no_difference(
    world: World, monkeypatch: pytest.MonkeyPatch, was: str, becomes: str, edited: bool
) -> None:
    """Stands for vfat, SMB and macOS: there the old spelling goes on leading to the folder."""
    descend = scan.descend

    def whatever_the_case(root: str, path: str) -> Any:
        spelt = (str(one.relative_to(root)) for one in Path(root).rglob("*") if one.is_dir())
        return descend(root, next((one for one in spelt if spelt_alike(one, path)), path))

    world.drop(was, time=world.now + timedelta(days=1))
    world.run_until_rest()
    (before,) = world.groups()
    monkeypatch.setattr(scan, "descend", whatever_the_case)
    if "/" in was:
        (world.root / "x").rename(world.root / "X")
        (world.root / "X/Post").rename(world.root / "X/post")
    else:
        (world.root / was).rename(world.root / becomes)
    if edited:
        sidecar = world.root / becomes / "post.yaml"
        sidecar.write_text(sidecar.read_text().replace("Fresh", "Fresher"))
    world.run_until_rest()
    assert [record.path for record in world.store.records()] == [becomes]
    (after,) = world.groups()
    assert (after.content.startswith("Fresher"), after.id != before.id) == (edited, edited)


def test_asking_a_place_that_does_not_answer_keeps_nobody_from_what_is_known(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    drop_all(world)
    asked, go_on, look = threading.Event(), threading.Event(), scan.look

    def hangs(root: str, path: str, names: Any) -> Folder | None:
        asked.set()
        go_on.wait(60)
        return look(root, path, names)

    (world.root / "a").rename(world.root / "moved")
    (folder,) = [one for one in scan.walk(str(world.root), world.names) if one.path == "moved"]
    assert isinstance(folder, Folder)
    monkeypatch.setattr(scan, "look", hangs)
    thread = threading.Thread(target=world.watched.places.notice, args=(folder, world.now))
    thread.start()
    try:
        assert asked.wait(HANG)
        assert set(world.watched.folders.below(str(world.root))) == set(NAMES)
    finally:
        go_on.set()
        thread.join()
    assert set(world.watched.folders.below(str(world.root))) == {"moved", "b", "c"}
