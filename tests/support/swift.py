"""OpenStack Swift with its S3 API: an object store that checks signatures and expiry, and that is not of our making.

It lives in an environment of its own (`swift` wants other versions than we do), without root, on this machine alone:
account, container, object and proxy server as one process each. What is signed here is signed by a few lines of our own,
after the description of AWS Signature Version 4, so that these tests lean neither on the code they test nor on an SDK.
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import http.client
import os
import pwd
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote, urlsplit

VERSION = "2.38.3"
VENV = "POSTPOST_SWIFT_VENV"  # names an environment to be kept: made where it is not there yet, and used again
BUCKET = "media"
ACCESS, SECRET, REGION = "lab:lab", "labsecret", "us-east-1"
BACKENDS = ("account", "container", "object")
INSTALLING = 240.0  # seconds
STARTING = 60.0
ENDING = 10.0

SWIFT_CONF = "[swift-hash]\nswift_hash_path_prefix = lab\nswift_hash_path_suffix = lab\n"
# `workers = 0`: the process serves by itself and has no children, so its id is all there is to end.
# `log_udp_*`: the machine's own log stays clean; what is said goes to the console, which is a file of ours.
SERVER = """\
[DEFAULT]
bind_ip = 127.0.0.1
bind_port = {port}
swift_dir = {place}/etc
devices = {place}/devices
mount_check = false
fallocate_reserve = 0
user = {user}
workers = 0
log_level = WARNING
log_udp_host = 127.0.0.1
log_udp_port = 9
"""
BACKEND = "[pipeline:main]\npipeline = {name}-server\n[app:{name}-server]\nuse = egg:swift#{name}\n"
PROXY = f"""\
[pipeline:main]
pipeline = catch_errors s3api tempauth proxy-server
[app:proxy-server]
use = egg:swift#proxy
account_autocreate = true
[filter:catch_errors]
use = egg:swift#catch_errors
[filter:s3api]
use = egg:swift#s3api
location = {REGION}
[filter:tempauth]
use = egg:swift#tempauth
user_{ACCESS.replace(":", "_")} = {SECRET} .admin
"""
RINGS = """\
import sys
from swift.common.ring import RingBuilder
for name, port in zip(sys.argv[2::2], sys.argv[3::2]):
    ring = RingBuilder(part_power=4, replicas=1, min_part_hours=0)
    ring.add_dev({"region": 1, "zone": 1, "ip": "127.0.0.1", "port": int(port), "device": "disk", "weight": 1})
    ring.rebalance()
    ring.get_ring().save(f"{sys.argv[1]}/{name}.ring.gz")
"""
# A server ends with us however we end (1 is PR_SET_PDEATHSIG): a killed test run leaves none behind.
LAUNCH = """\
import ctypes, runpy, signal, sys
ctypes.CDLL(None).prctl(1, signal.SIGTERM)
del sys.argv[0]
runpy.run_path(sys.argv[0], run_name="__main__")
"""


class Unavailable(Exception):
    """Swift cannot run on this machine; the text says why."""


@dataclass(frozen=True)
class Reply:
    """What the store answered. Header names are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True)
class Swift:
    """A running store with one bucket, addressed in path style."""

    endpoint: str

    def url(self, key: str) -> str:
        """The object's plain URL, which opens nothing."""
        return f"{self.endpoint}/{BUCKET}/{quote(key)}"

    def presign(
        self,
        key: str,
        content_type: str | None = None,
        *,
        method: str = "PUT",
        at: datetime | None = None,
        lifetime: int = 3600,
        **signed: str,
    ) -> str:
        """A URL good for `lifetime` seconds from `at` (now). The Content-Type and `signed` (`_` for `-`) are to be sent."""
        headers = {name.replace("_", "-"): value for name, value in signed.items()}
        if content_type is not None:
            headers["content-type"] = content_type
        return presign(method, self.url(key), headers, at or datetime.now(UTC), lifetime)

    def ask(self, method: str, key: str) -> Reply:
        """Any request but one with a body; the key "" is the bucket itself."""
        parts = urlsplit(self.presign(key, method=method))
        connection = http.client.HTTPConnection(parts.netloc, timeout=30)
        try:
            connection.request(method, f"{parts.path}?{parts.query}")
            answer = connection.getresponse()
            return Reply(answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read())
        finally:
            connection.close()


def presign(method: str, url: str, headers: Mapping[str, str], at: datetime, lifetime: int) -> str:
    """AWS Signature Version 4 in the query: `Host` and every one of `headers` (lower case) is signed, the payload not."""
    parts = urlsplit(url)
    signed = dict(sorted({**headers, "host": parts.netloc}.items()))
    moment = at.astimezone(UTC)
    stamp, scope = f"{moment:%Y%m%dT%H%M%SZ}", f"{moment:%Y%m%d}/{REGION}/s3/aws4_request"
    names = ";".join(signed)
    query = "&".join(
        f"{name}={quote(value, safe='-_.~')}"
        for name, value in (
            ("X-Amz-Algorithm", "AWS4-HMAC-SHA256"),
            ("X-Amz-Credential", f"{ACCESS}/{scope}"),
            ("X-Amz-Date", stamp),
            ("X-Amz-Expires", str(lifetime)),
            ("X-Amz-SignedHeaders", names),
        )
    )
    lines = "".join(f"{name}:{value}\n" for name, value in signed.items())
    request = "\n".join([method, parts.path, query, lines, names, "UNSIGNED-PAYLOAD"])
    to_sign = "\n".join(["AWS4-HMAC-SHA256", stamp, scope, hashlib.sha256(request.encode()).hexdigest()])
    key = f"AWS4{SECRET}".encode()
    for part in scope.split("/"):
        key = hmac.digest(key, part.encode(), "sha256")
    return f"{url}?{query}&X-Amz-Signature={hmac.new(key, to_sign.encode(), 'sha256').hexdigest()}"


