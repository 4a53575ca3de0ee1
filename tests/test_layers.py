"""The house that the package's map describes, read from the imports: one ordered list, and two exceptions."""

from __future__ import annotations

import ast
import functools
import re
import subprocess
import sys
from pathlib import Path

import pytest

import postpost_sync

PACKAGE = Path(postpost_sync.__file__).parent
ORDER = (
    "model post plan ledger log packages disk store service notify calendar config sync daemon web terminal commands cli __main__"
).split()
EDGES = frozenset("disk store service notify config".split())
EDGES_THAT_MAY = {("config", "disk"), ("config", "notify")}
PURE = frozenset("model post plan ledger".split())
APART = {"sandbox": frozenset({"sandbox"})}
NEEDED_TO_ACT = "ledger plan.steps plan.snapshot post.preflight model.other_times post.sidecar sync service".split()
STARTS_FAST = "plan daemon config".split()  # or status, check and --version become slow to start
IMPURE = frozenset(
    "os io pathlib socket ssl threading subprocess time random logging shutil tempfile signal sqlite3 httpx".split()
)
MAY_BE_USED = {  # os.fsencode, os.path.join and PurePath do no I/O
    ("view", "os"),
    ("names", "pathlib"),
    ("preflight", "pathlib"),
    ("fitting", "pathlib"),
}
MODULES = sorted(path for path in PACKAGE.rglob("*.py") if path.name != "__init__.py" or path.parent != PACKAGE)


def room(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


ROOMS = {name: [path for path in MODULES if room(path) == name] for name in sorted({*map(room, MODULES)})}


@functools.cache
def imports(path: Path) -> frozenset[str]:
    """Every module that is imported anywhere in the file, absolute."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            if node.level:
                found.add(f"postpost_sync.{room(path)}")
            elif node.module == "postpost_sync":
                found |= {f"postpost_sync.{alias.name}" for alias in node.names if alias.name != "__version__"}
            elif node.module:
                found.add(node.module)
                found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return frozenset(found)


def rooms_of(path: Path) -> set[str]:
    named = {name.split(".")[1] for name in imports(path) if name.startswith("postpost_sync.")}
    return {name for name in named if name in ORDER or name in APART} - {room(path)}


@pytest.mark.parametrize("mine", ROOMS)
def test_a_room_imports_only_what_stands_left_of_it(mine: str) -> None:
    for path in ROOMS[mine]:
        for other in rooms_of(path):
            if mine in APART:
                pytest.fail(f"{mine} stands apart, but {path.stem} imports {other}")
            if other in APART:
                assert path.stem in ("sandbox",) or "demo" in path.parts, (
                    f"{path.stem} imports {other}, which stands apart"
                )
                continue
            assert ORDER.index(other) < ORDER.index(mine), f"{path.stem} imports {other}, which stands right of {mine}"
            if {mine, other} <= EDGES:
                assert (mine, other) in EDGES_THAT_MAY, f"the edges {mine} and {other} do not import each other"


@pytest.mark.parametrize("mine", sorted(PURE))
def test_the_pure_rooms_do_no_io_and_read_no_clock(mine: str) -> None:
    for path in ROOMS[mine]:
        used = {name.split(".")[0] for name in imports(path)} & IMPURE
        assert {(path.stem, name) for name in used} <= MAY_BE_USED
        assert not re.search(r"\b(datetime\.now|utcnow|open\()", path.read_text()), path


def dotted(path: Path) -> str:
    return ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts).removesuffix(".__init__")


def test_there_are_no_cycles_between_modules() -> None:
    """A package is not counted against its own modules: to import one of them is to import it."""
    known = {dotted(path): path for path in MODULES if room(path) not in APART}
    graph = {
        name: {one for one in imports(path) & known.keys() if one != name and not name.startswith(f"{one}.")}
        for name, path in known.items()
    }
    while leaves := [name for name, needs in graph.items() if not needs & set(graph)]:
        for name in leaves:
            del graph[name]
    assert not graph


def test_the_map_names_every_room_in_its_order() -> None:
    documented = re.findall(r"^ {4}([a-z_]+) {2,}", postpost_sync.__doc__ or "", re.MULTILINE)
    assert documented == [*ORDER, *APART]
    assert set(documented) == {room(path) for path in MODULES}


@pytest.mark.parametrize("name", STARTS_FAST)
def test_the_package_itself_is_a_docstring(name: str) -> None:
    (only,) = ast.parse((PACKAGE / name / "__init__.py").read_text()).body
    assert isinstance(only, ast.Expr)


def test_status_loads_nothing_of_what_only_acts() -> None:
    look = "import sys, postpost_sync.cli, postpost_sync.commands.status, postpost_sync.terminal.status; print(*sys.modules)"
    said = subprocess.run([sys.executable, "-c", look], capture_output=True, text=True, check=True).stdout
    needed_to_act = {f"postpost_sync.{name}" for name in NEEDED_TO_ACT} | {"concurrent.futures", "hashlib", "httpx"}
    assert not needed_to_act & set(said.split())


@pytest.mark.parametrize("mine", ROOMS)
def test_each_module_says_its_job_in_its_first_line(mine: str) -> None:
    for path in ROOMS[mine]:
        doc = ast.get_docstring(ast.parse(path.read_text()))
        assert doc, path
        assert doc.splitlines()[0].rstrip().endswith((".", ":", "?")), path
