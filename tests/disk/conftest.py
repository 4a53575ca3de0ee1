"""What the tests of copies share."""

from __future__ import annotations

from pathlib import Path

import pytest

from postpost_sync.disk.copies import Copies


@pytest.fixture
def place(tmp_path: Path) -> Copies:
    return Copies(tmp_path / "copies")
