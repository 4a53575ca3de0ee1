"""What is in view: of which roots, in which weeks, and what is odd about the program."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from postpost_sync import ledger
from postpost_sync.calendar import seen as seeing
from postpost_sync.calendar import weeks
from postpost_sync.calendar.seen import WatchRoot, dated, seen
from postpost_sync.calendar.weeks import Calendar
from postpost_sync.daemon import presence
from postpost_sync.model.errors import Finding
from postpost_sync.model.program import RootState
from postpost_sync.model.record import Record
from postpost_sync.model.slots import parse
from postpost_sync.model.vitals import Vitals
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


def folders(found: Calendar) -> set[str]:
    days = [one for week in found.every for day in week.days for one in day.entries]
    return {one.folder for one in (*days, *found.stuck, *found.later, *found.undated)}


def many(number: int, first: datetime, apart: timedelta, **more: Any) -> list[Record]:
    """Scheduled posts, one after the other, the last of them stored first."""
    made = []
    for at in reversed(range(number)):
        time = first + at * apart
        one = posts.record(0, NOW, folder_id=str(at), path=f"many-{at:02}", inode=1000 + at, time=time, **more)
        made.append(replace(one, groups=tuple(replace(group, answered_time=time) for group in one.groups)))
    return made


def test_one_root_has_its_name_and_what_is_no_post_in_it(store: Store) -> None:
    found = seen(store, [ONE], NOW)
    assert found.title == "posts"
    assert sorted(folders(found)) == ["2026/post 00", "no sidecar here"]


def test_of_several_roots_each_folder_says_which_it_lies_in(store: Store) -> None:
    found = seen(store, [ONE, OTHER], NOW)
    assert found.title == "Posts"
    assert folders(found) == {"posts/2026/post 00", "posts/no sidecar here", "shop/post-01"}


def test_what_was_not_read_yet_is_in_the_zone_of_its_root(store: Store) -> None:
    waiting = posts.record(
        13, NOW, time=datetime(2026, 12, 3, 23, 30, tzinfo=UTC), timezone="UTC", platforms=(), groups=()
    )
    posts.stored(store, [waiting])
    (day,) = [d for w in seen(store, [ONE], NOW).weeks for d in w.days if waiting.path in {e.folder for e in d.entries}]
    assert day.date == date(2026, 12, 4)


def test_other_weeks_show_neither_what_is_before_them_nor_what_is_after(store: Store) -> None:
    ahead = NOW + timedelta(days=300)
    far = posts.record(15, NOW, time=ahead)
    posts.stored(store, [replace(far, groups=tuple(replace(one, answered_time=ahead) for one in far.groups))])
    assert [one.at for one in seen(store, [ONE], NOW).later] == [ahead]
    elsewhere = seen(store, [ONE], NOW, first=date(2026, 3, 1))
    assert (elsewhere.later, elsewhere.past) == ((), ())
    assert elsewhere.weeks[0].monday == date(2026, 2, 23)


def test_a_root_that_is_away_and_a_daemon_that_is_not_running_are_said(store: Store) -> None:
    away = replace(
        posts.root_status("/srv/posts", NOW), state=RootState.AWAY, error=presence.away("/srv/posts", "empty")
    )
    store.set_roots([away, posts.root_status("/srv/shop", NOW)])
    store.overview.set_vitals(Vitals(warnings=(Finding("TOKEN_EXPIRING", "it ends soon", "reconnect it"),)).text())
    notices = seen(store, [ONE], NOW, running=False).notices
    assert [one.code for one in notices] == ["DAEMON_DOWN", "ROOT_AWAY", "TOKEN_EXPIRING"]
    assert [one.message for one in notices] == [
        "the daemon is not running: this is how things stood when it last did",
        "/srv/posts is away: empty",
        "it ends soon",
    ]
    assert [one.code for one in seen(store, [ONE], NOW).notices] == ["ROOT_AWAY"]  # the file, which the daemon writes
    store.overview.set_vitals("")
    assert seen(store, [OTHER], NOW, running=True).notices == ()
    polled = replace(
        posts.root_status("/srv/shop", NOW), state=RootState.DEGRADED, error=Finding("WATCH_FAILED", "polled")
    )
    store.set_roots([polled])
    assert [one.message for one in seen(store, [OTHER], NOW, running=True).notices] == ["/srv/shop: polled"]


def test_the_free_slots_of_a_queue_are_shown_and_those_that_are_a_posts_are_not(store: Store) -> None:
    queue = replace(ONE, slots=(parse("daily 09:00"), parse("daily 10:20")))
    record = next(one for one in store.records() if one.root == "/srv/posts")
    taken = datetime(2026, 12, 3, 8, 0, tzinfo=UTC)
    store.change(record.key, ledger.slot_taken, taken)
    days = [day for week in seen(store, [queue, OTHER], NOW).weeks for day in week.days if day.free]
    assert [f"{slot.local:%d %H:%M}" for day in days[:3] for slot in day.free] == [
        "01 10:20",
        "02 09:00",
        "02 10:20",
        "03 10:20",
    ]
    assert all(not day.free for week in seen(store, [ONE], NOW).weeks for day in week.days)


# --- where thousands are in view --------------------------------------------------------------------------------------


class Reads:
    """How many records were read in full."""

    def __init__(self, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
        self.number = 0
        read = store.overview.records

        def counted(keys: Sequence[int]) -> Iterator[Record]:
            self.number += len(keys)
            return read(keys)

        monkeypatch.setattr(store.overview, "records", counted)


def test_of_a_full_day_those_are_read_that_are_shown_and_the_others_counted(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(seeing, "MOST_A_DAY", 5)
    monkeypatch.setattr(weeks, "MOST_A_DAY", 5)
    posts.stored(store, many(12, NOW + timedelta(hours=2), timedelta(minutes=5)))
    reads = Reads(store, monkeypatch)
    (day,) = [day for week in seen(store, [ONE], NOW).weeks for day in week.days if day.date == NOW.date()]
    assert [one.folder for one in day.entries] == [f"many-0{n}" for n in range(5)]
    assert (day.more, day.number) == (7, 12)
    assert reads.number == 5 + 1  # and the one of the fixture


def test_what_is_stuck_is_shown_also_where_its_day_is_full(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (seeing, weeks):
        monkeypatch.setattr(module, "MOST_A_DAY", 5)
        monkeypatch.setattr(module, "MOST_LISTED", 4)
    refused = Finding("KEY_REFUSED", "PostPost does not accept the key", "check it")
    posts.stored(store, many(12, NOW + timedelta(hours=2), timedelta(minutes=5), error=refused))
    reads = Reads(store, monkeypatch)
    found = seen(store, [ONE], NOW)
    assert len(found.stuck) == 4
    assert found.more[0] == 12 - 4 + 1  # and the folder without a sidecar
    assert sum(day.number for week in found.weeks for day in week.days if day.date == NOW.date()) == 12
    assert reads.number == 5 + 4 + 1


def test_of_later_posts_the_soonest_are_read_and_the_others_counted(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(seeing, "MOST_LISTED", 3)
    posts.stored(store, many(8, NOW + timedelta(days=100), timedelta(days=1)))
    for most in (100, 5):
        monkeypatch.setattr(seeing, "MOST_IN_FEED", most)
        found = seen(store, [ONE], NOW)
        assert [one.folder for one in found.later] == ["many-00", "many-01", "many-02"]
        assert found.more[2] == 5


def test_only_those_that_are_meant_take_a_place(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(seeing, "MOST_A_DAY", 2)
    posts.stored(store, many(8, NOW + timedelta(hours=2), timedelta(minutes=5)))
    assert folders(seen(store, [ONE], NOW, below=lambda _, path: path == "many-07")) == {"many-07"}
    assert [one.folder for one in dated(store, [ONE], NOW, lambda _, path: path == "many-07")] == ["many-07"]


def test_in_the_feed_are_the_nearest_by_time(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(seeing, "MOST_IN_FEED", 4)
    posts.stored(store, many(20, NOW - timedelta(days=3), timedelta(days=10)))
    assert [one.folder for one in dated(store, [ONE], NOW)] == ["many-00", "2026/post 00", "many-01", "many-02"]
