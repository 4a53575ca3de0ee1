"""The sample posts: every file is what its name says, every sidecar but one is right, and a drop is complete."""

from __future__ import annotations

import io
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from pathlib import Path

import av
import pytest
from PIL import Image

from postpost_sync.commands.demo import samples
from postpost_sync.model.times import parse_time
from postpost_sync.post import sidecar
from postpost_sync.sandbox.behaviour import CONNECTIONS

NOW = datetime(2026, 3, 28, 23, 30, tzinfo=UTC)  # the clocks go forward in the night to come
DATA = {f.name: f.read_bytes() for f in files(samples).iterdir() if f.name.endswith((".jpg", ".png", ".mp4"))}
WRONG = "7-with-a-mistake"
RIGHT = [post for post in samples.posts() if post.folder != WRONG]


def test_the_media_are_small_enough_to_travel_with_the_package() -> None:
    assert sum(map(len, DATA.values())) < 400_000
    assert {name for post in samples.posts() for name in post.media} == set(DATA)


@pytest.mark.parametrize("name", sorted(name for name in DATA if not name.endswith(".mp4")))
def test_each_image_is_what_its_name_says(name: str) -> None:
    with files(samples).joinpath(name).open("rb") as file, Image.open(file) as image:
        image.load()
        assert image.format == {"jpg": "JPEG", "png": "PNG"}[name[-3:]]
        assert image.size == ((1200, 900) if name == "harbour.jpg" else (1080, 1350))
    assert len(DATA[name]) < 60_000


def test_the_video_is_h264_with_aac_and_can_be_played_while_it_loads() -> None:
    data = DATA["harbour.mp4"]
    assert len(data) < 150_000
    assert data[4:8] == b"ftyp"
    assert data.index(b"moov") < data.index(b"mdat")
    with av.open(io.BytesIO(data), "r") as container:
        video, audio = container.streams.video[0], container.streams.audio[0]
        assert (video.codec_context.name, audio.codec_context.name) == ("h264", "aac")
        assert (video.width, video.height) == (720, 1280)
        assert video.average_rate is not None
        assert float(video.average_rate) == 30.0
        frames = list(container.decode(video=0))
        assert len(frames) == 96  # 3.2 s: Instagram and TikTok want 3 s at least


@pytest.mark.parametrize("post", RIGHT, ids=lambda post: post.folder)
def test_every_sidecar_but_the_wrong_one_is_right(post: samples.SamplePost) -> None:
    read, findings = sidecar.parse(post.sidecar_at(NOW).encode())
    assert findings == ()
    assert read is not None
    assert set(read.platforms or ()) <= {c.platform_id for c in CONNECTIONS if c.state not in ("expired",)}
    assert read.media is None or sorted(read.media) == sorted(post.media)
    if read.scheduled_time not in (None, "now"):
        time, doubt = parse_time(read.scheduled_time or "", read.timezone or "UTC")
        assert doubt is None
        assert NOW < time < NOW + timedelta(days=6)


def test_one_sidecar_is_wrong_by_a_slip_of_the_pen() -> None:
    (wrong,) = [post for post in samples.posts() if post.folder == WRONG]
    read, findings = sidecar.parse(wrong.sidecar_at(NOW).encode())
    assert read is None
    assert [(f.code, f.hint) for f in findings] == [("UNKNOWN_KEY", 'did you mean "platforms"?')]


def test_there_is_one_of_each_kind() -> None:
    read = {p.folder: sidecar.parse(p.sidecar_at(NOW).encode())[0] for p in RIGHT}
    times = [r.scheduled_time for r in read.values() if r]
    assert (times.count(None), times.count("now")) == (1, 1)
    carousel = read["3-carousel"]
    assert carousel is not None
    assert carousel.media == ("grind.jpg", "pour.jpg", "cup.png")
    assert sorted(len(p.media) for p in samples.posts()) == [0, 0, 0, 1, 1, 1, 3]


def test_writing_leaves_a_complete_folder_and_no_temporary(tmp_path: Path) -> None:
    for post in samples.posts():
        folder = samples.write_sample(post, tmp_path / "new", NOW)
        assert folder == tmp_path / "new" / post.folder
        assert {f.name for f in folder.iterdir()} == {*post.media, "post.yaml"}
        assert (folder / "post.yaml").read_text(encoding="utf-8") == post.sidecar_at(NOW)
        assert all((folder / name).read_bytes() == DATA[name] for name in post.media)
        assert "{in_" not in post.sidecar_at(NOW)


def test_what_is_there_already_is_not_written_over(tmp_path: Path) -> None:
    post = samples.posts()[0]
    (tmp_path / post.folder).mkdir()
    with pytest.raises(FileExistsError):
        samples.write_sample(post, tmp_path, NOW)
