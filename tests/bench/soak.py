"""What lasts while folders come, change and go: `python -m tests.bench.soak [--minutes 30] [--folders 200] [--rate 4]`.

The real daemon serves a root of so many folders, in which so many things happen a second: a folder is dropped, its text or
picture edited, touched, renamed, its sidecar taken out or written badly, or it is removed, so that there are as many at any
time, and others in the end. The simulated PostPost runs in a process
of its own and publishes what is due. Once a minute the daemon's memory, threads and descriptors are printed; at the end,
how much they grew since the fifth minute (until then caches fill), each with its target, the lines of its log for each
post, the posts that are left unfinished once all is quiet, and what it held for longer than it lasts: the kinds of objects
that became more, and the growth of what Python itself allocated beside that of the process. Nothing is asserted.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import threading
import time
import tracemalloc
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

from postpost_sync.model.times import to_service
from tests.bench.bulk import picture, say
from tests.bench.scratch import scratch

KEY = "plainly-fake-key"
WARM = 5.0  # minutes until memory is compared, or half of all
QUIET = 120.0  # seconds that the last posts may take once nothing happens any more
_SERVER = "from tests.bench.soak import simulate; simulate()"
_WATCHED = "from tests.bench.soak import watched; watched()"
_UNFINISHED = ("settling", "drafting", "uploading")


def simulate() -> None:
    """Serve until standard input ends."""
    from postpost_sync.sandbox import TWIN, Behaviour, Sandbox, serve

    behaviour = replace(TWIN if sys.argv[1] == "twin" else Behaviour(), tick_seconds=5)
    with Sandbox(behaviour=behaviour) as simulated, serve(simulated) as server:
        print(server.api_url, flush=True)
        sys.stdin.read()


def watched() -> None:
    """The daemon; on SIGUSR1 it writes what it holds into the file that is the first argument."""
    from postpost_sync.__main__ import main

    file = Path(sys.argv.pop(1))

    def tell(*_: object) -> None:
        threading.Thread(target=_take_stock, args=(file,), daemon=True).start()

    signal.signal(signal.SIGUSR1, tell)
    sys.exit(main(sys.argv[1:]))


def _take_stock(file: Path) -> None:
    gc.collect()
    held = Counter(f"{type(one).__module__}.{type(one).__qualname__}" for one in gc.get_objects())
    lines: dict[str, int] = {}
    if tracemalloc.is_tracing():
        for one in tracemalloc.take_snapshot().statistics("lineno"):
            frame = one.traceback[0]
            lines["/".join(Path(frame.filename).parts[-3:]) + f":{frame.lineno}"] = one.size
    stock = {"objects": held, "blocks": sys.getallocatedblocks(), "lines": lines}
    file.with_suffix(".new").write_text(json.dumps(stock))
    file.with_suffix(".new").rename(file)


# --- what happens -----------------------------------------------------------------------------------------------------


class Churn:
    """So many folders, and what people do to them."""

    def __init__(self, root: Path, folders: int, seed: int) -> None:
        self.root, self.most, self.dropped = root, folders, 0
        self._random, self._there, self._number = random.Random(seed), list[Path](), 0  # noqa: S311 - no secret

    @property
    def there(self) -> int:
        return len(self._there)

    def once(self) -> None:
        deeds: list[tuple[int, Callable[[Path], None]]] = [
            (4, self._text),
            (2, self._picture),
            (2, self._touch),
            (1, self._rename),
            (1, self._badly),
            (1, self._without_sidecar),
            (6, self._remove),
        ]
        if len(self._there) < self.most and self._random.random() < 0.8:
            self._drop()
            return
        weights, acts = zip(*deeds, strict=True)
        (act,) = self._random.choices(acts, weights)
        act(self._random.choice(self._there))

    def fill(self) -> None:
        while len(self._there) < self.most:
            self._drop()

    def _drop(self) -> None:
        self.dropped += 1
        folder = self.root / f"group{self.dropped % 20}" / f"post{self.dropped}"
        folder.mkdir(parents=True)
        self._there.append(folder)
        self._picture(folder)
        self._text(folder)

    def _text(self, folder: Path) -> None:
        self._number += 1
        ahead = self._random.choice(
            [None, "now", 150, 300, 600]
        )  # soon: else ever more posts stand whose folders are gone
        at = ahead if isinstance(ahead, str) else None
        if isinstance(ahead, int):
            at = to_service(datetime.now(UTC) + timedelta(seconds=ahead))
        when = f"scheduled_time: {at}\n" if at else ""
        text = f"content: text {self._number} {'x' * self._random.randrange(400)}\nplatforms: [facebook-1001]\n{when}"
        self._put(folder / "post.yaml", text.encode())

    def _picture(self, folder: Path) -> None:
        self._number += 1
        self._put(folder / f"{self._random.randrange(3)}.jpg", picture(self._number))

    def _touch(self, folder: Path) -> None:
        for file in folder.glob("*.jpg"):
            os.utime(file)

    def _rename(self, folder: Path) -> None:
        self._there.remove(folder)
        self._there.append(folder.rename(folder.with_name(f"{folder.name[:40]}x")))

    def _badly(self, folder: Path) -> None:
        self._put(folder / "post.yaml", b"content: [\n")

    def _without_sidecar(self, folder: Path) -> None:
        (folder / "post.yaml").unlink(missing_ok=True)

    def _remove(self, folder: Path) -> None:
        self._there.remove(folder)
        while folder.exists():  # a status file may be written meanwhile
            shutil.rmtree(folder, ignore_errors=True)

    def mend(self) -> None:
        """Every sidecar is there again, and right."""
        for folder in self._there:
            self._text(folder)

    def _put(self, path: Path, data: bytes) -> None:
        new = path.with_name(f".{path.name}.new")
        new.write_bytes(data)
        new.replace(path)


# --- what it takes ----------------------------------------------------------------------------------------------------


class Sample(NamedTuple):
    minute: float
    memory: float  # MB, resident
    threads: int
    descriptors: int
    lines: int

    @classmethod
    def of(cls, pid: int, began: float, log: Path) -> Sample:
        facts = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines() if ":" in line)
        memory, threads = int(facts["VmRSS"].split()[0]) * 1024 / 10**6, int(facts["Threads"])
        lines = log.read_bytes().count(b"\n")
        return cls((time.monotonic() - began) / 60, memory, threads, len(os.listdir(f"/proc/{pid}/fd")), lines)


def stock(process: subprocess.Popen[str], file: Path) -> Any:
    file.unlink(missing_ok=True)
    process.send_signal(signal.SIGUSR1)
    ends = time.monotonic() + 60
    while not file.exists() and time.monotonic() < ends:
        time.sleep(0.2)
    return json.loads(file.read_text())


def unfinished(config: Path) -> list[str]:
    command = [sys.executable, "-m", "postpost_sync", "-c", str(config), "status", "--json"]
    answer = subprocess.run(command, capture_output=True, text=True, check=False).stdout
    posts = json.loads(answer)["posts"] if answer else []
    # what is gone is waited for, for a while
    there = (post for post in posts if Path(post["folder"], "post.yaml").exists())
    return [f"{post['folder']}: {post['state']} {post['error']}" for post in there if post["state"] in _UNFINISHED]


def measure(arguments: argparse.Namespace, place: Path, process: subprocess.Popen[str], config: Path) -> None:
    churn = Churn(place / "posts", arguments.folders, arguments.seed)
    churn.fill()
    began = time.monotonic()
    ends, next_sample = began + 60 * arguments.minutes, began + 60
    before: Any = None
    samples: list[Sample] = []
    while time.monotonic() < ends and process.poll() is None:
        churn.once()
        if before is None and time.monotonic() - began >= 60 * min(WARM, arguments.minutes / 2):
            before = stock(process, place / "stock.json")
            samples.append(Sample.of(process.pid, began, place / "log"))
        if time.monotonic() >= next_sample:
            next_sample += 60
            now = Sample.of(process.pid, began, place / "log")
            shown = f"{now.memory:.1f} MB, {now.threads} threads, {now.descriptors} descriptors, {now.lines} lines"
            say(f"minute {now.minute:.0f}, {churn.dropped} posts dropped, {churn.there} there", shown)
        time.sleep(1 / arguments.rate)
    last = Sample.of(process.pid, began, place / "log")
    after = stock(process, place / "stock.json")
    churn.mend()
    quiet_since, left = time.monotonic(), ["not looked yet"]
    while left and time.monotonic() - quiet_since < QUIET:
        time.sleep(5)
        left = unfinished(config)
    first = samples[0]
    say(f"memory since minute {first.minute:.0f}", f"{last.memory - first.memory:+.1f} MB (target: less than 2)")
    threads, descriptors = last.threads - first.threads, last.descriptors - first.descriptors
    say("threads, descriptors", f"{threads:+d}, {descriptors:+d} (target: within what is under way, 16)")
    say("lines of the log a post", f"{last.lines / max(1, churn.dropped):.1f} (target: 20, with every edit of it)")
    say("posts unfinished at the end", f"{len(left)} (target 0)" + "".join(f"\n  {one}" for one in left[:10]))
    say("Python's own blocks", f"{after['blocks'] - before['blocks']:+,}")
    for kind, more in (Counter(after["objects"]) - Counter(before["objects"])).most_common(arguments.kinds):
        say(f"  {kind}", f"{more:+,} of {after['objects'][kind]:,}")
    for line, more in (Counter(after["lines"]) - Counter(before["lines"])).most_common(arguments.kinds):
        say(f"  {line}", f"{more / 1000:+,.0f} kB of {after['lines'][line] / 1000:,.0f}")


@contextmanager
def served(twin: str) -> Iterator[str]:
    command = [sys.executable, "-c", _SERVER, twin]
    server = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert server.stdout is not None
    try:
        yield server.stdout.readline().strip()
    finally:
        server.kill()
        server.wait()


def soak(arguments: argparse.Namespace, place: Path) -> None:
    (place / "posts").mkdir()
    config = place / "config.yaml"
    with served("twin" if arguments.twin else "plain") as api, (place / "log").open("w") as log:
        config.write_text(
            f"api: {{base_url: '{api}', key: {KEY}}}\nwatch:\n  - path: {place / 'posts'}\n    settle: 500ms\n"
            f"state_db: {place / 'state/state.db'}\nrescan: 20s\non_remove: cancel\nduplicates: allow\n"
        )
        config.chmod(0o600)
        command = [sys.executable, "-c", _WATCHED, str(place / "stock.json"), "-c", str(config), "run"]
        trace = {"PYTHONTRACEMALLOC": "1"} if arguments.trace else {}
        process = subprocess.Popen(command, stderr=log, text=True, env={**os.environ, **trace})
        try:
            time.sleep(3)
            measure(arguments, place, process, config)
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(60)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--folders", type=int, default=200, help="at any time")
    parser.add_argument("--rate", type=float, default=4.0, help="things that happen a second")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--kinds", type=int, default=12, help="of objects that are shown")
    parser.add_argument("--twin", action="store_true", help="answer as the twin product does")
    parser.add_argument("--trace", action="store_true", help="say which lines allocated what stays; slow")
    arguments = parser.parse_args()
    with scratch("soak") as place:
        soak(arguments, place)


if __name__ == "__main__":
    main()
