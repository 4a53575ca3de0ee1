"""What a folder asks for: its reading and the config's policy resolved into one `Post`, or into what is wrong or missing.

Everything is collected, so that a person is told all of it at once. Whether the time is right is `plan`'s job, and what
the platforms take is `preflight`'s.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from types import MappingProxyType
from typing import NamedTuple

from postpost_sync.model.errors import Finding, nearest, printable
from postpost_sync.model.folder import (
    NOTHING_WRITTEN,
    SIDECAR_NAMES,
    UNREADABLE,
    Entry,
    EntryKind,
    Folder,
    MediaFile,
    Reading,
    Sidecar,
)
from postpost_sync.model.other_times import as_offset, readings
from postpost_sync.model.post import Policy, Post, Resolved
from postpost_sync.model.times import TimeProblem, parse_time, zone
from postpost_sync.model.unseen import seen
from postpost_sync.post import first_comments, fitting, live_limits, parts, preflight, targets
from postpost_sync.post.leftovers import backup_of, beside, conflict_of
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
NOW, NEXT = "now", "next"  # words for a time
LEFT_OUT = "scheduled_time"  # what a time that is left out stood for when the draft was made is kept under this name
MOST_MISSING = 5  # files that are looked for under another spelling
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
    held: Finding | None = None  # a person has to say that it is meant: it may lack a picture
    time: datetime | None = None  # known even where there is no post
    unknown: Mapping[str, Finding] = field(default_factory=dict)  # ids that the list of accounts lacks; warnings, too
    to_fit: tuple[MediaFile, ...] = ()  # the media that are sent as a copy, which is not there yet
    next: bool = False  # its time is the next free slot of its root's queue, to be taken
    left: bool = False  # nothing is asked of this part: its accounts have other words, or its entry is gone
    parts: Mapping[str, tuple[str, ...]] | None = None  # of each part of the folder the accounts; None: not known
    text: str | None = None  # what it says, also where something is wrong


def resolve(
    folder: Folder,
    reading: Reading,
    policy: Policy,
    kept: Resolved = NOTHING_KEPT,
    unfit: Collection[str] = (),
    part: str = parts.MAIN,
) -> Wanted:
    """Everything that can be said without a clock about what a `part` of `folder` asks for.

    `kept`: what the selectors in its platforms stood for when its draft was made. `unfit`: the files of which no fitted
    copy can be made. What is wrong with the folder as a whole is said of every part of it.
    """
    errors, warnings = list(reading.errors), list(reading.warnings)
    sidecar = reading.sidecar
    if sidecar is None:
        empty = next((e for e in errors if e.code == "SIDECAR_EMPTY"), None)
        return Wanted(None, errors=() if empty else _most(errors), warnings=_most(warnings), empty=empty)
    given = policy.default_platforms if sidecar.platforms is None else sidecar.platforms
    to = targets.resolve(given, policy, kept, _at(sidecar, "platforms"), sidecar.unseen.get("platforms", ""))
    errors += to.errors
    warnings += to.warnings
    content, ids, names, of_one = reading.content, to.ids, None, False
    if not sidecar.per_platform:
        names = {parts.MAIN: to.ids} if not to.errors else None
        if part != parts.MAIN and names is not None:
            return Wanted(None, left=True, parts=names)
    elif not to.errors:
        certain = all(name in to.resolved for name in targets.selectors_of(to.asked))
        split = parts.parted(
            reading, sidecar, to.ids, policy, certain=certain, queued=time_word(sidecar, policy, kept) == NEXT
        )
        errors += split.errors
        if not split.errors:
            names = {one.name: one.platforms for one in split.parts}
            of_one = sum(map(bool, names.values())) > 1
            own = next((one for one in split.parts if one.name == part and one.platforms), None)
            if own is None:
                return Wanted(None, left=True, parts=names)
            sidecar, content, ids = own.sidecar, own.content, own.platforms
            errors += own.wrong
            elsewhere = [to.unknown[one] for one in to.unknown if one not in ids]
            warnings = [one for one in warnings if one not in elsewhere]
    word = time_word(sidecar, policy, kept)
    fit = policy.fit if sidecar.fit is None else sidecar.fit
    limits = live_limits.for_accounts(policy.limits, ids, policy.connections)
    comment = first_comments.resolve(sidecar, ids, policy, limits, _at(sidecar, "first_comment"))
    errors += comment.errors
    warnings += comment.warnings
    zone_name, time = _time(folder, sidecar, policy, errors, warnings, word)
    warnings += targets.expiring(ids, policy.connections or (), time, zone_name, _at(sidecar, "platforms"))
    media, absent, empty, alone = _media(folder, reading, sidecar, errors, warnings, fit=fit)
    missing = _missing(absent, sidecar, "media", folder, policy) if absent else None
    held = alone or (_in_folder(reading.inside) if not (media or missing or empty) and reading.inside else None)
    post, to_fit = None, tuple[MediaFile, ...]()
    if content is None and sidecar.content_file is not None:
        found = named(folder, sidecar.content_file)
        if found is None:
            missing = missing or _missing([sidecar.content_file], sidecar, "content_file", folder, policy)
        elif found.kind is EntryKind.FILE and found.stat.size == 0:
            empty = empty or _empty(found)
    if content is not None:
        asked, resolved = tuple(to.asked), dict(to.resolved)
        if sidecar.scheduled_time is None:
            resolved[LEFT_OUT] = _left_out(policy, kept)
        settings = targets.settings_of(sidecar.platform_settings, ids)
        post = Post(content, ids, settings, media, time, zone_name, asked, resolved, comment.comment, parted=of_one)
        if fit:
            post = fitting.fit(post, limits, unfit)
            to_fit = tuple(one for one in post.media if one.recipe is not None and one.copy is None)
            warnings += fitting.told(post, limits)
            errors += [_not_media(one) for one in post.media if one.content_type is None and one.recipe is None]
        refused, doubtful = preflight.check(fitting.as_sent(post), limits)
        if missing or empty:  # what is not there yet cannot be too few
            refused = tuple(f for f in refused if f.code not in _TOO_FEW)
        errors += refused
        warnings += doubtful
    if errors or missing or empty:
        post = None
        warnings += [held] if held is not None else []
    said, unsure = _most(errors), _most(warnings)
    about = post, word == NOW, said, unsure, missing, empty, held, time, to.unknown, to_fit, word == NEXT
    return Wanted(*about, parts=names, text=content)


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
    folder: Folder, sidecar: Sidecar, policy: Policy, errors: list[Finding], warnings: list[Finding], word: str
) -> tuple[str, datetime | None]:
    zone_name = sidecar.timezone or policy.timezone
    written = _written(folder)
    try:
        zone(zone_name)
    except TimeProblem as problem:
        hidden = sidecar.unseen.get("timezone", "")
        instead = _with_offset(sidecar.scheduled_time, zone_name, written)
        errors.append(_located(problem.finding, _at(sidecar, "timezone"), instead, hidden))
        if sidecar.scheduled_time and not instead and not word:
            _parsed(sidecar, "UTC", written, errors, [])  # what else is wrong with it
        return "UTC", None
    if sidecar.scheduled_time is None or word:
        return zone_name, None
    return zone_name, _parsed(sidecar, zone_name, written, errors, warnings)


def time_word(sidecar: Sidecar, policy: Policy, kept: Resolved = NOTHING_KEPT) -> str:
    """`now` or `next`, where one of them is its time, or its root's for what has none; "" where it is neither."""
    given = _left_out(policy, kept)[0] if sidecar.scheduled_time is None else sidecar.scheduled_time
    word = given.strip().lower()
    return word if word in (NOW, NEXT) else ""


