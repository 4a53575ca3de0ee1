"""What may be done with a URL from outside, and how it may be shown: presigned ones are secrets."""

from __future__ import annotations

import ipaddress
import re
from urllib.parse import urlsplit

from postpost_sync.model.errors import printable

_QUERY = re.compile(r"""(://[^\s'"?]*)\?[^\s'"]* | \?[^\s'"]*=[^\s'"]*""", re.VERBOSE)  # of a URL, whole or in part


def is_loopback(host: str) -> bool:
    """Whether a host is this machine, where http is safe."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
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


def scrubbed(text: object) -> str:
    """Text that may hold URLs, safe to show: their queries, which carry signatures, are cut off."""
    return _QUERY.sub(r"\1?…", printable(str(text)))
