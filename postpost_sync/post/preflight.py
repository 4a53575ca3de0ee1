"""Says what a platform would refuse, before a byte leaves. The figures are `platforms`'; here is only how they are applied.

All findings come at once, in a fixed order. Where several platforms object to the same thing, one finding names the
strictest first and the others behind it: all platforms of a post share its text and media.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import PurePosixPath

from postpost_sync.model.errors import Finding, did_you_mean, path_name, printable
from postpost_sync.model.folder import MediaFile, Value
from postpost_sync.model.post import Post
from postpost_sync.post import counting, platforms
from postpost_sync.post.platforms import (
    ANY,
    CODECS,
    FORMAT_NAMES,
    FORMATS,
    PLATFORMS,
    SETTINGS,
    SUFFIXES,
    Limit,
    Overrides,
    Shape,
)
from postpost_sync.post.platforms import Severity as S
from postpost_sync.post.violations import Breach, Found, Targets, describe, fact, merged, over, source


@dataclass(frozen=True, slots=True)
class _Measure:
    """A figure of a media file that a limit of that key is held against."""

    key: str
    fact: str
    kind: str
    code: str
    verb: str
    fix: str
    least: bool = False  # the limit is the least that is taken, not the most
    note: str = ""


_SMALLER = "export it smaller"
_MEASURES = (
    _Measure("image_bytes", "size", "image", "IMAGE_TOO_LARGE", "is", _SMALLER),
    _Measure("width", "width", "image", "IMAGE_TOO_WIDE", "is", "scale it down"),
    _Measure("height", "height", "image", "IMAGE_TOO_TALL", "is", "scale it down"),
    _Measure("aspect_min", "aspect", "image", "IMAGE_ASPECT", "is", "crop it yourself", True, "it may be cropped"),
    _Measure("aspect_max", "aspect", "image", "IMAGE_ASPECT", "is", "crop it yourself", False, "it may be cropped"),
    _Measure("video_bytes", "size", "video", "VIDEO_TOO_LARGE", "is", _SMALLER),
    _Measure("duration_min", "duration", "video", "VIDEO_TOO_SHORT", "lasts", "use a longer one", least=True),
    _Measure("duration_max", "duration", "video", "VIDEO_TOO_LONG", "lasts", "cut it"),
    _Measure("fps_min", "fps", "video", "VIDEO_FPS", "runs at", "export it with more frames per second", least=True),
    _Measure("fps_max", "fps", "video", "VIDEO_FPS", "runs at", "export it with fewer frames per second"),
    _Measure("bitrate_max", "bitrate", "video", "VIDEO_BITRATE", "has", _SMALLER),
    _Measure("video_width", "width", "video", "VIDEO_TOO_WIDE", "is", _SMALLER),
    _Measure("video_height", "height", "video", "VIDEO_TOO_TALL", "is", _SMALLER),
    _Measure("video_aspect_min", "aspect", "video", "VIDEO_ASPECT", "is", "crop it yourself", least=True),
    _Measure("video_aspect_max", "aspect", "video", "VIDEO_ASPECT", "is", "crop it yourself"),
)
_GENERAL = (
    _Measure("file_bytes", "size", "", "MEDIA_TOO_LARGE", "is", _SMALLER),
    _Measure("pixels", "pixels", "image", "IMAGE_PIXELS", "has", "scale it down"),
)
_TEXTS = (  # key of a limit on the text, code, the way out
    ("hashtags", "TOO_MANY_HASHTAGS", "use fewer hashtags"),
    ("links", "TOO_MANY_LINKS", "use fewer links"),
    ("separators", "THREAD_BLOCKED", "take out the line of ---, which asks for a post of several parts"),
    ("marks", "THREAD_SPLIT", "write them another way if one post is meant"),
)

_DIFFERENTLY = {  # where what a text has too much of does no harm: the code, and what becomes of it
    "hashtags": ("HASHTAGS_UNUSED", "the first alone does anything"),
    "separators": ("THREAD_SPLIT", "it becomes a thread"),
    "marks": ("THREAD_SPLIT", "it becomes a thread"),
}
OF_THE_TEXT = frozenset(
    {
        "CONTENT_BLANK",
        "CONTENT_TOO_LONG",
        *(code for _, code, _ in _TEXTS),
        *(code for code, _ in _DIFFERENTLY.values()),
    }
)
"""The codes of what is wrong with the text."""


def check(post: Post, limits: Overrides | None = None) -> tuple[tuple[Finding, ...], tuple[Finding, ...]]:
    """Errors and warnings of a post. `limits` are the config's own figures, by platform and key of `platforms.KEYS`."""
    overrides = limits or {}
    targets = by_platform(post)
    known = {platform: ids for platform, ids in targets.items() if platform in FORMATS}
    found = [*_unknown(targets), *merged(_text(post, known, overrides), known, other="content: …")]
    for media in post.media:
        if media.content_type not in SUFFIXES:
            continue  # nothing PostPost takes: said where the folder is read
        found += of_file(media, known, overrides)
    found += merged(_together(post, known, overrides), known)
    found += _settings(post, targets, overrides)
    errors = tuple(finding for severity, finding in found if severity is S.ERROR)
    return errors, tuple(finding for severity, finding in found if severity is S.WARNING)


