"""What a walk says of folders that are no post folders, and were perhaps meant to be."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from postpost_sync.disk import scan
from postpost_sync.disk.scan import walk
from postpost_sync.model.folder import Folder
from postpost_sync.model.program import Oddity
from postpost_sync.post.names import Names
from tests.support.walks import NAMES, folders, oddities, put


def test_a_sidecar_in_the_root_is_odd_and_the_rest_is_walked(tmp_path: Path) -> None:
    put(tmp_path / "post.yaml")
    put(tmp_path / "a/post.yaml")
    assert oddities(tmp_path) == [("", "SIDECAR_IN_ROOT")]
    assert [f.path for f in folders(tmp_path)] == ["a"]


@pytest.mark.parametrize(
    "near",
    [
        *("post.yaml.txt", "post.yml.txt", "Post.YAML.TXT", "post.yaml.bak", "post.yaml.yaml", "post (1).yaml"),
        *("post copy.yaml", "post_copy.yml", "posts.yaml", "post.json", "sidecar.yaml"),
    ],
)
def test_a_folder_whose_sidecar_is_nearly_named_so_is_told(tmp_path: Path, near: str) -> None:
    put(tmp_path / "a" / near)
    (odd,) = [found for found in walk(str(tmp_path), NAMES) if not isinstance(found, Folder)]
    assert (odd.path, odd.finding.code) == ("a", "NO_SIDECAR")
    assert odd.finding.hint == f'rename "{near}" to post.yaml'


@pytest.mark.parametrize("name", ["a.jpg", "A.JPEG", "b.png", "c.mov", "d.webm"])
def test_media_without_a_sidecar_are_odd(tmp_path: Path, name: str) -> None:
    put(tmp_path / "a" / name)
    assert oddities(tmp_path) == [("a", "NO_SIDECAR")]


def test_a_folder_in_place_of_the_sidecar_is_told(tmp_path: Path) -> None:
    (tmp_path / "a/Post.yaml").mkdir(parents=True)
    (odd,) = [found for found in walk(str(tmp_path), NAMES) if not isinstance(found, Folder)]
    assert (odd.path, odd.finding.code) == ("a", "NO_SIDECAR")
    assert odd.finding.message == "Post.yaml is a folder, and a file belongs there"


@pytest.mark.parametrize("sign", ["post.yaml.nextcloud", ".post.yaml.icloud", "Post.yml.rsls"])
def test_a_sidecar_that_is_only_announced_is_told_and_cannot_be_told_from_one_that_is_there(
    tmp_path: Path, sign: str
) -> None:
    put(tmp_path / "a" / sign)
    put(tmp_path / "a" / "1.jpg")
    (odd,) = [found for found in scan.walk(str(tmp_path), Names()) if isinstance(found, Oddity)]
    assert (odd.path, odd.finding.code, sign in odd.finding.message) == ("a", "NO_SIDECAR", True)
    with pytest.raises(OSError, match="has not brought its sidecar"):
        scan.look(str(tmp_path), "a", Names())
    put(tmp_path / "a" / "post.yaml")
    assert scan.look(str(tmp_path), "a", Names()) is not None


def test_media_below_a_post_folder_are_nobodys_post_but_a_near_miss_is_said(tmp_path: Path) -> None:
    for path in ("a/post.yaml", "a/originals/1.jpg", "a/originals/deeper/2.jpg", "a/part two/post.yaml.txt"):
        put(tmp_path / path)
    assert oddities(tmp_path) == [("a/part two", "NO_SIDECAR")]


@pytest.mark.parametrize("name", ["notes.txt", "a.jpg.part", ".a.jpg", "yaml", "blog post.md"])
def test_other_files_without_a_sidecar_are_nothing(tmp_path: Path, name: str) -> None:
    put(tmp_path / "a" / name)
    assert oddities(tmp_path) == []


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_a_folder_that_may_not_be_read_is_odd(tmp_path: Path) -> None:
    put(tmp_path / "a/post.yaml").parent.chmod(0)
    try:
        assert oddities(tmp_path) == [("a", "FOLDER_UNREADABLE")]
    finally:
        (tmp_path / "a").chmod(0o700)
