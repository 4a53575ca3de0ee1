"""What n posts of one picture cost, dropped at once: `python -m tests.bench.bulk [--posts 1000] [--rtt 50] [--foreign 1000]`.

The real daemon carries them to the simulated PostPost, which runs in a process of its own, answers after a round trip of
so many milliseconds and holds as many drafts of somebody else. Printed are the calls a post, the time beside the one that
the calls alone would take, and the daemon's processor time a post, each with its target. Nothing is asserted.

`--pictures 10 --posts 1` is one carousel: the time beside that of its trips one after the other. `--twin` answers as the
twin product does. `--profile FILE` runs the daemon below cProfile, whose own cost is in every figure then.
"""

from __future__ import annotations

import argparse
import functools
import io
import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

from PIL import Image

from postpost_sync.model.times import to_service
from postpost_sync.sandbox import TWIN, Behaviour, Request, Response, Sandbox, serve
from tests.bench.scratch import scratch

KEY = "plainly-fake-key"
CONCURRENCY = 4
WITHIN = 1800.0  # seconds that all of it may take
NEEDED = ("create-post", "get-upload-url", "update-post")  # the PUT goes to the store, not to the API
SETTLE = 0.2  # seconds
YEAR = timedelta(days=365)  # in which somebody else has made the foreign drafts

_SERVER = "from tests.bench.bulk import simulate; simulate()"
_PROFILED = "import cProfile, sys; from tests.bench.bulk import profiled; profiled()"


# --- the service, in a process of its own -----------------------------------------------------------------------------


def simulate() -> None:
    """Serve until standard input ends; each line there is answered with how things stand, as JSON."""
    rtt, foreign, twin = float(sys.argv[1]) / 1000, int(sys.argv[2]), sys.argv[3] == "twin"
    ago = timedelta()
    now, behaviour = lambda: datetime.now(UTC) - ago, TWIN if twin else Behaviour()
    with Sandbox(clock=now, behaviour=behaviour) as simulated:
        answer = simulated.handle

        def slowly(request: Request) -> Response:
            # what goes to the store takes its time, too, but no trip is counted for it
            time.sleep(rtt)
            return answer(request)

        with serve(simulated) as server:
            for n in range(foreign):
                ago = YEAR * (foreign - n) / foreign
                answer(_create(f"not ours {n}"))
            ago = timedelta()
            simulated.calls.clear()
            simulated.handle = slowly  # type: ignore[method-assign]  # a trip for each request
            print(server.api_url, flush=True)
            for _ in sys.stdin:
                states = Counter(group.status for group in simulated.groups())
                said = {"calls": Counter(call.name for call in simulated.calls), "scheduled": states["scheduled"]}
                print(json.dumps(said), flush=True)


def _create(content: str) -> Request:
    body = json.dumps({"content": content, "platforms": ["facebook-1001"]}).encode()
    return Request("POST", "/api/v1/create-post", "", {"x-api-key": KEY, "Content-Length": str(len(body))}, [body])


# --- the posts --------------------------------------------------------------------------------------------------------


