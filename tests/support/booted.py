"""A machine of its own: a Debian with a real systemd as process 1 of its own namespaces, in a root that debootstrap made.

It shares nothing with the machine that the tests run on but the kernel and the loopback network, where the simulated
PostPost is. It takes root, the tools below, about a minute and 400 MB; where that is not to be had, the tests are skipped
with the reason.
"""

from __future__ import annotations

import contextlib
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.rig import REPOSITORY

KEPT = "POSTPOST_SYSTEMD_ROOT"  # names a root to be kept: made where it is not there yet, copied for each run
SUITE, PYTHON = "bookworm", "3.11"
PACKAGES = "systemd systemd-sysv procps dbus dbus-user-session libpam-systemd python3 python3-venv acl sudo"
TOOLS = "debootstrap unshare nsenter mount".split()
MAKING, INSTALLING, BOOTING, DOING = 480.0, 240.0, 60.0, 240.0  # seconds
USER, SOURCE, ANSWERS = "anna", "/src", "/root/answers"
README = (REPOSITORY / "README.md").read_text(encoding="utf-8")

# As process 1 of the new namespaces. The root is its own: a systemd that shares /tmp with anything empties it at boot.
# Without the shared propagation at the end credentials (LoadCredential=) stay invisible to services.
_BOOT = """
set -e
cd "$1"
mount --make-rprivate /
mount --bind . .
cd "$1"
mount -t proc proc proc
mount -t sysfs -o ro sysfs sys
if [ "$(stat -fc %T /sys/fs/cgroup)" = cgroup2fs ]; then
  mount -t cgroup2 cgroup2 sys/fs/cgroup
else
  mount -t tmpfs tmpfs sys/fs/cgroup
  mkdir sys/fs/cgroup/systemd && mount -t cgroup -o none,name=systemd cgroup sys/fs/cgroup/systemd
  for one in cpu memory pids; do mkdir "sys/fs/cgroup/$one" && mount -t cgroup -o $one cgroup "sys/fs/cgroup/$one" || true; done
fi
mount -t tmpfs tmpfs run
mount -t tmpfs tmpfs tmp
mount -t tmpfs -o mode=755 tmpfs dev
for one in null zero full random urandom tty; do touch "dev/$one" && mount --bind "/dev/$one" "dev/$one"; done
mkdir dev/pts dev/shm
mount -t devpts -o newinstance,ptmxmode=0666 devpts dev/pts
mount -t tmpfs tmpfs dev/shm
ln -s pts/ptmx dev/ptmx
ln -s /proc/self/fd dev/fd
mkdir -p old
pivot_root . old
umount -l /old
mount --make-rshared /
exec env -i container=lxc PATH=/usr/sbin:/usr/bin:/sbin:/bin /lib/systemd/systemd --unit=multi-user.target
"""


def mirror() -> list[str]:
    """Where this machine's own apt has the suite from; debootstrap knows another where it does not."""
    asked = ["apt-get", "indextargets", "--format", "$(CODENAME) $(REPO_URI)"]
    try:
        said = subprocess.run(asked, capture_output=True, text=True, timeout=30, check=False).stdout
    except (OSError, subprocess.TimeoutExpired):
        return []
    found = (line.partition(" ") for line in said.splitlines())
    return [uri for suite, _, uri in found if suite == SUITE][:1]


class Machine:
    """It runs. `root` is its file system as it is seen from here."""

    def __init__(self, root: Path, process: int) -> None:
        self.root, self._process = root, process

    def run(self, script: str, user: str = USER, *, check: bool = True) -> subprocess.CompletedProcess[str]:
        """A script, in a login of that user, in the checkout."""
        inside = f"cd {SOURCE} && set -euo pipefail && {script}"
        path = "PATH=/usr/sbin:/usr/bin:/sbin:/bin"
        command = [
            "nsenter",
            "-t",
            str(self._process),
            "-a",
            "env",
            "-i",
            path,
            "TERM=dumb",
            "su",
            "-",
            user,
            "-c",
            inside,
        ]
        done = subprocess.run(command, capture_output=True, text=True, timeout=DOING, check=False)
        if check and done.returncode != 0:
            raise AssertionError(f"{script}\n{done.stdout}\n{done.stderr}\n{self.journal()}")
        return done

    def journal(self, unit: str = "postpost-sync", *more: str) -> str:
        done = self.run(shlex.join(["journalctl", "--no-pager", "-b", "-u", unit, *more]), "root", check=False)
        return done.stdout

    def show(self, *properties: str, unit: str = "postpost-sync", scope: str = "") -> list[str]:
        """What systemd says of the unit, in the order that was asked."""
        user = USER if scope else "root"
        said = self.run(f"systemctl {scope} show {unit} --property={','.join(properties)}", user).stdout
        known = dict(line.partition("=")[::2] for line in said.splitlines())
        return [known[name] for name in properties]

    def until(self, wanted: dict[str, str], within: float = 60.0, scope: str = "", unit: str = "postpost-sync") -> None:
        """Until the unit's properties match these patterns."""
        ends, seen = time.monotonic() + within, []
        while time.monotonic() < ends:
            seen = self.show(*wanted, scope=scope, unit=unit)
            if all(re.fullmatch(pattern, value) for pattern, value in zip(wanted.values(), seen, strict=True)):
                return
            time.sleep(0.3)
        raise AssertionError(f"{wanted} did not come to be, but {seen}\n{self.journal(unit)}")

    def answer(self, file: str, text: str) -> None:
        """What is typed where the README says `nano FILE`."""
        (self.root / ANSWERS[1:] / file.strip("/").replace("/", "%")).write_text(text)

    def write(self, file: str, text: str, owner: str = "root") -> None:
        place = self.root / file.strip("/")
        self.run(f"install -d -o {owner} {shlex.quote(str(Path(file).parent))}", "root")
        place.write_text(text)
        self.run(f"chown {owner}: {shlex.quote(file)}", "root")


