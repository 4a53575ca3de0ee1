"""JSON Schemas (draft 2020-12) of the sidecar and the config, for editors; made from what the parsers are made of.

A schema sees values as YAML's core schema loads them, the parsers see them as written. So the word `null` as text, which
a parser takes, needs quotes in an editor; and what depends on the machine or on other files (a time zone, a user's home,
the date) is left to `check`. Nothing else that the program takes is refused by a schema.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from postpost_sync.model.yaml_values import MOST_ITEMS, SHAPES, list_of, one_of, optional, whole_number
from postpost_sync.post import keys as sidecar_keys
from postpost_sync.post import platforms

DRAFT = "https://json-schema.org/draft/2020-12/schema"
Schema = dict[str, Any]

_TIME = (
    r"^\s*([0-9]{4}-[0-9]{2}-[0-9]{2}([Tt]| ) *[0-9]{1,2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,6})?)?"
    r" *([Zz]|[+-][0-9]{2}(:?[0-9]{2})?)?|[Nn][Oo][Ww]|[Nn][Ee][Xx][Tt])\s*$"
)


class Key(Protocol):
    """What both kinds of keys have."""

    @property
    def parse(self) -> Callable[..., Any]: ...
    @property
    def about(self) -> str: ...


def of_sidecar() -> Schema:
    """The schema of `post.yaml`."""
    properties: Schema = {}
    doubles = []
    for name, key in sidecar_keys.KEYS.items():
        properties[name] = {**_property(key), **_MORE.get(name, {})}
        for alias in key.aliases:
            properties[alias] = {**properties[name], "description": f"The API's own spelling of {name}."}
            doubles.append({"required": [name, alias]})
    for name in ("per_platform", "perPlatform"):
        entry = properties[name]["additionalProperties"]
        own: Schema = {key: {"$ref": f"#/properties/{key}"} for key in entry["properties"]}
        either: Schema = {"not": {"required": ["content", "content_file"]}}
        properties[name] = {**properties[name], "additionalProperties": {**entry, "properties": own, **either}}
    return {
        "$schema": DRAFT,
        "title": "post.yaml of postpost-sync",
        "type": "object",
        "additionalProperties": False,
        "properties": properties,
        "oneOf": [{"required": ["content"]}, {"required": ["content_file"]}],
        "not": {"anyOf": doubles},
    }


def of_config(
    keys: Mapping[str, Key], api: Mapping[str, Key], watch: Mapping[str, Key], **others: Mapping[str, Key]
) -> Schema:
    """The schema of the config file, from its keys and those of its sections, the `others` by their names."""
    entry = {**_section(watch, {"api": _section(api)}), "type": "object", "required": ["path"]}
    sections = {
        "api": _section(api),
        "watch": {"type": "array", "minItems": 1, "items": entry},
        **{name: _section(section) for name, section in others.items()},
    }
    top = {**_section(keys, sections), "type": "object", "required": ["watch"]}
    return {"$schema": DRAFT, "title": "config.yaml of postpost-sync", **top}


def _section(keys: Mapping[str, Key], sections: Mapping[str, Schema] | None = None) -> Schema:
    """A map of keys, or nothing at all."""
    inner = sections or {}
    properties = {name: _property(key, inner.get(name)) for name, key in keys.items()}
    return {"type": ["object", "null"], "additionalProperties": False, "properties": properties}


def _property(key: Key, shape: Schema | None = None) -> Schema:
    default = getattr(key, "default", "")  # as the example shows it; the sidecar's keys have none
    about = f"{key.about} Default: {default}." if default not in ("", "null", "{}", "[]") else key.about
    return {"description": about, **(_shape(key.parse) if shape is None else shape)}


def _shape(parse: Callable[..., Any]) -> Schema:
    """What a parser takes. KeyError for one that does not say so."""
    match parse:
        case list_of():
            item = _shape(parse.item)
            return {"anyOf": [item, {"type": "array", "uniqueItems": True, "maxItems": MOST_ITEMS, "items": item}]}
        case one_of():
            return {"enum": list(parse.allowed)}
        case whole_number():
            number = {"type": "integer", "minimum": parse.least, "maximum": parse.most}
            return {"anyOf": [number, {"type": "string", "pattern": "^[0-9]{1,18}$"}]}
        case optional():
            return {"anyOf": [{"type": "null"}, _shape(parse.parse)]}
        case _:
            return {word: _resolved(value) for word, value in SHAPES[parse].items()}


def _resolved(value: Any) -> Any:
    """`value` with every parser in it replaced by its shape."""
    if callable(value):
        return _shape(value)
    if isinstance(value, Mapping):
        return {key: _resolved(inner) for key, inner in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_resolved(inner) for inner in value]
    return value


_SHAPES: Mapping[platforms.Shape, Schema] = {
    platforms.Shape.TEXT: {"type": ["string", "number"]},
    platforms.Shape.LIST: {"type": "array", "items": {"type": ["string", "number"]}},
    platforms.Shape.MAP: {"type": "object", "additionalProperties": {"type": ["string", "number"]}},
}


def _settings() -> Schema:
    """The settings that are known, by platform; others are text or true and false."""
    known: dict[str, Schema] = {platform: {} for platform in platforms.PLATFORMS}
    for (platform, key), setting in platforms.SETTINGS.items():
        if setting.allowed is None:
            known[platform][key] = {"type": "boolean"}
        elif setting.allowed:
            known[platform][key] = {"enum": list(setting.allowed)}
        else:
            known[platform][key] = _SHAPES[setting.shape]
    rest: Schema = {"type": ["string", "number", "boolean", "array", "object"]}
    return {
        platform: {"type": "object", "properties": settings, "additionalProperties": rest}
        for platform, settings in known.items()
    }


# What is checked only where a post is put together, but can be said here already.
_MORE: Mapping[str, Schema] = {
    "scheduled_time": {
        "type": "string",
        "pattern": _TIME,
        "examples": ["2026-12-15 14:30", "2026-12-15T13:30:00Z", "now", "next"],
    },
    "timezone": {"type": "string", "examples": ["Europe/Berlin", "UTC"]},
    "platform_settings": {"properties": _settings()},
}
