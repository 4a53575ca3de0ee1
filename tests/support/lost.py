"""What a world loses and gets back: its database, its status files, the word of a person."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

from postpost_sync import ledger
from postpost_sync.model.record import Record
from tests.support.world import World, picture

ONE, TWO = {"a.jpg": picture(1)}, {"a.jpg": picture(1), "b.jpg": picture(2)}
BOTH = ("twitter-123", "linkedin-ABC")


def tomorrow(world: World) -> datetime:
    return (world.now + timedelta(days=1)).replace(microsecond=0)


def keep(world: World, place: Path) -> None:
    """A copy of the database, as a nightly backup makes it."""
    world.store.close()
    shutil.rmtree(place, ignore_errors=True)
    shutil.copytree(world.state_db.parent, place)
    world.start()


def put_back(world: World, place: Path) -> None:
    world.store.close()
    shutil.rmtree(world.state_db.parent)
    shutil.copytree(place, world.state_db.parent)
    world.start()


def lose_the_database(world: World) -> None:
    world.store.close()
    shutil.rmtree(world.state_db.parent)
    world.start()


def lose_status_files(world: World) -> None:
    for file in world.root.rglob("post.status.yaml"):
        file.unlink()


def say(world: World, name: str, word: Callable[..., Record] = ledger.retried) -> None:
    key = world.record(name).key
    world.store.change(key, word)
    world.wake(key, 0.0)


def out_or_standing(world: World) -> list[tuple[str, str]]:
    """(text, status) of all that stands scheduled or went out."""
    return [(group.content, group.status) for group in world.groups() if group.status != "draft"]
