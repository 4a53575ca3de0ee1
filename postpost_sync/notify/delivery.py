"""Sends messages to people, by whatever way an Apprise URL names. Decides neither what nor when.

Apprise is optional, and slow to load: it is imported when there is somebody to notify. Its URLs hold tokens: a target is
called by its service and by where its URL stands, and what Apprise says of a failure is told without any part of a URL.
"""

from __future__ import annotations

import hashlib
import inspect
import logging
import re
import threading
import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from postpost_sync.model.errors import ProgramError, printable
from postpost_sync.notify.messages import Message
from postpost_sync.packages import to_install

if TYPE_CHECKING:
    from apprise import Apprise

SEND_WITHIN = 60.0  # seconds; Apprise's own limits are for a connection and for the next byte
_PART = re.compile(r"[^A-Za-z0-9_.~+-]+")  # what stands between the parts of a URL
_SHORTEST = 4  # characters of a part that may be a secret


class Target:
    """One URL. `send` is for one thread at a time."""

    def __init__(self, where: str, url: str, service: str, apprise: Apprise) -> None:
        self.name = f"{service} ({where})"
        self.digest = hashlib.sha256(url.encode("utf-8", "surrogateescape")).hexdigest()[:16]
        self._parts = sorted(
            {part for text in (url, unquote(url)) for part in _PART.split(text) if len(part) >= _SHORTEST},
            key=len,
            reverse=True,
        )
        self._apprise = apprise
        self._sending: threading.Thread | None = None  # one that gave no answer in time

    def send(self, message: Message, within: float = SEND_WITHIN) -> str | None:
        """Why it did not get through, None where it did. Takes no longer than `within` seconds."""
        if self._sending is not None and self._sending.is_alive():
            return "there is no answer to the message before"
        answer: list[str | None] = []
        # one that is left behind, because its service never answers, must not keep the program from ending
        thread = threading.Thread(target=lambda: answer.append(self._send(message)), name="notify", daemon=True)
        thread.start()
        thread.join(within)
        if thread.is_alive():
            self._sending = thread
            return f"no answer within {within:.0f} s"
        return answer[0] if answer else "it could not be sent"

    def _send(self, message: Message) -> str | None:
        heard, logger = _Heard(), logging.getLogger("apprise")
        logger.addHandler(heard)
        try:
            sent = self._apprise.notify(message.body, message.title, notify_type=message.tone.value, body_format="text")
        except Exception as error:  # whatever a service's plugin is not prepared for
            return f"Apprise failed ({type(error).__name__})"
        finally:
            logger.removeHandler(heard)
        return None if sent else self._without_secrets(heard.said) or "the service did not take it"

    def _without_secrets(self, text: str) -> str:
        for part in self._parts:
            text = text.replace(part, "…")
        return printable(" ".join(text.split()))[:200]


class _Heard(logging.Handler):
    """The last warning that this thread's sending brings about."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self._thread = threading.get_ident()
        self.said = ""

    def emit(self, record: logging.LogRecord) -> None:
        if record.thread == self._thread:
            self.said = record.getMessage()


def targets(urls: Sequence[tuple[str, str]]) -> list[Target]:
    """A target for each (where it stands, URL). ProgramError where Apprise is missing, or does not understand one."""
    if not urls:
        return []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # Apprise loads modules that newer versions of Python lack
        return _targets(urls)


def _targets(urls: Sequence[tuple[str, str]]) -> list[Target]:
    try:
        import apprise
    except ImportError:
        raise ProgramError("notify: needs Apprise, which is not installed", to_install("apprise")) from None
    found, wrong = [], []
    options: dict[str, Any] = {"app_id": "postpost-sync", "app_desc": "postpost-sync", "async_mode": False}
    if "service_timeout" in inspect.signature(apprise.AppriseAsset).parameters:
        options["service_timeout"] = 0  # of version 2: it is kept by threads that the end of the program would wait for
    asset = apprise.AppriseAsset(**options)
    for where, url in urls:
        service = apprise.Apprise.instantiate(url, asset=asset)
        if service is None:
            wrong.append(where)
            continue
        sender = apprise.Apprise(asset=asset)
        sender.add(service)
        found.append(Target(where, url, str(service.service_name), sender))
    if wrong:
        raise ProgramError(
            f"{', '.join(wrong)}: Apprise does not understand this URL",
            "see https://appriseit.com/services for how the service's is written",
        )
    return found
