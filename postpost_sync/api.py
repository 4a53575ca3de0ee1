"""PostPost's API as typed calls: one method a call, and every way an answer can be wrong as one of our errors.

Nothing is retried here and nothing is decided. `clock` follows the service's own time through its `Date` header.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from threading import Lock
from typing import Any, Protocol

import httpx

from postpost_sync import __version__
from postpost_sync.errors import (
    Finding,
    KeyRefused,
    NotEditable,
    NotFound,
    NotReached,
    PlanLimit,
    PostError,
    Refused,
    Unclear,
    printable,
)
from postpost_sync.models import Connection, Settings
from postpost_sync.times import parse_service_time, to_service
from postpost_sync.urls import scrubbed

TIMEOUT = httpx.Timeout(connect=10.0, write=30.0, read=30.0, pool=60.0)
WHOLE_CALL = 90.0  # seconds for one answer, however slowly it drips
MAX_ANSWER = 16 * 1024 * 1024  # bytes
_ID = re.compile(r"[0-9a-fA-F]{24}")
_WAITS_FOR_PERSON = frozenset({"PLATFORM_NOT_AVAILABLE", "CONNECTIONS_OVER_LIMIT"})
_REFUSED_CODES = {
    "create-post": "CREATE_REFUSED",
    "get-upload-url": "UPLOAD_REQUEST_REFUSED",
    "update-post": "SCHEDULE_REFUSED",
    "delete-post": "DELETE_REFUSED",
}


class Clock(Protocol):
    """The local time, and how far the service's is from it."""

    def now(self) -> datetime: ...


class SystemClock:
    def now(self) -> datetime:
        return datetime.now(UTC)


SKEW = timedelta(seconds=30)  # by which this machine's clock may be off without harm


class ServerClock:
    """The service's time as well as we know it: ours, corrected by the `Date` headers seen.

    Each of them says within which span the difference lies: it has whole seconds, and its answer took time. What all of
    them allow is what counts, so that a slow answer takes nothing back; one that contradicts them counts alone.
    """

    TRUSTED = timedelta(seconds=2)  # less is no difference

    def __init__(self, local: Clock) -> None:
        self._local = local
        self._lock = Lock()
        self._offset = timedelta()
        self._span = timedelta.min, timedelta.max  # within which the offset lies
        self.known = False  # whether the service was asked since the local clock last began or was set

    @property
    def offset(self) -> timedelta:
        """How far the service is ahead of this machine."""
        return self._offset

    def now(self) -> datetime:
        return self._local.now() + self._offset

    def local(self) -> datetime:
        return self._local.now()

    def learn(self, date: str | None, asked_at: datetime) -> None:
        """Take note of a `Date` header that answered a request sent at `asked_at` (local)."""
        if not date:
            return
        try:
            theirs = parsedate_to_datetime(date)
        except ValueError:
            return
        if theirs.tzinfo is None:
            theirs = theirs.replace(tzinfo=UTC)
        least, most = theirs - self._local.now(), theirs + timedelta(seconds=1) - asked_at
        with self._lock:
            before = self._span if self.known else (least, most)
            both = max(least, before[0]), min(most, before[1])
            self._span = both if both[0] <= both[1] else (least, most)
            same = self._span[0] - self.TRUSTED <= timedelta() <= self._span[1] + self.TRUSTED
            self._offset = timedelta() if same else self._span[0] + (self._span[1] - self._span[0]) / 2
            self.known = True


@dataclass(frozen=True, slots=True)
class SignedUrl:
    url: str  # secret
    file_url: str | None
    media_id: str | None


@dataclass(frozen=True, slots=True)
class Updated:
    """What update-post says the group is now. The time may differ from the one that was sent."""

    status: str
    time: datetime | None


@dataclass(frozen=True, slots=True)
class Listed:
    """One group as list-posts shows it. `media` None: it does not say."""

    post_group_id: str
    content: str
    status: str
    time: datetime | None
    created_at: datetime | None
    platforms: tuple[str, ...]
    media: tuple[str, ...] | None


