"""What is in memory about one folder while something is done for it, or it is not finished."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from postpost_sync.model.folder import MediaFile, Reading
from postpost_sync.service.upload import Stop


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
    hashes: dict[str, MediaFile] = field(default_factory=dict)  # files hashed, by name, with the stat they had
    in_flight: dict[int, Stop] = field(default_factory=dict)  # position -> what ends the transfer
    receipt: Mapping[str, Any] | None = None  # what the status file says
    receipt_failed: bool = False

    @property
    def name(self) -> str:
        return f"{self.root}/{self.path}"
