"""Situations for the tests of `plan`: a folder as it is, what was done so far, and what there is to read of a decision."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from postpost_sync.model.errors import Finding
from postpost_sync.model.folder import Entry, EntryKind, Folder, MediaFile, PlatformEntry, Reading, Sidecar, Stat
from postpost_sync.model.post import Policy
from postpost_sync.model.record import (
    Group,
    GroupStage,
    Issued,
    ReadBack,
    Record,
    Trouble,
    TroubleKind,
    Upload,
    UploadStage,
)
from postpost_sync.model.states import State
from postpost_sync.plan.snapshot import Snapshot
from postpost_sync.plan.steps import Decision, Rest, Tried
from postpost_sync.post.desired import resolve
from postpost_sync.post.fitting import sent_as

NOW = datetime(2026, 12, 1, 8, 0, tzinfo=UTC)
TIME = datetime(2026, 12, 15, 13, 30, tzinfo=UTC)
AT = "2026-12-15T13:30Z"
ID, OTHER = "507f1f77bcf86cd799439011", "65f8a1b2c3d4e5f6a7b8c9d0"
WHY = Finding("SERVICE_TROUBLE", "no usable answer", "it is tried again by itself")


def seconds(number: float) -> timedelta:
    return timedelta(seconds=number)


SOON = NOW + seconds(30)


def entry(name: str, size: int = 100, changed: datetime = NOW, inode: int = 0) -> Entry:
    stamp = int(changed.timestamp() * 1e9)
    return Entry(name, EntryKind.FILE, Stat(size, stamp, stamp, inode or 1 + sum(name.encode()), 1))


def look(*entries: Entry, arriving: float | None = None) -> Folder:
    every = tuple(sorted((entry("post.yaml"), *entries), key=lambda e: e.name))
    return Folder("/posts", "launch", 7, 1, every, arriving)


def snapshot(
    *media: Entry,
    content: str = "Hello",
    time: str | None = AT,
    named: tuple[str, ...] | None = None,
    platforms: tuple[str, ...] = ("twitter-1",),
    settings: Mapping[str, Mapping[str, str | bool]] | None = None,
    hashes: Mapping[str, str] | None = None,
    folder: Folder | None = None,
    **more: Any,
) -> Snapshot:
    """A folder with these media, quiet for a minute and read as it is."""
    folder = folder or look(*media)
    sidecar = Sidecar(content, None, platforms, time, None, named, settings or {}, {"content": 1, "media": 2})
    files = tuple(
        MediaFile(e.name, e.stat, "image/jpeg", sha256=(hashes or {}).get(e.name))
        for e in folder.entries
        if e.name != "post.yaml" and e.stat.size
    )
    reading = Reading(folder.fingerprint, sidecar, media=files, content=content)
    return Snapshot(**{"folder": folder, "policy": Policy(), "quiet": 60.0, "reading": reading, **more})


def with_entry(shot: Snapshot, name: str, **own: Any) -> Snapshot:
    """The same folder with an entry in `per_platform`."""
    assert shot.reading is not None
    assert shot.reading.sidecar is not None
    entry = PlatformEntry(name, 9, **own, lines=dict.fromkeys(own, 10))
    sidecar = replace(shot.reading.sidecar, per_platform=(*shot.reading.sidecar.per_platform, entry))
    return replace(shot, reading=replace(shot.reading, sidecar=sidecar))


def fitted(name: str, **more: Any) -> Snapshot:
    """A folder with one picture, as phones make it, that is sent as a copy."""
    shot = snapshot(entry(name), **more)
    assert shot.reading is not None
    facts: dict[str, str | int | float | bool] = {"width": 4032, "height": 3024}
    media = tuple(
        replace(one, content_type=None, kind="image/heic", facts=facts, sha256="hash") for one in shot.reading.media
    )
    return replace(shot, reading=replace(shot.reading, media=media))


def record(of: Snapshot | None, *groups: Group, **more: Any) -> Record:
    """What is known of a folder that has settled as `of` has it."""
    fingerprint = of.folder.fingerprint if of is not None and of.folder is not None else ""
    numbered = tuple(replace(group, key=number) for number, group in enumerate(groups, 1))
    start: dict[str, Any] = {
        "state": State.SETTLING,
        "fingerprint": fingerprint,
        "complete_at": NOW,
        "groups": numbered,
    }
    return Record(1, "folder-id", "/posts", "launch", 7, 1, first_seen=NOW, updated_at=NOW, **{**start, **more})


def group(
    of: Snapshot,
    stage: GroupStage = GroupStage.DRAFT,
    uploads: UploadStage = UploadStage.STORED,
    *,
    proved: bool = False,
    **more: Any,
) -> Group:
    """A post group made of the folder as `of` has it, its media as far as `uploads` says. `proved`: and read back."""
    assert of.folder is not None
    assert of.reading is not None
    post = resolve(of.folder, of.reading, of.policy).post
    assert post is not None
    rows = tuple(
        Upload(
            at,
            m.name,
            m.name,
            m.sent_type,
            m.stat,
            uploads,
            "hash" if uploads is UploadStage.STORED else None,
            sent_as=sent_as(m),
        )
        for at, m in enumerate(post.media)
    )
    start: dict[str, Any] = {"post_group_id": None if stage is GroupStage.CREATING else ID}
    if stage in (GroupStage.SCHEDULED, GroupStage.GOING_OUT, GroupStage.ENDED):
        start |= {"asked_time": post.time, "answered_time": post.time}
    if proved:
        start["read_back"] = back(media=len(rows))
    issued = tuple(Issued(at, f"m{at}", f"https://store/{at}") for at in range(len(rows)))
    return Group(
        0,
        stage,
        content=post.content,
        platforms=post.platforms,
        platform_settings=post.platform_settings,
        uploads=rows,
        issued=issued,
        **{"intent_at": NOW, **start, **more},
    )


def trouble(step: type[Tried], kind: TroubleKind = TroubleKind.RETRY, until: datetime | None = SOON) -> Trouble:
    return Trouble(step.effect, kind, WHY, NOW, until)


def rest(decision: Decision) -> float | None:
    assert isinstance(decision.step, Rest), decision.step
    return decision.step.after


def code(decision: Decision) -> str | None:
    return decision.error.code if decision.error is not None else None


def codes(decision: Decision) -> list[str]:
    return [warning.code for warning in decision.warnings]


def back(found: bool = True, media: int | None = 1, strangers: int = 0, waited: float = 0, ago: float = 0) -> ReadBack:
    at = NOW - seconds(ago)
    return ReadBack(found, media, strangers, at - seconds(waited), at)


def with_back(read_back: ReadBack | None, ghosts: int = 0, **more: Any) -> Record:
    draft = group(PICTURE, read_back=read_back)
    extra = tuple(Issued(0, f"ghost{n}", f"https://store/ghost{n}") for n in range(ghosts))
    return record(PICTURE, replace(draft, issued=draft.issued + extra), **more)


JPEG = entry("1.jpg")
TEXT, PICTURE = snapshot(), snapshot(JPEG)
EDITED = snapshot(JPEG, content="Hello again")
THREE = snapshot(entry("1.jpg"), entry("2.jpg"), entry("3.jpg"))
GONE = replace(TEXT, folder=None, reading=None)
CANCEL = replace(GONE, policy=Policy(cancel_removed=True))
