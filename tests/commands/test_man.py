"""`man` and the completion of shells: made of the same help, and taken by who reads them."""

from __future__ import annotations

import os
import pty
import re
import select
import shutil
import subprocess
import sys
import time
from pathlib import Path

import click
import pytest

from postpost_sync.__main__ import main
from postpost_sync.cli import cli
from tests.support.rig import HANG, REPOSITORY


@pytest.fixture
def page(capsys: pytest.CaptureFixture[str]) -> str:
    assert main(["man"]) == 0
    return capsys.readouterr().out


def shown(page: str) -> str:
    """As it is read: without requests and escapes, and with any white space the same."""
    plain = re.sub(r"^\.\w+ ?", "", page, flags=re.MULTILINE).replace("\\-", "-").replace("\\e", "\\")
    return " ".join(re.sub(r"\\f[BRI]|\\&", "", plain).split())


def commands(group: click.Group, before: str = "") -> list[tuple[str, click.Command]]:
    return [
        pair
        for name, command in group.commands.items()
        for pair in (
            commands(command, f"{before}{name} ") if isinstance(command, click.Group) else [(before + name, command)]
        )
    ]


@pytest.mark.parametrize(("name", "command"), commands(cli), ids=[name for name, _ in commands(cli)])
def test_every_command_stands_in_it_with_its_words_and_options(name: str, command: click.Command, page: str) -> None:
    escaped = name.replace("-", "\\-")
    (part,) = re.findall(rf"^\.SS {re.escape(escaped)}(?: .*)?\n(?s:.*?)(?=^\.S[SH])", page, re.MULTILINE)
    text = shown(part)
    assert " ".join((command.help or "").split()) in text
    for parameter in command.params:
        if isinstance(parameter, click.Option):
            assert parameter.opts[-1] in text
            assert parameter.help
            assert parameter.help in text
        else:
            assert parameter.make_metavar(click.Context(command)).strip("[].") in text


def test_the_options_before_the_command_stand_in_it(page: str) -> None:
    for parameter in cli.params:
        assert all(one in shown(page) for one in parameter.opts), parameter.name


@pytest.mark.skipif(shutil.which("groff") is None, reason="there is no groff here")
def test_the_typesetter_finds_nothing_wrong_with_it(page: str) -> None:
    command = [shutil.which("groff") or "", *"-man -Tutf8 -Kutf8 -ww -z".split()]
    done = subprocess.run(command, input=page, capture_output=True, text=True, check=False)
    assert (done.stderr, done.returncode) == ("", 0)


def complete(shell: str, instruction: str, words: str = "", at: int = 0) -> str:
    environ = {**os.environ, "_POSTPOST_SYNC_COMPLETE": f"{shell}_{instruction}"}
    environ |= {"COMP_WORDS": words, "COMP_CWORD": str(at) if shell != "fish" else words.split(" ")[-1]}
    done = subprocess.run(
        [sys.executable, "-m", "postpost_sync"],
        env=environ,
        capture_output=True,
        text=True,
        check=False,
        cwd=REPOSITORY,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_each_shell_completes_commands_and_options(shell: str, tmp_path: Path) -> None:
    assert "_POSTPOST_SYNC_COMPLETE" in complete(shell, "source")
    assert "status" in complete(shell, "complete", "postpost-sync sta", 1)
    assert "--offline" in complete(shell, "complete", "postpost-sync check --off", 2)
    assert "sidecar" in complete(shell, "complete", "postpost-sync schema si", 2)
    assert {"dir", "file"} & set(re.split(r"[\n,]", complete(shell, "complete", "postpost-sync status po", 2)))


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_shell_takes_the_script(shell: str, tmp_path: Path) -> None:
    if shutil.which(shell) is None:
        pytest.skip(f"there is no {shell} here")
    script = tmp_path / "script"
    script.write_text(complete(shell, "source"))
    assert subprocess.run([shell, "-n", str(script)], check=False).returncode == 0


@pytest.fixture
def installed(tmp_path: Path, own_home: Path) -> dict[str, str]:
    """By the README's lines, into a home of its own; the environment of who lives there."""
    program = tmp_path / "bin" / "postpost-sync"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m postpost_sync "$@"\n')
    program.chmod(0o755)
    environ = {**os.environ, "PATH": f"{program.parent}:{os.environ['PATH']}", "PYTHONPATH": str(REPOSITORY)}
    readme = (REPOSITORY / "README.md").read_text()
    for mark in ("completion", "man"):
        (block,) = re.findall(rf"<!-- {mark} -->\n```sh\n(.*?)```", readme, re.DOTALL)
        subprocess.run(["bash", "-euc", block], env=environ, check=True)  # noqa: S607  # whichever bash there is
    return environ


def test_what_the_readme_says_installs_both(installed: dict[str, str], own_home: Path) -> None:
    home = {str(path.relative_to(own_home)) for path in own_home.rglob("*") if path.is_file()}
    assert home == {
        ".local/share/bash-completion/completions/postpost-sync",
        ".config/fish/completions/postpost-sync.fish",
        ".postpost-sync-completion.zsh",
        ".zshrc",
        ".local/share/man/man1/postpost-sync.1",
    }
    assert all((own_home / name).stat().st_size for name in home)


@pytest.mark.parametrize(
    ("shell", "begin"),
    [
        # what bash-completion does with a file in that place
        ("bash", "bash --norc -i; source ~/.local/share/bash-completion/completions/postpost-sync"),
        ("zsh", "zsh -f -i; autoload -Uz compinit; compinit -u; source ~/.zshrc"),
    ],
)
def test_the_tab_key_completes_a_command(shell: str, begin: str, installed: dict[str, str], own_home: Path) -> None:
    if shutil.which(shell) is None:
        pytest.skip(f"there is no {shell} here")
    command, first = begin.split("; ", 1)
    terminal, inside = pty.openpty()
    environ = {**installed, "HOME": str(own_home), "TERM": "dumb", "PS1": "> "}
    child = subprocess.Popen(
        command.split(), env=environ, start_new_session=True, stdin=inside, stdout=inside, stderr=inside
    )
    os.close(inside)
    said = b""
    try:
        os.write(terminal, f"{first}; echo be''gun\n".encode())
        for wanted, typed in ((b"begun", b"postpost-sync calen\t"), (b"postpost-sync calendar", b"\x03exit\n")):
            ends = time.monotonic() + HANG
            while wanted not in said and time.monotonic() < ends:
                if select.select([terminal], [], [], 0.2)[0]:
                    said += os.read(terminal, 65536)
            assert wanted in said, said.decode(errors="replace")
            os.write(terminal, typed)
    finally:
        child.kill()
        child.wait()
        os.close(terminal)


def test_fish_completes_a_command(installed: dict[str, str], own_home: Path) -> None:
    if shutil.which("fish") is None:
        pytest.skip("there is no fish here")
    environ = {**installed, "HOME": str(own_home), "XDG_CONFIG_HOME": str(own_home / ".config")}
    asked = ["fish", "-c", 'complete -C "postpost-sync calen"']
    done = subprocess.run(asked, env=environ, capture_output=True, text=True, check=True)
    assert done.stdout.split("\t")[0].strip() == "calendar"
