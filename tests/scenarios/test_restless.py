"""Folders that never become quiet are spoken of, also where only single passes look at them."""

from __future__ import annotations

from datetime import timedelta
from itertools import count
from unittest import mock

from postpost_sync.disk import scan
from postpost_sync.model.states import State
from tests.support.world import World, picture

HOUR = timedelta(hours=1)
MEDIA = {"a.jpg": picture(1)}


def test_a_folder_that_never_becomes_quiet_names_the_file_and_ends_after_its_time(world: World) -> None:
    folder = world.drop("launch", time=world.now + HOUR / 2)
    codes = []
    for _ in range(50 * 60):
        (folder / "notes.txt").write_text(str(world.now))
        world.look_around()
        world.run()
        world.advance_time(1)
        codes.append((world.state("launch"), world.code("launch")))
        if codes[-1][0] is State.INVALID:
            break
    assert codes[60] == (State.SETTLING, None)
    assert (State.SETTLING, "NEVER_QUIET") in codes[:200]
    assert codes[-1] == (State.INVALID, "NEVER_QUIET")
    error = world.record("launch").error
    assert error is not None
    assert "notes.txt" in error.message


def test_a_file_system_whose_times_are_always_now_is_spoken_of_and_the_post_ends_after_its_time(world: World) -> None:
    real, ticks = scan.of, count(1)
    world.drop("launch", time=world.now + HOUR / 2)
    with mock.patch.object(scan, "of", lambda s: real(s)._replace(ctime_ns=next(ticks))):
        world.advance_time(600)
        assert (world.state("launch"), world.code("launch")) == (State.SETTLING, "NEVER_QUIET")
        world.advance_time(3000)
        assert (world.state("launch"), world.code("launch")) == (State.INVALID, "NEVER_QUIET")
    world.look_around()
    world.drop("launch", time=world.now + HOUR)
    world.run_until_rest(60)
    assert (world.state("launch"), world.code("launch")) == (State.SCHEDULED, None)


def test_a_folder_that_never_becomes_quiet_is_spoken_of_by_single_passes_alone(world: World) -> None:
    """From cron: each pass is over long before one would wonder, and only the database knows since when."""
    folder = world.drop("launch", time=world.now + HOUR)

    def a_pass() -> tuple[State, str | None]:
        world.restart()
        for _ in range(10):
            (folder / "notes.txt").write_text(str(world.now))
            world.look_around()
            world.run()
            world.pass_time(1)
        return world.state("launch"), world.code("launch")

    assert a_pass() == (State.SETTLING, None)
    world.pass_time(300)
    assert a_pass() == (State.SETTLING, "NEVER_QUIET")
    world.pass_time(2 * 3600)
    assert a_pass() == (State.INVALID, "NEVER_QUIET")
    world.drop("launch", time=world.now + HOUR)
    world.restart()
    world.run_until_rest(60)
    assert (world.state("launch"), world.record("launch").restless_at) == (State.SCHEDULED, None)


def test_a_folder_that_was_still_being_filled_when_an_earlier_pass_ended_is_not_taken_for_restless(
    world: World,
) -> None:
    folder = world.drop("launch", time=world.now + 5 * HOUR)
    for number in range(3):
        (folder / "notes.txt").write_text(str(number))
        world.look_around()
        world.run()
        world.pass_time(1)
    assert world.record("launch").restless_at is not None
    world.pass_time(3600)
    world.restart()
    world.look_around()
    world.run()
    assert (world.state("launch"), world.code("launch")) == (State.SETTLING, None)
    world.run_until_rest(60)
    assert world.state("launch") is State.SCHEDULED


def test_what_was_changed_and_changed_back_was_never_restless(world: World) -> None:
    """Else the next edit, weeks later, would be said to have lasted since then."""
    folder = world.drop("launch", time=world.now + 90 * 24 * HOUR)
    world.run_until_rest(60)
    for name in ("one.txt", "two.txt"):
        (folder / name).touch()
        world.look_around()
        world.run()
        world.pass_time(1)
    assert world.record("launch").restless_at is not None
    for name in ("one.txt", "two.txt"):
        (folder / name).unlink()
    world.look_around()
    world.run_until_rest(60)
    assert world.record("launch").restless_at is None
