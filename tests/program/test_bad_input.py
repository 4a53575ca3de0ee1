"""Bad input of every kind, a row each, given to the real program: one clear message, nothing lost, the others go on."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from postpost_sync.sandbox import Behaviour, Fault
from tests.support.drops import picture
from tests.support.rig import FAR, REPOSITORY, rig

GOOD = f"content: x\nplatforms: [facebook-1001]\nscheduled_time: {FAR}\n"


def lines(content: str = "x", platforms: str = "[facebook-1001]", time: str = FAR, more: str = "") -> str:
    return f"content: {content}\nplatforms: {platforms}\nscheduled_time: {time}\n{more}"


def _link(folder: Path) -> None:
    (folder / "a.jpg").symlink_to("/etc/hostname")


def _fifo(folder: Path) -> None:
    os.mkfifo(folder / "a.jpg")


def _folder(folder: Path) -> None:
    (folder / "a.jpg").mkdir()


def _empty(folder: Path) -> None:
    (folder / "a.jpg").touch()


def _text(folder: Path) -> None:
    (folder / "a.jpg").write_text("this is no picture\n" * 50)


def _nothing(folder: Path) -> None:
    pass


def _two(folder: Path) -> None:
    (folder / "post.yml").write_text(GOOD)


GAP = lines(time="2031-03-30 02:30", more="timezone: Europe/Berlin\n")

# name: (sidecar, what else is in the folder, code, what the message says)
SIDECARS: dict[str, tuple[str | bytes, Callable[[Path], None], str, str]] = {
    "empty": (b"", _nothing, "SIDECAR_EMPTY", "post.yaml is empty"),
    "only a comment": ("# later\n", _nothing, "SIDECAR_BLANK", "empty"),
    "binary": (bytes(range(256)), _nothing, "YAML_NOT_UTF8", "line 2"),
    "zeros": (b"\0" * 100, _nothing, "YAML_CONTROL_CHARACTER", "U+0000"),
    "not a map": ("- content\n- platforms\n", _nothing, "SIDECAR_NOT_A_MAP", "a list"),
    "just text": ("hello world\n", _nothing, "SIDECAR_NOT_A_MAP", "text"),
    "latin-1": ("content: café\n".encode("latin-1"), _nothing, "YAML_NOT_UTF8", "line 1"),
    "too large": (b"content: " + b"x" * (1024 * 1024), _nothing, "YAML_TOO_LARGE", "1,048,576"),
    "too deep": (lines(more="platform_settings: " + "[" * 50 + "]" * 50), _nothing, "YAML_TOO_DEEP", "line 4"),
    "a bomb": ("a: &a [x]\nb: &b [*a, *a]\n", _nothing, "YAML_ALIAS", "line 1"),
    "an alias": ("content: *x\n", _nothing, "YAML_ALIAS", "line 1"),
    "a tag": ("content: !!python/object:os.system x\n", _nothing, "YAML_TAG", "line 1"),
    "no YAML": ("content: [unclosed\n", _nothing, "YAML_SYNTAX", "line"),
    "a key twice": (lines() + "content: y\n", _nothing, "DUPLICATE_KEY", '"content" stands twice (lines 1 and 4)'),
    "one key in two spellings": (lines(more=f"scheduledTime: {FAR}\n"), _nothing, "DUPLICATE_KEY", "lines 3 and 4"),
    "a misspelt key": (f"content: x\nplatfroms: [facebook-1001]\nscheduled_time: {FAR}\n", _nothing, "UNKNOWN_KEY", "line 2"),
    "an unknown key": (lines(more="colour: red\n"), _nothing, "UNKNOWN_KEY", '"colour"'),
    "content is a list": (lines(content="[a, b]"), _nothing, "WRONG_TYPE", "line 1: content: is a list"),
    "content has no value": (lines(content=""), _nothing, "NO_VALUE", "line 1: content"),
    "content is blank": (lines(content='"  "'), _nothing, "CONTENT_BLANK", "blank"),
    "no content": (f"platforms: [facebook-1001]\nscheduled_time: {FAR}\n", _nothing, "CONTENT_MISSING", "content_file"),
    "content twice": (lines(more="content_file: c.txt\n"), _nothing, "CONTENT_TWICE", "both"),
    "platforms is a map": (lines(platforms="{a: b}"), _nothing, "WRONG_TYPE", "line 2: platforms: is a map"),
    "no platforms": (f"content: x\nscheduled_time: {FAR}\n", _nothing, "NO_PLATFORMS", "no platform"),
    "platforms is empty": (lines(platforms="[]"), _nothing, "NO_PLATFORMS", "no platform"),
    "an unknown account": (lines(platforms="[Brand]"), _nothing, "UNKNOWN_ACCOUNT", '"Brand"'),
    "a misspelt platform": (lines(platforms="[facebok-1001]"), _nothing, "UNKNOWN_PLATFORM", "facebok"),
    "a bad time": (lines(time="next tuesday"), _nothing, "BAD_TIME", "line 3: scheduled_time"),
    "a past time": (lines(time="2020-01-01 10:00"), _nothing, "TIME_PAST", "2020"),
    "a date alone": (lines(time="2031-03-04"), _nothing, "TIME_DATE_ONLY", "without a time"),
    "a time in the gap": (GAP, _nothing, "TIME_DOES_NOT_EXIST", "02:30"),
    "a bad zone": (lines(more="timezone: Europe/Berlim\n"), _nothing, "BAD_TIMEZONE", "line 4: timezone"),
    "the time is a list": (lines(time="[1, 2]"), _nothing, "WRONG_TYPE", "line 3"),
    "media is a path": (lines(more="media: ../a.jpg\n"), _nothing, "NOT_A_PLAIN_NAME", '"../a.jpg"'),
    "media is an absolute path": (lines(more="media: [/etc/passwd]\n"), _nothing, "NOT_A_PLAIN_NAME", "/etc/passwd"),
    "media is a map": (lines(more="media: {a: b}\n"), _nothing, "WRONG_TYPE", "line 4: media: is a map"),
    "media named twice": (lines(more="media: [a.jpg, a.jpg]\n"), _nothing, "STANDS_TWICE", "a.jpg"),
    "media is missing": (lines(more="media: a.jpg\n"), _nothing, "MEDIA_MISSING", "a.jpg"),
    "media is empty": (lines(more="media: a.jpg\n"), _empty, "MEDIA_EMPTY", "a.jpg"),
    "media is a link": (lines(more="media: a.jpg\n"), _link, "MEDIA_NOT_A_FILE", "a.jpg is a link"),
    "media is a link, not named": (lines(), _link, "MEDIA_NOT_A_FILE", "a.jpg is a link"),
    "media is a pipe": (lines(more="media: a.jpg\n"), _fifo, "MEDIA_NOT_A_FILE", "a.jpg is a device, pipe or socket"),
    "media is a folder": (lines(more="media: a.jpg\n"), _folder, "MEDIA_NOT_A_FILE", "a.jpg is a folder"),
    "media is no media": (lines(more="media: a.jpg\n"), _text, "NOT_MEDIA", "a.jpg"),
    "media is no media, not named": (lines(), _text, "NOT_MEDIA", "a.jpg"),
    "media that the platform needs is not there": (lines(platforms="[instagram-456]"), _nothing, "MEDIA_REQUIRED", "instagram"),
    "settings are a list": (lines(more="platform_settings: [a]\n"), _nothing, "WRONG_TYPE", "line 4: platform_settings"),
    "settings of a platform are text": (lines(more="platform_settings: {tiktok: x}\n"), _nothing, "WRONG_TYPE", "tiktok is text"),
    "a lone surrogate": (lines(content=r'"\ud83c"'), _nothing, "TEXT_LONE_SURROGATE", "d83c"),
    "an escape character": (lines(content=r'"\x1b[31m"'), _nothing, "YAML_CONTROL_CHARACTER", "U+001B"),
    "two sidecars": (GOOD, _two, "TWO_SIDECARS", "post.yml"),
    "a content file that is not there": (
        f"content_file: c.txt\nplatforms: [facebook-1001]\nscheduled_time: {FAR}\n", _nothing, "MEDIA_MISSING", "c.txt",
    ),
}  # fmt: skip


together = pytest.mark.xdist_group("bad folders")  # served once


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, dict[str, Any]]]:
    """All bad folders and a good one, served together once; what `status` says of each."""
    import json
    import subprocess
    import sys

    with rig(tmp_path_factory.mktemp("bad")) as pp:
        for name, (text, extra, _, _) in SIDECARS.items():
            folder = pp.root / name
            folder.mkdir()
            extra(folder)
            (folder / "post.yaml").write_bytes(text if isinstance(text, bytes) else text.encode())
        pp.drop("good", media={"a.jpg": picture()})
        base = [sys.executable, "-m", "postpost_sync", "-c", str(pp.config)]
        run = subprocess.run(
            [*base, "run", "--once", "--wait", "60s"], cwd=REPOSITORY, capture_output=True, text=True, timeout=180
        )
        status = subprocess.run([*base, "status", "--json"], cwd=REPOSITORY, capture_output=True, text=True, timeout=60)
        check = subprocess.run([*base, "check", "--json"], cwd=REPOSITORY, capture_output=True, text=True, timeout=60)
        posts = {Path(p["folder"]).name: p for p in json.loads(status.stdout)["posts"]}
        checked = {Path(p["folder"]).name: p for p in json.loads(check.stdout)["posts"]}
        yield {
            "posts": posts,
            "check": checked,
            "run": {"code": run.returncode, "said": run.stderr, "check": check.returncode},
            "groups": {g.content: g.status for g in pp.groups()},
        }


@together
@pytest.mark.parametrize("name", SIDECARS)
def test_each_bad_folder_gets_one_clear_message(served: dict[str, dict[str, Any]], name: str) -> None:
    _, _, code, said = SIDECARS[name]
    post = served["posts"][name]
    assert post["state"] in ("invalid", "settling")
    assert post["error"]["code"] == code
    assert said in post["error"]["message"]
    assert post["error"]["hint"]
    assert post["post_group_id"] is None
    assert name in served["run"]["said"]


@together
@pytest.mark.parametrize("name", SIDECARS)
def test_check_says_the_same(served: dict[str, dict[str, Any]], name: str) -> None:
    errors = served["check"][name]["errors"]
    assert served["posts"][name]["error"] in errors


@together
def test_the_others_go_on_and_nothing_shows_a_traceback(served: dict[str, dict[str, Any]]) -> None:
    assert served["posts"]["good"]["state"] == "scheduled"
    assert served["groups"] == {"good": "scheduled"}
    assert (served["run"]["code"], served["run"]["check"]) == (1, 1)
    assert "Traceback" not in served["run"]["said"]
    assert "defect" not in served["run"]["said"]


# --- the config -------------------------------------------------------------------------------------------------------

CONFIGS: dict[str, tuple[str | bytes, str]] = {
    "not YAML": ("watch: [unclosed", "line"),
    "not text": (b"\xff\xfe\x00", "UTF-8"),
    "empty": ("", "watch: names no folder"),
    "a list": ("- a\n- b\n", "a map of keys belongs here"),
    "an unknown key": ("wacth:\n  - path: /p\n", 'line 1: "wacth" is not a key (hint: did you mean "watch"?)'),
    "an unknown key of a watch": ("watch:\n  - path: /p\n    setle: 5s\n", 'line 3: watch."setle" is not a key'),
    "an unknown key of api": ("api: {kee: x}\nwatch: [{path: /p}]\n", 'api."kee" is not a key'),
    "a bad duration": ("watch: [{path: /p}]\nsettle: soon\n", 'line 2: settle: "soon" is not a duration'),
    "a bad zone": ("watch: [{path: /p}]\ntimezone: Berlin\n", "timezone"),
    "a bad number": ("watch: [{path: /p}]\nuploads: {concurrency: many}\n", "uploads.concurrency"),
    "a bad choice": ("watch: [{path: /p}]\non_remove: burn\n", "keep, cancel"),
    "no roots": ("timezone: UTC\n", "watch: names no folder"),
    "a root without a path": ("watch: [{settle: 1s}]\n", "no path"),
    "a relative root": ("watch: [{path: posts}]\n", "absolute"),
    "overlapping roots": ("watch: [{path: /p}, {path: /p/q}]\n", "overlap"),
    "an insecure address": ("api: {base_url: 'http://example.com'}\nwatch: [{path: /p}]\n", "use https"),
    "a bad limit": ("watch: [{path: /p}]\nlimits: {twiter: {text: 1}}\n", 'did you mean "twitter"?'),
    "no key": ("watch: [{path: /p}]\n", "no API key"),
    "a key file that is not there": ("api: {key_file: /nowhere/key}\nwatch: [{path: /p}]\n", "/nowhere/key"),
}


@pytest.mark.parametrize("name", CONFIGS)
def test_a_bad_config_ends_the_program_with_one_clear_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    text, said = CONFIGS[name]
    with rig(tmp_path, capsys) as pp:
        config = text if isinstance(text, bytes) else text.replace("/p", str(pp.root)).encode()
        pp.config.write_bytes(config + f"\nstate_db: {pp.state_db}\n".encode() if name == "no key" else config)
        assert pp.run_once() == 2
        _, stderr = pp.output()
        last = stderr.splitlines()[-1]
        assert last.startswith("postpost-sync: ")
        assert said in last
        assert "Traceback" not in stderr
        assert not pp.state_db.exists()


def test_all_that_is_wrong_with_a_config_is_said_at_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with rig(tmp_path, capsys) as pp:
        pp.config.write_text("settle: soon\nrescan: later\nwacth: []\n")
        assert pp.run_once() == 2
        assert len([line for line in pp.output()[1].splitlines() if line.startswith("postpost-sync: ")]) == 3


def test_a_config_that_is_missing_or_unreadable(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with rig(tmp_path, capsys) as pp:
        pp.config.unlink()
        assert pp.run_once() == 2
        assert "config.yaml cannot be read: No such file or directory" in pp.output()[1]
        pp.config.mkdir()
        assert pp.run_once() == 2
        assert "cannot be read: Is a directory" in pp.output()[1]


def test_without_any_config_it_says_where_one_belongs(capsys: pytest.CaptureFixture[str]) -> None:
    from postpost_sync.__main__ import main

    assert main(["status"]) == 2
    said = capsys.readouterr().err.splitlines()[-1]
    assert said.startswith("postpost-sync: there is no config")
    assert "demo" in said


def test_in_a_folder_that_was_removed_it_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with rig(tmp_path, capsys) as pp:
        pp.run_once()
        gone = tmp_path / "gone"
        gone.mkdir()
        monkeypatch.chdir(gone)
        gone.rmdir()
        pp.output()
        for command in (
            "status .",
            "check post",
            "retry post",
            "adopt .",
            "queue .",
            "new post --create",
            "backup x.db",
        ):
            assert pp.command(*command.split()) == 2, command
            assert pp.output()[1].splitlines()[-1] == (
                "postpost-sync: the folder that you are in is not there any more (hint: cd to one that is)"
            )


def test_a_missing_root_ends_one_pass(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with rig(tmp_path, capsys) as pp:
        pp.root.rmdir()
        assert pp.run_once() == 2
        assert f"the watch root {pp.root} is not there" in pp.output()[1]


@pytest.mark.parametrize(
    "arguments",
    [
        ["fly"],
        ["run", "--twice"],
        ["retry"],
        ["run", "--wait", "soon"],
        ["run", "--wait", "5s"],
        ["sandbox", "--port", "x"],
        ["schema"],
        ["status", "--json", "--watch"],
    ],
)
def test_bad_usage_is_status_2_with_the_way_out(capsys: pytest.CaptureFixture[str], arguments: list[str]) -> None:
    from postpost_sync.__main__ import main

    assert main(arguments) == 2
    last = capsys.readouterr().err.splitlines()[-1]
    assert last.startswith("postpost-sync: ")
    assert "--help" in last
    assert not last[len("postpost-sync: ")].isupper()
    assert "\\t" not in last


@pytest.mark.parametrize(
    ("arguments", "last"),
    [
        (["staus"], "no such command 'staus' (hint: did you mean 'status'? postpost-sync --help)"),
        (["run", "--onec"], "no such option '--onec' (hint: did you mean '--once'? postpost-sync run --help)"),
    ],
)
def test_what_is_misspelt_is_answered_with_what_was_meant(
    capsys: pytest.CaptureFixture[str], arguments: list[str], last: str
) -> None:
    from postpost_sync.__main__ import main

    assert main(arguments) == 2
    assert capsys.readouterr().err.splitlines()[-1] == f"postpost-sync: {last}"


@pytest.mark.parametrize(
    "arguments", [["status", ""], ["cancel", "", "--yes"], ["new", ""], ["backup", ""], ["-c", "", "status"]]
)
def test_a_path_that_is_empty_is_not_where_one_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], arguments: list[str]
) -> None:
    """As of a variable that is not set."""
    from postpost_sync.__main__ import main

    monkeypatch.chdir(tmp_path)
    assert main(arguments) == 2
    assert "the path is empty" in capsys.readouterr().err.splitlines()[-1]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("command", ["config example", "--help", "schema config", "man"])
def test_a_reader_who_has_read_enough_is_no_error(command: str) -> None:
    ours, theirs = os.pipe()
    os.close(ours)
    try:
        ended = subprocess.run(
            [sys.executable, "-m", "postpost_sync", *command.split()],
            stdout=theirs,
            stderr=subprocess.PIPE,
            check=False,
        )
    finally:
        os.close(theirs)
    assert (ended.returncode, ended.stderr) == (0, b"")


@pytest.mark.parametrize("arguments", [[], ["config"]], ids=["bare", "a group"])
def test_without_a_command_the_help_is_printed_once(capsys: pytest.CaptureFixture[str], arguments: list[str]) -> None:
    from postpost_sync.__main__ import main

    assert main(arguments) == 2
    out, err = capsys.readouterr()
    assert out.count("Usage: ") == out.count("--help") == 1
    assert err == "postpost-sync: no command was named (hint: choose one of those above)\n"


# --- the service ------------------------------------------------------------------------------------------------------

ANSWERS = {
    "HTML": Fault("*", "status", times=None, status=502, body="<html><h1>Bad Gateway</h1></html>"),
    "garbage": Fault("*", "garbage", times=None),
    "nothing": Fault("*", "empty", times=None),
    "no success": Fault("*", "unsuccessful", times=None),
    "a redirect": Fault("*", "redirect", times=None),
    "a broken connection": Fault("*", "reset_before", times=None),
}


@pytest.mark.parametrize("name", ANSWERS)
def test_an_api_that_answers_nonsense_is_said_and_tried_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    with rig(tmp_path, capsys) as pp:
        pp.sandbox.faults.add(ANSWERS[name])
        pp.drop("post")
        assert pp.run_once("5s") == 1
        post = pp.post("post")
        assert post["state"] == "drafting"
        assert post["error"]["code"] in ("SERVICE_TROUBLE", "CREATE_UNKNOWN")
        assert post["retry_at"]
        pp.sandbox.faults.clear()
        assert pp.run_once("40s") == 0
        assert [g.status for g in pp.groups()] == ["scheduled"]


def test_an_api_that_is_not_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with rig(tmp_path, capsys) as pp:
        pp.api_url = "http://127.0.0.1:9/api/v1"
        pp.configure()
        pp.drop("post")
        assert pp.run_once("5s") == 1
        assert pp.post("post")["error"]["code"] == "SERVICE_UNREACHABLE"


def test_a_key_that_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with rig(tmp_path, capsys, behaviour=Behaviour(keys={})) as pp:
        pp.drop("post")
        assert pp.run_once("20s") == 1
        error = pp.post("post")["error"]
        assert error["code"] == "KEY_REFUSED"
        assert "Invalid API key" in error["message"]
        assert "plainly-fake-key" not in pp.output()[1]
