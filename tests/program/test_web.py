"""The real `web` process: small, quiet, without the key, ended in time also where pages follow it, and content to read."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from postpost_sync import log
from postpost_sync.calendar.seen import WatchRoot
from postpost_sync.model.record import Record
from postpost_sync.service.connections import new_client
from postpost_sync.store import Store
from postpost_sync.web.server import Address, served
from postpost_sync.web.source import Source
from tests.support import calendar_posts as posts
from tests.support.drops import picture, sidecar
from tests.support.mounting import fused, in_the_kernel
from tests.support.rig import REPOSITORY, Rig, until

KEY = "plainly-fake-key"  # the rig's


# what the unit does by ProtectSystem=strict
_READ_ONLY = 'mount --bind "$0" "$0" && mount -o remount,ro,bind "$0" "$0" && exec "$@"'


@contextmanager
def started(pp: Rig, *before: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """`before`: what the command is to be started by."""
    command = [*before, sys.executable, "-m", "postpost_sync", "-c", str(pp.config), "web", "--listen", "127.0.0.1:0"]
    process = subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line.startswith("serving the calendar on http://127.0.0.1:"), process.communicate(timeout=5)
        yield process, line.rpartition(" ")[2].strip().rstrip("/")
    finally:
        if process.poll() is None:
            process.terminate()
        process.communicate(timeout=15)


def get(url: str) -> httpx.Response:
    with new_client() as client:
        return client.get(url, timeout=20)


def peak(process: subprocess.Popen[str]) -> int:
    """The most memory that it had, in kB."""
    lines = Path(f"/proc/{process.pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))


def test_it_serves_all_of_it_in_little_memory_and_the_key_is_nowhere(pp: Rig) -> None:
    pp.drop("post", sidecar(time="2031-01-01 10:00"), {"a.jpg": picture(size=(900, 900))})
    pp.run_once()
    folder_id = next(
        line.split()[1]
        for line in (pp.root / "post" / "post.status.yaml").read_text().splitlines()
        if line.startswith("folder_id")
    )
    with started(pp) as (process, url):
        answers = [
            get(url + path)
            for path in ("/", f"/post/{folder_id}", f"/thumb/{folder_id}/0", "/calendar.ics", "/metrics")
        ]
        assert [one.status_code for one in answers] == [200] * 5
        assert answers[2].content.startswith(b"\xff\xd8\xff")
        assert get(f"{url}/healthz").status_code == 503
        assert not any(KEY.encode() in one.content for one in answers)
        assert peak(process) < 80_000
        assert KEY not in Path(f"/proc/{process.pid}/environ").read_text()


@pytest.mark.whole
def test_it_takes_no_more_where_thousands_of_posts_are_in_view(pp: Rig, request: pytest.FixtureRequest) -> None:
    """Sixty a day for eleven weeks: twice as many as a day shows, so that still more make no difference."""
    if not request.config.getoption("--whole"):
        pytest.skip("it fills a large database: run with --whole")
    now = datetime.now(UTC)
    store = Store.open(pp.state_db)
    posts.stored(store, list(spread(now, 77 * 60, str(pp.root))))
    store.close()
    with started(pp) as (process, url):
        for path in ("/", f"/?from={now + timedelta(weeks=2):%Y-%m-%d}", "/calendar.ics", "/metrics", "/"):
            assert get(url + path).status_code == 200
        assert get(url).text.count('class="post ') > 2000
        assert peak(process) < 80_000


def spread(now: datetime, number: int, root: str) -> Iterator[Record]:
    for at in range(number):
        one = posts.record(at % 60, now, root)
        time = now - timedelta(days=14) + at * timedelta(days=77) / number if one.time else None
        groups = tuple(replace(group, answered_time=time, asked_time=time) for group in one.groups)
        folder_id = f"{at:08x}-0000-4000-8000-000000000000"
        yield replace(one, folder_id=folder_id, path=f"{at}/{one.path}", inode=at, time=time, groups=groups)


def test_a_request_that_meets_a_defect_is_told_in_a_line_and_the_others_go_on(
    pp: Rig, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pp.drop("post")
    pp.run_once()
    log.set_up(os.environ, level=log.Level.WARNING)
    source = Source(pp.state_db, [WatchRoot(str(pp.root), "UTC")], 300.0)
    address = Address("127.0.0.1:0")
    monkeypatch.setattr(source, "feed", lambda: 1 / 0)
    capsys.readouterr()
    with served(source, address):
        assert get(f"http://127.0.0.1:{address.port}/calendar.ics").status_code == 500
        assert get(f"http://127.0.0.1:{address.port}/").status_code == 200
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "ZeroDivisionError" in said
    assert "Traceback" not in said


def test_it_ends_in_time_also_while_a_page_follows_it(pp: Rig) -> None:
    pp.drop("post")
    pp.run_once()
    with (
        started(pp) as (process, url),
        httpx.stream("GET", f"{url}/changes", trust_env=False, timeout=20) as stream,
    ):
        lines = stream.iter_lines()
        assert next(lines).startswith("data: ")
        process.terminate()
        assert list(lines) is not None
        assert process.wait(10) == 0
        assert process.stderr is not None
        assert process.stderr.read() == ""


def test_a_share_that_hangs_keeps_nobody_from_the_pages_and_it_from_no_end(pp: Rig) -> None:
    with fused(pp.root, pp.place / "source") as fuse:
        (fuse.source / "post").mkdir()
        (fuse.source / "post/a.jpg").write_bytes(picture())
        (fuse.source / "post/post.yaml").write_text(sidecar(time="2031-01-01 10:00"))
        pp.run_once()
        with started(pp) as (process, url), ThreadPoolExecutor(60) as many:
            folder_id = re.findall(r"thumb/([0-9a-f-]{36})/0", get(url).text)[0]
            fuse.hang()
            asked = [many.submit(httpx.get, f"{url}/thumb/{folder_id}/0", timeout=60) for _ in range(60)]
            assert [get(url + path).status_code for path in ("/", "/calendar.ics", "/metrics")] == [200] * 3
            assert not all(one.done() for one in asked)
            process.terminate()
            until(lambda: process.poll() is not None or in_the_kernel(process.pid))
            fuse.answer()
            assert process.wait(10) == 0


def test_a_page_says_within_two_seconds_what_the_daemon_did(pp: Rig) -> None:
    """Through the daemon's own process: a post that is dropped, and its state, come to who follows."""
    with pp.daemon(), started(pp) as (_, url):
        pp.drop("post")
        pp.wait_for("post", "scheduled")
        with httpx.stream("GET", f"{url}/changes", trust_env=False, timeout=20) as stream:
            lines = (line for line in stream.iter_lines() if line.startswith("data: "))
            before = next(lines)
            pp.drop("another")
            assert next(lines) != before
        pp.wait_for("another", "scheduled")
        assert 'data-folder="another"' in get(url).text


