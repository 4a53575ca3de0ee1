"""Keys have names, whatever the terminal sends for them; without a terminal there are none."""

from __future__ import annotations

import io
import os
import pty
import sys
import termios

import pytest

from postpost_sync.terminal.keys import Keys, named


@pytest.mark.parametrize(
    ("typed", "names"),
    [
        ("\x1b[A\x1bOB", ["up", "down"]),
        ("jk", ["down", "up"]),
        ("\x1b[5~\x1b[6~ b", ["page up", "page down", "page down", "page up"]),
        ("\x1b[H\x1b[F\x1b[1~\x1b[4~gG", ["home", "end", "home", "end", "home", "end"]),
        ("xy\x1b\x1b[Cq", ["q"]),
        ("", []),
    ],
)
def test_what_a_terminal_sends_is_named(typed: str, names: list[str]) -> None:
    assert list(named(typed)) == names


def test_without_a_terminal_there_are_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("q"))
    with Keys() as keys:
        assert (keys.there, keys.pressed(0)) == (False, [])


def test_the_terminal_is_as_it_was_afterwards(monkeypatch: pytest.MonkeyPatch) -> None:
    ours, theirs = pty.openpty()
    with open(theirs, encoding="utf-8") as file:
        monkeypatch.setattr(sys, "stdin", file)
        before = termios.tcgetattr(theirs)
        with Keys() as keys:
            assert keys.there
            os.write(ours, b"\x1b[Bq")
            assert keys.pressed(5) == ["down", "q"]
            assert keys.pressed(0) == []
        assert termios.tcgetattr(theirs) == before
    os.close(ours)