@contextmanager
def running(place: Path) -> Iterator[Swift]:
    """A store that keeps everything below `place`, with its bucket made. Unavailable where there cannot be one."""
    if not sys.platform.startswith("linux"):
        raise Unavailable(f"Swift does not run on {sys.platform}")
    needs_xattrs(place)
    python = environment(place)
    ports = configure(place, python)
    with contextlib.ExitStack() as ends:
        servers = {name: ends.enter_context(server(python, place, name)) for name in ports}
        swift = Swift(f"http://127.0.0.1:{ports['proxy']}")
        until_it_answers(swift, place, servers)
        yield swift


def needs_xattrs(place: Path) -> None:
    """Swift keeps an object's metadata in extended attributes of its file."""
    probe = place / "xattrs"
    probe.touch()
    try:
        os.setxattr(probe, "user.swift.metadata", bytes(1024))
    except OSError as error:
        why = f'the file system of "{place}" takes no user xattrs ({error.strerror}); pytest --basetemp names another'
        raise Unavailable(why) from None


def environment(place: Path) -> Path:
    """The Python that has Swift: the environment that POSTPOST_SWIFT_VENV names, else one for this session."""
    named = os.environ.get(VENV)
    venv = Path(named).resolve() if named else place / "venv"
    python = venv / "bin" / "python"
    version = [str(python), "-c", "import importlib.metadata as m; print(m.version('swift'))"]
    if os.access(python, os.X_OK) and run(version) == VERSION:
        return python
    options = ["--quiet", "--no-input", "--no-cache-dir", "--only-binary", ":all:", "--retries", "1", "--timeout", "20"]
    options.append("--no-compile")  # most of its modules are never used here
    run([sys.executable, "-m", "venv", "--without-pip", str(venv)], needed="an environment for Swift cannot be made")
    pip = [sys.executable, "-m", "pip", "--python", str(python)]
    run([*pip, "install", *options, f"swift=={VERSION}"], needed="pip cannot install Swift")
    return python


def run(command: list[str], needed: str | None = None) -> str:
    """What a command printed. Where it fails: Unavailable with its last words, or "" where it is not `needed`."""
    try:
        done = subprocess.run(
            command, env=clean(), cwd="/", stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=INSTALLING
        )
    except subprocess.TimeoutExpired:
        raise Unavailable(f"{needed or command[0]}: it took longer than {INSTALLING:.0f} s") from None
    if done.returncode == 0:
        return done.stdout.strip()
    if needed is None:
        return ""
    said = (done.stderr or done.stdout).strip().splitlines()
    errors = [line for line in said if line.startswith("ERROR")] or said[-1:] or [f"exit status {done.returncode}"]
    raise Unavailable(f"{needed}: {errors[-1]}")


def clean() -> dict[str, str]:
    """Our environment without what would change how another Python works."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "COV_"))}


def configure(place: Path, python: Path) -> dict[str, int]:
    """Write what the four servers read; returns their ports."""
    try:
        user = pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        raise Unavailable(f"Swift wants its user by name, and user {os.getuid()} has none") from None
    for folder in ("etc", "devices/disk", "log"):
        (place / folder).mkdir(parents=True)
    etc = place / "etc"
    ports = dict(zip((*BACKENDS, "proxy"), free_ports(4), strict=True))
    (etc / "swift.conf").write_text(SWIFT_CONF)
    for name, port in ports.items():
        pipeline = PROXY if name == "proxy" else BACKEND.format(name=name)
        (etc / f"{name}.conf").write_text(SERVER.format(port=port, place=place, user=user) + pipeline)
    rings = [word for name in BACKENDS for word in (name, str(ports[name]))]
    subprocess.run([str(python), "-c", RINGS, str(etc), *rings], env=clean(), cwd=etc, check=True, timeout=STARTING)
    return ports


def free_ports(number: int) -> list[int]:
    """Ports nobody listens on."""
    with contextlib.ExitStack() as held:
        sockets = [held.enter_context(socket.socket()) for _ in range(number)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [int(one.getsockname()[1]) for one in sockets]


@contextmanager
def server(python: Path, place: Path, name: str) -> Iterator[subprocess.Popen[bytes]]:
    """One server in a session of its own, so that no signal of its or ours reaches further than it should."""
    program, config = python.parent / f"swift-{name}-server", place / "etc" / f"{name}.conf"
    command = [str(python), "-c", LAUNCH, str(program), str(config), "-v"]
    with (place / "log" / name).open("wb") as log:
        process = subprocess.Popen(
            command, env=clean(), cwd="/", stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
        )
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(ENDING)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def until_it_answers(swift: Swift, place: Path, servers: Mapping[str, subprocess.Popen[bytes]]) -> None:
    """It is up once the bucket can be made, which takes all four."""
    ends, last = time.monotonic() + STARTING, "no answer"
    while time.monotonic() < ends:
        for name, process in servers.items():
            if process.poll() is not None:
                said = (place / "log" / name).read_text(errors="replace")[-2000:]
                raise RuntimeError(f"Swift's {name} server ended ({process.returncode}): {said}")
        with contextlib.suppress(OSError, http.client.HTTPException):
            reply = swift.ask("PUT", "")
            if reply.status == 200:
                return
            last = f"{reply.status} {reply.body[:500]!r}"
        time.sleep(0.1)
    raise RuntimeError(f"Swift was not up within {STARTING:.0f} s: {last}")
