"""The table of limits: complete, sourced, and each platform's way to count a text."""

from __future__ import annotations

import re

import pytest

from postpost_sync.post import platforms
from postpost_sync.post.counting import count as count_of
from postpost_sync.post.platforms import (
    ANY,
    FORMAT_KEYS,
    FORMATS,
    KEYS,
    LIMITS,
    PLATFORMS,
    SETTINGS,
    SUFFIXES,
    Severity,
    formats,
    limit,
)

X, UTF16 = platforms.X_CHARACTERS, "characters"


def test_the_ten_platforms_are_known() -> None:
    assert sorted(PLATFORMS) == [
        "bluesky",
        "facebook",
        "instagram",
        "linkedin",
        "mastodon",
        "telegram",
        "threads",
        "tiktok",
        "twitter",
        "youtube",
    ]
    assert set(FORMATS) == set(PLATFORMS)


def name(row: platforms.Limit | platforms.Formats | platforms.Setting) -> str:
    return f"{row.platform} {'formats' if isinstance(row, platforms.Formats) else row.key}"


def test_every_row_names_its_source_and_date() -> None:
    rows: list[platforms.Limit | platforms.Formats | platforms.Setting]
    rows = [*LIMITS.values(), *FORMATS.values(), *SETTINGS.values()]
    for row in rows:
        assert re.fullmatch(r"inferred|(platforms|guides)/[a-z-]+", row.source), name(row)
        assert re.fullmatch(r"20\d\d-\d\d", row.date), name(row)
        assert row.platform in {*PLATFORMS, ANY}, name(row)


@pytest.mark.parametrize("platform", PLATFORMS)
def test_every_platform_says_how_much_text_and_how_many_images_it_takes(platform: str) -> None:
    assert platforms.limit(platform, "text", {})
    assert platforms.limit(platform, "images", {})
    assert FORMATS[platform].taken <= SUFFIXES.keys()


def test_a_figure_of_the_config_replaces_the_table_and_keeps_its_severity() -> None:
    own = {"twitter": {"text": 25000}, "mastodon": {"video_bytes": 200_000_000}, "youtube": {"bitrate_max": 9_000_000}}
    x, mastodon, youtube = (
        platforms.limit(p, k, own)
        for p, k in (("twitter", "text"), ("mastodon", "video_bytes"), ("youtube", "bitrate_max"))
    )
    assert x
    assert (x.value, x.unit, x.severity) == (25000, X, Severity.WARNING)
    assert mastodon
    assert (mastodon.value, mastodon.unit) == (200_000_000, "bytes")
    assert youtube
    assert (youtube.value, youtube.severity) == (9_000_000, Severity.ERROR)
    assert "MB" not in KEYS.values()
    assert platforms.limit("bluesky", "text", own) == LIMITS["bluesky", "text"]


def test_what_holds_for_every_platform_is_told_in_the_name_of_each() -> None:
    limit = platforms.limit("linkedin", "videos", {})
    assert limit
    assert (limit.platform, limit.value) == ("linkedin", 1)


@pytest.mark.parametrize(
    ("text", "x", "utf16"),
    [
        ("", 0, 0),
        ("hello", 5, 5),
        ("h\u00e9llo \u2013 \u201cok\u201d", 12, 12),
        ("e\u0301", 2, 2),
        ("日本語", 6, 3),
        ("🎉", 2, 2),
        ("👍🏽", 2, 4),
        ("👨‍👩‍👧‍👦", 2, 11),
        ("🇩🇪🇫🇷", 4, 8),
        ("1️⃣", 2, 3),
        ("❤️", 2, 2),
        ("🏴󠁧󠁢󠁥󠁮󠁧󠁿", 2, 14),
        ("https://example.com/a-rather-long-link", 38, 38),
        ("a\ud800b", 4, 3),
    ],
)
def test_text_is_counted_as_the_platform_counts(text: str, x: int, utf16: int) -> None:
    assert count_of(text, "text", X) == x
    assert count_of(text, "text", UTF16) == utf16


@pytest.mark.parametrize(
    ("text", "key", "count"),
    [
        ("#one #two#three #_4 # five", "hashtags", 3),
        ("#straße #日本 ＃full", "hashtags", 3),  # noqa: RUF001  # the full-width one is meant
        ("a#b c&#39; #", "hashtags", 0),
        ("http://a.b https://c.d (HTTPS://E.f) www.g.h", "links", 4),
        ("https://www.a.b www. mail@www.x.y a.www.b", "links", 1),
        ("a\n---\nb\n ---\t\r\n---", "separators", 3),
        ("a --- b\n----\n--\n- - -", "separators", 0),
    ],
)
def test_hashtags_links_and_separators_are_found(text: str, key: str, count: int) -> None:
    assert count_of(text, key, key) == count


@pytest.mark.parametrize("platform", PLATFORMS)
@pytest.mark.parametrize("under", ["its own name", ANY])
def test_every_cell_can_be_corrected(platform: str, under: str) -> None:
    """Also one that the table does not have, and for all platforms at once."""
    name = ANY if under == ANY else platform
    for key in KEYS:
        found = limit(platform, key, {name: {key: 7}})
        assert found is not None, key
        assert (found.value, found.source) == (7, "limits in the config"), key
    for key in FORMAT_KEYS:
        row = formats(platform, {name: {key: ("GIF", "MKV")}})
        types = {"formats": row.taken, "converted": row.converted, "risky": row.risky, "animated": row.animated}[key]
        assert types == {"image/gif", "video/x-matroska"}, key


def test_formats_and_suffixes_speak_of_the_same_types() -> None:
    assert all(
        formats.taken | formats.converted | formats.risky <= SUFFIXES.keys() for formats in platforms.FORMATS.values()
    )
