"""What tests drop into folders: pictures, videos, sidecars; and how what was sent is compared with it."""

from __future__ import annotations

import hashlib
from io import BytesIO
from pathlib import Path

from PIL import Image

from postpost_sync.commands.demo import samples
from postpost_sync.sandbox import Group
from tests.support.noise import noise
from tests.support.rig import FAR


def picture(kind: str = "JPEG", seed: int = 0, size: tuple[int, int] = (320, 320)) -> bytes:
    """A real image whose bytes are its own."""
    quarter = size[0] // 4, size[1] // 4
    out = BytesIO()
    Image.frombytes("RGB", quarter, noise(quarter[0] * quarter[1] * 3, seed)).resize(size).save(out, kind)
    return out.getvalue()


def video() -> bytes:
    return (Path(samples.__file__).parent / "harbour.mp4").read_bytes()


def sidecar(content: str = "hello", platforms: str = "[facebook-1001]", time: str | None = FAR, more: str = "") -> str:
    when = f"scheduled_time: {time}\n" if time else ""
    return f"content: {content}\nplatforms: {platforms}\n{when}{more}"


def sent(group: Group) -> list[str]:
    """The hashes of what PostPost holds, in order; every byte must be there."""
    assert all(media.stored for media in group.media)
    return [media.sha256 or "" for media in group.media]


def hashes(*files: bytes) -> list[str]:
    return [hashlib.sha256(data).hexdigest() for data in files]
