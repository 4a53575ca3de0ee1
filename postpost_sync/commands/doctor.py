"""`doctor`: checks everything the daemon depends on, one finding each, with the command that mends it.

The checks are independent: one that fails, even by a defect of its own, never stops the others. Nothing is changed: the
test file in each root is a dot-named temporary that the daemon ignores, and is removed again.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import sqlite3
import tempfile
import threading
import time
import zoneinfo
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from functools import partial
from importlib import metadata
from pathlib import Path

import click

from postpost_sync import config as configs
from postpost_sync import media, mounts, probe, upload, watch
from postpost_sync.api import PostPost
from postpost_sync.commands.common import opened_store
from postpost_sync.config import CREDENTIAL, Config, ConfigError, Root, api_key
from postpost_sync.errors import KeyRefused, PostError, ProgramError, printable
from postpost_sync.lock import Lock
from postpost_sync.models import Connection, RootState
from postpost_sync.names import Names
from postpost_sync.times import TimeProblem, parse_service_time, zone

CREDSTORE = Path("/etc/credstore")  # where the system service's LoadCredential= finds the key
INOTIFY = Path("/proc/sys/fs/inotify")
UNITS = ("/etc/systemd/system", "/usr/lib/systemd/system", "/usr/local/lib/systemd/system")
ANSWER_WITHIN = 60.0  # seconds one check may take
NOTICED_WITHIN = 5.0  # seconds a change in a root may take to be noticed
SKEW = timedelta(seconds=30)  # of the clock; what is less harms nobody
SPACE_NEEDED, SPACE_WANTED = 20_000_000, 200_000_000  # bytes free for the database
ROOT_SPACE = 1_000_000  # bytes free for status files
ZONES_AGE = 3  # years after which time zone data is old
_PNG = bytes.fromhex(  # one grey pixel
    "89504e470d0a1a0a0000000d49484452000000010000000108000000003a7e9b550000000a49444154789c636800000082"
    "008177cd72b60000000049454e44ae426082"
)


class Level(StrEnum):
    OK = "ok"
    WARNING = "warning"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class Finding:
    """`what` was looked at, and what was found; `hint` is the way out."""

    level: Level
    what: str
    message: str
    hint: str = ""


Findings = Iterator[Finding]


def doctor(option: str | None, *, as_json: bool) -> int:
    findings = list(_examine(option, os.environ))
    if as_json:
        shown = {"version": 1, "findings": [asdict(finding) for finding in findings]}
        click.echo(json.dumps(shown, ensure_ascii=False, indent=1))
    else:
        _print(findings)
    return 1 if any(finding.level is Level.ERROR for finding in findings) else 0


def _examine(option: str | None, environ: Mapping[str, str]) -> Findings:
    loaded: list[Config] = []
    yield from _tried("config", lambda: _config(option, environ, loaded))
    zones = {root.policy.timezone for config in loaded for root in config.roots}
    for config in loaded:
        yield from _tried("PostPost", partial(_service_side, config, environ))
        yield from _tried("secrets", partial(_secrets, config))
        yield from _tried("database", partial(_database, config.state_db))
        yield from _tried("daemon", partial(_daemon, config))
        for root in config.roots:
            yield from _tried(_name(root), partial(_root, root))
        yield from _tried("inotify", partial(_inotify, config))
        yield from _tried("disk", partial(_disk, config))
    yield from _tried("time zones", partial(_time_zones, zones))
    yield from _tried("media", _media)


def _tried(what: str, check: Callable[[], Findings]) -> list[Finding]:
    """What a check found, with what went wrong in it. In a thread of its own, since a share that hangs answers never."""
    found: list[Finding] = []

    def run() -> None:
        try:
            for finding in check():
                found.append(finding)  # noqa: PERF402  # what it had found before it failed counts
        except ProgramError as error:
            found.append(Finding(Level.ERROR, what, error.message, error.hint))
        except Exception as error:  # whatever it is: the others are still to be made
            why = f"this could not be checked: {type(error).__name__}: {printable(str(error))}"
            found.append(Finding(Level.ERROR, what, why, "run it as the user that runs the daemon"))

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(ANSWER_WITHIN)
    if thread.is_alive():
        message = f"no answer within {ANSWER_WITHIN:.0f} s; a share that hangs looks like this"
        return [*found, Finding(Level.ERROR, what, message, "see which one: df; then umount -f it")]
    return found


def _config(option: str | None, environ: Mapping[str, str], loaded: list[Config]) -> Findings:
    try:
        config = configs.load(configs.find(option, environ), environ)
    except ConfigError as error:
        yield from (Finding(Level.ERROR, "config", f.message, f.hint) for f in error.findings)
        return
    loaded.append(config)
    yield Finding(Level.OK, "config", f"{_path(config.file or '')}, {_count(len(config.roots), 'watch root')}")


# --- PostPost: the key, the accounts, the clock -----------------------------------------------------------------------


def _service_side(config: Config, environ: Mapping[str, str]) -> Findings:
    whose: dict[tuple[str, str, str | None], list[Root]] = {}
    for root in config.roots:
        try:
            key = _key(root, environ)
        except ProgramError as error:
            if root.own_account or os.geteuid() == 0 or not _installed():
                yield Finding(Level.ERROR, "key", error.message, error.hint)
            else:
                message = f"{error.message} that you may see; the service may be given one"
                yield Finding(Level.WARNING, "key", message, "run this as root: sudo postpost-sync doctor")
            continue
        whose.setdefault((root.api.base_url, key, root.api.user_id), []).append(root)
    for who, roots in whose.items():
        yield from _one_account(*who, roots, several=len(whose) > 1)


def _key(root: Root, environ: Mapping[str, str]) -> str:
    """The root's key, also where only the system service is given it."""
    with contextlib.suppress(ProgramError):
        return api_key(root, environ)
    if not root.own_account and os.access(CREDSTORE / CREDENTIAL, os.R_OK):
        return api_key(root, {**environ, "CREDENTIALS_DIRECTORY": str(CREDSTORE)})
    return api_key(root, environ)


