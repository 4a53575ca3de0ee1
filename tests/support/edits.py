"""Every kind of edit of a folder, and the death of the process in the midst of what follows from it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from tests.support.histories import Histories
from tests.support.lineages import PLATFORMS, Dropped

HOUR = timedelta(hours=1)
Edit = Callable[[Histories, Dropped], object]


def text(_: Histories, folder: Dropped) -> None:
    folder.text += 1


def picture(world: Histories, folder: Dropped) -> None:
    folder.media[0] = (folder.media[0][0], world.new_picture())


def order(_: Histories, folder: Dropped) -> None:
    folder.media.reverse()


def one_more(world: Histories, folder: Dropped) -> None:
    folder.media.append(("more.jpg", world.new_picture()))


def platforms(_: Histories, folder: Dropped) -> None:
    folder.platforms = PLATFORMS[1]


def sooner(world: Histories, folder: Dropped) -> None:
    folder.time = world.now + 25 * HOUR


def later(world: Histories, folder: Dropped) -> None:
    folder.time = world.now + 45 * HOUR


def text_and_time(world: Histories, folder: Dropped) -> None:
    text(world, folder)
    later(world, folder)


def no_time(_: Histories, folder: Dropped) -> None:
    folder.time = None


def touch(world: Histories, folder: Dropped) -> None:
    world.touch(folder)


EDITS: tuple[Edit, ...] = (text, picture, order, one_more, platforms, sooner, later, text_and_time, no_time, touch)


def edited(world: Histories, folder: Dropped, edit: Edit) -> None:
    edit(world, folder)
    world.write(folder)


def killed_while(world: Histories, effect: int) -> bool:
    """Go on, and end the process before that effect from now; whether there was one."""
    world.kill_at(effect)
    killed = not world.alive(lambda: world.run_until_rest(300))
    world._kill_at = None
    return killed
