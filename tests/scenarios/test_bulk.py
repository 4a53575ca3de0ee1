"""What many posts cost at PostPost: calls are counted, whatever else the account holds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from postpost_sync.sandbox import TWIN, Behaviour, Fault, SandboxTransport
from tests.support.world import KEY, World, picture


@pytest.fixture
def new_world(tmp_path: Path) -> Callable[..., World]:
    return lambda **more: World(tmp_path, **more)


def drop_many(world: World, posts: int, content: str = "post {n}") -> None:
    for n in range(posts):
        time = world.now + timedelta(days=1, minutes=n)
        world.drop(f"{n:03d}", content.format(n=n), {"a.jpg": picture(n)}, time)


def add_foreign(world: World, drafts: int) -> None:
    """Drafts of somebody else in the account, older than everything of ours."""
    with httpx.Client(transport=SandboxTransport(world.sandbox), base_url=world.sandbox.base_url) as client:
        for n in range(drafts):
            body = {"content": f"not ours {n}", "platforms": ["twitter-123"]}
            client.post("/api/v1/create-post", json=body, headers={"x-api-key": KEY}).raise_for_status()
    world.sandbox.calls.clear()
    world.pass_time(3600)


def calls(world: World) -> Counter[str]:
    return Counter(call.name for call in world.sandbox.calls)


@pytest.mark.parametrize("foreign", [0, 450])
def test_a_hundred_posts_share_a_few_readings_of_the_list_whatever_else_the_account_holds(
    new_world: Callable[..., World], foreign: int
) -> None:
    with new_world() as world:
        add_foreign(world, foreign)
        drop_many(world, 100)
        world.run_until_rest()
        assert Counter(group.status for group in world.groups())["scheduled"] == 100
        made = calls(world)
        assert (made["create-post"], made["get-upload-url"], made["update-post"]) == (100, 100, 100)
        assert made["list-posts"] <= 10


def test_a_new_post_costs_one_page_beside_a_year_of_drafts_of_ours(new_world: Callable[..., World]) -> None:
    with new_world() as world:
        for n in range(150):
            world.drop(f"draft {n:03d}", f"draft {n}", {"a.jpg": picture(n)})
        world.run_until_rest()
        world.pass_time(86400)
        world.sandbox.calls.clear()
        world.drop("new", "new", {"b.jpg": picture(200)}, world.now + timedelta(days=1))
        world.run_until_rest()
        assert world.state("new") == "scheduled"
        assert calls(world)["list-posts"] <= 3  # what is new since the reading before, and the draft read back


def test_creates_whose_answers_were_lost_are_searched_for_together(new_world: Callable[..., World]) -> None:
    with new_world() as world:
        drop_many(world, 40)
        world.sandbox.faults.add(Fault("create-post", "lost_reply", times=40))
        world.run_until_rest()
        assert Counter(group.status for group in world.groups()) == {"scheduled": 40}
        assert calls(world)["create-post"] == 40
        assert calls(world)["list-posts"] <= 60  # searched for one by one it is 80 at the least


def test_the_hourly_comparison_reads_no_further_back_than_the_oldest_post_of_ours(
    new_world: Callable[..., World],
) -> None:
    with new_world() as world:
        add_foreign(world, 450)
        for group in world.groups():
            world.sandbox.dashboard_reschedule(group.id, world.now + timedelta(days=9))
        drop_many(world, 3)
        world.run_until_rest()
        world.pass_time(600)
        world.sandbox.calls.clear()
        world.sync.reconciliation.run()
        assert calls(world) == {"list-posts": 1}


def test_where_get_post_shows_the_media_no_list_is_read(new_world: Callable[..., World]) -> None:
    with new_world(behaviour=TWIN) as world:
        drop_many(world, 30)
        world.run_until_rest()
        assert Counter(group.status for group in world.groups()) == {"scheduled": 30}
        made = calls(world)
        assert made["list-posts"] <= 2  # until it is known that get-post shows them
        assert made["get-post"] <= 31


@pytest.mark.parametrize("behaviour", [Behaviour(), TWIN], ids=["list-posts", "get-post"])
def test_a_picture_that_somebody_added_meanwhile_holds_the_draft(
    new_world: Callable[..., World], behaviour: Behaviour
) -> None:
    with new_world(behaviour=behaviour) as world:
        world.account.api.shows_media = behaviour is TWIN
        world.drop("left", media={"a.jpg": picture(1)})
        world.run_until_rest()
        (draft,) = world.groups("draft")
        world.pass_time(120)
        world.sandbox.dashboard_add_media(draft.id)
        world.drop("left", media={"a.jpg": picture(1)}, time=world.now + timedelta(days=1))
        world.run_until_rest()
        assert (world.state("left"), world.code("left")) == ("held", "MEDIA_ADDED_ELSEWHERE")


def test_a_record_without_bytes_is_built_anew_where_get_post_shows_it(new_world: Callable[..., World]) -> None:
    with new_world(behaviour=Behaviour(get_post_media=True)) as world:
        world.account.api.shows_media = True
        world.sandbox.faults.add(Fault("put-object", "early_403"))
        time = world.now + timedelta(days=1)
        world.drop("ghost", media={"a.jpg": picture(1)}, time=time)
        world.run_until_rest()
        world.once("ghost", "Fresh roast from the harbour", {"a.jpg": picture(1)}, time)
        assert calls(world)["list-posts"] <= 2  # what PostPost holds, before it is made and before it is scheduled


def test_a_draft_that_get_post_does_not_know_is_held(new_world: Callable[..., World]) -> None:
    with new_world(behaviour=TWIN) as world:
        world.account.api.shows_media = True
        world.drop("gone", media={"a.jpg": picture(1)})
        world.run_until_rest()
        (draft,) = world.groups("draft")
        world.sandbox.dashboard_delete(draft.id)
        world.pass_time(120)
        world.drop("gone", media={"a.jpg": picture(1)}, time=world.now + timedelta(days=1))
        world.run_until_rest()
        assert (world.state("gone"), world.code("gone")) == ("held", "DRAFT_GONE")
