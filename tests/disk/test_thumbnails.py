"""Thumbnails: of every kind of file, of nothing else, kept by what is in the file, and not without end."""

from __future__ import annotations

import io
import os
import shutil
from pathlib import Path

import pytest
from PIL import Image

from postpost_sync.disk import probe, scan
from postpost_sync.disk.thumbnails import Thumbnails
from postpost_sync.model.folder import Stat
from postpost_sync.post.names import Names
from tests.support.drops import hashes, picture, video
from tests.support.measuring_server import BREAKS_OFF, server_with


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "posts" / "post").mkdir(parents=True)
    (tmp_path / "posts" / "post" / "post.yaml").write_text("content: x\n")
    return tmp_path / "posts"


@pytest.fixture
def thumbnails(tmp_path: Path) -> Thumbnails:
    return Thumbnails(tmp_path / "state" / "state.db", Names())


def drop(root: Path, name: str, data: bytes) -> Stat:
    file = root / "post" / name
    file.write_bytes(data)
    return scan.of(file.stat())


def of(made: Thumbnails, root: Path, name: str, data: bytes, sha256: str | None = None) -> bytes | None:
    return made.of(str(root), "post", name, drop(root, name, data), sha256)


def opened(made: bytes | None) -> Image.Image:
    assert made is not None
    return Image.open(io.BytesIO(made), formats=["JPEG"])


def turned(orientation: int) -> bytes:
    """A wide picture, red on the left, that its EXIF turns."""
    image = Image.new("RGB", (400, 200), "blue")
    image.paste("red", (0, 0, 100, 200))
    exif, out = Image.Exif(), io.BytesIO()
    exif[0x0112], exif[0x010E] = orientation, "a secret place"
    image.save(out, "JPEG", exif=exif)
    return out.getvalue()


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "GIF", "WEBP"])
def test_a_picture_of_each_kind_has_one_that_is_small(kind: str, root: Path, thumbnails: Thumbnails) -> None:
    image = opened(of(thumbnails, root, "a", picture(kind, size=(1200, 800))))
    assert image.size == (256, 171)


def test_a_video_has_its_first_picture(root: Path, thumbnails: Thumbnails) -> None:
    assert opened(of(thumbnails, root, "a.mp4", video())).size == (144, 256)


def test_it_is_turned_as_it_is_seen_and_tells_nothing_of_the_file(root: Path, thumbnails: Thumbnails) -> None:
    made = of(thumbnails, root, "a.jpg", turned(6))
    image = opened(made)
    assert image.size == (128, 256)
    red, green, _ = image.getpixel((64, 5))  # type: ignore[misc]  # of an RGB picture it is three numbers
    assert red > 200 > green
    assert b"secret" not in (made or b"")
    assert not image.getexif()


