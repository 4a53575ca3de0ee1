"""The lower half of `plan`: from a post that is wanted to one that stands scheduled at PostPost, and nothing besides.

4. At most one draft is built at a time: create (an unknown create is searched for first), upload in order, read back.
5. Only a verified draft is scheduled, and never while another post of this folder stands scheduled.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from postpost_sync.deciding import HELD_LONG, IN_LINE, Deciding, compare, draft_group, live_group, outcome
from postpost_sync.errors import Finding, printable
from postpost_sync.models import Group, GroupStage, Post, TroubleKind, UploadStage
from postpost_sync.states import State
from postpost_sync.steps import (
    Abandon,
    Abort,
    CheckDraft,
    Create,
    Decision,
    Delete,
    Doom,
    Finish,
    Follow,
    Hash,
    PutBack,
    Recognise,
    Search,
    Transfer,
    Update,
    Verified,
    Withdraw,
)
from postpost_sync.targets import as_held
from postpost_sync.times import for_people

EDIT_CLOSES = (
    120.0  # seconds before its time within which a post is no longer changed: the scheduler ticks once a minute
)
READ_BACK_FOR = 60.0  # seconds for which a listing may lag behind
FRESH = 60.0  # seconds after which a draft is read back once more: somebody may have put media into it meanwhile
REBUILDS = 3
REFUSALS = 20  # URLs of one file that the store may refuse before its post is given up
DUPLICATE_WITHIN = timedelta(days=3)
HELD_WARN = 86400.0  # seconds before its time from which a post that is still held says so
AFTER_THE_FIRST = 5.0  # seconds after the next try of the first in line at which the others look again
SEARCHES = 4  # looks for a create whose answer was lost, before it counts as not happened


class Building(Deciding):
    """Rules 4 and 5."""

    def _carry_out(self, whole: Post, time: datetime | None, warnings: tuple[Finding, ...]) -> Decision:
        """What it takes on the platforms that are not served yet. What is shown is the whole post."""
        if time is not None and not self._out and (crowded := self._crowded(whole, time)) is not None:
            warnings = (*warnings, crowded)
        decision = self._carry_out_on(self._unserved(whole), time, warnings)
        return replace(decision, post=whole) if decision.post is not None else decision

    def _carry_out_on(self, post: Post, time: datetime | None, warnings: tuple[Finding, ...]) -> Decision:
        live, draft = self.live, self.draft
        if live is not None and live.lost and self.record.confirmed and not self._out:
            return self._as_is(Doom(live))  # deleted at PostPost, and a person wants it all the same
        if not post.platforms:  # those that had failed are no longer asked for
            if live is not None and live.stage not in (GroupStage.ENDED, GroupStage.GOING_OUT):
                return self._as_is(Abort() if self.snapshot.in_flight else Doom(live))
            if draft is not None:
                return self._drop_draft(draft, warnings, post)
            return self._finish(State.PUBLISHED, warnings, post, time)
        if not self.record.groups and (first := self._before_anything(post, time, warnings)) is not None:
            return first
        if live is not None:
            same = compare(live, post)
            if same is not None and same:
                return self._local(Hash(same))
            if live.stage in (GroupStage.ENDED, GroupStage.GOING_OUT):
                return self._after_going_out(live, post, time, same is not None, warnings)
            if same is not None:
                return self._same_post(live, post, time, warnings)
            if self._closed(live):
                return self._too_late(live, post, warnings)
            warnings = (
                *warnings,
                Finding("REPLACING", "the folder was changed; the earlier post stands until the new one is ready"),
            )
        duplicate = self._duplicate(post, time)
        if isinstance(duplicate, Decision):
            return duplicate
        if duplicate is not None:
            if self.policy.duplicates == "hold" and live is None and not self.record.confirmed:
                if self.snapshot.in_flight:
                    return self._as_is(Abort())
                return self._rest(State.HELD, duplicate, warnings, post=post, time=time)
            warnings = (*warnings, duplicate)
        state = State.DRAFTING if live is None else State.SCHEDULED
        if draft is None:
            if self.record.gave_up is not None:
                lasting = tuple(warning for warning in warnings if warning.code != "REPLACING")
                return self._failed(self.record.gave_up, lasting, post)
            return self._call(Create(post), state, None, warnings, post, time)
        if draft.stage is GroupStage.CREATING:
            return self._search(draft, state, warnings, post)
        if self.record.gave_up is not None:
            return self._as_is(Abort() if self.snapshot.in_flight else Doom(draft))
        same = compare(draft, post)
        if same is None:
            return self._as_is(Abort() if self.snapshot.in_flight else Doom(draft))
        if same:
            return self._local(Hash(same))
        return self._build(draft, post, time, warnings)

    def _before_anything(self, post: Post, time: datetime | None, warnings: tuple[Finding, ...]) -> Decision | None:
        """Whether a folder for which we have made nothing yet may have its post already. None: it has not."""
        record, twin = self.record, self.snapshot.twin
        if record.unproven and not record.confirmed:
            if record.claim is not None and record.claim.differs:
                differs = Finding(
                    "EARLIER_POST_DIFFERS",
                    f"the status file names the post {record.claim.post_group_id}, and PostPost holds something else under it",
                    "delete that post at PostPost if it is this folder's, then: postpost-sync retry FOLDER",
                )
                return self._rest(State.HELD, differs, warnings, post=post, time=time)
            return self._call(Recognise(post, time), State.DRAFTING, None, warnings, post, time)
        if twin is None or record.confirmed or twin.time != time:
            return None
        group = live_group(twin) or draft_group(twin)
        # what it would go to, had it been made when the other was
        post = (as_held(post, group.platforms) if group is not None else None) or post
        same = compare(group, post) if group is not None else None
        if same is None:
            return None
        if same:
            return self._local(Hash(same))
        original = f'"{printable(twin.path)}"'
        copy = Finding(
            "COPY_OF",
            f"it is a copy of {original}, with the same text, platforms, media and time",
            "change it, remove it, or if both are meant: postpost-sync retry FOLDER",
        )
        return self._rest(State.HELD, copy, warnings, post=post, time=time)

    def _duplicate(self, post: Post, time: datetime | None) -> Finding | Decision | None:
        """Whether another folder has the same post on one of its accounts at nearly the same time; first come, first served."""
        if time is None or self.policy.duplicates == "allow":
            return None
        for other in self.snapshot.alike:
            live = live_group(other)
            group = live or draft_group(other)
            when = (group.answered_time if group is not None else None) or other.time
            if group is None or when is None or (live is None and other.key > self.record.key):
                continue
            if group.outcome in (State.FAILED, State.CANCELLED) or abs(when - time) > DUPLICATE_WITHIN:
                continue
            shared = [platform for platform in post.platforms if platform in group.platforms]
            same = compare(replace(group, platforms=post.platforms, platform_settings=post.platform_settings), post)
            if not shared or same is None:
                continue
            if same:
                return self._local(Hash(same))
            why = f'"{printable(other.path)}" has the same text and media on {shared[0]} at {for_people(when, post.timezone)}'
            if self.policy.duplicates == "hold":
                return Finding(
                    "DUPLICATE_POST", why, "change it, remove it, or if both are meant: postpost-sync retry FOLDER"
                )
            return Finding("DUPLICATE_POST", why, "change it or remove it, unless both are meant")
        return None

    def _crowded(self, post: Post, time: datetime) -> Finding | None:
        """Whether another folder's post goes to one of its accounts in the same minute."""
        for other in self.snapshot.beside if self.record.time == time else ():  # else they are beside its earlier time
            if shared := [platform for platform in post.platforms if platform in other.platforms]:
                both = f'"{printable(self.record.path)}" and "{printable(other.path)}"'
                why = f"{both} both go to {shared[0]} at {for_people(time, post.timezone)}"
                return Finding(
                    "SAME_MINUTE", why, "put a few minutes between them, unless both are meant for that moment"
                )
        return None

    def _search(
        self, group: Group, state: State, warnings: tuple[Finding, ...] = (), post: Post | None = None
    ) -> Decision:
        if group.searches >= SEARCHES:
            return self._as_is(Abandon(group))
        return self._call(Search(group), state, None, warnings, post)

    def _build(self, draft: Group, post: Post, time: datetime | None, warnings: tuple[Finding, ...]) -> Decision:
        state = State.UPLOADING if self.live is None else State.SCHEDULED
        if draft.lost and self.record.confirmed:
            return self._as_is(Doom(draft))
        for upload in draft.uploads:
            if upload.stage is UploadStage.STORED or upload.position in self.snapshot.in_flight:
                continue
            if upload.refused > REFUSALS:
                gave_up = Finding(
                    "UPLOAD_REFUSED",
                    f"the object store refused {printable(upload.name)} {REFUSALS + 1} times",
                    "postpost-sync retry FOLDER tries again",
                )
                return self._given_up(gave_up, warnings, post)
            return self._call(Transfer(draft, upload), state, None, warnings, post, time)
        if self.snapshot.in_flight:
            return self._rest(state, None, warnings, post=post, time=time)
        if self.live is None and self.record.state is State.HELD:
            state = State.HELD  # it goes on being in line until it is scheduled
        if draft.uploads and not draft.verified:
            return self._compare_media(draft, state, post, time, warnings)
        return self._schedule(draft, post, time, warnings)

    def _compare_media(
        self, draft: Group, state: State, post: Post, time: datetime | None, warnings: tuple[Finding, ...]
    ) -> Decision:
        """Whether the media that PostPost lists under the draft are exactly ours."""
        seen, ours = draft.read_back, len(draft.uploads)
        check = self._call(CheckDraft(draft), state, None, warnings, post, time)
        if seen is None:
            return check
        waited = (seen.at - seen.first_at).total_seconds()
        ghosts = draft.records_possible - ours
        if seen.found and seen.media is None:  # what is not listed is known from our own records alone
            if ghosts <= 0:
                return self._as_is(Verified(draft))
            lacking = False
        elif seen.ours is not None:
            lacking = seen.ours < ours
        else:  # by number alone a record without bytes may stand in for a file that is not listed yet
            lacking = (seen.media or 0) < ours or (seen.media == ours and ghosts > 0 and waited < READ_BACK_FOR)
        if seen.found and seen.media == ours and not lacking and not seen.strangers:
            return self._as_is(Verified(draft))
        if not seen.found or lacking:
            if waited < READ_BACK_FOR:
                again = seen.at + timedelta(seconds=max(2.0, min(waited, 15.0)))
                left = (again - self.now).total_seconds()
                return check if left <= 0 else self._rest(state, None, warnings, after=left, post=post, time=time)
            if not seen.found:
                return self._held_for_person(
                    Finding(
                        "DRAFT_GONE",
                        "the draft is no longer listed at PostPost; perhaps it was deleted in the dashboard",
                        "postpost-sync retry FOLDER makes a new one",
                    ),
                    warnings,
                    post,
                    draft,
                )
        extra = (seen.media or 0) - ours
        if seen.strangers or extra > ghosts:
            return self._held_for_person(
                Finding(
                    "MEDIA_ADDED_ELSEWHERE",
                    f"the draft holds {seen.media} media, the folder {ours}: somebody added some at PostPost",
                    "schedule it there, or: postpost-sync retry FOLDER makes a new draft",
                ),
                warnings,
                post,
                draft,
            )
        if self.record.rebuilds >= REBUILDS:
            return self._given_up(
                Finding(
                    "UPLOAD_TOO_SLOW",
                    f"its media could not be sent within the life of their upload URLs, {REBUILDS + 1} times over",
                    "try a faster connection or smaller files, then: postpost-sync retry FOLDER",
                ),
                warnings,
                post,
            )
        return self._as_is(Doom(draft, rebuild=True))

    def _held_for_person(self, why: Finding, warnings: tuple[Finding, ...], post: Post, draft: Group) -> Decision:
        """In doubt about a draft: hold. A person's `retry` means a new draft; the old one stays where it may be theirs."""
        if self.record.confirmed:
            return self._as_is(Abandon(draft))
        return self._rest(State.HELD, why, warnings, post=post)

    def _schedule(self, draft: Group, post: Post, time: datetime | None, warnings: tuple[Finding, ...]) -> Decision:
        live = self.live
        if draft.uploads and draft.read_back is not None and draft.read_back.media is None:
            warnings = (
                *warnings,
                Finding("MEDIA_NOT_LISTED", "PostPost does not list the draft's media; our uploads were all confirmed"),
            )
        if time is not None and (first := self._not_deleted_yet(draft, post, time, warnings)) is not None:
            return first
        if live is not None and live.stage is GroupStage.SCHEDULED:
            withdraw = self._call(Update(live, None, None), State.SCHEDULED, None, warnings, post, time)
            return self._as_it_was(draft, withdraw, post, time, warnings)
        if live is not None and (refused := self._refused_in_its_place()) is not None:
            earlier = live.answered_time or time or self.now
            if refused.code == "SCHEDULE_HORIZON_REACHED" and time is not None and time > earlier:
                return self._as_is(Doom(live))  # at its old time it must not go out; the new one waits until it may
            return self._call(
                PutBack(live, max(earlier, self.now), earlier, refused), State.SCHEDULED, None, warnings, post, time
            )
        if time is None:
            if live is not None:
                return self._as_is(Doom(live))
            return self._finish(State.DRAFTED, warnings, post, None)
        state = State.SCHEDULED if live is not None else State.UPLOADING if draft.uploads else State.DRAFTING
        if live is None and (waits := self._waits_for_room(post, time, warnings)) is not None:
            return waits
        state, error = (State.HELD, self.record.error) if self._in_line() else (state, None)
        update = self._call(Update(draft, max(time, self.now), time), state, error, warnings, post, time)
        if error is not None and isinstance(update.step, Update):
            update = replace(update, error=error)
        return self._as_it_was(draft, update, post, time, warnings)

    def _not_deleted_yet(
        self, draft: Group, post: Post, time: datetime, warnings: tuple[Finding, ...]
    ) -> Decision | None:
        """Whether an earlier draft has still to be deleted: somebody may have scheduled it at PostPost meanwhile."""
        trouble = self.record.trouble_with(Delete.__name__)
        if trouble is None or all(group.stage is not GroupStage.DOOMED for group in self.record.groups):
            return None
        state = State.SCHEDULED if self.live is not None else State.UPLOADING if draft.uploads else State.DRAFTING
        return self._rest(state, trouble.finding, warnings, post=post, time=time)

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

    def _refused_in_its_place(self) -> Finding | None:
        """Why the new version could not be scheduled in the place of the earlier one, which is a draft for the moment."""
        if self.record.trouble_with(PutBack.__name__) is not None:  # on its way back, and that did not work at once
            why = "PostPost refused the new version"
            return Finding("SCHEDULE_REFUSED", why, "change the post, or: postpost-sync retry FOLDER")
        trouble = self.record.trouble_with(Update.__name__)
        return trouble.finding if trouble is not None and trouble.kind is not TroubleKind.RETRY else None

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
        elif time is None or (live.elsewhere is not None and live.asked_time == time and not self.record.confirmed):
            return self._finish(State.DRAFTED, warnings, post, time)  # where somebody unscheduled it, it stays so
        elif (waits := self._waits_for_room(post, time, warnings)) is not None:
            return waits
        send = None if time is None else max(time, self.now)
        held = live.stage is GroupStage.WITHDRAWN and self._in_line()
        state, error = (State.HELD, self.record.error) if held else (State.SCHEDULED, None)
        update = self._call(Update(live, send, time), state, error, warnings, post, time)
        if error is not None and isinstance(update.step, Update):
            update = replace(update, error=error)
        if live.stage is GroupStage.WITHDRAWN:
            return self._as_it_was(live, update, post, time, warnings)
        return update

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

    def _drop_draft(self, draft: Group, warnings: tuple[Finding, ...], post: Post) -> Decision:
        if draft.stage is GroupStage.CREATING:
            return self._search(draft, self.record.state, warnings, post)
        return self._as_is(Abort() if self.snapshot.in_flight else Doom(draft))

    def _given_up(self, error: Finding, warnings: tuple[Finding, ...], post: Post) -> Decision:
        """No further try by itself; a draft of ours does not stay behind."""
        if self.snapshot.in_flight:
            return self._as_is(Abort())
        if self.draft is not None and self.draft.stage is GroupStage.DRAFT:
            return self._as_is(Doom(self.draft, gave_up=error))
        if self.draft is not None:  # it may have come to be
            return self._search(self.draft, State.FAILED, warnings, post)
        if self.live is not None and self.live.stage is GroupStage.WITHDRAWN:
            return self._as_is(Doom(self.live, gave_up=error))
        return self._failed(error, warnings, post)

    def _failed(self, error: Finding, warnings: tuple[Finding, ...], post: Post) -> Decision:
        if self.live is not None and self.live.stage in (GroupStage.SCHEDULED, GroupStage.GOING_OUT):
            error = Finding(error.code, f"{error.message} (the earlier post stands as it was)", error.hint)
            return self._rest(State.INVALID, error, warnings, post=post)
        return self._rest(State.FAILED, error, warnings, post=post)

    def _finish(self, state: State, warnings: tuple[Finding, ...], post: Post, time: datetime | None) -> Decision:
        return Decision(Finish(), state, None, warnings, post, time)
