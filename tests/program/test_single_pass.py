"""`run --once` alone, as from cron: no pass is long enough for what a daemon does each hour, or after a while."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import time_machine

from postpost_sync.sandbox import TWIN
from tests.support.drops import picture, sidecar
from tests.support.rig import Rig, rig


@pytest.fixture
def pp(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Iterator[Rig]:
    with rig(tmp_path, capsys) as one:
        yield one


@pytest.mark.parametrize("minutes", [10, 61])
def test_a_pass_notices_what_was_changed_at_postpost_once_an_hour(pp: Rig, minutes: int) -> None:
    pp.drop("deleted")
    pp.drop("moved")
    assert pp.run_once() == 0
    ids = {group.content: group.id for group in pp.groups(status="scheduled")}
    moved_to = datetime(2031, 5, 6, 7, 8, tzinfo=UTC)
    pp.sandbox.dashboard_delete(ids["deleted"])
    pp.sandbox.dashboard_reschedule(ids["moved"], moved_to)
    listed = sum(call.name == "list-posts" for call in pp.sandbox.calls)
    for later in (minutes, minutes + 2):  # what is not there is looked for twice
        with time_machine.travel(datetime.now(UTC) + timedelta(minutes=later)):
            pp.run_once()
            deleted, moved = pp.post("deleted"), pp.post("moved")
    changed = "CHANGED_AT_POSTPOST" in [one["code"] for one in moved["warnings"]]
    if minutes < 60:
        assert sum(call.name == "list-posts" for call in pp.sandbox.calls) == listed
        assert (deleted["state"], changed) == ("scheduled", False)
        return
    assert (deleted["state"], moved["state"], changed) == ("cancelled", "scheduled", True)
    assert moved["scheduled_time"] == "2031-05-06T07:08:00.000Z"


@pytest.mark.parametrize("minutes", [5, 15])
def test_a_pass_shows_media_that_have_lain_without_a_sidecar_for_a_while(pp: Rig, minutes: int) -> None:
    folder = pp.root / "launch"
    folder.mkdir()
    (folder / "a.jpg").write_bytes(picture())
    (folder / "post.yaml.txt").write_text(sidecar())
    with time_machine.travel(datetime.now(UTC) + timedelta(minutes=minutes)):
        late = minutes > 10
        assert pp.run_once() == late
        assert ('rename "post.yaml.txt" to post.yaml' in pp.output()[1]) == late
        shown = [one["folder"] for one in pp.status()["posts"]]
        assert shown == ([str(folder)] if late else [])


def test_a_pass_asks_for_the_platforms_limits_once_a_day_and_goes_by_them(pp: Rig) -> None:
    pp.drop("long", sidecar("x" * 301, "[bluesky-harbour_coffee]"))
    limits: dict[str, Any] = {"bluesky": {"characters": {"standard": 600}}}
    pp.sandbox.behaviour = replace(TWIN, platform_limits=limits)
    for hours, asked in ((0, 1), (1, 1), (23, 1), (25, 2)):
        with time_machine.travel(datetime.now(UTC) + timedelta(hours=hours)):
            assert pp.run_once() == 0, "the table takes 300 characters there"
        assert pp.sandbox.count("platform-limits") == asked
