"""Records in a database."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from postpost_sync.model.folder import Stat
from postpost_sync.model.record import Group, GroupStage, Record, Upload
from postpost_sync.store import Store

NOW = datetime(2026, 12, 1, 8, 0, tzinfo=UTC)


def reopened(store: Store) -> Store:
    store.close()
    return Store.open(store.path)


def add(store: Store, path: str = "launch", root: str = "/posts", **more: Any) -> Record:
    return store.add(root, path, 7, 1, NOW, **more)


def group(stage: GroupStage = GroupStage.CREATING, content: str = "Hello", uploads: int = 0) -> Group:
    rows = tuple(Upload(at, f"{at}.jpg", f"{at}.jpg", "image/jpeg", Stat(1, 2, 3, 4, 5)) for at in range(uploads))
    return Group(0, stage, None, NOW, content, ("twitter-1",), {}, rows)
