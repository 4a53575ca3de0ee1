"""Folders that are no post folders, although somebody may think so, are shown."""

from __future__ import annotations

import pytest

from postpost_sync.daemon import oddities
from tests.support.rig import until
from tests.support.watched_roots import looked_after
from tests.support.world import World
from tests.support.world import picture as small


def test_media_without_a_sidecar_are_shown_after_a_while_without_another_scan(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    (world.root / "a").mkdir()
    (world.root / "a/1.jpg").write_bytes(small(1))
    (world.root / "b").mkdir()
    (world.root / "b/post.yaml.txt").write_text("content: x\n")
    with looked_after(world) as it:
        until(it.watching)
        assert it.odd() == []
        monkeypatch.setattr(oddities, "NO_SIDECAR_AFTER", 0.1)
        until(lambda: len(it.odd()) == 2)
        assert {code for code, _ in it.odd()} == {"NO_SIDECAR"}
        assert 'rename "post.yaml.txt" to post.yaml' in [hint for _, hint in it.odd()]
        until(lambda: len(world.store.roots()[0].oddities) == 2)


def test_a_sidecar_in_the_root_is_shown_at_once(world: World) -> None:
    (world.root / "post.yaml").write_text("content: x\n")
    with looked_after(world) as it:
        assert [one.finding.code for one in it.status.oddities] == ["SIDECAR_IN_ROOT"]
