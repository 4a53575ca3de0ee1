"""What every decision rests on: when a step is tried again, and when two posts are the same."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from postpost_sync.model.errors import Finding
from postpost_sync.model.record import Consent, Group, GroupStage, TroubleKind, UploadStage
from postpost_sync.model.states import State
from postpost_sync.plan.comparing import compare
from postpost_sync.plan.rules import plan
from postpost_sync.plan.snapshot import Snapshot
from postpost_sync.plan.steps import Ask, CheckDraft, Create, Delete, Read, Rest, Search, Transfer, Tried, Update
from postpost_sync.post.desired import resolve
from tests.support.situations import (
    EDITED,
    JPEG,
    NOW,
    OTHER,
    PICTURE,
    TEXT,
    WHY,
    back,
    code,
    group,
    record,
    rest,
    seconds,
    snapshot,
    trouble,
)

# --- troubles ---

CALLS: list[tuple[type[Tried], Snapshot, tuple[Group, ...]]] = [
    (Create, PICTURE, ()),
    (Search, PICTURE, (group(PICTURE, GroupStage.CREATING),)),
    (Transfer, PICTURE, (group(PICTURE, uploads=UploadStage.WAITING),)),
    (CheckDraft, PICTURE, (group(PICTURE),)),
    (Update, PICTURE, (group(PICTURE, read_back=back(ago=-900)),)),
    (Delete, PICTURE, (group(PICTURE, GroupStage.DOOMED),)),
]


@pytest.mark.parametrize(("step", "shot", "groups"), CALLS[:-1], ids=[row[0].__name__ for row in CALLS[:-1]])
def test_a_retry_waits_until_it_is_due_and_leaves_the_state_as_it_is(
    step: type[Tried], shot: Snapshot, groups: tuple[Group, ...]
) -> None:
    free = plan(shot, record(shot, *groups), NOW)
    known = record(shot, *groups, troubles=(trouble(step),))
    waiting = plan(shot, known, NOW)
    assert (rest(waiting), waiting.error) == (30.0, WHY)
    assert waiting.state is free.state
    due = plan(shot, known, NOW + seconds(30))
    assert (type(due.step), due.error) == (step, WHY)


@pytest.mark.parametrize(("step", "shot", "groups"), CALLS, ids=[row[0].__name__ for row in CALLS])
def test_the_trouble_of_one_step_does_not_block_another(
    step: type[Tried], shot: Snapshot, groups: tuple[Group, ...]
) -> None:
    other = Ask if step is not Ask else Create
    for kind in TroubleKind:
        assert isinstance(plan(shot, record(shot, *groups, troubles=(trouble(other, kind, None),)), NOW).step, step)


@pytest.mark.parametrize(("step", "shot", "groups"), CALLS[:-1], ids=[row[0].__name__ for row in CALLS[:-1]])
def test_what_is_held_is_probed_when_it_is_due(step: type[Tried], shot: Snapshot, groups: tuple[Group, ...]) -> None:
    known = record(shot, *groups, troubles=(trouble(step, TroubleKind.HELD),))
    waiting = plan(shot, known, NOW)
    assert (rest(waiting), waiting.state, waiting.error) == (30.0, State.HELD, WHY)
    assert isinstance(plan(shot, known, NOW + seconds(30)).step, step)
    person = record(shot, *groups, troubles=(trouble(step, TroubleKind.HELD, None),))
    assert rest(plan(shot, person, NOW + timedelta(days=5))) is None


def test_what_was_refused_waits_for_a_change_of_the_folder() -> None:
    decision = plan(TEXT, record(TEXT, troubles=(trouble(Create, TroubleKind.REFUSED, None),)), NOW)
    assert (rest(decision), decision.state, decision.error) == (None, State.INVALID, WHY)
    decision = plan(TEXT, record(TEXT, group(TEXT), troubles=(trouble(Update, TroubleKind.REFUSED, None),)), NOW)
    assert (rest(decision), decision.state, decision.error) == (None, State.FAILED, WHY)


@pytest.mark.parametrize(("step", "shot", "groups"), CALLS, ids=[row[0].__name__ for row in CALLS])
def test_a_refused_key_stops_every_call_until_it_is_probed(
    step: type[Tried], shot: Snapshot, groups: tuple[Group, ...]
) -> None:
    refused = Finding("KEY_REFUSED", "not accepted", "check the key")
    known = record(shot, *groups)
    stopped = replace(shot, key_refused=refused, key_probe_at=NOW + seconds(900))
    decision = plan(stopped, known, NOW)
    assert (rest(decision), decision.error) == (900.0, refused)
    assert decision.state is plan(shot, known, NOW).state
    assert isinstance(plan(stopped, known, NOW + seconds(900)).step, step)


def test_a_refused_key_stops_nothing_that_needs_no_call() -> None:
    stopped = replace(TEXT, key_refused=WHY, key_probe_at=NOW + seconds(900))
    assert plan(stopped, record(None), NOW).step == Read()
    assert code(plan(replace(stopped, reading=snapshot(content=" ").reading), record(TEXT), NOW)) == "CONTENT_BLANK"


@pytest.mark.parametrize("kind", TroubleKind)
def test_beside_a_draft_that_cannot_be_deleted_the_post_is_built_but_not_scheduled(kind: TroubleKind) -> None:
    """Somebody may have scheduled that draft at PostPost: in doubt, late rather than twice."""
    until = NOW + seconds(30) if kind is TroubleKind.RETRY else None
    doomed, broken = group(PICTURE, GroupStage.DOOMED), (trouble(Delete, kind, until),)
    decision = plan(TEXT, record(TEXT, doomed, troubles=broken), NOW)
    assert isinstance(decision.step, Create)
    decision = plan(TEXT, record(TEXT, doomed, group(TEXT), troubles=broken), NOW)
    assert isinstance(decision.step, Rest)
    assert decision.error == WHY
    assert decision.step.after == (30 if until else None)


@pytest.mark.parametrize("edited", [EDITED, snapshot(JPEG, time="2026-12-20T10:00Z")], ids=["content", "time"])
def test_a_post_that_was_deleted_at_postpost_is_made_anew_when_a_person_says_so(edited: Snapshot) -> None:
    lost = group(PICTURE, GroupStage.SCHEDULED, lost=True)
    successor = (
        ()
        if edited.reading and edited.reading.content == "Hello"
        else (group(edited, proved=True, post_group_id=OTHER),)
    )
    known = record(edited, lost, *successor, state=State.HELD, consents=(Consent.NEW_DRAFT,))
    step = plan(edited, known, NOW).step
    assert not (isinstance(step, Update) and step.group.lost)


# --- compare ---


def test_a_file_that_was_never_sent_to_its_end_cannot_be_compared_once_it_was_touched() -> None:
    touched = snapshot(JPEG._replace(stat=JPEG.stat._replace(mtime_ns=1)))
    post = resolve(touched.folder, touched.reading, touched.policy).post if touched.folder and touched.reading else None
    assert post is not None
    assert compare(group(PICTURE), post) == ("1.jpg",)
    assert compare(group(PICTURE, uploads=UploadStage.SIGNED), post) is None


@pytest.mark.parametrize(("left", "waits"), [(3600, 3600), (3601, None), (100_000, None)])
def test_a_pause_that_is_longer_than_any_was_set_by_another_clock(left: float, waits: float | None) -> None:
    known = record(PICTURE, troubles=(trouble(Create, until=NOW + seconds(left)),))
    decision = plan(PICTURE, known, NOW)
    assert (decision.step.after if isinstance(decision.step, Rest) else None) == waits
