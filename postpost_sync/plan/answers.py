"""The forms that a rule's answer takes, and what a person is shown for it: derived here once, for all rules. Pure.

A rule names the step. Only what does not follow from the step and the situation does it say besides: that a post is held,
and why. Whether a step may be taken now is decided here too, for all of them: not while the key is refused, nor before a
retry of the same kind of step is due.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from postpost_sync.model.errors import Finding, printable
from postpost_sync.model.folder import MediaFile
from postpost_sync.model.record import Consent, Effect, Group, GroupStage, TroubleKind
from postpost_sync.model.states import State
from postpost_sync.model.times import for_people
from postpost_sync.plan.codes import TOO_MANY_PENDING
from postpost_sync.plan.line import in_line
from postpost_sync.plan.others import duplicate
from postpost_sync.plan.situation import SOON, Situation
from postpost_sync.plan.steps import (
    Abandon,
    Abort,
    CheckDraft,
    Compare,
    Create,
    Decision,
    Delete,
    Doom,
    Fit,
    Follow,
    Forget,
    Hash,
    HoldCopy,
    HoldFor,
    LearnAccounts,
    LearnLimits,
    LearnTime,
    LeaveSlot,
    LookFor,
    Read,
    Recognise,
    Rest,
    Search,
    Step,
    TakeSlot,
    Tried,
    Update,
)
from postpost_sync.post.platforms import DAILY, DAILY_VIDEOS, limit
from postpost_sync.post.violations import source

NOT_DELETED_TRIES = 3  # deletes that did not work, before it is said beside a post that stands
LEARN_WITHIN = 900.0  # seconds; a try to learn the time that is further off than this was set by another clock
SEARCHES = 4  # looks for a create whose answer was lost, before it counts as not happened

# warnings about how it was scheduled, worth keeping afterwards
REPLACING = Finding(
    "REPLACING",
    "the folder was changed; the earlier post stands until the new one is ready",
    "nothing is to be done; undo the change to keep the earlier one",
)
LASTING = frozenset({"CONFIG_CHANGED", "TIME_SOON", "MEDIA_NOT_LISTED", "DRAFTS_DOUBTFUL", "DUPLICATE_POST"})
# the same and others, which are of no use any more once it is out; DRAFTS_DOUBTFUL names what is still to be deleted
OF_SCHEDULING = (LASTING - {"DRAFTS_DOUBTFUL"}) | {
    "SAME_MINUTE",
    "TIME_AMBIGUOUS",
    "TIME_MOVED",
    "TOKEN_EXPIRING",
    "DAILY_LIMIT",
    "SERVICE_WARNING",
}
OUT = frozenset({State.PUBLISHED, State.PARTIALLY_PUBLISHED})
# written down, or read from the disk, within the second: nothing else is shown meanwhile
_OUR_OWN = Read | Hash | Abort | Doom | Follow | TakeSlot | LeaveSlot | HoldCopy | HoldFor | Abandon | Forget
_READS_FILES = Read | Hash | Fit


@dataclass(frozen=True, slots=True)
class Answer:
    """What a rule says: the next step, and what of it is to be shown where that does not follow from the step.

    `state` None: as it is, or as the step makes it. `warnings` None: all that hold of the folder as it was read.
    """

    step: Step
    state: State | None = None
    error: Finding | None = None
    warnings: tuple[Finding, ...] | None = None
    retry_at: datetime | None = None  # the earliest moment it can go on, where the step does not say that


def rest(state: State, error: Finding | None = None, after: float | None = None) -> Answer:
    """Nothing is to be done for `after` seconds; None: until something changes."""
    return Answer(Rest(after), state, error)


def held(why: Finding, after: float | None = None) -> Answer:
    """It is ready, but something outside the folder must happen first."""
    return rest(State.HELD, why, after)


def held_beside(s: Situation, why: Finding, after: float | None = None) -> Answer:
    """The same, where an earlier post may stand: it is not touched by that."""
    return held(_stands(why) if s.live is not None and s.live.stage is GroupStage.SCHEDULED else why, after)


def as_it_is(after: float | None = None) -> Answer:
    """Nothing is to be done, and nothing else is shown."""
    return Answer(Rest(after))


def drop(s: Situation, group: Group, why: Finding | None = None, *, rebuild: bool = False) -> Answer:
    """The group is to be deleted; what is being sent to it ends first."""
    return Answer(Abort() if s.snapshot.in_flight else Doom(group, rebuild=rebuild, gave_up=why))


def copy_of_one(s: Situation, files: tuple[MediaFile, ...]) -> Answer | None:
    """Make the first fitted copy that is lacking among the files; one at a time."""
    lacking = next((file for file in files if file.recipe is not None and file.copy is None), None)
    if lacking is None:
        return None
    if s.snapshot.fitting:  # it is waked when that one is there
        on_its_way = State.DRAFTING if s.draft is None else State.UPLOADING
        return rest(on_its_way if s.live is None else State.SCHEDULED)
    return Answer(Fit(lacking))


def search(group: Group, state: State | None = None) -> Answer:
    """The draft of an unanswered create is looked for, a few times."""
    return Answer(Abandon(group)) if group.searches >= SEARCHES else Answer(Search(group), state)


def drop_draft(s: Situation, draft: Group) -> Answer:
    """The draft is not wanted. One that may not have come to be is searched for first: it must not be left behind."""
    return search(draft, s.record.state) if draft.stage is GroupStage.CREATING else drop(s, draft)


def give_up(s: Situation, error: Finding) -> Answer:
    """No further try by itself; a draft of ours does not stay behind."""
    if s.snapshot.in_flight:
        return Answer(Abort())
    if s.draft is not None:
        return drop(s, s.draft, error) if s.draft.stage is GroupStage.DRAFT else search(s.draft, State.FAILED)
    if s.live is not None and s.live.stage is GroupStage.WITHDRAWN:
        return drop(s, s.live, error)
    return failed(s, error)


def failed(s: Situation, error: Finding) -> Answer:
    """It is not tried again by itself. An earlier post that stands is not touched by that."""
    if s.live is not None and s.live.stage in (GroupStage.SCHEDULED, GroupStage.GOING_OUT):
        return rest(State.INVALID, _stands(error))
    return rest(State.FAILED, error)


def invalid(s: Situation, error: Finding, warnings: tuple[Finding, ...]) -> Answer:
    """A person must change something in the folder. An earlier post that stands is not touched by that."""
    if s.live is not None and s.live.stage is not GroupStage.ENDED:
        error = _stands(error)
    return Answer(Rest(), State.INVALID, error, (*warnings, *_by_config(s)))


def _stands(error: Finding) -> Finding:
    return replace(error, message=f"{error.message} (the earlier post stands as it was)")


# --- what is shown ----------------------------------------------------------------------------------------------------


def decision(s: Situation, answer: Answer, rule: str, *, judged: bool) -> Decision:
    """The rule's answer as it can be carried out now, and what a person should see. `judged`: the folder as it is was."""
    answer = _allowed(s, answer, _shown(s, answer, judged=judged))
    if judged:
        answer = _searching_meanwhile(s, answer)
    step, warnings = answer.step, answer.warnings or ()
    if isinstance(step, Rest):
        step = Rest(_next_look(s, step.after))
    codes = {warning.code for warning in warnings}
    lasting = tuple(one for one in s.record.warnings if one.code in LASTING and one.code not in codes)
    post, time = (s.desired.post, s.time) if judged and not isinstance(step, _OUR_OWN) else (None, None)
    state = s.record.state if answer.state is None else answer.state
    error = _with_who_holds_the_room(s, answer.error) if judged else answer.error
    told = (*(one for one in (*warnings, *lasting) if one.code != "DRAFT_NOT_DELETED"), *_not_deleted(s, error))
    if state in OUT:
        told = tuple(one for one in told if one.code not in OF_SCHEDULING)
    nothing = judged and s.desired.left and s.live is None
    return Decision(step, state, error, told, post, time, answer.retry_at, rule, nothing=nothing)


