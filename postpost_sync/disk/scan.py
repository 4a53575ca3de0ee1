"""Looks at folders and opens files in them, trusting nothing: what is there, what is ignored, and no link ever followed.

The walk reads metadata alone. It and all reading go component by component from the root's own descriptor, so that a
folder that is swapped for a link meanwhile leads nowhere.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from collections.abc import Callable, Collection, Iterator
from itertools import zip_longest
from typing import NamedTuple

from postpost_sync.disk.mapped import write_back
from postpost_sync.model.errors import FileChanged, Finding, Unclear, Unreadable, printable
from postpost_sync.model.folder import SIDECAR_NAMES, STATUS_FILE, Awaited, Entry, EntryKind, Folder, Stat
from postpost_sync.model.program import Oddity
from postpost_sync.post.names import Names, is_near_miss, looks_like_media

BRING_HINT = "have the sync client keep the file on this machine; it is seen as soon as it is there"
MAX_DEPTH = 64  # folders below the root; deeper ones are not looked at
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
_FOLDER_INSIDE = _FOLDER | os.O_NOFOLLOW
_GONE = (errno.ENOENT, errno.ENOTDIR, errno.ELOOP)  # or a link by now


def walk(
    root: str,
    names: Names,
    start: str = "",
    visit: Callable[[str], object] = lambda path: None,
    skip: Collection[str] = (),
    as_before: Callable[[str, int], bool] = lambda path, mark: False,
) -> Iterator[Folder | Oddity]:
    """Every post folder at or below `start`, and what is odd. OSError where the root itself cannot be read.

    `visit` is told the path of every folder that was looked into, whether it is a post folder or not. None of those to
    `skip` is, nor what lies below it. `as_before` is told the path of a folder with a sidecar, and a number that is another one,
    in this process, when anything that is seen of it has changed; where it says so the folder itself is not made up.
    """
    way = list[_Level]()
    try:
        try:
            way.append(_Level(os.open(root, _FOLDER), "", [start], start.count("/") + 1 if start else 0))
        except OSError as error:
            if not start:
                raise
            if error.errno not in _GONE:
                yield Oddity(start, unreadable(error))
        while way:
            above, before, coming, depth, in_post = way[-1]
            if not coming:
                os.close(way.pop().fd)
                continue
            name = coming.pop()
            path = before + name
            if path in skip:
                continue
            try:
                fd = os.open(name, _FOLDER_INSIDE, dir_fd=above) if name and "/" not in name else _inside(above, name)
                try:
                    seen = _see(fd, names)
                    plain = bool(path and seen.stats) and not _matters_inside(seen)
                    same = plain and as_before(path, seen.mark())
                    listed = _list(seen, names) if not same else None
                    if seen.folders:
                        inside = sorted(seen.folders, reverse=True)
                        within = in_post or same or (listed is not None and listed.has_sidecar and path != "")
                        way.append(_Level(os.dup(fd), f"{path}/" if path else "", inside, depth + 1, within))
                finally:
                    os.close(fd)
            except OSError as error:
                if not path:
                    raise
                if error.errno not in _GONE:  # gone meanwhile is nothing odd
                    yield Oddity(path, unreadable(error))
                continue
            visit(path)
            if seen.folders and depth >= MAX_DEPTH:
                yield _too_deep(f"{path}/{way[-1].coming[-1]}")
                way[-1].coming.clear()
            if listed is None:
                continue
            if not listed.has_sidecar:
                if odd := _no_sidecar(listed, in_post=in_post):
                    yield Oddity(path, odd, listed.moved_at)
            elif path:
                yield listed.folder(root, path)
            else:
                why = f'a sidecar lies in the watch root "{printable(root)}" itself'
                yield Oddity(path, Finding("SIDECAR_IN_ROOT", why, "put it and its media into a folder of their own"))
    finally:
        for level in way:
            os.close(level.fd)


class _Level(NamedTuple):
    """A folder on the way of a walk: it stays open, so that what is swapped for a link above leads nowhere."""

    fd: int
    path: str  # with a slash at its end; "" is the root
    coming: list[str]  # the folders in it that are still to be walked, the next one last
    depth: int  # of these
    in_post: bool = False  # whether it is a post folder, or lies in one


def look(root: str, path: str, names: Names) -> Folder | None:
    """One post folder as it is now; None where it is gone or is none. OSError where that cannot be told.

    Nor can it where a sync client has taken the bytes of its sidecar away, and says that it still has them.
    """
    if not path:
        return None
    try:
        with descend(root, path) as fd:
            listed = _list(_see(fd, names), names)
    except OSError as error:
        if error.errno in _GONE:
            return None
        raise
    if not listed.has_sidecar and (away := listed.sidecar_awaited()) is not None:
        raise OSError(errno.ENODATA, "the sync client has not brought its sidecar", away.sign)
    return listed.folder(root, path) if listed.has_sidecar else None


def is_there(root: str, path: str, names: Names) -> bool:
    """Whether the post folder is there, for all that can be told."""
    try:
        return look(root, path, names) is not None
    except OSError:
        return True


def present(root: str, path: str = "", device: int | None = None) -> bool:
    """Whether the root is there with something in it: one that is missing, unreadable or suddenly empty is away.

    What systems leave in an empty disk or mount point (lost+found, .keep) is nothing. With the `path` of a folder that
    is missing and the `device` it lay on: whether that file system is still there, as far as the path leads.
    """
    try:
        with os.scandir(root) as entries:
            if all(_USUAL.ignored(entry.name) for entry in entries):
                return False
        return device is None or _device(root, path) == device
    except OSError:
        return False


def _device(root: str, path: str) -> int:
    """The device of the folder, or of the nearest one above it that is there."""
    while path:
        with contextlib.suppress(FileNotFoundError, NotADirectoryError):
            return os.lstat(f"{root}/{path}").st_dev
        path = path.rpartition("/")[0]
    return os.stat(root).st_dev


_USUAL = Names()
_LOOKED_AT = 1000  # names below a post folder that are looked at for media, and how deep
_BELOW = 3


def _media_inside(root: str, folder: str, folders: Collection[str]) -> tuple[str, ...]:
    """One picture or video of each of these folders inside that holds any, at whatever depth, unless it is a post of its own."""
    found: list[str] = []
    coming = sorted(folders, reverse=True)
    left = _LOOKED_AT
    while coming and left > 0:
        path = coming.pop()
        with contextlib.suppress(OSError), descend(root, f"{folder}/{path}") as fd:
            listed = _list(_see(fd, _USUAL), _USUAL)
            left -= 1 + len(listed.files)
            if listed.has_sidecar:
                continue
            found += [f"{path}/{name}" for name in sorted(listed.files) if looks_like_media(name)][:1]
            if path.count("/") + 1 < _BELOW:
                coming += [f"{path}/{name}" for name in sorted(listed.folders, reverse=True)]
    return tuple(found)


def _matters_inside(seen: _Seen) -> bool:
    """Whether what lies in its folders matters: it has no picture or video itself."""
    return bool(seen.folders) and not any(looks_like_media(entry.name) for entry in seen.others)


class _Seen(NamedTuple):
    """What a folder holds, as the system says it. A rescan makes as many as there are folders, and mostly no more than that."""

    here: os.stat_result
    folders: list[str]  # that are not ignored
    others: list[os.DirEntry[str]]
    stats: list[os.stat_result | None]  # of the others; empty where no sidecar is among them

    def mark(self) -> int:
        """Equal, in this process, as long as nothing is seen to change. Far cheaper than a fingerprint, which lasts."""
        facts = [s and (s.st_mode, s.st_size, s.st_mtime_ns, s.st_ctime_ns, s.st_ino) for s in self.stats]
        return hash((self.here.st_ino, self.here.st_dev, *self.folders, *[one.name for one in self.others], *facts))


def _see(folder: int, names: Names) -> _Seen:
    """Files are looked at closely only where there is a sidecar, and our own is not looked at."""
    folders: list[str] = []
    others: list[os.DirEntry[str]] = []
    stats: list[os.stat_result | None] = []
    ignored, has_sidecar = names.ignored, False
    with os.scandir(folder) as entries:
        for entry in entries:
            name = entry.name
            if entry.is_dir(follow_symlinks=False) and not ignored(name):
                folders.append(name)
            elif name != STATUS_FILE:
                others.append(entry)
                has_sidecar = has_sidecar or name.lower() in SIDECAR_NAMES
        for entry in others if has_sidecar else ():
            try:
                stats.append(entry.stat(follow_symlinks=False))
            except OSError as error:
                if error.errno not in _GONE:
                    raise
                stats.append(None)
    return _Seen(os.fstat(folder), folders, others, stats)


class _Listed(NamedTuple):
    """What lies in one folder, by what its names mean."""

    inode: int
    device: int
    files: list[str]
    folders: list[str]
    found: list[Entry]  # empty where there is no sidecar
    has_sidecar: bool
    arriving: float | None
    awaited: list[Awaited]
    moved_at: float
    matters_inside: bool

    def sidecar_awaited(self) -> Awaited | None:
        return next((one for one in self.awaited if one.name.lower() in SIDECAR_NAMES), None)

    def folder(self, root: str, path: str) -> Folder:
        # a folder's name is an entry too, so that one that is named as media is seen for what it is
        self.found.extend([Entry(name, EntryKind.FOLDER, _NOTHING) for name in self.folders])
        self.found.sort()
        inode = self.inode if self.inode < 1 << 63 else self.inode - (1 << 64)  # SQLite's numbers are signed
        found, awaited = tuple(self.found), tuple(sorted(self.awaited))
        inside = _media_inside(root, path, self.folders) if self.matters_inside else ()
        return Folder(root, path, inode, self.device, found, self.arriving, awaited, self.moved_at, inside)


def _list(seen: _Seen, names: Names) -> _Listed:
    """What was seen, without what is ignored; what of that is a sign that something is still to come counts as such."""
    found: list[Entry] = []
    files: list[str] = []
    arriving: float | None = None
    awaited: list[Awaited] = []
    has_sidecar = False
    for entry, s in zip_longest(seen.others, seen.stats):
        name = entry.name
        if names.ignored(name):
            if names.arriving(name):
                with contextlib.suppress(OSError):
                    arriving = max(arriving or 0.0, entry.stat(follow_symlinks=False).st_mtime)
            elif (said := names.awaited(name)) is not None:
                awaited.append(Awaited(said[0], name, said[1]))
            continue
        stub = s is not None and s.st_size <= _STUB and stat.S_ISREG(s.st_mode)
        if stub and (to_come := names.announced_by_stub(name)) is not None:
            awaited.append(Awaited(to_come, name))
            continue
        files.append(name)
        has_sidecar = has_sidecar or name.lower() in SIDECAR_NAMES
        if s is not None:
            found.append(Entry(name, _KINDS.get(s.st_mode & _TYPE, EntryKind.OTHER), of(s)))
        elif seen.stats:  # it was taken away just now; or it is listed all the time
            found.append(Entry(name, EntryKind.NOTHING, _NOTHING))
    if awaited:
        there = set(files)
        awaited = [one for one in awaited if one.partly == (one.name in there)]
    here, found = seen.here, found if has_sidecar else []
    moved_at = here.st_ctime_ns / 1e9
    about = files, seen.folders, found, has_sidecar, arriving, awaited, moved_at
    return _Listed(here.st_ino, here.st_dev, *about, has_sidecar and _matters_inside(seen))


_TYPE = 0o170000  # the bits of a mode that say what it is
_KINDS = {stat.S_IFREG: EntryKind.FILE, stat.S_IFLNK: EntryKind.LINK, stat.S_IFDIR: EntryKind.FOLDER}
_STUB = 1  # byte: ownCloud's client and all that were made of it announce a file by one of that length
_NOTHING = Stat(0, 0, 0, 0, 0)


def of(s: os.stat_result) -> Stat:
    """Our Stat of the system's."""
    return Stat(s.st_size, s.st_mtime_ns, s.st_ctime_ns, s.st_ino, s.st_dev)