def test_it_may_write_nowhere_and_shows_what_there_is_whether_the_daemon_runs_or_not(pp: Rig) -> None:
    """A database in WAL mode that nobody has open wants a file made beside it by who reads it."""
    if subprocess.run(["unshare", "--mount", "true"], capture_output=True).returncode:  # noqa: S607
        pytest.skip("new namespaces are not allowed here")
    place = pp.state_db.parent
    place.mkdir()
    with started(pp, "unshare", "--mount", "sh", "-c", _READ_ONLY, str(place)) as (_, url):

        def shows(*names: str) -> bool:
            answer = get(url)
            return answer.status_code == 200 and all(f'data-folder="{name}"' in answer.text for name in names)

        answer = get(url)
        assert (answer.status_code, answer.text.splitlines()[0]) == (503, "there is no database yet")
        pp.drop("first")
        pp.run_once()
        assert not pp.state_db.with_name("state.db-wal").exists()
        assert shows("first")  # nobody has it open
        assert "the daemon is not running" in get(url).text
        with pp.daemon() as daemon:
            pp.drop("second")
            pp.wait_for("second", "scheduled")
            until(lambda: shows("first", "second"))  # it was started meanwhile
            daemon.kill()
            daemon.wait()
        assert pp.state_db.with_name("state.db-wal").exists()
        assert shows("first", "second")  # it was killed
        with pp.daemon():
            pp.drop("third")
            pp.wait_for("third", "scheduled")
            until(lambda: shows("first", "second", "third"))
        assert shows("first", "second", "third")  # it was stopped
        for file in place.glob("state.db*"):
            file.unlink()
        until(lambda: get(url).text.startswith("there is no database yet"))
        pp.run_once()
        until(lambda: shows("first", "second", "third"))  # another one, made of what PostPost holds
