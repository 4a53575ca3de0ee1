"""Which of a folder's files are the media of its post, in order, and what is to be said of the others. Pure."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from postpost_sync.model.errors import Finding, printable
from postpost_sync.model.folder import (
    NOTHING_WRITTEN,
    SIDECAR_NAMES,
    Entry,
    EntryKind,
    Folder,
    MediaFile,
    Reading,
    Sidecar,
)
from postpost_sync.post import fitting, live_photos
from postpost_sync.post.leftovers import backup_of, beside, conflict_of, previewed, shot
from postpost_sync.post.names import alike, is_conflict_copy, is_near_miss, looks_like_media, natural_order
from postpost_sync.post.sidecar import meant


@dataclass(frozen=True, slots=True)
class Chosen:
    """The media of a post, in order, and what is to be said of the folder's files."""

    media: tuple[MediaFile, ...]
    missing: tuple[str, ...]  # names of what is not there (yet)
    empty: Finding | None  # there, but of no length (yet)
    held: Finding | None  # the post may lack a picture: one was set aside, or all lie in a sub-folder
    errors: tuple[Finding, ...]
    warnings: tuple[Finding, ...]


class _Files(NamedTuple):
    """A folder's files by name, and what is known of them."""

    entries: Mapping[str, Entry]
    read: Mapping[str, MediaFile]  # what those are that were looked into
    texts: Collection[str]  # those that the sidecar takes its words from
    partly: Collection[str]  # those that have not arrived whole


def choose(folder: Folder, reading: Reading, sidecar: Sidecar, *, fit: bool) -> Chosen:
    """What `media:` names, else all that is media and was not set aside by a program."""
    find = meant(folder)
    files = _Files(
        entries={e.name: e for e in folder.entries if e.kind is not EntryKind.FOLDER},
        read={m.name: m for m in reading.media},
        texts={entry.name for name in sidecar.text_files if (entry := find(name))},
        partly={one.name for one in folder.awaited if one.partly},
    )
    if sidecar.media is None:
        return _all_media(folder, reading, sidecar, files, fit=fit)
    return _named(sidecar.media, sidecar.at("media"), files, find, fit=fit)


def _named(names: Sequence[str], at: str, files: _Files, find: Callable[[str], Entry | None], *, fit: bool) -> Chosen:
    """Those, and no others. `at`: where in the sidecar they stand."""
    media: list[MediaFile] = []
    missing: list[str] = []
    errors: list[Finding] = []
    empty = None
    taken: set[str] = set()
    for given in names:
        entry = find(given)
        if entry is None or entry.name in files.partly:
            missing.append(given)
        elif entry.name in taken:
            errors.append(Finding("STANDS_TWICE", f"{at}: {printable(given)} stands twice", "keep one of the two"))
        elif (wrong := _not_sendable(entry, files.read.get(entry.name), fit=fit)) is not None:
            errors.append(wrong)
        elif _is_empty(entry, files.read.get(entry.name)):
            empty = empty or of_no_length(entry)
        elif entry.name in files.read:
            media.append(files.read[entry.name])
        taken.add(entry.name if entry else given)
    copies = [one for one in files.entries if is_conflict_copy(one) and one not in taken and one not in files.texts]
    warnings = tuple(_conflict_copy(name) for name in sorted(copies, key=natural_order))
    return Chosen(tuple(media), tuple(missing), empty, None, tuple(errors), warnings)


