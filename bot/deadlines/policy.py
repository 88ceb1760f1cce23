"""Decides about one assignment: one rule a reason, in policy.md's order, the first that applies wins.

What needs the whole person or the whole pass (one DM a day, the weekly cap, gathering, stale data, a freeze) is
plan.py's. Never looks at a clock: the instant is in the `Day`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from functools import cached_property
from itertools import groupby
from operator import attrgetter

from bot.deadlines.calendar import LocalNow, WorkCalendar, shift
from bot.deadlines.model import DUE, Absence, Assignment, Course, Decision, Person, Reason, Said, Status, Step
from bot.deadlines.steps import NEAR_DAYS, Standing, Track, stand
from bot.deadlines.terms import Policy, Steps

REFUSED_DAILY = 7  # times in a row that somebody whom Slack refuses is tried again the next day,
REFUSED_THEN_EVERY_DAYS = 7  # and then only so often
EARLIEST = datetime.min.replace(tzinfo=UTC)
_course_id = attrgetter("course_id")


@dataclass(frozen=True, kw_only=True)
class Day:
    """One person at one instant: what all their decisions share."""

    person: Person
    policy: Policy
    calendar: WorkCalendar
    now: datetime  # aware

    @cached_property
    def local(self) -> LocalNow:
        """The instant on their own clock."""
        hours = self.policy.hours
        return LocalNow(now=self.now, zone=self.person.zone, start=hours.start, end=hours.end)

    @property
    def today(self) -> date:
        """Their local date."""
        return self.local.today

    def of(self, person: Person) -> Day:
        """The same instant for somebody else with this zone and calendar; what was worked out for it is shared."""
        day = replace(self, person=person)
        day.__dict__["local"] = self.local
        return day

    def next_opening(self, *, nags: bool = False) -> datetime | None:
        """When their next sending hours start; with `nags`, on a day on which a nag may go."""
        day = self.calendar.after(self.today)
        return self.local.opening(self.calendar.not_last_from(day) if nags else day)

    @property
    def absence(self) -> Absence | None:
        """Their absence, while it lasts."""
        absence = self.person.absence
        return absence if absence and (absence.until_at is None or absence.until_at > self.now) else None


def is_long(course: Course, steps: Steps) -> bool:
    """Whether a course has the steps of long ones as well."""
    return (course.expected_minutes or 0) >= steps.long_course_minutes


@dataclass(frozen=True, kw_only=True)
class Case:
    """One assignment on one person's day: all that its decision is made from."""

    assignment: Assignment
    course: Course
    day: Day
    said: tuple[Said, ...] = ()  # everything ever said to this person about this course
    superseded: bool = False  # another row of this person and course governs

    @cached_property
    def steps(self) -> Steps:
        """The steps that hold for this course."""
        return self.day.policy.steps_of(self.course.course_id)

    @cached_property
    def said_of_deadline(self) -> tuple[Said, ...]:
        """What was said about this very deadline: a moved one begins afresh."""
        return tuple(s for s in self.said if s.deadline_on == self.assignment.deadline_on)

    @cached_property
    def assigned_on(self) -> date | None:
        """The person's local day of assignment, the first; no later than the deadline was spoken of."""
        at = self.assignment.counts_from_at
        on = self.day.local.day_of(at) if at else None
        return min((on, *(s.said_on for s in self.said_of_deadline))) if on else None

    @property
    def assigned_alike_until(self) -> date | None:
        """The local day up to which any day of assignment gives the same decision; None where none was looked at."""
        return self.track.assigned_alike_until if "assigned_on" in self.__dict__ and self.track else None

    @cached_property
    def track(self) -> Track | None:
        """The calendar that it runs on; None without a deadline."""
        if self.assignment.deadline_on is None:
            return None
        return Track(
            deadline_on=self.assignment.deadline_on,
            assigned_on=self.assigned_on,
            is_long=is_long(self.course, self.steps),
            steps=self.steps,
            calendar=self.day.calendar,
        )

    @cached_property
    def standing(self) -> Standing:
        """Where it stands among its steps; nowhere without a deadline."""
        return (
            stand(self.track, self.day.today, self.said_of_deadline) if self.track else Standing(latest=None, next=None)
        )

    @property
    def nags(self) -> bool:
        """Whether the step that would go is an overdue one."""
        latest = self.standing.latest
        return latest is not None and latest.step.kind == "overdue"

    @property
    def last_warning(self) -> bool:
        """Whether today's step is the due one, on the very day it was moved to."""
        latest = self.standing.latest
        return latest is not None and latest.step == DUE and latest.on == self.day.today

    @property
    def gap_ends_on(self) -> date | None:
        """The first day on which another nag about this deadline may go; None where there is no gap to keep."""
        nagged = [s.said_on for s in self.said_of_deadline if s.step.kind == "overdue"]
        return shift(max(nagged), self.steps.overdue_min_gap_days) if nagged else None

    def because(
        self, reason: Reason, detail: str = "", next_at: datetime | None = None, *, with_steps: bool = False
    ) -> Decision:
        """The decision for this assignment, with the facts that its reason needs."""
        latest = self.standing.latest if with_steps else None
        following = self.standing.next if with_steps else None
        return Decision(
            reason=reason,
            detail=detail,
            deadline_on=self.assignment.deadline_on,
            next_at=next_at,
            step=latest.step if latest else None,
            step_on=latest.on if latest else None,
            next_step=following.step if following else None,
            next_on=following.on if following else None,
            last_warning=with_steps and self.last_warning,
            reproach_free=with_steps and self.track is not None and self.track.assigned_late,
            passed_over=self.standing.passed_over if with_steps else (),
        )


