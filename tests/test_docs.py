"""The README and the example config, held to the code."""

from __future__ import annotations

import json
import re
import textwrap
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from postpost_sync.cli import cli
from postpost_sync.config import keys, load
from postpost_sync.model.post import Policy
from postpost_sync.model.states import State
from postpost_sync.post import sidecar
from postpost_sync.post.keys import SPELLINGS
from postpost_sync.sandbox import Behaviour
from tests.support.media_files import photo
from tests.support.rig import REPOSITORY, rig

README = (REPOSITORY / "README.md").read_text()
EXAMPLE = (REPOSITORY / "config.example.yaml").read_text()


def section(title: str) -> str:
    return README.split(f"\n## {title}", 1)[1].split("\n## ", 1)[0]


def anchor(title: str) -> str:
    """As GitHub makes it of a heading."""
    return re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")


def test_the_contents_name_every_section_in_order_and_every_link_leads_to_one() -> None:
    titles = re.findall(r"^## (.*)$", README, re.MULTILINE)
    named = re.findall(r"^  - \[(.*)\]\(#(.*)\)$", section("Contents"), re.MULTILINE)
    assert named == [(title, anchor(title)) for title in titles[1:]]
    everywhere = {anchor(title) for title in re.findall(r"^##+ (.*)$", README, re.MULTILINE)}
    assert set(re.findall(r"\]\(#([^)]*)\)", README)) <= everywhere


def test_a_newcomer_reaches_a_first_post_before_any_reference() -> None:
    first = README.index("## A first real post")
    assert len(README[:first].splitlines()) < 80
    assert all(README.index(f"## {title}") > first for title in ("The sidecar", "The config", "The commands"))


def test_the_example_is_valid_and_shows_the_defaults(tmp_path: Path, own_home: Path) -> None:
    file = tmp_path / "config.yaml"
    file.write_text(EXAMPLE)
    loaded = load.load(file, {"HOME": str(own_home)})
    (root,) = loaded.roots
    default = load.Config(None, (), load.Api(key_file=Path("/etc/postpost-sync/api-key")), loaded.state_db)
    assert (loaded.api, loaded.rescan, loaded.concurrency, loaded.ignore) == (
        default.api,
        default.rescan,
        default.concurrency,
        default.ignore,
    )
    assert loaded.notify == default.notify
    assert loaded.monitor == default.monitor
    assert root == load.Root(own_home / "Posts", default.api, Policy())
    assert loaded.state_db == load.default_state_db({"HOME": str(own_home)})


@pytest.mark.parametrize(
    "named",
    [keys.KEYS, keys.API_KEYS, keys.WATCH_KEYS, keys.UPLOAD_KEYS, keys.NOTIFY_KEYS, keys.MONITOR_KEYS],
    ids=["top", "api", "watch", "uploads", "notify", "monitor"],
)
def test_the_example_and_the_readme_name_every_key(named: dict[str, keys.Key]) -> None:
    for key in named:
        assert re.search(rf"^[ #-]*{key}:", EXAMPLE, re.MULTILINE), key
        assert re.search(rf"`([a-z]+\.)?{key}[`.]", section("The config")), key


def test_the_readme_names_every_key_of_the_sidecar() -> None:
    for spelling in SPELLINGS:
        assert f"`{spelling}`" in section("The sidecar"), spelling


def test_the_readme_names_every_command_and_option() -> None:
    text = section("The commands")
    assert isinstance(cli, click.Group)
    for name, command in cli.commands.items():
        assert f"`{name}" in text, name
        for parameter in command.params:
            if isinstance(parameter, click.Option):
                assert parameter.opts[-1] in text, f"{name} {parameter.opts[-1]}"


def test_the_readme_names_every_state() -> None:
    for state in State:
        assert f"`{state.value}`" in section("The states"), state


def json_keys(shown: object) -> Iterator[str]:
    """Every key in a JSON value, at any depth."""
    if isinstance(shown, dict):
        yield from shown
    for value in shown.values() if isinstance(shown, dict) else shown if isinstance(shown, list) else ():
        yield from json_keys(value)


def test_the_readme_names_every_key_of_the_json_and_no_other(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found: set[str] = set()
    with rig(tmp_path, capsys, behaviour=Behaviour(tick_seconds=1)) as pp:
        pp.configure(root='    slots: ["daily 09:00"]\n')
        pp.drop("out", "content: x\nplatforms: [linkedin-OLD42]\nscheduled_time: now\n", {"a.heic": photo("HEIF")})
        with pp.daemon():
            pp.wait_for("out", "failed")
            for command in ("status", "check", "queue", "accounts", "doctor", "health"):
                pp.output()
                pp.command(command, "--json")
                found |= set(json_keys(json.loads(pp.output()[0])))
    rows = "\n".join(re.findall(r"^\| .*? \| (.*) \|$", section("For programs"), re.MULTILINE))
    named = set(re.findall(r"`(\w+)`", re.sub(r"\([^)]*\)", "", rows)))
    assert found == named | {"running", "code", "message", "hint"}


def test_every_example_of_a_post_is_right() -> None:
    for text in re.findall(r"```yaml\n(\s+content:.*?)```", README, re.DOTALL):
        parsed, findings = sidecar.parse(text.encode())
        assert parsed is not None, findings


def test_every_example_of_a_config_is_right(tmp_path: Path, own_home: Path) -> None:
    examples = [
        text for text in re.findall(r"```yaml\n(.*?)```", README, re.DOTALL) if re.search(r"^ *watch:", text, re.M)
    ]
    assert len(examples) >= 4
    for number, text in enumerate(examples):
        file = tmp_path / f"{number}.yaml"
        file.write_text(textwrap.dedent(text))
        assert load.load(file, {"HOME": str(own_home)}).roots
