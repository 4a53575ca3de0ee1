"""What we know of each post folder: its record, what we did for it, and the snapshot that a decision is made from.

All are frozen. Times are aware UTC datetimes, durations seconds, sizes bytes.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from postpost_sync.errors import Finding
from postpost_sync.models import Folder, Policy, Reading, Resolved, Settings, Stat
from postpost_sync.states import State

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


# --- what a decision is made from -------------------------------------------------------------------------------------


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
