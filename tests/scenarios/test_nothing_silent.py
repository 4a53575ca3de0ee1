"""What waits, breaks, or was changed too late says so, and comes to an end. In virtual time."""

from __future__ import annotations

import errno
import io
import os
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from itertools import count
from pathlib import Path
from typing import Any
from unittest import mock

import httpx
import pytest
from PIL import Image

from postpost_sync import ledger
from postpost_sync.disk import scan, status_file
from postpost_sync.disk.copies import Copies
from postpost_sync.model.folder import Folder
from postpost_sync.model.post import Policy
from postpost_sync.model.states import UNFINISHED, State
from postpost_sync.post.names import Names
from postpost_sync.sandbox import STARTER, Behaviour, Fault, SandboxTransport
from postpost_sync.service.upload import Sender
from postpost_sync.sync.transfers import DRAFTS_AHEAD
from tests.support.world import NewWorld, World, call_name, picture

HOUR = timedelta(hours=1)
MEDIA = {"a.jpg": picture(1)}


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with World(tmp_path) as world:
        yield world


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


NUMBERS = (
    *(errno.EIO, errno.ESTALE, errno.ENODEV, errno.ETIMEDOUT, errno.EREMOTEIO),
    # a link, or gone, says a system that lists it all the same
    *(errno.ENOENT, errno.ELOOP),
)


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


def test_a_folder_that_never_becomes_quiet_names_the_file_and_ends_after_its_time(world: World) -> None:
    folder = world.drop("launch", time=world.now + HOUR / 2)
    codes = []
    for _ in range(50 * 60):
        (folder / "notes.txt").write_text(str(world.now))
        world.look_around()
        world.run()
        world.advance_time(1)
        codes.append((world.state("launch"), world.code("launch")))
        if codes[-1][0] is State.INVALID:
            break
    assert codes[60] == (State.SETTLING, None)
    assert (State.SETTLING, "NEVER_QUIET") in codes[:200]
    assert codes[-1] == (State.INVALID, "NEVER_QUIET")
    error = world.record("launch").error
    assert error is not None
    assert "notes.txt" in error.message


def test_a_file_system_whose_times_are_always_now_is_spoken_of_and_the_post_ends_after_its_time(world: World) -> None:
    real, ticks = scan.of, count(1)
    world.drop("launch", time=world.now + HOUR / 2)
    with mock.patch.object(scan, "of", lambda s: real(s)._replace(ctime_ns=next(ticks))):
        world.advance_time(600)
        assert (world.state("launch"), world.code("launch")) == (State.SETTLING, "NEVER_QUIET")
        world.advance_time(3000)
        assert (world.state("launch"), world.code("launch")) == (State.INVALID, "NEVER_QUIET")
    world.look_around()
    world.drop("launch", time=world.now + HOUR)
    world.run_until_rest(60)
    assert (world.state("launch"), world.code("launch")) == (State.SCHEDULED, None)


def test_a_folder_that_never_becomes_quiet_is_spoken_of_by_single_passes_alone(world: World) -> None:
    """From cron: each pass is over long before one would wonder, and only the database knows since when."""
    folder = world.drop("launch", time=world.now + HOUR)

    def a_pass() -> tuple[State, str | None]:
        world.restart()
        for _ in range(10):
            (folder / "notes.txt").write_text(str(world.now))
            world.look_around()
            world.run()
            world.pass_time(1)
        return world.state("launch"), world.code("launch")

    assert a_pass() == (State.SETTLING, None)
    world.pass_time(300)
    assert a_pass() == (State.SETTLING, "NEVER_QUIET")
    world.pass_time(2 * 3600)
    assert a_pass() == (State.INVALID, "NEVER_QUIET")
    world.drop("launch", time=world.now + HOUR)
    world.restart()
    world.run_until_rest(60)
    assert (world.state("launch"), world.record("launch").restless_at) == (State.SCHEDULED, None)


