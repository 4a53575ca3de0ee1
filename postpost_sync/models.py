"""The plain values that travel between the layers: what a folder looks like, what it asks for, how a root is.

All are frozen. Times are aware UTC datetimes, durations seconds, sizes bytes; a `path` of a folder is relative to its root.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from postpost_sync.errors import Finding

STATUS_FILE = "post.status.yaml"
SIDECAR_NAMES = frozenset({"post.yaml", "post.yml"})  # compared in lower case
Settings = Mapping[str, Mapping[str, str | bool]]  # platform -> key -> value
Resolved = Mapping[str, tuple[str, ...]]  # selector of accounts, such as `all` -> the connection ids it stands for


# --- what a folder looks like -----------------------------------------------------------------------------------------


class EntryKind(StrEnum):
    FILE = "file"
    LINK = "link"
    FOLDER = "folder"
    OTHER = "other"  # device, FIFO, socket


class Stat(NamedTuple):  # a tuple, as Entry is: a rescan makes hundreds of thousands
    """What tells one file's bytes from another's without reading them."""

    size: int
    mtime_ns: int
    ctime_ns: int
    inode: int
    device: int


class Entry(NamedTuple):
    """One name in a folder."""

    name: str
    kind: EntryKind
    stat: Stat


@dataclass(frozen=True, slots=True)
class Folder:
    """One look at a post folder: its entries by name, without those that are ignored and without our own status file."""

    root: str
    path: str
    inode: int
    device: int
    entries: tuple[Entry, ...]
    arriving: float | None = None  # modification time (seconds since 1970) of the newest transfer temporary

    @property
    def fingerprint(self) -> str:
        """Equal as long as nothing about any entry changed. Folders inside count by name alone."""
        folder = EntryKind.FOLDER
        facts = [
            f"{name}/"
            if kind is folder
            else f"{name}\0{s.size} {s.mtime_ns} {s.ctime_ns} {s.inode}"  # no name holds / or NUL
            for name, kind, s in self.entries
        ]
        return hashlib.blake2b("\0".join(facts).encode("utf-8", "surrogateescape"), digest_size=16).hexdigest()

    @property
    def sidecars(self) -> tuple[Entry, ...]:
        return tuple(e for e in self.entries if e.name.lower() in SIDECAR_NAMES)

    @property
    def changed_at(self) -> float:
        """When the newest of its files last came to be as it is (ctime, seconds since 1970)."""
        return max((e.stat.ctime_ns for e in self.entries if e.kind is EntryKind.FILE), default=0) / 1e9

    @property
    def modified_at(self) -> float:
        """The newest modification time of its files (seconds since 1970): old where an archive was copied in."""
        return max((e.stat.mtime_ns for e in self.entries if e.kind is EntryKind.FILE), default=0) / 1e9


# --- what it asks for -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Sidecar:
    """`post.yaml` as written, checked for shape alone. None: the key is not there."""

    content: str | None = None
    content_file: str | None = None
    platforms: tuple[str, ...] | None = None
    scheduled_time: str | None = None
    timezone: str | None = None
    media: tuple[str, ...] | None = None
    platform_settings: Settings = field(default_factory=dict)
    lines: Mapping[str, int] = field(default_factory=dict)  # key -> the line it stands on
    file: str = "post.yaml"  # its own name, as it is written


UNREADABLE = "not readable"  # `MediaFile.sniffed` of what we have no right to read


@dataclass(frozen=True, slots=True)
class MediaFile:
    """A file that is, or may be, media. `content_type` by what it is, None where it is no media PostPost takes."""

    name: str
    stat: Stat
    content_type: str | None
    sniffed: str = ""  # what it looks like where it is no media, for the message
    sha256: str | None = None
    facts: Mapping[str, str | int | float | bool] = field(default_factory=dict)  # measured: width, duration, codec …

    @property
    def is_video(self) -> bool:
        return (self.content_type or "").startswith("video/")


@dataclass(frozen=True, slots=True)
class Reading:
    """What was read in a folder when it had the named fingerprint. Depends on the folder alone, never on the config."""

    fingerprint: str
    sidecar: Sidecar | None
    errors: tuple[Finding, ...] = ()
    warnings: tuple[Finding, ...] = ()
    media: tuple[MediaFile, ...] = ()  # every regular file that is not the sidecar, by name
    content: str | None = None  # the text to post, from the sidecar or its content_file


@dataclass(frozen=True, slots=True)
class Connection:
    """An account that PostPost can post to."""

    platform_id: str
    name: str
    token_status: str
    token_expires: str | None
    last_error: str | None


@dataclass(frozen=True, slots=True)
class Policy:
    """What the config says about one root, as far as a post's fate depends on it."""

    timezone: str = "UTC"
    settle: float = 10.0
    default_platforms: tuple[str, ...] = ()
    accounts: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    late_tolerance: float = 900.0
    catch_up: float = 21600.0
    cancel_removed: bool = False
    duplicates: str = "warn"  # warn | hold | allow
    connections: tuple[Connection, ...] | None = None  # of its key, as last seen; None: never asked
    ignore: tuple[str, ...] = ()  # further patterns of names that are not seen
    # platform -> key of platforms.KEYS -> figure
    limits: Mapping[str, Mapping[str, float]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Post:
    """What the folder asks PostPost for, everything resolved. `time` None: leave it a draft.

    `asked` are its ids and selectors as the sidecar has them; what is not in `resolved` is not known yet.
    """

    content: str
    platforms: tuple[str, ...]
    platform_settings: Settings
    media: tuple[MediaFile, ...]
    time: datetime | None
    timezone: str
    asked: tuple[str, ...] = ()
    resolved: Resolved = field(default_factory=dict)


# --- how the roots and the listeners are ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Oddity:
    """A folder that is no post folder, although somebody may think that it is one."""

    path: str
    finding: Finding


class RootState(StrEnum):
    OK = "ok"
    AWAY = "away"
    DEGRADED = "degraded"


@dataclass(frozen=True, slots=True)
class RootStatus:
    """How a watch root is doing, as `status` shows it."""

    path: str
    observer: str
    state: RootState
    error: Finding | None = None
    last_scan: datetime | None = None
    oddities: tuple[Oddity, ...] = ()


@dataclass(frozen=True, slots=True)
class Listener:
    """Somebody who is notified. What was told to it is kept apart."""

    target: str  # digest of the URL, which is a secret
    events: tuple[str, ...] = ()  # what it asked to be told of
    error: Finding | None = None  # why nothing gets through to it
