"""The config file: the one place that finds it, reads it, and knows where the secrets are that it names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from postpost_sync.config import credentials
from postpost_sync.config.keys import API_KEYS, BASE_URL, KEYS, MONITOR_KEYS, NOTIFY_KEYS, UPLOAD_KEYS, WATCH_KEYS, Key
from postpost_sync.disk import links
from postpost_sync.model import slots, yaml_tree
from postpost_sync.model.errors import Finding, ProgramError, did_you_mean, path_name, printable, with_hint
from postpost_sync.model.post import Policy
from postpost_sync.model.yaml_tree import Node, Scalar, Sequence, describe
from postpost_sync.model.yaml_values import Wrong, located
from postpost_sync.notify.events import DEFAULT_EVENTS, Event

SYSTEM_CONFIG = Path("/etc/postpost-sync/config.yaml")
_HANDED = "check LoadCredential= of the unit"


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
    calendar: bool = False
    own_account: bool = False  # it names a key of its own, which wins over all else

    def polled(self, *, remote: bool) -> bool:
        """Whether the config wants it polled. `remote`: it lies where the kernel does not hear of every change."""
        return self.observer == "polling" or (self.observer == "auto" and remote)


@dataclass(frozen=True, slots=True)
class Notify:
    """Who is told, and of what."""

    urls: tuple[str, ...] = field(default=(), repr=False)  # secret
    urls_file: Path | None = None
    on: frozenset[Event] = frozenset(DEFAULT_EVENTS)
    digest: float = 60.0


@dataclass(frozen=True, slots=True)
class Monitor:
    """What notices when the daemon is dead."""

    ping_url: str | None = field(default=None, repr=False)  # secret
    every: float = 300.0


@dataclass(frozen=True, slots=True)
class Config:
    file: Path | None
    roots: tuple[Root, ...]
    api: Api
    state_db: Path
    rescan: float = 300.0
    concurrency: int = 4
    ignore: tuple[str, ...] = ()
    notify: Notify = Notify()
    monitor: Monitor = Monitor()
    policy: Policy = field(default_factory=Policy)  # of what lies below no root
    warnings: tuple[Finding, ...] = ()


class ConfigError(ProgramError):
    """Everything that is wrong with the config, one line each."""

    def __init__(self, findings: list[Finding]) -> None:
        super().__init__("\n".join(with_hint(one.message, one.hint) for one in findings))
        self.findings = tuple(findings)


# --- reading ----------------------------------------------------------------------------------------------------------


def find(option: str | None, environ: Mapping[str, str]) -> Path:
    """The config file to read; ProgramError where there is none."""
    if option or (option := environ.get("POSTPOST_SYNC_CONFIG")):
        try:
            return Path(option).expanduser()
        except RuntimeError:
            return Path(option)  # ~user of nobody: reading it says that there is no such file
    places = (user_config(environ), SYSTEM_CONFIG)
    for place in places:
        try:
            if place.exists():
                return place
        except PermissionError:
            return place  # reading it says so
    raise ProgramError(
        f"there is no config: neither {places[0]} nor {places[1]} exists",
        "`postpost-sync init` writes one; name another with -c FILE, or try `postpost-sync demo`",
    )


def user_config(environ: Mapping[str, str]) -> Path:
    """Where a person's own config lies."""
    home = Path(environ.get("XDG_CONFIG_HOME") or _home(environ) / ".config")
    return home.absolute() / "postpost-sync" / "config.yaml"


def _home(environ: Mapping[str, str]) -> Path:
    try:
        return Path(environ.get("HOME") or "~").expanduser()
    except RuntimeError:  # a user without an entry, as containers have them
        return Path("/")


