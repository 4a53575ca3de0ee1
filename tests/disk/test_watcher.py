"""Notifications as hints, and that it shows when they can no longer be relied on."""

from __future__ import annotations

import os
import queue
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from postpost_sync.disk import watcher
from postpost_sync.disk.watcher import NativeWatcher, too_few_watches
from postpost_sync.post.names import Names
from tests.support.rig import HANG, REPOSITORY, until

# --- hints ------------------------------------------------------------------------------------------------------------


class Heard:
    """A watcher on a root, and what it said."""

    def __init__(self, root: Path) -> None:
        self.root, self.doubts = root, 0
        self.hints: queue.Queue[tuple[str, bool]] = queue.Queue()
        self.watcher = NativeWatcher(str(root), Names(), self._hint, self._doubt)

    @property
    def observer(self) -> Any:
        return self.watcher._observer

    def _hint(self, path: str, below: bool) -> None:
        if "raise" in path:
            raise RuntimeError("a defect")
        self.hints.put((path, below))

    def _doubt(self) -> None:
        self.doubts += 1

    def wait_for(self, path: str, below: bool) -> None:
        said = []
        try:
            while (hint := self.hints.get(timeout=HANG)) != (path, below):
                said.append(hint)
        except queue.Empty:
            raise AssertionError(f"nothing about {path}, only {said}") from None

    def trouble(self, within: float = HANG) -> str | None:
        ends = time.monotonic() + within
        while (found := self.watcher.trouble()) is None and time.monotonic() < ends:
            time.sleep(0.02)
        return found.code if found else None


@pytest.fixture
def heard(tmp_path: Path) -> Iterator[Heard]:
    root = tmp_path / "root"
    (root / "a/b").mkdir(parents=True)
    one = Heard(root)
    assert one.watcher.start() is None
    yield one
    one.watcher.stop()


def write(path: Path) -> None:
    path.write_text("words")


CHANGES: list[tuple[str, Callable[[Path], object], tuple[str, bool]]] = [
    ("a file is written", lambda root: write(root / "a/b/x"), ("a/b", False)),
    ("a file is moved in", lambda root: (root.parent / "moved").rename(root / "a/b/x"), ("a/b", False)),
    ("a file is linked in", lambda root: (root / "a/x").hardlink_to(root.parent / "moved"), ("a", False)),
    ("a file comes under its own name", lambda root: (root / "a/.tmp").rename(root / "a/x"), ("a", False)),
    ("a file goes", lambda root: (root / "a/old").unlink(), ("a", False)),
    ("a folder comes", lambda root: (root / "a/new").mkdir(), ("a/new", True)),
    ("a folder is moved", lambda root: (root / "a/b").rename(root / "c"), ("c", True)),
    ("a folder is moved away", lambda root: (root / "a/b").rename(root.parent / "c"), ("a/b", True)),
    ("a folder goes", lambda root: (root / "a/b").rmdir(), ("a/b", True)),
]


@pytest.mark.parametrize(("change", "hint"), [row[1:] for row in CHANGES], ids=[row[0] for row in CHANGES])
def test_a_change_is_a_hint_at_its_folder(
    tmp_path: Path, change: Callable[[Path], object], hint: tuple[str, bool]
) -> None:
    root = tmp_path / "root"
    (root / "a/b").mkdir(parents=True)
    for file in ("moved", "root/a/.tmp", "root/a/old"):
        write(tmp_path / file)
    heard = Heard(root)
    heard.watcher.start()
    try:
        change(root)
        heard.wait_for(*hint)
    finally:
        heard.watcher.stop()


