"""How many lines of a screen each of several groups gets, so that all of them are seen. Pure."""

from __future__ import annotations

from collections.abc import Sequence


def shares(needs: Sequence[int], weights: Sequence[int], room: int) -> list[int]:
    """Lines for each group: what it needs, where there is room; else by its weight, and at least one where it needs any.

    What one does not need goes to the others. The sum is `room` at most, unless there are more groups than lines.
    """
    got = [min(1, need) for need in needs]
    left = room - sum(got)
    while left > 0 and (open_ := [n for n, need in enumerate(needs) if got[n] < need]):
        whole = sum(weights[n] for n in open_)
        for n in open_:
            more = min(needs[n] - got[n], max(1, left * weights[n] // whole), left)
            got[n] += more
            left -= more
            if left <= 0:
                break
    return got
