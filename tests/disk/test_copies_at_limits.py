"""Every platform at its own limit and over it, with a real photograph of 24 megapixels: what is sent, and how good it is.

One photograph serves all, and platforms with the same figures share its copy: to make one takes seconds.
"""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest
from PIL import Image

from postpost_sync.disk.copies import Copies
from postpost_sync.disk.fitting import BEST, LEAST
from postpost_sync.model.folder import Copy, MediaFile, Recipe, Stat
from postpost_sync.model.post import Post
from postpost_sync.post import fitting, platforms, preflight
from postpost_sync.post.platforms import PLATFORMS
from tests.support.copies import is_red, opened, seen
from tests.support.media_files import image, lasting, photo, read_media
from tests.support.platform_facts import IMAGE_BYTES, MB, MIB

PICTURES = [one for one in PLATFORMS if one not in ("tiktok", "youtube")]
SIZE = 5600, 4200  # pixels, before it is turned upright


@cache
def photograph() -> bytes:
    """Larger than any platform takes, turned by its EXIF, with the place where it was taken."""
    data = photo("JPEG", SIZE, 6, 60, quality=97)
    assert len(data) > 20_000_000
    return data


class Maker:
    """Copies of the photograph, each recipe's made once."""

    def __init__(self, place: Path) -> None:
        self.place = Copies(place)
        self.original, self.fd = seen(photograph(), "IMG_0412.JPG")
        self._made: dict[Recipe, tuple[Copy, bytes]] = {}

    def post(self, platform: str, file: MediaFile | None = None) -> Post:
        return fitting.fit(Post("words", (f"{platform}-1",), {}, (file or self.original,), None, "UTC"), {})

    def copy(self, recipe: Recipe) -> tuple[Copy, bytes]:
        if recipe not in self._made:
            copy = self.place.make(1, self.original, recipe, self.fd)
            assert copy is not None
            with self.place.opened(copy) as fd:
                self._made[recipe] = copy, os.pread(fd, copy.size, 0)
        return self._made[recipe]


@pytest.fixture(scope="module")
def maker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Maker]:
    made = Maker(tmp_path_factory.mktemp("copies"))
    yield made
    os.close(made.fd)


def _quality(shown: Image.Image) -> int:
    """The JPEG quality that it was written in, by its table."""
    table = shown.quantization[0]  # type: ignore[attr-defined]  # of a JPEG
    for quality in range(LEAST, BEST + 1):
        out = io.BytesIO()
        Image.new("RGB", (8, 8)).save(out, "JPEG", quality=quality)
        if Image.open(io.BytesIO(out.getvalue())).quantization[0] == table:  # type: ignore[attr-defined]
            return quality
    raise AssertionError("its quality is none that is allowed")


@pytest.mark.whole
@pytest.mark.xdist_group("photograph")
@pytest.mark.parametrize("platform", PICTURES)
def test_over_the_limit_the_copy_is_as_close_to_it_as_quality_allows(maker: Maker, platform: str) -> None:
    recipe = maker.post(platform).media[0].recipe
    assert recipe is not None
    assert recipe.size == IMAGE_BYTES[platform] // MIB * MB or recipe.size == IMAGE_BYTES[platform] == MB
    copy, data = maker.copy(recipe)
    post = maker.post(platform, replace(maker.original, copy=copy))
    assert preflight.check(fitting.as_sent(post), {})[0] == ()
    shown = opened(data)
    assert (shown.format, shown.mode) == ("JPEG", "RGB")
    assert shown.height > shown.width, "it stands upright"
    assert abs(shown.width / shown.height - SIZE[1] / SIZE[0]) < 0.001
    x, y = shown.width - 1 - shown.width // 20, shown.height // 20
    assert is_red(shown.getpixel((x, y))), "its corner is where it belongs"
    assert not {"exif", "icc_profile", "comment", "xmp"} & shown.info.keys()
    assert [name for name, _ in shown.applist] == ["APP0"], "no EXIF, and so no place"  # type: ignore[attr-defined]
    assert len(data) <= recipe.size
    quality = _quality(shown)
    better = io.BytesIO()
    shown.save(better, "JPEG", quality=quality + 2, subsampling=2, optimize=True)
    assert quality == BEST or len(better.getvalue()) > 0.98 * recipe.size, "a step more would be too much"
    assert quality == BEST or len(data) > 0.92 * recipe.size


@pytest.mark.parametrize("platform", PICTURES)
@pytest.mark.parametrize("over", [0, 1])
def test_a_picture_at_the_limit_is_left_alone_and_one_byte_over_it_is_not(platform: str, over: int) -> None:
    refused_above = IMAGE_BYTES[platform]
    file = replace(read_media(image("JPEG"), "image/jpeg", refused_above + over), kind="image/jpeg")
    post = fitting.fit(Post("words", (f"{platform}-1",), {}, (file,), None, "UTC"), {})
    assert (post.media[0].recipe is not None) == bool(over)
    assert preflight.check(fitting.as_sent(post), {})[0] == ()


@pytest.mark.parametrize("platform", ["linkedin", "bluesky"])
@pytest.mark.parametrize("over", [0, 1])
def test_a_mov_that_is_too_large_stays_too_large(platform: str, over: int) -> None:
    """No stream is touched: one that would be too large as an MP4, too, stays the error that it is."""
    limit = platforms.limit(platform, "short_video_bytes", {}) or platforms.limit(platform, "video_bytes", {})
    assert limit is not None
    most = int(limit.value) * MIB
    file = read_media(lasting(5, content_type="video/quicktime"), "video/quicktime", most + over)
    file = replace(file, stat=Stat(most + over, 0, 0, 0, 0), kind="video/quicktime")
    post = fitting.fit(Post("words", (f"{platform}-1",), {}, (file,), None, "UTC"), {})
    refused = [one.code for one in preflight.check(fitting.as_sent(post), {})[0]]
    assert ("VIDEO_TOO_LARGE" in refused) == bool(over)
    assert (post.media[0].recipe is None) == bool(over)
