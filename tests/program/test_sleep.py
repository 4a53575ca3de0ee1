"""A machine that sleeps, and clocks that are set: nothing is lost by it, and nothing goes out twice or at another time."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import time_machine

from postpost_sync.config.load import load
from postpost_sync.daemon import daemon as daemon_module
from postpost_sync.daemon import heap
from postpost_sync.daemon.daemon import Daemon
from postpost_sync.daemon.heartbeat import clocks_ahead
from postpost_sync.disk import watcher
from postpost_sync.log import Log
from postpost_sync.model.states import State
from postpost_sync.sandbox import Behaviour
from tests.support.drops import sidecar
from tests.support.rig import Rig, rig, until

HOUR = 3600.0
BEGAN, BEGAN_AT = datetime.now(UTC), time.monotonic()


def service_time() -> datetime:
    """Of a service whose clock nobody sets."""
    return BEGAN + timedelta(seconds=time.monotonic() - BEGAN_AT)


@pytest.fixture
def pp(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Iterator[Rig]:
    with rig(tmp_path, capsys, clock=service_time) as one:
        yield one


@pytest.fixture
def asleep(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Iterator[Rig]:
    """The service's clock goes on while the machine sleeps, as this machine's wall clock does."""
    with rig(tmp_path, capsys, behaviour=Behaviour()) as one:
        yield one


@pytest.fixture(autouse=True)
def nothing_is_heard_of(monkeypatch: pytest.MonkeyPatch) -> None:
    """What happens is not told by the kernel: it has to be looked for."""
    monkeypatch.setattr(watcher.NativeWatcher, "_pass_on", lambda *_: None)


@contextmanager
def running(pp: Rig, settle: str = "200ms") -> Iterator[Daemon]:
    """A daemon that looks around by itself once an hour alone."""
    pp.configure(top="rescan: 1h\n")
    text = pp.config.read_text().replace("poll_interval: 500ms", "poll_interval: 1h")
    pp.config.write_text(text.replace("settle: 200ms", f"settle: {settle}"))
    daemon = Daemon(load(pp.config, os.environ), os.environ, Log())
    thread = threading.Thread(target=daemon.run)
    daemon.start()
    thread.start()
    try:
        until(lambda: daemon.roots.scanned() and daemon.roots.idle())
        yield daemon
    finally:
        daemon.request_stop()
        thread.join()
        daemon.stop()


@contextmanager
def clock_set(seconds: float) -> Iterator[None]:
    """From here on the wall clock is off by so much; the monotonic one is not, as after a sleep."""
    with time_machine.travel(datetime.now(UTC) + timedelta(seconds=seconds), tick=True):
        yield


def states(daemon: Daemon) -> dict[str, State]:
    return {record.path: record.state for record in daemon.store.records()}


@pytest.mark.parametrize("ahead", [3 * HOUR, -3 * HOUR], ids=["a sleep, or a clock set forth", "a clock set back"])
def test_what_was_dropped_meanwhile_is_found_at_once(pp: Rig, ahead: float) -> None:
    with running(pp) as daemon:
        pp.drop("post")
        time.sleep(1.5)
        assert states(daemon) == {}
        with clock_set(ahead):
            until(lambda: states(daemon) == {"post": State.SCHEDULED})
    (group,) = pp.groups()
    assert (group.status, group.scheduled_time) == ("scheduled", datetime(2031, 3, 4, 10, 0, tzinfo=UTC))


def test_a_sleep_shows_although_the_wall_clock_was_set_back_by_as_much(
    pp: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    slept, clocks = [0.0], clocks_ahead
    monkeypatch.setattr(daemon_module, "clocks_ahead", lambda: (clocks()[0], clocks()[1] + slept[0]))
    with running(pp) as daemon:
        pp.drop("post")
        slept[0] = 3 * HOUR
        until(lambda: states(daemon) == {"post": State.SCHEDULED})


def test_a_folder_that_is_settling_settles_although_the_clock_is_set_back(pp: Rig) -> None:
    """By the wall clock its timer would be due in an hour then."""
    pp.drop("post")
    with running(pp, settle="3s") as daemon:
        until(lambda: states(daemon) == {"post": State.SETTLING})
        with clock_set(-HOUR):
            until(lambda: states(daemon) == {"post": State.SCHEDULED})


@pytest.mark.parametrize("ahead", [30 * HOUR, -30 * HOUR], ids=["forth", "back"])
def test_a_wrong_clock_makes_nothing_late_and_moves_no_time(pp: Rig, ahead: float) -> None:
    at = (service_time() + timedelta(hours=20)).replace(microsecond=0)
    with running(pp) as daemon, clock_set(ahead):
        time.sleep(1.5)
        pp.drop("post", sidecar(time=at.isoformat()))
        daemon.roots.scan_all()
        until(lambda: states(daemon) == {"post": State.SCHEDULED})
        time.sleep(1.5)
        assert states(daemon) == {"post": State.SCHEDULED}
    assert [group.scheduled_time for group in pp.groups()] == [at]


def test_what_went_out_during_a_sleep_is_followed_after_it(asleep: Rig) -> None:
    pp, at = asleep, (datetime.now(UTC) + timedelta(hours=2)).replace(microsecond=0)
    pp.drop("post", sidecar(time=at.isoformat()))
    with running(pp) as daemon:
        until(lambda: states(daemon) == {"post": State.SCHEDULED})
        with clock_set(3 * HOUR):
            until(lambda: states(daemon) == {"post": State.PUBLISHED})
    assert len(pp.groups()) == 1


def test_jobs_are_never_dropped_and_never_pile_up_and_wakes_are_none(pp: Rig) -> None:
    pp.drop("post")
    with running(pp, settle="1m") as daemon:
        until(lambda: states(daemon) == {"post": State.SETTLING})
        jobs = {job.id: job for job in daemon.timers._scheduler.get_jobs()}
        (key,) = [record.key for record in daemon.store.records()]
        assert set(jobs) == {"scan_all", "give_back", "reconcile", "ask_limits"}
        assert {job.func for job in jobs.values()} == {daemon.roots.scan_all, heap.give_back, daemon.timers.apart}
        assert set(daemon.timers.due()) == {key}
        assert {(job.misfire_grace_time, job.coalesce, job.max_instances) for job in jobs.values()} == {(None, True, 1)}
