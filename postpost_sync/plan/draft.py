"""Of `plan`: one draft at PostPost. Whether it came to be, whether its media are exactly ours, and how it is given up."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from postpost_sync.model.errors import Finding
from postpost_sync.model.post import Post
from postpost_sync.model.record import Group, GroupStage
from postpost_sync.model.states import State
from postpost_sync.plan.situation import DRAFT_GONE, Deciding
from postpost_sync.plan.steps import Abandon, Abort, CheckDraft, Decision, Doom, Finish, Rest, Search, Verified

READ_BACK_FOR = 60.0  # seconds for which a listing may lag behind
REBUILDS = 3
SEARCHES = 4  # looks for a create whose answer was lost, before it counts as not happened


class Drafting(Deciding):
    """Of rule 4: what is known about a draft."""

    def _unless_unknown(self, decision: Decision) -> Decision:
        """What is shown, and meanwhile a create that was not answered is searched for: its draft must not be left behind."""
        if not isinstance(decision.step, Rest) or self.draft is None or self.draft.stage is not GroupStage.CREATING:
            return decision
        step = self._search(self.draft, decision.state).step
        if isinstance(step, Rest):
            step = Rest(min((s.after for s in (step, decision.step) if s.after is not None), default=None))
        return replace(decision, step=step)

    def _search(
        self, group: Group, state: State, warnings: tuple[Finding, ...] = (), post: Post | None = None
    ) -> Decision:
        if group.searches >= SEARCHES:
            return self._as_is(Abandon(group))
        return self._call(Search(group), state, None, warnings, post)

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
                return self._held_for_person(DRAFT_GONE, warnings, post, draft)
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
