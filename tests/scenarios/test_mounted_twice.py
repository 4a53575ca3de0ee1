"""Mounts below a watch root that show what is seen elsewhere below it: each folder is one post, whatever is mounted where."""

from __future__ import annotations

import contextlib
import json
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from postpost_sync.daemon import scanner
from postpost_sync.disk import mounts
from tests.support.drops import hashes, picture, sent, sidecar
from tests.support.mounting import mount, mounted, unmount
from tests.support.rig import Rig, until
from tests.support.watched_roots import Looked, looked_after
from tests.support.world import World

Bind = Callable[[str | Path, str], Callable[[], bool]]


def twice(it: Looked) -> list[str]:
    """Where something is mounted twice; what else is odd with its code."""
    odd = [(one.path, one.finding.code) for one in it.status.oddities]
    return [path if code == "MOUNTED_TWICE" else f"{code} {path}" for path, code in odd]


def codes_checked(pp: Rig, *paths: Path) -> dict[str, str | None]:
    """The code of what is wrong with each folder, as `check` has it."""
    pp.output()
    pp.command("check", "--offline", "--json", *map(str, paths))
    posts = json.loads(pp.output()[0])["posts"]
    return {post["folder"]: next((error["code"] for error in post["errors"]), None) for post in posts}


@pytest.fixture
def bind(world: World) -> Iterator[Bind]:
    """Binds a folder to a place below the root; what comes back takes it away."""
    with contextlib.ExitStack() as stack:

        def bound(source: str | Path, place: str) -> Callable[[], bool]:
            for folder in (world.root / source, world.root / place):
                folder.mkdir(parents=True, exist_ok=True)
            return stack.enter_context(mounted(world.root / place, "--bind", str(world.root / source)))

        yield bound


@pytest.mark.parametrize(
    ("source", "place", "again"),
    [
        pytest.param("", "b/sub", "b/sub", id="the root in itself"),
        pytest.param("x", "y", "y", id="a folder of it"),
        pytest.param("x/a", "x/b", "x/b", id="a post folder"),
        pytest.param("x", "x/a/within", "x/a/within", id="a folder in itself"),
        pytest.param("..", "b", "b/posts", id="what the root lies in"),
    ],
)
def test_a_folder_that_a_mount_shows_a_second_time_is_posted_once(pp: Rig, source: str, place: str, again: str) -> None:
    data = picture()
    pp.drop("x/a", sidecar(), {"a.jpg": data})
    (pp.root / place).mkdir(parents=True, exist_ok=True)
    with mounted(pp.root / place, "--bind", str((pp.root / source).resolve())):
        pp.run_once()
        assert [sent(group) for group in pp.groups()] == [hashes(data)]
        shown = {post["folder"]: (post["error"] or {}).get("code") for post in pp.status()["posts"]}
        assert shown == {str(pp.root / "x/a"): None, str(pp.root / again): "MOUNTED_TWICE"}
        assert codes_checked(pp) == shown
        assert codes_checked(pp, pp.root / again) == {str(pp.root / again): "MOUNTED_TWICE"}


def test_what_is_mounted_below_a_root_from_outside_is_served(world: World, bind: Bind, tmp_path: Path) -> None:
    bind(tmp_path / "outside", "team")
    world.drop("team/post")
    with looked_after(world) as it:
        assert it.folders() == ["team/post"]
        assert twice(it) == []


def test_a_folder_bound_to_itself_is_served(world: World, bind: Bind) -> None:
    world.drop("x/post")
    bind("x", "x")
    with looked_after(world) as it:
        assert it.folders() == ["x/post"]
        assert twice(it) == []


def test_a_folder_bound_from_an_ignored_one_is_served(world: World, bind: Bind) -> None:
    bind(".hidden/x", "x")
    bind("x", ".hidden/y")
    world.drop("x/post")
    with looked_after(world) as it:
        assert it.folders() == ["x/post"]
        assert twice(it) == []


def test_a_folder_bound_to_where_another_mount_covers_it_is_served(world: World, bind: Bind, tmp_path: Path) -> None:
    world.drop("x/post")
    bind("x", "y")
    bind(tmp_path / "outside", "x")
    world.drop("x/other")
    with looked_after(world) as it:
        assert sorted(it.folders()) == ["x/other", "y/post"]
        assert twice(it) == []


def test_a_file_bound_to_another_is_nothing_odd(world: World) -> None:
    world.drop("post", media={"a.jpg": picture()})
    (world.root / "notes.txt").touch()
    (world.root / "other.txt").touch()
    with mounted(world.root / "nothing"):  # skips where mounting is not possible
        assert mount(world.root / "other.txt", "--bind", str(world.root / "notes.txt"))
        try:
            with looked_after(world) as it:
                assert twice(it) == []
        finally:
            unmount(world.root / "other.txt")


