"""A folder settles by what is observed of it, whatever its clocks say."""

from __future__ import annotations

import json
import os
import time
from datetime import timedelta

import pytest

from postpost_sync.disk import probe
from tests.support.drops import picture, sidecar
from tests.support.rig import Rig, until
from tests.support.world import World
from tests.support.world import picture as small

DAY = 86400.0
CLOCKS: dict[
    str, float | None
] = {  # how far the files' clock is ahead of the service's; None: an mtime that stands still
    "its own": 0.0,
    "a day behind": -DAY,
    "a day ahead": DAY,
    "years ahead": 3000 * DAY,
    "preserved": None,
}


@pytest.mark.parametrize("ahead", CLOCKS.values(), ids=CLOCKS)
def test_a_folder_settles_by_what_is_observed_whatever_its_clock_says(world: World, ahead: float | None) -> None:
    """The settle time is 2 s; the file grows every second, and stalls for less than that in between."""
    time_of_it = world.now + timedelta(days=1)
    data = small(1)
    folder = world.drop("post", media={}, time=time_of_it)
    pieces = [data[at : at + 300] for at in range(0, len(data), 300)]
    written = b""
    for piece in pieces:
        written += piece
        (folder / "a.jpg").write_bytes(written)
        stamp = 1_000_000_000 if ahead is None else int(world.now.timestamp() + ahead)  # whole seconds, as FAT has
        os.utime(folder / "a.jpg", (stamp, stamp))
        world.look_around()
        world.advance_time(1.5)
        assert world.state("post") == "settling"
    assert world.groups() == []
    assert world.run_until_rest() <= 3.0
    world.once("post", "Fresh roast from the harbour", {"a.jpg": data}, time_of_it)


@pytest.mark.parametrize("media", [{}, {"a.jpg": small(1)}], ids=["text", "a picture"])
def test_what_reads_media_is_loaded_while_a_folder_with_some_settles(
    world: World, monkeypatch: pytest.MonkeyPatch, media: dict[str, bytes]
) -> None:
    loaded: list[str] = []
    monkeypatch.setattr(probe, "load", lambda: loaded.append(world.state("post")))
    world.drop("post", media=media, time=world.now + timedelta(days=1))
    world.look_around()
    world.run_until_rest()
    assert world.state("post") == "scheduled"
    assert loaded == ["settling"] * len(media)


def test_a_file_rewritten_in_place_with_its_old_time_is_seen(world: World) -> None:
    time_of_it = world.now + timedelta(days=1)
    folder = world.drop("post", media={"a.jpg": small(1)}, time=time_of_it)
    world.look_around()
    world.advance_time(1.5)
    before = (folder / "a.jpg").stat()
    data = small(1)[:-2] + b"\xff\xd9"
    time.sleep(0.01)  # the kernel's clock for ctime ticks every 4 ms
    (folder / "a.jpg").write_bytes(data)
    os.utime(folder / "a.jpg", ns=(before.st_atime_ns, before.st_mtime_ns))
    world.look_around()
    world.advance_time(1.5)
    assert world.groups() == []
    world.run_until_rest()
    world.once("post", "Fresh roast from the harbour", {"a.jpg": data}, time_of_it)


def test_the_settle_time_runs_anew_at_a_start(world: World) -> None:
    world.drop("post", time=world.now + timedelta(days=1))
    world.look_around()
    world.advance_time(1.5)
    world.restart()
    world.look_around()
    world.advance_time(1.5)
    assert world.groups() == []
    world.advance_time(1.0)
    assert [g.status for g in world.groups()] == ["scheduled"]


@pytest.mark.parametrize("name", [".a.jpg.Xy12Ab", "a.jpg.part", ".syncthing.a.jpg.tmp", "a.jpg.crdownload"])
def test_a_transfer_under_way_holds_its_folder_and_a_dead_one_does_not(world: World, name: str) -> None:
    folder = world.drop("post", time=world.now + timedelta(days=1))
    (folder / name).write_bytes(b"half")
    stamp = world.now.timestamp()
    os.utime(folder / name, (stamp, stamp))
    world.look_around()
    world.advance_time(100)
    assert (world.state("post"), world.code("post")) == ("settling", None)
    world.advance_time(1700)
    assert (world.groups(), world.state("post"), world.code("post")) == ([], "settling", "STILL_ARRIVING")
    world.advance_time(1900)
    assert [g.status for g in world.groups()] == ["scheduled"]


