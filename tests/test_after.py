"""After scheduling: what became of a post, the plan's limits, changes in the dashboard, cancelling. Histories in virtual time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from postpost_sync import ledger, view
from postpost_sync.models import Policy
from postpost_sync.sandbox import STARTER, Behaviour, Fault, Plan
from postpost_sync.states import State
from tests.harness import Killed, World, picture

MEDIA = {"cup.jpg": picture(1)}
TWO = ("twitter-123", "linkedin-ABC")
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
BROKEN = {"twitter-123": {"code": "RATE_LIMITED", "message": "slow down", "retryable": True}}
NewWorld = Callable[..., World]


@pytest.fixture
def new_world(tmp_path: Path) -> Iterator[NewWorld]:
    """Makes worlds, and closes them in the end."""
    made: list[World] = []

    def make(**more: Any) -> World:
        place = tmp_path / str(len(made))
        place.mkdir()
        made.append(World(place, **more))
        return made[-1]

    yield make
    for world in made:
        world.close()


def until(world: World, moment: datetime) -> None:
    """Let everything happen until then."""
    world.advance_time((moment - world.now).total_seconds())


def change(world: World, name: str, function: Any) -> None:
    """A person's word, as a command writes it down."""
    key = world.record(name).key
    world.store.change(key, function)
    world.wake(key, 0.0)


def retry(world: World, name: str) -> None:
    change(world, name, ledger.retried)
    world.run_until_rest(600)


def shown(world: World, name: str) -> dict[str, Any]:
    return view.facts(world.record(name))


def results(world: World, name: str) -> dict[str, str]:
    return {result["platform_id"]: result["status"] for result in shown(world, name)["results"]}


def warnings(world: World, name: str) -> list[str]:
    return [warning.code for warning in world.record(name).warnings]


def publish(world: World, errors: dict[str, dict[str, object]], platforms: tuple[str, ...] = TWO) -> None:
    """A post goes out in an hour, and these platforms fail."""
    world.sandbox.behaviour = replace(world.sandbox.behaviour, publish_errors=errors)
    world.drop("launch", "Fresh roast", MEDIA, world.now + HOUR, platforms)
    until(world, world.now + 2 * HOUR)


def posted(world: World) -> list[str]:
    """Each platform post that went out, sorted: the same one twice would be a second post on one account."""
    return sorted(
        f"{post.platform_id} {group.content}"
        for group in world.groups()
        for post in group.posts
        if post.status == "published"
    )


# --- outcomes ---------------------------------------------------------------------------------------------------------


def test_retry_of_a_partly_published_post_goes_to_the_platforms_that_failed_alone(new_world: NewWorld) -> None:
    world = new_world()
    publish(world, BROKEN)
    (first,) = world.groups()
    assert (world.state("launch"), world.code("launch")) == (State.PARTIALLY_PUBLISHED, "RATE_LIMITED")
    world.sandbox.behaviour = Behaviour()
    retry(world, "launch")
    _, second = world.groups()
    assert (second.status, second.content, [p.platform_id for p in second.posts]) == (
        "published",
        "Fresh roast",
        ["twitter-123"],
    )
    assert [m.sha256 for m in second.media] == [m.sha256 for m in first.media]
    said = shown(world, "launch")
    assert (said["state"], said["error"], said["previous_post_group_ids"]) == ("published", None, [first.id])
    assert (said["post_group_id"], said["platforms"]) == (second.id, list(TWO))
    assert results(world, "launch") == {"linkedin-ABC": "published", "twitter-123": "published"}


def test_retry_of_a_failed_post_makes_it_anew_everywhere(new_world: NewWorld) -> None:
    world = new_world()
    publish(world, {name: BROKEN["twitter-123"] for name in TWO})
    assert world.state("launch") is State.FAILED
    world.sandbox.behaviour = Behaviour()
    retry(world, "launch")
    assert (world.state("launch"), len(world.groups())) == (State.PUBLISHED, 2)
    assert posted(world) == ["linkedin-ABC Fresh roast", "twitter-123 Fresh roast"]


