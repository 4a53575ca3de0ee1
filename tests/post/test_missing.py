"""Media that a folder waits for, and why they are not there."""

from __future__ import annotations

from dataclasses import replace

import pytest

from postpost_sync.disk import reader, scan
from postpost_sync.post.desired import resolve
from postpost_sync.post.names import Names
from tests.support.post_folders import GOOD, POLICY, Drop, picture


@pytest.mark.parametrize("platform", ["twitter-1", "instagram-1", "tiktok-1"])
def test_named_media_that_are_not_there_are_missing_and_nothing_else(drop: Drop, platform: str) -> None:
    drop.add("post.yaml", f"content: a\nplatforms: {platform}\nmedia: [a.mp4]\nscheduled_time: 2026-12-15 14:30\n")
    wanted = drop.wanted()
    assert (wanted.post, wanted.errors, wanted.empty) == (None, (), None)
    assert wanted.missing is not None
    assert wanted.missing.code == "MEDIA_MISSING"
    assert "post.yaml, line 3: media: a.mp4" in wanted.missing.message
    assert wanted.missing.hint
    assert wanted.time is not None


@pytest.mark.parametrize("named", [True, False], ids=["named", "by default"])
@pytest.mark.parametrize("platform", ["twitter-1", "instagram-1", "tiktok-1"])
def test_media_of_no_length_are_empty_and_nothing_else(drop: Drop, platform: str, named: bool) -> None:
    drop.add("post.yaml", f"content: a\nplatforms: {platform}\n" + ("media: [a.mp4]\n" if named else ""))
    drop.add("a.mp4", b"")
    wanted = drop.wanted()
    assert (wanted.post, wanted.errors, wanted.missing) == (None, (), None)
    assert wanted.empty is not None
    assert (wanted.empty.code, "a.mp4" in wanted.empty.message) == ("MEDIA_EMPTY", True)
    assert wanted.empty.hint


def test_what_is_wrong_besides_is_said_while_media_are_awaited(drop: Drop) -> None:
    drop.add("post.yaml", "content: ' '\nplatforms: nope\nmedia: [a.jpg]\n")
    assert set(drop.codes()) == {"UNKNOWN_ACCOUNT", "CONTENT_BLANK"}


def test_an_empty_file_that_is_no_media_by_its_name_is_no_matter(drop: Drop) -> None:
    drop.add("post.yaml", GOOD)
    drop.add("marker.txt", b"")
    assert drop.wanted().post is not None


def test_a_platform_that_wants_media_says_so_where_none_is_awaited(drop: Drop) -> None:
    drop.add("post.yaml", "content: a\nplatforms: instagram-1\n")
    assert drop.codes() == ["MEDIA_REQUIRED"]


@pytest.mark.parametrize(
    ("named", "there", "message", "hint"),
    [
        ("Photo.JPG", "photo.jpg", '"photo.jpg" is, which is not written the same', 'write "photo.jpg"'),
        ("\ufb01sh.jpg", "fish.jpg", '"fish.jpg" is', 'write "fish.jpg"'),
        ("STRASSE.jpg", "straße.jpg", '"straße.jpg" is', 'write "straße.jpg"'),
        ("slide1.jpg", "slide2.jpg", "not in the folder (yet)", 'did you mean "slide2.jpg"? else add the file'),
        ("*.jpg", "a.jpg", "not in the folder (yet)", "to send all media that are there, leave media out"),
        ("All", "a.jpg", "not in the folder (yet)", "to send all media that are there, leave media out"),
        ("none", "a.jpg", "not in the folder (yet)", "for a post without media write media: []"),
        ("*.png", "b.jpg", "not in the folder (yet)", "add the file, or correct its name in post.yaml"),
        ("clip.mp4", "a.jpg", "not in the folder (yet)", "add the file, or correct its name in post.yaml"),
        (".hidden.jpg", ".hidden.jpg", 'is not seen, since names like ".*" are ignored', "rename the file"),
        ("Thumbs.db", "a.jpg", 'is not seen, since names like "Thumbs.db" are ignored', "rename the file"),
        ("post.status.yaml", "a.jpg", 'since names like "post.status.yaml" are ignored', "rename the file"),
        ("raw-1.jpg", "raw-1.jpg", 'since names like "RAW-*" are ignored', 'take "RAW-*" out of ignore in the config'),
        ("raw-1.jpg", "a.jpg", 'since names like "RAW-*" are ignored', 'take "RAW-*" out of ignore in the config'),
        ("raw-1.tmp", "a.jpg", 'since names like "*.tmp" are ignored', "rename the file, here and there"),
    ],
)
def test_why_a_named_file_is_not_there_is_said(drop: Drop, named: str, there: str, message: str, hint: str) -> None:
    own = replace(POLICY, ignore=("RAW-*",) if named.startswith("raw") else ())
    drop.add("post.yaml", GOOD + f"media: ['{named}']\n")
    drop.add(there, picture())
    folder = scan.look(str(drop.root), "launch", Names(own.ignore))
    assert folder is not None
    missing = resolve(folder, reader.read(folder), own).missing
    assert missing is not None
    assert missing.code == "MEDIA_MISSING"
    assert message in missing.message
    assert missing.message.startswith(f"post.yaml, line 3: media: {named}")
    assert hint in missing.hint
    assert ("config" in missing.hint) == ("config" in hint)


def test_each_file_that_is_missing_has_its_own_hint(drop: Drop) -> None:
    drop.add("post.yaml", GOOD + "media: [A.jpg, b.JPG, c.jpg, d.jpg]\n")
    for name in ("a.jpg", "b.jpg"):
        drop.add(name, picture())
    missing = drop.missing()
    for words in (
        "c.jpg is not in the folder (yet); nor is d.jpg",
        'A.jpg is not in the folder (yet); "a.jpg" is',
        '"b.jpg" is',
    ):
        assert words in missing.message
    assert missing.hint == (
        'write "a.jpg", or rename the file; write "b.jpg", or rename the file; '
        "add the file, or correct its name in post.yaml"
    )


def test_files_with_commas_and_no_brackets_are_answered_with_the_line(drop: Drop) -> None:
    drop.add("post.yaml", GOOD + "media: a.jpg, b.jpg\n")
    for name in ("a.jpg", "b.jpg"):
        drop.add(name, picture())
    missing = drop.missing()
    assert missing.hint == 'put brackets around them: "media: [a.jpg, b.jpg]"'


def test_an_unseen_character_in_a_files_name_is_named(drop: Drop) -> None:
    drop.add("post.yaml", GOOD + "media: [a\u200b.jpg]\n")
    drop.add("a.jpg", picture())
    missing = drop.missing()
    assert "zero width space (U+200B), stands in line 3, column 10" in missing.message
    assert missing.hint == 'write "a.jpg", or rename the file'


def test_all_that_are_missing_are_named(drop: Drop) -> None:
    drop.add("post.yaml", GOOD + "media: [a.jpg, b.jpg, c.jpg]\n")
    drop.add("b.jpg", picture())
    missing = drop.missing()
    assert missing.message.endswith("media: a.jpg is not in the folder (yet); nor is c.jpg")