def _shown(s: Situation, answer: Answer, *, judged: bool) -> Answer:
    """The answer with all that is shown spelt out, as long as nothing keeps its step from being taken."""
    record, step = s.record, answer.step
    if isinstance(step, _OUR_OWN | Delete) or (answer.state is None and (isinstance(step, Rest) or not judged)):
        return Answer(step, record.state, record.error, record.warnings, answer.retry_at)
    known = judged and not isinstance(step, LearnTime | LearnAccounts | LearnLimits)  # what holds of the folder
    warnings = answer.warnings if answer.warnings is not None else _holding(s) if known else record.warnings
    # it has settled; the service is next
    if isinstance(step, LearnTime | LearnAccounts | LearnLimits | Compare | LookFor):
        state = State.DRAFTING if record.state is State.SETTLING else record.state
        return replace(answer, state=answer.state or state, error=answer.error or record.error, warnings=warnings)
    if answer.state is not None:
        return replace(answer, warnings=warnings)
    if _goes_on_in_line(s, step):
        return replace(answer, state=State.HELD, error=answer.error or record.error, warnings=warnings)
    return replace(answer, state=_on_its_way(s, step), warnings=warnings)


def _goes_on_in_line(s: Situation, step: Step) -> bool:
    """Whether the post waits for room in the plan, and goes on being shown so until it is scheduled."""
    tried = isinstance(step, CheckDraft) or (type(step) is Update and step.time is not None)
    return tried and in_line(s.record) and (s.live is None or s.live.stage is not GroupStage.SCHEDULED)


