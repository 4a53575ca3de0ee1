"""Rows of the database as our values, and back: each field of a class of ours has a column of its name."""

from __future__ import annotations

import sqlite3
from operator import attrgetter
from typing import Any, TypeVar

from postpost_sync.model.program import Listener, RootStatus
from postpost_sync.model.record import Group, Record, Upload
from postpost_sync.store.columns import decoder, encode, hints, names
from postpost_sync.store.failures import as_written

_T = TypeVar("_T", Record, Group, Upload, RootStatus, Listener)
_KEPT_APART = frozenset({"groups", "uploads"})  # they have tables of their own
_OURS: tuple[type, ...] = (Record, Group, Upload, RootStatus, Listener)
_NAMES = {cls: [name for name in names(cls) if name not in _KEPT_APART] for cls in _OURS}
_VALUES = {cls: attrgetter(*kept) for cls, kept in _NAMES.items()}
_DECODERS = {
    cls: {name: decoder(hint) for name, hint in hints(cls).items() if name not in _KEPT_APART} for cls in _OURS
}


def as_columns(value: Any, before: Any = None) -> dict[str, Any]:
    """Column -> value; where it is another state of `before`, those that differ."""
    kept, values = _NAMES[value.__class__], _VALUES[value.__class__]
    if before is None:
        return {name: encode(now) for name, now in zip(kept, values(value), strict=True)}
    both = zip(kept, values(value), values(before), strict=True)
    return {name: encode(now) for name, now, then in both if now is not then and now != then}


def from_row(cls: type[_T], row: sqlite3.Row, **apart: Any) -> _T:
    """The value that was written; what has tables of its own is given in `apart`."""
    with as_written():
        return cls(**{name: decode(row[name]) for name, decode in _DECODERS[cls].items()}, **apart)


def decoded(hint: Any, column: Any) -> Any:
    """One column of a row, of that type."""
    with as_written():
        return decoder(hint)(column)
