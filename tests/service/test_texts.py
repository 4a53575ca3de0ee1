"""Which text that PostPost shows is one of ours."""

from __future__ import annotations

import unicodedata

import pytest

from postpost_sync.service.responses import listed
from postpost_sync.service.texts import beginning, same_text, whole_text

TEXT = "Fish & chips <3\n\nin été,  it's “fresh”\n"


@pytest.mark.parametrize(
    "shown",
    [
        TEXT,
        TEXT.strip(),
        TEXT.replace("\n", "\r\n"),
        " ".join(TEXT.split()),
        unicodedata.normalize("NFD", TEXT),
        TEXT.replace("&", "&amp;").replace("<", "&lt;").replace("'", "&#39;"),
    ],
)
def test_what_no_reader_could_tell_apart_is_one_text(shown: str) -> None:
    assert whole_text(shown, TEXT)
    assert same_text(shown, TEXT)
    assert beginning(shown) == beginning(TEXT)


@pytest.mark.parametrize("mark", ["…", "..."])
def test_what_is_shown_of_a_long_text_is_that_text_and_not_all_of_it(mark: str) -> None:
    shown = f"{TEXT[:30]}{mark}"
    assert same_text(shown, TEXT)
    assert not whole_text(shown, TEXT)
    assert not same_text(f"{TEXT[:10]}{mark}", TEXT)


@pytest.mark.parametrize("shown", ["", TEXT.upper(), f"{TEXT} and more", TEXT[:30]])
def test_another_text_is_another_post(shown: str) -> None:
    assert not same_text(shown, TEXT)


@pytest.mark.parametrize(
    ("shown", "account"),
    [
        ({"platform": "twitter", "platformId": "twitter-123"}, "twitter-123"),
        ({"platform": "twitter", "platformId": "123"}, "twitter-123"),
        ({"platformId": "123"}, "123"),
        ({"platform": "twitter"}, ""),
    ],
)
def test_an_account_is_the_same_by_the_platforms_own_id(shown: dict[str, str], account: str) -> None:
    assert listed({"postGroupId": "0" * 24, "platforms": [shown]}).platforms == (account,)
