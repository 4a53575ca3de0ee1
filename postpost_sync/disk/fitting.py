"""Makes a copy of a picture or a video that platforms take: as large and as good as they allow, and with nothing private.

It runs in the process that `measuring` forks for one file, within the limits that stand there. A picture is decoded and
written anew, so that nothing of its EXIF, its place, its thumbnails or its comments is left. Videos are `rewrapping`'s.
"""

from __future__ import annotations

import errno
import io
import math
import os
import struct
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from postpost_sync.disk import rewrapping
from postpost_sync.disk.opening import DEMUXERS, FOREIGN, PLUGINS, Facts, NoCopy

if TYPE_CHECKING:
    from PIL import Image

BEST, LEAST = 95, 80  # JPEG's quality: above the one a file only grows, below the other pixels are given up instead
_SHRINKS = 12  # times a picture is made smaller before it is given up
_SMALLEST = 16  # pixels of a side
_CLOSER = 0.985  # of the size that the last try suggests: a smaller picture needs a little more for each of its pixels
_HEAD = 1 << 16  # bytes of an AVIF in which its properties stand
_HDR = {16: "PQ", 18: "HLG"}  # transfer characteristics that no 8-bit picture can stand for
# Colour primaries of a HEIF picture that has no profile: its red, green and blue in the profile connection space.
_PRIMARIES = {
    9: ((0.67348, 0.27904, -0.00193), (0.16566, 0.67535, 0.02998), (0.12505, 0.04561, 0.79686)),  # BT.2020
    12: ((0.51512, 0.24120, -0.00105), (0.29198, 0.69225, 0.04189), (0.15710, 0.06657, 0.78407)),  # Display P3
}


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
        return {"unfit": error.strerror or str(error)[:200]}
    except NoCopy as why:
        return {"unfit": str(why)}
    except Exception as error:  # whatever a library raises over a broken file, and what the disk says
        return {"unfit": (str(error) or type(error).__name__)[:200]}


# --- pictures ---------------------------------------------------------------------------------------------------------


def _picture(file: io.BufferedReader, wanted: Mapping[str, Any], out: int) -> str:
    from PIL import Image, ImageOps

    image: Image.Image = Image.open(file, formats=[(PLUGINS | FOREIGN)[wanted["content_type"]]])
    lossless = image.format == "PNG"
    if image.format not in ("JPEG", "MPO", "HEIF") and _pictures(image) > 1:
        raise NoCopy("it holds several pictures")
    if image.format in ("JPEG", "MPO"):  # twice as large as it is to be, or as it is: what is left is better scaled
        scale = min(1.0, 2 * _scale(image.size, wanted, turned=True))
        image.draft(None, (max(1, math.ceil(image.width * scale)), max(1, math.ceil(image.height * scale))))
    image.load()
    profile, turn = _profile(image, file), image.getexif().get(0x0112, 1)
    image = _plain(image)
    image = _scaled(image, _scale(image.size, wanted, turned=turn in (5, 6, 7, 8)))
    image = _srgb(image, profile)
    image.getexif()[0x0112] = turn
    image = ImageOps.exif_transpose(image)
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


def _plain(image: Image.Image) -> Image.Image:
    """With 8 bits a channel and without a palette: L, RGB, RGBA, CMYK or LAB."""
    if image.mode.startswith("I;16"):
        return image.convert("I").point(lambda value: value / 256).convert("L")
    if image.mode in ("I", "F"):
        low, high = image.getextrema()
        if not isinstance(low, int | float) or not isinstance(high, int | float) or low < 0 or high > 65535:
            raise NoCopy("its brightness has no known range")
        return image.convert("F").point(lambda value: value * (1 / 256 if high > 255 else 1) + 0.0).convert("L")
    if image.mode in ("L", "RGB", "RGBA", "CMYK"):
        return image if "transparency" not in image.info else image.convert("RGBA")
    alpha = image.mode in ("LA", "La", "PA", "RGBa") or "transparency" in image.info
    return image.convert("RGBA" if alpha else "L" if image.mode == "1" else "RGB")


