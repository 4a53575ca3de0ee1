"""What each platform refuses is said before a byte leaves: at the limit nothing, one over it the right finding."""

from __future__ import annotations

import os
import random
from dataclasses import replace

import pytest

from postpost_sync.model.errors import Finding
from postpost_sync.model.folder import MediaFile, Settings, Stat
from postpost_sync.model.post import Post
from postpost_sync.post.platforms import KEYS, PLATFORMS, SUFFIXES, Overrides
from postpost_sync.post.preflight import check
from postpost_sync.post.violations import describe
from tests.support.matrices import Matrix, Survived
from tests.support.platform_facts import FORMATS, IMAGE_BYTES, IMAGES, MB, MIB, SECONDS, TEXT, TYPES, VIDEO_BYTES

ROUNDS = int(os.environ.get("POSTPOST_FUZZ_POSTS", "10000"))
Facts = dict[str, str | int | float | bool]
GOOD_VIDEO: Facts = {
    "width": 1080,
    "height": 1920,
    "aspect": 0.5625,
    "duration": 20.0,
    "fps": 30.0,
    "bitrate": 4_000_000,
}
GOOD_VIDEO |= {"video_codec": "h264", "audio_codec": "aac"}
GOOD_IMAGE: Facts = {"width": 1080, "height": 1080, "aspect": 1.0}


def media(form: str, name: str = "", size: int = 1000, **facts: str | float | bool) -> MediaFile:
    mime = TYPES[form]
    good = GOOD_VIDEO if mime.startswith("video/") else GOOD_IMAGE
    return MediaFile(name or f"a{SUFFIXES[mime][0]}", Stat(size, 0, 0, 0, 0), mime, facts={**good, **facts})


def with_facts(form: str, facts: Facts) -> MediaFile:
    good = media(form)
    return replace(good, facts={**good.facts, **facts})


def post(platforms: str, *files: MediaFile, content: str = "hello", settings: Settings | None = None) -> Post:
    return Post(content, tuple(platforms.split()), settings or {}, files, None, "UTC")


def fitting(platform: str) -> tuple[MediaFile, ...]:
    return {"instagram": (media("JPEG"),), "tiktok": (media("MP4"),), "youtube": (media("MP4"),)}.get(platform, ())


def codes(found: tuple[Finding, ...]) -> list[str]:
    return [finding.code for finding in found]


def verdict(a_post: Post, limits: Overrides | None = None) -> tuple[list[str], list[str]]:
    errors, warnings = check(a_post, limits)
    return codes(errors), codes(warnings)


# --- text -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("platform", PLATFORMS)
def test_a_plain_post_with_what_the_platform_wants_raises_nothing(platform: str) -> None:
    assert verdict(post(f"{platform}-1", *fitting(platform))) == ([], [])


