"""What we know of each post folder: its record, what we did for it, and what follows from a record alone.

All are frozen. Times are aware UTC datetimes, durations seconds, sizes bytes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from postpost_sync.model.errors import Finding
from postpost_sync.model.folder import FirstComment, Settings, Stat
from postpost_sync.model.post import Resolved
from postpost_sync.model.states import OVER, IllegalMove, State

# --- what we did ------------------------------------------------------------------------------------------------------


class UploadStage(StrEnum):
    WAITING = "waiting"  # no URL
    SIGNING = "signing"  # a URL was asked for; the answer is not known
    SIGNED = "signed"  # a URL is there, the bytes are not
    STORED = "uploaded"  # the store confirmed every byte


@dataclass(frozen=True, slots=True)
class Sent:
    """The fitted copy that is sent of a file. None where PostPost held it before we knew of the folder."""

    version: int  # of the recipe that it was made by
    size: int | None  # bytes
    width: int | None  # pixels
    height: int | None
    why: str  # which platform takes what, in words


@dataclass(frozen=True, slots=True)
class Upload:
    """One media record of a post group: which file, under which name, how far.

    `stat` and `sha256` are the file's, also where a fitted copy is sent; `content_type` is that of what is sent.
    """

    position: int
    name: str
    upload_name: str
    content_type: str
    stat: Stat
    stage: UploadStage = UploadStage.WAITING
    sha256: str | None = None
    url: str | None = None  # secret
    file_url: str | None = None
    media_id: str | None = None
    expires_at: datetime | None = None
    refused: int = 0  # how many of its URLs the store refused
    resets: int = 0  # how often in a row the connection broke with the present URL
    sent: int = 0
    sent_as: Sent | None = None  # None: the file itself


class GroupStage(StrEnum):
    CREATING = "creating"  # the create was or may have been sent; no answer is known
    DRAFT = "draft"
    SCHEDULED = "scheduled"
    WITHDRAWN = "withdrawn"  # was scheduled, put back to draft to make room for its successor
    GOING_OUT = "going_out"  # no longer editable; what became of it is not known yet
    ENDED = "ended"  # published, partially published or failed at PostPost
    FOLLOWED = "followed"  # ended, and what failed or was deleted there is posted once more by a later group
    DOOMED = "doomed"  # ours and no longer wanted: to be deleted
    GONE = "gone"  # deleted, or never came to be


SPENT = frozenset({GroupStage.ENDED, GroupStage.FOLLOWED, GroupStage.GONE})  # nothing is done about these any more
STAGE_MOVES: Mapping[GroupStage, frozenset[GroupStage]] = {
    GroupStage.CREATING: frozenset({GroupStage.DRAFT, GroupStage.GONE}),
    # also by somebody in the dashboard, or by an update-post whose answer was lost
    GroupStage.DRAFT: frozenset(
        {GroupStage.SCHEDULED, GroupStage.GOING_OUT, GroupStage.WITHDRAWN, GroupStage.DOOMED, GroupStage.GONE}
    ),
    GroupStage.SCHEDULED: frozenset({GroupStage.WITHDRAWN, GroupStage.GOING_OUT, GroupStage.ENDED, GroupStage.DOOMED}),
    GroupStage.WITHDRAWN: frozenset({GroupStage.SCHEDULED, GroupStage.GOING_OUT, GroupStage.DOOMED, GroupStage.GONE}),
    GroupStage.GOING_OUT: frozenset({GroupStage.ENDED}),
    GroupStage.ENDED: frozenset({GroupStage.FOLLOWED}),
    GroupStage.FOLLOWED: frozenset(),
    # deleted; deleted because a person wanted that; or it was going out after all
    GroupStage.DOOMED: frozenset({GroupStage.GONE, GroupStage.ENDED, GroupStage.GOING_OUT}),
    GroupStage.GONE: frozenset(),
}


def check_stage(old: GroupStage, new: GroupStage) -> None:
    """Raise IllegalMove unless `new` is `old` or may follow it."""
    if new != old and new not in STAGE_MOVES[old]:
        raise IllegalMove(f"{old} -> {new}")


@dataclass(frozen=True, slots=True)
class Issued:
    """One answer (or lost answer) of get-upload-url: a media record that may exist in the group."""

    position: int
    media_id: str | None
    file_url: str | None


@dataclass(frozen=True, slots=True)
class ReadBack:
    """What list-posts said about a draft before it is scheduled."""

    found: bool
    media: int | None  # how many media the service lists; None where it does not say
    strangers: int  # of these, how many are certainly not ours
    first_at: datetime
    at: datetime
    ours: int | None = None  # how many of our files are certainly among them; None where that cannot be told


# the service's codes of a post that failed, and may be out all the same
MAYBE_OUT = frozenset({"THREAD_PARTIALLY_PUBLISHED", "PUBLISH_OUTCOME_UNKNOWN"})


@dataclass(frozen=True, slots=True)
class PlatformResult:
    platform_id: str
    status: str
    posted_id: str | None = None
    error: Finding | None = None
    retryable: bool | None = None
    no_comment: str | None = None  # why the first comment is not below it, where it was asked for
    url: str | None = None  # where it can be seen


@dataclass(frozen=True, slots=True)
class Group:
    """One post group at PostPost that we made, or may have made."""

    key: int
    stage: GroupStage
    post_group_id: str | None
    intent_at: datetime  # server time
    content: str
    platforms: tuple[str, ...]
    platform_settings: Settings
    uploads: tuple[Upload, ...] = ()
    resolved: Resolved = field(default_factory=dict)  # what the folder's selectors stood for when it was made
    issued: tuple[Issued, ...] = ()
    read_back: ReadBack | None = None
    asked_time: datetime | None = None
    answered_time: datetime | None = None
    searches: int = 0  # how often an unknown create was looked for
    results: tuple[PlatformResult, ...] = ()
    outcome: State | None = None
    checked_at: datetime | None = None  # when get-post was last asked
    lost: bool = False  # the service answered that it does not know it
    unseen: bool = False  # the list of scheduled posts lacked it: get-post is to say why
    elsewhere: Finding | None = None  # what somebody else changed about it at PostPost
    placed_at: datetime | None = None  # server time at which update-post last said what it is
    updating: bool = False  # the intent: an update-post may have changed what it is, or its time
    # digest of the key and user id that made it, or was shown it since; no other can tell what became of it
    account: str = ""
    again: bool = False  # followed also where some of it is out, since a person said so
    intent: str = ""  # the Idempotency-Key of its create
    adopted: bool = False  # found at PostPost, and not proved to be made by us: it is never deleted by itself
    first_comment: FirstComment | None = None
    said: tuple[Finding, ...] = ()  # warnings in PostPost's answers about it
    mark: str = ""  # of the folder that it was made of: tells an edit of it from another config

    @property
    def records_possible(self) -> int:
        """How many media records may exist under it because of us: a lost answer counts, a reissued record does not."""
        known = {i.media_id for i in self.issued if i.media_id is not None}
        return len(known) + sum(i.media_id is None for i in self.issued)


class Effect(StrEnum):
    """What can fail and is tried again: a kind of step, by a name that the database keeps."""

    READ = "read"
    HASH = "hash"
    FIT = "fit"
    LEARN_TIME = "learn time"
    LEARN_ACCOUNTS = "learn accounts"
    LEARN_LIMITS = "learn limits"
    COMPARE = "compare"
    RECOGNISE = "recognise"
    CREATE = "create"
    SEARCH = "search"
    TRANSFER = "transfer"
    READ_BACK = "read back"
    UPDATE = "update"
    PUT_BACK = "put back"
    WITHDRAW = "withdraw"
    ASK = "ask"
    DELETE = "delete"
    ADVANCE = "advance"  # a defect of ours, whatever the step


class TroubleKind(StrEnum):
    RETRY = "retry"  # tried again by itself at `until`
    REFUSED = "refused"  # the service said no to what the folder asks; over when the folder changes, or at `until`
    HELD = "held"  # over at `until`, or when a person says so


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why the last effect did not work, and when the next try is due."""

    step: Effect  # what it was that did not work
    kind: TroubleKind
    finding: Finding
    since: datetime
    until: datetime | None = None
    attempts: int = 1
    file: str | None = None  # the name of the one it is about, where it is one


