"""Rules for what the folder asks: settled, read, valid, whole, and in time. Pure.

An earlier post that stands is touched by none of these answers.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta

from postpost_sync.model.errors import Finding, printable
from postpost_sync.model.folder import EntryKind, Folder
from postpost_sync.model.post import OLD_FOR_NOW, Policy
from postpost_sync.model.record import Consent, Effect, Group, GroupStage, Record, kept, outcome
from postpost_sync.model.states import OUTCOMES, State
from postpost_sync.model.times import TimeProblem, for_people, parse_time
from postpost_sync.plan.answers import Answer, as_it_is, copy_of_one, drop_draft, give_up, held, invalid
from postpost_sync.plan.codes import WAITS_FOR_PERSON
from postpost_sync.plan.gone import CANCEL_MANY, LOOK_AGAIN, REMOVED
from postpost_sync.plan.line import in_line
from postpost_sync.plan.situation import READ_AGAIN, Situation
from postpost_sync.plan.steps import Finish, Hash, LearnAccounts, LearnLimits, LearnTime, Read, Rest
from postpost_sync.post.targets import selectors

ARRIVING_FOR = 3600.0  # seconds a transfer's temporary keeps its folder settling after it was last written
ACCOUNTS_FRESH = 60.0  # seconds for which a list of the connected accounts says what is connected now
RESTLESS_TIMES = 10  # multiples of settle after which a restless folder is spoken of,
RESTLESS_LEAST = 120.0  # seconds: and never before
STILL_ARRIVING = Finding(
    "STILL_ARRIVING",
    "a file that a transfer has not completed lies in the folder (.part, .crdownload and their like); it is waited for",
    "let the transfer end, or delete what it left behind: once that has not changed for an hour it is passed over",
)
WAITS_LONG = 3600.0  # seconds after which what is waited for needs a person
PASSING = frozenset(  # warnings that are said anew while they hold
    {
        *"REPLACING OUTCOME_UNKNOWN CHANGED_AT_POSTPOST STATUS_FILE_UNWRITABLE FIRST_COMMENT_FAILED".split(),
        CANCEL_MANY.code,
        REMOVED.code,
    }
)


def at_rest(s: Situation) -> Answer | None:
    """What stands at PostPost is what the folder asks for; all that is left is to see what becomes of it."""
    folder, live, record = s.folder, s.live, s.record
    if folder is not None and (folder.fingerprint != record.fingerprint or not record.done):
        return None
    if folder is not None and record.config != s.snapshot.config and (s.draft or live) is not None and not s.out:
        return None  # the config says something else by now, or it was moved to a root of which it does
    warnings = tuple(one for one in record.warnings if one.code not in PASSING)
    if live is not None and live.elsewhere is not None:
        warnings = (*warnings, live.elsewhere)
    if live is None:
        return Answer(Rest(), record.state, record.error, warnings)
    if live.stage is GroupStage.WITHDRAWN:
        return Answer(Rest(), State.DRAFTED, None, warnings)
    if live.stage is GroupStage.ENDED:
        after = LOOK_AGAIN if folder is None and s.draft is not None else None  # what was to replace it is to go
        return _known_end(record, live, (*warnings, *_uncommented(live)), after)
    if not s.snapshot.clock_known:
        return Answer(LearnTime(), State.SCHEDULED, None, warnings)
    if s.follow_due is None:
        why = "PostPost did not say within a day what became of it"
        warnings = (*warnings, Finding("OUTCOME_UNKNOWN", why, "look at it there"))
    return Answer(Rest(), State.SCHEDULED, None, warnings)


def _known_end(record: Record, live: Group, warnings: tuple[Finding, ...] | None, after: float | None = None) -> Answer:
    """What became of it is shown."""
    failed = next((result.error for result in live.results if result.error is not None), None)
    return Answer(Rest(after), outcome(record, live) or record.state, failed, warnings)


def _uncommented(live: Group) -> Iterator[Finding]:
    """The accounts below whose post the first comment does not stand: the service tries that once."""
    for result in live.results:
        if result.no_comment is not None:
            why = f"{printable(result.platform_id)}: the first comment was not posted: {printable(result.no_comment)}"
            yield Finding("FIRST_COMMENT_FAILED", why, "write it yourself; PostPost does not try it again")


def settling(s: Situation) -> Answer | None:
    """It changed, and has not been quiet for long enough: it is left alone."""
    folder, quiet = s.folder, s.snapshot.quiet
    if folder is None or folder.fingerprint == s.record.fingerprint:
        return None
    left, arriving = s.policy.settle - quiet, 0.0
    if folder.arriving is not None:
        # clocks differ: what we saw counts, too
        arriving = ARRIVING_FOR - max(s.now.timestamp() - folder.arriving, quiet)
        left = min(arriving, 60.0) if arriving > 0 else left
    if left <= 0:
        return None
    never = _never_quiet(s, folder, quiet if arriving > 0 else None)
    if s.live is not None:
        if s.over:
            return _known_end(s.record, s.live, None, left)
        return as_it_is(left) if never is None else Answer(Rest(left), s.record.state, never)
    time = _glimpsed_time(s) if never is not None else None
    over = time is not None and s.now > time + timedelta(seconds=s.policy.late_tolerance)
    return Answer(Rest(left), State.INVALID if over else State.SETTLING, never, ())


def patience(policy: Policy) -> float:
    """Seconds for which a folder may change again and again before that is said."""
    return max(RESTLESS_LEAST, RESTLESS_TIMES * policy.settle)


def _never_quiet(s: Situation, folder: Folder, arriving: float | None) -> Finding | None:
    """What to say of a folder that does not become quiet: an editor that saves, a share whose times are always now.

    `arriving`: a transfer's temporary is what it waits for, and has not changed for so many seconds.
    """
    if max(s.snapshot.restless, arriving or 0.0) <= patience(s.policy):
        return None
    if arriving is not None:
        return STILL_ARRIVING
    files = [entry for entry in folder.entries if entry.kind is EntryKind.FILE]
    last = max(files, key=lambda entry: entry.stat.ctime_ns, default=None)
    name = printable(last.name) if last is not None else "something in it"
    why = (
        f"{name} keeps changing, for {s.snapshot.restless / 60:.0f} minutes by now; the folder is read once it is quiet"
    )
    hint = f"close what writes it; nothing in the folder may change for {s.policy.settle:g} seconds (settle)"
    return Finding("NEVER_QUIET", why, hint)


def _glimpsed_time(s: Situation) -> datetime | None:
    if s.snapshot.glimpse is None or s.snapshot.glimpse.scheduled_time is None:
        return None
    try:
        return parse_time(s.snapshot.glimpse.scheduled_time, s.snapshot.glimpse.timezone or s.policy.timezone)[0]
    except TimeProblem:
        return None


def unread(s: Situation) -> Answer | None:
    """It has settled, and was not read as it is. Where that does not work, its time is the end of it."""
    if s.read:
        return None
    trouble, time = s.record.trouble_with(Effect.READ), _glimpsed_time(s)
    left = s.left(trouble) if trouble is not None else None
    over = time is not None and s.now > time + timedelta(seconds=s.policy.late_tolerance)
    if trouble is not None and s.live is None and over and left is not None and left > 0:
        return Answer(Rest(left), State.INVALID, trouble.finding, ())
    return Answer(Read())


def stays_cancelled(s: Situation) -> Answer | None:
    """A person took it back, and it is as it was then: it is no longer at PostPost, and stays so."""
    back = s.live is not None and s.live.outcome is State.CANCELLED and s.record.claim is None
    return (
        Answer(Finish(), s.record.state, s.record.error) if back and s.record.cancel == s.record.fingerprint else None
    )


def stays_out(s: Situation) -> Answer | None:
    """It was published: tidying its folder, or editing it, changes nothing any more."""
    live = s.live
    if live is None or live.stage is not GroupStage.ENDED or s.said(Consent.ONCE_MORE):
        return None
    if live.outcome not in OUTCOMES or (s.desired.post is not None and not s.unlike(live) and _as_timed(s, live)):
        return None
    if s.draft is not None:
        return drop_draft(s, s.draft)
    if same := s.as_made(live):
        return Answer(Hash(same))
    why = "the folder was changed too late for its post, which went out as it was, and stays so"
    since = Finding("CHANGED_SINCE", why, "make a new folder for a new post")
    return _ended(s, live, () if same == () else (since,))  # else only the config has changed


def stays_ended(s: Situation) -> Answer | None:
    """It failed, or was cancelled, and only the config has changed since: it stays so, until its files do or a person says so."""
    live = s.live
    if live is None or live.stage is not GroupStage.ENDED or s.said(Consent.ONCE_MORE) or s.record.claim is not None:
        return None
    same = s.as_made(live)
    if same is None or (s.desired.post is not None and not s.unlike(live) and _as_timed(s, live)):
        return None
    if same:
        return Answer(Hash(same))
    return drop_draft(s, s.draft) if s.draft is not None else _ended(s, live, ())


def _ended(s: Situation, live: Group, warnings: tuple[Finding, ...]) -> Answer:
    failed = next((result.error for result in live.results if result.error is not None), None)
    return Answer(Finish(), outcome(s.record, live) or s.record.state, failed, warnings)


def _as_timed(s: Situation, live: Group) -> bool:
    return s.time is None or live.asked_time == s.time


def wrong(s: Situation) -> Answer | None:
    """Something in the folder is wrong: a person must change it."""
    first, *others = s.desired.errors or (None,)
    if first is None:
        return None
    if s.unfit and s.draft is None and (answer := copy_of_one(s, s.desired.to_fit)) is not None:
        return answer  # whether there is a copy of each of the others, so that all that lack one are named at once
    if any(error.code == "NO_CONNECTION" for error in s.desired.errors) and _accounts_are_old(s):
        return Answer(LearnAccounts(s.now), warnings=s.desired.warnings)
    further = (replace(error, is_error=True) for error in others)
    answer = invalid(s, first, (*further, *s.desired.warnings))
    if s.snapshot.reading is not None and s.snapshot.reading.lacks_rights:
        return replace(answer, step=Rest(max(0.0, READ_AGAIN - s.snapshot.read_age)))
    return answer


def empty(s: Situation) -> Answer | None:
    """A file has no length: it is waited for, for a while."""
    found = s.desired.empty
    if found is None:
        return None
    patience = max(10.0, 10 * s.policy.settle) - s.snapshot.quiet
    if patience <= 0 or s.out or _was_empty(s, found):
        return invalid(s, found, s.desired.warnings)
    return Answer(Rest(patience), State.SETTLING, found)


def _was_empty(s: Situation, found: Finding) -> bool:
    """Whether our patience was over before a restart: a folder that changes goes through settling first."""
    error = s.record.error
    same = error is not None and (error.code, error.message) == (found.code, found.message)
    return same and s.live is None and s.record.state is State.INVALID


def missing(s: Situation) -> Answer | None:
    """A file that is named is not there: it is waited for until the post's time."""
    found = s.desired.missing
    if found is None:
        return None
    left = (s.desired.time - s.now).total_seconds() if s.desired.time else None
    if not s.out and (left is None or left > 0):
        return _waiting(s, found, left)
    if not s.snapshot.clock_known:
        return Answer(LearnTime(), s.record.state, found)
    return invalid(s, found, s.desired.warnings)


