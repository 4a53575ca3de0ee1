"""The API's calls that only read: get-post, list-posts, the connections and the log."""

from __future__ import annotations

import hashlib
import html
import unicodedata
from collections.abc import Callable, Collection
from datetime import UTC, datetime, timedelta
from typing import cast

from .behaviour import Connection
from .exchange import Exchange
from .state import Group, GroupRecord, PostResult, State
from .wire import Refused, Response, format_time, json_response, parse_day_or_time

GroupFinder = Callable[[Exchange, str], GroupRecord]

_SORT_FIELDS: dict[str, Callable[[Group], datetime | None]] = {
    "createdAt": lambda group: group.created_at,
    "updatedAt": lambda group: group.updated_at,
    "scheduledTime": lambda group: group.scheduled_time,
}
_NEVER = datetime.min.replace(tzinfo=UTC)
_SHORT = 40  # characters


def _get(state: State, exchange: Exchange, find: GroupFinder) -> Response:
    group = find(exchange, exchange.ident)
    answer: dict[str, object] = {"success": True, "postGroupId": group.id}
    if exchange.behaviour.get_post_group_fields:
        answer["status"] = group.status
        answer["scheduledTime"] = _time(group.scheduled_time)
    if exchange.behaviour.get_post_media:
        answer["platforms"] = list(group.platforms)
        answer["media"] = [
            {
                "mediaId": media.id,
                "sourceFileName": media.file_name,
                "status": "ready" if state.stored(media) else "pending",
                "failureReason": None,
            }
            for media in group.media
        ]
    posts: list[dict[str, object]] = []
    for post in group.posts:
        shown: dict[str, object] = {
            "_id": post.id,
            "platform": post.platform,
            "platformId": post.raw_id,
            "content": group.content,
            "status": post.status,
        }
        if post.posted_id is not None:
            shown["postedId"] = post.posted_id
            if exchange.behaviour.get_post_media:
                shown["permalink"] = f"https://{post.platform}.example/posts/{post.posted_id}"
        if post.error is not None:
            shown["error"] = dict(post.error)
        if exchange.behaviour.first_comment:
            shown["firstCommentResult"] = _comment_result(exchange, group, post)
        posts.append(shown)
    return json_response(200, {**answer, "posts": posts})


def _comment_result(exchange: Exchange, group: GroupRecord, post: PostResult) -> dict[str, object] | None:
    """What became of the first comment below a post that is out."""
    wanted = (group.first_comment or {}).get("platforms", exchange.behaviour.first_comment)
    if (
        group.first_comment is None
        or post.platform not in cast("Collection[str]", wanted)
        or post.status != "published"
    ):
        return None
    error = exchange.behaviour.first_comment_errors.get(post.platform_id)
    return {"status": "failed" if error else "posted", "skipReason": None, "error": dict(error) if error else None}


