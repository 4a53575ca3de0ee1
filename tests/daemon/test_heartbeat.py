"""How things stand, as the service manager is told."""

from __future__ import annotations

from collections import Counter

import pytest

from postpost_sync.daemon.heartbeat import sentence
from postpost_sync.model.program import RootState, RootStatus
from postpost_sync.model.states import State

OK = RootStatus("/media/a", "inotify", RootState.OK)
AWAY = RootStatus("/media/b", "polling", RootState.AWAY)


@pytest.mark.parametrize(
    ("states", "roots", "troubles", "said"),
    [
        ({}, [OK], [], "0 posts"),
        ({State.SCHEDULED: 1}, [OK], [], "1 post: 1 scheduled"),
        ({State.SCHEDULED: 2, State.INVALID: 1}, [OK], [], "3 posts: 2 scheduled, 1 needs a person"),
        ({State.FAILED: 1, State.INVALID: 1}, [OK], [], "2 posts: 2 need a person"),
        ({}, [OK, AWAY], ["no answer"], "0 posts; /media/b is away; no answer"),
    ],
)
def test_how_things_stand_in_one_line(
    states: dict[State, int], roots: list[RootStatus], troubles: list[str], said: str
) -> None:
    assert sentence(Counter(states), roots, troubles) == said