def test_a_root_that_is_a_link_is_watched_as_what_it_leads_to(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    heard = Heard(tmp_path / "link")
    heard.watcher.start()
    try:
        assert heard.watcher.trouble() is None
        (tmp_path / "link/new").mkdir()
        heard.wait_for("new", True)
        write(tmp_path / "real/new/x")
        heard.wait_for("new", False)
    finally:
        heard.watcher.stop()


def test_neither_reading_nor_what_is_ignored_is_a_hint(heard: Heard) -> None:
    for name in ("a/.hidden", "a/post.status.yaml", "a/x.part", "@eaDir"):
        write(heard.root / name)
    list(os.scandir(heard.root / "a"))
    (heard.root / "a/.hidden").read_text()
    write(heard.root / "a/b/last")
    heard.wait_for("a/b", False)
    said = [heard.hints.get_nowait() for _ in range(heard.hints.qsize())]
    assert {("a/b", False)} >= set(said)


def test_a_defect_in_what_takes_the_hints_is_a_doubt_and_not_the_end(heard: Heard) -> None:
    (heard.root / "raise").mkdir()
    (heard.root / "after").mkdir()
    heard.wait_for("after", True)
    assert heard.doubts >= 1
    assert heard.watcher.trouble() is None


# --- when it cannot be relied on --------------------------------------------------------------------------------------


def test_a_reader_thread_that_died_shows_and_leaves_no_traceback(
    heard: Heard, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    assert heard.watcher.trouble() is None

    def dies(*_: object) -> None:
        raise KeyError(7)

    monkeypatch.setattr(heard.observer.reader, "handle_event", dies)
    write(heard.root / "x")
    assert heard.trouble() == "WATCH_DIED"
    assert heard.observer.is_alive()  # which is why this is not asked
    assert capfd.readouterr().err == ""


def test_folders_moved_out_and_made_again_are_heard_of_or_it_shows(heard: Heard) -> None:
    """A way in which a reader thread is known to have died."""
    (heard.root / "a").rename(heard.root.parent / "out")
    (heard.root / "a").mkdir()
    time.sleep(0.7)  # until the move counts as one that leads out
    (heard.root / "a").rmdir()
    shutil.rmtree(heard.root.parent / "out")
    time.sleep(0.2)
    (heard.root / "later").mkdir()
    until(lambda: heard.watcher.trouble() is not None or ("later", True) in heard.hints.queue)


def test_watching_ends_with_all_its_threads_although_the_books_of_what_watches_are_wrong(heard: Heard) -> None:
    """As they are at times, where folders change their names in quick succession."""
    observer = heard.observer
    (emitter,) = observer.emitters
    threads = observer, emitter, observer.reader
    assert all(thread.is_alive() for thread in threads)
    emitter._inotify._active_callbacks_by_path.clear()
    heard.watcher.stop()
    assert not any(thread.is_alive() for thread in threads)


def test_a_root_that_is_gone_shows(heard: Heard) -> None:
    shutil.rmtree(heard.root)
    assert heard.trouble() == "WATCH_DIED"


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting needs root")
def test_a_file_system_that_is_taken_away_shows(tmp_path: Path) -> None:
    root = tmp_path / "root"
    root.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "none", str(root)], capture_output=True).returncode:  # noqa: S607
        pytest.skip("mounting is not allowed here")
    heard = Heard(root)
    try:
        assert heard.watcher.start() is None
        assert heard.watcher.trouble() is None
    finally:
        subprocess.run(["umount", str(root)], check=True)  # noqa: S607
    assert heard.trouble() == "WATCH_DIED"
    heard.watcher.stop()


