"""What paths lead to: as the system has it, and without it where a share is dead (tests/test_config.py); which overlap."""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postpost_sync.disk import mounts
from postpost_sync.disk.links import followed, overlapping
from tests.support.mounting import mounted


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


def test_what_is_bound_into_another_overlaps_with_it(tmp_path: Path) -> None:
    one, other, beside = (tmp_path / name for name in ("one", "other", "beside"))
    for place in (one / "inner", other / "below", beside):
        place.mkdir(parents=True)
    with mounted(other, "--bind", str(one / "inner")):
        assert overlapping([one, other]) == overlapping([other, one]) == [(1, 0)]
        assert overlapping([one, beside]) == overlapping([other, beside]) == []
    with mounted(other / "below", "--bind", str(one / "inner")):
        assert overlapping([one, other, beside]) == [(1, 0)]
    assert overlapping([one, other, beside]) == []


def test_two_folders_of_one_share_do_not_overlap_although_the_mount_table_names_them_alike(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of NFS it has "/" for whatever folder of the server was mounted."""
    one, other = tmp_path / "one", tmp_path / "other"
    one.mkdir()
    other.mkdir()
    alike = (mounts.Mount(1, "", "nfs4", "0:40", "/"),)
    monkeypatch.setattr(mounts, "mounts_of", lambda real: alike)
    assert mounts.in_common(str(one), alike, str(other), alike)
    assert overlapping([one, other]) == []
