"""How fast `status` answers with ten thousand posts known: `python -m tests.bench.status [--posts 10000]`.

Each row is the median of a few real processes, start and end included, and beside it the target, the ratio to it and the
time on the processor, which says more where the machine is busy. No folder is read: everything comes from the database.
Nothing is asserted: the figures depend on the machine.
"""

from __future__ import annotations

import argparse
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from postpost_sync.model.errors import Finding
from postpost_sync.model.folder import Stat
from postpost_sync.model.record import Group, GroupStage, MediaName, Record, Upload, UploadStage
from postpost_sync.model.states import State
from postpost_sync.store import Store
from postpost_sync.store.rows import as_columns
from tests.bench.scratch import scratch

RUNS = 5
NOW = datetime.now(UTC)
TARGETS = {"text": 0.5, "--json": 0.8, "one folder": 0.15, "--next 7d": 0.5}  # seconds, at 10,000 posts


def make_known(database: Path, root: Path, posts: int) -> None:
    """Most went out, one in ten stands scheduled, one in a hundred needs a person; two pictures each. One transaction."""
    opened = Store.open(database)
    opened.fact("made_at", lambda: "0.0")
    connection = opened._db.conn
    connection.execute("BEGIN IMMEDIATE")
    for key in range(1, posts + 1):
        for table, columns in _rows(key, str(root)):
            marks = ", ".join(f":{name}" for name in columns)
            connection.execute(f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({marks})", columns)  # noqa: S608 - our own names
    connection.execute("COMMIT")
    opened.close()


def _rows(key: int, root: str) -> Iterator[tuple[str, dict[str, Any]]]:
    place = (root, f"{key // 1000:03d}/post {key:06d}", key, 1)
    state = State.INVALID if key % 100 == 0 else State.SCHEDULED if key % 10 == 0 else State.PUBLISHED
    wrong = (
        Finding("UNKNOWN_KEY", 'post.yaml, line 3: "platfroms" is not a key', "did you mean")
        if key % 100 == 0
        else None
    )
    at = NOW + timedelta(hours=key) if state is State.SCHEDULED else NOW - timedelta(hours=key)
    media = tuple(MediaName(f"slide{n}.jpg", 183_204) for n in (1, 2))
    to = ("facebook-1001", "twitter-123")
    more: dict[str, Any] = {"done": True, "time": at, "platforms": to, "media": media, "error": wrong}
    record = Record(key, f"{key:036d}", *place, state, NOW, NOW, "f", NOW, **more)
    yield "folders", as_columns(record)
    if state is State.INVALID:
        return
    stage = GroupStage.SCHEDULED if state is State.SCHEDULED else GroupStage.ENDED
    text = f"Our product lineup for 2026, part {key} -- swipe to see all!\n" + "More words. " * 20
    group = Group(key, stage, f"{key:024x}", NOW, text, to, {}, asked_time=at, answered_time=at)
    yield "groups", {"folder": key, **as_columns(group)}
    for position, one in enumerate(media):
        stat = Stat(one.size, 0, 0, key, 1)
        upload = Upload(position, one.name, one.name, "image/jpeg", stat, UploadStage.STORED, sent=one.size)
        yield "uploads", {"group_key": key, **as_columns(upload)}


def seconds(config: Path, *arguments: str) -> tuple[float, float]:
    """The medians of one command's time from its start to its end, and of its time on the processor."""
    taken, worked = [], []
    for _ in range(RUNS):
        began, before = time.perf_counter(), _worked()
        command = [sys.executable, "-m", "postpost_sync", "-c", str(config), "status", *arguments]
        subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
        taken.append(time.perf_counter() - began)
        worked.append(_worked() - before)
    return statistics.median(taken), statistics.median(worked)


def _worked() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--posts", type=int, default=10_000)
    posts: int = parser.parse_args().posts
    with scratch("status") as place:
        root, config, database = place / "posts", place / "config.yaml", place / "state" / "state.db"
        root.mkdir()
        config.write_text(f"api: {{key: plainly-fake-key}}\nwatch: [{{path: {root}}}]\nstate_db: {database}\n")
        config.chmod(0o600)
        make_known(database, root, posts)
        folder = str(root / f"{posts // 2000:03d}" / f"post {posts // 2:06d}")
        rows = {"text": (), "--json": ("--json",), "one folder": (folder,), "--next 7d": ("--next", "7d")}
        print(f"status, {posts:,} posts    target   seconds   ratio   processor")
        for name, arguments in rows.items():
            took, worked = seconds(config, *arguments)
            ratio = took / TARGETS[name]
            print(f"{name:<22} {TARGETS[name]:9.2f} {took:9.2f} {ratio:7.2f} {worked:11.2f}", flush=True)


if __name__ == "__main__":
    main()
