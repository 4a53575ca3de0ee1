"""What real folders ask for: the post with everything resolved, or what is wrong with it."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from postpost_sync.model.post import Policy
from postpost_sync.model.times import to_service
from tests.support.post_folders import GOOD, Drop, picture


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


def test_settings_take_the_names_of_platforms_that_platforms_takes(drop: Drop) -> None:
    drop.add("post.yaml", "content: a\nplatforms: Instagram-1\nplatform_settings: {Instagram: {videoType: STORIES}}\n")
    drop.add("a.jpg", picture())
    post = drop.wanted().post
    assert post is not None
    assert post.platform_settings == {"instagram": {"videoType": "STORIES"}}


@pytest.mark.parametrize(
    ("written", "code"),
    [
        ("first_comment: [a]", "WRONG_TYPE"),
        ("first_comment:", "NO_VALUE"),
        ("first_comment: {platforms: [linkedin]}", "NO_VALUE"),
        ("first_comment: {text: a, on: b}", "UNKNOWN_KEY"),
        ("first_comment: {text: a, platforms: []}", "NO_PLATFORMS"),
        ("first_comment: More #roast", "HASHTAG_IS_COMMENT"),
    ],
)
def test_a_first_comment_of_the_wrong_shape_is_told(drop: Drop, written: str, code: str) -> None:
    drop.add("post.yaml", GOOD + written + "\n")
    assert drop.codes() == [code]


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


def test_what_is_wrong_with_the_text_names_its_line_and_what_is_with_a_file_does_not(drop: Drop) -> None:
    drop.add("post.yaml", f"media: [content]\nplatforms: bluesky-1\ncontent: {'x' * 301}\n")
    drop.add("content", picture())
    wanted = drop.wanted()
    assert [one.message.partition(": ")[0] for one in wanted.errors] == ["post.yaml, line 3"]
    assert [one.message.split()[0] for one in wanted.warnings] == ["content"]


@pytest.mark.parametrize("text", ["<html> is where it began", "<body> of work"])
def test_a_post_may_begin_with_a_tag(drop: Drop, text: str) -> None:
    drop.add("post.yaml", "content_file: caption.txt\nplatforms: x-1\n")
    drop.add("caption.txt", text)
    assert drop.wanted().text == text


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"caf\xe9", "CONTENT_NOT_UTF8"),
        (b"\xff\xd8\xff\xe0", "NOT_PLAIN_TEXT"),
        (b"{\\rtf1\\ansi Hello}", "NOT_PLAIN_TEXT"),
        (b"<html lang=de>\r\n<head><title>Hello</title>", "NOT_PLAIN_TEXT"),
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
