"""The service's time, as well as its answers tell it."""

from __future__ import annotations

from datetime import timedelta
from email.utils import format_datetime

import pytest

from postpost_sync.service.clock import ServerClock
from tests.support.api import NOW, ApiWorld, Clock


@pytest.mark.parametrize(
    ("ahead", "learned"), [(400, True), (-400, True), (7200, True), (1, False), (-1, False), (0, False)]
)
def test_the_services_time_is_learned_from_its_date(world: ApiWorld, ahead: float, learned: bool) -> None:
    world.clock.moment = NOW - timedelta(seconds=ahead)
    clock = Clock(NOW)
    world.sandbox._clock = clock.now
    world.create()
    off = (world.api.clock.now() - NOW).total_seconds()
    assert off == pytest.approx(0.5 if learned else -ahead)


def test_a_clock_that_was_put_right_is_trusted_again(world: ApiWorld) -> None:
    service = Clock(NOW + timedelta(seconds=400))
    world.sandbox._clock = service.now
    world.create()
    assert world.api.clock.offset == timedelta(seconds=400.5)
    service.moment = NOW
    world.create()
    assert world.api.clock.offset == timedelta()


def test_a_slow_answer_takes_nothing_back_of_what_quick_ones_have_shown() -> None:
    local = Clock(NOW)
    clock = ServerClock(local)
    clock.learn(format_datetime(NOW + timedelta(seconds=400), usegmt=True), NOW)
    assert clock.offset == timedelta(seconds=400.5)
    local.moment = NOW + timedelta(seconds=60)
    clock.learn(format_datetime(NOW + timedelta(seconds=402), usegmt=True), NOW)  # the service took its time to send it
    assert clock.offset == timedelta(seconds=400.5)
    clock.learn(format_datetime(NOW + timedelta(seconds=460), usegmt=True), local.moment)
    assert clock.offset == timedelta(seconds=400.5)


def test_what_was_known_before_the_clock_was_set_does_not_count() -> None:
    local = Clock(NOW)
    clock = ServerClock(local)
    clock.learn(format_datetime(NOW + timedelta(seconds=400), usegmt=True), NOW)
    clock.known = False
    local.moment = NOW + timedelta(seconds=30)
    clock.learn(format_datetime(NOW + timedelta(seconds=440), usegmt=True), NOW)
    assert clock.offset == timedelta(seconds=425.5)


def test_a_time_far_from_all_that_was_shown_before_must_be_shown_twice() -> None:
    """Else one answer of something on the way, in the year 2050, would have every post be too late."""
    clock = ServerClock(Clock(NOW))
    clock.learn(format_datetime(NOW, usegmt=True), NOW)
    for moment, offset in ((NOW + timedelta(days=9000), 0), (NOW, 0), (NOW - timedelta(days=9), 0), (NOW, 0)):
        clock.learn(format_datetime(moment, usegmt=True), NOW)
        assert clock.offset == timedelta(offset)
    for _ in range(2):
        assert clock.offset == timedelta()
        clock.learn(format_datetime(NOW + timedelta(days=2), usegmt=True), NOW)
    assert clock.offset == timedelta(days=2, seconds=0.5), "the service was set anew"


def test_the_time_on_the_way_is_taken_into_account() -> None:
    local = Clock(NOW + timedelta(seconds=20))
    clock = ServerClock(local)
    clock.learn(format_datetime(NOW + timedelta(seconds=110), usegmt=True), NOW)
    assert clock.offset == timedelta(seconds=100.5)
    clock.learn(format_datetime(NOW + timedelta(seconds=21), usegmt=True), NOW)  # within what the way can explain
    assert clock.offset == timedelta()


@pytest.mark.parametrize(
    "date", [None, "", "yesterday", "99", "Tue, 99 Dec 2026 08:00:00 GMT", "Tue, 01 Dec 99999 08:00:00 GMT", "\u0660"]
)
def test_a_date_that_is_none_changes_nothing(date: str | None) -> None:
    clock = ServerClock(Clock())
    clock.learn("Tue, 01 Dec 2026 09:00:00 GMT", NOW)
    before = clock.offset
    clock.learn(date, NOW)
    assert clock.offset == before == timedelta(seconds=3600.5)
