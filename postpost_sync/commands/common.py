"""What several commands need: the config, the database, the folders that a person named."""

from __future__ import annotations

import os
import signal
import stat
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import NoReturn

import click

from postpost_sync import log
from postpost_sync.config import load as configs
from postpost_sync.config.load import Config
from postpost_sync.model.errors import Finding, ProgramError, path_name, printable, with_hint
from postpost_sync.store import Store


def load_config(option: str | None, warn: Callable[[Finding], None] | None = None) -> Config:
    """The config; its warnings are printed, or go to `warn`."""
    config = configs.load(configs.find(option, os.environ), os.environ)
    for warning in config.warnings:
        (warn or _print)(warning)
    return config


def _print(warning: Finding) -> None:
    click.echo(f"warning: {printable(with_hint(warning.message, warning.hint))}", err=True)


@contextmanager
def opened_store(path: Path, *, read_only: bool, untouched: bool = False) -> Iterator[Store]:
    """The database; ProgramError where there is none yet or it belongs to somebody else."""
    try:
        exists = path.exists()
    except PermissionError:
        exists = True
    if not exists:
        raise ProgramError(f"there is no database at {path_name(path)} yet", "start the daemon once: postpost-sync run")
    if not os.access(path, os.R_OK):
        raise ProgramError(
            f"{path_name(path)} may not be read by you",
            f"run this as its owner: sudo -u {_owner(path)} postpost-sync …",
        )
    store = Store.open(path, read_only=read_only, untouched=untouched)
    try:
        yield store
    finally:
        store.close()


def _owner(path: Path) -> str:
    for place in (path, path.parent):
        try:
            return place.owner()
        except (OSError, KeyError):
            continue
    return "root"


def expanded(path: Path) -> Path:
    """A path as it was typed, from `~` on; ProgramError where that is nobody's."""
    try:
        return path.expanduser().absolute()
    except RuntimeError:
        raise ProgramError(f'"{printable(str(path))}" lies in the home of nobody', "write the path in full") from None


def is_folder(path: Path) -> bool:
    """Whether a folder is there; ProgramError where that cannot be told."""
    try:
        return stat.S_ISDIR(path.stat().st_mode)
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError as error:
        raise unreadable(path, error) from None


def unreadable(path: str | Path, error: OSError) -> ProgramError:
    return ProgramError(
        f'"{printable(str(path))}" cannot be read: {error.strerror}',
        "check its rights and those of the folders above it",
    )


@contextmanager
def stopped_by_signals(stop: Callable[[], None], *, hangup: bool = False) -> Iterator[None]:
    """SIGTERM and SIGINT call `stop` instead of ending the process; a second one ends it.

    With `hangup` SIGHUP does, too, as where a terminal is closed: for what has to clear up. `nohup` keeps it off.
    """

    def handle(number: int, _: FrameType | None) -> None:
        signal.signal(number, signal.SIG_DFL)
        stop()

    hears = hangup and signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN
    numbers = (signal.SIGTERM, signal.SIGINT, *((signal.SIGHUP,) if hears else ()))
    before = {number: signal.signal(number, handle) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def leave(status: int, error: BaseException | None = None) -> NoReturn:
    """End although a thread hangs in the kernel: a disk or a store that is dead must not hold up the machine's shutdown.

    What it was at is in the database, and the next start goes on from there.
    """
    if error is not None:
        log.last_words(str(error))
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)
