"""Reads a settled post folder: its sidecar, its text, and what each of its files is. Bytes of media are only sniffed."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import re

from postpost_sync.disk import media, probe, scan, structure
from postpost_sync.model import not_text, unseen
from postpost_sync.model.errors import Finding, PostError, Unreadable, printable
from postpost_sync.model.folder import (
    NOTHING_WRITTEN,
    Entry,
    EntryKind,
    Folder,
    MediaFile,
    Reading,
    Sidecar,
)
from postpost_sync.model.yaml_tree import MAX_BYTES
from postpost_sync.model.yaml_values import located
from postpost_sync.post import sidecar
from postpost_sync.post.names import looks_like_media

_BLOCK = 1024 * 1024
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ufffe\uffff]")


def read(folder: Folder, known: dict[str, MediaFile] | None = None) -> Reading:
    """Everything that depends on the folder alone. `known`: files read before, taken over where their stat is the same.

    FileChanged where the folder changes meanwhile.
    """
    errors: list[Finding] = []
    parsed, content = _sidecar(folder, errors)
    files, sidecars = [], folder.sidecars
    for entry in folder.entries:
        if entry.kind is not EntryKind.FILE or entry in sidecars or entry.stat.size == 0:
            continue
        before = (known or {}).get(entry.name)
        files.append(before if before is not None and before.stat == entry.stat else _sniff(folder, entry))
    own = parsed is None or parsed.media is not None or any(file.content_type for file in files)
    inside = () if own else folder.inside
    doubts = parsed.doubts if parsed is not None else ()
    texts = _texts(folder, parsed) if parsed is not None and parsed.per_platform else {}
    return Reading(folder.fingerprint, parsed, tuple(errors), doubts, tuple(files), content, texts, inside)


def prepare(folder: Folder) -> None:
    """Load what tells of media what they are, while the folder settles: it is not held up by that afterwards."""
    if any(entry.kind is EntryKind.FILE and looks_like_media(entry.name) for entry in folder.entries):
        probe.load()
        with contextlib.suppress(PostError):  # said where a file is read
            media.kind(b"")


def _texts(folder: Folder, parsed: Sidecar) -> dict[str, str | Finding]:
    """What the text files of `per_platform` hold; what is wrong with one is the matter of that part alone."""
    texts: dict[str, str | Finding] = {}
    for entry in parsed.per_platform:
        if entry.content_file is None:
            continue
        errors: list[Finding] = []
        text = _content_file(folder, parsed, errors, entry.content_file, entry.lines["content_file"])
        if errors or text is not None:
            texts[entry.content_file] = errors[0] if errors or text is None else text
    return texts


def glimpse(folder: Folder) -> Sidecar | None:
    """The sidecar of a folder that does not become quiet, as it is for a moment; None where it cannot be read even so.

    On a file system whose times are always now it never is what it was when it was looked at.
    """
    try:
        return _sidecar(folder, [], settled=False)[0]
    except PostError:
        return None


def sha256(root: str, path: str, file: MediaFile) -> str:
    """The hash of a whole file, hex; FileChanged where it changes meanwhile."""
    digest, offset = hashlib.sha256(), 0
    with scan.opened(root, path, file.name, file.stat) as fd:
        while block := os.pread(fd, _BLOCK, offset):
            digest.update(block)
            offset += len(block)
        scan.unchanged(fd, file.name, file.stat)
    return digest.hexdigest()


def _sidecar(folder: Folder, errors: list[Finding], *, settled: bool = True) -> tuple[Sidecar | None, str | None]:
    """Its sidecar, and its text. Not `settled`: without the text, and whatever becomes of the file meanwhile."""
    first, *others = folder.sidecars
    if others:
        names = " and ".join(printable(e.name) for e in folder.sidecars)
        errors.append(Finding("TWO_SIDECARS", f"there are {names}; only one may be there", "keep one of them"))
        return None, None
    if first.kind is not EntryKind.FILE:
        errors.append(Finding("SIDECAR_NOT_A_FILE", f"{first.name} is not a regular file", "replace it with a file"))
        return None, None
    if first.stat.size == 0:
        errors.append(
            Finding("SIDECAR_EMPTY", f"{first.name} is empty (0 bytes)", "wait for it to arrive, or write it again")
        )
        return None, None
    try:
        data = _bytes(folder, first, settled=settled)
    except Unreadable as unreadable:
        errors.append(unreadable.finding)
        return None, None
    parsed, wrong = sidecar.parse(data, first.name)
    errors += wrong
    if parsed is None or not settled:
        return parsed, None
    if parsed.content_file is None:
        return parsed, (parsed.content or "").removesuffix("\n")
    return parsed, _content_file(folder, parsed, errors, parsed.content_file, parsed.lines["content_file"])


def _content_file(folder: Folder, parsed: Sidecar, errors: list[Finding], name: str, line: int) -> str | None:
    entry = sidecar.named(folder, name)
    if entry is None or (entry.kind is EntryKind.FILE and entry.stat.size == 0):
        return None  # perhaps it is still to come

    def wrong(code: str, what: str, hint: str) -> None:
        errors.append(located(parsed.file, line, code, f"content_file: {printable(entry.name)} {what}", hint))

    if entry in folder.sidecars:
        wrong("CONTENT_IS_SIDECAR", "is the sidecar itself", "write the text below content:, or into a file of its own")
        return None
    if entry.kind is not EntryKind.FILE:
        wrong("CONTENT_NOT_A_FILE", "is not a regular file", "put the file itself into the folder")
        return None
    if entry.stat.size > MAX_BYTES:
        wrong("CONTENT_TOO_LARGE", f"is {entry.stat.size:,} bytes; at most {MAX_BYTES:,} are read", "shorten it")
        return None
    try:
        data = _bytes(folder, entry)
        if kind := not_text.kind(data):
            wrong("NOT_PLAIN_TEXT", f"is {kind}, no plain text", not_text.WAY_OUT)
            return None
        text = unseen.decode(data).replace("\r\n", "\n")
    except Unreadable as unreadable:
        errors.append(unreadable.finding)
        return None
    except UnicodeDecodeError as error:
        wrong("CONTENT_NOT_UTF8", f"is not UTF-8 text (byte {error.start + 1})", "save it as UTF-8")
        return None
    if found := _CONTROL.search(text):
        wrong("CONTENT_CONTROL_CHARACTER", f"holds the control character U+{ord(found[0]):04X}", "remove it")
        return None
    return text.removesuffix("\n")


def _bytes(folder: Folder, entry: Entry, *, settled: bool = True) -> bytes:
    """A whole small file; one byte more than is allowed is enough to see that it is too large."""
    expected = entry.stat if settled else None
    with scan.opened(folder.root, folder.path, entry.name, expected) as fd:
        data = b""
        while len(data) <= MAX_BYTES and (block := os.pread(fd, MAX_BYTES + 1 - len(data), len(data))):
            data += block
        scan.unchanged(fd, entry.name, expected)
    return data


def _sniff(folder: Folder, entry: Entry) -> MediaFile:
    try:
        with scan.opened(folder.root, folder.path, entry.name, entry.stat) as fd:
            if _nothing_written(fd):
                return MediaFile(entry.name, entry.stat, None, NOTHING_WRITTEN)
            kind = media.kind(os.pread(fd, media.HEAD, 0))
            content_type, sniffed = media.named(kind)
            facts = {**structure.facts(fd, kind), **probe.measure(fd, kind)}
    except Unreadable as error:
        return MediaFile(entry.name, entry.stat, None, unreadable=error.finding)
    return MediaFile(entry.name, entry.stat, content_type, sniffed, facts=facts, kind=kind)


def _nothing_written(fd: int) -> bool:
    """Whether the whole file is a hole: something has made room for it, and writes it later.

    Asked of the file system, not concluded from the number of its blocks: small files lie beside their inode in btrfs and
    ext4, and network and user-space file systems report any number. Those that do not know of holes say that all is data.
    """
    try:
        os.lseek(fd, 0, os.SEEK_DATA)
    except OSError as error:
        return error.errno == errno.ENXIO
    finally:
        os.lseek(fd, 0, os.SEEK_SET)
    return False
