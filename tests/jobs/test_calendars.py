"""Countries as eloomi writes them become working days, as policy.md's "Days" says."""

from __future__ import annotations

from typing import Any

import pytest
from structlog.testing import capture_logs

from bot.deadlines.terms import Hours
from bot.errors import SettingsError
from bot.jobs.calendars import Calendars, country_code
from tests.builders import on


def worked(day: str, country: str | None = None, *, default: str | None = None, **hours: Any) -> bool:
    """Whether people of this country work on this day."""
    return Calendars(Hours(**hours), default).of(country).is_working(on(day))


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("DK", "DK"),
        ("dk", "DK"),
        ("DNK", "DK"),
        ("Denmark", "DK"),
        (" denmark ", "DK"),
        ("United States", "US"),
        ("united states of america", None),
        ("Saudi Arabia", "SA"),
        ("Atlantis", None),
        ("", None),
        ("   ", None),
        (None, None),
    ],
)
def test_a_country_is_known_by_its_code_or_its_english_name(text: str | None, code: str | None) -> None:
    assert country_code(text) == code


@pytest.mark.parametrize(
    ("day", "country", "is_worked"),
    [
        ("2027-06-18", "DK", True),  # a Friday
        ("2027-06-19", "DK", False),
        ("2027-06-20", "DK", False),
        ("2027-06-18", "Saudi Arabia", False),
        ("2027-06-19", "SA", False),
        ("2027-06-20", "SA", True),
        ("2027-06-18", "AE", True),
        ("2027-06-19", "AE", False),
        ("2027-06-20", "AE", False),
        ("2027-06-18", "IL", False),
        ("2027-06-19", "IL", False),
        ("2027-06-20", "IL", True),
        ("2027-03-25", "DK", False),  # Maundy Thursday
        ("2027-03-25", "DE", True),
        ("2027-12-24", "DK", True),
        ("2027-01-06", "DE", True),
        ("2027-07-05", "US", False),  # Independence Day, observed
    ],
)
def test_each_country_has_its_own_week_and_holidays(day: str, country: str, is_worked: bool) -> None:
    assert worked(day, country) is is_worked


def test_where_no_country_is_known_the_default_one_counts() -> None:
    assert not worked("2027-03-25", None, default="Denmark")
    assert not worked("2027-03-25", "Atlantis", default="DK")
    assert worked("2027-03-25", "DE", default="DK")


def test_with_no_default_either_monday_to_friday_are_worked() -> None:
    assert [worked(f"2027-03-{day}") for day in (25, 26, 27, 28, 29)] == [True, True, False, False, True]


def test_a_country_that_is_unknown_is_reported_once() -> None:
    with capture_logs() as logs:
        calendars = Calendars(Hours(), None)
        for _ in range(3):
            calendars.of("Erewhon")
            Calendars(Hours(), None).of("Erewhon")
    assert [line["event"] for line in logs] == ["country.unknown"]


def test_a_subdivision_adds_its_holidays() -> None:
    assert not worked("2027-01-06", "DE", subdivisions={"DE": "BY"})
    assert not worked("2027-01-06", "Germany", subdivisions={"Germany": "BY"})
    assert worked("2027-01-06", "AT", subdivisions={"DE": "BY"}) is worked("2027-01-06", "AT")


@pytest.mark.parametrize("day_off", ["12-24", "2027-12-24"])
def test_days_off_hold_for_every_country(day_off: str) -> None:
    for country in ("DK", "DE", None):
        assert not worked("2027-12-24", country, days_off=(day_off,))
    assert worked("2026-12-24", "DK", days_off=("2027-12-24",))
    assert not worked("2026-12-24", "DK", days_off=("12-24",))


def test_the_policys_working_weekdays_hold_for_every_country() -> None:
    for country in ("DK", "SA", None):
        week = [worked(f"2027-06-{day}", country, working_weekdays=("sun", "mon")) for day in range(18, 23)]
        assert week == [False, False, True, True, False]


def test_the_same_country_has_one_calendar() -> None:
    calendars = Calendars(Hours(), "DK")
    assert calendars.of("DK") is calendars.of("denmark") is calendars.of(None)


@pytest.mark.parametrize("default", ["Atlantis", "XX", "DK,DE"])
def test_a_default_country_that_is_none_stops_the_program(default: str) -> None:
    with pytest.raises(SettingsError, match=r"^DEFAULT_COUNTRY "):
        Calendars(Hours(), default)


@pytest.mark.parametrize("subdivisions", [{"DE": "XX"}, {"Atlantis": "BY"}, {"XX": "Y"}])
def test_a_subdivision_that_is_none_stops_the_program(subdivisions: dict[str, str]) -> None:
    with pytest.raises(SettingsError, match=r"hours\.subdivisions"):
        Calendars(Hours(subdivisions=subdivisions), None)
