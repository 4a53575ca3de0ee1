"""`doctor`'s look at the notifications: whether those who are to be notified can be, and whether it worked last."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from postpost_sync import credentials
from postpost_sync.commands.common import opened_store
from postpost_sync.config import Config, notify_urls
from postpost_sync.notify import targets


def look(config: Config, environ: Mapping[str, str], credstore: Path) -> Iterator[tuple[str, str, str]]:
    """(level, message, hint) of each thing; ProgramError where nobody can be notified. `credstore`: the service's secrets."""
    if os.access(credstore / credentials.NOTIFY_URLS, os.R_OK):
        environ = {"CREDENTIALS_DIRECTORY": str(credstore), **environ}
    found = targets(notify_urls(config, environ))
    if not found:
        return
    names = ", ".join(target.name for target in found)
    yield "ok", f"{names}: told of {', '.join(sorted(config.notify.on))}", ""
    if not config.state_db.exists():
        return
    with opened_store(config.state_db, read_only=True) as store:
        for listener in store.listeners():
            if listener.error is not None:
                yield "warning", listener.error.message, listener.error.hint
