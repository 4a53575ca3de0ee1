"""What paths lead to: as the system has it, and without it where a share is dead (tests/test_config.py)."""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Iterator
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from postpost_sync.links import followed


def test_links_that_lead_in_circles_end(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")
    assert len(followed([tmp_path / "a", tmp_path / "b"])) == 2


@given(st.lists(st.sampled_from(["a", "b", "..", "."]), min_size=1, max_size=6))
def test_a_path_is_followed_as_the_system_does(homes: Iterator[Path], parts: list[str]) -> None:
    place = next(homes)
    (place / "real" / "a" / "b").mkdir(parents=True)
    (place / "a").symlink_to("real/a")
    (place / "real" / "b").symlink_to(place / "a" / "b")
    (place / "real" / "a" / "a").symlink_to("/".join(parts))
    for path in (place / "a" / "a", place / "real" / "b", place / "real" / "a" / "a" / "b"):
        with contextlib.suppress(FileNotFoundError):
            try:
                path.stat()
            except OSError as error:
                if error.errno == errno.ELOOP:  # it leads nowhere, and each takes another place for that
                    continue
                raise
        assert followed([path, place])[path] == Path(os.path.realpath(path))
