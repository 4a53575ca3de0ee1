"""Rules for what must be done whatever the folder looks like: followed, deleted, taken back by a person, or gone. Pure."""

from __future__ import annotations

from datetime import timedelta

from postpost_sync.model.errors import Finding
from postpost_sync.model.record import Effect, Group, GroupStage
from postpost_sync.model.states import UNFINISHED, State
from postpost_sync.plan.answers import REPLACING, Answer, as_it_is, drop, drop_draft, give_up, rest
from postpost_sync.plan.situation import Situation, seconds
from postpost_sync.plan.slots import AHEAD
from postpost_sync.plan.steps import Ask, Delete, Doom, Forget, LearnTime, Rest, TakeSlot, Update

ABSENCE_GRACE = 600.0  # seconds a folder must be gone before anything is concluded from it
LOOK_AGAIN = 60.0  # seconds after which one that cannot be looked into is tried again
# seconds after its time for which PostPost may say nothing of one account while it speaks of the others
UNTOLD_FOR = 3600.0
CANCELS_AT_ONCE = 10  # posts of removed folders that are cancelled without a person
CANCEL_MANY = Finding(
    "CANCEL_MANY",
    "its folder was removed together with many others; its post stands, since so many are not cancelled without a person",
    "bring the folder back, or: postpost-sync cancel FOLDER --yes",
)
REMOVED = Finding(
    "FOLDER_REMOVED",
    "its folder was removed; the post goes out all the same",
    "bring the folder back, or take the post back: postpost-sync cancel FOLDER",
)
_REMOVABLE = (GroupStage.SCHEDULED, GroupStage.WITHDRAWN)


def defective(s: Situation) -> Answer | None:
    """A defect of ours came between: the folder is left alone for a while, and that is said."""
    trouble = s.record.trouble_with(Effect.ADVANCE)
    left = s.left(trouble) if trouble is not None else None
    if trouble is None or left is None or left <= 0:
        return None
    return rest(s.record.state, trouble.finding, left)


def outcome_due(s: Situation) -> Answer | None:
    """Its time has come, or PostPost no longer lists it: ask what became of it."""
    if s.live is None or s.follow_due is None or s.follow_due > 0:
        return None
    known, untold = s.record.state, UNFINISHED | {State.CANCELLED}  # that it was scheduled comes first
    out_for = (s.now - (s.live.answered_time or s.now)).total_seconds()
    ask = Ask(s.live, silence_counts=out_for >= UNTOLD_FOR)
    return Answer(ask, State.SCHEDULED if known in untold else known, s.record.error)


def doomed(s: Situation) -> Answer | None:
    """What is no longer wanted at PostPost, and provably ours, is deleted."""
    for group in s.record.groups:
        if group.stage is GroupStage.DOOMED and not s.delete_waits:
            return Answer(Delete(group))
        if group.stage is GroupStage.WITHDRAWN and group is not s.live:
            return Answer(Doom(group))
    return None


def cancelled(s: Situation) -> Answer | None:
    """A person took it back, and the folder is as it was then: what stands is deleted."""
    record, folder, live = s.record, s.folder, s.live
    if record.cancel is None or (folder is not None and folder.fingerprint not in (record.cancel, record.fingerprint)):
        return None
    if live is not None and live.stage in _REMOVABLE:
        return Answer(Doom(live))
    if s.draft is not None:
        return drop_draft(s, s.draft)
    if any(group.stage is GroupStage.DOOMED for group in record.groups):
        return rest(record.state, s.not_deleted)
    if record.claim is not None and folder is not None:
        return None  # its status file knows of a later post
    return Answer(Rest(), State.CANCELLED, None, ()) if live is None else None


def update_unanswered(s: Situation) -> Answer | None:
    """An update-post of a post that stands was not answered: it is made a draft, which settles what it is."""
    live = s.live
    if live is None or not live.updating or live.stage is not GroupStage.SCHEDULED:
        return None
    if s.folder is None:  # whether it still stands is not known, nor what its folder asks for
        return _keep(s, live)
    return Answer(Update(live, None, None), s.record.state, s.record.error)


