"""What is worth telling people, and in which words: pure, from how things stand and what was told before.

A *subject* is one post, folder, root, key or account. What was told of it is its event and its error's code; it is told
again only when one of the two is another. The rules, a line each in tests/test_telling.py:

1. An event that was asked for, and that is not what was told last, is news.
2. A subject that is well makes that over. Of a root, a key and an account this is told too; a post's owner sees it.
3. A post on its way makes it over only once that has lasted: one that flaps between the two is told of once.
4. What is not known now (a root not looked at yet, a key not used yet, a step that is tried again) leaves all as it is.
5. What was published before anybody asked for it is no news.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from postpost_sync.model.errors import Finding, printable
from postpost_sync.model.post import Connection
from postpost_sync.model.program import RootState, RootStatus
from postpost_sync.model.record import Trouble, retried
from postpost_sync.model.states import State
from postpost_sync.model.times import for_people, parse_service_time
from postpost_sync.plan.codes import HELD_LONG, IN_LINE, WAITS_FOR_PERSON

ODD_AGAIN = 1200.0  # seconds: after a start, media without a sidecar are shown only after half of that


class Event(StrEnum):
    """What can be told, in the order of its weight."""

    KEY_REFUSED = "key_refused"
    ROOT_AWAY = "root_away"
    TOKEN_EXPIRING = "token_expiring"  # noqa: S105 - a name, no secret
    FAILED = "failed"
    PARTIALLY_PUBLISHED = "partially_published"
    INVALID = "invalid"
    HELD_TOO_LONG = "held_too_long"
    HELD = "held"  # it waits for a person's word
    PUBLISHED = "published"


DEFAULT_EVENTS = tuple(event for event in Event if event is not Event.PUBLISHED)


class Calm(StrEnum):
    """That there is nothing to tell, and what this means for what was told before."""

    WELL = "well"  # it is over
    ON_ITS_WAY = "on its way"  # it is over once this has lasted
    UNKNOWN = "unknown"  # it stands, and so does what was told of an account's parts


class Kind(StrEnum):
    POST = "post"
    FOLDER = "folder"  # one that is no post folder, although somebody may think that it is one
    ROOT = "root"
    KEY = "key"
    ACCOUNT = "account"


@dataclass(frozen=True, slots=True)
class Standing:
    """How one subject stands. `finding` says why, where it is no post: a post's record says it."""

    kind: Kind
    name: str  # unique among its kind: a post's folder_id, a root's path
    now: Event | Calm
    code: str = ""
    shown: str = ""  # what people call it
    finding: Finding | None = None

    @property
    def subject(self) -> str:
        return f"{self.kind} {self.name}"

    @property
    def what(self) -> str:
        """What is kept as told."""
        return f"{self.now} {self.code}".rstrip()


# --- how things stand -------------------------------------------------------------------------------------------------

_POSTS: Mapping[State, Event | Calm] = {
    State.SETTLING: Calm.ON_ITS_WAY,
    State.INVALID: Event.INVALID,
    State.DRAFTING: Calm.ON_ITS_WAY,
    State.UPLOADING: Calm.ON_ITS_WAY,
    State.DRAFTED: Calm.WELL,
    State.HELD: Event.HELD,
    State.SCHEDULED: Calm.WELL,
    State.PUBLISHED: Event.PUBLISHED,
    State.PARTIALLY_PUBLISHED: Event.PARTIALLY_PUBLISHED,
    State.FAILED: Event.FAILED,
    State.CANCELLED: Calm.WELL,
}

NOTABLE = frozenset(state for state, now in _POSTS.items() if isinstance(now, Event))


def of_post(
    folder_id: str,
    state: State,
    error: Finding | None,
    troubles: tuple[Trouble, ...],
    warnings: tuple[Finding, ...] = (),
) -> Standing:
    """What is tried again by itself is no news, nor is it the post's own that the key is refused."""
    code, now = error.code if error else "", _POSTS[state]
    if retried(error, troubles) or code == "KEY_REFUSED":
        now = Calm.UNKNOWN
    elif state is State.SETTLING and any(one.code == WAITS_FOR_PERSON for one in warnings):
        now = Event.INVALID
    elif state is State.HELD and code == HELD_LONG:
        now = Event.HELD_TOO_LONG
    elif state is State.HELD and code in IN_LINE:
        now = Calm.ON_ITS_WAY  # it goes on by itself when the plan has room
    return Standing(Kind.POST, folder_id, now, code)


