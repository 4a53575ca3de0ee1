"""Values in people's YAML files: text, lists, durations; each parser takes a node or says what is wrong with it."""

from __future__ import annotations

from collections.abc import Callable

from postpost_sync.errors import Finding, did_you_mean, printable
from postpost_sync.times import parse_duration
from postpost_sync.yamltree import Node, Scalar, Sequence, describe


class Wrong(Exception):
    """A value that does not fit its key."""

    def __init__(self, code: str, message: str, hint: str, line: int = 0) -> None:
        self.code, self.message, self.hint, self.line = code, message, hint, line


def text(node: Node) -> str:
    if not isinstance(node, Scalar):
        raise Wrong("WRONG_TYPE", f"is {describe(node)}; text belongs here", "write text, in quotes if it holds : or #")
    if node.plain and not node.text:
        raise Wrong("NO_VALUE", "has no value", "give it one, or remove the key")
    return node.text


def list_of(item: Callable[[Node], str], what: str) -> Callable[[Node], tuple[str, ...]]:
    def parse(node: Node) -> tuple[str, ...]:
        if isinstance(node, Scalar):
            return (item(node),)
        if isinstance(node, Sequence):
            items = tuple(item(child) for child in node.items)
            if twice := next((name for at, name in enumerate(items) if name in items[:at]), None):
                raise Wrong("STANDS_TWICE", f'"{printable(twice)}" stands twice', "keep one of the two")
            return items
        raise Wrong("WRONG_TYPE", f"is {describe(node)}; {what} belongs here", "write it as [one, two]")

    return parse


def duration(node: Node) -> float:
    """Seconds."""
    try:
        return parse_duration(text(node))
    except ValueError as error:
        raise Wrong("BAD_DURATION", printable(str(error)), "write it like 30s or 5m") from None


def whole_number(least: int, most: int) -> Callable[[Node], int]:
    def parse(node: Node) -> int:
        written = text(node)
        if not (written.isascii() and written.isdecimal() and len(written) < 19 and least <= int(written) <= most):
            what = f'"{printable(written)}" is not a whole number from {least} to {most}'
            raise Wrong("BAD_NUMBER", what, f"write it in digits, such as {least}")
        return int(written)

    return parse


def one_of(*allowed: str) -> Callable[[Node], str]:
    def parse(node: Node) -> str:
        written = text(node)
        if written not in allowed:
            what = f'"{printable(written)}" is not one of {", ".join(allowed)}'
            raise Wrong("BAD_CHOICE", what, did_you_mean(written, allowed))
        return written

    return parse


def located(file: str, line: int, code: str, message: str, hint: str) -> Finding:
    """A finding that starts with where it was found."""
    where = f"{printable(file)}, line {line}" if line else printable(file)
    return Finding(code, f"{where}: {message}", hint)
