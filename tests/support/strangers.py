"""Another user of the machine, who runs the commands of a rig. Skipped where we are not root."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import cache
from pathlib import Path

import pytest

from tests.support.rig import REPOSITORY, Rig, rig

NOBODY = 65534
# Loads the program as us, since another user may not be able to read the interpreter's own files; each command is a fork of it.
AS_NOBODY = f"""
import contextlib, encodings.ascii, importlib, io, json, os, pkgutil, sys
sys.path.insert(0, os.getcwd())
import postpost_sync
from postpost_sync.__main__ import main
for module in pkgutil.walk_packages(postpost_sync.__path__, "postpost_sync."):
    importlib.import_module(module.name)
with contextlib.redirect_stdout(io.StringIO()):
    main(["-c", sys.argv[1], "status"])
for line in sys.stdin:
    arguments, *files = json.loads(line)
    if os.fork() == 0:
        for number, file in enumerate(files, 1):
            os.dup2(os.open(file, os.O_WRONLY), number)
        os.setgroups([])
        os.setgid({NOBODY})
        os.setuid({NOBODY})
        sys.exit(main(["-c", sys.argv[1], *arguments]))
    print(os.waitstatus_to_exitcode(os.wait()[1]), flush=True)
"""


@contextmanager
def stranger() -> Iterator[tuple[Rig, Callable[..., subprocess.CompletedProcess[str]]]]:
    """A rig at a place that everybody may enter, and its commands run by another user."""
    if os.geteuid():
        pytest.skip("only root can become somebody else")
    public = Path(tempfile.mkdtemp(prefix="postpost-sync-test-"))
    public.chmod(0o755)
    try:
        with rig(public) as pp, ExitStack() as ends:
            pp.root.chmod(0o755)

            @cache
            def server() -> subprocess.Popen[str]:
                command = [sys.executable, "-P", "-c", AS_NOBODY, str(pp.config)]
                pipe = subprocess.PIPE
                return ends.enter_context(
                    subprocess.Popen(
                        command, cwd=REPOSITORY, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL, text=True
                    )
                )

            def run_as(*arguments: str) -> subprocess.CompletedProcess[str]:
                pp.config.chmod(0o644)
                for place, _, _ in os.walk(pp.root):
                    Path(place).chmod(0o755)
                with tempfile.NamedTemporaryFile("r") as out, tempfile.NamedTemporaryFile("r") as err:
                    asking, answers = server().stdin, server().stdout
                    assert asking is not None
                    assert answers is not None
                    print(json.dumps([arguments, out.name, err.name]), file=asking, flush=True)
                    status = int(answers.readline())
                    return subprocess.CompletedProcess(arguments, status, out.read(), err.read())

            yield pp, run_as
    finally:
        shutil.rmtree(public)