def test_a_transfer_that_goes_on_beyond_the_time_of_the_post_is_said(world: World) -> None:
    """And not that something else keeps changing."""
    folder = world.drop("post", time=world.now + timedelta(minutes=10))
    for _ in range(30):
        (folder / "a.mov.part").write_bytes(b"more")
        stamp = world.now.timestamp()
        os.utime(folder / "a.mov.part", (stamp, stamp))
        world.look_around()
        world.advance_time(60)
    assert (world.groups(), world.state("post"), world.code("post")) == ([], "invalid", "STILL_ARRIVING")


def test_a_temporary_that_is_renamed_into_place_lets_go(world: World) -> None:
    folder = world.drop("post", time=world.now + timedelta(days=1), media={})
    (folder / "a.jpg.part").write_bytes(small(1))
    stamp = world.now.timestamp()
    os.utime(folder / "a.jpg.part", (stamp, stamp))
    world.look_around()
    world.advance_time(60)
    assert world.groups() == []
    (folder / "a.jpg.part").rename(folder / "a.jpg")
    world.look_around()
    world.advance_time(65)
    (group,) = world.groups()
    assert (group.status, len(group.media)) == ("scheduled", 1)


def test_an_empty_file_is_waited_for_and_then_said(world: World) -> None:
    folder = world.drop("post", time=world.now + timedelta(days=1), media={"a.jpg": b""})
    world.look_around()
    world.advance_time(5)
    assert (world.state("post"), world.code("post")) == ("settling", "MEDIA_EMPTY")
    world.advance_time(30)
    assert (world.state("post"), world.code("post")) == ("invalid", "MEDIA_EMPTY")
    (folder / "a.jpg").write_bytes(small(1))
    world.run_until_rest()
    assert [g.status for g in world.groups()] == ["scheduled"]


def test_conflict_copies_are_a_warning_and_left_out(pp: Rig) -> None:
    data = picture()
    copies = ["a.sync-conflict-20261124-1.jpg", "a (Ann's conflicted copy 2026-11-24).jpg", "a (Case Conflict).jpg"]
    media = {name: picture(seed=n) for n, name in enumerate(copies)} | {"a.jpg": data}
    pp.drop("post", sidecar(platforms="[mastodon-109348]"), media)
    assert pp.run_once() == 0
    post = pp.post("post")
    assert [w["code"] for w in post["warnings"]] == ["CONFLICT_COPY"] * 3
    assert [m["file"] for m in post["media"]] == ["a.jpg"]
    assert json.dumps(post["warnings"]).count("conflict copy") == 3


@pytest.mark.parametrize("sign", ["b.jpg.nextcloud", ".b.jpg.icloud"])
def test_a_picture_whose_bytes_a_sync_client_takes_away_leaves_the_standing_post_alone(world: World, sign: str) -> None:
    time_of_it = world.now + timedelta(days=1)
    media = {"a.jpg": small(1), "b.jpg": small(2)}
    folder = world.drop("post", media=media, time=time_of_it)
    world.run_until_rest()
    (group,) = world.groups()
    (folder / "b.jpg").rename(folder / sign)
    (folder / sign).write_bytes(b"")
    world.look_around()
    world.run_until_rest()
    assert world.code("post") == "MEDIA_MISSING"
    assert world.groups() == [group]
    (folder / sign).unlink()
    (folder / "b.jpg").write_bytes(media["b.jpg"])
    world.look_around()
    world.run_until_rest()
    assert (world.state("post"), world.code("post")) == ("scheduled", None)
    assert world.groups() == [group]


def test_a_sidecar_that_is_only_announced_is_no_folder_that_was_removed(world: World) -> None:
    folder = world.drop("post", media={"a.jpg": small(1)}, time=world.now + timedelta(days=1))
    world.run_until_rest()
    (group,) = world.groups()
    (folder / "post.yaml").rename(folder / "post.yaml.nextcloud")
    world.look_around()
    world.advance_time(DAY / 24)
    assert world.groups() == [group]
    assert [w.code for w in world.record("post").warnings] == []


