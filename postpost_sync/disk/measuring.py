"""Reads one media file in a process that was forked for it alone: the server that `probe` asks, and the two readers.

It runs as a program. Nothing heavy is imported by those who only want its figures.
"""

from __future__ import annotations

import contextlib
import io
import json
import math
import os
import resource
import signal
import socket
import warnings
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from typing_extensions import Buffer

Facts = dict[str, str | int | float | bool]

CPU_SECONDS = 0.9  # of one file; a good one needs some hundredths
WALL_SECONDS = 10.0  # of one file: a sleeping disk or a slow share may take its time
MEMORY = 1 << 30  # address space of the process that reads one file, the libraries included
DECODE_PIXELS = 50_000_000  # pictures above this are measured, not decoded
_FIRST_PACKETS = 50  # a good video shows a picture within these
REQUEST = 32  # one request: the content type, padded, with two descriptors; after `thumbnail:` where one is wanted
# Pillow's plug-ins and FFmpeg's demuxers by content type: no other gets to see the file.
PLUGINS = {"image/jpeg": "JPEG", "image/png": "PNG", "image/gif": "GIF", "image/webp": "WEBP"}
DEMUXERS = {"video/mp4": "mov", "video/quicktime": "mov", "video/x-msvideo": "avi"} | dict.fromkeys(
    ("video/x-matroska", "video/webm"), "matroska"
)


# --- the server, and the process per file -----------------------------------------------------------------------------


def serve(control: socket.socket) -> None:
    """Fork one process per request until the other side is gone."""
    warnings.simplefilter("ignore")
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the daemon, which ends us
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for the children: the kernel may clear them away
    loaded = False
    while True:
        request, descriptors, _, _ = socket.recv_fds(control, REQUEST, 2)
        if not request:
            return
        if not loaded:  # 30 MB and a third of a second, for those who post pictures alone
            _load()
            loaded = True
        if os.fork() == 0:
            control.close()
            try:
                _measure_here(request.decode().strip(), *descriptors)
            finally:
                os._exit(0)
        for fd in descriptors:
            os.close(fd)


def _load() -> None:
    """The libraries, once for all the processes that are forked."""
    import av.logging
    from PIL import GifImagePlugin, Image, JpegImagePlugin, MpoImagePlugin, PngImagePlugin, WebPImagePlugin  # noqa: F401

    av.logging.set_level(None)
    Image.MAX_IMAGE_PIXELS = None  # a bomb's size is a fact too; it is never decoded
    _be_lenient(PngImagePlugin.PngStream)


def _be_lenient(stream: Any) -> None:
    """Of a PNG read what a picture is made of, as viewers and platforms do: Pillow refuses one for what stands beside it.

    A text or a profile that unpacks to more than 1 MB, one that is damaged, a chunk that no picture needs with a wrong sum.
    """
    from PIL import ImageFile

    checked = stream.crc

    def passed_over(self: Any, pos: int, length: int) -> bytes:
        return ImageFile._safe_read(self.fp, length)  # also says that the file ends within it

    def crc(self: Any, cid: bytes, data: bytes) -> None:
        (self.crc_skip if cid[0] & 0x20 else checked.__get__(self))(cid, data)  # a small first letter: not needed

    for name in ("tEXt", "zTXt", "iTXt", "iCCP", "sRGB", "gAMA", "cHRM", "pHYs"):
        setattr(stream, f"chunk_{name}", passed_over)
    stream.crc = crc


def _measure_here(content_type: str, fd: int, reply: int) -> None:
    for limit, value in (
        (resource.RLIMIT_AS, MEMORY),
        (resource.RLIMIT_CPU, math.ceil(CPU_SECONDS) + 1),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
    ):
        with contextlib.suppress(ValueError, OSError):  # not every system has every limit
            resource.setrlimit(limit, (value, value))
    signal.setitimer(signal.ITIMER_PROF, CPU_SECONDS)
    signal.setitimer(signal.ITIMER_REAL, WALL_SECONDS)
    task, _, content_type = content_type.rpartition(":")
    file: io.BufferedReader = io.BufferedReader(_Descriptor(fd), 65536)
    try:
        for facts in _small(file, content_type) if task else _read(file, content_type):
            os.write(reply, json.dumps(facts).encode() + b"\n")  # piece by piece: what is known stays, whatever follows
    except MemoryError:
        os.write(reply, b'{"unmeasured": "reading it needs too much memory"}\n')


def _read(file: io.BufferedReader, content_type: str) -> Iterator[Facts]:
    return _image(file, content_type) if content_type in PLUGINS else _video(file, content_type)


def _small(file: io.BufferedReader, content_type: str) -> Iterator[dict[str, str]]:
    """A thumbnail."""
    from postpost_sync.disk import miniature

    plugin, demuxer = PLUGINS.get(content_type), DEMUXERS.get(content_type)
    return miniature.make(file, plugin=plugin, demuxer=demuxer, most=DECODE_PIXELS)


class _Descriptor(io.RawIOBase):
    """A file read by position, so that the descriptor's own, which the daemon shares, is not moved."""

    def __init__(self, fd: int) -> None:
        self._fd, self._at = fd, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: os.fstat(self._fd).st_size}[whence]
        self._at = max(0, base + offset)
        return self._at

    def readinto(self, buffer: Buffer) -> int:
        count = os.preadv(self._fd, [buffer], self._at)
        self._at += count
        return count


# --- images -----------------------------------------------------------------------------------------------------------