def load(file: Path, environ: Mapping[str, str]) -> Config:
    """Read and check the whole file; ConfigError with all that is wrong."""
    try:
        data = file.read_bytes()
    except OSError as error:
        way = "check the path and its rights"
        if isinstance(error, FileNotFoundError):
            way = f"check the path, or have one written: postpost-sync -c {path_name(file)} init"
        raise ProgramError(f"the config {path_name(file)} cannot be read: {error.strerror}", way) from None
    try:
        tree = yaml_tree.read(data)
    except yaml_tree.YamlProblem as problem:
        raise ConfigError([located(str(file), problem.line, problem.code, problem.message, problem.hint)]) from None
    open_to_others = credentials.is_open(file) and credentials.keeps_modes(file)
    reader = _Reader(str(file))
    top = reader.section(tree, KEYS, "")
    api = reader.api(top.get("api"), Api())
    policy = Policy(
        cancel_removed=top.get("on_remove") == "cancel",
        ignore=tuple(top.get("ignore", ())),
        slots=_slots(top),
        **_given(top, "timezone settle accounts late_tolerance catch_up duplicates limits fit"),
    )
    roots = reader.roots(top.get("watch"), api, policy)
    uploads = reader.section(top.get("uploads"), UPLOAD_KEYS, "uploads")
    notify = reader.section(top.get("notify"), NOTIFY_KEYS, "notify")
    monitor = reader.section(top.get("monitor"), MONITOR_KEYS, "monitor")
    if reader.findings:
        raise ConfigError(reader.findings)
    warnings = []
    if open_to_others and any(a.key for a in (api, *(r.api for r in roots))):
        warnings.append(_open_to_others("KEY_IN_CONFIG", file, "an API key", "key_file"))
    if open_to_others and notify.get("urls"):
        warnings.append(_open_to_others("NOTIFY_URLS_IN_CONFIG", file, "notification URLs", "urls_file"))
    if open_to_others and monitor.get("ping_url"):
        warnings.append(
            Finding(
                "PING_URL_IN_CONFIG",
                f"{path_name(file)} holds the URL of a monitor and can be read by others",
                f"chmod 600 {path_name(file)}",
            )
        )
    secret_files = {a.key_file for a in (api, *(r.api for r in roots))} | {notify.get("urls_file")}
    for secret in sorted(one for one in secret_files if one is not None):
        if credentials.is_open(secret) and not credentials.keeps_modes(secret):
            why = f"whether others can read {path_name(secret)} cannot be told: its file system keeps no such rights"
            hint = "move it to a local disk, and chmod 600 it there"
            warnings.append(Finding("KEY_FILE_RIGHTS_UNKNOWN", why, hint))
    return Config(
        file=file,
        roots=roots,
        api=api,
        state_db=top.get("state_db") or default_state_db(environ),
        ignore=policy.ignore,
        notify=Notify(
            on=frozenset(map(Event, notify.get("on", DEFAULT_EVENTS))), **_given(notify, "urls urls_file digest")
        ),
        policy=policy,
        monitor=Monitor(**_given(monitor, "ping_url every")),
        warnings=tuple(warnings),
        **_given(top, "rescan"),
        **_given(uploads, "concurrency"),
    )


def _slots(found: Mapping[str, Any]) -> tuple[slots.Slot, ...]:
    return tuple(map(slots.parse, found.get("slots", ())))


def _given(found: Mapping[str, Any], names: str) -> dict[str, Any]:
    """Those of the keys that stand in the config: the others have the defaults of what they are given to."""
    return {name: found[name] for name in names.split() if name in found}


def _open_to_others(code: str, file: Path, what: str, better: str) -> Finding:
    return Finding(
        code,
        f"{path_name(file)} holds {what} and can be read by others",
        f"chmod 600 {path_name(file)}, or use {better}",
    )


