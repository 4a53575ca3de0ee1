"""Files and folders that cannot be read: it is said, tried again with pauses, and comes to an end."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from postpost_sync.disk import scan
from postpost_sync.model.states import UNFINISHED, State
from postpost_sync.post.names import Names
from postpost_sync.sandbox import Fault
from tests.support.world import World, picture

HOUR = timedelta(hours=1)
MEDIA = {"a.jpg": picture(1)}
NUMBERS = (
    *(errno.EIO, errno.ESTALE, errno.ENODEV, errno.ETIMEDOUT, errno.EREMOTEIO),
    # a link, or gone, says a system that lists it all the same
    *(errno.ENOENT, errno.ELOOP),
)


@contextmanager
def unopenable(name: str, number: int) -> Iterator[None]:
    """The file is listed, and opening it fails, as on a disk or a share that breaks down."""
    real = os.open

    def broken(path: Any, *args: Any, **more: Any) -> int:
        if path == name:
            raise OSError(number, os.strerror(number))
        return real(path, *args, **more)

    with mock.patch.object(os, "open", broken):
        yield


@pytest.mark.parametrize("number", NUMBERS)
@pytest.mark.parametrize("read_before", [False, True], ids=["before it is read", "between reading and sending"])
def test_a_file_that_cannot_be_opened_is_broken_and_tried_again_ever_less(
    world: World, number: int, read_before: bool
) -> None:
    time = world.now + HOUR
    if read_before:
        world.sandbox.faults.add(Fault("create-post", "status", times=3, status=503))
    world.drop("launch", media=MEDIA, time=time)
    if read_before:
        world.run_until_rest(3)
    with unopenable("a.jpg", number):
        world.advance_time(600)
        before = world.record("launch")
        assert before.error is not None
        assert before.error.code == "FILE_BROKEN"
        assert before.retry_at is not None
        assert sum(trouble.attempts for trouble in before.troubles) <= 12, "its pauses grow"
        world.advance_time(2 * 86400)
        ended = world.record("launch")
        assert ended.state in (State.FAILED, State.INVALID), "it comes to an end with its time"
    assert world.groups("scheduled") == []


@pytest.mark.parametrize("behind", [0, 3], ids=["before it is read", "between reading and sending"])
def test_a_file_that_is_another_one_once_it_is_open_is_broken(world: World, behind: float) -> None:
    """Some file systems give it another number then, each time: nothing about it has changed."""
    time = world.now + HOUR
    world.sandbox.faults.add(Fault("create-post", "status", times=3, status=503))
    world.drop("launch", "hello", MEDIA, time)
    world.run_until_rest(behind)
    real = os.fstat

    def renumbered(fd: int) -> os.stat_result:
        there = real(fd)
        return os.stat_result((*there[:1], there.st_ino + 1, *there[2:])) if stat.S_ISREG(there.st_mode) else there

    with mock.patch.object(os, "fstat", renumbered):
        world.advance_time(600)
        error, troubles = world.record("launch").error, world.record("launch").troubles
        assert error is not None
        assert (error.code, "listed" in error.message) == ("FILE_BROKEN", True)
        assert sum(trouble.attempts for trouble in troubles) <= 12, "its pauses grow"
    world.advance_time(1200)
    world.once("launch", "hello", MEDIA, time)


@pytest.mark.parametrize("name", ["a.jpg", "post.yaml"])
def test_rights_that_change_without_a_sign_in_the_folder_are_noticed(world: World, name: str) -> None:
    """As on a share, whose server says who may read what."""
    time = world.now + HOUR
    world.drop("launch", "hello", MEDIA, time)
    with unopenable(name, errno.EACCES):
        world.advance_time(600)
        record = world.record("launch")
        assert (record.state, world.code("launch")) == (State.INVALID, "FILE_UNREADABLE")
        assert record.retry_at is not None
    world.advance_time(400)
    world.once("launch", "hello", MEDIA, time)


@pytest.mark.parametrize(
    ("name", "code"), [("a.jpg", "MEDIA_NOT_A_FILE"), ("post.yaml", "SIDECAR_NOT_A_FILE"), ("notes.txt", None)]
)
def test_what_is_listed_and_is_not_there_is_said(world: World, name: str, code: str | None) -> None:
    """As on a share that cannot say a name as it lists it. What looks like no media is left out."""
    time = world.now + HOUR
    folder = world.drop("launch", "hello", MEDIA, time)
    (folder / "notes.txt").touch()
    real = scan._see

    def seen(fd: int, names: Names) -> Any:
        found = real(fd, names)
        return found._replace(
            stats=[None if e.name == name else s for e, s in zip(found.others, found.stats, strict=False)]
        )

    with mock.patch.object(scan, "_see", seen):
        world.advance_time(60)
        assert (world.code("launch"), world.state("launch") is State.INVALID) == (code, code is not None)
    world.look_around()
    world.advance_time(60)
    world.once("launch", "hello", MEDIA, time)


def test_a_file_that_can_be_opened_again_goes_out(world: World) -> None:
    world.drop("launch", "hello", MEDIA, world.now + HOUR)
    with unopenable("a.jpg", errno.EIO):
        world.advance_time(60)
    world.advance_time(1200)
    world.once("launch", "hello", MEDIA, world.now.replace(minute=0, second=0, microsecond=0) + HOUR)


@contextmanager
def unlistable(name: str, number: int) -> Iterator[None]:
    """The folder is there, and reading its list fails."""
    real = scan._see

    def broken(folder: int, names: Names) -> Any:
        if Path(os.readlink(f"/proc/self/fd/{folder}")).name == name:
            raise OSError(number, os.strerror(number))
        return real(folder, names)

    with mock.patch.object(scan, "_see", broken):
        yield


@pytest.mark.parametrize("number", [errno.EIO, errno.EACCES, errno.ESTALE, errno.ENOTCONN, errno.ENODATA])
@pytest.mark.parametrize("behind", [0, 3], ids=["settling", "on its way"])
def test_a_folder_that_cannot_be_looked_into_says_so_and_ends_with_its_time(
    world: World, number: int, behind: float
) -> None:
    time = world.now + 6 * HOUR
    world.sandbox.faults.add(Fault("get-upload-url", "status", times=None, status=503))
    world.drop("launch", "hello", MEDIA, time)
    world.drop("other", "words alone", time=time)
    world.run_until_rest(behind)
    with unlistable("launch", number):
        world.advance_time(600)
        before = world.record("launch")
        assert (world.code("launch"), before.state in UNFINISHED) == ("FOLDER_UNREADABLE", True)
        assert before.retry_at is not None
        assert world.state("other") is State.SCHEDULED
        if behind:
            world.advance_time(13 * 3600)
            assert (world.state("launch"), world.code("launch")) == (State.FAILED, "FOLDER_UNREADABLE")
            assert world.groups("draft") == [], "no draft of ours is left behind"


@pytest.mark.parametrize("stands", [False, True], ids=["unfinished", "scheduled"])
def test_a_folder_that_can_be_looked_into_again_goes_on(world: World, *, stands: bool) -> None:
    time = world.now + 6 * HOUR
    if not stands:
        world.sandbox.faults.add(Fault("get-upload-url", "status", times=2, status=503))
    world.drop("launch", "hello", MEDIA, time)
    world.run_until_rest(60 if stands else 3)
    with unlistable("launch", errno.EIO):
        world.advance_time(1200)
        assert (world.state("launch"), world.code("launch")) == (
            (State.SCHEDULED, None) if stands else (State.UPLOADING, "FOLDER_UNREADABLE")
        )
    world.look_around()
    world.advance_time(600)
    world.once("launch", "hello", MEDIA, time)


def test_of_a_folder_that_cannot_be_looked_into_it_is_shown_what_became_of_its_post(world: World) -> None:
    world.drop("launch", "hello", MEDIA, world.now + 6 * HOUR)
    world.run_until_rest(60)
    with unlistable("launch", errno.EIO):
        world.advance_time(7 * 3600)
        assert world.state("launch") is State.PUBLISHED
