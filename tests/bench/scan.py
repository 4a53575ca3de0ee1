"""How it bears a hundred thousand folders: `python -m tests.bench.scan [--folders 100000] [--at DIR]`.

Makes that many post folders of three files each, all known and finished in the database, and prints what a rescan costs
beside `find` in the same run, what a start takes, and what the daemon is like at rest and when a thousand folders are
dropped at once. Nothing is asserted: the figures depend on the machine, so look at the ratios. Everything is removed
at the end.
"""

from __future__ import annotations

import argparse
import os
import resource
import signal
import socket
import statistics
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

from postpost_sync.config.load import load
from postpost_sync.daemon.daemon import Daemon
from postpost_sync.disk import scan
from postpost_sync.log import Log
from postpost_sync.model.folder import Folder
from postpost_sync.model.post import config_digest
from postpost_sync.model.record import Group, GroupStage, Record
from postpost_sync.model.states import State
from postpost_sync.model.times import to_service
from postpost_sync.post.names import Names
from postpost_sync.sandbox import Sandbox, serve
from postpost_sync.store import Store
from postpost_sync.store.rows import as_columns
from tests.bench.scratch import scratch

RUNS = 5
STARTS = 5
IDLE_FOR = 20.0  # seconds
DROPPED = 1000
WITHIN = 300.0  # seconds that anything here may take
KEY = "plainly-fake-key"
NOW = datetime.now(UTC)


def say(what: str, value: str) -> None:
    print(f"{what:<44} {value}", flush=True)


# --- the tree and the database ----------------------------------------------------------------------------------------


def make_tree(root: Path, folders: int) -> None:
    more = f"platforms: [facebook-1001]\nscheduled_time: {to_service(NOW - timedelta(days=1))}\n"
    for n in range(folders):
        folder = f"{root}/{n // 1000:03d}/post {n:06d}"
        sidecar = f"content: words {n}\n{more}"
        os.makedirs(folder)
        for name in ("post.yaml", f"IMG_{n:06d}.jpg", "b.jpg"):
            fd = os.open(f"{folder}/{name}", os.O_WRONLY | os.O_CREAT, 0o644)
            os.write(fd, sidecar.encode() if name == "post.yaml" else b"bytes")
            os.close(fd)


