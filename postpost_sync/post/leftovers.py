"""What sync clients, downloads, editors and cameras leave beside a file called NAME: by its name alone, as they write it.

A placeholder announces a NAME whose bytes are elsewhere; a control file says that NAME is not whole yet. A conflict copy and
a backup hold bytes of their own, and nobody meant them for the post. Whether NAME is there is not known here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

# Nextcloud and ownCloud (virtual files by suffix), Resilio (.rsls and its kinds, .rsl~), odrive, iCloud (.NAME.icloud).
_PLACEHOLDER = re.compile(
    r"(?P<name>.+)\.(?:nextcloud|owncloud|rsls[a-z]{0,2}|rsl~)|(?P<odrive>.+\.[^.]+)\.cloud|\.(?P<hidden>.+)\.icloud",
    re.IGNORECASE | re.DOTALL,
)
# aria2, lftp and axel write NAME itself from the start, and this file beside it for as long as it is not whole.
_CONTROL = re.compile(r"(?P<name>.+)\.(?:aria2|lftp-pget-status)|(?P<axel>.+\.[^.]+)\.st", re.IGNORECASE | re.DOTALL)

_EXTENSION = r"(?P<ext>(?:\.[^.\s()\[\]]{1,12})?)"
_MONTH = "(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)"
# `who` is the machine or the account: a name of its own, which may hold what parts it from NAME.
_CONFLICTS = tuple(
    re.compile(form, re.IGNORECASE | re.DOTALL)
    for form in (
        r"(?P<stem>.+)\.sync-conflict-\d[0-9A-Z-]*" + _EXTENSION,  # Syncthing
        r"(?P<stem>.+)_conflict(?:_[^.-]+)?-\d{8}(?:-\d{6})?" + _EXTENSION,  # Nextcloud and ownCloud before 2.5
        rf"(?P<stem>.+?)_(?P<who>.+)_{_MONTH}-\d\d-\d{{4}}-\d{{4}}_[a-z]*Conflict(?:_\d+)?{_EXTENSION}",  # Synology Drive
        r"(?P<stem>.+?)(?:-(?P<who>.+))?-safeBackup-\d{4}" + _EXTENSION,  # OneDrive for Linux
        r"(?P<stem>.+)_(?:conflict|orphan|blacklisted)_\d{8}_\d{6}_[0-9a-z]{10}" + _EXTENSION,  # kDrive
        r"(?P<stem>.+)-conflict-\d{4}-\d\d-\d\dT[\d_]+\.\d{3}Z" + _EXTENSION,  # Cozy
        r"(?P<stem>.+?)\.variant-[0-9a-f]{4}(?:\.variant-.+?)?" + _EXTENSION,  # git-annex, which leaves no NAME
        r"(?P<stem>.+?) ?\[conflict(?:ed)?(?: \d+)?\]" + _EXTENSION,  # pCloud, Google Drive
        r"(?P<stem>.+)_conf\(\d+\)" + _EXTENSION,  # Google's Backup and Sync
        r"(?P<stem>.+?)[ _-]conflicted.copy[^.]*" + _EXTENSION,  # whoever leaves out the brackets
        r"(?P<stem>.+)\.conflict\d*(?P<ext>\.[^.\s]{1,12})",  # Resilio, rclone bisync
        r"(?P<stem>.+\.[^.\s]{1,12})(?:\.conflict\d+|\.\.path[12])(?P<ext>)",  # rclone bisync
    )
)
_BRACKETS = re.compile(rf"(?P<stem>.*?[^\s(]) ?\((?P<inside>[^()]+(?:\(\d+\))?)\)(?: ?\(\d+\))?{_EXTENSION}", re.DOTALL)
# Dropbox says "conflicted copy" in the language of its user; Nextcloud, Seafile, Unison, Box, CTERA and Insync in English.
_CONFLICT = "conflict|not merged|konflikt|conflit|clash|modstrid|конфл|競合|問題のある|冲突|衝突|충돌"
_COPY = "cop[yi]|cópi|kopi|kópi|exempla|salinan|копи|копі|コピー|副本|複本|複製|사본"
_CAUSE = r"case|casse|mayúsc|maiusc|groß|unicode|encoding|white ?space|selective sync|\d{4}-\d\d-\d\d"
_SAYS_CONFLICT = re.compile(
    rf"(?=.*(?:{_CONFLICT}))(?=.*(?:{_COPY}|{_CAUSE}))|sfconflict|conflicted$", re.IGNORECASE | re.DOTALL
)
# OneDrive puts the machine's name behind NAME: known only where it is one that Windows makes up, and NAME is there.
_MACHINE = re.compile(
    r"(?P<stem>.+)-(?:DESKTOP-[A-Z0-9]{7}|LAPTOP-[A-Z0-9]{8}|WIN-[A-Z0-9]{11})(?:-\d+)?" + _EXTENSION, re.DOTALL
)
# Box puts the account of whoever saved later behind NAME.
_ACCOUNT = re.compile(rf"(?P<stem>.*?[^\s(-])[ -]?\([^()@\s]+@[^()@\s]+\){_EXTENSION}", re.DOTALL)

# exiftool, editors, patch; the sandbox of macOS saves into NAME.sb-… before it takes NAME's place.
_BACKUP = re.compile(
    r"(?P<name>.+\.[^.\s]{2,5})(?:_original|\.(?:bak|backup|bk|orig|old|save?|sb-[0-9a-f]{6,8}-[0-9a-z]{4,8}))\d*",
    re.IGNORECASE | re.DOTALL,
)
# A camera's picture of a film, and its small copy of it: JPEG and MP4 inside. GoPro, DJI, Canon; GoPro counts GL… for GX…
_PREVIEW = re.compile(r"(?P<stem>.+)\.(?:thm|lrv|lrf)", re.IGNORECASE | re.DOTALL)
_GOPRO = re.compile(r"g[lxh](?=\d{6}$)")
# wget; rotated logs are written so, too
_DOWNLOADED_AGAIN = re.compile(r"(?P<name>.+\.[^.\s]{2,5})\.\d{1,3}", re.DOTALL)


def announced(name: str) -> str | None:
    """The NAME that a placeholder stands for; None where it is none."""
    found = _PLACEHOLDER.fullmatch(name)
    return found[found.lastgroup or 0] if found is not None else None


def unfinished(name: str) -> str | None:
    """The NAME that a control file says is not whole yet; None where it is none."""
    found = _CONTROL.fullmatch(name)
    return found[found.lastgroup or 0] if found is not None else None


def conflict_of(name: str) -> tuple[str, ...]:
    """What the file may be a sync program's conflict copy of, the likeliest first; () where it is none."""
    if (bracket := _BRACKETS.fullmatch(name)) is not None and _SAYS_CONFLICT.search(bracket["inside"]):
        return (bracket["stem"] + bracket["ext"],)
    found = next((match for form in _CONFLICTS if (match := form.fullmatch(name)) is not None), None)
    return tuple(_originals(found)) if found is not None else ()