def _no_sidecar(listed: _Listed, *, in_post: bool) -> Finding | None:
    """`in_post`: it lies below a post folder, where people may keep what they like."""
    if folder := next((name for name in listed.folders if name.lower() in SIDECAR_NAMES), None):
        return Finding("NO_SIDECAR", f"{folder} is a folder, and a file belongs there", "replace it with a file")
    if (away := listed.sidecar_awaited()) is not None:
        why = f'the sync client has only announced {printable(away.name)} ("{printable(away.sign)}")'
        return Finding("NO_SIDECAR", why, BRING_HINT)
    near = next((name for name in sorted(listed.files) if is_near_miss(name)), None)
    if near is not None:
        return Finding("NO_SIDECAR", "the folder has no post.yaml", f'rename "{printable(near)}" to post.yaml')
    if in_post or not any(looks_like_media(name) for name in listed.files):
        return None
    hint = "add a post.yaml; `postpost-sync new FOLDER` writes one"
    return Finding("NO_SIDECAR", "the folder holds media but no post.yaml", hint)


def unreadable(error: OSError) -> Finding:
    """What to say of a folder that cannot be looked into."""
    hint = "check its rights" if isinstance(error, PermissionError) else "check the disk or the share that it lies on"
    hint = BRING_HINT if error.errno == errno.ENODATA else hint
    return Finding("FOLDER_UNREADABLE", f"it cannot be read: {error.strerror}", hint)


