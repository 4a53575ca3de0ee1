"""What a walk and a look see, and what is ignored."""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from postpost_sync.disk import scan
from postpost_sync.disk.scan import MAX_DEPTH, look, opened, present, walk
from postpost_sync.model.folder import EntryKind, Folder
from postpost_sync.post.names import Names
from tests.support.walks import NAMES, entry, folders, oddities, put, seen

# --- walking ----------------------------------------------------------------------------------------------------------


def test_every_folder_with_a_sidecar_is_a_post_folder_at_any_depth(tmp_path: Path) -> None:
    for path in ("b/post.yaml", "a/post.yml", "a/inner/deeper/POST.YAML", "c/Post.Yml", "d/notes.txt"):
        put(tmp_path / path)
    assert [f.path for f in folders(tmp_path)] == ["a", "a/inner/deeper", "b", "c"]


def test_nothing_is_looked_at_in_a_folder_to_skip(tmp_path: Path) -> None:
    for path in ("a/post.yaml", "b/c/post.yaml", "b/c/inner/post.yaml", "b/cc/post.yaml", "c/post.yaml"):
        put(tmp_path / path)
    visited: list[str] = []
    found = walk(str(tmp_path), NAMES, visit=visited.append, skip={"b/c": "a"})
    assert [one.path for one in found] == ["a", "b/cc", "c"]
    assert visited == ["", "a", "b", "b/cc", "c"]
    assert list(walk(str(tmp_path), NAMES, "b/c", skip={"b/c": "a"})) == []


def test_a_folder_holds_its_files_and_the_names_of_its_folders(tmp_path: Path) -> None:
    put(tmp_path / "a/post.yaml")
    put(tmp_path / "a/1.jpg", b"12345")
    put(tmp_path / "a/sub/2.jpg")
    (folder,) = folders(tmp_path)
    assert [(e.name, e.kind, e.stat.size) for e in folder.entries] == [
        ("1.jpg", EntryKind.FILE, 5),
        ("post.yaml", EntryKind.FILE, 1),
        ("sub", EntryKind.FOLDER, 0),
    ]
    assert folder.inode == (tmp_path / "a").stat().st_ino


@pytest.mark.parametrize(
    "name",
    [
        *(".hidden", ".DS_Store", "._a.jpg", "~$a.jpg", "a.jpg~", "#a.jpg#", "a.part", "a.PARTIAL", "a.mp4.filepart"),
        *("a.crdownload", "a.download", "a.tmp", "a.temp", ".a.swp", "a.swp", "a.insyncdl", "a.!sync", "a___jb_tmp___"),
        *(
            "a.unison.tmp",
            ".unison.a",
            "a.ffs_tmp",
            "@eaDir",
            "@tmp",
            "@Recycle",
            "trashbox",
            "_gsdata_",
            "_SYNCAPP",
            "@Recently-Snapshot",
            "@sharebin",
        ),
        *("a.jpg@SynoEAStream", "a@SynoResource", "#recycle", "#snapshot", "Thumbs.db", "THUMBS.DB", "ehthumbs.db"),
        *("Desktop.ini", "$RECYCLE.BIN", "System Volume Information", "lost+found", "__MACOSX", "Icon\r"),
        *("Network Trash Folder", "Temporary Items", "post.status.yaml", "Post.Status.YAML", ".syncthing.a.jpg.tmp"),
    ],
)
def test_what_tools_leave_is_ignored(tmp_path: Path, name: str) -> None:
    put(tmp_path / "a/post.yaml")
    put(tmp_path / "a" / name)
    assert [e.name for e in seen(tmp_path).entries] == ["post.yaml"]


@pytest.mark.parametrize(
    "name",
    [
        "a.jpg",
        "part",
        "a.partial.jpg",
        "tmp",
        "tmp.jpg",
        "a~b.jpg",
        "#1.jpg",
        "@home",
        "Icon",
        "recycle",
        "a#",
        "a.bak",
    ],
)
def test_what_people_name_is_not_ignored(name: str) -> None:
    assert not NAMES.ignored(name)


def test_ignored_folders_are_not_walked(tmp_path: Path) -> None:
    for name in ("@eaDir", ".stversions", "#recycle", "raw"):
        put(tmp_path / name / "inner/post.yaml")
    assert folders(tmp_path, Names(["RAW"])) == []


@pytest.mark.parametrize(
    ("pattern", "name"), [("*.bak", "A.BAK"), ("draft-*", "draft-1"), ("[ab]", "b"), ("caf?", "cafe")]
)
def test_the_configs_patterns_add_to_the_built_in_ones(pattern: str, name: str) -> None:
    names = Names([pattern])
    assert names.ignored(name)
    assert names.ignored(".DS_Store")
    assert not NAMES.ignored(name)


