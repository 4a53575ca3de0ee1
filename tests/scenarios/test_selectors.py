"""Accounts that come and go, and what the selectors of a post that is on its way, stands or is out mean then."""

from __future__ import annotations

import json
import math
import os
import shutil
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from postpost_sync import ledger
from postpost_sync.model.errors import Unclear
from postpost_sync.model.states import State
from postpost_sync.sandbox import CONNECTIONS, Behaviour, Fault
from postpost_sync.sandbox import Connection as Account
from tests.support.rig import FAR, Rig, rig
from tests.support.world import World, picture

DAY = timedelta(days=1)
ONE, LINKEDIN, MASTODON = (Account(one, one, one) for one in ("twitter-1", "linkedin-A", "mastodon-5"))
TWO, EXPIRED = Account("twitter-2", "two", "two"), Account("threads-9", "old", "old", "expired", -3)
BOTH = ("linkedin-A", "twitter-1")
MEDIA = {"cup.jpg": picture(1)}


def connected(*accounts: Account) -> Behaviour:
    return Behaviour(connections=accounts)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with World(tmp_path, behaviour=connected(ONE, LINKEDIN)) as made:
        made.drop("first", time=made.now + 9 * DAY, platforms=("twitter-1",))
        made.run_until_rest(60)  # the accounts are known by now
        yield made


