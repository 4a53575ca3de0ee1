"""The sandbox itself: the API and its object store as one plain object, with a clock of its own and no sockets."""

from __future__ import annotations

import shutil
import tempfile
import threading
import weakref
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from .api import Api
from .behaviour import Behaviour
from .exchange import Exchange, identify
from .faults import Fault, FaultKind, Faults
from .publisher import advance
from .state import Call, Group, GroupRecord, Media, State
from .store import ObjectStore, StoreRefused, expired
from .wire import Hang, Refused, Request, Reset, Response, first_block, http_date, json_response, read_all, slowed


class Sandbox:
    """The PostPost API and its store, simulated. Thread-safe; `behaviour` may be replaced at any time."""

    def __init__(
        self,
        *,
        clock: Callable[[], datetime] | None = None,
        behaviour: Behaviour = Behaviour(),  # noqa: B008 - frozen, so one default is safely shared
        directory: Path | None = None,
    ) -> None:
        """`clock` gives aware times; uploaded bytes lie in a temporary folder, inside `directory` where given."""
        self.behaviour = behaviour
        self.faults = Faults()
        self.calls: list[Call] = []
        self._clock = clock or (lambda: datetime.now(UTC))
        self._lock = threading.RLock()
        folder = tempfile.mkdtemp(prefix="postpost-sandbox-", dir=directory)
        self._remove_folder = weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)
        self._store = ObjectStore(Path(folder))
        self._state = State(self._store)
        self._api = Api(self._state)

    def __enter__(self) -> Sandbox:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Remove the uploaded bytes."""
        self._remove_folder()

    @property
    def base_url(self) -> str:
        """Where the sandbox is reached; the URLs it hands out begin so."""
        return self._store.base_url

    @base_url.setter
    def base_url(self, url: str) -> None:
        self._store.base_url = url.rstrip("/")

    def now(self) -> datetime:
        """The sandbox's time, in UTC and whole milliseconds as the service keeps it."""
        moment = self._clock().astimezone(UTC)
        return moment.replace(microsecond=moment.microsecond // 1000 * 1000)

    # -- requests

    def handle(self, request: Request) -> Response:
        """Answer one request; raises Reset or Hang where the connection is to end without an answer."""
        now = self.now()
        exchange = identify(request, now, self.behaviour)
        if exchange.of_store:
            exchange.group_id = self._group_of_object(exchange.ident)
        fault = self.faults.take(exchange.name)
        status = 0
        try:
            response = self._perform(exchange) if fault is None else self._perform_with(fault, exchange)
            status = response.status
        finally:
            with self._lock:
                kind = None if fault is None else str(fault.kind)
                self.calls.append(Call(exchange.name, status, now, exchange.group_id, kind))
        return response.with_headers(Date=http_date(self.now()))

    def _perform(self, exchange: Exchange) -> Response:
        if not exchange.of_store:
            try:
                exchange.raw = read_all(exchange.request.body)
            except Refused as refused:
                return refused.response
        try:
            if exchange.name == "put-object":
                return self._put(exchange)
            with self._lock:
                exchange.now = self._advance()
                if exchange.name == "get-object":
                    return self._store.serve(exchange.ident)
                return self._api.answer(exchange)
        except StoreRefused as refused:
            return refused.response

    def _put(self, exchange: Exchange) -> Response:
        request = exchange.request
        with self._lock:
            now = self._advance()
            length = self._store.check_put(request, now, chunked_refused=exchange.behaviour.chunked_refused)
        # Bytes arrive without the lock, for other calls go on meanwhile.
        body = request.body if (rate := exchange.behaviour.store_rate) is None else slowed(request.body, rate)
        received = self._store.receive(body, length, request.header("Content-Type") or "binary/octet-stream")
        with self._lock:
            self._advance()  # what fell due while the bytes arrived went out without them
            return self._store.commit(exchange.ident, received, etag_md5=exchange.behaviour.etag_md5)

    def _perform_with(self, fault: Fault, exchange: Exchange) -> Response:
        request = exchange.request
        match fault.kind:
            case FaultKind.RESET_BEFORE:
                raise Reset(sending=False)
            case FaultKind.RESET_DURING:
                arrived = sum(len(block) for block in first_block(request.body))
                raise Reset(sending=arrived > 0)
            case FaultKind.HANG:
                raise Hang(fault.seconds)
            case FaultKind.STATUS:
                return fault.answer()
            case FaultKind.UNSUCCESSFUL:
                return json_response(200, {"success": False})
            case FaultKind.REDIRECT:
                return Response(302, {"Location": fault.location})
            case FaultKind.EXPIRE_URL | FaultKind.EARLY_403:
                early = fault.kind == FaultKind.EARLY_403
                return expired(request.parameters(), exchange.now, close=early).response
        response = self._perform(exchange)
        match fault.kind:
            case FaultKind.LOST_REPLY:
                raise Reset(sending=False)
            case FaultKind.STATUS_AFTER:
                return fault.answer()
            case FaultKind.GARBAGE if response.status < 400:
                return Response(200, {"Content-Type": "text/html"}, b"<html><body>It works!</body></html>")
            case FaultKind.EMPTY if response.status < 400:
                return Response(200)
        return self._late(exchange, response, fault.seconds)

    def _late(self, exchange: Exchange, response: Response, seconds: float) -> Response:
        if exchange.place is not None:
            with self._lock:
                self._api.idempotency.hold(exchange.place, exchange.now + timedelta(seconds=seconds))
        return Response(response.status, response.headers, response.body, delay=seconds, close=response.close)

    def _group_of_object(self, key: str) -> str | None:
        with self._lock:
            owner = self._state.owner_of_key(key)
        return None if owner is None else owner[0].id

    def _advance(self) -> datetime:
        now = self.now()
        advance(self._state, self.behaviour, now)
        return now

    # -- inspection

    def tick(self) -> None:
        """Publish what is due now, without waiting for the scheduler's next tick."""
        with self._lock:
            advance(self._state, self.behaviour, self.now(), at_once=True)

    def groups(self) -> tuple[Group, ...]:
        """Every group there is, in the order of their creation."""
        with self._lock:
            self._advance()
            return tuple(self._state.view(group) for group in self._state.groups.values())

    def group(self, group_id: str) -> Group:
        """One group; KeyError where it is not (or no longer) there."""
        with self._lock:
            self._advance()
            return self._state.view(self._state.groups[group_id])

    def deleted(self) -> tuple[str, ...]:
        """The ids of the deleted groups, in the order of their deletion."""
        with self._lock:
            return tuple(self._state.deleted)

    def count(self, name: str) -> int:
        """How many calls of that name came in, answered or not."""
        with self._lock:
            return sum(call.name == name for call in self.calls)

    def read_object(self, url_or_media_id: str) -> bytes:
        """The uploaded bytes; KeyError where there are none."""
        with self._lock:
            keys = [m.key for g in self._state.groups.values() for m in g.media if m.id == url_or_media_id]
            key = keys[0] if keys else self._store.key_of_url(url_or_media_id)
            found = self._store.find(key)
            if found is None:
                raise KeyError(url_or_media_id)
            return found.path.read_bytes()

    # -- a person in the dashboard

    def dashboard_add_media(
        self, group_id: str, file_name: str = "added.jpg", content_type: str = "image/jpeg", data: bytes = b"\xff\xd8"
    ) -> Media:
        """A person adds a picture."""
        with self._lock:
            now, group = self._advance(), self._state.groups[group_id]
            media = self._state.add_media(group, file_name, content_type, content_type.partition("/")[0], now)
            received = self._store.receive([data], len(data), content_type)
            self._store.commit(media.key, received, etag_md5=True)
            self._state.changed(group, now)
            return self._state.media_view(group_id, media)

    def dashboard_delete_media(self, media_id: str) -> None:
        """A person removes a media record from its post."""
        with self._lock:
            now = self._advance()
            for group in self._state.groups.values():
                for media in [media for media in group.media if media.id == media_id]:
                    self._state.remove_media(group, media)
                    self._state.changed(group, now)

    def dashboard_delete(self, group_id: str) -> None:
        """A person deletes the post."""
        with self._lock:
            now = self._advance()
            self._state.delete(self._state.groups[group_id], now)

    def dashboard_reschedule(self, group_id: str, time: datetime) -> None:
        """A person gives the post another time, and schedules it."""
        with self._lock:
            now, group = self._advance(), self._state.groups[group_id]
            group.scheduled_time = time.astimezone(UTC)
            self._set_status(group, "scheduled", now)

    def dashboard_unschedule(self, group_id: str) -> None:
        """A person puts the post back to draft; its time stays."""
        with self._lock:
            now, group = self._advance(), self._state.groups[group_id]
            self._set_status(group, "draft", now)

    def _set_status(self, group: GroupRecord, status: str, now: datetime) -> None:
        if group.status != status:
            group.set_status(status, now)
        self._state.changed(group, now)
