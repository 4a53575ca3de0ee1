"""What waits, breaks, or was changed too late says so, and comes to an end. In virtual time."""

from __future__ import annotations

import errno
import io
import shutil
from datetime import timedelta
from pathlib import Path
from unittest import mock

import httpx
import pytest
from PIL import Image

from postpost_sync import ledger
from postpost_sync.disk import status_file
from postpost_sync.disk.copies import Copies
from postpost_sync.model.folder import Folder
from postpost_sync.model.states import State
from postpost_sync.sandbox import Fault, SandboxTransport
from postpost_sync.service.upload import Sender
from tests.support.world import World, call_name, picture

HOUR = timedelta(hours=1)
MEDIA = {"a.jpg": picture(1)}


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
    [
        (Sender, "put", MEDIA),
        (Sender, "put", {"a.jpg": picture(1), "b.jpg": picture(2), "c.jpg": picture(3)}),
        (Copies, "make", {"a.bmp": bitmap()}),
    ],
    ids=["in a transfer", "in transfers beside each other", "where a copy is made"],
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
    assert len(tries) <= 4 * len(media)
    assert world.state("other") is State.SCHEDULED
    world.advance_time(600)
    assert (world.state("launch"), world.code("launch")) == (State.SCHEDULED, None)


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
