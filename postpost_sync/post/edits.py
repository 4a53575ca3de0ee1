"""Lines of a text to be written otherwise: the text that has them, and the words that tell a person which they are. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

_WIDTH = 100  # characters of a line that is shown; longer ones are described, since half a line is none to write
_SHOWN = 4  # lines
_PLAIN = re.compile(r"\w(?:[\w .@+-]*\w)?")
_LINE_END = re.compile("\r\n|\n|\r")


class Edit(NamedTuple):
    """The lines from `first` to `last`, counted from 1, are to be those in `lines`: none of them, to be taken out."""

    first: int
    last: int
    lines: tuple[str, ...]


def split(text: str) -> list[str]:
    """The lines of a text, as an editor counts them."""
    return _LINE_END.split(text)


def applied(lines: Sequence[str], edits: Iterable[Edit]) -> str:
    """The text with the edits made."""
    done = list(lines)
    for edit in sorted(edits, reverse=True):
        done[edit.first - 1 : edit.last] = edit.lines
    return "\n".join(done)


def listed(key: str, items: Iterable[str]) -> str:
    """The line of a list, with quotes where an item needs them."""
    written = [item if _PLAIN.fullmatch(item) else f'"{item}"' for item in items]
    return f"{key}: [{', '.join(written)}]"


def told(edits: Iterable[Edit], otherwise: str) -> str:
    """What to write; in the words of `otherwise` where these are many lines, or long ones, or hold what is not seen."""
    edits = sorted(edits)
    out = [edit for edit in edits if not edit.lines]
    written = [edit for edit in edits if edit.lines]
    lines = [line for edit in written for line in edit.lines]
    if len(lines) > _SHOWN or not all(map(_whole, lines)) or (lines and not any(lines)):
        return otherwise
    parts = [f"write {', '.join(map(_as, written))}"] if written else []
    if out:
        spans = [_span(edit) for edit in out]
        many = "s" if len(out) > 1 or out[0].first != out[0].last else ""
        parts.append(f"take out line{many} {', '.join(spans[:-1])}{' and ' if spans[1:] else ''}{spans[-1]}")
    return ", and ".join(parts)


def lines_of(first: int, last: int) -> str:
    return f"line {first}" if first == last else f"lines {first} to {last}"


def _as(edit: Edit) -> str:
    first, *more = [f'"{line}"' for line in edit.lines]
    if edit.first != edit.last:
        return f"lines {_span(edit)} as {', '.join([first, *more])}"
    return f"line {edit.first} as {first}" + (f" and below it {', '.join(more)}" if more else "")


def _span(edit: Edit) -> str:
    return f"{edit.first}" if edit.first == edit.last else f"{edit.first} to {edit.last}"


def _whole(line: str) -> bool:
    """Whether it can be shown as it is to be written."""
    return len(line) <= _WIDTH and line.isprintable()
