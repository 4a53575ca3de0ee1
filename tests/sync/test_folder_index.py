"""Which folders are known, and how much memory that takes."""

from __future__ import annotations

import tracemalloc

from postpost_sync.model.folder import Folder
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


def test_one_that_is_gone_and_back_takes_neither_the_number_nor_the_place_of_a_later_one() -> None:
    index, number = FolderIndex([], {ROOT}), 7
    old, new = (Known(ROOT, fingerprint, True, number, DEVICE) for fingerprint in ("old", "new"))
    index.put(1, (ROOT, "old"))
    index.remember(1, old)
    index.put(2, (ROOT, "new"))
    index.remember(2, new)  # file systems give the number of a removed folder to the next one
    index.remove(1, (ROOT, "new"))
    index.recall(1, (ROOT, "old"), old)
    assert index.below(ROOT) == {"new": 2, "old": 1}
    assert index.with_inode(Folder(ROOT, "renamed", number, DEVICE, ())) == 2