@pytest.mark.parametrize(
    ("name", "arriving"),
    [
        ("a.part", True),
        ("a.mp4.crdownload", True),
        ("a.mp4.az!", True),
        ("a.mp4.td", True),
        ("a.mp4.baiduyun.p.downloading", True),
        (".pending-1764000000-a.jpg", True),
        (".trashed-1764000000-a.jpg", False),
        (".syncthing.a.jpg.tmp", True),
        ("~syncthing~a.jpg.tmp", True),
        (".a.jpg.Xy12Ab", True),
        ("a.!sync", True),
        (".a.jpg.~1f3a5c7", True),
        (".unison.a.jpg.0f1e2d.unison.tmp", True),
        ("a.jpg.4f2a.ffs_tmp", True),
        (".~lock.a.odt#", False),
        (".DS_Store", False),
        ("a.tmp", False),
        ("a.jpg~", False),
    ],
)
def test_a_transfers_temporary_makes_its_folder_arriving(tmp_path: Path, name: str, arriving: bool) -> None:
    put(tmp_path / "a/post.yaml")
    before = seen(tmp_path).fingerprint
    os.utime(put(tmp_path / "a" / name), (1000, 1000))
    assert (seen(tmp_path).arriving, folders(tmp_path)[0].arriving) == ((1000.0, 1000.0) if arriving else (None, None))
    assert seen(tmp_path).fingerprint == before


def test_links_are_seen_as_links_and_never_followed(tmp_path: Path) -> None:
    put(tmp_path / "elsewhere/post.yaml")
    root = tmp_path / "root"
    put(root / "a/post.yaml")
    (root / "a/1.jpg").symlink_to("/etc/passwd")
    (root / "b").symlink_to(tmp_path / "elsewhere")
    (root / "a/loop").symlink_to(root)
    assert [f.path for f in folders(root)] == ["a"]
    assert {e.name: e.kind for e in seen(root).entries} == {
        "1.jpg": EntryKind.LINK,
        "loop": EntryKind.LINK,
        "post.yaml": EntryKind.FILE,
    }
    assert look(str(root), "b", NAMES) is None


def test_devices_pipes_and_sockets_are_seen_for_what_they_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(tmp_path / "a/post.yaml")
    os.mkfifo(tmp_path / "a/pipe.jpg")
    monkeypatch.chdir(tmp_path / "a")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("socket.jpg")
    assert {e.kind for e in seen(tmp_path).entries if e.name != "post.yaml"} == {EntryKind.OTHER}
    assert [f.fingerprint for f in folders(tmp_path)] == [seen(tmp_path).fingerprint]


def test_folders_are_walked_to_a_limit(tmp_path: Path) -> None:
    deep = tmp_path
    for level in range(1, MAX_DEPTH + 3):
        deep = deep / "d"
        if level in (MAX_DEPTH, MAX_DEPTH + 1):
            put(deep / "post.yaml")
    assert [f.path.count("/") + 1 for f in folders(tmp_path)] == [MAX_DEPTH]


def test_what_lies_too_deep_is_said(tmp_path: Path) -> None:
    put(tmp_path / "/".join("d" * (MAX_DEPTH + 2)) / "post.yaml")
    too_deep = "/".join("d" * (MAX_DEPTH + 1))
    assert oddities(tmp_path) == [(too_deep, "FOLDER_TOO_DEEP")]
    found = [one for one in walk(str(tmp_path), NAMES, too_deep) if not isinstance(one, Folder)]
    assert [one.finding.code for one in found] == ["FOLDER_TOO_DEEP"]


def test_a_path_that_is_too_long_for_the_system_is_walked_all_the_same(tmp_path: Path) -> None:
    names = [f"{level:02}" + "l" * 250 for level in range(20)]
    with contextlib.chdir(tmp_path):
        for name in names:
            os.mkdir(name)
            os.chdir(name)
        put(Path("post.yaml"))
    (found,) = folders(tmp_path)
    assert found == seen(tmp_path, "/".join(names))
    assert oddities(tmp_path) == []


@pytest.mark.parametrize("swapped", ["b", "b/inner", "b/inner/post"])
def test_a_folder_that_is_swapped_for_a_link_while_it_is_walked_leads_nowhere(tmp_path: Path, swapped: str) -> None:
    root, outside = tmp_path / "root", tmp_path / "outside"
    for place in (root / "a", root / "b/inner/post", outside, outside / "post", outside / "inner/post"):
        put(place / "post.yaml")
    walked = []
    for found in walk(str(root), NAMES):
        walked.append(found.path)
        if found.path == "a":  # all that lies in the root was listed before
            (root / swapped).rename(tmp_path / "aside")
            (root / swapped).symlink_to(outside)
    assert walked == ["a"]


