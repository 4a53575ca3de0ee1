"""Uploads to an object store that somebody else wrote: real signatures, real expiry, real refusals.

The store is OpenStack Swift (`tests/support/swift.py`). First `upload.put` alone against it, then the whole program, with a
PostPost whose upload URLs lead there. What is skipped says why.
"""

from __future__ import annotations

import hashlib
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from postpost_sync.model.errors import Refused, UploadRefused
from postpost_sync.sandbox import Behaviour, Group, Sandbox, serve
from postpost_sync.sandbox.store import ObjectStore, StoredObject
from postpost_sync.service.connections import new_client
from postpost_sync.service.digests import BLOCK
from postpost_sync.service.upload import Sender, Sent, Stop, expiry
from tests.support import swift as stores
from tests.support.drops import picture, sidecar
from tests.support.noise import noise
from tests.support.rig import Rig
from tests.support.swift import Swift

pytestmark = pytest.mark.xdist_group("object store")  # one for all

HOUR = timedelta(hours=1)


@pytest.fixture(scope="session")
def swift(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Swift]:
    try:
        with stores.running(tmp_path_factory.mktemp("swift")) as store:
            yield store
    except stores.Unavailable as why:
        pytest.skip(f"no object store: {why}")


@pytest.fixture(scope="module")
def client() -> Iterator[httpx.Client]:
    with new_client() as one:
        yield one


# --- one file ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Upload:
    """A file to send to a key of its own."""

    swift: Swift
    client: httpx.Client
    file: Path
    key: str

    def url(self, content_type: str = "image/jpeg", **more: Any) -> str:
        return self.swift.presign(self.key, content_type, **more)

    def send(
        self,
        url: str,
        data: bytes = b"bytes",
        content_type: str = "image/jpeg",
        progress: Callable[[int], None] = lambda _: None,
    ) -> Sent:
        self.file.write_bytes(data)
        with self.file.open("rb") as opened:
            return Sender(self.client).put(url, opened.fileno(), len(data), content_type, progress, Stop())

    def stored(self) -> stores.Reply:
        return self.swift.ask("GET", self.key)

    def nothing_stored(self) -> bool:
        return self.stored().status == 404


@pytest.fixture
def one(swift: Swift, client: httpx.Client, tmp_path: Path) -> Upload:
    return Upload(swift, client, tmp_path / "file", f"one/{tmp_path.name}/a file (1)~é.jpg")


@pytest.mark.parametrize("size", [1, BLOCK, BLOCK + 1, 20 * 1024 * 1024])
def test_what_is_sent_is_what_the_store_gives_back(one: Upload, size: int) -> None:
    data, seen = noise(size), list[int]()
    answer = one.send(one.url("video/mp4"), data, "video/mp4", seen.append)
    assert answer == Sent(hashlib.sha256(data).hexdigest(), size)
    stored = one.stored()
    assert (stored.status, stored.headers["content-type"]) == (200, "video/mp4")
    assert stored.headers["etag"] == f'"{hashlib.md5(data, usedforsecurity=False).hexdigest()}"'
    assert stored.body == data
    assert seen == [*range(BLOCK, size, BLOCK), size]  # in blocks, never whole


def test_the_store_itself_sees_the_length_announced(one: Upload) -> None:
    """Swift takes chunked bodies, S3 does not: so the length is signed as well, and without it the signature is wrong."""
    url = one.url(content_length="5")
    chunked = one.client.put(url, content=iter([b"by", b"tes"]), headers={"Content-Type": "image/jpeg"})
    assert (chunked.request.headers["Transfer-Encoding"], chunked.status_code) == ("chunked", 403)
    assert one.nothing_stored()
    assert one.send(url, b"bytes").size == 5
    assert one.stored().body == b"bytes"