@dataclass(frozen=True, slots=True)
class PlatformPost:
    """One platform's part of a group as get-post shows it."""

    platform: str
    platform_id: str
    status: str
    posted_id: str | None
    error: Mapping[str, Any] | None


class PostPost:
    """The API as one account sees it. Safe to use from several threads."""

    def __init__(
        self, client: httpx.Client, base_url: str, key: str, user_id: str | None = None, local: Clock | None = None
    ) -> None:
        self._client, self._base, self._key = client, base_url.rstrip("/"), key.encode()
        self._headers = {"x-api-key": key, "User-Agent": f"postpost-sync/{__version__}", "Accept": "application/json"}
        if user_id:
            self._headers["x-postpost-user-id"] = user_id
        self.last_connections: tuple[Connection, ...] | None = None  # as they were when they were last asked for
        self.connections_at: datetime | None = None  # when that was, in the service's time
        self.taken = 0  # how often the service answered this key; grows, and no more is meant by it
        self.clock = ServerClock(local or SystemClock())

    # --- the calls ---

    def create_post(
        self, content: str, platforms: Sequence[str], settings: Settings, idempotency_key: str | None = None
    ) -> str:
        """A new draft; its post group id."""
        body: dict[str, Any] = {"content": content, "platforms": list(platforms)}
        if settings:
            body["platformSettings"] = {platform: dict(values) for platform, values in settings.items()}
        headers = {"Idempotency-Key": idempotency_key} if idempotency_key else {}
        answer = self._call("create-post", "POST", "/create-post", json_body=body, headers=headers)
        post_group_id = answer.get("postGroupId")
        if not isinstance(post_group_id, str) or not _ID.fullmatch(post_group_id):
            raise _unclear("create-post", "the answer has no post group id")
        return post_group_id

    def get_upload_url(self, post_group_id: str, file_name: str, content_type: str) -> SignedUrl:
        """A presigned URL; a media record comes into being in the group."""
        body = {
            "fileName": file_name,
            "contentType": content_type,
            "postGroupId": _checked(post_group_id),
            "type": content_type.partition("/")[0],
        }
        answer = self._call("get-upload-url", "POST", "/get-upload-url", json_body=body)
        url = answer.get("uploadUrl")
        if not isinstance(url, str) or not url:
            raise _unclear("get-upload-url", "the answer has no upload URL")
        return SignedUrl(url, _text(answer.get("fileUrl")), _text(answer.get("mediaId")))

    def schedule(self, post_group_id: str, time: datetime) -> Updated:
        return self._update(post_group_id, {"status": "scheduled", "scheduledTime": to_service(time)})

    def unschedule(self, post_group_id: str) -> Updated:
        return self._update(post_group_id, {"status": "draft"})

    def _update(self, post_group_id: str, body: Mapping[str, str]) -> Updated:
        answer = self._call("update-post", "PUT", f"/update-post/{_checked(post_group_id)}", json_body=body)
        group = answer.get("postGroup")
        if not isinstance(group, dict) or not isinstance(group.get("status"), str):
            raise _unclear("update-post", "the answer does not say what the post is now")
        return Updated(group["status"], parse_service_time(group.get("scheduledTime")))

    def get_post(self, post_group_id: str) -> tuple[PlatformPost, ...]:
        answer = self._call("get-post", "GET", f"/get-post/{_checked(post_group_id)}")
        posts = answer.get("posts")
        if not isinstance(posts, list) or not all(isinstance(p, dict) for p in posts):
            raise _unclear("get-post", "the answer has no posts")
        return tuple(
            PlatformPost(
                _text(p.get("platform")) or "",
                _text(p.get("platformId")) or "",
                _text(p.get("status")) or "",
                _text(p.get("postedId")),
                p["error"] if isinstance(p.get("error"), dict) else None,
            )
            for p in posts
        )

    def list_posts(self, page: int, *, status: str | None = None, limit: int = 100) -> tuple[tuple[Listed, ...], bool]:
        """One page of the account's groups, newest first, and whether there is another."""
        query: dict[str, str | int] = {"page": page, "limit": limit, "sortBy": "createdAt", "sortOrder": "desc"}
        if status:
            query["status"] = status
        answer = self._call("list-posts", "GET", "/list-posts", query=query)
        posts, pagination = answer.get("posts"), answer.get("pagination")
        if not isinstance(posts, list):
            raise _unclear("list-posts", "the answer has no posts")
        more = isinstance(pagination, dict) and pagination.get("hasNextPage") is True
        return tuple(_listed(p) for p in posts if isinstance(p, dict) and isinstance(p.get("postGroupId"), str)), more

    def delete_post(self, post_group_id: str) -> None:
        """Deleted, or no longer there."""
        try:
            answer = self._call("delete-post", "DELETE", f"/delete-post/{_checked(post_group_id)}")
        except NotFound:
            return
        if answer.get("success") is not True:
            raise _unclear("delete-post", "the answer does not say that it was done")

    def connections(self) -> tuple[Connection, ...]:
        answer = self._call("platform-connections", "GET", "/platform-connections")
        found = answer.get("connections")
        if not isinstance(found, list):
            raise _unclear("platform-connections", "the answer has no connections")
        connections = (c for c in found if isinstance(c, dict) and isinstance(c.get("platformId"), str))
        self.last_connections, self.connections_at = tuple(_connection(c) for c in connections), self.clock.now()
        return self.last_connections

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
            with self._client.stream(
                method,
                self._base + path,
                json=json_body,
                params=query,
                headers={**self._headers, **(headers or {})},
                timeout=TIMEOUT,
                follow_redirects=False,
            ) as response:
                self.clock.learn(response.headers.get("Date"), asked_at)
                body = _read(response, deadline, name)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol) as error:
            why = f"PostPost cannot be reached ({type(error).__name__}): {scrubbed(error)}"
            finding = Finding("SERVICE_UNREACHABLE", why, "check the network; it is tried again by itself")
            raise NotReached(finding) from None
        except httpx.HTTPError as error:
            raise _unclear(name, f"the connection broke ({type(error).__name__})") from None
        # whatever the service echoes is shown to people
        try:
            answer = _judged(name, response, body.replace(self._key, b"(key)"), self._key.decode())
        except (KeyRefused, Unclear):
            raise
        except PostError:  # a no to this call, not to the key
            self.taken += 1
            raise
        self.taken += 1
        return answer