def test_a_folder_above_that_is_swapped_for_a_link_leads_nowhere(tmp_path: Path) -> None:
    root, outside = tmp_path / "root", tmp_path / "outside"
    for place in (root / "a/1", root / "a/2", outside / "2", outside / "2/secret"):
        put(place / "post.yaml")
    inode = (root / "a/2").stat().st_ino
    walked = []
    for found in walk(str(root), NAMES):
        assert isinstance(found, Folder)
        walked.append((found.path, found.inode))
        if found.path == "a/1":
            (root / "a").rename(tmp_path / "aside")
            (root / "a").symlink_to(outside)
    assert walked[1:] == [("a/2", inode)]  # the one that was there


def test_a_walk_that_starts_at_a_link_leads_nowhere(tmp_path: Path) -> None:
    put(tmp_path / "outside/inner/post.yaml")
    (tmp_path / "root").mkdir()
    (tmp_path / "root/link").symlink_to(tmp_path / "outside")
    for start in ("link", "link/inner"):
        assert list(walk(str(tmp_path / "root"), NAMES, start)) == []


def test_a_walk_leaves_no_descriptor_behind(tmp_path: Path) -> None:
    for path in ("a/b/c/post.yaml", "a/post.yaml", "d/e/post.yaml", "f/1.jpg"):
        put(tmp_path / path)
    before = len(os.listdir("/proc/self/fd"))
    list(walk(str(tmp_path), NAMES))
    list(walk(str(tmp_path), NAMES, "none/none"))
    half = walk(str(tmp_path), NAMES)
    next(half)
    del half
    assert len(os.listdir("/proc/self/fd")) == before


def test_names_that_are_not_utf_8_are_walked_and_looked_at(tmp_path: Path) -> None:
    folder = os.path.join(os.fsencode(tmp_path), b"caf\xe9")
    os.mkdir(folder)
    for name in (b"post.yaml", b"\xff\xfe.jpg"):
        with open(os.path.join(folder, name), "wb") as file:
            file.write(b"x")
    (found,) = folders(tmp_path)
    assert found.path == "caf\udce9"
    assert found == seen(tmp_path, found.path)
    media = entry(found, "\udcff\udcfe.jpg")
    with opened(str(tmp_path), found.path, media.name, media.stat) as fd:
        assert os.read(fd, 9) == b"x"


def test_a_root_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        list(walk(str(tmp_path / "away"), NAMES))


def test_below_a_root_that_is_not_there_is_nothing(tmp_path: Path) -> None:
    assert list(walk(str(tmp_path / "away"), NAMES, "a")) == []


def test_presence_of_a_root(tmp_path: Path) -> None:
    assert not present(str(tmp_path / "away"))
    assert not present(str(tmp_path))
    put(tmp_path / "a")
    assert present(str(tmp_path))
    assert not present(str(tmp_path / "a"))


def test_what_systems_leave_in_an_empty_disk_is_nothing(tmp_path: Path) -> None:
    for name in ("lost+found", ".keep", ".Trash-1000", "System Volume Information"):
        (tmp_path / name).mkdir()
    assert not present(str(tmp_path))
    (tmp_path / "README.txt").touch()
    assert present(str(tmp_path))


def test_a_missing_folder_was_removed_only_where_its_file_system_is_still_there(tmp_path: Path) -> None:
    put(tmp_path / "a/b")
    device = tmp_path.stat().st_dev
    for path in ("gone", "a/gone/deeper", "a/b/gone"):
        assert present(str(tmp_path), path, device)
        assert not present(str(tmp_path), path, device + 1)


# --- looking ----------------------------------------------------------------------------------------------------------


def test_a_look_and_a_walk_see_the_same(tmp_path: Path) -> None:
    for name in ("post.yaml", "1.jpg", "sub/x", "\n.jpg", "ü.png"):
        put(tmp_path / "a/b" / name)
    (tmp_path / "a/b/link").symlink_to("1.jpg")
    (walked,) = folders(tmp_path)
    assert walked == seen(tmp_path, "a/b")


@pytest.mark.parametrize("path", ["", "none", "empty", "file", "a/none"])
def test_what_is_no_post_folder_is_none(tmp_path: Path, path: str) -> None:
    (tmp_path / "empty").mkdir()
    put(tmp_path / "file")
    put(tmp_path / "post.yaml")
    put(tmp_path / "a/post.yaml")
    assert look(str(tmp_path), path, NAMES) is None


