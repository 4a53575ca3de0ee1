"""`post.yaml`: which keys there are, what each may hold, and what is wrong with the one at hand. Shape only.

What depends on the rest of the folder or on the config (is the file there, who is "brand") is `wanted`'s job.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from postpost_sync.model import yaml_tree
from postpost_sync.model.errors import Finding, did_you_mean, printable
from postpost_sync.model.folder import Entry, Folder, Settings, Sidecar
from postpost_sync.model.yaml_tree import Node, Scalar, describe
from postpost_sync.model.yaml_values import SHAPES, Wrong, list_of, located, shaped, text, yes_or_no


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


@shaped(type="object", additionalProperties={"type": "object", "additionalProperties": text})
def _settings(node: Node) -> Settings:
    example = "write it as {instagram: {videoType: REELS}}"
    if not isinstance(node, yaml_tree.Mapping):
        raise Wrong("WRONG_TYPE", f"is {describe(node)}; a map of platforms belongs here", example)
    settings: dict[str, Mapping[str, str | bool]] = {}
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


def _setting(key: str, node: Node) -> str | bool:
    try:
        written = _prose(node)
    except Wrong as wrong:
        raise Wrong(wrong.code, f"{printable(key)} {wrong.message}", wrong.hint, node.line) from None
    if isinstance(node, Scalar) and node.plain and written in ("true", "True", "TRUE", "false", "False", "FALSE"):
        return written.lower() == "true"
    return written


@dataclass(frozen=True, slots=True)
class Key:
    """One key of the sidecar: how its value is read, other spellings, and what it is for (shown by the schema)."""

    parse: Callable[[Node], Any]
    about: str
    aliases: tuple[str, ...] = ()


KEYS: Mapping[str, Key] = {
    "content": Key(_prose, "The text of the post, sent as it is written."),
    "content_file": Key(_plain_name, "A UTF-8 text file in the folder that holds the text, instead of content."),
    "platforms": Key(
        list_of(text, "a list of ids or names"),
        "Connection ids such as twitter-123, names from accounts in the config, a platform for all accounts of it, or all.",
    ),
    "scheduled_time": Key(
        text,
        "When it goes out: local to timezone, or ISO 8601 with an offset; or now. Left out: it stays a draft.",
        ("scheduledTime",),
    ),
    "timezone": Key(text, "IANA time zone of scheduled_time, such as Europe/Berlin."),
    "media": Key(
        list_of(_plain_name, "a list of file names"), "Media files in the order of the post. Left out: all there are."
    ),
    "platform_settings": Key(_settings, "Settings per platform.", ("platformSettings",)),
    "fit": Key(
        yes_or_no,
        "Whether a file that would be refused is sent as a fitted copy, where there is one. Left out: as the config has it.",
    ),
}
SPELLINGS: Mapping[str, str] = {spelling: name for name, key in KEYS.items() for spelling in (name, *key.aliases)}


def named(folder: Folder, name: str) -> Entry | None:
    """The entry that a name in the sidecar means."""
    return meant(folder)(name)


def meant(folder: Folder) -> Callable[[str], Entry | None]:
    """The same for many names: a file system may spell é in two characters where people write one."""
    composed: dict[str, Entry] = {}
    for entry in folder.entries:
        composed.setdefault(unicodedata.normalize("NFC", entry.name), entry)
    exact = {entry.name: entry for entry in folder.entries}
    return lambda name: exact.get(name) or composed.get(unicodedata.normalize("NFC", name))


def parse(data: bytes, file: str = "post.yaml") -> tuple[Sidecar | None, tuple[Finding, ...]]:
    """The sidecar in `data`, and everything that is wrong with it; None where any of that is an error."""
    try:
        tree = yaml_tree.read(data)
    except yaml_tree.YamlProblem as problem:
        return None, (located(file, problem.line, problem.code, problem.message, problem.hint),)
    if not isinstance(tree, yaml_tree.Mapping):
        found = "empty" if tree is None else describe(tree)
        code = "SIDECAR_BLANK" if tree is None else "SIDECAR_NOT_A_MAP"
        return None, (
            located(
                file,
                0,
                code,
                f"it is {found}; keys such as content and platforms belong here",
                'start with "content: …" and "platforms: […]"',
            ),
        )
    findings: list[Finding] = []
    values: dict[str, Any] = {}
    lines: dict[str, int] = {}
    for spelling, line, node in tree:
        name = SPELLINGS.get(spelling)
        if name is None:
            findings.append(
                located(
                    file, line, "UNKNOWN_KEY", f'"{printable(spelling)}" is not a key', did_you_mean(spelling, KEYS)
                )
            )
        elif name in lines:
            findings.append(
                located(
                    file,
                    line,
                    "DUPLICATE_KEY",
                    f'"{name}" stands twice (lines {lines[name]} and {line})',
                    "keep one of the two",
                )
            )
        else:
            lines[name] = line
            try:
                values[name] = KEYS[name].parse(node)
            except Wrong as wrong:
                findings.append(
                    located(file, wrong.line or line, wrong.code, f"{spelling}: {wrong.message}", wrong.hint)
                )
    if "content" in lines and "content_file" in lines:
        findings.append(
            located(
                file,
                lines["content_file"],
                "CONTENT_TWICE",
                "content and content_file are both given",
                "keep one of the two",
            )
        )
    if "content" not in lines and "content_file" not in lines:
        findings.append(
            located(
                file,
                0,
                "CONTENT_MISSING",
                "there is neither content nor content_file",
                'add "content: …" with the text of the post',
            )
        )
    if findings:
        return None, tuple(findings)
    return Sidecar(**values, lines=lines, file=file), ()
