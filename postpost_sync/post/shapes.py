"""Values in a shape that their key does not take: `{Hello}` for a text, a map for a list: the lines to write instead. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Sequence

from postpost_sync.model import yaml_tree
from postpost_sync.model.yaml_tree import Mapping, Node, Scalar
from postpost_sync.model.yaml_values import Wrong
from postpost_sync.post.edits import Edit, applied, listed, split, told
from postpost_sync.post.page import Page

_FLOW = re.compile(r"(?P<key>[A-Za-z_]+):[ \t]*[\[{][ \t]*(?P<inner>[^\[\]{}]*?)[ \t]*[\]}][ \t]*")
_FILE = ("file", "name", "path", "filename", "src", "source", "image", "photo", "picture", "video", "url")
_YES, _NO = ("true", "yes", "on", "x", "1"), ("false", "no", "off", "0")


def as_text(
    source: str, line: int, name: str, node: Node, parse: Callable[[Node], object], keys: Collection[str]
) -> str:
    """What to write where a list or a map stands for a text; "" where that is not clear."""
    lines = split(source)
    last = Page(tuple(lines), line, keys).end(line)
    match = _FLOW.fullmatch(lines[line - 1]) if last == line else None
    if match is not None:
        values = [match["inner"]]
    elif isinstance(node, yaml_tree.Sequence) and all(isinstance(item, Scalar) for item in node.items):
        values = [item.text for item in node.items if isinstance(item, Scalar)]
    else:
        return ""
    key = lines[line - 1].partition(":")[0]
    forms: list[tuple[str, ...]] = [(f"{key}: {values[0]}",)] if len(values) == 1 else []
    if name != "scheduled_time":
        forms.append((f"{key}: |", *(f"  {value}" for value in values)))
    for form in forms:
        edit = Edit(line, last, form)
        if _reads(applied(lines, [edit]), key, parse):
            said = told([edit], "")
            quoted = f'{key}: "{lines[line - 1].partition(":")[2].strip()}"'
            theirs = (
                name == "content"
                and match is not None
                and _reads(applied(lines, [Edit(line, line, (quoted,))]), key, parse)
            )
            return f"{said}, or as {quoted} where they belong to the text" if said and theirs else said
    return ""


def as_list(source: str, line: int, node: Node, parse: Callable[[Node], object], keys: Collection[str]) -> str:
    """What to write where a map stands for a list; "" where that is not clear."""
    items = _named(node)
    if not items:
        return ""
    lines = split(source)
    key = lines[line - 1].partition(":")[0]
    edit = Edit(line, Page(tuple(lines), line, keys).end(line), (listed(key, items),))
    return told([edit], "") if _reads(applied(lines, [edit]), key, parse) else ""


def _named(node: Node) -> Sequence[str]:
    """`{a, b}`, `{a: true, b: false}`, `{twitter: 123}`, and a list of maps that each name a file."""
    if isinstance(node, yaml_tree.Sequence):
        files = [
            next((value.text for key, _, value in item if key in _FILE and isinstance(value, Scalar)), "")
            for item in node.items
            if isinstance(item, Mapping)
        ]
        return files if len(files) == len(node.items) and all(files) else []
    if not isinstance(node, Mapping):
        return []
    items = []
    for key, _, value in node:
        if not isinstance(value, Scalar):
            return []
        if value.text.lower() not in _NO:
            items.append(key if value.text.lower() in ("", *_YES) else f"{key}-{value.text}")
    return items


def _reads(text: str, key: str, parse: Callable[[Node], object]) -> bool:
    """Whether that key then has a value that it takes."""
    try:
        tree = yaml_tree.read(text.encode("utf-8", "surrogatepass"))
        parse(next(value for name, _, value in tree if name == key) if isinstance(tree, Mapping) else Scalar("", 0))
    except (yaml_tree.YamlProblem, Wrong, StopIteration):
        return False
    return True
