"""Another user of the machine, who runs the commands of a rig. Skipped where we are not root."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.rig import REPOSITORY, Rig, rig

NOBODY = 65534
AS_NOBODY = f"""
import contextlib, encodings.ascii, importlib, io, os, pkgutil, sys
sys.path.insert(0, os.getcwd())
import postpost_sync
from postpost_sync.__main__ import main
for module in pkgutil.walk_packages(postpost_sync.__path__, "postpost_sync."):
    importlib.import_module(module.name)  # another user may not be able to read the interpreter's own files
with contextlib.redirect_stdout(io.StringIO()):
    main(["-c", sys.argv[1], "status"])
os.setgroups([])
os.setgid({NOBODY})
os.setuid({NOBODY})
sys.exit(main(["-c", *sys.argv[1:]]))
"""


@contextmanager
def stranger() -> Iterator[tuple[Rig, Callable[..., subprocess.CompletedProcess[str]]]]:
    """A rig at a place that everybody may enter, and its commands run by another user."""
    if os.geteuid():
        pytest.skip("only root can become somebody else")
    public = Path(tempfile.mkdtemp(prefix="postpost-sync-test-"))
    public.chmod(0o755)
    try:
        with rig(public) as pp:
            pp.root.chmod(0o755)

            def run_as(*arguments: str) -> subprocess.CompletedProcess[str]:
                pp.config.chmod(0o644)
                for place, _, _ in os.walk(pp.root):
                    Path(place).chmod(0o755)
                command = [sys.executable, "-P", "-c", AS_NOBODY, str(pp.config), *arguments]
                return subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True)

            yield pp, run_as
    finally:
        shutil.rmtree(public)