def _one_account(base_url: str, key: str, user_id: str | None, roots: list[Root], *, several: bool) -> Findings:
    where = f" ({', '.join(printable(str(root.path)) for root in roots)})" if several else ""
    with upload.new_client() as client:
        api = PostPost(client, base_url, key, user_id)
        try:
            connections = api.connections()
        except KeyRefused as error:
            hint = "copy it again from PostPost's dashboard, then restart the daemon"
            yield Finding(Level.ERROR, "key", error.finding.message + where, hint)
            return
        except PostError as error:
            hint = f"check the network: curl -sS {base_url}/platform-connections"
            yield Finding(Level.ERROR, "PostPost", error.finding.message + where, hint)
            return
        offset = api.clock.offset
    yield Finding(Level.OK, "key", f"{base_url} accepts it{where}")
    yield from _accounts(connections, roots)
    if abs(offset) > SKEW:
        side = "behind" if offset > timedelta() else "ahead of"
        message = f"this machine is {_span(abs(offset))} {side} PostPost; times are corrected for that"
        yield Finding(Level.WARNING, "clock", message, "timedatectl set-ntp true")
    else:
        yield Finding(Level.OK, "clock", "it agrees with PostPost's")


def _accounts(connections: tuple[Connection, ...], roots: list[Root]) -> Findings:
    """A lost token is an error where the config posts there, else a warning."""
    if not connections:
        yield Finding(Level.ERROR, "accounts", "no account is connected", "connect one in the PostPost dashboard")
        return
    used: dict[str, str] = {}
    for root in roots:
        used |= {one: name for name, ids in root.policy.accounts.items() for one in ids}
        used |= {one: "default_platforms" for one in root.policy.default_platforms if one not in root.policy.accounts}
    known = {connection.platform_id: connection for connection in connections}
    for one, name in used.items():
        if one not in known:
            message = f"{printable(one)} (named by {printable(name)}) is not connected"
            yield Finding(Level.ERROR, "accounts", message, "postpost-sync accounts lists what is")
    for connection in connections:
        yield from _token(connection, used=connection.platform_id in used)
    alive = sum(connection.token_status != "expired" for connection in connections)  # noqa: S105  # no secret
    yield Finding(Level.OK, "accounts", f"{alive} of {_count(len(connections), 'account')} can be posted to")


def _token(one: Connection, *, used: bool) -> Findings:
    hint = f"reconnect {one.platform_id} in the PostPost dashboard"
    if one.token_status == "expired":  # noqa: S105  # no secret
        why = f": {one.last_error}" if one.last_error else ""
        message = f"the token of {one.platform_id} has expired, nothing goes out there{why}"
        yield Finding(Level.ERROR if used else Level.WARNING, "accounts", message, hint)
    elif one.token_status == "expiring_soon":  # noqa: S105  # no secret
        ends = parse_service_time(one.token_expires)
        when = f"within {_count(max(1, (ends - datetime.now(UTC)).days + 1), 'day')}" if ends else "soon"
        yield Finding(Level.WARNING, "accounts", f"the token of {one.platform_id} expires {when}", hint)


