"""What real folders ask for: the post with everything resolved, or what is wrong, missing or empty."""

from __future__ import annotations

import io
import os
import socket
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import pytest
from PIL import Image

from postpost_sync.disk import reader, scan
from postpost_sync.model.folder import UNREADABLE, Folder
from postpost_sync.model.post import Policy
from postpost_sync.model.times import to_service
from postpost_sync.post.desired import MOST_FINDINGS, Wanted, resolve
from postpost_sync.post.names import Names, is_conflict_copy, looks_like_media, natural_order


@cache
def picture(form: str = "JPEG") -> bytes:
    data = io.BytesIO()
    Image.new("RGB", (64, 64), (200, 60, 20)).save(data, form)
    return data.getvalue()


GOOD = "content: Hello\nplatforms: [twitter-123]\n"
POLICY = Policy(accounts={"brand": ("linkedin-ABC", "twitter-9"), "nobody": ()})


class Drop:
    """A post folder that is being filled."""

    def __init__(self, root: Path) -> None:
        self.root, self.path = root, root / "launch"
        self.path.mkdir()

    def add(self, name: str, data: bytes | str) -> Path:
        file = self.path / name
        file.write_bytes(data.encode() if isinstance(data, str) else data)
        return file

    def look(self) -> Folder:
        folder = scan.look(str(self.root), "launch", Names())
        assert folder is not None
        return folder

    def wanted(self, policy: Policy = POLICY) -> Wanted:
        folder = self.look()
        return resolve(folder, reader.read(folder), policy)

    def codes(self, policy: Policy = POLICY) -> list[str]:
        return [finding.code for finding in self.wanted(policy).errors]


@pytest.fixture
def drop(tmp_path: Path) -> Drop:
    return Drop(tmp_path)


# --- the post ---------------------------------------------------------------------------------------------------------


def test_a_folder_becomes_a_post(drop: Drop) -> None:
    drop.add("post.yaml", GOOD + "scheduled_time: 2026-12-15 14:30\ntimezone: Europe/Berlin\n")
    drop.add("slide10.jpg", picture())
    drop.add("Slide2.png", picture("PNG"))
    drop.add("slide1.jpg", picture())
    wanted = drop.wanted()
    post = wanted.post
    assert post is not None
    assert (wanted.errors, wanted.missing, wanted.empty, wanted.now) == ((), None, None, False)
    assert (post.content, post.platforms, post.timezone) == ("Hello", ("twitter-123",), "Europe/Berlin")
    assert [(m.name, m.content_type) for m in post.media] == [
        ("slide1.jpg", "image/jpeg"),
        ("Slide2.png", "image/png"),
        ("slide10.jpg", "image/jpeg"),
    ]
    assert post.time is not None
    assert to_service(post.time) == "2026-12-15T13:30:00.000Z"
    assert wanted.time == post.time


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


def test_a_content_file_of_notepads_utf_16_is_read_too(drop: Drop) -> None:
    drop.add("post.yaml", "platforms: twitter-123\ncontent_file: caption.txt\n".encode("utf-16"))
    drop.add("caption.txt", "Grüße\u2028 🎉\r\n".encode("utf-16"))
    wanted = drop.wanted()
    assert wanted.errors == ()
    assert wanted.post is not None
    assert wanted.post.content == "Grüße\u2028 🎉"


@pytest.mark.parametrize(
    ("raw", "text"), [("Hi\n", "Hi"), ("Hi\n\n", "Hi\n"), ("a\r\nb\r\n", "a\nb"), ("\ufeffHi", "Hi"), (" Hi ", " Hi ")]
)
def test_a_content_file_is_sent_verbatim_but_for_one_final_newline(drop: Drop, raw: str, text: str) -> None:
    drop.add("post.yaml", "content_file: caption.txt\nplatforms: x-1\n")
    drop.add("caption.txt", raw)
    wanted = drop.wanted()
    assert wanted.post is not None
    assert wanted.post.content == text
    assert wanted.post.media == ()
    assert "FILE_LEFT_OUT" not in {w.code for w in wanted.warnings}


