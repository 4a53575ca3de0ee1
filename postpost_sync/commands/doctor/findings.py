"""What `doctor` says of one thing, and what its checks share."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

UNITS = ("/etc/systemd/system", "/usr/lib/systemd/system", "/usr/local/lib/systemd/system")


class Level(StrEnum):
    OK = "ok"
    WARNING = "warning"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class Finding:
    """`what` was looked at, and what was found; `hint` is the way out."""

    level: Level
    what: str
    message: str
    hint: str = ""


Findings = Iterator[Finding]


def installed() -> bool:
    """Whether there is a system service."""
    return any(Path(place, "postpost-sync.service").exists() for place in UNITS)


def existing(path: Path) -> Path:
    """The path, or the nearest above it that is there."""
    while path.parent != path:
        with contextlib.suppress(PermissionError):
            if path.exists():
                break
        path = path.parent
    return path
