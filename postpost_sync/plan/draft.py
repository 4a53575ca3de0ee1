"""Rules for a draft whose media are all sent: whether PostPost holds exactly ours under it. Pure."""

from __future__ import annotations

from datetime import timedelta

from postpost_sync.model.errors import Finding
from postpost_sync.model.record import Consent, Group
from postpost_sync.model.states import State
from postpost_sync.plan.answers import Answer, drop, give_up, held
from postpost_sync.plan.codes import DRAFT_GONE
from postpost_sync.plan.line import in_line
from postpost_sync.plan.situation import Situation
from postpost_sync.plan.steps import Abandon, CheckDraft, Rest

READ_BACK_FOR = 60.0  # seconds for which a listing may lag behind
REBUILDS = 3


def proved(draft: Group) -> bool:
    """Whether the draft was read back since its media were sent, and holds exactly them. Text alone needs no look."""
    seen, ours = draft.read_back, len(draft.uploads)
    if seen is None:
        return not ours
    if not seen.found:
        return False
    if seen.media is None:  # what is not listed is known from our own records alone
        return _ghosts(draft) <= 0
    return seen.media == ours and not seen.strangers and not _lacking(draft)


def verify(s: Situation) -> Answer | None:
    """Its media are not proved to be exactly ours: it is read back, waited for, built anew, or held for a person."""
    draft = s.draft
    assert draft is not None  # noqa: S101 - `create` comes before
    return None if proved(draft) else unproved(s, draft)


def unproved(s: Situation, draft: Group) -> Answer:
    """What to do about a draft that is not proved."""
    seen, ours = draft.read_back, len(draft.uploads)
    if seen is None:
        return Answer(CheckDraft(draft))
    lacking = _lacking(draft)
    if not seen.found or lacking:
        waited = _waited(draft)
        if waited < READ_BACK_FOR:
            again = seen.at + timedelta(seconds=max(2.0, min(waited, 15.0)))
            left = (again - s.now).total_seconds()
            if left <= 0:
                return Answer(CheckDraft(draft))
            waiting = State.HELD if in_line(s.record) else State.UPLOADING if s.live is None else State.SCHEDULED
            return Answer(Rest(left), waiting, s.record.error if in_line(s.record) else None)
        if not seen.found:
            return for_person(s, draft, DRAFT_GONE)
    if seen.strangers or (seen.media or 0) - ours > _ghosts(draft):
        why = f"the draft holds {seen.media} media, the folder {ours}: somebody added some at PostPost"
        hint = "schedule it there, or: postpost-sync retry FOLDER makes a new draft"
        return for_person(s, draft, Finding("MEDIA_ADDED_ELSEWHERE", why, hint))
    if s.record.rebuilds >= REBUILDS:
        why = f"its media could not be sent within the life of their upload URLs, {REBUILDS + 1} times over"
        hint = "try a faster connection or smaller files, then: postpost-sync retry FOLDER"
        return give_up(s, Finding("UPLOAD_TOO_SLOW", why, hint))
    return drop(s, draft, rebuild=True)


def for_person(s: Situation, draft: Group, why: Finding) -> Answer:
    """In doubt about a draft: hold. A person's `retry` means a new draft; the old one stays where it may be theirs."""
    return Answer(Abandon(draft)) if s.said(Consent.NEW_DRAFT) else held(why)


def _ghosts(draft: Group) -> int:
    """How many media records may be there because of us that never got their bytes."""
    return draft.records_possible - len(draft.uploads)


def _lacking(draft: Group) -> bool:
    """Whether the list does not show all of our files yet."""
    seen, ours = draft.read_back, len(draft.uploads)
    if seen is None or seen.media is None:
        return False
    if seen.ours is not None:
        return seen.ours < ours
    # by number alone a record without bytes may stand in for a file that is not listed yet
    return seen.media < ours or (seen.media == ours and _ghosts(draft) > 0 and _waited(draft) < READ_BACK_FOR)


def _waited(draft: Group) -> float:
    """Seconds between the first and the last look at it."""
    seen = draft.read_back
    return (seen.at - seen.first_at).total_seconds() if seen is not None else 0.0
