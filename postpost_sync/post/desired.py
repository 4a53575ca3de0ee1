"""What a folder asks for: its reading and the config's policy resolved into one `Post`, or into what is wrong or missing.

Everything is collected, so that a person is told all of it at once. Whether the time is right is `plan`'s job, and what
the platforms take is `preflight`'s.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from types import MappingProxyType

from postpost_sync.model.errors import Finding, nearest, printable
from postpost_sync.model.folder import SIDECAR_NAMES, UNREADABLE, Entry, EntryKind, Folder, MediaFile, Reading, Sidecar
from postpost_sync.model.post import Policy, Post, Resolved
from postpost_sync.model.times import TimeProblem, parse_time, zone
from postpost_sync.post import fitting, preflight, targets
from postpost_sync.post.names import (
    IGNORED,
    alike,
    is_conflict_copy,
    is_near_miss,
    looks_like_media,
    names,
    natural_order,
)
from postpost_sync.post.sidecar import meant, named

NOTHING_KEPT: Resolved = MappingProxyType({})
MOST_FINDINGS = 20  # errors, and as many warnings, of one post
_TOO_FEW = frozenset({"MEDIA_REQUIRED", "VIDEO_REQUIRED"})  # preflight's codes for media that are not there


@dataclass(frozen=True, slots=True)
class Wanted:
    """`post` is there only where nothing is wrong and nothing is awaited. `now`: its time is "now", to be resolved."""

    post: Post | None
    now: bool = False
    errors: tuple[Finding, ...] = ()
    warnings: tuple[Finding, ...] = ()
    missing: Finding | None = None  # named but not there (yet)
    empty: Finding | None = None  # there, but of no length (yet)
    time: datetime | None = None  # known even where there is no post
    unknown: Mapping[str, Finding] = field(default_factory=dict)  # ids that the list of accounts lacks; warnings, too
    mistyped: frozenset[str] = frozenset()  # of these, those that are nearly one that it has


def resolve(
    folder: Folder, reading: Reading, policy: Policy, kept: Resolved = NOTHING_KEPT, unfit: Collection[str] = ()
) -> Wanted:
    """Everything that can be said without a clock about what `folder` asks for.

    `kept`: what the selectors in its platforms stood for when its draft was made. `unfit`: the files of which no fitted
    copy can be made.
    """
    errors, warnings = list(reading.errors), list(reading.warnings)
    sidecar = reading.sidecar
    if sidecar is None:
        empty = next((e for e in errors if e.code == "SIDECAR_EMPTY"), None)
        return Wanted(None, errors=() if empty else _most(errors), warnings=_most(warnings), empty=empty)
    given = policy.default_platforms if sidecar.platforms is None else sidecar.platforms
    to = targets.resolve(given, policy, kept, _at(sidecar, "platforms"))
    errors += to.errors
    warnings += to.warnings
    zone_name, time, now = _time(sidecar, policy, errors, warnings)
    fit = policy.fit if sidecar.fit is None else sidecar.fit
    media, absent, empty = _media(folder, reading, sidecar, errors, warnings, fit=fit)
    missing = _missing(absent, sidecar, "media", folder, policy) if absent else None
    content, post = reading.content, None
    if content is None and sidecar.content_file is not None:
        found = named(folder, sidecar.content_file)
        if found is None:
            missing = missing or _missing([sidecar.content_file], sidecar, "content_file", folder, policy)
        elif found.kind is EntryKind.FILE and found.stat.size == 0:
            empty = empty or _empty(found.name)
    if content is not None:
        asked, resolved = tuple(to.asked), to.resolved
        post = Post(content, to.ids, sidecar.platform_settings, media, time, zone_name, asked, resolved)
        if fit:
            post = fitting.fit(post, policy.limits, unfit)
            warnings += fitting.told(post, policy.limits)
            errors += [_not_media(one) for one in post.media if one.content_type is None and one.recipe is None]
        refused, doubtful = preflight.check(fitting.as_sent(post), policy.limits)
        if missing or empty:  # what is not there yet cannot be too few
            refused = tuple(f for f in refused if f.code not in _TOO_FEW)
        errors += refused
        warnings += doubtful
    if errors or missing or empty:
        post = None
    return Wanted(post, now, _most(errors), _most(warnings), missing, empty, time, to.unknown, frozenset(to.mistyped))


def _most(found: Sequence[Finding]) -> tuple[Finding, ...]:
    """As many as a person reads at once: a folder can hold thousands of files, each of them wrong."""
    if len(found) <= MOST_FINDINGS:
        return tuple(found)
    first, others = found[:MOST_FINDINGS], len(found) - MOST_FINDINGS
    return (*first, Finding(found[MOST_FINDINGS].code, f"and {others:,} more", "they are shown when these are mended"))


def _at(sidecar: Sidecar, key: str) -> str:
    line = f", line {sidecar.lines[key]}" if key in sidecar.lines else ""
    return f"{printable(sidecar.file)}{line}: {key}"


def _time(
    sidecar: Sidecar, policy: Policy, errors: list[Finding], warnings: list[Finding]
) -> tuple[str, datetime | None, bool]:
    zone_name = sidecar.timezone or policy.timezone
    try:
        zone(zone_name)
    except TimeProblem as problem:
        errors.append(_located(problem.finding, _at(sidecar, "timezone")))
        return "UTC", None, False
    if sidecar.scheduled_time is None:
        return zone_name, None, False
    if sidecar.scheduled_time.strip().lower() == "now":
        return zone_name, None, True
    where = _at(sidecar, "scheduled_time")
    try:
        time, doubt = parse_time(sidecar.scheduled_time, zone_name)
    except TimeProblem as problem:
        errors.append(_located(problem.finding, where))
        return zone_name, None, False
    if doubt is not None:
        warnings.append(_located(doubt, where))
    return zone_name, time, False


def _located(finding: Finding, where: str) -> Finding:
    return replace(finding, message=f"{where}: {printable(finding.message)}")


def _missing(absent: Sequence[str], sidecar: Sidecar, key: str, folder: Folder, policy: Policy) -> Finding:
    """Files that are named and not there; of the first one also why that may be, and what may have been meant."""
    name = absent[0]
    why = f"{_at(sidecar, key)}: {printable(name)} is not in the folder (yet)"
    hint = f"add the file, or correct its name in {printable(sidecar.file)}"
    files = [e.name for e in folder.entries if e.kind is EntryKind.FILE and e.name.lower() not in SIDECAR_NAMES]
    if pattern := names(policy.ignore).ignored_by(name):
        why = f'{_at(sidecar, key)}: {printable(name)} is not seen, since names like "{printable(pattern)}" are ignored'
        hint = "rename the file, here and there"
        if pattern in policy.ignore and pattern not in IGNORED:
            hint += f', or take "{printable(pattern)}" out of ignore in the config'
    elif same := next((file for file in files if alike(file) == alike(name)), None):
        why += f'; "{printable(same)}" is, which is not written the same (case, accents or spaces)'
        hint = f'write "{printable(same)}", or rename the file'
    elif near := nearest(name, files):
        hint = f"{near} else {hint}"
    others = printable(", ".join(absent[1:]))
    return Finding("MEDIA_MISSING", why + (f"; nor is {others}" if others else ""), hint)


def _media(
    folder: Folder, reading: Reading, sidecar: Sidecar, errors: list[Finding], warnings: list[Finding], *, fit: bool
) -> tuple[tuple[MediaFile, ...], Sequence[str], Finding | None]:
    """The media in order; then the names of what is missing, and what is empty."""
    read = {m.name: m for m in reading.media}
    entries = {e.name: e for e in folder.entries if e.kind is not EntryKind.FOLDER}
    find = meant(folder)
    text_file = entry.name if (entry := find(sidecar.content_file or "")) else None
    media: list[MediaFile] = []
    missing: list[str] = []
    empty = None
    if sidecar.media is not None:
        taken: set[str] = set()
        for given in sidecar.media:
            entry = find(given)
            if entry is None:
                missing.append(given)
            elif entry.name in taken:
                where = f"{_at(sidecar, 'media')}: {printable(given)} stands twice"
                errors.append(Finding("STANDS_TWICE", where, "keep one of the two"))
            elif (wrong := _not_sendable(entry, read.get(entry.name), fit=fit)) is not None:
                errors.append(wrong)
            elif entry.stat.size == 0:
                empty = empty or _empty(entry.name)
            elif entry.name in read:
                media.append(read[entry.name])
            taken.add(entry.name if entry else given)
        copies = [name for name in entries if is_conflict_copy(name) and name not in taken and name != text_file]
        warnings += [_conflict_copy(name) for name in sorted(copies, key=natural_order)]
        return tuple(media), missing, empty
    left_out: list[Finding] = []
    motions = fitting.live_photos(reading.media) if fit else {}
    for name in sorted(entries, key=natural_order):
        entry = entries[name]
        if name.lower() in SIDECAR_NAMES or name == text_file:
            continue
        if is_conflict_copy(name):
            warnings.append(_conflict_copy(name))
        elif entry.kind is EntryKind.FILE and entry.stat.size == 0:
            if looks_like_media(name):
                empty = empty or _empty(name)
        elif name in motions:
            warnings.append(_live_photo(name, motions[name]))
        elif (wrong := _not_sendable(entry, read.get(name), fit=fit)) is None:
            if name in read:
                media.append(read[name])
        elif wrong.code in ("NOT_MEDIA", "FILE_UNREADABLE") and not _meant_as_media(name, read.get(name)):
            left_out.append(wrong)
        else:
            errors.append(wrong)
    if left_out:
        others = len(left_out) - 1
        more = f" (and {others:,} more such file{'s' if others > 1 else ''})" if others else ""
        hint = "remove what does not belong, or list media: to be exact"
        warnings.append(Finding("FILE_LEFT_OUT", f"{left_out[0].message}; it is left out{more}", hint))
    return tuple(media), missing, empty


def _conflict_copy(name: str) -> Finding:
    what, hint = "conflict copy", "remove it, or name it in media: if it is meant"
    if is_near_miss(name):
        what, hint = "conflict copy of the sidecar", "take over what is right in it, then remove it"
    return Finding("CONFLICT_COPY", f"{printable(name)} is a sync program's {what}; it is left out", hint)


def _empty(name: str) -> Finding:
    return Finding("MEDIA_EMPTY", f"{printable(name)} is empty (0 bytes)", "wait for it to arrive, or copy it again")


def _live_photo(name: str, picture: str) -> Finding:
    why = f"{printable(name)} is the motion of {printable(picture)} (a live photo); it is left out"
    return Finding("LIVE_PHOTO", why, "name it in media: if it is meant, too")


def _not_sendable(entry: Entry, file: MediaFile | None, *, fit: bool) -> Finding | None:
    if entry.name.lower() in SIDECAR_NAMES:
        return Finding("NOT_MEDIA", f"{printable(entry.name)} is the sidecar itself", "take it out of media:")
    if entry.kind is not EntryKind.FILE:
        what = {EntryKind.LINK: "a link", EntryKind.FOLDER: "a folder", EntryKind.OTHER: "a device, pipe or socket"}[
            entry.kind
        ]
        return Finding(
            "MEDIA_NOT_A_FILE", f"{printable(entry.name)} is {what}, not a file", "put the file itself into the folder"
        )
    if file is None or entry.stat.size == 0 or file.content_type is not None:
        return None
    if fit and fitting.could_be_fitted(file):
        return None
    if file.sniffed == UNREADABLE:
        return Finding("FILE_UNREADABLE", f"{printable(entry.name)} may not be read", "check its rights")
    return _not_media(file)


def _not_media(file: MediaFile) -> Finding:
    mend = {"image": "save it as JPEG", "video": "save it as MP4"}.get(file.sniffed.rpartition(" ")[2], "convert it")
    broken = next(
        (f"; {printable(str(file.facts[key]))}" for key in ("truncated", "undecodable") if file.facts.get(key)), ""
    )
    return Finding(
        "NOT_MEDIA",
        f"{printable(file.name)} ({file.sniffed or 'of an unknown kind'}) is none of what PostPost takes: JPEG, PNG, GIF, "
        f"WebP, MP4, MOV, AVI, MKV and WebM{broken}",
        f"{mend}, or name the media to send in media:",
    )


def _meant_as_media(name: str, file: MediaFile | None) -> bool:
    sniffed = file.sniffed if file else ""
    return looks_like_media(name) or sniffed.endswith((" image", " video"))
