"""Being told: the real program and a real Apprise target, a web hook on this machine that behaves, or does not."""

from __future__ import annotations

import json
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import apprise
import pytest

from postpost_sync import credentials, notify
from postpost_sync.errors import ProgramError
from postpost_sync.sandbox.behaviour import Behaviour, Connection
from postpost_sync.telling import Message, Tone
from tests.support import Rig, rig

USER, PASSWORD, TOKEN, QUERY = "canary-user", "canary-password", "CanaryToken9", "canary-query"
SECRETS = (USER, PASSWORD, TOKEN, QUERY)
WRONG = "content: x\nplatfroms: [facebook-1001]\n"
FINE = Behaviour(
    tick_seconds=1, connections=(Connection("facebook-1001", "harbourcoffee", "Harbour Coffee", "valid", 90),)
)
MESSAGE = Message("title", "body", Tone.WARNING)


class Hook:
    """A web hook. `answer` is called with each request: by default it is taken."""

    def __init__(self) -> None:
        self.messages: list[dict[str, Any]] = []
        self.answer: Callable[[BaseHTTPRequestHandler], None] = taken
        self.ended = threading.Event()
        hook = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                hook.messages.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
                hook.answer(self)

            def log_message(self, *_: object) -> None:
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *_: object) -> None:
                pass  # the other side went away

        self._server = Server(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    @property
    def url(self) -> str:
        place = f"127.0.0.1:{self._server.server_port}"
        return f"json://{USER}:{PASSWORD}@{place}/hook/{TOKEN}?+X-Key={QUERY}"

    @property
    def titles(self) -> list[str]:
        return [message["title"].removeprefix("postpost-sync: ") for message in self.messages]

    def wait_for(self, number: int, within: float = 20.0) -> None:
        ends = time.monotonic() + within
        while len(self.messages) < number and time.monotonic() < ends:
            time.sleep(0.05)
        assert len(self.messages) >= number, self.titles

    def refuse(self) -> None:
        """Nobody listens any longer."""
        self._server.shutdown()
        self._server.server_close()

    def close(self) -> None:
        self.ended.set()
        self.refuse()


def taken(request: BaseHTTPRequestHandler) -> None:
    request.send_response(200)
    request.end_headers()


def broken(request: BaseHTTPRequestHandler) -> None:
    request.send_response(500)
    request.end_headers()


@pytest.fixture
def hook() -> Iterator[Hook]:
    one = Hook()
    yield one
    one.close()


@pytest.fixture
def pp(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Iterator[Rig]:
    with rig(tmp_path, capsys, behaviour=FINE) as one:
        yield one


def told(pp: Rig, *urls: str, digest: str = "500ms", more: str = "") -> None:
    """Configure who is told."""
    lines = "".join(f"    - '{url}'\n" for url in urls)
    pp.configure(top=f"notify:\n  digest: {digest}\n  urls:\n{lines}{more}")


# --- what is told, by the real program --------------------------------------------------------------------------------


def test_a_post_that_needs_a_person_is_told_of_once_whatever_is_started_how_often(pp: Rig, hook: Hook) -> None:
    told(pp, hook.url)
    pp.drop("launch", WRONG)
    pp.drop("fine")
    assert [pp.run_once() for _ in range(3)] == [1, 1, 1]
    (message,) = hook.messages
    assert message["title"] == "postpost-sync: 1 post needs a change"
    assert message["type"] == "failure"
    assert message["message"].splitlines() == [
        str(pp.root / "launch"),
        'Needs a change: post.yaml, line 2: "platfroms" is not a key.',
        'hint: did you mean "platforms"?',
    ]
    pp.drop("launch")
    assert pp.run_once() == 0
    pp.drop("launch", WRONG)
    assert pp.run_once() == 1
    assert hook.titles == ["1 post needs a change"] * 2


def test_many_at_once_are_one_message(pp: Rig, hook: Hook) -> None:
    told(pp, hook.url, digest="2s")
    for number in range(40):
        pp.drop(f"bad{number}", WRONG)
    with pp.daemon():
        hook.wait_for(1)
        time.sleep(3)
    assert hook.titles == ["40 posts need a change"]
    assert "… and 35 more" in hook.messages[0]["message"]


def test_what_is_over_within_the_digest_is_not_told(pp: Rig, hook: Hook) -> None:
    told(pp, hook.url, digest="3s")
    pp.drop("launch", WRONG)
    with pp.daemon():
        pp.wait_for("launch", "invalid")
        pp.drop("launch")
        pp.wait_for("launch", "scheduled")
        time.sleep(4)
    assert hook.messages == []


def test_a_root_that_goes_away_and_comes_back(pp: Rig, hook: Hook) -> None:
    told(pp, hook.url)
    pp.drop("launch")
    with pp.daemon():
        pp.wait_for("launch", "scheduled")
        pp.root.rename(pp.place / "elsewhere")
        hook.wait_for(1)
        (pp.place / "elsewhere").rename(pp.root)
        hook.wait_for(2)
    assert hook.titles == ["1 watch folder is away", "1 watch folder is back"]
    assert hook.messages[1]["message"] == f"{pp.root}\nis back"
    assert [message["type"] for message in hook.messages] == ["failure", "success"]


def test_a_root_that_is_still_away_after_a_restart_is_not_told_of_again(pp: Rig, hook: Hook) -> None:
    told(pp, hook.url)
    pp.drop("launch")
    assert pp.run_once() == 0
    pp.root.rename(pp.place / "elsewhere")
    for _ in range(2):
        with pp.daemon():
            hook.wait_for(1)
            time.sleep(2)
    assert hook.titles == ["1 watch folder is away"]


def test_a_key_that_is_refused_and_taken_again(tmp_path: Path, hook: Hook, capsys: pytest.CaptureFixture[str]) -> None:
    with rig(tmp_path, capsys, behaviour=Behaviour(keys={}, connections=FINE.connections)) as pp:
        told(pp, hook.url)
        pp.drop("launch")
        assert [pp.run_once("3s") for _ in range(2)] == [1, 1]
        assert hook.titles == ["1 API key is refused"]
        assert hook.messages[0]["message"].startswith(f"the API key of {pp.root}\nPostPost does not accept")
        pp.sandbox.behaviour = FINE
        assert pp.run_once() == 0
        assert hook.titles[1:] == ["1 API key is accepted again"]


def test_tokens_that_run_out_are_told_of_even_where_nothing_is_to_be_posted(
    tmp_path: Path, hook: Hook, capsys: pytest.CaptureFixture[str]
) -> None:
    with rig(tmp_path, capsys) as pp:
        told(pp, hook.url)
        for _ in range(2):
            with pp.daemon():
                hook.wait_for(1)
                time.sleep(1)
    assert hook.titles == ["2 accounts need to be reconnected"]
    assert "linkedin-OLD42\nits token has expired" in hook.messages[0]["message"]


def test_what_went_out_is_told_only_where_it_is_asked_for_and_only_from_then_on(pp: Rig, hook: Hook) -> None:
    now = "content: {0}\nplatforms: [facebook-1001]\nscheduled_time: now\n"
    told(pp, hook.url)
    pp.drop("first", now.format("first"))
    with pp.daemon():
        pp.wait_for("first", "published")
    told(pp, hook.url, more="  on: [published, invalid]\n")
    pp.drop("second", now.format("second"))
    with pp.daemon():
        pp.wait_for("second", "published")
        hook.wait_for(1)
    assert pp.run_once() == 0
    assert hook.titles == ["1 post is published"]
    assert hook.messages[0]["type"] == "success"
    assert hook.messages[0]["message"].startswith(f"{pp.root / 'second'}\nPublished ")


def test_switched_on_late_it_tells_what_needs_a_person_now_in_one_message(pp: Rig, hook: Hook) -> None:
    pp.drop("out", "content: x\nplatforms: [facebook-1001]\nscheduled_time: now\n")
    for number in range(20):
        pp.drop(f"bad{number}", WRONG)
    with pp.daemon():
        pp.wait_for("out", "published")
        pp.wait_for("bad19", "invalid")
    told(pp, hook.url, more="  on: [published, invalid]\n")
    assert [pp.run_once() for _ in range(2)] == [1, 1]
    assert hook.titles == ["20 posts need a change"]


# --- when it does not get through -------------------------------------------------------------------------------------


def hangs(hook: Hook) -> None:
    def answer(_: BaseHTTPRequestHandler) -> None:
        hook.ended.wait(60)

    hook.answer = answer


def trickles(hook: Hook) -> None:
    """A byte now and then, for ever: no time limit of a connection notices."""

    def answer(request: BaseHTTPRequestHandler) -> None:
        request.send_response(200)
        request.send_header("Content-Length", "1000000")
        request.end_headers()
        while not hook.ended.wait(0.5):
            request.wfile.write(b" ")

    hook.answer = answer


def fails(hook: Hook) -> None:
    hook.answer = broken


@pytest.mark.parametrize("trouble", [hangs, trickles, fails, Hook.refuse])
def test_a_target_that_fails_holds_up_neither_the_posts_nor_the_end(
    pp: Rig, hook: Hook, trouble: Callable[[Hook], None]
) -> None:
    told(pp, hook.url, digest="0")
    trouble(hook)
    pp.drop("bad", WRONG)
    with pp.daemon() as process:
        pp.wait_for("bad", "invalid")
        time.sleep(1)
        pp.drop("fine")
        pp.wait_for("fine", "scheduled")
        began = time.monotonic()
        process.send_signal(signal.SIGTERM)
        assert process.wait(15) == 0
    assert time.monotonic() - began < 10


@pytest.mark.parametrize("trouble", [hangs, trickles, fails, Hook.refuse])
def test_one_pass_ends_all_the_same_and_it_is_said(
    pp: Rig, hook: Hook, trouble: Callable[[Hook], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("postpost_sync.commands.run.TELL_WITHIN", 3.0)
    told(pp, hook.url)
    trouble(hook)
    pp.drop("fine")
    pp.drop("bad", WRONG)
    began = time.monotonic()
    assert pp.run_once() == 1
    assert time.monotonic() - began < 15
    assert pp.post("fine")["state"] == "scheduled"


def test_nothing_is_lost_and_status_says_that_it_does_not_get_through(pp: Rig, hook: Hook) -> None:
    told(pp, hook.url)
    hook.answer = broken
    pp.drop("bad", WRONG)
    assert pp.run_once() == 1
    assert "notifications do not get through" in pp.output()[1]
    assert len(hook.messages) == 3
    (warning,) = pp.status()["warnings"]
    assert warning["code"] == "NOTIFY_FAILED"
    assert "JSON (number 1 of notify.urls)" in warning["message"]
    assert pp.command("status") == 0
    assert "warning: notifications do not get through" in pp.output()[0]
    pp.command("doctor", "--json")
    levels = [f["level"] for f in json.loads(pp.output()[0])["findings"] if f["what"] == "notify"]
    assert levels == ["ok", "warning"]
    hook.answer = taken
    assert pp.run_once() == 1
    assert hook.titles == ["1 post needs a change"] * 4
    assert pp.status()["warnings"] == []


def test_one_target_that_fails_takes_nothing_from_another(pp: Rig, hook: Hook) -> None:
    other = Hook()
    told(pp, hook.url, other.url)
    hook.answer = broken
    pp.drop("bad", WRONG)
    assert [pp.run_once() for _ in range(2)] == [1, 1]
    assert other.titles == ["1 post needs a change"]
    hook.answer, hook.messages = taken, []
    assert pp.run_once() == 1
    assert (len(hook.messages), len(other.messages)) == (1, 1)
    other.close()


def test_a_crash_after_sending_tells_it_once_more_rather_than_not_at_all(pp: Rig, hook: Hook) -> None:
    told(pp, hook.url, digest="0")
    pp.drop("bad", WRONG)
    with pp.daemon() as process:
        hook.answer = lambda _: os.kill(process.pid, signal.SIGKILL)
        hook.wait_for(1)
        assert process.wait(10) == -signal.SIGKILL
    hook.answer = taken
    assert [pp.run_once() for _ in range(2)] == [1, 1]
    assert len(hook.messages) == 2


def test_a_target_that_is_no_longer_told_is_forgotten(pp: Rig, hook: Hook) -> None:
    told(pp, hook.url)
    hook.answer = broken
    pp.drop("bad", WRONG)
    assert pp.run_once() == 1
    pp.configure()
    assert pp.run_once() == 1
    assert pp.status()["warnings"] == []


# --- secrets ----------------------------------------------------------------------------------------------------------


def leaks(*texts: str | bytes) -> list[str]:
    whole = b"".join(text.encode() if isinstance(text, str) else text for text in texts)
    return [secret for secret in SECRETS if secret.lower().encode() in whole.lower()]


@pytest.mark.parametrize("trouble", [None, fails, Hook.refuse])
def test_no_part_of_a_url_shows_anywhere(pp: Rig, hook: Hook, trouble: Callable[[Hook], None] | None) -> None:
    told(pp, hook.url)
    pp.config.chmod(0o644)  # a warning names the config
    if trouble is not None:
        trouble(hook)
    pp.drop("bad", WRONG)
    pp.run_once()
    with pp.daemon() as process:
        pp.wait_for("bad", "invalid")
        time.sleep(1)
        process.terminate()
        log = process.communicate(timeout=15)[1]
    for command in (["status"], ["status", "--json"], ["doctor"], ["doctor", "--json"], ["notify"]):
        pp.command(*command)
    said = pp.output()
    files = [file.read_bytes() for file in pp.place.rglob("*") if file.is_file() and file != pp.config]
    assert len(files) >= 3
    assert leaks(log, *said, *files) == []
    assert "JSON (number 1 of notify.urls)" in said[0] + said[1]
    if trouble is None:
        assert leaks(json.dumps(hook.messages)) == []


@pytest.mark.parametrize(
    "top",
    [
        f"notify:\n  urls: [nonsense-{TOKEN}]\n",
        f"notify:\n  urls: [{{json://{TOKEN}: x}}]\n",
        f"notify:\n  urls: ['nosuchservice://{USER}:{PASSWORD}@x/{TOKEN}']\n",
        f"notify:\n  urls: ['tgram://{TOKEN}']\n",
        f"notify:\n  json://{TOKEN}: x\n",
        f"notify: 'json://{TOKEN}'\n",
    ],
)
def test_a_url_that_is_wrong_is_not_shown_and_ends_the_start(pp: Rig, top: str) -> None:
    pp.configure(top=top)
    assert pp.run_once() == 2
    assert pp.command("notify") == 2
    pp.command("doctor")
    out, err = pp.output()
    assert leaks(out, err) == []
    assert err.splitlines()[-1].startswith("postpost-sync: ")


def test_which_url_is_wrong_is_said(pp: Rig, hook: Hook) -> None:
    told(pp, hook.url, "nosuchservice://x", "ntfy")
    assert pp.run_once() == 2
    assert "notify.urls: number 3 is not an Apprise URL" in pp.output()[1]
    told(pp, hook.url, "nosuchservice://x")
    assert pp.run_once() == 2
    assert "number 2 of notify.urls: Apprise does not understand this URL" in pp.output()[1]


# --- where the URLs come from -----------------------------------------------------------------------------------------


def test_the_urls_come_from_a_file_of_ones_own(pp: Rig, hook: Hook) -> None:
    file = pp.place / "urls"
    file.write_text(f"# the team's hook\n\n  {hook.url}  \n{hook.url}\n")
    file.chmod(0o644)
    pp.configure(top=f"notify: {{urls_file: {file}, digest: 1s}}\n")
    pp.drop("bad", WRONG)
    assert pp.run_once() == 2
    assert f"chmod 600 {file}" in pp.output()[1]
    file.chmod(0o600)
    assert pp.run_once() == 1
    assert len(hook.messages) == 1
    assert pp.command("notify") == 0
    assert f"JSON (line 3 of {file}): sent" in pp.output()[0]


def test_the_service_manager_can_hand_them_over(pp: Rig, hook: Hook, monkeypatch: pytest.MonkeyPatch) -> None:
    (pp.place / credentials.NOTIFY_URLS).write_text(hook.url)
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(pp.place))
    pp.drop("bad", WRONG)
    assert pp.run_once() == 1
    assert hook.titles == ["1 post needs a change"]


def test_the_test_message(pp: Rig, hook: Hook) -> None:
    assert pp.command("notify") == 2
    assert "nobody is notified" in pp.output()[1]
    told(pp, hook.url)
    assert pp.command("notify") == 0
    assert hook.titles == ["a test message"]
    hook.answer = broken
    assert pp.command("notify") == 1
    (line,) = pp.output()[1].splitlines()
    assert line.startswith("JSON (number 1 of notify.urls): not sent: ")
    assert "500" in line


def test_doctor_says_who_is_told_of_what(pp: Rig, hook: Hook) -> None:
    told(pp, hook.url)
    pp.command("doctor", "--json")
    (found,) = [f for f in json.loads(pp.output()[0])["findings"] if f["what"] == "notify"]
    assert found["level"] == "ok"
    assert "JSON (number 1 of notify.urls)" in found["message"]
    assert "partially_published" in found["message"]
    assert hook.messages == [], "doctor sends nothing"


# --- Apprise ----------------------------------------------------------------------------------------------------------


def test_without_apprise_the_start_ends_with_the_way_to_install_it(
    pp: Rig, hook: Hook, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "apprise", None)
    assert pp.run_once() == 0, "where nobody is to be told it is not needed"
    told(pp, hook.url)
    assert pp.run_once() == 2
    assert notify.INSTALL in pp.output()[1].splitlines()[-1]
    assert pp.command("doctor", "--json") == 1
    (found,) = [f for f in json.loads(pp.output()[0])["findings"] if f["what"] == "notify"]
    assert (found["level"], found["hint"]) == ("error", notify.INSTALL)


def test_apprise_is_not_loaded_where_nobody_is_told() -> None:
    code = "import sys, postpost_sync.daemon, postpost_sync.notify as n; n.targets([]); assert 'apprise' not in sys.modules"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_target_that_gives_no_answer_is_left_after_a_while_and_not_asked_twice(hook: Hook) -> None:
    trickles(hook)
    (target,) = notify.targets([("here", hook.url)])
    began = time.monotonic()
    assert target.send(MESSAGE, within=0.5) == "no answer within 0 s"
    assert target.send(MESSAGE, within=0.5) == "there is no answer to the message before"
    assert time.monotonic() - began < 5
    assert len(hook.messages) == 1


@pytest.mark.parametrize("raises", [False, True])
def test_whatever_apprise_says_of_a_failure_no_part_of_the_url_is_passed_on(raises: bool) -> None:
    url = f"json://{USER}:{PASSWORD}@host/{TOKEN}%2Fx?key={QUERY}"

    class Leaky(apprise.Apprise):
        def notify(self, *_: object, **__: object) -> Any:
            words = f"could not reach {url}, with {TOKEN} as token: error 42\x1b[2J"
            logging.getLogger("apprise").warning(words)
            if raises:
                raise RuntimeError(words)
            return False

    why = notify.Target("here", url, "JSON", Leaky()).send(MESSAGE)
    assert why is not None
    assert leaks(why) == []
    assert ("RuntimeError" if raises else "error 42") in why
    assert "\x1b" not in why


def test_several_urls_that_are_not_understood_are_said_at_once() -> None:
    with pytest.raises(ProgramError, match="first, third: Apprise does not understand"):
        notify.targets([("first", "nosuch://x"), ("second", "json://127.0.0.1"), ("third", "discord://x")])


def test_what_only_the_service_is_given_is_seen_by_whoever_may_read_it(
    pp: Rig, hook: Hook, monkeypatch: pytest.MonkeyPatch
) -> None:
    (pp.place / credentials.NOTIFY_URLS).write_text(hook.url)
    monkeypatch.setattr(credentials, "CREDSTORE", pp.place)
    given = credentials.as_the_service(credentials.NOTIFY_URLS, {})
    assert given == {"CREDENTIALS_DIRECTORY": str(pp.place)}
    assert credentials.as_the_service(credentials.API_KEY, {}) == {}
    own = {"CREDENTIALS_DIRECTORY": "/run/credentials/x"}
    assert credentials.as_the_service(credentials.NOTIFY_URLS, own) == own
    pp.command("doctor", "--json")
    (found,) = [f for f in json.loads(pp.output()[0])["findings"] if f["what"] == "notify"]
    assert f"line 1 of {pp.place}" in found["message"]
