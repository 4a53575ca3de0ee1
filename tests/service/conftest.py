"""What the tests of the calls share."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from postpost_sync.sandbox import Sandbox, SandboxTransport
from postpost_sync.service.api import PostPost
from tests.support.api import BASE, ApiWorld, Clock


@pytest.fixture
def world() -> Iterator[ApiWorld]:
    clock = Clock()
    with Sandbox(clock=clock.now) as sandbox, httpx.Client(transport=SandboxTransport(sandbox)) as client:
        yield ApiWorld(sandbox, PostPost(client, BASE, "sk_fake", local=clock), clock)
