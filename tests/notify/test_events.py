"""What is worth telling: a table of what was told, how things stand, and what comes of it; and the words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from postpost_sync.model.errors import Finding
from postpost_sync.model.post import Connection
from postpost_sync.model.program import Oddity, RootState, RootStatus
from postpost_sync.model.record import Effect, Record, Trouble, TroubleKind
from postpost_sync.model.states import State
from postpost_sync.notify.events import (
    DEFAULT_EVENTS,
    ODD_AGAIN,
    Calm,
    Changes,
    Event,
    Kind,
    Standing,
    compare,
    known_before,
    of_key,
    of_post,
    of_root,
)
from postpost_sync.notify.messages import LONGEST, NAMED, Tone, message
from postpost_sync.plan.codes import HELD_LONG, IN_LINE

NOW = datetime(2026, 12, 1, 8, tzinfo=UTC)
ON = frozenset(DEFAULT_EVENTS)
ALL = frozenset(Event)
BAD = Finding("UNKNOWN_KEY", 'post.yaml, line 2: "platfroms" is not a key', 'did you mean "platforms"?')


def post(now: Event | Calm, code: str = "", name: str = "1") -> Standing:
    return Standing(Kind.POST, name, now, code)


def root(now: Event | Calm) -> Standing:
    return Standing(Kind.ROOT, "/srv", now)


def changes(
    told: Mapping[str, str],
    *standings: Standing,
    on: frozenset[Event] = ON,
    fading: Mapping[str, float] | None = None,
    now: float = 1000.0,
) -> Changes:
    return compare(told, standings, on, fading=fading or {}, now=now, debounce=60.0)


# --- the table --------------------------------------------------------------------------------------------------------

INVALID, AWAY = {"post 1": "invalid A"}, {"root /srv": "root_away"}

TABLE = [
    # what it is about, what was told, how it stands, what is news, what is well, what is over
    ("nothing", {}, post(Calm.WELL), False, False, False),
    ("on its way from the start", {}, post(Calm.ON_ITS_WAY), False, False, False),
    ("invalid", {}, post(Event.INVALID, "A"), True, False, False),
    ("still invalid", INVALID, post(Event.INVALID, "A"), False, False, False),
    ("invalid for another reason", INVALID, post(Event.INVALID, "B"), True, False, False),
    ("failed after it was invalid", INVALID, post(Event.FAILED, "A"), True, False, False),
    ("mended", INVALID, post(Calm.WELL), False, False, True),
    ("being read again", INVALID, post(Calm.ON_ITS_WAY), False, False, False),
    ("tried again by itself", INVALID, post(Calm.UNKNOWN), False, False, False),
    ("published, and nobody asked", {}, post(Event.PUBLISHED), False, False, False),
    ("published after all, and nobody asked", INVALID, post(Event.PUBLISHED), False, False, True),
    ("a root that is away", {}, root(Event.ROOT_AWAY), True, False, False),
    ("a root that is still away", AWAY, root(Event.ROOT_AWAY), False, False, False),
    ("a root that is back", AWAY, root(Calm.WELL), False, True, False),
    ("a root that was not looked at yet", AWAY, root(Calm.UNKNOWN), False, False, False),
    ("a root that was always there", {}, root(Calm.WELL), False, False, False),
]


@pytest.mark.parametrize(
    ("told", "standing", "news", "well", "over"), [row[1:] for row in TABLE], ids=[row[0] for row in TABLE]
)
def test_what_comes_of_it(told: dict[str, str], standing: Standing, news: bool, well: bool, over: bool) -> None:
    found = changes(told, standing)
    assert (bool(found.news), bool(found.well), bool(found.over)) == (news, well, over)


def test_what_was_told_is_not_told_again_and_what_is_well_can_be_told_anew() -> None:
    first = changes({}, post(Event.INVALID, "A"), root(Event.ROOT_AWAY))
    told = {subject: what for subject, what in first.kept.items() if what is not None}
    assert told == {"post 1": "invalid A", "root /srv": "root_away"}
    assert not changes(told, post(Event.INVALID, "A"), root(Event.ROOT_AWAY)).to_tell
    assert changes(told, post(Event.INVALID, "A"), root(Calm.WELL)).kept == {"root /srv": None}


def test_a_post_that_flaps_between_invalid_and_settling_is_told_of_once() -> None:
    told, fading = dict(INVALID), dict[str, float]()
    for second in range(0, 600, 20):
        found = changes(told, post(Calm.ON_ITS_WAY), fading=fading, now=float(second))
        assert not found.over
        found = changes(told, post(Event.INVALID, "A"), fading=found.fading, now=second + 10.0)
        assert not found.to_tell
        fading = dict(found.fading)
    assert fading == {}


def test_a_post_that_was_on_its_way_for_longer_is_told_of_again() -> None:
    """Such as one that failed, was tried again by a person, and fails in the same way."""
    found = changes(INVALID, post(Calm.ON_ITS_WAY), now=0.0)
    assert found.fading == {"post 1": 0.0}
    assert not changes(INVALID, post(Calm.ON_ITS_WAY), fading=found.fading, now=59.0).over
    assert changes(INVALID, post(Calm.ON_ITS_WAY), fading=found.fading, now=60.0).over == {"post 1"}


def test_what_is_no_longer_there_is_forgotten() -> None:
    assert changes(INVALID | AWAY).over == {"post 1", "root /srv"}


def test_a_folder_without_a_sidecar_is_not_told_of_at_each_start() -> None:
    """It is seen as one only ten minutes after a start."""
    told = {"folder /srv/x": "invalid NO_SIDECAR"}
    found = changes(told, now=0.0)
    assert not found.over
    assert not changes(told, Standing(Kind.FOLDER, "/srv/x", Event.INVALID, "NO_SIDECAR"), fading=found.fading).to_tell
    assert changes(told, fading=found.fading, now=ODD_AGAIN).over == {"folder /srv/x"}


def test_the_accounts_of_a_key_that_was_not_asked_yet_stay_as_they_were_told() -> None:
    told = {"account k twitter-1": "token_expiring TOKEN_EXPIRED", "account other x": "token_expiring TOKEN_EXPIRED"}
    assert changes(told, *of_key("k", "the key", None, False, None)).over == {"account other x"}


def test_only_what_was_asked_for_is_told() -> None:
    everything = [post(event, "A", name=event) for event in Event]
    for on in (ON, ALL, frozenset[Event](), frozenset({Event.FAILED})):
        assert {one.now for one in changes({}, *everything, on=on).news} == on
    assert not changes(AWAY, root(Calm.WELL), on=frozenset()).to_tell


def test_what_was_published_before_it_was_asked_for_is_no_news() -> None:
    there = [post(Event.PUBLISHED), post(Event.INVALID, "A", name="2")]
    assert known_before(there, ON, frozenset()) == {}
    assert known_before(there, ALL, frozenset(ALL)) == {}
    for before in (frozenset[str](), frozenset(ON)):
        told = known_before(there, ALL, before)
        assert told == {"post 1": "published"}
        assert [one.name for one in changes(told, *there, on=ALL).news] == ["2"]


# --- how things stand -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("state", "code", "now"),
    [
        (State.SETTLING, "MEDIA_MISSING", Calm.ON_ITS_WAY),
        (State.INVALID, "UNKNOWN_KEY", Event.INVALID),
        (State.DRAFTING, "", Calm.ON_ITS_WAY),
        (State.UPLOADING, "SERVICE_TROUBLE", Calm.ON_ITS_WAY),
        (State.DRAFTED, "", Calm.WELL),
        (State.HELD, "COPY_OF", Event.HELD),
        (State.HELD, HELD_LONG, Event.HELD_TOO_LONG),
        *((State.HELD, code, Calm.ON_ITS_WAY) for code in sorted(IN_LINE)),
        (State.SCHEDULED, "", Calm.WELL),
        (State.PUBLISHED, "", Event.PUBLISHED),
        (State.PARTIALLY_PUBLISHED, "TOO_LONG", Event.PARTIALLY_PUBLISHED),
        (State.FAILED, "MISSED", Event.FAILED),
        (State.CANCELLED, "", Calm.WELL),
        (State.HELD, "KEY_REFUSED", Calm.UNKNOWN),
    ],
)
def test_how_a_post_stands(state: State, code: str, now: Event | Calm) -> None:
    assert of_post("1", state, Finding(code, "why") if code else None, ()) == post(now, code)


def test_a_retry_is_no_news_whatever_the_state() -> None:
    error = Finding("SERVICE_UNREACHABLE", "no network")
    retry = (Trouble(Effect.ASK, TroubleKind.RETRY, error, NOW, NOW),)
    refused = (replace(retry[0], kind=TroubleKind.REFUSED),)
    assert {of_post("1", state, error, retry).now for state in State} == {Calm.UNKNOWN}
    assert of_post("1", State.FAILED, error, refused).now is Event.FAILED


def test_how_a_root_stands() -> None:
    there = RootStatus("/srv", "native", RootState.OK)
    seen = replace(there, last_scan=NOW)
    away = replace(seen, state=RootState.AWAY, error=Finding("ROOT_AWAY", "/srv is away: it is empty", "mount it"))
    odd = replace(seen, oddities=(Oddity("a", Finding("NO_SIDECAR", "no sidecar")), Oddity("", BAD)))
    assert [one.now for one in of_root(there)] == [Calm.UNKNOWN]
    assert [one.now for one in of_root(seen)] == [Calm.WELL]
    assert [one.now for one in of_root(replace(seen, state=RootState.DEGRADED))] == [Calm.WELL]
    assert [one.what for one in of_root(away)] == ["root_away ROOT_AWAY"]
    assert [one.now for one in of_root(replace(there, state=RootState.AWAY))] == [Event.ROOT_AWAY]
    assert [(one.subject, one.shown) for one in of_root(odd)[1:]] == [
        ("folder /srv/a", "/srv/a"),
        ("folder /srv/", "/srv"),
    ]


def test_how_a_key_and_its_accounts_stand() -> None:
    refused = Finding("KEY_REFUSED", "PostPost does not accept the API key")
    assert [one.now for one in of_key("k", "", refused, False, None)] == [Event.KEY_REFUSED, Calm.UNKNOWN]
    assert [one.now for one in of_key("k", "", None, False, ())] == [Calm.UNKNOWN]
    assert [one.now for one in of_key("k", "", None, True, ())] == [Calm.WELL]
    statuses = {"valid": Calm.WELL, "unknown": Calm.WELL, "expired": Event.TOKEN_EXPIRING}
    statuses["expiring_soon"] = Event.TOKEN_EXPIRING
    connections = [Connection(f"x-{status}", "", status, "2026-12-05T10:00:00.000Z", None) for status in statuses]
    found = of_key("k", "", None, True, connections)[1:]
    assert [one.now for one in found] == list(statuses.values())
    assert found[2].what != found[3].what, "it is told once more when it has expired"
    assert found[3].finding is not None
    assert "Sat 5 Dec 2026 10:00 (UTC)" in found[3].finding.message


# --- the words --------------------------------------------------------------------------------------------------------


def record(folder_id: str, state: State = State.INVALID, error: Finding | None = BAD) -> Record:
    return Record(1, folder_id, "/srv", f"launch {folder_id}", 1, 1, state, NOW, NOW, error=error, platforms=("x-1",))


def test_one_post_in_words() -> None:
    found = message(changes({}, post(Event.INVALID, "A")), record)
    assert found.title == "postpost-sync: 1 post needs a change"
    assert found.body == (
        '/srv/launch 1\nNeeds a change: post.yaml, line 2: "platfroms" is not a key.\nhint: did you mean "platforms"?'
    )
    assert found.tone is Tone.FAILURE


def test_a_thousand_are_one_message_that_names_the_first_and_counts_the_others() -> None:
    asked = []

    def record_of(folder_id: str) -> Record:
        asked.append(folder_id)
        return record(folder_id)

    found = message(changes({}, *(post(Event.INVALID, "A", str(n)) for n in range(1000))), record_of)
    assert found.title == "postpost-sync: 1,000 posts need a change"
    assert found.body.count("Needs a change") == NAMED
    assert found.body.endswith(f"… and {1000 - NAMED} more; postpost-sync status shows them")
    assert asked == [str(n) for n in range(NAMED)]


def test_several_kinds_are_said_in_the_order_of_their_weight() -> None:
    away = Standing(Kind.ROOT, "/srv", Event.ROOT_AWAY, "ROOT_AWAY", "/srv", Finding("ROOT_AWAY", "it is empty"))
    back = Standing(Kind.ROOT, "/mnt", Calm.WELL, "", "/mnt", Finding("ROOT_BACK", "is back"))
    standings = [post(Event.PUBLISHED, name="2"), back, post(Event.FAILED, "M"), away]
    found = message(changes({"root /mnt": "root_away"}, *standings, on=ALL), record)
    assert found.title == (
        "postpost-sync: 1 watch folder is away, 1 post failed, 1 post is published, 1 watch folder is back"
    )
    heads = [line for line in found.body.splitlines() if line.endswith(":")]
    assert [f"{part}:" for part in found.title.removeprefix("postpost-sync: ").split(", ")] == heads
    assert "/mnt\nis back" in found.body


@pytest.mark.parametrize(
    ("events", "tone"),
    [
        ([Event.PUBLISHED], Tone.SUCCESS),
        ([Event.HELD, Event.PUBLISHED], Tone.WARNING),
        ([Event.TOKEN_EXPIRING], Tone.WARNING),
        ([Event.TOKEN_EXPIRING, Event.FAILED], Tone.FAILURE),
    ],
)
def test_the_tone_is_that_of_the_worst(events: list[Event], tone: Tone) -> None:
    assert message(changes({}, *(post(event, name=event) for event in events), on=ALL), record).tone is tone


def test_hostile_names_and_endless_texts_are_tamed() -> None:
    def hostile(folder_id: str) -> Record:
        endless = Finding("X", "why\n" * 5000, "do\x1b[31m" * 5000)
        return replace(record(folder_id, error=endless), path=f"a\nb\u202ec\x1b[2J\udcff{folder_id}")

    found = message(changes({}, *(post(event, "A", name=event) for event in Event), on=ALL), hostile)
    assert len(found.body) < LONGEST + len(found.title) + 100
    for character in "\x1b\u202e\udcff":
        assert character not in found.body
    assert r"/srv/a\nb\u202ec\x1b[2J\udcff" in found.body


def test_a_folder_that_vanished_meanwhile_does_not_stop_the_message() -> None:
    assert "gone" in message(changes({}, post(Event.INVALID)), lambda _: None).body
