"""Nothing is opened but the regular file that was seen."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from postpost_sync.disk import scan
from postpost_sync.disk.scan import look, opened
from postpost_sync.model.errors import FileChanged, Unreadable
from tests.support.walks import NAMES, entry, put, seen


@pytest.fixture
def root(tmp_path: Path) -> Path:
    put(tmp_path / "root/a/post.yaml")
    put(tmp_path / "root/a/1.jpg", b"picture")
    put(tmp_path / "secret/1.jpg", b"secrets")
    return tmp_path / "root"


def test_the_file_that_was_seen_is_opened(root: Path) -> None:
    with opened(str(root), "a", "1.jpg", entry(seen(root), "1.jpg").stat) as fd:
        assert os.read(fd, 100) == b"picture"
        assert not os.get_inheritable(fd)
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(fd)


def swap_file_for_link(root: Path) -> None:
    (root / "a/1.jpg").unlink()
    (root / "a/1.jpg").symlink_to(root.parent / "secret/1.jpg")


def swap_file_for_hard_link(root: Path) -> None:
    (root / "a/1.jpg").unlink()
    os.link(root.parent / "secret/1.jpg", root / "a/1.jpg")


def swap_file_for_fifo(root: Path) -> None:
    (root / "a/1.jpg").unlink()
    os.mkfifo(root / "a/1.jpg")


def swap_file_for_folder(root: Path) -> None:
    (root / "a/1.jpg").unlink()
    (root / "a/1.jpg").mkdir()


def swap_folder_for_link(root: Path) -> None:
    (root / "a").rename(root / "b")
    (root / "a").symlink_to(root.parent / "secret")


SWAPS: list[Callable[[Path], object]] = [
    swap_file_for_link,
    swap_file_for_hard_link,
    swap_file_for_fifo,
    swap_file_for_folder,
    swap_folder_for_link,
    lambda root: put(root / "a/1.jpg", b"PICTURE"),
    lambda root: os.utime(root / "a/1.jpg", (1, 1)),
    lambda root: (root / "a/1.jpg").unlink(),
    lambda root: (root / "a").rename(root / "b"),
]


@pytest.mark.parametrize("swap", SWAPS)
def test_a_file_or_folder_that_was_swapped_is_not_opened(root: Path, swap: Callable[[Path], object]) -> None:
    expected = entry(seen(root), "1.jpg").stat
    os.utime(root.parent / "secret/1.jpg", ns=(expected.mtime_ns, expected.mtime_ns))
    swap(root)
    with (
        pytest.raises(FileChanged) as caught,
        opened(str(root), "a", "1.jpg", expected),
    ):
        pytest.fail("it was opened")
    assert caught.value.finding.code == "FILE_CHANGED"
    assert "1.jpg" in caught.value.finding.message


@pytest.mark.parametrize("name", ["../../secret/1.jpg", "../a/../../secret/1.jpg", "1.jpg\0", "", ".", ".."])
def test_a_name_that_leads_elsewhere_is_not_opened(root: Path, name: str) -> None:
    with (
        pytest.raises(FileChanged),
        opened(str(root), "a", name, entry(seen(root), "1.jpg").stat),
    ):
        pytest.fail("it was opened")


@pytest.mark.skipif(not os.path.exists("/dev/shm"), reason="needs a second file system")  # noqa: S108 - one that is there
def test_a_file_on_another_file_system_is_not_opened(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = entry(seen(root), "1.jpg").stat
    with opened(str(root), "a", "1.jpg", expected) as fd:
        with pytest.raises(FileChanged):
            scan.unchanged(fd, "1.jpg", expected._replace(device=expected.device + 1))
        scan.unchanged(fd, "1.jpg", expected)


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_a_file_that_may_not_be_read_is_unreadable(root: Path) -> None:
    (root / "a/1.jpg").chmod(0)
    with pytest.raises(Unreadable), opened(str(root), "a", "1.jpg", entry(seen(root), "1.jpg").stat):
        pytest.fail("it was opened")


def test_a_change_while_it_is_open_is_noticed(root: Path) -> None:
    expected = entry(seen(root), "1.jpg").stat
    with opened(str(root), "a", "1.jpg", expected) as fd:
        scan.unchanged(fd, "1.jpg", expected)
        with (root / "a/1.jpg").open("ab") as file:
            file.write(b"more")
        with pytest.raises(FileChanged):
            scan.unchanged(fd, "1.jpg", expected)


def test_opening_leaves_no_descriptor_behind(root: Path) -> None:
    expected = entry(seen(root), "1.jpg").stat
    before = len(os.listdir("/proc/self/fd"))
    for path, name in (("a", "1.jpg"), ("a", "none"), ("none/none", "x"), ("a/1.jpg", "x")):
        try:
            with opened(str(root), path, name, expected):
                pass
        except FileChanged:
            continue
    look(str(root), "a/none", NAMES)
    assert len(os.listdir("/proc/self/fd")) == before
