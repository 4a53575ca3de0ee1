"""The service's own figures, where it tells them (platform-limits): as what replaces cells of the table. Pure.

They come from outside: what is not a sensible figure is not there, and no format that the table knows is taken away by them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from typing import Any

from postpost_sync.model.post import Connection, Policy
from postpost_sync.post.platforms import FORMAT_NAMES, FORMATS, PREMIUM, Figure, Live, Overrides, limit, types

_MOST = 10**12
_CELLS = (  # where it stands in the answer, and the key of the table's cell
    ("characters", "standard", "text"),
    ("characters", "premium", PREMIUM),
    ("images", "maxCount", "images"),
    ("images", "maxSizeBytes", "image_bytes"),
    ("videos", "maxCount", "videos"),
    ("videos", "maxSizeBytes", "video_bytes"),
    ("videos", "maxDurationSeconds", "duration_max"),
)
_NEEDS = (("requiresMedia", "media_min"), ("requiresVideo", "videos_min"))


def overrides(platforms: object) -> Overrides:
    """By platform, those of them that the table knows."""
    if not isinstance(platforms, dict):
        return {}
    told = {name: dict(_cells(name, platforms[name])) for name in FORMATS if isinstance(platforms.get(name), dict)}
    return {name: cells for name, cells in told.items() if cells}


def merged(
    policy: Policy, connections: tuple[Connection, ...] | None, limits: Overrides, first_comments: bool | None
) -> Policy:
    """What the config says, with what the service last said besides."""
    both = under(policy.limits, limits)
    return replace(policy, connections=connections, limits=both, first_comments=first_comments)


def for_accounts(limits: Overrides, ids: Collection[str], connections: Collection[Connection] | None) -> Overrides:
    """The figures for these accounts: a paid plan of X takes longer texts, where all of X's that are meant have one."""
    paid = {one.platform_id for one in connections or () if _is_paid(one.subscription)}
    for platform in {one.partition("-")[0] for one in ids}:
        own = limits.get(platform, {})
        if "text" in own and not isinstance(own["text"], Live):
            continue  # the config says it
        longer = limit(platform, PREMIUM, limits)
        if longer is not None and all(one in paid for one in ids if one.partition("-")[0] == platform):
            limits = {**limits, platform: {**own, "text": Live(longer.value, f"a paid plan of {platform}")}}
    return limits


def _is_paid(subscription: str | None) -> bool:
    """Whether an account's `subscriptionType` is one of the plans whose texts may be longer, such as PremiumPlus."""
    return (subscription or "").lower().startswith("premium")


def under(own: Overrides, live: Overrides) -> Overrides:
    """The config's own cells, and beneath them the service's."""
    return {name: {**live.get(name, {}), **own.get(name, {})} for name in {**live, **own}} if live else own


def _cells(platform: str, told: Mapping[str, Any]) -> Iterator[tuple[str, Figure]]:
    named = {name: told.get(name) for name in ("characters", "images", "videos", "requirements")}
    parts = {name: part for name, part in named.items() if isinstance(part, dict)}
    for part, name, key in _CELLS:
        value = parts.get(part, {}).get(name)
        if isinstance(value, int | float) and not isinstance(value, bool) and 1 <= value <= _MOST:
            yield key, Live(value)
    also: frozenset[str] = frozenset()
    for kind in ("images", "videos"):
        if parts.get(kind, {}).get("supported") is False:
            yield kind, Live(0)
        formats = parts.get(kind, {}).get("formats")
        also |= types(one for one in formats if isinstance(one, str)) if isinstance(formats, list) else frozenset()
    for name, key in _NEEDS:
        if isinstance(needed := parts.get("requirements", {}).get(name), bool):
            yield key, Live(int(needed))
    if not also <= FORMATS[platform].taken:
        both = FORMATS[platform].taken | also
        yield "formats", Live(tuple(name for mime, name in FORMAT_NAMES.items() if mime in both))
