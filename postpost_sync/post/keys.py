"""The keys of `post.yaml`, one row each: how its value is read, what it is for, and other words that people try for it. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from postpost_sync.model import yaml_tree
from postpost_sync.model.errors import both_lines, did_you_mean, printable
from postpost_sync.model.folder import FirstComment, PlatformEntry, Settings, Value
from postpost_sync.model.yaml_tree import Node, Scalar, describe
from postpost_sync.model.yaml_values import SHAPES, Wrong, list_of, shaped, text, yes_or_no


@shaped(type=["string", "number", "boolean"], pattern=r"^(?!\.{1,2}$)[^/\\]+$")
def plain_name(node: Node) -> str:
    name = text(node)
    if "/" in name or "\\" in name or name in ("", ".", ".."):
        raise Wrong(
            "NOT_A_PLAIN_NAME",
            f'"{printable(name)}" is not the plain name of a file in this folder',
            "put the file into the folder and give its name alone",
            node.line,
        )
    return name


@shaped(**SHAPES[text])
def prose(node: Node) -> str:
    """Text that people will read. Its hashtags are no comment, whatever YAML makes of them."""
    if isinstance(node, Scalar) and node.hashtags:
        raise Wrong(
            "HASHTAG_IS_COMMENT",
            f'"{printable(node.hashtags)}" would not be sent: a # after a space starts a comment',
            "put the whole text in quotes, or below `content: |`",
            node.line,
        )
    return text(node)


@shaped(type="object", additionalProperties={"type": "object"})
def _settings(node: Node) -> Settings:
    example = "write it as {instagram: {videoType: REELS}}"
    if not isinstance(node, yaml_tree.Mapping):
        raise Wrong("WRONG_TYPE", f"is {describe(node)}; a map of platforms belongs here", example)
    settings: dict[str, Mapping[str, Value]] = {}
    for platform, line, values in node:
        if not isinstance(values, yaml_tree.Mapping):
            raise Wrong(
                "WRONG_TYPE",
                f"{printable(platform)} is {describe(values)}; a map of settings belongs here",
                example,
                line,
            )
        settings[platform] = {key: _setting(key, value) for key, _, value in values}
    return settings


def _setting(key: str, node: Node) -> Value:
    if isinstance(node, yaml_tree.Sequence):
        return [_setting(f"{key}[{at}]", item) for at, item in enumerate(node.items)]
    if isinstance(node, yaml_tree.Mapping):
        return {name: _setting(f"{key}.{name}", value) for name, _, value in node}
    try:
        written = prose(node)
    except Wrong as wrong:
        raise Wrong(wrong.code, f"{printable(key)} {wrong.message}", wrong.hint, node.line) from None
    if isinstance(node, Scalar) and node.plain and written in ("true", "True", "TRUE", "false", "False", "FALSE"):
        return written.lower() == "true"
    return written


_FIRST_COMMENT: Mapping[str, Callable[[Node], Any]] = {
    "text": prose,
    "platforms": list_of(text, "a list of platforms"),
}


@shaped(
    anyOf=[
        SHAPES[text],
        {"type": "object", "additionalProperties": False, "required": ["text"], "properties": _FIRST_COMMENT},
    ]
)
def _first_comment(node: Node) -> FirstComment:
    if not isinstance(node, yaml_tree.Mapping):
        return FirstComment(prose(node))
    found: dict[str, Any] = {}
    for key, line, value in node:
        if key not in _FIRST_COMMENT:
            raise Wrong(
                "UNKNOWN_KEY", f'"{printable(key)}" is not a key of it', did_you_mean(key, _FIRST_COMMENT), line
            )
        found[key] = _FIRST_COMMENT[key](value)
    if "text" not in found:
        raise Wrong(
            "NO_VALUE", "has no text", 'write it as first_comment: "…", or as {text: "…", platforms: […]}', node.line
        )
    if found.get("platforms") == ():  # it may be meant for none
        raise Wrong("NO_PLATFORMS", "platforms: names none", "leave that out for all that take one", node.line)
    return FirstComment(**found)


_PER_PLATFORM: Mapping[str, Callable[[Node], Any]] = {
    "content": prose,
    "content_file": plain_name,
    "media": list_of(plain_name, "a list of file names"),
    "scheduled_time": text,
    "platform_settings": _settings,
}
_PER_PLATFORM_SPELLINGS: Mapping[str, str] = {
    **{name: name for name in _PER_PLATFORM},
    "scheduledTime": "scheduled_time",
    "platformSettings": "platform_settings",
}
MOST_ENTRIES = 100  # in `per_platform`
_PER_PLATFORM_EXAMPLE = "write it as {linkedin: {content: …}}"


@shaped(
    type="object",
    additionalProperties={
        "type": "object",
        "additionalProperties": False,
        "minProperties": 1,
        "properties": {name: _PER_PLATFORM[key] for name, key in _PER_PLATFORM_SPELLINGS.items()},
    },
    maxProperties=MOST_ENTRIES,
)
def _per_platform(node: Node) -> tuple[PlatformEntry, ...]:
    if not isinstance(node, yaml_tree.Mapping):
        raise Wrong(
            "WRONG_TYPE",
            f"is {describe(node)}; a map of accounts or platforms belongs here",
            _PER_PLATFORM_EXAMPLE,
            node.line,
        )
    entries = list(node)
    if len(entries) > MOST_ENTRIES:
        what = f"has {len(entries):,} entries; at most {MOST_ENTRIES} are taken"
        raise Wrong("LIST_TOO_LONG", what, "remove what does not belong there", node.line)
    return tuple(_entry(name, line, values) for name, line, values in entries)


def _entry(name: str, at: int, values: Node) -> PlatformEntry:
    """What is other for one account or platform."""
    if not isinstance(values, yaml_tree.Mapping):
        what = f'"{printable(name)}" is {describe(values)}; a map of what is other there belongs here'
        raise Wrong("WRONG_TYPE", what, _PER_PLATFORM_EXAMPLE, at)
    found: dict[str, Any] = {}
    lines: dict[str, int] = {}
    for spelling, line, value in values:
        key = _PER_PLATFORM_SPELLINGS.get(spelling)
        if key is None:
            what = f'"{printable(spelling)}" is not a key below "{printable(name)}"'
            raise Wrong("UNKNOWN_KEY", what, did_you_mean(spelling, _PER_PLATFORM), line)
        if key in lines:
            what = f'"{key}" stands twice below "{printable(name)}" ({both_lines(lines[key], line)})'
            raise Wrong("DUPLICATE_KEY", what, "keep one of the two", line)
        lines[key] = line
        try:
            found[key] = _PER_PLATFORM[key](value)
        except Wrong as wrong:
            what = f"{printable(name)}: {spelling}: {wrong.message}"
            raise Wrong(wrong.code, what, wrong.hint, wrong.line or line) from None
    if not found:
        what = f'"{printable(name)}" says nothing that is other there'
        raise Wrong("NO_VALUE", what, f"allowed: {', '.join(sorted(_PER_PLATFORM))}", at)
    if "content" in found and "content_file" in found:
        what = f"{printable(name)}: content and content_file are both given"
        raise Wrong("CONTENT_TWICE", what, "keep one of the two", lines["content_file"])
    return PlatformEntry(name, at, **found, lines=lines)


@dataclass(frozen=True, slots=True)
class Key:
    """One key of the sidecar: how its value is read, other spellings, and what it is for (shown by the schema)."""

    parse: Callable[[Node], Any]
    about: str
    aliases: tuple[str, ...] = ()
    meant_by: str = ""  # other words that people try for it; refused, with this key as the suggestion
    hint: str = ""  # what more to say to these


KEYS: Mapping[str, Key] = {
    "content": Key(
        prose,
        "The text of the post, sent as it is written.",
        meant_by="text caption message body post description copy status words",
    ),
    "content_file": Key(
        plain_name,
        "A UTF-8 text file in the folder that holds the text, instead of content.",
        meant_by="text_file caption_file message_file",
    ),
    "platforms": Key(
        list_of(text, "a list of ids or names"),
        "Connection ids such as twitter-123, names from accounts in the config, a platform for all accounts of it, or all.",
        meant_by="accounts account channels channel networks network profiles profile pages page targets to",
    ),
    "scheduled_time": Key(
        text,
        "When it goes out: local to timezone, or ISO 8601 with an offset; or now; or next, for the next free slot of the root. "
        "Left out: it stays a draft, or what default_time says.",
        ("scheduledTime",),
        meant_by="date time when datetime day at on schedule scheduled scheduled_at publish publish_at publish_date hour clock "
        "publish_time post_date post_time schedule_date scheduled_date schedule_time start_time publishing_date datum uhrzeit "
        "zeit",
        hint="it takes the date and the time together, as in 2026-12-15 14:30",
    ),
    "timezone": Key(text, "IANA time zone of scheduled_time, such as Europe/Berlin.", meant_by="tz zone time_zone"),
    "media": Key(
        list_of(plain_name, "a list of file names"),
        "Media files in the order of the post. Left out: all there are.",
        meant_by="image images photo photos picture pictures pic pics video videos file files attachment attachments",
    ),
    "first_comment": Key(
        _first_comment,
        "A comment of one's own below the post: a text, or a map with text and platforms. Refused where PostPost takes none.",
        ("firstComment",),
    ),
    "platform_settings": Key(_settings, "Settings per platform.", ("platformSettings",), meant_by="settings options"),
    "per_platform": Key(
        _per_platform,
        "Other words, media, time or settings for some of the platforms: an id, a name from accounts in the config, or a "
        "platform, and below it content or content_file, media, scheduled_time, platform_settings. What is left out is as above.",
        ("perPlatform",),
        meant_by="platform_content overrides per_network per_account per_channel variants",
    ),
    "fit": Key(
        yes_or_no,
        "Whether a file that would be refused is sent as a fitted copy, where there is one. Left out: as the config has it.",
    ),
}
SPELLINGS: Mapping[str, str] = {spelling: name for name, key in KEYS.items() for spelling in (name, *key.aliases)}
MEANT: Mapping[str, str] = {word: name for name, key in KEYS.items() for word in key.meant_by.split()}
