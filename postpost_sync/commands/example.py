"""`config example`: the commented example of a config, for who has no checkout to copy it from."""

from __future__ import annotations

from importlib.resources import files

import click


def show() -> int:
    click.echo(text(), nl=False)
    return 0


def text() -> str:
    return (files("postpost_sync.config") / "example.yaml").read_text(encoding="utf-8")
