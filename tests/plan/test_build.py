"""Rule 4 as a truth table: one draft is built at a time."""

from __future__ import annotations

from dataclasses import replace

import pytest

from postpost_sync import ledger
from postpost_sync.model.record import GroupStage, Record, UploadStage
from postpost_sync.model.states import State
from postpost_sync.plan.answers import SEARCHES
from postpost_sync.plan.build import REFUSALS
from postpost_sync.plan.draft import REBUILDS
from postpost_sync.plan.rules import plan
from postpost_sync.plan.steps import Abandon, Abort, Create, Decision, Delete, Doom, Rest, Search, Transfer
from tests.support.situations import (
    EDITED,
    NOW,
    PICTURE,
    TEXT,
    THREE,
    TIME,
    WHY,
    back,
    code,
    group,
    record,
    rest,
    seconds,
    trouble,
    with_back,
)

# --- one draft ---


def test_a_draft_is_created_of_what_the_folder_asks() -> None:
    decision = plan(PICTURE, record(PICTURE), NOW)
    assert isinstance(decision.step, Create)
    assert decision.state is State.DRAFTING
    assert (decision.step.post.content, [m.name for m in decision.step.post.media]) == ("Hello", ["1.jpg"])
    assert (decision.post, decision.time) == (decision.step.post, TIME)


@pytest.mark.parametrize("searches", range(SEARCHES))
def test_an_unknown_create_is_searched_for(searches: int) -> None:
    known = record(TEXT, group(TEXT, GroupStage.CREATING, searches=searches), troubles=(trouble(Create),))
    decision = plan(TEXT, known, NOW)
    assert (decision.step, decision.state) == (Search(known.groups[0]), State.DRAFTING)


def test_a_search_that_found_nothing_is_repeated_a_little_later() -> None:
    known = record(TEXT, group(TEXT, GroupStage.CREATING, searches=1), troubles=(trouble(Search),))
    decision = plan(TEXT, known, NOW)
    assert (rest(decision), decision.state, decision.error) == (30.0, State.DRAFTING, WHY)
    assert plan(TEXT, known, NOW + seconds(30)).step == Search(known.groups[0])


def test_an_unknown_create_that_is_not_found_never_came_to_be() -> None:
    known = record(TEXT, group(TEXT, GroupStage.CREATING, searches=SEARCHES))
    assert plan(TEXT, known, NOW).step == Abandon(known.groups[0])
    assert isinstance(plan(TEXT, record(TEXT, replace(known.groups[0], stage=GroupStage.GONE)), NOW).step, Create)


def test_an_unknown_create_of_what_is_no_longer_asked_is_searched_for_all_the_same() -> None:
    known = record(EDITED, group(PICTURE, GroupStage.CREATING))
    assert plan(EDITED, known, NOW).step == Search(known.groups[0])


@pytest.mark.parametrize(
    ("stored", "in_flight", "next_one"),
    [
        ((), (), 0),
        ((), (0,), 1),
        ((), (0, 1), 2),
        ((), (0, 1, 2), None),
        ((0,), (), 1),
        ((1,), (), 0),
        ((0, 2), (1,), None),
    ],
)
def test_media_are_sent_in_their_order_several_at_once(
    stored: tuple[int, ...], in_flight: tuple[int, ...], next_one: int | None
) -> None:
    draft = group(THREE, uploads=UploadStage.WAITING)
    uploads = tuple(replace(u, stage=UploadStage.STORED) if u.position in stored else u for u in draft.uploads)
    known = record(THREE, replace(draft, uploads=uploads))
    decision = plan(replace(THREE, in_flight=frozenset(in_flight)), known, NOW)
    assert decision.state is State.UPLOADING
    if next_one is None:
        assert rest(decision) is None
    else:
        assert decision.step == Transfer(known.groups[0], known.groups[0].uploads[next_one])


def test_a_draft_of_something_else_is_dropped_and_what_is_on_its_way_ended() -> None:
    known = record(EDITED, group(PICTURE, uploads=UploadStage.SIGNED))
    assert plan(replace(EDITED, in_flight=frozenset({0})), known, NOW).step == Abort()
    assert plan(EDITED, known, NOW).step == Doom(known.groups[0])


def test_what_is_doomed_is_deleted_before_anything_else() -> None:
    known = record(EDITED, group(PICTURE, GroupStage.DOOMED), group(EDITED))
    assert plan(EDITED, known, NOW).step == Delete(known.groups[0])


@pytest.mark.parametrize("refusals", [REFUSALS, REFUSALS + 1])
def test_a_file_that_the_store_refuses_again_and_again_is_given_up(refusals: int) -> None:
    draft = group(PICTURE, uploads=UploadStage.WAITING)
    known = record(PICTURE, replace(draft, uploads=(replace(draft.uploads[0], refused=refusals),)))
    step = plan(PICTURE, known, NOW).step
    if refusals == REFUSALS:
        assert step == Transfer(known.groups[0], known.groups[0].uploads[0])
    else:
        assert isinstance(step, Doom)
        assert step.gave_up is not None
        assert step.gave_up.code == "UPLOAD_REFUSED"


# --- giving up has an end ---


def performed(decision: Decision, known: Record) -> Record:
    """The record once one of the steps that end a draft has been carried out."""
    step = decision.step
    if isinstance(step, Doom):
        return ledger.doomed(known, step.group.key, rebuild=step.rebuild, gave_up=step.gave_up)
    assert isinstance(step, Delete), step
    return ledger.with_group(known, step.group.key, stage=GroupStage.GONE)


def given_up(known: Record) -> Decision:
    for _ in range(2):  # Doom, Delete
        known = performed(plan(PICTURE, known, NOW), known)
    return plan(PICTURE, known, NOW)


def test_a_post_that_was_given_up_as_too_slow_is_failed() -> None:
    decision = given_up(with_back(back(media=2), ghosts=1, rebuilds=REBUILDS))
    assert (type(decision.step), decision.state, code(decision)) == (Rest, State.FAILED, "UPLOAD_TOO_SLOW")


def test_a_post_whose_file_was_refused_too_often_is_failed() -> None:
    draft = group(PICTURE, uploads=UploadStage.WAITING)
    decision = given_up(record(PICTURE, replace(draft, uploads=(replace(draft.uploads[0], refused=REFUSALS + 1),))))
    assert (type(decision.step), decision.state, code(decision)) == (Rest, State.FAILED, "UPLOAD_REFUSED")


def test_a_missed_post_whose_create_is_unknown_is_searched_for_first() -> None:
    known = record(TEXT, group(TEXT, GroupStage.CREATING))
    assert plan(TEXT, known, TIME + seconds(30000)).step == Search(known.groups[0])