def backup_of(name: str) -> str | None:
    """The NAME that a program set this file aside of; None where it did not."""
    found = _BACKUP.fullmatch(name)
    return found["name"] if found is not None else None


def previewed(name: str) -> str | None:
    """The shot, as `shot` has it, of which a camera made this small copy; None where it is none."""
    found = _PREVIEW.fullmatch(name)
    return shot(found["stem"]) if found is not None else None


def shot(stem: str) -> str:
    """One for all files that a camera writes of one take: their names without what tells what they are."""
    return _GOPRO.sub("g", stem.casefold())


def beside(name: str) -> str | None:
    """The NAME of which this is a copy if it lies beside NAME, and a file like any other if not; None where it is none."""
    if (found := _DOWNLOADED_AGAIN.fullmatch(name)) is not None:
        return found["name"]
    found = _MACHINE.fullmatch(name) or _ACCOUNT.fullmatch(name)
    return found["stem"] + found["ext"] if found is not None else None


def _originals(found: re.Match[str]) -> Iterator[str]:
    """NAME, and where the machine's name may hold what parts the two, each other NAME that it could be."""
    stem, who = found["stem"], found.groupdict().get("who")
    if who is None:
        yield stem + found["ext"]
        return
    between = found.string[len(stem)]
    parts = [stem, *who.split(between)]
    for end in range(len(parts) - 1, 0, -1):
        yield between.join(parts[:end]) + found["ext"]
