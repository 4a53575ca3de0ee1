"""The daemon as a service: signals, reloads, the notify socket, a stop in the middle of an upload, its own death and birth."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import signal
import sqlite3
import threading
import time
import weakref
from pathlib import Path

import pytest

from postpost_sync.daemon.daemon import STOP_WITHIN, Daemon
from postpost_sync.daemon.workers import Workers
from postpost_sync.sandbox import Behaviour, Connection, Fault
from tests.support.drops import hashes, picture, sent, sidecar, video
from tests.support.locks import held
from tests.support.rig import HANG, Manager, Rig, rig, until


def test_it_tells_the_service_manager_how_things_stand(pp: Rig, manager: Manager) -> None:
    pp.drop("post", sidecar())
    with pp.daemon() as process:
        manager.wait_for("READY=1")
        manager.wait_for("WATCHDOG=1")
        manager.wait_for("STATUS=1 post: 1 scheduled")
        process.terminate()
        manager.wait_for("STOPPING=1")
        assert process.wait(HANG) == 0


def test_a_hangup_takes_in_a_new_config_and_refuses_a_bad_one(pp: Rig, manager: Manager) -> None:
    pp.drop("post", sidecar())
    with pp.daemon() as process:
        pp.wait_for("post", "scheduled")
        good = pp.config.read_text()
        pp.config.write_text("wacth: []\n")
        process.send_signal(signal.SIGHUP)
        manager.wait_for("STATUS=the new config is refused")
        pp.config.write_text(good)
        other = pp.place / "more"
        other.mkdir()
        pp.configure(top="", root=f"  - path: {other}\n    settle: 200ms\n")
        manager.forget()
        process.send_signal(signal.SIGHUP)
        manager.wait_for("RELOADING=1")
        manager.wait_for("READY=1")
        folder = other / "second"
        folder.mkdir()
        (folder / "post.yaml").write_text(sidecar("second"))
        until(lambda: len(pp.groups(status="scheduled")) == 2)
        assert [g.content for g in pp.groups(status="scheduled")] == ["hello", "second"]
        assert process.poll() is None


def test_a_hangup_moves_the_posts_that_another_zone_moves_and_brings_back_none(pp: Rig, manager: Manager) -> None:
    for name in ("stands", "cancelled"):
        pp.drop(name, f"content: {name}\nplatforms: [facebook-1001]\nscheduled_time: 2031-03-04 10:00\n")
    with pp.daemon() as process:
        for name in ("stands", "cancelled"):
            pp.wait_for(name, "scheduled")
        assert pp.command("cancel", str(pp.root / "cancelled")) == 0
        pp.wait_for("cancelled", "cancelled")
        pp.configure(root="    timezone: Asia/Tokyo\n")
        process.send_signal(signal.SIGHUP)
        until(lambda: [f"{group.scheduled_time:%H:%M}" for group in pp.groups()] == ["01:00"])
        until(lambda: "CONFIG_CHANGED" in [one["code"] for one in pp.post("stands")["warnings"]])
        for name in ("stands", "cancelled"):
            (pp.root / name / "post.yaml").touch()
        pp.drop("later")
        pp.wait_for("later", "scheduled")
        time.sleep(0.5)
        assert sorted((group.content, f"{group.scheduled_time:%H:%M}") for group in pp.groups()) == [
            ("later", "01:00"),
            ("stands", "01:00"),
        ]
        assert pp.post("cancelled")["state"] == "cancelled"


def test_hangups_that_come_while_the_config_is_read_again_end_nothing(pp: Rig) -> None:
    pp.drop("post", sidecar())
    with pp.daemon() as process:
        pp.wait_for("post", "scheduled")
        for _ in range(75):
            process.send_signal(signal.SIGHUP)
            time.sleep(0.02)
        pp.drop("second", sidecar("second"))
        pp.wait_for("second", "scheduled")
        process.terminate()
        assert process.wait(HANG) == 0


def test_hangups_leave_nothing_of_what_was_served_before(pp: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """A hundred thousand folders are as many megabytes, each time."""
    served: list[weakref.ref[Daemon]] = []
    left: list[int] = []
    start = Daemon.start

    def noted(daemon: Daemon) -> None:
        left.append(sum(before() is not None for before in served))
        served.append(weakref.ref(daemon))
        start(daemon)
        os.kill(os.getpid(), signal.SIGHUP if len(served) < 4 else signal.SIGTERM)

    monkeypatch.setattr(Daemon, "start", noted)
    assert pp.command("run") == 0
    assert left == [0, 0, 0, 0]


def test_a_stop_in_the_middle_of_an_upload_is_quick_and_loses_nothing(pp: Rig) -> None:
    data = picture(size=(1600, 1600))
    pp.sandbox.faults.add(Fault("put-object", "hang", seconds=60))
    pp.drop("post", sidecar(), {"a.jpg": data})
    with pp.daemon() as process:
        pp.wait_for("post", "uploading")
        until(lambda: pp.sandbox.count("get-upload-url"))
        time.sleep(0.5)
        process.terminate()
        assert process.wait(HANG) == 0
    assert pp.run_once("40s") == 0
    (group,) = pp.groups()
    assert (group.status, sent(group)) == ("scheduled", hashes(data))
    assert pp.sandbox.count("get-upload-url") == 1  # the same URL was used again


@pytest.mark.parametrize("call", ["list-posts", "platform-connections"])
def test_a_stop_while_the_service_hangs_is_quick(pp: Rig, call: str) -> None:
    """Also in what is done every hour beside the posts: the comparison with PostPost's list, the look at the accounts."""
    pp.configure(top="notify: {urls: 'json://127.0.0.1:1'}\n")
    pp.drop("post", sidecar())
    assert pp.run_once() == 0
    with sqlite3.connect(pp.state_db) as connection:  # what has just been scheduled is not compared
        connection.execute("UPDATE folders SET updated_at = '2026-01-01T00:00:00+00:00'")
        connection.execute("UPDATE groups SET placed_at = '2026-01-01T00:00:00+00:00'")
    connection.close()
    pp.sandbox.faults.add(Fault(call, "hang", seconds=60, times=None))
    before = pp.sandbox.count(call)
    with pp.daemon() as process:
        until(lambda: pp.sandbox.count(call) > before)
        process.terminate()
        assert process.wait(HANG) == 0


