"""Which accounts of a folder get which words, media, time and settings."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from postpost_sync.model.folder import PlatformEntry, Reading, Sidecar
from postpost_sync.model.post import Policy
from postpost_sync.post.parts import Parts, parted

IDS = ("twitter-1", "linkedin-A", "linkedin-B", "instagram-4")
MAIN = Sidecar("One", None, IDS, "2026-12-15 14:30", media=("wide.jpg",), lines={"content": 1, "media": 3})


def split(
    *entries: PlatformEntry, sidecar: Sidecar = MAIN, policy: Policy | None = None, certain: bool = True
) -> Parts:
    sidecar = replace(sidecar, per_platform=entries)
    reading = Reading("f", sidecar, content=sidecar.content)
    queued = (sidecar.scheduled_time or "") == "next"
    return parted(reading, sidecar, IDS, policy or Policy(), certain=certain, queued=queued)


def entry(name: str, **own: Any) -> PlatformEntry:
    return PlatformEntry(name, 7, **own, lines=dict.fromkeys(own, 8))


def accounts(found: Parts) -> dict[str, tuple[str, ...]]:
    assert found.errors == []
    return {part.name: part.platforms for part in found.parts}


@pytest.mark.parametrize("name", ["linkedin", "LinkedIn", "linkedin:*"])
def test_a_platform_stands_for_all_its_accounts(name: str) -> None:
    assert accounts(split(entry(name, content="Two"))) == {
        "": ("twitter-1", "instagram-4"),
        name: ("linkedin-A", "linkedin-B"),
    }


def test_a_name_of_the_config_stands_for_its_accounts() -> None:
    policy = Policy(accounts={"brand": ("instagram-4", "linkedin-B")})
    assert accounts(split(entry("brand", content="Two"), policy=policy))["brand"] == ("linkedin-B", "instagram-4")


def test_what_an_entry_leaves_out_is_as_above() -> None:
    main, part = split(entry("instagram", media=("square.jpg",), scheduled_time="2026-12-15 18:00")).parts
    assert (main.sidecar.media, main.sidecar.scheduled_time, main.content) == (("wide.jpg",), "2026-12-15 14:30", "One")
    assert (part.sidecar.media, part.sidecar.scheduled_time) == (("square.jpg",), "2026-12-15 18:00")
    assert part.content == "One"
    assert part.sidecar.lines == {"content": 1, "media": 8, "scheduled_time": 8}


def test_entries_that_come_to_the_same_are_one_part() -> None:
    found = split(entry("twitter", content="Two"), entry("instagram", content="Two"), entry("linkedin", content="One"))
    assert accounts(found) == {"": ("linkedin-A", "linkedin-B"), "twitter": ("twitter-1", "instagram-4")}


def test_where_each_account_has_an_entry_the_main_part_has_none() -> None:
    names = ("twitter", "linkedin", "instagram")
    assert accounts(split(*(entry(name, content=name) for name in names)))[""] == ()


def test_settings_for_all_are_left_to_the_parts_that_have_the_platform() -> None:
    settings = {"instagram": {"videoType": "REELS"}, "youtube": {"privacy": "public"}}
    main, part = split(entry("instagram", content="Two"), sidecar=replace(MAIN, platform_settings=settings)).parts
    assert main.sidecar.platform_settings == {"youtube": {"privacy": "public"}}
    assert part.sidecar.platform_settings["instagram"] == {"videoType": "REELS"}


@pytest.mark.parametrize(
    ("entries", "code"),
    [
        ((entry("mastodon", content="Two"),), "NOT_AMONG_PLATFORMS"),
        ((entry("twitter-9", content="Two"),), "NOT_AMONG_PLATFORMS"),
        ((entry("linkedin", content="Two"), entry("linkedin-B", content="Three")), "TWO_ENTRIES"),
        ((entry("all", content="Two"),), "UNKNOWN_ACCOUNT"),
        ((entry("nowhere at all", content="Two"),), "UNKNOWN_ACCOUNT"),
        ((entry("linkedin", scheduled_time="next"),), "NEXT_IN_PART"),
    ],
)
def test_what_makes_no_sense_is_an_error_with_its_line(entries: tuple[PlatformEntry, ...], code: str) -> None:
    (error,) = split(*entries).errors
    assert error.code == code
    assert error.message.startswith("post.yaml, line 7: per_platform: ")


def test_what_a_selector_stands_for_may_still_be_unknown() -> None:
    assert split(entry("mastodon", content="Two"), certain=False).errors == []


def test_a_queued_folder_may_say_so_once_more() -> None:
    found = split(entry("linkedin", scheduled_time="Next"), sidecar=replace(MAIN, scheduled_time="next"))
    assert found.errors == []
