"""Watch roots that are watched, polled, replaced, away and back; and folders that settle whatever their clocks say."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from postpost_sync import mounts, observing, oddities, scan, watch
from postpost_sync.config import Api, Root
from postpost_sync.log import Log
from postpost_sync.models import Policy, RootState, RootStatus
from postpost_sync.mounts import Mount
from postpost_sync.roots import Roots
from tests.harness import World
from tests.harness import picture as small
from tests.mounting import mounted
from tests.support import REPOSITORY, Rig, until
from tests.test_pipeline import picture, sidecar


class Looked:
    """The roots of a world, looked after as the daemon does; what was made ready for the workers."""

    def __init__(self, world: World, roots: Roots) -> None:
        self.world, self.roots = world, roots

    @property
    def status(self) -> RootStatus:
        return self.roots.statuses()[0]

    def code(self) -> str | None:
        return self.status.error.code if self.status.error else None

    def odd(self) -> list[tuple[str, str]]:
        """The code and the hint of each oddity that is shown."""
        return [(one.finding.code, one.finding.hint) for one in self.status.oddities]

    def watching(self) -> bool:
        return self.status.observer == "native" and self.roots.idle()

    def scanner(self) -> Any:
        return next(iter(self.roots._scanners.values()))

    def folders(self) -> list[str]:
        return [record.path for record in self.world.store.records()]


@contextmanager
def looked_after(
    world: World,
    observer: str = "auto",
    poll: float = 3600.0,
    more: tuple[Path, ...] = (),
    ready: Callable[[int], None] = lambda _: None,
) -> Iterator[Looked]:
    """`poll`: an hour where notifications alone are to be heard of."""
    found = [Root(path, Api(), Policy(), observer, poll) for path in (world.root, *more)]
    errors: list[Exception] = []
    roots = Roots(found, world.sync, world.store, world.names, ready=ready, fatal=errors.append, log=Log())
    ended = threading.Event()

    def look_after() -> None:
        while not ended.wait(0.05):
            roots.look_after()

    thread = threading.Thread(target=look_after)
    roots.start()
    thread.start()
    try:
        until(roots.scanned)
        yield Looked(world, roots)
    finally:
        ended.set()
        thread.join()
        roots.stop(5)
        assert not roots.alive()
        assert errors == []


# --- watched and polled -----------------------------------------------------------------------------------------------


def test_a_local_root_is_watched_and_a_folder_dropped_there_is_found_at_once(world: World) -> None:
    with looked_after(world) as it:
        until(it.watching)
        world.drop("deep/er/post")
        until(lambda: it.folders() == ["deep/er/post"], within=3)
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
    below = (Mount(1, "", "ext4"), Mount(2, "nas", "cifs"), Mount(3, ".snapshots/nas", "nfs"))
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
    monkeypatch.setattr(watch.NativeWatcher, "_pass_on", lambda *_: None)
    with looked_after(world) as it:
        until(it.watching)
        world.drop("post")
        it.roots.scan_all()  # the daemon does, every `rescan`
        until(lambda: it.folders() == ["post"])


def test_the_first_scan_does_not_wait_for_the_watch(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    go_on = threading.Event()
    monkeypatch.setattr(watch.NativeWatcher, "start", lambda self: go_on.wait(10) and None)
    world.drop("post")
    with looked_after(world) as it:
        assert it.roots.scanned()
        assert it.folders() == ["post"]
        go_on.set()


def test_a_root_that_hangs_holds_up_no_other(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    go_on, walk = threading.Event(), scan.walk

    def hanging(root: str, *more: Any, **named: Any) -> Any:
        if root == str(tmp_path / "hangs"):
            go_on.wait(30)
        return walk(root, *more, **named)

    (tmp_path / "hangs").mkdir()
    monkeypatch.setattr(scan, "walk", hanging)
    found = [Root(path, Api(), Policy(), "auto", 3600.0) for path in (tmp_path / "hangs", world.root)]
    roots = Roots(found, world.sync, world.store, world.names, ready=lambda _: None, fatal=print, log=Log())
    world.drop("post")
    began = time.monotonic()
    roots.start()
    try:
        until(lambda: [r.path for r in world.store.records()] == ["post"])
        roots.look_after()
        assert not roots.scanned()
        assert time.monotonic() - began < 5
    finally:
        go_on.set()
        roots.stop(5)


# --- when watching fails ----------------------------------------------------------------------------------------------


@pytest.fixture
def soon_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(observing, "WATCH_AGAIN", (0.5, 600.0))


@pytest.mark.usefixtures("soon_again")
def test_a_reader_that_died_is_bridged_by_polling_and_started_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    with looked_after(world, poll=0.1) as it:
        until(it.watching)
        reader = it.scanner()._observing._watcher._observer._inotify_fd
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
    monkeypatch.setattr(watch.NativeWatcher, "unwatched", lambda self, paths: [p for p in paths if p > "p20"])
    monkeypatch.setattr(watch, "one_more_watch", lambda path: False)
    with looked_after(world, poll=0.1) as it:
        until(lambda: it.status.state is RootState.DEGRADED)
        assert (it.code(), it.status.observer) == ("WATCH_LIMIT", "polling")
        assert it.status.error is not None
        assert it.status.error.hint.startswith("sudo sysctl fs.inotify.max_user_watches=")
        world.drop("later")
        until(lambda: "later" in it.folders())


def test_a_reader_that_is_behind_is_not_taken_for_the_limit(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    behind = ["late"]
    monkeypatch.setattr(watch.NativeWatcher, "unwatched", lambda self, paths: [p for p in paths if p in behind])
    monkeypatch.setattr(observing, "LAGGING_FOR", 1.0)
    world.drop("late")
    with looked_after(world) as it:
        until(it.watching)
        time.sleep(0.3)
        assert it.status.state is RootState.OK
        until(lambda: it.code() == "WATCH_INCOMPLETE")
        behind.clear()


def test_the_real_watch_limit_shows_in_status(pp: Rig) -> None:
    """In a user namespace of its own the process may have 20 watches; watchdog says nothing of the others."""
    for n in range(40):
        pp.drop(f"p{n}/deeper")
    limited = 'echo 20 > /proc/sys/user/max_inotify_watches && exec "$@"'
    prefix = ["unshare", "-Ur", "sh", "-c", limited, "-"]
    if subprocess.run([*prefix, "true"], capture_output=True).returncode:
        pytest.skip("user namespaces are not allowed here")
    process = subprocess.Popen(
        [*prefix, sys.executable, "-m", "postpost_sync", "-c", str(pp.config), "run"],
        cwd=REPOSITORY,
        env={**os.environ, "PYTHONWARNINGS": "error"},
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        until(lambda: (pp.try_status() or {"roots": []})["roots"], within=20)
        until(lambda: pp.status()["roots"][0]["state"] == "degraded", within=20)
        (root,) = pp.status()["roots"]
        assert (root["observer"], root["error"]["code"]) == ("polling", "WATCH_LIMIT")
        pp.drop("later/deeper")
        pp.wait_for("later/deeper", "scheduled")
    finally:
        process.terminate()
        _, said = process.communicate(timeout=15)
    assert 'hint="sudo sysctl fs.inotify.max_user_watches=' in said.replace("\\", "")
    assert "Traceback" not in said


def test_no_instance_of_inotify_left_is_said_with_the_command_and_bridged(pp: Rig) -> None:
    limited = 'echo 0 > /proc/sys/user/max_inotify_instances && exec "$@"'
    prefix = ["unshare", "-Ur", "sh", "-c", limited, "-"]
    if subprocess.run([*prefix, "true"], capture_output=True).returncode:
        pytest.skip("user namespaces are not allowed here")
    process = subprocess.Popen(
        [*prefix, sys.executable, "-m", "postpost_sync", "-c", str(pp.config), "run"],
        cwd=REPOSITORY,
        env={**os.environ, "PYTHONWARNINGS": "error"},
        stderr=subprocess.DEVNULL,
    )
    try:
        until(lambda: [root["state"] for root in (pp.try_status() or {"roots": []})["roots"]] == ["degraded"], 20)
        (root,) = pp.status()["roots"]
        assert (root["observer"], root["error"]["code"]) == ("polling", "WATCH_FAILED")
        assert root["error"]["hint"].startswith("sudo sysctl fs.inotify.max_user_instances=")
        pp.drop("later")
        pp.wait_for("later", "scheduled")
    finally:
        process.terminate()
        process.wait(15)


@pytest.mark.usefixtures("soon_again")
def test_an_overflow_is_noticed_said_and_bridged(world: World) -> None:
    limit = int(Path("/proc/sys/fs/inotify/max_queued_events").read_text())
    if limit > 50_000:
        pytest.skip(f"the kernel keeps {limit} events here")
    said: list[str] = []
    with looked_after(world) as it:
        until(it.watching)
        log = it.scanner()._observing._log
        log.warning = lambda event, **fields: said.append(f"{event} {fields}")
        with it.scanner()._observing._watcher._observer._inotify_fd._lock:  # the reader waits
            for n in range(limit // 2 + 1000):
                os.close(os.open(world.root / f"f{n}", os.O_CREAT | os.O_WRONLY))
            world.drop("post")  # the queue is full: nobody is told of it
        until(lambda: it.folders() == ["post"])
        until(it.watching)
    assert len(said) == 1
    assert "max_queued_events" in said[0]


# --- away, replaced, back ---------------------------------------------------------------------------------------------


def test_a_root_replaced_by_another_is_compared_and_watched_anew(world: World) -> None:
    world.drop("old")
    with looked_after(world) as it:
        until(it.watching)
        world.root.rename(world.root.parent / "aside")
        world.root.mkdir()
        world.drop("new")
        until(lambda: it.folders() == ["old", "new"])
        until(it.watching)
        world.drop("later")
        until(lambda: "later" in it.folders())


def test_a_root_that_comes_later_and_goes_is_away_meanwhile(world: World) -> None:
    world.root.rmdir()
    with looked_after(world, poll=0.1) as it:
        assert (it.status.state, it.code()) == (RootState.AWAY, "ROOT_AWAY")
        world.root.mkdir()
        world.drop("post")
        until(lambda: it.folders() == ["post"])
        until(lambda: it.status.state is RootState.OK)  # said once the whole scan is over
        world.root.rename(world.root.parent / "aside")
        until(lambda: it.status.state is RootState.AWAY)
        (world.root.parent / "aside").rename(world.root)
        until(lambda: it.status.state is RootState.OK)


@pytest.mark.parametrize("left", [[], ["lost+found", ".keep"], ["NOT MOUNTED.txt"]], ids=str)
def test_an_unmounted_root_is_away_whatever_lies_beneath(world: World, left: list[str]) -> None:
    for name in left:
        (world.root / name).touch()
    made_ready: list[int] = []
    with mounted(world.root) as unmount:
        for name in ("one", "two"):
            world.drop(name)
        with looked_after(world, poll=0.1, ready=made_ready.append) as it:
            until(it.watching)
            made_ready.clear()
            unmount()
            until(lambda: it.status.state is RootState.AWAY)
            assert made_ready == []
            assert it.folders() == ["one", "two"]


def test_a_root_unmounted_and_mounted_again_between_two_looks_is_watched_again(world: World, tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    with mounted(world.root, "--bind", str(tmp_path / "disk")) as unmount, looked_after(world) as it:
        until(it.watching)
        unmount()
        subprocess.run(["mount", "--bind", str(tmp_path / "disk"), str(world.root)], check=True)  # noqa: S607
        world.drop("first")
        until(lambda: it.folders() == ["first"])
        until(it.watching)
        world.drop("second")
        until(lambda: it.folders() == ["first", "second"])


@pytest.mark.parametrize("on_remove", ["keep", "cancel"])
def test_a_post_whose_root_is_unmounted_stands(pp: Rig, on_remove: str) -> None:
    pp.configure(top=f"on_remove: {on_remove}\n")
    with mounted(pp.root) as unmount:
        pp.drop("post", sidecar(), {"a.jpg": picture()})
        with pp.daemon():
            pp.wait_for("post", "scheduled")
            unmount()
            until(lambda: pp.status()["roots"][0]["state"] == "away")
            (root,) = pp.status()["roots"]
            assert root["error"]["code"] == "ROOT_AWAY"
            assert pp.post("post")["state"] == "scheduled"
    assert [group.status for group in pp.groups()] == ["scheduled"]


@pytest.mark.parametrize("state", ["missing", "empty", "a file"])
def test_a_root_that_is_not_as_it_was_at_the_start_removes_nothing(world: World, state: str) -> None:
    world.policy = replace(world.policy, cancel_removed=True)
    world.restart()
    time_of_it = world.now + timedelta(days=3)
    world.drop("post", media={"a.jpg": small(1)}, time=time_of_it)
    world.run_until_rest()
    aside = world.root.rename(world.root.parent / "aside")
    if state == "empty":
        world.root.mkdir()
    elif state == "a file":
        world.root.touch()
    world.restart()
    for key in [record.key for record in world.store.records()]:
        world.wake(key, 0.0)
    world.run()
    world.pass_time(7200)
    for key in [record.key for record in world.store.records()]:
        world.wake(key, 0.0)
    world.run()
    assert [g.status for g in world.groups()] == ["scheduled"]
    if world.root.is_dir():
        world.root.rmdir()
    else:
        world.root.unlink(missing_ok=True)
    aside.rename(world.root)
    world.run_until_rest()
    world.once("post", "Fresh roast from the harbour", {"a.jpg": small(1)}, time_of_it)


# --- what is no post --------------------------------------------------------------------------------------------------


def test_media_without_a_sidecar_are_shown_after_a_while_without_another_scan(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(oddities, "NO_SIDECAR_AFTER", 1.0)
    (world.root / "a").mkdir()
    (world.root / "a/1.jpg").write_bytes(small(1))
    (world.root / "b").mkdir()
    (world.root / "b/post.yaml.txt").write_text("content: x\n")
    with looked_after(world) as it:
        until(it.watching)
        assert it.odd() == []
        until(lambda: len(it.odd()) == 2)
        assert {code for code, _ in it.odd()} == {"NO_SIDECAR"}
        assert 'rename "post.yaml.txt" to post.yaml' in [hint for _, hint in it.odd()]
        until(lambda: len(world.store.roots()[0].oddities) == 2)


def test_a_sidecar_in_the_root_is_shown_at_once(world: World) -> None:
    (world.root / "post.yaml").write_text("content: x\n")
    with looked_after(world) as it:
        assert [one.finding.code for one in it.status.oddities] == ["SIDECAR_IN_ROOT"]


# --- settling ---------------------------------------------------------------------------------------------------------

DAY = 86400.0
CLOCKS: dict[
    str, float | None
] = {  # how far the files' clock is ahead of the service's; None: an mtime that stands still
    "its own": 0.0,
    "a day behind": -DAY,
    "a day ahead": DAY,
    "years ahead": 3000 * DAY,
    "preserved": None,
}


@pytest.mark.parametrize("ahead", CLOCKS.values(), ids=CLOCKS)
def test_a_folder_settles_by_what_is_observed_whatever_its_clock_says(world: World, ahead: float | None) -> None:
    """The settle time is 2 s; the file grows every second, and stalls for less than that in between."""
    time_of_it = world.now + timedelta(days=1)
    data = small(1)
    folder = world.drop("post", media={}, time=time_of_it)
    pieces = [data[at : at + 300] for at in range(0, len(data), 300)]
    written = b""
    for piece in pieces:
        written += piece
        (folder / "a.jpg").write_bytes(written)
        stamp = 1_000_000_000 if ahead is None else int(world.now.timestamp() + ahead)  # whole seconds, as FAT has
        os.utime(folder / "a.jpg", (stamp, stamp))
        world.look_around()
        world.advance_time(1.5)
        assert world.state("post") == "settling"
    assert world.groups() == []
    assert world.run_until_rest() <= 3.0
    world.once("post", "Fresh roast from the harbour", {"a.jpg": data}, time_of_it)


def test_a_file_rewritten_in_place_with_its_old_time_is_seen(world: World) -> None:
    time_of_it = world.now + timedelta(days=1)
    folder = world.drop("post", media={"a.jpg": small(1)}, time=time_of_it)
    world.look_around()
    world.advance_time(1.5)
    before = (folder / "a.jpg").stat()
    data = small(1)[:-2] + b"\xff\xd9"
    time.sleep(0.01)  # the kernel's clock for ctime ticks every 4 ms
    (folder / "a.jpg").write_bytes(data)
    os.utime(folder / "a.jpg", ns=(before.st_atime_ns, before.st_mtime_ns))
    world.look_around()
    world.advance_time(1.5)
    assert world.groups() == []
    world.run_until_rest()
    world.once("post", "Fresh roast from the harbour", {"a.jpg": data}, time_of_it)


def test_the_settle_time_runs_anew_at_a_start(world: World) -> None:
    world.drop("post", time=world.now + timedelta(days=1))
    world.look_around()
    world.advance_time(1.5)
    world.restart()
    world.look_around()
    world.advance_time(1.5)
    assert world.groups() == []
    world.advance_time(1.0)
    assert [g.status for g in world.groups()] == ["scheduled"]


@pytest.mark.parametrize("name", [".a.jpg.Xy12Ab", "a.jpg.part", ".syncthing.a.jpg.tmp", "a.jpg.crdownload"])
def test_a_transfer_under_way_holds_its_folder_and_a_dead_one_does_not(world: World, name: str) -> None:
    folder = world.drop("post", time=world.now + timedelta(days=1))
    (folder / name).write_bytes(b"half")
    stamp = world.now.timestamp()
    os.utime(folder / name, (stamp, stamp))
    world.look_around()
    world.advance_time(1800)
    assert (world.groups(), world.state("post")) == ([], "settling")
    world.advance_time(1900)
    assert [g.status for g in world.groups()] == ["scheduled"]


def test_a_temporary_that_is_renamed_into_place_lets_go(world: World) -> None:
    folder = world.drop("post", time=world.now + timedelta(days=1), media={})
    (folder / "a.jpg.part").write_bytes(small(1))
    stamp = world.now.timestamp()
    os.utime(folder / "a.jpg.part", (stamp, stamp))
    world.look_around()
    world.advance_time(60)
    assert world.groups() == []
    (folder / "a.jpg.part").rename(folder / "a.jpg")
    world.look_around()
    world.advance_time(65)
    (group,) = world.groups()
    assert (group.status, len(group.media)) == ("scheduled", 1)


def test_an_empty_file_is_waited_for_and_then_said(world: World) -> None:
    folder = world.drop("post", time=world.now + timedelta(days=1), media={"a.jpg": b""})
    world.look_around()
    world.advance_time(5)
    assert (world.state("post"), world.code("post")) == ("settling", "MEDIA_EMPTY")
    world.advance_time(30)
    assert (world.state("post"), world.code("post")) == ("invalid", "MEDIA_EMPTY")
    (folder / "a.jpg").write_bytes(small(1))
    world.run_until_rest()
    assert [g.status for g in world.groups()] == ["scheduled"]


def test_conflict_copies_are_a_warning_and_left_out(pp: Rig) -> None:
    data = picture()
    copies = ["a.sync-conflict-20261124-1.jpg", "a (Ann's conflicted copy 2026-11-24).jpg", "a (Case Conflict).jpg"]
    media = {name: picture(seed=n) for n, name in enumerate(copies)} | {"a.jpg": data}
    pp.drop("post", sidecar(platforms="[mastodon-109348]"), media)
    assert pp.run_once() == 0
    post = pp.post("post")
    assert [w["code"] for w in post["warnings"]] == ["CONFLICT_COPY"] * 3
    assert [m["file"] for m in post["media"]] == ["a.jpg"]
    assert json.dumps(post["warnings"]).count("conflict copy") == 3