def test_transparent_is_white(root: Path, thumbnails: Thumbnails) -> None:
    out = io.BytesIO()
    Image.new("RGBA", (300, 300), (0, 0, 0, 0)).save(out, "PNG")
    assert opened(of(thumbnails, root, "a.png", out.getvalue())).getpixel((9, 9)) == (255, 255, 255)


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"not a picture", id="text"),
        pytest.param(picture("PNG")[:60], id="cut off"),
        pytest.param(b"\x89PNG\r\n\x1a\n" + bytes(500), id="zeros"),
        pytest.param(video()[:4000], id="half a video"),
    ],
)
def test_of_what_is_no_good_there_is_none_and_it_is_tried_once(
    data: bytes, root: Path, thumbnails: Thumbnails, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert of(thumbnails, root, "a", data) is None
    monkeypatch.setattr(probe, "thumbnail", lambda *_: pytest.fail("it was tried again"))
    assert of(thumbnails, root, "a", data) is None


def test_of_a_file_that_crashes_its_reader_there_is_none_and_that_is_not_kept(
    root: Path, thumbnails: Thumbnails, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(probe, "thumbnail", lambda *_: None)
    assert of(thumbnails, root, "a.jpg", picture()) is None
    assert not thumbnails.folder.exists()
    monkeypatch.setattr(probe, "thumbnail", lambda *_: pytest.fail("it was tried again"))
    assert of(thumbnails, root, "a.jpg", picture()) is None


def test_of_a_file_whose_share_breaks_there_is_one_later(
    root: Path, thumbnails: Thumbnails, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = picture(size=(2000, 1500))
    with monkeypatch.context() as broken, server_with(broken, BREAKS_OFF):
        assert of(thumbnails, root, "a.jpg", data) is None
    assert of(thumbnails, root, "a.jpg", data) is not None


def test_it_is_kept_by_content_and_the_file_is_not_read_again(root: Path, thumbnails: Thumbnails) -> None:
    data = picture(size=(600, 600))
    (sha256,) = hashes(data)
    made = of(thumbnails, root, "a.jpg", data, sha256)
    (kept,) = (path for path in thumbnails.folder.rglob("*") if path.is_file())
    assert kept.name == f"{sha256}.jpg"
    assert kept.stat().st_mode & 0o777 == 0o600
    shutil.rmtree(root)
    assert thumbnails.of("/nowhere", "else", "b.jpg", None, sha256) == made


def test_what_is_not_as_it_was_seen_is_not_opened(root: Path, thumbnails: Thumbnails) -> None:
    before = drop(root, "a.jpg", picture())
    drop(root, "a.jpg", picture(seed=2, size=(640, 640)))
    assert thumbnails.of(str(root), "post", "a.jpg", before, None) is None


def test_no_link_leads_out_of_the_root(root: Path, thumbnails: Thumbnails, tmp_path: Path) -> None:
    (tmp_path / "secret.jpg").write_bytes(picture())
    (root / "post" / "a.jpg").symlink_to(tmp_path / "secret.jpg")
    stat = scan.of((tmp_path / "secret.jpg").stat())
    assert thumbnails.of(str(root), "post", "a.jpg", stat, None) is None
    assert thumbnails.of(str(root), "post", "../../secret.jpg", stat, None) is None
    assert thumbnails.of(str(root), "..", "secret.jpg", stat, None) is None


@pytest.mark.parametrize("sha256", ["../../../etc/passwd", "", "x" * 64, "A" * 64])
def test_what_is_no_hash_is_no_place(sha256: str, root: Path, thumbnails: Thumbnails) -> None:
    assert of(thumbnails, root, "a.jpg", picture(), sha256) is None or sha256 == ""


def test_the_oldest_go_when_there_are_too_many(root: Path, tmp_path: Path) -> None:
    first = Thumbnails(tmp_path / "state.db", Names())
    for seed in range(6):
        assert of(first, root, "a.jpg", picture(seed=seed))
    kept = sorted(path for path in first.folder.rglob("*.jpg"))
    for at, path in enumerate(kept):
        os.utime(path, (1000 + at, 1000 + at))
    sizes = [path.stat().st_size for path in kept]
    small = Thumbnails(tmp_path / "state.db", Names(), most=sum(sizes[-3:]))
    assert of(small, root, "a.jpg", picture(seed=9))
    left = sorted(path for path in first.folder.rglob("*.jpg"))
    assert sum(path.stat().st_size for path in left) <= sum(sizes[-3:])
    assert not {*kept[:3]} & {*left}


def test_where_nothing_may_be_written_it_is_made_all_the_same(root: Path, tmp_path: Path) -> None:
    made = Thumbnails(tmp_path / "state.db", Names(), keep=False)
    assert of(made, root, "a.jpg", picture())
    assert not made.folder.exists()


def test_what_was_not_sent_yet_has_one_too_unless_it_is_large(
    root: Path, thumbnails: Thumbnails, monkeypatch: pytest.MonkeyPatch
) -> None:
    drop(root, "a.jpg", picture())
    assert thumbnails.of(str(root), "post", "a.jpg", None, None)
    monkeypatch.setattr("postpost_sync.disk.thumbnails.HASHED_AT_MOST", 10)
    drop(root, "b.jpg", picture(seed=3))
    assert thumbnails.of(str(root), "post", "b.jpg", None, None) is None
    assert thumbnails.of(str(root), "post", "not there.jpg", None, None) is None
