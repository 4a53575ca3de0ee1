"""One daemon a database: the second one says who is there, and nothing that has ended holds up the next."""

from __future__ import annotations

import errno
import fcntl
import os
import re
import signal
import subprocess
import threading
import time
from pathlib import Path

import pytest

from postpost_sync.model.errors import ProgramError
from postpost_sync.store.lock import Lock
from tests.support.drops import picture
from tests.support.rig import HANG, Rig


@pytest.fixture
def db(tmp_path: Path) -> Path:
    return tmp_path / "state" / "state.db"


# --- the lock itself --------------------------------------------------------------------------------------------------


def test_the_second_says_who_has_it_and_gets_it_afterwards(db: Path) -> None:
    first, second = Lock(db), Lock(db)
    first.acquire()
    assert second.held()
    with pytest.raises(
        ProgramError, match=rf"another postpost-sync \(process {os.getpid()}\) is serving {db}"
    ) as caught:
        second.acquire()
    assert caught.value.status == 2
    assert caught.value.hint
    first.release()
    assert not second.held()
    second.acquire()
    second.release()


@pytest.mark.parametrize("left", [b"", b"1\n", b"\xff\xfe garbage \x1b[31m\n" * 9])
def test_a_lock_file_that_was_left_is_no_obstacle(db: Path, left: bytes) -> None:
    lock = Lock(db)
    lock.path.parent.mkdir()
    lock.path.write_bytes(left)
    assert not lock.held()
    lock.acquire()
    assert lock.path.read_text() == f"{os.getpid()}\n"
    lock.release()


def test_whoever_asks_whether_it_is_held_keeps_nobody_from_taking_it(db: Path) -> None:
    lock = Lock(db)
    lock.path.parent.mkdir()
    with lock.path.open("wb") as asking:
        fcntl.flock(asking, fcntl.LOCK_SH)  # as `held` does, for a moment
        over = threading.Timer(0.1, fcntl.flock, (asking, fcntl.LOCK_UN))
        over.start()
        lock.acquire()
        lock.release()
        over.join()


def test_it_is_its_owners_alone_and_no_child_inherits_it(db: Path) -> None:
    lock = Lock(db)
    lock.acquire()
    assert lock._fd is not None
    assert not os.get_inheritable(lock._fd)
    assert lock.path.stat().st_mode & 0o777 == 0o600
    command = ["/bin/sh", "-c", "echo; exec sleep 60"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, close_fds=False) as child:
        try:
            assert child.stdout is not None
            child.stdout.readline()  # it is another program now
            lock.release()
            assert not lock.held()
        finally:
            child.kill()


def test_a_file_system_without_locks_is_said(db: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def flock(fd: int, kind: int) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(fcntl, "flock", flock)
    with pytest.raises(ProgramError, match="cannot be locked: No locks available") as caught:
        Lock(db).acquire()
    assert "local disk" in caught.value.hint
    assert not Lock(db).held()


def test_a_place_where_no_lock_file_can_be_is_said(db: Path) -> None:
    Lock(db).path.mkdir(parents=True)
    with pytest.raises(ProgramError, match="Is a directory") as caught:
        Lock(db).acquire()
    assert caught.value.hint
    assert not Lock(db).held()


# --- the real program -------------------------------------------------------------------------------------------------


def test_a_second_daemon_names_the_first_and_the_other_commands_go_on(pp: Rig) -> None:
    folder = pp.drop("launch")
    with pp.daemon() as first:
        pp.wait_for("launch", "scheduled")
        for arguments in (("run",), ("run", "--once")):
            pp.output()
            assert pp.command(*arguments) == 2
            last = pp.output()[1].splitlines()[-1]
            assert last.startswith(
                f"postpost-sync: another postpost-sync (process {first.pid}) is serving {pp.state_db}"
            )
            assert "(hint: " in last
        assert pp.status()["daemon"] == {"running": True}
        assert pp.command("check", "--offline", str(folder)) == 0
        assert pp.command("retry", str(folder)) == 0
        assert first.poll() is None
    assert first.returncode == 0
    assert pp.status()["daemon"] == {"running": False}
    assert len(pp.groups()) == 1


def test_a_killed_daemon_frees_it_at_once_also_where_a_child_of_it_lives_on(pp: Rig) -> None:
    pp.drop("launch", media={"cup.jpg": picture()})  # a picture: it is measured in a process of its own
    with pp.daemon() as first:
        pp.wait_for("launch", "scheduled")
        (child,) = _children(first.pid)
        os.kill(child, signal.SIGSTOP)  # so that it outlives its parent
        try:
            first.kill()
            first.wait()
            assert pp.status()["daemon"] == {"running": False}
            pp.drop("second")
            assert pp.run_once() == 0
            assert Path(f"/proc/{child}").exists()
        finally:
            os.kill(child, signal.SIGKILL)
    assert sorted(group.content for group in pp.groups(status="scheduled")) == ["launch", "second"]


def test_a_daemon_whose_lock_file_was_deleted_ends_since_nothing_keeps_a_second_one_off(pp: Rig) -> None:
    pp.drop("launch")
    with pp.daemon() as first:
        pp.wait_for("launch", "scheduled")
        Lock(pp.state_db).path.unlink()
        assert first.wait(HANG) == 1
        last = first.communicate()[1].splitlines()[-1]
        assert re.match(r"postpost-sync: .*state\.db\.lock was deleted while it was in use", last)
    assert pp.run_once() == 0
    assert len(pp.groups()) == 1


def _children(pid: int) -> list[int]:
    ends = time.monotonic() + 5
    while time.monotonic() < ends:
        found = [
            int(one) for task in Path(f"/proc/{pid}/task").iterdir() for one in (task / "children").read_text().split()
        ]
        if found:
            return found
        time.sleep(0.05)
    return []
