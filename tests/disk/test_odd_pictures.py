"""Pictures as the world has them: each comes out in its own colours and upright, or is refused in words for people."""

from __future__ import annotations

import os
import re
import struct
import zlib
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from PIL import Image

from postpost_sync.disk import colours
from postpost_sync.disk.copies import Copies
from postpost_sync.disk.opening import in_words
from postpost_sync.model.errors import Unfit
from postpost_sync.model.folder import Recipe
from postpost_sync.post import fitting
from postpost_sync.post.media import not_media
from tests.support.copies import JPEG, made, opened, seen
from tests.support.media_files import box, chunk, facts_of, photo, video
from tests.support.noise import noise
from tests.support.odd_pictures import HEIGHT, RED, WIDTH, heif, png, saved, tiff, without_adobe, ycck

GREY, WHITE, BLACK, BLUE, GREEN = (200,) * 3, (255,) * 3, (0,) * 3, (20, 20, 220), (20, 200, 20)
INK, INKED = (0, 200, 220, 10), (245, 53, 34)
ALL, HALF = WIDTH * HEIGHT, WIDTH // 2


def copied(place: Copies, data: bytes, recipe: Recipe = JPEG) -> Image.Image:
    """The copy as it is seen."""
    return opened(made(place, data, recipe)[1])


def near(picture: Image.Image, x: int, y: int, colour: tuple[int, ...]) -> bool:
    pixel: Any = picture.convert("RGB").getpixel((x, y))
    return all(abs(is_ - to_be) < 7 for is_, to_be in zip(pixel, colour, strict=True))


def le(form: str, *values: float) -> bytes:
    return struct.pack(f"<{form}", *values)


def be(*values: int) -> bytes:
    return struct.pack(f">{len(values)}H", *values)


DEEP = [value * 257 for value in RED]  # with 16 bits
RED_KEY = chunk(b"tRNS", be(300, 300, 300))
PALETTE = [0] * 5 + [DEEP[0]] + [0] * 255 + [DEEP[1]] + [0] * 255 + [DEEP[2]] + [0] * 250

