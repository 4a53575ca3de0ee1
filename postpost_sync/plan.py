"""What to do next about one post folder: `plan(snapshot, record, now)`, the one place that decides a post's fate.

Pure: it looks at the folder as it is (snapshot), at what the database says we did (record) and at the server's time, and
answers with one `Decision`: the next step, and what to show meanwhile. The steps are carried out by `sync`, which writes
down what happened and asks again. The rules, in the order in which they are asked:

1. What is due at PostPost is followed, whatever the folder looks like; what is doomed is deleted.
2. A folder that changed is left alone until it has been quiet for `settle`; then it is read.
3. What is wrong is said; what is missing is waited for. An earlier post that stands is not touched by either.
4. At most one draft is built at a time: create (an unknown create is searched for first), upload in order, read back.
5. Only a verified draft is scheduled, and never while another post of this folder stands scheduled.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from postpost_sync.errors import Finding, printable
from postpost_sync.models import Folder, Group, GroupStage, Policy, Post, Record, Snapshot, TroubleKind, UploadStage
from postpost_sync.states import UNFINISHED, State
from postpost_sync.steps import (
    Abandon,
    Abort,
    Ask,
    CheckDraft,
    Create,
    Decision,
    Delete,
    Doom,
    Finish,
    Forget,
    Hash,
    LearnTime,
    PutBack,
    Read,
    Recognise,
    Rest,
    Search,
    Step,
    Transfer,
    Update,
    Verified,
)
from postpost_sync.times import for_people
from postpost_sync.wanted import Wanted, resolve

ABSENCE_GRACE = 600.0  # seconds a folder must be gone before anything is concluded from it
ARRIVING_FOR = 3600.0  # seconds a transfer's temporary keeps its folder settling after it was last written
EDIT_CLOSES = (
    120.0  # seconds before its time within which a post is no longer changed: the scheduler ticks once a minute
)
SOON = 120.0  # seconds; PostPost advises to schedule at least this much ahead
OLD_FOR_NOW = 86400.0  # seconds; a `now` folder whose files are older than this waits for a person
READ_BACK_FOR = 60.0  # seconds for which a listing may lag behind
FRESH = 60.0  # seconds after which a draft is read back once more: somebody may have put media into it meanwhile
LEARN_WITHIN = 900.0  # seconds; a try to learn the time that is further off than this was set by another clock
REBUILDS = 3
REFUSALS = 20  # URLs of one file that the store may refuse before its post is given up
SEARCHES = 4  # looks for a create whose answer was lost, before it counts as not happened
FOLLOW_FOR = 86400.0  # seconds after its time for which a post's outcome is asked for
LASTING = frozenset(
    {"TIME_SOON", "MEDIA_NOT_LISTED", "DRAFTS_DOUBTFUL"}
)  # warnings about how it was scheduled, worth keeping afterwards
URL_MARGIN = 60.0  # seconds of life an upload URL must still have when its PUT starts


# --- the decision -----------------------------------------------------------------------------------------------------


def live_group(record: Record) -> Group | None:
    """The post that stands (or stood) scheduled for this folder."""
    stages = (GroupStage.SCHEDULED, GroupStage.GOING_OUT, GroupStage.ENDED), (GroupStage.WITHDRAWN,)
    for wanted in stages:
        if found := [g for g in record.groups if g.stage in wanted]:
            return found[-1]
    return None


def draft_group(record: Record) -> Group | None:
    """The draft that is being built."""
    drafts = [g for g in record.groups if g.stage in (GroupStage.CREATING, GroupStage.DRAFT)]
    return drafts[-1] if drafts else None


def plan(snapshot: Snapshot, record: Record, now: datetime) -> Decision:
    """The next step for a folder. `now` is the service's time as well as we know it."""
    decision = _Plan(snapshot, record, now).decide()
    shown = {warning.code for warning in decision.warnings}
    lasting = tuple(w for w in record.warnings if w.code in LASTING and w.code not in shown)
    return replace(decision, warnings=(*decision.warnings, *lasting)) if lasting else decision


