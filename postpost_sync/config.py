"""The config file: which keys there are, their defaults, and the one place that finds the file and the API keys."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from postpost_sync import platforms, values, watch, yamltree
from postpost_sync.errors import Finding, ProgramError, did_you_mean, printable
from postpost_sync.models import Policy
from postpost_sync.times import TimeProblem, zone
from postpost_sync.urls import is_loopback
from postpost_sync.values import Wrong, located, shaped
from postpost_sync.yamltree import Node, Scalar, Sequence, describe

BASE_URL = "https://api.postpost.dev/api/v1"
CREDENTIAL = "postpost-api-key"  # its name under $CREDENTIALS_DIRECTORY
_WITHOUT_MODES = frozenset(
    """vfat msdos exfat ntfs ntfs3 fuseblk cifs smb smb3 smbfs 9p drvfs vboxsf vmhgfs prl_fs
    fuse.rclone fuse.grpcfuse fuse.vmhgfs-fuse""".split()
)
_MOST = 10**15  # a figure of a limit is less than this


@dataclass(frozen=True, slots=True)
class Api:
    """Where and as whom to post."""

    base_url: str = BASE_URL
    key_file: Path | None = None
    key: str | None = field(default=None, repr=False)
    user_id: str | None = None


@dataclass(frozen=True, slots=True)
class Root:
    """One watch root."""

    path: Path
    api: Api
    policy: Policy
    observer: str = "auto"
    poll_interval: float = 30.0
    own_account: bool = False  # it names a key of its own, which wins over all else


@dataclass(frozen=True, slots=True)
class Config:
    file: Path | None
    roots: tuple[Root, ...]
    api: Api
    state_db: Path
    rescan: float = 300.0
    concurrency: int = 4
    ignore: tuple[str, ...] = ()
    warnings: tuple[Finding, ...] = ()


class ConfigError(ProgramError):
    """Everything that is wrong with the config, one line each."""

    def __init__(self, findings: list[Finding]) -> None:
        super().__init__("\n".join(f"{f.message} (hint: {f.hint})" if f.hint else f.message for f in findings))
        self.findings = tuple(findings)


# --- what the keys hold -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Key:
    """One key: how it is read, its default as the example shows it, and what it is for (shown by the schema)."""

    parse: Callable[[Node], Any]
    default: str
    about: str


@shaped(type="string", pattern="^[/~]")
def _path(node: Node) -> Path:
    written = values.text(node)
    try:
        path = Path(written).expanduser()
    except RuntimeError:
        raise Wrong(
            "NO_SUCH_USER", f'"{printable(written)}" names a user that is not known here', "write it from / on"
        ) from None
    if not path.is_absolute():
        raise Wrong("PATH_NOT_ABSOLUTE", f'"{printable(str(path))}" is not an absolute path', "write it from / or ~ on")
    return Path(os.path.normpath(path))


@shaped(type="string", pattern=r"^[Hh][Tt][Tt][Pp]([Ss]://|://(localhost|127\.[0-9.]+|\[[0:]*1\])(:[0-9]+)?(/|$))")
def _url(node: Node) -> str:
    url = values.text(node).rstrip("/")
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError as error:
        raise Wrong(
            "BAD_URL", f'"{printable(url)}" is not a web address: {error}', f'the default is "{BASE_URL}"'
        ) from None
    if parts.scheme == "http" and not is_loopback(parts.hostname or ""):
        raise Wrong("URL_NOT_SECURE", f'"{printable(url)}" would send the key in the clear', "use https")
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username is not None:
        raise Wrong("BAD_URL", f'"{printable(url)}" is not a web address', f'the default is "{BASE_URL}"')
    return url


@shaped(
    anyOf=[
        {"type": "string", "pattern": r"^\s*(?=[0-9.]*[1-9])[0-9]+(\.[0-9]+)?\s*(ms|s|m|h|d)?\s*$"},
        {"type": "number", "exclusiveMinimum": 0, "maximum": 3660 * 86400},
    ],
    examples=["30s", "5m"],
)
def _interval(node: Node) -> float:
    if (seconds := values.duration(node)) <= 0:
        raise Wrong("BAD_DURATION", "must be longer than nothing", "write it like 30s or 5m")
    return seconds


@shaped(type=["string", "number", "boolean"], pattern="^[!-~]+$")
def _user_id(node: Node) -> str:
    user_id = values.text(node)
    if not user_id or not user_id.isascii() or not user_id.isprintable() or " " in user_id:
        raise Wrong(
            "BAD_USER_ID", f'"{printable(user_id)}" is not a user id', "copy it again from PostPost's dashboard"
        )
    return user_id


@shaped(type="string", examples=["Europe/Berlin", "UTC"])
def _timezone(node: Node) -> str:
    try:
        zone(name := values.text(node))
    except TimeProblem as problem:
        raise Wrong("BAD_TIMEZONE", printable(problem.finding.message), problem.finding.hint) from None
    return name


_names = values.list_of(values.text, "a list of names")


@shaped(type="object", additionalProperties=_names)
def _accounts(node: Node) -> Mapping[str, tuple[str, ...]]:
    if not isinstance(node, yamltree.Mapping):
        raise Wrong(
            "WRONG_TYPE", f"is {describe(node)}; a map of names belongs here", "write it as {brand: [instagram-456]}"
        )
    return {name: _names(value) for name, _, value in node}


@shaped(
    type="object",
    additionalProperties=False,
    properties={
        platform: {
            "type": "object",
            "additionalProperties": False,
            "properties": {
                key: {
                    "description": f"In {unit}.",
                    "anyOf": [
                        {"type": "number", "minimum": 0, "exclusiveMaximum": _MOST},
                        {"type": "string", "pattern": "^[0-9._eE+ ]+$"},
                    ],
                }
                for key, unit in platforms.KEYS.items()
            },
        }
        for platform in platforms.PLATFORMS
    },
)
def _limits(node: Node) -> Mapping[str, Mapping[str, float]]:
    if not isinstance(node, yamltree.Mapping):
        raise Wrong(
            "WRONG_TYPE",
            f"is {describe(node)}; a map of platforms belongs here",
            "write it as {twitter: {text: 25000}}",
        )
    limits: dict[str, Mapping[str, float]] = {}
    for platform, line, figures in node:
        if platform not in platforms.PLATFORMS:
            raise Wrong(
                "UNKNOWN_PLATFORM",
                f'"{printable(platform)}" is not a platform',
                did_you_mean(platform, platforms.PLATFORMS),
                line,
            )
        if not isinstance(figures, yamltree.Mapping):
            raise Wrong("WRONG_TYPE", f"{platform} is {describe(figures)}; a map of figures belongs here", "", line)
        limits[platform] = {key: _figure(platform, key, at, value) for key, at, value in figures}
    return limits


def _figure(platform: str, key: str, line: int, node: Node) -> float:
    if key not in platforms.KEYS:
        raise Wrong(
            "UNKNOWN_KEY", f'{platform}: "{printable(key)}" is not a limit', did_you_mean(key, platforms.KEYS), line
        )
    written = values.text(node)
    try:
        figure = float(written)
    except ValueError:
        figure = -1.0
    if not 0 <= figure < _MOST:
        raise Wrong("BAD_NUMBER", f'{platform}: {key}: "{printable(written)}" is not a number', "", line)
    return figure


API_KEYS: Mapping[str, Key] = {
    "base_url": Key(_url, BASE_URL, "Where PostPost's API is."),
    "key_file": Key(
        values.optional(_path), "null", "A file that holds the API key and nothing else; readable by its owner alone."
    ),
    "key": Key(values.optional(values.text), "null", "The API key itself; key_file is better."),
    "user_id": Key(values.optional(_user_id), "null", "Act as this managed user of a workspace (x-postpost-user-id)."),
}
WATCH_KEYS: Mapping[str, Key] = {
    "path": Key(_path, "", "The folder to watch."),
    "timezone": Key(_timezone, "the global one", "IANA time zone of local times in this root."),
    "settle": Key(values.duration, "the global one", "This root's own quiet time; 60s suits synced folders."),
    "observer": Key(
        values.one_of("auto", "native", "polling"), "auto", "How changes are noticed; auto polls network mounts."
    ),
    "poll_interval": Key(_interval, "30s", "How often a polled root is looked at."),
    "default_platforms": Key(_names, "[]", "Where posts without platforms go."),
    "api": Key(lambda node: node, "{}", "This root's own key_file, key or user_id, where it posts as someone else."),
}
UPLOAD_KEYS: Mapping[str, Key] = {
    "concurrency": Key(values.whole_number(1, 64), "4", "How many files are sent at once."),
}
KEYS: Mapping[str, Key] = {
    "api": Key(lambda node: node, "{}", "Where and as whom to post."),
    "watch": Key(lambda node: node, "", "The folders to watch."),
    "accounts": Key(_accounts, "{}", "Names usable in platforms, each for one or more connection ids."),
    "timezone": Key(_timezone, "UTC", "IANA time zone of local times."),
    "state_db": Key(_path, "~/.local/state/postpost-sync/state.db", "The database; on a local disk."),
    "settle": Key(values.duration, "10s", "How long a folder must be quiet before it counts as complete."),
    "rescan": Key(_interval, "5m", "How often everything is compared, whatever was noticed."),
    "uploads": Key(lambda node: node, "{}", "How media are sent."),
    "late_tolerance": Key(
        values.duration, "15m", "A folder that arrives this much after its time is published at once."
    ),
    "catch_up": Key(
        values.duration, "6h", "A folder that was complete in time but delayed still goes out within this."
    ),
    "on_remove": Key(values.one_of("keep", "cancel"), "keep", "What a removed folder does to its scheduled post."),
    "duplicates": Key(
        values.one_of("warn", "hold", "allow"),
        "warn",
        "The same post to the same account within 3 days, from another folder.",
    ),
    "limits": Key(
        _limits, "{}", "Figures of platforms that differ for you, such as {twitter: {text: 25000}} with X Premium."
    ),
    "ignore": Key(_names, "[]", "Further name patterns to ignore, added to the built-in ones."),
}


# --- reading ----------------------------------------------------------------------------------------------------------


def find(option: str | None, environ: Mapping[str, str]) -> Path:
    """The config file to read; ProgramError where there is none."""
    if option or (option := environ.get("POSTPOST_SYNC_CONFIG")):
        try:
            return Path(option).expanduser()
        except RuntimeError:
            return Path(option)  # ~user of nobody: reading it says that there is no such file
    home = Path(environ.get("XDG_CONFIG_HOME") or Path(environ.get("HOME", "~")).expanduser() / ".config")
    places = (home / "postpost-sync" / "config.yaml", Path("/etc/postpost-sync/config.yaml"))
    for place in places:
        if place.exists():
            return place
    raise ProgramError(
        f"there is no config: neither {places[0]} nor {places[1]} exists",
        "copy config.example.yaml there, name one with -c FILE, or try `postpost-sync demo`",
    )


def load(file: Path, environ: Mapping[str, str]) -> Config:
    """Read and check the whole file; ConfigError with all that is wrong."""
    try:
        data = file.read_bytes()
        open_to_others = bool(file.stat().st_mode & 0o077)
    except OSError as error:
        raise ProgramError(
            f"the config {file} cannot be read: {error.strerror}", "check the path and its rights"
        ) from None
    try:
        tree = yamltree.read(data)
    except yamltree.YamlProblem as problem:
        raise ConfigError([located(str(file), problem.line, problem.code, problem.message, problem.hint)]) from None
    reader = _Reader(str(file))
    top = reader.section(tree, KEYS, "")
    api = reader.api(top.get("api"), Api())
    policy = Policy(
        timezone=top.get("timezone", "UTC"),
        settle=top.get("settle", 10.0),
        accounts=top.get("accounts", {}),
        late_tolerance=top.get("late_tolerance", 900.0),
        catch_up=top.get("catch_up", 21600.0),
        cancel_removed=top.get("on_remove", "keep") == "cancel",
        duplicates=top.get("duplicates", "warn"),
        limits=top.get("limits", {}),
    )
    roots = reader.roots(top.get("watch"), api, policy)
    uploads = reader.section(top.get("uploads"), UPLOAD_KEYS, "uploads")
    if reader.findings:
        raise ConfigError(reader.findings)
    warnings: tuple[Finding, ...] = ()
    if open_to_others and any(a.key for a in (api, *(r.api for r in roots))):
        warnings += (
            Finding(
                "KEY_IN_CONFIG",
                f"{file} holds an API key and can be read by others",
                f"chmod 600 {file}, or use key_file",
            ),
        )
    for key_file in sorted({a.key_file for a in (api, *(r.api for r in roots)) if a.key_file is not None}):
        if is_open(key_file) and not keeps_modes(key_file):
            why = (
                f"whether others can read the key file {key_file} cannot be told: its file system keeps no such rights"
            )
            warnings += (Finding("KEY_FILE_RIGHTS_UNKNOWN", why, "move it to a local disk, and chmod 600 it there"),)
    return Config(
        file=file,
        roots=roots,
        api=api,
        state_db=top.get("state_db") or default_state_db(environ),
        rescan=top.get("rescan", 300.0),
        concurrency=uploads.get("concurrency", 4),
        ignore=tuple(top.get("ignore", ())),
        warnings=warnings,
    )


def default_state_db(environ: Mapping[str, str]) -> Path:
    """$STATE_DIRECTORY/state.db under systemd, else in the user's state folder."""
    if directory := environ.get("STATE_DIRECTORY"):
        return Path(directory.split(":")[0]) / "state.db"
    state_home = environ.get("XDG_STATE_HOME")
    base = Path(state_home) if state_home else Path(environ.get("HOME", "~")).expanduser() / ".local" / "state"
    return base / "postpost-sync" / "state.db"


