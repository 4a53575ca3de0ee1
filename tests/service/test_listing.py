"""The list of posts, read once for all who may share a reading."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from postpost_sync.sandbox import Sandbox, SandboxTransport
from postpost_sync.service.api import PostPost
from postpost_sync.service.connections import new_client
from postpost_sync.service.holdings import Holdings, same_text
from postpost_sync.service.listing import EVER, Listings

NOW = datetime(2026, 12, 1, 8, 0, tzinfo=UTC)


class Met:
    """An account with groups of all ages: each `add` makes some more, an hour later."""

    def __init__(self) -> None:
        self.moment = NOW
        self.sandbox = Sandbox(clock=lambda: self.moment)
        self.client = new_client(SandboxTransport(self.sandbox))
        self.api = PostPost(self.client, f"{self.sandbox.base_url}/api/v1", "sk_fake", None, self)
        self.listings = Listings(self.api)

    def now(self) -> datetime:
        return self.moment

    def add(self, number: int) -> list[str]:
        self.moment += timedelta(hours=1)
        return [self.api.create_post(f"post {n}", ["twitter-123"], {}).post_group_id for n in range(number)]

    @property
    def pages(self) -> int:
        return self.sandbox.count("list-posts")


@pytest.fixture
def met() -> Iterator[Met]:
    made = Met()
    yield made
    made.client.close()
    made.sandbox.close()


def test_one_reading_serves_all_who_asked_before_it_began(met: Met) -> None:
    ids = met.add(3)
    asked_at = time.monotonic()
    first = met.listings.since(asked_at, met.moment, ids[:1])
    assert met.listings.since(asked_at, met.moment, ids[1:]) is first
    assert first.began_at >= asked_at
    assert met.pages == 1


def test_who_asked_after_it_began_is_given_another(met: Met) -> None:
    met.add(1)
    met.listings.since(time.monotonic(), met.moment)
    (later,) = met.add(1)
    assert met.listings.since(time.monotonic(), met.moment).get(later) is not None
    assert met.pages == 2


def test_it_ends_at_the_page_that_has_all_that_is_wanted(met: Met) -> None:
    met.add(500)
    new = met.add(10)
    found = met.listings.since(time.monotonic(), met.moment, new)
    assert met.pages == 1
    assert all(found.get(one) is not None for one in new)
    assert not found.covers(["0" * 24], EVER)


def test_it_ends_where_all_is_older_than_was_asked_for(met: Met) -> None:
    met.add(500)
    met.add(120)
    found = met.listings.since(time.monotonic(), met.moment, ["0" * 24])
    assert met.pages == 2
    assert found.get("0" * 24) is None
    assert found.covers(["0" * 24], met.moment)


def test_a_reading_that_ended_early_says_nothing_of_what_it_did_not_reach(met: Met) -> None:
    old = met.add(150)[0]
    new = met.add(1)
    asked_at = time.monotonic()
    met.listings.since(asked_at, EVER, new)
    assert met.listings.since(asked_at, EVER, [old]).get(old) is not None


def test_a_text_finds_all_groups_that_have_it_the_newest_first(met: Met) -> None:
    (first,), (second,) = met.add(1), met.add(1)
    found = met.listings.since(time.monotonic(), EVER)
    assert [one.post_group_id for one in found.with_text(" post 0\n")] == [second, first]
    assert found.with_text("another") == ()


def test_of_many_that_are_asked_for_one_after_the_other_two_readings_tell(met: Met) -> None:
    ids = [*met.add(150), *met.add(150)]
    for one in reversed(ids):
        held = met.listings.held(one)
        assert held is not None
        assert held.post_group_id == one
    assert met.listings.held("0" * 24) is None
    assert met.pages == 1 + 3


def test_what_is_held_is_asked_anew_after_a_minute(met: Met) -> None:
    (one,) = met.add(1)
    assert met.listings.held(one) is not None
    met.api.delete_post(one)
    met.moment += timedelta(minutes=2)
    assert met.listings.held(one) is None


def test_a_reading_of_one_status_answers_no_question_about_all(met: Met) -> None:
    (one,) = met.add(1)
    asked_at = time.monotonic()
    assert met.listings.since(asked_at, EVER, status="scheduled").get(one) is None
    assert met.listings.since(asked_at, EVER).get(one) is not None


@pytest.mark.parametrize("text", ["short", "long " * 300, "ends with dots " * 40 + "..."])
def test_what_an_account_holds_is_found_by_its_text_however_long(met: Met, text: str) -> None:
    made = met.api.create_post(f"  {text}\n", ["twitter-123"], {}).post_group_id
    met.api.create_post(f"{text} and more", ["twitter-123"], {})
    holdings = Holdings(met.api)
    holdings.look(EVER, 3600.0)
    assert [one.post_group_id for one in holdings.with_text(text)] == [made]
    assert holdings.with_text(f"!{text}") == ()
    held = holdings.get(made)
    assert held is not None
    assert len(held.group.content) < 620, "long texts are not kept"
    assert same_text(held.group.content, text)


def test_readings_that_are_forgotten_are_made_anew(met: Met) -> None:
    (one,) = met.add(1)
    met.listings.since(time.monotonic(), EVER, [one])
    met.listings.forget()
    assert met.listings.held(one) is not None
    assert met.pages == 2


def test_what_was_deleted_is_held_no_longer(met: Met) -> None:
    (first,), (second,) = met.add(1), met.add(1)
    holdings = Holdings(met.api)
    holdings.look(EVER, 3600.0)
    holdings.deleted(first)
    holdings.deleted("0" * 24)
    assert (holdings.get(first), [one.post_group_id for one in holdings.with_text("post 0")]) == (None, [second])
    holdings.deleted(second)
    assert holdings.with_text("post 0") == ()
