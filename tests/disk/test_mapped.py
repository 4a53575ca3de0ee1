"""A program that writes through a mapping: its bytes count, although no time says that they came."""

from __future__ import annotations

import mmap
import os
import time
from pathlib import Path

import pytest

from postpost_sync.disk import mapped, scan
from postpost_sync.model.errors import FileChanged
from postpost_sync.post.names import Names

TICK = 0.02  # seconds; the kernel's clock for times of files ticks every 4 ms


@pytest.fixture
def on_disk(tmp_path: Path) -> Path:
    """A folder on a file system that writes back; one that lives in memory alone never tells."""
    probe = tmp_path / "probe"
    probe.write_bytes(bytes(4096))
    with open(probe, "r+b") as file, mmap.mmap(file.fileno(), 4096) as pages:
        pages[0] = 1
        os.fdatasync(file.fileno())
        before = os.fstat(file.fileno()).st_mtime_ns
        time.sleep(TICK)
        pages[1] = 2
        if os.fstat(file.fileno()).st_mtime_ns == before:
            pytest.skip("the file system of the temporary folder never tells")
    return tmp_path


@pytest.mark.parametrize("kernel", ["with sync_file_range", "without it"])
def test_what_is_written_through_a_mapping_after_a_look_is_noticed(
    on_disk: Path, monkeypatch: pytest.MonkeyPatch, kernel: str
) -> None:
    if kernel == "without it":
        monkeypatch.setattr(mapped, "_sync_file_range", lambda *_: -1)
    place = on_disk / "post"
    place.mkdir()
    (place / "post.yaml").write_text("content: x\n")
    (place / "a.jpg").write_bytes(bytes(8192))
    with open(place / "a.jpg", "r+b") as file, mmap.mmap(file.fileno(), 8192) as pages:
        pages[0] = 1  # from here on the page is dirty, and what is written on it gives no new time
        folder = scan.look(str(on_disk), "post", Names())
        assert folder is not None
        stat = next(entry.stat for entry in folder.entries if entry.name == "a.jpg")
        with scan.opened(str(on_disk), "post", "a.jpg", stat) as fd:
            time.sleep(TICK)
            pages[1] = 2
            with pytest.raises(FileChanged):
                scan.unchanged(fd, "a.jpg", stat)


def test_a_file_system_that_cannot_write_back_is_no_trouble() -> None:
    reader, writer = os.pipe()
    try:
        mapped.write_back(reader)
    finally:
        os.close(reader)
        os.close(writer)
