"""The API's calls that change something: create, presign, update, delete. Each runs whole under the sandbox's lock."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import datetime, timedelta

from .exchange import Exchange, authenticate, is_id
from .idempotency import IdempotencyKeys
from .plans import check_platforms, check_schedule
from .reading import READERS
from .state import GroupRecord, MediaRecord, State
from .wire import Refused, Response, format_time, json_response, parse_time

_PLATFORM_ID = re.compile(r"[a-z]+-[a-zA-Z0-9_-]+")
_GRACE = timedelta(minutes=5)

SERVER_ERRORS = {
    "create-post": "Failed to create post group",
    "get-upload-url": "Failed to create upload URL",
    "update-post": "Failed to update post",
    "get-post": "Failed to fetch post group",
    "delete-post": "Failed to delete post group",
}


class Api:
    """The calls over the state."""

    def __init__(self, state: State) -> None:
        self._state = state
        self.idempotency = IdempotencyKeys()
        self._writers: dict[str, Callable[[Exchange], Response]] = {
            "create-post": self._create,
            "get-upload-url": self._presign,
            "update-post": self._update,
            "delete-post": self._delete,
        }

    def answer(self, exchange: Exchange) -> Response:
        """Answer one call."""
        try:
            if exchange.name not in self._writers and exchange.name not in READERS:
                return json_response(404, {"error": "Not found"})
            exchange.owner = authenticate(exchange)
            if exchange.name in READERS:
                return READERS[exchange.name](self._state, exchange, self._group)
            return self._write(exchange)
        except Refused as refused:
            return refused.response

    def _write(self, exchange: Exchange) -> Response:
        handler = self._writers[exchange.name]
        key = exchange.request.header("Idempotency-Key")
        if not (exchange.behaviour.idempotency and key and exchange.name in ("create-post", "update-post")):
            return handler(exchange)
        exchange.place = (exchange.owner, f"{exchange.name} {exchange.ident}", key)
        return self.idempotency.run(exchange.place, exchange.raw, exchange.now, lambda: handler(exchange))

    def _group(self, exchange: Exchange, ident: str) -> GroupRecord:
        if not is_id(ident):
            # The database cannot cast it, which is not caught: the trap for clients that retry every 500.
            raise Refused(500, SERVER_ERRORS.get(exchange.name, "Internal server error"))
        group = self._state.groups.get(ident.lower())
        if group is None or group.owner != exchange.owner:
            raise Refused(404, "Post group not found")
        exchange.group_id = group.id
        return group

    def _create(self, exchange: Exchange) -> Response:
        body, now = exchange.json(), exchange.now
        content = body.get("content")
        if not isinstance(content, str) or not content.strip():
            raise Refused(400, "Content is required")
        platforms = _platforms(body.get("platforms"))
        time = _wanted_time(body)
        settings = _settings(body.get("platformSettings"))
        _check_twice(exchange, platforms)
        _check_settings(exchange, settings)
        check_platforms(exchange.behaviour, self._state, exchange.owner, platforms, now)
        if time is not None:
            time = _not_past(exchange, time)
            check_schedule(exchange.behaviour, self._state, None, exchange.owner, len(platforms), time, now)
        group = self._state.create(exchange.owner, content, platforms, settings, now)
        exchange.group_id = group.id
        group.first_comment = _first_comment(exchange, body.get("firstComment"))
        if time is not None:
            group.scheduled_time = time
            group.set_status("scheduled", now)
        self._state.changed(group, now)
        warnings = self._warnings(exchange, group, _wanted_time(body))
        return json_response(200, {"success": True, "postGroupId": group.id, **warnings})

    def _presign(self, exchange: Exchange) -> Response:
        body, now, behaviour = exchange.json(), exchange.now, exchange.behaviour
        name, content_type, ident = (body.get(field) for field in ("fileName", "contentType", "postGroupId"))
        if not (name and content_type and ident):
            raise Refused(400, "fileName, contentType, and postGroupId are required")
        kind = body.get("type")
        if not (isinstance(name, str) and isinstance(content_type, str) and kind in ("image", "video")):
            raise Refused(500, SERVER_ERRORS["get-upload-url"])
        group = self._group(exchange, str(ident))
        media = self._unfinished(group, name, content_type, str(kind)) if behaviour.reissue_media else None
        if media is None:
            media = self._state.add_media(group, name, content_type, str(kind), now)
        media.signed_at = now
        if behaviour.attach_to_scheduled_unschedules and group.status == "scheduled":
            group.set_status("draft", now)
        self._state.changed(group, now)
        store = self._state.store
        upload_url = store.presign(
            media.key, content_type, now, behaviour.url_lifetime, type_signed=behaviour.content_type_checked
        )
        answer = {"uploadUrl": upload_url, "fileUrl": store.url(media.key), "mediaId": media.id}
        return json_response(200, {"success": True, **answer})

    def _unfinished(self, group: GroupRecord, name: str, content_type: str, kind: str) -> MediaRecord | None:
        for media in group.media:
            same = (media.file_name, media.content_type, media.type) == (name, content_type, kind)
            if same and not self._state.stored(media):
                return media
        return None

    def _update(self, exchange: Exchange) -> Response:
        body, now = exchange.json(), exchange.now
        status = body.get("status") or None
        if status is None and not body.get("scheduledTime"):
            raise Refused(400, "Either status or scheduledTime must be provided")
        if status not in (None, "draft", "scheduled"):
            raise Refused(400, "Status must be either 'draft' or 'scheduled'")
        wanted = _wanted_time(body)
        group = self._group(exchange, exchange.ident)
        if group.status not in ("draft", "scheduled"):
            coded: dict[str, object] = {}
            if exchange.behaviour.refusal_codes:
                going = group.status == "processing"
                coded["code"] = "POST_PUBLISH_IN_PROGRESS" if going else "POST_NOT_EDITABLE"
            status_code = 409 if coded.get("code") == "POST_PUBLISH_IN_PROGRESS" else 400
            raise Refused(status_code, f"Cannot update post: post is currently in {group.status} status", **coded)
        target = str(status or group.status)
        time = self._update_time(exchange, group, target, wanted)
        group.scheduled_time = time
        if target != group.status:
            group.set_status(target, now)
        self._state.changed(group, now)
        shown: dict[str, object] = {"_id": group.id, "status": group.status}
        if time is not None:
            shown["scheduledTime"] = format_time(time)
        answer = {"success": True, "message": "Post updated successfully", "postGroup": shown}
        return json_response(200, {**answer, **self._warnings(exchange, group, wanted)})

    def _warnings(self, exchange: Exchange, group: GroupRecord, wanted: datetime | None) -> dict[str, object]:
        if not exchange.behaviour.answer_warnings:
            return {}
        found = []
        if wanted is not None and group.scheduled_time not in (None, wanted):
            found.append({"code": "SCHEDULED_TIME_COERCED", "message": "The scheduled time was moved"})
        if not all(self._state.stored(media) for media in group.media):
            found.append({"code": "MEDIA_VALIDATION_PENDING", "message": "Some media have not been checked yet"})
        return {"warnings": found} if found else {}

    def _update_time(
        self, exchange: Exchange, group: GroupRecord, target: str, wanted: datetime | None
    ) -> datetime | None:
        behaviour, now = exchange.behaviour, exchange.now
        if target == "draft" and wanted is None:
            return group.scheduled_time
        time = _not_past(exchange, wanted or group.scheduled_time or now)
        if wanted is not None:
            time += timedelta(seconds=behaviour.move_time)
        if target == "scheduled":
            if behaviour.media_not_ready and not all(self._state.stored(media) for media in group.media):
                raise Refused(400, "Media is not ready: upload the files first", code="MEDIA_NOT_READY")
            if behaviour.validation_errors:
                errors = [dict(error) for error in behaviour.validation_errors]
                raise Refused(400, "Validation failed", validation={"errors": errors, "warnings": []})
            check_schedule(behaviour, self._state, group, exchange.owner, len(group.platforms), time, now)
        return time

    def _delete(self, exchange: Exchange) -> Response:
        group = self._group(exchange, exchange.ident)
        if group.status == "processing" and not exchange.behaviour.delete_processing:
            raise Refused(400, "Cannot delete post: post is currently in processing status")
        self._state.delete(group, exchange.now)
        return json_response(200, {"success": True})


def _platforms(value: object) -> tuple[str, ...]:
    if value is None or value == "":
        raise Refused(400, "Platforms are required")
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except ValueError:
            raise Refused(400, "Invalid platforms JSON format") from None
    if not isinstance(value, list):
        raise Refused(400, "Platforms must be an array")
    if not value:
        raise Refused(400, "At least one platform is required")
    for platform in value:
        if not isinstance(platform, str) or not _PLATFORM_ID.fullmatch(platform):
            raise Refused(400, f"Invalid platform ID format: {platform}")
    return tuple(value)


def _wanted_time(body: dict[str, object]) -> datetime | None:
    value = body.get("scheduledTime")
    if not value:
        return None
    time = parse_time(value)
    if time is None:
        raise Refused(400, "Invalid scheduled time format")
    return time


def _settings(value: object) -> dict[str, object]:
    if value is None or value == "":
        return {}
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except ValueError:
            raise Refused(400, "Invalid platformSettings JSON") from None
    if not isinstance(value, dict):
        raise Refused(400, "platformSettings must be an object")
    return value


def _check_twice(exchange: Exchange, platforms: tuple[str, ...]) -> None:
    if exchange.behaviour.refusal_codes and len(set(platforms)) < len(platforms):
        raise Refused(400, "Platforms must not contain duplicates")


def _check_settings(exchange: Exchange, settings: dict[str, object]) -> None:
    known = exchange.behaviour.settings_known
    if known is None:
        return
    for platform, values in settings.items():
        for name in values if isinstance(values, dict) else ():
            if name not in known.get(platform, ()):
                field = f"platformSettings.{platform}.{name}"
                raise Refused(400, f"Unknown platform setting: {field}", code="PLATFORM_SETTING_UNKNOWN", field=field)


def _first_comment(exchange: Exchange, value: object) -> dict[str, object] | None:
    if not exchange.behaviour.first_comment or value is None:
        return None  # what is not known is dropped silently
    if not isinstance(value, dict) or not isinstance(value.get("text"), str) or not value["text"].strip():
        raise Refused(400, "firstComment.text is required")
    platforms = value.get("platforms", [])
    if not isinstance(platforms, list) or not exchange.behaviour.first_comment.issuperset(platforms):
        raise Refused(400, "firstComment is not supported on these platforms")
    return value


def _not_past(exchange: Exchange, time: datetime) -> datetime:
    """The time, or now where it has passed."""
    if exchange.behaviour.past_time == "refuse" and exchange.now - time > _GRACE:
        raise Refused(400, "Scheduled time is in the past", code="SCHEDULED_TIME_IN_PAST")
    return max(time, exchange.now)
