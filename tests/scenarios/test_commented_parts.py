"""First comments where a folder has several parts: each part sends those of its own platforms, once, and no other's."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from postpost_sync.model.record import Record
from postpost_sync.model.states import State
from postpost_sync.sandbox import TWIN, Fault, Group
from tests.support.world import NewWorld, World

X, LINKEDIN, MASTODON, FACEBOOK = "twitter-123", "linkedin-ABC", "mastodon-109348", "facebook-1001"
OF_LINKEDIN = {"linkedin": {"content": "Long"}}


@pytest.fixture
def world(new_world: NewWorld) -> World:
    return new_world(behaviour=TWIN)


def drop(world: World, comment: Any, to: tuple[str, ...] = (X, LINKEDIN), **more: Any) -> None:
    more = {"per_platform": OF_LINKEDIN, **more}
    world.drop(
        "launch", "Short", {}, world.now.replace(hour=23), to, **({"first_comment": comment} if comment else {}), **more
    )
    world.run_until_rest()


def comments(world: World) -> dict[str, tuple[str, list[str]] | None]:
    """By the text of each post that stands: what is commented below it, and where."""
    found: dict[str, tuple[str, list[str]] | None] = {}
    for one in standing(world):
        said: Any = one.first_comment
        found[one.content] = (said["text"], said["platforms"]) if said else None
    return found


def standing(world: World) -> list[Group]:
    assert all(one.status == "scheduled" for one in world.groups())
    return list(world.groups())


def part(world: World, name: str) -> Record:
    return next(one for one in world.store.records() if one.part == name)


def said(record: Record) -> list[str]:
    return [one.code for one in record.warnings] + ([record.error.code] if record.error else [])


def test_one_for_all_is_sent_by_each_part_for_its_own_platforms(world: World) -> None:
    drop(world, "More")
    assert comments(world) == {"Short": ("More", ["twitter"]), "Long": ("More", ["linkedin"])}


def test_one_for_a_platform_is_sent_by_its_part_alone(world: World) -> None:
    drop(world, {"text": "More", "platforms": ["linkedin"]})
    assert comments(world) == {"Short": None, "Long": ("More", ["linkedin"])}
    assert (said(part(world, "")), said(part(world, "linkedin"))) == ([], [])


def test_two_accounts_of_a_platform_in_two_parts_both_have_it(world: World) -> None:
    other = "linkedin-OLD42"
    drop(
        world, {"text": "More", "platforms": ["linkedin"]}, (LINKEDIN, other), per_platform={other: {"content": "Long"}}
    )
    assert comments(world) == {"Short": ("More", ["linkedin"]), "Long": ("More", ["linkedin"])}


@pytest.mark.parametrize("comment", ["More", {"text": "More", "platforms": ["linkedin"]}])
def test_a_part_whose_platforms_take_none_does_not_complain_while_another_has_it(world: World, comment: Any) -> None:
    drop(world, comment, (FACEBOOK, LINKEDIN))
    assert comments(world) == {"Short": None, "Long": ("More", ["linkedin"])}
    assert (said(part(world, "")), said(part(world, "linkedin"))) == ([], [])


def test_where_no_part_takes_one_it_is_said(world: World) -> None:
    drop(world, "More", (FACEBOOK, "telegram-1"), per_platform={"facebook": {"content": "Long"}})
    assert world.groups() == []
    assert "FIRST_COMMENT_NOT_TAKEN" in {code for record in world.store.records() for code in said(record)}


def test_an_edit_of_it_is_an_edit_of_the_parts_that_have_it(world: World) -> None:
    drop(world, {"text": "More", "platforms": ["linkedin"]})
    before = {one.content: one.id for one in standing(world)}
    drop(world, {"text": "Even more", "platforms": ["linkedin"]})
    after = {one.content: one.id for one in standing(world)}
    assert comments(world) == {"Short": None, "Long": ("Even more", ["linkedin"])}
    assert (after["Short"] == before["Short"], after["Long"] == before["Long"]) == (True, False)
    drop(world, None)
    assert comments(world) == {"Short": None, "Long": None}


def test_it_goes_where_its_account_goes(world: World) -> None:
    drop(world, {"text": "More", "platforms": ["linkedin"]}, per_platform={"x": {"content": "Long"}})
    assert comments(world) == {"Short": ("More", ["linkedin"]), "Long": None}
    drop(world, {"text": "More", "platforms": ["linkedin"]})
    assert comments(world) == {"Short": None, "Long": ("More", ["linkedin"])}
    drop(world, {"text": "More", "platforms": ["linkedin"]}, per_platform={})
    assert comments(world) == {"Short": ("More", ["linkedin"])}


def test_each_is_known_again_where_the_database_is_lost(world: World) -> None:
    drop(world, "More")
    before = {one.id for one in standing(world)}
    world.store.close()
    world.state_db.unlink()
    world.start()
    world.run_until_rest()
    assert {one.id for one in standing(world)} == before
    assert part(world, "").state is part(world, "linkedin").state is State.SCHEDULED


@pytest.mark.parametrize("kind", ["lost_reply", "reset_before", "reset_during"])
def test_each_is_sent_once_whatever_is_lost(world: World, kind: str) -> None:
    world.sandbox.faults.add(Fault("create-post", kind, times=3))
    drop(world, "More")
    world.advance_time(1800)
    assert comments(world) == {"Short": ("More", ["twitter"]), "Long": ("More", ["linkedin"])}
    assert len(world.groups()) == 2


def test_one_that_was_not_posted_is_said_of_its_part(new_world: NewWorld) -> None:
    error = {"code": "FIRST_COMMENT_PERMISSION_REQUIRED", "message": "reconnect it"}
    world = new_world(behaviour=replace(TWIN, first_comment_errors={LINKEDIN: error}))
    at = world.now + timedelta(hours=1)
    world.drop("launch", "Short", {}, at, (X, LINKEDIN), first_comment="More", per_platform=OF_LINKEDIN)
    world.advance_time(2 * 3600)
    assert (said(part(world, "")), said(part(world, "linkedin"))) == ([], ["FIRST_COMMENT_FAILED"])
    assert {one.state for one in world.store.records()} == {State.PUBLISHED}
