"""Which state may follow which, and which stage of a post group."""

from __future__ import annotations

from itertools import pairwise

import pytest

from postpost_sync.model.record import STAGE_MOVES, GroupStage, check_stage
from postpost_sync.model.states import MOVES, NEEDS_PERSON, OUTCOMES, UNFINISHED, IllegalMove, State, check_move


def test_the_table_has_every_state_and_no_other() -> None:
    assert set(MOVES) == set(State)
    assert all(later in State for followers in MOVES.values() for later in followers)


@pytest.mark.parametrize("state", State)
def test_staying_is_no_move(state: State) -> None:
    check_move(state, state)


@pytest.mark.parametrize(
    "path",
    [
        "settling drafting uploading scheduled published",
        "settling drafting scheduled partially_published",
        "settling invalid settling drafting uploading drafted",
        "settling held scheduled invalid published",
        "drafted scheduled drafted",
        "scheduled failed settling scheduled",
        "scheduled invalid scheduled",
        "scheduled drafting uploading scheduled",
        "scheduled cancelled settling",
        "uploading failed uploading held uploading invalid",
        "published invalid published",
    ],
)
def test_a_posts_ways_are_open(path: str) -> None:
    states = [State(name) for name in path.split()]
    for old, new in pairwise(states):
        check_move(old, new)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (State.PUBLISHED, State.DRAFTING),
        (State.PUBLISHED, State.SCHEDULED),
        (State.PUBLISHED, State.SETTLING),
        (State.PUBLISHED, State.FAILED),
        (State.SETTLING, State.PUBLISHED),
        (State.UPLOADING, State.PUBLISHED),
        (State.CANCELLED, State.PUBLISHED),
    ],
)
def test_an_illegal_move_raises_and_names_both(old: State, new: State) -> None:
    with pytest.raises(IllegalMove, match=f"{old} -> {new}"):
        check_move(old, new)


def test_what_needs_a_person_is_never_called_unfinished() -> None:
    assert not NEEDS_PERSON & UNFINISHED
    assert not OUTCOMES & UNFINISHED


@pytest.mark.parametrize("old", GroupStage)
def test_a_group_goes_from_stage_to_stage_as_the_table_says_and_in_no_other_way(old: GroupStage) -> None:
    for new in GroupStage:
        if new is old or new in STAGE_MOVES[old]:
            check_stage(old, new)
        else:
            with pytest.raises(IllegalMove):
                check_stage(old, new)
    assert old not in STAGE_MOVES[old]
    assert old is GroupStage.CREATING or any(old in after for after in STAGE_MOVES.values())


def test_what_is_out_or_gone_is_never_scheduled_again() -> None:
    over = {GroupStage.ENDED, GroupStage.FOLLOWED, GroupStage.GONE}
    for stage in over:
        assert STAGE_MOVES[stage] <= over
