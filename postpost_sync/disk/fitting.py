"""Makes a copy of a picture or a video that platforms take: as large and as good as they allow, and with nothing private.

It runs in the process that `measuring` forks for one file, within the limits that stand there. A picture is decoded and
written anew, so that nothing of its EXIF, its place, its thumbnails or its comments is left. Videos are `rewrapping`'s.
"""

from __future__ import annotations

import errno
import io
import math
import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from postpost_sync.disk import colours, rewrapping
from postpost_sync.disk.opening import DEMUXERS, FOREIGN, PLUGINS, Facts, NoCopy, in_words, orientation

if TYPE_CHECKING:
    from PIL import Image

BEST, LEAST = 95, 80  # JPEG's quality: above the one a file only grows, below the other pixels are given up instead
_SHRINKS = 12  # times a picture is made smaller before it is given up
_SMALLEST = 16  # pixels of a side
_CLOSER = 0.985  # of the size that the last try suggests: a smaller picture needs a little more for each of its pixels
_TURNED = dict(
    enumerate("FLIP_LEFT_RIGHT ROTATE_180 FLIP_TOP_BOTTOM TRANSPOSE ROTATE_270 TRANSVERSE ROTATE_90".split(), start=2)
)
"""What makes a picture upright, by its orientation in EXIF."""
_LIGHTS = 16  # a brightness in floating point between 1 and this is that of more light than white


def fit(file: io.BufferedReader, wanted: Mapping[str, Any], out: int) -> Facts:
    """Write the copy into the empty file `out`: its `content_type`, or `unfit` with the reason.

    `wanted`: `content_type` of the file; `forms` the copy may have, the best first; `size` in bytes, `width`, `height`
    and `pixels` that it may have at most; `room` in bytes that `out` may take.
    """
    try:
        if wanted["content_type"] in DEMUXERS:
            return {"content_type": rewrapping.rewrap(file, wanted["content_type"], out)}
        return {"content_type": _picture(file, wanted, out)}
    except MemoryError:
        return {"unfit": "reading it needs too much memory"}
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            return {"full": True}
        if error.errno == errno.EFBIG:
            return {"unfit": "it does not become small enough"}
        return {"unfit": in_words(error)}
    except NoCopy as why:
        return {"unfit": str(why)}
    except Exception as error:  # whatever a library raises over a broken file
        return {"unfit": in_words(error)}


# --- pictures ---------------------------------------------------------------------------------------------------------


def _picture(file: io.BufferedReader, wanted: Mapping[str, Any], out: int) -> str:
    from PIL import Image

    image: Image.Image = Image.open(file, formats=[(PLUGINS | FOREIGN)[wanted["content_type"]]])
    lossless = image.format == "PNG"
    if image.format not in ("JPEG", "MPO", "HEIF") and _pictures(image) > 1:
        raise NoCopy("it holds several pictures")
    if image.format in ("JPEG", "MPO"):  # twice as large as it is to be, or as it is: what is left is better scaled
        scale = min(1.0, 2 * _scale(image.size, wanted, turned=True))
        image.draft(None, (max(1, math.ceil(image.width * scale)), max(1, math.ceil(image.height * scale))))
    image.load()
    profile, turn = colours.profile(image, file), orientation(image)
    image = _plain(image, _depth(image, file))
    image = _scaled(image, _scale(image.size, wanted, turned=turn in (5, 6, 7, 8)))
    image = colours.srgb(image, profile)
    if turn in _TURNED:
        image = image.transpose(Image.Transpose[_TURNED[turn]])
    image.info = {}  # comments, profiles and the like: Pillow would write them again
    seen_through = image.mode == "RGBA" and image.getchannel("A").getextrema() != (255, 255)
    if "image/png" in wanted["forms"] and (lossless or seen_through):
        form, data = "image/png", _png(image if seen_through else image.convert("RGB"))
        if len(data) <= wanted["size"]:
            _write(out, data)
            return form
    if "image/jpeg" not in wanted["forms"]:
        raise NoCopy("it does not become small enough")
    if image.mode == "RGBA":
        white = Image.new("RGB", image.size, "white")
        white.paste(image, mask=image.getchannel("A"))
        image = white
    drawn = PLUGINS.get(wanted["content_type"]) in ("PNG", "GIF") or wanted["content_type"] == "image/bmp"
    _write(out, _jpeg(image, wanted["size"], subsampling=0 if drawn else 2))
    return "image/jpeg"


def _pictures(image: Image.Image) -> int:
    """How many there are in it. A TIFF may have a small one of its first beside it."""
    count = int(getattr(image, "n_frames", 1))
    if image.format != "TIFF" or count == 1:
        return count
    reduced = 0
    for at in range(1, min(count, 8)):
        image.seek(at)
        reduced += int(image.tag_v2.get(254, 0)) & 1  # type: ignore[attr-defined]  # a TIFF has its tags
    image.seek(0)
    return count - reduced


def _scale(size: tuple[int, int], wanted: Mapping[str, Any], *, turned: bool) -> float:
    """By how much a picture as it is stored has to be made smaller, so that what is shown fits; at most 1."""
    width, height = wanted["width"], wanted["height"]
    if turned:
        width, height = min(width, height), min(width, height)
    pixels = math.sqrt(wanted["pixels"] / (size[0] * size[1]))
    return float(min(1.0, width / size[0], height / size[1], pixels))


