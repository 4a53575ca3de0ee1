"""The parts of a folder: which of its accounts get which words, media, time and settings (`per_platform`). Pure.

A part is a post group of its own. The main one has no name; another has that of its entry in the sidecar, the first of
those that come to the same. So its name stays while what is in it is edited. Which account belongs to which part follows
from the sidecar and the config alone, never from what is connected or from what was made: no account is in two parts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from postpost_sync.model.errors import Finding, both_lines, nearest, printable
from postpost_sync.model.folder import PlatformEntry, Reading, Sidecar
from postpost_sync.model.post import Policy
from postpost_sync.post import targets
from postpost_sync.post.platforms import FIRST_COMMENTS

MAIN = ""  # the name of the main part
_NEXT = "next"  # the word for the next free slot


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a folder, as if it stood alone."""

    name: str
    sidecar: Sidecar
    content: str | None  # None: its text file is not there yet, or something is wrong with it
    platforms: tuple[str, ...] = ()
    wrong: tuple[Finding, ...] = ()  # with its text file

    @property
    def comes_to(self) -> tuple[object, ...]:
        """What it says. Equal where two are one."""
        one = self.sidecar
        words = (one.content_file,) if self.content is None else (None, self.content.strip())
        settings = {platform: dict(values) for platform, values in one.platform_settings.items()}
        return words, one.media, (one.scheduled_time or "").strip(), settings


@dataclass(slots=True)
class Parts:
    """`parts`: the main one first, also where no account is left to it."""

    parts: list[Part] = field(default_factory=list)
    errors: list[Finding] = field(default_factory=list)


def parted(
    reading: Reading, sidecar: Sidecar, ids: Sequence[str], policy: Policy, *, certain: bool, queued: bool
) -> Parts:
    """The parts of a folder that goes to the accounts `ids`. Not `certain`: which accounts these are is not known in full.

    `queued`: it asks for the next slot.
    """
    main = Part(MAIN, sidecar, reading.content)
    found, owner = Parts([main]), dict[str, PlatformEntry]()
    for entry in sidecar.per_platform:
        taken = _accounts(entry, ids, policy, found, sidecar.file, certain=certain)
        found.errors += [_twice(entry, owner[one], one, sidecar.file) for one in taken if one in owner][:1]
        owner |= dict.fromkeys((one for one in taken if one not in owner), entry)
        if _asks_for_slot(entry.scheduled_time) and not queued:
            found.errors.append(_slot_alone(entry, sidecar.file))
        part = _part(entry, sidecar, reading)
        same = next((one for one in found.parts if one.comes_to == part.comes_to), None)
        if same is None:
            found.parts.append(replace(part, platforms=taken))
        else:
            at = found.parts.index(same)
            found.parts[at] = replace(same, platforms=(*same.platforms, *taken))
    left = [one for one in ids if one not in owner]
    for at, part in enumerate(found.parts):
        own = {*part.platforms, *(left if part.name == MAIN else ())}
        found.parts[at] = _alone(replace(part, platforms=tuple(one for one in ids if one in own)), sidecar, ids)
    return found


def _part(entry: PlatformEntry, sidecar: Sidecar, reading: Reading) -> Part:
    """The entry's part: its own, and of the sidecar what it leaves out."""
    own: dict[str, object] = {}
    if entry.content is not None or entry.content_file is not None:
        own = {"content": entry.content, "content_file": entry.content_file}
    lines = {key: line for key, line in sidecar.lines.items() if key not in own}
    for name in ("media", "scheduled_time", "platform_settings"):
        if (value := getattr(entry, name)) is not None:
            own[name] = value
    merged = replace(sidecar, **own, lines={**lines, **entry.lines})  # type: ignore[arg-type]  # of the entry's own types
    if entry.content_file is not None:
        text = reading.texts.get(entry.content_file)
        content, wrong = (None, (text,)) if isinstance(text, Finding) else (text, ())
        return Part(entry.name, merged, content, (), wrong)
    content = reading.content if entry.content is None else entry.content.removesuffix("\n")
    return Part(entry.name, merged, content)


def _alone(part: Part, sidecar: Sidecar, ids: Sequence[str]) -> Part:
    """Of what is the whole folder's, that which is for platforms of other parts alone is none of its."""
    here = {one.partition("-")[0] for one in part.platforms}
    others = {one.partition("-")[0] for one in ids} - here
    settings, comment = part.sidecar.platform_settings, part.sidecar.first_comment
    if settings is sidecar.platform_settings:
        settings = {name: one for name, one in settings.items() if (targets.selector(name) or name) not in others}
    if comment is not None and comment.platforms:
        mine = tuple(name for name in comment.platforms if (targets.selector(name) or name) not in others)
        mine = tuple(name for name in mine if part.name == MAIN or (targets.selector(name) or name) in here)
        comment = replace(comment, platforms=mine) if mine else None
    elif comment is not None and not here & FIRST_COMMENTS and others & FIRST_COMMENTS:
        comment = None
    return replace(part, sidecar=replace(part.sidecar, platform_settings=settings, first_comment=comment))


def _accounts(
    entry: PlatformEntry, ids: Sequence[str], policy: Policy, found: Parts, file: str, *, certain: bool
) -> tuple[str, ...]:
    """The accounts of the post that an entry is for."""
    taken: dict[str, None] = {}
    for name in policy.accounts.get(entry.name, (entry.name,)):
        meant = targets.stands_for(name, policy.connections)
        if meant is None:
            wrong = targets.unknown_name(name, policy)
            found.errors.append(replace(wrong, message=f"{_at(entry, file)}: {wrong.message}"))
            return ()
        if meant == targets.ALL:
            why = f"{_at(entry, file)}: all is what stands outside of per_platform"
            hint = "name an account or a platform here, and write what is for all of them at the top level"
            found.errors.append(Finding("UNKNOWN_ACCOUNT", why, hint))
            return ()
        taken |= dict.fromkeys(one for one in ids if one == meant or one.partition("-")[0] == meant)
    if not taken and certain:
        why = f'{_at(entry, file)}: the post does not go to "{printable(entry.name)}"'
        platforms = sorted({one.partition("-")[0] for one in ids})
        hint = nearest(entry.name, [*ids, *platforms]) or "add it to platforms, or take the entry out"
        found.errors.append(Finding("NOT_AMONG_PLATFORMS", why, hint))
    return tuple(taken)


def _twice(entry: PlatformEntry, other: PlatformEntry, account: str, file: str) -> Finding:
    both = f'"{printable(other.name)}" and "{printable(entry.name)}"'
    why = f"{_at(entry, file)}: {both} ({both_lines(other.line, entry.line)}) are both for {account}"
    return Finding("TWO_ENTRIES", why, "keep one of the two, or name the accounts of each")


def _slot_alone(entry: PlatformEntry, file: str) -> Finding:
    why = f'{_at(entry, file)}: "{printable(entry.name)}" asks for the next slot, and the post itself does not'
    hint = "a folder has one slot: write scheduled_time: next at the top level, or give a date and a time here"
    return Finding("NEXT_IN_PART", why, hint)


def _asks_for_slot(time: str | None) -> bool:
    return (time or "").strip().lower() == _NEXT


def _at(entry: PlatformEntry, file: str) -> str:
    return f"{printable(file)}, line {entry.line}: per_platform"