@pytest.mark.parametrize(("platform", "limit"), TEXT.items())
def test_text_may_reach_the_limit_and_not_exceed_it(platform: str, limit: int) -> None:
    files = fitting(platform)
    assert verdict(post(f"{platform}-1", *files, content="x" * limit)) == ([], [])
    assert verdict(post(f"{platform}-1", *files, content="🎉" * (limit // 2))) == ([], [])
    for over in ("x" * (limit + 1), "🎉" * (limit // 2 + 1), "x" * (limit * 9)):
        assert verdict(post(f"{platform}-1", *files, content=over)) == (["CONTENT_TOO_LONG"], [])


@pytest.mark.parametrize(("length", "parts"), [(281, 2), (540, 2), (541, 3), (5000, 19)])
def test_long_text_on_x_is_a_warning_with_the_number_of_parts(length: int, parts: int) -> None:
    errors, (warning,) = check(post("twitter-1", content="x" * length))
    assert errors == ()
    assert warning.code == "CONTENT_TOO_LONG"
    assert f"a thread of {parts} parts" in warning.message
    assert verdict(post("twitter-1", content="x" * 278 + "👨‍👩‍👧‍👦")) == ([], [])


def test_premium_and_self_hosted_limits_come_from_the_config() -> None:
    own = {"twitter": {"text": 25000}, "mastodon": {"text": 5000}}
    assert verdict(post("twitter-1 mastodon-1", content="x" * 5000), own) == ([], [])
    assert verdict(post("twitter-1 mastodon-1", content="x" * 5001), own) == (["CONTENT_TOO_LONG"], [])
    assert "thread of 2 parts" in check(post("twitter-1", content="x" * 25001), own)[1][0].message


def test_telegram_takes_less_text_beside_media() -> None:
    assert verdict(post("telegram-1", media("JPEG"), content="x" * 1024)) == ([], [])
    assert verdict(post("telegram-1", media("JPEG"), content="x" * 1025)) == (["CONTENT_TOO_LONG"], [])


@pytest.mark.parametrize("content", ["", "  \n\t ", "\u200b\ufeff", "\u2003\u00a0\u200b"])
def test_blank_text_is_refused_even_with_media(content: str) -> None:
    assert verdict(post("twitter-1", media("JPEG"), content=content)) == (["CONTENT_BLANK"], [])


def test_instagram_takes_thirty_hashtags() -> None:
    assert verdict(post("instagram-1", media("JPEG"), content="#a " * 30)) == ([], [])
    assert verdict(post("instagram-1", media("JPEG"), content="#a " * 31)) == (["TOO_MANY_HASHTAGS"], [])


def test_threads_takes_five_links_and_no_separator() -> None:
    assert verdict(post("threads-1", content="http://a.b " * 5)) == ([], [])
    assert verdict(post("threads-1", content="http://a.b " * 6)) == (["TOO_MANY_LINKS"], [])
    assert verdict(post("threads-1", content="one\n---\ntwo")) == (["THREAD_BLOCKED"], [])
    assert verdict(post("bluesky-1", content="one\n---\ntwo " + "http://a.b " * 6)) == ([], [])


@pytest.mark.parametrize(
    ("content", "warned"),
    [
        ("one [1/2] two [2/2]", True),
        ("[1/3] a [2/3] b [3/3] c", True),
        ("[1/1] alone", True),
        ("one [1/2] and no more", False),
        ("[2/2] before [1/2]", False),
        ("[1/2] of [2/3]", False),
        ("a score of [3/4]", False),
        ("before\n---\nafter", True),
        ("before --- after", False),
    ],
)
def test_what_makes_a_thread_of_a_short_text_on_x_is_said(content: str, warned: bool) -> None:
    assert verdict(post("twitter-1", content=content)) == ([], ["THREAD_SPLIT"] if warned else [])


def test_threads_takes_one_hashtag() -> None:
    assert verdict(post("threads-1", content="fresh #roast")) == ([], [])
    assert verdict(post("threads-1", content="fresh #roast #today")) == ([], ["HASHTAGS_UNUSED"])
    assert verdict(post("instagram-1", media("JPEG"), content="#a " * 31))[0] == ["TOO_MANY_HASHTAGS"]


# --- platforms --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name", ["twiter", "Twitter", "insta", "linkdin", "you", "threadss", "titkok", "mastadon", "telegramm"]
)
def test_a_slip_in_a_platforms_name_is_an_error_that_says_which_was_meant(name: str) -> None:
    (error,), warnings = check(post(f"{name}-1"))
    assert (error.code, warnings) == ("UNKNOWN_PLATFORM", ())
    assert error.hint.startswith("did you mean")


@pytest.mark.parametrize("name", ["pinterest", "twitch", "reddit", "discord", "x", "tumblr", "snapchat", "vk"])
def test_a_platform_that_is_not_known_yet_is_sent_with_a_warning(name: str) -> None:
    assert verdict(post(f"{name}-1", media("MP4"), media("JPEG"))) == ([], ["UNKNOWN_PLATFORM_LIMITS"])


# --- images -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("platform", "most"), [(one, most) for one, most in IMAGE_BYTES.items() if one != "bluesky"])
def test_an_image_between_mb_and_mib_is_a_warning_and_above_an_error(platform: str, most: int) -> None:
    megabytes = most // MIB
    for size, expected in (
        (megabytes * MB, ([], [])),
        (megabytes * MB + 1, ([], ["IMAGE_TOO_LARGE"])),
        (megabytes * MIB, ([], ["IMAGE_TOO_LARGE"])),
        (megabytes * MIB + 1, (["IMAGE_TOO_LARGE"], [])),
        (megabytes * MIB * 9, (["IMAGE_TOO_LARGE"], [])),
    ):
        assert verdict(post(f"{platform}-1", media("JPEG", size=size))) == expected


def test_bluesky_counts_bytes_and_pixels() -> None:
    assert verdict(post("bluesky-1", media("JPEG", size=MB, width=2000, height=2000))) == ([], [])
    assert verdict(post("bluesky-1", media("JPEG", size=MB + 1))) == (["IMAGE_TOO_LARGE"], [])
    assert verdict(post("bluesky-1", media("JPEG", width=2001, height=2001))) == (
        ["IMAGE_TOO_WIDE", "IMAGE_TOO_TALL"],
        [],
    )


@pytest.mark.parametrize(
    ("aspect", "expected"), [(0.8, []), (1.91, []), (0.79, ["IMAGE_ASPECT"]), (1.92, ["IMAGE_ASPECT"])]
)
def test_instagram_may_crop(aspect: float, expected: list[str]) -> None:
    assert verdict(post("instagram-1", media("JPEG", aspect=aspect))) == ([], expected)


@pytest.mark.parametrize(("platform", "most"), IMAGES.items())
def test_images_may_reach_the_count_and_not_exceed_it(platform: str, most: int) -> None:
    files = [media("JPEG", f"{n}.jpg") for n in range(most * 5)]
    assert verdict(post(f"{platform}-1", *files[:most])) == ([], [])
    assert verdict(post(f"{platform}-1", *files[: most + 1])) == (["TOO_MANY_IMAGES"], [])
    assert verdict(post(f"{platform}-1", *files)) == (["TOO_MANY_IMAGES"], [])


@pytest.mark.parametrize("platform", PLATFORMS)
def test_every_format_on_every_platform(platform: str) -> None:
    taken, converted, risky = FORMATS[platform]
    for form in TYPES:
        kind = "VIDEO" if TYPES[form].startswith("video/") else "IMAGE"
        expected: tuple[list[str], list[str]] = ([f"{kind}_FORMAT"], [])
        if platform in ("tiktok", "youtube") and kind == "IMAGE":
            expected = (["VIDEO_REQUIRED"], [])
        elif form in taken.split():
            expected = ([], ["PREFER_JPEG"] if form == "WebP" else [])
        elif form in converted.split():
            expected = ([], ["WEBP_CONVERTED"])
        elif form in risky.split():
            expected = ([], [f"{kind}_FORMAT_RISKY"])
        assert verdict(post(f"{platform}-1", media(form))) == expected, form


def test_a_converted_webp_carries_the_documented_advice() -> None:
    (warning,) = check(post("linkedin-1 twitter-1", media("WebP")))[1]
    assert warning.hint.startswith("upload as JPEG directly if quality consistency is critical")


def test_animation_that_a_platform_does_not_show_is_a_warning() -> None:
    assert verdict(post("twitter-1", media("GIF", animated=True))) == ([], ["ANIMATION_LOST"])
    assert verdict(post("mastodon-1", media("GIF", animated=True))) == ([], [])
    assert verdict(post("instagram-1", media("GIF", animated=True))) == ([], ["IMAGE_FORMAT_RISKY", "ANIMATION_LOST"])
    assert verdict(post("linkedin-1", media("WebP", animated=True))) == ([], ["WEBP_CONVERTED", "ANIMATION_LOST"])


@pytest.mark.parametrize(
    ("facts", "errors", "warnings"),
    [
        ({"rotation": 90}, [], ["IMAGE_ROTATED"]),
        ({"mirrored": True}, [], ["IMAGE_ROTATED"]),
        ({"cmyk": True}, [], ["IMAGE_CMYK"]),
        ({"width": 50000, "height": 50000}, [], ["IMAGE_PIXELS"]),
        ({"truncated": "its last part is missing"}, ["MEDIA_TRUNCATED"], []),
        ({"undecodable": "broken PNG file"}, ["MEDIA_UNDECODABLE"], []),
        ({"truncated": "its end", "undecodable": "is bad"}, ["MEDIA_TRUNCATED"], []),
        ({"unmeasured": "it took too long"}, [], ["MEDIA_UNMEASURED"]),
    ],
)
def test_what_was_found_in_an_image_becomes_a_finding(facts: Facts, errors: list[str], warnings: list[str]) -> None:
    assert verdict(post("facebook-1", with_facts("PNG", facts))) == (errors, warnings)


# --- the config's own figures -----------------------------------------------------------------------------------------

BREAKS: dict[str, tuple[str, float]] = {  # a key of `limits`: which file breaks that figure
    **dict.fromkeys(("image_bytes", "file_bytes"), ("JPEG", 999)),
    **dict.fromkeys(("width", "height"), ("JPEG", 1079)),
    "pixels": ("JPEG", 1_000_000),
    "aspect_min": ("JPEG", 1.1),
    "aspect_max": ("JPEG", 0.9),
    "images": ("JPEG", 0),
    "video_bytes": ("MP4", 999),
    "duration_min": ("MP4", 71),
    "duration_max": ("MP4", 69),
    "fps_min": ("MP4", 31),
    "fps_max": ("MP4", 29),
    "bitrate_max": ("MP4", 3_999_999),
    "video_width": ("MP4", 1079),
    "video_height": ("MP4", 1919),
    "video_aspect_min": ("MP4", 0.6),
    "video_aspect_max": ("MP4", 0.5),
    "videos": ("MP4", 0),
}


@pytest.mark.parametrize("platform", PLATFORMS)
@pytest.mark.parametrize("key", BREAKS)
def test_a_file_is_held_against_the_configs_own_figure(platform: str, key: str) -> None:
    form, figure = BREAKS[key]
    file = media(form, duration=70.0) if form == "MP4" else media(form)
    if form == "JPEG" and platform in ("tiktok", "youtube"):  # which want a video, and say so
        return
    said = [one for found in check(post(f"{platform}-1", file), {platform: {key: figure}}) for one in found]
    assert any(platform in one.message and "limits in the config" in one.hint for one in said), said


def test_a_figure_of_all_platforms_that_is_corrected_for_one_holds_for_the_others() -> None:
    own, huge = {"linkedin": {"pixels": 200_000_000}}, media("JPEG", width=15_000, height=10_000)
    assert verdict(post("linkedin-1", huge), own) == ([], [])
    assert verdict(post("linkedin-1 facebook-1", huge), own) == ([], ["IMAGE_PIXELS"])


# --- videos -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("platform", "most"), [row for row in VIDEO_BYTES.items() if row[1] < 512 * MIB])
def test_a_video_may_reach_the_size_and_not_exceed_it(platform: str, most: int) -> None:
    megabytes = most // MIB
    assert verdict(post(f"{platform}-1", media("MP4", size=megabytes * MB))) == ([], [])
    assert verdict(post(f"{platform}-1", media("MP4", size=megabytes * MIB))) == ([], ["VIDEO_TOO_LARGE"])
    assert verdict(post(f"{platform}-1", media("MP4", size=megabytes * MIB + 1))) == (["VIDEO_TOO_LARGE"], [])


def test_bluesky_takes_twice_the_bytes_from_a_minute_on() -> None:
    assert verdict(post("bluesky-1", media("MP4", size=100 * MB, duration=60.0))) == ([], [])
    assert verdict(post("bluesky-1", media("MP4", size=100 * MIB + 1, duration=60.0))) == (["VIDEO_TOO_LARGE"], [])
    assert verdict(post("bluesky-1", media("MP4", size=100 * MB, duration=59.9))) == (["VIDEO_TOO_LARGE"], [])


@pytest.mark.parametrize("platform", PLATFORMS)
def test_no_file_may_exceed_512_mib_anywhere(platform: str) -> None:
    at, over = (check(post(f"{platform}-1", media("MP4", size=2**29 + more)))[0] for more in (0, 1))
    assert "MEDIA_TOO_LARGE" not in codes(at)
    assert codes(over)[0] == "MEDIA_TOO_LARGE"
    assert "536,870,913 bytes; PostPost takes 536,870,912 bytes" in over[0].message


@pytest.mark.parametrize(("platform", "least", "most"), [(one, *span) for one, span in SECONDS.items()])
def test_a_video_may_be_as_long_as_the_platform_says(platform: str, least: int, most: int) -> None:
    assert verdict(post(f"{platform}-1", media("MP4", duration=float(most)))) == ([], [])
    assert verdict(post(f"{platform}-1", media("MP4", duration=most + 0.02))) == ([], [])  # the sound's last packet
    for over in (most + 1.0, most * 50.0):
        assert verdict(post(f"{platform}-1", media("MP4", duration=over))) == (["VIDEO_TOO_LONG"], [])
    if least:
        assert verdict(post(f"{platform}-1", media("MP4", duration=float(least)))) == ([], [])
        assert verdict(post(f"{platform}-1", media("MP4", duration=least - 0.5))) == (["VIDEO_TOO_SHORT"], [])


def test_tiktok_wants_23_frames_a_second_and_says_what_was_measured() -> None:
    assert verdict(post("tiktok-1", media("MP4", fps=23.0))) == ([], [])
    (error,), _ = check(post("tiktok-1", media("MP4", fps=20.0)))
    assert error.code == "VIDEO_FPS"
    assert error.message == (
        "a.mp4 runs at 20 fps; tiktok takes at least 23 fps (tiktok-1); "
        "measured: 1080x1920, 0.56:1, h264/aac, 20 fps, 4.00 Mbit/s, 20 s"
    )
    assert "ensure proper FPS, supported codec, and acceptable duration" in error.hint


@pytest.mark.parametrize(
    ("facts", "errors", "warnings"),
    [
        ({"video_codec": "hevc", "audio_codec": "opus"}, [], []),
        ({"video_codec": "vp9", "audio_codec": ""}, [], []),
        ({"video_codec": "mpeg4"}, [], ["VIDEO_CODEC"]),
        ({"audio_codec": "mp3"}, [], ["VIDEO_CODEC"]),
        ({"moov_missing": True, "undecodable": "no"}, ["VIDEO_MOOV_MISSING"], []),
        ({"truncated": "its mdat atom is cut off"}, ["MEDIA_TRUNCATED"], []),
        ({"duration": float("nan")}, [], ["MEDIA_UNMEASURED"]),
    ],
)
def test_what_was_found_in_a_video_becomes_a_finding(facts: Facts, errors: list[str], warnings: list[str]) -> None:
    assert verdict(post("facebook-1", with_facts("MP4", facts))) == (errors, warnings)


def test_a_row_of_the_config_can_limit_what_the_table_does_not() -> None:
    own = {"youtube": {"bitrate_max": 3_000_000, "video_height": 1080, "video_aspect_min": 1.0, "fps_max": 25}}
    assert verdict(post("youtube-1", media("MP4")), own) == (
        ["VIDEO_FPS", "VIDEO_BITRATE", "VIDEO_TOO_TALL", "VIDEO_ASPECT"],
        [],
    )


def test_what_was_measured_is_shown_on_one_line() -> None:
    assert describe({**GOOD_VIDEO, "fps": 30000 / 1001, "duration": 3723.46}) == (
        "1080x1920, 0.56:1, h264/aac, 29.97 fps, 4.00 Mbit/s, 3,723.46 s"
    )
    assert describe({}) == ""


# --- together ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("platform", PLATFORMS)
def test_two_videos_are_refused_everywhere(platform: str) -> None:
    assert verdict(post(f"{platform}-1", media("MP4", "a.mp4"), media("MP4", "b.mp4"))) == (["TOO_MANY_VIDEOS"], [])


@pytest.mark.parametrize("platform", PLATFORMS)
def test_images_beside_a_video_are_refused_everywhere(platform: str) -> None:
    assert "MEDIA_MIXED" in verdict(post(f"{platform}-1", media("MP4"), media("JPEG")))[0]


@pytest.mark.parametrize(
    ("platform", "files", "expected"),
    [
        ("instagram", (), ["MEDIA_REQUIRED"]),
        ("tiktok", (), ["VIDEO_REQUIRED"]),
        ("youtube", (), ["VIDEO_REQUIRED"]),
        ("tiktok", (media("JPEG"),), ["VIDEO_REQUIRED"]),
        ("twitter", (), []),
    ],
)
def test_media_that_a_platform_needs(platform: str, files: tuple[MediaFile, ...], expected: list[str]) -> None:
    assert verdict(post(f"{platform}-1", *files)) == (expected, [])


def test_a_wrong_extension_is_a_warning_and_case_does_not_matter() -> None:
    assert verdict(post("twitter-1", media("JPEG", "a.PNG"))) == ([], ["MEDIA_WRONG_EXTENSION"])
    assert verdict(post("twitter-1", media("JPEG", "a"))) == ([], ["MEDIA_WRONG_EXTENSION"])
    assert verdict(post("twitter-1", media("JPEG", "a.JPEG"), media("JPEG", "b.Jpg"))) == ([], [])


def test_the_words_are_those_a_person_needs() -> None:
    (error,), _ = check(post("instagram-456 facebook-1", media("JPEG", "slide3.jpg", size=9_400_000)))
    assert error.message == "slide3.jpg is 9.4 MB; instagram takes 8 MB (instagram-456)"
    assert error.hint.startswith(
        'export it smaller or drop instagram from platforms, or give it its own: "per_platform: {instagram: {media: […]}}"'
    )


def test_a_file_gets_the_way_out_of_a_file_and_the_text_that_of_the_text() -> None:
    both = post("bluesky-1 facebook-1", media("JPEG", "content", size=9_400_000), content="x" * 400)
    assert {error.code: error.hint.split('"')[1] for error in check(both)[0]} == {
        "CONTENT_TOO_LONG": "per_platform: {bluesky: {content: …}}",
        "IMAGE_TOO_LARGE": "per_platform: {bluesky: {media: […]}}",
    }


def test_one_finding_names_the_strictest_platform_first_and_every_account() -> None:
    (error,), _ = check(post("facebook-1 twitter-a twitter-b bluesky-1 mastodon-9", media("JPEG", size=12_000_000)))
    assert error.message == (
        "a.jpg is 12,000,000 bytes; bluesky takes 1,000,000 bytes (bluesky-1), "
        "twitter 5 MB (twitter-a, twitter-b), facebook 10 MB (facebook-1)"
    )


def test_where_nothing_would_be_left_nothing_is_to_be_dropped() -> None:
    assert (
        check(post("instagram-456", media("JPEG", size=9_400_000)))[0][0].hint
        == "export it smaller [platforms/instagram 2026-03]"
    )


def test_everything_that_is_wrong_is_said_at_once() -> None:
    wrong = post(
        "instagram-1 tiktok-1 twiter-2",
        *(media("PNG", f"{n}.jpg", size=9 * MIB, aspect=3.0) for n in range(12)),
        content="#tag " * 500,
        settings={"tiktok": {"viewerSetting": "ALL"}},
    )
    errors, warnings = verdict(wrong)
    assert errors == (
        ["UNKNOWN_PLATFORM", "CONTENT_TOO_LONG", "TOO_MANY_HASHTAGS"]
        + ["IMAGE_TOO_LARGE"] * 12
        + ["TOO_MANY_IMAGES", "VIDEO_REQUIRED", "SETTING_VALUE"]
    )
    assert warnings == ["MEDIA_WRONG_EXTENSION", "IMAGE_ASPECT", "IMAGE_FORMAT_RISKY"] * 12


def test_names_from_outside_cannot_write_on_the_terminal() -> None:
    nasty = post(
        "twit\x1b[2Jter-1", media("MP4", "\x1b]0;x\x07.png", video_codec="\x1b[1m"), settings={"a\nb": {"\r": "\x07"}}
    )
    for finding in (*check(nasty)[0], *check(nasty)[1]):
        assert str(finding).isprintable(), finding


# --- settings ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("platform", "settings", "errors", "warnings"),
    [
        ("tiktok", {"viewerSetting": "SELF_ONLY", "allowComments": False, "allowDuet": True}, [], []),
        ("tiktok", {"viewerSetting": "FRIENDS"}, ["SETTING_VALUE"], []),
        ("tiktok", {"allowStitch": "true"}, ["SETTING_VALUE"], []),
        ("tiktok", {"viewerSetting": True}, ["SETTING_VALUE"], []),
        ("tiktok", {"viewersetting": "SELF_ONLY"}, [], ["SETTING_DROPPED"]),
        ("tiktok", {"commercialContent": True}, ["SETTING_NEEDS"], []),
        ("tiktok", {"commercialContent": True, "brandOrganic": False}, ["SETTING_NEEDS"], []),
        ("tiktok", {"commercialContent": True, "brandedContent": True}, [], []),
        ("tiktok", {"commercialContent": False}, [], []),
        ("instagram", {"videoType": "STORIES"}, [], []),
        ("instagram", {"videoType": "reels"}, ["SETTING_VALUE"], []),
        ("youtube", {"privacy": "unlisted", "title": "x" * 100}, [], []),
        ("youtube", {"title": "x" * 101}, ["SETTING_TOO_LONG"], []),
        ("youtube", {"privacy": ""}, ["SETTING_VALUE"], []),
        ("threads", {"replyControl": ""}, [], []),
        ("threads", {"replyControl": "mentioned_only", "x": "y"}, [], ["SETTING_DROPPED"]),
        ("mastodon", {"visibility": "unlisted"}, [], ["SETTING_DROPPED"]),
    ],
)
def test_settings_by_the_table(
    platform: str, settings: dict[str, str | bool], errors: list[str], warnings: list[str]
) -> None:
    assert verdict(post(f"{platform}-1", *fitting(platform), settings={platform: settings})) == (errors, warnings)


def test_settings_for_a_platform_the_post_does_not_go_to() -> None:
    assert verdict(post("twitter-1", settings={"youtube": {"privacy": "public"}})) == ([], ["SETTING_UNUSED"])
    (warning,) = check(post("tiktok-1", media("MP4"), settings={"tictok": {"allowDuet": True}}))[1]
    assert (warning.code, warning.hint) == ("SETTING_UNUSED", 'did you mean "tiktok"?')


@pytest.mark.parametrize(
    ("settings", "errors"),
    [
        ({"youtube": {"tags": ["coffee", "roast"], "madeForKids": False}}, []),
        ({"youtube": {"playlist": {"id": "PL1", "platformId": "youtube-1"}}}, []),
        ({"youtube": {"tags": "coffee"}}, ["SETTING_VALUE"]),
        ({"youtube": {"tags": [["coffee"]]}}, ["SETTING_VALUE"]),
        ({"youtube": {"playlist": ["PL1"]}}, ["SETTING_VALUE"]),
        ({"youtube": {"madeForKids": "false"}}, ["SETTING_VALUE"]),
        ({"youtube": {"privacy": ["public"]}}, ["SETTING_VALUE"]),
    ],
)
def test_settings_may_be_lists_and_maps_where_they_are(settings: Settings, errors: list[str]) -> None:
    found = verdict(post("youtube-1", media("MP4", duration=9.0), settings=settings))
    assert found[0] == errors
    assert set(found[1]) <= {"SETTING_NEW"}


# --- every cell can be corrected --------------------------------------------------------------------------------------


def test_the_formats_of_a_platform_come_from_the_config() -> None:
    gif = post("bluesky-1", media("GIF"))
    assert verdict(gif)[0] == ["IMAGE_FORMAT"]
    assert verdict(gif, {"bluesky": {"formats": ("jpg", "gif")}}) == ([], [])
    assert verdict(post("bluesky-1", media("PNG")), {"bluesky": {"formats": ("jpg", "gif")}})[0] == ["IMAGE_FORMAT"]
    webp = post("instagram-1", media("WebP"))
    assert verdict(webp)[1] == ["WEBP_CONVERTED"]
    assert verdict(webp, {"instagram": {"formats": ("JPEG", "WEBP")}})[1] == ["PREFER_JPEG"]
    moving = post("twitter-1", media("GIF", animated=True))
    assert verdict(moving, {"twitter": {"animated": ("GIF",)}}) == ([], [])


def test_the_services_own_figures_come_from_the_config_too() -> None:
    two = post("telegram-1", media("MP4", duration=9.0), media("MP4", "b.mp4", duration=9.0))
    assert "TOO_MANY_VIDEOS" in verdict(two)[0]
    assert "TOO_MANY_VIDEOS" not in verdict(two, {"any": {"videos": 2}})[0]
    assert "TOO_MANY_VIDEOS" in verdict(two, {"any": {"videos": 2}, "telegram": {"videos": 1}})[0]


# --- whatever comes ---------------------------------------------------------------------------------------------------


@pytest.mark.whole
def test_arbitrary_posts_get_a_verdict_each(matrix: Matrix, survived: Survived) -> None:
    dice = random.Random(20260301)  # noqa: S311  # it must be the same every time
    names = [*PLATFORMS, "twiter", "pinterest", "", "x", "\x00", "TikTok"]
    values: list[str | float | bool] = [
        0,
        -1,
        1,
        1e300,
        float("nan"),
        float("inf"),
        "",
        "x",
        True,
        False,
        2**70,
        "h264",
    ]
    facts = [
        *GOOD_VIDEO,
        "rotation",
        "animated",
        "cmyk",
        "mirrored",
        "truncated",
        "undecodable",
        "unmeasured",
        "moov_missing",
    ]
    pieces = ["#a ", "http://a ", "\n---\n", "🎉", "x" * 100, "\ud800", " ", "\u200d", "日", "👨‍👩‍👧‍👦"]
    choices: list[str | bool] = ["x", True, ""]
    for _ in range(matrix.share(ROUNDS)):
        files = tuple(
            MediaFile(
                "".join(dice.choices("ab. \x1b/é", k=5)),
                Stat(dice.choice([0, 1, 10**6, 5 * 10**7, 2**29 + 1, 2**70]), 0, 0, 0, 0),
                dice.choice([*SUFFIXES, None, "image/bmp"]),
                facts={key: dice.choice(values) for key in dice.sample(facts, k=6)},
            )
            for _ in range(dice.choice([0, 0, 1, 2, 12]))
        )
        ids = tuple(f"{name}{dice.choice(['-1', '-', ''])}" for name in dice.choices(names, k=dice.randrange(5)))
        content = "".join(dice.choices(pieces, k=dice.choice([0, 1, 30])))
        setting = dice.choice(choices)
        settings = {dice.choice(names): {dice.choice(["title", "privacy", "allowDuet", "commercialContent"]): setting}}
        own = {dice.choice(names): {dice.choice([*KEYS, "nothing"]): dice.choice([0, 1, 5000, 0.5])}}
        a_post = Post(content, ids, settings, files, None, "UTC")
        errors, warnings = check(a_post, own)
        assert (errors, warnings) == check(a_post, own)
        assert all(
            finding.code.replace("_", "").isupper() and str(finding).isprintable() for finding in (*errors, *warnings)
        )
    survived("arbitrary posts", matrix.share(ROUNDS))
