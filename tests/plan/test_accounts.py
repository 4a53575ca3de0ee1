"""Nothing is made for accounts that are not known."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from postpost_sync.model.post import Connection, Policy
from postpost_sync.model.record import Consent, GroupStage, UploadStage
from postpost_sync.model.states import State
from postpost_sync.plan.rules import plan
from postpost_sync.plan.steps import Create, LearnAccounts, Recognise, Transfer
from tests.support.situations import JPEG, NOW, PICTURE, TIME, code, codes, group, record, rest, snapshot, trouble

ALL = ("all",)
TWO_ACCOUNTS = Policy(
    connections=tuple(Connection(one, one, "valid", None, None) for one in ("twitter-1", "linkedin-A"))
)
LEARN = LearnAccounts(NOW)


@pytest.mark.parametrize("age", [0.0, 59.0, math.inf])
@pytest.mark.parametrize("platforms", [("all",), ("twitter",), ("twitter-1", "linkedin:*")])
def test_nothing_is_made_for_accounts_that_are_not_known(platforms: tuple[str, ...], age: float) -> None:
    selected = snapshot(platforms=platforms, accounts_age=age)
    decision = plan(selected, record(selected), NOW)
    assert (decision.step, decision.state) == (LEARN, State.DRAFTING)


@pytest.mark.parametrize(
    ("quiet", "age", "fresh"), [(60.0, 59.0, True), (20.0, 21.0, False), (900.0, 61.0, False), (900.0, 60.0, True)]
)
def test_a_selector_stands_for_what_a_list_says_that_is_younger_than_the_folder_and_than_a_minute(
    quiet: float, age: float, fresh: bool
) -> None:
    selected = snapshot(platforms=ALL, policy=TWO_ACCOUNTS, accounts_age=age, quiet=quiet)
    step = plan(selected, record(selected), NOW).step
    assert isinstance(step, Create) if fresh else step == LEARN
    if isinstance(step, Create):
        assert step.post.platforms == ("linkedin-A", "twitter-1")


def test_what_a_draft_was_made_with_needs_no_list() -> None:
    selected = snapshot(JPEG, platforms=ALL, policy=replace(TWO_ACCOUNTS, connections=None), accounts_age=math.inf)
    made = replace(group(PICTURE, uploads=UploadStage.WAITING), resolved={"all": ("twitter-1",)})
    assert isinstance(plan(selected, record(selected, made), NOW).step, Transfer)
    gone = replace(made, stage=GroupStage.GONE)
    step = plan(selected, record(selected, gone), NOW).step
    assert isinstance(step, Create)
    assert step.post.platforms == ("twitter-1",), "a draft that is built anew"
    cancelled = replace(made, stage=GroupStage.ENDED, outcome=State.CANCELLED, asked_time=TIME)
    edited = snapshot(JPEG, content="edited", platforms=ALL, policy=TWO_ACCOUNTS)
    follow = plan(edited, record(edited, replace(cancelled, stage=GroupStage.FOLLOWED)), NOW).step
    assert isinstance(follow, Create)
    assert follow.post.platforms == ("linkedin-A", "twitter-1"), "a post that was cancelled has no draft any more"


def test_where_no_list_can_be_had_a_folder_is_taken_at_its_word_and_where_its_post_may_stand_it_is_looked_for() -> None:
    stranger = snapshot(platforms=("twitter-2", "linkedin-A"), policy=TWO_ACCOUNTS)
    broken = record(stranger, troubles=(trouble(LearnAccounts),))
    decision = plan(replace(stranger, accounts_age=61.0), broken, NOW)
    assert isinstance(decision.step, Create), "where there is no list, the folder is taken at its word"
    assert codes(decision) == ["UNKNOWN_CONNECTION"]
    assert isinstance(plan(stranger, record(stranger, unproven=True), NOW).step, Recognise), "it may stand already"


def test_an_account_that_was_posted_to_is_taken_to_be_there() -> None:
    lost = snapshot(JPEG, platforms=("twitter-1",), policy=Policy(connections=TWO_ACCOUNTS.connections[1:]))  # type: ignore[index]  # it has some
    decision = plan(lost, record(lost, group(PICTURE, uploads=UploadStage.WAITING)), NOW)
    assert isinstance(decision.step, Transfer)
    assert codes(decision) == ["UNKNOWN_CONNECTION"]


@pytest.mark.parametrize("missing", ["twitter-777", "twitter-12"])
def test_an_id_that_a_fresh_list_lacks_is_held_until_the_list_has_it_or_a_person_says_so(missing: str) -> None:
    other = snapshot(platforms=(missing, "linkedin-A"), policy=TWO_ACCOUNTS)
    decision = plan(other, record(other), NOW)
    assert (rest(decision), decision.state, code(decision)) == (900.0, State.HELD, "UNKNOWN_CONNECTION")
    assert plan(replace(other, accounts_age=61.0), record(other), NOW).step == LEARN
    assert isinstance(plan(other, record(other, consents=(Consent.ACCOUNT,)), NOW).step, Create)
