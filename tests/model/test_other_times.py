"""Times as people, spreadsheets and phones write them: refused, with the line to write instead."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postpost_sync.model.times import TimeProblem, parse_time
from tests.support.characters import CHARACTERS

SAVED = datetime(2026, 11, 28, 19, 0, tzinfo=UTC)  # a Saturday, 20:00 in Berlin


def refused(text: str, saved: datetime | None = SAVED, zone: str = "Europe/Berlin") -> tuple[str, str]:
    """The code and the hint."""
    with pytest.raises(TimeProblem) as caught:
        parse_time(text, zone, saved)
    return caught.value.finding.code, caught.value.finding.hint


FORMS = """
    15.12.2026 14:30 | 15.12.26 14.30 | 15. 12. 2026 14:30 Uhr | Di, 15.12.2026, 14:30 Uhr | 15. Dezember 2026 um 14:30 Uhr
    12/15/2026 2:30 PM | 12/15/26 14:30 | 15/12/2026 14:30 | 15-12-2026 14:30 | 12.15.2026 14:30 | 2:30 PM 12/15/2026
    2026-12-15 2:30 pm | 2026-12-15 2:30pm | 2026-12-15 2.30 p.m. | 2026-12-15 14.30 | 2026-12-15 14h30 | 2026-12-15 1430
    2026-12-15, 14:30 | 2026-12-15 @ 14:30 | 2026-12-15_14-30 | 2026-12-15 at 14:30 | 20261215T1430 | 2026/12/15 14:30
    2026.12.15 14:30 | 2026-15-12 14:30 | 2026-12-15 14:30 PM | “2026-12-15 14:30” | 2026\u201312\u201315 14:30
    2026-12-15\u00a014:30 | 2026-12-15 14\uff1a30 | ٢٠٢٦-12-15 14:30 | Dec 15, 2026 2:30pm | December 15th, 2026 at 2:30 p.m.
    15-Dec-26 14:30 | 15 Dec 2026 14:30 | Tuesday, December 15, 2026 2:30 PM | 2026 Dec 15 14:30 | 15-Dez-2026 14:30
    15 décembre 2026 à 14h30 | mardi 15 décembre 2026 14 h 30 | mar. 15 déc. 2026 14:30 | 15 de diciembre de 2026 a las 14:30
    15 dicembre 2026 ore 14:30 | 15 de dezembro de 2026 às 14:30 | 15 december 2026 14u30 | 15. december 2026 kl. 14.30
    15 grudnia 2026 14:30 | 2026年12月15日 14:30 | 2026年12月15日 下午2時30分 | 2026. 12. 15. 오후 2:30
    2026년 12월 15일 오후 2시 30분 | 2026-12-15 14:30h
    46371.604166 | 1797341400 | 1797341400000 | 15.12. 14:30 | 12/15 2:30pm | Dec 15 2:30pm | 15.12.2026 2:30 in the afternoon
    15.12.2026 2 Uhr 30 nachmittags | 2026-12-15 14:30 local time