def _left_out(policy: Policy, kept: Resolved) -> tuple[str, ...]:
    """What a time that is left out stands for: another config does not send out what was left a draft."""
    return kept.get(LEFT_OUT) or (policy.default_time,)


def _written(folder: Folder) -> datetime | None:
    """When the sidecar was saved: "tomorrow" counts from then."""
    seconds = folder.sidecars[0].stat.mtime_ns / 1e9 if folder.sidecars else 0.0
    return datetime.fromtimestamp(seconds, UTC) if 0 < seconds < 10**11 else None


def _parsed(
    sidecar: Sidecar, zone_name: str, written: datetime | None, errors: list[Finding], warnings: list[Finding]
) -> datetime | None:
    where = _at(sidecar, "scheduled_time")
    try:
        time, doubt = parse_time(sidecar.scheduled_time or "", zone_name, written, "scheduled_time: ")
    except TimeProblem as problem:
        errors.append(_located(problem.finding, where, hidden=sidecar.unseen.get("scheduled_time", "")))
        return None
    if doubt is not None:
        warnings.append(_located(doubt, where))
    return time


def _with_offset(scheduled_time: str | None, zone_name: str, written: datetime | None) -> str:
    """The way out where `timezone` is an offset: it belongs behind the time."""
    offset = as_offset(zone_name)
    if not offset or not scheduled_time:
        return ""
    line = f"{scheduled_time.strip()} {offset}"
    try:
        parse_time(line, "UTC")
    except TimeProblem:
        found = readings(line, "UTC", written)
        lines = " or ".join(f'"scheduled_time: {one.value}"' for one in found if one.clock is not None)
        return f"leave timezone out and write {lines}" if lines else ""
    return f'leave timezone out and write "scheduled_time: {line}"'