class Consent(StrEnum):
    """What a person's `retry` said yes to: what the folder was held for, or had come to. Used up by what it leads to."""

    OLD = "old"  # it goes out now, although its files are old
    LATE = "late"  # it goes out, although its time has gone by
    ACCOUNT = "account"  # the account is right, although PostPost does not list it
    COPY = "copy"  # it is meant, although it is a copy of another folder
    MEDIA = "media"  # its media are all that is meant, although it looks as if one were lacking
    DUPLICATE = "duplicate"  # it is meant, although another folder has the same post
    OURS = "ours"  # what PostPost holds with its text is the folder's
    MAYBE = "maybe"  # it is meant, although PostPost may hold it already
    ADOPTED = "adopted"  # the folder counts, although the post it replaces was found at PostPost and may be another's
    DIFFERS = "differs"  # it is a new post, whatever PostPost holds under the id in its status file
    NEW_DRAFT = "new draft"  # another one is made, although what was made before may be there in another's hands
    ELSEWHERE = "elsewhere"  # the folder counts, although somebody changed the post at PostPost
    ONCE_MORE = "once more"  # what failed, or was deleted, is posted again
    AGAIN = "again"  # also where some of it is out, or may be


@dataclass(frozen=True, slots=True)
class Claim:
    """What a folder's status file says of a post that our records do not know. To be believed only as far as it proves."""

    post_group_id: str | None
    foreign: bool  # written by another installation
    state: str
    time: datetime | None = None  # as PostPost had answered
    asked_time: datetime | None = None
    differs: bool = False  # PostPost shows something else under that id
    slot: datetime | None = None  # of the queue, which it had taken
    lost: bool = False  # PostPost holds nothing under that id, nor anything like the folder
    doubtful: bool = False  # PostPost shows the same text there, and whether its media are the folder's cannot be told
    digest: str = ""  # of text and settings
    media: tuple[str, ...] = ()  # SHA-256 of each file, in order; "-" where it was not known
    proof: str = ""  # that we wrote the above
    platforms: tuple[str, ...] = ()  # it went to; only ever a reason to wait
    maybe: tuple[str, ...] = ()  # post groups for which it was held, since one of them may be its own


