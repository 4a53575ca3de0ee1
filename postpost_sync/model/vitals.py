"""How the daemon itself is: what it counts of its work, and whether it does what it is there for. Pure.

The daemon writes its counts into the database for those who only look, who hold no key and ask nobody.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from postpost_sync.model.errors import Finding, printable
from postpost_sync.model.program import RootState, RootStatus

OVERDUE = timedelta(minutes=10)  # that a post may be late before something is wrong
_PLAIN = ("started", "sent", "calls", "keys", "why")
_SLACK = timedelta(minutes=5)  # for a walk through a slow share


@dataclass(frozen=True, slots=True)
class Vitals:
    """Counted since the daemon started."""

    started: str = ""  # as the service writes times
    sent: int = 0  # bytes of media that the object store has confirmed
    calls: Mapping[str, int] = field(default_factory=dict)  # "create-post ok" -> how many
    keys: Mapping[str, bool | None] = field(default_factory=dict)  # root -> whether its key is taken; None: not known
    why: Mapping[str, str] = field(default_factory=dict)  # root -> why its key is not
    warnings: tuple[Finding, ...] = ()  # of what is no single post's: tokens that expire, files that cannot be written

    def text(self) -> str:
        """As the database keeps it."""
        facts: dict[str, object] = {name: getattr(self, name) for name in _PLAIN}
        facts["warnings"] = [(one.code, one.message, one.hint) for one in self.warnings]
        return json.dumps(facts, sort_keys=True, separators=(",", ":"))

    @classmethod
    def read(cls, text: str | None) -> Vitals:
        """What was written; nothing where there is nothing that could be read."""
        try:
            facts = dict(json.loads(text or "{}"))
            warnings = tuple(Finding(code, message, hint) for code, message, hint in facts.get("warnings", ()))
            return cls(**{name: facts[name] for name in _PLAIN if name in facts}, warnings=warnings)
        except (ValueError, TypeError):
            return cls()


def ailments(
    *,
    running: bool,
    roots: Iterable[str],
    statuses: Sequence[RootStatus],
    rescan: float,
    vitals: Vitals,
    overdue: Sequence[str],
    now: datetime,
) -> tuple[Finding, ...]:
    """Why the daemon does not do what it is there for; nothing where all is well.

    `roots`: those that the config names. `overdue`: the posts that were to be out for `OVERDUE`.
    """
    found = []
    if not running:
        found.append(Finding("DAEMON_DOWN", "the daemon is not running", "start it: postpost-sync run"))
    known = {status.path: status for status in statuses}
    for root in roots:
        found += _of_root(root, known.get(root), rescan, now)
    for why in sorted({vitals.why.get(root, "") for root, taken in vitals.keys.items() if taken is False}):
        found.append(Finding("KEY_REFUSED", why or "PostPost does not accept the API key", "postpost-sync doctor"))
    if overdue:
        more = f" and {len(overdue) - 1} more" if len(overdue) > 1 else ""
        minutes = OVERDUE // timedelta(minutes=1)
        why = f"{overdue[0]}{more} should have been out for {minutes} minutes"
        found.append(Finding("OVERDUE", why, "postpost-sync status"))
    return tuple(found)


def _of_root(root: str, status: RootStatus | None, rescan: float, now: datetime) -> list[Finding]:
    shown = printable(root)
    if status is None or (status.last_scan is None and status.state is not RootState.AWAY):
        return [Finding("NOT_SCANNED", f"{shown} was not compared yet", "wait for the first comparison to end")]
    if status.state is RootState.AWAY:
        return [status.error or Finding("ROOT_AWAY", f"{shown} is away", "mount it")]
    within = timedelta(seconds=2 * rescan) + _SLACK
    if status.last_scan is not None and now - status.last_scan > within:
        minutes = (now - status.last_scan) // timedelta(minutes=1)
        hint = "see whether its disk answers: postpost-sync doctor"
        return [Finding("SCAN_LATE", f"{shown} was last compared {minutes} minutes ago", hint)]
    return []
