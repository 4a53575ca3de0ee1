"""What fitted copies cost: `python -m tests.bench.fit [--photos 100] [--video 500]`.

Photographs of 12 and 48 megapixels, as HEIC and as JPEG, for Bluesky (1 MB, 2,000 px) and for X (5 MB); a MOV of that many
megabytes put into an MP4; and that many photographs of 12 megapixels one after the other, as the daemon makes them. Seconds,
and the memory of the process that does it, each with its target: what the daemon allows for one file, and less for what
phones make. Nothing is asserted: the figures depend on the machine. Everything is removed.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import resource
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pillow_heif
from PIL import Image, ImageFilter

from postpost_sync.disk import media, probe, structure
from postpost_sync.disk.copies import Copies
from postpost_sync.disk.measuring import TASKS
from postpost_sync.disk.opening import Descriptor
from postpost_sync.disk.scan import of
from postpost_sync.model.folder import MediaFile, Recipe
from tests.bench.bulk import say
from tests.bench.scratch import scratch
from tests.support.media_files import film

BLUESKY = Recipe(("image/jpeg",), 1_000_000, 2000, 2000, 10**8, 1)
TWITTER = Recipe(("image/jpeg",), 5_000_000, 65_500, 65_500, 10**8, 1)
MP4 = Recipe(("video/mp4",), 536_870_912, 1 << 20, 1 << 20, 1 << 40, 1)
SIZES = {12: (4032, 3024), 48: (8064, 6048)}
SECONDS = {12: 3.0, 48: 12.0}  # targets, by megapixels
A_PHOTO = 3.0  # seconds, of many
VIDEO_SECONDS = 20.0  # for 500 MB
MEMORY = TASKS["fit"].memory / 10**6  # MB


def photograph(megapixels: int, form: str) -> bytes:
    """Soft shapes with some grain, as a camera makes them."""
    size = SIZES[megapixels]
    soft = Image.effect_noise((size[0] // 16, size[1] // 16), 90).resize(size, Image.Resampling.BICUBIC)
    grain = Image.effect_noise(size, 12).filter(ImageFilter.BoxBlur(0.7))
    picture = Image.merge("RGB", (Image.blend(soft, grain, 0.3), Image.blend(soft, grain, 0.4), grain))
    out = io.BytesIO()
    more: dict[str, Any] = {"enc_params": {"preset": "ultrafast"}, "quality": 60} if form == "HEIF" else {"quality": 92}
    picture.save(out, form, **more)
    return out.getvalue()


Spent = tuple[float, float, float]  # seconds, of them those of the processor, and megabytes of memory at the most


def in_a_process(fd: int, wanted: dict[str, Any]) -> tuple[Spent, dict[str, Any]]:
    """What it took, and what was said."""
    readable, writable = os.pipe()
    if (child := os.fork()) == 0:
        from postpost_sync.disk import fitting, measuring

        measuring._load()
        resource.setrlimit(resource.RLIMIT_AS, (measuring.TASKS["fit"].memory,) * 2)
        began, busy = time.monotonic(), time.process_time()
        with tempfile.TemporaryFile(buffering=0, dir=os.environ.get("TMPDIR")) as out:
            said: dict[str, Any] = dict(fitting.fit(io.BufferedReader(Descriptor(fd), 65536), wanted, out.fileno()))
            said["size"] = os.fstat(out.fileno()).st_size
        took, busy = time.monotonic() - began, time.process_time() - busy
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000
        os.write(writable, json.dumps([[took, busy, peak], said]).encode())
        os._exit(0)
    os.close(writable)
    with open(readable, "rb") as answer:
        spent, said = json.loads(answer.read() or b'[[0, 0, 0], {"unfit": "it was ended"}]')
    os.waitpid(child, 0)
    return tuple(spent), said


def wanted(recipe: Recipe, kind: str) -> dict[str, Any]:
    limits = {"size": recipe.size, "width": recipe.width, "height": recipe.height, "pixels": recipe.pixels}
    return {"content_type": kind, "forms": list(recipe.forms), **limits}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--photos", type=int, default=100)
    parser.add_argument("--video", type=int, default=500, help="megabytes")
    options = parser.parse_args()
    pillow_heif.register_heif_opener()
    with scratch("fit") as place:
        path = place / "original"
        for form, kind in (("HEIF", "image/heic"), ("JPEG", "image/jpeg")):
            for megapixels in SIZES:
                path.write_bytes(photograph(megapixels, form))
                for name, recipe in (("Bluesky", BLUESKY), ("X", TWITTER)):
                    with path.open("rb") as file:
                        spent, said = in_a_process(file.fileno(), wanted(recipe, kind))
                    before = path.stat().st_size / 1e6
                    what = f"{megapixels} megapixels, {kind.removeprefix('image/')}, {before:.1f} MB, for {name}"
                    say(what, _spent(spent, SECONDS[megapixels], said))
        _video(path, options.video)
        _many(place, options.photos)


def _video(path: Path, megabytes: int) -> None:
    film(path, megabytes * 10**6, "mov")
    with path.open("rb") as file:
        spent, said = in_a_process(file.fileno(), wanted(MP4, "video/quicktime"))
    seconds = VIDEO_SECONDS * megabytes / 500
    say(f"MOV of {path.stat().st_size / 1e6:.0f} MB as MP4", _spent(spent, seconds, said))


def _spent(spent: Spent, seconds: float, said: dict[str, Any]) -> str:
    took, busy, peak = spent
    came = f"{said['size'] / 1e6:.2f} MB" if "content_type" in said else str(said)
    times = f"{took:.1f} s (target {seconds:g}), {busy:.1f} s of the processor"
    return f"{times}, {peak:,.0f} MB of memory (target {MEMORY:,.0f}); {came}"


def _many(place: Path, photos: int) -> None:
    path, copies = place / "photo.heic", Copies(place / "copies")
    path.write_bytes(photograph(12, "HEIF"))
    began = time.monotonic()
    with path.open("rb") as file:
        fd = file.fileno()
        kind = media.kind(os.pread(fd, media.HEAD, 0))
        facts = {**structure.facts(fd, kind), **probe.measure(fd, kind)}
        original = MediaFile("photo.heic", of(os.fstat(fd)), None, "", "hash", facts, kind)
        for number in range(photos):
            copies.make(number, replace(original, sha256=f"another {number}"), BLUESKY, fd)  # or it would be shared
    took = time.monotonic() - began
    say(f"{photos} photographs of 12 megapixels in a row", f"{took:.0f} s (target {A_PHOTO * photos:.0f})")


if __name__ == "__main__":
    main()