def _superseded(case: Case) -> Decision | None:
    open_one = case.superseded and case.assignment.status is not Status.COMPLETED
    return case.because(Reason.SUPERSEDED) if open_one else None


def _completed(case: Case) -> Decision | None:
    return case.because(Reason.COMPLETED) if case.assignment.status is Status.COMPLETED else None


def _not_required(case: Case) -> Decision | None:
    return None if case.assignment.required else case.because(Reason.NOT_REQUIRED)


def _course_inactive(case: Case) -> Decision | None:
    if case.day.policy.is_off(case.course.course_id):
        return case.because(Reason.COURSE_INACTIVE, "switched_off")
    return None if case.course.active else case.because(Reason.COURSE_INACTIVE)


def _person_inactive(case: Case) -> Decision | None:
    person = case.day.person
    if not person.active:
        return case.because(Reason.PERSON_INACTIVE, "not_in_lms")
    if person.has_left(case.day.today):
        return case.because(Reason.PERSON_INACTIVE, "employment_ended")
    return None


def _not_in_audience(case: Case) -> Decision | None:
    return None if case.day.person.in_audience else case.because(Reason.NOT_IN_AUDIENCE)


def _exempt(case: Case) -> Decision | None:
    day = case.day
    exemption = day.person.exemption(day.today, case.course.course_id)
    if exemption is None:
        return None
    until_on = exemption.until_on
    if until_on is None:
        return case.because(Reason.EXEMPT)
    return case.because(Reason.EXEMPT, until_on.isoformat(), day.local.opening(day.calendar.after(until_on)))


def _no_deadline(case: Case) -> Decision | None:
    row = case.assignment
    return case.because(Reason.NO_DEADLINE) if row.deadline_on is None and row.deadline_raw is None else None


def _invalid_deadline(case: Case) -> Decision | None:
    row = case.assignment
    return case.because(Reason.INVALID_DEADLINE, row.deadline_raw or "") if row.deadline_on is None else None


def _no_slack_match(case: Case) -> Decision | None:
    person = case.day.person
    return None if person.slack_id else case.because(Reason.NO_SLACK_MATCH, person.no_match or "")


def _undeliverable(case: Case) -> Decision | None:
    day, person = case.day, case.day.person
    if person.refused_on is None:
        return None
    again_on = shift(person.refused_on, 1 if person.refusals < REFUSED_DAILY else REFUSED_THEN_EVERY_DAYS)
    if day.today >= again_on:
        return None
    return case.because(Reason.UNDELIVERABLE, person.refusal, day.local.opening(day.calendar.on_or_after(again_on)))


def _gave_up(case: Case) -> Decision | None:
    return case.because(Reason.GAVE_UP) if case.standing.gave_up else None


def _not_due_yet(case: Case) -> Decision | None:
    if case.standing.latest is not None:
        return None
    return case.because(Reason.NOT_DUE_YET, "", _next_step_at(case), with_steps=True)


def _already_sent(case: Case) -> Decision | None:
    if not case.standing.latest_was_said:
        return None
    return case.because(Reason.ALREADY_SENT, "", _next_step_at(case), with_steps=True)


def _next_step_at(case: Case) -> datetime | None:
    following = case.standing.next
    return case.day.local.opening(following.on) if following else None


def _no_nag_today(case: Case) -> bool:
    return case.nags and not case.steps.nag_on_last_workday and case.day.calendar.is_last_of_week(case.day.today)


def _day_off(case: Case) -> Decision | None:
    day = case.day
    if not day.calendar.is_working(day.today):
        return case.because(Reason.DAY_OFF, "", _next_allowed(case), with_steps=True)
    if _no_nag_today(case):
        return case.because(Reason.DAY_OFF, "last_workday", _next_allowed(case), with_steps=True)
    return None


def _next_allowed(case: Case) -> datetime | None:
    return case.day.next_opening(nags=case.nags and not case.steps.nag_on_last_workday)


def _outside_hours(case: Case) -> Decision | None:
    local = case.day.local
    if local.in_hours:
        return None
    next_at = local.opening(local.today) if local.before_hours else _next_allowed(case)
    return case.because(Reason.OUTSIDE_HOURS, "", next_at, with_steps=True)


def _away(case: Case) -> Decision | None:
    absence = case.day.absence
    if absence is None:
        return None
    if _nag_has_waited_enough(case) or _only_word_before_deadline(case):
        return None
    tomorrow = case.day.next_opening()
    return case.because(
        Reason.AWAY, "", min((at for at in (absence.until_at, tomorrow) if at), default=None), with_steps=True
    )


