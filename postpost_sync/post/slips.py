"""How people mean to write a sidecar where YAML reads it otherwise: what happened, and the lines to write instead. Pure.

It is asked only once a sidecar does not read; what it says is worth more than the parser's words, which name a token. What
is offered was tried: with it the file reads, or reads on to a later line.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator

from postpost_sync.model import yaml_tree
from postpost_sync.model.errors import printable
from postpost_sync.post import text_slips
from postpost_sync.post.edits import Edit, applied, lines_of, listed, split, told
from postpost_sync.post.page import EQUALS, MARK, MARKED, UNSPACED, Page, Slip, keyed
from postpost_sync.post.text_slips import PROSE

START = 'start with "content: |", below it the text, each of its lines with two spaces before it, then "platforms: […]"'
_FENCE = re.compile(r"\s*(```|~~~)[A-Za-z]*\s*")
_ITEM = re.compile(r"\s*(?:[-*+\u2022\u00b7\u25aa\u2013\u2014]\s*)?(?P<item>[^\s:].*)")
_SEVERAL = re.compile(
    r"""(?P<key>platforms|media):[ \t]+(?P<list>(?:"[^"]*"|'[^']*')(?:\s*[,;]\s*(?:"[^"]*"|'[^']*'))+)"""
)
_UNCLOSED = re.compile(r"(?P<key>platforms|media):[ \t]+\[(?P<list>[^\[\]{}\"']+)")
_JSON_END = re.compile(r"(?P<line>[A-Za-z_]+:[ \t]+(?:\"[^\"]*\"|\[[^\]]*\]))\s*[,;]\s*")
_SECTION = re.compile(r"\[[A-Za-z_. -]+\]\s*")


def mended(text: str, line: int, keys: Collection[str]) -> tuple[str, str] | None:
    """What went wrong at that line (from 1) and what to write instead; None where it is none of these slips."""
    lines = tuple(split(text))
    if not 1 <= line <= len(lines):
        return None
    page = Page(lines, line, keys)
    found = next((_said(slip) for ask in _SLIPS for slip in ask(page) if _mends(page, slip)), None)
    if found is None and not any(map(page.is_key, range(1, len(lines) + 1))):
        return "no line of it starts with a key, such as content:", START
    return found


def no_keys(text: str, keys: Collection[str]) -> tuple[str, str] | None:
    """The same for a text in which nothing is a key: `content:Hello`, `content = Hello`, `- content: Hello`."""
    page = Page(tuple(split(text)), 1, keys)
    asked = (_fenced, _marked, _unspaced, _equals)
    return next((_said(slip) for ask in asked for slip in ask(page) if _mends(page, slip)), None)


def nearly(text: str, line: int, keys: Collection[str]) -> tuple[str, str] | None:
    """The same for a line that is a key in another form, and reads as some other key: `content:a - b: c`."""
    page = Page(tuple(split(text)), line, keys)
    return next((_said(slip) for ask in (_unspaced, _equals) for slip in ask(page) if _at(slip, line)), None)


def _at(slip: Slip, line: int) -> bool:
    return any(edit.first == line for edit in slip.edits)


def below_block(text: str, line: int, keys: Collection[str]) -> tuple[str, str] | None:
    """The same for a line that reads as a key, where it stands below a block as a part of its text."""
    page = Page(tuple(split(text)), line, keys)
    like_a_key = re.match("[a-z_]+:", page[line]) is not None
    if like_a_key and any(one.strip() for one in page.lines[page.head : line - 1]):
        return None  # the text above it has its indentation
    asked = [text_slips.outdented] if like_a_key else [text_slips.outdented, text_slips.as_block]
    return next((_said(slip) for ask in asked for slip in ask(page) if _mends(page, slip)), None)


def as_block(text: str, line: int, keys: Collection[str]) -> str:
    """How the text that stands beside a key is written below it, where nothing of it means anything else; "" otherwise."""
    page = Page(tuple(split(text)), line, keys)
    found = (_said(slip)[1] for slip in text_slips.as_block(page) if _mends(page, slip)) if line else iter(())
    return next(found, "")