def _all_media(folder: Folder, reading: Reading, sidecar: Sidecar, files: _Files, *, fit: bool) -> Chosen:
    """In the order of the names. What else is there is left out, and said."""
    media: list[MediaFile] = []
    errors: list[Finding] = []
    warnings: list[Finding] = []
    left_out: list[Finding] = []
    empty: Finding | None = None
    alone: Finding | None = None
    awaited = [one.name for one in folder.awaited]
    missing = [one for one in awaited if looks_like_media(one) and one not in sidecar.text_files]
    there = frozenset(alike(name) for name in (*files.entries, *awaited))
    motions = live_photos.motions(reading.media) if fit else {}
    for name in sorted(files.entries, key=natural_order):
        entry, read = files.entries[name], files.read.get(name)
        if name.lower() in SIDECAR_NAMES or name in files.texts or name in files.partly:
            continue
        if (copy := _set_aside(name, there, media=_holds_media(read))) is not None:
            warnings.append(copy.finding)
            if copy.original is not None and _meant_as_media(name, read):
                alone = alone or _alone(name, copy.original)
        elif entry.kind is EntryKind.FILE and _is_empty(entry, read):
            if looks_like_media(name) or (entry.stat.size and _awaited_by(name) is not None):
                empty = empty or of_no_length(entry)
        elif name in motions:
            warnings.append(_live_photo(name, motions[name]))
        elif (wrong := _not_sendable(entry, read, fit=fit)) is None:
            if read is not None:
                media.append(read)
        elif wrong.code in ("NOT_MEDIA", "FILE_UNREADABLE") and not _meant_as_media(name, read):
            left_out.append(wrong)
        else:
            errors.append(wrong)
    if left_out:
        warnings.append(_left_out(left_out))
    if alone is None and reading.inside and not (media or missing or empty):
        alone = _in_folder(reading.inside)
    in_order = tuple(sorted(missing, key=natural_order))
    return Chosen(tuple(media), in_order, empty, alone, tuple(errors), tuple(warnings))


def _left_out(wrong: Sequence[Finding]) -> Finding:
    """Of the files that are no media and do not look like any: the first, and how many more."""
    others = len(wrong) - 1
    more = f" (and {others:,} more such file{'s' if others > 1 else ''})" if others else ""
    hint = "remove what does not belong, or list media: to be exact"
    return Finding("FILE_LEFT_OUT", f"{wrong[0].message}; it is left out{more}", hint)


class _Copy(NamedTuple):
    """A file that a program set aside, and is left out."""

    finding: Finding
    original: str | None  # what it is a copy of, where that is not there


def _set_aside(name: str, there: Collection[str], *, media: bool) -> _Copy | None:
    """Whether a program set the file aside of another one; `there` are the names in the folder, as `alike` has them.

    `media`: whether it holds a picture or a video.
    """
    if originals := conflict_of(name):
        lacking = not any(alike(original) in there for original in originals)
        return _Copy(_conflict_copy(name), originals[0] if lacking and not is_near_miss(name) else None)
    original = backup_of(name)
    if original is not None and looks_like_media(original):
        return _Copy(_backup(name, original), None if alike(original) in there else original)
    taken = previewed(name)
    if taken is not None and any(looks_like_media(one) and shot(one.rpartition(".")[0]) == taken for one in there):
        return _Copy(_preview(name), None)
    original = beside(name)
    if original is not None and alike(original) in there:
        return _Copy(_backup(name, original), None)
    if media and not looks_like_media(name):
        if (original := next((one for one in _begins_with(name) if alike(one) in there), None)) is not None:
            return _Copy(_backup(name, original), None)
        if (original := _awaited_by(name)) is not None:
            return _Copy(_backup(name, original), original)
    return None


def _begins_with(name: str) -> Iterator[str]:
    """The names of media files with which this one begins, the longest first: some program put its own mark behind one."""
    beginnings = (name[:end] for end in range(len(name) - 1, 0, -1))
    return (one for one in beginnings if looks_like_media(one))


def _awaited_by(name: str) -> str | None:
    """The NAME that some program may not have fetched whole yet, where it puts an ending of its own behind that meanwhile."""
    return next((one for one in _begins_with(name) if name[len(one)] == "."), None)


def _conflict_copy(name: str) -> Finding:
    what, hint = "conflict copy", "remove it, or name it in media: if it is meant"
    if is_near_miss(name):
        what, hint = "conflict copy of the sidecar", "take over what is right in it, then remove it"
    return Finding("CONFLICT_COPY", f"{printable(name)} is a sync program's {what}; it is left out", hint)


