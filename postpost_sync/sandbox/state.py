"""What the service knows: groups, their media and posts.

Records are changed only under the sandbox's lock; the frozen views are what tests and the demo see.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from .store import ObjectStore


@dataclass(frozen=True)
class Media:
    """A media record; it exists from the presigning on, `stored` once its bytes have arrived."""

    id: str
    group_id: str
    file_name: str
    content_type: str
    type: str
    url: str
    signed_at: datetime
    stored: bool = False
    size: int = 0
    sha256: str = ""
    uploads: int = 0
    """How many PUTs succeeded."""


@dataclass(frozen=True)
class PostResult:
    """One platform's share of a group. `platform_id` is the compound one (`twitter-123`)."""

    id: str
    platform_id: str
    status: str
    posted_id: str | None = None
    error: Mapping[str, object] | None = None

    @property
    def platform(self) -> str:
        """The platform's name."""
        return self.platform_id.partition("-")[0]

    @property
    def raw_id(self) -> str:
        """The platform's own id of the account, as get-post shows it."""
        return self.platform_id.partition("-")[2]


@dataclass(frozen=True)
class Group:
    """A post group."""

    id: str
    owner: str
    content: str
    platforms: tuple[str, ...]
    platform_settings: Mapping[str, object]
    status: str
    scheduled_time: datetime | None
    created_at: datetime
    updated_at: datetime
    media: tuple[Media, ...]
    posts: tuple[PostResult, ...]
    first_comment: Mapping[str, object] | None = None


@dataclass(frozen=True)
class Call:
    """A request as it went: `status` is what was answered, 0 where nothing was."""

    name: str
    status: int
    time: datetime
    group_id: str | None = None
    fault: str | None = None


@dataclass(frozen=True)
class Event:
    """One line of a group's log."""

    name: str
    time: datetime
    platform_id: str | None = None
    detail: str | None = None


@dataclass
class MediaRecord:
    """What the service keeps of a media record."""

    id: str
    file_name: str
    content_type: str
    type: str
    key: str
    signed_at: datetime


@dataclass
class GroupRecord:
    """What the service keeps of a group."""

    id: str
    owner: str
    content: str
    platforms: tuple[str, ...]
    platform_settings: Mapping[str, object]
    created_at: datetime
    updated_at: datetime
    posts: list[PostResult]
    status: str = "draft"
    scheduled_time: datetime | None = None
    media: list[MediaRecord] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    counted_at: datetime | None = None
    """When it became scheduled and so was counted against the plan."""
    first_comment: Mapping[str, object] | None = None
    processing_until: datetime | None = None
    doomed: bool = False
    """Whether media without bytes were found when the scheduler took it."""

    def set_status(self, status: str, now: datetime) -> None:
        """Move the group and its posts to draft or scheduled."""
        if status != self.status:
            self.events.append(Event("status_changed", now, detail=f"{self.status} -> {status}"))
        if status == "scheduled":
            self.events.append(Event("scheduled", now))
            self.counted_at = self.counted_at or now
        else:
            self.counted_at = None
        self.status = status
        self.posts = [replace(post, status=status) for post in self.posts]


class State:
    """Every group there is, and what list-posts may already show of it. Not locked."""

    def __init__(self, store: ObjectStore) -> None:
        self.store = store
        self.groups: dict[str, GroupRecord] = {}
        self.deleted: list[str] = []
        self.spent: list[tuple[str, datetime, int]] = []
        """Owner, time and number of posts that went out and were deleted since: they count against the plan still."""
        self._by_key: dict[str, tuple[GroupRecord, MediaRecord]] = {}
        self._history: dict[str, list[tuple[datetime, Group | None]]] = {}

    def create(
        self, owner: str, content: str, platforms: tuple[str, ...], settings: Mapping[str, object], now: datetime
    ) -> GroupRecord:
        """A new draft; `changed` is the caller's."""
        posts = [PostResult(new_id(), platform, "draft") for platform in platforms]
        group = GroupRecord(new_id(), owner, content, platforms, settings, now, now, posts)
        self.groups[group.id] = group
        return group

    def add_media(self, group: GroupRecord, name: str, content_type: str, kind: str, now: datetime) -> MediaRecord:
        """A new media record of the group, still without bytes."""
        identity = new_id()
        media = MediaRecord(identity, name, content_type, kind, f"media/{identity}/{clean_name(name)}", now)
        group.media.append(media)
        self._by_key[media.key] = (group, media)
        return media

    def delete(self, group: GroupRecord, now: datetime) -> None:
        """Remove the group and its media."""
        for media in list(group.media):
            self.remove_media(group, media)
        if group.counted_at is not None and group.status not in ("draft", "scheduled"):
            self.spent.append((group.owner, group.counted_at, len(group.platforms)))
        del self.groups[group.id]
        self.deleted.append(group.id)
        self._history.setdefault(group.id, []).append((now, None))

    def remove_media(self, group: GroupRecord, media: MediaRecord) -> None:
        """Remove the media record and its bytes."""
        group.media.remove(media)
        del self._by_key[media.key]
        self.store.remove(media.key)

    def changed(self, group: GroupRecord, now: datetime) -> None:
        """Note that the group is as it is from now on."""
        group.updated_at = now
        self._history.setdefault(group.id, []).append((now, self.view(group)))

    def stored(self, media: MediaRecord) -> bool:
        """Whether the media's bytes are there."""
        return self.store.find(media.key) is not None

    def owner_of_key(self, key: str) -> tuple[GroupRecord, MediaRecord] | None:
        """The media record an object belongs to."""
        return self._by_key.get(key)

    def listed(self, owner: str, now: datetime, lag: float) -> list[Group]:
        """The owner's groups as they were `lag` seconds ago, oldest first."""
        until = now - timedelta(seconds=lag)
        seen: list[Group] = []
        for versions in self._history.values():
            visible = [view for time, view in versions if time <= until]
            if visible and visible[-1] is not None and visible[-1].owner == owner:
                seen.append(visible[-1])
        return seen

    def view(self, group: GroupRecord) -> Group:
        """The frozen view."""
        return Group(
            group.id,
            group.owner,
            group.content,
            group.platforms,
            group.platform_settings,
            group.status,
            group.scheduled_time,
            group.created_at,
            group.updated_at,
            tuple(self.media_view(group.id, media) for media in group.media),
            tuple(group.posts),
            group.first_comment,
        )

    def media_view(self, group_id: str, media: MediaRecord) -> Media:
        """The frozen view of a media record."""
        head = Media(
            media.id,
            group_id,
            media.file_name,
            media.content_type,
            media.type,
            self.store.url(media.key),
            media.signed_at,
        )
        found = self.store.find(media.key)
        if found is None:
            return head
        return replace(head, stored=True, size=found.size, sha256=found.sha256, uploads=found.uploads)


def new_id() -> str:
    """24 hex digits."""
    return secrets.token_hex(12)


def clean_name(name: str) -> str:
    """The file's name as it stands in the key: trimmed, spaces as `_`, other specials dropped."""
    return re.sub(r"[^A-Za-z0-9._-]", "", name.strip().replace(" ", "_")).lstrip(".") or "file"
