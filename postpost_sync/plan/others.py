"""The folders beside this one that ask, or asked, for the same: whose double, whose copy, and whose later place it is. Pure.

What is here answers questions, as `situation` does. Where it cannot be told, the answer is the files that must be hashed.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from postpost_sync.model.errors import Finding, printable
from postpost_sync.model.record import Group, GroupStage, Record, draft_group, is_out, live_group
from postpost_sync.model.states import State
from postpost_sync.model.times import for_people
from postpost_sync.plan.comparing import compare
from postpost_sync.plan.situation import Situation
from postpost_sync.post.leftovers import conflict_of
from postpost_sync.post.targets import as_held

DUPLICATE_WITHIN = timedelta(days=3)
CARRIED_WITHIN = timedelta(hours=1)
_STANDS = (GroupStage.SCHEDULED, GroupStage.WITHDRAWN)


# --- a double ---------------------------------------------------------------------------------------------------------


def duplicate(s: Situation) -> tuple[Finding | None, tuple[str, ...]]:
    """Another folder's post that is the same, on one of the accounts, at nearly the same time; first come, first served."""
    for other in s.snapshot.alike if s.time is not None and s.policy.duplicates != "allow" else ():
        group = _rival(other, s.record)
        when = (group.answered_time if group is not None else None) or other.time
        if group is None or when is None or s.time is None or abs(when - s.time) > DUPLICATE_WITHIN:
            continue
        shared = [platform for platform in s.post.platforms if platform in group.platforms]
        # the accounts and settings need not be all the same, nor the comment
        as_mine = replace(
            group,
            platforms=s.post.platforms,
            platform_settings=s.post.platform_settings,
            first_comment=s.post.first_comment,
        )
        same = compare(as_mine, s.post, in_this_form=False)
        if not shared or same is None:
            continue
        if same:
            return None, same
        at = for_people(when, s.post.timezone)
        why = f'"{printable(other.path)}" has the same text and media on {shared[0]} at {at}'
        hint = "change it or remove it, unless both are meant"
        if s.policy.duplicates == "hold":
            hint = "change it, remove it, or if both are meant: postpost-sync retry FOLDER"
        return Finding("DUPLICATE_POST", why, hint), ()
    return None, ()


def _rival(other: Record, mine: Record) -> Group | None:
    """The post of another folder that a duplicate would double; where neither stands yet, of the folder that came first."""
    live = live_group(other)
    group = live or draft_group(other)
    if group is None or (live is None and other.key > mine.key) or group.outcome in (State.FAILED, State.CANCELLED):
        return None
    return group


# --- a copy -----------------------------------------------------------------------------------------------------------


def copy(s: Situation) -> tuple[bool, tuple[str, ...]]:
    """Whether this one is the copy of another, and both ask for the same at the same time."""
    original = s.snapshot.twin
    if original is None:
        return False, ()
    waits_too = _both_queue(s, original) and not is_out(live_group(original))  # a slot is never asked for by two
    if not waits_too and not _at_the_same_time(s, original):
        return False, ()
    for group in filter(None, (live_group(original), draft_group(original))):
        # what it would go to, had it been made when the other was
        same = compare(group, as_held(s.post, group.platforms) or s.post)
        if same is not None:
            return not same, same
    return not original.done and s.mark != "" and original.asked == s.mark, ()


def is_copy(s: Situation, original: Record | None) -> Finding:
    """What to say of a copy, and of what may be the other folder, carried."""
    of = f'"{printable(original.path)}"' if original is not None else "a folder that is no longer there"
    why = f"it is a copy of {of}, with the same text, platforms, media and time"
    if original is not None and _was(s, original):
        stands = "has its slot in the queue" if original.slot is not None else "stands for the same time"
        stands = "is out" if is_out(live_group(original)) else stands
        why = f"it has the text of {of}, which lay in the same directory, and {stands}"
    return Finding("COPY_OF", why, "change it, remove it, or if both are meant: postpost-sync retry FOLDER")


