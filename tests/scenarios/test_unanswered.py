"""Update-posts that are killed on their way or not answered, and a person who wants something else by then.

PostPost may have done what the lost call asked for, or not. What the folder asks for in the end stands there, once: the
world (`Histories`) looks after every request that no two posts of a folder stand.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from postpost_sync.model.states import State
from postpost_sync.sandbox import Fault
from tests.support.edits import EDITS, HOUR, Edit, edited, killed_while, no_time, text
from tests.support.histories import Histories
from tests.support.lineages import PLATFORMS
from tests.support.matrices import Matrix, Survived

LOST = Fault("update-post", "lost_reply")


@pytest.mark.whole
@pytest.mark.parametrize("edit", EDITS)
def test_an_edit_that_is_killed_at_any_moment_and_taken_back_leaves_the_earlier_post(
    matrix: Matrix, survived: Survived, in_memory: Path, edit: Edit
) -> None:
    for effect in matrix.numbers():
        with Histories(in_memory / str(effect)) as world:
            time = world.now + 30 * HOUR
            folder = world.fresh(2, PLATFORMS[0], time)
            world.advance_time(60)
            before = replace(folder, media=list(folder.media))
            edited(world, folder, edit)
            killed = killed_while(world, effect)
            folder.text, folder.media, folder.platforms, folder.time = before.text, before.media, before.platforms, time
            world.write(folder)
            world.run_out()
            assert [(group.status, group.scheduled_time) for group in world.ours()] == [("scheduled", time)]
        if not killed:
            break
        survived("kills in an edit that is taken back")
    assert effect > 3


@pytest.mark.whole
def test_a_post_killed_at_any_moment_whose_time_is_taken_away_then_stays_a_draft(
    matrix: Matrix, in_memory: Path
) -> None:
    for effect in matrix.numbers():
        with Histories(in_memory / str(effect)) as world:
            folder = world.fresh(2, PLATFORMS[0], world.now + 30 * HOUR)
            killed = killed_while(world, effect)
            edited(world, folder, no_time)
            world.run_out()
            assert [group.status for group in world.ours()] == ["draft"]
        if not killed:
            break
    assert effect > 10


def test_an_earlier_post_that_may_have_been_put_back_makes_way_before_the_new_one_is_tried_again(
    tmp_path: Path,
) -> None:
    with Histories(tmp_path) as world:
        folder = world.fresh(1, PLATFORMS[0], world.now + 30 * HOUR)
        world.advance_time(60)
        edited(world, folder, text)
        # the burst: the old one a draft, the new one refused, the old one put back, which is not answered
        world.sandbox.faults.add(Fault("update-post", "status", after=1, status=400, body={"error": "no"}))
        world.sandbox.faults.add(replace(LOST, after=2))
        world.sandbox.faults.add(Fault("update-post", "status", after=3, times=None))
        world.advance_time(6)
        assert sorted((group.status, group.content == folder.content) for group in world.ours()) == [
            ("draft", True),
            ("scheduled", False),
        ]
        world.sandbox.faults.clear()
        world.retry(folder)
        world.run_out()
        assert [group.content for group in world.ours("scheduled")] == [folder.content]


def test_an_edit_taken_back_while_the_new_post_may_stand_waits_until_that_one_is_gone(tmp_path: Path) -> None:
    with Histories(tmp_path) as world:
        folder = world.fresh(1, PLATFORMS[0], world.now + 30 * HOUR)
        world.advance_time(60)
        edited(world, folder, text)
        world.sandbox.faults.add(replace(LOST, after=1))  # the new one is scheduled, and nobody knows
        world.sandbox.faults.add(Fault("update-post", "status", after=2, times=None))
        world.advance_time(8)
        assert [(g.status, g.content) for g in world.ours("scheduled")] == [("scheduled", folder.content)]
        world.sandbox.faults.clear()
        world.sandbox.faults.add(Fault("update-post", "status"))  # as the new one is to be deleted
        folder.text -= 1
        world.write(folder)
        world.run_out()
        assert [(g.status, g.content) for g in world.ours()] == [("scheduled", folder.content)]
        assert world.record(folder.name).state is State.SCHEDULED


def test_a_service_that_leaves_a_post_scheduled_is_asked_again_without_hammering(tmp_path: Path) -> None:
    with Histories(tmp_path) as world:
        folder = world.fresh(1, PLATFORMS[0], world.now + 30 * HOUR)
        world.advance_time(60)
        scheduled = {"success": True, "postGroup": {"status": "scheduled"}}
        world.sandbox.faults.add(Fault("update-post", "status", times=None, status=200, body=scheduled))
        calls = len(world.sandbox.calls)
        edited(world, folder, no_time)
        world.advance_time(3600)
        assert len(world.sandbox.calls) - calls < 30
        error = world.record(folder.name).error
        assert error is not None
        assert error.code == "UNSCHEDULE_NOT_TAKEN"
        world.sandbox.faults.clear()
        world.run_out()
        assert [group.status for group in world.ours()] == ["draft"]


def test_a_post_whose_edit_was_not_answered_stands_while_its_root_is_away(tmp_path: Path) -> None:
    with Histories(tmp_path) as world:
        time = world.now + 30 * HOUR
        folder = world.fresh(1, PLATFORMS[0], time)
        world.advance_time(60)
        edited(world, folder, text)
        world.sandbox.faults.add(LOST)  # the earlier one is a draft, and nobody knows
        world.sandbox.faults.add(Fault("update-post", "status", after=1, times=None))
        world.advance_time(8)
        away = world.root.rename(world.root.with_name("unmounted"))
        world.sandbox.faults.clear()
        world.run()
        world.pass_time(600)
        world.wake(world.store.records()[0].key, 0.0)
        world.run()
        assert [(g.content, g.scheduled_time) for g in world.ours("scheduled")] == [("[L0] text 0 & café", time)]
        away.rename(world.root)
        world.run_out()
        assert [(g.content, g.scheduled_time) for g in world.ours()] == [(folder.content, time)]
