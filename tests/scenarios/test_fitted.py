"""Photos that fit: what would be refused is sent as a copy, exactly once as ever, whatever happens to the copy."""

from __future__ import annotations

import hashlib
import io
import itertools
import os
import shutil
import threading
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import av
import pytest
import yaml
from PIL import Image

from postpost_sync.disk import copies
from postpost_sync.ledger import troubles
from postpost_sync.model.record import Sent, Upload
from postpost_sync.model.states import State
from postpost_sync.sandbox import Fault, Group
from postpost_sync.sandbox.behaviour import CONNECTIONS
from tests.support.copies import counted
from tests.support.drops import sidecar
from tests.support.media_files import photo, video
from tests.support.rig import Rig
from tests.support.world import Killed, World, picture, quick_searches

TELEGRAM = next(one.platform_id for one in CONNECTIONS if one.platform == "telegram")
HEIC = photo("HEIF")
DAMAGED = HEIC[: HEIC.index(b"mdat") + 4].ljust(len(HEIC), b"\xff")
LARGE = photo("JPEG", (2400, 1200), quality=70)


def drop(world: World, files: dict[str, bytes], platforms: tuple[str, ...] = ("facebook-1001",), **more: Any) -> Path:
    return world.drop("trip", "Look", files, world.now + timedelta(days=1), platforms, **more)


def held(world: World, group: Group) -> list[bytes]:
    return [world.sandbox.read_object(media.id) for media in group.media]


def the_post(world: World) -> Group:
    """The one post that PostPost holds, scheduled and at rest."""
    (group,) = world.groups()
    record = world.record("trip")
    assert (group.status, record.state, record.error, record.done) == ("scheduled", State.SCHEDULED, None, True), record
    assert copies_there(world) == [], "a copy is kept until its post stands"
    return group


def uploads(world: World) -> tuple[Upload, ...]:
    return world.record("trip").groups[-1].uploads


def codes(world: World) -> list[str]:
    return [warning.code for warning in world.record("trip").warnings]


def copies_there(world: World) -> list[str]:
    place = Path(f"{world.state_db}.copies")
    return sorted(os.listdir(place)) if place.exists() else []


def test_a_heic_goes_out_as_a_jpeg(world: World) -> None:
    drop(world, {"IMG_0412.HEIC": HEIC})
    world.run_until_rest()
    group = the_post(world)
    (data,) = held(world, group)
    copy = Image.open(io.BytesIO(data))
    assert (copy.format, copy.size, dict(copy.getexif())) == ("JPEG", (400, 300), {})
    (one,) = uploads(world)
    assert (one.name, one.upload_name, one.content_type) == ("IMG_0412.HEIC", "IMG_0412.jpg", "image/jpeg")
    assert one.sent_as == Sent(1, len(data), 400, 300, "facebook-1001 takes JPEG up to 10.0 MB")
    assert one.sha256 == hashlib.sha256(HEIC).hexdigest(), "its identity is the original's"
    (fitted,) = [w for w in world.record("trip").warnings if w.code == "FITTED"]
    assert fitted.message.startswith("IMG_0412.HEIC is sent as IMG_0412.jpg (400 x 300 px, ")


def test_what_passes_goes_out_byte_for_byte(world: World) -> None:
    media = {"large.jpg": LARGE, "small.jpg": picture(1), "turned.jpg": photo("JPEG", orientation=6)}
    drop(world, media)
    world.run_until_rest()
    assert held(world, the_post(world)) == list(media.values())
    assert "FITTED" not in codes(world)


def test_of_several_platforms_the_strictest_counts_and_only_for_what_it_refuses(world: World) -> None:
    drop(world, {"large.jpg": LARGE, "small.jpg": picture(1)}, ("facebook-1001", "bluesky-harbour_coffee"))
    world.run_until_rest()
    large, small = held(world, the_post(world))
    assert small == picture(1)
    assert Image.open(io.BytesIO(large)).size == (2000, 1000)
    (fitted,) = [w for w in world.record("trip").warnings if w.code == "FITTED"]
    assert "bluesky-harbour_coffee takes JPEG up to 1.0 MB and 2,000 x 2,000 px" in fitted.message
    assert fitted.hint.startswith("an entry of its own for bluesky in per_platform spares the others")


