"""Which file system a folder lies on, by a mount table as the kernel writes it."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from postpost_sync.disk import mounts
from postpost_sync.disk.mounts import Mount, filesystem, is_in, mounts_at, seen_again, wants_polling
from postpost_sync.post.names import Names

TABLE = """\
22 1 254:0 / / rw,relatime - ext4 /dev/vda rw
30 22 0:40 /shared /srv/posts rw,relatime shared:5 master:1 - nfs4 nas:/posts rw
31 30 0:41 / /srv/posts/fast rw - tmpfs tmpfs rw
32 22 0:42 / /srv/posts2 rw - cifs //nas/two rw
33 31 0:43 / /srv/posts/fast/my\\040nas rw - fuse.sshfs nas: rw
34 31 0:44 / /srv/posts/fast/my\\040nas rw - xfs /dev/vdb rw
35 22 0:45 / /srv/my\\040posts rw - fuse.sshfs nas: rw
36 22 0:46 / /srv/cluster rw - gfs2 /dev/shared rw
37 22 0:47 / /srv/Büro rw - nfs nas:/x rw
38 22 0:48 / /srv rw - tmpfs tmpfs rw
"""


@pytest.fixture
def table(tmp_path: Path) -> Callable[[str], str]:
    def write(text: str) -> str:
        (tmp_path / "table").write_text(text)
        return str(tmp_path / "table")

    return write


@pytest.mark.parametrize(
    ("path", "kind", "polls"),
    [
        ("/home/a", "ext4", False),
        ("/srv/posts", "nfs4", True),
        ("/srv/posts/a", "nfs4", True),
        ("/srv/posts2", "cifs", True),
        ("/srv/Büro/a", "nfs", True),
        ("/srv/posts3", "tmpfs", False),
        ("/srv/my posts/a", "fuse.sshfs", True),
        ("/srv/posts/fast", "tmpfs", False),
        ("/srv/cluster/posts", "gfs2", True),  # other machines write to the same disk
    ],
)
def test_the_innermost_mount_decides(table: Callable[[str], str], path: str, kind: str, polls: bool) -> None:
    assert (filesystem(path, table(TABLE)), wants_polling(path, table(TABLE))) == (kind, polls)


def test_without_a_mount_table_it_polls(tmp_path: Path) -> None:
    assert wants_polling("/", str(tmp_path / "none"))
    assert filesystem("/", str(tmp_path / "none")) == ""
    assert mounts_at("/", str(tmp_path / "none")) == ()


@pytest.mark.parametrize(
    ("root", "found"),
    [
        ("/home/a", (Mount(22, "", "ext4", "254:0", "/home/a"),)),
        ("/srv/posts/a", (Mount(30, "", "nfs4", "0:40", "/shared/a"),)),
        (
            "/srv/posts",
            (
                Mount(30, "", "nfs4", "0:40", "/shared"),
                Mount(31, "fast", "tmpfs", "0:41", "/"),
                Mount(34, "fast/my nas", "xfs", "0:44", "/"),
            ),
        ),
        ("/srv/posts/fast/my nas", (Mount(34, "", "xfs", "0:44", "/"),)),
    ],
)
def test_a_root_lies_on_a_mount_and_may_have_others_below(
    table: Callable[[str], str], root: str, found: tuple[Mount, ...]
) -> None:
    assert mounts_at(root, table(TABLE)) == found


@pytest.mark.parametrize(
    ("one", "other", "shown"),
    [
        (Mount(1, "", "ext4", "8:1", "/srv"), Mount(2, "b", "ext4", "8:1", "/srv"), ""),
        (Mount(1, "", "ext4", "8:1", "/srv"), Mount(2, "b", "ext4", "8:1", "/srv/x/y"), "x/y"),
        (Mount(1, "a", "ext4", "8:1", "/"), Mount(2, "b", "ext4", "8:1", "/x"), "a/x"),
        (Mount(1, "a", "ext4", "8:1", "/x"), Mount(2, "b", "ext4", "8:1", "/"), None),
        (Mount(1, "a", "ext4", "8:1", "/x"), Mount(2, "b", "ext4", "8:1", "/x2"), None),
        (Mount(1, "a", "ext4", "8:1", "/"), Mount(2, "b", "ext4", "8:2", "/x"), None),
    ],
)
def test_where_one_mount_shows_what_another_one_does(one: Mount, other: Mount, shown: str | None) -> None:
    assert one.shows(other) == shown


OWN = ("", "/srv")


@pytest.mark.parametrize(
    ("table", "one", "known", "again"),
    [
        pytest.param([OWN], [], [], {}, id="no mount below it"),
        pytest.param([OWN, ("y", "/srv/x")], ["x y"], [], {"y": "x"}, id="a folder of the root"),
        pytest.param([OWN, ("y", "/srv/x")], ["x y"], ["y/post"], {"y": "x"}, id="even where posts are known"),
        pytest.param([OWN, ("y", "/srv")], [". y"], [], {"y": ""}, id="the root itself"),
        pytest.param([OWN, ("y", "/")], [". y/srv"], [], {"y/srv": ""}, id="what the root lies in"),
        pytest.param([OWN, ("x", "/srv/x")], [], [], {}, id="a folder in its place"),
        pytest.param([OWN, ("y", "/srv/x")], [], [], {}, id="another folder, whatever the table says"),
        pytest.param([OWN, ("y", "/o")], ["o y"], [], {}, id="from elsewhere"),
        pytest.param([OWN, ("y", "/o"), ("z", "/o")], ["y z"], [], {"z": "y"}, id="twice from elsewhere"),
        pytest.param([OWN, ("z", "/o"), ("y", "/o")], ["y z"], [], {"z": "y"}, id="whatever their order"),
        pytest.param([OWN, ("y", "/o"), ("z", "/o")], ["y z"], ["z/p"], {"y": "z"}, id="where posts are known stays"),
        pytest.param([OWN, ("y", "/o/x"), ("z", "/o")], ["y z/x"], [], {"z/x": "y"}, id="a part of the other one"),
        pytest.param([OWN, ("y", "/srv/.x")], [".x y"], [], {}, id="what is ignored is not seen"),
        pytest.param([OWN, (".y", "/srv/x")], ["x .y"], [], {}, id="what is ignored is not seen again"),
        pytest.param(
            [OWN, ("y", "/srv"), ("y/z", "/o"), ("z", "/o")],
            [". y", "y/z z"],
            [],
            {"y": ""},
            id="what is mounted where nothing is looked at",
        ),
    ],
)
def test_what_a_mount_shows_of_what_is_seen_elsewhere(
    monkeypatch: pytest.MonkeyPatch,
    table: list[tuple[str, str]],
    one: list[str],
    known: list[str],
    again: dict[str, str],
) -> None:
    """`one`: the places below the root that are one folder."""
    same = {frozenset(os.path.normpath(f"/srv/{place}") for place in both.split()) for both in one}
    monkeypatch.setattr(mounts, "is_one", lambda *both: frozenset(map(os.path.normpath, both)) in same)
    found = [Mount(number, path, "ext4", "8:1", inside) for number, (path, inside) in enumerate(table)]
    assert seen_again("/srv", found, Names(), known) == again


def test_a_path_is_in_its_places_and_below_them() -> None:
    assert is_in("a", ["b", "a"])
    assert is_in("a/b", ["a"])
    assert is_in("a", [""])
    assert not is_in("ab", ["a"])
    assert not is_in("a", ["a/b"])
    assert not is_in("a", [])
