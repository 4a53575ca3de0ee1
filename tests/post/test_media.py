"""Which files of a folder are sent, in which order, and what lies beside them that is not."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from postpost_sync.disk import reader
from postpost_sync.model.errors import Finding
from postpost_sync.post.desired import MOST_FINDINGS, resolve
from tests.support.post_folders import GOOD, POLICY, Drop, picture


def test_named_media_come_in_the_order_given_and_alone(drop: Drop) -> None:
    drop.add("post.yaml", GOOD + "media: [b.jpg, a.jpg]\n")
    for name in ("a.jpg", "b.jpg", "c.jpg"):
        drop.add(name, picture())
    drop.add("notes.txt", "not for the post")
    wanted = drop.wanted()
    assert wanted.post is not None
    assert [m.name for m in wanted.post.media] == ["b.jpg", "a.jpg"]
    assert wanted.warnings == ()


def test_an_empty_list_of_media_means_none(drop: Drop) -> None:
    drop.add("post.yaml", GOOD + "media: []\n")
    drop.add("a.jpg", picture())
    wanted = drop.wanted()
    assert wanted.post is not None
    assert wanted.post.media == ()


def test_names_match_however_their_accents_are_composed(drop: Drop) -> None:
    composed, decomposed = "caf\u00e9", "cafe\u0301"
    drop.add("post.yaml", f"content_file: {composed}.txt\nplatforms: twitter-1\nmedia: [{composed}.jpg]\n")
    drop.add(f"{decomposed}.txt", "Hello")
    drop.add(f"{decomposed}.jpg", picture())
    wanted = drop.wanted()
    assert wanted.post is not None
    assert wanted.post.content == "Hello"
    assert [m.name for m in wanted.post.media] == [f"{decomposed}.jpg"]


def test_one_file_named_in_two_compositions_stands_twice(drop: Drop) -> None:
    drop.add("post.yaml", GOOD + "media: [caf\u00e9.jpg, cafe\u0301.jpg]\n")
    drop.add("caf\u00e9.jpg", picture())
    assert drop.codes() == ["STANDS_TWICE"]


# --- what may not be sent ---------------------------------------------------------------------------------------------


def make_socket(path: Path) -> None:
    server = socket.socket(socket.AF_UNIX)
    try:
        os.chdir(path.parent)
        server.bind(path.name)
    finally:
        server.close()


def link_to_a_picture(path: Path) -> None:
    path.with_name(".real").write_bytes(picture())
    path.symlink_to(".real")


NOT_FILES: list[tuple[str, Callable[[Path], object]]] = [
    ("a link to a picture", link_to_a_picture),
    ("a link out of the folder", lambda p: p.symlink_to("/etc/passwd")),
    ("a dangling link", lambda p: p.symlink_to("nowhere")),
    ("a FIFO", lambda p: os.mkfifo(p)),
    ("a socket", make_socket),
]


@pytest.mark.parametrize("named", [True, False], ids=["named", "by default"])
@pytest.mark.parametrize("make", [row[1] for row in NOT_FILES], ids=[row[0] for row in NOT_FILES])
def test_what_is_no_file_is_never_silently_left_out(
    drop: Drop, monkeypatch: pytest.MonkeyPatch, make: Callable[[Path], object], named: bool
) -> None:
    monkeypatch.chdir(drop.path)
    drop.add("post.yaml", GOOD + ("media: [a.jpg]\n" if named else ""))
    make(drop.path / "a.jpg")
    (found,) = drop.wanted().errors
    assert found.code == "MEDIA_NOT_A_FILE"
    assert "a.jpg" in found.message
    assert found.hint


def test_a_folder_is_wrong_where_it_is_named_and_ignored_where_not(drop: Drop) -> None:
    (drop.path / "a.jpg").mkdir()
    drop.add("post.yaml", GOOD + "media: [a.jpg]\n")
    assert drop.codes() == ["MEDIA_NOT_A_FILE"]
    drop.add("post.yaml", GOOD)
    assert drop.codes() == []


@pytest.mark.parametrize("name", ["post.yaml", "a.jpg", "caption.txt"])
def test_a_named_file_that_is_no_media_is_an_error(drop: Drop, name: str) -> None:
    drop.add("a.jpg", "plain text all the same")
    drop.add("caption.txt", "the text")
    drop.add("b.jpg", picture())
    drop.add("post.yaml", f"content_file: caption.txt\nplatforms: twitter-1\nmedia: [b.jpg, {name}]\n")
    (found,) = drop.wanted().errors
    assert found.code == "NOT_MEDIA"
    assert name in found.message
    assert found.hint


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("photo.heic", b"\0\0\0\x18ftypheic\0\0\0\0heicmif1"),
        ("photo.jpg", b"<html><body>404</body></html>"),
        ("photo.bin", b"\0\0\0\x18ftypheic\0\0\0\0heicmif1"),
        ("clip.mp4", b"not a video"),
        ("logo.svg", b'<svg xmlns="http://www.w3.org/2000/svg"/>'),
    ],
)
def test_what_was_meant_as_media_and_is_none_stops_the_post(drop: Drop, name: str, data: bytes) -> None:
    drop.add("post.yaml", GOOD)
    drop.add(name, data)
    assert drop.codes() == ["NOT_MEDIA"]


def test_what_a_file_is_and_what_to_make_of_it_are_said(drop: Drop) -> None:
    drop.add("post.yaml", GOOD)
    drop.add("photo.heic", b"\0\0\0\x18ftypheic\0\0\0\0heicmif1")
    (found,) = drop.wanted().errors
    assert "photo.heic (HEIC image) is none of what PostPost takes: JPEG" in found.message
    assert found.hint.startswith("save it as JPEG")


def test_media_that_may_not_be_read_are_said_to_be_that(drop: Drop) -> None:
    drop.add("post.yaml", GOOD)
    drop.add("a.jpg", picture())
    folder = drop.look()
    reading = reader.read(folder)
    why = Finding("FILE_UNREADABLE", "a.jpg may not be read", "check its rights")
    media = tuple(replace(m, content_type=None, unreadable=why) for m in reading.media)
    assert resolve(folder, replace(reading, media=media), POLICY).errors == (why,)


def test_other_files_are_left_out_with_a_warning(drop: Drop) -> None:
    drop.add("post.yaml", GOOD)
    drop.add("notes.txt", "for me")
    drop.add("a.jpg", picture())
    wanted = drop.wanted()
    assert wanted.post is not None
    assert [m.name for m in wanted.post.media] == ["a.jpg"]
    assert [(w.code, w.message.split()[0]) for w in wanted.warnings] == [("FILE_LEFT_OUT", "notes.txt")]


def test_a_conflict_copy_is_left_out_with_a_warning_unless_it_is_named(drop: Drop) -> None:
    copy = "a.sync-conflict-20261201-080000-ABCDEFG.jpg"
    drop.add(copy, picture())
    drop.add("a.jpg", picture())
    drop.add("post.yaml", GOOD)
    wanted = drop.wanted()
    assert wanted.post is not None
    assert [m.name for m in wanted.post.media] == ["a.jpg"]
    assert [w.code for w in wanted.warnings] == ["CONFLICT_COPY"]
    drop.add("post.yaml", GOOD + f"media: [{copy}]\n")
    wanted = drop.wanted()
    assert wanted.post is not None
    assert [m.name for m in wanted.post.media] == [copy]


def test_conflict_copies_are_said_where_the_media_are_named_too(drop: Drop) -> None:
    drop.add("a.jpg", picture())
    drop.add("a (Ann's conflicted copy 2026-11-24).jpg", picture())
    drop.add("post.sync-conflict-20261201-080000-ABCDEFG.yaml", GOOD)
    drop.add("post.yaml", GOOD + "media: [a.jpg]\n")
    wanted = drop.wanted()
    assert wanted.post is not None
    assert [(w.code, w.message.partition(" is a ")[2]) for w in wanted.warnings] == [
        ("CONFLICT_COPY", "sync program's conflict copy; it is left out"),
        ("CONFLICT_COPY", "sync program's conflict copy of the sidecar; it is left out"),
    ]
    assert wanted.warnings[1].hint == "take over what is right in it, then remove it"


@pytest.mark.parametrize(
    "copy", ["a_PC_Nov-28-0901-2026_Conflict.jpg", "a.Conflict.jpg", "a (conflicted copy 2026-12-01 080000).jpg"]
)
def test_a_copy_whose_original_is_not_there_waits_for_a_person_or_for_the_original(drop: Drop, copy: str) -> None:
    drop.add("post.yaml", GOOD)
    drop.add("b.jpg", picture())
    drop.add(copy, picture())
    wanted = drop.wanted()
    assert wanted.held is not None
    assert (wanted.held.code, "a.jpg" in wanted.held.message) == ("ORIGINAL_MISSING", True)
    assert wanted.post is not None
    assert [m.name for m in wanted.post.media] == ["b.jpg"]
    drop.add("A.jpg", picture())  # in whatever case: the two may be one for the other side
    assert drop.wanted().held is None


@pytest.mark.parametrize(
    "left", ["a.jpg_original", "a.jpg.bak", "a.jpg.orig", "a.jpg.old", "a.jpg.sb-1a2b3c4d-Ab12Cd", "a.jpg.1"]
)
def test_what_a_program_left_beside_a_file_is_no_further_slide_unless_it_is_named(drop: Drop, left: str) -> None:
    drop.add("post.yaml", GOOD)
    drop.add("a.jpg", picture())
    drop.add(left, picture())
    wanted = drop.wanted()
    assert wanted.post is not None
    assert ([m.name for m in wanted.post.media], wanted.held) == (["a.jpg"], None)
    assert [(w.code, w.message.split()[0]) for w in wanted.warnings] == [("FILE_LEFT_OUT", left)]
    drop.add("post.yaml", GOOD + f"media: [{left}]\n")
    assert [m.name for m in drop.wanted().post.media] == [left]  # type: ignore[union-attr]  # there is one


def test_a_name_that_only_speaks_of_conflict_is_a_picture_like_any_other(drop: Drop) -> None:
    drop.add("post.yaml", GOOD)
    for name in ("sudan_conflict-map.jpg", "a (conflict zone).jpg", "a-b.jpg", "a (1).jpg"):
        drop.add(name, picture())
    wanted = drop.wanted()
    assert wanted.post is not None
    assert (len(wanted.post.media), wanted.warnings) == (4, ())


@pytest.mark.parametrize(
    "sign",
    [
        *["b.jpg.nextcloud", ".b.jpg.icloud", "b.jpg.rsls", "b.jpg.cloud", "b.jpg.owncloud"],
        *["b.jpg.kdrive", "b.jpg.ownCloud_virtual", "b.jpg.brand"],  # each brand of ownCloud's client has its own
    ],
)
@pytest.mark.parametrize("more", ["", "media: [a.jpg, b.jpg]\n"])
def test_a_placeholder_is_a_picture_that_is_not_there_yet(drop: Drop, sign: str, more: str) -> None:
    drop.add("post.yaml", GOOD + more)
    drop.add("a.jpg", picture())
    drop.add(sign, b"")
    before = drop.look().fingerprint
    wanted = drop.wanted()
    assert wanted.post is None
    assert wanted.missing is not None
    assert wanted.missing.code == "MEDIA_MISSING"
    assert f'b.jpg is not there yet: a sync client has only announced it ("{sign}")' in wanted.missing.message
    drop.add("b.jpg", picture())  # while the sign may still lie there
    wanted = drop.wanted()
    assert wanted.post is not None
    assert [m.name for m in wanted.post.media] == ["a.jpg", "b.jpg"]
    assert drop.look().fingerprint != before


@pytest.mark.parametrize("end", ["_exiftool_tmp", ".incomplete", ".prev", "-partial", " (1)", ".copying"])
def test_a_picture_with_some_mark_behind_the_name_of_another_is_left_out_unless_it_is_named(
    drop: Drop, end: str
) -> None:
    drop.add("post.yaml", GOOD)
    drop.add("a.jpg", picture())
    drop.add(f"a.jpg{end}", picture() + b"more")
    wanted = drop.wanted()
    assert wanted.post is not None
    assert [m.name for m in wanted.post.media] == ["a.jpg"]
    assert [one.code for one in wanted.warnings] == ["FILE_LEFT_OUT"]
    drop.add("post.yaml", GOOD + f'media: [a.jpg, "a.jpg{end}"]\n')
    wanted = drop.wanted()
    assert wanted.post is not None
    assert len(wanted.post.media) == 2


@pytest.mark.parametrize("end", [".fetching", ".1", ".new"])
def test_a_picture_with_an_ending_behind_the_name_of_one_that_is_not_there_may_not_be_whole(
    drop: Drop, end: str
) -> None:
    """As a program writes it while it fetches the file, whichever that is."""
    drop.add("post.yaml", GOOD)
    drop.add("a.jpg", picture())
    drop.add(f"b.jpg{end}", picture())
    wanted = drop.wanted()
    assert wanted.held is not None
    assert (wanted.held.code, "b.jpg" in wanted.held.message) == ("ORIGINAL_MISSING", True)
    os.truncate(drop.path / f"b.jpg{end}", 0)
    os.truncate(drop.path / f"b.jpg{end}", 5000)  # there is room for it, and no more
    empty = drop.wanted().empty
    assert empty is not None
    assert empty.code == "MEDIA_EMPTY"


@pytest.mark.parametrize("name", ["b.jpg_large", "b.jpg-large", "b", "b.jpeg.bin.jpg"])
def test_a_picture_is_one_whatever_its_name_is(drop: Drop, name: str) -> None:
    drop.add("post.yaml", GOOD)
    drop.add(name, picture())
    wanted = drop.wanted()
    assert wanted.post is not None
    assert ([one.name for one in wanted.post.media], wanted.held) == ([name], None)


@pytest.mark.parametrize(
    ("film", "small"),
    [
        ("GX010123.MP4", "GX010123.THM"),  # GoPro
        ("GX010123.MP4", "GL010123.LRV"),
        ("GOPR0123.MP4", "GOPR0123.LRV"),
        ("DJI_0001.MP4", "DJI_0001.LRF"),
        ("MVI_0001.mov", "MVI_0001.thm"),  # Canon
    ],
)
def test_what_a_camera_writes_beside_a_film_is_no_further_slide(drop: Drop, film: str, small: str) -> None:
    drop.add("post.yaml", GOOD)
    drop.add(small, picture())
    assert [m.name for m in drop.wanted().post.media] == [small]  # type: ignore[union-attr]  # alone it is what there is
    drop.add(film, picture())  # whatever is in it: the names tell
    wanted = drop.wanted()
    assert wanted.post is not None
    assert [m.name for m in wanted.post.media] == [film]
    assert ("FILE_LEFT_OUT", small) in [(w.code, w.message.split()[0]) for w in wanted.warnings]


def test_a_placeholder_of_what_the_post_has_no_use_for_is_nothing(drop: Drop) -> None:
    drop.add("post.yaml", GOOD + "media: [a.jpg]\n")
    drop.add("a.jpg", picture())
    drop.add("b.jpg.nextcloud", b"")
    assert drop.wanted().missing is None
    drop.add("post.yaml", GOOD)
    (drop.path / "b.jpg.nextcloud").rename(drop.path / "notes.txt.nextcloud")
    assert drop.wanted().missing is None


def test_a_text_that_is_only_announced_is_waited_for(drop: Drop) -> None:
    drop.add("post.yaml", "content_file: caption.txt\nplatforms: [twitter-123]\n")
    drop.add("caption.txt.nextcloud", b"")
    missing = drop.missing()
    assert missing.message.startswith("post.yaml, line 1: content_file: caption.txt is not there yet")


@pytest.mark.parametrize("sign", ["v.mp4.aria2", "v.mp4.lftp-pget-status", "v.mp4.st"])
@pytest.mark.parametrize("more", ["", "media: [v.mp4]\n"])
def test_what_is_still_being_downloaded_under_its_own_name_is_waited_for(drop: Drop, sign: str, more: str) -> None:
    drop.add("post.yaml", GOOD + more)
    drop.add("v.mp4", b"\0\0\0\x18ftypisom")
    drop.add(sign, b"x")
    wanted = drop.wanted()
    assert wanted.errors == ()
    assert wanted.missing is not None
    assert f'v.mp4 is still being downloaded ("{sign}")' in wanted.missing.message
    (drop.path / sign).unlink()
    assert drop.wanted().missing is None


def test_pictures_in_a_folder_inside_are_said_where_the_post_has_none_itself(drop: Drop) -> None:
    drop.add("post.yaml", GOOD)
    inside = drop.path / "photos" / "final"
    inside.mkdir(parents=True)
    (inside / "1.jpg").write_bytes(picture())
    (inside / "2.jpg").write_bytes(picture())
    held = drop.wanted().held
    assert held is not None
    assert held.code == "MEDIA_IN_SUBFOLDER"
    assert "photos/final/1.jpg" in held.message
    drop.add("post.yaml", GOOD.replace("twitter", "instagram"))  # it needs media: what is wrong comes first
    wanted = drop.wanted()
    assert ([e.code for e in wanted.errors], [w.code for w in wanted.warnings]) == (
        ["MEDIA_REQUIRED"],
        ["MEDIA_IN_SUBFOLDER"],
    )


@pytest.mark.parametrize(
    "case", ["media of its own", "media: []", "a post of its own", "no pictures", "hidden", "announced"]
)
def test_folders_inside_are_nothing_where_no_picture_may_be_lacking(drop: Drop, case: str) -> None:
    inside = drop.path / (".photos" if case == "hidden" else "photos")
    inside.mkdir()
    (inside / ("notes.txt" if case == "no pictures" else "1.jpg")).write_bytes(picture())
    drop.add("post.yaml", GOOD + ("media: []\n" if case == "media: []" else ""))
    if case == "media of its own":
        drop.add("a.jpg", picture())
    if case == "a post of its own":
        (inside / "post.yaml").write_text(GOOD)
    if case == "announced":
        drop.add("a.jpg.nextcloud", b"")
    assert drop.wanted().held is None


def test_of_thousands_of_wrong_files_as_many_are_named_as_a_person_reads(drop: Drop) -> None:
    for n in range(30):
        drop.add(f"{n}.jpg", "<html>")
    drop.add("post.yaml", GOOD)
    found = drop.wanted().errors
    assert len(found) == MOST_FINDINGS + 1
    assert found[0].message.startswith("0.jpg (HTML document)")
    assert (found[-1].code, found[-1].message) == ("NOT_MEDIA", "and 10 more")


def test_the_sidecar_is_not_its_own_text(drop: Drop) -> None:
    drop.add("post.yaml", "content_file: post.yaml\nplatforms: twitter-1\n")
    assert drop.codes() == ["CONTENT_IS_SIDECAR"]


@pytest.mark.parametrize(
    ("name", "head", "what"),
    [
        ("IMG_1.CR2", b"II*\0\x10\0\0\0CR\x02\0" + bytes(99), "Canon RAW image"),
        ("DSCF1.RAF", b"FUJIFILMCCD-RAW 0201FF129502" + bytes(99), "Fujifilm RAW image"),
        ("P1.orf", b"IIRO\x08\0\0\0" + bytes(99), "Olympus RAW image"),
        ("photo", b"II*\0\x10\0\0\0CR\x02\0" + bytes(99), "Canon RAW image"),
        ("00001.MTS", b"".join(bytes(4) + b"\x47\x40\0\x10" + bytes(184) for _ in range(9)), "MPEG-TS video"),
        ("clip", b"".join(b"\x47\x40\0\x10" + bytes(184) for _ in range(9)), "MPEG-TS video"),
        ("P2.rw2", b"IIU\0\x18\0\0\0" + bytes(99), "unknown kind of file"),
    ],
)
def test_what_cameras_write_is_never_left_out_silently(drop: Drop, name: str, head: bytes, what: str) -> None:
    drop.add("post.yaml", GOOD)
    drop.add("a.jpg", picture())
    drop.add(name, head)
    (found,) = drop.wanted().errors
    assert found.code == "NOT_MEDIA"
    assert f"{name} ({what})" in found.message
