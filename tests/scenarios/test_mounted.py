"""Watch roots on real mounts: FUSE, overlays, shares that hang, file systems that are mounted anew under another number."""

from __future__ import annotations

import os
import shutil
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from postpost_sync.config.load import load
from postpost_sync.daemon import scanner
from postpost_sync.daemon.daemon import Daemon
from postpost_sync.disk import scan
from postpost_sync.log import Log
from postpost_sync.model.errors import Unreadable
from postpost_sync.model.folder import Folder
from postpost_sync.model.program import RootState, RootStatus
from postpost_sync.model.states import State
from postpost_sync.post.names import Names
from tests.support.drops import hashes, picture, sent, sidecar
from tests.support.mounting import Fuse, fused, in_the_kernel, mount, mounted, overlaid, unmount
from tests.support.rig import HANG, Rig, until
from tests.support.watched_roots import looked_after
from tests.support.world import World
from tests.support.world import picture as small

# --- FUSE -------------------------------------------------------------------------------------------------------------


def test_a_fuse_root_is_polled_its_posts_go_out_and_stand_when_it_is_unmounted(pp: Rig) -> None:
    pp.configure(top="on_remove: cancel\n")
    with fused(pp.root, pp.place / "source") as fuse, pp.daemon():
        data = picture()
        pp.drop("post", sidecar(), {"a.jpg": data})
        pp.wait_for("post", "scheduled")
        (root,) = pp.status()["roots"]
        assert (root["observer"], root["state"]) == ("polling", "ok")
        assert (fuse.source / "post/post.status.yaml").exists()
        assert fuse.unmount()
        until(lambda: pp.status()["roots"][0]["state"] == "away")
        assert pp.post("post")["state"] == "scheduled"
    (group,) = pp.groups()
    assert (group.status, sent(group)) == ("scheduled", hashes(data))


# --- a share that hangs -----------------------------------------------------------------------------------------------


@contextmanager
def hanging(pp: Rig, posts: int, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Daemon, Fuse]]:
    """A daemon in this process with two roots, one of which has stopped to answer in the middle of so many posts."""
    monkeypatch.setattr(scanner, "SILENT_AFTER", 1.5)
    share = pp.place / "share"
    with fused(share, pp.place / "source") as fuse:
        pp.configure(root=f"  - path: {share}\n    settle: 1s\n    poll_interval: 500ms\n")
        for n in range(posts):
            (fuse.source / f"p{n}").mkdir()
            (fuse.source / f"p{n}/a.jpg").write_bytes(picture(seed=n))
            (fuse.source / f"p{n}/post.yaml").write_text(sidecar(f"share {n}"))
        daemon = Daemon(load(pp.config, os.environ), os.environ, Log())
        thread = threading.Thread(target=daemon.run)
        daemon.start()
        thread.start()
        try:
            until(lambda: len(daemon.store.records()) == posts)
            fuse.hang()
            yield daemon, fuse
        finally:
            fuse.answer()
            daemon.request_stop()
            thread.join()
            daemon.stop()


def status_of(daemon: Daemon, path: Path) -> RootStatus:
    return next(one for one in daemon.roots.statuses() if one.path == str(path))


