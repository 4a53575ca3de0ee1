"""Bytes without order, the same in each run: what a test finds in them once, it finds again."""

from __future__ import annotations

import random


def noise(size: int, seed: int = 0) -> bytes:
    return random.Random(seed).randbytes(size)  # noqa: S311 - no secret
