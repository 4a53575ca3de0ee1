"""The common issues that PostPost's guide to media uploads names: each is a code, and its hint is the guide's own solution."""

from __future__ import annotations

import tempfile
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from postpost_sync.model.errors import Refused, UploadRefused
from postpost_sync.model.post import Post
from postpost_sync.post.preflight import check
from postpost_sync.sandbox import Fault
from postpost_sync.service import upload
from tests.support.answers import Answers, Bytes
from tests.support.media_files import image, lasting, read_media
from tests.support.world import World, picture

URL = "https://store.example/a"
ID = "507f1f77bcf86cd799439011"


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with World(tmp_path) as made:
        yield made


def test_403_from_the_store_a_fresh_url_and_the_same_content_type() -> None:
    def store(_: httpx.Request) -> httpx.Response:
        return httpx.Response(403, content=b"<Error><Code>AccessDenied</Code></Error>")

    with httpx.Client(transport=Answers(store)) as client, tempfile.TemporaryFile() as file:
        file.truncate(10)
        with pytest.raises(UploadRefused) as caught:
            upload.Sender(client).put(URL, file.fileno(), 10, "image/jpeg", lambda _: None, upload.Stop())
    assert caught.value.finding.code == "UPLOAD_URL_EXPIRED"
    assert "a fresh upload URL is requested" in caught.value.finding.hint
    assert "Content-Type header matches it exactly" in caught.value.finding.hint


def test_the_content_type_of_both_calls_is_one_value(world: World) -> None:
    assert world.sandbox.behaviour.content_type_checked
    world.drop("post", media={"cup.png": picture(1)}, time="now")  # a JPEG by its content
    world.run_until_rest(60)
    (group,) = world.groups("scheduled")
    assert [m.content_type for m in group.media] == ["image/jpeg"]


def test_400_from_get_upload_url_all_required_fields(world: World) -> None:
    world.sandbox.faults.add(Fault("get-upload-url", "status", status=400, body={"error": "x"}))
    with pytest.raises(Refused) as caught:
        world.account.api.get_upload_url(ID, "a.jpg", "image/jpeg")
    assert caught.value.finding.code == "UPLOAD_REQUEST_REFUSED"
    assert "all required fields are provided (fileName, contentType, postGroupId and type)" in caught.value.finding.hint


def test_webp_looks_different_upload_jpeg() -> None:
    (warning,) = check(Post("x", ("linkedin-1",), {}, (read_media(image("WEBP"), "image/webp"),), None, "UTC"))[1]
    assert warning.code == "WEBP_CONVERTED"
    assert "upload as JPEG directly if quality consistency is critical" in warning.hint


@pytest.mark.parametrize(
    ("seconds", "fps", "code"), [(5, 10, "VIDEO_FPS"), (2, 25, "VIDEO_TOO_SHORT"), (601, 25, "VIDEO_TOO_LONG")]
)
def test_a_video_fails_on_tiktok_check_its_metadata(seconds: float, fps: int, code: str) -> None:
    data = lasting(seconds, fps)
    errors, _ = check(Post("x", ("tiktok-1",), {}, (read_media(data, "video/mp4"),), None, "UTC"))
    error = next(error for error in errors if error.code == code)
    assert "check video metadata: ensure proper FPS, supported codec, and acceptable duration" in error.hint
    assert "measured: 64x48, 1.33:1, h264, " in error.message
    assert all(unit in error.message for unit in (" fps, ", " Mbit/s, ", " s"))


def test_a_large_file_is_streamed() -> None:
    class Store(httpx.BaseTransport):
        received = 0

        def handle_request(self, request: httpx.Request) -> httpx.Response:
            assert isinstance(request.stream, httpx.SyncByteStream)
            self.received = sum(len(block) for block in request.stream)
            return httpx.Response(200, headers={"ETag": '"of another kind"'}, stream=Bytes(b""))

    store, size = Store(), 64 << 20
    with httpx.Client(transport=store) as client, tempfile.TemporaryFile() as file:
        file.truncate(size)
        tracemalloc.start()
        upload.Sender(client).put(URL, file.fileno(), size, "video/mp4", lambda _: None, upload.Stop())
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert store.received == size
    assert peak < size / 8  # blocks of 1 MiB: three wait for each of the two digests
