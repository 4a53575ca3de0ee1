"""The promises of the simulated histories as checks: each raises `Broken`, which says what was broken and by what."""

from __future__ import annotations

import contextlib
from collections import Counter
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from postpost_sync.model.record import MAYBE_OUT, GroupStage, Record
from postpost_sync.model.slots import moments
from postpost_sync.model.states import State
from postpost_sync.plan.schedule import FRESH
from postpost_sync.sandbox import Group
from postpost_sync.sandbox.state import PostResult
from tests.support.lineages import SLOTS, Asked, Broken, Dropped, Version, lineage_of
from tests.support.world import KEY

if TYPE_CHECKING:
    from tests.support.histories import Histories

STANDING = frozenset({"scheduled", "processing", "published", "partially_published"})
PUNCTUAL = 5.0  # seconds a scheduled time may be beside what was asked for


class Promises:
    """Of one history. Nothing is changed here: what stands at the service is held against what people asked for."""

    def __init__(self, world: Histories) -> None:
        self.world = world
        self._standing: set[str] = set()

    def check_standing(self, by: str = "us") -> None:
        """No two groups of one lineage stand on one account, and what was just scheduled is what a folder asks for."""
        groups = [g for g in self.world.sandbox.groups() if g.id not in self.world.foreign]
        standing = {g.id for g in groups if g.status in STANDING}
        new, self._standing = standing - self._standing, standing
        if by != "us":
            return
        for group in groups:
            if group.id in new:
                self._check_new(group, [g for g in groups if g.id in standing])

    def _check_new(self, group: Group, standing: list[Group]) -> None:
        lineage = lineage_of(group.content)
        asked = self.world.lineages[lineage]
        # what somebody scheduled before we could know that it is ours looks like anybody's post
        unknown = self.world.by_person - self.world.store.known_group_ids()
        if asked.retried:  # a person who says so beside a draft that was touched at the service means a second post
            unknown |= self.world.by_person
        same = [g for g in standing if lineage_of(g.content) == lineage and g.id not in unknown]
        on = Counter(account for g in same for account in {p.platform_id for p in g.posts if may_be_out(p)})
        if any(count > asked.folders for count in on.values()):
            raise Broken(f"two posts of one folder stand: {same}")
        if not all(media.stored for media in group.media):
            raise Broken(f"scheduled without all its bytes: {group}")
        version = self.world.version_of(group)
        if not self._was_asked(version, asked) and not self._just_changed(group):
            raise Broken(f"scheduled as no folder ever was: {group}")
        if group.status == "scheduled" and not self._punctual(group, asked):
            raise Broken(f"scheduled for {group.scheduled_time} at {self.world.now}, asked for {asked.times}")
        if (other := self._in_the_same_slot(group, asked, standing)) is not None:
            raise Broken(f"two posts have one slot of the queue: {group} and {other}")

    def _in_the_same_slot(self, group: Group, asked: Asked, standing: list[Group]) -> Group | None:
        """Another post that waits in the slot of this one, where neither ever asked for anything but a slot."""
        return next(
            (
                other
                for other in standing
                if lineage_of(other.content) != lineage_of(group.content)
                and (other.status, group.status) == ("scheduled", "scheduled")
                and other.scheduled_time == group.scheduled_time
                and asked.times == (theirs := self.world.lineages[lineage_of(other.content)]).times == {"next"}
                and asked.elsewhere == theirs.elsewhere  # each root has a queue of its own
                and not {other.id, group.id} & self.world.by_person
                and not (asked.slot_forgotten or theirs.slot_forgotten)
            ),
            None,
        )

    def _was_asked(self, version: Version, asked: Asked) -> bool:
        """Whether a folder was like that; a person may have had it posted once more where it had failed."""
        content, platforms, media = version
        return version in asked.versions or (
            (asked.retried or asked.parted)
            and any((c, m) == (content, media) and set(platforms) < set(p) for c, p, m in asked.versions)
        )

    def _just_changed(self, group: Group) -> bool:
        """Whether somebody had a hand in it so lately that no client can have seen it in the listing."""
        at = self.world.by_person_at.get(group.id)
        unseen = FRESH + self.world.sandbox.behaviour.listing_lag
        return at is not None and (self.world.now - at).total_seconds() <= unseen

    def _punctual(self, group: Group, asked: Asked) -> bool:
        if group.scheduled_time is None:
            return False
        time = group.scheduled_time - timedelta(seconds=self.world.sandbox.behaviour.move_time)
        for wanted in asked.times:
            if wanted == "next":
                slot = next(moments(SLOTS, "UTC", time - timedelta(seconds=PUNCTUAL)))
                if (
                    abs((time - slot).total_seconds()) < PUNCTUAL
                    and (time - self.world.now).total_seconds() > -PUNCTUAL
                ):
                    return True
            if wanted == "now" and (time - self.world.now).total_seconds() < PUNCTUAL:
                return True
            if isinstance(wanted, datetime):
                late = (time - max(wanted, self.world.now)).total_seconds()
                if abs(late) < PUNCTUAL:
                    return True
        return False

    def check(self) -> None:
        """What must hold at any moment."""
        self.check_standing()
        if touched := self.world.foreign & set(self.world.sandbox.deleted()):
            raise Broken(f"deleted although we did not make it: {touched}")
        self._check_truth()
        self._check_secrets()

    def _check_truth(self) -> None:
        late = "SELECT key FROM folders WHERE error LIKE '%\"MISSED\"%' OR error LIKE '%\"TIME_PAST\"%'"
        for row in self.world.store._db.conn.execute(late):
            record = self.world.store.record(row[0])
            if record is not None and record.time is not None and record.time > self.world.now:
                raise Broken(f"{record.path} is said to be late at {self.world.now}: {record.error}")

    def _check_secrets(self) -> None:
        texts = [str(tuple(row)) for row in self.world.store._db.conn.execute("SELECT * FROM folders")]
        for folder in self.world.folders:
            with contextlib.suppress(FileNotFoundError):
                texts.append((self.world.place(folder) / "post.status.yaml").read_text())
        for text in texts:
            if KEY in text or "X-Amz-Signature" in text:
                raise Broken(f"a secret is shown: {text}")

    def check_known(self) -> None:
        """Every folder that is there has a record. Once the tree was looked at."""
        records = self.world.store.records()
        for folder in self.world.folders:
            if folder.there and not any(self._is_at(record, folder) for record in records):
                raise Broken(f"{folder.name} is not known")

    def check_ended(self) -> None:
        """What must hold once nothing troubles any more and nobody edits: everything has come to its end."""
        self.check()
        self.check_known()
        self._check_line()
        records = self.world.store.records()
        for folder in self.world.folders:
            for record in records if folder.there else ():
                if self._is_at(record, folder) and not _is_empty(record):
                    self._check_end_of(folder, record)
            if folder.there and not any(self._is_at(one, folder) and one.part == "" for one in records):
                raise Broken(f"{folder.name} has no main part: {records}")
        owned = {
            group.post_group_id
            for record in records
            if record.state in (State.DRAFTED, State.HELD, State.INVALID) or _waits_for_another_key(record)
            for group in record.groups
            if group.stage in (GroupStage.DRAFT, GroupStage.WITHDRAWN) or _waits_for_another_key(record)
        }
        doubtful = [one.message for record in records for one in record.warnings if one.code == "DRAFTS_DOUBTFUL"]
        drafts = [g for g in self.world.ours("draft") if g.id not in owned | self.world.by_person]
        left = [g for g in drafts if not any(g.id in said for said in doubtful)]
        # it may have taken one of those instead of its own, which it saw later
        unproved = Counter(lineage_of(g.content) for g in self.world.sandbox.groups() if g.id in self.world.unproved)
        for lineage, number in Counter(lineage_of(g.content) for g in left).items():
            if number > unproved[lineage]:
                raise Broken(f"a draft is left behind: {left}")

    def _is_at(self, record: Record, folder: Dropped) -> bool:
        return f"{record.root}/{record.path}" == str(self.world.place(folder))

    def _check_end_of(self, folder: Dropped, record: Record) -> None:
        asked, code = self.world.lineages[folder.lineage], record.error.code if record.error else None
        match record.state:
            case State.SCHEDULED | State.PUBLISHED | State.DRAFTED:
                late = any(warning.code == "CHANGED_SINCE" for warning in record.warnings) or asked.reconfigured
                if not (asked.by_person or asked.forgotten) and not (late and record.state is State.PUBLISHED):
                    self._check_as_asked(folder, record)
            case State.INVALID | State.HELD | State.FAILED:
                if code is None:
                    raise Broken(f"{record.state} without a reason: {record}")
                if code in ("DRAFT_GONE", "MEDIA_ADDED_ELSEWHERE") and not (asked.by_person or asked.forgotten):
                    raise Broken(f"nobody did that: {record.error} {record}")
            case State.PARTIALLY_PUBLISHED if self.world.publish_failed:
                pass
            case State.CANCELLED if any(one.code == "OUT_IN_ANOTHER_PART" for one in record.warnings):
                pass
            case State.CANCELLED if asked.by_person or asked.cancelled or asked.forgotten:
                ids = {group.post_group_id for group in record.groups}
                if left := [g for g in self.world.ours("draft", "scheduled") if g.id in ids - self.world.by_person]:
                    raise Broken(f"{folder.name} is said to be cancelled, and at the service is {left}: {record}")
            case _:
                raise Broken(f"{folder.name} never came to an end: {record}")

    def _check_line(self) -> None:
        """Where a later post holds the room that an earlier one lacks, that one says which."""
        records = [record for record in self.world.store.records() if not self._touched(record)]
        placed = [r.time for r in records if r.state is State.SCHEDULED and r.error is None and r.time]
        for one in records:
            if one.error is None or one.error.code != "SCHEDULED_POST_LIMIT_REACHED" or one.time is None:
                continue
            if placed and max(placed) > one.time and "later posts hold the room" not in one.error.hint:
                raise Broken(f"a later post took the place of an earlier one, which does not say so: {records}")

    def _touched(self, record: Record) -> bool:
        return any(group.post_group_id in self.world.by_person for group in record.groups)

    def _check_as_asked(self, folder: Dropped, record: Record) -> None:
        """What stands at the service is what the folder is now."""
        asked = self.world.lineages[folder.lineage]
        live = {State.SCHEDULED: "scheduled", State.PUBLISHED: "published", State.DRAFTED: "draft"}[record.state]
        ids = {group.post_group_id for group in record.groups}
        held = [g for g in self.world.ours(live) if g.id in ids]
        if asked.parted:
            self._check_part(folder, record, held)
        elif [self.world.version_of(group) for group in held] != [folder.version]:
            raise Broken(f"{folder} is said to be {record.state}, and at the service is {held}: {record}")

    def _check_part(self, folder: Dropped, record: Record, held: list[Group]) -> None:
        """The same of a folder that has, or had, several parts: what is out through another one is left out of it."""
        out = record.state is State.PUBLISHED
        version = folder.parts.get(record.part, (None, None))[0]
        if out and (version is None or len(held) != 1):
            return  # it went out before the folder was changed; or on some accounts before, and on the others now
        less = out or any(one.code == "OUT_IN_ANOTHER_PART" for one in record.warnings)
        for one in held:
            content, platforms, media = self.world.version_of(one)
            if version is None or (content, media) != (version[0], version[2]):
                raise Broken(f"{folder} is said to be {record.state}, and at the service is {held}: {record}")
            if set(platforms) != set(version[1]) and not (less and set(platforms) < set(version[1])):
                raise Broken(f"{folder} is said to be {record.state}, and at the service is {held}: {record}")
        if len(held) != 1:
            raise Broken(f"{folder} is said to be {record.state}, and at the service is {held}: {record}")


def _waits_for_another_key(record: Record) -> bool:
    """Whether a person is asked, since what another key may have made cannot be deleted: nothing else is until then."""
    return record.error is not None and record.error.code == "OTHER_KEY"


def _is_empty(record: Record) -> bool:
    """Whether nothing is asked of that part any more, and nothing of it stands."""
    return record.state is State.CANCELLED and not record.platforms


def may_be_out(post: PostResult) -> bool:
    """Whether that part of a post stands, is out, or may be."""
    code = (post.error or {}).get("code")
    return post.status != "failed" or post.posted_id is not None or code in MAYBE_OUT