ONE_COLOUR = {
    "TIFF, RGB, 16 bits": (tiff(2, [16] * 3, le("3H", *DEEP) * ALL), RED),
    "TIFF, RGB in planes": (tiff(2, [8] * 3, *(bytes([value]) * ALL for value in RED)), RED),
    "TIFF, RGB in planes, 16 bits": (tiff(2, [16] * 3, *(le("H", value) * ALL for value in DEEP)), RED),
    "TIFF, RGBA, 16 bits": (tiff(2, [16] * 4, le("4H", *DEEP, 65535) * ALL, alpha=2), RED),
    "TIFF, RGBA, colours times alpha": (tiff(2, [8] * 4, bytes((100, 30, 15, 128)) * ALL, alpha=1), (227, 157, 142)),
    "TIFF, palette": (tiff(3, [8], bytes([5]) * ALL, palette=PALETTE), RED),
    "TIFF, grey, 16 bits": (tiff(1, [16], le("H", 200 * 257) * ALL), GREY),
    "TIFF, grey, 16 bits, the other way round": (tiff(1, [16], be(200 * 257) * ALL, order=">"), GREY),
    "TIFF, grey, 12 bits": (tiff(1, [12], b"\xc8\x8c\x88" * (ALL // 2)), GREY),
    "TIFF, grey, 2 bits": (tiff(1, [2], b"\xaa" * (ALL // 4)), (170,) * 3),
    "TIFF, white is zero, 1 bit": (tiff(0, [1], bytes(ALL // 8)), WHITE),
    "TIFF, black is zero, 1 bit": (tiff(1, [1], bytes(ALL // 8)), BLACK),
    "TIFF, white is zero": (tiff(0, [8], bytes([55]) * ALL), GREY),
    "TIFF, white is zero, 16 bits": (tiff(0, [16], le("H", 55 * 257) * ALL), GREY),
    "TIFF, floating, up to 1": (tiff(1, [32], le("f", 200 / 255) * (ALL - 1) + le("f", 1), form=3), GREY),
    "TIFF, floating, up to 255": (tiff(1, [32], le("f", 200) * ALL, form=3), GREY),
    "TIFF, floating, white is zero": (tiff(0, [32], le("f", 55 / 255) * (ALL - 1) + le("f", 1), form=3), GREY),
    "TIFF, ink": (tiff(5, [8] * 4, bytes(INK) * ALL), INKED),
    "TIFF, ink, 16 bits": (tiff(5, [16] * 4, le("4H", *(value * 257 for value in INK)) * ALL), INKED),
    "TIFF, ink in planes": (tiff(5, [8] * 4, *(bytes([value]) * ALL for value in INK)), INKED),
    "TIFF, Lab": (tiff(8, [8] * 3, bytes((128, 40, 256 - 40)) * ALL), (159, 93, 189)),
    "JPEG, ink": (saved(Image.new("CMYK", (WIDTH, HEIGHT), INK), "JPEG", quality=98), INKED),
    "JPEG, ink, no Adobe": (without_adobe(saved(Image.new("CMYK", (WIDTH, HEIGHT), INK), "JPEG", quality=98)), INKED),
    "JPEG, ink, as brightness and colour": (ycck(*INK), INKED),
    "JPEG, progressive": (saved(Image.new("RGB", (WIDTH, HEIGHT), RED), "JPEG", progressive=True, quality=98), RED),
    "JPEG, grey": (saved(Image.new("L", (WIDTH, HEIGHT), 200), "JPEG"), GREY),
    "PNG, RGB, 16 bits": (png(16, 2, be(*DEEP) * WIDTH), RED),
    "PNG, grey, 16 bits": (png(16, 0, be(200 * 257) * WIDTH), GREY),
    "PNG, grey with alpha, 16 bits": (png(16, 4, be(200 * 257, 65535) * WIDTH), GREY),
    "BMP, 1 bit": (saved(Image.new("1", (WIDTH, HEIGHT), 1), "BMP"), WHITE),
}


@pytest.mark.parametrize(("data", "colour"), ONE_COLOUR.values(), ids=ONE_COLOUR)
def test_its_colours_come_through(place: Copies, data: bytes, colour: tuple[int, ...]) -> None:
    shown = copied(place, data)
    assert (shown.format, shown.size) == ("JPEG", (WIDTH, HEIGHT))
    assert near(shown, 20, 20, colour), (shown.convert("RGB").getpixel((20, 20)), colour)


SEEN_THROUGH = {  # on the right
    "grey, 1 bit": (png(1, 0, b"\xff" * (HALF // 8) + bytes(HALF // 8), chunk(b"tRNS", be(0))), WHITE),
    "grey, 2 bits": (png(2, 0, b"\xaa" * (HALF // 4) + b"\x55" * (HALF // 4), chunk(b"tRNS", be(1))), (170,) * 3),
    "grey": (png(8, 0, bytes([200]) * HALF + bytes([9]) * HALF, chunk(b"tRNS", be(9))), GREY),
    "grey, 16 bits": (png(16, 0, be(51400) * HALF + be(1000) * HALF, chunk(b"tRNS", be(1000))), GREY),
    "RGB": (png(8, 2, bytes(RED) * HALF + bytes((1, 2, 3)) * HALF, chunk(b"tRNS", be(1, 2, 3))), RED),
    "RGB, 16 bits": (png(16, 2, be(*DEEP) * HALF + be(300, 300, 300) * HALF, RED_KEY), RED),
    "palette": (
        png(8, 3, bytes(HALF) + b"\1" * HALF, chunk(b"PLTE", bytes((*RED, 0, 0, 0))), chunk(b"tRNS", b"\xff\0")),
        RED,
    ),
}


@pytest.mark.parametrize(("data", "colour"), SEEN_THROUGH.values(), ids=SEEN_THROUGH)
def test_the_colour_that_is_seen_through_is_white_in_a_jpeg(
    place: Copies, data: bytes, colour: tuple[int, ...]
) -> None:
    shown = copied(place, data)
    assert near(shown, 10, 20, colour)
    assert near(shown, WIDTH - 10, 20, WHITE)
    kept = copied(place, data, replace(JPEG, forms=("image/png", "image/jpeg"), width=WIDTH - 2)).convert("RGBA")
    pixels: list[Any] = [kept.getpixel((x, 20)) for x in (10, WIDTH - 10)]
    assert [alpha for *_, alpha in pixels] == [255, 0]


def test_of_16_bits_only_the_very_value_is_seen_through(place: Copies) -> None:
    dark = png(16, 0, be(0) * HALF + be(40) * HALF, chunk(b"tRNS", be(0)))
    shown = copied(place, dark)
    assert (near(shown, 10, 20, WHITE), near(shown, WIDTH - 10, 20, BLACK)) == (True, True)


NUMBERS = {  # primaries, transfer, matrix, full range: what (120, 160, 110) becomes
    "sRGB": ((1, 13, 0, 1), (120, 160, 110)),
    "Display P3": ((12, 13, 0, 1), (108, 161, 105)),
    "BT.2020": ((9, 13, 0, 1), (86, 164, 103)),
    "linear": ((1, 8, 0, 1), (182, 206, 175)),
    "linear, P3": ((12, 8, 0, 1), (175, 207, 172)),
}


@pytest.mark.parametrize(("numbers", "colour"), NUMBERS.values(), ids=NUMBERS)
@pytest.mark.parametrize("depth", [8, 16])
def test_a_png_may_name_its_colours_in_numbers(
    place: Copies, depth: int, numbers: tuple[int, ...], colour: tuple[int, ...]
) -> None:
    row = bytes((120, 160, 110)) if depth == 8 else be(120 * 257, 160 * 257, 110 * 257)
    wide = chunk(b"iCCP", b"wide\0\0" + zlib.compress(colours.made_up(colours._PRIMARIES[9])))
    for before in ([], [wide]):  # the numbers go before a profile
        data = png(depth, 2, row * WIDTH, *before, chunk(b"cICP", bytes(numbers)))
        shown = copied(place, data)
        assert near(shown, 20, 20, colour), shown.getpixel((20, 20))


# --- what lies in a file beside its picture ---------------------------------------------------------------------------

MOTION = box(b"ftyp", b"mp42" + bytes(4) + b"isommp42") + box(b"mdat", noise(5000))


BEHIND: dict[str, Callable[[], bytes]] = {
    "a motion": lambda: MOTION,
    "a film": lambda: video("mp4"),
    "nothing": lambda: bytes(100),
    "the beginning of another": lambda: b"\xff\xd8\xff" + noise(300),
}


@pytest.mark.parametrize("behind", BEHIND)
def test_what_a_phone_writes_behind_a_jpeg_is_left_behind(place: Copies, behind: str) -> None:
    data = saved(Image.new("RGB", (WIDTH, HEIGHT), RED), "JPEG", quality=98) + BEHIND[behind]()
    file, fd = seen(data)
    os.close(fd)
    assert file.kind == "image/jpeg"
    assert not {"truncated", "undecodable"} & file.facts.keys()
    assert near(copied(place, data), 20, 20, RED)


def test_what_a_phone_writes_behind_a_heic_is_left_behind(place: Copies) -> None:
    data = heif(TILES, 3) + box(b"mpvd", MOTION)
    file, fd = seen(data)
    os.close(fd)
    assert (file.kind, "truncated" in file.facts) == ("image/heic", False)
    assert near(copied(place, data), 20, 20, TILES[0])


def test_of_several_pictures_in_a_jpeg_the_first_is_it(place: Copies) -> None:
    """Two views, or what makes a picture brighter on newer screens, lie behind it."""
    other = Image.new("RGB", (WIDTH, HEIGHT), BLUE)
    data = saved(Image.new("RGB", (WIDTH, HEIGHT), RED), "MPO", save_all=True, append_images=[other])
    assert near(copied(place, data), 20, 20, RED)


TILES = [(220, 20, 20), GREEN, BLUE, (220, 220, 20), GREEN, (220, 20, 20)]
TURNED = Image.Exif()
TURNED[0x0112] = 6
GAIN, DEPTH = b"urn:com:apple:photo:2020:aux:hdrgainmap", b"urn:mpeg:hevc:2015:auxid:2"


@pytest.mark.parametrize(
    "more", [{}, {"aux": GAIN}, {"aux": DEPTH}, {"exif": b"broken" * 9}, {"exif": b"MM\0*\0\0\0\x08\xff\xff"}]
)
def test_a_heic_of_tiles_is_one_picture_whatever_lies_beside_it(place: Copies, more: Any) -> None:
    data = heif(TILES, 3, **more)
    shown = copied(place, data)
    assert shown.size == (192, 128)
    assert all(
        near(shown, x, y, TILES[at])
        for at, (x, y) in enumerate((32 + 64 * (at % 3), 32 + 64 * (at // 3)) for at in range(6))
    )
    assert not {"undecodable", "rotation"} & {key for key, value in facts_of(data, "image/heic").items() if value}


@pytest.mark.parametrize("exif", [b"", TURNED.tobytes().removeprefix(b"Exif\0\0")])
def test_a_heic_that_is_turned_in_two_places_is_turned_once(place: Copies, exif: bytes) -> None:
    shown = copied(place, heif(TILES, 3, turned=3, exif=exif))
    assert shown.size == (128, 192)
    assert near(shown, 96, 32, TILES[0])
    assert near(shown, 32, 32, TILES[3])


def test_of_several_pictures_in_a_heic_the_one_that_is_shown_first_is_it(place: Copies) -> None:
    pictures = [Image.new("RGB", (WIDTH, HEIGHT), colour) for colour in (BLUE, RED, GREEN)]
    data = saved(pictures[0], "HEIF", save_all=True, append_images=pictures[1:], primary_index=1, quality=95)
    assert near(copied(place, data), 20, 20, RED)


def test_what_is_half_seen_through_lies_on_white(place: Copies) -> None:
    data = saved(Image.new("RGBA", (WIDTH, HEIGHT), (*RED, 128)), "HEIF", quality=95)
    assert near(copied(place, data), 20, 20, (227, 157, 142))


# --- what is refused --------------------------------------------------------------------------------------------------


def moving(form: str) -> bytes:
    pictures = [Image.new("RGB", (WIDTH, HEIGHT), colour) for colour in (RED, BLUE)]
    return saved(pictures[0], form, save_all=True, append_images=pictures[1:])


def _as(mark: int, precision: int = 8) -> bytes:
    """A JPEG that says that it is coded in another way."""
    data = bytearray(saved(Image.new("RGB", (WIDTH, HEIGHT), RED), "JPEG"))
    at = data.index(b"\xff\xc0")
    data[at + 1], data[at + 4] = mark, precision
    return bytes(data)


REFUSED = {
    "JPEG without loss": (_as(0xC3), "of a kind that nothing here reads"),
    "JPEG of 12 bits": (_as(0xC1, 12), "of a kind that nothing here reads"),
    "floating, light above white": (tiff(1, [32], le("f", 3.5) * ALL, form=3), "brightness has no known range"),
    "floating, no numbers": (tiff(1, [32], le("f", float("nan")) * ALL, form=3), "brightness has no known range"),
    "32 bits": (tiff(1, [32], le("I", 1 << 31) * ALL), "brightness has no known range"),
    "floating, RGB": (tiff(2, [32] * 3, le("3f", 0.8, 0.2, 0.1) * ALL, form=3), "of a kind that nothing here reads"),
    "several pages": (moving("TIFF"), "it holds several pictures"),
    "WebP that moves": (moving("WEBP"), "it holds several pictures"),
    "PNG that moves": (moving("PNG"), "it holds several pictures"),
    "AVIF that moves": (moving("AVIF"), "it holds several pictures"),
    "PNG, PQ": (png(16, 2, be(*DEEP) * WIDTH, chunk(b"cICP", bytes((9, 16, 0, 1)))), r"its colours are HDR \(PQ\)"),
    "PNG, HLG": (png(8, 2, bytes(RED) * WIDTH, chunk(b"cICP", bytes((9, 18, 0, 1)))), r"its colours are HDR \(HLG\)"),
    "PNG, limited range": (
        png(8, 2, bytes(RED) * WIDTH, chunk(b"cICP", bytes((1, 13, 0, 0)))),
        "limited range of a video",
    ),
    "no TIFF": (b"II*\0" + noise(400), "of a kind that nothing here reads"),
}


@pytest.mark.parametrize(("data", "words"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_copied_is_refused_in_words(place: Copies, data: bytes, words: str) -> None:
    with pytest.raises(Unfit, match=words) as refused:
        copied(place, data)
    said = refused.value.finding.message
    assert not re.search(r"[<>_\[\]]|0x|Error|Errno|image file|PIL", said), said
    file, fd = seen(data)
    os.close(fd)
    assert not [one for one in file.facts.values() if re.search(r"[<>\[]|Errno|image file", str(one))]


@pytest.mark.parametrize(
    "data", [heif(TILES, 3), saved(Image.new("RGB", (WIDTH, HEIGHT), RED), "AVIF")], ids=["HEIC", "AVIF"]
)
def test_a_picture_that_lacks_its_end_is_not_shown_in_part(data: bytes) -> None:
    """What reads it makes up the tiles that are missing."""
    for kept in (len(data) - 1, len(data) // 2, 100):
        file, fd = seen(data[:kept])
        os.close(fd)
        assert "is cut off" in str(file.facts["truncated"])
        assert not fitting.could_be_fitted(file)
    file, fd = seen(data)
    os.close(fd)
    assert "truncated" not in file.facts


@pytest.mark.parametrize("form", ["HEIF", "AVIF"])
def test_a_picture_whose_end_is_still_to_be_written_is_not_shown_in_part(form: str) -> None:
    data = photo(form, (900, 700), detail=90)
    file, fd = seen(data[:-8000] + bytes(8000))
    os.close(fd)
    assert file.facts["truncated"] == "its end has not been written yet"
    assert not fitting.could_be_fitted(file)


@pytest.mark.parametrize(
    "error",
    [
        OSError("cannot identify image file <_io.BufferedReader>"),
        OSError("image file is truncated (12 bytes not processed)"),
        SyntaxError("not a TIFF file (header b'MM' not valid)"),
        ValueError("Decompression bomb: <x>"),
        OSError(1094995529, "Invalid data found when processing input", "<none>"),
        KeyError("transparency"),
        RuntimeError(""),
    ],
    ids=repr,
)
def test_no_librarys_own_words_reach_anybody(error: Exception) -> None:
    assert re.fullmatch(r"it(s| is| ends)[a-z ,()]+", in_words(error))


@pytest.mark.parametrize("form", ["TIFF", "AVIF"])
def test_why_several_pictures_are_not_fitted_is_said_where_they_are_refused(form: str) -> None:
    file, fd = seen(moving(form))
    os.close(fd)
    assert not fitting.could_be_fitted(file)
    assert "a copy would show the first of its pictures alone" in not_media(file).message
