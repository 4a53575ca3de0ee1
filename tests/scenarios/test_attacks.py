"""Folders from people who are not wholly trusted: nothing outside a post folder is ever sent, and nobody else is held up.

All that can lie there from the start is dropped into one root, beside good posts, and the real program runs once. What
is swapped in the middle is swapped between two steps of a world whose clock is turned by hand.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import socket
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from postpost_sync.disk import scan
from postpost_sync.disk.scan import MAX_DEPTH
from postpost_sync.model.errors import printable
from postpost_sync.model.states import State
from tests.support.drops import picture, sent, sidecar
from tests.support.rig import REPOSITORY, Rig, rig
from tests.support.world import World
from tests.support.world import picture as small

pytestmark = pytest.mark.xdist_group("attacks")  # laid out and served once, by the first

ROOT = os.geteuid() == 0
SECRET = picture(seed=4711)  # a picture that lies outside of every post folder
SECRET_TEXT = "plainly secret words"
OWN = picture(seed=1)
MEGABYTE = "m" * 1_000_000
MANY = ", ".join(f"{n:x}" for n in range(100_000))
SETTINGS = ", ".join(f"k{n}: {{a: b}}" for n in range(20_000))
BIDI = "\u202e"  # right-to-left override
RAW_CONTROL = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")


@dataclass(frozen=True)
class Place:
    """Where an attacker may write (`folder`), and what he would like to have sent (`outside`)."""

    folder: Path
    outside: Path


def post(place: Place, more: str = "", content: str | None = None) -> None:
    words = json.dumps(content or printable(f"attack {place.folder.name}"))
    (place.folder / "post.yaml").write_text(sidecar(words, more=more))


def link(place: Place, target: str, name: str = "a.jpg", more: str = "") -> None:
    post(place, more)
    (place.folder / name).symlink_to(target)


def instead(place: Place, name: str, make: Callable[[Path], object]) -> None:
    post(place)
    make(place.folder / name)


def unix_socket(path: Path) -> None:
    before = Path.cwd()
    os.chdir(path.parent)
    try:
        with socket.socket(socket.AF_UNIX) as server:
            server.bind(path.name)
    finally:
        os.chdir(before)


def sidecar_link(place: Place) -> None:
    (place.outside / "post.yaml").write_text(sidecar(SECRET_TEXT))
    (place.folder / "post.yaml").symlink_to(place.outside / "post.yaml")


def content_file(place: Place, target: str) -> None:
    (place.folder / "post.yaml").write_text(
        "content_file: caption.txt\nplatforms: [facebook-1001]\nscheduled_time: 2031-03-04 10:00\n"
    )
    (place.folder / "caption.txt").symlink_to(target)


def content_path(place: Place, path: str) -> None:
    text = f"content_file: {json.dumps(path)}\nplatforms: [facebook-1001]\nscheduled_time: 2031-03-04 10:00\n"
    (place.folder / "post.yaml").write_text(text)


def sparse(place: Place) -> None:
    post(place)
    with (place.folder / "big.jpg").open("wb") as file:
        file.write(OWN)
        file.truncate(600 * 1024 * 1024)


def hard_link(place: Place) -> None:
    post(place)
    (place.folder / "own.jpg").hardlink_to(place.outside / "shared.jpg")


def odd_names(place: Place) -> None:
    post(place)
    names: list[bytes] = [b"new\nline.jpg", b"\x1b[31mred.jpg", BIDI.encode() + b"gpj.exe.jpg", b"\xff\xfe.jpg"]
    for n, name in enumerate([*names, b"l" * 251 + b".jpg", b"-rf.jpg", b"%s{}$(id).jpg"]):
        (place.folder / os.fsdecode(name)).write_bytes(picture(seed=n))


def two_sidecars(place: Place) -> None:
    post(place)
    (place.folder / "POST.YAML").write_text(sidecar("the other"))


def status_link(place: Place, name: str) -> None:
    post(place)
    (place.folder / name).symlink_to(place.outside / "victim.txt")


def status_folder(place: Place) -> None:
    post(place)
    (place.folder / "post.status.yaml/inner").mkdir(parents=True)


def forged_status(place: Place, state: str) -> None:
    post(place)
    told = f'state: "{state}"\npath: ../../outside\nfolder_id: ../../../etc/passwd\npost_group_id: "{"0" * 24}"\n'
    (place.folder / "post.status.yaml").write_text(told)


def crowd(place: Place) -> None:
    post(place, "media: [0.jpg]\n")
    (place.folder / "0.jpg").write_bytes(OWN)
    for n in range(20_000):
        os.close(os.open(place.folder / f"{n}.txt", os.O_CREAT | os.O_WRONLY))


def pages(place: Place) -> None:
    post(place)
    for n in range(1000):
        (place.folder / f"{n}.jpg").write_text("<html>")


def only_media(place: Place) -> None:
    (place.folder / "post.yaml").mkdir()
    (place.folder / "post.yaml/a.jpg").write_bytes(OWN)


INVALID, SCHEDULED, SETTLING = "invalid", "scheduled", "settling"
Row = tuple[Callable[[Place], object], str | None, str | None]
ATTACKS: dict[str, Row] = {  # what is laid there, the state it ends in (None: it is no post), and the error's code
    "file link, absolute": (lambda p: link(p, str(p.outside / "secret.jpg")), INVALID, "MEDIA_NOT_A_FILE"),
    "file link, relative": (lambda p: link(p, "../../outside/secret.jpg"), INVALID, "MEDIA_NOT_A_FILE"),
    "file link, named": (
        lambda p: link(p, "../../outside/secret.jpg", more="media: [a.jpg]\n"),
        INVALID,
        "MEDIA_NOT_A_FILE",
    ),
    "file link, within": (lambda p: link(p, "post.yaml"), INVALID, "MEDIA_NOT_A_FILE"),
    "file link, dangling": (lambda p: link(p, "nowhere"), INVALID, "MEDIA_NOT_A_FILE"),
    "file link to itself": (lambda p: link(p, "a.jpg"), INVALID, "MEDIA_NOT_A_FILE"),
    "file link into proc": (lambda p: link(p, "/proc/self/environ"), INVALID, "MEDIA_NOT_A_FILE"),
    "folder link": (lambda p: link(p, str(p.outside), more="media: [a.jpg]\n"), INVALID, "MEDIA_NOT_A_FILE"),
    "sidecar link": (sidecar_link, INVALID, "SIDECAR_NOT_A_FILE"),
    "content_file link": (lambda p: content_file(p, "../../outside/secret.txt"), INVALID, "CONTENT_NOT_A_FILE"),
    "content_file link to a device": (lambda p: content_file(p, "/dev/zero"), INVALID, "CONTENT_NOT_A_FILE"),
    "content_file traversal": (lambda p: content_path(p, "../../outside/secret.txt"), INVALID, "NOT_A_PLAIN_NAME"),
    "content_file absolute": (lambda p: content_path(p, str(p.outside / "secret.txt")), INVALID, "NOT_A_PLAIN_NAME"),
    "media traversal": (lambda p: post(p, "media: [../../outside/secret.jpg]\n"), INVALID, "NOT_A_PLAIN_NAME"),
    "media absolute": (lambda p: post(p, f"media: [{p.outside}/secret.jpg]\n"), INVALID, "NOT_A_PLAIN_NAME"),
    "media upwards": (lambda p: post(p, "media: [..]\n"), INVALID, "NOT_A_PLAIN_NAME"),
    "media with NUL": (lambda p: post(p, 'media: ["a\\0.jpg"]\n'), INVALID, None),
    "media with backslashes": (
        lambda p: post(p, 'media: ["..\\\\..\\\\outside\\\\secret.jpg"]\n'),
        INVALID,
        "NOT_A_PLAIN_NAME",
    ),
    "media with an escape": (lambda p: post(p, f'media: ["\\e[31m{BIDI}.jpg"]\n'), INVALID, None),
    "media that is the sidecar": (lambda p: post(p, "media: [post.yaml]\n"), INVALID, "NOT_MEDIA"),
    "pipe": (lambda p: instead(p, "a.jpg", os.mkfifo), INVALID, "MEDIA_NOT_A_FILE"),
    "socket": (lambda p: instead(p, "a.jpg", unix_socket), INVALID, "MEDIA_NOT_A_FILE"),
    "sidecar that is a pipe": (lambda p: os.mkfifo(p.folder / "post.yaml"), INVALID, "SIDECAR_NOT_A_FILE"),
    "sidecar that is a folder": (only_media, None, None),
    "two sidecars": (two_sidecars, INVALID, "TWO_SIDECARS"),
    "sparse file": (sparse, INVALID, "MEDIA_TOO_LARGE"),
    "hard link": (hard_link, SCHEDULED, None),
    "odd names": (odd_names, SCHEDULED, None),
    "status file that is a link": (lambda p: status_link(p, "post.status.yaml"), SCHEDULED, None),
    "status file's temporary that is a link": (lambda p: status_link(p, ".post.status.yaml.tmp"), SCHEDULED, None),
    "status file that is a folder": (status_folder, SCHEDULED, None),
    "status file of nobody": (lambda p: forged_status(p, "scheduled"), "held", "OTHER_DAEMON"),
    "status file with an escape": (lambda p: forged_status(p, f"\\e[31m{BIDI}"), SCHEDULED, None),
    "a megabyte of a zone": (lambda p: post(p, f"timezone: {MEGABYTE}\n"), INVALID, "BAD_TIMEZONE"),
    "a megabyte of a name": (lambda p: post(p, f"media: [{MEGABYTE}]\n"), INVALID, "NAME_TOO_LONG"),
    "a megabyte of a text file's name": (lambda p: content_path(p, MEGABYTE), SETTLING, "MEDIA_MISSING"),
    "a megabyte of names": (lambda p: post(p, f"media: [{MANY}]\n"), INVALID, "LIST_TOO_LONG"),
    "a megabyte of settings": (lambda p: post(p, f"platform_settings: {{{SETTINGS}}}\n"), SCHEDULED, None),
    "a thousand pages": (pages, INVALID, "NOT_MEDIA"),
    "twenty thousand files": (crowd, SCHEDULED, None),
    "\x1b[31mred\x1b[0m": (post, SCHEDULED, None),
    "new\nline state=published": (post, SCHEDULED, None),
    f"{BIDI}gpj.exe": (post, SCHEDULED, None),
    os.fsdecode(b"caf\xe9"): (post, SCHEDULED, None),
    "l" * 255: (post, SCHEDULED, None),
    "-rf": (post, SCHEDULED, None),
    "%(levelname)s {0} $(id)": (post, SCHEDULED, None),
}
if ROOT:
    ATTACKS["device"] = (
        lambda p: instead(p, "a.jpg", lambda path: os.mknod(path, stat.S_IFCHR | 0o666, os.makedev(1, 5))),
        INVALID,
        "MEDIA_NOT_A_FILE",
    )


@dataclass(frozen=True)
class Ran:
    pp: Rig
    outside: Path
    status: int
    output: str
    report: dict[str, Any]

    def post(self, name: str) -> dict[str, Any] | None:
        shown = printable(str(self.pp.root / name))
        return next((p for p in self.report["posts"] if p["folder"] == shown), None)


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ran]:
    place = tmp_path_factory.mktemp("attacks")
    with rig(place) as pp:
        outside = place / "outside"
        outside.mkdir()
        (outside / "secret.jpg").write_bytes(SECRET)
        (outside / "secret.txt").write_text(SECRET_TEXT)
        (outside / "victim.txt").write_text("untouched")
        (outside / "shared.jpg").write_bytes(picture(seed=2))
        (outside / "hidden").mkdir()
        (outside / "hidden/post.yaml").write_text(sidecar(SECRET_TEXT))
        for name, (lay, *_) in ATTACKS.items():
            folder = pp.root / name
            folder.mkdir()
            lay(Place(folder, outside))
        (pp.root / "linked post").symlink_to(outside / "hidden")
        (pp.root / "linked above").symlink_to(outside)
        (pp.root / "loop").symlink_to(pp.root)
        for depth in (MAX_DEPTH - 10, 100):
            pp.drop("/".join([f"deep{depth}", *["d"] * (depth - 1)]), sidecar(f"depth {depth}"))
        for name in ("a good one", "zz a good one"):
            pp.drop(name, sidecar(name), {"own.jpg": OWN})
        output, status = "", 0
        for command in (["run", "--once", "--wait", "5m"], ["check", "--offline"], ["status"], ["status", "--json"]):
            done = subprocess.run(
                [sys.executable, "-m", "postpost_sync", "-c", str(pp.config), *command],
                cwd=REPOSITORY,
                env={"PATH": os.environ["PATH"], "HOME": str(place), "PYTHONWARNINGS": "error", "LC_ALL": "C.UTF-8"},
                capture_output=True,
                timeout=400,
            )
            status = done.returncode if command[0] == "run" else status
            output += done.stdout.decode() + done.stderr.decode()
        yield Ran(pp, outside, status, output, json.loads(done.stdout))


def test_nothing_from_outside_is_sent(ran: Ran) -> None:
    groups = ran.pp.groups()
    held = {media.sha256 for group in groups for media in group.media}
    assert hashlib.sha256(OWN).hexdigest() in held
    assert hashlib.sha256(SECRET).hexdigest() not in held
    assert not [group for group in groups if SECRET_TEXT in group.content]
    assert SECRET_TEXT not in ran.output


def test_the_others_go_on_and_the_end_says_that_some_need_a_person(ran: Ran) -> None:
    assert ran.status == 1
    for name in ("a good one", "zz a good one"):
        (group,) = ran.pp.groups(content=name)
        assert (group.status, sent(group)) == ("scheduled", [hashlib.sha256(OWN).hexdigest()])


@pytest.mark.parametrize("name", ATTACKS, ids=lambda name: printable(name)[:40])
def test_each_ends_in_a_state_that_its_owner_can_see(ran: Ran, name: str) -> None:
    _, state, code = ATTACKS[name]
    shown = ran.post(name)
    if state is None:
        assert shown is None
        return
    assert shown is not None
    assert (shown["state"], (shown["error"] or {}).get("code")) == (state, code or (shown["error"] or {}).get("code"))
    assert (shown["error"] is not None) == (state != SCHEDULED)


def test_what_lies_behind_a_link_or_too_deep_is_no_post(ran: Ran) -> None:
    folders = [p["folder"].removeprefix(f"{ran.pp.root}/") for p in ran.report["posts"]]
    assert not [f for f in folders if f.startswith(("linked", "loop"))]
    deep = ["/".join([f"deep{depth}", *["d"] * (min(depth, MAX_DEPTH + 1) - 1)]) for depth in (100, 54)]
    assert sorted(f for f in folders if f.startswith("deep")) == sorted(deep)
    shown = ran.post(deep[0])
    assert shown is not None
    assert (shown["state"], shown["error"]["code"]) == ("invalid", "FOLDER_TOO_DEEP")


def test_no_name_reaches_the_output_raw_and_nothing_is_a_traceback(ran: Ran) -> None:
    assert RAW_CONTROL.search(ran.output) is None
    assert not any("\ud800" <= c <= "\udfff" for c in ran.output)
    assert "Traceback" not in ran.output
    assert "defect" not in ran.output
    assert "\nline state=published" not in ran.output
    assert max(map(len, ran.output.splitlines())) < 20_000


def test_no_name_reaches_a_status_file_raw(ran: Ran) -> None:
    written = [file for file in ran.pp.root.rglob("post.status.yaml") if file.is_file()]
    assert len(written) > 20
    for file in written:
        text = file.read_text(encoding="utf-8")
        assert RAW_CONTROL.search(text) is None
        assert len(text) < 64 * 1024


def test_a_link_in_place_of_the_status_file_leads_nowhere(ran: Ran) -> None:
    assert (ran.outside / "victim.txt").read_text() == "untouched"
    for name in ("status file that is a link", "status file's temporary that is a link"):
        folder = ran.pp.root / name
        assert not (folder / "post.status.yaml").is_symlink()
        assert "Scheduled for" in (folder / "post.status.yaml").read_text()
        assert sorted(os.listdir(folder)) == ["post.status.yaml", "post.yaml"]


def test_names_that_nobody_can_type_are_sent_under_plain_ones(ran: Ran) -> None:
    (group,) = ran.pp.groups(content="attack odd names")
    assert len(group.media) == 7
    assert len({media.file_name for media in group.media}) == 7
    assert all(re.fullmatch(r"[A-Za-z0-9._-]{1,110}", media.file_name) for media in group.media)
    assert set(sent(group)) == {hashlib.sha256(picture(seed=n)).hexdigest() for n in range(7)}


def test_a_hard_link_is_a_file_of_the_folder(ran: Ran) -> None:
    (group,) = ran.pp.groups(content="attack hard link")
    assert sent(group) == [hashlib.sha256(picture(seed=2)).hexdigest()]


# --- swapped in the middle --------------------------------------------------------------------------------------------


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with World(tmp_path) as one:
        (tmp_path / "outside").mkdir()
        for name in ("a.jpg", "post.yaml"):
            (tmp_path / "outside" / name).write_bytes(small(99))
        yield one


def folder_for_link(world: World, folder: Path) -> None:
    folder.rename(world.root / ".aside")
    folder.symlink_to(world.root.parent / "outside")


def folder_above_for_link(world: World, folder: Path) -> None:
    folder.parent.rename(world.root / ".aside")
    (world.root.parent / "outside" / folder.name).mkdir()
    (world.root.parent / "outside" / folder.name / "a.jpg").write_bytes(small(99))
    folder.parent.symlink_to(world.root.parent / "outside")


def file_for_link(world: World, folder: Path) -> None:
    (folder / "a.jpg").unlink()
    (folder / "a.jpg").symlink_to(world.root.parent / "outside/a.jpg")


def file_for_another(world: World, folder: Path) -> None:
    (world.root.parent / "outside/a.jpg").rename(folder / "a.jpg")


def file_in_place(world: World, folder: Path) -> None:
    """The same size and the same modification time: the inode's own change time tells."""
    before = (folder / "a.jpg").stat()
    (folder / "a.jpg").write_bytes(small(99)[: before.st_size].ljust(before.st_size, b"\0"))
    os.utime(folder / "a.jpg", ns=(before.st_atime_ns, before.st_mtime_ns))


