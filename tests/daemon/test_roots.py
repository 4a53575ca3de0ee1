"""Watch roots that are away, replaced, unmounted, and back: none of that is a removal."""

from __future__ import annotations

import contextlib
import subprocess
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from postpost_sync.daemon import scanner
from postpost_sync.model.errors import Finding
from postpost_sync.model.program import RootState
from tests.support.drops import picture, sidecar
from tests.support.mounting import mount, mounted
from tests.support.rig import Rig, until
from tests.support.watched_roots import looked_after
from tests.support.world import World
from tests.support.world import picture as small


def test_a_root_replaced_by_another_is_compared_and_watched_anew(world: World) -> None:
    world.drop("old")
    with looked_after(world) as it:
        until(it.watching)
        world.root.rename(world.root.parent / "aside")
        world.root.mkdir()
        world.drop("new")
        until(lambda: it.folders() == ["old", "new"])
        until(it.watching)
        world.drop("later")
        until(lambda: "later" in it.folders())


def test_a_root_that_comes_later_and_goes_is_away_meanwhile(world: World) -> None:
    world.root.rmdir()
    with looked_after(world, poll=0.1) as it:
        assert (it.status.state, it.code()) == (RootState.AWAY, "ROOT_AWAY")
        world.root.mkdir()
        world.drop("post")
        until(lambda: it.folders() == ["post"])
        until(lambda: it.status.state is RootState.OK)  # said once the whole scan is over
        world.root.rename(world.root.parent / "aside")
        until(lambda: it.status.state is RootState.AWAY)
        (world.root.parent / "aside").rename(world.root)
        until(lambda: it.status.state is RootState.OK)


@pytest.mark.parametrize("left", [[], ["lost+found", ".keep"], ["NOT MOUNTED.txt"]], ids=str)
def test_an_unmounted_root_is_away_whatever_lies_beneath(world: World, left: list[str]) -> None:
    for name in left:
        (world.root / name).touch()
    made_ready: list[int] = []
    with mounted(world.root) as unmount:
        for name in ("one", "two"):
            world.drop(name)
        with looked_after(world, poll=0.1, ready=made_ready.append) as it:
            until(it.watching)
            made_ready.clear()
            unmount()
            until(lambda: it.status.state is RootState.AWAY)
            assert made_ready == []
            assert it.folders() == ["one", "two"]


