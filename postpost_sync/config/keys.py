"""The keys of the config file: how each is read, its default, and what it is for."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from postpost_sync.model import slots, yaml_tree, yaml_values
from postpost_sync.model.errors import did_you_mean, printable
from postpost_sync.model.folder import SIDECAR_NAMES
from postpost_sync.model.times import THOUSANDS, TimeProblem, zone
from postpost_sync.model.urls import is_loopback, is_secure
from postpost_sync.model.yaml_tree import Node, Scalar, Sequence, describe
from postpost_sync.model.yaml_values import Wrong, shaped
from postpost_sync.notify.events import DEFAULT_EVENTS, Event
from postpost_sync.post import platforms
from postpost_sync.post.names import Names

BASE_URL = "https://api.postpost.dev/api/v1"
_MOST = 10**15  # a figure of a limit is less than this
_FRACTIONAL = frozenset({"s", ":1", "fps"})  # units of which there may be half a one


@dataclass(frozen=True, slots=True)
class Key:
    """One key: how it is read, its default as the example shows it, and what it is for (shown by the schema)."""

    parse: Callable[[Node], Any]
    default: str
    about: str


@shaped(type="string", pattern="^[/~]")
def _path(node: Node) -> Path:
    written = yaml_values.text(node)
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
    url = yaml_values.text(node).rstrip("/")
    try:
        parts = urlsplit(url)
        _ = parts.port, (parts.hostname or "").encode("idna")  # what is empty between two points is no name
    except ValueError as error:
        raise Wrong(
            "BAD_URL", f'"{printable(url)}" is not a web address: {error}', f'the default is "{BASE_URL}"'
        ) from None
    if parts.scheme == "http" and not is_loopback(parts.hostname or ""):
        raise Wrong("URL_NOT_SECURE", f'"{printable(url)}" would send the key in the clear', "use https")
    more = parts.query or parts.fragment or any(map(str.isspace, url))  # each call's own path goes behind it
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username is not None or more:
        raise Wrong("BAD_URL", f'"{printable(url)}" is not a web address', f'the default is "{BASE_URL}"')
    return url


@shaped(type="string", pattern=r"^[Hh][Tt][Tt][Pp]([Ss]://|://(localhost|127\.[0-9.]+|\[[0:]*1\])(:[0-9]+)?(/|$))")
def _ping_url(node: Node) -> str:
    """A secret: no message shows it."""
    url = yaml_values.text(node).rstrip("/")
    if not is_secure(url) or not url.isascii() or not url.isprintable() or " " in url:
        hint = "copy it again from your monitor; it begins with https://"
        raise Wrong("BAD_PING_URL", "is not a web address that can be pinged safely", hint)
    return url


@shaped(
    anyOf=[
        {"type": "string", "pattern": r"^\s*(?=[0-9.]*[1-9])[0-9]+(\.[0-9]+)?\s*(ms|s|m|h|d)?\s*$"},
        {"type": "number", "exclusiveMinimum": 0, "maximum": 3660 * 86400},
    ],
    examples=["30s", "5m"],
)
def _interval(node: Node) -> float:
    if (seconds := yaml_values.duration(node)) <= 0:
        raise Wrong("BAD_DURATION", "must be longer than nothing", "write it like 30s or 5m")
    return seconds


@shaped(type=["string", "number", "boolean"], pattern="^[!-~]+$")
def _user_id(node: Node) -> str:
    user_id = yaml_values.text(node)
    if not user_id or not user_id.isascii() or not user_id.isprintable() or " " in user_id:
        raise Wrong(
            "BAD_USER_ID", f'"{printable(user_id)}" is not a user id', "copy it again from PostPost's dashboard"
        )
    return user_id


@shaped(type="string", examples=["Europe/Berlin", "UTC"])
def _timezone(node: Node) -> str:
    try:
        zone(name := yaml_values.text(node))
    except TimeProblem as problem:
        raise Wrong("BAD_TIMEZONE", printable(problem.finding.message), problem.finding.hint) from None
    return name


@shaped(
    type="string",
    pattern=r"^\s*[A-Za-z][A-Za-z ,-]*\s+([01]?[0-9]|2[0-3]):[0-5][0-9]\s*$",
    examples=["mon-fri 09:00", "daily 18:30"],
)
def _slot(node: Node) -> str:
    written = yaml_values.text(node)
    try:
        slots.parse(written)
    except ValueError as error:
        raise Wrong("BAD_SLOT", printable(str(error)), slots.EXAMPLE) from None
    return written


_slots = yaml_values.list_of(_slot, "a list of slots")
_default_time = yaml_values.one_of("draft", "next", "now")
_names = yaml_values.list_of(yaml_values.text, "a list of names")


@shaped(type=["string", "number", "boolean"], pattern="^[^/]+$", examples=["*.bak"])
def _pattern(node: Node) -> str:
    """It is compared with one name at a time: one that could never apply would let through what is meant to stay."""
    pattern = yaml_values.text(node)
    if "/" in pattern or not pattern:
        name = next((part for part in reversed(pattern.split("/")) if part.strip("*")), "NAME")
        hint = f'write the name alone, such as "{printable(name)}": it is ignored wherever it lies'
        raise Wrong("BAD_PATTERN", f'"{printable(pattern)}" is not a pattern for one name', hint)
    if hides := next((name for name in sorted(SIDECAR_NAMES) if Names([pattern]).ignored(name)), None):
        why = f'"{printable(pattern)}" would hide every {hides}, and with it all posts'
        raise Wrong("BAD_PATTERN", why, "name what is to be ignored more exactly")
    return pattern


@shaped(type="object", additionalProperties=_names)
def _accounts(node: Node) -> Mapping[str, tuple[str, ...]]:
    if not isinstance(node, yaml_tree.Mapping):
        raise Wrong(
            "WRONG_TYPE", f"is {describe(node)}; a map of names belongs here", "write it as {brand: [instagram-456]}"
        )
    return {name: _names(value) for name, _, value in node}


_FIGURES = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        key: {
            "description": f"In {unit}.",
            "anyOf": [
                {"type": "number" if unit in _FRACTIONAL else "integer", "minimum": 0, "exclusiveMaximum": _MOST},
                {"type": "string", "pattern": "^[0-9._eE+ ]+$"},
            ],
        }
        for key, unit in platforms.KEYS.items()
    }
    | {
        key: {"type": "array", "items": {"enum": list(platforms.FORMAT_NAMES.values())}}
        for key in platforms.FORMAT_KEYS
    },
}
_PLATFORMS = (*platforms.PLATFORMS, platforms.ANY)
_LIKE_THIS = "write it as {twitter: {text: 25000}}"


def _in_any_case(name: str) -> str:
    return "".join(f"[{letter.upper()}{letter}]" for letter in name)


@shaped(
    type="object",
    additionalProperties=False,
    properties=dict.fromkeys(_PLATFORMS, _FIGURES),
    # other spellings that are accepted, such as X and Instagram
    patternProperties={f"^({'|'.join(map(_in_any_case, (*_PLATFORMS, *platforms.ALSO)))})$": _FIGURES},
)
def _limits(node: Node) -> platforms.Overrides:
    if not isinstance(node, yaml_tree.Mapping):
        raise Wrong("WRONG_TYPE", f"is {describe(node)}; a map of platforms belongs here", _LIKE_THIS)
    limits: dict[str, Mapping[str, platforms.Figure]] = {}
    for written, line, figures in node:
        platform = platforms.named(written)
        if platform not in (*platforms.PLATFORMS, platforms.ANY):
            raise Wrong(
                "UNKNOWN_PLATFORM",
                f'"{printable(written)}" is not a platform',
                did_you_mean(written, platforms.PLATFORMS),
                line,
            )
        if platform in limits:
            raise Wrong("DUPLICATE_KEY", f'"{printable(written)}" is {platform}, which stands twice', "keep one", line)
        if not isinstance(figures, yaml_tree.Mapping):
            why, hint = f"{platform} is {describe(figures)}; a map of figures belongs here", _LIKE_THIS
            raise Wrong("WRONG_TYPE", why, hint, line)
        limits[platform] = {key: _figure(platform, key, at, value) for key, at, value in figures}
    return limits


def _figure(platform: str, key: str, line: int, node: Node) -> float | tuple[str, ...]:
    known = (*platforms.KEYS, *platforms.FORMAT_KEYS)
    if key not in known:
        hint = "write figures without a comma, such as 25000" if key.isdecimal() else did_you_mean(key, known)
        raise Wrong("UNKNOWN_KEY", f'{platform}: "{printable(key)}" is not a limit', hint, line)
    try:
        return _formats(node) if key in platforms.FORMAT_KEYS else _number(node, platforms.KEYS[key])
    except Wrong as wrong:
        raise Wrong(wrong.code, f"{platform}: {key}: {wrong.message}", wrong.hint, line) from None


def _number(node: Node, unit: str) -> float:
    written = yaml_values.text(node)
    try:
        figure = float(written) if written.isascii() else -1.0
    except ValueError:
        figure = -1.0
    if not 0 <= figure < _MOST:
        hint = f"write a number alone, such as 25000; it is in {unit}"
        raise Wrong("BAD_NUMBER", f'"{printable(written)}" is not a number from 0 on', hint)
    whole = unit not in _FRACTIONAL
    if (whole and not figure.is_integer()) or ((whole or unit == "s") and THOUSANDS.fullmatch(written.strip())):
        what = "a whole number" if whole else "a number that can be read in one way"
        hint = f"write it in digits alone, such as 25000, with no point between thousands; it is in {unit}"
        raise Wrong("BAD_NUMBER", f'"{printable(written)}" is not {what}', hint)
    return figure


def _formats(node: Node) -> tuple[str, ...]:
    names = yaml_values.list_of(yaml_values.text, "a list of formats")(node)
    if wrong := next((name for name in names if not platforms.types([name])), None):
        hint = did_you_mean(wrong, platforms.FORMAT_NAMES.values())
        raise Wrong("BAD_CHOICE", f'"{printable(wrong)}" is no format', hint)
    return names


_APPRISE = re.compile("[A-Za-z][A-Za-z0-9+.-]*://.+")


@shaped(
    anyOf=[
        {"type": "string", "pattern": f"^{_APPRISE.pattern}$"},
        {"type": "array", "items": {"type": "string", "pattern": f"^{_APPRISE.pattern}$"}},
    ],
    examples=[["ntfy://my-topic"]],
)
def _notify_urls(node: Node) -> tuple[str, ...]:
    """They hold tokens, so that no message may show one: it says which it is."""
    items = node.items if isinstance(node, Sequence) else (node,)
    for number, item in enumerate(items, 1):
        if not isinstance(item, Scalar) or not _APPRISE.fullmatch(item.text):
            raise Wrong(
                "BAD_NOTIFY_URL",
                f"number {number} is not an Apprise URL",
                "write them like [ntfy://my-topic, mailto://…]; https://appriseit.com/services lists the services",
                item.line,
            )
    return tuple(item.text for item in items if isinstance(item, Scalar))


API_KEYS: Mapping[str, Key] = {
    "base_url": Key(_url, BASE_URL, "Where PostPost's API is."),
    "key_file": Key(
        yaml_values.optional(_path),
        "null",
        "A file that holds the API key and nothing else; readable by its owner alone.",
    ),
    "key": Key(yaml_values.optional(yaml_values.text), "null", "The API key itself; key_file is better."),
    "user_id": Key(
        yaml_values.optional(_user_id), "null", "Act as this managed user of a workspace (x-postpost-user-id)."
    ),
}
WATCH_KEYS: Mapping[str, Key] = {
    "path": Key(_path, "", "The folder to watch."),
    "timezone": Key(_timezone, "the global one", "IANA time zone of local times in this root."),
    "settle": Key(yaml_values.duration, "the global one", "This root's own quiet time; 60s suits synced folders."),
    "observer": Key(
        yaml_values.one_of("auto", "native", "polling"), "auto", "How changes are noticed; auto polls network mounts."
    ),
    "poll_interval": Key(_interval, "30s", "How often a polled root is looked at."),
    "default_platforms": Key(_names, "[]", "Where posts without platforms go."),
    "slots": Key(_slots, "the global ones", "When posts with scheduled_time: next go out; local to timezone."),
    "default_time": Key(_default_time, "draft", "What a sidecar without scheduled_time means in this root."),
    "fit": Key(yaml_values.yes_or_no, "the global one", "Whether this root's posts are sent as fitted copies."),
    "calendar": Key(
        yaml_values.yes_or_no, "false", "Write postpost-calendar.html and postpost-calendar.ics into this root."
    ),
    "api": Key(lambda node: node, "{}", "This root's own key_file, key or user_id, where it posts as someone else."),
}
UPLOAD_KEYS: Mapping[str, Key] = {
    "concurrency": Key(yaml_values.whole_number(1, 64), "4", "How many files are sent at once."),
}
NOTIFY_KEYS: Mapping[str, Key] = {
    "urls": Key(_notify_urls, "[]", "Apprise URLs, such as ntfy://my-topic; they hold tokens, so urls_file is better."),
    "urls_file": Key(
        yaml_values.optional(_path), "null", "A file with an Apprise URL a line; readable by its owner alone."
    ),
    "on": Key(
        yaml_values.list_of(yaml_values.one_of(*Event), "a list of events"),
        f"[{', '.join(DEFAULT_EVENTS)}]",
        f"What is told: these, and {Event.PUBLISHED}.",
    ),
    "digest": Key(yaml_values.duration, "1m", "What happens within this time comes as one message."),
}
MONITOR_KEYS: Mapping[str, Key] = {
    "ping_url": Key(
        yaml_values.optional(_ping_url),
        "null",
        "Pinged as long as all is well, as healthchecks.io has it; whoever knows it can ping it, so chmod 600 this file.",
    ),
    "every": Key(_interval, "5m", "How often it is pinged."),
}
KEYS: Mapping[str, Key] = {
    "api": Key(lambda node: node, "{}", "Where and as whom to post."),
    "watch": Key(lambda node: node, "", "The folders to watch."),
    "accounts": Key(_accounts, "{}", "Names usable in platforms, each for one or more connection ids."),
    "timezone": Key(_timezone, "UTC", "IANA time zone of local times."),
    "slots": Key(_slots, "[]", "When posts with scheduled_time: next go out, such as [mon-fri 09:00, sat 11:00]."),
    "state_db": Key(_path, "~/.local/state/postpost-sync/state.db", "The database; on a local disk."),
    "settle": Key(yaml_values.duration, "10s", "How long a folder must be quiet before it counts as complete."),
    "rescan": Key(_interval, "5m", "How often everything is compared, whatever was noticed."),
    "uploads": Key(lambda node: node, "{}", "How media are sent."),
    "late_tolerance": Key(
        yaml_values.duration, "15m", "A folder that arrives this much after its time is published at once."
    ),
    "catch_up": Key(
        yaml_values.duration, "6h", "A folder that was complete in time but delayed still goes out within this."
    ),
    "on_remove": Key(yaml_values.one_of("keep", "cancel"), "keep", "What a removed folder does to its scheduled post."),
    "duplicates": Key(
        yaml_values.one_of("warn", "hold", "allow"),
        "warn",
        "The same post to the same account within 3 days, from another folder.",
    ),
    "fit": Key(
        yaml_values.yes_or_no,
        "true",
        "Send a fitted copy of what would be refused: HEIC as JPEG, a picture made smaller, MOV as MP4.",
    ),
    "limits": Key(
        _limits, "{}", "Figures of platforms that differ for you, such as {twitter: {text: 25000}} with X Premium."
    ),
    "notify": Key(lambda node: node, "{}", "Who is told when a post needs a person, and of what."),
    "monitor": Key(lambda node: node, "{}", "What notices when the daemon is dead."),
    "ignore": Key(
        yaml_values.list_of(_pattern, "a list of name patterns"),
        "[]",
        "Further name patterns to ignore, added to the built-in ones.",
    ),
}
