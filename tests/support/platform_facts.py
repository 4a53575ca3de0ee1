"""What each platform takes, as its documentation says it: written down apart from the program's own table, for the tests."""

from __future__ import annotations

from postpost_sync.post.platforms import SUFFIXES

MB, MIB = 10**6, 2**20
TYPES = dict(zip(("JPEG", "PNG", "GIF", "WebP", "MP4", "MOV", "AVI", "MKV", "WebM"), SUFFIXES, strict=True))

TEXT = {  # characters; X makes a thread of more than 280, and Telegram takes 1,024 beside media
    "threads": 500,
    "bluesky": 300,
    "mastodon": 500,
    "linkedin": 3000,
    "instagram": 2200,
    "tiktok": 2200,
    "facebook": 63206,
    "youtube": 5000,
    "telegram": 4096,
}
IMAGE_BYTES = {  # the most that is not refused: where the documentation says MB, MiB may be meant
    "twitter": 5 * MIB,
    "instagram": 8 * MIB,
    "threads": 8 * MIB,
    "linkedin": 5 * MIB,
    "facebook": 10 * MIB,
    "mastodon": 16 * MIB,
    "bluesky": 1_000_000,
    "telegram": 10 * MIB,
}
IMAGES = {
    "twitter": 4,
    "instagram": 10,
    "threads": 10,
    "linkedin": 10,
    "facebook": 10,
    "mastodon": 4,
    "bluesky": 4,
    "telegram": 10,
}
VIDEO_BYTES = {
    "instagram": 300 * MIB,
    "threads": 500 * MIB,
    "linkedin": 500 * MIB,
    "mastodon": 99 * MIB,
    "bluesky": 50 * MIB,  # of a minute and more: twice as many
    "telegram": 50 * MIB,
    "twitter": 512 * MIB,
    "tiktok": 512 * MIB,
    "youtube": 512 * MIB,
    "facebook": 512 * MIB,
}
SECONDS = {  # at least and at most
    "twitter": (0, 120),
    "instagram": (3, 180),
    "threads": (0, 300),
    "tiktok": (3, 600),
    "linkedin": (0, 1800),
    "youtube": (0, 43200),
    "facebook": (0, 2700),
    "bluesky": (0, 180),
}
FORMATS = {  # taken; converted to JPEG; taken at a risk
    "twitter": ("JPEG PNG GIF WebP MP4 MOV", "", ""),
    "instagram": ("JPEG MP4 MOV", "WebP", "PNG GIF"),
    "threads": ("JPEG PNG MP4 MOV", "WebP", ""),
    "tiktok": ("MP4 MOV WebM", "", ""),
    "linkedin": ("JPEG PNG GIF MP4", "WebP", ""),
    "youtube": ("MP4 MOV AVI WebM", "", ""),
    "facebook": ("JPEG PNG GIF MP4 MOV", "WebP", ""),
    "mastodon": ("JPEG PNG GIF WebP MP4", "", "MOV WebM"),
    "bluesky": ("JPEG PNG WebP MP4", "", ""),
    "telegram": ("JPEG PNG GIF MP4 MOV AVI MKV WebM", "WebP", ""),
}


def takes(platform: str, kind: str) -> list[str]:
    """The content types of a kind (image, video) that are not refused there."""
    named = {TYPES[form] for forms in FORMATS[platform] for form in forms.split()}
    return [mime for mime in SUFFIXES if mime in named and mime.startswith(kind)]
