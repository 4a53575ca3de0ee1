"""Slots of a queue in the database: one folder's each, within its root."""

from __future__ import annotations

from datetime import timedelta

from postpost_sync import ledger
from postpost_sync.model.record import Claim
from postpost_sync.store import Store
from tests.support.stored import NOW, add

SLOTS = [NOW + timedelta(days=day) for day in range(1, 5)]


def test_a_slot_is_one_folders_within_its_root(store: Store) -> None:
    one, other, elsewhere = add(store, "a"), add(store, "b"), add(store, "a", "/others")
    assert store.take_slot(one.key, iter(SLOTS)).slot == SLOTS[0]
    assert store.take_slot(other.key, iter(SLOTS)).slot == SLOTS[1]
    assert store.take_slot(elsewhere.key, iter(SLOTS)).slot == SLOTS[0]
    assert store.taken_slots("/posts") == set(SLOTS[:2])
    assert [record.path for record in store.queued("/posts")] == ["a", "b"]


def test_a_slot_that_is_another_folders_by_now_is_not_had_by_a_claim_or_a_move(store: Store) -> None:
    add(store, "a", slot=SLOTS[0])
    assert add(store, "b", slot=SLOTS[0]).slot is None
    claim = Claim(None, False, "scheduled", slot=SLOTS[0])
    late = add(store, "c")
    assert store.change(late.key, ledger.claimed, claim, None).slot is None
    renamed = add(store, "d", "/was/posts", slot=SLOTS[0])
    moved = store.change(renamed.key, ledger.at_place, "/posts", "d", 7, 1)
    assert (moved.root, moved.slot, moved.done) == ("/posts", None, False)


def test_a_folder_that_moves_to_another_watched_root_leaves_its_slot_behind(store: Store) -> None:
    one, other = add(store, "a", slot=SLOTS[0]), add(store, "b", "/others", slot=SLOTS[1])
    moved = store.change(one.key, ledger.at_place, "/others", "c", 7, 1, keeps_slot=False)
    assert (moved.slot, moved.done) == (None, False)
    store.take_slot(one.key, iter(SLOTS))
    third = add(store, "e", slot=SLOTS[2])
    store.swap_places(other.key, third.key)
    assert [record.slot for record in store.records() if record.key in (other.key, third.key)] == [None, None]


def test_folders_of_two_roots_change_places_although_their_slots_are_others_there(store: Store) -> None:
    one, other = add(store, "a", slot=SLOTS[0]), add(store, "b", "/others", slot=SLOTS[1])
    stays, stays_there = add(store, "c", slot=SLOTS[1]), add(store, "d", "/others", slot=SLOTS[0])
    store.swap_places(one.key, other.key)
    slots = {record.key: record.slot for record in store.records()}
    assert slots == {one.key: None, other.key: None, stays.key: SLOTS[1], stays_there.key: SLOTS[0]}


def test_two_folders_of_one_root_that_change_places_keep_their_slots(store: Store) -> None:
    one, other = add(store, "a", slot=SLOTS[0]), add(store, "b", slot=SLOTS[1])
    store.swap_places(one.key, other.key)
    assert {record.path: record.slot for record in store.records()} == {"b": SLOTS[0], "a": SLOTS[1]}


def test_a_slot_is_free_when_its_folder_is_forgotten(store: Store) -> None:
    store.forget(add(store, "a", slot=SLOTS[0]).key)
    assert store.take_slot(add(store, "b").key, iter(SLOTS)).slot == SLOTS[0]
