"""A simulated account and what asks it, without folders, a database or HTTP."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from postpost_sync.sandbox import Sandbox, SandboxTransport
from postpost_sync.service.api import PostPost
from postpost_sync.service.connections import new_client

KEY = "sk_fake"


class Reached:
    """An account that is asked through `api`, at `moment`."""

    def __init__(self) -> None:
        self.moment = datetime(2026, 12, 1, 8, 0, tzinfo=UTC)
        self.sandbox = Sandbox(clock=self.now)
        self.client = new_client(SandboxTransport(self.sandbox))
        self.api = PostPost(self.client, f"{self.sandbox.base_url}/api/v1", KEY, None, self)

    def now(self) -> datetime:
        return self.moment

    def add(self, number: int, after: timedelta = timedelta(hours=1)) -> list[str]:
        """So many groups more, made that much later; their ids."""
        self.moment += after
        return [self.api.create_post(f"post {n}", ["twitter-123"], {}).post_group_id for n in range(number)]

    @property
    def pages(self) -> int:
        """How many pages of the list were asked for."""
        return self.sandbox.count("list-posts")

    def close(self) -> None:
        self.client.close()
        self.sandbox.close()
