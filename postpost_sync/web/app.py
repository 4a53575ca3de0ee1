"""The addresses that `web` serves."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import re
from collections.abc import AsyncIterator, Callable
from datetime import date
from importlib.resources import files

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import ASGIApp

from postpost_sync.calendar import page
from postpost_sync.model.errors import ProgramError, printable
from postpost_sync.web import metrics
from postpost_sync.web.guard import Guard
from postpost_sync.web.source import Source

LOOK_EVERY = 0.7  # seconds between two looks at whether something changed
ALIVE_EVERY = 20  # looks without a change, after which a word says that the line still stands
MOST_LISTENERS = 100  # pages that follow at the same time
READERS = 4  # threads that look into the folders: a share that does not answer holds up no more than these
READ_WITHIN = 5.0  # seconds that a thumbnail waits for one of them
_ID = r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)


def app(source: Source, hosts: frozenset[str] | None, token: str | None) -> ASGIApp:
    """The application; `hosts` and `token` as `Guard` has them."""
    style, script, icon = (
        page.style().encode(),
        *((files(__package__) / name).read_bytes() for name in ("live.js", "icon.svg")),
    )
    served = _App(source)
    routes = [
        Route("/", served.calendar),
        Route("/post/{id}", served.post),
        Route("/thumb/{id}/{number}", served.thumbnail),
        Route("/changes", served.changes),
        Route("/calendar.ics", served.feed),
        Route("/metrics", served.metrics),
        Route("/healthz", served.health),
        Route("/calendar.css", lambda _: Response(style, media_type="text/css; charset=utf-8")),
        Route("/icon.svg", lambda _: Response(icon, media_type="image/svg+xml")),
        Route("/live.js", lambda _: Response(script, media_type="text/javascript; charset=utf-8")),
    ]
    handlers = {ProgramError: _unusable, HTTPException: _not_there}
    return Guard(Starlette(routes=routes, exception_handlers=handlers), hosts, token)  # type: ignore[arg-type]


class _App:
    """Those that are no coroutines run in threads of Starlette's, of which there are 40."""

    def __init__(self, source: Source) -> None:
        self._source, self._listening = source, 0
        self._making, self._readers = asyncio.Lock(), asyncio.Semaphore(READERS)

    async def calendar(self, request: Request) -> Response:
        first = None
        if (asked := request.query_params.get("from")) is not None:
            try:
                first = date.fromisoformat(asked) if _DAY.fullmatch(asked) else None
            except ValueError:
                first = None
            if first is None or not 1970 <= first.year < 9000:
                return PlainTextResponse("from= is a day, such as 2026-12-15\n", 400)
        return _html(request, await self._made(self._source.page, first))

    def post(self, request: Request) -> Response:
        made = self._source.post(_id(request))
        if made is None:
            raise HTTPException(404)
        return _html(request, made)

    async def thumbnail(self, request: Request) -> Response:
        folder_id, number = _id(request), request.path_params["number"]
        if not re.fullmatch(r"[0-9]{1,3}", number, re.ASCII):
            raise HTTPException(404)
        made = None
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._readers.acquire(), READ_WITHIN)
            try:
                made = await run_in_threadpool(self._source.thumbnail, folder_id, int(number))
            finally:
                self._readers.release()
        if made is None:
            return Response(_NONE, media_type="image/gif")
        kept = "private, max-age=86400" if request.query_params.get("v") else "no-cache"
        return Response(made, media_type="image/jpeg", headers={"Cache-Control": kept})

    async def feed(self, request: Request) -> Response:
        return _tagged(request, await self._made(self._source.feed), "text/calendar; charset=utf-8")

    def metrics(self, _: Request) -> Response:
        return Response(self._source.metrics(), headers={"Content-Type": metrics.CONTENT_TYPE})

    def health(self, _: Request) -> Response:
        found = self._source.ailments()
        text = "".join(f"{printable(one.message)}\n" for one in found) or "ok\n"
        return PlainTextResponse(text, 503 if found else 200)

    async def changes(self, request: Request) -> Response:
        """Server-sent events: the version of what there is to see, whenever it is another."""
        if request.method == "HEAD":
            return Response(media_type="text/event-stream")
        return StreamingResponse(self._versions(), media_type="text/event-stream")

    async def _made(self, make: Callable[..., bytes], *asked: object) -> bytes:
        """One after the other: whoever asks at the same time gets what the first one made, and there is memory for one."""
        async with self._making:
            return await run_in_threadpool(make, *asked)

    async def _versions(self) -> AsyncIterator[str]:
        if self._listening >= MOST_LISTENERS:
            return  # who gets nothing asks again in a moment; who is refused never does
        self._listening += 1
        try:
            said, quiet = "", 0
            while not self._source.ending.is_set():
                try:
                    version = await run_in_threadpool(self._source.version)
                except ProgramError:
                    version = "unusable"
                if version != said:
                    said, quiet = version, 0
                    yield f"data: {version}\n\n"
                elif quiet >= ALIVE_EVERY:
                    quiet = 0
                    yield ":\n\n"
                quiet += 1
                await asyncio.sleep(LOOK_EVERY)
        finally:
            self._listening -= 1


# a transparent GIF of one pixel
_NONE = bytes.fromhex("47494638396101000100800000000000ffffff21f90401000000002c00000000010001000002024401003b")


def _id(request: Request) -> str:
    found: str = request.path_params["id"]
    if not re.fullmatch(_ID, found):
        raise HTTPException(404)
    return found


def _html(request: Request, made: bytes) -> Response:
    return _tagged(request, made, "text/html; charset=utf-8")


def _tagged(request: Request, made: bytes, media_type: str) -> Response:
    """Not sent again where who asks has it already."""
    tag = f'"{hashlib.sha256(made).hexdigest()[:32]}"'
    headers = {"ETag": tag, "Cache-Control": "private, no-cache"}
    known = request.headers.get("If-None-Match", "").split(",")
    if tag in (one.strip().removeprefix("W/") for one in known):  # weak, where a proxy has packed it
        return Response(status_code=304, headers=headers)
    return Response(made, media_type=media_type, headers=headers)


def _unusable(_: Request, error: ProgramError) -> Response:
    return PlainTextResponse(f"{printable(error.message)}\nhint: {printable(error.hint)}\n", 503, {"Retry-After": "5"})


def _not_there(_: Request, error: HTTPException) -> Response:
    return PlainTextResponse("there is nothing here\n" if error.status_code == 404 else "no\n", error.status_code)
