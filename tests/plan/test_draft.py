"""Whether a draft is complete, as a truth table."""

from __future__ import annotations

from dataclasses import replace

import pytest

from postpost_sync.model.record import Consent, GroupStage, ReadBack
from postpost_sync.model.states import State
from postpost_sync.plan.draft import REBUILDS
from postpost_sync.plan.rules import plan
from postpost_sync.plan.snapshot import Snapshot
from postpost_sync.plan.steps import Abandon, CheckDraft, Doom, Search, Update
from tests.support.situations import (
    NOW,
    PICTURE,
    TEXT,
    TIME,
    back,
    code,
    group,
    record,
    rest,
    seconds,
    snapshot,
    trouble,
    with_back,
)


def test_a_draft_with_media_is_read_back_before_it_is_scheduled() -> None:
    known = with_back(None)
    decision = plan(PICTURE, known, NOW)
    assert (decision.step, decision.state) == (CheckDraft(known.groups[0]), State.UPLOADING)


@pytest.mark.parametrize("media", [1, None])
def test_a_draft_with_just_our_media_is_proved_and_scheduled(media: int | None) -> None:
    known = with_back(back(media=media))
    assert plan(PICTURE, known, NOW).step == Update(known.groups[0], TIME, TIME)


@pytest.mark.parametrize("read_back", [back(found=False, media=None), back(media=0)])
def test_a_listing_that_lags_is_read_again_for_a_minute(read_back: ReadBack) -> None:
    known = with_back(read_back)
    assert rest(plan(PICTURE, known, NOW)) == 2.0
    assert plan(PICTURE, known, NOW + seconds(2)).step == CheckDraft(known.groups[0])


def test_a_draft_that_is_not_listed_after_a_minute_waits_for_a_person() -> None:
    known = with_back(back(found=False, media=None, waited=60))
    decision = plan(PICTURE, known, NOW)
    assert (rest(decision), decision.state, code(decision)) == (None, State.HELD, "DRAFT_GONE")
    assert plan(PICTURE, replace(known, consents=(Consent.NEW_DRAFT,)), NOW).step == Abandon(known.groups[0])


def test_media_that_stay_fewer_are_sent_again_in_a_new_draft() -> None:
    known = with_back(back(media=0, waited=60))
    assert plan(PICTURE, known, NOW).step == Doom(known.groups[0], rebuild=True)


def test_records_that_we_left_without_bytes_make_a_new_draft() -> None:
    known = with_back(back(media=2), ghosts=1)
    assert plan(PICTURE, known, NOW).step == Doom(known.groups[0], rebuild=True)


@pytest.mark.parametrize(
    ("read_back", "ghosts"),
    [(back(media=2), 0), (back(media=3), 1), (back(media=2, strangers=1), 1), (back(media=2, strangers=1), 0)],
)
def test_media_that_somebody_else_added_are_held_for_a_person(read_back: ReadBack, ghosts: int) -> None:
    known = with_back(read_back, ghosts)
    decision = plan(PICTURE, known, NOW)
    assert (rest(decision), decision.state, code(decision)) == (None, State.HELD, "MEDIA_ADDED_ELSEWHERE")
    assert plan(PICTURE, replace(known, consents=(Consent.NEW_DRAFT,)), NOW).step == Abandon(known.groups[0])


def test_rebuilding_has_an_end() -> None:
    known = with_back(back(media=2), ghosts=1, rebuilds=REBUILDS)
    step = plan(PICTURE, known, NOW).step
    assert isinstance(step, Doom)
    assert step.gave_up is not None
    assert step.gave_up.code == "UPLOAD_TOO_SLOW"
    given_up = record(PICTURE, gave_up=step.gave_up)
    assert (plan(PICTURE, given_up, NOW).state, rest(plan(PICTURE, given_up, NOW))) == (State.FAILED, None)


@pytest.mark.parametrize(
    ("shot", "shown"),
    [
        (snapshot(content=" "), State.INVALID),
        (snapshot(named=("9.jpg",)), State.SETTLING),
        (snapshot(time="2026-12-01T07:00Z"), State.INVALID),
    ],
)
def test_an_unknown_create_is_searched_for_whatever_is_wrong_with_the_folder_since(
    shot: Snapshot, shown: State
) -> None:
    known = record(shot, group(TEXT, GroupStage.CREATING), complete_at=NOW)
    decision = plan(shot, known, NOW)
    assert (decision.step, decision.state) == (Search(known.groups[0]), shown)
    assert decision.error is not None
    searched = replace(known, troubles=(trouble(Search, until=NOW + seconds(6)),))
    decision = plan(shot, searched, NOW)
    assert (rest(decision), decision.state) == (6, shown)