def of_root(status: RootStatus) -> list[Standing]:
    """The root, and what is odd in it."""
    root = printable(status.path)
    odd = [
        Standing(
            Kind.FOLDER,
            f"{status.path}/{one.path}",
            Event.INVALID,
            one.finding.code,
            printable(os.path.join(status.path, one.path).rstrip("/")),
            one.finding,
        )
        for one in status.oddities
    ]
    if status.state is RootState.AWAY:
        code = status.error.code if status.error else ""
        return [Standing(Kind.ROOT, status.path, Event.ROOT_AWAY, code, root, status.error), *odd]
    known = Calm.UNKNOWN if status.last_scan is None else Calm.WELL
    back = Finding("ROOT_BACK", "is back")
    return [Standing(Kind.ROOT, status.path, known, "", root, back), *odd]


def of_key(
    digest: str, shown: str, refused: Finding | None, accepted: bool, connections: Sequence[Connection] | None
) -> list[Standing]:
    """The key, and the tokens of the accounts that it can post to; None: they were never asked for."""
    if refused is not None:
        key = Standing(Kind.KEY, digest, Event.KEY_REFUSED, refused.code, shown, refused)
    else:
        now = Calm.WELL if accepted else Calm.UNKNOWN
        key = Standing(Kind.KEY, digest, now, "", shown, Finding("KEY_ACCEPTED", "is accepted again"))
    if connections is None:
        return [key, Standing(Kind.ACCOUNT, digest, Calm.UNKNOWN)]
    return [key, *(_of_account(digest, one) for one in connections)]


def _of_account(digest: str, one: Connection) -> Standing:
    name, hint = f"{digest} {one.platform_id}", "reconnect it in PostPost's dashboard"
    match one.token_status:
        case "expired":
            why = Finding("TOKEN_EXPIRED", "its token has expired: nothing goes out there", hint)
        case "expiring_soon":
            ends = parse_service_time(one.token_expires)
            when = for_people(ends, "UTC") if ends else "soon"
            why = Finding("TOKEN_EXPIRING", f"its token expires {when}", hint)
        case _:
            return Standing(
                Kind.ACCOUNT, name, Calm.WELL, "", one.platform_id, Finding("TOKEN_VALID", "can be posted to")
            )
    return Standing(Kind.ACCOUNT, name, Event.TOKEN_EXPIRING, why.code, one.platform_id, why)


# --- what of it is news -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Changes:
    """`news` and `well` are to be told; what is `over` is to be forgotten, silently; `fading` is kept for the next time."""

    news: tuple[Standing, ...] = ()
    well: tuple[Standing, ...] = ()
    over: frozenset[str] = frozenset()  # subjects
    fading: Mapping[str, float] = field(default_factory=dict)  # subject -> since when what was told may be over

    @property
    def to_tell(self) -> bool:
        return bool(self.news or self.well)

    @property
    def kept(self) -> dict[str, str | None]:
        """What is to be kept once it was told: subject -> what; None: nothing."""
        return {s.subject: s.what for s in self.news} | {s.subject: None for s in self.well}


def compare(
    told: Mapping[str, str],
    standings: Iterable[Standing],
    on: frozenset[Event],
    *,
    fading: Mapping[str, float],
    now: float,
    debounce: float,
) -> Changes:
    """What changed for somebody who was told `told` and asked for the events `on`. Times are monotonic seconds."""
    news, well, over, fades = list[Standing](), list[Standing](), set[str](), dict[str, float]()
    seen, unknown = set(), list[str]()
    for one in standings:
        seen.add(one.subject)
        before = told.get(one.subject)
        if one.now is Calm.UNKNOWN:
            unknown.append(f"{one.subject} ")
            continue
        if one.now in on:
            if before != one.what:
                news.append(one)
        elif before is None:
            continue
        elif one.now is Calm.ON_ITS_WAY:
            fades[one.subject] = fading.get(one.subject, now)
            if now - fades[one.subject] >= debounce:
                over.add(one.subject)
        elif one.now is Calm.WELL and one.kind is not Kind.POST and before.split()[0] in on:
            well.append(one)
        else:
            over.add(one.subject)
    for subject in told.keys() - seen:
        if subject.startswith(tuple(unknown)):
            continue
        if subject.startswith(f"{Kind.FOLDER} "):
            fades[subject] = fading.get(subject, now)
            if now - fades[subject] < ODD_AGAIN:
                continue
        over.add(subject)
    return Changes(tuple(news), tuple(well), frozenset(over), {s: t for s, t in fades.items() if s not in over})


def known_before(standings: Iterable[Standing], on: frozenset[Event], on_before: frozenset[str]) -> dict[str, str]:
    """What counts as told to somebody who asked for more events than before, or for the first time."""
    if Event.PUBLISHED not in on - on_before:
        return {}
    return {one.subject: one.what for one in standings if one.now is Event.PUBLISHED}