def _located(finding: Finding, where: str, hint: str = "", hidden: str = "") -> Finding:
    message = f"{where}: {printable(finding.message)}" + (f"; {hidden}" if hidden else "")
    return replace(finding, message=message, hint=hint or finding.hint)


def _missing(absent: Sequence[str], sidecar: Sidecar, key: str, folder: Folder, policy: Policy) -> Finding:
    """Files that are named and not there; of each of them also why that may be, and what may have been meant."""
    where = f"{_at(sidecar, key)}: " if key in sidecar.lines else ""
    files = [e.name for e in folder.entries if e.kind is EntryKind.FILE and e.name.lower() not in SIDECAR_NAMES]
    given = sidecar.media if key == "media" and sidecar.media else absent
    meant = {alike(seen(name)) for name in absent[:MOST_MISSING]}
    others = [file for file in files if file not in given]
    free = [file for file in others if alike(seen(file)) not in meant]
    found = [_why_missing(name, others, free, folder, policy) for name in absent[:MOST_MISSING]]
    special = [why for why, _ in found if why]
    rest = [name for name, (why, _) in zip(absent, found, strict=False) if not why] + [*absent[MOST_MISSING:]]
    whys = [f"{printable(rest[0])} is not in the folder (yet)"] if rest else []
    whys += [f"nor is {printable(', '.join(rest[1:]))}"] if rest[1:] else []
    whys += special
    hint = "; ".join(dict.fromkeys(hint for _, hint in found if hint))
    listed = [part.strip() for part in absent[0].split(",")]
    if len(absent) == 1 and len(listed) > 1 and all(part in files for part in listed):
        hint = f'put brackets around them: "{key}: [{printable(", ".join(listed))}]"'
    elif rest:
        hint += f"{'; ' if special else ' else ' if hint else ''}add the file, or correct its name in {printable(sidecar.file)}"
    hidden = f"; {sidecar.unseen[key]}" if key in sidecar.unseen and any(seen(name) != name for name in absent) else ""
    return Finding("MEDIA_MISSING", f"{where}{'; '.join(whys)}{hidden}", hint)


def _why_missing(
    name: str, files: Sequence[str], free: Sequence[str], folder: Folder, policy: Policy
) -> tuple[str, str]:
    """What there is to say of a file beyond that it is not there, and the way out where one is likely.

    `free` are the files that no other name stands for.
    """
    shown = printable(name)
    if (sign := next((one for one in folder.awaited if alike(one.name) == alike(name)), None)) is not None:
        what = "is still being downloaded" if sign.partly else "is not there yet: a sync client has only announced it"
        hint = "have the sync client keep it on this machine, or wait until it is there"
        if sign.partly:
            hint = "wait until it is through, or start it again"
        return f'{shown} {what} ("{printable(sign.sign)}")', hint
    if pattern := names(policy.ignore).ignored_by(name):
        hint = "rename the file, here and there"
        if pattern in policy.ignore and pattern not in IGNORED:
            hint += f', or take "{printable(pattern)}" out of ignore in the config'
        return f'{shown} is not seen, since names like "{printable(pattern)}" are ignored', hint
    if same := next((file for file in files if alike(seen(file)) == alike(seen(name))), None):
        why = f'{shown} is not in the folder (yet); "{printable(same)}" is, which is not written the same'
        why += " (case, accents or spaces)"
        return why, f'write "{printable(same)}", or rename the file'
    return "", nearest(name, free)


