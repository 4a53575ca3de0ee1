"""PostPost's API as typed calls: one method a call, and every way an answer can be wrong as one of our errors.

Nothing is retried here and nothing is decided. `clock` follows the service's own time through its `Date` header.
"""

from __future__ import annotations

import re
import time
import zlib
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, TypeGuard

import httpx

from postpost_sync.model.errors import (
    Finding,
    KeyRefused,
    NotFound,
    NotReached,
    PlanLimit,
    PostError,
    Refused,
    Unclear,
    printable,
)
from postpost_sync.model.folder import FirstComment, Settings
from postpost_sync.model.post import Connection
from postpost_sync.model.times import parse_service_time, to_service
from postpost_sync.model.urls import is_url
from postpost_sync.service import responses
from postpost_sync.service.clock import Clock, ServerClock, SystemClock
from postpost_sync.service.connections import answer_to, in_words, way_out, within
from postpost_sync.service.responses import Attached, Created, Listed, PlatformPost, SignedUrl, Updated, unclear

A_PAGE = 100  # post groups, the most that list-posts gives at once
TIMEOUT = httpx.Timeout(connect=10.0, write=30.0, read=30.0, pool=60.0)
WHOLE_CALL = 60.0  # seconds for one answer, its headers among it, however slowly it drips
MAX_ANSWER = 16 * 1024 * 1024  # bytes
_ID = re.compile(r"[0-9a-fA-F]{24}")


class PostPost:
    """The API as one account sees it. Safe to use from several threads."""

    def __init__(
        self, client: httpx.Client, base_url: str, key: str, user_id: str | None = None, local: Clock | None = None
    ) -> None:
        self._client, self._base, self._key = client, base_url.rstrip("/"), key.encode()
        self._headers = {"x-api-key": key, "Accept": "application/json"}
        self._headers["Accept-Encoding"] = "identity"  # what is packed may unpack to anything
        if user_id:
            self._headers["x-postpost-user-id"] = user_id
        self.last_connections: tuple[Connection, ...] | None = None  # as they were when they were last asked for
        self.connections_at: datetime | None = None  # when that was, in the service's time
        self.taken = 0  # how often the service answered this key; grows, and no more is meant by it
        self.shows_media: bool | None = None  # whether get-post says what a group's media are; None: not known yet
        self.clock = ServerClock(local or SystemClock())

    # --- the calls ---

    def create_post(
        self,
        content: str,
        platforms: Sequence[str],
        settings: Settings,
        idempotency_key: str | None = None,
        first_comment: FirstComment | None = None,
    ) -> Created:
        """A new draft."""
        body: dict[str, Any] = {"content": content, "platforms": list(platforms)}
        if settings:
            body["platformSettings"] = {platform: dict(values) for platform, values in settings.items()}
        if first_comment is not None:
            body["firstComment"] = {"text": first_comment.text, "platforms": list(first_comment.platforms)}
        headers = {"Idempotency-Key": idempotency_key} if idempotency_key else {}
        answer = self._call("create-post", "POST", "/create-post", json_body=body, headers=headers)
        post_group_id = answer.get("postGroupId")
        if not isinstance(post_group_id, str) or not _ID.fullmatch(post_group_id):
            raise unclear("create-post", "the answer has no post group id")
        return Created(post_group_id, responses.warnings(answer))

    def get_upload_url(self, post_group_id: str, file_name: str, content_type: str) -> SignedUrl:
        """A presigned URL; a media record comes into being in the group."""
        body = {
            "fileName": file_name,
            "contentType": content_type,
            "postGroupId": _checked(post_group_id),
            "type": content_type.partition("/")[0],
        }
        answer = self._call("get-upload-url", "POST", "/get-upload-url", json_body=body)
        url, file_url, media_id = (responses.plain(answer.get(name)) for name in ("uploadUrl", "fileUrl", "mediaId"))
        if url is None or not is_url(url):
            raise unclear("get-upload-url", "the answer has no upload URL")
        return SignedUrl(url, file_url, media_id, responses.warnings(answer))

    def schedule(self, post_group_id: str, time: datetime) -> Updated:
        return self._update(post_group_id, {"status": "scheduled", "scheduledTime": to_service(time)})

    def unschedule(self, post_group_id: str) -> Updated:
        return self._update(post_group_id, {"status": "draft"})

    def _update(self, post_group_id: str, body: Mapping[str, str]) -> Updated:
        answer = self._call("update-post", "PUT", f"/update-post/{_checked(post_group_id)}", json_body=body)
        group = answer.get("postGroup")
        if not isinstance(group, dict) or not isinstance(group.get("status"), str):
            raise unclear("update-post", "the answer does not say what the post is now")
        return Updated(
            group["status"].lower(), parse_service_time(group.get("scheduledTime")), responses.warnings(answer)
        )

    def get_post(self, post_group_id: str) -> tuple[PlatformPost, ...]:
        answer = self._get_post(post_group_id)
        posts = answer.get("posts")
        if not isinstance(posts, list) or not all(isinstance(p, dict) for p in posts):
            raise unclear("get-post", "the answer has no posts")
        return tuple(responses.platform_post(p) for p in posts)

    def media_of(self, post_group_id: str) -> tuple[Attached, ...] | None:
        """The media of a group; None where the service does not say them here."""
        media = self._get_post(post_group_id).get("media")
        return tuple(responses.attached(one) for one in media) if _are_objects(media) else None

    def _get_post(self, post_group_id: str) -> dict[str, Any]:
        answer = self._call("get-post", "GET", f"/get-post/{_checked(post_group_id)}")
        self.shows_media = _are_objects(answer.get("media"))
        return answer

    def list_posts(
        self, page: int, *, status: str | None = None, limit: int = A_PAGE, sort_by: str = "createdAt"
    ) -> tuple[tuple[Listed, ...], bool]:
        """One page of the account's groups, newest first, and whether there is another."""
        query: dict[str, str | int] = {"page": page, "limit": limit, "sortBy": sort_by, "sortOrder": "desc"}
        if status:
            query["status"] = status
        answer = self._call("list-posts", "GET", "/list-posts", query=query)
        posts, pagination = answer.get("posts"), answer.get("pagination")
        if not isinstance(posts, list):
            raise unclear("list-posts", "the answer has no posts")
        listed = [responses.listed(p) for p in posts if isinstance(p, dict) and isinstance(p.get("postGroupId"), str)]
        if posts and not any(_ID.fullmatch(one.post_group_id) for one in listed):
            raise unclear("list-posts", "no post in the answer has an id")  # what it lacks would be taken for deleted
        said = pagination.get("hasNextPage") if isinstance(pagination, dict) else None
        return tuple(listed), said if isinstance(said, bool) else len(posts) >= limit

    def delete_post(self, post_group_id: str) -> None:
        """Deleted, or no longer there."""
        try:
            answer = self._call("delete-post", "DELETE", f"/delete-post/{_checked(post_group_id)}")
        except NotFound:
            return
        if answer.get("success") is not True:
            raise unclear("delete-post", "the answer does not say that it was done")

    def connections(self) -> tuple[Connection, ...]:
        answer = self._call("platform-connections", "GET", "/platform-connections")
        found = answer.get("connections")
        if not isinstance(found, list):
            raise unclear("platform-connections", "the answer has no connections")
        connections = (c for c in found if isinstance(c, dict) and isinstance(c.get("platformId"), str))
        self.last_connections, self.connections_at = (
            tuple(responses.connection(c) for c in connections),
            self.clock.now(),
        )
        return self.last_connections

    def platform_limits(self) -> dict[str, Any] | None:
        """What each platform takes, as the service tells it; nothing where that has a form of another time.

        None where it has no such call.
        """
        try:
            answer = self._call("platform-limits", "GET", "/platform-limits")
        except NotFound:
            return None
        except PlanLimit as error:  # not about what a post asks for
            raise unclear("platform-limits", error.finding.message) from None
        told = answer.get("platforms")
        return told if answer.get("schemaVersion") == 1 and isinstance(told, dict) else {}

    # --- one call ---

    def _call(
        self,
        name: str,
        method: str,
        path: str,
        *,
        json_body: Mapping[str, Any] | None = None,
        query: Mapping[str, str | int] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> dict[str, Any]:
        asked_at, deadline = self.clock.local(), time.monotonic() + WHOLE_CALL
        try:
            with (
                within(WHOLE_CALL),
                answer_to(
                    self._client,
                    method,
                    self._base + path,
                    {**self._headers, **(headers or {})},
                    TIMEOUT,
                    json=json_body,
                    params=query,
                ) as response,
            ):
                self.clock.learn(response.headers.get("Date"), asked_at)
                body = _read(response, deadline, name)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol) as error:
            why = f"PostPost cannot be reached: {in_words(error)}"
            raise NotReached(Finding("SERVICE_UNREACHABLE", why, way_out(error))) from None
        except httpx.HTTPError as error:
            raise unclear(name, f"the connection broke: {in_words(error)}") from None
        # whatever the service echoes is shown to people
        try:
            answer = responses.judged(name, response, body.replace(self._key, b"(key)"), self._key.decode())
        except (KeyRefused, Unclear):
            raise
        except PostError:  # a no to this call, not to the key
            self.taken += 1
            raise
        self.taken += 1
        return answer


