"""The time that a sidecar asks for: a word, or a moment by its zone's clock, or what is wrong with it. Pure."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from postpost_sync.model.errors import Finding, printable
from postpost_sync.model.folder import Apart, Folder, Sidecar
from postpost_sync.model.other_times import as_offset, readings
from postpost_sync.model.post import Policy, Resolved
from postpost_sync.model.times import TimeProblem, in_one, parse_time, zone

NOW, NEXT = "now", "next"  # words for a time
LEFT_OUT = "scheduled_time"  # what a time that is left out stood for when the draft was made is kept under this name


def asked_time(
    folder: Folder, sidecar: Sidecar, policy: Policy, errors: list[Finding], warnings: list[Finding], word: str
) -> tuple[str, datetime | None]:
    """The zone, and the time where it is neither a word nor wrong. What is wrong is added to `errors` and `warnings`."""
    zone_name = sidecar.timezone or policy.timezone
    written = _written(folder)
    try:
        zone(zone_name)
    except TimeProblem as problem:
        hidden = sidecar.unseen.get("timezone", "")
        instead = _with_offset(sidecar.scheduled_time, zone_name, written)
        errors.append(_located(problem.finding, sidecar.at("timezone"), instead, hidden))
        if sidecar.scheduled_time and not instead and not word:
            _parsed(sidecar, "UTC", written, errors, [])  # what else is wrong with it
        if sidecar.apart is not None:
            errors.append(stand_apart(sidecar.apart, "UTC", written))
        return "UTC", None
    if sidecar.apart is not None:
        errors.append(stand_apart(sidecar.apart, zone_name, written))
        return zone_name, None
    if sidecar.scheduled_time is None or word:
        return zone_name, None
    return zone_name, _parsed(sidecar, zone_name, written, errors, warnings)


def stand_apart(apart: Apart, zone_name: str, written: datetime | None = None) -> Finding:
    """What is wrong with a day and a time of day under a key each, and the line to write."""
    hint = in_one(apart.day, apart.clock, zone_name, written, "scheduled_time: ")
    return Finding("UNKNOWN_KEY", apart.what, hint)


def own_zone(name: str | None) -> str:
    """The zone that a sidecar names, UTC where that is none."""
    try:
        return zone(name or "UTC").key
    except TimeProblem:
        return "UTC"


def time_word(sidecar: Sidecar, policy: Policy, kept: Resolved) -> str:
    """`now` or `next`, where one of them is its time, or its root's for what has none; "" where it is neither."""
    given = left_out(policy, kept)[0] if sidecar.scheduled_time is None else sidecar.scheduled_time
    word = given.strip().lower()
    return word if word in (NOW, NEXT) else ""


def left_out(policy: Policy, kept: Resolved) -> tuple[str, ...]:
    """What a time that is left out stands for: another config does not send out what was left a draft."""
    return kept.get(LEFT_OUT) or (policy.default_time,)


def _written(folder: Folder) -> datetime | None:
    """When the sidecar was saved: "tomorrow" counts from then."""
    seconds = folder.sidecars[0].stat.mtime_ns / 1e9 if folder.sidecars else 0.0
    return datetime.fromtimestamp(seconds, UTC) if 0 < seconds < 10**11 else None


def _parsed(
    sidecar: Sidecar, zone_name: str, written: datetime | None, errors: list[Finding], warnings: list[Finding]
) -> datetime | None:
    where = sidecar.at("scheduled_time")
    try:
        time, doubt = parse_time(sidecar.scheduled_time or "", zone_name, written, "scheduled_time: ")
    except TimeProblem as problem:
        errors.append(_located(problem.finding, where, hidden=sidecar.unseen.get("scheduled_time", "")))
        return None
    if doubt is not None:
        warnings.append(_located(doubt, where))
    return time


def _with_offset(scheduled_time: str | None, zone_name: str, written: datetime | None) -> str:
    """The way out where `timezone` is an offset: it belongs behind the time."""
    offset = as_offset(zone_name)
    if not offset or not scheduled_time:
        return ""
    line = f"{scheduled_time.strip()} {offset}"
    try:
        parse_time(line, "UTC")
    except TimeProblem:
        found = readings(line, "UTC", written)
        lines = " or ".join(f'"scheduled_time: {one.value}"' for one in found if one.clock is not None)
        return f"leave timezone out and write {lines}" if lines else ""
    return f'leave timezone out and write "scheduled_time: {line}"'


def _located(finding: Finding, where: str, hint: str = "", hidden: str = "") -> Finding:
    message = f"{where}: {printable(finding.message)}" + (f"; {hidden}" if hidden else "")
    return replace(finding, message=message, hint=hint or finding.hint)
