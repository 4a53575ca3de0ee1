"""The API beside the simulated PostPost, or beside a service that answers just so, by a clock that is turned by hand."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from postpost_sync.sandbox import Fault, FaultKind, Sandbox
from postpost_sync.service.api import PostPost
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
class ApiWorld:
    sandbox: Sandbox
    api: PostPost
    clock: Clock

    def fault(self, call: str, kind: FaultKind, **more: Any) -> None:
        self.sandbox.faults.add(Fault(call, kind, **more))

    def create(self, *platforms: str) -> str:
        return self.api.create_post("Hello", platforms or ("twitter-123",), {}).post_group_id


def answering(handler: Callable[[httpx.Request], httpx.Response]) -> PostPost:
    """The API behind a service that answers just so."""
    return PostPost(httpx.Client(transport=Answers(handler)), BASE, "sk_fake", local=Clock())


def saying(status: int, body: object = None, **headers: str) -> PostPost:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return answering(lambda _: httpx.Response(status, content=content, headers=headers))


CALLS: dict[str, Callable[..., object]] = {  # each about a post that nobody knows, or about the one that is named
    "create-post": lambda api, post=ID: api.create_post("Hello", ["twitter-123"], {}),
    "get-upload-url": lambda api, post=ID: api.get_upload_url(post, "a.jpg", "image/jpeg"),
    "update-post": lambda api, post=ID: api.schedule(post, TIME),
    "get-post": lambda api, post=ID: api.get_post(post),
    "list-posts": lambda api, post=ID: api.list_posts(1),
    "delete-post": lambda api, post=ID: api.delete_post(post),
    "platform-connections": lambda api, post=ID: api.connections(),
}
call = pytest.mark.parametrize("call", CALLS)