def test_a_folder_that_was_still_being_filled_when_an_earlier_pass_ended_is_not_taken_for_restless(
    world: World,
) -> None:
    folder = world.drop("launch", time=world.now + 5 * HOUR)
    for number in range(3):
        (folder / "notes.txt").write_text(str(number))
        world.look_around()
        world.run()
        world.pass_time(1)
    assert world.record("launch").restless_at is not None
    world.pass_time(3600)
    world.restart()
    world.look_around()
    world.run()
    assert (world.state("launch"), world.code("launch")) == (State.SETTLING, None)
    world.run_until_rest(60)
    assert world.state("launch") is State.SCHEDULED


def test_what_was_changed_and_changed_back_was_never_restless(world: World) -> None:
    """Else the next edit, weeks later, would be said to have lasted since then."""
    folder = world.drop("launch", time=world.now + 90 * 24 * HOUR)
    world.run_until_rest(60)
    for name in ("one.txt", "two.txt"):
        (folder / name).touch()
        world.look_around()
        world.run()
        world.pass_time(1)
    assert world.record("launch").restless_at is not None
    for name in ("one.txt", "two.txt"):
        (folder / name).unlink()
    world.look_around()
    world.run_until_rest(60)
    assert world.record("launch").restless_at is None


@pytest.mark.parametrize("call", ["create-post", "get-upload-url", "update-post", "list-posts"])
@pytest.mark.parametrize("status", [400, 404, 410])
def test_an_answer_that_is_not_postposts_gives_up_no_post(world: World, call: str, status: int) -> None:
    """A proxy's page, or a wrong address: once that is mended the post goes its way."""
    time = world.now + 6 * HOUR
    world.sandbox.faults.add(Fault(call, "status", times=None, status=status, body=b"<html>Not found</html>"))
    world.drop("launch", "hello", MEDIA, time)
    world.advance_time(600)
    error = world.record("launch").error
    assert error is not None
    assert error.code in ("NOT_POSTPOST", "CREATE_UNANSWERED")
    assert "check api.base_url" in error.hint
    assert world.state("launch") not in (State.INVALID, State.FAILED)
    world.sandbox.faults.clear()
    world.advance_time(1800)
    world.once("launch", "hello", MEDIA, time)


@pytest.mark.parametrize("call", ["platform-connections", "list-posts", "create-post", "get-upload-url", "update-post"])
@pytest.mark.parametrize(
    ("status", "body", "headers"),
    [
        (403, b'{"error": "not for you", "code": "SOMETHING_NEW"}', {}),
        (403, b'{"error": "no", "code": "PLATFORM_NOT_AVAILABLE"}', {}),
        (400, b'{"error": "no"}', {}),
        (429, b"", {"Retry-After": "99999"}),
        (503, b"", {"Retry-After": "3600"}),
    ],
)
def test_a_no_to_any_call_has_a_pause(
    world: World, call: str, status: int, body: bytes, headers: dict[str, str]
) -> None:
    """Also where the service does not say what time it is there."""
    time = world.now + 6 * HOUR
    real, asked = SandboxTransport.handle_request, []

    def answer(transport: SandboxTransport, request: httpx.Request) -> httpx.Response:
        asked.append(call_name(request))
        if asked[-1] == call:
            return httpx.Response(status, headers=headers, stream=httpx.ByteStream(body), request=request)
        return real(transport, request)

    world.drop("launch", "hello", MEDIA, time)
    with mock.patch.object(SandboxTransport, "handle_request", answer):
        world.advance_time(1800)
    assert world.code("launch") is not None
    assert asked.count(call) <= 12
    key = world.record("launch").key
    world.store.change(key, ledger.retried)
    world.wake(key, 0.0)
    world.advance_time(3600)
    world.once("launch", "hello", MEDIA, time)


def bitmap() -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (64, 64), "teal").save(out, "BMP")
    return out.getvalue()


