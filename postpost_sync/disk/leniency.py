"""What a picture is made of is read, as viewers and platforms do: Pillow refuses a good one for what stands beside it.

Only the process that reads files for us becomes lenient so (`measuring`).
"""

from __future__ import annotations

import contextlib
import struct
from typing import Any

_APPLICATIONS = range(0xFFE0, 0xFFF0)  # the markers of a JPEG behind which programs and cameras keep what they like
_ICC_HEAD = 14  # bytes before a part of a profile


def begin() -> None:
    """From now on, in this process."""
    from PIL import JpegImagePlugin, PngImagePlugin

    _of_png(PngImagePlugin.PngStream)
    _of_jpeg(JpegImagePlugin.MARKER)


def _of_jpeg(markers: Any) -> None:
    """A segment of some program that ends too early for what it seems to be: Photoshop's, JFIF's, a profile's."""

    def lenient(called: Any) -> Any:
        def application(self: Any, marker: int) -> None:
            with contextlib.suppress(IndexError, struct.error):  # it was read whole before it was looked into
                called(self, marker)
            self.icclist = [part for part in self.icclist if len(part) > _ICC_HEAD]

        return application

    for marker in _APPLICATIONS:
        name, about, called = markers[marker]
        markers[marker] = name, about, lenient(called)


def _of_png(stream: Any) -> None:
    """A text or a profile that unpacks to more than 1 MB, a chunk that no picture needs and that is damaged, or its sum."""
    from PIL import ImageFile

    called, checked = stream.call, stream.crc

    def call(self: Any, cid: bytes, pos: int, length: int) -> bytes:
        if cid not in (b"tEXt", b"zTXt", b"iTXt"):
            try:
                return bytes(called(self, cid, pos, length))
            except (ValueError, SyntaxError, IndexError, struct.error):
                if not _spare(cid):
                    raise
            self.fp.seek(pos)
        return ImageFile._safe_read(self.fp, length)  # also says that the file ends within it

    def crc(self: Any, cid: bytes, data: bytes) -> None:
        (self.crc_skip if _spare(cid) else checked.__get__(self))(cid, data)

    stream.call, stream.crc = call, crc


def _spare(chunk: bytes) -> bool:
    """Whether a PNG can be shown without it: then its name begins with a small letter."""
    return bool(chunk[0] & 0x20)
