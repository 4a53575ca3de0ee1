"""The database full, read-only, held, damaged, somebody else's or gone: a clear word, and nothing sent that is not recorded.

The full disk is a small tmpfs and the read-only one the same mounted anew, where that is allowed; files that can no
longer be written are made so by `chattr +i`. What is skipped says why.
"""

from __future__ import annotations

import os
import sqlite3
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from postpost_sync.disk import mounts
from postpost_sync.sandbox import Fault
from postpost_sync.store import Store, connection
from tests.support.damage import PAGE, overwritten, sound_database
from tests.support.drops import hashes, picture, sent
from tests.support.locks import held
from tests.support.noise import noise
from tests.support.rig import Rig
from tests.support.strangers import NOBODY, stranger
from tests.support.warm import Program

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


def last_line(text: str) -> str:
    """The word with which a command ended: what, and the way out; never a traceback."""
    assert "Traceback" not in text
    last = text.splitlines()[-1]
    assert last.startswith("postpost-sync: ")
    assert "(hint: " in last
    return last


def refused(pp: Rig, *arguments: str, status: int = 2) -> str:
    """The last line on stderr of a command that ends with that exit status."""
    pp.output()
    assert pp.command(*arguments) == status
    return last_line(pp.output()[1])


def ended(process: Program, within: float = 25.0) -> str:
    """The last line on stderr of a daemon that ends by itself, so that a service manager starts it again."""
    assert process.wait(within) == 1
    return last_line(process.communicate()[1])


def recorded(pp: Rig) -> tuple[Counter[str], Counter[str]]:
    """By content: creates and media records of which the database knows, whether or not they were answered."""
    creates, media = Counter[str](), Counter[str]()
    with closing(Store.open(pp.state_db, read_only=True)) as store:
        for record in store.records():
            for group in record.groups:
                creates[group.content] += 1
                media[group.content] += len(group.issued)
    return creates, media


def nothing_unrecorded(pp: Rig) -> None:
    creates, media = recorded(pp)
    assert Counter(group.content for group in pp.groups()) <= creates
    assert Counter(group.content for group in pp.groups() for _ in group.media) <= media


def one_each(pp: Rig, *names: str, files: tuple[bytes, ...] = ()) -> None:
    """Exactly one post for each, scheduled, whole, and nothing beside."""
    assert sorted(group.content for group in pp.groups()) == sorted(names)
    assert {group.status for group in pp.groups()} == {"scheduled"}
    for group in pp.groups():
        assert sent(group) == hashes(*files)


def served(pp: Rig, name: str = "before") -> None:
    """The database is in use: one post stands in it."""
    pp.drop(name)
    assert pp.run_once() == 0
    pp.output()


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


# --- held by another process ------------------------------------------------------------------------------------------


def test_who_has_it_for_a_moment_is_waited_for(pp: Rig) -> None:
    served(pp)
    with pp.daemon() as process:
        while not pp.status()["daemon"]["running"]:
            time.sleep(0.05)
        with held(pp.state_db):
            pp.drop("launch")
            assert pp.command("status") == 0
            time.sleep(2)
            assert len(pp.groups()) == 1
            assert process.poll() is None
        pp.wait_for("launch", "scheduled")
    one_each(pp, "before", "launch")


@pytest.mark.parametrize(("arguments", "status"), [(("run",), 1), (("run", "--once"), 2)])
def test_who_has_it_for_ever_at_the_start_is_said(
    pp: Rig, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], status: int
) -> None:
    served(pp)
    monkeypatch.setattr(connection, "_BUSY_TIMEOUT_MS", 200)
    with held(pp.state_db):
        last = refused(pp, *arguments, status=status)
        assert "database is locked" in last
        assert f"fuser -v {pp.state_db}" in last
        assert "database is locked" in refused(pp, "retry", str(pp.root / "before"))
        assert pp.command("status") == 0


