"""`init`: a config, a key file and a watch root for who has none, then what `doctor` finds. Changes nothing that exists."""

from __future__ import annotations

import contextlib
import json
import os
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import click

from postpost_sync.commands.common import expanded
from postpost_sync.commands.doctor import doctor
from postpost_sync.config import credentials
from postpost_sync.config.load import SYSTEM_CONFIG, user_config
from postpost_sync.model.errors import ProgramError, path_name
from postpost_sync.model.times import TimeProblem, zone

SYSTEM_ROOT, USER_ROOT = "/srv/posts", "~/Posts"
SYSTEM_STATE = "/var/lib/postpost-sync/state.db"  # as the unit's StateDirectory= has it
_ZONES = "zoneinfo/"
_PLAIN = re.compile(r"[\w/.-]+")


@dataclass(frozen=True, slots=True)
class _Wanted:
    """What is to be there in the end. `key`: None where it is to be put into its file later, or is there already."""

    config: Path
    root: Path
    timezone: str
    key_file: Path
    key: str | None
    system: bool


def init(
    option: str | None, root: Path | None, timezone: str | None, key_file: Path | None, system: bool | None
) -> int:
    """Exits as `doctor` does. `system`: for the system service; None: where root runs this."""
    system = os.geteuid() == 0 if system is None else system
    named = option or os.environ.get("POSTPOST_SYNC_CONFIG")
    config = expanded(Path(named)) if named else SYSTEM_CONFIG if system else user_config(os.environ)
    if _is_there(config):
        click.echo(f"{path_name(config)} is there already: nothing was changed")
    else:
        try:
            wanted = _ask(config, root, timezone, key_file, system=system)
        except click.Abort:
            raise ProgramError("interrupted: nothing was written", "run it again when you like") from None
        _write(wanted)
        first = path_name(wanted.root / "first-post")
        click.echo(
            f"next: `postpost-sync accounts` lists your accounts, `postpost-sync new {first} --create` begins a post"
        )
    click.echo()
    return doctor(str(config), as_json=False)


def _ask(config: Path, root: Path | None, timezone: str | None, key_file: Path | None, *, system: bool) -> _Wanted:
    """Everything is asked and looked at before anything is written."""
    asking = sys.stdin.isatty()
    if root is None:
        if not asking:
            raise click.UsageError("--root is missing, and there is nobody to ask")
        default = SYSTEM_ROOT if system else USER_ROOT
        root = click.prompt("folder to watch", default=default, type=click.Path(path_type=Path))
    root = expanded(root)
    there = next(one for one in (root, *root.parents) if os.path.lexists(one))
    if not os.path.isdir(there):
        raise ProgramError(f"{path_name(there)} is not a folder", "name another with --root")
    if not str(root).isprintable():
        raise ProgramError(f"{path_name(root)} cannot stand in a config", "name another with --root")
    if timezone is None:
        timezone = _local_zone(os.environ)
        if asking:
            timezone = click.prompt("time zone of the times in it", default=timezone, value_proc=_zone)
    else:
        timezone = _zone(timezone)
    if key_file is None:
        key_file = credentials.CREDSTORE / credentials.API_KEY if system else config.with_name("api-key")
    key_file = expanded(key_file)
    if _is_there(key_file) and not os.path.isfile(key_file):
        raise ProgramError(f"{path_name(key_file)} is not a file that can be kept", "name another with --key-file")
    key = None
    if asking and not _is_there(key_file):
        words = "API key, from PostPost's dashboard (it is not shown; empty: later)"
        key = click.prompt(words, default="", show_default=False, hide_input=True, value_proc=_key) or None
    return _Wanted(config, root, timezone, key_file, key, system)


def _zone(name: str) -> str:
    try:
        zone(name)
    except TimeProblem as problem:
        raise click.UsageError(f"{problem}: {problem.finding.hint}") from None
    return name


def _key(text: str) -> str:
    try:
        return credentials.one_line(text, "your answer") if text.strip() else ""
    except ProgramError as error:
        raise click.UsageError(f"{error.message}: {error.hint}") from None


