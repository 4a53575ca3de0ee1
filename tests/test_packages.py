"""What to type to add a package: what works for this installation, and never a name that anyone may take."""

from __future__ import annotations

import importlib.util
import os
import re
import shlex
import sys
from pathlib import Path

import pytest

import postpost_sync
from postpost_sync import packages
from tests.support.rig import REPOSITORY


@pytest.fixture
def prefix(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The virtual environment that the program seems to run in."""
    place = tmp_path / "a venv"
    place.mkdir()
    monkeypatch.setattr(sys, "prefix", str(place))
    monkeypatch.setattr(sys, "executable", str(place / "bin" / "python"))
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: object())
    return place


def test_in_a_virtual_environment_its_own_pip_does_it(prefix: Path) -> None:
    assert shlex.split(packages.to_install("apprise")) == [
        *(str(prefix / "bin" / "python"), "-m", "pip", "install", "apprise<3,>=1.9")
    ]


def test_with_pipx_it_is_injected(prefix: Path) -> None:
    (prefix / "pipx_metadata.json").touch()
    assert packages.to_install("apprise") == "pipx inject postpost-sync 'apprise<3,>=1.9'"


@pytest.mark.parametrize("receipt", [True, False], ids=["a tool of uv", "an environment without pip"])
def test_uv_installs_into_its_environment(prefix: Path, receipt: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if receipt:
        (prefix / "uv-receipt.toml").touch()
    else:
        monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    python = str(prefix / "bin" / "python")
    assert shlex.split(packages.to_install("pillow", "av", again=True)) == [
        *("uv", "pip", "install", "--reinstall", "--python", python, "pillow>=11.3", "av>=14")
    ]


def test_what_only_root_may_change_is_changed_by_sudo(prefix: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "access", lambda *_: False)
    assert packages.to_install("apprise").startswith("sudo ")


def test_what_the_metadata_does_not_name_is_named_alone(prefix: Path) -> None:
    assert packages.to_install("unheard-of").endswith(" install unheard-of")


def test_no_hint_installs_by_a_name_that_anyone_may_take_at_a_registry() -> None:
    package = Path(postpost_sync.__file__).parent
    texts = [*package.rglob("*.py"), *package.rglob("*.yaml"), *(REPOSITORY / "systemd").rglob("*.*")]
    texts += [REPOSITORY / "README.md", REPOSITORY / "config.example.yaml"]
    by_name = re.compile(r"\b(?:pip|pipx|tool|uvx) (?:install|run)\b[^\n`]*(?<![\w/.~-])postpost-sync(?![\w/])")
    found = [f"{path}: {line}" for path in texts if path.is_file() for line in by_name.findall(path.read_text())]
    assert not found
