"""An account that gets more posts a day than its platform takes: they are scheduled, and that is said."""

from __future__ import annotations

from datetime import timedelta

from postpost_sync.model.post import Policy
from postpost_sync.model.states import State
from tests.support.media_files import lasting
from tests.support.world import NewWorld, World

PICTURE_LIMITS = {"instagram": {"daily_posts": 2, "media_min": 0}, "bluesky": {"daily_videos": 1}}
POLICY = Policy(settle=2.0, limits=PICTURE_LIMITS)
INSTAGRAM, BLUESKY = "instagram-456", "bluesky-harbour_coffee"


def warned(world: World, name: str) -> list[str]:
    return [one.message for one in world.record(name).warnings if one.code == "DAILY_LIMIT"]


def drop(
    world: World, name: str, hours: float, platform: str = INSTAGRAM, media: dict[str, bytes] | None = None
) -> None:
    world.drop(name, name, media, world.now + timedelta(hours=hours), (platform,))
    world.run_until_rest(600)


def test_the_post_that_is_one_too_many_within_a_day_says_so(new_world: NewWorld) -> None:
    world = new_world(policy=POLICY)
    for name, hours in (("first", 30), ("second", 40), ("other account", 41), ("third", 42), ("next day", 67)):
        drop(world, name, hours, "instagram-789" if name == "other account" else INSTAGRAM)
    assert {world.state(one) for one in ("first", "second", "third", "next day")} == {State.SCHEDULED}
    assert [bool(warned(world, one)) for one in ("first", "second", "other account", "next day")] == [False] * 4
    (message,) = warned(world, "third")
    assert message.startswith("with this one instagram-456 gets 3 posts in the 24 hours up to ")
    assert message.endswith("; instagram may take no more than 2 a day")


def test_what_does_not_go_out_does_not_count(new_world: NewWorld) -> None:
    world = new_world(policy=POLICY)
    drop(world, "first", 30)
    drop(world, "second", 31)
    world.sandbox.dashboard_delete(world.groups()[0].id)
    world.advance_time(600)
    world.sync.reconciliation.run()
    world.run_until_rest(600)
    assert world.state("first") is State.CANCELLED
    drop(world, "third", 32)
    assert warned(world, "third") == []


def test_of_some_platforms_videos_alone_are_counted(new_world: NewWorld) -> None:
    world = new_world(policy=POLICY)
    video = {"a.mp4": lasting(5)}
    drop(world, "a video", 30, BLUESKY, video)
    drop(world, "a text", 31, BLUESKY)
    assert warned(world, "a text") == []
    drop(world, "another video", 32, BLUESKY, video)
    (message,) = warned(world, "another video")
    assert "gets 2 videos in the 24 hours" in message


def test_it_is_over_once_the_post_is_out(new_world: NewWorld) -> None:
    world = new_world(policy=POLICY)
    for number in range(3):
        drop(world, f"post{number}", 2 + number / 10)
    assert warned(world, "post2")
    world.advance_time(4 * 3600)
    assert (world.state("post2"), warned(world, "post2")) == (State.PUBLISHED, [])