@pytest.mark.parametrize(("written", "text"), [("|\n  a\n  b\n", "a\nb"), ("a", "a"), ('"a\\n\\n"', "a\n")])
def test_content_is_sent_verbatim_but_for_one_final_newline(drop: Drop, written: str, text: str) -> None:
    drop.add("post.yaml", f"platforms: twitter-1\ncontent: {written}")
    post = drop.wanted().post
    assert post is not None
    assert post.content == text


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


# --- platforms --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "ids"),
    [
        ("[twitter-123]", ("twitter-123",)),
        ("brand", ("linkedin-ABC", "twitter-9")),
        ("[facebook-1, brand]", ("facebook-1", "linkedin-ABC", "twitter-9")),
        ("[mastodon-a_B-9]", ("mastodon-a_B-9",)),
        ("[Facebook-456, X-1, x-2, TWITTER-a_B]", ("facebook-456", "twitter-1", "twitter-2", "twitter-a_B")),
        ("twitter-123, facebook-1001", ("twitter-123", "facebook-1001")),
        ("'twitter-123,facebook-1001,'", ("twitter-123", "facebook-1001")),
        ("brand, facebook-1", ("linkedin-ABC", "twitter-9", "facebook-1")),
        ("\n  - twitter-1, facebook-1\n  - X-2", ("twitter-1", "facebook-1", "twitter-2")),
    ],
)
def test_platforms_are_ids_or_names_of_the_config(drop: Drop, written: str, ids: tuple[str, ...]) -> None:
    drop.add("post.yaml", f"content: a\nplatforms: {written}\n")
    post = drop.wanted().post
    assert post is not None
    assert post.platforms == ids


def test_a_platform_reached_twice_is_used_once_with_a_warning(drop: Drop) -> None:
    drop.add("post.yaml", "content: a\nplatforms: [twitter-9, brand]\n")
    wanted = drop.wanted()
    assert wanted.post is not None
    assert wanted.post.platforms == ("twitter-9", "linkedin-ABC")
    assert [w.code for w in wanted.warnings] == ["PLATFORM_TWICE"]


def test_default_platforms_stand_in_where_none_are_given(drop: Drop) -> None:
    drop.add("post.yaml", "content: a\n")
    post = drop.wanted(Policy(default_platforms=("twitter-1",))).post
    assert post is not None
    assert post.platforms == ("twitter-1",)


def test_a_bluesky_did_is_sent_with_a_warning(drop: Drop) -> None:
    drop.add("post.yaml", "content: a\nplatforms: ['bluesky-did:plc:abc123']\n")
    wanted = drop.wanted()
    assert wanted.post is not None
    assert wanted.post.platforms == ("bluesky-did:plc:abc123",)
    assert [w.code for w in wanted.warnings] == ["PLATFORM_ID_DOUBTFUL"]