def _media(
    folder: Folder, reading: Reading, sidecar: Sidecar, errors: list[Finding], warnings: list[Finding], *, fit: bool
) -> tuple[tuple[MediaFile, ...], Sequence[str], Finding | None, Finding | None]:
    """The media in order; then the names of what is missing, what is empty, and a copy whose original is not there."""
    read = {m.name: m for m in reading.media}
    entries = {e.name: e for e in folder.entries if e.kind is not EntryKind.FOLDER}
    find = meant(folder)
    texts = {entry.name for name in sidecar.text_files if (entry := find(name))}
    there = frozenset(alike(name) for name in (*entries, *(one.name for one in folder.awaited)))
    partly = {one.name for one in folder.awaited if one.partly}
    media: list[MediaFile] = []
    missing: list[str] = []
    empty = None
    if sidecar.media is not None:
        taken: set[str] = set()
        for given in sidecar.media:
            entry = find(given)
            if entry is None or entry.name in partly:
                missing.append(given)
            elif entry.name in taken:
                where = f"{_at(sidecar, 'media')}: {printable(given)} stands twice"
                errors.append(Finding("STANDS_TWICE", where, "keep one of the two"))
            elif (wrong := _not_sendable(entry, read.get(entry.name), fit=fit)) is not None:
                errors.append(wrong)
            elif _is_empty(entry, read.get(entry.name)):
                empty = empty or _empty(entry)
            elif entry.name in read:
                media.append(read[entry.name])
            taken.add(entry.name if entry else given)
        copies = [name for name in entries if is_conflict_copy(name) and name not in taken and name not in texts]
        warnings += [_conflict_copy(name) for name in sorted(copies, key=natural_order)]
        return tuple(media), missing, empty, None
    missing += sorted(
        (one.name for one in folder.awaited if looks_like_media(one.name) and one.name not in sidecar.text_files),
        key=natural_order,
    )
    left_out: list[Finding] = []
    motions = fitting.live_photos(reading.media) if fit else {}
    alone: Finding | None = None
    for name in sorted(entries, key=natural_order):
        entry = entries[name]
        if name.lower() in SIDECAR_NAMES or name in texts or name in partly:
            continue
        if (copy := _set_aside(name, there)) is not None:
            warnings.append(copy.finding)
            if copy.original is not None and _meant_as_media(name, read.get(name)):
                alone = alone or _alone(name, copy.original)
        elif entry.kind is EntryKind.FILE and _is_empty(entry, read.get(name)):
            if looks_like_media(name):
                empty = empty or _empty(entry)
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
    return tuple(media), missing, empty, alone


class _Copy(NamedTuple):
    """A file that a program set aside, and is left out."""

    finding: Finding
    original: str | None  # what it is a copy of, where that is not there


def _set_aside(name: str, there: Collection[str]) -> _Copy | None:
    """Whether a program set the file aside of another one; `there` are the names in the folder, as `alike` has them."""
    if originals := conflict_of(name):
        lacking = not any(alike(original) in there for original in originals)
        return _Copy(_conflict_copy(name), originals[0] if lacking and not is_near_miss(name) else None)
    original = backup_of(name)
    if original is not None and looks_like_media(original):
        return _Copy(_backup(name, original), None if alike(original) in there else original)
    original = beside(name)
    if original is not None and alike(original) in there:
        return _Copy(_backup(name, original), None)
    return None


def _conflict_copy(name: str) -> Finding:
    what, hint = "conflict copy", "remove it, or name it in media: if it is meant"
    if is_near_miss(name):
        what, hint = "conflict copy of the sidecar", "take over what is right in it, then remove it"
    return Finding("CONFLICT_COPY", f"{printable(name)} is a sync program's {what}; it is left out", hint)


def _backup(name: str, original: str) -> Finding:
    why = f"{printable(name)} is a copy of {printable(original)} that a program set aside; it is left out"
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


def _empty(entry: Entry) -> Finding:
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
        what = {EntryKind.LINK: "a link", EntryKind.FOLDER: "a folder", EntryKind.OTHER: "a device, pipe or socket"}[
            entry.kind
        ]
        return Finding(
            "MEDIA_NOT_A_FILE", f"{printable(entry.name)} is {what}, not a file", "put the file itself into the folder"
        )
    if file is None or _is_empty(entry, file) or file.content_type is not None:
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