_NANO = f"""#!/bin/sh
cat "{ANSWERS}/$(printf %s "$1" | sed 's,^/,,; s,/,%,g')" > "$1"
"""


def block(heading: str, number: int) -> str:
    """The commands of the README's n-th block below a heading."""
    part = README.split(f"\n{heading}", 1)[1]
    part = re.split(r"\n##+ ", part, maxsplit=1)[0]
    return str(re.findall(r"```sh\n(.*?)```", part, re.DOTALL)[number])


@contextmanager
def machine(place: Path) -> Iterator[Machine]:
    """A new one, with the checkout in SOURCE and a person USER who may use sudo; pytest.skip where it cannot be had."""
    for tool in TOOLS:
        if shutil.which(tool) is None:
            pytest.skip(f"there is no {tool} here")
    if os.geteuid() != 0:
        pytest.skip("it takes root to boot a machine in namespaces")
    if subprocess.run(["unshare", "-pfm", "--cgroup", "true"], capture_output=True, check=False).returncode:  # noqa: S607
        pytest.skip("new namespaces are not allowed here")
    root = _made(place)
    _furnish(root)
    process = subprocess.Popen(
        [*"unshare --pid --fork --kill-child --mount --cgroup --ipc --uts bash -c".split(), _BOOT, "boot", str(root)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
        text=True,
    )
    try:
        yield _booted(root, process)
    finally:
        process.kill()  # and with it, by --kill-child, the machine
        with process.stdout or contextlib.nullcontext():
            process.wait()
        if root.parent == place:
            shutil.rmtree(root, ignore_errors=True)


def _booted(root: Path, process: subprocess.Popen[str]) -> Machine:
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    ends = time.monotonic() + BOOTING
    while time.monotonic() < ends and process.poll() is None:
        with contextlib.suppress(OSError, ValueError, IndexError, subprocess.SubprocessError):
            one = Machine(root, int(children.read_text().split()[0]))
            asked = ["nsenter", "-t", str(one._process), "-a", "systemctl", "is-system-running", "--wait"]
            said = subprocess.run(asked, capture_output=True, text=True, timeout=BOOTING, check=False).stdout.strip()
            if said in ("running", "degraded"):
                return one
        time.sleep(0.3)
    process.send_signal(signal.SIGKILL)
    pytest.skip(f"systemd does not boot in namespaces here: {(process.communicate()[0] or 'no answer').strip()[-200:]}")


def _made(place: Path) -> Path:
    """The root that debootstrap makes, for this run alone."""
    root, kept = place / "root", os.environ.get(KEPT)
    base = Path(kept) if kept else root
    if not (base / "usr/bin/python3").exists():
        base.mkdir(parents=True, exist_ok=True)
        packages = f"--include={','.join(PACKAGES.split())}"
        command = ["debootstrap", "--variant=minbase", packages, SUITE, str(base), *mirror()]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=MAKING, check=False)
        except subprocess.TimeoutExpired:
            pytest.skip(f"debootstrap was not done within {MAKING:.0f} s")
        if done.returncode != 0:
            why = (done.stdout + done.stderr).strip().splitlines()
            pytest.skip(f"debootstrap cannot make a Debian here: {why[-1] if why else done.returncode}")
    if base != root:
        subprocess.run(["cp", "-a", "--reflink=auto", f"{base}/.", str(root)], check=True)  # noqa: S607
    return root


def _furnish(root: Path) -> None:
    """The checkout, the packages that it needs, a person, and an editor that types by itself."""
    source = root / SOURCE[1:]
    source.mkdir()
    for name in "README.md LICENSE pyproject.toml config.example.yaml".split():
        shutil.copy(REPOSITORY / name, source)
    for name in ("postpost_sync", "systemd"):
        shutil.copytree(REPOSITORY / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
    wheels = root / "wheels"
    wheels.mkdir()
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())
    named = [*project["project"]["dependencies"], *project["project"]["optional-dependencies"]["web"]]
    wanted = [line.split(";")[0] for line in named] + project["build-system"]["requires"]
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--only-binary=:all:", f"--python-version={PYTHON}"]
    try:
        done = subprocess.run(
            [*command, "-d", str(wheels), *wanted], capture_output=True, text=True, timeout=INSTALLING
        )
    except subprocess.TimeoutExpired:
        pytest.skip(f"the packages were not there within {INSTALLING:.0f} s")
    if done.returncode != 0:
        pytest.skip(f"the packages cannot be had here: {(done.stderr.strip().splitlines() or ['?'])[-1]}")
    (root / "etc/pip.conf").write_text(
        "[global]\nno-index = true\nfind-links = /wheels\ndisable-pip-version-check = true\n"
    )
    (root / "etc/hosts").write_text(f"127.0.0.1 localhost {os.uname().nodename}\n")
    (root / ANSWERS[1:]).mkdir()
    nano = root / "usr/local/bin/nano"
    nano.write_text(_NANO)
    nano.chmod(0o755)
    subprocess.run(["chroot", str(root), "useradd", "-m", "-s", "/bin/bash", USER], check=True)  # noqa: S607
    subprocess.run(["chroot", str(root), "chown", "-R", f"{USER}:", SOURCE], check=True)  # noqa: S607
    (root / "etc/sudoers.d" / USER).write_text(f"{USER} ALL=(ALL) NOPASSWD: ALL\n")
