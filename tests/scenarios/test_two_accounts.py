"""Two watch roots that post as two people, and folders that are moved from the one to the other; keys that are changed."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from postpost_sync import ledger
from postpost_sync.model.post import Policy
from postpost_sync.model.record import GroupStage
from postpost_sync.model.states import State
from postpost_sync.model.times import to_service
from postpost_sync.sandbox import Behaviour, Plan
from postpost_sync.service.account import Account
from postpost_sync.sync.watched import Site
from tests.support.world import KEY, Killed, NewWorld, World, picture

DAY = timedelta(days=1)
MEDIA = {"cup.jpg": picture(1)}
HERS = "sk_hers"


class TwoAccounts(World):
    """A world with a second root, `hers`, that has a key of its own."""

    def sites(self, client: httpx.Client) -> dict[str, Site]:
        self.hers = self.root.with_name("hers")
        self.hers.mkdir(exist_ok=True)
        self.her_account: Account = self.account_of(HERS, client)
        for root in (self.root, self.hers):
            (root / "readme.txt").touch()
        return {**super().sites(client), str(self.hers): Site(str(self.hers), self.policy, self.her_account)}

    def look_around(self) -> None:
        for root in (self.root, self.hers):
            self.look_below(root)

    def move(self, name: str) -> None:
        (self.root / name).rename(self.hers / name)

    def edit(self, name: str, old: str, new: str) -> None:
        path = self.hers / name / "post.yaml"
        path.write_text(path.read_text().replace(old, new))
        self._date(path)

    def held(self) -> list[tuple[str, str, str]]:
        """(status, text, whose) of everything that PostPost holds."""
        return sorted((g.status, g.content, g.owner.removeprefix("owner of ")) for g in self.groups())


@pytest.fixture
def world(tmp_path: Path) -> Iterator[TwoAccounts]:
    with TwoAccounts(tmp_path, policy=Policy(settle=2.0, cancel_removed=True)) as made:
        yield made


def test_a_folder_that_is_moved_to_anothers_root_keeps_its_post_and_is_edited_where_that_stands(
    world: TwoAccounts,
) -> None:
    world.drop("launch", "first", MEDIA, world.now + 2 * DAY)
    world.run_until_rest(60)
    world.move("launch")
    world.run_until_rest(60)
    world.restart()
    world.edit("launch", "first", "second")
    world.run_until_rest(600)
    assert world.held() == [("scheduled", "second", world.key)]
    world.edit("launch", "second", "third")
    world.run_until_rest(600)
    assert world.held() == [("scheduled", "third", world.key)]
    world.advance_time(2 * DAY.total_seconds() + 600)
    assert world.state("launch") is State.PUBLISHED


def test_a_status_file_of_theirs_does_not_let_anybody_post_as_somebody_else(world: TwoAccounts) -> None:
    folder = world.drop("launch", "first", MEDIA, world.now + 2 * DAY)
    world.run_until_rest(60)
    said = (folder / "post.status.yaml").read_text()
    world.remove("launch")
    evil = world.hers / "evil"
    evil.mkdir()
    (evil / "post.status.yaml").write_text(said)
    sidecar = f"content: buy this\nplatforms: [twitter-123]\nscheduled_time: {to_service(world.now + DAY)}\n"
    (evil / "post.yaml").write_text(sidecar)
    world.run_until_rest(60)
    assert world.held() == [("scheduled", "buy this", HERS), ("scheduled", "first", world.key)]
    world.restart()
    world.run_until_rest(3600)
    assert world.held() == [("scheduled", "buy this", HERS)]
    assert world.state("evil") is State.SCHEDULED


def test_a_folder_that_is_moved_while_its_draft_is_built_leaves_none_behind(world: TwoAccounts) -> None:
    for effect in range(4, 60, 4):
        name = f"p{effect}"
        world.drop(name, name, MEDIA, world.now + 2 * DAY)
        world.look_around()
        world.pass_time(3)
        world.kill_at(effect)
        with contextlib.suppress(Killed):
            world.wake(world.record(name).key, 0.0)
            world.run()
        world.move(name)
        world.restart()
        world.run_until_rest(600)
        mine = [(g.status, g.content) for g in world.groups() if g.content == name]
        assert mine == [("scheduled", name)], effect


def test_a_moved_folder_that_is_removed_takes_its_post_back_at_the_account_that_made_it(world: TwoAccounts) -> None:
    folder = world.drop("launch", "first", MEDIA, world.now + 2 * DAY)
    world.run_until_rest(60)
    world.move("launch")
    world.run_until_rest(60)
    for path in (world.hers / folder.name).iterdir():
        path.unlink()
    (world.hers / folder.name).rmdir()
    world.run_until_rest(3600)
    assert (world.held(), world.state("launch")) == ([], State.CANCELLED)


def test_a_held_post_that_is_moved_to_anothers_root_holds_up_nobody(world: TwoAccounts) -> None:
    world.sandbox.behaviour = replace(world.sandbox.behaviour, plan=Plan("Small", pending=1))
    world.drop("first", "first", MEDIA, world.now + DAY)
    world.run_until_rest(60)
    world.drop("second", "second", MEDIA, world.now + 2 * DAY)
    world.drop("third", "third", MEDIA, world.now + 3 * DAY)
    world.run_until_rest(60)
    assert [world.state(name) for name in ("second", "third")] == [State.HELD, State.HELD]
    world.move("second")
    world.edit("second", "second", "changed")
    world.run_until_rest(600)
    world.advance_time(1.2 * DAY.total_seconds())
    standing = [one for one in world.held() if one[0] == "scheduled"]
    assert standing == [("scheduled", "changed", HERS), ("scheduled", "third", world.key)]


@pytest.mark.parametrize("back", [True, False], ids=["the key is back", "a person says go on"])
def test_with_another_key_a_post_is_neither_taken_for_deleted_nor_made_a_second_time(
    tmp_path: Path, back: bool
) -> None:
    with World(tmp_path) as world:
        time = world.now + 2 * DAY
        world.drop("launch", "first", MEDIA, time)
        world.run_until_rest(60)
        world.key = HERS
        world.restart()
        world.drop("launch", "second", MEDIA, time)
        world.run_until_rest(600)
        assert [g.content for g in world.groups("scheduled")] == ["first"]
        assert (world.state("launch"), world.code("launch")) == (State.SCHEDULED, "OTHER_KEY")
        if back:
            world.key = KEY
            world.restart()
        world.store.change(world.record("launch").key, ledger.retried)
        world.wake(world.record("launch").key, 0.0)
        world.run_until_rest(600)
        assert [g.content for g in world.groups("scheduled")] == (["second"] if back else ["first", "second"])
        assert world.record("launch").done


def test_a_draft_that_another_key_made_and_that_cannot_be_deleted_with_this_one_waits_for_a_word(
    tmp_path: Path,
) -> None:
    with World(tmp_path) as world:
        world.unreachable["put-object"] = 99
        world.drop("launch", "first", MEDIA, world.now + 2 * DAY)
        world.run_until_rest(60)
        world.unreachable.clear()
        world.key = HERS
        world.restart()
        world.drop("launch", "second", MEDIA, world.now + 2 * DAY)
        world.run_until_rest(600)
        assert (world.state("launch"), world.code("launch"), world.groups("scheduled")) == (State.HELD, "OTHER_KEY", [])
        world.store.change(world.record("launch").key, ledger.retried)
        world.wake(world.record("launch").key, 0.0)
        world.run_until_rest(600)
        assert [g.content for g in world.groups("scheduled")] == ["second"]


@pytest.mark.parametrize("edited", [False, True])
def test_a_cancel_with_another_key_is_not_taken_for_done(tmp_path: Path, edited: bool) -> None:
    with World(tmp_path) as world:
        world.drop("launch", "first", MEDIA, world.now + 2 * DAY)
        world.run_until_rest(60)
        world.key = HERS
        world.restart()
        if edited:
            world.drop("launch", "second", MEDIA, world.now + 2 * DAY)
            world.run_until_rest(600)
        world.store.change(world.record("launch").key, ledger.cancelled, None)
        world.wake(world.record("launch").key, 0.0)
        world.run_until_rest(600)
        assert (world.state("launch"), world.code("launch")) == (State.SCHEDULED, "OTHER_KEY")
        assert world.record("launch").groups[0].stage in (GroupStage.DOOMED, GroupStage.SCHEDULED)
        world.key = KEY
        world.restart()
        world.run_until_rest(3600)
        assert world.groups("scheduled") == []
        if edited:  # the draft that was begun with the other key cannot be deleted with this one
            assert world.code("launch") == "OTHER_KEY"
        else:
            assert world.state("launch") is State.CANCELLED


ROTATED = Behaviour(keys={KEY: "one", HERS: "one"})


def rotated(new_world: NewWorld, behaviour: Behaviour = ROTATED) -> World:
    """A post that the former key made stands scheduled for in two days."""
    world = new_world(behaviour=behaviour)
    world.drop("launch", "hello", MEDIA, world.now + 2 * DAY)
    world.run_until_rest(60)
    world.key = HERS
    world.restart()
    world.pass_time(600)
    return world


def test_what_people_change_at_postpost_is_noticed_also_where_the_key_was_rotated(new_world: NewWorld) -> None:
    """What a key is shown is its own, whichever key made it."""
    world = rotated(new_world)
    (group,) = world.groups("scheduled")
    world.sandbox.dashboard_reschedule(group.id, world.now + 3 * DAY)
    world.sync.reconciliation.run()
    world.run_until_rest(60)
    (stands,) = world.record("launch").groups
    assert (stands.answered_time, stands.account) == (world.now + 3 * DAY, world.account.digest)
    world.pass_time(600)
    world.sandbox.dashboard_delete(group.id)
    for _ in range(2):
        world.sync.reconciliation.run()
        world.advance_time(120)
    assert world.state("launch") is State.CANCELLED


def test_a_key_that_is_shown_nothing_says_nothing_of_what_another_one_made(new_world: NewWorld) -> None:
    world = rotated(new_world, Behaviour())
    before = world.record("launch")
    world.sync.reconciliation.run()
    world.run_until_rest(60)
    assert world.record("launch").groups == before.groups


def test_later_posts_that_hold_the_room_are_named_also_where_the_key_was_rotated(new_world: NewWorld) -> None:
    world = rotated(new_world, replace(ROTATED, plan=Plan("Small", pending=1)))
    world.sync.reconciliation.run()
    world.drop("sooner", "sooner", MEDIA, world.now + DAY)
    world.run_until_rest(60)
    error = world.record("sooner").error
    assert error is not None
    assert 'later posts hold the room: "' in error.hint
    assert "/launch" in error.hint
