"""`sandbox` and `accounts` as typed: what was called, what is held, and whom one can post as."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

from postpost_sync.commands.sandbox import line
from postpost_sync.sandbox import Call
from postpost_sync.terminal.tables import HeldPost, held_table
from tests.support.rig import REPOSITORY, Rig
from tests.support.screen import Screen


@contextmanager
def started(*arguments: str) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """The address of its API, and the process."""
    command = [sys.executable, "-u", "-m", "postpost_sync", "sandbox", *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=REPOSITORY) as process:
        assert process.stdout is not None
        try:
            found = re.search(r"http://\S+", process.stdout.readline())
            assert found
            assert process.stdout.readline().startswith("config: ")
            yield found[0], process
        finally:
            process.terminate()


def ended(process: subprocess.Popen[str]) -> str:
    process.send_signal(signal.SIGINT)
    out, _ = process.communicate(timeout=20)
    assert process.returncode == 0
    return out


def test_each_call_is_a_line(pp: Rig) -> None:
    with started() as (url, process):
        pp.api_url = url
        pp.configure()
        pp.drop("post")
        assert pp.run_once() == 0
        lines = ended(process).splitlines()
    assert all(re.fullmatch(r"\d\d:\d\d:\d\d [a-z-]+ (\d{3}|no answer)( \w+)?", one) for one in lines), lines
    names = [one.split()[1] for one in lines]
    assert [name for name in names if name in ("create-post", "update-post")] == ["create-post", "update-post"]
    assert "?" not in "".join(lines), "no signature is in it"


def test_the_view_shows_what_it_holds(pp: Rig) -> None:
    with started("--view") as (url, process):
        assert process.stdout is not None
        assert "PostPost holds no posts" in process.stdout.readline()
        pp.api_url = url
        pp.configure()
        pp.drop("a post of ours")
        assert pp.run_once() == 0
        out = ended(process)
    assert re.search(r"a post of ours +facebook-1001 +scheduled", out)


def test_what_was_not_answered_is_said() -> None:
    call = Call("create-post", 0, datetime(2026, 12, 1, 8, 0, 5, tzinfo=UTC), None, "reset_before")
    assert line(call) == "08:00:05 create-post no answer (reset_before)"


def test_what_is_held_stands_in_the_order_of_its_times() -> None:
    now = datetime(2026, 12, 1, 8, tzinfo=UTC)
    posts = [
        HeldPost("none", ("twitter-1",), "draft", None),
        HeldPost("later", ("twitter-1",), "scheduled", now + timedelta(days=2)),
        HeldPost("sooner", ("twitter-1",), "scheduled", now + timedelta(days=1)),
    ]
    screen = Screen()
    held_table(posts, screen)
    assert re.findall("sooner|later|none", screen.text) == ["sooner", "later", "none"]


def test_accounts_for_programs(pp: Rig) -> None:
    assert pp.command("accounts", "--json") == 0
    shown = json.loads(pp.output()[0])
    assert shown["version"] == 1
    one = next(account for account in shown["accounts"] if account["platform_id"] == "twitter-123")
    assert one["base_url"] == pp.api_url
    assert {account["token_status"] for account in shown["accounts"]} >= {"valid", "expired"}
    assert one.keys() == {
        *("base_url", "user_id", "platform_id", "name", "token_status", "token_expires", "last_error")
    }