# --- a stop, whatever is under way ------------------------------------------------------------------------------------

LARGE = 200_000_000  # bytes


def test_a_stop_gives_up_on_what_hangs_before_the_ten_seconds_are_over() -> None:
    # a second for the end of the interpreter; the tests here show that nothing else is waited for
    assert STOP_WITHIN + 1 < 10


def large_video(folder: Path, size: int = LARGE) -> Path:
    """A valid video of so many bytes that takes no room: the rest is a box that players skip."""
    file = folder / "large.mp4"
    file.write_bytes(video())
    with file.open("ab") as more:
        more.write((size - file.stat().st_size).to_bytes(4, "big") + b"free")
        more.truncate(size)
    return file


def sent_of(pp: Rig, name: str) -> int:
    """Bytes, as `status` has it."""
    if not (pp.try_status() or {}).get("posts"):
        return 0
    return sum(media["sent"] for media in pp.post(name)["media"])


@pytest.mark.parametrize("locked", [False, True], ids=["", "while another process holds the database"])
def test_a_stop_in_the_middle_of_a_large_upload_does_not_wait_for_it(pp: Rig, locked: bool) -> None:
    pp.sandbox.behaviour = Behaviour(store_rate=2e6)  # 100 s for all of it
    folder = pp.drop("launch", sidecar(platforms="[youtube-012]"))
    file = large_video(folder)
    with pp.daemon() as process, contextlib.ExitStack() as locks:
        until(lambda: sent_of(pp, "launch") > 8_000_000)
        if locked:
            locks.enter_context(held(pp.state_db))
            pp.drop("another")  # somebody waits for the database at every moment
            time.sleep(2)
        process.terminate()
        assert process.wait(HANG) == 0
    assert pp.groups(status="scheduled") == []
    pp.sandbox.behaviour = Behaviour()
    assert pp.run_once("60s") == 0
    (group,) = pp.groups(content="hello")
    with file.open("rb") as stream:
        assert sent(group) == [hashlib.file_digest(stream, "sha256").hexdigest()]
    assert group.status == "scheduled"
    assert pp.sandbox.count("get-upload-url") == 1  # the same URL was used again


