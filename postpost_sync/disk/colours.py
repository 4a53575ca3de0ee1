"""Says what the colours of a picture mean, and turns them into those of sRGB, which everything shows alike.

A picture has an ICC profile, or names its colours in numbers (code points of ISO/IEC 23091-2): HEIF and AVIF in their
`nclx`, PNG in its `cICP`. What says nothing, or is broken, is taken for sRGB.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from postpost_sync.disk.opening import NoCopy

if TYPE_CHECKING:
    from PIL import Image

_HEAD = 1 << 16  # bytes of an AVIF in which its properties stand
_CHUNKS = 100  # of a PNG before its pixels
_SRGB = ((0.43607, 0.22249, 0.01392), (0.38515, 0.71687, 0.09708), (0.14307, 0.06061, 0.71410))
_PRIMARIES = {  # red, green and blue in the profile connection space
    1: _SRGB,
    9: ((0.67348, 0.27904, -0.00193), (0.16566, 0.67535, 0.02998), (0.12505, 0.04561, 0.79686)),  # BT.2020
    12: ((0.51512, 0.24120, -0.00105), (0.29198, 0.69225, 0.04189), (0.15710, 0.06657, 0.78407)),  # Display P3
}
_GAMMAS = {4: 2.2, 5: 2.8, 8: 1.0}  # 8 is linear; others, where they are no HDR, are near enough to the curve of sRGB
_HDR = {16: "PQ", 18: "HLG"}  # that no 8-bit picture can stand for


class _Numbers(NamedTuple):
    colours: int = 2  # 2: it does not say
    transfer: int = 2
    limited: bool = False  # black is not 0


def profile(image: Image.Image, file: io.BufferedReader) -> bytes | None:
    """The ICC profile, made up where the picture says in numbers what it would say; None is sRGB. NoCopy where it is HDR."""
    embedded = image.info.get("icc_profile")
    match image.format:
        case "AVIF":  # of which Pillow tells neither
            file.seek(0)
            named = _of_avif(file.read(_HEAD))
        case "PNG":
            named = _of_png(file)
            embedded = None if named != _Numbers() else embedded  # its numbers go before its profile
        case _:
            known = image.info.get("nclx_profile") or {}
            named = _Numbers(known.get("color_primaries", 2), known.get("transfer_characteristics", 2))
    if embedded:
        return bytes(embedded)
    if name := _HDR.get(named.transfer):
        raise NoCopy(f"its colours are HDR ({name}), which a JPEG cannot show")
    if named.limited:
        raise NoCopy("its colours have the limited range of a video, which no picture viewer expects")
    primaries, gamma = _PRIMARIES.get(named.colours, _SRGB), _GAMMAS.get(named.transfer)
    return None if primaries is _SRGB and gamma is None else made_up(primaries, gamma)


def srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    """In RGB or RGBA, its colours those of sRGB."""
    from PIL import Image as Pillow
    from PIL import ImageCms

    if image.mode == "RGBA":
        alpha = image.getchannel("A")
        image = srgb(image.convert("RGB"), profile)
        image.putalpha(alpha)
        return image
    if profile is not None:
        try:
            source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            same = "srgb" in ImageCms.getProfileDescription(source).lower()
            space = source.profile.xcolor_space.strip()
            if image.mode == "L" and space == "RGB":
                image = image.convert("RGB")
            if {"L": "GRAY"}.get(image.mode, image.mode) == space and not same:
                converted = ImageCms.profileToProfile(image, source, ImageCms.createProfile("sRGB"), outputMode="RGB")
                assert isinstance(converted, Pillow.Image)  # noqa: S101  # it is None only where it works in place
                return converted
        except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
            pass
    return image if image.mode == "RGB" else image.convert("RGB")


def _of_png(file: io.BufferedReader) -> _Numbers:
    file.seek(8)
    for _ in range(_CHUNKS):
        length, name = struct.unpack(">I4s", file.read(8).ljust(8, b"\0"))
        if name == b"cICP" and length == 4:
            colours, transfer, _, full = file.read(4).ljust(4, b"\1")
            return _Numbers(colours, transfer, not full)
        if name in (b"IDAT", b"\0\0\0\0"):
            break
        file.seek(length + 4, io.SEEK_CUR)
    return _Numbers()


def _of_avif(head: bytes) -> _Numbers:
    inside = head
    for name in (b"meta", b"iprp", b"ipco"):
        inside = next((body for kind, body in _boxes(inside) if kind == name), b"")
        inside = inside[4:] if name == b"meta" else inside  # its version and flags come first
    for kind, body in _boxes(inside):
        if kind == b"colr" and body[:4] == b"nclx" and len(body) >= 8:
            return _Numbers(*struct.unpack(">HH", body[4:8]))
    return _Numbers()


def _boxes(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """The boxes of an ISO file that are whole in `data`: name and body."""
    at = 0
    while at + 8 <= len(data):
        size, name = struct.unpack(">I4s", data[at : at + 8])
        if size < 8 or at + size > len(data):  # no box is larger than what may be read of it, nor unknown in size
            return
        yield name, data[at + 8 : at + size]
        at += size


def made_up(primaries: tuple[tuple[float, ...], ...], gamma: float | None = None) -> bytes:
    """An ICC profile with these primaries, and this gamma or the tone curve of sRGB."""

    def fixed(*values: float) -> bytes:
        return b"".join(struct.pack(">i", round(value * 65536)) for value in values)

    curve = struct.pack(">HH", 3, 0) + fixed(2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045)
    curve = b"para" + bytes(4) + (curve if gamma is None else bytes(4) + fixed(gamma))
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
