"""Whether two things are the same post: a post group and what a folder asks for, or a folder then and now. Pure.

Each comparison answers in three ways: None it is not the same, () it is, else the files that must be hashed to tell.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import fields, replace

from postpost_sync.model.folder import MediaFile, Reading
from postpost_sync.model.post import Post
from postpost_sync.model.record import Group, Record
from postpost_sync.post.fitting import same_form

# what of a sidecar says where and how it is written; `content` is what was read, from whichever file; settings in any order
_NOT_ASKED = frozenset(
    {"lines", "file", "unseen", "doubts", "content", "content_file", "platform_settings", "per_platform"}
)


def compare(group: Group, post: Post, *, in_this_form: bool = True) -> tuple[str, ...] | None:
    """Whether the group is this post, time aside: None it is not, () it is, else the files that must be hashed to tell.

    Not `in_this_form`: whether its media are sent as they are, or as which copies, makes no other post of it.
    """
    if (group.content, group.platforms, dict(group.platform_settings), group.first_comment) != (
        post.content,
        post.platforms,
        dict(post.platform_settings),
        post.first_comment,
    ):
        return None
    if len(group.uploads) != len(post.media):
        return None
    unknown: list[str] = []
    for upload, file in zip(group.uploads, post.media, strict=True):
        if upload.stat.size != file.stat.size or (in_this_form and not same_form(upload, file)):
            return None
        if upload.stat == file.stat:
            continue
        if upload.sha256 is None:
            return None  # its bytes were never read to the end, so nothing can be said about them
        if file.sha256 is None:
            unknown.append(file.name)
        elif file.sha256 != upload.sha256:
            return None
    return tuple(unknown)


def mark(reading: Reading) -> str:
    """Tells what a folder asks for, by what lies in it alone. Of its files by name and size: their bytes are not read for it."""
    asked = reading.sidecar
    if asked is None:
        return ""
    words = [(field.name, getattr(asked, field.name)) for field in fields(asked) if field.name not in _NOT_ASKED]
    settings = sorted((name, sorted(values.items())) for name, values in asked.platform_settings.items())
    files = [(file.name, file.stat.size) for file in reading.media]
    others = [(replace(entry, line=0, lines={}), sorted(reading.texts.items())) for entry in asked.per_platform]
    said = repr((reading.content, words, settings, files, *others))
    return hashlib.sha256(said.encode("utf-8", "surrogateescape")).hexdigest()


def as_made(group: Group, mark: str, media: Sequence[MediaFile]) -> tuple[str, ...] | None:
    """As `Situation.as_made`, of a folder with that mark and these files."""
    if not mark or group.mark != mark:
        return None
    files, unknown = {file.name: file for file in media}, []
    for upload in group.uploads:
        file = files.get(upload.name)
        if file is None or upload.sha256 is None or upload.stat == file.stat:
            continue
        if file.sha256 is None:
            unknown.append(file.name)
        elif file.sha256 != upload.sha256:
            return None
    return tuple(unknown)


def only_touched(record: Record, reading: Reading) -> tuple[str, ...] | None:
    """Whether the folder asks for what it asked for when it was read before: it was touched at the most.

    None it does not, () it does, else the files that must be hashed to tell. What was never sent counts by its size.
    """
    now = mark(reading)
    if not now or record.asked != now:
        return None
    last = record.groups[-1:]
    return as_made(last[0], now, reading.media) if last and last[0].mark == now else ()
