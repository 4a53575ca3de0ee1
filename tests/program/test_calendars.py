"""The calendar files in a watch root: there where they are asked for, true, written for a reason, and never reacted to."""

from __future__ import annotations

import json
import os
import shutil
import time
from pathlib import Path

import icalendar
import pytest

from postpost_sync.model.folder import CALENDAR_FEED, CALENDAR_PAGE
from postpost_sync.store.lock import Lock
from tests.support.drops import picture, sidecar
from tests.support.rig import Rig, until


def files(pp: Rig) -> tuple[Path, Path]:
    return pp.root / CALENDAR_PAGE, pp.root / CALENDAR_FEED


@pytest.fixture
def asked(pp: Rig) -> Rig:
    pp.configure(root="    calendar: true\n    timezone: Europe/Berlin\n")
    return pp


def test_without_being_asked_nothing_is_written_into_a_root(pp: Rig) -> None:
    pp.drop("post")
    assert pp.run_once() == 0
    assert sorted(os.listdir(pp.root)) == ["post"]


def test_page_and_feed_show_what_is_there_and_are_no_posts(asked: Rig) -> None:
    asked.drop("launch", sidecar("Our <b>launch</b>"), {"a.jpg": picture()})
    asked.drop("broken", "content: x\nplatfroms: [twitter-123]\n")
    assert asked.run_once() == 1
    page, feed = files(asked)
    text = page.read_text()
    assert "Our &lt;b&gt;launch&lt;/b&gt;" in text
    assert 'data-folder="broken"' in text
    assert text.count("data:image/jpeg;base64,") == 0  # in 2031: after the weeks that have pictures
    (event,) = icalendar.Calendar.from_ical(feed.read_bytes()).walk("VEVENT")
    assert "Our <b>launch</b>" in str(event["summary"])
    assert [os.path.basename(post["folder"]) for post in asked.status()["posts"]] == ["broken", "launch"]
    assert sorted(name for name in os.listdir(asked.root) if name.startswith(".")) == []


def test_who_may_read_the_folder_may_read_them(asked: Rig) -> None:
    asked.root.chmod(0o775)
    asked.drop("post")
    assert asked.run_once() == 0
    assert [file.stat().st_mode & 0o777 for file in files(asked)] == [0o664, 0o664]


def test_nothing_is_written_where_nothing_changed_also_by_the_next_daemon(asked: Rig) -> None:
    asked.drop("post")
    assert asked.run_once() == 0
    before = [file.stat().st_ino for file in files(asked)]
    assert asked.run_once() == 0
    assert [file.stat().st_ino for file in files(asked)] == before
    asked.drop("another")
    assert asked.run_once() == 0
    assert [file.stat().st_ino for file in files(asked)] != before


def test_the_daemon_writes_them_and_does_not_react_to_it(asked: Rig) -> None:
    asked.configure(root="    calendar: true\n", top="rescan: 1s\n")
    asked.drop("post")
    with asked.daemon():
        asked.wait_for("post", "scheduled")
        page, feed = files(asked)
        until(lambda: page.exists() and feed.exists())
        (asked.root / CALENDAR_PAGE).touch()
        time.sleep(2.5)
        assert asked.post("post")["state"] == "scheduled"
        assert len(asked.status()["posts"]) == 1


def test_a_place_that_cannot_be_written_is_said_and_holds_up_nothing(asked: Rig) -> None:
    (asked.root / CALENDAR_PAGE).mkdir()
    asked.drop("post")
    assert asked.run_once() == 0
    assert "the calendar cannot be written" in asked.output()[1]
    (warning,) = [found for found in asked.status()["warnings"] if found["code"] == "CALENDAR_NOT_WRITTEN"]
    assert warning["message"] == f"the calendar of {asked.root} cannot be written: Is a directory"
    assert "set calendar: false" in warning["hint"]
    assert asked.command("status") == 0
    assert "warning: the calendar of" in " ".join(asked.output()[0].split())
    with asked.daemon():
        until(lambda: Lock(asked.state_db).held())
        asked.command("doctor", "--json")
        findings = json.loads(asked.output()[0])["findings"]
    assert [found["what"] for found in findings if found["message"] == warning["message"]] == ["daemon"]
    (asked.root / CALENDAR_PAGE).rmdir()
    assert asked.run_once() == 0
    assert "CALENDAR_NOT_WRITTEN" not in {found["code"] for found in asked.status()["warnings"]}


def test_a_link_in_its_place_is_replaced_and_not_followed(asked: Rig, tmp_path: Path) -> None:
    target = tmp_path / "precious"
    target.write_text("mine")
    (asked.root / CALENDAR_PAGE).symlink_to(target)
    asked.drop("post")
    assert asked.run_once() == 0
    assert target.read_text() == "mine"
    assert not (asked.root / CALENDAR_PAGE).is_symlink()


def test_a_root_that_went_away_is_not_written_into(asked: Rig) -> None:
    """As a mount point is, below which a share is gone: it looks like a folder."""
    asked.drop("post")
    with asked.daemon():
        asked.wait_for("post", "scheduled")
        until(lambda: files(asked)[0].exists())
        away = asked.root.with_name("elsewhere")
        asked.root.rename(away)
        asked.root.mkdir()
        until(lambda: (report := asked.try_status()) is not None and report["roots"][0]["state"] == "away")
        time.sleep(1)
        assert os.listdir(asked.root) == []
        shutil.rmtree(away)
