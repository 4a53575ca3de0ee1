"""One folder at one moment: snapshot, record and time as one frozen value, and what every rule may ask of it. Pure.

What is here answers questions. Which question comes first, and what follows from its answer, is for the rules to say.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cached_property

from postpost_sync.model.errors import Finding, printable
from postpost_sync.model.folder import Folder
from postpost_sync.model.post import OLD_FOR_NOW, OLD_FOR_QUEUE, Policy, Post, Resolved
from postpost_sync.model.record import (
    Consent,
    Effect,
    Group,
    GroupStage,
    Record,
    Trouble,
    TroubleKind,
    draft_group,
    is_out,
    is_out_on,
    kept,
    live_group,
    may_hold,
    served,
    unresolved,
)
from postpost_sync.model.states import State
from postpost_sync.plan.comparing import as_made, compare, mark
from postpost_sync.plan.snapshot import Snapshot, Stranger
from postpost_sync.post.desired import Wanted, resolve

FOLLOW_FOR = 86400.0  # seconds after its time for which a post's outcome is asked for
READ_AGAIN = 300.0  # seconds after which what might not be read is tried again
LONGEST_RETRY = 3600.0  # seconds: what a service may ask for; our own pauses are shorter
SOON = 120.0  # seconds; PostPost advises to schedule at least this much ahead
# seconds before its time within which a post is no longer changed: the scheduler ticks once a minute
EDIT_CLOSES = 120.0

WAITS_FOR_PART = "WAITS_FOR_PART"


@dataclass(frozen=True)
class Situation:
    """What a decision is about. `now` is the service's time as well as we know it."""

    snapshot: Snapshot
    record: Record
    now: datetime

    def said(self, consent: Consent) -> bool:
        """Whether a person said yes to that."""
        return consent in self.record.consents

    # --- the folder and its post groups ---

    @property
    def folder(self) -> Folder | None:
        return self.snapshot.folder

    @property
    def policy(self) -> Policy:
        return self.snapshot.policy

    @cached_property
    def live(self) -> Group | None:
        """The post that stands, or stood, scheduled for this folder."""
        return live_group(self.record)

    @cached_property
    def draft(self) -> Group | None:
        """The draft that is being built."""
        return draft_group(self.record)

    @property
    def out(self) -> bool:
        """Whether the post has left our hands: nothing that happens to the folder leads to another."""
        return is_out(self.live)

    @property
    def over(self) -> bool:
        """Whether it is known what became of the post, and not shown yet: that comes first, wherever the folder is."""
        return self.live is not None and self.live.stage is GroupStage.ENDED and self.record.state is State.SCHEDULED

    @property
    def read(self) -> bool:
        """Whether the folder was read as it is, and the record is of it as it is; what might not be read is read again."""
        folder, reading = self.folder, self.snapshot.reading
        return (
            folder is not None
            and reading is not None
            and not (reading.lacks_rights and self.snapshot.read_age >= READ_AGAIN)
            and reading.fingerprint == folder.fingerprint == self.record.fingerprint
        )

    # --- what it asks for ---

    @cached_property
    def desired(self) -> Wanted:
        """What the folder asks for. Only of one that was read."""
        folder, reading = self.folder, self.snapshot.reading
        assert folder is not None  # noqa: S101 - see `read`
        assert reading is not None  # noqa: S101
        unfit = tuple(self.unfit)
        wanted = self.snapshot.desired
        if wanted is None:
            kept = kept_by_all(self.record, self.snapshot.siblings)
            wanted = resolve(folder, reading, self.policy, kept, unfit, self.record.part)
        return replace(wanted, warnings=(*self.unfit.values(), *wanted.warnings)) if self.unfit else wanted

    @cached_property
    def unfit(self) -> dict[str, Finding]:
        """The files of which no fitted copy can be made, and why, until that is tried again, if it is."""
        return unfit(self.record, self.now)

    @cached_property
    def whole(self) -> Post:
        """The post on all of its platforms, also those that an earlier group has served. It is what people are shown."""
        assert self.desired.post is not None  # noqa: S101 - the rules before have said what is wrong or missing
        return self.desired.post

    @cached_property
    def post(self) -> Post:
        """The post on the platforms that no earlier group has served, nor another part: what is still to be done."""
        done = served(self.record) | self.out_elsewhere
        if not done:
            return self.whole
        return replace(self.whole, platforms=tuple(p for p in self.whole.platforms if p not in done))

    @property
    def time(self) -> datetime | None:
        """The time that is asked for, `now` and `next` resolved; None: it stays a draft, or has no slot yet."""
        if self.desired.next:
            return self.record.slot or (self.shared.slot if self.shared is not None else None)
        return self.record.now_time if self.desired.now else self.desired.time

    # --- the other parts of the folder ---

    @cached_property
    def out_elsewhere(self) -> frozenset[str]:
        """The accounts on which the folder is out through another part: it is never posted there again."""
        return frozenset(account for other in self.snapshot.siblings for account in is_out_on(other))

    def holder(self, accounts: Iterable[str]) -> Record | None:
        """The part that has a post on one of the accounts that stands scheduled, or may."""
        wanted = frozenset(accounts)
        for other in self.snapshot.siblings:
            claim = unresolved(other)
            if wanted & may_hold(other) or (claim is not None and (not claim.platforms or wanted & {*claim.platforms})):
                return other
        return None

    @cached_property
    def shared(self) -> Record | None:
        """The part whose slot of the queue is this one's too, as long as it waits for it or will have one."""
        return next((other for other in self.snapshot.siblings if self._shares(other)), None)

    def _shares(self, other: Record) -> bool:
        names = self.desired.parts or {}
        first = next((name for name, accounts in names.items() if accounts), self.record.part)
        if other.part != first or is_out(live_group(other)):
            return False
        if other.slot is not None:
            return other.slot > self.now or live_group(other) is not None
        return not other.done and other.error is None

    def blocked(self, group: Group) -> Finding | None:
        """Why the group may not be scheduled: another part has a post on one of its accounts, or may."""
        if group.stage is GroupStage.SCHEDULED:
            return None
        if self.out_elsewhere & {*group.platforms}:
            account = min(self.out_elsewhere & {*group.platforms})
            why = f"on {account} the folder's post is out already, through another part"
            return Finding("OUT_IN_ANOTHER_PART", why, "make a new folder for a new post")
        other = self.holder(group.platforms)
        return waits_for(other, group.platforms) if other is not None else None

    def unlike(self, group: Group) -> bool:
        """Whether the group is certainly another post, time aside."""
        return compare(group, self.post) is None

    def to_hash(self, group: Group) -> tuple[str, ...]:
        """The files that must be hashed to tell whether the group is this post."""
        return compare(group, self.post) or ()

    @cached_property
    def stands(self) -> bool:
        """Whether the post, as it is asked for, is already out, or scheduled for that time."""
        return self.live is not None and self.live.asked_time == self.time and not self.unlike(self.live)

    @cached_property
    def replacing(self) -> bool:
        """Whether an earlier version of the post stands, and another is to take its place."""
        return self.live is not None and not self.out and self.unlike(self.live)

    @cached_property
    def strangers(self) -> tuple[Stranger, ...]:
        """What PostPost holds that our records do not know, and that may be the folder's: on one of the accounts."""
        ours = set(self.post.platforms)
        on_ours = [one for one in self.snapshot.strangers if not one.platforms or ours & set(one.platforms)]
        texts = any(one.same_text for one in on_ours)
        return tuple(
            one
            for one in on_ours
            if one.post_group_id in self.record.maybe
            or (not self._long_out(one) if one.same_text else not texts and self._may_be_an_earlier_one(one))
        )

    def _may_be_an_earlier_one(self, one: Stranger) -> bool:
        """Whether it stands on the very accounts of a folder of which nothing else is left that could tell.

        That is one that is older than the database, and has no status file; its text may have been edited since.
        """
        return self.record.unproven and self.record.claim is None and {*one.platforms} == {*self.post.platforms}

    def _long_out(self, one: Stranger) -> bool:
        """Whether it went out so long ago that it says nothing about this post. One without a time of its own may be older."""
        if one.time is None or one.status in ("draft", "scheduled"):
            return False
        untimed = OLD_FOR_QUEUE if self.desired.next else OLD_FOR_NOW if self.desired.now else 0.0
        return one.time < self.now - seconds(max(self.policy.catch_up, untimed))

    # --- times ---

    def left(self, trouble: Trouble) -> float | None:
        """Seconds until it is due again; None: not by itself. One that is further off than any pause was set by another clock."""
        return _left(trouble, self.now)

    @cached_property
    def follow_due(self) -> float | None:
        """Seconds until the outcome should be asked for; None where there is nothing to ask."""
        live = self.live
        if live is None or live.stage not in (GroupStage.SCHEDULED, GroupStage.GOING_OUT) or live.post_group_id is None:
            return None
        time, scheduled = live.answered_time or self.now, live.stage is GroupStage.SCHEDULED
        if scheduled and (live.unseen or (live.lost and not self.said(Consent.NEW_DRAFT))):
            return 0.0
        if scheduled and self.now < time:
            return (time - self.now).total_seconds()
        if live.checked_at is None or (scheduled and live.checked_at < time):
            return 0.0
        # a time that was answered, and lies before the one that was asked for, may be none
        waited = (live.checked_at - max(time, live.asked_time or time)).total_seconds()
        if waited > FOLLOW_FOR:
            return None
        pause = min(max(waited, 5.0), 3600.0) if waited > 0 else 300.0
        return (live.checked_at - self.now).total_seconds() + pause

    def closed(self, live: Group) -> bool:
        """Whether its time is so near, or past, that it is no longer changed."""
        if live.stage is not GroupStage.SCHEDULED or live.answered_time is None:
            return False
        return (live.answered_time - self.now).total_seconds() < EDIT_CLOSES

    # --- deleting ---

    @property
    def delete_waits(self) -> bool:
        """Whether a delete did not work and is not due again: meanwhile the folder's own post is built, not scheduled."""
        trouble = self.record.trouble_with(Effect.DELETE)
        if trouble is None:
            return False
        left = self.left(trouble)
        return left is None or (left > 0 and self.snapshot.clock_known)

    @property
    def not_deleted(self) -> Finding | None:
        """Why another draft is still to be deleted. It may have been scheduled, by somebody or by a lost update-post."""
        trouble = self.record.trouble_with(Effect.DELETE)
        if trouble is None or all(group.stage is not GroupStage.DOOMED for group in self.record.groups):
            return None
        return trouble.finding

    # --- what it was made of ---

    @cached_property
    def mark(self) -> str:
        """Tells what the folder asks for from anything else, by what lies in it alone: no config and no restart changes it."""
        return mark(self.snapshot.reading) if self.snapshot.reading is not None else ""

    def as_made(self, group: Group) -> tuple[str, ...] | None:
        """Whether the folder itself is as it was when the group was made of it, whatever the config says by now.

        None it is not, () it is, else the files that must be hashed to tell.
        """
        return as_made(group, self.mark, self.snapshot.reading.media if self.snapshot.reading is not None else ())

    @cached_property
    def by_config(self) -> bool:
        """Whether another post is asked for than stands, and it is the config that has changed, not the folder."""
        live = self.live
        if live is None or self.out or self.as_made(live) != ():
            return False
        if self.desired.post is None:
            return True
        retimed = live.asked_time != self.time and not self.desired.next and not self.desired.now
        return retimed or self.unlike(live)

    @property
    def stripped(self) -> Finding | None:
        """What to say where the config alone takes all of its media from a post that stands, or was begun."""
        made = self.live or self.draft
        if made is None or self.out or not made.uploads or self.post.media or self.as_made(made) != ():
            return None
        why = f"none of its {len(made.uploads)} media files counts any more since the config was changed, only its text"
        hint = "see to ignore in the config; if the text alone is meant: postpost-sync retry FOLDER"
        return Finding("MEDIA_IGNORED", why, hint)


