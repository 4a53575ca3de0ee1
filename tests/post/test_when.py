"""When a folder asks to be posted: a time in its zone, now, or not yet; and what is wrong with it."""

from __future__ import annotations

import os
from datetime import UTC, datetime

import pytest

from postpost_sync.model.post import Policy
from postpost_sync.model.times import to_service
from tests.support.post_folders import GOOD, Drop


@pytest.mark.parametrize(
    ("keys", "code", "where"),
    [
        ("scheduled_time: soon\n", "BAD_TIME", "line 3: scheduled_time"),
        ("scheduledTime: 15.12.2026 14:30\n", "BAD_TIME", "line 3: scheduled_time"),
        ("scheduledTime: 15.12.2026\n", "BAD_TIME", "line 3: scheduled_time"),
        ("scheduled_time: 2026-12-15\n", "TIME_DATE_ONLY", "line 3: scheduled_time"),
        (
            "scheduled_time: 2026-03-29 02:30\ntimezone: Europe/Berlin\n",
            "TIME_DOES_NOT_EXIST",
            "line 3: scheduled_time",
        ),
        ("timezone: Europe/Berln\n", "BAD_TIMEZONE", "line 3: timezone"),
        ("scheduled_time: now\ntimezone: CET+1\n", "BAD_TIMEZONE", "line 4: timezone"),
        ('scheduled_time: "2026\\u202e"\n', "BAD_TIME", "\\u202e"),
    ],
)
def test_bad_times(drop: Drop, keys: str, code: str, where: str) -> None:
    drop.add("post.yaml", GOOD + keys)
    (found,) = drop.wanted().errors
    assert found.code == code
    assert where in found.message
    assert found.hint


@pytest.mark.parametrize(
    ("keys", "where", "hint"),
    [
        ("scheduled_time: 2026-12-15\u00a014:30\n", "(U+00A0), stands in line 3, column 27", "2026-12-15 14:30"),
        ("timezone: Europe/Berlin\u200b\n", "(U+200B), stands in line 3, column 24", "Europe/Berlin"),
    ],
)
def test_an_unseen_character_in_a_time_or_a_zone_is_named(drop: Drop, keys: str, where: str, hint: str) -> None:
    drop.add("post.yaml", GOOD + keys)
    (found,) = drop.wanted().errors
    assert found.message.endswith(where)
    assert hint in found.hint


def test_tomorrow_counts_from_when_the_sidecar_was_saved_in_its_own_zone(drop: Drop) -> None:
    file = drop.add("post.yaml", GOOD + "scheduled_time: tomorrow 9am\ntimezone: Asia/Tokyo\n")
    os.utime(file, (0, datetime(2026, 11, 28, 20, 0, tzinfo=UTC).timestamp()))  # the 29th in Tokyo
    (found,) = drop.wanted().errors
    assert found.hint.endswith('write "scheduled_time: 2026-11-30 09:00" (Mon)')


def test_an_offset_as_timezone_is_answered_with_the_line_that_means_it(drop: Drop) -> None:
    drop.add("post.yaml", GOOD + "scheduled_time: 2026-12-15 14:30\ntimezone: GMT+5\n")
    (found,) = drop.wanted().errors
    assert found.code == "BAD_TIMEZONE"
    assert found.hint == 'leave timezone out and write "scheduled_time: 2026-12-15 14:30 +05:00"'


def test_an_offset_as_timezone_goes_behind_a_time_in_another_form_too(drop: Drop) -> None:
    drop.add("post.yaml", GOOD + "scheduled_time: 12/15/2026 2:30 PM\ntimezone: UTC+2\n")
    (found,) = drop.wanted().errors
    assert found.hint == 'leave timezone out and write "scheduled_time: 2026-12-15 14:30 +02:00"'


def test_a_wrong_zone_does_not_hide_a_wrong_time(drop: Drop) -> None:
    drop.add("post.yaml", GOOD + "scheduled_time: 15.12.2026 14:30\ntimezone: Berlin\n")
    assert [(f.code, f.hint) for f in drop.wanted().errors] == [
        ("BAD_TIMEZONE", 'did you mean "Europe/Berlin"?'),
        ("BAD_TIME", 'write "scheduled_time: 2026-12-15 14:30" (Tue)'),
    ]


def test_an_ambiguous_time_is_a_warning_with_its_line(drop: Drop) -> None:
    drop.add("post.yaml", GOOD + "scheduled_time: 2026-10-25 02:30\n")
    wanted = drop.wanted(Policy(timezone="Europe/Berlin"))
    assert wanted.post is not None
    (doubt,) = wanted.warnings
    assert doubt.code == "TIME_AMBIGUOUS"
    assert "post.yaml, line 3: scheduled_time" in doubt.message


@pytest.mark.parametrize(
    ("own", "moment"), [("", "2026-12-15T05:30:00.000Z"), ("timezone: UTC\n", "2026-12-15T14:30:00.000Z")]
)
def test_the_sidecars_zone_wins_over_the_configs(drop: Drop, own: str, moment: str) -> None:
    drop.add("post.yaml", GOOD + own + "scheduled_time: 2026-12-15 14:30\n")
    time = drop.wanted(Policy(timezone="Asia/Tokyo")).time
    assert time is not None
    assert to_service(time) == moment


@pytest.mark.parametrize("written", ["now", "NOW", " now ", "'now'"])
def test_now_is_left_to_be_resolved(drop: Drop, written: str) -> None:
    drop.add("post.yaml", GOOD + f"scheduled_time: {written}\n")
    wanted = drop.wanted()
    assert (wanted.now, wanted.time, wanted.post is not None) == (True, None, True)


def test_no_time_is_a_draft(drop: Drop) -> None:
    drop.add("post.yaml", GOOD)
    wanted = drop.wanted()
    assert (wanted.now, wanted.time, wanted.post is not None) == (False, None, True)
