"""The fitted copies: where they lie beside the database, how much room they may take, and how one comes to be there.

A copy is found again by its name alone: the folder's key, the hash of the original, and what the copy may be. So one that
was made before a crash is not made again, and one that is lost is. It is put in its place whole, or not at all. Who needs
the same one, as the parts of a post do, gets a name of its own for the same file (a hard link): it is made and counted once.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import stat
import threading
import time
from collections.abc import Callable, Collection, Iterator
from dataclasses import asdict
from pathlib import Path

from postpost_sync.disk import probe, structure
from postpost_sync.disk.measuring import TASKS
from postpost_sync.disk.opening import DEMUXERS, Broken
from postpost_sync.model.errors import FileChanged, Finding, NoRoom, Unfit, printable
from postpost_sync.model.folder import Copy, MediaFile, Recipe
from postpost_sync.post.platforms import SUFFIXES

MOST = 2 << 30  # bytes of all copies together
COPY_LOST = "COPY_LOST"  # the code of a finding
_ROOM_FOR_PICTURE = 64 << 20  # bytes: what a copy of a picture may take while it is made, where its platforms take more
_ROOM_FOR_INDEX = 1 << 20  # bytes by which an MP4 may be larger than what its streams came from, and a fiftieth
_LONGER = 0.5  # seconds by which a video and its copy may differ
PATIENCE = 30.0  # seconds that one waits for another to be made
_MAKING = ".making"  # how the names of those begin that are not whole yet
_WRONG = ("truncated", "undecodable", "unmeasured", "moov_missing")


class Copies:
    """Safe to use from several threads."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._turn = threading.Lock()
        self._rooms: dict[str, int] = {}  # names of those that are being made -> bytes that each may take
        self._stopping = threading.Event()

    def find(self, key: int, file: MediaFile, recipe: Recipe) -> Copy | None:
        """The copy of a folder's file that is there already, for this folder or for another."""
        for form in recipe.forms:
            name = _name(key, file, recipe, form)
            with contextlib.suppress(OSError, Unfit), self._open(self._shared(name)) as fd:
                return _judged(fd, name, form, file, recipe)
        return None

    def make(self, key: int, file: MediaFile, recipe: Recipe, fd: int) -> Copy | None:
        """Make it of the open file; None where the program is to end. Unfit, or NoRoom, where it cannot be made.

        Broken where the file cannot be read through.
        """
        with self._in_turn():
            if self._stopping.is_set():
                return None
            try:
                return self.find(key, file, recipe) or self._make(key, file, recipe, fd)
            except Broken:
                raise
            except OSError as error:
                raise _not_written(file, error, self._directory) from None

    @contextlib.contextmanager
    def opened(self, copy: Copy) -> Iterator[int]:
        """A descriptor of the copy; FileChanged where it is not there as it was made."""
        gone = FileChanged(Finding(COPY_LOST, "the fitted copy is gone", "it is made again by itself"))
        try:
            fd = os.open(self._directory / copy.file, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        except OSError:
            raise gone from None
        try:
            if not stat.S_ISREG((s := os.fstat(fd)).st_mode) or s.st_size != copy.size:
                raise gone
            yield fd
        finally:
            os.close(fd)

    def lost(self, copy: Copy) -> None:
        """It is not what it was, under whatever name: the next one is made anew."""
        with contextlib.suppress(OSError):
            for name in self._same(copy.file):
                os.unlink(self._directory / name)

    def forget(self, key: int) -> None:
        """The folder's post stands: its copies are not needed any more."""
        self._remove(lambda of: of == key)

    def keep(self, keys: Callable[[], Collection[int]]) -> None:
        """Remove the copies of all folders but these, which are asked for only where there are any."""
        with contextlib.suppress(OSError):
            self._clear_away()
            if os.listdir(self._directory):
                wanted = keys()
                self._remove(lambda of: of not in wanted)

    def stop(self) -> None:
        """End what is under way, soon."""
        self._stopping.set()

    def _make(self, key: int, file: MediaFile, recipe: Recipe, fd: int) -> Copy | None:
        size = file.stat.size
        room = size + size // 50 + _ROOM_FOR_INDEX if file.kind in DEMUXERS else _ROOM_FOR_PICTURE
        room = min(room, recipe.size)
        self._clear_away()
        self._make_room(file, room)
        with self._begun(room) as (making, out):
            wanted = {**asdict(recipe), "content_type": file.kind, "room": room}
            del wanted["why"]
            limits, begun = TASKS["fit"], time.monotonic()
            said = probe.ask("fit", wanted, fd, out, stop=self._stopping.is_set)
            if self._stopping.is_set():
                return None
            if said.get("full"):
                raise _no_room(file, "the disk of the database is full")
            form = str(said.get("content_type", ""))
            if form not in recipe.forms:
                if not said and time.monotonic() - begun >= limits.wall:
                    raise Broken(errno.ETIMEDOUT, f"it took more than {limits.wall:.0f} s")
                slow = f"it took more than {limits.cpu:.0f} s to compute, or crashed what reads it"
                raise _unfit(file, str(said.get("unfit") or said.get("unmeasured") or slow))
            name = _name(key, file, recipe, form)
            copy = _judged(out, name, form, file, recipe)
            os.fsync(out)
            os.replace(making, self._directory / name)
            self._sync()
            return copy

    @contextlib.contextmanager
    def _in_turn(self) -> Iterator[None]:
        """One is made at a time, for the memory that it takes. But the one before may lie on a share that hangs."""
        in_turn = self._turn.acquire(timeout=PATIENCE)
        try:
            yield
        finally:
            if in_turn:
                self._turn.release()

    @contextlib.contextmanager
    def _begun(self, room: int) -> Iterator[tuple[Path, int]]:
        """An empty file that one is made in; gone afterwards, where it was not put in its place."""
        name = f"{_MAKING}-{threading.get_ident()}"
        self._rooms[name] = room
        try:
            flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
            out = os.open(self._directory / name, flags, 0o600)
            try:
                yield self._directory / name, out
            finally:
                os.close(out)
        finally:
            del self._rooms[name]
            self._clear_away()

    def _make_room(self, file: MediaFile, room: int) -> None:
        """NoRoom unless so many bytes may be taken."""
        self._directory.mkdir(0o700, exist_ok=True)
        promised, sizes = sum(self._rooms.values()), {}
        with os.scandir(self._directory) as entries:
            for one in entries:
                if not one.name.startswith(_MAKING):
                    with contextlib.suppress(FileNotFoundError):  # it is not needed any more
                        sizes[one.inode()] = one.stat(follow_symlinks=False).st_size
        taken = promised + sum(sizes.values())
        facts = os.statvfs(self._directory)
        free = facts.f_bavail * facts.f_frsize - promised
        if taken + room > MOST:
            raise _no_room(file, f"the copies of posts that do not stand yet take {taken / 1e6:,.0f} MB")
        if room > free / 2:
            raise _no_room(file, f"the disk of the database has {free / 1e6:,.0f} MB left, of which a half may be used")

    def _clear_away(self) -> None:
        """What was begun and is not whole: it failed, or a crash left it."""
        with contextlib.suppress(OSError):
            for name in os.listdir(self._directory):
                if name.startswith(_MAKING) and name not in self._rooms:
                    os.unlink(self._directory / name)

    def _shared(self, name: str) -> str:
        """The name, which another folder's copy has, too, where there is such a one and none of this name."""
        if not (self._directory / name).exists():
            for other in self._same(name):
                os.link(self._directory / other, self._directory / name)
                break
        return name

    def _same(self, name: str) -> list[str]:
        """The names of the same copy, whosesoever it is."""
        return [other for other in os.listdir(self._directory) if other.partition("-")[2] == name.partition("-")[2]]

    @contextlib.contextmanager
    def _open(self, name: str) -> Iterator[int]:
        fd = os.open(self._directory / name, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            yield fd
        finally:
            os.close(fd)

    def _remove(self, unwanted: Callable[[int], bool]) -> None:
        with contextlib.suppress(OSError):
            for name in os.listdir(self._directory):
                of = name.partition("-")[0]
                if of.isdecimal() and unwanted(int(of)):
                    os.unlink(self._directory / name)

    def _sync(self) -> None:
        """What was put in its place is there after the power is gone, too."""
        fd = os.open(self._directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)


def _name(key: int, file: MediaFile, recipe: Recipe, form: str) -> str:
    may = (recipe.version, recipe.forms, recipe.size, recipe.width, recipe.height, recipe.pixels)
    digest = hashlib.sha256(f"{file.sha256} {may}".encode()).hexdigest()[:32]
    return f"{key}-{digest}{SUFFIXES[form][0]}"


def _judged(fd: int, name: str, form: str, file: MediaFile, recipe: Recipe) -> Copy:
    """The copy as it is measured; Unfit where it is not what it was to be."""
    facts = {**structure.facts(fd, form), **probe.measure(fd, form)}
    wrong = next((str(facts[key]) for key in _WRONG if facts.get(key)), None)
    if wrong is not None:
        raise _unfit(file, f"the copy would be broken: {wrong}")
    size = os.fstat(fd).st_size
    if size > recipe.size:
        raise _unfit(file, "it does not become small enough")
    before, after = file.facts.get("duration", 0.0), facts.get("duration", 0.0)
    if file.kind in DEMUXERS and abs(float(before) - float(after)) > _LONGER:
        raise _unfit(file, f"the copy would last {float(after):.1f} s instead of {float(before):.1f} s")
    return Copy(recipe, name, form, size, facts)


def _unfit(file: MediaFile, why: str) -> Unfit:
    what = f"{printable(file.name)} cannot be sent as a fitted copy either: {printable(why)}"
    return Unfit(Finding("NOT_FITTED", what, "export it in a form and size that are taken"), file.name)


def _not_written(file: MediaFile, error: OSError, directory: Path) -> NoRoom:
    """Beside the database, whatever is in the way there."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return _no_room(file, "the disk of the database is full")
    what = f"no fitted copy of {printable(file.name)} can be written: {error.strerror or type(error).__name__}"
    hint = f'let the user that runs this write in "{printable(str(directory))}"; it is tried again by itself'
    return NoRoom(Finding("NO_ROOM_TO_FIT", what, hint), file.name)


def _no_room(file: MediaFile, why: str) -> NoRoom:
    what = f"there is no room for a fitted copy of {printable(file.name)}: {printable(why)}"
    hint = "make room where the database lies; it is tried again by itself"
    return NoRoom(Finding("NO_ROOM_TO_FIT", what, hint), file.name)
