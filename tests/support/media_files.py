"""Real media files of every format, made by Pillow and PyAV, and what the program finds out about them."""

from __future__ import annotations

import io
import os
import random
import struct
import tempfile
import zlib
from collections.abc import Callable
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any

import av
import pillow_heif
from PIL import Image

from postpost_sync.disk import media, probe, structure
from postpost_sync.model.folder import MediaFile, Stat
from postpost_sync.post.platforms import SUFFIXES
from tests.support.noise import noise

pillow_heif.register_heif_opener()

Facts = dict[str, str | int | float | bool]


def grain(size: tuple[int, int], detail: float, seed: int = 0) -> Image.Image:
    """A grey picture of noise around the middle; `detail` is its deviation."""
    spread = detail * 3**0.5 / 127.5
    levels = [min(max(round(128 + (level - 127.5) * spread), 0), 255) for level in range(256)]
    return Image.frombytes("L", size, noise(size[0] * size[1], seed)).point(levels)


@cache
def image(
    form: str, frames: int = 1, mode: str = "RGB", orientation: int = 0, size: tuple[int, int] = (60, 40), **more: int
) -> bytes:
    pictures = [grain(size, 80 + n, n).convert(mode) for n in range(frames)]
    exif = Image.Exif()
    if orientation:
        exif[0x0112] = orientation
    out = io.BytesIO()
    others = {"save_all": True, "append_images": pictures[1:]} if frames > 1 else {}
    pictures[0].save(out, form, exif=exif, **others, **more)
    return out.getvalue()


@cache
def video(
    container: str,
    codec: str = "libx264",
    seconds: int = 1,
    fps: int | Fraction = 10,
    sound: str = "aac",
    turn: int = 0,
    front: bool = False,
    reordered: bool = True,
) -> bytes:
    """`reordered`: some pictures are decoded before others that are shown first."""
    out = io.BytesIO()
    options = {"movflags": "+faststart"} if front else {}
    with av.open(out, "w", format=container, options=options) as file:
        pictures = file.add_stream(codec, rate=fps, options={} if reordered else {"bf": "0"})
        assert isinstance(pictures, av.VideoStream)
        pictures.width, pictures.height, pictures.pix_fmt = 64, 48, "yuv420p"
        if turn:
            pictures.set_display_rotation(turn)
        track = file.add_stream(sound, rate=48000) if sound else None
        for number in range(round(fps * seconds)):
            frame = av.VideoFrame(64, 48, "yuv420p")
            for plane in frame.planes:
                plane.update(noise(plane.buffer_size, number))
            frame.pts, frame.time_base = number, 1 / Fraction(fps)
            file.mux(pictures.encode(frame))
        file.mux(pictures.encode(None))
        if isinstance(track, av.AudioStream):
            for number in range(48 * seconds):
                silence = av.AudioFrame(format="fltp", layout="stereo", samples=1000)
                for channel in silence.planes:
                    channel.update(bytes(channel.buffer_size))
                silence.sample_rate, silence.pts = 48000, number * 1000
                file.mux(track.encode(silence))
            file.mux(track.encode(None))
    return out.getvalue()


def film(path: Path, size: int, container: str, fps: int = 30) -> float:
    """A film of noise, hardly smaller than `size` bytes: the same second, packet by packet. Returns how long it lasts."""
    second, left, number, dice = io.BytesIO(), size - 50_000, 0, random.Random(0)  # noqa: S311 - the same film each time
    with av.open(second, "w", format="mov") as file:
        stream = file.add_stream("libx264", rate=fps, options={"crf": "1", "preset": "ultrafast", "bf": "0"})
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height, stream.pix_fmt = 640, 360, "yuv420p"
        for _ in range(fps):
            frame = av.VideoFrame(640, 360, "yuv420p")
            for plane in frame.planes:
                plane.update(dice.randbytes(plane.buffer_size))
            file.mux(stream.encode(frame))
        file.mux(stream.encode(None))
    second.seek(0)
    with av.open(second, "r") as source, av.open(str(path), "w", format=container) as to:
        made = to.add_stream_from_template(source.streams.video[0])
        packets = [packet for packet in source.demux(video=0) if packet.size]
        kept = [(bytes(packet), packet.is_keyframe) for packet in packets]
        while (left := left - 32 - len(kept[number % fps][0])) > 0:
            packet = av.Packet(kept[number % fps][0])
            packet.is_keyframe, packet.stream, packet.time_base = kept[number % fps][1], made, Fraction(1, fps)
            packet.pts = packet.dts = number
            packet.duration, number = 1, number + 1
            to.mux(packet)
    return number / fps


