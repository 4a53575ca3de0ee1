"""Of `plan`: a verified draft scheduled, an earlier post replaced or moved, and the line of posts for which the plan has no room.

5. Only a verified draft is scheduled, and never while another post of this folder stands scheduled.
6. Where the plan has no room, an account's posts wait in the order of their times, and the first of them alone is tried.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from postpost_sync.model.errors import Finding
from postpost_sync.model.post import Post
from postpost_sync.model.record import Group, GroupStage, TroubleKind, outcome
from postpost_sync.model.states import State
from postpost_sync.model.times import for_people
from postpost_sync.plan.draft import Drafting
from postpost_sync.plan.situation import HELD_LONG, IN_LINE
from postpost_sync.plan.steps import CheckDraft, Decision, Delete, Doom, Follow, PutBack, Update, Withdraw

# seconds before its time within which a post is no longer changed: the scheduler ticks once a minute
EDIT_CLOSES = 120.0
FRESH = 60.0  # seconds after which a draft is read back once more: somebody may have put media into it meanwhile
HELD_WARN = 86400.0  # seconds before its time from which a post that is still held says so
AFTER_THE_FIRST = 5.0  # seconds after the next try of the first in line at which the others look again


class Scheduling(Drafting):
    """Rules 5 and 6."""

    def _schedule(self, draft: Group, post: Post, time: datetime | None, warnings: tuple[Finding, ...]) -> Decision:
        live = self.live
        if draft.uploads and draft.read_back is not None and draft.read_back.media is None:
            warnings = (
                *warnings,
                Finding("MEDIA_NOT_LISTED", "PostPost does not list the draft's media; our uploads were all confirmed"),
            )
        state = State.SCHEDULED if live is not None else State.UPLOADING if draft.uploads else State.DRAFTING
        if time is not None and (first := self._not_deleted_yet(state, warnings, post, time)) is not None:
            return first
        if live is not None and live.stage is GroupStage.SCHEDULED:
            withdraw = self._call(Update(live, None, None), State.SCHEDULED, None, warnings, post, time)
            return self._as_it_was(draft, withdraw, post, time, warnings)
        if live is not None and (refused := self._refused_in_its_place()) is not None:
            earlier = live.answered_time or time or self.now
            if refused.code == "SCHEDULE_HORIZON_REACHED" and time is not None and time > earlier:
                return self._as_is(Doom(live))  # at its old time it must not go out; the new one waits until it may
            if draft.updating:  # an earlier try, which was not answered, may have scheduled it
                return self._call(Withdraw(draft, None, None), State.SCHEDULED, None, warnings, post, time)
            return self._call(
                PutBack(live, max(earlier, self.now), earlier, refused), State.SCHEDULED, None, warnings, post, time
            )
        if time is None:
            if live is not None:
                return self._as_is(Doom(live))
            if draft.updating:
                return self._call(Update(draft, None, None), State.DRAFTED, None, warnings, post, None)
            return self._finish(State.DRAFTED, warnings, post, None)
        if live is not None and live.stage is GroupStage.WITHDRAWN and not self._just_withdrawn(live):
            return self._call(Update(live, None, None), State.SCHEDULED, None, warnings, post, time)
        if live is None and not draft.updating and (waits := self._waits_for_room(post, time, warnings)) is not None:
            return waits
        update = self._update(draft, state, post, time, warnings, in_line=self._in_line())
        return self._as_it_was(draft, update, post, time, warnings)

    def _update(
        self,
        group: Group,
        state: State,
        post: Post,
        time: datetime | None,
        warnings: tuple[Finding, ...],
        *,
        in_line: bool,
    ) -> Decision:
        """The group scheduled for `time`, or made a draft. One that is in line goes on being shown so until that is done."""
        send = None if time is None else max(time, self.now)
        state, error = (State.HELD, self.record.error) if in_line else (state, None)
        update = self._call(Update(group, send, time), state, error, warnings, post, time)
        return replace(update, error=error) if error is not None and isinstance(update.step, Update) else update

    def _just_withdrawn(self, live: Group) -> bool:
        """Whether it is a draft since just now. Else somebody may have scheduled it meanwhile, or we in putting it back."""
        return live.placed_at is not None and not live.updating and (self.now - live.placed_at).total_seconds() <= FRESH

    def _not_deleted_yet(
        self,
        state: State,
        warnings: tuple[Finding, ...],
        post: Post | None = None,
        time: datetime | None = None,
    ) -> Decision | None:
        """Whether another draft has still to be deleted: it may have been scheduled, by somebody or by a lost update-post."""
        trouble = self.record.trouble_with(Delete.__name__)
        if trouble is None or all(group.stage is not GroupStage.DOOMED for group in self.record.groups):
            return None
        return self._rest(state, trouble.finding, warnings, post=post, time=time)

    def _same_post(self, live: Group, post: Post, time: datetime | None, warnings: tuple[Finding, ...]) -> Decision:
        """The post stands as the folder has it, but for its time."""
        if self.draft is not None:
            return self._drop_draft(self.draft, warnings, post)
        if live.elsewhere is not None:
            warnings = (*warnings, live.elsewhere)
        if live.stage is GroupStage.SCHEDULED:
            if live.asked_time == time:
                return self._finish(State.SCHEDULED, warnings, post, time)
            if self._closed(live):
                return self._too_late(live, post, warnings)
            refused = self.record.trouble_with(Update.__name__)
            earlier = live.answered_time or self.now
            if refused is not None and refused.finding.code == "SCHEDULE_HORIZON_REACHED" and time and time > earlier:
                return self._call(Withdraw(live, None, None), State.SCHEDULED, refused.finding, warnings, post, time)
        elif not live.updating and (
            time is None or (live.elsewhere is not None and live.asked_time == time and not self.record.confirmed)
        ):
            return self._finish(State.DRAFTED, warnings, post, time)  # where somebody unscheduled it, it stays so
        elif (first := self._not_deleted_yet(State.SCHEDULED, warnings, post, time)) is not None:
            return first
        elif (
            not live.updating and time is not None and (waits := self._waits_for_room(post, time, warnings)) is not None
        ):
            return waits
        withdrawn = live.stage is GroupStage.WITHDRAWN
        update = self._update(live, State.SCHEDULED, post, time, warnings, in_line=withdrawn and self._in_line())
        return self._as_it_was(live, update, post, time, warnings) if withdrawn else update

    def _as_it_was(
        self, draft: Group, update: Decision, post: Post, time: datetime | None, warnings: tuple[Finding, ...]
    ) -> Decision:
        """The update, unless the draft has lain for a while: then its media are compared once more before."""
        if not isinstance(update.step, Update):
            return update
        seen = draft.read_back
        if (self.now - (seen.at if seen is not None else draft.intent_at)).total_seconds() > FRESH:
            return self._call(CheckDraft(draft), update.state, update.error, warnings, post, time)
        if seen is not None and not draft.verified:
            return self._compare_media(draft, update.state, post, time, warnings)
        return update

    def _refused_in_its_place(self) -> Finding | None:
        """Why the new version could not be scheduled in the place of the earlier one, which is a draft for the moment."""
        if self.record.trouble_with(PutBack.__name__) is not None:  # on its way back, and that did not work at once
            why = "PostPost refused the new version"
            return Finding("SCHEDULE_REFUSED", why, "change the post, or: postpost-sync retry FOLDER")
        trouble = self.record.trouble_with(Update.__name__)
        return trouble.finding if trouble is not None and trouble.kind is not TroubleKind.RETRY else None

    def _in_line(self) -> bool:
        """Whether the post waits for room in the plan."""
        record, trouble = self.record, self.record.trouble_with(Update.__name__)
        if trouble is not None and trouble.kind is TroubleKind.HELD:
            return trouble.finding.code in IN_LINE
        return record.state is State.HELD and record.error is not None and record.error.code in IN_LINE | {HELD_LONG}

    def _waits_for_room(self, post: Post, time: datetime, warnings: tuple[Finding, ...]) -> Decision | None:
        """Whether it has to wait for room in the plan: as long as an earlier one does, or until its own next try."""
        ahead, own = self.snapshot.waiting, self.record.trouble_with(Update.__name__)
        if ahead is not None and (ahead.time, ahead.key) >= (time, self.record.key):
            ahead = None
        if own is not None and (own.kind is not TroubleKind.HELD or own.finding.code not in IN_LINE):
            own = None
        if ahead is not None:
            why, until = ahead.finding, ahead.until
        elif own is not None and own.until is not None and own.until > self.now:
            why, until = own.finding, own.until
        else:
            return None
        warn = time - timedelta(seconds=HELD_WARN)
        ends = time + timedelta(seconds=self.policy.late_tolerance)
        again = until or self.now
        if ahead is not None:
            again = max(again, self.now) + timedelta(seconds=AFTER_THE_FIRST)  # and at once when its turn comes
        moments = [(moment - self.now).total_seconds() for moment in (warn, ends, again)]
        after = min((left for left in moments if left > 0), default=AFTER_THE_FIRST)
        if self.now >= warn and self.record.complete_at is not None and self.record.complete_at < warn:
            shown = for_people(time, post.timezone)
            hint = "make room: delete or move other posts, or change the plan"
            why = Finding(HELD_LONG, f"its time is {shown}, and it is still held: {why.message}", hint)
        return self._rest(State.HELD, why, warnings, after=after, post=post, time=time, retry_at=until)

    def _held_past(self, post: Post, time: datetime) -> Finding | None:
        """Why it is given up, where its time went by while it waited for room in the plan."""
        if self.record.confirmed or not self._in_line():
            return None
        if self.now < time + timedelta(seconds=self.policy.late_tolerance):
            return None
        trouble = self.record.trouble_with(Update.__name__) or self.record.trouble
        known = trouble.finding if trouble is not None else self.record.error
        why = f": {known.message}" if known is not None else ""
        return Finding(
            "HELD_PAST_TIME",
            f"its time, {for_people(time, post.timezone)}, went by while it was held{why}",
            "give it a new time, or: postpost-sync retry FOLDER",
        )

    def _closed(self, live: Group) -> bool:
        if live.stage is not GroupStage.SCHEDULED or live.answered_time is None:
            return False
        return (live.answered_time - self.now).total_seconds() < EDIT_CLOSES

    def _too_late(self, live: Group, post: Post, warnings: tuple[Finding, ...]) -> Decision:
        when = for_people(live.answered_time or self.now, post.timezone)
        if live.outcome in (State.FAILED, State.CANCELLED):
            why = f"the post of {when} did not go out, and scheduled_time is not one that is still to come"
            hint = "give a new time, or: postpost-sync retry FOLDER"
            return self._rest(State.INVALID, Finding("EDIT_TOO_LATE", why, hint), warnings, post=post)
        return self._rest(
            State.INVALID,
            Finding(
                "EDIT_TOO_LATE",
                f"the change came within 2 minutes of its time or after it; the post goes out as it was ({when})",
                "undo the change, or make a new folder for a new post",
            ),
            warnings,
            post=post,
        )

    def _after_going_out(
        self, live: Group, post: Post, time: datetime | None, same: bool, warnings: tuple[Finding, ...]
    ) -> Decision:
        if self.draft is not None:
            return self._drop_draft(self.draft, warnings, post)
        unchanged = same and (live.asked_time == time or time is None)
        if self._once_more(live, unchanged, time):
            return self._as_is(Follow(live))
        if unchanged:
            return self._finish(outcome(self.record, live) or State.SCHEDULED, warnings, post, time)
        return self._too_late(live, post, warnings)

    def _once_more(self, live: Group, unchanged: bool, time: datetime | None) -> bool:
        """Whether another post is to follow one that has ended: where a person wants what failed, or what was deleted."""
        if live.stage is not GroupStage.ENDED:
            return False
        if live.outcome in (State.FAILED, State.CANCELLED):  # it went out nowhere: an edit is as good a word as any
            return self.record.confirmed or (not unchanged and time is not None and time > self.now)
        return live.outcome is State.PARTIALLY_PUBLISHED and self.record.confirmed
