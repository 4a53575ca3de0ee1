"""The steps that `plan` can answer with and `sync` can carry out, and the decision around one. Values only."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from postpost_sync.model.errors import Finding
from postpost_sync.model.folder import MediaFile
from postpost_sync.model.post import Post
from postpost_sync.model.record import Effect, Group, Upload
from postpost_sync.model.states import State


@dataclass(frozen=True, slots=True)
class Rest:
    """Nothing to do for `after` seconds; None: until something changes."""

    after: float | None = None


@dataclass(frozen=True, slots=True)
class Read:
    """Read the sidecar and what the files are; the folder has settled as it is."""

    effect: ClassVar[Effect] = Effect.READ


@dataclass(frozen=True, slots=True)
class Hash:
    """Hash these files: they were touched, and only their bytes tell whether they changed."""

    effect: ClassVar[Effect] = Effect.HASH
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Fit:
    """Make the fitted copy of a file that is sent instead of it, or find the one that was made."""

    effect: ClassVar[Effect] = Effect.FIT
    file: MediaFile


@dataclass(frozen=True, slots=True)
class Create:
    effect: ClassVar[Effect] = Effect.CREATE
    post: Post


@dataclass(frozen=True, slots=True)
class Recognise:
    """Find out whether PostPost holds this post already. `looks`: the post group that shows all that the folder asks for.

    `post` None: nothing is asked for any more; whether what the status file names is there, and proved to be ours.
    `said`: a person says that it is the folder's.
    """

    effect: ClassVar[Effect] = Effect.RECOGNISE
    post: Post | None
    time: datetime | None
    looks: str | None = None
    said: bool = False


@dataclass(frozen=True, slots=True)
class LearnTime:
    """Ask PostPost for anything: each of its answers says what time it is there."""

    effect: ClassVar[Effect] = Effect.LEARN_TIME


@dataclass(frozen=True, slots=True)
class LearnAccounts:
    """Ask PostPost which accounts are connected, unless somebody has asked since."""

    effect: ClassVar[Effect] = Effect.LEARN_ACCOUNTS
    since: datetime


@dataclass(frozen=True, slots=True)
class LearnLimits:
    """Ask PostPost what each platform takes, unless somebody has: what can be asked there takes first comments, too."""

    effect: ClassVar[Effect] = Effect.LEARN_LIMITS


@dataclass(frozen=True, slots=True)
class Compare:
    """Ask PostPost what it holds, unless that was asked later than `since`."""

    effect: ClassVar[Effect] = Effect.COMPARE
    since: datetime


@dataclass(frozen=True, slots=True)
class LookFor:
    """Ask PostPost whether it still holds these post groups, which it lists among the older ones, or not yet."""

    effect: ClassVar[Effect] = Effect.COMPARE
    post_group_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Search:
    """Look for a draft whose create was not answered."""

    effect: ClassVar[Effect] = Effect.SEARCH
    group: Group


@dataclass(frozen=True, slots=True)
class Transfer:
    """Ask for a URL unless one is alive, and send the bytes."""

    effect: ClassVar[Effect] = Effect.TRANSFER
    group: Group
    upload: Upload


@dataclass(frozen=True, slots=True)
class Abort:
    """End the transfers under way: what they send is no longer wanted."""


@dataclass(frozen=True, slots=True)
class CheckDraft:
    """Read the draft back and compare its media with ours."""

    effect: ClassVar[Effect] = Effect.READ_BACK
    group: Group


@dataclass(frozen=True, slots=True)
class Update:
    """Schedule the group for `time`, or make it a draft again (`time` None). `asked` is what the folder asked for."""

    effect: ClassVar[Effect] = Effect.UPDATE
    group: Group
    time: datetime | None
    asked: datetime | None


@dataclass(frozen=True, slots=True)
class PutBack(Update):
    """Schedule the earlier post again: the one that was to take its place was refused, for the reason in `gave_up`."""

    effect: ClassVar[Effect] = Effect.PUT_BACK
    gave_up: Finding | None = None


@dataclass(frozen=True, slots=True)
class Withdraw(Update):
    """Make a post a draft: it is moved too far ahead for the plan, or may stand although the update-post that was to
    schedule it was refused in the end."""

    effect: ClassVar[Effect] = Effect.WITHDRAW


@dataclass(frozen=True, slots=True)
class Ask:
    """Ask what became of a group (get-post)."""

    effect: ClassVar[Effect] = Effect.ASK
    group: Group
    silence_counts: bool = (
        False  # whether it may have failed on an account of which nothing is said, unlike of the others
    )


@dataclass(frozen=True, slots=True)
class Doom:
    """Write down that the group is to be deleted. `rebuild`: because it has media records without bytes; `gave_up`: why
    no other draft is to follow it by itself."""

    group: Group
    rebuild: bool = False
    gave_up: Finding | None = None


@dataclass(frozen=True, slots=True)
class Follow:
    """Write down that the group has ended, and that another is to serve the platforms on which it failed.

    `again`: also those on which some of it is out.
    """

    group: Group
    again: bool = False


@dataclass(frozen=True, slots=True)
class HoldFor:
    """Write down which post groups may be the folder's: an edit of it does not make them another's."""

    post_group_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class HoldCopy:
    """Write down what a copy asks for: it is held as long as it asks for that. And whose copy it is, where that is news."""

    mark: str
    copy_of: str | None = None


@dataclass(frozen=True, slots=True)
class Delete:
    effect: ClassVar[Effect] = Effect.DELETE
    group: Group


@dataclass(frozen=True, slots=True)
class TakeSlot:
    """Take the first free slot of the root's queue that is not before `since`; nobody else's from then on."""

    since: datetime


@dataclass(frozen=True, slots=True)
class LeaveSlot:
    """Write down that its slot is free again."""


@dataclass(frozen=True, slots=True)
class Abandon:
    """The group never came to be."""

    group: Group


@dataclass(frozen=True, slots=True)
class Finish:
    """What stands at PostPost is what the folder asks for."""


@dataclass(frozen=True, slots=True)
class Forget:
    """The folder is gone and nothing of it stands at PostPost."""


# what can fail, and is tried again
Tried = (
    Read
    | Hash
    | Fit
    | LearnTime
    | LearnAccounts
    | LearnLimits
    | Compare
    | LookFor
    | Recognise
    | Create
    | Search
    | Transfer
    | CheckDraft
    | Update
    | Ask
    | Delete
)
Step = Tried | Rest | Abort | Doom | Follow | TakeSlot | LeaveSlot | HoldCopy | HoldFor | Abandon | Finish | Forget


@dataclass(frozen=True, slots=True)
class Decision:
    """The next step, and what a person should see until it is done. `post`: what is asked for, where that is known."""

    step: Step
    state: State
    error: Finding | None = None
    warnings: tuple[Finding, ...] = ()
    post: Post | None = None
    time: datetime | None = None
    retry_at: datetime | None = None  # the earliest moment it can go on, where `step` does not say that
    rule: str = ""  # that gave the answer
    nothing: bool = False  # whether nothing is asked of this part, and nothing stands of it
