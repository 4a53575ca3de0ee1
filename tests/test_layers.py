"""The layers that the package's map describes, read from the imports: downward only, no cycles, each module on the map."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

import postpost_sync

PACKAGE = Path(postpost_sync.__file__).parent
CORE, EDGE, SHELL, DOOR, APART = range(5)
LAYERS = {
    CORE: """errors states times yamltree values models records sidecar platforms counting breaches preflight names targets wanted
    steps deciding drafting scheduling building plan ledger view urls columns schema telling""",
    EDGE: """config config_keys credentials links scan media structure probe measuring store migrations api answers clock
    upload watch mounts receipt notify lock log service""",
    SHELL: """account line removals identity places whereabouts looks reader transfers calls snapshots sync workers
    observing oddities presence scanner roots tellers timers daemon""",
    DOOR: "cli __main__ commands terminal",
    APART: "sandbox samples",
}
LAYER = {name: layer for layer, names in LAYERS.items() for name in names.split()}
PURE = frozenset(
    [
        "os",
        "io",
        "pathlib",
        "socket",
        "ssl",
        "threading",
        "subprocess",
        "time",
        "random",
        "logging",
        "shutil",
        "tempfile",
        "signal",
        "sqlite3",
        "httpx",
    ]
)
EDGES_THAT_MAY = {
    ("store", "migrations"),
    ("config", "config_keys"),
    ("config", "credentials"),
    ("config", "links"),
    ("api", "answers"),
    ("api", "clock"),
    ("credentials", "mounts"),  # it knows the mount table
    ("links", "mounts"),
    ("probe", "measuring"),
}
MAY_IN_CORE = {  # os.fsencode, os.path.join and PurePath do no I/O
    ("columns", "os"),
    ("view", "os"),
    ("telling", "os"),
    ("names", "pathlib"),
    ("preflight", "pathlib"),
}


def modules() -> list[Path]:
    return sorted(path for path in PACKAGE.rglob("*.py") if path.name != "__init__.py" or path.parent != PACKAGE)


def top(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imports(path: Path) -> set[str]:
    """Every module that is imported anywhere in the file, absolute."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            if node.level:
                found.add(f"postpost_sync.{top(path)}")
            elif node.module == "postpost_sync":
                found |= {f"postpost_sync.{alias.name}" for alias in node.names if alias.name != "__version__"}
            elif node.module:
                found.add(node.module)
    return found


def ours(path: Path) -> set[str]:
    return {name.split(".")[1] for name in imports(path) if name.startswith("postpost_sync.")} - {top(path)}


@pytest.mark.parametrize("path", modules(), ids=lambda p: str(p.relative_to(PACKAGE)))
def test_imports_go_downward(path: Path) -> None:
    name = top(path)
    mine = LAYER[name]
    for other in ours(path):
        theirs = LAYER[other]
        if mine == APART:
            assert (name, other) == ("samples", "times"), f"{name} stands apart, but imports {other}"
        elif mine == DOOR:
            continue
        elif mine == EDGE and theirs == EDGE:
            assert (name, other) in EDGES_THAT_MAY, f"the edges {name} and {other} do not import each other"
        else:
            assert theirs <= mine, f"{name} imports {other}, which lies above it"


@pytest.mark.parametrize("path", [p for p in modules() if LAYER[top(p)] == CORE], ids=lambda p: p.stem)
def test_the_core_does_no_io_and_reads_no_clock(path: Path) -> None:
    used = {name.split(".")[0] for name in imports(path)} & PURE
    assert {(path.stem, name) for name in used} <= MAY_IN_CORE
    assert not re.search(r"\b(datetime\.now|utcnow|open\()", path.read_text())


def test_there_are_no_cycles() -> None:
    graph: dict[str, set[str]] = {}
    for path in modules():
        graph.setdefault(top(path), set()).update(ours(path))
    while leaves := [name for name, needs in graph.items() if not needs & set(graph)]:
        for name in leaves:
            del graph[name]
    assert not graph


def test_the_map_names_every_module() -> None:
    documented = set(re.findall(r"^ {4}([a-z_]+) {2,}", postpost_sync.__doc__ or "", re.MULTILINE))
    assert documented == {top(path) for path in modules()}


@pytest.mark.parametrize("path", modules(), ids=lambda p: str(p.relative_to(PACKAGE)))
def test_each_module_says_its_job_in_its_first_line(path: Path) -> None:
    doc = ast.get_docstring(ast.parse(path.read_text()))
    assert doc
    assert doc.splitlines()[0].rstrip().endswith((".", ":", "?"))
