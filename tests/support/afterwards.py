"""What the histories of posts after scheduling share: people's words, what is shown, and what PostPost holds."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from postpost_sync import ledger
from postpost_sync.model import view
from postpost_sync.sandbox import Behaviour, Plan
from tests.support.world import NewWorld, World, picture

MEDIA = {"cup.jpg": picture(1)}
TWO = ("twitter-123", "linkedin-ABC")
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
BROKEN = {"twitter-123": {"code": "RATE_LIMITED", "message": "slow down", "retryable": True}}


def until(world: World, moment: datetime) -> None:
    """Let everything happen until then."""
    world.advance_time((moment - world.now).total_seconds())


def change(world: World, name: str, function: Any, *told: Any, **more: Any) -> None:
    """A person's word, as a command writes it down."""
    key = world.record(name).key
    world.store.change(key, function, *told, **more)
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


def stand(world: World, *names: str) -> datetime:
    """Posts that stand scheduled in two days; some time passes."""
    time = world.now + 2 * DAY
    for name in names:
        world.drop(name, name, MEDIA, time)
    world.run_until_rest(600)
    world.advance_time(600)
    return time


def limited(new_world: NewWorld, **plan: Any) -> World:
    return new_world(behaviour=Behaviour(plan=Plan("Tiny", **plan)))


def drop_many(world: World, count: int, first: datetime, apart: timedelta) -> dict[str, datetime]:
    times = {f"p{n:03}": first + n * apart for n in range(count)}
    for name, time in times.items():
        world.drop(name, f"post {name}", time=time)
    return times


def scheduled(world: World) -> list[str]:
    return sorted(group.content for group in world.groups("scheduled"))


def time_of(world: World, name: str) -> datetime:
    time = world.record(name).time
    assert time is not None
    return time