def _read(response: httpx.Response, deadline: float, name: str) -> bytes:
    """The whole answer as it came: what is packed although nobody asked for that is unpacked once, and no further than fits."""
    chunks, size = [], 0
    for chunk in response.iter_raw():
        size += len(chunk)
        if size > MAX_ANSWER:
            raise unclear(name, f"the answer is longer than {MAX_ANSWER:,} bytes")
        if time.monotonic() > deadline:
            raise unclear(name, f"the answer was not complete after {WHOLE_CALL:.0f} s")
        chunks.append(chunk)
    body, packed = b"".join(chunks), response.headers.get("Content-Encoding", "identity").strip().lower()
    if packed in ("", "identity"):
        return body
    if packed not in ("gzip", "x-gzip", "deflate"):
        raise unclear(name, "the answer is packed in a way that was not asked for")
    unpacker = zlib.decompressobj(zlib.MAX_WBITS | 32)
    try:
        plain = unpacker.decompress(body, MAX_ANSWER)
    except zlib.error:
        raise unclear(name, "the answer cannot be unpacked") from None
    if not unpacker.eof:
        raise unclear(name, "the answer is cut off, or longer than it may be when it is unpacked")
    return plain


def _are_objects(value: object) -> TypeGuard[list[dict[str, Any]]]:
    return isinstance(value, list) and all(isinstance(one, dict) for one in value)


def _checked(post_group_id: str) -> str:
    """A malformed id would be answered with 500, which looks like something to try again."""
    if not _ID.fullmatch(post_group_id):
        why = f'"{printable(post_group_id)}" is not a post group id'
        raise Refused(Finding("BAD_POST_GROUP_ID", why, "save the post again: it is made anew"), 0)
    return post_group_id
