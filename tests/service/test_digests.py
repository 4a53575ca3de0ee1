"""Digests beside sending: the same as in line, whatever the size, and no thread is left behind."""

from __future__ import annotations

import hashlib
import threading

import pytest

from postpost_sync.service.digests import AHEAD, BLOCK, SMALL, Digests
from tests.support.noise import noise


@pytest.mark.parametrize("size", [0, 1, BLOCK, SMALL, SMALL + 1, 27 * BLOCK + 3])
def test_both_digests_are_of_all_blocks_in_their_order(size: int) -> None:
    data = noise(size)
    digests = Digests(size)
    for at in range(0, size, BLOCK):
        digests.add(data[at : at + BLOCK])
    digests.close()
    assert digests.sha256 == hashlib.sha256(data).hexdigest()
    assert digests.md5 == hashlib.md5(data, usedforsecurity=False).hexdigest()


def test_no_thread_is_left_behind_where_it_ends_early() -> None:
    before = set(threading.enumerate())
    digests = Digests(100 * BLOCK)
    assert len(set(threading.enumerate()) - before) == 2
    for _ in range(2 * AHEAD):
        digests.add(bytes(BLOCK))
    digests.close()
    digests.close()
    assert set(threading.enumerate()) == before


def test_a_small_file_starts_no_thread() -> None:
    before = set(threading.enumerate())
    digests = Digests(SMALL)
    digests.add(bytes(SMALL))
    assert set(threading.enumerate()) == before
    digests.close()
