"""The strict subset of YAML that people may write here, read into a small tree that remembers its lines.

Everything is text, lists and maps: no anchors, aliases, tags, merge keys, numbers or timestamps. Depth and the forbidden
parts are refused on the parser's event stream, before anything is built, so that no document can cost more than its size.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import yaml

from postpost_sync.model import not_text, unseen
from postpost_sync.model.errors import both_lines, printable

MAX_BYTES = 1024 * 1024
MAX_DEPTH = 20
UNSEEN_HINT = "delete what stands there and type it again; such characters come along when text is copied"


class _Slow(yaml.BaseLoader):
    """PyYAML's own parser, which takes a tab behind a key no more than libyaml leaves one there."""

    def scan_to_next_token(self) -> None:
        super().scan_to_next_token()
        while self.peek() == "\t" and (self.flow_level or not self.allow_simple_key):
            self.forward()
            super().scan_to_next_token()


_FAST: type = getattr(yaml, "CBaseLoader", yaml.BaseLoader)  # libyaml, where PyYAML was built with it: 10 times faster
_SURROGATE_ESCAPE = re.compile(r"\\u[dD][89a-fA-F]")  # libyaml refuses these in quotes, PyYAML's own parser takes them
_SURROGATE_PAIR = re.compile("([\ud800-\udbff])([\udc00-\udfff])")
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ufffe\uffff]")
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")
# not `# so`, nor a key that is commented out at the margin
_HASHTAGS = re.compile(r"(?:[ \t]+|\s*\n[ \t]+)(#\w[^\n]*)")
_HEADED = re.compile(r"[|>][-+0-9]*[ \t]+(#\w[^\n]*)")  # the first line of a block
_BELOW = re.compile(r"[ \t]+(#\w[^\n]*)")  # and the first one below it, less indented than its text
_INSTEAD = re.compile(r"\s*(#\w[^\n]*)")
_ESCAPED = re.compile(r"\\u([0-9A-Fa-f]{4})|\\U([0-9A-Fa-f]{8})")
_SEPARATORS = "\u2028\u2029"

_COLON = (
    "put text that holds `: ` in quotes, or below `content: |`; a key has a space after its colon and no indentation"
)
# What the parsers say (libyaml's words, then PyYAML's own), for people; whether it is about where something was opened.
_IN_WORDS: tuple[tuple[re.Pattern[str], str, str, bool], ...] = tuple(
    (re.compile(said), words, hint, opened)
    for said, words, hint, opened in (
        (
            r"(mapping values|sequence entries) are not allowed",
            "a key or a list starts inside of a text",
            _COLON,
            False,
        ),
        (
            r"cannot start any token",
            "something starts with a tab, or with a character that needs quotes, such as @ or `",
            "indent with spaces, and put text that starts so in quotes, or below `content: |`",
            False,
        ),
        (
            r"scanning an alias",
            "a value that starts with * is an alias, which is not allowed",
            "put the text in quotes, or below `content: |`",
            False,
        ),
        (
            r"unexpected end of stream",
            "a quote that is opened here is not closed",
            "close it, or write the text without quotes below `content: |`",
            True,
        ),
        (
            r"expected ',' or '[]}]'",
            "a [ or { that is opened here is not closed",
            "close it, or put text in quotes",
            True,
        ),
        (r"could not find expected ':'", "this is no key with a value", "write it as `key: value`", True),
        (
            r"did not find expected key|expected <block end>",
            "text stands where a key belongs",
            "indent all lines of a text alike; where it is in quotes, put all of it in them",
            False,
        ),
    )
)


@dataclass(frozen=True, slots=True)
class Scalar:
    """A value as written. `plain` is false where it was quoted or a block: then `""` is a value, `true` is text."""

    text: str
    line: int
    plain: bool = True
    hashtags: str = ""
    """What follows a value and looks like hashtags, while it is a comment for YAML."""
    unseen: str = ""
    """Which unseen character stands in it and where, in words; the first of them."""


@dataclass(frozen=True, slots=True)
class Sequence:
    items: tuple[Node, ...]
    line: int


@dataclass(frozen=True, slots=True)
class Mapping:
    """Pairs in the order written; keys are unique."""

    pairs: tuple[tuple[Scalar, Node], ...]
    line: int

    def __iter__(self) -> Iterator[tuple[str, int, Node]]:
        """(key, its line, value) in the order written."""
        return ((key.text, key.line, value) for key, value in self.pairs)


Node = Scalar | Sequence | Mapping


class YamlProblem(ValueError):
    """The document cannot be read at all. `line` counts from 1; 0 where there is none to name."""

    def __init__(self, code: str, message: str, hint: str, line: int = 0) -> None:
        super().__init__(message)
        self.code, self.message, self.hint, self.line = code, message, hint, line


def describe(node: Node) -> str:
    """What a node is, for an error message."""
    return {Scalar: "text", Sequence: "a list", Mapping: "a map"}[type(node)]