def _said(slip: Slip) -> tuple[str, str]:
    return slip.what, told(slip.edits, slip.otherwise)


def _mends(page: Page, slip: Slip) -> bool:
    """Whether the file reads with it, or reads on."""
    if not slip.edits or slip.sure:
        return slip.sure
    text = applied(page.lines, slip.edits)
    last = max(edit.last for edit in slip.edits)
    more = sum(len(edit.lines) - (edit.last - edit.first + 1) for edit in slip.edits)
    try:
        return isinstance(yaml_tree.read(text.encode("utf-8", "surrogatepass")), yaml_tree.Mapping)
    except yaml_tree.YamlProblem as problem:
        return problem.line > max(last, page.line) + more


# --- what surrounds the keys ------------------------------------------------------------------------------------------


def _fenced(page: Page) -> Iterator[Slip]:
    """Marks of a code block, as chats and Markdown have them around a file."""
    fences = [number for number, written in enumerate(page.lines, 1) if _FENCE.fullmatch(written)]
    if not fences or any(page.is_key(number) for number in range(1, fences[0])):
        return
    out = [Edit(1, fences[0], ())]
    if fences[1:]:
        out.append(Edit(fences[-1], next(n for n in range(len(page.lines), 0, -1) if page[n].strip()), ()))
    mark = page[fences[0]].strip()[:3]
    yield Slip(f"the marks of a code block ({mark}) are no part of it", tuple(out), "", sure=True)


def _marked(page: Page) -> Iterator[Slip]:
    """Keys with a bullet, a number, stars or quotes."""
    found = tuple(
        Edit(number, number, _line(match))
        for number, match in page.all_of(MARKED)
        if match["key"] != page[number].partition(":")[0].strip()
    )
    if found:
        first, last = found[0].first, found[-1].last
        out = f"take out what stands before and around the keys in {lines_of(first, last)}"
        yield Slip("a key stands at the start of its line, with nothing before or around it", found, out, sure=True)


def _equals(page: Page) -> Iterator[Slip]:
    """`content = Hello`, and the `[section]` that such files have."""
    found = [Edit(number, number, _line(match)) for number, match in page.all_of(EQUALS)]
    if found:
        sections = [Edit(n, n, ()) for n, one in enumerate(page.lines, 1) if _SECTION.fullmatch(one)]
        what, otherwise = "a key ends with a colon and a space", "write a colon in place of the sign behind each key"
        otherwise += ", and take out the [section]" if sections else ""
        yield Slip(what, (*sections, *found), otherwise, sure=True)


def _unspaced(page: Page) -> Iterator[Slip]:
    """`content:Hello`."""
    found = tuple(Edit(number, number, _line(match)) for number, match in page.all_of(UNSPACED))
    if found:
        keys = " and ".join(f'"{edit.lines[0].partition(":")[0]}:"' for edit in found)
        yield Slip("no space stands behind the colon of a key", found, f"write a space behind {keys}", sure=True)


def _line(match: re.Match[str]) -> tuple[str, ...]:
    """The line of a key and its value; where it is a text that reads otherwise there, with the text below it."""
    key, value = match["key"].lower(), match["value"].strip()
    line = f"{key}: {value}".rstrip()
    if key not in PROSE or not value or MARK.fullmatch(value):
        return (line,)
    try:
        tree = yaml_tree.read(line.encode("utf-8", "surrogatepass"))
    except yaml_tree.YamlProblem:
        tree = None
    node = tree.pairs[0][1] if isinstance(tree, yaml_tree.Mapping) else None
    plain = isinstance(node, yaml_tree.Scalar) and not node.hashtags
    return (line,) if plain else (f"{key}: |", *(f"  {one}" for one in text_slips.unquoted([value])))


