"""What a post does for which the account's plan has no room: it waits, in the order of the times. Pure.

A post that stands scheduled is never touched for another's sake.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from postpost_sync.model.errors import Finding
from postpost_sync.model.record import Effect, TroubleKind
from postpost_sync.model.states import State
from postpost_sync.model.times import for_people
from postpost_sync.plan.answers import Answer
from postpost_sync.plan.codes import HELD_LONG, IN_LINE
from postpost_sync.plan.situation import Situation
from postpost_sync.plan.steps import Rest

HELD_WARN = 86400.0  # seconds before its time from which a post that is still held says so
AFTER_THE_FIRST = 5.0  # seconds after the next try of the first in line at which the others look again


def waits_for_room(s: Situation, time: datetime) -> Answer | None:
    """Whether it has to wait for room in the plan: as long as an earlier one does, or until its own next try."""
    ahead, own = s.snapshot.waiting, s.record.trouble_with(Effect.UPDATE)
    if ahead is not None and (ahead.time, ahead.key) >= (time, s.record.key):
        ahead = None
    if own is not None and (own.kind is not TroubleKind.HELD or own.finding.code not in IN_LINE):
        own = None
    if ahead is not None:
        why, until = ahead.finding, ahead.until
    elif own is not None and own.until is not None and own.until > s.now:
        why, until = own.finding, own.until
    else:
        return None
    warn = time - timedelta(seconds=HELD_WARN)
    ends = time if s.desired.next else time + timedelta(seconds=s.policy.late_tolerance)
    again = until or s.now
    if ahead is not None:
        again = max(again, s.now) + timedelta(seconds=AFTER_THE_FIRST)  # and at once when its turn comes
    moments = [(moment - s.now).total_seconds() for moment in (warn, ends, again)]
    after = min((left for left in moments if left > 0), default=AFTER_THE_FIRST)
    if s.now >= warn and s.record.complete_at is not None and s.record.complete_at < warn:
        shown = for_people(time, s.post.timezone)
        hint = "make room: delete or move other posts, or change the plan"
        why = Finding(HELD_LONG, f"its time is {shown}, and it is still held: {why.message}", hint)
    return Answer(Rest(after), State.HELD, why, retry_at=until)
