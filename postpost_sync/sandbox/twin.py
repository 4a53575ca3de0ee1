"""All the switches as the twin product on the same code has them: PostPost may answer like it any day."""

from __future__ import annotations

from collections.abc import Mapping

from .behaviour import Behaviour

FIRST_COMMENT = frozenset({"linkedin", "twitter", "threads", "bluesky", "mastodon"})

TWIN_SETTINGS: Mapping[str, frozenset[str]] = {
    "tiktok": frozenset(
        "viewerSetting allowComments allowDuet allowStitch commercialContent brandOrganic brandedContent".split()
    ),
    "instagram": frozenset({"videoType", "shareToFeed", "coverUrl"}),
    "youtube": frozenset({"privacy", "title", "tags", "categoryId", "madeForKids", "playlist"}),
    "threads": frozenset({"replyControl"}),
    "twitter": frozenset({"replyTo", "quoteTweet"}),
    "telegram": frozenset({"disableNotification", "disableWebPagePreview", "protectContent"}),
    "linkedin": frozenset({"repostEnabled", "repostParentUrn", "repostVisibility"}),
}


def _limits(characters: int, images: int, image_bytes: int, seconds: int | None, premium: int | None = None) -> object:
    return {
        "characters": {"standard": characters, "premium": premium},
        "images": {
            "supported": images > 0,
            "maxSizeBytes": image_bytes,
            "maxCount": images,
            "formats": ["jpeg", "png"],
        },
        "videos": {
            "supported": True,
            "maxDurationSeconds": seconds,
            "maxSizeBytes": None,
            "maxCount": 1,
            "formats": ["mp4", "mov"],
        },
        "requirements": {
            "requiresMedia": False,
            "requiresVideo": False,
            "supportsTextOnly": True,
            "supportsThreading": premium is not None,
        },
        "documents": None,
        "gifs": None,
        "thumbnails": None,
    }


TWIN_LIMITS: Mapping[str, object] = {
    "twitter": _limits(280, 4, 5_242_880, 140, premium=25_000),
    "threads": _limits(500, 20, 8_388_608, 300),
    "bluesky": _limits(300, 4, 2_000_000, 180),
    "tiktok": _limits(2_200, 35, 20_971_520, 600),
}

TWIN = Behaviour(
    reissue_media=True,
    attach_to_scheduled_unschedules=True,
    media_not_ready=True,
    past_time="refuse",
    idempotency=True,
    get_post_group_fields=True,
    get_post_media=True,
    answer_warnings=True,
    refusal_codes=True,
    settings_known=TWIN_SETTINGS,
    first_comment=FIRST_COMMENT,
    platform_limits=TWIN_LIMITS,
)