def _scaled(image: Image.Image, scale: float) -> Image.Image:
    from PIL import Image as Pillow

    if scale >= 1.0:
        return image
    size = max(1, int(image.width * scale + 1e-6)), max(1, int(image.height * scale + 1e-6))
    return image.resize(size, Pillow.Resampling.LANCZOS)


def _plain(image: Image.Image, depth: int) -> Image.Image:
    """With 8 bits a channel and without a palette: L, RGB, RGBA, CMYK or LAB. `depth`: bits of a channel in the file."""
    key = image.info.get("transparency")
    if image.mode in ("I", "F") or image.mode.startswith("I;16"):
        return _levels(image, depth, key)
    if image.format == "PNG" and image.mode == "L" and isinstance(key, int) and depth < 8:
        image.info["transparency"] = key * 255 // (2**depth - 1)
    if image.format == "PNG" and isinstance(key, tuple) and depth == 16:
        image.info["transparency"] = tuple(value >> 8 for value in key)  # the lower half of each channel was not read
    if image.mode in ("L", "RGB", "RGBA", "CMYK"):
        return image if "transparency" not in image.info else image.convert("RGBA")
    alpha = image.mode in ("LA", "La", "PA", "RGBa") or "transparency" in image.info
    return image.convert("RGBA" if alpha else "L" if image.mode == "1" else "RGB")


def _levels(image: Image.Image, depth: int, key: object) -> Image.Image:
    """A grey one of more than 8 bits. Floating point goes up to 1, or to what whole numbers go."""
    alpha = None
    if image.mode.startswith("I;16"):
        most = 2.0**depth - 1
        alpha = _all_but(image, key) if isinstance(key, int) else None
    else:
        low, high = (float(one) for one in image.getextrema() if isinstance(one, int | float))
        steps = [top for top in (1, 255, 65535) if high <= top]
        if not steps or not low >= 0 or (image.mode == "F" and 1 < high < _LIGHTS):
            raise NoCopy("its brightness has no known range")
        most = steps[0] if image.mode == "F" else max(steps[0], 255)
    white_is_zero = image.format == "TIFF" and image.tag_v2.get(262) == 0  # type: ignore[attr-defined]  # a TIFF has tags
    scale, base = (-255 / most, 255.5) if white_is_zero else (255 / most, 0.5)
    grey = image.convert("F" if image.mode == "F" else "I").point(lambda value: value * scale + base).convert("L")
    if alpha is None:
        return grey
    grey.putalpha(alpha)
    return grey.convert("RGBA")


def _all_but(image: Image.Image, key: int) -> Image.Image:
    """Where a picture of 16 bits has another value than this one."""
    from PIL import Image as Pillow
    from PIL import ImageChops

    low, high = Pillow.frombytes("LA", image.size, image.tobytes()).split()
    other_low = low.point(lambda value: 255 * (value != key & 255))
    return ImageChops.lighter(other_low, high.point(lambda value: 255 * (value != key >> 8)))


def _depth(image: Image.Image, file: io.BufferedReader) -> int:
    """Bits of a channel, as they are stored."""
    if image.format == "PNG":
        file.seek(24)
        return file.read(1)[0]
    if image.format == "TIFF":
        return int(image.tag_v2.get(258, (8,))[0])  # type: ignore[attr-defined]  # as above
    return 16 if image.mode.startswith("I;16") else 8


def _png(image: Image.Image) -> bytes:
    out = io.BytesIO()
    image.save(out, "PNG", optimize=True)
    return out.getvalue()


def _jpeg(image: Image.Image, most: int, *, subsampling: int) -> bytes:
    """With as many pixels, and then as much quality, as so many bytes hold."""
    scale = 1.0
    for _ in range(_SHRINKS):
        smaller = _scaled(image, scale)
        data, needed = _compressed(smaller, most, subsampling)
        if data is not None:
            return data
        scale *= math.sqrt(most / needed) * _CLOSER
        if min(image.size) * scale < min(_SMALLEST, *image.size):
            break
    raise NoCopy("it does not become small enough")


def _compressed(image: Image.Image, most: int, subsampling: int) -> tuple[bytes | None, int]:
    """In the best quality that fits, or None; and the bytes that the least takes, where even that does not."""

    def at(quality: int) -> bytes:
        out = io.BytesIO()
        image.save(out, "JPEG", quality=quality, subsampling=subsampling, optimize=True)
        return out.getvalue()

    if len(best := at(BEST)) <= most:
        return best, 0
    if len(least := at(LEAST)) > most:
        return None, len(least)
    low, high, found, too_much = LEAST, BEST, least, len(best)  # low fits, high does not
    while high - low > 1:  # a step of quality makes a picture larger by about the same factor
        share = math.log(most / len(found)) / math.log(too_much / len(found))
        between = min(high - 1, max(low + 1, low + int(share * (high - low))))
        if len(data := at(between)) <= most:
            low, found = between, data
        else:
            high, too_much = between, len(data)
    return found, 0


def _write(out: int, data: bytes) -> None:
    at = 0
    while at < len(data):
        at += os.pwrite(out, data[at : at + (1 << 20)], at)
