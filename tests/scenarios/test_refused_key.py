"""A key that PostPost refuses: nothing is written, it is tried now and then, and all goes on once it is taken."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from postpost_sync.sandbox import Fault
from tests.support.failing import ALWAYS, CALLS, CONTENT, MEDIA, PLATFORMS, begin, go_on
from tests.support.world import NewWorld

REFUSALS = {
    "401": Fault("*", "status", times=None, status=401, body={"error": "Invalid API key"}),
    "a plain 403": Fault("*", "status", times=None, status=403, body={"error": "API access is not enabled"}),
}


@pytest.mark.parametrize("refusal", REFUSALS)
@pytest.mark.parametrize("call", [call for call in CALLS if call != "put-object"])
def test_a_refused_key_stops_the_writing_and_is_probed_only_now_and_then(
    new_world: NewWorld, call: str, refusal: str
) -> None:
    world = new_world()
    time = begin(world, call)
    for name in CALLS:
        if name != "put-object":
            world.sandbox.faults.add(replace(REFUSALS[refusal], call=name, after=0 if name == call else ALWAYS))
    before = len(world.sandbox.calls)
    go_on(world, call, time, within=0)
    world.run_until_rest(10)
    refused = len(world.sandbox.calls)
    world.sandbox.faults.clear()
    for name in CALLS:
        if name != "put-object":
            world.sandbox.faults.add(replace(REFUSALS[refusal], call=name))
    world.drop("second", "Another post", {}, time, PLATFORMS)
    world.run_until_rest(3600)
    assert len(world.sandbox.calls) - refused <= 5, "it hammers"
    assert before < refused
    assert world.code("second") == "KEY_REFUSED"
    if call not in ("get-post", "delete-post"):
        assert world.code("launch") == "KEY_REFUSED"
    world.sandbox.faults.clear()
    world.run_until_rest(1000)
    assert world.code("launch") is world.code("second") is None
    scheduled = sorted(group.content for group in world.groups())
    assert scheduled == sorted([CONTENT, "Another post"])
    assert not world.groups("draft")


def test_a_refused_key_is_not_taken_for_accepted_by_a_step_that_asks_nobody(new_world: NewWorld) -> None:
    world = new_world()
    world.sandbox.faults.add(replace(REFUSALS["401"], call="*"))
    world.drop("launch", CONTENT, MEDIA, world.now + timedelta(days=2), PLATFORMS)
    world.run_until_rest(60)
    world.account.api.clock.known = False  # as after a sleep
    for _ in range(8):
        asked = len(world.sandbox.calls)
        world.advance_time(900)
        assert len(world.sandbox.calls) > asked
        assert world.account.refused is not None
        assert world.code("launch") == "KEY_REFUSED"


def test_a_no_to_one_call_is_a_yes_to_the_key(new_world: NewWorld) -> None:
    world = new_world()
    world.sandbox.faults.add(replace(REFUSALS["401"], call="*", times=1))
    world.sandbox.faults.add(Fault("create-post", "status", status=400, body={"error": "Content is required"}))
    world.drop("launch", CONTENT, MEDIA, world.now + timedelta(days=2), PLATFORMS)
    world.run_until_rest(3600)
    assert world.account.accepted
