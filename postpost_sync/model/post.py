"""What a post is: what a folder asks PostPost for, the accounts it may go to, and what the config says of its root.

All are frozen. Times are aware UTC datetimes, durations seconds.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from postpost_sync.model.folder import FirstComment, MediaFile, Settings
from postpost_sync.model.slots import Slot

OLD_FOR_NOW = 86400.0  # seconds; a `now` folder whose files are older than this waits for a person
OLD_FOR_QUEUE = 30 * 86400.0  # seconds for which what went out may be what a queued folder asks for

Resolved = Mapping[str, tuple[str, ...]]  # selector of accounts, such as `all` -> the connection ids it stands for


@dataclass(frozen=True, slots=True)
class Connection:
    """An account that PostPost can post to."""

    platform_id: str
    name: str
    token_status: str
    token_expires: str | None
    last_error: str | None
    subscription: str | None = None  # what the platform's own plan is called there, such as X's Premium


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
    slots: tuple[Slot, ...] = ()  # of its queue, local to `timezone`
    default_time: str = "draft"  # draft | next | now: what a sidecar without a time means
    connections: tuple[Connection, ...] | None = None  # of its key, as last seen; None: never asked
    ignore: tuple[str, ...] = ()  # further patterns of names that are not seen
    # platform -> key of platforms.KEYS -> figure
    limits: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    first_comments: bool | None = None  # whether the service takes any; None: it was not asked yet
    fit: bool = True  # what would be refused, and would not be as a fitted copy, is sent as that

    @property
    def lately(self) -> float:
        """Seconds for which what went out counts: a folder as old as that may still go out by itself."""
        return max(self.catch_up, OLD_FOR_NOW, OLD_FOR_QUEUE if self.slots else 0.0)


def config_digest(policy: Policy) -> str:
    """Tells one config from another, as far as it says what a folder asks for. What it was resolved to once is not in it:
    what a missing time means, and the slots of a queue, are kept with the post."""
    accounts, limits = dict(policy.accounts), {one: dict(figures) for one, figures in policy.limits.items()}
    said = [policy.timezone, policy.default_platforms, accounts, limits, policy.fit, sorted(policy.ignore)]
    text = json.dumps(said, sort_keys=True, separators=(",", ":"))
    return _hashed(text)


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
    first_comment: FirstComment | None = None  # with the names of all platforms that it is for
    parted: bool = False  # whether it is one of the parts of a folder, each with some of the accounts


def digest(content: str, settings: Settings, first_comment: FirstComment | None = None) -> str:
    """Tells one text with its settings and its comment from another."""
    plain = {platform: dict(sorted(values.items())) for platform, values in sorted(settings.items())}
    told = [content.strip(), plain]
    if first_comment is not None:
        told.append({"text": first_comment.text, "platforms": list(first_comment.platforms)})
    text = json.dumps(told, separators=(",", ":"))
    return _hashed(text)


def _hashed(text: str) -> str:
    import hashlib  # here: `status` would wait for OpenSSL, and asks for none of it

    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()