class _Reader:
    """Reads sections and gathers what is wrong with them."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.findings: list[Finding] = []

    def wrong(self, line: int, code: str, message: str, hint: str) -> None:
        self.findings.append(located(self.file, line, code, message, hint))

    def section(self, node: Node | None, keys: Mapping[str, Key], name: str) -> dict[str, Any]:
        where = f"{name}." if name else ""
        if node is None or (isinstance(node, Scalar) and node.plain and not node.text):
            return {}
        if not isinstance(node, yamltree.Mapping):
            self.wrong(
                node.line,
                "WRONG_TYPE",
                f"{name or 'it'} is {describe(node)}; a map of keys belongs here",
                f"keys: {', '.join(keys)}",
            )
            return {}
        found: dict[str, Any] = {}
        for key, line, value in node:
            if key not in keys:
                self.wrong(line, "UNKNOWN_KEY", f'{where}"{printable(key)}" is not a key', did_you_mean(key, keys))
                continue
            try:
                found[key] = keys[key].parse(value)
            except Wrong as wrong:
                self.wrong(wrong.line or line, wrong.code, f"{where}{key}: {wrong.message}", wrong.hint)
        return found

    def api(self, node: Node | None, base: Api) -> Api:
        return replace(base, **self.section(node, API_KEYS, "api"))

    def roots(self, node: Node | None, api: Api, policy: Policy) -> tuple[Root, ...]:
        if not isinstance(node, Sequence) or not node.items:
            if node is not None or not self.findings:  # it may stand there misspelt, and that is said already
                hint = "write watch: with a list of - path: /the/folder"
                self.wrong(node.line if node else 0, "NO_ROOTS", "watch: names no folder to watch", hint)
            return ()
        roots: list[Root] = []
        for item in node.items:
            found = self.section(item, WATCH_KEYS, "watch")
            if "path" not in found:
                if isinstance(item, yamltree.Mapping) and all(key != "path" for key, _, _ in item):
                    self.wrong(item.line, "NO_PATH", "watch: an entry has no path", "add path: /the/folder")
                continue
            real = Path(os.path.realpath(found["path"]))
            for other in roots:
                there = Path(os.path.realpath(other.path))  # a link to a root is the same folders again
                if there == real or there in real.parents or real in there.parents:
                    self.wrong(
                        item.line,
                        "ROOTS_OVERLAP",
                        f"watch: {found['path']} and {other.path} overlap",
                        "watch the outer one alone",
                    )
            own = self.section(found.get("api"), API_KEYS, "watch.api")
            if "key_file" in own or "key" in own:  # of its own: neither of the global ones may shine through
                own = {"key_file": None, "key": None, **own}
            roots.append(
                Root(
                    found["path"],
                    replace(api, **own),
                    replace(
                        policy,
                        timezone=found.get("timezone", policy.timezone),
                        settle=found.get("settle", policy.settle),
                        default_platforms=tuple(found.get("default_platforms", ())),
                    ),
                    found.get("observer", "auto"),
                    found.get("poll_interval", 30.0),
                    bool(own.get("key_file") or own.get("key")),
                )
            )
        return tuple(roots)


# --- the API key ------------------------------------------------------------------------------------------------------


def api_key(root: Root, environ: Mapping[str, str]) -> str:
    """The key of a root, from the first place that has one; ProgramError where none has."""
    if not root.own_account:
        if directory := environ.get("CREDENTIALS_DIRECTORY"):
            credential = Path(directory) / CREDENTIAL
            if credential.exists():
                return _usable(_read_key(credential, private=False), str(credential))
        if key := environ.get("POSTPOST_API_KEY"):
            return _usable(key, "POSTPOST_API_KEY")
    if root.api.key_file is not None:
        return _usable(_read_key(root.api.key_file, private=True), str(root.api.key_file))
    if root.api.key is not None:
        return _usable(root.api.key, "api.key of the config")
    raise ProgramError(
        f"there is no API key for {root.path}",
        "put it into a file and name that as api.key_file, or set POSTPOST_API_KEY",
    )


def is_open(file: Path) -> bool:
    """Whether others than its owner may do anything with it, as its mode has it."""
    try:
        return bool(stat.S_IMODE(file.stat().st_mode) & 0o077)
    except OSError:
        return False


def keeps_modes(file: Path) -> bool:
    """Whether its file system keeps a mode for each file; the others show one that was chosen when they were mounted."""
    return watch.filesystem(str(file)) not in _WITHOUT_MODES


def _read_key(file: Path, *, private: bool) -> str:
    try:
        if private and is_open(file) and keeps_modes(file):
            raise ProgramError(f"the key file {file} can be read by others", f"chmod 600 {file}")
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not text"
        raise ProgramError(f"the key file {file} cannot be read: {why}", "check api.key_file") from None


def _usable(key: str, source: str) -> str:
    key = key.strip()
    if not key or not key.isascii() or not key.isprintable() or " " in key:
        raise ProgramError(
            f"the API key in {source} is {'empty' if not key else 'not one line of plain characters'}",
            "copy it again from PostPost's dashboard",
        )
    return key
