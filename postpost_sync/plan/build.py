"""Rules from a post that is wanted to a draft with all of its media: one draft at a time. Pure.

A create that was not answered is searched for before anything else is made. Media go up in the order of the post.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from postpost_sync.model.errors import Finding, printable
from postpost_sync.model.record import (
    Consent,
    Effect,
    Group,
    GroupStage,
    UploadStage,
    failed_platforms,
    outcome,
    partly_out,
    served,
)
from postpost_sync.model.states import State
from postpost_sync.model.times import for_people
from postpost_sync.plan import others
from postpost_sync.plan.answers import (
    Answer,
    copy_of_one,
    drop,
    drop_draft,
    failed,
    give_up,
    held,
    held_beside,
    rest,
    search,
)
from postpost_sync.plan.codes import DRAFT_GONE
from postpost_sync.plan.draft import READ_BACK_FOR, for_person
from postpost_sync.plan.situation import Situation
from postpost_sync.plan.steps import CheckDraft, Create, Doom, Finish, Follow, Hash, HoldCopy, Rest, Transfer

SIGNS_IN_VAIN = 3  # tries of a transfer after which its draft is read back
REFUSALS = 20  # URLs of one file that the store may refuse before its post is given up


def deleted_there(s: Situation) -> Answer | None:
    """The post was deleted at PostPost, and a person wants it all the same: another is made."""
    if s.live is None or s.out or not s.live.lost or not s.said(Consent.NEW_DRAFT):
        return None
    return Answer(Doom(s.live))


def nothing_left(s: Situation) -> Answer | None:
    """The platforms that are still asked for have all been served by earlier groups."""
    if s.post.platforms:
        return None
    if s.live is not None and s.live.stage not in (GroupStage.ENDED, GroupStage.GOING_OUT):
        return drop(s, s.live)
    if s.draft is not None:
        return drop_draft(s, s.draft)
    own = outcome(s.record, s.live) if s.live is not None and not served(s.record) else State.PUBLISHED
    return Answer(Finish(), own or State.SCHEDULED)


def copy_of(s: Situation) -> Answer | None:
    """It asks for the same at the same time as a folder of which it is a copy, or that may be on its way here.

    Or a sync program set it aside. Whether both are meant a person says.
    """
    if s.record.groups or s.said(Consent.COPY):
        return None
    if (aside := others.set_aside(s)) is not None:
        return held(aside)
    if s.record.copy_of is None:
        return _carried(s)
    if s.record.copied == s.mark:  # whatever became of the other one since
        return held(others.is_copy(s, s.snapshot.twin))
    is_copy, to_hash = others.copy(s)
    if to_hash:
        return Answer(Hash(to_hash))
    return Answer(HoldCopy(s.mark)) if is_copy else None


def _carried(s: Situation) -> Answer | None:
    """It may be another folder that is being carried here, and its status file is not, or not yet: it is one post."""
    original, to_hash = others.carried(s)
    if to_hash:
        return Answer(Hash(to_hash))
    return Answer(HoldCopy(s.mark, original.folder_id)) if original is not None else None


def touched(s: Situation) -> Answer | None:
    """Files were touched, and only their bytes tell whether the post that stands is still this one."""
    to_hash = s.to_hash(s.live) if s.live is not None else ()
    return Answer(Hash(to_hash)) if to_hash else None


def went_out(s: Situation) -> Answer | None:
    """The post is out, or going out: it is not sent again by itself."""
    live, time = s.live, s.time
    if live is None or not s.out:
        return None
    if s.draft is not None:
        return drop_draft(s, s.draft)
    unchanged = not s.unlike(live) and (live.asked_time == time or time is None)
    if _once_more(s, live, unchanged, time):
        return Answer(Follow(live, again=s.said(Consent.AGAIN)))
    if unchanged:
        return Answer(Finish(), outcome(s.record, live) or State.SCHEDULED)
    return too_late_for(s, live)


def _once_more(s: Situation, live: Group, unchanged: bool, time: datetime | None) -> bool:
    """Whether another post is to follow one that has ended: where a person wants what failed, or what was deleted."""
    if live.stage is not GroupStage.ENDED:
        return False
    if live.outcome in (State.FAILED, State.CANCELLED):  # it went out nowhere: an edit is as good a word as any
        to_come = s.desired.next or (time is not None and time > s.now)
        return s.said(Consent.ONCE_MORE) or (not unchanged and to_come)
    if live.outcome is not State.PARTIALLY_PUBLISHED or not s.said(Consent.ONCE_MORE):
        return False
    return bool(failed_platforms(live)) or (s.said(Consent.AGAIN) and bool(partly_out(live)))


def edit_too_late(s: Situation) -> Answer | None:
    """The folder was edited when its post was about to go out, or had gone: it goes out as it was."""
    return too_late_for(s, s.live) if s.live is not None and s.replacing and s.closed(s.live) else None


def too_late_for(s: Situation, live: Group) -> Answer:
    when = for_people(live.answered_time or s.now, s.post.timezone)
    why = f"the change came within 2 minutes of its time or after it; the post goes out as it was ({when})"
    hint = "undo the change, or make a new folder for a new post"
    if live.outcome in (State.FAILED, State.CANCELLED):
        why = f"the post of {when} did not go out, and scheduled_time is not one that is still to come"
        hint = "give a new time, or: postpost-sync retry FOLDER"
    return rest(State.INVALID, Finding("EDIT_TOO_LATE", why, hint))


def may_lack_media(s: Situation) -> Answer | None:
    """It looks as if a picture were lacking: a person says whether it is meant so, before anything is made of it."""
    found = s.stripped or s.desired.held
    if found is None or s.said(Consent.MEDIA) or (s.draft is not None and not s.unlike(s.draft)):
        return None
    return drop(s, s.draft) if s.snapshot.in_flight and s.draft is not None else held_beside(s, found)


def duplicate(s: Situation) -> Answer | None:
    """Another folder has the same post on one of the accounts: the config says whether a person is asked."""
    found, to_hash = others.duplicate(s)
    if to_hash:
        return Answer(Hash(to_hash))
    if found is None or s.policy.duplicates != "hold" or s.live is not None or s.said(Consent.DUPLICATE):
        return None  # with a warning
    return drop(s, s.draft) if s.snapshot.in_flight and s.draft is not None else held(found)


def fit(s: Situation) -> Answer | None:
    """A file is sent as a fitted copy that is not there yet: it is made first, so that it is known what will be sent."""
    return copy_of_one(s, s.post.media) if s.draft is None and s.record.gave_up is None else None


def create(s: Situation) -> Answer | None:
    """No draft is there: one is made, unless an earlier try was given up."""
    if s.draft is not None:
        return None
    if s.record.gave_up is None:
        return Answer(Create(s.post))
    answer = failed(s, s.record.gave_up)
    return Answer(answer.step, answer.state, answer.error, s.desired.warnings)


def search_create(s: Situation) -> Answer | None:
    """The create of the draft was not answered: it is looked for."""
    return search(s.draft) if s.draft is not None and s.draft.stage is GroupStage.CREATING else None


def other_draft(s: Situation) -> Answer | None:
    """The draft is of what the folder asked for before, or was given up: it is deleted."""
    if s.draft is None:
        return None
    if s.record.gave_up is not None or s.unlike(s.draft) or (s.draft.lost and s.said(Consent.NEW_DRAFT)):
        return drop(s, s.draft)
    to_hash = s.to_hash(s.draft)
    return Answer(Hash(to_hash)) if to_hash else None


def draft_lost(s: Situation) -> Answer | None:
    """Asking for an upload URL fails again and again: somebody may have deleted the draft, so it is read back."""
    trouble, draft = s.record.trouble_with(Effect.TRANSFER), s.draft
    if trouble is None or draft is None or trouble.attempts < SIGNS_IN_VAIN or s.snapshot.in_flight:
        return None
    if all(one.stage is UploadStage.STORED for one in draft.uploads):
        return None
    seen = draft.read_back
    if seen is None or seen.at < trouble.since or (not seen.found and seen.at < s.now - timedelta(seconds=2)):
        missed = seen is not None and not seen.found and (seen.at - seen.first_at).total_seconds() >= READ_BACK_FOR
        return for_person(s, draft, DRAFT_GONE) if missed else Answer(CheckDraft(draft))
    return None if seen.found else Answer(Rest(2.0), State.UPLOADING, trouble.finding)


def fit_again(s: Situation) -> Answer | None:
    """The fitted copy that is sent next is not at hand, or was lost: it is found, or made again."""
    assert s.draft is not None  # noqa: S101 - `create` comes before
    unsent = (one for one in s.draft.uploads if one.stage is not UploadStage.STORED)
    first = next((one.position for one in unsent if one.position not in s.snapshot.in_flight), None)
    return copy_of_one(s, s.post.media[first : first + 1]) if first is not None else None


def upload(s: Situation) -> Answer | None:
    """Media are still to be sent, in their order; then all that are under way are waited for."""
    assert s.draft is not None  # noqa: S101 - `create` comes before
    for one in s.draft.uploads:
        if one.stage is UploadStage.STORED or one.position in s.snapshot.in_flight:
            continue
        if one.refused > REFUSALS:
            why = f"the object store refused {printable(one.name)} {REFUSALS + 1} times"
            return give_up(s, Finding("UPLOAD_REFUSED", why, "postpost-sync retry FOLDER tries again"))
        # touched since the draft was made, or under another name, it is the same file
        file = s.post.media[one.position]
        return Answer(Transfer(s.draft, replace(one, name=file.name, stat=file.stat)))
    if s.snapshot.in_flight:
        return Answer(Rest(), State.UPLOADING if s.live is None else State.SCHEDULED)
    return None
