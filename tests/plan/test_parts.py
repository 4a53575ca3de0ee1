"""What the parts of a folder are to one another: who waits, who gives away, and what is never posted twice."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from postpost_sync.model.errors import Finding
from postpost_sync.model.record import Claim, Consent, Group, GroupStage, Record
from postpost_sync.model.states import State
from postpost_sync.plan.rules import plan
from postpost_sync.plan.snapshot import Snapshot
from postpost_sync.plan.steps import Create, Doom, Finish, Forget, Recognise, Rest, Update
from tests.support.situations import ID, NOW, OTHER, TIME, code, codes, group, record, seconds, snapshot, with_entry

X, LINKEDIN = "twitter-1", "linkedin-2"
TWO = with_entry(snapshot(platforms=(X, LINKEDIN)), "linkedin", content="Longer")
PLAIN = snapshot(platforms=(X, LINKEDIN))
WITHOUT = snapshot(platforms=(X,))
OF_PART = replace(group(TWO), content="Longer", platforms=(LINKEDIN,))
ON_ITS_WAY = Finding("WAITS_FOR_PART", "the main part is waited for")


def part(*groups: Group, of: Snapshot = TWO, **more: Any) -> Record:
    return replace(record(of, *groups, **more), key=2, part="linkedin")


def with_sibling(shot: Snapshot, sibling: Record) -> Snapshot:
    return replace(shot, siblings=(sibling,))


def on(stage: GroupStage, *accounts: str, **more: Any) -> Group:
    return replace(group(PLAIN), stage=stage, platforms=accounts, asked_time=TIME, answered_time=TIME, **more)


@pytest.mark.parametrize("stage", [GroupStage.SCHEDULED, GroupStage.WITHDRAWN, GroupStage.DOOMED])
def test_no_part_is_scheduled_where_another_one_may_stand(stage: GroupStage) -> None:
    decision = plan(with_sibling(TWO, record(TWO, on(stage, X, LINKEDIN))), part(OF_PART), NOW)
    assert isinstance(decision.step, Rest)
    assert code(decision) == "WAITS_FOR_PART"


def test_nor_where_an_update_of_its_draft_was_not_answered() -> None:
    sibling = record(TWO, on(GroupStage.DRAFT, LINKEDIN, updating=True))
    assert code(plan(with_sibling(TWO, sibling), part(OF_PART), NOW)) == "WAITS_FOR_PART"


def test_nor_where_it_is_not_known_what_another_one_has_at_postpost() -> None:
    claim = Claim(OTHER, False, "scheduled", platforms=(LINKEDIN,))
    assert code(plan(with_sibling(TWO, record(TWO, claim=claim)), part(OF_PART), NOW)) == "WAITS_FOR_PART"
    elsewhere = replace(claim, platforms=(X,))
    assert isinstance(plan(with_sibling(TWO, record(TWO, claim=elsewhere)), part(OF_PART), NOW).step, Update)


def test_an_account_that_another_part_lets_go_of_is_free() -> None:
    sibling = record(TWO, on(GroupStage.GONE, X, LINKEDIN))
    assert isinstance(plan(with_sibling(TWO, sibling), part(OF_PART), NOW).step, Update)


def test_what_is_out_through_another_part_is_left_out() -> None:
    three = with_entry(snapshot(platforms=(X, LINKEDIN, "linkedin-3")), "linkedin", content="Longer")
    sibling = record(three, on(GroupStage.ENDED, X, LINKEDIN, outcome=State.PUBLISHED))
    decision = plan(with_sibling(three, sibling), part(of=three), NOW)
    assert isinstance(decision.step, Create)
    assert decision.step.post.platforms == ("linkedin-3",)
    assert "OUT_IN_ANOTHER_PART" in codes(decision)


def test_nothing_is_made_where_all_of_it_is_out() -> None:
    sibling = record(TWO, on(GroupStage.GOING_OUT, X, LINKEDIN))
    decision = plan(with_sibling(TWO, sibling), part(), NOW)
    assert (decision.step, decision.state) == (Finish(), State.CANCELLED)


def test_what_stood_goes_on_standing_until_the_part_that_follows_is_ready() -> None:
    main = record(TWO, on(GroupStage.SCHEDULED, X, LINKEDIN), group(TWO, post_group_id=OTHER))
    waits = plan(with_sibling(TWO, part(state=State.UPLOADING)), main, NOW)
    assert (waits.rule, waits.state) == ("hands_over", State.SCHEDULED)
    ready = plan(with_sibling(TWO, part(state=State.UPLOADING, error=ON_ITS_WAY)), main, NOW)
    assert ready.rule == "swap"


def test_a_part_that_is_in_trouble_is_not_waited_for() -> None:
    main = record(TWO, on(GroupStage.SCHEDULED, X, LINKEDIN), group(TWO, post_group_id=OTHER))
    wrong = part(state=State.INVALID, error=Finding("CONTENT_TOO_LONG", "it is too long"))
    assert plan(with_sibling(TWO, wrong), main, NOW).rule == "swap"


def test_of_two_that_wait_for_each_other_one_begins() -> None:
    stands, draft = on(GroupStage.SCHEDULED, LINKEDIN), group(TWO, post_group_id=OTHER)
    other = part(on(GroupStage.SCHEDULED, X), state=State.SCHEDULED, error=ON_ITS_WAY)
    decision = plan(with_sibling(TWO, other), record(TWO, stands, draft), NOW)
    assert isinstance(decision.step, Doom)
    assert decision.step.group.platforms == (LINKEDIN,)


def test_a_part_that_is_no_more_takes_its_post_back_and_is_forgotten() -> None:
    assert isinstance(plan(WITHOUT, part(on(GroupStage.SCHEDULED, LINKEDIN), of=WITHOUT), NOW).step, Doom)
    assert isinstance(plan(WITHOUT, part(on(GroupStage.GONE, LINKEDIN), of=WITHOUT), NOW).step, Forget)


def test_a_part_that_is_no_more_goes_out_where_its_time_is_near() -> None:
    known = part(on(GroupStage.SCHEDULED, LINKEDIN), of=PLAIN)
    assert code(plan(PLAIN, known, TIME - seconds(60))) == "EDIT_TOO_LATE"


def test_what_was_found_at_postpost_is_not_deleted_without_a_word() -> None:
    adopted = on(GroupStage.WITHDRAWN, LINKEDIN, adopted=True)
    assert code(plan(WITHOUT, part(adopted, of=WITHOUT), NOW)) == "ADOPTED_POST"
    said = part(adopted, of=WITHOUT, consents=(Consent.ADOPTED,))
    assert isinstance(plan(WITHOUT, said, NOW).step, Doom)


def test_a_post_that_the_status_file_names_for_a_part_that_is_no_more_is_asked_for_then_held() -> None:
    claim = Claim(ID, False, "scheduled", platforms=(LINKEDIN,))
    assert isinstance(plan(PLAIN, part(of=PLAIN, claim=claim), NOW).step, Recognise)
    differs = replace(claim, differs=True)
    assert code(plan(PLAIN, part(of=PLAIN, claim=differs), NOW)) == "EARLIER_POST_DIFFERS"
    doubtful = replace(claim, doubtful=True)
    assert code(plan(PLAIN, part(of=PLAIN, claim=doubtful), NOW)) == "EARLIER_POST_DIFFERS"
    assert isinstance(plan(PLAIN, part(of=PLAIN, claim=differs, consents=(Consent.DIFFERS,)), NOW).step, Forget)


def test_a_main_part_without_accounts_rests() -> None:
    all_taken = with_entry(TWO, X, content="For X")
    decision = plan(all_taken, record(all_taken), NOW)
    assert (decision.step, decision.state, decision.nothing) == (Finish(), State.CANCELLED, True)
