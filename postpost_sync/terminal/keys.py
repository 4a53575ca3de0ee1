"""Keys as they are pressed, without Enter; where the input is no terminal there are none."""

from __future__ import annotations

import contextlib
import os
import select
import sys
import termios
import time
import tty
from collections.abc import Iterator
from types import TracebackType
from typing import Any, Self

_NAMES = {
    "\x1b[A": "up",
    "\x1bOA": "up",
    "k": "up",
    "\x1b[B": "down",
    "\x1bOB": "down",
    "j": "down",
    "\x1b[5~": "page up",
    "b": "page up",
    "\x1b[6~": "page down",
    " ": "page down",
    "\x1b[H": "home",
    "\x1bOH": "home",
    "\x1b[1~": "home",
    "g": "home",
    "\x1b[F": "end",
    "\x1bOF": "end",
    "\x1b[4~": "end",
    "G": "end",
    "q": "q",
}


class Keys:
    """A context manager: the terminal is as it was at its end. Ctrl-C still interrupts."""

    def __init__(self) -> None:
        self._fd: int | None = None
        self._before: list[Any] = []

    def __enter__(self) -> Self:
        with contextlib.suppress(OSError, ValueError, termios.error):  # input closed, or redirected
            if sys.stdin.isatty():
                self._before = termios.tcgetattr(sys.stdin)
                tty.setcbreak(sys.stdin)
                self._fd = sys.stdin.fileno()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._fd is not None:
            termios.tcsetattr(self._fd, termios.TCSADRAIN, self._before)

    @property
    def there(self) -> bool:
        """Whether there is somebody who may press one."""
        return self._fd is not None

    def pressed(self, within: float) -> list[str]:
        """The names of the keys that were pressed: at once where there are some, after that many seconds where not."""
        if self._fd is None:
            time.sleep(within)
            return []
        if not select.select([self._fd], [], [], within)[0]:
            return []
        try:
            typed = os.read(self._fd, 1024).decode("utf-8", "replace")
        except OSError:  # the terminal is gone
            typed = ""
        if not typed:
            time.sleep(within)
        return list(named(typed))


def named(typed: str) -> Iterator[str]:
    """The names of the keys that these characters came of; of the others none."""
    while typed:
        code = next((code for code in sorted(_NAMES, key=len, reverse=True) if typed.startswith(code)), None)
        if code is not None:
            yield _NAMES[code]
        typed = typed[len(code or " ") :]