def _local_zone(environ: Mapping[str, str]) -> str:
    """The IANA name of this machine's time zone; UTC where it has none that we know."""
    candidates = [environ.get("TZ", "").removeprefix(":")]
    with contextlib.suppress(OSError):
        candidates.append(os.path.realpath("/etc/localtime").partition(_ZONES)[2])
    with contextlib.suppress(OSError, UnicodeDecodeError):
        candidates.append(Path("/etc/timezone").read_text(encoding="utf-8").strip())
    for name in filter(None, candidates):
        with contextlib.suppress(TimeProblem):
            return zone(name).key
    return "UTC"


# --- writing ----------------------------------------------------------------------------------------------------------


def _write(wanted: _Wanted) -> None:
    own = 0o755 if wanted.system else 0o700
    _folder(wanted.root, 0o755, owner=_who_asked())
    _folder(wanted.key_file.parent, 0o700)
    _folder(wanted.config.parent, own)
    if _file(wanted.key_file, f"{wanted.key}\n" if wanted.key else "", 0o600) and not wanted.key:
        click.echo(f"  put the key into it: {'sudo ' if wanted.system else ''}nano {path_name(wanted.key_file)}")
    _file(wanted.config, _text(wanted), 0o644 if wanted.system else 0o600)
    if wanted.system:
        access = f"u:postpost-sync:rwX,d:u:postpost-sync:rwX {path_name(wanted.root)}"
        click.echo(f"  let the service's user in: sudo setfacl -Rm {access}")
        if not _handed(wanted):
            click.echo(f"  and read its key: sudo chown postpost-sync: {path_name(wanted.key_file)}")


def _text(wanted: _Wanted) -> str:
    """The config. It names no key file where the service manager hands the key over."""
    lines = ["# every key, with its default: postpost-sync config example"]
    if not _handed(wanted):
        lines += ["api:", f"  key_file: {_scalar(wanted.key_file)}"]
    lines += [
        "watch:",
        f"  - path: {_scalar(wanted.root)}",
        f"    timezone: {wanted.timezone}",
        "    # settle: 60s    # where Dropbox, Syncthing and the like bring the files of a post one by one",
    ]
    if wanted.system:
        lines.append(f"state_db: {SYSTEM_STATE}    # so that the commands that you type look where the service does")
    return "\n".join(lines) + "\n"


def _handed(wanted: _Wanted) -> bool:
    """Whether the key lies where the system service's unit finds it."""
    return wanted.system and wanted.key_file == credentials.CREDSTORE / credentials.API_KEY


def _scalar(path: Path) -> str:
    """As YAML reads it again, whatever is in it."""
    return str(path) if _PLAIN.fullmatch(str(path)) else json.dumps(str(path), ensure_ascii=False)


def _folder(path: Path, mode: int, owner: tuple[int, int] | None = None) -> None:
    """Made where it is not there, with those above it."""
    if os.path.isdir(path):
        return
    _folder(path.parent, mode)
    try:
        path.mkdir()
        path.chmod(mode)
        if owner is not None:
            os.chown(path, *owner)
    except OSError as error:
        raise _cannot(path, error) from None
    click.echo(f"made {path_name(path)}")


def _file(path: Path, text: str, mode: int) -> bool:
    """False where it was there already, and is left as it is."""
    try:
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    except FileExistsError:
        click.echo(f"kept {path_name(path)}, which is there already")
        return False
    except OSError as error:
        raise _cannot(path, error) from None
    with os.fdopen(fd, "w", encoding="utf-8", errors="surrogateescape") as file:
        file.write(text)
        os.fchmod(fd, mode)
    click.echo(f"wrote {path_name(path)}")
    return True


def _who_asked() -> tuple[int, int] | None:
    """Whose folder it is to be where sudo runs this."""
    if os.geteuid() != 0:
        return None
    uid, gid = os.environ.get("SUDO_UID", ""), os.environ.get("SUDO_GID", "")
    return (int(uid), int(gid)) if uid.isdecimal() and gid.isdecimal() else None


def _is_there(path: Path) -> bool:
    """Whether anything stands there, also what may not be looked at, or a link to nowhere."""
    try:
        path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError as error:
        raise _cannot(path, error) from None
    return True


def _cannot(path: Path, error: OSError) -> ProgramError:
    above = next(one for one in path.parents if os.path.exists(one))
    way = f"see whether you may write there: ls -ld {path_name(above)}"
    if os.geteuid():
        way += "; for the system service: sudo postpost-sync init --system"
    return ProgramError(f"{path_name(path)} cannot be made: {error.strerror}", way)
