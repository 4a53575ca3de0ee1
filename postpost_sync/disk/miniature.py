"""Makes a thumbnail of a picture, or of the first picture of a video. It runs in the process that `measuring` forks for one file.

What comes out is written anew: nothing of the file's EXIF, its place or its own thumbnails is in it.
"""

from __future__ import annotations

import base64
import contextlib
import io
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from postpost_sync.disk.opening import refuse, streams

if TYPE_CHECKING:
    from PIL import Image

SIDE = 256  # pixels, of the longer one
_QUALITY = 72
_FIRST_PACKETS = 50


def make(file: io.BufferedReader, *, plugin: str | None, demuxer: str | None, most: int) -> Iterator[dict[str, str]]:
    """`jpeg`, in base64; empty where none can be made. `most`: pixels of a picture that is decoded."""
    out = io.BytesIO()
    with contextlib.suppress(Exception):  # whatever a library raises over a broken file: then there is none
        picture = _of_video(file, demuxer, most) if demuxer else _of_image(file, plugin or "", most)
        if picture is not None:
            picture.save(out, "JPEG", quality=_QUALITY)
    yield {"jpeg": base64.b64encode(out.getvalue()).decode()}


def _of_image(file: io.BufferedReader, plugin: str, most: int) -> Image.Image | None:
    from PIL import Image, ImageOps

    image: Image.Image = Image.open(file, formats=[plugin])
    if image.width * image.height > most:
        return None
    image.draft("RGB", (SIDE, SIDE))  # JPEG: few pixels are made of the many
    return _small(ImageOps.exif_transpose(image))


def _of_video(file: io.BufferedReader, demuxer: str, most: int) -> Image.Image | None:
    import av

    container = av.open(file, "r", format=demuxer, io_open=refuse)
    video, _ = streams(container)
    if video is None or not 0 < video.width * video.height <= most:
        return None
    video.codec_context.thread_count = 1  # each thread would take its share of the address space
    for packet, _ in zip(container.demux(video), range(_FIRST_PACKETS), strict=False):
        with contextlib.suppress(av.FFmpegError):  # the next packet may do
            for frame in packet.decode():
                scale = min(1.0, SIDE / max(frame.width, frame.height))
                size: Any = {"width": max(1, round(frame.width * scale)), "height": max(1, round(frame.height * scale))}
                picture: Image.Image = frame.to_image(**size)
                return _small(picture.rotate(frame.rotation, expand=True))
    return None


def _small(image: Image.Image) -> Image.Image:
    from PIL import Image

    image.thumbnail((SIDE, SIDE))
    if image.mode in ("RGBA", "LA", "PA", "P"):
        image = image.convert("RGBA")
        ground = Image.new("RGBA", image.size, "white")  # a JPEG has no transparency
        image = Image.alpha_composite(ground, image)
    return image.convert("RGB")
