"""The mount table: which file system a folder lies on, whether the kernel hears of each change, and what is seen twice."""

from __future__ import annotations

import functools
import os
import re
from collections.abc import Collection, Iterable, Sequence
from typing import NamedTuple

from postpost_sync.post.names import Names

TABLE = "/proc/self/mountinfo"
_OCTAL = re.compile(r"\\([0-7]{3})")  # how the mount table writes spaces and backslashes
_NETWORK = frozenset(
    """nfs nfs4 cifs smb smb3 smbfs afs ceph 9p virtiofs vboxsf vmhgfs prl_fs davfs
    glusterfs lustre gpfs ocfs2 gfs2 fuseblk coda ncpfs beegfs""".split()
)


def wants_polling(path: str, table: str = TABLE) -> bool:
    """Whether the file system under `path` can change without the kernel hearing of it: network and FUSE mounts."""
    return _is_remote(filesystem(path, table))


def filesystem(path: str, table: str = TABLE) -> str:
    """The kind of file system under `path`, such as ext4 or nfs4; "" where the mount table cannot be read."""
    return next((mount.kind for mount in mounts_at(path, table)), "")


def _is_remote(kind: str) -> bool:
    return not kind or kind in _NETWORK or kind == "fuse" or kind.startswith("fuse.")


class Mount(NamedTuple):
    """One mount that a root lies on or has below it. Another number: it was mounted anew."""

    number: int
    path: str  # relative to the root; "" for the one it lies on
    kind: str
    device: str = ""  # the file system, as the mount table numbers it: the same for each mount of it
    inside: str = ""  # what is seen at `path` is this folder of the file system

    @property
    def is_remote(self) -> bool:
        return _is_remote(self.kind)

    def shows(self, other: Mount) -> str | None:
        """Where below its root this one shows the folder that the other one does, by the table; None where nowhere.

        The table alone does not tell: of a network share it does not say which of the share's folders was mounted, and
        another mount may cover the place.
        """
        if self.device != other.device or not _is_below(other.inside, self.inside):
            return None
        way = os.path.relpath(other.inside, self.inside)
        return self.path if way == "." else os.path.join(self.path, way)


def mounts_at(root: str, table: str = TABLE) -> tuple[Mount, ...]:
    """The mount that a root lies on, then those below it; empty where the mount table cannot be read."""
    return mounts_of(os.path.realpath(root), table)


def mounts_of(real: str, table: str = TABLE) -> tuple[Mount, ...]:
    """The same of a path without links, from the mount table alone: no file system is asked."""
    return _mounts_in(_text(table), real)


@functools.lru_cache(maxsize=64)
def _mounts_in(text: str, real: str) -> tuple[Mount, ...]:
    """A table seldom changes, and is asked for at every hint."""
    under = {"": Mount(0, "", "")}
    longest = -1
    for line in text.splitlines():  # as proc_pid_mountinfo(5) has them
        fields = line.split(" ")
        number, place, kind = int(fields[0]), _unescaped(fields[4]), fields[fields.index("-") + 1]
        device, inside = fields[2], _unescaped(fields[3])
        if _is_below(real, place) and len(place) >= longest:
            inside = os.path.normpath(os.path.join(inside, os.path.relpath(real, place)))
            longest, under[""] = len(place), Mount(number, "", kind, device, inside)
        elif _is_below(place, real):
            below = os.path.relpath(place, real)
            under[below] = Mount(number, below, kind, device, inside)  # a later one covers an earlier one
    return tuple(under[path] for path in sorted(under)) if longest >= 0 else ()


def in_common(one: str, ones: Sequence[Mount], other: str, others: Sequence[Mount]) -> list[tuple[str, str]]:
    """Pairs of places that are one folder if the two paths (without links) lead to folders that have one in common.

    Such as where one of them, or a mount below it, is bound to what lies below the other. See `Mount.shows`.
    """
    return [
        (os.path.join(outer, place), os.path.join(inner, n.path))
        for outer, out, inner, inn in ((one, ones, other, others), (other, others, one, ones))
        for m in out
        for n in inn
        if (place := m.shows(n)) is not None
    ]


def seen_again(root: str, mounts: Sequence[Mount], names: Names, known: Collection[str] = ()) -> dict[str, str]:
    """Where below a root, by its `mounts_at`, folders are seen that are seen at another place below it, too: and where.

    What lies on the root's own mount is never seen again. Of two mounts that show the same from elsewhere, the one
    without `known` posts shows it again, or the later one by its path. What is ignored is not seen at all.
    """
    again = dict[str, str]()

    def counts(place: str) -> bool:
        return not names.ignored_on(place) and not is_in(place, again)

    seen = list(mounts[:1])
    for mount in sorted(mounts[1:], key=lambda m: (not any(is_in(path, [m.path]) for path in known), m.path)):
        for before in seen:
            for there, here in ((before.shows(mount), mount.path), (before.path, mount.shows(before))):
                if there is None or here is None or there == here or not counts(there) or not counts(here):
                    continue
                if is_one(os.path.join(root, there, ""), os.path.join(root, here, "")):  # folders, no files
                    again[here] = there
        seen.append(mount)
    return again


def is_in(path: str, places: Iterable[str]) -> bool:
    """Whether a path is one of the places or lies below one, all of them relative to one root; "" is the root."""
    return any(not place or _is_below(path, place) for place in places)


def is_one(here: str, there: str) -> bool:
    """Whether two places are one folder; not where one of them is missing."""
    try:
        return os.path.samefile(here, there)
    except OSError:
        return False


def _text(table: str) -> str:
    try:
        with open(table, encoding="utf-8", errors="surrogateescape") as lines:
            return lines.read()
    except OSError:
        return ""


def _unescaped(place: str) -> str:
    return _OCTAL.sub(lambda escape: chr(int(escape[1], 8)), place)


def _is_below(path: str, place: str) -> bool:
    return path == place or path.startswith(place.rstrip("/") + "/")


class Place(NamedTuple):
    """What a path leads to. Another one than before: it was replaced, or a file system was mounted or taken away."""

    device: int
    inode: int
    mounts: tuple[Mount, ...]

    def is_other(self, before: Place) -> bool:
        """Whether it is another folder than before, or seen through another mount; what is mounted below it aside."""
        return (self.device, self.inode, self.mounts[:1]) != (before.device, before.inode, before.mounts[:1])

    def is_at(self, path: str) -> bool:
        try:
            return place_of(path) == self
        except OSError:
            return False


def place_of(path: str) -> Place:
    """OSError where nothing is there."""
    here = os.stat(path)
    return Place(here.st_dev, here.st_ino, mounts_at(path))