@pytest.mark.parametrize(
    ("where", "what", "media"),
    [(Sender, "put", MEDIA), (Copies, "make", {"a.bmp": bitmap()})],
    ids=["in a transfer", "where a copy is made"],
)
def test_a_defect_is_shown_with_a_pause_and_holds_up_nobody(
    world: World, where: type, what: str, media: dict[str, bytes]
) -> None:
    world.drop("launch", "hello", media, world.now + 6 * HOUR)
    world.drop("other", "words alone", time=world.now + 6 * HOUR)
    tries = []

    def defect(*_: object, **__: object) -> None:
        tries.append(world.monotonic)
        raise ZeroDivisionError("a defect")

    with mock.patch.object(where, what, defect):
        world.advance_time(1000)
    assert world.code("launch") == "DEFECT"
    assert world.record("launch").retry_at is not None
    assert len(tries) <= 4
    assert world.state("other") is State.SCHEDULED
    world.advance_time(600)
    assert (world.state("launch"), world.code("launch")) == (State.SCHEDULED, None)


def test_a_removed_folder_that_is_first_in_line_holds_up_nobody(new_world: NewWorld) -> None:
    world = new_world(behaviour=Behaviour(plan=replace(STARTER, pending=1, horizon_days=None, posts_per_month=None)))
    world.drop("stands", "stands", time=world.now + 2 * HOUR)
    world.run_until_rest(60)
    world.drop("first", "first", time=world.now + 4 * HOUR)
    world.drop("second", "second", time=world.now + 5 * HOUR)
    world.run_until_rest(60)
    assert {world.state("first"), world.state("second")} == {State.HELD}
    world.remove("first")
    world.look_around()
    world.run()
    world.sandbox.behaviour = Behaviour()  # the plan was changed
    world.advance_time(3700)
    assert world.state("second") is State.SCHEDULED


def test_a_draft_that_was_deleted_while_it_is_uploaded_is_found_out(world: World) -> None:
    time = world.now + 6 * HOUR
    world.sandbox.faults.add(Fault("get-upload-url", "status", times=2, status=500))
    world.drop("launch", "hello", MEDIA, time)
    world.run_until_rest(3)
    (draft,) = world.groups("draft")
    world.sandbox.dashboard_delete(draft.id)
    world.sandbox.faults.clear()
    world.advance_time(900)
    assert (world.state("launch"), world.code("launch")) == (State.HELD, "DRAFT_GONE")


def test_what_is_moved_here_long_after_its_time_is_not_published(world: World, tmp_path: Path) -> None:
    """Its files are as old as they were elsewhere; when it came here is what counts."""
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    world.drop("old", "old news", time=world.now + HOUR)
    shutil.move(world.root / "old", elsewhere / "old")
    world.pass_time(2 * 3600)
    shutil.move(elsewhere / "old", world.root / "old")
    as_old = property(lambda _: (world.now - 5 * HOUR).timestamp())  # the clock of the files is not the world's
    with mock.patch.object(Folder, "changed_at", as_old):
        world.run_until_rest(60)
    assert (world.state("old"), world.code("old")) == (State.INVALID, "TIME_PAST")


def test_a_removal_is_concluded_although_the_program_ends_in_between(tmp_path: Path) -> None:
    """As from cron: each pass is shorter than the time a folder must be gone."""
    with World(tmp_path, policy=Policy(settle=2.0, cancel_removed=True)) as world:
        world.drop("launch", time=world.now + 24 * HOUR)
        world.drop("other", "another", time=world.now + 25 * HOUR)
        world.run_until_rest(60)
        world.remove("launch")
        for _ in range(3):
            world.look_around()
            world.run_until_rest(30)
            assert len(world.groups("scheduled")) == 2
            world.pass_time(280)
            world.restart()
        world.look_around()
        world.run_until_rest(30)
        assert [group.content for group in world.groups("scheduled")] == ["another"]


