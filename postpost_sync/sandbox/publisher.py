"""What the service does by itself as time passes: it takes the due posts and publishes them, or fails."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from .behaviour import Behaviour
from .state import Event, GroupRecord, PostResult, State, new_id
from .wire import format_time

RETRYABLE = frozenset({"RATE_LIMITED", "PLATFORM_SERVER_ERROR", "NETWORK_ERROR", "TIMEOUT_ERROR"})


def advance(state: State, behaviour: Behaviour, now: datetime, *, at_once: bool = False) -> None:
    """Bring every group to `now`. `at_once` takes what is due without waiting for the scheduler's tick."""
    for group in list(state.groups.values()):
        if group.status == "scheduled" and group.scheduled_time is not None and now >= group.scheduled_time:
            tick = behaviour.tick_after(group.scheduled_time)
            if now >= tick:
                _take(state, behaviour, group, tick)
            elif at_once:
                _take(state, behaviour, group, now)
        if group.processing_until is not None and now >= group.processing_until:
            _finish(state, behaviour, group, group.processing_until)


def _take(state: State, behaviour: Behaviour, group: GroupRecord, now: datetime) -> None:
    group.status = "processing"
    group.processing_until = now + timedelta(seconds=behaviour.publish_seconds)
    group.doomed = not all(state.stored(media) for media in group.media)
    # The posts go out one after another: while the first is under way the others are pending.
    group.posts = [replace(post, status="pending" if index else "processing") for index, post in enumerate(group.posts)]
    group.events.append(Event("processing", now))
    state.changed(group, now)


def _finish(state: State, behaviour: Behaviour, group: GroupRecord, now: datetime) -> None:
    group.posts = [
        entry for post in group.posts for entry in _entries(behaviour, _publish(behaviour, group, post, now))
    ]
    failures = sum(post.status == "failed" for post in group.posts)
    if not failures:
        group.status = "published"
    else:
        group.status = "failed" if failures == len(group.posts) else "partially_published"
    group.processing_until = None
    group.events.append(Event("status_changed", now, detail=f"processing -> {group.status}"))
    state.changed(group, now)


def _entries(behaviour: Behaviour, post: PostResult) -> list[PostResult]:
    """What get-post has of one account: one entry, or one for each part of a thread."""
    statuses = behaviour.publish_entries.get(post.platform_id)
    if statuses is None:
        return [post]
    failure = {"code": "UNKNOWN_ERROR", "message": "The platform did not accept the post", "retryable": False}
    return [
        replace(post, id=new_id(), status=status, posted_id=_posted_id(), error=None)
        if status == "published"
        else replace(post, id=new_id(), status=status, posted_id=None, error=post.error or failure)
        for status in statuses
    ]


def _posted_id() -> str:
    return str(10**17 + secrets.randbelow(9 * 10**17))


def _publish(behaviour: Behaviour, group: GroupRecord, post: PostResult, now: datetime) -> PostResult:
    group.events.append(Event("publish_attempted", now, post.platform_id))
    error = _error(behaviour, group, post)
    if error is None:
        group.events.append(Event("publish_succeeded", now, post.platform_id))
        return replace(post, status="published", posted_id=_posted_id())
    code = error.get("code", "UNKNOWN_ERROR")
    live = _posted_id() if code == "THREAD_PARTIALLY_PUBLISHED" else None
    posted_id = str(error["postedId"]) if error.get("postedId") else live
    full = {
        "code": code,
        "message": "The platform did not accept the post",
        "failedAt": format_time(now),
        "retryable": code in RETRYABLE,
        **{name: value for name, value in error.items() if name != "postedId"},
    }
    group.events.append(Event("publish_failed", now, post.platform_id, str(full["message"])))
    return replace(post, status="failed", posted_id=posted_id, error=full)


def _error(behaviour: Behaviour, group: GroupRecord, post: PostResult) -> Mapping[str, object] | None:
    if group.doomed:
        return {"code": "INVALID_CONTENT", "message": "Media file could not be downloaded"}
    if post.platform_id in behaviour.publish_errors:
        return behaviour.publish_errors[post.platform_id]
    expired = {link.platform_id for link in behaviour.connections if link.state == "expired"}
    if post.platform_id in expired:
        return {"code": "PLATFORM_AUTH_EXPIRED", "message": "The access token has expired; reconnect the account"}
    return None
