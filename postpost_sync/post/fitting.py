"""Says which of a post's files are sent as a fitted copy, what that may be, and the words for it. Pure.

Only what would be refused is touched, and only where a copy would not be. What is asked of `preflight` decides both: the
file as it is, then the copy as it may become, and once that is made, the copy as it is.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from pathlib import PurePosixPath

from postpost_sync.model.errors import Finding, path_name, printable
from postpost_sync.model.folder import Copy, MediaFile, Recipe
from postpost_sync.model.post import Post
from postpost_sync.model.record import Sent, Upload
from postpost_sync.post import platforms, preflight
from postpost_sync.post.platforms import ANY, FORMAT_NAMES, FORMATS, SUFFIXES, Overrides, Severity
from postpost_sync.post.violations import Targets, fact

VERSION = 1  # of how copies are made: to raise it is to make those of posts that do not stand yet anew
PICTURES = frozenset("image/heic image/heif image/avif image/tiff image/bmp".split())  # PostPost takes none of these
_TOUCHED = PICTURES | {"image/jpeg", "image/png", "image/gif", "image/webp"}
_REWRAPPED = frozenset({"video/quicktime", "video/x-matroska"})
_STREAMS = {"video_codec": frozenset({"h264", "hevc"}), "audio_codec": frozenset({"aac", ""})}
_WRONG = ("truncated", "undecodable", "unmeasured", "moov_missing", "animated")
_MOST_PIXELS = 300_000_000  # of a picture that a copy is tried of; the largest phone has 200 million
_SIDE = 65_500  # pixels of a JPEG's side
_NO_LIMIT = 1 << 40
_ANY_SIDE = 1 << 20  # pixels: those of a video are not touched


def could_be_fitted(media: MediaFile) -> bool:
    """Whether a copy could be made of what PostPost does not take."""
    return media.kind in PICTURES and _is_whole(media)


def fit(post: Post, limits: Overrides, unfit: Collection[str] = ()) -> Post:
    """The post, with a recipe for each file that is sent as a copy. `unfit`: files of which none can be made."""
    known = _known(post)
    media = (
        replace(one, recipe=None if one.name in unfit else _recipe(one, known, limits), copy=None) for one in post.media
    )
    made = (
        replace(one, copy=was.copy) if was.copy is not None and was.copy.recipe == one.recipe else one
        for one, was in zip(media, post.media, strict=True)
    )
    return replace(post, media=tuple(made))


def as_sent(post: Post) -> Post:
    """The post with its files as the platforms will see them."""
    return replace(post, media=tuple(_sent(one) for one in post.media))


def told(post: Post, limits: Overrides) -> Iterator[Finding]:
    """A warning for each file that is sent as a copy."""
    known = _known(post)
    for media in post.media:
        if (recipe := media.recipe) is None:
            continue
        sent = _sent(media)
        about = "" if media.copy is not None else "at most "
        width, height = (fact(sent.facts, key) or 0 for key in ("width", "height"))
        size = f"{about}{width:,.0f} x {height:,.0f} px, {about}{_megabytes(sent.stat.size)}"
        others = [] if media.copy is not None else [SUFFIXES[form][0] for form in recipe.forms[1:]]
        names = " or ".join([path_name(sent.name), *others])
        hint = _way_out("" if media.is_video else _sparing(known, limits))
        yield Finding("FITTED", f"{path_name(media.name)} is sent as {names} ({size}): {recipe.why}", hint)


def sent_as(media: MediaFile) -> Sent | None:
    """What is written down of a file's copy; None where the file itself is sent."""
    if (recipe := media.recipe) is None:
        return None
    if (copy := media.copy) is None:
        return Sent(recipe.version, None, None, None, recipe.why)
    width, height = (fact(copy.facts, key) for key in ("width", "height"))
    return Sent(recipe.version, copy.size, int(width or 0), int(height or 0), recipe.why)