@functools.cache
def picture(number: int) -> bytes:
    out = io.BytesIO()
    colour = (number * 37 % 256, number * 91 % 256, number // 256 % 256)
    Image.new("RGB", (320, 320), colour).save(out, "JPEG")
    return out.getvalue()


def make_posts(place: Path, posts: int, pictures: int) -> None:
    start = datetime(2031, 1, 1, tzinfo=UTC)
    for n in range(posts):
        folder = place / f"{n:05d}"
        folder.mkdir(parents=True)
        for m in range(pictures):
            (folder / f"{m}.jpg").write_bytes(picture(pictures * n + m))
        at = to_service(start + timedelta(minutes=n))
        (folder / "post.yaml").write_text(f"content: post {n}\nplatforms: [facebook-1001]\nscheduled_time: {at}\n")


# --- the daemon -------------------------------------------------------------------------------------------------------


def profiled() -> None:
    """The daemon below cProfile, all of its threads; the figures go to the file that is the first argument."""
    import cProfile
    import threading

    from postpost_sync.__main__ import main

    whole = cProfile.Profile(time.thread_time)
    profiles = [whole]
    run = threading.Thread.run

    def profiled_run(self: threading.Thread) -> None:
        mine = cProfile.Profile(time.thread_time)
        profiles.append(mine)
        mine.runcall(run, self)

    threading.Thread.run = profiled_run  # type: ignore[method-assign]  # for this process alone
    file = sys.argv.pop(1)
    try:
        whole.runcall(main, sys.argv[1:])
    finally:
        import pstats

        stats = pstats.Stats(profiles[0])
        for one in profiles[1:]:
            one.disable()
            stats.add(one)
        stats.dump_stats(file)


class Used(NamedTuple):
    """Seconds of processor time: of the process, of the system for it, and both of the processes that it started."""

    own: float
    system: float
    others: float

    @classmethod
    def by(cls, pid: int) -> Used:
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
        own, system = (int(field) / os.sysconf("SC_CLK_TCK") for field in fields[11:13])
        started = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        return cls(own, system, sum(sum(cls.by(int(child))) for child in started))


def say(what: str, value: str) -> None:
    print(f"{what:<50} {value}", flush=True)


def measure(arguments: argparse.Namespace, place: Path, api: str, ask: Any) -> None:
    posts, pictures, rtt = arguments.posts, arguments.pictures, arguments.rtt / 1000
    root = place / "posts"
    root.mkdir()
    make_posts(place / "coming", posts, pictures)
    config = place / "config.yaml"
    config.write_text(
        f"api: {{base_url: '{api}', key: {KEY}}}\nwatch:\n  - path: {root}\n    settle: {SETTLE}s\n"
        f"state_db: {place / 'state/state.db'}\nuploads: {{concurrency: {CONCURRENCY}}}\n"
    )
    config.chmod(0o600)
    start = [sys.executable, "-m", "postpost_sync"]
    if arguments.profile:
        start = [sys.executable, "-c", _PROFILED, str(arguments.profile)]
    with (place / "log").open("w") as log:
        process = subprocess.Popen([*start, "-c", str(config), "run"], stderr=log)
        try:
            _wait_until_ready(process.pid)
            before = Used.by(process.pid)
            began = time.perf_counter()
            (place / "coming").rename(root / "dropped")
            stood = ask()
            while stood["scheduled"] < posts and time.perf_counter() - began < WITHIN and process.poll() is None:
                time.sleep(0.05 if posts < 100 else 0.5)
                stood = ask()
            took = time.perf_counter() - began - SETTLE
            after = Used.by(process.pid)
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(60)
    calls = stood["calls"]
    say("scheduled", f"{stood['scheduled']} of {posts}")
    say("calls a post", ", ".join(f"{calls[name] / posts:.2f} {name}" for name in sorted(calls)))
    say("list-posts a post", f"{calls.get('list-posts', 0) / posts:.3f} (target 0.1)")
    if rtt and posts > 1:
        needed = sum(calls.get(name, 0) for name in NEEDED) * rtt / CONCURRENCY
        say("time / (calls needed x RTT / 4)", f"{took / needed:.2f} (target 1.15; {took:.1f} s for {needed:.1f} s)")
    elif rtt:
        trips = (pictures + 4) * rtt
        say("time / trips needed", f"{took / trips:.2f} (target 1.05; {took:.2f} s for {trips:.2f} s)")
    own, system, measuring = (1000 * (now - then) / posts for now, then in zip(after, before, strict=True))
    spent = f"{own + system:.1f} ms (target 25; {own:.1f} ours, {system:.1f} of the system)"
    say("processor time a post", f"{spent}, and {measuring:.1f} ms for measuring")


def _wait_until_ready(pid: int) -> None:
    """What a start costs is not what is asked here."""
    ends, before = time.monotonic() + 60, -1.0
    while time.monotonic() < ends and (now := sum(Used.by(pid))) - before > 0.05:
        before = now
        time.sleep(1)


def bulk(arguments: argparse.Namespace, place: Path) -> None:
    twin = "twin" if arguments.twin else "plain"
    command = [sys.executable, "-c", _SERVER, str(arguments.rtt), str(arguments.foreign), twin]
    server = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert server.stdin is not None
    assert server.stdout is not None
    asked, said = server.stdin, server.stdout

    def ask() -> Any:
        asked.write("\n")
        asked.flush()
        return json.loads(said.readline())

    try:
        measure(arguments, place, said.readline().strip(), ask)
    finally:
        server.kill()
        server.wait()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--posts", type=int, default=1000)
    parser.add_argument("--pictures", type=int, default=1, help="in each post")
    parser.add_argument("--rtt", type=float, default=0.0, help="milliseconds")
    parser.add_argument("--foreign", type=int, default=1000, help="drafts of somebody else in the account")
    parser.add_argument("--twin", action="store_true", help="answer as the twin product does")
    parser.add_argument("--profile", type=Path, help="a file for cProfile's figures")
    arguments = parser.parse_args()
    with scratch("bulk") as place:
        bulk(arguments, place)


if __name__ == "__main__":
    main()
