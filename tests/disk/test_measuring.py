"""What is measured of a picture and a video, whatever stands beside it in the file."""

from __future__ import annotations

import io
import zlib
from fractions import Fraction
from functools import cache

import av
import pytest

from tests.support.media_files import FILES, Facts, chunk, facts_of, image, video

# --- what is measured -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("content_type", [t for t in FILES if t.startswith("image/")])
def test_an_image_is_measured(content_type: str) -> None:
    facts = facts_of(FILES[content_type](), content_type)
    assert facts == {
        "width": 60,
        "height": 40,
        "aspect": 1.5,
        "rotation": 0,
        "mirrored": False,
        "cmyk": False,
        "animated": False,
    }


@pytest.mark.parametrize(
    ("data", "content_type", "expected"),
    [
        (image("GIF", frames=3), "image/gif", {"animated": True}),
        (image("PNG", frames=3), "image/png", {"animated": True}),
        (image("WEBP", frames=3), "image/webp", {"animated": True}),
        (image("MPO", frames=2), "image/jpeg", {"animated": False}),
        (image("JPEG", mode="CMYK"), "image/jpeg", {"cmyk": True}),
        (image("JPEG", orientation=6), "image/jpeg", {"rotation": 90, "aspect": 40 / 60, "mirrored": False}),
        (image("PNG", orientation=3), "image/png", {"rotation": 180, "aspect": 1.5}),
        (image("WEBP", orientation=7), "image/webp", {"rotation": 270, "mirrored": True}),
        (image("JPEG", orientation=99), "image/jpeg", {"width": 60}),
        (image("PNG", mode="L"), "image/png", {"width": 60}),
        (image("JPEG") + b"behind it" * 99, "image/jpeg", {"width": 60}),
        (image("JPEG", mode="L", progressive=True), "image/jpeg", {"width": 60}),
        (image("JPEG", restart_marker_rows=1), "image/jpeg", {"width": 60}),
    ],
)
def test_what_is_special_about_an_image(data: bytes, content_type: str, expected: Facts) -> None:
    facts = facts_of(data, content_type)
    assert expected.items() <= facts.items()
    assert not {"truncated", "undecodable", "unmeasured"} & facts.keys()


@pytest.mark.parametrize("content_type", [t for t in FILES if t.startswith("video/")])
def test_a_video_is_measured(content_type: str) -> None:
    facts = facts_of(FILES[content_type](), content_type)
    assert {key: facts[key] for key in ("width", "height", "rotation", "fps")} == {
        "width": 64,
        "height": 48,
        "rotation": 0,
        "fps": 10.0,
    }
    assert facts["aspect"] == pytest.approx(4 / 3)
    assert facts["duration"] == pytest.approx(1.0, abs=0.11)  # AVI counts the encoder's delay
    assert facts["bitrate"] == pytest.approx(len(FILES[content_type]()) * 8, rel=0.15)
    assert (facts["video_codec"], facts["audio_codec"]) == {
        "video/webm": ("vp9", "opus"),
        "video/x-msvideo": ("mpeg4", "aac"),
    }.get(content_type, ("h264", "aac"))
    assert not {"truncated", "undecodable", "unmeasured", "moov_missing"} & facts.keys()


def test_a_video_without_sound_and_one_that_is_turned() -> None:
    assert facts_of(video("mp4", sound=""), "video/mp4")["audio_codec"] == ""
    turned = facts_of(video("mp4", turn=90), "video/mp4")
    assert turned["rotation"] in (90, 270)
    assert turned["aspect"] == pytest.approx(3 / 4)


def test_sound_alone_is_no_video() -> None:
    out = io.BytesIO()
    with av.open(out, "w", format="mp4") as file:
        noise = file.add_stream("aac", rate=48000)
        assert isinstance(noise, av.AudioStream)
        silence = av.AudioFrame(format="fltp", layout="stereo", samples=1024)
        for plane in silence.planes:
            plane.update(bytes(plane.buffer_size))
        silence.sample_rate, silence.pts = 48000, 0
        file.mux(noise.encode(silence))
        file.mux(noise.encode(None))
    assert facts_of(out.getvalue(), "video/mp4") == {"undecodable": "there is no picture in it that can be read"}


@cache
def sound_with(pictures: int, container: str, *, cover: bool = False) -> bytes:
    """A quarter of an hour on the radio, in short: sound, and so many pictures."""
    out = io.BytesIO()
    with av.open(out, "w", format=container) as file:
        noise = file.add_stream("libopus" if container == "webm" else "aac", rate=48000)
        stream = file.add_stream("libvpx-vp9" if container == "webm" else "mjpeg" if cover else "libx264", rate=25)
        assert isinstance(noise, av.AudioStream)
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuvj420p" if cover else "yuv420p"
        if cover:
            stream.disposition = av.stream.Disposition.attached_pic
        for number in range(pictures):
            frame = av.VideoFrame(64, 48, stream.pix_fmt)
            frame.pts, frame.time_base = number, Fraction(1, 25)
            file.mux(stream.encode(frame))
        file.mux(stream.encode(None))
        for number in range(48):
            silence = av.AudioFrame(format="fltp", layout="stereo", samples=1000)
            for plane in silence.planes:
                plane.update(bytes(plane.buffer_size))
            silence.sample_rate, silence.pts = 48000, number * 1000
            file.mux(noise.encode(silence))
        file.mux(noise.encode(None))
    return out.getvalue()