def default_state_db(environ: Mapping[str, str]) -> Path:
    """$STATE_DIRECTORY/state.db under systemd, else in the user's state folder."""
    if directory := environ.get("STATE_DIRECTORY"):
        return Path(directory.split(":")[0]) / "state.db"
    state_home = environ.get("XDG_STATE_HOME")
    base = Path(state_home) if state_home else _home(environ) / ".local" / "state"
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
        if not isinstance(node, yaml_tree.Mapping):
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
                shown = printable(key) if "://" not in key else "…"  # a URL in the wrong place may be a secret
                self.wrong(line, "UNKNOWN_KEY", f'{where}"{shown}" is not a key', did_you_mean(key, keys))
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
        lines: list[int] = []
        for item in node.items:
            found = self.section(item, WATCH_KEYS, "watch")
            if "path" not in found:
                if isinstance(item, yaml_tree.Mapping) and all(key != "path" for key, _, _ in item):
                    self.wrong(item.line, "NO_PATH", "watch: an entry has no path", "add path: /the/folder")
                continue
            own = self.section(found.get("api"), API_KEYS, "watch.api")
            if "key_file" in own or "key" in own:  # of its own: neither of the global ones may shine through
                own = {"key_file": None, "key": None, **own}
            lines.append(item.line)
            roots.append(
                Root(
                    found["path"],
                    replace(api, **own),
                    replace(
                        policy,
                        default_platforms=tuple(found.get("default_platforms", ())),
                        slots=_slots(found) if "slots" in found else policy.slots,
                        **_given(found, "timezone settle fit default_time"),
                    ),
                    own_account=bool(own.get("key_file") or own.get("key")),
                    **_given(found, "observer poll_interval calendar"),
                )
            )
        self._overlaps([root.path for root in roots], lines)
        return tuple(roots)

    def _overlaps(self, paths: list[Path], lines: list[int]) -> None:
        for at, before in links.overlapping(paths):
            message = f"watch: {paths[at]} and {paths[before]} overlap"
            self.wrong(lines[at], "ROOTS_OVERLAP", message, "watch the outer one alone")


# --- secrets ----------------------------------------------------------------------------------------------------------


def api_key(root: Root, environ: Mapping[str, str]) -> str:
    """The key of a root, from the first place that has one; ProgramError where none has."""
    if not root.own_account:
        if (handed := credentials.handed_over(credentials.API_KEY, environ)) is not None:
            return credentials.one_line(_read_key(handed, private=False), str(handed))
        if key := environ.get("POSTPOST_API_KEY"):
            return credentials.one_line(key, "POSTPOST_API_KEY")
    if root.api.key_file is not None:
        return credentials.one_line(_read_key(root.api.key_file, private=True), str(root.api.key_file))
    if root.api.key is not None:
        return credentials.one_line(root.api.key, "api.key of the config")
    raise ProgramError(
        f"there is no API key for {path_name(root.path)}",
        "put it into a file and name that as api.key_file, or set POSTPOST_API_KEY",
    )


def key_at_hand(root: Root, environ: Mapping[str, str]) -> str:
    """The same for a command that a person types: also the key that only the system service is given, where it may be read."""
    try:
        return api_key(root, environ)
    except ProgramError:
        if root.own_account:
            raise
        return api_key(root, credentials.as_the_service(credentials.API_KEY, environ))


def _read_key(file: Path, *, private: bool) -> str:
    return credentials.read(file, "key", "check api.key_file" if private else _HANDED, private=private)


def notify_urls(config: Config, environ: Mapping[str, str]) -> list[tuple[str, str]]:
    """Where each notification URL stands, and the URL (a secret): all there are, from the config and both files, once."""
    found = {url: f"number {number} of notify.urls" for number, url in enumerate(config.notify.urls, 1)}
    files = [(config.notify.urls_file, True), (credentials.handed_over(credentials.NOTIFY_URLS, environ), False)]
    for file, private in files:
        if file is None:
            continue
        hint = "check notify.urls_file" if private else _HANDED
        text = credentials.read(file, "notification URL", hint, private=private)
        for number, line in enumerate(map(str.strip, text.splitlines()), 1):
            if line and not line.startswith("#"):
                found.setdefault(line, f"line {number} of {path_name(file)}")
    return [(where, url) for url, where in found.items()]
