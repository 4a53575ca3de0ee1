"""The sandbox's API and store, met as a client meets them: over HTTP, as transcripts."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from postpost_sync.sandbox import STARTER, Plan, Sandbox, SandboxTransport, serve
from postpost_sync.service.connections import new_transport

START = datetime(2026, 12, 1, 8, 0, tzinfo=UTC)
JPEG = {"Content-Type": "image/jpeg"}
NO_GROUP = "0123456789abcdef01234567"


@dataclass
class World:
    """A sandbox whose clock stands still until it is moved, and a client of it."""

    sandbox: Sandbox
    http: httpx.Client
    now: datetime = START

    def wait(self, **duration: float) -> None:
        self.now += timedelta(**duration)

    def switch(self, **switches: Any) -> None:
        self.sandbox.behaviour = replace(self.sandbox.behaviour, **switches)

    def call(self, method: str, path: str, json: object = None, **headers: str) -> httpx.Response:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.http.request(method, f"/api/v1/{path}", json=json, headers=named)

    def create(self, *platforms: str, time: str | None = None, content: str = "Fresh roast") -> str:
        body: dict[str, object] = {"content": content, "platforms": list(platforms or ["twitter-123"])}
        answer = self.call("POST", "create-post", body if time is None else {**body, "scheduledTime": time})
        assert answer.status_code == 200, answer.text
        return str(answer.json()["postGroupId"])

    def presign(self, group: str, name: str = "cup.jpg") -> dict[str, Any]:
        body = {"fileName": name, "contentType": "image/jpeg", "type": "image", "postGroupId": group}
        answer = self.call("POST", "get-upload-url", body)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    def schedule(self, group: str, time: str | None = None) -> httpx.Response:
        body = {"status": "scheduled"} if time is None else {"status": "scheduled", "scheduledTime": time}
        return self.call("PUT", f"update-post/{group}", body)

    def posts(self, **query: str) -> list[dict[str, Any]]:
        return list(self.http.get("/api/v1/list-posts", params=query).json()["posts"])

    def status(self, group: str) -> str:
        return self.sandbox.group(group).status


@pytest.fixture
def world() -> Iterator[World]:
    with Sandbox(clock=lambda: met.now) as sandbox:
        transport = SandboxTransport(sandbox)
        with httpx.Client(transport=transport, base_url=sandbox.base_url, headers={"x-api-key": "sk_test"}) as http:
            met = World(sandbox, http)
            yield met


@pytest.fixture
def net() -> Iterator[World]:
    """The same over a real connection."""
    with (
        Sandbox(clock=lambda: met.now) as sandbox,
        serve(sandbox) as server,
        httpx.Client(transport=new_transport(), base_url=server.url, headers={"x-api-key": "sk_test"}) as http,
    ):
        met = World(sandbox, http)
        yield met


def error(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]


def code(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


# -- the whole way


def test_a_post_goes_from_draft_to_published(net: World) -> None:
    created = net.call(
        "POST", "create-post", {"content": "Check out our latest product!", "platforms": ["twitter-123", "threads-789"]}
    )
    assert created.status_code == 200
    assert created.headers["Date"] == "Tue, 01 Dec 2026 08:00:00 GMT"
    group = created.json()["postGroupId"]
    assert created.json() == {"success": True, "postGroupId": group}

    signed = net.presign(group, "  product photo (1).jpg ")
    assert set(signed) == {"success", "uploadUrl", "fileUrl", "mediaId"}
    assert signed["fileUrl"].endswith("/product_photo_1.jpg")
    assert httpx.get(signed["fileUrl"]).status_code == 404
    data = b"\xff\xd8" + b"coffee" * 100_000
    put = httpx.put(signed["uploadUrl"], content=data, headers=JPEG)
    assert (put.status_code, put.headers["ETag"]) == (200, f'"{hashlib.md5(data).hexdigest()}"')  # noqa: S324 - S3's
    got = httpx.get(signed["fileUrl"])
    assert (got.content, got.headers["Content-Type"]) == (data, "image/jpeg")

    updated = net.schedule(group, "2026-12-01T10:00:00.000Z").json()
    shown = {"_id": group, "status": "scheduled", "scheduledTime": "2026-12-01T10:00:00.000Z"}
    assert updated == {"success": True, "message": "Post updated successfully", "postGroup": shown}

    [row] = net.posts()
    assert row == {
        "postGroupId": group,
        "content": "Check out our latest product!",
        "status": "scheduled",
        "scheduledTime": "2026-12-01T10:00:00.000Z",
        "createdAt": "2026-12-01T08:00:00.000Z",
        "updatedAt": "2026-12-01T08:00:00.000Z",
        "platforms": [
            {"platformId": "twitter-123", "platform": "twitter", "status": "scheduled"},
            {"platformId": "threads-789", "platform": "threads", "status": "scheduled"},
        ],
        "mediaUrls": [signed["fileUrl"]],
    }

    net.wait(hours=2)
    first, second = net.call("GET", f"get-post/{group}").json()["posts"]
    assert (first["platform"], first["platformId"], first["status"]) == ("twitter", "123", "published")
    assert second["postedId"].isdigit()
    events = [line["event"] for line in net.call("GET", f"post-logs/{group}").json()["logs"]]
    assert events[:4] == ["status_changed", "scheduled", "processing", "publish_attempted"]

    refused = net.call("PUT", f"update-post/{group}", {"status": "draft"})
    assert error(refused) == (400, "Cannot update post: post is currently in published status")
    assert net.call("DELETE", f"delete-post/{group}").json() == {"success": True}
    assert error(net.call("DELETE", f"delete-post/{group}")) == (404, "Post group not found")
    assert httpx.get(signed["fileUrl"]).status_code == 404
    assert (net.sandbox.groups(), net.sandbox.deleted()) == ((), (group,))

    names = ["create-post", "get-upload-url", "get-object", "put-object", "get-object", "update-post", "list-posts"]
    assert [call.name for call in net.sandbox.calls][: len(names)] == names
    assert {call.group_id for call in net.sandbox.calls if call.name == "put-object"} == {group}


# -- refusals, word for word


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ({}, "Content is required"),
        ({"content": " \n", "platforms": ["twitter-1"]}, "Content is required"),
        ({"content": "x"}, "Platforms are required"),
        ({"content": "x", "platforms": []}, "At least one platform is required"),
        ({"content": "x", "platforms": {"a": 1}}, "Platforms must be an array"),
        ({"content": "x", "platforms": "[twitter"}, "Invalid platforms JSON format"),
        ({"content": "x", "platforms": ["Twitter-1"]}, "Invalid platform ID format: Twitter-1"),
        ({"content": "x", "platforms": ["bluesky-did:plc:1"]}, "Invalid platform ID format: bluesky-did:plc:1"),
        ({"content": "x", "platforms": ["x-1"], "scheduledTime": "tomorrow"}, "Invalid scheduled time format"),
        ({"content": "x", "platforms": ["x-1"], "platformSettings": "{"}, "Invalid platformSettings JSON"),
        ({"content": "x", "platforms": ["x-1"], "platformSettings": []}, "platformSettings must be an object"),
    ],
)
def test_create_post_refuses(world: World, body: object, text: str) -> None:
    assert error(world.call("POST", "create-post", body)) == (400, text)
    assert world.sandbox.groups() == ()


@pytest.mark.parametrize(
    ("body", "status", "text"),
    [
        ({}, 400, "Either status or scheduledTime must be provided"),
        ({"status": "", "scheduledTime": None}, 400, "Either status or scheduledTime must be provided"),
        ({"status": "published"}, 400, "Status must be either 'draft' or 'scheduled'"),
        ({"scheduledTime": "2026-12-01 10:00"}, 400, "Invalid scheduled time format"),
        ({"status": "draft"}, 404, "Post group not found"),
    ],
)
def test_update_post_refuses(world: World, body: object, status: int, text: str) -> None:
    assert error(world.call("PUT", f"update-post/{NO_GROUP}", body)) == (status, text)


@pytest.mark.parametrize(
    ("change", "status", "text"),
    [
        ({"fileName": ""}, 400, "fileName, contentType, and postGroupId are required"),
        ({"contentType": None}, 400, "fileName, contentType, and postGroupId are required"),
        ({"type": None}, 500, "Failed to create upload URL"),
        ({"type": "gif"}, 500, "Failed to create upload URL"),
        ({"postGroupId": "12"}, 500, "Failed to create upload URL"),
        ({"postGroupId": NO_GROUP}, 404, "Post group not found"),
    ],
)
def test_get_upload_url_refuses(world: World, change: dict[str, object], status: int, text: str) -> None:
    body = {"fileName": "a.jpg", "contentType": "image/jpeg", "type": "image", "postGroupId": world.create(), **change}
    assert error(world.call("POST", "get-upload-url", body)) == (status, text)
    assert world.sandbox.groups()[0].media == ()


def test_a_malformed_id_is_500_in_each_calls_own_words(world: World) -> None:
    assert error(world.call("GET", "get-post/nope")) == (500, "Failed to fetch post group")
    assert error(world.call("DELETE", "delete-post/nope")) == (500, "Failed to delete post group")
    assert error(world.call("PUT", "update-post/nope", {"status": "draft"})) == (500, "Failed to update post")
    assert error(world.call("GET", "post-logs/nope")) == (500, "Internal server error")
    assert error(world.call("GET", f"get-post/{NO_GROUP}")) == (404, "Post group not found")


@pytest.mark.parametrize(
    ("headers", "status", "text"),
    [
        ({"x_api_key": ""}, 401, "API key is required"),
        ({"x_api_key": "refused"}, 401, "Invalid API key"),
        ({"x_api_key": "orphan"}, 401, "Invalid API key owner"),
        ({"x_api_key": "noaccess"}, 403, "API access is not enabled for this account"),
        ({"x_postpost_user_id": "me"}, 400, "Invalid x-postpost-user-id"),
        ({"x_postpost_user_id": NO_GROUP}, 403, "User is not managed by key"),
        (
            {"x_postpost_user_id": NO_GROUP, "x_api_key": "noworkspace"},
            403,
            "Workspace access is not enabled for this key",
        ),
    ],
)
def test_authentication_refuses(world: World, headers: dict[str, str], status: int, text: str) -> None:
    world.switch(managed_users=frozenset())
    assert error(world.call("GET", "platform-connections", **headers)) == (status, text)


def test_broken_json_and_unknown_routes(world: World) -> None:
    assert world.http.post("/api/v1/create-post", content=b'{"content": ').status_code == 400
    assert error(world.call("GET", "create-post")) == (404, "Not found")
    assert error(world.call("GET", "nothing/here")) == (404, "Not found")


def test_owners_do_not_see_each_others_groups(world: World) -> None:
    world.switch(keys={"sk_test": "anna", "sk_new": "anna", "sk_other": "berta"})
    group = world.create()
    assert world.call("GET", f"get-post/{group}", x_api_key="sk_new").status_code == 200
    for headers in ({"x_api_key": "sk_other"}, {"x_postpost_user_id": NO_GROUP}):
        assert error(world.call("GET", f"get-post/{group}", **headers)) == (404, "Post group not found")
        assert world.call("GET", "list-posts", **headers).json()["posts"] == []
    assert error(world.call("GET", "list-posts", x_api_key="sk_unknown")) == (401, "Invalid API key")


# -- times


def test_a_past_time_becomes_now_or_is_refused(world: World) -> None:
    world.wait(seconds=20)
    moved = world.create(time="2020-01-01T00:00:00.000Z")
    assert world.sandbox.group(moved).scheduled_time == world.now
    world.switch(past_time="refuse")
    body = {"content": "x", "platforms": ["twitter-123"], "scheduledTime": "2026-12-01T07:55:00.000Z"}
    assert code(world.call("POST", "create-post", body)) == (400, "SCHEDULED_TIME_IN_PAST")
    world.create(time="2026-12-01T07:56:00Z")


def test_update_post_moves_keeps_and_forgets_no_time(world: World) -> None:
    group = world.create()
    assert world.call("PUT", f"update-post/{group}", {"status": "draft"}).json()["postGroup"] == {
        "_id": group,
        "status": "draft",
    }
    world.switch(move_time=90)
    answer = world.call("PUT", f"update-post/{group}", {"scheduledTime": "2026-12-02T10:00:00+00:00"})
    assert answer.json()["postGroup"] == {"_id": group, "status": "draft", "scheduledTime": "2026-12-02T10:01:30.000Z"}
    assert world.schedule(group).json()["postGroup"]["scheduledTime"] == "2026-12-02T10:01:30.000Z"
    back = world.call("PUT", f"update-post/{group}", {"status": "draft"}).json()["postGroup"]
    assert back == {"_id": group, "status": "draft", "scheduledTime": "2026-12-02T10:01:30.000Z"}


def test_scheduled_without_any_time_means_now(world: World) -> None:
    group = world.create()
    assert world.schedule(group).json()["postGroup"]["scheduledTime"] == "2026-12-01T08:00:00.000Z"
    assert world.status(group) == "published"


# -- the store


def test_an_expired_url_is_refused_and_presigning_again_leaves_a_ghost(net: World) -> None:
    group = net.create()
    signed = net.presign(group)
    net.wait(hours=1)
    put = httpx.put(signed["uploadUrl"], content=b"x", headers=JPEG)
    assert put.status_code == 403
    assert "<Code>AccessDenied</Code><Message>Request has expired</Message>" in put.text
    again = net.presign(group)
    assert again["mediaId"] != signed["mediaId"]
    assert httpx.put(again["uploadUrl"], content=b"x", headers=JPEG).status_code == 200
    assert [media.stored for media in net.sandbox.group(group).media] == [False, True]

    net.schedule(group, "2026-12-01T10:00:00.000Z")
    net.wait(hours=1)
    [post] = net.call("GET", f"get-post/{group}").json()["posts"]
    assert (post["status"], post["error"]["code"], post["error"]["retryable"]) == ("failed", "INVALID_CONTENT", False)
    assert net.status(group) == "failed"


def test_presigning_again_may_reissue_the_same_media(world: World) -> None:
    world.switch(reissue_media=True)
    group = world.create()
    first, second, other = world.presign(group), world.presign(group), world.presign(group, "other.jpg")
    assert first["mediaId"] == second["mediaId"] != other["mediaId"]
    assert world.http.put(second["uploadUrl"], content=b"x", headers=JPEG).status_code == 200
    assert world.presign(group)["mediaId"] != first["mediaId"]


def test_the_signature_covers_the_url_and_the_content_type(world: World) -> None:
    group = world.create()
    url = world.presign(group)["uploadUrl"]
    for wrong_url, headers in [
        (url, {"Content-Type": "image/png"}),
        (url, {}),
        (url.replace("Expires=3600", "Expires=9999"), JPEG),
        (url.replace("cup.jpg", "cap.jpg"), JPEG),
        (url[:-4] + "0000", JPEG),
    ]:
        put = world.http.put(wrong_url, content=b"x", headers=headers)
        assert (put.status_code, "<Code>SignatureDoesNotMatch</Code>" in put.text) == (403, True)
    assert "<Code>AccessDenied</Code>" in world.http.put(url.partition("?")[0], content=b"x").text
    world.switch(content_type_checked=False)
    unchecked = world.presign(group)["uploadUrl"]
    assert world.http.put(unchecked, content=b"x", headers={"Content-Type": "image/png"}).status_code == 200


def test_the_etag_is_the_md5_unless_the_bucket_is_encrypted(world: World) -> None:
    signed = world.presign(world.create())
    world.switch(etag_md5=False)
    put = world.http.put(signed["uploadUrl"], content=b"x", headers=JPEG)
    assert put.headers["ETag"] != '"9dd4e461268c8034f5c8564e155c67a6"'
    [media] = world.sandbox.groups()[0].media
    assert (media.size, media.uploads, media.sha256) == (1, 1, hashlib.sha256(b"x").hexdigest())
    assert world.sandbox.read_object(media.id) == world.sandbox.read_object(media.url) == b"x"


# -- what the pages disagree on


def test_listing_may_lag_behind(world: World) -> None:
    world.switch(listing_lag=5)
    group = world.create()
    assert world.posts() == []
    world.wait(seconds=5)
    world.schedule(group, "2026-12-02T10:00:00.000Z")
    assert [row["status"] for row in world.posts()] == ["draft"]
    world.wait(seconds=5)
    assert [row["status"] for row in world.posts()] == ["scheduled"]
    world.call("DELETE", f"delete-post/{group}")
    assert len(world.posts()) == 1
    world.wait(seconds=5)
    assert world.posts() == []


def test_listing_pages_sorts_and_filters(world: World) -> None:
    draft = world.create("linkedin-ABC")
    late, soon = world.create(time="2026-12-05T10:00:00.000Z"), world.create(time="2026-12-03T10:00:00.000Z")

    def ids(**query: str) -> list[str]:
        return [row["postGroupId"] for row in world.posts(**query)]

    assert ids() == [soon, late, draft]
    assert ids(sortOrder="asc") == [draft, late, soon]
    assert ids(sortBy="scheduledTime") == [late, soon, draft]
    assert ids(status="draft") == ids(platform="linkedin") == [draft]
    assert ids(fromDate="2026-12-04") == [late]
    assert ids(toDate="2026-12-04T00:00:00.000Z") == [soon]
    page = world.http.get("/api/v1/list-posts", params={"page": 2, "limit": 2}).json()
    assert [row["postGroupId"] for row in page["posts"]] == [draft]
    assert page["pagination"] == {
        "page": 2,
        "limit": 2,
        "totalItems": 3,
        "totalPages": 2,
        "hasNextPage": False,
        "hasPrevPage": True,
    }


def test_answers_may_carry_more_or_less(world: World) -> None:
    group = world.create()
    url = world.presign(group)["fileUrl"]
    assert set(world.call("GET", f"get-post/{group}").json()) == {"success", "postGroupId", "posts"}
    world.switch(get_post_group_fields=True, list_media_urls="rewritten")
    assert world.call("GET", f"get-post/{group}").json()["status"] == "draft"
    [[rewritten]] = [row["mediaUrls"] for row in world.posts()]
    assert rewritten != url
    world.switch(list_media_urls="absent")
    assert "mediaUrls" not in world.posts()[0]


def test_a_list_may_show_texts_escaped_or_in_short(world: World) -> None:
    text = "Fish & chips in \xe9t\xe9, " * 2
    world.create(content=text)
    assert world.posts()[0]["content"] == text
    world.switch(list_texts="escaped")
    assert world.posts()[0]["content"] == "Fish &amp; chips in e\u0301te\u0301, " * 2
    world.switch(list_texts="shortened")
    assert world.posts()[0]["content"] == f"{text[:40]}…"


def test_attaching_may_unschedule_and_scheduling_may_wait_for_the_bytes(world: World) -> None:
    world.switch(attach_to_scheduled_unschedules=True, media_not_ready=True)
    group = world.create(time="2026-12-02T10:00:00.000Z")
    url = world.presign(group)["uploadUrl"]
    assert world.status(group) == "draft"
    assert code(world.schedule(group)) == (400, "MEDIA_NOT_READY")
    world.http.put(url, content=b"x", headers=JPEG)
    assert world.schedule(group).json()["postGroup"]["status"] == "scheduled"


def test_idempotency_keys_where_understood(world: World) -> None:
    body = {"content": "x", "platforms": ["twitter-123"]}

    def send(content: str = "x", key: str = "one") -> httpx.Response:
        return world.call("POST", "create-post", {**body, "content": content}, idempotency_key=key)

    assert send().json() != send().json()
    world.switch(idempotency=True)
    assert send().json() == send().json() != send(key="two").json()
    assert code(send("y")) == (422, "IDEMPOTENCY_KEY_CONFLICT")
    world.wait(hours=24)
    assert send("y").status_code == 200
    assert len(world.sandbox.groups()) == 5


# -- plans


def test_each_limit_of_a_plan(world: World) -> None:
    plan = replace(STARTER, posts_per_month=4, pending=3, platforms_disallowed=("tiktok",))
    world.switch(plan=plan)
    body = {"content": "x", "platforms": ["tiktok-789"]}
    refused = world.call("POST", "create-post", body)
    assert (code(refused), refused.json()["disallowedPlatforms"]) == ((403, "PLATFORM_NOT_AVAILABLE"), ["tiktok"])

    three = world.create("twitter-123", "linkedin-ABC", "threads-789")
    far = world.schedule(three, "2026-12-08T08:00:01.000Z")
    assert code(far) == (403, "SCHEDULE_HORIZON_REACHED")
    assert far.json()["maxScheduledDate"] == "2026-12-08T08:00:00.000Z"
    assert world.schedule(three, "2026-12-02T08:00:00.000Z").status_code == 200

    other = world.create("twitter-123")
    full = world.schedule(other, "2026-12-02T09:00:00.000Z")
    assert code(full) == (403, "SCHEDULED_POST_LIMIT_REACHED")
    world.wait(days=1, hours=0.5)  # the three go out
    assert world.schedule(other, "2026-12-02T09:00:00.000Z").status_code == 200

    used_up = world.schedule(world.create("twitter-123"), "2026-12-02T10:00:00.000Z")
    assert code(used_up) == (403, "POST_LIMIT_REACHED")
    numbers = {name: used_up.json()[name] for name in ("limit", "used", "requested", "remaining", "planName")}
    assert numbers == {"limit": 4, "used": 4, "requested": 1, "remaining": 0, "planName": "Starter"}
    assert used_up.json()["periodStart"] == "2026-12-01T00:00:00.000Z"
    assert used_up.json()["periodEnd"] == "2027-01-01T00:00:00.000Z"

    world.switch(plan=Plan("Small", connections=2))
    assert code(world.schedule(world.create(), "2026-12-02T10:00:00.000Z")) == (403, "CONNECTIONS_OVER_LIMIT")


# -- publication


def test_posts_go_out_at_whole_ticks(world: World) -> None:
    group = world.create(time="2026-12-01T09:00:10.000Z")
    world.wait(hours=1, seconds=59)
    assert world.status(group) == "scheduled"
    world.sandbox.tick()
    assert world.status(group) == "published"
    other = world.create(time="2026-12-01T09:01:30.000Z")
    world.wait(seconds=61)
    assert world.status(other) == "published"
    assert world.sandbox.group(other).updated_at == START + timedelta(hours=1, minutes=2)


def test_one_platform_may_fail_alone(world: World) -> None:
    failure = {"code": "PLATFORM_SERVER_ERROR", "message": "503 from the platform", "platformStatusCode": 503}
    world.switch(publish_errors={"threads-789": failure})
    partial = world.create("twitter-123", "threads-789", time="2026-12-01T09:00:00.000Z")
    expired = world.create("linkedin-OLD42", time="2026-12-01T09:00:00.000Z")
    world.wait(hours=1)
    good, bad = world.call("GET", f"get-post/{partial}").json()["posts"]
    assert (good["status"], bad["status"]) == ("published", "failed")
    assert bad["error"] == {**failure, "failedAt": "2026-12-01T09:00:00.000Z", "retryable": True}
    assert world.status(partial) == "partially_published"
    [post] = world.call("GET", f"get-post/{expired}").json()["posts"]
    assert post["error"]["code"] == "PLATFORM_AUTH_EXPIRED"


def test_a_post_may_be_seen_while_it_is_being_published(world: World) -> None:
    world.switch(publish_seconds=30, delete_processing=False)
    group = world.create("twitter-123", "threads-789", time="2026-12-01T09:00:00.000Z")
    world.wait(hours=1, seconds=10)
    assert [p["status"] for p in world.call("GET", f"get-post/{group}").json()["posts"]] == ["processing", "pending"]
    refused = world.call("PUT", f"update-post/{group}", {"status": "draft"})
    assert error(refused) == (400, "Cannot update post: post is currently in processing status")
    assert world.call("DELETE", f"delete-post/{group}").status_code == 400
    world.wait(seconds=20)
    assert world.status(group) == "published"


def test_bytes_that_come_after_the_due_time_come_too_late(world: World) -> None:
    group = world.create(time="2026-12-01T08:30:00.000Z")
    url = world.presign(group)["uploadUrl"]
    world.wait(minutes=31)
    assert world.http.put(url, content=b"x", headers=JPEG).status_code == 200
    assert world.status(group) == "failed"


# -- connections and the dashboard


def test_connections_and_their_tests(world: World) -> None:
    connections = {c["platformId"]: c for c in world.call("GET", "platform-connections").json()["connections"]}
    assert {"twitter-123", "linkedin-ABC", "instagram-456", "tiktok-789", "youtube-012"} <= set(connections)
    states = {c["tokenStatus"] for c in connections.values()}
    assert states == {"valid", "expiring_soon", "expired", "unknown"}
    assert connections["facebook-1001"]["accessTokenExpiresAt"] == "2026-12-05T08:00:00.000Z"
    for platform, status in [("twitter-123", "ok"), ("linkedin-OLD42", "error"), ("telegram-1001555", "error")]:
        answer = world.call("POST", "test-connection", {"platformId": platform})
        assert (answer.status_code, answer.json()["status"]) == (200, status)


def test_a_person_in_the_dashboard(world: World) -> None:
    group = world.create()
    media = world.sandbox.dashboard_add_media(group)
    assert len(world.posts()[0]["mediaUrls"]) == 1
    world.sandbox.dashboard_delete_media(media.id)
    world.sandbox.dashboard_reschedule(group, START + timedelta(days=1))
    assert (world.posts()[0]["scheduledTime"], world.status(group)) == ("2026-12-02T08:00:00.000Z", "scheduled")
    world.sandbox.dashboard_unschedule(group)
    assert (world.posts()[0]["mediaUrls"], world.status(group)) == ([], "draft")
    world.sandbox.dashboard_delete(group)
    assert world.posts() == []