@pytest.mark.parametrize(
    ("written", "code", "line", "hint"),
    [
        ("", "NO_PLATFORMS", "post.yaml: platforms", "twitter-123"),
        ("platforms: []\n", "NO_PLATFORMS", "line 2: platforms", "twitter-123"),
        ("platforms: nobody\n", "NO_PLATFORMS", "line 2: platforms", "twitter-123"),
        ("platforms: brnd\n", "UNKNOWN_ACCOUNT", "line 2: platforms", 'did you mean "brand"?'),
        ("platforms: [fb]\n", "UNKNOWN_ACCOUNT", "line 2: platforms", 'did you mean "facebook"?'),
        ("platforms: Twitter 123\n", "UNKNOWN_ACCOUNT", "line 2: platforms", 'did you mean "Twitter-123"?'),
        ("platforms: [“twitter-1”]\n", "UNKNOWN_ACCOUNT", "line 2: platforms", 'did you mean "twitter-1"?'),
        (
            "platforms: twitter-1; X\n",
            "UNKNOWN_ACCOUNT",
            "line 2",
            'put commas between them: "platforms: [twitter-1, X]"',
        ),
        ("platforms: [twitter-1 and brand]\n", "UNKNOWN_ACCOUNT", "line 2", '"platforms: [twitter-1, brand]"'),
        ("platforms: [twitter-1\u00a0]\n", "UNKNOWN_ACCOUNT", "U+00A0), stands in line 2, column 22", '"twitter-1"?'),
        ("platforms: ['twitter-1 2']\n", "UNKNOWN_ACCOUNT", "line 2: platforms", 'did you mean "twitter"?'),
        ("platforms: twitter\u2011123\n", "UNKNOWN_ACCOUNT", "line 2: platforms", 'did you mean "twitter-123"?'),
        ("platforms:\n- X\n  - brand\n", "UNKNOWN_ACCOUNT", "line 2", '"platforms: [X, brand]"'),
        ("platforms: al\n", "UNKNOWN_ACCOUNT", "line 2: platforms", 'did you mean "all"?'),
        ("platforms: ['twitter:']\n", "UNKNOWN_ACCOUNT", "line 2: platforms", 'did you mean "twitter"?'),
        ("platforms: ['*']\n", "UNKNOWN_ACCOUNT", "line 2: platforms", 'did you mean "all"?'),
        ("platforms: ['']\n", "UNKNOWN_ACCOUNT", "line 2: platforms", "brand"),
        ("platforms: [twiter-1]\n", "UNKNOWN_PLATFORM", "twiter", 'did you mean "twitter"?'),
    ],
)
def test_bad_platforms(drop: Drop, written: str, code: str, line: str, hint: str) -> None:
    drop.add("post.yaml", f"content: a\n{written}")
    (found,) = drop.wanted().errors
    assert found.code == code
    assert line in found.message
    assert hint in found.hint


def test_without_accounts_the_way_to_the_ids_is_shown(drop: Drop) -> None:
    drop.add("post.yaml", "content: a\nplatforms: brand\n")
    (found,) = drop.wanted(Policy()).errors
    assert "postpost-sync accounts" in found.hint


# --- content ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("written", ['""', '" "', '"\\n\\t "', "|\n  \n", '"\\ufeff"', '"\\u3000"'])
def test_blank_content_is_an_error_even_with_media(drop: Drop, written: str) -> None:
    drop.add("post.yaml", f"platforms: twitter-1\ncontent: {written}\n")
    drop.add("a.jpg", picture())
    (found,) = drop.wanted().errors
    assert found.code == "CONTENT_BLANK"
    assert found.hint


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"caf\xe9", "CONTENT_NOT_UTF8"),
        (b"\xff\xd8\xff\xe0", "NOT_PLAIN_TEXT"),
        (b"{\\rtf1\\ansi Hello}", "NOT_PLAIN_TEXT"),
        (b"a\x00b", "CONTENT_CONTROL_CHARACTER"),
        (b"a\x1b[0m", "CONTENT_CONTROL_CHARACTER"),
        (b"a\rb", "CONTENT_CONTROL_CHARACTER"),
        (b"x" * (1024 * 1024 + 1), "CONTENT_TOO_LARGE"),
    ],
)
def test_a_bad_content_file(drop: Drop, data: bytes, code: str) -> None:
    drop.add("post.yaml", "platforms: twitter-1\ncontent_file: caption.txt\n")
    drop.add("caption.txt", data)
    (found,) = drop.wanted().errors
    assert found.code == code
    assert found.message.startswith("post.yaml, line 2: content_file: caption.txt")
    assert found.hint


@pytest.mark.parametrize("make", [lambda p: p.symlink_to("/etc/hostname"), lambda p: os.mkfifo(p), lambda p: p.mkdir()])
def test_a_content_file_must_be_a_file(drop: Drop, make: Callable[[Path], None]) -> None:
    drop.add("post.yaml", "platforms: twitter-1\ncontent_file: caption.txt\n")
    make(drop.path / "caption.txt")
    assert drop.codes() == ["CONTENT_NOT_A_FILE"]


