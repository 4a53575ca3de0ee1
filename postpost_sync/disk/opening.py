"""What all share who read a media file with a library: how it is opened, what of it counts, and what an error says of it.

It is opened by position, by one plug-in or demuxer alone, and nothing else is.
"""

from __future__ import annotations

import contextlib
import errno
import io
import os
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from typing_extensions import Buffer

Facts = dict[str, str | int | float | bool]

# Pillow's plug-ins and FFmpeg's demuxers by content type: no other gets to see the file.
PLUGINS = {"image/jpeg": "JPEG", "image/png": "PNG", "image/gif": "GIF", "image/webp": "WEBP"}
FOREIGN = {  # what PostPost does not take, and a copy can be made of: its head is read, no pixel
    "image/heic": "HEIF",
    "image/heif": "HEIF",
    "image/avif": "AVIF",
    "image/tiff": "TIFF",
    "image/bmp": "BMP",
}
DEMUXERS = {"video/mp4": "mov", "video/quicktime": "mov", "video/x-msvideo": "avi"} | dict.fromkeys(
    ("video/x-matroska", "video/webm"), "matroska"
)


_NOWHERE = (errno.EINVAL, errno.EOVERFLOW)  # a damaged file may name a place that no file can have


class Descriptor(io.RawIOBase):
    """A file read by position, so that the descriptor's own, which the daemon shares, is not moved."""

    def __init__(self, fd: int) -> None:
        self._fd, self._at = fd, 0
        self.broken: OSError | None = None  # what the disk said, of which a library makes something of its own

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: os.fstat(self._fd).st_size}[whence]
        self._at = max(0, base + offset)
        return self._at

    def readinto(self, buffer: Buffer) -> int:
        try:
            count = os.preadv(self._fd, [buffer], self._at)
        except OSError as error:
            if error.errno not in _NOWHERE:
                self.broken = error
            raise
        self._at += count
        return count


def refuse(*_: object) -> None:
    raise PermissionError("a video may not name other files")


class Broken(OSError):
    """The file could not be read through: a matter of the disk or the share that it lies on, and not of what is in it."""


class NoCopy(Exception):
    """No copy can be made, for this reason."""


_WORDS = (  # what a library says of a file that it cannot read, by a piece of it, and what that means
    ("truncated", "it ends too early, or is damaged (truncated)"),
    ("cannot identify", "its beginning is damaged, or it is of a kind that nothing here reads"),
    ("end of file", "it ends too early"),
    ("unexpected end", "it ends too early"),
    ("exceed", "it is too large to be read"),
    ("too large", "it is too large to be read"),
    ("bomb", "it is too large to be read"),
    ("unsupported", "it is of a kind that nothing here reads"),
    ("not supported", "it is of a kind that nothing here reads"),
    ("not implemented", "it is of a kind that nothing here reads"),
)
_DAMAGED = "it is damaged, or of a kind that nothing here reads"


def in_words(error: Exception) -> str:
    """What a library's error says, for a person: never the names of its own classes, numbers and places."""
    said = (getattr(error, "strerror", None) or str(error)).lower()
    return next((words for piece, words in _WORDS if piece in said), _DAMAGED)


def orientation(image: Any) -> int:
    """EXIF's, 1 to 8. Not through `image.getexif()`, which decodes the whole of a PNG."""
    from PIL import Image

    exif = Image.Exif()
    with contextlib.suppress(Exception):  # a damaged EXIF block turns nothing
        exif.load(image.info.get("exif", b""))
        return min(8, max(1, int(exif.get(0x0112, 1))))
    return 1


def streams(container: Any) -> tuple[Any, Any]:
    """The picture and the sound of a video that are shown and heard; None where there is none.

    No cover picture, and no sound that nothing here knows, while there is another: beside the AAC that all players know, a
    phone writes the same sound in a form of its own.
    """
    import av

    cover = av.stream.Disposition.attached_pic
    moving = [one for one in container.streams.video if not one.disposition & cover]
    sounds = list(container.streams.audio)
    heard = [one for one in sounds if one.codec_context is not None]
    return _best(container, "video", moving), _best(container, "audio", heard or sounds)


def _best(container: Any, kind: str, among: list[Any]) -> Any:
    best = container.streams.best(kind)
    return best if best in among else next(iter(among), None)
