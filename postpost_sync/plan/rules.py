"""The rules, in the order in which they are asked: the first that has an answer decides. Read them as the story of a post.

Whatever the folder looks like:

  defective             a defect of ours came between: it is left alone for a while
  outcome_due           its time has come: ask what became of it
  doomed                what is no longer wanted at PostPost, and provably ours, is deleted
  cancelled             a person took it back: what stands is deleted
  update_unanswered     an update-post was not answered: it is made a draft, which settles what it is
  unreadable            the folder cannot be looked into: what is unfinished says so, until its time is over
  gone                  the folder is not there: its post stands, or is cancelled, as the config says
  at_rest               what stands is what the folder asks for: nothing to do but to see what becomes of it
  settling              it changed, and has not been quiet for long enough
  unread                it has settled, and was not read as it is

As it was read:

  stays_cancelled       a person took it back, and it is as it was then
  stays_out             it was published: tidying or editing its folder changes nothing any more
  stays_ended           it failed or was cancelled, and only the config has changed since: it stays so
  wrong                 something in the folder is wrong: a person must change it
  empty                 a file has no length: it is waited for, for a while
  missing               a file that is named is not there: it is waited for until the post's time
  foreign               another installation may be serving it: what it has replaced of ours is deleted, else nothing is done
  clock_unknown         the service's time is learnt first
  read_untimed          it was read before the time was known
  slot_given_back       it no longer asks for the queue: its slot is free
  left                  nothing is asked of this part of the folder any more: what stands of it is taken back
  posted_elsewhere      the folder is out on all its accounts, through other parts
  too_old               it says `now`, and its files are old
  too_late              its time had passed when the folder was complete
  missed                its time went by while it could not be scheduled
  accounts              nothing is made for accounts that are not known
  limits                whether PostPost takes a first comment is asked before one is sent
  deleted_there         it was deleted at PostPost, and a person wants it all the same
  nothing_left          what is still asked for has been served by earlier groups
  compared              what PostPost holds is asked for before anything is made for the folder as it is
  recognise             PostPost may hold its post already: that is found out
  maybe_posted          PostPost holds the same text, and our records do not know it: a person says whose it is
  slot_doubtful         it may be out, and PostPost does not say: a person does
  post_gone             its status file says that its post stood, is out or was taken back, and PostPost holds it no more
  copy_of               it is a copy of another folder, was set aside by a sync program, or may be one that is carried here
  touched               only the bytes tell whether what stands is still this
  went_out              it is out, and is not sent again by itself
  slot_unanswered       its slot is past, and whether it went out is not known
  take_slot             it is queued: it takes the next free slot, or the one after that it missed
  waits_for_slot        the folder's slot is being taken by another part of it
  same_post             it stands as the folder has it, but perhaps for its time
  edit_too_late         it was edited when it was about to go out
  may_lack_media        it looks as if a picture were lacking
  duplicate             another folder has the same post on one of the accounts
  adopted_edited        what it would replace was found at PostPost, and may be another's: unscheduled, and held

One draft at a time:

  fit                   a fitted copy is sent of a file: that is made first
  create                no draft is there: one is made
  search_create         its create was not answered: it is looked for
  other_draft           it is of what the folder asked for before
  scheduled_meanwhile   it is not complete, and PostPost shows it as scheduled: it is made a draft again
  draft_lost            asking for URLs fails again and again: it is read back
  fit_again             the fitted copy that is sent next is not at hand: it is found, or made again
  upload                media are still to be sent, in their order
  verify                whether PostPost holds exactly ours is not proved

A complete draft:

  compared_again        nobody else may have made the same meanwhile
  earlier_draft_left    another draft could not be deleted: nothing is scheduled beside it
  waits_for_part        the post of another part of the folder may stand on one of its accounts
  hands_over            another part gets one of its accounts, and is not ready yet
  swap                  an earlier version stands scheduled: that one is made a draft first
  put_back              the new version was refused: the earlier one goes back
  left_a_draft          no time is asked for
  unscheduled_long_ago  the earlier version is a draft for longer than a moment
  room                  the plan has no room: it waits in the order of the times
  schedule              nothing stands in its way
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from postpost_sync.model.record import Record
from postpost_sync.plan import asked, build, draft, gone, known, parts, schedule, slots
from postpost_sync.plan.answers import Answer, decision
from postpost_sync.plan.situation import Situation
from postpost_sync.plan.snapshot import Snapshot
from postpost_sync.plan.steps import Decision

Rule = Callable[[Situation], Answer | None]

WHATEVER_IT_LOOKS_LIKE: tuple[Rule, ...] = (
    gone.defective,
    gone.outcome_due,
    gone.doomed,
    gone.cancelled,
    gone.update_unanswered,
    gone.unreadable,
    gone.gone,
    asked.at_rest,
    asked.settling,
    asked.unread,
)
AS_IT_WAS_READ: tuple[Rule, ...] = (
    asked.stays_cancelled,
    asked.stays_out,
    asked.stays_ended,
    asked.wrong,
    asked.empty,
    asked.missing,
    known.foreign,
    asked.clock_unknown,
    asked.read_untimed,
    slots.slot_given_back,
    parts.left,
    parts.posted_elsewhere,
    asked.too_old,
    asked.too_late,
    asked.missed,
    asked.accounts,
    asked.limits,
    build.deleted_there,
    build.nothing_left,
    known.compared,
    known.recognise,
    known.maybe_posted,
    slots.slot_doubtful,
    known.post_gone,
    build.copy_of,
    build.touched,
    build.went_out,
    slots.slot_unanswered,
    slots.take_slot,
    parts.waits_for_slot,
    schedule.same_post,
    build.edit_too_late,
    build.may_lack_media,
    build.duplicate,
    known.adopted_edited,
    build.fit,
    build.create,
    build.search_create,
    build.other_draft,
    known.scheduled_meanwhile,
    build.draft_lost,
    build.fit_again,
    build.upload,
    draft.verify,
    known.compared_again,
    schedule.earlier_draft_left,
    parts.waits_for_part,
    parts.hands_over,
    schedule.swap,
    schedule.put_back,
    schedule.left_a_draft,
    schedule.unscheduled_long_ago,
    schedule.room,
    schedule.schedule,
)
RULES = WHATEVER_IT_LOOKS_LIKE + AS_IT_WAS_READ


def plan(snapshot: Snapshot, record: Record, now: datetime) -> Decision:
    """The next step for a folder, and what a person should see. `now` is the service's time as well as we know it."""
    situation = Situation(snapshot, record, now)
    for judged, rules in ((False, WHATEVER_IT_LOOKS_LIKE), (True, AS_IT_WAS_READ)):
        for rule in rules:
            if (answer := rule(situation)) is not None:
                return decision(situation, answer, rule.__name__, judged=judged)
    raise AssertionError("the last rule always has an answer")