def _on_its_way(s: Situation, step: Step) -> State:
    """The state of a post for which that step is taken."""
    if isinstance(step, Update) and step.time is None and s.time is None and s.live is None:
        return State.DRAFTED
    if s.live is not None:
        return State.SCHEDULED
    if isinstance(step, Create | Recognise | Search) or s.draft is None or not s.draft.uploads:
        return State.DRAFTING
    return State.UPLOADING


def _holding(s: Situation) -> tuple[Finding, ...]:
    """The warnings that hold of the folder as it was read and judged."""
    warnings = list(s.desired.warnings)
    if s.desired.post is None:
        return tuple(warnings)
    time, post, live, draft = s.time, s.whole, s.live, s.draft
    if time is not None and not s.out:
        shown = for_people(time, post.timezone)
        if not s.stands and not s.desired.now and (time - s.now).total_seconds() < SOON:
            why = f"{shown} is less than 2 minutes ahead of when it is scheduled"
            warnings.append(Finding("TIME_SOON", why, "PostPost advises at least 2 minutes"))
        for other in s.snapshot.beside if s.record.time == time else ():  # else they are beside its earlier time
            if shared := [platform for platform in post.platforms if platform in other.platforms]:
                both = f'"{printable(s.record.path)}" and "{printable(other.path)}"'
                hint = "put a few minutes between them, unless both are meant for that moment"
                warnings.append(Finding("SAME_MINUTE", f"{both} both go to {shared[0]} at {shown}", hint))
                break
        warnings += _too_many_a_day(s, shown) if s.record.time == time else ()
    if others := s.out_elsewhere & {*post.platforms}:
        why = f"the folder's post is out on {', '.join(sorted(others))} already, through another part; it is left out here"
        warnings.append(Finding("OUT_IN_ANOTHER_PART", why, "make a new folder for a new post"))
    for made in filter(None, (live, draft)):
        warnings += made.said
    warnings += _by_config(s)
    if s.desired.held is not None and live is not None and not s.out and not s.said(Consent.MEDIA):
        warnings.append(s.desired.held)  # it stands: too late to hold it
    if s.replacing:
        warnings.append(REPLACING)
    elif live is not None and not s.out and live.elsewhere is not None:
        warnings.append(live.elsewhere)
    elif live is not None and live.stage is GroupStage.SCHEDULED:
        warnings += _moved(live, post.timezone)
    if (live is None or s.replacing) and (found := duplicate(s)[0]) is not None:
        warnings.append(found)
    if draft is not None and draft.uploads and draft.read_back is not None and draft.read_back.media is None:
        why = "PostPost does not list the draft's media; our uploads were all confirmed"
        hint = "look at the post at PostPost, if you want to be sure that each file is there"
        warnings.append(Finding("MEDIA_NOT_LISTED", why, hint))
    return tuple(warnings)


def _too_many_a_day(s: Situation, shown: str) -> Iterator[Finding]:
    """An account that gets more of our posts within a day than its platform takes, as far as it says so (advisory)."""
    for day in s.snapshot.days:
        videos = any(file.is_video for file in s.whole.media)
        platform = day.platform_id.partition("-")[0]
        for key, count, what in ((DAILY, day.posts, "posts"), (DAILY_VIDEOS, day.videos * videos, "videos")):
            most = limit(platform, key, s.policy.limits)
            if day.platform_id in s.whole.platforms and most is not None and count >= most.value:
                why = f"with this one {day.platform_id} gets {count + 1:,} {what} in the 24 hours up to {shown}"
                why += f"; {platform} may take no more than {most.value:,g} a day"
                hint = f"move some to another day; if it may do more, correct {key} under limits in the config"
                yield Finding("DAILY_LIMIT", why, f"{hint} [{source(most)}]")


def _by_config(s: Situation) -> tuple[Finding, ...]:
    """What is to be said where the folder is as it was, and its post is changed all the same."""
    if s.live is None or not s.by_config:
        return ()
    post, was = s.desired.post, s.live.asked_time
    why = "its folder is as it was, but what it asks for is another post since the config was changed"
    if post is not None and s.time is not None and was is not None and s.time != was:
        times = f"{for_people(s.time, post.timezone)} instead of {for_people(was, post.timezone)}"
        why = f"its time is {times} since the config was changed; its folder is as it was"
    elif post is not None and post.platforms != s.live.platforms:
        accounts = f"{', '.join(post.platforms)} instead of {', '.join(s.live.platforms)}"
        why = f"it goes to {accounts} since the config was changed; its folder is as it was"
    hint = "where that is not meant, write it into the sidecar, or change the config back"
    return (Finding("CONFIG_CHANGED", why, hint),)


