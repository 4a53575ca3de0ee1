"""The kernel's limits for watching folders, and what is in use of them."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from postpost_sync.commands.doctor.findings import Finding, Findings, Level
from postpost_sync.config.load import Config
from postpost_sync.disk import mounts
from postpost_sync.store.lock import Lock

INOTIFY = Path("/proc/sys/fs/inotify")
RAISE = "sysctl -w fs.inotify.max_user_watches=1048576 fs.inotify.max_user_instances=1024"


def check(config: Config) -> Findings:
    watches, instances = _limit("max_user_watches"), _limit("max_user_instances")
    if watches is None or instances is None:
        return
    used_watches, used_instances = used()
    roots = [root.path for root in config.roots if not root.polled(remote=mounts.wants_polling(str(root.path)))]
    needed = sum(folders(root) for root in roots if root.is_dir())
    message = (
        f"{used_watches:,} of {watches:,} watches and {used_instances:,} of {instances:,} instances are in use; "
        f"the roots need {needed:,} and {len(roots):,}"
    )
    running = Lock(config.state_db).held()  # then they are among those in use
    short = (
        needed > watches - (0 if running else used_watches)
        or used_instances + (0 if running else len(roots)) > instances
    )
    yield Finding(Level.WARNING if short else Level.OK, "inotify", message, RAISE if short else "")


def _limit(name: str) -> int | None:
    try:
        return int((INOTIFY / name).read_text())
    except (OSError, ValueError):
        return None


def free_watches() -> int:
    limit = _limit("max_user_watches")
    return 1 << 62 if limit is None else limit - used()[0]


def used() -> tuple[int, int]:
    """Watches and instances in use by this user, whose limits they are."""
    found = [used_by(process) for process in Path("/proc").glob("[0-9]*")]
    return sum(watches for watches, _ in found), sum(instances for _, instances in found)


def used_by(process: Path) -> tuple[int, int]:
    """By one, of which this is the folder below /proc; none where it is another user's."""
    watches = instances = 0
    with contextlib.suppress(OSError):  # it has ended, or is not ours to look at
        if process.stat().st_uid != os.geteuid():
            return 0, 0
        for fd in (process / "fd").iterdir():
            if os.readlink(fd) == "anon_inode:inotify":
                instances += 1
                watches += (process / "fdinfo" / fd.name).read_text().count("inotify wd:")
    return watches, instances


def folders(root: Path) -> int:
    return sum(1 for _ in os.walk(root))
