"""The real program in places that are not as expected: locales, outputs that take nothing, keys as editors save them."""

from __future__ import annotations

import codecs
import json
import os
import shlex
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType

import pytest

from postpost_sync.config import credentials
from postpost_sync.model import yaml_tree
from postpost_sync.model.errors import ProgramError
from tests.support.drops import picture, sidecar
from tests.support.rig import Rig, rig

ASCII = {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"}


@pytest.fixture
def pp(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Iterator[Rig]:
    with rig(tmp_path, capsys) as one:
        yield one


def run(
    *arguments: str,
    stdout: int = subprocess.PIPE,
    stderr: int = subprocess.PIPE,
    environ: Mapping[str, str] = MappingProxyType({}),
) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "postpost_sync", *arguments]
    env = {**os.environ, **environ}
    return subprocess.run(  # ourselves
        command,
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=stdout,
        stderr=stderr,
        text=True,
        errors="replace",
        timeout=60,
    )


# --- locales ----------------------------------------------------------------------------------------------------------


def test_a_name_with_accents_is_found_in_a_locale_that_has_none(pp: Rig) -> None:
    folder = pp.drop("été", sidecar(more="media: [été.jpg]\n"), {"été.jpg": picture()})
    done = run("-c", str(pp.config), "check", "--offline", "--json", str(folder), environ=ASCII)
    (post,) = json.loads(done.stdout)["posts"]
    assert (post["errors"], Path(post["folder"])) == ([], folder)


def test_a_folder_is_one_post_whatever_the_locale_of_who_looks(pp: Rig) -> None:
    pp.drop("été", sidecar(), {"a.jpg": picture()})
    for environ in (ASCII, {"LC_ALL": "C.UTF-8"}):
        done = run("-c", str(pp.config), "run", "--once", "--wait", "20s", environ=environ)
        assert done.returncode == 0, done.stderr
    assert len(pp.groups()) == 1


def test_a_name_in_the_bytes_of_an_older_system_is_found(pp: Rig) -> None:
    folder = pp.drop("post", sidecar(more="media: [été.jpg]\n"))
    with open(os.fsencode(folder) + b"/\xe9t\xe9.jpg", "wb") as file:
        file.write(picture())
    assert pp.run_once() == 0
    assert len(pp.groups()[0].media) == 1


# --- outputs ----------------------------------------------------------------------------------------------------------

COMMANDS = [
    ("--help",),
    ("--version",),
    ("schema", "config"),
    ("status",),
    ("status", "--json"),
    ("check", "--offline"),
]


@pytest.mark.parametrize("arguments", COMMANDS, ids=" ".join)
def test_an_output_that_is_full_is_said_in_one_line(pp: Rig, arguments: tuple[str, ...]) -> None:
    pp.drop("post")
    assert pp.run_once() == 0
    where = os.open("/dev/full", os.O_WRONLY)
    try:
        done = run("-c", str(pp.config), *arguments, stdout=where)
    finally:
        os.close(where)
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1].startswith(
        "postpost-sync: the output cannot be written: No space left on device"
    )
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("arguments", [("queue",), ("status", "nowhere"), ("no-such-command",)], ids=" ".join)
def test_where_errors_have_nowhere_to_go_the_exit_status_says_it_all(pp: Rig, arguments: tuple[str, ...]) -> None:
    with open("/dev/full", "wb") as full:
        done = run("-c", str(pp.config), *arguments, stderr=full.fileno(), environ={"PYTHONUNBUFFERED": ""})
    assert done.returncode == 2


def test_a_key_log_that_cannot_be_written_is_no_trouble(pp: Rig) -> None:
    pp.drop("post")
    done = run("-c", str(pp.config), "run", "--once", "--wait", "20s", environ={"SSLKEYLOGFILE": "/proc/no/such/place"})
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("arguments", [("run",), ("run", "--once"), ("doctor",)], ids=" ".join)
def test_a_machine_that_gives_no_further_thread_is_said_in_one_line(
    pp: Rig, arguments: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refused)
    assert pp.command(*arguments) == 2
    assert pp.output()[1].splitlines()[-1].startswith("postpost-sync: the machine gives the program no further thread")


@pytest.mark.parametrize("arguments", [("status",), ("calendar",), ("cancel", "--dry-run")], ids=" ".join)
def test_a_machine_that_lets_no_further_file_be_opened_is_said_in_one_line(pp: Rig, arguments: tuple[str, ...]) -> None:
    folder = pp.drop("post")
    assert pp.run_once() == 0
    command = shlex.join([sys.executable, "-m", "postpost_sync", "-c", str(pp.config), *arguments, str(folder)])
    done = subprocess.run(  # ourselves
        ["/bin/sh", "-c", f"ulimit -n 6; exec {command}"], stdin=subprocess.DEVNULL, capture_output=True, text=True
    )
    assert done.returncode == 2
    (said,) = done.stderr.splitlines()
    assert said.startswith("postpost-sync: the program may not open any further file: Too many open files (hint: ")


def test_memory_that_is_used_up_is_said_in_one_line(pp: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    def used_up(*_: object) -> None:
        raise MemoryError

    pp.drop("post")
    monkeypatch.setattr(yaml_tree, "read", used_up)
    assert pp.command("check", "--offline") == 2
    assert pp.output()[1].splitlines()[-1].startswith("postpost-sync: there is no memory left (hint: ")


# --- keys -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "saved",
    [
        b"plain-key",
        b"plain-key\r\n",
        codecs.BOM_UTF8 + b"plain-key\r\n",
        codecs.BOM_UTF16_LE + "plain-key\r\n".encode("utf-16-le"),
        codecs.BOM_UTF16_BE + "plain-key".encode("utf-16-be"),
        "\u200bplain-key\ufeff".encode(),
    ],
)
def test_a_key_is_read_however_an_editor_saved_it(tmp_path: Path, saved: bytes) -> None:
    file = tmp_path / "api-key"
    file.write_bytes(saved)
    file.chmod(0o600)
    assert credentials.one_line(credentials.read(file, "key", "", private=True), "it") == "plain-key"


@pytest.mark.parametrize(
    "saved", [b"\xff\xff", codecs.BOM_UTF16_LE + b"x", b"", codecs.BOM_UTF8, b"two words", b"\0key"]
)
def test_what_is_no_key_is_refused_without_its_words(tmp_path: Path, saved: bytes) -> None:
    file = tmp_path / "api-key"
    file.write_bytes(saved)
    file.chmod(0o600)
    with pytest.raises(ProgramError) as raised:
        credentials.one_line(credentials.read(file, "key", "", private=True), "it")
    assert "words" not in str(raised.value)
