"""The command that adds a package to this installation: pipx, uv, a virtual environment and the system's Python differ.

Never one that names postpost-sync itself: it is on no registry, and whoever took that name there would be installed.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import re
import shlex
import sys
from importlib import metadata
from pathlib import Path


def to_install(*names: str, again: bool = False) -> str:
    """What to type, with the versions that go with this one; `again`: also where they are there, and do not work."""
    wanted = shlex.join(_requirement(name) for name in names)
    prefix, python = Path(sys.prefix), shlex.quote(sys.executable)
    may = "" if os.access(prefix, os.W_OK) else "sudo "
    if (prefix / "pipx_metadata.json").exists():
        return f"{may}pipx inject {'--force ' if again else ''}postpost-sync {wanted}"
    if (prefix / "uv-receipt.toml").exists() or importlib.util.find_spec("pip") is None:
        return f"{may}uv pip install {'--reinstall ' if again else ''}--python {python} {wanted}"
    return f"{may}{python} -m pip install {'--force-reinstall ' if again else ''}{wanted}"


def _requirement(name: str) -> str:
    """With the versions that our own metadata asks for; the name alone where it asks for none."""
    with contextlib.suppress(metadata.PackageNotFoundError):
        for line in metadata.requires("postpost-sync") or ():
            asked = line.split(";")[0].strip()
            if re.split(r"[^\w.-]", asked)[0].lower() == name.lower():
                return asked
    return name
