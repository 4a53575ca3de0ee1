"""A disk that is full or read-only below the database: a clear word, and nothing sent that is not recorded.

The full disk is a small tmpfs and the read-only one the same mounted anew, where that is allowed; files that can no
longer be written are made so by `chattr +i`. What is skipped says why.
"""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from postpost_sync.sandbox import Fault
from tests.support.damage import PAGE
from tests.support.drops import picture
from tests.support.recorded import ended, last_line, nothing_unrecorded, one_each, refused, served
from tests.support.rig import Rig
from tests.support.strangers import NOBODY, stranger

SOME, OTHER = picture(seed=1), picture(seed=2)


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 4 MiB where the database lies."""
    place = tmp_path / "state"
    place.mkdir()
    if not done("mount", "-t", "tmpfs", "-o", "size=4m,mode=700", "tmpfs", str(place)):
        pytest.skip("a small file system cannot be mounted here")
    try:
        yield place
    finally:
        assert done("umount", "-l", str(place))


def done(*command: str) -> bool:
    """Whether a program of the system's could do it."""
    try:
        return subprocess.run(command, capture_output=True).returncode == 0
    except FileNotFoundError:
        return False


def can_be_locked(place: Path) -> bool:
    """Whether `chattr +i` ends also what is open by then; a file system in memory lets that go on."""
    probe = place / "probe"
    with open(probe, "wb", buffering=0) as file:
        try:
            if not done("chattr", "+i", str(probe)):
                return False
            file.write(b"x")
        except OSError:
            return True
        finally:
            done("chattr", "-i", str(probe))
    return False


def fill(disk: Path, leave: int = 0) -> None:
    """Write until nothing more fits but that many blocks."""
    with open(disk / "ballast", "ab", buffering=0) as ballast:
        try:
            while ballast.write(bytes(PAGE)) == PAGE:
                pass
        except OSError:
            pass
        ballast.truncate(max(0, ballast.tell() // PAGE - leave) * PAGE)


def make_room(disk: Path) -> None:
    (disk / "ballast").unlink()


# --- a full disk ------------------------------------------------------------------------------------------------------


def test_a_disk_that_is_full_at_the_first_start(disk: Path, pp: Rig) -> None:
    pp.drop("launch")
    fill(disk)
    for arguments in (("run",), ("run", "--once")):
        assert str(pp.state_db) in refused(pp, *arguments)
    assert pp.sandbox.calls == []
    make_room(disk)
    assert pp.run_once() == 0
    one_each(pp, "launch")


@pytest.mark.parametrize("leave", [0, 30, 54, 66, 84, 96])
def test_a_disk_that_fills_up_while_posts_are_on_their_way(disk: Path, pp: Rig, leave: int) -> None:
    names = ["first", "second", "third"]
    with pp.daemon() as process:
        while not (pp.try_status() or {}).get("roots"):
            time.sleep(0.05)
        fill(disk, leave)
        for name in names:
            pp.drop(name, media={"1.jpg": SOME, "2.jpg": OTHER})
        while process.poll() is None and len(names) < 20:  # until it is full indeed
            time.sleep(1)
            names.append(f"further {len(names)}")
            pp.drop(names[-1], media={"1.jpg": SOME, "2.jpg": OTHER})
        assert f"df -h {disk}" in ended(process)
    nothing_unrecorded(pp)
    if leave == 0:
        assert pp.groups() == []
    make_room(disk)
    assert pp.run_once() == 0
    one_each(pp, *names, files=(SOME, OTHER))


def test_a_service_manager_may_start_it_again_as_long_as_the_disk_is_full(disk: Path, pp: Rig) -> None:
    served(pp)
    pp.drop("launch")
    fill(disk)
    with pp.daemon() as process:
        ended(process)
    assert len(pp.groups()) == 1
    make_room(disk)
    with pp.daemon():
        pp.wait_for("launch", "scheduled")
    one_each(pp, "before", "launch")


def test_what_cannot_be_written_down_of_an_upload_is_not_sent_again_and_again(disk: Path, pp: Rig) -> None:
    pp.drop("launch", media={"1.jpg": SOME})
    pp.sandbox.faults.add(Fault("put-object", "late", seconds=2))
    with pp.daemon() as process:
        while not any(call.name == "put-object" for call in pp.sandbox.calls):
            time.sleep(0.02)
        fill(disk)
        ended(process)
    assert sum(call.name == "put-object" for call in pp.sandbox.calls) == 1
    make_room(disk)
    assert pp.run_once() == 0
    one_each(pp, "launch", files=(SOME,))


# --- read-only --------------------------------------------------------------------------------------------------------


def test_a_disk_that_is_read_only_at_the_start(disk: Path, pp: Rig) -> None:
    served(pp)
    pp.drop("launch")
    assert done("mount", "-o", "remount,ro", str(disk))
    before = len(pp.sandbox.calls)
    for arguments in (("run",), ("run", "--once")):
        assert "Read-only file system" in refused(pp, *arguments)
    assert "read-only" in refused(pp, "retry", str(pp.root / "before"))
    pp.output()
    assert pp.command("status") in (0, 2)
    assert "Traceback" not in pp.output()[1]
    assert len(pp.sandbox.calls) == before
    assert done("mount", "-o", "remount,rw", str(disk))
    assert pp.run_once() == 0
    one_each(pp, "before", "launch")


def test_a_database_that_may_only_be_read_is_said_before_anything_is_sent() -> None:
    with stranger() as (pp, run_as):
        pp.drop("before")
        assert pp.run_once() == 0
        pp.drop("launch")
        for file in (pp.state_db.parent, *pp.state_db.parent.iterdir()):
            os.chown(file, NOBODY, NOBODY)
        pp.state_db.chmod(0o400)
        before = len(pp.sandbox.calls)
        told = run_as("run", "--once")
        assert told.returncode == 2
        assert "attempt to write a readonly database" in last_line(told.stderr)
        assert len(pp.sandbox.calls) == before


def test_a_database_that_becomes_read_only_while_it_is_in_use(pp: Rig) -> None:
    if not can_be_locked(pp.place):
        pytest.skip("files that are in use cannot be made immutable here")
    served(pp)
    with pp.daemon() as process:
        while not pp.status()["daemon"]["running"]:
            time.sleep(0.05)
        files = [str(pp.state_db), f"{pp.state_db}-wal"]
        try:
            assert done("chattr", "+i", *files)
            pp.drop("launch")
            assert f"the database {pp.state_db} cannot be used" in ended(process)
        finally:
            done("chattr", "-i", *files)
    assert len(pp.groups()) == 1
    assert pp.run_once() == 0
    one_each(pp, "before", "launch")