def _backup(name: str, original: str) -> Finding:
    why = f"{printable(name)} is a copy of {printable(original)} that a program set aside; it is left out"
    return Finding("FILE_LEFT_OUT", why, "remove it, or name it in media: if it is meant")


def _preview(name: str) -> Finding:
    why = f"{printable(name)} is the small copy that a camera makes of what it takes; it is left out"
    return Finding("FILE_LEFT_OUT", why, "remove it, or name it in media: if it is meant")


def _alone(name: str, original: str) -> Finding:
    why = f"{printable(name)} was set aside of {printable(original)}, which is not there: the post may lack a picture"
    hint = f'rename it to "{printable(original)}", or remove it; to post without it: postpost-sync retry FOLDER'
    return Finding("ORIGINAL_MISSING", why, hint)


def _in_folder(inside: Sequence[str]) -> Finding:
    folder = inside[0].rpartition("/")[0]
    more = f" (and {len(inside) - 1:,} more such folders)" if len(inside) > 1 else ""
    why = f'the folder has no media of its own, while "{printable(folder)}" in it has{more}: {printable(inside[0])}'
    hint = "move them up beside the sidecar; to post the text alone, write media: [], or: postpost-sync retry FOLDER"
    return Finding("MEDIA_IN_SUBFOLDER", why, hint)


def _is_empty(entry: Entry, file: MediaFile | None) -> bool:
    return entry.stat.size == 0 or (file is not None and file.sniffed == NOTHING_WRITTEN)


def of_no_length(entry: Entry) -> Finding:
    shown, hint = printable(entry.name), "wait for it to arrive, or copy it again"
    if entry.stat.size:
        why = f"{shown} is empty: there is room for its {entry.stat.size:,} bytes, and none of them was written yet"
        return Finding("MEDIA_EMPTY", why, hint)
    return Finding("MEDIA_EMPTY", f"{shown} is empty (0 bytes)", hint)


def _live_photo(name: str, picture: str) -> Finding:
    why = f"{printable(name)} is the motion of {printable(picture)} (a live photo); it is left out"
    return Finding("LIVE_PHOTO", why, "name it in media: if it is meant, too")


def _not_sendable(entry: Entry, file: MediaFile | None, *, fit: bool) -> Finding | None:
    if entry.name.lower() in SIDECAR_NAMES:
        return Finding("NOT_MEDIA", f"{printable(entry.name)} is the sidecar itself", "take it out of media:")
    if entry.kind is not EntryKind.FILE:
        what = {
            EntryKind.LINK: "a link",
            EntryKind.FOLDER: "a folder",
            EntryKind.OTHER: "a device, pipe or socket",
            EntryKind.NOTHING: "listed and not there",
        }[entry.kind]
        return Finding(
            "MEDIA_NOT_A_FILE", f"{printable(entry.name)} is {what}, not a file", "put the file itself into the folder"
        )
    if file is None or _is_empty(entry, file) or file.content_type is not None:
        return None
    if fit and fitting.could_be_fitted(file):
        return None
    return file.unreadable or not_media(file)


def not_media(file: MediaFile) -> Finding:
    mend = {"image": "save it as JPEG", "video": "save it as MP4"}.get(file.sniffed.rpartition(" ")[2], "convert it")
    broken = next(
        (f"; {printable(str(file.facts[key]))}" for key in ("truncated", "undecodable") if file.facts.get(key)), ""
    )
    if file.facts.get("animated") and not broken:
        broken = "; a copy would show the first of its pictures alone"
    return Finding(
        "NOT_MEDIA",
        f"{printable(file.name)} ({file.sniffed or 'of an unknown kind'}) is none of what PostPost takes: JPEG, PNG, GIF, "
        f"WebP, MP4, MOV, AVI, MKV and WebM{broken}",
        f"{mend}, or name the media to send in media:",
    )


def _meant_as_media(name: str, file: MediaFile | None) -> bool:
    return looks_like_media(name) or _holds_media(file)


def _holds_media(file: MediaFile | None) -> bool:
    """By what is in it, whether PostPost takes that or not."""
    return file is not None and (file.content_type is not None or file.sniffed.endswith((" image", " video")))
