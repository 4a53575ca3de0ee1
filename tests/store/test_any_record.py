"""Whatever a record holds, it comes back from the database as it was."""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from postpost_sync.model.errors import Finding
from postpost_sync.model.folder import Stat
from postpost_sync.model.record import (
    Consent,
    Effect,
    Group,
    GroupStage,
    Issued,
    MediaName,
    PlatformResult,
    ReadBack,
    Record,
    Trouble,
    TroubleKind,
    Upload,
    UploadStage,
)
from postpost_sync.model.states import State
from postpost_sync.store import Store
from tests.support.characters import CHARACTERS
from tests.support.stored import NOW

TEXT = st.text(CHARACTERS, max_size=12)
NAME = st.binary(min_size=1, max_size=8).map(os.fsdecode)
MOMENT = st.integers(0, 2**53).map(
    lambda microseconds: datetime(1980, 1, 1, tzinfo=UTC) + timedelta(microseconds=microseconds)
)
FINDING = st.builds(Finding, TEXT, TEXT, TEXT)
COUNT = st.integers(0, 2**62)
STAT = st.builds(Stat, COUNT, COUNT, COUNT, COUNT, COUNT)
PLATFORMS = st.lists(TEXT, max_size=3).map(tuple)
FLAGS = st.dictionaries(TEXT, st.dictionaries(TEXT, TEXT | st.booleans(), max_size=2), max_size=2)


@st.composite
def any_group(draw: st.DrawFn) -> Group:
    uploads = tuple(
        draw(
            st.builds(
                Upload,
                st.just(at),
                NAME,
                TEXT,
                TEXT,
                STAT,
                st.sampled_from(UploadStage),
                st.none() | TEXT,
                st.none() | TEXT,
                st.none() | TEXT,
                st.none() | TEXT,
                st.none() | MOMENT,
                COUNT,
                COUNT,
                COUNT,
            )
        )
        for at in range(draw(st.integers(0, 2)))
    )
    return draw(
        st.builds(
            Group,
            key=st.just(0),
            stage=st.sampled_from(GroupStage),
            account=TEXT,
            post_group_id=st.none() | TEXT,
            intent_at=MOMENT,
            content=TEXT,
            platforms=PLATFORMS,
            platform_settings=FLAGS,
            uploads=st.just(uploads),
            issued=st.lists(st.builds(Issued, COUNT, st.none() | TEXT, st.none() | TEXT), max_size=2).map(tuple),
            read_back=st.none() | st.builds(ReadBack, st.booleans(), st.none() | COUNT, COUNT, MOMENT, MOMENT),
            asked_time=st.none() | MOMENT,
            answered_time=st.none() | MOMENT,
            searches=COUNT,
            results=st.lists(
                st.builds(PlatformResult, TEXT, TEXT, st.none() | TEXT, st.none() | FINDING, st.none() | st.booleans()),
                max_size=2,
            ).map(tuple),
            outcome=st.none() | st.sampled_from(State),
            checked_at=st.none() | MOMENT,
            lost=st.booleans(),
        )
    )


ANY_RECORD = st.builds(
    Record,
    key=st.just(0),
    folder_id=TEXT,
    root=NAME,
    path=NAME,
    inode=COUNT,
    device=COUNT,
    state=st.just(State.SETTLING),
    first_seen=MOMENT,
    updated_at=MOMENT,
    fingerprint=TEXT,
    complete_at=st.none() | MOMENT,
    now_time=st.none() | MOMENT,
    consents=st.sampled_from(Consent).map(lambda one: (one,)),
    rebuilds=COUNT,
    done=st.booleans(),
    timezone=TEXT,
    platforms=PLATFORMS,
    media=st.lists(st.builds(MediaName, NAME, COUNT), max_size=2).map(tuple),
    time=st.none() | MOMENT,
    error=st.none() | FINDING,
    warnings=st.lists(FINDING, max_size=2).map(tuple),
    retry_at=st.none() | MOMENT,
    troubles=st.lists(
        st.builds(
            Trouble, st.sampled_from(Effect), st.sampled_from(TroubleKind), FINDING, MOMENT, st.none() | MOMENT, COUNT
        ),
        max_size=2,
    ).map(tuple),
    groups=st.lists(any_group(), max_size=2).map(tuple),
    previous=PLATFORMS,
)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(ANY_RECORD)
def test_any_record_comes_back_as_it_was(store: Store, wanted: Record) -> None:
    start = store.add("/posts", "x", 7, 1, NOW - timedelta(days=1))
    written = store.change(start.key, lambda r: replace(wanted, key=r.key))
    read = store.record(start.key)
    store.forget(start.key)
    assert read == written
    assert replace(written, key=0, groups=tuple(replace(g, key=0) for g in written.groups)) == wanted