def test_a_root_unmounted_and_mounted_again_between_two_looks_is_watched_again(world: World, tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    with mounted(world.root, "--bind", str(tmp_path / "disk")) as unmount, looked_after(world) as it:
        until(it.watching)
        unmount()
        subprocess.run(["mount", "--bind", str(tmp_path / "disk"), str(world.root)], check=True)  # noqa: S607
        world.drop("first")
        until(lambda: it.folders() == ["first"])
        until(it.watching)
        world.drop("second")
        until(lambda: it.folders() == ["first", "second"])


@pytest.mark.parametrize("on_remove", ["keep", "cancel"])
def test_a_post_whose_root_is_unmounted_stands(pp: Rig, on_remove: str) -> None:
    pp.configure(top=f"on_remove: {on_remove}\n")
    with mounted(pp.root) as unmount:
        pp.drop("post", sidecar(), {"a.jpg": picture()})
        with pp.daemon():
            pp.wait_for("post", "scheduled")
            unmount()
            until(lambda: pp.status()["roots"][0]["state"] == "away")
            (root,) = pp.status()["roots"]
            assert root["error"]["code"] == "ROOT_AWAY"
            assert pp.post("post")["state"] == "scheduled"
    assert [group.status for group in pp.groups()] == ["scheduled"]


@pytest.mark.parametrize("place", ["", "team"])
def test_what_was_bound_there_from_the_same_disk_and_is_not_now_was_not_removed(
    world: World, tmp_path: Path, place: str
) -> None:
    """The number of the device is the same, and something lies beneath the mount: another post even."""
    world.policy = replace(world.policy, cancel_removed=True)
    world.restart()
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere/readme.txt").touch()  # a root that is empty is away
    world.drop(f"{place}/beneath".strip("/"))
    with mounted(world.root / place, "--bind", str(tmp_path / "elsewhere")) as unmount:
        path = f"{place}/post".strip("/")
        world.drop(path, time=world.now + timedelta(days=3))
        with looked_after(world, poll=0.1) as it:
            until(lambda: it.folders() == [path] and it.roots.idle())
            world.wake(world.record(path).key, 0.0)
            world.run_until_rest()
            unmount()
            until(lambda: it.odd() == [("MOUNT_AWAY", "mount it again; their posts stand as they are")])
            assert [one.path for one in it.status.oddities] == [place]
            world.wake(world.record(path).key, 0.0)
            world.advance_time(7200)
            assert world.state(path) == "scheduled"
            assert mount(world.root / place, "--bind", str(tmp_path / "elsewhere"))
            until(lambda: it.odd() == [])
            world.remove(path)
            world.advance_time(7200)
            assert world.state(path) == "cancelled"


def test_all_posts_of_a_root_that_were_on_a_mount_below_it_may_be_removed(world: World) -> None:
    made_ready: list[int] = []
    (world.root / "readme.txt").touch()
    with mounted(world.root / "nas"):
        world.drop("nas/post")
        with looked_after(world, poll=0.1, ready=made_ready.append) as it:
            until(lambda: it.folders() == ["nas/post"] and it.watching())
            made_ready.clear()
            world.remove("nas/post")
            it.roots.scan_all()
            until(lambda: made_ready)
            until(it.roots.idle)
            assert it.status.state is RootState.OK


def test_a_root_replaced_by_one_without_posts_is_away(world: World) -> None:
    world.drop("post")
    with looked_after(world, poll=0.1) as it:
        until(lambda: it.folders() == ["post"])
        world.root.rename(world.root.parent / "aside")
        world.root.mkdir()
        (world.root / "readme.txt").touch()
        until(lambda: it.status.state is RootState.AWAY)
        assert it.status.error is not None
        assert it.status.error.message.endswith("another folder is there, without any of its posts")
        world.drop("later")
        until(lambda: it.folders() == ["post", "later"] and it.status.state is RootState.OK)


@pytest.mark.parametrize("by", ["a link", "a bind mount", "a bind mount below it"])
def test_a_root_that_turns_out_to_overlap_when_it_appears_is_said_and_not_served(
    world: World, tmp_path: Path, by: str
) -> None:
    """Each folder would be two posts, and both of them are found before either has a status file."""
    other = tmp_path / "other"
    (world.root / "inner").mkdir()
    with looked_after(world, poll=0.1, more=(other,)) as it:
        until(lambda: [status.state for status in it.roots.statuses()] == [RootState.OK, RootState.AWAY])
        with contextlib.ExitStack() as mounts:
            if by == "a link":
                other.symlink_to(world.root / "inner")
            else:
                place = other if by == "a bind mount" else other / "deep"
                place.mkdir(parents=True)
                mounts.enter_context(mounted(place, "--bind", str(world.root)))
            until(lambda: (it.roots.statuses()[1].error or Finding("", "")).code == "ROOTS_OVERLAP")
            world.drop("inner/post")
            until(lambda: it.folders() == ["inner/post"])
            it.roots.scan_all()
            until(it.roots.idle)
            assert [status.state for status in it.roots.statuses()] == [RootState.OK, RootState.AWAY]
            assert it.folders() == ["inner/post"]
        if by == "a link":
            other.unlink()
            other.mkdir()
        until(lambda: it.roots.statuses()[1].state is RootState.OK)  # what it leads to now is its own


@pytest.mark.parametrize("state", ["missing", "empty", "a file"])
def test_a_root_that_is_not_as_it_was_at_the_start_removes_nothing(world: World, state: str) -> None:
    world.policy = replace(world.policy, cancel_removed=True)
    world.restart()
    time_of_it = world.now + timedelta(days=3)
    world.drop("post", media={"a.jpg": small(1)}, time=time_of_it)
    world.run_until_rest()
    aside = world.root.rename(world.root.parent / "aside")
    if state == "empty":
        world.root.mkdir()
    elif state == "a file":
        world.root.touch()
    world.restart()
    for key in [record.key for record in world.store.records()]:
        world.wake(key, 0.0)
    world.run()
    world.pass_time(7200)
    for key in [record.key for record in world.store.records()]:
        world.wake(key, 0.0)
    world.run()
    assert [g.status for g in world.groups()] == ["scheduled"]
    if world.root.is_dir():
        world.root.rmdir()
    else:
        world.root.unlink(missing_ok=True)
    aside.rename(world.root)
    world.run_until_rest()
    world.once("post", "Fresh roast from the harbour", {"a.jpg": small(1)}, time_of_it)


def test_a_defect_at_a_root_is_shown_with_a_pause_and_over_once_it_was_compared(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scanner, "DEFECT_PAUSE", 1.0)
    met = []

    def defect(*_: object, **__: object) -> None:
        met.append(1)
        raise ZeroDivisionError("a defect")

    with monkeypatch.context() as patched:
        patched.setattr(scanner, "place_of", defect)
        with looked_after(world, poll=0.1) as it:
            until(lambda: it.code() == "DEFECT")
            assert it.status.state is RootState.DEGRADED
            until(lambda: len(met) == 2)
            world.drop("post")
            patched.undo()
            until(lambda: it.folders() == ["post"])
            until(lambda: it.code() is None)
    assert len(met) <= 3
