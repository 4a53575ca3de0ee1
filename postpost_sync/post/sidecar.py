"""`post.yaml`: which keys there are, what each may hold, and what is wrong with the one at hand. Shape only.

What depends on the rest of the folder or on the config (is the file there, who is "brand") is `wanted`'s job.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from postpost_sync.model import unseen, yaml_tree
from postpost_sync.model.errors import Finding, did_you_mean, printable
from postpost_sync.model.folder import Apart, Entry, FirstComment, Folder, PlatformEntry, Settings, Sidecar, Value
from postpost_sync.model.yaml_tree import Node, Scalar, Sequence, describe
from postpost_sync.model.yaml_values import SHAPES, Wrong, list_of, located, shaped, text, yes_or_no
from postpost_sync.post import other_words, shapes, slips
from postpost_sync.post.when import own_zone, stand_apart


@shaped(type=["string", "number", "boolean"], pattern=r"^(?!\.{1,2}$)[^/\\]+$")
def _plain_name(node: Node) -> str:
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
def _prose(node: Node) -> str:
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
        written = _prose(node)
    except Wrong as wrong:
        raise Wrong(wrong.code, f"{printable(key)} {wrong.message}", wrong.hint, node.line) from None
    if isinstance(node, Scalar) and node.plain and written in ("true", "True", "TRUE", "false", "False", "FALSE"):
        return written.lower() == "true"
    return written


_FIRST_COMMENT: Mapping[str, Callable[[Node], Any]] = {
    "text": _prose,
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
        return FirstComment(_prose(node))
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
    return FirstComment(**found)


_PER_PLATFORM: Mapping[str, Callable[[Node], Any]] = {
    "content": _prose,
    "content_file": _plain_name,
    "media": list_of(_plain_name, "a list of file names"),
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
            what = f'"{key}" stands twice below "{printable(name)}" (lines {lines[key]} and {line})'
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
        _prose,
        "The text of the post, sent as it is written.",
        meant_by="text caption message body post description copy status words",
    ),
    "content_file": Key(
        _plain_name,
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
        list_of(_plain_name, "a list of file names"),
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
# what is written may mean something else to people
_MISREAD = frozenset({"YAML_SYNTAX", "YAML_ALIAS", "YAML_TAG", "YAML_TWO_DOCUMENTS"})
MOST_KEYS = 1000  # of which it is asked what they mean
_EXPLAINED = 20  # findings for which it is looked for what may have been meant; a person is shown no more of them
_MEANT: Mapping[str, str] = {word: name for name, key in KEYS.items() for word in key.meant_by.split()}
_QUOTED = re.compile(  # in the quotes of one language or another, as a whole
    "\u201c[^\u201c\u201d]*\u201d|\u201e[^\u201e\u201c\u201d]*[\u201c\u201d]|\u2018.*\u2019|\u201a.*\u2018|\u00ab[^\u00ab\u00bb]*\u00bb|\u00bb[^\u00ab\u00bb]*\u00ab",
    re.DOTALL,
)


def named(folder: Folder, name: str) -> Entry | None:
    """The entry that a name in the sidecar means."""
    return meant(folder)(name)


def meant(folder: Folder) -> Callable[[str], Entry | None]:
    """The same for many names: a file system may spell é in two characters where people write one."""
    composed: dict[str, Entry] = {}
    for entry in folder.entries:
        composed.setdefault(unicodedata.normalize("NFC", entry.name), entry)
        if not entry.name.isascii() and not entry.name.isprintable():  # bytes that are no UTF-8: of an older system
            composed.setdefault(entry.name.encode("utf-8", "surrogateescape").decode("latin-1"), entry)
    exact = {entry.name: entry for entry in folder.entries}
    return lambda name: exact.get(name) or composed.get(unicodedata.normalize("NFC", name))


def parse(data: bytes, file: str = "post.yaml") -> tuple[Sidecar | None, tuple[Finding, ...]]:
    """The sidecar in `data`, and everything that is wrong with it; None where any of that is an error."""
    try:
        tree = yaml_tree.read(data)
    except yaml_tree.YamlProblem as problem:
        return None, (_unread(data, file, problem),)
    if not isinstance(tree, yaml_tree.Mapping):
        return None, (_no_map(data, file, tree),)
    source = unseen.decode(data)
    apart, taken = _apart(tree, file)
    values, lines, findings = _values(tree, source, file, taken)
    findings += _of_content(tree, lines, file)
    if findings:
        if apart is not None:  # the zone of its root is not known here, and what is said is said at once
            zones = (node.text for key, node in tree.pairs if isinstance(node, Scalar) and _means(key, "timezone"))
            findings.append(stand_apart(apart, own_zone(next(zones, None))))
        return None, tuple(findings)
    unseen_in = {SPELLINGS[key]: found for key, _, node in tree if (found := _unseen(node))}
    doubts = _doubts(file, lines.get("content", 0), values.get("content", ""))
    return Sidecar(**values, lines=lines, file=file, unseen=unseen_in, doubts=doubts, apart=apart), ()


def _values(
    tree: yaml_tree.Mapping, source: str, file: str, taken: frozenset[str]
) -> tuple[dict[str, Any], dict[str, int], list[Finding]]:
    """What each key says and the line on which it stands, by its name, and what is wrong with the others."""
    values: dict[str, Any] = {}
    lines: dict[str, int] = {}
    findings: list[Finding] = []
    for key, node in tree.pairs:
        spelling, line = key.text, key.line
        name = SPELLINGS.get(spelling)
        if spelling in taken:
            continue
        if name is None:
            findings.append(_unknown(source if len(findings) < _EXPLAINED else "", file, key, node))
        elif name in lines:
            what = f'"{name}" stands twice (lines {lines[name]} and {line})'
            findings.append(located(file, line, "DUPLICATE_KEY", what, "keep one of the two"))
        else:
            lines[name] = line
            try:
                values[name] = KEYS[name].parse(node)
            except Wrong as wrong:
                hint = _instead(source, line, name, node, wrong)
                findings.append(located(file, wrong.line or line, wrong.code, f"{spelling}: {wrong.message}", hint))
    return values, lines, findings


def _of_content(tree: yaml_tree.Mapping, lines: Mapping[str, int], file: str) -> Iterator[Finding]:
    """Whether the text is given twice, or not at all."""
    given = [key for key in ("content", "content_file") if key in lines]
    if len(given) == 2:
        what = "content and content_file are both given"
        yield located(file, lines["content_file"], "CONTENT_TWICE", what, "keep one of the two")
    meant = (_means(key, "content", "content_file") for key, _ in tree.pairs[:MOST_KEYS])
    if not given and not any(meant):
        what, hint = "there is neither content nor content_file", 'add "content: …" with the text of the post'
        yield located(file, 0, "CONTENT_MISSING", what, hint)


def _means(key: Scalar, *names: str) -> bool:
    return other_words.meant(key.text, KEYS, _MEANT) in names


def _instead(source: str, line: int, name: str, node: Node, wrong: Wrong) -> str:
    """The way out of a value that does not fit its key: the lines to write, where these are clear."""
    parse, found = KEYS[name].parse, ""
    value = shapes.Misshapen(source, line, name, node, parse, SPELLINGS)
    if wrong.code == "HASHTAG_IS_COMMENT":
        found = slips.as_block(source, line, SPELLINGS)
    elif wrong.code == "WRONG_TYPE" and name in ("platforms", "media"):
        found = value.as_list()
    elif wrong.code == "WRONG_TYPE" and parse in (text, _prose, _plain_name):
        found = value.as_text()
    return found or wrong.hint


def _no_map(data: bytes, file: str, tree: Node | None) -> Finding:
    found = "empty" if tree is None else describe(tree)
    code, what = (
        "SIDECAR_BLANK" if tree is None else "SIDECAR_NOT_A_MAP",
        "keys such as content and platforms belong here",
    )
    hint = 'start with "content: …" and "platforms: […]"' if tree is None else slips.START
    if (slip := slips.no_keys(unseen.decode(data), SPELLINGS)) is not None:
        what, hint = slip
    return located(file, 0, code, f"it is {found}; {what}", hint)


def _unread(data: bytes, file: str, problem: yaml_tree.YamlProblem) -> Finding:
    """What is wrong with what is no YAML: where it is a slip that people make, with the lines to write instead."""
    message, hint = problem.message, problem.hint
    if problem.code in _MISREAD and hint != yaml_tree.UNSEEN_HINT:
        found = slips.mended(unseen.decode(data), problem.line, SPELLINGS)
        message, hint = (found[0] or message, found[1]) if found is not None else (message, hint)
    return located(file, problem.line, problem.code, message, hint)


def _unknown(text: str, file: str, key: Scalar, value: Node) -> Finding:
    """`text` blank: what may have been meant is not looked for."""
    if not text:
        what, hint = f'"{printable(key.text)}" is not a key', f"allowed: {', '.join(sorted(KEYS))}"
    else:
        what, hint = other_words.answer(key, value, text, SPELLINGS, _MEANT)
    name = _MEANT.get(other_words.as_key(key.text), "")
    more = f" {KEYS[name].hint}" if name and KEYS[name].hint and name in hint else ""
    return located(file, key.line, "UNKNOWN_KEY", what, hint + more)


def _apart(tree: yaml_tree.Mapping, file: str) -> tuple[Apart | None, frozenset[str]]:
    """A day and a time of day under a key each, and these keys."""
    found = other_words.day_and_clock(tree)
    if found is None:
        return None, frozenset()
    (day_key, day), (clock_key, clock) = found
    first, second = sorted((day_key, clock_key), key=lambda key: key.line)
    what = f'"{printable(first.text)}" and "{printable(second.text)}" are not keys'
    if second.text in SPELLINGS or first.text in SPELLINGS:
        other = first if second.text in SPELLINGS else second
        what = f'"{printable(other.text)}" is not a key, and scheduled_time takes the date and the time together'
    where = f"{printable(file)}, lines {first.line} and {second.line}"
    return Apart(day.text, clock.text, f"{where}: {what}"), frozenset({day_key.text, clock_key.text})


def _unseen(node: Node) -> str:
    """The first unseen character in a value; in words that people read they are right."""
    if isinstance(node, Scalar):
        return node.unseen
    inner = node.items if isinstance(node, Sequence) else [value for _, value in node.pairs]
    return next(filter(None, map(_unseen, inner)), "")


def _doubts(file: str, line: int, content: str) -> tuple[Finding, ...]:
    """Curly quotes are no quotes to YAML: they go out with the text."""
    if not _QUOTED.fullmatch(content.strip()):
        return ()
    what = (
        f"content: the quotes {content.strip()[0]} and {content.strip()[-1]} around it are a part of the text and sent"
    )
    hint = 'if that is not meant, take them out, or write straight ones (")'
    return (located(file, line, "CURLY_QUOTES", what, hint),)
