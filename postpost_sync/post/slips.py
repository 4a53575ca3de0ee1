"""How people mean to write the text of a post where YAML reads it otherwise: what happened, and the corrected lines. Pure.

It is asked only once a sidecar does not read; what it says is worth more than the parser's words, which name a token.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence

from postpost_sync.model.errors import printable

_WIDTH = 60  # characters of a line that is shown
_SHOWN = 4  # lines
_BLOCK = re.compile(r"(?P<key>[A-Za-z_]+):[ \t]*(?P<mark>[|>][-+0-9]*)[ \t]*(?:#.*)?")
_BESIDE = re.compile(r"(?P<key>[A-Za-z_]+):[ \t]*(?P<mark>[|>][-+0-9]*)[ \t]*(?P<text>[^\s#].*)")
_UNSPACED = re.compile(r"(?P<key>[a-z_]+):(?P<value>[^\s:/].*)")
_EQUALS = re.compile("(?P<key>[a-z_]+)\\s*[=\uff1a]\\s*(?P<value>.+)")  # or the wide colon of Asian keyboards
_KEYED = re.compile(r"(?P<key>[A-Za-z_]+):(?:[ \t]+(?P<value>.*))?")
_PROSE = "content"


def mended(text: str, line: int, keys: Collection[str]) -> tuple[str, str] | None:
    """What went wrong at that line (from 1) and the lines to write instead; None where it is none of these slips.

    What went wrong is blank where the parser's words for it are as good.
    """
    lines = re.split("\r\n|\n|\r", text)
    if not 1 <= line <= len(lines):
        return None
    head = _header(lines, line)
    for slip in (_beside, _tabbed, _outdented, _unspaced, _goes_on, _quoted):
        if (found := slip(lines, line, head)) is not None:
            return found
    return _indented_key(lines, line, keys)


def no_keys(text: str, keys: Collection[str]) -> tuple[str, str] | None:
    """The same for a text in which nothing is a key: `content:Hello`, `content = Hello`."""
    for number, written in enumerate(re.split("\r\n|\n|\r", text), 1):
        match = _UNSPACED.fullmatch(written) or _EQUALS.fullmatch(written)
        if match and match["key"] in keys:
            corrected = f"{match['key']}: {match['value']}"
            what = "a key ends with a colon and a space"
            return what, f"write line {number} as {_shown(corrected)}"
    return None


def below_block(text: str, line: int) -> tuple[str, str] | None:
    """The same for a line that reads as a key, where it stands below a block as a part of its text."""
    lines = re.split("\r\n|\n|\r", text)
    head = _header(lines, line)
    begun = any(one.strip() for one in lines[head : line - 1])
    if begun and re.match("[a-z_]+:", lines[line - 1]):
        return None  # it reads like a key, and the text above it has its indentation
    return _outdented(lines, line, head)


def _header(lines: Sequence[str], line: int) -> int:
    """The nearest line above at which a key stands at the margin; 0 where there is none."""
    return next((number for number in range(line - 1, 0, -1) if _KEYED.fullmatch(lines[number - 1])), 0)


def _opens_block(written: str) -> bool:
    return _BLOCK.fullmatch(written) is not None


def _beside(lines: Sequence[str], line: int, head: int) -> tuple[str, str] | None:
    """`content: | Our text`."""
    for number in dict.fromkeys((line, head)):
        if number and (match := _BESIDE.fullmatch(lines[number - 1])):
            key, text = f"{match['key']}: {match['mark']}", match["text"]
            what = f"text stands on the line of `{key}`, which belongs below it"
            return what, f"write line {number} as {_shown(key)} and below it {_shown('  ' + text)}"
    return None


def _tabbed(lines: Sequence[str], line: int, head: int) -> tuple[str, str] | None:
    """A tab where spaces belong."""
    written = lines[line - 1]
    indent = written[: len(written) - len(written.lstrip())]
    if "\t" not in indent:
        return None
    above = next((one for one in reversed(lines[: line - 1]) if one.strip()), "")
    inside = head and (_opens_block(lines[head - 1]) or above.rstrip().endswith(":") or above[:1] in " \t")
    width = (
        _width(lines, head) if head and _opens_block(lines[head - 1]) else 2 * indent.count("\t") + indent.count(" ")
    )
    if not written.strip():
        return "a tab stands in a line that is blank otherwise", f"take it out of line {line}"
    corrected: list[str] = []
    for number in range(line, len(lines) + 1):
        tabbed = re.match(r"(\s*\t\s*)\S", lines[number - 1])
        if tabbed is None or len(corrected) == _SHOWN:
            break
        own = width if head and _opens_block(lines[head - 1]) else 2 * tabbed[1].count("\t") + tabbed[1].count(" ")
        text = " " * (own if inside else 0) + lines[number - 1].strip()
        corrected.append(f"line {number} as {_shown(text)}")
    return "it is indented with a tab, where spaces belong", f"write {', '.join(corrected)}"


def _outdented(lines: Sequence[str], line: int, head: int) -> tuple[str, str] | None:
    """Text below `content: |` that is not indented, or less than the text above it."""
    if not head or head == line or not _opens_block(lines[head - 1]):
        return None
    width = _width(lines, head)
    first = next((n for n in range(head + 1, line + 1) if lines[n - 1].strip() and _indent(lines[n - 1]) < width), 0)
    if not first:
        return None
    line, written = first, lines[first - 1]
    key = lines[head - 1].partition("#")[0].strip()
    what = f"the text below `{printable(key)}` is not indented as its other lines are"
    if not any(one.strip() for one in lines[head : line - 1]):
        what = f"the text below `{printable(key)}` is not indented"
    return what, f"start each of its lines with {_spaces(width)}: {_shown(' ' * width + written.strip())}"


def _unspaced(lines: Sequence[str], line: int, head: int) -> tuple[str, str] | None:
    """`content:Hello`."""
    for number in range(line, max(0, line - 3), -1):
        if match := _UNSPACED.fullmatch(lines[number - 1]):
            corrected = f"{match['key']}: {match['value']}"
            return "no space stands behind the colon of a key", f"write line {number} as {_shown(corrected)}"
    return None


def _goes_on(lines: Sequence[str], line: int, head: int) -> tuple[str, str] | None:
    """Text of several lines that starts beside `content:` and goes on at the margin."""
    if not head or head == line or lines[line - 1][:1] in ("", " ", "\t"):
        return None
    match = _KEYED.fullmatch(lines[head - 1])
    if match is None or match["key"] != _PROSE or (match["value"] or "")[:1] in ("|", ">", '"', "'"):
        return None
    block = [f"{_PROSE}: |", *(f"  {one}" if one.strip() else "" for one in (match["value"] or "", *lines[head:line]))]
    shown = ", ".join(_shown(one) for one in [one for one in block if one][:_SHOWN])
    return "the text goes on in a line that is not indented", f"write it from line {head} as {shown}"


def _quoted(lines: Sequence[str], line: int, head: int) -> tuple[str, str] | None:
    """Text in one line that holds what means something in YAML: `: `, or a quote that ends too early."""
    match = _KEYED.fullmatch(lines[line - 1])
    if match is None or match["key"] != _PROSE or not match["value"] or match["value"][:1] in ("|", ">", "*"):
        return None
    text = match["value"].strip()
    if text[:1] in ('"', "'") and text.count(text[0]) == 1:
        return None  # one that is opened and not closed: where its end belongs is not known
    if text[:1] in ('"', "'") and text[-1] == text[0]:
        text = text[1:-1]
    return "", f"write line {line} as {_shown(_PROSE + ': |')} and below it {_shown('  ' + text)}"


def _indented_key(lines: Sequence[str], line: int, keys: Collection[str]) -> tuple[str, str] | None:
    """One key that is indented and others that are not."""
    for number in (line, next((n for n, one in enumerate(lines, 1) if one.strip() and one.lstrip()[0] != "#"), line)):
        match = _KEYED.fullmatch(lines[number - 1].lstrip(" "))
        if match and match["key"] in keys and _indent(lines[number - 1]):
            what = f"the key {match['key']} is indented, and others are not"
            return what, f"write line {number} as {_shown(lines[number - 1].strip())}"
    return None


def _width(lines: Sequence[str], head: int) -> int:
    """How far the first line of a block's text is indented; 2 where none is."""
    for written in lines[head:]:
        if _KEYED.fullmatch(written):
            break
        if written.strip() and _indent(written):
            return _indent(written)
    return 2


def _indent(written: str) -> int:
    return len(written) - len(written.lstrip(" "))


def _spaces(width: int) -> str:
    return {2: "two spaces", 3: "three spaces", 4: "four spaces"}.get(width, f"{width} space{'s' * (width != 1)}")


def _shown(written: str) -> str:
    written = printable(written)
    return f'"{written}"' if len(written) <= _WIDTH else f'"{written[: _WIDTH - 1]}…"'