def test_sound_with_a_cover_is_no_video() -> None:
    assert "cover picture" in str(facts_of(sound_with(1, "mp4", cover=True), "video/mp4")["undecodable"])


@pytest.mark.parametrize(
    ("container", "content_type"),
    [("mp4", "video/mp4"), ("mov", "video/quicktime"), ("matroska", "video/x-matroska"), ("webm", "video/webm")],
)
def test_sound_with_one_picture_is_no_video_and_with_two_it_is(container: str, content_type: str) -> None:
    one = facts_of(sound_with(1, container), content_type)
    assert one["undecodable"] == "it is sound with one picture, no video"
    assert "undecodable" not in facts_of(sound_with(2, container), content_type)


# --- what a picture does not need -------------------------------------------------------------------------------------


def png_with(*chunks: bytes) -> bytes:
    """A good PNG with these chunks behind its header."""
    data = image("PNG")
    return data[:33] + b"".join(chunks) + data[33:]


LONG = zlib.compress(bytes(3 << 20))
BESIDE = {  # made when it is needed: some are large
    "packed text that is long": lambda: chunk(b"zTXt", b"Comment\0\0" + LONG),
    "packed XMP that is long": lambda: chunk(b"iTXt", b"XML:com.adobe.xmp\0\1\0\0\0" + LONG),
    "XMP that is long": lambda: chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + b"x" * (2 << 20)),
    "text that is very long": lambda: chunk(b"tEXt", b"Comment\0" + b"x" * (70 << 20)),
    "a profile that is long": lambda: chunk(b"iCCP", b"profile\0\0" + LONG),
    "a profile that is not packed": lambda: chunk(b"iCCP", b"profile\0\0" + b"no zlib"),
    "a profile packed in another way": lambda: chunk(b"iCCP", b"profile\0\7"),
    "packed text without a text": lambda: chunk(b"zTXt", b"Comment"),
    "half a gamma": lambda: chunk(b"gAMA", b"\1"),
    "no size of a pixel": lambda: chunk(b"pHYs", b""),
    "text with a wrong sum": lambda: chunk(b"tEXt", b"Comment\0hello", wrong_sum=True),
    "a time with a wrong sum": lambda: chunk(b"tIME", bytes(7), wrong_sum=True),
    "words of some program with a wrong sum": lambda: chunk(b"prVt", b"of some program", wrong_sum=True),
    "half a transparency": lambda: chunk(b"tRNS", b"\0"),
    "half an animation": lambda: chunk(b"acTL", b"\0"),
    "half a frame": lambda: chunk(b"fcTL", b"\0"),
    "half of its colours": lambda: chunk(b"cHRM", b"\0"),
    "no EXIF where it says so": lambda: chunk(b"eXIf", b"no EXIF"),
}


@pytest.mark.parametrize("what", BESIDE)
def test_a_good_png_is_taken_whatever_stands_beside_its_picture(what: str) -> None:
    facts = facts_of(png_with(BESIDE[what]()), "image/png")
    assert facts == facts_of(image("PNG"), "image/png")
    assert "undecodable" not in facts


def test_a_png_whose_picture_is_damaged_is_refused_as_before() -> None:
    data = image("PNG")
    at = data.index(b"IDAT") + 40
    assert facts_of(data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :], "image/png").keys() & {
        "undecodable",
        "truncated",
    }


SEGMENTS = {  # of a JPEG, that end too early for what they seem to be
    "JFIF's": (0xE0, b"JFIF\0"),
    "an ICC profile's": (0xE2, b"ICC_PROFILE\0\1"),
    "Photoshop's": (0xED, b"Photoshop 3.0\0008BIM\x03\xed"),
    "Adobe's": (0xEE, b"Adobe\0"),
}


@pytest.mark.parametrize("what", SEGMENTS)
def test_a_good_jpeg_is_taken_whatever_a_program_wrote_beside_its_picture(what: str) -> None:
    data, (marker, body) = image("JPEG"), SEGMENTS[what]
    segment = bytes([0xFF, marker]) + (len(body) + 2).to_bytes(2) + body
    assert facts_of(data[:2] + segment + data[2:], "image/jpeg") == facts_of(data, "image/jpeg")
    assert "undecodable" not in facts_of(data, "image/jpeg")
    cut = facts_of(data[:2] + segment[:-1], "image/jpeg")
    assert cut["truncated"]


@pytest.mark.parametrize("size", [(1, 1), (7, 7), (3, 1000), (1000, 3), (7, 8)])
@pytest.mark.parametrize("form", ["JPEG", "PNG", "GIF", "WEBP"])
def test_a_picture_may_be_as_small_as_it_likes(form: str, size: tuple[int, int]) -> None:
    facts = facts_of(image(form, size=size), f"image/{form.lower()}")
    assert (facts["width"], facts["height"]) == size
    assert not facts.keys() & {"undecodable", "truncated", "unmeasured"}
