"""`plan`, whatever the record: no promise is broken in any situation."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from hypothesis import given
from hypothesis import strategies as st

from postpost_sync.model.record import Consent, Group, GroupStage, ReadBack, Record, Trouble, TroubleKind, UploadStage
from postpost_sync.model.states import State
from postpost_sync.plan.build import REFUSALS
from postpost_sync.plan.draft import proved
from postpost_sync.plan.rules import plan
from postpost_sync.plan.situation import FOLLOW_FOR
from postpost_sync.plan.snapshot import Snapshot
from postpost_sync.plan.steps import Abandon, Create, Delete, Doom, Forget, Rest, Search, Transfer, Update
from tests.support.situations import (
    CANCEL,
    EDITED,
    GONE,
    JPEG,
    NOW,
    PICTURE,
    TEXT,
    THREE,
    TIME,
    WHY,
    entry,
    group,
    look,
    record,
    seconds,
    snapshot,
)

SNAPSHOTS = [
    TEXT,
    PICTURE,
    EDITED,
    THREE,
    GONE,
    CANCEL,
    snapshot(JPEG, time=None),
    snapshot(time="now"),
    snapshot(content=" "),
    snapshot(named=("9.jpg",)),
    snapshot(entry("1.jpg", size=0)),
    replace(PICTURE, reading=None),
    replace(PICTURE, quiet=0.0),
    replace(GONE, root_present=False),
    snapshot(time="8999-12-31T23:59Z"),
    snapshot(folder=look(JPEG, arriving=NOW.timestamp())),
]
MADE_OF = [TEXT, PICTURE, EDITED, THREE, snapshot(JPEG, time=None)]
MOMENTS = st.sampled_from([None, NOW, TIME, TIME + seconds(60), TIME + seconds(FOLLOW_FOR * 2)])


@st.composite
def groups(draw: st.DrawFn) -> Group:
    stage = draw(st.sampled_from(GroupStage))
    made = group(draw(st.sampled_from(MADE_OF)), stage)
    uploads = tuple(
        replace(u, stage=draw(st.sampled_from(UploadStage)), refused=draw(st.sampled_from([0, 1, REFUSALS + 1])))
        for u in made.uploads
    )
    seen = draw(
        st.none()
        | st.builds(
            ReadBack, st.booleans(), st.none() | st.integers(0, 4), st.integers(0, 2), st.just(NOW), st.just(NOW)
        )
    )
    return replace(
        made,
        uploads=uploads,
        read_back=seen,
        asked_time=draw(MOMENTS),
        answered_time=draw(MOMENTS),
        checked_at=draw(MOMENTS),
        searches=draw(st.integers(0, 5)),
        lost=draw(st.booleans()),
        outcome=State.PUBLISHED if stage is GroupStage.ENDED else None,
    )


@st.composite
def situations(draw: st.DrawFn) -> tuple[Snapshot, Record, datetime]:
    shot = replace(
        draw(st.sampled_from(SNAPSHOTS)),
        in_flight=draw(st.frozensets(st.integers(0, 2))),
        key_refused=draw(st.sampled_from([None, None, WHY])),
        key_probe_at=draw(MOMENTS),
    )
    broken = draw(
        st.none()
        | st.builds(
            Trouble,
            st.sampled_from(["Create", "Search", "Transfer", "CheckDraft", "Update", "Delete", "Ask"]),
            st.sampled_from(TroubleKind),
            st.just(WHY),
            st.just(NOW),
            MOMENTS,
        )
    )
    known = record(
        draw(st.sampled_from([shot, shot, shot, None, PICTURE])),
        *draw(st.lists(groups(), max_size=4)),
        state=draw(st.sampled_from(State)),
        consents=tuple(draw(st.sets(st.sampled_from(Consent)))),
        done=draw(st.sampled_from([False, False, True])),
        rebuilds=draw(st.integers(0, 4)),
        now_time=draw(MOMENTS),
        complete_at=draw(MOMENTS),
        troubles=(broken,) if broken is not None else (),
    )
    now = draw(st.sampled_from([NOW, TIME - seconds(60), TIME, TIME + seconds(1000), TIME + seconds(30000)]))
    return shot, known, now


@given(situations())
def test_whatever_is_known_no_promise_is_broken(situation: tuple[Snapshot, Record, datetime]) -> None:
    shot, known, now = situation
    decision = plan(shot, known, now)
    match decision.step:
        case Update(target, time, _) if time is not None:
            others = [g for g in known.groups if g is not target]
            assert time >= now
            if target.stage is GroupStage.DRAFT:
                assert not any(g.stage in (GroupStage.SCHEDULED, GroupStage.GOING_OUT) for g in others)
                assert proved(target)
                assert all(u.stage is UploadStage.STORED for u in target.uploads)
            else:
                assert target.stage in (GroupStage.SCHEDULED, GroupStage.WITHDRAWN)
        case Update(target, None, _):
            assert target.stage is GroupStage.SCHEDULED
        case Transfer(target, one):
            assert target.stage is GroupStage.DRAFT
            assert one.stage is not UploadStage.STORED
            assert one.position not in shot.in_flight
        case Create():
            assert not any(g.stage in (GroupStage.CREATING, GroupStage.DRAFT) for g in known.groups)
        case Delete(target):
            assert target.stage is GroupStage.DOOMED
        case Doom(target, _):
            assert target.stage in (GroupStage.DRAFT, GroupStage.SCHEDULED, GroupStage.WITHDRAWN)
        case Abandon(target) | Search(target):
            assert target.stage in (GroupStage.CREATING, GroupStage.DRAFT)
        case Forget():
            assert not any(g.stage not in (GroupStage.GONE,) for g in known.groups)
        case Rest(after):
            assert after is None or after > 0
    if decision.error is not None:
        assert decision.error.code
        assert decision.error.message
