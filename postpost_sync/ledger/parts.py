"""A record with one of its parts changed: what the other changes are made of. `key` is always a group's."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from postpost_sync.model.record import Effect, Record, Trouble


def with_group(record: Record, key: int, /, **changes: Any) -> Record:
    """The record with one of its groups changed."""
    return replace(record, groups=tuple(replace(g, **changes) if g.key == key else g for g in record.groups))


def with_upload(record: Record, key: int, position: int, /, **changes: Any) -> Record:
    """The record with one upload of one of its groups changed; as it was, where it does not know that group."""
    group = next((g for g in record.groups if g.key == key), None)
    if group is None:
        return record
    uploads = tuple(replace(u, **changes) if u.position == position else u for u in group.uploads)
    return with_group(record, key, uploads=uploads)


def with_trouble(record: Record, trouble: Trouble) -> Record:
    """The trouble takes the place of an earlier one with the same kind of step, about the same file."""
    others = (one for one in record.troubles if (one.step, one.file) != (trouble.step, trouble.file))
    return replace(record, troubles=(*others, trouble))


def without_trouble(record: Record, step: Effect) -> Record:
    return replace(record, troubles=tuple(t for t in record.troubles if t.step != step))
