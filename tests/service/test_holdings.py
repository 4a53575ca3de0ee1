"""What an account holds, read once for all who ask."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from postpost_sync.model.errors import Unclear
from postpost_sync.service.holdings import LATELY, SLACK, Holdings
from postpost_sync.service.texts import same_text
from tests.support.accounts import Reached

NOW = datetime(2026, 12, 1, 8, 0, tzinfo=UTC)
A_DAY = 86400.0


class Met(Reached):
    """An account with groups of all ages, and what is known of it."""

    def __init__(self) -> None:
        super().__init__()
        self.holdings = Holdings(self.api)


@pytest.fixture
def met() -> Iterator[Met]:
    made = Met()
    yield made
    made.close()


def test_it_is_read_whole_once_and_then_as_far_back_as_the_reading_before(met: Met) -> None:
    old = met.add(250)
    met.moment += timedelta(hours=1)
    assert met.holdings.read(A_DAY).get(old[0]) is not None
    assert met.pages == 3
    (new,) = met.add(1)
    reading = met.holdings.read(A_DAY)
    assert reading.get(new) is not None
    assert reading.get(old[0]) is None
    assert met.pages == 4


def test_what_was_read_before_is_kept(met: Met) -> None:
    old, *_ = met.add(150)
    began = met.moment = met.moment + timedelta(hours=1)
    met.holdings.read(A_DAY)
    met.add(1)
    met.holdings.read(A_DAY)
    held = met.holdings.get(old)
    assert held is not None
    assert held.at == began


def test_what_lags_behind_in_the_list_is_seen_by_the_next_reading(met: Met) -> None:
    met.holdings.read(A_DAY)
    (late,) = met.add(1, after=timedelta())
    met.moment += SLACK / 2
    assert met.holdings.read(A_DAY).get(late) is not None


def test_it_goes_further_back_where_that_is_asked_for(met: Met) -> None:
    (old,) = met.add(1)
    made_at = met.moment
    met.add(150)
    met.moment += timedelta(hours=1)
    met.holdings.read(A_DAY)
    met.add(1)
    assert met.holdings.read(A_DAY).get(old) is None
    assert met.holdings.read(A_DAY, made_at).get(old) is not None


def test_its_age_is_that_of_the_latest_reading(met: Met) -> None:
    assert met.holdings.age() == math.inf
    met.holdings.read(A_DAY)
    met.moment += timedelta(seconds=7)
    assert met.holdings.age() == 7.0
    met.holdings.forget()
    assert met.holdings.age() == math.inf


def test_a_clock_that_was_put_back_makes_the_next_reading_a_whole_one(met: Met) -> None:
    met.holdings.read(A_DAY)
    met.moment -= timedelta(hours=5)
    assert met.holdings.age() == math.inf


def test_a_whole_reading_forgets_what_is_gone(met: Met) -> None:
    (one,) = met.add(1)
    met.holdings.read(A_DAY)
    met.api.delete_post(one)
    met.holdings.forget()
    met.holdings.read(A_DAY)
    assert met.holdings.get(one) is None
    assert met.holdings.with_text("post 0") == ()


def test_a_text_finds_all_groups_that_have_it(met: Met) -> None:
    (first,), (second,) = met.add(1), met.add(1)
    reading = met.holdings.read(A_DAY)
    for found in (met.holdings.with_text(" post 0\n"), reading.with_text(" post 0\n")):
        assert {one.post_group_id for one in found} == {first, second}
    assert met.holdings.with_text("another") == reading.with_text("another") == ()


def test_of_many_old_ones_that_are_looked_for_one_after_the_other_two_readings_tell(met: Met) -> None:
    ids = [*met.add(150), *met.add(150)]
    for one in reversed(ids):
        held = met.holdings.find(one)
        assert held is not None
        assert held.post_group_id == one
    assert met.holdings.find("0" * 24) is None
    assert met.pages == 1 + 3


def test_an_old_one_is_looked_for_anew_after_a_minute(met: Met) -> None:
    (one,) = met.add(1)
    assert met.holdings.find(one) is not None
    met.api.delete_post(one)
    met.moment += timedelta(minutes=2)
    assert met.holdings.find(one) is None


def test_those_of_one_status_are_read_until_all_that_are_wanted_are_there(met: Met) -> None:
    old = met.add(250)
    new = met.add(10)
    assert not met.holdings.in_status("scheduled", NOW, new)
    pages = met.pages
    assert new[0] in met.holdings.in_status("draft", NOW, new)
    assert met.pages == pages + 1
    assert old[0] in met.holdings.in_status("draft", NOW, old)


@pytest.mark.parametrize("text", ["short", "long " * 300, "ends with dots " * 40 + "..."])
def test_what_an_account_holds_is_found_by_its_text_however_long(met: Met, text: str) -> None:
    made = met.api.create_post(f"  {text}\n", ["twitter-123"], {}).post_group_id
    met.api.create_post(f"{text} and more", ["twitter-123"], {})
    met.holdings.read(A_DAY)
    assert [one.post_group_id for one in met.holdings.with_text(text)] == [made]
    assert met.holdings.with_text(f"!{text}") == ()
    held = met.holdings.get(made)
    assert held is not None
    assert same_text(held.group.content, text)


def test_what_was_deleted_is_held_no_longer(met: Met) -> None:
    (first,), (second,) = met.add(1), met.add(1)
    met.holdings.read(A_DAY)
    met.holdings.deleted(first)
    met.holdings.deleted("0" * 24)
    assert met.holdings.get(first) is None
    assert [one.post_group_id for one in met.holdings.with_text("post 0")] == [second]
    met.holdings.deleted(second)
    assert met.holdings.with_text("post 0") == ()


def test_a_text_that_was_edited_at_postpost_is_found_as_it_is_now(met: Met) -> None:
    (edited,) = met.add(1)
    met.holdings.read(A_DAY)
    listed = met.holdings.get(edited)
    assert listed is not None
    met.holdings.keep(replace(listed.group, content="other words"))
    assert [one.post_group_id for one in met.holdings.with_text("other words")] == [edited]
    assert met.holdings.with_text("post 0") == ()
    met.holdings.deleted(edited)
    assert met.holdings.with_text("other words") == met.holdings.with_text("post 0") == ()


def test_nothing_is_kept_of_what_is_known_better_or_let_go(met: Met) -> None:
    (first,), (second,) = met.add(1), met.add(1)
    met.holdings.read(A_DAY)
    met.holdings.let_go(first)
    met.holdings.let_go("0" * 24)
    assert not met.holdings.knows(first)
    assert [one.post_group_id for one in met.holdings.with_text("post 0")] == [second]
    assert met.holdings.read(A_DAY, known_better=lambda _: [second]).get(second) is not None
    assert [one.post_group_id for one in met.holdings.all()] == [first]


def test_the_next_reading_is_a_whole_one_where_none_was_made_lately(met: Met) -> None:
    met.holdings.read(A_DAY)
    met.moment += LATELY - timedelta(seconds=1)
    met.holdings.grow_old()
    assert met.holdings.age() < math.inf
    met.holdings.read(A_DAY)  # goes back to the one before
    met.moment += timedelta(seconds=1)
    met.holdings.grow_old()
    assert met.holdings.age() == math.inf


def test_a_reading_says_how_many_pages_the_next_one_takes(met: Met) -> None:
    met.add(150)
    met.moment += timedelta(hours=1)
    assert met.holdings.read(A_DAY).pages_again() == 1, "what was made long ago is not read again"
    met.add(150)
    reading = met.holdings.read(A_DAY)
    before = met.pages
    met.holdings.read(A_DAY)
    assert reading.pages_again() == met.pages - before == 2


def test_a_list_whose_pages_repeat_themselves_is_not_believed_and_soon_left(
    met: Met, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As something between us and PostPost makes it, that answers every page from memory with the first."""
    met.add(250)
    asked = met.api.list_posts
    monkeypatch.setattr(met.api, "list_posts", lambda number, **more: asked(1, **more))
    with pytest.raises(Unclear, match="page 2 repeats"):
        met.holdings.read(A_DAY)
    assert met.pages == 2
