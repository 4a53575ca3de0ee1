"""Reads one media file in a process that was forked for it alone: the server that `probe` asks, and the two readers.

It runs as a program. What it is asked for stands in `TASKS`: to measure a file, or to make a copy of it that fits
(`fitting`). Nothing heavy is imported by those who only want its figures.
"""

from __future__ import annotations

import contextlib
import ctypes
import importlib
import io
import json
import math
import os
import resource
import signal
import socket
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from postpost_sync.disk.opening import (
    DEMUXERS,
    FOREIGN,
    PLUGINS,
    Descriptor,
    Facts,
    in_words,
    orientation,
    refuse,
    streams,
)


@dataclass(frozen=True, slots=True)
class Limits:
    """Of the process for one file."""

    cpu: float  # seconds
    wall: float  # seconds: a sleeping disk or a slow share may take its time
    memory: int  # bytes of address space, the libraries included


TASKS = {
    "measure": Limits(cpu=0.9, wall=10.0, memory=1 << 30),  # a good file needs some hundredths of a second
    "thumbnail": Limits(cpu=0.9, wall=10.0, memory=1 << 30),
    "fit": Limits(cpu=60.0, wall=300.0, memory=3 << 29),  # a film of 500 MB lies on a share, a busy NAS computes slowly
}
DECODE_PIXELS = 50_000_000  # pictures above this are measured, not decoded
_STILL = ("image/jpeg", "image/heic", "image/heif")  # further pictures in these are no animation
_FIRST_PACKETS = 50  # a good video shows a picture within these
REQUEST = 512  # one request: its task and what is to be known for it, padded, with up to three descriptors


# --- the server, and the process per file -----------------------------------------------------------------------------


def serve(control: socket.socket) -> None:
    """Fork one process per request for a file until the other side is gone."""
    warnings.simplefilter("ignore")
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the daemon, which ends us
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for the children: the kernel may clear them away
    loaded = False
    while True:
        request, descriptors, _, _ = socket.recv_fds(control, REQUEST, 3, socket.MSG_WAITALL)
        if not request:
            return
        if not loaded:  # 30 MB and a third of a second, for those who post pictures alone
            _load()
            loaded = True
        if not descriptors:  # nothing but that is wanted yet
            continue
        if os.fork() == 0:
            control.close()
            try:
                _work(*request.decode().strip().partition(" ")[::2], *descriptors)
            finally:
                os._exit(0)
        for fd in descriptors:
            os.close(fd)


def _load() -> None:
    """The libraries, once for all the processes that are forked."""
    import av.logging
    from PIL import Image, ImageCms, ImageOps  # noqa: F401

    from postpost_sync.disk import fitting, leniency  # noqa: F401

    for plugin in "Avif Bmp Gif Jpeg Mpo Png Tiff WebP".split():
        with contextlib.suppress(ImportError):  # an older Pillow has no AVIF
            importlib.import_module(f"PIL.{plugin}ImagePlugin")
    with contextlib.suppress(ImportError, OSError):  # without it HEIC is what PostPost does not take
        import pillow_heif

        pillow_heif.register_heif_opener(thumbnails=False, depth_images=False, aux_images=False, decode_threads=2)
    av.logging.set_level(None)
    Image.MAX_IMAGE_PIXELS = None  # a bomb's size is a fact too; it is never decoded
    leniency.begin()


def _work(task: str, argument: str, fd: int, reply: int, *out: int) -> None:
    """Carry out one task within its limits, and write down what comes of it. `out`: the file that may be written."""
    _end_with_the_server()
    limits, wanted = TASKS[task], json.loads(argument)
    for limit, value in (
        (resource.RLIMIT_AS, limits.memory),
        (resource.RLIMIT_CPU, math.ceil(limits.cpu) + 1),
        (resource.RLIMIT_FSIZE, wanted.get("room", 0)),
        (resource.RLIMIT_CORE, 0),
    ):
        with contextlib.suppress(ValueError, OSError):  # not every system has every limit
            resource.setrlimit(limit, (value, value))
    signal.setitimer(signal.ITIMER_PROF, limits.cpu)
    signal.setitimer(signal.ITIMER_REAL, limits.wall)
    source = Descriptor(fd)
    try:
        for facts in _carried_out(task, io.BufferedReader(source, 65536), wanted, *out):
            os.write(reply, json.dumps(facts).encode() + b"\n")  # piece by piece: what is known stays, whatever follows
    except MemoryError:
        os.write(reply, b'{"unmeasured": "reading it needs too much memory"}\n')
    finally:
        if source.broken is not None:  # then nothing of that is known
            os.write(reply, json.dumps({"broken": source.broken.strerror}).encode() + b"\n")


def _carried_out(task: str, file: io.BufferedReader, wanted: Any, *out: int) -> Iterator[Mapping[str, Any]]:
    content_type = wanted["content_type"]
    match task:
        case "fit":
            from postpost_sync.disk import fitting

            return iter([fitting.fit(file, wanted, *out)])
        case "thumbnail":
            from postpost_sync.disk import miniature

            plugin, demuxer = (PLUGINS | FOREIGN).get(content_type), DEMUXERS.get(content_type)
            return miniature.make(file, plugin=plugin, demuxer=demuxer, most=DECODE_PIXELS)
    return _video(file, content_type) if content_type in DEMUXERS else _image(file, content_type)


