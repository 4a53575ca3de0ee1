"""A config file as a test writes it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from postpost_sync.config.load import Config, load

WATCH = "watch:\n  - path: /srv/posts\n"


def read(file: Path, text: str | bytes, environ: Mapping[str, str] | None = None, mode: int = 0o600) -> Config:
    """What it comes to, written with that mode and read in that environment."""
    file.write_bytes(text.encode() if isinstance(text, str) else text)
    file.chmod(mode)
    return load(file, environ or {"HOME": str(file.parent)})