def _waiting(s: Situation, found: Finding, left: float | None) -> Answer:
    """It is waited for. After an hour that needs a person, who is told once: a name may be misspelt."""
    since = max(s.record.complete_at or s.record.first_seen, s.record.first_seen)
    over = (s.now - since).total_seconds() - WAITS_LONG
    if over < 0:
        return Answer(Rest(min(-over, left or -over)), State.SETTLING, found)
    long = Finding(WAITS_FOR_PERSON, "it has waited for more than an hour", found.hint)
    return Answer(Rest(left), State.SETTLING, found, (long, *s.desired.warnings))


def clock_unknown(s: Situation) -> Answer | None:
    """It could be early or late, and an intent must be in the service's time: that is learnt first."""
    return None if s.snapshot.clock_known else Answer(LearnTime(), warnings=s.record.warnings)


def read_untimed(s: Situation) -> Answer | None:
    """It was read before the time was known: when it was complete, and what `now` means, is still to be written down."""
    timed = s.record.complete_at is not None and (not s.desired.now or s.record.now_time is not None)
    return None if timed else Answer(Read())


def too_old(s: Situation) -> Answer | None:
    """It says `now`, and its files are old: an archive is not published by accident."""
    if s.folder is None or not s.desired.now or s.said(Consent.OLD) or s.live is not None:
        return None
    age = s.record.first_seen.timestamp() - s.folder.modified_at
    if age <= OLD_FOR_NOW:
        return None
    why = f"it asks to go out now, but its files are {age / 86400:.0f} days old"
    return held(Finding("CONFIRM_NOW", why, "if that is meant: postpost-sync retry FOLDER"))


