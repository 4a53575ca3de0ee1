"""From what breaks a limit to the words for it: one finding for all platforms that object to the same thing. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from postpost_sync.model.errors import Finding, printable
from postpost_sync.model.folder import MediaFile
from postpost_sync.post.platforms import ANY, Formats, Limit
from postpost_sync.post.platforms import Severity as S

Facts = Mapping[str, str | int | float | bool]
Found = tuple[S, Finding]
Targets = Mapping[str, list[str]]  # platform -> the ids of it the post goes to
_TIKTOK = "check video metadata: ensure proper FPS, supported codec, and acceptable duration"


@dataclass(frozen=True, slots=True)
class Breach:
    """One platform's objection to one thing; `rank` is lower the stricter the platform."""

    severity: S
    code: str
    subject: str
    found: str
    platform: str
    takes: str
    rank: float
    fix: str
    note: str = ""
    source: str = ""  # where the figure is from


def describe(facts: Facts) -> str:
    """What was measured of a file, on one line: `1280x720, 1.78:1, h264/aac, 29.97 fps, 1.2 Mbit/s, 12.5 s`."""
    width, height, aspect = (fact(facts, key) for key in ("width", "height", "aspect"))
    fps, bitrate, duration = (fact(facts, key) for key in ("fps", "bitrate", "duration"))
    codecs = "/".join(printable(str(facts[key])) for key in ("video_codec", "audio_codec") if facts.get(key))
    parts = [
        f"{width:.0f}x{height:.0f}" if width and height else "",
        show(aspect, ":1") if aspect else "",
        codecs,
        show(fps, "fps") if fps else "",
        show(bitrate, "bits per second") if bitrate else "",
        show(duration, "s") if duration else "",
    ]
    return ", ".join(part for part in parts if part)


def over(
    limit: Limit, value: float, code: str, subject: str, verb: str, fix: str, least: bool = False, note: str = ""
) -> Iterator[Breach]:
    """The breach, where the value is above the limit, or below it where that is the `least` that is taken."""
    severity, most = limit.severity, limit.value * (2**20 if limit.unit == "MB" else 1)
    value = round(value, {"s": 1, "fps": 2, ":1": 2}.get(limit.unit, 0))  # what a container adds is nobody's fault
    if limit.unit == "MB" and limit.value * 10**6 < value <= most:
        severity, note = S.WARNING, "whether that is MB or MiB is not documented"
    elif value >= most if least else value <= most:
        return
    takes = show(limit.value * (10**6 if limit.unit == "MB" else 1), limit.unit)
    found = show(value, limit.unit)
    if found == takes:  # 8,000,001 bytes are 8 MB too
        found = f"{value:,.0f} bytes"
    takes, rank = (f"at least {takes}", -most) if least else (takes, most)
    yield Breach(severity, code, subject, f"{verb} {found}", limit.platform, takes, rank, fix, note, source(limit))


def source(row: Limit | Formats) -> str:
    """Where a row of the table is from: a page of PostPost's documentation and the month in which it said so."""
    return f"{row.source} {row.date}".strip()


def merged(
    breaches: Iterable[Breach], targets: Targets, media: MediaFile | None = None, other: str = "media: […]"
) -> list[Found]:
    """One finding for each thing that is wrong, whichever platforms object to it.

    `other`: the line of a sidecar by which a platform gets something else in its place.
    """
    groups: dict[tuple[S, str, str], list[Breach]] = {}
    for breach in breaches:
        groups.setdefault((breach.severity, breach.code, breach.subject), []).append(breach)
    return [_told(sorted(group, key=lambda b: b.rank), targets, media, other) for group in groups.values()]


def _told(group: list[Breach], targets: Targets, media: MediaFile | None, other: str) -> Found:
    """One finding for all platforms that object to the same thing, the strictest first."""
    first, names = group[0], [breach.platform for breach in group if breach.platform != ANY]
    takes = [
        f"{'PostPost' if b.platform == ANY else b.platform}{' takes' if b is first else ''} {b.takes}"
        + (f" ({printable(', '.join(targets[b.platform]))})" if b.platform in targets else "")
        for b in group
    ]
    message = f"{first.subject} {first.found}; {', '.join(takes)}" + (f"; {first.note}" if first.note else "")
    hint = first.fix
    if first.severity is S.ERROR and names and set(names) < set(targets):
        hint += f" or drop {' and '.join(filter(None, (', '.join(names[:-1]), names[-1])))} from platforms"
        own = ", ".join(f"{name}: {{{other}}}" for name in names)
        hint += f', or give {"it" if len(names) == 1 else "each"} its own: "per_platform: {{{own}}}"'
    if first.code.startswith("VIDEO_") and media is not None and describe(media.facts):
        message += f"; measured: {describe(media.facts)}"
        hint += f"; {_TIKTOK}" if "tiktok" in names else ""
    if sources := ", ".join(dict.fromkeys(filter(None, (breach.source for breach in group)))):
        hint += f" [{sources}]"
    return first.severity, Finding(first.code, message, hint)


def fact(facts: Facts, key: str) -> float | None:
    """A number that was measured; None where it is none."""
    value = facts.get(key)
    return value if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value) else None


def show(value: float, unit: str) -> str:
    if unit == "MB":
        return f"{round(value / 10**6, 1):,g} MB"
    if unit == "bits per second":
        return f"{value / 10**6:.2f} Mbit/s"
    number = f"{value:,.2f}".rstrip("0").rstrip(".")
    if unit == ":1":
        return f"{number}:1"
    noun, of, rest = unit.partition(" of ")
    one = value == 1 and noun not in ("s", "fps")
    return f"{number} {noun.removesuffix('s') if one else noun}{of}{rest}"
