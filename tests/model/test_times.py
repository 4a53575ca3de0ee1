"""Times as people write them, in any zone and over any change of the clocks, and as the service wants them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postpost_sync.model.times import (
    TimeProblem,
    for_people,
    parse_duration,
    parse_service_time,
    parse_time,
    to_service,
    zone,
)


@pytest.mark.parametrize(
    ("text", "zone_name", "moment"),
    [
        ("2026-12-15 14:30", "Europe/Berlin", "2026-12-15T13:30:00.000Z"),
        ("2026-12-15 14:30", "UTC", "2026-12-15T14:30:00.000Z"),
        ("2026-06-15 14:30", "Europe/Berlin", "2026-06-15T12:30:00.000Z"),
        ("2026-12-15 9:05", "UTC", "2026-12-15T09:05:00.000Z"),
        ("2026-12-15T14:30:15", "UTC", "2026-12-15T14:30:15.000Z"),
        ("2026-12-15t14:30:15.123456", "UTC", "2026-12-15T14:30:15.123Z"),
        ("  2026-12-15   14:30  ", "UTC", "2026-12-15T14:30:00.000Z"),
        ("2026-12-15T14:30Z", "Europe/Berlin", "2026-12-15T14:30:00.000Z"),
        ("2026-12-15T14:30z", "Asia/Tokyo", "2026-12-15T14:30:00.000Z"),
        ("2026-12-15T14:30:00+05:30", "UTC", "2026-12-15T09:00:00.000Z"),
        ("2026-12-15 14:30 -08", "UTC", "2026-12-15T22:30:00.000Z"),
        ("2026-12-15 14:30 +0100", "UTC", "2026-12-15T13:30:00.000Z"),
        ("2028-02-29 12:00", "UTC", "2028-02-29T12:00:00.000Z"),
        ("2026-12-15 14:30", "Asia/Kathmandu", "2026-12-15T08:45:00.000Z"),
        ("2026-01-01 00:15", "Pacific/Kiritimati", "2025-12-31T10:15:00.000Z"),
        ("8999-12-31 23:59", "Asia/Tokyo", "8999-12-31T14:59:00.000Z"),
    ],
)
def test_a_date_and_a_time_mean_one_moment(text: str, zone_name: str, moment: str) -> None:
    found, doubt = parse_time(text, zone_name)
    assert (to_service(found), doubt) == (moment, None)
    assert found.tzinfo is UTC


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "BAD_TIME"),
        ("tomorrow", "BAD_TIME"),  # and when it was written is not known
        ("soon", "BAD_TIME"),
        ("2026-02-29 10:00", "BAD_TIME"),
        ("31.04.2026 10:00", "BAD_TIME"),
        ("2026-12-15 14:60", "BAD_TIME"),
        ("2026-12-15 14:30 +25:00", "BAD_TIME"),
        ("2026-12-15T14:30:00+05:30:00", "BAD_TIME"),
        ("2026-W51-2 14:30", "BAD_TIME"),
        ("0001-01-01 00:00", "BAD_TIME"),
        ("9999-12-31T23:59Z", "BAD_TIME"),
        ("9999-12-31 23:59", "BAD_TIME"),
        ("15.12.9999 14:30", "BAD_TIME"),
        ("2026-12-15 14:30 or so", "BAD_TIME"),
        ("2026-12-15 or 2026-12-16 14:30", "BAD_TIME"),
    ],
)
def test_what_means_no_moment_is_refused_with_an_example(text: str, code: str) -> None:
    with pytest.raises(TimeProblem) as caught:
        parse_time(text, "America/New_York")
    assert caught.value.finding.code == code
    assert f'"{text}"' in caught.value.finding.message
    assert "2026-12-15 14:30" in caught.value.finding.hint


@pytest.mark.parametrize(
    ("text", "zone_name", "instead"),
    [
        ("2026-03-29 02:30", "Europe/Berlin", "2026-03-29 03:30"),
        ("2026-03-29 02:00", "Europe/Berlin", "2026-03-29 03:00"),
        ("2026-03-08 02:15", "America/New_York", "2026-03-08 03:15"),
        ("2026-10-04 02:10", "Australia/Lord_Howe", "2026-10-04 02:40"),  # half an hour
        ("2011-12-30 12:00", "Pacific/Apia", "2011-12-31 12:00"),  # a whole day
    ],
)
def test_a_time_that_the_clocks_go_over_is_refused_with_the_next_one(text: str, zone_name: str, instead: str) -> None:
    with pytest.raises(TimeProblem) as caught:
        parse_time(text, zone_name)
    assert caught.value.finding.code == "TIME_DOES_NOT_EXIST"
    assert instead in caught.value.finding.hint


@pytest.mark.parametrize(
    ("text", "zone_name", "first"),
    [
        ("2026-10-25 02:30", "Europe/Berlin", "2026-10-25T00:30:00.000Z"),
        ("2026-10-25 02:00", "Europe/Berlin", "2026-10-25T00:00:00.000Z"),
        ("2026-11-01 01:59", "America/New_York", "2026-11-01T05:59:00.000Z"),
    ],
)
def test_a_time_that_exists_twice_means_the_first_with_a_warning(text: str, zone_name: str, first: str) -> None:
    moment, doubt = parse_time(text, zone_name)
    assert to_service(moment) == first
    assert doubt is not None
    assert doubt.code == "TIME_AMBIGUOUS"
    assert first in doubt.message
    assert doubt.hint


@pytest.mark.parametrize("text", ["2026-10-25 01:59", "2026-10-25 03:00", "2026-10-25T02:30+01:00"])
def test_the_hours_around_and_an_offset_are_not_ambiguous(text: str) -> None:
    assert parse_time(text, "Europe/Berlin")[1] is None


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("Europe/Berln", 'did you mean "Europe/Berlin"?'),
        ("europe/berlin", 'did you mean "Europe/Berlin"?'),
        ("America/New York", 'did you mean "America/New_York"?'),
        ("Berlin", 'did you mean "Europe/Berlin"?'),
        ("London, UK", 'did you mean "Europe/London"?'),
        ("CEST", 'did you mean "Europe/Berlin"?'),
        ("CST", 'did you mean "America/Chicago" or "Asia/Shanghai"?'),
        ("Eastern Standard Time", 'did you mean "America/New_York"?'),
        ("utc", 'did you mean "UTC"?'),
        ("XYZ", 'use an IANA name such as "Europe/Berlin" or "UTC"'),
        ("../../etc/passwd", 'use an IANA name such as "Europe/Berlin" or "UTC"'),
        ("/etc/localtime", None),
        ("", None),
        ("+01:00", None),
        ("PST", 'did you mean "America/Los_Angeles"?'),
        ("UTC\0", None),
    ],
)
def test_a_zone_that_is_none_is_refused(name: str, hint: str | None) -> None:
    with pytest.raises(TimeProblem) as caught:
        zone(name)
    assert caught.value.finding.code == "BAD_TIMEZONE"
    assert caught.value.finding.hint == (hint or caught.value.finding.hint)
    assert caught.value.finding.hint


@pytest.mark.parametrize(
    ("name", "offset"),
    [("GMT+5", "+05:00"), ("UTC+2", "+02:00"), ("utc -3:30", "-03:30"), ("+01:00", "+01:00"), ("GMT+0530", "+05:30")],
)
def test_an_offset_is_no_zone_and_never_answered_with_the_zone_of_the_opposite_sign(name: str, offset: str) -> None:
    with pytest.raises(TimeProblem) as caught:
        zone(name)
    assert "Etc/" not in caught.value.finding.hint
    assert f'"2026-12-15 14:30 {offset}"' in caught.value.finding.hint


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-03-15T10:00:00.000Z", "2026-03-15T10:00:00.000Z"),
        ("2026-03-15T10:00:00Z", "2026-03-15T10:00:00.000Z"),
        ("2026-03-15T10:00:00+00:00", "2026-03-15T10:00:00.000Z"),
        ("2026-03-15T12:00:00+02:00", "2026-03-15T10:00:00.000Z"),
        ("2026-03-15T10:00:00", "2026-03-15T10:00:00.000Z"),
    ],
)
def test_the_services_times_are_read_in_every_form_it_may_use(text: str, moment: str) -> None:
    found = parse_service_time(text)
    assert found is not None
    assert to_service(found) == moment


@pytest.mark.parametrize(
    "answer", [None, 1773568800000, True, "", "soon", "0001-01-01T00:00:00+10:00", {"time": "x"}, []]
)
def test_what_is_no_time_in_an_answer_is_none(answer: object) -> None:
    assert parse_service_time(answer) is None


@given(
    st.integers(1, 7000 * 365 * 86400 * 1000).map(
        lambda ms: datetime(1970, 1, 2, tzinfo=UTC) + timedelta(milliseconds=ms)
    )
)
def test_what_is_sent_reads_back_to_the_millisecond(moment: datetime) -> None:
    assert parse_service_time(to_service(moment)) == moment
    assert parse_time(to_service(moment), "Asia/Tokyo") == (moment, None)


def test_less_than_a_millisecond_is_not_sent() -> None:
    assert to_service(datetime(2026, 1, 1, 0, 0, 0, 999999, tzinfo=UTC)) == "2026-01-01T00:00:00.999Z"


def test_the_form_sent_is_utc_whatever_the_zone() -> None:
    assert to_service(datetime(2026, 3, 15, 12, tzinfo=timezone(timedelta(hours=2)))) == "2026-03-15T10:00:00.000Z"


@pytest.mark.parametrize(
    ("zone_name", "shown"),
    [
        ("Europe/Berlin", "Tue 15 Dec 2026 14:30 (Europe/Berlin)"),
        ("America/Los_Angeles", "Tue 15 Dec 2026 05:30 (America/Los_Angeles)"),
        ("Asia/Tokyo", "Tue 15 Dec 2026 22:30 (Asia/Tokyo)"),
        ("Nowhere/Land", "Tue 15 Dec 2026 13:30 (UTC)"),
    ],
)
def test_people_see_their_own_zone(zone_name: str, shown: str) -> None:
    assert for_people(datetime(2026, 12, 15, 13, 30, tzinfo=UTC), zone_name) == shown


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("500ms", 0.5),
        ("10s", 10),
        ("5m", 300),
        ("2h", 7200),
        ("1d", 86400),
        ("30", 30),
        ("1.5h", 5400),
        (" 10 s ", 10),
        ("0", 0),
    ],
)
def test_durations(text: str, seconds: float) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize(
    "text",
    [
        "",
        "s",
        "-5s",
        "+5s",
        "5 minutes",
        "1h30m",
        "1,5h",
        "10S",
        "inf",
        "nan",
        "1e3",
        "٣s",
        "4000d",
        "1.500",
        "12.000s",
    ],
)
def test_what_is_no_duration_is_refused_by_name(text: str) -> None:
    with pytest.raises(ValueError, match=r"not a duration|longer than"):
        parse_duration(text)
