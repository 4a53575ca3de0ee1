"""`init`: what a newcomer needs is there after it, closed to others, and nothing that was there is changed."""

from __future__ import annotations

import os
import pty
import select
import subprocess
import sys
import time
from pathlib import Path

import pytest

from postpost_sync.__main__ import main
from postpost_sync.commands import init
from postpost_sync.config import credentials, load
from tests.support.rig import REPOSITORY

KEY = "plainly-fake-key"


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


@pytest.fixture
def config(own_home: Path) -> Path:
    return own_home / "xdg_config_home" / "postpost-sync" / "config.yaml"


def loaded(config: Path) -> load.Config:
    return load.load(config, os.environ)


def test_it_writes_what_a_daemon_needs_closed_to_others(
    config: Path, own_home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = own_home / "My Posts"
    assert main(["init", "--user", "--root", str(root), "--timezone", "Europe/Berlin"]) == 1, "there is no key yet"
    made = loaded(config)
    assert [(one.path, one.policy.timezone) for one in made.roots] == [(root, "Europe/Berlin")]
    assert made.api.key_file == config.with_name("api-key")
    assert (mode(config), mode(config.with_name("api-key")), mode(config.parent), root.is_dir()) == (
        *(0o600, 0o600, 0o700),
        True,
    )
    said = capsys.readouterr().out
    for path in (config, config.with_name("api-key"), f'"{root}"'):
        assert str(path) in said.replace("\n         ", "")
    assert f"put the key into it: nano {config.with_name('api-key')}" in said
    assert f'`postpost-sync new "{root}/first-post" --create` begins a post' in said
    assert "error    key: the API key in" in said, "it ends with what doctor finds"
    assert said.rstrip().splitlines()[-1].endswith("1 error")


def test_a_key_file_that_is_there_is_used_as_it_is(config: Path, own_home: Path, tmp_path: Path) -> None:
    key = tmp_path / "key"
    key.write_text(KEY)
    key.chmod(0o600)
    before = key.stat()
    main(["init", "--user", "--root", str(own_home / "Posts"), "--key-file", str(key)])
    assert (loaded(config).api.key_file, key.read_text(), key.stat().st_mtime_ns) == (key, KEY, before.st_mtime_ns)


def test_nothing_that_exists_is_changed(config: Path, own_home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["init", "--user", "--root", str(own_home / "Posts"), "--timezone", "UTC"])
    before = config.read_bytes(), config.stat().st_mtime_ns
    capsys.readouterr()
    main(["init", "--user", "--root", str(own_home / "Elsewhere"), "--timezone", "Europe/Berlin"])
    assert (config.read_bytes(), config.stat().st_mtime_ns) == before
    assert not (own_home / "Elsewhere").exists()
    assert f"{config} is there already: nothing was changed" in capsys.readouterr().out


def test_a_link_to_nowhere_in_its_place_is_not_written_through(config: Path, own_home: Path, tmp_path: Path) -> None:
    config.parent.mkdir(parents=True)
    config.symlink_to(tmp_path / "elsewhere")
    main(["init", "--user", "--root", str(own_home / "Posts")])
    assert not (tmp_path / "elsewhere").exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--root", "{home}/file"], "is not a folder"),
        (["--root", "{home}/Posts", "--timezone", "Europe/Berlni"], 'did you mean "Europe/Berlin"?'),
        (["--timezone", "UTC"], "--root is missing"),
        (["--root", "{home}/file/Posts"], "/file is not a folder"),
        (["--root", "~nobody-at-all/Posts"], "in the home of nobody"),
        (["--root", "{home}/Posts", "--key-file", "/dev/null"], "/dev/null is not a file that can be kept"),
    ],
)
def test_what_cannot_be_is_said_before_a_config_is_written(
    arguments: list[str], said: str, config: Path, own_home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (own_home / "file").touch()
    assert main(["init", "--user", *(one.format(home=own_home) for one in arguments)]) == 2
    assert said in capsys.readouterr().err.splitlines()[-1]
    assert not config.exists()


@pytest.mark.parametrize("option", ["--key-file", "--root"])
def test_what_cannot_even_be_looked_at_is_said(
    option: str, config: Path, own_home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    place = own_home / ("long" * 100) / "inside"
    words = {"--root": str(own_home / "posts"), "--timezone": "UTC", option: str(place)}
    assert main(["init", "--user", *(word for pair in words.items() for word in pair)]) == 2
    said = capsys.readouterr().err
    assert "cannot be made: File name too long (hint: see whether you may write there: ls -ld " in said
    assert f"ls -ld {own_home}" in said


def test_for_the_system_service_the_key_lies_where_its_unit_looks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    config, store, root = tmp_path / "etc" / "config.yaml", tmp_path / "credstore", tmp_path / "srv" / "posts"
    monkeypatch.setattr(init, "SYSTEM_CONFIG", config)
    monkeypatch.setattr(credentials, "CREDSTORE", store)
    main(["init", "--system", "--root", str(root), "--timezone", "UTC"])
    made = loaded(config)
    assert (made.api.key_file, str(made.state_db)) == (None, "/var/lib/postpost-sync/state.db")
    key = store / "postpost-api-key"
    assert [mode(one) for one in (config, config.parent, key, store, root)] == [0o644, 0o755, 0o600, 0o700, 0o755]
    assert f"setfacl -Rm u:postpost-sync:rwX,d:u:postpost-sync:rwX {root}" in capsys.readouterr().out


def test_in_a_terminal_it_asks_and_does_not_show_the_key(config: Path, own_home: Path) -> None:
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "postpost_sync", "init", "--user"],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        cwd=REPOSITORY,
    )
    os.close(theirs)
    seen = ""

    def answer(question: str, words: str) -> None:
        nonlocal seen
        ends = time.monotonic() + 30
        while question not in seen:
            assert time.monotonic() < ends, seen
            if select.select([ours], [], [], 1)[0]:
                seen += os.read(ours, 4096).decode()
        os.write(ours, words.encode())
        seen = seen.partition(question)[2]

    answer("folder to watch [~/Posts]:", "\n")
    answer("time zone of the times in it", "Europe/Berlni\n")
    answer("did you mean", "")
    answer("time zone of the times in it", "Europe/Berlin\n")
    answer("empty: later)", "no key\n")
    answer("empty: later)", f"{KEY}\n")
    answer("wrote ", "")
    while True:
        try:
            more = os.read(ours, 4096).decode()
        except OSError:  # how Linux says that the other end is closed
            break
        if not more:
            break
        seen += more
    process.wait(30)
    os.close(ours)
    assert KEY not in seen
    made = loaded(config)
    assert (made.roots[0].path, made.roots[0].policy.timezone) == (own_home / "Posts", "Europe/Berlin")
    assert config.with_name("api-key").read_text() == f"{KEY}\n"


@pytest.mark.parametrize(
    ("environ", "found"), [({"TZ": "Europe/Berlin"}, "Europe/Berlin"), ({"TZ": ":Asia/Tokyo"}, "Asia/Tokyo")]
)
def test_the_time_zone_is_this_machines(environ: dict[str, str], found: str) -> None:
    assert init._local_zone(environ) == found


def test_the_example_can_be_had_without_a_checkout_and_is_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    """To bring them to be the same again: cp config.example.yaml postpost_sync/config/example.yaml"""
    assert main(["config", "example"]) == 0
    assert capsys.readouterr().out == (REPOSITORY / "config.example.yaml").read_text()