def test_a_content_file_that_is_not_there_or_empty_is_waited_for(drop: Drop) -> None:
    drop.add("post.yaml", "content_file: caption.txt\nplatforms: instagram-1\n")
    drop.add("a.jpg", picture())
    missing = drop.wanted()
    assert (missing.post, missing.errors, missing.empty) == (None, (), None)
    assert missing.missing is not None
    assert missing.missing.code == "MEDIA_MISSING"
    assert "line 1: content_file: caption.txt" in missing.missing.message
    drop.add("caption.txt", b"")
    empty = drop.wanted()
    assert (empty.post, empty.errors, empty.missing) == (None, (), None)
    assert empty.empty is not None
    assert empty.empty.code == "MEDIA_EMPTY"


# --- time -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("keys", "code", "where"),
    [
        ("scheduled_time: soon\n", "BAD_TIME", "line 3: scheduled_time"),
        ("scheduledTime: 15.12.2026 14:30\n", "BAD_TIME", "line 3: scheduled_time"),
        ("scheduledTime: 15.12.2026\n", "BAD_TIME", "line 3: scheduled_time"),
        ("scheduled_time: 2026-12-15\n", "TIME_DATE_ONLY", "line 3: scheduled_time"),
        (
            "scheduled_time: 2026-03-29 02:30\ntimezone: Europe/Berlin\n",
            "TIME_DOES_NOT_EXIST",
            "line 3: scheduled_time",
        ),
        ("timezone: Europe/Berln\n", "BAD_TIMEZONE", "line 3: timezone"),
        ("scheduled_time: now\ntimezone: CET+1\n", "BAD_TIMEZONE", "line 4: timezone"),
        ('scheduled_time: "2026\\u202e"\n', "BAD_TIME", "\\u202e"),
    ],
)
def test_bad_times(drop: Drop, keys: str, code: str, where: str) -> None:
    drop.add("post.yaml", GOOD + keys)
    (found,) = drop.wanted().errors
    assert found.code == code
    assert where in found.message
    assert found.hint


@pytest.mark.parametrize(
    ("keys", "where", "hint"),
    [
        ("scheduled_time: 2026-12-15\u00a014:30\n", "(U+00A0), stands in line 3, column 27", "2026-12-15 14:30"),
        ("timezone: Europe/Berlin\u200b\n", "(U+200B), stands in line 3, column 24", "Europe/Berlin"),
    ],
)
def test_an_unseen_character_in_a_time_or_a_zone_is_named(drop: Drop, keys: str, where: str, hint: str) -> None:
    drop.add("post.yaml", GOOD + keys)
    (found,) = drop.wanted().errors
    assert found.message.endswith(where)
    assert hint in found.hint


def test_settings_take_the_names_of_platforms_that_platforms_takes(drop: Drop) -> None:
    drop.add("post.yaml", "content: a\nplatforms: Instagram-1\nplatform_settings: {Instagram: {videoType: STORIES}}\n")
    drop.add("a.jpg", picture())
    post = drop.wanted().post
    assert post is not None
    assert post.platform_settings == {"instagram": {"videoType": "STORIES"}}


def test_tomorrow_counts_from_when_the_sidecar_was_saved_in_its_own_zone(drop: Drop) -> None:
    file = drop.add("post.yaml", GOOD + "scheduled_time: tomorrow 9am\ntimezone: Asia/Tokyo\n")
    os.utime(file, (0, datetime(2026, 11, 28, 20, 0, tzinfo=UTC).timestamp()))  # the 29th in Tokyo
    (found,) = drop.wanted().errors
    assert found.hint.endswith('write "scheduled_time: 2026-11-30 09:00" (Mon)')


def test_an_offset_as_timezone_is_answered_with_the_line_that_means_it(drop: Drop) -> None:
    drop.add("post.yaml", GOOD + "scheduled_time: 2026-12-15 14:30\ntimezone: GMT+5\n")
    (found,) = drop.wanted().errors
    assert found.code == "BAD_TIMEZONE"
    assert found.hint == 'leave timezone out and write "scheduled_time: 2026-12-15 14:30 +05:00"'


def test_an_offset_as_timezone_goes_behind_a_time_in_another_form_too(drop: Drop) -> None:
    drop.add("post.yaml", GOOD + "scheduled_time: 12/15/2026 2:30 PM\ntimezone: UTC+2\n")
    (found,) = drop.wanted().errors
    assert found.hint == 'leave timezone out and write "scheduled_time: 2026-12-15 14:30 +02:00"'


