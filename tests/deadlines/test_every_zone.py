"""policy.md, "Days": every zone of the tz database, every change of its clock in 2026-2028, and odd ones of the past.

Ticks at each quarter of an hour in UTC, as `run` makes them, over the days around a change: what falls on a local day
goes once, on that day and within its sending hours. Zones that show the same time throughout those years count as one,
and so do changes that differ in nothing but their date.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

import pytest

from bot.deadlines.calendar import WorkCalendar
from bot.deadlines.model import Person, Said
from bot.deadlines.plan import plan
from bot.deadlines.policy import Day
from bot.deadlines.terms import Hours
from tests.builders import a_course, a_policy, an_assignment, said_in

FIRST, LAST = datetime(2026, 1, 1, tzinfo=UTC), datetime(2029, 1, 1, tzinfo=UTC)
STEP, TICK, DAY = timedelta(days=2), timedelta(minutes=15), timedelta(days=1)
EVERY_DAY = WorkCalendar(weekend=frozenset())
FAR = 7  # days from the last of those around a change to the deadline
OFFICE, ALL_DAY, AT_NIGHT = Hours(), Hours(start=time(0), end=time(23, 59)), Hours(start=time(2), end=time(3))


@dataclass(frozen=True, kw_only=True)
class Change:
    """One change of a zone's clock."""

    zone: str
    at: datetime  # the first instant of the new time
    before: timedelta
    after: timedelta

    @property
    def local_days(self) -> list[date]:
        """The local days around it."""
        first = (self.at + self.before).date() - DAY
        last = (self.at + self.after).date() + DAY
        return [first + n * DAY for n in range((last - first).days + 1)]

    @property
    def kind(self) -> tuple[timedelta, timedelta, time]:
        """Two changes of one kind differ in nothing but their date."""
        return self.before, self.after, (self.at + self.before).time()


def offset(zone: ZoneInfo, at: datetime) -> timedelta:
    found = at.astimezone(zone).utcoffset()
    assert found is not None
    return found


def changes(zone: str, first: datetime, last: datetime) -> Iterator[Change]:
    """Every change of the zone's clock between two instants."""
    info, at = ZoneInfo(zone), first
    while at < last:
        low, high = at, at + STEP
        if (before := offset(info, low)) != (after := offset(info, high)):
            while high - low > timedelta(seconds=1):
                middle = low + (high - low) / 2
                low, high = (middle, high) if offset(info, middle) == before else (low, middle)
            yield Change(zone=zone, at=high.replace(microsecond=0), before=before, after=after)
        at += STEP


@cache
def all_changes() -> tuple[Change, ...]:
    """Those of each zone, where several show the same time of one of them."""
    instants = [FIRST + n * STEP for n in range((LAST - FIRST) // STEP + 1)]
    alike: defaultdict[tuple[timedelta, ...], list[str]] = defaultdict(list)
    for name in sorted(available_timezones()):
        info = ZoneInfo(name)
        alike[tuple(offset(info, at) for at in instants)].append(name)
    return tuple(change for names in alike.values() for change in changes(names[0], FIRST, LAST))


def check(change: Change, hours: Hours) -> None:
    """A course with a step on each of the local days: each goes on its day, save where the hours skip that day."""
    zone, days = ZoneInfo(change.zone), change.local_days
    steps = {(days[-1] - day).days + FAR: day for day in days}
    policy = a_policy(steps={"before_days": tuple(steps)}, caps={"reminders_in_7_days": 0})
    policy = replace(policy, hours=hours)
    row = an_assignment(str(days[-1] + FAR * DAY))
    person = Person(person_id=1, zone=change.zone, slack_id="U1")
    heard: list[Said] = []
    open_on: set[date] = set()
    for now in ticks(change):
        there = now.astimezone(zone)
        is_open = hours.start <= there.time() < hours.end
        notice = plan(Day(person=person, policy=policy, calendar=EVERY_DAY, now=now), [row], heard, a_course).notice
        assert is_open or not notice, f"a DM at {there}: {change}"
        open_on |= {there.date()} if is_open else set()
        heard += said_in(notice)
    wanted = [(day, f"before-{n}") for n, day in steps.items() if day in open_on]
    assert [(said.said_on, said.step.name) for said in heard] == wanted, change


def ticks(change: Change) -> Iterator[datetime]:
    """Each quarter of an hour of the local days around the change."""
    info, at = ZoneInfo(change.zone), change.at.replace(minute=0, second=0) - 3 * DAY
    while (day := at.astimezone(info).date()) <= change.local_days[-1]:
        if day >= change.local_days[0]:
            yield at
        at += TICK


@pytest.mark.parametrize(
    "hours", [OFFICE, ALL_DAY, AT_NIGHT], ids=["office hours", "all day", "the hour of most changes"]
)
def test_whatever_a_zones_clock_does_each_local_day_sends_once_and_within_its_hours(hours: Hours) -> None:
    kinds = {change.kind: change for change in all_changes()}
    assert len(kinds) > 40
    for change in kinds.values():
        check(change, hours)


def test_between_its_changes_every_zone_is_one_of_quarter_hours() -> None:
    """So that ticks at UTC's quarters are on theirs, and a change of one kind stands for all of its kind."""
    assert all(change.after % TICK == change.before % TICK == timedelta(0) for change in all_changes())


ODD = [
    pytest.param("Pacific/Apia", "2011-12-30", id="a day that never was"),
    pytest.param("Pacific/Kiritimati", "1994-12-31", id="another"),
    pytest.param("Pacific/Kwajalein", "1969-09-30", id="a day that came twice"),
    pytest.param("America/Caracas", "2016-05-01", id="half an hour forward"),
    pytest.param("Asia/Pyongyang", "2018-05-04", id="half an hour forward, at 23:30"),
    pytest.param("Antarctica/Casey", "2018-03-10", id="three hours back"),
]


@pytest.mark.parametrize(
    "hours", [OFFICE, ALL_DAY, AT_NIGHT], ids=["office hours", "all day", "the hour of most changes"]
)
@pytest.mark.parametrize(("zone", "day"), ODD)
def test_odd_changes_too(zone: str, day: str, hours: Hours) -> None:
    near = datetime.fromisoformat(day).replace(tzinfo=UTC)
    (change,) = changes(zone, near - STEP, near + STEP)
    check(change, hours)