# --- this machine's own -----------------------------------------------------------------------------------------------


def _time_zones(wanted: set[str]) -> Findings:
    if not zoneinfo.available_timezones():
        yield Finding(Level.ERROR, "time zones", "there is no time zone data", "pip install tzdata")
        return
    for name in sorted(wanted | {"Europe/Berlin"}):
        try:
            zone(name)
        except (TimeProblem, OSError, ValueError) as error:
            why = f"{name} cannot be read: {printable(str(error))}"
            yield Finding(Level.ERROR, "time zones", why, "apt install --reinstall tzdata")
            return
    version, source = _zones_version()
    made = version[:4]
    if made.isdecimal() and int(made) < datetime.now(UTC).year - ZONES_AGE:
        message = f"the data is of {version} ({source}): changes since then are not known"
        yield Finding(Level.WARNING, "time zones", message, "apt install --only-upgrade tzdata")
    else:
        yield Finding(Level.OK, "time zones", f"data of {version} ({source})" if version else f"data from {source}")


def _zones_version() -> tuple[str, str]:
    """The IANA version, and where it comes from: the system's data goes before the package's."""
    for place in zoneinfo.TZPATH:
        with contextlib.suppress(OSError):
            if os.path.exists(os.path.join(place, "Europe", "Berlin")):
                with open(os.path.join(place, "tzdata.zi"), encoding="utf-8") as file:
                    return file.readline().removeprefix("# version").strip(), place
    with contextlib.suppress(metadata.PackageNotFoundError):
        return metadata.version("tzdata"), "the tzdata package"
    return "", "the system"


def _media() -> Findings:
    """libmagic and the libraries that measure, tried on a picture of one pixel."""
    try:
        content_type, what = media.content_type(_PNG)
    except (ImportError, OSError) as error:
        why = f"libmagic cannot be loaded: {printable(str(error))}"
        yield Finding(Level.ERROR, "libmagic", why, "apt install libmagic1, or pip install pylibmagic")
        return
    if content_type != "image/png":
        message = f"it takes a PNG image for {what}"
        yield Finding(Level.ERROR, "libmagic", message, "apt install --reinstall libmagic1 libmagic-mgc")
        return
    yield Finding(Level.OK, "libmagic", "it tells files by their content")
    if not probe.available():
        message = "Pillow or PyAV is missing: sizes and durations are not checked"
        yield Finding(Level.WARNING, "measuring", message, "pip install --upgrade postpost-sync")
        return
    with tempfile.TemporaryFile() as file:
        file.write(_PNG)
        file.flush()
        facts = probe.measure(file.fileno(), "image/png")
    if facts.get("width") != 1:
        message = f"a picture cannot be measured: {facts.get('unmeasured', facts.get('undecodable', 'no answer'))}"
        yield Finding(
            Level.WARNING, "measuring", printable(message), "pip install --upgrade --force-reinstall pillow av"
        )
    else:
        yield Finding(Level.OK, "measuring", "pictures and videos are measured in a process of their own")


def _secrets(config: Config) -> Findings:
    for warning in config.warnings:
        yield Finding(Level.WARNING, "secrets", warning.message, warning.hint)
    db = config.state_db
    files = {config.file} if config.api.key or any(root.api.key for root in config.roots) else set()
    files |= {root.api.key_file for root in config.roots} | {db, db.with_name(db.name + "-wal")}
    open_ones = 0
    for file in sorted(file for file in files if file is not None):
        with contextlib.suppress(OSError):
            if file.stat().st_mode & 0o077 and file != config.file:  # the config's own is a warning of its own
                open_ones += 1
                yield Finding(
                    Level.ERROR, "secrets", f"{_path(file)} can be read by others", f"chmod 600 {_path(file)}"
                )
    if not open_ones and not config.warnings:
        yield Finding(Level.OK, "secrets", "keys and the database are closed to others")