def test_who_has_it_for_ever_in_the_middle_is_said_and_the_post_goes_on_afterwards(
    pp: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    served(pp)
    monkeypatch.setattr(connection, "_BUSY_TIMEOUT_MS", 500)
    pp.drop("launch", media={"1.jpg": SOME})
    pp.sandbox.faults.add(Fault("put-object", "late", seconds=2))
    taken = threading.Event()

    def take() -> None:
        while not any(call.name == "put-object" for call in pp.sandbox.calls):
            time.sleep(0.02)
        with held(pp.state_db):
            taken.wait(20)

    thread = threading.Thread(target=take)
    thread.start()
    try:
        last = refused(pp, "run", "--once", status=1)
    finally:
        taken.set()
        thread.join()
    assert "another process holds it" in last
    nothing_unrecorded(pp)
    assert pp.run_once() == 0
    assert [group.content for group in pp.groups(status="scheduled")] == ["before", "launch"]


# --- damaged ----------------------------------------------------------------------------------------------------------


DAMAGE: dict[str, Callable[[bytes], bytes]] = {
    "its header is garbage": lambda data: overwritten(data, 0, noise(100)),
    "its first page is empty": lambda data: overwritten(data, 100, bytes(PAGE - 100)),
    "a page in the middle is garbage": lambda data: overwritten(data, len(data) // 2 // PAGE * PAGE, noise(PAGE)),
    "a page in the middle is empty": lambda data: overwritten(data, len(data) // 2 // PAGE * PAGE, bytes(PAGE)),
    "it is cut off": lambda data: data[: len(data) // 2 + 100],
    "it is cut off at a page": lambda data: data[: len(data) // 2 // PAGE * PAGE],
    "it is a text": lambda data: b"to do: buy coffee\n" * 500,
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_database_stops_the_program_before_anything_is_sent(pp: Rig, damage: str) -> None:
    pp.drop("launch")
    pp.state_db.parent.mkdir()
    pp.state_db.write_bytes(DAMAGE[damage](sound_database()))
    before = pp.state_db.read_bytes()
    for arguments in (("run",), ("run", "--once"), ("retry", str(pp.root / "launch"))):
        last = refused(pp, *arguments)
        assert str(pp.state_db) in last
        assert "post.status.yaml" in last
    assert pp.command("status") in (0, 2)
    assert "Traceback" not in pp.output()[1]
    assert pp.command("doctor") == 1
    assert "damaged" in (said := pp.output()[0]) or "cannot be used" in said
    assert pp.state_db.read_bytes() == before
    assert [call for call in pp.sandbox.calls if call.name != "platform-connections"] == []  # doctor's
    for file in pp.state_db.parent.iterdir():
        file.rename(pp.place / file.name)  # the way out
    assert pp.run_once() == 0
    one_each(pp, "launch")


# --- a torn write-ahead log -------------------------------------------------------------------------------------------


def killed_after(pp: Rig, name: str, media: dict[str, bytes]) -> None:
    """A post stands, and the daemon was killed: what it wrote lies in the write-ahead log."""
    served(pp)
    with pp.daemon() as process:
        pp.drop(name, media=media)
        pp.wait_for(name, "scheduled")
        while not (pp.root / name / "post.status.yaml").exists():
            time.sleep(0.05)
        process.kill()
        process.wait()
    assert pp.state_db.with_name("state.db-wal").stat().st_size > 0


def test_a_log_torn_at_any_place_is_read_up_to_there(pp: Rig, tmp_path: Path) -> None:
    killed_after(pp, "launch", {"1.jpg": SOME})
    data = pp.state_db.read_bytes()
    wal = pp.state_db.with_name("state.db-wal").read_bytes()
    groups, copy = set(), tmp_path / "copy.db"
    for cut in range(0, len(wal), 1500):
        copy.with_name("copy.db-shm").unlink(missing_ok=True)
        copy.write_bytes(data)
        copy.with_name("copy.db-wal").write_bytes(wal[:cut] + noise(cut % 3000))
        with closing(Store.open(copy)) as store:
            groups.add(sum(len(record.groups) for record in store.records()))
    assert groups == {1, 2}


@pytest.mark.parametrize("kept", [0.0, 0.95], ids=["all of it is lost", "its end is torn"])
def test_a_torn_log_makes_no_second_post(pp: Rig, kept: float) -> None:
    killed_after(pp, "launch", {"1.jpg": SOME})
    wal = pp.state_db.with_name("state.db-wal")
    os.truncate(wal, int(wal.stat().st_size * kept))
    assert pp.run_once() == 0
    assert sorted(group.content for group in pp.groups()) == ["before", "launch"]
    assert pp.post("launch")["state"] == "scheduled"


# --- not there, empty, somebody else's --------------------------------------------------------------------------------


def test_an_empty_file_is_a_new_database(pp: Rig) -> None:
    pp.drop("launch")
    pp.state_db.parent.mkdir()
    pp.state_db.touch()
    assert "start the daemon once" in refused(pp, "status")
    assert pp.run_once() == 0
    one_each(pp, "launch")


def test_a_missing_database_and_a_folder_in_its_place_are_said(pp: Rig) -> None:
    assert f"there is no database at {pp.state_db} yet" in refused(pp, "status")
    assert not pp.state_db.exists()
    pp.state_db.mkdir(parents=True)
    for arguments in (("run",), ("run", "--once"), ("status",), ("retry", str(pp.root))):
        assert str(pp.state_db) in refused(pp, *arguments)
    assert pp.sandbox.calls == []


@pytest.mark.parametrize("made", ["CREATE TABLE photos (x)", "CREATE VIEW photos AS SELECT 1"])
def test_another_programs_database_is_left_as_it_is(pp: Rig, made: str) -> None:
    pp.state_db.parent.mkdir()
    with closing(sqlite3.connect(pp.state_db)) as conn:
        conn.execute(made)
    before = pp.state_db.read_bytes()
    for arguments in (("run",), ("run", "--once"), ("status",), ("retry", str(pp.root))):
        assert f"{pp.state_db} is the database of another program" in refused(pp, *arguments)
    assert pp.state_db.read_bytes() == before
    assert {file.name for file in pp.state_db.parent.iterdir()} <= {"state.db", "state.db.lock"}


def test_a_database_of_a_newer_version_is_left_as_it_is(pp: Rig) -> None:
    served(pp)
    with closing(sqlite3.connect(pp.state_db)) as conn:
        conn.execute(
            "INSERT INTO _sqlite_migrations (migration_set, name, applied_at) VALUES ('postpost_sync', '9', '')"
        )
        conn.commit()
    for arguments in (("run",), ("run", "--once"), ("status",), ("retry", str(pp.root))):
        assert "was written by a newer version (9)" in refused(pp, *arguments)


def test_a_database_that_is_taken_away_while_it_is_in_use_ends_the_daemon_and_makes_no_second_post(pp: Rig) -> None:
    pp.drop("launch", media={"1.jpg": SOME})
    with pp.daemon() as process:
        pp.wait_for("launch", "scheduled")
        while not (pp.root / "launch" / "post.status.yaml").exists():
            time.sleep(0.05)
        pp.state_db.unlink()
        assert "was moved, deleted or replaced while it was in use" in ended(process)
    assert pp.run_once() == 0
    one_each(pp, "launch", files=(SOME,))


# --- whose it is, and where -------------------------------------------------------------------------------------------


def test_another_user_is_told_whom_to_run_it_as() -> None:
    with stranger() as (pp, run_as):
        pp.drop("launch")
        assert pp.run_once() == 0
        owner = pp.state_db.owner()
        for mode in (0o700, 0o755):
            pp.state_db.parent.chmod(mode)
            for arguments in (("status",), ("status", "--json"), ("retry", str(pp.root / "launch"))):
                told = run_as(*arguments)
                assert told.returncode == 2
                assert told.stdout == ""
                assert f"sudo -u {owner} postpost-sync" in last_line(told.stderr)


@pytest.mark.parametrize(("kind", "warned"), [("nfs4", True), ("fuse.sshfs", True), ("ext4", False), ("", False)])
def test_a_database_on_a_network_file_system_is_warned_about(
    pp: Rig, monkeypatch: pytest.MonkeyPatch, kind: str, warned: bool
) -> None:
    monkeypatch.setattr(mounts, "filesystem", lambda *_: kind)
    served(pp)
    pp.drop("launch")
    assert pp.run_once() == 0
    said = [line for line in pp.output()[1].splitlines() if "the database is not on a local disk" in line]
    assert len(said) == warned
    assert all(f"kind={kind}" in line and "locks" in line and str(pp.state_db) in line for line in said)
