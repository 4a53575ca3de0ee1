"""Pictures that Pillow does not write: TIFF, PNG, JPEG and HEIF box by box, as cameras, scanners and phones have them."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Sequence
from functools import cache
from typing import Any

from PIL import Image

from tests.support.media_files import box, chunk

WIDTH, HEIGHT = 64, 48
RED = (200, 60, 30)
GREEN_TILES = [(20, 200, 20)] * 6


def saved(picture: Image.Image, form: str, **more: Any) -> bytes:
    out = io.BytesIO()
    picture.save(out, form, **more)
    return out.getvalue()


# --- TIFF and PNG -----------------------------------------------------------------------------------------------------


def tiff(
    meaning: int,
    bits: Sequence[int],
    *planes: bytes,
    form: int = 1,
    alpha: int = 0,
    palette: Sequence[int] = (),
    order: str = "<",
) -> bytes:
    """Without compression. `meaning`: its PhotometricInterpretation; several `planes`: a channel each; `form` 3: floating."""
    offsets = [8 + sum(map(len, planes[:number])) for number in range(len(planes))]
    tags = {256: [WIDTH], 257: [HEIGHT], 258: bits, 259: [1], 262: [meaning], 277: [len(bits)], 278: [HEIGHT]}
    tags |= {273: offsets, 279: [len(plane) for plane in planes], 284: [2 if len(planes) > 1 else 1]}
    tags |= {320: palette} if palette else {}
    tags |= {338: [alpha]} if alpha else {}
    tags |= {339: [form] * len(bits)}
    at = 8 + sum(map(len, planes))
    table, values = struct.pack(f"{order}H", len(tags)), b""
    behind = at + 2 + 12 * len(tags) + 4
    for tag, numbers in sorted(tags.items()):
        kind, letter = (4, "I") if tag in (273, 279) else (3, "H")
        raw = struct.pack(f"{order}{len(numbers)}{letter}", *numbers)
        if len(raw) > 4:
            raw, values = struct.pack(f"{order}I", behind + len(values)), values + raw
        table += struct.pack(f"{order}HHI", tag, kind, len(numbers)) + raw.ljust(4, b"\0")
    head = struct.pack(f"{order}HHI", 0x4949 if order == "<" else 0x4D4D, 42, at)
    return head + b"".join(planes) + table + bytes(4) + values


def png(depth: int, kind: int, row: bytes, *before: bytes) -> bytes:
    """Each row the same. `kind`: 0 grey, 2 RGB, 3 palette, 4 and 6 with alpha; `before`: chunks before the pixels."""
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", WIDTH, HEIGHT, depth, kind, 0, 0, 0))
    pixels = chunk(b"IDAT", zlib.compress((b"\0" + row) * HEIGHT))
    return b"\x89PNG\r\n\x1a\n" + head + b"".join(before) + pixels + chunk(b"IEND", b"")


# --- JPEG -------------------------------------------------------------------------------------------------------------


def ycck(cyan: int, magenta: int, yellow: int, black: int) -> bytes:
    """Ink as Adobe's programs store it: turned around, and what is left of light as brightness and colour."""
    light = Image.new("RGB", (WIDTH, HEIGHT), (cyan, magenta, yellow)).convert("YCbCr").split()
    stored = [*light, Image.new("L", (WIDTH, HEIGHT), 255 - black)]
    data = saved(Image.merge("CMYK", [plane.point(lambda value: 255 - value) for plane in stored]), "JPEG", quality=98)
    at = data.index(b"Adobe\0")
    return data[: at + 11] + b"\x02" + data[at + 12 :]


def without_adobe(data: bytes) -> bytes:
    at = data.index(b"\xff\xee")
    return data[:at] + data[at + 2 + int.from_bytes(data[at + 2 : at + 4]) :]


# --- HEIF -------------------------------------------------------------------------------------------------------------


@cache
def _encoded(colour: tuple[int, int, int]) -> tuple[bytes, bytes]:
    """A tile of 64 x 64 pixels: its decoder's configuration, and its data."""
    data = saved(Image.new("RGB", (64, 64), colour), "HEIF", quality=95, enc_params={"preset": "ultrafast"})
    at = data.index(b"hvcC") - 4
    return data[at : at + int.from_bytes(data[at : at + 4])], data[data.index(b"mdat") + 4 :]


def heif(
    colours: Sequence[tuple[int, int, int]], columns: int, *, turned: int = 0, exif: bytes = b"", aux: bytes = b""
) -> bytes:
    """A picture of tiles, as phones write it; `turned`: quarters to the left; `aux`: what another picture in it is for."""
    rows = -(-len(colours) // columns)
    bodies = [_encoded(colour)[1] for colour in colours]
    grid = struct.pack(">BBBBHH", 0, 0, rows - 1, columns - 1, columns * 64, rows * 64)
    items = [(b"hvc1", body) for body in bodies] + [(b"grid", grid)]
    whole, tiles = len(items), list(range(1, len(bodies) + 1))
    references = [(b"dimg", whole, tiles)]
    properties = [_encoded(colours[0])[0], _ispe(64, 64), _ispe(columns * 64, rows * 64), box(b"irot", bytes([turned]))]
    has = {number: [1, 2] for number in tiles} | {whole: [3, 4]}
    if aux:
        items.append((b"hvc1", _encoded((255, 255, 255))[1]))
        references.append((b"auxl", len(items), [whole]))
        properties.append(box(b"auxC", bytes(4) + aux + b"\0"))
        has[len(items)] = [1, 2, 5]
    if exif:
        items.append((b"Exif", struct.pack(">I", 6) + b"Exif\0\0" + exif))
        references.append((b"cdsc", len(items), [whole]))
    entries = [
        box(b"infe", struct.pack(">IHH4s", 2 << 24, number, 0, kind) + b"\0") for number, (kind, _) in _numbered(items)
    ]
    iinf = box(b"iinf", bytes(4) + struct.pack(">H", len(items)) + b"".join(entries))
    iref = box(b"iref", bytes(4) + b"".join(_reference(*one) for one in references))
    ipma = struct.pack(">II", 0, len(has))
    for number, of in sorted(has.items()):
        ipma += struct.pack(">HB", number, len(of)) + bytes(of)
    iprp = box(b"iprp", box(b"ipco", b"".join(properties)) + box(b"ipma", ipma))
    hdlr = box(b"hdlr", bytes(8) + b"pict" + bytes(13))
    pitm = box(b"pitm", bytes(4) + struct.pack(">H", whole))
    ftyp = box(b"ftyp", b"heic" + bytes(4) + b"mif1heic")

    def meta(at: int) -> bytes:
        iloc = struct.pack(">IBBH", 0, 0x44, 0, len(items))
        for number, (_, body) in _numbered(items):
            iloc += struct.pack(">HHHII", number, 0, 1, at, len(body))
            at += len(body)
        return box(b"meta", bytes(4) + hdlr + pitm + box(b"iloc", iloc) + iinf + iref + iprp)

    begin = len(ftyp) + len(meta(0)) + 8
    return ftyp + meta(begin) + box(b"mdat", b"".join(body for _, body in items))


def _numbered(items: Sequence[tuple[bytes, bytes]]) -> Any:
    return enumerate(items, start=1)


def _ispe(width: int, height: int) -> bytes:
    return box(b"ispe", struct.pack(">III", 0, width, height))


def _reference(kind: bytes, of: int, to: Sequence[int]) -> bytes:
    return box(kind, struct.pack(f">HH{len(to)}H", of, len(to), *to))
