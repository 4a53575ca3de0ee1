"""What each platform takes: one table of data with its sources.

Adding or correcting a platform is an edit of the rows here. What is done about them is `preflight`'s, and how a text is
counted is `counting`'s.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from types import MappingProxyType


@dataclass(frozen=True, slots=True)
class Live:
    """A cell as the service itself tells it, which the config's own replaces."""

    value: int | float | tuple[str, ...]
    source: str = "PostPost's own platform-limits"


Figure = int | float | tuple[str, ...] | Live  # names of formats where the key is one of FORMAT_KEYS
Overrides = Mapping[str, Mapping[str, Figure]]  # platform -> key of KEYS or FORMAT_KEYS -> value


class Severity(StrEnum):
    ERROR = "error"  # the platform refuses it
    WARNING = "warning"  # it goes out, but perhaps not as it was meant


@dataclass(frozen=True, slots=True)
class Limit:
    """One figure. `unit` says how it is measured: "MB" is refused above 2**20 bytes each, warned about above 10**6."""

    platform: str
    key: str
    value: int | float
    unit: str
    severity: Severity
    source: str
    date: str


@dataclass(frozen=True, slots=True)
class Formats:
    """Content types by what becomes of them; what is not named is refused."""

    platform: str
    taken: frozenset[str]
    converted: frozenset[str]  # to JPEG, by the service
    risky: frozenset[str]  # the pages disagree, or the platform often fails on it
    animated: frozenset[str]  # stays animated there (inferred)
    source: str
    date: str


class Shape(StrEnum):
    TEXT = "a text"
    LIST = "a list of texts"
    MAP = "a map"


@dataclass(frozen=True, slots=True)
class Setting:
    """One key of `platformSettings`. `allowed` None: true or false; empty: any text."""

    platform: str
    key: str
    allowed: tuple[str, ...] | None
    shape: Shape
    source: str
    date: str


SUFFIXES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "image/jpeg": (".jpg", ".jpeg", ".jpe", ".jfif"),
        "image/png": (".png", ".apng"),
        "image/gif": (".gif",),
        "image/webp": (".webp",),
        "video/mp4": (".mp4", ".m4v", ".mp4v", ".f4v"),
        "video/quicktime": (".mov", ".qt"),
        "video/x-msvideo": (".avi",),
        "video/x-matroska": (".mkv",),
        "video/webm": (".webm",),
    }
)
"""Every content type PostPost takes, with the extensions that fit it; it is sent under the first."""

VIDEO_SUFFIXES = tuple(one for kind, suffixes in SUFFIXES.items() if kind.startswith("video/") for one in suffixes)

FORMAT_NAMES = MappingProxyType(
    dict(zip(SUFFIXES, ("JPEG", "PNG", "GIF", "WebP", "MP4", "MOV", "AVI", "MKV", "WebM"), strict=True))
)
CODECS = MappingProxyType({"video": frozenset({"h264", "hevc", "vp9"}), "audio": frozenset({"aac", "opus", ""})})
"""What every platform plays, in FFmpeg's names (inferred); "" is no sound."""

X_CHARACTERS = "characters as X counts them"
_E, _W = Severity.ERROR, Severity.WARNING
_DATE = "2026-03"
_UPLOADS = "guides/media-uploads"
_TWIN = "2026-09"  # of the newer service
ANY = "any"  # rows for the service itself, whatever the platform
PREMIUM = "text_premium"  # of accounts whose plan there allows longer texts
DAILY, DAILY_VIDEOS = "daily_posts", "daily_videos"  # of one account; advisory

