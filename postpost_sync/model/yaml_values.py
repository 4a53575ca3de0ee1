"""Values in people's YAML files: text, lists, durations; each parser takes a node or says what is wrong with it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from postpost_sync.model.errors import Finding, did_you_mean, printable
from postpost_sync.model.times import parse_duration
from postpost_sync.model.yaml_tree import Node, Scalar, Sequence, describe

MOST_ITEMS = 1000  # of a list; no post has a tenth of it
LONGEST_NAME = 255  # bytes; what file systems take


class Wrong(Exception):
    """A value that does not fit its key."""

    def __init__(self, code: str, message: str, hint: str, line: int = 0) -> None:
        self.code, self.message, self.hint, self.line = code, message, hint, line


_Parser = TypeVar("_Parser", bound=Callable[[Node], Any])
SHAPES: dict[Callable[[Node], Any], Mapping[str, Any]] = {}


def shaped(**shape: Any) -> Callable[[_Parser], _Parser]:
    """Says beside a parser what it takes, in the words of JSON Schema; a parser in there stands for its own shape."""

    def note(parser: _Parser) -> _Parser:
        SHAPES[parser] = shape
        return parser

    return note


@shaped(type=["string", "number", "boolean"])  # all of these are text as written
def text(node: Node) -> str:
    if not isinstance(node, Scalar):
        raise Wrong("WRONG_TYPE", f"is {describe(node)}; text belongs here", "write text, in quotes if it holds : or #")
    if node.plain and not node.text:
        raise Wrong("NO_VALUE", "has no value", "give it one, or remove the key")
    return node.text


# What is parametrised is a small class, used like a function: the schema reads what it was made with.


@dataclass(frozen=True, slots=True)
class list_of:
    """A list, or one value for a list of one; nothing stands in it twice. `what` it is, for messages."""

    item: Callable[[Node], str]
    what: str

    def __call__(self, node: Node) -> tuple[str, ...]:
        if not isinstance(node, Scalar | Sequence):
            raise Wrong("WRONG_TYPE", f"is {describe(node)}; {self.what} belongs here", "write it as [one, two]")
        nodes = node.items if isinstance(node, Sequence) else (node,)
        if len(nodes) > MOST_ITEMS:
            what = f"has {len(nodes):,} entries; at most {MOST_ITEMS:,} are taken"
            raise Wrong("LIST_TOO_LONG", what, "remove what does not belong there")
        items = tuple(self.item(child) for child in nodes)
        if twice := next((name for at, name in enumerate(items) if name in items[:at]), None):
            raise Wrong("STANDS_TWICE", f'"{printable(twice)}" stands twice', "keep one of the two")
        if long := next((name for name in items if len(name.encode("utf-8", "replace")) > LONGEST_NAME), None):
            what = f'"{printable(long[:20])}…" is longer than {LONGEST_NAME} bytes, which no name is'
            raise Wrong("NAME_TOO_LONG", what, "see whether a comma or a line break is missing")
        return items


@shaped(
    anyOf=[
        {"type": "string", "pattern": r"^\s*[0-9]+(\.[0-9]+)?\s*(ms|s|m|h|d)?\s*$"},
        {"type": "number", "minimum": 0, "maximum": 3660 * 86400},
    ],
    examples=["500ms", "10s", "5m", "2h", "1d"],
)
def duration(node: Node) -> float:
    """Seconds."""
    try:
        return parse_duration(text(node))
    except ValueError as error:
        raise Wrong("BAD_DURATION", printable(str(error)), "write it like 30s or 5m") from None


@dataclass(frozen=True, slots=True)
class whole_number:
    least: int
    most: int

    def __call__(self, node: Node) -> int:
        written, least, most = text(node), self.least, self.most
        if not (written.isascii() and written.isdecimal() and len(written) < 19 and least <= int(written) <= most):
            what = f'"{printable(written)}" is not a whole number from {least} to {most}'
            raise Wrong("BAD_NUMBER", what, f"write it in digits, such as {least}")
        return int(written)


class one_of:
    def __init__(self, *allowed: str) -> None:
        self.allowed = allowed

    def __call__(self, node: Node) -> str:
        written = text(node)
        if written not in self.allowed:
            what = f'"{printable(written)}" is not one of {", ".join(self.allowed)}'
            raise Wrong("BAD_CHOICE", what, did_you_mean(written, self.allowed))
        return written


@shaped(type="boolean")
def yes_or_no(node: Node) -> bool:
    if isinstance(node, Scalar) and node.plain and node.text in ("true", "True", "TRUE", "false", "False", "FALSE"):
        return node.text.lower() == "true"
    found = f'"{printable(node.text)}"' if isinstance(node, Scalar) else describe(node)
    raise Wrong("BAD_CHOICE", f"{found} is neither true nor false", "write true or false, without quotes", node.line)


@dataclass(frozen=True, slots=True)
class optional:
    """`null`, `~` or nothing at all stand for: not given."""

    parse: Callable[[Node], Any]

    def __call__(self, node: Node) -> Any:
        not_given = isinstance(node, Scalar) and node.plain and node.text in ("", "~", "null")
        return None if not_given else self.parse(node)


def located(file: str, line: int, code: str, message: str, hint: str) -> Finding:
    """A finding that starts with where it was found."""
    where = f"{printable(file)}, line {line}" if line else printable(file)
    return Finding(code, f"{where}: {message}", hint)
