"""Days as policy.md says them, worked out once more and plainly: which are worked, which is a week's last, and hours.

Owns no figure of the program and calls none of it: what is found here is what the program is measured by.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property, lru_cache
from typing import Any
from zoneinfo import ZoneInfo

import holidays

from bot.deadlines.terms import Hours

WEEK = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
A_DAY: timedelta = timedelta(days=1)
# How the LMS may write a country, and whose calendar that is; "" is nobody's.
SPELLINGS: Mapping[str, str] = {"Denmark": "DK", "saudi arabia": "SA", "dk": "DK", "Atlantis": "", "": ""}


@lru_cache(maxsize=512)
def public_holidays(code: str, subdivision: str | None) -> Any:
    """What the library knows of a country."""
    return holidays.country_holidays(code, subdiv=subdivision)


@dataclass(frozen=True, kw_only=True)
class Days:
    """One country's days under one policy."""

    hours: Hours
    code: str  # an ISO code; "": no country's

    @cached_property
    def _public(self) -> Any:
        return public_holidays(self.code, self.hours.subdivisions.get(self.code)) if self.code else ()

    @cached_property
    def weekend(self) -> frozenset[int]:
        """The weekdays that are off, Monday being 0."""
        if self.hours.working_weekdays:
            return frozenset(n for n, day in enumerate(WEEK) if day not in self.hours.working_weekdays)
        return frozenset(self._public.weekend) if self.code else frozenset({5, 6})

    def works(self, day: date) -> bool:
        """Whether people work on this day."""
        own = self.hours.days_off
        is_off = f"{day:%m-%d}" in own or f"{day:%Y-%m-%d}" in own or day in self._public
        return day.weekday() not in self.weekend and not is_off

    def last_until(self, day: date) -> date:
        """The day itself, or the last working day before it."""
        while not self.works(day):
            day -= A_DAY
        return day

    def working_days_between(self, first: date, last: date) -> int:
        """How many working days come after `first` up to `last`."""
        return sum(self.works(first + n * A_DAY) for n in range(1, (last - first).days + 1))

    def is_weeks_last(self, day: date) -> bool:
        """Whether nobody works on a later day of this week, which begins after its longest run of days off."""
        if not self.weekend or len(self.weekend) == 6:
            return False
        later = day + A_DAY
        while later.weekday() != self._first_weekday:
            if self.works(later):
                return False
            later += A_DAY
        return True

    @cached_property
    def _first_weekday(self) -> int:
        """Of two runs as long, the one that ends earlier in the week decides."""
        twice = "".join("." if n % 7 in self.weekend else "W" for n in range(14))
        runs = {n: len(twice[: n + 7]) - len(twice[: n + 7].rstrip(".")) for n in range(7) if n not in self.weekend}
        return max(runs, key=lambda n: (runs[n], -n))


def local(instant: datetime, zone: str) -> datetime:
    """What a clock in that zone shows."""
    return instant.astimezone(ZoneInfo(zone))


def instant(day: date, clock: time, zone: str) -> datetime:
    """When a clock in that zone shows this on that day."""
    return datetime.combine(day, clock, ZoneInfo(zone)).astimezone(UTC)
