"""Every value of the database comes back as it went in."""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postpost_sync.model.errors import Finding
from postpost_sync.model.folder import Settings, Stat
from postpost_sync.model.record import (
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
)
from postpost_sync.model.states import State
from postpost_sync.store.columns import decoder, encode, hints
from tests.support.characters import CHARACTERS

AT = datetime(2026, 12, 1, 8, 0, 0, 123456, tzinfo=UTC)
FINDING = Finding("A", "b \U0001f389", "c")
TROUBLE = Trouble(Effect.CREATE, TroubleKind.HELD, FINDING, AT, None, 3)
RESULTS = (PlatformResult("x-1", "failed", None, FINDING, True), PlatformResult("x-2", "published", "p"))


@pytest.mark.parametrize(
    ("hint", "value"),
    [
        (int, 2**40),
        (float, 0.25),
        (bool, True),
        (bool, False),
        (str, ""),
        (str, "Grüße \U0001f389\n\t"),
        (str, "caf\udce9/\udcff"),
        (str | None, None),
        (str | None, "x"),
        (datetime, AT),
        (datetime | None, None),
        (State, State.HELD),
        (State | None, State.HELD),
        (GroupStage, GroupStage.GOING_OUT),
        (tuple[str, ...], ()),
        (tuple[str, ...], ("a", "caf\udce9")),
        (Settings, {"x": {"y": True, "z": "true"}, "w": {}}),
        (Stat, Stat(1, 2**62, 3, 4, 5)),
        (Finding | None, FINDING),
        (tuple[Finding, ...], (FINDING, Finding("B", "c"))),
        (Trouble | None, TROUBLE),
        (ReadBack | None, ReadBack(True, None, 0, AT, AT)),
        (tuple[Issued, ...], (Issued(0, None, None), Issued(1, "m", "u"))),
        (tuple[PlatformResult, ...], RESULTS),
        (tuple[MediaName, ...], (MediaName("caf\udce9.jpg", 3),)),
    ],
    ids=str,
)
def test_a_value_goes_through_a_column_of_sqlite(hint: Any, value: Any) -> None:
    with sqlite3.connect(":memory:") as conn:
        (column,) = conn.execute("SELECT ?", (encode(value),)).fetchone()
    conn.close()
    back = decoder(hint)(column)
    assert back == value
    assert type(back) is type(value)


def test_equal_values_are_equal_columns_so_that_they_can_be_looked_up() -> None:
    assert encode(("twitter-1", "x-2")) == encode(tuple("twitter-1 x-2".split()))
    assert encode("caf\udce9") == b"caf\xe9"


@given(st.text(CHARACTERS) | st.binary(max_size=20).map(lambda b: b.decode("utf-8", "surrogateescape")))
def test_any_name_comes_back(name: str) -> None:
    assert decoder(str)(encode(name)) == name
    assert decoder(tuple[str, ...])(encode((name,))) == (name,)


@pytest.mark.parametrize("cls", [Record, Group, Upload])
def test_every_field_of_a_row_has_a_type_that_can_be_read(cls: type) -> None:
    assert all(hints(cls).values())