def _read(response: httpx.Response, deadline: float, name: str) -> bytes:
    chunks, size = [], 0
    for chunk in response.iter_bytes():
        size += len(chunk)
        if size > MAX_ANSWER:
            raise _unclear(name, f"the answer is longer than {MAX_ANSWER:,} bytes")
        if time.monotonic() > deadline:
            raise _unclear(name, f"the answer was not complete after {WHOLE_CALL:.0f} s")
        chunks.append(chunk)
    return b"".join(chunks)


def _judged(name: str, response: httpx.Response, body: bytes, key: str) -> dict[str, Any]:
    """The answer's object, or the error that it is. An error's text goes to people: without the key, however escaped."""
    status = response.status_code
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError):
        answer = None
    said = answer if isinstance(answer, dict) else {}
    text = scrubbed(said.get("message") or said.get("error") or "no reason given").replace(key, "(key)")[:500]
    if response.is_success:
        if not isinstance(answer, dict) or answer.get("success") is False:
            raise _unclear(
                name, f"{status} without success: {text}" if said else f"{status} with an answer that is not JSON"
            )
        return answer
    if status in (408, 409, 425, 429) or not response.is_client_error:
        raise _unclear(name, f"{status} {text}", _retry_after(response) if status in (429, 503) else None)
    code = said.get("code") if isinstance(said.get("code"), str) else None
    if status == 401 or (status == 403 and not code) or "x-postpost-user-id" in text:
        why = f"PostPost does not accept the API key: {text} ({status})"
        raise KeyRefused(
            Finding("KEY_REFUSED", why, "check the key in PostPost's dashboard, then restart or wait"), status
        )
    if status == 403:
        raise _plan_limit(str(code), text, said)
    if status == 404:
        raise NotFound(Finding("NOT_AT_POSTPOST", f"PostPost does not know the post: {text} ({name})"), status)
    if status == 400 and "currently in" in text:
        raise NotEditable(Finding("NOT_EDITABLE", f"PostPost: {text}"), status)
    hint = "change the post accordingly, then save it again, or: postpost-sync retry FOLDER"
    if name == "get-upload-url":
        hint = f"all required fields are provided (fileName, contentType, postGroupId and type); {hint}"
    code = _REFUSED_CODES.get(name, "REQUEST_REFUSED")
    raise Refused(Finding(code, f"PostPost refused {name}: {text} ({status})", hint), status)


