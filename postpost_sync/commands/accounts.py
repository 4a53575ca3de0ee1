"""`accounts`: whom the key can post as, and how long their tokens last."""

from __future__ import annotations

import os
from datetime import UTC, datetime

from postpost_sync.commands.common import load_config
from postpost_sync.config.load import api_key
from postpost_sync.model.errors import PostError, ProgramError
from postpost_sync.service.api import PostPost
from postpost_sync.service.connections import new_client


def accounts(option: str | None) -> int:
    from rich.console import Console

    from postpost_sync.terminal.tables import connections_table

    config = load_config(option)
    console = Console(highlight=False)
    whose = {(root.api.base_url, api_key(root, os.environ), root.api.user_id) for root in config.roots}
    failed: ProgramError | None = None
    with new_client() as client:
        for base_url, key, user_id in sorted(whose, key=str):
            who = base_url + (f", user {user_id}" if user_id else "")
            try:
                connections = PostPost(client, base_url, key, user_id).connections()
            except PostError as error:  # the others are shown all the same
                where = f"{who}: " if len(whose) > 1 else ""
                failed = failed or ProgramError(where + error.finding.message, error.finding.hint)
                continue
            if len(whose) > 1:
                console.print(who, markup=False)
            connections_table(connections, console, datetime.now(UTC))
    if failed is not None:
        raise failed
    return 0
