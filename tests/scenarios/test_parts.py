"""One folder, several post groups: `per_platform`, and what becomes of its parts."""

from __future__ import annotations

import os
import shutil
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
import yaml

from postpost_sync.disk import reader
from postpost_sync.model import view
from postpost_sync.model.folder import Entry, Folder, MediaFile
from postpost_sync.model.post import Policy
from postpost_sync.model.record import Record
from postpost_sync.model.slots import parse
from postpost_sync.model.states import State
from postpost_sync.model.times import to_service
from tests.support.world import World, picture

X, LINKEDIN, MASTODON = "twitter-123", "linkedin-ABC", "mastodon-109348"


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


def test_a_folder_of_several_parts_counts_once_in_the_state_that_most_needs_a_person(world: World) -> None:
    when = world.now + timedelta(days=1)
    world.drop("one", "One", None, when)
    world.drop("launch", "Short", None, when, (X, LINKEDIN), per_platform={LINKEDIN: {"content": "Long"}})
    world.run_until_rest()
    assert world.store.states() == {State.SCHEDULED: 2}
    wrong = {LINKEDIN: {"content": "Long", "media": ["none.jpg"]}}
    world.drop("launch", "Short", None, when, (X, LINKEDIN), per_platform=wrong)
    world.run_until_rest()
    assert world.store.states() == {State.SCHEDULED: 1, part(world, LINKEDIN).state: 1}


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


def test_a_trouble_of_one_part_holds_up_no_other(world: World) -> None:
    when = world.now + timedelta(days=1)
    too_long = {MASTODON: {"content": "x" * 600}}
    world.drop("launch", "One", {}, when, (X, MASTODON), per_platform=too_long)
    world.run_until_rest()
    assert standing(world) == {"One": (X,)}
    error = part(world, MASTODON).error
    assert error is not None
    assert (part(world, MASTODON).state, error.code) == (State.INVALID, "CONTENT_TOO_LONG")
    facts = view.folder_facts(world.store.records())
    assert (facts["state"], facts["error"]["code"]) == ("invalid", "CONTENT_TOO_LONG")
    assert facts["error"]["message"].startswith(f"{MASTODON}: ")


def test_what_is_too_long_for_one_network_goes_out_with_words_of_its_own(world: World) -> None:
    when, long = world.now + timedelta(days=1), "x" * 600
    world.drop("launch", long, {}, when, (LINKEDIN, MASTODON))
    world.run_until_rest()
    error = part(world, "").error
    assert error is not None
    assert 'per_platform: {mastodon: {content: …}}"' in error.hint
    world.drop("launch", long, {}, when, (LINKEDIN, MASTODON), per_platform={"mastodon": {"content": "In short"}})
    world.run_until_rest()
    assert standing(world) == {long: (LINKEDIN,), "In short": (MASTODON,)}


