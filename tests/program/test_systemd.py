"""The units under a real systemd, installed by the README's own lines. One machine for all; about four minutes."""

from __future__ import annotations

import contextlib
import json
import re
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest

from postpost_sync.sandbox import Behaviour, Sandbox, serve
from tests.support.booted import USER, Machine, block, machine
from tests.support.drops import picture
from tests.support.rig import until

pytestmark = [pytest.mark.whole, pytest.mark.xdist_group("systemd")]

KEY = "plainly-fake-key"
CREDENTIAL = "/etc/credstore/postpost-api-key"
DROP_INS = "/etc/systemd/system/postpost-sync.service.d"
FAR = "2031-03-04 10:00"
SYSTEM, DESKTOP = "### Debian, Ubuntu and their like, as a system service", "### A desktop with Dropbox or Syncthing"


class Service:
    """A machine, and the simulated PostPost that it posts to."""

    def __init__(self, one: Machine, sandbox: Sandbox, url: str) -> None:
        self.machine, self.sandbox, self.url = one, sandbox, url

    def config(self, root: str = "/srv/posts", more: str = "") -> str:
        return (
            f"api: {{base_url: '{self.url}'{more}}}\nwatch:\n  - path: {root}\n    settle: 500ms\n"
            "    timezone: Europe/Berlin\n"
        )

    def drop(self, name: str, root: str = "/srv/posts", files: dict[str, bytes] | None = None) -> None:
        """As the person does it, the media first."""
        place = f"{root}/{name}"
        self.machine.run(f"mkdir -p {place}")
        here = self.machine.root / place[1:]
        for file, data in (files or {}).items():
            (here / file).write_bytes(data)
        (here / ".new").write_text(f"content: {name}\nplatforms: [twitter-123]\nscheduled_time: {FAR}\n")
        self.machine.run(f"sudo chown -R {USER}: {place} && chmod -R u+rw {place} && mv {place}/.new {place}/post.yaml")

    def post(self, name: str, user: str = "postpost-sync") -> dict[str, Any] | None:
        who = f"sudo -u {user} " if user != USER else ""
        said = self.machine.run(
            f"cd / && {who}env PATH=$PATH:$HOME/.local/bin postpost-sync status --json", check=False
        )
        posts = json.loads(said.stdout)["posts"] if said.returncode == 0 else []
        return next((post for post in posts if post["folder"].endswith(f"/{name}")), None)

    def wait_for(self, name: str, state: str, user: str = "postpost-sync", within: float = 60.0) -> dict[str, Any]:
        ends, post = time.monotonic() + within, None
        while time.monotonic() < ends:
            post = self.post(name, user)
            if post and post["state"] == state:
                return post
            time.sleep(0.3)
        raise AssertionError(f"{name} did not become {state}: {post}\n{self.machine.journal()}")

    def has(self, name: str) -> None:
        """A post of that name stands scheduled: it is dropped now, where no test before this one did."""
        if self.post(name) is None:
            self.drop(name)
        self.wait_for(name, "scheduled")

    @contextmanager
    def drop_in(self, name: str, text: str) -> Iterator[None]:
        """Started again with it, and in the end without it."""
        self.machine.write(f"{DROP_INS}/{name}.conf", text)
        self.machine.run("systemctl daemon-reload && systemctl restart postpost-sync", "root", check=False)
        try:
            yield
        finally:
            self.machine.run(f"rm {DROP_INS}/{name}.conf && systemctl daemon-reload", "root")
            self.runs_again()

    def runs_again(self) -> None:
        again = "systemctl reset-failed postpost-sync; systemctl restart postpost-sync"
        self.machine.run(again, "root", check=False)
        self.machine.until({"ActiveState": "active", "SubState": "running"})

    @property
    def scheduled(self) -> list[str]:
        return sorted(group.content for group in self.sandbox.groups() if group.status == "scheduled")