# platform, its page, then (key, value, unit[, severity]); an error where nothing is said.
_Row = tuple[str, int | float, str] | tuple[str, int | float, str, Severity]
_LIMITS: tuple[tuple[str, str, tuple[_Row, ...]], ...] = (
    (ANY, _UPLOADS, (("file_bytes", 536_870_912, "bytes"), ("videos", 1, "videos"))),
    (ANY, "inferred", (("kinds", 1, "kinds of media"), ("pixels", 100_000_000, "pixels", _W))),
    (
        "twitter",
        "platforms/twitter",
        (
            ("text", 280, X_CHARACTERS, _W),
            ("text_part", 270, X_CHARACTERS, _W),
            (PREMIUM, 25_000, X_CHARACTERS, _W),
            ("image_bytes", 5, "MB"),
            ("separators", 0, "lines of ---", _W),
            ("marks", 0, "marks such as [1/2]", _W),
            ("images", 4, "images"),
            ("duration_max", 120, "s"),
        ),
    ),
    (
        "instagram",
        "platforms/instagram",
        (
            ("text", 2200, "characters"),
            ("hashtags", 30, "hashtags"),
            ("media_min", 1, "media files"),
            ("image_bytes", 8, "MB"),
            ("images", 10, "images"),
            ("aspect_min", 0.8, ":1", _W),
            ("aspect_max", 1.91, ":1", _W),
            ("video_bytes", 300, "MB"),
            ("duration_min", 3, "s"),
            ("duration_max", 180, "s"),
            (DAILY, 25, "posts a day", _W),
        ),
    ),
    (
        "threads",
        "platforms/threads",
        (
            ("text", 500, "characters"),
            ("links", 5, "links"),
            ("hashtags", 1, "hashtags", _W),
            ("separators", 0, "lines of ---"),
            ("image_bytes", 8, "MB"),
            ("images", 10, "images"),
            ("video_bytes", 500, "MB"),
            ("duration_max", 300, "s"),
            (DAILY, 250, "posts a day", _W),
        ),
    ),
    (
        "tiktok",
        "platforms/tiktok",
        (
            ("text", 2200, "characters"),
            ("images", 0, "images"),
            ("videos_min", 1, "videos"),
            ("duration_min", 3, "s"),
            ("duration_max", 600, "s"),
            ("fps_min", 23, "fps"),
            (DAILY, 15, "posts a day", _W),
        ),
    ),
    (
        "linkedin",
        "platforms/linkedin",
        (
            ("text", 3000, "characters"),
            ("image_bytes", 5, "MB"),
            ("images", 10, "images"),
            ("video_bytes", 500, "MB"),
            ("duration_max", 1800, "s"),
        ),
    ),
    (
        "youtube",
        "platforms/youtube",
        (
            ("text", 5000, "characters"),
            ("title", 100, "characters"),
            ("images", 0, "images"),
            ("videos_min", 1, "videos"),
            ("duration_max", 43200, "s"),
        ),
    ),
    (
        "facebook",
        "platforms/facebook",
        (
            ("text", 63206, "characters"),
            ("image_bytes", 10, "MB"),
            ("images", 10, "images"),
            ("duration_max", 2700, "s"),
            (DAILY_VIDEOS, 30, "videos a day", _W),
        ),
    ),
    (
        "mastodon",
        "platforms/mastodon",
        (("text", 500, "characters"), ("image_bytes", 16, "MB"), ("images", 4, "images"), ("video_bytes", 99, "MB")),
    ),
    (
        "bluesky",
        "platforms/bluesky",
        (
            ("text", 300, "characters"),
            ("image_bytes", 1_000_000, "bytes"),
            ("images", 4, "images"),
            ("width", 2000, "px wide"),
            ("height", 2000, "px high"),
            ("video_bytes", 100, "MB"),
            ("short_video_bytes", 50, "MB"),
            ("short_video", 60, "s"),
            ("duration_max", 180, "s"),
            (DAILY_VIDEOS, 25, "videos a day", _W),
        ),
    ),
    (
        "telegram",
        "platforms/telegram",
        (
            ("text", 4096, "characters"),
            ("text_with_media", 1024, "characters"),
            ("image_bytes", 10, "MB"),
            ("images", 10, "images"),
            ("video_bytes", 50, "MB"),
        ),
    ),
)
LIMITS = MappingProxyType(
    {
        (platform, row[0]): Limit(platform, row[0], row[1], row[2], row[3] if len(row) == 4 else _E, page, _DATE)
        for platform, page, rows in _LIMITS
        for row in rows
    }
)
PLATFORMS = tuple(dict.fromkeys(platform for platform, _ in LIMITS if platform != ANY))
_APART = re.compile(r"[\s_-]+")
ALSO = MappingProxyType({"x": "twitter"})
"""What a platform is called besides, and accepted."""

