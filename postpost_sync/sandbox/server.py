"""The sandbox behind a real HTTP/1.1 server on 127.0.0.1: bodies streamed, resets and early answers as on a network."""

from __future__ import annotations

import contextlib
import socket
import socketserver
import ssl
import struct
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from .service import Sandbox
from .wire import Hang, Request, Reset, Response

_BLOCK = 256 * 1024
_DRAIN = 64 * 1024
_IDLE = 60.0


class Server:
    """A running server; a context manager. Closing it leaves the sandbox as it is."""

    def __init__(self, sandbox: Sandbox, port: int, tls: ssl.SSLContext | None) -> None:
        self._http = _HttpServer(sandbox, port)
        self._scheme = "https" if tls else "http"
        if tls:  # each connection's own thread shakes hands
            self._http.socket = tls.wrap_socket(self._http.socket, server_side=True, do_handshake_on_connect=False)
        sandbox.base_url = self.url
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.05,), name="sandbox", daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        """`http://127.0.0.1:PORT`, or https."""
        return f"{self._scheme}://127.0.0.1:{self._http.server_address[1]}"

    @property
    def api_url(self) -> str:
        """The API's base: `http://127.0.0.1:PORT/api/v1`, or https."""
        return f"{self.url}/api/v1"

    def close(self) -> None:
        """Stop listening and end every connection, also those that hang."""
        self._http.closing.set()
        self._http.shutdown()
        self._thread.join()
        self._http.server_close()
        self._http.end_connections()

    def __enter__(self) -> Server:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def serve(sandbox: Sandbox, port: int = 0, tls: ssl.SSLContext | None = None) -> Server:
    """Start serving; port 0 takes a free one. `tls`: over https, with the certificate in it."""
    return Server(sandbox, port, tls)


class _HttpServer(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(self, sandbox: Sandbox, port: int) -> None:
        self.sandbox = sandbox
        self.closing = threading.Event()
        self._connections: set[socket.socket] = set()
        self._guard = threading.Lock()
        super().__init__(("127.0.0.1", port), _Handler)

    def server_bind(self) -> None:
        socketserver.TCPServer.server_bind(self)  # HTTPServer's own looks up the host's name, which can take seconds

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is nothing to speak of; a mistake of ours is."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)

    def register(self, connection: socket.socket) -> None:
        with self._guard:
            self._connections.add(connection)

    def forget(self, connection: socket.socket) -> None:
        with self._guard:
            self._connections.discard(connection)

    def end_connections(self) -> None:
        with self._guard:
            for connection in self._connections:
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)


class _Body:
    """A request's body on the connection: it is read only when asked for, and knows what is left."""

    def __init__(self, handler: _Handler) -> None:
        self._handler = handler
        self._chunked = "chunked" in handler.headers.get("Transfer-Encoding", "").lower()
        length = handler.headers.get("Content-Length", "0")
        self.left = int(length) if length.isascii() and length.isdigit() and not self._chunked else 0
        self._wanted = handler.headers.get("Expect", "").lower() == "100-continue"
        self._ended = not self._chunked

    @property
    def unread(self) -> bool:
        return self.left > 0 or not self._ended

    def __iter__(self) -> Iterator[bytes]:
        if self._wanted:
            self._wanted = False
            self._handler.wfile.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            self._handler.wfile.flush()
        yield from self._chunks() if self._chunked else self._plain()

    def _plain(self) -> Iterator[bytes]:
        while self.left:
            block = self._handler.rfile.read1(min(self.left, _BLOCK))
            if not block:
                raise ConnectionError("the client ended the connection")
            self.left -= len(block)
            yield block

    def _chunks(self) -> Iterator[bytes]:
        file = self._handler.rfile
        while not self._ended:
            line = file.readline(1024)
            try:
                size = int(line.partition(b";")[0], 16)
            except ValueError:
                raise ConnectionError("a broken chunk") from None
            while size:
                block = file.read1(min(size, _BLOCK))
                if not block:
                    raise ConnectionError("the client ended the connection")
                size -= len(block)
                yield block
            if line.strip().partition(b";")[0].strip(b"0"):
                file.readline(8)
                continue
            while file.readline(8192).strip():
                pass
            self._ended = True

    def drain(self) -> bool:
        """Read a small rest, so that the connection can go on; False where too much is left."""
        if not self.unread:
            return True
        if self._wanted or self._chunked or self.left > _DRAIN:
            return False
        for _ in self:
            pass
        return True


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    timeout = _IDLE
    wbufsize = -1
    server: _HttpServer

    def setup(self) -> None:
        super().setup()
        self.server.register(self.connection)

    def finish(self) -> None:
        self.server.forget(self.connection)
        with contextlib.suppress(OSError, ValueError):
            super().finish()

    def handle(self) -> None:
        with contextlib.suppress(OSError):
            super().handle()

    def log_message(self, format: str, *args: object) -> None:
        """Silent."""

    def handle_expect_100(self) -> bool:
        """`100 Continue` goes out when the body is first read, so that a refusal can come before."""
        return True

    def _answer(self) -> None:
        body = _Body(self)
        path, _, query = self.path.partition("?")
        try:
            response = self.server.sandbox.handle(Request(self.command, path, query, dict(self.headers.items()), body))
        except Reset:
            self._reset()
            return
        except Hang as hang:
            self.server.closing.wait(hang.seconds)
            self._reset()
            return
        if response.delay:
            self.server.closing.wait(response.delay)
        self._send(response, keep=not response.close and body.drain())

    do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = do_PATCH = do_OPTIONS = _answer

    def _send(self, response: Response, *, keep: bool) -> None:
        self.send_response_only(response.status)
        headers = {**response.headers, "Content-Length": str(len(response.body))}
        if not keep:
            headers["Connection"] = "close"
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(response.body)
        self.wfile.flush()
        if not keep:
            self.close_connection = True

    def _reset(self) -> None:
        # With SO_LINGER at 0 closing sends RST at once, and what is still to be sent is dropped.
        self.close_connection = True
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.server.forget(self.connection)
        # shutdown() would send a FIN first, so the descriptor itself is closed under the files on it.
        self.rfile.close()
        socket.close(self.connection.detach())
