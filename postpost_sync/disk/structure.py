"""Whether a media file reaches its own end, by the sizes and marks written in it: found without decoding, in any size.

Reads a few bytes a piece, by position, and needs no library. What a file shows and how long it lasts is `probe`'s.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping

_BLANK = 4096  # bytes of zeros: no muxer pads an end with so many
_STEPS = 100_000  # a file of more pieces than this is taken at its word: they take a quarter of a second
_BOXES = frozenset(b"ftyp moov mdat free skip wide moof uuid styp sidx ssix mfra meta udta pnot prft emsg".split())


def facts(fd: int, content_type: str) -> Mapping[str, str | bool]:
    """What the sizes written in a file say about its end: `truncated` (where, in words) and `moov_missing`.

    Reads a few bytes per piece, by position; needs no library. Facts to be merged with those of `probe.measure`.
    """
    size = os.fstat(fd).st_size
    if content_type in ("video/mp4", "video/quicktime"):
        return _boxes(fd, size)
    if content_type in ("image/heic", "image/heif", "image/avif"):  # whose index comes first, and shows what is there
        cut = str(_boxes(fd, size).get("truncated", "")) or _unwritten(fd, size)
        return {"truncated": cut} if cut else {}
    cut = _CUT[content_type](fd, size) if content_type in _CUT else ""
    return {"truncated": cut} if cut else {}


def _boxes(fd: int, size: int) -> Mapping[str, str | bool]:
    at, moov = 0, False
    for _ in range(_STEPS):
        head = os.pread(fd, 16, at)
        name, length = head[4:8], int.from_bytes(head[:4], "big")
        if name not in _BOXES:  # the end, or what only a decoder knows
            return {"moov_missing": True} if not moov and len(head) < 8 else {}
        length = {0: size - at, 1: int.from_bytes(head[8:16], "big")}.get(length, length)
        if at + length > size:
            return {"truncated": f"its {name.decode()} atom is cut off"}
        moov = moov or name == b"moov"
        at += max(8, length)
    return {} if moov else {"moov_missing": True}


_JPEG_BLOCK = 1 << 16
_JPEG_SCANNED = 32 << 20  # bytes: no platform takes more than half as many, and they take 30 ms
_MARKER = re.compile(rb"\xff[\x01-\xcf\xd8-\xfe]")  # not a stuffed byte, nor a restart


def _jpeg_cut(fd: int, size: int) -> str:
    """Segments by their lengths, and behind each start of scan its data up to the next marker, until the end of image.

    What lies behind that (a second picture, a phone's video) is nothing to the readers.
    """
    at, scanning = 2, False
    for _ in range(_STEPS):
        if at >= min(size, _JPEG_SCANNED):
            return "its end is missing" if at >= size else ""
        if scanning:
            block = os.pread(fd, _JPEG_BLOCK, at)
            found = _MARKER.search(block)
            scanning = found is None
            at += found.start() if found else max(1, len(block) - 1)  # a marker may lie across two blocks
            continue
        head = os.pread(fd, 4, at)
        if head[:1] != b"\xff" or head[1:2] == b"\xd9":  # readers skip strange bytes: where they lead, a decoder says
            return ""
        marker = head[1] if len(head) > 1 else 0xFF
        if marker == 0xFF:  # a fill byte
            at += 1
        else:
            alone = marker == 0x01 or 0xD0 <= marker <= 0xD8
            at += 2 if alone else 2 + int.from_bytes(head[2:].ljust(2, b"\xff"), "big")  # a length that is cut off
            scanning = marker == 0xDA
    return ""


def _png_cut(fd: int, size: int) -> str:
    at = 8
    for _ in range(_STEPS):
        head = os.pread(fd, 8, at)
        at += 12 + int.from_bytes(head[:4], "big")
        if len(head) < 8 or at > size:
            return "its last part is missing"
        if head[4:] == b"IEND":
            break
    return ""


def _gif_cut(fd: int, size: int) -> str:
    def behind_table(at: int, flags: int) -> int:
        return at + (3 << (flags & 7) + 1 if flags & 0x80 else 0)

    at = behind_table(13, os.pread(fd, 1, 10)[0]) if size > 13 else size + 1
    steps = iter(range(_STEPS))  # for both loops together
    for _ in steps:
        head = os.pread(fd, 10, at)
        if at > size or (head[:1] == b"," and len(head) < 10):
            return "its last picture is cut off"
        if not head:  # readers forgive that, but who knows how many pictures were to follow
            return "its end is missing"
        if head[:1] not in (b",", b"!"):  # the trailer
            return _UNWRITTEN if head[:1] == b"\0" and not any(os.pread(fd, _BLANK, at)) else ""
        at = behind_table(at + 10, head[9]) + 1 if head[:1] == b"," else at + 2
        for _ in steps:  # data in blocks of up to 255 bytes, then an empty one
            length = os.pread(fd, 1, at)
            if not length:
                return "its last picture is cut off"
            at += 1 + length[0]
            if not length[0]:
                break
    return ""


def _riff_cut(fd: int, size: int) -> str:
    """WebP and AVI; only the first RIFF counts, larger AVI files have more behind it."""
    announced = 8 + int.from_bytes(os.pread(fd, 4, 4), "little")
    if announced > size:
        return f"it should have {announced:,} bytes and has {size:,}"
    return _unwritten(fd, announced)


def _ebml_cut(fd: int, size: int) -> str:
    """Matroska and WebM: an EBML header, then one segment, whose size may be left open."""
    at = 0
    for _ in range(2):
        head = os.pread(fd, 12, at)
        if len(head) < 12 or not head[4]:
            return ""
        width = 9 - head[4].bit_length()
        length = int.from_bytes(head[4 : 4 + width], "big") & (1 << 7 * width) - 1
        if length == (1 << 7 * width) - 1:
            return ""
        at += 4 + width + length
    return f"it should have {at:,} bytes and has {size:,}" if at > size else _unwritten(fd, at)


def _unwritten(fd: int, end: int) -> str:
    """What to say where nothing lies before an announced end: some copies make the file as long as it will be at once.

    Not of an MP4, where sound may end in silence without compression, and be the last thing in the file.
    """
    return _UNWRITTEN if end > _BLANK and not any(os.pread(fd, _BLANK, end - _BLANK)) else ""


_UNWRITTEN = "its end has not been written yet"


_CUT: Mapping[str, Callable[[int, int], str]] = {
    "image/jpeg": _jpeg_cut,
    "image/png": _png_cut,
    "image/gif": _gif_cut,
    "image/webp": _riff_cut,
    "video/x-msvideo": _riff_cut,
    "video/x-matroska": _ebml_cut,
    "video/webm": _ebml_cut,
}
