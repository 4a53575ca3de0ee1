"""Every kind of edit of a post that stands scheduled or waits for room, killed at every effect, under every limit of a plan.

The world (`Histories`) looks after every request that no two posts of the folder stand, and in the end that PostPost holds
what the folder asks for, in the state that `status` shows, and no draft besides.
"""

from __future__ import annotations

import itertools
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from postpost_sync.model.states import State
from postpost_sync.sandbox import Plan
from tests.support.edits import EDITS, HOUR, Edit, edited, killed_while, no_time, picture, sooner, text, text_and_time
from tests.support.histories import Histories
from tests.support.lineages import PLATFORMS
from tests.support.matrices import Matrix, Survived

NEAR = 28 * HOUR
LIMITS = {
    "pending": Plan("Small", pending=1),
    "month": Plan("Short", posts_per_month=1),
    "horizon": Plan("Near", horizon_days=NEAR / timedelta(days=1)),
}


@pytest.mark.whole
@pytest.mark.parametrize("edit", EDITS)
def test_an_edit_that_is_killed_at_any_moment_leaves_exactly_the_edited_post(
    matrix: Matrix, survived: Survived, in_memory: Path, edit: Edit
) -> None:
    for effect in matrix.numbers():
        with Histories(in_memory / str(effect)) as world:
            folder = world.fresh(2, PLATFORMS[0], world.now + 30 * HOUR)
            world.advance_time(60)
            edited(world, folder, edit)
            killed = killed_while(world, effect)
            world.run_out()
            assert [group.status for group in world.ours()] == ["draft" if edit is no_time else "scheduled"]
        if not killed:
            break
        survived("kills in an edit")
    assert effect > 3


@pytest.mark.whole
@pytest.mark.parametrize("edit", [text, picture, sooner, text_and_time, no_time])
@pytest.mark.parametrize("limit", LIMITS)
@pytest.mark.parametrize("target", ["scheduled", "held"])
def test_an_edit_under_a_limit_leaves_each_folder_with_one_post(
    survived: Survived, in_memory: Path, target: str, limit: str, edit: Edit
) -> None:
    for effect in itertools.count(1, 7):
        with Histories(in_memory / str(effect)) as world:
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
        survived("kills in an edit under a limit")


def ends(world: Histories, limit: str) -> list[State]:
    """Where the two stand ten hours later: a draft takes up no room, and who has room is scheduled."""
    times = [folder.time for folder in world.folders]
    timed = [time for time in times if isinstance(time, datetime)]
    room = {
        "horizon": [time - world.now <= NEAR for time in timed],
        "pending": [time == min(timed) for time in timed],
        "month": [time == timed[0] for time in timed],  # who had it first, until that one needs none
    }[limit]
    states = [State.SCHEDULED if one else State.HELD for one in room]
    return sorted(states + [State.DRAFTED] * (len(times) - len(timed)))
