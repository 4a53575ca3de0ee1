"""The newer service, which PostPost may become any day: what it takes, refuses and says."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from postpost_sync.sandbox import TWIN
from tests.support.drops import sidecar
from tests.support.rig import Rig, rig


@pytest.fixture
def pp(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Iterator[Rig]:
    with rig(tmp_path, capsys, behaviour=TWIN) as one:
        yield one


def test_settings_go_out_as_they_were_written(pp: Rig) -> None:
    settings = {"linkedin": {"repostEnabled": True, "repostVisibility": "PUBLIC"}}
    more = "platform_settings: {linkedin: {repostEnabled: true, repostVisibility: PUBLIC}}\n"
    pp.drop("post", sidecar(platforms="[linkedin-ABC]", more=more))
    assert pp.run_once() == 0
    (group,) = pp.groups()
    assert group.platform_settings == settings
    assert pp.run_once() == 0
    assert list(pp.groups()) == [group]


def test_a_setting_that_it_does_not_know_is_named(pp: Rig) -> None:
    pp.drop("post", sidecar(platforms="[linkedin-ABC]", more="platform_settings: {linkedin: {colour: red}}\n"))
    assert pp.run_once() == 1
    error = pp.post("post")["error"]
    assert (error["code"], "platformSettings.linkedin.colour" in error["message"]) == ("PLATFORM_SETTING_UNKNOWN", True)
