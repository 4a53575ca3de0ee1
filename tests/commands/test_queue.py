"""`queue`, and what `check`, `status` and `new` say of queued posts."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path

import pytest

from postpost_sync.model.slots import moments, parse
from postpost_sync.model.times import to_service
from tests.support.rig import Rig

SLOTS = ["daily 09:00", "daily 17:30"]


def due(count: int) -> list[str]:
    since = datetime.now(UTC) + timedelta(minutes=15)
    return [to_service(moment) for moment in islice(moments(tuple(map(parse, SLOTS)), "UTC", since), count)]


def queued(pp: Rig, *names: str) -> None:
    for name in names:
        pp.drop(name, f"content: {name}\nplatforms: [facebook-1001]\nscheduled_time: next\n")


def slots(pp: Rig, *options: str) -> list[tuple[str, str | None, str | None]]:
    pp.output()
    assert pp.command("queue", "--json", *options) == 0
    (root,) = json.loads(pp.output()[0])["roots"]
    assert root["path"] == str(pp.root)
    return [
        (one["time"], Path(one["folder"]).name if one["folder"] else None, one["moves_to"]) for one in root["slots"]
    ]


@pytest.fixture
def queue(pp: Rig) -> Rig:
    pp.configure(root=f"    slots: {json.dumps(SLOTS)}\n")
    return pp


def test_it_shows_each_slot_of_two_weeks_free_or_whose(queue: Rig) -> None:
    assert [whose for _, whose, _ in slots(queue)] == [None] * len(slots(queue)), "nothing was taken yet"
    queued(queue, "a", "b")
    times = due(2)
    assert queue.run_once() == 0
    shown = slots(queue)
    assert [(time, whose) for time, whose, _ in shown[:3]] == [(times[0], "a"), (times[1], "b"), (shown[2][0], None)]
    assert 26 <= len(shown) <= 28
    assert queue.command("queue", str(queue.root)) == 0
    text = queue.output()[0]
    assert "2 posts in the queue" in text
    assert "scheduled  a" in text
    assert "times in UTC" in text


def test_it_shows_what_would_move_up_and_moves_it_when_told(queue: Rig) -> None:
    queued(queue, "a", "b", "c")
    times = due(3)
    assert queue.run_once() == 0
    queue.drop("a", "content: a\nplatforms: [facebook-1001]\nscheduled_time: 2031-03-04 10:00\n")
    assert queue.run_once() == 0
    assert [(whose, to) for _, whose, to in slots(queue, "--close-gaps") if to] == [("b", times[0]), ("c", times[1])]
    assert [whose for _, whose, _ in slots(queue)[:3]] == [None, "b", "c"], "nothing was moved by looking"
    assert queue.command("queue", "--close-gaps") == 0
    assert "to move them, add --yes" in queue.output()[0]
    assert queue.command("queue", "--close-gaps", "--yes") == 0
    assert "2 posts will be moved when the daemon runs again" in queue.output()[0]
    before = queue.sandbox.count("update-post")
    assert queue.run_once() == 0
    assert queue.sandbox.count("update-post") - before == 2
    assert [(queue.post(name)["scheduled_time"]) for name in ("b", "c")] == times[:2]
    assert queue.command("queue", "--close-gaps", "--yes") == 0
    assert "nothing to move" in queue.output()[0]


def test_without_slots_it_says_which_line_to_add(pp: Rig) -> None:
    assert pp.command("queue") == 2
    assert 'slots: ["mon-fri 09:00"]' in pp.output()[1]
    assert pp.command("queue", "--json") == 0, "for a program it is an answer as any other"
    assert json.loads(pp.output()[0]) == {"version": 1, "roots": []}
    assert pp.command("queue", str(pp.place / "elsewhere")) == 2
    assert pp.command("queue", "--yes") == 2


def test_check_says_which_slot_each_folder_would_get_and_writes_nothing(queue: Rig) -> None:
    queued(queue, "p10", "p9")
    assert queue.run_once() == 0
    queued(queue, "p2", "p11")
    before = sorted(path.name for path in queue.state_db.parent.iterdir())
    times = due(4)
    queue.output()
    assert queue.command("check", "--offline", "--json") == 0
    shown = {Path(post["folder"]).name: post["preview"] for post in json.loads(queue.output()[0])["posts"]}
    assert {name: one["when"] for name, one in shown.items()} == dict.fromkeys(["p2", "p9", "p10", "p11"], "next")
    got = {name: one["scheduled_time"] for name, one in shown.items()}
    assert got == {"p9": times[0], "p10": times[1], "p2": times[2], "p11": times[3]}
    assert sorted(path.name for path in queue.state_db.parent.iterdir()) == before
    assert queue.command("check", "--offline", str(queue.root / "p2")) == 0
    assert "next: " in queue.output()[0]


def test_check_says_that_slots_are_missing(pp: Rig) -> None:
    queued(pp, "a")
    pp.output()
    assert pp.command("check", "--offline", "--json") == 1
    (post,) = json.loads(pp.output()[0])["posts"]
    assert [error["code"] for error in post["errors"]] == ["NO_SLOTS"]


def test_status_says_next_and_the_time_it_became(queue: Rig) -> None:
    queued(queue, "a")
    (time,) = due(1)
    assert queue.run_once() == 0
    queue.output()
    assert queue.post("a")["slot"] == queue.post("a")["scheduled_time"] == time
    queue.output()
    assert queue.command("status") == 0
    assert "next: " in queue.output()[0]
    assert "its slot (next)" in (queue.root / "a" / "post.status.yaml").read_text().splitlines()[0]


def test_new_writes_next(queue: Rig) -> None:
    assert queue.command("new", str(queue.root / "a"), "--at", "next", "--to", "facebook-1001", "--create") == 0
    assert "in the next free slot" in queue.output()[0]
    assert "\nscheduled_time: next\n" in (queue.root / "a" / "post.yaml").read_text()


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("slots: [mon 25:00]", "BAD_SLOT"),
        ("slots: [someday 09:00]", "BAD_SLOT"),
        ("slots: {mon: 1}", "WRONG_TYPE"),
        ("default_time: later", "BAD_CHOICE"),
        ('slots: ["mon 09:00", "mon 09:00"]', "STANDS_TWICE"),
    ],
)
def test_slots_that_cannot_be_meant_are_refused_with_the_line(pp: Rig, line: str, code: str) -> None:
    from postpost_sync.config import load

    pp.configure(root=f"    {line}\n")
    with pytest.raises(load.ConfigError) as raised:
        load.load(pp.config, {})
    assert [finding.code for finding in raised.value.findings] == [code]
    assert "line" in raised.value.findings[0].message
