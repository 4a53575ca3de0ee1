"""What `run` shows while it works: a line for each move, or a picture that redraws."""

from __future__ import annotations

from types import SimpleNamespace

from postpost_sync.model.states import State
from postpost_sync.terminal.live import LiveView, Rates
from tests.support.screen import Screen
from tests.support.shown_posts import BERLIN, ERROR, HOSTILE, NOW, media, post


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