@pytest.fixture
def pp(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Iterator[Rig]:
    with rig(tmp_path, capsys, behaviour=Behaviour(connections=CONNECTIONS[:4])) as one:
        yield one


def platforms(world: World) -> list[tuple[str, ...]]:
    """Of what stands scheduled besides the first one."""
    return [group.platforms for group in world.groups("scheduled")][1:]


def warnings(world: World, name: str) -> list[str]:
    return [warning.code for warning in world.record(name).warnings]


def lists(world: World) -> int:
    return world.sandbox.count("platform-connections")


def test_all_is_what_is_connected_when_the_draft_is_made(world: World) -> None:
    world.sandbox.behaviour = connected(ONE, LINKEDIN, MASTODON, EXPIRED)  # since the list was read
    world.pass_time(3600)
    world.drop("launch", media=MEDIA, time=world.now + DAY, platforms=("all",))
    world.run_until_rest(60)
    assert platforms(world) == [("linkedin-A", "mastodon-5", "threads-9", "twitter-1")]
    assert world.record("launch").platforms == platforms(world)[0]
    assert warnings(world, "launch") == ["TOKEN_EXPIRED"]
    assert lists(world) == 2


def test_an_account_that_is_connected_later_changes_nothing(world: World) -> None:
    time = world.now + DAY
    world.drop("launch", time=time, platforms=("all",))
    world.run_until_rest(60)
    before = world.groups()
    world.sandbox.behaviour = connected(ONE, LINKEDIN, MASTODON)
    os.utime(world.root / "launch" / "post.yaml")
    world.advance_time(7200)
    key = world.record("launch").key
    world.store.change(key, ledger.retried)
    world.restart()
    world.run_until_rest(600)
    assert world.groups() == before
    world.drop("launch", "another text", time=time, platforms=("all",))
    world.run_until_rest(600)
    assert platforms(world) == [BOTH], "an edit of the text keeps what the selector stood for"
    world.drop("launch", "another text", time=time, platforms=("all", "mastodon"))
    world.run_until_rest(600)
    assert platforms(world) == [("linkedin-A", "twitter-1", "mastodon-5")]


def test_a_cancelled_post_stays_cancelled_whatever_is_connected_later(world: World) -> None:
    world.drop("launch", time=world.now + DAY, platforms=("all",))
    world.run_until_rest(60)
    key = world.record("launch").key
    world.store.change(key, ledger.cancelled, None)
    world.wake(key, 0.0)
    world.run_until_rest(600)
    world.sandbox.behaviour = connected(ONE, LINKEDIN, MASTODON)
    world.pass_time(3600)
    os.utime(world.root / "launch" / "post.yaml")
    world.restart()
    world.run_until_rest(600)
    assert (world.state("launch"), platforms(world)) == (State.CANCELLED, [])
    world.store.change(key, ledger.retried)
    world.wake(key, 0.0)
    world.run_until_rest(600)
    assert platforms(world) == [("linkedin-A", "mastodon-5", "twitter-1")]


def test_a_changed_selector_is_resolved_anew(world: World) -> None:
    time = world.now + DAY
    world.drop("launch", time=time, platforms=("all",))
    world.run_until_rest(60)
    world.sandbox.behaviour = connected(ONE, TWO, LINKEDIN)
    world.drop("launch", time=time, platforms=("twitter",))
    world.run_until_rest(600)
    assert platforms(world) == [("twitter-1", "twitter-2")]
    world.drop("launch", time=time, platforms=("all",))
    world.run_until_rest(600)
    assert platforms(world) == [("linkedin-A", "twitter-1", "twitter-2")]


def test_another_selector_for_the_same_accounts_is_kept_from_then_on(world: World) -> None:
    time = world.now + DAY
    world.drop("launch", time=time, platforms=("twitter-1", "linkedin"))
    world.run_until_rest(60)
    before = world.groups()
    world.drop("launch", time=time, platforms=("twitter", "linkedin"))
    world.run_until_rest(60)
    world.sandbox.behaviour = connected(ONE, TWO, LINKEDIN)
    world.store.change(world.record("launch").key, ledger.retried)
    world.restart()
    world.run_until_rest(600)
    assert world.groups() == before


def test_a_draft_that_is_built_anew_goes_where_the_first_one_went(world: World) -> None:
    """The first presign's answer is lost: the draft has a record without bytes, and another one takes its place."""
    world.sandbox.faults.add(Fault("get-upload-url", "lost_reply"))
    world.drop("launch", media=MEDIA, time=world.now + DAY, platforms=("all",))
    world.look_around()
    while not world.sandbox.count("get-upload-url"):
        assert world.step() or world.run_until_rest(60) >= 0
    world.sandbox.behaviour = connected(ONE, LINKEDIN, MASTODON)
    world.run_until_rest(600)
    assert world.sandbox.count("create-post") == 3
    assert platforms(world) == [BOTH]


def test_what_never_came_to_be_is_resolved_anew(world: World) -> None:
    refusal = {"error": "Platforms are required"}
    world.sandbox.faults.add(Fault("create-post", "status", status=400, body=refusal))
    world.drop("launch", time=world.now + DAY, platforms=("all",))
    world.run_until_rest(60)
    assert world.state("launch") is State.INVALID
    world.sandbox.behaviour = connected(ONE, LINKEDIN, MASTODON)
    world.pass_time(3600)
    key = world.record("launch").key
    world.store.change(key, ledger.retried)
    world.wake(key, 0.0)
    world.run_until_rest(60)
    assert platforms(world) == [("linkedin-A", "mastodon-5", "twitter-1")]


@pytest.mark.parametrize("timed", [True, False], ids=["scheduled", "a draft"])
def test_a_lost_database_doubles_nothing_whatever_was_connected_since(world: World, timed: bool) -> None:
    world.drop("launch", media=MEDIA, time=world.now + DAY if timed else None, platforms=("all",))
    world.run_until_rest(60)
    before = world.groups()
    world.store.close()
    for file in world.state_db.parent.iterdir():
        file.unlink()
    world.sandbox.behaviour = connected(ONE, TWO, LINKEDIN, MASTODON)
    world.start()
    world.run_until_rest(600)
    assert world.groups() == before
    assert world.record("launch").platforms == BOTH
    world.drop("launch", "another text", MEDIA, world.now + DAY, ("all",))
    world.run_until_rest(600)
    assert platforms(world) == [BOTH]


def test_a_database_and_a_status_file_that_are_lost_double_nothing_either(pp: Rig) -> None:
    for name, to in (("all", "all"), ("some", "[instagram-456, twitter]")):
        pp.drop(name, f"content: {name}\nplatforms: {to}\nscheduled_time: {FAR}\n", MEDIA)
    assert pp.run_once() == 0
    before = {group.content: group for group in pp.groups()}
    shutil.rmtree(pp.state_db.parent)
    for file in pp.root.glob("*/post.status.yaml"):
        file.unlink()
    pp.sandbox.behaviour = connected(*CONNECTIONS[:4], ONE, MASTODON)
    assert pp.run_once() == 0
    assert {group.content: group for group in pp.groups()} == before
    for name in ("all", "some"):  # their media cannot be compared: a person says whose the posts are
        post = pp.post(name)
        assert (post["state"], post["error"]["code"]) == ("held", "MAYBE_POSTED")


def test_a_copy_is_known_as_one_although_other_accounts_are_connected_by_now(world: World) -> None:
    time = world.now + DAY
    folder = world.drop("launch", time=time, platforms=("all",))
    world.run_until_rest(60)
    world.sandbox.behaviour = connected(ONE, LINKEDIN, MASTODON)
    world.drop("copy", time=time, platforms=("all",))
    (world.root / "copy" / "post.status.yaml").write_bytes((folder / "post.status.yaml").read_bytes())
    world.pass_time(3600)
    world.run_until_rest(600)
    assert (world.state("copy"), world.code("copy")) == (State.HELD, "COPY_OF")


def test_a_crash_at_any_moment_makes_one_post_for_one_set_of_accounts(world: World) -> None:
    for effect in range(1, 40):
        name = f"p{effect}"
        world.sandbox.behaviour = connected(ONE, LINKEDIN)
        world.drop(name, name, MEDIA, world.now + DAY, ("all",))
        if not world.run_killed(effect, 120):
            break
        world.sandbox.behaviour = connected(ONE, LINKEDIN, MASTODON)
        world.restart()
        world.run_until_rest(600)
        (group,) = [group for group in world.groups() if group.content == name]
        assert group.status == "scheduled"
        assert set(BOTH) <= set(group.platforms)
    else:
        raise AssertionError("it never ran to its end")
    assert effect > 10


# --- accounts that are not connected ----------------------------------------------------------------------------------


def test_an_unknown_id_is_held_and_one_list_for_all_is_asked_for_every_quarter_of_an_hour(world: World) -> None:
    world.pass_time(7200)
    for n in range(20):
        world.drop(f"p{n}", f"post {n}", time=world.now + DAY, platforms=("twitter-2",))
    world.run_until_rest(60)
    assert {world.state(f"p{n}") for n in range(20)} == {State.HELD}
    assert {world.code(f"p{n}") for n in range(20)} == {"UNKNOWN_CONNECTION"}
    assert lists(world) == 2
    for _ in range(50):
        world.advance_time(300)
        world.look_around()
        world.run()
    assert 3 <= lists(world) <= 2 + 50 * 300 / 900
    world.sandbox.behaviour = connected(ONE, TWO, LINKEDIN)
    world.run_until_rest(1800)
    assert {world.state(f"p{n}") for n in range(20)} == {State.SCHEDULED}


def test_an_account_connected_since_the_list_was_read_is_no_error(world: World) -> None:
    world.sandbox.behaviour = connected(ONE, TWO, LINKEDIN)
    world.pass_time(1)
    world.drop("launch", time=world.now + DAY, platforms=("twitter-2",))
    world.run_until_rest(60)
    assert platforms(world) == [("twitter-2",)]
    assert warnings(world, "launch") == []


def test_an_account_that_is_connected_after_all_is_taken_on_retry(world: World) -> None:
    world.drop("launch", time=world.now + DAY, platforms=("mastodon",))
    world.run_until_rest(60)
    assert (world.state("launch"), world.code("launch")) == (State.INVALID, "NO_CONNECTION")
    world.sandbox.behaviour = connected(ONE, MASTODON)
    world.pass_time(600)
    key = world.record("launch").key
    world.store.change(key, ledger.retried)
    world.wake(key, 0.0)
    world.run_until_rest(60)
    assert platforms(world) == [("mastodon-5",)]


def test_an_account_that_is_disconnected_later_does_not_stop_its_posts(world: World) -> None:
    time = world.now + DAY
    world.drop("launch", time=time, platforms=("twitter-1", "linkedin-A"))
    world.run_until_rest(60)
    world.sandbox.behaviour = connected(ONE)
    world.drop("launch", "another text", time=time, platforms=("twitter-1", "linkedin-A"))
    world.restart()
    world.run_until_rest(60)
    assert platforms(world) == [("twitter-1", "linkedin-A")]
    assert warnings(world, "launch") == ["UNKNOWN_CONNECTION"]


def test_where_the_list_cannot_be_had_ids_are_sent_and_selectors_wait(tmp_path: Path) -> None:
    with World(tmp_path, behaviour=connected(ONE)) as world:
        world.sandbox.faults.add(Fault("platform-connections", "status", times=None, status=500))
        time = world.now + DAY
        world.drop("id", "by its id", time=time, platforms=("twitter-77",))
        world.drop("selector", "all", time=time, platforms=("twitter",))
        world.run_until_rest(120)
        assert [group.platforms for group in world.groups("scheduled")] == [("twitter-77",)]
        assert (world.state("selector"), world.code("selector")) == (State.DRAFTING, "SERVICE_TROUBLE")
        world.sandbox.faults.clear()
        world.run_until_rest(1200)
        assert sorted(group.platforms for group in world.groups("scheduled")) == [("twitter-1",), ("twitter-77",)]


def test_all_that_wait_for_the_list_are_served_by_one_answer_or_none(world: World) -> None:
    account, asked = world.account, lists(world)
    since = account.now()
    world.pass_time(1)
    world.sandbox.faults.add(Fault("platform-connections", "status", status=503))
    for _ in range(3):
        with pytest.raises(Unclear, match="503"):
            account.learn_accounts(since)
    assert lists(world) == asked + 1
    since = account.now()
    world.pass_time(1)
    for _ in range(3):
        account.learn_accounts(since)
    assert lists(world) == asked + 2


# --- as it is seen ----------------------------------------------------------------------------------------------------


def test_status_shows_the_ids_and_so_does_the_status_file(pp: Rig) -> None:
    pp.configure(root="    default_platforms: [twitter]\n", top="accounts: {work: [linkedin]}\n")
    pp.drop("default", f"content: a\nscheduled_time: {FAR}\n")
    pp.drop("named", f"content: b\nplatforms: work\nscheduled_time: {FAR}\n")
    assert pp.run_once() == 0
    assert pp.post("default")["platforms"] == ["twitter-123"]
    pp.command("check", "--json", str(pp.root / "named"))
    assert json.loads(pp.output()[0])["posts"][0]["platforms"] == ["linkedin-ABC", "linkedin-OLD42"]
    assert pp.post("named")["platforms"] == ["linkedin-ABC", "linkedin-OLD42"]
    assert "on linkedin-ABC, linkedin-OLD42." in (pp.root / "named" / "post.status.yaml").read_text().splitlines()[0]


def test_check_resolves_too_and_offline_still_checks_what_can_be(pp: Rig) -> None:
    folder = pp.drop("long", f"content: {'x' * 3001}\nplatforms: [linkedin, all]\nscheduled_time: {FAR}\n")
    assert pp.command("check", str(folder)) == 1
    assert "linkedin 3,000 characters (linkedin-ABC, linkedin-OLD42)" in " ".join(pp.output()[0].split())
    assert pp.command("check", "--offline", str(folder)) == 1
    said = " ".join(pp.output()[0].split())
    assert "linkedin takes 3,000 characters (linkedin)" in said
    assert "ACCOUNTS_NOT_KNOWN" in said
    pp.drop("long", f"content: short\nplatforms: [linkedin, all]\nscheduled_time: {FAR}\n")
    assert pp.command("check", "--offline", str(folder)) == 0
    pp.drop("long", "content: short\nplatforms: [linkedin, all]\nscheduled_time: 2020-01-01 10:00\n")
    assert pp.command("check", "--offline", str(folder)) == 1
    assert "TIME_PAST" in pp.output()[0]


def test_the_age_of_the_list_is_infinite_where_it_was_never_asked_for(world: World) -> None:
    assert world.account.accounts_age() < 60
    world.restart()
    assert world.account.accounts_age() == math.inf
