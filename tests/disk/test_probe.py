"""Hostile files, and a reader that crashes, hangs or was taken over: a verdict like any other, and nothing hangs."""

from __future__ import annotations

import os
import random
import resource
import struct
import textwrap
import threading
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from unittest import mock

import pytest

from postpost_sync.disk import media, probe
from postpost_sync.post.platforms import SUFFIXES
from tests.support.matrices import Matrix, Survived
from tests.support.measuring_server import server_with
from tests.support.media_files import FILES, box, chunk, facts_of, ftyp, image, video
from tests.support.rig import until

DAMAGED = int(os.environ.get("POSTPOST_FUZZ_MEDIA", "2000"))


def test_without_the_libraries_nothing_is_known_and_nothing_complained_about(monkeypatch: pytest.MonkeyPatch) -> None:
    assert probe.available()
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert not probe.available()
    assert facts_of(image("PNG"), "image/png") == {}


@pytest.mark.whole
@pytest.mark.usefixtures("patient")
def test_damaged_files_get_a_verdict_each(matrix: Matrix, survived: Survived) -> None:
    dice = random.Random(20260302)  # noqa: S311  # it must be the same every time
    for number in range(matrix.share(DAMAGED)):
        content_type = list(FILES)[number % len(FILES)]
        data = bytearray(FILES[content_type]())
        for _ in range(dice.choice([1, 3, 30])):
            at, length = dice.randrange(len(data)), dice.choice([1, 1, 4, 200])
            match dice.randrange(4):
                case 0:
                    data[at : at + length] = dice.randbytes(length)
                case 1:
                    data[at : at + length] = b"\xff" * length
                case 2:
                    del data[at : at + length]
                case _:
                    data[at:at] = data[at : at + length]
        if dice.random() < 0.2:
            del data[dice.randrange(len(data)) :]
        sniffed, name = media.content_type(bytes(data[: media.HEAD]))
        facts = facts_of(bytes(data), content_type)
        assert facts, number
        assert name
        assert sniffed is None or sniffed in SUFFIXES
    survived("damaged media files", number + 1)


def png_bomb(width: int, height: int) -> bytes:
    packed = zlib.compressobj(9)
    rows = packed.compress(bytes(10**8)) + packed.flush()
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def gif_of_pieces(count: int) -> bytes:
    return image("GIF")[:10] + bytes(3) + b"," + bytes(9) + b"\x02" + b"\x01\x00" * count


def webp(width: int, height: int) -> bytes:
    body = (
        b"WEBPVP8X"
        + struct.pack("<I", 10)
        + bytes(4)
        + struct.pack("<I", width - 1)[:3]
        + struct.pack("<I", height - 1)[:3]
    )
    return b"RIFF" + struct.pack("<I", len(body)) + body


@pytest.mark.parametrize(
    ("make", "content_type", "pixels"),
    [
        (lambda: png_bomb(60_000, 60_000), "image/png", (60_000, 60_000)),
        (lambda: webp(16_384, 16_384), "image/webp", (16_384, 16_384)),
        (lambda: image("GIF")[:6] + b"\xff\xff\xff\xff" + image("GIF")[10:], "image/gif", (65_535, 65_535)),
    ],
    ids=["png", "webp", "gif"],
)
def test_a_bomb_is_measured_and_never_unpacked(
    make: Callable[[], bytes], content_type: str, pixels: tuple[int, int]
) -> None:
    data = make()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    facts = facts_of(data, content_type)
    assert (facts["width"], facts["height"]) == pixels
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 20_000, "kilobytes"


MILLIONS: dict[str, tuple[str, Callable[[], bytes]]] = {
    "of a GIF's data": ("image/gif", lambda: gif_of_pieces(10**6)),
    "of an MP4": ("video/mp4", lambda: ftyp(b"isom") + box(b"free") * 10**6),
    "of a JPEG's data": ("image/jpeg", lambda: image("JPEG")[:2] + b"\xff\xda\0\2ab" * 10**7),
    "of a JPEG": ("image/jpeg", lambda: image("JPEG")[:2] + b"\xff\xfe\0\2" * 10**7),
    "that fill a JPEG": ("image/jpeg", lambda: image("JPEG")[:2] + b"\xff" * 10**7),
    "of a PNG": ("image/png", lambda: image("PNG")[:8] + (bytes(4) + b"tEXt" + bytes(4)) * 10**6),
}