def _plan_limit(code: str, text: str, said: Mapping[str, Any]) -> PlanLimit:
    plan = f" (plan {printable(str(said['planName']))})" if isinstance(said.get("planName"), str) else ""
    person = code in _WAITS_FOR_PERSON
    until = _text(said.get("periodEnd")) if code == "POST_LIMIT_REACHED" else None
    hint = "change the plan or the platforms" if person else "it goes out by itself when there is room"
    latest, limit = _text(said.get("maxScheduledDate")), said.get("limit")
    figure = float(limit) if isinstance(limit, int | float) and not isinstance(limit, bool) else None
    finding = Finding(printable(code), f"{text}{plan}", hint)
    return PlanLimit(finding, 403, until, latest=latest, limit=figure)


def _unclear(name: str, why: str, retry_after: float | None = None) -> Unclear:
    finding = Finding(
        "SERVICE_TROUBLE", f"PostPost gave no usable answer to {name}: {why}", "it is tried again by itself"
    )
    return Unclear(finding, retry_after)


def _retry_after(response: httpx.Response) -> float:
    """Seconds; at least 1, at most an hour. A moment is the service's, as its `Date` is."""
    value = response.headers.get("Retry-After", "")
    try:
        seconds = float(value)
    except ValueError:
        try:
            said_at = parsedate_to_datetime(response.headers.get("Date", ""))
            seconds = (parsedate_to_datetime(value) - said_at).total_seconds()
        except (ValueError, TypeError):
            return 60.0
    return min(max(seconds, 1.0), 3600.0) if seconds == seconds else 60.0


def _checked(post_group_id: str) -> str:
    """A malformed id would be answered with 500, which looks like something to try again."""
    if not _ID.fullmatch(post_group_id):
        raise Refused(Finding("BAD_POST_GROUP_ID", f'"{printable(post_group_id)}" is not a post group id'), 0)
    return post_group_id


def _text(value: object) -> str | None:
    """Text that can be kept and shown: no lone surrogates, which JSON can carry and nothing else."""
    return value.encode("utf-8", "replace").decode("utf-8") if isinstance(value, str) and value else None


def _listed(post: Mapping[str, Any]) -> Listed:
    platforms, media = post.get("platforms"), post.get("mediaUrls")
    return Listed(
        post["postGroupId"],
        _text(post.get("content")) or "",
        _text(post.get("status")) or "",
        parse_service_time(post.get("scheduledTime")),
        parse_service_time(post.get("createdAt")),
        tuple(_text(p.get("platformId")) or "" for p in platforms if isinstance(p, dict))
        if isinstance(platforms, list)
        else (),
        tuple(str(url) for url in media) if isinstance(media, list) else None,
    )


def _connection(connection: Mapping[str, Any]) -> Connection:
    last = connection.get("lastError")
    name = _text(connection.get("displayName")) or _text(connection.get("username")) or ""
    return Connection(
        printable(connection["platformId"]),
        printable(name),
        printable(_text(connection.get("tokenStatus")) or "unknown"),
        _text(connection.get("accessTokenExpiresAt")),
        scrubbed(last.get("message")) if isinstance(last, dict) else None,
    )
