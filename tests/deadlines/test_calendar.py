"""policy.md, "Days": working days, a week's last working day, local days and sending hours."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

import pytest

from bot.deadlines.calendar import LocalNow, WorkCalendar, shift, zone_info
from tests.builders import DENMARK, MON_TO_FRI, SUN_TO_THU, a_calendar, local, on

EVERY_DAY_OFF = a_calendar(weekend=range(7))
SIX_DAY_WEEK = a_calendar(weekend=(6,))
WITHOUT_WEDNESDAYS = a_calendar(weekend=(2, 5, 6))


def a_clock(text: str, zone: str = "Europe/Copenhagen", *, fold: int = 0, start: str = "09:30") -> LocalNow:
    begin = time.fromisoformat(start)
    return LocalNow(now=local(text, zone, fold=fold), zone=zone, start=begin, end=time(17))


# ── working days ─────────────────────────────────────────────────────────────────────────────────────────────────

WORKED = [
    pytest.param(MON_TO_FRI, "2027-06-18", True, id="a Friday where Saturday and Sunday are off"),
    pytest.param(MON_TO_FRI, "2027-06-19", False, id="a Saturday"),
    pytest.param(MON_TO_FRI, "2027-06-20", False, id="a Sunday"),
    pytest.param(SUN_TO_THU, "2027-06-18", False, id="a Friday where Friday and Saturday are off"),
    pytest.param(SUN_TO_THU, "2027-06-20", True, id="a Sunday where Friday and Saturday are off"),
    pytest.param(DENMARK, "2027-03-26", False, id="Good Friday in Denmark"),
    pytest.param(MON_TO_FRI, "2027-03-26", True, id="the same day where nobody knows of it"),
]


@pytest.mark.parametrize(("calendar", "day", "worked"), WORKED)
def test_working_days_are_the_countrys(calendar: WorkCalendar, day: str, worked: bool) -> None:
    assert calendar.is_working(on(day)) is worked


MOVED = [
    pytest.param(MON_TO_FRI, "2027-06-16", "2027-06-16", "2027-06-16", id="a working day stays"),
    pytest.param(MON_TO_FRI, "2027-06-19", "2027-06-18", "2027-06-21", id="Saturday: Friday before, Monday after"),
    pytest.param(MON_TO_FRI, "2027-06-20", "2027-06-18", "2027-06-21", id="Sunday: Friday before, Monday after"),
    pytest.param(SUN_TO_THU, "2027-06-18", "2027-06-17", "2027-06-20", id="Saudi Friday: Thursday, Sunday"),
    pytest.param(DENMARK, "2027-03-27", "2027-03-24", "2027-03-30", id="Easter Saturday: Wednesday, Tuesday"),
    pytest.param(DENMARK, "2027-05-17", "2027-05-14", "2027-05-18", id="Whit Monday: Friday, Tuesday"),
    pytest.param(EVERY_DAY_OFF, "2027-06-16", "2027-06-16", "2027-06-16", id="no working days at all: it stays"),
]


@pytest.mark.parametrize(("calendar", "day", "before", "after"), MOVED)
def test_a_day_off_moves_to_the_working_day(calendar: WorkCalendar, day: str, before: str, after: str) -> None:
    assert (calendar.on_or_before(on(day)), calendar.on_or_after(on(day))) == (on(before), on(after))


COUNTED = [
    pytest.param(MON_TO_FRI, "2027-06-16", 1, "2027-06-17", id="+1 from Wednesday: Thursday"),
    pytest.param(MON_TO_FRI, "2027-06-18", 1, "2027-06-21", id="+1 from Friday: Monday"),
    pytest.param(MON_TO_FRI, "2027-06-19", 1, "2027-06-21", id="+1 from Saturday: Monday"),
    pytest.param(MON_TO_FRI, "2027-06-16", 7, "2027-06-25", id="+7 from Wednesday: Friday of the next week"),
    pytest.param(DENMARK, "2027-03-24", 1, "2027-03-30", id="+1 from the Wednesday before Easter: Tuesday"),
    pytest.param(SUN_TO_THU, "2027-06-17", 1, "2027-06-20", id="+1 from a Saudi Thursday: Sunday"),
]


@pytest.mark.parametrize(("calendar", "day", "n", "expected"), COUNTED)
def test_working_days_are_counted_from_the_day_after(calendar: WorkCalendar, day: str, n: int, expected: str) -> None:
    assert calendar.count_on(on(day), n) == on(expected)


BREAKS = [(59, 59), (60, 0)]


@pytest.mark.parametrize(("closed_days", "moved_by"), BREAKS, ids=["59 days are a break", "60 are no calendar at all"])
def test_the_longest_break(closed_days: int, moved_by: int) -> None:
    first = on("2027-06-01")
    calendar = WorkCalendar(weekend=frozenset(), holidays={first + timedelta(days=n) for n in range(closed_days)})
    assert calendar.on_or_after(first) == first + timedelta(days=moved_by)


LAST_OF_WEEK = [
    pytest.param(MON_TO_FRI, "2027-06-18", True, id="Friday, mostly"),
    pytest.param(MON_TO_FRI, "2027-06-17", False, id="not Thursday"),
    pytest.param(MON_TO_FRI, "2027-06-14", False, id="not Monday"),
    pytest.param(DENMARK, "2027-03-24", True, id="Wednesday, where Thursday and Friday are holidays"),
    pytest.param(DENMARK, "2027-03-23", False, id="not the Tuesday before it"),
    pytest.param(a_calendar("2027-06-18"), "2027-06-17", True, id="Thursday, where Friday is a holiday"),
    pytest.param(
        a_calendar("2027-06-15", "2027-06-16", "2027-06-17", "2027-06-18"),
        "2027-06-14",
        True,
        id="Monday, where all the rest of the week is off",
    ),
    pytest.param(SUN_TO_THU, "2027-06-17", True, id="Thursday, where Friday and Saturday are off"),
    pytest.param(SUN_TO_THU, "2027-06-20", False, id="not Sunday, where the week begins with it"),
    pytest.param(SIX_DAY_WEEK, "2027-06-19", True, id="Saturday, where only Sunday is off"),
    pytest.param(SIX_DAY_WEEK, "2027-06-18", False, id="not Friday, where Saturday is worked"),
    pytest.param(WITHOUT_WEDNESDAYS, "2027-06-15", False, id="not Tuesday, where Wednesdays are free"),
    pytest.param(WITHOUT_WEDNESDAYS, "2027-06-18", True, id="but Friday, where Wednesdays are free"),
    pytest.param(a_calendar(weekend=(0, 1, 2, 5, 6)), "2027-06-18", True, id="Friday of a week of two working days"),
    pytest.param(a_calendar(weekend=(0, 1, 2, 5, 6)), "2027-06-17", False, id="and not its Thursday"),
    pytest.param(a_calendar(weekend=(1, 4, 5)), "2027-06-17", True, id="Thursday before the longer of two breaks"),
    pytest.param(a_calendar(weekend=(1, 4, 5)), "2027-06-14", False, id="not Monday before the shorter one"),
    pytest.param(a_calendar(weekend=()), "2027-06-20", False, id="no day of a week without a weekend"),
    pytest.param(a_calendar(weekend=(0, 1, 3, 4, 5, 6)), "2027-06-16", False, id="not the one day of a week"),
]


@pytest.mark.parametrize(("calendar", "day", "last"), LAST_OF_WEEK)
def test_the_last_working_day_of_the_week(calendar: WorkCalendar, day: str, last: bool) -> None:
    assert calendar.is_last_of_week(on(day)) is last


# ── local days ───────────────────────────────────────────────────────────────────────────────────────────────────

DATES = [
    pytest.param("Europe/Copenhagen", "2027-06-15", id="noon by UTC is the 15th in Copenhagen"),
    pytest.param("Pacific/Kiritimati", "2027-06-16", id="and the 16th on Kiritimati, 14 hours ahead"),
    pytest.param("Etc/GMT+12", "2027-06-15", id="and the 15th twelve hours behind"),
    pytest.param("Not/A_Zone", "2027-06-15", id="an unknown zone is read as UTC"),
]


@pytest.mark.parametrize(("zone", "expected"), DATES)
def test_the_local_day_is_the_persons_own(zone: str, expected: str) -> None:
    noon = datetime(2027, 6, 15, 12, tzinfo=UTC)
    clock = LocalNow(now=noon, zone=zone, start=time(9, 30), end=time(17))
    assert (clock.today, clock.day_of(noon)) == (on(expected), on(expected))


def test_the_day_of_another_instant_is_local_too() -> None:
    clock = a_clock("2027-06-15 10:00", "America/New_York")
    assert clock.day_of(datetime(2027, 6, 16, 3, 59, tzinfo=UTC)) == on("2027-06-15")
    assert clock.day_of(datetime(2027, 6, 16, 4, 0, tzinfo=UTC)) == on("2027-06-16")


@pytest.mark.parametrize("zone", ["America/New_York", "UTC", "Pacific/Kiritimati"])
@pytest.mark.parametrize("text", ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z"])
def test_the_calendars_own_ends_have_a_local_day(text: str, zone: str) -> None:
    """An LMS that knows no day of assignment may well serve 0001-01-01T00:00:00Z."""
    day = a_clock("2027-06-15 10:00", zone).day_of(datetime.fromisoformat(text))
    assert day == (date.min if text.startswith("0001") else date.max)


# ── sending hours ────────────────────────────────────────────────────────────────────────────────────────────────

HOURS = [
    pytest.param("2027-06-15 00:00", True, False, id="00:00 is before them"),
    pytest.param("2027-06-15 09:29", True, False, id="09:29 is before them"),
    pytest.param("2027-06-15 09:30", False, True, id="09:30 is in them"),
    pytest.param("2027-06-15 16:59", False, True, id="16:59 is in them"),
    pytest.param("2027-06-15 17:00", False, False, id="17:00 is after them"),
    pytest.param("2027-06-15 23:59", False, False, id="23:59 is after them"),
    pytest.param("2027-03-28 09:29", True, False, id="09:29 on the day that springs forward"),
    pytest.param("2027-03-28 09:30", False, True, id="09:30 on the day that springs forward"),
    pytest.param("2027-10-31 09:29", True, False, id="09:29 on the day that falls back"),
    pytest.param("2027-10-31 16:59", False, True, id="16:59 on the day that falls back"),
]


@pytest.mark.parametrize(("now", "before", "inside"), HOURS)
def test_sent_from_0930_to_1700_of_the_local_day(now: str, before: bool, inside: bool) -> None:
    assert (a_clock(now).before_hours, a_clock(now).in_hours) == (before, inside)


OPENINGS = [
    pytest.param("Europe/Copenhagen", "2027-06-15", "2027-06-15T07:30", id="summer in Copenhagen"),
    pytest.param("Europe/Copenhagen", "2027-12-15", "2027-12-15T08:30", id="winter in Copenhagen"),
    pytest.param("Europe/Copenhagen", "2027-03-28", "2027-03-28T07:30", id="the day that springs forward"),
    pytest.param("Europe/Copenhagen", "2027-10-31", "2027-10-31T08:30", id="the day that falls back"),
    pytest.param("Pacific/Kiritimati", "2027-06-15", "2027-06-14T19:30", id="where it is yesterday by UTC"),
    pytest.param("Pacific/Honolulu", "2027-06-15", "2027-06-15T19:30", id="far west"),
    pytest.param("Asia/Kathmandu", "2027-06-15", "2027-06-15T03:45", id="a zone of quarter hours"),
    pytest.param("Not/A_Zone", "2027-06-15", "2027-06-15T09:30", id="an unknown zone is read as UTC"),
]


@pytest.mark.parametrize(("zone", "day", "expected"), OPENINGS)
def test_the_sending_hours_open_at_0930_there(zone: str, day: str, expected: str) -> None:
    clock = LocalNow(now=datetime(2027, 6, 1, tzinfo=UTC), zone=zone, start=time(9, 30), end=time(17))
    assert clock.opening(on(day)) == datetime.fromisoformat(expected).replace(tzinfo=UTC)


def test_hours_that_start_in_the_missing_hour_open_when_the_clock_has_sprung() -> None:
    opening = a_clock("2027-03-27 10:00", start="02:30").opening(on("2027-03-28"))
    assert opening == datetime(2027, 3, 28, 1, 30, tzinfo=UTC)  # 03:30 in Copenhagen


def test_past_the_calendars_ends_nothing_opens() -> None:
    assert a_clock("2027-06-15 10:00", "Pacific/Auckland").opening(date.min) is None
    assert a_clock("2027-06-15 10:00", "Pacific/Honolulu", start="15:00").opening(date.max) is None


@pytest.mark.parametrize("name", ["", "Not/A_Zone", "../etc/passwd", "/etc/passwd", "America", "\0", "Europe/Köln"])
def test_a_zone_that_does_not_exist_is_none(name: str) -> None:
    assert zone_info(name) is None


def test_dates_stop_at_the_calendars_own_ends() -> None:
    assert (shift(date.max, 1), shift(date.min, -1)) == (date.max, date.min)
    assert (shift(on("2027-02-28"), 1), shift(on("2027-03-01"), -1)) == (on("2027-03-01"), on("2027-02-28"))
    assert SUN_TO_THU.after(date.max) == date.max
