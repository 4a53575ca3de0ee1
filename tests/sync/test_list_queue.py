"""Who waits for the list of posts: one reading for all, begun when it is worth it or has lasted long enough."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest import mock

import pytest

from postpost_sync.log import Log
from postpost_sync.model.errors import Unclear
from postpost_sync.model.record import Group, GroupStage
from postpost_sync.sandbox import Fault
from postpost_sync.service.account import Account
from postpost_sync.sync.list_queue import PATIENCE, PATIENCE_A_PAGE, WORTH_A_PAGE, ListQueue, Question
from postpost_sync.sync.runtime import Runtime
from tests.support.accounts import KEY, Reached

NOW = datetime(2026, 12, 1, 8, 0, tzinfo=UTC)


class Met(Reached):
    """An account, and those who wait for its list; `seconds` is the monotonic clock."""

    def __init__(self) -> None:
        super().__init__()
        self.seconds, self.others_come = 0.0, True
        self.waked: dict[int, float] = {}
        runtime = Runtime(self.waked.__setitem__, lambda: self.seconds, lambda: 1.0, Log(), "test")
        self.queue = ListQueue(Account(self.api, KEY, None), lambda: self.others_come, 86400.0, lambda _: (), runtime)

    def just_read(self) -> None:
        """Others come, and the list was read a moment ago."""
        self.others_come = False
        assert self.queue.check(99, "check", self.group(99)) is not None
        self.others_come = True
        self.sandbox.calls.clear()

    def group(self, key: int = 1) -> Group:
        made = self.api.create_post(f"post {key}", ["twitter-123"], {}).post_group_id
        return Group(key, GroupStage.DRAFT, made, NOW, f"post {key}", ("twitter-123",), {})


@pytest.fixture
def met() -> Iterator[Met]:
    made = Met()
    yield made
    made.close()


def test_where_nobody_else_comes_it_is_read_at_once(met: Met) -> None:
    met.others_come = False
    group = met.group()
    listing = met.queue.check(1, "check", group)
    assert listing is not None
    assert listing.get(group.post_group_id or "") is not None


def test_where_it_was_not_read_lately_nobody_waits(met: Met) -> None:
    met.just_read()
    met.seconds = PATIENCE
    assert met.queue.check(1, "check", met.group()) is not None
    assert met.queue.check(2, "check", met.group(2)) is None


def test_while_others_come_the_first_waits_for_a_while_and_then_reads_for_all(met: Met) -> None:
    met.just_read()
    groups = {key: met.group(key) for key in (1, 2, 3)}
    assert [met.queue.check(key, "check", group) for key, group in groups.items()] == [None] * 3
    assert met.waked == {1: PATIENCE, 2: 2 * PATIENCE, 3: 2 * PATIENCE}, (
        "the first reads; the others only if it did not"
    )
    met.seconds = PATIENCE
    first = met.queue.check(1, "check", groups[1])
    assert first is not None
    assert (met.waked[2], met.waked[3]) == (0.0, 0.0)
    assert met.queue.check(2, "check", groups[2]) is first
    assert met.queue.check(3, "check", groups[3]) is first
    assert met.pages == 1


def test_where_enough_wait_nobody_waits_longer(met: Met) -> None:
    met.just_read()
    *others, last = (met.group(key) for key in range(1, WORTH_A_PAGE + 1))
    assert all(met.queue.check(group.key, "check", group) is None for group in others)
    assert met.queue.check(last.key, "check", last) is not None
    assert met.pages == 1


def test_what_a_reading_met_is_told_to_all_who_waited_for_it(met: Met) -> None:
    met.just_read()
    one, two = met.group(1), met.group(2)
    assert met.queue.check(1, "check", one) is None
    met.others_come = False
    met.sandbox.faults.add(Fault("list-posts", "status"))
    with pytest.raises(Unclear):
        met.queue.check(2, "check", two)
    with pytest.raises(Unclear):
        met.queue.check(1, "check", one)
    assert met.pages == 1
    assert met.queue.check(1, "check", one) is not None


def test_what_was_read_for_another_draft_of_the_folder_does_not_count(met: Met) -> None:
    met.just_read()
    one, two = met.group(1), met.group(2)
    assert met.queue.check(1, "check", one) is None
    met.others_come = False
    met.queue.check(2, "check", two)
    assert met.queue.check(1, "check", met.group(3)) is not None
    assert met.pages == 2


def test_what_lay_too_long_does_not_count(met: Met) -> None:
    met.just_read()
    one, two = met.group(1), met.group(2)
    assert met.queue.check(1, "check", one) is None
    met.others_come = False
    met.queue.check(2, "check", two)
    met.seconds = 3600.0
    assert met.queue.check(1, "check", one) is not None
    assert met.pages == 2


def test_where_a_reading_takes_many_pages_more_are_waited_for(met: Met) -> None:
    met.others_come = False
    many = [met.group(key) for key in range(1, 451)]
    assert met.queue.check(1, "check", many[0]) is not None
    read, met.others_come = met.pages, True
    assert met.queue.check(2, "check", many[1]) is None
    met.seconds = PATIENCE
    assert met.queue.check(2, "check", many[1]) is None
    met.seconds = PATIENCE_A_PAGE * read
    assert met.queue.check(2, "check", many[1]) is not None


def test_who_only_compares_is_served_by_a_reading_that_began_since(met: Met) -> None:
    question, given = Question(("compare", 0), NOW - timedelta(seconds=30)), []
    listed, met.others_come = met.api.list_posts, False

    def meanwhile(page: int, **how: Any) -> Any:
        given.append(met.queue.take(2, question))
        return listed(page, **how)

    with mock.patch.object(met.api, "list_posts", meanwhile):
        assert met.queue.take(1, question) is not None
    assert given == [None]
    assert met.waked[2] == 0.0
    assert met.pages == 1
    assert not met.queue.others_wait(0)