def read(data: bytes) -> Node | None:
    """The tree of one YAML document, None where there is only white space and comments; YamlProblem otherwise."""
    if len(data) > MAX_BYTES:
        raise YamlProblem(
            "YAML_TOO_LARGE",
            f"it is {len(data):,} bytes; at most {MAX_BYTES:,} are read",
            "put long text elsewhere, keep media out of it",
        )
    text = _decoded(data)
    if (at := text.find("\x85")) >= 0:  # a line break to the parsers, as U+2028 is
        raise _control("U+0085", text.count("\n", 0, at) + 1)
    try:
        return _build(text)
    except yaml.reader.ReaderError as error:
        in_characters = isinstance(error.character, str)  # PyYAML's own reader; libyaml counts bytes
        encoded = text.encode()
        before = text[: error.position].encode() if in_characters else encoded[: error.position]
        raise _control(_name(error.character), before.count(b"\n") + 1) from None
    except yaml.MarkedYAMLError as error:
        raise _unseen_at_fault(text, _syntax(error)) from None
    except YamlProblem:
        raise
    except (yaml.YAMLError, ValueError, OverflowError) as error:  # the last two: \\UFFFFFFFF in PyYAML's own parser
        what = printable(str(error))
        raise YamlProblem("YAML_SYNTAX", f"it is not valid YAML: {what}", "check indentation and quoting") from None


def _decoded(data: bytes) -> str:
    if kind := not_text.kind(data):
        raise YamlProblem("NOT_PLAIN_TEXT", f"it is {kind}, no plain text", not_text.WAY_OUT)
    if not_text.is_utf32(data):
        raise YamlProblem("YAML_NOT_UTF8", "it is UTF-32 text", "save the file as UTF-8", 1)
    halves = [half for half in (data[:64:2], data[1:64:2]) if 2 * half.count(0) > len(half)]
    if len(data) > 3 and len(halves) == 1 and not data.startswith(unseen.UTF16_MARKS):
        raise YamlProblem("YAML_NOT_UTF8", "it looks like UTF-16 without its mark", "save the file as UTF-8", 1)
    try:
        text = unseen.decode(data)
    except UnicodeDecodeError as error:
        wide = error.encoding.startswith("utf-16")
        before = error.object[: error.start].decode("utf-16" if wide else "latin-1", "replace")
        said = f"byte 0x{error.object[error.start]:02x} is not {'UTF-16' if wide else 'UTF-8'} text"
        raise YamlProblem("YAML_NOT_UTF8", said, "save the file as UTF-8", before.count("\n") + 1) from None
    return text


def _control(name: str, line: int) -> YamlProblem:
    why = f"the character {name} is not allowed"
    return YamlProblem("YAML_CONTROL_CHARACTER", why, "remove it; only tab and newline may stand in text", line)


def _unseen_at_fault(text: str, problem: YamlProblem) -> YamlProblem:
    """The same problem, naming an unseen character where it would be another one, or none, without such characters."""
    if unseen.first(text) is None:
        return problem
    if _syntax_line(unseen.seen(text)) == problem.line and _syntax_line(unseen.broken(text)) is not None:
        return problem
    start = unseen.line_start(text, problem.line)
    at = unseen.first(text, start)
    at = unseen.first(text) if at is None else at
    assert at is not None  # noqa: S101 - the text has one
    line = text.count("\n", 0, at) + 1
    return YamlProblem(problem.code, f"{problem.message}; {unseen.named(text, at)}", UNSEEN_HINT, line)


def _syntax_line(text: str) -> int | None:
    """The line of what is wrong with its syntax; 0 where something else is, None where nothing is."""
    try:
        _build(text)
    except yaml.MarkedYAMLError as error:
        return _syntax(error).line
    except (yaml.YAMLError, YamlProblem, ValueError, OverflowError):
        return 0
    return None


def _syntax(error: yaml.MarkedYAMLError) -> YamlProblem:
    said = ", ".join(part for part in (error.context, error.problem) if part)
    known = next(((words, hint, opened) for form, words, hint, opened in _IN_WORDS if form.search(said)), None)
    words, hint, opened = known or (printable(said), "check indentation, and quote text that holds `: ` or ` #`", False)
    marks = (error.context_mark, error.problem_mark) if opened else (error.problem_mark, error.context_mark)
    mark: Any = next((mark for mark in marks if mark is not None), None)
    return YamlProblem("YAML_SYNTAX", f"it is not valid YAML: {words}", hint, mark.line + 1 if mark is not None else 0)


def _name(character: object) -> str:
    """U+001B; libyaml gives a number, PyYAML's own reader a character."""
    number = ord(character) if isinstance(character, str) and len(character) == 1 else character
    return f"U+{number:04X}" if isinstance(number, int) else repr(number)