def test_a_file_of_two_parts_is_measured_and_hashed_once(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    sniffed, hashed, sniff, sha256 = list[str](), list[str](), reader._sniff, reader.sha256

    def noted(folder: Folder, entry: Entry) -> MediaFile:
        sniffed.append(entry.name)
        return sniff(folder, entry)

    def noted_hash(root: str, path: str, file: MediaFile) -> str:
        hashed.append(file.name)
        return sha256(root, path, file)

    monkeypatch.setattr(reader, "_sniff", noted)
    monkeypatch.setattr(reader, "sha256", noted_hash)
    when = world.now + timedelta(days=1)
    media = {"cup.jpg": picture(1)}
    world.drop("launch", "One", media, when, (X, LINKEDIN), per_platform={LINKEDIN: {"content": "Two"}})
    world.run_until_rest()
    assert sniffed == ["cup.jpg"]
    assert [len(group.media) for group in world.groups("scheduled")] == [1, 1]
    os.utime(world.root / "launch" / "cup.jpg", (1.0, 1.0))
    world.run_until_rest()
    assert hashed == ["cup.jpg"]
    assert standing(world) == {"One": (X,), "Two": (LINKEDIN,)}


def test_a_queued_folder_has_one_slot_for_all_parts_without_a_time(tmp_path: Path) -> None:
    policy = Policy(settle=2.0, slots=(parse("daily 21:00"),))
    with World(tmp_path, policy=policy) as world:
        own = world.now + timedelta(days=3)
        entries = {LINKEDIN: {"content": "Two"}, MASTODON: {"content": "Three", "scheduled_time": to_service(own)}}
        world.drop("launch", "One", {}, "next", (X, LINKEDIN, MASTODON), per_platform=entries)
        world.run_until_rest()
        slot = part(world, "").slot
        assert slot is not None
        times = {group.content: group.scheduled_time for group in world.groups("scheduled")}
        assert times == {"One": slot, "Two": slot, "Three": own}
        assert [one.slot for one in world.store.records() if one.part] == [None, None]
        world.store.move_slots(str(world.root), lambda queued: [(queued[0], slot + timedelta(days=1))])
        for one in world.store.records():
            world.wake(one.key, 0.0)
        world.run_until_rest()
        times = {group.content: group.scheduled_time for group in world.groups("scheduled")}
        assert times == {"One": slot + timedelta(days=1), "Two": slot + timedelta(days=1), "Three": own}


def test_the_parts_of_a_removed_folder_go_with_it(tmp_path: Path) -> None:
    with World(tmp_path, policy=Policy(settle=2.0, cancel_removed=True)) as world:
        (world.root / "keep").touch()
        when = world.now + timedelta(days=1)
        world.drop("launch", "One", {}, when, (X, LINKEDIN), per_platform={LINKEDIN: {"content": "Two"}})
        world.run_until_rest()
        world.remove("launch")
        world.advance_time(1800)
        assert world.groups() == []
        assert {one.state for one in world.store.records()} <= {State.CANCELLED}


def test_a_renamed_folder_takes_its_parts_along(world: World) -> None:
    when = world.now + timedelta(days=1)
    world.drop("launch", "One", {}, when, (X, LINKEDIN), per_platform={LINKEDIN: {"content": "Two"}})
    world.run_until_rest()
    before = {group.id for group in world.groups()}
    (world.root / "launch").rename(world.root / "start")
    world.run_until_rest()
    assert {group.id for group in world.groups()} == before
    assert [(one.path, one.part) for one in world.store.records()] == [("start", ""), ("start", LINKEDIN)]


def test_a_copy_of_a_folder_is_held_with_all_its_parts(world: World) -> None:
    when = world.now + timedelta(days=1)
    world.drop("launch", "One", {}, when, (X, LINKEDIN), per_platform={LINKEDIN: {"content": "Two"}})
    world.run_until_rest()
    shutil.copytree(world.root / "launch", world.root / "copy")
    world.run_until_rest()
    assert len(world.groups()) == 2
    held = [one.error.code if one.error else None for one in world.store.records() if one.path == "copy"]
    assert held == ["COPY_OF", "COPY_OF"]


def test_the_status_file_speaks_of_each_part(world: World) -> None:
    when = world.now + timedelta(days=1)
    world.drop("launch", "One", {}, when, (X, LINKEDIN), per_platform={LINKEDIN: {"content": "Two"}})
    world.run_until_rest()
    text = (world.root / "launch" / "post.status.yaml").read_text()
    assert text.startswith("# Main part: Scheduled for ")
    said = yaml.safe_load(text)
    ids = {group.content: group.id for group in world.groups()}
    assert said["post_group_id"] == ids["One"]
    assert [(one["name"], one["post_group_id"]) for one in said["parts"]] == [("", ids["One"]), (LINKEDIN, ids["Two"])]


def test_a_part_that_failed_may_be_served_by_another(world: World) -> None:
    world.sandbox.behaviour = replace(
        world.sandbox.behaviour,
        publish_errors={LINKEDIN: {"code": "INVALID_CONTENT", "message": "no", "retryable": False}},
    )
    world.drop("launch", "One", {}, world.now + timedelta(minutes=10), (X, LINKEDIN))
    world.run_until_rest()
    world.advance_time(3600)
    assert world.state("launch") is State.PARTIALLY_PUBLISHED
    world.sandbox.behaviour = replace(world.sandbox.behaviour, publish_errors={})
    later = to_service(world.now + timedelta(days=1))
    entry = {LINKEDIN: {"content": "Two", "scheduled_time": later}}
    world.drop("launch", "One", {}, world.now - timedelta(minutes=50), (X, LINKEDIN), per_platform=entry)
    world.run_until_rest()
    assert standing(world) == {"Two": (LINKEDIN,)}


@pytest.mark.parametrize(
    ("entries", "code"),
    [
        ({"mastodon": {"content": "Two"}}, "NOT_AMONG_PLATFORMS"),
        ({"linkedin": {"content": "Two"}, LINKEDIN: {"content": "Three"}}, "TWO_ENTRIES"),
        ({"somewhere": {"content": "Two"}}, "UNKNOWN_ACCOUNT"),
        ({"all": {"content": "Two"}}, "UNKNOWN_ACCOUNT"),
        ({LINKEDIN: {"scheduled_time": "next"}}, "NEXT_IN_PART"),
        ({LINKEDIN: {}}, "NO_VALUE"),
        ({LINKEDIN: {"text": "Two"}}, "UNKNOWN_KEY"),
        ({LINKEDIN: {"content": "Two", "content_file": "two.txt"}}, "CONTENT_TWICE"),
    ],
)
def test_entries_that_make_no_sense_are_said_with_their_line(
    world: World, entries: dict[str, dict[str, str]], code: str
) -> None:
    world.drop("launch", "One", {}, world.now + timedelta(days=1), (X, LINKEDIN), per_platform=entries)
    world.run_until_rest()
    error = part(world, "").error
    assert error is not None
    assert error.code == code
    assert "post.yaml, line" in error.message
    assert world.groups() == []
