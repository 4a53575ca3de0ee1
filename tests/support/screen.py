"""A terminal that keeps what is written to it."""

from __future__ import annotations

import io

from rich.console import Console


class Screen(Console):
    """A console that remembers; no terminal unless asked for."""

    def __init__(self, width: int = 80, height: int = 24, terminal: bool = False) -> None:
        self.written = io.StringIO()
        super().__init__(
            file=self.written,
            width=width,
            height=height,
            force_terminal=terminal,
            color_system="truecolor" if terminal else None,
            _environ={},
        )

    @property
    def text(self) -> str:
        return self.written.getvalue()

    @property
    def lines(self) -> list[str]:
        return [line.strip() for line in self.text.splitlines()]
