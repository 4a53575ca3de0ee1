"""Whatever goes wrong between us and PostPost, and whenever: one post, with its own media, at its own time.

Each test is a history in a world without real time: see `harness`.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from postpost_sync.model.states import State
from postpost_sync.model.times import to_service
from postpost_sync.sandbox import Behaviour, Fault
from tests.support.failing import CALLS, CONTENT, MEDIA, PLATFORMS, begin, go_on, tomorrow
from tests.support.matrices import Survived
from tests.support.world import NewWorld, World, picture

BOUND_SECONDS = 300.0  # the longest time-out (120 s), a Retry-After of 60 s, and the pauses around them
BOUND_CALLS = 40
BOUND_CALLS_AN_HOUR = 120
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


def order(world: World, call: str, fault: str, times: int | None = 1) -> None:
    if fault == REFUSED:
        world.unreachable[call] = times or 10**9
    else:
        world.sandbox.faults.add(replace(FAULTS[fault], call=call, times=times))


def check_end(world: World, call: str, time: datetime) -> None:
    if call == "get-post":
        (group,) = world.groups()
        assert (group.status, world.state("launch")) == ("published", State.PUBLISHED)
    else:
        world.once("launch", CONTENT, MEDIA, time)


@pytest.mark.whole
@pytest.mark.parametrize("fault", [REFUSED, *FAULTS])
@pytest.mark.parametrize("call", CALLS)
def test_one_fault_of_one_call_leaves_one_post(new_world: NewWorld, survived: Survived, call: str, fault: str) -> None:
    world = new_world()
    time, calls = begin(world, call), len(world.sandbox.calls)
    order(world, call, fault)
    took = go_on(world, call, time)
    assert not world.sandbox.faults.pending()
    assert not world.unreachable.get(call)
    assert took <= BOUND_SECONDS
    assert len(world.sandbox.calls) - calls <= BOUND_CALLS
    check_end(world, call, time)
    survived("single faults")


@pytest.mark.whole
@pytest.mark.parametrize("fault", [REFUSED, *FAULTS])
@pytest.mark.parametrize("call", CALLS)
def test_a_fault_that_lasts_an_hour_is_waited_out_without_hammering(
    new_world: NewWorld, survived: Survived, call: str, fault: str
) -> None:
    world = new_world()
    time, calls = begin(world, call), len(world.sandbox.calls)
    order(world, call, fault, times=None)
    go_on(world, call, time)
    assert len(world.sandbox.calls) - calls <= BOUND_CALLS_AN_HOUR
    if call != "get-post" and not world.record("launch").done:
        assert world.record("launch").error is not None, "nothing was said"
        assert world.record("launch").retry_at is not None, "no next try was announced"
    world.sandbox.faults.clear()
    world.unreachable.clear()
    world.run_until_rest()
    check_end(world, call, time)
    survived("faults that last an hour")


@pytest.mark.parametrize("after", range(12))
def test_a_service_that_goes_down_at_any_call_and_comes_back_is_taken_up_again(new_world: NewWorld, after: int) -> None:
    world = new_world()
    time = tomorrow(world)
    world.sandbox.faults.add(Fault("*", "lost_reply", after=after, times=25))
    world.drop("launch", CONTENT, MEDIA, time, PLATFORMS)
    world.run_until_rest(6 * 3600)
    world.once("launch", CONTENT, MEDIA, time)


# --- a change to a post that stands ------------------------------------------------------------------------------------

REFUSES = {
    "a 400": Fault("*", "status", status=400, body={"error": "Invalid scheduled time format"}, times=None),
    "a plan's limit": Fault(
        "*",
        "status",
        status=403,
        body={"code": "SCHEDULED_POST_LIMIT_REACHED", "message": "Too many posts are pending"},
        times=None,
    ),
}


@pytest.mark.parametrize("refusal", REFUSES)
def test_where_the_new_version_is_refused_the_old_one_is_put_back_at_once(new_world: NewWorld, refusal: str) -> None:
    world = new_world()
    time, old = tomorrow(world), {"old.jpg": picture(9)}
    world.drop("launch", "The first version", old, time, PLATFORMS)
    world.run_until_rest()
    (first,) = world.groups()
    world.pass_time(60)
    world.sandbox.faults.add(replace(REFUSES[refusal], call="update-post", after=1, times=1))
    world.drop("launch", CONTENT, MEDIA, time, PLATFORMS)
    calls = len(world.sandbox.calls)
    world.run_until_rest(3600)
    (held,) = world.groups()
    assert (held.id, held.status, held.content, held.scheduled_time) == (
        first.id,
        "scheduled",
        "The first version",
        time,
    )
    assert len(world.sandbox.calls) - calls <= BOUND_CALLS
    assert world.state("launch") is State.INVALID
    error = world.record("launch").error
    assert error is not None
    assert "the earlier post stands" in error.message
    world.drop("launch", "A third version", MEDIA, time, PLATFORMS)
    world.run_until_rest()
    world.once("launch", "A third version", MEDIA, time)


@pytest.mark.parametrize("fault", ["503 with an HTML body", "reply lost after the effect"])
def test_putting_the_old_one_back_is_tried_until_it_works(new_world: NewWorld, fault: str) -> None:
    world = new_world()
    time, old = tomorrow(world), {"old.jpg": picture(9)}
    world.drop("launch", "The first version", old, time, PLATFORMS)
    world.run_until_rest()
    world.sandbox.faults.add(replace(REFUSES["a 400"], call="update-post", after=1, times=1))
    world.sandbox.faults.add(replace(FAULTS[fault], call="update-post", after=2, times=3))
    world.drop("launch", CONTENT, MEDIA, time, PLATFORMS)
    world.run_until_rest(600)
    (held,) = world.groups()
    assert (held.status, held.content, held.scheduled_time) == ("scheduled", "The first version", time)
    assert world.state("launch") is State.INVALID


@pytest.mark.parametrize("call", ["create-post", "get-upload-url", "put-object", "list-posts", "update-post"])
@pytest.mark.parametrize("fault", ["reply lost after the effect", "503 with an HTML body", "a hang"])
def test_while_a_new_version_cannot_be_built_the_old_one_stands(new_world: NewWorld, call: str, fault: str) -> None:
    world = new_world()
    time, old = tomorrow(world), {"old.jpg": picture(9)}
    world.drop("launch", "The first version", old, time, PLATFORMS)
    world.run_until_rest()
    order(world, call, fault, times=6)
    world.drop("launch", CONTENT, MEDIA, time, PLATFORMS)
    world.look_around()
    for _ in range(200):
        assert len(world.groups("scheduled")) <= 1
        if not world.step():
            if not world.due:
                break
            soonest = max(0.0, min(world.due.values()) - world.monotonic)
            if world.now + timedelta(seconds=soonest) > time - timedelta(hours=1):
                break
            world.pass_time(soonest)
            for key in [key for key, at in world.due.items() if at <= world.monotonic]:
                world.wake(key, 0.0)
    world.once("launch", CONTENT, MEDIA, time)


@pytest.mark.parametrize("status", [400, 415, 500])
def test_an_earlier_draft_that_cannot_be_deleted_is_said_beside_the_post_and_goes_in_the_end(
    new_world: NewWorld, status: int
) -> None:
    world = new_world()
    time, body = begin(world, "delete-post"), {"error": "Something went wrong"}
    world.sandbox.faults.add(Fault("delete-post", "status", status=status, body=body, times=None))
    go_on(world, "delete-post", time)
    assert sorted(group.status for group in world.groups()) == ["draft", "scheduled"]
    record = world.record("launch")
    assert (record.state, record.error) == (State.SCHEDULED, None)
    (said,) = record.warnings
    assert said.code == "DRAFT_NOT_DELETED"
    assert "Something went wrong" in said.message
    world.sandbox.faults.clear()
    world.run_until_rest()
    world.once("launch", CONTENT, MEDIA, time)
    assert world.record("launch").warnings == ()


@pytest.mark.parametrize(("hours", "said"), [(1, ["TIME_MOVED"]), (-1, ["TIME_MOVED"]), (0.01, []), (0, [])])
def test_another_time_than_was_asked_for_is_said(new_world: NewWorld, hours: float, said: list[str]) -> None:
    world = new_world()
    time = tomorrow(world)
    answered = time + timedelta(hours=hours)
    body = {"success": True, "postGroup": {"status": "scheduled", "scheduledTime": to_service(answered)}}
    world.sandbox.faults.add(Fault("update-post", "status_after", status=200, body=body))
    world.drop("launch", CONTENT, MEDIA, time, PLATFORMS)
    world.run_until_rest()
    record = world.record("launch")
    assert (record.state, [one.code for one in record.warnings]) == (State.SCHEDULED, said)
    world.drop("launch", CONTENT, MEDIA, time + timedelta(hours=2), PLATFORMS)
    world.run_until_rest()
    assert world.record("launch").warnings == ()


# --- media records that nobody sent bytes for --------------------------------------------------------------------------


@pytest.mark.parametrize("listing", ["plain", "rewritten"])
@pytest.mark.parametrize("lag", [0.0, 0.5, 5.0])
@pytest.mark.parametrize("reissue", [True, False], ids=["reissued", "not reissued"])
@pytest.mark.parametrize("which", [0, 1])
def test_a_lost_presign_leads_to_a_fresh_draft_only_where_it_left_a_record(
    new_world: NewWorld, which: int, reissue: bool, lag: float, listing: Any
) -> None:
    world = new_world(behaviour=Behaviour(reissue_media=reissue, listing_lag=lag, list_media_urls=listing))
    time = tomorrow(world)
    world.sandbox.faults.add(Fault("get-upload-url", "lost_reply", after=which))
    world.drop("launch", CONTENT, MEDIA, time, PLATFORMS)
    world.run_until_rest()
    world.once("launch", CONTENT, MEDIA, time)
    assert len(world.sandbox.deleted()) == (0 if reissue else 1)


@pytest.mark.parametrize("kind", ["expire_url", "early_403"])
@pytest.mark.parametrize("reissue", [True, False], ids=["reissued", "not reissued"])
def test_an_expired_url_is_replaced(new_world: NewWorld, reissue: bool, kind: str) -> None:
    world = new_world(behaviour=Behaviour(reissue_media=reissue))
    time = tomorrow(world)
    world.sandbox.faults.add(Fault("put-object", kind, after=1))
    world.drop("launch", CONTENT, MEDIA, time, PLATFORMS)
    assert world.run_until_rest() < 30
    world.once("launch", CONTENT, MEDIA, time)
    assert len(world.sandbox.deleted()) == (0 if reissue else 1)


def test_a_connection_too_slow_for_the_urls_is_given_up_after_three_fresh_drafts(new_world: NewWorld) -> None:
    world = new_world()
    time = tomorrow(world)
    for first in (0, 3, 6, 9):  # of each draft's three presigns the first is lost
        world.sandbox.faults.add(Fault("get-upload-url", "lost_reply", after=first))
    world.drop("launch", CONTENT, MEDIA, time, PLATFORMS)
    world.run_until_rest()
    assert (world.state("launch"), world.code("launch")) == (State.FAILED, "UPLOAD_TOO_SLOW")
    assert world.groups() == []
    assert world.sandbox.count("create-post") == 4


@pytest.mark.parametrize("lost_presign", [False, True])
@pytest.mark.parametrize("swapped", [False, True], ids=["added", "exchanged"])
def test_a_picture_that_a_person_added_is_never_scheduled_nor_deleted(
    new_world: NewWorld, swapped: bool, lost_presign: bool
) -> None:
    world = new_world()
    time = tomorrow(world)
    world.sandbox.faults.add(Fault("list-posts", "status", after=1))  # what PostPost holds is asked first
    if lost_presign:
        world.sandbox.faults.add(Fault("get-upload-url", "reset_before"))
    world.drop("launch", CONTENT, MEDIA, time, PLATFORMS)
    world.run_until_rest(5 if lost_presign else 3)
    (draft,) = world.groups("draft")
    assert len(draft.media) == len(MEDIA)
    world.sandbox.dashboard_add_media(draft.id)
    if swapped:
        world.sandbox.dashboard_delete_media(draft.media[0].id)
    world.run_until_rest()
    assert (world.state("launch"), world.code("launch")) == (State.HELD, "MEDIA_ADDED_ELSEWHERE")
    assert [group.id for group in world.groups("draft")] == [draft.id]
    assert world.sandbox.deleted() == ()


@pytest.mark.parametrize("lag", [0.0, 5.0])
def test_a_list_that_does_not_say_the_media_is_warned_about(new_world: NewWorld, lag: float) -> None:
    world = new_world(behaviour=Behaviour(list_media_urls="absent", listing_lag=lag))
    time = tomorrow(world)
    world.drop("launch", CONTENT, MEDIA, time, PLATFORMS)
    world.run_until_rest()
    world.once("launch", CONTENT, MEDIA, time)
    assert "MEDIA_NOT_LISTED" in [warning.code for warning in world.record("launch").warnings]


@pytest.mark.parametrize(("offset", "said"), [(0, 0), (20, 0), (-400, 1), (400, 1)])
def test_a_clock_that_is_off_is_warned_about_once(
    new_world: NewWorld, caplog: pytest.LogCaptureFixture, offset: float, said: int
) -> None:
    world = new_world(local_offset=offset)
    for name in ("one", "two"):
        world.drop(name, name, time=world.now + timedelta(hours=1))
        world.run_until_rest(60)
    assert sum("this machine's clock" in record.message for record in caplog.records) == said
    assert (f"ahead={offset}s" in caplog.text) is bool(said)


def test_a_store_that_goes_on_saying_that_it_holds_other_bytes_has_an_end(new_world: NewWorld) -> None:
    world = new_world(behaviour=Behaviour(etag_md5=False))
    world.drop("launch", "Fresh roast", {"cup.jpg": picture(1)}, world.now + timedelta(days=40))
    world.run_until_rest(600)
    assert world.code("launch") == "UPLOAD_ALTERED"
    world.advance_time(12 * 3600)
    assert (world.state("launch"), world.code("launch")) == (State.FAILED, "UPLOAD_REFUSED")
    assert world.groups() == []
    assert world.sandbox.count("put-object") <= 30


def test_a_post_in_the_middle_of_its_work_keeps_its_place_by_time_over_a_restart(new_world: NewWorld) -> None:
    world = new_world(concurrency=1)
    time = world.now + timedelta(days=2)
    world.drop("launch", CONTENT, MEDIA, time, PLATFORMS)
    world.look_around()
    world.pass_time(10)
    world.wake(1, 0.0)
    while world.state("launch") is not State.UPLOADING:
        world.step()
    world.restart()
    world.look_around()
    world.step()
    assert world.sync.order._times == {1: time.timestamp()}
