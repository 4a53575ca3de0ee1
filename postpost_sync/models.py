"""The plain values that travel between the layers: what a folder looks like, what it asks for, what we know we did.

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
from postpost_sync.states import State

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


# --- what we did ------------------------------------------------------------------------------------------------------


class UploadStage(StrEnum):
    WAITING = "waiting"  # no URL
    SIGNING = "signing"  # a URL was asked for; the answer is not known
    SIGNED = "signed"  # a URL is there, the bytes are not
    STORED = "uploaded"  # the store confirmed every byte


@dataclass(frozen=True, slots=True)
class Upload:
    """One media record of a post group: which file, under which name, how far."""

    position: int
    name: str
    upload_name: str
    content_type: str
    stat: Stat
    stage: UploadStage = UploadStage.WAITING
    sha256: str | None = None
    url: str | None = None  # secret
    file_url: str | None = None
    media_id: str | None = None
    expires_at: datetime | None = None
    refused: int = 0  # how many of its URLs the store refused
    resets: int = 0  # how often in a row the connection broke with the present URL
    sent: int = 0


class GroupStage(StrEnum):
    CREATING = "creating"  # the create was or may have been sent; no answer is known
    DRAFT = "draft"
    SCHEDULED = "scheduled"
    WITHDRAWN = "withdrawn"  # was scheduled, put back to draft to make room for its successor
    GOING_OUT = "going_out"  # no longer editable; what became of it is not known yet
    ENDED = "ended"  # published, partially published or failed at PostPost
    FOLLOWED = "followed"  # ended, and what failed or was deleted there is posted once more by a later group
    DOOMED = "doomed"  # ours and no longer wanted: to be deleted
    GONE = "gone"  # deleted, or never came to be


@dataclass(frozen=True, slots=True)
class Issued:
    """One answer (or lost answer) of get-upload-url: a media record that may exist in the group."""

    position: int
    media_id: str | None
    file_url: str | None


@dataclass(frozen=True, slots=True)
class ReadBack:
    """What list-posts said about a draft before it is scheduled."""

    found: bool
    media: int | None  # how many media the service lists; None where it does not say
    strangers: int  # of these, how many are certainly not ours
    first_at: datetime
    at: datetime
    ours: int | None = None  # how many of our files are certainly among them; None where that cannot be told


@dataclass(frozen=True, slots=True)
class PlatformResult:
    platform_id: str
    status: str
    posted_id: str | None = None
    error: Finding | None = None
    retryable: bool | None = None


@dataclass(frozen=True, slots=True)
class Group:
    """One post group at PostPost that we made, or may have made."""

    key: int
    stage: GroupStage
    post_group_id: str | None
    intent_at: datetime  # server time
    content: str
    platforms: tuple[str, ...]
    platform_settings: Settings
    uploads: tuple[Upload, ...] = ()
    resolved: Resolved = field(default_factory=dict)  # what the folder's selectors stood for when it was made
    issued: tuple[Issued, ...] = ()
    read_back: ReadBack | None = None
    verified: bool = False  # its media were seen to be exactly ours
    asked_time: datetime | None = None
    answered_time: datetime | None = None
    searches: int = 0  # how often an unknown create was looked for
    results: tuple[PlatformResult, ...] = ()
    outcome: State | None = None
    checked_at: datetime | None = None  # when get-post was last asked
    lost: bool = False  # the service answered that it does not know it
    unseen: bool = False  # the list of scheduled posts lacked it: get-post is to say why
    elsewhere: Finding | None = None  # what somebody else changed about it at PostPost
    placed_at: datetime | None = None  # server time at which update-post last said what it is
    updating: bool = False  # the intent: an update-post may have changed what it is, or its time
    account: str = ""  # digest of the key and user id that made it; no other one can tell what became of it

    @property
    def records_possible(self) -> int:
        """How many media records may exist under it because of us: a lost answer counts, a reissued record does not."""
        known = {i.media_id for i in self.issued if i.media_id is not None}
        return len(known) + sum(i.media_id is None for i in self.issued)


class TroubleKind(StrEnum):
    RETRY = "retry"  # tried again by itself at `until`
    REFUSED = "refused"  # the service said no to what the folder asks; over when the folder changes
    HELD = "held"  # over at `until`, or when a person says so


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why the last effect did not work, and when the next try is due."""

    step: str  # the kind of step it was
    kind: TroubleKind
    finding: Finding
    since: datetime
    until: datetime | None = None
    attempts: int = 1