NICKNAMES = MappingProxyType(
    {"fb": "facebook", "meta": "facebook", "ig": "instagram", "insta": "instagram", "yt": "youtube", "bsky": "bluesky"}
    | {"li": "linkedin", "tg": "telegram", "tt": "tiktok", "tweet": "twitter", "toot": "mastodon", "x.com": "twitter"}
)
"""What people call one, too: suggested, since a name in the config may mean something else by it."""


def named(written: str) -> str:
    """A platform's name as the service has it, from `Instagram`, `X`, `Linked-In` or `tik tok`."""
    together = _APART.sub("", written.lower())
    plain = together if together in PLATFORMS else written.lower()
    return ALSO.get(plain, plain)


KEYS: Mapping[str, str] = MappingProxyType(
    {limit.key: "bytes" if limit.unit == "MB" else limit.unit for limit in LIMITS.values()}
    # no row has these yet
    | {"video_width": "px", "video_height": "px", "video_aspect_min": ":1", "video_aspect_max": ":1"}
    | {"fps_max": "fps", "bitrate_max": "bits per second"}
)
"""Every key the config's `limits:` may hold, with the unit its value is in."""


def limit(platform: str, key: str, overrides: Overrides) -> Limit | None:
    """The figure that holds for a platform: the config's, else the table's, else none."""
    row = LIMITS.get((platform, key), LIMITS.get((ANY, key)))
    own = overrides.get(platform, {}).get(key, overrides.get(ANY, {}).get(key))
    source = "limits in the config"
    if isinstance(own, Live):
        source, own = own.source, own.value
    if not isinstance(own, int | float) or key not in KEYS:
        return replace(row, platform=platform) if row and row.platform != platform else row
    unit, severity = (row.unit, row.severity) if row else (KEYS[key], Severity.ERROR)
    return Limit(platform, key, own, "bytes" if unit == "MB" else unit, severity, source, "")


# --- formats and settings ---------------------------------------------------------------------------------------------


def types(names: Iterable[str]) -> frozenset[str]:
    """The content types of formats by their names, such as JPEG, in whatever case."""
    wanted = {name.upper().replace("JPG", "JPEG") for name in names}
    return frozenset(mime for mime, name in FORMAT_NAMES.items() if name.upper() in wanted)


def _formats(platform: str, taken: str, converted: str = "", risky: str = "", animated: str = "") -> Formats:
    page = f"platforms/{platform}"
    as_they_are, changed, doubtful, moving = (types(names.split()) for names in (taken, converted, risky, animated))
    return Formats(platform, as_they_are, changed, doubtful, moving, page, _DATE)


FORMATS: Mapping[str, Formats] = MappingProxyType(
    {
        row.platform: row
        for row in (
            _formats("twitter", "JPEG PNG GIF WebP MP4 MOV"),
            _formats("instagram", "JPEG MP4 MOV", converted="WebP", risky="PNG GIF"),
            _formats("threads", "JPEG PNG MP4 MOV", converted="WebP"),
            _formats("tiktok", "MP4 MOV WebM"),
            _formats("linkedin", "JPEG PNG GIF MP4", converted="WebP", animated="GIF"),
            _formats("youtube", "MP4 MOV AVI WebM"),
            _formats("facebook", "JPEG PNG GIF MP4 MOV", converted="WebP", animated="GIF"),
            _formats("mastodon", "JPEG PNG GIF WebP MP4", risky="MOV WebM", animated="GIF"),
            _formats("bluesky", "JPEG PNG WebP MP4"),
            _formats("telegram", "JPEG PNG GIF MP4 MOV AVI MKV WebM", converted="WebP", animated="GIF"),
        )
    }
)
FORMAT_KEYS = ("formats", "converted", "risky", "animated")
"""What `limits:` may hold besides figures: lists of format names, each in the place of the table's."""


