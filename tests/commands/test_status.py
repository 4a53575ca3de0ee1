"""`status` as typed: which posts it shows, what it says of every name, and that all of it can be seen on a small screen."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import re
import select
import struct
import subprocess
import sys
import termios
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.support.drops import picture
from tests.support.rig import REPOSITORY, Rig

PAST_TEXT = "content: it was\nplatforms: [facebook-1001]\nscheduled_time: 2020-01-01 10:00\n"


def at(days: float, text: str = "words") -> str:
    moment = datetime.now(UTC) + timedelta(days=days)
    return f"content: {text}\nplatforms: [facebook-1001]\nscheduled_time: {moment:%Y-%m-%dT%H:%M:%SZ}\n"


@pytest.fixture
def served(pp: Rig) -> Rig:
    pp.drop("later", at(30, "said later"))
    pp.drop("sooner", at(3, "said sooner"), {"a.jpg": picture()})
    pp.drop("wrong", PAST_TEXT)
    pp.run_once()
    pp.output()
    return pp


def folders(pp: Rig, *arguments: str) -> list[str]:
    pp.output()
    assert pp.command("status", "--json", *arguments) == 0
    return [Path(post["folder"]).name for post in json.loads(pp.output()[0])["posts"]]


@pytest.mark.parametrize(
    ("arguments", "names"),
    [
        ([], ["later", "sooner", "wrong"]),
        (["--state", "scheduled"], ["later", "sooner"]),
        (["--state", "invalid", "--state", "failed"], ["wrong"]),
        (["--failed"], ["wrong"]),
        (["--failed", "--state", "scheduled"], ["later", "sooner", "wrong"]),
        (["--next", "7d"], ["sooner"]),
        (["--next", "60d"], ["later", "sooner"]),
        (["--next", "1h"], []),
        (["--next", "60d", "--failed"], []),
    ],
    ids=" ".join,
)
def test_a_filter_shows_those_alone(served: Rig, arguments: list[str], names: list[str]) -> None:
    assert sorted(folders(served, *arguments)) == names
    assert served.command("status", *arguments) == 0
    text = served.output()[0]
    assert [
        name for name in ("later", "sooner", "wrong") if re.search(rf"^ +(?:invalid +)?{name} ", text, re.M)
    ] == names
    assert ("no post is like that" in text) == (not names)


def test_posts_stand_in_the_order_of_their_times_with_their_first_words(served: Rig) -> None:
    served.command("status")
    text = served.output()[0]
    assert text.index('"said sooner"') < text.index('"said later"')
    assert served.post("sooner")["caption"] == "said sooner"
    assert served.post("wrong")["caption"] == "", "its text is in no post group yet"


def test_a_name_may_be_a_folder_one_above_it_or_a_file_in_it(served: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    root = served.root
    for name in ("sooner", "sooner/post.yaml", "sooner/a.jpg", "sooner/post.status.yaml", "sooner/"):
        assert folders(served, f"{root}/{name}") == ["sooner"], name
    assert sorted(folders(served, str(root))) == ["later", "sooner", "wrong"]
    assert sorted(folders(served, str(root.parent))) == ["later", "sooner", "wrong"]
    alias = root.parent / "alias"
    alias.symlink_to(root)
    assert folders(served, str(alias / "sooner")) == ["sooner"]
    monkeypatch.chdir(root / "sooner")
    assert folders(served, ".") == folders(served, "post.yaml") == ["sooner"]
    (root / "sooner" / "post.yaml").unlink()
    assert folders(served, "post.yaml") == ["sooner"]


def test_a_folder_without_a_sidecar_can_be_named_as_it_is_listed(pp: Rig) -> None:
    (pp.root / "post.yaml").write_text("content: in the root itself\n")  # an oddity at once
    pp.drop("fine")
    pp.run_once()
    listed = folders(pp)
    assert sorted(listed) == sorted(["fine", pp.root.name])
    assert sorted(folders(pp, str(pp.root))) == sorted(listed)
    assert folders(pp, str(pp.root / "post.yaml")) == [*folders(pp, str(pp.root))]


def test_each_name_that_is_no_post_is_said(served: Rig, tmp_path: Path) -> None:
    root = served.root
    (root / "empty").mkdir()
    served.drop("new")
    (root / "#recycle").mkdir()
    names = {
        str(root / "nowhere"): "is not there",
        str(tmp_path): "",
        str(root / "empty"): "holds no post.yaml",
        str(root / "new"): "the daemon has not seen yet",
        str(root / "#recycle"): "is ignored",
        "/usr": "below none of the folders that are watched",
    }
    assert served.command("status", *names) == 0, "one of them is known"
    said = served.output()[1]
    for name, words in names.items():
        assert not words or any(name in line and words in line for line in said.splitlines()), name
    assert served.command("status", str(root / "nowhere"), "/usr") == 2
    last = served.output()[1].splitlines()[-1]
    assert f"{root}/nowhere is not there" in last
    assert "/usr lies below none" in last


class Terminal:
    """A terminal of 80 times 24 with `status` in it."""

    def __init__(self, pp: Rig, *arguments: str) -> None:
        self.ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
        self.process = subprocess.Popen(
            [sys.executable, "-m", "postpost_sync", "-c", str(pp.config), "status", *arguments],
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            cwd=REPOSITORY,
            env={**os.environ, "TERM": "xterm", "NO_COLOR": "1"},
        )
        os.close(theirs)
        self.seen = ""

    def until(self, words: str) -> str:
        ends = time.monotonic() + 30
        while words not in self.seen:
            assert time.monotonic() < ends, f"{words!r} is not in {self.seen!r}"
            self._read(1)
        shown, self.seen = self.seen, ""
        return shown

    def press(self, keys: str) -> None:
        os.write(self.ours, keys.encode())

    def end(self) -> str:
        """Everything to its end."""
        while self._read(30):
            pass
        assert self.process.wait(30) == 0
        os.close(self.ours)
        return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", self.seen).replace("\r", "")

    def _read(self, within: float) -> bool:
        if not select.select([self.ours], [], [], within)[0]:
            return False
        try:
            more = os.read(self.ours, 65536).decode("utf-8", "replace")
        except OSError:  # how Linux says that the other end is closed
            return False
        self.seen += more
        return bool(more)


@pytest.fixture
def crowded(pp: Rig) -> Rig:
    """More than a screen has room for, most of it wrong."""
    for number in range(12):
        pp.drop(f"wrong-{number:02}", PAST_TEXT)
        pp.drop(f"fine-{number:02}", at(120 + number, f"words {number}"))  # after the token of the account expires
    pp.run_once("60s")
    pp.output()
    return pp


def test_on_a_small_screen_something_of_everything_is_seen(crowded: Rig) -> None:
    text = Terminal(crowded).end()
    assert len(text.splitlines()) < 24
    assert max(map(len, text.splitlines())) <= 80
    assert "needs a person (12)" in text
    assert "scheduled (12)" in text
    assert text.count("fine-") >= 3, "a line each, what is warned of counted"
    assert "on facebook-1001, 1 warning" in text
    assert re.search(r"… and \d+ more.*, next: ", text)
    assert "status | less" in text
    assert Terminal(crowded, str(crowded.root)).end().count("fine-") == 12, "what is named is shown in full"


def test_watching_scrolls_through_all_of_it(crowded: Rig) -> None:
    terminal = Terminal(crowded, "--watch")
    first = terminal.until("arrows scroll")
    assert "fine-00" in first, "standing posts are seen from the start"
    terminal.press("\x1b[6~")
    terminal.until("lines ")
    terminal.press("G")
    terminal.until("fine-11")
    terminal.press("g")
    terminal.until("arrows scroll")
    terminal.press("q")
    terminal.end()


def test_a_further_error_is_called_one(pp: Rig) -> None:
    pp.drop("wrong", "content: x\nplatfroms: [twitter-123]\nscheduled_tiem: now\nplatforms: [facebook-1001]\n")
    pp.run_once()
    post = pp.post("wrong")
    levels = {found["message"].split('"')[1]: found["level"] for found in post["warnings"] if '"' in found["message"]}
    assert "error" in levels.values()
    pp.command("status")
    text = pp.output()[0]
    assert text.count("is not a key") == 2
    assert 'error: post.yaml, line 3: "scheduled_tiem" is not a key' in " ".join(text.split())


def test_a_token_that_expires_is_told_once_and_on_a_post_only_where_it_is_due_later(served: Rig) -> None:
    report = served.status()
    (warning,) = [found for found in report["warnings"] if found["code"] == "TOKEN_EXPIRING"]
    assert "facebook-1001 (Harbour Coffee) expires" in warning["message"]  # in four days
    told = {Path(post["folder"]).name for post in report["posts"] if "TOKEN_EXPIRING" in str(post["warnings"])}
    assert told == {"later"}
    served.command("status")
    assert served.output()[0].count("(Harbour Coffee)") == 1
