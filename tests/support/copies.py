"""Files as the daemon reads them, and copies as people see them: for the tests of what fits."""

from __future__ import annotations

import hashlib
import io
import os
import tempfile
from typing import Any

import pytest
from PIL import Image

from postpost_sync.disk import media, probe, structure
from postpost_sync.disk.copies import Copies
from postpost_sync.disk.scan import of
from postpost_sync.model.folder import Copy, MediaFile, Recipe

JPEG = Recipe(("image/jpeg",), 1_000_000, 2000, 2000, 10**8, 1)
MP4 = Recipe(("video/mp4",), 10**9, 1 << 20, 1 << 20, 1 << 40, 1)


def seen(data: bytes, name: str = "a") -> tuple[MediaFile, int]:
    """A file as it is read, and a descriptor of it."""
    with tempfile.TemporaryFile(buffering=0) as file:
        file.write(data)
        fd = os.dup(file.fileno())
    kind = media.kind(data[: media.HEAD])
    content_type, sniffed = media.named(kind)
    facts = {**structure.facts(fd, kind), **probe.measure(fd, kind)}
    sha256 = hashlib.sha256(data).hexdigest()
    return MediaFile(name, of(os.fstat(fd)), content_type, sniffed, sha256, facts, kind), fd


def made(place: Copies, data: bytes, recipe: Recipe = JPEG) -> tuple[Copy, bytes]:
    """The copy, and its bytes. Unfit where none can be made."""
    file, fd = seen(data)
    try:
        copy = place.make(1, file, recipe, fd)
    finally:
        os.close(fd)
    assert copy is not None
    with place.opened(copy) as out:
        return copy, os.pread(out, copy.size, 0)


def opened(data: bytes) -> Image.Image:
    shown = Image.open(io.BytesIO(data))
    shown.load()
    return shown


def is_red(pixel: Any) -> bool:
    red, green, blue = pixel
    return bool(red > 180 and green < 90 and blue < 90)


def counted(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What is asked of the processes that read media, from now on."""
    asked, ask = [], probe.ask

    def told(task: str, *more: Any, **named: Any) -> Any:
        asked.append(task)
        return ask(task, *more, **named)

    monkeypatch.setattr(probe, "ask", told)
    return asked
