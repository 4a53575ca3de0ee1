"""What is read where nothing may be written beside the database, while others begin and end to write to it."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from postpost_sync.calendar.seen import WatchRoot
from postpost_sync.model.errors import ProgramError
from postpost_sync.store import Store
from postpost_sync.web.source import Source

NOW = datetime(2026, 12, 1, 9, 0, tzinfo=UTC)
ROOT = "/srv/posts"


@pytest.fixture
def source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Source]:
    """Its folder looks like one that may not be written into, to it and to nobody else."""
    monkeypatch.setattr(os, "access", lambda *_: False)
    Store.open(tmp_path / "state.db").close()
    with closing(Source(tmp_path / "state.db", [WatchRoot(ROOT, "UTC")], 300.0)) as one:
        yield one


def add(path: Path, number: int) -> str:
    """As a daemon does it that begins, writes and ends."""
    with closing(Store.open(path)) as store:
        return store.add(ROOT, f"post-{number}", number, 1, NOW).folder_id


def test_what_was_written_before_it_is_asked_is_in_the_answer(source: Source, tmp_path: Path) -> None:
    before = source.page()
    ids = [add(tmp_path / "state.db", number) for number in range(3)]
    assert all(source.post(one) is not None for one in ids)
    source._version_at = 0.0  # a moment later
    assert source.page() != before


def test_no_answer_is_half_of_one_and_half_of_another_state(source: Source, tmp_path: Path) -> None:
    """However often somebody begins and ends meanwhile; then it may be said that this is so."""
    known: list[str] = []
    ending = threading.Event()
    wrong: list[str] = []

    def ask() -> None:
        while not ending.is_set():
            expected = list(known)
            try:
                wrong.extend(one for one in expected if source.post(one) is None)
                source.metrics()
            except ProgramError as error:
                if "begins and ends" not in error.message:
                    wrong.append(error.message)

    readers = [threading.Thread(target=ask) for _ in range(3)]
    for reader in readers:
        reader.start()
    try:
        known.extend(add(tmp_path / "state.db", number) for number in range(60))  # one by one
    finally:
        ending.set()
        for reader in readers:
            reader.join()
    assert wrong == []
