"""Whatever keeps posts from going out twice may itself end at any effect."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from postpost_sync import ledger
from postpost_sync.sandbox import Behaviour
from tests.support.lost import BOTH, ONE, TWO, keep, lose_status_files, lose_the_database, put_back, tomorrow
from tests.support.matrices import Matrix, Survived
from tests.support.world import NewWorld, World


def an_older_database(world: World) -> None:
    world.drop("post", "old", ONE, tomorrow(world))
    world.run_until_rest()
    keep(world, world.root.parent / "backup")
    world.drop("post", "text", TWO, tomorrow(world))
    world.run_until_rest()
    put_back(world, world.root.parent / "backup")


def a_lost_database(world: World) -> None:
    world.drop("post", "text", ONE, tomorrow(world))
    world.run_until_rest()
    lose_the_database(world)
    world.drop("post", "text", TWO, tomorrow(world))


def a_copy(world: World) -> None:
    original = world.drop("post", "text", TWO, tomorrow(world))
    world.run_until_rest()
    shutil.copytree(original, world.root / "copy")


def an_adopt(world: World) -> None:
    """Another installation served the folder, is gone, and a person says so."""
    world.drop("post", "text", TWO, tomorrow(world))
    world.run_until_rest()
    world.instance = "another"
    lose_the_database(world)
    world.run_until_rest()
    assert world.code("post") == "OTHER_DAEMON"
    world.store.change(world.record("post").key, ledger.adopted)
    world.restart()


def an_adopt_of_what_may_be_its_own(world: World) -> None:
    world.drop("post", "text", TWO, tomorrow(world))
    world.run_until_rest()
    lose_the_database(world)
    lose_status_files(world)
    world.run_until_rest()
    assert world.code("post") == "MAYBE_POSTED"
    world.store.change(world.record("post").key, ledger.adopted)
    world.restart()


def another_config(world: World) -> None:
    world.drop("post", "text", TWO, f"{tomorrow(world):%Y-%m-%d %H:%M}", ("brand",))
    world.policy = replace(world.policy, accounts={"brand": ("twitter-123",)})
    world.restart()
    world.run_until_rest()
    world.policy = replace(world.policy, accounts={"brand": ("linkedin-ABC",)}, timezone="Asia/Tokyo")
    world.restart()


def a_retry_of_what_failed_in_part(world: World) -> None:
    errors = {"twitter-123": {"code": "PUBLISH_OUTCOME_UNKNOWN"}, "linkedin-ABC": {"code": "RATE_LIMITED"}}
    world.sandbox.behaviour = Behaviour(publish_errors=errors)
    world.drop("post", "text", TWO, world.now + timedelta(minutes=10), BOTH)
    world.run_until_rest()
    world.advance_time(1200)
    world.sandbox.behaviour = Behaviour()
    world.store.change(world.record("post").key, ledger.retried)
    world.restart()


INTERRUPTED = (
    an_older_database,
    a_lost_database,
    a_copy,
    an_adopt,
    an_adopt_of_what_may_be_its_own,
    another_config,
    a_retry_of_what_failed_in_part,
)


@pytest.mark.whole
@pytest.mark.parametrize("what", INTERRUPTED)
def test_whatever_is_killed_on_the_way_nothing_is_posted_twice(
    new_world: NewWorld, what: Callable[[World], None], matrix: Matrix, survived: Survived
) -> None:
    for killed, effect in enumerate(matrix.numbers()):
        world = new_world()
        what(world)
        already = {group.id for group in world.groups() if group.status != "draft"}
        if not world.run_killed(effect, 600):
            survived(f"kills in {what.__name__.replace('_', ' ')}", killed)
            return
        world.restart()
        world.run_until_rest(600)
        new = [g for g in world.groups() if g.status != "draft" and g.id not in already]
        standing = [g for g in world.groups() if g.status == "scheduled"]
        if what is a_retry_of_what_failed_in_part:
            assert [g.platforms for g in new] == [("linkedin-ABC",)], effect
        else:
            assert len(standing) == 1, effect
            assert (standing[0].content, len(standing[0].media)) == ("text", 2), effect
    raise AssertionError
