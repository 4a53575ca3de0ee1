"""What may stand in the way of a copy: kills, disks that are full or closed, files that are damaged or made to do harm."""

from __future__ import annotations

import errno
import io
import os
import random
import re
import resource
import signal
import struct
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from postpost_sync.disk import copies
from postpost_sync.disk.copies import Copies
from postpost_sync.disk.measuring import TASKS
from postpost_sync.disk.opening import Broken
from postpost_sync.model.errors import NoRoom, Unfit
from tests.support.copies import JPEG, MP4, made, opened, seen
from tests.support.matrices import Matrix, Survived
from tests.support.measuring_server import BREAKS_OFF, server_with
from tests.support.media_files import film, photo, video
from tests.support.mounting import mount, mounted
from tests.support.noise import noise
from tests.support.odd_pictures import GREEN_TILES, heif, saved, tiff

WORDS = r"[^<>\[\]]*"  # nothing of a library's own


@pytest.fixture(scope="module")
def mov(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("films") / "film.mov"
    film(path, 12_000_000, "mov")
    return path.read_bytes()


# --- the disk ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("what", ["picture", "video"])
def test_a_disk_that_becomes_full_meanwhile_is_said(
    place: Copies, tmp_path: Path, mov: bytes, what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    data, recipe = (photo("JPEG", (2400, 1600), detail=60), JPEG) if what == "picture" else (mov, MP4)
    plenty = os.statvfs_result((4096, 4096, 10**9, 10**9, 10**9, 10, 10, 10, 0, 255))
    monkeypatch.setattr(os, "statvfs", lambda _: plenty)
    with mounted(tmp_path / "copies", "-t", "tmpfs", "-o", "size=200k", "none"):
        with pytest.raises(NoRoom) as said:
            made(place, data, recipe)
        assert said.value.finding.code == "NO_ROOM_TO_FIT"
        assert "the disk of the database is full" in said.value.finding.message
        assert os.listdir(tmp_path / "copies") == []
    assert made(place, data, recipe)[0].size > 200_000, "it is made once there is room"


@pytest.mark.parametrize("what", ["read-only", "a file", "gone"])
def test_a_place_where_nothing_can_be_written_is_said(place: Copies, tmp_path: Path, what: str) -> None:
    there = tmp_path / "copies"
    data = photo("HEIF")
    if what == "a file":
        there.write_bytes(b"")
        with pytest.raises(NoRoom) as said:
            made(place, data)
    elif what == "gone":
        with pytest.raises(NoRoom) as said:
            made(Copies(tmp_path / "not" / "there"), data)
    else:
        with mounted(there):
            assert mount(there, "-o", "remount,ro")
            with pytest.raises(NoRoom) as said:
                made(place, data)
    finding = said.value.finding
    assert (finding.code, finding.message.startswith("no fitted copy of a can be written: ")) == (
        "NO_ROOM_TO_FIT",
        True,
    )
    assert "let the user that runs this write in" in finding.hint


def test_what_a_crash_left_takes_no_room(place: Copies, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    there = tmp_path / "copies"
    there.mkdir()
    (there / ".making").write_bytes(bytes(900_000))
    monkeypatch.setattr(copies, "MOST", 1_000_000)
    made(place, photo("HEIF"), replace(JPEG, size=500_000))
    (there / ".making").write_bytes(bytes(900_000))
    place.keep(lambda: [1])
    assert [one.name[:2] for one in there.iterdir()] == ["1-"], "it is gone at the next start"


# --- kills ------------------------------------------------------------------------------------------------------------

_MAKES = """
import os, sys
from pathlib import Path
from postpost_sync.disk.copies import Copies
from tests.support.copies import MP4, seen
file, fd = seen(Path(sys.argv[1]).read_bytes())
place = Copies(Path(sys.argv[2]))
print("ready", flush=True)
for key in range(10_000):
    place.make(key, file, MP4, fd)
    place.forget(key)
"""


def test_a_kill_in_the_middle_leaves_nothing_half(place: Copies, tmp_path: Path, mov: bytes) -> None:
    path, there = tmp_path / "film.mov", tmp_path / "copies"
    path.write_bytes(mov)
    there.mkdir()
    for pause in (0.0, 0.05, 0.17):
        command = [sys.executable, "-c", _MAKES, str(path), str(there)]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            process.stdout.readline()
            time.sleep(pause)
            process.send_signal(signal.SIGKILL)
        place.keep(lambda: [99])
        assert os.listdir(there) == [], "nothing writes there any more"
        assert made(place, mov, MP4)[0].size == pytest.approx(len(mov), rel=0.01)
        place.forget(1)


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_maker_that_is_killed_is_an_answer(
    place: Copies, tmp_path: Path, when: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = "os.pwrite(out[0], b'x' * 5000, 0)" if when == "after" else "pass"
    script = f"""
well = measuring._work
def killed(task, argument, fd, reply, *out):
    if task == "fit":
        {written}
        os.kill(os.getpid(), 9)
    well(task, argument, fd, reply, *out)
measuring._work = killed
"""
    file, fd = seen(photo("HEIF"))
    with server_with(monkeypatch, script), pytest.raises(Unfit, match="or crashed what reads it"):
        place.make(1, file, JPEG, fd)
    os.close(fd)
    assert os.listdir(tmp_path / "copies") == []


# --- the share --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("what", ["picture", "video"])
def test_a_share_that_breaks_meanwhile_says_nothing_of_the_file(
    place: Copies, tmp_path: Path, mov: bytes, what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, fd = seen(photo("HEIF") if what == "picture" else mov)
    with server_with(monkeypatch, BREAKS_OFF), pytest.raises(Broken, match=os.strerror(errno.EIO)):
        place.make(1, file, JPEG if what == "picture" else MP4, fd)
    os.close(fd)
    assert os.listdir(tmp_path / "copies") == []


def test_a_share_that_hangs_says_nothing_of_the_file(place: Copies, monkeypatch: pytest.MonkeyPatch) -> None:
    file, fd = seen(photo("HEIF"))
    monkeypatch.setitem(TASKS, "fit", replace(TASKS["fit"], wall=0.0))
    hangs = "import time\nmeasuring._work = lambda task, *_: time.sleep(10)"  # nobody ends it: it ends by itself
    with server_with(monkeypatch, hangs), pytest.raises(Broken, match="it took more than 0 s"):
        place.make(1, file, JPEG, fd)
    os.close(fd)


# --- files that were made to do harm ----------------------------------------------------------------------------------


def _jpeg_bomb() -> bytes:
    return saved(Image.new("L", (20_000, 20_000)), "JPEG", quality=30)


def _png_bomb() -> bytes:
    return saved(Image.new("L", (20_000, 20_000)), "PNG")


def _tiff_bomb() -> bytes:
    return saved(Image.new("L", (20_000, 20_000)), "TIFF", compression="tiff_lzw")


def _tiff_of_pages() -> bytes:
    return saved(Image.new("L", (50, 50)), "TIFF", save_all=True, append_images=[Image.new("L", (50, 50))] * 20)


def _png_of_exif() -> bytes:
    return saved(Image.new("RGB", (3000, 100)), "PNG", exif=b"Exif\0\0II*\0\x08\0\0\0" + b"\xff" * 5_000_000)


def _bmp_bomb() -> bytes:
    head = struct.pack("<IiiHHIIiiII", 40, 20_000, 20_000, 1, 24, 0, 0, 0, 0, 0, 0)
    return b"BM" + struct.pack("<IHHI", 0, 0, 0, 54) + head + bytes(1000)


def _heic_bomb() -> bytes:
    data = heif(GREEN_TILES, 3)
    data = data.replace(struct.pack(">II", 192, 128), struct.pack(">II", 20_000, 20_000))
    return data.replace(struct.pack(">BBHH", 1, 2, 192, 128), struct.pack(">BBHH", 255, 255, 20_000, 20_000))


def _heic_of_exif() -> bytes:
    return heif(GREEN_TILES, 3, exif=b"II*\0\x08\0\0\0" + b"\xff" * 40_000_000)


def _exif_that_turns_in_circles() -> bytes:
    circle = b"II*\0\x08\0\0\0" + struct.pack("<HHHII", 1, 0x8769, 4, 1, 8) + struct.pack("<I", 8)
    return heif(GREEN_TILES, 3, exif=circle)


def _profile_of_nonsense() -> bytes:
    out = io.BytesIO()
    nonsense = struct.pack(">I", 9_000_000) + b"lcms" + bytes(4) + b"mntrRGB XYZ " + noise(100) + b"acsp"
    Image.new("RGB", (3000, 100)).save(out, "TIFF", icc_profile=nonsense.ljust(9_000_000, b"\xff"))
    return out.getvalue()


def _tiff_of_nothing() -> bytes:
    return tiff(1, [8], b"").replace(struct.pack("<HHII", 256, 3, 1, 64), struct.pack("<HHII", 256, 4, 1, 400_000_000))


@pytest.mark.parametrize(
    "make",
    [
        _jpeg_bomb,
        _png_bomb,
        _tiff_bomb,
        _tiff_of_pages,
        _png_of_exif,
        _bmp_bomb,
        _heic_bomb,
        _heic_of_exif,
        _exif_that_turns_in_circles,
        _profile_of_nonsense,
        _tiff_of_nothing,
    ],
)
def test_each_has_a_verdict_within_bounds(place: Copies, tmp_path: Path, make: Callable[[], bytes]) -> None:
    data, refused = make(), ""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    try:
        copy, _ = made(place, data)
    except Unfit as why:
        refused = why.finding.message
    else:
        assert max(opened((tmp_path / "copies" / copy.file).read_bytes()).size) <= 2000
    assert re.fullmatch(WORDS, refused)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000, "kilobytes, of ours"


def damaged(count: int) -> Iterator[bytes]:
    dice = random.Random(20261128)  # noqa: S311  # it must be the same every time
    forms = ["HEIF", "AVIF", "TIFF", "JPEG", "PNG", "BMP"]
    whole = [photo(form, (160, 120)) for form in forms] + [video("mov"), video("matroska")]
    for number in range(count):
        data = bytearray(whole[number % len(whole)])
        match number // len(whole) % 4:
            case 0:
                del data[dice.randrange(len(data)) :]
            case 1:
                at = dice.randrange(len(data))
                data[at : at + 400] = dice.randbytes(len(data[at : at + 400]))
            case 2:
                for _ in range(30):
                    data[dice.randrange(min(len(data), 600))] = dice.randrange(256)
            case _:
                at = dice.randrange(len(data))
                data[at:at] = data[:at]
        yield bytes(data)


@pytest.mark.whole
def test_each_of_500_damaged_files_has_a_verdict(place: Copies, matrix: Matrix, survived: Survived) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    verdicts = {"copied": 0, "refused": 0}
    for data in damaged(matrix.share(500)):
        try:
            copy, after = made(place, data, MP4 if data[4:8] == b"ftyp" and b"qt" in data[:16] else JPEG)
        except Unfit:
            verdicts["refused"] += 1
        else:
            verdicts["copied"] += 1
            assert len(after) == copy.size
    survived("damaged files to be fitted", sum(verdicts.values()))
    assert min(verdicts.values()) > 0, verdicts
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000, "kilobytes, of ours"


@pytest.mark.parametrize("what", ["os.abort()", "while True: os.write(reply, b'[' * 4000)", "raise MemoryError"])
def test_whatever_happens_to_the_maker_is_an_answer(place: Copies, what: str, monkeypatch: pytest.MonkeyPatch) -> None:
    script = f"""
well = measuring._work
def terrible(task, argument, fd, reply, *out):
    if task != "fit":
        return well(task, argument, fd, reply, *out)
    {what}
measuring._work = terrible
"""
    data = photo("HEIF")
    file, fd = seen(data)
    with server_with(monkeypatch, script), pytest.raises(Unfit):
        place.make(1, file, JPEG, fd)
    os.close(fd)
