"""What became of a post, and trying again where it failed. In virtual time."""

from __future__ import annotations

from datetime import timedelta

import pytest

from postpost_sync import ledger
from postpost_sync.model.states import State
from postpost_sync.sandbox import Behaviour
from tests.support.afterwards import (
    BROKEN,
    DAY,
    HOUR,
    MEDIA,
    TWO,
    change,
    posted,
    publish,
    results,
    retry,
    shown,
    stand,
    until,
    warnings,
)
from tests.support.world import NewWorld


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


@pytest.mark.parametrize(
    ("error", "hint"),
    [
        ({"code": "RATE_LIMITED", "retryable": True}, "worth another try: postpost-sync retry FOLDER"),
        ({"code": "PLATFORM_AUTH_EXPIRED"}, "see to it at the platform, then: postpost-sync retry FOLDER"),
        (
            {"code": "PUBLISH_OUTCOME_UNKNOWN"},
            "look at it at the platform, where it is out in part or as a whole; "
            "to send it once more: postpost-sync retry FOLDER --again",
        ),
    ],
)
def test_a_partly_published_post_says_the_way_out(new_world: NewWorld, error: dict[str, object], hint: str) -> None:
    world = new_world()
    publish(world, {"twitter-123": {"message": "it did not work", "retryable": False, **error}})
    assert world.state("launch") is State.PARTIALLY_PUBLISHED
    assert shown(world, "launch")["error"]["hint"] == hint
    first, second, *_ = (world.root / "launch" / "post.status.yaml").read_text().splitlines()
    assert first.startswith("# Published ")
    assert "on some platforms only: twitter-123: it did not work" in first
    assert second == f"# hint: {hint}"


def test_what_was_said_of_the_scheduling_is_not_said_any_more_once_it_is_out(new_world: NewWorld) -> None:
    world = new_world()
    for name in "ab":
        world.drop(name, "Fresh roast " * 30, time=world.now + timedelta(seconds=100), platforms=TWO)
        world.run_until_rest(60)
    assert warnings(world, "b") == ["CONTENT_TOO_LONG", "SAME_MINUTE", "TIME_SOON", "DUPLICATE_POST"]
    until(world, world.now + HOUR)
    assert (world.state("b"), warnings(world, "b")) == (State.PUBLISHED, ["CONTENT_TOO_LONG"])


def test_retry_of_a_failed_post_makes_it_anew_everywhere(new_world: NewWorld) -> None:
    world = new_world()
    publish(world, dict.fromkeys(TWO, BROKEN["twitter-123"]))
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
    assert world.state("launch") is State.PARTIALLY_PUBLISHED
    assert [one.code for one in world.record("launch").warnings] == ["CHANGED_SINCE"]
    retry(world, "launch")
    assert world.state("launch") is State.PUBLISHED
    assert posted(world) == ["linkedin-ABC Fresh roast", "twitter-123 A shorter text"]


def test_an_edit_of_a_post_that_failed_everywhere_is_a_new_post(new_world: NewWorld) -> None:
    world = new_world()
    publish(world, dict.fromkeys(TWO, BROKEN["twitter-123"]))
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
        if not world.run_killed(effect, 600):
            assert effect > 10
            return
        world.restart()
        world.run_until_rest(600)
        assert world.state("launch") is State.PUBLISHED, effect
        assert posted(world) == ["linkedin-ABC Fresh roast", "twitter-123 Fresh roast"], effect
    raise AssertionError("it was killed every time")


def test_an_account_of_which_nothing_is_said_is_not_taken_for_served(new_world: NewWorld) -> None:
    """It was disconnected meanwhile, perhaps, and the service speaks of the others alone."""
    world = new_world(behaviour=Behaviour(publish_entries={"linkedin-ABC": ()}))
    publish(world, {})
    until(world, world.now + HOUR)
    assert world.state("launch") is State.PARTIALLY_PUBLISHED
    error = world.record("launch").error
    assert error is not None
    assert error.code == "PUBLISH_OUTCOME_UNKNOWN"
    assert error.message.startswith("linkedin-ABC: ")
    assert "--again" in error.hint
    retry(world, "launch")  # a word that does not say so sends nothing where it may be out
    assert (world.state("launch"), len(world.groups())) == (State.PARTIALLY_PUBLISHED, 1)


def test_what_became_of_a_post_is_asked_for_although_a_time_was_answered_that_is_none(new_world: NewWorld) -> None:
    world = new_world()
    stand(world, "launch")
    (group,) = world.record("launch").groups
    change(world, "launch", ledger.with_group, group.key, answered_time=world.now - 3000 * DAY)
    until(world, world.now + HOUR)
    assert (world.state("launch"), warnings(world, "launch")) == (State.SCHEDULED, [])
    until(world, world.now + 2 * DAY)
    assert world.state("launch") is State.PUBLISHED
