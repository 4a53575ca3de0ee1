"""What may be done with a URL from outside, and how it, and what went wrong there, may be shown: presigned ones are secrets."""

from __future__ import annotations

import html
import ipaddress
import re
from urllib.parse import unquote, urlsplit

from postpost_sync.model.errors import printable

_QUERY = re.compile(r"""(://[^\s'"?]*)\?[^\s'"]* | \?[^\s'"]*=[^\s'"]*""", re.VERBOSE)  # of a URL, whole or in part
_USER = re.compile(r"(://)[^\s/'\"?#@]+@")
# What signs a URL or opens an account, wherever it stands: a query that was broken up, a header, XML, JSON.
_SECRET = re.compile(
    r"""(signature(?:provided)?|sig|credential|security-?token|awsaccesskeyid|access[_-]?token|api[_-]?key|secret|password)
        (["']?\s*[=:>]\s*["']?)(?:[\w+/=.~%-]{20,}|(?=[\w+/=.~%-]*\d)[\w+/=.~%-]{8,})""",
    re.VERBOSE | re.IGNORECASE,
)
_SIGNATURE = re.compile(r"(?<![\w-])[0-9a-fA-F]{64,}(?![\w-])")  # a bare one, of AWS's fourth version
# what says nothing to people: numbers, and the bytes that came in place of HTTP, in which a key may be echoed
_NOT_SAID = re.compile(r"\[(?:Errno -?\d+|SSL[^\]]*)\]|\(_ssl\.c:\d+\)|:? (?:bytearray\()?b['\"].*", re.DOTALL)
# what OpenSSL means by its words
_TLS_MEANS = {
    re.compile(
        r"WRONG_VERSION_NUMBER|PACKET_LENGTH_TOO_LONG|RECORD_LAYER_FAILURE"
    ): "what answers there does not speak TLS",
    re.compile(r"UNEXPECTED_EOF|EOF occurred in violation"): "it ended too early",
}
_RUN = re.compile(r"[^\s\"'<>]+")
_ESCAPED = re.compile(r"\\(?:u([0-9a-fA-F]{4})|x([0-9a-fA-F]{2})|(/))")
_DECODED_TIMES = 6  # an error may quote an error that quotes a URL
_LONGEST = 20_000  # characters that are looked at; people are shown a twentieth


def is_loopback(host: str) -> bool:
    """Whether a host is this machine, where http is safe."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def is_url(url: str) -> bool:
    """Whether it leads anywhere on the web; no more is said of it."""
    try:
        return urlsplit(url).scheme in ("http", "https") and bool(urlsplit(url).hostname)
    except ValueError:
        return False


def is_secure(url: str) -> bool:
    """Whether bytes or a key may be sent there: https, or http to this machine."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError:
        return False
    return (
        bool(host)
        and parts.username is None
        and (parts.scheme == "https" or (parts.scheme == "http" and is_loopback(host)))
    )


def scrubbed(text: object, key: str = "") -> str:
    """Text from outside that may hold URLs, safe to show: their queries, which carry signatures, are cut off.

    However they are written: percent-encoded once or oftener, escaped as HTML or JSON. So is `key`, the API's, said as such.
    """
    shown = _RUN.sub(lambda run: _opened(run[0], key), printable(str(text)[:_LONGEST]))
    shown = _QUERY.sub(r"\1?…", _USER.sub(r"\1…@", shown))
    shown = _SIGNATURE.sub("…", _SECRET.sub(r"\1\2…", shown))
    return printable(shown.replace(key, "(key)") if key else shown)


def in_words(error: Exception) -> str:
    """What came in the way of an answer, for people."""
    said = scrubbed(error)
    if meant := next((words for told, words in _TLS_MEANS.items() if told.search(said)), None):
        return meant
    return _NOT_SAID.sub("", said).strip() or type(error).__name__


def _opened(run: str, key: str) -> str:
    """A run of characters as it is, or decoded and without its query, where it turns out to hold one or the key."""
    decoded = run
    for _ in range(_DECODED_TIMES):
        before, decoded = decoded, unquote(html.unescape(_ESCAPED.sub(_unescaped, decoded)))
        if decoded == before:
            break
    if decoded == run:
        return run
    address, query, _ = decoded.partition("?")
    if query and ("=" in decoded or "://" in address):
        return f"{address}?…"
    telling = _SECRET.search(decoded) or _SIGNATURE.search(decoded) or _USER.search(decoded) or (key and key in decoded)
    return decoded if telling else run


def _unescaped(found: re.Match[str]) -> str:
    digits = found[1] or found[2]
    return chr(int(digits, 16)) if digits else "/"
