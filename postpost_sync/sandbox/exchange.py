"""One request on its way through the sandbox: which call it is, and who makes it."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from datetime import datetime

from .behaviour import KEY_ERRORS, NO_WORKSPACE, Behaviour
from .store import PREFIX, key_of
from .wire import Refused, Request

API = "/api/v1/"
_ID = re.compile(r"[0-9a-fA-F]{24}")

_PLAIN = {
    ("POST", "create-post"),
    ("POST", "get-upload-url"),
    ("GET", "list-posts"),
    ("GET", "platform-connections"),
    ("GET", "platform-limits"),
    ("POST", "test-connection"),
}
_WITH_ID = {("PUT", "update-post"), ("GET", "get-post"), ("DELETE", "delete-post"), ("GET", "post-logs")}
_STORE = {"PUT": "put-object", "GET": "get-object", "HEAD": "get-object"}

UNKNOWN = "unknown"


@dataclass
class Exchange:
    """A request with its call's name; the handlers add what they learn (`group_id`, `owner`)."""

    request: Request
    name: str
    now: datetime
    behaviour: Behaviour
    ident: str = ""
    """What the path ends in: a group's id, or an object's key."""
    raw: bytes = b""
    owner: str = ""
    group_id: str | None = None
    place: tuple[str, str, str] | None = field(default=None)
    """Where its idempotency key is kept."""

    @property
    def of_store(self) -> bool:
        """Whether it goes to the object store."""
        return self.name in ("put-object", "get-object")

    def json(self) -> dict[str, object]:
        """The body; anything but an object counts as an empty one."""
        if not self.raw.strip():
            return {}
        try:
            value = json.loads(self.raw)
        except ValueError:
            raise Refused(400, "Invalid JSON in request body") from None
        return value if isinstance(value, dict) else {}


def identify(request: Request, now: datetime, behaviour: Behaviour) -> Exchange:
    """Which call a request is."""
    if request.path.startswith(PREFIX) and request.method in _STORE:
        return Exchange(request, _STORE[request.method], now, behaviour, ident=key_of(request.path))
    if request.path.startswith(API):
        name, _, ident = request.path.removeprefix(API).strip("/").partition("/")
        if not ident and (request.method, name) in _PLAIN:
            return Exchange(request, name, now, behaviour)
        if ident and "/" not in ident and (request.method, name) in _WITH_ID:
            return Exchange(request, name, now, behaviour, ident=ident, group_id=ident if is_id(ident) else None)
    return Exchange(request, UNKNOWN, now, behaviour)


def is_id(text: str) -> bool:
    """Whether the database would take it as an id."""
    return _ID.fullmatch(text) is not None


def authenticate(exchange: Exchange) -> str:
    """The owner whose groups the call sees: the key's, or a managed user of it."""
    key, user = exchange.request.header("x-api-key"), exchange.request.header("x-postpost-user-id")
    behaviour = exchange.behaviour
    if not key:
        raise Refused(401, "API key is required")
    if behaviour.keys is not None:
        if key not in behaviour.keys:
            raise Refused(401, "Invalid API key")
        owner = behaviour.keys[key]
    else:
        for prefix, (status, error) in KEY_ERRORS.items():
            if key.startswith(prefix):
                raise Refused(status, error)
        owner = f"owner of {key}"
    if not user:
        return owner
    if not is_id(user):
        raise Refused(400, "Invalid x-postpost-user-id")
    if key.startswith(NO_WORKSPACE):
        raise Refused(403, "Workspace access is not enabled for this key")
    if behaviour.managed_users is not None and user not in behaviour.managed_users:
        raise Refused(403, "User is not managed by key")
    return f"{owner} / {user}"
