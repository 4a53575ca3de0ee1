"""The heap that all threads of a daemon share."""

from __future__ import annotations

import ctypes
import subprocess
import sys
import textwrap
from pathlib import Path
from unittest import mock

import pytest

from postpost_sync.daemon import heap
from tests.support.rig import rig

COUNTED = """
    import ctypes, sys, threading
    from postpost_sync.daemon import heap
    {shared}
    all_there = threading.Barrier(9)

    def hold():
        kept = [bytearray(5000) for _ in range(100)]
        all_there.wait()

    threads = [threading.Thread(target=hold) for _ in range(8)]
    for thread in threads:
        thread.start()
    libc = ctypes.CDLL(None)
    libc.fopen.restype = ctypes.c_void_p
    file = ctypes.c_void_p(libc.fopen(sys.argv[1].encode(), b"w"))
    libc.malloc_info(0, file)
    libc.fclose(file)
    all_there.wait()
"""

HOLES = """
    from pathlib import Path
    from postpost_sync.daemon import heap

    def resident():
        return int(Path("/proc/self/statm").read_text().split()[1])

    kept = [b"x" * 20_000 + bytes([n % 256]) for n in range(2000)]
    for n in range(len(kept)):
        if n % 10:
            kept[n] = None
    before = resident()
    {given_back}
    print(before - resident())
"""
only_glibc = pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "malloc_info"), reason="the C library is not glibc")


@only_glibc
@pytest.mark.parametrize("shared", [True, False])
def test_there_is_one_heap_however_many_threads_there_are(tmp_path: Path, *, shared: bool) -> None:
    script = textwrap.dedent(COUNTED).format(shared="heap.share()" if shared else "")
    subprocess.run([sys.executable, "-c", script, str(tmp_path / "told")], check=True)
    heaps = (tmp_path / "told").read_text().count("<heap nr=")
    assert heaps == 1 if shared else heaps > 1


@only_glibc
@pytest.mark.parametrize("given_back", [True, False])
def test_what_lies_free_between_what_is_in_use_is_given_back(*, given_back: bool) -> None:
    script = textwrap.dedent(HOLES).format(given_back="heap.give_back()" if given_back else "")
    told = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True).stdout
    assert int(told) > 5000 if given_back else int(told) < 1000, "pages"


def test_another_c_library_has_no_such_thing() -> None:
    with mock.patch.object(ctypes, "CDLL", return_value=object()):
        heap.share()
        heap.give_back()


def test_the_daemon_has_its_threads_share_it(tmp_path: Path) -> None:
    with rig(tmp_path) as pp, mock.patch.object(heap, "share", side_effect=KeyboardInterrupt) as shared:
        assert pp.command("run") != 0
    shared.assert_called_once_with()