def _end_with_the_server() -> None:
    """The kernel is to end this process when the server ends, as it does with the daemon."""
    with contextlib.suppress(OSError, AttributeError):  # a system without it waits for the time to be over
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG


# --- images -----------------------------------------------------------------------------------------------------------


def _image(file: io.BufferedReader, content_type: str) -> Iterator[Facts]:
    from PIL import Image

    canvas = _webp_canvas(file.peek(30)) if content_type == "image/webp" else (0, 0)
    if canvas[0] * canvas[1] > DECODE_PIXELS:  # only to open it would need memory for two pictures
        yield {"width": canvas[0], "height": canvas[1], "aspect": canvas[0] / canvas[1]}
        return
    try:
        image = Image.open(file, formats=[(PLUGINS | FOREIGN)[content_type]])
        if content_type == "image/tiff" and _is_raw(image):
            yield {"undecodable": "it is a camera's raw picture, which nothing here develops"}
            return
        width, height = image.size
        turn = orientation(image)
        rotation = (0, 0, 180, 180, 90, 90, 270, 270)[turn - 1]
        yield {
            "width": width,
            "height": height,
            "aspect": height / width if rotation % 180 else width / height,
            "rotation": rotation,
            "mirrored": turn in (2, 4, 5, 7),
            "cmyk": image.mode == "CMYK",
            "animated": content_type not in _STILL and bool(getattr(image, "is_animated", False)),
        }
    except MemoryError:
        raise
    except Exception as error:  # whatever a library raises over a broken file: Pillow's list is long
        yield {"undecodable": in_words(error)}
        return
    if width * height <= DECODE_PIXELS and content_type in PLUGINS:
        try:
            image.draft("L", (max(1, width // 8), max(1, height // 8)))  # JPEG: reads every byte, makes few pixels
            image.load()
        except MemoryError:
            raise
        except Exception as error:  # as above
            yield {"truncated" if "truncated" in str(error) else "undecodable": in_words(error)}


def _is_raw(image: Any) -> bool:
    """Whether what is seen first is only a small picture of another one: so it is with DNG, NEF and their like."""
    reduced, further, dng = 254, 330, 50706
    tags = image.tag_v2
    return bool(int(tags.get(reduced, 0)) & 1) or further in tags or dng in tags


def _webp_canvas(head: bytes) -> tuple[int, int]:
    if head[12:16] == b"VP8X":
        return int.from_bytes(head[24:27], "little") + 1, int.from_bytes(head[27:30], "little") + 1
    if head[12:16] == b"VP8L":
        bits = int.from_bytes(head[21:25], "little")
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    return int.from_bytes(head[26:28], "little") & 0x3FFF, int.from_bytes(head[28:30], "little") & 0x3FFF


# --- videos -----------------------------------------------------------------------------------------------------------


def _video(file: io.BufferedReader, content_type: str) -> Iterator[Facts]:
    import av

    try:
        container = av.open(file, "r", format=DEMUXERS[content_type], io_open=refuse)
    except MemoryError:  # FFmpeg's is both
        raise
    except av.FFmpegError as error:
        yield {"undecodable": in_words(error)}
        return
    video, audio = streams(container)
    if video is None and len(container.streams.video):
        yield {"undecodable": "it is sound with a cover picture, no video"}
        return
    if not isinstance(video, av.VideoStream) or video.codec_context is None:
        yield {"undecodable": "there is no picture in it that can be read"}
        return
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
        yield from _first_picture(file, content_type, aspect)
    if audio is not None and not video.frames and not _moves(file, content_type):  # how many is not written in the file
        yield {"undecodable": _ONE_PICTURE}


_ONE_PICTURE = "it is sound with one picture, no video"


def _moves(file: io.BufferedReader, content_type: str) -> bool:
    """Whether there is a second picture. Of sound that goes on for long only as much is read as there is time for."""
    import av

    file.seek(0)
    with av.open(file, "r", format=DEMUXERS[content_type], io_open=refuse) as container:
        packets = (packet for packet in container.demux(streams(container)[0]) if packet.size)
        return next(packets, None) is None or next(packets, None) is not None


def _first_picture(file: io.BufferedReader, content_type: str, aspect: float) -> Iterator[Facts]:
    """What only a decoded picture tells: how it is turned, and whether there is one at all.

    The first that lies in it, also where an edit cuts it off: those before the first that is seen may be many.
    """
    import av

    file.seek(0)
    every = {"ignore_editlist": "1"}
    container = av.open(file, "r", format=DEMUXERS[content_type], io_open=refuse, options=every)
    video, _ = streams(container)
    video.codec_context.thread_count = 1  # each thread would take its share of the address space
    for packet, _ in zip(container.demux(video), range(_FIRST_PACKETS), strict=False):
        with contextlib.suppress(av.FFmpegError):  # the next packet may do
            for frame in packet.decode():
                rotation = -frame.rotation % 360
                yield {"rotation": rotation, "aspect": 1 / aspect if rotation % 180 else aspect}
                return
    yield {"undecodable": "no picture in it can be decoded"}


def _codec(stream: Any) -> str:
    if stream is None:
        return ""
    if stream.codec_context is None:
        return "sound of an unknown kind"
    return str(stream.codec_context.codec.canonical_name)


if __name__ == "__main__":
    with socket.socket(fileno=os.dup(0)) as requests:
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)  # or every child could read what is meant for its successors
        serve(requests)
