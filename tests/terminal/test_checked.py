"""What `check`, `accounts` and `demo` say in a terminal."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from postpost_sync.model.post import Connection
from postpost_sync.model.times import for_people, to_service
from postpost_sync.terminal.checked import ahead, checked_text
from postpost_sync.terminal.tables import HeldPost, connections_table, held_table
from tests.support.screen import Screen
from tests.support.shown_posts import BERLIN, BUILT_IN, ERROR, NOW, WARNING


def test_findings_are_told_per_folder_with_counts_at_the_end() -> None:
    screen = Screen()
    good: dict[str, Any] = {"folder": "/srv/posts/a b", "errors": [], "warnings": [], "preview": None}
    warned = {"folder": "/srv/posts/b", "errors": [], "warnings": [WARNING], "preview": None}
    wrong = {"folder": "/srv/posts/c", "errors": [ERROR, ERROR], "warnings": [WARNING], "preview": None}
    checked_text([good, warned, wrong], [], BUILT_IN, screen, NOW)
    assert screen.lines == [
        '"/srv/posts/a b": ok',
        "/srv/posts/b: ok, with warnings",
        "warning PREFER_JPEG: a.webp is WebP",
        "hint: prefer JPEG to WebP",
        "/srv/posts/c",
        *['error UNKNOWN_KEY: post.yaml, line 3: "platfroms" is not a key', "hint: correct it"] * 2,
        "warning PREFER_JPEG: a.webp is WebP",
        "hint: prefer JPEG to WebP",
        "",
        "limits: those built in; PostPost was not asked for its own yet",
        "3 folders checked, 1 to correct (2 errors, 2 warnings)",
    ]


def test_what_will_go_out_is_shown_before_what_is_wrong_with_it() -> None:
    screen = Screen()
    content = "Our lineup for 2026\n\nSwipe to see all of it, since there is much " + "more " * 30
    files = [
        {
            "file": "slide 1.jpg",
            "content_type": "image/jpeg",
            "size": 183_204,
            "width": 1080,
            "height": 1350,
            "duration": None,
        },
        {
            "file": "b.mp4",
            "content_type": "video/mp4",
            "size": 12_345_678,
            "width": 720,
            "height": 1280,
            "duration": 12.4,
        },
    ]
    accounts = [
        {"platform_id": "twitter-123", "name": "Harbour", "parts": 2},
        {"platform_id": "linkedin-ABC", "name": None, "parts": 1},
    ]
    shown = {
        "when": "scheduled",
        "scheduled_time": to_service(NOW + timedelta(days=14)),
        "timezone": "Europe/Berlin",
        "accounts": accounts,
        "media": files,
        "content": content,
        "first_comment": {"text": "More in the shop", "platforms": ["twitter", "linkedin"]},
    }
    post = {"folder": "/srv/posts/a", "errors": [], "warnings": [WARNING], "preview": shown}
    expiring = {"code": "TOKEN_EXPIRING", "message": "it expires", "hint": "reconnect it"}
    checked_text([post], [expiring], {"source": "PostPost", "asked_at": to_service(NOW)}, screen, NOW)
    when = for_people(NOW + timedelta(days=14), "Europe/Berlin")
    assert screen.lines == [
        "/srv/posts/a: ok, with warnings",
        f"when   {when}, in 14 days",
        "to     twitter-123 (Harbour), as a thread of 2 parts",
        "linkedin-ABC",
        'media  1. "slide 1.jpg", 1080x1350, 183 kB',
        "2. b.mp4, 720x1280, 12 s, 12.3 MB",
        'text   "Our lineup for 2026 Swipe to see all of it,…" (215 characters)',
        'reply  "More in the shop" on twitter, linkedin',
        "warning PREFER_JPEG: a.webp is WebP",
        "hint: prefer JPEG to WebP",
        "",
        "warning TOKEN_EXPIRING: it expires",
        "hint: reconnect it",
        "limits: PostPost's own, as it told them Tue 1 Dec 2026 08:00 (UTC)",
        "1 folder checked, all ok (0 errors, 2 warnings)",
    ]


@pytest.mark.parametrize(
    ("off", "words"),
    [
        (timedelta(seconds=-5), "which has passed: it goes out at once"),
        (timedelta(seconds=20), "in 1 minute"),
        (timedelta(minutes=25), "in 25 minutes"),
        (timedelta(hours=1), "in 1 hour"),
        (timedelta(hours=7), "in 7 hours"),
        (timedelta(hours=40), "in 2 days"),
        (timedelta(days=365), "in 365 days"),
    ],
)
def test_how_far_ahead_a_time_is(off: timedelta, words: str) -> None:
    at = datetime(2026, 11, 28, 20, 0, tzinfo=UTC)
    assert ahead(at + off, at, "Europe/Berlin") == words


def test_nothing_to_check_is_said() -> None:
    screen = Screen()
    checked_text([], [], BUILT_IN, screen, NOW)
    assert screen.lines[0] == "no post folders here: nothing to check"


@pytest.mark.parametrize(
    ("status", "days", "words"),
    [
        ("expired", -12.5, "expired 12 days ago"),
        ("expired", None, "expired"),
        ("expiring_soon", 4.2, "expires soon: in 4 days"),
        ("valid", 41.5, "valid, ends in 41 days"),
        ("valid", 0.9, "valid, ends within a day"),
        ("valid", -2, "its time has passed, it may have expired"),
        ("valid", None, "valid"),
        ("unknown", None, "unknown"),
    ],
)
def test_token_health_is_said_in_words(status: str, days: float | None, words: str) -> None:
    expires = (NOW + timedelta(days=days)).isoformat() if days is not None else None
    screen = Screen()
    connections_table([Connection("x-1", "Harbour", status, expires, None)], screen, NOW)
    assert f"x-1           Harbour   {words}" in screen.text
    assert ("hint: reconnect x-1" in screen.text) is (status == "expired")


def test_what_postpost_holds_shows_first_lines_and_stored_media() -> None:
    screen = Screen()
    files = (("slide1.jpg", 183_204, True), ("b.mp4", 5, False))
    held_table([HeldPost("\n\nOur lineup\nmore", ("twitter-123",), "scheduled", NOW, files)], screen, BERLIN)
    text = " ".join(screen.text.split())
    assert "✓ slide1.jpg 183 kB" in text
    assert "✗ not stored: b.mp4 5 B" in text
    assert "Our lineup" in text
    assert "more" not in text
    assert "Tue 1 Dec 2026 09:00" in text
