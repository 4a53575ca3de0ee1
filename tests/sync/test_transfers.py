"""What is on its way, seen from outside."""

from __future__ import annotations

from datetime import timedelta

from tests.support.drops import picture
from tests.support.world import World


def test_a_folder_is_at_work_until_it_was_waked_for_what_came_of_it(world: World) -> None:
    """Else a single pass could take all for at rest in between, and end."""
    at_work, wake = list[bool](), world.wake

    def watched(key: int, after: float) -> None:
        at_work.append(bool(world.watched.folders.sending()))
        wake(key, after)

    world.wake = watched  # type: ignore[method-assign]
    world.restart()
    world.drop("launch", "hello", {"a.jpg": picture()}, world.now + timedelta(hours=6))
    for _ in range(100):
        if world.transfers and not world.ready:
            break
        if not world.step():
            world.pass_time(30)
            world.look_around()
            for key in [key for key, at in world.due.items() if at <= world.monotonic]:
                world.wake(key, 0.0)
    at_work.clear()
    world.transfers.popleft()()
    assert at_work
    assert all(at_work)
    assert not world.watched.folders.sending()
