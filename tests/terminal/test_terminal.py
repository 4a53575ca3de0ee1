"""What people see in a terminal: everything that matters at 80 columns, nothing from outside taken for markup."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from rich.cells import cell_len

import postpost_sync
from postpost_sync.model.post import Connection
from postpost_sync.model.states import State
from postpost_sync.model.times import for_people, to_service
from postpost_sync.terminal.checked import ahead, checked_text
from postpost_sync.terminal.live import LiveView, Rates
from postpost_sync.terminal.status import status_text
from postpost_sync.terminal.tables import HeldPost, connections_table, held_table
from postpost_sync.terminal.words import Frame, byte_size
from tests.support.screen import Screen

NOW = datetime(2026, 12, 1, 8, 0, tzinfo=UTC)
BERLIN = ZoneInfo("Europe/Berlin")
HOSTILE = "[bold]x[/bold] :smile: \x1b[31m\u202egpj.exe\n\ud800 [/] [link=file:///etc]y"
ERROR = {"code": "UNKNOWN_KEY", "message": 'post.yaml, line 3: "platfroms" is not a key', "hint": "correct it"}
BUILT_IN = {"source": "built in", "asked_at": None}
WARNING = {"code": "PREFER_JPEG", "message": "a.webp is WebP", "hint": "prefer JPEG to WebP"}


def post(folder: str, state: str, time: datetime | None = None, **more: Any) -> dict[str, Any]:
    return {
        "folder": f"/srv/posts/{folder}",
        "state": state,
        "post_group_id": None,
        "previous_post_group_ids": [],
        "scheduled_time": time.isoformat() if time else None,
        "platforms": ["twitter-123"],
        "media": [],
        "results": [],
        "error": None,
        "warnings": [],
        "retry_at": None,
        "updated_at": "2026-12-01T07:00:00.000Z",
        **more,
    }


def media(file: str, size: int, sent: int, state: str = "signed") -> dict[str, Any]:
    return {"file": file, "state": state, "size": size, "sent": sent, "media_id": None}


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


# --- status -----------------------------------------------------------------------------------------------------------


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


# --- check, accounts, demo --------------------------------------------------------------------------------------------


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


# --- the live view ----------------------------------------------------------------------------------------------------


class Hands(SimpleNamespace):
    """A clock that stands where it is put."""

    at = 0.0

    def __call__(self) -> float:
        return self.at


def test_without_a_terminal_each_move_is_one_plain_line() -> None:
    screen = Screen(width=40)
    with LiveView(screen, BERLIN, ["/srv/posts"]) as view:
        for state in ("settling", "settling", "drafting", "uploading", "uploading"):
            view.update([post("launch", state)], "Ctrl-C ends")
        view.update([post("launch", "scheduled", NOW), post("oops [b]", "invalid", error=ERROR)])
        view.update([post("launch", "scheduled", NOW), post("oops [b]", "invalid", error=ERROR)])
    assert screen.text.splitlines() == [
        "launch: settling",
        "Ctrl-C ends",
        "launch: drafting",
        "launch: uploading",
        "launch: scheduled for Tue 1 Dec 2026 09:00 on twitter-123",
        '"oops [b]": invalid; post.yaml, line 3: "platfroms" is not a key [UNKNOWN_KEY]; hint: correct it',
    ]


def test_in_a_terminal_uploads_have_bars_with_rate_and_time_left() -> None:
    clock, screen = Hands(), Screen(terminal=True)
    with LiveView(screen, BERLIN, ["/srv/posts"], clock=clock) as view:
        view.update([post("a", "uploading", media=[media("a.mp4", 48_000_000, 12_000_000)])])
        clock.at = 2.0
        view.update([post("a", "uploading", media=[media("a.mp4", 48_000_000, 24_000_000)])])
    assert "50%  24.0/48.0 MB  6.0 MB/s, 0:05 left" in screen.text
    assert "━━━━━━━" in screen.text


def test_a_rate_forgets_what_is_long_past_and_starts_over_with_the_upload() -> None:
    rates, key = Rates(), ("/srv/posts/a", 0, "a.mp4")
    for at, sent in ((0, 0), (1, 50), (10, 500), (12, 1500), (15, 3000)):
        rates.learn([post("a", "uploading", media=[media("a.mp4", 9000, sent)])], at)
    assert rates.of(key) == 500.0
    rates.learn([post("a", "uploading", media=[media("a.mp4", 9000, 0)])], 16)
    assert rates.of(key) is None
    rates.learn([post("a", "uploading", media=[media("a.mp4", 9000, 9000, "uploaded")])], 17)
    assert rates.of(key) is None


def test_a_thousand_posts_fit_the_screen_and_show_who_moves_or_needs_a_person() -> None:
    posts = [post(f"p{i}", "scheduled", NOW) for i in range(990)]
    posts += [post(f"bad{i}", "invalid", error=ERROR) for i in range(9)]
    posts += [post("mover", "uploading", media=[media("a.mp4", 1000, 10)])]
    screen = Screen(terminal=True, height=24)
    with LiveView(screen, BERLIN, ["/srv/posts"]) as view:
        view.update(posts)
        assert len(screen.lines) <= 24
    assert "1,000 posts: 9 invalid, 1 uploading, 990 scheduled" in screen.text
    assert "mover" in screen.text
    assert "bad0" in screen.text
    assert "more posts" in screen.text


def test_the_live_view_takes_hostile_names_and_any_size_of_screen() -> None:
    finding = {"code": "X", "message": HOSTILE * 2, "hint": HOSTILE}
    posts = [
        post(f"{HOSTILE}{state}", state, NOW, error=finding, media=[media(HOSTILE, 0, 0)], retry_at=NOW.isoformat())
        for state in State
    ]
    for width, height in ((20, 3), (80, 24), (200, 60)):
        screen = Screen(width, height, terminal=True)
        with LiveView(screen, BERLIN, ["/srv/posts"]) as view:
            view.update(posts, HOSTILE)
            view.update([])
        assert "\x1b[31m\u202e" not in screen.text
