"""Real files of every format, whole, turned, damaged and hostile: what they are, what is measured, and that nothing hangs."""

from __future__ import annotations

import ctypes
import importlib.util
import io
import os
import random
import resource
import struct
import subprocess
import sys
import textwrap
import threading
import zlib
from collections.abc import Callable, Iterator
from fractions import Fraction
from functools import cache
from unittest import mock

import av
import pytest
from hypothesis import given
from hypothesis import strategies as st

from postpost_sync.disk import media, probe
from postpost_sync.post.platforms import SUFFIXES
from tests.support.matrices import Matrix, Survived
from tests.support.measuring_server import server_with
from tests.support.media_files import FILES, Facts, box, facts_of, ftyp, image, structure_of, video

DAMAGED = int(os.environ.get("POSTPOST_FUZZ_MEDIA", "2000"))


def beginning(value: bytes | str) -> str:
    """A case's name: what comes later in a file may differ from one run to the next, as the time in a PDF does."""
    return value if isinstance(value, str) else repr(value[:16])


# --- what a file is ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("expected", FILES)
def test_every_format_is_known_by_its_content(expected: str) -> None:
    assert media.content_type(FILES[expected]()[: media.HEAD])[0] == expected


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        *(
            (ftyp(brand, brand), "video/mp4")
            for brand in (b"isom", b"mp42", b"M4V ", b"M4VH", b"MSNV", b"XAVC", b"CAEP")
        ),
        *(
            (ftyp(brand, brand), "video/mp4")
            for brand in (b"piff", b"cmfc", b"f4v ", b"F4V ", b"mp71", b"msdh", b"dash")
        ),
        (ftyp(b"3gp4", b"3gp4", b"mp42"), "video/mp4"),
        (ftyp(b"????", b"isom"), "video/mp4"),
        (box(b"free", bytes(9)) + ftyp(b"isom"), "video/mp4"),
        (b"\0\0\0\x20ftypisom", "video/mp4"),
        (ftyp(b"qt  ", b"qt  "), "video/quicktime"),
        (box(b"wide") + box(b"mdat", bytes(99)), "video/quicktime"),
        (box(b"mdat", bytes(99)), "video/quicktime"),
        (box(b"moov", bytes(99)), "video/quicktime"),
        (box(b"free", bytes(9)) + box(b"skip") + box(b"moov"), "video/quicktime"),
    ],
    ids=beginning,
)
def test_the_kinds_of_mp4_and_quicktime_that_libmagic_does_not_know(head: bytes, expected: str) -> None:
    assert media.content_type(head)[0] == expected


@pytest.mark.parametrize(
    ("head", "looks_like"),
    [
        (ftyp(b"heic", b"mif1", b"heic"), "HEIC image"),
        (ftyp(b"mif1", b"mif1", b"heic"), "HEIC image"),
        (ftyp(b"mif1", b"mif1"), "HEIF image"),
        (ftyp(b"avif", b"mif1"), "AVIF image"),
        (ftyp(b"crx ", b"isom"), "Canon RAW image"),
        (ftyp(b"M4A ", b"isom"), "MPEG-4 audio"),
        (ftyp(b"3gp4", b"3gp4"), "3GP video"),
        (image("BMP"), "BMP image"),
        (image("TIFF"), "TIFF image"),
        (image("AVIF"), "AVIF image"),
        (image("PDF"), "PDF document"),
        (b'<svg xmlns="http://www.w3.org/2000/svg"></svg>', "SVG image"),
        (b"hello\n", "text file"),
        (b"", "empty file"),
        (b"\x01\x02\x03", "unknown kind of file"),
        (box(b"wide") * 20, "unknown kind of file"),
    ],
    ids=beginning,
)
def test_what_postpost_does_not_take_is_named(head: bytes, looks_like: str) -> None:
    assert media.content_type(head) == (None, looks_like)


@given(
    st.binary(max_size=300),
    st.sampled_from([b"", b"\0\0\0\x10ftyp", b"RIFF", b"\x1aE\xdf\xa3", b"\0\0\0\x08wide", b"GIF89a"]),
)
def test_any_bytes_get_an_answer(tail: bytes, start: bytes) -> None:
    found, name = media.content_type(start + tail)
    assert found is None or found in SUFFIXES
    assert name.isprintable()


