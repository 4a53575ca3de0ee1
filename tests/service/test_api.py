"""Every answer the service can give, and every way an answer can be wrong, as a value or as one of our errors."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import httpx
import pytest

from postpost_sync import __version__
from postpost_sync.model.errors import (
    KeyRefused,
    NotEditable,
    NotFound,
    NotReached,
    PlanLimit,
    PostError,
    Refused,
    Unclear,
)
from postpost_sync.sandbox import STARTER, Fault, FaultKind, Plan, Sandbox, SandboxTransport, serve
from postpost_sync.service.api import PostPost
from postpost_sync.service.clock import ServerClock
from postpost_sync.service.connections import new_client
from postpost_sync.service.responses import Listed
from tests.support.answers import Answers

NOW = datetime(2026, 12, 1, 8, 0, tzinfo=UTC)
TIME = datetime(2026, 12, 3, 13, 30, tzinfo=UTC)
ID = "507f1f77bcf86cd799439011"
BASE = "https://postpost.test/api/v1"


@dataclass
class Clock:
    """A clock that is turned by hand."""

    moment: datetime = NOW

    def now(self) -> datetime:
        return self.moment


@dataclass
class World:
    sandbox: Sandbox
    api: PostPost
    clock: Clock

    def fault(self, call: str, kind: FaultKind, **more: Any) -> None:
        self.sandbox.faults.add(Fault(call, kind, **more))

    def create(self, *platforms: str) -> str:
        return self.api.create_post("Hello", platforms or ("twitter-123",), {}).post_group_id


@pytest.fixture
def world() -> Iterator[World]:
    clock = Clock()
    with Sandbox(clock=clock.now) as sandbox, httpx.Client(transport=SandboxTransport(sandbox)) as client:
        yield World(sandbox, PostPost(client, BASE, "sk_fake", local=clock), clock)


def answering(handler: Callable[[httpx.Request], httpx.Response]) -> PostPost:
    """The API behind a service that answers just so."""
    return PostPost(httpx.Client(transport=Answers(handler)), BASE, "sk_fake", local=Clock())


def saying(status: int, body: object = None, **headers: str) -> PostPost:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return answering(lambda _: httpx.Response(status, content=content, headers=headers))


CALLS: dict[str, Callable[[PostPost], object]] = {
    "create-post": lambda api: api.create_post("Hello", ["twitter-123"], {}),
    "get-upload-url": lambda api: api.get_upload_url(ID, "a.jpg", "image/jpeg"),
    "update-post": lambda api: api.schedule(ID, TIME),
    "get-post": lambda api: api.get_post(ID),
    "list-posts": lambda api: api.list_posts(1),
    "delete-post": lambda api: api.delete_post(ID),
    "platform-connections": lambda api: api.connections(),
}
call = pytest.mark.parametrize("call", CALLS)


# --- what works -------------------------------------------------------------------------------------------------------


def test_a_post_on_its_whole_way(world: World) -> None:
    api, settings = world.api, {"tiktok": {"allowComments": True}}
    post = api.create_post("Grüße 🎉", ["twitter-123", "tiktok-789"], settings).post_group_id
    made = world.sandbox.group(post)
    assert (made.content, made.platforms, made.platform_settings, made.status) == (
        "Grüße 🎉",
        ("twitter-123", "tiktok-789"),
        settings,
        "draft",
    )
    signed = api.get_upload_url(post, "a.mp4", "video/mp4")
    (media,) = world.sandbox.group(post).media
    assert (media.id, media.type, media.content_type) == (signed.media_id, "video", "video/mp4")
    assert signed.url.startswith(signed.file_url or "?")
    updated = api.schedule(post, TIME)
    assert (updated.status, updated.time) == ("scheduled", TIME)
    (listed,), more = api.list_posts(1)
    assert listed == Listed(
        post, "Grüße 🎉", "scheduled", TIME, NOW, ("twitter-123", "tiktok-789"), (signed.file_url or "?",)
    )
    assert not more
    assert [(p.platform, p.platform_id, p.status) for p in api.get_post(post)] == [
        ("twitter", "123", "scheduled"),
        ("tiktok", "789", "scheduled"),
    ]
    assert api.unschedule(post).status == "draft"
    api.delete_post(post)
    api.delete_post(post)  # what is gone is deleted
    assert world.sandbox.deleted() == (post,)


def test_the_time_that_comes_back_is_what_counts(world: World) -> None:
    world.sandbox.behaviour = replace(world.sandbox.behaviour, move_time=300)
    assert world.api.schedule(world.create(), TIME).time == TIME + timedelta(seconds=300)


def test_the_list_is_read_in_pages_newest_first(world: World) -> None:
    ids = []
    for _ in range(5):
        ids.append(world.create())
        world.clock.moment += timedelta(seconds=1)
    world.api.schedule(ids[0], TIME)
    first, more = world.api.list_posts(1, limit=3)
    second, end = world.api.list_posts(2, limit=3)
    assert [one.post_group_id for one in (*first, *second)] == ids[::-1]
    assert (more, end) == (True, False)
    drafts, _ = world.api.list_posts(1, status="draft")
    assert [one.post_group_id for one in drafts] == ids[:0:-1]


def test_connections_say_who_they_are_and_how_their_tokens_are(world: World) -> None:
    found = {c.platform_id: c for c in world.api.connections()}
    assert (found["twitter-123"].name, found["twitter-123"].token_status) == ("Harbour Coffee", "unknown")
    assert found["linkedin-OLD42"].last_error == "The access token has expired"


def test_every_request_carries_the_key_our_name_and_the_user() -> None:
    seen: list[httpx.Request] = []

    def handler(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(200, json={"success": True, "postGroupId": ID, "posts": []})

    client = httpx.Client(transport=Answers(handler))
    api = PostPost(client, BASE + "/", "sk_fake", "someone")
    api.create_post("Hello", ["twitter-123"], {}, "intent-1")
    api.list_posts(1)
    PostPost(client, BASE, "sk_fake").list_posts(1)
    assert all(r.headers["x-api-key"] == "sk_fake" for r in seen)
    assert all(r.headers["User-Agent"] == f"postpost-sync/{__version__}" for r in seen)
    assert [r.headers.get("x-postpost-user-id") for r in seen] == ["someone", "someone", None]
    assert [r.headers.get("Idempotency-Key") for r in seen] == ["intent-1", None, None]
    assert str(seen[0].url) == f"{BASE}/create-post"
    assert json.loads(seen[0].content) == {"content": "Hello", "platforms": ["twitter-123"]}


# --- answers that leave it open ---------------------------------------------------------------------------------------

LOST = [
    FaultKind.RESET_BEFORE,
    FaultKind.RESET_DURING,
    FaultKind.LOST_REPLY,
    FaultKind.GARBAGE,
    FaultKind.EMPTY,
    FaultKind.UNSUCCESSFUL,
    FaultKind.REDIRECT,
    FaultKind.HANG,
]


@call
def test_the_key_is_not_carried_along_a_redirect(call: str) -> None:
    with Sandbox() as one, Sandbox() as other, serve(one) as here, serve(other) as elsewhere, new_client() as client:
        one.faults.add(Fault(call, FaultKind.REDIRECT, location=f"{elsewhere.api_url}/platform-connections"))
        with pytest.raises(Unclear):
            CALLS[call](PostPost(client, here.api_url, "sk_fake"))
        assert [asked.name for asked in one.calls] == [call]
        assert other.calls == []


@call
@pytest.mark.parametrize("kind", LOST)
def test_what_is_no_answer_leaves_it_open(world: World, call: str, kind: FaultKind) -> None:
    world.fault(call, kind)
    with pytest.raises(Unclear) as caught:
        CALLS[call](world.api)
    assert not isinstance(caught.value, NotReached)
    assert caught.value.finding.code == "SERVICE_TROUBLE"
    assert call in caught.value.finding.message
    assert caught.value.finding.hint


@call
@pytest.mark.parametrize("status", [408, 409, 425, 429, 500, 502, 503, 504, 520, 301, 304])
@pytest.mark.parametrize(
    "body", [None, "<html>nginx</html>", {"error": "Failed"}, b"\xff\xfe"], ids=["nothing", "html", "json", "bytes"]
)
def test_trouble_of_the_services_own_leaves_it_open(world: World, call: str, status: int, body: object) -> None:
    world.fault(call, FaultKind.STATUS, status=status, body=body)
    with pytest.raises(Unclear, match=str(status)):
        CALLS[call](world.api)


WRONG = [
    b"",
    b"null",
    b"[]",
    b'"ok"',
    b"{",
    b"\xff",
    b"[" * 5000,
    b"1" * 5000,
    b"{}",
    b'{"success": true}',
    b'{"success": false}',
    b'{"postGroupId": 7, "uploadUrl": 7, "postGroup": 7, "posts": 7, "connections": 7}',
    b'{"postGroupId": "", "uploadUrl": "", "postGroup": {}, "posts": {}, "connections": {}}',
    b'{"postGroupId": "../x", "uploadUrl": null, "postGroup": {"status": 1}, "posts": null, "connections": "x"}',
]


@pytest.mark.parametrize("call", [c for c in CALLS if c != "delete-post"])
@pytest.mark.parametrize("body", WRONG, ids=lambda body: repr(body)[:30])
def test_a_success_without_what_it_should_hold_leaves_it_open(call: str, body: bytes) -> None:
    with pytest.raises(Unclear):
        CALLS[call](saying(200, body))


@pytest.mark.parametrize("body", [b"", b"[]", b'{"success": false}'])
def test_a_delete_counts_only_where_it_is_said(body: bytes) -> None:
    with pytest.raises(Unclear):
        saying(200, body).delete_post(ID)


@pytest.mark.parametrize("body", [{}, {"success": None}, {"error": "no"}])
def test_a_delete_without_success_leaves_it_open(body: object) -> None:
    with pytest.raises(Unclear):
        saying(200, body).delete_post(ID)


@pytest.mark.parametrize(
    ("status", "header", "seconds"),
    [
        (429, "120", 120.0),
        (503, "7", 7.0),
        (429, "", 60.0),
        (429, "0", 1.0),
        (429, "-5", 1.0),
        (429, "999999", 3600.0),
        (429, "nan", 60.0),
        (429, "inf", 3600.0),
        (429, "soon", 60.0),
        (429, format_datetime(NOW + timedelta(seconds=90), usegmt=True), 90.0),  # by the service's own clock
        (429, format_datetime(NOW + timedelta(days=2), usegmt=True), 3600.0),
        (429, format_datetime(NOW - timedelta(days=2), usegmt=True), 1.0),
        (429, "Tue, 01 Dec 2026 08:00:00 -0000", 60.0),  # a date without a zone
        (500, "120", None),
    ],
)
def test_how_long_to_wait_is_taken_from_the_answer_within_reason(
    status: int, header: str, seconds: float | None
) -> None:
    headers = {"Date": format_datetime(NOW, usegmt=True)} | ({"Retry-After": header} if header else {})
    with pytest.raises(Unclear) as caught:
        saying(status, {"error": "slow"}, **headers).list_posts(1)
    assert caught.value.retry_after == seconds


@pytest.mark.parametrize("error", [httpx.ConnectError("no"), httpx.ConnectTimeout("no"), httpx.PoolTimeout("no")])
@call
def test_a_connection_that_never_came_up_is_known_not_to_have_happened(call: str, error: Exception) -> None:
    def handler(_: httpx.Request) -> httpx.Response:
        raise error

    with pytest.raises(NotReached) as caught:
        CALLS[call](answering(handler))
    assert caught.value.finding.code == "SERVICE_UNREACHABLE"


def test_an_answer_without_an_end_is_cut_off() -> None:
    def endless() -> Iterator[bytes]:
        while True:
            yield b" " * 1024 * 1024

    with pytest.raises(Unclear, match="longer than"):
        answering(lambda _: httpx.Response(200, content=endless())).list_posts(1)


def test_a_compressed_answer_that_is_broken_leaves_it_open() -> None:
    with pytest.raises(Unclear):
        answering(lambda _: httpx.Response(200, content=[b"no gzip"], headers={"Content-Encoding": "gzip"})).list_posts(
            1
        )


# --- answers that say no ----------------------------------------------------------------------------------------------


@call
@pytest.mark.parametrize(
    ("status", "body"),
    [
        (401, {"error": "Invalid API key"}),
        (401, None),
        (401, "<html>"),
        (403, {"error": "API access is not enabled for this account"}),
        (403, {"error": "User is not managed by key"}),
        (403, {"error": "x", "code": 7}),
        (403, None),
        (400, {"error": "Invalid x-postpost-user-id"}),
    ],
)
def test_a_key_that_is_not_taken(world: World, call: str, status: int, body: object) -> None:
    world.fault(call, FaultKind.STATUS, status=status, body=body)
    with pytest.raises(KeyRefused) as caught:
        CALLS[call](world.api)
    assert (caught.value.finding.code, caught.value.status) == ("KEY_REFUSED", status)
    assert "sk_fake" not in str(caught.value)


@pytest.mark.parametrize(
    ("call", "code"),
    [
        ("create-post", "CREATE_REFUSED"),
        ("get-upload-url", "UPLOAD_REQUEST_REFUSED"),
        ("update-post", "SCHEDULE_REFUSED"),
        ("delete-post", "DELETE_REFUSED"),
    ],
)
@pytest.mark.parametrize("status", [400, 413, 415, 422])
def test_what_the_service_refuses_is_said_in_its_words(world: World, call: str, code: str, status: int) -> None:
    world.fault(call, FaultKind.STATUS, status=status, body={"error": "Content is required\x1b[31m"})
    with pytest.raises(Refused) as caught:
        CALLS[call](world.api)
    assert type(caught.value) is Refused
    assert (caught.value.finding.code, caught.value.status) == (code, status)
    assert "Content is required\\x1b[31m" in caught.value.finding.message
    assert caught.value.finding.hint


@pytest.mark.parametrize("call", ["get-post", "list-posts", "platform-connections"])
@pytest.mark.parametrize("status", [400, 413, 422])
def test_no_post_is_wrong_where_the_service_refuses_to_tell(world: World, call: str, status: int) -> None:
    world.fault(call, FaultKind.STATUS, status=status, body={"error": "no"})
    with pytest.raises(Unclear, match=rf"no usable answer to {call}: {status} no"):
        CALLS[call](world.api)


@pytest.mark.parametrize("call", ["create-post", "get-upload-url", "update-post", "delete-post", "get-post"])
@pytest.mark.parametrize("status", [402, 405, 407, 410, 411, 414, 418, 421, 426, 428, 431, 451, 499])
def test_a_status_that_says_nothing_about_a_post_condemns_none(world: World, call: str, status: int) -> None:
    """Proxies and gateways speak JSON, too."""
    world.fault(call, FaultKind.STATUS, status=status, body={"error": "Method not allowed"})
    with pytest.raises(Unclear, match="NOT_POSTPOST"):
        CALLS[call](world.api)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"error": {"code": 5, "message": "too long"}}, "too long"),
        ({"message": ["a", "b"], "error": "Bad Request"}, "Bad Request"),
        ({"message": {"error": {"message": "deep"}}}, "deep"),
    ],
)
def test_an_error_is_said_in_words_in_whichever_form_it_comes(world: World, body: object, said: str) -> None:
    world.fault("create-post", FaultKind.STATUS, status=400, body=body)
    with pytest.raises(Refused) as caught:
        CALLS["create-post"](world.api)
    assert caught.value.finding.message == f"PostPost refused create-post: {said} (400)"


@pytest.mark.parametrize("call", ["get-post", "update-post", "get-upload-url"])
def test_a_post_that_is_not_there(world: World, call: str) -> None:
    with pytest.raises(NotFound) as caught:
        CALLS[call](world.api)
    assert caught.value.status == 404


def test_a_post_that_has_left_draft_and_scheduled(world: World) -> None:
    post = world.create()
    world.api.schedule(post, NOW)
    world.clock.moment += timedelta(minutes=2)
    with pytest.raises(NotEditable, match="currently in published"):
        world.api.unschedule(post)


@pytest.mark.parametrize(
    ("plan", "code", "until"),
    [
        (Plan("P", posts_per_month=0), "POST_LIMIT_REACHED", "2027-01-01T00:00:00.000Z"),
        (Plan("P", pending=0), "SCHEDULED_POST_LIMIT_REACHED", None),
        (Plan("P", horizon_days=1), "SCHEDULE_HORIZON_REACHED", None),
        (Plan("P", connections=1), "CONNECTIONS_OVER_LIMIT", None),
    ],
)
def test_a_limit_of_the_plan_is_told_from_a_refused_key(world: World, plan: Plan, code: str, until: str | None) -> None:
    post = world.create()
    world.sandbox.behaviour = replace(world.sandbox.behaviour, plan=plan)
    with pytest.raises(PlanLimit) as caught:
        world.api.schedule(post, TIME)
    assert (caught.value.finding.code, caught.value.waits_until) == (code, until)
    assert "(plan P)" in caught.value.finding.message
    assert caught.value.finding.hint


def test_a_platform_that_is_not_in_the_plan_needs_a_person(world: World) -> None:
    world.sandbox.behaviour = replace(world.sandbox.behaviour, plan=replace(STARTER, platforms_disallowed=("tiktok",)))
    with pytest.raises(PlanLimit, match="tiktok") as caught:
        world.create("tiktok-789")
    assert caught.value.finding.code == "PLATFORM_NOT_AVAILABLE"


@pytest.mark.parametrize(
    "ident", ["", "x", "507f1f77bcf86cd79943901", ID + "0", "../list-posts", ID + "\n", "507f1f77bcf86cd79943901g"]
)
def test_an_id_that_is_none_is_not_sent(world: World, ident: str) -> None:
    for use in (
        lambda: world.api.get_post(ident),
        lambda: world.api.schedule(ident, TIME),
        lambda: world.api.unschedule(ident),
        lambda: world.api.delete_post(ident),
        lambda: world.api.get_upload_url(ident, "a.jpg", "image/jpeg"),
    ):
        with pytest.raises(Refused, match="not a post group id"):
            use()
    assert world.sandbox.calls == []


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ("illegal header line: bytearray(b'x-echo: sk_fake')", "illegal header line"),
        ("Illegal header value b'sk_fake'", "Illegal header value"),
    ],
)
def test_bytes_that_are_no_http_are_not_shown_since_they_may_echo_the_key(said: str, words: str) -> None:
    def handler(request: httpx.Request) -> httpx.Response:
        raise httpx.RemoteProtocolError(said, request=request)

    with pytest.raises(Unclear) as caught:
        answering(handler).list_posts(1)
    assert caught.value.finding.message.endswith(f"the connection broke: {words}")


def test_no_error_shows_the_key_or_a_signature() -> None:
    def handler(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError(f"{request.url}?X-Amz-Signature=secret", request=request)

    with pytest.raises(PostError) as caught:
        answering(handler).list_posts(1)
    assert "secret" not in str(caught.value)
    assert "sk_fake" not in str(caught.value)
    assert caught.value.__cause__ is None


# --- answers that are odd but usable ----------------------------------------------------------------------------------


def test_a_listing_is_read_as_far_as_it_can_be() -> None:
    posts = [
        {
            "postGroupId": ID,
            "mediaUrls": None,
            "platforms": None,
            "scheduledTime": "soon",
            "createdAt": 7,
            "content": None,
        },
        {"postGroupId": ID, "mediaUrls": [], "platforms": [{"platformId": "x-1"}, "x", {}], "status": "draft"},
        {"postGroupId": 7},
        "nonsense",
        None,
    ]
    listed, more = saying(200, {"posts": posts, "pagination": {"hasNextPage": "yes"}}).list_posts(1)
    assert not more
    assert listed == (
        Listed(ID, "", "", None, None, (), None),
        Listed(ID, "", "draft", None, None, ("x-1", ""), ()),
    )


def test_an_upload_url_may_come_without_its_ids() -> None:
    signed = saying(200, {"uploadUrl": "https://store/x?sig", "mediaId": 7}).get_upload_url(ID, "a.jpg", "image/jpeg")
    assert (signed.url, signed.file_url, signed.media_id) == ("https://store/x?sig", None, None)


def test_a_platforms_error_is_kept_whatever_else_is_odd() -> None:
    posts = [{"platform": "x", "platformId": 7, "status": None, "error": {"code": "C"}}, {"error": "text"}]
    first, second = saying(200, {"posts": posts}).get_post(ID)
    assert (first.platform_id, first.status, first.error) == ("", "", {"code": "C", "message": "no reason given"})
    assert second.error is None


# --- the clock --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("ahead", "learned"), [(400, True), (-400, True), (7200, True), (1, False), (-1, False), (0, False)]
)
def test_the_services_time_is_learned_from_its_date(world: World, ahead: float, learned: bool) -> None:
    world.clock.moment = NOW - timedelta(seconds=ahead)
    clock = Clock(NOW)
    world.sandbox._clock = clock.now
    world.create()
    off = (world.api.clock.now() - NOW).total_seconds()
    assert off == pytest.approx(0.5 if learned else -ahead)


def test_a_clock_that_was_put_right_is_trusted_again(world: World) -> None:
    service = Clock(NOW + timedelta(seconds=400))
    world.sandbox._clock = service.now
    world.create()
    assert world.api.clock.offset == timedelta(seconds=400.5)
    service.moment = NOW
    world.create()
    assert world.api.clock.offset == timedelta()


def test_a_slow_answer_takes_nothing_back_of_what_quick_ones_have_shown() -> None:
    local = Clock(NOW)
    clock = ServerClock(local)
    clock.learn(format_datetime(NOW + timedelta(seconds=400), usegmt=True), NOW)
    assert clock.offset == timedelta(seconds=400.5)
    local.moment = NOW + timedelta(seconds=60)
    clock.learn(format_datetime(NOW + timedelta(seconds=402), usegmt=True), NOW)  # the service took its time to send it
    assert clock.offset == timedelta(seconds=400.5)
    clock.learn(format_datetime(NOW + timedelta(seconds=460), usegmt=True), local.moment)
    assert clock.offset == timedelta(seconds=400.5)


def test_what_was_known_before_the_clock_was_set_does_not_count() -> None:
    local = Clock(NOW)
    clock = ServerClock(local)
    clock.learn(format_datetime(NOW + timedelta(seconds=400), usegmt=True), NOW)
    clock.known = False
    local.moment = NOW + timedelta(seconds=30)
    clock.learn(format_datetime(NOW + timedelta(seconds=440), usegmt=True), NOW)
    assert clock.offset == timedelta(seconds=425.5)


def test_the_time_on_the_way_is_taken_into_account() -> None:
    local = Clock(NOW + timedelta(seconds=20))
    clock = ServerClock(local)
    clock.learn(format_datetime(NOW + timedelta(seconds=110), usegmt=True), NOW)
    assert clock.offset == timedelta(seconds=100.5)
    clock.learn(format_datetime(NOW + timedelta(seconds=21), usegmt=True), NOW)  # within what the way can explain
    assert clock.offset == timedelta()


@pytest.mark.parametrize(
    "date", [None, "", "yesterday", "99", "Tue, 99 Dec 2026 08:00:00 GMT", "Tue, 01 Dec 99999 08:00:00 GMT", "\u0660"]
)
def test_a_date_that_is_none_changes_nothing(date: str | None) -> None:
    clock = ServerClock(Clock())
    clock.learn("Tue, 01 Dec 2026 09:00:00 GMT", NOW)
    before = clock.offset
    clock.learn(date, NOW)
    assert clock.offset == before == timedelta(seconds=3600.5)