def _moved(live: Group, timezone: str) -> Iterator[Finding]:
    """That PostPost has it go out when it was not asked for; it counts whole minutes."""
    asked, answered = live.asked_time, live.answered_time
    if asked is None or answered is None or abs((answered - asked).total_seconds()) <= SOON:
        return
    why = f"PostPost has it go out {for_people(answered, timezone)}, and was asked for {for_people(asked, timezone)}"
    hint = "give the sidecar a time that PostPost takes, or move the post in PostPost's dashboard"
    yield Finding("TIME_MOVED", why, hint)


def _not_deleted(s: Situation, error: Finding | None) -> Iterator[Finding]:
    """That an earlier draft is still there, where that is not said already: it does no harm, and people see it."""
    trouble, why = s.record.trouble_with(Effect.DELETE), s.not_deleted
    if trouble is None or why is None or why == error or trouble.attempts < NOT_DELETED_TRIES:
        return
    said = f"an earlier draft of this post could not be deleted yet: {why.message}"
    yield Finding("DRAFT_NOT_DELETED", said, f"{why.hint}; or delete it at PostPost")


def _with_who_holds_the_room(s: Situation, error: Finding | None) -> Finding | None:
    """Later posts that stand scheduled hold room that this one lacks. Whether they should, a person says."""
    if error is None or error.code != TOO_MANY_PENDING or s.time is None:
        return error
    later = [f'"{printable(other.path)}"' for other in s.snapshot.furthest if other.time > s.time]
    if not later:
        return error
    hint = f"later posts hold the room: {', '.join(later)}; to let this one go first: postpost-sync cancel one of them"
    return replace(error, hint=hint)


# --- what may be done now ---------------------------------------------------------------------------------------------


def may_be_taken(s: Situation, step: Step) -> bool:
    """Whether nothing keeps that step from being taken now."""
    return _allowed(s, Answer(step), Answer(step, s.record.state)).step is step


def _allowed(s: Situation, answer: Answer, shown: Answer) -> Answer:
    """The answer, unless its step has to wait; then the waiting, and why."""
    step = shown.step
    if isinstance(step, _READS_FILES):
        trouble = s.record.trouble_with(step.effect, step.file.name if isinstance(step, Fit) else None)
        if trouble is None or (left := s.left(trouble)) is None or left <= 0:
            return shown
        return replace(shown, step=Rest(left), error=trouble.finding)
    return _call(s, shown, step) if isinstance(step, Tried) else shown


def _call(s: Situation, shown: Answer, step: Tried) -> Answer:
    """A step that needs the service: not while the key is refused, nor before a retry is due."""
    snapshot = s.snapshot
    trouble = s.record.trouble_with(step.effect)
    if snapshot.key_refused is not None and (probe := snapshot.key_probe_at) is not None and probe > s.now:
        return replace(shown, step=Rest((probe - s.now).total_seconds()), error=snapshot.key_refused)
    if isinstance(step, Update) and step.time is not None and (why := s.blocked(step.group)) is not None:
        return replace(shown, step=Rest(), error=why)
    if trouble is None:
        return shown
    taken = shown if _goes_on_in_line(s, step) else replace(shown, error=trouble.finding)
    shown = replace(shown, error=trouble.finding)
    if trouble.kind is not TroubleKind.RETRY:
        changeable = s.draft is None or trouble.finding.code == "PLAN_TOO_SMALL"
        refused = State.INVALID if changeable else State.FAILED
        state = State.HELD if trouble.kind is TroubleKind.HELD else refused
        shown, taken = replace(shown, state=state), replace(taken, state=state)
    if trouble.until is not None and not snapshot.clock_known:  # the clock was set since: how long is not known
        if not isinstance(step, LearnTime):
            return _call(s, replace(shown, step=LearnTime()), LearnTime())
        if (trouble.until - s.now).total_seconds() > LEARN_WITHIN:
            return taken
    due_in = s.left(trouble)
    if due_in is not None and due_in <= 0:
        return taken
    return replace(shown, step=Rest(due_in))


def _searching_meanwhile(s: Situation, answer: Answer) -> Answer:
    """What is shown, and meanwhile a create that was not answered is searched for: its draft must not be left behind."""
    if not isinstance(answer.step, Rest) or s.draft is None or s.draft.stage is not GroupStage.CREATING:
        return answer
    looked = search(s.draft, answer.state)
    step = _allowed(s, looked, looked).step
    if isinstance(step, Rest):
        step = Rest(min((one.after for one in (step, answer.step) if one.after is not None), default=None))
    return replace(answer, step=step)


def _next_look(s: Situation, after: float | None) -> float | None:
    """Seconds until something is to be looked at; what is due and not done is held up by something else."""
    met = (one for one in s.record.troubles if one.step in (Effect.DELETE, Effect.FIT))
    waits = (after, s.follow_due, *(s.left(trouble) for trouble in met))
    return min((wait for wait in waits if wait is not None and wait > 0), default=None)