def _too_deep(path: str) -> Oddity:
    why = f"it lies deeper than {MAX_DEPTH} folders below the watch root; what is in it is not looked at"
    return Oddity(path, Finding("FOLDER_TOO_DEEP", why, "move it further up"))


# --- opening ----------------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def descend(root: str, path: str) -> Iterator[int]:
    """A descriptor of the folder, reached from the root without following a link."""
    above = os.open(root, _FOLDER)
    try:
        fd = _inside(above, path)
    finally:
        os.close(above)
    try:
        yield fd
    finally:
        os.close(fd)


def _inside(above: int, path: str) -> int:
    """A descriptor of what lies at a path below the folder of another; "" is that folder itself."""
    first, *others = path.split("/")
    fd = os.open(first or ".", _FOLDER_INSIDE, dir_fd=above)
    for part in others:
        try:
            inner = os.open(part, _FOLDER_INSIDE, dir_fd=fd)
        finally:
            os.close(fd)
        fd = inner
    return fd


@contextlib.contextmanager
def opened(root: str, path: str, name: str, expected: Stat | None) -> Iterator[int]:
    """A descriptor of the regular file that was seen as `expected` (None: as it is); FileChanged where it is another by now.

    It may not be opened, or break while it is read: Unclear, since a disk or a share that does not answer may do so later.
    """
    try:
        with descend(root, path) as folder:
            fd = _opened_in(folder, name, expected)
    except PermissionError:
        raise Unreadable(Finding("FILE_UNREADABLE", f"{printable(name)} may not be read", "check its rights")) from None
    except ValueError as error:
        raise _changed(name, f"cannot be opened: {error}") from None
    except OSError as error:
        if error.errno in _GONE:
            raise _changed(name, f"cannot be opened: {error.strerror}") from None
        raise _broken(name, error) from None
    try:
        yield fd
    except OSError as error:
        raise _broken(name, error) from None
    finally:
        os.close(fd)