@pytest.mark.parametrize("size", [1_500_000, 6_000_000])
def test_a_reload_in_the_middle_of_an_upload_ends_the_upload_and_not_the_program(
    pp: Rig, manager: Manager, size: int
) -> None:
    """Also where all of the file lies in the kernel's buffers, and only the store's answer is waited for."""
    pp.sandbox.behaviour = Behaviour(store_rate=100e3)
    folder = pp.drop("launch", sidecar(platforms="[youtube-012]"))
    file = large_video(folder, size)
    with pp.daemon() as process:
        until(lambda: sent_of(pp, "launch") > 1)
        for reload in range(3):
            time.sleep(reload)
            if reload == 2:
                pp.sandbox.behaviour = Behaviour()
            manager.forget()
            process.send_signal(signal.SIGHUP)
            manager.wait_for("RELOADING=1")
            manager.wait_for("READY=1")
        pp.wait_for("launch", "scheduled")
        assert process.poll() is None
        process.terminate()
        assert process.wait(12) == 0
    (group,) = pp.groups()
    assert sent(group) == hashes(file.read_bytes())
    assert pp.sandbox.count("get-upload-url") == 1  # the same URL was used again


def test_killed_it_goes_on_where_it_was(pp: Rig) -> None:
    data = picture()
    pp.sandbox.faults.add(Fault("put-object", "late", seconds=2))
    pp.drop("post", sidecar(), {"a.jpg": data})
    with pp.daemon() as process:
        until(lambda: pp.sandbox.count("get-upload-url"))
        process.kill()
        process.wait()
    assert pp.run_once() == 0
    (group,) = pp.groups()
    assert (group.status, sent(group)) == ("scheduled", hashes(data))


def test_a_database_that_cannot_be_written_ends_it_with_a_word_and_sends_nothing(pp: Rig) -> None:
    pp.drop("post", sidecar())
    pp.state_db.parent.mkdir(mode=0o700)
    pp.state_db.write_bytes(b"this is no database, but a file of somebody's\n" * 40)
    assert pp.run_once() == 2
    said = pp.output()[1].splitlines()[-1]
    assert said.startswith(f"postpost-sync: the database {pp.state_db} cannot be used: file is not a database")
    assert pp.sandbox.calls == []


CANARY = "canary-key-canary/sk"  # a key that the service may write with an escape: canary-key-canary\\/sk
SIGNED = "https://store.example/a.jpg?X-Amz-Algorithm=x&X-Amz-Signature=canarysignature"


