"""Watch roots that are away, replaced, unmounted, and back: none of that is a removal."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from postpost_sync.models import RootState
from tests.harness import World
from tests.harness import picture as small
from tests.looked import looked_after
from tests.mounting import mounted
from tests.support import Rig, until
from tests.test_pipeline import picture, sidecar


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
