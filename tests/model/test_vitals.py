"""Whether the daemon does what it is there for: each reason, and none too early."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from postpost_sync.model.errors import Finding
from postpost_sync.model.program import RootState, RootStatus
from postpost_sync.model.vitals import Vitals, ailments

NOW = datetime(2026, 12, 1, 9, 0, tzinfo=UTC)
AWAY = Finding("ROOT_AWAY", "it is gone")


def root(ago: float | None = 60.0, state: RootState = RootState.OK, error: Finding | None = None) -> RootStatus:
    scanned = NOW - timedelta(seconds=ago) if ago is not None else None
    return RootStatus("/srv/posts", "native", state, error, scanned)


def codes(**more: Any) -> list[str]:
    well: dict[str, Any] = {
        "running": True,
        "roots": ["/srv/posts"],
        "statuses": [root()],
        "rescan": 300.0,
        "vitals": Vitals(keys={"/srv/posts": True}),
        "overdue": [],
        "now": NOW,
    }
    return [found.code for found in ailments(**{**well, **more})]


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({}, []),
        ({"running": False}, ["DAEMON_DOWN"]),
        ({"statuses": []}, ["NOT_SCANNED"]),
        ({"statuses": [root(None)]}, ["NOT_SCANNED"]),
        ({"statuses": [root(899)]}, []),
        ({"statuses": [root(901)]}, ["SCAN_LATE"]),
        ({"statuses": [root(901)], "rescan": 3600.0}, []),
        ({"statuses": [root(5, RootState.DEGRADED, AWAY)]}, []),
        ({"statuses": [root(5, RootState.AWAY, AWAY)]}, ["ROOT_AWAY"]),
        ({"statuses": [root(None, RootState.AWAY)]}, ["ROOT_AWAY"]),
        ({"vitals": Vitals(keys={"/srv/posts": None})}, []),
        ({"vitals": Vitals(keys={"/srv/posts": False})}, ["KEY_REFUSED"]),
        ({"overdue": ["/srv/posts/a"]}, ["OVERDUE"]),
        ({"running": False, "statuses": [], "overdue": ["/a"]}, ["DAEMON_DOWN", "NOT_SCANNED", "OVERDUE"]),
    ],
)
def test_each_reason_is_one(more: dict[str, Any], expected: list[str]) -> None:
    assert codes(**more) == expected


def test_how_long_ago_a_root_was_compared_is_said_as_people_say_it() -> None:
    (found,) = ailments(
        running=True, roots=["/srv/posts"], statuses=[root(2530)], rescan=300.0, vitals=Vitals(), overdue=[], now=NOW
    )
    assert found.message == "/srv/posts was last compared 42 minutes ago"


def test_of_many_overdue_posts_one_is_named() -> None:
    (found,) = ailments(
        running=True, roots=[], statuses=[], rescan=1.0, vitals=Vitals(), overdue=["/a", "/b", "/c"], now=NOW
    )
    assert found.message == "/a and 2 more should have been out for 10 minutes"


def test_what_was_written_down_is_read_again() -> None:
    vitals = Vitals(
        "2026-12-01T09:00:00.000Z", 7, {"create-post ok": 1}, {"/a": False}, {"/a": "no"}, (Finding("X", "y", "z"),)
    )
    assert Vitals.read(vitals.text()) == vitals


@pytest.mark.parametrize("text", [None, "", "nonsense", "[1]", "7", '{"unknown": 1}'])
def test_what_cannot_be_read_is_nothing(text: str | None) -> None:
    assert Vitals.read(text) == Vitals()
