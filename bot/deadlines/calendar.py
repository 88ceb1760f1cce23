"""Days: which are worked, what a person's local day is, and when on it they may be written to.

Holidays are passed in; this module knows no country. All arithmetic on dates stops at the calendar's own ends
(0001-01-01 and 9999-12-31, which an LMS may well serve) instead of overflowing.
"""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property, lru_cache
from zoneinfo import ZoneInfo

LONGEST_BREAK_DAYS = 60  # a calendar without a working day in so long is treated as if all days were worked


def shift(day: date, days: int) -> date:
    """`day` moved by so many calendar days, held within the calendar's ends."""
    try:
        return day + timedelta(days=days)
    except OverflowError:
        return date.max if days > 0 else date.min


@dataclass(frozen=True, kw_only=True, eq=False)
class WorkCalendar:
    """A country's week and its public holidays; compared by identity, so that schedules can be remembered for it."""

    weekend: frozenset[int] = frozenset({5, 6})  # Monday is 0
    holidays: Container[date] = field(default_factory=frozenset)

    def is_working(self, day: date) -> bool:
        """Whether people work on this day."""
        return day.weekday() not in self.weekend and day not in self.holidays

    def on_or_before(self, day: date) -> date:
        """`day` where it is worked, else the last working day before it."""
        return self._seek(day, -1)

    def on_or_after(self, day: date) -> date:
        """`day` where it is worked, else the first working day after it."""
        return self._seek(day, 1)

    def after(self, day: date) -> date:
        """The first working day later than `day`."""
        return self.on_or_after(shift(day, 1))

    def not_last_from(self, day: date) -> date:
        """The first working day from `day` on that is not its week's last."""
        found = self.on_or_after(day)
        for _ in range(LONGEST_BREAK_DAYS):
            if not self.is_last_of_week(found):
                break
            found = self.after(found)
        return found

    def count_on(self, day: date, working_days: int) -> date:
        """The working day that comes so many working days after `day` (1 or more)."""
        for _ in range(working_days):
            day = self.after(day)
        return day

    def is_last_of_week(self, day: date) -> bool:
        """Whether nobody works again before the week is over: Friday mostly, Thursday where Friday is a holiday."""
        if self._week_start is None:
            return False
        rest = (self._week_start - day.weekday() - 1) % 7
        return not any(self.is_working(shift(day, n)) for n in range(1, rest + 1))

    @cached_property
    def _week_start(self) -> int | None:
        """The weekday after the longest run of weekend days; None where a week has no weekend, or one working day."""
        if not self.weekend or len(self.weekend) > 5:
            return None
        working = [day for day in range(7) if day not in self.weekend]
        return max(working, key=self._weekend_days_before)

    def _weekend_days_before(self, weekday: int) -> int:
        return next(n for n in range(7) if (weekday - n - 1) % 7 not in self.weekend)

    def _seek(self, day: date, direction: int) -> date:
        for n in range(LONGEST_BREAK_DAYS):
            found = shift(day, direction * n)
            if self.is_working(found):
                return found
        return day


@lru_cache(maxsize=1024)
def zone_info(name: str) -> ZoneInfo | None:
    """The zone of this tz database name, or None: names come from outside and may be anything."""
    try:
        return ZoneInfo(name)
    except (ValueError, OSError, KeyError):
        return None


@dataclass(frozen=True, kw_only=True)
class LocalNow:
    """An instant as it is on somebody's own clock and calendar."""

    now: datetime  # aware
    zone: str  # a tz database name that exists
    start: time  # of the sending hours
    end: time  # not included

    @cached_property
    def _local(self) -> datetime:
        return self.now.astimezone(zone_info(self.zone) or UTC)

    @cached_property
    def today(self) -> date:
        """The local calendar date."""
        return self._local.date()

    @property
    def before_hours(self) -> bool:
        """Whether the sending hours of today are still to come."""
        return self._local.time() < self.start

    @property
    def in_hours(self) -> bool:
        """Whether the sending hours are on."""
        return self.start <= self._local.time() < self.end

    def day_of(self, instant: datetime) -> date:
        """The local calendar date of another instant; at the calendar's own ends, its date in UTC."""
        try:
            return instant.astimezone(zone_info(self.zone) or UTC).date()
        except OverflowError:
            return instant.astimezone(UTC).date()

    def opening(self, day: date) -> datetime | None:
        """The instant at which that local day's sending hours start; None past the end of the calendar.

        On a spring-forward day whose start does not exist it is the instant that the clock then shows instead.
        """
        try:
            local = datetime.combine(day, self.start, tzinfo=zone_info(self.zone) or UTC)
            return local.astimezone(UTC)
        except OverflowError:
            return None
