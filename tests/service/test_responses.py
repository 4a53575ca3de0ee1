"""Every answer the service can give, and every way an answer can be wrong, as a value or as one of our errors."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from email.utils import format_datetime

import httpx
import pytest

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
from postpost_sync.sandbox import STARTER, Fault, FaultKind, Plan, Sandbox, serve
from postpost_sync.service.api import PostPost
from postpost_sync.service.connections import new_client
from postpost_sync.service.responses import Listed
from tests.support.api import CALLS, ID, NOW, TIME, ApiWorld, answering, call, saying

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
def test_what_is_no_answer_leaves_it_open(world: ApiWorld, call: str, kind: FaultKind) -> None:
    post = world.create()
    world.fault(call, kind)
    with pytest.raises(Unclear) as caught:
        CALLS[call](world.api, post)
    assert not isinstance(caught.value, NotReached)
    assert caught.value.finding.code == "SERVICE_TROUBLE"
    assert call in caught.value.finding.message
    assert caught.value.finding.hint


@call
@pytest.mark.parametrize("status", [408, 409, 425, 429, 500, 502, 503, 504, 520, 301, 304])
def test_trouble_of_the_services_own_leaves_it_open(world: ApiWorld, call: str, status: int) -> None:
    for body in (None, "<html>nginx</html>", {"error": "Failed"}, b"\xff\xfe"):
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


@call
@pytest.mark.parametrize("host", ["api..postpost.test", "xn--", f"{'a' * 64}.test"])
def test_an_address_that_no_machine_can_have_is_known_not_to_have_been_reached(call: str, host: str) -> None:
    with new_client() as client, pytest.raises(NotReached, match="a name that no machine can have"):
        CALLS[call](PostPost(client, f"https://{host}/api/v1", "sk_fake"))


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


@call
@pytest.mark.parametrize(
    ("status", "headers", "said"),
    [
        (
            302,
            {"Location": "https://portal.test/login?token=s3cretvalue"},
            "302 Found, which leads to https://portal.test/login",
        ),
        (308, {}, "308 Permanent Redirect"),
        (511, {}, "511 Network Authentication Required"),
        (200, {}, "200 with an answer that is not PostPost's"),
    ],
)
def test_what_answers_in_postposts_place_leads_people_to_the_address(
    call: str, status: int, headers: dict[str, str], said: str
) -> None:
    with pytest.raises(Unclear) as caught:
        CALLS[call](saying(status, b"<html>Please sign in</html>", **headers))
    assert said in caught.value.finding.message
    assert "s3cretvalue" not in caught.value.finding.message
    assert "check api.base_url" in caught.value.finding.hint


def test_a_no_without_a_word_is_said_in_those_of_its_status_and_may_be_a_firewalls() -> None:
    with pytest.raises(Unclear, match="502 Bad Gateway"):
        saying(502, b"<html>").list_posts(1)
    with pytest.raises(KeyRefused, match="Forbidden \\(403\\)") as caught:
        saying(403, b"<html>Attention Required!</html>").list_posts(1)
    assert "firewall" in caught.value.finding.hint
    with pytest.raises(KeyRefused) as caught:
        saying(403, {"error": "API access is not enabled for this account"}).list_posts(1)
    assert "firewall" not in caught.value.finding.hint


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
def test_a_key_that_is_not_taken(world: ApiWorld, call: str, status: int, body: object) -> None:
    world.fault(call, FaultKind.STATUS, status=status, body=body)
    with pytest.raises(KeyRefused) as caught:
        CALLS[call](world.api)
    assert (caught.value.finding.code, caught.value.status) == ("KEY_REFUSED", status)
    assert "sk_fake" not in str(caught.value)


@pytest.mark.parametrize(
    ("call", "code", "status"),
    [
        *(("create-post", "CREATE_REFUSED", status) for status in (400, 413, 415, 422)),
        *(("get-upload-url", "UPLOAD_REQUEST_REFUSED", status) for status in (400, 422)),
        *(("update-post", "SCHEDULE_REFUSED", status) for status in (400, 422)),
    ],
)
def test_what_the_service_refuses_is_said_in_its_words(world: ApiWorld, call: str, code: str, status: int) -> None:
    world.fault(call, FaultKind.STATUS, status=status, body={"error": "Content is required\x1b[31m"})
    with pytest.raises(Refused) as caught:
        CALLS[call](world.api)
    assert type(caught.value) is Refused
    assert (caught.value.finding.code, caught.value.status) == (code, status)
    assert "Content is required\\x1b[31m" in caught.value.finding.message
    assert caught.value.finding.hint


@pytest.mark.parametrize("call", ["get-post", "delete-post", "list-posts", "platform-connections"])
@pytest.mark.parametrize("status", [400, 422])
def test_no_post_is_wrong_where_the_service_is_asked_for_nothing_of_it(world: ApiWorld, call: str, status: int) -> None:
    world.fault(call, FaultKind.STATUS, status=status, body={"error": "no"})
    with pytest.raises(Unclear, match=rf"no usable answer to {call}: {status} no"):
        CALLS[call](world.api)


@pytest.mark.parametrize("call", ["create-post", "get-upload-url", "update-post", "delete-post", "get-post"])
@pytest.mark.parametrize("status", [402, 405, 407, 410, 411, 414, 418, 421, 426, 428, 431, 451, 499])
def test_a_status_that_says_nothing_about_a_post_condemns_none(world: ApiWorld, call: str, status: int) -> None:
    """Proxies and gateways speak JSON, too."""
    world.fault(call, FaultKind.STATUS, status=status, body={"error": "Method not allowed"})
    with pytest.raises(Unclear, match="NOT_POSTPOST"):
        CALLS[call](world.api)


@pytest.mark.parametrize("call", ["get-upload-url", "update-post", "delete-post", "get-post"])
@pytest.mark.parametrize("status", [413, 415])
def test_a_call_of_one_line_is_not_too_long_for_postpost(world: ApiWorld, call: str, status: int) -> None:
    world.fault(call, FaultKind.STATUS, status=status, body={"message": "Request Too Long"})
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
def test_an_error_is_said_in_words_in_whichever_form_it_comes(world: ApiWorld, body: object, said: str) -> None:
    world.fault("create-post", FaultKind.STATUS, status=400, body=body)
    with pytest.raises(Refused) as caught:
        CALLS["create-post"](world.api)
    assert caught.value.finding.message == f"PostPost refused create-post: {said} (400)"


@pytest.mark.parametrize("times", [20, 980, 5000])
def test_an_error_without_a_bottom_is_nobodys(world: ApiWorld, times: int) -> None:
    body = b'{"error":' * times + b'"no"' + b"}" * times
    world.fault("create-post", FaultKind.STATUS, status=400, body=body)
    with pytest.raises(Unclear):
        CALLS["create-post"](world.api)


@pytest.mark.parametrize("call", ["get-post", "update-post", "get-upload-url"])
def test_a_post_that_is_not_there(world: ApiWorld, call: str) -> None:
    with pytest.raises(NotFound) as caught:
        CALLS[call](world.api)
    assert caught.value.status == 404


def test_a_post_that_has_left_draft_and_scheduled(world: ApiWorld) -> None:
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
def test_a_limit_of_the_plan_is_told_from_a_refused_key(
    world: ApiWorld, plan: Plan, code: str, until: str | None
) -> None:
    post = world.create()
    world.sandbox.behaviour = replace(world.sandbox.behaviour, plan=plan)
    with pytest.raises(PlanLimit) as caught:
        world.api.schedule(post, TIME)
    assert (caught.value.finding.code, caught.value.waits_until) == (code, until)
    assert "(plan P)" in caught.value.finding.message
    assert caught.value.finding.hint


def test_a_platform_that_is_not_in_the_plan_needs_a_person(world: ApiWorld) -> None:
    world.sandbox.behaviour = replace(world.sandbox.behaviour, plan=replace(STARTER, platforms_disallowed=("tiktok",)))
    with pytest.raises(PlanLimit, match="tiktok") as caught:
        world.create("tiktok-789")
    assert caught.value.finding.code == "PLATFORM_NOT_AVAILABLE"


@pytest.mark.parametrize(
    "ident", ["", "x", "507f1f77bcf86cd79943901", ID + "0", "../list-posts", ID + "\n", "507f1f77bcf86cd79943901g"]
)
def test_an_id_that_is_none_is_not_sent(world: ApiWorld, ident: str) -> None:
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
        {"postGroupId": ID, "mediaUrls": [], "platforms": [{"platformId": "x-1"}, "x", {}], "status": "Draft"},
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


@pytest.mark.parametrize("odd", [None, 7, [], "x", "\ud800", True])
def test_a_listing_in_which_no_post_has_an_id_says_nothing_of_those_that_it_lacks(odd: object) -> None:
    with pytest.raises(Unclear, match="no post in the answer has an id"):
        saying(200, {"posts": [{"postGroupId": odd, "status": "draft"}]}).list_posts(1)
    assert saying(200, {"posts": []}).list_posts(1) == ((), False)


@pytest.mark.parametrize("said", [None, {}, {"hasNextPage": None}, {"hasNextPage": 1}, []])
def test_a_full_page_that_does_not_say_whether_it_is_the_last_one_is_not(said: object) -> None:
    body = {"posts": [{"postGroupId": ID}], "pagination": said}
    assert saying(200, body).list_posts(1, limit=1)[1]
    assert not saying(200, body).list_posts(1, limit=2)[1]


@pytest.mark.parametrize("url", ["x", "9999-12-31", "A" * 5000, "https://", "https://[", "mailto:a@b.test"])
def test_an_upload_url_that_is_none_is_asked_for_again(url: str) -> None:
    with pytest.raises(Unclear, match="no upload URL"):
        saying(200, {"uploadUrl": url}).get_upload_url(ID, "a.jpg", "image/jpeg")


def test_an_upload_url_may_come_without_its_ids() -> None:
    signed = saying(200, {"uploadUrl": "https://store/x?sig", "mediaId": 7}).get_upload_url(ID, "a.jpg", "image/jpeg")
    assert (signed.url, signed.file_url, signed.media_id) == ("https://store/x?sig", None, None)


def test_a_platforms_error_is_kept_whatever_else_is_odd() -> None:
    posts = [
        {"platform": "x", "platformId": 7, "status": None, "error": {"code": "C"}},
        {"error": "text", "status": "PUBLISHED"},
    ]
    first, second = saying(200, {"posts": posts}).get_post(ID)
    assert (first.platform_id, first.status, first.error) == ("", "", {"code": "C", "message": "no reason given"})
    assert (second.status, second.error) == ("published", None)


@pytest.mark.parametrize(
    ("error", "said"), [("token expired", "token expired"), ([1], "no reason given"), (None, "no reason given")]
)
def test_a_platform_on_which_it_failed_says_so_in_whichever_form(error: object, said: str) -> None:
    ((post),) = saying(
        200, {"posts": [{"platform": "x", "platformId": "1", "status": "failed", "error": error}]}
    ).get_post(ID)
    assert post.error == {"code": "UNKNOWN_ERROR", "message": said}
