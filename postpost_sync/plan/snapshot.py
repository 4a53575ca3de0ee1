"""What a decision is made from besides the record: the folder, the account, and the other posts, at one moment.

All are frozen. Times are aware UTC datetimes, durations seconds.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from postpost_sync.model.errors import Finding
from postpost_sync.model.folder import Folder, Reading, Sidecar
from postpost_sync.model.post import Policy
from postpost_sync.model.record import Record

if TYPE_CHECKING:  # who only asks the database needs nothing of what resolves a folder
    from postpost_sync.post.desired import Wanted


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
class Day:
    """How many posts of other folders an account gets in the 24 hours up to this one's time, and how many are videos."""

    platform_id: str
    posts: int
    videos: int


@dataclass(frozen=True, slots=True)
class Scheduled:
    """Another folder's post that stands scheduled."""

    path: str  # with its root
    time: datetime


@dataclass(frozen=True, slots=True)
class Stranger:
    """A post at PostPost that none of our records knows, with the text or the very time of the folder; or held for before."""

    post_group_id: str
    status: str
    time: datetime | None
    created_at: datetime | None
    platforms: tuple[str, ...]
    media: int | None  # how many; None where PostPost does not say
    same_text: bool = True


@dataclass(frozen=True, slots=True)
class Shown:
    """What PostPost showed a post of this folder as, `at` that time."""

    status: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Everything outside of the database that a decision about a folder depends on, at one moment."""

    folder: Folder | None  # None: it is not there
    policy: Policy
    quiet: float = 0.0  # seconds (monotonic) since anything in it was seen to change, or since it went missing
    restless: float = 0.0  # seconds for which it has been changing again and again, and could not be read
    glimpse: Sidecar | None = None  # the sidecar of one that has been so for long, as it was for a moment
    root_present: bool = True
    unreadable: Finding | None = None  # why it cannot be looked into, though its root is there
    reading: Reading | None = None
    read_age: float = 0.0  # seconds since that was read
    in_flight: frozenset[int] = frozenset()  # positions whose bytes are being sent now
    fitting: frozenset[str] = frozenset()  # names of files of which a copy is being made now
    key_refused: Finding | None = None  # the service does not take the key
    key_probe_at: datetime | None = None
    accounts_age: float = 0.0  # seconds since `policy.connections` were asked for; infinite: never
    list_age: float = 0.0  # seconds since what PostPost holds was asked for; infinite: it is to be asked for whole
    strangers: tuple[Stranger, ...] = ()
    unlisted: tuple[str, ...] = ()  # post groups that may be its own, and of which no reading tells anything
    shown: Mapping[str, Shown] = field(default_factory=dict)  # post group id -> what it was shown as
    clock_known: bool = True  # whether `now` is the service's time, not just what this machine takes it for
    twin: Record | None = None  # the folder whose copy this one seems to be
    alike: tuple[Record, ...] = ()  # other folders with a post of the same text
    left: frozenset[int] = frozenset()  # the keys of those of them that lie below no root that is watched
    beside: tuple[Neighbour, ...] = ()  # other folders that ask for the same minute
    days: tuple[Day, ...] = ()  # of the accounts whose platform says how many posts it takes a day
    removed: int = 0  # folders that were removed at once while their posts stand, this one among them
    waiting: Waiting | None = None  # of the account's posts that wait for room in its plan, the one whose turn it is
    furthest: tuple[Scheduled, ...] = ()  # where it waits: the posts that the account has scheduled the furthest ahead
    siblings: tuple[Record, ...] = ()  # the other parts of the folder
    desired: Wanted | None = None  # what the folder asks for, where it was resolved before
    config: str = ""  # digest of what the config says of the root, as far as what a folder asks for depends on it
