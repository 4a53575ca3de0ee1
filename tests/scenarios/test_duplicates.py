"""Two posts that may be one too many: alike from two folders, or on one account in the same minute."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from postpost_sync.model.post import Policy
from postpost_sync.model.states import State
from tests.support.afterwards import DAY, HOUR, MEDIA, TWO, retry, warnings
from tests.support.world import START, NewWorld, World, picture


def two_alike(world: World, apart: timedelta = DAY, **second: Any) -> None:
    time = world.now + 2 * DAY
    world.drop("a", "Fresh roast", MEDIA, time)
    world.run_until_rest(600)
    more = {"content": "Fresh roast", "media": MEDIA, "time": time + apart, **second}
    world.drop("b", **more)
    world.run_until_rest(600)


def test_the_same_post_from_another_folder_is_warned_about(new_world: NewWorld) -> None:
    world = new_world()
    two_alike(world)
    assert [world.state(name) for name in "ab"] == [State.SCHEDULED] * 2
    assert [warnings(world, name) for name in "ab"] == [[], ["DUPLICATE_POST"]]
    world.advance_time(600)
    assert warnings(world, "b") == ["DUPLICATE_POST"]


def test_the_same_post_from_another_folder_is_held_where_the_config_says_so(new_world: NewWorld) -> None:
    world = new_world(policy=Policy(settle=2.0, duplicates="hold"))
    two_alike(world)
    assert (world.state("a"), world.state("b"), world.code("b")) == (State.SCHEDULED, State.HELD, "DUPLICATE_POST")
    assert len(world.groups()) == 1
    retry(world, "b")
    assert (world.state("b"), len(world.groups("scheduled"))) == (State.SCHEDULED, 2)


@pytest.mark.parametrize(
    ("apart", "second"),
    [
        (4 * DAY, {}),
        (DAY, {"platforms": ("linkedin-ABC",)}),
        (DAY, {"content": "Another text"}),
        (DAY, {"media": {"cup.jpg": picture(2)}}),
        (DAY, {"media": {}}),
    ],
    ids=["later", "elsewhere", "another text", "another picture", "no picture"],
)
def test_what_is_not_the_same_post_is_no_duplicate(
    new_world: NewWorld, apart: timedelta, second: dict[str, Any]
) -> None:
    world = new_world(policy=Policy(settle=2.0, duplicates="hold"))
    two_alike(world, apart, **second)
    assert (world.state("b"), warnings(world, "b")) == (State.SCHEDULED, [])


def test_two_alike_that_arrive_together_are_one_and_its_duplicate(new_world: NewWorld) -> None:
    world = new_world(policy=Policy(settle=2.0, duplicates="hold"))
    for name in "ab":
        world.drop(name, "Fresh roast", MEDIA, world.now + 2 * DAY)
    world.run_until_rest(600)
    assert sorted(world.state(name) for name in "ab") == [State.HELD, State.SCHEDULED]
    assert len(world.groups("scheduled")) == 1


def test_duplicates_are_nothing_to_say_where_they_are_allowed(new_world: NewWorld) -> None:
    world = new_world(policy=Policy(settle=2.0, duplicates="allow"))
    two_alike(world)
    assert [warnings(world, name) for name in "ab"] == [[], []]


def test_two_posts_for_one_account_in_the_same_minute_are_a_warning_that_names_both(new_world: NewWorld) -> None:
    world, time = new_world(), START + 2 * DAY
    for name, moment, platforms in (
        ("a", time, TWO),
        ("b", time + timedelta(seconds=59), ("linkedin-ABC",)),
        ("c", time + timedelta(seconds=60), TWO),
        ("d", time, ("facebook-1001",)),
    ):
        world.drop(name, f"post {name}", time=moment, platforms=platforms)
        world.run_until_rest(600)
    assert [warnings(world, name) for name in "abcd"] == [[], ["SAME_MINUTE"], [], []]
    (warning,) = world.record("b").warnings
    assert '"b" and "a" both go to linkedin-ABC' in warning.message
    world.advance_time(600)
    assert warnings(world, "b") == ["SAME_MINUTE"]


def test_a_post_that_is_moved_into_or_out_of_an_others_minute(new_world: NewWorld) -> None:
    world, time = new_world(), START + 2 * DAY
    for name, moment in (("a", time), ("b", time + HOUR)):
        world.drop(name, f"post {name}", time=moment)
        world.run_until_rest(600)
    for moment, expected in ((time, ["SAME_MINUTE"]), (time + HOUR, [])):
        world.drop("b", "post b", time=moment)
        world.run_until_rest(600)
        assert (world.state("b"), warnings(world, "b")) == (State.SCHEDULED, expected)
