"""Only the database lost: what the status file proves is the folder's again, and what was changed meanwhile is an edit."""

from __future__ import annotations

import shutil
from datetime import datetime, timedelta

import pytest
import yaml

from postpost_sync import ledger
from postpost_sync.model.times import to_service
from postpost_sync.sandbox import Behaviour
from tests.support.lost import ONE, TWO, lose_the_database, out_or_standing, say, tomorrow
from tests.support.world import KEY, NewWorld, World, picture


@pytest.mark.parametrize("change", ["replaced", "swapped", "a setting"])
def test_what_was_changed_while_the_database_was_lost_is_an_edit(world: World, change: str) -> None:
    time, to = tomorrow(world), ("threads-789",)
    world.drop("post", "text", TWO, time, to)
    world.run_until_rest()
    lose_the_database(world)
    media: dict[str, bytes] = TWO
    settings: dict[str, dict[str, dict[str, str]]] = {}
    if change == "replaced":
        media = {"a.jpg": picture(1), "b.jpg": picture(3)}
    elif change == "swapped":
        media = {"a.jpg": picture(2), "b.jpg": picture(1)}
    else:
        settings = {"platform_settings": {"threads": {"replyControl": "everyone"}}}
    world.drop("post", "text", media, time, to, **settings)
    world.run_until_rest()
    group = world.once("post", "text", media, time)
    assert bool(group.platform_settings) is (change == "a setting")


def test_media_that_no_status_file_vouches_for_are_held(world: World) -> None:
    """As one that an earlier version wrote."""
    folder = world.drop("post", "text", TWO, tomorrow(world))
    world.run_until_rest()
    before = world.groups()
    status = folder / "post.status.yaml"
    kept = [line for line in status.read_text().splitlines() if not line.startswith(("digest", "proof"))]
    status.write_text("\n".join(kept))
    lose_the_database(world)
    world.run_until_rest()
    assert (world.code("post"), world.groups()) == ("MAYBE_POSTED", before)
    assert status.read_text() == "\n".join(kept)  # it is a claim, until somebody says what it is worth


def test_a_draft_that_was_not_complete_is_made_anew_and_the_old_one_deleted(world: World) -> None:
    time = tomorrow(world)
    world.drop("post", "text", TWO, time)
    world.look_around()
    world.pass_time(2.5)
    world.wake(1, 0.0)
    world.step()
    world.step()
    assert [group.status for group in world.groups()] == ["draft"]
    lose_the_database(world)
    world.run_until_rest()
    world.once("post", "text", TWO, time)


def test_a_database_that_is_lost_before_the_post_is_listed_posts_nothing_a_second_time(world: World) -> None:
    """Its status file names the post, and PostPost knows it by its id: the list lags."""
    world.sandbox.behaviour = Behaviour(listing_lag=60)
    time = tomorrow(world)
    world.drop("post", "text", time=time)
    while not world.groups("scheduled"):
        world.run_until_rest(3)
    (made,) = world.groups()
    world.store.close()
    shutil.rmtree(world.state_db.parent)
    world.start()
    world.run_until_rest(600)
    assert [(group.id, group.status) for group in world.groups()] == [(made.id, "scheduled")]
    assert (world.state("post"), world.code("post")) == ("scheduled", None)


def test_a_post_that_the_list_still_shows_as_a_draft_is_not_made_again_where_the_key_was_rotated_too(
    new_world: NewWorld,
) -> None:
    """With another key the status file proves nothing; that the post stands PostPost says by its id."""
    world = new_world(behaviour=Behaviour(keys={KEY: "one", "sk_new": "one"}, listing_lag=60))
    world.drop("post", "text", ONE)
    world.run_until_rest()
    world.advance_time(300)
    world.drop("post", "text", ONE, tomorrow(world))
    while not world.groups("scheduled"):
        world.run_until_rest(3)
    (made,) = world.groups()
    world.key = "sk_new"
    lose_the_database(world)
    world.run_until_rest(600)
    assert [(group.id, group.status) for group in world.groups()] == [(made.id, "scheduled")]


# --- parts that only the status file knows ----------------------------------------------------------------------------

X, LINKEDIN = "twitter-123", "linkedin-ABC"
FOR_LINKEDIN = {LINKEDIN: {"content": "long"}}


def standing(world: World) -> dict[str, tuple[str, ...]]:
    return {group.content: group.platforms for group in world.groups()}


def errors(world: World) -> dict[str, str]:
    return {one.part: one.error.code for one in world.store.records() if one.error is not None}


@pytest.mark.parametrize("left", ["the account, too", "the entry alone", "all entries"])
def test_a_part_that_was_taken_out_while_the_database_was_lost_is_taken_back(world: World, left: str) -> None:
    time = tomorrow(world)
    entries = {**FOR_LINKEDIN, X: {"content": "shorter"}} if left == "all entries" else FOR_LINKEDIN
    folder = world.drop("post", "short", ONE, time, (X, LINKEDIN), per_platform=entries)
    world.run_until_rest()
    assert standing(world)["long"] == (LINKEDIN,)
    lose_the_database(world)
    to = (X,) if left == "the account, too" else (X, LINKEDIN)
    world.drop("post", "short", ONE, time, to)
    world.run_until_rest()
    assert world.once("post", "short", ONE, time).platforms == to
    assert [one.part for one in world.store.records()] == [""]
    assert "parts:" not in (folder / "post.status.yaml").read_text()