def _nag_has_waited_enough(case: Case) -> bool:
    """Overdue nags wait for the return; for one without a date, so many days from when it was first seen."""
    absence = case.day.absence
    if absence is None or absence.until_at or not case.nags:
        return False
    waited = case.day.today - case.day.local.day_of(absence.seen_at)
    return waited.days >= case.day.policy.away.nag_wait_days


def _only_word_before_deadline(case: Case) -> bool:
    """The deadline falls inside the absence, and nothing was said about it since the absence was seen."""
    absence, deadline_on = case.day.absence, case.assignment.deadline_on
    if absence is None or deadline_on is None or case.nags:
        return False
    last_warning_at = case.day.local.opening(case.day.calendar.on_or_before(deadline_on))
    inside = absence.until_at is None or last_warning_at is None or absence.until_at > last_warning_at
    seen_on = case.day.local.day_of(absence.seen_at)
    return inside and not any(s.said_on >= seen_on for s in case.said_of_deadline)


def _snoozed(case: Case) -> Decision | None:
    until_on = case.day.person.snoozed_until_on
    if until_on is None or case.day.today >= until_on or case.last_warning:
        return None
    ends_at = case.day.local.opening(until_on)
    return case.because(
        Reason.SNOOZED, "", min((at for at in (ends_at, _warned_at(case)) if at), default=None), with_steps=True
    )


def _warned_at(case: Case) -> datetime | None:
    """When the last warning, which no snooze covers, is to come; None once that day is past."""
    deadline_on = case.assignment.deadline_on
    warned_on = case.day.calendar.on_or_before(deadline_on) if deadline_on else None
    return case.day.local.opening(warned_on) if warned_on and warned_on > case.day.today else None


def _gap(case: Case) -> Decision | None:
    ends_on = case.gap_ends_on
    if not case.nags or ends_on is None or case.day.today >= ends_on:
        return None
    return case.because(Reason.CAPPED, "gap", case.day.local.opening(ends_on), with_steps=True)


def _send(case: Case) -> Decision | None:
    return case.because(Reason.SEND, "", case.day.now, with_steps=True)


RULES: tuple[Callable[[Case], Decision | None], ...] = (
    _superseded,
    _completed,
    _not_required,
    _course_inactive,
    _person_inactive,
    _not_in_audience,
    _exempt,
    _no_deadline,
    _invalid_deadline,
    _no_slack_match,
    _undeliverable,
    _gave_up,
    _not_due_yet,
    _already_sent,
    _day_off,
    _outside_hours,
    _away,
    _snoozed,
    _gap,
    _send,
)


def decide(case: Case) -> Decision:
    """What is done about one assignment now, as far as it alone can tell."""
    for rule in RULES:
        if decision := rule(case):
            return decision
    raise AssertionError("the last rule has an answer to every case")


def may_be_said_early(case: Case, decision: Decision, gather_days: int) -> Step | None:
    """The step that a DM of today may take along for this assignment, or None (policy.md, "One DM a person a day")."""
    if decision.reason not in (Reason.NOT_DUE_YET, Reason.ALREADY_SENT) or case.day.absence:
        return None
    step, on = decision.next_step, decision.next_on
    if step is None or on is None or not 0 < (on - case.day.today).days <= gather_days:
        return None
    if case.day.person.snoozed_until_on and case.day.today < case.day.person.snoozed_until_on:
        return None
    return step if _gathers(case, step) else None


def _gathers(case: Case, step: Step) -> bool:
    if step.kind == "before":
        return step.days > NEAR_DAYS
    past = case.assignment.deadline_on is not None and case.day.today > case.assignment.deadline_on
    ends_on = case.gap_ends_on
    allowed = case.steps.nag_on_last_workday or not case.day.calendar.is_last_of_week(case.day.today)
    return step.kind == "overdue" and past and allowed and (ends_on is None or case.day.today >= ends_on)


def in_order(assignments: Iterable[Assignment]) -> tuple[Assignment, ...]:
    """One person's rows by course, of each course the one that governs first; identical ones once."""
    rows, last = tuple(assignments), 0
    for row in rows:
        if row.course_id <= last:
            break
        last = row.course_id
    else:
        return rows  # one of each course, as nearly everybody has them
    by_course = groupby(sorted(rows, key=_course_id), key=_course_id)
    return tuple(row for _, of_course in by_course for row in governing_first(of_course))


def governing_first(rows: Iterable[Assignment]) -> Sequence[Assignment]:
    """One person's rows for one course, identical ones once, the one that governs first.

    The one assigned last governs, then the later deadline; of two that differ in neither the completed one, so that
    nobody who has finished is reminded, then the required one, so that nobody goes unwarned.
    """
    return sorted(dict.fromkeys(rows), key=_governs, reverse=True)


def _governs(row: Assignment) -> tuple[datetime, date, bool, bool]:
    return (row.assigned_at or EARLIEST, row.deadline_on or date.min, row.status is Status.COMPLETED, row.required)
