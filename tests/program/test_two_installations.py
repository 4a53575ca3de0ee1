"""Two installations on one tree and one machine, each with a database of its own: one of them serves it."""

from __future__ import annotations

import copy
from pathlib import Path

import pytest

from tests.support.rig import Rig, until


def another(pp: Rig, root: Path | None = None) -> Rig:
    """A second installation, on the same tree or a part of it."""
    second = copy.copy(pp)
    second.place = pp.place / "second"
    second.place.mkdir()
    second.config, second.state_db = second.place / "config.yaml", second.place / "state" / "state.db"
    second.root = root or pp.root
    second.configure()
    return second


def shown(pp: Rig) -> tuple[str, str | None]:
    report = pp.try_status()
    if report is None or not report["roots"]:
        return "", None
    (root,) = report["roots"]
    return root["state"], (root["error"] or {"code": None})["code"]


def test_the_second_says_so_and_posts_nothing_until_the_first_is_gone(pp: Rig) -> None:
    second = another(pp)
    with pp.daemon():
        pp.drop("one")
        pp.wait_for("one", "scheduled")
        with second.daemon():
            until(lambda: shown(second) == ("away", "ROOT_SERVED"))
            for name in ("two", "three"):
                pp.drop(name)
                pp.wait_for(name, "scheduled")
            assert second.run_once() == 2  # it is served by its own daemon
            assert second.status()["posts"] == []
            assert sorted(group.content for group in pp.groups()) == ["one", "three", "two"]
    with second.daemon():
        for name in ("one", "two", "three"):
            second.wait_for(name, "held", "OTHER_DAEMON")
    assert len(pp.groups()) == 3


@pytest.mark.parametrize("within", [False, True], ids=["the same root", "a root within it"])
def test_one_pass_beside_a_daemon_posts_nothing(pp: Rig, within: bool) -> None:
    (pp.root / "team").mkdir()
    second = another(pp, pp.root / "team" if within else None)
    with pp.daemon():
        pp.drop("one")
        pp.wait_for("one", "scheduled")
        second.drop("new")
        assert second.run_once() == 2
        assert "is served by another postpost-sync" in second.output()[1]
    assert [group.content for group in pp.groups()].count("new") <= 1


def test_what_was_pending_is_not_taken_on_by_an_installation_that_is_kept_off(pp: Rig) -> None:
    """Its database has an edit to carry out, from the time when it served the tree itself."""
    second = another(pp)
    second.drop("post")
    assert second.run_once() == 0
    second.drop("post", "content: edited\nplatforms: [facebook-1001]\nscheduled_time: 2031-03-04 10:00\n")
    with pp.daemon():
        pp.wait_for("post", "held", "OTHER_DAEMON")
        with second.daemon():
            until(lambda: shown(second) == ("away", "ROOT_SERVED"))
            assert second.command("retry", "--yes", str(pp.root / "post")) in (0, 1)
            pp.drop("later")
            pp.wait_for("later", "scheduled")
            assert sorted(group.content for group in pp.groups()) == ["later", "post"]
    assert second.run_once() == 0
    assert sorted(group.content for group in pp.groups()) == ["edited", "later"]
