"""`backup`: a copy that is whole and checked, closed to others, and brings everything back; or no file at all."""

from __future__ import annotations

import os
import shutil
import sqlite3
import threading
from pathlib import Path

import pytest

from postpost_sync.store.connection import Connection
from tests.support.rig import Rig


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_it_is_one_file_closed_to_others_that_says_what_it_holds(pp: Rig) -> None:
    pp.drop("post")
    pp.run_once()
    pp.output()
    file = pp.place / "copies" / "state backup.db"
    file.parent.mkdir()
    assert pp.command("backup", str(file)) == 0
    assert pp.output()[0].startswith(f'wrote "{file}": 1 folder, ')
    assert names(file.parent) == {"state backup.db"}
    assert file.stat().st_mode & 0o777 == 0o600
    conn = sqlite3.connect(file)
    assert conn.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
    conn.close()


def test_what_is_there_is_not_overwritten(pp: Rig, tmp_path: Path) -> None:
    pp.drop("post")
    pp.run_once()
    file = tmp_path / "copy.db"
    for there in ("file", "link", "folder"):
        match there:
            case "file":
                file.touch()
            case "link":
                file.symlink_to(tmp_path / "nowhere")
            case _:
                file.mkdir()
        assert pp.command("backup", str(file)) == 2
        assert "is there already" in pp.output()[1].splitlines()[-1]
        assert not (tmp_path / "nowhere").exists()
        file.rmdir() if file.is_dir() else file.unlink()
    assert pp.command("backup", str(pp.state_db)) == 2
    assert pp.status()["posts"][0]["state"] == "scheduled"


def test_what_comes_to_be_meanwhile_is_not_overwritten(
    pp: Rig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pp.drop("post")
    pp.run_once()
    for linked in (True, False):
        file = tmp_path / f"{linked}.db"

        def link(unfinished: Path, to: Path, linked: bool = linked) -> None:
            to.write_text("somebody else's")
            if not linked:
                raise OSError("no hard links here")
            raise FileExistsError

        monkeypatch.setattr(os, "link", link)
        assert pp.command("backup", str(file)) == 2
        assert file.read_text() == "somebody else's"
    assert not [name for name in names(tmp_path) if name.startswith(".")]


def test_it_works_where_there_are_no_hard_links(pp: Rig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pp.drop("post")
    pp.run_once()

    def link(*_: object) -> None:
        raise PermissionError

    monkeypatch.setattr(os, "link", link)
    assert pp.command("backup", str(tmp_path / "copy.db")) == 0
    assert names(tmp_path) == {"copy.db", "posts", "state", "config.yaml"}


def test_a_folder_that_is_not_there_is_said(pp: Rig, tmp_path: Path) -> None:
    pp.drop("post")
    pp.run_once()
    assert pp.command("backup", str(tmp_path / "not there" / "copy.db")) == 2
    assert "cannot be written" in pp.output()[1].splitlines()[-1]


def test_of_a_damaged_database_no_copy_is_left(pp: Rig, tmp_path: Path) -> None:
    pp.drop("post")
    pp.run_once()
    conn = sqlite3.connect(pp.state_db)
    conn.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    (page,) = conn.execute("SELECT rootpage FROM sqlite_master WHERE name = 'folders_by_state'").fetchone()
    (size,) = conn.execute("PRAGMA page_size").fetchone()
    conn.close()
    with pp.state_db.open("r+b") as file:
        file.seek((page - 1) * size + size // 2)
        file.write(b"\xff" * (size // 2))
    assert pp.command("backup", str(tmp_path / "copy.db")) == 2
    assert str(pp.state_db) in pp.output()[1].splitlines()[-1]
    assert names(tmp_path) == {"posts", "state", "config.yaml"}


def test_without_a_database_there_is_nothing_to_copy(pp: Rig, tmp_path: Path) -> None:
    assert pp.command("backup", str(tmp_path / "copy.db")) == 2
    assert not (tmp_path / "copy.db").exists()


def test_it_may_be_made_while_the_daemon_works(pp: Rig, tmp_path: Path) -> None:
    with pp.daemon():
        pp.drop("first")
        pp.wait_for("first", "scheduled")
        stop = threading.Event()

        def drop() -> None:
            for number in range(200):
                if stop.wait(0.02):
                    break
                pp.drop(f"more-{number}")

        thread = threading.Thread(target=drop)
        thread.start()
        try:
            for number in range(5):
                assert pp.command("backup", str(tmp_path / f"{number}.db")) == 0
        finally:
            stop.set()
            thread.join()
    for number in range(5):
        conn = sqlite3.connect(tmp_path / f"{number}.db")
        assert conn.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
        assert conn.execute("SELECT state FROM folders ORDER BY key").fetchone()[0] == "scheduled"
        conn.close()


def test_put_back_it_goes_on_where_it_was(pp: Rig, tmp_path: Path) -> None:
    """As the README says how, and also below another path, as on another machine."""
    pp.drop("post")
    pp.run_once()
    (group,) = pp.groups()
    assert pp.command("backup", str(tmp_path / "copy.db")) == 0
    shutil.rmtree(pp.state_db.parent)
    pp.state_db.parent.mkdir()
    shutil.copyfile(tmp_path / "copy.db", pp.state_db)
    moved = tmp_path / "moved"
    shutil.copytree(pp.root, moved)
    shutil.rmtree(pp.root)
    pp.root = moved
    pp.configure()
    assert pp.run_once() == 0
    assert [one.id for one in pp.groups()] == [group.id]
    assert pp.post("post")["post_group_id"] == group.id


def test_a_full_disk_is_said_of_the_copy(pp: Rig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pp.drop("post")
    pp.run_once()

    def full(self: Connection, conn: sqlite3.Connection) -> None:
        error = sqlite3.OperationalError("database or disk is full")
        error.sqlite_errorcode = sqlite3.SQLITE_FULL
        raise error

    monkeypatch.setattr(Connection, "copy_into", full)
    assert pp.command("backup", str(tmp_path / "copy.db")) == 2
    assert f"df -h {tmp_path}" in pp.output()[1].splitlines()[-1]
    assert names(tmp_path) == {"posts", "state", "config.yaml"}
