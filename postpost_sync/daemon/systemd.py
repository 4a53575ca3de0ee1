"""Words to the service manager (systemd's notification protocol). Where there is none, nothing happens; nothing raises."""

from __future__ import annotations

import contextlib
import os
import socket
import time
from collections.abc import Mapping

from postpost_sync.model.errors import printable

SEND_WITHIN = 0.5  # seconds: a service manager that does not read must not stop the work


class ServiceManager:
    """The service manager that started this process, if one did. Safe to use from several threads."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        address = environ.get("NOTIFY_SOCKET", "")
        self._address = "\0" + address[1:] if address.startswith("@") else address
        self.watchdog_within = _watchdog(environ)
        """Seconds within which it expects each `watchdog()`; None where it does not watch."""

    @property
    def listens(self) -> bool:
        """Whether there is one."""
        return bool(self._address)

    def ready(self) -> None:
        """The start, or the reload that was announced, is over."""
        self._send("READY=1")

    def status(self, text: str) -> None:
        """One line for people, shown by `systemctl status`."""
        self._send(f"STATUS={printable(text)}")  # a line break in it would be a message of its own

    def watchdog(self) -> None:
        """Work goes on. To be called only where it does."""
        if self.watchdog_within is not None:
            self._send("WATCHDOG=1")

    def reloading(self) -> None:
        """The config is being read again; `ready()` has to follow, whatever came of it."""
        self._send(f"RELOADING=1\nMONOTONIC_USEC={time.monotonic_ns() // 1000}")

    def stopping(self) -> None:
        self._send("STOPPING=1")

    def _send(self, message: str) -> None:
        if not self._address:
            return
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
            sender.settimeout(SEND_WITHIN)
            sender.connect(self._address)
            sender.sendall(message.encode())


def _watchdog(environ: Mapping[str, str]) -> float | None:
    if environ.get("WATCHDOG_PID", str(os.getpid())) != str(os.getpid()):
        return None  # it watches another process
    microseconds = environ.get("WATCHDOG_USEC", "")
    usable = microseconds.isascii() and microseconds.isdecimal() and len(microseconds) < 19 and int(microseconds) > 0
    return int(microseconds) / 1e6 if usable else None