def unreadable(s: Situation) -> Answer | None:
    """The folder cannot be looked into. What stands goes out all the same; what is unfinished says why, until its time."""
    why, record = s.snapshot.unreadable, s.record
    if why is None or s.over:
        return None
    if record.done or record.state not in UNFINISHED | {State.INVALID, State.HELD, State.SCHEDULED}:
        return as_it_is()
    over = record.time is not None and s.now > record.time + seconds(s.policy.catch_up)
    return give_up(s, why) if over and s.live is None else rest(record.state, why, LOOK_AGAIN)


def gone(s: Situation) -> Answer | None:
    """The folder is not there. Its post stands, or is cancelled, as the config says; a root that is away says nothing."""
    if s.folder is not None or s.over:
        return None
    record, live, draft, gone_for = s.record, s.live, s.draft, _gone_for(s)
    if not s.snapshot.root_present:
        return as_it_is()
    if s.snapshot.quiet < ABSENCE_GRACE <= gone_for and not s.snapshot.clock_known:
        return Answer(LearnTime(), record.state, record.error)
    removable = live is not None and live.stage in _REMOVABLE
    standing = live is not None and live.stage is not GroupStage.WITHDRAWN
    cancels = s.policy.cancel_removed and removable and not (live is not None and live.adopted)
    if standing and draft is None and not cancels:
        if live is not None and live.stage is GroupStage.ENDED:
            return None  # what became of it is shown, whatever was wrong with its folder
        if not removable:
            return as_it_is()
        if gone_for < ABSENCE_GRACE:
            return as_it_is(ABSENCE_GRACE - gone_for)
        return Answer(Rest(), State.SCHEDULED, None, _with(s, REMOVED))
    if gone_for < ABSENCE_GRACE:
        return as_it_is(ABSENCE_GRACE - gone_for)
    if draft is not None:
        return drop_draft(s, draft)
    if live is not None and removable:
        return _removed(s, live)
    if any(group.stage is GroupStage.DOOMED for group in record.groups):
        return as_it_is()  # deleting it did not work yet
    if any(g.stage in (GroupStage.GONE, GroupStage.FOLLOWED) and g.post_group_id for g in record.groups):
        return Answer(Rest(), State.CANCELLED, None, ())
    if s.snapshot.siblings and not record.part:  # the folder is known by its main part
        return Answer(Rest(), State.CANCELLED, None, ())
    return Answer(Forget())


def _gone_for(s: Situation) -> float:
    """Seconds since it was first missed, also by an earlier run of the program."""
    before = (s.now - s.record.missed_at).total_seconds() if s.record.missed_at is not None else 0.0
    return max(s.snapshot.quiet, before)


def _removed(s: Situation, live: Group) -> Answer:
    """The folder of a post that could be taken back is gone for good."""
    record = s.record
    if live.stage is GroupStage.WITHDRAWN and (live.adopted or not s.policy.cancel_removed):
        return rest(record.state, s.not_deleted) if s.not_deleted is not None else _keep(s, live)
    held_back = any(warning.code == CANCEL_MANY.code for warning in record.warnings)
    if held_back or s.snapshot.removed > CANCELS_AT_ONCE:
        return Answer(Rest(), record.state, record.error, _with(s, CANCEL_MANY))
    return drop(s, live)


def _keep(s: Situation, live: Group) -> Answer:
    """A folder that is not there keeps its post. One that is, or may be, a draft for the moment goes back to its time."""
    if live.elsewhere is not None:  # for a moment that somebody chose
        return as_it_is()
    if not s.snapshot.clock_known:
        return Answer(LearnTime(), s.record.state)
    time, slot = live.answered_time or s.record.time, s.record.slot
    if slot is not None and live.stage is GroupStage.WITHDRAWN and not live.updating:  # never late: the next one
        if slot < s.now and s.policy.slots:
            return Answer(TakeSlot(s.now + AHEAD))
        time = slot
    if time is None or s.now > time + timedelta(seconds=s.policy.catch_up):
        return Answer(Doom(live))
    return Answer(Update(live, max(time, s.now), live.asked_time or time), s.record.state, s.record.error)


def _with(s: Situation, warning: Finding) -> tuple[Finding, ...]:
    others = (one for one in s.record.warnings if one.code not in (warning.code, REPLACING.code))
    return (*others, warning)
