"""Trees for the tests of walks, and what a walk or a look sees of them."""

from __future__ import annotations

from pathlib import Path

from postpost_sync.disk.scan import look, walk
from postpost_sync.model.folder import Entry, Folder
from postpost_sync.post.names import Names

NAMES = Names()


def put(file: Path, data: bytes = b"x") -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(data)
    return file


def folders(root: Path, names: Names = NAMES) -> list[Folder]:
    return [found for found in walk(str(root), names) if isinstance(found, Folder)]


def oddities(root: Path, names: Names = NAMES) -> list[tuple[str, str]]:
    return [(found.path, found.finding.code) for found in walk(str(root), names) if not isinstance(found, Folder)]


def seen(root: Path, path: str = "a") -> Folder:
    folder = look(str(root), path, NAMES)
    assert folder is not None
    return folder


def entry(folder: Folder, name: str) -> Entry:
    return next(e for e in folder.entries if e.name == name)
