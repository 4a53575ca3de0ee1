"""What will go out of a folder, as `check` shows it before anything is sent: when, where to, with which media and words."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from postpost_sync.model.errors import printable
from postpost_sync.model.folder import MediaFile
from postpost_sync.model.post import Policy, Post
from postpost_sync.model.times import to_service
from postpost_sync.post import live_limits, preflight
from postpost_sync.post.violations import fact

Preview = Mapping[str, Any]


def preview(post: Post, policy: Policy, time: datetime | None, word: str) -> Preview:
    """The `preview` of a post in `check --json`. `word`: `now`, as soon as its media are up, or `next`, in that slot; else ""."""
    limits = live_limits.for_accounts(policy.limits, post.platforms, policy.connections)
    names = {one.platform_id: printable(one.name) for one in policy.connections or ()}
    return {
        "when": word or ("scheduled" if time else "draft"),
        "scheduled_time": to_service(time) if time else None,
        "timezone": post.timezone,
        "accounts": [
            {
                "platform_id": printable(one),
                "name": names.get(one),
                "parts": preflight.parts(post.content, one.partition("-")[0], limits),
            }
            for one in post.platforms
        ],
        "media": [_medium(file) for file in post.media],
        "content": post.content,
        "first_comment": {"text": post.first_comment.text, "platforms": list(post.first_comment.platforms)}
        if post.first_comment is not None
        else None,
    }


def _medium(file: MediaFile) -> dict[str, Any]:
    width, height, duration = (fact(file.facts, name) for name in ("width", "height", "duration"))
    return {
        "file": printable(file.name),
        "content_type": file.sent_type,  # its fitted copy's, where that is sent
        "size": file.stat.size,
        "width": int(width) if width else None,
        "height": int(height) if height else None,
        "duration": duration,
    }
