"""`accounts`: whom the key can post as, and how long their tokens last."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from datetime import UTC, datetime

import click

from postpost_sync.commands.common import load_config
from postpost_sync.config.load import key_at_hand
from postpost_sync.model.errors import PostError, ProgramError
from postpost_sync.model.post import Connection
from postpost_sync.service.api import PostPost
from postpost_sync.service.connections import new_client

_SHOWN = ("platform_id", "name", "token_status", "token_expires", "last_error")


def accounts(option: str | None, *, as_json: bool) -> int:
    config = load_config(option)
    found: list[tuple[str, str | None, tuple[Connection, ...]]] = []
    whose = {(root.api.base_url, key_at_hand(root, os.environ), root.api.user_id) for root in config.roots}
    failed: ProgramError | None = None
    with new_client() as client:
        for base_url, key, user_id in sorted(whose, key=str):
            try:
                connections = PostPost(client, base_url, key, user_id).connections()
            except PostError as error:  # the others are shown all the same
                where = f"{_who(base_url, user_id)}: " if len(whose) > 1 else ""
                failed = failed or ProgramError(where + error.finding.message, error.finding.hint)
                continue
            found.append((base_url, user_id, connections))
    _print_json(found) if as_json else _print(found, several=len(whose) > 1)
    if failed is not None:
        raise failed
    return 0


def _print(found: Sequence[tuple[str, str | None, tuple[Connection, ...]]], *, several: bool) -> None:
    from rich.console import Console

    from postpost_sync.terminal.tables import connections_table

    console = Console(highlight=False)
    for base_url, user_id, connections in found:
        if several:
            console.print(_who(base_url, user_id), markup=False)
        connections_table(connections, console, datetime.now(UTC))


def _print_json(found: Sequence[tuple[str, str | None, tuple[Connection, ...]]]) -> None:
    shown = [
        {"base_url": base_url, "user_id": user_id, **{name: getattr(one, name) for name in _SHOWN}}
        for base_url, user_id, connections in found
        for one in connections
    ]
    click.echo(json.dumps({"version": 1, "accounts": shown}, ensure_ascii=False, indent=1))


def _who(base_url: str, user_id: str | None) -> str:
    return base_url + (f", user {user_id}" if user_id else "")
