"""The service's own figures, where it tells them (platform-limits): as what replaces cells of the table. Pure.

They come from outside: what is not a sensible figure is not there, and no format that the table knows is taken away by them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from postpost_sync.post.platforms import FORMAT_NAMES, FORMATS, Figure, Live, Overrides, types

_MOST = 10**12
_CELLS = (  # where it stands in the answer, and the key of the table's cell
    ("characters", "standard", "text"),
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
