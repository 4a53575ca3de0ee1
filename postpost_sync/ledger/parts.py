"""A record with one of its parts changed: what the other changes are made of."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from postpost_sync.model.record import Record, Trouble

Change = Callable[[Record], Record]


def with_group(key: int, **changes: Any) -> Change:
    """The record with one of its groups changed."""

    def change(record: Record) -> Record:
        return replace(record, groups=tuple(replace(g, **changes) if g.key == key else g for g in record.groups))

    return change


def with_upload(key: int, position: int, **changes: Any) -> Change:
    def change(record: Record) -> Record:
        group = next((g for g in record.groups if g.key == key), None)
        if group is None:
            return record
        uploads = tuple(replace(u, **changes) if u.position == position else u for u in group.uploads)
        return with_group(key, uploads=uploads)(record)

    return change


def with_trouble(record: Record, trouble: Trouble) -> Record:
    """The trouble takes the place of an earlier one with the same kind of step."""
    return replace(record, troubles=(*(t for t in record.troubles if t.step != trouble.step), trouble))


def without_trouble(record: Record, step: str) -> Record:
    return replace(record, troubles=tuple(t for t in record.troubles if t.step != step))
