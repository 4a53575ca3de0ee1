"""Rules for the queue: a slot of the root is taken before anything is sent, kept, and given back. Pure.

A slot is one post's. It is taken once; a post that could not go out in it takes the next one, and is never late. Where an
update-post was not answered, whether it went out in its slot is found out first. What is out is never queued again.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from postpost_sync.model.errors import Finding
from postpost_sync.model.record import Consent, Group, GroupStage, Record, live_group
from postpost_sync.model.slots import Slot, moments
from postpost_sync.model.states import State
from postpost_sync.model.times import for_people
from postpost_sync.plan.answers import Answer, held, invalid
from postpost_sync.plan.situation import Situation
from postpost_sync.plan.steps import LeaveSlot, TakeSlot, Update

AHEAD = timedelta(minutes=15)  # of the service's time: a slot that is nearer is not taken
NO_SLOTS = Finding(
    "NO_SLOTS",
    "its time is next, and this root has no slots",
    'add a line below its path in the config, then start the daemon again: slots: ["mon-fri 09:00"]',
)


def slot_given_back(s: Situation) -> Answer | None:
    """It no longer asks for the queue: its slot is free as soon as no post of it stands there."""
    slot = s.record.slot
    if slot is None or s.desired.next or s.out or _unanswered(s):
        return None
    stands = s.live is not None and s.live.stage is GroupStage.SCHEDULED and s.live.asked_time == slot
    return None if stands else Answer(LeaveSlot())


def slot_doubtful(s: Situation) -> Answer | None:
    """Its status file says that it was to go out by now, and PostPost does not hold it: a person says what is so."""
    claim = s.record.claim
    if claim is None or not claim.lost or claim.slot is None or claim.slot > s.now or s.record.groups:
        return None
    if not s.desired.next or s.said(Consent.ONCE_MORE):
        return None
    when = for_people(claim.slot, s.post.timezone)
    why = f"its status file says that it was to go out {when}, and PostPost does not list it"
    hint = "if it did not go out: postpost-sync retry FOLDER queues it once more; else remove the folder"
    return held(Finding("MAYBE_PUBLISHED", why, hint))


def slot_unanswered(s: Situation) -> Answer | None:
    """Its slot is past, and whether it went out in it is not known: it is made a draft, which settles that."""
    group = _unanswered(s)
    return Answer(Update(group, None, s.record.slot)) if group is not None and _wants_another(s) else None


def take_slot(s: Situation) -> Answer | None:
    """It asks for the queue and has no slot that is still to come: it takes the next free one."""
    if not _wants_another(s):
        return None
    if not s.policy.slots:
        return invalid(s, NO_SLOTS, s.desired.warnings)
    return Answer(TakeSlot(s.now + AHEAD))


def _wants_another(s: Situation) -> bool:
    """Whether a slot is to be taken. Not for what stands scheduled for its own, nor for what is not changed any more."""
    live, slot = s.live, s.record.slot
    if not s.desired.next or s.out or (slot is not None and s.now < slot) or (slot is None and s.shared is not None):
        return False
    if live is None:
        return True
    if live.stage is GroupStage.SCHEDULED:
        return (slot is None or live.asked_time != slot) and not s.closed(live)
    # somebody made it a draft at PostPost: it stays one
    left = slot is not None and live.elsewhere is not None and live.asked_time == slot
    return not left or s.replacing or s.said(Consent.ELSEWHERE)


def _unanswered(s: Situation) -> Group | None:
    """The draft, or the post that was made one, that an update-post may have scheduled."""
    groups = (one for one in (s.draft, s.live) if one is not None and one.stage is not GroupStage.SCHEDULED)
    return next((one for one in groups if one.updating), None)


# --- the queue of a root ----------------------------------------------------------------------------------------------


def in_queue(record: Record, now: datetime) -> bool:
    """Whether it waits in a slot that is still to come."""
    return record.slot is not None and record.slot > now


def _may_move(record: Record) -> bool:
    live = live_group(record)
    if any(group.updating for group in record.groups):
        return False
    if live is None:
        return True
    return record.done and record.state is State.SCHEDULED and live.elsewhere is None and record.missed_at is None


def closing(
    records: Sequence[Record], slots: Sequence[Slot], timezone: str, now: datetime
) -> list[tuple[Record, datetime]]:
    """The posts that would move up so that no slot before one of them stays free, and where to; the soonest first.

    One whose update-post is unanswered keeps its slot until that is known; so does one that stands scheduled while its
    folder could not move it: gone, edited, or waiting for a person.
    """
    waiting = sorted((one for one in records if in_queue(one, now)), key=lambda one: one.slot or now)
    taken = {one.slot for one in waiting}
    moved: list[tuple[Record, datetime]] = []
    for record in waiting:
        if not _may_move(record):
            continue
        free = next((at for at in moments(slots, timezone, now + AHEAD) if at not in taken), None)
        if free is None or record.slot is None or free >= record.slot:
            continue
        taken.remove(record.slot)
        taken.add(free)
        moved.append((record, free))
    return moved
