"""Random histories of folders, faults, crashes, clocks and people, and the promises that must hold in each of them.

200 in the quick suite, 2,000 with `--whole`, in shares, so that several processes can run them; each share draws by itself.
`POSTPOST_HISTORIES=500` runs that many, however long it takes; `POSTPOST_SEED=7` other ones than the usual. A failure is
shrunk and printed as the steps that lead to it, with the line (`@reproduce_failure`) that replays it.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Callable
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

from postpost_sync.model.post import Policy
from postpost_sync.sandbox import Behaviour, Fault, Plan
from tests.support.histories import (
    BRANDS,
    ENTRIES,
    FAULTS,
    KEYS,
    THREE,
    ZONES,
    Histories,
)
from tests.support.lineages import PLATFORMS, SLOTS, Dropped, Other
from tests.support.matrices import Matrix, Survived

QUICK, WHOLE, SHARES = 200, 2000, 4
HISTORIES = os.environ.get("POSTPOST_HISTORIES")
SEED = os.environ.get("POSTPOST_SEED", "fixed")
STEPS = 18
MEMORY = Path("/dev/shm") if os.access("/dev/shm", os.W_OK) else None  # noqa: S108 - a folder of its own is made in it

CALLS = ("create-post", "get-upload-url", "put-object", "update-post", "get-post", "list-posts", "delete-post", "*")
WHEN = st.sampled_from(["none", "now", "soon", "later", "far", "next", "next"])
WHICH = st.integers(0, 7)
LATER = st.one_of(st.none(), st.none(), st.integers(0, 6))  # at once, or in the midst of that request from now
SWITCHES: dict[str, tuple[object, ...]] = {
    "listing_lag": (0, 5, 15),
    "reissue_media": (False, True),
    "url_lifetime": (3600, 120),
    "list_media_urls": ("plain", "rewritten", "absent"),
    "list_texts": ("plain", "escaped"),
    "get_post_media": (False, True),
    "publish_seconds": (0, 30),
    "media_not_ready": (False, True),
    "attach_to_scheduled_unschedules": (False, True),
    "move_time": (0, 30),
    "past_time": ("now", "refuse"),
    "idempotency": (False, True),
    "delete_processing": (True, False),
    "plan": (None, Plan("Small", pending=2), Plan("Near", horizon_days=1.0)),
    "publish_errors": (
        {},
        {PLATFORMS[0][0]: {"code": "RATE_LIMITED", "message": "slow down", "retryable": True}},
        {PLATFORMS[0][0]: {"code": "PUBLISH_OUTCOME_UNKNOWN", "message": "it did not answer"}},
    ),
    "publish_entries": ({}, {PLATFORMS[0][0]: ("published", "failed")}),
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
        duplicates=st.sampled_from(["warn", "hold", "allow"]),
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
        behaviour = replace(start, list_media_urls=urls, keys=dict.fromkeys(KEYS, "one"))  # type: ignore[arg-type]  # one of its values
        about = {"cancel_removed": cancels, "duplicates": duplicates, "accounts": {"brand": BRANDS[0]}}
        policy = Policy(settle=2.0, slots=SLOTS, **about)  # type: ignore[arg-type]  # each has its own
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
        there = [one for one in self.world.folders if one.there and self.world.place(one).exists()]
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
    @rule(
        count=st.integers(0, 3),
        platforms=st.sampled_from((*PLATFORMS, THREE)),
        when=WHEN,
        by_config=st.booleans(),
        elsewhere=st.booleans(),
        phone=st.booleans(),
    )
    def drop(
        self, count: int, platforms: tuple[str, ...], when: str, by_config: bool, elsewhere: bool, phone: bool
    ) -> None:
        more = {"by_config": by_config, "elsewhere": elsewhere, "phone": phone}
        self.world.fresh(count, platforms, self._time(when), **more)
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

    @rule(which=WHICH, at=LATER, platforms=st.sampled_from((*PLATFORMS, THREE)))
    def edit_platforms(self, which: int, at: int | None, platforms: tuple[str, ...]) -> None:
        def change(folder: Dropped) -> None:
            folder.platforms = platforms

        self._edit(which, at, change)

    @rule(
        which=WHICH,
        at=LATER,
        name=st.sampled_from(ENTRIES),
        text=st.sampled_from([None, 1, 2]),
        when=st.sampled_from(["none", "none", "now", "soon", "later", "far"]),
        first_alone=st.booleans(),
    )
    def edit_part(self, which: int, at: int | None, name: str, text: int | None, when: str, first_alone: bool) -> None:
        """Some of the accounts get other words, another time, or fewer media."""
        time = self._time(when)

        def change(folder: Dropped) -> None:
            folder.others = {**folder.others, name: Other(text, time, first_alone)}

        self._edit(which, at, change)

    @rule(which=WHICH, at=LATER, names=st.sets(st.sampled_from(ENTRIES), min_size=1))
    def edit_part_away(self, which: int, at: int | None, names: set[str]) -> None:
        def change(folder: Dropped) -> None:
            folder.others = {name: one for name, one in folder.others.items() if name not in names}

        self._edit(which, at, change)

    @rule(which=WHICH, at=LATER, name=st.sampled_from(ENTRIES))
    def edit_part_name(self, which: int, at: int | None, name: str) -> None:
        """An entry moves to another account, with all that it says."""

        def change(folder: Dropped) -> None:
            first = next(iter(folder.others), None)
            if first is not None:
                moved = folder.others[first]
                folder.others = {one: other for one, other in folder.others.items() if one != first} | {name: moved}

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

    @rule(which=WHICH, other=WHICH)
    def swap(self, which: int, other: int) -> None:
        """Two folders change their names; one of them may have been dropped a moment ago."""
        one, two = self._pick(which), self._pick(other)
        if one is not None and two is not None and one is not two:
            self.world.swap(one, two)
            self._look()

    @rule(brand=st.sampled_from(BRANDS), zone=st.sampled_from(ZONES))
    def configure(self, brand: tuple[str, ...], zone: str) -> None:
        self.world.configure(brand, zone)
        self._look()

    @precondition(lambda self: len(self.world.folders) < 4)
    @rule(which=WHICH, at=LATER)
    def copy(self, which: int, at: int | None) -> None:
        self._with(which, at, self.world.copy)

    @precondition(lambda self: len(self.world.folders) < 4)
    @rule(which=WHICH, at=LATER, removed=st.booleans())
    def carry(self, which: int, at: int | None, removed: bool) -> None:
        """A sync client gives it another name: it makes it anew, and then removes the old one, or not yet."""

        def carried(folder: Dropped) -> None:
            self.world.carry(folder)
            if removed:
                self.world.take_away(folder)

        self._with(which, at, carried)

    @rule()
    def rotate_key(self) -> None:
        self.world.alive(self.world.rotate_key)
        self._look()

    @rule(back=st.booleans())
    def tree(self, back: bool) -> None:
        """The folders themselves are put back to what they were at the latest copy, their status files, too."""
        if back:
            self.world.put_back_tree()
            self._look()
        else:
            self.world.keep_tree()

    @rule(which=WHICH, at=LATER)
    def take_away(self, which: int, at: int | None) -> None:
        self._with(which, at, self.world.take_away)

    @rule(which=WHICH)
    def bring_back(self, which: int) -> None:
        gone = [one for one in self.world.folders if not one.there and self.world.place(one).parent.exists()]
        if gone:
            self.world.bring_back(gone[which % len(gone)])
            self._look()

    @rule(at=LATER, leaves=st.booleans())
    def root_away(self, at: int | None, leaves: bool) -> None:
        """A root goes away, whatever waits there in line, or comes back."""
        self._do(at, self.world.root_leaves if leaves else self.world.root_comes_back)

    @rule(name=st.sampled_from(["", "", "slide0.jpg", "slide1.jpg", "slide0.heic", "post.yaml", "post0", "post1"]))
    def broken_disk(self, name: str) -> None:
        """Files of that name, or that folder, cannot be opened from now on, although they are listed; "": all can."""
        self.world.unopenable = name
        self._look()

    @rule(number=st.integers(1, 4), gap=st.sampled_from([60, 300, 700]))
    def single_passes(self, number: int, gap: float) -> None:
        """Nothing but `run --once` runs for a while."""
        self.world.alive(lambda: self.world.single_passes(number, gap))

    @rule(which=WHICH, at=LATER, word=st.sampled_from(["retry", "cancel", "adopt"]))
    def word(self, which: int, at: int | None, word: str) -> None:
        """A person says what to do about a post."""
        said = {"retry": self.world.retry, "cancel": self.world.cancel, "adopt": self.world.adopt}[word]
        self._with(which, at, said)

    @rule(what=st.sampled_from(["keep", "keep", "put back", "put back", "lost", "status files lost", "copies lost"]))
    def database(self, what: str) -> None:
        world = self.world
        acts: dict[str, Callable[[], object]] = {
            "keep": world.keep_database,
            "put back": world.put_back_database,
            "lost": world.lose_database,
            "status files lost": world.lose_status_files,
            "copies lost": world.lose_copies,
        }
        world.alive(acts[what])
        self._look()

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
                world.kill_at(one)
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
        self.world.promises.check()


@pytest.mark.whole
@pytest.mark.timeout(0 if HISTORIES else 3600)
@pytest.mark.parametrize("share", range(1, SHARES + 1))
def test_every_history_keeps_the_promises(share: int, matrix: Matrix, survived: Survived) -> None:
    histories = int(HISTORIES or (WHOLE if matrix.every == 1 else QUICK))
    chosen = settings(
        max_examples=-(-histories // SHARES),
        stateful_step_count=STEPS,
        deadline=None,
        database=None,
        print_blob=True,
        report_multiple_bugs=False,
        suppress_health_check=list(HealthCheck),
    )
    Machine.run = 0
    run_state_machine_as_test(hypothesis.seed(f"{SEED}, share {share}")(Machine), settings=chosen)
    survived(f"random histories (seed {SEED})", Machine.run)
