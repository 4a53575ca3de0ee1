"""Pings a monitor that notices when the daemon is dead, by healthchecks.io's protocol: `/start`, plain, `/fail` with the reason.

The URL is a secret: whoever knows it can say that all is well. So no message and no error that comes out of here has it.
"""

from __future__ import annotations

from enum import StrEnum
from urllib.parse import urlsplit, urlunsplit

import httpx

from postpost_sync import __version__
from postpost_sync.model.urls import in_words

TIMEOUT = 10.0  # seconds
MOST_BODY = 10_000  # bytes; healthchecks.io keeps no more


class Ping(StrEnum):
    START = "/start"
    WELL = ""
    FAIL = "/fail"


class Monitor:
    """One monitor. `send` may be called from one thread at a time."""

    def __init__(self, url: str, transport: httpx.BaseTransport) -> None:
        self._url = urlsplit(url)
        self._client = httpx.Client(
            transport=transport,
            timeout=TIMEOUT,
            trust_env=False,
            headers={"User-Agent": f"postpost-sync/{__version__}"},
        )

    def send(self, ping: Ping, reason: str = "") -> str | None:
        """Why it did not get through, without the URL; None where it did."""
        url = urlunsplit(self._url._replace(path=self._url.path.rstrip("/") + ping))
        body = reason.encode("utf-8", "replace")[:MOST_BODY]
        try:
            with self._client.stream("POST", url, content=body) as response:  # what it says may be without end
                return None if response.is_success else f"it answered {response.status_code}"
        except httpx.TimeoutException:
            return f"it did not answer within {TIMEOUT:.0f} s"
        except (httpx.HTTPError, httpx.InvalidURL, UnicodeError, OSError) as error:
            why = in_words(error)
            secret = "://" in why or any(part in why for part in self._url.path.split("/") if part)
            return f"it cannot be reached: {type(error).__name__ if secret else why}"

    def close(self) -> None:
        self._client.close()
