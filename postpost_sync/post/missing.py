"""What to say of files that are named and not there: why that may be, and what may have been meant. Pure."""

from __future__ import annotations

import fnmatch
from collections.abc import Sequence

from postpost_sync.model.errors import Finding, nearest, printable
from postpost_sync.model.folder import SIDECAR_NAMES, EntryKind, Folder, Sidecar
from postpost_sync.model.post import Policy
from postpost_sync.model.unseen import seen
from postpost_sync.post.names import IGNORED, alike, names

_ALL = frozenset({"all", "true", "yes", "*", "auto"})
_NONE = frozenset({"none", "null", "false", "no", "~", "0"})
MOST_MISSING = 5  # files that are looked for under another spelling


def not_there(absent: Sequence[str], sidecar: Sidecar, key: str, folder: Folder, policy: Policy) -> Finding:
    """Files that are named and not there; of each of them also why that may be, and what may have been meant."""
    where = f"{sidecar.at(key)}: " if key in sidecar.lines else ""
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
    return "", _whole(name, free) or nearest(name, free)


def _whole(name: str, free: Sequence[str]) -> str:
    """The way out where all that are there are meant, or none."""
    if name.lower() in _ALL or (set(name) & set("*?") and fnmatch.filter(free, name)):
        return "to send all media that are there, leave media out"
    return "for a post without media write media: []" if name.lower() in _NONE else ""