class _Plan:
    def __init__(self, snapshot: Snapshot, record: Record, now: datetime) -> None:
        self.snapshot, self.record, self.now = snapshot, record, now
        self.policy: Policy = snapshot.policy
        self.live = live_group(record)
        self.draft = draft_group(record)

    # rule 1

    def decide(self) -> Decision:
        if (due := self._follow_due()) is not None and due <= 0 and self.live is not None:
            known = self.record.state  # where nobody was told yet that it was scheduled, that comes first
            state = State.SCHEDULED if known in UNFINISHED else known
            return self._call(Ask(self.live), state, self.record.error, self.record.warnings)
        for group in self.record.groups:
            if group.stage is GroupStage.DOOMED and not self._delete_waits():
                return self._call(Delete(group), self.record.state, self.record.error, self.record.warnings)
            if group.stage is GroupStage.WITHDRAWN and group is not self.live:
                return self._as_is(Doom(group))
        folder = self.snapshot.folder
        if folder is None:
            return self._absent()
        if folder.fingerprint == self.record.fingerprint:
            if self.record.done:
                return self._done()
        elif (still := self._settling(folder)) is not None:
            state = self.record.state if self.live is not None else State.SETTLING
            error = self.record.error if self.live is not None else None
            return self._rest(state, error, after=still)
        reading = self.snapshot.reading
        if (
            reading is None
            or reading.fingerprint != folder.fingerprint
            or folder.fingerprint != self.record.fingerprint
        ):
            return self._local(Read())
        return self._wanted(folder, resolve(folder, reading, self.policy))

    def _delete_waits(self) -> bool:
        """Whether a delete did not work and is not due again: that is no reason to hold up the folder's own post."""
        trouble = self.record.trouble_with(Delete.__name__)
        if trouble is None:
            return False
        return trouble.until is None or (trouble.until > self.now and self.snapshot.clock_known)

    @property
    def _out(self) -> bool:
        """Whether the folder's post has left our hands: nothing that happens to the folder leads to another."""
        return self.live is not None and self.live.stage in (GroupStage.ENDED, GroupStage.GOING_OUT)

    def _follow_due(self) -> float | None:
        """Seconds until the outcome should be asked for; None where there is nothing to ask."""
        live = self.live
        if live is None or live.stage not in (GroupStage.SCHEDULED, GroupStage.GOING_OUT) or live.post_group_id is None:
            return None
        time, scheduled = live.answered_time or self.now, live.stage is GroupStage.SCHEDULED
        if scheduled and self.now < time:
            return (time - self.now).total_seconds()
        if live.checked_at is None or (scheduled and live.checked_at < time):
            return 0.0
        waited = (live.checked_at - time).total_seconds()
        if waited > FOLLOW_FOR:
            return None
        pause = min(max(waited, 5.0), 3600.0) if waited > 0 else 300.0
        return (live.checked_at - self.now).total_seconds() + pause

    def _absent(self) -> Decision:
        """The folder is not there. A root that is away says nothing about its folders."""
        if not self.snapshot.root_present:
            return self._as_is(Rest(self._follow_due()))
        gone_for = self.snapshot.quiet
        standing = self.live is not None and self.live.stage is not GroupStage.WITHDRAWN
        removable = self.live is not None and self.live.stage in (GroupStage.SCHEDULED, GroupStage.WITHDRAWN)
        if standing and not (self.policy.cancel_removed and removable) and self.draft is None:
            return self._as_is(Rest(self._follow_due()))
        if gone_for < ABSENCE_GRACE:
            return self._as_is(Rest(ABSENCE_GRACE - gone_for))
        if self.draft is not None:
            if self.snapshot.in_flight:
                return self._as_is(Abort())
            if self.draft.stage is GroupStage.CREATING:
                return self._search(self.draft, self.record.state)
            return self._as_is(Doom(self.draft))
        if self.live is not None and removable:
            earlier = self.live.answered_time
            if self.live.stage is GroupStage.WITHDRAWN and earlier is not None and not self.policy.cancel_removed:
                back = Update(self.live, max(earlier, self.now), earlier)  # it was to be replaced, and stays instead
                return self._call(back, self.record.state, self.record.error, self.record.warnings)
            return self._as_is(Doom(self.live))
        if any(g.stage is GroupStage.GONE and g.post_group_id for g in self.record.groups):
            return self._rest(State.CANCELLED, None)
        return self._as_is(Forget())

    # rule 2

    def _settling(self, folder: Folder) -> float | None:
        """Seconds the folder still has to be quiet; None once it has settled."""
        if folder.arriving is not None:
            left = ARRIVING_FOR - (self.now.timestamp() - folder.arriving)
            if left > 0:
                return min(left, 60.0)
        left = self.policy.settle - self.snapshot.quiet
        return left if left > 0 else None

    # rule 3

    def _wanted(self, folder: Folder, wanted: Wanted) -> Decision:
        if wanted.errors:
            return self._invalid(wanted.errors[0], (*wanted.errors[1:], *wanted.warnings), wanted)
        if wanted.empty is not None:
            patience = max(10.0, 10 * self.policy.settle) - self.snapshot.quiet
            if patience <= 0 or self._out:
                return self._invalid(wanted.empty, wanted.warnings, wanted)
            return self._rest(State.SETTLING, wanted.empty, wanted.warnings, after=patience, time=wanted.time)
        if wanted.missing is not None:
            left = (wanted.time - self.now).total_seconds() if wanted.time else None
            if self._out or (left is not None and left <= 0):
                if not self.snapshot.clock_known:
                    return self._call(LearnTime(), self.record.state, wanted.missing, wanted.warnings)
                return self._invalid(wanted.missing, wanted.warnings, wanted)
            return self._rest(State.SETTLING, wanted.missing, wanted.warnings, after=left, time=wanted.time)
        assert wanted.post is not None  # noqa: S101 - resolve() gives a post where nothing is wrong
        return self._timely(folder, wanted.post, wanted)

    def _timely(self, folder: Folder, post: Post, wanted: Wanted) -> Decision:
        if self.record.claim is not None and self.record.claim.foreign:
            other = Finding(
                "OTHER_DAEMON",
                "its status file was written by another installation of postpost-sync, which may be serving it",
                "if that one is gone: postpost-sync adopt FOLDER",
            )
            return self._rest(State.HELD, other, wanted.warnings, post=post, time=wanted.time)
        time, record, warnings = wanted.time, self.record, wanted.warnings
        if not self.snapshot.clock_known:  # it could be early or late, and an intent must be in the service's time
            return self._call(LearnTime(), record.state, record.error, record.warnings, post, time)
        if record.complete_at is None or (wanted.now and record.now_time is None):
            return self._local(Read())  # it was read before the time was known
        if wanted.now:
            time = record.now_time
            age = record.first_seen.timestamp() - folder.modified_at
            if age > OLD_FOR_NOW and not record.confirmed and self.live is None:
                return self._rest(
                    State.HELD,
                    Finding(
                        "CONFIRM_NOW",
                        f"it asks to go out now, but its files are {age / 86400:.0f} days old",
                        "if that is meant: postpost-sync retry FOLDER",
                    ),
                    warnings,
                    post=post,
                )
        if time is None or self._out or self._stands(post, time):
            return self._carry_out(post, time, warnings)
        shown = for_people(time, post.timezone)
        if record.complete_at > time + timedelta(seconds=self.policy.late_tolerance):
            late = Finding(
                "TIME_PAST",
                f"scheduled_time {shown} had passed when the folder was complete",
                "give a time that is still to come, or now",
            )
            return self._invalid(late, warnings, wanted)
        if self.now > time + timedelta(seconds=self.policy.catch_up) and not record.confirmed:
            why = f": {record.trouble.finding.message}" if record.trouble else ""
            missed = Finding(
                "MISSED",
                f"it could not be scheduled in time for {shown}{why}",
                "change scheduled_time, or: postpost-sync retry FOLDER",
            )
            return self._given_up(missed, warnings, post)
        if (time - self.now).total_seconds() < SOON and not wanted.now:
            warnings = (
                *warnings,
                Finding(
                    "TIME_SOON",
                    f"{shown} is less than 2 minutes ahead of when it is scheduled",
                    "PostPost advises at least 2 minutes",
                ),
            )
        return self._carry_out(post, time, warnings)

    def _stands(self, post: Post, time: datetime) -> bool:
        """Whether it is already out, or scheduled for that time: then the time needs no further judgement."""
        live = self.live
        return live is not None and live.asked_time == time and compare(live, post) is not None

    def _invalid(self, error: Finding, warnings: tuple[Finding, ...], wanted: Wanted) -> Decision:
        if self.live is not None and self.live.stage is not GroupStage.ENDED:
            error = Finding(error.code, f"{error.message} (the earlier post stands as it was)", error.hint)
        return self._rest(State.INVALID, error, warnings, post=wanted.post, time=wanted.time)

    def _given_up(self, error: Finding, warnings: tuple[Finding, ...], post: Post) -> Decision:
        """No further try by itself; a draft of ours does not stay behind."""
        if self.snapshot.in_flight:
            return self._as_is(Abort())
        if self.draft is not None and self.draft.stage is GroupStage.DRAFT:
            return self._as_is(Doom(self.draft, gave_up=error))
        if self.draft is not None:  # it may have come to be
            return self._search(self.draft, State.FAILED, warnings, post)
        return self._failed(error, warnings, post)

    def _failed(self, error: Finding, warnings: tuple[Finding, ...], post: Post) -> Decision:
        if self.live is not None and self.live.stage in (GroupStage.SCHEDULED, GroupStage.GOING_OUT):
            error = Finding(error.code, f"{error.message} (the earlier post stands as it was)", error.hint)
            return self._rest(State.INVALID, error, warnings, post=post)
        return self._rest(State.FAILED, error, warnings, post=post)

    # rule 4

    def _carry_out(self, post: Post, time: datetime | None, warnings: tuple[Finding, ...]) -> Decision:
        live, draft = self.live, self.draft
        if live is not None and live.lost and self.record.confirmed and not self._out:
            return self._as_is(Doom(live))  # deleted at PostPost, and a person wants it all the same
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

    # rule 5

    def _schedule(self, draft: Group, post: Post, time: datetime | None, warnings: tuple[Finding, ...]) -> Decision:
        live = self.live
        if draft.uploads and draft.read_back is not None and draft.read_back.media is None:
            warnings = (
                *warnings,
                Finding("MEDIA_NOT_LISTED", "PostPost does not list the draft's media; our uploads were all confirmed"),
            )
        if live is not None and live.stage is GroupStage.SCHEDULED:
            withdraw = self._call(Update(live, None, None), State.SCHEDULED, None, warnings, post, time)
            return self._as_it_was(draft, withdraw, post, time, warnings)
        if live is not None and (refused := self._refused_in_its_place()) is not None:
            earlier = live.answered_time or time or self.now
            return self._call(
                PutBack(live, max(earlier, self.now), earlier, refused), State.SCHEDULED, None, warnings, post, time
            )
        if time is None:
            if live is not None:
                return self._as_is(Doom(live))
            return self._finish(State.DRAFTED, warnings, post, None)
        state = State.SCHEDULED if live is not None else State.UPLOADING if draft.uploads else State.DRAFTING
        update = self._call(Update(draft, max(time, self.now), time), state, None, warnings, post, time)
        return self._as_it_was(draft, update, post, time, warnings)

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
            return self._call(CheckDraft(draft), update.state, None, warnings, post, time)
        if seen is not None and not draft.verified:
            return self._compare_media(draft, update.state, post, time, warnings)
        return update

    def _same_post(self, live: Group, post: Post, time: datetime | None, warnings: tuple[Finding, ...]) -> Decision:
        """The post stands as the folder has it, but for its time."""
        if self.draft is not None:
            if self.draft.stage is GroupStage.CREATING:
                return self._search(self.draft, State.SCHEDULED, warnings, post)
            return self._as_is(Abort() if self.snapshot.in_flight else Doom(self.draft))
        if live.stage is GroupStage.SCHEDULED:
            if live.asked_time == time:
                return self._finish(State.SCHEDULED, warnings, post, time)
            if self._closed(live):
                return self._too_late(live, post, warnings)
        elif time is None:
            return self._finish(State.DRAFTED, warnings, post, None)
        send = None if time is None else max(time, self.now)
        update = self._call(Update(live, send, time), State.SCHEDULED, None, warnings, post, time)
        if live.stage is GroupStage.WITHDRAWN:
            return self._as_it_was(live, update, post, time, warnings)
        return update

    def _closed(self, live: Group) -> bool:
        if live.stage is not GroupStage.SCHEDULED or live.answered_time is None:
            return False
        return (live.answered_time - self.now).total_seconds() < EDIT_CLOSES

    def _too_late(self, live: Group, post: Post, warnings: tuple[Finding, ...]) -> Decision:
        when = for_people(live.answered_time or self.now, post.timezone)
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
            if self.draft.stage is GroupStage.CREATING:
                return self._search(self.draft, self.record.state, warnings, post)
            return self._as_is(Abort() if self.snapshot.in_flight else Doom(self.draft))
        if same and (live.asked_time == time or time is None):
            return self._finish(live.outcome or State.SCHEDULED, warnings, post, time)
        return self._too_late(live, post, warnings)

    # endings

    def _finish(self, state: State, warnings: tuple[Finding, ...], post: Post, time: datetime | None) -> Decision:
        return Decision(Finish(), state, None, warnings, post, time)

    def _done(self) -> Decision:
        """What stands at PostPost is what the folder asks for; all that is left is to see what becomes of it."""
        live, record = self.live, self.record
        warnings = tuple(w for w in record.warnings if w.code not in ("REPLACING", "OUTCOME_UNKNOWN"))
        if live is None:
            return self._rest(record.state, record.error, warnings)
        if live.stage is GroupStage.WITHDRAWN:
            return self._rest(State.DRAFTED, None, warnings)
        if live.stage is GroupStage.ENDED:
            failed = next((r.error for r in live.results if r.error is not None), None)
            return self._rest(live.outcome or record.state, failed, warnings)
        if not self.snapshot.clock_known:
            return self._call(LearnTime(), State.SCHEDULED, None, warnings)
        due = self._follow_due()
        if due is None:
            warnings = (
                *warnings,
                Finding("OUTCOME_UNKNOWN", "PostPost did not say within a day what became of it", "look at it there"),
            )
        return self._rest(State.SCHEDULED, None, warnings, after=due)

    def _rest(
        self,
        state: State,
        error: Finding | None,
        warnings: tuple[Finding, ...] = (),
        *,
        after: float | None = None,
        post: Post | None = None,
        time: datetime | None = None,
    ) -> Decision:
        due = self._follow_due()
        delete = self.record.trouble_with(Delete.__name__)
        again = (delete.until - self.now).total_seconds() if delete is not None and delete.until is not None else None
        waits = [w for w in (after, due, again) if w is not None and w > 0]  # what is due and not done is held up
        return Decision(Rest(min(waits) if waits else None), state, error, warnings, post, time)

    def _local(self, step: Step) -> Decision:
        """A step that needs the folder's files alone: where they could not be read, not before a retry is due."""
        trouble = self.record.trouble_with(type(step).__name__)
        if trouble is None or trouble.until is None or trouble.until <= self.now:
            return self._as_is(step)
        left = (trouble.until - self.now).total_seconds()
        return self._rest(self.record.state, trouble.finding, self.record.warnings, after=left)

    def _as_is(self, step: Step) -> Decision:
        return Decision(step, self.record.state, self.record.error, self.record.warnings)

    def _call(
        self,
        step: Step,
        state: State,
        error: Finding | None,
        warnings: tuple[Finding, ...],
        post: Post | None = None,
        time: datetime | None = None,
    ) -> Decision:
        """A step that needs the service: not while the key is refused, nor before a retry is due."""
        snapshot, trouble = self.snapshot, self.record.trouble_with(type(step).__name__)
        if snapshot.key_refused is not None and (probe := snapshot.key_probe_at) is not None and probe > self.now:
            left = (probe - self.now).total_seconds()
            return self._rest(state, snapshot.key_refused, warnings, after=left, post=post, time=time)
        if trouble is None:
            return Decision(step, state, error, warnings, post, time)
        if trouble.kind is TroubleKind.REFUSED:
            refused = State.FAILED if self.draft is not None else State.INVALID
            return self._rest(refused, trouble.finding, warnings, post=post, time=time)
        if trouble.kind is TroubleKind.HELD:
            state = State.HELD
        if trouble.until is not None and not snapshot.clock_known:  # the clock was set since: how long is not known
            if not isinstance(step, LearnTime):
                return self._call(LearnTime(), state, trouble.finding, warnings, post, time)
            if (trouble.until - self.now).total_seconds() > LEARN_WITHIN:
                return Decision(step, state, trouble.finding, warnings, post, time)
        if trouble.until is not None and trouble.until <= self.now:
            return Decision(step, state, trouble.finding, warnings, post, time)
        left_until = (trouble.until - self.now).total_seconds() if trouble.until is not None else None
        return self._rest(state, trouble.finding, warnings, after=left_until, post=post, time=time)


def compare(group: Group, post: Post) -> tuple[str, ...] | None:
    """Whether the group is this post, time aside: None it is not, () it is, else the files that must be hashed to tell."""
    if (group.content, group.platforms, dict(group.platform_settings)) != (
        post.content,
        post.platforms,
        dict(post.platform_settings),
    ):
        return None
    if len(group.uploads) != len(post.media):
        return None
    unknown: list[str] = []
    for upload, file in zip(group.uploads, post.media, strict=True):
        if upload.content_type != file.content_type or upload.stat.size != file.stat.size:
            return None
        if upload.stat == file.stat:
            continue
        if upload.sha256 is None:
            return None  # its bytes were never read to the end, so nothing can be said about them
        if file.sha256 is None:
            unknown.append(file.name)
        elif file.sha256 != upload.sha256:
            return None
    return tuple(unknown)
