"""What a post folder looks like, and what was read in it.

All are frozen. Times are aware UTC datetimes, durations seconds, sizes bytes; a `path` of a folder is relative to its root.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import Any, NamedTuple

from postpost_sync.model.errors import Finding, printable

STATUS_FILE = "post.status.yaml"
CALENDAR_PAGE, CALENDAR_FEED = "postpost-calendar.html", "postpost-calendar.ics"  # in a watch root that asks for them
SIDECAR_NAMES = frozenset({"post.yaml", "post.yml"})  # compared in lower case
Value = str | bool | list["Value"] | dict[str, "Value"]
Settings = Mapping[str, Mapping[str, Any]]  # platform -> key -> Value


# --- what a folder looks like -----------------------------------------------------------------------------------------


class EntryKind(StrEnum):
    FILE = "file"
    LINK = "link"
    FOLDER = "folder"
    OTHER = "other"  # device, FIFO, socket
    NOTHING = "nothing"  # it is listed, and the system says that it is not there


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


class Awaited(NamedTuple):
    """A file that is not there yet, or not whole, as what lies beside it says."""

    name: str
    sign: str  # the placeholder, or the control file of a download
    partly: bool = False  # whether some of its bytes lie there under its name


@dataclass(frozen=True)  # without slots, for what is worked out once
class Folder:
    """One look at a post folder: its entries by name, without those that are ignored and without our own status file."""

    root: str
    path: str
    inode: int
    device: int
    entries: tuple[Entry, ...]
    arriving: float | None = None  # modification time (seconds since 1970) of the newest transfer temporary
    awaited: tuple[Awaited, ...] = ()
    # when the folder itself last was changed, renamed or moved (its ctime, seconds since 1970)
    moved_at: float = field(default=0.0, compare=False)
    inside: tuple[str, ...] = ()  # where it has no picture or video itself: one of each folder inside that has

    @cached_property
    def fingerprint(self) -> str:
        """Equal as long as nothing about any entry changed. Folders inside count by name, and by what of theirs is `inside`."""
        import hashlib  # here: `status` would wait for OpenSSL, and asks for none of it

        folder = EntryKind.FOLDER
        facts = [
            f"{name}/"
            if kind is folder
            else f"{name}\0{s.size} {s.mtime_ns} {s.ctime_ns} {s.inode}"  # no name holds / or NUL
            for name, kind, s in self.entries
        ]
        facts += [f"{one.sign}//" for one in self.awaited]
        facts += [f"{one}///" for one in self.inside]
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
class FirstComment:
    """What is to stand below the post, from the account that posts it; no platforms: all of the post's."""

    text: str
    platforms: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PlatformEntry:
    """One entry of `per_platform`: what is other for some of the accounts. None: as the rest of the sidecar has it."""

    name: str  # as it is written: an id, a name from `accounts`, or a platform
    line: int
    content: str | None = None
    content_file: str | None = None
    media: tuple[str, ...] | None = None
    scheduled_time: str | None = None
    platform_settings: Settings | None = None
    lines: Mapping[str, int] = field(default_factory=dict)  # key -> the line it stands on


class Apart(NamedTuple):
    """A day and a time of day that stand under a key each, instead of `scheduled_time`."""

    day: str
    clock: str
    what: str  # where they stand, in words


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
    first_comment: FirstComment | None = None
    unseen: Mapping[str, str] = field(default_factory=dict)  # key -> the first unseen character in its value, in words
    doubts: tuple[Finding, ...] = ()  # what may not be meant as it is written
    fit: bool | None = None
    per_platform: tuple[PlatformEntry, ...] = ()
    apart: Apart | None = None  # an error; which line is to stand instead, the zone says

    def at(self, key: str) -> str:
        """Where a key stands, in words: file, line and key."""
        line = f", line {self.lines[key]}" if key in self.lines else ""
        return f"{printable(self.file)}{line}: {key}"

    @property
    def text_files(self) -> tuple[str, ...]:
        """The files that hold a text, of whichever part: none of them is media unless it is named as that."""
        named = (self.content_file, *(entry.content_file for entry in self.per_platform))
        return tuple(name for name in named if name is not None)


NOTHING_WRITTEN = "nothing written"  # `MediaFile.sniffed` of one that has a length, and no bytes as yet


@dataclass(frozen=True, slots=True)
class Recipe:
    """What a fitted copy of a medium may be at most, so that every platform of its post takes it. Equal whatever the `why`."""

    forms: tuple[str, ...]  # the content types it may have, the best first
    size: int  # bytes
    width: int  # pixels
    height: int
    pixels: int
    version: int  # of how copies are made: another one makes others
    why: str = field(default="", compare=False)  # which platform takes what, in words


@dataclass(frozen=True, slots=True)
class Copy:
    """A fitted copy that was made, and lies beside the database."""

    recipe: Recipe
    file: str  # its name there
    content_type: str
    size: int
    facts: Mapping[str, str | int | float | bool] = field(default_factory=dict)  # measured, as those of a file


@dataclass(frozen=True, slots=True)
class MediaFile:
    """A file that is, or may be, media. `content_type` by what it is, None where it is no media PostPost takes."""

    name: str
    stat: Stat
    content_type: str | None
    sniffed: str = ""  # what it looks like where it is no media, for the message
    sha256: str | None = None
    facts: Mapping[str, str | int | float | bool] = field(default_factory=dict)  # measured: width, duration, codec …
    kind: str = ""  # the MIME type of what it is, whether PostPost takes that or not
    recipe: Recipe | None = None  # where a copy is sent instead: what that may be
    copy: Copy | None = None  # that copy, once it is made
    unreadable: Finding | None = None  # why it may not be read: what it is, is not known

    @property
    def sent_type(self) -> str:
        """The content type of what is sent: its copy's, its own, or what the copy is to be."""
        if self.recipe is None:
            return self.content_type or ""
        return self.copy.content_type if self.copy is not None else self.recipe.forms[0]

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
    # what the text files of `per_platform` hold, or what is wrong with one
    texts: Mapping[str, str | Finding] = field(default_factory=dict)
    inside: tuple[str, ...] = ()  # where a folder without media of its own has some in folders inside: one of each

    @property
    def lacks_rights(self) -> bool:
        """Whether something in the folder may not be read: rights may change without a sign of that in the folder."""
        texts = (one for one in self.texts.values() if isinstance(one, Finding))
        refused = any(one.code == "FILE_UNREADABLE" for one in (*self.errors, *texts))
        return refused or any(file.unreadable is not None for file in self.media)
