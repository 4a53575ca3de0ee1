"""Every kind of edit of a post that stands scheduled or waits for room, killed at every effect, under every limit of a plan.

The world (`Histories`) looks after every request that no two posts of the folder stand, and in the end that PostPost holds
what the folder asks for, in the state that `status` shows, and no draft besides.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from postpost_sync.model.states import State
from postpost_sync.sandbox import Plan
from tests.support.histories import PLATFORMS, Dropped, Histories

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
NEAR = 28 * HOUR
LIMITS = {
    "pending": Plan("Small", pending=1),
    "month": Plan("Short", posts_per_month=1),
    "horizon": Plan("Near", horizon_days=NEAR / timedelta(days=1)),
}


COUNTS: Counter[str] = Counter()


def edited(world: Histories, folder: Dropped, edit: Edit) -> None:
    edit(world, folder)
    world.write(folder)


def killed_while(world: Histories, effect: int) -> bool:
    """Go on, and end the process before that effect from now; whether there was one."""
    world.kill_at(len(world.effects) + effect)
    killed = not world.alive(lambda: world.run_until_rest(300))
    world._kill_at = None
    return killed


@pytest.mark.parametrize("edit", EDITS)
def test_an_edit_that_is_killed_at_any_moment_leaves_exactly_the_edited_post(tmp_path: Path, edit: Edit) -> None:
    for effect in itertools.count(1):
        place = tmp_path / str(effect)
        place.mkdir()
        with Histories(place) as world:
            folder = world.fresh(2, PLATFORMS[0], world.now + 30 * HOUR)
            world.advance_time(60)
            edited(world, folder, edit)
            killed = killed_while(world, effect)
            world.run_out()
            assert [group.status for group in world.ours()] == ["draft" if edit is no_time else "scheduled"]
        if not killed:
            break
        COUNTS["kills in an edit"] += 1
    assert effect > 3


@pytest.mark.parametrize("edit", [text, picture, sooner, text_and_time, no_time])
@pytest.mark.parametrize("limit", LIMITS)
@pytest.mark.parametrize("target", ["scheduled", "held"])
def test_an_edit_under_a_limit_leaves_each_folder_with_one_post(
    tmp_path: Path, target: str, limit: str, edit: Edit
) -> None:
    for effect in itertools.count(1, 7):
        place = tmp_path / str(effect)
        place.mkdir()
        with Histories(place) as world:
            world.sandbox.behaviour = replace(world.sandbox.behaviour, plan=LIMITS[limit])
            soon = world.fresh(2, PLATFORMS[0], world.now + 27 * HOUR)
            world.advance_time(60)
            far = world.fresh(2, PLATFORMS[0], world.now + 40 * HOUR)
            world.advance_time(60)
            assert [world.state(folder.name) for folder in (soon, far)] == [State.SCHEDULED, State.HELD]
            edited(world, soon if target == "scheduled" else far, edit)
            killed = killed_while(world, effect)
            world.run_out()
            assert sorted(world.record(f.name).state for f in (soon, far)) == ends(world, limit)
            assert len(world.ours()) == 2
        if not killed:
            break
        COUNTS["kills in an edit under a limit"] += 1


def ends(world: Histories, limit: str) -> list[State]:
    """Where the two stand ten hours later: a draft takes up no room, and who has room is scheduled."""
    times = [folder.time for folder in world.folders]
    timed = [time for time in times if isinstance(time, datetime)]
    room = {
        "horizon": [time - world.now <= NEAR for time in timed],
        "pending": [time == min(timed) for time in timed],
        "month": [time == times[0] for time in timed],  # who had it first: the next comes with the next month
    }[limit]
    states = [State.SCHEDULED if one else State.HELD for one in room]
    return sorted(states + [State.DRAFTED] * (len(times) - len(timed)))


def test_how_many_kills_were_survived(capsys: pytest.CaptureFixture[str]) -> None:
    with capsys.disabled():
        print("\nkills survived:", ", ".join(f"{count} {what}" for what, count in COUNTS.items()), end=" ")
