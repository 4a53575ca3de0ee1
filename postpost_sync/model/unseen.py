"""Text files as people's programs save them, and the characters in them that no one sees.

Mail, chat and word processors put no-break spaces and characters of no width into what is copied from them. In words
for people they are right; between a key and its value they are a fault that no editor shows.
"""

from __future__ import annotations

import codecs
import itertools
import re
import unicodedata

_WIDE = "\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000"  # spaces that are not the space
_NARROW = "\u00ad\u034f\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufeff"  # of no width
_BREAKS = "\u2028\u2029"
_UNSEEN = re.compile(f"[{_WIDE}{_NARROW}{_BREAKS}]")
_LINE_END = re.compile("\r\n|\n|\r")
UTF16_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def decode(data: bytes) -> str:
    """UTF-8, with or without a byte order mark, or UTF-16 with one, as Notepad saves it; UnicodeDecodeError otherwise."""
    if data.startswith(UTF16_MARKS):
        return data.decode("utf-16")
    return data.removeprefix(codecs.BOM_UTF8).decode("utf-8")


def first(text: str, start: int = 0, end: int | None = None) -> int | None:
    """The index of the first unseen character in that part of a text."""
    found = _UNSEEN.search(text, start, len(text) if end is None else end)
    return found.start() if found else None


def named(text: str, index: int, start: int = 0, line: int = 1, column: int = 1) -> str:
    """`an unseen character, zero width space (U+200B), stands in line 3, column 12`.

    Lines and columns count from 1; `start` is an index before it whose place is known.
    """
    ends = [end.end() for end in _LINE_END.finditer(text, start, index)]
    line, column = line + len(ends), index - ends[-1] + 1 if ends else column + index - start
    name = unicodedata.name(text[index], "control").lower()
    return f"an unseen character, {name} (U+{ord(text[index]):04X}), stands in line {line}, column {column}"


def line_start(text: str, line: int) -> int:
    """The index at which a line starts, as an editor counts lines."""
    starts = (end.end() for end in _LINE_END.finditer(text))
    return 0 if line < 2 else next(itertools.islice(starts, line - 2, None), len(text))


def seen(text: str) -> str:
    """What a person takes it for: all spaces are the space, and what has no width is gone."""
    return re.sub(f"[{_NARROW}]", "", re.sub(f"[{_WIDE}{_BREAKS}]", " ", text))


def broken(text: str) -> str:
    """The same, where what breaks a line makes two of it."""
    return seen(re.sub(f"[{_BREAKS}]", "\n", text))
