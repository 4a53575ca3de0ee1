"""Findings and codes of the rules that others go by too: values alone, so that who only tells of a post imports no rules."""

from __future__ import annotations

from postpost_sync.model.errors import Finding

TOO_MANY_PENDING = "SCHEDULED_POST_LIMIT_REACHED"  # the limit of a plan for which a later post can hold the room
IN_LINE = frozenset(  # limits for which the posts of an account wait in the order of their times
    {"SCHEDULE_HORIZON_REACHED", TOO_MANY_PENDING, "POST_LIMIT_REACHED", "CONNECTIONS_OVER_LIMIT"}
)
HELD_LONG = "HELD_TOO_LONG"
WAITS_FOR_PERSON = "WAITS_LONG"  # warning of a post that is settling: what it waits for may never come by itself
DRAFT_GONE = Finding(
    "DRAFT_GONE",
    "the draft is no longer at PostPost; perhaps it was deleted in the dashboard",
    "postpost-sync retry FOLDER makes a new one",
)
OTHER_KEY = Finding(
    "OTHER_KEY",
    "PostPost does not know the post by this API key; it was made with another one, and may stand all the same",
    "use that key again; or if the post is gone: postpost-sync retry FOLDER makes a new one",
)