def test_a_post_that_may_lack_a_picture_waits_for_a_word_and_its_earlier_version_stands(world: World) -> None:
    media = {"a.jpg": small(1), "b.jpg": small(2)}
    folder = world.drop("post", media=media, time=world.now + timedelta(days=1))
    named, _, _ = (folder / "post.yaml").read_text().partition("media:")
    (folder / "post.yaml").write_text(named)
    world.look_around()
    world.run_until_rest()
    (group,) = world.groups()
    (folder / "b.jpg").rename(folder / "b.Conflict.jpg")
    world.look_around()
    world.run_until_rest()
    assert (world.state("post"), world.code("post"), world.groups()) == ("held", "ORIGINAL_MISSING", [group])
    (folder / "b.Conflict.jpg").rename(folder / "b.jpg")
    world.look_around()
    world.run_until_rest()
    assert (world.state("post"), world.groups()) == ("scheduled", [group])


def test_pictures_in_a_folder_inside_hold_a_text_post_until_a_person_says_so(pp: Rig) -> None:
    folder = pp.drop("post", sidecar(platforms="[mastodon-109348]"))
    (folder / "photos").mkdir()
    (folder / "photos" / "1.jpg").write_bytes(picture())
    assert pp.run_once() == 0
    post = pp.post("post")
    assert (post["state"], post["error"]["code"], pp.groups()) == ("held", "MEDIA_IN_SUBFOLDER", [])
    assert pp.command("retry", str(folder)) == 0
    assert pp.run_once() == 0
    assert [len(group.media) for group in pp.groups()] == [0]
    assert pp.run_once() == 0
    assert pp.post("post")["state"] == "scheduled"


@pytest.mark.parametrize("before", ["no folder", "an empty folder", "deeper"])
def test_pictures_that_come_later_in_a_folder_inside_are_said_of_a_post_that_stands(world: World, before: str) -> None:
    folder = world.drop("post", time=world.now + timedelta(days=1))
    inside = folder / "photos" / "best" if before == "deeper" else folder / "photos"
    if before != "no folder":
        inside.mkdir(parents=True)
    world.run_until_rest()
    (group,) = world.groups()
    assert (world.state("post"), world.record("post").warnings) == ("scheduled", ())
    inside.mkdir(parents=True, exist_ok=True)
    (inside / "1.jpg").write_bytes(small(1))
    world.run_until_rest()
    assert (world.state("post"), world.groups()) == ("scheduled", [group])
    assert [one.code for one in world.record("post").warnings] == ["MEDIA_IN_SUBFOLDER"]
    (inside / "1.jpg").rename(folder / "1.jpg")
    world.run_until_rest()
    assert (len(world.groups()[0].media), world.record("post").warnings) == (1, ())


def test_pictures_that_come_later_in_a_folder_inside_are_noticed_by_the_daemon(pp: Rig) -> None:
    folder = pp.drop("post", sidecar(platforms="[mastodon-109348]"))
    (folder / "photos").mkdir()
    with pp.daemon():
        pp.wait_for("post", "scheduled")
        (folder / "photos" / "1.jpg").write_bytes(picture())
        until(lambda: [one["code"] for one in pp.post("post")["warnings"]] == ["MEDIA_IN_SUBFOLDER"])


def test_a_file_of_which_nothing_was_written_yet_is_waited_for(world: World) -> None:
    """As aria2, rsync and torrents make room for a file: it has its length, and no bytes."""
    folder = world.drop("post", media={"a.jpg": small(1)}, time=world.now + timedelta(days=1))
    with (folder / "b.jpg").open("wb") as file:
        file.truncate(len(small(2)))
    sidecar = folder / "post.yaml"
    sidecar.write_text(sidecar.read_text().partition("media:")[0])
    world.run_until_rest(5)
    assert (world.state("post"), world.code("post"), world.groups()) == ("settling", "MEDIA_EMPTY", [])
    (folder / "b.jpg").write_bytes(small(2))
    world.run_until_rest()
    (group,) = world.groups("scheduled")
    assert len(group.media) == 2