def by_platform(post: Post) -> dict[str, list[str]]:
    """platform -> the ids of it that the post goes to."""
    targets: dict[str, list[str]] = {}
    for platform_id in post.platforms:
        targets.setdefault(platform_id.partition("-")[0], []).append(platform_id)
    return targets


def of_file(media: MediaFile, known: Targets, overrides: Overrides) -> list[Found]:
    """What is to be said of one file that PostPost takes. `known`: the platforms whose limits are."""
    return [*_alone(media), *merged(_media(media, known, overrides), known, media)]


# --- the rules --------------------------------------------------------------------------------------------------------


def _unknown(targets: Targets) -> Iterator[Found]:
    for name, ids in targets.items():
        shown, quoted = printable(", ".join(ids)), f'"{printable(name)}"'
        if name in FORMATS:
            continue
        if _near(name):
            yield _error("UNKNOWN_PLATFORM", f"{shown}: there is no platform {quoted}", did_you_mean(name, PLATFORMS))
        else:
            message = f"{shown}: the limits of {quoted} are not known to this version; it is sent as it is"
            yield _warning("UNKNOWN_PLATFORM_LIMITS", message, "check its limits yourself")


def _near(name: str) -> bool:
    """Whether a name is a slip of a known one: cut short, or a letter or two off. `twitch` is not `twitter`."""
    lower = name.lower()
    short = len(lower) >= 3 and any(known.startswith(lower) for known in PLATFORMS)
    return short or bool(get_close_matches(lower, PLATFORMS, n=1, cutoff=0.8))


def _text(post: Post, targets: Targets, overrides: Overrides) -> Iterator[Breach]:
    if not post.content.replace("\u200b", "").replace("\ufeff", "").strip():
        hint = "write some text: a post needs it even with media"
        yield Breach(S.ERROR, "CONTENT_BLANK", "content", "is blank", ANY, "no blank text", 0, hint)
        return
    for platform in targets:
        limit = platforms.limit(platform, "text", overrides)
        with_media = platforms.limit(platform, "text_with_media", overrides)
        if post.media and with_media:
            limit = with_media
        if limit:
            count = counting.count(post.content, "text", limit.unit)
            many = parts(post.content, platform, overrides)
            note = f"it becomes a thread of {many} parts" if many > 1 else ""
            yield from over(limit, count, "CONTENT_TOO_LONG", "content", "has", "shorten it", note=note)
        for key, code, fix in _TEXTS:
            limit = platforms.limit(platform, key, overrides)
            if limit:
                found, note = counting.count(post.content, key, limit.unit), ""
                if limit.severity is S.WARNING:  # it goes out, otherwise than one may think
                    code, note = _DIFFERENTLY.get(key, (code, ""))
                yield from over(limit, found, code, "content", "has", fix, note=note)


def parts(content: str, platform: str, overrides: Overrides | None = None) -> int:
    """Of how many posts the text consists there: more than one where the service makes a thread of it."""
    own = (overrides or {}).get(platform, {})
    whole, part = (platforms.limit(platform, key, overrides or {}) for key in ("text", "text_part"))
    if whole is None or part is None:
        return 1
    room = whole.value - 10 if "text" in own and "text_part" not in own else part.value
    return counting.parts(content, whole.value, room)


def _media(media: MediaFile, targets: Targets, overrides: Overrides) -> Iterator[Breach]:
    kind = (media.content_type or "").partition("/")[0]
    general, own = ([one for one in all_of if one.kind in ("", kind)] for all_of in (_GENERAL, _MEASURES))
    for measure in general:
        # a platform's own figure, where there is one, in place of the service's
        whose = dict.fromkeys(one if measure.key in overrides.get(one, {}) else ANY for one in targets)
        for platform in whose or (ANY,):
            yield from _measured(media, measure, platforms.limit(platform, measure.key, overrides))
    for platform in targets:
        for measure in own:
            yield from _measured(media, measure, _limit(media, platform, measure.key, overrides))
        images = platforms.limit(platform, "images", overrides)
        if media.is_video or not images or images.value > 0:  # else no image at all: said once, for the post
            yield from _format(media, platform, overrides)
    formats = [platforms.formats(platform, overrides) for platform in targets]
    converted = any("image/webp" in row.converted for row in formats)
    if media.content_type == "image/webp" and not converted and any("image/webp" in row.taken for row in formats):
        hint, takes = "prefer JPEG to WebP", "it, but JPEG looks the same everywhere"
        yield Breach(S.WARNING, "PREFER_JPEG", path_name(media.name), "is WebP", ANY, takes, 0, hint)


