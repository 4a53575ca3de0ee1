"""The units: systemd takes them, the sandbox is as tight as it is said to be, and every promise in them is there."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from postpost_sync.cli import cli
from postpost_sync.config import credentials
from postpost_sync.daemon.daemon import STOP_WITHIN
from postpost_sync.model.times import parse_duration
from postpost_sync.sandbox import Behaviour
from tests.support.rig import HANG, REPOSITORY, Manager, Rig, rig

UNITS = Path(__file__).parents[2] / "systemd"
SYSTEM, USER = UNITS / "postpost-sync.service", UNITS / "user" / "postpost-sync.service"
WEB = UNITS / "postpost-sync-web.service"
DROP_INS = sorted((UNITS / "postpost-sync.service.d").iterdir())

needs_systemd = pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="there is no systemd-analyze here")


def settings(unit: Path) -> dict[str, list[str]]:
    """Key -> its values in order, whatever the section."""
    found: dict[str, list[str]] = {}
    for line in unit.read_text(encoding="utf-8").splitlines():
        if line and line[0] not in "#[":
            key, _, value = line.partition("=")
            found.setdefault(key, []).append(value)
    return found


def installed(unit: Path, folder: Path) -> Path:
    """A copy whose program is there: a unit whose program is missing is an error of its own."""
    program = folder / "postpost-sync"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    text = re.sub(r"(?m)^ExecStart=\S+", f"ExecStart={program}", unit.read_text(encoding="utf-8"))
    copy = folder / unit.name
    copy.write_text(text)
    return copy


def analyze(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = ["systemd-analyze", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


# --- what systemd says ------------------------------------------------------------------------------------------------


@needs_systemd
def test_systemd_finds_nothing_wrong_with_the_system_unit(tmp_path: Path) -> None:
    done = analyze("verify", "--man=no", installed(SYSTEM, tmp_path))
    assert (done.stdout + done.stderr, done.returncode) == ("", 0)


@needs_systemd
def test_systemd_finds_nothing_wrong_with_the_user_unit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))  # a user's manager needs one that is there
    done = analyze("verify", "--man=no", "--user", installed(USER, tmp_path))
    assert (done.stdout + done.stderr, done.returncode) == ("", 0)


@needs_systemd
@pytest.mark.parametrize("drop_in", DROP_INS, ids=lambda path: path.name)
def test_systemd_finds_nothing_wrong_with_the_drop_ins_nor_with_what_they_leave_out(
    drop_in: Path, tmp_path: Path
) -> None:
    text = drop_in.read_text(encoding="utf-8")
    for variant in (text, re.sub(r"(?m)^#([A-Za-z]+=)", r"\1", text)):  # with the examples switched on too
        unit = installed(SYSTEM, tmp_path)
        folder = tmp_path / "postpost-sync.service.d"
        folder.mkdir(exist_ok=True)
        (folder / "example.conf").write_text(variant)
        done = analyze("verify", "--man=no", unit)
        assert (done.stdout + done.stderr, done.returncode) == ("", 0)


@needs_systemd
def test_the_sandbox_of_the_system_unit_is_tight() -> None:
    done = analyze("security", "--offline=true", "--threshold=15", "--no-pager", SYSTEM)
    assert done.returncode == 0, done.stdout


@needs_systemd
def test_systemd_finds_nothing_wrong_with_the_web_unit(tmp_path: Path) -> None:
    done = analyze("verify", "--man=no", installed(WEB, tmp_path))
    assert (done.stdout + done.stderr, done.returncode) == ("", 0)


@needs_systemd
def test_the_sandbox_of_the_web_unit_is_tight() -> None:
    done = analyze("security", "--offline=true", "--threshold=13", "--no-pager", WEB)
    assert done.returncode == 0, done.stdout


# --- what is in them --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("unit", [pytest.param(SYSTEM, id="the system unit"), pytest.param(USER, id="the user unit")])
@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("Type", "notify"),
        ("ExecReload", "/bin/kill -HUP $MAINPID"),
        ("Restart", "on-failure"),
        ("RestartPreventExitStatus", "2"),
        ("UMask", "0077"),
        ("LimitCORE", "0"),
        ("KillMode", "mixed"),
        ("TimeoutStartSec", "infinity"),
        ("NoNewPrivileges", "yes"),
        ("SystemCallErrorNumber", "EPERM"),
        ("MemoryDenyWriteExecute", "yes"),
    ],
)
def test_both_units_say(unit: Path, key: str, value: str) -> None:
    assert settings(unit)[key] == [value]


def test_the_web_unit_leaves_no_core_dump_either() -> None:
    assert settings(WEB)["LimitCORE"] == ["0"]


@pytest.mark.parametrize("unit", [SYSTEM, USER], ids=["the system unit", "the user unit"])
def test_the_time_to_stop_is_longer_than_the_daemon_takes(unit: Path) -> None:
    found = settings(unit)
    assert int(found["TimeoutStopSec"][0]) > STOP_WITHIN
    assert found["WatchdogSec"] == ["10min"]


def test_the_system_unit_runs_as_a_user_of_its_own_with_a_state_and_a_credential() -> None:
    found = settings(SYSTEM)
    assert found["User"] == ["postpost-sync"]
    assert found["StateDirectory"] == ["postpost-sync"]
    assert found["LoadCredential"] == [credentials.API_KEY, credentials.NOTIFY_URLS]
    assert found["ExecStart"] == ["/opt/postpost-sync/bin/postpost-sync -c /etc/postpost-sync/config.yaml run"]
    assert found["CapabilityBoundingSet"] == [""]
    assert (UNITS / "postpost-sync.sysusers.conf").read_text().splitlines()[-1].split()[:2] == ["u", "postpost-sync"]


def test_the_database_of_the_user_unit_lies_where_the_commands_look() -> None:
    assert "StateDirectory" not in settings(USER)


def test_the_web_unit_reads_alone_holds_no_key_and_talks_to_this_machine() -> None:
    found = settings(WEB)
    assert found["User"] == settings(SYSTEM)["User"]
    assert not found.keys() & {"LoadCredential", "StateDirectory", "ReadWritePaths", "SetCredential"}
    assert found["ProtectSystem"] == ["strict"]
    assert "/etc/credstore" in found["InaccessiblePaths"][0]
    assert (found["IPAddressDeny"], found["IPAddressAllow"]) == (["any"], ["localhost"])
    words = shlex.split(found["ExecStart"][0])
    assert cli.main([*words[1:], "--help"], standalone_mode=False) == 0


def test_a_limit_can_still_be_set_on_the_process_that_measures_media() -> None:
    """setrlimit(2) is prlimit64(2) in the C library; @resources, which is left out, does not hold that one."""
    assert settings(SYSTEM)["SystemCallFilter"] == ["@system-service", "~@privileged @resources"]


def test_no_drop_in_is_in_force_before_somebody_put_paths_into_it() -> None:
    assert {path.name for path in DROP_INS} == {"watch-roots.conf.example", "nas.conf.example"}


def test_the_drop_ins_open_the_roots_but_never_bind_a_mount_point() -> None:
    roots, nas = (settings(UNITS / "postpost-sync.service.d" / f"{n}.conf.example") for n in ("watch-roots", "nas"))
    assert roots["ReadWritePaths"] == ["-/srv/posts"]
    (mount_point,) = nas["RequiresMountsFor"]
    (writable,) = nas["ReadWritePaths"]
    assert Path(writable) in Path(mount_point).parents
    assert not nas.keys() & {"BindPaths", "BindReadOnlyPaths"}


def test_what_loosens_the_sandbox_says_why() -> None:
    lines = SYSTEM.read_text(encoding="utf-8").splitlines()
    for key in ("RestrictAddressFamilies=", "ProtectHome=", "SystemCallErrorNumber=", "TimeoutStartSec="):
        (at,) = (number for number, line in enumerate(lines) if line.startswith(key))
        assert lines[at - 1].startswith("#"), key
    assert "RootDirectory=" in SYSTEM.read_text()


# --- what they run ----------------------------------------------------------------------------------------------------


class Started:
    """The unit's own command line, started as systemd starts it: its environment, its umask, its sockets."""

    def __init__(self, unit: Path, pp: Rig, manager: Manager, home: Path) -> None:
        found = settings(unit)
        self.manager, self.state = manager, pp.place / "var-lib"
        program, *arguments = shlex.split(found["ExecStart"][0].replace("%h", str(home)))
        assert Path(program).name == "postpost-sync"
        script = Path(sys.executable).with_name("postpost-sync")
        command = [str(script)] if script.exists() else [sys.executable, "-m", "postpost_sync"]
        arguments = [
            str(pp.config) if argument == "/etc/postpost-sync/config.yaml" else argument for argument in arguments
        ]
        environ = {
            "PATH": os.environ["PATH"],
            "HOME": str(home),
            "NOTIFY_SOCKET": manager.address,
            "WATCHDOG_USEC": str(int(parse_duration(found["WatchdogSec"][0].replace("min", "m")) * 1_000_000)),
            "INVOCATION_ID": "0" * 32,
        }
        if "StateDirectory" in found:
            self.state.mkdir(int(found["StateDirectoryMode"][0], 8))
            environ["STATE_DIRECTORY"] = str(self.state)
        if "LoadCredential" in found:
            credentials = pp.place / "credentials"
            credentials.mkdir(0o700)
            (credentials / found["LoadCredential"][0]).write_text("plainly-fake-credential\n")
            (credentials / found["LoadCredential"][0]).chmod(0o440)  # as systemd has it
            environ["CREDENTIALS_DIRECTORY"] = str(credentials)
        reading, writing = os.pipe()
        there = os.fstat(writing)
        environ["JOURNAL_STREAM"] = f"{there.st_dev}:{there.st_ino}"
        self.process = subprocess.Popen(
            [*command, *arguments], env=environ, stderr=writing, cwd=REPOSITORY, umask=int(found["UMask"][0], 8)
        )
        os.close(writing)
        self.journal = os.fdopen(reading, encoding="utf-8")
        self._reload = found["ExecReload"][0].replace("$MAINPID", str(self.process.pid))

    def reload(self) -> None:
        subprocess.run(shlex.split(self._reload), check=True)

    def stop(self) -> None:
        """As `KillMode=mixed` does: the main process is asked."""
        self.process.terminate()

    def end(self) -> list[str]:
        """What the journal has got of it."""
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        with self.journal:
            return self.journal.read().splitlines()


