"""The database held, damaged, torn, somebody else's or gone: a clear word, and nothing sent that is not recorded."""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from postpost_sync.disk import mounts
from postpost_sync.sandbox import Fault
from postpost_sync.store import Store, connection
from tests.support.damage import PAGE, overwritten, sound_database
from tests.support.drops import picture
from tests.support.locks import held
from tests.support.noise import noise
from tests.support.recorded import ended, last_line, nothing_unrecorded, one_each, refused, served
from tests.support.rig import Rig
from tests.support.strangers import stranger

SOME, OTHER = picture(seed=1), picture(seed=2)

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