def test_sniffing_leaves_the_process_as_it_was() -> None:
    environment, load = dict(os.environ), ctypes.CDLL.__init__
    found: list[str | None] = []
    threads = [threading.Thread(target=lambda: found.append(media.content_type(image("PNG"))[0])) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == ["image/png"] * 4
    assert (dict(os.environ), ctypes.CDLL.__init__) == (environment, load)


def test_one_sniffer_serves_all_threads() -> None:
    """Each takes a megabyte and more, and there are sixteen threads a root."""
    script = """
        import sys, threading
        from postpost_sync.disk import media
        made = []
        import magic
        real = magic.Magic.__init__
        magic.Magic.__init__ = lambda self, **more: (made.append(self), real(self, **more))[1]
        def sniff():
            for head in (b"%PDF-1.4", b"some text", b"\\x89PNG"):
                media.content_type(head)
        threads = [threading.Thread(target=sniff) for _ in range(8)]
        for thread in threads: thread.start()
        for thread in threads: thread.join()
        print(len(made))
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(script)], capture_output=True, text=True, check=True)
    assert done.stdout == "1\n"


def test_a_text_is_known_by_its_beginning() -> None:
    """libmagic looks for seconds through a file of blank lines, and every other file would wait for it."""
    sniff = mock.Mock(side_effect=media._libmagic())
    with mock.patch.object(media, "_libmagic", return_value=sniff):
        assert media.content_type(b"\n" * media.HEAD) == (None, "text file")
    sniff.assert_called_once_with(b"\n" * media._TEXT)


def test_it_works_without_a_libmagic_on_the_system() -> None:
    script = """
        import ctypes, ctypes.util, os, sys
        ctypes.util.find_library = lambda name: None
        load = ctypes.CDLL.__init__
        def hide(self, name, *args, **more):
            if name == "libmagic.so.1":
                raise OSError("hidden")
            load(self, name, *args, **more)
        ctypes.CDLL.__init__ = hide
        before = dict(os.environ)
        from postpost_sync.disk.media import content_type
        print(content_type(sys.stdin.buffer.read())[0], content_type(b"%PDF-1.4")[1])
        assert "pylibmagic" in sys.modules and dict(os.environ) == before and ctypes.CDLL.__init__ is hide
    """
    if importlib.util.find_spec("pylibmagic") is None:  # importing it would change this process's environment
        pytest.skip("pylibmagic is not installed")
    run = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)],
        input=image("GIF"),
        capture_output=True,
        check=True,
        env={"PYTHONPATH": os.pathsep.join(sys.path), "MAGIC": ""},
    )
    assert run.stdout.decode().split(maxsplit=1) == ["image/gif", "PDF document\n"]


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


def chunk(name: bytes, body: bytes, *, wrong_sum: bool = False) -> bytes:
    sum_ = zlib.crc32(name + body) ^ wrong_sum
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", sum_)


LONG = zlib.compress(bytes(3 << 20))


@pytest.mark.parametrize(
    "beside",
    [
        chunk(b"zTXt", b"Comment\0\0" + LONG),
        chunk(b"iTXt", b"XML:com.adobe.xmp\0\1\0\0\0" + LONG),
        chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + b"x" * (2 << 20)),
        chunk(b"tEXt", b"Comment\0" + b"x" * (70 << 20)),
        chunk(b"iCCP", b"profile\0\0" + LONG),
        chunk(b"iCCP", b"profile\0\0" + b"no zlib"),
        chunk(b"iCCP", b"profile\0\7"),
        chunk(b"zTXt", b"Comment"),
        chunk(b"gAMA", b"\1"),
        chunk(b"pHYs", b""),
        chunk(b"tEXt", b"Comment\0hello", wrong_sum=True),
        chunk(b"tIME", bytes(7), wrong_sum=True),
        chunk(b"prVt", b"of some program", wrong_sum=True),
        chunk(b"tRNS", b"\0"),
        chunk(b"acTL", b"\0"),
        chunk(b"fcTL", b"\0"),
        chunk(b"cHRM", b"\0"),
        chunk(b"eXIf", b"no EXIF"),
    ],
    ids=lambda data: f"{data[4:8].decode()} {len(data)}",
)
def test_a_good_png_is_taken_whatever_stands_beside_its_picture(beside: bytes) -> None:
    facts = facts_of(png_with(beside), "image/png")
    assert facts == facts_of(image("PNG"), "image/png")
    assert "undecodable" not in facts


def test_a_png_whose_picture_is_damaged_is_refused_as_before() -> None:
    data = image("PNG")
    at = data.index(b"IDAT") + 40
    assert facts_of(data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :], "image/png").keys() & {
        "undecodable",
        "truncated",
    }


@pytest.mark.parametrize("size", [(1, 1), (7, 7), (3, 1000), (1000, 3), (7, 8)])
@pytest.mark.parametrize("form", ["JPEG", "PNG", "GIF", "WEBP"])
def test_a_picture_may_be_as_small_as_it_likes(form: str, size: tuple[int, int]) -> None:
    facts = facts_of(image(form, size=size), f"image/{form.lower()}")
    assert (facts["width"], facts["height"]) == size
    assert not facts.keys() & {"undecodable", "truncated", "unmeasured"}


def test_without_the_libraries_nothing_is_known_and_nothing_complained_about(monkeypatch: pytest.MonkeyPatch) -> None:
    assert probe.available()
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert not probe.available()
    assert facts_of(image("PNG"), "image/png") == {}


# --- damage -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("content_type", FILES)
@pytest.mark.parametrize("part", [0.5, 0.8, 0.97])
def test_a_file_that_is_cut_off_is_seen_as_such(content_type: str, part: float) -> None:
    data = FILES[content_type]()
    facts = facts_of(data[: int(len(data) * part)], content_type)
    assert {"truncated", "moov_missing"} & facts.keys(), facts


@pytest.mark.parametrize(
    ("data", "content_type"),
    [
        (image("JPEG"), "image/jpeg"),
        (image("JPEG", progressive=True), "image/jpeg"),
        (image("JPEG", restart_marker_rows=1), "image/jpeg"),
        (image("PNG"), "image/png"),
        (image("GIF", frames=3), "image/gif"),
        (image("WEBP"), "image/webp"),
    ],
)
def test_wherever_a_picture_is_cut_off_its_structure_says_so(data: bytes, content_type: str) -> None:
    """Without decoding, as it has to be for a picture of many pixels."""
    assert structure_of(data, content_type) == {}
    whole = (n for n in range(20, len(data)) if not structure_of(data[:n], content_type))
    assert list(whole) == []


def test_a_large_photograph_that_is_cut_off_is_seen_as_such_though_it_is_not_decoded() -> None:
    data = image("JPEG", mode="L", size=(8000, 6400), quality=10)
    for cut in (2, 1000, len(data) // 2):
        facts = facts_of(data[:-cut], "image/jpeg")
        assert (facts["width"], facts["truncated"]) == (8000, "its end is missing")
    assert "truncated" not in facts_of(data + b"a phone's video", "image/jpeg")


@pytest.mark.parametrize(
    ("make", "content_type"),
    [
        (lambda: image("GIF", frames=6), "image/gif"),
        (lambda: image("WEBP", frames=6), "image/webp"),
        (lambda: video("matroska", seconds=3), "video/x-matroska"),
        (lambda: video("avi", seconds=3), "video/x-msvideo"),
        (lambda: video("webm", "libvpx-vp9", seconds=3, sound="libopus"), "video/webm"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
@pytest.mark.parametrize("part", [0.1, 0.5])
def test_a_copy_that_made_room_for_all_of_the_file_and_stalled_is_seen(
    make: Callable[[], bytes], content_type: str, part: float
) -> None:
    """As from Windows to a share: the size is right from the beginning on."""
    data = make()
    assert structure_of(data, content_type) == {}
    written = int(len(data) * part)
    assert structure_of(data[:written] + bytes(len(data) - written), content_type)["truncated"]
    assert structure_of(data + bytes(9000), content_type) == {}  # what lies behind the end is nothing to the readers


@pytest.mark.parametrize("name", [b"pdin", b"meco", b"thum"])
def test_a_box_that_only_a_decoder_knows_makes_no_video_wrong(name: bytes) -> None:
    data = video("mp4")
    at = data.index(b"moov") - 4
    facts = facts_of(data[:at] + box(name, bytes(8)) + data[at:], "video/mp4")
    assert facts["width"] == 64
    assert not {"truncated", "moov_missing"} & facts.keys()


def test_a_moov_atom_that_is_missing_or_cut_off() -> None:
    data = video("mp4")
    at = data.index(b"moov") - 4
    assert "moov_missing" in facts_of(data[:at], "video/mp4")
    assert facts_of(data[: at + 100], "video/mp4")["truncated"] == "its moov atom is cut off"
    ends = data.index(b"mdat") - 4
    front = data[:ends] + data[at:] + data[ends:at]  # as a file made for streaming has it
    assert facts_of(front[:-100], "video/mp4")["truncated"] == "its mdat atom is cut off"
    assert not {"truncated", "moov_missing"} & facts_of(data + b"junk behind it", "video/mp4").keys()


@pytest.mark.parametrize("content_type", FILES)
def test_a_header_with_nothing_sensible_behind_it(content_type: str) -> None:
    data = FILES[content_type]()
    facts = facts_of(data[:32] + bytes(5000), content_type)
    assert {"truncated", "undecodable", "unmeasured", "moov_missing"} & facts.keys(), facts


def test_a_picture_whose_data_were_changed_cannot_be_decoded() -> None:
    data = bytearray(image("PNG"))
    at = data.index(b"IDAT") + 20
    data[at : at + 50] = bytes(50)
    assert "undecodable" in facts_of(bytes(data), "image/png")


@pytest.mark.whole
@pytest.mark.usefixtures("patient")
def test_damaged_files_get_a_verdict_each(matrix: Matrix, survived: Survived) -> None:
    dice = random.Random(20260302)  # noqa: S311  # it must be the same every time
    for number in range(matrix.share(DAMAGED)):
        content_type = list(FILES)[number % len(FILES)]
        data = bytearray(FILES[content_type]())
        for _ in range(dice.choice([1, 3, 30])):
            at, length = dice.randrange(len(data)), dice.choice([1, 1, 4, 200])
            match dice.randrange(4):
                case 0:
                    data[at : at + length] = dice.randbytes(length)
                case 1:
                    data[at : at + length] = b"\xff" * length
                case 2:
                    del data[at : at + length]
                case _:
                    data[at:at] = data[at : at + length]
        if dice.random() < 0.2:
            del data[dice.randrange(len(data)) :]
        sniffed, name = media.content_type(bytes(data[: media.HEAD]))
        facts = facts_of(bytes(data), content_type)
        assert facts, number
        assert name
        assert sniffed is None or sniffed in SUFFIXES
    survived("damaged media files", number + 1)


# --- hostile files ----------------------------------------------------------------------------------------------------


def png_bomb(width: int, height: int) -> bytes:
    def chunk(name: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    packed = zlib.compressobj(9)
    rows = packed.compress(bytes(10**8)) + packed.flush()
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def gif_of_pieces(count: int) -> bytes:
    return image("GIF")[:10] + bytes(3) + b"," + bytes(9) + b"\x02" + b"\x01\x00" * count


def webp(width: int, height: int) -> bytes:
    body = (
        b"WEBPVP8X"
        + struct.pack("<I", 10)
        + bytes(4)
        + struct.pack("<I", width - 1)[:3]
        + struct.pack("<I", height - 1)[:3]
    )
    return b"RIFF" + struct.pack("<I", len(body)) + body


@pytest.mark.parametrize(
    ("make", "content_type", "pixels"),
    [
        (lambda: png_bomb(60_000, 60_000), "image/png", (60_000, 60_000)),
        (lambda: webp(16_384, 16_384), "image/webp", (16_384, 16_384)),
        (lambda: image("GIF")[:6] + b"\xff\xff\xff\xff" + image("GIF")[10:], "image/gif", (65_535, 65_535)),
    ],
    ids=["png", "webp", "gif"],
)
def test_a_bomb_is_measured_and_never_unpacked(
    make: Callable[[], bytes], content_type: str, pixels: tuple[int, int]
) -> None:
    data = make()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    facts = facts_of(data, content_type)
    assert (facts["width"], facts["height"]) == pixels
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 20_000, "kilobytes"


MILLIONS: dict[str, tuple[str, Callable[[], bytes]]] = {
    "of a GIF's data": ("image/gif", lambda: gif_of_pieces(10**6)),
    "of an MP4": ("video/mp4", lambda: ftyp(b"isom") + box(b"free") * 10**6),
    "of a JPEG's data": ("image/jpeg", lambda: image("JPEG")[:2] + b"\xff\xda\0\2ab" * 10**7),
    "of a JPEG": ("image/jpeg", lambda: image("JPEG")[:2] + b"\xff\xfe\0\2" * 10**7),
    "that fill a JPEG": ("image/jpeg", lambda: image("JPEG")[:2] + b"\xff" * 10**7),
    "of a PNG": ("image/png", lambda: image("PNG")[:8] + (bytes(4) + b"tEXt" + bytes(4)) * 10**6),
}


@pytest.mark.usefixtures("patient")
@pytest.mark.parametrize("pieces", MILLIONS)
def test_a_file_of_millions_of_pieces_is_not_walked_for_ever(pieces: str) -> None:
    content_type, make = MILLIONS[pieces]
    read, reads = os.pread, 0

    def counting(fd: int, length: int, at: int) -> bytes:
        nonlocal reads
        reads += 1
        return read(fd, length, at)

    data = make()
    with mock.patch.object(os, "pread", counting):  # what is measured is measured in another process
        assert facts_of(data, content_type)
    assert 1_000 < reads < 150_000


SABOTAGE = {  # what goes wrong while an image is read: the function that is replaced, and with what
    "crashes": ("_image", "os.abort()"),
    "spins": ("_image", "while True: pass"),
    "eats memory": ("_image", "all_of_it = [bytes(10**8) for _ in range(100)]"),
    "raises": ("_image", "raise RuntimeError"),
    "says nothing": ("_image", "pass"),
    "was taken over": (
        "_work",
        "while True: os.write(given[-1], b'[' * 4000 + b'\\n[1]\\n{\"x\": [1]}\\n{\"y\"')",
    ),
}


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The real server, and nobody's patience ever ends: what ends a measurement are its process's own limits."""
    with server_with(monkeypatch, ""):
        yield


@pytest.fixture
def sabotaged(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The same, in which reading an image does something terrible."""
    name, what = request.param
    script = f"""
        well = measuring.{name}
        def terrible(*given):
            if '"video/mp4"' in str(given[1]):
                return well(*given)
            {what}
            return iter(())
        measuring.{name} = terrible
    """
    with server_with(monkeypatch, textwrap.dedent(script)):
        yield


@pytest.mark.usefixtures("sabotaged")
@pytest.mark.parametrize("sabotaged", SABOTAGE.values(), ids=SABOTAGE.keys(), indirect=True)
def test_whatever_happens_to_the_reader_is_a_verdict() -> None:
    assert facts_of(video("mp4"), "video/mp4")["width"] == 64  # the server is up
    assert list(facts_of(image("PNG"), "image/png")) == ["unmeasured"]
    assert facts_of(video("mp4"), "video/mp4")["width"] == 64, "the next file is none the worse"


def test_the_reader_can_be_started_before_any_file_is_open() -> None:
    probe._server.stop()
    probe.start()
    assert probe._server._running
    process = probe._server._running[0]
    assert process.poll() is None
    assert facts_of(image("PNG"), "image/png")["width"] == 60
    assert probe._server._running[0] is process


def test_a_server_that_died_is_started_again() -> None:
    assert facts_of(image("PNG"), "image/png")["width"] == 60
    assert probe._server._running
    process = probe._server._running[0]
    process.kill()
    process.wait()
    assert facts_of(image("PNG"), "image/png")["width"] == 60


def test_many_threads_may_measure_at_once() -> None:
    found: list[object] = []
    threads = [
        threading.Thread(target=lambda: found.append(facts_of(image("PNG"), "image/png")["width"])) for _ in range(16)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [60] * 16


def test_the_reader_does_not_see_our_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POSTPOST_API_KEY", "sk_canary")
    monkeypatch.setattr(probe, "_server", probe._Server())
    facts_of(image("PNG"), "image/png")
    assert probe._server._running
    with open(f"/proc/{probe._server._running[0].pid}/environ", "rb") as environment:
        assert b"sk_canary" not in environment.read()
    probe._server.stop()