def test_a_mov_goes_out_as_an_mp4_where_one_is_wanted(world: World) -> None:
    drop(world, {"harbour.mov": video("mov", turn=90)}, ("linkedin-ABC",))
    world.run_until_rest()
    (data,) = held(world, the_post(world))
    assert data.index(b"moov") < data.index(b"mdat"), "the index comes first"
    with av.open(io.BytesIO(data), "r", format="mp4") as file:
        assert [stream.codec_context.name for stream in file.streams] == ["h264", "aac"]
        assert len(list(file.decode(video=0))) == 10
    assert uploads(world)[0].upload_name == "harbour.mp4"
    assert "linkedin-ABC takes MP4" in world.record("trip").warnings[0].message


def test_of_a_live_photo_the_picture_is_sent_unless_the_video_is_named(world: World) -> None:
    folder = drop(world, {"IMG_2.HEIC": HEIC, "IMG_2.MOV": video("mov")}, ("facebook-1001",))
    sidecar = folder / "post.yaml"
    named = sidecar.read_text()
    sidecar.write_text(named.partition("media:")[0])
    world.run_until_rest()
    assert len(held(world, the_post(world))) == 1
    (left_out,) = [w for w in world.record("trip").warnings if w.code == "LIVE_PHOTO"]
    assert left_out.message == "IMG_2.MOV is the motion of IMG_2.HEIC (a live photo); it is left out"
    sidecar.write_text(f"{named.partition('media:')[0]}media: [IMG_2.MOV]\n")
    world.run_until_rest()
    assert held(world, the_post(world)) == [video("mov")]


def test_the_status_file_says_what_is_sent(world: World) -> None:
    folder = drop(world, {"IMG_0412.HEIC": HEIC})
    world.run_until_rest()
    said = yaml.safe_load((folder / "post.status.yaml").read_text())
    copy = said["sent_as"]["IMG_0412.HEIC"]
    assert (copy["file"], copy["content_type"], copy["width"], copy["height"]) == (
        "IMG_0412.jpg",
        "image/jpeg",
        400,
        300,
    )
    assert copy["size"] == the_post(world).media[0].size
    assert "FITTED" in [warning["code"] for warning in said["warnings"]]


def test_a_new_database_knows_a_fitted_post_again(world: World) -> None:
    drop(world, {"IMG_0412.HEIC": HEIC})
    world.run_until_rest()
    before = the_post(world)
    world.store.close()
    for path in world.state_db.parent.iterdir():
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    world.start()
    world.run_until_rest()
    assert the_post(world).id == before.id


def test_a_hundred_photos_hold_up_no_text(world: World) -> None:
    for number in range(3):
        world.drop(f"trip-{number}", "Look", {"IMG.HEIC": HEIC}, world.now + timedelta(days=1), ("facebook-1001",))
    world.drop("words", "Words", {}, world.now + timedelta(days=2), ("facebook-1001",))
    world.look_around()
    world.advance_time(2.5)
    done = next(at for at, name in enumerate(world.effects) if name == "update-post")
    assert "words" in [group.content.lower() for group in world.groups("scheduled")]
    assert done < world.effects.index("put-object"), "words go out while copies wait"


def test_fit_false_says_what_is_wrong_as_ever(world: World) -> None:
    drop(world, {"IMG_0412.HEIC": HEIC}, fit=False)
    world.run_until_rest()
    assert (world.state("trip"), world.code("trip")) == (State.INVALID, "NOT_MEDIA")
    world.policy = replace(world.policy, fit=False)
    world.restart()
    drop(world, {"IMG_0412.HEIC": HEIC})
    world.run_until_rest()
    assert (world.state("trip"), world.code("trip")) == (State.INVALID, "NOT_MEDIA")
    drop(world, {"IMG_0412.HEIC": HEIC}, fit=True)
    world.run_until_rest()
    the_post(world)