def test_a_share_that_hangs_is_said_and_holds_up_no_other_root(pp: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    with hanging(pp, 40, monkeypatch) as (daemon, fuse):
        time.sleep(2)  # all workers that its posts can take are stuck
        data = picture(seed=99)
        pp.drop("good", sidecar("good"), {"a.jpg": data})
        until(lambda: [sent(group) for group in pp.groups(content="good", status="scheduled")] == [hashes(data)])
        until(lambda: status_of(daemon, fuse.place).state is RootState.AWAY)
        found = status_of(daemon, fuse.place).error
        assert found is not None
        assert found.code == "ROOT_SILENT"
        expected = {str(pp.root): RootState.OK, str(fuse.place): RootState.AWAY}
        until(lambda: {root.path: root.state for root in daemon.store.roots()} == expected)  # as `status` has it
        until(lambda: not daemon.progress()[1])  # the service manager hears that all is well
        assert daemon.working()
        fuse.answer()
        until(lambda: status_of(daemon, fuse.place).state is RootState.OK)
        until(lambda: len(pp.groups(status="scheduled")) == 41)


def test_uploads_from_a_share_that_hangs_take_nobodys_place(pp: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """`uploads.concurrency` is 4; each of its transfers waits for a block of its file."""
    stuck, go_on, pread = threading.Semaphore(0), threading.Event(), os.pread

    def hangs(fd: int, size: int, offset: int) -> bytes:
        if threading.current_thread().name.startswith("transfer") and str(share) in os.readlink(f"/proc/self/fd/{fd}"):
            stuck.release()
            go_on.wait(60)
        return pread(fd, size, offset)

    share = pp.place / "share"
    monkeypatch.setattr(os, "pread", hangs)
    try:
        with hanging(pp, 6, monkeypatch) as (_, fuse):
            fuse.answer()
            for _ in range(4):
                assert stuck.acquire(timeout=20)
            fuse.hang()
            data = picture(seed=99)
            pp.drop("good", sidecar("good"), {"a.jpg": data})
            until(lambda: [sent(group) for group in pp.groups(content="good", status="scheduled")] == [hashes(data)])
            fuse.answer()
            go_on.set()
            until(lambda: len(pp.groups(status="scheduled")) == 7)
    finally:
        go_on.set()


def test_a_stop_while_a_share_hangs_does_not_wait_for_it(pp: Rig) -> None:
    share = pp.place / "share"
    with fused(share, pp.place / "source") as fuse:
        pp.configure(root=f"  - path: {share}\n    settle: 2s\n    poll_interval: 500ms\n")
        for n in range(40):
            (fuse.source / f"p{n}").mkdir()
            (fuse.source / f"p{n}/post.yaml").write_text(sidecar(f"share {n}"))
        with pp.daemon() as process:
            until(lambda: len((pp.try_status() or {"posts": []})["posts"]) == 40)
            fuse.hang()
            time.sleep(3)
            process.terminate()
            try:
                process.wait(HANG / 2)
            except subprocess.TimeoutExpired:
                # what the share's server had in hand when it hung, the kernel itself waits for, whoever is killed
                assert in_the_kernel(process.pid)
                fuse.answer()
            assert process.wait(HANG) == 0


# --- numbers that file systems give -----------------------------------------------------------------------------------


@pytest.mark.parametrize("options", ["xino=off", "xino=on"])
def test_a_post_on_an_overlay_of_two_file_systems_goes_out(world: World, tmp_path: Path, options: str) -> None:
    """Without `xino` each file has the number of its layer; with it, inodes are greater than SQLite's greatest number."""
    time_of_it = world.now + timedelta(days=1)
    with overlaid(world.root, tmp_path, options) as lower:
        (lower / "post").mkdir()
        (lower / "post/b.jpg").write_bytes(small(2))
        world.drop("post", media={"a.jpg": small(1), "b.jpg": small(2)}, time=time_of_it)
        folder, file = os.stat(world.root / "post"), os.stat(world.root / "post/b.jpg")
        assert (folder.st_dev != file.st_dev) == (options == "xino=off")
        assert (folder.st_ino >= 1 << 63) == (options == "xino=on")
        world.run_until_rest()
        world.once("post", "Fresh roast from the harbour", {"a.jpg": small(1), "b.jpg": small(2)}, time_of_it)
        (found,) = scan.walk(str(world.root), world.names)
        assert isinstance(found, Folder)
        assert world.watched.folders.unchanged(found)


def test_a_file_of_another_mount_is_not_opened(tmp_path: Path) -> None:
    root = tmp_path / "root"
    (root / "a").mkdir(parents=True)
    with mounted(tmp_path / "other"):
        (tmp_path / "other/secret.jpg").write_bytes(b"secret")
        (root / "a/post.yaml").write_text("content: x\n")
        (root / "a/b.jpg").touch()
        assert mount(root / "a/b.jpg", "--bind", str(tmp_path / "other/secret.jpg"))
        try:
            folder = scan.look(str(root), "a", Names())
            assert folder is not None
            (entry,) = [entry for entry in folder.entries if entry.name == "b.jpg"]
            with (
                pytest.raises(Unreadable, match="another file system"),
                scan.opened(str(root), "a", "b.jpg", entry.stat),
            ):
                pytest.fail("it was opened")
        finally:
            unmount(root / "a/b.jpg")


def test_a_folder_removed_after_its_share_was_mounted_anew_was_removed(world: World, tmp_path: Path) -> None:
    """Each mount of a share has a number of its own; a tmpfs bound elsewhere stands for the share's server."""
    world.policy = replace(world.policy, cancel_removed=True)
    world.restart()
    source = tmp_path / "source"
    for name in ("one", "two"):
        (source / name).mkdir(parents=True)
    with fused(world.root, source) as fuse:
        for name in ("one", "two"):
            world.drop(name, content=name, time=world.now + timedelta(days=3))
        world.run_until_rest()
        before = {record.device for record in world.store.records()}
        fuse.unmount()
        with mounted(tmp_path / "takes the number"), fused(world.root, source):
            world.restart()
            with looked_after(world, "polling"):
                pass
            assert {record.device for record in world.store.records()}.isdisjoint(before)
            shutil.rmtree(source / "two")
            world.run_until_rest()
            world.advance_time(1200)
            assert {r.path: r.state for r in world.store.records()} == {
                "one": State.SCHEDULED,
                "two": State.CANCELLED,
            }


def test_a_folder_moved_while_its_share_was_mounted_anew_is_the_same_folder(world: World, tmp_path: Path) -> None:
    source = tmp_path / "source"
    for name in ("one", "two"):
        (source / name).mkdir(parents=True)
    with fused(world.root, source) as fuse:
        for name in ("one", "two"):
            world.drop(name, content=name, time=world.now + timedelta(days=3))
        world.run_until_rest()
        groups = world.groups()
        fuse.unmount()
        with mounted(tmp_path / "takes the number"), fused(world.root, source):
            (source / "two").rename(source / "0 before the others")
            world.restart()
            with looked_after(world, "polling"):
                assert {record.path for record in world.store.records()} == {"one", "0 before the others"}
            world.run_until_rest()
            assert world.groups() == groups


# --- a FUSE daemon that died ------------------------------------------------------------------------------------------


def test_a_root_whose_file_system_broke_down_is_away_and_its_posts_stand(pp: Rig) -> None:
    """Nothing in it can be read, which is no removal: "transport endpoint is not connected"."""
    pp.configure(top="on_remove: cancel\n")
    with fused(pp.root, pp.place / "source") as fuse:
        pp.drop("post", sidecar())
        with pp.daemon():
            pp.wait_for("post", "scheduled")
            fuse.kill()
            until(lambda: pp.status()["roots"][0]["state"] == "away")
            assert pp.status()["roots"][0]["error"]["code"] == "ROOT_AWAY"
            time.sleep(1)
            assert pp.post("post")["state"] == "scheduled"
    assert [group.status for group in pp.groups()] == ["scheduled"]