def _image(file: io.BufferedReader, content_type: str) -> Iterator[Facts]:
    from PIL import Image

    canvas = _webp_canvas(file.peek(30)) if content_type == "image/webp" else (0, 0)
    if canvas[0] * canvas[1] > DECODE_PIXELS:  # only to open it would need memory for two pictures
        yield {"width": canvas[0], "height": canvas[1], "aspect": canvas[0] / canvas[1]}
        return
    try:
        image = Image.open(file, formats=[PLUGINS[content_type]])
        width, height = image.size
        orientation = _orientation(image)
        rotation = (0, 0, 180, 180, 90, 90, 270, 270)[orientation - 1]
        yield {
            "width": width,
            "height": height,
            "aspect": height / width if rotation % 180 else width / height,
            "rotation": rotation,
            "mirrored": orientation in (2, 4, 5, 7),
            "cmyk": image.mode == "CMYK",
            "animated": content_type != "image/jpeg" and bool(getattr(image, "is_animated", False)),
        }
    except MemoryError:
        raise
    except Exception as error:  # whatever a library raises over a broken file: Pillow's list is long
        yield {"undecodable": _reason(error)}
        return
    if width * height <= DECODE_PIXELS:
        try:
            image.draft("L", (max(1, width // 8), max(1, height // 8)))  # JPEG: reads every byte, makes few pixels
            image.load()
        except MemoryError:
            raise
        except Exception as error:  # as above
            yield {"truncated" if "truncated" in str(error) else "undecodable": _reason(error)}


def _orientation(image: Any) -> int:
    """EXIF's, 1 to 8. Not through `image.getexif()`, which decodes the whole of a PNG."""
    from PIL import Image

    exif = Image.Exif()
    with contextlib.suppress(Exception):  # a damaged EXIF block turns nothing
        exif.load(image.info.get("exif", b""))
        return min(8, max(1, int(exif.get(0x0112, 1))))
    return 1


def _webp_canvas(head: bytes) -> tuple[int, int]:
    if head[12:16] == b"VP8X":
        return int.from_bytes(head[24:27], "little") + 1, int.from_bytes(head[27:30], "little") + 1
    if head[12:16] == b"VP8L":
        bits = int.from_bytes(head[21:25], "little")
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    return int.from_bytes(head[26:28], "little") & 0x3FFF, int.from_bytes(head[28:30], "little") & 0x3FFF


def _reason(error: Exception) -> str:
    return (str(error) or type(error).__name__)[:200]


# --- videos -----------------------------------------------------------------------------------------------------------


def _video(file: io.BufferedReader, content_type: str) -> Iterator[Facts]:
    import av

    try:
        container = av.open(file, "r", format=DEMUXERS[content_type], io_open=_refuse)
    except MemoryError:  # FFmpeg's is both
        raise
    except av.FFmpegError as error:
        yield {"undecodable": _reason(error)}
        return
    cover = av.stream.Disposition.attached_pic
    moving = [one for one in container.streams.video if not one.disposition & cover]
    best = container.streams.best("video")
    video = best if best in moving else next(iter(moving), None)
    if video is None and len(container.streams.video):
        yield {"undecodable": "it is sound with a cover picture, no video"}
        return
    if not isinstance(video, av.VideoStream) or video.codec_context is None:
        yield {"undecodable": "there is no picture in it that can be read"}
        return
    audio = container.streams.best("audio")
    if audio is not None and video.frames == 1:
        yield {"undecodable": _ONE_PICTURE}
        return
    rate = video.average_rate or video.guessed_rate
    duration = container.duration / av.time_base if container.duration else 0.0
    aspect = float((video.sample_aspect_ratio or 1) * video.width / video.height) if video.height else 0.0
    facts: Facts = {"width": video.width, "height": video.height}
    facts |= {"video_codec": _codec(video), "audio_codec": _codec(audio)}
    if aspect:
        facts["aspect"] = aspect
    if rate:
        facts["fps"] = float(rate)
    if duration > 0:
        facts["duration"] = duration
        facts["bitrate"] = container.bit_rate or round(container.size * 8 / duration)
    yield facts
    if 0 < video.width * video.height <= DECODE_PIXELS:
        yield from _first_picture(container, video, aspect)
    if audio is not None and not video.frames and not _moves(file, content_type):  # how many is not written in the file
        yield {"undecodable": _ONE_PICTURE}


_ONE_PICTURE = "it is sound with one picture, no video"


def _moves(file: io.BufferedReader, content_type: str) -> bool:
    """Whether there is a second picture. Of sound that goes on for long only as much is read as there is time for."""
    import av

    file.seek(0)
    with av.open(file, "r", format=DEMUXERS[content_type], io_open=_refuse) as container:
        packets = (packet for packet in container.demux(video=0) if packet.size)
        return next(packets, None) is None or next(packets, None) is not None


def _first_picture(container: Any, video: Any, aspect: float) -> Iterator[Facts]:
    """What only a decoded picture tells: how it is turned, and whether there is one at all."""
    import av

    video.codec_context.thread_count = 1  # each thread would take its share of the address space
    for packet, _ in zip(container.demux(video), range(_FIRST_PACKETS), strict=False):
        with contextlib.suppress(av.FFmpegError):  # the next packet may do
            for frame in packet.decode():
                rotation = -frame.rotation % 360
                yield {"rotation": rotation, "aspect": 1 / aspect if rotation % 180 else aspect}
                return
    yield {"undecodable": "no picture in it can be decoded"}


def _codec(stream: Any) -> str:
    if stream is None or stream.codec_context is None:
        return ""
    return str(stream.codec_context.codec.canonical_name)


def _refuse(*_: object) -> None:
    raise PermissionError("a video may not name other files")


if __name__ == "__main__":
    with socket.socket(fileno=os.dup(0)) as requests:
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)  # or every child could read what is meant for its successors
        serve(requests)