@pytest.mark.parametrize("meanwhile", ["deleted", "not proved", "killed"])
def test_parts_that_are_no_more_do_not_bring_one_another_back(world: World, meanwhile: str) -> None:
    """Each is through while the other one's claim keeps the status file as it is."""
    time = tomorrow(world)
    entries = {**FOR_LINKEDIN, X: {"content": "shorter"}}
    folder = world.drop("post", "short", ONE, time, (X, LINKEDIN), per_platform=entries)
    world.run_until_rest()
    if meanwhile == "not proved":
        status = folder / "post.status.yaml"
        status.write_text(status.read_text().replace("proof: ", "proof: 0"))
    lose_the_database(world)
    others = world.groups() if meanwhile == "not proved" else []
    if meanwhile == "deleted":
        for group in world.groups():
            world.sandbox.dashboard_delete(group.id)
    world.drop("post", "short", ONE, time, (X, LINKEDIN))
    if meanwhile == "killed":
        assert world.run_killed(7)
        world.restart()
    world.run_until_rest()
    for part in (one for one in world.store.records() if one.error is not None):
        world.store.change(part.key, ledger.retried)
        world.wake(part.key, 0.0)
    world.run_until_rest()
    assert world.once("post", "short", ONE, time, frozenset(one.id for one in others)).platforms == (X, LINKEDIN)
    assert [one.part for one in world.store.records()] == [""]


def test_a_part_that_is_out_is_not_posted_by_another_though_the_database_was_lost(world: World) -> None:
    world.drop("post", "short", {}, tomorrow(world), (X, LINKEDIN), per_platform=_at(world.now + timedelta(hours=1)))
    world.run_until_rest()
    world.advance_time(7200)
    lose_the_database(world)
    world.drop("post", "short", {}, tomorrow(world), (X, LINKEDIN))
    world.run_until_rest()
    assert sorted(out_or_standing(world)) == [("long", "published"), ("short", "scheduled")]
    assert standing(world)["short"] == (X,)


def _at(time: datetime) -> dict[str, dict[str, str]]:
    return {LINKEDIN: {"content": "long", "scheduled_time": to_service(time)}}


@pytest.mark.parametrize("deleted", [True, False], ids=["deleted", "left"])
@pytest.mark.parametrize("doubt", ["no proof", "its text", "its settings", "its accounts"])
def test_a_part_whose_post_is_not_proved_waits_for_a_word_and_that_is_the_end_of_it(
    world: World, doubt: str, deleted: bool
) -> None:
    time = tomorrow(world)
    settings = {"platform_settings": {"linkedin": {"visibility": "CONNECTIONS"}}} if doubt == "its settings" else {}
    entry = {LINKEDIN: {"content": "long", **settings}}
    folder = world.drop("post", "short", ONE, time, (X, LINKEDIN), per_platform=entry)
    world.run_until_rest()
    before = world.groups()
    status = folder / "post.status.yaml"
    said = yaml.safe_load(status.read_text())
    in_doubt = {"no proof": {"proof": "0"}, "its text": {"digest": "0"}, "its accounts": {"platforms": [X]}}
    said["parts"][1] |= in_doubt.get(doubt, {})
    status.write_text(f"# It says what it says.\n{yaml.safe_dump(said, sort_keys=False)}")
    lose_the_database(world)
    world.drop("post", "short", ONE, time, (X,))
    world.run_until_rest()
    assert (errors(world), world.groups()) == ({LINKEDIN: "EARLIER_POST_DIFFERS"}, before)
    (part,) = (one for one in world.store.records() if one.part)
    assert part.error is not None
    assert "no longer asks for" in part.error.message
    if deleted:
        (long,) = (group.id for group in before if group.content == "long")
        world.account.api.delete_post(long)
    world.store.change(part.key, ledger.retried)
    world.wake(part.key, 0.0)
    for _ in range(2):
        world.run_until_rest()
        assert errors(world) == {}
        assert standing(world) == {"short": (X,)} | ({} if deleted else {"long": (LINKEDIN,)})
        assert "parts:" not in status.read_text()
        world.restart()


def test_accounts_that_were_changed_while_the_database_was_lost_are_an_edit(world: World) -> None:
    time = tomorrow(world)
    world.drop("post", "text", TWO, time, (X, LINKEDIN))
    world.run_until_rest()
    lose_the_database(world)
    world.drop("post", "text", TWO, time, (X, "threads-789"))
    world.run_until_rest()
    assert world.once("post", "text", TWO, time).platforms == (X, "threads-789")


@pytest.mark.parametrize("name", ["a copy", "the copy"], ids=["before it", "after it"])
def test_a_copy_that_was_held_is_held_when_the_database_is_lost(world: World, name: str) -> None:
    world.drop("post", "text", ONE, tomorrow(world))
    world.run_until_rest()
    shutil.copytree(world.root / "post", world.root / name)
    world.look_around()
    world.run_until_rest()
    assert (world.state(name), world.code(name)) == ("held", "COPY_OF")
    before = world.groups()
    lose_the_database(world)
    world.run_until_rest()
    assert (world.state(name), world.groups()) == ("held", before)
    assert world.code(name) in ("COPY_OF", "MAYBE_POSTED")
    for _ in range(2):  # that it is none of those that stand, and meant although it is a copy
        say(world, name)
        world.run_until_rest()
    assert len(world.groups("scheduled")) == 2
