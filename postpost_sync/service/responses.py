"""PostPost's answers: as values of ours, or as the errors that they are."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any

import httpx

from postpost_sync.model import links
from postpost_sync.model.errors import (
    Finding,
    KeyRefused,
    NotEditable,
    NotFound,
    NotReached,
    PlanLimit,
    Refused,
    Unclear,
    printable,
)
from postpost_sync.model.post import Connection
from postpost_sync.model.times import parse_service_time
from postpost_sync.model.urls import scrubbed

_WAITS_FOR_PERSON = frozenset({"PLATFORM_NOT_AVAILABLE", "CONNECTIONS_OVER_LIMIT"})
_CODE = re.compile(r"[A-Z][A-Z0-9_]{0,63}")
_SEE_THERE = "look at it at PostPost; to post the folder anew: postpost-sync retry FOLDER"
_MOST = 10**15
_MOST_SAID = 10  # errors or warnings of one answer
_NOT_READY = "MEDIA_NOT_READY"  # every byte was confirmed by the store: PostPost has yet to hear of it
_NOT_EDITABLE = frozenset({"POST_PUBLISH_IN_PROGRESS", "POST_NOT_EDITABLE"})
_REFUSED_CODES = {
    "create-post": "CREATE_REFUSED",
    "get-upload-url": "UPLOAD_REQUEST_REFUSED",
    "update-post": "SCHEDULE_REFUSED",
}


@dataclass(frozen=True, slots=True)
class Created:
    post_group_id: str
    warnings: tuple[Finding, ...] = ()  # what the service had to say besides


@dataclass(frozen=True, slots=True)
class SignedUrl:
    url: str  # secret
    file_url: str | None
    media_id: str | None
    warnings: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True)
class Updated:
    """What update-post says the group is now. The time may differ from the one that was sent."""

    status: str
    time: datetime | None
    warnings: tuple[Finding, ...] = ()


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
    no_comment: str | None = None  # why the first comment is not below it, where it was asked for
    url: str | None = None  # where it can be seen, as far as that is told


@dataclass(frozen=True, slots=True)
class Attached:
    """One media record of a group as get-post shows it, where it does. `there`: whether its bytes are, and are taken."""

    media_id: str | None
    file_name: str
    there: bool


_ELSEWHERE = "check api.base_url, and any proxy on the way to it; it is tried again by itself"
_CHECK_KEY = "check the key in PostPost's dashboard, then restart or wait"
_NO_POST = "post group not found"  # in lower case: how PostPost says that it does not know a post
_TO_A_POST = frozenset({400, 404, 422})  # what it may answer to what a post asks for
_TO_ITS_WORDS = frozenset({413, 415})  # and where these are sent along; other calls are a line long
# no post can be wrong about these
_ASKS_NOTHING = frozenset({"get-post", "delete-post", "list-posts", "platform-connections", "platform-limits"})


def judged(name: str, response: httpx.Response, body: bytes, key: str) -> dict[str, Any]:
    """The answer's object, or the error that it is. An error's text goes to people: without the key, however escaped."""
    status = response.status_code
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError):
        answer = None
    said = answer if isinstance(answer, dict) else {}
    wordless = _words(said) is None
    text = scrubbed(_reason(said) or httpx.codes.get_reason_phrase(status) or "no reason given", key)[:500]
    if response.is_success:
        if not isinstance(answer, dict):
            raise unclear(name, f"{status} with an answer that is not PostPost's", hint=_ELSEWHERE)
        if answer.get("success") is False:
            raise unclear(name, f"{status} without success: {scrubbed(_reason(said) or 'no reason given', key)[:500]}")
        return answer
    code = said.get("code") if isinstance(said.get("code"), str) else None
    if code in _NOT_EDITABLE and response.is_client_error:
        raise NotEditable(Finding("NOT_EDITABLE", f"PostPost: {text}", _SEE_THERE), status)
    if code == _NOT_READY and response.is_client_error:
        raise NotReached(Finding(_NOT_READY, f"PostPost: {text}", "it is tried again by itself"))
    if response.is_redirect or status == 511:  # a sign-in page on the way says so, too
        to = scrubbed(response.headers.get("Location", ""), key)[:200]
        raise unclear(name, f"{status} {text}{f', which leads to {to}' if to else ''}", hint=_ELSEWHERE)
    if status in (408, 409, 425, 429) or not response.is_client_error:
        raise unclear(name, f"{status} {text}", _retry_after(response) if status in (429, 503) else None)
    if status == 401 or (status == 403 and not code) or "x-postpost-user-id" in text:
        why = f"PostPost does not accept the API key: {text} ({status})"
        no_word = f"{_CHECK_KEY}; where it is right, a proxy or firewall on the way may have answered"
        raise KeyRefused(Finding("KEY_REFUSED", why, no_word if wordless else _CHECK_KEY), status)
    if status == 403:
        raise _plan_limit(str(code), text, said)
    its_own = _TO_A_POST | _TO_ITS_WORDS if name == "create-post" else _TO_A_POST
    foreign = wordless or status not in its_own or (status == 404 and _NO_POST not in text.lower())
    if foreign and not (name == "platform-limits" and status == 404):  # which PostPost may not have at all
        why = f"the answer to {name} is not PostPost's: {status} {text}"
        raise Unclear(Finding("NOT_POSTPOST", why, _ELSEWHERE))
    if status == 404:
        raise NotFound(
            Finding("NOT_AT_POSTPOST", f"PostPost does not know the post: {text} ({name})", _SEE_THERE), status
        )
    if status == 400 and "currently in" in text:
        raise NotEditable(Finding("NOT_EDITABLE", f"PostPost: {text}", _SEE_THERE), status)
    if name in _ASKS_NOTHING:
        raise unclear(name, f"{status} {text}")
    hint = "change the post accordingly, then save it again, or: postpost-sync retry FOLDER"
    if name == "get-upload-url":
        hint = f"all required fields are provided (fileName, contentType, postGroupId and type); {hint}"
    own = next((one["code"] for one in _validation(said)), code)
    code = code_of(own, _REFUSED_CODES.get(name, "REQUEST_REFUSED"))
    raise Refused(Finding(code, f"PostPost refused {name}: {text} ({status})", hint), status)


def _validation(said: Mapping[str, Any]) -> list[dict[str, Any]]:
    """What a post was refused for, one by one: `Validation failed` alone says nothing."""
    found = said.get("validation")
    errors = found.get("errors") if isinstance(found, dict) else None
    return [one for one in errors if isinstance(one, dict)][:_MOST_SAID] if isinstance(errors, list) else []


def _reason(said: Mapping[str, Any]) -> str | None:
    """Why the service says no, in its own words, with where and what to do, as far as it says so; None: not at all."""
    parts = []
    for one in _validation(said):
        where, what = plain(one.get("platform")), plain(one.get("message")) or plain(one.get("code"))
        advice = one.get("suggestions")
        more = "; ".join(filter(None, map(plain, advice))) if isinstance(advice, list) else plain(advice)
        parts.append((f"{where}: " if where else "") + (what or "no reason given") + (f" ({more})" if more else ""))
    if parts:
        return "; ".join(parts)
    field = plain(said.get("field"))
    reason = _words(said)
    return f"{reason or 'no reason given'} (field {field})" if field and field not in (reason or "") else reason


def _words(said: object, inside: int = 3) -> str | None:
    """What an error says, in whichever of the forms that are usual; None where it says nothing, or something else."""
    if not isinstance(said, dict) or not inside:  # without a bottom it is nobody's error
        return plain(said)
    return _words(said.get("message"), inside - 1) or _words(said.get("error"), inside - 1)


def warnings(said: Mapping[str, Any]) -> tuple[Finding, ...]:
    """What a success says besides, each with the service's own code in it."""
    found = said.get("warnings")
    said_besides = [one for one in found if isinstance(one, dict)][:_MOST_SAID] if isinstance(found, list) else []
    hint = "look at the post in PostPost's dashboard, if that may matter"
    return tuple(Finding("SERVICE_WARNING", f"PostPost says: {_words_of(one)}", hint) for one in said_besides)


