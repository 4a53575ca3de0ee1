"""Whatever goes wrong between us and PostPost, and whenever: one post, with its own media, at its own time.

Each test is a history in a world without real time: see `harness`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from postpost_sync.sandbox import Behaviour, Fault, Sandbox, SandboxTransport
from postpost_sync.states import State
from tests.harness import KEY, World, picture

CONTENT = "Our new roast -- swipe to see all!"
PLATFORMS = ("twitter-123", "linkedin-ABC")
MEDIA = {"slide1.jpg": picture(1), "slide2.jpg": picture(2)}
BOUND_SECONDS = 300.0  # the longest time-out (120 s), a Retry-After of 60 s, and the pauses around them
BOUND_CALLS = 40

JSON, HTML = {"error": "Internal server error"}, "<html><body>502 Bad Gateway</body></html>"
FAULTS: dict[str, Fault] = {
    "reply lost after the effect": Fault("*", "lost_reply"),
    "reset before the body": Fault("*", "reset_before"),
    "reset during the body": Fault("*", "reset_during"),
    **{
        f"{status} with {shape} body": Fault("*", "status", status=status, body=body)
        for status in (500, 502, 503, 504)
        for shape, body in (("a JSON", JSON), ("an HTML", HTML), ("an empty", None))
    },
    **{
        f"{status} after the effect": Fault("*", "status_after", status=status, body=HTML)
        for status in (500, 502, 503, 504)
    },
    "408": Fault("*", "status", status=408, body={"error": "Request Timeout"}),
    "429 with Retry-After": Fault("*", "status", status=429, body={"error": "slow"}, headers={"Retry-After": "7"}),
    "429 without Retry-After": Fault("*", "status", status=429, body={"error": "slow"}),
    "200 with garbage": Fault("*", "garbage"),
    "200 without a body": Fault("*", "empty"),
    "200 with success: false": Fault("*", "unsuccessful"),
    "a redirect": Fault("*", "redirect"),
    "a hang": Fault("*", "hang", seconds=600),
    "a late reply": Fault("*", "late", seconds=5),
    "a reply that is too late": Fault("*", "late", seconds=600),
}
REFUSED = "connection refused"
CALLS = ("create-post", "get-upload-url", "put-object", "list-posts", "update-post", "get-post", "delete-post")


@pytest.fixture
def new_world(tmp_path: Path) -> Any:
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


NewWorld = Callable[..., World]


def order(world: World, call: str, fault: str, times: int | None = 1) -> None:
    if fault == REFUSED:
        world.unreachable[call] = times or 10**9
    else:
        world.sandbox.faults.add(replace(FAULTS[fault], call=call, times=times))


def tomorrow(world: World) -> datetime:
    return world.now.replace(hour=14, minute=30) + timedelta(days=1)


def history(world: World, call: str, before: Callable[[], None]) -> float:
    """The history in which that call is made, with `before` done before it is due; the seconds it took to come to rest."""
    time = tomorrow(world)
    if call == "delete-post":
        world.drop("launch", "The first version", {"old.jpg": picture(9)}, time, PLATFORMS)
        world.run_until_rest()
        world.pass_time(60)
    if call != "get-post":
        before()
    world.drop("launch", CONTENT, MEDIA, time, PLATFORMS)
    took = world.run_until_rest()
    world.once("launch", CONTENT, MEDIA, time)
    if call != "get-post":
        return took
    before()
    world.advance_time((time - world.now).total_seconds())
    return world.run_until_rest()


@pytest.mark.parametrize("fault", [REFUSED, *FAULTS])
@pytest.mark.parametrize("call", CALLS)
def test_one_fault_of_one_call_leaves_one_post(new_world: NewWorld, call: str, fault: str) -> None:
    world = new_world()
    calls = 0

    def before() -> None:
        nonlocal calls
        calls = len(world.sandbox.calls)
        order(world, call, fault)

    took = history(world, call, before)
    assert not world.sandbox.faults.pending()
    assert not world.unreachable.get(call)
    assert took <= BOUND_SECONDS
    assert len(world.sandbox.calls) - calls <= BOUND_CALLS
    if call == "get-post":
        (group,) = world.groups()
        assert (group.status, world.state("launch")) == ("published", State.PUBLISHED)


@pytest.mark.parametrize("fault", [REFUSED, *FAULTS])
@pytest.mark.parametrize("call", CALLS)
def test_a_fault_that_lasts_an_hour_is_waited_out_without_hammering(
    new_world: NewWorld, call: str, fault: str
) -> None:
    world = new_world()
    if call in ("delete-post", "get-post"):
        return  # tests/test_faults.py::test_a_lasting_fault_of_a_call_after_scheduling
    time = tomorrow(world)
    order(world, call, fault, times=None)
    world.drop("launch", CONTENT, MEDIA, time, PLATFORMS)
    world.run_until_rest(3600)
    hour = len(world.sandbox.calls)
    assert hour <= 150
    world.sandbox.faults.clear()
    world.unreachable.clear()
    world.advance_time(3600)
    if world.state("launch") is State.SCHEDULED:
        assert [g.status for g in world.groups() if g.status != "draft"] == ["scheduled"]
