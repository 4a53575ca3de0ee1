"""Of `plan`: from a post that is wanted to a draft that is complete.

4. At most one draft is built at a time: create (an unknown create is searched for first), upload in order, read back.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from postpost_sync.model.errors import Finding, printable
from postpost_sync.model.folder import MediaFile
from postpost_sync.model.post import Post
from postpost_sync.model.record import Group, GroupStage, UploadStage, draft_group, live_group
from postpost_sync.model.states import State
from postpost_sync.model.times import for_people
from postpost_sync.plan.schedule import Scheduling
from postpost_sync.plan.situation import compare
from postpost_sync.plan.steps import Abort, Create, Decision, Doom, Fit, Hash, Recognise, Transfer
from postpost_sync.post.targets import as_held

REFUSALS = 20  # URLs of one file that the store may refuse before its post is given up
DUPLICATE_WITHIN = timedelta(days=3)


class Building(Scheduling):
    """Rule 4."""

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
            if (copy := self._copy_lacking(post.media, state, warnings, post, time)) is not None:
                return copy
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

    def _copy_lacking(
        self,
        media: tuple[MediaFile, ...],
        state: State,
        warnings: tuple[Finding, ...],
        post: Post,
        time: datetime | None,
    ) -> Decision | None:
        """Make the first fitted copy that is lacking among these files; while one is made, nothing else."""
        lacking = next((file for file in media if file.recipe is not None and file.copy is None), None)
        if lacking is None:
            return None
        if self.snapshot.fitting:
            return self._rest(state, None, warnings, post=post, time=time)
        trouble = self.record.trouble_with(Fit.__name__)
        if trouble is not None and (left := self._left(trouble)) is not None and left > 0:
            return self._rest(state, trouble.finding, warnings, after=left, post=post, time=time)
        return Decision(Fit(lacking), state, None, warnings, post, time)

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
            if (copy := self._copy_lacking((post.media[upload.position],), state, warnings, post, time)) is not None:
                return copy
            return self._call(Transfer(draft, upload), state, None, warnings, post, time)
        if self.snapshot.in_flight:
            return self._rest(state, None, warnings, post=post, time=time)
        if self.live is None and self.record.state is State.HELD:
            state = State.HELD  # it goes on being in line until it is scheduled
        if draft.uploads and not draft.verified:
            return self._compare_media(draft, state, post, time, warnings)
        return self._schedule(draft, post, time, warnings)