def _profile(image: Image.Image, file: io.BufferedReader) -> bytes | None:
    """The colour profile, made up where a HEIF or an AVIF says in numbers what it would say; without any it is sRGB."""
    numbers = image.info.get("nclx_profile") or {}
    colours, transfer = numbers.get("color_primaries", 2), numbers.get("transfer_characteristics", 2)
    if image.format == "AVIF":  # of which Pillow tells neither
        file.seek(0)
        colours, transfer = _colours_of_avif(file.read(_HEAD))
    profile = image.info.get("icc_profile")
    if profile is None and (name := _HDR.get(transfer)):
        raise NoCopy(f"its colours are HDR ({name}), which a JPEG cannot show")
    primaries = _PRIMARIES.get(colours)
    return bytes(profile) if profile else _made_up(primaries) if primaries is not None else None


def _colours_of_avif(head: bytes) -> tuple[int, int]:
    """The code points (ISO/IEC 23091-2) of its colour primaries and transfer characteristics; 2 where it does not say."""
    inside = head
    for name in (b"meta", b"iprp", b"ipco"):
        inside = next((body for kind, body in _boxes(inside) if kind == name), b"")
        inside = inside[4:] if name == b"meta" else inside  # its version and flags come first
    for kind, body in _boxes(inside):
        if kind == b"colr" and body[:4] == b"nclx" and len(body) >= 8:
            colours, transfer = struct.unpack(">HH", body[4:8])
            return colours, transfer
    return 2, 2


def _boxes(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """The boxes of an ISO file that are whole in `data`: name and body."""
    at = 0
    while at + 8 <= len(data):
        size, name = struct.unpack(">I4s", data[at : at + 8])
        if size < 8 or at + size > len(data):  # no box is larger than what may be read of it, nor unknown in size
            return
        yield name, data[at + 8 : at + size]
        at += size


def _srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    """In RGB or RGBA, its colours those of sRGB. What has no profile, or a broken one, is taken for what is usual."""
    from PIL import Image as Pillow
    from PIL import ImageCms

    if image.mode == "RGBA":
        alpha = image.getchannel("A")
        image = _srgb(image.convert("RGB"), profile)
        image.putalpha(alpha)
        return image
    if profile is not None:
        try:
            source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            same = "srgb" in ImageCms.getProfileDescription(source).lower()
            space = source.profile.xcolor_space.strip()
            if {"L": "GRAY"}.get(image.mode, image.mode) == space and not same:
                converted = ImageCms.profileToProfile(image, source, ImageCms.createProfile("sRGB"), outputMode="RGB")
                assert isinstance(converted, Pillow.Image)  # noqa: S101  # it is None only where it works in place
                return converted
        except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
            pass
    return image if image.mode == "RGB" else image.convert("RGB")


def _made_up(primaries: tuple[tuple[float, ...], ...]) -> bytes:
    """An ICC profile with these primaries and the tone curve of sRGB."""

    def fixed(*values: float) -> bytes:
        return b"".join(struct.pack(">i", round(value * 65536)) for value in values)

    curve = b"para" + bytes(4) + struct.pack(">HH", 3, 0) + fixed(2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045)
    tags = [(b"wtpt", b"XYZ " + bytes(4) + fixed(0.9642, 1.0, 0.8249))]
    for name, colour in zip((b"r", b"g", b"b"), primaries, strict=True):
        tags += [(name + b"XYZ", b"XYZ " + bytes(4) + fixed(*colour)), (name + b"TRC", curve)]
    at, table, body = 132 + 12 * len(tags), struct.pack(">I", len(tags)), b""
    for name, data in tags:
        table += name + struct.pack(">II", at + len(body), len(data))
        body += data + bytes(-len(data) % 4)
    head = struct.pack(">I4sI4s4s4s", at + len(body), bytes(4), 0x04300000, b"mntr", b"RGB ", b"XYZ ") + bytes(12)
    head += b"acsp" + bytes(28) + fixed(0.9642, 1.0, 0.8249)
    return head.ljust(128, b"\0") + table + body


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
    low, high, found = LEAST, BEST, least  # low fits, high does not
    while high - low > 1:
        middle = (low + high) // 2
        if len(data := at(middle)) <= most:
            low, found = middle, data
        else:
            high = middle
    return found, 0


def _write(out: int, data: bytes) -> None:
    at = 0
    while at < len(data):
        at += os.pwrite(out, data[at : at + (1 << 20)], at)
