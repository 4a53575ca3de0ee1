"""What a person's `retry` says yes to: what they were shown, and nothing else. Pure.

A rule that holds a post for a person asks for one consent. It is given for the folder as it is: an edit takes it back.
"""

from __future__ import annotations

from collections.abc import Mapping

from postpost_sync.model.record import Consent, GroupStage, Record, draft_group, live_group
from postpost_sync.model.states import State

_ASKED_FOR: Mapping[str, Consent] = {  # the code of what is shown -> what a yes to it means
    "CONFIRM_NOW": Consent.OLD,
    "MISSED": Consent.LATE,
    "HELD_PAST_TIME": Consent.LATE,
    "UNKNOWN_CONNECTION": Consent.ACCOUNT,
    "COPY_OF": Consent.COPY,
    "ORIGINAL_MISSING": Consent.MEDIA,
    "MEDIA_IN_SUBFOLDER": Consent.MEDIA,
    "MEDIA_IGNORED": Consent.MEDIA,
    "DUPLICATE_POST": Consent.DUPLICATE,
    "MAYBE_POSTED": Consent.MAYBE,
    "ADOPTED_POST": Consent.ADOPTED,
    "EARLIER_POST_DIFFERS": Consent.DIFFERS,
    "POST_GONE": Consent.DIFFERS,
    "DRAFT_GONE": Consent.NEW_DRAFT,
    "MEDIA_ADDED_ELSEWHERE": Consent.NEW_DRAFT,
    "OTHER_KEY": Consent.NEW_DRAFT,
    "MAYBE_PUBLISHED": Consent.ONCE_MORE,
    "CHANGED_AT_POSTPOST": Consent.ELSEWHERE,
}
_IN_VAIN = (State.FAILED, State.PARTIALLY_PUBLISHED, State.CANCELLED)


def consents(record: Record, *, again: bool = False) -> tuple[Consent, ...]:
    """What a person who sees the record as it is says yes to, and said yes to before."""
    shown = [record.error, *record.warnings]
    found = {*record.consents, *(_ASKED_FOR[one.code] for one in shown if one is not None and one.code in _ASKED_FOR)}
    live, draft = live_group(record), draft_group(record)
    if record.state in (State.FAILED, State.HELD):  # the time is shown beside it
        found.add(Consent.LATE)
    if live is not None and live.stage is GroupStage.ENDED and (live.outcome in _IN_VAIN or record.state in _IN_VAIN):
        found |= {Consent.ONCE_MORE, Consent.LATE, *([Consent.AGAIN] if again else [])}
    if any(group is not None and group.lost for group in (live, draft)):
        found.add(Consent.NEW_DRAFT)
    if live is not None and live.elsewhere is not None:
        found.add(Consent.ELSEWHERE)
    return tuple(sorted(found))
