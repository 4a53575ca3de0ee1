"""It starts again, whatever it was at: the real process on a database with every state and every kind of trouble."""

from __future__ import annotations

import contextlib
import itertools
import signal
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from postpost_sync.disk import scan
from postpost_sync.model.errors import Finding
from postpost_sync.model.folder import Stat
from postpost_sync.model.record import (
    Claim,
    Consent,
    Effect,
    Group,
    GroupStage,
    Issued,
    PlatformResult,
    ReadBack,
    Trouble,
    TroubleKind,
    Upload,
    UploadStage,
)
from postpost_sync.model.states import MOVES, State
from postpost_sync.post.names import Names
from postpost_sync.sandbox import Behaviour, Plan
from postpost_sync.store import Store
from tests.support.drops import picture, sidecar
from tests.support.rig import Manager, Rig

NOW = datetime.now(UTC)
FAR = datetime(2031, 3, 4, 10, tzinfo=UTC)
FULL = Finding("SCHEDULED_POST_LIMIT_REACHED", "the plan has room for one scheduled post")


@pytest.fixture
def everything(pp: Rig) -> list[str]:
    """The folders, each with a record that the daemon may have left behind. Their posts: never heard of at PostPost."""
    pp.sandbox.behaviour = Behaviour(plan=Plan("tight", pending=1))
    names, media = [], picture()
    pp.state_db.parent.mkdir()
    with contextlib.closing(Store.open(pp.state_db)) as store:
        for number, fields in enumerate(left_behind()):
            name = f"{number:03} {fields['state']}"
            pp.drop(name, sidecar(name), {"a.jpg": media})
            folder = scan.look(str(pp.root), name, Names())
            assert folder is not None
            record = store.add(str(pp.root), name, folder.inode, folder.device, NOW)
            for state in path_to(fields["state"]):
                record = store.change(record.key, replace, state=state)
            groups = tuple(with_file(group, name, folder.entries[0].stat) for group in fields.get("groups", ()))
            store.change(record.key, replace, **{"fingerprint": folder.fingerprint} | fields | {"groups": groups})
            names.append(name)
    return names


STANDS = {  # what a post in that state has at PostPost
    State.UPLOADING: GroupStage.DRAFT,
    State.DRAFTED: GroupStage.DRAFT,
    State.SCHEDULED: GroupStage.SCHEDULED,
    State.PUBLISHED: GroupStage.ENDED,
    State.PARTIALLY_PUBLISHED: GroupStage.ENDED,
    State.FAILED: GroupStage.ENDED,
    State.CANCELLED: GroupStage.ENDED,
}


def left_behind() -> Iterator[dict[str, Any]]:
    """What differs in their records."""
    start: dict[str, Any] = {"time": FAR, "complete_at": NOW, "platforms": ("facebook-1001",)}
    for state in State:
        groups = (group(STANDS[state], outcome=state),) if state in STANDS else ()
        alike = start | {"state": state, "groups": groups}
        yield alike | {"fingerprint": ""}
        yield alike | {"done": True}
        for kind, seconds in itertools.product(TroubleKind, (-60, 1, None)):
            yield alike | held_up(Effect.UPDATE, kind, FULL, seconds)
    start["state"] = State.HELD
    for step, kind in itertools.product(Effect, TroubleKind):
        yield start | held_up(step, kind, Finding("SERVICE_TROUBLE", "no usable answer"), 1)
    for stage, upload in itertools.product(GroupStage, UploadStage):
        for unsure in (False, True):
            one = replace(group(stage, upload), updating=unsure, lost=unsure)
            yield start | {"state": State.SCHEDULED, "groups": (one,)}
    yield start | {"claim": Claim("b" * 24, foreign=True, state="scheduled"), "unproven": True}
    yield start | {"copy_of": "of-another", "consents": (Consent.COPY,)}
    yield start | {"state": State.CANCELLED, "cancel": "?", "previous": ("c" * 24,), "gave_up": FULL}


def group(stage: GroupStage, upload: UploadStage = UploadStage.STORED, outcome: State = State.FAILED) -> Group:
    ended = stage in (GroupStage.ENDED, GroupStage.FOLLOWED)
    return Group(
        0,
        stage,
        None if stage is GroupStage.CREATING else "a" * 24,
        NOW - timedelta(minutes=5),
        "",
        ("facebook-1001",),
        {},
        uploads=(Upload(0, "a.jpg", "a.jpg", "image/jpeg", Stat(0, 0, 0, 0, 0), upload),),
        issued=(Issued(0, "m0", "https://127.0.0.1:1/m0"), Issued(0, None, None)),
        read_back=ReadBack(True, 1, 0, NOW, NOW, 1),
        asked_time=FAR,
        answered_time=FAR,
        results=(PlatformResult("facebook-1001", "failed", None, FULL, True),) if ended else (),
        outcome=outcome if ended else None,
    )


def held_up(step: Effect, kind: TroubleKind, why: Finding, seconds: float | None) -> dict[str, Any]:
    until = None if seconds is None else NOW + timedelta(seconds=seconds)
    return {"error": why, "retry_at": until, "troubles": (Trouble(step, kind, why, NOW, until),)}


def path_to(state: State) -> list[State]:
    """The states that a record passes on its way there."""
    if state is State.SETTLING or state in MOVES[State.SETTLING]:
        return [state]
    return [State.SCHEDULED, state]


def with_file(group: Group, content: str, stat: Stat) -> Group:
    made = None if group.post_group_id is None else f"{abs(hash(content)):024x}"[-24:]
    return replace(
        group, content=content, post_group_id=made, uploads=tuple(replace(u, stat=stat) for u in group.uploads)
    )


def test_it_starts_again_whatever_state_its_posts_were_in(pp: Rig, manager: Manager, everything: list[str]) -> None:
    """By SIGTERM, SIGKILL, SIGHUP and as one pass; each of them finds what the one before left behind."""
    for end in (signal.SIGKILL, signal.SIGTERM, signal.SIGHUP):
        said = run(pp, manager, end)
        assert "Traceback" not in said
        assert "defect" not in said
    assert pp.run_once("3s") in (0, 1)
    said = pp.output()[1]
    assert "Traceback" not in said
    assert "defect" not in said
    assert {Path(post["folder"]).name for post in pp.status()["posts"]} == set(everything)


def run(pp: Rig, manager: Manager, end: signal.Signals) -> str:
    """Let it start, and end it so; what it logged."""
    manager.forget()
    with pp.daemon() as process:
        manager.wait_for("READY=1", within=60)
        if end is signal.SIGHUP:
            manager.forget()
            process.send_signal(end)
            manager.wait_for("READY=1", within=60)
            assert process.poll() is None
            end = signal.SIGTERM
        process.send_signal(end)
        assert process.wait(15) == (0 if end is signal.SIGTERM else -end)
        return process.communicate()[1]


@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGKILL, signal.SIGHUP])
def test_a_post_that_waits_for_room_does_not_keep_it_from_starting(
    pp: Rig, manager: Manager, end: signal.Signals
) -> None:
    pp.sandbox.behaviour = Behaviour(plan=Plan("tight", pending=1))
    pp.drop("first", sidecar("first", time="2031-03-03 10:00"))
    with pp.daemon():
        pp.wait_for("first", "scheduled")
        pp.drop("second", sidecar("second"))
        pp.wait_for("second", "held", "SCHEDULED_POST_LIMIT_REACHED")
    assert "Traceback" not in run(pp, manager, end)
    assert pp.run_once("2s") == 0
    assert [pp.post(name)["state"] for name in ("first", "second")] == ["scheduled", "held"]