def test_a_folder_whose_sidecar_was_renamed_stands_once_and_its_status_file_tells_the_truth(world: World) -> None:
    folder = world.drop("launch", media=MEDIA, time=world.now + 24 * HOUR)
    world.run_until_rest(60)
    assert "Scheduled" in (folder / "post.status.yaml").read_text()
    (folder / "post.yaml").rename(folder / "post.yaml.txt")
    world.look_around()
    world.run_until_rest(5)
    key = world.record("launch").key
    world.store.change(key, ledger.cancelled, None)
    world.wake(key, 0.0)
    world.run_until_rest(60)
    assert world.state("launch") is State.CANCELLED
    assert "no longer at PostPost" in (folder / "post.status.yaml").read_text()


def test_a_status_file_that_could_not_be_written_is_written_later_and_the_warning_goes(world: World) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with mock.patch.object(status_file, "write", full):
        folder = world.drop("launch", time=world.now + 24 * HOUR)
        world.run_until_rest(60)
        assert not (folder / "post.status.yaml").exists()
        world.advance_time(400)
        assert [one.code for one in world.record("launch").warnings] == ["STATUS_FILE_UNWRITABLE"]
    world.advance_time(700)
    assert "Scheduled" in (folder / "post.status.yaml").read_text()
    assert world.record("launch").warnings == ()


def test_a_misspelt_name_needs_a_person_after_an_hour(world: World) -> None:
    folder = world.drop("launch", time=world.now + 24 * HOUR)
    with (folder / "post.yaml").open("a") as sidecar:
        sidecar.write("media: [slide.jpg]\n")
    world.advance_time(600)
    assert (world.state("launch"), world.code("launch")) == (State.SETTLING, "MEDIA_MISSING")
    assert world.record("launch").warnings == ()
    world.advance_time(3600)
    assert world.state("launch") is State.SETTLING
    assert [one.code for one in world.record("launch").warnings] == ["WAITS_LONG"]


def test_tidying_the_folder_of_a_published_post_changes_nothing(world: World) -> None:
    folder = world.drop("launch", media=MEDIA, time=world.now + HOUR)
    world.run_until_rest(60)
    world.advance_time(2 * 3600)
    assert world.state("launch") is State.PUBLISHED
    (folder / "a.jpg").unlink()
    world.look_around()
    world.advance_time(60)
    record = world.record("launch")
    assert (record.state, record.error, record.done) == (State.PUBLISHED, None, True)
    assert [one.code for one in record.warnings] == ["CHANGED_SINCE"]


@pytest.mark.parametrize(("cancels", "left"), [(True, 0), (False, 1)])
def test_a_removal_is_concluded_by_single_passes_alone(new_world: NewWorld, cancels: bool, left: int) -> None:
    """From cron: each process sees that it is gone for the first time, and only the database knows since when."""
    world = new_world(policy=Policy(settle=2.0, cancel_removed=cancels))
    (world.root / "readme.txt").touch()  # a root that is suddenly empty says nothing about its folders
    world.drop("launch", "hello", MEDIA, world.now + 20 * HOUR)
    world.run_until_rest(30)
    world.remove("launch")
    for minutes in (0, 4, 8):
        world.restart()
        world.run_until_rest(20)
        assert len(world.groups("scheduled")) == 1, f"{minutes} minutes say nothing"
        world.pass_time(240)
    world.restart()
    world.run_until_rest(20)
    assert len(world.groups("scheduled")) == left
    assert world.state("launch") is (State.CANCELLED if cancels else State.SCHEDULED)
    assert [one.code for one in world.record("launch").warnings] == ([] if cancels else ["FOLDER_REMOVED"])