@pytest.fixture(scope="module")
def booted(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Iterator[Service]:
    """Nothing is installed in it yet."""
    if not request.config.getoption("--whole"):
        pytest.skip("it boots a machine, which takes minutes: run with --whole")
    with (
        Sandbox(behaviour=Behaviour(keys={KEY: "owner"})) as sandbox,
        serve(sandbox) as server,
        machine(tmp_path_factory.mktemp("machine")) as one,
    ):
        yield Service(one, sandbox, server.api_url)


@pytest.fixture(scope="module")
def system(booted: Service) -> Service:
    """The system service, by the README's lines: what is typed into the editor is ours, and apt has been there."""
    booted.machine.answer(CREDENTIAL, f"{KEY}\n")
    booted.machine.answer(
        "/etc/postpost-sync/config.yaml", f"{booted.config()}state_db: /var/lib/postpost-sync/state.db\n"
    )
    apt, rest = block(SYSTEM, 0).split("\n", 1)
    assert apt == "sudo apt install python3-venv acl"
    booted.machine.run(rest)
    booted.machine.run(block(SYSTEM, 1))
    return booted


# --- the system unit --------------------------------------------------------------------------------------------------


def test_what_the_readme_says_makes_a_service_that_runs_and_that_doctor_finds_well(system: Service) -> None:
    system.machine.until({"ActiveState": "active", "SubState": "running", "UnitFileState": "enabled"})
    done = system.machine.run("sudo postpost-sync doctor")
    assert "0 errors" in done.stdout
    assert "system service: it is active" in " ".join(done.stdout.split())
    system.drop("first", files={"a.jpg": picture(), "b.jpg": picture(seed=2)})
    system.wait_for("first", "scheduled")
    assert (system.machine.root / "srv/posts/first/post.status.yaml").exists()
    assert KEY not in system.machine.journal()
    system.machine.until({"StatusText": "1 post: 1 scheduled.*"})


def test_a_reload_reads_the_config_again_and_refuses_one_with_a_mistake(system: Service) -> None:
    system.has("first")
    config = system.machine.root / "etc/postpost-sync/config.yaml"
    before = config.read_text()
    (main,) = system.machine.show("MainPID")
    config.write_text(f"wacth: []\n{before}")
    system.machine.run("sudo systemctl reload postpost-sync", check=False)
    system.machine.until({"StatusText": "the new config is refused.*", "MainPID": main})
    config.write_text(before)
    system.machine.run("sudo systemctl reload postpost-sync")
    system.machine.until({"StatusText": r"\d+ posts?: \d+ scheduled.*", "MainPID": main, "ActiveState": "active"})


def test_killed_it_is_started_again_and_nothing_is_made_twice(system: Service) -> None:
    before = system.scheduled
    system.machine.run("systemctl kill --signal=KILL postpost-sync", "root")
    system.machine.until({"NRestarts": "1", "ActiveState": "active", "SubState": "running"})
    system.drop("second")
    system.wait_for("second", "scheduled")
    assert system.scheduled == sorted([*before, "second"])


def test_stopped_in_the_middle_of_a_large_upload_it_ends_in_time_and_goes_on_later(system: Service) -> None:
    before = system.scheduled
    system.sandbox.behaviour = Behaviour(keys={KEY: "owner"}, store_rate=150_000)
    system.drop("large", files={"large.jpg": picture() + bytes(4_500_000)})
    system.wait_for("large", "uploading")
    system.machine.run("systemctl stop postpost-sync", "root")
    # else it were `timeout`: systemd did not have to kill it
    result, status = system.machine.show("Result", "ExecMainStatus")
    assert (result, status) == ("success", "0")
    system.sandbox.behaviour = Behaviour(keys={KEY: "owner"})
    system.machine.run("systemctl start postpost-sync", "root")
    system.wait_for("large", "scheduled")
    assert system.scheduled == sorted([*before, "large"])


def test_one_that_no_longer_moves_is_bitten_by_the_watchdog_and_started_again(system: Service) -> None:
    system.has("first")
    before = system.scheduled
    with system.drop_in("watchdog", "[Service]\nWatchdogSec=3\n"):
        system.machine.until({"ActiveState": "active", "SubState": "running"})
        (main, restarts) = system.machine.show("MainPID", "NRestarts")
        system.machine.run(f"kill -STOP {main}", "root")
        system.machine.until({"NRestarts": str(int(restarts) + 1), "ActiveState": "active", "SubState": "running"}, 90)
        assert "Watchdog timeout" in system.machine.journal()
    assert system.scheduled == before


def refused(system: Service, *words: str) -> None:
    """It does not start, says why, and is not started again and again."""
    system.machine.until({"ActiveState": "failed", "Result": "exit-code", "ExecMainStatus": "2", "NRestarts": "0"})
    said = system.machine.journal("postpost-sync", "-o", "cat")
    (last,) = [line for line in said.splitlines() if line.startswith("postpost-sync: ")][-1:]
    assert all(word in last for word in words), last
    assert "(hint: " in last
    assert "Traceback" not in said
    doctor = system.machine.run("sudo postpost-sync doctor", check=False)
    assert doctor.returncode == 1
    assert "system service: it has failed" in " ".join(doctor.stdout.split())


def test_a_credential_that_is_missing_is_an_error_of_the_start(system: Service) -> None:
    system.machine.run(f"mv {CREDENTIAL} /root/away && systemctl restart postpost-sync", "root", check=False)
    refused(system, "there is no API key")
    system.machine.run(f"mv /root/away {CREDENTIAL}", "root")
    system.runs_again()


@pytest.mark.parametrize(
    ("name", "drop_in", "words"),
    [
        (
            "hidden",
            "[Service]\nInaccessiblePaths=/run/credentials/postpost-sync.service/postpost-api-key\n",
            ["postpost-api-key", "cannot be read", "Permission denied"],
        ),
        ("empty", "[Service]\nLoadCredential=postpost-api-key:/dev/null\n", ["is empty"]),
        ("binary", "[Service]\nLoadCredential=postpost-api-key:/bin/true\n", ["it is not text"]),
    ],
    ids=lambda one: one if isinstance(one, str) and "[" not in one else "",
)
def test_a_credential_that_cannot_be_read_is_one_too(
    name: str, drop_in: str, words: list[str], system: Service
) -> None:
    with system.drop_in(name, drop_in):
        refused(system, *words)


def test_a_root_below_home_is_served_with_the_drop_in(system: Service) -> None:
    example = (system.machine.root / "src/systemd/postpost-sync.service.d/watch-roots.conf.example").read_text()
    home = f"/home/{USER}/Posts"
    assert f"#BindPaths=-{home}" in example
    system.machine.run(
        f"mkdir -p {home} && sudo setfacl -m u:postpost-sync:x /home/{USER} && "
        f"sudo setfacl -Rm u:postpost-sync:rwX,d:u:postpost-sync:rwX {home}"
    )
    config = system.machine.root / "etc/postpost-sync/config.yaml"
    before = config.read_text()
    config.write_text(before.replace("watch:\n", f"watch:\n  - path: {home}\n    settle: 500ms\n"))
    shown = re.sub(r"^#(ProtectHome|BindPaths)=", r"\1=", example, flags=re.MULTILINE)
    with system.drop_in("home", shown):
        system.machine.until({"ActiveState": "active", "SubState": "running"})
        system.drop("at-home", home)
        system.wait_for("at-home", "scheduled")
        assert (system.machine.root / home[1:] / "at-home/post.status.yaml").exists()
        config.write_text(before)


def test_a_backup_is_made_while_it_runs(system: Service) -> None:
    system.machine.run("sudo postpost-sync backup /root/copy.db")
    copy = system.machine.root / "root/copy.db"
    assert (copy.stat().st_mode & 0o777, copy.stat().st_uid) == (0o600, 0)
    system.machine.until({"ActiveState": "active", "SubState": "running"})
    system.drop("third")
    system.wait_for("third", "scheduled")


def test_an_upgrade_by_the_readmes_lines_runs_the_new_version_and_goes_on(system: Service) -> None:
    source = system.machine.root / "src/postpost_sync/__init__.py"
    before = system.scheduled
    source.write_text(source.read_text().replace('__version__ = "', '__version__ = "9.'))
    system.machine.run(for_the("system service", block("## Upgrading", 0)))
    system.machine.run("sudo systemctl restart postpost-sync && sudo postpost-sync doctor")
    system.machine.until({"ActiveState": "active", "SubState": "running"})
    assert system.machine.run("postpost-sync --version").stdout.split()[-1].startswith("9.")
    system.drop("upgraded")
    system.wait_for("upgraded", "scheduled")
    assert system.scheduled == sorted([*before, "upgraded"])


def for_the(which: str, lines: str) -> str:
    """Of a block with a line for each way to install it, those that are meant."""
    every = [line.partition("  #") for line in lines.splitlines()]
    ways = ("pipx", "uv", "a venv", "the system service")
    return "\n".join(line for line, _, about in every if about.strip() not in ways or which in about)


# --- the web unit -----------------------------------------------------------------------------------------------------

PAGE = "http://127.0.0.1:8484"  # of the machine, whose loopback is this one's


def asked(path: str = "/") -> bytes:
    return httpx.get(f"{PAGE}{path}", trust_env=False, timeout=20).content


def until_it_says(*words: str, path: str = "/") -> str:
    """What it says then; nobody may listen yet."""
    said = [""]

    def says() -> bool:
        with contextlib.suppress(httpx.TransportError):
            said[0] = asked(path).decode()
        return all(word in said[0] for word in words)

    until(says)
    return said[0]


def until_it_shows(*names: str) -> str:
    return until_it_says("<!DOCTYPE html>", *(f'data-folder="{name}"' for name in names))


def web_begins_anew(system: Service) -> None:
    system.machine.run("systemctl restart postpost-sync-web", "root")
    system.machine.until({"ActiveState": "active", "SubState": "running"}, unit="postpost-sync-web")


@pytest.fixture(scope="module")
def web(system: Service) -> Service:
    """By the README's lines, with two posts, one of which has a picture."""
    with socket.socket() as free:
        try:
            free.bind(("127.0.0.1", 8484))
        except OSError:
            pytest.skip("something else listens on port 8484 here")
    system.machine.run(block("## Looking at it", 1))
    system.machine.until(
        {"ActiveState": "active", "SubState": "running", "UnitFileState": "enabled"}, unit="postpost-sync-web"
    )
    system.has("first")
    system.drop("seen", files={"a.jpg": picture()})
    system.wait_for("seen", "scheduled")
    return system


def test_the_web_unit_shows_what_the_daemon_does_and_a_thumbnail_of_it(web: Service) -> None:
    text = until_it_shows("first", "seen")
    assert "the daemon is not running" not in text
    number = re.search(r'data-folder="seen".*?["/]thumb/([0-9a-f-]{36})/0', text, re.DOTALL)
    assert number is not None
    assert asked(f"/thumb/{number[1]}/0")[:3] == b"\xff\xd8\xff"
    assert asked("/calendar.ics").startswith(b"BEGIN:VCALENDAR")
    assert b"postpost_sync_daemon_running 1.0" in asked("/metrics")
    until_it_says("ok\n", path="/healthz")


def test_the_web_unit_shows_it_also_where_nobody_has_the_database_open(web: Service) -> None:
    """Which would want a file made beside it; the unit may write nowhere."""
    web.machine.run("systemctl stop postpost-sync", "root")
    until_it_says('data-folder="seen"', "the daemon is not running")
    web.runs_again()
    web.machine.run("systemctl stop postpost-sync-web && systemctl stop postpost-sync", "root")
    assert not list((web.machine.root / "var/lib/postpost-sync").glob("state.db-*"))
    web_begins_anew(web)
    until_it_shows("first", "seen")
    web.runs_again()
    web.drop("later")
    web.wait_for("later", "scheduled")
    until_it_shows("first", "seen", "later")


def test_the_web_unit_shows_what_a_killed_daemon_left_behind(web: Service) -> None:
    web.machine.run("systemctl kill --signal=KILL postpost-sync && systemctl stop postpost-sync", "root")
    web_begins_anew(web)
    until_it_shows("first", "seen")
    web.runs_again()
    web.drop("after")
    web.wait_for("after", "scheduled")
    until_it_shows("after")


def test_the_web_unit_waits_for_a_database(web: Service) -> None:
    place = "/var/lib/postpost-sync"
    web.machine.run("systemctl stop postpost-sync-web && systemctl stop postpost-sync", "root")
    web.machine.run(f"mv {place}/state.db /root/away.db", "root")
    web_begins_anew(web)
    until_it_says("there is no database yet")
    web.machine.run(f"mv /root/away.db {place}/state.db", "root")
    until_it_shows("first", "seen")
    web.runs_again()


def test_the_web_unit_ends_in_time_and_has_said_nothing(web: Service) -> None:
    with httpx.stream("GET", f"{PAGE}/changes", trust_env=False, timeout=20) as followed:
        next(followed.iter_lines())
        web.machine.run("systemctl stop postpost-sync-web", "root")
    assert web.machine.show("Result", "ExecMainStatus", unit="postpost-sync-web") == ["success", "0"]
    said = web.machine.journal("postpost-sync-web", "-o", "cat")
    assert "Traceback" not in said
    assert "ERROR" not in said
    assert KEY not in said


# --- the user unit ----------------------------------------------------------------------------------------------------


OWN_ROOT = f"/home/{USER}/Dropbox/Posts"


@pytest.fixture(scope="module")
def user(booted: Service) -> Service:
    """The user service, by the README's lines; the key is typed into its file."""
    one = booted.machine
    one.run(block("## Installing it", 2))
    one.run(f"~/.local/bin/postpost-sync init --user --root {OWN_ROOT} --timezone Europe/Berlin", check=False)
    here = one.root / f"home/{USER}/.config/postpost-sync"
    assert (here.stat().st_mode & 0o777, (here / "api-key").stat().st_mode & 0o777) == (0o700, 0o600)
    (here / "api-key").write_text(f"{KEY}\n")
    made = (here / "config.yaml").read_text()
    (here / "config.yaml").write_text(made.replace("api:\n", f"api:\n  base_url: {booted.url}\n") + "settle: 500ms\n")
    one.run("export PATH=$PATH:~/.local/bin && " + block(DESKTOP, 0).replace("postpost-sync doctor", "true"))
    one.until({"ActiveState": "active", "SubState": "running", "UnitFileState": "enabled"}, scope="--user")
    booted.drop("of-mine", OWN_ROOT)
    booted.wait_for("of-mine", "scheduled", user=USER)
    return booted


def test_the_user_unit_runs_by_the_readmes_lines(user: Service) -> None:
    one = user.machine
    done = one.run("~/.local/bin/postpost-sync doctor")
    assert "user service: it is active" in " ".join(done.stdout.split())
    one.run("systemctl --user kill --signal=KILL postpost-sync")
    one.until({"NRestarts": "1", "ActiveState": "active", "SubState": "running"}, scope="--user")
    one.run("systemctl --user stop postpost-sync")
    doctor = one.run("~/.local/bin/postpost-sync doctor", check=False)
    assert doctor.returncode == 1
    assert "user service: it is enabled, and does not run" in " ".join(doctor.stdout.split())


def test_a_backup_of_ones_own_is_put_back_by_the_readmes_lines(user: Service) -> None:
    one, path = user.machine, "export PATH=$PATH:~/.local/bin && "
    one.run("systemctl --user start postpost-sync")
    before = user.scheduled
    one.run(path + block("## Backup and restore", 0))
    one.run("mv ~/postpost-*.db ~/postpost-2026-12-01.db")  # the day that the README has it of
    one.run("systemctl --user stop postpost-sync && rm ~/.local/state/postpost-sync/state.db")
    one.run(block("## Backup and restore", 1))
    one.until({"ActiveState": "active", "SubState": "running"}, scope="--user")
    user.wait_for("of-mine", "scheduled", user=USER)
    user.drop("after-it", OWN_ROOT)
    user.wait_for("after-it", "scheduled", user=USER)
    assert user.scheduled == sorted([*before, "after-it"])


# --- and away with it -------------------------------------------------------------------------------------------------


def left(one: Machine, *places: str) -> list[str]:
    """What still has the name of it."""
    found = one.run(f"find {' '.join(places)} -xdev -iname '*postpost*'", "root").stdout.splitlines()
    return [file for file in found if not file.endswith("/Dropbox/Posts") and "/var/log/journal" not in file]


def test_uninstalled_as_a_user_nothing_is_left_but_the_folders(user: Service) -> None:
    one = user.machine
    one.run(for_the("a venv", block("## Uninstalling", 0)) + "\nrm -f ~/postpost-2026-12-01.db")
    assert left(one, f"/home/{USER}") == []
    assert (one.root / f"home/{USER}/Dropbox/Posts/of-mine/post.status.yaml").exists()


def test_uninstalled_as_a_service_nothing_is_left_but_the_folders(web: Service) -> None:
    one = web.machine
    one.run("sudo systemctl enable --now postpost-sync-web")
    one.run(block("## Uninstalling", 1))
    assert left(one, "/etc", "/opt", "/usr", "/var/lib") == []
    assert "postpost-sync" not in one.run("getent passwd; getent group").stdout
    assert "postpost-sync" not in one.run("systemctl list-unit-files --no-pager", "root").stdout
    assert (one.root / "srv/posts/first/post.status.yaml").exists()
    assert re.findall(r"^(?:default:)?user:[^:]+:", one.run("getfacl -cp /srv/posts").stdout, re.MULTILINE) == []
