"""Random histories of folders, faults, crashes, clocks and people, and the promises that must hold in each of them.

`POSTPOST_HISTORIES=2000` runs that many; `POSTPOST_SEED=7` other ones than the usual. A failure is shrunk and printed as the
steps that lead to it, with the line (`@reproduce_failure`) that replays it.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import hypothesis
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from postpost_sync.models import Policy
from postpost_sync.sandbox import Behaviour, Fault, Plan
from tests.histories_world import FAULTS, PLATFORMS, Dropped, Histories

HISTORIES = int(os.environ.get("POSTPOST_HISTORIES", "150"))
SEED = os.environ.get("POSTPOST_SEED")
STEPS = 18
MEMORY = Path("/dev/shm") if os.access("/dev/shm", os.W_OK) else None  # noqa: S108 - a folder of its own is made in it

CALLS = ("create-post", "get-upload-url", "put-object", "update-post", "get-post", "list-posts", "delete-post", "*")
WHEN = st.sampled_from(["none", "now", "soon", "later", "far"])
WHICH = st.integers(0, 7)
LATER = st.one_of(st.none(), st.none(), st.integers(0, 6))  # at once, or in the midst of that request from now
SWITCHES: dict[str, tuple[object, ...]] = {
    "listing_lag": (0, 5, 15),
    "reissue_media": (False, True),
    "url_lifetime": (3600, 120),
    "list_media_urls": ("plain", "rewritten", "absent"),
    "publish_seconds": (0, 30),
    "media_not_ready": (False, True),
    "attach_to_scheduled_unschedules": (False, True),
    "move_time": (0, 30),
    "past_time": ("now", "refuse"),
    "idempotency": (False, True),
    "delete_processing": (True, False),
    "plan": (None, Plan("Small", pending=2), Plan("Near", horizon_days=1.0)),
    "publish_errors": ({}, {PLATFORMS[0][0]: {"code": "RATE_LIMITED", "message": "slow down", "retryable": True}}),
}


class Machine(RuleBasedStateMachine):
    """See the module."""

    run = 0

    def __init__(self) -> None:
        super().__init__()
        Machine.run += 1
        self.place = Path(tempfile.mkdtemp(prefix="histories-", dir=MEMORY))

    @initialize(
        concurrency=st.sampled_from([1, 2, 4]),
        lag=st.sampled_from([0, 0, 5, 15]),
        reissue=st.booleans(),
        urls=st.sampled_from(["plain", "plain", "rewritten", "absent"]),
        offset=st.sampled_from([0, 0, 0, -400, 400, 90000, -90000]),
        count=st.integers(0, 3),
        when=WHEN,
        plan=st.sampled_from([None, None, *SWITCHES["plan"]]),
        cancels=st.booleans(),
        duplicates=st.sampled_from(["warn", "hold"]),
    )
    def begin(
        self,
        concurrency: int,
        lag: int,
        reissue: bool,
        urls: str,
        offset: int,
        count: int,
        when: str,
        plan: Plan | None,
        cancels: bool,
        duplicates: str,
    ) -> None:
        start = Behaviour(listing_lag=lag, reissue_media=reissue, plan=plan)
        behaviour = replace(start, list_media_urls=urls)  # type: ignore[arg-type]  # one of its values
        policy = Policy(settle=2.0, cancel_removed=cancels, duplicates=duplicates)
        self.world = Histories(self.place, behaviour=behaviour, policy=policy, concurrency=concurrency)
        self.world.local_offset = timedelta(seconds=offset)
        self.world.fresh(count, PLATFORMS[0], self._time(when))
        self._look()

    def teardown(self) -> None:
        try:
            if hasattr(self, "world"):
                if sys.exc_info()[0] is None:
                    self.world.run_out()
                self.world.close()
        finally:
            shutil.rmtree(self.place, ignore_errors=True)

    # --- helpers ---

    def _time(self, when: str) -> datetime | str | None:
        ahead = {"soon": 100, "later": 900, "far": 200_000}.get(when)
        if ahead is None:
            return None if when == "none" else when
        return (self.world.now + timedelta(seconds=ahead)).replace(microsecond=0)

    def _pick(self, which: int) -> Dropped | None:
        there = [folder for folder in self.world.folders if folder.there]
        return there[which % len(there)] if there else None

    def _look(self) -> None:
        self.world.alive(self.world.look_around)

    def _do(self, at: int | None, act: Callable[[], object]) -> None:
        """Now, or while the product waits for an answer."""
        if at is None:
            act()
            self._look()
        else:
            self.world.interruption = (at, act)

    # --- folders ---

    @precondition(lambda self: len(self.world.folders) < 4)
    @rule(count=st.integers(0, 3), platforms=st.sampled_from(PLATFORMS), when=WHEN)
    def drop(self, count: int, platforms: tuple[str, ...], when: str) -> None:
        self.world.fresh(count, platforms, self._time(when))
        self._look()

    def _edit(self, which: int, at: int | None, change: Callable[[Dropped], object]) -> None:
        def act() -> None:
            folder = self._pick(which)
            if folder is not None:
                change(folder)
                self.world.write(folder)

        self._do(at, act)

    @rule(which=WHICH, at=LATER)
    def edit_text(self, which: int, at: int | None) -> None:
        def change(folder: Dropped) -> None:
            folder.text += 1

        self._edit(which, at, change)

    @rule(which=WHICH, at=LATER)
    def edit_text_back(self, which: int, at: int | None) -> None:
        def change(folder: Dropped) -> None:
            folder.text = max(0, folder.text - 1)

        self._edit(which, at, change)

    @rule(which=WHICH, at=LATER, place=st.integers(0, 2))
    def edit_bytes(self, which: int, at: int | None, place: int) -> None:
        def change(folder: Dropped) -> None:
            if folder.media:
                name, _ = folder.media[place % len(folder.media)]
                folder.media[place % len(folder.media)] = (name, self.world.new_picture())

        self._edit(which, at, change)

    @rule(which=WHICH, at=LATER)
    def edit_order(self, which: int, at: int | None) -> None:
        self._edit(which, at, lambda folder: folder.media.reverse())

    @rule(which=WHICH, at=LATER)
    def edit_count(self, which: int, at: int | None) -> None:
        def change(folder: Dropped) -> None:
            if len(folder.media) >= 3:
                folder.media.pop(0)
            else:
                number = self.world.new_picture()
                folder.media.append((f"more{number}.jpg", number))

        self._edit(which, at, change)

    @rule(which=WHICH, at=LATER, platforms=st.sampled_from(PLATFORMS))
    def edit_platforms(self, which: int, at: int | None, platforms: tuple[str, ...]) -> None:
        def change(folder: Dropped) -> None:
            folder.platforms = platforms

        self._edit(which, at, change)

    @rule(which=WHICH, at=LATER, when=WHEN)
    def edit_time(self, which: int, at: int | None, when: str) -> None:
        def change(folder: Dropped) -> None:
            folder.time = self._time(when)

        self._edit(which, at, change)

    def _with(self, which: int, at: int | None, change: Callable[[Dropped], object]) -> None:
        def act() -> None:
            folder = self._pick(which)
            if folder is not None:
                change(folder)

        self._do(at, act)

    @rule(which=WHICH, at=LATER)
    def touch(self, which: int, at: int | None) -> None:
        self._with(which, at, self.world.touch)

    @rule(which=WHICH)
    def rename(self, which: int) -> None:
        self._with(which, None, self.world.rename)

    @precondition(lambda self: len(self.world.folders) < 4)
    @rule(which=WHICH)
    def copy(self, which: int) -> None:
        self._with(which, None, self.world.copy)

    @rule(which=WHICH, at=LATER)
    def take_away(self, which: int, at: int | None) -> None:
        self._with(which, at, self.world.take_away)

    @rule(which=WHICH)
    def bring_back(self, which: int) -> None:
        gone = [folder for folder in self.world.folders if not folder.there]
        if gone:
            self.world.bring_back(gone[which % len(gone)])
            self._look()

    @rule(which=WHICH, at=LATER, word=st.sampled_from(["retry", "cancel"]))
    def word(self, which: int, at: int | None, word: str) -> None:
        """A person says what to do about a post."""
        said = {"retry": self.world.retry, "cancel": self.world.cancel}[word]
        self._with(which, at, said)

    # --- what runs, and what breaks ---

    @rule()
    def reconcile(self) -> None:
        """The hourly comparison with what PostPost lists."""
        self.world.alive(self.world.reconcile)

    @rule(steps=st.integers(1, 12), transfers_first=st.booleans(), interleaved=st.booleans())
    def work(self, steps: int, transfers_first: bool, interleaved: bool) -> None:
        self.world.transfers_first, self.world.interleaved = transfers_first, interleaved
        self.world.alive(lambda: self.world.work(steps))

    @rule(seconds=st.sampled_from([2.5, 2.5, 5, 30, 120, 700, 4000, 30000]))
    def wait(self, seconds: float) -> None:
        self.world.alive(lambda: self.world.advance_time(seconds))

    @rule(seconds=st.sampled_from([60, 1000, 3700]))
    def sleep(self, seconds: float) -> None:
        """The machine sleeps: time passes, and nothing runs."""
        self.world.pass_time(seconds)

    @rule(effect=st.integers(1, 40), again=st.one_of(st.none(), st.integers(1, 10)))
    def crash(self, effect: int, again: int | None) -> None:
        world = self.world
        for one in (effect, again):
            if one is not None:
                world.kill_at(len(world.effects) + one)
                if world.alive(lambda: world.run_until_rest(30.0)):
                    world._kill_at = None
                    world.restart()
        self._look()

    @rule(
        call=st.sampled_from(CALLS),
        kind=st.sampled_from(FAULTS),
        times=st.integers(1, 4),
        after=st.integers(0, 2),
        status=st.sampled_from([500, 503, 429, 408]),
        seconds=st.sampled_from([1.0, 40.0]),
    )
    def outage(self, call: str, kind: str, times: int, after: int, status: int, seconds: float) -> None:
        self.world.sandbox.faults.add(Fault(call, kind, times, after, status, seconds=seconds))

    @rule(call=st.sampled_from(CALLS[:-1]), times=st.integers(1, 4))
    def unreachable(self, call: str, times: int) -> None:
        self.world.unreachable[call] = times

    @rule(times=st.integers(1, 2))
    def urls_die(self, times: int) -> None:
        self.world.sandbox.faults.add(Fault("put-object", "early_403", times))

    @rule(seconds=st.sampled_from([0, 10, 3700]))
    def slow_uploads(self, seconds: float) -> None:
        self.world.put_takes = seconds

    @rule(switch=st.sampled_from(sorted(SWITCHES)), to=st.integers(0, 2))
    def switch(self, switch: str, to: int) -> None:
        values = SWITCHES[switch]
        self.world.sandbox.behaviour = replace(self.world.sandbox.behaviour, **{switch: values[to % len(values)]})  # type: ignore[arg-type]

    @rule(seconds=st.sampled_from([-100_000, -4000, -400, -30, 30, 400, 4000, 100_000]))
    def local_clock(self, seconds: float) -> None:
        self.world.alive(lambda: self.world.turn_local_clock(seconds))

    # --- people at the service ---

    @rule(which=WHICH, what=st.sampled_from(["add", "delete", "reschedule", "sooner", "unschedule"]))
    def dashboard(self, which: int, what: str) -> None:
        world, sandbox = self.world, self.world.sandbox
        status = {"add": ["draft"], "unschedule": ["scheduled"]}.get(what, ["draft", "scheduled"])
        groups = world.ours(*status)
        if not groups or (what == "add" and sandbox.behaviour.list_media_urls != "plain"):
            return
        group = groups[which % len(groups)]
        acts: dict[str, Callable[[], object]] = {
            "add": lambda: sandbox.dashboard_add_media(group.id),
            "delete": lambda: sandbox.dashboard_delete(group.id),
            "reschedule": lambda: sandbox.dashboard_reschedule(group.id, world.now + timedelta(hours=5)),
            "sooner": lambda: sandbox.dashboard_reschedule(group.id, world.now + timedelta(seconds=30)),
            "unschedule": lambda: sandbox.dashboard_unschedule(group.id),
        }
        world.person(group, acts[what])

    @rule(which=WHICH, alike=st.booleans())
    def foreign(self, which: int, alike: bool) -> None:
        folder = self._pick(which)
        if folder is not None:
            content = folder.content if alike else f"{folder.content}, and more"
            time = self.world.now + timedelta(hours=3) if alike else None
            self.world.make_foreign(content, folder.platforms, time)

    # --- the promises ---

    @invariant()
    def holds(self) -> None:
        self.world.check()


@pytest.mark.timeout(1800)
def test_every_history_keeps_the_promises(capsys: pytest.CaptureFixture[str]) -> None:
    chosen = settings(
        max_examples=HISTORIES,
        stateful_step_count=STEPS,
        deadline=None,
        database=None,
        derandomize=SEED is None,
        print_blob=True,
        report_multiple_bugs=False,
        suppress_health_check=list(HealthCheck),
    )
    machine = Machine if SEED is None else hypothesis.seed(int(SEED))(Machine)
    began = time.monotonic()
    run_state_machine_as_test(machine, settings=chosen)
    with capsys.disabled():
        print(f"\n{Machine.run} histories in {time.monotonic() - began:.0f} s, seed {SEED or 'fixed'}")


# --- what such histories have found, as transcripts -------------------------------------------------------------------


@pytest.fixture
def world(tmp_path: Path) -> Iterator[Histories]:
    made = Histories(tmp_path)
    yield made
    made.run_out()
    made.close()


def at(world: Histories, seconds: float) -> datetime:
    return world.now + timedelta(seconds=seconds)


@pytest.mark.parametrize("offset", [-90_000, -400, 400, 90_000])
def test_a_machine_whose_clock_is_wrong_asks_for_the_time_before_it_judges(world: Histories, offset: float) -> None:
    world.local_offset = timedelta(seconds=offset)
    world.restart()
    world.fresh(0, PLATFORMS[0], time := at(world, 900))
    world.fresh(0, PLATFORMS[0], "now")
    world.advance_time(5)
    first, second = world.ours("scheduled")
    assert first.scheduled_time == time
    assert second.scheduled_time is not None
    assert second.scheduled_time <= world.now


@pytest.mark.parametrize("seconds", [-100_000, 100_000])
def test_a_clock_that_is_set_makes_no_post_late_and_none_forgotten(world: Histories, seconds: float) -> None:
    world.fresh(0, PLATFORMS[0], at(world, 900))
    world.advance_time(5)
    world.turn_local_clock(seconds)
    world.fresh(0, PLATFORMS[0], at(world, 900))
    world.advance_time(1200)
    assert [record.state for record in world.store.records()] == ["published", "published"]


def test_a_record_without_bytes_is_never_scheduled_though_the_service_lists_no_media(world: Histories) -> None:
    world.sandbox.behaviour = replace(world.sandbox.behaviour, list_media_urls="absent")
    world.sandbox.faults.add(Fault("put-object", "early_403"))
    world.fresh(1, PLATFORMS[0], at(world, 900))
    world.advance_time(5)
    (group,) = world.ours()
    assert (group.status, [media.stored for media in group.media]) == ("scheduled", [True])


@pytest.mark.parametrize("count", [0, 1])
def test_media_that_a_person_added_to_a_draft_that_lay_for_a_while_hold_it(world: Histories, count: int) -> None:
    folder = world.fresh(count, PLATFORMS[0], None)
    world.advance_time(120)
    (draft,) = world.ours("draft")
    world.person(draft, lambda: world.sandbox.dashboard_add_media(draft.id))
    folder.time = at(world, 900)
    world.write(folder)
    world.advance_time(60)
    assert [group.status for group in world.ours()] == ["draft"]
    assert world.code(folder.name) == "MEDIA_ADDED_ELSEWHERE"


def test_a_post_whose_scheduling_was_not_answered_goes_out_once_whatever_is_edited_then(world: Histories) -> None:
    folder = world.fresh(0, PLATFORMS[0], at(world, 60))
    world.sandbox.faults.add(Fault("update-post", "lost_reply"))
    world.look_around()
    world.pass_time(2.5)
    world.wake(1, 0.0)
    world.run()  # it stands scheduled, and we do not know
    folder.text += 1
    world.write(folder)
    world.pass_time(200)  # it goes out
    world.advance_time(60)
    assert [group.status for group in world.ours()] == ["published"]
    assert world.code(folder.name) == "EDIT_TOO_LATE"


def test_a_draft_that_a_person_published_is_not_replaced(world: Histories) -> None:
    folder = world.fresh(1, PLATFORMS[0], None)
    world.advance_time(5)
    (draft,) = world.ours("draft")
    world.person(draft, lambda: world.sandbox.dashboard_reschedule(draft.id, world.now))
    world.advance_time(120)
    folder.text, folder.time = 1, "now"
    world.write(folder)
    world.advance_time(60)
    assert [group.status for group in world.ours()] == ["published"]


def test_a_draft_whose_folder_went_and_came_back_is_made_again(world: Histories) -> None:
    folder = world.fresh(1, PLATFORMS[0], None)
    world.advance_time(5)
    world.take_away(folder)
    world.advance_time(700)
    assert world.ours() == []
    world.restart()
    world.bring_back(folder)
    world.advance_time(60)
    assert [group.status for group in world.ours()] == ["draft"]
    assert world.state(folder.name) == "drafted"


def test_a_post_whose_time_was_taken_away_stays_shown_as_a_draft(world: Histories) -> None:
    folder = world.fresh(0, PLATFORMS[0], at(world, 900))
    world.advance_time(5)
    folder.time = None
    world.write(folder)
    world.advance_time(60)
    assert (world.state(folder.name), [group.status for group in world.ours()]) == ("drafted", ["draft"])


def test_an_edit_does_not_hurry_the_search_for_a_lost_create(world: Histories) -> None:
    world.sandbox.behaviour = replace(world.sandbox.behaviour, listing_lag=15)
    world.sandbox.faults.add(Fault("create-post", "lost_reply"))
    folder = world.fresh(0, PLATFORMS[0], None)
    world.advance_time(9)  # three of the four searches
    folder.text = 1
    world.write(folder)
    world.advance_time(300)
    assert [group.content for group in world.ours()] == [folder.content]


def test_a_pause_that_another_clock_has_set_is_not_waited_for(world: Histories) -> None:
    folder = world.fresh(1, PLATFORMS[0], None)
    world.advance_time(5)
    folder.text = 1
    world.write(folder)
    world.unreachable["update-post"] = 3
    world.advance_time(3)  # the old draft cannot be deleted yet
    world.local_offset = timedelta(days=-2)
    world.restart()
    world.advance_time(600)
    assert [group.content for group in world.ours()] == [folder.content]


def test_a_draft_that_a_person_scheduled_and_that_cannot_be_deleted_yet_is_not_doubled(world: Histories) -> None:
    world.unreachable["update-post"] = 6
    folder = world.fresh(0, PLATFORMS[0], at(world, 7200))
    world.advance_time(3)  # the draft is there, and cannot be scheduled
    (draft,) = world.ours()
    world.person(draft, lambda: world.sandbox.dashboard_reschedule(draft.id, world.now + timedelta(hours=5)))
    folder.text = 1
    world.write(folder)
    world.advance_time(3600)  # at no instant two stand: the world looks after every call
    assert [(group.content, group.status) for group in world.ours()] == [(folder.content, "scheduled")]


def test_an_outcome_that_was_not_shown_yet_is_shown_by_the_next_process(world: Histories) -> None:
    world.fresh(0, PLATFORMS[0], "now")
    world.advance_time(5)
    world.pass_time(90)
    world.kill_at(len(world.effects) + 3)  # the service said that it is out, and that was written down
    assert not world.alive(lambda: world.run_until_rest(120))
    world.advance_time(120)
    assert [record.state for record in world.store.records()] == ["published"]


def test_a_draft_of_a_lost_create_is_found_though_the_folder_is_too_late_by_then(world: Histories) -> None:
    folder = world.fresh(0, PLATFORMS[0], at(world, 900))
    world.sandbox.faults.add(Fault("create-post", "lost_reply"))
    world.unreachable["list-posts"] = 1
    world.look_around()
    world.pass_time(2.5)
    world.wake(1, 0.0)
    world.run()
    assert len(world.ours("draft")) == 1
    world.pass_time(3700)
    world.touch(folder)  # complete as it is now, which is after its time
    world.advance_time(60)
    (record,) = world.store.records()
    assert world.code(folder.name) == "TIME_PAST"
    assert [group.post_group_id for group in record.groups] == [group.id for group in world.ours("draft")]


@pytest.mark.parametrize("offset", [0, 400])
def test_a_comparison_right_after_a_crash_takes_nothing_for_somebodys_change(tmp_path: Path, offset: float) -> None:
    for effect in range(1, 20):
        place = tmp_path / str(effect)
        place.mkdir()
        with Histories(place, behaviour=Behaviour(listing_lag=15)) as world:
            world.local_offset = timedelta(seconds=offset)
            folder = world.fresh(0, PLATFORMS[0], at(world, 72_000))
            world.kill_at(effect)
            world.alive(lambda world=world: world.run_until_rest(60))  # type: ignore[misc]  # mypy cannot infer it
            world._kill_at = None
            world.reconcile()
            folder.text = 1
            world.write(folder)
            world.run_out()
            assert [(group.content, group.status) for group in world.ours()] == [(folder.content, "scheduled")]


def test_a_post_that_somebody_unscheduled_and_scheduled_again_unseen_is_not_doubled_by_an_edit(
    world: Histories,
) -> None:
    folder = world.fresh(0, PLATFORMS[0], at(world, 36_000))
    world.advance_time(600)
    (group,) = world.ours()
    world.person(group, lambda: world.sandbox.dashboard_unschedule(group.id))
    world.reconcile()
    world.advance_time(5)
    world.person(group, lambda: world.sandbox.dashboard_reschedule(group.id, at(world, 30_000)))
    folder.text = 1
    world.write(folder)
    world.advance_time(60)
    assert [(group.content, group.status) for group in world.ours()] == [(folder.content, "scheduled")]