def test_a_url_is_good_until_it_ends_and_no_longer(one: Upload) -> None:
    made = datetime.now(UTC).replace(microsecond=0)
    url = one.url(at=made, lifetime=3)
    assert expiry(url, made) == made + timedelta(seconds=3)
    assert one.send(url, b"in time").size == 7
    while datetime.now(UTC) <= made + timedelta(seconds=4):
        time.sleep(0.1)
    with pytest.raises(UploadRefused, match="403 AccessDenied"):
        one.send(url, b"late")
    assert one.stored().body == b"in time"


@pytest.mark.parametrize("size", [10, 20 * 1024 * 1024])
def test_an_expired_url_is_told_from_a_broken_connection_even_while_bytes_are_sent(one: Upload, size: int) -> None:
    with pytest.raises(UploadRefused, match="403 AccessDenied") as caught:
        one.send(one.url(at=datetime.now(UTC) - 2 * HOUR), bytes(size))
    assert caught.value.finding.code == "UPLOAD_URL_EXPIRED"
    assert "Signature" not in str(caught.value)
    assert one.nothing_stored()
    assert one.send(one.url(), b"again").size == 5  # the client is fit for use


def test_a_url_of_a_clock_that_is_ahead_works(one: Upload) -> None:
    ahead = datetime.now(UTC).replace(microsecond=0) + HOUR
    url = one.url(at=ahead, lifetime=60)
    assert expiry(url, datetime.now(UTC)) == ahead + timedelta(seconds=60)
    assert one.send(url).size == 5


def test_another_content_type_than_the_signed_one_is_refused(one: Upload) -> None:
    with pytest.raises(UploadRefused, match="403 SignatureDoesNotMatch"):
        one.send(one.url("image/jpeg"), content_type="image/png")
    assert one.nothing_stored()


def test_a_url_for_another_object_is_refused(one: Upload) -> None:
    with pytest.raises(UploadRefused, match="403 SignatureDoesNotMatch"):
        one.send(one.url().replace("/one/", "/two/"))


def test_a_store_without_the_bucket_refuses_the_file(one: Upload) -> None:
    url = f"{one.swift.endpoint}/elsewhere/a.jpg"
    signed = stores.presign("PUT", url, {"content-type": "image/jpeg"}, datetime.now(UTC), 60)
    with pytest.raises(Refused, match="404 NoSuchBucket") as caught:
        one.send(signed)
    assert caught.value.finding.code == "UPLOAD_REFUSED"


# --- the whole program ------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Flaw:
    """What is wrong with a presigned URL: it was signed `ago`, or for another Content-Type."""

    ago: timedelta = timedelta(0)
    content_type: str | None = None


SOUND = Flaw()
EXPIRED = Flaw(ago=2 * HOUR)
OTHER_TYPE = Flaw(content_type="application/x-other")


class SwiftObjects(ObjectStore):
    """PostPost's objects, in Swift: what is there is asked of it each time. `flaws` befall the next URLs in turn."""

    def __init__(self, swift: Swift, directory: Path) -> None:
        super().__init__(directory)
        self.swift, self.directory = swift, directory
        self.flaws: deque[Flaw] = deque()

    def url(self, key: str) -> str:
        return self.swift.url(key)

    def presign(self, key: str, content_type: str, now: datetime, lifetime: int, *, type_signed: bool) -> str:
        flaw = self.flaws.popleft() if self.flaws else SOUND
        signed = (flaw.content_type or content_type) if type_signed else None
        return self.swift.presign(key, signed, at=now - flaw.ago, lifetime=lifetime)

    def find(self, key: str) -> StoredObject | None:
        reply = self.swift.ask("GET", key)
        if reply.status == 404:
            return None
        assert reply.status == 200, reply
        md5, sha256 = hashlib.md5(reply.body, usedforsecurity=False).hexdigest(), hashlib.sha256(reply.body).hexdigest()
        path = self.directory / sha256
        path.write_bytes(reply.body)
        return StoredObject(path, reply.headers["content-type"], len(reply.body), md5, sha256)

    def remove(self, key: str) -> None:
        assert self.swift.ask("DELETE", key).status in (204, 404)


