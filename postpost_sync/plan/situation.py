"""What every decision rests on: which of a folder's groups is which, whether a group is a post, what may be called now.

`plan` and the modules below it (`building`, `scheduling`, `drafting`) are made of these. Pure, as they are.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from postpost_sync.model.errors import Finding
from postpost_sync.model.post import Policy, Post
from postpost_sync.model.record import (
    Group,
    GroupStage,
    Record,
    Trouble,
    TroubleKind,
    draft_group,
    is_out,
    live_group,
    retried,
    served,
)
from postpost_sync.model.states import State
from postpost_sync.plan.snapshot import Snapshot, Waiting
from postpost_sync.plan.steps import Decision, Delete, Fit, LearnTime, Rest, Step, Update
from postpost_sync.post.fitting import same_form

FOLLOW_FOR = 86400.0  # seconds after its time for which a post's outcome is asked for
LONGEST_RETRY = 3600.0  # seconds: what a service may ask for; our own pauses are shorter
LEARN_WITHIN = 900.0  # seconds; a try to learn the time that is further off than this was set by another clock

IN_LINE = frozenset(  # limits for which the posts of an account wait in the order of their times
    {"SCHEDULE_HORIZON_REACHED", "SCHEDULED_POST_LIMIT_REACHED", "POST_LIMIT_REACHED", "CONNECTIONS_OVER_LIMIT"}
)
HELD_LONG = "HELD_TOO_LONG"
DRAFT_GONE = Finding(
    "DRAFT_GONE",
    "the draft is no longer at PostPost; perhaps it was deleted in the dashboard",
    "postpost-sync retry FOLDER makes a new one",
)


def place_in_line(record: Record) -> Waiting | None:
    """Its place among the posts that wait for room in the plan of their account; None where it does not wait there."""
    error, trouble = record.error, record.trouble_with(Update.__name__)
    if record.state is not State.HELD or error is None or error.code not in IN_LINE | {HELD_LONG} or not record.time:
        return None
    if trouble is None or trouble.kind is not TroubleKind.HELD:
        return Waiting(record.key, record.time, error)
    return Waiting(record.key, record.time, trouble.finding, trouble.until)


def meets_a_fault(record: Record) -> bool:
    """Whether what holds it is a fault that passes: that costs it no place."""
    return record.state is State.HELD and retried(record.error, record.troubles)


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
        if upload.stat.size != file.stat.size or not same_form(upload, file):
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


class Deciding:
    """One decision: what it is about, and the forms that an answer can take."""

    def __init__(self, snapshot: Snapshot, record: Record, now: datetime) -> None:
        self.snapshot, self.record, self.now = snapshot, record, now
        self.policy: Policy = snapshot.policy
        self.live = live_group(record)
        self.draft = draft_group(record)
        self.served = served(record)

    @property
    def _out(self) -> bool:
        """Whether the folder's post has left our hands: nothing that happens to the folder leads to another."""
        return is_out(self.live)

    def _unserved(self, post: Post) -> Post:
        """The post on the platforms that no earlier group has served."""
        if not self.served:
            return post
        return replace(post, platforms=tuple(p for p in post.platforms if p not in self.served))

    def _follow_due(self) -> float | None:
        """Seconds until the outcome should be asked for; None where there is nothing to ask."""
        live = self.live
        if live is None or live.stage not in (GroupStage.SCHEDULED, GroupStage.GOING_OUT) or live.post_group_id is None:
            return None
        time, scheduled = live.answered_time or self.now, live.stage is GroupStage.SCHEDULED
        if scheduled and (live.unseen or (live.lost and not self.record.confirmed)):
            return 0.0
        if scheduled and self.now < time:
            return (time - self.now).total_seconds()
        if live.checked_at is None or (scheduled and live.checked_at < time):
            return 0.0
        waited = (live.checked_at - time).total_seconds()
        if waited > FOLLOW_FOR:
            return None
        pause = min(max(waited, 5.0), 3600.0) if waited > 0 else 300.0
        return (live.checked_at - self.now).total_seconds() + pause

    def _delete_waits(self) -> bool:
        """Whether a delete did not work and is not due again: meanwhile the folder's own post is built, not scheduled."""
        trouble = self.record.trouble_with(Delete.__name__)
        if trouble is None:
            return False
        left = self._left(trouble)
        return left is None or (left > 0 and self.snapshot.clock_known)

    def _left(self, trouble: Trouble) -> float | None:
        """Seconds until it is due again; None: not by itself. One that is further off than any pause was set by another clock."""
        if trouble.until is None:
            return None
        left = (trouble.until - self.now).total_seconds()
        return 0.0 if trouble.kind is TroubleKind.RETRY and left > LONGEST_RETRY else left

    def _rest(
        self,
        state: State,
        error: Finding | None,
        warnings: tuple[Finding, ...] = (),
        *,
        after: float | None = None,
        post: Post | None = None,
        time: datetime | None = None,
        retry_at: datetime | None = None,
    ) -> Decision:
        due = self._follow_due()
        met = (self.record.trouble_with(step.__name__) for step in (Delete, Fit))
        again = (self._left(trouble) for trouble in met if trouble is not None)
        waits = [w for w in (after, due, *again) if w is not None and w > 0]  # what is due and not done is held up
        return Decision(Rest(min(waits) if waits else None), state, error, warnings, post, time, retry_at)

    def _local(self, step: Step) -> Decision:
        """A step that needs the folder's files alone: where they could not be read, not before a retry is due."""
        trouble = self.record.trouble_with(type(step).__name__)
        if trouble is None or (left := self._left(trouble)) is None or left <= 0:
            return self._as_is(step)
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
            changeable = self.draft is None or trouble.finding.code == "PLAN_TOO_SMALL"
            refused = State.INVALID if changeable else State.FAILED
            return self._rest(refused, trouble.finding, warnings, post=post, time=time)
        if trouble.kind is TroubleKind.HELD:
            state = State.HELD
        if trouble.until is not None and not snapshot.clock_known:  # the clock was set since: how long is not known
            if not isinstance(step, LearnTime):
                return self._call(LearnTime(), state, trouble.finding, warnings, post, time)
            if (trouble.until - self.now).total_seconds() > LEARN_WITHIN:
                return Decision(step, state, trouble.finding, warnings, post, time)
        due_in = self._left(trouble)
        if due_in is not None and due_in <= 0:
            return Decision(step, state, trouble.finding, warnings, post, time)
        return self._rest(state, trouble.finding, warnings, after=due_in, post=post, time=time)
