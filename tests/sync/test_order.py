"""The order in which folders are taken forward: by the times of their posts, and what keeps the uplink busy before all."""

from __future__ import annotations

from dataclasses import replace

import pytest

from postpost_sync.model.record import MediaName
from postpost_sync.model.states import State
from postpost_sync.sync.order import Order
from postpost_sync.sync.transfers import DRAFTS_AHEAD, Slots
from tests.support.situations import TEXT, TIME, record, seconds

MEDIA = (MediaName("a.jpg", 5),)
POST = replace(record(TEXT), time=TIME, state=State.DRAFTING)


@pytest.fixture
def slots() -> Slots:
    return Slots(1, lambda key, after: None)


def by_urgency(order: Order, *keys: int) -> list[int]:
    return sorted(keys, key=order.urgency)


def test_the_sooner_due_comes_first_and_before_all_who_was_not_read(slots: Slots) -> None:
    order = Order(slots)
    for key, after in ((1, 60), (2, 0)):
        assert order.place(replace(POST, key=key, time=TIME + seconds(after)))
    assert not order.place(replace(POST, key=1, time=TIME + seconds(60))), "it had its place"
    assert by_urgency(order, 1, 2, 3) == [3, 2, 1]
    order.leave(1)
    assert by_urgency(order, 2, 1) == [1, 2], "its time is to be learnt anew"


def test_while_less_is_there_than_could_be_sent_what_has_media_does_not_wait_for_those_that_are_not_read(
    slots: Slots,
) -> None:
    order = Order(slots)
    order.place(replace(POST, key=1, media=MEDIA))
    order.place(replace(POST, key=2))
    assert by_urgency(order, 3, 2, 1) == [1, 3, 2]
    order.place(replace(POST, key=1, media=MEDIA, state=State.SCHEDULED))
    assert not order.feeds_uplink(1)
    order.place(replace(POST, key=1, media=MEDIA))
    for key in range(10, 10 + DRAFTS_AHEAD):
        assert slots.may_begin(key, 0.0)
    assert by_urgency(order, 3, 2, 1, 10) == [10, 3, 2, 1], "who is to make its draft keeps it busy"
