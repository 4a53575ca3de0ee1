"""The log: one line an event whatever is in it, as text and as JSON, for a file, for a terminal and for the journal."""

from __future__ import annotations

import json
import logging
import os
import re
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from postpost_sync import log
from postpost_sync.daemon.workers import Workers
from postpost_sync.log import Format, Level, Log
from postpost_sync.model.urls import scrubbed
from tests.support.rig import HANG, REPOSITORY, Rig

HOSTILE = 'a b\n<0>forged event="x" \\ \x1b[31m\u202egpj\ud800\x85 {"level": "error"}'
SIGNED = "https://store.example/a.jpg?X-Amz-Signature=0123456789abcdef&X-Amz-Expires=3600"


@pytest.fixture(autouse=True)
def as_it_was() -> Iterator[None]:
    loggers = [logging.getLogger(name) for name in ("postpost_sync", "apscheduler")]
    before = [(one.handlers[:], one.level, one.propagate) for one in loggers]
    yield
    for one, (handlers, level, propagate) in zip(loggers, before, strict=True):
        one.handlers[:], one.level, one.propagate = handlers, level, propagate


def journal(fd: int = 2) -> dict[str, str]:
    """The environment of a process whose `fd` is the journal's. To be asked for in a test: pytest puts files in its place."""
    there = os.fstat(fd)
    return {"JOURNAL_STREAM": f"{there.st_dev}:{there.st_ino}"}


@pytest.mark.parametrize("form", list(Format))
@pytest.mark.parametrize("environ", [dict[str, str], journal], ids=["to a file", "to the journal"])
def test_an_event_is_one_line_whatever_it_holds(
    form: Format, environ: Callable[[], dict[str, str]], capsys: pytest.CaptureFixture[str]
) -> None:
    log.set_up(environ(), form)
    Log().warning("not sent", folder=HOSTILE, file=Path("/srv/x"), why=SIGNED, size=3, absent=None)
    (line,) = capsys.readouterr().err.splitlines()
    assert line.isprintable()
    assert "Signature" not in line
    assert "absent" not in line


@pytest.mark.parametrize(
    ("environ", "start"),
    [
        pytest.param({}, r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3} warning ", id="to a file"),
        pytest.param(None, "<4>", id="to the journal"),
        pytest.param({"JOURNAL_STREAM": "1:1"}, r"\d{4}-", id="to a file, from something that the journal listens to"),
        pytest.param({"JOURNAL_STREAM": "no:number"}, r"\d{4}-", id="where the variable holds nonsense"),
    ],
)
def test_as_text(environ: dict[str, str] | None, start: str, capsys: pytest.CaptureFixture[str]) -> None:
    log.set_up(journal() if environ is None else environ)
    Log().warning("not sent", folder="/srv/posts/my launch", size=3, why='he said "no"')
    line = capsys.readouterr().err
    assert re.match(start, line)
    assert line.endswith(r'not sent folder="/srv/posts/my launch" size=3 why="he said \"no\""' + "\n")


@pytest.mark.parametrize("environ", [dict[str, str], journal], ids=["to a file", "to the journal"])
def test_as_json(environ: Callable[[], dict[str, str]], capsys: pytest.CaptureFixture[str]) -> None:
    log.set_up(environ(), Format.JSON)
    Log().error("not sent", folder="/srv/posts/köln", size=3, up=True, why=HOSTILE)
    prefix, line = re.fullmatch(r"(<3>)?(.*)\n", capsys.readouterr().err).groups()  # type: ignore[union-attr]  # it fits
    assert line.isascii()  # whatever the locale is: an escape of its own would break it
    said = json.loads(line)
    when = said.pop("time", None)
    assert list(said) == ["level", "event", "folder", "size", "up", "why"]
    assert (said["level"], said["event"], said["folder"]) == ("error", "not sent", "/srv/posts/köln")
    assert (said["size"], said["up"]) == (3, True)
    if environ is journal:
        assert (prefix, when) == ("<3>", None)
    else:
        assert prefix is None
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", when)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (f"could not load {SIGNED}, sorry", "could not load https://store.example/a.jpg?… sorry"),
        (f"'{SIGNED}'", "'https://store.example/a.jpg?…'"),
        ("PUT /a.jpg?X-Amz-Signature=0123", "PUT /a.jpg?…"),
        ("https://store.example/a?opaque", "https://store.example/a?…"),
        ('did you mean "settle"?)', 'did you mean "settle"?)'),
        ("what now? a=b", "what now? a=b"),
    ],
)
def test_the_query_of_a_url_is_cut_off_and_nothing_else(text: str, shown: str) -> None:
    assert scrubbed(text) == shown


