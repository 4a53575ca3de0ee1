"""A rig for tests that run the real program: a simulated PostPost over HTTP, a watch root, a config file."""

from __future__ import annotations

import contextlib
import json
import socket
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from postpost_sync.__main__ import main
from postpost_sync.sandbox import Behaviour, Group, Sandbox, serve
from tests.support.warm import Program

FAR = "2031-03-04 10:00"
HANG = 40.0  # seconds: more than this only a hang takes. What is made to hang here does so for a minute at least
# the next tick is years off: no post goes out because a full minute fell into a test
UNTAKEN = Behaviour(tick_seconds=1e9)
REPOSITORY = Path(__file__).parents[2]


class Rig:
    """`root` is watched with a short settle time; `run_once` and the others are the commands as typed."""

    def __init__(
        self, place: Path, simulated: Sandbox, api_url: str, capsys: pytest.CaptureFixture[str] | None = None
    ) -> None:
        self.place, self.sandbox, self.api_url, self._capsys = place, simulated, api_url, capsys
        self.root = place / "posts"
        self.root.mkdir()
        self.config = place / "config.yaml"
        self.state_db = place / "state" / "state.db"
        self.configure()

    def configure(self, root: str = "", top: str = "", api: str = "") -> None:
        """Write the config; the arguments are further lines of its parts."""
        self.config.write_text(
            f"api:\n  base_url: {self.api_url}\n  key: plainly-fake-key\n{api}"
            f"watch:\n  - path: {self.root}\n    settle: 200ms\n    poll_interval: 500ms\n{root}"
            f"state_db: {self.state_db}\n{top}"
        )
        self.config.chmod(0o600)

    def drop(self, name: str, sidecar: str | None = None, media: Mapping[str, bytes] | None = None) -> Path:
        """A post folder, the media first; without a sidecar of its own it is a plain text post far ahead."""
        folder = self.root / name
        folder.mkdir(parents=True, exist_ok=True)
        for file, data in (media or {}).items():
            (folder / file).write_bytes(data)
        text = (
            sidecar if sidecar is not None else f"content: {name}\nplatforms: [facebook-1001]\nscheduled_time: {FAR}\n"
        )
        (folder / "post.yaml").write_text(text)
        return folder

    def command(self, *arguments: str) -> int:
        return main(["-c", str(self.config), *arguments])

    def run_once(self, wait: str = "20s") -> int:
        return self.command("run", "--once", "--wait", wait)

    def output(self) -> tuple[str, str]:
        """What was printed since the last time this was asked: stdout, stderr."""
        assert self._capsys is not None
        return self._capsys.readouterr()

    def status(self, *paths: str) -> dict[str, Any]:
        report = self.try_status(*paths)
        assert report is not None
        return report

    def try_status(self, *paths: str) -> dict[str, Any] | None:
        """None where there is nothing to read yet."""
        self.output()
        if self.command("status", "--json", *paths) != 0:
            return None
        report: dict[str, Any] = json.loads(self.output()[0])
        return report

    def post(self, name: str) -> dict[str, Any]:
        """One folder's entry of `status --json`."""
        (found,) = [p for p in self.status()["posts"] if p["folder"] == str(self.root / name)]
        return dict(found)

    def groups(self, **wanted: str) -> list[Group]:
        """What PostPost holds, the oldest first; `content=…` and `status=…` choose."""
        return [g for g in self.sandbox.groups() if all(getattr(g, key) == value for key, value in wanted.items())]

    @contextmanager
    def daemon(self, *arguments: str) -> Iterator[Program]:
        """The real program, in a process in the background; it is ended by SIGTERM."""
        with closing(Program("-c", str(self.config), "run", *arguments)) as process:
            try:
                yield process
            except BaseException as error:
                process.terminate()
                error.add_note(f"the program ended with {process.wait(HANG)}, and said:\n{process.communicate()[1]}")
                raise
            process.terminate()
            process.wait(HANG)

    def wait_for(self, name: str, state: str, error: str | None = None, within: float = HANG) -> dict[str, Any]:
        """Until the folder is in that state (and shows an error of that code), as `status` has it."""
        ends, post = time.monotonic() + within, None
        while time.monotonic() < ends:
            written = self._written()
            if (report := self.try_status()) is not None:
                post = next((p for p in report["posts"] if p["folder"] == str(self.root / name)), None)
                if post and post["state"] == state and (error is None or (post["error"] or {}).get("code") == error):
                    return dict(post)
            asks = time.monotonic() + 0.5
            while self._written() == written and time.monotonic() < asks:
                time.sleep(0.02)  # to look at two files costs a hundredth of a question
        raise AssertionError(f"{name} did not become {state}: {post}")

    def _written(self) -> list[tuple[int, int]]:
        """Of the database and its log, what every commit changes."""
        found = []
        for file in (self.state_db, self.state_db.with_name(f"{self.state_db.name}-wal")):
            with contextlib.suppress(OSError):
                facts = file.stat()
                found.append((facts.st_size, facts.st_mtime_ns))
        return found


class Manager:
    """A service manager's end of the notify socket."""

    def __init__(self, place: Path) -> None:
        self.address = str(place / "notify")
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(self.address)
        self._socket.settimeout(0.2)
        self.heard: list[str] = []

    def wait_for(self, word: str, within: float = HANG) -> None:
        ends = time.monotonic() + within
        while time.monotonic() < ends:
            try:
                self.heard += self._socket.recv(4096).decode().splitlines()
            except TimeoutError:
                continue
            if any(line.startswith(word) for line in self.heard):
                return
        raise AssertionError(f"{word} was not heard, only {self.heard}")

    def forget(self) -> None:
        """What has been said until now does not count."""
        with contextlib.suppress(TimeoutError):
            while self._socket.recv(4096):
                pass
        self.heard.clear()

    def close(self) -> None:
        self._socket.close()


@contextmanager
def rig(
    place: Path,
    capsys: pytest.CaptureFixture[str] | None = None,
    behaviour: Behaviour = UNTAKEN,
    **sandbox: Any,
) -> Iterator[Rig]:
    with Sandbox(behaviour=behaviour, **sandbox) as simulated, serve(simulated) as server:
        yield Rig(place, simulated, server.api_url, capsys)


def until(what: Callable[[], Any], within: float = HANG) -> None:
    """Wait for it to come to be."""
    ends = time.monotonic() + within
    while not what():
        if time.monotonic() > ends:
            raise AssertionError("it did not come to be")
        time.sleep(0.02)