def _words_of(warning: Mapping[str, Any]) -> str:
    code, message = code_of(warning.get("code"), ""), plain(warning.get("message"))
    text = scrubbed(message)[:300] if message else code or "there is a warning, without a word why"
    return f"{text} ({code})" if code and message else text


def _plan_limit(code: str, text: str, said: Mapping[str, Any]) -> PlanLimit:
    plan = f" (plan {scrubbed(said['planName'])[:100]})" if isinstance(said.get("planName"), str) else ""
    person = code in _WAITS_FOR_PERSON
    until = plain(said.get("periodEnd")) if code == "POST_LIMIT_REACHED" else None
    hint = "change the plan or the platforms" if person else "it goes out by itself when there is room"
    latest, limit = plain(said.get("maxScheduledDate")), said.get("limit")
    finding = Finding(code_of(code, "PLAN_LIMIT"), f"{text}{plan}", hint)
    return PlanLimit(finding, 403, until, latest=latest, limit=figure(limit))


def code_of(value: object, otherwise: str) -> str:
    """A code of the service's own, where it is one: whatever else stands there may be anything."""
    return value if isinstance(value, str) and _CODE.fullmatch(value) else otherwise


def figure(value: object) -> float | None:
    """A number that can be reckoned with; JSON carries 10**400, NaN and Infinity, too."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if -_MOST <= value <= _MOST else None


def unclear(
    name: str, why: str, retry_after: float | None = None, hint: str = "it is tried again by itself"
) -> Unclear:
    return Unclear(Finding("SERVICE_TROUBLE", f"PostPost gave no usable answer to {name}: {why}", hint), retry_after)


def _retry_after(response: httpx.Response) -> float:
    """Seconds; at least 1, at most an hour. A moment is the service's, as its `Date` is."""
    value = response.headers.get("Retry-After", "")
    try:
        seconds = float(value)
    except ValueError:
        try:
            said_at = parsedate_to_datetime(response.headers.get("Date", ""))
            seconds = (parsedate_to_datetime(value) - said_at).total_seconds()
        except (ValueError, TypeError, OverflowError, IndexError):
            return 60.0
    return min(max(seconds, 1.0), 3600.0) if seconds == seconds else 60.0


