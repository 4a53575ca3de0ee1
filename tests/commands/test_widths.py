"""What the commands print on a screen of any width: nothing is wider than it but what cannot be broken."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from tests.support.drops import picture, sidecar
from tests.support.rig import Rig

SOON = f"{datetime.now(UTC) + timedelta(days=9):%Y-%m-%d %H:%M}"


@pytest.fixture
def served(pp: Rig) -> Rig:
    """One of each kind: scheduled, wrong in two ways, a draft, and a long name."""
    pp.drop("launch", sidecar(platforms="[twitter-123, facebook-1001]", time=SOON), {"a.jpg": picture()})
    pp.drop("wrong", "content: '  '\nplatforms: [instagram-456]\n")
    pp.drop("draft", "content: later\nplatforms: [bluesky-harbour_coffee]\n")
    pp.drop("a name that is as long as names of folders are where people write whole sentences", "text: x\n")
    pp.run_once("60s")
    return pp


def test_nothing_is_wider_than_the_screen(served: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    commands = ("status", "status --failed", "check", "accounts", "calendar", "calendar --week", "doctor")
    for command in commands:
        for width in (40, 80, 120):
            monkeypatch.setenv("COLUMNS", str(width))
            served.output()
            served.command(*command.split())
            lines = served.output()[0].splitlines()
            assert len(lines) > 1, command
            wide = [line for line in lines if len(line) > width and " " in line.strip() and "/" not in line]
            assert wide == [], (command, width)
