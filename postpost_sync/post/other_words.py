"""Keys that are none: what people mean by them, and what to write instead. Pure.

A word that means a key is in that key's row in `keys`; here are the words for what stands elsewhere, or nowhere.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping

from postpost_sync.model import unseen
from postpost_sync.model.errors import did_you_mean, nearest, printable
from postpost_sync.model.yaml_tree import Mapping as Tree
from postpost_sync.model.yaml_tree import Node, Scalar
from postpost_sync.post import slips
from postpost_sync.post.platforms import SETTINGS

_IN_TEXT = "it is a part of the text: write it in content, where it is to stand"
_NOTHING_SUCH = "PostPost takes no such thing: take the line out"
ANSWERS: Mapping[str, str] = {
    word: answer
    for words, answer in (
        ("hashtags hashtag tags tag mentions mention emoji emojis cta link links url website", _IN_TEXT),
        ("subtitle headline subject heading", _IN_TEXT),
        ("alt alt_text alt_texts location place geo language lang author audience", _NOTHING_SUCH),
        ("name id slug", "a post is known by its folder: take the line out, and name the folder as you like"),
        ("draft",
         "without scheduled_time it stays a draft, where default_time in the config says nothing else: take the line out"),
        ("thread threads parts", "long text becomes a thread on X by itself: write all of it in content"),
        ("comment", "a comment below the post is first_comment, the text of the post is content"),
        ("repeat recurring every", "one folder is one post: copy the folder for each further time"),
        ("cover thumbnail preview poster",
         'PostPost takes a cover for Instagram alone: "platform_settings: {instagram: {coverUrl: https://…}}"'),
        ("visibility privacy_status",
         'on YouTube it is a setting: "platform_settings: {youtube: {privacy: unlisted}}", or public, or private'),
        ("reel reels story stories type post_type format",
         'on Instagram it is a setting: "platform_settings: {instagram: {videoType: REELS}}", or STORIES'),
    )
    for word in words.split()
}  # fmt: skip
_AROUND = re.compile(r"^\W+|(?<!\W)\W+$")
DAYS = frozenset("date day datum on scheduled_date schedule_date publish_date publishing_date post_date".split())
CLOCKS = frozenset(
    "time hour at clock uhrzeit zeit publish_time post_time schedule_time scheduled_time start_time".split()
)


def as_key(spelling: str) -> str:
    """A key as it is meant, whatever surrounds it: `Time Zone`, `• content`, `“media”`."""
    plain = _AROUND.sub("", unseen.seen(spelling))
    return re.sub(r"(?<=[a-z])(?=[A-Z])|[\s-]+", "_", plain).lower()


def meant(spelling: str, keys: Collection[str], words: Mapping[str, str]) -> str:
    """The key that is meant for certain; "" where none is. `words`: others that people try for a key."""
    plain = as_key(spelling)
    joined = plain.replace("_", "")
    same = next((key for key in keys if key.replace("_", "").lower() == joined), "")
    return same or words.get(plain) or words.get(joined, "")


def answer(key: Scalar, value: Node, text: str, keys: Mapping[str, str], words: Mapping[str, str]) -> tuple[str, str]:
    """What is wrong with a key that is none, and what to write. `keys`: each spelling of a key with its name."""
    known = set(keys.values())
    what, plain = f'"{printable(key.text)}" is not a key', as_key(key.text)
    if key.unseen and (exact := "".join(unseen.seen(key.text).split())) in keys:
        return f"{what}; {key.unseen}", f'write "{exact}"'
    if (slip := slips.nearly(text, key.line, keys)) is not None:
        return f"{what}; {slip[0]}", slip[1]
    if name := meant(key.text, known, words):
        return what, f'did you mean "{name}"?'
    if plain in ANSWERS:
        return what, ANSWERS[plain]
    if setting := _setting(key, value, text):
        return what, setting
    if near := nearest(key.text, known):
        return what, near
    if (slip := slips.below_block(text, key.line, keys)) is not None:
        return f"{what}; {slip[0]}", slip[1]
    return what, did_you_mean(key.text, known)


def _setting(spelling: Scalar, value: Node, text: str) -> str:
    """The line for a setting that stands beside the keys."""
    found = [(platform, key) for platform, key in SETTINGS if key.lower() == spelling.text.lower()]
    if not found:
        return ""
    written = printable(value.text) if isinstance(value, Scalar) and re.fullmatch(r"[\w ]{1,40}", value.text) else "…"
    maps = [f"{platform}: {{{key}: {written}}}" for platform, key in found]
    if re.search("^platform_?[Ss]ettings:", text, re.MULTILINE):
        return f"it is a setting of a platform: write {' or '.join(maps)} below platform_settings"
    lines = " or as ".join(f'"platform_settings: {{{one}}}"' for one in maps)
    return f"it is a setting of a platform: write line {spelling.line} as {lines}"


def day_and_clock(tree: Tree) -> tuple[tuple[Scalar, Scalar], tuple[Scalar, Scalar]] | None:
    """A key for the day with its value, and one for the time of day, where they stand apart."""
    days, clocks = (
        [(key, value) for key, value in tree.pairs if isinstance(value, Scalar) and as_key(key.text) in words]
        for words in (DAYS, CLOCKS)
    )
    return (days[0], clocks[0]) if len(days) == len(clocks) == 1 else None