@dataclass(frozen=True, slots=True)
class Claim:
    """What a folder's status file says of a post that our records do not know. To be believed only as far as it proves."""

    post_group_id: str | None
    foreign: bool  # written by another installation
    state: str
    time: datetime | None = None  # as PostPost had answered
    asked_time: datetime | None = None
    differs: bool = False  # PostPost shows something else under that id


@dataclass(frozen=True, slots=True)
class MediaName:
    """A file of the post, for showing it before its upload has a row of its own."""

    name: str
    size: int


@dataclass(frozen=True, slots=True)
class Record:
    """All that is known about one post folder, as the database has it."""

    key: int
    folder_id: str
    root: str
    path: str
    inode: int
    device: int
    state: State
    first_seen: datetime
    updated_at: datetime
    fingerprint: str = ""  # the folder as it was when it last had settled
    complete_at: datetime | None = None  # when that came to be
    now_time: datetime | None = None  # what `scheduled_time: now` was resolved to
    confirmed: bool = False  # a person said: go on
    cancel: str | None = None  # the fingerprint of the folder of which a person said: take it back
    rebuilds: int = 0
    gave_up: Finding | None = None  # why no further draft is made for this fingerprint, until a person says so
    done: bool = False  # nothing more is wanted for this fingerprint than what stands at PostPost
    timezone: str = "UTC"  # how its time is shown
    platforms: tuple[str, ...] = ()
    media: tuple[MediaName, ...] = ()
    time: datetime | None = None  # the time the folder asks for
    error: Finding | None = None
    warnings: tuple[Finding, ...] = ()
    retry_at: datetime | None = None
    troubles: tuple[Trouble, ...] = ()  # at most one a kind of step; the newest last
    groups: tuple[Group, ...] = ()
    previous: tuple[str, ...] = ()  # post groups this folder had before
    claim: Claim | None = None
    copy_of: str | None = None  # folder_id of the folder whose copy it seems to be
    unproven: bool = False  # PostPost may hold its post already: it is asked before anything is created

    def trouble_with(self, step: str) -> Trouble | None:
        """Why the last step of that kind did not work; None where it did."""
        return next((trouble for trouble in self.troubles if trouble.step == step), None)

    @property
    def trouble(self) -> Trouble | None:
        """The newest one."""
        return self.troubles[-1] if self.troubles else None


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


@dataclass(frozen=True, slots=True)
class Waiting:
    """A post that waits for room in the plan of its account."""

    key: int  # of its record
    time: datetime
    finding: Finding
    until: datetime | None = None  # when it is tried again


@dataclass(frozen=True, slots=True)
class Neighbour:
    """Another folder whose post goes out in the same minute."""

    path: str
    platforms: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Everything outside of the database that a decision about a folder depends on, at one moment."""

    folder: Folder | None  # None: it is not there
    policy: Policy
    quiet: float = 0.0  # seconds (monotonic) since anything in it was seen to change, or since it went missing
    root_present: bool = True
    reading: Reading | None = None
    in_flight: frozenset[int] = frozenset()  # positions whose bytes are being sent now
    key_refused: Finding | None = None  # the service does not take the key
    key_probe_at: datetime | None = None
    accounts_age: float = 0.0  # seconds since `policy.connections` were asked for; infinite: never
    clock_known: bool = True  # whether `now` is the service's time, not just what this machine takes it for
    twin: Record | None = None  # the folder whose copy this one seems to be
    alike: tuple[Record, ...] = ()  # other folders with a post of the same text
    beside: tuple[Neighbour, ...] = ()  # other folders that ask for the same minute
    removed: int = 0  # folders that were removed at once while their posts stand, this one among them
    waiting: Waiting | None = None  # of the account's posts that wait for room in its plan, the one whose turn it is
    last_scheduled: int | None = (
        None  # where one waits: the key of the account's post that is scheduled the furthest ahead
    )
