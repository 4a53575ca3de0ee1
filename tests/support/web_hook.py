"""Somebody who is notified: a web hook on this machine, as the tests of notifications need it."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from postpost_sync.notify.messages import Message, Tone
from postpost_sync.sandbox.behaviour import Behaviour, Connection
from tests.support.rig import Rig

USER, PASSWORD, TOKEN, QUERY = "canary-user", "canary-password", "CanaryToken9", "canary-query"


SECRETS = (USER, PASSWORD, TOKEN, QUERY)
WRONG = "content: x\nplatfroms: [facebook-1001]\n"
FINE = Behaviour(
    tick_seconds=1, connections=(Connection("facebook-1001", "harbourcoffee", "Harbour Coffee", "valid", 90),)
)
MESSAGE = Message("title", "body", Tone.WARNING)


class Hook:
    """A web hook. `answer` is called with each request: by default it is taken."""

    def __init__(self) -> None:
        self.messages: list[dict[str, Any]] = []
        self.answer: Callable[[BaseHTTPRequestHandler], None] = taken
        self.ended = threading.Event()
        hook = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                hook.messages.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
                hook.answer(self)

            def log_message(self, *_: object) -> None:
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *_: object) -> None:
                pass  # the other side went away

        self._server = Server(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    @property
    def url(self) -> str:
        place = f"127.0.0.1:{self._server.server_port}"
        return f"json://{USER}:{PASSWORD}@{place}/hook/{TOKEN}?+X-Key={QUERY}"

    @property
    def titles(self) -> list[str]:
        return [message["title"].removeprefix("postpost-sync: ") for message in self.messages]

    def wait_for(self, number: int, within: float = 40.0) -> None:
        ends = time.monotonic() + within
        while len(self.messages) < number and time.monotonic() < ends:
            time.sleep(0.05)
        assert len(self.messages) >= number, self.titles

    def refuse(self) -> None:
        """Nobody listens any longer."""
        self._server.shutdown()
        self._server.server_close()

    def close(self) -> None:
        self.ended.set()
        self.refuse()


def taken(request: BaseHTTPRequestHandler) -> None:
    request.send_response(200)
    request.end_headers()


def broken(request: BaseHTTPRequestHandler) -> None:
    request.send_response(500)
    request.end_headers()


def told(pp: Rig, *urls: str, digest: str = "500ms", more: str = "") -> None:
    """Configure who is told."""
    lines = "".join(f"    - '{url}'\n" for url in urls)
    pp.configure(top=f"notify:\n  digest: {digest}\n  urls:\n{lines}{more}")


def fails(hook: Hook) -> None:
    hook.answer = broken


def trickles(hook: Hook) -> None:
    """A byte now and then, for ever: no time limit of a connection notices."""

    def answer(request: BaseHTTPRequestHandler) -> None:
        request.send_response(200)
        request.send_header("Content-Length", "1000000")
        request.end_headers()
        while not hook.ended.wait(0.5):
            request.wfile.write(b" ")

    hook.answer = answer
