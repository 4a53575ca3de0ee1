"""A create whose answer was lost: its draft is found, and never another's taken."""

from __future__ import annotations

from datetime import timedelta

import httpx
import pytest

from postpost_sync import ledger
from postpost_sync.sandbox import Behaviour, Fault, SandboxTransport
from tests.support.failing import CONTENT, MEDIA, PLATFORMS, tomorrow
from tests.support.world import KEY, NewWorld, World


class Others:
    """Other people who post through the same account."""

    def __init__(self, world: World) -> None:
        self._http = httpx.Client(transport=SandboxTransport(world.sandbox), base_url=world.sandbox.base_url)

    def draft(self, content: str, platforms: tuple[str, ...] = PLATFORMS) -> str:
        body = {"content": content, "platforms": list(platforms)}
        answer = self._http.post("/api/v1/create-post", json=body, headers={"x-api-key": KEY})
        assert answer.status_code == 200, answer.text
        return str(answer.json()["postGroupId"])


def test_a_lost_draft_is_found_among_many_of_other_people(new_world: NewWorld) -> None:
    world = new_world()
    others, time = Others(world), tomorrow(world)
    theirs = [others.draft(CONTENT)]
    world.pass_time(3600)
    theirs += [others.draft(CONTENT, ("twitter-123",)), others.draft(f"{CONTENT}!")]
    world.drop("launch", CONTENT, MEDIA, time, PLATFORMS)
    world.run_until_rest(3)
    assert (world.state("launch"), world.code("launch")) == ("held", "MAYBE_POSTED")
    key = world.record("launch").key
    world.store.change(key, ledger.retried)  # a person says that those are others
    world.wake(key, 0.0)
    world.sandbox.faults.add(Fault("create-post", "lost_reply"), Fault("list-posts", "status"))
    world.run_until_rest(3)  # the answer is lost, and the list cannot be had yet
    assert world.code("launch") in ("SERVICE_TROUBLE", "CREATE_UNKNOWN")
    for number in range(150):
        world.pass_time(0.1)
        theirs.append(others.draft(f"Something else, number {number}"))
    world.run_until_rest()
    world.once("launch", CONTENT, MEDIA, time, frozenset(theirs))
    assert world.sandbox.count("create-post") == len(theirs) + 1
    assert world.sandbox.deleted() == ()


def test_where_a_lost_draft_cannot_be_told_from_another_none_is_touched(new_world: NewWorld) -> None:
    world = new_world()
    others, time = Others(world), tomorrow(world)
    world.sandbox.faults.add(Fault("create-post", "lost_reply"), Fault("list-posts", "status", after=1))
    world.drop("launch", CONTENT, MEDIA, time, PLATFORMS)
    world.run_until_rest(3)
    (ours,) = (group.id for group in world.groups())
    theirs = others.draft(CONTENT)
    world.run_until_rest()
    world.once("launch", CONTENT, MEDIA, time, frozenset({ours, theirs}))
    assert "DRAFTS_DOUBTFUL" in [warning.code for warning in world.record("launch").warnings]
    assert world.sandbox.deleted() == ()


@pytest.mark.parametrize("lag", [0.5, 1.5, 3.0, 7.0, 15.0])
def test_a_lost_draft_is_found_in_a_list_that_lags_behind(new_world: NewWorld, lag: float) -> None:
    world = new_world(behaviour=Behaviour(listing_lag=lag))
    time = tomorrow(world)
    world.sandbox.faults.add(Fault("create-post", "lost_reply"))
    world.drop("launch", CONTENT, MEDIA, time, PLATFORMS)
    world.run_until_rest()
    world.once("launch", CONTENT, MEDIA, time)
    assert world.sandbox.count("create-post") == 1


@pytest.mark.parametrize("restarted", [False, True], ids=["", "and a restart"])
@pytest.mark.parametrize("met_before", [False, True], ids=["at once", "after an earlier post"])
@pytest.mark.parametrize("offset", [-600.0, -121.0, 121.0, 600.0, 86400.0])
def test_a_lost_draft_is_found_whatever_the_clock_of_this_machine_says(
    new_world: NewWorld, offset: float, met_before: bool, restarted: bool
) -> None:
    world = new_world(local_offset=offset)
    time = tomorrow(world) + timedelta(days=2)
    if met_before:
        world.drop("earlier", "An earlier post", {}, time, PLATFORMS)
        world.run_until_rest()
    earlier = frozenset(group.id for group in world.groups())
    world.sandbox.faults.add(Fault("create-post", "lost_reply"), Fault("list-posts", "reset_before"))
    world.drop("launch", CONTENT, MEDIA, time, PLATFORMS)
    world.run_until_rest(0 if restarted else 3600)
    if restarted:
        world.run_until_rest(2)
        world.restart()
        world.run_until_rest()
    world.once("launch", CONTENT, MEDIA, time, earlier)
    assert world.sandbox.count("create-post") == 1 + met_before


def test_two_folders_alike_whose_creates_are_both_lost_get_a_draft_each(new_world: NewWorld) -> None:
    world = new_world()
    time = tomorrow(world)
    world.sandbox.faults.add(Fault("create-post", "lost_reply", times=2), Fault("list-posts", "status"))
    for name in ("one", "two"):
        world.drop(name, CONTENT, MEDIA, time, PLATFORMS)
    world.run_until_rest()
    held = world.groups()
    assert [group.status for group in held] == ["scheduled", "scheduled"]
    assert all(len(group.media) == len(MEDIA) and all(m.stored for m in group.media) for group in held)
    assert world.sandbox.count("create-post") == 2


@pytest.mark.parametrize("lost", [0, 1])
def test_of_two_folders_alike_one_lost_create_never_takes_the_other_ones_draft(new_world: NewWorld, lost: int) -> None:
    world = new_world()
    time = tomorrow(world)
    world.sandbox.faults.add(Fault("create-post", "lost_reply", after=lost), Fault("list-posts", "status"))
    for name in ("one", "two"):
        world.drop(name, CONTENT, MEDIA, time, PLATFORMS)
    world.run_until_rest()
    assert [group.status for group in world.groups()] == ["scheduled", "scheduled"]
    assert world.sandbox.count("create-post") == 2