@pytest.mark.usefixtures("patient")
@pytest.mark.parametrize("pieces", MILLIONS)
def test_a_file_of_millions_of_pieces_is_not_walked_for_ever(pieces: str) -> None:
    content_type, make = MILLIONS[pieces]
    read, reads = os.pread, 0

    def counting(fd: int, length: int, at: int) -> bytes:
        nonlocal reads
        reads += 1
        return read(fd, length, at)

    data = make()
    with mock.patch.object(os, "pread", counting):  # what is measured is measured in another process
        assert facts_of(data, content_type)
    assert 1_000 < reads < 150_000


SABOTAGE = {  # what goes wrong while an image is read: the function that is replaced, and with what
    "crashes": ("_image", "os.abort()"),
    "spins": ("_image", "while True: pass"),
    "eats memory": ("_image", "all_of_it = [bytes(10**8) for _ in range(100)]"),
    "raises": ("_image", "raise RuntimeError"),
    "says nothing": ("_image", "pass"),
    "was taken over": (
        "_work",
        "while True: os.write(given[-1], b'[' * 4000 + b'\\n[1]\\n{\"x\": [1]}\\n{\"y\"')",
    ),
}


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The real server, and nobody's patience ever ends: what ends a measurement are its process's own limits."""
    with server_with(monkeypatch, ""):
        yield


@pytest.fixture
def sabotaged(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The same, in which reading an image does something terrible."""
    name, what = request.param
    script = f"""
        well = measuring.{name}
        def terrible(*given):
            if '"video/mp4"' in str(given[1]):
                return well(*given)
            {what}
            return iter(())
        measuring.{name} = terrible
    """
    with server_with(monkeypatch, textwrap.dedent(script)):
        yield


@pytest.mark.usefixtures("sabotaged")
@pytest.mark.parametrize("sabotaged", SABOTAGE.values(), ids=SABOTAGE.keys(), indirect=True)
def test_whatever_happens_to_the_reader_is_a_verdict() -> None:
    assert facts_of(video("mp4"), "video/mp4")["width"] == 64  # the server is up
    assert list(facts_of(image("PNG"), "image/png")) == ["unmeasured"]
    assert facts_of(video("mp4"), "video/mp4")["width"] == 64, "the next file is none the worse"


def test_the_reader_can_be_started_before_any_file_is_open() -> None:
    probe._server.stop()
    probe.start()
    assert probe._server._running
    process = probe._server._running[0]
    assert process.poll() is None
    assert facts_of(image("PNG"), "image/png")["width"] == 60
    assert probe._server._running[0] is process


def test_the_reader_can_load_its_libraries_before_there_is_a_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probe, "_server", server := probe._Server())
    probe.load()
    assert server._running is None, "it is not started for that"
    probe.start()
    probe.load()
    assert server._running
    process = server._running[0]
    until(lambda: "_imaging" in Path(f"/proc/{process.pid}/maps").read_text())
    probe.load()
    assert facts_of(image("PNG"), "image/png")["width"] == 60
    assert server._running[0] is process
    process.kill()
    process.wait()
    probe.load()
    assert facts_of(image("PNG"), "image/png")["width"] == 60
    server.stop()


def test_a_server_that_died_is_started_again() -> None:
    assert facts_of(image("PNG"), "image/png")["width"] == 60
    assert probe._server._running
    process = probe._server._running[0]
    process.kill()
    process.wait()
    assert facts_of(image("PNG"), "image/png")["width"] == 60


def test_many_threads_may_measure_at_once() -> None:
    found: list[object] = []
    threads = [
        threading.Thread(target=lambda: found.append(facts_of(image("PNG"), "image/png")["width"])) for _ in range(16)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [60] * 16


def test_the_reader_does_not_see_our_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POSTPOST_API_KEY", "sk_canary")
    monkeypatch.setattr(probe, "_server", probe._Server())
    facts_of(image("PNG"), "image/png")
    assert probe._server._running
    with open(f"/proc/{probe._server._running[0].pid}/environ", "rb") as environment:
        assert b"sk_canary" not in environment.read()
    probe._server.stop()
