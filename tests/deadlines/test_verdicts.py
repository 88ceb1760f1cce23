"""What is remembered of one pass changes nothing: each person hears exactly what they hear when decided about alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.deadlines.calendar import WorkCalendar
from bot.deadlines.model import Assignment, Course, Exemption, NoMatch, Person, Reason, Said, Status
from bot.deadlines.plan import Plan, plan, plan_alike
from bot.deadlines.policy import Day
from bot.deadlines.terms import CourseSteps, Policy
from bot.deadlines.verdicts import MOST, Verdicts
from tests.builders import (
    COPENHAGEN,
    MON_TO_FRI,
    a_calendar,
    a_course,
    a_person,
    an_assignment,
    away,
    copenhagen,
    local,
    on,
    said_in,
)
from tests.deadlines.test_properties import START, assignments, calendars, people, policies

# Both sides of the date line, half hours, and zones whose clocks change within the three weeks.
ZONES = ["Europe/Copenhagen", "America/New_York", "Pacific/Kiritimati", "Pacific/Pago_Pago", "Asia/Kolkata", "UTC"]


@dataclass(frozen=True, kw_only=True)
class Employee:
    """One person of a company."""

    person: Person
    calendar: WorkCalendar
    rows: tuple[Assignment, ...]


@dataclass(frozen=True, kw_only=True)
class Company:
    """People who are decided about together, at a few instants."""

    policy: Policy
    courses: dict[int, Course]
    people: tuple[Employee, ...] = ()
    instants: tuple[datetime, ...] = ()


@st.composite
def companies(draw: st.DrawFn) -> Company:
    """Few kinds of people, of weeks and of rows, so that much is shared by people who differ in the rest."""
    kinds = draw(st.lists(st.one_of(people(), people(reachable=True)), min_size=1, max_size=3))
    weeks = draw(st.lists(calendars, min_size=1, max_size=2))
    rows = draw(st.lists(assignments(), min_size=1, max_size=6))
    named = st.builds(CourseSteps, before_days=st.sampled_from([None, (5, 1, 0)]), off=st.booleans())
    return Company(
        policy=replace(draw(policies), course=draw(st.dictionaries(st.integers(1, 5), named, max_size=2))),
        courses={n: draw(_courses(n)) for n in range(1, 6)},
        people=tuple(draw(st.lists(_employees(kinds, weeks, rows), min_size=2, max_size=6))),
        instants=tuple(START + timedelta(hours=n) for n in sorted(draw(st.sets(st.integers(0, 24 * 21), max_size=5)))),
    )


def _courses(course_id: int) -> st.SearchStrategy[Course]:
    return st.builds(
        Course,
        course_id=st.just(course_id),
        title=st.just(f"course {course_id}"),
        active=st.sampled_from([True, True, True, False]),
        expected_minutes=st.sampled_from([None, 30, 90]),
        lock_after_deadline=st.booleans(),
        inform_leader_deadline=st.booleans(),
    )


@st.composite
def _employees(draw: st.DrawFn, kinds: list[Person], weeks: list[WorkCalendar], rows: list[Assignment]) -> Employee:
    person = replace(
        draw(st.sampled_from(kinds)),
        person_id=draw(st.integers(1, 9)),
        zone=draw(st.sampled_from(ZONES)),
        slack_id=draw(st.sampled_from(["U1", "U2", None])),
        in_audience=draw(st.sampled_from([True, True, True, False])),
        told_on=draw(st.sampled_from([(), (date(2027, 10, 25),)])),
        first_name=draw(st.sampled_from(["", "Ingeborg"])),
    )
    own = draw(st.lists(st.sampled_from(rows), min_size=1, max_size=6))
    return Employee(
        person=person,
        calendar=draw(st.sampled_from(weeks)),
        rows=tuple(
            replace(
                row,
                person_id=person.person_id,
                assigned_at=draw(_assigned(row)),
                first_assigned_at=draw(st.one_of(st.none(), _assigned(row))),
            )
            for row in own
        ),
    )


def _assigned(row: Assignment) -> st.SearchStrategy[datetime | None]:
    """Long ago, at no known time, or within hours of the days on which the deadline and the steps before it fall."""
    around = START if row.deadline_on in (None, date.min) else datetime.combine(row.deadline_on, time.min, UTC)
    days = st.sampled_from([-16, -15, -14, -12, -11, -10, -9, -8, -7, -6, -3, -2, -1, 0, 1, 2, 5])
    near = st.builds(lambda day, hour: around + timedelta(days=day, hours=hour), days, st.integers(-15, 15))
    return st.one_of(st.none(), st.just(START - timedelta(days=200)), near, near)


def alone(company: Company, employee: Employee, now: datetime, heard: Sequence[Said], *, fresh: bool = True) -> Plan:
    """What they hear when nobody was decided about before."""
    day = Day(person=employee.person, policy=company.policy, calendar=employee.calendar, now=now)
    return plan(day, employee.rows, heard, company.courses.__getitem__, fresh=fresh)


@settings(max_examples=150, deadline=None)
@given(companies(), st.booleans(), st.sampled_from([3, MOST]))
def test_what_is_shared_is_what_everybody_would_hear_alone(company: Company, fresh: bool, most: int) -> None:
    """Also where so little is kept that all is forgotten again and again."""
    heard: dict[int, tuple[Said, ...]] = {}
    for now in company.instants:
        verdicts = Verdicts(company.policy, now, company.courses.__getitem__, most=most)
        for n, one in enumerate(company.people):
            before = heard.get(n, ())
            found = plan_alike(verdicts, one.person, one.calendar, one.rows, before, fresh=fresh)
            assert found == alone(company, one, now, before, fresh=fresh)
            heard[n] = before + said_in(found.notice)


# ── two who differ in one thing only, decided about one after the other ──

NOW = copenhagen("2027-06-16 10:00")  # a Wednesday, seven days before the deadline
ROW = an_assignment("2027-06-23")
LONG_AGO = an_assignment("2027-06-23", assigned="2027-01-01 10:00")
LATE = an_assignment("2027-06-23", assigned="2027-06-17 00:00")
ONE = Employee(person=a_person(), calendar=MON_TO_FRI, rows=(ROW,))
PEOPLE: dict[str, dict[str, Any]] = {
    "zone": {"zone": "Asia/Tokyo"},
    "active": {"active": False},
    "employment_ends_on": {"employment_ends_on": on("2027-06-15")},
    "in_audience": {"in_audience": False},
    "exemptions": {"exemptions": (Exemption(course_id=1),)},
    "slack_id": {"slack_id": None},
    "no_match": {"slack_id": None, "no_match": NoMatch.BOT},
    "refused_on": {"refused_on": on("2027-06-16")},
    "refusal": {"refused_on": on("2027-06-16"), "refusal": "is_inactive"},
    "refusals": {"refused_on": on("2027-06-15"), "refusals": 9},
    "absence": {"absence": away(since="2027-06-14 10:00", until="2027-06-18 10:00")},
    "snoozed_until_on": {"snoozed_until_on": on("2027-06-17")},
    "told_on": {"told_on": (on("2027-06-16"),)},
    "person_id": {"person_id": 2, "slack_id": "U2"},
    "language": {"language": "da"},
    "first_name": {"first_name": "Ingeborg"},
}
OTHERS = [pytest.param(replace(ONE, person=a_person(**facts)), id=name) for name, facts in PEOPLE.items()] + [
    pytest.param(replace(ONE, calendar=a_calendar("2027-06-16")), id="a holiday"),
    *(
        pytest.param(replace(ONE, rows=rows), id=name)
        for name, rows in {
            "not required": (replace(ROW, required=False),),
            "started": (replace(ROW, status=Status.STARTED),),
            "completed": (replace(ROW, status=Status.COMPLETED),),
            "another deadline": (an_assignment("2027-06-24"),),
            "an impossible deadline": (an_assignment(None, deadline_raw="soon"),),
            "no deadline": (an_assignment(None),),
            "assigned long ago": (LONG_AGO,),
            "assigned on the step's day": (an_assignment("2027-06-23", assigned="2027-06-16 09:00"),),
            "assigned after the step's day": (an_assignment("2027-06-23", assigned="2027-06-17 00:00"),),
            "assigned long ago and rewritten": (
                replace(LONG_AGO, assigned_at=NOW, first_assigned_at=LONG_AGO.assigned_at),
            ),
            "assigned after the step's day and rewritten": (
                replace(LATE, assigned_at=copenhagen("2027-06-28 03:00"), first_assigned_at=LATE.assigned_at),
            ),
            "two rows": (ROW, LONG_AGO),
            "another course": (replace(ROW, course_id=2),),
            "a long course": (replace(ROW, course_id=3),),
            "an inactive course": (replace(ROW, course_id=4),),
            "a course with steps of its own": (replace(ROW, course_id=5),),
            "courses out of order": (replace(ROW, course_id=2), ROW),
        }.items()
    ),
]
COMPANY = Company(
    policy=replace(Policy(), course={5: CourseSteps(before_days=(5, 0))}),
    courses={
        1: a_course(1, expected_minutes=30),
        2: a_course(2, expected_minutes=30),
        3: a_course(3, expected_minutes=90),
        4: a_course(4, expected_minutes=30, active=False),
        5: a_course(5, expected_minutes=30),
    },
)


@pytest.mark.parametrize("now", ["2027-06-16 10:00", "2027-06-09 10:00", "2027-06-28 10:00"])
@pytest.mark.parametrize("other", OTHERS)
def test_one_fact_makes_the_difference_that_it_makes_alone(other: Employee, now: str) -> None:
    at = copenhagen(now)
    for people_in_turn in ((ONE, other), (other, ONE)):
        verdicts = Verdicts(COMPANY.policy, at, COMPANY.courses.__getitem__)
        for one in people_in_turn:
            found = plan_alike(verdicts, one.person, one.calendar, one.rows, ())
            assert found == alone(COMPANY, one, at, ())


def test_every_fact_about_a_person_is_among_them() -> None:
    assert set(PEOPLE) == {f.name for f in fields(Person)}


@pytest.mark.parametrize("deadline", ["2027-06-14", "2027-06-16", "2027-06-18", "2027-06-23", "2027-06-30"])
@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", COPENHAGEN, "Pacific/Pago_Pago"])
def test_the_day_of_assignment_matters_to_the_minute(zone: str, deadline: str) -> None:
    """The steps' local days, begun and not: what was decided for an early assignment does not do for a late one."""
    person, now = a_person(zone=zone), local("2027-06-16 10:00", zone)
    verdicts = Verdicts(COMPANY.policy, now, COMPANY.courses.__getitem__)
    days = [on(deadline) + timedelta(days=n) for n in (-15, -14, -8, -7, -6, -2, -1, 0, 1, 2)]
    for at in [local(f"{day} {hour}", zone) for day in days for hour in ("00:00", "12:00", "23:59")]:
        for course_id in (1, 3):
            row = an_assignment(deadline, course_id=course_id, assigned_at=at)
            one = Employee(person=person, calendar=MON_TO_FRI, rows=(row,))
            assert plan_alike(verdicts, person, MON_TO_FRI, (row,), ()) == alone(COMPANY, one, now, ())


# ── what it is for ──


def test_people_who_are_alike_get_one_and_the_same_decision() -> None:
    verdicts = Verdicts(COMPANY.policy, NOW, COMPANY.courses.__getitem__)
    plans = [
        plan_alike(verdicts, a_person(person_id=n, slack_id=f"U{n}"), MON_TO_FRI, (replace(row, person_id=n),), ())
        for n in (1, 2)
        for row in (an_assignment("2027-07-23"), LONG_AGO, an_assignment("2027-07-23", course_id=2))
    ]
    (far, near, of_another_course), others = plans[:3], plans[3:]
    assert [p.decisions[0] is q.decisions[0] for p, q in zip(plans[:3], others, strict=True)] == [True, True, True]
    assert of_another_course.decisions[0] is far.decisions[0]
    assert near.decisions[0].reason is Reason.SEND
