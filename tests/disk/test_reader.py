"""Reading a settled folder: once what has not changed, and never what changes meanwhile."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import textwrap
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from postpost_sync.disk import reader, scan
from postpost_sync.model.errors import FileChanged, Unclear
from postpost_sync.model.folder import Folder, MediaFile
from postpost_sync.post.names import Names
from tests.support.measuring_server import BREAKS_OFF, server_with
from tests.support.media_files import photo, video
from tests.support.noise import noise

JPEG = b"\xff\xd8\xff\xe0\x00\x10JFIF\x00" + bytes(200)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    folder = tmp_path / "a"
    folder.mkdir()
    (folder / "post.yaml").write_text("content: Hello\n")
    (folder / "1.jpg").write_bytes(JPEG)
    return folder


def look(path: Path) -> Folder:
    folder = scan.look(str(path.parent), path.name, Names())
    assert folder is not None
    return folder


def test_a_reading_holds_the_sidecar_the_text_and_every_other_file(path: Path) -> None:
    (path / "notes.txt").write_text("for me")
    (path / "empty.jpg").touch()
    (path / "link.jpg").symlink_to("1.jpg")
    folder = look(path)
    reading = reader.read(folder)
    assert reading.fingerprint == folder.fingerprint
    assert reading.sidecar is not None
    assert (reading.content, reading.errors, reading.warnings) == ("Hello", (), ())
    assert [(m.name, m.content_type) for m in reading.media] == [("1.jpg", "image/jpeg"), ("notes.txt", None)]
    assert "text" in reading.media[1].sniffed


def test_media_are_known_by_their_content_not_their_name(path: Path) -> None:
    (path / "1.jpg").rename(path / "1.png")
    assert reader.read(look(path)).media[0].content_type == "image/jpeg"


def test_a_file_read_before_is_taken_over_while_its_stat_is_the_same(path: Path) -> None:
    first = reader.read(look(path)).media[0]
    known = {"1.jpg": replace(first, sha256="abc")}
    assert reader.read(look(path), known).media[0].sha256 == "abc"
    os.utime(path / "1.jpg", (1, 1))
    assert reader.read(look(path), known).media[0].sha256 is None


def test_a_file_is_hashed_whole(path: Path) -> None:
    data = noise(3 * 1024 * 1024 + 17)
    (path / "1.jpg").write_bytes(data)
    folder = look(path)
    file = MediaFile("1.jpg", next(e.stat for e in folder.entries if e.name == "1.jpg"), None)
    assert reader.sha256(folder.root, folder.path, file) == hashlib.sha256(data).hexdigest()


@pytest.mark.parametrize("name", ["post.yaml", "1.jpg"])
def test_a_folder_that_changes_meanwhile_is_not_read(path: Path, name: str) -> None:
    folder = look(path)
    with (path / name).open("ab") as file:
        file.write(b"\n")
    with pytest.raises(FileChanged):
        reader.read(folder)


def test_a_folder_that_is_swapped_for_a_link_is_not_read(path: Path) -> None:
    folder = look(path)
    path.rename(path.with_name("b"))
    path.symlink_to("b")
    with pytest.raises(FileChanged):
        reader.read(folder)


def test_what_is_wrong_with_the_sidecar_names_its_own_file(path: Path) -> None:
    (path / "post.yaml").rename(path / "POST.YML")
    (path / "POST.YML").write_text("colour: red\n")
    reading = reader.read(look(path))
    assert reading.sidecar is None
    assert reading.content is None
    assert [e.code for e in reading.errors] == ["UNKNOWN_KEY", "CONTENT_MISSING"]
    assert all(e.message.startswith("POST.YML") for e in reading.errors)
    assert [m.name for m in reading.media] == ["1.jpg"]


def test_a_large_sidecar_is_not_read_to_its_end(path: Path) -> None:
    with (path / "post.yaml").open("wb") as file:
        file.truncate(5 * 1024 * 1024 * 1024)
    (found,) = reader.read(look(path)).errors
    assert found.code == "YAML_TOO_LARGE"


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_what_may_not_be_read_is_said(path: Path) -> None:
    (path / "post.yaml").chmod(0)
    (path / "1.jpg").chmod(0)
    reading = reader.read(look(path))
    assert [e.code for e in reading.errors] == ["FILE_UNREADABLE"]
    assert reading.media[0].unreadable is not None


@pytest.mark.parametrize("make", [lambda: photo("JPEG"), lambda: video("mp4")], ids=["picture", "video"])
def test_a_share_that_breaks_while_a_file_is_measured_says_nothing_of_it(
    path: Path, make: Callable[[], bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    (path / "1.jpg").write_bytes(make())
    with monkeypatch.context() as broken, server_with(broken, BREAKS_OFF), pytest.raises(Unclear) as said:
        reader.read(look(path))
    assert said.value.finding.code == "FILE_BROKEN"
    assert "1.jpg cannot be read: Input/output error" in said.value.finding.message
    assert "undecodable" not in reader.read(look(path)).media[0].facts


def test_a_libmagic_that_does_not_work_is_said_and_tried_again(tmp_path: Path) -> None:
    """In a process of its own, since libmagic reads its environment once."""
    script = """
        import sys
        from pathlib import Path
        from postpost_sync.disk import reader, scan
        from postpost_sync.model.errors import PostError
        from postpost_sync.post.names import Names
        folder = scan.look(sys.argv[1], "post", Names())
        try:
            reader.read(folder)
        except PostError as error:
            print(error.finding.code)
    """
    (tmp_path / "post").mkdir()
    (tmp_path / "post" / "a.jpg").write_bytes(b"plain words, so that only libmagic can tell " * 9)
    (tmp_path / "post" / "post.yaml").write_text("content: x\nplatforms: [x-1]\n")
    (tmp_path / "broken.mgc").write_bytes(b"no database")
    run = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script), str(tmp_path)],
        env={"PYTHONPATH": os.pathsep.join(sys.path), "MAGIC": str(tmp_path / "broken.mgc")},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert run.stdout == "LIBMAGIC_BROKEN\n"
