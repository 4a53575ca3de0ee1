"""Rules from a complete draft to a scheduled post: alone, in the place of an earlier one, or moved to another time. Pure.

Only a proved draft is scheduled, and never while another post of this folder stands scheduled.
"""

from __future__ import annotations

from datetime import datetime

from postpost_sync.model.errors import Finding
from postpost_sync.model.record import Consent, Effect, Group, GroupStage, TroubleKind
from postpost_sync.model.states import State
from postpost_sync.plan.answers import Answer, drop_draft, held, may_be_taken, rest
from postpost_sync.plan.build import too_late_for
from postpost_sync.plan.codes import OTHER_KEY
from postpost_sync.plan.draft import proved, unproved
from postpost_sync.plan.room import waits_for_room
from postpost_sync.plan.situation import Situation
from postpost_sync.plan.steps import CheckDraft, Doom, Finish, PutBack, Update, Withdraw

FRESH = 60.0  # seconds after which a draft is read back once more: somebody may have put media into it meanwhile


def same_post(s: Situation) -> Answer | None:
    """The post stands as the folder has it, but perhaps for its time."""
    live, time = s.live, s.time
    if live is None or s.replacing:
        return None
    if s.draft is not None:
        return drop_draft(s, s.draft)
    if live.stage is GroupStage.SCHEDULED:
        return _another_time(s, live, time)
    left_a_draft = live.elsewhere is not None and live.asked_time == time and not s.said(Consent.ELSEWHERE)
    if not live.updating and (time is None or left_a_draft):
        return Answer(Finish(), State.DRAFTED)  # where somebody unscheduled it, it stays so
    if s.not_deleted is not None:
        return rest(State.SCHEDULED, s.not_deleted)
    if not live.updating and time is not None and (waits := waits_for_room(s, time)) is not None:
        return waits
    return _as_it_was(s, live, _update(s, live, time))


def _another_time(s: Situation, live: Group, time: datetime | None) -> Answer:
    """It stands scheduled: for the time that is asked for, or for one that is to be changed."""
    if live.asked_time == time:
        return Answer(Finish(), State.SCHEDULED)
    if s.closed(live):
        return too_late_for(s, live)
    refused, earlier = s.record.trouble_with(Effect.UPDATE), live.answered_time or s.now
    if refused is not None and refused.finding.code == "SCHEDULE_HORIZON_REACHED" and time and time > earlier:
        return Answer(Withdraw(live, None, None), State.SCHEDULED, refused.finding)
    return _update(s, live, time)


def earlier_draft_left(s: Situation) -> Answer | None:
    """Another draft is still to be deleted, and that does not work: nothing is scheduled beside it."""
    if s.time is None or s.not_deleted is None:
        return None
    if s.live is None and s.not_deleted.code == OTHER_KEY.code:
        return held(s.not_deleted)
    state = State.SCHEDULED if s.live is not None else State.UPLOADING if s.post.media else State.DRAFTING
    return rest(state, s.not_deleted)


def swap(s: Situation) -> Answer | None:
    """The new version is ready, and the earlier one stands scheduled: that one is made a draft first."""
    draft, live = s.draft, s.live
    if draft is None or live is None or live.stage is not GroupStage.SCHEDULED:
        return None
    return _as_it_was(s, draft, Answer(Update(live, None, None), State.SCHEDULED))


def put_back(s: Situation) -> Answer | None:
    """The new version was refused in the earlier one's place, which is a draft for the moment: that one goes back."""
    draft, live = s.draft, s.live
    if draft is None or live is None or (refused := _refused_in_its_place(s)) is None:
        return None
    earlier = (s.time if s.desired.next else live.answered_time) or s.time or s.now
    if refused.code == "SCHEDULE_HORIZON_REACHED" and s.time is not None and s.time > earlier:
        return Answer(Doom(live))  # at its old time it must not go out; the new one waits until it may
    if draft.updating:  # an earlier try, which was not answered, may have scheduled it
        return Answer(Withdraw(draft, None, None), State.SCHEDULED)
    return Answer(PutBack(live, max(earlier, s.now), earlier, refused), State.SCHEDULED)


def left_a_draft(s: Situation) -> Answer | None:
    """No time is asked for: the complete draft is what is wanted."""
    draft = s.draft
    if draft is None or s.time is not None:
        return None
    if s.live is not None:
        return Answer(Doom(s.live))
    return Answer(Update(draft, None, None)) if draft.updating else Answer(Finish(), State.DRAFTED)


def unscheduled_long_ago(s: Situation) -> Answer | None:
    """The earlier version is a draft for longer than a moment: somebody may have scheduled it; it is made one again."""
    live = s.live
    if live is None or live.stage is not GroupStage.WITHDRAWN or _just_withdrawn(s, live):
        return None
    return Answer(Update(live, None, None), State.SCHEDULED)


def room(s: Situation) -> Answer | None:
    """The plan has no room: the posts of an account wait in the order of their times, and the first alone is tried."""
    if s.time is None or s.draft is None or s.live is not None or s.draft.updating:
        return None
    return waits_for_room(s, s.time)


def schedule(s: Situation) -> Answer | None:
    """All is proved, and nothing stands in its way."""
    assert s.draft is not None  # noqa: S101 - `create` comes before
    return _as_it_was(s, s.draft, _update(s, s.draft, s.time))


def _update(s: Situation, group: Group, time: datetime | None) -> Answer:
    """The group scheduled for that time, or made a draft."""
    return Answer(Update(group, None if time is None else max(time, s.now), time))


def _as_it_was(s: Situation, draft: Group, update: Answer) -> Answer:
    """The update, unless the draft has lain for a while: then its media are compared once more before."""
    if not may_be_taken(s, update.step):
        return update
    seen = draft.read_back
    if (s.now - (seen.at if seen is not None else draft.intent_at)).total_seconds() > FRESH:
        return Answer(CheckDraft(draft), update.state, update.error)
    if seen is not None and not proved(draft):
        return unproved(s, draft)
    return update


def _just_withdrawn(s: Situation, live: Group) -> bool:
    """Whether it is a draft since just now. Else somebody may have scheduled it meanwhile, or we in putting it back."""
    return live.placed_at is not None and not live.updating and (s.now - live.placed_at).total_seconds() <= FRESH


def _refused_in_its_place(s: Situation) -> Finding | None:
    """Why the new version could not be scheduled in the place of the earlier one, which is a draft for the moment."""
    if s.record.trouble_with(Effect.PUT_BACK) is not None:  # on its way back, and that did not work at once
        why = "PostPost refused the new version"
        return Finding("SCHEDULE_REFUSED", why, "change the post, or: postpost-sync retry FOLDER")
    trouble = s.record.trouble_with(Effect.UPDATE)
    return trouble.finding if trouble is not None and trouble.kind is not TroubleKind.RETRY else None