def same_form(upload: Upload, media: MediaFile) -> bool:
    """Whether what was sent is what would be sent of the same bytes now: another copy is an edit, a copy made anew is none."""
    recipe, sent = media.recipe, upload.sent_as
    if recipe is None or sent is None:
        return recipe is None and sent is None and upload.content_type == media.content_type
    fits = (sent.size or 0) <= recipe.size and (sent.width or 0) <= recipe.width and (sent.height or 0) <= recipe.height
    if media.copy is not None and media.copy.content_type != upload.content_type:  # it was lost, and came out otherwise
        return False
    few = (sent.width or 0) * (sent.height or 0) <= recipe.pixels
    return sent.version == recipe.version and upload.content_type in recipe.forms and fits and few


# --- recipes ----------------------------------------------------------------------------------------------------------


def _known(post: Post) -> Targets:
    """The platforms whose limits are known, with the ids of each."""
    return {platform: ids for platform, ids in preflight.by_platform(post).items() if platform in FORMATS}


def _recipe(media: MediaFile, known: Targets, limits: Overrides) -> Recipe | None:
    taken = media.content_type in SUFFIXES
    if media.stat.size > _least((ANY,), limits, "file_bytes"):  # no picture is that large, and no video becomes smaller
        return None
    if not _is_whole(media) or (taken and not _refused(media, known, limits)):
        return None
    if media.kind in _TOUCHED:
        recipe = _of_picture(media, known, limits)
    elif media.kind in _REWRAPPED and all(media.facts.get(key) in codecs for key, codecs in _STREAMS.items()):
        recipe = _of_video(media, known, limits)
    else:
        return None
    return None if _refused(_expected(media, recipe), known, limits) else recipe


def _is_whole(media: MediaFile) -> bool:
    pixels = (fact(media.facts, "width") or 0) * (fact(media.facts, "height") or 0)
    return 0 < pixels <= _MOST_PIXELS and not any(media.facts.get(key) for key in _WRONG)


def _refused(media: MediaFile, known: Targets, limits: Overrides) -> bool:
    return any(severity is Severity.ERROR for severity, _ in preflight.of_file(media, known, limits))


def _of_picture(media: MediaFile, known: Targets, limits: Overrides) -> Recipe:
    """A PNG or WebP may stay without loss where all take PNG and it becomes small enough; else all take JPEG."""
    drawn = media.kind in ("image/png", "image/webp", "image/gif")
    rows = [platforms.formats(one, limits) for one in known]
    png = drawn and all("image/png" in row.taken - row.risky for row in rows)
    forms = ("image/png", "image/jpeg") if png else ("image/jpeg",)
    size, width, height = (_least(known, limits, key) for key in ("image_bytes", "width", "height"))
    size = min(size, _least((ANY, *known), limits, "file_bytes"))
    pixels = _least((ANY, *known), limits, "pixels")
    return Recipe(
        forms, size, min(width, _SIDE), min(height, _SIDE), pixels, VERSION, _why(media, known, limits, forms)
    )


def _of_video(media: MediaFile, known: Targets, limits: Overrides) -> Recipe:
    """An MP4 of the same streams: whatever else is wrong with the video stays wrong with it."""
    rows = {one: platforms.formats(one, limits) for one in known}
    refusing = [one for one, row in rows.items() if media.content_type not in row.taken | row.risky]
    videos = [form for form in SUFFIXES if form.startswith("video/")]
    takes = [FORMAT_NAMES[form] for one in refusing[:1] for form in videos if form in rows[one].taken]
    why = f"{_takes(known[refusing[0]])} {' or '.join(takes)}" if refusing else "PostPost takes MP4"
    # what a platform takes of it besides is asked of the file and of its copy
    size = _least((ANY, *known), limits, "file_bytes")
    return Recipe(("video/mp4",), size, _ANY_SIDE, _ANY_SIDE, _ANY_SIDE**2, VERSION, why)


def _least(known: Collection[str], limits: Overrides, key: str) -> int:
    """The smallest figure that one of the platforms has for a key, where MB are not MiB; a large one where none has any."""
    return min((figure for one in known if (figure := _figure(one, limits, key)) is not None), default=_NO_LIMIT)


