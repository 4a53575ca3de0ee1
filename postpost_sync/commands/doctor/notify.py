"""The notifications: whether those who are to be notified can be, and whether it worked last."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping

from postpost_sync.commands.common import opened_store
from postpost_sync.commands.doctor.findings import Finding, Findings, Level
from postpost_sync.config import credentials
from postpost_sync.config.load import Config, notify_urls
from postpost_sync.model.errors import ProgramError
from postpost_sync.notify.delivery import targets


def check(config: Config, environ: Mapping[str, str]) -> Findings:
    """ProgramError where nobody can be notified."""
    found = targets(notify_urls(config, credentials.as_the_service(credentials.NOTIFY_URLS, environ)))
    if not found:
        return
    names = ", ".join(target.name for target in found)
    yield Finding(Level.OK, "notify", f"{names}: told of {', '.join(sorted(config.notify.on))}")
    # a database that cannot be read is said by a check of its own
    with contextlib.suppress(ProgramError), opened_store(config.state_db, read_only=True) as store:
        for listener in store.listeners():
            if listener.error is not None:
                yield Finding(Level.WARNING, "notify", listener.error.message, listener.error.hint)
