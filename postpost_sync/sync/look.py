"""What is in memory about one folder while something is done for it, or it is not finished."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
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

    def same(self, other: Grounds) -> bool:
        """Whether they are the very same: a hundred accounts are not compared each time."""
        return self.reading is other.reading and self.policy is other.policy and self.kept == other.kept


@dataclass
class Look:
    """One folder. Changed under the lock of `Folders` alone, but for `in_flight`, which its transfers change."""

    key: int
    root: str
    path: str
    fingerprint: str = ""
    since: float = 0.0  # monotonic: when it was last seen to change, or to be gone
    restless_since: float | None = None  # monotonic: since when it has not been quiet for long enough to be read
    there: bool = True
    arriving: float | None = None  # the newest transfer temporary's time, when it was last seen
    reading: Reading | None = None
    judged: tuple[Grounds, Wanted] | None = None  # what it asks for, and what that was concluded from
    hashes: dict[str, MediaFile] = field(default_factory=dict)  # files hashed, by name, with the stat they had
    in_flight: dict[int, Stop] = field(default_factory=dict)  # position -> what ends the transfer
    receipt: Mapping[str, Any] | None = None  # what the status file says
    receipt_of: Record | None = None  # the record that was last compared with it
    receipt_failed: bool = False

    @property
    def name(self) -> str:
        return f"{self.root}/{self.path}"