def test_more_than_the_kernel_keeps_shows_with_the_way_out(heard: Heard) -> None:
    limit = int(Path("/proc/sys/fs/inotify/max_queued_events").read_text())
    if limit > 50_000:
        pytest.skip(f"the kernel keeps {limit} events here")
    with heard.observer.reader._lock:  # the reader waits
        for n in range(limit // 2 + 1000):
            os.close(os.open(heard.root / f"f{n}", os.O_CREAT | os.O_WRONLY))
    assert heard.trouble() == "WATCH_OVERFLOW"
    assert heard.doubts == 1
    found = heard.watcher.trouble()
    assert found is not None
    assert found.hint == f"sudo sysctl fs.inotify.max_queued_events={4 * limit}"


def test_folders_that_are_not_watched_are_known(heard: Heard, monkeypatch: pytest.MonkeyPatch) -> None:
    assert heard.watcher.unwatched(["", "a", "a/b"]) == []
    emitter = next(iter(heard.observer.emitters))

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(emitter._inotify._inotify_fd, "add_callback", full)
    (heard.root / "new").mkdir()
    heard.wait_for("new", True)
    assert heard.watcher.unwatched(["a", "new"]) == ["new"]


def test_no_watch_at_all_is_said_at_once(tmp_path: Path) -> None:
    found = NativeWatcher(str(tmp_path / "none"), Names(), lambda *_: None, lambda: None).start()
    assert found is not None
    assert (found.code, "No such file" in found.message) == ("WATCH_FAILED", True)


def test_a_watchdog_with_other_insides_is_said_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "postpost_sync.disk.notifications", raising=False)
    monkeypatch.delattr("watchdog.observers.inotify_c.InotifyFD")
    found = NativeWatcher(str(tmp_path), Names(), lambda *_: None, lambda: None).start()
    assert found is not None
    assert (found.code, found.hint) == ("WATCH_FAILED", "install postpost-sync anew, or set observer: polling")


def test_the_way_out_names_a_limit_that_is_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watcher, "_limit", lambda name: 192536)
    assert too_few_watches(100_000).hint == "sudo sysctl fs.inotify.max_user_watches=524288"
    assert too_few_watches(900_000).hint == "sudo sysctl fs.inotify.max_user_watches=2097152"


def test_a_tree_too_deep_to_be_watched_is_said_and_nothing_of_the_attempt_stays(tmp_path: Path) -> None:
    """Some versions of Python walk no deeper than they can call themselves."""
    root = tmp_path / "root"
    root.mkdir()
    above = os.open(root, os.O_RDONLY)
    for _ in range(1200):
        os.mkdir("d", dir_fd=above)
        inner = os.open("d", os.O_RDONLY, dir_fd=above)
        os.close(above)
        above = inner
    os.close(above)
    threads, descriptors = threading.active_count(), len(os.listdir("/proc/self/fd"))
    watcher = NativeWatcher(str(root), Names(), lambda path, below: None, lambda: None)
    try:
        trouble = watcher.start()
        if sys.version_info >= (3, 12) and trouble is None:
            return  # os.walk does not call itself any more
        assert trouble is not None
        assert trouble.code == "WATCH_FAILED"
        assert "hundreds deep" in trouble.message
        assert (threading.active_count(), len(os.listdir("/proc/self/fd"))) == (threads, descriptors)
    finally:
        watcher.stop()
        subprocess.run(["/bin/rm", "-rf", str(root)], check=True)  # shutil walks no deeper either


NOBODY = 65534
AS_NOBODY = f"""
import os, sys
import postpost_sync.disk.notifications
from postpost_sync.post.names import Names
from postpost_sync.disk.watcher import NativeWatcher
os.setuid({NOBODY})
watcher = NativeWatcher(sys.argv[1], Names(), lambda path, below: None, lambda: None)
print(watcher.start(), watcher.unwatched(["", "a"]))
watcher.stop()
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_a_folder_that_may_not_be_read_is_not_watched_and_no_warning_on_the_screen() -> None:
    public = Path(tempfile.mkdtemp(prefix="postpost-sync-test-"))
    try:
        public.chmod(0o755)
        for name in "abc":
            (public / name).mkdir(mode=0o700)
        command = [sys.executable, "-c", AS_NOBODY, str(public)]
        ended = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True)
        assert (ended.stdout, ended.stderr) == ("None ['a']\n", "")
    finally:
        shutil.rmtree(public)