def _database(file: Path) -> Findings:
    above = _existing(file.parent)
    if mounts.wants_polling(str(above)):
        message = f"{_path(file)} lies on {mounts.filesystem(str(above)) or 'an unknown file system'}: not safe there"
        yield Finding(Level.ERROR, "database", message, "name a place on a local disk as state_db")
    try:
        exists = file.exists()
    except PermissionError:
        exists = True
    if not exists:
        if os.access(above, os.W_OK):
            yield Finding(Level.OK, "database", f"{_path(file)} is not there yet; the first start makes it")
        else:
            message = f"{_path(file)} cannot be made by you"
            yield Finding(Level.ERROR, "database", message, f"run this as the daemon's user, or chown {_path(above)}")
        return
    with opened_store(file, read_only=True) as store:
        known = len(store.index())
    with contextlib.closing(sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True)) as connection:
        verdict = str(connection.execute("PRAGMA quick_check(1)").fetchone()[0])
    if verdict != "ok":
        hint = "stop the daemon and move it away; what stands at PostPost is found again"
        yield Finding(Level.ERROR, "database", f"{_path(file)} is damaged: {printable(verdict)}", hint)
    else:
        yield Finding(Level.OK, "database", f"{_path(file)} is sound and knows {_count(known, 'folder')}")


def _daemon(config: Config) -> Findings:
    lock = Lock(config.state_db)
    if not lock.held():
        if not _readable(lock.path):
            hint = "run this as the daemon's user: sudo -u postpost-sync postpost-sync doctor"
            yield Finding(Level.WARNING, "daemon", "whether it runs cannot be told by you", hint)
            return
        hint = "systemctl start postpost-sync" if _installed() else "postpost-sync run"
        yield Finding(Level.WARNING, "daemon", f"none is running on {_path(config.state_db)}", hint)
        return
    yield Finding(Level.OK, "daemon", f"it is running on {_path(config.state_db)}")
    with opened_store(config.state_db, read_only=True) as store:
        statuses = store.roots()
    for status in statuses:
        if status.state is not RootState.OK:
            said = status.error
            message = said.message if said else f"{_path(status.path)} is {status.state.value}"
            yield Finding(Level.WARNING, "daemon", message, said.hint if said else "")


def _installed() -> bool:
    """Whether there is a system service."""
    return any(Path(place, "postpost-sync.service").exists() for place in UNITS)


def _readable(file: Path) -> bool:
    """Whether it can be read, or at least be seen not to be there."""
    try:
        return not file.exists() or os.access(file, os.R_OK)
    except PermissionError:
        return False


def _disk(config: Config) -> Findings:
    above = _existing(config.state_db.parent)
    free = shutil.disk_usage(above).free
    message = f"{free / 1e6:,.0f} MB free for the database at {_path(above)}"
    level = Level.ERROR if free < SPACE_NEEDED else Level.WARNING if free < SPACE_WANTED else Level.OK
    yield Finding(level, "disk", message, "" if level is Level.OK else f"make room: du -xh {_path(above)} | sort -h")
    for root in config.roots:
        if root.path.is_dir():
            facts = os.statvfs(root.path)
            if facts.f_bavail * facts.f_frsize < ROOT_SPACE or (facts.f_files and not facts.f_favail):
                message = f"{_path(root.path)} is full: status files cannot be written there"
                yield Finding(Level.WARNING, "disk", message, f"make room: du -xh {_path(root.path)} | sort -h")


# --- the watch roots --------------------------------------------------------------------------------------------------