def _list(state: State, exchange: Exchange, find: GroupFinder) -> Response:
    query = exchange.request.parameters()
    groups = state.listed(exchange.owner, exchange.now, exchange.behaviour.listing_lag)
    if query.get("status"):
        groups = [group for group in groups if group.status == query["status"]]
    if query.get("platform"):
        groups = [group for group in groups if any(post.platform == query["platform"] for post in group.posts)]
    since, until = _date(query, "fromDate"), _date(query, "toDate")
    if since or until:
        groups = [g for g in groups if g.scheduled_time and (since or _NEVER) <= g.scheduled_time]
        groups = [g for g in groups if g.scheduled_time and (until is None or g.scheduled_time <= until)]
    field = _SORT_FIELDS.get(query.get("sortBy", ""), _SORT_FIELDS["createdAt"])
    # Newest first means also that of two made in the same millisecond the later one comes first.
    descending = query.get("sortOrder") != "asc"
    if descending:
        groups.reverse()
    groups.sort(key=lambda group: field(group) or _NEVER, reverse=descending)
    page, limit = max(1, _number(query, "page", 1)), min(100, max(1, _number(query, "limit", 20)))
    pages = -(-len(groups) // limit)
    pagination = {
        "page": page,
        "limit": limit,
        "totalItems": len(groups),
        "totalPages": pages,
        "hasNextPage": page < pages,
        "hasPrevPage": page > 1,
    }
    shown = [_row(group, exchange) for group in groups[(page - 1) * limit : page * limit]]
    return json_response(200, {"success": True, "posts": shown, "pagination": pagination})


def _text(content: str, exchange: Exchange) -> str:
    match exchange.behaviour.list_texts:
        case "escaped":
            return html.escape(unicodedata.normalize("NFD", content))
        case "shortened" if len(content) > _SHORT:
            return f"{content[:_SHORT]}…"
    return content


def _row(group: Group, exchange: Exchange) -> dict[str, object]:
    row: dict[str, object] = {
        "postGroupId": group.id,
        "content": _text(group.content, exchange),
        "status": group.status,
        "scheduledTime": _time(group.scheduled_time),
        "createdAt": format_time(group.created_at),
        "updatedAt": format_time(group.updated_at),
        "platforms": [
            {"platformId": post.platform_id, "platform": post.platform, "status": post.status} for post in group.posts
        ],
    }
    match exchange.behaviour.list_media_urls:
        case "plain":
            row["mediaUrls"] = [media.url for media in group.media]
        case "rewritten":
            row["mediaUrls"] = [_rewritten(media.url) for media in group.media]
        case "absent":
            pass
    return row


def _connections(state: State, exchange: Exchange, find: GroupFinder) -> Response:
    shown = [_connection(link, exchange.now) for link in exchange.behaviour.connections]
    return json_response(200, {"success": True, "connections": shown})


def _connection(link: Connection, now: datetime) -> dict[str, object]:
    ends = None if link.expires_in_days is None else now + timedelta(days=link.expires_in_days)
    left = None if ends is None else max(0, int((ends - now).total_seconds()))
    error = None
    if link.last_error is not None:
        error = {"message": link.last_error, "occurredAt": format_time(now - timedelta(days=1))}
    return {
        "platformId": link.platform_id,
        "username": link.username,
        "displayName": link.display_name,
        "profileImageUrl": None,
        "tokenStatus": link.state,
        "tokenExpiresIn": left,
        "accessTokenExpiresAt": _time(ends),
        "lastSuccessfulPost": format_time(now - timedelta(days=3)),
        "lastError": error,
        **({"subscriptionType": link.subscription} if link.subscription is not None else {}),
    }


def _platform_limits(state: State, exchange: Exchange, find: GroupFinder) -> Response:
    limits = exchange.behaviour.platform_limits
    if limits is None:
        raise Refused(404, "Not found")
    updated = format_time(exchange.now - timedelta(days=30))
    return json_response(
        200, {"success": True, "schemaVersion": 1, "limitsLastUpdated": updated, "platforms": dict(limits)}
    )


def _test_connection(state: State, exchange: Exchange, find: GroupFinder) -> Response:
    wanted = exchange.json().get("platformId")
    link = next((link for link in exchange.behaviour.connections if link.platform_id == wanted), None)
    if link is None:
        status, message = "error", "Connection not found"
    elif link.state == "expired":
        status, message = "error", "The access token has expired; reconnect the account"
    elif link.platform in ("bluesky", "telegram"):
        # The service has no test for these two and says so as an error: a false alarm.
        status, message = "error", f"Testing {link.platform} connections is not supported"
    else:
        status, message = "ok", "Connection is working"
    return json_response(200, {"success": True, "platformId": wanted, "status": status, "message": message})


def _logs(state: State, exchange: Exchange, find: GroupFinder) -> Response:
    group = find(exchange, exchange.ident)
    logs = [
        {
            "event": event.name,
            "timestamp": format_time(event.time),
            **({"platformId": event.platform_id} if event.platform_id else {}),
            **({"message": event.detail} if event.detail else {}),
        }
        for event in group.events[:100]
    ]
    return json_response(200, {"success": True, "postGroupId": group.id, "logs": logs})


READERS: dict[str, Callable[[State, Exchange, GroupFinder], Response]] = {
    "get-post": _get,
    "list-posts": _list,
    "platform-connections": _connections,
    "platform-limits": _platform_limits,
    "test-connection": _test_connection,
    "post-logs": _logs,
}


def _time(moment: datetime | None) -> str | None:
    return None if moment is None else format_time(moment)


def _date(query: dict[str, str], name: str) -> datetime | None:
    text = query.get(name)
    if not text:
        return None
    moment = parse_day_or_time(text)
    if moment is None:
        raise Refused(400, f"Invalid {name} format")
    return moment


def _number(query: dict[str, str], name: str, default: int) -> int:
    text = query.get(name, "")
    return int(text) if text.isascii() and text.isdigit() else default


def _rewritten(url: str) -> str:
    digest = hashlib.sha256(url.encode()).hexdigest()[:32]
    return f"https://media.postpost.example/{digest}.{url.rpartition('.')[2]}"