def formats(platform: str, overrides: Overrides) -> Formats:
    """The formats that a platform takes: the config's, else the table's. `formats` names those that it takes as they are."""
    row, own = FORMATS[platform], {**overrides.get(ANY, {}), **overrides.get(platform, {})}
    cells = {key: one.value if isinstance(one := own.get(key), Live) else one for key in FORMAT_KEYS}
    given = {key: types(value) for key, value in cells.items() if isinstance(value, tuple)}
    if not given:
        return row
    taken = given.get("formats", row.taken)
    converted, risky = given.get("converted", row.converted - taken), given.get("risky", row.risky - taken)
    animated = given.get("animated", row.animated)
    return Formats(platform, taken, converted, risky, animated, "limits in the config", "")


_VIEWERS = ("PUBLIC_TO_EVERYONE", "MUTUAL_FOLLOW_FRIENDS", "FOLLOWER_OF_CREATOR", "SELF_ONLY")
_TIKTOK_SWITCHES = ("allowComments", "allowDuet", "allowStitch", "commercialContent", "brandOrganic", "brandedContent")
_SETTINGS: tuple[tuple[str, str, tuple[str, ...] | None], ...] = (
    ("tiktok", "viewerSetting", _VIEWERS),
    *(("tiktok", key, None) for key in _TIKTOK_SWITCHES),
    ("instagram", "videoType", ("REELS", "STORIES")),
    ("youtube", "privacy", ("public", "private", "unlisted")),
    ("youtube", "title", ()),
    ("threads", "replyControl", ("", "everyone", "accounts_you_follow", "mentioned_only")),
)
_NEWER: tuple[tuple[str, str, tuple[str, ...] | None, Shape], ...] = (  # PostPost drops what it does not know yet
    ("instagram", "shareToFeed", None, Shape.TEXT),
    ("instagram", "coverUrl", (), Shape.TEXT),
    ("youtube", "tags", (), Shape.LIST),
    ("youtube", "categoryId", (), Shape.TEXT),
    ("youtube", "madeForKids", None, Shape.TEXT),
    ("youtube", "playlist", (), Shape.MAP),
    ("twitter", "replyTo", (), Shape.TEXT),
    ("twitter", "quoteTweet", (), Shape.TEXT),
    ("telegram", "disableNotification", None, Shape.TEXT),
    ("telegram", "disableWebPagePreview", None, Shape.TEXT),
    ("telegram", "protectContent", None, Shape.TEXT),
    ("linkedin", "repostEnabled", None, Shape.TEXT),
    ("linkedin", "repostParentUrn", (), Shape.TEXT),
    ("linkedin", "repostVisibility", (), Shape.TEXT),
)
SETTINGS = MappingProxyType(
    {(p, key): Setting(p, key, allowed, Shape.TEXT, f"platforms/{p}", _DATE) for p, key, allowed in _SETTINGS}
    | {(p, key): Setting(p, key, allowed, shape, f"platforms/{p}", _TWIN) for p, key, allowed, shape in _NEWER}
)
NEWER_SETTINGS = frozenset((platform, key) for platform, key, _, _ in _NEWER)
"""Settings that PostPost's own pages do not have: they may be dropped silently."""
FIRST_COMMENTS = frozenset({"linkedin", "twitter", "threads", "bluesky", "mastodon"})
"""The platforms where the newer service comments on its own posts (2026-09); PostPost's pages of March have no such thing."""
ON_BY_DEFAULT = frozenset({("tiktok", "allowComments")})  # of the switches; the others are off
# A switch that needs at least one of the others beside it.
SETTING_NEEDS = MappingProxyType({("tiktok", "commercialContent"): ("brandOrganic", "brandedContent")})
