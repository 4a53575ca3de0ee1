"""One voice: what is said to people is lower case, without a full stop, and names the way out. Read from the source."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import postpost_sync

PACKAGE = Path(postpost_sync.__file__).parent
SAID = {"Finding": (1, 2), "ProgramError": (0, 1), "Wrong": (1, 2), "YamlProblem": (1, 2), "located": (3, 4)}
"""What words are said with, and where the message and the way out stand among the arguments."""

GOOD_NEWS = {"ROOT_BACK", "KEY_ACCEPTED", "TOKEN_VALID"}  # there is nothing to find a way out of
NAMES = ("PostPost", "Apprise", "UTF", "HEIC", "AVIF", "API", "JPEG")


def said() -> Iterator[tuple[str, ast.Call, tuple[int, int]]]:
    """Where words are said: file and line, the call, and where its words stand."""
    for file in sorted(PACKAGE.rglob("*.py")):
        if file.relative_to(PACKAGE).parts[0] == "sandbox":  # speaks as the service does
            continue
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in SAID:
                if any(isinstance(one, ast.Starred) for one in node.args) or (
                    node.func.id == "Finding" and _of_doctor(node)
                ):
                    continue
                yield f"{file.relative_to(PACKAGE)}:{node.lineno}", node, SAID[node.func.id]


def _of_doctor(call: ast.Call) -> bool:
    """`doctor`'s own finding begins with a level; what is well needs no way out."""
    first = ast.unparse(call.args[0]) if call.args else ""
    return "Level." in first or first == "level"


def words(node: ast.expr) -> str:
    """The text of a constant or of an f-string, with … for what is filled in; blank where it is made elsewhere."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(str(one.value) if isinstance(one, ast.Constant) else "…" for one in node.values)
    return ""


def wrong(call: ast.Call, message: int, hint: int) -> Iterator[str]:
    """What is amiss with the words of one call."""
    given = {keyword.arg for keyword in call.keywords}
    code = words(call.args[0]) if call.args else ""
    if len(call.args) <= hint and "hint" not in given and code not in GOOD_NEWS:
        yield "it names no way out"
    for node in call.args[message : hint + 1]:
        text = words(node)
        if "  " in text:
            yield "it has two spaces"
        if re.search(r"[^.…]\.$", text):
            yield "it ends with a full stop"
        if text and text[0].isupper() and not text.startswith(NAMES):
            yield "it begins with a capital"


def test_what_is_said_names_the_way_out_in_one_voice() -> None:
    heard, found = 0, []
    for where, call, (message, hint) in said():
        heard += 1
        found += [f"{where}: {what}" for what in wrong(call, message, hint)]
    assert heard > 200, "there is much to hear"
    assert not found
