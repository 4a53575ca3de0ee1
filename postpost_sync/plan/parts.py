"""Rules for the parts of a folder, to one another: no account is ever in two of them, whatever moves where. Pure.

A part decides for itself, and is told how the others stand. What is out on an account through one of them is left out of
all others (`Situation.post`). While the post of one may stand on an account, no other is scheduled there: the one that
wants it builds its draft and waits; the one that gives it away waits for that draft, so that what stood goes on standing
until what follows is ready. `answers` keeps every update-post back that would break this, whichever rule asks for it.
"""

from __future__ import annotations

from postpost_sync.model.errors import Finding
from postpost_sync.model.record import Consent, Group, GroupStage, Record, outcome, served
from postpost_sync.model.states import NEEDS_PERSON, State
from postpost_sync.plan.answers import REPLACING, Answer, drop, drop_draft, held, held_beside, rest
from postpost_sync.plan.situation import WAITS_FOR_PART, Situation, part_name, waits_for
from postpost_sync.plan.steps import Finish, Follow, Forget, Recognise, Rest, Update

_STANDS = (GroupStage.SCHEDULED, GroupStage.WITHDRAWN)


def left(s: Situation) -> Answer | None:
    """Nothing is asked of this part any more: what stands of it is taken back, once what follows it is ready."""
    if not s.desired.left:
        return None
    record, live = s.record, s.live
    claim = record.claim
    if claim is not None and claim.post_group_id is not None and not (claim.lost or s.said(Consent.DIFFERS)):
        if not (claim.differs or claim.doubtful):
            return Answer(Recognise(None, None))
        why = f"the status file names the post {claim.post_group_id} of {part_name(record.part)}, which the sidecar no longer"
        why += " asks for; that it is the folder's own is not proved, so it stays at PostPost as it is"
        hint = "delete it there if it is not wanted; then, or to leave it as it is: postpost-sync retry FOLDER"
        return held(Finding("EARLIER_POST_DIFFERS", why, hint))
    if s.draft is not None:
        return drop_draft(s, s.draft)
    if live is not None and live.stage in _STANDS:
        return _taken_back(s, live)
    if s.not_deleted is not None or any(group.stage is GroupStage.DOOMED for group in record.groups):
        return rest(record.state, s.not_deleted)
    if live is not None and live.outcome in (State.FAILED, State.CANCELLED):  # it is out nowhere: others may serve it
        return Answer(Follow(live))
    if live is not None:
        return Answer(Finish(), outcome(record, live) or State.SCHEDULED, record.error)
    if record.part and not served(record):
        return Answer(Forget())
    return Answer(Finish(), State.PUBLISHED if served(record) else State.CANCELLED, None, ())


def posted_elsewhere(s: Situation) -> Answer | None:
    """The folder is out through other parts on all accounts of this one: nothing more is posted there."""
    if s.desired.post is None or s.out or not s.out_elsewhere or not s.out_elsewhere >= {*s.whole.platforms}:
        return None
    if s.live is not None:
        return drop(s, s.live)
    return drop_draft(s, s.draft) if s.draft is not None else Answer(Finish(), State.CANCELLED)


def _taken_back(s: Situation, live: Group) -> Answer:
    if s.closed(live):
        why = "the change came within 2 minutes of its time or after it; the post goes out as it was"
        return rest(
            State.INVALID, Finding("EDIT_TOO_LATE", why, "undo the change, or make a new folder for a new post")
        )
    if live.adopted and not s.said(Consent.ADOPTED):
        if live.stage is GroupStage.SCHEDULED:
            return Answer(Update(live, None, None), State.SCHEDULED)
        why = f"the post {live.post_group_id} was found at PostPost and is a draft now, since its part is no more"
        return held(Finding("ADOPTED_POST", why, "undo the change, or to delete that post: postpost-sync retry FOLDER"))
    return handed_over(s, live) or drop(s, live)


def hands_over(s: Situation) -> Answer | None:
    """The new version is ready, and gives an account to another part, which is on its way: that one is waited for."""
    live = s.live
    if s.draft is None or live is None or live.stage is not GroupStage.SCHEDULED:
        return None
    return handed_over(s, live)


def handed_over(s: Situation, live: Group) -> Answer | None:
    """Wait for the parts that are to have an account of this post, unless they are ready, or in trouble of their own."""
    records = {other.part: other for other in s.snapshot.siblings}
    for name, accounts in (s.desired.parts or {}).items():
        if name == s.record.part or not {*accounts} & {*live.platforms} - s.out_elsewhere:
            continue
        if (other := records.get(name)) is None or _on_its_way(s, other):
            return Answer(Rest(), State.SCHEDULED, None, (REPLACING,))
    return None


def _on_its_way(s: Situation, other: Record) -> bool:
    if other.fingerprint != s.record.fingerprint:  # it was not read as the folder is now
        return True
    return not other.done and other.error is None and other.state is not State.CANCELLED


def waits_for_part(s: Situation) -> Answer | None:
    """It is ready, and the post of another part may stand on one of its accounts: that one lets go of it first."""
    draft, live = s.draft, s.live
    if s.time is None or draft is None or (other := s.holder(draft.platforms)) is None:
        return None
    each_other = other.error is not None and other.error.code == WAITS_FOR_PART and s.record.key < other.key
    if each_other and live is not None and live.stage in _STANDS and not s.closed(live) and not live.adopted:
        return drop(s, live)  # one of them has to begin
    if other.state in NEEDS_PERSON:
        return held_beside(s, waits_for(other, draft.platforms))
    state = State.SCHEDULED if live is not None else State.UPLOADING if s.post.media else State.DRAFTING
    return rest(state, waits_for(other, draft.platforms))


def waits_for_slot(s: Situation) -> Answer | None:
    """The folder's slot is its own, too, and is taken by another part in this moment."""
    if not s.desired.next or s.time is not None or s.shared is None or s.live is not None:
        return None
    return rest(State.DRAFTING)