@dataclass(frozen=True, slots=True)
class MediaName:
    """A file of the post, for showing it before its upload has a row of its own."""

    name: str
    size: int


@dataclass(frozen=True, slots=True)
class Record:
    """All that is known about one post folder, as the database has it."""

    key: int
    folder_id: str
    root: str
    path: str
    inode: int
    device: int
    state: State
    first_seen: datetime
    updated_at: datetime
    fingerprint: str = ""  # the folder as it was when it last had settled
    complete_at: datetime | None = None  # when that came to be
    now_time: datetime | None = None  # what `scheduled_time: now` was resolved to
    slot: datetime | None = None  # of its root's queue, taken for `scheduled_time: next`; nobody else's
    consents: tuple[Consent, ...] = ()  # what a person said yes to
    cancel: str | None = None  # the fingerprint of the folder of which a person said: take it back
    rebuilds: int = 0
    gave_up: Finding | None = None  # why no further draft is made for this fingerprint, until a person says so
    done: bool = False  # nothing more is wanted for this fingerprint than what stands at PostPost
    timezone: str = "UTC"  # how its time is shown
    platforms: tuple[str, ...] = ()
    media: tuple[MediaName, ...] = ()
    time: datetime | None = None  # the time the folder asks for
    error: Finding | None = None
    warnings: tuple[Finding, ...] = ()
    retry_at: datetime | None = None
    troubles: tuple[Trouble, ...] = ()  # at most one a kind of step, and a file where it is about one; the newest last
    groups: tuple[Group, ...] = ()
    previous: tuple[str, ...] = ()  # post groups this folder had before
    claim: Claim | None = None
    copy_of: str | None = None  # folder_id of the folder whose copy it seems to be
    copied: str = ""  # what it asked for when it was held as a copy: it is one until it asks for something else
    unproven: bool = False  # PostPost may hold its post already: it is asked before anything is created
    missed_at: datetime | None = None  # when it was first seen to be gone; None: it is there, or its root is not
    part: str = ""  # which post of the folder, by the name of its entry in `per_platform`: "" is the main one
    maybe: tuple[str, ...] = ()  # post groups that may be its own, of whatever text it had then: it is held for them
    asked: str = ""  # its mark, as it was read last: what it asks for by what lies in it alone
    config: str = ""  # digest of what the config said of its root then
    restless_at: datetime | None = None  # since when it has changed again and again; None: it was read since

    def trouble_with(self, step: Effect, file: str | None = None) -> Trouble | None:
        """Why the last step of that kind did not work, for that `file` or for none in particular; None where it did."""
        of_it = (one for one in self.troubles if one.step == step and (file is None or one.file in (None, file)))
        return next(of_it, None)

    @property
    def trouble(self) -> Trouble | None:
        """The newest one."""
        return self.troubles[-1] if self.troubles else None


# --- what follows from a record alone ---------------------------------------------------------------------------------


def retried(error: Finding | None, troubles: tuple[Trouble, ...]) -> bool:
    """Whether that error is about something that is tried again by itself."""
    return any(trouble.kind is TroubleKind.RETRY and trouble.finding == error for trouble in troubles)


def gone_for_good(record: Record) -> bool:
    """Whether its folder is not there, and nothing is left to be done: its post went out, or was taken back."""
    return record.missed_at is not None and record.state in OVER and all(one.stage in SPENT for one in record.groups)


def live_group(record: Record) -> Group | None:
    """The post that stands (or stood) scheduled for this folder."""
    stages = (GroupStage.SCHEDULED, GroupStage.GOING_OUT, GroupStage.ENDED), (GroupStage.WITHDRAWN,)
    for wanted in stages:
        if found := [g for g in record.groups if g.stage in wanted]:
            return found[-1]
    return None


