"""PostPost's calls, as they are made: what they carry, and what comes back."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta

import httpx

from postpost_sync import __version__
from postpost_sync.service.api import PostPost
from postpost_sync.service.responses import Listed
from tests.support.answers import Answers
from tests.support.api import BASE, ID, NOW, TIME, ApiWorld


def test_a_post_on_its_whole_way(world: ApiWorld) -> None:
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


def test_the_time_that_comes_back_is_what_counts(world: ApiWorld) -> None:
    world.sandbox.behaviour = replace(world.sandbox.behaviour, move_time=300)
    assert world.api.schedule(world.create(), TIME).time == TIME + timedelta(seconds=300)


def test_the_list_is_read_in_pages_newest_first(world: ApiWorld) -> None:
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


def test_connections_say_who_they_are_and_how_their_tokens_are(world: ApiWorld) -> None:
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
