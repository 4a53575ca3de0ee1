"""What this installation is called in status files, so that another one's folders are not taken for its own."""

from __future__ import annotations

import contextlib
import os
import uuid
from pathlib import Path


def instance_id(state_db: Path) -> str:
    """Stable for one machine and one database path, even where the file is lost."""
    machine = ""
    for source in ("/etc/machine-id", "/var/lib/dbus/machine-id"):
        with contextlib.suppress(OSError, UnicodeDecodeError):
            machine = machine or Path(source).read_text(encoding="ascii").strip()
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"postpost-sync:{machine or os.uname().nodename}:{state_db}"))