def set_aside(s: Situation) -> Finding | None:
    """What to say of a folder whose name, or that of one above it, is one that a sync program gives to a conflict copy."""
    for name in s.record.path.split("/"):
        if originals := conflict_of(name):
            why = f'a sync program set "{printable(name)}" aside, since "{printable(originals[0])}" had changed, too'
            hint = "take over what is right in it and remove it, or give it another name; "
            hint += "to post it besides: postpost-sync retry FOLDER"
            return Finding("COPY_OF", why, hint)
    return None


# --- a later place ----------------------------------------------------------------------------------------------------


def carried(s: Situation) -> tuple[Record | None, tuple[str, ...]]:
    """The folder whose very post this one asks for, where that is no longer whole, or went out now a moment ago.

    Or whose text it has, where that lay in this very directory, and is out or stands for the same time.
    """
    for other in s.snapshot.alike:
        if _was(s, other):
            return other, ()
        also_now = _also_now(s, other)
        group = live_group(other) or (draft_group(other) if also_now else None)
        if also_now and _comes_first(s, other, group):
            return other, ()
        same = None
        if group is not None and (also_now or _may_be_from(s, other, group)):
            same = compare(group, as_held(s.post, group.platforms) or s.post)
        if same is not None:
            return (None, same) if same else (other, ())
    return None, ()


def _also_now(s: Situation, other: Record) -> bool:
    """Whether both ask to go out now, one shortly after the other: what went out so nobody takes back.

    A sync client makes a folder under its new name before it removes the old one.
    """
    if not s.desired.now or other.now_time is None or other.part != s.record.part or s.policy.duplicates == "allow":
        return False
    live = live_group(other)
    if live is not None and live.outcome in (State.FAILED, State.CANCELLED):
        return False
    return not is_out(live) or other.now_time > s.record.first_seen - CARRIED_WITHIN


def _comes_first(s: Situation, other: Record, group: Group | None) -> bool:
    """Whether the other asks for the very same by all that is known of its files, whose bytes were not read yet."""
    if other.asked != s.mark:
        return False
    if group is None:
        return other.key < s.record.key  # nothing is made of either
    return not is_out(group) and any(upload.sha256 is None for upload in group.uploads)


def _may_be_from(s: Situation, other: Record, group: Group) -> bool:
    """Whether the other folder may lie here by now, by all but what is in it."""
    if other.part != s.record.part or not (_at_the_same_time(s, other) or _both_queue(s, other)):
        return False
    left = other.key in s.snapshot.left
    if is_out(group):
        lately = other.missed_at is not None and other.missed_at > s.record.first_seen - CARRIED_WITHIN
        return lately or (left and other.path == s.record.path)
    return group.stage in _STANDS and (left or _is_going(other))


def _was(s: Situation, other: Record) -> bool:
    """Whether this may be the other folder, renamed and edited, whose status file is gone: such numbers are given again.

    What stands for another time is no double, whichever folder it is.
    """
    same_directory = (other.inode, other.device) == (s.record.inode, s.record.device)
    if not same_directory or other.part != s.record.part or not _is_going(other):
        return False
    live, draft = live_group(other), draft_group(other)
    stands = (live is not None and live.stage in _STANDS) or (draft is not None and draft.updating)
    return is_out(live) or (stands and (_at_the_same_time(s, other) or _both_queue(s, other)))


def _is_going(record: Record) -> bool:
    """Whether its folder is gone, or lacks what its sidecar names."""
    return record.missed_at is not None or (record.error is not None and record.error.code == "MEDIA_MISSING")


def _at_the_same_time(s: Situation, other: Record) -> bool:
    """Whether both ask for the same time, or for now."""
    return other.time == s.time or (s.desired.now and other.now_time is not None)


def _both_queue(s: Situation, other: Record) -> bool:
    """Whether this one asks for the next slot, and the other has one."""
    return s.desired.next and other.slot is not None