def kept_by_all(record: Record, siblings: Iterable[Record]) -> Resolved:
    """What the selectors of a folder stand for, as long as one of its parts has the draft or post made with that."""
    return {name: ids for one in (*siblings, record) for name, ids in kept(one).items()}


def waits_for(other: Record, accounts: Iterable[str]) -> Finding:
    """What to say of a part that waits until another one has let go of an account."""
    shared = sorted(may_hold(other) & {*accounts})
    on = f" on {', '.join(shared)}" if shared else ""
    why = f"the post of {part_name(other.part)} may stand{on}, and the folder is never scheduled there twice"
    hint = f"that one comes first: {other.error.message}" if other.error is not None else ""
    return Finding(WAITS_FOR_PART, why, hint)


def part_name(name: str) -> str:
    return f'the part "{printable(name)}"' if name else "the main part"


def unfit(record: Record, now: datetime) -> dict[str, Finding]:
    """The files of which no fitted copy can be made, and why, until that is tried again, if it is."""
    return {
        one.file: one.finding
        for one in record.troubles
        if one.step is Effect.FIT and one.file is not None and ((left := _left(one, now)) is None or left > 0)
    }


def _left(trouble: Trouble, now: datetime) -> float | None:
    if trouble.until is None:
        return None
    left = (trouble.until - now).total_seconds()
    return 0.0 if trouble.kind is TroubleKind.RETRY and left > LONGEST_RETRY else left


def seconds(number: float) -> timedelta:
    """That long; what is no finite number is as long as can be."""
    return timedelta(seconds=min(number, 1e9))
