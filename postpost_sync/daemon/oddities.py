"""What lies below a watch root and is no post, as long as it lasts: shown at once, or after a while."""

from __future__ import annotations

import time
from collections.abc import Iterable

from postpost_sync.model.program import Oddity

NO_SIDECAR_AFTER = 600.0  # seconds media may lie in a folder without a sidecar before that is shown


class Oddities:
    """Of one root; used by its thread alone."""

    def __init__(self) -> None:
        self._since: dict[str, tuple[Oddity, float]] = {}  # path -> and since when, monotonic

    def keep(self, found: Iterable[Oddity]) -> None:
        """All of them, as a full walk has found them."""
        before = self._since
        self._since = {one.path: (one, before[one.path][1] if one.path in before else _since(one)) for one in found}

    def lasting(self) -> tuple[Oddity, ...]:
        """Those to show by now."""
        now = time.monotonic()
        return tuple(
            one
            for one, since in self._since.values()
            if one.finding.code != "NO_SIDECAR" or now - since >= NO_SIDECAR_AFTER
        )


def _since(new: Oddity) -> float:
    """Since when it is as it is: from before the program started, too, since `run --once` does not last for a while."""
    lain = time.time() - new.changed_at if new.changed_at is not None else 0.0
    return time.monotonic() - max(0.0, lain)