@dataclass
class _Open:
    """A list or map whose end has not been read yet."""

    line: int
    mapping: bool
    children: list[Node] = field(default_factory=list)

    def close(self) -> Node:
        if not self.mapping:
            return Sequence(tuple(self.children), self.line)
        pairs: list[tuple[Scalar, Node]] = []
        seen: dict[str, int] = {}
        for key, value in zip(self.children[::2], self.children[1::2], strict=True):
            if not isinstance(key, Scalar):
                raise YamlProblem("YAML_KEY_NOT_TEXT", f"a key is {describe(key)}", "keys are plain words", key.line)
            if key.text in seen:
                raise YamlProblem(
                    "DUPLICATE_KEY",
                    f'the key "{printable(key.text)}" stands twice ({both_lines(seen[key.text], key.line)})',
                    "keep one of the two",
                    key.line,
                )
            seen[key.text] = key.line
            pairs.append((key, value))
        return Mapping(tuple(pairs), self.line)


def _build(text: str) -> Node | None:
    root: Node | None = None
    documents = 0
    stack: list[_Open] = []
    closing = 0  # the line of a --- that may be the last one
    parser = _Slow if _SURROGATE_ESCAPE.search(text) else _FAST
    hidden = unseen.first(text) is not None
    apart = _stand_ins(text)
    back = {value: key for key, value in apart.items()}
    for event in yaml.parse(text.translate(apart), Loader=parser):
        mark: Any = event.start_mark  # an event of the parser's own has one
        line = mark.line + 1
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None) is not None:
            raise YamlProblem(
                "YAML_ALIAS",
                "anchors (&) and aliases (*) are not allowed",
                "write the value out, or quote text that starts with & or *",
                line,
            )
        if (tag := getattr(event, "tag", None)) is not None:
            raise YamlProblem(
                "YAML_TAG", f"tags ({printable(tag)}) are not allowed", "quote text that starts with !", line
            )
        if closing and not _is_end(event):
            raise YamlProblem("YAML_TWO_DOCUMENTS", "a second document starts (---)", "keep one of the two", closing)
        if isinstance(event, yaml.DocumentStartEvent):
            documents += 1
            closing = line if documents > 1 else 0
            continue
        if closing:
            continue
        node: Node
        if isinstance(event, yaml.ScalarEvent):
            plain = event.style is None or event.style == ""
            end: Any = event.end_mark
            after = _HASHTAGS.match(text, end.index) if plain else None
            if event.style in ("|", ">"):
                below = _BELOW if event.value.strip() else _INSTEAD
                after = _HEADED.match(text, mark.index) or below.match(text, end.index)
            at = unseen.first(text, mark.index, end.index) if hidden else None
            node = Scalar(
                _clean(event.value.translate(back), line),
                line,
                plain,
                after[1].rstrip() if after else "",
                "" if at is None else unseen.named(text, at, mark.index, line, mark.column + 1),
            )
        elif isinstance(event, yaml.CollectionStartEvent):
            if len(stack) == MAX_DEPTH:
                raise YamlProblem("YAML_TOO_DEEP", f"it is nested deeper than {MAX_DEPTH} levels", "flatten it", line)
            stack.append(_Open(line, isinstance(event, yaml.MappingStartEvent)))
            continue
        elif isinstance(event, yaml.CollectionEndEvent):
            node = stack.pop().close()
        else:
            continue
        if stack:
            stack[-1].children.append(node)
        else:
            root = node
    if isinstance(root, Scalar) and root.plain and not root.text:
        return None
    return root


def _is_end(event: yaml.Event) -> bool:
    """Whether it is one of those of a document in which nothing stands."""
    start, end = event.start_mark, event.end_mark
    if isinstance(event, yaml.ScalarEvent):  # one that is written has a length, be it `""`
        return start is not None and end is not None and start.index == end.index
    return isinstance(event, yaml.DocumentEndEvent | yaml.StreamEndEvent)


def _stand_ins(text: str) -> dict[int, int]:
    """A character that is nowhere in the text for U+2028 and for U+2029: YAML 1.1 takes these two for line breaks."""
    found = [ord(separator) for separator in _SEPARATORS if separator in text]
    if not found:
        return {}
    taken = set(map(ord, text)) | {int(short or long, 16) for short, long in _ESCAPED.findall(text)}
    free = (one for one in itertools.chain(range(0xE000, 0xF900), range(0x10000, 0x10FFFE)) if one not in taken)
    return dict(zip(found, free, strict=False))


def _clean(text: str, line: int) -> str:
    """Surrogate pairs from \\u escapes joined; anything that is no character of text refused."""
    text = _SURROGATE_PAIR.sub(lambda pair: pair[0].encode("utf-16", "surrogatepass").decode("utf-16"), text)
    if match := _LONE_SURROGATE.search(text):
        raise YamlProblem(
            "TEXT_LONE_SURROGATE",
            f"half of a character pair stands alone (\\u{ord(match[0]):04x})",
            "write the emoji itself, or both halves",
            line,
        )
    if match := _CONTROL.search(text):
        raise _control(f"U+{ord(match[0]):04X}", line)
    return text
