"""Values in a shape that their key does not take: `{Hello}` for a text, a map for a list: the lines to write instead. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

from postpost_sync.model import yaml_tree
from postpost_sync.model.yaml_tree import Mapping, Node, Scalar
from postpost_sync.model.yaml_values import Wrong
from postpost_sync.post.edits import Edit, applied, listed, split, told
from postpost_sync.post.page import Page

_FLOW = re.compile(r"(?P<key>[A-Za-z_]+):[ \t]*[\[{](?P<inner>[^\[\]{}]*)[\]}][ \t]*")
_FILE = ("file", "name", "path", "filename", "src", "source", "image", "photo", "picture", "video", "url")
_YES, _NO = ("true", "yes", "on", "x", "1"), ("false", "no", "off", "0")


@dataclass(frozen=True)
class Misshapen:
    """A key of a sidecar with such a value: its name, the line (from 1) on which it stands, and what reads its values."""

    source: str
    line: int
    name: str
    node: Node
    parse: Callable[[Node], object]
    keys: Collection[str]  # all that there are

    def as_text(self) -> str:
        """What to write where a list or a map stands for a text; "" where that is not clear."""
        written = self._lines[self.line - 1]
        flow = _FLOW.fullmatch(written) if self._last == self.line else None
        values = [flow["inner"].strip()] if flow is not None else _texts(self.node)
        forms: list[tuple[str, ...]] = [(f"{self._key}: {values[0]}",)] if len(values) == 1 else []
        if values and self.name != "scheduled_time":
            forms.append((f"{self._key}: |", *(f"  {value}" for value in values)))
        said = self._instead(forms)
        quoted = f'{self._key}: "{written.partition(":")[2].strip()}"'
        if said and flow is not None and self.name == "content" and self._instead([(quoted,)]):
            return f"{said}, or as {quoted} where the brackets belong to the text"
        return said

    def as_list(self) -> str:
        """What to write where a map stands for a list; "" where that is not clear."""
        items = _named(self.node)
        return self._instead([(listed(self._key, items),)]) if items else ""

    @cached_property
    def _lines(self) -> list[str]:
        return split(self.source)

    @cached_property
    def _last(self) -> int:
        """The last line that belongs to it."""
        return Page(tuple(self._lines), self.line, self.keys).end(self.line)

    @property
    def _key(self) -> str:
        """As it is written."""
        return self._lines[self.line - 1].partition(":")[0]

    def _instead(self, forms: Iterable[tuple[str, ...]]) -> str:
        """What to write: the first of these forms in which it has a value that it takes."""
        edits = (Edit(self.line, self._last, form) for form in forms)
        return next((told([edit], "") for edit in edits if self._reads(edit)), "")

    def _reads(self, edit: Edit) -> bool:
        try:
            tree = yaml_tree.read(applied(self._lines, [edit]).encode("utf-8", "surrogatepass"))
            values = (value for key, _, value in tree if key == self._key) if isinstance(tree, Mapping) else iter(())
            self.parse(next(values))
        except (yaml_tree.YamlProblem, Wrong, StopIteration):
            return False
        return True


def _texts(node: Node) -> list[str]:
    """The items of a list of texts."""
    items = node.items if isinstance(node, yaml_tree.Sequence) else ()
    texts = [item.text for item in items if isinstance(item, Scalar)]
    return texts if len(texts) == len(items) else []


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
