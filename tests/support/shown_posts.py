"""Posts as `status --json` has them, for the tests of what is shown of them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

NOW = datetime(2026, 12, 1, 8, 0, tzinfo=UTC)
BERLIN = ZoneInfo("Europe/Berlin")
HOSTILE = "[bold]x[/bold] :smile: \x1b[31m\u202egpj.exe\n\ud800 [/] [link=file:///etc]y"
ERROR = {"code": "UNKNOWN_KEY", "message": 'post.yaml, line 3: "platfroms" is not a key', "hint": "correct it"}
BUILT_IN = {"source": "built in", "asked_at": None}
WARNING = {"code": "PREFER_JPEG", "message": "a.webp is WebP", "hint": "prefer JPEG to WebP"}


def post(folder: str, state: str, time: datetime | None = None, **more: Any) -> dict[str, Any]:
    return {
        "folder": f"/srv/posts/{folder}",
        "state": state,
        "post_group_id": None,
        "previous_post_group_ids": [],
        "scheduled_time": time.isoformat() if time else None,
        "platforms": ["twitter-123"],
        "media": [],
        "results": [],
        "error": None,
        "warnings": [],
        "retry_at": None,
        "updated_at": "2026-12-01T07:00:00.000Z",
        **more,
    }


def media(file: str, size: int, sent: int, state: str = "signed") -> dict[str, Any]:
    return {"file": file, "state": state, "size": size, "sent": sent, "media_id": None}
