"""`post.yaml` as it is written: what its keys say, and what is wrong with them. Shape alone; which keys there are: `keys`.

What depends on the rest of the folder or on the config (is the file there, who is "brand") is `desired`'s job.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from postpost_sync.model import unseen, yaml_tree
from postpost_sync.model.errors import Finding, both_lines, printable
from postpost_sync.model.folder import Apart, Entry, Folder, Sidecar
from postpost_sync.model.yaml_tree import Node, Scalar, Sequence, describe
from postpost_sync.model.yaml_values import Wrong, located, text
from postpost_sync.post import other_words, shapes, slips
from postpost_sync.post.keys import KEYS, MEANT, SPELLINGS, plain_name, prose
from postpost_sync.post.when import own_zone, stand_apart

# what is written may mean something else to people
_MISREAD = frozenset({"YAML_SYNTAX", "YAML_ALIAS", "YAML_TAG", "YAML_TWO_DOCUMENTS"})
MOST_KEYS = 1000  # of which it is asked what they mean
_EXPLAINED = 20  # findings for which it is looked for what may have been meant; a person is shown no more of them
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
            what = f'"{name}" stands twice ({both_lines(lines[name], line)})'
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
    return other_words.meant(key.text, KEYS, MEANT) in names


def _instead(source: str, line: int, name: str, node: Node, wrong: Wrong) -> str:
    """The way out of a value that does not fit its key: the lines to write, where these are clear."""
    parse, found = KEYS[name].parse, ""
    value = shapes.Misshapen(source, line, name, node, parse, SPELLINGS)
    if wrong.code == "HASHTAG_IS_COMMENT":
        found = slips.as_block(source, line, SPELLINGS)
    elif wrong.code == "WRONG_TYPE" and name in ("platforms", "media"):
        found = value.as_list()
    elif wrong.code == "WRONG_TYPE" and parse in (text, prose, plain_name):
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
        what, hint = other_words.answer(key, value, text, SPELLINGS, MEANT)
    name = MEANT.get(other_words.as_key(key.text), "")
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
    where = f"{printable(file)}, {both_lines(first.line, second.line)}"
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
