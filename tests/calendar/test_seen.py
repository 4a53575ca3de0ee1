"""What is in view: of which roots, in which weeks, and what is odd about the program."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from postpost_sync.calendar.seen import WatchRoot, seen
from postpost_sync.model.errors import Finding
from postpost_sync.model.program import RootState
from postpost_sync.store import Store
from tests.support import calendar_posts as posts

NOW = datetime(2026, 12, 1, 9, 0, tzinfo=UTC)
ONE, OTHER = WatchRoot("/srv/posts", "Europe/Berlin"), WatchRoot("/srv/shop", "UTC")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    one = Store.open(tmp_path / "state.db")
    posts.stored(one, [posts.record(0, NOW), posts.record(1, NOW, "/srv/shop"), posts.record(9, NOW, "/elsewhere")])
    one.set_roots([posts.root_status("/srv/posts", NOW)])
    yield one
    one.close()


def test_one_root_has_its_name_and_what_is_no_post_in_it(store: Store) -> None:
    found = seen(store, [ONE], NOW)
    assert found.calendar.title == "posts"
    assert sorted(one.folder for one in found.entries) == ["2026/post 00", "no sidecar here"]


def test_of_several_roots_each_folder_says_which_it_lies_in(store: Store) -> None:
    found = seen(store, [ONE, OTHER], NOW)
    assert found.calendar.title == "Posts"
    assert {one.folder for one in found.entries} == {"posts/2026/post 00", "posts/no sidecar here", "shop/post-01"}


def test_other_weeks_show_neither_what_is_before_them_nor_what_is_after(store: Store) -> None:
    ahead = NOW + timedelta(days=300)
    far = posts.record(15, NOW, time=ahead)
    posts.stored(store, [replace(far, groups=tuple(replace(one, answered_time=ahead) for one in far.groups))])
    assert [one.at for one in seen(store, [ONE], NOW).calendar.later] == [ahead]
    elsewhere = seen(store, [ONE], NOW, first=date(2026, 3, 1)).calendar
    assert (elsewhere.later, elsewhere.past) == ((), ())
    assert elsewhere.weeks[0].monday == date(2026, 2, 23)


def test_a_root_that_is_away_and_a_daemon_that_is_not_running_are_said(store: Store) -> None:
    away = replace(posts.root_status("/srv/posts", NOW), state=RootState.AWAY, error=Finding("ROOT_AWAY", "it is gone"))
    store.set_roots([away, posts.root_status("/srv/shop", NOW)])
    notices = seen(store, [ONE], NOW, running=False).calendar.notices
    assert [one.code for one in notices] == ["DAEMON_DOWN", "ROOT_AWAY"]
    assert seen(store, [OTHER], NOW, running=True).calendar.notices == ()