@cache
def photo(form: str, size: tuple[int, int] = (400, 300), orientation: int = 1, detail: int = 30, **more: Any) -> bytes:
    """A picture as a phone takes it: red where its upper left corner is, with a place and a maker in its EXIF."""
    picture = grain(size, detail).convert("RGB")
    corner = Image.new("RGB", (size[0] // 4, size[1] // 4), (230, 20, 20))
    picture.paste(corner)
    exif = Image.Exif()
    exif[0x0112], exif[0x010F] = orientation, "Maker of phones"
    exif.get_ifd(0x8825).update({1: "N", 2: (52.0, 31.0, 12.0), 3: "E", 4: (13.0, 24.0, 18.0)})
    out = io.BytesIO()
    known = {} if form == "BMP" else {"exif": exif.tobytes()}
    fast = {"enc_params": {"preset": "ultrafast"}} if form == "HEIF" else {"speed": 10} if form == "AVIF" else {}
    picture.save(out, form, **known, **fast, **more)
    return out.getvalue()


@cache
def heic(number: int) -> bytes:
    """A small plain picture as a phone stores it, another one for each number."""
    out = io.BytesIO()
    colour = (number * 37 % 256, number * 91 % 256, number * 53 % 256)
    Image.new("RGB", (96, 96), colour).save(out, "HEIF", enc_params={"preset": "ultrafast"})
    return out.getvalue()


FILES: dict[str, Callable[[], bytes]] = {
    "image/jpeg": lambda: image("JPEG"),
    "image/png": lambda: image("PNG"),
    "image/gif": lambda: image("GIF"),
    "image/webp": lambda: image("WEBP"),
    "video/mp4": lambda: video("mp4"),
    "video/quicktime": lambda: video("mov"),
    "video/x-msvideo": lambda: video("avi", "mpeg4"),
    "video/x-matroska": lambda: video("matroska"),
    "video/webm": lambda: video("webm", "libvpx-vp9", sound="libopus"),
}


def box(name: bytes, body: bytes = b"") -> bytes:
    return struct.pack(">I", 8 + len(body)) + name + body


def ftyp(major: bytes, *compatible: bytes) -> bytes:
    return box(b"ftyp", major + bytes(4) + b"".join(compatible)) + box(b"free", bytes(64))


def chunk(name: bytes, body: bytes, *, wrong_sum: bool = False) -> bytes:
    """One of those that a PNG consists of."""
    sum_ = zlib.crc32(name + body) ^ wrong_sum
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", sum_)


def facts_of(data: bytes, content_type: str, size: int = 0) -> Facts:
    """As the daemon does it: what the structure says, and what the libraries measure. Up to `size` nothing but a hole."""
    fd = os.memfd_create("media")
    try:
        os.write(fd, data)
        os.ftruncate(fd, size or len(data))
        os.lseek(fd, 3, os.SEEK_SET)
        facts = {**structure.facts(fd, content_type), **probe.measure(fd, content_type)}
        assert os.lseek(fd, 0, os.SEEK_CUR) == 3, "the descriptor is shared: its position stays"
        return facts
    finally:
        os.close(fd)


def read_media(data: bytes, content_type: str, size: int = 0, name: str = "") -> MediaFile:
    """A real file as the daemon reads it; up to `size` bytes it is padded with what readers skip."""
    assert media.content_type(data[: media.HEAD])[0] == content_type
    size = size or len(data)
    if content_type in ("video/mp4", "video/quicktime") and size > len(data):
        data += struct.pack(">I4sQ", 1, b"free", size - len(data))
    name = name or f"a{SUFFIXES[content_type][0]}"
    return MediaFile(name, Stat(size, 0, 0, 0, 0), content_type, facts=_facts_once(data, content_type, size))


_facts_once = cache(facts_of)  # a process for each file that is read, and the same few are read hundreds of times


def structure_of(data: bytes, content_type: str) -> Facts:
    with tempfile.TemporaryFile(buffering=0) as file:
        file.write(data)
        return dict(structure.facts(file.fileno(), content_type))


@cache
def lasting(seconds: float, fps: int = 25, content_type: str = "video/mp4") -> bytes:
    """A video with hardly more than a picture at its beginning and one at its end."""
    container, codec = {
        "video/mp4": ("mp4", "libx264"),
        "video/quicktime": ("mov", "libx264"),
        "video/x-msvideo": ("avi", "mjpeg"),
        "video/x-matroska": ("matroska", "libx264"),
        "video/webm": ("webm", "libvpx-vp9"),
    }[content_type]
    out = io.BytesIO()
    with av.open(out, "w", format=container) as file:
        pictures = file.add_stream(codec, rate=fps, options={"bf": "0"} if codec == "libx264" else {})
        assert isinstance(pictures, av.VideoStream)
        pixels = "yuvj420p" if codec == "mjpeg" else "yuv420p"
        pictures.width, pictures.height, pictures.pix_fmt = 64, 48, pixels
        pictures.time_base = Fraction(1, fps)
        last = round(seconds * fps) - 1
        for number in sorted({*range(0, last, 50_000), last}):  # AVI skips no more than 60,000
            frame = av.VideoFrame(64, 48, pixels)
            for plane in frame.planes:
                plane.update(bytes(plane.buffer_size))
            frame.pts, frame.time_base, frame.duration = number, Fraction(1, fps), 1
            file.mux(pictures.encode(frame))
        file.mux(pictures.encode(None))
    return out.getvalue()