def test_of_what_is_mounted_twice_from_outside_that_place_is_served_that_has_posts(
    world: World, bind: Bind, tmp_path: Path
) -> None:
    bind(tmp_path / "outside", "one/b")
    world.drop("one/b/post")
    with looked_after(world, poll=0.1) as it:
        until(lambda: it.folders() == ["one/b/post"])
        bind(tmp_path / "outside", "one/a")
        bind(tmp_path / "outside", "one/c")
        until(lambda: twice(it) == ["one/a", "one/c"])
        world.drop("one/a/later")
        until(lambda: it.folders() == ["one/b/post", "one/b/later"])
    with looked_after(world) as it:
        assert twice(it) == ["one/a", "one/c"]
        assert it.folders() == ["one/b/post", "one/b/later"]


def test_mounts_in_mounts_end(world: World, bind: Bind, tmp_path: Path) -> None:
    world.drop("x/post")
    bind("", "x/root")
    bind("x/root/x", "y")
    bind("", "y/again")
    bind(tmp_path / "outside", "z")
    bind("z", "z/z")
    world.drop("z/post")
    with looked_after(world) as it:
        until(it.watching)
        assert sorted(it.folders()) == ["x/post", "z/post"]
        assert sorted(twice(it)) == ["x/root", "y", "z/z"]


@pytest.mark.parametrize(("source", "place"), [("", "b/sub"), ("x", "y"), ("x", "a")])
def test_what_changes_in_a_folder_that_is_mounted_twice_is_heard_of(
    world: World, bind: Bind, source: str, place: str
) -> None:
    """The kernel tells it of one of the places alone; there is no polling here."""
    world.drop("x/post")
    bind(source, place)
    with looked_after(world) as it:
        until(it.watching)
        assert it.folders() == ["x/post"]
        world.drop("x/later")
        until(lambda: it.folders() == ["x/post", "x/later"])
        world.drop(f"{place}/{'x/' if not source else ''}by the other way")
        until(lambda: it.folders() == ["x/post", "x/later", "x/by the other way"])
        assert twice(it) == [place]


def test_mounts_that_the_kernel_copies_into_each_other_make_no_second_post(world: World) -> None:
    """Where mounts are shared, as systemd has them, one that shows the root shows what is mounted below it, too."""
    with mounted(world.root):
        assert subprocess.run(["mount", "--make-shared", str(world.root)], check=False).returncode == 0  # noqa: S607
        root = world.root / "root"
        for place in ("root/b/sub", "root/c", "root/y"):
            (world.root / place).mkdir(parents=True)
        try:
            world.drop("root/x/post")
            assert mount(root / "b/sub", "--bind", str(root))
            assert mount(root / "y", "--bind", str(root / "x"))
            assert mount(root / "c", "--rbind", str(root))
            assert len(mounts.mounts_at(str(root))) > 4
            with looked_after(world) as it:
                until(it.watching)
                world.drop("root/x/later")
                until(lambda: it.folders() == ["root/x/post", "root/x/later"])
                it.roots.scan_all()
                until(it.roots.idle)
                assert it.folders() == ["root/x/post", "root/x/later"]
                assert sorted(twice(it)) == ["root/b/sub", "root/c", "root/y"]
        finally:
            subprocess.run(["umount", "-R", "-l", str(world.root)], capture_output=True)  # noqa: S607


@pytest.mark.parametrize("before", ["on the root's own mount", "mounted from outside"])
def test_posts_known_where_something_is_mounted_twice_by_now_stand(
    world: World, bind: Bind, tmp_path: Path, before: str
) -> None:
    """Neither removed, nor edited, although another post is seen at the very place of one of them."""
    world.policy = replace(world.policy, cancel_removed=True)
    world.restart()
    in_three_days = world.now + timedelta(days=3)
    unmount = bind(tmp_path / "outside", "y") if before == "mounted from outside" else None
    for path in ("x/one", "y/one", "y/two"):
        world.drop(path, content=path, time=in_three_days)
    keys = ["x/one", "y/one", "y/two"]

    def go_on() -> None:
        for path in keys:
            world.wake(world.record(path).key, 0.0)
        world.run_until_rest()
        world.advance_time(7200)

    with looked_after(world, poll=0.1) as it:
        until(lambda: sorted(it.folders()) == keys)
        go_on()
        groups = sorted((group.id, group.status, group.content) for group in world.groups())
        assert [status for _, status, _ in groups] == ["scheduled"] * 3
        if unmount is not None:
            unmount()
        again = bind("x", "y")
        until(lambda: twice(it) == ["y"])
        world.drop("x/one", content="an edit", time=in_three_days)
        go_on()
        held = {group.content for group in world.groups() if group.status == "scheduled"}
        assert held == {"an edit", "y/one", "y/two"}
        again()
        if unmount is not None:
            bind(tmp_path / "outside", "y")
        until(lambda: twice(it) == [])
        go_on()
        assert {group.content for group in world.groups() if group.status == "scheduled"} == held


def test_a_mount_that_comes_while_the_root_is_compared_makes_no_second_post(
    world: World, bind: Bind, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.drop("x/post")
    pending = ["y"]

    def and_then_mounted(path: str) -> mounts.Place:
        place = mounts.place_of(path)
        while pending:
            bind("x", pending.pop())
        return place

    monkeypatch.setattr(scanner, "place_of", and_then_mounted)
    with looked_after(world) as it:
        until(lambda: twice(it) == ["y"])
        assert it.folders() == ["x/post"]
