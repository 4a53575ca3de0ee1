"""What the twin product on the same code answers beyond PostPost's own pages, as switches of the sandbox."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from postpost_sync.sandbox import CONNECTIONS, TWIN, Behaviour, Connection, Sandbox, SandboxTransport

NOW = datetime(2026, 12, 1, 8, 0, tzinfo=UTC)
TIME = "2026-12-01T09:00:00.000Z"
POST = {"content": "Fresh roast", "platforms": ["twitter-123"]}


class Twin:
    """A sandbox whose clock is moved by hand, and a client of it."""

    def __init__(self, sandbox: Sandbox, http: httpx.Client) -> None:
        self.sandbox, self.http, self.now = sandbox, http, NOW

    def switch(self, **switches: Any) -> None:
        self.sandbox.behaviour = replace(self.sandbox.behaviour, **switches)

    def call(self, method: str, path: str, body: object = None) -> httpx.Response:
        return self.http.request(method, f"/api/v1/{path}", json=body)

    def create(self, **more: object) -> str:
        return str(self.call("POST", "create-post", {**POST, **more}).json()["postGroupId"])

    def publish(self, group: str) -> dict[str, Any]:
        self.call("PUT", f"update-post/{group}", {"status": "scheduled", "scheduledTime": TIME})
        self.now = NOW + timedelta(hours=2)
        return dict(self.call("GET", f"get-post/{group}").json())


@pytest.fixture
def twin() -> Iterator[Twin]:
    with Sandbox(clock=lambda: met.now, behaviour=TWIN) as sandbox:
        transport = SandboxTransport(sandbox)
        with httpx.Client(transport=transport, base_url=sandbox.base_url, headers={"x-api-key": "sk_test"}) as http:
            met = Twin(sandbox, http)
            yield met


def test_a_first_comment_is_kept_where_the_service_takes_it(twin: Twin) -> None:
    group = twin.create(firstComment={"text": "More in the shop", "platforms": ["twitter"]})
    assert twin.sandbox.group(group).first_comment == {"text": "More in the shop", "platforms": ["twitter"]}
    refused = twin.call("POST", "create-post", {**POST, "firstComment": {"text": "x", "platforms": ["tiktok"]}})
    assert refused.status_code == 400
    twin.sandbox.behaviour = Behaviour()
    assert twin.sandbox.group(twin.create(firstComment={"text": "dropped"})).first_comment is None


def test_the_limits_are_asked_for_where_there_is_such_a_call(twin: Twin) -> None:
    answer = twin.call("GET", "platform-limits").json()
    assert answer["schemaVersion"] == 1
    assert answer["platforms"]["threads"]["images"]["maxCount"] == 20
    assert answer["platforms"]["twitter"]["characters"] == {"standard": 280, "premium": 25_000}
    twin.switch(platform_limits=None)
    assert twin.call("GET", "platform-limits").status_code == 404


def test_scheduling_is_refused_with_each_error_by_itself(twin: Twin) -> None:
    error = {"code": "CONTENT_TOO_LONG", "message": "Too long", "platform": "twitter", "suggestions": ["Shorten it"]}
    twin.switch(validation_errors=(error,))
    group = twin.create()
    answer = twin.call("PUT", f"update-post/{group}", {"status": "scheduled", "scheduledTime": TIME})
    assert (answer.status_code, answer.json()["error"]) == (400, "Validation failed")
    assert answer.json()["validation"]["errors"] == [error]
    assert twin.sandbox.group(group).status == "draft"


def test_an_unknown_setting_and_an_account_that_stands_twice_make_nothing(twin: Twin) -> None:
    unknown = twin.call("POST", "create-post", {**POST, "platformSettings": {"twitter": {"colour": "red"}}})
    assert unknown.status_code == 400
    assert (unknown.json()["code"], unknown.json()["field"]) == (
        "PLATFORM_SETTING_UNKNOWN",
        "platformSettings.twitter.colour",
    )
    twice = twin.call("POST", "create-post", {**POST, "platforms": ["twitter-123", "twitter-123"]})
    assert twice.json()["error"] == "Platforms must not contain duplicates"
    assert twin.sandbox.groups() == ()


@pytest.mark.parametrize(
    ("error", "posted"),
    [
        ({"code": "THREAD_PARTIALLY_PUBLISHED"}, True),
        ({"code": "PUBLISH_OUTCOME_UNKNOWN"}, False),
        ({"code": "PUBLISH_OUTCOME_UNKNOWN", "postedId": "171"}, True),
        ({"code": "RATE_LIMITED"}, False),
    ],
)
def test_a_target_that_failed_may_be_partly_live(twin: Twin, error: dict[str, object], posted: bool) -> None:
    twin.switch(publish_errors={"twitter-123": error})
    (entry,) = twin.publish(twin.create())["posts"]
    assert (entry["status"], entry["error"]["code"], "postedId" in entry) == ("failed", error["code"], posted)
    assert "postedId" not in entry["error"]
    assert entry["error"]["retryable"] is (error["code"] == "RATE_LIMITED")


def test_one_account_may_have_several_entries(twin: Twin) -> None:
    twin.switch(publish_entries={"twitter-123": ("published", "failed")})
    answer = twin.publish(twin.create())
    assert [(p["platformId"], p["status"]) for p in answer["posts"]] == [("123", "published"), ("123", "failed")]
    assert answer["status"] == "partially_published"


def test_get_post_says_status_time_and_media(twin: Twin) -> None:
    group = twin.create()
    body = {"fileName": "cup.jpg", "contentType": "image/jpeg", "type": "image", "postGroupId": group}
    url = twin.call("POST", "get-upload-url", body).json()
    answer = twin.call("GET", f"get-post/{group}").json()
    assert (answer["status"], answer["scheduledTime"], answer["platforms"]) == ("draft", None, ["twitter-123"])
    named = {"mediaId": url["mediaId"], "sourceFileName": "cup.jpg", "failureReason": None}
    assert answer["media"] == [{**named, "status": "pending"}]
    twin.http.put(url["uploadUrl"], content=b"bytes", headers={"Content-Type": "image/jpeg"})
    assert twin.call("GET", f"get-post/{group}").json()["media"] == [{**named, "status": "ready"}]


def test_a_success_may_carry_warnings(twin: Twin) -> None:
    twin.switch(move_time=60)
    group = twin.create()
    answer = twin.call("PUT", f"update-post/{group}", {"status": "scheduled", "scheduledTime": TIME}).json()
    assert [warning["code"] for warning in answer["warnings"]] == ["SCHEDULED_TIME_COERCED"]


def test_what_went_out_can_not_be_edited_and_says_so_in_a_code(twin: Twin) -> None:
    group = twin.create()
    twin.publish(group)
    answer = twin.call("PUT", f"update-post/{group}", {"status": "draft"})
    assert (answer.status_code, answer.json()["code"]) == (400, "POST_NOT_EDITABLE")


def test_connections_may_name_a_subscription(twin: Twin) -> None:
    premium = Connection("twitter-9", "roastery", "Roastery", subscription="Premium")
    twin.switch(connections=(premium, CONNECTIONS[1]))
    first, second = twin.call("GET", "platform-connections").json()["connections"]
    assert first["subscriptionType"] == "Premium"
    assert "subscriptionType" not in second
