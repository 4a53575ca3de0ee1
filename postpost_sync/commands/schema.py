"""`schema`: the JSON Schemas that editors complete and check with."""

from __future__ import annotations

import json

import click

from postpost_sync.config import keys, schema


def show(which: str) -> int:
    """Print the schema of the `sidecar` or the `config`."""
    click.echo(text(which), nl=False)
    return 0


def text(which: str) -> str:
    if which == "sidecar":
        made = schema.of_sidecar()
    else:
        made = schema.of_config(
            keys.KEYS,
            keys.API_KEYS,
            keys.WATCH_KEYS,
            uploads=keys.UPLOAD_KEYS,
            notify=keys.NOTIFY_KEYS,
            monitor=keys.MONITOR_KEYS,
        )
    return json.dumps(made, ensure_ascii=False, indent=1) + "\n"
