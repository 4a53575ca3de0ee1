"""One folder, several post groups: `per_platform`, and what becomes of its parts."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from postpost_sync.model.record import Record
from postpost_sync.model.states import State
from tests.support.world import World, picture

X, LINKEDIN, MASTODON = "twitter-123", "linkedin-ABC", "mastodon-109348"


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with World(tmp_path) as world:
        yield world


def part(world: World, name: str, of: str = "launch") -> Record:
    return next(one for one in world.store.records() if one.path == of and one.part == name)


def standing(world: World) -> dict[str, tuple[str, ...]]:
    """What stands scheduled at PostPost: its text, and where it goes."""
    return {group.content: group.platforms for group in world.groups("scheduled")}


def test_each_part_is_a_post_of_its_own(world: World) -> None:
    when = world.now + timedelta(days=1)
    world.drop(
        "launch",
        "Short",
        {"cup.jpg": picture(1), "beans.jpg": picture(2)},
        when,
        (X, LINKEDIN),
        per_platform={"linkedin": {"content": "Long", "media": ["beans.jpg"], "scheduled_time": "2025-06-04 10:00"}},
    )
    world.run_until_rest()
    short, long = sorted(world.groups("scheduled"), key=lambda one: one.content, reverse=True)
    assert (short.content, short.platforms, short.scheduled_time, len(short.media)) == ("Short", (X,), when, 2)
    assert (long.content, long.platforms, len(long.media)) == ("Long", (LINKEDIN,), 1)
    assert len(world.groups()) == 2
    assert part(world, "").state is part(world, "linkedin").state is State.SCHEDULED


def test_an_account_moves_from_one_part_to_another(world: World) -> None:
    when = world.now + timedelta(days=1)
    world.drop("launch", "One", {"cup.jpg": picture(1)}, when, (X, LINKEDIN))
    world.run_until_rest()
    assert standing(world) == {"One": (X, LINKEDIN)}
    world.drop(
        "launch", "One", {"cup.jpg": picture(1)}, when, (X, LINKEDIN), per_platform={LINKEDIN: {"content": "Two"}}
    )
    world.run_until_rest()
    assert standing(world) == {"One": (X,), "Two": (LINKEDIN,)}
    world.drop("launch", "One", {"cup.jpg": picture(1)}, when, (X, LINKEDIN), per_platform={"x": {"content": "Two"}})
    world.run_until_rest()
    assert standing(world) == {"One": (LINKEDIN,), "Two": (X,)}
    assert len(world.groups()) == 2
    world.drop("launch", "One", {"cup.jpg": picture(1)}, when, (X, LINKEDIN))
    world.run_until_rest()
    assert standing(world) == {"One": (X, LINKEDIN)}
    assert [one.part for one in world.store.records()] == [""]
    assert len(world.groups()) == 1


def test_parts_are_known_again_where_the_database_was_lost(world: World, tmp_path: Path) -> None:
    when = world.now + timedelta(days=1)
    world.drop(
        "launch", "One", {"cup.jpg": picture(1)}, when, (X, LINKEDIN), per_platform={LINKEDIN: {"content": "Two"}}
    )
    world.run_until_rest()
    before = {group.id for group in world.groups()}
    world.store.close()
    world.state_db.unlink()
    world.start()
    world.run_until_rest()
    assert {group.id for group in world.groups()} == before
    assert part(world, "").state is part(world, LINKEDIN).state is State.SCHEDULED


def test_where_all_accounts_have_entries_the_main_part_is_empty(world: World) -> None:
    when = world.now + timedelta(days=1)
    both = {X: {"content": "For X"}, LINKEDIN: {"content": "For LinkedIn"}}
    world.drop("launch", "For all", {}, when, (X, LINKEDIN), per_platform=both)
    world.run_until_rest()
    assert standing(world) == {"For X": (X,), "For LinkedIn": (LINKEDIN,)}
    assert (part(world, "").state, part(world, "").platforms) == (State.CANCELLED, ())


def test_what_is_out_through_one_part_is_not_posted_by_another(world: World) -> None:
    when = world.now + timedelta(hours=1)
    world.drop("launch", "One", {}, when, (X, LINKEDIN))
    world.run_until_rest()
    world.advance_time(7200)
    assert world.state("launch") is State.PUBLISHED
    later = world.now + timedelta(days=1)
    world.drop("launch", "One", {}, later, (X, LINKEDIN), per_platform={LINKEDIN: {"content": "Two"}})
    world.run_until_rest()
    assert [group.status for group in world.groups()] == ["published"]
    assert [one.code for one in part(world, LINKEDIN).warnings] == ["OUT_IN_ANOTHER_PART"]
