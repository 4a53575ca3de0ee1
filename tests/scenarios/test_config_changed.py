"""What another config means for the posts that there are: decided when it is read, said, and never a reason to post again."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from postpost_sync import ledger
from postpost_sync.model.post import Policy, config_digest
from postpost_sync.model.slots import parse
from postpost_sync.sandbox import Behaviour, Fault
from tests.support.world import World, picture

ONE, TWO = {"a.jpg": picture(1)}, {"a.jpg": picture(1), "b.jpg": picture(2)}
BRAND = {"brand": ("twitter-123",)}
TO_LINKEDIN = {"accounts": {"brand": ("linkedin-ABC",)}}
MASTODON = ("mastodon-109348",)
EARLIER = {"timezone": "Asia/Tokyo"}  # nine hours before UTC
LATER = {"timezone": "America/New_York"}


def local(world: World, hours: float = 30) -> str:
    return f"{world.now + timedelta(hours=hours):%Y-%m-%d %H:%M}"


def begin(world: World, **policy: Any) -> None:
    world.policy = replace(world.policy, **{"accounts": BRAND, **policy})
    world.restart()


def change(world: World, **policy: Any) -> None:
    """The config is another one, and the daemon starts again."""
    world.policy = replace(world.policy, **policy)
    world.restart()


def drop_unnamed(world: World, time: str) -> None:
    """A folder whose sidecar does not say which media it has."""
    folder = world.drop("post", "text", {}, time, ("brand",))
    for name, data in TWO.items():
        (folder / name).write_bytes(data)


def touch(world: World, name: str = "post") -> None:
    for file in (world.root / name).iterdir():
        if not file.name.startswith("post.status"):
            os.utime(file, (world.now.timestamp(), world.now.timestamp()))
    world.pass_time(1)


def say(world: World, word: Callable[..., Any], *told: Any, name: str = "post") -> None:
    key = world.record(name).key
    world.store.change(key, word, *told)
    world.wake(key, 0.0)


def stands(world: World) -> list[tuple[str, tuple[str, ...], datetime | None]]:
    return [(g.status, g.platforms, g.scheduled_time) for g in world.groups() if g.status != "draft"]


def codes(world: World, name: str = "post") -> list[str]:
    return [one.code for one in world.record(name).warnings]


# --- what stands is changed as by an edit, at once, and that is said --------------------------------------------------


@pytest.mark.parametrize("media", [{}, TWO], ids=["text", "pictures"])
@pytest.mark.parametrize(("zone", "hours"), [("Asia/Tokyo", -9), ("America/New_York", 4)])
def test_a_scheduled_post_is_moved_when_another_zone_is_read(
    world: World, media: dict[str, bytes], zone: str, hours: int
) -> None:
    time = (world.now + timedelta(hours=30)).replace(second=0, microsecond=0)
    world.drop("post", "text", media, local(world))
    world.run_until_rest()
    (before,) = world.groups()
    change(world, timezone=zone)
    world.run()  # nobody has looked at the tree
    (now,) = world.groups()
    assert (now.id, now.status, now.scheduled_time) == (before.id, "scheduled", time + timedelta(hours=hours))
    (said,) = world.record("post").warnings
    assert said.code == "CONFIG_CHANGED"
    assert "instead of" in said.message
    touch(world)
    world.run_until_rest()
    assert [g.id for g in world.groups()] == [before.id]


def test_a_scheduled_post_goes_to_the_accounts_that_its_name_stands_for_now(world: World) -> None:
    begin(world)
    world.drop("post", "text", ONE, local(world), ("brand",))
    world.run_until_rest()
    change(world, **TO_LINKEDIN)
    world.run_until_rest()
    (group,) = world.groups()
    assert (group.status, group.platforms) == ("scheduled", ("linkedin-ABC",))
    assert codes(world) == ["CONFIG_CHANGED"]
    assert "linkedin-ABC instead of twitter-123" in world.record("post").warnings[0].message


def test_a_scheduled_post_stands_where_it_does_not_pass_by_another_config_and_that_is_said(world: World) -> None:
    world.drop("post", "a longer text", ONE, local(world), MASTODON)
    world.run_until_rest()
    before = stands(world)
    change(world, limits={"mastodon": {"text": 5}})
    world.run_until_rest()
    record = world.record("post")
    assert (record.state, stands(world), "CONFIG_CHANGED" in codes(world)) == ("invalid", before, True)
    assert record.error is not None
    assert "stands as it was" in record.error.message
    change(world, limits={})
    world.run_until_rest()
    assert (world.state("post"), world.code("post"), stands(world)) == ("scheduled", None, before)


def test_a_time_that_has_gone_by_in_another_zone_publishes_nothing_at_once(world: World) -> None:
    world.drop("post", "text", ONE, local(world, 5))
    world.run_until_rest()
    before = stands(world)
    change(world, **EARLIER)
    world.run_until_rest(600)
    assert (world.state("post"), world.code("post"), stands(world)) == ("invalid", "TIME_PAST", before)


def test_a_post_whose_time_is_absolute_is_left_alone(world: World) -> None:
    world.drop("post", "text", ONE, world.now + timedelta(hours=30))
    world.run_until_rest()
    change(world, **LATER)
    known = len(world.sandbox.calls)
    world.run_until_rest()
    assert (world.state("post"), codes(world)) == ("scheduled", [])
    assert not {call.name for call in world.sandbox.calls[known:]} & {"create-post", "update-post", "delete-post"}


def test_an_edit_beside_another_config_is_an_edit(world: World) -> None:
    world.drop("post", "old", ONE, local(world))
    world.run_until_rest()
    world.drop("post", "new", ONE, local(world))
    change(world, **LATER)
    world.run_until_rest()
    (group,) = world.groups()
    assert (group.content, "CONFIG_CHANGED" in codes(world)) == ("new", False)


def test_a_root_that_is_away_when_the_config_is_read_is_served_by_it_when_it_is_back(world: World) -> None:
    time = (world.now + timedelta(hours=30)).replace(second=0, microsecond=0)
    world.drop("post", "text", ONE, local(world))
    world.run_until_rest()
    away = world.root.with_name("away")
    world.root.rename(away)
    change(world, **LATER)
    world.run()
    assert stands(world)[0][2] == time
    away.rename(world.root)
    world.run_until_rest()
    assert (stands(world)[0][2], codes(world)) == (time + timedelta(hours=4), ["CONFIG_CHANGED"])


def look_in_vain(world: World) -> None:
    """The root is away, and the post is looked at all the same: at the start, and an hour later."""
    world.run()
    world.pass_time(3600)
    world.wake(world.record("post").key, 0.0)
    world.run()


@pytest.mark.parametrize(
    "to", [("b.jpg",), ("post",), ("posts",), ()], ids=["a picture", "the folder", "the root", "as it was"]
)
@pytest.mark.parametrize("on_remove", ["keep", "cancel"])
def test_what_is_ignored_since_a_root_is_away_counts_once_it_is_back(
    world: World, to: tuple[str, ...], on_remove: str
) -> None:
    begin(world, cancel_removed=on_remove == "cancel")
    (world.root / "readme.txt").touch()  # a root that is suddenly empty says nothing about its folders
    drop_unnamed(world, local(world))
    world.run_until_rest()
    before = world.groups()
    away = world.root.rename(world.root.with_name("away"))
    for ignore in (("a.jpg",), to):  # another one in between counts for nothing
        change(world, ignore=ignore)
        look_in_vain(world)
        assert world.groups() == before
    away.rename(world.root)
    world.advance_time(3600)
    (group,) = world.groups("scheduled")
    if to == ("b.jpg",):
        assert ([one.file_name for one in group.media], codes(world)) == (["a.jpg"], ["CONFIG_CHANGED"])
    else:  # a folder that is no longer seen is no folder that was removed
        assert (world.groups(), codes(world), world.state("post")) == (before, [], "scheduled")


@pytest.mark.parametrize("ended", ["cancelled", "published"])
def test_what_is_over_stays_over_where_a_picture_is_ignored_since_its_root_is_away(world: World, ended: str) -> None:
    begin(world)
    drop_unnamed(world, local(world, 2))
    world.run_until_rest()
    if ended == "cancelled":
        say(world, ledger.cancelled, None)
    world.advance_time(3 * 3600)
    before = world.groups()
    assert world.state("post") == ended
    away = world.root.rename(world.root.with_name("away"))
    change(world, ignore=("b.jpg",))
    look_in_vain(world)
    away.rename(world.root)
    for _ in range(2):
        world.run_until_rest()
        assert (world.state("post"), world.groups()) == (ended, before)
        touch(world)


@pytest.mark.parametrize("stands", ["scheduled", "a draft"])
def test_a_post_is_not_made_text_alone_by_what_the_config_ignores(world: World, stands: str) -> None:
    begin(world)
    drop_unnamed(world, local(world))
    if stands == "a draft":
        world.sandbox.faults.add(Fault("update-post", "reset_before", None))
    world.run_until_rest(60)
    world.sandbox.faults.clear()
    (before,) = world.groups()
    assert (before.status == "scheduled", len(before.media)) == (stands == "scheduled", 2)
    change(world, ignore=("*.jpg",))
    for _ in range(2):
        world.run_until_rest(600)
        assert (world.state("post"), world.code("post")) == ("held", "MEDIA_IGNORED")
        assert [(one.id, len(one.media)) for one in world.groups()] == [(before.id, 2)]
        touch(world)
    change(world, ignore=())
    world.run_until_rest()
    assert (world.state("post"), [one.id for one in world.groups("scheduled")]) == ("scheduled", [before.id])
    change(world, ignore=("*.jpg",))
    world.run_until_rest()
    say(world, ledger.retried)
    world.run_until_rest()
    (now,) = world.groups()
    assert (world.state("post"), now.status, now.media) == ("scheduled", "scheduled", ())


def test_a_picture_that_a_person_takes_out_is_an_edit_whatever_the_config_ignores(world: World) -> None:
    begin(world)
    drop_unnamed(world, local(world))
    world.run_until_rest()
    for name in TWO:
        (world.root / "post" / name).unlink()
    change(world, ignore=("*.jpg",))
    world.run_until_rest()
    (group,) = world.groups()
    assert (world.state("post"), group.status, group.media) == ("scheduled", "scheduled", ())


# --- what is over stays over ------------------------------------------------------------------------------------------

CHANGES: dict[str, dict[str, Any]] = {
    "another zone": LATER,
    "an earlier zone": EARLIER,
    "another alias": TO_LINKEDIN,
    "no alias": {"accounts": {}},
    "other limits": {"limits": {"twitter": {"images": 1}, "mastodon": {"text": 3}}},
    "a name ignored": {"ignore": ("b.jpg",)},
    "default time": {"default_time": "now"},
}


@pytest.mark.parametrize("how", CHANGES)
@pytest.mark.parametrize("touched", [True, False], ids=["touched", "untouched"])
@pytest.mark.parametrize("by", ["command", "dashboard"])
def test_a_cancelled_post_stays_cancelled(world: World, how: str, touched: bool, by: str) -> None:
    begin(world)
    drop_unnamed(world, local(world))
    world.run_until_rest()
    (group,) = world.groups()
    if by == "command":
        say(world, ledger.cancelled, None)
    else:
        world.sandbox.dashboard_delete(group.id)
        world.pass_time(300)
        world.sync.reconciliation.run()
    world.run_until_rest()
    assert world.state("post") == "cancelled"
    change(world, **CHANGES[how])
    if touched:
        touch(world)
    world.run_until_rest()
    touch(world)
    world.run_until_rest()
    assert (world.state("post"), world.groups()) == ("cancelled", [])


def test_a_cancelled_post_comes_back_when_its_own_files_change_or_a_person_says_so(world: World) -> None:
    begin(world)
    for name in ("edited", "another picture", "retried"):
        world.drop(name, name, ONE, local(world), ("brand",))
        world.run_until_rest()
        say(world, ledger.cancelled, None, name=name)
    world.run_until_rest()
    assert world.groups() == []
    change(world, **LATER)
    world.run_until_rest()
    world.drop("edited", "edited again", ONE, local(world), ("brand",))
    same_size = next(p for p in map(picture, range(2, 200)) if len(p) == len(ONE["a.jpg"]))
    (world.root / "another picture" / "a.jpg").write_bytes(same_size)
    say(world, ledger.retried, name="retried")
    world.run_until_rest()
    assert sorted(g.content for g in world.groups("scheduled")) == ["another picture", "edited again", "retried"]


@pytest.mark.parametrize("how", CHANGES)
@pytest.mark.parametrize("outcome", ["published", "failed", "partially_published"])
def test_what_went_out_or_failed_stays_as_it_is(world: World, how: str, outcome: str) -> None:
    failing = {"published": (), "failed": ("twitter-123", "mastodon-109348"), "partially_published": ("twitter-123",)}[
        outcome
    ]
    world.sandbox.behaviour = Behaviour(publish_errors={one: {"code": "RATE_LIMITED"} for one in failing})
    begin(world, accounts={"brand": ("twitter-123", "mastodon-109348")})
    drop_unnamed(world, local(world, 1))
    world.run_until_rest()
    world.advance_time(7200)
    assert world.state("post") == outcome
    before, said = stands(world), world.code("post")
    change(world, **CHANGES[how])
    world.run_until_rest()
    touch(world)
    world.run_until_rest()
    world.advance_time(86400)
    assert (world.state("post"), codes(world), stands(world), world.code("post")) == (outcome, [], before, said)


@pytest.mark.parametrize("word", ["now", "next"])
def test_what_was_left_a_draft_is_not_sent_out_by_another_default(world: World, word: str) -> None:
    world.drop("post", "text", ONE)
    world.run_until_rest()
    assert world.state("post") == "drafted"
    change(world, default_time=word, slots=(parse("daily 09:30"),))
    world.run_until_rest()
    touch(world)
    world.run_until_rest()
    assert (world.state("post"), stands(world)) == ("drafted", [])


def test_a_queued_post_keeps_its_slot_whatever_the_config_says_of_slots(world: World) -> None:
    begin(world, slots=(parse("daily 09:30"),))
    world.drop("post", "text", ONE, "next")
    world.run_until_rest()
    before = stands(world)
    change(world, slots=(parse("daily 17:00"),), timezone="Asia/Tokyo")
    world.run_until_rest()
    touch(world)
    world.run_until_rest()
    assert (stands(world), world.state("post"), codes(world)) == (before, "scheduled", [])


# --- what stands nowhere yet follows the config -----------------------------------------------------------------------


def test_what_is_invalid_or_held_by_one_config_goes_on_by_another(world: World) -> None:
    world.drop("unknown", "one", ONE, local(world), ("brand",))
    world.drop("long", "a much longer text", ONE, local(world), MASTODON)
    change(world, limits={"mastodon": {"text": 5}})
    world.run_until_rest()
    assert {world.state("unknown"), world.state("long")} == {"invalid"}
    change(world, limits={}, accounts=BRAND)
    world.run_until_rest()
    assert {world.state("unknown"), world.state("long")} == {"scheduled"}


def test_a_config_that_says_the_same_in_other_words_is_the_same() -> None:
    one = Policy(accounts={"a": ("x-1",), "b": ("x-2",)}, ignore=("p", "q"))
    other = Policy(accounts={"b": ("x-2",), "a": ("x-1",)}, ignore=("q", "p"), settle=99.0, late_tolerance=1.0)
    assert config_digest(one) == config_digest(other)
    changes = (
        {"timezone": "Asia/Tokyo"},
        {"fit": False},
        {"limits": {"any": {"images": 1}}},
        {"default_platforms": ("x-3",)},
    )
    digests = {config_digest(replace(one, **change)) for change in changes}
    assert len(digests | {config_digest(one)}) == len(changes) + 1
