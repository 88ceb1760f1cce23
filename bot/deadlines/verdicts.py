"""Remembers what policy.py decided at one instant, so that the rules are asked once for each kind of assignment.

Nearly all of a hundred thousand people are like one another, and so are their assignments. Knows no rule: what it has
not heard from `decide` yet it asks, on behalf of nobody in particular and of no course by name, so that a decision
which is shared can hold nothing of anybody's own. What needs the whole person is plan.py's.

One `Verdicts` holds for its own policy, instant and courses, and makes the days that it decides for: there is no other
instant at which it could be asked.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import fields, replace
from datetime import UTC, date, datetime, time
from operator import attrgetter
from typing import TypeAlias

from bot.deadlines.calendar import WorkCalendar
from bot.deadlines.model import Assignment, Course, Decision, Person, Reason, Said, Status, Step
from bot.deadlines.policy import Case, Day, decide, is_long
from bot.deadlines.terms import Policy

MOST = 100_000  # verdicts that are remembered at a time: some 50 MB

# What decisions do not look at in a person. In all else, and in whether one is in Slack, two must agree to be alike.
OWN = frozenset({"person_id", "slack_id", "told_on", "language", "first_name"})
LIKENESS = tuple(f.name for f in fields(Person) if f.name not in OWN)
_likeness = attrgetter(*LIKENESS)
NOBODY = Person(person_id=0, zone="UTC")

# Of a row all that decisions look at but its course and its day of assignment: required, whether it is completed,
# deadline_on, deadline_raw, whether it is superseded, and what was said about its course: deadline_on, step, said_on.
About: TypeAlias = tuple[tuple[date, Step, date], ...]
Facts: TypeAlias = tuple[bool, bool, date | None, str | None, bool, About]
# What is decided, whether that is to send, and the instant from which on an assignment may be decided otherwise.
Verdict: TypeAlias = tuple[Decision, datetime | None, bool]
NOTHING: About = ()


class _Rows(dict[Facts, Verdict]):
    """About rows of courses that are alike, for people who are alike: what the rules say of early assignments."""

    def __init__(self, day: Day, course: Course, count: Callable[[], None]) -> None:
        super().__init__()
        self._day, self._course, self._count = day, course, count
        self._late: dict[tuple[Facts, date], Verdict] = {}

    def __missing__(self, facts: Facts) -> Verdict:
        self[facts] = found = self._asked(facts, None)
        return found

    def late(self, facts: Facts, assigned_at: datetime) -> Verdict:
        """What they say where it was assigned so late that the day may matter."""
        key = (facts, self._day.local.day_of(assigned_at))
        if key not in self._late:
            self._late[key] = self._asked(facts, assigned_at)
        return self._late[key]

    def _asked(self, facts: Facts, assigned_at: datetime | None) -> Verdict:
        self._count()
        case = self._case(facts, assigned_at)
        decision, alike_until = decide(case), case.assigned_alike_until
        # Before that day has begun in UTC, no clock on earth shows a later one.
        matters_from = datetime.combine(alike_until, time.min, UTC) if alike_until else None
        return decision, matters_from, decision.reason is Reason.SEND

    def _case(self, facts: Facts, assigned_at: datetime | None) -> Case:
        required, completed, deadline_on, deadline_raw, superseded, about = facts
        course_id = self._course.course_id
        row = Assignment(
            person_id=NOBODY.person_id,
            course_id=course_id,
            required=required,
            status=Status.COMPLETED if completed else Status.NOT_STARTED,
            deadline_on=deadline_on,
            deadline_raw=deadline_raw,
            assigned_at=assigned_at,
        )
        said = tuple(Said(course_id=course_id, deadline_on=d, step=step, said_on=on) for d, step, on in about)
        return Case(assignment=row, course=self._course, day=self._day, said=said, superseded=superseded)


class _Kind(dict[int, _Rows]):
    """People who are alike: course -> the verdicts about it, which are those of all courses that are like it."""

    def __init__(self, day: Day, course_of: Callable[[int], Course], count: Callable[[], None]) -> None:
        super().__init__()
        self.day, self._course_of, self._count = day, course_of, count
        self._exempt = {exemption.course_id for exemption in day.person.exemptions}
        self._alike: dict[Course, _Rows] = {}

    def __missing__(self, course_id: int) -> _Rows:
        self._count()
        course = self._seen(self._course_of(course_id))
        if course not in self._alike:
            self._alike[course] = _Rows(self.day, course, self._count)
        self[course_id] = found = self._alike[course]
        return found

    def _seen(self, course: Course) -> Course:
        """What decisions look at in a course; its own name only where the policy or a dispensation names it."""
        policy, n = self.day.policy, course.course_id
        is_named = n in policy.course or n in self._exempt
        steps = policy.steps_of(n)
        minutes = steps.long_course_minutes if is_long(course, steps) else None
        return Course(course_id=n if is_named else 0, title="", active=course.active, expected_minutes=minutes)


class Verdicts:
    """What is decided at one instant, about each kind of assignment once."""

    def __init__(self, policy: Policy, now: datetime, course_of: Callable[[int], Course], *, most: int = MOST) -> None:
        self.course_of = course_of
        self._policy, self._now, self._most = policy, now, most
        self._kinds: dict[Hashable, _Kind] = {}
        self._remembered = 0

    def day(self, person: Person, calendar: WorkCalendar) -> Day:
        """The person's day at this instant."""
        return self._kind(person, calendar).day.of(person)

    def of(
        self, person: Person, calendar: WorkCalendar, rows: Iterable[Assignment], said: Sequence[Said]
    ) -> tuple[list[Decision], bool]:
        """The decisions about one person's assignments, which come `in_order`, and whether any is to send."""
        kind, told = self._kind(person, calendar), _by_course(said)
        decisions: list[Decision] = []
        last, sends = None, False
        for row in rows:
            course_id = row.course_id
            about = told.get(course_id, NOTHING) if told else NOTHING
            completed = row.status is Status.COMPLETED
            facts = (row.required, completed, row.deadline_on, row.deadline_raw, course_id == last, about)
            decision, matters_from, goes = kind[course_id][facts]
            assigned_at = row.counts_from_at
            if matters_from is not None and assigned_at is not None and assigned_at >= matters_from:
                decision, _, goes = kind[course_id].late(facts, assigned_at)
            decisions.append(decision)
            last = course_id
            if goes:
                sends = True
        return decisions, sends

    def _kind(self, person: Person, calendar: WorkCalendar) -> _Kind:
        alike = (calendar, person.slack_id is None, _likeness(person))
        found = self._kinds.get(alike)
        if found is None:
            self._kinds[alike] = found = self._new_kind(person, calendar)
        return found

    def _new_kind(self, person: Person, calendar: WorkCalendar) -> _Kind:
        self._count()
        facts = dict(zip(LIKENESS, _likeness(person), strict=True))
        nobody = replace(NOBODY, slack_id=person.slack_id and "U", **facts)
        day = Day(person=nobody, policy=self._policy, calendar=calendar, now=self._now)
        return _Kind(day, self.course_of, self._count)

    def _count(self) -> None:
        """One more is remembered; where that is too many, all is forgotten and asked again, so that memory is flat."""
        self._remembered += 1
        if self._remembered > self._most:
            self._kinds.clear()
            self._remembered = 1


def _by_course(said: Iterable[Said]) -> dict[int, About]:
    found: dict[int, About] = {}
    for s in said:
        found[s.course_id] = (*found.get(s.course_id, ()), (s.deadline_on, s.step, s.said_on))
    return found
