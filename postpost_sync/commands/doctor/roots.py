"""The watch roots: are they there, how are they watched, and is a change really noticed?"""

from __future__ import annotations

import contextlib
import os
import threading
import time

from postpost_sync.commands.doctor import inotify
from postpost_sync.commands.doctor.findings import Finding, Findings, Level
from postpost_sync.config.load import Root
from postpost_sync.disk import mounts, watcher
from postpost_sync.model.errors import path_name
from postpost_sync.post.names import Names

NOTICED_WITHIN = 5.0  # seconds a change in a root may take to be noticed


def check(root: Root) -> Findings:
    what = name(root)
    if not root.path.is_dir():
        there = root.path.exists()
        message = "it is not a folder" if there else "it is not there; its posts wait until it is"
        yield Finding(
            Level.ERROR,
            what,
            message,
            "correct path: in the config" if there else f"mount it, or mkdir -p {path_name(root.path)}",
        )
        return
    if not os.access(root.path, os.R_OK | os.X_OK):
        message = "it may not be read by you"
        yield Finding(
            Level.ERROR,
            what,
            message,
            f"give the daemon's user access: setfacl -Rm u:USER:rwX {path_name(root.path)}",
        )
        return
    kind = mounts.filesystem(str(root.path)) or "an unknown file system"
    remote = mounts.wants_polling(str(root.path))
    polls = root.polled(remote=remote)
    if root.observer == "native" and remote:
        message = f"observer is native, but on {kind} the kernel does not hear of every change"
        yield Finding(Level.WARNING, what, message, "write observer: auto for it")
    elif root.observer != "auto":
        yield Finding(Level.OK, what, f"on {kind}, {'polled' if polls else 'watched natively'}: the config says so")
    elif polls:
        why = f"on {kind}, polled every {root.poll_interval:g} s: the kernel does not hear of changes from elsewhere"
        yield Finding(Level.OK, what, why)
    else:
        yield Finding(Level.OK, what, f"on {kind}, watched natively: the kernel tells of every change")
    if not os.access(root.path, os.W_OK):
        calendar = ", and the calendar into the root" if root.calendar else ""
        message = f"it may not be written by you: a post's status file is written beside it{calendar}"
        yield Finding(
            Level.WARNING,
            what,
            message,
            f"give the daemon's user access: setfacl -Rm u:USER:rwX {path_name(root.path)}",
        )
        return
    yield _noticed(root, what, polls=polls)


class _TestFileOnly(Names):
    """Ignores everything but the test file, which the daemon ignores."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self._name = name

    def ignored(self, name: str) -> bool:
        return name != self._name


def _noticed(root: Root, what: str, *, polls: bool) -> Finding:
    """Put a test file into the root, and see whether the observer that is used there hears of it."""
    name = f".postpost-sync-doctor-{os.getpid()}.tmp"
    file = root.path / name
    heard = threading.Event()
    native = None
    if not polls:
        if (missing := inotify.folders(root.path) - inotify.free_watches()) > 0:
            message = f"its folders need {missing:,} more watches than are free: it is polled instead"
            return Finding(Level.WARNING, what, message, inotify.RAISE)
        native = watcher.NativeWatcher(str(root.path), _TestFileOnly(name), lambda *_: heard.set(), lambda: None)
        if (trouble := native.start()) is not None:
            return Finding(Level.WARNING, what, trouble.message, trouble.hint)
    try:
        began = time.monotonic()
        file.touch(exist_ok=False)
        seen = name in os.listdir(root.path) if native is None else heard.wait(NOTICED_WITHIN)
        took = time.monotonic() - began
    except OSError as error:
        message = f"a test file cannot be made: {error.strerror}"
        return Finding(Level.WARNING, what, message, f"check the rights: ls -ld {path_name(root.path)}")
    finally:
        with contextlib.suppress(OSError):
            file.unlink(missing_ok=True)
        if native is not None:
            native.stop()
    if seen:
        return Finding(Level.OK, what, f"a test file was noticed within {max(took, 0.01):.2f} s")
    message = f"a test file was not noticed within {NOTICED_WITHIN:.0f} s; only the rescan sees changes"
    return Finding(Level.WARNING, what, message, "write observer: polling for it")


def name(root: Root) -> str:
    return f"root {path_name(root.path)}"
