"""What notices when the daemon does not do its work: `health`, a monitor that is pinged, the counts that it writes down."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from postpost_sync.model.vitals import Vitals
from postpost_sync.sandbox import Behaviour
from postpost_sync.store import Store
from tests.support.drops import picture, sidecar
from tests.support.rig import Rig, rig, until

SECRET = "canary-ping-url"


class Monitor:
    """healthchecks.io, as far as it matters."""

    def __init__(self) -> None:
        self.pings: list[tuple[str, str]] = []  # what of the address follows the check's own, and the body
        self.status = 200
        monitor = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                monitor.pings.append((self.path.removeprefix(f"/{SECRET}"), body))
                self.send_response(monitor.status)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}/{SECRET}"
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def kinds(self) -> list[str]:
        return [kind for kind, _ in self.pings]

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def monitor() -> Iterator[Monitor]:
    one = Monitor()
    yield one
    one.close()


def pinged(pp: Rig, monitor: Monitor) -> None:
    pp.configure(top=f"monitor: {{ping_url: '{monitor.url}', every: 300ms}}\n")


def health(pp: Rig) -> tuple[int, str]:
    pp.output()
    status = pp.command("health")
    return status, pp.output()[0].strip()


# --- health -----------------------------------------------------------------------------------------------------------


def test_all_is_well_while_the_daemon_runs_and_no_longer_when_it_has_ended(pp: Rig) -> None:
    start = "(hint: start the daemon once: postpost-sync run)"
    assert health(pp) == (1, f"there is no database at {pp.state_db} yet {start}")
    pp.drop("post")
    with pp.daemon():
        pp.wait_for("post", "scheduled")
        until(lambda: health(pp) == (0, "all is well"))
    assert health(pp) == (1, "the daemon is not running (hint: start it: postpost-sync run)")


def test_it_says_the_same_to_programs(pp: Rig) -> None:
    pp.drop("post")
    pp.run_once()
    pp.output()
    assert pp.command("health", "--json") == 1
    shown = json.loads(pp.output()[0])
    assert (shown["version"], shown["healthy"], shown["problems"][0]["code"]) == (1, False, "DAEMON_DOWN")
    assert pp.state_db.stat().st_mode & 0o777 == 0o600


def test_a_root_that_is_away_is_a_problem(pp: Rig) -> None:
    pp.drop("post")
    with pp.daemon():
        pp.wait_for("post", "scheduled")
        pp.root.rename(pp.root.with_name("elsewhere"))
        until(lambda: "posts" in health(pp)[1] and health(pp)[0] == 1)
        pp.root.with_name("elsewhere").rename(pp.root)
        until(lambda: health(pp)[0] == 0)


def test_a_key_that_is_refused_is_a_problem(tmp_path, capsys) -> None:  # type: ignore[no-untyped-def]  # fixtures
    with rig(tmp_path, capsys, behaviour=Behaviour(keys={"another-key": "owner"})) as pp:
        pp.drop("post")
        with pp.daemon():
            until(lambda: (pp.try_status() or {"posts": []})["posts"] and pp.post("post")["error"])
            until(lambda: "key" in health(pp)[1])
            assert health(pp)[0] == 1


def test_a_post_that_was_due_long_ago_is_a_problem(pp: Rig) -> None:
    pp.drop("post")
    pp.run_once()
    store = Store.open(pp.state_db)
    old = (datetime.now(UTC) - timedelta(minutes=11)).isoformat()
    with store._db.transaction():
        store._db.conn.execute("UPDATE groups SET answered_time = ?", (old,))
    store.close()
    assert f"{pp.root}/post should have been out for 10 minutes" in health(pp)[1]


# --- the monitor ------------------------------------------------------------------------------------------------------


def test_a_monitor_is_told_of_the_start_and_then_that_all_is_well(pp: Rig, monitor: Monitor) -> None:
    pinged(pp, monitor)
    pp.drop("post")
    with pp.daemon():
        pp.wait_for("post", "scheduled")
        until(lambda: monitor.kinds().count("") >= 2)
    assert monitor.kinds()[0] == "/start"
    assert set(monitor.kinds()[1:]) == {""}


def test_it_is_told_why_where_something_is_wrong_and_when_it_is_over(pp: Rig, monitor: Monitor) -> None:
    pinged(pp, monitor)
    pp.drop("post")
    with pp.daemon():
        until(lambda: "" in monitor.kinds())
        pp.root.rename(pp.root.with_name("elsewhere"))
        until(lambda: "/fail" in monitor.kinds())
        assert "ROOT_AWAY" in next(body for kind, body in monitor.pings if kind == "/fail")
        pp.root.with_name("elsewhere").rename(pp.root)
        until(lambda: monitor.kinds()[-1] == "")


def test_one_pass_tells_it_how_it_ended(pp: Rig, monitor: Monitor) -> None:
    pp.configure(top=f"monitor: {{ping_url: '{monitor.url}', every: 1h}}\n")
    pp.drop("post")
    assert pp.run_once() == 0
    assert monitor.kinds() == ["/start", ""]


def test_a_monitor_that_does_not_answer_is_said_once_without_its_address(pp: Rig, monitor: Monitor) -> None:
    monitor.status = 500
    pinged(pp, monitor)
    pp.drop("post")
    with pp.daemon("--log-level", "debug") as process:
        pp.wait_for("post", "scheduled")
        until(lambda: len(monitor.pings) > 6)
        process.terminate()
        log = process.communicate(timeout=30)[1]
    assert log.count("the monitor cannot be pinged") == 1
    assert SECRET not in log
    assert SECRET not in pp.state_db.read_bytes().decode("latin-1")


@pytest.mark.parametrize(
    "url", ["http://hc.example/x", "ftp://hc.example/x", "not a url", "https://user:pw@hc.example/x"]
)
def test_an_address_that_is_not_safe_is_refused_and_not_shown(url: str, pp: Rig) -> None:
    pp.configure(top=f"monitor: {{ping_url: '{url}'}}\n")
    assert pp.command("health") == 2
    said = pp.output()[1]
    assert "monitor" in said
    assert url not in said


def test_a_config_with_the_address_that_others_can_read_is_warned_about(pp: Rig, monitor: Monitor) -> None:
    pinged(pp, monitor)
    pp.config.chmod(0o644)
    pp.command("health")
    said = pp.output()[1]
    assert "holds the URL of a monitor and can be read by others" in said
    assert SECRET not in said


# --- what is counted --------------------------------------------------------------------------------------------------


def test_the_daemon_writes_down_what_it_counts(pp: Rig) -> None:
    data = picture()
    pp.drop("post", sidecar(), {"a.jpg": data})
    assert pp.run_once() == 0
    store = Store.open(pp.state_db, read_only=True)
    vitals = Vitals.read(store.overview.vitals())
    store.close()
    assert vitals.sent == len(data)
    assert vitals.calls["create-post ok"] == 1
    assert vitals.calls["put-object ok"] == 1
    assert vitals.keys == {str(pp.root): True}
    assert vitals.why == {}
