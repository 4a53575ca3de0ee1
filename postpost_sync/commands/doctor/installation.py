"""What this installation keeps and runs: its secrets, its database, its daemon."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from postpost_sync.commands.common import opened_store
from postpost_sync.commands.doctor.findings import Finding, Findings, Level, existing, installed
from postpost_sync.config import credentials
from postpost_sync.config.load import Config
from postpost_sync.disk import mounts
from postpost_sync.model.errors import ProgramError, path_name
from postpost_sync.model.program import RootState
from postpost_sync.model.vitals import Vitals
from postpost_sync.store.lock import Lock
from postpost_sync.terminal.words import count


def secrets(config: Config) -> Findings:
    for warning in config.warnings:
        yield Finding(Level.WARNING, "secrets", warning.message, warning.hint)
    db = config.state_db
    files = {config.file} if config.api.key or any(root.api.key for root in config.roots) else set()
    files |= {root.api.key_file for root in config.roots} | {db, db.with_name(db.name + "-wal")}
    warned = {config.file} | {file for file in files if file is not None and not credentials.keeps_modes(file)}
    open_ones = 0
    for file in sorted(file for file in files if file is not None):
        if credentials.is_open(file) and file not in warned:
            open_ones += 1
            message, hint = f"{path_name(file)} can be read by others", f"chmod 600 {path_name(file)}"
            yield Finding(Level.ERROR, "secrets", message, hint)
    if not open_ones and not config.warnings:
        yield Finding(Level.OK, "secrets", "keys and the database are closed to others")


def database(file: Path) -> Findings:
    above = existing(file.parent)
    if mounts.wants_polling(str(above)):
        message = (
            f"{path_name(file)} lies on {mounts.filesystem(str(above)) or 'an unknown file system'}: not safe there"
        )
        yield Finding(Level.ERROR, "database", message, "name a place on a local disk as state_db")
    try:
        exists = file.exists()
    except PermissionError:
        exists = True
    if not exists:
        if os.access(above, os.W_OK):
            yield Finding(Level.OK, "database", f"{path_name(file)} is not there yet; the first start makes it")
        else:
            message = f"{path_name(file)} cannot be made by you"
            yield Finding(
                Level.ERROR, "database", message, f"run this as the daemon's user, or chown {path_name(above)}"
            )
        return
    with opened_store(file, read_only=True) as store:
        known = len(list(store.index()))
        store.check_sound()
    yield Finding(Level.OK, "database", f"{path_name(file)} is sound and knows {count(known, 'folder')}")


def daemon(config: Config) -> Findings:
    lock = Lock(config.state_db)
    if not lock.held():
        if not _readable(lock.path):
            hint = "run this as the daemon's user: sudo -u postpost-sync postpost-sync doctor"
            yield Finding(Level.WARNING, "daemon", "whether it runs cannot be told by you", hint)
            return
        hint = "systemctl start postpost-sync" if installed() else "postpost-sync run"
        missed = ", ".join(_missing_it(config.state_db, lock))
        message = f"none is running on {path_name(config.state_db)}" + (f": {missed}" if missed else "")
        yield Finding(Level.ERROR if missed else Level.WARNING, "daemon", message, hint)
        return
    yield Finding(Level.OK, "daemon", f"it is running on {path_name(config.state_db)}")
    with opened_store(config.state_db, read_only=True) as store:
        statuses, said = store.roots(), Vitals.read(store.overview.vitals()).warnings
    for status in statuses:
        if status.state is not RootState.OK:
            trouble = status.error
            message = trouble.message if trouble else f"{path_name(status.path)} is {status.state.value}"
            yield Finding(Level.WARNING, "daemon", message, trouble.hint if trouble else "")
    for warning in said:
        if warning.code != "TOKEN_EXPIRING":  # that PostPost itself was asked
            yield Finding(Level.WARNING, "daemon", warning.message, warning.hint)


def _missing_it(state_db: Path, lock: Lock) -> Iterator[str]:
    """By what one can tell that one should be running."""
    if lock.left_behind():
        yield "the last one did not stop, but was ended or the machine went down"
    with contextlib.suppress(ProgramError), opened_store(state_db, read_only=True) as store:
        if waiting := len(store.unfinished()):
            yield f"{count(waiting, 'post')} wait{'s' if waiting == 1 else ''} for it"


def _readable(file: Path) -> bool:
    """Whether it can be read, or at least be seen not to be there."""
    try:
        return not file.exists() or os.access(file, os.R_OK)
    except PermissionError:
        return False