def is_out(live: Group | None) -> bool:
    """Whether the folder's post has left our hands: it can be neither edited nor taken back."""
    return live is not None and live.stage in (GroupStage.ENDED, GroupStage.GOING_OUT)


def draft_group(record: Record) -> Group | None:
    """The draft that is being built."""
    drafts = [g for g in record.groups if g.stage in (GroupStage.CREATING, GroupStage.DRAFT)]
    return drafts[-1] if drafts else None


def made_with(record: Record) -> str:
    """The digest of the key that made what the folder has at PostPost, or may have; "" where that is nothing."""
    over = (GroupStage.ENDED, GroupStage.FOLLOWED, GroupStage.GONE)
    return next((g.account for g in reversed(record.groups) if g.stage not in over), "")


def other_key(group: Group, digest: str) -> bool:
    """Whether another key than this one made the group: then it says nothing that this one does not know it."""
    return group.account not in ("", digest)


def kept(record: Record) -> Resolved:
    """What the folder's selectors stand for, as long as it has the draft or post that was made with that.

    Also one that was cancelled, until another is to follow it: an account that is connected since is no edit of the folder.
    """
    standing = [g for g in (live_group(record), draft_group(record)) if g is not None]
    made = standing or [g for g in record.groups if g.post_group_id is not None][-1:]  # to be made anew
    alive = (g for g in made if g.stage is not GroupStage.FOLLOWED or g.outcome is not State.CANCELLED)
    return {name: ids for g in alive for name, ids in g.resolved.items()}


def served(record: Record) -> frozenset[str]:
    """The platforms on which earlier groups of this folder went out, or may have: none of them is posted to again."""
    earlier = [g for g in record.groups if g.stage is GroupStage.FOLLOWED and g.outcome is not State.CANCELLED]
    return frozenset(p for g in earlier for p in g.platforms if p not in _posted_again(g))


def failed_platforms(group: Group) -> frozenset[str]:
    """Those on which nothing of it is out: every entry failed, and none may be live all the same."""
    return frozenset(result.platform_id for result in group.results) - _out(group)


def partly_out(group: Group) -> frozenset[str]:
    """Those on which it failed, and on which some of it is out, or may be: it is never sent there again by itself."""
    return frozenset(result.platform_id for result in group.results if result.status == "failed") & _out(group)


def _out(group: Group) -> frozenset[str]:
    return frozenset(result.platform_id for result in group.results if _may_be_out(result))


def _may_be_out(result: PlatformResult) -> bool:
    said = result.error is not None and result.error.code in MAYBE_OUT
    return result.status != "failed" or result.posted_id is not None or said


def _posted_again(group: Group) -> frozenset[str]:
    """On which platforms a group that was followed is posted by the one that follows it."""
    return failed_platforms(group) | (partly_out(group) if group.again else frozenset())


def kept_results(record: Record) -> tuple[PlatformResult, ...]:
    """What earlier groups of this folder brought about, where that stays as it is."""
    earlier = [g for g in record.groups if g.stage is GroupStage.FOLLOWED and g.outcome is not State.CANCELLED]
    return tuple(result for g in earlier for result in g.results if result.platform_id not in _posted_again(g))


def outcome(record: Record, live: Group) -> State | None:
    """What became of the folder's post as a whole."""
    if live.outcome is State.FAILED and served(record):
        return State.PARTIALLY_PUBLISHED
    return live.outcome


# --- the parts of a folder, to one another ----------------------------------------------------------------------------


def may_hold(record: Record) -> frozenset[str]:
    """The accounts on which it has a post that stands scheduled, or may: one that is a draft for the moment goes back."""
    stands = (GroupStage.SCHEDULED, GroupStage.WITHDRAWN, GroupStage.DOOMED)
    groups = (g for g in record.groups if g.stage in stands or (g.updating and g.stage is GroupStage.DRAFT))
    return frozenset(account for group in groups for account in group.platforms)


def is_out_on(record: Record) -> frozenset[str]:
    """The accounts on which a post of it is out, or may be: what failed for certain, or was deleted before, is not."""
    ended = (GroupStage.ENDED, GroupStage.FOLLOWED)
    groups = (
        g
        for g in record.groups
        if g.stage is GroupStage.GOING_OUT or (g.stage in ended and g.outcome is not State.CANCELLED)
    )
    return frozenset(account for g in groups for account in g.platforms if account not in failed_platforms(g))


def unresolved(record: Record) -> Claim | None:
    """What its status file says that it has at PostPost, as long as it is not known whether that is so."""
    claim = record.claim
    return claim if claim is not None and claim.post_group_id is not None and not claim.lost else None
