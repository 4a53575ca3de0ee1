"""What is changed in the database is changed whole and is there afterwards."""

from __future__ import annotations

import os
from dataclasses import replace
from threading import Thread

import pytest

from postpost_sync.model.errors import Finding, ProgramError
from postpost_sync.model.program import Listener
from postpost_sync.model.record import GroupStage, Record, UploadStage
from postpost_sync.model.states import IllegalMove, State
from postpost_sync.store import Store
from tests.support.stored import NOW, add, group, reopened


def test_two_folders_change_places(store: Store) -> None:
    one, other = add(store, "a"), add(store, os.fsdecode(b"caf\xe9"))
    store.swap_places(one.key, other.key)
    assert [record.path for record in store.records()] == [other.path, "a"]
    assert store.record(one.key) == replace(one, path=other.path)


def test_file_systems_that_were_numbered_anew_are_never_taken_for_one_another(store: Store) -> None:
    for path, device in {"a": 41, "b": 42, "c": 43, "d": 44}.items():
        store.add("/posts", path, 7, device, NOW)
    store.add("/other", "a", 7, 41, NOW)
    store.renumber("/posts", {41: 42, 42: 41, 43: 44})
    devices = {f"{record.root}/{record.path}": record.device for record in store.records()}
    assert devices == {"/posts/a": 42, "/posts/b": 41, "/posts/c": 44, "/posts/d": -1, "/other/a": 41}


def test_a_change_is_written_with_its_groups_and_uploads(store: Store) -> None:
    record = add(store)
    new = store.change(record.key, lambda r: replace(r, state=State.DRAFTING, groups=(group(uploads=2),)))
    assert new.groups[0].key > 0
    assert store.record(record.key) == new
    uploads = (replace(new.groups[0].uploads[0], stage=UploadStage.STORED, sent=9), new.groups[0].uploads[1])
    newer = store.change(
        record.key,
        lambda r: replace(r, groups=(replace(r.groups[0], stage=GroupStage.DRAFT, uploads=uploads), group())),
    )
    again = reopened(store)
    assert again.record(record.key) == newer
    assert [g.key for g in newer.groups] == sorted({g.key for g in newer.groups})
    again.close()


def test_an_illegal_move_changes_nothing(store: Store) -> None:
    record = add(store)
    published = store.change(record.key, lambda r: replace(r, state=State.SCHEDULED))
    published = store.change(record.key, lambda r: replace(r, state=State.PUBLISHED))
    with pytest.raises(IllegalMove):
        store.change(record.key, lambda r: replace(r, state=State.DRAFTING, timezone="Asia/Tokyo", groups=(group(),)))
    assert store.record(record.key) == published
    add(store, "other")  # the transaction is over


def test_a_change_that_breaks_off_in_the_middle_changes_nothing(store: Store) -> None:
    record = add(store)
    twice = replace(group(uploads=2), uploads=(group(uploads=1).uploads[0],) * 2)  # two rows for one position
    with pytest.raises(ProgramError, match="UNIQUE"):
        store.change(record.key, lambda r: replace(r, timezone="Asia/Tokyo", groups=(group(), twice)))
    assert store.record(record.key) == record

    def fails(_: Record) -> Record:
        raise ValueError("a defect")

    with pytest.raises(ValueError, match="a defect"):
        store.change(record.key, fails)
    assert store.record(record.key) == record


def test_a_folder_that_is_not_known_is_a_key_error(store: Store) -> None:
    with pytest.raises(KeyError):
        store.change(99, lambda r: r)
    assert store.record(99) is None


def test_one_folder_has_one_record(store: Store) -> None:
    add(store)
    with pytest.raises(ProgramError, match="UNIQUE"):
        add(store)


def test_what_is_forgotten_is_gone_with_its_groups(store: Store) -> None:
    record, other = add(store), add(store, "other")
    store.change(record.key, lambda r: replace(r, groups=(replace(group(uploads=1), post_group_id="a" * 24),)))
    store.forget(record.key)
    assert store.records() == [other]
    assert store.known_group_ids() == frozenset()
    assert store.open_creates("Hello", ("twitter-1",)) == []


def test_progress_is_shown(store: Store) -> None:
    record = add(store)
    made = store.change(record.key, lambda r: replace(r, groups=(group(uploads=2),))).groups[0]
    store.progress(made.key, 1, 77)
    shown = store.record(record.key)
    assert shown is not None
    assert [u.sent for u in shown.groups[0].uploads] == [0, 77]


def test_a_fact_is_made_once(store: Store) -> None:
    assert store.fact("instance", lambda: "a") == "a"
    again = reopened(store)
    assert again.fact("instance", lambda: "b") == "a"
    again.close()


def test_what_listeners_were_told_is_kept_apart_and_goes_with_them(store: Store) -> None:
    hostile = "root /srv/\udcff"  # a name that is not UTF-8
    for target in ("a", "b"):
        store.set_listener(Listener(target, ("failed",)))
        store.tell(target, {"post 1": "invalid A", hostile: "root_away", "post 2": "failed"})
    store.tell("a", {"post 1": "invalid B", "post 2": None, "post 3": None})
    store.set_listener(Listener("a", ("invalid",), Finding("NOTIFY_FAILED", "why", "hint")))
    again = reopened(store)
    assert again.told("a") == {"post 1": "invalid B", hostile: "root_away"}
    assert len(again.told("b")) == 3
    assert again.listeners()[0] == Listener("a", ("invalid",), Finding("NOTIFY_FAILED", "why", "hint"))
    again.keep_listeners(["b"])
    assert [listener.target for listener in again.listeners()] == ["b"]
    assert again.told("a") == {}
    again.close()


def test_threads_change_one_folder_one_after_the_other(store: Store) -> None:
    record = add(store)

    def count() -> None:
        for _ in range(20):
            store.change(record.key, lambda r: replace(r, rebuilds=r.rebuilds + 1))

    threads = [Thread(target=count) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    counted = store.record(record.key)
    assert counted is not None
    assert counted.rebuilds == 80
