"""What the tests of what a folder asks for share."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.post_folders import Drop


@pytest.fixture
def drop(tmp_path: Path) -> Drop:
    return Drop(tmp_path)