def plain(value: object) -> str | None:
    """Text that can be kept and shown: no lone surrogates, which JSON can carry and nothing else."""
    return value.encode("utf-8", "replace").decode("utf-8") if isinstance(value, str) and value else None


def listed(post: Mapping[str, Any]) -> Listed:
    platforms, media = post.get("platforms"), post.get("mediaUrls")
    return Listed(
        plain(post["postGroupId"]) or "",
        plain(post.get("content")) or "",
        (plain(post.get("status")) or "").lower(),
        parse_service_time(post.get("scheduledTime")),
        parse_service_time(post.get("createdAt")),
        tuple(map(_account, (p for p in platforms if isinstance(p, dict)))) if isinstance(platforms, list) else (),
        tuple(str(url) for url in media) if isinstance(media, list) else None,
    )


def _account(shown: Mapping[str, Any]) -> str:
    """The id of an account as it is asked for, also where the platform's own is shown, as get-post has it."""
    account, platform = plain(shown.get("platformId")) or "", plain(shown.get("platform"))
    return account if not account or not platform or account.startswith(f"{platform}-") else f"{platform}-{account}"


def platform_post(post: Mapping[str, Any]) -> PlatformPost:
    return PlatformPost(
        plain(post.get("platform")) or "",
        plain(post.get("platformId")) or "",
        (plain(post.get("status")) or "").lower(),
        plain(post.get("postedId")),
        _why_not_out(post.get("error"), failed=plain(post.get("status")) == "failed"),
        _no_comment(post.get("firstCommentResult")),
        links.told(post.get("permalink")),
    )


def _no_comment(result: object) -> str | None:
    """Why a first comment was not posted; None where it was, is still to be, or was not asked for."""
    if not isinstance(result, dict) or result.get("status") not in ("failed", "skipped"):
        return None
    error = result.get("error")
    why = (plain(error.get("message")) or plain(error.get("code"))) if isinstance(error, dict) else None
    return scrubbed(why or plain(result.get("skipReason")) or "no reason given")[:300]


def attached(media: Mapping[str, Any]) -> Attached:
    lacking = media.get("status") in ("pending", "failed") or bool(media.get("failureReason"))
    return Attached(plain(media.get("mediaId")), plain(media.get("sourceFileName")) or "", not lacking)


def _why_not_out(error: object, *, failed: bool) -> Mapping[str, Any] | None:
    """What a platform answered, safe to keep and to show. What failed says so, in whichever form that comes, or in none."""
    if not isinstance(error, dict):
        if not failed:
            return None
        error = {"message": plain(error)}
    message = scrubbed(error.get("message") or "no reason given")
    return {**error, "code": code_of(error.get("code"), "UNKNOWN_ERROR"), "message": message}


def connection(shown: Mapping[str, Any]) -> Connection:
    last = shown.get("lastError")
    name = plain(shown.get("displayName")) or plain(shown.get("username")) or ""
    return Connection(
        printable(shown["platformId"]),
        scrubbed(name),
        printable(plain(shown.get("tokenStatus")) or "unknown"),
        plain(shown.get("accessTokenExpiresAt")),
        scrubbed(last.get("message")) if isinstance(last, dict) else None,
        printable(subscription)[:100] if (subscription := plain(shown.get("subscriptionType"))) else None,
    )
