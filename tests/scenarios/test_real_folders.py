"""Folders as they really are: shares that are unmounted, clocks that differ, transfers under way, heaps of other files."""

from __future__ import annotations

import errno
import hashlib
import os
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from postpost_sync.service.digests import BLOCK
from tests.support.drops import picture, sidecar
from tests.support.mounting import mounted
from tests.support.rig import rig
from tests.support.world import World


def dated(file: Path, seconds: float) -> None:
    os.utime(file, (seconds, seconds))


def test_an_unmounted_share_with_something_beneath_cancels_nothing(tmp_path: Path) -> None:
    with World(tmp_path) as world:
        (world.root / "NOT MOUNTED.txt").touch()
        world.policy = replace(world.policy, cancel_removed=True)
        world.restart()
        with mounted(world.root) as unmount:
            world.drop("post", time=world.now + timedelta(days=3))
            world.run_until_rest()
            assert [group.status for group in world.groups()] == ["scheduled"]
            unmount()
            world.run_until_rest(3600)
            assert [group.status for group in world.groups()] == ["scheduled"]


def test_a_temporary_that_grows_holds_its_folder_although_the_share_lives_two_hours_ago(tmp_path: Path) -> None:
    with World(tmp_path) as world:
        temporary = world.drop("post", time=world.now + timedelta(days=1)) / "a.jpg.part"
        for size in range(20):
            temporary.write_bytes(b"x" * size)
            dated(temporary, world.now.timestamp() - 7200)
            world.look_around()
            world.advance_time(1.0)
        assert world.groups() == []


def test_a_dead_temporary_from_the_future_does_not_hold_its_folder_for_ever(tmp_path: Path) -> None:
    with World(tmp_path) as world:
        temporary = world.drop("post", time=world.now + timedelta(days=1)) / "a.jpg.part"
        temporary.write_bytes(b"x")
        dated(temporary, world.now.timestamp() + 30 * 86400)
        world.look_around()
        world.advance_time(7200.0)
        assert [group.status for group in world.groups()] == ["scheduled"]


@pytest.mark.parametrize(("name", "broken_from"), [("a.jpg", 0), ("a.jpg", BLOCK), ("post.yaml", 0)])
def test_a_disk_that_breaks_down_is_said_and_the_post_goes_out_once_it_is_well(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, broken_from: int
) -> None:
    with World(tmp_path) as world:
        data = picture() + bytes(2 * BLOCK)
        folder = world.drop("post", media={"a.jpg": data}, time=world.now + timedelta(days=1))
        world.drop("other", content="another", time=world.now + timedelta(days=1))
        inode, read = (folder / name).stat().st_ino, os.pread

        def broken(fd: int, size: int, at: int) -> bytes:
            if at == broken_from and os.fstat(fd).st_ino == inode:
                raise OSError(errno.EIO, os.strerror(errno.EIO))
            return read(fd, size, at)

        with monkeypatch.context() as disk:
            disk.setattr(os, "pread", broken)
            world.run_until_rest(600)
            assert [group.content for group in world.groups("scheduled")] == ["another"]
            (record,) = [record for record in world.store.records() if record.path == "post"]
            assert record.error is not None
            assert record.error.code == "FILE_BROKEN"
            assert record.error.message == f"{name} cannot be read: Input/output error"
            assert record.retry_at is not None
        world.run_until_rest(3600)
        (group,) = [one for one in world.groups("scheduled") if one.content != "another"]
        assert [media.sha256 for media in group.media] == [hashlib.sha256(data).hexdigest()]


def test_thousands_of_other_files_are_one_warning(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with rig(tmp_path, capsys) as pp:
        folder = pp.drop("post", sidecar(platforms="[twitter-123]"), {"0.jpg": picture()})
        for n in range(3000):
            (folder / f"{n}.txt").write_text("notes")
        assert pp.run_once("60s") == 0
        (warning,) = pp.post("post")["warnings"]
        assert warning["code"] == "FILE_LEFT_OUT"
        assert "2,999 more" in warning["message"]


def test_a_status_file_that_cannot_be_written_is_a_warning(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with rig(tmp_path, capsys) as pp:
        folder = pp.drop("post", sidecar(platforms="[twitter-123]"))
        (folder / "post.status.yaml" / "in the way").mkdir(parents=True)
        assert pp.run_once("30s") == 0
        assert [warning["code"] for warning in pp.post("post")["warnings"]] == ["STATUS_FILE_UNWRITABLE"]
