"""What the weekly digest tells a manager of each report, in which week, and whether that is worth a message.

Overdue is counted on the report's own calendar; when the digest may go is told by the manager's. Whether a reminder
went out is none of its business: a course stands on the list also where nobody can be reached about it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import TypeAlias

from bot.deadlines.calendar import LocalNow, shift
from bot.deadlines.model import Assignment, Course, Reason, Said
from bot.deadlines.plan import cases
from bot.deadlines.policy import Case, Day, decide, in_order
from bot.deadlines.terms import WEEKDAYS, Managers

FULL_AFTER_WEEKS = 4  # an unchanged list is sent again

# Nothing is owed where one of these decides; all later reasons are about reminders only.
NOT_OWED = frozenset(
    {
        Reason.SUPERSEDED,
        Reason.COMPLETED,
        Reason.NOT_REQUIRED,
        Reason.COURSE_INACTIVE,
        Reason.PERSON_INACTIVE,
        Reason.NOT_IN_AUDIENCE,
        Reason.EXEMPT,
        Reason.NO_DEADLINE,
        Reason.INVALID_DEADLINE,
    }
)

Entry: TypeAlias = tuple[int, int, date]  # person, course, deadline: what makes two lists the same


@dataclass(frozen=True, kw_only=True, slots=True)
class Overdue:
    """A course on a manager's list."""

    person_id: int
    course: Course
    deadline_on: date
    days: int  # calendar days from the deadline to the report's own date
    assigned_late: bool = False  # the deadline was past already when they got it

    @property
    def entry(self) -> Entry:
        """What it is on the list."""
        return (self.person_id, self.course.course_id, self.deadline_on)


def overdue(
    day: Day, assignments: Iterable[Assignment], said: Sequence[Said], course_of: Callable[[int], Course]
) -> list[Overdue]:
    """This report's courses that stand on their manager's list on this day, the earliest deadline first."""
    every = cases(day, in_order(assignments), said, course_of)
    found = [found for case in every if (found := _overdue(case))]
    return sorted(found, key=lambda one: (one.deadline_on, one.course.course_id))


def _overdue(case: Case) -> Overdue | None:
    deadline_on, today = case.assignment.deadline_on, case.day.today
    track = case.track if deadline_on and deadline_on < today else None
    if track is None:
        return None
    if case.course.inform_leader_deadline or decide(case).reason in NOT_OWED:  # of the former the LMS itself tells
        return None
    if today < case.day.calendar.count_on(track.base_on, case.day.policy.managers.overdue_working_days):
        return None
    return Overdue(
        person_id=case.assignment.person_id,
        course=case.course,
        deadline_on=track.deadline_on,
        days=(today - track.deadline_on).days,
        assigned_late=track.assigned_late,
    )


def digest_due(day: Day) -> str | None:
    """The week whose digest this manager may be told now, "2027-W12"; None while they may not be told anything."""
    person = day.person
    employed = person.active and not person.has_left(day.today)
    if not (employed and person.slack_id and person.in_audience) or person.exemption(day.today) or day.absence:
        return None
    return digest_week(day.local, day.policy.managers) if day.calendar.is_working(day.today) else None


def digest_week(local: LocalNow, terms: Managers) -> str | None:
    """The week whose digest may go at this local time, told by the clock alone.

    It may go from the digest's own day and time on, and on the days after it up to the next one's, within the sending
    hours. It is named for the ISO week of its own day, which is the present one where that day is a Monday.
    """
    begins_on = week_begins_on(local.today, terms)
    is_early = begins_on == local.today and replace(local, start=terms.digest_time).before_hours
    if is_early or not local.in_hours:
        return None
    year, week, _ = begins_on.isocalendar()
    return f"{year}-W{week:02}"


def week_begins_on(day: date, terms: Managers) -> date:
    """The digest's own day at or before this one."""
    return shift(day, -((day.weekday() - WEEKDAYS.index(terms.digest_weekday)) % 7))


def is_worth_sending(
    listed: frozenset[Entry], last: tuple[date, frozenset[Entry]] | None, today: date, terms: Managers
) -> bool:
    """Whether this list is to be sent, the `last` one having been sent on that day.

    It is where it is another list, or the last one is of four weeks ago; an empty one is never worth a message.
    """
    if last is None or not listed:
        return bool(listed)
    sent_on, before = last
    weeks = (week_begins_on(today, terms) - week_begins_on(sent_on, terms)).days // 7
    return before != listed or weeks >= FULL_AFTER_WEEKS