def too_late(s: Situation) -> Answer | None:
    """Its time had passed when the folder was complete."""
    time, record = s.time, s.record
    if time is None or s.desired.next or s.out or s.stands or record.complete_at is None:
        return None
    again = s.said(Consent.ONCE_MORE) and any(group.stage is GroupStage.FOLLOWED for group in record.groups)
    by_config = s.by_config and s.live is not None and s.live.stage is GroupStage.SCHEDULED
    complete_at = s.now if by_config else record.complete_at  # another config asks for it since now
    if again or complete_at <= time + timedelta(seconds=s.policy.late_tolerance):
        return None
    why = f"scheduled_time {for_people(time, s.post.timezone)} had passed when the folder was complete"
    hint = "give a time that is still to come, or now"
    return invalid(s, Finding("TIME_PAST", why, hint), s.desired.warnings)


def missed(s: Situation) -> Answer | None:
    """Its time went by while it could not be scheduled, or waited for room in the plan."""
    time, record = s.time, s.record
    if time is None or s.desired.next or s.out or s.stands or s.said(Consent.LATE):
        return None  # what is queued takes the next slot instead
    held_past = in_line(s.record) and s.now >= time + timedelta(seconds=s.policy.late_tolerance)
    if not held_past and s.now <= time + timedelta(seconds=s.policy.catch_up):
        return None
    shown = for_people(time, s.post.timezone)
    if held_past:
        trouble = record.trouble_with(Effect.UPDATE) or record.trouble
        known = trouble.finding if trouble is not None else record.error
        why = f"its time, {shown}, went by while it was held{_because(known)}"
        past = Finding("HELD_PAST_TIME", why, "give it a new time, or: postpost-sync retry FOLDER")
        return _given_up(s, past)
    why = f"it could not be scheduled in time for {shown}{_because(record.trouble.finding if record.trouble else None)}"
    hint = "change scheduled_time, or: postpost-sync retry FOLDER"
    return _given_up(s, record.gave_up or Finding("MISSED", why, hint))


