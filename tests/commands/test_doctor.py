"""`doctor`: each thing that can be wrong becomes one finding that names the way out, whatever else is wrong."""

from __future__ import annotations

import json
import os
import shutil
import time
from collections import namedtuple
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from postpost_sync.commands import doctor
from postpost_sync.commands.doctor import findings as findings_module
from postpost_sync.commands.doctor import inotify, installation, machine, roots
from postpost_sync.config import credentials
from postpost_sync.disk import media, mounts, probe, watcher
from postpost_sync.model.errors import Finding, PostError
from postpost_sync.sandbox import Behaviour
from postpost_sync.sandbox.behaviour import Connection
from postpost_sync.service.clock import ServerClock
from tests.support.rig import Rig, rig, until

HEALTHY = Behaviour(connections=(Connection("twitter-123", "harbourcoffee", "Harbour Coffee"),))


@pytest.fixture
def systemctl(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A systemctl that knows of no service of ours, whatever is installed where the tests run."""
    script = tmp_path / "bin" / "systemctl"
    script.parent.mkdir()
    script.write_text("#!/bin/sh\necho LoadState=not-found\n")
    script.chmod(0o755)
    monkeypatch.setenv("PATH", f"{script.parent}:{os.environ['PATH']}")
    return script


@pytest.fixture
def world(tmp_path: Path, capsys: pytest.CaptureFixture[str], systemctl: Path) -> Iterator[Rig]:
    with rig(tmp_path, capsys, behaviour=HEALTHY) as made:
        yield made


def examine(world: Rig) -> tuple[int, list[dict[str, str]]]:
    """The exit status, and the findings."""
    world.output()
    status = world.command("doctor", "--json")
    report: dict[str, Any] = json.loads(world.output()[0])
    assert report["version"] == 1
    assert all(finding.keys() == {"level", "what", "message", "hint"} for finding in report["findings"])
    return status, report["findings"]


def of(findings: list[dict[str, str]], what: str, level: str | None = None) -> list[dict[str, str]]:
    return [f for f in findings if f["what"].startswith(what) and level in (None, f["level"])]


# --- all is well ------------------------------------------------------------------------------------------------------


def test_everything_is_looked_at(world: Rig) -> None:
    world.run_once()
    with world.daemon():
        ends = time.monotonic() + 20
        status, findings = examine(world)
        while not of(findings, "daemon", "ok") and time.monotonic() < ends:
            status, findings = examine(world)
    assert status == 0
    seen = {finding["what"] for finding in findings}
    assert seen == {
        *("config", "key", "accounts", "clock", "secrets", "database", "daemon", f"root {world.root}"),
        *("inotify", "disk", "time zones", "libmagic", "measuring", "fitting"),
    }
    assert of(findings, "", "error") == []


def test_for_people_it_is_a_line_each_and_a_sum(world: Rig) -> None:
    assert world.command("doctor") == 0
    lines = world.output()[0].splitlines()
    assert lines[0].startswith("ok       config:")
    assert any(line.startswith("warning  daemon: none is running") for line in lines)
    assert any(line.strip() == "hint: postpost-sync run" for line in lines)
    assert lines[-1].endswith("1 warning, 0 errors")


def test_nothing_is_left_behind_and_nothing_made(world: Rig) -> None:
    (world.root / "a").mkdir()
    before = sorted(str(path) for path in world.place.rglob("*"))
    assert examine(world)[0] == 0
    assert sorted(str(path) for path in world.place.rglob("*")) == before


@pytest.mark.parametrize("observer", ["native", "polling"])
def test_a_test_file_in_each_root_is_noticed(world: Rig, observer: str) -> None:
    world.configure(root=f"    observer: {observer}\n")
    _, findings = examine(world)
    first, second = of(findings, "root", "ok")
    assert "the config says so" in first["message"]
    assert "a test file was noticed within" in second["message"]


# --- the config -------------------------------------------------------------------------------------------------------


def test_a_config_that_cannot_be_read_is_a_finding_and_the_machine_is_checked_all_the_same(world: Rig) -> None:
    world.config.unlink()
    status, findings = examine(world)
    assert status == 1
    assert [f["level"] for f in of(findings, "config")] == ["error"]
    assert {f["what"] for f in findings} == {"config", "time zones", "libmagic", "measuring", "fitting"}


def test_each_thing_that_is_wrong_in_it_is_a_finding(world: Rig) -> None:
    world.configure(top="wacth: 1\nsettle: soon\n")
    _, findings = examine(world)
    assert [f["hint"] for f in of(findings, "config", "error")] == ['did you mean "watch"?', "write it like 30s or 5m"]


def test_a_check_that_fails_by_a_defect_stops_no_other(world: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_: object) -> None:
        raise RuntimeError("a defect\nof ours")

    monkeypatch.setattr(shutil, "disk_usage", broken)
    status, findings = examine(world)
    assert status == 1
    assert [f["message"] for f in of(findings, "disk")] == [
        r"this could not be checked: RuntimeError: a defect\nof ours"
    ]
    assert of(findings, "measuring", "ok")


def test_a_check_that_gets_no_answer_stops_no_other(world: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "ANSWER_WITHIN", 0.3)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: time.sleep(1))
    status, findings = examine(world)
    assert status == 1
    assert "no answer" in of(findings, "disk", "error")[0]["message"]


# --- PostPost ---------------------------------------------------------------------------------------------------------


def test_no_key(world: Rig) -> None:
    world.config.write_text(world.config.read_text().replace("  key: plainly-fake-key\n", ""))
    status, findings = examine(world)
    assert (status, of(findings, "key")[0]["level"]) == (1, "error")
    assert "api.key_file" in of(findings, "key")[0]["hint"]


def test_a_key_that_only_the_system_service_is_given_is_found(
    world: Rig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.config.write_text(world.config.read_text().replace("  key: plainly-fake-key\n", ""))
    monkeypatch.setattr(credentials, "CREDSTORE", tmp_path / "credstore")
    (tmp_path / "credstore").mkdir()
    (tmp_path / "credstore" / "postpost-api-key").write_text("plainly-fake-key\n")
    assert of(examine(world)[1], "key", "ok")


def test_a_key_that_only_root_could_see(world: Rig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    world.config.write_text(world.config.read_text().replace("  key: plainly-fake-key\n", ""))
    (tmp_path / "postpost-sync.service").write_text("")
    monkeypatch.setattr(findings_module, "UNITS", (str(tmp_path),))
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    status, findings = examine(world)
    assert (status, of(findings, "key")[0]["level"]) == (0, "warning")
    assert of(findings, "key")[0]["hint"] == "run this as root: sudo postpost-sync doctor"
    assert of(findings, "daemon")[0]["hint"] == "systemctl start postpost-sync"


def test_a_key_that_is_refused(world: Rig) -> None:
    world.config.write_text(world.config.read_text().replace("plainly-fake-key", "refused-key"))
    status, findings = examine(world)
    assert status == 1
    assert "does not accept the API key" in of(findings, "key", "error")[0]["message"]
    assert not of(findings, "accounts")


def test_a_service_that_cannot_be_reached(world: Rig) -> None:
    world.config.write_text(world.config.read_text().replace(world.api_url, "http://127.0.0.1:9/api"))
    status, findings = examine(world)
    assert status == 1
    assert of(findings, "PostPost", "error")[0]["hint"].startswith("check the network: curl")


ACCOUNTS = (
    Connection("twitter-123", "a", "A", "unknown", None),
    Connection("linkedin-OLD", "b", "B", "expired", -3, "The access token has expired"),
    Connection("facebook-1", "c", "C", "expiring_soon", 4),
)


@pytest.mark.parametrize(
    ("top", "level"),
    [("", "warning"), ("accounts: {brand: [linkedin-OLD]}\n", "error")],
    ids=["not named in the config", "named in the config"],
)
def test_a_token_that_has_expired(top: str, level: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with rig(tmp_path, capsys, behaviour=Behaviour(connections=ACCOUNTS)) as world:
        world.configure(top=top)
        status, findings = examine(world)
    assert status == (1 if level == "error" else 0)
    expired = of(findings, "accounts", level)[0]
    assert "linkedin-OLD has expired" in expired["message"]
    assert expired["hint"] == "reconnect linkedin-OLD in the PostPost dashboard"
    assert any("facebook-1 expires within 4 days" in f["message"] for f in of(findings, "accounts", "warning"))
    assert "2 of 3 accounts" in of(findings, "accounts", "ok")[0]["message"]


def test_an_account_that_the_config_names_but_nobody_connected(world: Rig) -> None:
    world.configure(top="accounts: {brand: [instagram-456]}\n", root="    default_platforms: [brand, threads-1]\n")
    said = [f["message"] for f in of(examine(world)[1], "accounts", "error")]
    assert said == [
        "instagram-456 (named by brand) is not connected",
        "threads-1 (named by default_platforms) is not connected",
    ]


def test_no_account_at_all(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with rig(tmp_path, capsys, behaviour=Behaviour(connections=())) as world:
        assert of(examine(world)[1], "accounts", "error")[0]["message"] == "no account is connected"


@pytest.mark.parametrize(("ahead", "said"), [(400, "7 min behind"), (-90, "90 s ahead of"), (9000, "2 h behind")])
def test_a_clock_that_is_off(world: Rig, ahead: float, said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ServerClock, "offset", timedelta(seconds=ahead))
    status, findings = examine(world)
    (clock,) = of(findings, "clock")
    assert (status, clock["level"], clock["hint"]) == (0, "warning", "timedatectl set-ntp true")
    assert said in clock["message"]


# --- this machine -----------------------------------------------------------------------------------------------------


def test_secrets_that_others_can_read(world: Rig) -> None:
    world.run_once()
    world.state_db.chmod(0o644)
    world.config.chmod(0o644)
    status, findings = examine(world)
    assert status == 1
    assert of(findings, "secrets", "error")[0]["hint"] == f"chmod 600 {world.state_db}"
    assert of(findings, "secrets", "warning")[0]["hint"].startswith(f"chmod 600 {world.config}")


def test_a_key_file_where_no_rights_are_kept(world: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    key = world.place / "key"
    key.write_text("plainly-fake-key\n")
    key.chmod(0o755)
    world.config.write_text(world.config.read_text().replace("key: plainly-fake-key", f"key_file: {key}"))
    _, findings = examine(world)
    (found,) = of(findings, "secrets")
    assert (found["level"], found["hint"]) == ("error", f"chmod 600 {key}")
    monkeypatch.setattr(mounts, "filesystem", lambda path, *_: "vfat" if path == str(key) else "ext4")
    status, findings = examine(world)
    (found,) = of(findings, "secrets")
    assert (status, found["level"]) == (0, "warning")
    assert "keeps no such rights" in found["message"]


def test_a_database_that_is_damaged(world: Rig) -> None:
    world.drop("a")
    world.run_once()
    with world.state_db.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xff" * 8192)
    status, findings = examine(world)
    assert status == 1
    assert of(findings, "database", "error")


def test_a_database_on_a_network_mount(world: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mounts, "filesystem", lambda path, mounts="": "nfs4")
    status, findings = examine(world)
    assert status == 1
    assert "nfs4" in of(findings, "database", "error")[0]["message"]
    assert "nfs4, polled every 0.5 s" in of(findings, "root", "ok")[0]["message"]


def test_a_daemon_of_somebody_else(world: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(installation, "_readable", lambda file: False)
    assert "cannot be told by you" in of(examine(world)[1], "daemon", "warning")[0]["message"]


CONNECTED = "content: x\nplatforms: [twitter-123]\nscheduled_time: 2031-01-01 10:00\n"


def test_a_daemon_that_nobody_misses(world: Rig) -> None:
    world.drop("post", CONNECTED)
    world.run_once()
    (found,) = of(examine(world)[1], "daemon")
    assert (found["level"], found["hint"]) == ("warning", "postpost-sync run")


def test_a_daemon_that_was_killed(world: Rig) -> None:
    with world.daemon() as process:
        world.drop("post", CONNECTED)
        world.wait_for("post", "scheduled")
        process.kill()
        process.wait()
    status, findings = examine(world)
    (found,) = of(findings, "daemon")
    assert (status, found["level"], found["hint"]) == (1, "error", "postpost-sync run")
    assert "did not stop" in found["message"]


def test_a_daemon_that_posts_wait_for(world: Rig) -> None:
    world.drop("post", f"{CONNECTED}media: [a.jpg]\n")
    world.run_once("1s")
    (found,) = of(examine(world)[1], "daemon", "error")
    assert "1 post waits for it" in found["message"]


SYSTEMCTL = """#!/bin/sh
[ "$1 $2 $3" = "--{scope} show postpost-sync.service" ] || {{ echo LoadState=not-found; exit 0; }}
printf '%s\\n' LoadState=loaded ActiveState={active} SubState={sub} Result={result} 'StatusText={text}' UnitFileState={text}
"""


@pytest.mark.parametrize("scope", ["system", "user"])
@pytest.mark.parametrize(
    ("active", "sub", "result", "text", "level", "said", "hint"),
    [
        ("active", "running", "success", "3 posts: 3 scheduled", "ok", "it is active: 3 posts: 3 scheduled", ""),
        ("failed", "failed", "exit-code", "", "error", "it has failed (exit-code)", "journalctl"),
        ("activating", "auto-restart", "watchdog", "", "error", "it ends again and again (watchdog)", "journalctl"),
        ("inactive", "dead", "success", "", "warning", "it is installed, and neither enabled nor", "enable --now"),
        ("inactive", "dead", "success", "enabled", "error", "it is enabled, and does not run", "enable --now"),
    ],
)
def test_what_systemd_says_of_the_service(
    scope: str,
    active: str,
    sub: str,
    result: str,
    text: str,
    level: str,
    said: str,
    hint: str,
    world: Rig,
    systemctl: Path,
) -> None:
    systemctl.write_text(SYSTEMCTL.format(scope=scope, active=active, sub=sub, result=result, text=text))
    status, findings = examine(world)
    (found,) = of(findings, f"{scope} service")
    assert (found["level"], status) == (level, int(level == "error"))
    assert found["message"].startswith(said)
    assert hint in found["hint"]
    assert ("--user" in found["hint"]) == (scope == "user" and bool(hint))


def test_a_disk_that_is_nearly_full(world: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = namedtuple("usage", "free")  # shutil's own is one
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(1_000_000))
    status, findings = examine(world)
    assert (status, of(findings, "disk", "error")[0]["message"][:5]) == (1, "1 MB ")


def test_a_libmagic_that_does_not_work_is_said_with_its_way_out(world: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_: bytes) -> None:
        raise PostError(Finding("LIBMAGIC_BROKEN", "libmagic does not work", "unset MAGIC"))

    monkeypatch.setattr(media, "content_type", broken)
    (found,) = of(examine(world)[1], "media")
    assert (found["message"], found["hint"]) == ("libmagic does not work", "unset MAGIC")


def test_no_libmagic(world: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(_: bytes) -> None:
        raise ImportError("failed to find libmagic")

    monkeypatch.setattr(media, "content_type", missing)
    status, findings = examine(world)
    assert status == 1
    assert of(findings, "libmagic", "error")[0]["hint"].startswith("apt install libmagic1")


def test_media_that_cannot_be_measured(world: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probe, "measure", lambda *_: {"unmeasured": "the reader crashed"})
    status, findings = examine(world)
    assert status == 0
    assert "the reader crashed" in of(findings, "measuring", "warning")[0]["message"]


def test_time_zone_data_that_is_old(world: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "_zones_version", lambda: ("2014a", "/usr/share/zoneinfo"))
    assert "2014a" in of(examine(world)[1], "time zones", "warning")[0]["message"]


# --- roots ------------------------------------------------------------------------------------------------------------


def test_a_root_that_is_not_there(world: Rig) -> None:
    world.root.rmdir()
    status, findings = examine(world)
    assert (status, of(findings, "root")[0]["hint"]) == (1, f"mount it, or mkdir -p {world.root}")


def test_a_root_that_may_not_be_written(world: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "access", lambda path, mode: not (path == world.root and mode & os.W_OK))
    assert "may not be written by you" in of(examine(world)[1], "root", "warning")[0]["message"]


def test_a_root_that_may_not_be_read(world: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "access", lambda path, mode: path != world.root)
    assert "may not be read by you" in of(examine(world)[1], "root", "error")[0]["message"]


def test_native_watching_where_the_kernel_does_not_hear_of_everything(
    world: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.configure(root="    observer: native\n")
    monkeypatch.setattr(mounts, "wants_polling", lambda path, mounts="": "posts" in path)
    assert of(examine(world)[1], "root", "warning")[0]["hint"] == "write observer: auto for it"


def test_an_observer_that_hears_nothing(world: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(roots, "NOTICED_WITHIN", 0.1)
    monkeypatch.setattr(watcher.NativeWatcher, "start", lambda self: None)
    assert of(examine(world)[1], "root", "warning")[0]["hint"] == "write observer: polling for it"
    assert os.listdir(world.root) == []


def test_too_few_watches(world: Rig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(5):
        (world.root / str(number)).mkdir()
    limits = tmp_path / "limits"
    limits.mkdir()
    (limits / "max_user_watches").write_text("3\n")
    (limits / "max_user_instances").write_text("128\n")
    monkeypatch.setattr(inotify, "INOTIFY", limits)
    monkeypatch.setattr(inotify, "used", lambda: (1, 1))
    findings = examine(world)[1]
    assert "need 4 more watches than are free" in of(findings, "root", "warning")[0]["message"]
    assert "the roots need 6 and 1" in of(findings, "inotify", "warning")[0]["message"]
    assert of(findings, "inotify")[0]["hint"].startswith("sysctl -w fs.inotify.max_user_watches=")


def test_what_is_in_use_is_counted(tmp_path: Path) -> None:
    from postpost_sync.post.names import Names

    ours = Path(f"/proc/{os.getpid()}")  # of others some end meanwhile
    before = inotify.used_by(ours)
    (tmp_path / "a" / "b").mkdir(parents=True)
    native = watcher.NativeWatcher(str(tmp_path), Names(), lambda *_: None, lambda: None)
    assert native.start() is None
    try:
        until(lambda: inotify.used_by(ours)[0] >= before[0] + 3)
        watches, instances = inotify.used()
        assert watches >= before[0] + 3
        assert instances >= before[1] + 1
    finally:
        native.stop()
