"""What `retry` and `cancel` come to: below a parent only faults, and never what may be out in part without a word for it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from postpost_sync.model.errors import Finding
from postpost_sync.model.record import Effect, Group, GroupStage, PlatformResult, Record, Trouble, TroubleKind
from postpost_sync.model.states import State
from postpost_sync.plan import wishes

NOW = datetime(2026, 12, 1, 8, 0, tzinfo=UTC)
WHY = Finding("X", "why")


def record(state: State, *groups: Group, error: Finding | None = None, **more: Any) -> Record:
    return Record(1, "id", "/posts", "launch", 1, 1, state, NOW, NOW, error=error, groups=groups, **more)


def group(stage: GroupStage, *results: PlatformResult, outcome: State | None = None) -> Group:
    return Group(1, stage, "post", NOW, "words", ("twitter-1",), {}, results=results, outcome=outcome)


def trouble(kind: TroubleKind, finding: Finding = WHY) -> Trouble:
    return Trouble(Effect.CREATE, kind, finding, NOW)


FAILED = PlatformResult("twitter-1", "failed", None, WHY)
RETRIED = (trouble(TroubleKind.RETRY),)

BELOW = [
    (record(State.FAILED, error=WHY), True),
    (record(State.FAILED, error=Finding("HELD_PAST_TIME", "x")), False),
    (record(State.PARTIALLY_PUBLISHED, error=WHY), True),
    (record(State.UPLOADING, troubles=RETRIED), True),
    (record(State.DRAFTING, troubles=(trouble(TroubleKind.REFUSED),)), True),
    (record(State.INVALID, error=WHY, gave_up=WHY), True),
    (record(State.HELD, error=WHY, troubles=RETRIED), True),
    (record(State.HELD, error=WHY), False),
    (record(State.HELD, error=WHY, troubles=(trouble(TroubleKind.HELD),)), False),
    (record(State.HELD, error=WHY, troubles=(trouble(TroubleKind.RETRY, Finding("Y", "another")),)), False),
    (record(State.CANCELLED), False),
    (record(State.CANCELLED, troubles=RETRIED), False),
    (record(State.INVALID, error=WHY), False),
    (record(State.SCHEDULED, group(GroupStage.SCHEDULED)), False),
    (record(State.DRAFTED), False),
    (record(State.SETTLING), False),
    (record(State.PUBLISHED), False),
]


@pytest.mark.parametrize(("one", "does"), BELOW, ids=[f"{r.state}-{n}" for n, (r, _) in enumerate(BELOW)])
def test_below_a_parent_a_retry_touches_what_a_fault_stopped_and_nothing_else(one: Record, does: bool) -> None:
    verdict = wishes.retry(one, itself=False, again=False)
    assert verdict.does is does
    if one.state in (State.HELD, State.CANCELLED) and not does:
        assert "name this folder itself" in verdict.words


@pytest.mark.parametrize("one", [r for r, _ in BELOW if r.state is not State.PUBLISHED], ids=lambda r: r.state.value)
def test_its_own_folder_named_it_does_it_whatever_stopped_it(one: Record) -> None:
    assert wishes.retry(one, itself=True, again=False).does


def test_what_is_out_is_left_alone() -> None:
    assert not wishes.retry(record(State.PUBLISHED), itself=True, again=True).does


@pytest.mark.parametrize(
    "results",
    [
        (replace(FAILED, posted_id="1"),),
        (replace(FAILED, error=Finding("THREAD_PARTIALLY_PUBLISHED", "x")),),
        (replace(FAILED, error=Finding("PUBLISH_OUTCOME_UNKNOWN", "x")),),
        (FAILED, replace(FAILED, status="published")),
    ],
    ids=["it has an id", "a thread in part", "nobody knows", "two answers"],
)
def test_what_may_be_out_in_part_is_named_and_sent_again_only_where_that_is_said(
    results: tuple[PlatformResult, ...],
) -> None:
    one = record(State.FAILED, group(GroupStage.ENDED, *results, outcome=State.FAILED), error=WHY)
    for itself in (True, False):
        verdict = wishes.retry(one, itself=itself, again=False)
        assert not verdict.does
        assert "twitter-1" in verdict.words
        assert "retry --again" in verdict.words
        assert wishes.retry(one, itself=itself, again=True).does


def test_what_plainly_failed_needs_no_further_word() -> None:
    one = record(State.FAILED, group(GroupStage.ENDED, FAILED, outcome=State.FAILED), error=WHY)
    assert wishes.maybe_out(one) == ()
    assert wishes.retry(one, itself=False, again=False).does


@pytest.mark.parametrize(
    ("one", "does", "words"),
    [
        (record(State.SCHEDULED, group(GroupStage.SCHEDULED)), True, "scheduled on twitter-1"),
        (record(State.UPLOADING, group(GroupStage.DRAFT)), True, "its draft"),
        (record(State.SETTLING), True, "not at PostPost yet"),
        (record(State.PUBLISHED, group(GroupStage.ENDED)), False, "out already"),
        (record(State.SCHEDULED, group(GroupStage.GOING_OUT)), False, "out already"),
        (record(State.CANCELLED, group(GroupStage.GONE)), False, "cancelled already"),
        (record(State.SCHEDULED, group(GroupStage.SCHEDULED), group(GroupStage.DRAFT)), True, "scheduled on"),
        (record(State.INVALID, group(GroupStage.ENDED), group(GroupStage.DRAFT)), True, "its draft"),
    ],
    ids=lambda one: one if isinstance(one, str) else "",
)
def test_a_cancel_says_what_it_takes_back(one: Record, does: bool, words: str) -> None:
    verdict = wishes.cancel(one)
    assert (verdict.does, words in verdict.words) == (does, True), verdict
