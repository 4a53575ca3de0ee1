"""Which post a folder is: lost databases, copies, moves, other installations, and status files that lie."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from tests.support.drops import picture, sidecar
from tests.support.mounting import mounted
from tests.support.rig import FAR, Rig, rig
from tests.support.world import World
from tests.support.world import picture as small


@pytest.fixture
def pp(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Iterator[Rig]:
    with rig(tmp_path, capsys) as one:
        assert one.run_once() == 0
        yield one


def lose_the_database(pp: Rig) -> None:
    shutil.rmtree(pp.state_db.parent)


def writes(pp: Rig) -> Counter[str]:
    """The calls that change something at PostPost."""
    reading = {"list-posts", "get-post", "platform-connections", "platform-limits"}
    return Counter(call.name for call in pp.sandbox.calls if call.name not in reading)


@pytest.mark.parametrize("keep_status_files", [True, False], ids=["with status files", "without"])
def test_a_lost_database_posts_nothing_a_second_time(pp: Rig, keep_status_files: bool) -> None:
    """Without status files a text is known by its looks. Which pictures a post has PostPost does not show: a person says."""
    for n in range(3):
        pp.drop(f"p{n}", sidecar(f"post {n}"), {f"{m}.jpg": picture(seed=m) for m in range(n)})
    assert pp.run_once() == 0
    before, groups = writes(pp), pp.groups()
    lose_the_database(pp)
    if not keep_status_files:
        for file in pp.root.glob("*/post.status.yaml"):
            file.unlink()
    assert pp.run_once() == 0
    assert (writes(pp), pp.groups()) == (before, groups)
    if keep_status_files:
        assert {p["state"] for p in pp.status()["posts"]} == {"scheduled"}
        assert {p["post_group_id"] for p in pp.status()["posts"]} == {g.id for g in groups}
    else:
        assert [p["state"] for p in pp.status()["posts"]] == ["scheduled", "held", "held"]
        assert {p["error"]["code"] for p in pp.status()["posts"] if p["error"]} == {"MAYBE_POSTED"}
    (pp.root / "p2" / "0.jpg").touch()
    assert pp.run_once() == 0
    assert writes(pp) == before


def test_a_draft_is_known_again_by_its_status_file(pp: Rig) -> None:
    pp.drop("draft", sidecar(time=None), {"a.jpg": picture()})
    assert pp.run_once() == 0
    before, (group,) = writes(pp), pp.groups()
    lose_the_database(pp)
    assert pp.run_once() == 0
    assert (writes(pp), pp.post("draft")["post_group_id"]) == (before, group.id)


def test_a_time_that_was_changed_after_the_database_was_lost_is_moved(pp: Rig) -> None:
    pp.drop("post", sidecar())
    assert pp.run_once() == 0
    (group,) = pp.groups()
    lose_the_database(pp)
    pp.drop("post", sidecar(time="2031-05-05 10:00"))
    assert pp.run_once() == 0
    assert [(g.id, g.scheduled_time.isoformat() if g.scheduled_time else "") for g in pp.groups()] == [
        (group.id, "2031-05-05T10:00:00+00:00")
    ]


def test_a_text_that_was_changed_after_the_database_was_lost_is_held(pp: Rig) -> None:
    folder = pp.drop("post", sidecar("old"))
    assert pp.run_once() == 0
    groups = pp.groups()
    lose_the_database(pp)
    pp.drop("post", sidecar("new"))
    assert pp.run_once() == 0
    post = pp.post("post")
    assert (post["state"], post["error"]["code"]) == ("held", "EARLIER_POST_DIFFERS")
    assert groups[0].id in post["error"]["message"]
    assert pp.groups() == groups
    assert pp.command("retry", str(folder)) == 0
    assert pp.run_once() == 0
    assert [g.content for g in pp.groups()] == ["old", "new"]  # a person said so; the old one is theirs to delete


def test_an_exact_copy_waits_for_a_word_and_a_changed_one_is_a_new_post(pp: Rig) -> None:
    folder = pp.drop("post", sidecar(), {"a.jpg": picture()})
    assert pp.run_once() == 0
    shutil.copytree(folder, pp.root / "copy")
    shutil.copytree(folder, pp.root / "reworked")
    pp.drop("reworked", sidecar(time="2031-06-06 10:00"))
    assert pp.run_once() == 0
    assert pp.post("copy")["error"]["code"] == "COPY_OF"
    assert pp.post("copy")["state"] == "held"
    assert pp.post("reworked")["state"] == "scheduled"
    assert len(pp.groups()) == 2
    assert pp.command("retry", str(pp.root / "copy")) == 0
    assert pp.run_once() == 0
    assert len({p["post_group_id"] for p in pp.status()["posts"]}) == 3


def test_two_folders_that_merely_look_alike_are_two_posts(pp: Rig) -> None:
    pp.drop("a", sidecar())
    pp.drop("b", sidecar())
    assert pp.run_once() == 0
    assert [g.status for g in pp.groups()] == ["scheduled", "scheduled"]


def test_a_folder_that_was_moved_and_edited_while_nobody_looked_is_replaced(pp: Rig) -> None:
    folder = pp.drop("2026/post", sidecar("old"))
    assert pp.run_once() == 0
    (old,) = pp.groups()
    shutil.copytree(folder, pp.root / "elsewhere")  # other inodes, as after a sync to another disk
    shutil.rmtree(folder)
    pp.drop("elsewhere", sidecar("new"))
    assert pp.run_once() == 0
    (group,) = pp.groups()
    assert (group.content, group.status) == ("new", "scheduled")
    assert pp.post("elsewhere")["previous_post_group_ids"] == [old.id]


@pytest.mark.parametrize("status_files", [True, False], ids=["with status files", "without"])
@pytest.mark.parametrize(
    ("was", "becomes"),
    [("posts", "news"), ("posts", "."), (".", "posts")],
    ids=["renamed", "the folder around it", "a folder within it"],
)
def test_a_root_by_another_path_brings_its_posts_along(pp: Rig, was: str, becomes: str, status_files: bool) -> None:
    place = pp.place / "disk"
    folders, pp.root = place / "posts", place / was
    pp.configure()
    for name in ("one", "two"):
        pp.drop(str(folders / name), sidecar(name), {"a.jpg": picture()})
    assert pp.run_once() == 0
    before, groups = writes(pp), pp.groups()
    assert len(groups) == 2
    if not status_files:
        for file in folders.rglob("post.status.yaml"):
            file.unlink()
    if becomes == "news":
        folders = folders.rename(place / "news")
    pp.root = place / becomes
    pp.configure()
    assert pp.run_once() == 0
    assert (writes(pp), pp.groups()) == (before, groups)
    found = {(post["folder"], post["state"], post["post_group_id"]) for post in pp.status()["posts"]}
    assert found == {(str(folders / group.content), "scheduled", group.id) for group in groups}


def test_a_root_that_was_copied_to_where_it_is_now_brings_its_posts_along_once(pp: Rig) -> None:
    """As to another server: the old one is there for a while, and nobody watches it any more."""
    pp.drop("post", sidecar(), {"a.jpg": picture()})
    assert pp.run_once() == 0
    before, (group,), old = writes(pp), pp.groups(), pp.root
    for name in ("once", "twice"):
        shutil.copytree(old, pp.place / "new" / name)
    pp.root = pp.place / "new"
    pp.configure()
    assert pp.run_once() == 0
    found = {post["folder"]: post for post in pp.status()["posts"]}
    assert found[str(pp.root / "once/post")]["post_group_id"] == group.id
    copy = found[str(pp.root / "twice/post")]
    assert (copy["state"], copy["error"]["code"]) == ("held", "COPY_OF")
    assert writes(pp) == before


@pytest.mark.parametrize("on_remove", ["keep", "cancel"])
@pytest.mark.parametrize("last", ["post.status.yaml", "post.yaml", "the removal"])
def test_a_folder_moved_to_another_disk_is_the_same_however_slowly_it_goes(
    world: World, on_remove: str, last: str
) -> None:
    """File by file, then it is removed where it was. The daemon sees every step of it."""
    world.policy = replace(world.policy, cancel_removed=on_remove == "cancel")
    world.restart()
    time_of_it = world.now + timedelta(days=1)
    data = {"a.jpg": small(1)}
    was = world.drop("a", "moved", data, time_of_it)
    world.drop("beside", "another text", time=world.now + timedelta(days=2))
    world.run_until_rest()
    ids = {group.content: group.id for group in world.groups()}
    (world.root / "b").mkdir()
    for name in sorted(["post.yaml", "a.jpg", "post.status.yaml"], key=lambda name: name == last):
        shutil.copy2(was / name, world.root / "b" / name)
        world.look_around()
        world.advance_time(1)
    if last == "the removal":
        world.advance_time(60)
        assert (world.state("b"), world.code("b")) == ("held", "COPY_OF")
    world.remove("a")
    world.run_until_rest()
    world.advance_time(7200)
    assert world.once("b", "moved", data, time_of_it, frozenset([ids["another text"]])).id == ids["moved"]
    assert [record.path for record in world.store.records()] == ["b", "beside"]


def test_a_copy_takes_no_post_from_a_folder_whose_sidecar_is_being_written(world: World) -> None:
    original = world.drop("a", time=world.now + timedelta(days=1))
    world.run_until_rest()
    shutil.copytree(original, world.root / "b")
    world.run_until_rest()
    (original / "post.yaml").rename(original / "post.yaml~")
    world.look_around()
    for record in world.store.records():
        world.wake(record.key, 0.0)
    world.advance_time(5)
    (original / "post.yaml~").rename(original / "post.yaml")
    world.run_until_rest()
    assert {record.path: record.state for record in world.store.records()} == {"a": "scheduled", "b": "held"}


def test_a_copy_whose_status_file_comes_last_waits_for_a_word(world: World) -> None:
    original = world.drop("a", time=world.now + timedelta(days=1))
    world.run_until_rest()
    (world.root / "b").mkdir()
    for name in ("post.yaml", "post.status.yaml"):
        shutil.copy2(original / name, world.root / "b" / name)
        world.look_around()
        world.advance_time(1)
    world.run_until_rest()
    assert (world.state("b"), world.code("b"), len(world.groups())) == ("held", "COPY_OF", 1)


def test_a_copy_of_what_lies_on_a_disk_that_is_away_is_a_copy(world: World) -> None:
    """That its place is empty says nothing: it is where it was, and comes back with the disk."""
    with mounted(world.root / "disk") as unmount:
        world.drop("disk/post", time=world.now + timedelta(days=1))
        world.drop("beside", "another text", time=world.now + timedelta(days=2))
        world.run_until_rest()
        before = [group.id for group in world.groups()]
        shutil.copytree(world.root / "disk/post", world.root / "copy")
        unmount()
        world.run_until_rest()
        assert (world.state("copy"), world.code("copy")) == ("held", "COPY_OF")
        assert world.state("disk/post") == "scheduled"
        assert [group.id for group in world.groups()] == before


def test_a_folder_of_another_installation_waits_until_it_is_adopted(pp: Rig) -> None:
    folder = pp.drop("post", sidecar())
    assert pp.run_once() == 0
    before, status_file = writes(pp), (folder / "post.status.yaml").read_text()
    lose_the_database(pp)
    other = pp.state_db
    pp.state_db = pp.place / "other" / "state.db"
    pp.configure()
    assert pp.run_once() == 0
    post = pp.post("post")
    assert (post["state"], post["error"]["code"], writes(pp)) == ("held", "OTHER_DAEMON", before)
    assert (folder / "post.status.yaml").read_text() == status_file
    assert pp.command("adopt", str(folder)) == 0
    assert pp.run_once() == 0
    assert (pp.post("post")["state"], writes(pp)) == ("scheduled", before)
    assert other != pp.state_db


def test_a_planted_status_file_reaches_nobody_elses_post(pp: Rig) -> None:
    victim = pp.drop("victim", sidecar("mine"), {"a.jpg": picture()})
    assert pp.run_once() == 0
    groups = pp.groups()
    planted = pp.drop("planted", sidecar("theirs"))
    text = (victim / "post.status.yaml").read_text()
    (planted / "post.status.yaml").write_text(text)  # the victim's folder_id and post_group_id
    (pp.root / "planted2").mkdir()
    lines = [line for line in text.splitlines() if not line.startswith("folder_id")]
    (pp.root / "planted2" / "post.status.yaml").write_text(
        "\n".join([*lines, "folder_id: 00000000-0000-0000-0000-000000000000"])
    )
    pp.drop("planted2", sidecar("theirs too"))
    assert pp.run_once() == 0
    assert [g for g in pp.groups() if g.content == "mine"] == groups
    assert sorted(g.content for g in pp.groups(status="scheduled")) == ["mine", "theirs", "theirs too"]
    assert pp.sandbox.deleted() == ()


@pytest.mark.parametrize(
    "text", ["", "[", "folder_id: [a]\n", "folder_id: ../../x\npost_group_id: '0'\n", "\0\0", "a: &a [*a]\n"]
)
def test_a_broken_status_file_is_no_obstacle(pp: Rig, text: str) -> None:
    folder = pp.root / "post"
    folder.mkdir()
    (folder / "post.status.yaml").write_text(text)
    pp.drop("post")
    assert pp.run_once() == 0
    assert pp.post("post")["state"] in ("scheduled", "held")


def test_a_status_file_that_is_a_link_is_replaced_not_followed(pp: Rig) -> None:
    folder = pp.root / "post"
    folder.mkdir()
    outside = pp.place / "outside"
    outside.write_text("precious")
    (folder / "post.status.yaml").symlink_to(outside)
    pp.drop("post", sidecar(time=FAR))
    assert pp.run_once() == 0
    assert outside.read_text() == "precious"
    assert not (folder / "post.status.yaml").is_symlink()
