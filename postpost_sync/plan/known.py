"""Rules that compare what is wanted with what PostPost holds already, whoever made it. Pure.

Our records may be older than what we did: a database that was put back, or lost, or another installation's. What PostPost
holds and they do not know is taken over where that is proved, and held for a person where it is not.
"""

from __future__ import annotations

import math

from postpost_sync.model.errors import Finding
from postpost_sync.model.record import Claim, Consent, GroupStage, UploadStage
from postpost_sync.model.slots import moments
from postpost_sync.model.states import State
from postpost_sync.model.times import for_people
from postpost_sync.plan.answers import Answer, drop, held, held_beside
from postpost_sync.plan.build import too_late_for
from postpost_sync.plan.situation import Situation, seconds
from postpost_sync.plan.snapshot import Stranger
from postpost_sync.plan.steps import Compare, HoldFor, LookFor, Recognise, Update, Withdraw

LOOK_AGAIN = 3600.0  # seconds
LOOK_SOON = 15.0  # seconds, where two posts of one folder may stand: at its status file, which costs no call


def foreign(s: Situation) -> Answer | None:
    """Another installation wrote the folder's status file, and may be serving it."""
    if s.record.claim is None or not s.record.claim.foreign:
        return None
    why = "its status file was written by another installation of postpost-sync, which may be serving it"
    gives_way = Finding("OTHER_DAEMON", why, "if that one is gone: postpost-sync adopt FOLDER")
    live = s.live
    if live is None or live.stage is not GroupStage.SCHEDULED or live.adopted or not s.replacing or s.closed(live):
        return held(gives_way)
    if _has_replaced(s, s.record.claim):
        return drop(s, live)
    # both saw the folder before either had heard of the other, and it was edited: two posts may stand
    again = _compare(s, min(s.snapshot.quiet, LOOK_AGAIN)) if s.snapshot.clock_known else None
    return again or held_beside(s, gives_way, LOOK_SOON)


def _has_replaced(s: Situation, claim: Claim) -> bool:
    """Whether PostPost shows that the other one's post is what the folder asks for now."""
    asked = set(s.post.platforms), "scheduled"
    return any(
        one.post_group_id == claim.post_group_id and (set(one.platforms), one.status) == asked for one in s.strangers
    )


def compared(s: Situation) -> Answer | None:
    """What PostPost holds is asked for before anything is made for the folder as it is."""
    if s.out or s.draft is not None or (s.live is not None and not s.replacing):
        return None
    return _compare(s, s.snapshot.quiet)


def compared_again(s: Situation) -> Answer | None:
    """Before it is scheduled: another installation may have made the same meanwhile."""
    if s.time is None or s.draft is None or s.draft.updating:
        return None
    return _compare(s, (s.now - s.draft.intent_at).total_seconds()) or maybe_posted(s)


def _compare(s: Situation, within: float) -> Answer | None:
    """What PostPost holds is asked for, unless that was within so many seconds; and what the folder is held for."""
    if s.said(Consent.MAYBE):
        return None
    if s.snapshot.list_age >= max(within, 0.001):
        return Answer(Compare(s.now - seconds(within)))
    return Answer(LookFor(s.snapshot.unlisted)) if s.snapshot.unlisted else None


def recognise(s: Situation) -> Answer | None:
    """PostPost may hold its post already: by the word of its status file, or by the looks of one that shows all it is."""
    record, claim = s.record, s.record.claim
    if s.said(Consent.DIFFERS) or s.said(Consent.MAYBE):
        return None
    if s.said(Consent.OURS) and (named := _said_to_be_ours(s)) is not None:
        return Answer(Recognise(s.post, s.time, named, said=True))
    if claim is None:
        looks = _only_one(s) if not record.groups and record.copy_of is None else None
        if looks is None and (s.strangers or record.groups or not record.unproven):
            return None
        return Answer(Recognise(s.post, s.time, looks))
    if claim.lost:  # it is not there, and was asked for
        return None
    if claim.doubtful:
        why = f"the status file names the post {claim.post_group_id}, and whether its media are the folder's cannot be told"
        hint = "look at it at PostPost; if it is as the folder is: postpost-sync adopt FOLDER; "
        hint += "to post this one all the same: postpost-sync retry FOLDER"
        return held_beside(s, Finding("MAYBE_POSTED", why, hint))
    if not claim.differs:
        return Answer(Recognise(s.post, s.time))
    why = f"the status file names the post {claim.post_group_id}, and PostPost holds something else under it"
    hint = "delete that post at PostPost if it is this folder's, then: postpost-sync retry FOLDER"
    return held_beside(s, Finding("EARLIER_POST_DIFFERS", why, hint))


