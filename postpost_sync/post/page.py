"""A sidecar that does not read, as lines: where keys stand in it, and what belongs to which; and a slip found in it. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import cached_property

from postpost_sync.post.edits import Edit

_KEYED = re.compile(r"(?P<indent> *)(?P<key>[A-Za-z_]+):(?:[ \t]+(?P<value>.*))?")
UNSPACED = re.compile(r"(?P<key>[a-z_]+):(?P<value>[^\s:/].*)")
EQUALS = re.compile("(?P<key>[a-z_]+)\\s*[=\uff1a]\\s*(?P<value>.+)")  # or the wide colon of Asian keyboards
MARKED = re.compile(  # `- key:`, `* key:`, `1. key:`, `**key:**`, `“key”:`
    r"(?:[-*+>#\u2022\u00b7\u25aa\u2013\u2014]+[ \t]+|\d+[.)][ \t]+)?"
    "(?P<mark>\\*\\*|__|[`\u201c\u201e\u2018'\"])?(?P<key>[A-Za-z_]+)(?:\\*\\*|__|[`\u201d\u201c\u2019'\"])?"
    r"\s*:(?:\*\*|__)?[ \t]*(?P<value>.*)"
)
NEARLY = (UNSPACED, EQUALS, MARKED)  # keys, in forms that are none to YAML
_SIGN = re.compile("[:=\uff1a]")  # no line names a key without one, and most lines of a text have none
MARK = re.compile(r"(?P<mark>[|>][-+0-9]*)(?:[ \t]+(?P<text>[^\s#].*))?(?:[ \t]*#.*|[ \t]*)")


@dataclass(frozen=True, slots=True)
class Slip:
    """What went wrong (blank where the parser's words are as good), and what mends it: as edits, and in words."""

    what: str
    edits: tuple[Edit, ...]
    otherwise: str
    sure: bool = False  # it is right whatever else is wrong


@dataclass(frozen=True)
class Page:
    """A sidecar that does not read, its lines counted from 1, and the line at which it stops."""

    lines: tuple[str, ...]
    line: int
    keys: Collection[str]

    def __getitem__(self, number: int) -> str:
        return self.lines[number - 1]

    @cached_property
    def head(self) -> int:
        """The nearest line above at which a key stands at the margin, one that there is if any; 0 where there is none."""
        above = range(self.line - 1, 0, -1)
        at_margin = [number for number in above if keyed(self[number]) and self[number][0] != " "]
        return next(filter(self.is_key, at_margin), next(iter(at_margin), 0))

    def end(self, head: int) -> int:
        """The last line that belongs to the key at `head`: before the next one that is indented no more than it."""
        least, width = indent(self[head]), self.width(head)
        after = range(head + 1, len(self.lines) + 1)
        ends = (n for n in after if self.ends_here(n) or self.is_key(n, least) or self.is_known(n, width - 1))
        stop = next(ends, len(self.lines) + 1)
        return next(n for n in range(stop - 1, head - 1, -1) if n == head or self[n].strip())

    def is_key(self, number: int, most: int = 0) -> bool:
        """Whether a key of ours stands there, indented so far at most, or any other one below one of ours."""
        match = keyed(self[number])
        return self.is_known(number, most) or (match is not None and 0 < len(match["indent"]) <= most)

    def is_known(self, number: int, most: int) -> bool:
        """Whether a key of ours stands there, be it in a form that is none to YAML."""
        written = self[number]
        if not _SIGN.search(written):
            return False
        match = keyed(written)
        if match is not None:
            return match["key"].lower() in self.keys and len(match["indent"]) <= most
        return any((near := form.fullmatch(written)) and near["key"].lower() in self.keys for form in NEARLY)

    def width(self, head: int) -> int:
        """How far the first line of the text below a key is indented; 2 where none is."""
        for written in self.lines[head:]:
            match = keyed(written)
            if match and (not match["indent"] or match["key"].lower() in self.keys):
                break
            if written.strip() and indent(written):
                return indent(written)
        return indent(self[head]) + 2

    def ends_here(self, number: int) -> bool:
        return self[number].rstrip() in ("---", "...")

    def opens_block(self, number: int) -> bool:
        match = keyed(self[number]) if number else None
        mark = MARK.fullmatch(match["value"] or "") if match else None
        return mark is not None and not mark["text"]

    def all_of(self, form: re.Pattern[str]) -> Iterator[tuple[int, re.Match[str]]]:
        """The lines of that form that name a key."""
        for number, written in enumerate(self.lines, 1):
            match = form.fullmatch(written)
            if match and match["key"].lower() in self.keys:
                yield number, match


def keyed(written: str) -> re.Match[str] | None:
    return _KEYED.fullmatch(written) if ":" in written else None


def indent(written: str) -> int:
    return len(written) - len(written.lstrip(" "))