class SandboxWithSwift(Sandbox):
    """The simulated PostPost, whose upload and file URLs are those of Swift."""

    def __init__(self, swift: Swift, directory: Path, behaviour: Behaviour) -> None:
        super().__init__(behaviour=behaviour)
        self.objects = SwiftObjects(swift, directory)
        self._store = self._state.store = self.objects


@contextmanager
def rig_with(
    swift: Swift, place: Path, capsys: pytest.CaptureFixture[str], *flaws: Flaw, reissue: bool = True
) -> Iterator[Rig]:
    """A rig whose PostPost schedules nothing before its bytes are in Swift; `flaws` befall the first URLs."""
    (place / "objects").mkdir()
    behaviour = Behaviour(media_not_ready=True, reissue_media=reissue)
    sandbox = SandboxWithSwift(swift, place / "objects", behaviour)
    with closing(sandbox), serve(sandbox) as server:
        sandbox.objects.flaws.extend(flaws)
        yield Rig(place, sandbox, server.api_url, capsys)
        assert not sandbox.objects.flaws  # each has struck
        assert sandbox.count("put-object") == 0  # nothing went to the simulated store


def in_swift(swift: Swift, group: Group) -> list[tuple[bytes, str]]:
    """What Swift gives back for the URLs of the post's media, in order: the bytes and their type."""
    assert all(media.url.startswith(swift.url("")) for media in group.media)
    replies = [swift.ask("GET", media.url.removeprefix(swift.url(""))) for media in group.media]
    return [(reply.body, reply.headers["content-type"]) for reply in replies]


def refusals(pp: Rig) -> list[str]:
    """Why uploads did not work, as the log has it since it was last read."""
    return [line for line in pp.output()[1].splitlines() if "not sent" in line]


def test_a_carousel_arrives_byte_for_byte_and_in_order(
    swift: Swift, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    slides = {"slide10.jpg": picture(seed=10), "slide2.png": picture("PNG", 2), "slide1.jpg": picture(seed=1)}
    with rig_with(swift, tmp_path, capsys) as pp:
        pp.drop("carousel", sidecar(), slides)
        assert pp.run_once() == 0
        assert refusals(pp) == []
        (group,) = pp.groups(status="scheduled")
        assert in_swift(swift, group) == [
            (slides["slide1.jpg"], "image/jpeg"),
            (slides["slide2.png"], "image/png"),
            (slides["slide10.jpg"], "image/jpeg"),
        ]
        assert pp.sandbox.count("get-upload-url") == 3
        pp.sandbox.dashboard_reschedule(group.id, datetime.now(UTC))
        pp.sandbox.tick()
        assert pp.sandbox.group(group.id).status == "published"  # PostPost found every byte


@pytest.mark.parametrize(
    ("flaw", "answer"),
    [(EXPIRED, "403 AccessDenied"), (OTHER_TYPE, "403 SignatureDoesNotMatch")],
    ids=["expired", "other type"],
)
@pytest.mark.parametrize("reissue", [True, False], ids=["reissued", "second record"])
def test_a_url_the_store_refuses_is_asked_for_again(
    swift: Swift, tmp_path: Path, capsys: pytest.CaptureFixture[str], flaw: Flaw, answer: str, reissue: bool
) -> None:
    files = {f"{n}.jpg": picture(seed=n) for n in range(3)}
    with rig_with(swift, tmp_path, capsys, flaw, reissue=reissue) as pp:
        pp.drop("again", sidecar(), files)
        assert pp.run_once("30s") == 0
        (refused,) = refusals(pp)
        assert answer in refused
        (group,) = pp.groups()
        assert group.status == "scheduled"
        assert in_swift(swift, group) == [(data, "image/jpeg") for data in files.values()]
        assert pp.post("again")["error"] is None
        # A record that never gets its bytes cannot be taken out of its draft: without reissue a new draft takes its place.
        assert len(pp.sandbox.deleted()) == (0 if reissue else 1)
        assert pp.sandbox.count("get-upload-url") == (4 if reissue else 7)
