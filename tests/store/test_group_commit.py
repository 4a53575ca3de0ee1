"""Who has to know that it is on the disk waits for that together with the others who do, and holds up nobody else."""

from __future__ import annotations

import errno
import os
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from postpost_sync.model.errors import ProgramError
from postpost_sync.model.record import Record
from postpost_sync.store import Store
from tests.support.rig import HANG
from tests.support.stored import add


class Disk:
    """What is written to the disk, by the file; held back where it is `slow`, and refused where it is `broken`."""

    def __init__(self) -> None:
        self.written: list[str] = []
        self.reached = threading.Semaphore(0)
        self.goes_on = threading.Event()
        self.goes_on.set()
        self.broken = False

    def fdatasync(self, fd: int) -> None:
        self.written.append(Path(os.readlink(f"/proc/self/fd/{fd}")).name)
        self.reached.release()
        assert self.goes_on.wait(HANG)
        if self.broken:
            raise OSError(errno.EIO, os.strerror(errno.EIO))


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Disk:
    made = Disk()
    monkeypatch.setattr(os, "fdatasync", made.fdatasync)
    return made


@pytest.fixture
def threads() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(9) as made:
        yield made


def rebuilt(record: Record, times: int) -> Record:
    return replace(record, rebuilds=times)


def test_a_change_is_on_the_disk_when_it_returns_and_a_note_with_the_next_one(store: Store, disk: Disk) -> None:
    key = add(store).key  # which is found again by itself
    assert disk.written == []
    for number, (write, log) in enumerate([(store.change, 1), (store.note, 1), (store.change, 2), (store.change, 3)]):
        write(key, rebuilt, number + 1)
        assert disk.written == [f"{store.path.name}-wal"] * log
    store.change(key, rebuilt, 4)
    assert len(disk.written) == 3, "it is so already"


def test_who_waits_for_the_disk_holds_up_neither_who_reads_nor_who_notes(
    store: Store, disk: Disk, threads: ThreadPoolExecutor
) -> None:
    one, two = add(store, "1").key, add(store, "2").key
    disk.goes_on.clear()
    waiting = threads.submit(store.change, one, rebuilt, 1)
    assert disk.reached.acquire(timeout=HANG)
    ways: list[Callable[[], object]] = [
        lambda: store.record(two),
        lambda: store.states(),
        lambda: store.note(two, rebuilt, 1),
    ]
    for way in ways:
        threads.submit(way).result(HANG)
    assert not waiting.done()
    disk.goes_on.set()
    assert waiting.result(HANG).rebuilds == 1


def test_all_who_come_while_the_disk_is_at_work_wait_for_it_once(
    store: Store, disk: Disk, threads: ThreadPoolExecutor
) -> None:
    first, *others = (add(store, f"{n}").key for n in range(9))
    disk.goes_on.clear()
    waiting = [threads.submit(store.change, first, rebuilt, 1)]
    assert disk.reached.acquire(timeout=HANG)
    waiting += [threads.submit(store.change, key, rebuilt, 1) for key in others]
    while store._db._disk._committed < 2 * 9:  # all of them were added, and have committed
        threading.Event().wait(0.01)
    assert len(disk.written) == 1
    disk.goes_on.set()
    assert [one.result(HANG).rebuilds for one in waiting] == [1] * 9
    assert len(disk.written) == 2


def test_what_the_disk_did_not_take_is_said_from_then_on(store: Store, disk: Disk) -> None:
    key = add(store).key
    disk.broken = True
    for _ in range(2):
        with pytest.raises(ProgramError, match="cannot be used: Input/output error"):
            store.change(key, rebuilt, 1)
        disk.broken = False  # the kernel may say that all is well, and has given up what it could not write
    store.close()
    with closing(Store.open(store.path)) as again:
        again.change(key, rebuilt, 2)
