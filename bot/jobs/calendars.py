"""Countries as the `holidays` library knows them -> the working days that decisions use."""

from __future__ import annotations

import re
from collections.abc import Container
from datetime import date
from functools import lru_cache

import holidays
import structlog
from holidays.registry import COUNTRIES

from bot.deadlines.calendar import WorkCalendar
from bot.deadlines.terms import WEEKDAYS, Hours
from bot.errors import SettingsError
from bot.settings import Settings

log = structlog.get_logger()
MONDAY_TO_FRIDAY = frozenset({5, 6})
CODES = {name.upper(): codes[1] for codes in COUNTRIES.values() for name in codes[1:3]}
NAMES = {key: codes[1] for key, codes in COUNTRIES.items()}


def country_code(text: str | None) -> str | None:
    """The ISO code of a country given as a code or an English name, in any case; None where it is unknown."""
    if not text:
        return None
    return CODES.get(text.strip().upper()) or NAMES.get(re.sub(r"[^a-z]+", "_", text.strip().lower()).strip("_"))


class DaysOff:
    """A country's public holidays and the policy's own days off, asked for as `day in days_off`."""

    def __init__(self, public: Container[date], own: tuple[str, ...]) -> None:
        self._public, self._own = public, frozenset(own)

    def __contains__(self, day: object) -> bool:
        return isinstance(day, date) and (
            f"{day:%m-%d}" in self._own or day.isoformat() in self._own or day in self._public
        )


class Calendars:
    """The working days of each country. Raises SettingsError for a country or subdivision that is not known."""

    def __init__(self, hours: Hours, default_country: str | None, where: str = "policy.toml") -> None:
        self._hours = hours
        if default_country and country_code(default_country) is None:
            raise SettingsError(
                "DEFAULT_COUNTRY is no country that is known.", fix='Give an ISO code such as "DK", or an English name.'
            )
        self._default = country_code(default_country)
        self._subdivisions = {(country_code(country) or country): name for country, name in hours.subdivisions.items()}
        for code, subdivision in self._subdivisions.items():
            _check(code, subdivision, where)

    def of(self, country: str | None) -> WorkCalendar:
        """The working days of somebody's country; the default country's where it is not known."""
        code = country_code(country)
        if code is None and country:
            _report_unknown(country)
        code = code or self._default
        subdivision = self._subdivisions.get(code) if code else None
        return _calendar(code, subdivision, self._hours.working_weekdays, self._hours.days_off)


def calendars_of(settings: Settings) -> Calendars:
    """The calendars by these settings. Raises SettingsError."""
    return Calendars(settings.policy.hours, settings.default_country, str(settings.policy_file))


def _check(code: str, subdivision: str, where: str) -> None:
    try:
        _holidays(code, subdivision)
    except NotImplementedError as error:
        raise SettingsError(
            f"{where}: hours.subdivisions names {code} = {subdivision!r}, which is not known.",
            fix="Use the codes of the `holidays` library.",
        ) from error


@lru_cache(maxsize=1024)
def _report_unknown(country: str) -> None:
    """Once for each text and process, thanks to the cache."""
    log.warning("country.unknown", country=country)


@lru_cache(maxsize=256)
def _calendar(
    code: str | None, subdivision: str | None, working_weekdays: tuple[str, ...], days_off: tuple[str, ...]
) -> WorkCalendar:
    """One and the same each time, since what is worked out for it is remembered."""
    public = _holidays(code, subdivision) if code else frozenset[date]()
    weekend = frozenset(getattr(public, "weekend", MONDAY_TO_FRIDAY))
    if working_weekdays:
        weekend = frozenset(n for n, day in enumerate(WEEKDAYS) if day not in working_weekdays)
    return WorkCalendar(weekend=weekend, holidays=DaysOff(public, days_off))


@lru_cache(maxsize=256)
def _holidays(code: str, subdivision: str | None) -> Container[date]:
    found: Container[date] = holidays.country_holidays(code, subdiv=subdivision)
    return found