def _root(root: Root) -> Findings:
    what = _name(root)
    if not root.path.is_dir():
        there = root.path.exists()
        message = "it is not a folder" if there else "it is not there; its posts wait until it is"
        yield Finding(
            Level.ERROR,
            what,
            message,
            "correct path: in the config" if there else f"mount it, or mkdir -p {_path(root.path)}",
        )
        return
    if not os.access(root.path, os.R_OK | os.X_OK):
        message = "it may not be read by you"
        yield Finding(
            Level.ERROR, what, message, f"give the daemon's user access: setfacl -Rm u:USER:rwX {_path(root.path)}"
        )
        return
    kind = mounts.filesystem(str(root.path)) or "an unknown file system"
    polls = root.observer == "polling" or (root.observer == "auto" and mounts.wants_polling(str(root.path)))
    if root.observer == "native" and mounts.wants_polling(str(root.path)):
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
        message = "it may not be written by you: a post's status file is written beside it"
        yield Finding(
            Level.WARNING, what, message, f"give the daemon's user access: setfacl -Rm u:USER:rwX {_path(root.path)}"
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
    watcher = None
    if not polls:
        if (missing := _folders(root.path) - _free_watches()) > 0:
            message = f"{_count(missing, 'watch', 'watches')} too few for its folders: it is polled instead"
            return Finding(Level.WARNING, what, message, _RAISE)
        watcher = watch.NativeWatcher(str(root.path), _TestFileOnly(name), lambda *_: heard.set(), lambda: None)
        if (trouble := watcher.start()) is not None:
            return Finding(Level.WARNING, what, trouble.message, trouble.hint)
    try:
        began = time.monotonic()
        file.touch(exist_ok=False)
        seen = name in os.listdir(root.path) if watcher is None else heard.wait(NOTICED_WITHIN)
        took = time.monotonic() - began
    except OSError as error:
        message = f"a test file cannot be made: {error.strerror}"
        return Finding(Level.WARNING, what, message, f"check the rights: ls -ld {_path(root.path)}")
    finally:
        with contextlib.suppress(OSError):
            file.unlink(missing_ok=True)
        if watcher is not None:
            watcher.stop()
    if seen:
        return Finding(Level.OK, what, f"a test file was noticed within {max(took, 0.01):.2f} s")
    message = f"a test file was not noticed within {NOTICED_WITHIN:.0f} s; only the rescan sees changes"
    return Finding(Level.WARNING, what, message, "write observer: polling for it")


# --- inotify ----------------------------------------------------------------------------------------------------------

_RAISE = "sysctl -w fs.inotify.max_user_watches=1048576 fs.inotify.max_user_instances=1024"


def _inotify(config: Config) -> Findings:
    watches, instances = _limit("max_user_watches"), _limit("max_user_instances")
    if watches is None or instances is None:
        return
    used_watches, used_instances = _used()
    roots = [
        root.path
        for root in config.roots
        if root.observer == "native" or (root.observer == "auto" and not mounts.wants_polling(str(root.path)))
    ]
    needed = sum(_folders(root) for root in roots if root.is_dir())
    message = (
        f"{used_watches:,} of {watches:,} watches and {used_instances:,} of {instances:,} instances are in use; "
        f"the roots need {needed:,} and {len(roots):,}"
    )
    running = Lock(config.state_db).held()  # then they are among those in use
    short = (
        needed > watches - (0 if running else used_watches)
        or used_instances + (0 if running else len(roots)) > instances
    )
    yield Finding(Level.WARNING if short else Level.OK, "inotify", message, _RAISE if short else "")


def _limit(name: str) -> int | None:
    try:
        return int((INOTIFY / name).read_text())
    except (OSError, ValueError):
        return None


def _free_watches() -> int:
    limit = _limit("max_user_watches")
    return 1 << 62 if limit is None else limit - _used()[0]


def _used() -> tuple[int, int]:
    """Watches and instances in use by this user, whose limits they are."""
    watches = instances = 0
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):  # it has ended, or is not ours to look at
            if process.stat().st_uid != os.geteuid():
                continue
            for fd in (process / "fd").iterdir():
                if os.readlink(fd) == "anon_inode:inotify":
                    instances += 1
                    watches += (process / "fdinfo" / fd.name).read_text().count("inotify wd:")
    return watches, instances


def _folders(root: Path) -> int:
    return sum(1 for _ in os.walk(root))


# --- words ------------------------------------------------------------------------------------------------------------


def _print(findings: list[Finding]) -> None:
    from rich.console import Console
    from rich.text import Text

    from postpost_sync.terminal import hint, padded, say

    console = Console(highlight=False)
    styles = {Level.OK: "green", Level.WARNING: "bold yellow", Level.ERROR: "bold red"}
    for finding in findings:
        head = Text.assemble((padded(finding.level, 9), styles[finding.level]), (printable(finding.what), "bold"))
        say(console, head + Text(f": {printable(finding.message)}"), hang=9)
        if finding.hint:
            say(console, hint(finding.hint), 9, 2)
    counts = {level: sum(finding.level is level for finding in findings) for level in Level}
    console.print()
    warnings, errors = _count(counts[Level.WARNING], "warning"), _count(counts[Level.ERROR], "error")
    say(console, Text(f"{counts[Level.OK]} ok, {warnings}, {errors}", "bold"))


def _count(number: int, noun: str, nouns: str = "") -> str:
    return f"{number:,} {noun if number == 1 else nouns or noun + 's'}"


def _span(offset: timedelta) -> str:
    seconds = offset.total_seconds()
    return (
        f"{seconds:.0f} s"
        if seconds < 120
        else f"{seconds / 60:.0f} min"
        if seconds < 7200
        else f"{seconds / 3600:.0f} h"
    )


def _path(path: Path | str) -> str:
    shown = printable(str(path))
    return f'"{shown}"' if " " in shown else shown


def _name(root: Root) -> str:
    return f"root {_path(root.path)}"


def _existing(path: Path) -> Path:
    """The path, or the nearest above it that is there."""
    while path.parent != path:
        with contextlib.suppress(PermissionError):
            if path.exists():
                break
        path = path.parent
    return path