def _figure(platform: str, limits: Overrides, key: str) -> int | None:
    limit = platforms.limit(platform, key, limits)
    return int(limit.value * (10**6 if limit.unit == "MB" else 1)) if limit is not None else None


def _why(media: MediaFile, known: Targets, limits: Overrides, forms: Collection[str]) -> str:
    """Which platform takes what; of several that of which the least comes through."""
    takes = " or ".join(FORMAT_NAMES[form] for form in forms)
    if (strictest := _strictest(known, limits)) is None:
        return f"PostPost takes {takes}, not {media.sniffed.removesuffix(' image') or 'this'}"
    size, width, height = (_figure(strictest, limits, key) for key in ("image_bytes", "width", "height"))
    most = f" up to {_megabytes(size)}" if size is not None else ""
    sides = f"{' and' if most else ' up to'} {width or _SIDE:,} x {height or _SIDE:,} px" if width or height else ""
    return f"{_takes(known[strictest])} {takes}{most}{sides}"


def _strictest(known: Targets, limits: Overrides) -> str | None:
    figures = {one: (_least([one], limits, "image_bytes"), _least([one], limits, "width")) for one in known}
    return min(figures, key=lambda one: figures[one], default=None)


def _sparing(known: Targets, limits: Overrides) -> str:
    """The one network that makes the copy smaller for all the others; "" where none does."""
    strictest = _strictest(known, limits)
    others = [one for one in known if one != strictest]
    if strictest is None or not others:
        return ""
    keys = ("image_bytes", "width", "height")
    return strictest if any(_least(others, limits, key) > _least([strictest], limits, key) for key in keys) else ""


def _way_out(sparing: str) -> str:
    leave = "fit: false in the sidecar leaves every file as it lies there"
    return f"an entry of its own for {sparing} in per_platform spares the others; {leave}" if sparing else leave


def _takes(ids: Collection[str]) -> str:
    return f"{printable(', '.join(ids))} take{'s' if len(ids) == 1 else ''}"


def _megabytes(size: float) -> str:
    return f"{size / 10**6:,.1f} MB" if size >= 50_000 else f"{size / 1000:,.1f} kB"


# --- what a copy is ---------------------------------------------------------------------------------------------------


def _sent(media: MediaFile) -> MediaFile:
    if media.recipe is None:
        return media
    return _expected(media, media.recipe) if media.copy is None else _made(media, media.copy)


def _made(media: MediaFile, copy: Copy) -> MediaFile:
    stat = media.stat._replace(size=copy.size)
    return MediaFile(
        _named(media, copy.content_type), stat, copy.content_type, facts=copy.facts, kind=copy.content_type
    )


def _expected(media: MediaFile, recipe: Recipe) -> MediaFile:
    """What may become of it: at most so large. Which platforms take it does not depend on more."""
    form, stat = recipe.forms[0], media.stat
    facts: Mapping[str, str | int | float | bool] = media.facts
    if not form.startswith("video/"):  # as a JPEG it may take more than as a HEIC
        stat = stat._replace(size=recipe.size)
        facts = {**facts, **_upright(media, recipe), "rotation": 0, "mirrored": False, "cmyk": False}
    return MediaFile(_named(media, form), stat, form, facts=facts, kind=form)


def _upright(media: MediaFile, recipe: Recipe) -> dict[str, int]:
    width, height = fact(media.facts, "width") or 1, fact(media.facts, "height") or 1
    if (fact(media.facts, "rotation") or 0) % 180:
        width, height = height, width
    scale = min(1.0, recipe.width / width, recipe.height / height, (recipe.pixels / (width * height)) ** 0.5)
    return {"width": max(1, int(width * scale)), "height": max(1, int(height * scale))}


def _named(media: MediaFile, form: str) -> str:
    return _stem(media) + SUFFIXES[form][0]


def _stem(media: MediaFile) -> str:
    return PurePosixPath(media.name).stem
