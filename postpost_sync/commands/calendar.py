"""`calendar`: what goes out when, in the terminal, as a page or as a feed; read from the database alone."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import click

from postpost_sync.calendar.entries import Entry
from postpost_sync.calendar.seen import WatchRoot, dated, seen
from postpost_sync.commands.common import load_config, opened_store
from postpost_sync.config.load import Config
from postpost_sync.disk import whole_file
from postpost_sync.model.errors import ProgramError, printable
from postpost_sync.store.lock import Lock


def calendar(option: str | None, path: Path | None, *, week: bool, ics: Path | None, html: Path | None) -> int:
    """Print it, or write the files that are asked for."""
    config = load_config(option)
    now = datetime.now(UTC)
    with opened_store(config.state_db, read_only=True) as store:
        roots, below = _chosen(config, path)
        running = Lock(store.path).held()
        found = seen(store, roots, now, running=running, below=below)
        if ics is not None:
            from postpost_sync.calendar.feed import feed

            _write(ics, feed(found.title, dated(store, roots, now, below)))
    if html is not None:
        from postpost_sync.calendar.page import file_page
        from postpost_sync.disk.thumbnails import Thumbnails
        from postpost_sync.post.names import Names

        # the daemon's folder is the daemon's
        thumbnails = Thumbnails(config.state_db, Names(config.ignore), keep=False)

        def picture(one: Entry) -> bytes | None:
            first = one.media[0]
            return thumbnails.of(one.root, one.path, first.name, first.stat, first.sha256)

        _write(html, file_page(found, picture).data)
    if ics is None and html is None:
        from rich.console import Console

        from postpost_sync.terminal.calendar import calendar_text

        calendar_text(found, Console(highlight=False), week=week)
    return 0


def _chosen(config: Config, path: Path | None) -> tuple[list[WatchRoot], Callable[[str, str], bool]]:
    """The roots that are meant, and which of their posts."""
    every = [WatchRoot(str(root.path), root.policy.timezone, root.policy.slots) for root in config.roots]
    if path is None:
        return every, lambda _root, _path: True
    wanted = Path(os.path.abspath(path))
    if wanted.is_file():
        wanted = wanted.parent
    roots = [root for root in every if wanted == Path(root.path) or Path(root.path) in wanted.parents]
    if not roots:
        roots = [root for root in every if wanted in Path(root.path).parents]
        if not roots:
            hint = "watched are " + ", ".join(printable(root.path) for root in every)
            raise ProgramError(f'"{printable(str(wanted))}" is not below a watch root', hint)
        return roots, lambda _root, _path: True

    def below(root: str, path: str) -> bool:
        folder = Path(root, path)
        return folder == wanted or wanted in folder.parents

    return roots, below


def _write(file: Path, data: bytes) -> None:
    """Whole, or not at all; for everybody to read, as a page is."""
    if str(file) == "-":
        sys.stdout.flush()
        sys.stdout.buffer.write(data)
        return
    try:
        folder = os.open(file.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            whole_file.replace(folder, file.name, data, 0o644)
        finally:
            os.close(folder)
    except OSError as error:
        why = f'"{printable(str(file))}" cannot be written: {error.strerror}'
        raise ProgramError(why, "name a file in a folder of yours") from None
    click.echo(f'wrote "{printable(str(file))}"')
