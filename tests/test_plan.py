"""`plan` as a truth table: the folder as it is and what was done so far on one side, the next step and the state on the other."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postpost_sync import ledger
from postpost_sync.building import REBUILDS, REFUSALS, SEARCHES
from postpost_sync.deciding import FOLLOW_FOR, compare
from postpost_sync.errors import Finding
from postpost_sync.models import (
    Connection,
    Entry,
    EntryKind,
    Folder,
    Group,
    GroupStage,
    Issued,
    MediaFile,
    PlatformResult,
    Policy,
    ReadBack,
    Reading,
    Record,
    Sidecar,
    Snapshot,
    Stat,
    Trouble,
    TroubleKind,
    Upload,
    UploadStage,
)
from postpost_sync.plan import ABSENCE_GRACE, plan
from postpost_sync.states import State, check_move
from postpost_sync.steps import (
    Abandon,
    Abort,
    Ask,
    CheckDraft,
    Create,
    Decision,
    Delete,
    Doom,
    Finish,
    Forget,
    Hash,
    LearnAccounts,
    Read,
    Recognise,
    Rest,
    Search,
    Step,
    Transfer,
    Update,
    Verified,
)
from postpost_sync.wanted import resolve

NOW = datetime(2026, 12, 1, 8, 0, tzinfo=UTC)
TIME = datetime(2026, 12, 15, 13, 30, tzinfo=UTC)
AT = "2026-12-15T13:30Z"
ID, OTHER = "507f1f77bcf86cd799439011", "65f8a1b2c3d4e5f6a7b8c9d0"
WHY = Finding("SERVICE_TROUBLE", "no usable answer", "it is tried again by itself")


def seconds(number: float) -> timedelta:
    return timedelta(seconds=number)


SOON = NOW + seconds(30)


# --- building the left side -------------------------------------------------------------------------------------------


def entry(name: str, size: int = 100, changed: datetime = NOW, inode: int = 0) -> Entry:
    stamp = int(changed.timestamp() * 1e9)
    return Entry(name, EntryKind.FILE, Stat(size, stamp, stamp, inode or 1 + sum(name.encode()), 1))


def look(*entries: Entry, arriving: float | None = None) -> Folder:
    every = tuple(sorted((entry("post.yaml"), *entries), key=lambda e: e.name))
    return Folder("/posts", "launch", 7, 1, every, arriving)


def snapshot(
    *media: Entry,
    content: str = "Hello",
    time: str | None = AT,
    named: tuple[str, ...] | None = None,
    platforms: tuple[str, ...] = ("twitter-1",),
    settings: Mapping[str, Mapping[str, str | bool]] | None = None,
    hashes: Mapping[str, str] | None = None,
    folder: Folder | None = None,
    **more: Any,
) -> Snapshot:
    """A folder with these media, quiet for a minute and read as it is."""
    folder = folder or look(*media)
    sidecar = Sidecar(content, None, platforms, time, None, named, settings or {}, {"content": 1, "media": 2})
    files = tuple(
        MediaFile(e.name, e.stat, "image/jpeg", sha256=(hashes or {}).get(e.name))
        for e in folder.entries
        if e.name != "post.yaml" and e.stat.size
    )
    reading = Reading(folder.fingerprint, sidecar, media=files, content=content)
    return Snapshot(**{"folder": folder, "policy": Policy(), "quiet": 60.0, "reading": reading, **more})


def record(of: Snapshot | None, *groups: Group, **more: Any) -> Record:
    """What is known of a folder that has settled as `of` has it."""
    fingerprint = of.folder.fingerprint if of is not None and of.folder is not None else ""
    numbered = tuple(replace(group, key=number) for number, group in enumerate(groups, 1))
    start: dict[str, Any] = {
        "state": State.SETTLING,
        "fingerprint": fingerprint,
        "complete_at": NOW,
        "groups": numbered,
    }
    return Record(1, "folder-id", "/posts", "launch", 7, 1, first_seen=NOW, updated_at=NOW, **{**start, **more})


def group(
    of: Snapshot, stage: GroupStage = GroupStage.DRAFT, uploads: UploadStage = UploadStage.STORED, **more: Any
) -> Group:
    """A post group made of the folder as `of` has it, its media as far as `uploads` says."""
    assert of.folder is not None
    assert of.reading is not None
    post = resolve(of.folder, of.reading, of.policy).post
    assert post is not None
    rows = tuple(
        Upload(
            at, m.name, m.name, m.content_type or "", m.stat, uploads, "hash" if uploads is UploadStage.STORED else None
        )
        for at, m in enumerate(post.media)
    )
    start: dict[str, Any] = {"post_group_id": None if stage is GroupStage.CREATING else ID, "verified": False}
    if stage in (GroupStage.SCHEDULED, GroupStage.GOING_OUT, GroupStage.ENDED):
        start |= {"verified": True, "asked_time": post.time, "answered_time": post.time}
    issued = tuple(Issued(at, f"m{at}", f"https://store/{at}") for at in range(len(rows)))
    return Group(
        0,
        stage,
        content=post.content,
        platforms=post.platforms,
        platform_settings=post.platform_settings,
        uploads=rows,
        issued=issued,
        **{"intent_at": NOW, **start, **more},
    )


def trouble(step: type, kind: TroubleKind = TroubleKind.RETRY, until: datetime | None = SOON) -> Trouble:
    return Trouble(step.__name__, kind, WHY, NOW, until)


def rest(decision: Decision) -> float | None:
    assert isinstance(decision.step, Rest), decision.step
    return decision.step.after


def code(decision: Decision) -> str | None:
    return decision.error.code if decision.error is not None else None


def codes(decision: Decision) -> list[str]:
    return [warning.code for warning in decision.warnings]


JPEG = entry("1.jpg")
TEXT, PICTURE = snapshot(), snapshot(JPEG)
EDITED = snapshot(JPEG, content="Hello again")


# --- rule 2: settling and reading -------------------------------------------------------------------------------------


def test_a_new_folder_settles_until_it_has_been_quiet() -> None:
    decision = plan(replace(TEXT, quiet=4.0), record(None), NOW)
    assert (rest(decision), decision.state, decision.error) == (6.0, State.SETTLING, None)


def test_a_roots_own_quiet_time_counts() -> None:
    assert rest(plan(replace(TEXT, quiet=4.0, policy=Policy(settle=60)), record(None), NOW)) == 56.0


@pytest.mark.parametrize("reading", [None, TEXT.reading])
def test_a_folder_that_was_quiet_is_read(reading: Reading | None) -> None:
    assert plan(replace(TEXT, quiet=10.0, reading=reading), record(None), NOW).step == Read()


def test_a_folder_that_settled_before_is_read_without_waiting() -> None:
    assert plan(replace(TEXT, quiet=0.0, reading=None), record(TEXT), NOW).step == Read()


def test_a_reading_of_what_it_was_before_does_not_count() -> None:
    assert plan(replace(PICTURE, reading=TEXT.reading), record(PICTURE), NOW).step == Read()


@pytest.mark.parametrize(("age", "waits"), [(0, 60.0), (3590, 10.0), (3600, None), (9999, None), (-60, 60.0)])
def test_a_transfers_temporary_keeps_it_settling_for_an_hour(age: float, waits: float | None) -> None:
    shot = snapshot(folder=look(JPEG, arriving=NOW.timestamp() - age))
    decision = plan(shot, record(None), NOW)
    assert decision.step == (Read() if waits is None else Rest(waits))


def test_a_scheduled_post_stays_so_while_its_folder_changes() -> None:
    known = record(TEXT, group(TEXT, GroupStage.SCHEDULED), state=State.SCHEDULED, done=True)
    decision = plan(replace(PICTURE, quiet=1.0), known, NOW)
    assert (rest(decision), decision.state) == (9.0, State.SCHEDULED)


# --- rule 3: what is wrong and what is awaited ------------------------------------------------------------------------


def test_what_is_wrong_is_said_first_error_first() -> None:
    shot = snapshot(content=" ", time="soon", platforms=("nobody",))
    decision = plan(shot, record(shot), NOW)
    assert (rest(decision), decision.state, code(decision)) == (None, State.INVALID, "UNKNOWN_ACCOUNT")
    assert codes(decision) == ["BAD_TIME", "CONTENT_BLANK"]


def test_an_edit_that_does_not_pass_leaves_the_earlier_post_and_says_so() -> None:
    live = group(TEXT, GroupStage.SCHEDULED)
    shot = snapshot(content=" ")
    decision = plan(shot, record(shot, live, state=State.SCHEDULED), NOW)
    assert (decision.state, code(decision)) == (State.INVALID, "CONTENT_BLANK")
    assert decision.error is not None
    assert "the earlier post stands" in decision.error.message
    assert rest(decision) == (TIME - NOW).total_seconds()


@pytest.mark.parametrize(
    ("now", "state", "waits"),
    [
        (NOW, State.SETTLING, (TIME - NOW).total_seconds()),
        (TIME, State.INVALID, None),
        (TIME + seconds(9), State.INVALID, None),
    ],
)
def test_missing_media_are_awaited_until_the_time_has_passed(now: datetime, state: State, waits: float | None) -> None:
    shot = snapshot(named=("1.jpg",))
    decision = plan(shot, record(shot), now)
    assert (rest(decision), decision.state, code(decision)) == (waits, state, "MEDIA_MISSING")


@pytest.mark.parametrize("time", [None, "now"])
def test_missing_media_without_a_time_are_awaited_for_ever(time: str | None) -> None:
    shot = snapshot(named=("1.jpg",), time=time)
    decision = plan(shot, record(shot, now_time=NOW), NOW + timedelta(days=400))
    assert (rest(decision), decision.state) == (None, State.SETTLING)


@pytest.mark.parametrize(
    ("settle", "quiet", "state", "waits"),
    [
        (10.0, 60.0, State.SETTLING, 40.0),
        (10.0, 100.0, State.INVALID, None),
        (0.5, 9.0, State.SETTLING, 1.0),
        (0.5, 10.0, State.INVALID, None),
    ],
)
def test_empty_media_are_awaited_ten_times_the_quiet_time(
    settle: float, quiet: float, state: State, waits: float | None
) -> None:
    shot = snapshot(entry("1.jpg", size=0), quiet=quiet, policy=Policy(settle=settle))
    decision = plan(shot, record(shot), NOW)
    assert (rest(decision), decision.state, code(decision)) == (waits, state, "MEDIA_EMPTY")


# --- times ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("complete", "now", "step", "error"),
    [
        (0, 0, Create, None),  # complete at its time
        (-3600, 60, Create, None),  # in time, carried out a little late
        (900, 900, Create, None),  # within late_tolerance
        (901, 901, Rest, "TIME_PAST"),
        (-3600, 21600, Create, None),  # within catch_up: it was complete in time
        (-3600, 21601, Rest, "MISSED"),
        (900, 21601, Rest, "MISSED"),
        (30000, 30000, Rest, "TIME_PAST"),
    ],
)
def test_late_folders_and_late_posts(complete: float, now: float, step: type, error: str | None) -> None:
    decision = plan(TEXT, record(TEXT, complete_at=TIME + seconds(complete)), TIME + seconds(now))
    assert (type(decision.step), code(decision)) == (step, error)
    if error is not None:
        assert decision.state is (State.INVALID if error == "TIME_PAST" else State.FAILED)
        assert decision.error is not None
        assert decision.error.hint
        assert "Tue 15 Dec 2026 13:30 (UTC)" in decision.error.message


def test_the_configs_own_tolerances_count() -> None:
    strict = replace(TEXT, policy=Policy(late_tolerance=0, catch_up=60))
    assert code(plan(strict, record(strict, complete_at=TIME + seconds(1)), TIME + seconds(1))) == "TIME_PAST"
    assert code(plan(strict, record(strict), TIME + seconds(61))) == "MISSED"


def test_what_delayed_a_missed_post_is_named_and_its_draft_does_not_stay_behind() -> None:
    late, known = TIME + seconds(30000), record(TEXT, group(TEXT), troubles=(trouble(Update),))
    step = plan(TEXT, known, late).step
    assert (isinstance(step, Doom), step.gave_up.code if isinstance(step, Doom) and step.gave_up else "") == (
        True,
        "MISSED",
    )
    decision = plan(TEXT, record(TEXT, troubles=(trouble(Update),)), late)
    assert (decision.state, code(decision)) == (State.FAILED, "MISSED")
    assert decision.error is not None
    assert WHY.message in decision.error.message


def test_transfers_of_a_missed_post_are_ended_first() -> None:
    known = record(PICTURE, group(PICTURE, uploads=UploadStage.SIGNED))
    assert plan(replace(PICTURE, in_flight=frozenset({0})), known, TIME + seconds(30000)).step == Abort()


def test_a_person_can_have_a_missed_post_sent_all_the_same() -> None:
    late = TIME + seconds(30000)
    assert isinstance(plan(TEXT, record(TEXT, confirmed=True), late).step, Create)
    known = record(TEXT, group(TEXT, intent_at=late), confirmed=True)
    assert plan(TEXT, known, late).step == Update(known.groups[0], late, TIME)


@pytest.mark.parametrize(
    ("ahead", "warned"), [(119, ["TIME_SOON"]), (0, ["TIME_SOON"]), (-60, ["TIME_SOON"]), (120, []), (9999, [])]
)
def test_a_time_less_than_two_minutes_ahead_is_a_warning_and_sent_as_asked(ahead: float, warned: list[str]) -> None:
    now = TIME - seconds(ahead)
    known = record(TEXT, group(TEXT, intent_at=now), complete_at=NOW)
    decision = plan(TEXT, known, now)
    assert decision.step == Update(known.groups[0], max(TIME, now), TIME)
    assert codes(decision) == warned


def test_now_is_kept_as_it_was_resolved() -> None:
    shot = snapshot(time="now")
    later = NOW + seconds(300)
    known = record(shot, group(shot, intent_at=later), now_time=NOW)
    decision = plan(shot, known, later)
    assert (decision.step, codes(decision)) == (Update(known.groups[0], later, NOW), [])


@pytest.mark.parametrize(("age", "held"), [(86400 - 1, False), (86400 + 1, True), (86400 * 900, True)])
def test_an_old_folder_that_asks_for_now_waits_for_a_person(age: float, held: bool) -> None:
    shot = snapshot(
        time="now", folder=Folder("/posts", "launch", 7, 1, (entry("post.yaml", changed=NOW - seconds(age)),))
    )
    known = record(shot, now_time=NOW)
    decision = plan(shot, known, NOW)
    if held:
        assert (rest(decision), decision.state, code(decision)) == (None, State.HELD, "CONFIRM_NOW")
        assert isinstance(plan(shot, replace(known, confirmed=True), NOW + timedelta(days=9)).step, Create)
    else:
        assert isinstance(decision.step, Create)


# --- which accounts ---------------------------------------------------------------------------------------------------

ALL = ("all",)
TWO_ACCOUNTS = Policy(
    connections=tuple(Connection(one, one, "valid", None, None) for one in ("twitter-1", "linkedin-A"))
)
LEARN = LearnAccounts(NOW)


@pytest.mark.parametrize("age", [0.0, 59.0, math.inf])
@pytest.mark.parametrize("platforms", [("all",), ("twitter",), ("twitter-1", "linkedin:*")])
def test_nothing_is_made_for_accounts_that_are_not_known(platforms: tuple[str, ...], age: float) -> None:
    selected = snapshot(platforms=platforms, accounts_age=age)
    decision = plan(selected, record(selected), NOW)
    assert (decision.step, decision.state) == (LEARN, State.DRAFTING)


@pytest.mark.parametrize(
    ("quiet", "age", "fresh"), [(60.0, 59.0, True), (20.0, 21.0, False), (900.0, 61.0, False), (900.0, 60.0, True)]
)
def test_a_selector_stands_for_what_a_list_says_that_is_younger_than_the_folder_and_than_a_minute(
    quiet: float, age: float, fresh: bool
) -> None:
    selected = snapshot(platforms=ALL, policy=TWO_ACCOUNTS, accounts_age=age, quiet=quiet)
    step = plan(selected, record(selected), NOW).step
    assert isinstance(step, Create) if fresh else step == LEARN
    if isinstance(step, Create):
        assert step.post.platforms == ("linkedin-A", "twitter-1")


def test_what_a_draft_was_made_with_needs_no_list() -> None:
    selected = snapshot(JPEG, platforms=ALL, policy=replace(TWO_ACCOUNTS, connections=None), accounts_age=math.inf)
    made = replace(group(PICTURE, uploads=UploadStage.WAITING), resolved={"all": ("twitter-1",)})
    assert isinstance(plan(selected, record(selected, made), NOW).step, Transfer)
    gone = replace(made, stage=GroupStage.GONE)
    step = plan(selected, record(selected, gone), NOW).step
    assert isinstance(step, Create)
    assert step.post.platforms == ("twitter-1",), "a draft that is built anew"
    cancelled = replace(made, stage=GroupStage.ENDED, outcome=State.CANCELLED, asked_time=TIME)
    edited = snapshot(JPEG, content="edited", platforms=ALL, policy=TWO_ACCOUNTS)
    follow = plan(edited, record(edited, replace(cancelled, stage=GroupStage.FOLLOWED)), NOW).step
    assert isinstance(follow, Create)
    assert follow.post.platforms == ("linkedin-A", "twitter-1"), "a post that was cancelled has no draft any more"


def test_an_id_that_a_fresh_list_lacks_is_invalid_and_an_old_list_is_asked_for_anew() -> None:
    stranger = snapshot(platforms=("twitter-2", "linkedin-A"), policy=TWO_ACCOUNTS)
    decision = plan(stranger, record(stranger), NOW)
    assert (rest(decision), decision.state, code(decision)) == (None, State.INVALID, "UNKNOWN_CONNECTION")
    assert plan(replace(stranger, accounts_age=61.0), record(stranger), NOW).step == LEARN
    broken = record(stranger, troubles=(trouble(LearnAccounts),))
    decision = plan(replace(stranger, accounts_age=61.0), broken, NOW)
    assert isinstance(decision.step, Create), "where there is no list, the folder is taken at its word"
    assert codes(decision) == ["UNKNOWN_CONNECTION"]
    assert isinstance(plan(stranger, record(stranger, unproven=True), NOW).step, Recognise), "it may stand already"


def test_an_account_that_was_posted_to_is_taken_to_be_there() -> None:
    lost = snapshot(JPEG, platforms=("twitter-1",), policy=Policy(connections=TWO_ACCOUNTS.connections[1:]))  # type: ignore[index]  # it has some
    decision = plan(lost, record(lost, group(PICTURE, uploads=UploadStage.WAITING)), NOW)
    assert isinstance(decision.step, Transfer)
    assert codes(decision) == ["UNKNOWN_CONNECTION"]


# --- rule 4: one draft ------------------------------------------------------------------------------------------------


def test_a_draft_is_created_of_what_the_folder_asks() -> None:
    decision = plan(PICTURE, record(PICTURE), NOW)
    assert isinstance(decision.step, Create)
    assert decision.state is State.DRAFTING
    assert (decision.step.post.content, [m.name for m in decision.step.post.media]) == ("Hello", ["1.jpg"])
    assert (decision.post, decision.time) == (decision.step.post, TIME)


@pytest.mark.parametrize("searches", range(SEARCHES))
def test_an_unknown_create_is_searched_for(searches: int) -> None:
    known = record(TEXT, group(TEXT, GroupStage.CREATING, searches=searches), troubles=(trouble(Create),))
    decision = plan(TEXT, known, NOW)
    assert (decision.step, decision.state) == (Search(known.groups[0]), State.DRAFTING)


def test_a_search_that_found_nothing_is_repeated_a_little_later() -> None:
    known = record(TEXT, group(TEXT, GroupStage.CREATING, searches=1), troubles=(trouble(Search),))
    decision = plan(TEXT, known, NOW)
    assert (rest(decision), decision.state, decision.error) == (30.0, State.DRAFTING, WHY)
    assert plan(TEXT, known, NOW + seconds(30)).step == Search(known.groups[0])


def test_an_unknown_create_that_is_not_found_never_came_to_be() -> None:
    known = record(TEXT, group(TEXT, GroupStage.CREATING, searches=SEARCHES))
    assert plan(TEXT, known, NOW).step == Abandon(known.groups[0])
    assert isinstance(plan(TEXT, record(TEXT, replace(known.groups[0], stage=GroupStage.GONE)), NOW).step, Create)


def test_an_unknown_create_of_what_is_no_longer_asked_is_searched_for_all_the_same() -> None:
    known = record(EDITED, group(PICTURE, GroupStage.CREATING))
    assert plan(EDITED, known, NOW).step == Search(known.groups[0])


THREE = snapshot(entry("1.jpg"), entry("2.jpg"), entry("3.jpg"))


@pytest.mark.parametrize(
    ("stored", "in_flight", "next_one"),
    [
        ((), (), 0),
        ((), (0,), 1),
        ((), (0, 1), 2),
        ((), (0, 1, 2), None),
        ((0,), (), 1),
        ((1,), (), 0),
        ((0, 2), (1,), None),
    ],
)
def test_media_are_sent_in_their_order_several_at_once(
    stored: tuple[int, ...], in_flight: tuple[int, ...], next_one: int | None
) -> None:
    draft = group(THREE, uploads=UploadStage.WAITING)
    uploads = tuple(replace(u, stage=UploadStage.STORED) if u.position in stored else u for u in draft.uploads)
    known = record(THREE, replace(draft, uploads=uploads))
    decision = plan(replace(THREE, in_flight=frozenset(in_flight)), known, NOW)
    assert decision.state is State.UPLOADING
    if next_one is None:
        assert rest(decision) is None
    else:
        assert decision.step == Transfer(known.groups[0], known.groups[0].uploads[next_one])


def test_a_draft_of_something_else_is_dropped_and_what_is_on_its_way_ended() -> None:
    known = record(EDITED, group(PICTURE, uploads=UploadStage.SIGNED))
    assert plan(replace(EDITED, in_flight=frozenset({0})), known, NOW).step == Abort()
    assert plan(EDITED, known, NOW).step == Doom(known.groups[0])


def test_what_is_doomed_is_deleted_before_anything_else() -> None:
    known = record(EDITED, group(PICTURE, GroupStage.DOOMED), group(EDITED))
    assert plan(EDITED, known, NOW).step == Delete(known.groups[0])


@pytest.mark.parametrize("refusals", [REFUSALS, REFUSALS + 1])
def test_a_file_that_the_store_refuses_again_and_again_is_given_up(refusals: int) -> None:
    draft = group(PICTURE, uploads=UploadStage.WAITING)
    known = record(PICTURE, replace(draft, uploads=(replace(draft.uploads[0], refused=refusals),)))
    step = plan(PICTURE, known, NOW).step
    if refusals == REFUSALS:
        assert step == Transfer(known.groups[0], known.groups[0].uploads[0])
    else:
        assert isinstance(step, Doom)
        assert step.gave_up is not None
        assert step.gave_up.code == "UPLOAD_REFUSED"


# --- reading the draft back -------------------------------------------------------------------------------------------


def back(found: bool = True, media: int | None = 1, strangers: int = 0, waited: float = 0, ago: float = 0) -> ReadBack:
    at = NOW - seconds(ago)
    return ReadBack(found, media, strangers, at - seconds(waited), at)


def with_back(read_back: ReadBack | None, ghosts: int = 0, **more: Any) -> Record:
    draft = group(PICTURE, read_back=read_back)
    extra = tuple(Issued(0, f"ghost{n}", f"https://store/ghost{n}") for n in range(ghosts))
    return record(PICTURE, replace(draft, issued=draft.issued + extra), **more)


def test_a_draft_with_media_is_read_back_before_it_is_scheduled() -> None:
    known = with_back(None)
    decision = plan(PICTURE, known, NOW)
    assert (decision.step, decision.state) == (CheckDraft(known.groups[0]), State.UPLOADING)


@pytest.mark.parametrize("media", [1, None])
def test_a_draft_with_just_our_media_is_verified(media: int | None) -> None:
    known = with_back(back(media=media))
    assert plan(PICTURE, known, NOW).step == Verified(known.groups[0])


@pytest.mark.parametrize("read_back", [back(found=False, media=None), back(media=0)])
def test_a_listing_that_lags_is_read_again_for_a_minute(read_back: ReadBack) -> None:
    known = with_back(read_back)
    assert rest(plan(PICTURE, known, NOW)) == 2.0
    assert plan(PICTURE, known, NOW + seconds(2)).step == CheckDraft(known.groups[0])


def test_a_draft_that_is_not_listed_after_a_minute_waits_for_a_person() -> None:
    known = with_back(back(found=False, media=None, waited=60))
    decision = plan(PICTURE, known, NOW)
    assert (rest(decision), decision.state, code(decision)) == (None, State.HELD, "DRAFT_GONE")
    assert plan(PICTURE, replace(known, confirmed=True), NOW).step == Abandon(known.groups[0])


def test_media_that_stay_fewer_are_sent_again_in_a_new_draft() -> None:
    known = with_back(back(media=0, waited=60))
    assert plan(PICTURE, known, NOW).step == Doom(known.groups[0], rebuild=True)


def test_records_that_we_left_without_bytes_make_a_new_draft() -> None:
    known = with_back(back(media=2), ghosts=1)
    assert plan(PICTURE, known, NOW).step == Doom(known.groups[0], rebuild=True)


@pytest.mark.parametrize(
    ("read_back", "ghosts"),
    [(back(media=2), 0), (back(media=3), 1), (back(media=2, strangers=1), 1), (back(media=2, strangers=1), 0)],
)
def test_media_that_somebody_else_added_are_held_for_a_person(read_back: ReadBack, ghosts: int) -> None:
    known = with_back(read_back, ghosts)
    decision = plan(PICTURE, known, NOW)
    assert (rest(decision), decision.state, code(decision)) == (None, State.HELD, "MEDIA_ADDED_ELSEWHERE")
    assert plan(PICTURE, replace(known, confirmed=True), NOW).step == Abandon(known.groups[0])


def test_rebuilding_has_an_end() -> None:
    known = with_back(back(media=2), ghosts=1, rebuilds=REBUILDS)
    step = plan(PICTURE, known, NOW).step
    assert isinstance(step, Doom)
    assert step.gave_up is not None
    assert step.gave_up.code == "UPLOAD_TOO_SLOW"
    given_up = record(PICTURE, gave_up=step.gave_up)
    assert (plan(PICTURE, given_up, NOW).state, rest(plan(PICTURE, given_up, NOW))) == (State.FAILED, None)


# --- rule 5: scheduling -----------------------------------------------------------------------------------------------


def test_a_verified_draft_is_scheduled_for_its_time() -> None:
    known = record(PICTURE, group(PICTURE, verified=True))
    decision = plan(PICTURE, known, NOW)
    assert (decision.step, decision.state) == (Update(known.groups[0], TIME, TIME), State.UPLOADING)


def test_a_draft_of_text_alone_needs_no_verifying() -> None:
    known = record(TEXT, group(TEXT))
    decision = plan(TEXT, known, NOW)
    assert (decision.step, decision.state) == (Update(known.groups[0], TIME, TIME), State.DRAFTING)


def test_a_time_that_has_passed_meanwhile_is_sent_as_the_current_time() -> None:
    known = record(TEXT, group(TEXT, intent_at=TIME))
    assert plan(TEXT, known, TIME + seconds(60)).step == Update(known.groups[0], TIME + seconds(60), TIME)


def test_media_that_the_service_does_not_list_are_a_warning() -> None:
    known = record(PICTURE, group(PICTURE, verified=True, read_back=back(media=None)))
    decision = plan(PICTURE, known, NOW)
    assert (type(decision.step), codes(decision)) == (Update, ["MEDIA_NOT_LISTED"])


def test_without_a_time_the_draft_is_the_end() -> None:
    shot = snapshot(JPEG, time=None)
    known = record(shot, group(shot, verified=True))
    decision = plan(shot, known, NOW)
    assert (decision.step, decision.state) == (Finish(), State.DRAFTED)
    after = plan(shot, replace(known, done=True, state=State.DRAFTED), NOW)
    assert (rest(after), after.state) == (None, State.DRAFTED)


def test_a_scheduled_post_is_finished_and_rests_until_its_time() -> None:
    known = record(PICTURE, group(PICTURE, GroupStage.SCHEDULED), state=State.SCHEDULED)
    decision = plan(PICTURE, known, NOW)
    assert (decision.step, decision.state) == (Finish(), State.SCHEDULED)
    after = plan(PICTURE, replace(known, done=True), NOW)
    assert (rest(after), after.state) == ((TIME - NOW).total_seconds(), State.SCHEDULED)


def test_a_time_that_the_service_moved_is_not_corrected_for_ever() -> None:
    moved = group(PICTURE, GroupStage.SCHEDULED, answered_time=TIME + seconds(300))
    assert plan(PICTURE, record(PICTURE, moved, state=State.SCHEDULED), NOW).step == Finish()


# --- edits ------------------------------------------------------------------------------------------------------------


def test_a_new_time_alone_is_one_update() -> None:
    shot = snapshot(JPEG, time="2026-12-20T10:00Z")
    known = record(shot, group(PICTURE, GroupStage.SCHEDULED), state=State.SCHEDULED)
    later = datetime(2026, 12, 20, 10, tzinfo=UTC)
    decision = plan(shot, known, NOW)
    assert (decision.step, decision.state) == (Update(known.groups[0], later, later), State.SCHEDULED)


def test_a_time_taken_away_makes_it_a_draft_again_and_one_given_schedules_it() -> None:
    shot = snapshot(JPEG, time=None)
    known = record(shot, group(PICTURE, GroupStage.SCHEDULED), state=State.SCHEDULED)
    assert plan(shot, known, NOW).step == Update(known.groups[0], None, None)
    withdrawn = replace(known.groups[0], stage=GroupStage.WITHDRAWN, asked_time=None, answered_time=None)
    decision = plan(shot, record(shot, withdrawn, state=State.SCHEDULED), NOW)
    assert (decision.step, decision.state) == (Finish(), State.DRAFTED)
    known = record(PICTURE, withdrawn, state=State.DRAFTED)
    assert plan(PICTURE, known, NOW).step == Update(known.groups[0], TIME, TIME)


def test_a_post_that_was_put_back_to_draft_stays_drafted() -> None:
    shot = snapshot(JPEG, time=None)
    withdrawn = group(PICTURE, GroupStage.WITHDRAWN)
    decision = plan(shot, record(shot, withdrawn, state=State.DRAFTED, done=True), NOW)
    assert (rest(decision), decision.state, codes(decision)) == (None, State.DRAFTED, [])


def test_a_touch_is_told_from_a_change_by_the_hash() -> None:
    touched = JPEG._replace(stat=JPEG.stat._replace(mtime_ns=1, ctime_ns=2))
    live = group(PICTURE, GroupStage.SCHEDULED)
    for hashes, step in (({}, Hash(("1.jpg",))), ({"1.jpg": "hash"}, Finish()), ({"1.jpg": "other"}, None)):
        shot = snapshot(touched, hashes=hashes)
        decision = plan(shot, record(shot, live, state=State.SCHEDULED), NOW)
        assert decision.step == step or (step is None and isinstance(decision.step, Create))


REPLACEMENT = [
    # (the groups, oldest first; the step and the group it is for)
    ("nothing built", [(GroupStage.SCHEDULED, PICTURE, {})], Create, None),
    (
        "created",
        [(GroupStage.SCHEDULED, PICTURE, {}), (GroupStage.DRAFT, EDITED, {"uploads": UploadStage.WAITING})],
        Transfer,
        1,
    ),
    ("sent", [(GroupStage.SCHEDULED, PICTURE, {}), (GroupStage.DRAFT, EDITED, {})], CheckDraft, 1),
    ("verified", [(GroupStage.SCHEDULED, PICTURE, {}), (GroupStage.DRAFT, EDITED, {"verified": True})], Update, 0),
    ("withdrawn", [(GroupStage.WITHDRAWN, PICTURE, {}), (GroupStage.DRAFT, EDITED, {"verified": True})], Update, 1),
    ("scheduled", [(GroupStage.WITHDRAWN, PICTURE, {}), (GroupStage.SCHEDULED, EDITED, {})], Doom, 0),
    ("doomed", [(GroupStage.DOOMED, PICTURE, {}), (GroupStage.SCHEDULED, EDITED, {})], Delete, 0),
    ("gone", [(GroupStage.GONE, PICTURE, {}), (GroupStage.SCHEDULED, EDITED, {})], Finish, None),
]


@pytest.mark.parametrize(
    ("stages", "step", "target"), [row[1:] for row in REPLACEMENT], ids=[row[0] for row in REPLACEMENT]
)
def test_an_edited_post_is_replaced_by_a_verified_one_in_one_burst(
    stages: list[tuple[GroupStage, Snapshot, dict[str, Any]]], step: type, target: int | None
) -> None:
    known = record(EDITED, *(group(of, stage, **more) for stage, of, more in stages), state=State.SCHEDULED)
    decision = plan(EDITED, known, NOW)
    assert isinstance(decision.step, step)
    assert decision.state is State.SCHEDULED
    if target is not None:
        assert getattr(decision.step, "group", None) == known.groups[target]
    if isinstance(decision.step, Update):
        assert decision.step.time == (None if target == 0 else TIME)
    assert codes(decision) == (["REPLACING"] if step in (Create, Transfer, CheckDraft, Update) else [])


def test_an_edit_that_is_taken_back_drops_the_new_draft() -> None:
    known = record(PICTURE, group(PICTURE, GroupStage.SCHEDULED), group(EDITED), state=State.SCHEDULED)
    assert plan(PICTURE, known, NOW).step == Doom(known.groups[1])


@pytest.mark.parametrize(
    "edit",
    [
        {"settings": {"twitter": {"x": True}}},
        {"platforms": ("twitter-1", "facebook-1")},
        {"named": ("2.jpg", "1.jpg")},
        {"named": ("1.jpg",)},
    ],
)
def test_settings_platforms_and_the_order_of_media_are_edits_too(edit: dict[str, Any]) -> None:
    files = entry("1.jpg", size=1), entry("2.jpg", size=2)
    live, shot = group(snapshot(*files), GroupStage.SCHEDULED), snapshot(*files, **edit)
    assert isinstance(plan(shot, record(shot, live, state=State.SCHEDULED), NOW).step, Create)


@pytest.mark.parametrize("edited", [EDITED, snapshot(JPEG, time="2026-12-20T10:00Z")], ids=["content", "time"])
@pytest.mark.parametrize(("left", "late"), [(120, False), (119, True), (1, True)])
def test_within_two_minutes_of_its_time_an_edit_is_refused(edited: Snapshot, left: float, late: bool) -> None:
    known = record(edited, group(PICTURE, GroupStage.SCHEDULED), state=State.SCHEDULED)
    decision = plan(edited, known, TIME - seconds(left))
    assert (code(decision) == "EDIT_TOO_LATE") is late
    if late:
        assert (decision.state, rest(decision)) == (State.INVALID, left)


@pytest.mark.parametrize("stage", [GroupStage.ENDED, GroupStage.GOING_OUT])
def test_an_edit_of_what_is_out_is_refused_and_its_draft_dropped(stage: GroupStage) -> None:
    live = group(PICTURE, stage, outcome=State.PUBLISHED, checked_at=TIME + seconds(60))
    later = TIME + seconds(61)
    known = record(EDITED, live, group(EDITED), state=State.SCHEDULED)
    assert plan(EDITED, known, later).step == Doom(known.groups[1])
    decision = plan(EDITED, record(EDITED, live, state=State.SCHEDULED), later)
    assert (decision.state, code(decision)) == (State.INVALID, "EDIT_TOO_LATE")


def test_a_new_time_for_what_is_out_is_refused() -> None:
    shot = snapshot(JPEG, time="2026-12-20T10:00Z")
    known = record(shot, group(PICTURE, GroupStage.ENDED, outcome=State.PUBLISHED), state=State.PUBLISHED)
    decision = plan(shot, known, TIME + seconds(3600))
    assert (decision.state, code(decision)) == (State.INVALID, "EDIT_TOO_LATE")


def test_an_edit_of_what_is_out_that_is_taken_back_is_fine_again() -> None:
    known = record(PICTURE, group(PICTURE, GroupStage.ENDED, outcome=State.PUBLISHED), state=State.INVALID)
    decision = plan(PICTURE, known, TIME + seconds(30000))
    assert (decision.step, decision.state) == (Finish(), State.PUBLISHED)


@pytest.mark.parametrize("kind", [TroubleKind.REFUSED, TroubleKind.HELD])
def test_where_the_new_post_is_refused_the_old_one_is_put_back_at_once(kind: TroubleKind) -> None:
    old = group(PICTURE, GroupStage.WITHDRAWN, answered_time=TIME)
    known = record(
        EDITED, old, group(EDITED, verified=True), state=State.SCHEDULED, troubles=(trouble(Update, kind, None),)
    )
    decision = plan(EDITED, known, NOW)
    assert isinstance(decision.step, Update)
    assert (decision.step.group, decision.step.time) == (known.groups[0], TIME)


def test_a_replacement_that_is_given_up_is_invalid_while_the_earlier_post_stands() -> None:
    shot = snapshot(JPEG, content="Hello again", time="2026-12-02T08:00Z")
    known = record(shot, group(PICTURE, GroupStage.SCHEDULED), state=State.SCHEDULED)
    decision = plan(shot, known, datetime(2026, 12, 3, 8, tzinfo=UTC))
    assert (decision.state, code(decision)) == (State.INVALID, "MISSED")


# --- giving up has an end ---------------------------------------------------------------------------------------------


def performed(decision: Decision, known: Record) -> Record:
    """The record once one of the steps that end a draft has been carried out."""
    step = decision.step
    if isinstance(step, Doom):
        return ledger.doomed(step.group.key, rebuild=step.rebuild, gave_up=step.gave_up)(known)
    assert isinstance(step, Delete), step
    return ledger.with_group(step.group.key, stage=GroupStage.GONE)(known)


def given_up(known: Record) -> Decision:
    for _ in range(2):  # Doom, Delete
        known = performed(plan(PICTURE, known, NOW), known)
    return plan(PICTURE, known, NOW)


def test_a_post_that_was_given_up_as_too_slow_is_failed() -> None:
    decision = given_up(with_back(back(media=2), ghosts=1, rebuilds=REBUILDS))
    assert (type(decision.step), decision.state, code(decision)) == (Rest, State.FAILED, "UPLOAD_TOO_SLOW")


def test_a_post_whose_file_was_refused_too_often_is_failed() -> None:
    draft = group(PICTURE, uploads=UploadStage.WAITING)
    decision = given_up(record(PICTURE, replace(draft, uploads=(replace(draft.uploads[0], refused=REFUSALS + 1),))))
    assert (type(decision.step), decision.state, code(decision)) == (Rest, State.FAILED, "UPLOAD_REFUSED")


def test_a_missed_post_whose_create_is_unknown_is_searched_for_first() -> None:
    known = record(TEXT, group(TEXT, GroupStage.CREATING))
    assert plan(TEXT, known, TIME + seconds(30000)).step == Search(known.groups[0])


# --- what is out and changes afterwards -------------------------------------------------------------------------------


AFTERWARDS = [  # what happened, the folder then, and how long after its time; a file that goes changes no other's ctime
    ("a named picture goes", snapshot(named=("1.jpg",), time="now"), 60, NOW),
    ("a picture is emptied", snapshot(entry("1.jpg", size=0)), 60, TIME + seconds(60)),
    ("a picture goes the next day", TEXT, 86400, NOW),
    ("the text is edited at once", EDITED, 60, TIME + seconds(60)),
    ("the text is edited the next day", EDITED, 86400, TIME + seconds(86400)),
    ("the text becomes blank", snapshot(JPEG, content=" "), 60, TIME + seconds(60)),
]


@pytest.mark.parametrize("outcome", [State.PUBLISHED, State.PARTIALLY_PUBLISHED, State.FAILED, State.CANCELLED])
@pytest.mark.parametrize(
    ("shot", "after", "complete"),
    [
        pytest.param(
            *row[1:],
            id=row[0],
        )
        for row in AFTERWARDS
    ],
)
def test_whatever_happens_to_the_folder_afterwards_is_a_legal_move_and_never_a_new_post(
    shot: Snapshot, after: float, complete: datetime, outcome: State
) -> None:
    live = group(PICTURE, GroupStage.ENDED, outcome=outcome)
    known = record(shot, live, state=outcome, now_time=TIME, complete_at=complete)
    decision = plan(shot, known, TIME + seconds(after))
    check_move(outcome, decision.state)
    assert isinstance(decision.step, Rest)
    assert decision.state is State.INVALID


# --- the folder is gone -----------------------------------------------------------------------------------------------


GONE = replace(TEXT, folder=None, reading=None)
CANCEL = replace(GONE, policy=Policy(cancel_removed=True))


@pytest.mark.parametrize("shot", [GONE, CANCEL])
def test_a_root_that_is_away_says_nothing_about_its_folders(shot: Snapshot) -> None:
    away = replace(shot, root_present=False, quiet=1e6)
    for known in (
        record(TEXT, group(TEXT)),
        record(TEXT),
        record(TEXT, group(TEXT, GroupStage.SCHEDULED), state=State.SCHEDULED),
    ):
        decision = plan(away, known, NOW)
        assert isinstance(decision.step, Rest)
        assert decision.state is known.state


def test_a_folder_that_is_gone_is_given_time_to_come_back() -> None:
    assert rest(plan(replace(GONE, quiet=100), record(TEXT), NOW)) == ABSENCE_GRACE - 100
    assert rest(plan(replace(GONE, quiet=100), record(TEXT, group(TEXT)), NOW)) == ABSENCE_GRACE - 100


def test_a_folder_that_is_gone_and_left_nothing_is_forgotten() -> None:
    assert plan(replace(GONE, quiet=ABSENCE_GRACE), record(TEXT), NOW).step == Forget()
    assert (
        plan(
            replace(GONE, quiet=ABSENCE_GRACE), record(TEXT, group(TEXT, GroupStage.GONE, post_group_id=None)), NOW
        ).step
        == Forget()
    )


def test_a_draft_of_a_folder_that_is_gone_is_deleted() -> None:
    gone = replace(GONE, quiet=ABSENCE_GRACE)
    known = record(PICTURE, group(PICTURE, uploads=UploadStage.SIGNED))
    assert plan(replace(gone, in_flight=frozenset({0})), known, NOW).step == Abort()
    assert plan(gone, known, NOW).step == Doom(known.groups[0])
    unknown = record(PICTURE, group(PICTURE, GroupStage.CREATING))
    assert plan(gone, unknown, NOW).step == Search(unknown.groups[0])


def test_a_scheduled_post_is_kept_or_cancelled_as_the_config_says() -> None:
    known = record(TEXT, group(TEXT, GroupStage.SCHEDULED), state=State.SCHEDULED, done=True)
    kept = plan(replace(GONE, quiet=1e6), known, NOW)
    assert (rest(kept), kept.state) == ((TIME - NOW).total_seconds(), State.SCHEDULED)
    assert rest(plan(replace(CANCEL, quiet=100), known, NOW)) == ABSENCE_GRACE - 100
    assert plan(replace(CANCEL, quiet=ABSENCE_GRACE), known, NOW).step == Doom(known.groups[0])
    deleted = record(TEXT, group(TEXT, GroupStage.GONE), state=State.SCHEDULED, done=True)
    decision = plan(replace(CANCEL, quiet=ABSENCE_GRACE), deleted, NOW)
    assert (rest(decision), decision.state) == (None, State.CANCELLED)


@pytest.mark.parametrize("stage", [GroupStage.ENDED, GroupStage.GOING_OUT])
def test_what_is_out_is_not_cancelled(stage: GroupStage) -> None:
    live = group(TEXT, stage, outcome=State.PUBLISHED, checked_at=TIME + seconds(60))
    decision = plan(replace(CANCEL, quiet=1e6), record(TEXT, live, state=State.SCHEDULED), TIME + seconds(61))
    assert isinstance(decision.step, Rest)


def test_a_removed_folder_keeps_the_post_that_was_being_replaced() -> None:
    known = record(EDITED, group(PICTURE, GroupStage.WITHDRAWN, answered_time=TIME), state=State.SCHEDULED)
    assert not isinstance(plan(replace(GONE, quiet=ABSENCE_GRACE), known, NOW).step, Doom)


# --- rule 1: what becomes of it ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("checked", "now", "asks", "waits"),
    [
        (None, -10, False, 10),
        (None, 0, True, None),
        (-60, 0, True, None),  # asked before its time: says nothing
        (1, 2, False, 4),
        (1, 6, True, None),
        (600, 700, False, 500),
        (600, 1200, True, None),
        (80000, 80001, False, 3599),  # at least once an hour
        (80000, 83600, True, None),
        (FOLLOW_FOR + 1, FOLLOW_FOR + 99999, False, None),
    ],
)
def test_the_outcome_is_asked_for_at_its_time_and_then_ever_more_rarely(
    checked: float | None, now: float, asks: bool, waits: float | None
) -> None:
    at = None if checked is None else TIME + seconds(checked)
    known = record(TEXT, group(TEXT, GroupStage.SCHEDULED, checked_at=at), state=State.SCHEDULED, done=True)
    decision = plan(TEXT, known, TIME + seconds(now))
    assert isinstance(decision.step, Ask) is asks
    if not asks:
        assert rest(decision) == waits
        assert decision.state is State.SCHEDULED
    assert codes(decision) == (["OUTCOME_UNKNOWN"] if not asks and waits is None else [])


def test_the_outcome_is_followed_whatever_the_folder_looks_like() -> None:
    live = group(PICTURE, GroupStage.SCHEDULED)
    for shot in (replace(EDITED, quiet=0), GONE, CANCEL, replace(GONE, root_present=False), snapshot(content=" ")):
        known = record(PICTURE, live, state=State.SCHEDULED)
        assert plan(shot, known, TIME).step == Ask(known.groups[0])


def test_what_is_going_out_is_asked_for_at_once() -> None:
    known = record(TEXT, group(TEXT, GroupStage.GOING_OUT), state=State.SCHEDULED)
    assert plan(TEXT, known, NOW).step == Ask(known.groups[0])


@pytest.mark.parametrize("outcome", [State.PUBLISHED, State.PARTIALLY_PUBLISHED, State.FAILED])
def test_the_outcome_is_shown_with_the_first_platforms_error(outcome: State) -> None:
    error = Finding("INVALID_CONTENT", "twitter: no", "see the platform")
    results = (PlatformResult("facebook-1", "published"), PlatformResult("twitter-1", "failed", error=error))
    live = group(TEXT, GroupStage.ENDED, outcome=outcome, results=results[: 1 if outcome is State.PUBLISHED else 2])
    decision = plan(TEXT, record(TEXT, live, state=State.SCHEDULED, done=True), TIME + seconds(120))
    assert (rest(decision), decision.state) == (None, outcome)
    assert decision.error == (None if outcome is State.PUBLISHED else error)


# --- troubles ---------------------------------------------------------------------------------------------------------

CALLS: list[tuple[type[Step], Snapshot, tuple[Group, ...]]] = [
    (Create, PICTURE, ()),
    (Search, PICTURE, (group(PICTURE, GroupStage.CREATING),)),
    (Transfer, PICTURE, (group(PICTURE, uploads=UploadStage.WAITING),)),
    (CheckDraft, PICTURE, (group(PICTURE),)),
    (Update, PICTURE, (group(PICTURE, verified=True, intent_at=NOW + seconds(900)),)),
    (Delete, PICTURE, (group(PICTURE, GroupStage.DOOMED),)),
]


@pytest.mark.parametrize(("step", "shot", "groups"), CALLS[:-1], ids=[row[0].__name__ for row in CALLS[:-1]])
def test_a_retry_waits_until_it_is_due_and_leaves_the_state_as_it_is(
    step: type[Step], shot: Snapshot, groups: tuple[Group, ...]
) -> None:
    free = plan(shot, record(shot, *groups), NOW)
    known = record(shot, *groups, troubles=(trouble(step),))
    waiting = plan(shot, known, NOW)
    assert (rest(waiting), waiting.error) == (30.0, WHY)
    assert waiting.state is free.state
    due = plan(shot, known, NOW + seconds(30))
    assert (type(due.step), due.error) == (step, WHY)


@pytest.mark.parametrize(("step", "shot", "groups"), CALLS, ids=[row[0].__name__ for row in CALLS])
def test_the_trouble_of_one_step_does_not_block_another(
    step: type[Step], shot: Snapshot, groups: tuple[Group, ...]
) -> None:
    other = Ask if step is not Ask else Create
    for kind in TroubleKind:
        assert isinstance(plan(shot, record(shot, *groups, troubles=(trouble(other, kind, None),)), NOW).step, step)


@pytest.mark.parametrize(("step", "shot", "groups"), CALLS[:-1], ids=[row[0].__name__ for row in CALLS[:-1]])
def test_what_is_held_is_probed_when_it_is_due(step: type[Step], shot: Snapshot, groups: tuple[Group, ...]) -> None:
    known = record(shot, *groups, troubles=(trouble(step, TroubleKind.HELD),))
    waiting = plan(shot, known, NOW)
    assert (rest(waiting), waiting.state, waiting.error) == (30.0, State.HELD, WHY)
    assert isinstance(plan(shot, known, NOW + seconds(30)).step, step)
    person = record(shot, *groups, troubles=(trouble(step, TroubleKind.HELD, None),))
    assert rest(plan(shot, person, NOW + timedelta(days=5))) is None


def test_what_was_refused_waits_for_a_change_of_the_folder() -> None:
    decision = plan(TEXT, record(TEXT, troubles=(trouble(Create, TroubleKind.REFUSED, None),)), NOW)
    assert (rest(decision), decision.state, decision.error) == (None, State.INVALID, WHY)
    decision = plan(TEXT, record(TEXT, group(TEXT), troubles=(trouble(Update, TroubleKind.REFUSED, None),)), NOW)
    assert (rest(decision), decision.state, decision.error) == (None, State.FAILED, WHY)


@pytest.mark.parametrize(("step", "shot", "groups"), CALLS, ids=[row[0].__name__ for row in CALLS])
def test_a_refused_key_stops_every_call_until_it_is_probed(
    step: type[Step], shot: Snapshot, groups: tuple[Group, ...]
) -> None:
    refused = Finding("KEY_REFUSED", "not accepted", "check the key")
    known = record(shot, *groups)
    stopped = replace(shot, key_refused=refused, key_probe_at=NOW + seconds(900))
    decision = plan(stopped, known, NOW)
    assert (rest(decision), decision.error) == (900.0, refused)
    assert decision.state is plan(shot, known, NOW).state
    assert isinstance(plan(stopped, known, NOW + seconds(900)).step, step)


def test_a_refused_key_stops_nothing_that_needs_no_call() -> None:
    stopped = replace(TEXT, key_refused=WHY, key_probe_at=NOW + seconds(900))
    assert plan(stopped, record(None), NOW).step == Read()
    assert code(plan(replace(stopped, reading=snapshot(content=" ").reading), record(TEXT), NOW)) == "CONTENT_BLANK"


@pytest.mark.parametrize("kind", TroubleKind)
def test_beside_a_draft_that_cannot_be_deleted_the_post_is_built_but_not_scheduled(kind: TroubleKind) -> None:
    """Somebody may have scheduled that draft at PostPost: in doubt, late rather than twice."""
    until = NOW + seconds(30) if kind is TroubleKind.RETRY else None
    doomed, broken = group(PICTURE, GroupStage.DOOMED), (trouble(Delete, kind, until),)
    decision = plan(TEXT, record(TEXT, doomed, troubles=broken), NOW)
    assert isinstance(decision.step, Create)
    decision = plan(TEXT, record(TEXT, doomed, group(TEXT), troubles=broken), NOW)
    assert isinstance(decision.step, Rest)
    assert decision.error == WHY
    assert decision.step.after == (30 if until else None)


@pytest.mark.parametrize("edited", [EDITED, snapshot(JPEG, time="2026-12-20T10:00Z")], ids=["content", "time"])
def test_a_post_that_was_deleted_at_postpost_is_made_anew_when_a_person_says_so(edited: Snapshot) -> None:
    lost = group(PICTURE, GroupStage.SCHEDULED, lost=True)
    successor = (
        ()
        if edited.reading and edited.reading.content == "Hello"
        else (group(edited, verified=True, post_group_id=OTHER),)
    )
    known = record(edited, lost, *successor, state=State.HELD, confirmed=True)
    step = plan(edited, known, NOW).step
    assert not (isinstance(step, Update) and step.group.lost)


# --- compare ----------------------------------------------------------------------------------------------------------


def test_a_file_that_was_never_sent_to_its_end_cannot_be_compared_once_it_was_touched() -> None:
    touched = snapshot(JPEG._replace(stat=JPEG.stat._replace(mtime_ns=1)))
    post = resolve(touched.folder, touched.reading, touched.policy).post if touched.folder and touched.reading else None
    assert post is not None
    assert compare(group(PICTURE), post) == ("1.jpg",)
    assert compare(group(PICTURE, uploads=UploadStage.SIGNED), post) is None


# --- whatever the record --------------------------------------------------------------------------------------------


SNAPSHOTS = [
    TEXT,
    PICTURE,
    EDITED,
    THREE,
    GONE,
    CANCEL,
    snapshot(JPEG, time=None),
    snapshot(time="now"),
    snapshot(content=" "),
    snapshot(named=("9.jpg",)),
    snapshot(entry("1.jpg", size=0)),
    replace(PICTURE, reading=None),
    replace(PICTURE, quiet=0.0),
    replace(GONE, root_present=False),
    snapshot(time="8999-12-31T23:59Z"),
    snapshot(folder=look(JPEG, arriving=NOW.timestamp())),
]
MADE_OF = [TEXT, PICTURE, EDITED, THREE, snapshot(JPEG, time=None)]
MOMENTS = st.sampled_from([None, NOW, TIME, TIME + seconds(60), TIME + seconds(FOLLOW_FOR * 2)])


@st.composite
def groups(draw: st.DrawFn) -> Group:
    stage = draw(st.sampled_from(GroupStage))
    made = group(draw(st.sampled_from(MADE_OF)), stage)
    uploads = tuple(
        replace(u, stage=draw(st.sampled_from(UploadStage)), refused=draw(st.sampled_from([0, 1, REFUSALS + 1])))
        for u in made.uploads
    )
    seen = draw(
        st.none()
        | st.builds(
            ReadBack, st.booleans(), st.none() | st.integers(0, 4), st.integers(0, 2), st.just(NOW), st.just(NOW)
        )
    )
    return replace(
        made,
        uploads=uploads,
        read_back=seen,
        verified=draw(st.booleans()),
        asked_time=draw(MOMENTS),
        answered_time=draw(MOMENTS),
        checked_at=draw(MOMENTS),
        searches=draw(st.integers(0, 5)),
        lost=draw(st.booleans()),
        outcome=State.PUBLISHED if stage is GroupStage.ENDED else None,
    )


@st.composite
def situations(draw: st.DrawFn) -> tuple[Snapshot, Record, datetime]:
    shot = replace(
        draw(st.sampled_from(SNAPSHOTS)),
        in_flight=draw(st.frozensets(st.integers(0, 2))),
        key_refused=draw(st.sampled_from([None, None, WHY])),
        key_probe_at=draw(MOMENTS),
    )
    broken = draw(
        st.none()
        | st.builds(
            Trouble,
            st.sampled_from(["Create", "Search", "Transfer", "CheckDraft", "Update", "Delete", "Ask"]),
            st.sampled_from(TroubleKind),
            st.just(WHY),
            st.just(NOW),
            MOMENTS,
        )
    )
    known = record(
        draw(st.sampled_from([shot, shot, shot, None, PICTURE])),
        *draw(st.lists(groups(), max_size=4)),
        state=draw(st.sampled_from(State)),
        confirmed=draw(st.booleans()),
        done=draw(st.sampled_from([False, False, True])),
        rebuilds=draw(st.integers(0, 4)),
        now_time=draw(MOMENTS),
        complete_at=draw(MOMENTS),
        troubles=(broken,) if broken is not None else (),
    )
    now = draw(st.sampled_from([NOW, TIME - seconds(60), TIME, TIME + seconds(1000), TIME + seconds(30000)]))
    return shot, known, now


@given(situations())
def test_whatever_is_known_no_promise_is_broken(situation: tuple[Snapshot, Record, datetime]) -> None:
    shot, known, now = situation
    decision = plan(shot, known, now)
    match decision.step:
        case Update(target, time, _) if time is not None:
            others = [g for g in known.groups if g is not target]
            assert time >= now
            if target.stage is GroupStage.DRAFT:
                assert not any(g.stage in (GroupStage.SCHEDULED, GroupStage.GOING_OUT) for g in others)
                assert target.verified or not target.uploads
                assert all(u.stage is UploadStage.STORED for u in target.uploads)
            else:
                assert target.stage in (GroupStage.SCHEDULED, GroupStage.WITHDRAWN)
        case Update(target, None, _):
            assert target.stage is GroupStage.SCHEDULED
        case Transfer(target, one):
            assert target.stage is GroupStage.DRAFT
            assert one.stage is not UploadStage.STORED
            assert one.position not in shot.in_flight
        case Create():
            assert not any(g.stage in (GroupStage.CREATING, GroupStage.DRAFT) for g in known.groups)
        case Delete(target):
            assert target.stage is GroupStage.DOOMED
        case Doom(target, _):
            assert target.stage in (GroupStage.DRAFT, GroupStage.SCHEDULED, GroupStage.WITHDRAWN)
        case Abandon(target) | Search(target):
            assert target.stage in (GroupStage.CREATING, GroupStage.DRAFT)
        case Forget():
            assert not any(g.stage not in (GroupStage.GONE,) for g in known.groups)
        case Rest(after):
            assert after is None or after > 0
    if decision.error is not None:
        assert decision.error.code
        assert decision.error.message
