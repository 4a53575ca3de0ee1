"""What people see in a terminal: everything that matters at 80 columns, nothing from outside taken for markup."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from rich.cells import cell_len

import postpost_sync
from postpost_sync.model.post import Connection
from postpost_sync.model.states import State
from postpost_sync.terminal.checked import checked_text
from postpost_sync.terminal.live import LiveView
from postpost_sync.terminal.status import status_text
from postpost_sync.terminal.tables import HeldPost, connections_table, held_table
from postpost_sync.terminal.words import Frame, byte_size
from tests.support.screen import Screen
from tests.support.shown_posts import BERLIN, BUILT_IN, ERROR, HOSTILE, NOW, WARNING, media, post


def report(*posts: Mapping[str, Any], running: bool = True, **root: Any) -> dict[str, Any]:
    one = {"path": "/srv/posts", "observer": "native", "state": "ok", "last_scan": "2026-12-01T07:30:00.000Z", **root}
    return {
        "version": 1,
        "state_db": "/var/lib/postpost-sync/state.db",
        "daemon": {"running": running},
        "roots": [one],
        "posts": list(posts),
    }


def status(*posts: Mapping[str, Any], running: bool = True, width: int = 80, **root: Any) -> Screen:
    screen = Screen(width)
    status_text(report(*posts, running=running, **root), screen, NOW, BERLIN)
    return screen


def test_who_needs_a_person_comes_first_and_what_is_over_last() -> None:
    headings = [
        line.partition(" (")[0]
        for line in status(*(post(state.value, state.value) for state in reversed(State))).lines
        if line.endswith((" (1)", " (3)", " (4)"))
    ]
    assert headings == ["needs a person", "on the way", "scheduled", "drafted", "published", "cancelled"]


def test_within_needs_a_person_invalid_goes_before_failed_and_held() -> None:
    states = ["held", "partially_published", "failed", "invalid"]
    lines = status(*(post(f"p-{state}", state) for state in states)).lines
    assert [line.split()[0] for line in lines if " p-" in line] == ["invalid", "failed", "partially_published", "held"]


def test_a_post_says_what_when_where_why_and_what_next() -> None:
    lines = status(post("launch/teaser", "invalid", NOW + timedelta(days=14), error=ERROR)).lines
    at = lines.index("needs a person (1)")
    assert lines[at + 1 : at + 4] == [
        "invalid  launch/teaser  Tue 15 Dec 09:00",
        'post.yaml, line 3: "platfroms" is not a key [UNKNOWN_KEY]',
        "hint: correct it",
    ]


def test_scheduled_posts_stand_in_the_order_of_their_times() -> None:
    later, sooner = post("a", "scheduled", NOW + timedelta(days=2)), post("b", "scheduled", NOW + timedelta(days=1))
    lines = status(later, sooner).lines
    assert lines.index("b  Wed 2 Dec 09:00  on twitter-123") < lines.index("a  Thu 3 Dec 09:00  on twitter-123")


def test_a_scheduled_post_whose_time_has_passed_says_so() -> None:
    assert "due: the outcome is not known yet" in status(post("a", "scheduled", NOW - timedelta(minutes=5))).text


def test_the_year_is_named_where_it_is_another() -> None:
    assert "Tue 1 Jun 2027 10:00" in status(post("a", "scheduled", datetime(2027, 6, 1, 8, tzinfo=UTC))).text


def test_a_long_list_is_folded_and_says_when_the_next_one_goes_out() -> None:
    many = [post(f"p{i}", "scheduled", NOW + timedelta(hours=i)) for i in range(400)]
    many[399]["error"] = ERROR  # is not hidden
    many[50]["warnings"] = [WARNING]
    screen = status(*many)
    assert "scheduled (400)" in screen.lines
    assert "… and 379 more (1 with a warning), next: Wed 2 Dec 05:00" in screen.lines
    assert [line for line in screen.lines if line.startswith("p399 ")]
    assert len(screen.lines) < 40


def test_who_needs_a_person_is_not_folded_below_fifty() -> None:
    lines = status(*(post(f"p{i:02}", "invalid", error=ERROR) for i in range(50))).lines
    assert sum(line.startswith("invalid ") for line in lines) == 50
    lines = status(*(post(f"p{i:02}", "invalid", error=ERROR) for i in range(60))).lines
    assert "… and 10 more invalid" in lines


@pytest.mark.parametrize("width", [80, 40])
def test_hostile_text_is_escaped_and_wrapped_and_never_markup(width: int) -> None:
    finding = {"code": HOSTILE, "message": HOSTILE * 3, "hint": HOSTILE}
    result = {"platform_id": HOSTILE, "status": "failed", "posted_id": None, "error": {**finding, "code": "X"}}
    files = [media(HOSTILE, 10, 5)]
    posts = [
        post(f"{HOSTILE}{state}", state, NOW, platforms=[HOSTILE], error=finding, results=[result], media=files)
        for state in State
    ]
    screen = Screen(width)
    status_text(report(*posts, state="away", error=finding, path="/srv/posts"), screen, NOW, BERLIN)
    account = {"platform_id": HOSTILE, "name": HOSTILE, "parts": 2}
    file = {"file": HOSTILE, "content_type": None, "size": 3, "width": 4, "height": 5, "duration": None}
    shown: dict[str, Any] = {
        "when": "draft",
        "scheduled_time": None,
        "timezone": "UTC",
        "accounts": [account],
        "media": [file],
    }
    shown |= {"content": HOSTILE, "first_comment": {"text": HOSTILE, "platforms": ["twitter"]}}
    checked = [{"folder": HOSTILE, "errors": [finding], "warnings": [finding], "preview": shown}]
    checked_text(checked, [finding], BUILT_IN, screen, NOW)
    held_table([HeldPost(HOSTILE, (HOSTILE,), HOSTILE, NOW, ((HOSTILE, 3, True),))], screen, BERLIN)
    connections_table([Connection(HOSTILE, HOSTILE, HOSTILE, HOSTILE, HOSTILE)], screen, NOW)
    assert "\x1b" not in screen.text
    assert "\u202e" not in screen.text
    assert max(cell_len(line) for line in screen.text.splitlines()) <= width
    letters = "".join(screen.text.split())
    assert letters.count("[bold]x[/bold]:smile:\\x1b[31m\\u202egpj.exe\\n\\ud800[/]") >= 3 * 3 * len(State)


def test_names_are_never_cut_off() -> None:
    name = "an-exceedingly-long-folder-name-" * 8
    assert name in "".join(status(post(name, "held", NOW, error=ERROR)).text.split())


@pytest.mark.parametrize(("number", "told"), [(1, False), (60, True)])
def test_how_to_see_all_is_told_where_not_all_is_seen(number: int, told: bool) -> None:
    screen = Screen(terminal=True)
    posts = [post(f"p{n}", "scheduled", NOW + timedelta(hours=n)) for n in range(number)]
    status_text(report(*posts), screen, NOW, BERLIN, fit=True)
    assert ("see all with" in screen.text) is told


def test_where_room_is_short_further_errors_and_warnings_are_counted_apart() -> None:
    screen = Screen(height=8, terminal=True)
    found = [{**ERROR, "level": "error"}, WARNING]
    status_text(report(post("p", "invalid", error=ERROR, warnings=found)), screen, NOW, BERLIN, fit=True)
    assert "p  1 more error, 1 warning" in re.sub(r"\x1b\[[0-9;]*m", "", screen.text)


def test_colour_is_for_terminals_alone() -> None:
    assert "\x1b" not in status(post("a", "invalid", error=ERROR)).text
    screen = Screen(terminal=True)
    status_text(report(post("a", "invalid", error=ERROR)), screen, NOW, BERLIN)
    assert "\x1b[1;31minvalid" in screen.text


def test_every_colour_can_be_read_on_a_light_ground_and_on_a_dark_one() -> None:
    """Yellow and white are lost on white, blue and black on black; what a colour says stands there as a word, too."""
    package = Path(postpost_sync.__file__).parent
    styles = "|".join(("yellow", "white", "blue", "black", "bright_[a-z]+", "grey[0-9]*"))
    drawing = [*package.glob("terminal/*.py"), *package.glob("commands/**/*.py")]
    assert len(drawing) > 20
    for file in drawing:
        assert re.findall(rf'"(?:bold |dim )*(?:{styles})"', file.read_text()) == [], file.name


def test_a_post_that_is_named_says_where_it_can_be_seen() -> None:
    url = "https://x.com/i/web/status/1234567890123456789012345678901234567890123456789012345678901"
    out = {"platform_id": "twitter-123", "status": "published", "posted_id": "1", "url": url, "error": None}
    one = post("launch", "published", NOW, results=[out])
    screen = Screen()
    status_text(report(one), screen, NOW, BERLIN, links=True)
    assert f"      twitter-123: {url}" in screen.text.splitlines()
    assert url not in status(one).text


def test_it_says_which_database_it_read_and_whether_the_daemon_runs() -> None:
    assert status(post("a", "drafted")).lines[:2] == [
        "database /var/lib/postpost-sync/state.db",
        "the daemon is running",
    ]
    assert status(post("a", "drafted"), running=False).lines[1:3] == [
        "the daemon is not running: this is how things stood at Tue 1 Dec 08:30",
        "hint: start it with `postpost-sync run`",
    ]


def test_roots_that_are_away_come_before_the_posts() -> None:
    error = {"code": "ROOT_AWAY", "message": "it is not mounted", "hint": "mount it"}
    lines = status(post("a", "invalid", error=ERROR), state="away", error=error).lines
    assert lines[2:5] == ["away  /srv/posts", "it is not mounted [ROOT_AWAY]", "hint: mount it"]
    assert lines.index("needs a person (1)") > 4
    assert "degraded  /srv/posts" in status(post("a", "drafted"), state="degraded").lines


def test_no_posts_is_a_friendly_line_that_says_what_to_do() -> None:
    text = " ".join(status().text.split())
    assert "no posts yet: make a folder below /srv/posts and put media and a post.yaml into it" in text
    assert "hint: " in text


def test_where_one_platform_failed_both_are_named() -> None:
    failed = {"code": "TOKEN_EXPIRED", "message": "linkedin-OLD42: the token has expired", "hint": "reconnect it"}
    results = [
        {"platform_id": "twitter-123", "status": "published", "posted_id": "1", "error": None},
        {"platform_id": "linkedin-OLD42", "status": "failed", "posted_id": None, "error": failed},
    ]
    screen = status(post("a", "partially_published", NOW, error=failed, results=results))
    assert "out on twitter-123 only" in screen.text
    assert "linkedin-OLD42: the token has expired [TOKEN_EXPIRED]" in screen.lines
    assert screen.text.count("TOKEN_EXPIRED") == 1


def test_uploads_and_retries_are_said_in_words() -> None:
    files = [media("a.mp4", 48_000_000, 12_000_000), media("b.jpg", 200_000, 200_000, "uploaded")]
    text = status(post("a", "uploading", media=files, retry_at="2026-12-01T08:05:00.000Z")).text
    assert "1 of 2 files stored, 12.2 MB of 48.2 MB" in text
    assert "tries again 09:05" in " ".join(text.split())


def test_what_is_waited_for_until_when_is_no_retry() -> None:
    missing = {"code": "MEDIA_MISSING", "message": "late.jpg is not in the folder (yet)", "hint": "add the file"}
    time = "2026-12-13T12:00:00.000Z"
    text = " ".join(status(post("a", "settling", NOW, error=missing, retry_at=time)).text.split())
    assert "waiting for the folder to be complete, until Sun 13 Dec 13:00" in text
    assert "again" not in status(post("a", "invalid", NOW, error=ERROR, retry_at=time)).text  # its earlier post's time


def test_a_note_beneath_the_picture_is_shown_in_full() -> None:
    screen = Screen(terminal=True)
    note = "one upload URL expired on purpose: the file was sent again, to a new one; drop folders of your own"
    with LiveView(screen, BERLIN, ["/srv/posts"]) as live:
        live.update([post("a", "drafted")], note)
    assert "drop folders of your own" in " ".join(re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", screen.text).split())


def test_with_several_roots_a_folder_is_named_with_its_root() -> None:
    one = Frame(UTC, NOW, ("/srv/posts",))
    two = Frame(UTC, NOW, ("/srv/posts", "/home/ada/Posts"))
    alike = Frame(UTC, NOW, ("/a/posts", "/b/posts"))
    assert one.folder("/srv/posts/x/y z") == '"x/y z"'
    assert one.folder("/srv/posts") == "/srv/posts"
    assert two.folder("/home/ada/Posts/x") == "Posts/x"
    assert alike.folder("/b/posts/x") == "/b/posts/x"
    assert Frame(UTC, NOW, ("/",)).folder("/x") == "x"


def test_sizes_are_decimal() -> None:
    sizes = [0, 999, 1000, 183_204, 999_499, 999_999, 12_345_678, 536_870_912, 1.2e12]
    shown = ["0 B", "999 B", "1 kB", "183 kB", "999 kB", "1.0 MB", "12.3 MB", "537 MB", "1200.0 GB"]
    assert [byte_size(size) for size in sizes] == shown
