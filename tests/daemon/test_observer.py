"""How a root is observed: watched, polled, and bridged by polling where watching fails."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from postpost_sync.config.load import Api, Root
from postpost_sync.daemon import observer, scanner
from postpost_sync.daemon.roots import Roots
from postpost_sync.disk import mounts, scan, watcher
from postpost_sync.disk.mounts import Mount
from postpost_sync.log import Log
from postpost_sync.model.post import Policy
from postpost_sync.model.program import RootState
from tests.support.rig import HANG, REPOSITORY, Rig, until
from tests.support.watched_roots import looked_after
from tests.support.world import World


def test_a_local_root_is_watched_and_a_folder_dropped_there_is_found_at_once(world: World) -> None:
    with looked_after(world) as it:
        until(it.watching)
        world.drop("deep/er/post")
        until(lambda: it.folders() == ["deep/er/post"])
        assert it.status.state is RootState.OK


def test_a_polled_root_is_walked_again_and_again(world: World) -> None:
    with looked_after(world, "polling", poll=0.2) as it:
        world.drop("post")
        until(lambda: it.folders() == ["post"])
        assert it.status.observer == "polling"


def test_network_mounts_are_polled_and_local_ones_are_not(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mounts, "mounts_at", lambda root: (Mount(1, "", "nfs4"),))
    with looked_after(world, poll=0.2) as it:
        world.drop("post")
        until(lambda: it.folders() == ["post"])
        assert it.status.observer == "polling"


def test_a_network_mount_below_a_local_root_is_polled(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    below = (
        Mount(1, "", "ext4", "8:1", "/posts"),
        Mount(2, "nas", "cifs", "0:41", "/"),
        Mount(3, ".snapshots/nas", "nfs", "0:42", "/"),
    )
    monkeypatch.setattr(mounts, "mounts_at", lambda root: below)
    walked: list[str] = []
    walk = scan.walk

    def noted(root: str, names: Any, start: str = "", *more: Any, **named: Any) -> Any:
        walked.append(start)
        return walk(root, names, start, *more, **named)

    monkeypatch.setattr(scan, "walk", noted)
    (world.root / "nas").mkdir()
    with looked_after(world, poll=0.1) as it:
        until(it.watching)
        until(lambda: walked.count("nas") > 3)
        assert set(walked) == {"", "nas"}


def test_no_notification_is_needed(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watcher.NativeWatcher, "_pass_on", lambda *_: None)
    with looked_after(world) as it:
        until(it.watching)
        world.drop("post")
        it.roots.scan_all()  # the daemon does, every `rescan`
        until(lambda: it.folders() == ["post"])


def test_the_first_scan_does_not_wait_for_the_watch(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    go_on = threading.Event()
    monkeypatch.setattr(watcher.NativeWatcher, "start", lambda self: go_on.wait(60) and None)
    world.drop("post")
    with looked_after(world) as it:
        assert it.roots.scanned()
        assert it.folders() == ["post"]
        go_on.set()


def test_a_root_that_hangs_when_it_is_to_be_watched_is_said(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    go_on = threading.Event()
    monkeypatch.setattr(scanner, "SILENT_AFTER", 0.5)
    monkeypatch.setattr(watcher.NativeWatcher, "start", lambda self: go_on.wait(60) and None)
    with looked_after(world) as it:
        try:
            until(lambda: it.code() == "ROOT_SILENT")
        finally:
            go_on.set()
        until(lambda: it.status.state is RootState.OK)


def test_a_root_that_hangs_holds_up_no_other(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    go_on, walk = threading.Event(), scan.walk

    def hanging(root: str, *more: Any, **named: Any) -> Any:
        if root == str(tmp_path / "hangs"):
            go_on.wait(60)
        return walk(root, *more, **named)

    (tmp_path / "hangs").mkdir()
    monkeypatch.setattr(scan, "walk", hanging)
    found = [Root(path, Api(), Policy(), "auto", 3600.0) for path in (tmp_path / "hangs", world.root)]
    roots = Roots(
        found, world.watched, world.store, ready=lambda _: None, silent=world.sync.go_on_without, fatal=print, log=Log()
    )
    world.drop("post")
    roots.start()
    try:
        until(lambda: [r.path for r in world.store.records()] == ["post"])
        roots.look_after()
        assert not roots.scanned()
        assert not go_on.is_set(), "it hung all the while"
    finally:
        go_on.set()
        roots.stop(5)


@pytest.fixture
def soon_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(observer, "WATCH_AGAIN", (0.5, 600.0))


@pytest.mark.usefixtures("soon_again")
def test_a_reader_that_died_is_bridged_by_polling_and_started_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    with looked_after(world, poll=0.1) as it:
        until(it.watching)
        reader = it.scanner()._observer._watcher._observer.reader
        monkeypatch.setattr(reader, "handle_event", lambda *_: 1 / 0)
        world.drop("first")
        until(lambda: it.status.state is RootState.DEGRADED)
        assert (it.code(), it.status.observer) == ("WATCH_DIED", "polling")
        assert [status.state for status in world.store.roots()] == [RootState.DEGRADED]
        until(lambda: it.folders() == ["first"])
        until(it.watching)
        assert (it.status.state, it.code()) == (RootState.OK, None)
        world.drop("second")
        until(lambda: it.folders() == ["first", "second"])


def test_too_few_watches_degrade_to_polling_and_name_the_command(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    for n in range(30):
        world.drop(f"p{n:02d}")
    monkeypatch.setattr(watcher.NativeWatcher, "unwatched", lambda self, paths: [p for p in paths if p > "p20"])
    monkeypatch.setattr(watcher, "one_more_watch", lambda path: False)
    with looked_after(world, poll=0.1) as it:
        until(lambda: it.status.state is RootState.DEGRADED)
        assert (it.code(), it.status.observer) == ("WATCH_LIMIT", "polling")
        assert it.status.error is not None
        assert it.status.error.hint.startswith("sudo sysctl fs.inotify.max_user_watches=")
        world.drop("later")
        until(lambda: "later" in it.folders())


def test_a_reader_that_is_behind_is_not_taken_for_the_limit(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    behind = ["late"]
    monkeypatch.setattr(watcher.NativeWatcher, "unwatched", lambda self, paths: [p for p in paths if p in behind])
    monkeypatch.setattr(observer, "LAGGING_FOR", 1.0)
    world.drop("late")
    with looked_after(world) as it:
        until(it.watching)
        time.sleep(0.3)
        assert it.status.state is RootState.OK
        until(lambda: it.code() == "WATCH_INCOMPLETE")
        behind.clear()


@contextmanager
def limited_to(pp: Rig, limit: str) -> Iterator[list[str]]:
    """The daemon in a user namespace of its own, where a limit of inotify is set; in the end what it said."""
    prefix = ["unshare", "-Ur", "sh", "-c", f'echo {limit} && exec "$@"', "-"]
    if subprocess.run([*prefix, "true"], capture_output=True).returncode:
        pytest.skip("user namespaces are not allowed here")
    process = subprocess.Popen(
        [*prefix, sys.executable, "-m", "postpost_sync", "-c", str(pp.config), "run"],
        cwd=REPOSITORY,
        env={**os.environ, "PYTHONWARNINGS": "error"},
        stderr=subprocess.PIPE,
        text=True,
    )
    said: list[str] = []
    try:
        yield said
    finally:
        process.terminate()
        said.append(process.communicate(timeout=HANG)[1])


def degraded(pp: Rig) -> bool:
    return [root["state"] for root in (pp.try_status() or {"roots": []})["roots"]] == ["degraded"]


def test_the_real_watch_limit_shows_in_status(pp: Rig) -> None:
    """The process may have 20 watches; watchdog says nothing of the others."""
    for n in range(40):
        pp.drop(f"p{n}/deeper")
    with limited_to(pp, "20 > /proc/sys/user/max_inotify_watches") as said:
        until(lambda: degraded(pp))
        (root,) = pp.status()["roots"]
        assert (root["observer"], root["error"]["code"]) == ("polling", "WATCH_LIMIT")
        pp.drop("later/deeper")
        pp.wait_for("later/deeper", "scheduled")
    assert 'hint="sudo sysctl fs.inotify.max_user_watches=' in said[0].replace("\\", "")
    assert "Traceback" not in said[0]


def test_no_instance_of_inotify_left_is_said_with_the_command_and_bridged(pp: Rig) -> None:
    with limited_to(pp, "0 > /proc/sys/user/max_inotify_instances"):
        until(lambda: degraded(pp))
        (root,) = pp.status()["roots"]
        assert (root["observer"], root["error"]["code"]) == ("polling", "WATCH_FAILED")
        assert root["error"]["hint"].startswith("sudo sysctl fs.inotify.max_user_instances=")
        pp.drop("later")
        pp.wait_for("later", "scheduled")


@pytest.mark.usefixtures("soon_again")
def test_an_overflow_is_noticed_said_and_bridged(world: World) -> None:
    limit = int(Path("/proc/sys/fs/inotify/max_queued_events").read_text())
    if limit > 50_000:
        pytest.skip(f"the kernel keeps {limit} events here")
    said: list[str] = []
    with looked_after(world) as it:
        until(it.watching)
        log = it.scanner()._observer._log
        log.warning = lambda event, **fields: said.append(f"{event} {fields}")
        with it.scanner()._observer._watcher._observer.reader._lock:  # the reader waits
            for n in range(limit // 2 + 1000):
                os.close(os.open(world.root / f"f{n}", os.O_CREAT | os.O_WRONLY))
            world.drop("post")  # the queue is full: nobody is told of it
        until(lambda: bool(said))  # it may be found before by looking around
        until(lambda: it.folders() == ["post"])
        until(it.watching)
    assert len(said) == 1
    assert "max_queued_events" in said[0]