# --- what is an edit --------------------------------------------------------------------------------------------------


def test_a_touch_of_the_original_is_no_edit(world: World) -> None:
    folder = drop(world, {"IMG_0412.HEIC": HEIC})
    world.run_until_rest()
    before = the_post(world)
    os.utime(folder / "IMG_0412.HEIC", (1, 1))
    world.run_until_rest()
    assert the_post(world).id == before.id
    assert not [name for name in world.effects if name == "put-object"][1:]


@pytest.mark.parametrize("what", ["touched", "renamed"])
def test_an_original_that_is_touched_or_renamed_before_its_copy_was_sent_is_the_same(world: World, what: str) -> None:
    """It was looked at again and again without a pause, since it was not as the draft had been made of it."""
    world.unreachable["put-object"] = 99
    folder = drop(world, {"IMG_0412.HEIC": HEIC})
    world.run_until_rest(10)
    (before,) = world.groups("draft")
    world.unreachable.clear()
    if what == "touched":
        os.utime(folder / "IMG_0412.HEIC", (1, 1))
    else:
        drop(world, {"IMG_1.HEIC": HEIC})
    world.run_until_rest(600)
    assert the_post(world).id == before.id
    assert world.sandbox.count("put-object") == 1


def test_another_picture_of_the_same_name_is_an_edit(world: World) -> None:
    drop(world, {"IMG_0412.HEIC": HEIC})
    world.run_until_rest()
    before = the_post(world)
    drop(world, {"IMG_0412.HEIC": photo("HEIF", detail=31)})
    world.run_until_rest()
    assert the_post(world).id != before.id


def test_limits_that_need_another_copy_are_an_edit_and_others_are_none(world: World) -> None:
    folder = drop(world, {"IMG_0412.HEIC": HEIC})
    world.run_until_rest()
    before = the_post(world)
    for most, same in ((5_000_000, True), (10_000, False)):
        world.policy = replace(world.policy, limits={"facebook": {"image_bytes": most}})
        world.restart()
        os.utime(folder / "post.yaml", (most, most))  # a folder at rest is not looked into
        world.run_until_rest()
        assert (the_post(world).id == before.id) is same
    assert len(held(world, the_post(world))[0]) <= 10_000


def test_the_same_photo_as_another_copy_is_a_duplicate_all_the_same(world: World) -> None:
    for name, to, hour in (("one", ("facebook-1001", "bluesky-harbour_coffee"), 24), ("two", ("facebook-1001",), 26)):
        world.drop(name, "Look", {"large.jpg": LARGE}, world.now + timedelta(hours=hour), to)
        world.run_until_rest()
    assert [one.sent_as is None for one in world.record("two").groups[-1].uploads] == [True]
    assert "DUPLICATE_POST" in [warning.code for warning in world.record("two").warnings]


# --- what happens to the copy -----------------------------------------------------------------------------------------


def test_a_copy_that_is_lost_is_made_again_and_is_no_edit(world: World) -> None:
    world.sandbox.faults.add(Fault("put-object", "status", times=1))
    drop(world, {"IMG_0412.HEIC": HEIC})
    world.run_until_rest(2.5)  # it has settled, and what the store refused is sent again after 2 s
    (before,) = world.groups()
    assert len(copies_there(world)) == 1
    shutil.rmtree(f"{world.state_db}.copies")
    world.run_until_rest()
    assert the_post(world).id == before.id


def test_copies_of_folders_that_are_gone_are_removed_at_the_next_start(world: World) -> None:
    place = Path(f"{world.state_db}.copies")
    place.mkdir(parents=True)
    (place / "77-abc.jpg").write_bytes(b"x")
    world.restart()
    assert copies_there(world) == []


