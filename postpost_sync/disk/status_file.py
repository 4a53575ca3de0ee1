"""`post.status.yaml`: written whole into a post folder, and read again as something that anybody may have written."""

from __future__ import annotations

import itertools
import os
import stat
from collections.abc import Mapping
from typing import Any

import yaml

from postpost_sync.disk import whole_file
from postpost_sync.model import yaml_tree
from postpost_sync.model.errors import printable, with_hint
from postpost_sync.model.folder import SIDECAR_NAMES, STATUS_FILE

_MAX = 64 * 1024
PARTS = "parts"
MOST_PARTS = 100  # that are read again
_LISTS = ("media_sha256", "platforms", "accounts", "held_for")  # that are read again
_OF_FOLDER = ("folder_id", "instance", "path")
_MOST_WARNINGS = 3  # that are said in the first lines
_DUMPER: type = getattr(yaml, "CSafeDumper", yaml.SafeDumper)


def text(sentence: str, facts: Mapping[str, Any]) -> str:
    """The file's content: a plain sentence, the way out where something is wrong, then the facts."""
    body = yaml.dump(dict(facts), Dumper=_DUMPER, sort_keys=False, allow_unicode=True, width=120)
    error, warnings = facts.get("error"), facts.get("warnings") or ()
    lines = [sentence]
    if error and error["hint"]:
        lines.append(f"hint: {error['hint']}")
    lines += [f"also: {with_hint(warning['message'], warning['hint'])}" for warning in warnings[:_MOST_WARNINGS]]
    if len(warnings) > _MOST_WARNINGS:
        lines.append(f"and {len(warnings) - _MOST_WARNINGS:,} more, under warnings below")
    lines.append("Written by postpost-sync: to change the post, edit its sidecar.")
    return "".join(f"# {printable(' '.join(line.split()))}\n" for line in lines) + body


def write(folder: int, content: str, *, first: bool = False) -> None:
    """Replace the status file in the folder of that descriptor; OSError where it cannot be written.

    `first`: FileExistsError where somebody else has written one meanwhile.
    """
    whole_file.replace(folder, STATUS_FILE, content.encode("utf-8"), _sidecar_mode(folder), first=first)


def _sidecar_mode(folder: int) -> int:
    """The permissions of the sidecar, so that who may read the one may read the other."""
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.lower() in SIDECAR_NAMES and entry.is_file(follow_symlinks=False):
                return stat.S_IMODE(entry.stat(follow_symlinks=False).st_mode) & 0o666
    return 0o644


def read(folder: int) -> str | None:
    """The status file in the folder of that descriptor as it is; None where there is none that could be ours."""
    try:
        fd = os.open(STATUS_FILE, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=folder)
    except OSError:
        return None
    try:
        s = os.fstat(fd)
        if not stat.S_ISREG(s.st_mode) or s.st_size > _MAX:
            return None
        return os.read(fd, _MAX).decode("utf-8", "replace")
    except OSError:
        return None
    finally:
        os.close(fd)


def claims(content: str | None) -> dict[str, str]:
    """What it says of the folder and its main part: plain text values, and lists of them with spaces between.

    They are claims: whoever can write the folder can have written them.
    """
    tree = _tree(content)
    if tree is None:
        return {}
    return _plain(tree) | _of_parts(tree).get("", {})


def claims_of_parts(content: str | None) -> dict[str, dict[str, str]]:
    """The same of each of its other parts, by name, where there are any."""
    tree = _tree(content) if content is not None and f"\n{PARTS}:" in content else None
    if tree is None:
        return {}
    whole = {key: value for key, value in _plain(tree).items() if key in _OF_FOLDER}
    return {name: whole | said for name, said in _of_parts(tree).items() if name}


def _tree(content: str | None) -> yaml_tree.Mapping | None:
    if content is None:
        return None
    try:
        tree = yaml_tree.read(content.encode("utf-8"))
    except yaml_tree.YamlProblem:
        return None
    return tree if isinstance(tree, yaml_tree.Mapping) else None


def _of_parts(tree: yaml_tree.Mapping) -> dict[str, dict[str, str]]:
    lists = (node for key, _, node in tree if key == PARTS and isinstance(node, yaml_tree.Sequence))
    found = (_plain(one) for node in lists for one in node.items if isinstance(one, yaml_tree.Mapping))
    return {said["name"]: said for said in itertools.islice(found, MOST_PARTS) if "name" in said}


def _plain(tree: yaml_tree.Mapping) -> dict[str, str]:
    said = {key: node.text for key, _, node in tree if isinstance(node, yaml_tree.Scalar)}
    for key, _, node in tree:
        if key in _LISTS and isinstance(node, yaml_tree.Sequence):
            said[key] = " ".join(one.text for one in node.items if isinstance(one, yaml_tree.Scalar))
    return said
