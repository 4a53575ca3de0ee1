"""What is in memory about one folder while something is done for it, or it is not finished."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from postpost_sync.model.folder import MediaFile, Reading
from postpost_sync.model.post import Policy, Resolved
from postpost_sync.model.record import Record
from postpost_sync.post.desired import Wanted
from postpost_sync.service.upload import Stop


class Grounds(NamedTuple):
    """All that what a folder asks for depends on."""

    reading: Reading
    policy: Policy  # with the connected accounts
    kept: Resolved
    unfit: tuple[str, ...]  # files of which no fitted copy can be made
    copies: Mapping[str, MediaFile]  # that were made since it was read
    part: str  # which of its parts is asked for

    def same(self, other: Grounds) -> bool:
        """Whether they are the very same: a hundred accounts are not compared each time."""
        read = self.reading is other.reading and self.copies is other.copies and self.unfit == other.unfit
        return read and self.policy is other.policy and self.kept == other.kept

    @property
    def with_copies(self) -> Reading:
        """What was read, with the copies that were made of its files since."""
        if not self.copies:
            return self.reading
        made = (self.copies.get(file.name, file) for file in self.reading.media)
        media = (
            replace(file, sha256=one.sha256, copy=one.copy) if one.stat == file.stat and one is not file else file
            for file, one in zip(self.reading.media, made, strict=True)
        )
        return replace(self.reading, media=tuple(media))


@dataclass(slots=True)
class Look:
    """One folder. Changed under the lock of `Folders` alone, but for what its transfers change, `in_flight` and `at_work`, and
    who makes its copies, `fitting`, `at_work` and `copies`."""

    key: int
    root: str
    path: str
    part: str = ""  # of the folder; "" the main one
    fingerprint: str = ""
    since: float = 0.0  # monotonic: when it was last seen to change, or to be gone
    restless_since: float | None = None  # monotonic: since when it has not been quiet for long enough to be read
    there: bool = True
    arriving: float | None = None  # the newest transfer temporary's time, when it was last seen
    reading: Reading | None = None
    read_at: float = 0.0  # monotonic
    judged: tuple[Grounds, Wanted] | None = None  # what it asks for, and what that was concluded from
    hashes: dict[str, MediaFile] = field(default_factory=dict)  # files hashed, by name, with the stat they had
    in_flight: dict[int, Stop] = field(default_factory=dict)  # position -> what ends the transfer
    # what threads do for it, until the folder was waked for what came of it
    at_work: set[object] = field(default_factory=set)
    fitting: set[str] = field(default_factory=set)  # names of the files of which a copy is being made
    # files with theirs, by name; another map at each change
    copies: Mapping[str, MediaFile] = field(default_factory=dict)
    receipt: Mapping[str, Any] | None = None  # what the status file says
    receipt_of: tuple[Record, ...] = ()  # the records of all parts that were last compared with it
    receipt_text: int | None = None  # the hash of its text as we wrote it last
    receipt_failed: bool = False
    # ids in its status file that are no longer its own: PostPost holds nothing, or a part is gone
    not_there: frozenset[str] = frozenset()

    @property
    def name(self) -> str:
        return f"{self.root}/{self.path}" + (f" ({self.part})" if self.part else "")