def _limit(media: MediaFile, platform: str, key: str, overrides: Overrides) -> Limit | None:
    """The figure for this file: a platform may take fewer bytes of a short video than of a long one."""
    if key == "video_bytes":
        short, duration = platforms.limit(platform, "short_video", overrides), fact(media.facts, "duration")
        if short and duration is not None and duration < short.value:
            return platforms.limit(platform, "short_video_bytes", overrides)
    return platforms.limit(platform, key, overrides)


def _measured(media: MediaFile, measure: _Measure, limit: Limit | None) -> Iterator[Breach]:
    if limit is None:
        return
    if measure.fact == "size":
        value: float | None = media.stat.size
    elif measure.fact == "pixels":
        value = (fact(media.facts, "width") or 0) * (fact(media.facts, "height") or 0)
    else:
        value = fact(media.facts, measure.fact)
    if value is not None:
        yield from over(
            limit, value, measure.code, path_name(media.name), measure.verb, measure.fix, measure.least, measure.note
        )


def _format(media: MediaFile, platform: str, overrides: Overrides) -> Iterator[Breach]:
    formats, mime, subject = platforms.formats(platform, overrides), media.content_type or "", path_name(media.name)
    kind = mime.partition("/")[0]
    names = [FORMAT_NAMES[m] for m in SUFFIXES if m in formats.taken and m.startswith(kind)]
    found, takes, rank = f"is {FORMAT_NAMES[mime]}", " ".join(names) or f"no {kind}s", len(names)
    fix, page = f"export it as {names[0]}" if names else "leave it out", source(formats)
    if mime in formats.converted:
        note = "it is converted to JPEG and may look different"
        fix = "upload as JPEG directly if quality consistency is critical"
        yield Breach(S.WARNING, "WEBP_CONVERTED", subject, found, platform, takes, rank, fix, note, page)
    elif mime in formats.risky:
        note = "it may be refused or changed"
        yield Breach(S.WARNING, f"{kind.upper()}_FORMAT_RISKY", subject, found, platform, takes, rank, fix, note, page)
    elif mime not in formats.taken:
        yield Breach(S.ERROR, f"{kind.upper()}_FORMAT", subject, found, platform, takes, rank, fix, source=page)
        return
    if media.facts.get("animated") is True and mime not in formats.animated:
        takes, note, fix = "still images", "only its first picture is shown", "send it as a video"
        yield Breach(S.WARNING, "ANIMATION_LOST", subject, "is animated", platform, takes, 0, fix, note)


def _together(post: Post, targets: Targets, overrides: Overrides) -> Iterator[Breach]:
    media = [m for m in post.media if m.content_type in SUFFIXES]
    videos = sum(m.is_video for m in media)
    counts = {"images": len(media) - videos, "videos": videos, "kinds": len({m.is_video for m in media})}
    for platform in targets:
        least = platforms.limit(platform, "videos_min", overrides)
        said = least is not None and least.value > 0 and not videos  # as VIDEO_REQUIRED
        for key, value, code, fix in (
            ("media_min", len(media), "MEDIA_REQUIRED", "add an image or a video"),
            ("videos_min", videos, "VIDEO_REQUIRED", "add a video"),
        ):
            limit = platforms.limit(platform, key, overrides)
            if limit:
                yield from over(limit, value, code, "the post", "has", fix, least=True)
        for key, code, fix in (
            ("images", "TOO_MANY_IMAGES", "take some out"),
            ("videos", "TOO_MANY_VIDEOS", "keep one video per post"),
            ("kinds", "MEDIA_MIXED", "keep the images or the video"),
        ):
            limit = platforms.limit(platform, key, overrides)
            if limit and not (key == "images" and limit.value == 0 and said):
                yield from over(limit, counts[key], code, "the post", "has", fix)
    if not targets:  # only platforms that are not known: the service's own figure still holds
        limit = platforms.limit(ANY, "videos", overrides)
        if limit:
            yield from over(limit, videos, "TOO_MANY_VIDEOS", "the post", "has", "keep one video per post")


