"""What the tests of the database share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from postpost_sync.store import Store


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store.open(tmp_path / "state" / "state.db")
    yield opened
    opened.close()