@pytest.mark.parametrize("form", ["text", "json"])
def test_no_secret_reaches_a_log_an_error_column_a_status_file_or_the_screen(
    form: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    failed = {"code": "INVALID_CONTENT", "message": f"could not load {SIGNED} with {CANARY}"}
    lost = Connection("twitter-123", "x", "X", "expired", last_error=f"{SIGNED} {CANARY}")
    fine = Connection("facebook-1001", "f", "F", "valid", None)
    behaviour = Behaviour(connections=(lost, fine), publish_errors={"facebook-1001": failed}, tick_seconds=0)
    with rig(tmp_path, capsys, behaviour=behaviour) as pp:
        pp.config.write_text(pp.config.read_text().replace("plainly-fake-key", CANARY))
        run = ["--log-format", form, "--log-level", "debug", "run", "--once", "--wait", "8s"]
        pp.drop("goes out", sidecar("now", time="now"))
        pp.command(*run)
        seen = [*pp.output()]
        echoes = [
            {"error": f"{CANARY} {SIGNED}"},
            json.dumps({"message": f"{CANARY} {SIGNED}"}).replace("/", "\\/").encode(),
            f"<html>{CANARY} {SIGNED}</html>",
        ]
        for call in ("create-post", "get-upload-url", "update-post", "list-posts"):
            for body in echoes:
                pp.sandbox.faults.add(Fault(call, "status", status=500, body=body))
        pp.sandbox.faults.add(Fault("create-post", "status", status=400, body=echoes[1], after=4))
        for n, kind in enumerate(["expire_url", "reset_during", "lost_reply", "status"]):
            pp.sandbox.faults.add(Fault("put-object", kind, after=n, body=f"<Error>{SIGNED} {CANARY}</Error>"))
        for n in range(4):
            pp.drop(f"p{n}", sidecar(f"post {n}"), {"a.jpg": picture(seed=n)})
        for command in (
            run,
            ["retry", str(pp.root)],
            run,
            ["status"],
            ["status", "--json"],
            ["check"],
            ["accounts"],
            ["doctor"],
            ["doctor", "--json"],
        ):
            pp.command(*command)
            seen += [f"{' '.join(command)}: {text}" for text in pp.output()]
        seen += [file.read_text() for file in pp.root.rglob("post.status.yaml")]
        with contextlib.closing(sqlite3.connect(pp.state_db)) as connection:
            tables = [row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
            for table in tables:
                rows = connection.execute(f"SELECT * FROM {table}")  # noqa: S608 - the names are the database's own
                names = [column[0] for column in rows.description]
                for row in rows:  # an upload URL is kept, to be used again
                    seen += [
                        f"{table}.{name}: {value}" for name, value in zip(names, row, strict=True) if name != "url"
                    ]
        stored = b"".join(file.read_bytes() for file in pp.state_db.parent.iterdir())
        assert {call.name for call in pp.sandbox.calls if call.fault} >= {"create-post", "get-upload-url", "put-object"}
    assert any("could not load https://store.example/a.jpg?…" in text for text in seen)  # it was said, but for that
    for text in seen:
        assert "Signature=" not in text
        assert "canary" not in text.replace(str(tmp_path), "")
        assert "Traceback" not in text
    assert b"canary" not in stored
    assert (pp.state_db.stat().st_mode & 0o777, pp.state_db.parent.stat().st_mode & 0o777) == (0o600, 0o700)


def test_a_pass_does_not_end_between_a_timer_and_the_folder_that_it_wakes(
    pp: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    ready = Workers.ready

    def slowly(self: Workers, key: int) -> None:
        if threading.current_thread().name.startswith("ThreadPoolExecutor"):  # the scheduler's
            time.sleep(1)
        ready(self, key)

    monkeypatch.setattr(Workers, "ready", slowly)
    pp.drop("post", sidecar())
    assert pp.run_once() == 0
    assert [group.status for group in pp.groups()] == ["scheduled"]


def test_a_retry_is_taken_up_by_the_running_daemon_within_seconds(pp: Rig) -> None:
    folder = pp.drop("launch", sidecar("launch", time="now"), {"1.jpg": picture()})
    for file in folder.iterdir():
        os.utime(file, (1.6e9, 1.6e9))
    with pp.daemon():
        pp.wait_for("launch", "held", "CONFIRM_NOW")
        assert pp.command("retry", str(folder)) == 0
        assert "will be tried again now" in pp.output()[0]
        pp.wait_for("launch", "scheduled")
    assert len(pp.groups(content="launch")) == 1
