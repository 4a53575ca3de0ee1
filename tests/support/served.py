"""A database with sixty posts, and the pages that `web` makes of it, over a real socket."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx

from postpost_sync.calendar.seen import WatchRoot
from postpost_sync.model.states import State
from postpost_sync.service.connections import new_transport
from postpost_sync.store import Store
from postpost_sync.web.server import Address
from postpost_sync.web.source import Source
from tests.support import calendar_posts as posts


class Served:
    """A database with sixty posts, and the pages of it."""

    def __init__(self, place: Path) -> None:
        self.place, self.root, self.state_db = place, place / "posts", place / "state" / "state.db"
        self.root.mkdir()
        self.now = datetime.now(UTC)
        self.store = Store.open(self.state_db)
        self.records = posts.records(self.now, root=str(self.root))
        posts.stored(self.store, self.records)
        self.store.set_roots([posts.root_status(self.root, self.now)])
        self.source = Source(self.state_db, [WatchRoot(str(self.root), "Europe/Berlin")], 300.0)
        self.address = Address("127.0.0.1:0")

    def get(self, path: str, cookies: Mapping[str, str] | None = None, **more: Any) -> httpx.Response:
        # httpx.get() reads all certificates that there are, each time
        with httpx.Client(transport=new_transport(), cookies=dict(cookies or {}), timeout=20) as client:
            return client.get(f"http://127.0.0.1:{self.address.port}{path}", **more)


def of(web: Served, state: State) -> str:
    return next(one.folder_id for one in web.records if one.state is state)
