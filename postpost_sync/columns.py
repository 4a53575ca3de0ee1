"""Our dataclasses as columns of SQLite and as JSON, and back, by their type hints. No database is touched here.

Numbers, texts, enums and times are columns of their own kind; everything compound is JSON in one column. Names that are
not UTF-8 become a BLOB, since SQLite's TEXT cannot hold them.
"""

from __future__ import annotations

import json
import os
import types
import typing
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

Column = str | int | float | bytes | None


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
    return json.dumps(_plain(value), separators=(",", ":"))


def decode(hint: Any, column: Column) -> Any:
    """The value that `encode` made `column` of; `hint` is its type."""
    if column is None:
        return None
    hint = _required(hint)
    if hint is str:
        return os.fsdecode(column) if isinstance(column, bytes) else column
    if hint in (int, float, bool):
        return hint(column)
    if _scalar_class(hint):
        return _from_text(hint, str(column))
    return _typed(hint, json.loads(str(column)))


_HINTS: dict[type, dict[str, Any]] = {}


def hints(cls: type) -> dict[str, Any]:
    """Field name -> type of a dataclass."""
    if cls not in _HINTS:
        _HINTS[cls] = typing.get_type_hints(cls)
    return _HINTS[cls]


def _plain(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return {f.name: _plain(getattr(value, f.name)) for f in fields(value)}
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, tuple | list | frozenset):
        return [_plain(item) for item in value]
    return value


def _typed(hint: Any, plain: Any) -> Any:
    hint = _required(hint)
    if plain is None:
        return None
    if _scalar_class(hint):
        return _from_text(hint, plain)
    if isinstance(hint, type) and issubclass(hint, tuple):  # a NamedTuple
        return hint(*plain)
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin is tuple:
        return tuple(_typed(arguments[0], item) for item in plain)
    if origin is not None and issubclass(origin, Mapping):
        return {key: _typed(arguments[1], item) for key, item in plain.items()}
    if is_dataclass(hint) and isinstance(hint, type):
        known = hints(hint)
        return hint(**{name: _typed(known[name], item) for name, item in plain.items() if name in known})
    return plain


def _required(hint: Any) -> Any:
    """`X` of `X | None`; unions of plain types are left as they are."""
    if isinstance(hint, types.UnionType) or typing.get_origin(hint) is typing.Union:
        rest = [a for a in typing.get_args(hint) if a is not types.NoneType]
        return rest[0] if len(rest) == 1 else object
    return hint


def _scalar_class(hint: Any) -> bool:
    return isinstance(hint, type) and issubclass(hint, datetime | StrEnum)


def _from_text(hint: Any, text: str) -> Any:
    return datetime.fromisoformat(text) if issubclass(hint, datetime) else hint(text)
