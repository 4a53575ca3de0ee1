"""What `status` reads is what it would show if it read all of it."""

from __future__ import annotations

import itertools
import os
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from postpost_sync.model import view
from postpost_sync.model.errors import Finding
from postpost_sync.model.folder import Stat
from postpost_sync.model.record import Group, GroupStage, MediaName, PlatformResult, Record, Upload, UploadStage
from postpost_sync.model.states import State
from postpost_sync.model.times import to_service
from postpost_sync.store import Store, migrations, versions
from postpost_sync.store.status import at_or_below, outlines, shown

NOW = datetime(2026, 12, 1, 8, 0, tzinfo=UTC)
WORDS = Finding("X", "words \udcff", "hint")


def group(number: int, stage: GroupStage) -> Group:
    stat = Stat(7, 1, 2, 3, 4)
    uploads = tuple(Upload(at, f"{at}.jpg", "x", "image/jpeg", stat, UploadStage.SIGNED, sent=at) for at in range(2))
    results = (
        PlatformResult("twitter-1", "published", "id"),
        PlatformResult("threads-2", "failed", None, WORDS),
    )
    return Group(
        *(0, stage, f"post{number}", NOW, f"\n  text {number}\nmore", ("twitter-1",), {}, uploads),
        answered_time=NOW + timedelta(hours=number) if number % 2 else None,
        results=results,
        outcome=State.PARTIALLY_PUBLISHED if stage is GroupStage.FOLLOWED else None,
    )


def fill(store: Store) -> None:
    """Folders of every state, and every sequence of up to two groups."""
    sequences = [stages for many in range(3) for stages in itertools.product(GroupStage, repeat=many)]
    for number, stages in enumerate(sequences):
        state = list(State)[number % len(State)]
        record = store.add("/posts", f"{number}" if number else os.fsdecode(b"na\xffme"), number, 1, NOW)

        def filled(
            old: Record, state: State = state, stages: tuple[GroupStage, ...] = stages, n: int = number
        ) -> Record:
            return replace(
                old,
                state=old.state,
                time=NOW if n % 3 else None,
                error=WORDS if n % 5 == 0 else None,
                warnings=(WORDS,) * (n % 4),
                retry_at=NOW if n % 7 == 0 else None,
                platforms=("twitter-1",) * (n % 2),
                media=(MediaName("a.jpg", 3),),
                previous=("old",) * (n % 2),
                groups=tuple(group(at, stage) for at, stage in enumerate(stages)),
            )

        store.change(record.key, filled)
        store._db.conn.execute("UPDATE folders SET state = ? WHERE key = ?", (state.value, record.key))


def test_it_shows_the_same_as_a_record_in_full(store: Store) -> None:
    fill(store)
    whole = store.records()
    assert [view.facts(record) for record in shown(store)] == [view.facts(record) for record in whole]
    some = [record.key for record in whole][3:50:2]
    assert [view.facts(record) for record in shown(store, some)] == [
        view.facts(record) for record in whole if record.key in some
    ]


def test_an_outline_has_the_time_that_people_are_told(store: Store) -> None:
    fill(store)
    for record, outline in zip(store.records(), outlines(store), strict=True):
        shown_ = view.facts(record)
        time = to_service(datetime.fromisoformat(outline.time)) if outline.time else None
        assert (outline.root, outline.path, outline.state) == (record.root, record.path, record.state)
        assert time == shown_["scheduled_time"], record
        assert (outline.error, outline.warned) == (bool(shown_["error"]), bool(shown_["warnings"]))
        assert datetime.fromisoformat(outline.updated_at) == record.updated_at


def test_folders_are_found_at_and_below_a_path_and_none_that_is_merely_named_alike(store: Store) -> None:
    odd = os.fsdecode(b"\xff")
    places = [
        ("/a", "x"),
        ("/a", "x/y"),
        ("/a", f"x/{odd}"),
        ("/a", "x y"),
        ("/a", "x0"),
        ("/a", odd),
        ("/a", f"{odd}/z"),
    ]
    places += [("/a/b", "x"), ("/ab", "x")]
    keys = {place: store.add(*place, number, 1, NOW).key for number, place in enumerate(places)}
    for asked in ["/", "/a", "/a/x", "/a/x/y", f"/a/{odd}", "/a/b", "/ab", "/a/b/x", "/nowhere", "/a/x/"]:
        folder = Path(asked)
        below = {
            key
            for (root, path), key in keys.items()
            if folder in (whole := Path(root, path)).parents or folder == whole
        }
        assert set(at_or_below(store, folder)) == below, asked


def test_the_migrations_are_those_that_are_known_without_loading_them() -> None:
    assert tuple(one.name for one in migrations.migrations._migrations) == versions.KNOWN
    assert (migrations.migrations.migrations_table, migrations.migrations.name) == (versions.TABLE, versions.SET)