def _opened_in(folder: int, name: str, expected: Stat | None) -> int:
    """A descriptor of the file in that folder.

    It has changed only where it is listed otherwise by now: one that is listed as it was, and cannot be opened, or is
    another file once it is open, is broken. Else it would be tried again and again without a pause.
    """
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
    try:
        fd = os.open(name, flags, dir_fd=folder)
    except OSError as error:
        if error.errno in _GONE and _is_listed(folder, name, expected):
            raise OSError(errno.EIO, f"it is listed, and opening it says: {error.strerror}") from None
        raise
    try:
        write_back(fd)
        unchanged(fd, name, expected)
        # on an overlay each file has the number of the layer that it is in
        if os.fstat(fd).st_dev != os.fstat(folder).st_dev and (_mount(fd) is None or _mount(fd) != _mount(folder)):
            why = f"{printable(name)} lies on another file system than its folder"
            raise Unreadable(Finding("FILE_UNREADABLE", why, "put the file itself into the folder"))
    except BaseException as error:
        os.close(fd)
        if isinstance(error, FileChanged) and _is_listed(folder, name, expected):
            raise OSError(errno.EIO, "once it is open it is not what it is listed as") from None
        if isinstance(error, OSError) and error.errno in _GONE:
            raise OSError(errno.EIO, error.strerror) from None
        raise
    return fd


def _is_listed(folder: int, name: str, expected: Stat | None) -> bool:
    try:
        return of(os.stat(name, dir_fd=folder, follow_symlinks=False)) == expected
    except OSError:
        return False


def _mount(fd: int) -> str | None:
    """The number of the mount that a descriptor was opened on; None where the kernel does not say."""
    with contextlib.suppress(OSError), open(f"/proc/self/fdinfo/{fd}", encoding="ascii") as facts:
        return next((line.split()[1] for line in facts if line.startswith("mnt_id:")), None)
    return None


def unchanged(fd: int, name: str, expected: Stat | None) -> None:
    """FileChanged unless the open file is still the regular file that was seen as `expected`; None: any regular file."""
    s = os.fstat(fd)
    if not stat.S_ISREG(s.st_mode):
        raise _changed(name, "is no longer a file")
    if expected is not None and of(s) != expected:
        raise _changed(name, "has changed since it was looked at")


def _broken(name: str, error: OSError) -> Unclear:
    why = f"{printable(name)} cannot be read: {error.strerror or type(error).__name__}"
    hint = "check the disk or the share that it lies on; it is tried again by itself"
    return Unclear(Finding("FILE_BROKEN", why, hint))


def _changed(name: str, what: str) -> FileChanged:
    return FileChanged(Finding("FILE_CHANGED", f"{printable(name)} {what}", "it is looked at again by itself"))
