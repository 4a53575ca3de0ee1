"""What to do next about one post folder: `plan(snapshot, record, now)`, the one place that decides a post's fate.

Pure: it looks at the folder as it is (snapshot), at what the database says we did (record) and at the server's time, and
answers with one `Decision`: the next step, and what to show meanwhile. The steps are carried out by `sync`, which writes
down what happened and asks again. The rules, in the order in which they are asked:

1. What is due at PostPost is followed, whatever the folder looks like; what is doomed is deleted.
2. A folder that changed is left alone until it has been quiet for `settle`; then it is read.
3. What is wrong is said; what is missing is waited for. An earlier post that stands is not touched by either.
4. At most one draft is built at a time: create (an unknown create is searched for first), upload in order, read back.
5. Only a verified draft is scheduled, and never while another post of this folder stands scheduled.
6. Where the plan has no room, an account's posts wait in the order of their times, and the first of them alone is tried.
7. What somebody changed at PostPost stays as it is there until the folder is edited or a person says so.
"""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import datetime, timedelta

from postpost_sync.model.errors import Finding
from postpost_sync.model.folder import Folder
from postpost_sync.model.post import Post
from postpost_sync.model.record import Group, GroupStage, Record, kept, outcome
from postpost_sync.model.states import UNFINISHED, State
from postpost_sync.model.times import for_people
from postpost_sync.plan.build import Building
from postpost_sync.plan.situation import compare
from postpost_sync.plan.snapshot import Snapshot
from postpost_sync.plan.steps import (
    Abort,
    Ask,
    Decision,
    Delete,
    Doom,
    Finish,
    Fit,
    Forget,
    LearnAccounts,
    LearnTime,
    Read,
    Rest,
    Update,
    Withdraw,
)
from postpost_sync.post.desired import Wanted, resolve
from postpost_sync.post.targets import selectors

ABSENCE_GRACE = 600.0  # seconds a folder must be gone before anything is concluded from it
ARRIVING_FOR = 3600.0  # seconds a transfer's temporary keeps its folder settling after it was last written
ACCOUNTS_FRESH = 60.0  # seconds for which a list of the connected accounts says what is connected now
SOON = 120.0  # seconds; PostPost advises to schedule at least this much ahead
OLD_FOR_NOW = 86400.0  # seconds; a `now` folder whose files are older than this waits for a person
# warnings about how it was scheduled, worth keeping afterwards
LASTING = frozenset({"TIME_SOON", "MEDIA_NOT_LISTED", "DRAFTS_DOUBTFUL", "DUPLICATE_POST"})
CANCELS_AT_ONCE = 10  # posts of removed folders that are cancelled without a person
_CANCEL_MANY = Finding(
    "CANCEL_MANY",
    "its folder was removed together with many others; its post stands, since so many are not cancelled without a person",
    "bring the folder back, or: postpost-sync cancel FOLDER --yes",
)
_REMOVED = Finding(
    "FOLDER_REMOVED",
    "its folder was removed; the post goes out all the same",
    "bring the folder back, or take the post back: postpost-sync cancel FOLDER",
)
PASSING = frozenset(  # said anew while they hold
    {"REPLACING", "OUTCOME_UNKNOWN", "CHANGED_AT_POSTPOST", _CANCEL_MANY.code, _REMOVED.code}
)


def plan(snapshot: Snapshot, record: Record, now: datetime) -> Decision:
    """The next step for a folder. `now` is the service's time as well as we know it."""
    decision = _Plan(snapshot, record, now).decide()
    shown = {warning.code for warning in decision.warnings}
    lasting = tuple(w for w in record.warnings if w.code in LASTING and w.code not in shown)
    return replace(decision, warnings=(*decision.warnings, *lasting)) if lasting else decision