def test_a_wrong_zone_does_not_hide_a_wrong_time(drop: Drop) -> None:
    drop.add("post.yaml", GOOD + "scheduled_time: 15.12.2026 14:30\ntimezone: Berlin\n")
    assert [(f.code, f.hint) for f in drop.wanted().errors] == [
        ("BAD_TIMEZONE", 'did you mean "Europe/Berlin"?'),
        ("BAD_TIME", 'write "scheduled_time: 2026-12-15 14:30" (Tue)'),
    ]


def test_an_ambiguous_time_is_a_warning_with_its_line(drop: Drop) -> None:
    drop.add("post.yaml", GOOD + "scheduled_time: 2026-10-25 02:30\n")
    wanted = drop.wanted(Policy(timezone="Europe/Berlin"))
    assert wanted.post is not None
    (doubt,) = wanted.warnings
    assert doubt.code == "TIME_AMBIGUOUS"
    assert "post.yaml, line 3: scheduled_time" in doubt.message


@pytest.mark.parametrize(
    ("own", "moment"), [("", "2026-12-15T05:30:00.000Z"), ("timezone: UTC\n", "2026-12-15T14:30:00.000Z")]
)
def test_the_sidecars_zone_wins_over_the_configs(drop: Drop, own: str, moment: str) -> None:
    drop.add("post.yaml", GOOD + own + "scheduled_time: 2026-12-15 14:30\n")
    time = drop.wanted(Policy(timezone="Asia/Tokyo")).time
    assert time is not None
    assert to_service(time) == moment


@pytest.mark.parametrize("written", ["now", "NOW", " now ", "'now'"])
def test_now_is_left_to_be_resolved(drop: Drop, written: str) -> None:
    drop.add("post.yaml", GOOD + f"scheduled_time: {written}\n")
    wanted = drop.wanted()
    assert (wanted.now, wanted.time, wanted.post is not None) == (True, None, True)


def test_no_time_is_a_draft(drop: Drop) -> None:
    drop.add("post.yaml", GOOD)
    wanted = drop.wanted()
    assert (wanted.now, wanted.time, wanted.post is not None) == (False, None, True)


# --- media that may not be sent ---------------------------------------------------------------------------------------


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
    media = tuple(replace(m, content_type=None, sniffed=UNREADABLE) for m in reading.media)
    (found,) = resolve(folder, replace(reading, media=media), POLICY).errors
    assert (found.code, found.message) == ("FILE_UNREADABLE", "a.jpg may not be read")


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
    missing = drop.wanted().missing
    assert missing is not None
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


# --- media that are awaited -------------------------------------------------------------------------------------------


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
    missing = drop.wanted().missing
    assert missing is not None
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
    missing = drop.wanted().missing
    assert missing is not None
    assert missing.hint == 'put brackets around them: "media: [a.jpg, b.jpg]"'


def test_an_unseen_character_in_a_files_name_is_named(drop: Drop) -> None:
    drop.add("post.yaml", GOOD + "media: [a\u200b.jpg]\n")
    drop.add("a.jpg", picture())
    missing = drop.wanted().missing
    assert missing is not None
    assert "zero width space (U+200B), stands in line 3, column 10" in missing.message
    assert missing.hint == 'write "a.jpg", or rename the file'


def test_all_that_are_missing_are_named(drop: Drop) -> None:
    drop.add("post.yaml", GOOD + "media: [a.jpg, b.jpg, c.jpg]\n")
    drop.add("b.jpg", picture())
    missing = drop.wanted().missing
    assert missing is not None
    assert missing.message.endswith("media: a.jpg is not in the folder (yet); nor is c.jpg")


# --- the sidecar as a file --------------------------------------------------------------------------------------------


def test_an_empty_sidecar_is_awaited(drop: Drop) -> None:
    drop.add("post.yaml", b"")
    wanted = drop.wanted()
    assert wanted.errors == ()
    assert wanted.empty is not None
    assert wanted.empty.code == "SIDECAR_EMPTY"
    assert wanted.empty.hint