def _said_to_be_ours(s: Situation) -> str | None:
    """The post that a person means by saying that it is the folder's: the one that there is, on its accounts."""
    if s.record.claim is not None and s.record.claim.doubtful:
        return s.record.claim.post_group_id
    if s.record.claim is not None or len(s.strangers) != 1:
        return None
    (one,) = s.strangers
    like = set(one.platforms) == set(s.post.platforms) and one.media in (None, len(s.post.media))
    return one.post_group_id if like or not one.same_text else None


def _only_one(s: Situation) -> str | None:
    """The post that is all that is asked for, as far as PostPost shows it: a text alone, and its very time."""
    if (s.time is None and not s.desired.next) or s.post.media or s.post.platform_settings or len(s.strangers) != 1:
        return None
    (one,) = s.strangers
    same = one.status == "scheduled" and _at_its_time(s, one) and set(one.platforms) == set(s.post.platforms)
    return one.post_group_id if same and one.same_text and not one.media else None


def _at_its_time(s: Situation, one: Stranger) -> bool:
    """Whether it stands for the folder's time; for any slot of its root, where it is queued and has none."""
    if s.time is not None or one.time is None:
        return one.time == s.time
    return next(moments(s.policy.slots, s.policy.timezone, one.time), None) == one.time


def maybe_posted(s: Situation) -> Answer | None:
    """PostPost holds the same text, or perhaps an earlier one, and our records do not know it: a person says whose it is."""
    if not s.strangers or s.said(Consent.MAYBE) or s.out:
        return None
    if s.draft is None and s.live is not None and not s.replacing:
        return None
    ids = {one.post_group_id for one in s.strangers}
    if not ids <= set(s.record.maybe):
        return Answer(HoldFor(tuple(sorted(ids | set(s.record.maybe)))))
    one, *others = sorted(s.strangers, key=lambda stranger: (stranger.status == "draft", stranger.post_group_id))
    more = f", and {len(others)} more" if others else ""
    why = f"PostPost holds a post that may be this one and is not known here: {_described(s, one)}{more}"
    if s.said(Consent.OURS):
        why += "; it cannot be taken over, since there is more than one, or its accounts or media are not the folder's"
    hint = "look at it there, and delete what is not wanted; if it is this folder's: postpost-sync adopt FOLDER; "
    hint += "to post this one all the same: postpost-sync retry FOLDER"
    return held_beside(s, Finding("MAYBE_POSTED", why, hint), LOOK_AGAIN if s.live is None else LOOK_SOON)


def _described(s: Situation, one: Stranger) -> str:
    when = f" for {for_people(one.time, s.post.timezone)}" if one.time is not None else ""
    text = "" if one.same_text else ", with another text"
    return f"{one.post_group_id} ({one.status}{when}) on {', '.join(one.platforms)}{text}"


def post_gone(s: Situation) -> Answer | None:
    """Its status file says that its post stood, is out or was taken back, and PostPost holds it no more: a person says."""
    claim = s.record.claim
    if claim is None or not claim.lost or s.record.groups:
        return None
    if s.said(Consent.DIFFERS) or s.said(Consent.ONCE_MORE):
        return None
    which = f"the post {claim.post_group_id}" if claim.post_group_id is not None else "it"
    why = f"its status file says that {which} was {claim.state.replace('_', ' ')}, and PostPost holds no such post"
    return held(Finding("POST_GONE", why, "to post it, once more perhaps: postpost-sync retry FOLDER"))


def adopted_edited(s: Situation) -> Answer | None:
    """What the folder's new version would replace was found at PostPost, and may be another's: it is not deleted."""
    live = s.live
    if live is None or not live.adopted or s.out or not s.replacing or s.said(Consent.ADOPTED):
        return None
    if live.stage is GroupStage.SCHEDULED:
        return too_late_for(s, live) if s.closed(live) else Answer(Withdraw(live, None, None), State.SCHEDULED)
    why = f"the post {live.post_group_id} was found at PostPost and is a draft now, since the folder was changed"
    hint = "undo the change, or to delete that post and schedule the folder as it is: postpost-sync retry FOLDER"
    return held_beside(s, Finding("ADOPTED_POST", why, hint))


def scheduled_meanwhile(s: Situation) -> Answer | None:
    """The draft is not complete, and PostPost shows it as scheduled: nothing is attached to it before it is a draft again."""
    draft = s.draft
    if draft is None or draft.post_group_id is None or all(u.stage is UploadStage.STORED for u in draft.uploads):
        return None
    if s.snapshot.list_age == math.inf:  # since the start, or since the clock was set
        return _compare(s, (s.now - draft.intent_at).total_seconds())
    shown = s.snapshot.shown.get(draft.post_group_id)
    if shown is None or shown.status == "draft" or shown.at <= max(draft.intent_at, draft.placed_at or draft.intent_at):
        return None
    return Answer(Update(draft, None, None))