def _alone(media: MediaFile) -> Iterator[Found]:
    """What is to be said of a file whatever the platform."""
    name, facts, mime, again = path_name(media.name), media.facts, media.content_type or "", "export or copy it again"
    suffix, measured = SUFFIXES[mime][0], f"measured: {describe(facts)}"
    if PurePosixPath(media.name).suffix.lower() not in SUFFIXES[mime]:
        message = f"{name} is {FORMAT_NAMES[mime]} by its content, not what its name says; it is sent as {suffix}"
        yield _warning("MEDIA_WRONG_EXTENSION", message, f"rename it to end in {suffix}")
    if facts.get("truncated"):
        yield _error("MEDIA_TRUNCATED", f"{name} is cut off: {printable(str(facts['truncated']))}", again)
    elif facts.get("moov_missing") is True:
        yield _error(
            "VIDEO_MOOV_MISSING",
            f"{name} is not complete: its index (the moov atom) is missing, so no player can open it",
            again,
        )
    elif facts.get("undecodable"):
        yield _error("MEDIA_UNDECODABLE", f"{name} cannot be read: {printable(str(facts['undecodable']))}", again)
    elif facts.get("unmeasured"):
        message = f"{name} could not be measured: {printable(str(facts['unmeasured']))}"
        yield _warning("MEDIA_UNMEASURED", message, "check its size, length and format yourself")
    elif media.is_video and facts.get("width") and fact(facts, "duration") is None:
        message = f"{name} does not say how long it is; {measured}"
        yield _warning("MEDIA_UNMEASURED", message, "check its length yourself, or export it again")
    if not media.is_video and (facts.get("mirrored") is True or fact(facts, "rotation")):
        message = f"{name} is turned by an EXIF mark alone, which some platforms ignore"
        yield _warning("IMAGE_ROTATED", message, "export it the right way up")
    if facts.get("cmyk") is True:
        yield _warning("IMAGE_CMYK", f"{name} has CMYK colours, which may come out wrong", "export it as RGB")
    codecs = {kind: str(facts.get(f"{kind}_codec", "")) for kind in CODECS}
    strange = [codec for kind, codec in codecs.items() if codec and codec not in CODECS[kind]]
    if strange:
        message = f"{name} has {printable(' and '.join(strange))}, which not every platform plays; {measured}"
        yield _warning("VIDEO_CODEC", message, "export it as H.264 with AAC")


def _settings(post: Post, targets: Targets, overrides: Overrides) -> Iterator[Found]:
    for platform, settings in post.platform_settings.items():
        where = f"platform_settings: {printable(platform)}"
        if platform not in targets:
            hint = "" if platform in PLATFORMS else did_you_mean(platform, PLATFORMS)
            yield _warning("SETTING_UNUSED", f"{where} is not among the platforms of this post; nothing uses it", hint)
        elif platform in PLATFORMS and not any(platform == row.platform for row in SETTINGS.values()):
            message = f"{where} has no settings; the service drops them silently"
            yield _warning("SETTING_DROPPED", message, "leave them out")
            continue
        for key, value in settings.items():
            at = f"{where}: {printable(key)}"
            row = SETTINGS.get((platform, key))
            if row:
                yield from _setting(row, value, at)
                if (platform, key) in platforms.NEWER_SETTINGS:
                    message = f"{at} is newer than PostPost's own pages; it may be dropped silently"
                    yield _warning("SETTING_NEW", message, "look at the post when it is out")
                needed = platforms.SETTING_NEEDS.get((platform, key), ())
                if value is True and needed and not any(settings.get(other) is True for other in needed):
                    either = " or ".join(needed)
                    yield _error("SETTING_NEEDS", f"{at} needs {either} beside it", f"set {either} to true")
            elif platform in targets or platform in PLATFORMS:
                hint = did_you_mean(key, (known for owner, known in SETTINGS if owner == platform))
                yield _warning("SETTING_DROPPED", f"{at} is not known; the service drops it silently", hint)
            limit = platforms.limit(platform, key, overrides) if row and isinstance(value, str) else None
            if limit:
                count = counting.count(str(value), key, limit.unit)
                yield from merged(over(limit, count, "SETTING_TOO_LONG", at, "has", "shorten it"), {})


def _setting(row: platforms.Setting, value: Value, at: str) -> Iterator[Found]:
    shown = str(value).lower() if isinstance(value, bool) else printable(str(value))
    if row.allowed is None:
        if not isinstance(value, bool):
            yield _error("SETTING_VALUE", f'{at} is "{shown}"', "allowed: true, false (without quotes)")
    elif row.shape is not Shape.TEXT:
        texts = value if isinstance(value, list) else list(value.values()) if isinstance(value, dict) else None
        fits = isinstance(value, list if row.shape is Shape.LIST else dict)
        if not fits or not all(isinstance(text, str) for text in texts or ()):
            yield _error("SETTING_VALUE", f"{at} is not {row.shape}", f"write {row.shape} there")
    elif not isinstance(value, str) or (row.allowed and value not in row.allowed):
        hint = did_you_mean(shown, filter(None, row.allowed)) or "write a text"
        yield _error("SETTING_VALUE", f'{at} is "{shown}"', hint)


def _error(code: str, message: str, hint: str) -> Found:
    return S.ERROR, Finding(code, message, hint)


def _warning(code: str, message: str, hint: str) -> Found:
    return S.WARNING, Finding(code, message, hint)