def test_two_sidecars_are_an_error(drop: Drop) -> None:
    drop.add("post.yaml", GOOD)
    drop.add("Post.YML", GOOD)
    (found,) = drop.wanted().errors
    assert found.code == "TWO_SIDECARS"
    assert "Post.YML" in found.message
    assert "post.yaml" in found.message


@pytest.mark.parametrize("make", [lambda p: p.symlink_to("/etc/hostname"), lambda p: os.mkfifo(p)])
def test_a_sidecar_must_be_a_file(drop: Drop, make: Callable[[Path], None]) -> None:
    make(drop.path / "post.yaml")
    (found,) = drop.wanted().errors
    assert found.code == "SIDECAR_NOT_A_FILE"
    assert found.hint


def test_the_sidecars_name_is_taken_in_any_case(drop: Drop) -> None:
    drop.add("POST.YML", GOOD)
    assert drop.wanted().post is not None


@pytest.mark.parametrize(
    "wrong",
    [
        "content: a\nplatforms: brnd\n",
        "content: a\ncontnt: b\n",
        "content: a\nplatforms: twitter-1\nscheduled_time: soon\n",
        "content: a\nplatforms: twitter-1\nmedia: [a.jpg, a.jpg]\n",
        "content_file: bad.txt\nplatforms: twitter-1\n",
        "content: a\nplatforms: twitter-1\nmedia: [a.mp4]\n",
        "content: a\n",
    ],
)
def test_messages_call_the_sidecar_by_its_own_name(drop: Drop, wrong: str) -> None:
    drop.add("Post.YML", wrong)
    drop.add("bad.txt", b"\xff")
    wanted = drop.wanted()
    found = [*wanted.errors, *([wanted.missing] if wanted.missing else [])]
    assert found
    for finding in found:
        assert finding.message.startswith("Post.YML")
        assert "post.yaml" not in str(finding)


# --- names ------------------------------------------------------------------------------------------------------------


def test_natural_order() -> None:
    names = [
        "10.jpg",
        "a10.jpg",
        "2.jpg",
        "A2.jpg",
        "a1.jpg",
        "b.jpg",
        "a.jpg",
        "a02.jpg",
        "1.jpg",
        "\udcff.jpg",
        "①.jpg",
    ]
    ordered = sorted(names, key=natural_order)
    assert ordered.index("1.jpg") < ordered.index("2.jpg") < ordered.index("10.jpg")
    assert ordered.index("a1.jpg") < ordered.index("A2.jpg") < ordered.index("a10.jpg") < ordered.index("b.jpg")


@pytest.mark.parametrize(
    ("name", "copy"),
    [
        ("a.sync-conflict-20261201-080000-ABC.jpg", True),
        ("a (conflicted copy 2026-12-01).jpg", True),
        ("Anna's conflicted copy.jpg", True),
        ("a (Case Conflict).jpg", True),
        ("a_conflict-20261201-080000.jpg", True),
        ("a-safeBackup-0001.jpg", True),
        ("conflict.jpg", False),
        ("a.jpg", False),
    ],
)
def test_conflict_copies_are_known_by_name(name: str, copy: bool) -> None:
    assert is_conflict_copy(name) is copy


@pytest.mark.parametrize(
    ("name", "media"),
    [("a.JPG", True), ("a.heic", True), ("a.b.mov", True), ("jpg", False), ("a.txt", False), ("a", False)],
)
def test_media_are_expected_by_name(name: str, media: bool) -> None:
    assert looks_like_media(name) is media


@pytest.mark.parametrize(
    ("written", "code"),
    [
        ("first_comment: [a]", "WRONG_TYPE"),
        ("first_comment:", "NO_VALUE"),
        ("first_comment: {platforms: [linkedin]}", "NO_VALUE"),
        ("first_comment: {text: a, on: b}", "UNKNOWN_KEY"),
        ("first_comment: More #roast", "HASHTAG_IS_COMMENT"),
    ],
)
def test_a_first_comment_of_the_wrong_shape_is_told(drop: Drop, written: str, code: str) -> None:
    drop.add("post.yaml", GOOD + written + "\n")
    assert drop.codes() == [code]
