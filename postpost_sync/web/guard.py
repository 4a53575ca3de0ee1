"""Who may ask: without a token whoever is on this machine and names it, else whoever knows the token.

A page of somebody else's, opened in a browser on this machine, can be made to ask 127.0.0.1 under its own name (DNS
rebinding); so the name that is asked for counts. The token comes once in the address and is a cookie from then on, or it
comes as a bearer token, or in each address of the feed and the numbers, whose readers keep no cookies.
"""

from __future__ import annotations

import hashlib
import hmac
from http.cookies import CookieError, SimpleCookie
from urllib.parse import parse_qsl, urlencode

from starlette.datastructures import MutableHeaders
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

COOKIE = "postpost_sync"
A_YEAR = 365 * 86400
WITHOUT_COOKIES = frozenset({"/calendar.ics", "/metrics", "/healthz"})
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


class Guard:
    """Around the application. `hosts`: the names that may be asked for, None: any. `token`: None where none is needed."""

    def __init__(self, app: ASGIApp, hosts: frozenset[str] | None, token: str | None) -> None:
        self._app, self._hosts, self._token = app, hosts, token

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return  # nothing else is served

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers[name] = value
                if "Cache-Control" not in headers:
                    headers["Cache-Control"] = "no-store"
            await send(message)

        answer = self._refusal(scope) or self._app
        await answer(scope, receive, with_headers)

    def _refusal(self, scope: Scope) -> Response | None:
        headers = {name: value.decode("latin-1") for name, value in scope["headers"]}
        if scope["method"] not in ("GET", "HEAD"):
            return PlainTextResponse("only GET\n", 405, {"Allow": "GET, HEAD"})
        if self._hosts is not None and headers.get(b"host", "").lower() not in self._hosts:
            return PlainTextResponse("ask for it by the address that it listens on\n", 421)
        return self._unknown(scope, headers) if self._token is not None else None

    def _unknown(self, scope: Scope, headers: dict[bytes, str]) -> Response | None:
        token = self._token or ""
        if _same(_cookie(headers.get(b"cookie", "")), in_cookie(token)):
            return None
        kind, _, bearer = headers.get(b"authorization", "").partition(" ")
        if kind.lower() == "bearer" and _same(bearer.strip(), token):
            return None
        query = parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)
        if not _same(next((value for name, value in query if name == "token"), ""), token):
            how = "open it once with ?token=… at the end of the address\n"
            return PlainTextResponse(how, 401, {"WWW-Authenticate": "Bearer"})
        if scope["path"] in WITHOUT_COOKIES:
            return None
        rest = urlencode([(name, value) for name, value in query if name != "token"])
        # relative, for a proxy may serve it below a path; and so never to "//host", which is another host's address
        answer = RedirectResponse("./" + scope["path"].rpartition("/")[2] + (f"?{rest}" if rest else ""), 303)
        tls = headers.get(b"x-forwarded-proto") == "https"  # of a proxy before it; who lies here harms nobody else
        answer.set_cookie(COOKIE, in_cookie(token), max_age=A_YEAR, httponly=True, samesite="lax", secure=tls)
        return answer


def in_cookie(token: str) -> str:
    """What stands for the token in a cookie: who reads it there does not know the token."""
    return hmac.new(token.encode(), b"postpost-sync cookie", hashlib.sha256).hexdigest()


def _same(one: str, other: str) -> bool:
    return hmac.compare_digest(one.encode("utf-8", "replace"), other.encode())


def _cookie(header: str) -> str:
    try:
        found = SimpleCookie(header).get(COOKIE)
    except CookieError:
        return ""
    return found.value if found is not None else ""