@pytest.fixture
def manager(tmp_path: Path) -> Iterator[Manager]:
    one = Manager(tmp_path)
    yield one
    one.close()


@pytest.mark.parametrize("unit", [SYSTEM, USER], ids=["the system unit", "the user unit"])
def test_what_the_unit_starts_tells_systemd_where_it_stands(
    unit: Path, tmp_path: Path, own_home: Path, manager: Manager
) -> None:
    key = "plainly-fake-credential" if unit is SYSTEM else "plainly-fake-key"
    with rig(tmp_path, behaviour=Behaviour(keys={key: "owner"})) as pp:
        pp.drop("post")
        text = pp.config.read_text().replace(f"state_db: {pp.state_db}\n", "")
        if unit is SYSTEM:
            text = text.replace("  key: plainly-fake-key\n", "")
        else:
            pp.config = own_home / ".config" / "postpost-sync" / "config.yaml"
            pp.config.parent.mkdir(parents=True)
        pp.config.write_text(text)
        pp.config.chmod(0o600)
        started = Started(unit, pp, manager, own_home)
        try:
            manager.wait_for("READY=1")
            assert not any(line.startswith("STOPPING") for line in manager.heard)
            manager.wait_for("WATCHDOG=1")
            manager.wait_for("STATUS=1 post: 1 scheduled")
            manager.heard.clear()
            started.reload()
            manager.wait_for("RELOADING=1")
            manager.wait_for("MONOTONIC_USEC=")
            manager.wait_for("READY=1")
            manager.wait_for("WATCHDOG=1")
            pp.config.write_text("wacth: []\n")
            started.reload()
            manager.wait_for("STATUS=the new config is refused")
            pp.drop("another")
            manager.wait_for("STATUS=2 posts: 2 scheduled")
            started.stop()
            manager.wait_for("STOPPING=1")
            assert started.process.wait(HANG) == 0
        finally:
            journal = started.end()
        assert len(pp.groups(status="scheduled")) == 2
    database = started.state / "state.db" if unit is SYSTEM else own_home / ".local/state/postpost-sync/state.db"
    assert database.stat().st_mode & 0o777 == 0o600
    assert database.parent.stat().st_mode & 0o777 == 0o700
    assert all(re.match(r"<[3-6]>[a-z]", line) for line in journal), journal
    assert [line for line in journal if line.startswith("<3>")] != []  # the bad config
    assert any(line.startswith(f"<6>scheduled folder={pp.root}/post") for line in journal)