"""


@pytest.mark.parametrize("text", [one.strip() for line in FORMS.strip().splitlines() for one in line.split("|")])
def test_a_date_and_a_time_in_any_other_form_is_refused_with_the_one_to_write(text: str) -> None:
    code, hint = refused(text)
    assert code == "BAD_TIME"
    assert hint.removeprefix("from Sat 28 Nov 2026, when it was written: ") == 'write "2026-12-15 14:30" (Tue)'


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("05/06/2026 2:30 pm", ['"2026-05-06 14:30" (Wed 6 May)', '"2026-06-05 14:30" (Fri 5 Jun)']),
        ("05-06-2026 14:30", ['"2026-05-06 14:30" (Wed 6 May)', '"2026-06-05 14:30" (Fri 5 Jun)']),
        ("05.06.2026 14:30", ['"2026-06-05 14:30" (Fri)']),  # dots are day first
        ("05/05/2026 14:30", ['"2026-05-05 14:30" (Tue)']),
        ("26-12-15 14:30", ['"2026-12-15 14:30" (Tue)']),  # 2015 is over
        ("15-12-26 14:30", ['"2026-12-15 14:30" (Tue)']),
        ("27/11/28 14:30", ['"2028-11-27 14:30" (Mon 27 Nov)', '"2027-11-28 14:30" (Sun 28 Nov)']),
        ("2026-12-15 midnight", ['"2026-12-15 00:00" (Tue 15 Dec)', '"2026-12-16 00:00" (Wed 16 Dec)']),
        ("2026-12-15 24:00", ['"2026-12-16 00:00" (Wed)']),
        ("2026-12-15 12 noon", ['"2026-12-15 12:00" (Tue)']),
        ("2026-12-15 12:00 am", ['"2026-12-15 00:00" (Tue)']),
        ("2026-12-15 12pm", ['"2026-12-15 12:00" (Tue)']),
        ("2026-12-15 14", ['"2026-12-15 14:00" (Tue)']),
        ("2026-12-15 14 Uhr", ['"2026-12-15 14:00" (Tue)']),
        ("2026-12-15 9 Uhr abends", ['"2026-12-15 21:00" (Tue)']),
        ("15.12.2026 14:30:15", ['"2026-12-15 14:30:15" (Tue)']),
    ],
)
def test_what_can_mean_two_days_is_answered_with_both(text: str, lines: list[str]) -> None:
    which = ", whichever is meant" if len(lines) > 1 else ""
    assert refused(text) == ("BAD_TIME", f"write {' or '.join(lines)}{which}")


def test_an_offset_of_days_is_said_for_people() -> None:
    with pytest.raises(TimeProblem) as caught:
        parse_time("2026-12-15 14:30+99:00", "UTC")
    assert "no offset goes beyond a day" in caught.value.finding.message
    assert "timedelta" not in caught.value.finding.message


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("tomorrow 9am", '"2026-11-29 09:00" (Sun)'),
        ("9am tomorrow", '"2026-11-29 09:00" (Sun)'),
        ("tonight 8:30 pm", '"2026-11-28 20:30" (Sat)'),
        ("day after tomorrow 10:00", '"2026-11-30 10:00" (Mon)'),
        ("morgen um 9 Uhr", '"2026-11-29 09:00" (Sun)'),
        ("übermorgen 9:00", '"2026-11-30 09:00" (Mon)'),
        ("demain à 9h", '"2026-11-29 09:00" (Sun)'),
        ("mañana a las 9:00", '"2026-11-29 09:00" (Sun)'),
        ("Tuesday 9am", '"2026-12-01 09:00" (Tue)'),
        ("next Saturday 9am", '"2026-12-05 09:00" (Sat)'),
        ("vendredi 14h30", '"2026-12-04 14:30" (Fri)'),
        ("14h30", '"2026-11-29 14:30" (Sun)'),
        ("22:15", '"2026-11-28 22:15" (Sat)'),
        ("noon", '"2026-11-29 12:00" (Sun)'),
        ("in 2 hours", '"2026-11-28 22:00" (Sat)'),
        ("in 3 days", '"2026-12-01 20:00" (Tue)'),
    ],
)
def test_what_moves_with_the_day_counts_from_when_it_was_written(text: str, line: str) -> None:
    assert refused(text) == ("BAD_TIME", f"from Sat 28 Nov 2026, when it was written: write {line}")
    assert refused(text, None)[1].startswith("write it like")  # else nothing is made up


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("2026-12-15", "TIME_DATE_ONLY"),
        ("15. Dezember 2026", "BAD_TIME"),
        ("12/15/2026", "BAD_TIME"),
        ("15-Dec-26", "BAD_TIME"),
    ],
)
def test_a_date_alone_is_told_to_take_a_time(text: str, code: str) -> None:
    assert refused(text) == (code, 'add the time: such as "2026-12-15 14:30" (Tue)')


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("2026-12-15 14:30 GMT+5", ['"2026-12-15 14:30 +05:00" (Tue)']),
        ("2026-12-15 14:30 UTC+2", ['"2026-12-15 14:30 +02:00" (Tue)']),
        ("15.12.2026 14:30 +0530", ['"2026-12-15 14:30 +05:30" (Tue)']),
        ("2026-12-15 14:30 UTC", ['"2026-12-15 14:30Z" (Tue)']),
        ("20261215T143000Z", ['"2026-12-15 14:30Z" (Tue)']),
        ("Tue, 15 Dec 2026 14:30:00 +0100", ['"2026-12-15 14:30 +01:00" (Tue)']),
        ("2026-12-15 14:30 EST", ['"2026-12-15 14:30 -05:00" (Tue)']),
        ("12/15/2026 2:30 PM (PST)", ['"2026-12-15 14:30 -08:00" (Tue)']),
        ("2026-12-15 14:30 CET", ['"2026-12-15 14:30 +01:00" (Tue)']),
        ("2026-06-15 14:30 MESZ", ['"2026-06-15 14:30 +02:00" (Mon)']),
        (
            "2026-06-15 14:30 EST",
            [
                '"2026-06-15 14:30 -05:00" (Mon, EST)',
                '"2026-06-15 14:30 -04:00" (Mon, as in America/New_York then)',
            ],
        ),
        (
            "2026-12-15 14:30 CST",
            [
                '"2026-12-15 14:30 -06:00" (Tue, as in America/Chicago)',
                '"2026-12-15 14:30 +08:00" (Tue, as in Asia/Shanghai)',
            ],
        ),
        ("2026-12-15 14:30 America/New_York", ['"2026-12-15 14:30" and "timezone: America/New_York" (Tue)']),
        ("2026-12-15T14:30:00[europe/paris]", ['"2026-12-15 14:30" and "timezone: Europe/Paris" (Tue)']),
    ],
)
def test_a_zone_beside_the_time_becomes_its_offset_with_the_sign_that_is_meant(text: str, lines: list[str]) -> None:
    which = ", whichever is meant" if len(lines) > 1 else ""
    assert refused(text) == ("BAD_TIME", f"write {' or '.join(lines)}{which}")


@pytest.mark.parametrize(
    ("text", "zone", "hint"),
    [
        ("28.03.2027 2:30", "Europe/Berlin", 'write "2027-03-28 03:30" (Sun, 02:30 does not exist on that day)'),
        ("03/14/2027 2:15 am", "America/New_York", 'write "2027-03-14 03:15" (Sun, 02:15 does not exist on that day)'),
        ("28.03.2027 2:30 CET", "Europe/Berlin", None),  # an offset is a moment, whatever the clocks show
        ("28.03.2027 2:30 Europe/Berlin", "UTC",
         'write "2027-03-28 03:30" and "timezone: Europe/Berlin" (Sun, 02:30 does not exist on that day)'),
        ("6.9.2026 midnight", "America/Santiago",
         'write "2026-09-06 01:00" (Sun 6 Sep, 00:00 does not exist on that day) or "2026-09-07 00:00" (Mon 7 Sep), '
         "whichever is meant"),
        ("30.12.2011 14:30", "Pacific/Apia", 'write "2011-12-31 14:30" (Sat, 14:30 does not exist on that day)'),
    ],
)  # fmt: skip
def test_what_is_offered_exists_where_the_clocks_go_forward_over_it(text: str, zone: str, hint: str | None) -> None:
    offered = refused(text, None, zone)[1]
    assert hint is None or offered == hint
    for line in offered.split('"')[1::2]:
        if not line.startswith("timezone: "):
            parse_time(line, "Europe/Berlin" if "timezone" in offered else zone)


@pytest.mark.parametrize(
    ("text", "lines"),
    [("in 3 hours", '"2027-03-28 05:00" (Sun)'), ("in 150 min", '"2027-03-28 04:30" (Sun)'),
     ("in 1 day", '"2027-03-29 01:00" (Mon)')],
)  # fmt: skip
def test_hours_pass_as_they_pass_also_where_the_clocks_go_forward(text: str, lines: str) -> None:
    saved = datetime(2027, 3, 28, 0, 0, tzinfo=UTC)  # 01:00 in Berlin, an hour before
    assert refused(text, saved)[1].endswith(f"write {lines}")


def test_the_line_to_write_is_a_whole_line_where_the_key_is_known() -> None:
    with pytest.raises(TimeProblem) as caught:
        parse_time("15.12.2026 14:30", "UTC", None, "scheduled_time: ")
    assert caught.value.finding.hint == 'write "scheduled_time: 2026-12-15 14:30" (Tue)'


@given(
    st.text(alphabet="0123456789.:/-+ apmTZhutcgdecinornjtemwUhr年月일,'", max_size=24)
    | st.text(CHARACTERS, max_size=24)
)
def test_whatever_is_written_is_a_moment_or_refused_and_what_is_offered_is_one(text: str) -> None:
    try:
        parse_time(text, "Europe/Berlin", SAVED)
        return
    except TimeProblem as problem:
        offered = problem.finding.hint.split('"')[1::2]
    for line in offered:
        if line.startswith("timezone: "):
            continue
        parse_time(line, "Europe/Berlin")