class _Plan(Building):
    """Rules 1 to 3."""

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
        cancel = self.record.cancel
        meant = folder is None or folder.fingerprint in (cancel, self.record.fingerprint)
        if cancel is not None and meant and (step := self._cancel()) is not None:
            return step
        if self.live is not None and self.live.updating and self.live.stage is GroupStage.SCHEDULED:
            if folder is None:  # whether it still stands is not known, nor what its folder asks for
                return self._kept(self.live)
            unschedule = Withdraw if self.record.done else Update  # for another post's sake, or for its own
            return self._call(unschedule(self.live, None, None), *self._shown())
        if folder is None:
            return self._absent()
        if folder.fingerprint == self.record.fingerprint:
            if self.record.done:
                giving = self._giving_way()
                return self._done() if giving is None else self._call(Withdraw(giving, None, None), *self._shown())
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
        if cancel == folder.fingerprint and self.live is not None and self.live.outcome is State.CANCELLED:
            return self._local(Finish())
        unfit = self._unfit()
        wanted = resolve(folder, reading, self.policy, kept(self.record), unfit)
        if unfit:
            wanted = replace(wanted, warnings=(*unfit.values(), *wanted.warnings))
        return self._unless_unknown(self._wanted(folder, wanted))

    def _unfit(self) -> dict[str, Finding]:
        """The file of which no fitted copy can be made, and why, until that is tried again, if it is."""
        trouble = self.record.trouble_with(Fit.__name__)
        if trouble is None or trouble.file is None or ((left := self._left(trouble)) is not None and left <= 0):
            return {}
        return {trouble.file: trouble.finding}

    def _giving_way(self) -> Group | None:
        """The post, where it has taken the place of an earlier one, which was ready later: then it waits in its stead."""
        live, first = self.live, self.snapshot.waiting
        if live is None or first is None or live.answered_time is None or not self.snapshot.clock_known:
            return None
        if first.finding.code != "SCHEDULED_POST_LIMIT_REACHED" or first.until is None or first.until <= self.now:
            return None  # that one has not been refused, or is about to be tried again
        ours = live.stage is GroupStage.SCHEDULED and live.elsewhere is None and self.draft is None
        last = self.snapshot.last_scheduled == self.record.key and first.time < live.answered_time
        return live if ours and last and not self._closed(live) else None

    def _shown(self) -> tuple[State, Finding | None, tuple[Finding, ...]]:
        return self.record.state, self.record.error, self.record.warnings

    def _cancel(self) -> Decision | None:
        """A person wants it taken back. None: there is nothing left that could be."""
        live, draft, record = self.live, self.draft, self.record
        if live is not None and live.stage in (GroupStage.SCHEDULED, GroupStage.WITHDRAWN):
            return self._as_is(Doom(live))
        if draft is not None:
            if self.snapshot.in_flight:
                return self._as_is(Abort())
            return self._search(draft, record.state) if draft.stage is GroupStage.CREATING else self._as_is(Doom(draft))
        if any(group.stage is GroupStage.DOOMED for group in record.groups):
            trouble = record.trouble_with(Delete.__name__)
            return self._rest(record.state, trouble.finding if trouble is not None else None, record.warnings)
        return None if live is not None else self._rest(State.CANCELLED, None)

    def _absent(self) -> Decision:
        """The folder is not there. A root that is away says nothing about its folders."""
        if not self.snapshot.root_present:
            return self._as_is(Rest(self._follow_due()))
        gone_for = self.snapshot.quiet
        standing = self.live is not None and self.live.stage is not GroupStage.WITHDRAWN
        removable = self.live is not None and self.live.stage in (GroupStage.SCHEDULED, GroupStage.WITHDRAWN)
        if self.live is not None and self.live.stage is GroupStage.ENDED and self.record.state is State.SCHEDULED:
            return self._done()
        if standing and not (self.policy.cancel_removed and removable) and self.draft is None:
            if not removable or self.record.state is not State.SCHEDULED:
                return self._as_is(Rest(self._follow_due()))
            if gone_for >= ABSENCE_GRACE:
                return self._rest(self.record.state, self.record.error, self._warned(_REMOVED))
            return self._rest(*self._shown(), after=ABSENCE_GRACE - gone_for)
        if gone_for < ABSENCE_GRACE:
            return self._as_is(Rest(ABSENCE_GRACE - gone_for))
        if self.draft is not None:
            if self.snapshot.in_flight:
                return self._as_is(Abort())
            if self.draft.stage is GroupStage.CREATING:
                return self._search(self.draft, self.record.state)
            return self._as_is(Doom(self.draft))
        if self.live is not None and removable:
            if self.live.stage is GroupStage.WITHDRAWN and not self.policy.cancel_removed:
                return self._not_deleted_yet(self.record.state, self.record.warnings) or self._kept(self.live)
            held_back = any(warning.code == _CANCEL_MANY.code for warning in self.record.warnings)
            if held_back or self.snapshot.removed > CANCELS_AT_ONCE:
                return self._rest(self.record.state, self.record.error, self._warned(_CANCEL_MANY))
            return self._as_is(Doom(self.live))
        if any(group.stage is GroupStage.DOOMED for group in self.record.groups):
            return self._rest(*self._shown())  # deleting it did not work yet
        if any(g.stage in (GroupStage.GONE, GroupStage.FOLLOWED) and g.post_group_id for g in self.record.groups):
            return self._rest(State.CANCELLED, None)
        return self._as_is(Forget())

    def _warned(self, warning: Finding) -> tuple[Finding, ...]:
        return (*(one for one in self.record.warnings if one.code != warning.code), warning)

    def _kept(self, live: Group) -> Decision:
        """A folder that is not there keeps its post. One that is, or may be, a draft for the moment goes back to its time."""
        if live.elsewhere is not None:  # for a moment that somebody chose
            return self._rest(*self._shown())
        if not self.snapshot.clock_known:
            return self._call(LearnTime(), *self._shown())
        time = live.answered_time or self.record.time
        if time is None or self.now > time + timedelta(seconds=self.policy.catch_up):
            return self._as_is(Doom(live))
        return self._call(Update(live, max(time, self.now), live.asked_time or time), *self._shown())

    def _settling(self, folder: Folder) -> float | None:
        """Seconds the folder still has to be quiet; None once it has settled."""
        if folder.arriving is not None:
            # clocks differ: what we saw counts, too
            age = max(self.now.timestamp() - folder.arriving, self.snapshot.quiet)
            left = ARRIVING_FOR - age
            if left > 0:
                return min(left, 60.0)
        left = self.policy.settle - self.snapshot.quiet
        return left if left > 0 else None

    def _wanted(self, folder: Folder, wanted: Wanted) -> Decision:
        if wanted.errors:
            if any(error.code == "NO_CONNECTION" for error in wanted.errors) and self._accounts_are_old():
                return self._learn_accounts(wanted.warnings, wanted.post, wanted.time)
            return self._invalid(wanted.errors[0], (*wanted.errors[1:], *wanted.warnings), wanted)
        if wanted.empty is not None:
            patience = max(10.0, 10 * self.policy.settle) - self.snapshot.quiet
            if patience <= 0 or self._out or self._known_empty(wanted.empty):
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

    def _known_empty(self, empty: Finding) -> bool:
        """Whether our patience was over before a restart: a folder that changes goes through settling first."""
        error = self.record.error
        return (
            self.live is None
            and self.record.state is State.INVALID
            and error is not None
            and (error.code, error.message) == (empty.code, empty.message)
        )

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
            # it has settled; the service is next
            state = State.DRAFTING if record.state is State.SETTLING else record.state
            return self._call(LearnTime(), state, record.error, record.warnings, post, time)
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
            return self._to_accounts(post, time, wanted)
        shown = for_people(time, post.timezone)
        again = record.confirmed and any(group.stage is GroupStage.FOLLOWED for group in record.groups)
        if record.complete_at > time + timedelta(seconds=self.policy.late_tolerance) and not again:
            late = Finding(
                "TIME_PAST",
                f"scheduled_time {shown} had passed when the folder was complete",
                "give a time that is still to come, or now",
            )
            return self._invalid(late, warnings, wanted)
        if (held := self._held_past(post, time)) is not None:
            return self._given_up(held, warnings, post)
        if self.now > time + timedelta(seconds=self.policy.catch_up) and not record.confirmed:
            if record.gave_up is not None:
                return self._given_up(record.gave_up, warnings, post)
            why = f": {record.trouble.finding.message}" if record.trouble else ""
            missed = Finding(
                "MISSED",
                f"it could not be scheduled in time for {shown}{why}",
                "change scheduled_time, or: postpost-sync retry FOLDER",
            )
            return self._given_up(missed, warnings, post)
        if (time - self.now).total_seconds() < SOON and not wanted.now:
            soon = Finding(
                "TIME_SOON",
                f"{shown} is less than 2 minutes ahead of when it is scheduled",
                "PostPost advises at least 2 minutes",
            )
            wanted = replace(wanted, warnings=(*warnings, soon))
        return self._to_accounts(post, time, wanted)

    def _to_accounts(self, post: Post, time: datetime | None, wanted: Wanted) -> Decision:
        """Nothing is made for an id that a list of accounts lacks, asked for just now, while it has one that is nearly the same.

        Any other id that the list lacks may be right all the same: it is sent, with a warning.
        What a draft was made with needs no further look: a selector stands for what it stood for then.
        """
        record, warnings = self.record, wanted.warnings
        made = {p for g in record.groups if g.post_group_id or g.stage is GroupStage.CREATING for p in g.platforms}
        unknown = {one: wanted.unknown[one] for one in post.platforms if one in wanted.unknown and one not in made}
        mistyped = [finding for one, finding in unknown.items() if one in wanted.mistyped]
        never = self.snapshot.accounts_age == math.inf and not made
        anew = any(name not in kept(record) for name in selectors(post))
        unresolved = any(name not in post.resolved for name in selectors(post))
        if (anew or unknown or never) and (unresolved or self._accounts_are_old()):
            if anew or record.trouble_with(LearnAccounts.__name__) is None:
                return self._learn_accounts(warnings, post, time)
        elif mistyped and not record.unproven:  # else its post may stand already
            others = tuple(warning for warning in warnings if warning != mistyped[0])
            return self._invalid(mistyped[0], others, wanted)
        return self._carry_out(post, time, warnings)

    def _accounts_are_old(self) -> bool:
        """Whether the list of connected accounts is older than the folder as it is, or than a minute."""
        return self.snapshot.accounts_age > min(self.snapshot.quiet, ACCOUNTS_FRESH)

    def _learn_accounts(self, warnings: tuple[Finding, ...], post: Post | None, time: datetime | None) -> Decision:
        state = State.DRAFTING if self.record.state is State.SETTLING else self.record.state
        return self._call(LearnAccounts(self.now), state, self.record.error, warnings, post, time)

    def _stands(self, post: Post, time: datetime) -> bool:
        """Whether it is already out, or scheduled for that time: then the time needs no further judgement."""
        live = self.live
        return live is not None and live.asked_time == time and compare(live, self._unserved(post)) is not None

    def _invalid(self, error: Finding, warnings: tuple[Finding, ...], wanted: Wanted) -> Decision:
        if self.live is not None and self.live.stage is not GroupStage.ENDED:
            error = Finding(error.code, f"{error.message} (the earlier post stands as it was)", error.hint)
        return self._rest(State.INVALID, error, warnings, post=wanted.post, time=wanted.time)

    def _done(self) -> Decision:
        """What stands at PostPost is what the folder asks for; all that is left is to see what becomes of it."""
        live, record = self.live, self.record
        warnings = tuple(w for w in record.warnings if w.code not in PASSING)
        if live is not None and live.elsewhere is not None:
            warnings = (*warnings, live.elsewhere)
        if live is None:
            return self._rest(record.state, record.error, warnings)
        if live.stage is GroupStage.WITHDRAWN:
            return self._rest(State.DRAFTED, None, warnings)
        if live.stage is GroupStage.ENDED:
            failed = next((r.error for r in live.results if r.error is not None), None)
            return self._rest(outcome(record, live) or record.state, failed, warnings)
        if not self.snapshot.clock_known:
            return self._call(LearnTime(), State.SCHEDULED, None, warnings)
        due = self._follow_due()
        if due is None:
            warnings = (
                *warnings,
                Finding("OUTCOME_UNKNOWN", "PostPost did not say within a day what became of it", "look at it there"),
            )
        return self._rest(State.SCHEDULED, None, warnings, after=due)
