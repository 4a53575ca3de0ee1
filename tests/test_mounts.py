"""Which file system a folder lies on, by a mount table as the kernel writes it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from postpost_sync.mounts import Mount, filesystem, mounts_at, wants_polling

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
    ("root", "mounts"),
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
    table: Callable[[str], str], root: str, mounts: tuple[Mount, ...]
) -> None:
    assert mounts_at(root, table(TABLE)) == mounts