@pytest.mark.parametrize("mistake", ["a file that is not there", "an unknown account", "not one word"])
def test_a_folder_that_is_removed_with_its_mistake_leaves_its_post_and_what_became_of_that(
    world: World, mistake: str
) -> None:
    """What was wrong with an edit is of no use once its folder is gone: the post that stood goes out."""
    world.drop("launch", "hello", MEDIA, world.now + HOUR)
    (world.root / "readme.txt").touch()
    world.run_until_rest(30)
    wrong: dict[str, dict[str, Any]] = {
        "a file that is not there": {"content": "new", "media": MEDIA | {"b.jpg": picture(2)}},
        "an unknown account": {"content": "new", "platforms": ("twitter-999",)},
        "not one word": {"content": ""},
    }
    folder = world.drop("launch", **{"media": MEDIA, "time": world.now + HOUR, **wrong[mistake]})
    (folder / "b.jpg").unlink(missing_ok=True)
    world.run_until_rest(30)
    assert world.code("launch") is not None
    world.remove("launch")
    world.advance_time(700)
    record = world.record("launch")
    assert (record.state, record.error) == (State.SCHEDULED, None)
    assert [one.code for one in record.warnings] == ["FOLDER_REMOVED"]
    world.advance_time(7200)
    record = world.record("launch")
    assert (record.state, record.error, [group.status for group in world.groups()]) == (
        "published",
        None,
        ["published"],
    )


def test_what_became_of_a_post_is_shown_where_its_folder_was_removed_after_an_edit_that_came_too_late(
    world: World,
) -> None:
    (world.root / "readme.txt").touch()
    world.drop("launch", "hello", MEDIA, world.now + timedelta(seconds=90))
    world.run_until_rest(10)
    world.drop("launch", "too late", MEDIA, world.now + timedelta(seconds=80))
    world.run_until_rest(10)
    assert world.code("launch") == "EDIT_TOO_LATE"
    world.remove("launch")
    world.advance_time(600)
    record = world.record("launch")
    assert (record.state, record.error, record.warnings) == (State.PUBLISHED, None, ())


def test_a_folder_that_comes_back_between_single_passes_was_not_removed(new_world: NewWorld) -> None:
    world = new_world(policy=Policy(settle=2.0, cancel_removed=True))
    (world.root / "readme.txt").touch()
    folder = world.drop("launch", "hello", MEDIA, world.now + 20 * HOUR)
    aside = world.root.parent / "aside"
    world.run_until_rest(30)
    for _ in range(4):
        folder.rename(aside)
        world.restart()
        world.run_until_rest(20)
        aside.rename(folder)
        world.pass_time(240)
        world.restart()
        world.run_until_rest(20)
        world.pass_time(240)
    assert (world.state("launch"), len(world.groups("scheduled"))) == (State.SCHEDULED, 1)


def test_folders_that_are_removed_while_they_wait_in_line_hold_up_nobody(new_world: NewWorld) -> None:
    """They are forgotten after a while: their places in the line are nobody's any more."""
    world = new_world(concurrency=1)
    (world.root / "readme.txt").touch()
    at = world.now + 90 * HOUR

    def while_one_file_takes(seconds: float) -> None:
        for _ in range(2):
            world.pass_time(seconds / 2)
            world.look_around()
            for key in [key for key, due in world.due.items() if due <= world.monotonic]:
                world.wake(key, 0.0)
            while world.ready:
                world.step()

    names = [f"post{number}" for number in range(3 * DRAFTS_AHEAD)]
    for number, name in enumerate(names):
        world.drop(name, name, {"a.jpg": picture(number)}, at)
    while_one_file_takes(6)
    removed = [name for name in names if not world.record(name).groups]
    assert len(removed) >= DRAFTS_AHEAD, "many wait for their drafts"
    for name in removed:
        world.remove(name)
    while_one_file_takes(1500)
    world.advance_time(600)
    left = [name for name in names if name not in removed]
    assert {world.state(name) for name in left} == {State.SCHEDULED}
    world.drop(left[0], "edited", {"a.jpg": picture(0)}, at)
    world.advance_time(600)
    assert "edited" in [group.content for group in world.groups("scheduled")]


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