def become_a_link(folder: Path) -> None:
    (folder / "1.jpg").rename(folder / ".x")
    (folder / "1.jpg").symlink_to(".x")


CHANGES: list[tuple[str, Callable[[Path], object]]] = [
    ("a file comes", lambda p: put(p / "2.jpg")),
    ("a file goes", lambda p: (p / "1.jpg").unlink()),
    ("a file grows", lambda p: put(p / "1.jpg", b"xx")),
    ("a file is touched", lambda p: os.utime(p / "1.jpg", (1, 1))),
    ("a file is renamed", lambda p: (p / "1.jpg").rename(p / "3.jpg")),
    ("a file is replaced by one of the same size", lambda p: put(p / ".x").replace(p / "1.jpg")),
    ("a file becomes a link", become_a_link),
    ("a folder comes", lambda p: (p / "new").mkdir()),
]


@pytest.mark.parametrize("change", [row[1] for row in CHANGES], ids=[row[0] for row in CHANGES])
def test_the_fingerprint_changes_with_anything(tmp_path: Path, change: Callable[[Path], object]) -> None:
    put(tmp_path / "a/post.yaml")
    put(tmp_path / "a/1.jpg")
    before = seen(tmp_path).fingerprint
    assert seen(tmp_path).fingerprint == before
    change(tmp_path / "a")
    assert seen(tmp_path).fingerprint != before


def test_the_fingerprint_does_not_change_with_what_is_ours_or_ignored(tmp_path: Path) -> None:
    put(tmp_path / "a/post.yaml")
    put(tmp_path / "a/sub/1.jpg")
    before = seen(tmp_path).fingerprint
    put(tmp_path / "a/post.status.yaml")
    put(tmp_path / "a/.DS_Store")
    put(tmp_path / "a/sub/2.jpg")
    assert seen(tmp_path).fingerprint == before


# --- marks ------------------------------------------------------------------------------------------------------------


def marks(root: Path) -> dict[str, int]:
    told: dict[str, int] = {}

    def note(path: str, mark: int) -> bool:
        told[path] = mark
        return False

    for _ in scan.walk(str(root), Names(), as_before=note):
        pass
    return told


def test_a_mark_stays_as_long_as_nothing_is_seen_to_change(tmp_path: Path) -> None:
    (tmp_path / "launch/inside").mkdir(parents=True)
    for name in ("post.yaml", "a.jpg", ".a.part"):
        (tmp_path / "launch" / name).write_text("x")
    before = marks(tmp_path)
    assert set(before) == {"launch"}
    (tmp_path / "launch/post.status.yaml").write_text("state: scheduled")  # our own
    assert marks(tmp_path) == before


@pytest.mark.parametrize("change", ["grown", "touched", "replaced", "renamed", "added", "removed", "folder", "link"])
def test_a_mark_is_another_one_when_anything_has_changed(tmp_path: Path, change: str) -> None:
    folder = tmp_path / "launch"
    folder.mkdir()
    for name in ("post.yaml", "a.jpg", "b.jpg"):
        (folder / name).write_text("x")
    os.utime(folder / "a.jpg", (1, 1))
    before = marks(tmp_path)
    match change:
        case "grown":
            (folder / "a.jpg").write_text("xy")
        case "touched":
            os.utime(folder / "a.jpg", (1, 2))
        case "replaced":
            (folder / "c").write_text("x")
            os.utime(folder / "c", (1, 1))
            os.replace(folder / "c", folder / "a.jpg")
        case "renamed":
            (folder / "a.jpg").rename(folder / "c.jpg")
        case "added":
            (folder / "c.jpg").write_text("x")
        case "removed":
            (folder / "b.jpg").unlink()
        case "folder":
            (folder / "inside").mkdir()
        case "link":
            (folder / "b.jpg").unlink()
            (folder / "b.jpg").symlink_to("a.jpg")
    assert marks(tmp_path)["launch"] != before["launch"]


def test_what_is_as_before_is_visited_and_walked_below_and_not_made_up(tmp_path: Path) -> None:
    for path in ("launch", "launch/inside", "other"):
        (tmp_path / path).mkdir()
        (tmp_path / path / "post.yaml").write_text("content: x")
    (tmp_path / "launch/a.jpg").touch()  # else what lies in its folders would matter to it
    visited: list[str] = []
    walk = scan.walk(str(tmp_path), Names(), visit=visited.append, as_before=lambda path, mark: path == "launch")
    assert sorted(found.path for found in walk) == ["launch/inside", "other"]
    assert sorted(visited) == ["", "launch", "launch/inside", "other"]