def _given_up(s: Situation, why: Finding) -> Answer:
    answer = give_up(s, why)
    return Answer(answer.step, answer.state, answer.error, s.desired.warnings)


def _because(why: Finding | None) -> str:
    return f": {why.message}" if why is not None else ""


def accounts(s: Situation) -> Answer | None:
    """Nothing is made before the accounts are known, nor for an id that a list asked for just now lacks.

    What a draft was made with needs no further look: a selector stands for what it stood for then.
    """
    record, post = s.record, s.whole
    made = {p for g in record.groups if g.post_group_id or g.stage is GroupStage.CREATING for p in g.platforms}
    unknown = [found for one, found in s.desired.unknown.items() if one in post.platforms and one not in made]
    never = s.snapshot.accounts_age == math.inf and not made
    anew = any(name not in kept(record) for name in selectors(post))
    unresolved = any(name not in post.resolved for name in selectors(post))
    if (anew or unknown or never) and (unresolved or _accounts_are_old(s)):
        return Answer(LearnAccounts(s.now)) if anew or record.trouble_with(Effect.LEARN_ACCOUNTS) is None else None
    # its post may stand already; or a person said that it is right
    if not unknown or record.unproven or s.said(Consent.ACCOUNT):
        return None
    others = tuple(warning for warning in s.desired.warnings if warning != unknown[0])
    return Answer(Rest(LIST_AGAIN), State.HELD, unknown[0], others)


def limits(s: Situation) -> Answer | None:
    """It asks for a first comment, and whether PostPost takes one is not known yet: an older one drops it silently."""
    return Answer(LearnLimits()) if s.whole.first_comment is not None and s.policy.first_comments is None else None


LIST_AGAIN = 900.0  # seconds after which a list of the accounts that lacks one is asked for again


def _accounts_are_old(s: Situation) -> bool:
    """Whether the list of connected accounts is older than the folder as it is, or than a minute."""
    return s.snapshot.accounts_age > min(s.snapshot.quiet, ACCOUNTS_FRESH)
