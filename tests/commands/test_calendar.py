"""`calendar` as typed: all roots or one, the grid or a file."""

from __future__ import annotations

from pathlib import Path

import icalendar
import pytest

from tests.support.drops import sidecar
from tests.support.rig import Rig


@pytest.fixture
def posted(pp: Rig) -> Rig:
    pp.drop("a/one", sidecar("The first one"))
    pp.drop("b/two", sidecar("The second one"))
    pp.drop("broken", "content: x\nplatfroms: [twitter-123]\n")
    pp.run_once()
    pp.output()
    return pp


def test_it_shows_what_is_stuck_and_that_the_daemon_is_not_running(posted: Rig) -> None:
    assert posted.command("calendar") == 0
    said = posted.output()[0]
    assert "DAEMON_DOWN" in said
    assert '"platfroms" is not a key' in said
    assert "2 posts later" in said


def test_files_are_written_whole_for_everybody_to_read(posted: Rig, tmp_path: Path) -> None:
    page, feed = tmp_path / "page.html", tmp_path / "feed.ics"
    assert posted.command("calendar", "--html", str(page), "--ics", str(feed)) == 0
    assert "The first one" in page.read_text()
    assert len(list(icalendar.Calendar.from_ical(feed.read_bytes()).walk("VEVENT"))) == 2
    assert page.stat().st_mode & 0o777 == 0o644
    assert f'wrote "{feed}"' in posted.output()[0]


def test_a_folder_limits_it(posted: Rig, tmp_path: Path) -> None:
    feed = tmp_path / "feed.ics"
    for path in ("a", "a/one", "a/one/post.yaml"):
        assert posted.command("calendar", str(posted.root / path), "--ics", str(feed)) == 0
    (event,) = icalendar.Calendar.from_ical(feed.read_bytes()).walk("VEVENT")
    assert "The first one" in str(event["summary"])


def test_a_place_outside_of_the_roots_is_said(posted: Rig, tmp_path: Path) -> None:
    assert posted.command("calendar", str(tmp_path / "elsewhere")) == 2
    assert "is not below a watch root" in posted.output()[1]


def test_a_file_that_cannot_be_written_is_said(posted: Rig, tmp_path: Path) -> None:
    assert posted.command("calendar", "--html", str(tmp_path / "nowhere" / "page.html")) == 2
    assert "cannot be written" in posted.output()[1]


def test_week_and_month_do_not_go_together(posted: Rig) -> None:
    assert posted.command("calendar", "--week", "--month") == 2


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["--listen", "0.0.0.0:0"], "can be reached from elsewhere"),
        (["--listen", "nonsense"], "is not an address"),
        (["--token-file", "{place}/short"], "is not one word of 16"),
        (["--token-file", "{place}/open"], "can be read by others"),
        (["--token-file", "{place}/missing"], "cannot be read"),
    ],
)
def test_web_says_why_it_does_not_start(arguments: list[str], why: str, pp: Rig) -> None:
    for name, mode in (("short", 0o600), ("open", 0o644)):
        (pp.place / name).write_text("x" * (5 if name == "short" else 30))
        (pp.place / name).chmod(mode)
    assert pp.command("web", *(one.format(place=pp.place) for one in arguments)) == 2
    said = pp.output()[1]
    assert why in said
    assert "hint" in said
