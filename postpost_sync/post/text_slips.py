"""Slips in the text of a post: it stands where YAML reads something else. Whether what is offered reads, `slips` tries. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from postpost_sync.model.errors import printable
from postpost_sync.post.edits import Edit, lines_of
from postpost_sync.post.page import MARK, Page, Slip, indent, keyed

PROSE = ("content", "first_comment", "text")  # keys of text that people read


def beside(page: Page) -> Iterator[Slip]:
    """`content: | Our text`."""
    for number in dict.fromkeys((page.line, page.head)):
        match = keyed(page[number]) if number else None
        mark = MARK.fullmatch(match["value"] or "") if match else None
        if match and mark and mark["text"]:
            what = f"text stands on the line of `{match['key']}: {mark['mark']}`, which belongs below it"
            yield _block(page, number, what, mark["mark"], mark["text"])


def tabbed(page: Page) -> Iterator[Slip]:
    """A tab where spaces belong."""
    line, head, block = page.line, page.head, page.opens_block(page.head)
    if "\t" not in _margin(page[line]):
        return
    if not page[line].strip():
        blank = Edit(line, line, ("",))
        yield Slip("a tab stands in a line that is blank otherwise", (blank,), f"take it out of line {line}")
        return
    above = next((one for one in reversed(page.lines[: line - 1]) if one.strip()), "")
    inside = head and (block or above.rstrip().endswith(":") or above[:1] in " \t")
    width = page.width(head) if block else 0
    corrected: list[Edit] = []
    for number in range(line, len(page.lines) + 1):
        margin = _margin(page[number])
        if "\t" not in margin or margin == page[number]:
            break
        own = width if block else 2 * margin.count("\t") + margin.count(" ")
        corrected.append(Edit(number, number, (" " * (own if inside else 0) + page[number].strip(),)))
    last = corrected[-1].last
    otherwise = f"write two spaces for each tab at the start of {lines_of(line, last)}"
    if block:
        otherwise = f"start {lines_of(line, last)} with {_spaces(width)}"
    yield Slip("it is indented with a tab, where spaces belong", tuple(corrected), otherwise)


def outdented(page: Page) -> Iterator[Slip]:
    """Text below `content: |` that is not indented, or less than the text above it."""
    head = page.head
    if not page.opens_block(head):
        return
    width = page.width(head)
    low = [n for n in range(head + 1, page.end(head) + 1) if page[n].strip() and indent(page[n]) < width]
    if not low or low[0] > page.line:
        return
    key = page[head].partition("#")[0].strip()
    what = f"the text below `{printable(key)}` is not indented as its other lines are"
    if not any(one.strip() for one in page.lines[head : low[0] - 1]):
        what = f"the text below `{printable(key)}` is not indented"
    edits = tuple(Edit(n, n, (" " * width + page[n].strip(),)) for n in low)
    yield Slip(what, edits, f"start {lines_of(low[0], low[-1])} with {_spaces(width)}")


def as_block(page: Page) -> Iterator[Slip]:
    """Text beside its key that goes on at the margin, or holds what means something in YAML: `: `, ` #`, a quote."""
    for number in dict.fromkeys((page.line, _prose_above(page))):
        match = keyed(page[number]) if number else None
        if match is None or match["key"].lower() not in PROSE or page.end(number) < page.line:
            continue
        value = (match["value"] or "").strip()
        if value[:1] in ("|", ">"):
            continue
        margin = [n for n in range(number + 1, page.end(number) + 1) if page[n][:1] not in ("", " ", "\t", "#")]
        yield _block(page, number, "the text goes on in a line that is not indented" if margin else "", "|", value)


def _block(page: Page, head: int, what: str, mark: str, value: str) -> Slip:
    """The text beside a key and what follows, below it."""
    last = page.end(head)
    margin = " " * indent(page[head])
    match = keyed(page[head])
    assert match is not None  # noqa: S101 - a key stands there
    key = f"{margin}{match['key'].lower()}: {mark}"
    texts = [value, *(one.strip() for one in page.lines[head:last])]
    texts = unquoted([one for one in texts if one] if not value else texts)
    lines = [key, *(f"{margin}  {one}" if one else "" for one in texts)]
    while last > head and len(lines) > (2 if value else 1) and lines[-1] == page[last]:  # as it is
        lines, last = lines[:-1], last - 1
    spaces = _spaces(len(margin) + 2)
    otherwise = (
        f'write "{key.strip()}" in line {head}, and below it the text, each of its lines with {spaces} before it'
    )
    return Slip(what, (Edit(head, last, tuple(lines)),), otherwise)


def unquoted(texts: list[str]) -> list[str]:
    """Without quotes that are around the whole of it, or that are never closed."""
    quote = texts[0][:1] if texts else ""
    whole = "\n".join(texts)
    if quote not in ('"', "'") or "\\" in whole:
        return texts
    if len(whole) > 1 and whole.endswith(quote):
        return whole[1:-1].split("\n")
    return whole[1:].split("\n") if whole.count(quote) == 1 else texts


def _prose_above(page: Page) -> int:
    above = range(page.line - 1, 0, -1)
    return next((n for n in above if (match := keyed(page[n])) and match["key"].lower() in PROSE), 0)


def _margin(written: str) -> str:
    """The blanks at the start of a line, tabs among them."""
    return written[: len(written) - len(written.lstrip())]


def _spaces(width: int) -> str:
    return {2: "two spaces", 3: "three spaces", 4: "four spaces"}.get(width, f"{width} space{'s' * (width != 1)}")