def _second_document(page: Page) -> Iterator[Slip]:
    """`---` above the text, as in a page with front matter, or between keys."""
    line = page.line
    if page[line].strip() != "---":
        return
    last = next((n for n in range(len(page.lines), line, -1) if page[n].strip()), line)
    below = range(line + 1, last + 1)
    if not any(map(page.is_key, below)):
        texts = [Edit(n, n, (f"  {page[n].strip()}",)) for n in below if page[n].strip()]
        spaces = f'write line {line} as "content: |", and start {lines_of(line + 1, last)} with two spaces'
        yield Slip("", (Edit(line, line, ("content: |",)), *texts), spaces)
    yield Slip("", (Edit(line, line, ()),), "")


def _no_value(page: Page) -> Iterator[Slip]:
    """`scheduled_time: ?`."""
    match = keyed(page[page.line])
    if match and match["key"] not in PROSE and re.fullmatch(r"[^\w\s]+", match["value"] or ""):
        yield Slip(
            f'"{printable(match["value"])}" is no value of {match["key"]}', (Edit(page.line, page.line, ()),), ""
        )


def _json_ends(page: Page) -> Iterator[Slip]:
    """A comma at the end of a line, as JSON has it."""
    found = [
        Edit(number, number, (match["line"],))
        for number, one in enumerate(page.lines, 1)
        if (match := _JSON_END.fullmatch(one))
    ]
    if found:
        lines = ", ".join(str(edit.first) for edit in found)
        yield Slip(
            "a line ends with its value, without a comma", tuple(found), f"take out the comma at the end of {lines}"
        )


def _indented_key(page: Page) -> Iterator[Slip]:
    """One key that is indented and others that are not."""
    first = next((n for n, one in enumerate(page.lines, 1) if one.strip() and one.lstrip()[0] != "#"), page.line)
    for number in dict.fromkeys((page.line, first)):
        match = keyed(page[number])
        if match and match["key"] in page.keys and match["indent"]:
            what = f"the key {match['key']} is indented, and others are not"
            edit = Edit(number, number, (page[number].strip(),))
            yield Slip(what, (edit,), f"take out the spaces at the start of line {number}")


# --- lists ------------------------------------------------------------------------------------------------------------


def _listed(page: Page) -> Iterator[Slip]:
    """Items below `platforms:` or `media:` with a bullet of another kind, or none, or at the margin without one."""
    for head in (page.line, page.head):
        match = keyed(page[head]) if head else None
        if match is None or match["key"] not in ("platforms", "media") or match["value"]:
            continue
        numbers = [n for n in range(head + 1, page.end(head) + 1) if page[n].strip()]
        items = [(n, _ITEM.fullmatch(page[n])) for n in numbers]
        edits = tuple(Edit(n, n, (f"  - {item['item'].strip()}",)) for n, item in items if item)
        if edits and len(edits) == len(items):
            yield Slip(
                "each entry of a list starts with a hyphen and a space",
                tuple(edit for edit in edits if page[edit.first] != edit.lines[0]),
                f'start {lines_of(edits[0].first, edits[-1].first)} with "  - "',
            )


def _unbracketed(page: Page) -> Iterator[Slip]:
    """`platforms: "a", "b"`, and `platforms: [a, b`."""
    for number in dict.fromkeys((page.line, page.head)):
        if number and (
            match := _SEVERAL.fullmatch(page[number].rstrip()) or _UNCLOSED.fullmatch(page[number].rstrip())
        ):
            items = [one.strip().strip("\"'") for one in re.split("[,;]", match["list"])]
            line = listed(match["key"], filter(None, items))
            yield Slip(
                "a list in one line stands in brackets", (Edit(number, number, (line,)),), "put brackets around it"
            )


_SLIPS: tuple[Callable[[Page], Iterator[Slip]], ...] = (
    _fenced,
    _unspaced,
    _marked,
    _equals,
    text_slips.beside,
    text_slips.tabbed,
    text_slips.outdented,
    _unbracketed,
    _json_ends,
    _listed,
    _second_document,
    _no_value,
    _indented_key,
    text_slips.as_block,
)
