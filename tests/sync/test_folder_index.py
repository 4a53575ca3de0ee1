"""Which folders are known, and how much memory that takes."""

from __future__ import annotations

import tracemalloc

from postpost_sync.sync.folder_index import FolderIndex, Known

ROOT, DEVICE, FOLDERS = "/srv/shared/the posts of the shop", 66306, 2000


def test_a_folder_takes_half_a_kilobyte_however_it_became_known() -> None:
    """Each row of the database brings its root and its numbers as objects of its own, which are not to stay."""
    index = FolderIndex([], {ROOT})
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        for key in range(1000, 1000 + FOLDERS):
            root, path, fingerprint = ROOT.encode().decode(), f"2026/launch {key}", f"{key:032x}"
            index.put(key, (root, path))
            index.remember(key, Known(root, fingerprint, True, 10**9 + key, int(str(DEVICE))))
        assert (tracemalloc.get_traced_memory()[0] - before) / FOLDERS < 512
    finally:
        tracemalloc.stop()
