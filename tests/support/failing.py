"""A history in which each of the service's calls is made: what comes before the call, and what with it."""

from __future__ import annotations

from datetime import datetime, timedelta

from tests.support.world import World, picture

CONTENT = "Our new roast -- swipe to see all!"
PLATFORMS = ("twitter-123", "linkedin-ABC")
MEDIA = {"slide1.jpg": picture(1), "slide2.jpg": picture(2)}
ALWAYS = 10**9
CALLS = ("create-post", "get-upload-url", "put-object", "list-posts", "update-post", "get-post", "delete-post")


def tomorrow(world: World) -> datetime:
    return world.now.replace(hour=14, minute=30) + timedelta(days=1)


def begin(world: World, call: str) -> datetime:
    """Everything that comes before the history in which that call is made; the time of the post."""
    time = tomorrow(world)
    if call == "delete-post":
        world.drop("launch", "The first version", {"old.jpg": picture(9)}, time, PLATFORMS)
        world.run_until_rest()
        world.pass_time(60)
    if call == "get-post":
        world.drop("launch", CONTENT, MEDIA, time, PLATFORMS)
        world.run_until_rest()
        world.once("launch", CONTENT, MEDIA, time)
        world.pass_time((time - world.now).total_seconds())
    return time


def go_on(world: World, call: str, time: datetime, within: float = 3600.0) -> float:
    """That history; the seconds it took to come to rest."""
    if call != "get-post":
        world.drop("launch", CONTENT, MEDIA, time, PLATFORMS)
    return world.run_until_rest(within)