def make_known(database: Path, root: Path, config: str) -> None:
    """Every folder as a post that went out, one in ten as one that stands scheduled; in one transaction."""
    opened = Store.open(database)
    opened.fact("made_at", lambda: "0.0")  # folders that come later are certainly new
    connection, key = opened._db.conn, 0
    connection.execute("BEGIN IMMEDIATE")
    for folder in scan.walk(str(root), Names()):
        if not isinstance(folder, Folder):
            continue
        key += 1
        state = State.SCHEDULED if key % 10 == 0 else State.PUBLISHED
        for table, columns in _rows(key, folder, state, config):
            marks = ", ".join(f":{name}" for name in columns)
            connection.execute(f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({marks})", columns)  # noqa: S608 - our own names
    connection.execute("COMMIT")
    opened.close()


def _rows(key: int, folder: Folder, state: State, config: str) -> Iterator[tuple[str, dict[str, Any]]]:
    place = (folder.root, folder.path, folder.inode, folder.device)
    just = NOW + timedelta(hours=1)  # changed so lately that the comparison with PostPost's list leaves it alone
    more: dict[str, Any] = {"done": True, "config": config}
    record = Record(key, f"{key:036d}", *place, state, NOW, just, folder.fingerprint, NOW, **more)
    yield "folders", as_columns(record)
    stage = GroupStage.SCHEDULED if state is State.SCHEDULED else GroupStage.ENDED
    at = NOW + timedelta(days=300) if state is State.SCHEDULED else NOW - timedelta(days=1)
    times: dict[str, Any] = {"asked_time": at, "answered_time": at}
    group = Group(key, stage, f"{key:024x}", NOW, f"words {key - 1}", ("facebook-1001",), {}, **times)
    yield "groups", {"folder": key, **as_columns(group)}


def write_config(place: Path, root: Path, api: str) -> Path:
    file = place / "config.yaml"
    file.write_text(
        f"api: {{base_url: '{api}', key: {KEY}}}\nwatch:\n  - path: {root}\n    settle: 1s\n"
        f"state_db: {place / 'state/state.db'}\n"
    )
    file.chmod(0o600)
    return file


# --- a rescan ---------------------------------------------------------------------------------------------------------


class Took(NamedTuple):
    """Seconds, and of those of a processor, ours and those of what we started."""

    seconds: float
    processor: float


def timed(what: Callable[[], object]) -> Took:
    began, used = time.perf_counter(), _used()
    what()
    return Took(time.perf_counter() - began, _used() - used)


def _used() -> float:
    """A thread of ours, and children that have ended: what else goes on in the daemon is not a rescan's."""
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.thread_time() + children.ru_utime + children.ru_stime


def compare_rescan(config: Path, root: Path) -> float:
    """Prints what a rescan costs; the median of its seconds."""
    find = ["find", str(root), "-printf", "%p %s %T@ %C@ %i\n"]
    daemon = Daemon(load(config, os.environ), os.environ, Log())
    scanner: Any = daemon.roots._scanners[str(root)]
    statements: list[str] = []
    opened: list[str] = []
    counting = True

    def audit(event: str, arguments: tuple[Any, ...]) -> None:
        if counting and event == "open" and not arguments[2] & os.O_DIRECTORY:
            opened.append(os.fsdecode(arguments[0]))

    try:
        scanner._scan_root()
        ours, theirs = [], []
        for _ in range(RUNS):
            theirs.append(timed(lambda: subprocess.run(find, stdout=subprocess.DEVNULL, check=True)))
            ours.append(timed(scanner._scan_root))
        daemon.store._db.conn.set_trace_callback(statements.append)
        sys.addaudithook(audit)  # in a rescan of its own: it costs time for each folder, and stays for good
        scanner._scan_root()
        counting = False
        daemon.store._db.conn.set_trace_callback(None)
        # a name alone, where it is below a descriptor
        in_tree = [path for path in opened if not path.startswith("/proc/")]
        medians = [statistics.median(one.seconds for one in each) for each in (ours, theirs)]
        say("rescan, median", f"{medians[0]:.2f} s (find: {medians[1]:.2f} s)")
        for what, name in (("seconds", ""), ("processor", ", processor time")):
            ratios = [getattr(a, what) / getattr(b, what) for a, b in zip(ours, theirs, strict=True)]
            spread = " ".join(f"{ratio:.2f}" for ratio in ratios)
            say(f"rescan / find, median of pairs{name}", f"{statistics.median(ratios):.2f} (target 1.5; {spread})")
        say("files opened by a rescan", f"{len(in_tree)} (target 0)")
        kinds = Counter(statement.split(" ")[0] for statement in statements)
        say("SQLite statements a rescan", f"{len(statements)} ({', '.join(f'{n} {k}' for k, n in kinds.items())})")
    finally:
        daemon.stop()
        scanner._root_lock.release()  # its own thread never began, which would have: the real daemon is to serve the root
    return medians[0]


# --- the daemon -------------------------------------------------------------------------------------------------------


@contextmanager
def running(config: Path, place: Path) -> Iterator[tuple[int, float]]:
    """The daemon's process id, and the seconds until it said that it was ready."""
    address = str(place / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager, (place / "log").open("w") as log:
        manager.bind(address)
        manager.settimeout(WITHIN)
        began = time.perf_counter()
        process = subprocess.Popen(
            [sys.executable, "-m", "postpost_sync", "-c", str(config), "run"],
            env={**os.environ, "NOTIFY_SOCKET": address},
            stderr=log,
        )
        try:
            while b"READY=1" not in manager.recv(4096).splitlines():
                pass
            took = time.perf_counter() - began
            threading.Thread(target=_drain, args=(manager,), daemon=True).start()
            yield process.pid, took
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(30)
            os.unlink(address)


def _drain(manager: socket.socket) -> None:
    try:
        while manager.recv(4096):
            pass
    except OSError:
        return


def memory(pid: int) -> dict[str, int]:
    """VmRSS and VmHWM in MiB."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    pairs = (line.split(":") for line in lines if line.startswith(("VmRSS", "VmHWM")))
    return {name: int(value.split()[0]) // 1024 for name, value in pairs}


def cpu(pid: int) -> float:
    """Seconds it has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def wait_until_idle(pid: int) -> None:
    """The watch begins after the start is over."""
    ends, before = time.monotonic() + WITHIN, -1.0
    while time.monotonic() < ends and (now := cpu(pid)) - before > 0.1:
        before = now
        time.sleep(2)


def drop(place: Path, root: Path) -> dict[str, datetime]:
    """A thousand folders at once, in no order; text -> the time it asks for."""
    times = {}
    for n in range(DROPPED):
        at = datetime(2031, 1, 1, tzinfo=UTC) + timedelta(minutes=(n * 617) % DROPPED)
        times[f"dropped {n}"] = at
        folder = place / f"dropped/{n}"
        folder.mkdir(parents=True)
        (folder / "post.yaml").write_text(
            f"content: dropped {n}\nplatforms: [facebook-1001]\nscheduled_time: {to_service(at)}\n"
        )
    (place / "dropped").rename(root / "dropped")
    return times


def measure_daemon(config: Path, place: Path, root: Path, simulated: Sandbox, rescan: float) -> None:
    starts = []
    for _ in range(STARTS - 1):
        with running(config, place) as (_, took):
            starts.append(took)
    with running(config, place) as (pid, took):
        starts.append(took)
        spread = " ".join(f"{one:.2f}" for one in starts)
        more = statistics.median(starts) - rescan
        say("from start to ready, median", f"one rescan plus {more:.2f} s (target 1; all of it: {spread})")
        wait_until_idle(pid)
        used = cpu(pid)
        time.sleep(IDLE_FOR)
        say("CPU at rest", f"{100 * (cpu(pid) - used) / IDLE_FOR:.2f} % (target under 1)")
        shown = memory(pid)
        say("memory (RSS; peak)", f"{shown['VmRSS']} MiB; {shown['VmHWM']} MiB (target 150 at the peak)")
        began, used = time.monotonic(), cpu(pid)
        times = drop(place, root)
        while time.monotonic() - began < WITHIN:
            scheduled = [g for g in simulated.groups() if g.status == "scheduled" and g.content in times]
            if len(scheduled) == DROPPED:
                break
            time.sleep(0.2)
        took, used = time.monotonic() - began, cpu(pid) - used
        say(f"{DROPPED} folders dropped at once", f"{len(scheduled)} scheduled after {took:.1f} s ({used:.1f} s CPU)")
        made = sorted(scheduled, key=lambda group: group.created_at)
        wanted = {text: n for n, text in enumerate(sorted(times, key=times.__getitem__))}
        off = [abs(n - wanted[group.content]) for n, group in enumerate(made)]
        say("places off the order of their times", f"median {statistics.median(off):.0f}, worst {max(off)}")
        say("memory afterwards (RSS; peak)", "{VmRSS} MiB; {VmHWM} MiB".format(**memory(pid)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--folders", type=int, default=100_000)
    parser.add_argument("--rescan", action="store_true", help="nothing but a rescan")
    parser.add_argument("--at", type=Path, help="where to make the tree; default: the folder for temporary files")
    arguments = parser.parse_args()
    with scratch("scan", arguments.at) as place, Sandbox() as simulated, serve(simulated) as server:
        root = place / "posts"
        say("folders; files", f"{arguments.folders:,}; {3 * arguments.folders:,}")
        make_tree(root, arguments.folders)
        config = write_config(place, root, server.api_url)
        (watched,) = load(config, {}).roots
        make_known(place / "state/state.db", root, config_digest(watched.policy))
        rescan = compare_rescan(config, root)
        if not arguments.rescan:
            measure_daemon(config, place, root, simulated, rescan)


if __name__ == "__main__":
    main()