def test_what_fails_again_stays_partly_published_and_can_be_tried_again(new_world: NewWorld) -> None:
    world = new_world()
    publish(world, BROKEN)
    for _ in range(2):
        retry(world, "launch")
        assert world.state("launch") is State.PARTIALLY_PUBLISHED
        assert results(world, "launch") == {"linkedin-ABC": "published", "twitter-123": "failed"}
    world.sandbox.behaviour = Behaviour()
    retry(world, "launch")
    assert world.state("launch") is State.PUBLISHED
    assert posted(world) == ["linkedin-ABC Fresh roast", "twitter-123 Fresh roast"]
    assert len(world.record("launch").previous) == 3


def test_nothing_is_tried_again_without_a_persons_word(new_world: NewWorld) -> None:
    world = new_world()
    publish(world, BROKEN)
    (world.root / "launch" / "cup.jpg").touch()
    world.restart()
    until(world, world.now + 3 * DAY)
    assert (world.state("launch"), len(world.groups())) == (State.PARTIALLY_PUBLISHED, 1)


def test_retry_of_a_published_post_changes_nothing(new_world: NewWorld) -> None:
    world = new_world()
    publish(world, {})
    retry(world, "launch")
    assert (world.state("launch"), len(world.groups())) == (State.PUBLISHED, 1)


def test_an_edit_that_was_tried_again_goes_to_the_platforms_that_failed_alone(new_world: NewWorld) -> None:
    world = new_world()
    publish(world, BROKEN)
    time = world.record("launch").time
    world.sandbox.behaviour = Behaviour()
    world.drop("launch", "A shorter text", MEDIA, time, TWO)
    world.run_until_rest()
    assert (world.state("launch"), world.code("launch")) == (State.INVALID, "EDIT_TOO_LATE")
    retry(world, "launch")
    assert world.state("launch") is State.PUBLISHED
    assert posted(world) == ["linkedin-ABC Fresh roast", "twitter-123 A shorter text"]


def test_an_edit_of_a_post_that_failed_everywhere_is_a_new_post(new_world: NewWorld) -> None:
    world = new_world()
    publish(world, {name: BROKEN["twitter-123"] for name in TWO})
    world.sandbox.behaviour = Behaviour()
    time = world.now + DAY
    world.drop("launch", "Another text", MEDIA, time, TWO)
    world.run_until_rest()
    _, group = world.groups()
    assert (world.state("launch"), group.content, group.scheduled_time) == (State.SCHEDULED, "Another text", time)


def test_a_part_that_waits_for_its_new_time_can_be_edited(new_world: NewWorld) -> None:
    world = new_world()
    publish(world, BROKEN)
    world.sandbox.behaviour = Behaviour()
    time = world.now + DAY
    world.drop("launch", "Fresh roast", MEDIA, time, TWO)
    world.run_until_rest()
    retry(world, "launch")
    assert world.state("launch") is State.SCHEDULED
    world.drop("launch", "A better text", MEDIA, time, TWO)
    world.run_until_rest()
    assert [(g.status, g.content, len(g.posts)) for g in world.groups()] == [
        ("partially_published", "Fresh roast", 2),
        ("scheduled", "A better text", 1),
    ]
    until(world, time + HOUR)
    assert posted(world) == ["linkedin-ABC Fresh roast", "twitter-123 A better text"]


def test_retry_with_the_failed_platform_taken_out_is_published(new_world: NewWorld) -> None:
    world = new_world()
    publish(world, BROKEN)
    world.drop("launch", "Fresh roast", MEDIA, world.record("launch").time, ("linkedin-ABC",))
    world.run_until_rest()
    retry(world, "launch")
    assert (world.state("launch"), len(world.groups())) == (State.PUBLISHED, 1)


def test_a_retry_that_is_killed_at_any_point_posts_nothing_twice(new_world: NewWorld) -> None:
    for effect in range(1, 60):
        world = new_world()
        publish(world, BROKEN)
        world.sandbox.behaviour = Behaviour()
        world.store.change(world.record("launch").key, ledger.retried)
        world.restart()
        world.kill_at(effect)
        try:
            world.run_until_rest(600)
        except Killed:
            world.restart()
            world.run_until_rest(600)
        else:
            assert effect > 10
            return
        assert world.state("launch") is State.PUBLISHED, effect
        assert posted(world) == ["linkedin-ABC Fresh roast", "twitter-123 Fresh roast"], effect
    raise AssertionError("it was killed every time")
