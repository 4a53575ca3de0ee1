"""Our dataclasses as columns of SQLite and as JSON, and back, by their type hints. No database is touched here.

Numbers, texts, enums and times are columns of their own kind; everything compound is JSON in one column. Names that are
not UTF-8 become a BLOB, since SQLite's TEXT cannot hold them.
"""

from __future__ import annotations

import json
import os
import types
import typing
from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from datetime import datetime
from enum import StrEnum
from functools import cache
from typing import Any

Column = str | int | float | bytes | None
_TO_JSON = json.JSONEncoder(separators=(",", ":")).encode


def encode(value: Any) -> Column:
    """The value as one column holds it."""
    if value is None or isinstance(value, int | float):
        return int(value) if isinstance(value, bool) else value
    if isinstance(value, datetime):
        return value.isoformat()  # with microseconds: an asked time must compare equal when it is read again
    if isinstance(value, StrEnum):
        return value.value
    if isinstance(value, str):
        try:
            value.encode("utf-8")
        except UnicodeEncodeError:
            return os.fsencode(value)
        return value
    return _TO_JSON(_plain(value))


@cache
def decoder(hint: Any) -> Callable[[Any], Any]:
    """What makes the value again that `encode` made a column of; `hint` is its type, looked into once."""
    hint = _required(hint)
    if hint is str:
        return _but_none(lambda column: os.fsdecode(column) if isinstance(column, bytes) else column)
    if hint in (int, float, bool):
        return _but_none(hint)
    if (scalar := _scalar(hint)) is not None:
        return _but_none(scalar)
    build = _builder(hint)
    return _but_none(lambda column: build(json.loads(column)))


@cache
def hints(cls: type) -> Mapping[str, Any]:
    """Field name -> type of a dataclass."""
    return typing.get_type_hints(cls)


@cache
def names(cls: type) -> tuple[str, ...]:
    """The names of a dataclass's fields."""
    return tuple(field.name for field in fields(cls))


def _plain(value: Any) -> Any:
    if value is None or isinstance(value, str | int | float):
        return value
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, tuple | list | frozenset):
        return [_plain(item) for item in value]
    return {name: _plain(getattr(value, name)) for name in names(value.__class__)}


@cache
def _builder(hint: Any) -> Callable[[Any], Any]:
    """What makes the value again that `_plain` made plain."""
    hint = _required(hint)
    if (scalar := _scalar(hint)) is not None:
        return _but_none(scalar)
    if isinstance(hint, type) and issubclass(hint, tuple):  # a NamedTuple
        return _but_none(lambda items: hint(*items))
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin is tuple:
        item = _builder(arguments[0])
        return _but_none(lambda items: tuple([item(one) for one in items]))
    if origin is not None and issubclass(origin, Mapping):
        item = _builder(arguments[1])
        return _but_none(lambda items: {key: item(one) for key, one in items.items()})
    if is_dataclass(hint) and isinstance(hint, type):
        known = {name: _builder(one) for name, one in hints(hint).items()}
        return _but_none(lambda items: hint(**{name: known[name](one) for name, one in items.items() if name in known}))
    return lambda value: value


def _but_none(build: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return lambda value: None if value is None else build(value)


def _required(hint: Any) -> Any:
    """`X` of `X | None`; unions of plain types are left as they are."""
    if isinstance(hint, types.UnionType) or typing.get_origin(hint) is typing.Union:
        rest = [a for a in typing.get_args(hint) if a is not types.NoneType]
        return rest[0] if len(rest) == 1 else object
    return hint


def _scalar(hint: Any) -> Callable[[str], Any] | None:
    """What makes the value of its text, where one text is all of it."""
    if isinstance(hint, type) and issubclass(hint, datetime | StrEnum):
        return hint.fromisoformat if issubclass(hint, datetime) else hint
    return None
