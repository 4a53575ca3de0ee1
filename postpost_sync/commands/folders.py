"""The folders that a person named: which posts they are, and what each of the others is."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from postpost_sync.config.load import Config
from postpost_sync.model.errors import ProgramError, path_name
from postpost_sync.model.folder import SIDECAR_NAMES
from postpost_sync.model.program import Oddity, RootStatus
from postpost_sync.post.names import Names
from postpost_sync.store import Store
from postpost_sync.store.status import at_or_below


@dataclass(frozen=True, slots=True)
class Named:
    """What stands at, or below, one name that was typed."""

    name: Path
    folder: Path  # where it leads to
    keys: tuple[int, ...] = ()
    oddities: tuple[tuple[RootStatus, Oddity], ...] = ()
    why: str = ""  # what it is, where it is neither

    @property
    def known(self) -> bool:
        return bool(self.keys or self.oddities)


def look_up(store: Store, config: Config, paths: Sequence[Path]) -> list[Named]:
    """What each of the names is. ProgramError, with what each is, where none is, or holds, a post folder."""
    roots = store.roots()
    found = [_look_up(store, config, roots, path) for path in paths]
    if not any(one.known for one in found):
        raise ProgramError(
            "; ".join(one.why for one in found), "`postpost-sync status` lists the folders that are known"
        )
    return found


def unknown(found: Sequence[Named]) -> list[str]:
    """What those are that are no post folders."""
    return [one.why for one in found if not one.known]


def _look_up(store: Store, config: Config, roots: Sequence[RootStatus], path: Path) -> Named:
    for folder in dict.fromkeys((Path(os.path.abspath(path)), Path(os.path.realpath(path)))):
        if folder.name.lower() in SIDECAR_NAMES or os.path.isfile(folder):
            folder = folder.parent
        keys = tuple(at_or_below(store, folder))
        odd = tuple((root, one) for root in roots for one in root.oddities if _is_at(root, one, folder))
        if keys or odd:
            return Named(path, folder, keys, odd)
    return Named(path, folder, why=_what(config, path, folder))


def _is_at(root: RootStatus, odd: Oddity, folder: Path) -> bool:
    place = Path(root.path, odd.path)
    return place == folder or folder in place.parents


def _what(config: Config, path: Path, folder: Path) -> str:
    name = path_name(path)
    if not os.path.lexists(folder):
        return f"{name} is not there, and was no post folder"
    root = next((one.path for one in config.roots if one.path == folder or one.path in folder.parents), None)
    if root is None:
        return f"{name} lies below none of the folders that are watched"
    names = Names(config.ignore)
    if any(names.ignored(part) for part in folder.relative_to(root).parts):
        return f"{name} is ignored"
    try:
        has = any(entry.lower() in SIDECAR_NAMES for entry in os.listdir(folder))
    except OSError as error:
        return f"{name} cannot be read: {error.strerror}"
    if has and folder != root:
        return f"{name} is a post folder that the daemon has not seen yet"
    return f"{name} holds no post.yaml, nor does a folder below it that is known"