@pytest.mark.parametrize(
    ("level", "said"),
    [
        (Level.DEBUG, ["<7>step", "<6>scheduled", "<4>not sent", "<3>defect"]),
        (Level.INFO, ["<6>scheduled", "<4>not sent", "<3>defect"]),
        (Level.WARNING, ["<4>not sent", "<3>defect"]),
        (Level.ERROR, ["<3>defect"]),
    ],
)
def test_a_level_says_how_urgent_it_is(level: Level, said: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    log.set_up(journal(), level=level)
    Log().debug("step")
    Log().info("scheduled")
    Log().warning("not sent")
    Log().error("defect")
    assert capsys.readouterr().err.splitlines() == said


def test_what_a_library_says_is_one_line_too(capsys: pytest.CaptureFixture[str]) -> None:
    log.set_up({}, Format.JSON)
    timers = logging.getLogger("apscheduler.scheduler")
    timers.warning("missed\nby %s", SIGNED)
    try:
        raise RuntimeError(HOSTILE)
    except RuntimeError:
        timers.exception("job raised")
    missed, raised = map(json.loads, capsys.readouterr().err.splitlines())
    assert (missed["level"], missed["what"]) == ("warning", r"missed\nby https://store.example/a.jpg?…")
    assert (raised["level"], raised["event"], raised["said"]) == ("error", "defect", "job raised")
    assert raised["where"].startswith("test_log.py:")


def test_lines_can_go_through_what_draws_on_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    log.set_up(journal())
    drawn: list[str] = []
    with log.written_by(drawn.append):
        Log().info("above the picture")
    Log().info("after it")
    assert drawn == ["<6>above the picture"]
    assert capsys.readouterr().err == "<6>after it\n"


def test_a_stderr_that_went_away_ends_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    log.set_up({})
    gone = (tmp_path / "gone").open("w")
    gone.close()
    monkeypatch.setattr(sys, "stderr", gone)
    with pytest.raises(ValueError, match="closed file"):
        gone.write("")
    Log().info("nobody hears this")
    monkeypatch.setattr(sys, "stderr", None)
    Log().info("nor this")
    log.last_words("nor why it ends")


# --- of the real program ----------------------------------------------------------------------------------------------


def events(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines() if line.startswith("{")]


@pytest.mark.parametrize(
    "arguments",
    [("--log-format", "json", "run", "--once"), ("run", "--once", "--log-format", "json")],
    ids=["before the command", "after it"],
)
def test_the_format_can_be_named_before_and_after_the_command(pp: Rig, arguments: tuple[str, ...]) -> None:
    pp.drop("launch")
    pp.drop("oops", "content: x\nplatfroms: []\n")
    assert pp.command(*arguments) == 1
    said = events(pp.output()[1])
    folders = {(one["event"], one["level"]) for one in said if one["folder"] == str(pp.root / "launch")}
    assert ("scheduled", "info") in folders
    (wrong,) = [one for one in said if one["event"] == "invalid"]
    assert (wrong["level"], wrong["code"], wrong["folder"]) == ("error", "UNKNOWN_KEY", str(pp.root / "oops"))


def test_debug_shows_each_step_and_each_answer_and_no_query(pp: Rig) -> None:
    pp.drop("launch")
    assert pp.command("run", "--once", "--log-level", "debug") == 0
    said = pp.output()[1]
    assert f"debug   step folder={pp.root}/launch step=Create" in said
    assert f"answer method=POST url={pp.api_url}/create-post status=200" in said
    assert "list-posts?…" in said


def test_a_warning_about_the_config_is_an_event_of_the_log(pp: Rig) -> None:
    pp.config.chmod(0o644)
    assert pp.command("--log-format", "json", "run", "--once") == 0
    (warning,) = [one for one in events(pp.output()[1]) if one["event"] == "config"]
    assert (warning["level"], warning["hint"]) == ("warning", f"chmod 600 {pp.config}, or use key_file")


def test_why_it_does_not_start_is_an_error_in_the_journal(tmp_path: Path) -> None:
    said = tmp_path / "said"
    with said.open("w") as stderr:
        environ = {**os.environ, **journal(stderr.fileno())}
        command = [sys.executable, "-m", "postpost_sync", "-c", str(tmp_path / "none.yaml"), "run"]
        assert subprocess.run(command, stderr=stderr, cwd=REPOSITORY, env=environ, timeout=30).returncode == 2
    assert said.read_text().startswith("<3>postpost-sync: ")


def test_a_defect_in_one_folder_is_said_with_its_folder_and_the_others_go_on(
    pp: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    from postpost_sync.disk import reader

    real = reader.read

    def broken(folder: Any, *rest: Any) -> Any:
        if folder.path == "broken":
            raise RuntimeError("a defect\nof ours")
        return real(folder, *rest)

    monkeypatch.setattr(reader, "read", broken)
    pp.drop("broken")
    pp.drop("launch")
    assert pp.command("--log-format", "json", "run", "--once", "--wait", "60s") == 1
    (defect,) = [one for one in events(pp.output()[1]) if one["event"] == "defect"]
    assert (defect["folder"], defect["level"]) == (str(pp.root / "broken"), "error")
    assert defect["what"] == r"RuntimeError: a defect\nof ours"
    assert defect["where"].startswith("test_log.py:")
    assert [group.content for group in pp.groups(status="scheduled")] == ["launch"]


def test_a_worker_survives_a_defect_whatever_is_made_of_it() -> None:
    met, ended = [], threading.Event()

    def advance(key: int) -> None:
        if key == 1:
            raise RuntimeError
        ended.set()

    workers = Workers(
        advance,
        float,
        lambda key: "",
        threads=1,
        defect=lambda key, error: met.append(key),
        fatal=lambda error: pytest.fail(str(error)),
    )
    workers.ready(1)
    workers.ready(2)
    assert ended.wait(HANG)
    workers.stop(5)
    assert met == [1]
