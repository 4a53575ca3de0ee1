"""`notify`: a test message to everybody who is notified."""

from __future__ import annotations

import os

import click

from postpost_sync.commands.common import load_config
from postpost_sync.config import credentials
from postpost_sync.config.load import notify_urls
from postpost_sync.model.errors import ProgramError
from postpost_sync.notify.delivery import targets
from postpost_sync.notify.messages import Message, Tone

TEST = Message("postpost-sync: a test message", "If you read this, postpost-sync can reach you.", Tone.SUCCESS)


def notify(option: str | None) -> int:
    """1 where a message did not get through."""
    found = targets(notify_urls(load_config(option), credentials.as_the_service(credentials.NOTIFY_URLS, os.environ)))
    if not found:
        raise ProgramError(
            "nobody is notified: notify: in the config names no URL", "write notify: {urls_file: /the/file}"
        )
    failed = 0
    for target in found:
        why = target.send(TEST)
        failed += why is not None
        click.echo(f"{target.name}: " + ("sent" if why is None else f"not sent: {why}"), err=why is not None)
    return 1 if failed else 0