def file_for_pipe(world: World, folder: Path) -> None:
    (folder / "a.jpg").unlink()
    os.mkfifo(folder / "a.jpg")


Swap = Callable[[World, Path], None]
SWAPS: list[Swap] = [
    folder_for_link,
    folder_above_for_link,
    file_for_link,
    file_for_another,
    file_in_place,
    file_for_pipe,
]


def secret_sent(world: World) -> bool:
    return hashlib.sha256(small(99)).hexdigest() in {m.sha256 for group in world.groups() for m in group.media}


@pytest.mark.parametrize("swap", SWAPS, ids=[swap.__name__ for swap in SWAPS])
def test_what_is_swapped_between_check_and_upload_is_not_sent(world: World, swap: Swap) -> None:
    folder = world.drop("team/post", media={"a.jpg": small(1)}, time=world.now + timedelta(days=1))
    world.drop("other", content="another", time=world.now + timedelta(days=1))
    world.look_around()
    while not world.transfers:
        if not world.step():
            soonest = min(world.due.values())
            world.pass_time(max(0.0, soonest - world.monotonic))
            for key in [key for key, at in world.due.items() if at <= world.monotonic]:
                world.wake(key, 0.0)
    swap(world, folder)
    world.run()
    assert not secret_sent(world)
    assert [g.content for g in world.groups("scheduled")] in ([], ["another"])
    world.run_until_rest()
    in_the_folder = swap in (file_for_another, file_in_place)  # what it had been swapped for is its own file by now
    assert secret_sent(world) == in_the_folder
    assert "another" in [g.content for g in world.groups("scheduled")]
    assert not (world.root.parent / "outside/post.status.yaml").exists()


def test_a_sidecar_that_is_replaced_while_it_is_read_does_not_count(world: World) -> None:
    folder = world.drop("post", content="half", time=world.now + timedelta(days=1))

    times: list[str] = []
    unchanged = scan.unchanged

    def swapped(fd: int, name: str, expected: Any) -> None:
        times.append(name)
        if len(times) == 2:  # it was opened and read, and is compared once more
            (folder / ".new").write_text((folder / "post.yaml").read_text().replace("half", "whole"))
            os.replace(folder / ".new", folder / "post.yaml")
        unchanged(fd, name, expected)

    with mock.patch.object(scan, "unchanged", swapped):
        world.run_until_rest()
    assert [(g.content, g.status) for g in world.groups()] == [("whole", "scheduled")]
    assert world.state("post") is State.SCHEDULED
