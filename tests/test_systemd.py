"""The units: systemd takes them, the sandbox is as tight as it is said to be, and every promise in them is there."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from postpost_sync import credentials
from postpost_sync.daemon import STOP_WITHIN

UNITS = Path(__file__).parents[1] / "systemd"
SYSTEM, USER = UNITS / "postpost-sync.service", UNITS / "user" / "postpost-sync.service"
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
    copy = folder / "postpost-sync.service"
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
        ("KillMode", "mixed"),
        ("TimeoutStartSec", "infinity"),
        ("NoNewPrivileges", "yes"),
        ("SystemCallErrorNumber", "EPERM"),
        ("MemoryDenyWriteExecute", "yes"),
    ],
)
def test_both_units_say(unit: Path, key: str, value: str) -> None:
    assert settings(unit)[key] == [value]


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
