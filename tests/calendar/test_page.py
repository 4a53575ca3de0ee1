"""The page as a file: nothing in it runs or leaves, nothing from outside is more than text, and it stays small."""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser

import pytest

from postpost_sync.calendar import feed, page, weeks
from postpost_sync.calendar.entries import entry, oddities
from tests.support import calendar_posts as posts

NOW = datetime(2026, 12, 1, 9, 0, tzinfo=UTC)
BERLIN = "Europe/Berlin"
JPEG = b"\xff\xd8\xff\xe0" + bytes(5000)


def calendar(number: int = 60) -> weeks.Calendar:
    every = [entry(one) for one in posts.records(NOW, number)]
    return weeks.calendar(
        posts.HOSTILE, [*every, *oddities(posts.root_status("/srv/posts", NOW), BERLIN, NOW)], NOW, BERLIN
    )


class Tags(HTMLParser):
    """Every element with its attributes, and the text outside of the style."""

    def __init__(self, made: bytes) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(made.decode())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


MADE = page.file_page(calendar(), lambda _: JPEG)
FILE = MADE.data
PARSED = Tags(FILE)


def test_nothing_in_it_runs_and_nothing_is_fetched_from_elsewhere() -> None:
    assert {tag for tag, _ in PARSED.tags} & {"script", "iframe", "object", "embed", "form", "link", "base"} == set()
    for tag, attributes in PARSED.tags:
        assert not [name for name in attributes if name.startswith("on")], tag
        assert "style" not in attributes
        if "src" in attributes:
            assert (attributes["src"] or "").startswith("data:image/jpeg;base64,"), attributes
        if "href" in attributes and attributes.get("rel") != "noreferrer noopener":  # which a person may follow
            assert (tag, (attributes["href"] or "")[:1]) == ("a", "#"), attributes