def test_a_damaged_picture_is_said_once_and_not_tried_again(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = counted(monkeypatch)
    drop(world, {"IMG_0412.HEIC": DAMAGED})
    world.run_until_rest()
    record = world.record("trip")
    assert (record.state, world.code("trip")) == (State.INVALID, "NOT_MEDIA"), record.error
    assert "NOT_FITTED" in codes(world)
    assert world.groups() == []
    assert copies_there(world) == []
    world.restart()
    world.run_until_rest()
    assert (world.state("trip"), asked.count("fit")) == (State.INVALID, 1)
    drop(world, {"IMG_0412.HEIC": HEIC})
    world.run_until_rest()
    the_post(world)


def test_of_several_files_that_cannot_be_fitted_each_is_named(world: World) -> None:
    drop(world, {"a.HEIC": DAMAGED, "b.HEIC": HEIC, "c.HEIC": DAMAGED, "d.jpg": picture(1)})
    world.run_until_rest()
    record = world.record("trip")
    assert record.state is State.INVALID
    named = [w.message.split()[0] for w in record.warnings if w.code == "NOT_FITTED"]
    assert named == ["a.HEIC", "c.HEIC"]
    assert [record.error, *record.warnings][0] is not None
    wrong = [record.error, *(w for w in record.warnings if w.is_error)]
    assert [one.message.split()[0] for one in wrong if one is not None] == ["a.HEIC", "c.HEIC"]
    world.restart()
    world.run_until_rest()
    assert world.record("trip").warnings == record.warnings
    drop(world, {"a.HEIC": HEIC, "b.HEIC": HEIC, "c.HEIC": DAMAGED, "d.jpg": picture(1)})
    world.run_until_rest()
    assert [w.message.split()[0] for w in world.record("trip").warnings if w.code == "NOT_FITTED"] == ["c.HEIC"]
    drop(world, {"a.HEIC": HEIC, "b.HEIC": HEIC, "c.HEIC": HEIC, "d.jpg": picture(1)})
    world.run_until_rest()
    assert len(the_post(world).media) == 4
    assert "NOT_FITTED" not in codes(world)


def test_a_single_pass_waits_for_room(pp: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(copies, "MOST", 1000)
    monkeypatch.setattr(troubles, "ROOM_AGAIN", 1.0)
    pp.drop("trip", sidecar(), {"IMG_0412.HEIC": HEIC})
    assert pp.run_once("3s") == 1
    assert "NO_ROOM_TO_FIT" in [one["code"] for one in pp.post("trip")["warnings"]]
    room = threading.Timer(2.0, monkeypatch.undo)
    room.start()
    assert pp.run_once("30s") == 0
    room.join()
    assert pp.post("trip")["state"] == "scheduled"


def test_without_room_the_old_error_is_said_until_there_is_some(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(copies, "MOST", 1000)
    drop(world, {"large.jpg": LARGE}, ("bluesky-harbour_coffee",))
    world.run_until_rest(30)
    assert (world.state("trip"), world.code("trip")) == (State.INVALID, "IMAGE_TOO_WIDE")
    assert codes(world)[0] == "NO_ROOM_TO_FIT"
    assert world.record("trip").retry_at is not None
    monkeypatch.undo()
    world.run_until_rest()
    the_post(world)


def test_a_kill_at_any_moment_leaves_exactly_one_post(tmp_path: Path) -> None:
    with quick_searches():
        for moment in itertools.count(1):
            place = tmp_path / str(moment)
            place.mkdir()
            with World(place) as world:
                drop(world, {"IMG_0412.HEIC": HEIC, "small.jpg": picture(1)})
                world.kill_at(moment)
                try:
                    world.run_until_rest()
                    killed = False
                except Killed:
                    killed = True
                    world.restart()
                    world.run_until_rest()
                fitted, small = held(world, the_post(world))
                assert Image.open(io.BytesIO(fitted)).size == (400, 300)
                assert small == picture(1)
                if not killed:
                    break
    assert moment > 15, "the effects were not found"


def test_parts_that_send_the_same_copy_have_it_made_once(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = counted(monkeypatch)
    other = {"telegram": {"content": "Other words"}}
    drop(world, {"IMG_0412.HEIC": HEIC}, ("facebook-1001", TELEGRAM), per_platform=other)
    world.run_until_rest()
    first, second = (held(world, group) for group in world.groups("scheduled"))
    assert first == second
    assert asked.count("fit") == 1
    assert copies_there(world) == []
