"""The object store: presigned URLs that are really checked, and objects that lie in files, never in memory."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit
from xml.sax.saxutils import escape

from .wire import Request, Response

PREFIX = "/store/"
_STAMP = "%Y%m%dT%H%M%SZ"


class StoreRefused(Exception):
    """An XML error of the store."""

    def __init__(self, status: int, code: str, message: str, *, close: bool = False, **fields: str) -> None:
        super().__init__(code)
        extra = "".join(f"<{name}>{escape(value)}</{name}>" for name, value in fields.items())
        body = (
            '<?xml version="1.0" encoding="UTF-8"?>\n'
            f"<Error><Code>{code}</Code><Message>{escape(message)}</Message>{extra}"
            f"<RequestId>{secrets.token_hex(8).upper()}</RequestId></Error>"
        )
        self.response = Response(status, {"Content-Type": "application/xml"}, body.encode(), close=close)


@dataclass(frozen=True)
class StoredObject:
    """An object whose bytes have arrived whole."""

    path: Path
    content_type: str
    size: int
    md5: str
    sha256: str
    uploads: int = 1


def key_of(path: str) -> str:
    """The object's key in a request path."""
    return unquote(path.removeprefix(PREFIX))


def expired(parameters: dict[str, str], now: datetime, *, close: bool = False) -> StoreRefused:
    """The answer to a URL whose time is over."""
    lifetime = parameters.get("X-Amz-Expires", "3600")
    fields = {"X-Amz-Expires": lifetime, "ServerTime": f"{now.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"}
    ends = _ends(parameters)
    if ends is not None:
        fields["Expires"] = f"{ends:%Y-%m-%dT%H:%M:%SZ}"
    return StoreRefused(403, "AccessDenied", "Request has expired", close=close, **fields)


class ObjectStore:
    """Keys to objects. Not locked: the sandbox holds its lock, save while bytes arrive (`receive`)."""

    def __init__(self, directory: Path) -> None:
        self.base_url = "http://127.0.0.1:1"
        self._directory = directory
        self._secret = secrets.token_bytes(32)
        self._objects: dict[str, StoredObject] = {}

    def url(self, key: str) -> str:
        """The object's plain URL (`fileUrl`)."""
        return f"{self.base_url}{PREFIX}{quote(key)}"

    def presign(self, key: str, content_type: str, now: datetime, lifetime: int, *, type_signed: bool) -> str:
        """A URL that takes a PUT of the key for `lifetime` seconds, with that Content-Type where it is signed."""
        stamp = now.astimezone(UTC)
        parameters = {
            "X-Amz-Algorithm": "AWS4-HMAC-SHA256",
            "X-Amz-Credential": f"AKIASANDBOX/{stamp:%Y%m%d}/us-east-1/s3/aws4_request",
            "X-Amz-Date": f"{stamp:{_STAMP}}",
            "X-Amz-Expires": str(lifetime),
            "X-Amz-SignedHeaders": "content-type;host" if type_signed else "host",
        }
        query = urlencode(parameters, quote_via=quote, safe="")
        signature = self._sign(key, query, content_type if type_signed else "")
        return f"{self.url(key)}?{query}&X-Amz-Signature={signature}"

    def check_put(self, request: Request, now: datetime, *, chunked_refused: bool) -> int | None:
        """Refuse a PUT by its head alone; returns the announced length."""
        parameters = request.parameters()
        if "X-Amz-Signature" not in parameters:
            raise StoreRefused(403, "AccessDenied", "Access Denied")
        ends = _ends(parameters)
        if ends is None:
            raise StoreRefused(400, "AuthorizationQueryParametersError", "Query-string authentication is malformed")
        if now >= ends:
            raise expired(parameters, now)
        type_signed = "content-type" in parameters.get("X-Amz-SignedHeaders", "").split(";")
        content_type = (request.header("Content-Type") or "") if type_signed else ""
        signature = self._sign(key_of(request.path), request.query, content_type)
        if not hmac.compare_digest(signature.encode(), parameters["X-Amz-Signature"].encode()):
            message = (
                "The request signature we calculated does not match the signature you provided. "
                "Check your key and signing method."
            )
            raise StoreRefused(403, "SignatureDoesNotMatch", message)
        length = request.header("Content-Length")
        if length is None or not length.isascii() or not length.isdigit():
            if chunked_refused:
                raise StoreRefused(411, "MissingContentLength", "You must provide the Content-Length HTTP header.")
            return None
        return int(length)

    def receive(self, body: Iterable[bytes], announced: int | None, content_type: str) -> StoredObject:
        """Stream the body into a file. A body of another length, or one that breaks off, leaves nothing behind."""
        md5, sha256, size = hashlib.md5(usedforsecurity=False), hashlib.sha256(), 0
        descriptor, name = tempfile.mkstemp(dir=self._directory)
        path = Path(name)
        try:
            with open(descriptor, "wb") as file:
                for block in body:
                    md5.update(block)
                    sha256.update(block)
                    size += len(block)
                    file.write(block)
            if announced is not None and size != announced:
                raise StoreRefused(
                    400,
                    "IncompleteBody",
                    "You did not provide the number of bytes specified by the Content-Length HTTP header.",
                    close=True,
                )
        except BaseException:
            path.unlink(missing_ok=True)
            raise
        return StoredObject(path, content_type, size, md5.hexdigest(), sha256.hexdigest())

    def commit(self, key: str, received: StoredObject, *, etag_md5: bool) -> Response:
        """Make what arrived the object of that key."""
        before = self._objects.get(key)
        if before is not None:
            before.path.unlink(missing_ok=True)
            received = StoredObject(
                received.path,
                received.content_type,
                received.size,
                received.md5,
                received.sha256,
                before.uploads + 1,
            )
        self._objects[key] = received
        return Response(200, {"ETag": f'"{received.md5 if etag_md5 else secrets.token_hex(16)}"'})

    def find(self, key: str) -> StoredObject | None:
        """The object of that key, where its bytes have arrived."""
        return self._objects.get(key)

    def serve(self, key: str) -> Response:
        """The answer to a GET of the plain URL."""
        found = self._objects.get(key)
        if found is None:
            raise StoreRefused(404, "NoSuchKey", "The specified key does not exist.", Key=key)
        return Response(200, {"Content-Type": found.content_type, "ETag": f'"{found.md5}"'}, found.path.read_bytes())

    def remove(self, key: str) -> None:
        """Drop the object, where there is one."""
        found = self._objects.pop(key, None)
        if found is not None:
            found.path.unlink(missing_ok=True)

    def key_of_url(self, url: str) -> str:
        """The key in one of our URLs."""
        return key_of(urlsplit(url).path)

    def _sign(self, key: str, query: str, content_type: str) -> str:
        signed = sorted(pair for pair in parse_qsl(query, keep_blank_values=True) if pair[0] != "X-Amz-Signature")
        text = "\n".join([key, repr(signed), content_type])
        return hmac.new(self._secret, text.encode(), hashlib.sha256).hexdigest()


def _ends(parameters: dict[str, str]) -> datetime | None:
    try:
        signed_at = datetime.strptime(parameters["X-Amz-Date"], _STAMP).replace(tzinfo=UTC)
        return signed_at + timedelta(seconds=int(parameters["X-Amz-Expires"]))
    except (KeyError, ValueError, OverflowError):
        return None