def test_its_policy_allows_its_own_style_and_inlined_pictures_alone() -> None:
    (policy,) = [a["content"] for t, a in PARSED.tags if a.get("http-equiv") == "Content-Security-Policy"]
    (style,) = re.findall(r"<style>(.*?)</style>", FILE.decode(), re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert (
        policy == f"default-src 'none'; img-src data:; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    )


def test_hostile_folders_captions_and_titles_are_text() -> None:
    assert posts.HOSTILE in PARSED.text  # the caption and the title
    assert posts.HOSTILE.replace("/", "_") in PARSED.text  # the folder
    assert {attributes["data-folder"] for _, attributes in PARSED.tags if "data-folder" in attributes} >= {
        posts.HOSTILE.replace("/", "_")
    }


def test_each_id_is_there_once() -> None:
    ids = [attributes["id"] for _, attributes in PARSED.tags if "id" in attributes]
    assert len(ids) == len(set(ids))


def test_what_has_no_time_has_a_picture_and_what_comes_after_these_weeks_has_none() -> None:
    undated, later = (replace(entry(posts.record(0, NOW)), id=name) for name in ("undated", "later"))
    shown = weeks.calendar(
        "Posts", [replace(undated, at=None), replace(later, at=NOW + timedelta(days=100))], NOW, BERLIN
    )
    made = page.file_page(shown, lambda _: JPEG).data.decode()
    assert made.count("<img ") == 1
    assert made.index('id="l-later"') < made.index('id="u-undated"') < made.index("<img ")


def test_each_link_within_it_leads_somewhere() -> None:
    crowded = [entry(one) for one in posts.records(NOW, 3000)]
    undated = [replace(one, at=None) for one in crowded[:20]]
    for shown in (calendar(), weeks.calendar("Posts", [*crowded[20:], *undated], NOW, BERLIN)):
        tags = Tags(page.file_page(shown, lambda _: None).data).tags
        ids = {attributes["id"] for _, attributes in tags if "id" in attributes}
        links = {(attributes["href"] or "") for tag, attributes in tags if tag == "a" and "href" in attributes}
        assert {one for one in links if one.startswith("#") and one[1:] not in ids} == set()


def test_a_time_by_another_clock_names_its_zone_wherever_it_stands() -> None:
    first = replace(entry(posts.record(0, NOW)), zone="America/New_York")
    slot = weeks.Slot(NOW + timedelta(days=3), "Asia/Tokyo")
    text = Tags(page.file_page(weeks.calendar("Posts", [first], NOW, BERLIN, slots=[slot]), lambda _: None).data).text
    assert "Next: Wed 2 Dec 04:00 America/New_York New winter hours" in " ".join(text.split())
    assert "● scheduled 04:00 America/New_York New winter hours" in " ".join(text.split())
    assert "18:00 free Asia/Tokyo" in text
    assert BERLIN in text
    assert f"free {BERLIN}" not in text


def test_what_a_mark_means_is_said_at_the_top() -> None:
    assert "‖ 4 on hold" in PARSED.text


def test_a_crowded_day_is_folded_and_nothing_of_it_is_lost() -> None:
    many = [replace(entry(posts.record(0, NOW)), id=f"one-{at}") for at in range(20)]
    made = page.file_page(weeks.calendar("Posts", many, NOW, BERLIN), lambda _: None).data.decode()
    before, _, folded = made.partition("And 14 more</summary>")
    assert (before.count('id="p-one-'), folded.count('id="p-one-')) == (6, 14)


def test_every_post_is_on_it_with_its_state() -> None:
    shown = {(a["data-folder"], a["data-state"]) for _, a in PARSED.tags if "data-folder" in a}
    missing = [one for one in posts.records(NOW) if (one.path, one.state.value) not in shown]
    assert [one.path for one in missing if one.time is None or abs((one.time - NOW).days) < 14] == []


def test_what_is_stuck_is_said_with_the_way_out() -> None:
    for found in posts.WRONG.values():
        assert found.message in PARSED.text
        assert f"What to do: {found.hint}" in PARSED.text


def test_a_picture_stands_at_the_post_whose_it_is() -> None:
    one = posts.record(0, NOW)
    only = page.file_page(calendar(), lambda found: JPEG if found.id == one.folder_id else None)
    assert [t for t, _ in Tags(only.data).tags].count("img") == 1


@pytest.mark.parametrize("number", [0, 1, 1000, 10_000])
def test_it_stays_below_five_megabytes_however_much_there_is(number: int) -> None:
    made = page.file_page(calendar(number), lambda _: JPEG * 10)
    assert len(made.data) <= page.MOST_PAGE


@pytest.mark.parametrize("path", ["new\nline", "turned \u202e around", "no text \udcff\udcfe", "\0nul", " "])
def test_whatever_a_folder_is_called_and_whenever_it_is_due_there_is_a_page(path: str) -> None:
    ends = datetime(9999, 12, 31, 23, 59, tzinfo=UTC)
    one = posts.record(1, NOW, path=path, platforms=("tw\udcff\n",))
    far = replace(one, groups=tuple(replace(group, answered_time=ends, content="x\udcff\0") for group in one.groups))
    for record in (one, far):
        shown = weeks.calendar("Posts", [entry(record)], NOW, BERLIN)
        assert b"<!DOCTYPE html>" in page.file_page(shown, lambda _: None).data
        assert feed.feed("Posts", [entry(record)]).endswith(b"END:VCALENDAR\r\n")


def test_what_is_out_leads_to_where_it_can_be_seen() -> None:
    found = [attributes for tag, attributes in Tags(FILE).tags if tag == "a" and "rel" in attributes]
    assert found
    assert all((one["href"] or "").startswith("https://www.linkedin.com/feed/update/urn:li:share:") for one in found)
    assert "See it on linkedin-ABC." in " ".join(Tags(FILE).text.split())


def test_without_posts_it_says_so() -> None:
    text = Tags(page.file_page(weeks.calendar("Posts", [], NOW, BERLIN), lambda _: None).data).text
    assert "No posts." in text
    assert "The last two weeks" not in text


def test_the_live_page_has_a_script_of_its_own_and_no_inline_style() -> None:
    tags = Tags(page.live_page(calendar(), lambda one: f"thumb/{one.id}/0", "1")).tags
    assert [a["src"] for t, a in tags if t == "script"] == ["live.js"]
    assert [t for t, a in tags if t == "style" or "style" in a] == []


def test_it_tells_what_it_shows_whenever_it_was_made() -> None:
    later = page.file_page(replace(calendar(), now=NOW + timedelta(minutes=3)), lambda _: JPEG)
    assert (later.shows, page.shown_by(later.data[:2000])) == (MADE.shows, MADE.shows)
    assert later.data != FILE
    assert b"\0" not in FILE
    assert page.file_page(calendar(), lambda _: None).shows != MADE.shows
    assert page.file_page(calendar(59), lambda _: JPEG).shows != MADE.shows
