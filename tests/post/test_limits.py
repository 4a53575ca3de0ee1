"""Real files of every format, at each platform's limits, one over and far over: what is refused, and in which words."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import pytest

from postpost_sync.model.errors import Finding
from postpost_sync.model.folder import MediaFile
from postpost_sync.model.post import Post
from postpost_sync.post.platforms import PLATFORMS
from postpost_sync.post.preflight import check
from tests.support.media_files import FILES, image, lasting, read_media, video
from tests.support.platform_facts import FORMATS, IMAGE_BYTES, IMAGES, SECONDS, TEXT, TYPES, VIDEO_BYTES, takes

GOOD: Mapping[str, Callable[[], bytes]] = {  # what no platform that takes the format objects to
    **{mime: make for mime, make in FILES.items() if mime.startswith("image/")},
    "video/mp4": lambda: video("mp4", seconds=4, fps=25),
    "video/quicktime": lambda: video("mov", seconds=4, fps=25),
    "video/x-msvideo": lambda: video("avi", "mpeg4", seconds=4, fps=25),
    "video/x-matroska": lambda: video("matroska", seconds=4, fps=25),
    "video/webm": lambda: video("webm", "libvpx-vp9", seconds=4, fps=25, sound="libopus"),
}


def good(content_type: str) -> bytes:
    return GOOD[content_type]()


def found(platform: str, *files: MediaFile, content: str = "hello") -> tuple[list[Finding], list[Finding]]:
    errors, warnings = check(Post(content, (f"{platform}-1",), {}, files, None, "UTC"))
    return list(errors), list(warnings)


def refused(platform: str, *files: MediaFile, content: str = "hello") -> list[str]:
    return [error.code for error in found(platform, *files, content=content)[0]]


def fitting(platform: str) -> MediaFile:
    mime = "video/mp4" if platform in ("tiktok", "youtube") else "image/jpeg"
    return read_media(good(mime), mime)


# --- formats, text, numbers -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("platform", PLATFORMS)
@pytest.mark.parametrize("form", TYPES)
def test_a_format_is_refused_exactly_where_it_is_not_taken(platform: str, form: str) -> None:
    taken, converted, risky = (forms.split() for forms in FORMATS[platform])
    mime = TYPES[form]
    errors, warnings = found(platform, read_media(good(mime), mime))
    if form in taken + converted + risky:
        assert errors == []
    else:
        (error,) = errors
        assert error.code in ("IMAGE_FORMAT", "VIDEO_FORMAT", "VIDEO_REQUIRED")
        assert platform in error.message
    codes = [warning.code for warning in warnings]
    assert ("WEBP_CONVERTED" in codes) == (form in converted)
    assert any(code.endswith("_FORMAT_RISKY") for code in codes) == (form in risky)


@pytest.mark.parametrize(("platform", "most"), TEXT.items())
def test_text_at_its_limit_one_over_and_far_over_beside_a_real_file(platform: str, most: int) -> None:
    file = fitting(platform)
    most = 1024 if platform == "telegram" else most
    for length, expected in ((most, []), (most + 1, ["CONTENT_TOO_LONG"]), (most * 10, ["CONTENT_TOO_LONG"])):
        assert refused(platform, file, content="x" * length) == expected


@pytest.mark.parametrize(("platform", "most"), IMAGES.items())
def test_as_many_images_as_the_platform_takes_one_more_and_far_more(platform: str, most: int) -> None:
    mimes = takes(platform, "image/")
    files = [read_media(good(mimes[n % len(mimes)]), mimes[n % len(mimes)], name=f"{n}") for n in range(most * 5)]
    for count, expected in ((most, []), (most + 1, ["TOO_MANY_IMAGES"]), (most * 5, ["TOO_MANY_IMAGES"])):
        assert refused(platform, *files[:count]) == expected


@pytest.mark.parametrize("platform", PLATFORMS)
def test_one_video_a_post_and_nothing_beside_it(platform: str) -> None:
    one, two = (read_media(good("video/mp4"), "video/mp4", name=f"{n}.mp4") for n in "ab")
    assert refused(platform, one) == []
    assert refused(platform, one, two) == ["TOO_MANY_VIDEOS"]
    assert "MEDIA_MIXED" in refused(platform, one, read_media(good("image/jpeg"), "image/jpeg"))


# --- bytes ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("platform", "content_type"), [(p, mime) for p in PLATFORMS for mime in (takes(p, "image/") if p in IMAGES else [])]
)
def test_the_bytes_of_an_image(platform: str, content_type: str) -> None:
    for size, expected in ((0, []), (1, ["IMAGE_TOO_LARGE"]), (2 * IMAGE_BYTES[platform], ["IMAGE_TOO_LARGE"])):
        file = read_media(good(content_type), content_type, IMAGE_BYTES[platform] + size)
        assert refused(platform, file) == expected, size


@pytest.mark.parametrize(("platform", "content_type"), [(p, mime) for p in PLATFORMS for mime in takes(p, "video/")])
def test_the_bytes_of_a_video(platform: str, content_type: str) -> None:
    most = VIDEO_BYTES[platform]
    too_large = "VIDEO_TOO_LARGE" if most < 2**29 else "MEDIA_TOO_LARGE"
    for size, expected in ((most, []), (most + 1, [too_large]), (most * 3, [too_large])):
        codes = refused(platform, read_media(good(content_type), content_type, size))
        assert [code for code in codes if not (size > 2**29 and code == "MEDIA_TOO_LARGE" != too_large)] == expected, (
            size
        )


def test_a_minute_of_video_may_be_twice_as_large_on_bluesky() -> None:
    minute, most = lasting(60), 100 * 2**20
    assert refused("bluesky", read_media(minute, "video/mp4", most)) == []
    assert refused("bluesky", read_media(minute, "video/mp4", most + 1)) == ["VIDEO_TOO_LARGE"]


# --- length, frames, pixels -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("platform", "content_type"), [(p, mime) for p in SECONDS for mime in takes(p, "video/")])
def test_the_length_of_a_video(platform: str, content_type: str) -> None:
    least, most = SECONDS[platform]
    lengths = {
        most: [],
        most + 1: ["VIDEO_TOO_LONG"],
        most * 3: ["VIDEO_TOO_LONG"],
        least or 2: [],
        least - 1: ["VIDEO_TOO_SHORT"],
    }
    fps = 1 if content_type == "video/x-msvideo" else 25  # AVI has a place for every picture, also where none is
    for length, expected in lengths.items():
        if length > 0:
            codes = refused(platform, read_media(lasting(length, fps, content_type), content_type))
            assert [code for code in codes if code != "VIDEO_FPS"] == expected, length


@pytest.mark.parametrize(("fps", "expected"), [(24, []), (23, []), (22, ["VIDEO_FPS"]), (5, ["VIDEO_FPS"])])
@pytest.mark.parametrize(
    ("container", "codec", "sound", "content_type"),
    [
        ("mp4", "libx264", "aac", "video/mp4"),
        ("mov", "libx264", "aac", "video/quicktime"),
        ("webm", "libvpx-vp9", "libopus", "video/webm"),
    ],
)
def test_the_frames_a_second_that_tiktok_wants(
    fps: int, expected: list[str], container: str, codec: str, sound: str, content_type: str
) -> None:
    errors, _ = found("tiktok", read_media(video(container, codec, seconds=4, fps=fps, sound=sound), content_type))
    assert [error.code for error in errors] == expected
    for error in errors:
        measured = error.message.partition("measured: ")[2].split(", ")
        assert [part.rpartition(" ")[2] for part in measured[3:]] == ["fps", "Mbit/s", "s"]
        assert measured[:2] == ["64x48", "1.33:1"]
        assert measured[2] in ("h264/aac", "vp9/opus")
        assert "ensure proper FPS, supported codec, and acceptable duration" in error.hint


@pytest.mark.parametrize("content_type", takes("bluesky", "image/"))
def test_the_pixels_of_an_image_on_bluesky(content_type: str) -> None:
    form = {"image/jpeg": "JPEG", "image/png": "PNG", "image/webp": "WEBP"}[content_type]
    for size, expected in (
        ((2000, 20), []),
        ((2001, 20), ["IMAGE_TOO_WIDE"]),
        ((20, 2000), []),
        ((20, 2001), ["IMAGE_TOO_TALL"]),
        ((20, 6000), ["IMAGE_TOO_TALL"]),
    ):
        assert refused("bluesky", read_media(image(form, mode="L", size=size), content_type)) == expected


@pytest.mark.parametrize(
    ("content_type", "turned"),  # a GIF has no EXIF
    [(m, turned) for m in takes("instagram", "image/") for turned in (False, True) if not turned or m != "image/gif"],
)
def test_the_aspect_of_an_image_on_instagram(content_type: str, turned: bool) -> None:
    form = {"image/jpeg": "JPEG", "image/png": "PNG", "image/webp": "WEBP", "image/gif": "GIF"}[content_type]
    for size, crops in (
        ((80, 100), False),
        ((191, 100), False),
        ((79, 100), True),
        ((192, 100), True),
        ((40, 200), True),
    ):
        shape = size[::-1] if turned else size
        file = read_media(image(form, size=shape, orientation=6 if turned else 0), content_type)
        warnings = [warning.code for warning in found("instagram", file)[1]]
        assert ("IMAGE_ASPECT" in warnings) == crops, size


# --- words ------------------------------------------------------------------------------------------------------------


def test_every_finding_names_the_file_the_platform_what_was_found_and_the_limit_with_its_source() -> None:
    file = replace(read_media(good("image/png"), "image/png", 9_400_000), name="slide3.png")
    (error,), _ = found("threads", file)
    assert error.message == "slide3.png is 9.4 MB; threads takes 8 MB (threads-1)"
    assert error.hint == "export it smaller [platforms/threads 2026-03]"


def test_a_limit_of_the_config_says_so() -> None:
    file = read_media(good("image/png"), "image/png", 9_400_000)
    post = Post("hello", ("threads-1",), {}, (file,), None, "UTC")
    (error,), _ = check(post, {"threads": {"image_bytes": 1000}})
    assert error.hint.endswith("[limits in the config]")
