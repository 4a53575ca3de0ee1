"""Which files are sent as a copy: only what would be refused and would not be as one, and never more than it takes."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from postpost_sync.model.folder import Copy, MediaFile, Stat
from postpost_sync.model.post import Post
from postpost_sync.model.record import Sent, Upload
from postpost_sync.post import fitting, preflight
from postpost_sync.post.platforms import FORMATS, LIMITS, PLATFORMS, SUFFIXES

PICTURES = [one for one in PLATFORMS if one not in ("tiktok", "youtube")]
PHONE = {"width": 4032, "height": 3024, "aspect": 4 / 3, "rotation": 0, "mirrored": False, "cmyk": False}
CLIP: dict[str, Any] = {"width": 1920, "height": 1080, "aspect": 16 / 9, "duration": 20.0, "fps": 30.0, "rotation": 0}
CLIP |= {"video_codec": "hevc", "audio_codec": "aac", "bitrate": 8e6}


def file(name: str = "IMG_1.jpg", kind: str = "image/jpeg", size: int = 3_000_000, **facts: Any) -> MediaFile:
    known = (CLIP if kind.startswith("video/") else PHONE) | facts
    taken = kind if kind in SUFFIXES else None
    return MediaFile(name, Stat(size, 1, 1, 1, 1), taken, "a picture image", facts=known, kind=kind)


def post(*media: MediaFile, to: tuple[str, ...] = ("bluesky-1",)) -> Post:
    return Post("words", to, {}, media, None, "UTC")


def fitted(*media: MediaFile, to: tuple[str, ...] = ("bluesky-1",), limits: Any = None) -> tuple[MediaFile, ...]:
    return fitting.fit(post(*media, to=to), limits or {}).media


@pytest.mark.parametrize("platform", PICTURES)
def test_at_its_limit_a_picture_is_left_alone_and_over_it_a_copy_is_sent(platform: str) -> None:
    limit = LIMITS[platform, "image_bytes"]
    most = int(limit.value * (2**20 if limit.unit == "MB" else 1))
    at, over = (file(size=size, width=1000, height=800) for size in (most, most + 1))
    (one,) = fitted(at, to=(f"{platform}-1",))
    assert one.recipe is None
    (one,) = fitted(over, to=(f"{platform}-1",))
    assert one.recipe is not None
    assert one.recipe.size == (limit.value * 10**6 if limit.unit == "MB" else limit.value), "where MB are no MiB"
    errors, warnings = preflight.check(fitting.as_sent(fitting.fit(post(over, to=(f"{platform}-1",)), {})))
    assert (errors, warnings) == ((), ())


@pytest.mark.parametrize("kind", sorted(fitting.PICTURES))
@pytest.mark.parametrize("platform", PICTURES)
def test_what_postpost_does_not_take_becomes_a_jpeg_for_every_platform(platform: str, kind: str) -> None:
    (one,) = fitted(file("IMG_1.HEIC", kind), to=(f"{platform}-1",))
    assert one.recipe is not None
    assert one.recipe.forms == ("image/jpeg",)
    assert one.sent_type == "image/jpeg"


@pytest.mark.parametrize("platform", PLATFORMS)
@pytest.mark.parametrize("kind", ["video/quicktime", "video/x-matroska"])
def test_a_container_is_rewritten_only_where_it_is_not_taken(platform: str, kind: str) -> None:
    row = FORMATS[platform]
    (one,) = fitted(file("clip.mov", kind), to=(f"{platform}-1",))
    assert (one.recipe is None) is (kind in row.taken | row.risky)


@pytest.mark.parametrize(
    "wrong",
    [
        {"video_codec": "vp9"},
        {"video_codec": "prores"},
        {"audio_codec": "pcm_s16le"},
        {"duration": 10_000.0},
        {"truncated": "its moov atom is cut off"},
        {"moov_missing": True},
        {"unmeasured": "it took too long"},
    ],
    ids=str,
)
def test_a_video_that_a_container_does_not_mend_stays_an_error(wrong: dict[str, Any]) -> None:
    bad = file("clip.mov", "video/quicktime", **wrong)
    assert fitted(bad, to=("linkedin-1",))[0].recipe is None
    assert preflight.check(fitting.as_sent(fitting.fit(post(bad, to=("linkedin-1",)), {})))[0]


def test_a_video_that_is_too_large_is_not_rewritten() -> None:
    assert fitted(file("clip.mov", "video/quicktime", 200_000_000), to=("mastodon-1", "bluesky-1"))[0].recipe is None


@pytest.mark.parametrize(
    "wrong",
    [{"animated": True}, {"truncated": "x"}, {"undecodable": "x"}, {"width": 20_000, "height": 20_000}],
    ids=str,
)
def test_what_is_animated_damaged_or_huge_is_not_touched(wrong: dict[str, Any]) -> None:
    for kind in ("image/gif", "image/heic", "image/webp"):
        assert fitted(file("x", kind, **wrong))[0].recipe is None


def test_what_is_larger_than_postpost_takes_at_all_is_not_touched() -> None:
    assert fitted(file(size=600_000_000))[0].recipe is None


def test_an_aspect_ratio_is_not_mended() -> None:
    limits = {"facebook": {"aspect_max": 1.0}}
    one = fitted(file(size=20_000_000), to=("facebook-1",), limits=limits)[0]
    assert one.recipe is None


def test_the_strictest_of_all_platforms_counts_whoever_asks() -> None:
    (one,) = fitted(file(size=9_000_000), to=("facebook-1", "bluesky-1", "mastodon-1"))
    assert one.recipe is not None
    assert (one.recipe.size, one.recipe.width, one.recipe.height) == (1_000_000, 2000, 2000)
    assert one.recipe.why == "bluesky-1 takes JPEG up to 1.0 MB and 2,000 x 2,000 px"


def test_own_limits_make_own_copies() -> None:
    (one,) = fitted(file(), to=("facebook-1",), limits={"facebook": {"image_bytes": 500_000, "width": 800}})
    assert one.recipe is not None
    assert (one.recipe.size, one.recipe.width) == (500_000, 800)


@pytest.mark.parametrize(
    ("kind", "to", "forms"),
    [
        ("image/png", ("bluesky-1",), ("image/png", "image/jpeg")),
        ("image/png", ("bluesky-1", "instagram-1"), ("image/jpeg",)),
        ("image/webp", ("bluesky-1",), ("image/png", "image/jpeg")),
        ("image/jpeg", ("bluesky-1",), ("image/jpeg",)),
    ],
)
def test_a_png_may_stay_one_where_all_take_it_for_certain(
    kind: str, to: tuple[str, ...], forms: tuple[str, ...]
) -> None:
    (one,) = fitted(file("a", kind), to=to)
    assert one.recipe is not None
    assert one.recipe.forms == forms


def test_a_turned_picture_is_announced_upright() -> None:
    (told,) = fitting.told(fitting.fit(post(file(rotation=90)), {}), {})
    assert told.code == "FITTED"
    assert "at most 1,500 x 2,000 px" in told.message


def test_the_hint_spares_the_others_only_where_there_are_any() -> None:
    for to, spared in (
        (("bluesky-1",), False),
        (("bluesky-1", "bluesky-2"), False),
        (("bluesky-1", "twitter-1"), True),
    ):
        (told,) = fitting.told(fitting.fit(post(file(size=9_000_000), to=to), {}), {})
        assert ("per_platform" in told.hint) is spared


def test_a_file_of_which_no_copy_can_be_made_stays_as_it_is() -> None:
    one, other = fitting.fit(post(file("a.jpg"), file("b.jpg")), {}, {"a.jpg"}).media
    assert (one.recipe, other.recipe is None) == (None, False)


def test_a_copy_made_for_other_limits_does_not_count() -> None:
    (one,) = fitted(file())
    assert one.recipe is not None
    made = replace(one, copy=Copy(one.recipe, "1-a.jpg", "image/jpeg", 900_000, {"width": 2000, "height": 1500}))
    assert fitted(made)[0].copy is not None
    assert fitted(made, limits={"bluesky": {"image_bytes": 800_000}})[0].copy is None


# --- what is an edit --------------------------------------------------------------------------------------------------


def sent(**more: Any) -> Upload:
    start: dict[str, Any] = {"version": 1, "size": 900_000, "width": 2000, "height": 1500, "why": ""}
    return Upload(0, "IMG_1.jpg", "IMG_1.jpg", "image/jpeg", file().stat, sent_as=Sent(**(start | more)))


@pytest.mark.parametrize(
    ("upload", "limits", "same"),
    [
        (sent(), {}, True),
        (sent(size=950_000, width=1900), {}, True),
        (sent(size=None, width=None, height=None), {}, True),
        (sent(), {"bluesky": {"image_bytes": 800_000}}, False),
        (sent(), {"bluesky": {"height": 1000}}, False),
        (sent(), {"bluesky": {"image_bytes": 2_000_000}}, True),
        (sent(version=0), {}, False),
        (replace(sent(), content_type="image/png"), {}, False),
        (replace(sent(), sent_as=None), {}, False),
        (sent(), {"bluesky": {"image_bytes": 9_000_000, "width": 9000, "height": 9000}}, False),
    ],
    ids=lambda value: str(value)[:40],
)
def test_another_copy_is_an_edit_and_a_copy_made_anew_is_none(upload: Upload, limits: Any, same: bool) -> None:
    (now,) = fitted(file(), limits=limits)
    assert fitting.same_form(upload, now) is same
