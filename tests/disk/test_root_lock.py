"""One daemon a watch root: also where one root lies within the other's, and never for longer than its holder lives."""

from __future__ import annotations

import errno
import fcntl
import os
from pathlib import Path

import pytest

from postpost_sync.disk.root_lock import RootLock


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "posts" / "team" / "deep").mkdir(parents=True)
    return tmp_path / "posts"


@pytest.mark.parametrize("mine", [".", "team", "team/deep"])
@pytest.mark.parametrize("theirs", [".", "team", "team/deep"])
def test_the_same_root_and_one_within_it_are_kept_by_who_was_first(root: Path, mine: str, theirs: str) -> None:
    first, second = RootLock(str(root / mine)), RootLock(str(root / theirs))
    assert first.take()
    assert not second.take()
    assert first.take()  # as at each comparison
    first.release()
    assert second.take()
    assert not first.take()
    second.release()


def test_two_roots_side_by_side_keep_nobody_off(root: Path) -> None:
    (root / "other").mkdir()
    first, second = RootLock(str(root / "team")), RootLock(str(root / "other"))
    assert first.take()
    assert second.take()


def test_a_root_by_another_name_is_the_same(root: Path) -> None:
    (root.parent / "link").symlink_to(root)
    first, second = RootLock(str(root)), RootLock(str(root.parent / "link" / "team"))
    assert first.take()
    assert not second.take()


def test_a_root_that_was_replaced_is_locked_anew(root: Path) -> None:
    first, second = RootLock(str(root)), RootLock(str(root))
    assert first.take()
    root.rename(root.with_name("aside"))
    root.mkdir()
    assert first.take()
    assert not second.take()
    assert RootLock(str(root.with_name("aside"))).take()


def test_what_was_refused_keeps_nothing_locked(root: Path) -> None:
    first, second = RootLock(str(root / "team")), RootLock(str(root))
    assert first.take()
    assert not second.take()
    before = set(os.listdir("/proc/self/fd"))
    assert not second.take()
    assert set(os.listdir("/proc/self/fd")) == before


def test_where_the_file_system_has_no_locks_nobody_is_kept_off(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def flock(fd: int, kind: int) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(fcntl, "flock", flock)
    first, second = RootLock(str(root)), RootLock(str(root))
    assert first.take()
    assert second.take()


def test_a_folder_that_is_not_there_is_an_error(root: Path) -> None:
    with pytest.raises(FileNotFoundError):
        RootLock(str(root / "nowhere")).take()
