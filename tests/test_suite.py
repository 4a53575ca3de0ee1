"""The tests themselves: no test leans on another, on a clock or on chance, and the quick suite has some of everything."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from collections.abc import Iterator
from itertools import count, islice
from pathlib import Path

from tests.scenarios import test_faults as faults
from tests.support.failing import CALLS
from tests.support.matrices import EVERY, Matrix
from tests.support.rig import REPOSITORY

TESTS = sorted(Path(__file__).parent.rglob("test_*.py"))
CLOCKS = {"time", "monotonic", "monotonic_ns", "perf_counter", "perf_counter_ns", "process_time", "thread_time"}

CHANCE = {"urandom", "effect_noise", "token_bytes", "SystemRandom"}


def modules(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


def test_no_test_imports_from_another_what_belongs_into_support() -> None:
    for path in set(TESTS) - {Path(__file__)}:
        assert not [name for name in modules(path) if name.startswith("tests.") and ".test_" in name], path


def durations(node: ast.AST) -> bool:
    """Whether the difference of two readings of a clock is in there."""
    return any(
        isinstance(part, ast.BinOp)
        and isinstance(part.op, ast.Sub)
        and isinstance(part.left, ast.Call)
        and isinstance(part.left.func, ast.Attribute)
        and part.left.func.attr in CLOCKS
        for part in ast.walk(node)
    )


def test_no_test_measures_how_long_something_took() -> None:
    for path in TESTS:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Assert | ast.Assign):
                assert not durations(node), f"{path}:{node.lineno}: a machine may be busy; count steps"


def test_no_test_is_made_of_what_no_later_run_has() -> None:
    for path in set(Path(__file__).parent.rglob("*.py")) - set((Path(__file__).parent / "bench").iterdir()):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Attribute):
                assert node.attr not in CHANCE, (
                    f"{path}:{node.lineno}: what it found would not be found again; use noise"
                )


def test_what_shares_a_set_up_is_run_by_one_process(tmp_path: Path) -> None:
    """Versions of the runner and of its plugin have not known each other's groups, and said nothing."""
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    (tmp_path / "test_it.py").write_text(
        "import os, pathlib, pytest\n"
        "@pytest.mark.xdist_group('one')\n"
        "@pytest.mark.parametrize('n', range(8))\n"
        "def test_it(n): pathlib.Path(f'{n}.txt').write_text(str(os.getpid()))\n"
    )
    command = [sys.executable, "-m", "pytest", "-q", "-n", "2", "--dist=loadgroup", "-p", "no:cacheprovider"]
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)
    assert len({(tmp_path / f"{n}.txt").read_text() for n in range(8)}) == 1


def test_a_sample_is_the_first_and_every_seventh_from_there() -> None:
    sample, whole = Matrix(EVERY), Matrix(1)
    assert list(islice(sample.numbers(), 3)) == [1, 8, 15]
    assert list(islice(whole.of(count(5, 5)), 3)) == [5, 10, 15]
    assert (sample.share(2000), whole.share(2000), sample.share(1)) == (286, 2000, 1)


def collected(seed: str) -> list[str]:
    """The cases of one matrix that the quick suite runs."""
    of = "tests/scenarios/test_faults.py::test_one_fault_of_one_call_leaves_one_post"
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "--collect-only", "-q", "-p", "no:cacheprovider", of],
        cwd=REPOSITORY,
        env={**os.environ, "PYTHONHASHSEED": seed},
        capture_output=True,
        text=True,
        check=True,
    )
    return [line for line in done.stdout.splitlines() if "::" in line]


def test_the_quick_suite_has_each_kind_of_a_matrix_and_the_same_cases_each_time() -> None:
    quick = collected("1")
    assert quick == collected("2")
    kinds, calls = [faults.REFUSED, *faults.FAULTS], CALLS
    assert len(quick) < len(kinds) * len(calls) / 4
    for name in (*kinds, *calls):
        assert any(name in case for case in quick), name
